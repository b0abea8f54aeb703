/* SPDX-License-Identifier: GPL-2.0 */
/*
 * &struct v3c_segments: where the cells of a reservation's pages are.
 */
#ifndef V3COMPAT_SEGMENTS_H
#define V3COMPAT_SEGMENTS_H

#include <linux/rcupdate.h>
#include <linux/types.h>

#include "base/phys.h"
#include "table/cells.h"

struct v3c_domain;

/**
 * struct v3c_segments - where the cells of a reservation are
 * @rcu: while it waits to be freed: a quick operation may still look at it
 * @domain: whose it is
 * @first: first logical page
 * @pages: length
 * @base: @first in bytes
 * @size: @pages in bytes
 * @lead: pages in front of @first in its leaf, in bytes
 * @leaf: leaves from that of @first on; they stay as long as the pages are reserved
 */
struct v3c_segments {
	struct rcu_head rcu;
	struct v3c_domain *domain;
	u64 first;
	u64 pages;
	u64 base;
	u64 size;
	u64 lead;
	u8 *leaf[];
};

/* v3c_segment_leaf(): where the leaf of page @page, from the start, is noted. */
static inline u8 **v3c_segment_leaf(struct v3c_segments *segments, u64 page)
{
	return &segments->leaf[(page + (segments->lead >> V3C_PAGE_SHIFT)) >> V3C_LEAF_BITS];
}

/* v3c_segment_cell(): the cell of the page at @offset, in bytes. */
static __always_inline u8 *v3c_segment_cell(const struct v3c_segments *segments, u64 offset)
{
	offset += segments->lead;
	return segments->leaf[offset >> (V3C_PAGE_SHIFT + V3C_LEAF_BITS)] +
	       ((offset >> V3C_PAGE_SHIFT) & (V3C_LEAF_CELLS - 1));
}

#endif
