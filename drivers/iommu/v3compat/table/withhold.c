// SPDX-License-Identifier: GPL-2.0
/*
 * v3c_withhold() and its undoing: addresses that are out of circulation for good.
 */
#include <linux/list.h>
#include <linux/minmax.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "table/cells.h"
#include "table/gate.h"
#include "table/space.h"
#include "table/withhold.h"

/* v3c_fate says what becomes of a range in the way of one to be withheld. */
enum v3c_fate { V3C_STAYS, V3C_TAKEN_OVER, V3C_CONFLICTS };

/*
 * fate_of() tells what to do about @range where @like is to be withheld. A %V3C_RANGE_WINDOW where
 * @like is to be mapped is of a device that was not attached before: take it over. Take over a live
 * mapping of the same memory, too, so that it is the domain's own and nobody takes it from under
 * the device. Where @like is not to be mapped such a mapping may stay, because it harms nobody
 * else; but an allocator would give its addresses out again.
 */
static enum v3c_fate fate_of(const struct v3c_space *space, const struct v3c_view *range,
			     u64 first, u64 last, struct v3c_traits like,
			     v3c_range_check_t compatible, void *arg)
{
	bool wanted = like.kind == V3C_RANGE_DIRECT;

	if (range->kind == V3C_RANGE_WINDOW && wanted && range->first >= first &&
	    range->last <= last)
		return V3C_TAKEN_OVER;
	if (v3c_kind_is_unmapped(range->kind))
		return wanted ? V3C_CONFLICTS : V3C_STAYS;
	if (range->kind == V3C_RANGE_DIRECT)
		return (range->prot & like.prot) == like.prot ? V3C_STAYS : V3C_CONFLICTS;
	if (!compatible(arg, range, like))
		return V3C_CONFLICTS;
	if (wanted)
		return V3C_TAKEN_OVER;
	return space->allocates ? V3C_CONFLICTS : V3C_STAYS;
}

static void give_head(struct v3c_space *space, u64 first, u8 kind, u8 prot)
{
	v3c_cells_give_one(space, first, V3C_CELL_KIND | V3C_CELL_PROT | V3C_CELL_HELD,
		       v3c_cell_of_kind(kind) | prot);
}

/*
 * take_over() notes that @range, which is in the way, becomes one of the kind of @like. A mapped
 * one keeps its permissions, because its pages stay mapped as they are: they may be more than @like
 * has. An unmapped one gets those of @like. A payload stays the range's, because its pages stay
 * mapped for the life of the domain.
 */
static void take_over(struct v3c_withheld *held, const struct v3c_view *range,
		      struct v3c_traits like)
{
	held->first = range->first;
	held->last = range->last;
	held->unmapped = v3c_kind_is_unmapped(range->kind);
	held->taken_over = true;
	held->was_kind = range->kind;
	held->was_prot = range->prot;
	held->prot = held->unmapped ? like.prot : range->prot;
}

/* add_withheld() makes the free pages at the start of [@*first, @last] a range like @like. */
static int add_withheld(struct v3c_space *space, struct v3c_withheld *held, u64 *first, u64 last,
			struct v3c_traits like)
{
	int ret;
	u64 pages = v3c_cells_claim_free(space, *first, last,
					 v3c_cell_of_kind(like.kind) | like.prot,
					 like.contiguous ? V3C_SLOT_RUN : 0,
					 GFP_KERNEL | space->account, &ret);

	if (!pages)
		return ret;
	held->first = *first;
	held->last = *first + pages - 1;
	held->prot = like.prot;
	held->unmapped = like.kind == V3C_RANGE_DIRECT;
	held->taken_over = false;
	*first += pages;
	return 0;
}

/*
 * meet_range() deals with the range that has page @*first, and moves @*first behind it, unless
 * there is more to look at. @held is used up if @*used. Under the lock, because @compatible looks
 * into page tables: an unmap that takes the range now does not touch them before v3c_gate_look(),
 * which waits.
 */
static int meet_range(struct v3c_space *space, u64 *first, u64 last, struct v3c_traits like,
		      v3c_range_check_t compatible, void *arg, struct v3c_withheld *held,
		      bool *used)
{
	struct v3c_extent *range = &space->copied;
	struct v3c_view view;
	enum v3c_fate fate;
	int ret;

	guard(spinlock_irqsave)(&space->lock);
	ret = v3c_space_meet(space, *first);
	if (ret)
		return ret == -EAGAIN ? 0 : ret;
	view = v3c_cells_view(range);
	fate = fate_of(space, &view, *first, last, like, compatible, arg);
	if (fate == V3C_CONFLICTS)
		return -EADDRINUSE;
	if (fate == V3C_TAKEN_OVER) {
		take_over(held, &view, like);
		if (!v3c_cells_swap(range, v3c_cell_of_kind(like.kind) | held->prot |
				    (range->state & (V3C_CELL_HEAD | V3C_CELL_TAIL))))
			return -EADDRINUSE;
		*used = true;
	}
	*first = view.last + 1;
	return 0;
}

/*
 * withhold_some() withholds the first part of [@*first, @last] that is not like @like yet, and
 * moves @*first behind what is. @held is used up if @*used. The rest of an allocator's block is in
 * the way, because it is free with the block.
 */
static int withhold_some(struct v3c_space *space, u64 *first, u64 last,
			 struct v3c_traits like, v3c_range_check_t compatible, void *arg,
			 struct v3c_withheld *held, bool *used)
{
	u64 end;
	u8 state;
	int ret;

	scoped_guard(rcu)
		state = v3c_cells_look(space, *first, &end);
	if (v3c_cell_is_range(state))
		return meet_range(space, first, last, like, compatible, arg, held, used);
	if (state && state != V3C_CELL_DEAD)
		return -EADDRINUSE;
	ret = add_withheld(space, held, first, last, like);
	*used = !ret;
	return ret;
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

	v3c_gate_lock(space);
	while (!ret && first <= last) {
		if (!held)
			held = kzalloc(sizeof(*held), GFP_KERNEL | space->account);
		if (!held) {
			ret = -ENOMEM;
			break;
		}
		used = false;
		ret = withhold_some(space, &first, last, like, compatible, arg, held, &used);
		if (!used)
			continue;
		list_add_tail(&held->entry, added);
		held = NULL;
	}
	v3c_gate_unlock(space);
	kfree(held);
	return ret;
}

/* v3c_withheld_lose(): an IOMMU driver keeps some of @held mapped for ever. */
void v3c_withheld_lose(struct v3c_space *space, const struct v3c_withheld *held)
{
	give_head(space, held->first, V3C_RANGE_LOST, held->prot);
}

/* undo_one() leaves what is lost. */
static void undo_one(struct v3c_space *space, const struct v3c_withheld *held)
{
	struct v3c_extent range;

	scoped_guard(rcu)
		if (!v3c_cells_find(space, held->first, &range))
			return;
	if (v3c_cell_kind(range.state) == V3C_RANGE_LOST)
		return;
	if (held->taken_over)
		give_head(space, held->first, held->was_kind, held->was_prot);
	else if (v3c_cell_is_live(range.state))
		v3c_cells_free(space, held->first, held->last, 0);
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
		undo_one(space, held);
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
