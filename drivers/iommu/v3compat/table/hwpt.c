// SPDX-License-Identifier: GPL-2.0
/*
 * &struct v3c_hwpt: a page table of a domain. Only hwpt.c and hwpt.h call the core to map, unmap or
 * flush.
 *
 * The IOMMU core takes no lock on these paths: the caller sees to it that no two calls touch the
 * same range of one table at the same time. Calls for different ranges need no care.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cc_platform.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/ratelimit.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>

#include "base/compat.h"
#include "table/hwpt.h"
#include "table/range.h"

static_assert(PAGE_SHIFT == V3C_PAGE_SHIFT, "v3compat needs pages of 4 KiB");

/* V3C_SG_BATCH entries of a list are given to iommu_map_sg() at a time, on the stack. */
#define V3C_SG_BATCH	24

/*
 * v3c_mmio_is_special is off where v3c_is_memory() need not look a frame up. On x86 IOMMU_MMIO does
 * nothing but keep encryption off device memory, so that it makes no difference without encryption.
 * iommu_map_sg() uses struct pages only as numbers then, and a virtual memory map gives one for any
 * frame.
 */
DEFINE_STATIC_KEY_TRUE(v3c_mmio_is_special);

/*
 * v3c_zero_block has zeroes that fill what one last-level table covers in one call; NULL until they
 * may be needed.
 */
static struct page *v3c_zero_block;

void v3c_hwpt_module_init(void)
{
	if (IS_ENABLED(CONFIG_X86) && IS_ENABLED(CONFIG_SPARSEMEM_VMEMMAP) &&
	    !IS_ENABLED(CONFIG_DEBUG_VIRTUAL) &&
	    !cc_platform_has(CC_ATTR_HOST_MEM_ENCRYPT) &&
	    !cc_platform_has(CC_ATTR_GUEST_MEM_ENCRYPT))
		static_branch_disable(&v3c_mmio_is_special);
}

void v3c_hwpt_module_exit(void)
{
	if (v3c_zero_block)
		__free_pages(v3c_zero_block, V3C_TABLE_ORDER);
}

/* S64_MAX bytes at most, because logical addresses have 63 bits. */
u64 v3c_hwpt_last_page(const struct v3c_hwpt *hwpt)
{
	u64 end = hwpt->core->geometry.aperture_end;

	return min_t(u64, end, S64_MAX) >> V3C_PAGE_SHIFT;
}

/* prepare_zero_block() may fail: then v3c_hwpt_free_tables() leaves tables that nobody needs. */
static void prepare_zero_block(void)
{
	struct page *block;

	if (READ_ONCE(v3c_zero_block))
		return;
	block = alloc_pages(GFP_KERNEL | __GFP_ZERO | __GFP_NORETRY | __GFP_NOWARN,
			    V3C_TABLE_ORDER);
	if (block && cmpxchg(&v3c_zero_block, NULL, block))
		__free_pages(block, V3C_TABLE_ORDER);
}

static void learn_rules(struct v3c_hwpt *hwpt, struct device *dev)
{
	v3c_iommu_rules(dev, hwpt->core, &hwpt->rules);
	if (hwpt->rules.flush_pages)
		hwpt->flush_mask = ~((hwpt->rules.flush_pages << V3C_PAGE_SHIFT) - 1);
}

/*
 * enforce_coherency() is for the devices of processes, because what one writes past the caches, a
 * process may see later than it was told, or never. It comes before anything is mapped, because
 * some IOMMUs decide by page.
 */
static void enforce_coherency(struct iommu_domain *core, struct device *dev)
{
	if (core->ops->enforce_cache_coherency &&
	    device_iommu_capable(dev, IOMMU_CAP_ENFORCE_CACHE_COHERENCY))
		core->ops->enforce_cache_coherency(core);
}

/**
 * v3c_hwpt_alloc() - allocate a page table that fits a device
 * @dev: a device behind an IOMMU
 * @pasid: it must also serve PASIDs
 * @account: __GFP_ACCOUNT if it is a process': it and its tables are charged to whoever calls, and
 *	no device bypasses caches where the IOMMU can keep it from that; or 0
 *
 * Context: may sleep; the caller keeps @dev from leaving its IOMMU.
 * Return: the table, or ERR_PTR: -EOPNOTSUPP when the IOMMU cannot do what is asked, -ENOMEM, or
 * what the IOMMU driver said.
 */
