/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Rows of cells in one node, for quick operations: inline, because their lengths and levels are
 * known in registers then.
 */
#ifndef V3COMPAT_ROW_H
#define V3COMPAT_ROW_H

#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/unaligned.h>

#include "table/cells.h"

/**
 * struct v3c_row - neighbouring cells of one node
 * @at: the first
 * @count: how many
 * @level: of the node
 */
struct v3c_row {
	void *at;
	unsigned int count;
	u8 level;
};

/* v3c_is_one(): @count is 1, as a constant. Who asks treats other counts well, too. */
static __always_inline bool v3c_is_one(u64 count)
{
	return __builtin_constant_p(count) && count == 1;
}

/*
 * v3c_is_words(): @count is a block of whole words, as a constant. Who has such a constant sees to
 * it that the block is aligned as its size is.
 */
static __always_inline bool v3c_is_words(u64 count)
{
	return __builtin_constant_p(count) && count && !(count % sizeof(u64));
}

/* v3c_row_set() makes @row one of slots, if @pages are whole slots of one node. */
static __always_inline bool v3c_row_set(struct v3c_row *row, unsigned long *slot, u64 page,
					u64 pages, unsigned int level)
{
	unsigned int index = (page >> V3C_SHIFT(level)) & (BIT(V3C_BITS(level)) - 1);

	row->at = slot;
	row->count = pages >> V3C_SHIFT(level);
	row->level = level;
	return !((page | pages) & (BIT_ULL(V3C_SHIFT(level)) - 1)) &&
	       pages >> V3C_SHIFT(level) <= BIT(V3C_BITS(level)) - index;
}

/**
 * v3c_row_find() - the cells of some pages, if they are neighbours in one node
 * @space: the space
 * @page: first page
 * @pages: how many
 * @row: result
 *
 * Context: any, inside an RCU read-side section until the cells are the caller's.
 * Return: false if they are not, or if the pages are not whole cells.
 */
static __always_inline bool v3c_row_find(const struct v3c_space *space, u64 page, u64 pages,
					 struct v3c_row *row)
{
	unsigned long *node = READ_ONCE(space->low), value;

	if (unlikely(page > V3C_LOW_LAST))
		return false;
	if (!v3c_step_down(&node, &value, page, 4))
		return v3c_row_set(row, node, page, pages, 4);
	if (!v3c_step_down(&node, &value, page, 3))
		return v3c_row_set(row, node, page, pages, 3);
	if (!v3c_step_down(&node, &value, page, 2))
		return v3c_row_set(row, node, page, pages, 2);
	if (!v3c_step_down(&node, &value, page, 1))
		return v3c_row_set(row, node, page, pages, 1);
	row->at = (u8 *)node + (page & (V3C_LEAF_CELLS - 1));
	row->count = pages;
	row->level = 0;
	return pages <= V3C_LEAF_CELLS - (page & (V3C_LEAF_CELLS - 1));
}

static __always_inline bool v3c_slots_claim(unsigned long *slots, unsigned int count, u8 state,
					    u8 traits)
{
	const unsigned long tail = v3c_slot_of(V3C_CELL_TAIL, 0);
	unsigned long body = v3c_slot_of(state, traits), none = 0;
	unsigned long head = (body & ~v3c_slot_of(V3C_CELL_PROT, 0)) |
			     v3c_slot_of(V3C_CELL_HEAD | V3C_CELL_HELD, 0);
	unsigned int i = 0;

	if (count == 1)
		return try_cmpxchg(slots, &none, head | tail);
	if (unlikely(!try_cmpxchg(slots, &none, head)))
		return false;
	while (++i < count) {
		none = 0;
		if (unlikely(!try_cmpxchg(&slots[i], &none, i + 1 < count ? body : body | tail)))
			break;
	}
	if (likely(i == count))
		return true;
	while (i--)
		WRITE_ONCE(slots[i], 0);
	return false;
}

/*
 * v3c_bytes_claim() makes a range of bytes that are @from. It takes words where there are whole
 * ones.
 */
