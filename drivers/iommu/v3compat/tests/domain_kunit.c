// SPDX-License-Identifier: GPL-2.0
/* Life of a domain, its types, and the regions reserved at its creation. */
#include <linux/ioport.h>
#include <linux/pci.h>
#include <linux/platform_device.h>

#include "fixture.h"

static const IOMMU_DMA_DOMAIN_CREATION_FLAGS no_flags = { .AsUlonglong = 0 };

static const struct type_case {
	const char *name;
	IOMMU_DMA_DOMAIN_TYPE type;
	ULONG width;
} type_cases[] = {
	{ "Translate, explicit", DomainTypeTranslate, 0 },
	{ "Translate, narrowest allocator", DomainTypeTranslate, 13 },
	{ "Translate, widest allocator", DomainTypeTranslate, 63 },
	{ "TranslateS1, explicit", DomainTypeTranslateS1, 0 },
	{ "TranslateS1, allocator", DomainTypeTranslateS1, 32 },
	{ "PassThrough", DomainTypePassThrough, 0 },
};

static void type_name(const struct type_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(type, type_cases, type_name);

static void lives_from_create_to_delete(struct kunit *test)
{
	const struct type_case *c = test->param_value;
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_domain(test, c->type, c->width);

	v3t_attach(test, domain, w->device);
	REFUSE_V3(test, STATUS_RESOURCE_IN_USE, DeleteDomain, domain);
	v3t_detach(test, w->device);
	v3t_delete_domain(test, domain);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, DeleteDomain, domain);
}

static const struct type_case mappable_cases[] = {
	{ "Translate", DomainTypeTranslate, 0 },
	{ "TranslateS1", DomainTypeTranslateS1, 0 },
};

KUNIT_ARRAY_PARAM(mappable, mappable_cases, type_name);

static void first_stage_does_what_translate_does(struct kunit *test)
{
	const struct type_case *c = test->param_value;
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_domain(test, c->type, 0);
	struct page *page = v3t_pages(test, 0);
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_page(page);
	const u64 reserved = SZ_2M;
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token;

	v3t_attach(test, domain, w->device);
	v3t_map_at(test, domain, what, SZ_1M);
	v3t_expect_reaches(test, w->pdo, SZ_1M, page);
	v3t_unmap(test, domain, SZ_1M, 1);
	EXPECT_V3(test, STATUS_SUCCESS, MapIdentityRangeEx, domain, V3T_RW, &what);
	v3t_expect_reaches(test, w->pdo, page_to_phys(page), page);
	EXPECT_V3(test, STATUS_SUCCESS, UnmapIdentityRangeEx, domain, &what);
	token = v3t_reserve(test, domain, SZ_64K, &reserved);
	v3t_map_reserved(test, token, SZ_4K, what);
	v3t_expect_reaches(test, w->pdo, SZ_2M + SZ_4K, page);
	EXPECT_V3(test, STATUS_SUCCESS, FlushDomain, domain);
}

static void pass_through_shows_physical_memory(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_domain(test, DomainTypePassThrough, 0);
	struct page *page = v3t_pages(test, 0);

	v3t_attach(test, domain, w->device);
	v3t_expect_reaches(test, w->pdo, page_to_phys(page), page);
}

static void pass_through_works_without_identity_domain(struct kunit *test)
{
	static const struct iommusim_config no_identity = { .quirks = IOMMUSIM_NO_IDENTITY };
	struct v3t_world *w = test->priv;
	struct device *pdo = v3t_pdo(test, v3t_sim(test, &no_identity), NULL);
	PIOMMU_DMA_DEVICE other = v3t_device(test, pdo);
	PIOMMU_DMA_DOMAIN domain = v3t_domain(test, DomainTypePassThrough, 0);
	struct page *page = v3t_pages(test, 0);

	if (region_intersects(page_to_phys(page), PAGE_SIZE, IORESOURCE_SYSTEM_RAM,
			      IORES_DESC_NONE) != REGION_INTERSECTS)
		kunit_skip(test, "this machine's memory is not among its resources");
	v3t_attach(test, domain, w->device);
	v3t_attach(test, domain, other);
	v3t_expect_reaches(test, pdo, page_to_phys(page), page);
	v3t_expect_reaches(test, w->pdo, page_to_phys(page), page);
	v3t_detach(test, w->device);
	v3t_expect_reaches(test, pdo, page_to_phys(page), page);
}

static void pass_through_refuses_mappings(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_domain(test, DomainTypePassThrough, 0);
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_page(v3t_pages(test, 0));
	IOMMU_DMA_LOGICAL_ADDRESS at = SZ_1M;

	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, MapLogicalRangeEx, domain, V3T_RW, &what,
		  &at, NULL, NULL, &w->out.address);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, UnmapLogicalRange, domain, at, 1);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, ReserveLogicalAddressRange, domain, SZ_4K,
		  &at, NULL, NULL, &w->out.token);
}

