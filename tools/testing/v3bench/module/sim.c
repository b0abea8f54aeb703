// SPDX-License-Identifier: GPL-2.0
/*
 * A device behind iommusim, which has PASIDs on every machine, and methods "sim-raw" and
 * "sim-raw-pasid": the IOMMU core on a domain that such a device is attached to.
 */
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/iommu.h>
#include <linux/iommusim.h>
#include <linux/mm.h>
#include <linux/sizes.h>

#include "sim.h"
#include "v3bench.h"

#define MAX_PASIDS	SZ_1K
#define HUGE_ORDER	(21 - PAGE_SHIFT)

/* Protected by the lock in main.c. */
static struct iommusim *instance;

static struct {
	struct device *dev;
	struct page *huge;
	phys_addr_t huge_before;
	struct device *dev_before;
	int prot_before;
	struct iommu_attach_handle handle;
} sim;

/**
 * v3b_sim_device - make a device of the one instance there is
 *
 * Return: the device, to be given to iommusim_device_destroy(), or ERR_PTR.
 */
struct device *v3b_sim_device(void)
{
	struct iommusim_config config = { .max_pasids = MAX_PASIDS };
	struct iommusim_device_config device = { .managed_dma = true };

	if (!instance) {
		struct iommusim *created = iommusim_create(&config);

		if (IS_ERR(created))
			return ERR_CAST(created);
		instance = created;
	}
	return iommusim_device_create(instance, &device);
}

void v3b_sim_exit(void)
{
	if (instance)
		iommusim_destroy(instance);
	instance = NULL;
}

/* v3b_sim_fail_tables() is iommusim_fail_tables() for the instance, which has devices. */
void v3b_sim_fail_tables(unsigned int skip, unsigned int times)
{
	iommusim_fail_tables(instance, skip, times);
}

u64 v3b_sim_tables(void)
{
	struct iommusim_stats stats;

	iommusim_get_stats(instance, &stats);
	return stats.tables;
}

/* v3b_sim_leaves() - the 4 KiB entries in all page tables of the instance. */
u64 v3b_sim_leaves(void)
{
	struct iommusim_stats stats;

	iommusim_get_stats(instance, &stats);
	return stats.leaf_4k;
}

/* So that a DMA tells which page it reached. */
static void sign_pages(phys_addr_t first, unsigned int order)
{
	phys_addr_t at;

	for (at = first; at < first + (PAGE_SIZE << order); at += PAGE_SIZE)
		*(phys_addr_t *)phys_to_virt(at) = at;
}

/**
 * v3b_sim_enter - measure on iommusim
 * @b: the benchmark; gets another device and other memory
 *
 * Return: 0 or a negative errno.
 */
int v3b_sim_enter(struct v3b *b)
{
	struct page *huge = alloc_pages(GFP_KERNEL, HUGE_ORDER);

	if (!huge)
		return -ENOMEM;
	sim.dev = v3b_sim_device();
	if (IS_ERR(sim.dev)) {
		__free_pages(huge, HUGE_ORDER);
		return PTR_ERR(sim.dev);
	}
	sim.huge = huge;
	sim.huge_before = b->huge;
	sim.dev_before = b->dev;
	sim.prot_before = b->prot;
	b->huge = page_to_phys(huge);
	b->dev = sim.dev;
	b->pasid = IOMMUSIM_NO_PASID;
	b->prot = IOMMU_READ | IOMMU_WRITE;
	if (device_iommu_capable(b->dev, IOMMU_CAP_CACHE_COHERENCY))
		b->prot |= IOMMU_CACHE;
	sign_pages(b->huge, HUGE_ORDER);
	sign_pages(page_to_phys(b->small), V3B_SMALL_ORDER);
	return 0;
}

void v3b_sim_leave(struct v3b *b)
{
	b->dev = sim.dev_before;
	b->huge = sim.huge_before;
	b->prot = sim.prot_before;
	iommusim_device_destroy(sim.dev);
	__free_pages(sim.huge, HUGE_ORDER);
}

phys_addr_t v3b_sim_lookup(struct v3b *b, u64 address)
{
	phys_addr_t reached;

	if (iommusim_dma_read(b->dev, b->pasid, address, &reached, sizeof(reached), NULL))
		return 0;
	return reached;
}

static int attach_untagged(struct v3b *b)
{
	return iommu_attach_device(b->domain, b->dev);
}

static int attach_pasid(struct v3b *b)
{
	ioasid_t pasid = iommu_alloc_global_pasid(b->dev);
	int err;

	if (pasid == IOMMU_PASID_INVALID)
		return -ENOSPC;
	err = iommu_attach_device_pasid(b->domain, b->dev, pasid, &sim.handle);
	if (err)
		iommu_free_global_pasid(pasid);
	else
		b->pasid = pasid;
	return err;
}

static int open_owned(struct v3b *b, int (*attach)(struct v3b *b))
{
	int err;

	b->domain = iommu_paging_domain_alloc(b->dev);
	if (IS_ERR(b->domain))
		return PTR_ERR(b->domain);
	err = iommu_device_claim_dma_owner(b->dev, b);
	if (err)
		goto err_domain;
	err = attach(b);
	if (err)
		goto err_owner;
	return 0;

err_owner:
	iommu_device_release_dma_owner(b->dev);
err_domain:
	iommu_domain_free(b->domain);
	return err;
}

static int sim_open(struct v3b *b, int (*attach)(struct v3b *b))
{
	int err = v3b_sim_enter(b);

	if (err)
		return err;
	err = open_owned(b, attach);
	if (err)
		v3b_sim_leave(b);
	return err;
}

static int sim_raw_open(struct v3b *b)
{
	return sim_open(b, attach_untagged);
}

static int sim_raw_pasid_open(struct v3b *b)
{
	return sim_open(b, attach_pasid);
}

static void sim_raw_close(struct v3b *b)
{
	if (b->pasid == IOMMUSIM_NO_PASID) {
		iommu_detach_device(b->domain, b->dev);
	} else {
		iommu_detach_device_pasid(b->domain, b->dev, b->pasid);
		iommu_free_global_pasid(b->pasid);
	}
	iommu_device_release_dma_owner(b->dev);
	iommu_domain_free(b->domain);
	v3b_sim_leave(b);
}

static int sim_raw_map(struct v3b *b, const struct v3b_job *job, struct v3b_slot *slot)
{
	slot->address = job->place;
	return iommu_map(b->domain, job->place, job->phys, job->size, b->prot, b->gfp);
}

static void sim_raw_unmap(struct v3b *b, const struct v3b_job *job, struct v3b_slot *slot)
{
	iommu_unmap(b->domain, slot->address, job->size);
}

const struct v3b_method v3b_sim_raw = {
	.name = "sim-raw",
	.lacks = V3B_SIM_LACKS,
	.open = sim_raw_open,
	.close = sim_raw_close,
	.map = sim_raw_map,
	.unmap = sim_raw_unmap,
	.lookup = v3b_sim_lookup,
};

const struct v3b_method v3b_sim_raw_pasid = {
	.name = "sim-raw-pasid",
	.lacks = V3B_SIM_LACKS,
	.open = sim_raw_pasid_open,
	.close = sim_raw_close,
	.map = sim_raw_map,
	.unmap = sim_raw_unmap,
	.lookup = v3b_sim_lookup,
};
