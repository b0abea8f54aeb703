// SPDX-License-Identifier: GPL-2.0
/*
 * &struct v3c_space: the logical address space of a domain: which ranges are in use, and who holds
 * them.
 *
 * An operation holds its range in %V3C_RANGE_MAPPING or %V3C_RANGE_UNMAPPING while the lock is not
 * held, so that no other one touches the same addresses.
 */
#include <kunit/visibility.h>
#include <linux/export.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "base/phys.h"
#include "table/gate.h"
#include "table/space.h"
#include "table/space_quick.h"
#include "table/tree.h"

/* V3C_LOOK_AHEAD bounds the ranges that v3c_space_fill_step() passes over at a time. */
#define V3C_LOOK_AHEAD		256

static void hold_range(struct v3c_space *space, struct v3c_range *range, u64 first, u64 last,
		       struct v3c_op *op)
{
	v3c_gate_start(space, op);
	range->state = V3C_RANGE_MAPPING;
	range->first = first;
	range->last = last;
	range->generation = op->generation;
	v3c_space_remember(space, first, range);
	op->range = range;
	op->first = first;
	op->last = last;
}

static int insert_block(struct v3c_space *space, struct v3c_range *range,
			const struct v3c_want *want, struct v3c_op *op)
{
	u64 block;

	if (!v3c_tree_find_block(space, want, &block) &&
	    !(v3c_tree_drain_blocks(space) && v3c_tree_find_block(space, want, &block)))
		return -ENOSPC;
	range->order = want->order;
	hold_range(space, range, block, block + want->pages - 1, op);
	v3c_tree_link(space, range);
	return 0;
}

/**
 * v3c_space_alloc() - choose a range and hold it for mapping
 * @space: the space
 * @pages: length, at least 1
 * @lo: lowest page allowed
 * @hi: highest page allowed; may lie beyond the end of the space
 * @like: kind, prot and contiguous of the new range
 * @gfp: for the range's record
 * @op: result, to be given to v3c_space_commit() or v3c_space_abort()
 *
 * Context: any that @gfp allows.
 * Return: 0; -ESTALE on a closed space; -ENOSPC without room; -ENOMEM.
 */
int v3c_space_alloc(struct v3c_space *space, u64 pages, u64 lo, u64 hi,
		    struct v3c_traits like, gfp_t gfp, struct v3c_op *op)
{
	struct v3c_want want = {
		.pages = pages,
		/*
		 * Page 0 is never chosen, because a device that leaves its address register at 0
		 * must hit nothing.
		 */
		.lo = max(lo, 1ULL),
		.hi = hi,
		.order = order_base_2(pages),
	};
	struct v3c_range *range, *spare;
	int ret;

	if (want.order > V3C_ORDERS)
		return -ENOSPC;
	spare = kmem_cache_alloc(space->records, gfp);
	if (!spare)
		return -ENOMEM;

	scoped_guard(spinlock_irqsave, &space->lock) {
		if (!space->open) {
			ret = -ESTALE;
			break;
		}
		range = v3c_tree_pop_block(space, &want);
		if (range) {
			v3c_range_set_traits(range, like);
			hold_range(space, range, range->first, range->first + pages - 1, op);
			ret = 0;
		} else {
			v3c_range_set_traits(spare, like);
			ret = insert_block(space, spare, &want, op);
			if (!ret)
				spare = NULL;
		}
	}
	if (spare)
		kmem_cache_free(space->records, spare);
	return ret;
}

static int check_claim(struct v3c_space *space, u64 first, u64 last)
{
	struct v3c_range *there;

	lockdep_assert_held(&space->lock);

	if (!space->open)
		return -ESTALE;
	if (last > space->last)
		return -ERANGE;
	there = v3c_tree_find(space, first);
	return there && v3c_block_first(there) <= last ? -EADDRINUSE : 0;
}

/*
 * claim_range() is v3c_space_claim() with @fresh for the range's record, or with one of the space's
 * own where @fresh is NULL. -EAGAIN when the space has none.
 */
