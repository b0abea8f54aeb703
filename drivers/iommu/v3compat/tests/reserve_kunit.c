// SPDX-License-Identifier: GPL-2.0
/* Reserved ranges: tokens, segments, and the promise that mapping needs no memory. */
#include <linux/cpumask.h>
#include <linux/sched.h>

#include "alloc_fail.h"
#include "fixture.h"
#include "thread.h"

static const struct token_case {
	const char *name;
	ULONG width;
	SIZE_T size;
} token_cases[] = {
	{ "one page, explicit", 0, SZ_4K },
	{ "seven pages, explicit", 0, 7 * SZ_4K },
	{ "32 MiB, explicit", 0, SZ_32M },
	{ "one page, allocator", 48, SZ_4K },
	{ "seven pages, allocator", 48, 7 * SZ_4K },
	{ "32 MiB, allocator", 48, SZ_32M },
};

static void token_name(const struct token_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(token, token_cases, token_name);

static void token_lives_through_commits(struct kunit *test)
{
	const struct token_case *c = test->param_value;
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_domain(test, DomainTypeTranslate, c->width);
	/* Not congruent to anything large, and across last-level tables when it is big. */
	const u64 at = SZ_1G - 3 * SZ_4K;
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token;
	struct page *page = v3t_pages(test, 0);
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT segment;
	SIZE_T offsets[] = { 0, c->size - SZ_4K, round_down(c->size / 2, SZ_4K) };
	int i, round;

	v3t_attach(test, domain, w->device);
	token = v3t_reserve(test, domain, c->size, c->width ? NULL : &at);
	KUNIT_EXPECT_EQ(test, token->Size, c->size);
	if (!c->width)
		KUNIT_EXPECT_EQ(test, token->LogicalAddressBase, at);
	for (round = 0; round < 2; round++) {
		for (i = 0; i < ARRAY_SIZE(offsets); i++) {
			u64 address = token->LogicalAddressBase + offsets[i];

			v3t_expect_blocked(test, w->pdo, address);
			segment = v3t_map_reserved(test, token, offsets[i], v3t_of_page(page));
			KUNIT_EXPECT_PTR_EQ(test, segment->OwningToken, token);
			KUNIT_EXPECT_EQ(test, segment->Offset, offsets[i]);
			KUNIT_EXPECT_EQ(test, segment->Size, SZ_4K);
			v3t_expect_reaches(test, w->pdo, address, page);
			v3t_unmap_reserved(test, segment);
			v3t_expect_blocked(test, w->pdo, address);
		}
	}
	v3t_free_token(test, token);
	v3t_expect_no_stale_hits(test, w->sim);
}

static void segments_live_side_by_side(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_buddy(test);
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token = v3t_reserve(test, domain, SZ_64K, NULL);
	struct page **pages = v3t_scattered(test, 6);
	IOMMU_MAP_PHYSICAL_ADDRESS two = v3t_of_pfns(test, pages, 2);
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT middle;
	u64 base = token->LogicalAddressBase;

	v3t_attach(test, domain, w->device);
	v3t_map_reserved(test, token, 0, two);
	v3t_map_reserved(test, token, 4 * SZ_4K, v3t_of_mdl(v3t_mdl_of(test, pages + 4, 2)));
	middle = v3t_map_reserved(test, token, 2 * SZ_4K, v3t_of_pfns(test, pages + 2, 2));
	v3t_expect_reaches_all(test, w->pdo, base, pages, 6);
	REFUSE_V3(test, STATUS_RESOURCE_IN_USE, MapReservedLogicalRange, token, SZ_4K, V3T_RW, &two,
		  &w->out.segment);
	REFUSE_V3(test, STATUS_RESOURCE_IN_USE, MapReservedLogicalRange, token, 5 * SZ_4K, V3T_RW,
		  &two, &w->out.segment);
	v3t_unmap_reserved(test, middle);
	v3t_expect_reaches_all(test, w->pdo, base, pages, 2);
	v3t_expect_blocked(test, w->pdo, base + 2 * SZ_4K);
	v3t_expect_blocked(test, w->pdo, base + 3 * SZ_4K);
	v3t_expect_reaches_all(test, w->pdo, base + 4 * SZ_4K, pages + 4, 2);
}

static void offsets_stay_inside_the_token(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	const u64 at = SZ_1M;
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token = v3t_reserve(test, domain, SZ_16K, &at);
	struct page *page = v3t_pages(test, 1);
	IOMMU_MAP_PHYSICAL_ADDRESS two = v3t_of_pages(page, 2);

	REFUSE_V3(test, STATUS_INVALID_PARAMETER_2, MapReservedLogicalRange, token, SZ_16K, V3T_RW,
		  &two, &w->out.segment);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_2, MapReservedLogicalRange, token,
		  ~0UL - SZ_4K + 1, V3T_RW, &two, &w->out.segment);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_2, MapReservedLogicalRange, token, 1, V3T_RW,
		  &two, &w->out.segment);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_4, MapReservedLogicalRange, token, 3 * SZ_4K,
		  V3T_RW, &two, &w->out.segment);
	v3t_map_reserved(test, token, 2 * SZ_4K, two);
}

