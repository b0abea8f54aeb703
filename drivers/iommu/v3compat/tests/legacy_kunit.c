// SPDX-License-Identifier: GPL-2.0
/* The V1 and V2 tables: the same objects through the older calls. */
#include <linux/platform_device.h>

#include "fixture.h"

static PIOMMU_DMA_DOMAIN v1_domain(struct kunit *test)
{
	PIOMMU_DMA_DOMAIN domain;

	ASSERT_V1(test, STATUS_SUCCESS, CreateDomain, TRUE, &domain);
	v3t_adopt_domain(test, domain);
	return domain;
}

static void v1_moves_data(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v1_domain(test);
	struct page **pages = v3t_scattered(test, 3);
	PMDL mdl = v3t_mdl_of(test, pages, 3);

	ASSERT_V1(test, STATUS_SUCCESS, AttachDevice, domain, w->pdo, 0, 1);
	EXPECT_V1(test, STATUS_SUCCESS, MapLogicalRange, domain, V3T_RW, mdl, SZ_1M);
	v3t_expect_reaches_all(test, w->pdo, SZ_1M, pages, 3);
	EXPECT_V1(test, STATUS_SUCCESS, FlushDomain, domain);
	EXPECT_V1(test, STATUS_SUCCESS, FlushDomainByVaList, domain, TRUE, 0, NULL);
	EXPECT_V1(test, STATUS_SUCCESS, UnmapLogicalRange, domain, SZ_1M, 3);
	v3t_expect_blocked(test, w->pdo, SZ_1M);

	EXPECT_V1(test, STATUS_SUCCESS, MapIdentityRange, domain, V3T_RW, mdl);
	v3t_expect_reaches(test, w->pdo, page_to_phys(pages[1]), pages[1]);
	EXPECT_V1(test, STATUS_SUCCESS, UnmapIdentityRange, domain, mdl);
	v3t_expect_blocked(test, w->pdo, page_to_phys(pages[1]));
	EXPECT_V1(test, STATUS_SUCCESS, DetachDevice, domain, w->pdo, 0);
	v3t_expect_no_stale_hits(test, w->sim);
}

static void v1_needs_no_dma_device(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain;
	PMDL mdl = v3t_mdl(test, page_address(v3t_pages(test, 0)), PAGE_SIZE);

	v3t_delete_device(test, w->device);
	domain = v1_domain(test);
	ASSERT_V1(test, STATUS_SUCCESS, AttachDevice, domain, w->pdo, 0, 1);
	EXPECT_V1(test, STATUS_SUCCESS, MapLogicalRange, domain, V3T_READ, mdl, SZ_1M);
	REFUSE_V1(test, STATUS_RESOURCE_IN_USE, DeleteDomain, domain);
	EXPECT_V1(test, STATUS_SUCCESS, DetachDevice, domain, w->pdo, 0);
}

static void v1_attach_excludes_others(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v1_domain(test), other = v3t_explicit(test);

	ASSERT_V1(test, STATUS_SUCCESS, AttachDevice, domain, w->pdo, 0, 1);
	REFUSE_V1(test, STATUS_INVALID_PARAMETER, AttachDevice, domain, w->pdo, 0, 1);
	REFUSE_V1(test, STATUS_INVALID_PARAMETER, AttachDevice, other, w->pdo, 0, 1);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER, AttachDeviceEx, other, w->device);
	EXPECT_V1(test, STATUS_SUCCESS, DetachDevice, domain, w->pdo, 0);

	KUNIT_ASSERT_EQ(test, iommu_device_claim_dma_owner(w->pdo, test), 0);
	REFUSE_V1(test, STATUS_ACCESS_DENIED, AttachDevice, domain, w->pdo, 0, 1);
	iommu_device_release_dma_owner(w->pdo);
}