static __always_inline int claim_range(struct v3c_space *space, u64 first, u64 last,
				       struct v3c_traits like, struct v3c_range *fresh,
				       struct v3c_op *op)
{
	struct v3c_range *range;
	int ret;

	guard(spinlock_irqsave)(&space->lock);
	ret = check_claim(space, first, last);
	if (ret)
		return ret;
	range = fresh ?: v3c_tree_take_spare(space);
	if (!range)
		return -EAGAIN;
	range->order = 0;
	v3c_range_set_traits(range, like);
	hold_range(space, range, first, last, op);
	v3c_tree_link(space, range);
	return 0;
}

/**
 * v3c_space_claim() - hold exactly this range for mapping
 * @space: the space
 * @first: first page
 * @last: last page, not before @first
 * @like: kind, prot and contiguous of the new range
 * @gfp: for the range's record
 * @op: result, to be given to v3c_space_commit() or v3c_space_abort()
 *
 * Context: any that @gfp allows.
 * Return: 0; -ESTALE on a closed space; -ERANGE beyond the end of the space; -EADDRINUSE if any
 * page is in use; -ENOMEM.
 */
int v3c_space_claim(struct v3c_space *space, u64 first, u64 last, struct v3c_traits like,
		    gfp_t gfp, struct v3c_op *op)
{
	int ret = claim_range(space, first, last, like, NULL, op);
	struct v3c_range *fresh;

	if (ret != -EAGAIN)
		return ret;
	fresh = kmem_cache_alloc(space->records, gfp);
	if (!fresh)
		return -ENOMEM;
	ret = claim_range(space, first, last, like, fresh, op);
	if (ret)
		kmem_cache_free(space->records, fresh);
	return ret;
}

/* Ends @op: the range that it holds is mapped in all of its page tables. */
void v3c_space_commit(struct v3c_space *space, struct v3c_op *op)
{
	unsigned long flags;

	spin_lock_irqsave(&space->lock, flags);
	v3c_range_give(op->range, V3C_RANGE_LIVE);
	v3c_gate_finish(space, op);
	spin_unlock_irqrestore(&space->lock, flags);
}

/*
 * v3c_space_pin() gives the range that @op holds for mapping, of a kind with %V3C_RANGE_PINNED, its
 * payload.
 */
void v3c_space_pin(struct v3c_op *op, struct v3c_pin pin)
{
	*v3c_range_pin(op->range) = pin;
}

/* v3c_space_commit() for a range that v3c_space_hold_call() is to find by @call. */
void v3c_space_commit_call(struct v3c_space *space, struct v3c_op *op, u64 call)
{
	op->range->call = call;
	v3c_space_commit(space, op);
}

static void put_range(struct v3c_space *space, struct v3c_range *range)
{
	lockdep_assert_held(&space->lock);

	/*
	 * v3c_tree_push_block() keeps an allocator's block, whose range starts where it does, for
	 * the next map; but not what lies beyond @space->last.
	 */
	if (space->allocates && range->last <= space->last && v3c_tree_push_block(space, range))
		return;
	v3c_tree_unlink(space, range);
	v3c_tree_free(space, range);
}

/* The general case of v3c_space_quick_put(). */
void v3c_space_put(struct v3c_space *space, struct v3c_range *range)
{
	unsigned long flags;

	spin_lock_irqsave(&space->lock, flags);
	put_range(space, range);
	spin_unlock_irqrestore(&space->lock, flags);
}

/* Ends @op: the range that it holds is mapped in no page table. */
void v3c_space_abort(struct v3c_space *space, struct v3c_op *op)
{
	guard(spinlock_irqsave)(&space->lock);
	put_range(space, op->range);
	v3c_gate_finish(space, op);
}

/*
 * for_held() calls @each under the lock for the ranges that make up [@first, @last], all of which
 * the caller holds, V3C_SPACE_STEP at a time. @each may take the range out of the space.
 */
