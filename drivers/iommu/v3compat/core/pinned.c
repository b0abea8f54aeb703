// SPDX-License-Identifier: GPL-2.0
/*
 * Mapping memory that the mapping keeps (&struct v3c_payload). One run takes the quick path.
 */
#include <kunit/visibility.h>
#include <linux/export.h>

#include <v3compat/kcompat.h>

#include "core/domain.h"
#include "core/map.h"
#include "core/pinned.h"
#include "core/place.h"
#include "core/quick.h"
#include "table/pins.h"

/* only_run() tells whether @phys is one run by its form, and where that begins. */
static __always_inline bool only_run(const struct v3c_phys *phys, u64 *base)
{
	u64 pfn = phys->pfn;

	if (unlikely(phys->pfns || (phys->runs && phys->count != 1)))
		return false;
	if (unlikely(phys->runs))
		pfn = phys->runs->pfn;
	pfn += phys->next;
	*base = pfn << V3C_PAGE_SHIFT;
	return v3c_are_frames(pfn, phys->pages);
}

static __always_inline bool map_quickly(struct v3c_domain *domain, int prot,
					const struct v3c_phys *phys, const struct v3c_place *place,
					const struct v3c_pin *pin, u64 *page)
{
	u64 at = place->explicit_page ? *place->explicit_page : V3C_ANYWHERE;
	u64 size = v3c_bytes(phys->pages), base;

	if (!domain->space.account || place->bounded ||
	    !only_run(phys, &base) ||
	    (size > V3C_QUICK_SIZE && !v3c_is_large(base, size)))
		return false;
	at = v3c_quick_map_pinned(domain, v3c_cell_of_kind(V3C_RANGE_LOGICAL) | prot, base, size,
				  at, pin);
	if (at == V3C_ANYWHERE)
		return false;
	*page = at;
	return true;
}

/**
 * v3c_map_pinned() - v3c_map() of memory that the range keeps
 * @domain: the domain, of an owner with @user
 * @prot: IOMMU_READ and IOMMU_WRITE
 * @phys: what to map, which nobody changes meanwhile
 * @place: where
 * @pin: its payload; given back before a refusal is returned, unless the IOMMU driver kept pages
 * @page: result, first logical page; untouched on failure
 * @why: filled on refusal
 *
 * Only v3c_unmap_pinned() and v3c_unmap_many() unmap it. Each page of the payload is given back
 * when no device reaches it any more: by whoever unmaps it, or else by whoever deletes the domain.
 *
 * Context: as v3c_map(), and as the payload wants.
 * Return: as v3c_map(); %V3C_REASON_WRONG_TYPE also for a domain of another owner than a user.
 */
enum v3c_reason v3c_map_pinned(struct v3c_domain *domain, int prot, const struct v3c_phys *phys,
			       const struct v3c_place *place, struct v3c_pin pin, u64 *page,
			       struct v3c_why *why)
{
	if (map_quickly(domain, prot, phys, place, &pin, page))
		return 0;
	return v3c_map_pinned_slow(domain, prot, phys, place, pin, page, why);
}
V3C_EXPORT_NS_GPL(v3c_map_pinned, V3COMPAT_TEST);

/**
 * v3c_unmap_pinned() - unmap what v3c_map_pinned() mapped
 * @domain: the domain
 * @page: first logical page
 * @pages: how many, the range does not wrap
 * @why: filled on refusal
 *
 * Payloads are given back when no device reaches any of the pages any more, with no lock held. A
 * range that is unmapped in part gives back that part.
 *
 * Context: as v3c_unmap(), and as the payloads want.
 * Return: as v3c_unmap().
 */
enum v3c_reason v3c_unmap_pinned(struct v3c_domain *domain, u64 page, u64 pages,
				 struct v3c_why *why)
{
	struct v3c_pinned pinned __uninitialized;

	if (!v3c_quick_unmap_pinned(domain, V3C_RANGE_LOGICAL, page, pages, &pinned))
		return v3c_unmap_pinned_slow(domain, page, pages, why);
	v3c_pin_release(pinned.pin, pinned.pages);
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(v3c_unmap_pinned);

