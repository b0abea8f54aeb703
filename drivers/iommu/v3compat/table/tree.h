/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_TREE_H
#define V3COMPAT_TREE_H

#include <linux/lockdep.h>
#include <linux/rcupdate.h>

#include "table/record.h"

struct kmem_cache;

/*
 * V3C_CACHE_DEPTH bounds the free blocks of one order, and the spare records, that are kept at
 * hand.
 */
#define V3C_CACHE_DEPTH	64

/* v3c_range_cache has &struct v3c_range, v3c_pinned_range_cache &struct v3c_pinned_range. */
extern struct kmem_cache *v3c_range_cache, *v3c_pinned_range_cache;

/* &struct v3c_want asks for a range of @pages in [@lo, @hi], at the start of a block of @order. */
struct v3c_want {
	u64 pages;
	u64 lo;
	u64 hi;
	u8 order;
};

/* The functions of tree.h are called under &v3c_space.lock, unless they say otherwise. */
static inline struct v3c_range *v3c_tree_take_spare(struct v3c_space *space)
{
	struct v3c_range *range = space->spare;

	lockdep_assert_held(&space->lock);

	if (range) {
		space->spare = range->next;
		space->nr_spare--;
	}
	return range;
}

/*
 * v3c_tree_free() keeps @range a range of this space for a grace period, because a quick unmap may
 * still look at it.
 */
static inline void v3c_tree_free(struct v3c_space *space, struct v3c_range *range)
{
	lockdep_assert_held(&space->lock);

	if (space->nr_spare == V3C_CACHE_DEPTH) {
		kfree_rcu(range, rcu);
		return;
	}
	range->next = space->spare;
	space->spare = range;
	space->nr_spare++;
}

/**
 * v3c_tree_find() - the first range whose block ends at or after a page
 * @space: the space, locked
 * @page: logical page
 *
 * Return: the range, or NULL when everything from @page on is free.
 */
static inline struct v3c_range *v3c_tree_find(struct v3c_space *space, u64 page)
{
	struct rb_node *node = space->root.rb_node;
	struct v3c_range *found = NULL;

	lockdep_assert_held(&space->lock);

	while (node) {
		struct v3c_range *range = v3c_to_range(node);

		if (v3c_block_last(range) < page) {
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

static inline struct v3c_range *v3c_tree_next(struct v3c_range *range)
{
	return v3c_to_range(rb_next(&range->node));
}

void v3c_tree_link(struct v3c_space *space, struct v3c_range *range);
void v3c_tree_unlink(struct v3c_space *space, struct v3c_range *range);
struct v3c_range *v3c_tree_before(struct v3c_space *space, u64 page);

bool v3c_tree_find_block(struct v3c_space *space, const struct v3c_want *want, u64 *block);
struct v3c_range *v3c_tree_pop_block(struct v3c_space *space, const struct v3c_want *want);
bool v3c_tree_push_block(struct v3c_space *space, struct v3c_range *range);
bool v3c_tree_drain_blocks(struct v3c_space *space);

struct v3c_range *v3c_tree_pop(struct v3c_space *space, u8 order);
struct v3c_range *v3c_tree_search(struct v3c_space *space, u64 first);

int v3c_tree_module_init(void);
void v3c_tree_module_exit(void);

#endif