static void segment_may_be_copied_but_unmapped_once(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_buddy(test);
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token = v3t_reserve(test, domain, SZ_64K, NULL);
	struct page *page = v3t_pages(test, 1);
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT original;
	IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT copy, part;

	v3t_attach(test, domain, w->device);
	original = v3t_map_reserved(test, token, SZ_8K, v3t_of_pages(page, 2));
	copy = *original;
	part = *original;
	part.Size = SZ_4K;
	EXPECT_V3(test, STATUS_INVALID_PARAMETER, UnmapReservedLogicalRange, &part);
	part = *original;
	part.Offset += SZ_4K;
	part.Size = SZ_4K;
	EXPECT_V3(test, STATUS_INVALID_PARAMETER, UnmapReservedLogicalRange, &part);
	part.Size = SZ_8K;
	EXPECT_V3(test, STATUS_INVALID_PARAMETER, UnmapReservedLogicalRange, &part);
	part.Offset = SZ_64K;
	EXPECT_V3(test, STATUS_INVALID_PARAMETER, UnmapReservedLogicalRange, &part);
	v3t_expect_reaches(test, w->pdo, token->LogicalAddressBase + SZ_8K, page);

	EXPECT_V3(test, STATUS_SUCCESS, UnmapReservedLogicalRange, &copy);
	v3t_expect_blocked(test, w->pdo, token->LogicalAddressBase + SZ_8K);
	EXPECT_V3(test, STATUS_INVALID_PARAMETER, UnmapReservedLogicalRange, &copy);
	EXPECT_V3(test, STATUS_INVALID_PARAMETER, UnmapReservedLogicalRange, original);
	EXPECT_V3(test, STATUS_INVALID_PARAMETER, UnmapReservedLogicalRange, NULL);
}

static void neighbouring_segments_are_not_one(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_buddy(test);
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token = v3t_reserve(test, domain, SZ_64K, NULL);
	struct page **pages = v3t_scattered(test, 2);
	IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT both;

	v3t_attach(test, domain, w->device);
	both = *v3t_map_reserved(test, token, 0, v3t_of_page(pages[0]));
	v3t_map_reserved(test, token, SZ_4K, v3t_of_page(pages[1]));
	both.Size = SZ_8K;
	EXPECT_V3(test, STATUS_INVALID_PARAMETER, UnmapReservedLogicalRange, &both);
	v3t_expect_reaches_all(test, w->pdo, token->LogicalAddressBase, pages, 2);
}

static void free_waits_for_segments(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_buddy(test);
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token = v3t_reserve(test, domain, SZ_64K, NULL);
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_page(v3t_pages(test, 0));
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT segment;
	IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT stale;

	segment = v3t_map_reserved(test, token, 0, what);
	stale = *segment;
	REFUSE_V3(test, STATUS_RESOURCE_IN_USE, FreeReservedLogicalAddressRange, token);
	REFUSE_V3(test, STATUS_RESOURCE_IN_USE, DeleteDomain, domain);
	v3t_unmap_reserved(test, segment);
	v3t_free_token(test, token);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, FreeReservedLogicalAddressRange, token);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, MapReservedLogicalRange, token, 0, V3T_RW,
		  &what, &w->out.segment);
	EXPECT_V3(test, STATUS_INVALID_PARAMETER, UnmapReservedLogicalRange, &stale);
	v3t_delete_domain(test, domain);
}

