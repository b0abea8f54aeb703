// SPDX-License-Identifier: GPL-2.0
/* Where MapLogicalRangeEx puts pages, with which leaves, and what it refuses. */
#include "fixture.h"

#define PAGES	7

enum form { CONTIGUOUS, PFNS, MDL_NONPAGED, MDL_LOCKED, MDL_CHAIN };

static const struct form_case {
	const char *name;
	enum form form;
	ULONG width;
} form_cases[] = {
	{ "contiguous range, explicit", CONTIGUOUS, 0 },
	{ "contiguous range, allocator", CONTIGUOUS, 48 },
	{ "frame array, explicit", PFNS, 0 },
	{ "frame array, allocator", PFNS, 48 },
	{ "MDL of nonpaged memory, explicit", MDL_NONPAGED, 0 },
	{ "MDL of nonpaged memory, allocator", MDL_NONPAGED, 48 },
	{ "MDL of locked pages, explicit", MDL_LOCKED, 0 },
	{ "MDL of locked pages, allocator", MDL_LOCKED, 48 },
	{ "chain of MDLs, explicit", MDL_CHAIN, 0 },
	{ "chain of MDLs, allocator", MDL_CHAIN, 48 },
};

static void form_name(const struct form_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(form, form_cases, form_name);

static IOMMU_MAP_PHYSICAL_ADDRESS describe(struct kunit *test, enum form form,
					   struct page **pages)
{
	PMDL chain;

	switch (form) {
	case PFNS:
		return v3t_of_pfns(test, pages, PAGES);
	case MDL_NONPAGED:
		return v3t_of_mdl(v3t_mdl(test, page_address(pages[0]), PAGES * PAGE_SIZE));
	case MDL_LOCKED:
		return v3t_of_mdl(v3t_mdl_of(test, pages, PAGES));
	case MDL_CHAIN:
		chain = v3t_mdl_of(test, pages, 2);
		chain->Next = v3t_mdl_of(test, pages + 2, 1);
		chain->Next->Next = v3t_mdl_of(test, pages + 3, PAGES - 3);
		return v3t_of_mdl(chain);
	default:
		return v3t_of_pages(pages[0], PAGES);
	}
}

static struct page **pick_pages(struct kunit *test, enum form form)
{
	struct page **pages, *block;
	int i;

	if (form != CONTIGUOUS && form != MDL_NONPAGED)
		return v3t_scattered(test, PAGES);
	pages = kunit_kcalloc(test, PAGES, sizeof(*pages), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, pages);
	block = v3t_pages(test, 3);
	for (i = 0; i < PAGES; i++)
		pages[i] = block + i;
	return pages;
}

static void every_description_becomes_one_range(struct kunit *test)
{
	const struct form_case *c = test->param_value;
	struct v3t_world *w = test->priv;
	struct page **pages = pick_pages(test, c->form);
	IOMMU_MAP_PHYSICAL_ADDRESS what = describe(test, c->form, pages);
	PIOMMU_DMA_DOMAIN domain = v3t_domain(test, DomainTypeTranslate, c->width);
	u64 address;

	v3t_attach(test, domain, w->device);
	address = c->width ? v3t_map(test, domain, what) : v3t_map_at(test, domain, what, SZ_1M);
	v3t_expect_reaches_all(test, w->pdo, address, pages, PAGES);
	v3t_expect_blocked(test, w->pdo, address - SZ_4K);
	v3t_expect_blocked(test, w->pdo, address + PAGES * SZ_4K);
	v3t_unmap(test, domain, address, PAGES);
	v3t_expect_blocked(test, w->pdo, address);
	v3t_expect_blocked(test, w->pdo, address + (PAGES - 1) * SZ_4K);
}

static void frames_are_read_during_the_call_only(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct page **pages = v3t_scattered(test, 3);
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_pfns(test, pages, 3);
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);

	v3t_map_at(test, domain, what, SZ_1M);
	memset(what.PfnArray.PageFrame, V3T_POISON, 3 * sizeof(PFN_NUMBER));
	v3t_attach(test, domain, w->device);
	v3t_expect_reaches_all(test, w->pdo, SZ_1M, pages, 3);
}

