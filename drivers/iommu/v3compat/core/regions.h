/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_REGIONS_H
#define V3COMPAT_REGIONS_H

#include <linux/list.h>
#include <linux/types.h>

struct device;
struct v3c_domain;

/**
 * struct v3c_region - pages that are out of circulation
 * @first: first page
 * @last: last page
 * @mapped: each page is mapped to itself; otherwise none is mapped
 */
struct v3c_region {
	u64 first;
	u64 last;
	bool mapped;
};

/* enum v3c_region_user: the device may be attached, or its untagged DMA is, or a PASID of it. */
enum v3c_region_user { V3C_REGION_POSSIBLE, V3C_REGION_UNTAGGED, V3C_REGION_PASID };

int v3c_regions_withhold_own(struct v3c_domain *domain, const struct v3c_region *regions,
			     unsigned int count, struct list_head *added);
int v3c_regions_withhold_group(struct v3c_domain *domain, struct device *dev,
			       enum v3c_region_user user, struct list_head *added);
int v3c_regions_withhold_known(struct v3c_domain *domain, struct list_head *added);
int v3c_regions_map(struct v3c_domain *domain, struct list_head *added);
int v3c_regions_check_mirrors(struct v3c_domain *domain, struct list_head *added);
void v3c_regions_forget(struct v3c_domain *domain, struct list_head *added);
int v3c_regions_join(struct v3c_domain *domain, struct device *dev);

#endif
