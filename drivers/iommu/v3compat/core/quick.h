/* SPDX-License-Identifier: GPL-2.0 */
/**
 * DOC: Quick operations
 *
 * The usual map and unmap take no lock: the domain has one page table, the leaf with the cells is
 * there, and nothing has to wait for memory.
 *
 * 1. v3c_quick_enter() begins an RCU read-side section, which lasts until the operation is over.
 * 2. &v3c_domain.sole is read before anything is touched. NULL ends the attempt: there is no page
 *    table or more than one, or somebody is about to change that.
 * 3. A map takes free cells, an unmap the head of its range, by cmpxchg, see cells.h. From here on
 *    the range is the operation's own. Where the space chooses addresses, &v3c_space.hints says
 *    what is likely to be free.
 * 4. The IOMMU driver maps, or unmaps and invalidates.
 * 5. The cells are handed on by stores with release semantics.
 *
 * The cells are the only memory that a quick operation writes and that others write, too: so two
 * processors that work 64 pages apart do not share a cache line.
 *
 * A quick operation that finds anything unusual returns false. The call then starts again on the
 * general path, which can deal with all of it and say what was wrong. Nothing is changed by then,
 * except that pages which the IOMMU driver kept are lost.
 *
 * Whoever changes the set of page tables, or withholds addresses, calls v3c_domain_forbid_quick():
 * it clears &v3c_domain.sole and waits for a grace period. Then no quick operation is under way,
 * and none starts until v3c_domain_allow_quick().
 */
#ifndef V3COMPAT_QUICK_H
#define V3COMPAT_QUICK_H

#include <linux/atomic.h>
#include <linux/log2.h>
#include <linux/percpu.h>
#include <linux/sizes.h>

#include "base/context.h"
#include "base/phys.h"
#include "base/trace.h"
#include "core/domain.h"
#include "core/reserve.h"
#include "table/cells.h"
#include "table/hwpt.h"
#include "table/row.h"
#include "table/space.h"

/* V3C_ANYWHERE stands for a page that the space chooses. */
#define V3C_ANYWHERE	U64_MAX

u64 v3c_quick_map_range(struct v3c_domain *domain, u8 state, u64 base, u64 size, u64 page);
u64 v3c_quick_map_pinned(struct v3c_domain *domain, u8 state, u64 base, u64 size, u64 page,
			 const struct v3c_pin *pin);
bool v3c_quick_unmap_range(struct v3c_domain *domain, u8 kind, u64 page, u64 pages);
bool v3c_quick_unmap_pinned(struct v3c_domain *domain, u8 kind, u64 page, u64 pages,
			    struct v3c_released *released);

bool v3c_quick_map_segment(struct v3c_token *token, u64 offset, int prot, u64 base, u64 size);
bool v3c_quick_unmap_segment(struct v3c_token *token, u64 offset, u64 size);

/*
 * v3c_trace_quick_map() and v3c_trace_quick_unmap() hide from the compiler that the page is known
 * already, because it would keep it in a register for them that others pay for.
 */
static __always_inline void v3c_trace_quick_map(struct v3c_domain *domain, u8 kind, u64 iova)
{
	if (kind == V3C_RANGE_IDENTITY ? !trace_v3compat_map_identity_enabled() :
					 !trace_v3compat_map_enabled())
		return;
	OPTIMIZER_HIDE_VAR(iova);
	if (kind == V3C_RANGE_IDENTITY)
		trace_v3compat_map_identity(domain, iova >> V3C_PAGE_SHIFT, 1, 0);
	else
		trace_v3compat_map(domain, iova >> V3C_PAGE_SHIFT, 1, 0);
}

static __always_inline void v3c_trace_quick_unmap(struct v3c_domain *domain, u8 kind, u64 iova)
{
	if (kind == V3C_RANGE_IDENTITY ? !trace_v3compat_unmap_identity_enabled() :
					 !trace_v3compat_unmap_enabled())
		return;
	OPTIMIZER_HIDE_VAR(iova);
	if (kind == V3C_RANGE_IDENTITY)
		trace_v3compat_unmap_identity(domain, iova >> V3C_PAGE_SHIFT, 1, 0);
	else
		trace_v3compat_unmap(domain, iova >> V3C_PAGE_SHIFT, 1, 0);
}