static const struct access_case {
	const char *name;
	ULONG permissions;
} access_cases[] = {
	{ "read only", V3T_READ },
	{ "write only", V3T_WRITE },
	{ "read and write", V3T_RW },
};

static void access_name(const struct access_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(access, access_cases, access_name);

static void expect_access(struct kunit *test, u64 address, ULONG permissions)
{
	struct v3t_world *w = test->priv;
	u64 word = 0;

	if (permissions & V3T_READ)
		KUNIT_EXPECT_EQ(test, 0, iommusim_dma_read(w->pdo, IOMMUSIM_NO_PASID, address,
							   &word, sizeof(word), NULL));
	else
		v3t_expect_fault(test, w->pdo, address, false, IOMMUSIM_FAULT_PERMISSION);
	if (permissions & V3T_WRITE)
		KUNIT_EXPECT_EQ(test, 0, iommusim_dma_write(w->pdo, IOMMUSIM_NO_PASID, address,
							    &word, sizeof(word), NULL));
	else
		v3t_expect_fault(test, w->pdo, address, true, IOMMUSIM_FAULT_PERMISSION);
}

static void permissions_bind_the_device(struct kunit *test)
{
	const struct access_case *c = test->param_value;
	struct v3t_world *w = test->priv;
	struct page *page = v3t_pages(test, 0);
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_page(page);
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	IOMMU_DMA_LOGICAL_ADDRESS at = SZ_1M;
	const u64 reserved = SZ_2M;
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token = v3t_reserve(test, domain, SZ_4K, &reserved);
	IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT segment;

	v3t_attach(test, domain, w->device);
	EXPECT_V3(test, STATUS_SUCCESS, MapLogicalRangeEx, domain, c->permissions, &what, &at,
		  NULL, NULL, &w->out.address);
	expect_access(test, SZ_1M, c->permissions);
	EXPECT_V3(test, STATUS_SUCCESS, MapIdentityRangeEx, domain, c->permissions, &what);
	expect_access(test, page_to_phys(page), c->permissions);
	EXPECT_V3(test, STATUS_SUCCESS, MapReservedLogicalRange, token, 0, c->permissions, &what,
		  &segment);
	expect_access(test, SZ_2M, c->permissions);
	EXPECT_V3(test, STATUS_SUCCESS, UnmapReservedLogicalRange, &segment);
}

/* An original of 4 pages at page 256, and where another one meets it. */
static const struct overlap_case {
	const char *name;
	u64 first;
	unsigned int pages;
} overlap_cases[] = {
	{ "exactly over it", 256, 4 },
	{ "its first page", 256, 1 },
	{ "its last page", 259, 1 },
	{ "inside", 257, 2 },
	{ "from below into it", 254, 3 },
	{ "out of it upwards", 259, 4 },
	{ "around it", 250, 16 },
};

static void overlap_name(const struct overlap_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(overlap, overlap_cases, overlap_name);

static void collide(struct kunit *test, u32 quirks)
{
	const struct iommusim_config config = { .quirks = quirks };
	const struct overlap_case *c = test->param_value;
	struct v3t_world *w = test->priv;
	struct device *pdo = v3t_pdo(test, v3t_sim(test, &config), NULL);
	PIOMMU_DMA_DEVICE device = v3t_device(test, pdo);
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	struct page **pages = v3t_scattered(test, 4);
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_pages(v3t_pages(test, 4), c->pages);
	IOMMU_DMA_LOGICAL_ADDRESS at = c->first * SZ_4K;

	v3t_attach(test, domain, device);
	v3t_map_at(test, domain, v3t_of_pfns(test, pages, 4), 256 * SZ_4K);
	REFUSE_V3(test, STATUS_RESOURCE_IN_USE, MapLogicalRangeEx, domain, V3T_RW, &what, &at,
		  NULL, NULL, &w->out.address);
	REFUSE_V3(test, STATUS_RESOURCE_IN_USE, ReserveLogicalAddressRange, domain,
		  c->pages * SZ_4K, &at, NULL, NULL, &w->out.token);
	v3t_expect_reaches_all(test, pdo, 256 * SZ_4K, pages, 4);
	v3t_expect_blocked(test, pdo, 255 * SZ_4K);
	v3t_expect_blocked(test, pdo, 260 * SZ_4K);
}

static void collision_is_refused(struct kunit *test)
{
	collide(test, 0);
}

static void collision_is_refused_where_hardware_keeps(struct kunit *test)
{
	collide(test, IOMMUSIM_OVERLAP_KEEP);
}

static void collision_is_refused_where_hardware_replaces(struct kunit *test)
{
	collide(test, IOMMUSIM_OVERLAP_REPLACE);
}

static void neighbours_do_not_collide(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	struct page **pages = v3t_scattered(test, 3);

	v3t_attach(test, domain, w->device);
	v3t_map_at(test, domain, v3t_of_page(pages[1]), SZ_1M + SZ_4K);
	v3t_map_at(test, domain, v3t_of_page(pages[0]), SZ_1M);
	v3t_map_at(test, domain, v3t_of_page(pages[2]), SZ_1M + SZ_8K);
	v3t_expect_reaches_all(test, w->pdo, SZ_1M, pages, 3);
}

static void explicit_domain_takes_any_page(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	struct page *page = v3t_pages(test, 0);
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_page(page);
	IOMMU_DMA_LOGICAL_ADDRESS at = SZ_2M, min = SZ_1G, max = 0;
	const u64 last = BIT_ULL(48) - SZ_4K;

	v3t_attach(test, domain, w->device);
	v3t_map_at(test, domain, what, 0);
	v3t_expect_reaches(test, w->pdo, 0, page);
	v3t_map_at(test, domain, what, last);
	v3t_expect_reaches(test, w->pdo, last, page);
	/* Bounds mean nothing here. */
	EXPECT_V3(test, STATUS_SUCCESS, MapLogicalRangeEx, domain, V3T_RW, &what, &at, &min, &max,
		  &w->out.address);
	KUNIT_EXPECT_EQ(test, w->out.address, at);
	v3t_expect_reaches(test, w->pdo, SZ_2M, page);
}

static void address_and_allocator_exclude_each_other(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_page(v3t_pages(test, 0));
	IOMMU_DMA_LOGICAL_ADDRESS at = SZ_1M;
	PIOMMU_DMA_DOMAIN buddy = v3t_buddy(test), explicit = v3t_explicit(test);

	REFUSE_V3(test, STATUS_NOT_SUPPORTED, MapLogicalRangeEx, buddy, V3T_RW, &what, &at, NULL,
		  NULL, &w->out.address);
	REFUSE_V3(test, STATUS_NOT_SUPPORTED, MapLogicalRangeEx, explicit, V3T_RW, &what, NULL,
		  NULL, NULL, &w->out.address);
	REFUSE_V3(test, STATUS_NOT_SUPPORTED, ReserveLogicalAddressRange, buddy, SZ_4K, &at, NULL,
		  NULL, &w->out.token);
	REFUSE_V3(test, STATUS_NOT_SUPPORTED, ReserveLogicalAddressRange, explicit, SZ_4K, NULL,
		  NULL, NULL, &w->out.token);
	REFUSE_V3(test, STATUS_NOT_SUPPORTED, MapIdentityRangeEx, buddy, V3T_RW, &what);
	REFUSE_V3(test, STATUS_NOT_SUPPORTED, UnmapIdentityRangeEx, buddy, &what);
}

/* Bounds for a block of @pages; bounds in pages, negative means not given. */
static const struct bounds_case {
	const char *name;
	unsigned int pages;
	s64 min, max_end;
	bool fits;
} bounds_cases[] = {
	{ "room for exactly one page", 1, 512, 513, true },
	{ "room for exactly a block", 4, 512, 516, true },
	{ "one page too few", 4, 512, 515, false },
	{ "block of three pages in three", 3, 512, 515, true },
	{ "room only between block boundaries", 4, 514, 518, false },
	{ "aligned block inside odd bounds", 4, 514, 520, true },
	{ "lower bound alone", 1, 4096, -1, true },
	{ "upper bound alone", 1, -1, 2, true },
	{ "upper bound below the first page", 1, -1, 1, false },
	{ "bounds the wrong way round", 1, 600, 500, false },
	{ "MSI window of the device", 1, 0xfee00, 0xfef00, false },
};

static void bounds_name(const struct bounds_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(bounds, bounds_cases, bounds_name);

static void bounds_hold_both_ends(struct kunit *test)
{
	const struct bounds_case *c = test->param_value;
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_domain(test, DomainTypeTranslate, 32);
	struct page *block = v3t_pages(test, 2);
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_pages(block, c->pages);
	IOMMU_DMA_LOGICAL_ADDRESS min = c->min * SZ_4K, max = c->max_end * SZ_4K - 1;
	PIOMMU_DMA_LOGICAL_ADDRESS lower = c->min < 0 ? NULL : &min;
	PIOMMU_DMA_LOGICAL_ADDRESS upper = c->max_end < 0 ? NULL : &max;
	u64 got;

	v3t_attach(test, domain, w->device);
	if (!c->fits) {
		REFUSE_V3(test, STATUS_INVALID_PARAMETER_MIX, MapLogicalRangeEx, domain, V3T_RW,
			  &what, NULL, lower, upper, &w->out.address);
		REFUSE_V3(test, STATUS_INVALID_PARAMETER_MIX, ReserveLogicalAddressRange, domain,
			  c->pages * SZ_4K, NULL, lower, upper, &w->out.token);
		return;
	}
	ASSERT_V3(test, STATUS_SUCCESS, MapLogicalRangeEx, domain, V3T_RW, &what, NULL, lower,
		  upper, &w->out.address);
	got = w->out.address;
	KUNIT_EXPECT_GE(test, got, lower ? min : SZ_4K);
	if (upper)
		KUNIT_EXPECT_LE(test, got + c->pages * SZ_4K - 1, max);
	v3t_expect_reaches(test, w->pdo, got, block);
	v3t_expect_reaches(test, w->pdo, got + (c->pages - 1) * SZ_4K, block + c->pages - 1);
}

/* The domain goes on where it was, unless that is out of bounds. */
static void bounds_hold_wherever_the_last_page_was(struct kunit *test)
{
	IOMMU_DMA_LOGICAL_ADDRESS low = 64 * SZ_1M - 1, high = SZ_1G, end = SZ_1G + SZ_8K - 1;
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_page(v3t_pages(test, 0));
	PIOMMU_DMA_DOMAIN domain = v3t_domain(test, DomainTypeTranslate, 32);
	struct v3t_world *w = test->priv;
	unsigned int i;
	u64 got;

	v3t_attach(test, domain, w->device);
	for (i = 0; i < 3; i++) {
		ASSERT_V3(test, STATUS_SUCCESS, MapLogicalRangeEx, domain, V3T_RW, &what, NULL,
			  NULL, &low, &got);
		KUNIT_EXPECT_LE(test, got, low);
		if (i == 2)
			break;
		ASSERT_V3(test, STATUS_SUCCESS, MapLogicalRangeEx, domain, V3T_RW, &what, NULL,
			  &high, &end, &got);
		KUNIT_EXPECT_GE(test, got, high);
		KUNIT_EXPECT_LE(test, got, end);
	}
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_MIX, MapLogicalRangeEx, domain, V3T_RW, &what,
		  NULL, &high, &end, &got);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_MIX, MapLogicalRangeEx, domain, V3T_RW, &what,
		  NULL, &end, &high, &got);
}

static void bounds_exhaust_as_bounds(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_buddy(test);
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_page(v3t_pages(test, 0));
	IOMMU_DMA_LOGICAL_ADDRESS min = SZ_1M, max = SZ_1M + SZ_16K - 1;
	int i;

	for (i = 0; i < 4; i++) {
		EXPECT_V3(test, STATUS_SUCCESS, MapLogicalRangeEx, domain, V3T_RW, &what, NULL,
			  &min, &max, &w->out.address);
		KUNIT_EXPECT_GE(test, w->out.address, min);
		KUNIT_EXPECT_LT(test, w->out.address, max);
	}
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_MIX, MapLogicalRangeEx, domain, V3T_RW, &what,
		  NULL, &min, &max, &w->out.address);
	v3t_map(test, domain, what);
	v3t_unmap(test, domain, SZ_1M + SZ_8K, 1);
	EXPECT_V3(test, STATUS_SUCCESS, MapLogicalRangeEx, domain, V3T_RW, &what, NULL, &min, &max,
		  &w->out.address);
	KUNIT_EXPECT_EQ(test, w->out.address, SZ_1M + SZ_8K);
}

