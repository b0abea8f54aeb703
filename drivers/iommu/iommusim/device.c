// SPDX-License-Identifier: GPL-2.0
#include <linux/iommu.h>
#include <linux/lockdep.h>
#include <linux/log2.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/property.h>
#include <linux/slab.h>

#include "compat.h"
#include "device.h"
#include "domain.h"
#include "instance.h"
#include "request.h"

#define NAME_MANAGED	"iommusim-managed"
#define NAME_ORDINARY	"iommusim-ordinary"

/* A group that several devices of one instance share; lives while a device is in it. */
struct iommusim_group {
	struct iommu_group *group;	/* held by the devices */
	unsigned int users;		/* protected by sim->lock */
};

static const struct iommusim_region msi_window = {
	.first = 0xfee00000,
	.last = 0xfeefffff,
	.type = IOMMU_RESV_MSI,
	.prot = IOMMU_WRITE | IOMMU_NOEXEC | IOMMU_MMIO,
};

static void release_platform_device(struct device *dev)
{
	struct iommusim_device *sdev = dev_get_platdata(dev);
	struct iommusim_region *regions = sdev->regions;
	struct iommusim *sim = sdev->sim;

	sdev->release(dev);
	kfree(regions);
	iommusim_put(sim);
	module_put(THIS_MODULE);
}

/* NULL when @dev is somebody else's. */
struct iommusim_device *iommusim_to_device(struct device *dev)
{
	return dev && dev->release == release_platform_device ? dev_get_platdata(dev) : NULL;
}

/* sdev->lock must be held for as long as the context is used. */
struct iommusim_context *iommusim_find_context(struct iommusim_device *sdev, u32 pasid)
{
	lockdep_assert_held(&sdev->lock);
	return pasid == IOMMUSIM_NO_PASID ? &sdev->rid : xa_load(&sdev->pasids, pasid);
}

/* Blocking and going back to the default must always work, or the core warns. */
static int take_attach_failure(struct iommusim_device *sdev, u32 pasid,
			       struct iommu_domain *domain)
{
	unsigned long flags;
	int err = 0;

	if (domain->type == IOMMU_DOMAIN_BLOCKED)
		return 0;
	if (pasid == IOMMUSIM_NO_PASID && (!sdev->first_domain || domain == sdev->first_domain))
		return 0;
	/* Whoever joins an attached group meets the default domain of the others only later. */
	if (domain->type & __IOMMU_DOMAIN_DMA_API)
		return 0;
	write_lock_irqsave(&sdev->lock, flags);
	if (sdev->attach_failures) {
		sdev->attach_failures--;
		err = sdev->attach_error;
	}
	write_unlock_irqrestore(&sdev->lock, flags);
	return err;
}

/* The context to attach to; that of a PASID is made when missing. */
static struct iommusim_context *get_context(struct iommusim_device *sdev, u32 pasid)
{
	struct iommusim_context *context;
	int err;

	if (pasid == IOMMUSIM_NO_PASID)
		return &sdev->rid;
	context = xa_load(&sdev->pasids, pasid);
	if (context)
		return context;
	context = kzalloc_obj(*context);
	if (!context)
		return ERR_PTR(-ENOMEM);
	err = xa_insert(&sdev->pasids, pasid, context, GFP_KERNEL);
	if (err) {
		kfree(context);
		return ERR_PTR(err);
	}
	return context;
}

/* Afterwards no DMA and no page request uses the old domain. */
static void switch_domain(struct iommusim_device *sdev, u32 pasid,
			  struct iommusim_context *context, struct iommu_domain *domain)
{
	struct iommusim_domain *paging;
	struct iommu_domain *old;
	unsigned long flags;

	write_lock_irqsave(&sdev->lock, flags);
	old = context->domain;
	context->domain = domain;
	write_unlock_irqrestore(&sdev->lock, flags);
	if (old)
		iommusim_drain_requests(sdev, pasid);
	paging = iommusim_to_paging(old);
	if (paging)
		iommusim_domain_detach(paging);
}

