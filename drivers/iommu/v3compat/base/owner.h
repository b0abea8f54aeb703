/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_OWNER_H
#define V3COMPAT_OWNER_H

#include <linux/types.h>

/**
 * struct v3c_owner - on whose account objects are made
 * @name: in messages
 * @strict: a group is attached only with DMA ownership, and a domain gets its first page table
 *	from a device of the owner only
 *
 * Also the cookie by which DMA ownership is claimed, so that no two owners have the same IOMMU
 * group. v3c_reclaim() takes back what an owner has.
 */
struct v3c_owner {
	const char *name;
	bool strict;
};

#endif
