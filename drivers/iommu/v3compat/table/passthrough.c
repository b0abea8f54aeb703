// SPDX-License-Identifier: GPL-2.0
/*
 * PassThrough: the device sees physical addresses, through v3c_passthrough_identity() or a page
 * table that v3c_passthrough_fill() fills.
 */
#include <linux/iommu.h>
#include <linux/ioport.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/slab.h>

#include "table/hwpt.h"
#include "table/passthrough.h"

/*
 * v3c_passthrough_identity() takes the IOMMU driver's own identity domain from public structures,
 * because the kernel exports no way to ask for passthrough. The core of 7.x attaches it for
 * anybody; other cores refuse it with -EINVAL.
 */
struct iommu_domain *v3c_passthrough_identity(struct device *dev)
{
	static_assert(__same_type(dev->iommu->iommu_dev->ops->identity_domain,
				  struct iommu_domain *));

	return dev->iommu->iommu_dev->ops->identity_domain;
}

static int count_resource(struct resource *res, void *arg)
{
	unsigned int *count = arg;

	++*count;
	return 0;
}

/* collect_resource() makes one run of resources that touch, so that large pages span them. */
static int collect_resource(struct resource *res, void *arg)
{
	struct v3c_runs *runs = arg;
	struct v3c_run *end = runs->nr ? &runs->run[runs->nr - 1] : NULL;
	u64 first = res->start >> V3C_PAGE_SHIFT;
	u64 last = res->end >> V3C_PAGE_SHIFT;
	u64 next = end ? end->pfn + end->pages : 0;

	first = max(first, next);
	if (first > last)
		return 0;
	/* v3c_is_memory() is the same in all of a run, because MMIO is mapped with other flags. */
	if (end && first == next && v3c_is_memory(first) == v3c_is_memory(end->pfn)) {
		end->pages += last - first + 1;
		return 0;
	}
	/* @runs is full: the machine has grown since the resources were counted. */
	if (runs->nr == runs->max)
		return -EAGAIN;
	runs->run[runs->nr++] = (struct v3c_run) { .pfn = first, .pages = last - first + 1 };
	return 0;
}

static int walk_resources(void *arg, int (*each)(struct resource *res, void *arg))
{
	return walk_iomem_res_desc(IORES_DESC_NONE, IORESOURCE_MEM, 0, -1, arg, each);
}

/**
 * v3c_runs_collect() - list all memory and all MMIO
 *
 * Memory and MMIO that the machine gains later, by hot-plug of memory or of a bridge, are not in
 * it.
 *
 * Context: may sleep.
 * Return: the list, to be given to v3c_runs_free(), or NULL without memory.
 */
struct v3c_runs *v3c_runs_collect(void)
{
	struct v3c_runs *runs;
	unsigned int count;
	int ret;

	do {
		count = 0;
		walk_resources(&count, count_resource);
		runs = kvzalloc(struct_size(runs, run, count), GFP_KERNEL);
		if (!runs)
			return NULL;
		runs->max = count;
		ret = walk_resources(runs, collect_resource);
		if (ret == -EAGAIN)
			kvfree(runs);
	} while (ret == -EAGAIN);
	return runs;
}

void v3c_runs_free(const struct v3c_runs *runs)
{
	kvfree(runs);
}

/* The run that @pfn is in, or else the next one, or NULL. */
const struct v3c_run *v3c_runs_find(const struct v3c_runs *runs, u64 pfn)
{
	unsigned int lo = 0, hi = runs->nr, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (runs->run[mid].pfn + runs->run[mid].pages <= pfn)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < runs->nr ? &runs->run[lo] : NULL;
}

static int map_runs(struct v3c_hwpt *hwpt, const struct v3c_runs *runs)
{
	u64 end = v3c_hwpt_last_page(hwpt) + 1;
	const struct v3c_run *run;
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < runs->nr && runs->run[i].pfn < end; i++) {
		run = &runs->run[i];
		ret = v3c_hwpt_map_run(hwpt, run->pfn, run->pfn, min(run->pages, end - run->pfn),
				       IOMMU_READ | IOMMU_WRITE, GFP_KERNEL | hwpt->account);
	}
	return ret;
}

/**
 * v3c_passthrough_fill() - map all memory and all MMIO to itself
 * @hwpt: an empty page table
 *
 * For IOMMUs whose identity domain cannot be had, see v3c_passthrough_identity().
 *
 * Context: may sleep.
 * Return: 0, -ENOMEM, or what the IOMMU driver said; then some of it may be mapped.
 */
int v3c_passthrough_fill(struct v3c_hwpt *hwpt)
{
	struct v3c_runs *runs = v3c_runs_collect();
	int ret;

	if (!runs)
		return -ENOMEM;
	ret = map_runs(hwpt, runs);
	v3c_runs_free(runs);
	return ret;
}
