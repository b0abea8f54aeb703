// SPDX-License-Identifier: GPL-2.0
/*
 * The map of a domain's logical addresses, see cells.h.
 *
 * Functions that change cells work a step at a time, each in an RCU read-side section of its own,
 * and allocate between the steps. What they have done so far is the caller's, so that nobody else
 * changes it meanwhile.
 */
#include <kunit/visibility.h>
#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/build_bug.h>
#include <linux/export.h>
#include <linux/iommu.h>
#include <linux/log2.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/unaligned.h>
#include <linux/workqueue.h>

#include "base/context.h"
#include "base/later.h"
#include "base/phys.h"
#include "table/cells.h"
#include "table/pins.h"
#include "table/trim.h"

static_assert(V3C_CELL_PROT == (IOMMU_READ | IOMMU_WRITE));
static_assert(V3C_RANGE_LOST << V3C_CELL_KIND_SHIFT <= V3C_CELL_KIND);

#define V3C_LEVELS	(V3C_HIGH_LEVEL + 1)

/* A level's cells are of 1 << @shift pages each, and there are 1 << @bits of them in a node. */
static const struct {
	u8 shift;
	u8 bits;
} v3c_levels[V3C_LEVELS] = {
	{ V3C_SHIFT(0), V3C_BITS(0) }, { V3C_SHIFT(1), V3C_BITS(1) },
	{ V3C_SHIFT(2), V3C_BITS(2) }, { V3C_SHIFT(3), V3C_BITS(3) },
	{ V3C_SHIFT(4), V3C_BITS(4) }, { V3C_SHIFT(5), V3C_BITS(5) },
	{ V3C_SHIFT(6), V3C_BITS(6) },
};

/*
 * v3c_cells_none stands for a root that is not there yet, so that who only looks need not know. It
 * never changes, but cannot be constant, because a cmpxchg that fails needs memory that can be
 * written.
 */
unsigned long v3c_cells_none[1024] = {
	[0 ... 1023] = (unsigned long)V3C_CELL_DEAD << V3C_SLOT_STATE_SHIFT
};

/**
 * struct v3c_cell - the cell that has a page
 * @at: the cell, a byte at @level 0, else a slot
 * @first: its first page
 * @last: its last page
 * @value: the slot
 * @level: of the node that it is in
 * @state: of the cell
 */
struct v3c_cell {
	void *at;
	u64 first;
	u64 last;
	unsigned long value;
	u8 level;
	u8 state;
};

static u64 cell_pages(unsigned int level)
{
	return 1ULL << v3c_levels[level].shift;
}

static unsigned int node_cells(unsigned int level)
{
	return 1U << v3c_levels[level].bits;
}

static unsigned int index_of(u64 page, unsigned int level)
{
	return (page >> v3c_levels[level].shift) & (node_cells(level) - 1);
}

static bool is_vacant(u8 state)
{
	return !state || state == V3C_CELL_DEAD;
}

static unsigned long *root_of(const struct v3c_space *space, u64 page, unsigned int *level)
{
	*level = page >> V3C_LOW_BITS ? V3C_HIGH_LEVEL : V3C_LOW_LEVEL;
	return page >> V3C_LOW_BITS ? READ_ONCE(space->high) : READ_ONCE(space->low);
}

static void set_byte(struct v3c_cell *cell, u8 *at, u64 page)
{
	cell->at = at;
	cell->first = page;
	cell->last = page;
	cell->value = 0;
	cell->level = 0;
	cell->state = READ_ONCE(*at);
}

static void set_slot(struct v3c_cell *cell, unsigned long *slot, unsigned long value, u64 page,
		     unsigned int level)
{
	cell->at = slot;
	cell->first = page & ~(cell_pages(level) - 1);
	cell->last = cell->first + cell_pages(level) - 1;
	cell->value = value;
	cell->level = level;
	cell->state = value >> V3C_SLOT_STATE_SHIFT;
}

/* walk_to() finds the cell that has @page. */
static void walk_to(const struct v3c_space *space, u64 page, struct v3c_cell *cell)
{
	unsigned long *node, value;
	unsigned int level = 4;

	if (unlikely(page >> V3C_LOW_BITS)) {
		node = READ_ONCE(space->high);
		if (!v3c_step_down(&node, &value, page, 6)) {
			set_slot(cell, node, value, page, 6);
			return;
		}
		if (!v3c_step_down(&node, &value, page, 5)) {
			set_slot(cell, node, value, page, 5);
			return;
		}
	} else {
		node = READ_ONCE(space->low);
	}
	if (v3c_step_down(&node, &value, page, 4)) {
		level = 3;
		if (v3c_step_down(&node, &value, page, 3)) {
			level = 2;
			if (v3c_step_down(&node, &value, page, 2)) {
				level = 1;
				if (v3c_step_down(&node, &value, page, 1)) {
					set_byte(cell, (u8 *)node + (page & (V3C_LEAF_CELLS - 1)),
						 page);
					return;
				}
			}
		}
	}
	set_slot(cell, node, value, page, level);
}

/* node_bytes() is a power of two, so that a node is aligned to its size. */
static size_t node_bytes(unsigned int level)
{
	return level ? node_cells(level) * sizeof(unsigned long) : V3C_LEAF_CELLS;
}

static void *alloc_node(const struct v3c_space *space, unsigned int level, gfp_t gfp)
{
	return kzalloc(node_bytes(level), gfp | space->account);
}

/*
 * fill_node() gives the cells of a new @node below the slot with @value what the slot says: all
 * are the body of its range, but for the first and the last.
 */
static void fill_node(void *node, unsigned int level, unsigned long value)
{
	u8 state = value >> V3C_SLOT_STATE_SHIFT, traits = value & V3C_SLOT_TRAITS;
	u8 body = state & (V3C_CELL_KIND | V3C_CELL_PROT);
	u8 run = traits & V3C_SLOT_RUN ? V3C_CELL_RUN : 0;
	unsigned int last = node_cells(level) - 1, i;
	unsigned long *slots = node;
	u8 *bytes = node;

	if (!level) {
		memset(bytes, body | run, last + 1);
		bytes[0] = state & V3C_CELL_HEAD ? state & ~V3C_CELL_TAIL : body | run;
		bytes[last] |= state & V3C_CELL_TAIL;
		return;
	}
	slots[0] = v3c_slot_of(state & ~V3C_CELL_TAIL, traits);
	for (i = 1; i <= last; i++)
		slots[i] = v3c_slot_of(body, traits);
	slots[last] |= v3c_slot_of(state & V3C_CELL_TAIL, 0);
}

