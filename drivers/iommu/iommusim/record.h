/* SPDX-License-Identifier: GPL-2.0 */
#ifndef IOMMUSIM_RECORD_H
#define IOMMUSIM_RECORD_H

#include <linux/rbtree.h>
#include <linux/spinlock.h>
#include <linux/types.h>

struct iommusim_record;

/**
 * struct iommusim_records - one record for each call of map, as virtio-iommu keeps
 * @lock: protects @tree
 * @tree: &struct iommusim_record by address
 *
 * %IOMMUSIM_ALLOC_PER_MAP and %IOMMUSIM_WHOLE_MAPS allocate records.
 */
struct iommusim_records {
	spinlock_t lock;
	struct rb_root_cached tree;
};

void iommusim_records_init(struct iommusim_records *records);
struct iommusim_record *iommusim_record_alloc(gfp_t gfp);
void iommusim_record_add(struct iommusim_records *records, struct iommusim_record *record,
			 u64 first, size_t size);
bool iommusim_records_take_next(struct iommusim_records *records, u64 first, u64 last,
				u64 *start, size_t *size);
void iommusim_records_remove(struct iommusim_records *records, u64 first, u64 last);

#endif
