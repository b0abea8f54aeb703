/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_RECORD_H
#define V3COMPAT_RECORD_H

/*
 * The record of a range, for those who keep records. Everybody else names ranges by their first and
 * last page, see space.h.
 */
#include <linux/atomic.h>
#include <linux/container_of.h>
#include <linux/rbtree.h>
#include <linux/types.h>

#include "table/range.h"

/* V3C_SPACE_STEP bounds the ranges looked at or changed without releasing the lock. */
#define V3C_SPACE_STEP	128

/**
 * struct v3c_range - one range of logical pages in use, the truth about what is mapped
 * @node: in &v3c_space.root, ordered by address; ranges never overlap
 * @rcu: while it waits to be freed
 * @first: first page, inclusive
 * @last: last page, inclusive
 * @gap: if the space chooses addresses: free pages between the previous range's block (or page 0)
 *	and this one's
 * @holder: otherwise, in %V3C_RANGE_UNMAPPING: the operation that holds the range
 * @call: otherwise, before it is first held: the call of v3c_map_identity() that mapped it
 * @next: next of its list, while %V3C_RANGE_CACHED, in &v3c_space.spare or &v3c_released.chain
 * @generation: of the space when it was mapped
 * @kind: &enum v3c_range_kind, with %V3C_RANGE_PINNED if it has a payload
 * @prot: IOMMU_READ and IOMMU_WRITE
 * @contiguous: one physically contiguous run
 * @large: mapped by a quick operation in leaves of 2 MiB or more
 * @state: &enum v3c_range_state; from LIVE to UNMAPPING by cmpxchg only
 * @order: the range occupies the aligned block of this order around it; 0 means just itself
 * @gap_order: one more than the order of the largest aligned block that fits in @gap, 0 for none
 * @max_gap_order: largest @gap_order in this subtree
 *
 * All under the space's lock, with two exceptions. Whoever took a range to %V3C_RANGE_MAPPING or
 * %V3C_RANGE_UNMAPPING may read its address and traits, and set its state, without the lock. And a
 * quick unmap takes a range that it found in &v3c_space.recent without the lock: so the memory of a
 * range stays a range of the same space for a grace period.
 */
struct v3c_range {
	union {
		struct rb_node node;
		struct rcu_head rcu;
	};
	u64 first;
	u64 last;
	union {
		u64 gap;
		const struct v3c_op *holder;
		u64 call;
	};
	union {
		struct v3c_range *next;
		struct {
			u32 generation;
			u8 kind;
			u8 prot;
			bool contiguous;
			bool large;
		};
	};
	u8 state;
	u8 order;
	u8 gap_order;
	u8 max_gap_order;
};

/**
 * struct v3c_pinned_range - the record of a range in a space whose ranges may have payloads
 * @range: the range
 * @pin: its payload, with %V3C_RANGE_PINNED
 *
 * All records of a space are of one size, because they serve again for other ranges.
 */
struct v3c_pinned_range {
	struct v3c_range range;
	struct v3c_pin pin;
};

static inline struct v3c_pin *v3c_range_pin(struct v3c_range *range)
{
	return &container_of(range, struct v3c_pinned_range, range)->pin;
}

#define v3c_to_range(rb)	rb_entry_safe(rb, struct v3c_range, node)

static inline u64 v3c_range_pages(const struct v3c_range *range)
{
	return range->last - range->first + 1;
}

/*
 * v3c_block_first() begins the allocator's block that @range occupies, of which it need not use
 * all.
 */
static inline u64 v3c_block_first(const struct v3c_range *range)
{
	return range->first & ~((1ULL << range->order) - 1);
}

static inline u64 v3c_block_last(const struct v3c_range *range)
{
	return range->last | ((1ULL << range->order) - 1);
}

/* v3c_range_kind(): the &enum v3c_range_kind of @range, whether it has a payload or not. */
static inline u8 v3c_range_kind(const struct v3c_range *range)
{
	return range->kind & ~V3C_RANGE_PINNED;
}

static inline bool v3c_range_is_unmapped(const struct v3c_range *range)
{
	return range->kind == V3C_RANGE_HOLE || range->kind == V3C_RANGE_WINDOW;
}

/* v3c_range_view() shows @range, of which the caller has read @state. */
static inline struct v3c_view v3c_range_view(const struct v3c_range *range, u8 state)
{
	return (struct v3c_view) {
		.first = range->first, .last = range->last, .kind = v3c_range_kind(range),
		.state = state, .prot = range->prot, .contiguous = range->contiguous,
		.pinned = range->kind & V3C_RANGE_PINNED,
	};
}

static inline void v3c_range_set_traits(struct v3c_range *range, struct v3c_traits like)
{
	range->kind = like.kind;
	range->prot = like.prot;
	range->contiguous = like.contiguous;
	range->large = false;
}

/* v3c_range_give() hands @range on; whoever takes it next sees all that was done to it. */
static __always_inline void v3c_range_give(struct v3c_range *range, enum v3c_range_state state)
{
	/* Pairs with the try_cmpxchg() or acquire that takes @range. */
	smp_store_release(&range->state, state);
}

static inline struct v3c_range **v3c_space_recent(struct v3c_space *space, u64 page)
{
	/*
	 * Neighbouring blocks are used at the same time: @space->recent has them in different cache
	 * lines.
	 */
	return &space->recent[(page % 8 * 8 + page / 8 % 8) % V3C_RECENT];
}

/* v3c_space_remember() makes @range known to quick operations. */
static __always_inline void v3c_space_remember(struct v3c_space *space, u64 page,
					       struct v3c_range *range)
{
	/*
	 * Release, so that who finds @range sees it as it is, and not what its memory was before.
	 */
	smp_store_release(v3c_space_recent(space, page), range);
}

#endif