static void v1_removal_detaches(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct device *pdo = v3t_pdo(test, w->sim, NULL);
	PIOMMU_DMA_DOMAIN domain = v1_domain(test);

	ASSERT_V1(test, STATUS_SUCCESS, AttachDevice, domain, pdo, 0, 1);
	/* For the pointer to stay one: its memory would be anybody's. */
	get_device(pdo);
	v3t_unplug(test, pdo);
	REFUSE_V1(test, STATUS_INVALID_PARAMETER_2, DetachDevice, domain, pdo, 0);
	REFUSE_V1(test, STATUS_NOT_FOUND, AttachDevice, domain, pdo, 0, 1);
	put_device(pdo);
	v3t_delete_domain(test, domain);
}

static void v1_refuses_bad_arguments(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v1_domain(test), stale = v1_domain(test);
	PIOMMU_DMA_DOMAIN foreign = (PIOMMU_DMA_DOMAIN)w->device;

	v3t_delete_domain(test, stale);
	REFUSE_V1(test, STATUS_INVALID_PARAMETER_2, CreateDomain, TRUE, NULL);
	REFUSE_V1(test, STATUS_INVALID_PARAMETER_1, AttachDevice, NULL, w->pdo, 0, 1);
	REFUSE_V1(test, STATUS_INVALID_PARAMETER_1, AttachDevice, stale, w->pdo, 0, 1);
	REFUSE_V1(test, STATUS_INVALID_PARAMETER_1, AttachDevice, foreign, w->pdo, 0, 1);
	REFUSE_V1(test, STATUS_INVALID_PARAMETER_2, AttachDevice, domain, NULL, 0, 1);
	REFUSE_V1(test, STATUS_INVALID_PARAMETER_3, AttachDevice, domain, w->pdo, 1, 1);
	REFUSE_V1(test, STATUS_INVALID_PARAMETER_4, AttachDevice, domain, w->pdo, 0, 0);
	REFUSE_V1(test, STATUS_INVALID_PARAMETER_4, AttachDevice, domain, w->pdo, 0, 2);

	ASSERT_V1(test, STATUS_SUCCESS, AttachDevice, domain, w->pdo, 0, 1);
	REFUSE_V1(test, STATUS_INVALID_PARAMETER_1, DetachDevice, NULL, w->pdo, 0);
	REFUSE_V1(test, STATUS_INVALID_PARAMETER_1, DetachDevice, stale, w->pdo, 0);
	REFUSE_V1(test, STATUS_INVALID_PARAMETER_2, DetachDevice, domain, NULL, 0);
	REFUSE_V1(test, STATUS_INVALID_PARAMETER_3, DetachDevice, domain, w->pdo, 1);
	EXPECT_V1(test, STATUS_SUCCESS, DetachDevice, domain, w->pdo, 0);
}

static void v1_attach_needs_an_iommu(struct kunit *test)
{
	PIOMMU_DMA_DOMAIN domain = v1_domain(test);
	struct platform_device *bare = platform_device_register_simple("v3t-bare",
								      PLATFORM_DEVID_AUTO,
								      NULL, 0);
	NTSTATUS status;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, bare);
	status = V3T_V1(test)->AttachDevice(domain, &bare->dev, 0, 1);
	platform_device_unregister(bare);
	EXPECT_RESULT(test, STATUS_NOT_FOUND, AttachDevice, status);
}

static void v1_detach_names_what_is_attached(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v1_domain(test), other = v1_domain(test);

	REFUSE_V1(test, STATUS_INVALID_PARAMETER_2, DetachDevice, domain, w->pdo, 0);
	ASSERT_V1(test, STATUS_SUCCESS, AttachDevice, domain, w->pdo, 0, 1);
	REFUSE_V1(test, STATUS_INVALID_PARAMETER_2, DetachDevice, other, w->pdo, 0);
	EXPECT_V1(test, STATUS_SUCCESS, DetachDevice, domain, w->pdo, 0);
	REFUSE_V1(test, STATUS_INVALID_PARAMETER_2, DetachDevice, domain, w->pdo, 0);
}

