// SPDX-License-Identifier: GPL-2.0
#include <linux/bits.h>
#include <linux/gfp.h>

#include "iotlb.h"

#define TAG_READ	BIT(0)
#define TAG_WRITE	BIT(1)
#define TAG_SHIFT	2

void iommusim_iotlb_init(struct iommusim_iotlb *iotlb)
{
	unsigned int level;

	for (level = 0; level < IOMMUSIM_LEAF_SIZES; level++)
		xa_init_flags(&iotlb->leaves[level], XA_FLAGS_LOCK_IRQ);
}

bool iommusim_iotlb_find(struct iommusim_iotlb *iotlb, u64 iova, struct iommusim_leaf *leaf)
{
	unsigned int level;

	for (level = 0; level < IOMMUSIM_LEAF_SIZES; level++) {
		void *found = xa_load(&iotlb->leaves[level], iova >> iommusim_level_shift(level));
		unsigned long value;

		if (!found)
			continue;
		value = xa_to_value(found);
		leaf->phys = (u64)(value >> TAG_SHIFT) << iommusim_level_shift(0);
		leaf->level = level;
		leaf->readable = value & TAG_READ;
		leaf->writable = value & TAG_WRITE;
		return true;
	}
	return false;
}

/* Called with interrupts off, as the array's lock is also taken by flushes in interrupts. */
void iommusim_iotlb_fill(struct iommusim_iotlb *iotlb, u64 iova, const struct iommusim_leaf *leaf)
{
	unsigned long value = leaf->phys >> iommusim_level_shift(0) << TAG_SHIFT;

	if (leaf->readable)
		value |= TAG_READ;
	if (leaf->writable)
		value |= TAG_WRITE;
	xa_store(&iotlb->leaves[leaf->level], iova >> iommusim_level_shift(leaf->level),
		 xa_mk_value(value), GFP_ATOMIC | __GFP_NOWARN);
}

void iommusim_iotlb_flush_range(struct iommusim_iotlb *iotlb, u64 first, u64 last)
{
	unsigned int level;

	for (level = 0; level < IOMMUSIM_LEAF_SIZES; level++) {
		struct xarray *leaves = &iotlb->leaves[level];
		unsigned int shift = iommusim_level_shift(level);
		unsigned long index;
		void *found;

		xa_for_each_range(leaves, index, found, first >> shift, last >> shift)
			xa_erase(leaves, index);
	}
}

void iommusim_iotlb_flush_all(struct iommusim_iotlb *iotlb)
{
	unsigned int level;

	for (level = 0; level < IOMMUSIM_LEAF_SIZES; level++)
		xa_destroy(&iotlb->leaves[level]);
}
