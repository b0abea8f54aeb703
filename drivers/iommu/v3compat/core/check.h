/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_CHECK_H
#define V3COMPAT_CHECK_H

#include <linux/compiler.h>
#include <linux/types.h>

#include "base/types.h"
#include "base/why.h"

struct v3c_place;
struct v3c_region;

#define V3C_PERMISSIONS		3u

/* IOMMU_READ and IOMMU_WRITE, at least one of them, and nothing else. */
static __always_inline enum v3c_reason v3c_check_permissions(u32 permissions, struct v3c_why *why)
{
	if (likely(permissions - 1 < V3C_PERMISSIONS))
		return 0;
	return v3c_refuse(why, permissions ? V3C_REASON_RESERVED_BITS : V3C_REASON_NO_PERMISSION,
			  V3C_PARAM_PERMISSIONS, NULL, permissions, V3C_PERMISSIONS);
}

enum v3c_reason v3c_check_explicit(u64 address, u64 pages, u64 *page, struct v3c_why *why);
enum v3c_reason v3c_check_pages(u64 address, u64 pages, struct v3c_why *why);
enum v3c_reason v3c_check_size(u64 size, struct v3c_why *why);
enum v3c_reason v3c_check_width(enum v3c_domain_type type, u32 width, struct v3c_why *why);
enum v3c_reason v3c_check_region(u64 base, u64 pages, struct v3c_region *region, struct v3c_why *why);
enum v3c_reason v3c_check_overlap(const struct v3c_region *regions, unsigned int count,
				  struct v3c_why *why);
void v3c_set_bounds(struct v3c_place *place, const u64 *min, const u64 *max);

#endif