static void for_held(struct v3c_space *space, u64 first, u64 last,
		     void (*each)(struct v3c_space *space, struct v3c_range *range, void *arg),
		     void *arg)
{
	struct v3c_range *range, *next;
	unsigned int step;

	while (first <= last) {
		guard(spinlock_irqsave)(&space->lock);
		range = v3c_tree_find(space, first);
		for (step = 0; step < V3C_SPACE_STEP && first <= last; step++) {
			first = range->last + 1;
			next = first <= last ? v3c_tree_next(range) : NULL;
			each(space, range, arg);
			range = next;
		}
	}
}

static void give_live(struct v3c_space *space, struct v3c_range *range, void *arg)
{
	v3c_range_give(range, V3C_RANGE_LIVE);
}

static void give_lost(struct v3c_space *space, struct v3c_range *range, void *arg)
{
	v3c_range_give(range, V3C_RANGE_LOST);
}

static void put_each(struct v3c_space *space, struct v3c_range *range, void *arg)
{
	put_range(space, range);
}

static void chain_range(struct v3c_released *released, struct v3c_range *range)
{
	range->next = released->chain;
	released->chain = range;
}

/*
 * chain_each() takes @range out of the space with its payload. The record is not used again before
 * v3c_released_give() has looked at it.
 */
static void chain_each(struct v3c_space *space, struct v3c_range *range, void *released)
{
	v3c_tree_unlink(space, range);
	chain_range(released, range);
}

/*
 * take_some() takes live ranges of @kind from page @*at on to UNMAPPING, as many as one step
 * allows, without a hole in between. @op->range is the first that was taken, and @*at follows the
 * last.
 */
static int take_some(struct v3c_space *space, u64 first, u64 last, u8 kind,
		     struct v3c_op *op, u64 *at)
{
	struct v3c_range *range = v3c_tree_find(space, *at);
	unsigned int step;
	u8 live;

	if (*at == first)
		op->range = range;
	for (step = 0; step < V3C_SPACE_STEP; step++, range = v3c_tree_next(range)) {
		live = V3C_RANGE_LIVE;
		if (range && range->first <= *at && range->last >= *at &&
		    READ_ONCE(range->state) == V3C_RANGE_LOST)
			return -EUCLEAN;
		if (!range || range->first > *at || range->last < *at ||
		    READ_ONCE(range->state) != V3C_RANGE_LIVE || range->kind != kind ||
		    !try_cmpxchg(&range->state, &live, V3C_RANGE_UNMAPPING))
			return -ENOENT;
		if (!space->allocates)
			range->holder = op;
		*at = range->last + 1;
		/*
		 * An allocator's range comes back as it was handed out: its neighbours are no part
		 * of it.
		 */
		if (space->allocates && (range->first != first || range->last != last))
			return -ENOENT;
		if (range->last >= last)
			return 0;
	}
	return 0;
}

static struct v3c_range *find_held(struct v3c_space *space, u64 page)
{
	guard(spinlock_irqsave)(&space->lock);
	return v3c_tree_find(space, page);
}

/*
 * Cuts @range, which is held, in two before page @at; @upper, a new record, takes the upper part.
 */
static struct v3c_range *split_range(struct v3c_space *space, struct v3c_range *range, u64 at,
				     struct v3c_range *upper)
{
	*upper = *range;
	upper->first = at;
	if (range->kind & V3C_RANGE_PINNED) {
		*v3c_range_pin(upper) = *v3c_range_pin(range);
		v3c_range_pin(upper)->at += at - range->first;
	}
	range->last = at - 1;
	v3c_tree_link(space, upper);
	v3c_space_remember(space, at, upper);
	return upper;
}

/*
 * split_ends() cuts the first and the last range of @op where they reach beyond it; what is beyond
 * stays mapped. It looks at them without the lock, because nobody but @op touches them.
 */
