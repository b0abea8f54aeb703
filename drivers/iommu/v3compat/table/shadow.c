// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: Mirrors
 *
 * The tables of an Unmanaged domain's owner are mirrored into a page table of the IOMMU driver.
 *
 * IOMMU drivers take no tables made by others. So a page table of the domain is kept as a copy:
 * &struct v3c_shadow is a tree of the same shape that says what of the owner's tables is in it. A
 * flush compares the two and puts right what differs. Every leaf of the tree is one map call, and
 * is unmapped as a whole.
 *
 * The comparison goes on in steps of bounded length, each under &v3c_shadow.lock. A step reads the
 * owner's entries anew, so any number of flushes may be under way: each leaves behind what it read
 * after it began, or what a later one read. Leaves that are gone are unmapped before anything is
 * mapped. Unmapping takes no memory, so these leaves go whatever else fails. A caller that cannot
 * sleep is not kept for all of a large mirror: &v3c_shadow.rest goes through what is left.
 *
 * A large leaf in the owner's tables where the tree still has smaller leaves is mirrored in smaller
 * leaves for as long as any of them stays as it is, because the device may be using it.
 */
#include <linux/atomic.h>
#include <linux/gfp.h>
#include <linux/iommu.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "base/refill.h"
#include "table/hwpt.h"
#include "table/shadow.h"
#include "table/space.h"
#include "table/table_walk.h"

#define V3C_NODE_ENTRIES	(1u << V3C_TABLE_BITS)
#define V3C_ROOT_LEVEL		(V3C_TREE_LEVELS - 1)

/* V3C_PART_ENTRIES leaves of a node, a part of it, are compared in one piece. */
#define V3C_PART_ENTRIES	(V3C_NODE_ENTRIES / 2)

/*
 * V3C_STEP_WORK bounds the work done without releasing the lock, in 4 KiB entries looked at.
 * V3C_LARGE_WORK and V3C_WALK_WORK are what a large leaf and a walk count for.
 */
#define V3C_STEP_WORK		V3C_PART_ENTRIES
#define V3C_LARGE_WORK		64
#define V3C_WALK_WORK		32

/* V3C_LARGE_RUN bounds the neighbouring large leaves that are unmapped together. */
#define V3C_LARGE_RUN		16

/* V3C_PIECE_WORK is done between two moments at which page tables may come and go. */
#define V3C_PIECE_WORK		(16 * V3C_STEP_WORK)

/*
 * V3C_ATOMIC_WORK bounds the entries looked at by a call that cannot sleep, V3C_ATOMIC_MAPS the
 * calls that map among them.
 */
#define V3C_ATOMIC_WORK		(512 * V3C_STEP_WORK)
#define V3C_ATOMIC_MAPS		(32 * V3C_STEP_WORK)

/*
 * V3C_NODES_PER_MIB nodes are allowed for each MiB of mirror_limit or mirror_total_limit, and the
 * IOMMU has at most as many tables besides. V3C_DOMAIN_SHARE and V3C_TOTAL_SHARE limit nodes to a
 * share of memory, for machines that have little.
 */
#define V3C_NODES_PER_MIB	(SZ_1M / PAGE_SIZE)
#define V3C_DOMAIN_SHARE	64
#define V3C_TOTAL_SHARE		16
#define V3C_NODES_MIN		64UL

/* V3C_FREE_TABLES is how many tables free_tables() aims to free when a node finds no room. */
#define V3C_FREE_TABLES		64UL

/*
 * V3C_PART_SPLIT() is set in a node's struct page if the part stands, or has stood, for one leaf of
 * the owner's tables. All of such a leaf is brought up to date together, because one address is
 * enough to flush it.
 */
#define V3C_PART_SPLIT(part)	BIT(16 + (part))
#define V3C_NODE_SPLIT		(V3C_PART_SPLIT(0) | V3C_PART_SPLIT(1))

/*
 * V3C_ENTRY_NODE is set with the address of a node. Other entries are 0, a v3c_leaf(), or
 * V3C_ENTRY_TABLE alone.
 */
#define V3C_ENTRY_NODE		BIT_ULL(2)

/*
 * V3C_ENTRY_TABLE: nothing is mapped here, but the IOMMU driver still has a table where a node was.
 * The table counts as a node.
 */
#define V3C_ENTRY_TABLE		BIT_ULL(3)

/**
 * struct v3c_shadow - what of the owner's tables is in a page table
 * @lock: protects everything here, and everything mapped in @hwpt but for DIRECT ranges; taken with
 *	interrupts off from any context
 * @hwpt: the page table
 * @space: of the domain: what it withholds is not mirrored
 * @tables: as configured
 * @root: the node that covers everything
 * @wanted: the leaves of one part of a node, while they are compared
 * @nodes: nodes but for @root, and entries that are V3C_ENTRY_TABLE
 * @tables_left: of @nodes, the entries that are V3C_ENTRY_TABLE
 * @domain_nodes: @nodes of all mirrors of the domain together
 * @rest: work item that goes through all of it for a caller that could not, see remove_rest()
 * @dying: the mirror is being freed, so that @rest ends early
 */
struct v3c_shadow {
	spinlock_t lock;
	struct v3c_hwpt *hwpt;
	struct v3c_space *space;
	struct v3c_tables tables;
	u64 *root;
	u64 *wanted;
	unsigned long nodes;
	unsigned long tables_left;
	atomic_long_t *domain_nodes;
	struct work_struct rest;
	bool dying;
};

static unsigned int mirror_limit = 64;
module_param(mirror_limit, uint, 0644);
MODULE_PARM_DESC(mirror_limit, "MiB for the mirror of one Unmanaged domain's tables");

static unsigned int mirror_total_limit = 256;
module_param(mirror_total_limit, uint, 0644);
MODULE_PARM_DESC(mirror_total_limit, "MiB for the mirrors of all domains together");

