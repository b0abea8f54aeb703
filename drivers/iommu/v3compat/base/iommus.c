// SPDX-License-Identifier: GPL-2.0
/*
 * v3c_iommus[] lists IOMMU drivers by name, because neither the core nor &struct iommu_ops tells
 * which of them report faults and what they make of a map or an unmap. No other file knows the name
 * of a driver.
 */
#include <linux/device.h>
#include <linux/iommu.h>
#include <linux/pci.h>
#include <linux/string.h>

#include "base/compat.h"
#include "base/iommus.h"
#include "base/phys.h"
#include "base/topology.h"

/*
 * v3c_unknown takes the worst for granted of a driver that is not in v3c_iommus[], where that costs
 * little.
 */
static const struct v3c_iommu_traits v3c_unknown = {
	.name = "unknown",
	.rules = { .flush_runs = true, .flush_commands = true, .whole_maps = true,
		   .attach_rebuilds = true, .attach_sends = true },
};

/*
 * V3C_VTD_FLUSH_PAGES is the widest invalidation that emulated VT-d carries out. For second-stage
 * tables the driver looks at this limit; for first-stage tables it sends any.
 */
#define V3C_VTD_FLUSH_PAGES	BIT_ULL(30 - V3C_PAGE_SHIFT)

/* Of two entries where one @match begins the other, the longer @match comes first. */
static const struct v3c_iommu_traits v3c_iommus[] = {
	{ .match = "dmar", .name = "VT-d", .logs_faults = true, .page_requests = true,
	  .rules = { .flush_pages = V3C_VTD_FLUSH_PAGES, .flush_runs = true,
		     .attach_rebuilds = V3C_VTD_ATTACH_REBUILDS } },
	{ .match = "ivhd", .name = "AMD-Vi", .faults = true, .enables_pasids_late = true,
	  .rules = { .flush_runs = true } },
	{ .match = "iommusim-silent", .name = "iommusim", .page_requests = true,
	  .names_rules = true },
	{ .match = "iommusim", .name = "iommusim", .faults = true, .page_requests = true,
	  .names_rules = true },
	{ .match = "smmu3.", .name = "SMMUv3",
	  .rules = { .flush_runs = true, .flush_commands = true } },
	{ .match = "smmu.", .name = "SMMUv2", .faults = true,
	  .rules = { .flush_runs = true, .flush_commands = true } },
	{ .match = "virtio_iommu", .name = "virtio-iommu",
	  .rules = { .whole_maps = true, .allocates = true, .attach_rebuilds = true,
		     .attach_sends = true } },
	{ .match = "riscv-iommu", .name = "RISC-V", .rules = { .flush_commands = true } },
	{ .match = "exynos-sysmmu", .name = "Exynos", .faults = true },
	{ .match = "ipmmu-vmsa", .name = "IPMMU", .faults = true, .late_tables = true },
	{ .match = "mtk-iommu", .name = "MediaTek", .faults = true, .late_tables = true },
	{ .match = "omap-iommu", .name = "OMAP", .faults = true },
	{ .match = "qcom-iommu", .name = "Qualcomm", .faults = true },
	{ .match = "rk_iommu", .name = "Rockchip", .faults = true },
	{ .match = "sun50i-iommu", .name = "sun50i", .faults = true },
	{ .match = "vsi_iommu", .name = "VSI", .faults = true },
};

/**
 * v3c_iommu_traits_of() - the IOMMU driver of a device
 * @dev: a device behind an IOMMU
 *
 * Context: any; the caller keeps @dev from leaving its IOMMU.
 * Return: never NULL; v3c_unknown for a driver that is not known.
 */
const struct v3c_iommu_traits *v3c_iommu_traits_of(struct device *dev)
{
	struct device *iommu = dev->iommu->iommu_dev->dev;
	const struct device_driver *driver;
	unsigned int i;

	if (!iommu)
		return &v3c_unknown;
	driver = iommu->parent ? READ_ONCE(iommu->parent->driver) : NULL;
	for (i = 0; i < ARRAY_SIZE(v3c_iommus); i++)
		if (strstarts(dev_name(iommu), v3c_iommus[i].match) ||
		    (driver && strstarts(driver->name, v3c_iommus[i].match)))
			return &v3c_iommus[i];
	return &v3c_unknown;
}

/*
 * True if @sizes has one between a page and what a last-level table covers: entries of such a size
 * join neighbouring pages.
 */
static bool has_joined_sizes(unsigned long sizes)
{
	return sizes & ((V3C_TABLE_PAGES << V3C_PAGE_SHIFT) - 1) & ~((V3C_PAGE_SIZE << 1) - 1);
}

static void add_named_rules(struct v3c_rules *rules, const char *name)
{
	rules->flush_runs |= !!strstr(name, "-runs");
	rules->flush_commands |= !!strstr(name, "-runs");
	rules->whole_maps |= !!strstr(name, "-whole");
	rules->allocates |= !!strstr(name, "-whole") || !!strstr(name, "-alloc");
	rules->attach_rebuilds |= !!strstr(name, "-moving") || !!strstr(name, "-late");
	rules->attach_sends |= !!strstr(name, "-late");
	if (strstr(name, "-short"))
		rules->flush_pages = V3C_VTD_FLUSH_PAGES;
}

/**
 * v3c_iommu_rules() - by which rules a page table must be used
 * @dev: the device that it was allocated for
 * @core: the page table, as the IOMMU core knows it
 * @rules: result
 *
 * Context: any; the caller keeps @dev from leaving its IOMMU.
 */
void v3c_iommu_rules(struct device *dev, const struct iommu_domain *core, struct v3c_rules *rules)
{
	const struct v3c_iommu_traits *traits = v3c_iommu_traits_of(dev);

	*rules = traits->rules;
	if (traits->names_rules)
		add_named_rules(rules, dev_name(dev->iommu->iommu_dev->dev));
	rules->joins = rules->whole_maps || has_joined_sizes(core->pgsize_bitmap);
	rules->upper_half = core->geometry.aperture_end == U64_MAX;
}

/**
 * v3c_iommu_sends_tags() - whether DMA of a device carries PASIDs now
 * @dev: a device behind an IOMMU
 *
 * A device whose PASID capability is off sends no tags: it would reach what its untagged DMA does.
 * Virtual functions have none and share that of their physical function.
 *
 * Context: any; the caller keeps @dev from leaving its IOMMU.
 * Return: true if it does, or if nothing tells.
 */
bool v3c_iommu_sends_tags(struct device *dev)
{
#ifdef CONFIG_PCI_PASID
	if (dev_is_pci(dev))
		return pci_physfn(to_pci_dev(dev))->pasid_enabled;
#endif
	return true;
}

/**
 * v3c_iommu_takes_pasids() - whether a device can be told to tag its DMA
 * @dev: a device behind an IOMMU
 *
 * The core attaches a PASID of a device that has none, with success and without effect. Some IOMMU
 * drivers switch the capability of a PCI device on only when the device itself is attached.
 *
 * Context: under v3c_topology.
 * Return: true when it can, or when only an attach would tell.
 */
bool v3c_iommu_takes_pasids(struct device *dev)
{
	lockdep_assert_held(&v3c_topology);

	return dev->iommu->max_pasids &&
	       (v3c_iommu_sends_tags(dev) || v3c_iommu_traits_of(dev)->enables_pasids_late);
}
