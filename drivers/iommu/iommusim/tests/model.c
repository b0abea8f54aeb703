// SPDX-License-Identifier: GPL-2.0
/* Tests of iommusim through the IOMMU API, as its users see it. */
#include <linux/completion.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/platform_device.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include <v3compat/kcompat.h>

#include "fixture.h"

static void test_translate_pages(struct kunit *test)
{
	struct sim_bench b = new_bench(test, 0);
	struct iommusim_fault fault;
	u8 *out = kunit_kzalloc(test, 4 * SZ_4K, GFP_KERNEL);
	u8 *in = kunit_kzalloc(test, 4 * SZ_4K, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, out);
	KUNIT_ASSERT_NOT_NULL(test, in);
	memset(out, 0xa5, 4 * SZ_4K);
	/* IOVA and the page behind map to pages in reverse physical order. */
	KUNIT_ASSERT_EQ(test, map_range(b.domain, IOVA, page_phys(test, 1), SZ_4K), 0);
	KUNIT_ASSERT_EQ(test, map_range(b.domain, IOVA + SZ_4K, page_phys(test, 0), SZ_4K), 0);
	KUNIT_EXPECT_EQ(test, stats_of(b.sim).leaf_4k, 2ULL);

	KUNIT_EXPECT_EQ(test, iommusim_dma_write(b.dev, IOMMUSIM_NO_PASID, IOVA + 100, out, SZ_4K,
						 &fault), 0);
	KUNIT_EXPECT_EQ(test, (int)fault.reason, IOMMUSIM_OK);
	KUNIT_EXPECT_EQ(test, page_data(test, 1)[99], 0);
	KUNIT_EXPECT_EQ(test, page_data(test, 1)[100], 0xa5);
	KUNIT_EXPECT_EQ(test, page_data(test, 0)[99], 0xa5);
	KUNIT_EXPECT_EQ(test, page_data(test, 0)[100], 0);
	KUNIT_EXPECT_EQ(test, iommusim_dma_read(b.dev, IOMMUSIM_NO_PASID, IOVA + 100, in, SZ_4K,
						NULL), 0);
	KUNIT_EXPECT_EQ(test, memcmp(in, out, SZ_4K), 0);

	/* A DMA moves what is before fault.address and nothing else. */
	KUNIT_EXPECT_EQ(test, iommusim_dma_write(b.dev, IOMMUSIM_NO_PASID, IOVA + 50, out,
						 4 * SZ_4K - 50, &fault), -EFAULT);
	KUNIT_EXPECT_EQ(test, (int)fault.reason, IOMMUSIM_FAULT_NOT_PRESENT);
	KUNIT_EXPECT_EQ(test, fault.address, (u64)IOVA + 2 * SZ_4K);
	KUNIT_EXPECT_EQ(test, fault.pasid, IOMMUSIM_NO_PASID);
	KUNIT_EXPECT_TRUE(test, fault.write);
	KUNIT_EXPECT_EQ(test, page_data(test, 0)[SZ_4K - 1], 0xa5);

	KUNIT_EXPECT_EQ(test, iommu_unmap(b.domain, IOVA, 2 * SZ_4K), 2UL * SZ_4K);
	KUNIT_EXPECT_EQ(test, probe_read(b.dev, IOVA), IOMMUSIM_FAULT_NOT_PRESENT);
	KUNIT_EXPECT_EQ(test, stats_of(b.sim).leaf_4k, 0ULL);
	KUNIT_EXPECT_EQ(test, stats_of(b.sim).stale_hits, 0ULL);
}

/* Maps the aligned block of @size around the test's page, of which only that page is touched. */
static void check_large(struct kunit *test, struct sim_bench *b, u64 size)
{
	phys_addr_t phys = ALIGN_DOWN(page_phys(test, 0), size);
	u64 offset = page_phys(test, 0) - phys;

	KUNIT_ASSERT_EQ(test, map_range(b->domain, IOVA, phys, size), 0);
	page_data(test, 0)[7] = 0;
	KUNIT_EXPECT_EQ(test, probe_write(b->dev, IOVA + offset + 7), IOMMUSIM_OK);
	KUNIT_EXPECT_EQ(test, page_data(test, 0)[7], 0x5a);
	KUNIT_EXPECT_EQ(test, iommu_iova_to_phys(b->domain, IOVA + offset + 7),
			page_phys(test, 0) + 7);
}

static void test_translate_2m(struct kunit *test)
{
	struct sim_bench b = new_bench(test, 0);
	u64 tables = stats_of(b.sim).tables;

	check_large(test, &b, SZ_2M);
	KUNIT_EXPECT_EQ(test, stats_of(b.sim).leaf_2m, 1ULL);
	KUNIT_EXPECT_EQ(test, stats_of(b.sim).tables, tables + 2);
	KUNIT_EXPECT_EQ(test, iommu_unmap(b.domain, IOVA, SZ_2M), (size_t)SZ_2M);
	KUNIT_EXPECT_EQ(test, stats_of(b.sim).leaf_2m, 0ULL);
}

static void test_translate_1g(struct kunit *test)
{
	struct sim_bench b = new_bench(test, 0);
	u64 tables = stats_of(b.sim).tables;

	check_large(test, &b, SZ_1G);
	KUNIT_EXPECT_EQ(test, stats_of(b.sim).leaf_1g, 1ULL);
	KUNIT_EXPECT_EQ(test, stats_of(b.sim).tables, tables + 1);
	KUNIT_EXPECT_EQ(test, iommu_unmap(b.domain, IOVA, SZ_1G), (size_t)SZ_1G);
	KUNIT_EXPECT_EQ(test, stats_of(b.sim).leaf_1g, 0ULL);
}

static void test_small_pages_only(struct kunit *test)
{
	struct iommusim_config config = { .pgsize_bitmap = SZ_4K };
	struct iommusim *sim = new_sim(test, &config);
	struct device *dev = new_device(test, sim, NULL);
	struct iommu_domain *domain = new_domain(test, dev);
	phys_addr_t phys = ALIGN_DOWN(page_phys(test, 0), SZ_2M);

	KUNIT_ASSERT_EQ(test, map_range(domain, IOVA, phys, SZ_2M), 0);
	KUNIT_EXPECT_EQ(test, stats_of(sim).leaf_4k, 512ULL);
	KUNIT_EXPECT_EQ(test, stats_of(sim).leaf_2m, 0ULL);
	KUNIT_EXPECT_EQ(test, iommu_unmap(domain, IOVA, SZ_2M), (size_t)SZ_2M);
}

