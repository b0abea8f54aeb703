// SPDX-License-Identifier: GPL-2.0
/*
 * Payloads: each page that a mapping keeps comes back once, when no device reaches it any more, and
 * with no lock held. The device of the world tries, from inside each give-back.
 */
#include <linux/module.h>
#include <linux/preempt.h>
#include <linux/v3compat.h>

#include <kcompat.h>

#include "alloc_fail.h"
#include "base/owner.h"
#include "base/payload.h"
#include "core/attach.h"
#include "core/create.h"
#include "core/device.h"
#include "core/domain.h"
#include "core/map.h"
#include "core/pinned.h"
#include "core/place.h"
#include "core/reclaim.h"
#include "core/reserve.h"
#include "fixture.h"
#include "thread.h"

V3C_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
V3C_IMPORT_NS(V3COMPAT_TEST);

/* Logical pages; the first page of the payload maps to AT where nothing else is said. */
#define AT	((u64)SZ_1G >> 12)
#define PAGES	16
#define MAX_PAGES	160

static const struct v3c_owner user = { .name = "user", .strict = true, .user = true };
/* The core gives nobody the ownership of a device with a region that must be mapped. */
static const struct v3c_owner lenient = { .name = "lenient user", .user = true };

/**
 * struct v3t_kept - the payload of a case, and what came back of it
 * @payload: first
 * @test: the case
 * @pdo: tries to reach what comes back; or NULL
 * @address: logical, of page 0
 * @times: how often each page came back
 * @calls: of release
 */
struct v3t_kept {
	struct v3c_payload payload;
	struct kunit *test;
	struct device *pdo;
	u64 address;
	u8 times[MAX_PAGES];
	unsigned int calls;
};

static void count_page(struct v3t_kept *kept, u64 page)
{
	struct iommusim_fault fault;
	u8 byte;

	KUNIT_ASSERT_LT(kept->test, page, MAX_PAGES);
	kept->times[page]++;
	if (kept->pdo)
		KUNIT_EXPECT_NE_MSG(kept->test, 0,
				    iommusim_dma_read(kept->pdo, IOMMUSIM_NO_PASID,
						      kept->address + (page << 12), &byte, 1,
						      &fault),
				    "page %llu can be reached when it is given back", page);
}

static void take_back(struct v3c_payload *payload, u64 at, u64 pages)
{
	struct v3t_kept *kept = container_of(payload, struct v3t_kept, payload);
	u64 i;

	might_sleep();
	KUNIT_EXPECT_TRUE(kept->test, preemptible() || !IS_ENABLED(CONFIG_PREEMPT_COUNT));
	kept->calls++;
	for (i = 0; i < pages; i++)
		count_page(kept, at + i);
}

static struct v3t_kept *new_kept(struct kunit *test, u64 page)
{
	struct v3t_world *w = test->priv;
	struct v3t_kept *kept = kunit_kzalloc(test, sizeof(*kept), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, kept);
	kept->payload.release = take_back;
	kept->test = test;
	kept->pdo = w->pdo;
	kept->address = page << 12;
	return kept;
}

/* Pages [@first, @last] came back @times times, and the others of the first @of did not. */
static void expect_back(struct kunit *test, const struct v3t_kept *kept, unsigned int of,
			unsigned int first, unsigned int last, unsigned int times)
{
	unsigned int i;

	for (i = 0; i < of; i++)
		KUNIT_EXPECT_EQ_MSG(test, kept->times[i], i >= first && i <= last ? times : 0,
				    "page %u", i);
}

static void expect_all_back(struct kunit *test, const struct v3t_kept *kept, unsigned int pages)
{
	expect_back(test, kept, MAX_PAGES, 0, pages - 1, 1);
}

static void expect_none_back(struct kunit *test, const struct v3t_kept *kept)
{
	expect_back(test, kept, MAX_PAGES, 1, 0, 0);
}

/* A domain of a user, to which the device of the world is attached. */
static struct v3c_domain *new_domain(struct kunit *test, unsigned int width)
{
	const struct v3c_domain_config config = { .type = V3C_DOMAIN_TRANSLATE, .width = width };
	static const struct v3c_device_config plain;
	struct v3t_world *w = test->priv;
	struct v3c_domain *domain = NULL;
	struct v3c_device *device = NULL;
	struct v3c_why why;

	KUNIT_ASSERT_EQ(test, 0, (int)v3c_device_create(&user, w->pdo, &plain, &device, &why));
	KUNIT_ASSERT_EQ(test, 0, (int)v3c_domain_create(&user, &config, &domain, &why));
	KUNIT_ASSERT_EQ(test, 0, (int)v3c_attach_device(domain, device, &why));
	return domain;
}

static struct v3c_phys phys_of(struct page *page, u64 pages)
{
	return (struct v3c_phys) { .pfn = page_to_pfn(page), .pages = pages };
}

static enum v3c_reason try_map(struct v3c_domain *domain, u64 page, const struct v3c_phys *phys,
			       struct v3t_kept *kept, u64 at)
{
	const struct v3c_place place = { .explicit_page = &page };
	struct v3c_why why;
	u64 out;

	return v3c_map_pinned(domain, V3T_RW, phys, &place,
			      (struct v3c_pin) { &kept->payload, at }, &out, &why);
}

/* Maps pages [@at, @at + @pages) of the payload to @page. */
static void map_part(struct kunit *test, struct v3c_domain *domain, u64 page, struct page *memory,
		     u64 pages, struct v3t_kept *kept, u64 at)
{
	struct v3c_phys phys = phys_of(memory, pages);

	KUNIT_ASSERT_EQ(test, 0, (int)try_map(domain, page, &phys, kept, at));
}

static void expect_unmap(struct kunit *test, struct v3c_domain *domain, u64 page, u64 pages,
			 enum v3c_reason reason)
{
	struct v3c_why why;

	KUNIT_EXPECT_EQ(test, (int)reason, (int)v3c_unmap_pinned(domain, page, pages, &why));
}

static void unmap_gives_back(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct v3c_domain *domain = new_domain(test, 0);
	struct v3t_kept *kept = new_kept(test, AT);
	struct page *memory = v3t_pages(test, 3);

	map_part(test, domain, AT, memory, 8, kept, 0);
	v3t_expect_reaches(test, w->pdo, AT << 12, memory);
	expect_none_back(test, kept);
	expect_unmap(test, domain, AT, 8, V3C_REASON_NONE);
	expect_all_back(test, kept, 8);
	KUNIT_EXPECT_EQ(test, kept->calls, 1);
}