static int add_root(struct v3c_space *space, u64 page, gfp_t gfp)
{
	unsigned long **root = page >> V3C_LOW_BITS ? &space->high : &space->low;
	unsigned long *none = v3c_cells_none, *node;

	node = alloc_node(space, page >> V3C_LOW_BITS ? V3C_HIGH_LEVEL : V3C_LOW_LEVEL, gfp);
	if (!node)
		return -ENOMEM;
	if (!try_cmpxchg(root, &none, node))
		kfree(node);
	return 0;
}

/*
 * add_node() puts a node below the slot that is the cell of @page, if that has @state still. It
 * tries only once: who calls it looks again.
 */
static int add_node(struct v3c_space *space, u64 page, u8 state, gfp_t gfp)
{
	struct v3c_cell cell;
	unsigned int level;
	void *node;
	bool added = false;

	if (root_of(space, page, &level) == v3c_cells_none)
		return add_root(space, page, gfp);
	scoped_guard(rcu)
		walk_to(space, page, &cell);
	if (cell.state == V3C_CELL_DEAD)
		cpu_relax();
	if (cell.state != state || !cell.level)
		return 0;
	level = cell.level - 1;
	node = alloc_node(space, level, gfp);
	if (!node)
		return -ENOMEM;
	scoped_guard(rcu) {
		walk_to(space, page, &cell);
		if (cell.level != level + 1 || cell.state != state)
			break;
		if (state)
			fill_node(node, level, cell.value);
		added = try_cmpxchg((unsigned long *)cell.at, &cell.value,
				    (unsigned long)node | V3C_SLOT_TAGS);
	}
	if (!added)
		kfree(node);
	return 0;
}

/**
 * struct v3c_claim - what cells are to become
 * @first: first page
 * @last: last page
 * @head: state of the first cell
 * @body: of those behind it
 * @tail: added to that of the last
 * @from: state of cells that are free for it, 0 or V3C_CELL_UNUSED
 * @run: added to bytes that are not the first
 * @traits: of slots
 */
struct v3c_claim {
	u64 first;
	u64 last;
	u8 head;
	u8 body;
	u8 tail;
	u8 from;
	u8 run;
	u8 traits;
};

static u8 state_for(const struct v3c_claim *claim, u64 first, u64 last)
{
	u8 state = first == claim->first ? claim->head : claim->body;

	return last == claim->last ? state | claim->tail : state;
}

static u8 byte_for(const struct v3c_claim *claim, u64 page)
{
	u8 state = state_for(claim, page, page);

	return page == claim->first ? state : state | claim->run;
}

#define WORD	sizeof(u64)

/* claim_words() claims bytes by whole words. Returns how many it came to have. */
static unsigned int claim_words(const struct v3c_claim *claim, u8 *at, u64 page,
				unsigned int count)
{
	const u64 body = v3c_cell_repeat(claim->body | claim->run);
	const u64 free = v3c_cell_repeat(claim->from);
	unsigned int i;
	u64 want, from;

	for (i = 0; i + WORD <= count; i += WORD) {
		want = body;
		if (unlikely(page + i == claim->first))
			want = (want & ~0xffull) | claim->head;
		if (unlikely(page + i + WORD - 1 == claim->last))
			want |= (u64)claim->tail << 56;
		from = free;
		if (!try_cmpxchg((u64 *)(at + i), &from, v3c_cell_word(want)))
			break;
	}
	return i;
}

/*
 * claim_bytes() claims @count bytes at @at. Returns how many it came to have, and in @state what
 * was in the way.
 */
static unsigned int claim_bytes(const struct v3c_claim *claim, u8 *at, u64 page,
				unsigned int count, u8 *state)
{
	unsigned int i = 0, got;

	while (i < count) {
		if (count - i >= WORD && IS_ALIGNED((unsigned long)(at + i), WORD)) {
			got = claim_words(claim, at + i, page + i, count - i);
			i += got;
			if (got)
				continue;
		}
		*state = claim->from;
		if (!try_cmpxchg(at + i, state, byte_for(claim, page + i)))
			break;
		i++;
	}
	return i;
}

/*
 * claim_some() claims cells from @page on, as many as a node has. Returns -EAGAIN if @page is in a
 * slot of more pages than are wanted, or in one that is not there.
 */
static int claim_some(struct v3c_space *space, const struct v3c_claim *claim, u64 *page)
{
	struct v3c_cell cell;
	unsigned long *slot, value;
	unsigned int count, got;
	u64 pages;
	u8 state;

	guard(rcu)();
	walk_to(space, *page, &cell);
	if (!cell.level) {
		count = min(claim->last - *page, V3C_LEAF_CELLS - 1 - index_of(*page, 0)) + 1;
		got = claim_bytes(claim, cell.at, *page, count, &state);
		*page += got;
		if (got == count)
			return 0;
		return state == V3C_CELL_DEAD ? -EAGAIN : -EADDRINUSE;
	}
	if (!is_vacant(cell.state) && cell.state != claim->from)
		return -EADDRINUSE;
	pages = cell_pages(cell.level);
	slot = cell.at;
	for (;;) {
		if (cell.first != *page || *page + pages - 1 > claim->last || claim->from) {
			/* The next step looks at another slot, which may have a node already. */
			return slot == cell.at ? -EAGAIN : 0;
		}
		value = 0;
		state = state_for(claim, *page, *page + pages - 1);
		if (!try_cmpxchg(slot, &value, v3c_slot_of(state, claim->traits)))
			break;
		*page += pages;
		cell.first += pages;
		if (*page > claim->last || !index_of(*page, cell.level))
			return 0;
		slot++;
	}
	/* A node below @slot is for the next step. */
	if (value & V3C_SLOT_CHILD)
		return 0;
	return value >> V3C_SLOT_STATE_SHIFT == V3C_CELL_DEAD ? -EAGAIN : -EADDRINUSE;
}

