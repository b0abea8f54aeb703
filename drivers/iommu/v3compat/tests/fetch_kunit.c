// SPDX-License-Identifier: GPL-2.0
/*
 * Memory of the caller's that changes during a call: a length counts as it was when it was checked.
 */
#include <linux/compiler.h>
#include <linux/module.h>
#include <linux/sched.h>

#include <kcompat.h>

#include "wdm/read.h"
#include "fixture.h"
#include "thread.h"

V3C_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);

#define AT	((u64)SZ_1G)
#define ROUNDS	2000

/* Frames given in all, and how many of these no machine has. */
static u64 iterate(struct v3c_phys phys, u64 limit, u64 *none)
{
	struct v3c_run run;
	u64 pages = 0;

	*none = 0;
	while (pages <= phys.pages && v3c_phys_next(&phys, limit, &run)) {
		pages += run.pages;
		if (!v3c_are_frames(run.pfn, run.pages))
			*none += run.pages;
	}
	return pages;
}

static void expect_pages(struct kunit *test, const struct v3c_phys *phys, u64 pages, u64 none)
{
	u64 limit, got;

	for (limit = 1; limit <= 4; limit++) {
		KUNIT_EXPECT_EQ(test, iterate(*phys, limit, &got), pages);
		KUNIT_EXPECT_EQ(test, got, none);
	}
	KUNIT_EXPECT_EQ(test, iterate(*phys, U64_MAX, &got), pages);
	KUNIT_EXPECT_EQ(test, got, none);
}

/* A chain of 2 and 3 pages, with room for more. */
static PMDL make_chain(struct kunit *test, struct v3c_phys *phys)
{
	struct page **pages = v3t_scattered(test, 8);
	PMDL first = v3t_mdl_of(test, pages, 4), second = v3t_mdl_of(test, pages + 4, 4);
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_mdl(first);
	struct v3c_why why;

	first->ByteCount = 2 * SZ_4K;
	second->ByteCount = 3 * SZ_4K;
	first->Next = second;
	KUNIT_EXPECT_EQ(test, 0,
			(int)v3w_read_phys(phys, &what, &why));
	expect_pages(test, phys, 5, 0);
	return first;
}

static void a_chain_gives_what_it_promised(struct kunit *test)
{
	struct v3c_phys phys;
	PMDL first = make_chain(test, &phys), second = first->Next;

	/* It grows. */
	second->ByteCount = 4 * SZ_4K;
	expect_pages(test, &phys, 5, 0);
	/* It shrinks. */
	second->ByteCount = SZ_4K;
	expect_pages(test, &phys, 5, 2);
	second->ByteCount = 0;
	expect_pages(test, &phys, 5, 3);
	first->Next = NULL;
	expect_pages(test, &phys, 5, 3);
	/* It bites its tail. */
	first->Next = second;
	second->Next = second;
	expect_pages(test, &phys, 5, 3);
	second->ByteCount = SZ_4K;
	expect_pages(test, &phys, 5, 0);
	second->Next = NULL;
}

/**
 * struct flip - memory that a thread changes
 * @value: the memory
 * @a: what it is
 * @b: or else
 * @stop: at @a
 */
struct flip {
	u32 *value;
	u32 a;
	u32 b;
	bool stop;
};

static int flip(void *arg)
{
	struct flip *flip = arg;

	while (!READ_ONCE(flip->stop)) {
		WRITE_ONCE(*flip->value, flip->b);
		WRITE_ONCE(*flip->value, flip->a);
		cond_resched();
	}
	return 0;
}