struct v3c_hwpt *v3c_hwpt_alloc(struct device *dev, bool pasid, gfp_t account)
{
	struct v3c_hwpt *hwpt;
	int ret;

	if (v3c_iommu_traits_of(dev)->late_tables)
		return ERR_PTR(-EOPNOTSUPP);
	hwpt = kzalloc(sizeof(*hwpt), GFP_KERNEL | account);
	if (!hwpt)
		return ERR_PTR(-ENOMEM);
	hwpt->core = v3c_paging_domain_alloc(dev, pasid);
	if (IS_ERR(hwpt->core)) {
		ret = PTR_ERR(hwpt->core);
		goto free_hwpt;
	}
	ret = -EOPNOTSUPP;
	if (!(hwpt->core->pgsize_bitmap & V3C_PAGE_SIZE) || hwpt->core->geometry.aperture_start)
		goto free_domain;
	if (device_iommu_capable(dev, IOMMU_CAP_CACHE_COHERENCY))
		hwpt->prot = IOMMU_CACHE;
	hwpt->account = account;
	if (account)
		enforce_coherency(hwpt->core, dev);
	learn_rules(hwpt, dev);
	prepare_zero_block();
	return hwpt;

free_domain:
	iommu_domain_free(hwpt->core);
free_hwpt:
	kfree(hwpt);
	return ERR_PTR(ret);
}

/**
 * v3c_hwpt_may_attach() - whether a device may be attached while maps of the table are under way
 * @hwpt: the table
 * @dev: the device
 *
 * Context: under the domain's mutex.
 * Return: false where the IOMMU driver would lose some of these maps, or of unmaps, see v3c_rules.
 */
bool v3c_hwpt_may_attach(const struct v3c_hwpt *hwpt, const struct device *dev)
{
	if (hwpt->rules.attach_sends && !hwpt->attached)
		return false;
	return !hwpt->rules.attach_rebuilds || hwpt->settled == dev->iommu->iommu_dev;
}

/*
 * v3c_hwpt_settle() is called when @dev has been attached, so that what the driver makes of the
 * table is final. With @attach_rebuilds the rules are learned anew, because the attach may have
 * changed them; no other call knows the table yet. Without it they stay, because others read them
 * meanwhile. Under the domain's mutex.
 */
void v3c_hwpt_settle(struct v3c_hwpt *hwpt, struct device *dev)
{
	if (hwpt->settled)
		return;
	hwpt->settled = dev->iommu->iommu_dev;
	if (hwpt->rules.attach_rebuilds)
		learn_rules(hwpt, dev);
}

/*
 * True if @dev's IOMMU can use the table for a PASID, as far as that can be told without an attach.
 */
bool v3c_hwpt_takes_pasids(const struct v3c_hwpt *hwpt, struct device *dev)
{
	return v3c_core_table_takes_pasids(hwpt->core, dev);
}

/* Frees @hwpt, which is attached nowhere. Its core's table goes with all that is still mapped. */
void v3c_hwpt_free(struct v3c_hwpt *hwpt)
{
	iommu_domain_free(hwpt->core);
	kfree(hwpt);
}

/* flush_piece() is how many bytes from @iova on a single invalidation reaches, at most @size. */
static u64 flush_piece(const struct v3c_hwpt *hwpt, u64 iova, u64 size)
{
	return min(size - 1, (iova | ~hwpt->flush_mask) - iova) + 1;
}

/*
 * map_failed() looks whether the IOMMU driver kept pages of a map that failed. Returns -EUCLEAN if
 * so, otherwise @err. The core has unmapped what it had mapped, but does not look how much of it
 * the driver took back.
 *
 * Pages that are kept reach up to where the map failed. So every page of a short range is looked
 * at, and of a long one the last page under each last-level table, because a map that found no
 * memory for the next table has ended there. v3c_hwpt_map_run() does not call it for a map of one
 * leaf, because there is nothing to undo.
 */