static void test_permissions(struct kunit *test)
{
	struct sim_bench b = new_bench(test, 0);

	KUNIT_ASSERT_EQ(test, iommu_map(b.domain, IOVA, page_phys(test, 0), SZ_4K, IOMMU_READ,
					GFP_KERNEL), 0);
	KUNIT_ASSERT_EQ(test, iommu_map(b.domain, IOVA + SZ_4K, page_phys(test, 1), SZ_4K,
					IOMMU_WRITE, GFP_KERNEL), 0);
	KUNIT_EXPECT_EQ(test, probe_read(b.dev, IOVA), IOMMUSIM_OK);
	KUNIT_EXPECT_EQ(test, probe_write(b.dev, IOVA), IOMMUSIM_FAULT_PERMISSION);
	KUNIT_EXPECT_EQ(test, page_data(test, 0)[0], 0);
	KUNIT_EXPECT_EQ(test, probe_write(b.dev, IOVA + SZ_4K), IOMMUSIM_OK);
	KUNIT_EXPECT_EQ(test, probe_read(b.dev, IOVA + SZ_4K), IOMMUSIM_FAULT_PERMISSION);
	KUNIT_EXPECT_NE(test, iommu_map(b.domain, IOVA + SZ_8K, page_phys(test, 2), SZ_4K, 0,
					GFP_KERNEL), 0);
}

static void test_aperture(struct kunit *test)
{
	struct iommusim_config config = { .aperture_bits = 39 };
	struct iommusim *sim = new_sim(test, &config);
	struct device *dev = new_device(test, sim, NULL);
	struct iommu_domain *domain = new_domain(test, dev);
	const u64 end = BIT_ULL(39);

	KUNIT_EXPECT_EQ(test, (u64)domain->geometry.aperture_end, end - 1);
	attach_device(test, domain, dev);
	KUNIT_EXPECT_EQ(test, map_range(domain, end - SZ_4K, page_phys(test, 0), SZ_4K), 0);
	KUNIT_EXPECT_EQ(test, map_range(domain, end, page_phys(test, 1), SZ_4K), -ERANGE);
	KUNIT_EXPECT_EQ(test, probe_write(dev, end - 1), IOMMUSIM_OK);
	KUNIT_EXPECT_EQ(test, probe_write(dev, end), IOMMUSIM_FAULT_ADDRESS_SIZE);
	KUNIT_EXPECT_EQ(test, probe_read(dev, U64_MAX), IOMMUSIM_FAULT_ADDRESS_SIZE);
}

static void test_dma_mask(struct kunit *test)
{
	struct iommusim_device_config config = { .dma_mask = SZ_2G - 1 };
	struct iommusim *sim = new_sim(test, NULL);
	struct device *dev = new_device(test, sim, &config);
	struct iommu_domain *domain = new_domain(test, dev);

	attach_device(test, domain, dev);
	KUNIT_ASSERT_EQ(test, map_range(domain, SZ_2G - SZ_4K, page_phys(test, 0), SZ_8K), 0);
	KUNIT_EXPECT_EQ(test, probe_read(dev, SZ_2G - 1), IOMMUSIM_OK);
	KUNIT_EXPECT_EQ(test, probe_read(dev, SZ_2G), IOMMUSIM_FAULT_ADDRESS_SIZE);
}

static void test_not_ram(struct kunit *test)
{
	struct sim_bench b = new_bench(test, 0);

	KUNIT_ASSERT_EQ(test, map_range(b.domain, IOVA, BIT_ULL(51), SZ_4K), 0);
	KUNIT_EXPECT_EQ(test, probe_read(b.dev, IOVA), IOMMUSIM_FAULT_PHYS);
	KUNIT_EXPECT_EQ(test, probe_write(b.dev, IOVA), IOMMUSIM_FAULT_PHYS);
}

static void test_blocked(struct kunit *test)
{
	struct iommusim *sim = new_sim(test, NULL);
	struct device *dev = new_device(test, sim, NULL);

	KUNIT_ASSERT_EQ(test, iommu_device_claim_dma_owner(dev, test), 0);
	KUNIT_EXPECT_EQ(test, probe_read(dev, page_phys(test, 0)), IOMMUSIM_FAULT_BLOCKED);
	iommu_device_release_dma_owner(dev);
}

static void test_identity(struct kunit *test)
{
	struct iommusim *sim = new_sim(test, NULL);
	struct device *dev = new_device(test, sim, NULL);

	if (iommu_get_domain_for_dev(dev)->type != IOMMU_DOMAIN_IDENTITY)
		kunit_skip(test, "default domain is not the identity domain here");
	page_data(test, 0)[3] = 0;
	KUNIT_EXPECT_EQ(test, probe_write(dev, page_phys(test, 0) + 3), IOMMUSIM_OK);
	KUNIT_EXPECT_EQ(test, page_data(test, 0)[3], 0x5a);
}

static void test_no_identity(struct kunit *test)
{
	struct sim_bench b = new_bench(test, IOMMUSIM_NO_IDENTITY);

	KUNIT_EXPECT_NULL(test, b.dev->iommu->iommu_dev->ops->identity_domain);
	KUNIT_ASSERT_EQ(test, map_range(b.domain, IOVA, page_phys(test, 0), SZ_4K), 0);
	KUNIT_EXPECT_EQ(test, probe_write(b.dev, IOVA), IOMMUSIM_OK);
}

