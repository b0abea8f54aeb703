// SPDX-License-Identifier: GPL-2.0
/*
 * Quick operations on runs of any length, or with a payload, see quick.h.
 */
#include <linux/log2.h>

#include "core/quick.h"
#include "table/pins.h"

/* block_of() is how many pages the block of a range takes. */
static __always_inline u64 block_of(const struct v3c_space *space, u64 pages)
{
	return space->allocates ? roundup_pow_of_two(pages) : pages;
}

/* hinted_page() is where a block is likely to be free, or V3C_ANYWHERE. */
static __always_inline u64 hinted_page(struct v3c_space *space, u64 block)
{
	u8 order = ilog2(block);
	u64 page;

	if (order >= V3C_HINT_ORDERS)
		return V3C_ANYWHERE;
	page = this_cpu_read(space->hints->page[order]) & ~V3C_HINT_OWED;
	return page ? page : V3C_ANYWHERE;
}

/*
 * claim_part() claims the start of the block that @row is, and then the rest, which others see as a
 * pad.
 */
static bool claim_part(const struct v3c_row *row, u8 state, u64 pages, u8 traits)
{
	struct v3c_row part = *row;

	if (pages & ((1ULL << V3C_SHIFT(row->level)) - 1))
		return false;
	part.count = pages >> V3C_SHIFT(row->level);
	if (!v3c_row_claim(&part, 0, state, traits))
		return false;
	if (v3c_row_pad(row, part.count))
		return true;
	v3c_row_free(&part, 0);
	return false;
}

/*
 * free_row() frees @row, and the rest of its block, which may have other cells. Searches are told,
 * if there are any; of a block without other cells only with @tell.
 */
static __always_inline void free_row(struct v3c_space *space, const struct v3c_row *row, u64 page,
				     u64 pages, u64 block, bool tell)
{
	if (likely(block == pages)) {
		v3c_row_free(row, 0);
		if (space->allocates && tell)
			v3c_cells_make_room(space, page);
		v3c_cells_emptied(space);
	} else {
		v3c_cells_free(space, page, page + block - 1, 0);
	}
}

/* map_range(): @pin is NULL as a constant, or the payload that the range is to keep. */
static __always_inline u64 map_range(struct v3c_domain *domain, u8 state, u64 base, u64 size,
				     u64 page, const struct v3c_pin *pin)
{
	const u8 traits = V3C_SLOT_RUN | (size > V3C_QUICK_SIZE ? V3C_SLOT_LARGE : 0);
	u64 pages = size >> V3C_PAGE_SHIFT, block, end;
	struct v3c_space *space = &domain->space;
	struct v3c_hwpt *hwpt;
	struct v3c_row row;

	v3c_quick_enter();
	hwpt = READ_ONCE(domain->sole);
	if (unlikely(!hwpt || space->allocates != (page == V3C_ANYWHERE) ||
		     (pin && !space->account)))
		goto slow;
	block = block_of(space, pages);
	if (space->allocates)
		page = hinted_page(space, block);
	end = page + block;
	if (unlikely(end <= page || end - 1 > READ_ONCE(space->last) ||
		     !v3c_row_find(space, page, block, &row)))
		goto slow;
	/*
	 * A run of small leaves is in one last-level table, because nothing looks here at what an
	 * IOMMU driver has undone in one when it could not map in another. A large run is quick
	 * only where it takes few leaves.
	 */
	if (size >= V3C_QUICK_SIZE && page & (V3C_QUICK_PAGES - 1))
		goto slow;
	if (size > V3C_QUICK_SIZE && !v3c_hwpt_has_leaf(hwpt, V3C_QUICK_PAGES))
		goto slow;
	if (unlikely(block == pages ? !v3c_row_claim(&row, 0, state, traits) :
				      !claim_part(&row, state, pages, traits)))
		goto slow;
	if (space->allocates)
		v3c_space_hint_behind(space->hints, ilog2(block), page);
	if (pin && v3c_pins_set(space, page, *pin, pages,
				GFP_NOWAIT | __GFP_NOWARN | __GFP_ACCOUNT))
		goto free;
	if (unlikely(v3c_hwpt_quick_map(hwpt, page << V3C_PAGE_SHIFT, base, size,
					state & V3C_CELL_PROT, pin ? __GFP_ACCOUNT : 0))) {
		if (pin)
			v3c_pins_forget(space, page);
		goto free;
	}
	trace_v3compat_map(domain, page, pages, 0);
	v3c_row_give(&row, V3C_CELL_HELD, state & V3C_CELL_PROT);
	v3c_quick_exit();
	return page;
free:
	free_row(space, &row, page, block, block, true);
	if (space->allocates)
		v3c_space_hint(space->hints, ilog2(block), page);
slow:
	v3c_quick_exit();
	return V3C_ANYWHERE;
}

