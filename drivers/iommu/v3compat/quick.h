/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The steady state: one page table, a block at hand, a mapping remembered, a page of a reservation.
 *
 * Everything here is inline, takes no lock, runs with preemption disabled and answers false at the
 * first thing that is not as usual: then the call starts again on the way that can deal with all of
 * it, and that can say what was wrong. Nothing is changed by then.
 */
#ifndef V3COMPAT_QUICK_H
#define V3COMPAT_QUICK_H

#include <linux/atomic.h>
#include <linux/preempt.h>

#include "domain.h"
#include "hwpt.h"
#include "mdl.h"
#include "phys.h"
#include "reserve.h"
#include "space.h"
#include "trace.h"

/**
 * v3c_quick_phys() - a description of one contiguous run of few pages, read at once
 * @desc: the caller's, may be NULL
 * @limit: most pages
 * @pfn: result, first page frame
 * @pages: result
 *
 * Return: false if it is not that, or not right: v3c_phys_init() tells.
 */
static __always_inline bool v3c_quick_phys(const IOMMU_MAP_PHYSICAL_ADDRESS *desc, u64 limit,
					   u64 *pfn, u64 *pages)
{
	u64 base, size;
	const MDL *mdl;

	if (unlikely(!desc))
		return false;
	if (likely(desc->MapType == MapPhysicalAddressTypeContiguousRange)) {
		base = desc->ContiguousRange.Base.QuadPart;
		size = desc->ContiguousRange.Size;
		*pfn = base >> V3C_PAGE_SHIFT;
		*pages = size >> V3C_PAGE_SHIFT;
		/* Neither half pages nor an address that no machine has. */
		return !((base | size) & (V3C_PAGE_SIZE - 1) || base >> V3C_PHYS_BITS) &&
		       *pages - 1 < limit;
	}
	*pages = 1;
	if (desc->MapType == MapPhysicalAddressTypePfn) {
		if (desc->PfnArray.NumberOfPages != 1 || unlikely(!desc->PfnArray.PageFrame))
			return false;
		*pfn = *desc->PfnArray.PageFrame;
		return true;
	}
	mdl = desc->Mdl.Mdl;
	if (desc->MapType != MapPhysicalAddressTypeMdl || unlikely(!mdl) || mdl->Next ||
	    MmGetMdlByteCount(mdl) != V3C_PAGE_SIZE || MmGetMdlByteOffset(mdl) ||
	    unlikely(!v3c_mdl_has_pages(mdl)))
		return false;
	*pfn = *MmGetMdlPfnArray((PMDL)mdl);
	return true;
}

/**
 * v3c_quick_map() - the usual case of v3c_range_map()
 * @domain: the domain
 * @prot: IOMMU_READ and IOMMU_WRITE
 * @pfn: first page frame
 * @pages: how many, at most V3C_QUICK_PAGES
 * @address: result, first logical address; untouched on failure
 *
 * Context: any up to softirq, with spinlocks held.
 */
static __always_inline bool v3c_quick_map(struct v3c_domain *domain, int prot, u64 pfn, u64 pages,
					  u64 *address)
{
	struct v3c_range *range;
	struct v3c_hwpt *hwpt;

	preempt_disable();
	hwpt = READ_ONCE(domain->sole);
	if (unlikely(!hwpt))
		goto slow;
	range = v3c_space_quick_alloc(&domain->space, pages, prot);
	if (unlikely(!range))
		goto slow;
	if (unlikely(v3c_hwpt_quick_map(hwpt, range->first, pfn, pages, prot))) {
		v3c_space_quick_put(&domain->space, range);
		goto slow;
	}
	trace_v3compat_map(domain, range->first, pages, STATUS_SUCCESS);
	*address = range->first << V3C_PAGE_SHIFT;
	smp_store_release(&range->state, V3C_RANGE_LIVE);
	preempt_enable();
	return true;
slow:
	preempt_enable();
	return false;
}