static void test_stale_iotlb(struct kunit *test)
{
	struct sim_bench b = new_bench(test, 0);
	u64 flushes = stats_of(b.sim).flushes;
	struct iommu_iotlb_gather gather;

	KUNIT_ASSERT_EQ(test, map_range(b.domain, IOVA, page_phys(test, 0), 2 * SZ_4K), 0);
	KUNIT_EXPECT_EQ(test, probe_write(b.dev, IOVA), IOMMUSIM_OK);
	KUNIT_EXPECT_EQ(test, stats_of(b.sim).iotlb_hits, 0ULL);
	KUNIT_EXPECT_EQ(test, probe_write(b.dev, IOVA + 8), IOMMUSIM_OK);
	KUNIT_EXPECT_EQ(test, stats_of(b.sim).iotlb_hits, 1ULL);
	KUNIT_EXPECT_EQ(test, stats_of(b.sim).stale_hits, 0ULL);

	iommu_iotlb_gather_init(&gather);
	KUNIT_ASSERT_EQ(test, iommu_unmap_fast(b.domain, IOVA, 2 * SZ_4K, &gather), 2UL * SZ_4K);
	KUNIT_EXPECT_EQ(test, iommu_iova_to_phys(b.domain, IOVA), 0ULL);
	page_data(test, 0)[16] = 0;
	KUNIT_EXPECT_EQ(test, probe_write(b.dev, IOVA + 16), IOMMUSIM_OK);
	KUNIT_EXPECT_EQ(test, page_data(test, 0)[16], 0x5a);
	KUNIT_EXPECT_EQ(test, stats_of(b.sim).stale_hits, 1ULL);
	/* IOVA + SZ_4K was never used, so the IOTLB does not have it. */
	KUNIT_EXPECT_EQ(test, probe_write(b.dev, IOVA + SZ_4K), IOMMUSIM_FAULT_NOT_PRESENT);

	iommu_iotlb_sync(b.domain, &gather);
	KUNIT_EXPECT_EQ(test, probe_write(b.dev, IOVA), IOMMUSIM_FAULT_NOT_PRESENT);
	KUNIT_EXPECT_EQ(test, stats_of(b.sim).stale_hits, 1ULL);
	KUNIT_EXPECT_EQ(test, stats_of(b.sim).flushes, flushes + 1);
}

static void test_stale_large(struct kunit *test)
{
	struct sim_bench b = new_bench(test, 0);
	struct iommu_iotlb_gather gather, other;
	u64 flush_all = stats_of(b.sim).flush_all;
	u64 offset = page_phys(test, 0) & (SZ_2M - 1);

	check_large(test, &b, SZ_2M);
	KUNIT_ASSERT_EQ(test, map_range(b.domain, 0, page_phys(test, 1), SZ_4K), 0);
	iommu_iotlb_gather_init(&gather);
	iommu_iotlb_gather_init(&other);
	KUNIT_ASSERT_EQ(test, iommu_unmap_fast(b.domain, IOVA, SZ_2M, &gather), (size_t)SZ_2M);
	KUNIT_ASSERT_EQ(test, iommu_unmap_fast(b.domain, 0, SZ_4K, &other), (size_t)SZ_4K);

	/*
	 * iommu_iotlb_sync() elsewhere changes nothing; an invalidation anywhere inside the entry
	 * does.
	 */
	iommu_iotlb_sync(b.domain, &other);
	KUNIT_EXPECT_EQ(test, probe_read(b.dev, IOVA + offset), IOMMUSIM_OK);
	KUNIT_EXPECT_EQ(test, stats_of(b.sim).stale_hits, 1ULL);
	iommu_flush_iotlb_all(b.domain);
	KUNIT_EXPECT_EQ(test, probe_read(b.dev, IOVA + offset), IOMMUSIM_FAULT_NOT_PRESENT);
	KUNIT_EXPECT_EQ(test, stats_of(b.sim).flush_all, flush_all + 1);
}

static void test_overlap_refused(struct kunit *test)
{
	struct sim_bench b = new_bench(test, 0);

	KUNIT_ASSERT_EQ(test, map_range(b.domain, IOVA, page_phys(test, 0), SZ_4K), 0);
	KUNIT_EXPECT_EQ(test, map_range(b.domain, IOVA, page_phys(test, 1), SZ_4K), -EADDRINUSE);
	KUNIT_EXPECT_EQ(test, map_range(b.domain, IOVA, 0, SZ_2M), -EADDRINUSE);
	KUNIT_EXPECT_EQ(test, iommu_iova_to_phys(b.domain, IOVA), page_phys(test, 0));
	KUNIT_EXPECT_EQ(test, stats_of(b.sim).leaf_4k, 1ULL);

	KUNIT_ASSERT_EQ(test, map_range(b.domain, 0, 0, SZ_2M), 0);
	KUNIT_EXPECT_EQ(test, map_range(b.domain, SZ_4K, page_phys(test, 1), SZ_4K), -EADDRINUSE);
	KUNIT_EXPECT_EQ(test, stats_of(b.sim).leaf_2m, 1ULL);
}

static void test_overlap_keep(struct kunit *test)
{
	struct sim_bench b = new_bench(test, IOMMUSIM_OVERLAP_KEEP);

	KUNIT_ASSERT_EQ(test, map_range(b.domain, IOVA, page_phys(test, 0), SZ_4K), 0);
	KUNIT_EXPECT_EQ(test, map_range(b.domain, IOVA, page_phys(test, 1), 2 * SZ_4K), 0);
	KUNIT_EXPECT_EQ(test, iommu_iova_to_phys(b.domain, IOVA), page_phys(test, 0));
	KUNIT_EXPECT_EQ(test, iommu_iova_to_phys(b.domain, IOVA + SZ_4K), page_phys(test, 2));
	KUNIT_EXPECT_EQ(test, stats_of(b.sim).leaf_4k, 2ULL);
}

