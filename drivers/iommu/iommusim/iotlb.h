/* SPDX-License-Identifier: GPL-2.0 */
#ifndef IOMMUSIM_IOTLB_H
#define IOMMUSIM_IOTLB_H

#include <linux/types.h>
#include <linux/xarray.h>

#include "instance.h"
#include "table.h"

/**
 * struct iommusim_iotlb - translations of one domain that were used since their last invalidation
 * @sizes: bitmap of the sizes that a leaf can have
 * @leaves: translations by log2 of the leaf's size, then by address >> that
 *
 * No translation is ever evicted, because one that should have been invalidated and was not must
 * always be found. iommusim_iotlb_fill() leaves one out only when memory is short.
 *
 * iommusim_iotlb_find() and iommusim_iotlb_fill() may run in parallel; the caller excludes both
 * from an invalidation.
 */
struct iommusim_iotlb {
	unsigned long sizes;
	struct xarray leaves[IOMMUSIM_MAX_SHIFT + 1];
};

void iommusim_iotlb_init(struct iommusim_iotlb *iotlb, unsigned long sizes);
bool iommusim_iotlb_find(struct iommusim_iotlb *iotlb, u64 iova, struct iommusim_leaf *leaf);
void iommusim_iotlb_fill(struct iommusim_iotlb *iotlb, u64 iova, const struct iommusim_leaf *leaf);
void iommusim_iotlb_flush_range(struct iommusim_iotlb *iotlb, u64 first, u64 last);
void iommusim_iotlb_flush_all(struct iommusim_iotlb *iotlb);

#endif