/* A range without a payload and one with it are two kinds. */
static void kinds_are_unmapped_each_by_its_own(struct kunit *test)
{
	struct v3c_domain *domain = new_domain(test, 0);
	struct v3t_kept *kept = new_kept(test, AT);
	struct page *memory = v3t_pages(test, 0);
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_page(memory);
	struct v3c_span span = { AT, AT };
	IOMMU_DMA_LOGICAL_ADDRESS plain = (AT + 1) << 12, out;
	PIOMMU_DMA_DOMAIN handle = (PIOMMU_DMA_DOMAIN)domain;
	struct v3c_why why;

	map_part(test, domain, AT, memory, 1, kept, 0);
	ASSERT_V3(test, STATUS_SUCCESS, MapLogicalRangeEx, handle, V3T_RW, &what, &plain, NULL,
		  NULL, &out);
	EXPECT_V3(test, STATUS_INVALID_PARAMETER, UnmapLogicalRange, handle, AT << 12, 1);
	KUNIT_EXPECT_EQ(test, (int)V3C_REASON_NOT_MAPPED,
			(int)v3c_unmap_many(domain, &span, 1, false, &why));
	expect_unmap(test, domain, AT + 1, 1, V3C_REASON_NOT_MAPPED);
	expect_unmap(test, domain, AT, 2, V3C_REASON_NOT_MAPPED);
	expect_none_back(test, kept);
	expect_unmap(test, domain, AT, 1, V3C_REASON_NONE);
	EXPECT_V3(test, STATUS_SUCCESS, UnmapLogicalRange, handle, plain, 1);
	expect_all_back(test, kept, 1);
}

static void refused_map_gives_back(struct kunit *test)
{
	struct v3c_domain *domain = new_domain(test, 0);
	struct v3t_kept *first = new_kept(test, AT), *second = new_kept(test, AT);
	struct page *memory = v3t_pages(test, 2);
	struct v3c_phys phys = phys_of(memory, 4);

	second->pdo = NULL;
	map_part(test, domain, AT + 3, memory, 1, first, 3);
	KUNIT_EXPECT_EQ(test, (int)V3C_REASON_OVERLAP, (int)try_map(domain, AT, &phys, second, 0));
	expect_all_back(test, second, 4);
	expect_none_back(test, first);
}

/* The second of two page tables finds no memory: the first has to take back what it has. */
static void half_mapped_range_gives_back(struct kunit *test)
{
	static const struct iommusim_config own = { .quirks = IOMMUSIM_OWN_DOMAINS };
	static const struct v3c_device_config plain;
	struct v3t_world *w = test->priv;
	struct v3c_domain *domain = new_domain(test, 0);
	struct v3t_kept *undone = new_kept(test, AT), *kept = new_kept(test, AT);
	struct page *memory = v3t_pages(test, 1);
	struct v3c_phys phys = phys_of(memory, 2);
	struct iommusim *sim = v3t_sim(test, &own);
	struct device *pdo = v3t_pdo(test, sim, NULL);
	struct v3c_device *device = NULL;
	struct v3c_why why;

	KUNIT_ASSERT_EQ(test, 0, (int)v3c_device_create(&user, pdo, &plain, &device, &why));
	KUNIT_ASSERT_EQ(test, 0, (int)v3c_attach_device(domain, device, &why));
	iommusim_fail_tables(sim, 0, 1);
	KUNIT_EXPECT_EQ(test, (int)V3C_REASON_NO_MEMORY,
			(int)try_map(domain, AT, &phys, undone, 0));
	expect_all_back(test, undone, 2);
	/*
	 * Where the first one keeps it the payload stays, too. An attach that rebuilds tables gives
	 * the first device a second table.
	 */
	if (v3t_behaves(IOMMUSIM_MOVING_ROOT | IOMMUSIM_LATE_SEND))
		return;
	iommusim_fail_tables(sim, 0, 1);
	iommusim_fail_unmaps(w->sim, 0, 1);
	KUNIT_EXPECT_EQ(test, (int)V3C_REASON_SHORT_UNMAP,
			(int)try_map(domain, AT, &phys, kept, 0));
	v3t_expect_reaches(test, w->pdo, AT << 12, memory);
	expect_none_back(test, kept);
	v3c_reclaim(&user, false);
	expect_all_back(test, kept, 2);
}

/* Only the domains of a user have room for payloads. */
static void domain_of_a_driver_keeps_nothing(struct kunit *test)
{
	struct v3c_domain *domain = (struct v3c_domain *)v3t_explicit(test);
	struct v3t_kept *kept = new_kept(test, AT);
	struct page *memory = v3t_pages(test, 0);
	struct v3c_phys phys = phys_of(memory, 1);
	struct v3c_why why;

	KUNIT_EXPECT_EQ(test, (int)V3C_REASON_WRONG_TYPE, (int)try_map(domain, AT, &phys, kept, 0));
	KUNIT_EXPECT_EQ(test, (int)V3C_REASON_WRONG_TYPE,
			(int)v3c_map_identity_pinned(domain, V3T_RW, &phys,
					(struct v3c_pin) { &kept->payload, 1 }, &why));
	expect_all_back(test, kept, 2);
}

/* Cuts give back exactly the pages cut: here in the middle, and then what is left of it. */
static void cuts_give_back_what_is_cut(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct v3c_domain *domain = new_domain(test, 0);
	struct v3t_kept *kept = new_kept(test, AT);
	struct page **pages = v3t_scattered(test, 8);
	struct v3c_run runs[8];
	struct v3c_phys phys = { .pages = 8, .count = 8, .runs = runs };
	unsigned int i;

	v3t_skip_where(test, IOMMUSIM_WHOLE_MAPS, "what one call mapped stays one");
	for (i = 0; i < 8; i++)
		runs[i] = (struct v3c_run) { .pfn = page_to_pfn(pages[i]), .pages = 1 };
	KUNIT_ASSERT_EQ(test, 0, (int)try_map(domain, AT, &phys, kept, 0));
	v3t_expect_reaches_all(test, w->pdo, AT << 12, pages, 8);
	expect_unmap(test, domain, AT + 2, 3, V3C_REASON_NONE);
	expect_back(test, kept, 8, 2, 4, 1);
	v3t_expect_reaches_all(test, w->pdo, AT << 12, pages, 2);
	v3t_expect_reaches_all(test, w->pdo, (AT + 5) << 12, pages + 5, 3);
	expect_unmap(test, domain, AT, 2, V3C_REASON_NONE);
	expect_back(test, kept, 8, 0, 4, 1);
	expect_unmap(test, domain, AT + 7, 1, V3C_REASON_NONE);
	expect_unmap(test, domain, AT + 5, 2, V3C_REASON_NONE);
	expect_all_back(test, kept, 8);
}