static void test_overlap_replace(struct kunit *test)
{
	struct sim_bench b = new_bench(test, IOMMUSIM_OVERLAP_REPLACE);

	KUNIT_ASSERT_EQ(test, map_range(b.domain, IOVA, page_phys(test, 0), SZ_4K), 0);
	KUNIT_EXPECT_EQ(test, map_range(b.domain, IOVA, page_phys(test, 1), SZ_4K), 0);
	KUNIT_EXPECT_EQ(test, iommu_iova_to_phys(b.domain, IOVA), page_phys(test, 1));
	KUNIT_EXPECT_EQ(test, stats_of(b.sim).leaf_4k, 1ULL);

	KUNIT_EXPECT_EQ(test, map_range(b.domain, IOVA, SZ_2M, SZ_2M), 0);
	KUNIT_EXPECT_EQ(test, iommu_iova_to_phys(b.domain, IOVA), (phys_addr_t)SZ_2M);
	KUNIT_EXPECT_EQ(test, stats_of(b.sim).leaf_4k, 0ULL);
	KUNIT_EXPECT_EQ(test, stats_of(b.sim).leaf_2m, 1ULL);

	KUNIT_EXPECT_EQ(test, map_range(b.domain, IOVA, page_phys(test, 0), SZ_4K), 0);
	KUNIT_EXPECT_EQ(test, iommu_iova_to_phys(b.domain, IOVA), page_phys(test, 0));
	KUNIT_EXPECT_EQ(test, stats_of(b.sim).leaf_4k, 1ULL);
	KUNIT_EXPECT_EQ(test, stats_of(b.sim).leaf_2m, 0ULL);
}

static void test_unmap_partial(struct kunit *test)
{
	struct sim_bench b = new_bench(test, 0);

	KUNIT_EXPECT_EQ(test, iommu_unmap(b.domain, IOVA, SZ_4K), 0UL);
	KUNIT_ASSERT_EQ(test, map_range(b.domain, IOVA, 0, SZ_2M), 0);
	KUNIT_EXPECT_EQ(test, iommu_unmap(b.domain, IOVA + 5 * SZ_4K, SZ_4K), 0UL);
	KUNIT_EXPECT_EQ(test, stats_of(b.sim).leaf_2m, 1ULL);
	KUNIT_EXPECT_EQ(test, iommu_unmap(b.domain, IOVA, SZ_4K), (size_t)SZ_2M);
	KUNIT_EXPECT_EQ(test, stats_of(b.sim).leaf_2m, 0ULL);

	/* A hole at IOVA + SZ_4K ends the unmap. */
	KUNIT_ASSERT_EQ(test, map_range(b.domain, IOVA, page_phys(test, 0), SZ_4K), 0);
	KUNIT_ASSERT_EQ(test, map_range(b.domain, IOVA + SZ_8K, page_phys(test, 1), SZ_4K), 0);
	KUNIT_EXPECT_EQ(test, iommu_unmap(b.domain, IOVA, 3 * SZ_4K), (size_t)SZ_4K);
	KUNIT_EXPECT_EQ(test, stats_of(b.sim).leaf_4k, 1ULL);
}

static void test_unmap_whole(struct kunit *test)
{
	struct sim_bench b = new_bench(test, IOMMUSIM_UNMAP_WHOLE);

	check_large(test, &b, SZ_2M);
	KUNIT_EXPECT_EQ(test, iommu_unmap(b.domain, IOVA + 5 * SZ_4K, SZ_4K), (size_t)SZ_2M);
	KUNIT_EXPECT_EQ(test, stats_of(b.sim).leaf_2m, 0ULL);
	KUNIT_EXPECT_EQ(test, probe_read(b.dev, IOVA + (page_phys(test, 0) & (SZ_2M - 1))),
			IOMMUSIM_FAULT_NOT_PRESENT);
	KUNIT_EXPECT_EQ(test, stats_of(b.sim).stale_hits, 0ULL);
}

static void test_table_life(struct kunit *test)
{
	struct iommusim_config config = { .pgsize_bitmap = SZ_4K | SZ_2M };
	struct iommusim *sim = new_sim(test, &config);
	struct device *dev = new_device(test, sim, NULL);
	struct iommu_domain *domain = new_domain(test, dev);
	u64 before = stats_of(sim).tables;
	unsigned long iova;

	/* SZ_4K as physical address, because one page off leaves 4 KiB entries only. */
	KUNIT_ASSERT_EQ(test, map_range(domain, IOVA, SZ_4K, SZ_2M), 0);
	KUNIT_EXPECT_EQ(test, stats_of(sim).leaf_4k, 512ULL);
	KUNIT_EXPECT_EQ(test, stats_of(sim).tables, before + 3);
	KUNIT_EXPECT_EQ(test, iommu_unmap(domain, IOVA, SZ_2M), (size_t)SZ_2M);
	KUNIT_EXPECT_EQ(test, stats_of(sim).tables, before + 2);

	KUNIT_ASSERT_EQ(test, map_range(domain, IOVA, SZ_4K, SZ_2M), 0);
	for (iova = IOVA; iova < IOVA + SZ_2M; iova += SZ_1M)
		KUNIT_EXPECT_EQ(test, iommu_unmap(domain, iova, SZ_1M), (size_t)SZ_1M);
	KUNIT_EXPECT_EQ(test, stats_of(sim).leaf_4k, 0ULL);
	KUNIT_EXPECT_EQ(test, stats_of(sim).tables, before + 3);

	/* An empty table gives way to a 2 MiB entry. */
	KUNIT_EXPECT_EQ(test, map_range(domain, IOVA, 0, SZ_2M), 0);
	KUNIT_EXPECT_EQ(test, stats_of(sim).leaf_2m, 1ULL);
	KUNIT_EXPECT_EQ(test, stats_of(sim).tables, before + 2);
}

static void test_late_geometry(struct kunit *test)
{
	struct iommusim_config config = {
		.aperture_bits = 39, .quirks = IOMMUSIM_LATE_GEOMETRY
	};
	struct iommusim *sim = new_sim(test, &config);
	struct device *dev = new_device(test, sim, NULL);
	struct iommu_domain *domain = new_domain(test, dev);
	struct iommu_domain *wide = new_domain(test, dev);

	KUNIT_EXPECT_EQ(test, domain->pgsize_bitmap, (unsigned long)SZ_4K);
	KUNIT_EXPECT_EQ(test, (u64)domain->geometry.aperture_end, BIT_ULL(57) - 1);
	KUNIT_ASSERT_EQ(test, map_range(domain, IOVA, page_phys(test, 0), SZ_4K), 0);
	attach_device(test, domain, dev);
	KUNIT_EXPECT_EQ(test, domain->pgsize_bitmap, (unsigned long)(SZ_4K | SZ_2M | SZ_1G));
	KUNIT_EXPECT_EQ(test, (u64)domain->geometry.aperture_end, BIT_ULL(39) - 1);
	KUNIT_EXPECT_EQ(test, probe_write(dev, IOVA), IOMMUSIM_OK);
	KUNIT_EXPECT_EQ(test, map_range(domain, BIT(40), page_phys(test, 0), SZ_4K), -ERANGE);

	/* iommu_attach_device() brings back the sizes that a user gave up. */
	detach_device(test, dev);
	domain->pgsize_bitmap = SZ_4K;
	attach_device(test, domain, dev);
	KUNIT_EXPECT_EQ(test, domain->pgsize_bitmap, (unsigned long)(SZ_4K | SZ_2M | SZ_1G));
	detach_device(test, dev);

	KUNIT_ASSERT_EQ(test, map_range(wide, BIT(40), page_phys(test, 0), SZ_4K), 0);
	KUNIT_EXPECT_EQ(test, iommu_attach_device(wide, dev), -EINVAL);
}