/*
 * v3c_is_large(): the run is larger than V3C_QUICK_SIZE, but takes few leaves all the same where
 * there are leaves of 2 MiB, because the block for it is aligned as well.
 */
static __always_inline bool v3c_is_large(u64 base, u64 size)
{
	return size > V3C_QUICK_SIZE && size <= V3C_QUICK_PAGES * V3C_QUICK_SIZE &&
	       !((base | size) & (V3C_QUICK_SIZE - 1));
}

/*
 * v3c_quick_claim() takes the cell of a page that is @from, to map a range of one page. It is the
 * first and last cell of its range.
 */
static __always_inline bool v3c_quick_claim(u8 *cell, u8 from, u8 kind)
{
	return try_cmpxchg(cell, &from, kind << V3C_CELL_KIND_SHIFT | V3C_CELL_HEAD |
			   V3C_CELL_TAIL | V3C_CELL_HELD);
}

/* v3c_quick_give() makes a page that v3c_quick_claim() took, and that is mapped, a live range. */
static __always_inline void v3c_quick_give(u8 *cell, u8 kind, int prot)
{
	v3c_byte_give(cell, kind << V3C_CELL_KIND_SHIFT | V3C_CELL_HEAD | V3C_CELL_TAIL | prot);
}

/*
 * v3c_quick_take() takes a page that is a live range of its own, for unmapping. It expects that the
 * page can be read and written, as most can, because then the state need not be read first.
 */
static __always_inline bool v3c_quick_take(u8 *cell, u8 kind)
{
	const u8 live = kind << V3C_CELL_KIND_SHIFT | V3C_CELL_HEAD | V3C_CELL_TAIL;
	u8 was = live | V3C_CELL_PROT;

	if (likely(try_cmpxchg(cell, &was, live | V3C_CELL_PROT | V3C_CELL_HELD)))
		return true;
	return (was & ~V3C_CELL_PROT) == live && try_cmpxchg(cell, &was, was | V3C_CELL_HELD);
}

/* v3c_quick_free() gives up a page that is mapped nowhere. */
static __always_inline void v3c_quick_free(u8 *cell, u8 to)
{
	v3c_byte_give(cell, to);
}

/* v3c_quick_lose(): the IOMMU driver may keep the page mapped for ever. */
static __always_inline void v3c_quick_lose(u8 *cell)
{
	v3c_byte_give(cell, V3C_RANGE_LOST << V3C_CELL_KIND_SHIFT | V3C_CELL_HEAD |
			  V3C_CELL_TAIL | V3C_CELL_PROT);
}

/* v3c_quick_map_page() maps the page that v3c_quick_claim() took, or gives it up. */
static __always_inline bool v3c_quick_map_page(struct v3c_hwpt *hwpt, u8 *cell, u8 from, u8 kind,
					       u64 iova, int prot, u64 base)
{
	if (unlikely(v3c_hwpt_quick_map_page(hwpt, iova, base, prot))) {
		v3c_quick_free(cell, from);
		return false;
	}
	v3c_quick_give(cell, kind, prot);
	return true;
}

/**
 * v3c_quick_map_at() - the usual case of v3c_map() in a domain that does not choose addresses
 * @domain: the domain
 * @kind: V3C_RANGE_LOGICAL or V3C_RANGE_IDENTITY
 * @prot: IOMMU_READ and IOMMU_WRITE
 * @base: physical byte that the page begins at
 * @iova: first logical byte of the page
 *
 * Context: any up to softirq, with spinlocks held.
 * Return: whether it was done.
 */
