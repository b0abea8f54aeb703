// SPDX-License-Identifier: GPL-2.0
/*
 * v3c_table_walk() reads page tables that a caller owns, while it may be writing them.
 *
 * An entry is read once, checked, and not trusted: it means nothing beyond the addresses that it is
 * for. If anything is wrong with it, those addresses are not translated.
 */
#include <linux/array_size.h>
#include <linux/io.h>
#include <linux/math.h>
#include <linux/memory_hotplug.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/page-flags.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "table/passthrough.h"
#include "table/table_walk.h"

/* V3C_LOOK_ENTRIES are read at a time, onto the stack, to find one that is not empty. */
#define V3C_LOOK_ENTRIES	32

#define ENTRY_BYTES		sizeof(u64)

static unsigned int half_of(u64 page)
{
	return page >> (V3C_PAGE_BITS - 1);
}

static u64 half_last(u64 page)
{
	return half_of(page) ? V3C_UPPER_LAST : V3C_LOWER_LAST;
}

/*
 * phys_bits_of() is at most what the processor has, because the IOMMU's own entries have no more
 * bits.
 */
static u8 phys_bits_of(u8 format_bits)
{
#ifdef CONFIG_X86
	return min_t(u8, boot_cpu_data.x86_phys_bits, format_bits);
#else
	return format_bits;
#endif
}

/**
 * v3c_tables_set_x64() - describe x86-64 tables
 * @tables: result
 * @root: physical address of the root table
 * @levels: 4 or 5
 *
 * Return: false, and nothing written, if there can be no table at @root.
 */
bool v3c_tables_set_x64(struct v3c_tables *tables, u64 root, unsigned int levels)
{
	u8 phys_bits = phys_bits_of(V3C_X64_PHYS_BITS);
	struct v3c_table_half half = {
		.root = root,
		.bits = levels * V3C_TABLE_BITS + V3C_PAGE_SHIFT - 1,
		.level = levels - 1,
		.mask = BIT(V3C_TABLE_BITS) - 1,
	};

	if (!v3c_page_aligned(root) || root >> phys_bits)
		return false;
	*tables = (struct v3c_tables) {
		.kind = V3C_TABLES_WALKED,
		.format = V3C_TABLE_X64,
		.phys_bits = phys_bits,
		.half = { half, half },
	};
	return true;
}

/**
 * v3c_tables_set_arm64() - describe the ARM64 tables of one half, with a granule of 4 KiB
 * @tables: the other half stays as it is
 * @half: 0 for TTBR0, 1 for TTBR1
 * @root: physical address of the first table
 * @bits: width of an address, 16 to 48, or 0 for a half without tables
 *
 * Return: false, and the half stays as it is, for another width, or if there can be no table at
 * @root.
 */
bool v3c_tables_set_arm64(struct v3c_tables *tables, unsigned int half, u64 root, u8 bits)
{
	u8 phys_bits = phys_bits_of(V3C_ARM64_PHYS_BITS);
	unsigned int level, root_bits;

	tables->kind = V3C_TABLES_WALKED;
	tables->format = V3C_TABLE_ARM64;
	tables->phys_bits = phys_bits;
	if (!bits) {
		tables->half[half].bits = 0;
		return true;
	}
	if (bits < 16 || bits > 48)
		return false;
	level = (bits - V3C_PAGE_SHIFT - 1) / V3C_TABLE_BITS;
	root_bits = bits - V3C_PAGE_SHIFT - level * V3C_TABLE_BITS;
	/* @root is aligned to its size if it does not fill a page. */
	if (root & ((ENTRY_BYTES << root_bits) - 1) || root >> phys_bits)
		return false;
	tables->half[half] = (struct v3c_table_half) {
		.root = root, .bits = bits, .level = level, .mask = BIT(root_bits) - 1,
	};
	return true;
}

/**
 * v3c_frames_find() - where a page of some memory is
 * @frames: the memory
 * @page: in it
 * @pages: result, how many follow each other from there on; 0 beyond the memory
 *
 * Context: any.
 * Return: the page frame.
 */
u64 v3c_frames_find(const struct v3c_frames *frames, u64 page, u64 *pages)
{
	u64 low = 0, high = frames->count;

	*pages = 0;
	if (page >= frames->pages)
		return 0;
	while (high - low > 1) {
		u64 middle = low + (high - low) / 2;

		if (frames->at[middle] <= page)
			low = middle;
		else
			high = middle;
	}
	page -= frames->at[low];
	*pages = frames->runs[low].pages - page;
	return frames->runs[low].pfn + page;
}