/**
 * v3c_quick_unmap() - the usual case of v3c_range_unmap()
 * @domain: the domain
 * @page: first logical page
 * @pages: how many; nonsense is not found mapped
 *
 * Context: any up to softirq, with spinlocks held.
 */
static __always_inline bool v3c_quick_unmap(struct v3c_domain *domain, u64 page, u64 pages)
{
	struct v3c_range *range;
	struct v3c_hwpt *hwpt;

	if (unlikely(pages > V3C_QUICK_PAGES))
		return false;
	preempt_disable();
	hwpt = READ_ONCE(domain->sole);
	if (unlikely(!hwpt))
		goto slow;
	range = v3c_space_quick_hold(&domain->space, page, page + pages - 1);
	if (unlikely(!range))
		goto slow;
	v3c_hwpt_unmap(hwpt, page, pages);
	v3c_space_quick_put(&domain->space, range);
	trace_v3compat_unmap(domain, page, pages, STATUS_SUCCESS);
	preempt_enable();
	return true;
slow:
	preempt_enable();
	return false;
}

/**
 * v3c_quick_map_reserved() - the usual case of v3c_token_map(): one page
 * @token: the token
 * @page: page, from the start of the token
 * @prot: IOMMU_READ and IOMMU_WRITE
 * @pfn: page frame
 *
 * Context: any up to softirq, with spinlocks held.
 */
static __always_inline bool v3c_quick_map_reserved(struct v3c_token *token, u64 page, int prot,
						   u64 pfn)
{
	struct v3c_segments *segments;
	struct v3c_hwpt *hwpt;
	u8 unused = 0;

	preempt_disable();
	segments = READ_ONCE(token->quick);
	if (unlikely(!segments || page >= segments->pages ||
		     !try_cmpxchg(&segments->state[page], &unused, V3C_SEGMENT_BUSY | prot)))
		goto slow;
	/* A busy page keeps the token, if the token was not given up just before. */
	if (unlikely(READ_ONCE(token->quick) != segments))
		goto give_page;
	hwpt = READ_ONCE(segments->domain->sole);
	if (unlikely(!hwpt || v3c_hwpt_quick_map(hwpt, segments->first + page, pfn, 1, prot)))
		goto give_page;
	trace_v3compat_map_reserved(segments->domain, segments->first + page, 1, STATUS_SUCCESS);
	smp_store_release(&segments->state[page], V3C_SEGMENT_WHOLE | prot);
	preempt_enable();
	return true;
give_page:
	smp_store_release(&segments->state[page], 0);
slow:
	preempt_enable();
	return false;
}

/**
 * v3c_quick_unmap_reserved() - the usual case of v3c_token_unmap(): one page
 * @token: the token
 * @page: page, from the start of the token
 *
 * Context: any up to softirq, with spinlocks held.
 */
static __always_inline bool v3c_quick_unmap_reserved(struct v3c_token *token, u64 page)
{
	struct v3c_segments *segments;
	struct v3c_hwpt *hwpt;
	u8 state;

	preempt_disable();
	segments = READ_ONCE(token->quick);
	if (unlikely(!segments || page >= segments->pages))
		goto slow;
	state = READ_ONCE(segments->state[page]);
	if (unlikely((state & V3C_SEGMENT_WHOLE) != V3C_SEGMENT_WHOLE ||
		     !try_cmpxchg(&segments->state[page], &state, V3C_SEGMENT_BUSY)))
		goto slow;
	/* A busy page keeps the token. */
	hwpt = READ_ONCE(segments->domain->sole);
	if (unlikely(!hwpt)) {
		smp_store_release(&segments->state[page], state);
		goto slow;
	}
	v3c_hwpt_unmap(hwpt, segments->first + page, 1);
	trace_v3compat_unmap_reserved(segments->domain, segments->first + page, 1, STATUS_SUCCESS);
	smp_store_release(&segments->state[page], 0);
	preempt_enable();
	return true;
slow:
	preempt_enable();
	return false;
}

#endif