static int split_ends(struct v3c_space *space, v3c_cut_check_t may_cut, void *arg, gfp_t gfp,
		      struct v3c_op *op)
{
	struct v3c_range *head = op->range, *tail = head, *spare[2] = {};
	struct v3c_view view;
	unsigned int cuts = 0, i;
	int ret = 0;

	if (tail->last < op->last)
		tail = find_held(space, op->last);
	if (head->first >= op->first && tail->last <= op->last)
		return 0;
	view = v3c_range_view(head, V3C_RANGE_UNMAPPING);
	if (!may_cut(arg, op, &view, max(head->first, op->first), min(head->last, op->last)))
		return -EXDEV;
	view = v3c_range_view(tail, V3C_RANGE_UNMAPPING);
	if (tail != head && !may_cut(arg, op, &view, tail->first, op->last))
		return -EXDEV;
	for (i = (head->first < op->first) + (tail->last > op->last); i && !ret; i--) {
		spare[cuts] = kmem_cache_alloc(space->records, gfp);
		if (spare[cuts])
			cuts++;
		else
			ret = -ENOMEM;
	}
	scoped_guard(spinlock_irqsave, &space->lock) {
		if (ret)
			break;
		if (tail->last > op->last)
			give_live(space, split_range(space, tail, op->last + 1, spare[--cuts]),
				  NULL);
		if (head->first < op->first) {
			op->range = split_range(space, head, op->first, spare[--cuts]);
			give_live(space, head, NULL);
		}
	}
	while (cuts)
		kmem_cache_free(space->records, spare[--cuts]);
	return ret;
}

/* @start: @op begins here; otherwise it is under way. */
static int hold_mapped(struct v3c_space *space, u64 first, u64 last, u8 kind,
		       v3c_cut_check_t may_cut, void *arg, gfp_t gfp, bool start,
		       struct v3c_op *op)
{
	bool begin = start;
	u64 at = first;
	int ret = 0;

	op->first = first;
	op->last = last;
	while (!ret && at <= last) {
		guard(spinlock_irqsave)(&space->lock);
		if (begin && !space->open)
			return -ESTALE;
		if (begin)
			v3c_gate_start(space, op);
		begin = false;
		ret = take_some(space, first, last, kind, op, &at);
		if (ret || at <= last)
			continue;
		/*
		 * v3c_gate_look() only when all of it is held, because the copy that fills a page
		 * table goes on in what is not held yet. Otherwise @op->filled would be too low,
		 * and pages copied since would stay mapped.
		 */
		v3c_gate_look(space, op);
	}
	if (!ret)
		ret = split_ends(space, may_cut, arg, gfp, op);
	if (!ret)
		return 0;
	if (at > first)
		for_held(space, op->range->first, at - 1, give_live, NULL);
	if (start)
		v3c_gate_end(space, op);
	return ret;
}

/**
 * v3c_space_release_begin() - hold a range for unmapping
 * @space: the space
 * @first: first page
 * @last: last page, not before @first
 * @kind: &enum v3c_range_kind that all of it must have, with or without %V3C_RANGE_PINNED
 * @may_cut: asked for each range that is wanted in part only
 * @arg: for @may_cut
 * @gfp: for the records that cuts cost
 * @op: result, to be given to v3c_space_release_end() or v3c_space_lose()
 *
 * Context: any that @gfp allows.
 * Return: 0; -ESTALE on a closed space; -ENOENT if anything in it is not mapped so; -EUCLEAN if it
 * is lost; -EXDEV if a cut is not possible; -ENOMEM.
 */
int v3c_space_release_begin(struct v3c_space *space, u64 first, u64 last, u8 kind,
			    v3c_cut_check_t may_cut, void *arg, gfp_t gfp, struct v3c_op *op)
{
	return hold_mapped(space, first, last, kind, may_cut, arg, gfp, true, op);
}

/*
 * v3c_space_hold() is v3c_space_release_begin() for an operation that has started, which may hold
 * several ranges.
 */
