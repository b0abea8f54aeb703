// SPDX-License-Identifier: GPL-2.0
/* What UnmapLogicalRange takes away, what it must not, and when devices notice. */
#include "fixture.h"

struct piece {
	u64 first;
	unsigned int pages;
};

/* Pieces mapped one by one from scattered pages, then one unmap. */
static const struct unmap_case {
	const char *name;
	struct piece mapped[4];
	struct piece unmapped;
} refused_cases[] = {
	{ "nothing there", {}, { 256, 1 } },
	{ "one page more", { { 256, 4 } }, { 256, 5 } },
	{ "one page before", { { 256, 4 } }, { 255, 5 } },
	{ "hole between two", { { 256, 2 }, { 259, 2 } }, { 256, 5 } },
	{ "hole at the end", { { 256, 2 }, { 258, 1 } }, { 256, 4 } },
	{ "hole at the start", { { 257, 2 } }, { 256, 3 } },
	{ "beyond the aperture", { { 256, 4 } }, { 1ULL << 36, 1 } },
	{ "all there is", { { 256, 4 } }, { 0, 1U << 31 } },
}, allowed_cases[] = {
	{ "one mapping", { { 256, 4 } }, { 256, 4 } },
	{ "two neighbours", { { 256, 2 }, { 258, 3 } }, { 256, 5 } },
	{ "four neighbours", { { 256, 1 }, { 259, 1 }, { 257, 1 }, { 258, 1 } }, { 256, 4 } },
	{ "first of two neighbours", { { 256, 2 }, { 258, 2 } }, { 256, 2 } },
	{ "head of a mapping", { { 256, 4 } }, { 256, 1 } },
	{ "tail of a mapping", { { 256, 4 } }, { 258, 2 } },
	{ "middle of a mapping", { { 256, 4 } }, { 257, 2 } },
	{ "tail and head of neighbours", { { 256, 3 }, { 259, 3 } }, { 258, 2 } },
};

static void unmap_name(const struct unmap_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(refused, refused_cases, unmap_name);
KUNIT_ARRAY_PARAM(allowed, allowed_cases, unmap_name);

static bool covers(const struct piece *piece, u64 page)
{
	return page >= piece->first && page - piece->first < piece->pages;
}

/* Maps the pieces of @c: page n of the window at page 250 gets pages[n]. */
static void map_pieces(struct kunit *test, PIOMMU_DMA_DOMAIN domain, struct page **pages)
{
	const struct unmap_case *c = test->param_value;
	const struct piece *p;

	for (p = c->mapped; p < c->mapped + ARRAY_SIZE(c->mapped) && p->pages; p++)
		v3t_map_at(test, domain, v3t_of_pfns(test, pages + p->first - 250, p->pages),
			   p->first * SZ_4K);
}

static void expect_pieces(struct kunit *test, struct page **pages, const struct piece *gone)
{
	const struct unmap_case *c = test->param_value;
	struct v3t_world *w = test->priv;
	u64 page;
	int i;

	for (page = 250; page < 266; page++) {
		bool there = false;

		for (i = 0; i < ARRAY_SIZE(c->mapped); i++)
			there |= covers(&c->mapped[i], page);
		if (gone && covers(gone, page))
			there = false;
		if (there)
			v3t_expect_reaches(test, w->pdo, page * SZ_4K, pages[page - 250]);
		else
			v3t_expect_blocked(test, w->pdo, page * SZ_4K);
	}
}

static void unmap_refused_changes_nothing(struct kunit *test)
{
	const struct unmap_case *c = test->param_value;
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	struct page **pages = v3t_scattered(test, 16);

	v3t_attach(test, domain, w->device);
	map_pieces(test, domain, pages);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER, UnmapLogicalRange, domain,
		  c->unmapped.first * SZ_4K, c->unmapped.pages);
	expect_pieces(test, pages, NULL);
}

static void unmap_takes_exactly_its_range(struct kunit *test)
{
	const struct unmap_case *c = test->param_value;
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	struct page **pages = v3t_scattered(test, 16);

	v3t_attach(test, domain, w->device);
	map_pieces(test, domain, pages);
	expect_pieces(test, pages, NULL);
	v3t_unmap(test, domain, c->unmapped.first * SZ_4K, c->unmapped.pages);
	expect_pieces(test, pages, &c->unmapped);
	v3t_expect_no_stale_hits(test, w->sim);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER, UnmapLogicalRange, domain,
		  c->unmapped.first * SZ_4K, c->unmapped.pages);
	/* What became free can be used again at once. */
	v3t_map_at(test, domain,
		   v3t_of_pfns(test, pages + c->unmapped.first - 250, c->unmapped.pages),
		   c->unmapped.first * SZ_4K);
	expect_pieces(test, pages, NULL);
}

