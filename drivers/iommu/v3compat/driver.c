// SPDX-License-Identifier: GPL-2.0
/*
 * IOMMU drivers by name. Which of them tells anybody about faults is not to be seen from outside.
 */
#include <linux/device.h>
#include <linux/iommu.h>
#include <linux/string.h>

#include "driver.h"

static const struct v3c_driver v3c_unknown = { .name = "unknown" };

/* The longer one first where one begins another. */
static const struct v3c_driver v3c_drivers[] = {
	{ .match = "dmar", .name = "VT-d", .logs_faults = true, .page_requests = true },
	{ .match = "ivhd", .name = "AMD-Vi", .faults = true, .enables_pasids_late = true },
	{ .match = "iommusim-silent", .name = "iommusim", .page_requests = true },
	{ .match = "iommusim", .name = "iommusim", .faults = true, .page_requests = true },
	{ .match = "smmu3.", .name = "SMMUv3" },
	{ .match = "smmu.", .name = "SMMUv2", .faults = true },
	{ .match = "virtio_iommu", .name = "virtio-iommu" },
	{ .match = "riscv-iommu", .name = "RISC-V" },
	{ .match = "exynos-sysmmu", .name = "Exynos", .faults = true },
	{ .match = "ipmmu-vmsa", .name = "IPMMU", .faults = true },
	{ .match = "mtk-iommu", .name = "MediaTek", .faults = true },
	{ .match = "omap-iommu", .name = "OMAP", .faults = true },
	{ .match = "qcom-iommu", .name = "Qualcomm", .faults = true },
	{ .match = "rk_iommu", .name = "Rockchip", .faults = true },
	{ .match = "sun50i-iommu", .name = "sun50i", .faults = true },
	{ .match = "vsi_iommu", .name = "VSI", .faults = true },
};

/**
 * v3c_driver_of() - the IOMMU driver of a device
 * @dev: a device behind an IOMMU
 *
 * Context: any; the caller keeps @dev from leaving its IOMMU.
 * Return: never NULL; one without abilities for a driver that is not known.
 */
const struct v3c_driver *v3c_driver_of(struct device *dev)
{
	struct device *iommu = dev->iommu->iommu_dev->dev;
	const struct device_driver *driver;
	unsigned int i;

	if (!iommu)
		return &v3c_unknown;
	driver = iommu->parent ? READ_ONCE(iommu->parent->driver) : NULL;
	for (i = 0; i < ARRAY_SIZE(v3c_drivers); i++)
		if (strstarts(dev_name(iommu), v3c_drivers[i].match) ||
		    (driver && strstarts(driver->name, v3c_drivers[i].match)))
			return &v3c_drivers[i];
	return &v3c_unknown;
}
