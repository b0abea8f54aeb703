// SPDX-License-Identifier: GPL-2.0
/*
 * PassThrough: the device sees physical addresses.
 */
#include <linux/iommu.h>
#include <linux/ioport.h>
#include <linux/mm.h>

#include "hwpt.h"
#include "passthrough.h"

/*
 * The kernel exports no way to ask for passthrough, but an IOMMU driver's own identity domain is
 * reachable through public structures, and the core of 7.x takes it from anybody. It refuses it with
 * -EINVAL where it does not.
 */
struct iommu_domain *v3c_passthrough_identity(struct device *dev)
{
	static_assert(__same_type(dev->iommu->iommu_dev->ops->identity_domain,
				  struct iommu_domain *));

	return dev->iommu->iommu_dev->ops->identity_domain;
}

struct v3c_fill {
	struct v3c_hwpt *hwpt;
	u64 next;	/* first page that is not looked after yet */
	u64 first;	/* pending, not mapped yet: pages first..next - 1 */
};

static int fill_pending(struct v3c_fill *fill)
{
	u64 pages = fill->next - fill->first;

	if (!pages)
		return 0;
	return v3c_hwpt_map_run(fill->hwpt, fill->first, fill->first, pages,
				IOMMU_READ | IOMMU_WRITE, GFP_KERNEL);
}

/* Resources that touch become one run, so that large pages span them. */
static int fill_resource(struct resource *res, void *arg)
{
	struct v3c_fill *fill = arg;
	u64 first = res->start >> V3C_PAGE_SHIFT;
	u64 last = min(res->end >> V3C_PAGE_SHIFT, v3c_hwpt_last_page(fill->hwpt));
	int ret = 0;

	first = max(first, fill->next);
	if (first > last)
		return 0;
	/* Memory and MMIO differ in more than their addresses. */
	if (first != fill->next || v3c_is_memory(first) != v3c_is_memory(fill->first)) {
		ret = fill_pending(fill);
		fill->first = first;
	}
	fill->next = last + 1;
	return ret;
}

/**
 * v3c_passthrough_fill() - map all memory and all MMIO to itself
 * @hwpt: an empty page table
 *
 * For IOMMUs without an identity domain that can be had. What the machine gains later, by hot-plug of
 * memory or of a bridge, is not in it.
 *
 * Context: may sleep.
 * Return: 0, -ENOMEM, or what the IOMMU driver said; then some of it may be mapped.
 */
int v3c_passthrough_fill(struct v3c_hwpt *hwpt)
{
	struct v3c_fill fill = { .hwpt = hwpt };
	int ret;

	ret = walk_iomem_res_desc(IORES_DESC_NONE, IORESOURCE_MEM, 0, -1, &fill, fill_resource);
	return ret ? ret : fill_pending(&fill);
}