static __always_inline bool v3c_quick_map_at(struct v3c_domain *domain, u8 kind, int prot,
					     u64 base, u64 iova)
{
	struct v3c_hwpt *hwpt;
	unsigned long tags;
	u8 *cell;

	v3c_quick_enter();
	hwpt = READ_ONCE(domain->sole_explicit);
	if (unlikely(!hwpt || iova >= domain->space.low_end))
		goto slow;
	if (unlikely(!v3c_cells_byte(&domain->space, iova, false, &tags, &cell) ||
		     !v3c_quick_claim(cell, 0, kind) ||
		     !v3c_quick_map_page(hwpt, cell, 0, kind, iova, prot, base)))
		goto slow;
	v3c_trace_quick_map(domain, kind, iova);
	v3c_quick_exit();
	return true;
slow:
	v3c_quick_exit();
	return false;
}

/**
 * v3c_quick_map() - the usual case of v3c_map() in a domain that chooses addresses
 * @domain: the domain
 * @prot: IOMMU_READ and IOMMU_WRITE
 * @base: physical byte that the page begins at
 * @address: result, first logical address; untouched on failure
 *
 * Context: any up to softirq, with spinlocks held.
 * Return: whether it was done.
 */
static __always_inline bool v3c_quick_map(struct v3c_domain *domain, int prot, u64 base,
					  u64 *address)
{
	struct v3c_space *space = &domain->space;
	struct v3c_hwpt *hwpt;
	unsigned long tags;
	u64 page, iova;
	u8 *cell;

	v3c_quick_enter();
	hwpt = READ_ONCE(domain->sole_allocates);
	if (unlikely(!hwpt))
		goto slow;
	page = this_cpu_read(space->hints->page[0]);
	iova = page << V3C_PAGE_SHIFT;
	if (unlikely(iova - 1 >= space->low_end - 1))
		goto slow;
	if (unlikely(!v3c_cells_byte(space, iova, true, &tags, &cell) ||
		     !v3c_quick_claim(cell, 0, V3C_RANGE_LOGICAL)))
		goto slow;
	v3c_space_hint_behind(space, 0, page);
	if (unlikely(!v3c_quick_map_page(hwpt, cell, 0, V3C_RANGE_LOGICAL, iova, prot, base))) {
		v3c_space_hint(space, 0, page);
		goto slow;
	}
	v3c_trace_quick_map(domain, V3C_RANGE_LOGICAL, iova);
	*address = iova;
	v3c_quick_exit();
	return true;
slow:
	v3c_quick_exit();
	return false;
}

/**
 * v3c_quick_unmap() - the usual case of v3c_unmap()
 * @domain: the domain
 * @allocates: it chooses addresses; a constant
 * @kind: V3C_RANGE_LOGICAL or V3C_RANGE_IDENTITY
 * @iova: first logical byte of the only page
 *
 * Context: any up to softirq, with spinlocks held.
 * Return: whether it was done.
 */
static __always_inline bool v3c_quick_unmap(struct v3c_domain *domain, bool allocates, u8 kind,
					    u64 iova)
{
	struct v3c_space *space = &domain->space;
	struct v3c_hwpt *hwpt;
	unsigned long tags;
	u8 *cell;

	v3c_quick_enter();
	hwpt = allocates ? READ_ONCE(domain->sole_allocates) : READ_ONCE(domain->sole_explicit);
	if (unlikely(!hwpt || iova >= space->low_end ||
		     !v3c_cells_byte(space, iova, allocates, &tags, &cell) ||
		     !v3c_quick_take(cell, kind)))
		goto slow;
	/* V3C_RANGE_LOST: the slow way finds it, and says V3C_REASON_SHORT_UNMAP. */
	if (unlikely(!v3c_hwpt_quick_unmap_page(hwpt, iova))) {
		v3c_quick_lose(cell);
		goto slow;
	}
	v3c_trace_quick_unmap(domain, kind, iova);
	if (allocates)
		v3c_space_hint(space, 0, iova >> V3C_PAGE_SHIFT);
	v3c_quick_free(cell, 0);
	if (allocates && unlikely(~tags & V3C_SLOT_ROOMY))
		v3c_cells_make_room(space, iova >> V3C_PAGE_SHIFT);
	/* The word is empty: so may be the leaf. */
	if (!space->trimming &&
	    unlikely(!*(u64 *)((unsigned long)cell & ~7ul)))
		v3c_space_queue_trim(space);
	v3c_quick_exit();
	return true;
slow:
	v3c_quick_exit();
	return false;
}