static void range_is_out_of_circulation(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN explicit = v3t_explicit(test);
	PIOMMU_DMA_DOMAIN narrow = v3t_domain(test, DomainTypeTranslate, 14);
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_page(v3t_pages(test, 0));
	IOMMU_DMA_LOGICAL_ADDRESS at = SZ_1M + SZ_4K;
	const u64 base = SZ_1M;
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token = v3t_reserve(test, explicit, SZ_16K, &base);

	REFUSE_V3(test, STATUS_RESOURCE_IN_USE, MapLogicalRangeEx, explicit, V3T_RW, &what, &at,
		  NULL, NULL, &w->out.address);
	REFUSE_V3(test, STATUS_RESOURCE_IN_USE, ReserveLogicalAddressRange, explicit, SZ_4K, &at,
		  NULL, NULL, &w->out.token);
	v3t_free_token(test, token);
	v3t_map_at(test, explicit, what, at);

	/* Pages 2 and 3 are the only aligned pair. */
	token = v3t_reserve(test, narrow, SZ_8K, NULL);
	KUNIT_EXPECT_EQ(test, token->LogicalAddressBase, SZ_8K);
	v3t_map(test, narrow, what);
	REFUSE_V3(test, STATUS_INSUFFICIENT_RESOURCES, MapLogicalRangeEx, narrow, V3T_RW, &what,
		  NULL, NULL, NULL, &w->out.address);
	v3t_free_token(test, token);
	v3t_map(test, narrow, what);
}

static void commits_use_small_leaves_only(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	const u64 at = SZ_1G;
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token = v3t_reserve(test, domain, SZ_4M, &at);
	struct page *large = v3t_pages(test, 9);
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT segment;
	struct iommusim_stats before, after;

	v3t_attach(test, domain, w->device);
	before = v3t_stats(w->sim);
	segment = v3t_map_reserved(test, token, SZ_2M, v3t_of_pages(large, 512));
	after = v3t_stats(w->sim);
	KUNIT_EXPECT_EQ(test, after.leaf_4k, before.leaf_4k + 512);
	KUNIT_EXPECT_EQ(test, after.leaf_2m, before.leaf_2m);
	if (!v3t_maps_take_memory())
		KUNIT_EXPECT_EQ(test, after.tables, before.tables);
	v3t_expect_reaches(test, w->pdo, SZ_1G + SZ_2M + 511 * SZ_4K, large + 511);
	v3t_unmap_reserved(test, segment);
	after = v3t_stats(w->sim);
	KUNIT_EXPECT_EQ(test, after.leaf_4k, before.leaf_4k);
	if (!v3t_maps_take_memory())
		KUNIT_EXPECT_EQ(test, after.tables, before.tables);
	v3t_expect_blocked(test, w->pdo, SZ_1G + SZ_2M + 511 * SZ_4K);
}

static void later_attach_gets_the_reservation(struct kunit *test)
{
	static const struct iommusim_config own = { .quirks = IOMMUSIM_OWN_DOMAINS };
	struct v3t_world *w = test->priv;
	struct iommusim *sim = v3t_sim(test, &own);
	struct device *pdo = v3t_pdo(test, sim, NULL);
	PIOMMU_DMA_DEVICE device;
	PIOMMU_DMA_DOMAIN domain;
	const u64 at = SZ_1G - SZ_2M;
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token;
	struct page *page = v3t_pages(test, 0);
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT segment;
	u64 tables;

	domain = v3t_explicit(test);
	v3t_attach(test, domain, w->device);
	token = v3t_reserve(test, domain, SZ_8M, &at);
	segment = v3t_map_reserved(test, token, 0, v3t_of_page(page));
	device = v3t_device(test, pdo);
	v3t_attach(test, domain, device);
	v3t_expect_reaches(test, pdo, SZ_1G - SZ_2M, page);
	tables = v3t_stats(sim).tables;
	v3t_map_reserved(test, token, SZ_4M, v3t_of_page(page));
	if (!v3t_maps_take_memory())
		KUNIT_EXPECT_EQ(test, v3t_stats(sim).tables, tables);
	v3t_expect_reaches(test, pdo, SZ_1G + SZ_2M, page);
	v3t_unmap_reserved(test, segment);
	v3t_expect_blocked(test, pdo, SZ_1G - SZ_2M);
	v3t_expect_blocked(test, w->pdo, SZ_1G - SZ_2M);
	v3t_expect_no_stale_hits(test, sim);
}

static void table_shortage_fails_the_reserve_not_the_map(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	IOMMU_DMA_LOGICAL_ADDRESS at = SZ_1G - SZ_4M;
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_page(v3t_pages(test, 0));
	u64 tables = v3t_stats(w->sim).tables;
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token;
	PIOMMU_DMA_DOMAIN domain;
	unsigned int skip;

	if (v3t_maps_take_memory())
		kunit_skip(test, "a reservation builds no tables where each map takes memory");
	/* Two upper tables, four last-level ones, two of these behind a third upper one. */
	for (skip = 0; skip < 7; skip++) {
		domain = v3t_explicit(test);
		iommusim_fail_tables(w->sim, skip, 1);
		REFUSE_V3(test, STATUS_INSUFFICIENT_RESOURCES, ReserveLogicalAddressRange, domain,
			  SZ_8M, &at, NULL, NULL, &w->out.token);
		v3t_map_at(test, domain, what, at);
		v3t_delete_domain(test, domain);
		KUNIT_EXPECT_EQ(test, v3t_stats(w->sim).tables, tables);
	}
	token = v3t_reserve(test, v3t_explicit(test), SZ_8M, &at);
	iommusim_fail_tables(w->sim, 0, ~0U);
	v3t_map_reserved(test, token, SZ_2M, what);
	iommusim_fail_tables(w->sim, 0, 0);
}