static const struct size_case {
	const char *name;
	unsigned int pages, block;
} size_cases[] = {
	{ "1 page", 1, 1 },
	{ "2 pages", 2, 2 },
	{ "3 pages", 3, 4 },
	{ "5 pages", 5, 8 },
	{ "64 pages", 64, 64 },
	{ "65 pages", 65, 128 },
};

static void size_name(const struct size_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(size, size_cases, size_name);

static void blocks_are_powers_of_two(struct kunit *test)
{
	const struct size_case *c = test->param_value;
	PIOMMU_DMA_DOMAIN domain = v3t_buddy(test);
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_pages(v3t_pages(test, 7), c->pages);
	u64 got[8], block = c->block * SZ_4K;
	int i, j;

	for (i = 0; i < ARRAY_SIZE(got); i++) {
		got[i] = v3t_map(test, domain, what);
		KUNIT_EXPECT_NE(test, got[i], 0);
		KUNIT_EXPECT_EQ(test, got[i] % block, 0);
		KUNIT_EXPECT_LE_MSG(test, got[i], (i + 1) * block, "low addresses first");
		for (j = 0; j < i; j++)
			KUNIT_EXPECT_GE(test, abs_diff(got[i], got[j]), block);
	}
	for (i = 0; i < ARRAY_SIZE(got); i++)
		v3t_unmap(test, domain, got[i], c->pages);
}

static void narrow_allocator_runs_out_and_recovers(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_domain(test, DomainTypeTranslate, 13);
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_page(v3t_pages(test, 0));
	IOMMU_MAP_PHYSICAL_ADDRESS two = v3t_of_pages(v3t_pages(test, 1), 2);

	/* Two pages of address space, one of them page 0. */
	REFUSE_V3(test, STATUS_INSUFFICIENT_RESOURCES, MapLogicalRangeEx, domain, V3T_RW, &two,
		  NULL, NULL, NULL, &w->out.address);
	KUNIT_EXPECT_EQ(test, v3t_map(test, domain, what), SZ_4K);
	REFUSE_V3(test, STATUS_INSUFFICIENT_RESOURCES, MapLogicalRangeEx, domain, V3T_RW, &what,
		  NULL, NULL, NULL, &w->out.address);
	REFUSE_V3(test, STATUS_INSUFFICIENT_RESOURCES, ReserveLogicalAddressRange, domain, SZ_4K,
		  NULL, NULL, NULL, &w->out.token);
	v3t_unmap(test, domain, SZ_4K, 1);
	KUNIT_EXPECT_EQ(test, v3t_map(test, domain, what), SZ_4K);
}

static void widest_allocator_stays_below_the_aperture(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_domain(test, DomainTypeTranslate, 63);
	struct page *page = v3t_pages(test, 0);
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_page(page);
	IOMMU_DMA_LOGICAL_ADDRESS end = BIT_ULL(48), last = end - SZ_4K;

	v3t_skip_where(test, IOMMUSIM_SIGN_EXTEND, V3T_NO_WIDTH);
	v3t_attach(test, domain, w->device);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_MIX, MapLogicalRangeEx, domain, V3T_RW, &what,
		  NULL, &end, NULL, &w->out.address);
	EXPECT_V3(test, STATUS_SUCCESS, MapLogicalRangeEx, domain, V3T_RW, &what, NULL, &last,
		  NULL, &w->out.address);
	v3t_expect_reaches(test, w->pdo, last, page);
}