/**
 * v3c_quick_map_bytes() - v3c_quick_map_at() or v3c_quick_map() of pages with cells in one leaf
 * @domain: the domain
 * @allocates: it chooses addresses; a constant
 * @kind: V3C_RANGE_LOGICAL or V3C_RANGE_IDENTITY
 * @prot: IOMMU_READ and IOMMU_WRITE
 * @base: first physical byte
 * @pages: at most V3C_LEAF_CELLS; a power of two if it chooses
 * @iova: first logical byte; result, if it chooses
 *
 * Context: any up to softirq, with spinlocks held.
 * Return: whether it was done.
 */
static __always_inline bool v3c_quick_map_bytes(struct v3c_domain *domain, bool allocates, u8 kind,
						int prot, u64 base, u64 pages, u64 *iova)
{
	const u8 head = kind << V3C_CELL_KIND_SHIFT | V3C_CELL_HEAD;
	u64 size = pages << V3C_PAGE_SHIFT, first = *iova;
	struct v3c_space *space = &domain->space;
	struct v3c_hwpt *hwpt;
	unsigned long tags;
	u8 order, *cell;

	v3c_quick_enter();
	hwpt = allocates ? READ_ONCE(domain->sole_allocates) : READ_ONCE(domain->sole_explicit);
	if (unlikely(!hwpt))
		goto slow;
	if (allocates) {
		order = ilog2(pages);
		first = this_cpu_read(space->hints->page[order]) << V3C_PAGE_SHIFT;
		if (unlikely(!first))
			goto slow;
	}
	if (unlikely(first >= space->low_end || size > space->low_end - first ||
		     !v3c_cells_byte(space, first, allocates, &tags, &cell) ||
		     (unsigned long)(cell + pages - 1) >> V3C_LEAF_BITS !=
		     (unsigned long)cell >> V3C_LEAF_BITS ||
		     !v3c_bytes_claim(cell, pages, 0, kind << V3C_CELL_KIND_SHIFT | prot,
				      V3C_SLOT_RUN)))
		goto slow;
	if (allocates)
		v3c_space_hint_behind(space, order, first >> V3C_PAGE_SHIFT);
	if (unlikely(v3c_hwpt_quick_map(hwpt, first, base, size, prot, 0))) {
		v3c_bytes_free(cell, pages, 0);
		if (allocates)
			v3c_space_hint(space, order, first >> V3C_PAGE_SHIFT);
		goto slow;
	}
	trace_v3compat_map(domain, first >> V3C_PAGE_SHIFT, pages, 0);
	v3c_byte_give(cell, head | prot);
	if (allocates)
		*iova = first;
	v3c_quick_exit();
	return true;
slow:
	v3c_quick_exit();
	return false;
}

/*
 * v3c_quick_unmap_bytes() is v3c_quick_unmap() of what v3c_quick_map_bytes() maps; @allocates is a
 * constant.
 */
static __always_inline bool v3c_quick_unmap_bytes(struct v3c_domain *domain, bool allocates,
						  u8 kind, u64 iova, u64 pages)
{
	struct v3c_space *space = &domain->space;
	struct v3c_hwpt *hwpt;
	unsigned long tags;
	u8 *cell;

	v3c_quick_enter();
	hwpt = allocates ? READ_ONCE(domain->sole_allocates) : READ_ONCE(domain->sole_explicit);
	if (unlikely(!hwpt || iova >= space->low_end ||
		     !v3c_cells_byte(space, iova, allocates, &tags, &cell) ||
		     (unsigned long)(cell + pages - 1) >> V3C_LEAF_BITS !=
		     (unsigned long)cell >> V3C_LEAF_BITS || !v3c_bytes_take(cell, pages, kind)))
		goto slow;
	/* V3C_RANGE_LOST: as in v3c_quick_unmap(). */
	if (unlikely(!v3c_hwpt_unmap_bytes(hwpt, iova, pages << V3C_PAGE_SHIFT))) {
		v3c_byte_give(cell, (*cell & ~(V3C_CELL_KIND | V3C_CELL_HELD)) |
				  v3c_cell_of_kind(V3C_RANGE_LOST));
		goto slow;
	}
	trace_v3compat_unmap(domain, iova >> V3C_PAGE_SHIFT, pages, 0);
	if (allocates)
		v3c_space_hint(space, ilog2(pages), iova >> V3C_PAGE_SHIFT);
	/* As in v3c_cells_free(). */
	smp_mb();
	v3c_bytes_free(cell, pages, 0);
	if (allocates && unlikely(~tags & V3C_SLOT_ROOMY))
		v3c_cells_make_room(space, iova >> V3C_PAGE_SHIFT);
	v3c_space_emptied(space);
	v3c_quick_exit();
	return true;
slow:
	v3c_quick_exit();
	return false;
}