/* Neither is more mapped than was claimed, nor less: the next page is another's. */
static void mdls_that_change_map_whole_or_not(struct kunit *test)
{
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	struct page **pages = v3t_scattered(test, 5);
	struct v3t_world *w = test->priv;
	PMDL mdl = v3t_mdl_of(test, pages, 4), next = v3t_mdl_of(test, pages + 4, 1);
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_mdl(mdl);
	struct flip flipped = { .value = (u32 *)&mdl->ByteCount, .a = 4 * SZ_4K, .b = 2 * SZ_4K };
	u64 at = AT, guard = AT + 5 * SZ_4K, out, base = v3t_stats(w->sim).leaf_4k;
	struct v3t_thread thread;
	unsigned int i, done = 0;
	NTSTATUS status;
	u64 leaves;

	mdl->Next = next;
	v3t_attach(test, domain, w->device);
	v3t_map_at(test, domain, v3t_of_page(pages[0]), guard);
	v3t_thread_start(&thread, flip, &flipped);
	for (i = 0; i < ROUNDS; i++) {
		status = V3T_V3(test)->MapLogicalRangeEx(domain, V3T_RW, &what, &at, NULL, NULL,
							 &out);
		if (!NT_SUCCESS(status)) {
			EXPECT_RESULT(test, STATUS_INVALID_PARAMETER_3, MapLogicalRangeEx, status);
			KUNIT_EXPECT_EQ(test, v3t_stats(w->sim).leaf_4k, base + 1);
			continue;
		}
		done++;
		leaves = v3t_stats(w->sim).leaf_4k - base - 1;
		KUNIT_EXPECT_TRUE_MSG(test, leaves == 5 || leaves == 3, "%llu pages", leaves);
		status = V3T_V3(test)->UnmapLogicalRange(domain, AT, leaves);
		EXPECT_RESULT(test, STATUS_SUCCESS, UnmapLogicalRange, status);
		if (!NT_SUCCESS(status))
			break;
		cond_resched();
	}
	WRITE_ONCE(flipped.stop, true);
	KUNIT_EXPECT_EQ(test, v3t_thread_join(&thread), 0);
	KUNIT_EXPECT_GT(test, done, 0);
	v3t_expect_reaches(test, w->pdo, guard, pages[0]);
	mdl->Next = NULL;
}

/* A type is what it was when it was checked: nothing is looked up by another. */
static void configurations_that_change_are_one_thing_or_another(struct kunit *test)
{
	IOMMU_DEVICE_CREATION_CONFIGURATION config = {
		.ConfigType = IommuDeviceCreationConfigTypePasid,
		.Pasid.ConfigType = PasidConfigTypeDefaultPasidOnly,
	};
	struct flip flipped = {
		.value = (u32 *)&config.ConfigType, .a = config.ConfigType, .b = 0x7fffff00,
	};
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DEVICE device;
	struct v3t_thread thread;
	unsigned int i;
	NTSTATUS status;

	v3t_thread_start(&thread, flip, &flipped);
	for (i = 0; i < ROUNDS; i++) {
		status = V3T_V3(test)->CreateDevice(w->pdo, &config, &device);
		if (NT_SUCCESS(status))
			V3T_V3(test)->DeleteDevice(device);
		else
			EXPECT_RESULT(test, STATUS_INVALID_PARAMETER_2, CreateDevice, status);
		cond_resched();
	}
	WRITE_ONCE(flipped.stop, true);
	KUNIT_EXPECT_EQ(test, v3t_thread_join(&thread), 0);
}

#define BETWEEN	64

/* A refused call takes back what it has mapped, and that is not what its list says by then. */
static void identity_lists_that_change_take_nothing_else_back(struct kunit *test)
{
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	struct page **pages = v3t_scattered(test, BETWEEN + 3);
	struct page *theirs = pages[BETWEEN + 2];
	/* The first is one that is free or one that is mapped, the last is mapped. */
	IOMMU_MAP_PHYSICAL_ADDRESS list = v3t_of_pfns(test, pages, BETWEEN + 2);
	IOMMU_MAP_PHYSICAL_ADDRESS first = v3t_of_page(pages[0]), other = v3t_of_page(theirs);
	IOMMU_MAP_PHYSICAL_ADDRESS last = v3t_of_page(pages[BETWEEN + 1]);
	struct flip flipped = {
		.value = (u32 *)list.PfnArray.PageFrame,
		.a = page_to_pfn(pages[0]), .b = page_to_pfn(theirs),
	};
	struct v3t_world *w = test->priv;
	struct v3t_thread thread;
	unsigned int i;
	NTSTATUS status;

	v3t_attach(test, domain, w->device);
	ASSERT_V3(test, STATUS_SUCCESS, MapIdentityRangeEx, domain, V3T_RW, &other);
	ASSERT_V3(test, STATUS_SUCCESS, MapIdentityRangeEx, domain, V3T_RW, &last);
	v3t_thread_start(&thread, flip, &flipped);
	for (i = 0; i < ROUNDS; i++) {
		status = V3T_V3(test)->MapIdentityRangeEx(domain, V3T_RW, &list);
		EXPECT_RESULT(test, STATUS_RESOURCE_IN_USE, MapIdentityRangeEx, status);
		cond_resched();
	}
	WRITE_ONCE(flipped.stop, true);
	KUNIT_EXPECT_EQ(test, v3t_thread_join(&thread), 0);
	v3t_expect_reaches(test, w->pdo, page_to_phys(theirs), theirs);
	EXPECT_V3(test, STATUS_SUCCESS, UnmapIdentityRangeEx, domain, &other);
	EXPECT_V3(test, STATUS_SUCCESS, MapIdentityRangeEx, domain, V3T_RW, &first);
}

