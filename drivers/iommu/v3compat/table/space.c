// SPDX-License-Identifier: GPL-2.0
/*
 * &struct v3c_space: the logical address space of a domain: which ranges are in use, and who holds
 * them.
 *
 * What is where is in cells, see cells.h. The functions here are for operations, which begin and
 * end at the gate, see gate.c: they hold ranges between claiming and committing, and between
 * holding and dropping them, so that no other one touches the same addresses.
 */
#include <kunit/visibility.h>
#include <linux/export.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "base/context.h"
#include "base/phys.h"
#include "table/cells.h"
#include "table/gate.h"
#include "table/hwpt.h"
#include "table/pins.h"
#include "table/space.h"

/*
 * V3C_LOOK_AHEAD bounds the nodes and cells that are looked at in one piece with interrupts off.
 * There are two steps to a leaf of one range, of which all 256 bytes are read.
 */
#define V3C_LOOK_AHEAD		32

static u8 free_for(u8 kind)
{
	return kind == V3C_RANGE_TOKEN ? V3C_CELL_UNUSED : 0;
}

static u8 state_of(struct v3c_traits like)
{
	return v3c_cell_of_kind(like.kind) | like.prot;
}

/**
 * v3c_space_claim() - hold exactly this range for mapping
 * @space: the space
 * @first: first page
 * @last: last page, not before @first
 * @like: what it is to be; %V3C_RANGE_TOKEN for a segment, in a reservation of the caller's
 * @gfp: for nodes
 * @head: result, for v3c_space_commit() or v3c_space_free()
 *
 * Context: any that @gfp allows, in an operation.
 * Return: 0; -ERANGE beyond the end of the space; -EADDRINUSE if any page is in use; -ENOMEM.
 */
int v3c_space_claim(struct v3c_space *space, u64 first, u64 last, struct v3c_traits like,
		    gfp_t gfp, struct v3c_head *head)
{
	int ret;

	if (last > READ_ONCE(space->last))
		return -ERANGE;
	ret = v3c_cells_claim(space, first, last, state_of(like),
			      like.contiguous ? V3C_SLOT_RUN : 0, free_for(like.kind), gfp, head);
	/* v3c_space_set_last() sets the end first, and looks then what is behind it. */
	if (likely(ret || last <= READ_ONCE(space->last)))
		return ret;
	v3c_cells_free(space, first, last, free_for(like.kind));
	return -ERANGE;
}

/* block_last() ends the allocator's block of a range, of which that need not use all. */
static u64 block_last(const struct v3c_space *space, u64 first, u64 last)
{
	return space->allocates ? first + (1ULL << order_base_2(last - first + 1)) - 1 : last;
}

/* give_up() frees a reservation, and what it has of its block besides. */
static void give_up(struct v3c_space *space, u64 first, u64 last)
{
	u64 end = block_last(space, first, last);

	if (end > last)
		v3c_cells_free(space, last + 1, end, 0);
	v3c_cells_give_up(space, first, last);
}

/* free_taken() frees @block, which take_block() made the caller's as @pages of @kind. */
static void free_taken(struct v3c_space *space, u64 block, u64 pages, u8 kind)
{
	if (kind == V3C_RANGE_TOKEN)
		give_up(space, block, block + pages - 1);
	else
		v3c_cells_free(space, block, block_last(space, block, block + pages - 1), 0);
}

/* take_block() makes @block of a search the caller's; as many as @pages of it are like @like. */
static int take_block(struct v3c_space *space, u64 block, u64 pages, struct v3c_traits like,
		      gfp_t gfp, struct v3c_head *head)
{
	u64 last = block + pages - 1, end = block_last(space, block, last);
	int ret;

	if (like.kind == V3C_RANGE_TOKEN)
		ret = v3c_cells_fill(space, block, last, V3C_CELL_UNUSED, gfp);
	else
		ret = v3c_cells_claim(space, block, last, state_of(like),
				      like.contiguous ? V3C_SLOT_RUN : 0, 0, gfp, head);
	if (ret || end == last)
		return ret;
	ret = v3c_cells_fill(space, last + 1, end, V3C_CELL_PAD, gfp);
	if (ret && like.kind == V3C_RANGE_TOKEN)
		v3c_cells_give_up(space, block, last);
	else if (ret)
		v3c_cells_free(space, block, last, 0);
	return ret;
}

