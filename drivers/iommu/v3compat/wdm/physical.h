/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_PHYSICAL_H
#define V3COMPAT_PHYSICAL_H

#include <wdm.h>

bool v3w_kernel_frame(const void *va, PFN_NUMBER *frame);

#endif
