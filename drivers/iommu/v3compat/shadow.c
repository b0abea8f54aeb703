// SPDX-License-Identifier: GPL-2.0
/*
 * Mirroring the tables of an Unmanaged domain's owner into a page table.
 *
 * IOMMU drivers take no tables made by others. So a page table of the domain is kept as a copy: a tree
 * of the same shape says what of the owner's tables is in it, and a flush compares the two and puts
 * right what differs. Every leaf of the tree is one map call, and is unmapped as a whole.
 *
 * The comparison goes on in steps of bounded length, each under the lock. A step reads the owner's
 * entries anew, so any number of flushes may be under way: each leaves behind what it read after it
 * began, or what a later one read. What is gone is unmapped before anything is mapped, and unmapping
 * takes no memory, so what must go goes, whatever else fails.
 *
 * A block in the owner's tables where the tree still has smaller leaves is mirrored in smaller leaves,
 * as long as any of them stays as it is: the device may be using it.
 */
#include <linux/gfp.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "hwpt.h"
#include "replay.h"
#include "shadow.h"
#include "space.h"
#include "table_walk.h"

#define V3C_NODE_ENTRIES	(1u << V3C_TABLE_BITS)
#define V3C_ROOT_LEVEL		(V3C_TREE_LEVELS - 1)

/* Work done without letting go of the lock, in 4 KiB entries looked at. */
#define V3C_STEP_WORK		V3C_NODE_ENTRIES
#define V3C_LARGE_WORK		64

/* Part of memory that the nodes of one tree may take; the tables of the IOMMU take as much again. */
#define V3C_NODES_SHARE		64
#define V3C_NODES_MIN		64

/*
 * In a node's struct page: it stands, or has stood, for one leaf of the owner's tables, which one
 * address is enough to flush.
 */
#define V3C_NODE_SPLIT		BIT(16)

/* An entry is 0, a v3c_leaf(), or this and the address of a node. */
#define V3C_ENTRY_NODE		BIT_ULL(2)

/**
 * struct v3c_shadow - what of the owner's tables is in a page table
 * @lock: protects everything here, and everything mapped in @hwpt but for DIRECT ranges; taken with
 *	interrupts off from any context; outside the space's lock
 * @hwpt: the page table
 * @space: of the domain: what is withheld there is not mirrored
 * @tables: as configured
 * @root: the node that covers everything
 * @wanted: the leaves of one node, while they are compared
 * @nodes: in use, but for @root
 * @max_nodes: that may be
 */
struct v3c_shadow {
	spinlock_t lock;
	struct v3c_hwpt *hwpt;
	struct v3c_space *space;
	struct v3c_tables tables;
	u64 *root;
	u64 *wanted;
	unsigned long nodes;
	unsigned long max_nodes;
};

/**
 * struct v3c_sync - a comparison under way
 * @first: first page, as far as one leaf or another has widened it
 * @last: last page, likewise
 * @at: everything before is done
 * @visited: tables met that had nothing to mirror
 * @refused: large leaves met that the IOMMU driver did not take
 * @removes_only: there is no memory to mirror anything more
 */
struct v3c_sync {
	u64 first;
	u64 last;
	u64 at;
	unsigned long visited;
	unsigned long refused;
	bool removes_only;
};

/**
 * struct v3c_place - where in the tree a page is
 * @node: the nodes from the root down to @level
 * @level: of the entry, the lowest there is
 * @entry: it
 * @first: first page of the entry
 * @last: last page of the entry
 */
struct v3c_place {
	u64 *node[V3C_TREE_LEVELS];
	unsigned int level;
	u64 *entry;
	u64 first;
	u64 last;
};

static unsigned int entry_index(u64 page, unsigned int level)
{
	return (page >> (level * V3C_TABLE_BITS)) & (V3C_NODE_ENTRIES - 1);
}

static bool is_node(u64 entry)
{
	return entry & V3C_ENTRY_NODE;
}

static u64 *to_node(u64 entry)
{
	return (u64 *)(unsigned long)(entry & ~V3C_ENTRY_NODE);
}

