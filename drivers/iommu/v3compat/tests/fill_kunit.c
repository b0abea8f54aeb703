// SPDX-License-Identifier: GPL-2.0
/*
 * A page table under construction is filled in steps with interrupts off: each looks at a bounded
 * part of a range, however large that is, and none starts over because of what others do elsewhere.
 */
#include <linux/bitmap.h>
#include <linux/module.h>

#include <kcompat.h>

#include "core/domain.h"
#include "fixture.h"
#include "table/hwpt.h"
#include "table/space.h"

V3C_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);

/* NUMBERS is memory that no machine of these tests has: nothing here does a DMA. */
#define NUMBERS		(64ULL * SZ_1G)
/* AREA is where the ranges are, and ELSEWHERE is not. */
#define AREA		((u64)SZ_1G)
#define AREA_PAGES	(1U << 14)
#define FIRST		(AREA / SZ_4K)
#define ELSEWHERE	(4ULL * SZ_1G)

/**
 * struct copy - a copy of what a domain has, which goes nowhere
 * @space: of the domain
 * @pieces: how many there were
 * @ahead: most pages that were known from a piece on
 * @again: pages that were copied twice
 * @stray: pages that are not in the area
 * @contiguous: what was known of the last
 * @pages: of the area, that were copied
 */
struct copy {
	struct v3c_space *space;
	unsigned int pieces;
	u64 ahead;
	unsigned int again;
	unsigned int stray;
	bool contiguous;
	DECLARE_BITMAP(pages, AREA_PAGES);
};

/* The largest piece that there can be of a range that is no run. */
static int copy_piece(void *arg, const struct v3c_view *range, u64 at, u64 *pages)
{
	struct copy *copy = arg;
	u64 i;

	*pages = min(range->last - at + 1, V3C_SPAN_PAGES - (at & (V3C_SPAN_PAGES - 1)));
	for (i = at; i < at + *pages; i++) {
		if (i < FIRST || i >= FIRST + AREA_PAGES)
			copy->stray++;
		else
			copy->again += __test_and_set_bit(i - FIRST, copy->pages);
	}
	copy->pieces++;
	copy->ahead = max(copy->ahead, range->last - at + 1);
	copy->contiguous = range->contiguous;
	return 0;
}

/*
 * Two page tables, so that no operation is quick. Operations look under the lock while the copy
 * goes on, as they do while a third one is filled.
 */
static struct copy *start_copy(struct kunit *test, PIOMMU_DMA_DOMAIN domain)
{
	struct v3c_space *space = &((struct v3c_domain *)domain)->space;
	struct copy *copy = kunit_kzalloc(test, sizeof(*copy), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, copy);
	copy->space = space;
	guard(spinlock_irqsave)(&space->lock);
	space->locked = true;
	space->filled = 0;
	space->copied.first = U64_MAX;
	return copy;
}

static PIOMMU_DMA_DOMAIN domain_of_two(struct kunit *test)
{
	static const struct iommusim_config own = { .quirks = IOMMUSIM_OWN_DOMAINS };
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	struct v3t_world *w = test->priv;

	v3t_attach(test, domain, w->device);
	v3t_attach(test, domain, v3t_device(test, v3t_pdo(test, v3t_sim(test, &own), NULL)));
	return domain;
}

static void copy_step(struct kunit *test, struct copy *copy)
{
	KUNIT_ASSERT_EQ(test, 0, v3c_space_fill_step(copy->space, true, copy_piece, copy));
}

static void copy_pieces(struct kunit *test, struct copy *copy, unsigned int pieces)
{
	unsigned int steps = 0;

	for (pieces += copy->pieces; copy->pieces < pieces; steps++) {
		KUNIT_ASSERT_LT(test, steps, 100000);
		copy_step(test, copy);
	}
}

/* The rest, and what must be true of all of it. */
static void finish_copy(struct kunit *test, struct copy *copy)
{
	unsigned int steps = 0;

	for (; copy->space->filled != U64_MAX; steps++) {
		KUNIT_ASSERT_LT(test, steps, 100000);
		copy_step(test, copy);
	}
	WRITE_ONCE(copy->space->locked, false);
	KUNIT_EXPECT_EQ(test, copy->again, 0);
	KUNIT_EXPECT_EQ(test, copy->stray, 0);
}

static PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT
map_segment(struct kunit *test, PIOMMU_DMA_DOMAIN domain)
{
	const u64 at = AREA;

	return v3t_map_reserved(test, v3t_reserve(test, domain, AREA_PAGES * SZ_4K, &at), 0,
				v3t_contiguous(NUMBERS, AREA_PAGES * SZ_4K));
}