static const struct leaf_case {
	const char *name;
	bool pfns;
	ULONG width;
} leaf_cases[] = {
	{ "contiguous range, explicit", false, 0 },
	{ "contiguous range, allocator", false, 48 },
	{ "array of adjacent frames, explicit", true, 0 },
	{ "array of adjacent frames, allocator", true, 48 },
};

static void leaf_name(const struct leaf_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(leaf, leaf_cases, leaf_name);

static void adjacent_pages_use_large_leaves(struct kunit *test)
{
	const struct leaf_case *c = test->param_value;
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_domain(test, DomainTypeTranslate, c->width);
	struct page *large = v3t_pages(test, 9);
	struct page **pages = kunit_kcalloc(test, 512, sizeof(*pages), GFP_KERNEL);
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_pages(large, 512);
	struct iommusim_stats before, after;
	u64 address;
	int i;

	KUNIT_ASSERT_NOT_NULL(test, pages);
	for (i = 0; i < 512; i++)
		pages[i] = large + i;
	if (c->pfns)
		what = v3t_of_pfns(test, pages, 512);
	v3t_attach(test, domain, w->device);
	before = v3t_stats(w->sim);
	address = c->width ? v3t_map(test, domain, what) : v3t_map_at(test, domain, what, SZ_1G);
	after = v3t_stats(w->sim);
	KUNIT_EXPECT_EQ(test, after.leaf_2m, before.leaf_2m + 1);
	KUNIT_EXPECT_EQ(test, after.leaf_4k, before.leaf_4k);
	v3t_expect_reaches(test, w->pdo, address, large);
	v3t_expect_reaches(test, w->pdo, address + 300 * SZ_4K, large + 300);
	v3t_unmap(test, domain, address, 512);
	KUNIT_EXPECT_EQ(test, v3t_stats(w->sim).leaf_2m, before.leaf_2m);
	v3t_expect_blocked(test, w->pdo, address + 300 * SZ_4K);
}

static void gigabyte_uses_one_leaf(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_buddy(test);
	struct iommusim_stats before;
	u64 address;

	v3t_attach(test, domain, w->device);
	before = v3t_stats(w->sim);
	/* No memory need be there as long as no device goes there. */
	address = v3t_map(test, domain, v3t_contiguous(64ULL * SZ_1G, SZ_1G));
	KUNIT_EXPECT_EQ(test, v3t_stats(w->sim).leaf_1g, before.leaf_1g + 1);
	KUNIT_EXPECT_EQ(test, v3t_stats(w->sim).leaf_4k, before.leaf_4k);
	v3t_expect_fault(test, w->pdo, address, false, IOMMUSIM_FAULT_PHYS);
	v3t_unmap(test, domain, address, SZ_1G / SZ_4K);
	v3t_expect_blocked(test, w->pdo, address);
}

static void small_pages_where_there_are_no_large_ones(struct kunit *test)
{
	static const struct iommusim_config small = { .pgsize_bitmap = SZ_4K };
	struct iommusim *sim = v3t_sim(test, &small);
	struct device *pdo = v3t_pdo(test, sim, NULL);
	PIOMMU_DMA_DEVICE device = v3t_device(test, pdo);
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	struct page *large = v3t_pages(test, 9);
	u64 before = v3t_stats(sim).leaf_4k;

	v3t_attach(test, domain, device);
	v3t_map_at(test, domain, v3t_of_pages(large, 512), SZ_1G);
	KUNIT_EXPECT_EQ(test, v3t_stats(sim).leaf_4k, before + 512);
	v3t_expect_reaches(test, pdo, SZ_1G + 511 * SZ_4K, large + 511);
}

static void memory_shortage_is_undone(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct page **pages = v3t_scattered(test, 4);
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_pfns(test, pages, 4);
	/* The second half needs tables of its own: five in all. */
	IOMMU_DMA_LOGICAL_ADDRESS at = SZ_1G - SZ_8K;
	PIOMMU_DMA_DOMAIN domain = NULL, buddy = v3t_buddy(test);
	u64 leaves = v3t_stats(w->sim).leaf_4k;
	unsigned int skip;

	for (skip = 0; skip < 5; skip++) {
		domain = v3t_explicit(test);
		iommusim_fail_tables(w->sim, skip, 1);
		REFUSE_V3(test, STATUS_INSUFFICIENT_RESOURCES, MapLogicalRangeEx, domain, V3T_RW,
			  &what, &at, NULL, NULL, &w->out.address);
		KUNIT_EXPECT_EQ(test, v3t_stats(w->sim).leaf_4k, leaves);
	}
	v3t_map_at(test, domain, what, at);
	v3t_attach(test, domain, w->device);
	v3t_expect_reaches_all(test, w->pdo, at, pages, 4);

	iommusim_fail_tables(w->sim, 0, 1);
	REFUSE_V3(test, STATUS_INSUFFICIENT_RESOURCES, MapLogicalRangeEx, buddy, V3T_RW, &what,
		  NULL, NULL, NULL, &w->out.address);
	KUNIT_EXPECT_EQ(test, v3t_map(test, buddy, what), SZ_16K);
}

static struct kunit_case map_cases[] = {
	KUNIT_CASE_PARAM(every_description_becomes_one_range, form_gen_params),
	KUNIT_CASE(frames_are_read_during_the_call_only),
	KUNIT_CASE_PARAM(permissions_bind_the_device, access_gen_params),
	KUNIT_CASE_PARAM(collision_is_refused, overlap_gen_params),
	KUNIT_CASE_PARAM(collision_is_refused_where_hardware_keeps, overlap_gen_params),
	KUNIT_CASE_PARAM(collision_is_refused_where_hardware_replaces, overlap_gen_params),
	KUNIT_CASE(neighbours_do_not_collide),
	KUNIT_CASE(explicit_domain_takes_any_page),
	KUNIT_CASE(address_and_allocator_exclude_each_other),
	KUNIT_CASE_PARAM(bounds_hold_both_ends, bounds_gen_params),
	KUNIT_CASE(bounds_hold_wherever_the_last_page_was),
	KUNIT_CASE(bounds_exhaust_as_bounds),
	KUNIT_CASE_PARAM(blocks_are_powers_of_two, size_gen_params),
	KUNIT_CASE(narrow_allocator_runs_out_and_recovers),
	KUNIT_CASE(widest_allocator_stays_below_the_aperture),
	KUNIT_CASE_PARAM(adjacent_pages_use_large_leaves, leaf_gen_params),
	KUNIT_CASE(gigabyte_uses_one_leaf),
	KUNIT_CASE(small_pages_where_there_are_no_large_ones),
	KUNIT_CASE(memory_shortage_is_undone),
	{}
};

static struct kunit_suite map_suite = {
	.name = "v3compat_map",
	.init = v3t_init,
	.exit = v3t_exit,
	.test_cases = map_cases,
};

kunit_test_suite(map_suite);