static void expect_runs(struct kunit *test, struct v3c_phys phys, u64 limit,
			const struct v3c_run *wanted, unsigned int count)
{
	struct v3c_run run;
	unsigned int i;

	for (i = 0; i < count; i++) {
		KUNIT_ASSERT_TRUE(test, v3c_phys_next(&phys, limit, &run));
		KUNIT_EXPECT_EQ(test, run.pfn, wanted[i].pfn);
		KUNIT_EXPECT_EQ(test, run.pages, wanted[i].pages);
	}
	KUNIT_EXPECT_FALSE(test, v3c_phys_next(&phys, limit, &run));
}

static void runs_are_given_in_place_and_in_parts(struct kunit *test)
{
	static const struct v3c_run runs[] = { { 10, 3 }, { 20, 1 }, { 21, 4 } };
	static const struct v3c_run parts[] = {
		{ 10, 2 }, { 12, 1 }, { 20, 1 }, { 21, 2 }, { 23, 2 }
	};
	struct v3c_phys phys;
	struct v3c_why why;

	KUNIT_ASSERT_EQ(test, 0, (int)v3c_phys_init_runs(&phys, runs, ARRAY_SIZE(runs), &why));
	KUNIT_EXPECT_EQ(test, phys.pages, 8);
	KUNIT_EXPECT_FALSE(test, v3c_phys_is_contiguous(&phys));
	expect_runs(test, phys, U64_MAX, runs, ARRAY_SIZE(runs));
	expect_runs(test, phys, 2, parts, ARRAY_SIZE(parts));
}

static void expect_no_runs(struct kunit *test, const struct v3c_run *runs, u64 count,
			   enum v3c_reason reason)
{
	struct v3c_phys phys;
	struct v3c_why why;

	KUNIT_EXPECT_EQ(test, (int)reason, (int)v3c_phys_init_runs(&phys, runs, count, &why));
	KUNIT_EXPECT_EQ(test, (int)reason, (int)why.reason);
	KUNIT_EXPECT_EQ(test, (int)V3C_PARAM_PHYS, (int)why.param);
}

static void bad_runs_are_refused(struct kunit *test)
{
	static const struct v3c_run empty[] = { { 10, 3 }, { 20, 0 } };
	static const struct v3c_run beyond[] = { { 1ULL << (V3C_PHYS_BITS - V3C_PAGE_SHIFT), 1 } };
	static const struct v3c_run more[] = {
		{ 0, 1ULL << (V3C_PHYS_BITS - V3C_PAGE_SHIFT) }, { 0, 1 },
	};

	expect_no_runs(test, empty, 0, V3C_REASON_EMPTY);
	expect_no_runs(test, empty, ARRAY_SIZE(empty), V3C_REASON_EMPTY);
	expect_no_runs(test, beyond, ARRAY_SIZE(beyond), V3C_REASON_WRAPS);
	expect_no_runs(test, more, ARRAY_SIZE(more), V3C_REASON_WRAPS);
}

static struct kunit_case fetch_cases[] = {
	KUNIT_CASE(runs_are_given_in_place_and_in_parts),
	KUNIT_CASE(bad_runs_are_refused),
	KUNIT_CASE(a_chain_gives_what_it_promised),
	KUNIT_CASE(mdls_that_change_map_whole_or_not),
	KUNIT_CASE(identity_lists_that_change_take_nothing_else_back),
	KUNIT_CASE(configurations_that_change_are_one_thing_or_another),
	{}
};

static struct kunit_suite fetch_suite = {
	.name = "v3compat_fetch",
	.init = v3t_init,
	.exit = v3t_exit,
	.test_cases = fetch_cases,
};

kunit_test_suite(fetch_suite);
