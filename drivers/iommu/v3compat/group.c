// SPDX-License-Identifier: GPL-2.0
/*
 * IOMMU groups: what the hardware cannot tell apart is attached together, and owned where possible.
 */
#include <linux/device.h>
#include <linux/iommu.h>
#include <linux/pci.h>
#include <linux/platform_device.h>
#include <linux/slab.h>

#include "device.h"
#include "group.h"
#include "guard.h"

static LIST_HEAD(v3c_groups);

/* One owner cookie for all: the members of a group are claimed once, for whichever domain. */
static int v3c_owner;

struct v3c_group *v3c_group_find(struct device *dev)
{
	struct iommu_group *core = iommu_group_get(dev);
	struct v3c_group *group;

	lockdep_assert_held(&v3c_topology);

	iommu_group_put(core);
	list_for_each_entry(group, &v3c_groups, entry)
		if (core && group->group == core)
			return group;
	return NULL;
}

/* Whether a driver is bound that uses the DMA API, which then goes through our page table. */
static bool has_ordinary_driver(struct device *dev)
{
	struct device_driver *driver = READ_ONCE(dev->driver);

	if (!driver)
		return false;
	if (dev_is_pci(dev))
		return !to_pci_driver(driver)->driver_managed_dma;
	if (dev_is_platform(dev))
		return !to_platform_driver(driver)->driver_managed_dma;
	return true;
}

static int foreign_driver(struct device *member, void *dev)
{
	return member != dev && has_ordinary_driver(member);
}

/* Not while it probes, which may fail without a word. */
static int foreign_bound(struct device *member, void *dev)
{
	return device_is_bound(member) && foreign_driver(member, dev);
}

/**
 * v3c_group_is_foreign() - whether an ordinary driver of another device has the group
 * @dev: a device in it
 *
 * Context: may sleep; under v3c_topology.
 * Return: true when @dev cannot be attached because of that; false also when the group is ours.
 */
bool v3c_group_is_foreign(struct device *dev)
{
	struct iommu_group *core;
	bool foreign;

	if (v3c_group_find(dev))
		return false;
	core = iommu_group_get(dev);
	if (!core)
		return false;
	foreign = iommu_group_for_each_dev(core, dev, foreign_bound);
	iommu_group_put(core);
	return foreign;
}

/*
 * DMA ownership keeps everybody else from changing the group's domain, and its device blocked where
 * no domain of ours is attached. An ordinary driver owns its device already: if it is the client, as a
 * GPU driver would be, its device is attached without. A firmware range that must stay mapped makes
 * the core refuse ownership to anybody; then, too, the attach alone has to do.
 */
static int claim(struct v3c_group *group, struct device *dev)
{
	int ret = iommu_device_claim_dma_owner(dev, &v3c_owner);

	if (!ret) {
		group->owned = true;
		return 0;
	}
	if (ret == -EPERM && has_ordinary_driver(dev) &&
	    !iommu_group_for_each_dev(group->group, dev, foreign_driver))
		return 0;
	if (ret == -EINVAL && !iommu_group_for_each_dev(group->group, dev, foreign_driver))
		return 0;
	return ret;
}

static struct v3c_group *take(struct device *dev)
{
	struct v3c_group *group;
	int ret;

	group = kzalloc(sizeof(*group), GFP_KERNEL);
	if (!group)
		return ERR_PTR(-ENOMEM);
	ret = -ENODEV;
	group->group = iommu_group_get(dev);
	if (!group->group)
		goto free_group;
	ret = claim(group, dev);
	if (ret)
		goto put_group;
	list_add(&group->entry, &v3c_groups);
	v3c_guard_changed();
	return group;

put_group:
	iommu_group_put(group->group);
free_group:
	kfree(group);
	return ERR_PTR(ret);
}

/**
 * v3c_group_use() - get hold of a device's group, to attach the device or a PASID of it
 * @dev: the device
 *
 * The first use claims the group.
 *
 * Context: may sleep; under v3c_topology.
 * Return: the group, to be given to v3c_group_unuse(); or ERR_PTR: -ENOMEM, -ENODEV, or -EPERM or
 * -EBUSY when it is in other hands.
 */
struct v3c_group *v3c_group_use(struct device *dev)
{
	struct v3c_group *group = v3c_group_find(dev);

	lockdep_assert_held(&v3c_topology);

	if (!group)
		group = take(dev);
	if (!IS_ERR(group))
		group->uses++;
	return group;
}

/* One use less; the last one gives the group back. What was attached for it is detached already. */
void v3c_group_unuse(struct v3c_group *group)
{
	lockdep_assert_held(&v3c_topology);

	if (--group->uses)
		return;
	if (group->owned)
		iommu_group_release_dma_owner(group->group);
	iommu_group_put(group->group);
	list_del(&group->entry);
	v3c_guard_changed();
	kfree(group);
}

/* For untagged DMA. -EINVAL means that the group's IOMMU wants a page table of another kind. */
int v3c_group_attach(struct v3c_group *group, struct iommu_domain *translation,
		     struct v3c_hwpt *hwpt)
{
	int ret = iommu_attach_group(translation, group->group);

	if (ret)
		return ret;
	group->translation = translation;
	group->hwpt = hwpt;
	return 0;
}

void v3c_group_detach(struct v3c_group *group)
{
	iommu_detach_group(group->translation, group->group);
	group->translation = NULL;
	group->hwpt = NULL;
}
