/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _IOMMUSIM_IOTLB_H
#define _IOMMUSIM_IOTLB_H

#include <linux/types.h>
#include <linux/xarray.h>

#include "instance.h"
#include "table.h"

/*
 * The translations of one domain that were used since they were last invalidated. Nothing is ever
 * evicted, so what should have been invalidated and was not is always found. Only when memory is
 * short is a translation not remembered.
 *
 * Lookups and fills may run in parallel; the caller excludes both from an invalidation.
 */
struct iommusim_iotlb {
	unsigned long sizes;				/* that a leaf can have */
	struct xarray leaves[IOMMUSIM_MAX_SHIFT + 1];	/* by log2 of the size; address >> that */
};

void iommusim_iotlb_init(struct iommusim_iotlb *iotlb, unsigned long sizes);
bool iommusim_iotlb_find(struct iommusim_iotlb *iotlb, u64 iova, struct iommusim_leaf *leaf);
void iommusim_iotlb_fill(struct iommusim_iotlb *iotlb, u64 iova, const struct iommusim_leaf *leaf);
void iommusim_iotlb_flush_range(struct iommusim_iotlb *iotlb, u64 first, u64 last);
void iommusim_iotlb_flush_all(struct iommusim_iotlb *iotlb);

#endif /* _IOMMUSIM_IOTLB_H */
