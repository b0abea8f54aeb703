/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_GROUP_H
#define V3COMPAT_GROUP_H

#include <linux/list.h>
#include <linux/types.h>

struct device;
struct iommu_domain;
struct iommu_group;
struct v3c_domain;
struct v3c_hwpt;

/**
 * struct v3c_group - an IOMMU group with at least one of our devices attached
 * @entry: in the list of all, under v3c_topology
 * @group: the IOMMU core's; referenced
 * @domain: whom the whole group belongs to while it is attached
 * @translation: what the IOMMU uses for it
 * @hwpt: the page table behind @translation, or NULL for the kernel's identity domain
 * @users: attached devices in it
 * @owned: DMA ownership is claimed
 */
struct v3c_group {
	struct list_head entry;
	struct iommu_group *group;
	struct v3c_domain *domain;
	struct iommu_domain *translation;
	struct v3c_hwpt *hwpt;
	unsigned int users;
	bool owned;
};

struct v3c_group *v3c_group_find(struct device *dev);
bool v3c_group_is_foreign(struct device *dev);
struct v3c_group *v3c_group_claim(struct device *dev, struct v3c_domain *domain);
int v3c_group_attach(struct v3c_group *group, struct iommu_domain *translation,
		     struct v3c_hwpt *hwpt);
void v3c_group_detach(struct v3c_group *group);
void v3c_group_release(struct v3c_group *group);

#endif