int v3c_space_hold(struct v3c_space *space, u64 first, u64 last, u8 kind,
		   v3c_cut_check_t may_cut, void *arg, gfp_t gfp, struct v3c_op *op)
{
	return hold_mapped(space, first, last, kind, may_cut, arg, gfp, false, op);
}

/**
 * v3c_space_hold_call() - hold what a call has mapped
 * @space: the space, which does not choose addresses
 * @page: where to look from; moves behind the range
 * @last: last page where to look
 * @call: &v3c_range.call
 * @op: result, to be given to v3c_space_release_end() or v3c_space_lose()
 *
 * Context: any.
 * Return: true if there was a range of the call.
 */
bool v3c_space_hold_call(struct v3c_space *space, u64 *page, u64 last, u64 call, struct v3c_op *op)
{
	struct v3c_range *range;
	unsigned int step;

	while (*page <= last) {
		guard(spinlock_irqsave)(&space->lock);
		range = v3c_tree_find(space, *page);
		for (step = 0; step < V3C_SPACE_STEP; step++) {
			u8 live = V3C_RANGE_LIVE;

			if (!range || range->first > last)
				return false;
			*page = range->last + 1;
			if (v3c_range_kind(range) == V3C_RANGE_IDENTITY && range->call == call &&
			    try_cmpxchg(&range->state, &live, V3C_RANGE_UNMAPPING)) {
				v3c_gate_start(space, op);
				range->holder = op;
				op->range = range;
				op->first = range->first;
				op->last = range->last;
				return true;
			}
			range = v3c_tree_next(range);
		}
	}
	return false;
}

/* Ends @op: what it holds is mapped in no page table any more. */
void v3c_space_release_end(struct v3c_space *space, struct v3c_op *op)
{
	/* A single range is the usual case: v3c_space_abort() takes the lock once only. */
	if (op->range->first == op->first && op->range->last == op->last) {
		v3c_space_abort(space, op);
		return;
	}
	for_held(space, op->first, op->last, put_each, NULL);
	v3c_gate_end(space, op);
}

/**
 * v3c_space_release_pinned() - v3c_space_release_end() for ranges that keep payloads
 * @space: the space
 * @op: from v3c_space_release_begin() or v3c_space_hold_call()
 * @released: gets the payloads, for v3c_released_give()
 *
 * Context: any.
 */
void v3c_space_release_pinned(struct v3c_space *space, struct v3c_op *op,
			      struct v3c_released *released)
{
	struct v3c_range *range = op->range;

	/* A single range is the usual case: its record is used again at once. */
	if (!released->pages && range->first == op->first && range->last == op->last) {
		released->pin = *v3c_range_pin(range);
		released->pages = v3c_range_pages(range);
		v3c_space_abort(space, op);
		return;
	}
	for_held(space, op->first, op->last, chain_each, released);
	v3c_gate_end(space, op);
}

/**
 * v3c_released_give() - give payloads back to whoever they are of
 * @released: of ranges that no device reaches any more
 * @may_sleep: the caller may; v3c_may_sleep() does not see every lock that a caller holds
 *
 * Context: that of the unmap, with no lock of ours held, outside operations and v3c_quick_enter().
 */
void v3c_released_give(struct v3c_released *released, bool may_sleep)
{
	struct v3c_range *range;

	v3c_pin_release(released->pin, released->pages);
	while ((range = released->chain)) {
		released->chain = range->next;
		v3c_pin_release(*v3c_range_pin(range), v3c_range_pages(range));
		/* A quick unmap may still look at @range, see &v3c_space.recent. */
		kfree_rcu(range, rcu);
		/* A domain that is deleted may have had very many. */
		if (may_sleep)
			cond_resched();
	}
}

/* Ends @op: some of what it holds may be mapped for ever, so that its addresses are out of use. */
void v3c_space_lose(struct v3c_space *space, struct v3c_op *op)
{
	for_held(space, op->first, op->last, give_lost, NULL);
	v3c_gate_end(space, op);
}

/*
 * Gives up [@first, @last], which v3c_space_hold() took and which is mapped in no page table any
 * more.
 */
