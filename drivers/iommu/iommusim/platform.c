// SPDX-License-Identifier: GPL-2.0
#include <linux/iommu.h>
#include <linux/log2.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/property.h>
#include <linux/slab.h>

#include "compat.h"
#include "device.h"
#include "instance.h"
#include "platform.h"
#include "resources.h"

#define NAME_MANAGED	"iommusim-managed"
#define NAME_ORDINARY	"iommusim-ordinary"

static const char *device_name(const struct iommusim_device_config *cfg)
{
	if (cfg->managed_dma)
		return NAME_MANAGED;
	return cfg->ordinary_driver ? NAME_ORDINARY : IOMMUSIM_DEVICE_NAME;
}

static struct platform_device *alloc_platform_device(struct iommusim *sim,
						     const struct iommusim_device_config *cfg)
{
	struct platform_device *pdev;
	struct iommusim_device *sdev;

	pdev = platform_device_alloc(device_name(cfg), PLATFORM_DEVID_AUTO);
	if (!pdev)
		return ERR_PTR(-ENOMEM);
	sdev = iommusim_device_alloc(sim, cfg);
	if (IS_ERR(sdev)) {
		platform_device_put(pdev);
		return ERR_CAST(sdev);
	}
	iommusim_device_adopt(sdev, &pdev->dev);
	pdev->dev.parent = &sim->hw->dev;
	*pdev->dev.dma_mask = sdev->dma_mask;
	pdev->dev.coherent_dma_mask = sdev->dma_mask;
	if (cfg->external)
		dev_set_removable(&pdev->dev, DEVICE_REMOVABLE);
	return pdev;
}

static u32 next_stream(struct iommusim *sim)
{
	guard(mutex)(&sim->lock);
	return sim->next_stream++;
}

int iommusim_init_fwspec(struct device *dev, struct iommusim *sim)
{
	u32 stream = next_stream(sim);
	int err;

	/*
	 * iommu_fwspec_init() asserts iommu_probe_device_lock, which modules cannot take. The lock
	 * protects dev->iommu, which has no other user before device_add(), and the caller of
	 * iommusim_device_join() keeps others away.
	 */
	lockdep_off();
	err = iommu_fwspec_init(dev, sim->fwnode);
	if (!err)
		err = iommu_fwspec_add_ids(dev, &stream, 1);
	lockdep_on();
	return err;
}

/*
 * The IOMMU core frees dev->iommu of any device that it has seen, so free_fwspec() is for one that
 * it has not.
 */
static void free_fwspec(struct device *dev)
{
	struct dev_iommu *iommu = dev->iommu;

	if (!iommu)
		return;
	dev->iommu = NULL;
	if (iommu->fwspec)
		fwnode_handle_put(iommu->fwspec->iommu_fwnode);
	kfree(iommu->fwspec);
	kfree(iommu);
}

static int set_pasid_width(struct device *dev, u32 max_pasids)
{
	struct property_entry properties[] = {
		PROPERTY_ENTRY_U32("pasid-num-bits", order_base_2(max_pasids)),
		{ }
	};

	return max_pasids ? device_create_managed_software_node(dev, properties, NULL) : 0;
}

static int add_platform_device(struct platform_device *pdev, struct iommusim *sim,
			       const struct iommusim_device_config *cfg)
{
	int err;

	if (iommusim_to_device(&pdev->dev)->resources) {
		err = iommusim_resources_add(iommusim_to_device(&pdev->dev)->resources, pdev);
		if (err)
			return err;
	}
	err = set_pasid_width(&pdev->dev, cfg->no_pasids ? 0 : sim->config.max_pasids);
	if (err)
		return err;
	if (!cfg->late)
		err = iommusim_init_fwspec(&pdev->dev, sim);
	if (!err) {
		guard(rwsem_read)(&iommusim_plugging);
		err = platform_device_add(pdev);
	}
	if (err) {
		free_fwspec(&pdev->dev);
		/* Older kernels take back only the software node of a device that was added. */
		device_remove_software_node(&pdev->dev);
	} else if (cfg->late) {
		device_release_driver(&pdev->dev);
	}
	return err;
}

/*
 * remove_platform_device(): its driver goes first, because that may wait for others. One that
 * somebody binds in between is waited for with iommusim_plugging held.
 */
static void remove_platform_device(struct platform_device *pdev)
{
	device_release_driver(&pdev->dev);
	guard(rwsem_read)(&iommusim_plugging);
	platform_device_unregister(pdev);
}