/* is_others_line() tells whether another processor maps next in the line of @page. */
static bool is_others_line(struct v3c_space *space, u64 page)
{
	const struct v3c_hints *hints;
	unsigned int cpu, order;
	u64 hint;

	for_each_online_cpu(cpu) {
		if (cpu == raw_smp_processor_id())
			continue;
		hints = per_cpu_ptr(space->hints, cpu);
		for (order = 0; order < V3C_LINE_ORDER; order++) {
			hint = READ_ONCE(hints->page[order]) & ~V3C_HINT_OWED;
			if (hint && hint >> V3C_LINE_ORDER == page >> V3C_LINE_ORDER)
				return true;
		}
	}
	return false;
}

/* find_block() finds the lowest block that is free, but leaves other processors their lines. */
static int find_block(struct v3c_space *space, struct v3c_search search, u64 *block)
{
	int ret = v3c_cells_search(space, &search, block);
	u64 line;

	if (ret || search.order >= V3C_LINE_ORDER || !is_others_line(space, *block))
		return ret;
	search.order = V3C_LINE_ORDER;
	search.hasty = true;
	if (!v3c_cells_search(space, &search, &line))
		*block = line;
	return 0;
}

/* take_hint() takes the block that is likely to be free, if it is, and where it may be. */
static bool take_hint(struct v3c_space *space, u64 pages, u8 order, u64 lo, u64 hi,
		      struct v3c_traits like, u64 *block, struct v3c_head *head)
{
	u64 page = this_cpu_read(space->hints->page[order]) & ~V3C_HINT_OWED;

	v3c_space_settle(space, order);
	if (!page || page < lo || page + pages - 1 > hi ||
	    page + (1ULL << order) - 1 > READ_ONCE(space->last) ||
	    take_block(space, page, pages, like, 0, head))
		return false;
	/* As in v3c_space_claim(). */
	if (unlikely(page + (1ULL << order) - 1 > READ_ONCE(space->last))) {
		free_taken(space, page, pages, like.kind);
		return false;
	}
	v3c_space_hint_behind(space->hints, order, page);
	*block = page;
	return true;
}

/**
 * v3c_space_alloc() - choose a range and hold it for mapping
 * @space: the space, which chooses addresses
 * @pages: length, at least 1
 * @lo: lowest page allowed
 * @hi: highest page allowed; may lie beyond the end of the space
 * @like: what it is to be
 * @gfp: for nodes
 * @first: result, its first page
 * @head: result, as of v3c_space_claim()
 *
 * Context: any that @gfp allows, in an operation.
 * Return: 0; -ENOSPC without room; -ENOMEM.
 */
int v3c_space_alloc(struct v3c_space *space, u64 pages, u64 lo, u64 hi, struct v3c_traits like,
		    gfp_t gfp, u64 *first, struct v3c_head *head)
{
	const u8 order = order_base_2(pages);
	struct v3c_search search;
	int ret;

	if (order > V3C_ORDERS)
		return -ENOSPC;
	if (order < V3C_HINT_ORDERS && take_hint(space, pages, order, lo, hi, like, first, head))
		return 0;
	do {
		search = (struct v3c_search) {
			.pages = pages, .order = order, .hi = hi,
			.last = READ_ONCE(space->last),
			/*
			 * Page 0 is never chosen, because a device that leaves its address register
			 * at 0 must hit nothing.
			 */
			.lo = max(lo, 1ULL),
		};
		ret = find_block(space, search, first);
		if (!ret)
			ret = take_block(space, *first, pages, like, gfp, head);
		/* -EADDRINUSE: somebody else was faster. */
	} while (ret == -EADDRINUSE);
	if (ret)
		return ret;
	if (unlikely(block_last(space, *first, *first + pages - 1) > READ_ONCE(space->last))) {
		free_taken(space, *first, pages, like.kind);
		return -ENOSPC;
	}
	if (order < V3C_HINT_ORDERS)
		v3c_space_hint_behind(space->hints, order, *first);
	return 0;
}

