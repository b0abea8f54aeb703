/* SPDX-License-Identifier: GPL-2.0 */
/**
 * DOC: Cells
 *
 * What is mapped at which logical addresses, and what may not be, is in one sparse map per domain,
 * in the shape of a page table. A page has a cell of one byte in a leaf of 256. Nodes above have
 * slots: a slot has a leaf or node below it, or is itself the cell of an aligned block of pages
 * that are all in one range, as a large leaf of a page table is. So there is no record of a range
 * anywhere else: a range is a row of cells, from the one with %V3C_CELL_HEAD to the one with
 * %V3C_CELL_TAIL, each as large as it can be. However large a range is, it has at most 333 cells at
 * each end and one for each GiB in between, unless smaller ranges have left leaves behind where it
 * lies.
 *
 * =====  =========  ==============  ==========================
 * level  cells      pages of each   bytes
 * =====  =========  ==============  ==========================
 * 0      256        1               256
 * 1      64         256 (1 MiB)     512
 * 2      16         2^14 (64 MiB)   128
 * 3      512        2^18 (1 GiB)    4096
 * 4      512        2^27 (512 GiB)  4096, the root below 2^48
 * 5      64         2^36            512
 * 6      1024       2^42            8192, the root above
 * =====  =========  ==============  ==========================
 *
 * None of the levels 0 to 2 costs more than an eighth of the page tables that the IOMMU needs for
 * the same pages in leaves of 4 KiB; in leaves of 2 MiB they need half of what the cells need. A
 * node above costs what a table for the same addresses costs, at most.
 *
 * Cells change hands by cmpxchg, without any lock:
 *
 * - A cell of 0 is free. Who makes cells of it owns them. The head comes first, with
 *   %V3C_CELL_HELD, so that others see at once whose they are; all cells follow it in ascending
 *   order, and are freed in descending order.
 * - The head speaks for the range: who changes it from live to %V3C_CELL_HELD, by cmpxchg, owns
 *   all of the range until it gives the head on or frees the cells. A held head without permissions
 *   is being mapped, one with permissions is being unmapped.
 * - An owner hands on by a store with release semantics.
 *
 * A leaf or node is added by cmpxchg of the slot above. One in which all is free is taken away by
 * v3c_space.trim, which makes each of its cells %V3C_CELL_DEAD first, and its memory stays for a
 * grace period. So cells that somebody else may own are looked at inside an RCU read-side section.
 */
#ifndef V3COMPAT_CELLS_H
#define V3COMPAT_CELLS_H

#include <linux/align.h>
#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/gfp_types.h>
#include <linux/types.h>

#include "base/phys.h"
#include "table/range.h"

/*
 * V3C_CELL_*: the state of a cell. Its kind, in the upper bits, is an &enum v3c_range_kind and
 * counts in the head only. The permissions, in the lowest bits, are IOMMU_READ and IOMMU_WRITE.
 */
#define V3C_CELL_PROT		0x03
#define V3C_CELL_HEAD		0x04
#define V3C_CELL_TAIL		0x08
#define V3C_CELL_HELD		0x10
#define V3C_CELL_KIND		0xe0
#define V3C_CELL_KIND_SHIFT	5

/* V3C_CELL_RUN: in a byte that is no head, all of the range is one contiguous run of memory. */
#define V3C_CELL_RUN		V3C_CELL_HELD

/* V3C_CELL_DEAD: there is no such cell any more, or not yet. It counts as free for who reads. */
#define V3C_CELL_DEAD		V3C_CELL_HELD
/* V3C_CELL_PAD: the rest of an allocator's block, behind its range. */
#define V3C_CELL_PAD		(V3C_RANGE_LOGICAL << V3C_CELL_KIND_SHIFT)
/* V3C_CELL_UNUSED: a page of a reservation in which nothing is mapped. */
#define V3C_CELL_UNUSED		(V3C_RANGE_TOKEN << V3C_CELL_KIND_SHIFT)

/* Pages of a cell, and cells of a node, by its level, as powers of two. */
#define V3C_BITS(level)		((level) == 0 ? 8 : (level) == 1 ? 6 : (level) == 2 ? 4 :	\
				 (level) == 5 ? 6 : (level) == 6 ? 10 : 9)
#define V3C_SHIFT(level)	((level) == 0 ? 0 : (level) == 1 ? 8 : (level) == 2 ? 14 :	\
				 (level) == 3 ? 18 : (level) == 4 ? 27 : (level) == 5 ? 36 : 42)
