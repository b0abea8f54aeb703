// SPDX-License-Identifier: GPL-2.0
#include <linux/bitfield.h>
#include <linux/bits.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/iommu.h>
#include <linux/log2.h>
#include <linux/mm.h>

#include "instance.h"
#include "table.h"

#define ENTRIES		512

/*
 * ENTRY_ORDER is log2 of how many entries make up the leaf, ENTRY_PHYS in each of them the address
 * of the leaf's first byte. An entry with ENTRY_UNSENT is present, but the IOMMU does not know it;
 * one with ENTRY_KEPT is not present, but the IOMMU still knows it.
 */
#define ENTRY_PRESENT	BIT_ULL(0)
#define ENTRY_READ	BIT_ULL(1)
#define ENTRY_WRITE	BIT_ULL(2)
#define ENTRY_LEAF	BIT_ULL(3)
#define ENTRY_ORDER	GENMASK_ULL(7, 4)
#define ENTRY_UNSENT	BIT_ULL(8)
#define ENTRY_KEPT	BIT_ULL(9)
#define ENTRY_PHYS	GENMASK_ULL(51, 12)

/* MIN_LEVELS are enough for a 1 GiB leaf in the root, whatever the aperture. */
#define MIN_LEVELS	3
/*
 * With IOMMUSIM_MOVING_ROOT there are at least MOVING_LEVELS, because a table that is or becomes
 * the root must hold no leaf and no link that an unmap removes: see may_unlink().
 */
#define MOVING_LEVELS	4

#define ROOT_LEVELS	GENMASK(2, 0)

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

static bool is_sent(u64 entry)
{
	return (entry & (ENTRY_PRESENT | ENTRY_KEPT)) && !(entry & ENTRY_UNSENT);
}

static bool is_leaf(u64 entry)
{
	return entry & ENTRY_LEAF;
}

static unsigned int leaf_order(u64 entry)
{
	return FIELD_GET(ENTRY_ORDER, entry);
}

static u64 *to_table(u64 entry)
{
	return phys_to_virt(entry & ENTRY_PHYS);
}