static __always_inline bool v3c_bytes_claim(u8 *at, unsigned int count, u8 from, u8 state,
					    u8 traits)
{
	const u8 head = (state & V3C_CELL_KIND) | V3C_CELL_HEAD | V3C_CELL_HELD;
	const u8 body = state | (traits & V3C_SLOT_RUN ? V3C_CELL_RUN : 0);
	unsigned int i = 0, left;
	u64 want, none;
	u8 byte, free;

	if (v3c_is_one(count))
		return try_cmpxchg(at, &from, head | V3C_CELL_TAIL);
	while (i < count) {
		left = count - i;
		if (v3c_is_words(count) ||
		    (left >= sizeof(u64) && IS_ALIGNED((unsigned long)(at + i), sizeof(u64)))) {
			want = v3c_cell_repeat(body);
			if (!i)
				want = (want & ~0xffull) | head;
			if (left == sizeof(u64))
				want |= (u64)V3C_CELL_TAIL << 56;
			want = v3c_cell_word(want);
			none = v3c_cell_repeat(from);
			if (unlikely(!try_cmpxchg((u64 *)(at + i), &none, want)))
				break;
			i += sizeof(u64);
		} else {
			byte = (i ? body : head) | (left == 1 ? V3C_CELL_TAIL : 0);
			free = from;
			if (unlikely(!try_cmpxchg(at + i, &free, byte)))
				break;
			i++;
		}
	}
	if (likely(i == count))
		return true;
	v3c_bytes_free(at, i, from);
	return false;
}

/* v3c_row_claim() is v3c_cells_claim() of cells that v3c_row_find() found. */
static __always_inline bool v3c_row_claim(const struct v3c_row *row, u8 from, u8 state, u8 traits)
{
	return row->level ? v3c_slots_claim(row->at, row->count, state, traits) :
			    v3c_bytes_claim(row->at, row->count, from, state, traits);
}

/* v3c_row_pad() makes the cells of @row from the one with index @from on a pad, if all are free. */
static inline bool v3c_row_pad(const struct v3c_row *row, unsigned int from)
{
	unsigned long *slots = row->at, none;
	unsigned int i;
	u8 *bytes = row->at, free;

	for (i = from; i < row->count; i++) {
		none = 0;
		free = 0;
		if (row->level ?
		    !try_cmpxchg(&slots[i], &none, v3c_slot_of(V3C_CELL_PAD, 0)) :
		    !try_cmpxchg(&bytes[i], &free, V3C_CELL_PAD))
			break;
	}
	if (i == row->count)
		return true;
	while (i-- > from) {
		if (row->level)
			WRITE_ONCE(slots[i], 0);
		else
			WRITE_ONCE(bytes[i], 0);
	}
	return false;
}

/* v3c_bytes_are_range(): the last of the bytes is the first with a tail. */
static __always_inline bool v3c_bytes_are_range(const u8 *at, unsigned int count)
{
	const u64 tails = v3c_cell_repeat(V3C_CELL_TAIL);
	unsigned int i = 0;
	u64 word;

	for (; i + sizeof(u64) <= count; i += sizeof(u64)) {
		word = get_unaligned_le64(at + i) & tails;
		if (word)
			return i + (__ffs64(word) >> 3) == count - 1;
	}
	while (i < count && !(READ_ONCE(at[i]) & V3C_CELL_TAIL))
		i++;
	return i == count - 1;
}

/*
 * v3c_byte_take() takes the only cell of a range. It expects that the page can be read and written,
 * as most can, because then the state need not be read first.
 */
static __always_inline bool v3c_byte_take(u8 *at, u8 kind)
{
	const u8 live = v3c_cell_of_kind(kind) | V3C_CELL_HEAD | V3C_CELL_TAIL;
	u8 was = live | V3C_CELL_PROT;

	if (likely(try_cmpxchg(at, &was, live | V3C_CELL_PROT | V3C_CELL_HELD)))
		return true;
	return (was & ~V3C_CELL_PROT) == live && try_cmpxchg(at, &was, was | V3C_CELL_HELD);
}

static __always_inline bool v3c_bytes_take(u8 *at, unsigned int count, u8 kind)
{
	const u8 must = V3C_CELL_KIND | V3C_CELL_HEAD | V3C_CELL_HELD;
	const u8 live = kind << V3C_CELL_KIND_SHIFT | V3C_CELL_HEAD;
	u8 state = READ_ONCE(*at);

	if (unlikely((state & must) != live || !v3c_bytes_are_range(at, count) ||
		     !try_cmpxchg(at, &state, state | V3C_CELL_HELD)))
		return false;
	if (likely(v3c_bytes_are_range(at, count)))
		return true;
	v3c_byte_give(at, state);
	return false;
}

/* v3c_words_are_rest(): the words behind the first are those of a range with these @bodies. */
static __always_inline bool v3c_words_are_rest(const u64 *words, unsigned int count, u64 bodies)
{
	const u64 tail = (u64)V3C_CELL_TAIL << 56;
	unsigned int i;

	for (i = 1; i < count; i++)
		if (READ_ONCE(words[i]) != v3c_cell_word(bodies | (i + 1 < count ? 0 : tail)))
			return false;
	return true;
}

