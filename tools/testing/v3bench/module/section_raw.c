// SPDX-License-Identifier: GPL-2.0
/*
 * Study "section", the raw side: the work of the V3 calls in section_v3.c, done by calls of the
 * IOMMU core. Where the V3 call goes through ranges one by one, so does this.
 */
#include <linux/iommu.h>
#include <linux/iommusim.h>
#include <linux/scatterlist.h>
#include <linux/sched.h>
#include <linux/sizes.h>

#include "section.h"
#include "sim.h"
#include "v3bench.h"

static const u32 range_counts[] = V3B_RANGE_COUNTS;
static const u32 page_counts[] = V3B_PAGE_COUNTS;

/* One study runs at a time; see the lock in main.c. */
static struct {
	struct device *dev;
	struct iommu_domain *domain;
} other;

static struct sg_table listed;

static int map_pages(struct v3b *b, struct iommu_domain *domain, u32 count)
{
	int err = 0;
	u32 i;

	for (i = 0; !err && i < count; i++) {
		err = iommu_map(domain, b->fill_base + (u64)i * PAGE_SIZE, page_to_phys(b->small),
				PAGE_SIZE, b->prot, GFP_KERNEL);
		cond_resched();
	}
	return err;
}

static int unmap_pages(struct v3b *b, u64 address, u32 count)
{
	size_t size = (size_t)count * PAGE_SIZE;

	return iommu_unmap(b->domain, address, size) == size ? 0 : -EIO;
}

static int map_ranges(struct v3b *b, u32 count)
{
	return map_pages(b, b->domain, count);
}

static int unmap_ranges(struct v3b *b, u32 count)
{
	return unmap_pages(b, b->fill_base, count);
}

static int attach_other(struct v3b *b, u32 count)
{
	int err;

	other.domain = v3b_domain_attach(b, other.dev);
	if (IS_ERR(other.domain))
		return PTR_ERR(other.domain);
	err = map_pages(b, other.domain, count);
	if (err)
		v3b_domain_detach(other.domain, other.dev);
	return err;
}

/* A call for each last-level table maps what one segment has. */
static int attach_at_segment(struct v3b *b, u32 count)
{
	u64 at, size = (u64)count * PAGE_SIZE;
	int err = 0;

	other.domain = v3b_domain_attach(b, other.dev);
	if (IS_ERR(other.domain))
		return PTR_ERR(other.domain);
	for (at = 0; !err && at < size; at += SZ_2M) {
		err = iommu_map(other.domain, b->fill_base + at, V3B_CONTIGUOUS_PHYS + at, SZ_2M,
				b->prot, GFP_KERNEL);
		cond_resched();
	}
	if (err)
		v3b_domain_detach(other.domain, other.dev);
	return err;
}

static int detach_other(struct v3b *b, u32 count)
{
	v3b_domain_detach(other.domain, other.dev);
	return 0;
}

/* One page under each last-level table is mapped and unmapped, which leaves the tables there. */
static int make_tables(struct v3b *b, u32 count)
{
	u64 at, end = b->fill_base + (u64)count * PAGE_SIZE;
	int err = 0;

	for (at = b->fill_base; !err && at < end; at += SZ_2M) {
		err = iommu_map(b->domain, at, page_to_phys(b->small), PAGE_SIZE, b->prot,
				GFP_KERNEL);
		if (!err)
			err = unmap_pages(b, at, 1);
		cond_resched();
	}
	return err;
}

static int map_contiguous(struct v3b *b, u32 count)
{
	return iommu_map(b->domain, b->fill_base, V3B_CONTIGUOUS_PHYS, (size_t)count * PAGE_SIZE,
			 b->prot, GFP_KERNEL);
}

static int map_listed(struct v3b *b, u32 count)
{
	ssize_t mapped = iommu_map_sg(b->domain, b->fill_base, listed.sgl, listed.orig_nents,
				      b->prot, GFP_KERNEL);

	return mapped == (size_t)count * PAGE_SIZE ? 0 : -EIO;
}

static const struct v3b_step range_steps[] = {
	{ "attach second", attach_other },
	{ "detach second", detach_other },
	{ "unmap ranges", unmap_ranges },
};
static const struct v3b_step segment_steps[] = {
	{ "attach at segment", attach_at_segment },
	{ "detach at segment", detach_other },
};
static const struct v3b_step reserve_steps[] = {
	{ "reserve", make_tables },
	{ "map reserved", map_contiguous },
	{ "unmap reserved", unmap_ranges },
};
static const struct v3b_step contiguous_steps[] = {
	{ "map contiguous", map_contiguous },
	{ "unmap contiguous", unmap_ranges },
};
static const struct v3b_step listed_steps[] = {
	{ "map scattered", map_listed },
	{ "unmap scattered", unmap_ranges },
};

static int list_pages(struct v3b *b)
{
	struct scatterlist *sg;
	u32 i;
	int err = sg_alloc_table(&listed, V3B_LISTED_PAGES, GFP_KERNEL);

	if (err)
		return err;
	for_each_sgtable_sg(&listed, sg, i)
		sg_set_page(sg, pfn_to_page(PHYS_PFN(v3b_listed_page(b->huge, i))), PAGE_SIZE, 0);
	return 0;
}

static int large_rows(struct v3b *b)
{
	int err;

	err = v3b_section_measure(b, "raw", V3B_CONTIGUOUS_PAGES, NULL, contiguous_steps,
				  ARRAY_SIZE(contiguous_steps));
	if (err || !b->huge)
		return err;
	err = list_pages(b);
	if (err)
		return err;
	err = v3b_section_measure(b, "raw", V3B_LISTED_PAGES, NULL, listed_steps,
				  ARRAY_SIZE(listed_steps));
	sg_free_table(&listed);
	return err;
}

static int all_rows(struct v3b *b, u32 max_live)
{
	u32 i;
	int err = 0;

	for (i = 0; !err && i < ARRAY_SIZE(range_counts) && range_counts[i] <= max_live; i++)
		err = v3b_section_measure(b, "raw", range_counts[i], map_ranges, range_steps,
					  ARRAY_SIZE(range_steps));
	if (!err)
		err = v3b_section_measure(b, "raw", V3B_CONTIGUOUS_PAGES, NULL, segment_steps,
					  ARRAY_SIZE(segment_steps));
	for (i = 0; !err && i < ARRAY_SIZE(page_counts); i++)
		err = v3b_section_measure(b, "raw", page_counts[i], NULL, reserve_steps,
					  ARRAY_SIZE(reserve_steps));
	return err ?: large_rows(b);
}

int v3b_section_raw(struct v3b *b, u32 max_live)
{
	int err;

	other.dev = v3b_sim_device();
	if (IS_ERR(other.dev))
		return PTR_ERR(other.dev);
	err = v3b_raw_open(b);
	if (!err) {
		err = all_rows(b, max_live);
		v3b_raw_close(b);
	}
	iommusim_device_destroy(other.dev);
	return err;
}
