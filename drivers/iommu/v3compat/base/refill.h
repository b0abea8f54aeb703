/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_REFILL_H
#define V3COMPAT_REFILL_H

int v3c_refill(unsigned int *tries);

#endif