/* claim_only() claims the only cell of a range, if there is a cell that has just its pages. */
static __always_inline bool claim_only(struct v3c_space *space, u64 first, u64 last, u8 state,
				       u8 traits, u8 from, struct v3c_head *head)
{
	struct v3c_cell cell;
	unsigned long none = 0;

	state = (state & V3C_CELL_KIND) | V3C_CELL_HEAD | V3C_CELL_TAIL | V3C_CELL_HELD;
	guard(rcu)();
	walk_to(space, first, &cell);
	if (cell.first != first || cell.last != last)
		return false;
	head->at = cell.at;
	head->level = cell.level;
	head->only = true;
	if (!cell.level)
		return try_cmpxchg((u8 *)cell.at, &from, state);
	return !from && try_cmpxchg((unsigned long *)cell.at, &none, v3c_slot_of(state, traits));
}

static int claim_all(struct v3c_space *space, const struct v3c_claim *claim, gfp_t gfp, u64 *page)
{
	int ret = 0;

	*page = claim->first;
	while (*page <= claim->last) {
		ret = claim_some(space, claim, page);
		if (ret == -EAGAIN && gfp)
			ret = add_node(space, *page, 0, gfp);
		if (ret)
			return ret;
		if (*page <= claim->last)
			v3c_yield();
	}
	return 0;
}

/* undo_claim() gives back what claim_all() had claimed when it came to @page. */
static void undo_claim(struct v3c_space *space, u64 first, u64 page, u8 from)
{
	if (page > first)
		v3c_cells_free(space, first, page - 1, from);
	else
		v3c_cells_emptied(space);
}

/* claim_range() is v3c_cells_claim() of more than one cell, or in one that is not there yet. */
static noinline int claim_range(struct v3c_space *space, u64 first, u64 last, u8 state, u8 traits,
				u8 from, gfp_t gfp)
{
	const struct v3c_claim claim = {
		.first = first, .last = last, .from = from, .traits = traits,
		.head = (state & V3C_CELL_KIND) | V3C_CELL_HEAD | V3C_CELL_HELD, .body = state,
		.tail = V3C_CELL_TAIL, .run = traits & V3C_SLOT_RUN ? V3C_CELL_RUN : 0,
	};
	u64 page;
	int ret = claim_all(space, &claim, gfp, &page);

	if (unlikely(ret))
		undo_claim(space, first, page, from);
	return ret;
}

/**
 * v3c_cells_claim() - make free pages a range, and hold it for mapping
 * @space: the space
 * @first: first page
 * @last: last page, not before @first
 * @state: kind and permissions that it is to have; v3c_cells_give() adds these to the head
 * @traits: V3C_SLOT_RUN, or 0
 * @from: what is free, 0 or V3C_CELL_UNUSED; the latter are bytes
 * @gfp: for nodes, or 0 to make none
 * @head: result, where the head is, if it is the only cell
 *
 * Context: any that @gfp allows.
 * Return: 0; -EADDRINUSE if some page is not free; -ENOMEM; -EAGAIN without @gfp if a node is
 * wanted. All pages are what they were on failure; there may be more nodes.
 */
int v3c_cells_claim(struct v3c_space *space, u64 first, u64 last, u8 state, u8 traits, u8 from,
		    gfp_t gfp, struct v3c_head *head)
{
	if (claim_only(space, first, last, state, traits, from, head))
		return 0;
	head->at = NULL;
	return claim_range(space, first, last, state, traits, from, gfp);
}

/*
 * v3c_cells_fill() makes free pages all @state, which is no range's. Otherwise as
 * v3c_cells_claim(), but that it may sleep if @state is V3C_CELL_UNUSED.
 */
int v3c_cells_fill(struct v3c_space *space, u64 first, u64 last, u8 state, gfp_t gfp)
{
	const struct v3c_claim claim = {
		.first = first, .last = last, .head = state, .body = state,
	};
	u64 page;
	int ret = claim_all(space, &claim, gfp, &page);

	if (ret && page > first && state == V3C_CELL_UNUSED)
		v3c_cells_give_up(space, first, page - 1);
	else if (ret)
		undo_claim(space, first, page, 0);
	return ret;
}

/**
 * v3c_cells_claim_free() - make a live range of the free pages at the start of some
 * @space: the space
 * @first: first page, which is free
 * @last: last page, not before @first
 * @state: kind and permissions of the range
 * @traits: V3C_SLOT_RUN, of what is mapped
 * @gfp: for nodes
 * @ret: result, 0 or -ENOMEM
 *
 * Context: any that @gfp allows.
 * Return: how many pages the range has.
 */
u64 v3c_cells_claim_free(struct v3c_space *space, u64 first, u64 last, u8 state, u8 traits,
			 gfp_t gfp, int *ret)
{
	const struct v3c_claim claim = {
		.first = first, .last = last, .body = state, .tail = V3C_CELL_TAIL,
		.head = (state & V3C_CELL_KIND) | V3C_CELL_HEAD | V3C_CELL_HELD, .traits = traits,
		.run = traits & V3C_SLOT_RUN && state & V3C_CELL_PROT ? V3C_CELL_RUN : 0,
	};
	u64 page;

	*ret = claim_all(space, &claim, gfp, &page);
	if (*ret == -ENOMEM || page == first) {
		undo_claim(space, first, page, 0);
		return 0;
	}
	*ret = 0;
	if (page <= last)
		v3c_cells_cut(space, page, 0);
	v3c_cells_give_one(space, first, V3C_CELL_HELD, state & V3C_CELL_PROT);
	return page - first;
}

/* free_some() frees downwards from @page, as much as a node has. Returns the last page freed. */
static u64 free_some(struct v3c_space *space, u64 first, u64 page, u8 to)
{
	struct v3c_cell cell;
	unsigned long *slot;
	unsigned int count;

	guard(rcu)();
	walk_to(space, page, &cell);
	if (!cell.level) {
		count = min(page - first, index_of(page, 0)) + 1;
		v3c_bytes_free((u8 *)cell.at - (count - 1), count, to);
		return page - (count - 1);
	}
	slot = cell.at;
	for (;;) {
		v3c_slot_give(slot, v3c_slot_of(to, 0));
		if (cell.first <= first || !index_of(cell.first, cell.level))
			return cell.first;
		slot--;
		if (READ_ONCE(*slot) & V3C_SLOT_CHILD)
			return cell.first;
		cell.first -= cell_pages(cell.level);
	}
}

/*
 * give_up_bytes() frees unused pages of a reservation downwards, and stops at one that is in
 * somebody's hands. Returns how many are left.
 */
