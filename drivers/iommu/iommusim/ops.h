/* SPDX-License-Identifier: GPL-2.0 */
#ifndef IOMMUSIM_OPS_H
#define IOMMUSIM_OPS_H

struct iommu_ops;
struct iommusim_config;

const struct iommu_ops *iommusim_ops(const struct iommusim_config *config);

#endif
