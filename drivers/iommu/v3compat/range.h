/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_RANGE_H
#define V3COMPAT_RANGE_H

#include "phys.h"

struct v3c_domain;
struct v3c_hwpt;

/**
 * struct v3c_place - where a mapping may go
 * @explicit_page: exactly here, or NULL for a domain that chooses
 * @lo: lowest page allowed
 * @hi: highest page allowed
 * @bounded: the caller gave @lo or @hi
 * @address_status: ordinal status of the parameter that @explicit_page comes from
 */
struct v3c_place {
	const u64 *explicit_page;
	u64 lo;
	u64 hi;
	bool bounded;
	NTSTATUS address_status;
};

NTSTATUS v3c_range_check_place(struct v3c_domain *domain, const struct v3c_place *place,
			       struct v3c_why *why);
NTSTATUS v3c_range_place_failed(int err, const struct v3c_place *place, u64 pages,
				struct v3c_why *why);
NTSTATUS v3c_range_map(struct v3c_domain *domain, int prot, const struct v3c_phys *phys,
		       const struct v3c_place *place, u64 *page, struct v3c_why *why);
NTSTATUS v3c_range_unmap(struct v3c_domain *domain, u64 page, u64 pages, struct v3c_why *why);
NTSTATUS v3c_range_map_identity(struct v3c_domain *domain, int prot, const struct v3c_phys *phys,
				NTSTATUS phys_status, struct v3c_why *why);
NTSTATUS v3c_range_unmap_identity(struct v3c_domain *domain, const struct v3c_phys *phys,
				  struct v3c_why *why);
int v3c_range_permissions(struct v3c_domain *domain, const struct v3c_hwpt *hwpt, u64 page);

#endif
