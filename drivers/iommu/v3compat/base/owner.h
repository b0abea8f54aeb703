/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_OWNER_H
#define V3COMPAT_OWNER_H

#include <linux/types.h>

/**
 * struct v3c_owner - on whose account objects are made
 * @name: in messages
 * @strict: a group whose DMA ownership cannot be claimed is not attached, and nothing is learnt
 *	from devices of others
 *
 * Also the cookie by which DMA ownership is claimed, so that no two owners have the same IOMMU
 * group. v3c_reclaim() takes back what an owner has.
 */
struct v3c_owner {
	const char *name;
	bool strict;
};

#endif
