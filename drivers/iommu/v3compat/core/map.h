/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_MAP_H
#define V3COMPAT_MAP_H

#include "base/payload.h"
#include "base/phys.h"

struct v3c_domain;
struct v3c_place;
struct v3c_span;

enum v3c_reason v3c_map(struct v3c_domain *domain, int prot, const struct v3c_phys *phys,
			const struct v3c_place *place, u64 *page, struct v3c_why *why);
enum v3c_reason v3c_unmap(struct v3c_domain *domain, u64 page, u64 pages, struct v3c_why *why);
enum v3c_reason v3c_map_pinned_slow(struct v3c_domain *domain, int prot,
				    const struct v3c_phys *phys,
				    const struct v3c_place *place, struct v3c_pin pin, u64 *page,
				    struct v3c_why *why);
enum v3c_reason v3c_unmap_pinned_slow(struct v3c_domain *domain, u64 page, u64 pages,
				      struct v3c_why *why);
enum v3c_reason v3c_unmap_many(struct v3c_domain *domain, struct v3c_span *spans,
			       unsigned int count, bool pinned, struct v3c_why *why);
enum v3c_reason v3c_map_identity(struct v3c_domain *domain, int prot, const struct v3c_phys *phys,
				 struct v3c_why *why);
enum v3c_reason v3c_unmap_identity(struct v3c_domain *domain, const struct v3c_phys *phys,
				   struct v3c_why *why);
enum v3c_reason v3c_map_identity_pinned(struct v3c_domain *domain, int prot,
					const struct v3c_phys *phys, struct v3c_pin pin,
					struct v3c_why *why);
enum v3c_reason v3c_unmap_identity_pinned(struct v3c_domain *domain, const struct v3c_phys *phys,
					  struct v3c_why *why);

#endif
