// SPDX-License-Identifier: GPL-2.0
/*
 * One page table of a domain. Nothing outside this file maps, unmaps or flushes.
 *
 * The IOMMU core takes no lock on these paths: the caller sees to it that no two calls touch the same
 * range of one table at the same time. Different ranges need no care.
 */
#include <linux/cc_platform.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>

#include "compat.h"
#include "hwpt.h"

static_assert(PAGE_SHIFT == V3C_PAGE_SHIFT, "v3compat needs pages of 4 KiB");

/* Entries of a list given to iommu_map_sg() at a time, on the stack. */
#define V3C_SG_BATCH	24

/*
 * On x86 an IOMMU driver treats IOMMU_MMIO as something else only to keep encryption off it. Then no
 * frame need be looked up; a list of them needs struct pages only as numbers, which a virtual memory
 * map gives for any frame.
 */
DEFINE_STATIC_KEY_TRUE(v3c_mmio_is_special);

void v3c_hwpt_module_init(void)
{
	if (IS_ENABLED(CONFIG_X86) && IS_ENABLED(CONFIG_SPARSEMEM_VMEMMAP) &&
	    !IS_ENABLED(CONFIG_DEBUG_VIRTUAL) &&
	    !cc_platform_has(CC_ATTR_HOST_MEM_ENCRYPT) &&
	    !cc_platform_has(CC_ATTR_GUEST_MEM_ENCRYPT))
		static_branch_disable(&v3c_mmio_is_special);
}

/*
 * An x86 first-stage table translates two halves of which the upper is sign-extended, so that no
 * device finds it through a plain aperture: only what is below the sign bit is one range.
 */
u64 v3c_hwpt_last_page(const struct v3c_hwpt *hwpt)
{
	u64 end = hwpt->domain->geometry.aperture_end;

	return min_t(u64, end, S64_MAX) >> V3C_PAGE_SHIFT;
}

/**
 * v3c_hwpt_alloc() - allocate a page table that fits a device
 * @dev: a device behind an IOMMU
 * @pasid: it must also serve PASIDs
 *
 * Context: may sleep; the caller keeps @dev from leaving its IOMMU.
 * Return: the table, or ERR_PTR: -EOPNOTSUPP when the IOMMU cannot do what is asked, -ENOMEM, or what
 * the IOMMU driver said.
 */
struct v3c_hwpt *v3c_hwpt_alloc(struct device *dev, bool pasid)
{
	struct v3c_hwpt *hwpt;
	int ret;

	hwpt = kzalloc(sizeof(*hwpt), GFP_KERNEL);
	if (!hwpt)
		return ERR_PTR(-ENOMEM);
	hwpt->domain = v3c_paging_domain_alloc(dev, pasid);
	if (IS_ERR(hwpt->domain)) {
		ret = PTR_ERR(hwpt->domain);
		goto free_hwpt;
	}
	ret = -EOPNOTSUPP;
	if (!(hwpt->domain->pgsize_bitmap & V3C_PAGE_SIZE) || hwpt->domain->geometry.aperture_start)
		goto free_domain;
	if (device_iommu_capable(dev, IOMMU_CAP_CACHE_COHERENCY))
		hwpt->prot = IOMMU_CACHE;
	return hwpt;

free_domain:
	iommu_domain_free(hwpt->domain);
free_hwpt:
	kfree(hwpt);
	return ERR_PTR(ret);
}

/* Whether @dev's IOMMU can use the table for a PASID, as far as it says so without being asked to. */
bool v3c_hwpt_takes_pasids(const struct v3c_hwpt *hwpt, struct device *dev)
{
	return v3c_domain_takes_pasids(hwpt->domain, dev);
}

