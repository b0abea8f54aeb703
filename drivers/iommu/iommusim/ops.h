/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _IOMMUSIM_OPS_H
#define _IOMMUSIM_OPS_H

#include <linux/types.h>

struct iommu_ops;

const struct iommu_ops *iommusim_ops(u32 quirks);

#endif /* _IOMMUSIM_OPS_H */