static u64 *alloc_table(struct iommusim *sim, gfp_t gfp)
{
	struct page *page;

	if (iommusim_take_failure(&sim->table_failures))
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
 * The link to the next table overwrites entry 0 of @entries, in which a walk may still be. It finds
 * ENTRY_PRESENT clear there, because tables are page-aligned.
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

static unsigned int levels_for(const struct iommusim *sim, unsigned int bits)
{
	unsigned int least = iommusim_has_quirk(sim, IOMMUSIM_MOVING_ROOT) ? MOVING_LEVELS :
									     MIN_LEVELS;

	return max(least, DIV_ROUND_UP(bits - 12, 9));
}

static u64 *root_entries(unsigned long root)
{
	return (u64 *)(root & ~ROOT_LEVELS);
}

static unsigned int root_level(unsigned long root)
{
	return FIELD_GET(ROOT_LEVELS, root) - 1;
}

static unsigned long make_root(u64 *entries, unsigned int levels)
{
	return (unsigned long)entries | levels;
}

int iommusim_table_init(struct iommusim_table *table, struct iommusim *sim, unsigned int bits)
{
	u64 *entries = alloc_table(sim, GFP_KERNEL);

	if (!entries)
		return -ENOMEM;
	table->sim = sim;
	table->root = make_root(entries, levels_for(sim, bits));
	init_llist_head(&table->unlinked);
	return 0;
}

/* The caller excludes walks. Afterwards iommusim_table_walk() finds nothing mapped. */
void iommusim_table_destroy(struct iommusim_table *table)
{
	unsigned long root = table->root;

	iommusim_table_reap(table);
	table->root = 0;
	if (root)
		free_subtree(table->sim, root_entries(root), root_level(root));
}

/*
 * Return: the root, or NULL when nothing can be at @last: only a root that lost levels in a move is
 * too small for what the domain let pass before
 */
static u64 *get_root(const struct iommusim_table *table, u64 last, unsigned int *level)
{
	unsigned long root = READ_ONCE(table->root);

	if (!root)
		return NULL;
	*level = root_level(root);
	if (!iommusim_has_quirk(table->sim, IOMMUSIM_SIGN_EXTEND) &&
	    last >> iommusim_level_shift(*level + 1))
		return NULL;
	return root_entries(root);
}

/*
 * Copies the root, without levels that @bits do not need. The caller makes move->new the root while
 * it excludes walks, and calls iommusim_table_end_move() when no map or unmap is left that began
 * before.
 *
 * Return: false when there is no memory, and the root stays
 */
bool iommusim_table_begin_move(struct iommusim_table *table, unsigned int bits,
			       struct iommusim_move *move)
{
	unsigned int levels = levels_for(table->sim, bits);
	u64 *new = alloc_table(table->sim, GFP_KERNEL);
	unsigned int at, i;

	if (!new)
		return false;
	move->old = table->root;
	move->new = make_root(new, levels);
	move->copied = root_entries(move->old);
	for (at = root_level(move->old); at >= levels && move->copied; at--) {
		u64 entry = READ_ONCE(move->copied[0]);

		move->copied = is_present(entry) ? to_table(entry) : NULL;
	}
	for (i = 0; move->copied && i < ENTRIES; i++)
		new[i] = READ_ONCE(move->copied[i]);
	return true;
}

/* Frees move->old, and what was mapped in it since it was copied. */
void iommusim_table_end_move(struct iommusim_table *table, const struct iommusim_move *move)
{
	u64 *new = root_entries(move->new);
	unsigned int i;

	/*
	 * An entry that is the same in both was copied, because a table is linked in one place
	 * only, and may_unlink() keeps each of them linked.
	 */
	for (i = 0; move->copied && i < ENTRIES; i++) {
		if (move->copied[i] == READ_ONCE(new[i]))
			move->copied[i] = 0;
	}
	free_subtree(table->sim, root_entries(move->old), root_level(move->old));
}

/*
 * Frees table->unlinked. The caller excludes walks, because one may still be inside such a table.
 */
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
 * meanwhile serves as well, because that CPU maps another part of the range the table covers.
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
	while (!try_cmpxchg(entry, &old, virt_to_phys(child) | ENTRY_PRESENT)) {
		if (!is_present(old))
			continue;
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
	unsigned int at;
	u64 *entries = get_root(table, iova, &at);

	if (!entries)
		return ERR_PTR(-ERANGE);
	for (; at > level; at--) {
		entries = get_child(table, &entries[entry_index(iova, at)], at, gfp);
		if (IS_ERR(entries))
			break;
	}
	return entries;
}

/*
 * Sets *@entry. Tables that earlier, smaller mappings left behind give way to a large leaf.
 * IOMMUSIM_OVERLAP_KEEP and IOMMUSIM_OVERLAP_REPLACE say what becomes of a mapping that is still
 * there.
 */
static int set_entry(struct iommusim_table *table, u64 *entry, unsigned int level, u64 leaf)
{
	struct iommusim *sim = table->sim;
	u64 old = READ_ONCE(*entry);

	while (!is_present(old)) {
		if (!try_cmpxchg(entry, &old, leaf))
			continue;
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

/*
 * Sets all entries of @leaf, or none. A joined leaf meets no overlap quirk, because check_config()
 * refuses the quirks where sizes can be joined.
 */
static int set_leaf(struct iommusim_table *table, u64 *entries, unsigned int level, u64 leaf)
{
	unsigned int i;
	int err;

	for (i = 0; i < BIT(leaf_order(leaf)); i++) {
		err = set_entry(table, &entries[i], level, leaf);
		if (err)
			goto err_clear;
	}
	return 0;

err_clear:
	while (i--) {
		WRITE_ONCE(entries[i], 0);
		atomic64_dec(&table->sim->leaves[level]);
	}
	return err;
}

/* *@mapped tells what was mapped before a failure, for the core to undo. */
int iommusim_table_map(struct iommusim_table *table, u64 iova, u64 phys, size_t pgsize,
		       size_t pgcount, int prot, gfp_t gfp, size_t *mapped)
{
	unsigned int level = (ilog2(pgsize) - 12) / 9;
	unsigned int order = (ilog2(pgsize) - 12) % 9;
	u64 flags = ENTRY_PRESENT | ENTRY_LEAF | FIELD_PREP(ENTRY_ORDER, order);
	u64 *entries = NULL;

	if (prot & IOMMU_READ)
		flags |= ENTRY_READ;
	if (prot & IOMMU_WRITE)
		flags |= ENTRY_WRITE;
	if (READ_ONCE(table->sending)) {
		flags |= ENTRY_UNSENT;
		WRITE_ONCE(table->differs, true);
	}

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

/**
 * struct iommusim_unmap_walk - an unmap under way
 * @table: the tables walked
 * @next: first address not looked at
 * @last: last address, inclusive
 * @unsent: the IOMMU keeps what it knows, see &iommusim_table.sending
 * @removed: what has been removed so far
 */
struct iommusim_unmap_walk {
	struct iommusim_table *table;
	u64 next;
	u64 last;
	bool unsent;
	struct iommusim_span *removed;
};

/* Return: false when the leaf of @entries[@index] must stay, because the range begins inside it */
static bool clear_leaf(struct iommusim_unmap_walk *walk, u64 *entries, unsigned int index,
		       unsigned int level)
{
	struct iommusim *sim = walk->table->sim;
	struct iommusim_span *removed = walk->removed;
	u64 entry = READ_ONCE(entries[index]);
	unsigned int order = leaf_order(entry);
	u64 size = level_size(level) << order;
	u64 left = 0;
	u64 base = walk->next & ~(size - 1);
	unsigned int i;

	if (walk->next != base && !iommusim_has_quirk(sim, IOMMUSIM_UNMAP_WHOLE))
		return false;

	if (walk->unsent && is_sent(entry))
		left = (entry & ~ENTRY_PRESENT) | ENTRY_KEPT;
	index &= ~(BIT(order) - 1);
	for (i = 0; i < BIT(order); i++)
		WRITE_ONCE(entries[index + i], left);
	atomic64_sub(BIT(order), &sim->leaves[level]);
	if (!removed->size)
		removed->first = base;
	removed->last = base + size - 1;
	removed->size += size;
	walk->next = base + size;
	return true;
}

/*
 * may_unlink() lets a table go only when one unmap covers all of it, because others may be mapping
 * in the rest of it.
 */
static bool may_unlink(const struct iommusim_unmap_walk *walk, u64 first, unsigned int level)
{
	u64 size = level_size(level);

	if (iommusim_has_quirk(walk->table->sim, IOMMUSIM_MOVING_ROOT) &&
	    level >= MOVING_LEVELS - 1)
		return false;
	if (walk->unsent)
		return false;
	return !(first & (size - 1)) && walk->last - first >= size - 1;
}

/*
 * Clears entries of one table.
 *
 * Return: false to end the unmap, at a hole or at a leaf that clear_leaf() lets stay
 */
static bool clear_entries(struct iommusim_unmap_walk *walk, u64 *entries, unsigned int level)
{
	unsigned int index = entry_index(walk->next, level);

	while (index < ENTRIES && walk->next <= walk->last) {
		u64 entry = READ_ONCE(entries[index]);
		u64 first = walk->next;

		if (!is_present(entry))
			return false;
		if (is_leaf(entry)) {
			if (!clear_leaf(walk, entries, index, level))
				return false;
			index = (index | (BIT(leaf_order(entry)) - 1)) + 1;
			continue;
		}
		if (!clear_entries(walk, to_table(entry), level - 1))
			return false;
		if (may_unlink(walk, first, level)) {
			WRITE_ONCE(entries[index], 0);
			unlink_table(walk->table, to_table(entry));
		}
		index++;
	}
	return true;
}

/* Stops at a hole: @removed tells how far the unmap came. */
void iommusim_table_unmap(struct iommusim_table *table, u64 iova, size_t size,
			  struct iommusim_span *removed)
{
	struct iommusim_unmap_walk walk = {
		.table = table,
		.next = iova,
		.last = iova + size - 1,
		.unsent = READ_ONCE(table->sending),
		.removed = removed,
	};
	unsigned int level;
	u64 *entries = get_root(table, walk.last, &level);

	removed->size = 0;
	if (walk.unsent)
		WRITE_ONCE(table->differs, true);
	if (entries)
		clear_entries(&walk, entries, level);
}

/*
 * try_cmpxchg(), because maps and unmaps may be under way: what one puts into an entry meanwhile is
 * sent already, and must stay.
 */
static void send_subtree(u64 *entries)
{
	unsigned int i;

	for (i = 0; i < ENTRIES; i++) {
		u64 entry = READ_ONCE(entries[i]);

		if (entry & ENTRY_KEPT)
			try_cmpxchg(&entries[i], &entry, 0);
		else if (entry & ENTRY_UNSENT)
			try_cmpxchg(&entries[i], &entry, entry & ~ENTRY_UNSENT);
		else if (is_present(entry) && !is_leaf(entry))
			send_subtree(to_table(entry));
	}
}

/*
 * Sends all that is mapped. A map or unmap that begins between here and iommusim_table_end_send()
 * is not sent, even if it ends later. The caller excludes walks.
 */
void iommusim_table_begin_send(struct iommusim_table *table)
{
	unsigned int level;
	u64 *entries = get_root(table, 0, &level);

	if (table->differs && entries)
		send_subtree(entries);
	table->differs = false;
	WRITE_ONCE(table->sending, true);
}

void iommusim_table_end_send(struct iommusim_table *table)
{
	WRITE_ONCE(table->sending, false);
}

static bool walk_to_leaf(const struct iommusim_table *table, u64 iova, bool sent,
			 struct iommusim_leaf *leaf)
{
	unsigned int level;
	u64 *entries = get_root(table, iova, &level);

	if (!entries)
		return false;
	for (;;) {
		u64 entry = READ_ONCE(entries[entry_index(iova, level)]);

		if (!(sent ? is_sent(entry) : is_present(entry)))
			return false;
		if (is_leaf(entry)) {
			leaf->phys = entry & ENTRY_PHYS;
			leaf->shift = iommusim_level_shift(level) + leaf_order(entry);
			leaf->readable = entry & ENTRY_READ;
			leaf->writable = entry & ENTRY_WRITE;
			return true;
		}
		entries = to_table(entry);
		level--;
	}
}

/* iommusim_table_walk() finds what is mapped, iommusim_table_walk_sent() what the IOMMU knows. */
bool iommusim_table_walk(const struct iommusim_table *table, u64 iova, struct iommusim_leaf *leaf)
{
	return walk_to_leaf(table, iova, false, leaf);
}

bool iommusim_table_walk_sent(const struct iommusim_table *table, u64 iova,
			      struct iommusim_leaf *leaf)
{
	return walk_to_leaf(table, iova, true, leaf);
}