static void one_unmap_gives_back_several_ranges(struct kunit *test)
{
	struct v3c_domain *domain = new_domain(test, 0);
	struct v3t_kept *kept = new_kept(test, AT);
	struct page *memory = v3t_pages(test, 3);

	map_part(test, domain, AT, memory, 2, kept, 0);
	map_part(test, domain, AT + 2, memory + 3, 1, kept, 2);
	map_part(test, domain, AT + 3, memory + 5, 3, kept, 3);
	expect_unmap(test, domain, AT, 6, V3C_REASON_NONE);
	expect_all_back(test, kept, 6);
	KUNIT_EXPECT_EQ(test, kept->calls, 3);
}

/* What an IOMMU driver kept may be reached: it stays until the page table is gone. */
static void kept_pages_stay_until_the_domain_goes(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct v3c_domain *domain = new_domain(test, 0);
	struct v3t_kept *kept = new_kept(test, AT);
	struct page *memory = v3t_pages(test, 0);

	map_part(test, domain, AT, memory, 1, kept, 0);
	iommusim_fail_unmaps(w->sim, 0, 1);
	expect_unmap(test, domain, AT, 1, V3C_REASON_SHORT_UNMAP);
	v3t_expect_reaches(test, w->pdo, AT << 12, memory);
	expect_none_back(test, kept);
	v3c_reclaim(&user, false);
	expect_all_back(test, kept, 1);
}

static void domain_gives_back_what_it_had(struct kunit *test)
{
	struct v3c_domain *domain = new_domain(test, 0);
	struct v3t_kept *kept = new_kept(test, AT);
	struct page *memory = v3t_pages(test, 2);

	map_part(test, domain, AT, memory, 3, kept, 0);
	map_part(test, domain, AT + 8, memory + 3, 1, kept, 8);
	v3c_reclaim(&user, false);
	KUNIT_EXPECT_EQ(test, kept->times[8], 1);
	expect_back(test, kept, 8, 0, 2, 1);
}

/* A map needs memory to keep a payload in. An unmap that gives one back needs none. */
static void giving_back_needs_no_memory(struct kunit *test)
{
	static const struct v3c_place anywhere = { .lo = 0, .hi = U64_MAX };
	struct v3t_world *w = test->priv;
	struct v3c_domain *domain = new_domain(test, 40);
	struct v3t_kept *kept = new_kept(test, 0);
	struct page *memory = v3t_pages(test, 0);
	struct v3c_phys phys = phys_of(memory, 1);
	struct v3c_pin pin = { &kept->payload, 0 };
	enum v3c_reason mapped, unmapped;
	struct v3c_why why;
	u64 page, other;

	V3T_REQUIRE_ALLOC_FAIL(test);
	kept->pdo = NULL;
	KUNIT_ASSERT_EQ(test, 0, (int)v3c_map_pinned(domain, V3T_RW, &phys, &anywhere, pin, &page,
						     &why));
	v3t_expect_reaches(test, w->pdo, page << 12, memory);
	v3t_alloc_fail_begin();
	mapped = v3c_map_pinned(domain, V3T_RW, &phys, &anywhere, pin, &other, &why);
	unmapped = v3c_unmap_pinned(domain, page, 1, &why);
	v3t_alloc_fail_end();
	KUNIT_EXPECT_EQ(test, V3C_REASON_NO_MEMORY, (int)mapped);
	KUNIT_EXPECT_EQ(test, 0, (int)unmapped);
	KUNIT_EXPECT_EQ(test, kept->times[0], 2);
	v3t_expect_blocked(test, w->pdo, page << 12);
}

static void identity_gives_back(struct kunit *test)
{
	struct v3c_domain *domain = new_domain(test, 0);
	struct v3t_kept *kept = new_kept(test, 0), *other = new_kept(test, 0);
	struct page **pages = v3t_scattered(test, 3);
	struct v3c_run runs[3];
	struct v3c_phys phys = { .pages = 3, .count = 3, .runs = runs }, middle;
	struct v3c_why why;
	unsigned int i;

	kept->pdo = NULL;
	other->pdo = NULL;
	for (i = 0; i < 3; i++)
		runs[i] = (struct v3c_run) { .pfn = page_to_pfn(pages[i]), .pages = 1 };
	middle = phys_of(pages[1], 1);
	KUNIT_ASSERT_EQ(test, 0, (int)v3c_map_identity_pinned(domain, V3T_RW, &middle,
						(struct v3c_pin) { &other->payload, 5 }, &why));
	/* The second of three runs is in use: the first is undone, the third never came to be. */
	KUNIT_EXPECT_EQ(test, (int)V3C_REASON_OVERLAP,
			(int)v3c_map_identity_pinned(domain, V3T_RW, &phys,
					(struct v3c_pin) { &kept->payload, 0 }, &why));
	expect_all_back(test, kept, 3);
	expect_none_back(test, other);
	KUNIT_EXPECT_EQ(test, 0, (int)v3c_unmap_identity_pinned(domain, &middle, &why));
	expect_back(test, other, PAGES, 5, 5, 1);
	KUNIT_ASSERT_EQ(test, 0, (int)v3c_map_identity_pinned(domain, V3T_RW, &phys,
						(struct v3c_pin) { &kept->payload, 8 }, &why));
	KUNIT_EXPECT_EQ(test, 0, (int)v3c_unmap_identity_pinned(domain, &phys, &why));
	for (i = 8; i < 11; i++)
		KUNIT_EXPECT_EQ(test, kept->times[i], 1);
}

/* BATCH ranges lie 2^30 to 2^46 apart: no ranged invalidation of VT-d reaches two of them. */
#define BATCH	9

static u64 batch_page(unsigned int i)
{
	return AT << (2 * i);
}

/* struct v3t_batch: what each give-back of a batch looks at: all of the batch. */
struct v3t_batch {
	struct v3c_payload payload;
	struct kunit *test;
	struct device *pdo;
	unsigned int calls;
};

static void look_at_all(struct v3c_payload *payload, u64 at, u64 pages)
{
	struct v3t_batch *batch = container_of(payload, struct v3t_batch, payload);
	unsigned int i;

	batch->calls++;
	for (i = 0; i < BATCH; i++)
		v3t_expect_blocked(batch->test, batch->pdo, batch_page(i) << 12);
}