static void allocator_wants_back_what_it_gave(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_buddy(test);
	struct page **pages = v3t_scattered(test, 4);
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_pfns(test, pages, 4);
	u64 first = v3t_map(test, domain, what), second = v3t_map(test, domain, what);
	u64 low = min(first, second);

	v3t_attach(test, domain, w->device);
	KUNIT_EXPECT_EQ(test, abs_diff(first, second), SZ_16K);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER, UnmapLogicalRange, domain, low, 8);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER, UnmapLogicalRange, domain, first, 3);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER, UnmapLogicalRange, domain, first, 5);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER, UnmapLogicalRange, domain, first + SZ_4K, 3);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER, UnmapLogicalRange, domain, first + SZ_4K, 1);
	v3t_expect_reaches_all(test, w->pdo, first, pages, 4);
	v3t_unmap(test, domain, first, 4);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER, UnmapLogicalRange, domain, first, 4);
	v3t_expect_reaches_all(test, w->pdo, second, pages, 4);
}

/* Cuts of 4 MiB of adjacent memory, in KiB from its start. */
static const struct cut_case {
	const char *name;
	unsigned long offset;
	bool congruent;
	unsigned long first, size;
	bool allowed;
} cut_cases[] = {
	{ "head, on a large-page boundary", 0, true, 0, 2048, true },
	{ "tail, on a large-page boundary", 0, true, 2048, 2048, true },
	{ "head, inside a large page", 0, true, 0, 4, false },
	{ "tail, inside a large page", 0, true, 4092, 4, false },
	{ "middle of a large page", 0, true, 1024, 64, false },
	{ "across two large pages", 0, true, 2044, 8, false },
	{ "second large page from its middle", 0, true, 3072, 1024, false },
	{ "incongruent memory, anywhere", SZ_4K, false, 1024, 64, true },
	{ "before the first whole large page", SZ_1M, true, 0, 512, true },
};

static void cut_name(const struct cut_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(cut, cut_cases, cut_name);

/*
 * What one call mapped, or what may be one entry of the size that both addresses allow, stays one.
 */
static bool is_cut_allowed(const struct cut_case *c)
{
	return c->allowed && !v3t_behaves(IOMMUSIM_WHOLE_MAPS) &&
	       !(v3t_joins_pages() && c->congruent);
}

static void cut(struct kunit *test, u32 quirks)
{
	const struct iommusim_config config = { .quirks = quirks };
	const struct cut_case *c = test->param_value;
	struct iommusim *sim = v3t_sim(test, &config);
	struct device *pdo = v3t_pdo(test, sim, NULL);
	PIOMMU_DMA_DEVICE device = v3t_device(test, pdo);
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	struct page *block = v3t_pages(test, 10);
	struct page *start = c->congruent ? block + (c->offset >> PAGE_SHIFT) : block;
	unsigned long pages = 1024 - (c->offset >> PAGE_SHIFT);
	u64 base = SZ_1G + c->offset, first = base + c->first * SZ_1K;
	unsigned long cut_pages = c->size / 4, cut_index = c->first / 4;

	v3t_attach(test, domain, device);
	v3t_map_at(test, domain, v3t_of_pages(start, pages), base);
	v3t_expect_reaches(test, pdo, first, start + cut_index);
	if (is_cut_allowed(c)) {
		v3t_unmap(test, domain, first, cut_pages);
		v3t_expect_blocked(test, pdo, first);
		v3t_expect_blocked(test, pdo, first + (cut_pages - 1) * SZ_4K);
	} else {
		struct v3t_world *w = test->priv;

		REFUSE_V3(test, STATUS_INVALID_PARAMETER, UnmapLogicalRange, domain, first,
			  cut_pages);
		v3t_expect_reaches(test, pdo, first, start + cut_index);
		KUNIT_EXPECT_TRUE(test, v3t_is_poisoned(&w->out, sizeof(w->out)));
	}
	if (cut_index)
		v3t_expect_reaches(test, pdo, first - SZ_4K, start + cut_index - 1);
	if (cut_index + cut_pages < pages)
		v3t_expect_reaches(test, pdo, first + cut_pages * SZ_4K,
				   start + cut_index + cut_pages);
	v3t_expect_no_stale_hits(test, sim);
}

static void cut_spares_large_pages(struct kunit *test)
{
	cut(test, 0);
}

static void cut_spares_large_pages_where_unmap_takes_all(struct kunit *test)
{
	cut(test, IOMMUSIM_UNMAP_WHOLE);
}

static void only_mappings_of_its_own_kind(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	struct page **pages = v3t_scattered(test, 3);
	IOMMU_MAP_PHYSICAL_ADDRESS identity = v3t_of_page(pages[1]);
	const u64 at = SZ_1M, physical = page_to_phys(pages[1]);
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token = v3t_reserve(test, domain, SZ_16K, &at);

	v3t_attach(test, domain, w->device);
	v3t_map_reserved(test, token, 0, v3t_of_page(pages[0]));
	EXPECT_V3(test, STATUS_SUCCESS, MapIdentityRangeEx, domain, V3T_RW, &identity);
	v3t_map_at(test, domain, v3t_of_page(pages[2]), SZ_1M + SZ_16K);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER, UnmapLogicalRange, domain, SZ_1M, 1);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER, UnmapLogicalRange, domain, SZ_1M, 4);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER, UnmapLogicalRange, domain, SZ_1M, 5);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER, UnmapLogicalRange, domain, physical, 1);
	v3t_expect_reaches(test, w->pdo, SZ_1M, pages[0]);
	v3t_expect_reaches(test, w->pdo, physical, pages[1]);
	v3t_expect_reaches(test, w->pdo, SZ_1M + SZ_16K, pages[2]);
}