#define V3C_LEAF_BITS		V3C_BITS(0)
#define V3C_LEAF_CELLS		BIT(V3C_LEAF_BITS)
#define V3C_LOW_LEVEL		4
#define V3C_HIGH_LEVEL		6
/* V3C_LOW_BITS: pages below this power of two are under &v3c_space.low. */
#define V3C_LOW_BITS		(V3C_SHIFT(V3C_LOW_LEVEL) + V3C_BITS(V3C_LOW_LEVEL))
#define V3C_LOW_LAST		(BIT_ULL(V3C_LOW_BITS) - 1)
/* V3C_ALL_PAGES: pages of all 64-bit addresses. Only V3C_MAX_PAGES of them can be mapped. */
#define V3C_ALL_PAGES		(1ULL << (64 - V3C_PAGE_SHIFT))

/*
 * A slot that has something below it is its address and, in the lower bits, V3C_SLOT_CHILD and a
 * room: no block of this order or more was free below when somebody looked last. V3C_SLOT_ROOMY
 * says that nobody knows. Other slots have their state above V3C_SLOT_STATE_SHIFT, and traits.
 */
#define V3C_SLOT_CHILD		0x01ul
#define V3C_SLOT_ROOM_SHIFT	1
#define V3C_SLOT_ROOMY		0x3eul
#define V3C_SLOT_TAGS		(V3C_SLOT_CHILD | V3C_SLOT_ROOMY)
#define V3C_SLOT_STATE_SHIFT	8
/* V3C_SLOT_RUN: as V3C_CELL_RUN, in any slot. */
#define V3C_SLOT_RUN		0x40
/* V3C_SLOT_LARGE: in the head, a quick operation mapped the range in leaves of 2 MiB or more. */
#define V3C_SLOT_LARGE		0x80
#define V3C_SLOT_TRAITS		(V3C_SLOT_RUN | V3C_SLOT_LARGE)

/**
 * struct v3c_search - for a free block of an allocator
 * @pages: how many the range has, at the start of the block
 * @lo: the lowest page that it may start at
 * @hi: the highest page that it may have
 * @last: the highest page that the block may have
 * @order: of the block
 * @thorough: rooms are not believed
 * @hasty: nothing is lost if none is found
 */
struct v3c_search {
	u64 pages;
	u64 lo;
	u64 hi;
	u64 last;
	u8 order;
	bool thorough;
	bool hasty;
};

static inline u8 v3c_cell_of_kind(u8 kind)
{
	return kind << V3C_CELL_KIND_SHIFT;
}

static inline u8 v3c_cell_kind(u8 state)
{
	return state >> V3C_CELL_KIND_SHIFT;
}

/* v3c_cell_repeat() is a word of cells that are all @state. */
static __always_inline u64 v3c_cell_repeat(u8 state)
{
	return state * (U64_MAX / U8_MAX);
}

/* v3c_cell_word() is a word of cells, the first in its lowest byte, as memory has it. */
static __always_inline u64 v3c_cell_word(u64 cells)
{
	return (__force u64)cpu_to_le64(cells);
}

static __always_inline unsigned long v3c_slot_of(u8 state, u8 traits)
{
	return (unsigned long)state << V3C_SLOT_STATE_SHIFT | traits;
}

/* v3c_slot_below(): the leaf or node below a slot with V3C_SLOT_CHILD. */
static __always_inline void *v3c_slot_below(unsigned long value)
{
	return (void *)(value & ~V3C_SLOT_TAGS);
}

/* v3c_byte_give() hands on a byte; whoever takes it next sees all that was done to its page. */
static __always_inline void v3c_byte_give(u8 *byte, u8 state)
{
	/* Pairs with the try_cmpxchg() by which a cell is taken. */
	smp_store_release(byte, state);
}

/* v3c_slot_give() is v3c_byte_give() for a slot. */
static __always_inline void v3c_slot_give(unsigned long *slot, unsigned long value)
{
	/* Pairs with the try_cmpxchg() by which a cell is taken. */
	smp_store_release(slot, value);
}

/* v3c_bytes_free() makes the caller's bytes @to, in descending order. */
static __always_inline void v3c_bytes_free(u8 *at, unsigned int count, u8 to)
{
	u8 *end = at + count;

	while (end > at && !IS_ALIGNED((unsigned long)end, sizeof(u64)))
		v3c_byte_give(--end, to);
	while (end - at >= (long)sizeof(u64)) {
		end -= sizeof(u64);
		/* As in v3c_byte_give(). */
		smp_store_release((u64 *)end, v3c_cell_repeat(to));
	}
	while (end > at)
		v3c_byte_give(--end, to);
}