static void check_regions(struct kunit *test, struct device *dev,
			  const struct iommusim_region *expected, unsigned int count)
{
	struct iommu_resv_region *region;
	unsigned int found = 0;
	LIST_HEAD(head);

	iommu_get_resv_regions(dev, &head);
	list_for_each_entry(region, &head, list) {
		KUNIT_ASSERT_LT(test, found, count);
		KUNIT_EXPECT_EQ(test, (u64)region->start, expected[found].first);
		KUNIT_EXPECT_EQ(test, (u64)region->start + region->length - 1,
				expected[found].last);
		KUNIT_EXPECT_EQ(test, (int)region->type, (int)expected[found].type);
		found++;
	}
	KUNIT_EXPECT_EQ(test, found, count);
	iommu_put_resv_regions(dev, &head);
}

static void test_reserved_regions(struct kunit *test)
{
	const struct iommusim_region msi = { 0xfee00000, 0xfeefffff, IOMMU_RESV_MSI, 0 };
	const struct iommusim_region own[] = {
		{ 0x100000, 0x1fffff, IOMMU_RESV_DIRECT, READ_WRITE },
		{ 0x8000000, 0x80fffff, IOMMU_RESV_RESERVED, 0 },
	};
	struct iommusim_device_config two = { .regions = own, .nr_regions = 2 };
	struct iommusim_device_config none = { .regions = own };
	struct iommusim *sim = new_sim(test, NULL);
	struct device *dev = new_device(test, sim, NULL);
	struct device *with_two = new_device(test, sim, &two);
	struct iommu_domain *domain;

	check_regions(test, dev, &msi, 1);
	check_regions(test, with_two, own, 2);
	check_regions(test, new_device(test, sim, &none), own, 0);
	KUNIT_EXPECT_EQ(test, iommu_device_claim_dma_owner(with_two, test), -EINVAL);

	/* The MSI window hides what is mapped in it: IOMMUSIM_FAULT_PHYS. */
	domain = new_domain(test, dev);
	attach_device(test, domain, dev);
	KUNIT_ASSERT_EQ(test, map_range(domain, msi.first, page_phys(test, 0), SZ_4K), 0);
	KUNIT_EXPECT_EQ(test, probe_write(dev, msi.first), IOMMUSIM_FAULT_PHYS);
}

static void test_shared_group(struct kunit *test)
{
	struct iommusim_device_config seven = { .group = 7 };
	struct iommusim *sim = new_sim(test, NULL);
	struct iommusim *other = new_sim(test, NULL);
	struct device *a = new_device(test, sim, &seven);
	struct device *b = new_device(test, sim, &seven);
	struct device *c = new_device(test, other, &seven);
	struct device *d = new_device(test, sim, NULL);
	struct iommu_domain *domain = new_domain(test, a);

	KUNIT_EXPECT_PTR_EQ(test, a->iommu_group, b->iommu_group);
	KUNIT_EXPECT_PTR_NE(test, a->iommu_group, c->iommu_group);
	KUNIT_EXPECT_PTR_NE(test, a->iommu_group, d->iommu_group);

	KUNIT_EXPECT_EQ(test, iommu_attach_device(domain, a), -EINVAL);
	KUNIT_ASSERT_EQ(test, map_range(domain, IOVA, page_phys(test, 0), SZ_4K), 0);
	KUNIT_ASSERT_EQ(test, iommu_attach_group(domain, a->iommu_group), 0);
	KUNIT_EXPECT_EQ(test, probe_write(a, IOVA), IOMMUSIM_OK);
	KUNIT_EXPECT_EQ(test, probe_write(b, IOVA), IOMMUSIM_OK);
	iommu_detach_group(domain, a->iommu_group);

	/* Group number 7 is free again once the last device left. */
	destroy_device(test, a);
	destroy_device(test, b);
	a = new_device(test, sim, &seven);
	attach_device(test, domain, a);
	KUNIT_EXPECT_EQ(test, probe_write(a, IOVA), IOMMUSIM_OK);
}

static void test_fail_attach(struct kunit *test)
{
	struct iommusim *sim = new_sim(test, NULL);
	struct device *dev = new_device(test, sim, NULL);
	struct iommu_domain *domain = new_domain(test, dev);

	iommusim_fail_attach(dev, -ENOSPC, 2);
	KUNIT_ASSERT_EQ(test, iommu_device_claim_dma_owner(dev, test), 0);
	KUNIT_EXPECT_EQ(test, iommu_attach_device(domain, dev), -ENOSPC);
	KUNIT_EXPECT_EQ(test, iommu_attach_device(domain, dev), -ENOSPC);
	KUNIT_EXPECT_EQ(test, iommu_attach_device(domain, dev), 0);
	iommu_detach_device(domain, dev);
	KUNIT_EXPECT_EQ(test, probe_read(dev, IOVA), IOMMUSIM_FAULT_BLOCKED);

	iommusim_fail_attach(dev, -ENOSPC, 1);
	iommu_device_release_dma_owner(dev);
	KUNIT_EXPECT_EQ(test, iommu_attach_device(domain, dev), -ENOSPC);
	iommusim_fail_attach(dev, -ENOSPC, 5);
	iommusim_fail_attach(dev, -ENOSPC, 0);
	attach_device(test, domain, dev);
}

