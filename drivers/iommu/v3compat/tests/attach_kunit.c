// SPDX-License-Identifier: GPL-2.0
/* Who may attach to what, what an attached device sees, and what a failure leaves. */
#include "fixture.h"

static void sees_only_mapped_pages(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	struct page *page = v3t_pages(test, 0);

	v3t_attach(test, domain, w->device);
	v3t_expect_blocked(test, w->pdo, SZ_1M);
	v3t_map_at(test, domain, v3t_of_page(page), SZ_1M);
	v3t_expect_reaches(test, w->pdo, SZ_1M, page);
	v3t_expect_blocked(test, w->pdo, SZ_1M - SZ_4K);
	v3t_expect_blocked(test, w->pdo, SZ_1M + SZ_4K);
	v3t_detach(test, w->device);
	v3t_expect_misses(test, w->pdo, SZ_1M, page);
	v3t_attach(test, domain, w->device);
	v3t_expect_reaches(test, w->pdo, SZ_1M, page);
	v3t_expect_no_stale_hits(test, w->sim);
}

static void never_replaces_an_attachment(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN first = v3t_explicit(test), second = v3t_explicit(test);
	struct page *page = v3t_pages(test, 0);

	v3t_map_at(test, first, v3t_of_page(page), SZ_1M);
	v3t_attach(test, first, w->device);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER, AttachDeviceEx, first, w->device);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER, AttachDeviceEx, second, w->device);
	v3t_expect_reaches(test, w->pdo, SZ_1M, page);
	v3t_detach(test, w->device);
	v3t_attach(test, second, w->device);
	v3t_expect_misses(test, w->pdo, SZ_1M, page);
}

static void second_handle_of_a_device_waits_its_turn(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test), other = v3t_explicit(test);
	PIOMMU_DMA_DEVICE twin = v3t_device(test, w->pdo);

	v3t_attach(test, domain, w->device);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER, AttachDeviceEx, domain, twin);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER, AttachDeviceEx, other, twin);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, DetachDeviceEx, twin);
	v3t_detach(test, w->device);
	v3t_attach(test, domain, twin);
}

static void detaching_needs_an_attachment(struct kunit *test)
{
	struct v3t_world *w = test->priv;

	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, DetachDeviceEx, w->device);
	v3t_attach(test, v3t_explicit(test), w->device);
	v3t_detach(test, w->device);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, DetachDeviceEx, w->device);
}

/* Kinds of a second IOMMU instance, from equal to incompatible. */
static const struct sim_case {
	const char *name;
	struct iommusim_config config;
} sim_cases[] = {
	{ "equal", {} },
	{ "own domains only", { .quirks = IOMMUSIM_OWN_DOMAINS } },
	{ "39-bit aperture", { .aperture_bits = 39 } },
	{ "57-bit aperture", { .aperture_bits = 57 } },
	{ "4 KiB pages", { .pgsize_bitmap = SZ_4K } },
	{ "late geometry", { .aperture_bits = 39, .quirks = IOMMUSIM_LATE_GEOMETRY } },
	{ "no identity domain", { .quirks = IOMMUSIM_NO_IDENTITY } },
	{ "whole unmap, overlap kept",
	  { .quirks = IOMMUSIM_UNMAP_WHOLE | IOMMUSIM_OVERLAP_KEEP } },
	{ "overlap replaced", { .quirks = IOMMUSIM_OVERLAP_REPLACE } },
	{ "memory for each map", { .quirks = IOMMUSIM_ALLOC_PER_MAP } },
};