static unsigned int give_up_bytes(u8 *at, unsigned int count)
{
	u8 *end = at + count, byte;
	u64 word;

	do {
		while (end - at >= (long)sizeof(u64) &&
		       IS_ALIGNED((unsigned long)end, sizeof(u64))) {
			word = v3c_cell_repeat(V3C_CELL_UNUSED);
			if (!try_cmpxchg((u64 *)end - 1, &word, 0))
				break;
			end -= sizeof(u64);
		}
		byte = V3C_CELL_UNUSED;
	} while (end > at && try_cmpxchg(end - 1, &byte, 0) && --end > at);
	return end - at;
}

/* give_up_some() is free_some() for v3c_cells_give_up(). Returns @page + 1 if nothing was freed. */
static u64 give_up_some(struct v3c_space *space, u64 first, u64 page)
{
	struct v3c_cell cell;
	unsigned int count;

	scoped_guard(rcu) {
		walk_to(space, page, &cell);
		if (!cell.level) {
			count = min(page - first, index_of(page, 0)) + 1;
			return page - (count - 1) +
			       give_up_bytes((u8 *)cell.at - (count - 1), count);
		}
	}
	return free_some(space, first, page, 0);
}

/**
 * v3c_cells_give_up() - free pages of a reservation in which nothing is mapped
 * @space: the space
 * @first: first page
 * @last: last page
 *
 * A quick operation that found the reservation just before it was given back, or one on these pages
 * before it, holds a page for a moment, finds out, and puts it back. That is waited for, otherwise
 * it would put the page back into what is somebody else's by then.
 *
 * Context: may sleep.
 */
void v3c_cells_give_up(struct v3c_space *space, u64 first, u64 last)
{
	u64 page = last, end;

	for (;;) {
		end = page;
		page = give_up_some(space, first, end);
		if (page > end)
			synchronize_rcu_expedited();
		else if (space->hints)
			v3c_cells_make_room(space, end);
		if (page <= first)
			break;
		page--;
		cond_resched();
	}
	v3c_cells_emptied(space);
}
EXPORT_SYMBOL_IF_KUNIT(v3c_cells_give_up);

/**
 * v3c_cells_free() - free pages
 * @space: the space
 * @first: first page
 * @last: last page; all cells in between are the caller's
 * @to: what they become, 0 or V3C_CELL_UNUSED
 *
 * Context: any.
 */
void v3c_cells_free(struct v3c_space *space, u64 first, u64 last, u8 to)
{
	u64 end;

	for (;;) {
		end = last;
		last = free_some(space, first, last, to);
		if (space->hints)
			v3c_cells_make_room(space, end);
		if (last <= first)
			break;
		last--;
		v3c_yield();
	}
	if (!to)
		v3c_cells_emptied(space);
}

/* traits_of(): what @cell says of all of its range. */
static u8 traits_of(const struct v3c_cell *cell)
{
	if (cell->level)
		return cell->value & V3C_SLOT_TRAITS;
	return !(cell->state & V3C_CELL_HEAD) && cell->state & V3C_CELL_RUN ? V3C_SLOT_RUN : 0;
}

/* previous_byte() goes back to the previous byte of a leaf, or over words that are all alike. */
static void previous_byte(struct v3c_cell *cell)
{
	const u64 like = v3c_cell_repeat(cell->state);
	unsigned int left = index_of(cell->first, 0), count = 1;
	const u8 *at = cell->at;

	if (!(cell->state & V3C_CELL_TAIL))
		while (count + WORD <= left && get_unaligned_le64(at - count - WORD + 1) == like)
			count += WORD;
	cell->at -= count;
	cell->first -= count;
	cell->last = cell->first;
	cell->state = READ_ONCE(*(u8 *)cell->at);
}

/* find_head() goes back from @cell to the first of its range. False if there is none. */
static bool find_head(const struct v3c_space *space, struct v3c_cell *cell, u8 *traits)
{
	while (!(cell->state & V3C_CELL_HEAD)) {
		if (!cell->first)
			return false;
		if (!cell->level && index_of(cell->first, 0))
			previous_byte(cell);
		else
			walk_to(space, cell->first - 1, cell);
		if (!v3c_cell_is_range(cell->state) || cell->state & V3C_CELL_TAIL)
			return false;
		*traits |= traits_of(cell);
	}
	return true;
}

/* count_alike() counts bytes from @at on that are @state. */
static unsigned int count_alike(const u8 *at, unsigned int count, u8 state)
{
	const u64 like = v3c_cell_repeat(state);
	unsigned int i = 0;
	u64 differ;

	for (; i + WORD <= count; i += WORD) {
		differ = get_unaligned_le64(at + i) ^ like;
		if (differ)
			return i + (__ffs64(differ) >> 3);
	}
	while (i < count && READ_ONCE(at[i]) == state)
		i++;
	return i;
}

/*
 * next_byte() goes on from @cell to the next byte of its leaf, or to the last of those that are all
 * alike and in the middle of their range.
 */
static void next_byte(struct v3c_cell *cell)
{
	unsigned int left = V3C_LEAF_CELLS - 1 - index_of(cell->first, 0), count = 1;
	const u8 *at = cell->at + 1;

	cell->state = READ_ONCE(*at);
	if (v3c_cell_is_range(cell->state) && !(cell->state & (V3C_CELL_HEAD | V3C_CELL_TAIL)))
		count = max(1u, count_alike(at, left, cell->state));
	cell->at += count;
	cell->first += count;
	cell->last = cell->first;
}

/* next_slot() goes on to the next slot of a node. False if that has a node below it. */
static bool next_slot(struct v3c_cell *cell)
{
	unsigned long *slot = (unsigned long *)cell->at + 1, value = READ_ONCE(*slot);

	if (value & V3C_SLOT_CHILD)
		return false;
	cell->at = slot;
	cell->first = cell->last + 1;
	cell->last += cell_pages(cell->level);
	cell->value = value;
	cell->state = value >> V3C_SLOT_STATE_SHIFT;
	return true;
}

/* step_on() goes on from @cell to the next of its range. False behind the last. */
static __always_inline bool step_on(const struct v3c_space *space, struct v3c_cell *cell)
{
	u64 last = cell->last;

	if (cell->state & V3C_CELL_TAIL || last >= V3C_ALL_PAGES - 1)
		return false;
	if (!cell->level && index_of(last + 1, 0))
		next_byte(cell);
	else if (!cell->level || !index_of(last + 1, cell->level) || !next_slot(cell))
		walk_to(space, last + 1, cell);
	return v3c_cell_is_range(cell->state) && !(cell->state & V3C_CELL_HEAD);
}

