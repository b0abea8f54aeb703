// SPDX-License-Identifier: GPL-2.0
/*
 * The logical address space of a domain: which ranges are in use and where the next one goes.
 *
 * One tree holds every range, ordered by address. Where the space chooses addresses, it is augmented
 * with the largest aligned block that is free in front of any range of a subtree, so that the lowest
 * block of an order is found in one descent. A block that an allocator takes back stays in the tree for
 * a while, on a list of free blocks of its order: giving it out again costs neither a search nor an
 * allocation.
 *
 * An operation holds its range in state MAPPING or UNMAPPING while the lock is not held, so that no
 * other one touches the same addresses. Every operation is counted under the parity of the epoch it
 * started in; v3c_space_quiesce() starts a new epoch and waits for the old one to run dry, as SRCU
 * does, but for nothing: the lock is taken at both ends of an operation anyway.
 *
 * Quick operations, on small ranges in the steady state, are not counted but are RCU read-side sections,
 * and are waited for as such. What stops them from starting is the domain's business.
 */
#include <linux/array_size.h>
#include <linux/bitops.h>
#include <linux/log2.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/rbtree_augmented.h>
#include <linux/slab.h>

#include "base/phys.h"
#include "table/space.h"

/* Free blocks of one order, and spare records, that are kept at hand. */
#define V3C_CACHE_DEPTH	64

/* Free blocks of all orders that are kept at hand, so that giving all of them up takes a bounded time. */
#define V3C_CACHE_BLOCKS	192

/* Ranges that are looked at or changed without letting go of the lock. */
#define V3C_SPACE_STEP	128

static struct kmem_cache *v3c_range_cache;

#define to_range(rb)	rb_entry_safe(rb, struct v3c_range, node)

static inline u64 block_first(const struct v3c_range *range)
{
	return range->first & ~((1ULL << range->order) - 1);
}

static inline u64 block_last(const struct v3c_range *range)
{
	return range->last | ((1ULL << range->order) - 1);
}

static inline u8 own_gap_order(const struct v3c_range *range)
{
	return range->gap_order;
}

RB_DECLARE_CALLBACKS_MAX(static, v3c_gap_callbacks, struct v3c_range, node, u8, max_gap_order,
			 own_gap_order)

/* One more than the order of the largest aligned block inside @pages free pages from @first on. */
static u8 fitting_order(u64 first, u64 pages)
{
	u8 order;

	if (!pages)
		return 0;
	order = ilog2(pages);
	if (round_up(first, 1ULL << order) + (1ULL << order) > first + pages)
		order--;
	return order + 1;
}

static void set_gap(struct v3c_range *range, u64 gap)
{
	range->gap = gap;
	range->gap_order = fitting_order(block_first(range) - gap, gap);
}

static struct v3c_range *take_spare(struct v3c_space *space)
{
	struct v3c_range *range = space->spare;

	if (range) {
		space->spare = range->next;
		space->nr_spare--;
	}
	return range;
}

/*
 * A quick unmap may still look at it, so that it must not become anything but a range of this space
 * until that is over.
 */
static void free_record(struct v3c_space *space, struct v3c_range *range)
{
	if (space->nr_spare == V3C_CACHE_DEPTH) {
		kfree_rcu(range, rcu);
		return;
	}
	range->next = space->spare;
	space->spare = range;
	space->nr_spare++;
}

static void link_range(struct v3c_space *space, struct v3c_range *range)
{
	struct rb_node **link = &space->root.rb_node, *parent = NULL;
	struct v3c_range *prev = NULL, *next = NULL;
	u64 first;

	lockdep_assert_held(&space->lock);

	while (*link) {
		parent = *link;
		if (range->first < to_range(parent)->first) {
			next = to_range(parent);
			link = &parent->rb_left;
		} else {
			prev = to_range(parent);
			link = &parent->rb_right;
		}
	}
	if (!space->allocates) {
		rb_link_node(&range->node, parent, link);
		rb_insert_color(&range->node, &space->root);
		return;
	}
	/* Page 0 is no room for anybody, and must not look as if it were. */
	first = prev ? block_last(prev) + 1 : 1;
	set_gap(range, block_first(range) > first ? block_first(range) - first : 0);
	range->max_gap_order = range->gap_order;
	rb_link_node(&range->node, parent, link);
	if (next) {
		set_gap(next, block_first(next) - block_last(range) - 1);
		v3c_gap_callbacks_propagate(&next->node, NULL);
	}
	if (parent)
		v3c_gap_callbacks_propagate(parent, NULL);
	rb_insert_augmented(&range->node, &space->root, &v3c_gap_callbacks);
}

