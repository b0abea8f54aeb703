/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Interrupt request levels. spinlock.h has what asks for and changes them.
 */
#ifndef _V3COMPAT_DDK_IRQL_H
#define _V3COMPAT_DDK_IRQL_H

#include "types.h"

typedef UCHAR KIRQL, *PKIRQL;

/* The levels of 64-bit Windows. */
#define PASSIVE_LEVEL 0
#define LOW_LEVEL 0
#define APC_LEVEL 1
#define DISPATCH_LEVEL 2
#define CMCI_LEVEL 5
#define CLOCK_LEVEL 13
#define IPI_LEVEL 14
#define DRS_LEVEL 14
#define POWER_LEVEL 14
#define PROFILE_LEVEL 15
#define HIGH_LEVEL 15

#endif /* _V3COMPAT_DDK_IRQL_H */