/* find_tail() goes on from @cell to the last of its range, or as far as that is made already. */
static u64 find_tail(const struct v3c_space *space, struct v3c_cell *cell, u8 *traits)
{
	u64 last;

	do {
		*traits |= traits_of(cell);
		last = cell->last;
	} while (step_on(space, cell));
	return last;
}

/**
 * v3c_cells_find() - the range that has a page
 * @space: the space
 * @page: the page
 * @extent: result
 *
 * Context: any, inside an RCU read-side section for as long as @extent->head is looked at.
 * Return: false if no range has it.
 */
bool v3c_cells_find(const struct v3c_space *space, u64 page, struct v3c_extent *extent)
{
	struct v3c_cell cell;

	if (page >= V3C_ALL_PAGES)
		return false;
	walk_to(space, page, &cell);
	if (!v3c_cell_is_range(cell.state))
		return false;
	extent->traits = traits_of(&cell);
	if (!find_head(space, &cell, &extent->traits))
		return false;
	/*
	 * Pairs with v3c_byte_give() and v3c_slot_give(): who sees a live head sees all cells of
	 * the range, and what was mapped.
	 */
	smp_rmb();
	extent->first = cell.first;
	extent->head = cell.at;
	extent->level = cell.level;
	extent->state = cell.state;
	extent->last = find_tail(space, &cell, &extent->traits);
	return extent->last >= page;
}

/*
 * v3c_cells_swap() changes the state of a head from @extent->state to @state, if it is that still.
 * Inside the RCU read-side section that @extent is from.
 */
bool v3c_cells_swap(struct v3c_extent *extent, u8 state)
{
	unsigned long *slot = extent->head, value;
	u8 old = extent->state;

	if (!extent->level)
		return try_cmpxchg((u8 *)extent->head, &old, state);
	value = READ_ONCE(*slot);
	if (value & V3C_SLOT_CHILD || (u8)(value >> V3C_SLOT_STATE_SHIFT) != old)
		return false;
	return try_cmpxchg(slot, &value, v3c_slot_of(state, value & V3C_SLOT_TRAITS));
}

/**
 * v3c_cells_take() - hold a live range
 * @space: the space
 * @page: a page of it
 * @kind: &enum v3c_range_kind that it must have
 * @extent: result
 *
 * Context: any.
 * Return: 0; -EUCLEAN if it is lost; -ENOENT if there is no such range, or somebody else holds it.
 */
int v3c_cells_take(struct v3c_space *space, u64 page, u8 kind, struct v3c_extent *extent)
{
	struct v3c_cell cell;
	u8 traits = 0;

	guard(rcu)();
	walk_to(space, page, &cell);
	if (!v3c_cell_is_range(cell.state) || !find_head(space, &cell, &traits))
		return -ENOENT;
	if (v3c_cell_kind(cell.state) == V3C_RANGE_LOST)
		return -EUCLEAN;
	extent->first = cell.first;
	extent->head = cell.at;
	extent->level = cell.level;
	extent->state = cell.state;
	if (v3c_cell_kind(cell.state) != kind || !v3c_cell_is_live(cell.state) ||
	    !v3c_cells_swap(extent, cell.state | V3C_CELL_HELD))
		return -ENOENT;
	/* Now the range cannot change. It may be another one than find_head() has seen. */
	extent->state |= V3C_CELL_HELD;
	extent->traits = traits_of(&cell);
	extent->last = find_tail(space, &cell, &extent->traits);
	if (likely(extent->last >= page))
		return 0;
	v3c_cells_give_one(space, extent->first, V3C_CELL_HELD, 0);
	return -ENOENT;
}

/*
 * v3c_cells_take_only() is v3c_cells_take() of a range that has just one cell, and just the pages
 * [@first, @last]. False if it is not so, or not to be had.
 */
bool v3c_cells_take_only(struct v3c_space *space, u64 first, u64 last, u8 kind,
			 struct v3c_head *head)
{
	const u8 live = v3c_cell_of_kind(kind) | V3C_CELL_HEAD | V3C_CELL_TAIL;
	struct v3c_cell cell;

	guard(rcu)();
	walk_to(space, first, &cell);
	if (cell.first != first || cell.last != last || (cell.state & ~V3C_CELL_PROT) != live)
		return false;
	head->at = cell.at;
	head->level = cell.level;
	head->only = true;
	if (!cell.level)
		return try_cmpxchg((u8 *)cell.at, &cell.state, cell.state | V3C_CELL_HELD);
	return try_cmpxchg((unsigned long *)cell.at, &cell.value,
			   cell.value | v3c_slot_of(V3C_CELL_HELD, 0));
}

static void give_cell(struct v3c_cell *cell, u8 clear, u8 set)
{
	u8 state = (cell->state & ~clear) | set;

	if (cell->level)
		v3c_slot_give(cell->at, v3c_slot_of(state, cell->value & V3C_SLOT_TRAITS));
	else
		v3c_byte_give(cell->at, state);
}

/* v3c_cells_give_one() is v3c_cells_give() for the range that starts at @first. */
void v3c_cells_give_one(struct v3c_space *space, u64 first, u8 clear, u8 set)
{
	struct v3c_cell cell;

	guard(rcu)();
	walk_to(space, first, &cell);
	give_cell(&cell, clear, set);
}

/**
 * v3c_cells_give() - change the heads of ranges, and hand the ranges on
 * @space: the space
 * @first: first page of the first range
 * @last: a page of the last; all in between are the caller's
 * @clear: what to clear in each head
 * @set: what to set then
 *
 * Context: any.
 */
void v3c_cells_give(struct v3c_space *space, u64 first, u64 last, u8 clear, u8 set)
{
	struct v3c_cell head, cell;
	u8 traits = 0;

	for (; first <= last; v3c_yield()) {
		guard(rcu)();
		walk_to(space, first, &head);
		/* The end comes first, because what is given is somebody else's at once. */
		cell = head;
		first = find_tail(space, &cell, &traits) + 1;
		give_cell(&head, clear, set);
	}
}

/**
 * v3c_cells_split() - see to it that a cell begins at a page
 * @space: the space
 * @page: a page whose cell is the caller's
 * @gfp: for nodes
 *
 * Context: any that @gfp allows.
 * Return: 0 or -ENOMEM. The range is the same, in more cells.
 */