static void v1_maps_refuse_bad_arguments(struct kunit *test)
{
	PIOMMU_DMA_DOMAIN domain = v1_domain(test), buddy = v3t_buddy(test);
	PIOMMU_DMA_DOMAIN through = v3t_domain(test, DomainTypePassThrough, 0);
	void *memory = page_address(v3t_pages(test, 1));
	PMDL good = v3t_mdl(test, memory, PAGE_SIZE), odd = v3t_mdl(test, memory, SZ_4K + 1);

	REFUSE_V1(test, STATUS_INVALID_PARAMETER_1, MapLogicalRange, NULL, V3T_RW, good, SZ_1M);
	REFUSE_V1(test, STATUS_INVALID_PARAMETER_1, MapLogicalRange, through, V3T_RW, good, SZ_1M);
	REFUSE_V1(test, STATUS_INVALID_PARAMETER_2, MapLogicalRange, domain, 0, good, SZ_1M);
	REFUSE_V1(test, STATUS_INVALID_PARAMETER_2, MapLogicalRange, domain, 4, good, SZ_1M);
	REFUSE_V1(test, STATUS_INVALID_PARAMETER_3, MapLogicalRange, domain, V3T_RW, NULL, SZ_1M);
	REFUSE_V1(test, STATUS_INVALID_PARAMETER_3, MapLogicalRange, domain, V3T_RW, odd, SZ_1M);
	REFUSE_V1(test, STATUS_INVALID_PARAMETER_4, MapLogicalRange, domain, V3T_RW, good, 1);
	/* No instance is wider, attached or not, unless it has two halves. */
	if (!v3t_behaves(IOMMUSIM_SIGN_EXTEND))
		REFUSE_V1(test, STATUS_INVALID_PARAMETER_4, MapLogicalRange, domain, V3T_RW, good,
			  BIT_ULL(57));
	REFUSE_V1(test, STATUS_NOT_SUPPORTED, MapLogicalRange, buddy, V3T_RW, good, SZ_1M);
	EXPECT_V1(test, STATUS_SUCCESS, MapLogicalRange, domain, V3T_RW, good, SZ_1M);
	REFUSE_V1(test, STATUS_RESOURCE_IN_USE, MapLogicalRange, domain, V3T_RW, good, SZ_1M);
}

static void v1_identity_refuses_bad_arguments(struct kunit *test)
{
	PIOMMU_DMA_DOMAIN domain = v1_domain(test), buddy = v3t_buddy(test);
	void *memory = page_address(v3t_pages(test, 1));
	PMDL good = v3t_mdl(test, memory, PAGE_SIZE), odd = v3t_mdl(test, memory + 1, PAGE_SIZE);

	REFUSE_V1(test, STATUS_INVALID_PARAMETER_1, MapIdentityRange, NULL, V3T_RW, good);
	REFUSE_V1(test, STATUS_INVALID_PARAMETER_2, MapIdentityRange, domain, 0, good);
	REFUSE_V1(test, STATUS_INVALID_PARAMETER_2, MapIdentityRange, domain, 7, good);
	REFUSE_V1(test, STATUS_INVALID_PARAMETER_3, MapIdentityRange, domain, V3T_RW, NULL);
	REFUSE_V1(test, STATUS_INVALID_PARAMETER_3, MapIdentityRange, domain, V3T_RW, odd);
	REFUSE_V1(test, STATUS_NOT_SUPPORTED, MapIdentityRange, buddy, V3T_RW, good);
	REFUSE_V1(test, STATUS_INVALID_PARAMETER, UnmapIdentityRange, domain, good);
	EXPECT_V1(test, STATUS_SUCCESS, MapIdentityRange, domain, V3T_RW, good);
	REFUSE_V1(test, STATUS_RESOURCE_IN_USE, MapIdentityRange, domain, V3T_RW, good);
	REFUSE_V1(test, STATUS_INVALID_PARAMETER_1, UnmapIdentityRange, NULL, good);
	REFUSE_V1(test, STATUS_INVALID_PARAMETER_2, UnmapIdentityRange, domain, NULL);
	REFUSE_V1(test, STATUS_INVALID_PARAMETER_2, UnmapIdentityRange, domain, odd);
	REFUSE_V1(test, STATUS_NOT_SUPPORTED, UnmapIdentityRange, buddy, good);
	EXPECT_V1(test, STATUS_SUCCESS, UnmapIdentityRange, domain, good);
}