/*
 * read_entries() reads entries of one table, which do not cross a page. False if @at is not memory:
 * pfn_to_online_page() also finds holes, firmware's memory and MMIO with a direct mapping, but all
 * of these are PageReserved().
 */
static bool read_entries(const struct v3c_tables *tables, u64 at, u64 *values, unsigned int count)
{
	u64 phys = at, pages;
	struct page *page;

	if (tables->frames) {
		phys = v3c_frames_find(tables->frames, at >> PAGE_SHIFT, &pages) << PAGE_SHIFT |
		       offset_in_page(at);
		if (!pages)
			return false;
	}
	page = pfn_to_online_page(phys >> PAGE_SHIFT);
	if (!page || PageReserved(page))
		return false;
	return !copy_from_kernel_nofault(values, page_address(page) + offset_in_page(phys),
					 count * ENTRY_BYTES);
}

/*
 * True if @half translates @page. If not, @unit covers the pages from @page on that it does not
 * translate.
 */
static bool is_inside(const struct v3c_table_half *half, u64 page, struct v3c_unit *unit)
{
	u64 pages = half->bits ? 1ULL << (half->bits - V3C_PAGE_SHIFT) : 0;
	u64 first = half_of(page) ? V3C_UPPER_LAST - pages + 1 : 0;

	if (page - first < pages)
		return true;
	*unit = (struct v3c_unit) {
		.kind = V3C_ENTRY_EMPTY,
		.entry_level = V3C_TREE_LEVELS,
		.first = page,
		.last = page < first ? first - 1 : half_last(page),
	};
	return false;
}

static bool is_ancestor(const u64 *path, unsigned int depth, u64 table)
{
	while (depth--)
		if (path[depth] >> PAGE_SHIFT == table >> PAGE_SHIFT)
			return true;
	return false;
}

/* extend_empty() makes @unit cover the empty entries after the empty one at @phys, too. */
static void extend_empty(const struct v3c_tables *tables, u64 phys, unsigned int index,
			 unsigned int entries, u64 limit, struct v3c_unit *unit)
{
	u64 pages = v3c_level_pages(unit->entry_level);
	u64 values[V3C_LOOK_ENTRIES];
	unsigned int count, i;

	count = min_t(u64, entries - index, V3C_LOOK_ENTRIES);
	if (unit->last >= limit || count < 2 || !read_entries(tables, phys, values, count))
		return;
	for (i = 1; i < count && unit->last < limit; i++) {
		if (v3c_table_decode(tables->format, values[i], unit->entry_level,
				     tables->phys_bits, IOMMU_READ).kind != V3C_ENTRY_EMPTY)
			break;
		unit->last += pages;
	}
}

static void walk_tables(const struct v3c_tables *tables, u64 page, u64 limit, struct v3c_unit *unit)
{
	const struct v3c_table_half *half = &tables->half[half_of(page)];
	struct v3c_entry entry = { .kind = V3C_ENTRY_TABLE };
	u64 path[V3C_TREE_LEVELS], table = half->root, value, at;
	unsigned int level = half->level, mask = half->mask, depth = 0, index;

	if (!is_inside(half, page, unit))
		return;
	entry.prot = IOMMU_READ | IOMMU_WRITE;
	for (;;) {
		index = page >> (level * V3C_TABLE_BITS) & mask;
		at = table + index * ENTRY_BYTES;
		if (!level)
			break;
		path[depth++] = table;
		if (!read_entries(tables, at, &value, 1))
			value = 0;
		entry = v3c_table_decode(tables->format, value, level, tables->phys_bits,
					 entry.prot);
		if (entry.kind == V3C_ENTRY_TABLE && is_ancestor(path, depth, entry.phys))
			entry.kind = V3C_ENTRY_EMPTY;
		if (entry.kind != V3C_ENTRY_TABLE)
			break;
		table = entry.phys;
		mask = BIT(V3C_TABLE_BITS) - 1;
		level--;
	}
	*unit = (struct v3c_unit) {
		.kind = entry.kind,
		.level = level,
		.entry_level = level,
		.prot = entry.prot,
		.phys = entry.phys,
	};
	if (entry.kind == V3C_ENTRY_TABLE) {
		unit->first = page;
		unit->last = page + (mask - index);
		unit->phys = at;
		return;
	}
	unit->first = page & ~(v3c_level_pages(level) - 1);
	unit->last = unit->first + v3c_level_pages(level) - 1;
	if (entry.kind == V3C_ENTRY_EMPTY)
		extend_empty(tables, at, index, mask + 1, limit, unit);
}