/* v3c_space_commit(): the range at @first, held since it was claimed, is mapped in all tables. */
void v3c_space_commit(struct v3c_space *space, u64 first, u8 prot, const struct v3c_head *head)
{
	if (likely(head->at))
		v3c_head_give(head, V3C_CELL_HELD, prot);
	else
		v3c_cells_give_one(space, first, V3C_CELL_HELD, prot);
}

/* free_block() frees the allocator's block of a range. */
static void free_block(struct v3c_space *space, u64 first, u64 last)
{
	u8 order;

	last = block_last(space, first, last);
	order = ilog2(last - first + 1);
	if (order < V3C_HINT_ORDERS) {
		v3c_space_settle(space, order);
		v3c_space_hint(space->hints, order, first);
	}
	v3c_cells_free(space, first, last, 0);
}

/*
 * v3c_space_free() gives up ranges of @kind that the caller holds and that are mapped nowhere.
 * @head is that of the only one, or NULL.
 */
void v3c_space_free(struct v3c_space *space, u64 first, u64 last, u8 kind,
		    const struct v3c_head *head)
{
	if (space->allocates && kind == V3C_RANGE_LOGICAL) {
		free_block(space, first, last);
	} else if (head && head->at && head->only) {
		v3c_head_free(head, free_for(kind));
		v3c_cells_emptied(space);
	} else {
		v3c_cells_free(space, first, last, free_for(kind));
	}
	/* The cells of a reservation stay, but its nodes of pins may be empty. */
	if (space->account)
		v3c_cells_emptied(space);
}

/*
 * v3c_space_lose(): some of the ranges in [@first, @last], which the caller holds, may be mapped
 * for ever, so that their addresses are out of use.
 */
void v3c_space_lose(struct v3c_space *space, u64 first, u64 last)
{
	v3c_cells_give(space, first, last, V3C_CELL_KIND | V3C_CELL_HELD,
		       v3c_cell_of_kind(V3C_RANGE_LOST));
}

/* take_range() takes the range that has page @at, and is all of [@first, @last] if @exact. */
static int take_range(struct v3c_space *space, u64 at, u64 first, u64 last, u8 kind, bool pinned,
		      bool exact, struct v3c_extent *range)
{
	int ret = v3c_cells_take(space, at, kind, range);

	if (ret)
		return ret;
	/* A segment that is unmapped with its payload need not have one. */
	if (likely((!exact || (range->first == first && range->last == last)) &&
		   (v3c_pins_has(space, range->first) == pinned ||
		    (kind == V3C_RANGE_TOKEN && pinned))))
		return 0;
	v3c_cells_give_one(space, range->first, V3C_CELL_HELD, 0);
	return -ENOENT;
}

/**
 * v3c_space_hold() - hold ranges for unmapping
 * @space: the space
 * @first: first page
 * @last: last page, not before @first
 * @kind: &enum v3c_range_kind that all of it must have
 * @pinned: all of it must have payloads, otherwise none of it
 * @head: result, of the first; without @at v3c_space_cut() must follow
 *
 * Ranges that are wanted in part only are held as a whole, until v3c_space_cut(). An allocator's
 * range, and a segment, comes back as it was handed out: its neighbours are no part of it.
 *
 * Context: any, in an operation.
 * Return: 0; -ENOENT if anything in it is not mapped so; -EUCLEAN if it is lost; -E2BIG for more
 * than V3C_ATOMIC_RANGES ranges, if the caller cannot sleep.
 */
int v3c_space_hold(struct v3c_space *space, u64 first, u64 last, u8 kind, bool pinned,
		   struct v3c_head *head)
{
	const bool exact = space->allocates || kind == V3C_RANGE_TOKEN;
	struct v3c_extent range;
	unsigned int count = 0;
	u64 start = first, at;
	int ret;

	if (likely(!space->account && !pinned &&
		   v3c_cells_take_only(space, first, last, kind, head)))
		return 0;
	head->at = NULL;
	for (at = first; at <= last; at = range.last + 1) {
		ret = take_range(space, at, first, last, kind, pinned, exact, &range);
		if (!ret && unlikely(++count % V3C_SPACE_STEP == 0)) {
			v3c_yield();
			if (count > V3C_ATOMIC_RANGES && !v3c_may_sleep()) {
				v3c_cells_give_one(space, range.first, V3C_CELL_HELD, 0);
				ret = -E2BIG;
			}
		}
		if (unlikely(ret)) {
			if (at > first)
				v3c_cells_give(space, start, at - 1, V3C_CELL_HELD, 0);
			return ret;
		}
		if (at == first) {
			start = range.first;
			head->at = range.head;
			head->level = range.level;
			head->only = false;
		}
	}
	/* Without a head some of it has to be cut off. */
	if (unlikely(start < first || at - 1 > last))
		head->at = NULL;
	return 0;
}