static struct v3t_batch *new_batch(struct kunit *test, struct v3c_domain *domain,
				   struct page *memory, struct v3c_span *spans)
{
	struct v3t_batch *batch = kunit_kzalloc(test, sizeof(*batch), GFP_KERNEL);
	struct v3t_world *w = test->priv;
	struct v3c_phys phys = phys_of(memory, 1);
	struct v3c_place place = {};
	struct v3c_why why;
	unsigned int i;
	u64 page;

	KUNIT_ASSERT_NOT_NULL(test, batch);
	batch->payload.release = look_at_all;
	batch->test = test;
	batch->pdo = w->pdo;
	for (i = 0; i < BATCH; i++) {
		page = batch_page(i);
		place.explicit_page = &page;
		KUNIT_ASSERT_EQ(test, 0, (int)v3c_map_pinned(domain, V3T_RW, &phys, &place,
					(struct v3c_pin) { &batch->payload, i }, &page, &why));
		/* In the TLB, if there is one. */
		v3t_expect_reaches(test, w->pdo, page << 12, memory);
		spans[i] = (struct v3c_span) { page, page };
	}
	return batch;
}

static void batch_is_flushed_once(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct v3c_domain *domain = new_domain(test, 0);
	struct page *memory = v3t_pages(test, 0);
	struct v3c_span spans[BATCH];
	struct iommusim_stats before, after;
	struct v3t_batch *batch;
	struct v3c_why why;

	batch = new_batch(test, domain, memory, spans);
	before = v3t_stats(w->sim);
	KUNIT_EXPECT_EQ(test, 0, (int)v3c_unmap_many(domain, spans, BATCH, true, &why));
	after = v3t_stats(w->sim);
	KUNIT_EXPECT_EQ(test, batch->calls, BATCH);
	KUNIT_EXPECT_EQ(test, after.flushes - before.flushes + after.flush_all - before.flush_all,
			1);
	KUNIT_EXPECT_EQ(test, after.refused_flushes, 0);
	v3t_expect_no_stale_hits(test, w->sim);
}

/*
 * An IOMMU that takes one run in an invalidation, with a command for each page, is told to flush
 * just the run, or everything.
 */
static void batch_goes_by_the_rules(struct kunit *test)
{
	static const struct {
		u32 quirks;
		u64 pages, gap;
		unsigned int flushes, flush_all;
	} cases[] = {
		{ IOMMUSIM_RUN_FLUSH, 1, 1, 1, 0 },
		{ IOMMUSIM_RUN_FLUSH, 1, 2, 0, 1 },
		{ IOMMUSIM_RUN_FLUSH, 16, 16, 1, 0 },
		{ IOMMUSIM_RUN_FLUSH, 32, 32, 0, 1 },
		{ IOMMUSIM_SHORT_FLUSH, 1, 2, 1, 0 },
		{ IOMMUSIM_SHORT_FLUSH, 1, SZ_1G >> 12, 0, 1 },
	};
	struct v3t_world *w = test->priv;
	struct page *memory = v3t_pages(test, 5);
	struct iommusim_stats before, after;
	struct iommusim_config config = {};
	struct v3c_domain *domain;
	struct v3c_span spans[4];
	struct v3t_kept *kept;
	struct v3c_why why;
	unsigned int i, n;

	/* The quirks of this run would be added to those of a case. */
	v3t_skip_where(test, IOMMUSIM_SHORT_FLUSH | IOMMUSIM_RUN_FLUSH,
		       "the cases have limits of their own");
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		config.quirks = cases[i].quirks;
		w->sim = v3t_sim(test, &config);
		w->pdo = v3t_pdo(test, w->sim, NULL);
		domain = new_domain(test, 0);
		kept = new_kept(test, AT);
		kept->pdo = NULL;
		for (n = 0; n < 4; n++) {
			spans[n].first = AT + n * cases[i].gap;
			spans[n].last = spans[n].first + cases[i].pages - 1;
			map_part(test, domain, spans[n].first, memory, cases[i].pages, kept,
				 n * cases[i].pages);
		}
		before = v3t_stats(w->sim);
		KUNIT_EXPECT_EQ(test, 0, (int)v3c_unmap_many(domain, spans, 4, true, &why));
		after = v3t_stats(w->sim);
		KUNIT_EXPECT_EQ_MSG(test, after.flushes - before.flushes, cases[i].flushes,
				    "case %u", i);
		KUNIT_EXPECT_EQ_MSG(test, after.flush_all - before.flush_all, cases[i].flush_all,
				    "case %u", i);
		expect_all_back(test, kept, 4 * cases[i].pages);
		v3c_reclaim(&user, false);
	}
}

/* One range that is not there, or there twice, keeps all of them mapped. */
static void refused_batch_unmaps_nothing(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct v3c_domain *domain = new_domain(test, 0);
	struct v3t_kept *kept = new_kept(test, AT);
	struct page *memory = v3t_pages(test, 2);
	struct v3c_span spans[] = { { AT, AT + 1 }, { AT + 2, AT + 2 }, { AT + 9, AT + 9 } };
	struct v3c_why why;

	map_part(test, domain, AT, memory, 2, kept, 0);
	map_part(test, domain, AT + 2, memory + 2, 1, kept, 2);
	KUNIT_EXPECT_EQ(test, (int)V3C_REASON_NOT_MAPPED,
			(int)v3c_unmap_many(domain, spans, 3, true, &why));
	KUNIT_EXPECT_EQ(test, why.first, (AT + 9) << 12);
	spans[2] = spans[0];
	KUNIT_EXPECT_EQ(test, (int)V3C_REASON_NOT_MAPPED,
			(int)v3c_unmap_many(domain, spans, 3, true, &why));
	KUNIT_EXPECT_EQ(test, why.first, AT << 12);
	expect_none_back(test, kept);
	v3t_expect_reaches(test, w->pdo, AT << 12, memory);
	v3t_expect_reaches(test, w->pdo, (AT + 2) << 12, memory + 2);
	KUNIT_EXPECT_EQ(test, 0, (int)v3c_unmap_many(domain, spans, 2, true, &why));
	expect_all_back(test, kept, 3);
}