static void tables_share_their_objects(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v1_domain(test);
	struct page *page = v3t_pages(test, 0);
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_page(page);
	IOMMU_DMA_LOGICAL_ADDRESS at = SZ_1M;

	v3t_attach(test, domain, w->device);
	EXPECT_V2(test, STATUS_SUCCESS, MapLogicalRangeEx, domain, V3T_RW, &what, &at, NULL, NULL,
		  &w->out.address);
	v3t_expect_reaches(test, w->pdo, SZ_1M, page);
	EXPECT_V1(test, STATUS_SUCCESS, UnmapLogicalRange, domain, SZ_1M, 1);
	v3t_expect_blocked(test, w->pdo, SZ_1M);
	EXPECT_RESULT(test, STATUS_SUCCESS, MapLogicalRange,
		      w->legacy.MapLogicalRange(domain, V3T_RW,
						v3t_mdl(test, page_address(page), PAGE_SIZE),
						SZ_2M));
	v3t_expect_reaches(test, w->pdo, SZ_2M, page);
	REFUSE_V2(test, STATUS_RESOURCE_IN_USE, DeleteDomain, domain);
}

static void v2_works_from_create_to_delete(struct kunit *test)
{
	static const IOMMU_DMA_DOMAIN_CREATION_FLAGS none = { .AsUlonglong = 0 };
	struct v3t_world *w = test->priv;
	struct page *page = v3t_pages(test, 0);
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_page(page);
	IOMMU_DMA_LOGICAL_ADDRESS at = SZ_2M;
	IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT segment;
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token;
	PIOMMU_DMA_DOMAIN domain;
	PIOMMU_DMA_DEVICE device;

	EXPECT_V2(test, STATUS_SUCCESS, CreateDevice, w->pdo, NULL, &device);
	EXPECT_V2(test, STATUS_SUCCESS, CreateDomainEx, DomainTypeTranslate, none, NULL, NULL,
		  &domain);
	EXPECT_V2(test, STATUS_SUCCESS, AttachDeviceEx, domain, device);
	EXPECT_V2(test, STATUS_SUCCESS, ReserveLogicalAddressRange, domain, SZ_64K, &at, NULL, NULL,
		  &token);
	EXPECT_V2(test, STATUS_SUCCESS, MapReservedLogicalRange, token, 0, V3T_RW, &what, &segment);
	v3t_expect_reaches(test, w->pdo, SZ_2M, page);
	EXPECT_V2(test, STATUS_SUCCESS, UnmapReservedLogicalRange, &segment);
	EXPECT_V2(test, STATUS_SUCCESS, FreeReservedLogicalAddressRange, token);
	EXPECT_V2(test, STATUS_SUCCESS, DetachDeviceEx, device);
	EXPECT_V2(test, STATUS_SUCCESS, DeleteDevice, device);
	EXPECT_V2(test, STATUS_SUCCESS, DeleteDomain, domain);
}

static struct kunit_case legacy_cases[] = {
	KUNIT_CASE(v1_moves_data),
	KUNIT_CASE(v1_needs_no_dma_device),
	KUNIT_CASE(v1_attach_excludes_others),
	KUNIT_CASE(v1_removal_detaches),
	KUNIT_CASE(v1_refuses_bad_arguments),
	KUNIT_CASE(v1_attach_needs_an_iommu),
	KUNIT_CASE(v1_detach_names_what_is_attached),
	KUNIT_CASE(v1_maps_refuse_bad_arguments),
	KUNIT_CASE(v1_identity_refuses_bad_arguments),
	KUNIT_CASE(tables_share_their_objects),
	KUNIT_CASE(v2_works_from_create_to_delete),
	{}
};

static struct kunit_suite legacy_suite = {
	.name = "v3compat_legacy",
	.init = v3t_init,
	.exit = v3t_exit,
	.test_cases = legacy_cases,
};

kunit_test_suite(legacy_suite);
