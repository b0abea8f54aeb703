/* SPDX-License-Identifier: GPL-2.0 */
#ifndef IOMMUSIM_TABLE_H
#define IOMMUSIM_TABLE_H

#include <linux/llist.h>
#include <linux/types.h>

struct iommusim;

/**
 * struct iommusim_table - a radix tree of page tables, 512 entries a page, as hardware reads them
 * @sim: the instance whose quirks it follows and whose counters it changes
 * @root: address of the root and, in the low bits, its number of levels; 0 for none
 * @unlinked: tables that are not reachable from @root any more and not freed yet
 * @sending: the IOMMU is told of no map and no unmap
 * @differs: the IOMMU was not told of some map or unmap
 *
 * iommusim_table_map() and iommusim_table_unmap() may run in parallel on different address ranges;
 * keeping two off the same range is the callers' part, as for every IOMMU driver. A walk may run at
 * any time, on any address, if the caller excludes iommusim_table_reap() and
 * iommusim_table_destroy().
 */
struct iommusim_table {
	struct iommusim *sim;
	unsigned long root;
	struct llist_head unlinked;
	bool sending;
	bool differs;
};

/**
 * struct iommusim_leaf - one translation, of one entry or of several that were joined
 * @phys: physical address of the first byte
 * @shift: log2 of the size
 * @readable: a DMA may read
 * @writable: a DMA may write
 */
struct iommusim_leaf {
	u64 phys;
	unsigned int shift;
	bool readable;
	bool writable;
};

/**
 * struct iommusim_span - addresses that an unmap removed, which may be more than was asked for
 * @first: first address, undefined when @size is 0
 * @last: last address, inclusive, undefined when @size is 0
 * @size: bytes removed
 */
struct iommusim_span {
	u64 first;
	u64 last;
	size_t size;
};

/**
 * struct iommusim_move - a move of the root that is under way
 * @old: as &iommusim_table.root, before the move
 * @new: as &iommusim_table.root, after the move
 * @copied: the table that @new is a copy of, reachable from @old; or NULL
 */
struct iommusim_move {
	unsigned long old;
	unsigned long new;
	u64 *copied;
};

static inline unsigned int iommusim_level_shift(unsigned int level)
{
	return 12 + 9 * level;
}

int iommusim_table_init(struct iommusim_table *table, struct iommusim *sim, unsigned int bits);
void iommusim_table_destroy(struct iommusim_table *table);
void iommusim_table_reap(struct iommusim_table *table);
int iommusim_table_map(struct iommusim_table *table, u64 iova, u64 phys, size_t pgsize,
		       size_t pgcount, int prot, gfp_t gfp, size_t *mapped);
void iommusim_table_unmap(struct iommusim_table *table, u64 iova, size_t size,
			  struct iommusim_span *removed);
bool iommusim_table_begin_move(struct iommusim_table *table, unsigned int bits,
			       struct iommusim_move *move);
void iommusim_table_end_move(struct iommusim_table *table, const struct iommusim_move *move);
void iommusim_table_begin_send(struct iommusim_table *table);
void iommusim_table_end_send(struct iommusim_table *table);
bool iommusim_table_walk(const struct iommusim_table *table, u64 iova, struct iommusim_leaf *leaf);
bool iommusim_table_walk_sent(const struct iommusim_table *table, u64 iova,
			      struct iommusim_leaf *leaf);

#endif