/* v3c_space_unhold() gives back what v3c_space_hold() took, and what stays mapped after all. */
void v3c_space_unhold(struct v3c_space *space, u64 first, u64 last)
{
	struct v3c_extent range;

	scoped_guard(rcu)
		v3c_cells_find(space, first, &range);
	v3c_cells_give(space, range.first, last, V3C_CELL_HELD, 0);
}

/* split_at() makes ready to cut @range in front of page @at: what may fail for lack of memory. */
static int split_at(struct v3c_space *space, const struct v3c_extent *range, u64 at, gfp_t gfp)
{
	int ret = v3c_cells_split(space, at, gfp);

	return ret ? ret : v3c_pins_split(space, range->first, at, gfp);
}

/**
 * v3c_space_cut() - cut off what reaches beyond what is wanted, and give it back
 * @space: the space
 * @first: first page of what v3c_space_hold() took
 * @last: last page
 * @may_cut: asked for each range that is wanted in part only
 * @arg: for @may_cut
 * @op: the operation, which knows its tables
 * @gfp: for what the cuts cost
 *
 * Context: any that @gfp allows.
 * Return: 0; -EXDEV if a cut is not possible; -ENOMEM. On failure all is held as it was.
 */
int v3c_space_cut(struct v3c_space *space, u64 first, u64 last, v3c_cut_check_t may_cut, void *arg,
		  const struct v3c_op *op, gfp_t gfp)
{
	const u8 keep = V3C_CELL_KIND | V3C_CELL_PROT;
	struct v3c_extent head, tail;
	struct v3c_view view;
	int ret = 0;

	scoped_guard(rcu) {
		v3c_cells_find(space, first, &head);
		tail = head;
		if (tail.last < last)
			v3c_cells_find(space, last, &tail);
	}
	if (likely(head.first >= first && tail.last <= last))
		return 0;
	view = v3c_cells_view(&head);
	if (!may_cut(arg, op, &view, max(head.first, first), min(head.last, last)))
		return -EXDEV;
	view = v3c_cells_view(&tail);
	if (tail.first > head.first && !may_cut(arg, op, &view, tail.first, last))
		return -EXDEV;
	if (tail.last > last)
		ret = split_at(space, &tail, last + 1, gfp);
	if (!ret && head.first < first) {
		ret = split_at(space, &head, first, gfp);
		if (ret && tail.last > last)
			v3c_pins_join(space, tail.first, last + 1);
	}
	if (ret)
		return ret;
	if (tail.last > last)
		v3c_cells_cut(space, last + 1, (tail.state & keep) | V3C_CELL_HEAD);
	if (head.first < first) {
		v3c_cells_cut(space, first,
			      (head.state & keep) | V3C_CELL_HEAD | V3C_CELL_HELD);
		v3c_cells_give_one(space, head.first, V3C_CELL_HELD, 0);
	}
	return 0;
}

/**
 * v3c_space_drop() - give up ranges that are unmapped
 * @space: the space
 * @first: first page
 * @last: last page; all in between is held since v3c_space_hold() and cut
 * @kind: its kind
 * @released: gets the payloads, if it has any; otherwise NULL
 * @head: of the only range, or NULL
 *
 * Context: any.
 */
void v3c_space_drop(struct v3c_space *space, u64 first, u64 last, u8 kind,
		    struct v3c_released *released, const struct v3c_head *head)
{
	struct v3c_pinned *pinned;
	u64 at = first;

	while (released && at <= last) {
		pinned = v3c_pins_take(space, at);
		if (!pinned)
			break;
		at += pinned->pages;
		v3c_released_add(released, pinned);
	}
	v3c_space_free(space, first, last, kind, head);
}

static int note_token(struct v3c_space *space, u64 first, u64 last, gfp_t gfp)
{
	return xa_err(xa_store(&space->tokens, first, xa_mk_value(last), gfp));
}

