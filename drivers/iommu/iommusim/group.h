/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _IOMMUSIM_GROUP_H
#define _IOMMUSIM_GROUP_H

struct device;
struct iommu_group;
struct iommusim_device;

struct iommu_group *iommusim_device_group(struct device *dev);
void iommusim_group_leave(struct iommusim_device *sdev);

#endif /* _IOMMUSIM_GROUP_H */