int v3c_cells_split(struct v3c_space *space, u64 page, gfp_t gfp)
{
	struct v3c_cell cell;
	int ret;

	for (;;) {
		scoped_guard(rcu)
			walk_to(space, page, &cell);
		if (cell.first == page)
			return 0;
		ret = add_node(space, page, cell.state, gfp);
		if (ret)
			return ret;
	}
}

/*
 * v3c_cells_cut() ends a range in front of page @at, where a cell begins. If @state is not 0 the
 * rest is a range of its own, and @state is that of its head.
 */
void v3c_cells_cut(struct v3c_space *space, u64 at, u8 state)
{
	struct v3c_cell cell;

	guard(rcu)();
	if (state) {
		walk_to(space, at, &cell);
		give_cell(&cell, U8_MAX ^ V3C_CELL_TAIL, state);
	}
	walk_to(space, at - 1, &cell);
	give_cell(&cell, 0, V3C_CELL_TAIL);
}

/* v3c_cells_to_bytes() is v3c_cells_split() until @page has a byte. */
int v3c_cells_to_bytes(struct v3c_space *space, u64 page, gfp_t gfp)
{
	struct v3c_cell cell;
	int ret;

	for (;;) {
		scoped_guard(rcu)
			walk_to(space, page, &cell);
		if (!cell.level)
			return 0;
		ret = add_node(space, page, cell.state, gfp);
		if (ret)
			return ret;
	}
}

/*
 * v3c_cells_look(): the state of the cell of @page, and the cell's last page. Inside an RCU
 * read-side section.
 */
u8 v3c_cells_look(const struct v3c_space *space, u64 page, u64 *last)
{
	struct v3c_cell cell;

	walk_to(space, page, &cell);
	*last = cell.last;
	return cell.state;
}

/* v3c_cells_leaf(): the leaf that has @page, which is the caller's and has one. */
u8 *v3c_cells_leaf(const struct v3c_space *space, u64 page)
{
	struct v3c_cell cell;

	guard(rcu)();
	walk_to(space, page, &cell);
	return WARN_ON(cell.level) ? NULL : (u8 *)cell.at - index_of(page, 0);
}
EXPORT_SYMBOL_IF_KUNIT(v3c_cells_leaf);

/* skip_bytes() counts bytes from @at on that are of no range. */
static unsigned int skip_bytes(const u8 *at, unsigned int count)
{
	unsigned int i = 0;
	const u8 *end;
	u8 state;

	while (i < count) {
		state = READ_ONCE(at[i]);
		if (v3c_cell_is_range(state))
			break;
		end = memchr_inv(at + i, state, count - i);
		if (!end)
			return count;
		i = max_t(unsigned int, i + 1, end - at);
	}
	return i;
}

/* behind_vacant() is where to look on behind @page, whose @cell is of no range. */
static u64 behind_vacant(const struct v3c_cell *cell, u64 page)
{
	if (cell->level)
		return cell->last + 1;
	return page + skip_bytes(cell->at, V3C_LEAF_CELLS - index_of(page, 0));
}

/**
 * v3c_cells_next() - the next range
 * @space: the space
 * @page: where to look from; on return behind the range, or where the next look has to begin
 * @last: where to look to
 * @steps: how many nodes may be looked at; counts down
 * @extent: result
 *
 * Context: any, inside an RCU read-side section.
 * Return: true if there is a range; false if none was found up to *@page.
 */
bool v3c_cells_next(const struct v3c_space *space, u64 *page, u64 last, unsigned int *steps,
		    struct v3c_extent *extent)
{
	struct v3c_cell cell;
	u64 at = *page;

	last = min(last, V3C_ALL_PAGES - 1);
	while (*steps && at <= last) {
		--*steps;
		walk_to(space, at, &cell);
		if (v3c_cell_is_range(cell.state)) {
			if (v3c_cells_find(space, at, extent)) {
				*page = extent->last + 1;
				return true;
			}
			at = cell.last + 1;
		} else {
			at = behind_vacant(&cell, at);
		}
	}
	*page = at;
	return false;
}

/**
 * v3c_cells_meet() - the next range, as far as the first page of it that is met
 * @space: the space
 * @page: where to look from; on return the page that was met, or where the next look has to begin
 * @steps: how many nodes may be looked at; counts down
 * @extent: result, up to the cell that has *@page, whose end v3c_cells_go_on() looks for
 *
 * Goes back to the head, however many cells that takes, where *@page is in the middle of a range.
 *
 * Context: any, inside an RCU read-side section for as long as @extent->head is looked at.
 * Return: 0; -ENOENT if there was no range up to *@page; -EAGAIN if somebody frees or cuts the one
 * that has *@page just now.
 */
int v3c_cells_meet(const struct v3c_space *space, u64 *page, unsigned int *steps,
		   struct v3c_extent *extent)
{
	struct v3c_cell cell;
	u8 traits = 0;

	for (;;) {
		if (!*steps || *page >= V3C_ALL_PAGES)
			return -ENOENT;
		--*steps;
		walk_to(space, *page, &cell);
		if (v3c_cell_is_range(cell.state))
			break;
		*page = behind_vacant(&cell, *page);
	}
	if (!find_head(space, &cell, &traits))
		return -EAGAIN;
	extent->first = cell.first;
	extent->head = cell.at;
	extent->level = cell.level;
	extent->state = cell.state;
	/*
	 * @extent->head is live again when a cut is over, which may have made another head between
	 * it and *@page: that is seen now, if it was not on the way back. Pairs with
	 * v3c_byte_give() and v3c_slot_give().
	 */
	smp_rmb();
	walk_to(space, *page, &cell);
	extent->last = cell.last;
	extent->traits = traits_of(&cell);
	if (!v3c_cell_is_range(cell.state) || !find_head(space, &cell, &extent->traits) ||
	    cell.at != extent->head)
		return -EAGAIN;
	return 0;
}

/**
 * v3c_cells_go_on() - look for the end of a range that is known in part
 * @space: the space
 * @extent: the range, which is live, see v3c_extent_state(); @last moves on, and @traits come in
 * @to: a page from which on the end does not matter yet
 * @steps: how many cells, or rows of bytes that are all alike, may be looked at; counts down
 *
 * Context: any, under the lock if the range is not the caller's.
 * Return: true if @extent->last is the last page of the range.
 */
