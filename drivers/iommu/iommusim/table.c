// SPDX-License-Identifier: GPL-2.0
#include <linux/bits.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/iommu.h>
#include <linux/log2.h>
#include <linux/mm.h>

#include "instance.h"
#include "table.h"

#define ENTRIES		512
#define ENTRY_PRESENT	BIT_ULL(0)
#define ENTRY_READ	BIT_ULL(1)
#define ENTRY_WRITE	BIT_ULL(2)
#define ENTRY_LEAF	BIT_ULL(3)
#define ENTRY_PHYS	GENMASK_ULL(51, 12)

/* Enough for a 1 GiB leaf below the root, whatever the aperture. */
#define MIN_LEVELS	3

static u64 level_size(unsigned int level)
{
	return BIT_ULL(iommusim_level_shift(level));
}

static unsigned int entry_index(u64 iova, unsigned int level)
{
	return (iova >> iommusim_level_shift(level)) & (ENTRIES - 1);
}

static bool is_present(u64 entry)
{
	return entry & ENTRY_PRESENT;
}

static bool is_leaf(u64 entry)
{
	return entry & ENTRY_LEAF;
}

static u64 *to_table(u64 entry)
{
	return phys_to_virt(entry & ENTRY_PHYS);
}

static u64 *alloc_table(struct iommusim *sim, gfp_t gfp)
{
	struct page *page;

	if (iommusim_table_alloc_fails(sim))
		return NULL;
	page = alloc_page(gfp | __GFP_ZERO | __GFP_NOWARN);
	if (!page)
		return NULL;
	atomic64_inc(&sim->tables);
	return page_address(page);
}

static void free_table(struct iommusim *sim, u64 *entries)
{
	atomic64_dec(&sim->tables);
	free_page((unsigned long)entries);
}

/*
 * A walk that is still inside the table must find no translation where the link is stored: the
 * next table's address has the present bit clear, since tables are page-aligned.
 */
static void unlink_table(struct iommusim_table *table, u64 *entries)
{
	BUILD_BUG_ON(sizeof(struct llist_node) > sizeof(*entries));
	atomic64_dec(&table->sim->tables);
	llist_add((struct llist_node *)entries, &table->unlinked);
}

/* Unlinks the table at @level that @entry pointed to, and all below. */
static void unlink_subtree(struct iommusim_table *table, u64 entry, unsigned int level)
{
	u64 *entries = to_table(entry);
	unsigned int i;

	for (i = 0; i < ENTRIES; i++) {
		u64 child = READ_ONCE(entries[i]);

		if (!is_present(child))
			continue;
		if (is_leaf(child))
			atomic64_dec(&table->sim->leaves[level]);
		else
			unlink_subtree(table, child, level - 1);
	}
	unlink_table(table, entries);
}

static bool is_empty_subtree(u64 entry, unsigned int level)
{
	u64 *entries = to_table(entry);
	unsigned int i;

	for (i = 0; i < ENTRIES; i++) {
		u64 child = READ_ONCE(entries[i]);

		if (is_present(child) &&
		    (is_leaf(child) || !is_empty_subtree(child, level - 1)))
			return false;
	}
	return true;
}

static void free_subtree(struct iommusim *sim, u64 *entries, unsigned int level)
{
	unsigned int i;

	for (i = 0; i < ENTRIES; i++) {
		u64 child = entries[i];

		if (!is_present(child))
			continue;
		if (is_leaf(child))
			atomic64_dec(&sim->leaves[level]);
		else
			free_subtree(sim, to_table(child), level - 1);
	}
	free_table(sim, entries);
}

int iommusim_table_init(struct iommusim_table *table, struct iommusim *sim, unsigned int bits)
{
	table->sim = sim;
	table->levels = max(MIN_LEVELS, DIV_ROUND_UP(bits - 12, 9));
	init_llist_head(&table->unlinked);
	table->root = alloc_table(sim, GFP_KERNEL);
	return table->root ? 0 : -ENOMEM;
}

/* The caller excludes walks. Afterwards they find nothing mapped. */
void iommusim_table_destroy(struct iommusim_table *table)
{
	u64 *root = table->root;

	iommusim_table_reap(table);
	table->root = NULL;
	if (root)
		free_subtree(table->sim, root, table->levels - 1);
}

/* Frees what maps and unmaps unlinked; the caller excludes walks, which may still be inside. */
void iommusim_table_reap(struct iommusim_table *table)
{
	struct llist_node *node = llist_del_all(&table->unlinked);

	while (node) {
		struct llist_node *next = node->next;

		free_page((unsigned long)node);
		node = next;
	}
}

/*
 * Makes *@entry at @level point to a table and returns that. A table that another CPU put there
 * meanwhile serves as well: it is mapping another part of the range the table covers.
 */
static u64 *get_child(struct iommusim_table *table, u64 *entry, unsigned int level, gfp_t gfp)
{
	u64 old = READ_ONCE(*entry);
	u64 *child;

	if (is_present(old) && !is_leaf(old))
		return to_table(old);
	if (is_present(old) && !iommusim_has_quirk(table->sim, IOMMUSIM_OVERLAP_REPLACE))
		return ERR_PTR(-EADDRINUSE);

	child = alloc_table(table->sim, gfp);
	if (!child)
		return ERR_PTR(-ENOMEM);
	if (!try_cmpxchg(entry, &old, virt_to_phys(child) | ENTRY_PRESENT)) {
		free_table(table->sim, child);
		if (is_present(old) && !is_leaf(old))
			return to_table(old);
		return ERR_PTR(-EADDRINUSE);
	}
	if (is_present(old))
		atomic64_dec(&table->sim->leaves[level]);
	return child;
}

