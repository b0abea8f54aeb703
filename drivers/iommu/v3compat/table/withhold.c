// SPDX-License-Identifier: GPL-2.0
/*
 * v3c_withhold() and its undoing: addresses that are out of circulation for good.
 */
#include <linux/list.h>
#include <linux/minmax.h>
#include <linux/slab.h>

#include "table/tree.h"
#include "table/withhold.h"

static struct v3c_withheld *alloc_withheld(struct v3c_space *space)
{
	gfp_t gfp = GFP_KERNEL | space->account;
	struct v3c_withheld *held = kzalloc(sizeof(*held), gfp);

	if (!held)
		return NULL;
	held->range = kmem_cache_zalloc(space->records, gfp);
	if (!held->range) {
		kfree(held);
		return NULL;
	}
	return held;
}

static void free_withheld(struct v3c_space *space, struct v3c_withheld *held)
{
	if (!held)
		return;
	kmem_cache_free(space->records, held->range);
	kfree(held);
}

/* v3c_fate says what becomes of a range in the way of one to be withheld. */
enum v3c_fate { V3C_STAYS, V3C_TAKEN_OVER, V3C_CONFLICTS };

/*
 * fate_of() tells what to do about @range where @like is to be withheld. A %V3C_RANGE_WINDOW where
 * @like is to be mapped is of a device that was not attached before: take it over. Take over a live
 * mapping of the same memory, too, so that it is the domain's own and nobody takes it from under
 * the device. Where @like is not to be mapped such a mapping may stay, because it harms nobody
 * else; but an allocator would give its addresses out again. In the rest of an allocator's block
 * there is nothing, and nothing can be mapped.
 */
static enum v3c_fate fate_of(const struct v3c_space *space, const struct v3c_range *range,
			     u64 first, u64 last, struct v3c_traits like,
			     v3c_range_check_t compatible, void *arg)
{
	bool wanted = like.kind == V3C_RANGE_DIRECT;
	struct v3c_view view;

	lockdep_assert_held(&space->lock);

	if (range->state != V3C_RANGE_LIVE || (wanted && range->last < first))
		return V3C_CONFLICTS;
	if (range->kind == V3C_RANGE_WINDOW && wanted && range->first >= first &&
	    range->last <= last)
		return V3C_TAKEN_OVER;
	if (v3c_range_is_unmapped(range))
		return wanted ? V3C_CONFLICTS : V3C_STAYS;
	if (v3c_range_kind(range) == V3C_RANGE_DIRECT)
		return (range->prot & like.prot) == like.prot ? V3C_STAYS : V3C_CONFLICTS;
	view = v3c_range_view(range, V3C_RANGE_LIVE);
	if (!compatible(arg, &view, like))
		return V3C_CONFLICTS;
	if (wanted)
		return V3C_TAKEN_OVER;
	return space->allocates ? V3C_CONFLICTS : V3C_STAYS;
}

/* add_withheld() makes the free pages [@first, @last] a range like @like. */
static void add_withheld(struct v3c_space *space, struct v3c_withheld *held, u64 first, u64 last,
			 struct v3c_traits like)
{
	held->unmapped = like.kind == V3C_RANGE_DIRECT;
	held->taken_over = false;
	held->first = first;
	held->last = last;
	held->prot = like.prot;
	v3c_range_set_traits(held->range, like);
	held->range->state = V3C_RANGE_LIVE;
	held->range->first = first;
	held->range->last = last;
	v3c_tree_link(space, held->range);
}

/*
 * take_over() makes @range, which is in the way, one of the kind of @like. A mapped @range keeps
 * its permissions, because its pages stay mapped as they are: they may be more than @like has. An
 * unmapped one gets all traits of @like.
 */
static void take_over(struct v3c_space *space, struct v3c_withheld *held,
		      struct v3c_range *range, struct v3c_traits like)
{
	kmem_cache_free(space->records, held->range);
	held->range = range;
	held->unmapped = v3c_range_is_unmapped(range);
	held->taken_over = true;
	held->was_kind = range->kind;
	held->was_prot = range->prot;
	if (v3c_range_is_unmapped(range))
		v3c_range_set_traits(range, like);
	/* A payload stays the range's, because its pages stay mapped for the life of the domain. */
	range->kind = like.kind | (held->was_kind & V3C_RANGE_PINNED);
	held->first = range->first;
	held->last = range->last;
	held->prot = range->prot;
}