#define PROOF_PAGES	500

/* What the proof needs, prepared while memory can still be had. */
struct proof {
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token;
	IOMMU_MAP_PHYSICAL_ADDRESS forms[4];
	IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT segments[4];
	NTSTATUS mapped[4], unmapped[4], ordinary;
};

static void prove(struct kunit *test, struct proof *p, PIOMMU_DMA_DOMAIN domain,
		  IOMMU_DMA_LOGICAL_ADDRESS *at, PIOMMU_DMA_LOGICAL_ADDRESS out)
{
	DMA_IOMMU_INTERFACE_V3 *v3 = V3T_V3(test);
	int i;

	v3t_alloc_fail_begin();
	for (i = 0; i < 4; i++)
		p->mapped[i] = v3->MapReservedLogicalRange(p->token, i * SZ_4M + SZ_1M, V3T_RW,
							   &p->forms[i], &p->segments[i]);
	p->ordinary = v3->MapLogicalRangeEx(domain, V3T_RW, &p->forms[0], at, NULL, NULL, out);
	v3t_alloc_fail_end();
}

static void prove_unmap(struct kunit *test, struct proof *p)
{
	DMA_IOMMU_INTERFACE_V3 *v3 = V3T_V3(test);
	int i;

	v3t_alloc_fail_begin();
	for (i = 0; i < 4; i++)
		p->unmapped[i] = v3->UnmapReservedLogicalRange(&p->segments[i]);
	v3t_alloc_fail_end();
}

static const struct proof_case {
	const char *name;
	ULONG width;
	u32 quirks;
} proof_cases[] = {
	{ "explicit", 0, 0 },
	{ "allocator", 48, 0 },
	{ "explicit, old unmap rules", 0, IOMMUSIM_UNMAP_WHOLE | IOMMUSIM_OVERLAP_KEEP },
	{ "allocator, own domains", 48, IOMMUSIM_OWN_DOMAINS },
};

