/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_MAP_H
#define V3COMPAT_MAP_H

#include "base/phys.h"

struct v3c_domain;
struct v3c_place;

enum v3c_reason v3c_map(struct v3c_domain *domain, int prot, const struct v3c_phys *phys,
			const struct v3c_place *place, u64 *page, struct v3c_why *why);
enum v3c_reason v3c_unmap(struct v3c_domain *domain, u64 page, u64 pages, struct v3c_why *why);
enum v3c_reason v3c_map_identity(struct v3c_domain *domain, int prot, const struct v3c_phys *phys,
				 struct v3c_why *why);
enum v3c_reason v3c_unmap_identity(struct v3c_domain *domain, const struct v3c_phys *phys,
				   struct v3c_why *why);

#endif