/*
 * v3c_quick_claim_slots() and its like are v3c_quick_claim() and its like for a block of @count
 * slots, 1 or 2.
 */
static __always_inline bool v3c_quick_claim_slots(unsigned long *slot, unsigned int count, u8 state,
						  u8 traits)
{
	const unsigned long tail = v3c_slot_of(V3C_CELL_TAIL, 0);
	unsigned long head = v3c_slot_of((state & V3C_CELL_KIND) | V3C_CELL_HEAD | V3C_CELL_HELD,
					 traits);
	unsigned long none = 0;

	if (unlikely(!try_cmpxchg(slot, &none, count == 1 ? head | tail : head)))
		return false;
	if (count == 1)
		return true;
	none = 0;
	if (likely(try_cmpxchg(slot + 1, &none, v3c_slot_of(state | V3C_CELL_TAIL, traits))))
		return true;
	v3c_slot_give(slot, 0);
	return false;
}

static __always_inline void v3c_quick_free_slots(unsigned long *slot, unsigned int count)
{
	if (count == 2)
		v3c_slot_give(&slot[1], 0);
	v3c_slot_give(slot, 0);
}

static __always_inline bool v3c_quick_take_slots(unsigned long *slot, unsigned int count, u8 kind,
						 u8 must)
{
	const u8 live = kind << V3C_CELL_KIND_SHIFT | V3C_CELL_HEAD;
	unsigned long value = READ_ONCE(*slot);

	/* V3C_CELL_TAIL in the second slot ends the range that begins in the first. */
	if (unlikely((value & (v3c_slot_of(U8_MAX ^ V3C_CELL_PROT, 0) | V3C_SLOT_CHILD | must)) !=
		     (v3c_slot_of(count == 1 ? live | V3C_CELL_TAIL : live, 0) | must) ||
		     !try_cmpxchg(slot, &value, value | v3c_slot_of(V3C_CELL_HELD, 0))))
		return false;
	if (count == 1 || likely((READ_ONCE(slot[1]) &
				  v3c_slot_of(V3C_CELL_HEAD | V3C_CELL_TAIL, V3C_SLOT_CHILD)) ==
				 v3c_slot_of(V3C_CELL_TAIL, 0)))
		return true;
	v3c_slot_give(slot, value);
	return false;
}

/**
 * v3c_quick_map_block() - v3c_quick_map_at() or v3c_quick_map() of an aligned block
 * @domain: the domain
 * @allocates: it chooses addresses; a constant
 * @kind: V3C_RANGE_LOGICAL or V3C_RANGE_IDENTITY
 * @prot: IOMMU_READ and IOMMU_WRITE
 * @base: first physical byte
 * @iova: first logical byte; result, if it chooses
 * @level: of the block's slots, 1 or 3; a constant
 * @count: how many slots, 1 or 2; a constant
 *
 * Context: any up to softirq, with spinlocks held.
 * Return: whether it was done.
 */