static noinline int map_failed(struct v3c_hwpt *hwpt, u64 iova, u64 size, int err)
{
	u64 step = size > V3C_SPAN_PAGES << V3C_PAGE_SHIFT ? V3C_TABLE_PAGES << V3C_PAGE_SHIFT :
							     V3C_PAGE_SIZE;
	u64 last = iova + size - 1, at = iova | (step - 1);

	for (; at < last; at += step)
		if (iommu_iova_to_phys(hwpt->core, at & ~(V3C_PAGE_SIZE - 1)))
			break;
	if (at >= last && !iommu_iova_to_phys(hwpt->core, last & ~(V3C_PAGE_SIZE - 1)))
		return err;
	v3c_hwpt_was_short(hwpt, iova, size, 0);
	return -EUCLEAN;
}

/*
 * call_piece() is how much of a run the core makes one call of the driver for: equal leaves, as
 * many as there are before a larger one fits.
 */
static u64 call_piece(const struct v3c_hwpt *hwpt, u64 iova, u64 base, u64 size)
{
	unsigned long sizes = hwpt->core->pgsize_bitmap;
	unsigned int bit = min(__fls(size), __ffs64(iova | base | BIT_ULL(63)));
	u64 leaf = BIT_ULL(__fls(sizes & GENMASK_ULL(bit, 0))), larger;

	sizes &= ~GENMASK_ULL(__fls(leaf), 0);
	if (sizes) {
		larger = BIT_ULL(__ffs(sizes));
		if (!((iova ^ base) & (larger - 1)))
			size = min(size, larger - (iova & (larger - 1)));
	}
	return size & ~(leaf - 1);
}

/*
 * map_pieces() maps what must not go to the core in one call. No piece is longer than one
 * invalidation reaches, because a driver that puts large leaves in the place of tables invalidates
 * all that one call maps. With @allocates a piece is one call of the driver, because otherwise the
 * core might have a part of it to undo: such a driver forgets a mapping even if it has no memory to
 * unmap it.
 */
static noinline int map_pieces(struct v3c_hwpt *hwpt, u64 iova, u64 base, u64 size, int prot,
			       gfp_t gfp)
{
	u64 at, part;
	int ret;

	for (at = 0; at < size; at += part) {
		part = flush_piece(hwpt, iova + at, size - at);
		if (hwpt->rules.allocates)
			part = call_piece(hwpt, iova + at, base + at, part);
		ret = iommu_map(hwpt->core, iova + at, base + at, part, prot, gfp);
		if (!ret)
			continue;
		ret = map_failed(hwpt, iova + at, part, ret);
		return at && !v3c_hwpt_unmap_bytes(hwpt, iova, at) ? -EUCLEAN : ret;
	}
	return 0;
}

/**
 * v3c_hwpt_map_run() - map one contiguous run
 * @hwpt: the table
 * @page: first logical page
 * @pfn: first page frame
 * @pages: how many
 * @prot: IOMMU_READ and IOMMU_WRITE
 * @gfp: for tables
 *
 * Context: any that @gfp allows.
 * Return: 0; -ENOMEM; -ERANGE for a frame that no machine has; or what the IOMMU driver said.
 * Nothing stays mapped on failure, unless it is -EUCLEAN, as in v3c_hwpt_map().
 */
int v3c_hwpt_map_run(struct v3c_hwpt *hwpt, u64 page, u64 pfn, u64 pages, int prot, gfp_t gfp)
{
	u64 iova = page << V3C_PAGE_SHIFT, size = pages << V3C_PAGE_SHIFT;
	int ret;

	if (unlikely(!v3c_are_frames(pfn, pages)))
		return -ERANGE;
	prot = v3c_hwpt_prot(hwpt, pfn, prot);
	if (unlikely((iova ^ (iova + size - 1)) & hwpt->flush_mask || hwpt->rules.allocates))
		return map_pieces(hwpt, iova, pfn << V3C_PAGE_SHIFT, size, prot, gfp);
	ret = iommu_map(hwpt->core, iova, pfn << V3C_PAGE_SHIFT, size, prot, gfp);
	if (likely(!ret) || (is_power_of_2(pages) && v3c_hwpt_has_leaf(hwpt, pages) &&
			     !((page | pfn) & (pages - 1))))
		return ret;
	return map_failed(hwpt, iova, size, ret);
}