/* walk_identity() finds the largest leaf around @page that lies wholly in one of @runs. */
static void walk_identity(const struct v3c_runs *runs, u64 page, struct v3c_unit *unit)
{
	const struct v3c_run *run = v3c_runs_find(runs, page);
	unsigned int level;
	u64 pages, first;

	*unit = (struct v3c_unit) {
		.kind = V3C_ENTRY_EMPTY,
		.entry_level = V3C_TREE_LEVELS,
		.first = page,
		.last = half_last(page),
	};
	if (!run)
		return;
	if (page < run->pfn) {
		unit->last = min(unit->last, run->pfn - 1);
		return;
	}
	for (level = V3C_LARGEST_LEAF; ; level--) {
		pages = v3c_level_pages(level);
		first = page & ~(pages - 1);
		if (first >= run->pfn && first + pages <= run->pfn + run->pages)
			break;
	}
	*unit = (struct v3c_unit) {
		.kind = V3C_ENTRY_LEAF,
		.level = level,
		.prot = IOMMU_READ | IOMMU_WRITE,
		.first = first,
		.last = first + pages - 1,
		.phys = first << V3C_PAGE_SHIFT,
	};
	if (!level)
		unit->last = min(page | (v3c_level_pages(1) - 1), run->pfn + run->pages - 1);
}

/**
 * v3c_table_walk() - what is configured for a page
 * @tables: the configuration
 * @page: a page of either half
 * @limit: @unit need not reach beyond this page
 * @unit: result, which covers @page
 *
 * Context: any.
 */
void v3c_table_walk(const struct v3c_tables *tables, u64 page, u64 limit, struct v3c_unit *unit)
{
	switch (tables->kind) {
	case V3C_TABLES_WALKED:
		walk_tables(tables, page, limit, unit);
		return;
	case V3C_TABLES_IDENTITY:
		walk_identity(tables->runs, page, unit);
		return;
	case V3C_TABLES_NONE:
		break;
	}
	*unit = (struct v3c_unit) {
		.kind = V3C_ENTRY_EMPTY,
		.entry_level = V3C_TREE_LEVELS,
		.first = page,
		.last = half_last(page),
	};
}

/*
 * placed_leaf() is v3c_leaf() of @pages pages at @phys, where they are; 0 where there is no such
 * leaf.
 */
static u64 placed_leaf(const struct v3c_frames *frames, u64 phys, u64 pages, int prot)
{
	u64 pfn, found;

	if (!frames)
		return v3c_leaf(phys, prot);
	pfn = v3c_frames_find(frames, phys >> V3C_PAGE_SHIFT, &found);
	prot &= frames->prot;
	if (found < pages || pfn & (pages - 1) || !prot)
		return 0;
	return v3c_leaf(pfn << V3C_PAGE_SHIFT, prot);
}

/**
 * v3c_unit_leaf() - some pages of a leaf as one
 * @tables: the configuration
 * @unit: of kind %V3C_ENTRY_LEAF
 * @page: first page, a multiple of @pages
 * @pages: a power of two; @unit covers all of them
 *
 * Context: any.
 * Return: v3c_leaf(); or 0 where the pages are not contiguous, not there, or not aligned so.
 */
u64 v3c_unit_leaf(const struct v3c_tables *tables, const struct v3c_unit *unit, u64 page, u64 pages)
{
	return placed_leaf(tables->frames, unit->phys + ((page - unit->first) << V3C_PAGE_SHIFT),
			   pages, unit->prot);
}

/**
 * v3c_table_leaves() - the 4 KiB leaves of some pages
 * @tables: the configuration
 * @unit: covers all of them; not empty
 * @first: first page
 * @count: how many, at most 256
 * @leaves: result, one v3c_leaf() for each
 *
 * Context: any.
 */
void v3c_table_leaves(const struct v3c_tables *tables, const struct v3c_unit *unit, u64 first,
		      unsigned int count, u64 *leaves)
{
	u64 offset = first - unit->first;
	struct v3c_entry entry;
	unsigned int i;

	if (unit->kind == V3C_ENTRY_LEAF) {
		for (i = 0; i < count; i++)
			leaves[i] = v3c_unit_leaf(tables, unit, first + i, 1);
		return;
	}
	if (!read_entries(tables, unit->phys + offset * ENTRY_BYTES, leaves, count)) {
		memset(leaves, 0, count * sizeof(*leaves));
		return;
	}
	for (i = 0; i < count; i++) {
		entry = v3c_table_decode(tables->format, leaves[i], 0, tables->phys_bits,
					 unit->prot);
		leaves[i] = entry.kind == V3C_ENTRY_LEAF ?
				    placed_leaf(tables->frames, entry.phys, 1, entry.prot) : 0;
	}
}
