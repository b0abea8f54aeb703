// SPDX-License-Identifier: GPL-2.0
/*
 * Ranges by address, and free space between them.
 *
 * One tree, &v3c_space.root, holds every range, ordered by address. Where the space chooses
 * addresses, the tree is augmented with the largest aligned block that is free in front of any
 * range of a subtree, so that the lowest block of an order is found in one descent. A block that an
 * allocator takes back stays in the tree for a while, in &v3c_space.cache: giving it out again
 * costs neither a search nor an allocation.
 */
#include <linux/bitops.h>
#include <linux/log2.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/rbtree_augmented.h>
#include <linux/slab.h>

#include "table/tree.h"

/*
 * V3C_CACHE_BLOCKS bounds the free blocks of all orders together, because v3c_tree_drain_blocks()
 * gives up all of them under the lock.
 */
#define V3C_CACHE_BLOCKS	192

struct kmem_cache *v3c_range_cache, *v3c_pinned_range_cache;

static inline u8 own_gap_order(const struct v3c_range *range)
{
	return range->gap_order;
}

RB_DECLARE_CALLBACKS_MAX(static, v3c_gap_callbacks, struct v3c_range, node, u8, max_gap_order,
			 own_gap_order)

/*
 * fitting_order() is one more than the order of the largest aligned block inside @pages free pages
 * from @first on; 0 without one.
 */
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
	range->gap_order = fitting_order(v3c_block_first(range) - gap, gap);
}

void v3c_tree_link(struct v3c_space *space, struct v3c_range *range)
{
	struct rb_node **link = &space->root.rb_node, *parent = NULL;
	struct v3c_range *prev = NULL, *next = NULL;
	u64 first;

	lockdep_assert_held(&space->lock);

	while (*link) {
		parent = *link;
		if (range->first < v3c_to_range(parent)->first) {
			next = v3c_to_range(parent);
			link = &parent->rb_left;
		} else {
			prev = v3c_to_range(parent);
			link = &parent->rb_right;
		}
	}
	if (!space->allocates) {
		rb_link_node(&range->node, parent, link);
		rb_insert_color(&range->node, &space->root);
		return;
	}
	/* @first is at least 1: page 0 is never given out, and must not count as free. */
	first = prev ? v3c_block_last(prev) + 1 : 1;
	set_gap(range, v3c_block_first(range) > first ? v3c_block_first(range) - first : 0);
	range->max_gap_order = range->gap_order;
	rb_link_node(&range->node, parent, link);
	if (next) {
		set_gap(next, v3c_block_first(next) - v3c_block_last(range) - 1);
		v3c_gap_callbacks_propagate(&next->node, NULL);
	}
	if (parent)
		v3c_gap_callbacks_propagate(parent, NULL);
	rb_insert_augmented(&range->node, &space->root, &v3c_gap_callbacks);
}

void v3c_tree_unlink(struct v3c_space *space, struct v3c_range *range)
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
	next = v3c_tree_next(range);
	rb_erase_augmented(&range->node, &space->root, &v3c_gap_callbacks);
	if (next) {
		set_gap(next, next->gap + range->gap +
			v3c_block_last(range) - v3c_block_first(range) + 1);
		v3c_gap_callbacks_propagate(&next->node, NULL);
	}
}

/* The last range that starts before @page, or NULL. */
struct v3c_range *v3c_tree_before(struct v3c_space *space, u64 page)
{
	struct rb_node *node = space->root.rb_node;
	struct v3c_range *found = NULL;

	lockdep_assert_held(&space->lock);

	while (node) {
		if (v3c_to_range(node)->first < page) {
			found = v3c_to_range(node);
			node = node->rb_right;
		} else {
			node = node->rb_left;
		}
	}
	return found;
}

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

	/* @want->lo and @want->hi bound the range; its block need only lie in the space. */
	if (first + size > min(end, space->last + 1) || !fits_bounds(want, first))
		return false;
	*block = first;
	return true;
}

/*
 * v3c_tree_find_block() finds the lowest free block for @want in one descent. Only a gap that is
 * cut by a bound or by the end of the space can hold less than its @gap_order says: after each of
 * these there is a walk to the next candidate.
 */