/**
 * v3c_space_reserve() - make pages a reservation's, for segments
 * @space: the space
 * @first: first page
 * @last: last page, not before @first
 * @gfp: for nodes
 *
 * v3c_cells_to_bytes() is needed before each page has a cell of its own.
 *
 * Context: may sleep, in an operation.
 * Return: as v3c_space_claim().
 */
int v3c_space_reserve(struct v3c_space *space, u64 first, u64 last, gfp_t gfp)
{
	int ret;

	if (last > READ_ONCE(space->last))
		return -ERANGE;
	ret = v3c_cells_fill(space, first, last, V3C_CELL_UNUSED, gfp);
	if (ret)
		return ret;
	ret = last > READ_ONCE(space->last) ? -ERANGE : note_token(space, first, last, gfp);
	if (ret)
		v3c_cells_give_up(space, first, last);
	return ret;
}

/* v3c_space_alloc_reserve() is v3c_space_reserve() of pages chosen as v3c_space_alloc() does. */
int v3c_space_alloc_reserve(struct v3c_space *space, u64 pages, u64 lo, u64 hi, gfp_t gfp,
			    u64 *first)
{
	static const struct v3c_traits like = { .kind = V3C_RANGE_TOKEN };
	struct v3c_head head;
	int ret = v3c_space_alloc(space, pages, lo, hi, like, gfp, first, &head);

	if (ret)
		return ret;
	ret = note_token(space, *first, *first + pages - 1, gfp);
	if (ret)
		give_up(space, *first, *first + pages - 1);
	return ret;
}

/**
 * v3c_space_uses() - what is in a reservation
 * @space: the space
 * @first: its first page
 * @last: its last page
 *
 * Context: may sleep.
 * Return: V3C_USE_LIVE if anything is mapped, which ends the search; otherwise V3C_USE_HELD if
 * something is in the hands of an operation, and V3C_USE_LOST if something is lost.
 */
u8 v3c_space_uses(struct v3c_space *space, u64 first, u64 last)
{
	struct v3c_view range;
	u8 uses = 0;

	while (v3c_space_first_in(space, first, last, &range)) {
		if (range.kind != V3C_RANGE_LOST && range.state == V3C_RANGE_LIVE)
			return V3C_USE_LIVE;
		uses |= range.kind == V3C_RANGE_LOST ? V3C_USE_LOST : V3C_USE_HELD;
		first = range.last + 1;
		cond_resched();
	}
	return uses;
}

/* v3c_space_lose_reserved(): the addresses of the reservation at @first are out of use. */
void v3c_space_lose_reserved(struct v3c_space *space, u64 first)
{
	xa_set_mark(&space->tokens, first, XA_MARK_0);
}

/*
 * v3c_space_unreserve() gives a reservation back, in which nothing is mapped, and nothing lost. It
 * may sleep.
 */
void v3c_space_unreserve(struct v3c_space *space, u64 first, u64 last)
{
	/* First, because the pages may be somebody else's reservation at once. */
	xa_erase(&space->tokens, first);
	give_up(space, first, last);
}

/**
 * v3c_space_permissions() - how a page is mapped
 * @space: the space
 * @page: logical page
 *
 * Context: any.
 * Return: IOMMU_READ and IOMMU_WRITE, 0 in a range that is not mapped, or is in somebody's hands;
 * -ESTALE on a closed space; -ENOENT if no range has the page.
 */
int v3c_space_permissions(struct v3c_space *space, u64 page)
{
	struct v3c_extent range;

	guard(rcu)();
	/* Pairs with v3c_gate_open(). */
	if (!smp_load_acquire(&space->open))
		return -ESTALE;
	if (!v3c_cells_find(space, page, &range))
		return -ENOENT;
	return v3c_cell_is_live(range.state) ? range.state & V3C_CELL_PROT : 0;
}

/* Sets @view to the first live range of %V3C_RANGE_DIRECT from @page on; false without one. */
bool v3c_space_next_direct(struct v3c_space *space, u64 page, struct v3c_view *view)
{
	struct v3c_extent range;
	unsigned int steps;

	for (; page < V3C_ALL_PAGES; v3c_yield()) {
		guard(rcu)();
		steps = V3C_SPACE_STEP;
		while (v3c_cells_next(space, &page, V3C_ALL_PAGES - 1, &steps, &range)) {
			if (v3c_cell_kind(range.state) == V3C_RANGE_DIRECT) {
				*view = v3c_cells_view(&range);
				return true;
			}
		}
	}
	return false;
}

