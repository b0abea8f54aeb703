/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_RANGE_H
#define V3COMPAT_RANGE_H

#include <linux/atomic.h>
#include <linux/cache.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "base/payload.h"

/*
 * V3C_ORDERS bounds the orders of an allocator's power-of-two blocks, because a block of this order
 * would be all of the 63-bit space.
 */
#define V3C_ORDERS		51
#define V3C_MAX_SLOTS		8

/* V3C_HINT_ORDERS: orders of blocks up to 1 GiB, which quick operations map. */
#define V3C_HINT_ORDERS		19

/* V3C_SPACE_STEP bounds the nodes that are looked at in one piece. */
#define V3C_SPACE_STEP		128

enum v3c_range_kind {
	V3C_RANGE_LOGICAL = 1,	/* mapped by v3c_map() */
	V3C_RANGE_IDENTITY,	/* mapped by v3c_map_identity() */
	V3C_RANGE_TOKEN,	/* a reservation, or a segment that is mapped in one */
	V3C_RANGE_HOLE,		/* never mapped, because the domain's creator asked for it */
	V3C_RANGE_WINDOW,	/* not mapped, because a device's platform uses the addresses */
	V3C_RANGE_DIRECT,	/* identity-mapped for the life of the domain */
	V3C_RANGE_LOST,		/* out of use for good: an IOMMU driver kept some of it mapped */
};

/**
 * DOC: Life of a range
 *
 * Every range is in one state of &enum v3c_range_state, and in the hands of at most one operation,
 * which took it to MAPPING or UNMAPPING. Nobody else touches its addresses until they are given
 * back, so that no lock is needed while the IOMMU driver works.
 *
 * =========  =========  ========================================================================
 * from       to         by
 * =========  =========  ========================================================================
 * free       MAPPING    v3c_space_claim(), v3c_space_alloc(), v3c_quick_map()
 * free       LIVE       v3c_withhold()
 * MAPPING    LIVE       v3c_space_commit(), v3c_quick_map()
 * MAPPING    free       v3c_space_free(), v3c_quick_map()
 * MAPPING    LOST       v3c_space_lose()
 * LIVE       UNMAPPING  v3c_space_hold(), v3c_quick_unmap()
 * LIVE       free       v3c_withhold_undo(), of what v3c_withhold() added
 * LIVE       LOST       v3c_space_fill_step(), v3c_withheld_lose(): the IOMMU driver kept pages
 *                       that were to be taken back
 * UNMAPPING  LIVE       v3c_space_unhold(); v3c_quick_unmap() that finds something unusual; what
 *                       a cut leaves
 * UNMAPPING  free       v3c_space_drop(), v3c_quick_unmap()
 * UNMAPPING  LOST       v3c_space_lose(), v3c_quick_unmap()
 * any        free       v3c_space_clear(), when the domain goes
 * =========  =========  ========================================================================
 *
 * The pages of a range in a reservation become the reservation's again, where others become free.
 * What is LOST stays so until the domain goes, because an IOMMU driver kept some of it mapped.
 *
 * A range may keep a payload, see &struct v3c_pinned. Who takes it from UNMAPPING to free gets the
 * payload, alone or in a &struct v3c_released, and gives its pages back when the operation has
 * ended; that of a LOST range, or of one that nobody unmaps, comes out of v3c_space_clear().
 */

enum v3c_range_state {
	V3C_RANGE_MAPPING,	/* held by the operation that maps it */
	V3C_RANGE_LIVE,
	V3C_RANGE_UNMAPPING,	/* held by the operation that unmaps it */
};

/**
 * struct v3c_view - a range, as it was when it was looked at
 * @first: first page
 * @last: last page
 * @kind: &enum v3c_range_kind
 * @state: &enum v3c_range_state; nothing for %V3C_RANGE_LOST
 * @prot: IOMMU_READ and IOMMU_WRITE
 * @contiguous: known to be one physically contiguous run
 */
