/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_PLACE_H
#define V3COMPAT_PLACE_H

#include <linux/types.h>

#include "base/why.h"
#include "core/domain.h"
#include "table/space.h"

/**
 * struct v3c_place - where a mapping may go
 * @explicit_page: exactly here, or NULL for a domain that chooses
 * @lo: lowest page allowed
 * @hi: highest page allowed
 * @bounded: the caller gave @lo or @hi
 */
struct v3c_place {
	const u64 *explicit_page;
	u64 lo;
	u64 hi;
	bool bounded;
};

/**
 * v3c_place_claim() - hold logical pages for a mapping
 * @domain: the domain, which agrees with @place, see v3c_place_check()
 * @place: where
 * @pages: how many
 * @like: what they are to become
 * @gfp: for nodes of the space
 * @first: result, the first of them
 * @head: result, as of v3c_space_claim()
 *
 * Context: any up to softirq, with spinlocks held, as @gfp allows; in an operation.
 * Return: 0, or an error for v3c_place_refuse().
 */
static inline int v3c_place_claim(struct v3c_domain *domain, const struct v3c_place *place,
				  u64 pages, struct v3c_traits like, gfp_t gfp, u64 *first,
				  struct v3c_head *head)
{
	if (!place->explicit_page)
		return v3c_space_alloc(&domain->space, pages, place->lo, place->hi, like, gfp,
				       first, head);
	*first = *place->explicit_page;
	return v3c_space_claim(&domain->space, *first, *first + pages - 1, like, gfp, head);
}

/* v3c_place_reserve() is v3c_place_claim() for a reservation. */
static inline int v3c_place_reserve(struct v3c_domain *domain, const struct v3c_place *place,
				    u64 pages, gfp_t gfp, u64 *first)
{
	if (!place->explicit_page)
		return v3c_space_alloc_reserve(&domain->space, pages, place->lo, place->hi, gfp,
					       first);
	*first = *place->explicit_page;
	return v3c_space_reserve(&domain->space, *first, *first + pages - 1, gfp);
}

enum v3c_reason v3c_place_check(struct v3c_domain *domain, const struct v3c_place *place,
				struct v3c_why *why);
enum v3c_reason v3c_place_refuse(int err, const struct v3c_place *place, u64 pages,
				 struct v3c_why *why);

#endif