static int is_behind_an_iommu(struct device *dev, void *unused)
{
	return device_iommu_mapped(dev);
}

static void needs_an_iommu(struct kunit *test)
{
	struct v3t_world *w = test->priv;

	v3t_delete_device(test, w->device);
	v3t_unplug(test, w->pdo);
	if (bus_for_each_dev(&platform_bus_type, NULL, NULL, is_behind_an_iommu))
		kunit_skip(test, "a platform device of this machine is behind an IOMMU");
#ifdef CONFIG_PCI
	if (bus_for_each_dev(&pci_bus_type, NULL, NULL, is_behind_an_iommu))
		kunit_skip(test, "a PCI device of this machine is behind an IOMMU");
#endif
	REFUSE_V3(test, STATUS_NOT_SUPPORTED, CreateDomainEx, DomainTypeTranslate, no_flags, NULL,
		  NULL, &w->out.domain);
	REFUSE_V1(test, STATUS_NOT_SUPPORTED, CreateDomain, TRUE, &w->out.domain);
}

static void can_be_created_before_any_v3_device(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct page *page = v3t_pages(test, 0);
	PIOMMU_DMA_DOMAIN domain;
	PIOMMU_DMA_DEVICE device;

	v3t_delete_device(test, w->device);
	domain = v3t_explicit(test);
	v3t_map_at(test, domain, v3t_of_page(page), SZ_1M);
	device = v3t_device(test, w->pdo);
	v3t_attach(test, domain, device);
	v3t_expect_reaches(test, w->pdo, SZ_1M, page);
}

static void delete_waits_for_tokens_not_for_mappings(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	const u64 at = SZ_1G;
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token = v3t_reserve(test, domain, SZ_2M, &at);
	struct page *page = v3t_pages(test, 0);

	v3t_map_at(test, domain, v3t_of_page(page), SZ_1M);
	v3t_attach(test, domain, w->device);
	v3t_detach(test, w->device);
	REFUSE_V3(test, STATUS_RESOURCE_IN_USE, DeleteDomain, domain);
	v3t_free_token(test, token);
	v3t_delete_domain(test, domain);
	v3t_expect_misses(test, w->pdo, SZ_1M, page);
}

static IOMMU_DMA_RESERVED_REGION region(u64 base, SIZE_T pages, BOOLEAN map)
{
	IOMMU_DMA_RESERVED_REGION region = {
		.Base = base,
		.NumberOfPages = pages,
		.ShouldMap = map,
	};

	return region;
}

static void reserved_regions_are_mapped_or_kept_free(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct page *page = v3t_pages(test, 1), *other = v3t_pages(test, 0);
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_page(other);
	const u64 firmware = page_to_phys(page), hole = 0x40000000000ULL;
	IOMMU_DMA_LOGICAL_ADDRESS at = hole + SZ_4K;
	IOMMU_DMA_RESERVED_REGION list[2];
	PIOMMU_DMA_DOMAIN domain;

	list[0] = region(firmware, 2, TRUE);
	list[1] = region(hole, 16, FALSE);
	list[0].RegionNext = &list[1];
	ASSERT_V3(test, STATUS_SUCCESS, CreateDomainEx, DomainTypeTranslate, no_flags, NULL, list,
		  &domain);
	v3t_adopt_domain(test, domain);
	/* The list was the caller's for the time of the call only. */
	memset(list, V3T_POISON, sizeof(list));

	v3t_attach(test, domain, w->device);
	v3t_expect_reaches(test, w->pdo, firmware, page);
	v3t_expect_reaches(test, w->pdo, firmware + SZ_4K, page + 1);
	v3t_expect_blocked(test, w->pdo, hole);
	REFUSE_V3(test, STATUS_RESOURCE_IN_USE, MapLogicalRangeEx, domain, V3T_RW, &what, &at,
		  NULL, NULL, &w->out.address);
	at = firmware;
	REFUSE_V3(test, STATUS_RESOURCE_IN_USE, ReserveLogicalAddressRange, domain, SZ_4K, &at,
		  NULL, NULL, &w->out.token);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER, UnmapLogicalRange, domain, firmware, 2);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER, UnmapLogicalRange, domain, hole, 16);
	v3t_expect_reaches(test, w->pdo, firmware, page);
}