/* Entries in use are counted in the node's struct page. */
static unsigned long node_used(const u64 *node)
{
	return page_private(virt_to_page(node)) & ~V3C_NODE_SPLIT;
}

static bool is_split(const u64 *node)
{
	return page_private(virt_to_page(node)) & V3C_NODE_SPLIT;
}

static void set_split(u64 *node, bool split)
{
	struct page *page = virt_to_page(node);

	set_page_private(page, node_used(node) | (split ? V3C_NODE_SPLIT : 0));
}

static void set_entry(u64 *node, u64 *entry, u64 value)
{
	struct page *page = virt_to_page(node);

	set_page_private(page, page_private(page) + !!value - !!*entry);
	*entry = value;
}

static u64 *alloc_node(gfp_t gfp)
{
	struct page *page = alloc_page(gfp | __GFP_ZERO | __GFP_NOWARN);

	if (!page)
		return NULL;
	set_page_private(page, 0);
	return page_address(page);
}

static void free_node(u64 *node)
{
	set_page_private(virt_to_page(node), 0);
	free_page((unsigned long)node);
}

static void set_level(struct v3c_place *place, u64 page, unsigned int level)
{
	u64 pages = v3c_level_pages(level);

	place->level = level;
	place->entry = &place->node[level][entry_index(page, level)];
	place->first = page & ~(pages - 1);
	place->last = place->first + pages - 1;
}

static void find_place(struct v3c_shadow *shadow, u64 page, struct v3c_place *place)
{
	unsigned int level = V3C_ROOT_LEVEL;

	place->node[level] = shadow->root;
	for (;;) {
		set_level(place, page, level);
		if (!level || !is_node(*place->entry))
			return;
		level--;
		place->node[level] = to_node(*place->entry);
	}
}

/* Frees the nodes that are empty from @place upwards. */
static void prune(struct v3c_shadow *shadow, struct v3c_place *place, u64 page)
{
	while (place->level < V3C_ROOT_LEVEL && !node_used(place->node[place->level])) {
		free_node(place->node[place->level]);
		shadow->nodes--;
		set_level(place, page, place->level + 1);
		set_entry(place->node[place->level], place->entry, 0);
	}
}

/* Adds nodes below the empty entry at @place, so that there is one at @level. */
static int descend(struct v3c_shadow *shadow, struct v3c_place *place, u64 page, unsigned int level)
{
	int ret = 0;
	u64 *node;

	while (place->level > level) {
		ret = -E2BIG;
		if (shadow->nodes >= shadow->max_nodes)
			break;
		ret = -ENOMEM;
		node = alloc_node(GFP_ATOMIC);
		if (!node)
			break;
		ret = 0;
		shadow->nodes++;
		set_entry(place->node[place->level], place->entry,
			  (unsigned long)node | V3C_ENTRY_NODE);
		place->node[place->level - 1] = node;
		set_level(place, page, place->level - 1);
	}
	if (ret)
		prune(shadow, place, page);
	return ret;
}

/* The last page of the pages from @place on for which the node of @place has nothing. */
static u64 empty_until(const struct v3c_place *place)
{
	const u64 *end = place->node[place->level] + V3C_NODE_ENTRIES;
	const u64 *entry = place->entry + 1;
	u64 pages = v3c_level_pages(place->level);

	while (entry < end && !*entry)
		entry++;
	return place->last + (entry - place->entry - 1) * pages;
}

/* Whether the page table translates a page at all, but for what its driver knows better. */
static bool is_translated(const struct v3c_shadow *shadow, u64 page)
{
	return page <= v3c_hwpt_last_page(shadow->hwpt) ||
	       (page >= V3C_UPPER_FIRST && v3c_hwpt_has_upper_half(shadow->hwpt));
}

/* The first withheld page from @page on, and the last one of that range; false if there is none. */
static bool next_withheld(struct v3c_shadow *shadow, u64 page, u64 *first, u64 *last)
{
	struct v3c_range *range;

	guard(spinlock_irqsave)(&shadow->space->lock);
	range = v3c_space_find(shadow->space, page);
	if (!range)
		return false;
	*first = max(range->first, page);
	*last = range->last;
	return true;
}

