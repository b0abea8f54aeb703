// SPDX-License-Identifier: GPL-2.0
/*
 * Method "raw": the IOMMU core on a domain of our own, attached the way the V3
 * module attaches one. It keeps no record of anything: the floor.
 */
#include <linux/iommu.h>

#include "v3bench.h"

static int attach(struct v3b *b)
{
	int err = iommu_device_claim_dma_owner(b->dev, b);

	if (err)
		return err;
	err = iommu_attach_device(b->domain, b->dev);
	if (err)
		iommu_device_release_dma_owner(b->dev);
	return err;
}

int v3b_raw_open(struct v3b *b)
{
	int err;

	b->domain = iommu_paging_domain_alloc(b->dev);
	if (IS_ERR(b->domain))
		return PTR_ERR(b->domain);
	err = attach(b);
	if (err)
		iommu_domain_free(b->domain);
	return err;
}

void v3b_raw_close(struct v3b *b)
{
	iommu_detach_device(b->domain, b->dev);
	iommu_device_release_dma_owner(b->dev);
	iommu_domain_free(b->domain);
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
	.keeps_live = true,
	.open = v3b_raw_open,
	.close = v3b_raw_close,
	.map = raw_map,
	.unmap = raw_unmap,
};