static void sim_name(const struct sim_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(sim, sim_cases, sim_name);

static void other_instance_sees_all_of_the_domain(struct kunit *test)
{
	const struct sim_case *c = test->param_value;
	struct v3t_world *w = test->priv;
	struct iommusim *sim = v3t_sim(test, &c->config);
	struct device *pdo = v3t_pdo(test, sim, NULL);
	PIOMMU_DMA_DEVICE device = v3t_device(test, pdo);
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	struct page *large = v3t_pages(test, 9), **scattered = v3t_scattered(test, 5);
	struct page *page = v3t_pages(test, 0);
	IOMMU_MAP_PHYSICAL_ADDRESS identity = v3t_of_page(page);
	const u64 at = SZ_64M;
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token = v3t_reserve(test, domain, SZ_64K, &at);

	v3t_attach(test, domain, w->device);
	v3t_map_at(test, domain, v3t_of_pages(large, 512), SZ_4M);
	v3t_map_at(test, domain, v3t_of_pfns(test, scattered, 5), SZ_1M);
	v3t_map_reserved(test, token, SZ_8K, v3t_of_page(scattered[3]));
	EXPECT_V3(test, STATUS_SUCCESS, MapIdentityRangeEx, domain, V3T_RW, &identity);

	v3t_attach(test, domain, device);
	v3t_expect_reaches(test, pdo, SZ_4M, large);
	v3t_expect_reaches(test, pdo, SZ_4M + 511 * SZ_4K, large + 511);
	v3t_expect_reaches_all(test, pdo, SZ_1M, scattered, 5);
	v3t_expect_reaches(test, pdo, SZ_64M + SZ_8K, scattered[3]);
	v3t_expect_reaches(test, pdo, page_to_phys(page), page);
	v3t_expect_blocked(test, pdo, SZ_64M);

	v3t_map_at(test, domain, v3t_of_page(scattered[0]), SZ_32M);
	v3t_expect_reaches(test, pdo, SZ_32M, scattered[0]);
	v3t_expect_reaches(test, w->pdo, SZ_32M, scattered[0]);
	v3t_unmap(test, domain, SZ_4M, 512);
	v3t_expect_blocked(test, pdo, SZ_4M);
	v3t_expect_blocked(test, w->pdo, SZ_4M);
	v3t_detach(test, w->device);
	v3t_expect_reaches_all(test, pdo, SZ_1M, scattered, 5);
	v3t_expect_no_stale_hits(test, sim);
	v3t_expect_no_stale_hits(test, w->sim);
}

static void many_devices_share_a_domain(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_buddy(test);
	struct page *page = v3t_pages(test, 0);
	PIOMMU_DMA_DEVICE device[6];
	struct device *pdo[6];
	u64 address;
	int i;

	for (i = 0; i < ARRAY_SIZE(pdo); i++) {
		pdo[i] = v3t_pdo(test, w->sim, NULL);
		device[i] = v3t_device(test, pdo[i]);
		v3t_attach(test, domain, device[i]);
	}
	address = v3t_map(test, domain, v3t_of_page(page));
	for (i = 0; i < ARRAY_SIZE(pdo); i++)
		v3t_expect_reaches(test, pdo[i], address, page);
	for (i = 0; i < ARRAY_SIZE(pdo) - 1; i++) {
		REFUSE_V3(test, STATUS_RESOURCE_IN_USE, DeleteDomain, domain);
		v3t_detach(test, device[i]);
		v3t_expect_misses(test, pdo[i], address, page);
		v3t_expect_reaches(test, pdo[i + 1], address, page);
	}
	v3t_unmap(test, domain, address, 1);
	v3t_expect_blocked(test, pdo[i], address);
}

static void number_of_tables_is_limited(struct kunit *test)
{
	static const struct iommusim_config own = { .quirks = IOMMUSIM_OWN_DOMAINS };
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	struct page *page = v3t_pages(test, 0);
	PIOMMU_DMA_DEVICE device;
	struct device *pdo[8];
	int i;

	v3t_map_at(test, domain, v3t_of_page(page), SZ_1M);
	v3t_attach(test, domain, w->device);
	for (i = 0; i < 7; i++) {
		pdo[i] = v3t_pdo(test, v3t_sim(test, &own), NULL);
		v3t_attach(test, domain, v3t_device(test, pdo[i]));
	}
	pdo[i] = v3t_pdo(test, v3t_sim(test, &own), NULL);
	device = v3t_device(test, pdo[i]);
	REFUSE_V3(test, STATUS_INSUFFICIENT_RESOURCES, AttachDeviceEx, domain, device);
	for (i = 0; i < 7; i++)
		v3t_expect_reaches(test, pdo[i], SZ_1M, page);
	/* A table that nobody uses makes room. */
	v3t_detach(test, w->device);
	v3t_attach(test, domain, device);
	v3t_expect_reaches(test, pdo[i], SZ_1M, page);
}

static void aperture_shrinks_to_the_narrowest_device(struct kunit *test)
{
	static const struct iommusim_config narrow = { .aperture_bits = 39 };
	struct v3t_world *w = test->priv;
	struct device *pdo = v3t_pdo(test, v3t_sim(test, &narrow), NULL);
	PIOMMU_DMA_DEVICE device = v3t_device(test, pdo);
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	struct page *page = v3t_pages(test, 0);
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_page(page);
	IOMMU_DMA_LOGICAL_ADDRESS beyond = BIT_ULL(39), last = beyond - SZ_4K;

	v3t_skip_where(test, IOMMUSIM_SIGN_EXTEND, V3T_NO_WIDTH);
	v3t_attach(test, domain, w->device);
	v3t_attach(test, domain, device);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_4, MapLogicalRangeEx, domain, V3T_RW, &what,
		  &beyond, NULL, NULL, &w->out.address);
	v3t_map_at(test, domain, what, last);
	v3t_expect_reaches(test, pdo, last, page);
	v3t_expect_reaches(test, w->pdo, last, page);
}