/* The device keeps using the range, so its IOTLB knows all of it. */
static void no_translation_survives(struct kunit *test)
{
	static const unsigned int orders[] = { 0, 3, 9, 10 };
	struct v3t_world *w = test->priv;
	struct device *second = v3t_pdo(test, w->sim, NULL);
	PIOMMU_DMA_DEVICE device = v3t_device(test, second);
	PIOMMU_DMA_DOMAIN domain = v3t_buddy(test);
	unsigned long pages, i;
	int n;

	v3t_attach(test, domain, w->device);
	v3t_attach(test, domain, device);
	for (n = 0; n < ARRAY_SIZE(orders); n++) {
		struct page *block = v3t_pages(test, orders[n]);
		u64 address;

		pages = 1UL << orders[n];
		address = v3t_map(test, domain, v3t_of_pages(block, pages));
		for (i = 0; i < pages; i += DIV_ROUND_UP(pages, 16)) {
			v3t_expect_reaches(test, w->pdo, address + i * SZ_4K, block + i);
			v3t_expect_reaches(test, second, address + i * SZ_4K, block + i);
		}
		v3t_unmap(test, domain, address, pages);
		for (i = 0; i < pages; i += DIV_ROUND_UP(pages, 16)) {
			v3t_expect_blocked(test, w->pdo, address + i * SZ_4K);
			v3t_expect_blocked(test, second, address + i * SZ_4K);
		}
	}
	KUNIT_EXPECT_GT(test, v3t_stats(w->sim).iotlb_hits, 0);
	v3t_expect_no_stale_hits(test, w->sim);
}

static void flushing_is_harmless(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	PIOMMU_DMA_DOMAIN through = v3t_domain(test, DomainTypePassThrough, 0);
	struct page *page = v3t_pages(test, 0);
	u64 list[2] = { SZ_1M, 0xffffffffffff0fffULL };

	v3t_attach(test, domain, w->device);
	v3t_map_at(test, domain, v3t_of_page(page), SZ_1M);
	v3t_expect_reaches(test, w->pdo, SZ_1M, page);
	EXPECT_V3(test, STATUS_SUCCESS, FlushDomain, domain);
	EXPECT_V3(test, STATUS_SUCCESS, FlushDomain, through);
	EXPECT_V3(test, STATUS_SUCCESS, FlushDomainByVaList, domain, TRUE, 2, list);
	EXPECT_V3(test, STATUS_SUCCESS, FlushDomainByVaList, domain, FALSE, 2, list);
	EXPECT_V3(test, STATUS_SUCCESS, FlushDomainByVaList, domain, FALSE, 0, NULL);
	EXPECT_V3(test, STATUS_SUCCESS, FlushDomainByVaList, through, TRUE, 1, list);
	v3t_expect_reaches(test, w->pdo, SZ_1M, page);
}

static struct kunit_case unmap_cases[] = {
	KUNIT_CASE_PARAM(unmap_refused_changes_nothing, refused_gen_params),
	KUNIT_CASE_PARAM(unmap_takes_exactly_its_range, allowed_gen_params),
	KUNIT_CASE(allocator_wants_back_what_it_gave),
	KUNIT_CASE_PARAM(cut_spares_large_pages, cut_gen_params),
	KUNIT_CASE_PARAM(cut_spares_large_pages_where_unmap_takes_all, cut_gen_params),
	KUNIT_CASE(only_mappings_of_its_own_kind),
	KUNIT_CASE(no_translation_survives),
	KUNIT_CASE(flushing_is_harmless),
	{}
};

static struct kunit_suite unmap_suite = {
	.name = "v3compat_unmap",
	.init = v3t_init,
	.exit = v3t_exit,
	.test_cases = unmap_cases,
};

kunit_test_suite(unmap_suite);