bool v3c_cells_go_on(const struct v3c_space *space, struct v3c_extent *extent, u64 to,
		     unsigned int *steps)
{
	struct v3c_cell cell;

	walk_to(space, extent->last, &cell);
	for (;;) {
		extent->traits |= traits_of(&cell);
		extent->last = cell.last;
		if (cell.last >= to || !*steps)
			return cell.state & V3C_CELL_TAIL;
		--*steps;
		if (!step_on(space, &cell))
			return true;
	}
}

static bool block_fits(const struct v3c_search *search, u64 block)
{
	return block >= search->lo && block + search->pages - 1 <= search->hi &&
	       block + (1ULL << search->order) - 1 <= search->last;
}

/*
 * are_bytes_vacant() is is_vacant() of @count bytes at @at, a power of two that @at is aligned to.
 * Dead ones are as good as free, because they soon are; otherwise a search would say that a space
 * is full because trim_space() was interrupted by a hypervisor.
 */
static bool are_bytes_vacant(const u8 *at, unsigned int count)
{
	const u64 dead = v3c_cell_repeat(V3C_CELL_DEAD);
	unsigned int i;

	for (i = 0; i + WORD <= count; i += WORD)
		if (READ_ONCE(*(const u64 *)(at + i)) & ~dead)
			return false;
	for (; i < count; i++)
		if (!is_vacant(READ_ONCE(at[i])))
			return false;
	return true;
}

/* is_node_vacant(): all below is free. */
static bool is_node_vacant(void *node, unsigned int level)
{
	unsigned long *slots = node, value;
	unsigned int i;

	if (!level)
		return are_bytes_vacant(node, V3C_LEAF_CELLS);
	for (i = 0; i < node_cells(level); i++) {
		value = READ_ONCE(slots[i]);
		if (value & V3C_SLOT_CHILD ? !is_node_vacant(v3c_slot_below(value), level - 1) :
					     !is_vacant(value >> V3C_SLOT_STATE_SHIFT))
			return false;
	}
	return true;
}

static bool are_slots_vacant(unsigned long *slots, unsigned int count, unsigned int level)
{
	unsigned long value;
	unsigned int i;

	for (i = 0; i < count; i++) {
		value = READ_ONCE(slots[i]);
		if (value & V3C_SLOT_CHILD ? !is_node_vacant(v3c_slot_below(value), level - 1) :
					     !is_vacant(value >> V3C_SLOT_STATE_SHIFT))
			return false;
	}
	return true;
}

/* has_vacant() tells whether some byte of a word is free or dead. */
static bool has_vacant(u64 word)
{
	word &= ~v3c_cell_repeat(V3C_CELL_DEAD);
	return (word - v3c_cell_repeat(0x01)) & ~word & v3c_cell_repeat(0x80);
}

static bool search_leaf(const u8 *leaf, u64 base, const struct v3c_search *search, u64 *block)
{
	unsigned int step = 1U << search->order, i = 0;

	if (search->lo > base)
		i = round_up(search->lo - base, step);
	while (i < V3C_LEAF_CELLS) {
		if (!has_vacant(READ_ONCE(*(const u64 *)(leaf + round_down(i, WORD))))) {
			i = round_up(round_down(i, WORD) + WORD, step);
			continue;
		}
		if (!block_fits(search, base + i))
			return false;
		if (are_bytes_vacant(leaf + i, step)) {
			*block = base + i;
			return true;
		}
		i += step;
	}
	return false;
}

/* set_room() notes that a block of @order is not free below @slot, which had @value. */
static void set_room(unsigned long *slot, unsigned long value, u8 order)
{
	unsigned long room = (unsigned long)order << V3C_SLOT_ROOM_SHIFT;

	if (room < V3C_SLOT_ROOMY)
		cmpxchg(slot, value, (value & ~V3C_SLOT_ROOMY) | room);
}

/* has_room(): a block of @order may be free below the slot with @value. */
static bool has_room(unsigned long value, u8 order)
{
	unsigned long room = value & V3C_SLOT_ROOMY;

	return room == V3C_SLOT_ROOMY || room >> V3C_SLOT_ROOM_SHIFT > order;
}

static bool search_node(unsigned long *slots, unsigned int level, u64 base,
			const struct v3c_search *search, u64 *block);

/* search_below() searches what is below @slot, whose first page is @base. */
static bool search_below(unsigned long *slot, unsigned long value, unsigned int level, u64 base,
			 const struct v3c_search *search, u64 *block)
{
	u64 last = base + cell_pages(level) - 1;
	bool found;

	if (!search->thorough && !has_room(value, search->order))
		return false;
	found = level == 1 ? search_leaf(v3c_slot_below(value), base, search, block) :
			     search_node(v3c_slot_below(value), level - 1, base, search, block);
	/* Page 0 is not free for anybody who searches. */
	if (!found && (base >= search->lo || search->lo == 1) &&
	    last <= min(search->hi, search->last))
		set_room(slot, value, search->order);
	return found;
}

/* search_node() finds the lowest block in the node with @slots, whose first page is @base. */
static bool search_node(unsigned long *slots, unsigned int level, u64 base,
			const struct v3c_search *search, u64 *block)
{
	u64 pages = cell_pages(level), size = 1ULL << search->order, at = base;
	unsigned int i = 0, count = 1;
	unsigned long value;

	if (size > pages)
		count = size >> v3c_levels[level].shift;
	if (count > node_cells(level))
		return false;
	if (search->lo > base)
		i = round_down((search->lo - base) >> v3c_levels[level].shift, count);
	for (; i < node_cells(level); i += count) {
		at = base + i * pages;
		if (at > search->hi || at > search->last)
			return false;
		if (size >= pages) {
			if (block_fits(search, at) && are_slots_vacant(slots + i, count, level)) {
				*block = at;
				return true;
			}
			continue;
		}
		value = READ_ONCE(slots[i]);
		if (value & V3C_SLOT_CHILD) {
			if (search_below(&slots[i], value, level, at, search, block))
				return true;
			continue;
		}
		if (!is_vacant(value >> V3C_SLOT_STATE_SHIFT))
			continue;
		*block = round_up(max(at, search->lo), size);
		if (*block - at < pages && block_fits(search, *block))
			return true;
	}
	return false;
}

