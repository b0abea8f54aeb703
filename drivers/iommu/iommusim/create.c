// SPDX-License-Identifier: GPL-2.0
#include <linux/iommu.h>
#include <linux/mutex.h>
#include <linux/platform_device.h>
#include <linux/property.h>

#include "compat.h"
#include "device.h"
#include "instance.h"
#include "ops.h"
#include "platform.h"

/*
 * iommusim_plugging is held for writing while an instance comes or goes, for reading while a device
 * does, because the core probes all devices of all buses for an IOMMU that comes, and then looks at
 * those of their groups without a lock: otherwise it would meet one that is being freed, or free
 * its dev->iommu twice.
 */
DECLARE_RWSEM(iommusim_plugging);

static int alloc_queue(struct iommusim *sim)
{
	char name[16];

	if (!(sim->config.features & IOMMUSIM_PAGE_REQUESTS))
		return 0;
	snprintf(name, sizeof(name), "iommusim%d", sim->id);
	sim->queue = iopf_queue_alloc(name);
	return sim->queue ? 0 : -ENOMEM;
}

/*
 * iommu_device_sysfs_add() gets the quirks in the name, because the IOMMU API has no way to ask for
 * them.
 */
static int add_to_sysfs(struct iommusim *sim)
{
	const u32 quirks = sim->config.quirks;

	return iommu_device_sysfs_add(&sim->iommu, &sim->hw->dev, NULL, "iommusim%s%s%s%s%s%s%s%d",
				      quirks & IOMMUSIM_SILENT_FAULTS ? "-silent" : "",
				      quirks & IOMMUSIM_WHOLE_MAPS ? "-whole" : "",
				      quirks & IOMMUSIM_MOVING_ROOT ? "-moving" : "",
				      quirks & IOMMUSIM_SHORT_FLUSH ? "-short" : "",
				      quirks & IOMMUSIM_ALLOC_PER_MAP ? "-alloc" : "",
				      quirks & IOMMUSIM_LATE_SEND ? "-late" : "",
				      quirks & IOMMUSIM_RUN_FLUSH ? "-runs" : "", sim->id);
}

/*
 * sim->fwnode belongs to this instance alone, because the core finds the driver of a device by its
 * firmware node.
 */
static int register_instance(struct iommusim *sim)
{
	int err;

	lockdep_assert_held_write(&iommusim_plugging);
	sim->hw = platform_device_register_simple("iommusim", sim->id, NULL, 0);
	if (IS_ERR(sim->hw))
		return PTR_ERR(sim->hw);
	sim->fwnode = fwnode_create_software_node(NULL, NULL);
	if (IS_ERR(sim->fwnode)) {
		err = PTR_ERR(sim->fwnode);
		goto err_hw;
	}
	sim->iommu.fwnode = sim->fwnode;
	sim->iommu.max_pasids = sim->config.max_pasids;
	err = alloc_queue(sim);
	if (err)
		goto err_fwnode;
	err = add_to_sysfs(sim);
	if (err)
		goto err_queue;
	err = iommu_device_register(&sim->iommu, iommusim_ops(&sim->config), NULL);
	if (err)
		goto err_sysfs;
	return 0;

err_sysfs:
	iommu_device_sysfs_remove(&sim->iommu);
err_queue:
	iopf_queue_free(sim->queue);
err_fwnode:
	fwnode_remove_software_node(sim->fwnode);
err_hw:
	platform_device_unregister(sim->hw);
	return err;
}

static void unregister_instance(struct iommusim *sim)
{
	guard(rwsem_write)(&iommusim_plugging);
	iommu_device_unregister(&sim->iommu);
	iommu_device_sysfs_remove(&sim->iommu);
	iopf_queue_free(sim->queue);
	fwnode_remove_software_node(sim->fwnode);
	platform_device_unregister(sim->hw);
}

/**
 * iommusim_create() - register another software IOMMU
 * @cfg: what it can do; NULL is the same as all zeroes
 *
 * Context: may sleep.
 * Return: the instance, for iommusim_destroy(); -EINVAL for a configuration out of range;
 * -EOPNOTSUPP for a feature that this kernel lacks; what the driver core and the IOMMU core answer
 * otherwise.
 */
struct iommusim *iommusim_create(const struct iommusim_config *cfg)
{
	struct iommusim *sim = iommusim_alloc(cfg);
	int err;

	if (IS_ERR(sim))
		return sim;
	scoped_guard(rwsem_write, &iommusim_plugging)
		err = register_instance(sim);
	if (err) {
		iommusim_put(sim);
		return ERR_PTR(err);
	}
	return sim;
}
V3C_EXPORT_NS_GPL(iommusim_create, IOMMUSIM);

static struct device *first_device(struct iommusim *sim)
{
	struct iommusim_device *sdev;

	guard(mutex)(&sim->lock);
	sdev = list_first_entry_or_null(&sim->devices, struct iommusim_device, node);
	return sdev ? sdev->dev : NULL;
}

/**
 * iommusim_destroy() - take an instance away
 * @sim: from iommusim_create(); must not be used afterwards
 *
 * All its devices should be gone. Those that are not are destroyed, each with a message. Domains
 * allocated through it stay usable until they are freed.
 *
 * Context: may sleep.
 */
void iommusim_destroy(struct iommusim *sim)
{
	struct device *dev;

	while ((dev = first_device(sim))) {
		dev_warn(dev, "iommusim: destroyed with its instance\n");
		iommusim_device_destroy(dev);
	}
	unregister_instance(sim);
	iommusim_put(sim);
}
V3C_EXPORT_NS_GPL(iommusim_destroy, IOMMUSIM);

/**
 * iommusim_device_join() - let the IOMMU core find a device that it did not know
 * @dev: created as a late one, without a driver
 *
 * No event tells of it, as when the firmware's description of a device is looked at only when a
 * driver is about to be bound. The core looks for such devices whenever an instance is created.
 *
 * Context: may sleep; nobody else creates an instance or a device meanwhile.
 * Return: 0, -ENOMEM, or -ENODEV when the core did not take the device.
 */
int iommusim_device_join(struct device *dev)
{
	struct iommusim_device *sdev = iommusim_to_device(dev);
	struct iommusim *helper;
	int err = iommusim_init_fwspec(dev, sdev->sim);

	if (err)
		return err;
	helper = iommusim_create(NULL);
	if (IS_ERR(helper))
		return PTR_ERR(helper);
	iommusim_destroy(helper);
	return device_iommu_mapped(dev) ? 0 : -ENODEV;
}
V3C_EXPORT_NS_GPL(iommusim_device_join, IOMMUSIM);
