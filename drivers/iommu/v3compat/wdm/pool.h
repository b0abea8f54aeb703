/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_POOL_H
#define V3COMPAT_POOL_H

#include <linux/gfp_types.h>
#include <linux/types.h>

void *v3w_pool_alloc(size_t size, gfp_t more);
void v3w_pool_free(void *memory);

#endif
