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
 * In the steady state the cells are the only memory that a quick operation writes and that others
 * write, too, but for &v3c_space.recent_pins and the nodes of pins where ranges have payloads. Two
 * processors do not share a cache line of cells that work on pages which are 64 apart, or on blocks
 * which are 8 slots apart.
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
			    struct v3c_pinned *pinned);

bool v3c_quick_map_segment(struct v3c_token *token, u64 offset, int prot, u64 base, u64 size);
bool v3c_quick_unmap_segment(struct v3c_token *token, u64 offset, u64 size);

/*
 * v3c_trace_quick_map() and v3c_trace_quick_unmap() hide from the compiler that the page is known
 * already, because it would keep it in a register for them that others pay for.
 */
static __always_inline void v3c_trace_quick_map(struct v3c_domain *domain, u8 kind, u64 iova,
						u64 pages)
{
	if (kind == V3C_RANGE_IDENTITY ? !trace_v3compat_map_identity_enabled() :
					 !trace_v3compat_map_enabled())
		return;
	OPTIMIZER_HIDE_VAR(iova);
	if (kind == V3C_RANGE_IDENTITY)
		trace_v3compat_map_identity(domain, iova >> V3C_PAGE_SHIFT, pages, 0);
	else
		trace_v3compat_map(domain, iova >> V3C_PAGE_SHIFT, pages, 0);
}

