/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_MSI_H
#define V3COMPAT_MSI_H

#include <linux/types.h>
#include <v3compat/wdm.h>

struct device;

bool v3c_msi_may_attach(struct device *dev, IOMMU_DMA_DOMAIN_TYPE type);
bool v3c_msi_may_join(struct device *dev, IOMMU_DMA_DOMAIN_TYPE type);

#endif
