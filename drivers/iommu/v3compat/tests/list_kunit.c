// SPDX-License-Identifier: GPL-2.0
/* Listings go on where they stopped, and show what was there all the time once. */
#include <linux/module.h>
#include <linux/slab.h>

#include <kcompat.h>

#include "base/owner.h"
#include "core/create.h"
#include "core/domain.h"
#include "core/reclaim.h"
#include "fixture.h"
#include "table/space.h"

V3C_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
V3C_IMPORT_NS(V3COMPAT_TEST);

#define AT	((u64)SZ_1G)
#define RANGES	300
#define ROOM	7

static u64 address_of(unsigned int i)
{
	return AT + i * 2 * (u64)SZ_4K;
}

static struct v3c_space *space_of(PIOMMU_DMA_DOMAIN domain)
{
	return &((struct v3c_domain *)domain)->space;
}

/* Counts listings of each of the ranges at address_of(); calls @between after the first piece. */
static void list_ranges(struct kunit *test, PIOMMU_DMA_DOMAIN domain, u8 *times,
			void (*between)(struct kunit *test, PIOMMU_DMA_DOMAIN domain))
{
	struct v3c_view views[ROOM];
	u64 cursor = 0, before = 0;
	unsigned int count, i, n;

	do {
		count = v3c_space_list(space_of(domain), &cursor, views, ROOM);
		KUNIT_ASSERT_LE(test, count, ROOM);
		for (i = 0; i < count; i++) {
			KUNIT_EXPECT_GE(test, views[i].first, before);
			before = views[i].last + 1;
			if (views[i].kind != V3C_RANGE_LOGICAL)
				continue;
			n = ((views[i].first << 12) - AT) / (2 * SZ_4K);
			KUNIT_ASSERT_LT(test, n, RANGES);
			KUNIT_EXPECT_EQ(test, views[i].state, V3C_RANGE_LIVE);
			KUNIT_EXPECT_EQ(test, views[i].first, views[i].last);
			times[n]++;
		}
		if (between)
			between(test, domain);
		between = NULL;
	} while (cursor != U64_MAX);
}

static PIOMMU_DMA_DOMAIN make_ranges(struct kunit *test)
{
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	struct page *page = v3t_pages(test, 0);
	unsigned int i;

	for (i = 0; i < RANGES; i++)
		v3t_map_at(test, domain, v3t_of_page(page), address_of(i));
	return domain;
}

static void each_range_is_listed_once(struct kunit *test)
{
	u8 *times = kunit_kzalloc(test, RANGES, GFP_KERNEL);
	PIOMMU_DMA_DOMAIN domain = make_ranges(test);

	KUNIT_ASSERT_NOT_NULL(test, times);
	list_ranges(test, domain, times, NULL);
	KUNIT_EXPECT_NULL(test, memchr_inv(times, 1, RANGES));
}

static void unmap_both_ends(struct kunit *test, PIOMMU_DMA_DOMAIN domain)
{
	v3t_unmap(test, domain, address_of(0), 1);
	v3t_unmap(test, domain, address_of(RANGES - 1), 1);
}

static void listing_goes_on_while_ranges_go(struct kunit *test)
{
	u8 *times = kunit_kzalloc(test, RANGES, GFP_KERNEL);
	PIOMMU_DMA_DOMAIN domain = make_ranges(test);

	KUNIT_ASSERT_NOT_NULL(test, times);
	list_ranges(test, domain, times, unmap_both_ends);
	KUNIT_EXPECT_NULL(test, memchr_inv(times, 1, RANGES - 1));
	KUNIT_EXPECT_EQ(test, times[RANGES - 1], 0);
}

/* How often the page at @at is listed. */
static unsigned int times_listed(PIOMMU_DMA_DOMAIN domain, u64 at)
{
	unsigned int count, i, times = 0;
	struct v3c_view views[ROOM];
	u64 cursor = 0;

	do {
		count = v3c_space_list(space_of(domain), &cursor, views, ROOM);
		for (i = 0; i < count; i++)
			times += views[i].first <= at >> PAGE_SHIFT &&
				 views[i].last >= at >> PAGE_SHIFT;
	} while (cursor != U64_MAX);
	return times;
}

static void free_blocks_are_not_listed(struct kunit *test)
{
	PIOMMU_DMA_DOMAIN domain = v3t_buddy(test);
	u64 at = v3t_map(test, domain, v3t_of_page(v3t_pages(test, 0)));

	KUNIT_EXPECT_EQ(test, times_listed(domain, at), 1);
	v3t_unmap(test, domain, at, 1);
	KUNIT_EXPECT_EQ(test, times_listed(domain, at), 0);
}

static const struct v3c_owner others = { .name = "others" };

static void reclaim_others(void *unused)
{
	v3c_reclaim(&others, false);
}

static void objects_are_listed_by_owner(struct kunit *test)
{
	static const struct v3c_domain_config config = { .type = V3C_DOMAIN_TRANSLATE };
	struct v3c_domain *made[3], *domain;
	u32 cursor = 0, serials[2];
	struct v3c_why why;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, 0, kunit_add_action(test, reclaim_others, NULL));
	for (i = 0; i < ARRAY_SIZE(made); i++) {
		v3t_explicit(test);
		KUNIT_ASSERT_EQ(test, 0, (int)v3c_domain_create(&others, &config, &domain, &why));
		made[i] = domain;
	}
	KUNIT_ASSERT_EQ(test, 2, v3c_pool_list(&v3c_domain_pool, &others, &cursor, serials, 2));
	KUNIT_EXPECT_EQ(test, serials[0], made[0]->handle.serial);
	KUNIT_EXPECT_EQ(test, serials[1], made[1]->handle.serial);
	KUNIT_ASSERT_EQ(test, 1, v3c_pool_list(&v3c_domain_pool, &others, &cursor, serials, 2));
	KUNIT_EXPECT_EQ(test, serials[0], made[2]->handle.serial);
	KUNIT_EXPECT_EQ(test, 0, v3c_pool_list(&v3c_domain_pool, &others, &cursor, serials, 2));
}

static struct kunit_case list_cases[] = {
	KUNIT_CASE(each_range_is_listed_once),
	KUNIT_CASE(listing_goes_on_while_ranges_go),
	KUNIT_CASE(free_blocks_are_not_listed),
	KUNIT_CASE(objects_are_listed_by_owner),
	{}
};

static struct kunit_suite list_suite = {
	.name = "v3compat_list",
	.init = v3t_init,
	.exit = v3t_exit,
	.test_cases = list_cases,
};

kunit_test_suites(&list_suite);