static void mapping_beyond_an_aperture_keeps_its_device_out(struct kunit *test)
{
	static const struct iommusim_config narrow = { .aperture_bits = 39 };
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	struct page *page = v3t_pages(test, 0);
	struct device *pdo;
	PIOMMU_DMA_DEVICE device;

	v3t_attach(test, domain, w->device);
	v3t_map_at(test, domain, v3t_of_page(page), BIT_ULL(40));
	pdo = v3t_pdo(test, v3t_sim(test, &narrow), NULL);
	device = v3t_device(test, pdo);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER, AttachDeviceEx, domain, device);
	v3t_expect_reaches(test, w->pdo, BIT_ULL(40), page);
	v3t_unmap(test, domain, BIT_ULL(40), 1);
	v3t_attach(test, domain, device);
}

static void group_members_move_together(struct kunit *test)
{
	static const struct iommusim_device_config member = { .group = 7 };
	struct v3t_world *w = test->priv;
	struct device *a = v3t_pdo(test, w->sim, &member), *b = v3t_pdo(test, w->sim, &member);
	PIOMMU_DMA_DEVICE first = v3t_device(test, a), second = v3t_device(test, b);
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test), other = v3t_explicit(test);
	struct page *page = v3t_pages(test, 0);

	v3t_map_at(test, domain, v3t_of_page(page), SZ_1M);
	v3t_attach(test, domain, first);
	v3t_expect_reaches(test, a, SZ_1M, page);
	REFUSE_V3(test, STATUS_ACCESS_DENIED, AttachDeviceEx, other, second);
	v3t_attach(test, domain, second);
	v3t_expect_reaches(test, b, SZ_1M, page);
	v3t_detach(test, first);
	v3t_expect_reaches(test, b, SZ_1M, page);
	v3t_detach(test, second);
	v3t_expect_misses(test, a, SZ_1M, page);
	v3t_expect_misses(test, b, SZ_1M, page);
	v3t_attach(test, other, second);
	v3t_attach(test, other, first);
}

static void failed_attach_leaves_no_trace(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	struct page *page = v3t_pages(test, 0);
	u64 tables;

	v3t_map_at(test, domain, v3t_of_page(page), SZ_1M);
	tables = v3t_stats(w->sim).tables;
	iommusim_fail_attach(w->pdo, -ENOMEM, 1);
	REFUSE_V3(test, STATUS_INSUFFICIENT_RESOURCES, AttachDeviceEx, domain, w->device);
	v3t_expect_misses(test, w->pdo, SZ_1M, page);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, DetachDeviceEx, w->device);
	KUNIT_EXPECT_EQ(test, v3t_stats(w->sim).tables, tables);
	v3t_attach(test, domain, w->device);
	v3t_expect_reaches(test, w->pdo, SZ_1M, page);
}

