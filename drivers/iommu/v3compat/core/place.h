/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_PLACE_H
#define V3COMPAT_PLACE_H

#include <linux/types.h>

#include "base/why.h"

struct v3c_domain;
struct v3c_op;
struct v3c_range;

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

enum v3c_reason v3c_place_check(struct v3c_domain *domain, const struct v3c_place *place,
				struct v3c_why *why);
int v3c_place_hold(struct v3c_domain *domain, const struct v3c_place *place, u64 pages,
		   const struct v3c_range *like, gfp_t gfp, struct v3c_op *op);
enum v3c_reason v3c_place_refuse(int err, const struct v3c_place *place, u64 pages, struct v3c_why *why);

#endif