/* Runs of memory waiting for one call of iommu_map_sg(). */
struct v3c_batch {
	struct v3c_hwpt *hwpt;
	u64 page;		/* logical page of the next run */
	u64 pages;		/* in @sg, in front of @page */
	int prot;
	gfp_t gfp;
	unsigned int nents;
	struct scatterlist sg[V3C_SG_BATCH];
};

static noinline int flush_batch(struct v3c_batch *batch)
{
	ssize_t mapped;

	if (!batch->nents)
		return 0;
	mapped = iommu_map_sg(batch->hwpt->core, (batch->page - batch->pages) << V3C_PAGE_SHIFT,
			      batch->sg, batch->nents, batch->prot | batch->hwpt->prot, batch->gfp);
	if (mapped < 0) {
		batch->page -= batch->pages;
		return map_failed(batch->hwpt, batch->page << V3C_PAGE_SHIFT,
				  batch->pages << V3C_PAGE_SHIFT, mapped);
	}
	batch->nents = 0;
	batch->pages = 0;
	return 0;
}

/*
 * map_single() maps a run without @batch, because device memory has no struct page, and a long run
 * nothing to gain from a list.
 */
static noinline int map_single(struct v3c_batch *batch, const struct v3c_run *run)
{
	int ret = flush_batch(batch);

	if (!ret)
		ret = v3c_hwpt_map_run(batch->hwpt, batch->page, run->pfn, run->pages, batch->prot,
				       batch->gfp);
	if (!ret)
		batch->page += run->pages;
	return ret;
}

/*
 * set_entry() fills an entry, and no other part of the list, because sg_init_table() takes longer
 * than mapping a few pages. The core counts entries, and looks for no end of the list.
 */
static __always_inline void set_entry(struct scatterlist *sg, u64 pfn, u64 pages)
{
	*sg = (struct scatterlist) {};
	sg_set_page(sg, pfn_to_page(pfn), pages << V3C_PAGE_SHIFT, 0);
}

static __always_inline int add_run(struct v3c_batch *batch, const struct v3c_run *run)
{
	if (unlikely(run->pages > V3C_TABLE_PAGES || !v3c_are_frames(run->pfn, run->pages) ||
		     !v3c_is_memory(run->pfn) || batch->hwpt->rules.allocates))
		return map_single(batch, run);
	set_entry(&batch->sg[batch->nents++], run->pfn, run->pages);
	batch->page += run->pages;
	batch->pages += run->pages;
	return batch->nents == V3C_SG_BATCH ? flush_batch(batch) : 0;
}

/*
 * add_frames() adds page frames that do not go on in the next, at most @limit, as long as there is
 * room for one more entry. Returns false if it added none: then add_run() has to.
 */
static bool add_frames(struct v3c_batch *batch, struct v3c_phys *phys, u64 limit)
{
	u64 most = min3(limit, phys->pages - phys->given, phys->count - phys->next), pfn, next, i;
	const u64 *frame = phys->pfns + phys->next;
	struct scatterlist *sg = &batch->sg[batch->nents];

	if (!phys->pfns || batch->hwpt->rules.allocates || most < 2)
		return false;
	most = min(most, V3C_SG_BATCH - batch->nents);
	pfn = READ_ONCE(*frame);
	for (i = 0; i + 1 < most; i++) {
		next = READ_ONCE(frame[i + 1]);
		if (next == pfn + 1 || unlikely(!v3c_is_frame(pfn) || !v3c_is_memory(pfn)))
			break;
		set_entry(&sg[i], pfn, 1);
		pfn = next;
	}
	batch->nents += i;
	batch->page += i;
	batch->pages += i;
	phys->next += i;
	phys->given += i;
	return i;
}

/*
 * add_runs() adds whole runs of memory, at most @limit pages, as long as there is room for one more
 * entry. Returns false if it added none: then add_run() has to.
 */