/* v3c_space_first_in() sets @view to the first range that has pages of [@first, @last]. */
bool v3c_space_first_in(struct v3c_space *space, u64 first, u64 last, struct v3c_view *view)
{
	struct v3c_extent range;
	unsigned int steps;

	last = min(last, V3C_ALL_PAGES - 1);
	for (; first <= last; v3c_yield()) {
		guard(rcu)();
		steps = V3C_SPACE_STEP;
		if (v3c_cells_next(space, &first, last, &steps, &range)) {
			*view = v3c_cells_view(&range);
			return true;
		}
	}
	return false;
}

/**
 * v3c_space_list() - the ranges of a space, some at a time
 * @space: the space
 * @cursor: page to list from, 0 at first; moves on, to U64_MAX at the end
 * @views: result, in ascending order
 * @max: room in @views
 *
 * A range that is there during the whole listing is listed once, whatever comes and goes meanwhile;
 * one that is cut, in its parts or as a whole. One that is being mapped is not there yet. A
 * reservation is listed as a whole. A step takes a bounded time, because what follows is left to
 * the next.
 *
 * Context: any.
 * Return: how many there are in @views, which may be 0 before the end.
 */
unsigned int v3c_space_list(struct v3c_space *space, u64 *cursor, struct v3c_view *views,
			    unsigned int max)
{
	unsigned int steps = V3C_SPACE_STEP, count = 0;
	struct v3c_extent range;
	unsigned long token;
	u64 limit, page = *cursor;
	void *end;

	guard(rcu)();
	while (count < max && steps && page < V3C_ALL_PAGES && READ_ONCE(space->open)) {
		token = page;
		end = xa_find(&space->tokens, &token, ULONG_MAX, XA_PRESENT);
		limit = end ? token : V3C_ALL_PAGES;
		if (page < limit && v3c_cells_next(space, &page, limit - 1, &steps, &range)) {
			views[count] = v3c_cells_view(&range);
			count += views[count].state != V3C_RANGE_MAPPING;
		} else if (page >= limit && end) {
			views[count++] = (struct v3c_view) {
				.first = token, .last = xa_to_value(end),
				.kind = xa_get_mark(&space->tokens, token, XA_MARK_0) ?
					V3C_RANGE_LOST : V3C_RANGE_TOKEN,
				.state = V3C_RANGE_LIVE,
			};
			page = xa_to_value(end) + 1;
		}
	}
	*cursor = page < V3C_ALL_PAGES && READ_ONCE(space->open) ? page : U64_MAX;
	return count;
}
EXPORT_SYMBOL_IF_KUNIT(v3c_space_list);

/*
 * is_clear_behind(): only ranges that are never mapped lie behind page @last. The caller has set
 * @space->last, so that nobody puts anything there meanwhile.
 */
static bool is_clear_behind(struct v3c_space *space, u64 last)
{
	struct v3c_extent range;
	unsigned long token;
	unsigned int steps;
	u64 page = last + 1;
	void *end;

	xa_for_each(&space->tokens, token, end)
		if (xa_to_value(end) > last)
			return false;
	for (; page < V3C_ALL_PAGES; v3c_yield()) {
		guard(rcu)();
		steps = V3C_SPACE_STEP;
		while (v3c_cells_next(space, &page, V3C_ALL_PAGES - 1, &steps, &range))
			if (!v3c_kind_is_unmapped(v3c_cell_kind(range.state)))
				return false;
	}
	return true;
}

static void set_last(struct v3c_space *space, u64 last)
{
	WRITE_ONCE(space->last, last);
	WRITE_ONCE(space->low_end, (min(last, V3C_LOW_LAST) + 1) << V3C_PAGE_SHIFT);
}

/**
 * v3c_space_set_last() - move the end of the space
 * @space: the space; no quick operation starts on it, and none is under way
 * @last: last usable page
 *
 * Context: may sleep; under the domain's mutex.
 * Return: 0, or -ERANGE if something in use, other than what is never mapped, lies beyond.
 */
