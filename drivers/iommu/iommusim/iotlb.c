// SPDX-License-Identifier: GPL-2.0
#include <linux/bitops.h>
#include <linux/gfp.h>

#include "iotlb.h"

#define TAG_READ	BIT(0)
#define TAG_WRITE	BIT(1)
#define TAG_SHIFT	2

void iommusim_iotlb_init(struct iommusim_iotlb *iotlb, unsigned long sizes)
{
	unsigned int shift;

	iotlb->sizes = sizes;
	for_each_set_bit(shift, &iotlb->sizes, BITS_PER_LONG)
		xa_init_flags(&iotlb->leaves[shift], XA_FLAGS_LOCK_IRQ);
}

bool iommusim_iotlb_find(struct iommusim_iotlb *iotlb, u64 iova, struct iommusim_leaf *leaf)
{
	unsigned int shift;

	for_each_set_bit(shift, &iotlb->sizes, BITS_PER_LONG) {
		void *found = xa_load(&iotlb->leaves[shift], iova >> shift);
		unsigned long value;

		if (!found)
			continue;
		value = xa_to_value(found);
		leaf->phys = (u64)(value >> TAG_SHIFT) << iommusim_level_shift(0);
		leaf->shift = shift;
		leaf->readable = value & TAG_READ;
		leaf->writable = value & TAG_WRITE;
		return true;
	}
	return false;
}

/*
 * The caller has interrupts off, because iommusim_iotlb_flush_range() takes the lock of the same
 * array in interrupts.
 */
void iommusim_iotlb_fill(struct iommusim_iotlb *iotlb, u64 iova, const struct iommusim_leaf *leaf)
{
	unsigned long value = leaf->phys >> iommusim_level_shift(0) << TAG_SHIFT;

	if (leaf->readable)
		value |= TAG_READ;
	if (leaf->writable)
		value |= TAG_WRITE;
	xa_store(&iotlb->leaves[leaf->shift], iova >> leaf->shift, xa_mk_value(value),
		 GFP_ATOMIC | __GFP_NOWARN);
}

void iommusim_iotlb_flush_range(struct iommusim_iotlb *iotlb, u64 first, u64 last)
{
	unsigned int shift;

	for_each_set_bit(shift, &iotlb->sizes, BITS_PER_LONG) {
		struct xarray *leaves = &iotlb->leaves[shift];
		unsigned long index;
		void *found;

		xa_for_each_range(leaves, index, found, first >> shift, last >> shift)
			xa_erase(leaves, index);
	}
}

void iommusim_iotlb_flush_all(struct iommusim_iotlb *iotlb)
{
	unsigned int shift;

	for_each_set_bit(shift, &iotlb->sizes, BITS_PER_LONG)
		xa_destroy(&iotlb->leaves[shift]);
}