/* Whether the leaf of @level around @page may be mirrored in one piece. */
static bool fits(struct v3c_shadow *shadow, unsigned int level, u64 page)
{
	u64 pages = v3c_level_pages(level);
	u64 first = page & ~(pages - 1), held, held_last;

	/*
	 * What the hardware has no such leaf for takes a table for each 2 MiB, which is counted where the
	 * tree has it, too: but for the machine's own memory a caller could ask for any number of them.
	 */
	if (!v3c_hwpt_has_leaf(shadow->hwpt, pages) &&
	    (level > 1 || shadow->tables.kind == V3C_TABLES_WALKED))
		return false;
	if (!is_translated(shadow, first) || !is_translated(shadow, first + pages - 1))
		return false;
	return !next_withheld(shadow, first, &held, &held_last) || held > first + pages - 1;
}

/* Removes from @wanted what is withheld or beyond the aperture. */
static void leave_out(struct v3c_shadow *shadow, u64 first, unsigned int count, u64 *wanted)
{
	u64 end = first + count, page, held, held_last;

	/* What is not translated follows what is. */
	for (page = end; page > first && !is_translated(shadow, page - 1); page--)
		wanted[page - 1 - first] = 0;
	for (page = first; page < end && next_withheld(shadow, page, &held, &held_last);
	     page = held_last + 1)
		for (; held < end && held <= held_last; held++)
			wanted[held - first] = 0;
}

static u64 unit_leaf(const struct v3c_unit *unit, u64 page)
{
	return v3c_leaf(unit->phys + ((page - unit->first) << V3C_PAGE_SHIFT), unit->prot);
}

/*
 * All of a leaf is brought up to date if any of it is. So that a leaf which comes and goes keeps nobody
 * busy, the comparison goes back only to before where it began.
 */
static bool widen(struct v3c_sync *sync, u64 first, u64 last)
{
	sync->last = max(sync->last, last);
	if (first >= sync->first)
		return false;
	sync->first = first;
	sync->at = first;
	return true;
}

/* Leaves of the owner's that the tree has in pieces are brought up to date as a whole, too. */
static bool widen_split(struct v3c_sync *sync, const struct v3c_place *place)
{
	unsigned int level;
	u64 pages, first;

	for (level = place->level; level < V3C_LARGEST_LEAF; level++) {
		pages = v3c_level_pages(level + 1);
		first = sync->at & ~(pages - 1);
		if (is_split(place->node[level]) && widen(sync, first, first + pages - 1))
			return true;
	}
	return false;
}

static void mark_split(const struct v3c_place *place, const struct v3c_unit *unit)
{
	unsigned int level;

	if (unit->kind == V3C_ENTRY_LEAF)
		for (level = place->level; level < unit->level; level++)
			set_split(place->node[level], true);
}

/* Nobody runs out of time over a table that is found again and again and has nothing in it. */
static int count_visit(struct v3c_shadow *shadow, struct v3c_sync *sync)
{
	return ++sync->visited > shadow->max_nodes ? -E2BIG : 0;
}

/* Nor over large leaves that cannot be mirrored: some of them are as much work as such a table. */
static int count_refused(struct v3c_shadow *shadow, struct v3c_sync *sync)
{
	return ++sync->refused % (V3C_STEP_WORK / V3C_LARGE_WORK) ? 0 : count_visit(shadow, sync);
}

/*
 * Maps, or does not: an address that the IOMMU driver refuses is one that is not translated. Only lack
 * of memory is an error.
 */
static int map_leaf(struct v3c_shadow *shadow, u64 page, u64 leaf, u64 pages, bool *mapped)
{
	int ret = v3c_hwpt_map_run(shadow->hwpt, page, v3c_leaf_phys(leaf) >> V3C_PAGE_SHIFT,
				   pages, v3c_leaf_prot(leaf), GFP_ATOMIC | __GFP_NOWARN);

	WARN_ONCE(ret == -EADDRINUSE || ret == -EEXIST,
		  "v3compat: page table has something at %#llx\n", page << V3C_PAGE_SHIFT);
	*mapped = !ret;
	return ret == -ENOMEM ? ret : 0;
}