struct v3c_view {
	u64 first;
	u64 last;
	u8 kind;
	u8 state;
	u8 prot;
	bool contiguous;
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
 * &struct v3c_hints: where a processor maps next, by the order of the block; 0 where it has to
 * search. Each processor has pages of its own in mind, so that it writes to other cache lines than
 * its neighbours.
 */
struct v3c_hints {
	u64 page[V3C_HINT_ORDERS];
};

/**
 * struct v3c_extent - a range, as it was when it was looked at
 * @first: its first page
 * @last: its last page; or, while it is being made, the last that it had so far
 * @head: its head cell, at @level
 * @level: 0 if @head is a byte
 * @state: of the head
 * @traits: V3C_SLOT_RUN and V3C_SLOT_LARGE
 */
struct v3c_extent {
	u64 first;
	u64 last;
	void *head;
	u8 level;
	u8 state;
	u8 traits;
};

struct v3c_pins;

/**
 * struct v3c_space - the logical address space of a domain
 * @low: the root of what is below V3C_LOW_BITS, or v3c_cells_none, see cells.h
 * @high: the root of what is above, likewise
 * @last: last page that can be used
 * @low_end: the first byte behind it, but at most that behind V3C_LOW_LAST
 * @hints: of each processor, where the space chooses addresses; otherwise NULL
 * @allocates: the space chooses addresses itself
 * @open: operations may start
 * @trimming: @trim is queued
 * @account: __GFP_ACCOUNT where memory for the domain is charged to whoever calls, or 0; constant
 * @pins: where @account is set, &struct v3c_pinned of ranges by their first page, see pins.h
 * @recent_pins: the node of @pins that got a payload last, or NULL
 * @tokens: last pages of reservations, as values, by their first page
 * @given_up: for cond_synchronize_rcu_expedited(): after that no quick operation knows a
 *	reservation which is gone; changed under the domain's mutex before the pages are free
 * @lock: protects @slots, @filling, @filled, @copied and @ended; taken with interrupts off from any
 *	context; an IOMMU driver is called with it held only to fill a table under construction, and
 *	for the address of a page where a range is compared
 * @slots: page tables, by slot, that an operation starting now works on
 * @locked: operations look under @lock what there is, see v3c_gate_look(); changed under the
 *	domain's mutex
 * @filling: of these, the one that is under construction and gets the older ranges piece by piece
 * @filled: @filling has everything up to, and not including, this page, and nothing behind it
 * @copied: the range that was copied last, or that v3c_space_meet() looks at, up to the last page
 *	of it that was looked at; @first is U64_MAX if none is known
 * @ended: that is the last page of the range
 * @epoch: parity of operations starting now
 * @inflight: operations under way, by the parity they started in
 * @idle: woken when a count in @inflight comes to 0
 * @drain: serialises those who wait for an epoch to end
 * @trim: gives back memory some time after something was unmapped
 */
struct v3c_space {
	unsigned long *low;
	unsigned long *high;
	u64 last;
	u64 low_end;
	struct v3c_hints __percpu *hints;
	bool allocates;
	bool open;
	bool trimming;
	gfp_t account;
	struct xarray pins;
	struct xarray tokens;
	struct v3c_pins *recent_pins;
	unsigned long given_up;
	spinlock_t lock ____cacheline_aligned_in_smp;
	u8 slots;
	bool locked;
	u8 filling;
	u8 epoch;
	bool ended;
	u64 filled;
	struct v3c_extent copied;
	atomic_t inflight[2];
	wait_queue_head_t idle;
	struct mutex drain;
	struct delayed_work trim;
};

/**
 * struct v3c_head - where the head of a range is
 * @at: the cell, or NULL if it has to be looked for
 * @level: of the node that it is in
 * @only: it is the only cell of the range
 */
struct v3c_head {
	void *at;
	u8 level;
	bool only;
};

/**
 * struct v3c_op - an operation under way
 * @filled: &v3c_space.filled, as v3c_gate_look() found it; what the operation holds is not copied
 *	any further
 * @slots: page tables it works on
 * @filling: of these, the one under construction
 * @epoch: parity it started in
 */
struct v3c_op {
	u64 filled;
	u8 slots;
	u8 filling;
	u8 epoch;
};

/**
 * struct v3c_pinned - the payload of a range, or the spare record of one that was, see pins.h
 * @next: in &v3c_released.chain
 * @pin: the payload
 * @pages: of the range
 */
struct v3c_pinned {
	struct v3c_pinned *next;
	struct v3c_pin pin;
	u64 pages;
};

/**
 * struct v3c_released - payloads of ranges that are unmapped, to be given back
 * @chain: of ranges that are in no space any more
 *
 * Begins as all zeroes. v3c_released_give() ends it, when no lock is held, no operation is under
 * way and v3c_quick_exit() was called.
 */
struct v3c_released {
	struct v3c_pinned *chain;
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