static void unlink_range(struct v3c_space *space, struct v3c_range *range)
{
	struct v3c_range **recent = v3c_space_recent(space, range->first);
	struct v3c_range *next;

	lockdep_assert_held(&space->lock);

	if (*recent == range)
		WRITE_ONCE(*recent, NULL);
	if (!space->allocates) {
		rb_erase(&range->node, &space->root);
		return;
	}
	next = v3c_space_next(range);
	rb_erase_augmented(&range->node, &space->root, &v3c_gap_callbacks);
	if (next) {
		set_gap(next, next->gap + range->gap +
			block_last(range) - block_first(range) + 1);
		v3c_gap_callbacks_propagate(&next->node, NULL);
	}
}

/**
 * v3c_space_find() - the first range whose block ends at or after a page
 * @space: the space, locked
 * @page: logical page
 *
 * Return: the range, or NULL when everything from @page on is free.
 */
struct v3c_range *v3c_space_find(struct v3c_space *space, u64 page)
{
	struct rb_node *node = space->root.rb_node;
	struct v3c_range *found = NULL;

	lockdep_assert_held(&space->lock);

	while (node) {
		struct v3c_range *range = to_range(node);

		if (block_last(range) < page) {
			node = node->rb_right;
		} else {
			found = range;
			if (range->first <= page)
				break;
			node = node->rb_left;
		}
	}
	return found;
}

/* The last range that starts before a page, or NULL. */
static struct v3c_range *v3c_space_before(struct v3c_space *space, u64 page)
{
	struct rb_node *node = space->root.rb_node;
	struct v3c_range *found = NULL;

	lockdep_assert_held(&space->lock);

	while (node) {
		if (to_range(node)->first < page) {
			found = to_range(node);
			node = node->rb_right;
		} else {
			node = node->rb_left;
		}
	}
	return found;
}

struct v3c_range *v3c_space_next(struct v3c_range *range)
{
	return to_range(rb_next(&range->node));
}

/* What a new range wants: @pages in [@lo, @hi], at the start of a block of @order. */
struct v3c_want {
	u64 pages;
	u64 lo;
	u64 hi;
	u8 order;
};

static bool fits_bounds(const struct v3c_want *want, u64 first)
{
	return first >= want->lo && first <= want->hi && want->pages - 1 <= want->hi - first;
}

/* A block for @want inside the @gap pages before @end. */
static bool block_in_gap(struct v3c_space *space, const struct v3c_want *want, u64 end, u64 gap,
			 u64 *block)
{
	u64 size = 1ULL << want->order;
	u64 first = round_up(max(end - gap, want->lo), size);

	/* The bounds are those of the range; its block need only be part of the space. */
	if (first + size > min(end, space->last + 1) || !fits_bounds(want, first))
		return false;
	*block = first;
	return true;
}

/*
 * The lowest free block for @want. Only a gap that a bound cuts, or the end of the space, can hold less
 * than its order says: the search is one descent, and the walk to the next candidate after each of
 * these.
 */
static bool find_block(struct v3c_space *space, const struct v3c_want *want, u64 *block)
{
	struct rb_node *node = space->root.rb_node, *child;
	struct v3c_range *range = to_range(node);
	u64 tail;

	if (!node || range->max_gap_order <= want->order)
		goto tail;
	for (;;) {
		range = to_range(node);
		child = node->rb_left;
		if (child && to_range(child)->max_gap_order > want->order &&
		    block_first(range) > want->lo) {
			node = child;
			continue;
		}
		for (;;) {
			if (block_first(range) - range->gap > want->hi)
				return false;
			if (range->gap_order > want->order && block_first(range) > want->lo &&
			    block_in_gap(space, want, block_first(range), range->gap, block))
				return true;
			child = node->rb_right;
			if (child && to_range(child)->max_gap_order > want->order)
				break;
			/* Up to the first ancestor that has this subtree on its left. */
			while ((child = node, node = rb_parent(node)) && node->rb_right == child)
				;
			if (!node)
				goto tail;
			range = to_range(node);
		}
		node = child;
	}
tail:
	range = to_range(rb_last(&space->root));
	tail = range ? block_last(range) + 1 : 0;
	return tail <= space->last &&
	       block_in_gap(space, want, space->last + 1, space->last + 1 - tail, block);
}

static struct v3c_range *pop_cached(struct v3c_space *space, const struct v3c_want *want)
{
	struct v3c_range *range = space->cache[want->order];

	if (!range || !fits_bounds(want, range->first))
		return NULL;
	space->cache[want->order] = range->next;
	space->nr_cached[want->order]--;
	space->all_cached--;
	return range;
}

static bool push_cached(struct v3c_space *space, struct v3c_range *range)
{
	u8 order = range->order;

	if (space->nr_cached[order] == V3C_CACHE_DEPTH || space->all_cached == V3C_CACHE_BLOCKS)
		return false;
	range->state = V3C_RANGE_CACHED;
	range->next = space->cache[order];
	space->cache[order] = range;
	space->nr_cached[order]++;
	space->all_cached++;
	return true;
}

static void forget_block(struct v3c_space *space, struct v3c_range *range)
{
	unlink_range(space, range);
	free_record(space, range);
}

