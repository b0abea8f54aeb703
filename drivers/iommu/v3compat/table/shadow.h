/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_SHADOW_H
#define V3COMPAT_SHADOW_H

#include <linux/atomic.h>
#include <linux/gfp_types.h>
#include <linux/string.h>
#include <linux/types.h>

#include "base/phys.h"

struct v3c_hwpt;
struct v3c_shadow;
struct v3c_space;
struct v3c_tables;

/**
 * struct v3c_work - what a call that compares may still do, in entries looked at
 * @may_sleep: the call may sleep, and need not stop before it is done
 * @piece: entries before v3c_work_renew() is due
 * @left: entries before the call stops, unless it may sleep
 * @maps: calls that map before the call only removes, unless it may sleep
 */
struct v3c_work {
	bool may_sleep;
	unsigned int piece;
	unsigned int left;
	unsigned int maps;
};

/**
 * struct v3c_sync - a comparison under way
 * @first: first page, moved back where widen_sync() found a leaf that begins before it
 * @last: last page of this half of the addresses, moved on likewise
 * @at: everything before is done
 * @end: last page of all
 * @list: addresses that the call brings up to date next, see v3c_listed_page()
 * @listed: how many they are, or 0
 * @taken: how many of them, from the first one on, have been brought up to date with these pages
 * @compared: first page of the node whose leaves were last compared with a large leaf
 * @visited: parts of tables met that had nothing to mirror
 * @refused: large leaves met that the IOMMU driver did not take
 * @maps: calls that map in this step
 * @tries: calls of v3c_refill() since there was memory last
 * @gfp: for nodes and tables in this step
 * @err: why nothing more is mapped, or 0
 */
struct v3c_sync {
	u64 first;
	u64 last;
	u64 at;
	u64 end;
	const u8 *list;
	u32 listed;
	u32 taken;
	u64 compared;
	unsigned long visited;
	unsigned long refused;
	unsigned int maps;
	unsigned int tries;
	gfp_t gfp;
	int err;
};

/* v3c_listed_page() reads one address of 8 bytes, because a caller's list need not be aligned. */
static inline u64 v3c_listed_page(const u8 *list, u32 index)
{
	u64 address;

	memcpy(&address, list + index * sizeof(address), sizeof(address));
	return address >> V3C_PAGE_SHIFT;
}

/* v3c_work_is_over() tells that the call has to stop, done or not. */
static inline bool v3c_work_is_over(const struct v3c_work *work)
{
	return !work->left;
}

void v3c_work_init(struct v3c_work *work, bool may_sleep);
void v3c_work_done(struct v3c_work *work, unsigned int entries);
void v3c_work_renew(struct v3c_work *work);

struct v3c_shadow *v3c_shadow_alloc(struct v3c_hwpt *hwpt, struct v3c_space *space,
				    const struct v3c_tables *tables, atomic_long_t *domain_nodes);
void v3c_shadow_free(struct v3c_shadow *shadow);
void v3c_shadow_empty(struct v3c_shadow *shadow);
void v3c_shadow_set_tables(struct v3c_shadow *shadow, const struct v3c_tables *tables);
void v3c_sync_init(struct v3c_sync *sync, u64 first, u64 last);
bool v3c_shadow_sync_piece(struct v3c_shadow *shadow, struct v3c_sync *sync, struct v3c_work *work);
int v3c_shadow_sync(struct v3c_shadow *shadow, bool may_sleep);
int v3c_shadow_permissions(struct v3c_shadow *shadow, u64 page);
bool v3c_shadow_overlaps(struct v3c_shadow *shadow, u64 first, u64 last);

int v3c_shadow_module_init(void);
void v3c_shadow_module_exit(void);

#endif
