/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_TREE_H
#define V3COMPAT_TREE_H

#include "table/range.h"

struct kmem_cache;

/* v3c_range_cache has the records of ranges. */
extern struct kmem_cache *v3c_range_cache;

/* What a new range wants: @pages in [@lo, @hi], at the start of a block of @order. */
struct v3c_want {
	u64 pages;
	u64 lo;
	u64 hi;
	u8 order;
};

/* All of these under the space's lock, unless they say otherwise. */
struct v3c_range *v3c_tree_take_spare(struct v3c_space *space);
void v3c_tree_free(struct v3c_space *space, struct v3c_range *range);
void v3c_tree_link(struct v3c_space *space, struct v3c_range *range);
void v3c_tree_unlink(struct v3c_space *space, struct v3c_range *range);
struct v3c_range *v3c_tree_find(struct v3c_space *space, u64 page);
struct v3c_range *v3c_tree_before(struct v3c_space *space, u64 page);
struct v3c_range *v3c_tree_next(struct v3c_range *range);

bool v3c_tree_find_block(struct v3c_space *space, const struct v3c_want *want, u64 *block);
struct v3c_range *v3c_tree_pop_block(struct v3c_space *space, const struct v3c_want *want);
bool v3c_tree_push_block(struct v3c_space *space, struct v3c_range *range);
bool v3c_tree_drain_blocks(struct v3c_space *space);

struct v3c_range *v3c_tree_pop(struct v3c_space *space, u8 order);
struct v3c_range *v3c_tree_search(struct v3c_space *space, u64 first);

int v3c_tree_module_init(void);
void v3c_tree_module_exit(void);

#endif
