/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_LOOKUP_H
#define V3COMPAT_LOOKUP_H

#include <linux/types.h>

struct v3c_domain;
struct v3c_hwpt;
struct v3c_owner;
struct v3c_view;

int v3c_lookup_permissions(struct v3c_domain *domain, const struct v3c_hwpt *hwpt, u64 page);
unsigned int v3c_lookup_ranges(struct v3c_domain *domain, const struct v3c_owner *owner,
			       u64 *cursor, struct v3c_view *views, unsigned int max);
u64 v3c_lookup_last(struct v3c_domain *domain);
u64 v3c_lookup_page_sizes(struct v3c_domain *domain, const struct v3c_owner *owner);

#endif