int iommusim_set_context(struct device *dev, u32 pasid, struct iommu_domain *domain)
{
	struct iommusim_device *sdev = iommusim_to_device(dev);
	struct iommusim_domain *paging = iommusim_to_paging(domain);
	struct iommusim_context *context;
	int err;

	err = take_attach_failure(sdev, pasid, domain);
	if (err)
		return err;
	context = get_context(sdev, pasid);
	if (IS_ERR(context))
		return PTR_ERR(context);
	if (paging) {
		err = iommusim_domain_attach(paging, sdev->sim);
		if (err) {
			if (!context->domain)
				iommusim_clear_context(dev, pasid);
			return err;
		}
	}
	switch_domain(sdev, pasid, context, domain);
	if (pasid == IOMMUSIM_NO_PASID && !sdev->first_domain)
		sdev->first_domain = domain;
	return 0;
}

void iommusim_clear_context(struct device *dev, u32 pasid)
{
	struct iommusim_device *sdev = iommusim_to_device(dev);
	struct iommusim_context *context;

	if (pasid == IOMMUSIM_NO_PASID) {
		switch_domain(sdev, pasid, &sdev->rid, NULL);
		return;
	}
	context = xa_erase(&sdev->pasids, pasid);
	if (!context)
		return;
	switch_domain(sdev, pasid, context, NULL);
	kfree(context);
}

struct iommu_device *iommusim_probe_device(struct device *dev)
{
	struct iommusim_device *sdev = iommusim_to_device(dev);

	return sdev ? &sdev->sim->iommu : ERR_PTR(-ENODEV);
}

static void leave_group(struct iommusim_device *sdev)
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

/* The core has gone back to the blocking domain, but knows nothing of what others left attached. */
void iommusim_release_device(struct device *dev)
{
	struct iommusim_device *sdev = iommusim_to_device(dev);
	struct iommusim_context *context;
	unsigned long pasid;

	xa_for_each(&sdev->pasids, pasid, context)
		iommusim_clear_context(dev, pasid);
	iommusim_clear_context(dev, IOMMUSIM_NO_PASID);
	iommusim_requests_disable(sdev);
	sdev->first_domain = NULL;
	leave_group(sdev);
}

static struct iommu_group *create_shared_group(struct iommusim_device *sdev)
{
	struct iommusim_group *shared = kzalloc_obj(*shared);
	struct iommu_group *group;
	int err;

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

void iommusim_get_resv_regions(struct device *dev, struct list_head *head)
{
	struct iommusim_device *sdev = iommusim_to_device(dev);
	struct iommu_resv_region *region;
	u32 i;

	for (i = 0; i < sdev->nr_regions; i++) {
		const struct iommusim_region *from = &sdev->regions[i];

		/* The core has no way to learn of one that is missing. */
		region = iommu_alloc_resv_region(from->first, from->last - from->first + 1,
						 from->prot, from->type,
						 GFP_KERNEL | __GFP_NOFAIL);
		list_add_tail(&region->list, head);
	}
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

/* The core does something for each page of the regions that it maps, and of MSI windows. */
static bool are_valid(const struct iommusim *sim, const struct iommusim_region *regions, u32 count)
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
	if (!are_valid(sim, from, count))
		return -EINVAL;
	if (!count)
		return 0;
	sdev->regions = kmemdup_array(from, count, sizeof(*from), GFP_KERNEL);
	if (!sdev->regions)
		return -ENOMEM;
	sdev->nr_regions = count;
	return 0;
}

static struct iommusim_device *alloc_device(struct iommusim *sim,
					    const struct iommusim_device_config *cfg)
{
	struct iommusim_device *sdev = kzalloc_obj(*sdev);
	int err;

	if (!sdev)
		return ERR_PTR(-ENOMEM);
	err = copy_regions(sdev, sim, cfg);
	if (err) {
		kfree(sdev);
		return ERR_PTR(err);
	}
	INIT_LIST_HEAD(&sdev->node);
	rwlock_init(&sdev->lock);
	xa_init(&sdev->pasids);
	iommusim_requests_init(sdev);
	sdev->group_number = cfg->group;
	sdev->dma_mask = cfg->dma_mask ?: U64_MAX;
	sdev->sim = iommusim_get(sim);
	return sdev;
}

static const char *device_name(const struct iommusim_device_config *cfg)
{
	if (cfg->managed_dma)
		return NAME_MANAGED;
	return cfg->ordinary_driver ? NAME_ORDINARY : IOMMUSIM_DEVICE_NAME;
}

/* What is allocated here lives until the last reference to the platform device is gone. */
static struct platform_device *alloc_platform_device(struct iommusim *sim,
						     const struct iommusim_device_config *cfg)
{
	struct platform_device *pdev;
	struct iommusim_device *sdev;

	pdev = platform_device_alloc(device_name(cfg), PLATFORM_DEVID_AUTO);
	if (!pdev)
		return ERR_PTR(-ENOMEM);
	sdev = alloc_device(sim, cfg);
	if (IS_ERR(sdev)) {
		platform_device_put(pdev);
		return ERR_CAST(sdev);
	}
	sdev->dev = &pdev->dev;
	sdev->release = pdev->dev.release;
	pdev->dev.release = release_platform_device;
	pdev->dev.platform_data = sdev;
	pdev->dev.parent = &sim->hw->dev;
	*pdev->dev.dma_mask = sdev->dma_mask;
	pdev->dev.coherent_dma_mask = sdev->dma_mask;
	if (cfg->external)
		dev_set_removable(&pdev->dev, DEVICE_REMOVABLE);
	__module_get(THIS_MODULE);
	return pdev;
}

static u32 next_stream(struct iommusim *sim)
{
	guard(mutex)(&sim->lock);
	return sim->next_stream++;
}

static int init_fwspec(struct device *dev, struct iommusim *sim)
{
	u32 stream = next_stream(sim);
	int err;

	/*
	 * The core asserts a mutex that modules cannot take. It protects dev->iommu, which nobody
	 * else can know of before the device is added.
	 */
	lockdep_off();
	err = iommu_fwspec_init(dev, sim->fwnode);
	if (!err)
		err = iommu_fwspec_add_ids(dev, &stream, 1);
	lockdep_on();
	return err;
}

/* Of a device that the core never saw, or it would have freed this itself. */
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