void v3c_space_drop(struct v3c_space *space, u64 first, u64 last)
{
	for_held(space, first, last, put_each, NULL);
}

/* v3c_space_drop() for ranges that keep payloads. */
void v3c_space_drop_pinned(struct v3c_space *space, u64 first, u64 last,
			   struct v3c_released *released)
{
	for_held(space, first, last, chain_each, released);
}

/* v3c_space_drop() for a range that may be mapped for ever: its addresses are out of use. */
void v3c_space_drop_lost(struct v3c_space *space, u64 first, u64 last)
{
	for_held(space, first, last, give_lost, NULL);
}

/* Gives back [@first, @last], which v3c_space_hold() took and which stays mapped after all. */
void v3c_space_unhold(struct v3c_space *space, u64 first, u64 last)
{
	for_held(space, first, last, give_live, NULL);
}

static bool is_held(const struct v3c_range *range, const struct v3c_op *op)
{
	return READ_ONCE(range->state) == V3C_RANGE_UNMAPPING && range->holder == op;
}

/**
 * v3c_space_is_held() - whether an operation holds exactly some pages
 * @space: the space, which does not choose addresses
 * @first: first page
 * @last: last page, not before @first
 * @op: the operation
 *
 * Return: true when v3c_space_hold() has taken ranges that make up [@first, @last], and they have
 * not been given up since.
 */
bool v3c_space_is_held(struct v3c_space *space, u64 first, u64 last, const struct v3c_op *op)
{
	struct v3c_range *range;
	unsigned int step;

	while (first <= last) {
		guard(spinlock_irqsave)(&space->lock);
		range = v3c_tree_find(space, first);
		for (step = 0; step < V3C_SPACE_STEP && first <= last; step++) {
			if (!range || range->first != first || range->last > last ||
			    !is_held(range, op))
				return false;
			first = range->last + 1;
			range = v3c_tree_next(range);
		}
	}
	return true;
}

/* v3c_space_unhold() for all that @op holds, where the caller cannot tell any more what that is. */
void v3c_space_unhold_all(struct v3c_space *space, const struct v3c_op *op)
{
	struct v3c_range *range;
	unsigned int step;
	u64 page = 0;

	do {
		guard(spinlock_irqsave)(&space->lock);
		range = v3c_tree_find(space, page);
		for (step = 0; step < V3C_SPACE_STEP && range; step++) {
			if (is_held(range, op))
				give_live(space, range, NULL);
			page = range->last + 1;
			range = v3c_tree_next(range);
		}
	} while (range);
}

/*
 * True if only ranges that are never mapped lie behind page @last. The caller has set @space->last,
 * so that nobody puts anything there meanwhile.
 */
static bool is_clear_behind(struct v3c_space *space, u64 last)
{
	u64 at = U64_MAX;
	struct v3c_range *range;
	unsigned int step;

	for (;;) {
		guard(spinlock_irqsave)(&space->lock);
		range = v3c_tree_before(space, at);
		for (step = 0; step < V3C_SPACE_STEP; step++) {
			if (!range || v3c_block_last(range) <= last)
				return true;
			if (!v3c_range_is_unmapped(range))
				return false;
			at = range->first;
			range = v3c_to_range(rb_prev(&range->node));
		}
	}
}

/**
 * v3c_space_list() - the ranges of a space, some at a time
 * @space: the space
 * @cursor: page to list from, 0 at first; moves on, to U64_MAX at the end
 * @views: result, in ascending order
 * @max: room in @views
 *
 * A range that is there during the whole listing is listed once, whatever comes and goes meanwhile;
 * one that is cut, in its parts or as a whole. One that is being mapped is not there yet. A step
 * takes a bounded time, because what follows is left to the next.
 *
 * Context: any.
 * Return: how many there are in @views, which may be 0 before the end.
 */