/**
 * v3c_quick_map_range() - v3c_quick_map() of one run of any length
 * @domain: the domain
 * @state: kind and permissions
 * @base: first physical byte
 * @size: in bytes, at most V3C_QUICK_SIZE, or as large leaves have it, see v3c_is_large()
 * @page: first logical page, or V3C_ANYWHERE
 *
 * Context: any up to softirq, with spinlocks held.
 * Return: the first logical page; or V3C_ANYWHERE if it was not done.
 */
u64 v3c_quick_map_range(struct v3c_domain *domain, u8 state, u64 base, u64 size, u64 page)
{
	return map_range(domain, state, base, size, page, NULL);
}

/*
 * v3c_quick_map_pinned() is v3c_quick_map_range() of a range that keeps @pin, in a space with an
 * account.
 */
u64 v3c_quick_map_pinned(struct v3c_domain *domain, u8 state, u64 base, u64 size, u64 page,
			 const struct v3c_pin *pin)
{
	if (size == V3C_PAGE_SIZE)
		return map_range(domain, state, base, V3C_PAGE_SIZE, page, pin);
	return map_range(domain, state, base, size, page, pin);
}

/* is_quick() tells whether a range with @traits takes few steps to unmap. */
static __always_inline bool is_quick(u8 traits, u64 pages, struct v3c_hwpt *hwpt)
{
	/*
	 * V3C_SLOT_LARGE tells of the table that it was mapped in. The table may be another one
	 * now, and takes few steps only if it has such leaves, too.
	 */
	return pages <= V3C_QUICK_PAGES ||
	       (traits & V3C_SLOT_LARGE && v3c_hwpt_has_leaf(hwpt, V3C_QUICK_PAGES));
}

/* unmap_range(): @pinned is NULL as a constant, or gets the payload that the range keeps. */
static __always_inline bool unmap_range(struct v3c_domain *domain, u8 kind, u64 page, u64 pages,
					struct v3c_pinned *pinned)
{
	struct v3c_space *space = &domain->space;
	struct v3c_hwpt *hwpt;
	struct v3c_row row;
	struct v3c_pins_at at;
	bool hinted;
	u64 block;
	u8 traits;

	v3c_quick_enter();
	hwpt = READ_ONCE(domain->sole);
	if (unlikely(!hwpt || !pages || !v3c_row_find(space, page, pages, &row) ||
		     !v3c_row_take(&row, kind, 0, &traits)))
		goto slow;
	if (unlikely(!is_quick(traits, pages, hwpt) ||
		     v3c_pins_find(space, page, &at) != !!pinned)) {
		v3c_row_give(&row, V3C_CELL_HELD, 0);
		goto slow;
	}
	if (unlikely(!v3c_quick_unmap_row(hwpt, &row, page << V3C_PAGE_SHIFT)))
		goto slow;
	trace_v3compat_unmap(domain, page, pages, 0);
	if (pinned)
		v3c_pins_lift(&at, pinned);
	block = block_of(space, pages);
	hinted = space->allocates && ilog2(block) < V3C_HINT_ORDERS;
	if (hinted)
		v3c_space_owe(space, ilog2(block), page);
	free_row(space, &row, page, pages, block, !hinted);
	v3c_quick_exit();
	return true;
slow:
	v3c_quick_exit();
	return false;
}

/**
 * v3c_quick_unmap_range() - v3c_quick_unmap() of a range of any length
 * @domain: the domain
 * @kind: V3C_RANGE_LOGICAL or V3C_RANGE_IDENTITY
 * @page: first logical page
 * @pages: how many; nonsense is not found mapped
 *
 * Context: any up to softirq, with spinlocks held.
 * Return: whether it was done.
 */
bool v3c_quick_unmap_range(struct v3c_domain *domain, u8 kind, u64 page, u64 pages)
{
	return unmap_range(domain, kind, page, pages, NULL);
}

/* v3c_quick_unmap_pinned() is v3c_quick_unmap_range() of a range with a payload, which it gets. */
bool v3c_quick_unmap_pinned(struct v3c_domain *domain, u8 kind, u64 page, u64 pages,
			    struct v3c_pinned *pinned)
{
	if (pages == 1)
		return unmap_range(domain, kind, page, 1, pinned);
	return unmap_range(domain, kind, page, pages, pinned);
}

/* v3c_quick_map_segment() is v3c_quick_map_reserved() of @size bytes. */
bool v3c_quick_map_segment(struct v3c_token *token, u64 offset, int prot, u64 base, u64 size)
{
	return v3c_quick_map_reserved(token, offset, prot, base, size >> V3C_PAGE_SHIFT);
}

/*
 * v3c_quick_unmap_segment() is v3c_quick_unmap_reserved() of the segment of @size bytes at @offset.
 */
bool v3c_quick_unmap_segment(struct v3c_token *token, u64 offset, u64 size)
{
	u64 pages = size >> V3C_PAGE_SHIFT;

	return pages && v3c_quick_unmap_reserved(token, offset, pages);
}