/* v3c_head_give() changes the head of a range, and hands the range on. */
static __always_inline void v3c_head_give(const struct v3c_head *head, u8 clear, u8 set)
{
	unsigned long *slot = head->at;
	u8 *byte = head->at;

	if (head->level)
		v3c_slot_give(slot, (*slot & ~v3c_slot_of(clear, 0)) | v3c_slot_of(set, 0));
	else
		v3c_byte_give(byte, (*byte & ~clear) | set);
}

/* v3c_head_free() frees a range of one cell. */
static __always_inline void v3c_head_free(const struct v3c_head *head, u8 to)
{
	if (head->level)
		v3c_slot_give(head->at, 0);
	else
		v3c_byte_give(head->at, to);
}

/* v3c_extent_state(): the state of the head now. */
static inline u8 v3c_extent_state(const struct v3c_extent *extent)
{
	u8 *byte = extent->head;

	if (extent->level)
		/* Pairs with v3c_slot_give(). */
		return smp_load_acquire((unsigned long *)extent->head) >> V3C_SLOT_STATE_SHIFT;
	/* Pairs with v3c_byte_give(). */
	return smp_load_acquire(byte);
}

/*
 * v3c_step_down() goes from @node, at @level, which is a constant, to what is below the slot of
 * @page. False if there is nothing: then @node is the slot, and @value what is in it.
 */
static __always_inline bool v3c_step_down(unsigned long **node, unsigned long *value, u64 page,
					  unsigned int level)
{
	*node += (page >> V3C_SHIFT(level)) & (BIT(V3C_BITS(level)) - 1);
	*value = READ_ONCE(**node);
	if (!(*value & V3C_SLOT_CHILD))
		return false;
	*node = v3c_slot_below(*value);
	return true;
}

/* v3c_cell_is_range(): the cell is part of a range. */
static inline bool v3c_cell_is_range(u8 state)
{
	return state > V3C_CELL_DEAD && state != V3C_CELL_PAD && state != V3C_CELL_UNUSED;
}

/* v3c_cell_is_live(): the state of a head says that nobody has the range in hand. */
static inline bool v3c_cell_is_live(u8 state)
{
	return !(state & V3C_CELL_HELD) && v3c_cell_kind(state) != V3C_RANGE_LOST;
}

/* v3c_kind_is_unmapped(): the pages are withheld, and mapped in no page table. */
static inline bool v3c_kind_is_unmapped(u8 kind)
{
	return kind == V3C_RANGE_HOLE || kind == V3C_RANGE_WINDOW;
}

static inline struct v3c_view v3c_cells_view(const struct v3c_extent *extent)
{
	u8 prot = extent->state & V3C_CELL_PROT;

	return (struct v3c_view) {
		.first = extent->first, .last = extent->last,
		.kind = v3c_cell_kind(extent->state), .prot = prot,
		.state = !(extent->state & V3C_CELL_HELD) ? V3C_RANGE_LIVE :
			 prot ? V3C_RANGE_UNMAPPING : V3C_RANGE_MAPPING,
		.contiguous = extent->traits & V3C_SLOT_RUN || extent->first == extent->last,
	};
}

extern unsigned long v3c_cells_none[];

void v3c_cells_init(struct v3c_space *space);
void v3c_cells_clear(struct v3c_space *space);
void v3c_cells_queue_trim(struct v3c_space *space);

int v3c_cells_claim(struct v3c_space *space, u64 first, u64 last, u8 state, u8 traits, u8 from,
		    gfp_t gfp, struct v3c_head *head);
int v3c_cells_fill(struct v3c_space *space, u64 first, u64 last, u8 state, gfp_t gfp);
u64 v3c_cells_claim_free(struct v3c_space *space, u64 first, u64 last, u8 state, u8 traits,
			 gfp_t gfp, int *ret);
void v3c_cells_give_up(struct v3c_space *space, u64 first, u64 last);
void v3c_cells_free(struct v3c_space *space, u64 first, u64 last, u8 to);
int v3c_cells_take(struct v3c_space *space, u64 page, u8 kind, struct v3c_extent *extent);
bool v3c_cells_swap(struct v3c_extent *extent, u8 state);
void v3c_cells_give(struct v3c_space *space, u64 first, u64 last, u8 clear, u8 set);
bool v3c_cells_take_only(struct v3c_space *space, u64 first, u64 last, u8 kind,
			 struct v3c_head *head);
void v3c_cells_give_one(struct v3c_space *space, u64 first, u8 clear, u8 set);
int v3c_cells_split(struct v3c_space *space, u64 page, gfp_t gfp);
int v3c_cells_to_bytes(struct v3c_space *space, u64 page, gfp_t gfp);
void v3c_cells_cut(struct v3c_space *space, u64 at, u8 state);

