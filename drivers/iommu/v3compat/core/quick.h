/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The steady state: one page table, a block at hand, a mapping remembered, a page of a reservation.
 *
 * Everything here is inline, takes no lock, runs inside v3c_quick_enter() and answers false at the first
 * thing that is not as usual: then the call starts again on the way that can deal with all of it, and
 * that can say what was wrong. Nothing is changed by then.
 */
#ifndef V3COMPAT_QUICK_H
#define V3COMPAT_QUICK_H

#include <linux/atomic.h>

#include "base/context.h"
#include "base/phys.h"
#include "base/trace.h"
#include "core/domain.h"
#include "core/reserve.h"
#include "table/hwpt.h"
#include "table/space.h"

/* Few leaves all the same, where there are leaves of 2 MiB: a block of this size is aligned as well. */
static __always_inline bool v3c_is_large(u64 base, u64 size)
{
	return size > V3C_QUICK_SIZE && size <= V3C_QUICK_PAGES * V3C_QUICK_SIZE &&
	       !((base | size) & (V3C_QUICK_SIZE - 1));
}

/**
 * v3c_quick_map() - the usual case of v3c_map()
 * @domain: the domain
 * @prot: IOMMU_READ and IOMMU_WRITE
 * @base: first physical byte
 * @size: in bytes, at most V3C_QUICK_SIZE, or as large leaves have it, see v3c_is_large()
 * @address: result, first logical address; untouched on failure
 *
 * Context: any up to softirq, with spinlocks held.
 * Return: whether it was done.
 */
static __always_inline bool v3c_quick_map(struct v3c_domain *domain, int prot, u64 base, u64 size,
					  u64 *address)
{
	u64 pages = size >> V3C_PAGE_SHIFT;
	bool large = size > V3C_QUICK_SIZE;
	struct v3c_range *range;
	struct v3c_hwpt *hwpt;
	u64 iova;

	v3c_quick_enter();
	hwpt = READ_ONCE(domain->sole);
	if (unlikely(!hwpt))
		goto slow;
	if (unlikely(large && !(hwpt->core->pgsize_bitmap & V3C_QUICK_SIZE)))
		goto slow;
	range = v3c_space_quick_alloc(&domain->space, pages, prot, large);
	if (unlikely(!range))
		goto slow;
	iova = range->first << V3C_PAGE_SHIFT;
	if (unlikely(v3c_hwpt_quick_map(hwpt, iova, base, size, prot))) {
		v3c_space_quick_put(&domain->space, range);
		goto slow;
	}
	trace_v3compat_map(domain, iova >> V3C_PAGE_SHIFT, pages, 0);
	*address = iova;
	v3c_range_give(range, V3C_RANGE_LIVE);
	v3c_quick_exit();
	return true;
slow:
	v3c_quick_exit();
	return false;
}

/**
 * v3c_quick_unmap() - the usual case of v3c_unmap()
 * @domain: the domain
 * @page: first logical page
 * @pages: how many; nonsense is not found mapped
 *
 * Context: any up to softirq, with spinlocks held.
 * Return: whether it was done.
 */
static __always_inline bool v3c_quick_unmap(struct v3c_domain *domain, u64 page, u64 pages)
{
	struct v3c_range *range;
	struct v3c_hwpt *hwpt;

	v3c_quick_enter();
	hwpt = READ_ONCE(domain->sole);
	if (unlikely(!hwpt))
		goto slow;
	range = v3c_space_quick_hold(&domain->space, page, page + pages - 1);
	if (unlikely(!range))
		goto slow;
	/* It was mapped in large leaves where it is mapped now only if this table has them, too. */
	if (unlikely(pages > V3C_QUICK_PAGES &&
		     !(range->large && v3c_hwpt_has_leaf(hwpt, V3C_QUICK_PAGES)))) {
		v3c_range_give(range, V3C_RANGE_LIVE);
		goto slow;
	}
	/* The slow way tells that it is lost. */
	if (unlikely(!v3c_hwpt_unmap(hwpt, page, pages))) {
		v3c_range_give(range, V3C_RANGE_LOST);
		goto slow;
	}
	v3c_space_quick_put(&domain->space, range);
	trace_v3compat_unmap(domain, page, pages, 0);
	v3c_quick_exit();
	return true;
slow:
	v3c_quick_exit();
	return false;
}

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
	u8 unused = 0, *state;

	v3c_quick_enter();
	segments = READ_ONCE(token->quick);
	if (unlikely(!segments || offset >= segments->size))
		goto slow;
	/* Before the page is touched: a page table under construction is filled from what it says. */
	hwpt = READ_ONCE(segments->domain->sole);
	if (unlikely(!hwpt))
		goto slow;
	state = segments->state + (offset >> V3C_PAGE_SHIFT);
	if (unlikely(!try_cmpxchg(state, &unused, V3C_SEGMENT_BUSY | prot)))
		goto slow;
	/* A busy page keeps the token, if the token was not given up just before. */
	if (unlikely(READ_ONCE(token->quick) != segments))
		goto give_page;
	offset += segments->base;
	if (unlikely(v3c_hwpt_quick_map(hwpt, offset, base, V3C_PAGE_SIZE, prot)))
		goto give_page;
	trace_v3compat_map_reserved(token->domain, offset >> V3C_PAGE_SHIFT, 1, 0);
	v3c_segment_give(state, V3C_SEGMENT_WHOLE | prot);
	v3c_quick_exit();
	return true;
give_page:
	v3c_segment_give(state, 0);
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
	u8 was, *state;

	v3c_quick_enter();
	segments = READ_ONCE(token->quick);
	if (unlikely(!segments || offset >= segments->size))
		goto slow;
	/* As in v3c_quick_map_reserved(). */
	hwpt = READ_ONCE(segments->domain->sole);
	if (unlikely(!hwpt))
		goto slow;
	state = segments->state + (offset >> V3C_PAGE_SHIFT);
	was = READ_ONCE(*state);
	if (unlikely((was & V3C_SEGMENT_WHOLE) != V3C_SEGMENT_WHOLE ||
		     !try_cmpxchg(state, &was, V3C_SEGMENT_BUSY)))
		goto slow;
	/* A busy page keeps the token. */
	offset += segments->base;
	if (unlikely(!v3c_hwpt_unmap_bytes(hwpt, offset, V3C_PAGE_SIZE))) {
		v3c_segment_give(state, V3C_SEGMENT_LOST);
		goto slow;
	}
	trace_v3compat_unmap_reserved(token->domain, offset >> V3C_PAGE_SHIFT, 1, 0);
	v3c_segment_give(state, 0);
	v3c_quick_exit();
	return true;
slow:
	v3c_quick_exit();
	return false;
}

#endif