static bool add_runs(struct v3c_batch *batch, struct v3c_phys *phys, u64 limit)
{
	u64 most = min(limit, phys->pages - phys->given), pages = 0;
	unsigned int i, count = min(phys->count, V3C_SG_BATCH - 1 - batch->nents);
	struct scatterlist *sg = &batch->sg[batch->nents];
	const struct v3c_run *run = phys->runs;

	if (batch->hwpt->rules.allocates || phys->next)
		return false;
	for (i = 0; i < count; i++, run++) {
		if (unlikely(run->pages > min(most - pages, V3C_TABLE_PAGES) ||
			     !v3c_are_frames(run->pfn, run->pages) || !v3c_is_memory(run->pfn)))
			break;
		set_entry(&sg[i], run->pfn, run->pages);
		pages += run->pages;
	}
	batch->nents += i;
	batch->page += pages;
	batch->pages += pages;
	phys->runs = run;
	phys->count -= i;
	phys->given += pages;
	return i;
}

/*
 * map_batches() lets no call of the core reach across a multiple of @span, so that the driver has
 * no large leaf to make. Without @span none reaches across a multiple of @flush_pages, because an
 * invalidation does not.
 */
static noinline int map_batches(struct v3c_hwpt *hwpt, u64 page, struct v3c_phys *phys, int prot,
				u64 span, gfp_t gfp)
{
	u64 block = span ?: hwpt->rules.flush_pages, limit = U64_MAX;
	struct v3c_batch batch __uninitialized;
	struct v3c_run run;
	int ret = 0;

	batch.hwpt = hwpt;
	batch.page = page;
	batch.pages = 0;
	batch.prot = prot;
	batch.gfp = gfp;
	batch.nents = 0;
	for (;;) {
		if (block)
			limit = block - (batch.page & (block - 1));
		if (limit == block)
			ret = flush_batch(&batch);
		if (!ret && (phys->pfns || !phys->runs ? add_frames(&batch, phys, limit) :
							 add_runs(&batch, phys, limit)))
			continue;
		if (ret || !v3c_phys_next(phys, limit, &run))
			break;
		ret = add_run(&batch, &run);
		if (ret)
			break;
	}
	if (!ret)
		ret = flush_batch(&batch);
	if (ret && batch.page > page) {
		/* v3c_hwpt_was_short() has logged a short unmap and marked the table. */
		if (!(span ? v3c_hwpt_unmap_spans(hwpt, page, batch.page - page) :
			     v3c_hwpt_unmap(hwpt, page, batch.page - page)))
			ret = -EUCLEAN;
	}
	return ret;
}

/* v3c_hwpt_map_any() is the general case of v3c_hwpt_map(). */
int v3c_hwpt_map_any(struct v3c_hwpt *hwpt, u64 page, const struct v3c_phys *phys, int prot,
		     u64 span, gfp_t gfp)
{
	struct v3c_phys at = *phys;
	struct v3c_run run;

	if (!v3c_phys_is_contiguous(phys) || (span && (page & (span - 1)) + phys->pages > span))
		return map_batches(hwpt, page, &at, prot, span, gfp);
	v3c_phys_next(&at, U64_MAX, &run);
	return v3c_hwpt_map_run(hwpt, page, run.pfn, run.pages, prot, gfp);
}

/*
 * v3c_hwpt_was_short() marks @hwpt and logs an unmap that did not remove what it was told to.
 * Always false, so that callers can return it. The log need not have every such unmap.
 */
noinline bool v3c_hwpt_was_short(struct v3c_hwpt *hwpt, u64 iova, u64 size, u64 done)
{
	WRITE_ONCE(hwpt->lost, true);
	pr_err_ratelimited(
		"IOMMU driver unmapped %llu of %llu bytes at %#llx, which stay out of use\n", done,
		size, iova);
	return false;
}

/*
 * v3c_hwpt_unmap_pieces() unmaps a range that no single invalidation reaches. Nothing lies across
 * the end of a piece, because no call has mapped anything across one. A driver that removes more
 * than a piece fails, because what lies behind the piece is still in TLBs.
 */
noinline bool v3c_hwpt_unmap_pieces(struct v3c_hwpt *hwpt, u64 iova, u64 size)
{
	u64 at, part;
	size_t done;

	for (at = 0; at < size; at += part) {
		part = flush_piece(hwpt, iova + at, size - at);
		done = iommu_unmap(hwpt->core, iova + at, part);
		if (done != part)
			return v3c_hwpt_was_short(hwpt, iova, size, at + done);
	}
	return true;
}