static void unmap_large(struct v3c_shadow *shadow, struct v3c_place *place, u64 page)
{
	v3c_hwpt_unmap(shadow->hwpt, place->first, v3c_level_pages(place->level));
	set_entry(place->node[place->level], place->entry, 0);
	prune(shadow, place, page);
}

static int map_large(struct v3c_shadow *shadow, struct v3c_sync *sync, struct v3c_place *place,
		     unsigned int level, const struct v3c_unit *unit)
{
	u64 page = sync->at, leaf;
	bool mapped;
	int ret;

	ret = descend(shadow, place, page, level);
	if (ret)
		return ret;
	mark_split(place, unit);
	leaf = unit_leaf(unit, place->first);
	ret = map_leaf(shadow, place->first, leaf, v3c_level_pages(level), &mapped);
	if (mapped)
		set_entry(place->node[level], place->entry, leaf);
	if (!ret)
		sync->at = place->last + 1;
	if (!ret && !mapped)
		ret = count_refused(shadow, sync);
	prune(shadow, place, page);
	return ret;
}

/* Unmaps the leaves of a node that are not as wanted; one invalidation for all of them. */
static bool remove_leaves(struct v3c_shadow *shadow, u64 *node, u64 first, unsigned int count,
			  const u64 *wanted)
{
	u64 *entries = node + entry_index(first, 0);
	struct iommu_iotlb_gather gather;
	unsigned int i, run = 0;
	bool any = false;

	iommu_iotlb_gather_init(&gather);
	for (i = 0; i < count; i += max(run, 1u)) {
		for (run = 0; i + run < count; run++) {
			if (!entries[i + run] || entries[i + run] == wanted[i + run])
				break;
			set_entry(node, &entries[i + run], 0);
		}
		if (!run)
			continue;
		v3c_hwpt_unmap_gather(shadow->hwpt, first + i, run, &gather);
		any = true;
	}
	if (any)
		v3c_hwpt_sync_gather(shadow->hwpt, &gather);
	return any;
}

/* How many wanted leaves from @i on can be mapped in one call. */
static unsigned int run_length(struct v3c_shadow *shadow, const u64 *entries, u64 first,
			       unsigned int i, unsigned int count, const u64 *wanted)
{
	u64 span = V3C_SPAN_PAGES - ((first + i) & (V3C_SPAN_PAGES - 1));
	unsigned int run = 1;

	if (!v3c_hwpt_may_join(shadow->hwpt))
		return 1;
	count = min_t(u64, count - i, span);
	/* Memory and MMIO differ in more than their addresses. */
	while (run < count && !entries[i + run] &&
	       wanted[i + run] == wanted[i] + run * V3C_PAGE_SIZE &&
	       v3c_is_memory((wanted[i] >> V3C_PAGE_SHIFT) + run) ==
	       v3c_is_memory(wanted[i] >> V3C_PAGE_SHIFT))
		run++;
	return run;
}

static int map_run(struct v3c_shadow *shadow, u64 *node, u64 *entries, u64 page, unsigned int run,
		   const u64 *wanted)
{
	unsigned int i;
	bool mapped;
	int ret;

	ret = map_leaf(shadow, page, wanted[0], run, &mapped);
	for (i = 0; mapped && i < run; i++)
		set_entry(node, &entries[i], wanted[i]);
	if (mapped || ret || run == 1)
		return ret;
	/* It is one of them that the driver does not like. */
	for (i = 0; !ret && i < run; i++)
		ret = map_run(shadow, node, &entries[i], page + i, 1, &wanted[i]);
	return ret;
}

static int add_leaves(struct v3c_shadow *shadow, u64 *node, u64 first, unsigned int count,
		      const u64 *wanted)
{
	u64 *entries = node + entry_index(first, 0);
	unsigned int i, run;
	int ret = 0;

	for (i = 0; !ret && i < count; i += run) {
		run = 1;
		if (entries[i] || !wanted[i])
			continue;
		run = run_length(shadow, entries, first, i, count, wanted);
		ret = map_run(shadow, node, &entries[i], first + i, run, &wanted[i]);
	}
	return ret;
}