static bool search_space(struct v3c_space *space, const struct v3c_search *search, u64 *block)
{
	struct v3c_search high = *search;

	guard(rcu)();
	if (!(search->lo >> V3C_LOW_BITS) &&
	    search_node(READ_ONCE(space->low), V3C_LOW_LEVEL, 0, search, block))
		return true;
	high.lo = max(search->lo, BIT_ULL(V3C_LOW_BITS));
	return high.lo <= min(high.hi, high.last) &&
	       search_node(READ_ONCE(space->high), V3C_HIGH_LEVEL, 0, &high, block);
}

/**
 * v3c_cells_search() - the lowest free block of an allocator
 * @space: the space
 * @search: what is wanted; @lo is not 0
 * @block: result, its first page
 *
 * Somebody else may be faster: who claims the block must be ready to look again.
 *
 * Context: any.
 * Return: 0 or -ENOSPC.
 */
int v3c_cells_search(struct v3c_space *space, const struct v3c_search *search, u64 *block)
{
	struct v3c_search thorough = *search;

	if (search_space(space, search, block))
		return 0;
	if (search->hasty)
		return -ENOSPC;
	/* A room may be wrong, because who frees does not wait for whoever is searching. */
	thorough.thorough = true;
	return search_space(space, &thorough, block) ? 0 : -ENOSPC;
}
EXPORT_SYMBOL_IF_KUNIT(v3c_cells_search);

/* v3c_cells_make_room() tells searches that there may be free blocks around @page again. */
void v3c_cells_make_room(struct v3c_space *space, u64 page)
{
	unsigned long *node, value;
	unsigned int level;

	guard(rcu)();
	node = root_of(space, page, &level);
	for (; level; level--) {
		node += index_of(page, level);
		value = READ_ONCE(*node);
		while (value & V3C_SLOT_CHILD && (value & V3C_SLOT_ROOMY) != V3C_SLOT_ROOMY)
			if (try_cmpxchg(node, &value, value | V3C_SLOT_ROOMY))
				break;
		if (!(value & V3C_SLOT_CHILD))
			return;
		node = v3c_slot_below(value);
	}
}

/* kill_cells() makes all cells of a node dead, or none if one of them is not free. */
static bool kill_cells(void *node, unsigned int level)
{
	unsigned long *slots = node, dead = v3c_slot_of(V3C_CELL_DEAD, 0), none;
	unsigned int i, count;

	if (!level) {
		dead = v3c_cell_repeat(V3C_CELL_DEAD);
		count = V3C_LEAF_CELLS / sizeof(unsigned long);
	} else {
		count = node_cells(level);
	}
	for (i = 0; i < count; i++) {
		none = 0;
		if (!try_cmpxchg(&slots[i], &none, dead))
			break;
	}
	if (i == count)
		return true;
	while (i--)
		WRITE_ONCE(slots[i], 0);
	return false;
}

static bool has_cells(void *node, unsigned int level)
{
	return memchr_inv(node, 0, node_bytes(level));
}

/* unlink_node() takes the node below @slot away if all in it is free. */
static bool unlink_node(unsigned long *slot, unsigned int level)
{
	unsigned long value = READ_ONCE(*slot);

	/* With interrupts off, because who meets dead cells looks again until they are gone. */
	guard(irqsave)();
	if (!kill_cells(v3c_slot_below(value), level))
		return false;
	while (!try_cmpxchg(slot, &value, 0ul))
		;
	return true;
}

static void trim_slots(struct v3c_trim *trim, unsigned long *slots, unsigned int level)
{
	unsigned long value;
	unsigned int i;
	void *node;

	for (i = 0; i < node_cells(level) && READ_ONCE(trim->space->open); i++) {
		value = READ_ONCE(slots[i]);
		if (!(value & V3C_SLOT_CHILD))
			continue;
		node = v3c_slot_below(value);
		if (level > 1)
			trim_slots(trim, node, level - 1);
		if (!has_cells(node, level - 1) && unlink_node(&slots[i], level - 1))
			v3c_trim_node(trim, node);
		cond_resched();
	}
}

/*
 * trim_space() frees the nodes in which all is free, of cells and of pins. It leaves a space that
 * is closed as it is, because v3c_cells_clear() follows.
 */
static void trim_space(struct work_struct *work)
{
	struct v3c_space *space = container_of(to_delayed_work(work), struct v3c_space, trim);
	struct v3c_trim *trim = kmalloc(sizeof(*trim), GFP_KERNEL);

	if (!trim) {
		v3c_cells_queue_trim(space);
		return;
	}
	WRITE_ONCE(space->trimming, false);
	/*
	 * Whoever frees cells and does not see @trimming as it is now freed them before the end of
	 * this grace period: they are seen to be free. Others queue the work again.
	 */
	synchronize_rcu();
	trim->space = space;
	trim->count = 0;
	if (space->low != v3c_cells_none)
		trim_slots(trim, space->low, V3C_LOW_LEVEL);
	if (space->high != v3c_cells_none)
		trim_slots(trim, space->high, V3C_HIGH_LEVEL);
	v3c_pins_trim(trim);
	v3c_trim_free(trim);
	kfree(trim);
}

/*
 * v3c_cells_queue_trim() gives memory back after a while, because what is unmapped is likely to be
 * mapped again soon.
 */
void v3c_cells_queue_trim(struct v3c_space *space)
{
	WRITE_ONCE(space->trimming, true);
	v3c_queue_later(&space->trim, HZ);
}

static void free_node(void *node, unsigned int level)
{
	unsigned long *slots = node;
	unsigned int i;

	for (i = 0; level && i < node_cells(level); i++)
		if (slots[i] & V3C_SLOT_CHILD)
			free_node(v3c_slot_below(slots[i]), level - 1);
	kfree(node);
	if (level)
		cond_resched();
}

void v3c_cells_init(struct v3c_space *space)
{
	INIT_DELAYED_WORK(&space->trim, trim_space);
	space->low = v3c_cells_none;
	space->high = v3c_cells_none;
}

/*
 * v3c_cells_clear() frees all of it. Nobody looks at @space meanwhile, and it is closed. It may
 * sleep.
 */
void v3c_cells_clear(struct v3c_space *space)
{
	cancel_delayed_work_sync(&space->trim);
	space->trimming = false;
	if (space->low != v3c_cells_none)
		free_node(space->low, V3C_LOW_LEVEL);
	if (space->high != v3c_cells_none)
		free_node(space->high, V3C_HIGH_LEVEL);
	space->low = v3c_cells_none;
	space->high = v3c_cells_none;
}
