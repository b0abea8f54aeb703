// SPDX-License-Identifier: GPL-2.0
/* Ranges whose logical address is the physical one. */
#include "fixture.h"

static u64 physical(IOMMU_MAP_PHYSICAL_ADDRESS *what)
{
	return what->ContiguousRange.Base.QuadPart;
}

static void reaches_memory_at_its_own_address(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	struct page *block = v3t_pages(test, 2);
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_pages(block, 3);

	v3t_attach(test, domain, w->device);
	v3t_expect_blocked(test, w->pdo, physical(&what));
	EXPECT_V3(test, STATUS_SUCCESS, MapIdentityRangeEx, domain, V3T_RW, &what);
	v3t_expect_reaches(test, w->pdo, physical(&what), block);
	v3t_expect_reaches(test, w->pdo, physical(&what) + SZ_8K, block + 2);
	v3t_expect_blocked(test, w->pdo, physical(&what) + 3 * SZ_4K);
	EXPECT_V3(test, STATUS_SUCCESS, UnmapIdentityRangeEx, domain, &what);
	v3t_expect_blocked(test, w->pdo, physical(&what));
	v3t_expect_no_stale_hits(test, w->sim);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER, UnmapIdentityRangeEx, domain, &what);
}

static void scattered_pages_stay_scattered(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	struct page **pages = v3t_scattered(test, 4);
	IOMMU_MAP_PHYSICAL_ADDRESS pfns = v3t_of_pfns(test, pages, 4);
	IOMMU_MAP_PHYSICAL_ADDRESS mdl = v3t_of_mdl(v3t_mdl_of(test, pages, 4));
	int i;

	v3t_attach(test, domain, w->device);
	EXPECT_V3(test, STATUS_SUCCESS, MapIdentityRangeEx, domain, V3T_RW, &pfns);
	for (i = 0; i < 4; i++) {
		v3t_expect_reaches(test, w->pdo, page_to_phys(pages[i]), pages[i]);
		v3t_expect_blocked(test, w->pdo, page_to_phys(pages[i]) + SZ_4K);
	}
	/* Another description of the same pages. */
	EXPECT_V3(test, STATUS_SUCCESS, UnmapIdentityRangeEx, domain, &mdl);
	for (i = 0; i < 4; i++)
		v3t_expect_blocked(test, w->pdo, page_to_phys(pages[i]));
}

static void collision_takes_all_back(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	struct page **pages = v3t_scattered(test, 5), *other = v3t_pages(test, 0);
	IOMMU_MAP_PHYSICAL_ADDRESS all = v3t_of_pfns(test, pages, 5);
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_page(other);
	IOMMU_DMA_LOGICAL_ADDRESS at = page_to_phys(other);
	int i;

	v3t_attach(test, domain, w->device);
	v3t_map_at(test, domain, what, page_to_phys(pages[3]));
	REFUSE_V3(test, STATUS_RESOURCE_IN_USE, MapIdentityRangeEx, domain, V3T_RW, &all);
	for (i = 0; i < 5; i++)
		if (i != 3)
			v3t_expect_blocked(test, w->pdo, page_to_phys(pages[i]));
	v3t_expect_reaches(test, w->pdo, page_to_phys(pages[3]), other);

	EXPECT_V3(test, STATUS_SUCCESS, MapIdentityRangeEx, domain, V3T_RW, &what);
	REFUSE_V3(test, STATUS_RESOURCE_IN_USE, MapIdentityRangeEx, domain, V3T_RW, &what);
	REFUSE_V3(test, STATUS_RESOURCE_IN_USE, MapLogicalRangeEx, domain, V3T_RW, &what, &at,
		  NULL, NULL, &w->out.address);
	REFUSE_V3(test, STATUS_RESOURCE_IN_USE, ReserveLogicalAddressRange, domain, SZ_4K, &at,
		  NULL, NULL, &w->out.token);
	v3t_expect_reaches(test, w->pdo, at, other);
}

static void page_listed_twice_collides_with_itself(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	struct page **pages = v3t_scattered(test, 3);
	IOMMU_MAP_PHYSICAL_ADDRESS twice;

	pages[2] = pages[0];
	twice = v3t_of_pfns(test, pages, 3);
	v3t_attach(test, domain, w->device);
	REFUSE_V3(test, STATUS_RESOURCE_IN_USE, MapIdentityRangeEx, domain, V3T_RW, &twice);
	v3t_expect_blocked(test, w->pdo, page_to_phys(pages[0]));
	v3t_expect_blocked(test, w->pdo, page_to_phys(pages[1]));
}

