// SPDX-License-Identifier: GPL-2.0
#include <linux/interval_tree.h>
#include <linux/slab.h>

#include "record.h"

struct iommusim_record {
	struct interval_tree_node node;
};

void iommusim_records_init(struct iommusim_records *records)
{
	spin_lock_init(&records->lock);
	records->tree = RB_ROOT_CACHED;
}

struct iommusim_record *iommusim_record_alloc(gfp_t gfp)
{
	return kmalloc(sizeof(struct iommusim_record), gfp | __GFP_NOWARN);
}

/* Takes @record over, and frees it when @size is 0. */
void iommusim_record_add(struct iommusim_records *records, struct iommusim_record *record,
			 u64 first, size_t size)
{
	unsigned long flags;

	if (!record)
		return;
	if (!size) {
		kfree(record);
		return;
	}
	record->node.start = first;
	record->node.last = first + size - 1;
	spin_lock_irqsave(&records->lock, flags);
	interval_tree_insert(&record->node, &records->tree);
	spin_unlock_irqrestore(&records->lock, flags);
}

/*
 * Removes the first record that overlaps @first to @last, all of it.
 *
 * Return: false when there is none, or when it begins before @first
 */
bool iommusim_records_take_next(struct iommusim_records *records, u64 first, u64 last,
				u64 *start, size_t *size)
{
	struct interval_tree_node *node;
	unsigned long flags;

	spin_lock_irqsave(&records->lock, flags);
	node = interval_tree_iter_first(&records->tree, first, last);
	if (node && node->start < first)
		node = NULL;
	if (node)
		interval_tree_remove(node, &records->tree);
	spin_unlock_irqrestore(&records->lock, flags);
	if (!node)
		return false;
	*start = node->start;
	*size = node->last - node->start + 1;
	kfree(container_of(node, struct iommusim_record, node));
	return true;
}

/*
 * Removes every record that overlaps @first to @last, all of it, because only
 * iommusim_records_take_next() needs to find records, and takes whole ones.
 */
void iommusim_records_remove(struct iommusim_records *records, u64 first, u64 last)
{
	struct interval_tree_node *node;
	unsigned long flags;

	spin_lock_irqsave(&records->lock, flags);
	while ((node = interval_tree_iter_first(&records->tree, first, last))) {
		interval_tree_remove(node, &records->tree);
		kfree(container_of(node, struct iommusim_record, node));
	}
	spin_unlock_irqrestore(&records->lock, flags);
}