int v3c_space_set_last(struct v3c_space *space, u64 last)
{
	u64 old = space->last;

	set_last(space, last);
	/* Pairs with the try_cmpxchg() of v3c_space_claim(), which looks at the end after it. */
	smp_mb();
	if (last >= old || is_clear_behind(space, last))
		return 0;
	set_last(space, old);
	return -ERANGE;
}

/*
 * is_fillable() leaves out lost ranges, because these stay mapped where they are for ever, and are
 * nobody's elsewhere.
 */
static bool is_fillable(u8 kind, bool direct)
{
	return kind != V3C_RANGE_LOST && !v3c_kind_is_unmapped(kind) &&
	       (direct || kind != V3C_RANGE_DIRECT);
}

/*
 * is_copied() tells whether @space->copied is the range that has page @at, or has it if the range
 * goes on there. It was live, and whoever takes it since then looks before it frees or cuts pages:
 * if these are known, the range is forgotten; if they lie behind, what is known stays as it is.
 */
static bool is_copied(const struct v3c_space *space, u64 at)
{
	return space->copied.first <= at && at <= space->copied.last + !space->ended;
}

/*
 * next_range() makes @space->copied the range of page *@at, or the next one, as v3c_cells_meet()
 * finds it. One that is held is not kept in mind, because who holds it may have looked already.
 *
 * Where the range of *@at was forgotten in the midst of it, this goes back to the head, however far
 * that is. It is rare, and each time an operation before has gone through all of the range itself:
 * it held the range, and cut something off, or found that it cannot. Only ranges at addresses of
 * the caller's choice are cut, not those of an allocator, nor segments; and they have few cells,
 * unless smaller ranges have left leaves behind where they lie.
 */
static int next_range(struct v3c_space *space, u64 *at, unsigned int *steps)
{
	int ret = v3c_cells_meet(space, at, steps, &space->copied);

	if (!ret && space->copied.state & V3C_CELL_HELD)
		ret = -EAGAIN;
	if (ret)
		space->copied.first = U64_MAX;
	space->ended = false;
	return ret;
}

/**
 * v3c_space_meet() - look at the range that has a page, some of it at a time
 * @space: the space, between v3c_gate_lock() and v3c_gate_unlock()
 * @page: a page that some range has
 *
 * Whoever takes the range looks under the lock before he changes it, and it is forgotten then. So
 * the lock may be released between calls.
 *
 * Context: any, under the lock.
 * Return: 0, and &v3c_space.copied is all of the range, which is live; -EAGAIN if there is more to
 * look at; -EADDRINUSE if somebody holds it, or frees or cuts it just now.
 */
int v3c_space_meet(struct v3c_space *space, u64 page)
{
	struct v3c_extent *copied = &space->copied;
	unsigned int steps = V3C_LOOK_AHEAD;
	u64 at = page;

	lockdep_assert_held(&space->lock);

	if (!is_copied(space, page) && (next_range(space, &at, &steps) || at != page))
		return -EADDRINUSE;
	copied->state = v3c_extent_state(copied);
	if (!v3c_cell_is_live(copied->state))
		return -EADDRINUSE;
	if (!space->ended)
		space->ended = v3c_cells_go_on(space, copied, V3C_ALL_PAGES - 1, &steps);
	return space->ended ? 0 : -EAGAIN;
}

/*
 * look_on() looks for the end of @space->copied, as far as it matters for a piece at page @at. That
 * is all the way for a run of memory, because the end says how large leaves may be. Other ranges
 * are copied by no more than a span at a time, and so are segments. False if there is no piece.
 */
static bool look_on(struct v3c_space *space, u64 at, unsigned int *steps)
{
	struct v3c_extent *copied = &space->copied;

	if (!space->ended && copied->last < at + V3C_SPAN_PAGES)
		space->ended = v3c_cells_go_on(space, copied, at + V3C_SPAN_PAGES, steps);
	if (space->ended || !(copied->traits & V3C_SLOT_RUN) ||
	    v3c_cell_kind(copied->state) == V3C_RANGE_TOKEN)
		return at <= copied->last;
	space->ended = v3c_cells_go_on(space, copied, V3C_ALL_PAGES - 1, steps);
	return space->ended;
}