static __always_inline bool v3c_quick_map_block(struct v3c_domain *domain, bool allocates, u8 kind,
						int prot, u64 base, u64 *iova, unsigned int level,
						unsigned int count)
{
	const u64 pages = (u64)count << V3C_SHIFT(level);
	const u8 traits = V3C_SLOT_RUN | (pages > V3C_QUICK_PAGES ? V3C_SLOT_LARGE : 0);
	const u64 size = pages << V3C_PAGE_SHIFT;
	struct v3c_space *space = &domain->space;
	unsigned long tags, *slot;
	struct v3c_hwpt *hwpt;
	u64 page, first;

	v3c_quick_enter();
	hwpt = allocates ? READ_ONCE(domain->sole_allocates) : READ_ONCE(domain->sole_explicit);
	if (unlikely(!hwpt))
		goto slow;
	page = allocates ? this_cpu_read(space->hints->page[ilog2(pages)]) :
			   *iova >> V3C_PAGE_SHIFT;
	first = page << V3C_PAGE_SHIFT;
	if (unlikely(page & (pages - 1) || (allocates && !page) || first >= space->low_end ||
		     size > space->low_end - first))
		goto slow;
	/* A block of more than V3C_QUICK_PAGES is quick only where it takes few leaves. */
	if (pages > V3C_QUICK_PAGES && unlikely(!v3c_hwpt_has_leaf(hwpt, V3C_QUICK_PAGES)))
		goto slow;
	slot = v3c_cells_slot(space, page, allocates, level, &tags);
	if (unlikely(!slot || !v3c_quick_claim_slots(slot, count, v3c_cell_of_kind(kind) | prot,
						     traits)))
		goto slow;
	if (allocates)
		v3c_space_hint_behind(space, ilog2(pages), page);
	if (unlikely(v3c_hwpt_quick_map(hwpt, first, base, size, prot, 0))) {
		v3c_quick_free_slots(slot, count);
		if (allocates)
			v3c_space_hint(space, ilog2(pages), page);
		goto slow;
	}
	v3c_slot_give(slot, v3c_slot_of(v3c_cell_of_kind(kind) | V3C_CELL_HEAD | prot |
					    (count == 1 ? V3C_CELL_TAIL : 0), traits));
	trace_v3compat_map(domain, page, pages, 0);
	if (allocates)
		*iova = first;
	v3c_quick_exit();
	return true;
slow:
	v3c_quick_exit();
	return false;
}

/*
 * v3c_quick_unmap_block() is v3c_quick_unmap() of what v3c_quick_map_block() maps; @allocates,
 * @level and @count are constants.
 */
static __always_inline bool v3c_quick_unmap_block(struct v3c_domain *domain, bool allocates,
						  u8 kind, u64 iova, unsigned int level,
						  unsigned int count)
{
	const u64 pages = (u64)count << V3C_SHIFT(level);
	struct v3c_space *space = &domain->space;
	u64 page = iova >> V3C_PAGE_SHIFT;
	unsigned long tags, *slot;
	struct v3c_hwpt *hwpt;

	v3c_quick_enter();
	hwpt = allocates ? READ_ONCE(domain->sole_allocates) : READ_ONCE(domain->sole_explicit);
	if (unlikely(!hwpt || page & (pages - 1) || page > V3C_LOW_LAST))
		goto slow;
	/*
	 * V3C_SLOT_LARGE tells of the table that it was mapped in. The table may be another one
	 * now, and takes few steps only if it has such leaves, too.
	 */
	if (pages > V3C_QUICK_PAGES && unlikely(!v3c_hwpt_has_leaf(hwpt, V3C_QUICK_PAGES)))
		goto slow;
	slot = v3c_cells_slot(space, page, allocates, level, &tags);
	if (unlikely(!slot || !v3c_quick_take_slots(slot, count, kind, pages > V3C_QUICK_PAGES ?
						    V3C_SLOT_LARGE : 0)))
		goto slow;
	if (unlikely(!v3c_hwpt_unmap_bytes(hwpt, iova, pages << V3C_PAGE_SHIFT))) {
		v3c_slot_give(slot, (*slot & ~v3c_slot_of(V3C_CELL_KIND | V3C_CELL_HELD, 0)) |
				  v3c_slot_of(v3c_cell_of_kind(V3C_RANGE_LOST), 0));
		goto slow;
	}
	trace_v3compat_unmap(domain, page, pages, 0);
	if (allocates)
		v3c_space_hint(space, ilog2(pages), page);
	v3c_quick_free_slots(slot, count);
	if (allocates && unlikely(~tags & V3C_SLOT_ROOMY))
		v3c_cells_make_room(space, page);
	v3c_space_emptied(space);
	v3c_quick_exit();
	return true;
slow:
	v3c_quick_exit();
	return false;
}

