/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_LOOKUP_H
#define V3COMPAT_LOOKUP_H

#include <linux/types.h>

struct v3c_domain;
struct v3c_hwpt;

int v3c_lookup_permissions(struct v3c_domain *domain, const struct v3c_hwpt *hwpt, u64 page);

#endif
