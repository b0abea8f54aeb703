// SPDX-License-Identifier: GPL-2.0
/*
 * Method "raw": the IOMMU core on a domain of our own, attached the way the V3
 * module attaches one. It keeps no record of anything: the floor.
 */
#include <linux/iommu.h>

#include "v3bench.h"

static int attach(struct v3b *b, struct iommu_domain *domain, struct device *dev)
{
	int err = iommu_device_claim_dma_owner(dev, b);

	if (err)
		return err;
	err = iommu_attach_device(domain, dev);
	if (err)
		iommu_device_release_dma_owner(dev);
	return err;
}

/**
 * v3b_domain_attach - attach a device to a domain of the core's, as the V3 module does
 * @b: the benchmark, the owner of the device's DMA
 * @dev: the device
 *
 * Return: a new domain, to be given to v3b_domain_detach(), or ERR_PTR.
 */
struct iommu_domain *v3b_domain_attach(struct v3b *b, struct device *dev)
{
	struct iommu_domain *domain = iommu_paging_domain_alloc(dev);
	int err;

	if (IS_ERR(domain))
		return domain;
	err = attach(b, domain, dev);
	if (!err)
		return domain;
	iommu_domain_free(domain);
	return ERR_PTR(err);
}

void v3b_domain_detach(struct iommu_domain *domain, struct device *dev)
{
	iommu_detach_device(domain, dev);
	iommu_device_release_dma_owner(dev);
	iommu_domain_free(domain);
}

int v3b_raw_open(struct v3b *b)
{
	b->domain = v3b_domain_attach(b, b->dev);
	return PTR_ERR_OR_ZERO(b->domain);
}

void v3b_raw_close(struct v3b *b)
{
	v3b_domain_detach(b->domain, b->dev);
}

static int raw_map(struct v3b *b, const struct v3b_job *job, struct v3b_slot *slot)
{
	ssize_t mapped;

	slot->address = job->place;
	if (!(job->shape->features & V3B_SCATTER))
		return iommu_map(b->domain, job->place, job->phys, job->size, b->prot, b->gfp);
	mapped = iommu_map_sg(b->domain, job->place, b->sg, V3B_SCATTERED_PAGES, b->prot, b->gfp);
	return mapped < 0 ? mapped : 0;
}

static void raw_unmap(struct v3b *b, const struct v3b_job *job, struct v3b_slot *slot)
{
	iommu_unmap(b->domain, slot->address, job->size);
}

const struct v3b_method v3b_raw = {
	.name = "raw",
	.lacks = V3B_MDL,
	.open = v3b_raw_open,
	.close = v3b_raw_close,
	.map = raw_map,
	.unmap = raw_unmap,
};