static void segment_is_looked_at_in_parts(struct kunit *test)
{
	PIOMMU_DMA_DOMAIN domain = domain_of_two(test);
	struct copy *copy;

	map_segment(test, domain);
	copy = start_copy(test, domain);
	finish_copy(test, copy);
	KUNIT_EXPECT_EQ(test, copy->pieces, AREA_PAGES / V3C_SPAN_PAGES);
	KUNIT_EXPECT_TRUE(test, bitmap_full(copy->pages, AREA_PAGES));
	KUNIT_EXPECT_TRUE(test, copy->contiguous);
	/* To the end of the leaf that has the first page that does not matter. */
	KUNIT_EXPECT_LE(test, copy->ahead, 2 * V3C_SPAN_PAGES);
}

static void copy_goes_on_while_others_work_elsewhere(struct kunit *test)
{
	PIOMMU_DMA_DOMAIN domain = domain_of_two(test);
	struct page *page = v3t_pages(test, 0);
	struct copy *copy;
	unsigned int i;

	map_segment(test, domain);
	copy = start_copy(test, domain);
	for (i = 1; i < AREA_PAGES / V3C_SPAN_PAGES; i++) {
		copy_pieces(test, copy, 1);
		v3t_map_at(test, domain, v3t_of_page(page), ELSEWHERE);
		v3t_map_at(test, domain, v3t_of_page(page), AREA - SZ_4K);
		v3t_unmap(test, domain, AREA - SZ_4K, 1);
		v3t_unmap(test, domain, ELSEWHERE, 1);
		KUNIT_EXPECT_EQ(test, copy->space->copied.first, FIRST);
		KUNIT_EXPECT_GE(test, copy->space->copied.last, copy->space->filled);
	}
	finish_copy(test, copy);
	KUNIT_EXPECT_TRUE(test, bitmap_full(copy->pages, AREA_PAGES));
}

static void unmap_ends_the_copy_of_a_segment(struct kunit *test)
{
	PIOMMU_DMA_DOMAIN domain = domain_of_two(test);
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT segment = map_segment(test, domain);
	struct copy *copy = start_copy(test, domain);

	copy_pieces(test, copy, 3);
	v3t_unmap_reserved(test, segment);
	KUNIT_EXPECT_EQ(test, copy->space->copied.first, U64_MAX);
	finish_copy(test, copy);
	KUNIT_EXPECT_EQ(test, copy->pieces, 3);
	KUNIT_EXPECT_EQ(test, bitmap_weight(copy->pages, AREA_PAGES), 3 * V3C_SPAN_PAGES);
}

/* CUT_PAGES is a range that is cut after two pieces: then pages up to 767 are known. */
#define CUT_PAGES	1200U

static const struct cut_case {
	const char *name;
	unsigned int first, last;
	bool known;
} cut_cases[] = {
	{ "behind what is known", 900, 999, false },
	{ "next to what is known", 768, 900, false },
	{ "the rest, next to what is known", 768, CUT_PAGES - 1, false },
	{ "the last page that is known", 767, 767, true },
	{ "what comes next", 512, 599, true },
	{ "from what is copied on", 500, 999, true },
	{ "the start", 0, 99, true },
	{ "what is copied", 0, 511, true },
	{ "the middle of what is copied", 256, 300, true },
	{ "all", 0, CUT_PAGES - 1, true },
};

