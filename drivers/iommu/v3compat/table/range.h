/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_RANGE_H
#define V3COMPAT_RANGE_H

#include <linux/cache.h>
#include <linux/rbtree_types.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>

#include "base/payload.h"

struct kmem_cache;
struct v3c_range;

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

enum v3c_range_kind {
	V3C_RANGE_LOGICAL,	/* mapped by v3c_map() */
	V3C_RANGE_IDENTITY,	/* mapped by v3c_map_identity() */
	V3C_RANGE_TOKEN,	/* a reservation; its token knows what is mapped in it */
	V3C_RANGE_HOLE,		/* never mapped, because the domain's creator asked for it */
	V3C_RANGE_WINDOW,	/* not mapped, because a device's platform uses the addresses */
	V3C_RANGE_DIRECT,	/* identity-mapped for the life of the domain */
};

/*
 * V3C_RANGE_PINNED, beside a kind: the range keeps a payload. A kind with it and one without are
 * two kinds to those who map and unmap, so that ranges without a payload cost nothing more.
 */
#define V3C_RANGE_PINNED	0x80

/**
 * DOC: Life of a range
 *
 * Every &struct v3c_range is in one state of &enum v3c_range_state, and in the hands of at most one
 * operation, which took it to MAPPING or UNMAPPING. Nobody else touches its addresses until they
 * are given back, so that no lock is needed while the IOMMU driver works.
 *
 * =========  =========  ========================================================================
 * from       to         by
 * =========  =========  ========================================================================
 * free       MAPPING    v3c_space_alloc(), v3c_space_claim()
 * CACHED     MAPPING    v3c_space_alloc(), v3c_space_quick_alloc()
 * CACHED     free       v3c_tree_drain_blocks()
 * free       LIVE       v3c_withhold()
 * MAPPING    LIVE       v3c_space_commit(), v3c_space_commit_call(), v3c_quick_map()
 * MAPPING    free       v3c_space_abort(), v3c_space_quick_put(): see below
 * MAPPING    LOST       v3c_space_lose()
 * LIVE       UNMAPPING  v3c_space_release_begin(), v3c_space_hold(), v3c_space_hold_call(),
 *                       v3c_space_quick_hold()
 * LIVE       free       v3c_withhold_undo(), of what v3c_withhold() added
 * LIVE       LOST       v3c_space_fill_step(), v3c_withheld_lose(): the IOMMU driver kept pages
 *                       that were to be taken back
 * UNMAPPING  LIVE       v3c_space_unhold(), v3c_space_unhold_all(); whoever took it there and is
 *                       refused; v3c_quick_unmap() that finds something unusual; what a cut
 *                       leaves
 * UNMAPPING  free       v3c_space_release_end(), v3c_space_drop(), v3c_space_quick_put(): see
 *                       below; with a payload v3c_space_release_pinned(), v3c_space_drop_pinned()
 * UNMAPPING  LOST       v3c_space_lose(), v3c_space_drop_lost(), v3c_quick_unmap()
 * any        free       v3c_space_clear(), when the domain goes
 * =========  =========  ========================================================================
 *
 * Where the space chooses addresses, the block of a range that would become free is CACHED for the
 * next map of its size, unless many are cached already. What is LOST stays so until the domain
 * goes, because an IOMMU driver kept some of it mapped.
 *
 * A range of a kind with %V3C_RANGE_PINNED carries a &struct v3c_pin. Who takes it from UNMAPPING
 * to free gets the pin in a &struct v3c_released, and gives its pages back when the operation has
 * ended; that of a LOST range, or of one that nobody unmaps, comes out of v3c_space_clear().
 */

enum v3c_range_state {
	V3C_RANGE_CACHED,	/* a free block in &v3c_space.cache or @hot */
	V3C_RANGE_MAPPING,	/* held by the operation that maps it */
	V3C_RANGE_LIVE,
	V3C_RANGE_UNMAPPING,	/* held by the operation that unmaps it */
	V3C_RANGE_LOST,		/* out of use for good: an IOMMU driver kept some of it mapped */
};

/**
 * struct v3c_view - a range, as it was when it was looked at
 * @first: first page
 * @last: last page
 * @kind: &enum v3c_range_kind
 * @state: &enum v3c_range_state, never %V3C_RANGE_CACHED
 * @prot: IOMMU_READ and IOMMU_WRITE
 * @contiguous: one physically contiguous run
 * @pinned: it keeps a payload
 */
struct v3c_view {
	u64 first;
	u64 last;
	u8 kind;
	u8 state;
	u8 prot;
	bool contiguous;
	bool pinned;
};

/**
 * struct v3c_traits - what a new range is to be
 * @kind: &enum v3c_range_kind, with %V3C_RANGE_PINNED if v3c_space_pin() follows
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
 * @account: __GFP_ACCOUNT where memory for the domain is charged to whoever calls, or 0; constant
 * @records: where records come from: with room for payloads if @account
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
	gfp_t account;
	struct kmem_cache *records;
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

/**
 * struct v3c_released - payloads of ranges that are unmapped, to be given back
 * @pin: of a single range
 * @pages: of @pin; 0 for none
 * @chain: the records of more ranges, which are in no space any more
 *
 * Begins as all zeroes. v3c_released_give() ends it, when no lock is held, no operation is under
 * way and v3c_quick_exit() was called.
 */
struct v3c_released {
	struct v3c_pin pin;
	u64 pages;
	struct v3c_range *chain;
};

/**
 * struct v3c_span - one of several ranges that are unmapped together
 * @first: first page
 * @last: last page, not before @first
 * @lost: the IOMMU driver kept some of it
 */
struct v3c_span {
	u64 first;
	u64 last;
	bool lost;
};

#endif