/* Of a batch, what the IOMMU driver kept is lost, and nothing else. */
static void batch_loses_what_was_kept(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct v3c_domain *domain = new_domain(test, 0);
	struct v3t_kept *kept = new_kept(test, AT);
	struct page *memory = v3t_pages(test, 2);
	struct v3c_span spans[] = { { AT, AT }, { AT + 2, AT + 2 }, { AT + 4, AT + 4 } };
	struct v3c_why why;
	unsigned int i;

	for (i = 0; i < 3; i++)
		map_part(test, domain, spans[i].first, memory + i, 1, kept, 2 * i);
	iommusim_fail_unmaps(w->sim, 1, 1);
	KUNIT_EXPECT_EQ(test, (int)V3C_REASON_SHORT_UNMAP,
			(int)v3c_unmap_many(domain, spans, 3, true, &why));
	KUNIT_EXPECT_EQ(test, why.first, (AT + 2) << 12);
	KUNIT_EXPECT_FALSE(test, spans[0].lost || spans[2].lost);
	KUNIT_EXPECT_TRUE(test, spans[1].lost);
	KUNIT_EXPECT_EQ(test, kept->times[0] + kept->times[4], 2);
	KUNIT_EXPECT_EQ(test, kept->times[2], 0);
	/* Again it is not mapped, which is another answer than that it was kept. */
	KUNIT_EXPECT_EQ(test, (int)V3C_REASON_NOT_MAPPED,
			(int)v3c_unmap_many(domain, spans + 1, 1, true, &why));
	v3c_reclaim(&user, false);
	KUNIT_EXPECT_EQ(test, kept->times[2], 1);
}

/* A domain that chooses addresses, and the ranges of drivers, which have no payload. */
static void batch_of_an_allocator(struct kunit *test)
{
	PIOMMU_DMA_DOMAIN buddy = v3t_buddy(test);
	struct v3t_world *w = test->priv;
	struct page *memory = v3t_pages(test, 1);
	struct v3c_span spans[3];
	struct v3c_why why;
	unsigned int i;
	u64 at[3];

	v3t_attach(test, buddy, w->device);
	for (i = 0; i < 3; i++) {
		at[i] = v3t_map(test, buddy, v3t_of_pages(memory, 2));
		v3t_expect_reaches(test, w->pdo, at[i], memory);
		spans[i] = (struct v3c_span) { at[i] >> 12, (at[i] >> 12) + 1 };
	}
	spans[1].last--;
	KUNIT_EXPECT_EQ(test, (int)V3C_REASON_NOT_MAPPED,
			(int)v3c_unmap_many((struct v3c_domain *)buddy, spans, 3, false, &why));
	spans[1].last++;
	for (i = 0; i < 3; i++)
		v3t_expect_reaches(test, w->pdo, at[i], memory);
	KUNIT_EXPECT_EQ(test, 0, (int)v3c_unmap_many((struct v3c_domain *)buddy, spans, 3, false,
						     &why));
	for (i = 0; i < 3; i++)
		v3t_expect_blocked(test, w->pdo, at[i]);
}

/*
 * Tables are charged to whoever calls, for a user and for nobody else: by the general path, by the
 * quick one, by a reservation.
 */
static void tables_are_charged_to_a_user(struct kunit *test)
{
	static const struct v3c_place anywhere = { .lo = 0, .hi = U64_MAX };
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN drivers = v3t_explicit(test);
	struct page *memory = v3t_pages(test, 0);
	struct v3t_kept *kept = new_kept(test, AT);
	struct v3c_phys phys = phys_of(memory, 1);
	struct iommusim_stats before, after;
	struct v3c_domain *domain;
	struct v3c_token *token;
	struct v3c_why why;
	unsigned int i;
	u64 page;

	v3t_attach(test, drivers, w->device);
	v3t_map_at(test, drivers, v3t_of_page(memory), AT << 12);
	KUNIT_EXPECT_EQ(test, v3t_stats(w->sim).accounted, 0);
	v3t_detach(test, w->device);

	kept->pdo = NULL;
	domain = new_domain(test, 0);
	before = v3t_stats(w->sim);
	map_part(test, domain, AT, memory, 1, kept, 0);
	KUNIT_ASSERT_EQ(test, 0, (int)v3c_map_identity_pinned(domain, V3T_RW, &phys,
						(struct v3c_pin) { &kept->payload, 1 }, &why));
	page = 2 * AT;
	KUNIT_ASSERT_EQ(test, 0, (int)v3c_token_create(domain, PAGES,
			&(struct v3c_place) { .explicit_page = &page }, true, &token, &why));
	after = v3t_stats(w->sim);
	KUNIT_EXPECT_GE(test, after.maps - before.maps, 2);
	KUNIT_EXPECT_EQ(test, after.accounted - before.accounted, after.maps - before.maps);
	v3c_reclaim(&user, false);

	domain = new_domain(test, 40);
	before = v3t_stats(w->sim);
	/* The second one finds a block at hand, and takes the quick path. */
	for (i = 0; i < 2; i++) {
		KUNIT_ASSERT_EQ(test, 0, (int)v3c_map_pinned(domain, V3T_RW, &phys, &anywhere,
					(struct v3c_pin) { &kept->payload, 2 }, &page, &why));
		expect_unmap(test, domain, page, 1, V3C_REASON_NONE);
	}
	after = v3t_stats(w->sim);
	KUNIT_EXPECT_EQ(test, after.maps - before.maps, 2);
	KUNIT_EXPECT_EQ(test, after.accounted - before.accounted, 2);
}

/* A device that needs the memory mapped takes the mapping over, and its payload with it. */
static void range_taken_over_keeps_its_payload(struct kunit *test)
{
	static const struct v3c_domain_config explicit = { .type = V3C_DOMAIN_TRANSLATE };
	static const struct v3c_device_config plain;
	struct v3t_world *w = test->priv;
	struct page *memory = v3t_pages(test, 1);
	struct iommusim_region region = {
		.first = page_to_phys(memory), .last = page_to_phys(memory) + 2 * SZ_4K - 1,
		.type = IOMMU_RESV_DIRECT, .prot = IOMMU_READ | IOMMU_WRITE,
	};
	struct iommusim_device_config config = { .regions = &region, .nr_regions = 1 };
	struct v3t_kept *kept = new_kept(test, 0);
	struct v3c_phys phys = phys_of(memory, 2);
	struct v3c_domain *domain = NULL;
	struct v3c_device *device = NULL;
	struct device *pdo;
	struct v3c_why why;

	kept->pdo = NULL;
	KUNIT_ASSERT_EQ(test, 0, (int)v3c_domain_create(&lenient, &explicit, &domain, &why));
	KUNIT_ASSERT_EQ(test, 0, (int)v3c_map_identity_pinned(domain, V3T_RW, &phys,
						(struct v3c_pin) { &kept->payload, 0 }, &why));
	/* Only now, because the regions of devices that are there are withheld from new domains. */
	pdo = v3t_pdo(test, w->sim, &config);
	KUNIT_ASSERT_EQ(test, 0, (int)v3c_device_create(&lenient, pdo, &plain, &device, &why));
	KUNIT_ASSERT_EQ(test, 0, (int)v3c_attach_device(domain, device, &why));
	KUNIT_EXPECT_EQ(test, (int)V3C_REASON_NOT_MAPPED,
			(int)v3c_unmap_identity_pinned(domain, &phys, &why));
	v3t_expect_reaches(test, pdo, page_to_phys(memory), memory);
	expect_none_back(test, kept);
	v3c_reclaim(&lenient, false);
	expect_all_back(test, kept, 2);
}