/* platform_device_add() succeeds also when the IOMMU core or a driver refuses the device. */
static int check_device(struct device *dev, const struct iommusim_device_config *cfg)
{
	struct iommu_group *group = iommu_group_get(dev);

	if (!group)
		return cfg->late ? 0 : -ENODEV;
	iommu_group_put(group);
	if (iommusim_to_device(dev)->sim->queue && !iommusim_to_device(dev)->requests_enabled)
		return -ENOMEM;
	if ((cfg->managed_dma || cfg->ordinary_driver) && !device_is_bound(dev))
		return -EBUSY;
	return 0;
}

/**
 * iommusim_device_create() - plug in a device behind an instance
 * @sim: the instance
 * @cfg: what it is like; NULL is the same as all zeroes
 *
 * The device is a platform device and starts in the default domain of its group.
 *
 * Context: may sleep. Must not be called with locks held that bus notifiers take.
 * Return: the device, for iommusim_device_destroy(); -EINVAL for a bad configuration; -ENODEV when
 * the IOMMU core, -EBUSY when the driver asked for did not take the device.
 */
struct device *iommusim_device_create(struct iommusim *sim,
				      const struct iommusim_device_config *cfg)
{
	static const struct iommusim_device_config default_config;
	struct iommusim_device *sdev;
	struct platform_device *pdev;
	int err;

	if (!cfg)
		cfg = &default_config;
	if (cfg->managed_dma && cfg->ordinary_driver)
		return ERR_PTR(-EINVAL);

	pdev = alloc_platform_device(sim, cfg);
	if (IS_ERR(pdev))
		return ERR_CAST(pdev);
	err = add_platform_device(pdev, sim, cfg);
	if (err) {
		platform_device_put(pdev);
		return ERR_PTR(err);
	}
	err = check_device(&pdev->dev, cfg);
	if (err) {
		remove_platform_device(pdev);
		return ERR_PTR(err);
	}
	sdev = iommusim_to_device(&pdev->dev);
	if (sdev->resources)
		iommusim_resources_label(sdev->resources, dev_name(&pdev->dev));
	scoped_guard(mutex, &sim->lock)
		list_add_tail(&sdev->node, &sim->devices);
	return &pdev->dev;
}
V3C_EXPORT_NS_GPL(iommusim_device_create, IOMMUSIM);

/**
 * iommusim_device_destroy() - unplug a device
 * @dev: from iommusim_device_create()
 *
 * Hot removal, as the driver core does it: notifiers run and a driver is unbound, then the IOMMU
 * core releases the device. Drops the creator's reference. DMA of whoever else holds a reference
 * ends in %IOMMUSIM_FAULT_BLOCKED.
 *
 * Context: may sleep. Must not be called with locks held that bus notifiers take.
 */
void iommusim_device_destroy(struct device *dev)
{
	struct iommusim_device *sdev = iommusim_to_device(dev);

	if (WARN_ON(!sdev))
		return;
	scoped_guard(mutex, &sdev->sim->lock)
		list_del_init(&sdev->node);
	remove_platform_device(to_platform_device(dev));
}
V3C_EXPORT_NS_GPL(iommusim_device_destroy, IOMMUSIM);

/**
 * iommusim_set_interrupt() - set the interrupt line of a device
 * @dev: a simulated device with resources
 * @on: whether it is up
 *
 * An edge-triggered interrupt comes when the line goes up, a level-triggered one as long as it is.
 *
 * Context: may sleep; returns when the handlers have run.
 * Return: 0, or -ENXIO for a device without an interrupt.
 */
int iommusim_set_interrupt(struct device *dev, bool on)
{
	struct iommusim_device *sdev = iommusim_to_device(dev);

	if (!sdev || !sdev->resources)
		return -ENXIO;
	iommusim_resources_interrupt(sdev->resources, on);
	return 0;
}
V3C_EXPORT_NS_GPL(iommusim_set_interrupt, IOMMUSIM);

static int probe_nothing(struct platform_device *pdev)
{
	return 0;
}

static struct platform_driver managed_driver = {
	.probe = probe_nothing,
	.driver = {
		.name = NAME_MANAGED,
		.probe_type = PROBE_FORCE_SYNCHRONOUS,
	},
	.driver_managed_dma = true,
};

static struct platform_driver ordinary_driver = {
	.probe = probe_nothing,
	.driver = {
		.name = NAME_ORDINARY,
		.probe_type = PROBE_FORCE_SYNCHRONOUS,
	},
};

static struct platform_driver * const drivers[] = { &managed_driver, &ordinary_driver };

int iommusim_drivers_register(void)
{
	return platform_register_drivers(drivers, ARRAY_SIZE(drivers));
}

void iommusim_drivers_unregister(void)
{
	platform_unregister_drivers(drivers, ARRAY_SIZE(drivers));
}
