/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_CHECK_H
#define V3COMPAT_CHECK_H

#include <linux/compiler.h>
#include <linux/types.h>

#include "base/phys.h"
#include "base/types.h"
#include "base/why.h"
#include "core/place.h"

struct v3c_region;

#define V3C_PERMISSIONS		3u

/*
 * V3C_ATOMIC_PAGES bounds a list of pages, as V3C_ATOMIC_RANGES bounds ranges, for a caller that
 * cannot sleep: more are refused, because nobody else could do anything meanwhile.
 */
#define V3C_ATOMIC_PAGES	65536

/* v3c_check_permissions() accepts IOMMU_READ, IOMMU_WRITE or both, and nothing else. */
static __always_inline enum v3c_reason v3c_check_permissions(u32 permissions, struct v3c_why *why)
{
	if (likely(permissions - 1 < V3C_PERMISSIONS))
		return 0;
	return v3c_refuse(why, permissions ? V3C_REASON_RESERVED_BITS : V3C_REASON_NO_PERMISSION,
			  V3C_PARAM_PERMISSIONS, NULL, permissions, V3C_PERMISSIONS);
}

/**
 * v3c_check_pages() - whether a mapping can have this address and number of pages
 * @address: in bytes
 * @pages: how many
 * @why: filled on refusal
 *
 * Context: any.
 * Return: 0; %V3C_REASON_MISALIGNED; %V3C_REASON_EMPTY; or %V3C_REASON_WRAPS.
 */
static __always_inline enum v3c_reason v3c_check_pages(u64 address, u64 pages, struct v3c_why *why)
{
	if (!v3c_page_aligned(address))
		return v3c_refuse(why, V3C_REASON_MISALIGNED, V3C_PARAM_ADDRESS, NULL, address, 0);
	if (!pages)
		return v3c_refuse(why, V3C_REASON_EMPTY, V3C_PARAM_SIZE, NULL, address, 0);
	if (pages > (1ULL << (64 - V3C_PAGE_SHIFT)) - (address >> V3C_PAGE_SHIFT))
		return v3c_refuse(why, V3C_REASON_WRAPS, V3C_PARAM_SIZE, NULL, address,
				  v3c_bytes(pages));
	return 0;
}

enum v3c_reason v3c_check_long_work(const struct v3c_phys *phys, struct v3c_why *why);

/**
 * v3c_check_work() - whether a list is short enough for a caller that cannot sleep
 * @phys: the list
 * @why: filled on refusal
 *
 * Context: any.
 * Return: 0 or %V3C_REASON_TOO_MUCH_WORK.
 */
static __always_inline enum v3c_reason v3c_check_work(const struct v3c_phys *phys,
						      struct v3c_why *why)
{
	return likely(phys->pages <= V3C_ATOMIC_PAGES) ? 0 : v3c_check_long_work(phys, why);
}

enum v3c_reason v3c_check_explicit(u64 address, u64 pages, u64 *page, struct v3c_why *why);
enum v3c_reason v3c_check_size(u64 size, struct v3c_why *why);
enum v3c_reason v3c_check_width(enum v3c_domain_type type, u32 width, struct v3c_why *why);
enum v3c_reason v3c_check_region(u64 base, u64 pages, struct v3c_region *region,
				 struct v3c_why *why);
enum v3c_reason v3c_check_overlap(const struct v3c_region *regions, unsigned int count,
				  struct v3c_why *why);
void v3c_set_given_bounds(struct v3c_place *place, const u64 *min, const u64 *max);

/**
 * v3c_set_bounds() - turn bounds in bytes into bounds in pages
 * @place: gets them
 * @min: first byte allowed, or NULL
 * @max: last byte allowed, or NULL
 *
 * A page that a bound cuts is out of bounds.
 *
 * Context: any.
 */
static __always_inline void v3c_set_bounds(struct v3c_place *place, const u64 *min, const u64 *max)
{
	place->bounded = min || max;
	place->lo = 0;
	place->hi = U64_MAX >> V3C_PAGE_SHIFT;
	if (unlikely(place->bounded))
		v3c_set_given_bounds(place, min, max);
}

#endif