/* V3C_BLOCK_2M and V3C_BLOCK_1G: level and count of the slots of such a block. */
#define V3C_BLOCK_2M	1, 2
#define V3C_BLOCK_1G	3, 1

static_assert(2 << V3C_SHIFT(1) << V3C_PAGE_SHIFT == SZ_2M);
static_assert(1 << V3C_SHIFT(3) << V3C_PAGE_SHIFT == SZ_1G);

/**
 * v3c_quick_map_reserved() - the usual case of v3c_token_map(): one page
 * @token: the token
 * @offset: of the page, in bytes from the start of the token
 * @prot: IOMMU_READ and IOMMU_WRITE
 * @base: first physical byte
 *
 * Context: any up to softirq, with spinlocks held.
 * Return: whether it was done.
 */
static __always_inline bool v3c_quick_map_reserved(struct v3c_token *token, u64 offset, int prot,
						   u64 base)
{
	struct v3c_segments *segments;
	struct v3c_hwpt *hwpt;
	u8 *cell;

	v3c_quick_enter();
	segments = READ_ONCE(token->quick);
	if (unlikely(!segments || offset >= segments->size))
		goto slow;
	/*
	 * &v3c_domain.sole is read before the page is touched, because a page table under
	 * construction is filled from what the page says.
	 */
	hwpt = READ_ONCE(segments->domain->sole);
	if (unlikely(!hwpt))
		goto slow;
	cell = v3c_segment_cell(segments, offset);
	if (unlikely(!v3c_quick_claim(cell, V3C_CELL_UNUSED, V3C_RANGE_TOKEN)))
		goto slow;
	/* The page keeps the token, unless it was given up just before: @quick tells. */
	if (unlikely(READ_ONCE(token->quick) != segments)) {
		v3c_quick_free(cell, V3C_CELL_UNUSED);
		goto slow;
	}
	offset += segments->base;
	if (unlikely(!v3c_quick_map_page(hwpt, cell, V3C_CELL_UNUSED, V3C_RANGE_TOKEN, offset,
					 prot, base)))
		goto slow;
	trace_v3compat_map_reserved(token->domain, offset >> V3C_PAGE_SHIFT, 1, 0);
	v3c_quick_exit();
	return true;
slow:
	v3c_quick_exit();
	return false;
}

/**
 * v3c_quick_unmap_reserved() - the usual case of v3c_token_unmap(): one page
 * @token: the token
 * @offset: of the page, in bytes from the start of the token
 *
 * Context: any up to softirq, with spinlocks held.
 * Return: whether it was done.
 */
static __always_inline bool v3c_quick_unmap_reserved(struct v3c_token *token, u64 offset)
{
	struct v3c_segments *segments;
	struct v3c_hwpt *hwpt;
	u8 *cell;

	v3c_quick_enter();
	segments = READ_ONCE(token->quick);
	if (unlikely(!segments || offset >= segments->size))
		goto slow;
	/* As in v3c_quick_map_reserved(). */
	hwpt = READ_ONCE(segments->domain->sole);
	if (unlikely(!hwpt))
		goto slow;
	cell = v3c_segment_cell(segments, offset);
	if (unlikely(!v3c_quick_take(cell, V3C_RANGE_TOKEN)))
		goto slow;
	/* The page keeps the token as long as it is not unused. */
	offset += segments->base;
	if (unlikely(!v3c_hwpt_quick_unmap_page(hwpt, offset))) {
		v3c_quick_lose(cell);
		goto slow;
	}
	trace_v3compat_unmap_reserved(token->domain, offset >> V3C_PAGE_SHIFT, 1, 0);
	v3c_quick_free(cell, V3C_CELL_UNUSED);
	v3c_quick_exit();
	return true;
slow:
	v3c_quick_exit();
	return false;
}

#endif