static struct v3c_token *new_token(struct kunit *test, struct v3c_domain *domain, bool pinned)
{
	static const u64 at = AT;
	static const struct v3c_place place = { .explicit_page = &at };
	struct v3c_token *token = NULL;
	struct v3c_why why;

	KUNIT_ASSERT_EQ(test, 0, (int)v3c_token_create(domain, PAGES, &place, pinned, &token,
						       &why));
	return token;
}

static enum v3c_reason map_segment(struct v3c_token *token, u64 page, struct page *memory,
				   u64 pages, struct v3t_kept *kept)
{
	struct v3c_phys phys = phys_of(memory, pages);
	struct v3c_why why;

	return v3c_token_map_pinned(token, page, V3T_RW, &phys,
				    (struct v3c_pin) { &kept->payload, page }, &why);
}

/* A domain without an account has nowhere to keep payloads. */
static void reservation_of_a_driver_keeps_nothing(struct kunit *test)
{
	static const u64 at = AT;
	static const struct v3c_place place = { .explicit_page = &at };
	struct v3c_domain *domain = (struct v3c_domain *)v3t_explicit(test);
	struct v3c_token *token = NULL;
	struct v3c_why why;

	KUNIT_EXPECT_EQ(test, (int)V3C_REASON_WRONG_TYPE,
			(int)v3c_token_create(domain, PAGES, &place, true, &token, &why));
	KUNIT_EXPECT_NULL(test, token);
}

static void reservation_gives_back(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct v3c_domain *domain = new_domain(test, 0);
	struct v3c_token *token = new_token(test, domain, true);
	struct v3t_kept *kept = new_kept(test, AT), *refused = new_kept(test, AT);
	struct page *memory = v3t_pages(test, 2);
	struct v3c_why why;

	refused->pdo = NULL;
	KUNIT_ASSERT_EQ(test, 0, (int)map_segment(token, 0, memory, 1, kept));
	KUNIT_ASSERT_EQ(test, 0, (int)map_segment(token, 4, memory, 3, kept));
	v3t_expect_reaches(test, w->pdo, (AT + 4) << 12, memory);
	KUNIT_EXPECT_EQ(test, (int)V3C_REASON_OVERLAP,
			(int)map_segment(token, 3, memory, 2, refused));
	expect_back(test, refused, PAGES, 3, 4, 1);
	KUNIT_EXPECT_EQ(test, 0, (int)v3c_token_unmap_pinned(token, 0, 1, &why));
	expect_back(test, kept, PAGES, 0, 0, 1);
	KUNIT_EXPECT_EQ(test, 0, (int)v3c_token_unmap_pinned(token, 4, 3, &why));
	KUNIT_EXPECT_EQ(test, kept->times[0], 1);
	KUNIT_EXPECT_EQ(test, kept->calls, 2);
	KUNIT_EXPECT_EQ(test, kept->times[4] + kept->times[5] + kept->times[6], 3);
	KUNIT_EXPECT_EQ(test, 0, (int)v3c_token_destroy(token, &why));
}

static void plain_reservation_takes_no_payload(struct kunit *test)
{
	struct v3c_domain *domain = new_domain(test, 0);
	struct v3c_token *token = new_token(test, domain, false);
	struct v3t_kept *kept = new_kept(test, AT);

	KUNIT_EXPECT_EQ(test, (int)V3C_REASON_WRONG_TYPE,
			(int)map_segment(token, 2, v3t_pages(test, 0), 1, kept));
	expect_back(test, kept, PAGES, 2, 2, 1);
}

/* Nobody unmapped it, or the IOMMU driver kept it: it comes back with the domain. */
static void reservation_dies_with_its_domain(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct v3c_domain *domain = new_domain(test, 0);
	struct v3c_token *token = new_token(test, domain, true);
	struct v3t_kept *kept = new_kept(test, AT);
	struct page *memory = v3t_pages(test, 1);
	struct v3c_why why;

	KUNIT_ASSERT_EQ(test, 0, (int)map_segment(token, 0, memory, 1, kept));
	KUNIT_ASSERT_EQ(test, 0, (int)map_segment(token, 1, memory, 1, kept));
	KUNIT_ASSERT_EQ(test, 0, (int)map_segment(token, 2, memory, 2, kept));
	iommusim_fail_unmaps(w->sim, 0, 1);
	KUNIT_EXPECT_EQ(test, (int)V3C_REASON_SHORT_UNMAP,
			(int)v3c_token_unmap_pinned(token, 1, 1, &why));
	v3t_expect_reaches(test, w->pdo, (AT + 1) << 12, memory);
	expect_none_back(test, kept);
	v3c_reclaim(&user, false);
	expect_all_back(test, kept, 4);
	KUNIT_EXPECT_EQ(test, kept->calls, 3);
}

#define RACERS	2
#define ROUNDS	200
#define ATTACHES	25
/* Logical pages of a racer: FAR lies behind the reach of one invalidation. */
#define WINDOW	((u64)SZ_1T >> 12)
#define FAR	((u64)SZ_1G >> 12)

/**
 * struct v3t_racer - a thread that maps and unmaps in a window of its own
 * @payload: its pages are the logical pages that they are mapped to
 * @domain: of all racers
 * @token: its own, in its window
 * @page: first logical page of its window
 * @pfn: memory, four pages
 * @pdo: is attached all the time
 * @given: pages that were given with a mapping
 * @back: pages that came back
 * @errors: refusals that are none of the race's, and pages that were reached when they came back
 * @thread: the thread
 */
