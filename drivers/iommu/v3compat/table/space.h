/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_SPACE_H
#define V3COMPAT_SPACE_H

#include <linux/smp.h>
#include <linux/types.h>

#include "table/range.h"
#include "table/tree.h"

/**
 * struct v3c_listed - a range, as it was when it was listed
 * @first: first page
 * @last: last page
 * @kind: &enum v3c_range_kind
 * @state: &enum v3c_range_state, never %V3C_RANGE_CACHED
 * @prot: IOMMU_READ and IOMMU_WRITE
 */
struct v3c_listed {
	u64 first;
	u64 last;
	u8 kind;
	u8 state;
	u8 prot;
};

/*
 * v3c_cut_check_t tells whether [@first, @last] can be cut out of @range without splitting what the
 * IOMMU driver unmaps as a whole. Called with @range held by @op, and without the lock.
 */
typedef bool (*v3c_cut_check_t)(void *arg, const struct v3c_op *op, const struct v3c_range *range,
				u64 first, u64 last);

void v3c_space_init_once(struct v3c_space *space);
void v3c_space_reset(struct v3c_space *space, bool allocates, u64 last);
void v3c_space_clear(struct v3c_space *space);

int v3c_space_alloc(struct v3c_space *space, u64 pages, u64 lo, u64 hi,
		    struct v3c_traits like, gfp_t gfp, struct v3c_op *op);
int v3c_space_claim(struct v3c_space *space, u64 first, u64 last, struct v3c_traits like,
		    gfp_t gfp, struct v3c_op *op);
void v3c_space_put(struct v3c_space *space, struct v3c_range *range);
void v3c_space_commit(struct v3c_space *space, struct v3c_op *op);
void v3c_space_abort(struct v3c_space *space, struct v3c_op *op);
void v3c_space_lose(struct v3c_space *space, struct v3c_op *op);

int v3c_space_release_begin(struct v3c_space *space, u64 first, u64 last, enum v3c_range_kind kind,
			    v3c_cut_check_t may_cut, void *arg, gfp_t gfp, struct v3c_op *op);
bool v3c_space_hold_call(struct v3c_space *space, u64 *page, u64 last, u64 call, struct v3c_op *op);
void v3c_space_release_end(struct v3c_space *space, struct v3c_op *op);
int v3c_space_hold(struct v3c_space *space, u64 first, u64 last, enum v3c_range_kind kind,
		   v3c_cut_check_t may_cut, void *arg, gfp_t gfp, struct v3c_op *op);
void v3c_space_drop(struct v3c_space *space, u64 first, u64 last);
void v3c_space_drop_lost(struct v3c_space *space, u64 first, u64 last);
void v3c_space_unhold(struct v3c_space *space, u64 first, u64 last);
bool v3c_space_is_held(struct v3c_space *space, u64 first, u64 last, const struct v3c_op *op);
void v3c_space_unhold_all(struct v3c_space *space, const struct v3c_op *op);

bool v3c_space_next_direct(struct v3c_space *space, u64 page, struct v3c_range *copy);
unsigned int v3c_space_list(struct v3c_space *space, u64 *cursor, struct v3c_listed *listed,
			    unsigned int max);
int v3c_space_set_last(struct v3c_space *space, u64 last);
u64 v3c_space_next_filled(struct v3c_space *space, const struct v3c_op *op, u64 *at);

static __always_inline struct v3c_range **v3c_space_hot(struct v3c_space *space, u8 order)
{
	return &space->hot[raw_smp_processor_id() % V3C_HOT_WAYS].block[order];
}

/**
 * v3c_space_quick_alloc() - take a free block that is at hand
 * @space: the space of a domain that quick operations may start on
 * @pages: length, at least 1
 * @prot: IOMMU_READ and IOMMU_WRITE of the contiguous run to be mapped
 * @large: it is mapped in large leaves
 *
 * Context: any, inside v3c_quick_enter() until the range is LIVE or v3c_space_quick_put() has
 * returned.
 * Return: the range, or NULL when none is at hand: take the slow path.
 */
static __always_inline struct v3c_range *v3c_space_quick_alloc(struct v3c_space *space, u64 pages,
							       u8 prot, bool large)
{
	u8 order = pages == 1 ? 0 : fls64(pages - 1);
	struct v3c_range *range = NULL;

	if (likely(order < V3C_HOT_ORDERS))
		range = xchg(v3c_space_hot(space, order), NULL);
	if (unlikely(!range)) {
		range = v3c_tree_pop(space, order);
		if (!range)
			return NULL;
	}
	range->state = V3C_RANGE_MAPPING;
	range->last = range->first + pages - 1;
	/* 0 is older than any construction; none is under way while quick operations run. */
	range->generation = 0;
	range->kind = V3C_RANGE_LOGICAL;
	range->prot = prot;
	range->contiguous = true;
	range->large = large;
	v3c_space_remember(space, range->first, range);
	return range;
}

/**
 * v3c_space_quick_hold() - take a whole mapping for unmapping
 * @space: the space of a domain that quick operations may start on
 * @first: its first page
 * @last: its last page
 *
 * Context: any, inside v3c_quick_enter() until v3c_space_quick_put() has returned.
 * Return: the range, or NULL when none is found, or not as it must be: take the slow path.
 */
static __always_inline struct v3c_range *v3c_space_quick_hold(struct v3c_space *space, u64 first,
							      u64 last)
{
	struct v3c_range *range = READ_ONCE(*v3c_space_recent(space, first));
	u8 live = V3C_RANGE_LIVE;

	if (!range || READ_ONCE(range->first) != first) {
		range = v3c_tree_search(space, first);
		if (unlikely(!range))
			return NULL;
	}
	if (unlikely(READ_ONCE(range->last) != last ||
		     READ_ONCE(range->kind) != V3C_RANGE_LOGICAL ||
		     !try_cmpxchg(&range->state, &live, V3C_RANGE_UNMAPPING)))
		return NULL;
	/* @range is ours and cannot change any more, but may have changed before try_cmpxchg(). */
	if (likely(range->first == first && range->last == last &&
		   range->kind == V3C_RANGE_LOGICAL))
		return range;
	v3c_range_give(range, V3C_RANGE_LIVE);
	return NULL;
}

/**
 * v3c_space_quick_put() - give up a range that is mapped nowhere
 * @space: its space
 * @range: from v3c_space_quick_alloc() or v3c_space_quick_hold()
 *
 * Context: any.
 */
static __always_inline void v3c_space_quick_put(struct v3c_space *space, struct v3c_range *range)
{
	struct v3c_range *none = NULL;

	if (likely(space->allocates && range->order < V3C_HOT_ORDERS)) {
		range->state = V3C_RANGE_CACHED;
		if (likely(try_cmpxchg(v3c_space_hot(space, range->order), &none, range)))
			return;
	}
	v3c_space_put(space, range);
}

#endif
