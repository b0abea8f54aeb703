/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_HWPT_H
#define V3COMPAT_HWPT_H

#include <linux/iommu.h>
#include <linux/jump_label.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/types.h>

#include "base/iommus.h"
#include "base/phys.h"

struct device;
struct v3c_shadow;
struct v3c_span;

/*
 * V3C_SPAN_PAGES is less than a last-level table of 4 KiB leaves covers (2 MiB), and less than a
 * large leaf. So where the tables down to 4 KiB leaves are there, a map within such a span needs no
 * other, and an unmap within it frees none.
 */
#define V3C_SPAN_PAGES		256ULL
#define V3C_TABLE_ORDER		9

/*
 * V3C_TABLES_STEP is how many pages have their tables given back in one piece: what a table of
 * last-level tables covers, 1 GiB.
 */
#define V3C_TABLES_STEP		(V3C_TABLE_PAGES * V3C_TABLE_PAGES)

/**
 * struct v3c_hwpt - one page table of a domain, for one kind of IOMMU
 * @core: the IOMMU core's page table; owned
 * @flush_mask: bits of an address above the largest invalidation, see &struct v3c_rules
 * @prot: IOMMU_CACHE where the IOMMU takes part in cache coherency
 * @account: as &v3c_space.account
 * @shadow: what of its owner's tables is in it; NULL unless the domain is Unmanaged
 * @slot: index in its domain
 * @page_requests: for devices that make page requests, and for no others
 * @lost: the IOMMU driver kept some of what it was told to unmap
 * @attached: IOMMU groups and PASIDs attached, under the domain's mutex
 * @has_direct: %V3C_RANGE_DIRECT ranges were mapped before the table was known to operations
 * @settled: the IOMMU through which the table was attached first, or NULL; only compared, under the
 *	domain's mutex
 * @rules: how its IOMMU driver wants it used
 */
struct v3c_hwpt {
	struct iommu_domain *core;
	u64 flush_mask;
	int prot;
	gfp_t account;
	struct v3c_shadow *shadow;
	u8 slot;
	bool page_requests;
	bool lost;
	bool has_direct;
	unsigned int attached;
	const struct iommu_device *settled;
	struct v3c_rules rules;
};

/*
 * V3C_QUICK_PAGES bounds a quick operation, because a larger one would keep the processor from
 * scheduling for too long.
 */
#define V3C_QUICK_PAGES		V3C_TABLE_PAGES
#define V3C_QUICK_SIZE		(V3C_QUICK_PAGES << V3C_PAGE_SHIFT)

DECLARE_STATIC_KEY_TRUE(v3c_mmio_is_special);

void v3c_hwpt_module_init(void);
void v3c_hwpt_module_exit(void);

/* True if @pfn may be mapped as memory: any frame may where v3c_mmio_is_special is off. */
static __always_inline bool v3c_is_memory(u64 pfn)
{
	return !static_branch_unlikely(&v3c_mmio_is_special) || pfn_valid(pfn);
}

/* IOMMU_MMIO instead of @hwpt->prot, because device memory is neither cached nor encrypted. */
static inline int v3c_hwpt_prot(const struct v3c_hwpt *hwpt, u64 pfn, int prot)
{
	return likely(v3c_is_memory(pfn)) ? prot | hwpt->prot : prot | IOMMU_MMIO;
}

/*
 * v3c_hwpt_quick_map() counts in bytes, and may fail for lack of memory that could be waited for.
 * @account is @hwpt->account, as a constant. With @allocates it maps only what is one leaf, because
 * it does not look how far a failed map came.
 */
static __always_inline int v3c_hwpt_quick_map(struct v3c_hwpt *hwpt, u64 iova, u64 base, u64 size,
					      int prot, gfp_t account)
{
	if (unlikely(hwpt->rules.allocates) && (!is_power_of_2(size) || (iova | base) & (size - 1)))
		return -EAGAIN;
	return iommu_map(hwpt->core, iova, base, size,
			 v3c_hwpt_prot(hwpt, base >> V3C_PAGE_SHIFT, prot),
			 GFP_NOWAIT | __GFP_NOWARN | account);
}

/* v3c_hwpt_quick_map_page() is v3c_hwpt_quick_map() of one page, without an account. */
static __always_inline int v3c_hwpt_quick_map_page(struct v3c_hwpt *hwpt, u64 iova, u64 base,
						   int prot)
{
	return iommu_map(hwpt->core, iova, base, V3C_PAGE_SIZE,
			 v3c_hwpt_prot(hwpt, base >> V3C_PAGE_SHIFT, prot),
			 GFP_NOWAIT | __GFP_NOWARN);
}

bool v3c_hwpt_unmap_pieces(struct v3c_hwpt *hwpt, u64 iova, u64 size);
bool v3c_hwpt_was_short(struct v3c_hwpt *hwpt, u64 iova, u64 size, u64 done);

/* v3c_hwpt_unmap() in bytes. */
static __always_inline bool v3c_hwpt_unmap_bytes(struct v3c_hwpt *hwpt, u64 iova, u64 size)
{
	size_t done;

	if (unlikely((iova ^ (iova + size - 1)) & hwpt->flush_mask))
		return v3c_hwpt_unmap_pieces(hwpt, iova, size);
	done = iommu_unmap(hwpt->core, iova, size);
	/*
	 * &struct v3c_space knows what is mapped: a driver that disagrees has lost track of its
	 * table.
	 */
	return likely(done == size) || v3c_hwpt_was_short(hwpt, iova, size, done);
}