bool v3c_cells_find(const struct v3c_space *space, u64 page, struct v3c_extent *extent);
bool v3c_cells_next(const struct v3c_space *space, u64 *page, u64 last, unsigned int *steps,
		    struct v3c_extent *extent);
int v3c_cells_meet(const struct v3c_space *space, u64 *page, unsigned int *steps,
		   struct v3c_extent *extent);
bool v3c_cells_go_on(const struct v3c_space *space, struct v3c_extent *extent, u64 to,
		     unsigned int *steps);
u8 v3c_cells_look(const struct v3c_space *space, u64 page, u64 *last);
u8 *v3c_cells_leaf(const struct v3c_space *space, u64 page);
int v3c_cells_search(struct v3c_space *space, const struct v3c_search *search, u64 *block);
void v3c_cells_make_room(struct v3c_space *space, u64 page);

/* v3c_cells_emptied(): a node may have become empty. */
static __always_inline void v3c_cells_emptied(struct v3c_space *space)
{
	if (unlikely(!READ_ONCE(space->trimming)))
		v3c_cells_queue_trim(space);
}

/*
 * V3C_SLOT_BELOW() is a step down from the slot with @value to that of @page below it. Everything
 * below a space that does not choose addresses has V3C_SLOT_ROOMY, so that the tags are known.
 */
#define V3C_SLOT_BELOW(value, page, level, mask)				\
	READ_ONCE(((unsigned long *)((mask) ? (value) & ~V3C_SLOT_TAGS :	\
					      (value) - V3C_SLOT_TAGS))		\
		  [((page) >> V3C_SHIFT(level)) & (BIT(V3C_BITS(level)) - 1)])

/**
 * v3c_cells_byte() - the cell of a page, for quick operations
 * @space: the space
 * @iova: a byte of the page, below V3C_LOW_BITS
 * @mask: the space chooses addresses; a constant
 * @tags: result, the tags of all slots above that all of them have
 * @cell: result
 *
 * Context: any, inside v3c_quick_enter() until the cell is the caller's.
 * Return: false if it has no cell of its own.
 */
static __always_inline bool v3c_cells_byte(const struct v3c_space *space, u64 iova, bool mask,
					   unsigned long *tags, u8 **cell)
{
	const u64 page = iova >> V3C_PAGE_SHIFT;
	unsigned long value = READ_ONCE(space->low)[page >> V3C_SHIFT(4)];

	if (unlikely(!(value & V3C_SLOT_CHILD)))
		return false;
	*tags = value;
	value = V3C_SLOT_BELOW(value, page, 3, mask);
	if (unlikely(!(value & V3C_SLOT_CHILD)))
		return false;
	*tags &= value;
	value = V3C_SLOT_BELOW(value, page, 2, mask);
	if (unlikely(!(value & V3C_SLOT_CHILD)))
		return false;
	*tags &= value;
	value = V3C_SLOT_BELOW(value, page, 1, mask);
	if (unlikely(!(value & V3C_SLOT_CHILD)))
		return false;
	*tags &= value;
	value = mask ? value & ~V3C_SLOT_TAGS : value - V3C_SLOT_TAGS;
	*cell = (u8 *)value + (page & (V3C_LEAF_CELLS - 1));
	return true;
}

/**
 * v3c_cells_slot() - the slot of a page in a node, for quick operations
 * @space: the space
 * @page: a page below V3C_LOW_BITS
 * @mask: the space chooses addresses; a constant
 * @level: of the node, 1 or 3; a constant
 * @tags: result, as of v3c_cells_byte()
 *
 * Context: any, inside v3c_quick_enter() until the cell is the caller's.
 * Return: the slot, which may have something below it; NULL without such a node.
 */
static __always_inline unsigned long *v3c_cells_slot(const struct v3c_space *space, u64 page,
						     bool mask, unsigned int level,
						     unsigned long *tags)
{
	unsigned long value = READ_ONCE(space->low)[page >> V3C_SHIFT(4)];

	if (unlikely(!(value & V3C_SLOT_CHILD)))
		return NULL;
	*tags = value;
	if (level == 1) {
		value = V3C_SLOT_BELOW(value, page, 3, mask);
		if (unlikely(!(value & V3C_SLOT_CHILD)))
			return NULL;
		*tags &= value;
		value = V3C_SLOT_BELOW(value, page, 2, mask);
		if (unlikely(!(value & V3C_SLOT_CHILD)))
			return NULL;
		*tags &= value;
	}
	return (unsigned long *)(mask ? value & ~V3C_SLOT_TAGS : value - V3C_SLOT_TAGS) +
	       ((page >> V3C_SHIFT(level)) & (BIT(V3C_BITS(level)) - 1));
}

#endif