/* The table at @level that holds the entry of @iova, built if missing. */
static u64 *build_path(struct iommusim_table *table, u64 iova, unsigned int level, gfp_t gfp)
{
	u64 *entries = table->root;
	unsigned int at;

	for (at = table->levels - 1; at > level; at--) {
		entries = get_child(table, &entries[entry_index(iova, at)], at, gfp);
		if (IS_ERR(entries))
			break;
	}
	return entries;
}

/*
 * Sets one entry. Tables that earlier, smaller mappings left behind give way to a large leaf; how
 * a mapping that is still there behaves is for the instance's quirks to say.
 */
static int set_leaf(struct iommusim_table *table, u64 *entry, unsigned int level, u64 leaf)
{
	struct iommusim *sim = table->sim;
	u64 old = 0;

	if (try_cmpxchg(entry, &old, leaf)) {
		atomic64_inc(&sim->leaves[level]);
		return 0;
	}
	if (!is_leaf(old)) {
		if (!iommusim_has_quirk(sim, IOMMUSIM_OVERLAP_KEEP | IOMMUSIM_OVERLAP_REPLACE) &&
		    !is_empty_subtree(old, level - 1))
			return -EADDRINUSE;
		WRITE_ONCE(*entry, leaf);
		atomic64_inc(&sim->leaves[level]);
		unlink_subtree(table, old, level - 1);
		return 0;
	}
	if (!iommusim_has_quirk(sim, IOMMUSIM_OVERLAP_REPLACE))
		return -EADDRINUSE;
	WRITE_ONCE(*entry, leaf);
	return 0;
}

/* *@mapped is what was mapped before a failure, for the core to undo. */
int iommusim_table_map(struct iommusim_table *table, u64 iova, u64 phys, size_t pgsize,
		       size_t pgcount, int prot, gfp_t gfp, size_t *mapped)
{
	unsigned int level = (ilog2(pgsize) - 12) / 9;
	u64 flags = ENTRY_PRESENT | ENTRY_LEAF;
	u64 *entries = NULL;

	if (prot & IOMMU_READ)
		flags |= ENTRY_READ;
	if (prot & IOMMU_WRITE)
		flags |= ENTRY_WRITE;

	for (; pgcount; pgcount--, iova += pgsize, phys += pgsize, *mapped += pgsize) {
		unsigned int index = entry_index(iova, level);
		int err;

		if (!entries || !index)
			entries = build_path(table, iova, level, gfp);
		if (IS_ERR(entries)) {
			err = PTR_ERR(entries);
			entries = NULL;
		} else {
			err = set_leaf(table, &entries[index], level, phys | flags);
		}
		if (err == -EADDRINUSE && iommusim_has_quirk(table->sim, IOMMUSIM_OVERLAP_KEEP))
			continue;
		if (err)
			return err;
	}
	return 0;
}

struct unmap_walk {
	struct iommusim_table *table;
	u64 next;	/* first address not looked at */
	u64 last;
	struct iommusim_span *removed;
};

/* False when the large leaf at @base must stay, because the range begins inside it. */
static bool clear_leaf(struct unmap_walk *walk, u64 *entry, unsigned int level, u64 base)
{
	struct iommusim *sim = walk->table->sim;
	struct iommusim_span *removed = walk->removed;
	u64 size = level_size(level);

	if (walk->next != base && !iommusim_has_quirk(sim, IOMMUSIM_UNMAP_WHOLE))
		return false;

	WRITE_ONCE(*entry, 0);
	atomic64_dec(&sim->leaves[level]);
	if (!removed->size)
		removed->first = base;
	removed->last = base + size - 1;
	removed->size += size;
	walk->next = base + size;
	return true;
}

/* Clears the entries of one table; false to stop: a hole, or a leaf that must stay. */
static bool clear_entries(struct unmap_walk *walk, u64 *entries, unsigned int level)
{
	unsigned int index;

	for (index = entry_index(walk->next, level);
	     index < ENTRIES && walk->next <= walk->last; index++) {
		u64 entry = READ_ONCE(entries[index]);
		u64 first = walk->next;
		u64 base = first & ~(level_size(level) - 1);

		if (!is_present(entry))
			return false;
		if (is_leaf(entry)) {
			if (!clear_leaf(walk, &entries[index], level, base))
				return false;
			continue;
		}
		if (!clear_entries(walk, to_table(entry), level - 1))
			return false;
		if (first == base && walk->last - base >= level_size(level) - 1) {
			WRITE_ONCE(entries[index], 0);
			unlink_table(walk->table, to_table(entry));
		}
	}
	return true;
}

/* Stops at a hole. A table goes only when this one call covers all of it. */
void iommusim_table_unmap(struct iommusim_table *table, u64 iova, size_t size,
			  struct iommusim_span *removed)
{
	struct unmap_walk walk = {
		.table = table,
		.next = iova,
		.last = iova + size - 1,
		.removed = removed,
	};

	removed->size = 0;
	clear_entries(&walk, table->root, table->levels - 1);
}

bool iommusim_table_walk(const struct iommusim_table *table, u64 iova, struct iommusim_leaf *leaf)
{
	unsigned int level = table->levels - 1;
	u64 *entries = table->root;

	if (!entries)
		return false;
	for (;;) {
		u64 entry = READ_ONCE(entries[entry_index(iova, level)]);

		if (!is_present(entry))
			return false;
		if (is_leaf(entry)) {
			leaf->phys = entry & ENTRY_PHYS;
			leaf->level = level;
			leaf->readable = entry & ENTRY_READ;
			leaf->writable = entry & ENTRY_WRITE;
			return true;
		}
		entries = to_table(entry);
		level--;
	}
}