/*
 * V3C_FLUSH_PAGES bounds the pages that are invalidated one by one where each of them costs a
 * command, because a flush of everything costs one.
 */
#define V3C_FLUSH_PAGES		64

/* is_one_flush(): a single ranged invalidation reaches all of @spans, and costs little. */
static bool is_one_flush(const struct v3c_hwpt *hwpt, const struct v3c_span *spans,
			 unsigned int count)
{
	u64 first = U64_MAX, last = 0, pages = 0;
	const struct v3c_span *span;
	bool run = true;

	for (span = spans; span < spans + count; span++) {
		first = min(first, span->first);
		last = max(last, span->last);
		pages += span->last - span->first + 1;
		/* In this order, because drivers compare with what they were told before only. */
		run &= span == spans || span->first == span[-1].last + 1;
	}
	if (!v3c_hwpt_reaches(hwpt, first, last))
		return false;
	if (hwpt->rules.flush_runs && !run)
		return false;
	return !hwpt->rules.flush_commands || pages <= V3C_FLUSH_PAGES;
}

/*
 * flush_gathered() flushes everything, and frees the tables that @gather has. Their driver frees
 * them in a sync, which is of one page at @iova, because a wider one may be refused.
 */
static void flush_gathered(struct v3c_hwpt *hwpt, struct iommu_iotlb_gather *gather, u64 iova)
{
	iommu_flush_iotlb_all(hwpt->core);
	if (!v3c_gather_has_tables(gather))
		return;
	gather->start = iova;
	gather->end = iova + V3C_PAGE_SIZE - 1;
	gather->queued = false;
	iommu_iotlb_sync(hwpt->core, gather);
}

static void unmap_each(struct v3c_hwpt *hwpt, struct v3c_span *spans, unsigned int count)
{
	struct v3c_span *span;

	for (span = spans; span < spans + count; span++)
		if (!v3c_hwpt_unmap(hwpt, span->first, span->last - span->first + 1))
			span->lost = true;
}

/**
 * v3c_hwpt_unmap_many() - unmap several ranges, and invalidate as little often as the rules allow
 * @hwpt: the table
 * @spans: ranges, all of them mapped; @lost is set in those of which the IOMMU driver kept some
 * @count: how many, at least 1
 *
 * One invalidation reaches all of them, or else everything is flushed once; with a driver that
 * cannot flush everything each range has its own. On return no device finds any of them through any
 * TLB, but for lost ones.
 *
 * Context: any. Tables that a range covers wholly may be freed.
 */
void v3c_hwpt_unmap_many(struct v3c_hwpt *hwpt, struct v3c_span *spans, unsigned int count)
{
	struct iommu_iotlb_gather gather;
	bool one = is_one_flush(hwpt, spans, count);
	struct v3c_span *span;
	u64 iova, size, done;

	if (!one && !hwpt->core->ops->flush_iotlb_all) {
		unmap_each(hwpt, spans, count);
		return;
	}
	iommu_iotlb_gather_init(&gather);
	/*
	 * @queued tells drivers that everything is flushed, so that they send nothing between. One
	 * that sends something all the same begins @gather anew, without @queued.
	 */
	gather.queued = !one;
	for (span = spans; span < spans + count; span++) {
		iova = span->first << V3C_PAGE_SHIFT;
		size = (span->last - span->first + 1) << V3C_PAGE_SHIFT;
		done = iommu_unmap_fast(hwpt->core, iova, size, &gather);
		if (unlikely(done != size))
			span->lost |= !v3c_hwpt_was_short(hwpt, iova, size, done);
	}
	if (one)
		iommu_iotlb_sync(hwpt->core, &gather);
	else
		flush_gathered(hwpt, &gather, spans->first << V3C_PAGE_SHIFT);
}

