// SPDX-License-Identifier: GPL-2.0
#include <linux/iommu.h>
#include <linux/slab.h>

#include "attach.h"
#include "compat.h"
#include "device.h"
#include "domain.h"
#include "request.h"

/*
 * take_attach_failure() spares IOMMU_DOMAIN_BLOCKED and sdev->first_domain, because the core warns
 * when attaching them fails.
 */
static int take_attach_failure(struct iommusim_device *sdev, u32 pasid,
			       struct iommu_domain *domain)
{
	unsigned long flags;
	int err = 0;

	if (domain->type == IOMMU_DOMAIN_BLOCKED)
		return 0;
	if (pasid == IOMMUSIM_NO_PASID && (!sdev->first_domain || domain == sdev->first_domain))
		return 0;
	/*
	 * first_domain is the domain of the group when a device joins one that is attached. The
	 * default domain of the others, of type __IOMMU_DOMAIN_DMA_API, comes later and is spared,
	 * too.
	 */
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

/* Return: the context of @pasid, made when missing */
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

/* When switch_domain() returns, no DMA and no page request uses the old domain. */
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