/* Brings up to date leaves of the node at @place, or that ought to be below the empty entry there. */
static int sync_leaves(struct v3c_shadow *shadow, struct v3c_sync *sync, struct v3c_place *place,
		       const struct v3c_unit *unit, unsigned int *work)
{
	u64 first = sync->at, *wanted = shadow->wanted;
	u64 last = min3(first | (V3C_NODE_ENTRIES - 1), unit->last, sync->last);
	unsigned int count = last - first + 1;
	bool removed = false;
	int ret = 0;

	*work += count;
	if (unit->kind == V3C_ENTRY_EMPTY) {
		memset(wanted, 0, count * sizeof(*wanted));
	} else {
		v3c_table_leaves(&shadow->tables, unit, first, count, wanted);
		leave_out(shadow, first, count, wanted);
	}
	if (place->level) {
		sync->at = last + 1;
		if (!memchr_inv(wanted, 0, count * sizeof(*wanted)))
			return count_visit(shadow, sync);
		sync->at = first;
		ret = descend(shadow, place, first, 0);
		if (ret)
			return ret;
	} else {
		removed = remove_leaves(shadow, place->node[0], first, count, wanted);
	}
	/* Larger nodes are not compared in one piece: what they stood for they stand for until freed. */
	if (count == V3C_NODE_ENTRIES)
		set_split(place->node[0], unit->kind == V3C_ENTRY_LEAF && unit->level);
	mark_split(place, unit);
	/* Nothing is left that had to stay as it was: perhaps a large leaf serves. */
	if (removed && unit->kind == V3C_ENTRY_LEAF && !node_used(place->node[0])) {
		prune(shadow, place, first);
		return 0;
	}
	if (!sync->removes_only)
		ret = add_leaves(shadow, place->node[0], first, count, wanted);
	if (!ret)
		sync->at = last + 1;
	if (!ret && !node_used(place->node[0]))
		ret = count_visit(shadow, sync);
	prune(shadow, place, first);
	return ret;
}

/* A large leaf is in the way or is what it should be. */
static int sync_large(struct v3c_shadow *shadow, struct v3c_sync *sync, struct v3c_place *place,
		      const struct v3c_unit *unit)
{
	int ret = 0;

	if (unit->kind == V3C_ENTRY_LEAF && unit->level >= place->level &&
	    *place->entry == unit_leaf(unit, place->first) &&
	    fits(shadow, place->level, place->first)) {
		sync->at = place->last + 1;
		return 0;
	}
	widen(sync, place->first, place->last);
	/*
	 * It came by another comparison, and what this one did in front of @sync->at goes with it. That
	 * is counted, as an owner could have it happen again and again.
	 */
	if (place->first < sync->at) {
		ret = count_visit(shadow, sync);
		if (!ret)
			sync->at = place->first;
	}
	unmap_large(shadow, place, place->first);
	return ret;
}

/* The tree has nothing around @sync->at, down to a level above that of 4 KiB leaves. */
static int sync_nothing(struct v3c_shadow *shadow, struct v3c_sync *sync, struct v3c_place *place,
			const struct v3c_unit *unit, unsigned int *work)
{
	unsigned int level;
	u64 pages;

	if (sync->removes_only) {
		sync->at = empty_until(place) + 1;
		return 0;
	}
	if (unit->kind == V3C_ENTRY_EMPTY) {
		pages = v3c_level_pages(min(unit->entry_level + 1, V3C_ROOT_LEVEL));
		sync->at = min(unit->last, empty_until(place)) + 1;
		return unit->first & (pages - 1) ? 0 : count_visit(shadow, sync);
	}
	if (unit->kind == V3C_ENTRY_LEAF) {
		level = min_t(unsigned int, unit->level, place->level);
		while (level && !fits(shadow, level, sync->at))
			level--;
		*work += V3C_LARGE_WORK;
		if (level)
			return map_large(shadow, sync, place, level, unit);
	}
	return sync_leaves(shadow, sync, place, unit, work);
}

