/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_PASSTHROUGH_H
#define V3COMPAT_PASSTHROUGH_H

struct device;
struct iommu_domain;
struct v3c_hwpt;

struct iommu_domain *v3c_passthrough_identity(struct device *dev);
int v3c_passthrough_fill(struct v3c_hwpt *hwpt);

#endif
