/* SPDX-License-Identifier: GPL-2.0 */
#ifndef IOMMUSIM_GROUP_H
#define IOMMUSIM_GROUP_H

struct device;
struct iommu_group;
struct iommusim_device;

struct iommu_group *iommusim_device_group(struct device *dev);
void iommusim_group_leave(struct iommusim_device *sdev);

#endif
