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
 * v3c_place_hold() - hold logical pages for a mapping or a reservation
 * @domain: the domain, which agrees with @place, see v3c_place_check()
 * @place: where
 * @pages: how many
 * @like: what they are to become
 * @gfp: for the record
 * @op: result, as of v3c_space_claim() and v3c_space_alloc()
 *
 * Context: any up to softirq, with spinlocks held, as @gfp allows.
 * Return: 0, or an error for v3c_place_refuse().
 */
static inline int v3c_place_hold(struct v3c_domain *domain, const struct v3c_place *place,
				 u64 pages, struct v3c_traits like, gfp_t gfp, struct v3c_op *op)
{
	if (place->explicit_page)
		return v3c_space_claim(&domain->space, *place->explicit_page,
				       *place->explicit_page + pages - 1, like, gfp, op);
	return v3c_space_alloc(&domain->space, pages, place->lo, place->hi, like, gfp, op);
}

enum v3c_reason v3c_place_check(struct v3c_domain *domain, const struct v3c_place *place,
				struct v3c_why *why);
enum v3c_reason v3c_place_refuse(int err, const struct v3c_place *place, u64 pages,
				 struct v3c_why *why);

#endif
