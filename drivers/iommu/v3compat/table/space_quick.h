/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Ranges for quick operations: inline, without a lock. The caller holds a range by a &struct
 * v3c_hold, which it only hands on.
 */
#ifndef V3COMPAT_SPACE_QUICK_H
#define V3COMPAT_SPACE_QUICK_H

#include <linux/smp.h>

#include "table/record.h"
#include "table/tree.h"

static __always_inline struct v3c_range **v3c_space_hot(struct v3c_space *space, u8 order)
{
	return &space->hot[raw_smp_processor_id() % V3C_HOT_WAYS].block[order];
}

void v3c_space_put(struct v3c_space *space, struct v3c_range *range);

/**
 * struct v3c_hold - a range that a quick operation holds
 * @range: its record, or NULL without one
 */
struct v3c_hold {
	struct v3c_range *range;
};

static __always_inline u64 v3c_hold_first(struct v3c_hold hold)
{
	return hold.range->first;
}

/* v3c_hold_is_large(): it was mapped in large leaves. */
static __always_inline bool v3c_hold_is_large(struct v3c_hold hold)
{
	return hold.range->large;
}

/* v3c_hold_pin(): the payload of a range that has one. */
static __always_inline struct v3c_pin v3c_hold_pin(struct v3c_hold hold)
{
	return *v3c_range_pin(hold.range);
}

/* v3c_hold_give() ends the hold of a range that is LIVE, or LOST. */
static __always_inline void v3c_hold_give(struct v3c_hold hold, enum v3c_range_state state)
{
	v3c_range_give(hold.range, state);
}

/**
 * v3c_space_quick_alloc() - take a free block that is at hand
 * @space: the space of a domain that quick operations may start on
 * @pages: length, at least 1
 * @prot: IOMMU_READ and IOMMU_WRITE of the contiguous run to be mapped
 * @large: it is mapped in large leaves
 * @pin: its payload, or NULL
 * @hold: result
 *
 * Context: any, inside v3c_quick_enter() until the range is LIVE or v3c_space_quick_put() has
 * returned.
 * Return: false when none is at hand: take the slow path.
 */
static __always_inline bool v3c_space_quick_alloc(struct v3c_space *space, u64 pages, u8 prot,
						  bool large, const struct v3c_pin *pin,
						  struct v3c_hold *hold)
{
	u8 order = pages == 1 ? 0 : fls64(pages - 1);
	struct v3c_range *range = NULL;

	if (likely(order < V3C_HOT_ORDERS))
		range = xchg(v3c_space_hot(space, order), NULL);
	if (unlikely(!range)) {
		range = v3c_tree_pop(space, order);
		if (!range)
			return false;
	}
	range->state = V3C_RANGE_MAPPING;
	range->last = range->first + pages - 1;
	/* 0 is older than any construction; none is under way while quick operations run. */
	range->generation = 0;
	range->kind = V3C_RANGE_LOGICAL | (pin ? V3C_RANGE_PINNED : 0);
	if (pin)
		*v3c_range_pin(range) = *pin;
	range->prot = prot;
	range->contiguous = true;
	range->large = large;
	v3c_space_remember(space, range->first, range);
	hold->range = range;
	return true;
}

/**
 * v3c_space_quick_hold() - take a whole mapping for unmapping
 * @space: the space of a domain that quick operations may start on
 * @first: its first page
 * @last: its last page
 * @pinned: it has a payload
 * @hold: result
 *
 * Context: any, inside v3c_quick_enter() until v3c_space_quick_put() has returned.
 * Return: false when none is found, or not as it must be: take the slow path.
 */
static __always_inline bool v3c_space_quick_hold(struct v3c_space *space, u64 first, u64 last,
						 bool pinned, struct v3c_hold *hold)
{
	const u8 kind = V3C_RANGE_LOGICAL | (pinned ? V3C_RANGE_PINNED : 0);
	struct v3c_range *range = READ_ONCE(*v3c_space_recent(space, first));
	u8 live = V3C_RANGE_LIVE;

	if (!range || READ_ONCE(range->first) != first) {
		range = v3c_tree_search(space, first);
		if (unlikely(!range))
			return false;
	}
	if (unlikely(READ_ONCE(range->last) != last ||
		     READ_ONCE(range->kind) != kind ||
		     !try_cmpxchg(&range->state, &live, V3C_RANGE_UNMAPPING)))
		return false;
	hold->range = range;
	/* @range is ours and cannot change any more, but may have changed before try_cmpxchg(). */
	if (likely(range->first == first && range->last == last && range->kind == kind))
		return true;
	v3c_range_give(range, V3C_RANGE_LIVE);
	return false;
}

/**
 * v3c_space_quick_put() - give up a range that is mapped nowhere
 * @space: its space
 * @hold: from v3c_space_quick_alloc() or v3c_space_quick_hold()
 *
 * Context: any.
 */
static __always_inline void v3c_space_quick_put(struct v3c_space *space, struct v3c_hold hold)
{
	struct v3c_range *range = hold.range, *none = NULL;

	if (likely(space->allocates && range->order < V3C_HOT_ORDERS)) {
		range->state = V3C_RANGE_CACHED;
		if (likely(try_cmpxchg(v3c_space_hot(space, range->order), &none, range)))
			return;
	}
	v3c_space_put(space, range);
}

#endif