/* The new table is filled from what is mapped, and every table page of it may be lacking. */
static void failed_replay_leaves_no_trace(struct kunit *test)
{
	static const struct iommusim_config own = { .quirks = IOMMUSIM_OWN_DOMAINS };
	struct v3t_world *w = test->priv;
	/* Before the other device, whose instance it would prefer for its first table. */
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	struct iommusim *sim = v3t_sim(test, &own);
	struct device *pdo = v3t_pdo(test, sim, NULL);
	PIOMMU_DMA_DEVICE device = v3t_device(test, pdo);
	const u64 at = SZ_2G, tables = v3t_stats(sim).tables;
	struct page *page = v3t_pages(test, 0);
	unsigned int skip;
	NTSTATUS status;

	v3t_attach(test, domain, w->device);
	v3t_map_at(test, domain, v3t_of_page(page), SZ_1M);
	v3t_map_reserved(test, v3t_reserve(test, domain, SZ_8M, &at), SZ_4M, v3t_of_page(page));
	/* Failing for good: a table that is lacking once may be asked for again. */
	for (skip = 0; skip < 100; skip++) {
		iommusim_fail_tables(sim, skip, ~0U);
		status = V3T_V3(test)->AttachDeviceEx(domain, device);
		iommusim_fail_tables(sim, 0, 0);
		if (NT_SUCCESS(status))
			break;
		EXPECT_RESULT(test, STATUS_INSUFFICIENT_RESOURCES, AttachDeviceEx, status);
		KUNIT_EXPECT_EQ(test, v3t_stats(sim).tables, tables);
		v3t_expect_misses(test, pdo, SZ_1M, page);
		v3t_expect_reaches(test, w->pdo, SZ_2G + SZ_4M, page);
	}
	/* At least one table for each of the last level. */
	KUNIT_EXPECT_GE(test, skip, 5);
	EXPECT_V3(test, STATUS_SUCCESS, DetachDeviceEx, device);
	iommusim_fail_attach(pdo, -ENOMEM, 1);
	REFUSE_V3(test, STATUS_INSUFFICIENT_RESOURCES, AttachDeviceEx, domain, device);
	KUNIT_EXPECT_EQ(test, v3t_stats(sim).tables, tables);
	v3t_attach(test, domain, device);
	v3t_expect_reaches(test, pdo, SZ_1M, page);
	v3t_expect_reaches(test, pdo, SZ_2G + SZ_4M, page);
}

static void refused_table_is_replaced_by_another(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	struct page *page = v3t_pages(test, 0);

	v3t_skip_where(test, IOMMUSIM_MOVING_ROOT | IOMMUSIM_LATE_SEND,
		       "a table made for the device is the first one tried");
	v3t_map_at(test, domain, v3t_of_page(page), SZ_1M);
	iommusim_fail_attach(w->pdo, -EINVAL, 1);
	v3t_attach(test, domain, w->device);
	v3t_expect_reaches(test, w->pdo, SZ_1M, page);
	v3t_map_at(test, domain, v3t_of_page(page), SZ_2M);
	v3t_expect_reaches(test, w->pdo, SZ_2M, page);
}

static void device_that_takes_no_table_is_refused(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	struct page *page = v3t_pages(test, 0);
	u64 tables;

	v3t_map_at(test, domain, v3t_of_page(page), SZ_1M);
	tables = v3t_stats(w->sim).tables;
	/* The one there is, unless that could suffer from an attach, and one made for it. */
	iommusim_fail_attach(w->pdo, -EINVAL,
			     v3t_behaves(IOMMUSIM_MOVING_ROOT | IOMMUSIM_LATE_SEND) ? 1 : 2);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER, AttachDeviceEx, domain, w->device);
	KUNIT_EXPECT_EQ(test, v3t_stats(w->sim).tables, tables);
	v3t_attach(test, domain, w->device);
	v3t_expect_reaches(test, w->pdo, SZ_1M, page);
}

/* How the kernel's own driver stands to the device's DMA. */
static const struct binding_case {
	const char *name;
	struct iommusim_device_config config;
} binding_cases[] = {
	{ "no driver", {} },
	{ "driver that manages its DMA", { .managed_dma = true } },
	{ "ordinary driver", { .ordinary_driver = true } },
};

static void binding_name(const struct binding_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(binding, binding_cases, binding_name);

static void nobody_takes_an_attached_device_away(struct kunit *test)
{
	const struct binding_case *c = test->param_value;
	struct v3t_world *w = test->priv;
	struct device *pdo = v3t_pdo(test, w->sim, &c->config);
	PIOMMU_DMA_DEVICE device = v3t_device(test, pdo);
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	struct page *page = v3t_pages(test, 0);
	int err;

	v3t_map_at(test, domain, v3t_of_page(page), SZ_1M);
	v3t_attach(test, domain, device);
	v3t_expect_reaches(test, pdo, SZ_1M, page);
	KUNIT_EXPECT_NE(test, iommu_device_claim_dma_owner(pdo, test), 0);
	v3t_expect_reaches(test, pdo, SZ_1M, page);
	v3t_detach(test, device);
	v3t_expect_misses(test, pdo, SZ_1M, page);
	v3t_delete_device(test, device);

	err = iommu_device_claim_dma_owner(pdo, test);
	if (c->config.ordinary_driver) {
		KUNIT_EXPECT_EQ(test, err, -EPERM);
		return;
	}
	KUNIT_ASSERT_EQ(test, err, 0);
	iommu_device_release_dma_owner(pdo);
}

static void foreign_owner_keeps_us_out(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);

	KUNIT_ASSERT_EQ(test, iommu_device_claim_dma_owner(w->pdo, test), 0);
	REFUSE_V3(test, STATUS_ACCESS_DENIED, AttachDeviceEx, domain, w->device);
	iommu_device_release_dma_owner(w->pdo);
	v3t_attach(test, domain, w->device);
}