/**
 * v3c_space_fill_step() - fill the page table under construction a little further
 * @space: its space
 * @direct: also with %V3C_RANGE_DIRECT
 * @fill: copies a piece of a range
 * @arg: for @fill
 *
 * Copies one piece, or looks for one in a bounded part of the space, and moves @space->filled on,
 * past every page at the end. @fill is told of a range as far as it was looked at: to its end, if
 * it is a run of memory and no segment; otherwise as far as a piece may go, unless that is too far.
 *
 * Context: any; one caller at a time, see &v3c_space.filling.
 * Return: 0; -EAGAIN when the next range is in the hands of an operation, which has to be waited
 * for; or what @fill said. A range of which it said -EUCLEAN is lost, if nobody unmaps it just
 * then.
 */
int v3c_space_fill_step(struct v3c_space *space, bool direct, v3c_fill_t fill, void *arg)
{
	struct v3c_extent *copied = &space->copied;
	unsigned int steps = V3C_LOOK_AHEAD;
	struct v3c_view view;
	u64 at, pages;
	int ret = 0;

	guard(spinlock_irqsave)(&space->lock);
	at = space->filled;
	while (at < V3C_ALL_PAGES && steps) {
		if (!is_copied(space, at)) {
			ret = next_range(space, &at, &steps);
			if (ret) {
				ret = ret == -ENOENT ? 0 : ret;
				break;
			}
			/* Enough must be known of a run to see that it is one. */
			if (!steps)
				break;
		}
		copied->state = v3c_extent_state(copied);
		if (copied->state & V3C_CELL_HELD) {
			ret = -EAGAIN;
			break;
		}
		if (!is_fillable(v3c_cell_kind(copied->state), direct)) {
			if (!space->ended)
				space->ended = v3c_cells_go_on(space, copied, V3C_ALL_PAGES - 1,
							       &steps);
			at = copied->last + 1;
			continue;
		}
		if (!look_on(space, at, &steps))
			continue;
		view = v3c_cells_view(copied);
		ret = fill(arg, &view, at, &pages);
		if (!ret)
			at += pages;
		else if (ret == -EUCLEAN)
			v3c_cells_swap(copied, (copied->state & ~V3C_CELL_KIND) |
				       v3c_cell_of_kind(V3C_RANGE_LOST));
		break;
	}
	WRITE_ONCE(space->filled, at < V3C_ALL_PAGES ? at : U64_MAX);
	return ret;
}
EXPORT_SYMBOL_IF_KUNIT(v3c_space_fill_step);

void v3c_space_init_once(struct v3c_space *space)
{
	spin_lock_init(&space->lock);
	init_waitqueue_head(&space->idle);
	mutex_init(&space->drain);
	v3c_cells_init(space);
}

/* v3c_space_reset(): @space belongs to a domain that is not published yet. -ENOMEM on failure. */
int v3c_space_reset(struct v3c_space *space, bool allocates, u64 last, gfp_t account)
{
	xa_init_flags(&space->pins, XA_FLAGS_LOCK_IRQ | (account ? XA_FLAGS_ACCOUNT : 0));
	space->recent_pins = NULL;
	xa_init_flags(&space->tokens, account ? XA_FLAGS_ACCOUNT : 0);
	space->allocates = allocates;
	space->account = account;
	space->given_up = get_completed_synchronize_rcu();
	set_last(space, last);
	scoped_guard(spinlock_irqsave, &space->lock) {
		space->slots = 0;
		space->filling = 0;
		space->copied.first = U64_MAX;
		space->locked = false;
	}
	space->hints = NULL;
	if (!allocates)
		return 0;
	space->hints = alloc_percpu_gfp(struct v3c_hints, GFP_KERNEL | account);
	return space->hints ? 0 : -ENOMEM;
}

/*
 * v3c_space_clear() forgets every range of @space, which is closed, on which no operation is under
 * way, and whose page tables are gone. @released gets the payloads.
 */
void v3c_space_clear(struct v3c_space *space, struct v3c_released *released)
{
	xa_destroy(&space->tokens);
	/* v3c_cells_clear() ends the work that trims cells and pins. */
	v3c_cells_clear(space);
	v3c_pins_clear(space, released);
	free_percpu(space->hints);
	space->hints = NULL;
}
