// SPDX-License-Identifier: GPL-2.0
/*
 * Places (&struct v3c_place): where a mapping or a reservation may go, and why one is not to be
 * had.
 */
#include "core/domain.h"
#include "core/place.h"

/* v3c_place_check(): the domain and the caller agree on who chooses the address. */
enum v3c_reason v3c_place_check(struct v3c_domain *domain, const struct v3c_place *place,
				struct v3c_why *why)
{
	if (domain->space.allocates == !!place->explicit_page)
		return v3c_refuse(
			why, V3C_REASON_ALLOCATOR_RULE, V3C_PARAM_ADDRESS, domain,
			place->explicit_page ? *place->explicit_page << V3C_PAGE_SHIFT : 0, 0);
	return 0;
}

/* v3c_place_refuse() tells why @place was not to be had; @err is from v3c_place_claim(). */
enum v3c_reason v3c_place_refuse(int err, const struct v3c_place *place, u64 pages,
				 struct v3c_why *why)
{
	u64 first = place->explicit_page ? *place->explicit_page : place->lo;
	u64 last = place->explicit_page ? first + pages - 1 : place->hi;

	first <<= V3C_PAGE_SHIFT;
	last = (last << V3C_PAGE_SHIFT) | (V3C_PAGE_SIZE - 1);
	if (err == -ERANGE)
		return v3c_refuse(why, V3C_REASON_BEYOND_APERTURE, V3C_PARAM_ADDRESS, NULL, first,
				  last);
	if (err == -ENOSPC && place->bounded)
		return v3c_refuse(why, V3C_REASON_BOUNDS, V3C_PARAM_ADDRESS, NULL, first, last);
	return v3c_refuse_errno(why, err, V3C_PARAM_ADDRESS, NULL, first, last);
}