	err = set_pasid_width(&pdev->dev, cfg->no_pasids ? 0 : sim->config.max_pasids);
	if (err)
		return err;
	if (!cfg->late)
		err = init_fwspec(&pdev->dev, sim);
	if (!err)
		err = platform_device_add(pdev);
	if (err)
		free_fwspec(&pdev->dev);
	else if (cfg->late)
		device_release_driver(&pdev->dev);
	return err;
}

/* The driver core does not fail when the IOMMU core or a driver refuses a device. */
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
		platform_device_unregister(pdev);
		return ERR_PTR(err);
	}
	scoped_guard(mutex, &sim->lock)
		list_add_tail(&iommusim_to_device(&pdev->dev)->node, &sim->devices);
	return &pdev->dev;
}
V3C_EXPORT_NS_GPL(iommusim_device_create, IOMMUSIM);

/**
 * iommusim_device_join() - let the IOMMU core find a device that it did not know
 * @dev: created as a late one, without a driver
 *
 * No event tells of it, as when the firmware's description of a device is looked at only when a driver
 * is about to be bound. The core looks for such devices whenever an instance is created.
 *
 * Context: may sleep; nobody else creates an instance or a device meanwhile.
 * Return: 0, -ENOMEM, or -ENODEV when the core did not take the device.
 */
int iommusim_device_join(struct device *dev)
{
	struct iommusim_device *sdev = iommusim_to_device(dev);
	struct iommusim *helper;
	int err = init_fwspec(dev, sdev->sim);

	if (err)
		return err;
	helper = iommusim_create(NULL);
	if (IS_ERR(helper))
		return PTR_ERR(helper);
	iommusim_destroy(helper);
	return device_iommu_mapped(dev) ? 0 : -ENODEV;
}
V3C_EXPORT_NS_GPL(iommusim_device_join, IOMMUSIM);

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
	platform_device_unregister(to_platform_device(dev));
}
V3C_EXPORT_NS_GPL(iommusim_device_destroy, IOMMUSIM);

/**
 * iommusim_fail_attach() - let attaches fail
 * @dev: a simulated device
 * @err: negative error code that they fail with
 * @times: that many attaches fail, of the device or of a PASID, to any domain but the default and
 *	the blocking one; 0 ends all failing
 *
 * Context: any.
 */
void iommusim_fail_attach(struct device *dev, int err, unsigned int times)
{
	struct iommusim_device *sdev = iommusim_to_device(dev);
	unsigned long flags;

	if (WARN_ON(!sdev || err >= 0))
		return;
	write_lock_irqsave(&sdev->lock, flags);
	sdev->attach_error = err;
	sdev->attach_failures = times;
	write_unlock_irqrestore(&sdev->lock, flags);
}
V3C_EXPORT_NS_GPL(iommusim_fail_attach, IOMMUSIM);

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