/*
 * withhold_some() withholds the first part of [@*first, @last] that is not like @like yet, if one
 * step reaches it, and moves @*first behind what is. @held is used up if @*used.
 */
static int withhold_some(struct v3c_space *space, u64 *first, u64 last,
			 struct v3c_traits like, v3c_range_check_t compatible, void *arg,
			 struct v3c_withheld *held, bool *used)
{
	struct v3c_range *range;
	unsigned int step;
	u64 end;

	for (step = 0; step < V3C_SPACE_STEP && *first <= last; step++) {
		range = v3c_tree_find(space, *first);
		*used = true;
		if (!range || v3c_block_first(range) > *first) {
			end = range ? min(last, v3c_block_first(range) - 1) : last;
			add_withheld(space, held, *first, end, like);
			*first = end + 1;
			return 0;
		}
		switch (fate_of(space, range, *first, last, like, compatible, arg)) {
		case V3C_TAKEN_OVER:
			take_over(space, held, range, like);
			*first = range->last + 1;
			return 0;
		case V3C_CONFLICTS:
			*used = false;
			return -EADDRINUSE;
		default:
			*used = false;
			*first = v3c_block_last(range) + 1;
		}
	}
	return 0;
}

/**
 * v3c_withhold() - take addresses out of circulation for good
 * @space: the space; no quick operation starts on it, and none is under way
 * @first: first page
 * @last: last page, not before @first; may lie beyond the end of the space
 * @like: kind and prot of the new ranges
 * @compatible: tells whether a live range in the way can stand in for a new one
 * @arg: for @compatible
 * @added: gets a &struct v3c_withheld for each range that was added, which is live and in no page
 *	table, or taken over, which is in those that it was in
 *
 * Pages that are withheld already are left as they are. The exception are the windows of devices
 * that were not attached, when they are to be mapped now. A live mapping that does what a mapped
 * range would do becomes one, as a whole. On failure @added holds what was done so far.
 *
 * Context: may sleep; under the domain's mutex.
 * Return: 0; -EADDRINUSE if a live range is in the way; -ENOMEM.
 */
int v3c_withhold(struct v3c_space *space, u64 first, u64 last, struct v3c_traits like,
		 v3c_range_check_t compatible, void *arg, struct list_head *added)
{
	struct v3c_withheld *held = NULL;
	bool used;
	int ret = 0;

	while (!ret && first <= last) {
		if (!held)
			held = alloc_withheld(space);
		if (!held)
			return -ENOMEM;
		used = false;
		scoped_guard(spinlock_irqsave, &space->lock) {
			v3c_tree_drain_blocks(space);
			ret = withhold_some(space, &first, last, like, compatible, arg, held,
					    &used);
		}
		if (!used)
			continue;
		list_add_tail(&held->entry, added);
		held = NULL;
	}
	free_withheld(space, held);
	return ret;
}

/* v3c_withheld_lose(): an IOMMU driver keeps some of @held mapped for ever. */
void v3c_withheld_lose(struct v3c_withheld *held)
{
	v3c_range_give(held->range, V3C_RANGE_LOST);
}

/*
 * v3c_withhold_undo() undoes v3c_withhold(), last things first, because what was added may have
 * been taken over since. What it added must be in no page table in use.
 */
void v3c_withhold_undo(struct v3c_space *space, struct list_head *added)
{
	struct v3c_withheld *held, *next;

	list_for_each_entry_safe_reverse(held, next, added, entry) {
		list_del(&held->entry);
		scoped_guard(spinlock_irqsave, &space->lock) {
			if (held->taken_over) {
				held->range->kind = held->was_kind;
				held->range->prot = held->was_prot;
			} else if (held->range->state == V3C_RANGE_LIVE) {
				v3c_tree_unlink(space, held->range);
				v3c_tree_free(space, held->range);
			}
		}
		kfree(held);
	}
}

/* v3c_withheld_keep() frees the records that v3c_withhold_undo() would need; the ranges stay. */
void v3c_withheld_keep(struct list_head *added)
{
	struct v3c_withheld *held, *next;

	list_for_each_entry_safe(held, next, added, entry) {
		list_del(&held->entry);
		kfree(held);
	}
}