unsigned int v3c_space_list(struct v3c_space *space, u64 *cursor, struct v3c_view *views,
			    unsigned int max)
{
	unsigned int count = 0, step;
	struct v3c_range *range;

	guard(spinlock_irqsave)(&space->lock);
	range = v3c_tree_find(space, *cursor);
	for (step = 0; range && step < V3C_SPACE_STEP && count < max; step++) {
		/* v3c_space_quick_alloc() fills in a range without the lock, until it is given. */
		u8 state = smp_load_acquire(&range->state);

		if (state != V3C_RANGE_CACHED && state != V3C_RANGE_MAPPING)
			views[count++] = v3c_range_view(range, state);
		*cursor = v3c_block_last(range) + 1;
		range = v3c_tree_next(range);
	}
	if (!range)
		*cursor = U64_MAX;
	return count;
}
EXPORT_SYMBOL_IF_KUNIT(v3c_space_list);

/**
 * v3c_space_set_last() - move the end of the space
 * @space: the space
 * @last: last usable page
 *
 * Context: may sleep; under the domain's mutex.
 * Return: 0, or -ERANGE if something in use, other than what is never mapped, lies beyond.
 */
int v3c_space_set_last(struct v3c_space *space, u64 last)
{
	u64 old = space->last;

	scoped_guard(spinlock_irqsave, &space->lock) {
		v3c_tree_drain_blocks(space);
		space->last = last;
	}
	if (is_clear_behind(space, last))
		return 0;
	scoped_guard(spinlock_irqsave, &space->lock)
		space->last = old;
	return -ERANGE;
}

/**
 * v3c_space_next_filled() - what the page table under construction has of a held range
 * @space: the space
 * @op: operation from v3c_space_release_begin() that saw @op->filling
 * @at: page in one of the ranges it holds; on return the first page of the next range, or one more
 *	than @op->last
 *
 * Return: pages from @at on that are mapped there.
 */
u64 v3c_space_next_filled(struct v3c_space *space, const struct v3c_op *op, u64 *at)
{
	struct v3c_range *range;

	guard(spinlock_irqsave)(&space->lock);
	range = v3c_tree_find(space, *at);
	*at = range->last + 1;
	if (range->generation == op->generation)
		return v3c_range_pages(range);
	return clamp(op->filled, range->first, range->last + 1) - range->first;
}

/*
 * is_fillable() leaves out lost ranges, because these stay mapped where they are for ever, and are
 * nobody's elsewhere. %V3C_RANGE_TOKEN is its token's to fill.
 */
static bool is_fillable(const struct v3c_space *space, const struct v3c_range *range, bool direct)
{
	lockdep_assert_held(&space->lock);

	return range->generation != space->generation && range->last >= space->filled &&
	       range->state != V3C_RANGE_CACHED && range->state != V3C_RANGE_LOST &&
	       (direct || v3c_range_kind(range) != V3C_RANGE_DIRECT) &&
	       !v3c_range_is_unmapped(range) && range->kind != V3C_RANGE_TOKEN;
}

/**
 * v3c_space_fill_step() - fill the page table under construction a little further
 * @space: its space
 * @direct: also with %V3C_RANGE_DIRECT
 * @fill: copies a piece of a range
 * @arg: for @fill
 *
 * Copies one piece, or looks for one among a bounded number of ranges, and moves @space->filled on,
 * past every page at the end.
 *
 * Context: any; one caller at a time, see &v3c_space.filling.
 * Return: 0; -EAGAIN when the next range is in the hands of an operation, which has to be waited
 * for; or what @fill said. A range of which it said -EUCLEAN is lost.
 */
