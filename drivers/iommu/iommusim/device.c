// SPDX-License-Identifier: GPL-2.0
#include <linux/iommu.h>
#include <linux/lockdep.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "compat.h"
#include "device.h"
#include "instance.h"
#include "resources.h"

static const struct iommusim_region msi_window = {
	.first = 0xfee00000,
	.last = 0xfeefffff,
	.type = IOMMU_RESV_MSI,
	.prot = IOMMU_WRITE | IOMMU_NOEXEC | IOMMU_MMIO,
};

static void release_platform_device(struct device *dev)
{
	struct iommusim_device *sdev = dev_get_platdata(dev);
	struct iommusim_resources *resources = sdev->resources;
	struct iommusim_region *regions = sdev->regions;
	struct iommusim *sim = sdev->sim;

	sdev->release(dev);
	iommusim_resources_free(resources);
	kfree(regions);
	iommusim_put(sim);
	module_put(THIS_MODULE);
}

/* Return: the simulated device, or NULL when @dev is another driver's */
struct iommusim_device *iommusim_to_device(struct device *dev)
{
	return dev && dev->release == release_platform_device ? dev_get_platdata(dev) : NULL;
}

/* The caller holds @sdev->lock for as long as it uses the context. */
struct iommusim_context *iommusim_find_context(struct iommusim_device *sdev, u32 pasid)
{
	lockdep_assert_held(&sdev->lock);
	return pasid == IOMMUSIM_NO_PASID ? &sdev->rid : xa_load(&sdev->pasids, pasid);
}

static bool is_direct(const struct iommusim_region *region)
{
	return region->type == IOMMU_RESV_DIRECT || region->type == IOMMU_RESV_DIRECT_RELAXABLE;
}

static bool is_reachable(const struct iommusim *sim, const struct iommusim_region *region)
{
	return iommusim_is_translatable(iommusim_has_quirk(sim, IOMMUSIM_SIGN_EXTEND),
					sim->config.aperture_bits, region->first, region->last) &&
	       !(region->last >> IOMMUSIM_PHYS_BITS);
}

/*
 * IOMMUSIM_MAX_MAPPED_REGIONS limits direct regions and MSI windows, because the core goes through
 * them page by page.
 */
static bool are_valid_regions(const struct iommusim *sim, const struct iommusim_region *regions,
			      u32 count)
{
	u64 left = IOMMUSIM_MAX_MAPPED_REGIONS;
	u32 i;

	if (count > IOMMUSIM_MAX_REGIONS)
		return false;
	for (i = 0; i < count; i++) {
		const struct iommusim_region *region = &regions[i];
		u64 more = region->last - region->first;

		if (region->first > region->last || more == U64_MAX)
			return false;
		if (is_direct(region) && !is_reachable(sim, region))
			return false;
		if (!is_direct(region) && region->type != IOMMU_RESV_MSI)
			continue;
		if (more >= left)
			return false;
		left -= more + 1;
	}
	return true;
}

static int copy_regions(struct iommusim_device *sdev, const struct iommusim *sim,
			const struct iommusim_device_config *cfg)
{
	const struct iommusim_region *from = cfg->regions ?: &msi_window;
	u32 count = cfg->regions ? cfg->nr_regions : 1;

	if (!cfg->regions && cfg->nr_regions)
		return -EINVAL;
	if (!are_valid_regions(sim, from, count))
		return -EINVAL;
	if (!count)
		return 0;
	sdev->regions = kmemdup_array(from, count, sizeof(*from), GFP_KERNEL);
	if (!sdev->regions)
		return -ENOMEM;
	sdev->nr_regions = count;
	return 0;
}

static int add_resources(struct iommusim_device *sdev, const struct iommusim_device_config *cfg)
{
	if (!cfg->resources)
		return cfg->edge ? -EINVAL : 0;
	sdev->resources = iommusim_resources_alloc(cfg);
	return sdev->resources ? 0 : -ENOMEM;
}

struct iommusim_device *iommusim_device_alloc(struct iommusim *sim,
					      const struct iommusim_device_config *cfg)
{
	struct iommusim_device *sdev = kzalloc_obj(*sdev);
	int err;

	if (!sdev)
		return ERR_PTR(-ENOMEM);
	err = copy_regions(sdev, sim, cfg) ?: add_resources(sdev, cfg);
	if (err) {
		kfree(sdev->regions);
		kfree(sdev);
		return ERR_PTR(err);
	}
	INIT_LIST_HEAD(&sdev->node);
	rwlock_init(&sdev->lock);
	xa_init(&sdev->pasids);
	init_rwsem(&sdev->sleepers);
	xa_init_flags(&sdev->requests, XA_FLAGS_ALLOC);
	sdev->group_number = cfg->group;
	sdev->not_coherent = cfg->not_coherent;
	sdev->dma_mask = cfg->dma_mask ?: U64_MAX;
	sdev->sim = iommusim_get(sim);
	return sdev;
}

/* @sdev lives until release_platform_device() is called, with the last reference to @dev. */
void iommusim_device_adopt(struct iommusim_device *sdev, struct device *dev)
{
	sdev->dev = dev;
	sdev->release = dev->release;
	dev->release = release_platform_device;
	dev->platform_data = sdev;
	__module_get(THIS_MODULE);
}