bool v3c_tree_find_block(struct v3c_space *space, const struct v3c_want *want, u64 *block)
{
	struct rb_node *node = space->root.rb_node, *child;
	struct v3c_range *range = v3c_to_range(node);
	u64 tail;

	lockdep_assert_held(&space->lock);

	if (!node || range->max_gap_order <= want->order)
		goto tail;
	for (;;) {
		range = v3c_to_range(node);
		child = node->rb_left;
		if (child && v3c_to_range(child)->max_gap_order > want->order &&
		    v3c_block_first(range) > want->lo) {
			node = child;
			continue;
		}
		for (;;) {
			if (v3c_block_first(range) - range->gap > want->hi)
				return false;
			if (range->gap_order > want->order && v3c_block_first(range) > want->lo &&
			    block_in_gap(space, want, v3c_block_first(range), range->gap, block))
				return true;
			child = node->rb_right;
			if (child && v3c_to_range(child)->max_gap_order > want->order)
				break;
			/* Go up to the first ancestor that has @node in its left subtree. */
			while ((child = node, node = rb_parent(node)) && node->rb_right == child)
				;
			if (!node)
				goto tail;
			range = v3c_to_range(node);
		}
		node = child;
	}
tail:
	range = v3c_to_range(rb_last(&space->root));
	tail = range ? v3c_block_last(range) + 1 : 0;
	return tail <= space->last &&
	       block_in_gap(space, want, space->last + 1, space->last + 1 - tail, block);
}

struct v3c_range *v3c_tree_pop_block(struct v3c_space *space, const struct v3c_want *want)
{
	struct v3c_range *range = space->cache[want->order];

	lockdep_assert_held(&space->lock);

	if (!range || !fits_bounds(want, range->first))
		return NULL;
	space->cache[want->order] = range->next;
	space->nr_cached[want->order]--;
	space->all_cached--;
	return range;
}

bool v3c_tree_push_block(struct v3c_space *space, struct v3c_range *range)
{
	u8 order = range->order;

	lockdep_assert_held(&space->lock);

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
	v3c_tree_unlink(space, range);
	v3c_tree_free(space, range);
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

bool v3c_tree_drain_blocks(struct v3c_space *space)
{
	struct v3c_range *range;
	bool any;
	u8 order;

	lockdep_assert_held(&space->lock);

	any = drain_hot(space);
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

/**
 * v3c_tree_pop() - take the free block that came back last
 * @space: the space
 * @order: of the block
 *
 * Return: the block, which only the caller holds, or NULL when none is at hand: take the slow path.
 */
struct v3c_range *v3c_tree_pop(struct v3c_space *space, u8 order)
{
	struct v3c_want anywhere = { .pages = 1, .hi = U64_MAX, .order = order };

	guard(spinlock_irqsave)(&space->lock);
	return v3c_tree_pop_block(space, &anywhere);
}

/**
 * v3c_tree_search() - the range that starts at a page
 * @space: the space
 * @first: page
 *
 * Context: any, inside v3c_quick_enter() for as long as the range is looked at.
 * Return: the range, in any state and whoever holds it, or NULL.
 */
struct v3c_range *v3c_tree_search(struct v3c_space *space, u64 first)
{
	struct rb_node *node;
	struct v3c_range *range;

	guard(spinlock_irqsave)(&space->lock);
	node = space->root.rb_node;
	while (node) {
		range = v3c_to_range(node);
		if (range->first == first)
			return range;
		node = first < range->first ? node->rb_left : node->rb_right;
	}
	return NULL;
}

int v3c_tree_module_init(void)
{
	v3c_range_cache = KMEM_CACHE(v3c_range, 0);
	v3c_pinned_range_cache = KMEM_CACHE(v3c_pinned_range, 0);
	if (v3c_range_cache && v3c_pinned_range_cache)
		return 0;
	v3c_tree_module_exit();
	return -ENOMEM;
}

void v3c_tree_module_exit(void)
{
	kmem_cache_destroy(v3c_pinned_range_cache);
	kmem_cache_destroy(v3c_range_cache);
}