/* What is configured for @sync->at and can be translated; beyond the aperture, nothing at all. */
static void walk(struct v3c_shadow *shadow, const struct v3c_sync *sync, struct v3c_unit *unit)
{
	if (is_translated(shadow, sync->at)) {
		v3c_table_walk(&shadow->tables, sync->at, sync->last, unit);
		return;
	}
	*unit = (struct v3c_unit) {
		.kind = V3C_ENTRY_EMPTY,
		.entry_level = V3C_TREE_LEVELS,
		.first = sync->at,
		.last = sync->last,
	};
}

static int sync_some(struct v3c_shadow *shadow, struct v3c_sync *sync, unsigned int *work)
{
	struct v3c_place place;
	struct v3c_unit unit;

	++*work;
	find_place(shadow, sync->at, &place);
	if (widen_split(sync, &place))
		return 0;
	walk(shadow, sync, &unit);
	if (unit.kind == V3C_ENTRY_LEAF && unit.level && widen(sync, unit.first, unit.last))
		return 0;
	mark_split(&place, &unit);
	if (!place.level)
		return sync_leaves(shadow, sync, &place, &unit, work);
	if (!*place.entry)
		return sync_nothing(shadow, sync, &place, &unit, work);
	*work += V3C_LARGE_WORK;
	return sync_large(shadow, sync, &place, &unit);
}

static int sync_step(struct v3c_shadow *shadow, struct v3c_sync *sync)
{
	unsigned int work = 0;
	int ret = 0;

	guard(spinlock_irqsave)(&shadow->lock);
	while (!ret && sync->at <= sync->last && work < V3C_STEP_WORK)
		ret = sync_some(shadow, sync, &work);
	return ret;
}

static int sync_range(struct v3c_shadow *shadow, u64 first, u64 last, bool may_sleep)
{
	struct v3c_sync sync = { .first = first, .last = last, .at = first };
	unsigned int tries = 0;
	int ret, err = 0;

	while (sync.at <= sync.last) {
		ret = sync_step(shadow, &sync);
		if (!ret)
			tries = 0;
		else if (ret != -ENOMEM || !may_sleep || v3c_replay_refill(&tries))
			err = ret;
		/* The rest is not mirrored, but nothing of it stays that should not. */
		sync.removes_only = err;
		if (may_sleep)
			cond_resched();
	}
	return err;
}

/**
 * v3c_shadow_sync_pages() - bring some pages of a page table up to date
 * @shadow: its mirror
 * @first: first logical page of 64-bit addresses, any
 * @last: last page, not before @first
 * @may_sleep: it may wait for memory, and lets others run
 *
 * With them goes all of the leaves that they were or are a part of.
 *
 * Context: any that @may_sleep allows.
 * Return: 0; -ENOMEM, or -E2BIG when the owner's tables say more than may be mirrored: then some of it
 * is not mapped, but nothing is mapped that should not be.
 */
int v3c_shadow_sync_pages(struct v3c_shadow *shadow, u64 first, u64 last, bool may_sleep)
{
	int ret = 0, upper = 0;

	if (first <= V3C_LOWER_LAST)
		ret = sync_range(shadow, first, min(last, V3C_LOWER_LAST), may_sleep);
	if (last >= V3C_UPPER_FIRST && v3c_hwpt_has_upper_half(shadow->hwpt))
		upper = sync_range(shadow, max(first, V3C_UPPER_FIRST), last, may_sleep);
	return ret ? ret : upper;
}

/**
 * v3c_shadow_sync() - bring a page table up to date
 * @shadow: its mirror
 * @may_sleep: it may wait for memory, and lets others run
 *
 * Context: any that @may_sleep allows.
 * Return: as v3c_shadow_sync_pages().
 */
int v3c_shadow_sync(struct v3c_shadow *shadow, bool may_sleep)
{
	return v3c_shadow_sync_pages(shadow, 0, V3C_UPPER_LAST, may_sleep);
}

