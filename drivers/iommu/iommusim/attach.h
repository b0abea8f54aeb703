/* SPDX-License-Identifier: GPL-2.0 */
#ifndef IOMMUSIM_ATTACH_H
#define IOMMUSIM_ATTACH_H

#include <linux/iommu.h>
#include <linux/types.h>

int iommusim_set_context(struct device *dev, u32 pasid, struct iommu_domain *domain);
void iommusim_clear_context(struct device *dev, u32 pasid);

#endif
