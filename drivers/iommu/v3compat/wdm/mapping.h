/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_MAPPING_H
#define V3COMPAT_MAPPING_H

#include <linux/types.h>

/* enum v3w_cache: how processors cache memory of a device. */
enum v3w_cache {
	V3W_CACHE_NONE,
	V3W_CACHE_COMBINE,
	V3W_CACHE_FULL,
};

void *v3w_map_frames(const unsigned long long *frames, unsigned long count, bool writable);
void *v3w_map_device(phys_addr_t start, size_t length, enum v3w_cache cache);
void v3w_unmap(const void *va);
void v3w_mapping_flush(void);
void v3w_mapping_module_exit(void);

#endif