int v3c_space_fill_step(struct v3c_space *space, bool direct, v3c_fill_t fill, void *arg)
{
	struct v3c_range *range;
	struct v3c_view view;
	unsigned int looked;
	u64 at, pages;
	int ret;

	guard(spinlock_irqsave)(&space->lock);
	range = v3c_tree_find(space, space->filled);
	for (looked = 0; range && looked < V3C_LOOK_AHEAD; looked++) {
		if (is_fillable(space, range, direct)) {
			if (range->state != V3C_RANGE_LIVE)
				return -EAGAIN;
			at = max(range->first, space->filled);
			view = v3c_range_view(range, V3C_RANGE_LIVE);
			ret = fill(arg, &view, at, &pages);
			if (!ret)
				space->filled = at + pages;
			else if (ret == -EUCLEAN)
				v3c_range_give(range, V3C_RANGE_LOST);
			return ret;
		}
		space->filled = max(space->filled, range->last + 1);
		range = v3c_tree_next(range);
	}
	if (!range)
		space->filled = U64_MAX;
	return 0;
}

/**
 * v3c_space_look() - the range that has a page
 * @space: the space
 * @page: logical page
 * @view: result
 *
 * Context: any.
 * Return: 0; -ESTALE on a closed space; -ENOENT if no range has the page.
 */
int v3c_space_look(struct v3c_space *space, u64 page, struct v3c_view *view)
{
	struct v3c_range *range;
	u8 state;

	guard(spinlock_irqsave)(&space->lock);
	if (!space->open)
		return -ESTALE;
	range = v3c_tree_find(space, page);
	if (!range || page < range->first || page > range->last)
		return -ENOENT;
	/* Acquire: v3c_space_quick_alloc() fills in a range without the lock, until it is given. */
	state = smp_load_acquire(&range->state);
	if (state == V3C_RANGE_CACHED)
		return -ENOENT;
	*view = v3c_range_view(range, state);
	return 0;
}

/* Sets @view to the first live range of %V3C_RANGE_DIRECT from @page on; false without one. */
bool v3c_space_next_direct(struct v3c_space *space, u64 page, struct v3c_view *view)
{
	struct v3c_range *range;
	unsigned int step;

	for (;;) {
		guard(spinlock_irqsave)(&space->lock);
		range = v3c_tree_find(space, page);
		for (step = 0; step < V3C_SPACE_STEP; step++, range = v3c_tree_next(range)) {
			if (!range)
				return false;
			if (v3c_range_kind(range) == V3C_RANGE_DIRECT &&
			    range->state == V3C_RANGE_LIVE) {
				*view = v3c_range_view(range, V3C_RANGE_LIVE);
				return true;
			}
			page = range->last + 1;
		}
	}
}

void v3c_space_init_once(struct v3c_space *space)
{
	spin_lock_init(&space->lock);
	init_waitqueue_head(&space->idle);
	space->root = RB_ROOT;
}

/* @space belongs to a domain that is not published yet. */
void v3c_space_reset(struct v3c_space *space, bool allocates, u64 last, gfp_t account)
{
	guard(spinlock_irqsave)(&space->lock);
	space->root = RB_ROOT;
	space->last = last;
	space->slots = 0;
	space->filling = 0;
	space->generation = 0;
	space->allocates = allocates;
	space->account = account;
	space->records = account ? v3c_pinned_range_cache : v3c_range_cache;
}

/*
 * v3c_space_clear() forgets every range of @space, which is closed, on which no operation is under
 * way, and whose page tables are gone. @released gets the payloads.
 */
void v3c_space_clear(struct v3c_space *space, struct v3c_released *released)
{
	struct v3c_range *range, *next;

	rbtree_postorder_for_each_entry_safe(range, next, &space->root, node) {
		if (range->state != V3C_RANGE_CACHED && range->kind & V3C_RANGE_PINNED)
			chain_range(released, range);
		else
			kmem_cache_free(space->records, range);
	}
	guard(spinlock_irqsave)(&space->lock);
	space->root = RB_ROOT;
	while ((range = v3c_tree_take_spare(space)))
		kmem_cache_free(space->records, range);
	memset(space->cache, 0, sizeof(space->cache));
	memset(space->nr_cached, 0, sizeof(space->nr_cached));
	space->all_cached = 0;
	memset(space->hot, 0, sizeof(space->hot));
	memset(space->recent, 0, sizeof(space->recent));
}