/**
 * v3c_shadow_set_tables() - give a mirror other tables to go by
 * @shadow: the mirror
 * @tables: copied; what it points to stays until it is replaced
 *
 * When it returns nobody reads the old ones for this mirror. They stay mirrored until
 * v3c_shadow_sync().
 */
void v3c_shadow_set_tables(struct v3c_shadow *shadow, const struct v3c_tables *tables)
{
	guard(spinlock_irqsave)(&shadow->lock);
	shadow->tables = *tables;
}

/* How a page is mirrored at this moment: IOMMU_READ and IOMMU_WRITE, or 0. Context: any. */
int v3c_shadow_permissions(struct v3c_shadow *shadow, u64 page)
{
	struct v3c_place place;

	if (page > V3C_LOWER_LAST && page < V3C_UPPER_FIRST)
		return 0;
	guard(spinlock_irqsave)(&shadow->lock);
	find_place(shadow, page, &place);
	return v3c_leaf_prot(*place.entry);
}

static bool half_overlaps(struct v3c_shadow *shadow, u64 first, u64 last)
{
	struct v3c_place place;

	while (first <= last) {
		guard(spinlock_irqsave)(&shadow->lock);
		find_place(shadow, first, &place);
		if (*place.entry)
			return true;
		first = empty_until(&place) + 1;
	}
	return false;
}

/**
 * v3c_shadow_overlaps() - whether anything is mirrored to some pages
 * @shadow: the mirror
 * @first: first page
 * @last: last page, not before @first
 *
 * Pages that the domain's space withholds are not mirrored after an answer that they are not.
 *
 * Context: any.
 * Return: whether there is at least one.
 */
bool v3c_shadow_overlaps(struct v3c_shadow *shadow, u64 first, u64 last)
{
	return half_overlaps(shadow, first, min(last, V3C_LOWER_LAST)) ||
	       half_overlaps(shadow, max(first, V3C_UPPER_FIRST), last);
}

/**
 * v3c_shadow_alloc() - allocate the mirror of a page table
 * @hwpt: the page table, empty
 * @space: of its domain
 * @tables: as configured
 *
 * Context: may sleep.
 * Return: the mirror, to be given to v3c_shadow_free(), or NULL without memory.
 */
struct v3c_shadow *v3c_shadow_alloc(struct v3c_hwpt *hwpt, struct v3c_space *space,
				    const struct v3c_tables *tables)
{
	struct v3c_shadow *shadow = kzalloc(sizeof(*shadow), GFP_KERNEL);

	if (!shadow)
		return NULL;
	spin_lock_init(&shadow->lock);
	shadow->hwpt = hwpt;
	shadow->space = space;
	shadow->tables = *tables;
	shadow->max_nodes = max(totalram_pages() / V3C_NODES_SHARE, (unsigned long)V3C_NODES_MIN);
	shadow->root = alloc_node(GFP_KERNEL);
	if (!shadow->root)
		goto free_shadow;
	shadow->wanted = kcalloc(V3C_NODE_ENTRIES, sizeof(*shadow->wanted), GFP_KERNEL);
	if (!shadow->wanted)
		goto free_root;
	return shadow;

free_root:
	free_node(shadow->root);
free_shadow:
	kfree(shadow);
	return NULL;
}

static void free_subtree(u64 *node, unsigned int level)
{
	unsigned int i;

	for (i = 0; level && i < V3C_NODE_ENTRIES; i++)
		if (is_node(node[i]))
			free_subtree(to_node(node[i]), level - 1);
	free_node(node);
	cond_resched();
}

/**
 * v3c_shadow_free() - free a mirror
 * @shadow: the mirror, or NULL; nobody uses it any more
 *
 * What it says is mapped stays so until the page table is freed.
 *
 * Context: may sleep.
 */
void v3c_shadow_free(struct v3c_shadow *shadow)
{
	if (!shadow)
		return;
	free_subtree(shadow->root, V3C_ROOT_LEVEL);
	kfree(shadow->wanted);
	kfree(shadow);
}