struct v3t_racer {
	struct v3c_payload payload;
	struct v3c_domain *domain;
	struct v3c_token *token;
	u64 page;
	u64 pfn;
	struct device *pdo;
	u64 given;
	u64 back;
	unsigned int errors;
	struct v3t_thread thread;
};

static void race_back(struct v3c_payload *payload, u64 at, u64 pages)
{
	struct v3t_racer *racer = container_of(payload, struct v3t_racer, payload);
	struct iommusim_fault fault;
	u8 byte;

	for (racer->back += pages; pages--; at++)
		racer->errors += !iommusim_dma_read(racer->pdo, IOMMUSIM_NO_PASID, at << 12, &byte,
						    1, &fault);
}

static bool race_map(struct v3t_racer *racer, u64 offset, u64 pages)
{
	struct v3c_phys phys = { .pfn = racer->pfn, .pages = pages };
	u64 page = racer->page + offset, out;
	const struct v3c_place place = { .explicit_page = &page };
	struct v3c_why why;

	racer->given += pages;
	return !v3c_map_pinned(racer->domain, V3T_RW, &phys, &place,
			       (struct v3c_pin) { &racer->payload, page }, &out, &why);
}

static void race_unmap(struct v3t_racer *racer, u64 offset, u64 pages)
{
	struct v3c_why why;

	racer->errors += !!v3c_unmap_pinned(racer->domain, racer->page + offset, pages, &why);
}

static void race_cut(struct v3t_racer *racer)
{
	struct v3c_why why;

	switch (v3c_unmap_pinned(racer->domain, racer->page + 1, 2, &why)) {
	case V3C_REASON_NONE:
		race_unmap(racer, 3, 1);
		race_unmap(racer, 0, 1);
		break;
	case V3C_REASON_CUT_LARGE_PAGE:
		race_unmap(racer, 0, 4);
		break;
	default:
		racer->errors++;
	}
}

static void race_many(struct v3t_racer *racer)
{
	struct v3c_span spans[] = {
		{ racer->page, racer->page + 3 }, { racer->page + FAR, racer->page + FAR },
		{ racer->page + 8, racer->page + 9 },
	};
	struct v3c_why why;

	racer->errors += !race_map(racer, 0, 4) + !race_map(racer, FAR, 1) + !race_map(racer, 8, 2);
	racer->errors += !!v3c_unmap_many(racer->domain, spans, 3, true, &why);
}

static void race_segment(struct v3t_racer *racer, u64 offset, u64 pages)
{
	struct v3c_phys phys = { .pfn = racer->pfn, .pages = pages };
	u64 page = racer->page + 2 * FAR + offset;
	struct v3c_why why;

	racer->given += pages;
	racer->errors += !!v3c_token_map_pinned(racer->token, offset, V3T_RW, &phys,
						(struct v3c_pin) { &racer->payload, page }, &why) +
			 !!v3c_token_unmap_pinned(racer->token, offset, pages, &why);
}

static int run_race(void *data)
{
	struct v3t_racer *racer = data;
	unsigned int i;

	for (i = 0; i < ROUNDS; i++) {
		racer->errors += !race_map(racer, 0, 4);
		race_unmap(racer, 0, 4);
		racer->errors += !race_map(racer, 0, 4);
		race_cut(racer);
		race_many(racer);
		race_segment(racer, 1, 1);
		race_segment(racer, 2, 3);
		cond_resched();
	}
	return 0;
}

static void start_racer(struct kunit *test, struct v3t_racer *racer, struct v3c_domain *domain,
			u64 page)
{
	struct v3t_world *w = test->priv;
	u64 at = page + 2 * FAR;
	const struct v3c_place place = { .explicit_page = &at };
	struct v3c_why why;

	racer->payload.release = race_back;
	racer->domain = domain;
	racer->page = page;
	racer->pfn = page_to_pfn(v3t_pages(test, 2));
	racer->pdo = w->pdo;
	KUNIT_ASSERT_EQ(test, 0, (int)v3c_token_create(domain, PAGES, &place, true, &racer->token,
						       &why));
	v3t_thread_start(&racer->thread, run_race, racer);
}

/*
 * Another device comes and goes meanwhile, with a page table of its own, which is filled with what
 * is mapped just then: unmaps find it under construction.
 */
static void each_page_comes_back_beside_attaches(struct kunit *test)
{
	static const struct iommusim_config own = { .quirks = IOMMUSIM_OWN_DOMAINS };
	static const struct v3c_device_config plain;
	struct v3c_domain *domain = new_domain(test, 0);
	struct v3t_racer *racers = kunit_kcalloc(test, RACERS, sizeof(*racers), GFP_KERNEL);
	struct device *pdo = v3t_pdo(test, v3t_sim(test, &own), NULL);
	struct v3c_device *device = NULL;
	unsigned int i, refused = 0;
	struct v3c_why why;

	KUNIT_ASSERT_NOT_NULL(test, racers);
	KUNIT_ASSERT_EQ(test, 0, (int)v3c_device_create(&user, pdo, &plain, &device, &why));
	for (i = 0; i < RACERS; i++)
		start_racer(test, &racers[i], domain, WINDOW * (i + 1));
	for (i = 0; i < ATTACHES; i++)
		refused += v3c_attach_device(domain, device, &why) ||
			   v3c_detach_device(device, &why);
	for (i = 0; i < RACERS; i++) {
		KUNIT_EXPECT_EQ(test, 0, v3t_thread_join(&racers[i].thread));
		KUNIT_EXPECT_EQ(test, racers[i].errors, 0);
		KUNIT_EXPECT_EQ(test, racers[i].back, racers[i].given);
		KUNIT_EXPECT_GT(test, racers[i].given, ROUNDS);
	}
	KUNIT_EXPECT_EQ(test, refused, 0);
}

static void nodes_of_payloads_go(struct kunit *test)
{
	struct v3c_domain *domain = new_domain(test, 0);
	struct v3c_token *token = new_token(test, domain, true);
	struct v3t_kept *kept = new_kept(test, AT);
	struct page *memory = v3t_pages(test, 0);
	struct v3c_why why;

	KUNIT_EXPECT_TRUE(test, xa_empty(&domain->space.pins));
	map_part(test, domain, AT + PAGES, memory, 1, kept, 0);
	KUNIT_EXPECT_FALSE(test, xa_empty(&domain->space.pins));
	expect_unmap(test, domain, AT + PAGES, 1, V3C_REASON_NONE);
	flush_delayed_work(&domain->space.trim);
	KUNIT_EXPECT_TRUE(test, xa_empty(&domain->space.pins));
	/* The cells of a reservation stay. */
	KUNIT_ASSERT_EQ(test, 0, (int)map_segment(token, 1, memory, 1, kept));
	KUNIT_EXPECT_FALSE(test, xa_empty(&domain->space.pins));
	KUNIT_EXPECT_EQ(test, 0, (int)v3c_token_unmap_pinned(token, 1, 1, &why));
	flush_delayed_work(&domain->space.trim);
	KUNIT_EXPECT_TRUE(test, xa_empty(&domain->space.pins));
	KUNIT_EXPECT_EQ(test, 0, (int)v3c_token_destroy(token, &why));
	KUNIT_EXPECT_EQ(test, kept->calls, 2);
}

