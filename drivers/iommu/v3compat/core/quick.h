/* SPDX-License-Identifier: GPL-2.0 */
/**
 * DOC: Quick operations
 *
 * The usual map and unmap take no lock: the domain has one page table, a free block or the mapping
 * is at hand, and nothing has to wait for memory.
 *
 * 1. v3c_quick_enter() begins an RCU read-side section, which lasts until the operation is over.
 * 2. &v3c_domain.sole is read before anything is touched. NULL ends the attempt: there is no page
 *    table or more than one, or somebody is about to change that.
 * 3. A map takes a free block by xchg, an unmap takes its range from LIVE to UNMAPPING by cmpxchg,
 *    and a page of a reservation is taken by cmpxchg of its byte. From here on it is the
 *    operation's own. &v3c_space.lock is taken only to look for a block or a range that is not at
 *    hand, and for a block that nobody has room for.
 * 4. The IOMMU driver maps, or unmaps and invalidates.
 * 5. A range that was mapped is handed on by v3c_hold_give(), a page of a reservation by its
 *    counterpart in core/segments.h, both by a store with release semantics. A range that was
 *    unmapped goes back by v3c_space_quick_put(): by cmpxchg, or under &v3c_space.lock.
 *
 * A quick operation that finds anything unusual returns false. The call then starts again on the
 * general path, which can deal with all of it and say what was wrong. Nothing is changed by then,
 * except that pages which the IOMMU driver kept are LOST.
 *
 * Whoever changes the set of page tables, or withholds addresses, calls v3c_domain_forbid_quick():
 * it clears &v3c_domain.sole and waits for a grace period. Then no quick operation is under way,
 * and none starts until v3c_domain_allow_quick().
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
#include "table/space_quick.h"

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
 * The functions below take @pin, or give it back, for those who have payloads: for them, and for
 * nobody else, &v3c_space.account is set. It is NULL as a constant otherwise, so that nothing of it
 * is in the code of those who have none.
 */
static __always_inline gfp_t v3c_quick_account(const struct v3c_pin *pin)
{
	return pin ? __GFP_ACCOUNT : 0;
}

/**
 * v3c_quick_map() - the usual case of v3c_map()
 * @domain: the domain
 * @prot: IOMMU_READ and IOMMU_WRITE
 * @base: first physical byte
 * @size: in bytes, at most V3C_QUICK_SIZE, or as large leaves have it, see v3c_is_large()
 * @pin: the payload that the range is to keep, of a caller who has some, or NULL
 * @address: result, first logical address; untouched on failure
 *
 * Context: any up to softirq, with spinlocks held.
 * Return: whether it was done.
 */
