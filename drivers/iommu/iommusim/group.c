// SPDX-License-Identifier: GPL-2.0
#include <linux/iommu.h>
#include <linux/lockdep.h>
#include <linux/slab.h>

#include "compat.h"
#include "device.h"
#include "group.h"
#include "instance.h"

/**
 * struct iommusim_group - a group that devices of one instance share, while there are any
 * @group: the core's group, on which each device has a reference
 * @users: number of devices, protected by &iommusim.lock
 */
struct iommusim_group {
	struct iommu_group *group;
	unsigned int users;
};

static struct iommu_group *create_shared_group(struct iommusim_device *sdev)
{
	struct iommusim_group *shared = kzalloc_obj(*shared);
	struct iommu_group *group;
	int err;

	lockdep_assert_held(&sdev->sim->lock);

	if (!shared)
		return ERR_PTR(-ENOMEM);
	err = xa_insert(&sdev->sim->groups, sdev->group_number, shared, GFP_KERNEL);
	if (err) {
		kfree(shared);
		return ERR_PTR(err);
	}
	group = generic_device_group(sdev->dev);
	if (IS_ERR(group)) {
		xa_erase(&sdev->sim->groups, sdev->group_number);
		kfree(shared);
		return group;
	}
	shared->group = group;
	shared->users = 1;
	sdev->group = shared;
	return group;
}

struct iommu_group *iommusim_device_group(struct device *dev)
{
	struct iommusim_device *sdev = iommusim_to_device(dev);
	struct iommusim_group *shared;

	if (!sdev->group_number)
		return generic_device_group(dev);

	guard(mutex)(&sdev->sim->lock);
	shared = xa_load(&sdev->sim->groups, sdev->group_number);
	if (!shared)
		return create_shared_group(sdev);
	shared->users++;
	sdev->group = shared;
	return iommu_group_ref_get(shared->group);
}

void iommusim_group_leave(struct iommusim_device *sdev)
{
	struct iommusim *sim = sdev->sim;
	struct iommusim_group *shared;

	guard(mutex)(&sim->lock);
	shared = sdev->group;
	sdev->group = NULL;
	if (!shared || --shared->users)
		return;
	xa_erase(&sim->groups, sdev->group_number);
	kfree(shared);
}
