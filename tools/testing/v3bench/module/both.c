// SPDX-License-Identifier: GPL-2.0
/*
 * Method "both-raw": every call is made for two domains of the IOMMU core, that of the device and
 * that of a device of iommusim. This is what a V3 domain with two page tables has to do.
 */
#include <linux/iommu.h>
#include <linux/iommusim.h>

#include "sim.h"
#include "v3bench.h"

/* One method is open at a time; see the lock in main.c. */
static struct {
	struct device *dev;
	struct iommu_domain *domain;
} other;

/**
 * v3b_both_lookup - what an address is translated to for both devices
 * @b: the benchmark
 * @other_dev: the second device
 * @address: the address
 *
 * Return: the physical address, 0 when both refuse it, ~0 when they differ.
 */
phys_addr_t v3b_both_lookup(struct v3b *b, struct device *other_dev, u64 address)
{
	phys_addr_t one = iommu_iova_to_phys(iommu_get_domain_for_dev(b->dev), address);
	phys_addr_t two = iommu_iova_to_phys(iommu_get_domain_for_dev(other_dev), address);

	return one == two ? one : ~(phys_addr_t)0;
}

static int both_open(struct v3b *b)
{
	int err = v3b_raw_open(b);

	if (err)
		return err;
	other.dev = v3b_sim_device();
	err = PTR_ERR_OR_ZERO(other.dev);
	if (err)
		goto err_raw;
	other.domain = v3b_domain_attach(b, other.dev);
	err = PTR_ERR_OR_ZERO(other.domain);
	if (err)
		goto err_other;
	return 0;

err_other:
	iommusim_device_destroy(other.dev);
err_raw:
	v3b_raw_close(b);
	return err;
}

static void both_close(struct v3b *b)
{
	v3b_domain_detach(other.domain, other.dev);
	iommusim_device_destroy(other.dev);
	v3b_raw_close(b);
}

static int both_map(struct v3b *b, const struct v3b_job *job, struct v3b_slot *slot)
{
	int err;

	slot->address = job->place;
	err = iommu_map(b->domain, job->place, job->phys, job->size, b->prot, b->gfp);
	if (err)
		return err;
	err = iommu_map(other.domain, job->place, job->phys, job->size, b->prot, b->gfp);
	if (err)
		iommu_unmap(b->domain, job->place, job->size);
	return err;
}

static void both_unmap(struct v3b *b, const struct v3b_job *job, struct v3b_slot *slot)
{
	iommu_unmap(b->domain, slot->address, job->size);
	iommu_unmap(other.domain, slot->address, job->size);
}

static phys_addr_t both_lookup(struct v3b *b, u64 address)
{
	return v3b_both_lookup(b, other.dev, address);
}

const struct v3b_method v3b_both_raw = {
	.name = "both-raw",
	.lacks = V3B_GENERAL_LACKS,
	.open = both_open,
	.close = both_close,
	.map = both_map,
	.unmap = both_unmap,
	.lookup = both_lookup,
};