/* v3c_hwpt_quick_unmap_page() is v3c_hwpt_unmap() of the page at @iova, which any flush reaches. */
static __always_inline bool v3c_hwpt_quick_unmap_page(struct v3c_hwpt *hwpt, u64 iova)
{
	size_t done = iommu_unmap(hwpt->core, iova, V3C_PAGE_SIZE);

	return likely(done == V3C_PAGE_SIZE) ||
	       v3c_hwpt_was_short(hwpt, iova, V3C_PAGE_SIZE, done);
}

/**
 * v3c_hwpt_unmap() - unmap and invalidate
 * @hwpt: the table
 * @page: first logical page
 * @pages: how many, all of them mapped
 *
 * Context: any. Tables that the range covers wholly may be freed.
 * Return: true, and no device finds the pages through any TLB; or false when the IOMMU driver kept
 * some of them, or dropped others: the pages and their addresses must not be given to anybody.
 */
static inline bool v3c_hwpt_unmap(struct v3c_hwpt *hwpt, u64 page, u64 pages)
{
	return v3c_hwpt_unmap_bytes(hwpt, page << V3C_PAGE_SHIFT, pages << V3C_PAGE_SHIFT);
}

void v3c_hwpt_unmap_many(struct v3c_hwpt *hwpt, struct v3c_span *spans, unsigned int count);
bool v3c_hwpt_unmap_many_spans(struct v3c_hwpt *hwpt, u64 page, u64 pages);

/*
 * v3c_hwpt_unmap_spans() is v3c_hwpt_unmap() without freeing a table, because it unmaps pieces that
 * cover none. One invalidation serves for as many pieces as it reaches.
 */
static inline bool v3c_hwpt_unmap_spans(struct v3c_hwpt *hwpt, u64 page, u64 pages)
{
	if (likely((page & (V3C_SPAN_PAGES - 1)) + pages <= V3C_SPAN_PAGES))
		return v3c_hwpt_unmap(hwpt, page, pages);
	return v3c_hwpt_unmap_many_spans(hwpt, page, pages);
}

static inline bool v3c_hwpt_has_upper_half(const struct v3c_hwpt *hwpt)
{
	return hwpt->rules.upper_half;
}

static inline bool v3c_hwpt_has_leaf(const struct v3c_hwpt *hwpt, u64 pages)
{
	return hwpt->core->pgsize_bitmap & (pages << V3C_PAGE_SHIFT);
}

/* True if one invalidation reaches all pages from @first to @last. */
static inline bool v3c_hwpt_reaches(const struct v3c_hwpt *hwpt, u64 first, u64 last)
{
	return !(((first ^ last) << V3C_PAGE_SHIFT) & hwpt->flush_mask);
}

/*
 * v3c_hwpt_may_join(): neighbours within V3C_SPAN_PAGES may be mapped together and unmapped one by
 * one, because the driver has no leaf to make of some of them.
 */
static inline bool v3c_hwpt_may_join(const struct v3c_hwpt *hwpt)
{
	return !hwpt->rules.joins;
}

struct v3c_hwpt *v3c_hwpt_alloc(struct device *dev, bool pasid, gfp_t account);
void v3c_hwpt_settle(struct v3c_hwpt *hwpt, struct device *dev);
bool v3c_hwpt_may_attach(const struct v3c_hwpt *hwpt, const struct device *dev);
void v3c_hwpt_free(struct v3c_hwpt *hwpt);
bool v3c_hwpt_takes_pasids(const struct v3c_hwpt *hwpt, struct device *dev);
u64 v3c_hwpt_last_page(const struct v3c_hwpt *hwpt);

int v3c_hwpt_map_run(struct v3c_hwpt *hwpt, u64 page, u64 pfn, u64 pages, int prot, gfp_t gfp);
int v3c_hwpt_map_any(struct v3c_hwpt *hwpt, u64 page, const struct v3c_phys *phys, int prot,
		     u64 span, gfp_t gfp);
bool v3c_hwpt_unmap_gather(struct v3c_hwpt *hwpt, u64 page, u64 pages,
			   struct iommu_iotlb_gather *gather);
void v3c_hwpt_sync_gather(struct v3c_hwpt *hwpt, struct iommu_iotlb_gather *gather);
void v3c_hwpt_flush(struct v3c_hwpt *hwpt);

u64 v3c_hwpt_pfn(const struct v3c_hwpt *hwpt, u64 page);
u64 v3c_hwpt_run(const struct v3c_hwpt *hwpt, u64 page, u64 limit, bool contiguous, u64 *pfn);
bool v3c_hwpt_may_cut(const struct v3c_hwpt *hwpt, const struct v3c_hwpt *source, u64 first,
		      u64 last, u64 at, bool contiguous);

int v3c_hwpt_build_tables(struct v3c_hwpt *hwpt, u64 first, u64 last, u64 *built);
int v3c_hwpt_free_tables(struct v3c_hwpt *hwpt, u64 first, u64 last, gfp_t gfp);

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
 * Return: 0; -ENOMEM; or what the IOMMU driver said. Nothing stays mapped on failure, unless it is
 * -EUCLEAN: the IOMMU driver did not take all of it back, and the addresses must not be given to
 * anybody.
 */
static __always_inline int v3c_hwpt_map(struct v3c_hwpt *hwpt, u64 page,
					const struct v3c_phys *phys, int prot, u64 span, gfp_t gfp)
{
	if (likely(!phys->pfns && !phys->runs &&
		   (!span || (page & (span - 1)) + phys->pages <= span)))
		return v3c_hwpt_map_run(hwpt, page, phys->pfn, phys->pages, prot, gfp);
	return v3c_hwpt_map_any(hwpt, page, phys, prot, span, gfp);
}

#endif