/* Attached nowhere; what is still mapped goes with it. */
void v3c_hwpt_free(struct v3c_hwpt *hwpt)
{
	iommu_domain_free(hwpt->domain);
	kfree(hwpt);
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
 * Return: 0; -ENOMEM; -ERANGE for a frame that no machine has; or what the IOMMU driver said. Nothing
 * stays mapped on failure.
 */
int v3c_hwpt_map_run(struct v3c_hwpt *hwpt, u64 page, u64 pfn, u64 pages, int prot, gfp_t gfp)
{
	if (unlikely(!v3c_are_frames(pfn, pages)))
		return -ERANGE;
	return iommu_map(hwpt->domain, page << V3C_PAGE_SHIFT, pfn << V3C_PAGE_SHIFT,
			 pages << V3C_PAGE_SHIFT, v3c_hwpt_prot(hwpt, pfn, prot), gfp);
}

/* Runs of memory waiting for one call of iommu_map_sg(). */
struct v3c_batch {
	struct v3c_hwpt *hwpt;
	u64 page;		/* where the next run goes */
	u64 pages;		/* waiting in front of it */
	int prot;
	gfp_t gfp;
	unsigned int nents;
	struct scatterlist sg[V3C_SG_BATCH];
};

static noinline int flush_batch(struct v3c_batch *batch)
{
	struct scatterlist *last;
	ssize_t mapped;

	if (!batch->nents)
		return 0;
	last = &batch->sg[batch->nents - 1];
	sg_mark_end(last);
	mapped = iommu_map_sg(batch->hwpt->domain, (batch->page - batch->pages) << V3C_PAGE_SHIFT,
			      batch->sg, batch->nents, batch->prot | batch->hwpt->prot, batch->gfp);
	sg_unmark_end(last);
	if (mapped < 0) {
		batch->page -= batch->pages;
		return mapped;
	}
	batch->nents = 0;
	batch->pages = 0;
	return 0;
}

/* A run of device memory has no struct page, and a long one nothing to gain from a list. */
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

static __always_inline int add_run(struct v3c_batch *batch, const struct v3c_run *run)
{
	if (unlikely(run->pages > V3C_TABLE_PAGES || !v3c_are_frames(run->pfn, run->pages) ||
		     !v3c_is_memory(run->pfn)))
		return map_single(batch, run);
	sg_set_page(&batch->sg[batch->nents++], pfn_to_page(run->pfn),
		    run->pages << V3C_PAGE_SHIFT, 0);
	batch->page += run->pages;
	batch->pages += run->pages;
	return batch->nents == V3C_SG_BATCH ? flush_batch(batch) : 0;
}

/* With @span no call of the core reaches across a multiple of it, so that none finds a large leaf. */
static noinline int map_batches(struct v3c_hwpt *hwpt, u64 page, struct v3c_phys *phys, int prot,
				u64 span, gfp_t gfp)
{
	struct v3c_batch batch;
	struct v3c_run run;
	u64 limit = U64_MAX;
	int ret = 0;

	batch.hwpt = hwpt;
	batch.page = page;
	batch.pages = 0;
	batch.prot = prot;
	batch.gfp = gfp;
	batch.nents = 0;
	sg_init_table(batch.sg, V3C_SG_BATCH);
	sg_unmark_end(&batch.sg[V3C_SG_BATCH - 1]);
	for (;;) {
		if (span)
			limit = span - (batch.page & (span - 1));
		if (limit == span)
			ret = flush_batch(&batch);
		if (ret || !v3c_phys_next(phys, limit, &run))
			break;
		ret = add_run(&batch, &run);
		if (ret)
			break;
	}
	if (!ret)
		ret = flush_batch(&batch);
	if (ret && batch.page > page) {
		if (span)
			v3c_hwpt_unmap_spans(hwpt, page, batch.page - page);
		else
			v3c_hwpt_unmap(hwpt, page, batch.page - page);
	}
	return ret;
}

/**
 * v3c_hwpt_map() - map a physical description to one contiguous range
 * @hwpt: the table
 * @page: first logical page
 * @phys: what to map
 * @prot: IOMMU_READ and IOMMU_WRITE
 * @span: 0, or a power of two of pages that no single leaf may cross or fill
 * @gfp: for tables
 *
 * Context: any that @gfp allows.
 * Return: 0; -ENOMEM; or what the IOMMU driver said. Nothing stays mapped on failure.
 */
int v3c_hwpt_map(struct v3c_hwpt *hwpt, u64 page, struct v3c_phys phys, int prot, u64 span,
		 gfp_t gfp)
{
	struct v3c_run run;

	if (v3c_phys_is_contiguous(&phys) &&
	    (!span || (page & (span - 1)) + phys.pages <= span)) {
		v3c_phys_next(&phys, U64_MAX, &run);
		return v3c_hwpt_map_run(hwpt, page, run.pfn, run.pages, prot, gfp);
	}
	return map_batches(hwpt, page, &phys, prot, span, gfp);
}

/* v3c_hwpt_unmap() without freeing a table, in pieces that cover none; one invalidation for all. */
void v3c_hwpt_unmap_spans(struct v3c_hwpt *hwpt, u64 page, u64 pages)
{
	struct iommu_iotlb_gather gather;
	u64 end = page + pages, part;

	if ((page & (V3C_SPAN_PAGES - 1)) + pages <= V3C_SPAN_PAGES) {
		v3c_hwpt_unmap(hwpt, page, pages);
		return;
	}
	iommu_iotlb_gather_init(&gather);
	for (; page < end; page += part) {
		part = min(end, (page | (V3C_SPAN_PAGES - 1)) + 1) - page;
		iommu_unmap_fast(hwpt->domain, page << V3C_PAGE_SHIFT, part << V3C_PAGE_SHIFT,
				 &gather);
	}
	iommu_iotlb_sync(hwpt->domain, &gather);
}

/* v3c_hwpt_unmap() of which devices may know nothing before v3c_hwpt_sync_gather(). */
void v3c_hwpt_unmap_gather(struct v3c_hwpt *hwpt, u64 page, u64 pages,
			   struct iommu_iotlb_gather *gather)
{
	size_t size = pages << V3C_PAGE_SHIFT;
	size_t done = iommu_unmap_fast(hwpt->domain, page << V3C_PAGE_SHIFT, size, gather);

	/* As in v3c_hwpt_unmap_bytes(). */
	WARN_ONCE(done != size, "v3compat: unmapped %zu of %zu bytes at %#llx\n", done, size,
		  page << V3C_PAGE_SHIFT);
}

void v3c_hwpt_sync_gather(struct v3c_hwpt *hwpt, struct iommu_iotlb_gather *gather)
{
	iommu_iotlb_sync(hwpt->domain, gather);
}

void v3c_hwpt_flush(struct v3c_hwpt *hwpt)
{
	iommu_flush_iotlb_all(hwpt->domain);
}

/* Only asked about pages that are mapped, so that 0 is a page frame like any other. */
u64 v3c_hwpt_pfn(const struct v3c_hwpt *hwpt, u64 page)
{
	return iommu_iova_to_phys(hwpt->domain, page << V3C_PAGE_SHIFT) >> V3C_PAGE_SHIFT;
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
 * The answer follows from addresses alone and not from what the driver made of them: a block of a
 * supported size that is wholly inside, contiguous and aligned on both sides may be one entry. Sizes
 * above 2 MiB are probed at steps of the next smaller size only, which errs on the safe side.
 *
 * Return: false when there may be one.
 */
bool v3c_hwpt_may_cut(const struct v3c_hwpt *hwpt, const struct v3c_hwpt *source,
		      u64 first, u64 last, u64 at, bool contiguous)
{
	unsigned long sizes = hwpt->domain->pgsize_bitmap >> V3C_PAGE_SHIFT;
	u64 step = 1, pages, block, pfn, i;
	unsigned int bit;

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
 *
 * One page under each last-level table is mapped and unmapped: the driver clears the leaf and keeps
 * the tables. The page is the kernel's zero page, read-only: a device that strays there meanwhile
 * reads zeroes. What was built before a failure is given back as by v3c_hwpt_free_tables().
 *
 * Context: may sleep.
 * Return: 0 or -ENOMEM, or what the IOMMU driver said.
 */
int v3c_hwpt_build_tables(struct v3c_hwpt *hwpt, u64 first, u64 last)
{
	u64 pfn = page_to_pfn(ZERO_PAGE(0));
	u64 page;
	int ret;

	for (page = first; page <= last; page = (page | (V3C_TABLE_PAGES - 1)) + 1) {
		/* A size that memory cannot hold tables for shall fail, and kill nobody. */
		ret = v3c_hwpt_map_run(hwpt, page, pfn, 1, IOMMU_READ,
				       GFP_KERNEL | __GFP_RETRY_MAYFAIL | __GFP_NOWARN);
		if (ret) {
			if (page > first)
				v3c_hwpt_free_tables(hwpt, first, page - 1);
			return ret;
		}
		v3c_hwpt_unmap(hwpt, page, 1);
		cond_resched();
	}
	return 0;
}

/*
 * Gives back the tables that only an unmapped range uses. Drivers free a table when one call unmaps
 * all that it covers, and stop at the first hole: so fill the range first. Where that fails the tables
 * stay until the page table is freed.
 */
void v3c_hwpt_free_tables(struct v3c_hwpt *hwpt, u64 first, u64 last)
{
	u64 pfn = page_to_pfn(ZERO_PAGE(0));
	u64 start = round_up(first, V3C_TABLE_PAGES);
	u64 end = round_down(last + 1, V3C_TABLE_PAGES);
	u64 page;

	for (page = start; page < end; page++) {
		if (v3c_hwpt_map_run(hwpt, page, pfn, 1, IOMMU_READ, GFP_KERNEL))
			break;
		cond_resched();
	}
	if (page > start)
		v3c_hwpt_unmap(hwpt, start, page - start);
}
