/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _IOMMUSIM_ATTACH_H
#define _IOMMUSIM_ATTACH_H

#include <linux/iommu.h>
#include <linux/types.h>

int iommusim_set_context(struct device *dev, u32 pasid, struct iommu_domain *domain);
void iommusim_clear_context(struct device *dev, u32 pasid);

#endif /* _IOMMUSIM_ATTACH_H */
