/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _IOMMUSIM_TABLE_H
#define _IOMMUSIM_TABLE_H

#include <linux/llist.h>
#include <linux/types.h>

struct iommusim;

/*
 * A radix tree of page tables, 512 entries a page, as hardware reads them.
 *
 * Map and unmap may run in parallel on different address ranges; keeping two off the same range is
 * the callers' part, as for every IOMMU driver. A walk may run at any time, on any address, if the
 * caller excludes iommusim_table_reap() and iommusim_table_destroy().
 */
struct iommusim_table {
	struct iommusim *sim;
	unsigned long root;		/* its address and, below, its number of levels; 0: none */
	struct llist_head unlinked;	/* tables no longer reachable from @root, not yet freed */
	bool sending;			/* the IOMMU is told of no map and no unmap */
	bool differs;			/* it was not told of one */
};

/* One translation, of one entry or of several that were joined. */
struct iommusim_leaf {
	u64 phys;		/* of the first byte */
	unsigned int shift;	/* log2 of its size */
	bool readable;
	bool writable;
};

/* Addresses that an unmap removed, which may be more than was asked for. */
struct iommusim_span {
	u64 first;
	u64 last;
	size_t size;	/* 0: nothing, @first and @last mean nothing */
};

/* A move of the root that is under way. */
struct iommusim_move {
	unsigned long old;	/* as iommusim_table.root */
	unsigned long new;
	u64 *copied;		/* the table that @new is a copy of, reachable from @old; or NULL */
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

#endif /* _IOMMUSIM_TABLE_H */