static void proof_name(const struct proof_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(proof, proof_cases, proof_name);

static void mapping_needs_no_memory(struct kunit *test)
{
	const struct proof_case *c = test->param_value;
	const struct iommusim_config config = { .quirks = c->quirks };
	struct v3t_world *w = test->priv;
	struct device *pdo = v3t_pdo(test, v3t_sim(test, &config), NULL);
	PIOMMU_DMA_DEVICE device = v3t_device(test, pdo);
	PIOMMU_DMA_DOMAIN domain = v3t_domain(test, DomainTypeTranslate, c->width);
	struct page **pages = v3t_scattered(test, PROOF_PAGES);
	struct proof *p = kunit_kzalloc(test, sizeof(*p), GFP_KERNEL);
	const u64 base = SZ_1G - SZ_8M;
	IOMMU_DMA_LOGICAL_ADDRESS at = 5ULL * SZ_1G;
	u64 first;
	int i;

	V3T_REQUIRE_ALLOC_FAIL(test);
	if (v3t_maps_take_memory())
		kunit_skip(test, "each map takes memory");
	KUNIT_ASSERT_NOT_NULL(test, p);
	v3t_attach(test, domain, w->device);
	p->token = v3t_reserve(test, domain, SZ_16M, c->width ? NULL : &base);
	v3t_attach(test, domain, device);
	/* Across the boundary of two last-level tables. */
	first = p->token->LogicalAddressBase + SZ_1M;
	p->forms[0] = v3t_of_pfns(test, pages, PROOF_PAGES);
	p->forms[1] = v3t_of_mdl(v3t_mdl_of(test, pages, PROOF_PAGES));
	p->forms[2] = v3t_of_pages(v3t_pages(test, 9), 512);
	p->forms[3] = v3t_of_page(pages[7]);

	v3t_poison(w);
	prove(test, p, domain, c->width ? NULL : &at, &w->out.address);
	for (i = 0; i < 4; i++)
		EXPECT_RESULT(test, STATUS_SUCCESS, MapReservedLogicalRange, p->mapped[i]);
	EXPECT_RESULT(test, STATUS_INSUFFICIENT_RESOURCES, MapLogicalRangeEx, p->ordinary);
	KUNIT_EXPECT_TRUE(test, v3t_is_poisoned(&w->out, sizeof(w->out)));
	v3t_expect_reaches_all(test, w->pdo, first, pages, PROOF_PAGES);
	v3t_expect_reaches_all(test, pdo, first + SZ_4M, pages, PROOF_PAGES);
	v3t_expect_reaches(test, pdo, first + 3 * SZ_4M, pages[7]);
	v3t_expect_blocked(test, pdo, at);

	prove_unmap(test, p);
	for (i = 0; i < 4; i++)
		EXPECT_RESULT(test, STATUS_SUCCESS, UnmapReservedLogicalRange, p->unmapped[i]);
	v3t_expect_blocked(test, w->pdo, first);
	v3t_expect_blocked(test, pdo, first + SZ_4M);
}

/* Frees a token on another CPU while this one maps in it. */
struct free_race {
	NTSTATUS (*free)(PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token);
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token;
	NTSTATUS status;
};

static int free_in_a_race(void *arg)
{
	struct free_race *race = arg;

	/* In use means that the other side had a segment at that moment. */
	do {
		race->status = race->free(race->token);
		cond_resched();
	} while (race->status == STATUS_RESOURCE_IN_USE);
	return 0;
}

/* Returns what the first refused map said. */
static NTSTATUS race_once(struct kunit *test, PIOMMU_DMA_DOMAIN domain,
			  IOMMU_MAP_PHYSICAL_ADDRESS what)
{
	DMA_IOMMU_INTERFACE_V3 *v3 = V3T_V3(test);
	IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT segment;
	struct free_race race = { .free = v3->FreeReservedLogicalAddressRange };
	struct v3t_thread thread;
	NTSTATUS status;

	ASSERT_V3(test, STATUS_SUCCESS, ReserveLogicalAddressRange, domain, SZ_16M, NULL, NULL,
		  NULL, &race.token);
	v3t_thread_start(&thread, free_in_a_race, &race);
	do {
		status = v3->MapReservedLogicalRange(race.token, 0, V3T_RW, &what, &segment);
		if (!NT_SUCCESS(status))
			break;
		EXPECT_V3(test, STATUS_SUCCESS, UnmapReservedLogicalRange, &segment);
		cond_resched();
	} while (!IS_ERR(thread.task));
	if (v3t_thread_join(&thread)) {
		v3t_adopt_token(test, race.token);
		KUNIT_FAIL_AND_ABORT(test, "no thread");
	}
	EXPECT_RESULT(test, STATUS_SUCCESS, FreeReservedLogicalAddressRange, race.status);
	return status;
}

static void map_races_with_free(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_buddy(test);
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_page(v3t_pages(test, 0));
	NTSTATUS status;
	int i;

	v3t_attach(test, domain, w->device);
	for (i = 0; i < 500; i++) {
		status = race_once(test, domain, what);
		if (status == STATUS_UNSUCCESSFUL)
			break;
		EXPECT_RESULT(test, STATUS_INVALID_PARAMETER_1, MapReservedLogicalRange, status);
	}
	v3t_expect_no_stale_hits(test, w->sim);
	if (status != STATUS_UNSUCCESSFUL && num_online_cpus() == 1)
		kunit_skip(test, "a map can meet a token that is being freed on two CPUs only");
	EXPECT_RESULT(test, STATUS_UNSUCCESSFUL, MapReservedLogicalRange, status);
}

static struct kunit_case reserve_cases[] = {
	KUNIT_CASE_PARAM(token_lives_through_commits, token_gen_params),
	KUNIT_CASE(segments_live_side_by_side),
	KUNIT_CASE(offsets_stay_inside_the_token),
	KUNIT_CASE(segment_may_be_copied_but_unmapped_once),
	KUNIT_CASE(neighbouring_segments_are_not_one),
	KUNIT_CASE(free_waits_for_segments),
	KUNIT_CASE(range_is_out_of_circulation),
	KUNIT_CASE(commits_use_small_leaves_only),
	KUNIT_CASE(later_attach_gets_the_reservation),
	KUNIT_CASE(table_shortage_fails_the_reserve_not_the_map),
	KUNIT_CASE_PARAM(mapping_needs_no_memory, proof_gen_params),
	KUNIT_CASE(map_races_with_free),
	{}
};

static struct kunit_suite reserve_suite = {
	.name = "v3compat_reserve",
	.init = v3t_init,
	.exit = v3t_exit,
	.test_cases = reserve_cases,
};

kunit_test_suite(reserve_suite);