static bool drain_hot(struct v3c_space *space)
{
	unsigned int i, order;
	struct v3c_range *range;
	bool any = false;

	for (i = 0; i < V3C_HOT_WAYS; i++) {
		for (order = 0; order < V3C_HOT_ORDERS; order++) {
			range = xchg(&space->hot[i].block[order], NULL);
			if (!range)
				continue;
			forget_block(space, range);
			any = true;
		}
	}
	return any;
}

static bool drain_cache(struct v3c_space *space)
{
	bool any = drain_hot(space);
	struct v3c_range *range;
	u8 order;

	lockdep_assert_held(&space->lock);

	for (order = 0; order <= V3C_ORDERS; order++) {
		while ((range = space->cache[order])) {
			space->cache[order] = range->next;
			forget_block(space, range);
			any = true;
		}
		space->nr_cached[order] = 0;
	}
	space->all_cached = 0;
	return any;
}

/*
 * What an operation has to work on is settled when it takes a range: from then on nobody else does
 * anything about the range, also not whoever fills a page table.
 */
static void look_op(struct v3c_space *space, struct v3c_op *op)
{
	op->slots = space->slots;
	op->filling = space->filling;
	op->generation = space->generation;
	op->filled = space->filled;
}

static void start_op(struct v3c_space *space, struct v3c_op *op)
{
	look_op(space, op);
	op->epoch = space->epoch;
	space->inflight[op->epoch]++;
}

static void finish_op(struct v3c_space *space, struct v3c_op *op)
{
	lockdep_assert_held(&space->lock);
	if (!--space->inflight[op->epoch] && unlikely(op->epoch != space->epoch))
		wake_up_all(&space->idle);
}

static void hold_range(struct v3c_space *space, struct v3c_range *range, u64 first, u64 last,
		       struct v3c_op *op)
{
	start_op(space, op);
	range->state = V3C_RANGE_MAPPING;
	range->first = first;
	range->last = last;
	range->generation = op->generation;
	v3c_space_remember(space, first, range);
	op->range = range;
	op->first = first;
	op->last = last;
}

static void copy_traits(struct v3c_range *range, const struct v3c_range *like)
{
	range->kind = like->kind;
	range->prot = like->prot;
	range->contiguous = like->contiguous;
	range->large = false;
}

/**
 * v3c_space_begin() - start an operation that holds no range
 * @space: the space
 * @op: result; page tables in @op->slots stay until v3c_space_end()
 *
 * Context: any.
 * Return: 0, or -ESTALE on a closed space.
 */
int v3c_space_begin(struct v3c_space *space, struct v3c_op *op)
{
	guard(spinlock_irqsave)(&space->lock);
	if (!space->open)
		return -ESTALE;
	op->range = NULL;
	start_op(space, op);
	return 0;
}

void v3c_space_end(struct v3c_space *space, struct v3c_op *op)
{
	guard(spinlock_irqsave)(&space->lock);
	finish_op(space, op);
}

static bool epoch_drained(struct v3c_space *space, u8 epoch)
{
	guard(spinlock_irqsave)(&space->lock);
	return !space->inflight[epoch];
}

/**
 * v3c_space_drain() - wait for every operation that has started, but for quick ones
 * @space: the space
 *
 * Operations that start meanwhile are not waited for. Only one caller at a time: the domain's mutex
 * sees to that.
 *
 * Context: may sleep.
 */
void v3c_space_drain(struct v3c_space *space)
{
	u8 old;

	scoped_guard(spinlock_irqsave, &space->lock) {
		old = space->epoch;
		space->epoch ^= 1;
	}
	wait_event(space->idle, epoch_drained(space, old));
}

/* The same with quick ones, of a domain that none starts on any more. */
void v3c_space_quiesce(struct v3c_space *space)
{
	v3c_space_drain(space);
	/* Somebody waits for the attach or delete that this is part of. */
	synchronize_rcu_expedited();
}

static int insert_block(struct v3c_space *space, struct v3c_range *range,
			const struct v3c_want *want, struct v3c_op *op)
{
	u64 block;

	if (!find_block(space, want, &block) &&
	    !(drain_cache(space) && find_block(space, want, &block)))
		return -ENOSPC;
	range->order = want->order;
	hold_range(space, range, block, block + want->pages - 1, op);
	link_range(space, range);
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
		    const struct v3c_range *like, gfp_t gfp, struct v3c_op *op)
{
	struct v3c_want want = {
		.pages = pages,
		/* A device that leaves its address register at 0 must not hit anything. */
		.lo = max(lo, 1ULL),
		.hi = hi,
		.order = order_base_2(pages),
	};
	struct v3c_range *range, *spare;
	int ret;

	if (want.order > V3C_ORDERS)
		return -ENOSPC;
	spare = kmem_cache_alloc(v3c_range_cache, gfp);
	if (!spare)
		return -ENOMEM;

	scoped_guard(spinlock_irqsave, &space->lock) {
		if (!space->open) {
			ret = -ESTALE;
			break;
		}
		range = pop_cached(space, &want);
		if (range) {
			copy_traits(range, like);
			hold_range(space, range, range->first, range->first + pages - 1, op);
			ret = 0;
		} else {
			copy_traits(spare, like);
			ret = insert_block(space, spare, &want, op);
			if (!ret)
				spare = NULL;
		}
	}
	if (spare)
		kmem_cache_free(v3c_range_cache, spare);
	return ret;
}

