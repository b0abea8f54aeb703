// SPDX-License-Identifier: GPL-2.0
/*
 * Mapping memory that the mapping keeps (&struct v3c_payload). The usual case takes the quick path:
 * one run, in a domain that chooses addresses, or a page of a reservation.
 */
#include <kunit/visibility.h>
#include <linux/export.h>

#include <v3compat/kcompat.h>

#include "core/domain.h"
#include "core/map.h"
#include "core/pinned.h"
#include "core/place.h"
#include "core/quick.h"
#include "core/reserve.h"

static bool is_quick_place(const struct v3c_place *place)
{
	return !place->explicit_page && !place->bounded;
}

/* only_run() tells whether @phys is one run by its form, and where that begins. */
static bool only_run(const struct v3c_phys *phys, u64 *base)
{
	struct v3c_phys at = *phys;
	struct v3c_run run;

	if (!v3c_phys_is_contiguous(phys) || !v3c_phys_next(&at, U64_MAX, &run) ||
	    !v3c_are_frames(run.pfn, phys->pages))
		return false;
	*base = run.pfn << V3C_PAGE_SHIFT;
	return true;
}

static bool map_quickly(struct v3c_domain *domain, int prot, const struct v3c_phys *phys,
			const struct v3c_place *place, const struct v3c_pin *pin, u64 *page)
{
	u64 size = v3c_bytes(phys->pages), base, address;

	if (!domain->space.account || !is_quick_place(place) || !only_run(phys, &base) ||
	    (size > V3C_QUICK_SIZE && !v3c_is_large(base, size)) ||
	    !v3c_quick_map(domain, prot, base, size, pin, &address))
		return false;
	*page = address >> V3C_PAGE_SHIFT;
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
	struct v3c_pin pin;

	if (!v3c_quick_unmap(domain, page, pages, &pin))
		return v3c_unmap_pinned_slow(domain, page, pages, why);
	v3c_pin_release(pin, pages);
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(v3c_unmap_pinned);

/**
 * v3c_token_map_pinned() - v3c_token_map() of memory that the segment keeps
 * @token: the token, made with @pinned
 * @page: first page, from the start of the token
 * @prot: IOMMU_READ and IOMMU_WRITE
 * @phys: what to map, which nobody changes meanwhile
 * @pin: its payload; given back before a refusal is returned, unless the IOMMU driver kept pages
 * @why: filled on refusal
 *
 * Context: as v3c_token_map(), and as the payload wants.
 * Return: as v3c_token_map(); %V3C_REASON_WRONG_TYPE for a token made without @pinned.
 */
enum v3c_reason v3c_token_map_pinned(struct v3c_token *token, u64 page, int prot,
				     const struct v3c_phys *phys, struct v3c_pin pin,
				     struct v3c_why *why)
{
	u64 base;

	if (phys->pages == 1 && only_run(phys, &base) &&
	    v3c_quick_map_reserved(token, v3c_bytes(page), prot, base, &pin))
		return 0;
	return v3c_token_map_pinned_slow(token, page, prot, phys, pin, why);
}
EXPORT_SYMBOL_IF_KUNIT(v3c_token_map_pinned);

/**
 * v3c_token_unmap_pinned() - v3c_token_unmap() of a segment that may keep a payload
 * @token: the token
 * @page: first page of the segment, from the start of the token
 * @pages: length of the segment
 * @why: filled on refusal
 *
 * The payload is given back when no device reaches the segment any more, with no lock held.
 *
 * Context: as v3c_token_unmap(), and as the payload wants.
 * Return: as v3c_token_unmap().
 */
enum v3c_reason v3c_token_unmap_pinned(struct v3c_token *token, u64 page, u64 pages,
				       struct v3c_why *why)
{
	struct v3c_pin pin;

	if (pages != 1 || !v3c_quick_unmap_reserved(token, v3c_bytes(page), &pin))
		return v3c_token_unmap_pinned_slow(token, page, pages, why);
	if (pin.payload)
		v3c_pin_release(pin, pages);
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(v3c_token_unmap_pinned);
