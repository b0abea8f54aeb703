/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_TABLE_WALK_H
#define V3COMPAT_TABLE_WALK_H

#include <linux/types.h>

#include "table/table_format.h"

struct v3c_runs;

/* V3C_PAGE_BITS are the bits of the page number of a 64-bit address. */
#define V3C_PAGE_BITS		(64 - V3C_PAGE_SHIFT)

/*
 * V3C_TREE_LEVELS: tables of five levels translate 57 bits, 56 in each half of the address space.
 */
#define V3C_TREE_LEVELS		5
#define V3C_HALF_PAGES		(1ULL << (V3C_TREE_LEVELS * V3C_TABLE_BITS - 1))

/* V3C_UPPER_FIRST: the upper half is what sign extension makes of an address. */
#define V3C_LOWER_LAST		(V3C_HALF_PAGES - 1)
#define V3C_UPPER_LAST		((1ULL << V3C_PAGE_BITS) - 1)
#define V3C_UPPER_FIRST		(V3C_UPPER_LAST - V3C_HALF_PAGES + 1)

enum v3c_tables_kind {
	V3C_TABLES_NONE,	/* no page is translated */
	V3C_TABLES_IDENTITY,	/* memory and MMIO, each page to itself */
	V3C_TABLES_WALKED,	/* as the caller's tables say */
};

/**
 * struct v3c_table_half - the tables of one half of the address space
 * @root: physical address
 * @bits: width of an address, of which @bits - 12 bits of a page number are translated; 0 for a
 *	half without tables
 * @level: of the root
 * @mask: of an index into the root
 */
struct v3c_table_half {
	u64 root;
	u8 bits;
	u8 level;
	u16 mask;
};

/**
 * struct v3c_frames - memory that tables and pages are in, at addresses of its own
 * @runs: where it is
 * @at: its page that each run starts with
 * @count: of runs
 * @pages: total
 * @prot: IOMMU_READ and IOMMU_WRITE, what may be done with it at most
 */
struct v3c_frames {
	const struct v3c_run *runs;
	const u64 *at;
	u64 count;
	u64 pages;
	int prot;
};

/**
 * struct v3c_tables - what the owner of an Unmanaged domain configured
 * @kind: &enum v3c_tables_kind
 * @format: of %V3C_TABLES_WALKED
 * @phys_bits: width of a physical address
 * @half: lower and upper
 * @runs: of %V3C_TABLES_IDENTITY
 * @frames: of %V3C_TABLES_WALKED, what all addresses in the tables are offsets in; or NULL for
 *	physical addresses. The owner's, until other tables are configured
 */
struct v3c_tables {
	enum v3c_tables_kind kind;
	enum v3c_table_format format;
	u8 phys_bits;
	struct v3c_table_half half[2];
	const struct v3c_runs *runs;
	const struct v3c_frames *frames;
};

/**
 * struct v3c_unit - what is configured for some pages
 * @kind: %V3C_ENTRY_TABLE means a table of 4 KiB leaves, to be read by v3c_table_leaves()
 * @level: of the leaf
 * @entry_level: of the table that the answer was found in
 * @prot: IOMMU_READ and IOMMU_WRITE
 * @first: first page
 * @last: last page
 * @phys: what @first translates to; for %V3C_ENTRY_TABLE, where @first's entry is. With
 *	&v3c_tables.frames, an offset in these
 */
struct v3c_unit {
	enum v3c_entry_kind kind;
	u8 level;
	u8 entry_level;
	int prot;
	u64 first;
	u64 last;
	u64 phys;
};

/* v3c_leaf() is a leaf in one word, its physical address and permissions; 0 stands for none. */
static inline u64 v3c_leaf(u64 phys, int prot)
{
	return phys | prot;
}

static inline u64 v3c_leaf_phys(u64 leaf)
{
	return leaf & ~(V3C_PAGE_SIZE - 1);
}

static inline int v3c_leaf_prot(u64 leaf)
{
	return leaf & (IOMMU_READ | IOMMU_WRITE);
}

bool v3c_tables_set_x64(struct v3c_tables *tables, u64 root, unsigned int levels);
bool v3c_tables_set_arm64(struct v3c_tables *tables, unsigned int half, u64 root, u8 bits);

u64 v3c_frames_find(const struct v3c_frames *frames, u64 page, u64 *pages);

u64 v3c_unit_leaf(const struct v3c_tables *tables, const struct v3c_unit *unit, u64 page,
		  u64 pages);
void v3c_table_walk(const struct v3c_tables *tables, u64 page, u64 limit, struct v3c_unit *unit);
void v3c_table_leaves(const struct v3c_tables *tables, const struct v3c_unit *unit, u64 first,
		      unsigned int count, u64 *leaves);

#endif