static __always_inline bool v3c_quick_map(struct v3c_domain *domain, int prot, u64 base, u64 size,
					  const struct v3c_pin *pin, u64 *address)
{
	u64 pages = size >> V3C_PAGE_SHIFT;
	bool large = size > V3C_QUICK_SIZE;
	struct v3c_hold hold;
	struct v3c_hwpt *hwpt;
	u64 iova;

	v3c_quick_enter();
	hwpt = READ_ONCE(domain->sole);
	if (unlikely(!hwpt))
		goto slow;
	if (unlikely(large && !(hwpt->core->pgsize_bitmap & V3C_QUICK_SIZE)))
		goto slow;
	if (unlikely(!v3c_space_quick_alloc(&domain->space, pages, prot, large, pin,
					    &hold)))
		goto slow;
	iova = v3c_hold_first(hold) << V3C_PAGE_SHIFT;
	if (unlikely(v3c_hwpt_quick_map(hwpt, iova, base, size, prot, v3c_quick_account(pin)))) {
		v3c_space_quick_put(&domain->space, hold);
		goto slow;
	}
	trace_v3compat_map(domain, iova >> V3C_PAGE_SHIFT, pages, 0);
	*address = iova;
	v3c_hold_give(hold, V3C_RANGE_LIVE);
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
 * @pin: result for a range that keeps a payload, which the caller releases; or NULL for one that
 *	does not
 *
 * Context: any up to softirq, with spinlocks held.
 * Return: whether it was done.
 */
static __always_inline bool v3c_quick_unmap(struct v3c_domain *domain, u64 page, u64 pages,
					    struct v3c_pin *pin)
{
	struct v3c_hold hold;
	struct v3c_hwpt *hwpt;

	v3c_quick_enter();
	hwpt = READ_ONCE(domain->sole);
	if (unlikely(!hwpt))
		goto slow;
	if (unlikely(!v3c_space_quick_hold(&domain->space, page, page + pages - 1, pin, &hold)))
		goto slow;
	/*
	 * v3c_hold_is_large() tells of the table that it was mapped in. The table may be another
	 * one now, and takes few steps only if it has such leaves, too.
	 */
	if (unlikely(pages > V3C_QUICK_PAGES &&
		     !(v3c_hold_is_large(hold) && v3c_hwpt_has_leaf(hwpt, V3C_QUICK_PAGES)))) {
		v3c_hold_give(hold, V3C_RANGE_LIVE);
		goto slow;
	}
	/* V3C_RANGE_LOST: the slow way finds it, and says V3C_REASON_SHORT_UNMAP. */
	if (unlikely(!v3c_hwpt_unmap(hwpt, page, pages))) {
		v3c_hold_give(hold, V3C_RANGE_LOST);
		goto slow;
	}
	if (pin)
		*pin = v3c_hold_pin(hold);
	v3c_space_quick_put(&domain->space, hold);
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
 * @pin: the payload that the page is to keep, or NULL; only a pinned token takes one
 *
 * Context: any up to softirq, with spinlocks held.
 * Return: whether it was done.
 */
static __always_inline bool v3c_quick_map_reserved(struct v3c_token *token, u64 offset, int prot,
						   u64 base, const struct v3c_pin *pin)
{
	struct v3c_segments *segments;
	struct v3c_hwpt *hwpt;
	u8 *state;

	v3c_quick_enter();
	segments = READ_ONCE(token->quick);
	if (unlikely(!segments || offset >= segments->size || (pin && !segments->pins)))
		goto slow;
	/*
	 * &v3c_domain.sole is read before the page is touched, because a page table under
	 * construction is filled from what the page says.
	 */
	hwpt = READ_ONCE(segments->domain->sole);
	if (unlikely(!hwpt))
		goto slow;
	state = v3c_segment_state(segments, offset);
	if (unlikely(!v3c_segment_take_unused(state, prot)))
		goto slow;
	/* The page keeps the token, unless it was given up just before: @quick tells. */
	if (unlikely(READ_ONCE(token->quick) != segments))
		goto give_page;
	offset += segments->base;
	if (unlikely(v3c_hwpt_quick_map(hwpt, offset, base, V3C_PAGE_SIZE, prot,
					v3c_quick_account(pin))))
		goto give_page;
	if (pin)
		v3c_segment_pin(segments, state, *pin, 1);
	trace_v3compat_map_reserved(token->domain, offset >> V3C_PAGE_SHIFT, 1, 0);
	v3c_segment_give_mapped(state, prot);
	v3c_quick_exit();
	return true;
give_page:
	v3c_segment_give_unused(state);
slow:
	v3c_quick_exit();
	return false;
}

/**
 * v3c_quick_unmap_reserved() - the usual case of v3c_token_unmap(): one page
 * @token: the token
 * @offset: of the page, in bytes from the start of the token
 * @pin: as in v3c_quick_unmap(); its payload is NULL if the page was mapped without one
 *
 * Context: any up to softirq, with spinlocks held.
 * Return: whether it was done.
 */
static __always_inline bool v3c_quick_unmap_reserved(struct v3c_token *token, u64 offset,
						     struct v3c_pin *pin)
{
	struct v3c_segments *segments;
	struct v3c_hwpt *hwpt;
	u8 *state;

	v3c_quick_enter();
	segments = READ_ONCE(token->quick);
	if (unlikely(!segments || offset >= segments->size || (pin && !segments->pins)))
		goto slow;
	/* As in v3c_quick_map_reserved(). */
	hwpt = READ_ONCE(segments->domain->sole);
	if (unlikely(!hwpt))
		goto slow;
	state = v3c_segment_state(segments, offset);
	if (unlikely(!v3c_segment_take_mapped(state)))
		goto slow;
	/* The page keeps the token as long as it is not unused. */
	offset += segments->base;
	if (unlikely(!v3c_hwpt_unmap_bytes(hwpt, offset, V3C_PAGE_SIZE))) {
		v3c_segment_lose(state);
		goto slow;
	}
	trace_v3compat_unmap_reserved(token->domain, offset >> V3C_PAGE_SHIFT, 1, 0);
	if (pin)
		*pin = v3c_segment_unpin(segments, state).pin;
	v3c_segment_give_unused(state);
	v3c_quick_exit();
	return true;
slow:
	v3c_quick_exit();
	return false;
}

#endif