static void reserved_region_under_a_mapping_refuses_the_device(struct kunit *test)
{
	static const struct iommusim_region region = {
		.first = SZ_1G, .last = SZ_1G + SZ_1M - 1, .type = IOMMU_RESV_RESERVED,
	};
	static const struct iommusim_device_config config = {
		.regions = &region, .nr_regions = 1,
	};
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	struct page *page = v3t_pages(test, 0);
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_page(page);
	IOMMU_DMA_LOGICAL_ADDRESS inside = SZ_1G + SZ_64K;
	struct device *pdo;
	PIOMMU_DMA_DEVICE device;

	v3t_attach(test, domain, w->device);
	v3t_map_at(test, domain, what, SZ_1G + SZ_1M - SZ_4K);
	pdo = v3t_pdo(test, w->sim, &config);
	device = v3t_device(test, pdo);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER, AttachDeviceEx, domain, device);
	v3t_expect_reaches(test, w->pdo, SZ_1G + SZ_1M - SZ_4K, page);

	v3t_unmap(test, domain, SZ_1G + SZ_1M - SZ_4K, 1);
	v3t_map_at(test, domain, what, SZ_1G + SZ_1M);
	v3t_attach(test, domain, device);
	v3t_expect_reaches(test, pdo, SZ_1G + SZ_1M, page);
	REFUSE_V3(test, STATUS_RESOURCE_IN_USE, MapLogicalRangeEx, domain, V3T_RW, &what, &inside,
		  NULL, NULL, &w->out.address);
}

static void identity_of_the_region_itself_is_no_conflict(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct page *page = v3t_pages(test, 0);
	struct iommusim_region region = {
		.first = page_to_phys(page), .last = page_to_phys(page) + SZ_4K - 1,
		.type = IOMMU_RESV_DIRECT, .prot = IOMMU_READ | IOMMU_WRITE,
	};
	struct iommusim_device_config config = { .regions = &region, .nr_regions = 1 };
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_page(page);
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	struct device *pdo;
	PIOMMU_DMA_DEVICE device;

	v3t_attach(test, domain, w->device);
	EXPECT_V3(test, STATUS_SUCCESS, MapIdentityRangeEx, domain, V3T_RW, &what);
	pdo = v3t_pdo(test, w->sim, &config);
	device = v3t_device(test, pdo);
	v3t_attach(test, domain, device);
	v3t_expect_reaches(test, pdo, region.first, page);
}

static void firmware_ranges_stay_reachable(struct kunit *test)
{
	const struct binding_case *c = test->param_value;
	struct v3t_world *w = test->priv;
	struct page *page = v3t_pages(test, 1);
	struct iommusim_region region = {
		.first = page_to_phys(page), .last = page_to_phys(page) + SZ_8K - 1,
		.type = IOMMU_RESV_DIRECT, .prot = IOMMU_READ | IOMMU_WRITE,
	};
	struct iommusim_device_config config = c->config;
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_page(v3t_pages(test, 0));
	IOMMU_DMA_LOGICAL_ADDRESS at = region.first;
	struct device *pdo;

	config.regions = &region;
	config.nr_regions = 1;
	pdo = v3t_pdo(test, w->sim, &config);
	v3t_attach(test, domain, v3t_device(test, pdo));
	v3t_expect_reaches(test, pdo, region.first, page);
	v3t_expect_reaches(test, pdo, region.first + SZ_4K, page + 1);
	REFUSE_V3(test, STATUS_RESOURCE_IN_USE, MapLogicalRangeEx, domain, V3T_RW, &what, &at,
		  NULL, NULL, &w->out.address);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER, UnmapLogicalRange, domain, at, 2);
	v3t_expect_reaches(test, pdo, region.first, page);
}