/* v3c_hwpt_unmap_spans() for more than one span. */
bool v3c_hwpt_unmap_many_spans(struct v3c_hwpt *hwpt, u64 page, u64 pages)
{
	u64 at = page << V3C_PAGE_SHIFT, end = at + (pages << V3C_PAGE_SHIFT), start = at, part;
	struct iommu_iotlb_gather gather;
	u64 done = 0;

	iommu_iotlb_gather_init(&gather);
	for (; at < end; at += part) {
		if ((start ^ at) & hwpt->flush_mask) {
			iommu_iotlb_sync(hwpt->core, &gather);
			start = at;
		}
		part = min(end, (at | ((V3C_SPAN_PAGES << V3C_PAGE_SHIFT) - 1)) + 1) - at;
		done += iommu_unmap_fast(hwpt->core, at, part, &gather);
	}
	iommu_iotlb_sync(hwpt->core, &gather);
	return done == pages << V3C_PAGE_SHIFT ||
	       v3c_hwpt_was_short(hwpt, page << V3C_PAGE_SHIFT, pages << V3C_PAGE_SHIFT, done);
}

/*
 * v3c_hwpt_unmap_gather() is v3c_hwpt_unmap() of pages under one last-level table. Devices may find
 * them in TLBs until v3c_hwpt_sync_gather().
 */
bool v3c_hwpt_unmap_gather(struct v3c_hwpt *hwpt, u64 page, u64 pages,
			   struct iommu_iotlb_gather *gather)
{
	u64 iova = page << V3C_PAGE_SHIFT, size = pages << V3C_PAGE_SHIFT;
	size_t done = iommu_unmap_fast(hwpt->core, iova, size, gather);

	return done == size || v3c_hwpt_was_short(hwpt, iova, size, done);
}

void v3c_hwpt_sync_gather(struct v3c_hwpt *hwpt, struct iommu_iotlb_gather *gather)
{
	iommu_iotlb_sync(hwpt->core, gather);
}

void v3c_hwpt_flush(struct v3c_hwpt *hwpt)
{
	iommu_flush_iotlb_all(hwpt->core);
}

/* @page must be mapped, because 0 is a page frame like any other. */
u64 v3c_hwpt_pfn(const struct v3c_hwpt *hwpt, u64 page)
{
	return iommu_iova_to_phys(hwpt->core, page << V3C_PAGE_SHIFT) >> V3C_PAGE_SHIFT;
}

/**
 * v3c_hwpt_run() - read back a contiguous run
 * @hwpt: the table
 * @page: first logical page, mapped
 * @limit: pages known to be mapped from there on
 * @contiguous: all of them are known to be one run
 * @pfn: result, first page frame
 *
 * Return: length of the run, at most @limit.
 */
u64 v3c_hwpt_run(const struct v3c_hwpt *hwpt, u64 page, u64 limit, bool contiguous, u64 *pfn)
{
	u64 pages = 1;

	*pfn = v3c_hwpt_pfn(hwpt, page);
	if (contiguous)
		return limit;
	while (pages < limit && v3c_hwpt_pfn(hwpt, page + pages) == *pfn + pages)
		pages++;
	return pages;
}

/**
 * v3c_hwpt_may_cut() - whether no large page can lie across a cut
 * @hwpt: the table
 * @source: a table that has the whole mapping; may be the same
 * @first: first page of the mapping
 * @last: last page of the mapping
 * @at: the cut is in front of this page
 * @contiguous: the mapping is known to be one physical run
 *
 * With &v3c_rules.whole_maps a cut is possible only where the pages on its two sides do not follow
 * each other in memory, because one call maps one run.
 *
 * Otherwise the answer follows from addresses alone and not from what the driver made of them: a
 * block of a supported size that is wholly inside, contiguous and aligned on both sides may be one
 * entry. Sizes above 2 MiB are probed at steps of the next smaller size only, which errs on the
 * safe side.
 *
 * Return: false when there may be one.
 */