static void allocator_withholds_reserved_regions(struct kunit *test)
{
	IOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG buddy = {
		.LogicalAllocatorType = IommuDmaLogicalAllocatorBuddy,
		.BuddyAllocatorConfig.AddressWidth = 16,
	};
	/* Pages 1 to 15 exist; 2 and 3 stay free. */
	IOMMU_DMA_RESERVED_REGION low = region(SZ_4K, 1, FALSE), high = region(SZ_16K, 12, FALSE);
	struct v3t_world *w = test->priv;
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_page(v3t_pages(test, 0));
	PIOMMU_DMA_DOMAIN domain;
	u64 first, second;

	low.RegionNext = &high;
	ASSERT_V3(test, STATUS_SUCCESS, CreateDomainEx, DomainTypeTranslate, no_flags, &buddy,
		  &low, &domain);
	v3t_adopt_domain(test, domain);
	first = v3t_map(test, domain, what);
	second = v3t_map(test, domain, what);
	KUNIT_EXPECT_EQ(test, first ^ second, SZ_8K ^ (SZ_8K + SZ_4K));
	KUNIT_EXPECT_EQ(test, min(first, second), SZ_8K);
	REFUSE_V3(test, STATUS_INSUFFICIENT_RESOURCES, MapLogicalRangeEx, domain, V3T_RW, &what,
		  NULL, NULL, NULL, &w->out.address);
}

static void refuses_bad_region_lists(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	IOMMU_DMA_RESERVED_REGION loop[3] = {
		region(SZ_1M, 1, FALSE), region(SZ_2M, 1, FALSE), region(SZ_4M, 1, FALSE),
	};
	IOMMU_DMA_RESERVED_REGION self = region(SZ_1M, 1, FALSE);
	IOMMU_DMA_RESERVED_REGION bad[] = {
		region(SZ_1M + 1, 1, FALSE),
		region(SZ_1M + SZ_2K, 1, TRUE),
		region(SZ_1M, 0, FALSE),
		region(0xfffffffffffff000ULL, 2, FALSE),
		region(SZ_4K, ~0UL, FALSE),
		region(SZ_4K, 1UL << 52, TRUE),
	};
	IOMMU_DMA_RESERVED_REGION good = region(SZ_1M, 1, FALSE);
	IOMMU_DMA_RESERVED_REGION overlapping = region(SZ_1M - SZ_4K, 2, FALSE);
	int i;

	loop[0].RegionNext = &loop[1];
	loop[1].RegionNext = &loop[2];
	loop[2].RegionNext = &loop[1];
	self.RegionNext = &self;
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_4, CreateDomainEx, DomainTypeTranslate, no_flags,
		  NULL, loop, &w->out.domain);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_4, CreateDomainEx, DomainTypeTranslate, no_flags,
		  NULL, &self, &w->out.domain);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_4, CreateDomainEx, DomainTypePassThrough,
		  no_flags, NULL, &good, &w->out.domain);
	good.RegionNext = &overlapping;
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_4, CreateDomainEx, DomainTypeTranslate, no_flags,
		  NULL, &good, &w->out.domain);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		REFUSE_V3(test, STATUS_INVALID_PARAMETER_4, CreateDomainEx, DomainTypeTranslate,
			  no_flags, NULL, &bad[i], &w->out.domain);
		good.RegionNext = &bad[i];
		REFUSE_V3(test, STATUS_INVALID_PARAMETER_4, CreateDomainEx, DomainTypeTranslate,
			  no_flags, NULL, &good, &w->out.domain);
	}
}

static void deleting_gives_all_table_memory_back(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	u64 before = v3t_stats(w->sim).tables;
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_page(v3t_pages(test, 0));
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token;
	const u64 at = 5ULL * SZ_1G;
	int i;

	for (i = 0; i < 8; i++)
		v3t_map_at(test, domain, what, (u64)SZ_1G * 600 * (i + 1));
	token = v3t_reserve(test, domain, SZ_8M, &at);
	KUNIT_EXPECT_GT(test, v3t_stats(w->sim).tables, before);
	v3t_free_token(test, token);
	v3t_delete_domain(test, domain);
	KUNIT_EXPECT_EQ(test, v3t_stats(w->sim).tables, before);
}

static struct kunit_case domain_cases[] = {
	KUNIT_CASE_PARAM(lives_from_create_to_delete, type_gen_params),
	KUNIT_CASE_PARAM(first_stage_does_what_translate_does, mappable_gen_params),
	KUNIT_CASE(pass_through_shows_physical_memory),
	KUNIT_CASE(pass_through_works_without_identity_domain),
	KUNIT_CASE(pass_through_refuses_mappings),
	KUNIT_CASE(needs_an_iommu),
	KUNIT_CASE(can_be_created_before_any_v3_device),
	KUNIT_CASE(delete_waits_for_tokens_not_for_mappings),
	KUNIT_CASE(reserved_regions_are_mapped_or_kept_free),
	KUNIT_CASE(allocator_withholds_reserved_regions),
	KUNIT_CASE(refuses_bad_region_lists),
	KUNIT_CASE(deleting_gives_all_table_memory_back),
	{}
};

static struct kunit_suite domain_suite = {
	.name = "v3compat_domain",
	.init = v3t_init,
	.exit = v3t_exit,
	.test_cases = domain_cases,
};

kunit_test_suite(domain_suite);