/* v3c_words_take() is v3c_byte_take() of a run of whole words. */
static __always_inline bool v3c_words_take(u64 *words, unsigned int count, u8 kind)
{
	const u8 live = v3c_cell_of_kind(kind) | V3C_CELL_PROT;
	const u64 bodies = v3c_cell_repeat(live | V3C_CELL_RUN);
	const u64 head = (bodies & ~0xffull) | live | V3C_CELL_HEAD |
			 (count == 1 ? (u64)V3C_CELL_TAIL << 56 : 0);
	u64 was = v3c_cell_word(head);

	if (unlikely(!v3c_words_are_rest(words, count, bodies) ||
		     !try_cmpxchg(words, &was, v3c_cell_word(head | V3C_CELL_HELD))))
		return false;
	if (likely(v3c_words_are_rest(words, count, bodies)))
		return true;
	v3c_byte_give((u8 *)words, live | V3C_CELL_HEAD);
	return false;
}

static __always_inline bool v3c_slots_are_range(const unsigned long *slots, unsigned int count)
{
	unsigned int i = 0;
	unsigned long value;

	for (; i < count; i++) {
		value = READ_ONCE(slots[i]);
		if (unlikely(value & V3C_SLOT_CHILD))
			return false;
		if (value & v3c_slot_of(V3C_CELL_TAIL, 0))
			break;
	}
	return i == count - 1;
}

static __always_inline bool v3c_slots_take(unsigned long *slots, unsigned int count, u8 kind,
					   u8 must, u8 *traits)
{
	const u8 mask = V3C_CELL_KIND | V3C_CELL_HEAD | V3C_CELL_HELD;
	const u8 live = kind << V3C_CELL_KIND_SHIFT | V3C_CELL_HEAD;
	unsigned long value = READ_ONCE(*slots);

	if (unlikely((value & (v3c_slot_of(mask, must) | V3C_SLOT_CHILD)) !=
		     v3c_slot_of(live, must) || !v3c_slots_are_range(slots, count) ||
		     !try_cmpxchg(slots, &value, value | v3c_slot_of(V3C_CELL_HELD, 0))))
		return false;
	*traits = value;
	if (likely(count == 1 || v3c_slots_are_range(slots, count)))
		return true;
	v3c_slot_give(slots, value);
	return false;
}

/*
 * v3c_row_take() is v3c_cells_take() of a range that is exactly @row, in whose head @must is set if
 * it is a slot. Of a block whose size is a constant it takes only a run that can be read and
 * written. Nobody else's range is held even for a moment, unless it took the place of this one just
 * then.
 */
static __always_inline bool v3c_row_take(const struct v3c_row *row, u8 kind, u8 must, u8 *traits)
{
	*traits = 0;
	if (row->level)
		return v3c_slots_take(row->at, row->count, kind, must, traits);
	if (v3c_is_words(row->count))
		return v3c_words_take(row->at, row->count / sizeof(u64), kind);
	return v3c_is_one(row->count) ? v3c_byte_take(row->at, kind) :
					v3c_bytes_take(row->at, row->count, kind);
}

/* v3c_row_give() is v3c_cells_give() of a range that is @row. */
static __always_inline void v3c_row_give(const struct v3c_row *row, u8 clear, u8 set)
{
	const struct v3c_head head = { .at = row->at, .level = row->level };

	v3c_head_give(&head, clear, set);
}

/* v3c_row_start() hands on a range that was claimed as @state and @traits. */
static __always_inline void v3c_row_start(const struct v3c_row *row, u8 state, u8 traits)
{
	state |= V3C_CELL_HEAD | (row->count == 1 ? V3C_CELL_TAIL : 0);
	if (row->level)
		v3c_slot_give(row->at, v3c_slot_of(state, traits));
	else
		v3c_byte_give(row->at, state);
}

/* v3c_words_free() is v3c_bytes_free() of whole words. */
static __always_inline void v3c_words_free(u64 *words, unsigned int count, u8 to)
{
	while (count--)
		/* As in v3c_byte_give(). */
		smp_store_release(&words[count], v3c_cell_repeat(to));
}

/* v3c_row_free() is v3c_cells_free() of @row. */
static __always_inline void v3c_row_free(const struct v3c_row *row, u8 to)
{
	unsigned int count = row->count;
	unsigned long *slots = row->at;

	if (v3c_is_one(count) && !row->level)
		v3c_byte_give(row->at, to);
	else if (v3c_is_words(count) && !row->level)
		v3c_words_free(row->at, count / sizeof(u64), to);
	else if (!row->level)
		v3c_bytes_free(row->at, count, to);
	else
		while (count--)
			v3c_slot_give(&slots[count], 0);
}

#endif
