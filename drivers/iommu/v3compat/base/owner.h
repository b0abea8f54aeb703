/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_OWNER_H
#define V3COMPAT_OWNER_H

#include <linux/gfp_types.h>
#include <linux/types.h>

/**
 * struct v3c_owner - on whose account objects are made
 * @name: in messages
 * @strict: a group is attached only with DMA ownership, and a domain gets its first page table
 *	from a device of the owner only
 * @user: a process or several: memory of domains is charged to the memory cgroup of whoever calls,
 *	but for handles, whose memory serves others later; and the death of whoever calls ends a
 *	wait for others, see v3c_handle_wait_state()
 *
 * No two owners have the same IOMMU group. v3c_reclaim() takes back what an owner has, but for the
 * groups that he has claimed.
 */
struct v3c_owner {
	const char *name;
	bool strict;
	bool user;
};

/* v3c_owner_account(): what to add to the flags of an allocation on the account of @owner. */
static inline gfp_t v3c_owner_account(const struct v3c_owner *owner)
{
	return owner->user ? __GFP_ACCOUNT : 0;
}

/* v3c_owner_gfp() is for objects of @owner, where the caller may sleep. */
static inline gfp_t v3c_owner_gfp(const struct v3c_owner *owner)
{
	return GFP_KERNEL | v3c_owner_account(owner);
}

#endif