/* struct sim_leaver - a careful client, which detaches at BUS_NOTIFY_DEL_DEVICE */
struct sim_leaver {
	struct notifier_block nb;
	struct device *dev;
	struct iommu_domain *domain;
};

static int notify_leaver(struct notifier_block *nb, unsigned long action, void *data)
{
	struct sim_leaver *leaver = container_of(nb, struct sim_leaver, nb);

	if (action == BUS_NOTIFY_DEL_DEVICE && data == leaver->dev)
		iommu_detach_device(leaver->domain, leaver->dev);
	return NOTIFY_OK;
}

static void test_hot_removal(struct kunit *test)
{
	struct iommusim *sim = new_sim(test, NULL);
	struct device *dev = new_device(test, sim, NULL);
	struct iommu_domain *domain = new_domain(test, dev);
	struct sim_leaver leaver = {
		.nb.notifier_call = notify_leaver,
		.dev = dev,
		.domain = domain,
	};

	KUNIT_ASSERT_EQ(test, map_range(domain, IOVA, page_phys(test, 0), SZ_4K), 0);
	KUNIT_ASSERT_EQ(test, iommu_attach_device(domain, dev), 0);
	KUNIT_EXPECT_EQ(test, probe_write(dev, IOVA), IOMMUSIM_OK);

	get_device(dev);
	KUNIT_ASSERT_EQ(test, bus_register_notifier(&platform_bus_type, &leaver.nb), 0);
	destroy_device(test, dev);
	bus_unregister_notifier(&platform_bus_type, &leaver.nb);
	KUNIT_EXPECT_EQ(test, probe_write(dev, IOVA), IOMMUSIM_FAULT_BLOCKED);
	put_device(dev);

	/* A domain stays usable after the device is gone. */
	KUNIT_EXPECT_EQ(test, iommu_unmap(domain, IOVA, SZ_4K), (size_t)SZ_4K);
	KUNIT_EXPECT_EQ(test, map_range(domain, IOVA, page_phys(test, 1), SZ_4K), 0);
}

static void test_bound_drivers(struct kunit *test)
{
	struct iommusim_device_config managed = { .managed_dma = true };
	struct iommusim_device_config ordinary = { .ordinary_driver = true };
	struct iommusim_device_config both = { .managed_dma = true, .ordinary_driver = true };
	struct iommusim *sim = new_sim(test, NULL);
	struct device *a = new_device(test, sim, &managed);
	struct device *b = new_device(test, sim, &ordinary);

	KUNIT_EXPECT_EQ(test, iommu_device_claim_dma_owner(a, test), 0);
	iommu_device_release_dma_owner(a);
	KUNIT_EXPECT_EQ(test, iommu_device_claim_dma_owner(b, test), -EPERM);
	attach_device(test, new_domain(test, b), b);
	KUNIT_EXPECT_EQ(test, PTR_ERR(iommusim_device_create(sim, &both)), (long)-EINVAL);
}

static void test_table_failures(struct kunit *test)
{
	struct sim_bench b = new_bench(test, 0);
	u64 tables = stats_of(b.sim).tables;
	unsigned int skip;

	/*
	 * SZ_8K on both sides of a 2 MiB boundary spans two last-level tables: four pages below the
	 * root.
	 */
	for (skip = 0; skip < 4; skip++) {
		iommusim_fail_tables(b.sim, skip, 1);
		KUNIT_EXPECT_EQ(test, map_range(b.domain, IOVA + SZ_2M - SZ_4K, page_phys(test, 0),
						SZ_8K), -ENOMEM);
		KUNIT_EXPECT_EQ(test, stats_of(b.sim).leaf_4k, 0ULL);
		KUNIT_EXPECT_EQ(test, probe_read(b.dev, IOVA + SZ_2M - SZ_4K),
				IOMMUSIM_FAULT_NOT_PRESENT);
		/*
		 * Tables built for a failed map stay until the domain goes: begin from nothing
		 * again.
		 */
		iommusim_fail_tables(b.sim, 0, 0);
		detach_device(test, b.dev);
		free_domain(test, b.domain);
		b.domain = new_domain(test, b.dev);
		attach_device(test, b.domain, b.dev);
		KUNIT_EXPECT_EQ(test, stats_of(b.sim).tables, tables);
	}
	iommusim_fail_tables(b.sim, 4, 1);
	KUNIT_EXPECT_EQ(test, map_range(b.domain, IOVA + SZ_2M - SZ_4K, page_phys(test, 0), SZ_8K),
			0);
	KUNIT_EXPECT_EQ(test, stats_of(b.sim).tables, tables + 4);

	/* iommusim_fail_tables() still has its one failure to come. */
	KUNIT_EXPECT_TRUE(test, IS_ERR(iommu_paging_domain_alloc(b.dev)));
	KUNIT_EXPECT_EQ(test, stats_of(b.sim).tables, tables + 4);
}

static void test_alloc_per_map(struct kunit *test)
{
	struct sim_bench b = new_bench(test, IOMMUSIM_ALLOC_PER_MAP);
	unsigned long iova;

	for (iova = IOVA; iova < IOVA + 64 * SZ_4K; iova += SZ_4K)
		KUNIT_ASSERT_EQ(test, map_range(b.domain, iova, page_phys(test, 0), SZ_4K), 0);
	KUNIT_EXPECT_EQ(test, iommu_unmap(b.domain, IOVA, 32 * SZ_4K), 32UL * SZ_4K);
	KUNIT_EXPECT_EQ(test, stats_of(b.sim).leaf_4k, 32ULL);
}

static void test_instances(struct kunit *test)
{
	struct iommusim_config narrow = { .aperture_bits = 39 };
	struct iommusim_config own = { .quirks = IOMMUSIM_OWN_DOMAINS };
	struct iommusim *first = new_sim(test, NULL);
	struct device *a = new_device(test, first, NULL);
	struct device *same = new_device(test, new_sim(test, NULL), NULL);
	struct device *smaller = new_device(test, new_sim(test, &narrow), NULL);
	struct device *selfish = new_device(test, new_sim(test, &own), NULL);
	struct iommu_domain *domain = new_domain(test, a);
	struct iommu_domain *its_own = new_domain(test, selfish);

	KUNIT_ASSERT_EQ(test, map_range(domain, IOVA, page_phys(test, 0), SZ_4K), 0);
	attach_device(test, domain, a);
	attach_device(test, domain, same);
	KUNIT_EXPECT_EQ(test, probe_write(a, IOVA), IOMMUSIM_OK);
	KUNIT_EXPECT_EQ(test, probe_write(same, IOVA), IOMMUSIM_OK);
	KUNIT_EXPECT_EQ(test, iommu_attach_device(domain, smaller), -EINVAL);
	KUNIT_EXPECT_EQ(test, iommu_attach_device(domain, selfish), -EINVAL);
	attach_device(test, its_own, selfish);
}