static void only_identity_maps_are_unmapped(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	struct page **pages = v3t_scattered(test, 3);
	IOMMU_MAP_PHYSICAL_ADDRESS first = v3t_of_page(pages[0]), second = v3t_of_page(pages[1]);
	IOMMU_MAP_PHYSICAL_ADDRESS both = v3t_of_pfns(test, pages, 2);
	IOMMU_MAP_PHYSICAL_ADDRESS all = v3t_of_pfns(test, pages, 3);

	v3t_attach(test, domain, w->device);
	v3t_map_at(test, domain, second, page_to_phys(pages[1]));
	EXPECT_V3(test, STATUS_SUCCESS, MapIdentityRangeEx, domain, V3T_RW, &first);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER, UnmapIdentityRangeEx, domain, &second);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER, UnmapIdentityRangeEx, domain, &both);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER, UnmapIdentityRangeEx, domain, &all);
	v3t_expect_reaches(test, w->pdo, page_to_phys(pages[0]), pages[0]);
	v3t_expect_reaches(test, w->pdo, page_to_phys(pages[1]), pages[1]);
}

static void pass_through_accepts_and_does_nothing(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_domain(test, DomainTypePassThrough, 0);
	struct page *page = v3t_pages(test, 0);
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_page(page);

	v3t_attach(test, domain, w->device);
	EXPECT_V3(test, STATUS_SUCCESS, MapIdentityRangeEx, domain, V3T_RW, &what);
	v3t_expect_reaches(test, w->pdo, page_to_phys(page), page);
	EXPECT_V3(test, STATUS_SUCCESS, UnmapIdentityRangeEx, domain, &what);
	v3t_expect_reaches(test, w->pdo, page_to_phys(page), page);
}

static void memory_beyond_the_aperture_has_no_identity(struct kunit *test)
{
	static const struct iommusim_config narrow = { .aperture_bits = 39 };
	struct device *pdo = v3t_pdo(test, v3t_sim(test, &narrow), NULL);
	IOMMU_MAP_PHYSICAL_ADDRESS beyond = v3t_contiguous(BIT_ULL(39), SZ_4K);
	IOMMU_MAP_PHYSICAL_ADDRESS across = v3t_contiguous(BIT_ULL(39) - SZ_4K, SZ_8K);
	PIOMMU_DMA_DOMAIN domain;

	v3t_skip_where(test, IOMMUSIM_LATE_GEOMETRY, "the aperture comes with the first attach");
	v3t_device(test, pdo);
	domain = v3t_explicit(test);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_3, MapIdentityRangeEx, domain, V3T_RW, &beyond);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_3, MapIdentityRangeEx, domain, V3T_RW, &across);
}

static void identity_memory_shortage_is_undone(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	IOMMU_MAP_PHYSICAL_ADDRESS across = v3t_contiguous(65ULL * SZ_1G - SZ_8K, SZ_16K);
	u64 leaves = v3t_stats(w->sim).leaf_4k;
	PIOMMU_DMA_DOMAIN domain;
	unsigned int skip;

	for (skip = 0; skip < 5; skip++) {
		domain = v3t_explicit(test);
		iommusim_fail_tables(w->sim, skip, 1);
		REFUSE_V3(test, STATUS_INSUFFICIENT_RESOURCES, MapIdentityRangeEx, domain, V3T_RW,
			  &across);
		KUNIT_EXPECT_EQ(test, v3t_stats(w->sim).leaf_4k, leaves);
		EXPECT_V3(test, STATUS_SUCCESS, MapIdentityRangeEx, domain, V3T_RW, &across);
		EXPECT_V3(test, STATUS_SUCCESS, UnmapIdentityRangeEx, domain, &across);
	}
}

static struct kunit_case identity_cases[] = {
	KUNIT_CASE(reaches_memory_at_its_own_address),
	KUNIT_CASE(scattered_pages_stay_scattered),
	KUNIT_CASE(collision_takes_all_back),
	KUNIT_CASE(page_listed_twice_collides_with_itself),
	KUNIT_CASE(only_identity_maps_are_unmapped),
	KUNIT_CASE(pass_through_accepts_and_does_nothing),
	KUNIT_CASE(memory_beyond_the_aperture_has_no_identity),
	KUNIT_CASE(identity_memory_shortage_is_undone),
	{}
};

static struct kunit_suite identity_suite = {
	.name = "v3compat_identity",
	.init = v3t_init,
	.exit = v3t_exit,
	.test_cases = identity_cases,
};

kunit_test_suite(identity_suite);