/* The nodes that go are those that the next map needs. */
static void payloads_come_back_while_nodes_go(struct kunit *test)
{
	struct v3c_domain *domain = new_domain(test, 0);
	struct v3t_trimmer trimmer;
	struct v3t_kept *kept = new_kept(test, AT);
	struct page *memory = v3t_pages(test, 0);
	unsigned int round, i, count = 0;

	kept->pdo = NULL;
	v3t_trimmer_start(&trimmer, &domain->space);
	for (round = 0; round < 50; round++) {
		for (i = 0; i < 8; i++, count++)
			map_part(test, domain, AT + i * PAGES / 2, memory, 1, kept, 0);
		/* Where there is one CPU the thread may never get on. */
		flush_delayed_work(&domain->space.trim);
		for (i = 0; i < 8; i++)
			expect_unmap(test, domain, AT + i * PAGES / 2, 1, V3C_REASON_NONE);
		if (round % 2)
			flush_delayed_work(&domain->space.trim);
	}
	KUNIT_EXPECT_EQ(test, 0, v3t_trimmer_stop(&trimmer));
	KUNIT_EXPECT_EQ(test, kept->calls, count);
	KUNIT_EXPECT_TRUE(test, xa_empty(&domain->space.pins));
}

struct v3t_runs {
	struct v3c_run back[8];
	unsigned int count;
	u64 ended[4];
	unsigned int ends;
};

static void note_run(void *context, u64 pfn, u64 pages)
{
	struct v3t_runs *runs = context;

	if (runs->count < ARRAY_SIZE(runs->back))
		runs->back[runs->count] = (struct v3c_run) { .pfn = pfn, .pages = pages };
	runs->count++;
}

static void note_end(void *context, u64 pages)
{
	struct v3t_runs *runs = context;

	if (runs->ends < ARRAY_SIZE(runs->ended))
		runs->ended[runs->ends] = pages;
	runs->ends++;
}

static void expect_end(struct kunit *test, const struct v3t_runs *runs, unsigned int ends,
		       u64 pages)
{
	KUNIT_ASSERT_EQ(test, runs->ends, ends);
	KUNIT_EXPECT_EQ(test, runs->ended[ends - 1], pages);
}

static void expect_run(struct kunit *test, const struct v3t_runs *runs, unsigned int i, u64 pfn,
		       u64 pages)
{
	KUNIT_ASSERT_GT(test, runs->count, i);
	KUNIT_EXPECT_EQ(test, runs->back[i].pfn, pfn);
	KUNIT_EXPECT_EQ(test, runs->back[i].pages, pages);
}

static void payload_of_runs_comes_back_in_runs(struct kunit *test)
{
	static const struct v3c_run runs[] = { { 100, 4 }, { 7, 1 }, { 200, 3 } };
	struct v3t_runs back = {};
	struct v3c_payload *payload = v3c_payload_of_runs(runs, 3, note_run, note_end, &back,
							  GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, payload);
	payload->release(payload, 2, 4);
	expect_run(test, &back, 0, 102, 2);
	expect_run(test, &back, 1, 7, 1);
	expect_run(test, &back, 2, 200, 1);
	expect_end(test, &back, 1, 4);
	payload->release(payload, 0, 2);
	expect_run(test, &back, 3, 100, 2);
	expect_end(test, &back, 2, 2);
	/* The last pages free it, which KASAN and kmemleak see. */
	payload->release(payload, 6, 2);
	expect_run(test, &back, 4, 201, 2);
	expect_end(test, &back, 3, 2);
	KUNIT_EXPECT_EQ(test, back.count, 5);
}

static struct kunit_case v3c_payload_cases[] = {
	KUNIT_CASE(unmap_gives_back),
	KUNIT_CASE(kinds_are_unmapped_each_by_its_own),
	KUNIT_CASE(refused_map_gives_back),
	KUNIT_CASE(half_mapped_range_gives_back),
	KUNIT_CASE(domain_of_a_driver_keeps_nothing),
	KUNIT_CASE(cuts_give_back_what_is_cut),
	KUNIT_CASE(one_unmap_gives_back_several_ranges),
	KUNIT_CASE(kept_pages_stay_until_the_domain_goes),
	KUNIT_CASE(domain_gives_back_what_it_had),
	KUNIT_CASE(giving_back_needs_no_memory),
	KUNIT_CASE(identity_gives_back),
	KUNIT_CASE(range_taken_over_keeps_its_payload),
	KUNIT_CASE(batch_is_flushed_once),
	KUNIT_CASE(batch_goes_by_the_rules),
	KUNIT_CASE(refused_batch_unmaps_nothing),
	KUNIT_CASE(batch_loses_what_was_kept),
	KUNIT_CASE(batch_of_an_allocator),
	KUNIT_CASE(tables_are_charged_to_a_user),
	KUNIT_CASE(reservation_of_a_driver_keeps_nothing),
	KUNIT_CASE(reservation_gives_back),
	KUNIT_CASE(plain_reservation_takes_no_payload),
	KUNIT_CASE(reservation_dies_with_its_domain),
	KUNIT_CASE_SLOW(each_page_comes_back_beside_attaches),
	KUNIT_CASE(payload_of_runs_comes_back_in_runs),
	KUNIT_CASE(nodes_of_payloads_go),
	KUNIT_CASE(payloads_come_back_while_nodes_go),
	{}
};

/* Payloads come back while the device of the world and the memory of the case are there. */
static void reclaim_and_exit(struct kunit *test)
{
	v3c_reclaim(&user, false);
	v3c_reclaim(&lenient, false);
	v3t_exit(test);
}

static struct kunit_suite v3c_payload_suite = {
	.name = "v3compat_payload",
	.init = v3t_init,
	.exit = reclaim_and_exit,
	.test_cases = v3c_payload_cases,
};

kunit_test_suite(v3c_payload_suite);