/* What firmware wants until a driver takes over, and no longer. */
static void relaxable_ranges_are_free(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct page *page = v3t_pages(test, 0), *other = v3t_pages(test, 0);
	struct iommusim_region region = {
		.first = page_to_phys(page), .last = page_to_phys(page) + SZ_4K - 1,
		.type = IOMMU_RESV_DIRECT_RELAXABLE, .prot = IOMMU_READ | IOMMU_WRITE,
	};
	struct iommusim_device_config config = { .regions = &region, .nr_regions = 1 };
	struct device *pdo = v3t_pdo(test, w->sim, &config);
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);

	v3t_attach(test, domain, v3t_device(test, pdo));
	v3t_expect_blocked(test, pdo, region.first);
	v3t_map_at(test, domain, v3t_of_page(other), region.first);
	v3t_expect_reaches(test, pdo, region.first, other);
}

enum removal { CREATED, ATTACHED, MAPPED, RESERVED, DETACHED };

static const struct removal_case {
	const char *name;
	enum removal state;
} removal_cases[] = {
	{ "created", CREATED },
	{ "attached", ATTACHED },
	{ "attached with mappings", MAPPED },
	{ "attached with a live segment", RESERVED },
	{ "detached again", DETACHED },
};

static void removal_name(const struct removal_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(removal, removal_cases, removal_name);

static void refuse_removed(struct kunit *test, PIOMMU_DMA_DOMAIN domain, PIOMMU_DMA_DEVICE gone)
{
	struct v3t_world *w = test->priv;
	ULONG written;

	memset(&written, V3T_POISON, sizeof(written));
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_2, AttachDeviceEx, domain, gone);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, DetachDeviceEx, gone);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, QueryDeviceInfo, gone, sizeof(w->out.info),
		  &written, &w->out.info);
	KUNIT_EXPECT_TRUE(test, v3t_is_poisoned(&written, sizeof(written)));
}

static void removal_detaches_and_ends_the_handle(struct kunit *test)
{
	const struct removal_case *c = test->param_value;
	struct v3t_world *w = test->priv;
	struct device *pdo = v3t_pdo(test, w->sim, NULL);
	PIOMMU_DMA_DEVICE device = v3t_device(test, pdo);
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	struct page *page = v3t_pages(test, 0);
	const u64 at = SZ_2M;
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token = v3t_reserve(test, domain, SZ_64K, &at);

	if (c->state != CREATED)
		v3t_attach(test, domain, device);
	if (c->state == MAPPED)
		v3t_map_at(test, domain, v3t_of_page(page), SZ_1M);
	if (c->state == RESERVED)
		v3t_map_reserved(test, token, 0, v3t_of_page(page));
	if (c->state == DETACHED)
		v3t_detach(test, device);
	v3t_unplug(test, pdo);

	refuse_removed(test, domain, device);
	v3t_map_at(test, domain, v3t_of_page(page), SZ_4M);
	v3t_attach(test, domain, w->device);
	v3t_expect_reaches(test, w->pdo, SZ_4M, page);
	if (c->state == MAPPED)
		v3t_expect_reaches(test, w->pdo, SZ_1M, page);
	v3t_delete_device(test, device);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, DeleteDevice, device);
}

static const struct binding_case bound_cases[] = {
	{ "driver that manages its DMA", { .managed_dma = true } },
	{ "ordinary driver", { .ordinary_driver = true } },
};

KUNIT_ARRAY_PARAM(bound, bound_cases, binding_name);

static void losing_the_driver_is_like_removal(struct kunit *test)
{
	const struct binding_case *c = test->param_value;
	struct v3t_world *w = test->priv;
	struct device *pdo = v3t_pdo(test, w->sim, &c->config);
	PIOMMU_DMA_DEVICE device = v3t_device(test, pdo), again;
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	struct page *page = v3t_pages(test, 0);

	v3t_map_at(test, domain, v3t_of_page(page), SZ_1M);
	v3t_attach(test, domain, device);
	device_release_driver(pdo);
	v3t_expect_misses(test, pdo, SZ_1M, page);
	refuse_removed(test, domain, device);
	v3t_delete_device(test, device);
	KUNIT_EXPECT_EQ(test, device_attach(pdo), 1);
	again = v3t_device(test, pdo);
	v3t_attach(test, domain, again);
	v3t_expect_reaches(test, pdo, SZ_1M, page);
}