static __always_inline void v3c_trace_quick_unmap(struct v3c_domain *domain, u8 kind, u64 iova,
						  u64 pages)
{
	if (kind == V3C_RANGE_IDENTITY ? !trace_v3compat_unmap_identity_enabled() :
					 !trace_v3compat_unmap_enabled())
		return;
	OPTIMIZER_HIDE_VAR(iova);
	if (kind == V3C_RANGE_IDENTITY)
		trace_v3compat_unmap_identity(domain, iova >> V3C_PAGE_SHIFT, pages, 0);
	else
		trace_v3compat_unmap(domain, iova >> V3C_PAGE_SHIFT, pages, 0);
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

/* v3c_is_block(): @pages are more than one, as a constant; only where aligned to as many. */
static __always_inline bool v3c_is_block(u64 pages)
{
	return __builtin_constant_p(pages) && pages > 1;
}

/* v3c_quick_hwpt() is the page table of a domain that has only one, or NULL. */
static __always_inline struct v3c_hwpt *v3c_quick_hwpt(const struct v3c_domain *domain,
						       bool allocates)
{
	return allocates ? READ_ONCE(domain->sole_allocates) : READ_ONCE(domain->sole_explicit);
}

/*
 * v3c_quick_find() finds the cells of pages at @iova, which is in reach. @level and @allocates are
 * constants. False if they are not neighbours in one node at @level.
 */
static __always_inline bool v3c_quick_find(const struct v3c_space *space, bool allocates, u64 iova,
					   u64 pages, unsigned int level, unsigned long *tags,
					   struct v3c_row *row)
{
	unsigned long *slot;
	u8 *byte;

	row->level = level;
	row->count = pages >> V3C_SHIFT(level);
	if (level) {
		slot = v3c_cells_slot(space, iova >> V3C_PAGE_SHIFT, allocates, level, tags);
		row->at = slot;
		return slot;
	}
	if (!v3c_cells_byte(space, iova, allocates, tags, &byte))
		return false;
	row->at = byte;
	return v3c_is_one(pages) || v3c_is_block(pages) ||
	       (unsigned long)(byte + pages - 1) >> V3C_LEAF_BITS ==
	       (unsigned long)byte >> V3C_LEAF_BITS;
}

/* v3c_quick_map_row() maps what v3c_row_claim() took, or gives it up. */
static __always_inline bool v3c_quick_map_row(struct v3c_hwpt *hwpt, const struct v3c_row *row,
					      u8 from, u8 state, u8 traits, u64 iova, u64 base)
{
	const u64 pages = (u64)row->count << V3C_SHIFT(row->level);
	int ret, prot = state & V3C_CELL_PROT;

	ret = v3c_is_one(pages) ? v3c_hwpt_quick_map_page(hwpt, iova, base, prot) :
				  v3c_hwpt_quick_map(hwpt, iova, base, pages << V3C_PAGE_SHIFT,
						     prot, 0);
	if (unlikely(ret)) {
		v3c_row_free(row, from);
		return false;
	}
	v3c_row_start(row, state, traits);
	return true;
}

/*
 * v3c_quick_unmap_row() unmaps what v3c_row_take() took. It is the caller's still if the IOMMU
 * driver has unmapped it, and V3C_RANGE_LOST if not: the slow way finds it, and says
 * V3C_REASON_SHORT_UNMAP.
 */
static __always_inline bool v3c_quick_unmap_row(struct v3c_hwpt *hwpt, const struct v3c_row *row,
						u64 iova)
{
	const u64 pages = (u64)row->count << V3C_SHIFT(row->level);

	if (likely(v3c_is_one(pages) ? v3c_hwpt_quick_unmap_page(hwpt, iova) :
				       v3c_hwpt_unmap_bytes(hwpt, iova, pages << V3C_PAGE_SHIFT)))
		return true;
	v3c_row_give(row, V3C_CELL_KIND | V3C_CELL_HELD, v3c_cell_of_kind(V3C_RANGE_LOST));
	return false;
}

/**
 * v3c_quick_map_within() - the usual case of v3c_map()
 * @domain: the domain
 * @allocates: it chooses addresses; a constant
 * @kind: V3C_RANGE_LOGICAL or V3C_RANGE_IDENTITY
 * @prot: IOMMU_READ and IOMMU_WRITE
 * @base: first physical byte
 * @pages: how many; a power of two if the domain chooses or if it is a constant, which it is but at
 *	level 0
 * @level: of their cells, 0, 1 or 3; a constant
 * @lo: lowest byte allowed, if the domain chooses
 * @hi: highest byte allowed, if the domain chooses
 * @iova: first logical byte; result, if the domain chooses; untouched on failure
 *
 * Context: any up to softirq, with spinlocks held.
 * Return: whether it was done.
 */
static __always_inline bool v3c_quick_map_within(struct v3c_domain *domain, bool allocates,
						 u8 kind, int prot, u64 base, u64 pages,
						 unsigned int level, u64 lo, u64 hi, u64 *iova)
{
	const u8 traits = V3C_SLOT_RUN | (level && pages > V3C_QUICK_PAGES ? V3C_SLOT_LARGE : 0);
	const u64 size = pages << V3C_PAGE_SHIFT;
	struct v3c_space *space = &domain->space;
	struct v3c_hints __percpu *hints = NULL;
	struct v3c_hwpt *hwpt;
	struct v3c_row row;
	unsigned long tags;
	u64 first, page = 0;

	v3c_quick_enter();
	hwpt = v3c_quick_hwpt(domain, allocates);
	if (unlikely(!hwpt))
		goto slow;
	if (allocates) {
		hints = space->hints;
		page = this_cpu_read(hints->page[ilog2(pages)]) & ~V3C_HINT_OWED;
	}
	first = allocates ? page << V3C_PAGE_SHIFT : *iova;
	if (v3c_is_block(pages) && unlikely(first & (size - 1)))
		goto slow;
	/* A hint of 0 is none. The last byte of a block does not wrap, because it is aligned. */
	if (allocates && unlikely(!first || first < lo || first + size - 1 > hi))
		goto slow;
	if (unlikely((v3c_is_block(pages) ? first + size - 1 : first) >= space->low_end))
		goto slow;
	if (!v3c_is_one(pages) && !v3c_is_block(pages) && unlikely(size > space->low_end - first))
		goto slow;
	/* A block of more than V3C_QUICK_PAGES is quick only where it takes few leaves. */
	if (level && pages > V3C_QUICK_PAGES &&
	    unlikely(!v3c_hwpt_has_leaf(hwpt, V3C_QUICK_PAGES)))
		goto slow;
	if (unlikely(!v3c_quick_find(space, allocates, first, pages, level, &tags, &row) ||
		     !v3c_row_claim(&row, 0, v3c_cell_of_kind(kind) | prot, traits)))
		goto slow;
	if (allocates)
		v3c_space_hint_behind(hints, ilog2(pages), page);
	if (unlikely(!v3c_quick_map_row(hwpt, &row, 0, v3c_cell_of_kind(kind) | prot, traits, first,
					base))) {
		if (allocates) {
			v3c_space_hint(space->hints, ilog2(pages), page);
			v3c_cells_make_room(space, page);
		}
		v3c_cells_emptied(space);
		goto slow;
	}
	v3c_trace_quick_map(domain, kind, first, pages);
	if (allocates)
		*iova = first;
	v3c_quick_exit();
	return true;
slow:
	v3c_quick_exit();
	return false;
}

/* v3c_quick_map() is v3c_quick_map_within() without bounds. */
static __always_inline bool v3c_quick_map(struct v3c_domain *domain, bool allocates, u8 kind,
					  int prot, u64 base, u64 pages, unsigned int level,
					  u64 *iova)
{
	return v3c_quick_map_within(domain, allocates, kind, prot, base, pages, level, 0, U64_MAX,
				    iova);
}

/**
 * v3c_quick_unmap() - the usual case of v3c_unmap()
 * @domain: the domain
 * @allocates: it chooses addresses; a constant
 * @kind: V3C_RANGE_LOGICAL or V3C_RANGE_IDENTITY
 * @iova: first logical byte
 * @pages: as in v3c_quick_map()
 * @level: as in v3c_quick_map()
 *
 * Context: any up to softirq, with spinlocks held.
 * Return: whether it was done.
 */
static __always_inline bool v3c_quick_unmap(struct v3c_domain *domain, bool allocates, u8 kind,
					    u64 iova, u64 pages, unsigned int level)
{
	const u8 must = level && pages > V3C_QUICK_PAGES ? V3C_SLOT_LARGE : 0;
	struct v3c_space *space = &domain->space;
	struct v3c_hwpt *hwpt;
	struct v3c_row row;
	unsigned long tags;
	u8 traits;

	v3c_quick_enter();
	hwpt = v3c_quick_hwpt(domain, allocates);
	if (unlikely(!hwpt || iova >= space->low_end))
		goto slow;
	if (v3c_is_block(pages) && unlikely(iova & ((pages << V3C_PAGE_SHIFT) - 1)))
		goto slow;
	/*
	 * V3C_SLOT_LARGE tells of the table that it was mapped in. The table may be another one
	 * now, and takes few steps only if it has such leaves, too.
	 */
	if (must && unlikely(!v3c_hwpt_has_leaf(hwpt, V3C_QUICK_PAGES)))
		goto slow;
	if (unlikely(!v3c_quick_find(space, allocates, iova, pages, level, &tags, &row) ||
		     !v3c_row_take(&row, kind, must, &traits) ||
		     !v3c_quick_unmap_row(hwpt, &row, iova)))
		goto slow;
	v3c_trace_quick_unmap(domain, kind, iova, pages);
	/* As in v3c_trace_quick_unmap(): @iova is kept over the unmap anyway. */
	if (allocates)
		OPTIMIZER_HIDE_VAR(iova);
	if (allocates && unlikely(~tags & V3C_SLOT_ROOMY))
		v3c_space_owe(space, ilog2(pages), iova >> V3C_PAGE_SHIFT);
	else if (allocates)
		v3c_space_hint(space->hints, ilog2(pages), iova >> V3C_PAGE_SHIFT);
	v3c_row_free(&row, 0);
	/* The node may be empty, unless the word of the only cell is not. */
	if (!space->trimming &&
	    (!v3c_is_one(pages) || unlikely(!*(u64 *)((unsigned long)row.at & ~7ul))))
		v3c_cells_queue_trim(space);
	v3c_quick_exit();
	return true;
slow:
	v3c_quick_exit();
	return false;
}

/* V3C_QUICK_PAGE and its like: how many pages a block has, and the level of its cells. */
#define V3C_QUICK_PAGE	1, 0
#define V3C_QUICK_64K	SZ_64K >> V3C_PAGE_SHIFT, 0
#define V3C_QUICK_2M	SZ_2M >> V3C_PAGE_SHIFT, 1
#define V3C_QUICK_1G	SZ_1G >> V3C_PAGE_SHIFT, 3

/*
 * v3c_quick_segment() finds the cells of a segment that lies in one leaf. False if it is not in the
 * token, or in more leaves.
 */
static __always_inline bool v3c_quick_segment(const struct v3c_segments *segments, u64 offset,
					      u64 pages, struct v3c_row *row)
{
	const u64 leaf = V3C_LEAF_CELLS << V3C_PAGE_SHIFT, size = pages << V3C_PAGE_SHIFT;

	if (unlikely(offset >= segments->size))
		return false;
	if (!v3c_is_one(pages) && (size > segments->size - offset ||
				   ((segments->lead + offset) & (leaf - 1)) + size > leaf))
		return false;
	row->at = v3c_segment_cell(segments, offset);
	row->count = pages;
	row->level = 0;
	return true;
}

/**
 * v3c_quick_map_reserved() - the usual case of v3c_token_map()
 * @token: the token
 * @offset: of the first page, in bytes from the start of the token
 * @prot: IOMMU_READ and IOMMU_WRITE
 * @base: first physical byte
 * @pages: how many
 *
 * Context: any up to softirq, with spinlocks held.
 * Return: whether it was done.
 */
static __always_inline bool v3c_quick_map_reserved(struct v3c_token *token, u64 offset, int prot,
						   u64 base, u64 pages)
{
	const u8 state = v3c_cell_of_kind(V3C_RANGE_TOKEN) | prot;
	struct v3c_segments *segments;
	struct v3c_hwpt *hwpt;
	struct v3c_row row;

	/* A leaf of cells is no more than a span, which no driver unmaps in one only. */
	static_assert(V3C_LEAF_CELLS <= V3C_SPAN_PAGES);
	v3c_quick_enter();
	segments = READ_ONCE(token->quick);
	if (unlikely(!segments))
		goto slow;
	/*
	 * &v3c_domain.sole is read before the cells are touched, because a page table under
	 * construction is filled from what they say.
	 */
	hwpt = READ_ONCE(segments->domain->sole);
	if (unlikely(!hwpt || (!v3c_is_one(pages) && hwpt->rules.allocates)))
		goto slow;
	if (unlikely(!v3c_quick_segment(segments, offset, pages, &row) ||
		     !v3c_row_claim(&row, V3C_CELL_UNUSED, state, V3C_SLOT_RUN)))
		goto slow;
	/* The cells keep the token, unless it was given up just before: @quick tells. */
	if (unlikely(READ_ONCE(token->quick) != segments)) {
		v3c_row_free(&row, V3C_CELL_UNUSED);
		goto slow;
	}
	offset += segments->base;
	if (unlikely(!v3c_quick_map_row(hwpt, &row, V3C_CELL_UNUSED, state, 0, offset, base)))
		goto slow;
	trace_v3compat_map_reserved(token->domain, offset >> V3C_PAGE_SHIFT, pages, 0);
	v3c_quick_exit();
	return true;
slow:
	v3c_quick_exit();
	return false;
}

/**
 * v3c_quick_unmap_reserved() - the usual case of v3c_token_unmap()
 * @token: the token
 * @offset: of the first page, in bytes from the start of the token
 * @pages: how many, not 0
 *
 * Context: any up to softirq, with spinlocks held.
 * Return: whether it was done.
 */
static __always_inline bool v3c_quick_unmap_reserved(struct v3c_token *token, u64 offset, u64 pages)
{
	struct v3c_segments *segments;
	struct v3c_hwpt *hwpt;
	struct v3c_row row;
	u8 traits;

	v3c_quick_enter();
	segments = READ_ONCE(token->quick);
	if (unlikely(!segments))
		goto slow;
	/* As in v3c_quick_map_reserved(). */
	hwpt = READ_ONCE(segments->domain->sole);
	if (unlikely(!hwpt || !v3c_quick_segment(segments, offset, pages, &row) ||
		     !v3c_row_take(&row, V3C_RANGE_TOKEN, 0, &traits)))
		goto slow;
	/*
	 * The cells keep the token as long as they are not unused. They are not another one's by
	 * now, because create_token() waits for a grace period before it gives them to one.
	 */
	offset += segments->base;
	if (unlikely(!v3c_quick_unmap_row(hwpt, &row, offset)))
		goto slow;
	trace_v3compat_unmap_reserved(token->domain, offset >> V3C_PAGE_SHIFT, pages, 0);
	v3c_row_free(&row, V3C_CELL_UNUSED);
	v3c_quick_exit();
	return true;
slow:
	v3c_quick_exit();
	return false;
}

#endif
