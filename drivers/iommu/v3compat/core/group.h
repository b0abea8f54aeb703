/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_GROUP_H
#define V3COMPAT_GROUP_H

#include <linux/list.h>
#include <linux/types.h>

#include "base/why.h"

struct device;
struct iommu_domain;
struct iommu_group;
struct v3c_domain;
struct v3c_hwpt;
struct v3c_owner;

/**
 * struct v3c_group - an IOMMU group that is claimed, or has something of ours attached
 * @entry: in the list of all, under v3c_topology
 * @group: the IOMMU core's; referenced
 * @owner: on whose account it is in use; changed by v3c_claim_take() and v3c_claim_hand_over()
 * @uses: claims, and untagged devices and PASIDs attached in it
 * @tagged: those of @uses that are for PASIDs
 * @untagged: attached devices in it
 * @domain: while there are @untagged, the domain that the untagged DMA of the whole group goes
 *	through
 * @translation: what the IOMMU uses for that, or NULL; changed by whoever is busy with it
 * @hwpt: the page table behind @translation, or NULL for the kernel's identity domain; likewise
 * @owned: DMA ownership is claimed
 * @direct: a device with a region that must be mapped 1:1 has joined since then
 * @busy: calls of the IOMMU core for it that are under way with v3c_topology released
 * @attaching: one of these attaches, or decides about what is attached: nothing begins to be
 *	detached
 * @binding: one of these begins a bond with a process
 *
 * PASIDs are independent of each other and of untagged DMA. What they share is the ownership: where
 * it is claimed, untagged DMA is blocked while there are only PASIDs.
 */
struct v3c_group {
	struct list_head entry;
	struct iommu_group *group;
	const struct v3c_owner *owner;
	unsigned int uses;
	unsigned int tagged;
	unsigned int untagged;
	struct v3c_domain *domain;
	struct iommu_domain *translation;
	struct v3c_hwpt *hwpt;
	bool owned;
	bool direct;
	unsigned int busy;
	bool attaching;
	bool binding;
};

struct v3c_group *v3c_group_find(struct device *dev);
int v3c_group_for_each_member(struct device *dev, void *arg,
			      int (*fn)(struct device *member, void *arg));
bool v3c_group_is_foreign(struct device *dev, const struct v3c_owner *owner);
bool v3c_group_is_shared(const struct v3c_group *group, struct device *dev);
bool v3c_group_is_external(struct device *dev);
bool v3c_group_is_busy(struct device *dev);
void v3c_group_begin(struct v3c_group *group);
void v3c_group_end(struct v3c_group *group);
void v3c_group_begin_attach(struct v3c_group *group);
void v3c_group_end_attach(struct v3c_group *group);
void v3c_group_wait(void);
int v3c_group_wait_killable(void);
int v3c_group_wait_for(const void *object);
struct v3c_group *v3c_group_use(struct device *dev, const struct v3c_owner *owner, bool tagged);
void v3c_group_unuse(struct v3c_group *group, bool tagged);
enum v3c_reason v3c_group_refuse(struct v3c_why *why, int err, enum v3c_param param,
				 const void *object);
int v3c_group_attach(struct v3c_group *group, struct iommu_domain *translation,
		     struct v3c_hwpt *hwpt);
void v3c_group_detach(struct v3c_group *group);
void v3c_group_let_in(struct v3c_group *group, struct device *dev);

#endif