static void cut_name(const struct cut_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(cut, cut_cases, cut_name);

/* What is left of the range is copied, each page once, and nothing of what was cut off. */
static void range_is_cut_while_it_is_copied(struct kunit *test)
{
	struct page **pages = kunit_kcalloc(test, CUT_PAGES, sizeof(*pages), GFP_KERNEL);
	const struct cut_case *c = test->param_value;
	PIOMMU_DMA_DOMAIN domain = domain_of_two(test);
	struct page *page = v3t_pages(test, 0);
	struct copy *copy;
	unsigned int i;

	if (v3t_behaves(IOMMUSIM_WHOLE_MAPS))
		kunit_skip(test, "the IOMMU driver cuts nothing");
	KUNIT_ASSERT_NOT_NULL(test, pages);
	/* No page follows another in memory, so that no driver makes larger leaves of them. */
	for (i = 0; i < CUT_PAGES; i++)
		pages[i] = page;
	v3t_map_at(test, domain, v3t_of_pfns(test, pages, CUT_PAGES), AREA);
	copy = start_copy(test, domain);
	copy_pieces(test, copy, 2);
	KUNIT_EXPECT_EQ(test, copy->space->filled, FIRST + 512);
	KUNIT_EXPECT_EQ(test, copy->space->copied.last, FIRST + 767);
	v3t_unmap(test, domain, AREA + c->first * SZ_4K, c->last - c->first + 1);
	KUNIT_EXPECT_EQ(test, copy->space->copied.first, c->known ? U64_MAX : FIRST);
	finish_copy(test, copy);
	for (i = 0; i < CUT_PAGES; i++)
		KUNIT_EXPECT_EQ_MSG(test, test_bit(i, copy->pages),
				    i < 512 || i < c->first || i > c->last, "page %u", i);
	KUNIT_EXPECT_EQ(test, find_next_bit(copy->pages, AREA_PAGES, CUT_PAGES), AREA_PAGES);
	KUNIT_EXPECT_FALSE(test, copy->contiguous);
}

/* Leaves of cells, which are there for a while, so that each page has a cell of its own. */
static void leave_leaves(struct kunit *test, PIOMMU_DMA_DOMAIN domain, u64 at)
{
	struct page *page = v3t_pages(test, 0);
	unsigned int i;

	for (i = 0; i < AREA_PAGES; i += V3C_SPAN_PAGES) {
		v3t_map_at(test, domain, v3t_of_page(page), at + i * SZ_4K);
		v3t_unmap(test, domain, at + i * SZ_4K, 1);
	}
}

/*
 * The end of a run says how large leaves may be, so that all of it is looked at before some is
 * copied; but not in one step, where each page has a cell of its own.
 */
static void run_is_looked_at_before_it_is_copied(struct kunit *test)
{
	PIOMMU_DMA_DOMAIN domain = domain_of_two(test);
	struct copy *copy;

	leave_leaves(test, domain, AREA);
	v3t_map_at(test, domain, v3t_contiguous(NUMBERS, AREA_PAGES * SZ_4K), AREA);
	copy = start_copy(test, domain);
	copy->space->filled = FIRST;
	copy_step(test, copy);
	KUNIT_EXPECT_EQ(test, copy->pieces, 0);
	KUNIT_EXPECT_EQ(test, copy->space->filled, FIRST);
	copy_pieces(test, copy, 1);
	KUNIT_EXPECT_EQ(test, copy->ahead, AREA_PAGES);
	KUNIT_EXPECT_TRUE(test, copy->contiguous);
	finish_copy(test, copy);
	KUNIT_EXPECT_TRUE(test, bitmap_full(copy->pages, AREA_PAGES));
}

/* A range in the way of a region is looked at in parts, too, and taken over as a whole. */
static void large_range_becomes_a_region(struct kunit *test)
{
	struct iommusim_region region = {
		.first = NUMBERS + SZ_32M, .last = NUMBERS + SZ_32M + SZ_8K - 1,
		.type = IOMMU_RESV_DIRECT, .prot = IOMMU_READ | IOMMU_WRITE,
	};
	struct iommusim_device_config config = { .regions = &region, .nr_regions = 1 };
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_contiguous(NUMBERS, AREA_PAGES * SZ_4K);
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	struct v3c_space *space = &((struct v3c_domain *)domain)->space;
	struct v3t_world *w = test->priv;
	struct v3c_view view;
	u64 cursor = 0;

	v3t_attach(test, domain, w->device);
	leave_leaves(test, domain, NUMBERS);
	ASSERT_V3(test, STATUS_SUCCESS, MapIdentityRangeEx, domain, V3T_RW, &what);
	v3t_attach(test, domain, v3t_device(test, v3t_pdo(test, w->sim, &config)));
	REFUSE_V3(test, STATUS_INVALID_PARAMETER, UnmapIdentityRangeEx, domain, &what);
	do {
		KUNIT_ASSERT_NE(test, cursor, U64_MAX);
	} while (!v3c_space_list(space, &cursor, &view, 1) || view.kind != V3C_RANGE_DIRECT);
	KUNIT_EXPECT_EQ(test, view.first, NUMBERS / SZ_4K);
	KUNIT_EXPECT_EQ(test, view.last, NUMBERS / SZ_4K + AREA_PAGES - 1);
}

static struct kunit_case fill_cases[] = {
	KUNIT_CASE(large_range_becomes_a_region),
	KUNIT_CASE(segment_is_looked_at_in_parts),
	KUNIT_CASE(copy_goes_on_while_others_work_elsewhere),
	KUNIT_CASE(unmap_ends_the_copy_of_a_segment),
	KUNIT_CASE_PARAM(range_is_cut_while_it_is_copied, cut_gen_params),
	KUNIT_CASE(run_is_looked_at_before_it_is_copied),
	{}
};

static struct kunit_suite fill_suite = {
	.name = "v3compat_fill",
	.init = v3t_init,
	.exit = v3t_exit,
	.test_cases = fill_cases,
};

kunit_test_suites(&fill_suite);
