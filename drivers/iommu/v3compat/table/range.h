/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_RANGE_H
#define V3COMPAT_RANGE_H

#include <linux/atomic.h>
#include <linux/cache.h>
#include <linux/rbtree.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>

/*
 * V3C_ORDERS bounds the orders of an allocator's power-of-two blocks, because a block of this order
 * would be all of the 63-bit space.
 */
#define V3C_ORDERS		51
#define V3C_MAX_SLOTS		8

/*
 * V3C_HOT_WAYS sets of free blocks are within reach of quick operations, each with one block of
 * every order below V3C_HOT_ORDERS. Processors share the sets by their number.
 */
#define V3C_HOT_ORDERS		10
#define V3C_HOT_WAYS		4

/*
 * V3C_RECENT ranges are found by their first page without a search, unless another took the place.
 */
#define V3C_RECENT		64

/* V3C_SPACE_STEP bounds the ranges looked at or changed without releasing the lock. */
#define V3C_SPACE_STEP	128

struct v3c_op;

enum v3c_range_kind {
	V3C_RANGE_LOGICAL,	/* mapped by v3c_map() */
	V3C_RANGE_IDENTITY,	/* mapped by v3c_map_identity() */
	V3C_RANGE_TOKEN,	/* a reservation; its token knows what is mapped in it */
	V3C_RANGE_HOLE,		/* never mapped, because the domain's creator asked for it */
	V3C_RANGE_WINDOW,	/* not mapped, because a device's platform uses the addresses */
	V3C_RANGE_DIRECT,	/* identity-mapped for the life of the domain */
};

enum v3c_range_state {
	V3C_RANGE_CACHED,	/* a free block in &v3c_space.cache or @hot */
	V3C_RANGE_MAPPING,	/* held by the operation that maps it */
	V3C_RANGE_LIVE,
	V3C_RANGE_UNMAPPING,	/* held by the operation that unmaps it */
	V3C_RANGE_LOST,		/* out of use for good: an IOMMU driver kept some of it mapped */
};

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
 * @next: next of its list, while %V3C_RANGE_CACHED or in &v3c_space.spare
 * @generation: of the space when it was mapped
 * @kind: &enum v3c_range_kind
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
 * struct v3c_traits - what a new range is to be
 * @kind: &enum v3c_range_kind
 * @prot: IOMMU_READ and IOMMU_WRITE
 * @contiguous: one physically contiguous run
 */
struct v3c_traits {
	u8 kind;
	u8 prot;
	bool contiguous;
};

/*
 * &struct v3c_hot: free blocks, one of each small order, that a processor finds without meeting
 * another one on its way.
 */
struct v3c_hot {
	struct v3c_range *block[V3C_HOT_ORDERS];
} ____cacheline_aligned_in_smp;

/**
 * struct v3c_space - the logical address space of a domain
 * @lock: protects everything here; taken with interrupts off from any context; an IOMMU driver is
 *	called with it held only to fill a table under construction
 * @root: ranges in use and cached blocks
 * @last: last page that can be used
 * @cache: free blocks of each order, last freed first
 * @nr_cached: length of each list in @cache
 * @all_cached: length of all lists in @cache together
 * @hot: free blocks that are in no list of @cache; taken by xchg, put by cmpxchg, without the lock
 * @spare: unused records, linked by &v3c_range.next
 * @nr_spare: length of @spare
 * @recent: ranges by a few bits of their first page; a hint, cleared before a range leaves @root
 * @slots: page tables, by slot, that an operation starting now works on
 * @filling: of these, the one that is under construction and gets the older ranges piece by piece
 * @filled: @filling has the ranges of an older generation up to, and not including, this page
 * @generation: counts constructions; ranges of the present one are in every table
 * @epoch: parity of operations starting now
 * @inflight: operations under way, by the parity they started in
 * @idle: woken when a count in @inflight comes to 0
 * @open: operations may start
 * @allocates: the space chooses addresses itself
 */
struct v3c_space {
	spinlock_t lock;
	struct rb_root root;
	u64 last;
	struct v3c_range *cache[V3C_ORDERS + 1];
	u8 nr_cached[V3C_ORDERS + 1];
	u8 all_cached;
	u8 nr_spare;
	struct v3c_range *spare;
	u8 slots;
	u8 filling;
	u8 epoch;
	u32 generation;
	u64 filled;
	unsigned int inflight[2];
	wait_queue_head_t idle;
	bool open;
	bool allocates;
	struct v3c_hot hot[V3C_HOT_WAYS];
	struct v3c_range *recent[V3C_RECENT] ____cacheline_aligned_in_smp;
};

/**
 * struct v3c_op - an operation under way
 * @range: the (first) range it holds
 * @first: first page of what it holds
 * @last: last page of what it holds
 * @generation: &v3c_space.generation, as v3c_gate_look() found it
 * @filled: &v3c_space.filled, likewise; what the operation holds is not copied any further
 * @slots: page tables it works on
 * @filling: of these, the one under construction
 * @epoch: parity it started in
 */
struct v3c_op {
	struct v3c_range *range;
	u64 first;
	u64 last;
	u64 filled;
	u32 generation;
	u8 slots;
	u8 filling;
	u8 epoch;
};

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

static inline bool v3c_range_is_unmapped(const struct v3c_range *range)
{
	return range->kind == V3C_RANGE_HOLE || range->kind == V3C_RANGE_WINDOW;
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