/**
 * v3c_space_pop() - take the free block that came back last
 * @space: the space
 * @order: of the block
 *
 * Return: the block, in nobody's hands but the caller's; or NULL, which says nothing.
 */
struct v3c_range *v3c_space_pop(struct v3c_space *space, u8 order)
{
	struct v3c_want anywhere = { .pages = 1, .hi = U64_MAX, .order = order };

	guard(spinlock_irqsave)(&space->lock);
	return pop_cached(space, &anywhere);
}

/**
 * v3c_space_search() - the range that starts at a page
 * @space: the space
 * @first: page
 *
 * Context: any, inside v3c_quick_enter() for as long as the range is looked at.
 * Return: the range, in any state and anybody's hands, or NULL.
 */
struct v3c_range *v3c_space_search(struct v3c_space *space, u64 first)
{
	struct rb_node *node;
	struct v3c_range *range;

	guard(spinlock_irqsave)(&space->lock);
	node = space->root.rb_node;
	while (node) {
		range = to_range(node);
		if (range->first == first)
			return range;
		node = first < range->first ? node->rb_left : node->rb_right;
	}
	return NULL;
}

static int check_claim(struct v3c_space *space, u64 first, u64 last)
{
	struct v3c_range *there;

	if (!space->open)
		return -ESTALE;
	if (last > space->last)
		return -ERANGE;
	there = v3c_space_find(space, first);
	return there && block_first(there) <= last ? -EADDRINUSE : 0;
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
 * Return: 0; -ESTALE on a closed space; -ERANGE beyond the end of the space; -EADDRINUSE if any page
 * is in use; -ENOMEM.
 */
int v3c_space_claim(struct v3c_space *space, u64 first, u64 last, const struct v3c_range *like,
		    gfp_t gfp, struct v3c_op *op)
{
	struct v3c_range *range = NULL, *fresh = NULL;
	int ret;

retry:
	scoped_guard(spinlock_irqsave, &space->lock) {
		ret = check_claim(space, first, last);
		if (ret)
			break;
		range = fresh ?: take_spare(space);
		if (range) {
			range->order = 0;
			copy_traits(range, like);
			hold_range(space, range, first, last, op);
			link_range(space, range);
			return 0;
		}
	}
	if (!ret) {
		fresh = kmem_cache_alloc(v3c_range_cache, gfp);
		if (fresh)
			goto retry;
		return -ENOMEM;
	}
	if (fresh)
		kmem_cache_free(v3c_range_cache, fresh);
	return ret;
}

/* What @op holds is mapped in all of its page tables. */
void v3c_space_commit(struct v3c_space *space, struct v3c_op *op)
{
	unsigned long flags;

	spin_lock_irqsave(&space->lock, flags);
	v3c_range_give(op->range, V3C_RANGE_LIVE);
	finish_op(space, op);
	spin_unlock_irqrestore(&space->lock, flags);
}

static void put_range(struct v3c_space *space, struct v3c_range *range)
{
	/* What an allocator hands out starts where its block does, and lies in the space. */
	if (space->allocates && range->last <= space->last && push_cached(space, range))
		return;
	unlink_range(space, range);
	free_record(space, range);
}

/* The general case of v3c_space_quick_put(). */
void v3c_space_put(struct v3c_space *space, struct v3c_range *range)
{
	unsigned long flags;

	spin_lock_irqsave(&space->lock, flags);
	put_range(space, range);
	spin_unlock_irqrestore(&space->lock, flags);
}

/* What @op holds is mapped in no page table. */
void v3c_space_abort(struct v3c_space *space, struct v3c_op *op)
{
	guard(spinlock_irqsave)(&space->lock);
	put_range(space, op->range);
	finish_op(space, op);
}

/*
 * Goes through the ranges that [@first, @last] is made of, all of which the caller holds, some at a time
 * under the lock, and lets @each do something about every one. @each may take it out of the space.
 */
static void for_held(struct v3c_space *space, u64 first, u64 last,
		     void (*each)(struct v3c_space *space, struct v3c_range *range))
{
	struct v3c_range *range, *next;
	unsigned int step;

	while (first <= last) {
		guard(spinlock_irqsave)(&space->lock);
		range = v3c_space_find(space, first);
		for (step = 0; step < V3C_SPACE_STEP && first <= last; step++) {
			first = range->last + 1;
			next = first <= last ? v3c_space_next(range) : NULL;
			each(space, range);
			range = next;
		}
	}
}

static void give_live(struct v3c_space *space, struct v3c_range *range)
{
	v3c_range_give(range, V3C_RANGE_LIVE);
}

static void give_lost(struct v3c_space *space, struct v3c_range *range)
{
	v3c_range_give(range, V3C_RANGE_LOST);
}

/*
 * Takes ranges that [@*at, @last] is made of to UNMAPPING, as many as one step allows: live ones of
 * @kind, without a hole in between. What is taken ends before @*at, and begins with @op->range.
 */
static int take_some(struct v3c_space *space, u64 first, u64 last, enum v3c_range_kind kind,
		     struct v3c_op *op, u64 *at)
{
	struct v3c_range *range = v3c_space_find(space, *at);
	unsigned int step;
	u8 live;

	if (*at == first)
		op->range = range;
	for (step = 0; step < V3C_SPACE_STEP; step++, range = v3c_space_next(range)) {
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
		/* An allocator's ranges come back as they were handed out; neighbours are chance. */
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
	return v3c_space_find(space, page);
}

/* Cuts @range, which is taken, in two before page @at; the new record takes the upper part. */
static struct v3c_range *split_range(struct v3c_space *space, struct v3c_range *range, u64 at,
				     struct v3c_range *upper)
{
	*upper = *range;
	upper->first = at;
	range->last = at - 1;
	link_range(space, upper);
	v3c_space_remember(space, at, upper);
	return upper;
}

/*
 * Splits what is wanted off the ranges at its ends that it is only a part of, which stay. With the lock
 * not held nobody but the operation does anything about them.
 */
static int split_ends(struct v3c_space *space, v3c_cut_check_t may_cut, void *arg, gfp_t gfp,
		      struct v3c_op *op)
{
	struct v3c_range *head = op->range, *tail = head, *spare[2] = {};
	unsigned int cuts = 0, i;
	int ret = 0;

	if (tail->last < op->last)
		tail = find_held(space, op->last);
	if (head->first >= op->first && tail->last <= op->last)
		return 0;
	if (!may_cut(arg, op, head, max(head->first, op->first), min(head->last, op->last)) ||
	    (tail != head && !may_cut(arg, op, tail, tail->first, op->last)))
		return -EXDEV;
	for (i = (head->first < op->first) + (tail->last > op->last); i && !ret; i--) {
		spare[cuts] = kmem_cache_alloc(v3c_range_cache, gfp);
		if (spare[cuts])
			cuts++;
		else
			ret = -ENOMEM;
	}
	scoped_guard(spinlock_irqsave, &space->lock) {
		if (ret)
			break;
		if (tail->last > op->last)
			give_live(space, split_range(space, tail, op->last + 1, spare[--cuts]));
		if (head->first < op->first) {
			op->range = split_range(space, head, op->first, spare[--cuts]);
			give_live(space, head);
		}
	}
	while (cuts)
		kmem_cache_free(v3c_range_cache, spare[--cuts]);
	return ret;
}

/* @start: the operation begins with this; otherwise it is under way. */
static int hold_mapped(struct v3c_space *space, u64 first, u64 last, enum v3c_range_kind kind,
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
			start_op(space, op);
		begin = false;
		ret = take_some(space, first, last, kind, op, &at);
		if (ret || at <= last)
			continue;
		/* All of it is held, so that what there is to work on is settled. */
		look_op(space, op);
	}
	if (!ret)
		ret = split_ends(space, may_cut, arg, gfp, op);
	if (!ret)
		return 0;
	if (at > first)
		for_held(space, op->range->first, at - 1, give_live);
	if (start)
		v3c_space_end(space, op);
	return ret;
}

/**
 * v3c_space_release_begin() - hold a range for unmapping
 * @space: the space
 * @first: first page
 * @last: last page, not before @first
 * @kind: what all of it must be
 * @may_cut: asked for each range that is wanted in part only
 * @arg: for @may_cut
 * @gfp: for the records that cuts cost
 * @op: result, to be given to v3c_space_release_end() or v3c_space_lose()
 *
 * Context: any that @gfp allows.
 * Return: 0; -ESTALE on a closed space; -ENOENT if anything in it is not mapped so; -EUCLEAN if it is
 * lost; -EXDEV if a cut is not possible; -ENOMEM.
 */
int v3c_space_release_begin(struct v3c_space *space, u64 first, u64 last, enum v3c_range_kind kind,
			    v3c_cut_check_t may_cut, void *arg, gfp_t gfp, struct v3c_op *op)
{
	return hold_mapped(space, first, last, kind, may_cut, arg, gfp, true, op);
}

/* The same as part of an operation that has started, which may hold several. */
int v3c_space_hold(struct v3c_space *space, u64 first, u64 last, enum v3c_range_kind kind,
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
 * Return: whether there was a range of the call.
 */
bool v3c_space_hold_call(struct v3c_space *space, u64 *page, u64 last, u64 call, struct v3c_op *op)
{
	struct v3c_range *range;
	unsigned int step;

	while (*page <= last) {
		guard(spinlock_irqsave)(&space->lock);
		range = v3c_space_find(space, *page);
		for (step = 0; step < V3C_SPACE_STEP; step++) {
			u8 live = V3C_RANGE_LIVE;

			if (!range || range->first > last)
				return false;
			*page = range->last + 1;
			if (range->kind == V3C_RANGE_IDENTITY && range->call == call &&
			    try_cmpxchg(&range->state, &live, V3C_RANGE_UNMAPPING)) {
				start_op(space, op);
				range->holder = op;
				op->range = range;
				op->first = range->first;
				op->last = range->last;
				return true;
			}
			range = v3c_space_next(range);
		}
	}
	return false;
}

/* What @op holds is mapped in no page table any more. */
void v3c_space_release_end(struct v3c_space *space, struct v3c_op *op)
{
	/* The usual case wants the lock once. */
	if (op->range->first == op->first && op->range->last == op->last) {
		v3c_space_abort(space, op);
		return;
	}
	for_held(space, op->first, op->last, put_range);
	v3c_space_end(space, op);
}

/* Some of what @op holds may be mapped for ever: its addresses are nobody's any more. */
void v3c_space_lose(struct v3c_space *space, struct v3c_op *op)
{
	for_held(space, op->first, op->last, give_lost);
	v3c_space_end(space, op);
}

/* One of the ranges that v3c_space_hold() took is mapped in no page table any more. */
void v3c_space_drop(struct v3c_space *space, u64 first, u64 last)
{
	for_held(space, first, last, put_range);
}

/* The same of one that may be mapped for ever. */
void v3c_space_drop_lost(struct v3c_space *space, u64 first, u64 last)
{
	for_held(space, first, last, give_lost);
}

/* One of the ranges that v3c_space_hold() took stays mapped after all. */
void v3c_space_unhold(struct v3c_space *space, u64 first, u64 last)
{
	for_held(space, first, last, give_live);
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
 * Return: true when v3c_space_hold() has taken ranges that make up [@first, @last], and they have not
 * been given up since.
 */
bool v3c_space_is_held(struct v3c_space *space, u64 first, u64 last, const struct v3c_op *op)
{
	struct v3c_range *range;
	unsigned int step;

	while (first <= last) {
		guard(spinlock_irqsave)(&space->lock);
		range = v3c_space_find(space, first);
		for (step = 0; step < V3C_SPACE_STEP && first <= last; step++) {
			if (!range || range->first != first || range->last > last ||
			    !is_held(range, op))
				return false;
			first = range->last + 1;
			range = v3c_space_next(range);
		}
	}
	return true;
}

/* Whatever @op holds stays mapped after all, where nobody knows any more what that is. */
void v3c_space_unhold_all(struct v3c_space *space, const struct v3c_op *op)
{
	struct v3c_range *range;
	unsigned int step;
	u64 page = 0;

	do {
		guard(spinlock_irqsave)(&space->lock);
		range = v3c_space_find(space, page);
		for (step = 0; step < V3C_SPACE_STEP && range; step++) {
			if (is_held(range, op))
				give_live(space, range);
			page = range->last + 1;
			range = v3c_space_next(range);
		}
	} while (range);
}

static struct v3c_withheld *alloc_withheld(void)
{
	struct v3c_withheld *held = kzalloc(sizeof(*held), GFP_KERNEL);

	if (!held)
		return NULL;
	held->range = kmem_cache_zalloc(v3c_range_cache, GFP_KERNEL);
	if (!held->range) {
		kfree(held);
		return NULL;
	}
	return held;
}

static void free_withheld(struct v3c_withheld *held)
{
	if (!held)
		return;
	kmem_cache_free(v3c_range_cache, held->range);
	kfree(held);
}

static bool is_unmapped_kind(const struct v3c_range *range)
{
	return range->kind == V3C_RANGE_HOLE || range->kind == V3C_RANGE_WINDOW;
}

/* What becomes of a range in the way of something like what is wanted. */
enum v3c_fate { V3C_STAYS, V3C_TAKEN_OVER, V3C_CONFLICTS };

/*
 * A window of a device that was not attached yet is mapped now, and a live mapping of the same memory is
 * the domain's own from then on, so that nobody takes it from under the device. Where a device wants
 * nothing mapped, such a mapping does no harm to anybody else, but an allocator would give its addresses
 * out again. In the rest of an allocator's block there is nothing, and nothing can be mapped.
 */
static enum v3c_fate fate_of(const struct v3c_space *space, const struct v3c_range *range, u64 first,
			     u64 last, const struct v3c_range *like, v3c_range_check_t compatible,
			     void *arg)
{
	bool wanted = like->kind == V3C_RANGE_DIRECT;

	if (range->state != V3C_RANGE_LIVE || (wanted && range->last < first))
		return V3C_CONFLICTS;
	if (range->kind == V3C_RANGE_WINDOW && wanted && range->first >= first && range->last <= last)
		return V3C_TAKEN_OVER;
	if (is_unmapped_kind(range))
		return wanted ? V3C_CONFLICTS : V3C_STAYS;
	if (range->kind == V3C_RANGE_DIRECT)
		return (range->prot & like->prot) == like->prot ? V3C_STAYS : V3C_CONFLICTS;
	if (!compatible(arg, range, like))
		return V3C_CONFLICTS;
	if (wanted)
		return V3C_TAKEN_OVER;
	return space->allocates ? V3C_CONFLICTS : V3C_STAYS;
}

/* Free pages that become a range like @like. */
static void add_withheld(struct v3c_space *space, struct v3c_withheld *held, u64 first, u64 last,
			 const struct v3c_range *like)
{
	held->unmapped = like->kind == V3C_RANGE_DIRECT;
	held->taken_over = false;
	copy_traits(held->range, like);
	held->range->state = V3C_RANGE_LIVE;
	held->range->first = first;
	held->range->last = last;
	link_range(space, held->range);
}

/* A range that is there becomes like @like. It may be mapped with more permissions, and stays so. */
static void take_over(struct v3c_withheld *held, struct v3c_range *range, const struct v3c_range *like)
{
	kmem_cache_free(v3c_range_cache, held->range);
	held->range = range;
	held->unmapped = is_unmapped_kind(range);
	held->taken_over = true;
	held->was_kind = range->kind;
	held->was_prot = range->prot;
	if (is_unmapped_kind(range))
		copy_traits(range, like);
	range->kind = like->kind;
}

/*
 * Sees to the first part of [@*first, @last] that is not like @like yet, if one step reaches it. @*first
 * moves behind what is. @held is used up if @*used.
 */
static int withhold_some(struct v3c_space *space, u64 *first, u64 last, const struct v3c_range *like,
			 v3c_range_check_t compatible, void *arg, struct v3c_withheld *held,
			 bool *used)
{
	struct v3c_range *range;
	unsigned int step;
	u64 end;

	for (step = 0; step < V3C_SPACE_STEP && *first <= last; step++) {
		range = v3c_space_find(space, *first);
		*used = true;
		if (!range || block_first(range) > *first) {
			end = range ? min(last, block_first(range) - 1) : last;
			add_withheld(space, held, *first, end, like);
			*first = end + 1;
			return 0;
		}
		switch (fate_of(space, range, *first, last, like, compatible, arg)) {
		case V3C_TAKEN_OVER:
			take_over(held, range, like);
			*first = range->last + 1;
			return 0;
		case V3C_CONFLICTS:
			*used = false;
			return -EADDRINUSE;
		default:
			*used = false;
			*first = block_last(range) + 1;
		}
	}
	return 0;
}

/**
 * v3c_space_withhold() - take addresses out of circulation for good
 * @space: the space; no quick operation starts on it, and none is under way
 * @first: first page
 * @last: last page, not before @first; may lie beyond the end of the space
 * @like: kind and prot of the new ranges
 * @compatible: whether a live range in the way is one that can stand in for a new one
 * @arg: for @compatible
 * @added: gets a &struct v3c_withheld for each range that was added, which is live and in no page table,
 *	or taken over, which is in those that it was in
 *
 * What is withheld already is left as it is, but for the windows of devices that were not attached,
 * when they are to be mapped now. A live mapping that does what a mapped range would do becomes one, as
 * a whole. On failure @added holds what was done so far.
 *
 * Context: may sleep; under the domain's mutex.
 * Return: 0; -EADDRINUSE if a live range is in the way; -ENOMEM.
 */
int v3c_space_withhold(struct v3c_space *space, u64 first, u64 last, const struct v3c_range *like,
		       v3c_range_check_t compatible, void *arg, struct list_head *added)
{
	struct v3c_withheld *held = NULL;
	bool used;
	int ret = 0;

	while (!ret && first <= last) {
		if (!held)
			held = alloc_withheld();
		if (!held)
			return -ENOMEM;
		used = false;
		scoped_guard(spinlock_irqsave, &space->lock) {
			drain_cache(space);
			ret = withhold_some(space, &first, last, like, compatible, arg, held, &used);
		}
		if (!used)
			continue;
		list_add_tail(&held->entry, added);
		held = NULL;
	}
	free_withheld(held);
	return ret;
}

/*
 * Undoes v3c_space_withhold(); what it added must be in no page table in use. What was added first goes
 * last, because it may have been taken over since.
 */
void v3c_space_forget(struct v3c_space *space, struct list_head *added)
{
	struct v3c_withheld *held, *next;

	list_for_each_entry_safe_reverse(held, next, added, entry) {
		list_del(&held->entry);
		scoped_guard(spinlock_irqsave, &space->lock) {
			if (held->taken_over) {
				held->range->kind = held->was_kind;
				held->range->prot = held->was_prot;
			} else if (held->range->state == V3C_RANGE_LIVE) {
				unlink_range(space, held->range);
				free_record(space, held->range);
			}
		}
		kfree(held);
	}
}

/* The ranges stay; only what could take them back goes. */
void v3c_withheld_keep(struct list_head *added)
{
	struct v3c_withheld *held, *next;

	list_for_each_entry_safe(held, next, added, entry) {
		list_del(&held->entry);
		kfree(held);
	}
}

/* Whether nothing but what is never mapped lies behind page @last, where nobody can put anything. */
static bool is_clear_behind(struct v3c_space *space, u64 last)
{
	u64 at = U64_MAX;
	struct v3c_range *range;
	unsigned int step;

	for (;;) {
		guard(spinlock_irqsave)(&space->lock);
		range = v3c_space_before(space, at);
		for (step = 0; step < V3C_SPACE_STEP; step++) {
			if (!range || block_last(range) <= last)
				return true;
			if (!is_unmapped_kind(range))
				return false;
			at = range->first;
			range = to_range(rb_prev(&range->node));
		}
	}
}

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
		drain_cache(space);
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
	range = v3c_space_find(space, *at);
	*at = range->last + 1;
	if (range->generation == op->generation)
		return v3c_range_pages(range);
	return clamp(op->filled, range->first, range->last + 1) - range->first;
}

/* A copy of the first range from @page on that is mapped for the life of the domain; false without one. */
bool v3c_space_next_direct(struct v3c_space *space, u64 page, struct v3c_range *copy)
{
	struct v3c_range *range;
	unsigned int step;

	for (;;) {
		guard(spinlock_irqsave)(&space->lock);
		range = v3c_space_find(space, page);
		for (step = 0; step < V3C_SPACE_STEP; step++, range = v3c_space_next(range)) {
			if (!range)
				return false;
			if (range->kind == V3C_RANGE_DIRECT && range->state == V3C_RANGE_LIVE) {
				*copy = *range;
				return true;
			}
			page = range->last + 1;
		}
	}
}

/**
 * v3c_space_add_slot() - let operations work on another page table
 * @space: the space
 * @slot: its slot
 * @fill: it does not have the ranges that are there already
 *
 * With @fill, operations that are under way do not know it: v3c_space_quiesce() before filling.
 */
void v3c_space_add_slot(struct v3c_space *space, u8 slot, bool fill)
{
	guard(spinlock_irqsave)(&space->lock);
	space->slots |= BIT(slot);
	if (fill) {
		space->filling = BIT(slot);
		space->generation++;
		space->filled = 0;
	}
}

/* The page table under construction has everything. */
void v3c_space_filled(struct v3c_space *space)
{
	guard(spinlock_irqsave)(&space->lock);
	space->filling = 0;
}

/* Operations under way may still work on it: v3c_space_quiesce() before it is freed. */
void v3c_space_remove_slot(struct v3c_space *space, u8 slot)
{
	guard(spinlock_irqsave)(&space->lock);
	space->slots &= ~BIT(slot);
	space->filling &= ~BIT(slot);
}

void v3c_space_init_once(struct v3c_space *space)
{
	spin_lock_init(&space->lock);
	init_waitqueue_head(&space->idle);
	space->root = RB_ROOT;
}

/* @space belongs to a domain that is not published yet. */
void v3c_space_reset(struct v3c_space *space, bool allocates, u64 last)
{
	guard(spinlock_irqsave)(&space->lock);
	space->root = RB_ROOT;
	space->last = last;
	space->slots = 0;
	space->filling = 0;
	space->generation = 0;
	space->allocates = allocates;
}

void v3c_space_open(struct v3c_space *space)
{
	guard(spinlock_irqsave)(&space->lock);
	space->open = true;
}

/* No operation starts any more; v3c_space_quiesce() waits for the last one. */
void v3c_space_close(struct v3c_space *space)
{
	guard(spinlock_irqsave)(&space->lock);
	space->open = false;
}

/* Forgets every range of a closed and quiet space. */
void v3c_space_clear(struct v3c_space *space)
{
	struct v3c_range *range, *next;

	rbtree_postorder_for_each_entry_safe(range, next, &space->root, node)
		kmem_cache_free(v3c_range_cache, range);
	space->root = RB_ROOT;
	while ((range = take_spare(space)))
		kmem_cache_free(v3c_range_cache, range);
	memset(space->cache, 0, sizeof(space->cache));
	memset(space->nr_cached, 0, sizeof(space->nr_cached));
	space->all_cached = 0;
	memset(space->hot, 0, sizeof(space->hot));
	memset(space->recent, 0, sizeof(space->recent));
}

int v3c_space_module_init(void)
{
	v3c_range_cache = KMEM_CACHE(v3c_range, 0);
	return v3c_range_cache ? 0 : -ENOMEM;
}

void v3c_space_module_exit(void)
{
	kmem_cache_destroy(v3c_range_cache);
}
