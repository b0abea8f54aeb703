// SPDX-License-Identifier: GPL-2.0
/*
 * v3c_check_*(): checks of arguments, on plain numbers, that every face needs before it calls a
 * verb.
 */
#include <linux/overflow.h>

#include "base/phys.h"
#include "base/context.h"
#include "core/check.h"
#include "core/place.h"
#include "core/regions.h"

/**
 * v3c_check_explicit() - whether an address may be the first of some pages
 * @address: in bytes
 * @pages: how many
 * @page: result, the first page
 * @why: filled on refusal
 *
 * Context: any.
 * Return: 0; %V3C_REASON_MISALIGNED; or %V3C_REASON_WRAPS.
 */
enum v3c_reason v3c_check_explicit(u64 address, u64 pages, u64 *page, struct v3c_why *why)
{
	u64 end;

	if (!v3c_page_aligned(address))
		return v3c_refuse(why, V3C_REASON_MISALIGNED, V3C_PARAM_ADDRESS, NULL, address, 0);
	if (pages > V3C_MAX_PAGES ||
	    check_add_overflow(address, (pages << V3C_PAGE_SHIFT) - 1, &end))
		return v3c_refuse(why, V3C_REASON_WRAPS, V3C_PARAM_ADDRESS, NULL, address,
				  v3c_bytes(pages));
	*page = address >> V3C_PAGE_SHIFT;
	return 0;
}

/**
 * v3c_check_size() - whether a size is some whole pages
 * @size: in bytes
 * @why: filled on refusal
 *
 * Context: any.
 * Return: 0; %V3C_REASON_EMPTY; or %V3C_REASON_MISALIGNED.
 */
enum v3c_reason v3c_check_size(u64 size, struct v3c_why *why)
{
	if (size && v3c_page_aligned(size))
		return 0;
	return v3c_refuse(why, size ? V3C_REASON_MISALIGNED : V3C_REASON_EMPTY, V3C_PARAM_SIZE,
			  NULL, 0, size);
}

/**
 * v3c_check_width() - whether a domain can choose addresses of a width
 * @type: of the domain
 * @width: in bits
 * @why: filled on refusal
 *
 * Context: any.
 * Return: 0; %V3C_REASON_BAD_CONFIG below 13 or above 63; or %V3C_REASON_WRONG_TYPE for PassThrough
 * and Unmanaged.
 */
enum v3c_reason v3c_check_width(enum v3c_domain_type type, u32 width, struct v3c_why *why)
{
	if (width <= V3C_PAGE_SHIFT || width > 63)
		return v3c_refuse(why, V3C_REASON_BAD_CONFIG, V3C_PARAM_ALLOCATOR, NULL, width, 63);
	if (type == V3C_DOMAIN_PASSTHROUGH || type == V3C_DOMAIN_UNMANAGED)
		return v3c_refuse(why, V3C_REASON_WRONG_TYPE, V3C_PARAM_ALLOCATOR, NULL, type, 0);
	return 0;
}

/**
 * v3c_check_region() - whether an address and a number of pages are a region
 * @base: in bytes
 * @pages: how many
 * @region: result, but for @region->mapped
 * @why: filled on refusal
 *
 * Context: any.
 * Return: 0; %V3C_REASON_MISALIGNED; %V3C_REASON_EMPTY; or %V3C_REASON_WRAPS.
 */
enum v3c_reason v3c_check_region(u64 base, u64 pages, struct v3c_region *region,
				 struct v3c_why *why)
{
	u64 bytes, last;

	if (!v3c_page_aligned(base))
		return v3c_refuse(why, V3C_REASON_MISALIGNED, V3C_PARAM_REGIONS, NULL, base, 0);
	if (!pages)
		return v3c_refuse(why, V3C_REASON_EMPTY, V3C_PARAM_REGIONS, NULL, base, 0);
	if (check_mul_overflow(pages, V3C_PAGE_SIZE, &bytes) ||
	    check_add_overflow(base, bytes - 1, &last))
		return v3c_refuse(why, V3C_REASON_WRAPS, V3C_PARAM_REGIONS, NULL, base,
				  v3c_bytes(pages));
	region->first = base >> V3C_PAGE_SHIFT;
	region->last = last >> V3C_PAGE_SHIFT;
	return 0;
}

/**
 * v3c_check_overlap() - whether the last one of some regions overlaps another one
 * @regions: the regions
 * @count: how many, at least 1
 * @why: filled on refusal
 *
 * Called for each entry of a list it is quadratic, which suits a handful of firmware ranges.
 *
 * Context: any.
 * Return: 0 or %V3C_REASON_LIST_OVERLAP.
 */
enum v3c_reason v3c_check_overlap(const struct v3c_region *regions, unsigned int count,
				  struct v3c_why *why)
{
	const struct v3c_region *last = &regions[count - 1], *other;

	for (other = regions; other < last; other++)
		if (other->first <= last->last && last->first <= other->last)
			return v3c_refuse(why, V3C_REASON_LIST_OVERLAP, V3C_PARAM_REGIONS, NULL,
					  last->first << V3C_PAGE_SHIFT,
					  ((last->last + 1) << V3C_PAGE_SHIFT) - 1);
	return 0;
}

/*
 * v3c_set_given_bounds() is v3c_set_bounds() for a caller that gives a bound. It is not inline,
 * because most callers give none.
 */
void v3c_set_given_bounds(struct v3c_place *place, const u64 *min, const u64 *max)
{
	if (min)
		place->lo = (*min >> V3C_PAGE_SHIFT) + !v3c_page_aligned(*min);
	if (!max)
		return;
	place->hi = *max >> V3C_PAGE_SHIFT;
	if (v3c_page_aligned(*max + 1))
		return;
	/* @max cuts the last page, which is out of bounds then. There may be none below it. */
	if (place->hi)
		place->hi--;
	else
		place->lo = V3C_MAX_PAGES;
}

/* v3c_check_long_work() is v3c_check_work() of more than V3C_ATOMIC_PAGES. */
enum v3c_reason v3c_check_long_work(const struct v3c_phys *phys, struct v3c_why *why)
{
	if (v3c_phys_is_contiguous(phys) || v3c_may_sleep())
		return 0;
	return v3c_refuse(why, V3C_REASON_TOO_MUCH_WORK, V3C_PARAM_PHYS, NULL, 0,
			  v3c_bytes(phys->pages) - 1);
}