static void domain_outlives_its_only_iommu(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	struct page *page = v3t_pages(test, 0);

	v3t_map_at(test, domain, v3t_of_page(page), SZ_1M);
	v3t_attach(test, domain, w->device);
	v3t_unplug(test, w->pdo);
	v3t_map_at(test, domain, v3t_of_page(page), SZ_2M);
	v3t_unmap(test, domain, SZ_1M, 1);
	v3t_delete_domain(test, domain);
}

static void late_geometry_comes_out_right(struct kunit *test)
{
	static const struct iommusim_config late = {
		.aperture_bits = 39, .quirks = IOMMUSIM_LATE_GEOMETRY,
	};
	struct v3t_world *w = test->priv;
	struct iommusim *sim = v3t_sim(test, &late);
	struct device *pdo = v3t_pdo(test, sim, NULL);
	PIOMMU_DMA_DEVICE device = v3t_device(test, pdo);
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	struct page *large = v3t_pages(test, 9), *page = v3t_pages(test, 0);
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_page(page);
	IOMMU_DMA_LOGICAL_ADDRESS beyond = BIT_ULL(39);
	const u64 reserved = SZ_64M;
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token = v3t_reserve(test, domain, SZ_2M, &reserved);
	u64 leaves;

	v3t_map_at(test, domain, v3t_of_pages(large, 512), SZ_4M);
	v3t_attach(test, domain, device);
	v3t_expect_reaches(test, pdo, SZ_4M + SZ_1M, large + 256);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_4, MapLogicalRangeEx, domain, V3T_RW, &what,
		  &beyond, NULL, NULL, &w->out.address);
	v3t_map_reserved(test, token, SZ_1M, what);
	v3t_expect_reaches(test, pdo, SZ_64M + SZ_1M, page);
	v3t_unmap(test, domain, SZ_4M, 512);
	v3t_expect_blocked(test, pdo, SZ_4M + SZ_1M);

	leaves = v3t_stats(sim).leaf_2m;
	v3t_map_at(test, domain, v3t_of_pages(large, 512), SZ_8M);
	KUNIT_EXPECT_EQ(test, v3t_stats(sim).leaf_2m, leaves + 1);
	v3t_expect_reaches(test, pdo, SZ_8M + SZ_1M, large + 256);
	v3t_expect_no_stale_hits(test, sim);
}

static struct kunit_case attach_cases[] = {
	KUNIT_CASE(sees_only_mapped_pages),
	KUNIT_CASE(never_replaces_an_attachment),
	KUNIT_CASE(second_handle_of_a_device_waits_its_turn),
	KUNIT_CASE(detaching_needs_an_attachment),
	KUNIT_CASE_PARAM(other_instance_sees_all_of_the_domain, sim_gen_params),
	KUNIT_CASE(many_devices_share_a_domain),
	KUNIT_CASE(number_of_tables_is_limited),
	KUNIT_CASE(aperture_shrinks_to_the_narrowest_device),
	KUNIT_CASE(mapping_beyond_an_aperture_keeps_its_device_out),
	KUNIT_CASE(group_members_move_together),
	KUNIT_CASE(failed_attach_leaves_no_trace),
	KUNIT_CASE(failed_replay_leaves_no_trace),
	KUNIT_CASE(refused_table_is_replaced_by_another),
	KUNIT_CASE(device_that_takes_no_table_is_refused),
	KUNIT_CASE_PARAM(nobody_takes_an_attached_device_away, binding_gen_params),
	KUNIT_CASE(foreign_owner_keeps_us_out),
	KUNIT_CASE(reserved_region_under_a_mapping_refuses_the_device),
	KUNIT_CASE(identity_of_the_region_itself_is_no_conflict),
	KUNIT_CASE_PARAM(firmware_ranges_stay_reachable, binding_gen_params),
	KUNIT_CASE(relaxable_ranges_are_free),
	KUNIT_CASE_PARAM(removal_detaches_and_ends_the_handle, removal_gen_params),
	KUNIT_CASE_PARAM(losing_the_driver_is_like_removal, bound_gen_params),
	KUNIT_CASE(domain_outlives_its_only_iommu),
	KUNIT_CASE(late_geometry_comes_out_right),
	{}
};

static struct kunit_suite attach_suite = {
	.name = "v3compat_attach",
	.init = v3t_init,
	.exit = v3t_exit,
	.test_cases = attach_cases,
};

kunit_test_suite(attach_suite);