static void test_pasid(struct kunit *test)
{
	struct iommusim_config config = { .max_pasids = 64 };
	struct iommusim *sim = new_sim(test, &config);
	struct device *dev = new_device(test, sim, NULL);
	struct iommu_domain *domain = new_domain(test, dev);

	KUNIT_EXPECT_EQ(test, dev->iommu->max_pasids, 64U);
	KUNIT_ASSERT_EQ(test, map_range(domain, IOVA, page_phys(test, 0), SZ_4K), 0);
	KUNIT_EXPECT_EQ(test, probe_pasid(dev, 5, IOVA, true), IOMMUSIM_FAULT_PASID);
	iommusim_fail_attach(dev, -EIO, 1);
	KUNIT_EXPECT_EQ(test, iommu_attach_device_pasid(domain, dev, 5, NULL), -EIO);
	KUNIT_ASSERT_EQ(test, iommu_attach_device_pasid(domain, dev, 5, NULL), 0);
	KUNIT_EXPECT_EQ(test, probe_pasid(dev, 5, IOVA, true), IOMMUSIM_OK);
	KUNIT_EXPECT_EQ(test, probe_pasid(dev, 5, IOVA + SZ_4K, true), IOMMUSIM_FAULT_NOT_PRESENT);
	KUNIT_EXPECT_EQ(test, probe_pasid(dev, 6, IOVA, true), IOMMUSIM_FAULT_PASID);
	KUNIT_EXPECT_NE(test, probe_write(dev, IOVA), IOMMUSIM_OK);
	iommu_detach_device_pasid(domain, dev, 5);
	KUNIT_EXPECT_EQ(test, probe_pasid(dev, 5, IOVA, true), IOMMUSIM_FAULT_PASID);
	KUNIT_EXPECT_EQ(test, iommu_attach_device_pasid(domain, dev, 64, NULL), -EINVAL);
}

static void test_atomic_context(struct kunit *test)
{
	struct sim_bench b = new_bench(test, 0);
	static DEFINE_SPINLOCK(lock);
	unsigned long flags;
	int mapped, written;
	size_t unmapped;

	spin_lock_irqsave(&lock, flags);
	mapped = iommu_map(b.domain, IOVA, page_phys(test, 0), SZ_4K, READ_WRITE, GFP_ATOMIC);
	written = probe_write(b.dev, IOVA);
	unmapped = iommu_unmap(b.domain, IOVA, SZ_4K);
	spin_unlock_irqrestore(&lock, flags);

	KUNIT_EXPECT_EQ(test, mapped, 0);
	KUNIT_EXPECT_EQ(test, written, IOMMUSIM_OK);
	KUNIT_EXPECT_EQ(test, unmapped, (size_t)SZ_4K);
}

static void test_bad_configurations(struct kunit *test)
{
	const struct iommusim_config bad[] = {
		{ .aperture_bits = 29 },
		{ .aperture_bits = 58 },
		{ .pgsize_bitmap = SZ_2K | SZ_4K },
		{ .pgsize_bitmap = SZ_4K | SZ_2G },
		{ .pgsize_bitmap = SZ_2M },
		{ .pgsize_bitmap = SZ_2M | SZ_1G, .quirks = IOMMUSIM_LATE_GEOMETRY },
		{ .pgsize_bitmap = SZ_4K | SZ_8K, .quirks = IOMMUSIM_OVERLAP_REPLACE },
		{ .quirks = IOMMUSIM_WHOLE_MAPS | IOMMUSIM_OVERLAP_KEEP },
		{ .max_pasids = BIT(20) + 1 },
		{ .quirks = IOMMUSIM_RUN_FLUSH << 1 },
		{ .quirks = IOMMUSIM_OVERLAP_KEEP | IOMMUSIM_OVERLAP_REPLACE },
	};
	const struct iommusim_region backwards = { .first = 1, .last = 0 };
	struct iommusim_device_config no_array = { .nr_regions = 1 };
	struct iommusim_device_config bad_region = { .regions = &backwards, .nr_regions = 1 };
	struct iommusim *sim = new_sim(test, NULL);
	struct iommusim_fault fault;
	unsigned int i;
	u8 byte;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		KUNIT_EXPECT_EQ(test, PTR_ERR(iommusim_create(&bad[i])), (long)-EINVAL);
	KUNIT_EXPECT_EQ(test, PTR_ERR(iommusim_device_create(sim, &no_array)), (long)-EINVAL);
	KUNIT_EXPECT_EQ(test, PTR_ERR(iommusim_device_create(sim, &bad_region)), (long)-EINVAL);
	KUNIT_EXPECT_EQ(test, iommusim_dma_read(&platform_bus, IOMMUSIM_NO_PASID, 0, &byte, 1,
						&fault), -ENODEV);
}

#define WORKERS		4
#define ROUNDS		300

/* struct sim_worker - one of several threads that use disjoint parts of a domain */
struct sim_worker {
	struct sim_bench *bench;
	struct page *page;
	unsigned long iova;
	unsigned int errors;
	struct completion done;
};

/*
 * do_round() maps at a place that shares tables with the other workers, moves data, and must lose
 * the mapping again.
 */
static bool do_round(struct sim_worker *worker, unsigned int round)
{
	unsigned long iova = worker->iova + (round % 3) * SZ_2M;
	struct sim_bench *b = worker->bench;
	u8 *data = page_address(worker->page);

	if (map_range(b->domain, iova, page_to_phys(worker->page), SZ_4K))
		return false;
	data[round] = 0;
	if (probe_write(b->dev, iova + round) != IOMMUSIM_OK || data[round] != 0x5a)
		return false;
	if (iommu_unmap(b->domain, iova, SZ_4K) != SZ_4K)
		return false;
	return probe_write(b->dev, iova + round) == IOMMUSIM_FAULT_NOT_PRESENT;
}

