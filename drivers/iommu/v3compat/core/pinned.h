/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_PINNED_H
#define V3COMPAT_PINNED_H

#include "base/payload.h"
#include "base/why.h"

struct v3c_domain;
struct v3c_place;

enum v3c_reason v3c_map_pinned(struct v3c_domain *domain, int prot, const struct v3c_phys *phys,
			       const struct v3c_place *place, struct v3c_pin pin, u64 *page,
			       struct v3c_why *why);
enum v3c_reason v3c_unmap_pinned(struct v3c_domain *domain, u64 page, u64 pages,
				 struct v3c_why *why);

#endif
