/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The quick path: the usual map and unmap, without a lock.
 *
 * The domain has one page table (&v3c_domain.sole). A map takes a free block that is at hand, an
 * unmap takes a range that is found at once, and a page of a reservation is taken by its state.
 * Everything here is inline, runs inside v3c_quick_enter() and returns false at the first thing
 * that is not as usual. The call then starts again on the general path, which can deal with all of
 * it and say what was wrong. Nothing is changed by then, except that pages which the IOMMU driver
 * kept are marked as lost.
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

/*
 * v3c_is_large(): the run is larger than V3C_QUICK_SIZE, but takes few leaves all the same where
 * there are leaves of 2 MiB, because the block for it is aligned as well.
 */
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
	/*
	 * range->large: it was mapped in large leaves. The table may be another one now, and takes
	 * few steps only if it has such leaves, too.
	 */
	if (unlikely(pages > V3C_QUICK_PAGES &&
		     !(range->large && v3c_hwpt_has_leaf(hwpt, V3C_QUICK_PAGES)))) {
		v3c_range_give(range, V3C_RANGE_LIVE);
		goto slow;
	}
	/* V3C_RANGE_LOST: the slow way finds it, and says V3C_REASON_SHORT_UNMAP. */
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
	/*
	 * &v3c_domain.sole is read before the page is touched, because a page table under
	 * construction is filled from what the page says.
	 */
	hwpt = READ_ONCE(segments->domain->sole);
	if (unlikely(!hwpt))
		goto slow;
	state = segments->state + (offset >> V3C_PAGE_SHIFT);
	if (unlikely(!try_cmpxchg(state, &unused, V3C_SEGMENT_BUSY | prot)))
		goto slow;
	/* V3C_SEGMENT_BUSY keeps the token, unless it was given up just before: @quick tells. */
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
	/* V3C_SEGMENT_BUSY keeps the token, as the mapped page has until now. */
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