static int run_worker(void *arg)
{
	struct sim_worker *worker = arg;
	unsigned int round;

	for (round = 0; round < ROUNDS; round++) {
		if (!do_round(worker, round))
			worker->errors++;
		cond_resched();
	}
	complete(&worker->done);
	return 0;
}

static void test_parallel_maps(struct kunit *test)
{
	struct sim_fixture *fixture = test->priv;
	struct sim_bench b = new_bench(test, 0);
	struct sim_worker *workers = kunit_kcalloc(test, WORKERS, sizeof(*workers), GFP_KERNEL);
	unsigned int i, started = 0;

	KUNIT_ASSERT_NOT_NULL(test, workers);
	BUILD_BUG_ON(WORKERS > NR_PAGES);
	for (i = 0; i < WORKERS; i++) {
		workers[i].bench = &b;
		workers[i].page = fixture->pages + i;
		workers[i].iova = IOVA + i * SZ_4K;
		init_completion(&workers[i].done);
		if (!IS_ERR(kthread_run(run_worker, &workers[i], "iommusim_kunit/%u", i)))
			started |= BIT(i);
	}
	for (i = 0; i < WORKERS; i++) {
		KUNIT_EXPECT_TRUE(test, started & BIT(i));
		if (!(started & BIT(i)))
			continue;
		wait_for_completion(&workers[i].done);
		KUNIT_EXPECT_EQ(test, workers[i].errors, 0U);
	}
	KUNIT_EXPECT_EQ(test, stats_of(b.sim).leaf_4k, 0ULL);
	KUNIT_EXPECT_EQ(test, stats_of(b.sim).stale_hits, 0ULL);
}

/*
 * run_dma() lets a device write, whatever happens to it, and counts results that nothing explains.
 */
static int run_dma(void *arg)
{
	struct sim_worker *worker = arg;
	struct device *dev = worker->bench->dev;

	while (!kthread_should_stop()) {
		int reason = probe_write(dev, worker->iova);

		/*
		 * IOMMUSIM_FAULT_PHYS comes from an identity domain, because RACE_IOVA is no RAM.
		 */
		if (reason != IOMMUSIM_OK && reason != IOMMUSIM_FAULT_BLOCKED &&
		    reason != IOMMUSIM_FAULT_NOT_PRESENT && reason != IOMMUSIM_FAULT_PHYS)
			worker->errors++;
		cond_resched();
	}
	return 0;
}

/* RACE_IOVA is an address without memory, so that a DMA in the identity domain does no harm. */
#define RACE_IOVA	BIT(46)

static void test_dma_races(struct kunit *test)
{
	struct iommusim *sim = new_sim(test, NULL);
	struct sim_bench b = { .sim = sim, .dev = new_device(test, sim, NULL) };
	struct sim_worker worker = { .bench = &b, .iova = RACE_IOVA };
	struct task_struct *task;
	unsigned int round;

	b.domain = new_domain(test, b.dev);
	get_device(b.dev);
	task = kthread_run(run_dma, &worker, "iommusim_kunit/dma");
	KUNIT_EXPECT_FALSE(test, IS_ERR(task));
	for (round = 0; !IS_ERR(task) && round < ROUNDS; round++) {
		KUNIT_EXPECT_EQ(test, iommu_attach_device(b.domain, b.dev), 0);
		KUNIT_EXPECT_EQ(test, map_range(b.domain, RACE_IOVA, page_phys(test, 0), SZ_4K), 0);
		cond_resched();
		KUNIT_EXPECT_EQ(test, iommu_unmap(b.domain, RACE_IOVA, SZ_4K), (size_t)SZ_4K);
		iommu_detach_device(b.domain, b.dev);
	}
	destroy_device(test, b.dev);
	if (!IS_ERR(task))
		kthread_stop(task);
	put_device(b.dev);
	KUNIT_EXPECT_EQ(test, worker.errors, 0U);
}

static struct kunit_case iommusim_cases[] = {
	KUNIT_CASE(test_translate_pages),
	KUNIT_CASE(test_translate_2m),
	KUNIT_CASE(test_translate_1g),
	KUNIT_CASE(test_small_pages_only),
	KUNIT_CASE(test_permissions),
	KUNIT_CASE(test_aperture),
	KUNIT_CASE(test_dma_mask),
	KUNIT_CASE(test_not_ram),
	KUNIT_CASE(test_blocked),
	KUNIT_CASE(test_identity),
	KUNIT_CASE(test_no_identity),
	KUNIT_CASE(test_stale_iotlb),
	KUNIT_CASE(test_stale_large),
	KUNIT_CASE(test_overlap_refused),
	KUNIT_CASE(test_overlap_keep),
	KUNIT_CASE(test_overlap_replace),
	KUNIT_CASE(test_unmap_partial),
	KUNIT_CASE(test_unmap_whole),
	KUNIT_CASE(test_table_life),
	KUNIT_CASE(test_late_geometry),
	KUNIT_CASE(test_reserved_regions),
	KUNIT_CASE(test_shared_group),
	KUNIT_CASE(test_fail_attach),
	KUNIT_CASE(test_hot_removal),
	KUNIT_CASE(test_bound_drivers),
	KUNIT_CASE(test_table_failures),
	KUNIT_CASE(test_alloc_per_map),
	KUNIT_CASE(test_instances),
	KUNIT_CASE(test_pasid),
	KUNIT_CASE(test_atomic_context),
	KUNIT_CASE(test_bad_configurations),
	KUNIT_CASE(test_parallel_maps),
	KUNIT_CASE(test_dma_races),
	{}
};

static struct kunit_suite iommusim_suite = {
	.name = "iommusim",
	.init = init_fixture,
	.exit = exit_fixture,
	.test_cases = iommusim_cases,
};
kunit_test_suite(iommusim_suite);

MODULE_DESCRIPTION("KUnit tests of the software IOMMU");
MODULE_LICENSE("GPL");
V3C_IMPORT_NS(IOMMUSIM);