bool v3c_hwpt_may_cut(const struct v3c_hwpt *hwpt, const struct v3c_hwpt *source, u64 first,
		      u64 last, u64 at, bool contiguous)
{
	unsigned long sizes = hwpt->core->pgsize_bitmap >> V3C_PAGE_SHIFT;
	u64 step = 1, pages, block, pfn, i;
	unsigned int bit;

	if (hwpt->rules.whole_maps)
		return !contiguous && v3c_hwpt_pfn(source, at - 1) + 1 != v3c_hwpt_pfn(source, at);
	for_each_set_bit(bit, &sizes, BITS_PER_LONG) {
		pages = 1ULL << bit;
		block = at & ~(pages - 1);
		if (block < first || block + pages - 1 > last)
			break;
		if (block == at)
			goto next;
		pfn = v3c_hwpt_pfn(source, block);
		if (pfn & (pages - 1))
			break;
		for (i = step; !contiguous && i < pages; i += step) {
			if (v3c_hwpt_pfn(source, block + i) != pfn + i)
				return true;
		}
		return false;
next:
		if (pages >= V3C_TABLE_PAGES)
			step = pages;
	}
	return true;
}

/**
 * v3c_hwpt_build_tables() - make sure every table down to 4 KiB leaves is there
 * @hwpt: the table
 * @first: first logical page of an unmapped range
 * @last: last page
 * @built: result, pages from @first on that have their tables now; all of them on success
 *
 * One page under each last-level table is mapped and unmapped: the driver clears the leaf and keeps
 * the tables. The page is the kernel's zero page, read-only: a device that strays there meanwhile
 * reads zeroes. Where each map takes memory of its own, tables are no use, and none are built.
 *
 * Context: may sleep.
 * Return: 0; -ENOMEM; -EUCLEAN when the IOMMU driver kept a page, so that the range must not be
 * given to anybody; or what the IOMMU driver said.
 */
int v3c_hwpt_build_tables(struct v3c_hwpt *hwpt, u64 first, u64 last, u64 *built)
{
	u64 pfn = page_to_pfn(ZERO_PAGE(0));
	u64 page = first;
	int ret = 0;

	while (!hwpt->rules.allocates && page <= last) {
		/*
		 * __GFP_RETRY_MAYFAIL because a range with more tables than there is memory must
		 * fail, and not make the OOM killer kill anybody.
		 */
		ret = v3c_hwpt_map_run(hwpt, page, pfn, 1, IOMMU_READ,
				       GFP_KERNEL | __GFP_RETRY_MAYFAIL | __GFP_NOWARN |
				       hwpt->account);
		if (!ret && !v3c_hwpt_unmap(hwpt, page, 1))
			ret = -EUCLEAN;
		if (ret)
			break;
		page = (page | (V3C_TABLE_PAGES - 1)) + 1;
	}
	*built = ret ? page - first : last - first + 1;
	return ret;
}

/**
 * v3c_hwpt_free_tables() - give back the tables that only an unmapped range uses
 * @hwpt: the table
 * @first: first logical page
 * @last: last page, in the same block of V3C_TABLES_STEP pages
 * @gfp: for what a driver needs to put large leaves in the place of tables
 *
 * Drivers free a table when one call unmaps all that it covers, and stop at the first hole. So the
 * range is filled first, with zeroes and read-only: where the hardware has the size, one large leaf
 * takes the place of each last-level table, and costs no more than the table did. Without memory
 * for the zeroes the tables stay until the page table is freed.
 *
 * Context: any that @gfp allows.
 * Return: 0; -EUCLEAN when the IOMMU driver kept some of it, so that the range must not be given to
 * anybody; or another error, and some of the tables stay.
 */
int v3c_hwpt_free_tables(struct v3c_hwpt *hwpt, u64 first, u64 last, gfp_t gfp)
{
	u64 start = round_up(first, V3C_TABLE_PAGES);
	u64 end = round_down(last + 1, V3C_TABLE_PAGES);
	u64 page, pfn;
	int ret = 0;

	if (start >= end)
		return 0;
	if (!v3c_zero_block)
		return -ENOMEM;
	pfn = page_to_pfn(v3c_zero_block);
	for (page = start; !ret && page < end; page += V3C_TABLE_PAGES)
		ret = v3c_hwpt_map_run(hwpt, page, pfn, V3C_TABLE_PAGES, IOMMU_READ, gfp);
	if (ret)
		page -= V3C_TABLE_PAGES;
	if (page > start && !v3c_hwpt_unmap(hwpt, start, page - start))
		return -EUCLEAN;
	return ret;
}