/* v3c_nodes counts &v3c_shadow.nodes of all mirrors. */
static atomic_long_t v3c_nodes;

static struct workqueue_struct *v3c_shadow_queue;

/**
 * struct v3c_path - where in the tree a page is
 * @node: the nodes from the root down to @level
 * @level: of @entry, the lowest there is
 * @entry: the entry, in @node[@level]
 * @first: first page of @entry
 * @last: last page of @entry
 */
struct v3c_path {
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

static bool is_empty(u64 entry)
{
	return !(entry & ~V3C_ENTRY_TABLE);
}

static u64 *to_node(u64 entry)
{
	return (u64 *)(unsigned long)(entry & ~V3C_ENTRY_NODE);
}

/* node_used() is how many entries of @node are in use, which its struct page says. */
static unsigned long node_used(const u64 *node)
{
	return page_private(virt_to_page(node)) & ~V3C_NODE_SPLIT;
}

static bool is_split(const u64 *node)
{
	return page_private(virt_to_page(node)) & V3C_NODE_SPLIT;
}

/* @parts: of V3C_NODE_SPLIT */
static void set_split(u64 *node, unsigned long parts, bool split)
{
	struct page *page = virt_to_page(node);
	unsigned long was = page_private(page) & ~parts;

	set_page_private(page, was | (split ? parts : 0));
}

static void set_entry(struct v3c_shadow *shadow, u64 *node, u64 *entry, u64 value)
{
	struct page *page = virt_to_page(node);

	lockdep_assert_held(&shadow->lock);

	set_page_private(page, page_private(page) + !!value - !!*entry);
	*entry = value;
}

static unsigned long nodes_allowed(unsigned int mib, unsigned int share)
{
	return max(min(mib * V3C_NODES_PER_MIB, totalram_pages() / share), V3C_NODES_MIN);
}

static unsigned long domain_limit(void)
{
	return nodes_allowed(READ_ONCE(mirror_limit), V3C_DOMAIN_SHARE);
}

/* True if @count was below @limit, and is one more now. */
static bool take_one(atomic_long_t *count, unsigned long limit)
{
	if (atomic_long_inc_return(count) <= limit)
		return true;
	atomic_long_dec(count);
	return false;
}

static int charge_node(struct v3c_shadow *shadow)
{
	lockdep_assert_held(&shadow->lock);

	if (!take_one(&v3c_nodes, nodes_allowed(READ_ONCE(mirror_total_limit), V3C_TOTAL_SHARE)))
		return -E2BIG;
	if (!take_one(shadow->domain_nodes, domain_limit())) {
		atomic_long_dec(&v3c_nodes);
		return -E2BIG;
	}
	shadow->nodes++;
	return 0;
}

static void uncharge_nodes(struct v3c_shadow *shadow, unsigned long nodes)
{
	shadow->nodes -= nodes;
	atomic_long_sub(nodes, shadow->domain_nodes);
	atomic_long_sub(nodes, &v3c_nodes);
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

static void set_level(struct v3c_path *path, u64 page, unsigned int level)
{
	u64 pages = v3c_level_pages(level);

	path->level = level;
	path->entry = &path->node[level][entry_index(page, level)];
	path->first = page & ~(pages - 1);
	path->last = path->first + pages - 1;
}

static void find_path(struct v3c_shadow *shadow, u64 page, struct v3c_path *path)
{
	unsigned int level = V3C_ROOT_LEVEL;

	lockdep_assert_held(&shadow->lock);

	path->node[level] = shadow->root;
	for (;;) {
		set_level(path, page, level);
		if (!level || !is_node(*path->entry))
			return;
		level--;
		path->node[level] = to_node(*path->entry);
	}
}

/* free_path() frees the node of @path, which becomes the entry above, with @value in it. */
static void free_path(struct v3c_shadow *shadow, struct v3c_path *path, u64 page, u64 value)
{
	lockdep_assert_held(&shadow->lock);

	free_node(path->node[path->level]);
	set_level(path, page, path->level + 1);
	set_entry(shadow, path->node[path->level], path->entry, value);
	if (value)
		shadow->tables_left++;
	else
		uncharge_nodes(shadow, 1);
}

/*
 * prune_nodes() frees the nodes that are empty from @path upwards. The IOMMU driver keeps its
 * tables. Those of 4 KiB leaves are remembered as V3C_ENTRY_TABLE, because there may be 512 times
 * as many of them as of others.
 */
static void prune_nodes(struct v3c_shadow *shadow, struct v3c_path *path, u64 page)
{
	while (path->level < V3C_ROOT_LEVEL && !node_used(path->node[path->level]))
		free_path(shadow, path, page, path->level ? 0 : V3C_ENTRY_TABLE);
}

/* Clears V3C_ENTRY_TABLE at @path, if it is there, because the table is gone. */
static void forget_table(struct v3c_shadow *shadow, struct v3c_path *path)
{
	lockdep_assert_held(&shadow->lock);

	if (*path->entry != V3C_ENTRY_TABLE)
		return;
	set_entry(shadow, path->node[path->level], path->entry, 0);
	shadow->tables_left--;
	uncharge_nodes(shadow, 1);
}

/* add_nodes() adds nodes below the empty entry at @path, so that there is one at @level. */
static int add_nodes(struct v3c_shadow *shadow, struct v3c_sync *sync, struct v3c_path *path,
		     unsigned int level)
{
	u64 page = sync->at;
	int ret = 0;
	u64 *node;

	while (path->level > level) {
		node = alloc_node(sync->gfp);
		ret = -ENOMEM;
		if (!node)
			break;
		/* V3C_ENTRY_TABLE has been charged already. */
		ret = *path->entry ? 0 : charge_node(shadow);
		if (ret) {
			free_node(node);
			break;
		}
		shadow->tables_left -= !!*path->entry;
		set_entry(shadow, path->node[path->level], path->entry,
			  (unsigned long)node | V3C_ENTRY_NODE);
		path->node[path->level - 1] = node;
		set_level(path, page, path->level - 1);
	}
	if (ret)
		prune_nodes(shadow, path, page);
	return ret;
}

/*
 * empty_until() is the last page of the entries from @path on that are @empty, within the node of
 * @path and V3C_WALK_WORK entries.
 */
static u64 empty_until(const struct v3c_path *path, bool (*empty)(u64 entry))
{
	const u64 *end = path->node[path->level] + V3C_NODE_ENTRIES;
	const u64 *entry = path->entry + 1;
	u64 pages = v3c_level_pages(path->level);

	end = min(end, path->entry + V3C_WALK_WORK);
	while (entry < end && empty(*entry))
		entry++;
	return path->last + (entry - path->entry - 1) * pages;
}

/*
 * True if the page table translates @page, as far as its aperture tells; the IOMMU driver may know
 * better.
 */
static bool is_translated(const struct v3c_shadow *shadow, u64 page)
{
	return page <= v3c_hwpt_last_page(shadow->hwpt) ||
	       (page >= V3C_UPPER_FIRST && v3c_hwpt_has_upper_half(shadow->hwpt));
}

/* The first withheld page of [@page, @end], and the last one of that range; false without one. */
static bool next_withheld(struct v3c_shadow *shadow, u64 page, u64 end, u64 *first, u64 *last)
{
	struct v3c_view range;

	if (!v3c_space_first_in(shadow->space, page, end, &range))
		return false;
	*first = max(range.first, page);
	*last = range.last;
	return true;
}

/* True if all of the block of @level around @page is translated and none of it withheld. */
static bool is_whole(struct v3c_shadow *shadow, unsigned int level, u64 page)
{
	u64 pages = v3c_level_pages(level);
	u64 first = page & ~(pages - 1), held, held_last;

	if (!is_translated(shadow, first) || !is_translated(shadow, first + pages - 1))
		return false;
	return !next_withheld(shadow, first, first + pages - 1, &held, &held_last);
}

/* fits_leaf(): the leaf of @level around @page may be mirrored in one piece. */
static bool fits_leaf(struct v3c_shadow *shadow, unsigned int level, u64 page)
{
	u64 pages = v3c_level_pages(level);

	/*
	 * v3c_hwpt_has_leaf() tells where the IOMMU driver makes a table for each 2 MiB of the leaf
	 * instead. In smaller leaves the tree has nodes there, which are charged; otherwise an
	 * owner could ask for any number of these tables. V3C_TABLES_IDENTITY is excepted, because
	 * the machine's own memory bounds it.
	 */
	if (!v3c_hwpt_has_leaf(shadow->hwpt, pages) &&
	    (level > 1 || shadow->tables.kind == V3C_TABLES_WALKED))
		return false;
	return is_whole(shadow, level, page);
}

/* Removes from @wanted what is withheld or beyond the aperture. */
static void leave_out(struct v3c_shadow *shadow, u64 first, unsigned int count, u64 *wanted)
{
	u64 end = first + count, page, held, held_last;

	/* Pages for which is_translated() is false lie behind the others. */
	for (page = end; page > first && !is_translated(shadow, page - 1); page--)
		wanted[page - 1 - first] = 0;
	for (page = first; page < end && next_withheld(shadow, page, end - 1, &held, &held_last);
	     page = held_last + 1)
		for (; held < end && held <= held_last; held++)
			wanted[held - first] = 0;
}

static u64 unit_leaf(struct v3c_shadow *shadow, const struct v3c_unit *unit, unsigned int level,
		     u64 page)
{
	u64 pages = v3c_level_pages(level);

	return v3c_unit_leaf(&shadow->tables, unit, page & ~(pages - 1), pages);
}

/* fits_unit(): likewise fits_leaf(), and the memory of @unit is there in one piece. */
static bool fits_unit(struct v3c_shadow *shadow, unsigned int level, u64 page,
		      const struct v3c_unit *unit)
{
	return fits_leaf(shadow, level, page) && unit_leaf(shadow, unit, level, page);
}

/*
 * widen_sync() makes @sync cover all of a leaf of which it covers any page. It moves @sync->at back
 * only if the leaf begins before @sync->first, because otherwise a leaf that comes and goes could
 * keep the comparison busy for ever.
 */
static bool widen_sync(struct v3c_sync *sync, u64 first, u64 last)
{
	sync->last = max(sync->last, last);
	if (first >= sync->first)
		return false;
	sync->first = first;
	sync->at = first;
	return true;
}

/* widen_split() does widen_sync() for leaves of the owner's that the tree has in pieces. */
static bool widen_split(struct v3c_sync *sync, const struct v3c_path *path)
{
	unsigned int level;
	u64 pages, first;

	for (level = path->level; level < V3C_LARGEST_LEAF; level++) {
		pages = v3c_level_pages(level + 1);
		first = sync->at & ~(pages - 1);
		if (is_split(path->node[level]) && widen_sync(sync, first, first + pages - 1))
			return true;
	}
	return false;
}

static void mark_split(const struct v3c_path *path, const struct v3c_unit *unit)
{
	unsigned int level;

	if (unit->kind == V3C_ENTRY_LEAF)
		for (level = path->level; level < unit->level; level++)
			set_split(path->node[level], V3C_NODE_SPLIT, true);
}

/*
 * count_visit() bounds the comparison, because an owner may link a table that has nothing in its
 * parts many times: after 2 * domain_limit() visits it ends with -E2BIG.
 */
static int count_visit(struct v3c_sync *sync)
{
	return ++sync->visited > 2 * domain_limit() ? -E2BIG : 0;
}

/*
 * count_refused() bounds large leaves that cannot be mirrored, of which V3C_PART_ENTRIES /
 * V3C_LARGE_WORK are as much work as a visit.
 */
static int count_refused(struct v3c_sync *sync)
{
	return ++sync->refused % (V3C_PART_ENTRIES / V3C_LARGE_WORK) ? 0 : count_visit(sync);
}

/*
 * map_leaf() maps @leaf, or clears @mapped if the IOMMU driver refuses the address, which is not
 * translated then. Only lack of memory is an error.
 */
static int map_leaf(struct v3c_shadow *shadow, struct v3c_sync *sync, u64 page, u64 leaf,
		    u64 pages, bool *mapped)
{
	int ret;

	lockdep_assert_held(&shadow->lock);

	ret = v3c_hwpt_map_run(shadow->hwpt, page, v3c_leaf_phys(leaf) >> V3C_PAGE_SHIFT, pages,
			       v3c_leaf_prot(leaf), sync->gfp | __GFP_NOWARN);
	sync->maps++;
	WARN_ONCE((ret == -EADDRINUSE || ret == -EEXIST) && !READ_ONCE(shadow->hwpt->lost),
		  "v3compat: page table has something at %#llx\n", page << V3C_PAGE_SHIFT);
	*mapped = !ret;
	return ret == -ENOMEM ? ret : 0;
}

/* unmap_large() unmaps the large leaf at @path, and those behind it in the node up to @leaves. */
static void unmap_large(struct v3c_shadow *shadow, struct v3c_path *path, unsigned int leaves)
{
	unsigned int i;

	v3c_hwpt_unmap(shadow->hwpt, path->first, leaves * v3c_level_pages(path->level));
	for (i = 0; i < leaves; i++)
		set_entry(shadow, path->node[path->level], path->entry + i, 0);
	prune_nodes(shadow, path, path->first);
}

static int map_large(struct v3c_shadow *shadow, struct v3c_sync *sync, struct v3c_path *path,
		     unsigned int level, const struct v3c_unit *unit)
{
	u64 page = sync->at, leaf;
	bool mapped;
	int ret;

	ret = add_nodes(shadow, sync, path, level);
	if (ret)
		return ret;
	mark_split(path, unit);
	leaf = unit_leaf(shadow, unit, level, path->first);
	ret = map_leaf(shadow, sync, path->first, leaf, v3c_level_pages(level), &mapped);
	if (mapped) {
		/* The large leaf has replaced the table that V3C_ENTRY_TABLE stands for. */
		forget_table(shadow, path);
		set_entry(shadow, path->node[level], path->entry, leaf);
	}
	if (!ret)
		sync->at = path->last + 1;
	if (!ret && !mapped)
		ret = count_refused(sync);
	prune_nodes(shadow, path, page);
	return ret;
}

/*
 * remove_leaves() unmaps the leaves of @node that are not as @wanted, with one invalidation for all
 * of them.
 */
static void remove_leaves(struct v3c_shadow *shadow, u64 *node, u64 first, unsigned int count,
			  const u64 *wanted)
{
	u64 *entries = node + entry_index(first, 0);
	struct iommu_iotlb_gather gather;
	unsigned int i, run = 0;
	bool any = false;

	lockdep_assert_held(&shadow->lock);

	iommu_iotlb_gather_init(&gather);
	for (i = 0; i < count; i += max(run, 1u)) {
		for (run = 0; i + run < count; run++) {
			if (!entries[i + run] || entries[i + run] == wanted[i + run])
				break;
			set_entry(shadow, node, &entries[i + run], 0);
		}
		if (!run)
			continue;
		v3c_hwpt_unmap_gather(shadow->hwpt, first + i, run, &gather);
		any = true;
	}
	if (any)
		v3c_hwpt_sync_gather(shadow->hwpt, &gather);
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
	/* v3c_is_memory() is the same in all of a run, because MMIO is mapped with other flags. */
	while (run < count && !entries[i + run] &&
	       wanted[i + run] == wanted[i] + run * V3C_PAGE_SIZE &&
	       v3c_is_memory((wanted[i] >> V3C_PAGE_SHIFT) + run) ==
	       v3c_is_memory(wanted[i] >> V3C_PAGE_SHIFT))
		run++;
	return run;
}

static int map_run(struct v3c_shadow *shadow, struct v3c_sync *sync, u64 *node, u64 *entries,
		   u64 page, unsigned int run, const u64 *wanted)
{
	unsigned int i;
	bool mapped;
	int ret;

	ret = map_leaf(shadow, sync, page, wanted[0], run, &mapped);
	for (i = 0; mapped && i < run; i++)
		set_entry(shadow, node, &entries[i], wanted[i]);
	if (mapped || ret || run == 1)
		return ret;
	/* The IOMMU driver refuses one of the @run leaves: map each by itself. */
	for (i = 0; !ret && i < run; i++)
		ret = map_run(shadow, sync, node, &entries[i], page + i, 1, &wanted[i]);
	return ret;
}

static int add_leaves(struct v3c_shadow *shadow, struct v3c_sync *sync, u64 *node, u64 first,
		      unsigned int count, const u64 *wanted)
{
	u64 *entries = node + entry_index(first, 0);
	unsigned int i, run;
	int ret = 0;

	for (i = 0; !ret && i < count; i += run) {
		run = 1;
		if (entries[i] || !wanted[i])
			continue;
		run = run_length(shadow, entries, first, i, count, wanted);
		ret = map_run(shadow, sync, node, &entries[i], first + i, run, &wanted[i]);
	}
	return ret;
}

/*
 * remove_node() unmaps all leaves of a full node in one call, with which the IOMMU driver's table
 * goes, too. False if some of them may have to stay.
 */
static bool remove_node(struct v3c_shadow *shadow, struct v3c_sync *sync, struct v3c_path *path,
			const struct v3c_unit *unit)
{
	u64 first = sync->at, last = first | (V3C_NODE_ENTRIES - 1);

	if (path->level || unit->kind != V3C_ENTRY_EMPTY || first & (V3C_NODE_ENTRIES - 1) ||
	    last > min(unit->last, sync->last) || node_used(path->node[0]) != V3C_NODE_ENTRIES)
		return false;
	v3c_hwpt_unmap(shadow->hwpt, first, V3C_NODE_ENTRIES);
	free_path(shadow, path, first, 0);
	prune_nodes(shadow, path, first);
	sync->at = last + 1;
	return true;
}

/*
 * makes_room() lets all of a node be compared before anything is added, where the tree has smaller
 * leaves for a large one of the owner's: if no leaf is left that had to stay as it was, the large
 * one can be mapped. True if there is more to compare, or nothing left.
 */
static bool makes_room(struct v3c_shadow *shadow, struct v3c_sync *sync, struct v3c_path *path,
		       const struct v3c_unit *unit, u64 last)
{
	u64 first = sync->at, node_first = first & ~(u64)(V3C_NODE_ENTRIES - 1);

	if (sync->err || sync->compared == node_first || !fits_unit(shadow, 1, first, unit))
		return false;
	sync->at = last + 1;
	if (node_used(path->node[0]) && sync->at < node_first + V3C_NODE_ENTRIES)
		return true;
	/* widen_sync() has made @sync cover all of the node, as it covers all of the leaf. */
	sync->compared = node_first;
	sync->at = node_first;
	prune_nodes(shadow, path, first);
	return true;
}

/*
 * behind_withheld() is the page behind @last, or behind the range that is withheld around @last, as
 * far as @sync, @unit and the empty entry at @path reach. Otherwise a range of some GiB, such as
 * AMD's of HyperTransport, would be more visits than count_visit() allows.
 */
static u64 behind_withheld(struct v3c_shadow *shadow, const struct v3c_sync *sync,
			   const struct v3c_path *path, const struct v3c_unit *unit, u64 last)
{
	u64 end = min3(path->last, unit->last, sync->last), held, held_last;

	if (next_withheld(shadow, last, end, &held, &held_last) && held <= last)
		return min(held_last, end) + 1;
	return last + 1;
}

/*
 * sync_leaves() brings up to date leaves of the node at @path, or those that ought to be below the
 * empty entry there.
 */
static int sync_leaves(struct v3c_shadow *shadow, struct v3c_sync *sync, struct v3c_path *path,
		       const struct v3c_unit *unit, unsigned int *work)
{
	bool large = unit->kind == V3C_ENTRY_LEAF && unit->level;
	u64 first = sync->at, *wanted = shadow->wanted;
	u64 last = min3(first | (V3C_PART_ENTRIES - 1), unit->last, sync->last);
	unsigned int count = last - first + 1;
	int ret = 0;

	lockdep_assert_held(&shadow->lock);

	/*
	 * Leave the entries to the next step if they do not fit in this one: V3C_STEP_WORK has room
	 * for them.
	 */
	if (*work && *work + count > V3C_STEP_WORK) {
		*work = V3C_STEP_WORK;
		return 0;
	}
	*work += count;
	if (remove_node(shadow, sync, path, unit)) {
		*work = V3C_STEP_WORK;
		return 0;
	}
	if (unit->kind == V3C_ENTRY_EMPTY) {
		memset(wanted, 0, count * sizeof(*wanted));
	} else {
		v3c_table_leaves(&shadow->tables, unit, first, count, wanted);
		leave_out(shadow, first, count, wanted);
	}
	if (path->level) {
		if (!memchr_inv(wanted, 0, count * sizeof(*wanted))) {
			sync->at = behind_withheld(shadow, sync, path, unit, last);
			return count_visit(sync);
		}
		ret = add_nodes(shadow, sync, path, 0);
		if (ret)
			return ret;
		sync->compared = first & ~(u64)(V3C_NODE_ENTRIES - 1);
	} else {
		remove_leaves(shadow, path->node[0], first, count, wanted);
	}
	/*
	 * set_split() changes the mark of a part that has been compared in one piece. Larger nodes
	 * are not, so that they keep their mark until they are freed.
	 */
	if (count == V3C_PART_ENTRIES)
		set_split(path->node[0], V3C_PART_SPLIT(entry_index(first, 0) / count), large);
	mark_split(path, unit);
	if (large && makes_room(shadow, sync, path, unit, last))
		return 0;
	if (!sync->err)
		ret = add_leaves(shadow, sync, path->node[0], first, count, wanted);
	if (!ret)
		sync->at = last + 1;
	if (!ret && !node_used(path->node[0]))
		ret = count_visit(sync);
	prune_nodes(shadow, path, first);
	return ret;
}

/* is_empty_unit(): @unit says that nothing is configured for any of these pages. */
static bool is_empty_unit(const struct v3c_unit *unit, u64 first, u64 last)
{
	return unit->kind == V3C_ENTRY_EMPTY && unit->first <= first && unit->last >= last;
}

/* is_next(): @sync covers one of these pages, or the next listed page is one of them. */
static bool is_next(const struct v3c_sync *sync, u64 first, u64 last)
{
	u64 page;

	if (first <= sync->last)
		return true;
	if (sync->taken == sync->listed)
		return false;
	page = v3c_listed_page(sync->list, sync->taken);
	return page >= first && page <= last;
}

/*
 * count_leaving() is how many large leaves from @path on one unmap can take, because @sync is about
 * them and nothing is configured there any more, as @unit says of the first one. @sync covers them
 * then.
 *
 * Leaves in whose place something is mapped go one by one, because otherwise the addresses of the
 * first one would fault until the last one is mapped. So do those that the IOMMU driver has in
 * pieces, or invalidates one by one, because otherwise the lock would be held for many of these.
 */
static unsigned int count_leaving(struct v3c_shadow *shadow, struct v3c_sync *sync,
				  const struct v3c_path *path, struct v3c_unit *unit)
{
	const u64 *end = path->node[path->level] + V3C_NODE_ENTRIES, *entry = path->entry + 1;
	u64 pages = v3c_level_pages(path->level), first = path->last + 1, last;

	if (!v3c_hwpt_has_leaf(shadow->hwpt, pages))
		return 1;
	end = min(end, path->entry + V3C_LARGE_RUN);
	for (; entry < end && !is_node(*entry) && !is_empty(*entry); entry++) {
		last = first + pages - 1;
		if (!v3c_hwpt_reaches(shadow->hwpt, path->first, last) ||
		    !is_next(sync, first, last))
			break;
		if (unit->last < last)
			v3c_table_walk(&shadow->tables, first, first + (end - entry) * pages - 1,
				       unit);
		if (!is_empty_unit(unit, first, last))
			break;
		sync->taken += first > sync->last;
		widen_sync(sync, first, last);
		first = last + 1;
	}
	return entry - path->entry;
}

/*
 * sync_large() leaves the large leaf at @path alone if it is as it should be, and unmaps it if not.
 */
static int sync_large(struct v3c_shadow *shadow, struct v3c_sync *sync, struct v3c_path *path,
		      struct v3c_unit *unit, unsigned int *work)
{
	unsigned int leaves = 1;
	int ret = 0;

	*work += V3C_LARGE_WORK;
	if (unit->kind == V3C_ENTRY_LEAF && unit->level >= path->level &&
	    *path->entry == unit_leaf(shadow, unit, path->level, path->first) &&
	    fits_leaf(shadow, path->level, path->first)) {
		sync->at = path->last + 1;
		return 0;
	}
	widen_sync(sync, path->first, path->last);
	if (is_empty_unit(unit, path->first, path->last)) {
		leaves = count_leaving(shadow, sync, path, unit);
		*work += (leaves - 1) * V3C_LARGE_WORK;
		sync->at = path->first + leaves * v3c_level_pages(path->level);
	} else if (path->first < sync->at) {
		/*
		 * Another comparison has mapped this leaf after this one had passed its first page.
		 * Unmapping the leaf removes what lies in front of @sync->at, too, so go back and
		 * compare all of it again. count_visit() bounds how often, because an owner could
		 * make it happen again and again.
		 */
		ret = count_visit(sync);
		if (!ret)
			sync->at = path->first;
	}
	unmap_large(shadow, path, leaves);
	return ret;
}

/*
 * sync_nothing() is for @sync->at where the tree has nothing, down to a level above that of 4 KiB
 * leaves.
 */
static int sync_nothing(struct v3c_shadow *shadow, struct v3c_sync *sync, struct v3c_path *path,
			const struct v3c_unit *unit, unsigned int *work)
{
	unsigned int level;
	u64 pages;

	if (sync->err) {
		sync->at = empty_until(path, is_empty) + 1;
		return 0;
	}
	if (unit->kind == V3C_ENTRY_EMPTY) {
		pages = v3c_level_pages(min(unit->entry_level + 1, V3C_ROOT_LEVEL));
		sync->at = min(unit->last, empty_until(path, is_empty)) + 1;
		return unit->first & (pages - 1) ? 0 : count_visit(sync);
	}
	if (unit->kind == V3C_ENTRY_LEAF) {
		level = min_t(unsigned int, unit->level, path->level);
		while (level && !fits_unit(shadow, level, sync->at, unit))
			level--;
		if (level) {
			*work += V3C_LARGE_WORK;
			return map_large(shadow, sync, path, level, unit);
		}
	}
	return sync_leaves(shadow, sync, path, unit, work);
}

/* find_unit() reads what is configured for @sync->at; nothing is, beyond the aperture. */
static void find_unit(struct v3c_shadow *shadow, const struct v3c_sync *sync,
		      struct v3c_unit *unit)
{
	lockdep_assert_held(&shadow->lock);

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
	struct v3c_path path;
	struct v3c_unit unit;

	find_path(shadow, sync->at, &path);
	if (widen_split(sync, &path))
		return 0;
	find_unit(shadow, sync, &unit);
	if (unit.kind == V3C_ENTRY_LEAF && unit.level && widen_sync(sync, unit.first, unit.last))
		return 0;
	mark_split(&path, &unit);
	if (!path.level)
		return sync_leaves(shadow, sync, &path, &unit, work);
	if (is_empty(*path.entry))
		return sync_nothing(shadow, sync, &path, &unit, work);
	return sync_large(shadow, sync, &path, &unit, work);
}

static bool is_nothing(u64 entry)
{
	return !entry;
}

/* free_table() has the IOMMU driver free the table that is left at @path, if that is possible. */
static void free_table(struct v3c_shadow *shadow, struct v3c_path *path, u64 page)
{
	if (!is_whole(shadow, 1, page) ||
	    v3c_hwpt_free_tables(shadow->hwpt, path->first, path->last, GFP_ATOMIC | __GFP_NOWARN))
		return;
	forget_table(shadow, path);
	prune_nodes(shadow, path, page);
}

static u64 free_tables_step(struct v3c_shadow *shadow, u64 page, struct v3c_work *work)
{
	struct v3c_path path;
	unsigned int done;

	guard(spinlock_irqsave)(&shadow->lock);
	for (done = 0; done < V3C_STEP_WORK && page <= V3C_UPPER_LAST; done += V3C_WALK_WORK) {
		find_path(shadow, page, &path);
		if (*path.entry == V3C_ENTRY_TABLE) {
			free_table(shadow, &path, page);
			/*
			 * Without a leaf of the table's size v3c_hwpt_free_tables() writes each
			 * entry.
			 */
			done += v3c_hwpt_has_leaf(shadow->hwpt, V3C_TABLE_PAGES) ? V3C_LARGE_WORK :
										   V3C_STEP_WORK;
		}
		if (!path.level || *path.entry == V3C_ENTRY_TABLE)
			page |= V3C_NODE_ENTRIES - 1;
		else
			page = empty_until(&path, is_nothing);
		page++;
		if (page > V3C_LOWER_LAST && page < V3C_UPPER_FIRST)
			page = V3C_UPPER_FIRST;
	}
	v3c_work_done(work, done);
	return page;
}

/*
 * free_tables() makes room by freeing about V3C_FREE_TABLES tables that have nothing in them. False
 * if it freed none.
 */
static bool free_tables(struct v3c_shadow *shadow, struct v3c_work *work)
{
	unsigned long left = READ_ONCE(shadow->tables_left);
	unsigned long target = left - min(left, V3C_FREE_TABLES);
	u64 page = 0;

	while (READ_ONCE(shadow->tables_left) > target && page <= V3C_UPPER_LAST &&
	       !v3c_work_is_over(work)) {
		page = free_tables_step(shadow, page, work);
		if (work->may_sleep)
			cond_resched();
	}
	return READ_ONCE(shadow->tables_left) < left;
}

static int sync_step(struct v3c_shadow *shadow, struct v3c_sync *sync, struct v3c_work *work)
{
	unsigned int done = 0;
	int ret = 0;

	sync->maps = 0;
	scoped_guard(spinlock_irqsave, &shadow->lock) {
		while (!ret && sync->at <= sync->last && done < V3C_STEP_WORK) {
			ret = sync_some(shadow, sync, &done);
			done += V3C_WALK_WORK;
		}
	}
	v3c_work_done(work, done);
	work->maps -= min(work->maps, sync->maps);
	return ret;
}

/* has_more() goes on from the lower half of the addresses to the upper. False when all is done. */
static bool has_more(const struct v3c_shadow *shadow, struct v3c_sync *sync)
{
	bool upper = sync->at >= V3C_UPPER_FIRST;

	if (sync->at > sync->last && !upper && sync->end >= V3C_UPPER_FIRST) {
		sync->first = V3C_UPPER_FIRST;
		sync->last = sync->end;
		sync->at = sync->first;
		upper = true;
	}
	return sync->at <= sync->last && (!upper || v3c_hwpt_has_upper_half(shadow->hwpt));
}

/* adding_ends() is the error for which nothing more may be mapped, or 0. */
static int adding_ends(const struct v3c_work *work)
{
	if (work->may_sleep)
		return fatal_signal_pending(current) ? -EINTR : 0;
	return work->maps ? 0 : -EDQUOT;
}

/**
 * v3c_work_init() - what one call may do
 * @work: result
 * @may_sleep: it may wait for memory, lets others run, and ends early when its thread is killed.
 *	Otherwise what it does has a bound
 */
void v3c_work_init(struct v3c_work *work, bool may_sleep)
{
	*work = (struct v3c_work) {
		.may_sleep = may_sleep,
		.piece = V3C_PIECE_WORK,
		.left = V3C_ATOMIC_WORK,
		.maps = V3C_ATOMIC_MAPS,
	};
}

/* v3c_work_done() counts @entries that were looked at. */
void v3c_work_done(struct v3c_work *work, unsigned int entries)
{
	work->piece -= min(work->piece, entries);
	if (!work->may_sleep)
		work->left -= min(work->left, entries);
}

/* v3c_work_renew() begins another piece, when the caller has let page tables come and go. */
void v3c_work_renew(struct v3c_work *work)
{
	work->piece = V3C_PIECE_WORK;
	if (work->may_sleep)
		cond_resched();
}

/**
 * v3c_sync_init() - say what is to be brought up to date
 * @sync: result
 * @first: first logical page of 64-bit addresses, any
 * @last: last page, not before @first
 */
void v3c_sync_init(struct v3c_sync *sync, u64 first, u64 last)
{
	*sync = (struct v3c_sync) {
		.first = first,
		.last = first <= V3C_LOWER_LAST ? min(last, V3C_LOWER_LAST) : last,
		.at = max(first, first <= V3C_LOWER_LAST ? 0 : V3C_UPPER_FIRST),
		.end = last,
		.compared = U64_MAX,
	};
}

/**
 * v3c_shadow_sync_piece() - bring some pages of a page table up to date, for a while
 * @shadow: its mirror
 * @sync: which pages, and how far that has come
 * @work: of the call; the piece is over when v3c_work_renew() is due
 *
 * All leaves that the pages are, or were, a part of are brought up to date with them. A call that
 * cannot sleep and has used up @work leaves the rest to a work item, which removes what has to be
 * removed.
 *
 * Context: any that @work->may_sleep allows.
 * Return: whether there is more to do. If not, @sync->err is 0; -ENOMEM; -E2BIG when the owner's
 * tables say more than may be mirrored; -EINTR when the thread is killed; or -EDQUOT when @work is
 * used up. Then some of it is not mapped, but nothing is mapped that should not be, unless
 * v3c_work_is_over().
 */
bool v3c_shadow_sync_piece(struct v3c_shadow *shadow, struct v3c_sync *sync, struct v3c_work *work)
{
	int ret;

	while (has_more(shadow, sync)) {
		if (v3c_work_is_over(work)) {
			sync->err = -EDQUOT;
			queue_work(v3c_shadow_queue, &shadow->rest);
			return false;
		}
		if (!work->piece)
			return true;
		if (!sync->err)
			sync->err = adding_ends(work);
		/*
		 * GFP_ATOMIC may take from the reserves: a call that may sleep uses it only after
		 * GFP_NOWAIT has failed and v3c_refill() has found memory.
		 */
		sync->gfp = (work->may_sleep && !sync->tries ? GFP_NOWAIT : GFP_ATOMIC) |
			    shadow->space->account;
		ret = sync_step(shadow, sync, work);
		if (!ret)
			sync->tries = 0;
		else if (ret == -E2BIG && !sync->err && free_tables(shadow, work))
			continue;
		else if (ret != -ENOMEM || !work->may_sleep || v3c_refill(&sync->tries))
			sync->err = ret;
		if (work->may_sleep)
			cond_resched();
	}
	return false;
}

/**
 * v3c_shadow_sync() - bring all of a page table up to date
 * @shadow: its mirror; the caller keeps it
 * @may_sleep: as for v3c_work_init()
 *
 * Context: any that @may_sleep allows.
 * Return: as v3c_shadow_sync_piece().
 */
int v3c_shadow_sync(struct v3c_shadow *shadow, bool may_sleep)
{
	struct v3c_work work;
	struct v3c_sync sync;

	v3c_work_init(&work, may_sleep);
	v3c_sync_init(&sync, 0, V3C_UPPER_LAST);
	while (v3c_shadow_sync_piece(shadow, &sync, &work))
		v3c_work_renew(&work);
	return sync.err;
}

/*
 * remove_rest() maps nothing, because the owner was told that what is missing is not mapped, and
 * may have changed it again.
 */
static void remove_rest(struct work_struct *rest)
{
	struct v3c_shadow *shadow = container_of(rest, struct v3c_shadow, rest);
	struct v3c_work work;
	struct v3c_sync sync;

	v3c_work_init(&work, true);
	v3c_sync_init(&sync, 0, V3C_UPPER_LAST);
	sync.err = -EDQUOT;
	while (!READ_ONCE(shadow->dying) && v3c_shadow_sync_piece(shadow, &sync, &work))
		v3c_work_renew(&work);
}

/**
 * v3c_shadow_empty() - mirror nothing, and give back the tables for which that is possible
 * @shadow: the mirror of a page table that nobody is attached to
 *
 * v3c_shadow_set_tables() and v3c_shadow_sync() fill it again.
 *
 * Context: may sleep.
 */
void v3c_shadow_empty(struct v3c_shadow *shadow)
{
	static const struct v3c_tables none = { .kind = V3C_TABLES_NONE };
	struct v3c_work work;

	v3c_shadow_set_tables(shadow, &none);
	v3c_shadow_sync(shadow, true);
	v3c_work_init(&work, true);
	while (free_tables(shadow, &work))
		;
}

/**
 * v3c_shadow_set_tables() - give a mirror other tables to go by
 * @shadow: the mirror
 * @tables: copied; what it points to stays until it is replaced
 *
 * The old tables are not read for this mirror any more when it returns. They stay mirrored until
 * v3c_shadow_sync().
 */
void v3c_shadow_set_tables(struct v3c_shadow *shadow, const struct v3c_tables *tables)
{
	guard(spinlock_irqsave)(&shadow->lock);
	shadow->tables = *tables;
}

/* IOMMU_READ and IOMMU_WRITE as @page is mirrored at this moment, or 0. Context: any. */
int v3c_shadow_permissions(struct v3c_shadow *shadow, u64 page)
{
	struct v3c_path path;

	if (page > V3C_LOWER_LAST && page < V3C_UPPER_FIRST)
		return 0;
	guard(spinlock_irqsave)(&shadow->lock);
	find_path(shadow, page, &path);
	return v3c_leaf_prot(*path.entry);
}

static bool half_overlaps(struct v3c_shadow *shadow, u64 first, u64 last)
{
	struct v3c_path path;

	while (first <= last) {
		guard(spinlock_irqsave)(&shadow->lock);
		find_path(shadow, first, &path);
		if (!is_empty(*path.entry))
			return true;
		first = empty_until(&path, is_empty) + 1;
	}
	return false;
}

/**
 * v3c_shadow_overlaps() - whether anything is mirrored to some pages
 * @shadow: the mirror
 * @first: first page
 * @last: last page, not before @first
 *
 * If the answer is false for pages that the domain's space withholds, they are not mirrored
 * afterwards either.
 *
 * Context: any.
 * Return: true if at least one of them is mirrored.
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
 * @domain_nodes: number of nodes of all mirrors of the domain, which outlives this one
 *
 * Context: may sleep.
 * Return: the mirror, to be given to v3c_shadow_free(), or NULL without memory.
 */
struct v3c_shadow *v3c_shadow_alloc(struct v3c_hwpt *hwpt, struct v3c_space *space,
				    const struct v3c_tables *tables, atomic_long_t *domain_nodes)
{
	gfp_t gfp = GFP_KERNEL | space->account;
	struct v3c_shadow *shadow = kzalloc(sizeof(*shadow), gfp);

	if (!shadow)
		return NULL;
	spin_lock_init(&shadow->lock);
	shadow->hwpt = hwpt;
	shadow->space = space;
	shadow->tables = *tables;
	shadow->domain_nodes = domain_nodes;
	INIT_WORK(&shadow->rest, remove_rest);
	shadow->root = alloc_node(gfp);
	if (!shadow->root)
		goto free_shadow;
	shadow->wanted = kcalloc(V3C_PART_ENTRIES, sizeof(*shadow->wanted), gfp);
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
 * What the mirror says is mapped stays so until the page table is freed.
 *
 * Context: may sleep.
 */
void v3c_shadow_free(struct v3c_shadow *shadow)
{
	if (!shadow)
		return;
	WRITE_ONCE(shadow->dying, true);
	cancel_work_sync(&shadow->rest);
	free_subtree(shadow->root, V3C_ROOT_LEVEL);
	uncharge_nodes(shadow, shadow->nodes);
	kfree(shadow->wanted);
	kfree(shadow);
}

int v3c_shadow_module_init(void)
{
	v3c_shadow_queue = alloc_workqueue("v3compat_mirrors", WQ_UNBOUND, 0);
	return v3c_shadow_queue ? 0 : -ENOMEM;
}

void v3c_shadow_module_exit(void)
{
	destroy_workqueue(v3c_shadow_queue);
}
