/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_MSI_H
#define V3COMPAT_MSI_H

#include "status.h"

struct device;
struct v3c_device;

NTSTATUS v3c_msi_check(const struct v3c_device *device, IOMMU_DMA_DOMAIN_TYPE type,
		       struct v3c_why *why);
bool v3c_msi_may_join(struct device *dev, IOMMU_DMA_DOMAIN_TYPE type);

#endif
