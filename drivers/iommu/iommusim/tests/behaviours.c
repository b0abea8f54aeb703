// SPDX-License-Identifier: GPL-2.0
/* Tests of page tables, unmaps and invalidations that differ between IOMMU drivers. */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/prandom.h>
#include <linux/random.h>

#include "../compat.h"
#include "fixture.h"

#define EVERY_SIZE	GENMASK(30, 12)

static struct sim_bench bench_of(struct kunit *test, u32 quirks, unsigned long sizes)
{
	struct iommusim_config config = { .quirks = quirks, .pgsize_bitmap = sizes };
	struct sim_bench bench;

	bench.sim = new_sim(test, &config);
	bench.dev = new_device(test, bench.sim, NULL);
	bench.domain = new_domain(test, bench.dev);
	attach_device(test, bench.domain, bench.dev);
	return bench;
}

static void name_tells_quirks(struct kunit *test)
{
	static const struct {
		u32 quirks;
		const char *name;
	} cases[] = {
		{ IOMMUSIM_UNMAP_WHOLE, "iommusim" },
		{ IOMMUSIM_SILENT_FAULTS, "iommusim-silent" },
		{ IOMMUSIM_WHOLE_MAPS | IOMMUSIM_SHORT_FLUSH, "iommusim-whole-short" },
		{ IOMMUSIM_SILENT_FAULTS | IOMMUSIM_WHOLE_MAPS | IOMMUSIM_MOVING_ROOT |
		  IOMMUSIM_SHORT_FLUSH | IOMMUSIM_ALLOC_PER_MAP | IOMMUSIM_LATE_SEND |
		  IOMMUSIM_RUN_FLUSH,
		  "iommusim-silent-whole-moving-short-alloc-late-runs" },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct iommusim_config config = { .quirks = cases[i].quirks };
		struct device *dev = new_device(test, new_sim(test, &config), NULL);
		const char *name = dev_name(dev->iommu->iommu_dev->dev);
		size_t len = strcspn(name, "0123456789");

		KUNIT_EXPECT_EQ_MSG(test, len, strlen(cases[i].name), "%s", name);
		KUNIT_EXPECT_EQ_MSG(test, strncmp(name, cases[i].name, len), 0, "%s", name);
	}
}

static void whole_maps(struct kunit *test)
{
	struct sim_bench b = new_bench(test, IOMMUSIM_WHOLE_MAPS);
	const unsigned long tail = IOVA + SZ_4K, second = IOVA + SZ_8K;

	/*
	 * An unmap of the head takes all of the map along, one of the tail (SZ_4K of SZ_8K)
	 * nothing.
	 */
	KUNIT_ASSERT_EQ(test, map_range(b.domain, IOVA, page_phys(test, 0), SZ_8K), 0);
	KUNIT_EXPECT_EQ(test, iommu_unmap(b.domain, tail, SZ_4K), 0UL);
	KUNIT_EXPECT_EQ(test, probe_write(b.dev, IOVA), IOMMUSIM_OK);
	KUNIT_EXPECT_EQ(test, probe_write(b.dev, tail), IOMMUSIM_OK);
	KUNIT_EXPECT_EQ(test, iommu_unmap(b.domain, IOVA, SZ_4K), (size_t)SZ_8K);
	KUNIT_EXPECT_EQ(test, probe_write(b.dev, tail), IOMMUSIM_FAULT_NOT_PRESENT);

	/* A map that began before the range ends the unmap, whatever begins behind. */
	KUNIT_ASSERT_EQ(test, map_range(b.domain, IOVA, page_phys(test, 0), SZ_8K), 0);
	KUNIT_ASSERT_EQ(test, map_range(b.domain, second, page_phys(test, 2), SZ_8K), 0);
	KUNIT_EXPECT_EQ(test, iommu_unmap(b.domain, tail, 3 * SZ_4K), 0UL);
	KUNIT_EXPECT_EQ(test, stats_of(b.sim).leaf_4k, 4ULL);
	KUNIT_EXPECT_EQ(test, iommu_unmap(b.domain, IOVA, 3 * SZ_4K), 4UL * SZ_4K);
	KUNIT_EXPECT_EQ(test, probe_write(b.dev, second + SZ_4K), IOMMUSIM_FAULT_NOT_PRESENT);

	/* A hole does not end the unmap: the map behind it goes too. */
	KUNIT_ASSERT_EQ(test, map_range(b.domain, IOVA, page_phys(test, 0), SZ_4K), 0);
	KUNIT_ASSERT_EQ(test, map_range(b.domain, second, page_phys(test, 2), SZ_4K), 0);
	KUNIT_EXPECT_EQ(test, iommu_unmap(b.domain, IOVA, 3 * SZ_4K), (size_t)SZ_8K);
	KUNIT_EXPECT_EQ(test, stats_of(b.sim).leaf_4k, 0ULL);
	KUNIT_EXPECT_EQ(test, stats_of(b.sim).stale_hits, 0ULL);
}

static void joined_entries(struct kunit *test)
{
	struct sim_bench b = bench_of(test, 0, EVERY_SIZE);
	const unsigned long last = IOVA + 3 * SZ_4K;
	struct iommu_iotlb_gather gather;

	KUNIT_ASSERT_EQ(test, map_range(b.domain, IOVA, page_phys(test, 0), SZ_16K), 0);
	KUNIT_EXPECT_EQ(test, stats_of(b.sim).leaf_4k, 4ULL);
	KUNIT_EXPECT_EQ(test, probe_write(b.dev, last + 5), IOMMUSIM_OK);
	KUNIT_EXPECT_EQ(test, page_data(test, 3)[5], 0x5a);
	KUNIT_EXPECT_EQ(test, iommu_iova_to_phys(b.domain, last), page_phys(test, 3));

	KUNIT_EXPECT_EQ(test, iommu_unmap(b.domain, last, SZ_4K), 0UL);
	KUNIT_EXPECT_EQ(test, stats_of(b.sim).leaf_4k, 4ULL);

	/* @last and IOVA have one translation, which covers all of the joined entries. */
	iommu_iotlb_gather_init(&gather);
	KUNIT_EXPECT_EQ(test, iommu_unmap_fast(b.domain, IOVA, SZ_4K, &gather), (size_t)SZ_16K);
	KUNIT_EXPECT_EQ(test, stats_of(b.sim).leaf_4k, 0ULL);
	KUNIT_EXPECT_EQ(test, probe_read(b.dev, IOVA), IOMMUSIM_OK);
	KUNIT_EXPECT_EQ(test, stats_of(b.sim).stale_hits, 1ULL);
	iommu_iotlb_sync(b.domain, &gather);
	KUNIT_EXPECT_EQ(test, probe_read(b.dev, IOVA), IOMMUSIM_FAULT_NOT_PRESENT);
	KUNIT_EXPECT_EQ(test, probe_read(b.dev, last), IOMMUSIM_FAULT_NOT_PRESENT);

	/* -EADDRINUSE leaves none of the joined entries behind. */
	KUNIT_ASSERT_EQ(test, map_range(b.domain, last, page_phys(test, 3), SZ_4K), 0);
	KUNIT_EXPECT_EQ(test, map_range(b.domain, IOVA, page_phys(test, 0), SZ_16K), -EADDRINUSE);
	KUNIT_EXPECT_EQ(test, stats_of(b.sim).leaf_4k, 1ULL);
	KUNIT_EXPECT_EQ(test, probe_read(b.dev, IOVA), IOMMUSIM_FAULT_NOT_PRESENT);
	KUNIT_EXPECT_EQ(test, probe_read(b.dev, last), IOMMUSIM_OK);

	/* SZ_512M is 256 joined entries of 2 MiB, which are mapped and unmapped together, too. */
	KUNIT_ASSERT_EQ(test, map_range(b.domain, 0, 0, SZ_512M), 0);
	KUNIT_EXPECT_EQ(test, stats_of(b.sim).leaf_2m, 256ULL);
	KUNIT_EXPECT_EQ(test, iommu_iova_to_phys(b.domain, SZ_512M - 1), (phys_addr_t)SZ_512M - 1);
	KUNIT_EXPECT_EQ(test, map_range(b.domain, SZ_4M, SZ_4M, SZ_4K), -EADDRINUSE);
	KUNIT_EXPECT_EQ(test, iommu_unmap(b.domain, SZ_256M, SZ_256M), 0UL);
	KUNIT_EXPECT_EQ(test, iommu_unmap(b.domain, 0, SZ_2M), (size_t)SZ_512M);
	KUNIT_EXPECT_EQ(test, stats_of(b.sim).leaf_2m, 0ULL);
}

static void joined_entries_whole(struct kunit *test)
{
	struct sim_bench b = bench_of(test, IOMMUSIM_UNMAP_WHOLE, EVERY_SIZE);

	KUNIT_ASSERT_EQ(test, map_range(b.domain, IOVA, page_phys(test, 0), SZ_16K), 0);
	KUNIT_EXPECT_EQ(test, iommu_unmap(b.domain, IOVA + SZ_8K, SZ_4K), (size_t)SZ_16K);
	KUNIT_EXPECT_EQ(test, stats_of(b.sim).leaf_4k, 0ULL);
	KUNIT_EXPECT_EQ(test, probe_read(b.dev, IOVA), IOMMUSIM_FAULT_NOT_PRESENT);
}

static void unmap_pages_at(struct kunit *test, struct sim_bench *b, unsigned long first,
			   unsigned long second)
{
	struct iommu_iotlb_gather gather;

	KUNIT_ASSERT_EQ(test, map_range(b->domain, first, page_phys(test, 0), SZ_4K), 0);
	KUNIT_ASSERT_EQ(test, map_range(b->domain, second, page_phys(test, 1), SZ_4K), 0);
	KUNIT_EXPECT_EQ(test, probe_write(b->dev, first), IOMMUSIM_OK);
	KUNIT_EXPECT_EQ(test, probe_write(b->dev, second), IOMMUSIM_OK);
	iommu_iotlb_gather_init(&gather);
	KUNIT_EXPECT_EQ(test, iommu_unmap_fast(b->domain, first, SZ_4K, &gather), (size_t)SZ_4K);
	KUNIT_EXPECT_EQ(test, iommu_unmap_fast(b->domain, second, SZ_4K, &gather), (size_t)SZ_4K);
	iommu_iotlb_sync(b->domain, &gather);
}

static void short_flush(struct kunit *test)
{
	struct sim_bench b = new_bench(test, IOMMUSIM_SHORT_FLUSH);
	const unsigned long last = IOVA + SZ_1G - SZ_4K;
	u64 hits;

	/* An aligned SZ_1G is the most that can be invalidated. */
	unmap_pages_at(test, &b, IOVA, last);
	KUNIT_EXPECT_EQ(test, stats_of(b.sim).refused_flushes, 0ULL);
	KUNIT_EXPECT_EQ(test, probe_read(b.dev, IOVA), IOMMUSIM_FAULT_NOT_PRESENT);
	KUNIT_EXPECT_EQ(test, probe_read(b.dev, last), IOMMUSIM_FAULT_NOT_PRESENT);

	/* Two pages on both sides of its end are too much: refused_flushes grows. */
	unmap_pages_at(test, &b, last, last + SZ_4K);
	KUNIT_EXPECT_EQ(test, stats_of(b.sim).refused_flushes, 1ULL);
	KUNIT_EXPECT_EQ(test, probe_read(b.dev, last), IOMMUSIM_OK);
	KUNIT_EXPECT_EQ(test, probe_read(b.dev, last + SZ_4K), IOMMUSIM_OK);
	KUNIT_EXPECT_EQ(test, stats_of(b.sim).stale_hits, 2ULL);
	iommu_flush_iotlb_all(b.domain);
	KUNIT_EXPECT_EQ(test, probe_read(b.dev, last), IOMMUSIM_FAULT_NOT_PRESENT);
	KUNIT_EXPECT_EQ(test, probe_read(b.dev, last + SZ_4K), IOMMUSIM_FAULT_NOT_PRESENT);

	/* Pages beside the range, but in its block, are invalidated as well: iotlb_hits stays. */
	KUNIT_ASSERT_EQ(test, map_range(b.domain, IOVA, page_phys(test, 2), SZ_4K), 0);
	KUNIT_EXPECT_EQ(test, probe_read(b.dev, IOVA), IOMMUSIM_OK);
	unmap_pages_at(test, &b, IOVA + SZ_4K, IOVA + SZ_8K);
	hits = stats_of(b.sim).iotlb_hits;
	KUNIT_EXPECT_EQ(test, probe_read(b.dev, IOVA), IOMMUSIM_OK);
	KUNIT_EXPECT_EQ(test, stats_of(b.sim).iotlb_hits, hits);
}

static void failing_unmaps(struct kunit *test)
{
	struct sim_bench b = new_bench(test, 0);

	KUNIT_ASSERT_EQ(test, map_range(b.domain, IOVA, page_phys(test, 0), SZ_8K), 0);
	iommusim_fail_unmaps(b.sim, 1, 1);
	KUNIT_EXPECT_EQ(test, iommu_unmap(b.domain, IOVA, SZ_4K), (size_t)SZ_4K);
	KUNIT_EXPECT_EQ(test, iommu_unmap(b.domain, IOVA + SZ_4K, SZ_4K), 0UL);
	KUNIT_EXPECT_EQ(test, probe_read(b.dev, IOVA + SZ_4K), IOMMUSIM_OK);
	KUNIT_EXPECT_EQ(test, iommu_unmap(b.domain, IOVA + SZ_4K, SZ_4K), (size_t)SZ_4K);
	KUNIT_EXPECT_EQ(test, stats_of(b.sim).leaf_4k, 0ULL);
	KUNIT_EXPECT_EQ(test, stats_of(b.sim).stale_hits, 0ULL);
}

/* struct sim_move - an attach while pages are mapped, one for each entry of the root */
struct sim_move {
	struct sim_bench b;
	unsigned int mapped, lost;
	int err;
	struct completion done;
};

#define SLOTS		256
#define SLOT_SIZE	BIT(39)
#define MOVE_ROUNDS	50

static int attach_once(void *arg)
{
	struct sim_move *move = arg;

	move->err = iommu_attach_device(move->b.domain, move->b.dev);
	complete(&move->done);
	return 0;
}

/*
 * map_beside_attach() waits for stats.tables to grow, because the copy that becomes the root is a
 * table more.
 */
static void map_beside_attach(struct kunit *test, struct sim_move *move)
{
	u64 tables = stats_of(move->b.sim).tables;
	struct task_struct *task;

	init_completion(&move->done);
	task = kthread_run(attach_once, move, "iommusim_kunit/attach");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	while (!completion_done(&move->done) && stats_of(move->b.sim).tables == tables)
		cond_resched();
	while (!completion_done(&move->done) && move->mapped < SLOTS - 1) {
		if (map_range(move->b.domain, move->mapped * SLOT_SIZE, page_phys(test, 0), SZ_4K))
			break;
		move->mapped++;
		cond_resched();
	}
	wait_for_completion(&move->done);
	KUNIT_ASSERT_EQ(test, move->err, 0);
	((struct sim_fixture *)test->priv)->attached[0] = move->b.domain;
}

/*
 * A lost page is not there for iommu_iova_to_phys() and iommu_unmap() either, and can be mapped
 * again.
 */
static void check_slots(struct kunit *test, struct sim_move *move)
{
	unsigned int i;

	for (i = 0; i < move->mapped; i++) {
		unsigned long iova = i * SLOT_SIZE;

		if (probe_read(move->b.dev, iova) == IOMMUSIM_OK)
			continue;
		move->lost++;
		KUNIT_EXPECT_EQ(test, iommu_iova_to_phys(move->b.domain, iova), 0ULL);
		KUNIT_EXPECT_EQ(test, iommu_unmap(move->b.domain, iova, SZ_4K), 0UL);
		KUNIT_EXPECT_EQ(test, map_range(move->b.domain, iova, page_phys(test, 1), SZ_4K),
				0);
		KUNIT_EXPECT_EQ(test, probe_read(move->b.dev, iova), IOMMUSIM_OK);
	}
}

static bool move_once(struct kunit *test, struct iommusim *sim, struct device *dev)
{
	const unsigned long before = (SLOTS - 1) * SLOT_SIZE;
	struct sim_move move = { .b = { sim, dev, new_domain(test, dev) } };
	u64 leaves = stats_of(sim).leaf_4k;

	KUNIT_ASSERT_EQ(test, map_range(move.b.domain, before, page_phys(test, 2), SZ_4K), 0);
	map_beside_attach(test, &move);
	KUNIT_EXPECT_EQ(test, probe_read(dev, before), IOMMUSIM_OK);
	check_slots(test, &move);
	KUNIT_EXPECT_EQ(test, stats_of(sim).leaf_4k, leaves + move.mapped + 1);

	/* move_root() runs at the first attach only. */
	detach_device(test, dev);
	attach_device(test, move.b.domain, dev);
	KUNIT_EXPECT_EQ(test, probe_read(dev, before), IOMMUSIM_OK);
	detach_device(test, dev);
	free_domain(test, move.b.domain);
	KUNIT_EXPECT_EQ(test, stats_of(sim).leaf_4k, leaves);
	return move.lost;
}

static void check_moving_root(struct kunit *test, u32 quirks)
{
	struct iommusim_config config = { .quirks = quirks | IOMMUSIM_MOVING_ROOT };
	struct iommusim *sim = new_sim(test, &config);
	struct device *dev = new_device(test, sim, NULL);
	unsigned int round;

	/*
	 * MOVE_ROUNDS tries, because a map must fall into the millisecond in which the root moves.
	 */
	for (round = 0; round < MOVE_ROUNDS; round++) {
		if (move_once(test, sim, dev))
			return;
	}
	KUNIT_FAIL(test, "nothing was lost in %u attaches", MOVE_ROUNDS);
}

static void moving_root(struct kunit *test)
{
	check_moving_root(test, 0);
}

static void moving_root_of_late_geometry(struct kunit *test)
{
	check_moving_root(test, IOMMUSIM_LATE_GEOMETRY);
}

static bool is_known_to_hardware(struct sim_bench *b, unsigned long iova)
{
	return probe_read(b->dev, iova) == IOMMUSIM_OK;
}

/* Beside an attach, maps pages behind the @kept first ones and unmaps some of these. */
static void churn_beside_attach(struct kunit *test, struct sim_move *move, unsigned int kept,
				unsigned int *unmapped)
{
	struct task_struct *task;

	init_completion(&move->done);
	task = kthread_run(attach_once, move, "iommusim_kunit/attach");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	while (!completion_done(&move->done) && *unmapped < kept) {
		if (map_range(move->b.domain, IOVA + (kept + move->mapped) * SZ_4K,
			      page_phys(test, 0), SZ_4K))
			break;
		move->mapped++;
		if (iommu_unmap(move->b.domain, IOVA + *unmapped * SZ_4K, SZ_4K) != SZ_4K)
			break;
		++*unmapped;
		usleep_range(10, 20);
	}
	wait_for_completion(&move->done);
	KUNIT_ASSERT_EQ(test, move->err, 0);
	((struct sim_fixture *)test->priv)->attached[0] = move->b.domain;
}

#define KEPT	256

/* send_once() checks that the next attach tells the IOMMU what it was not told of. */
static bool send_once(struct kunit *test, struct iommusim *sim, struct device *dev)
{
	struct sim_move move = { .b = { sim, dev, new_domain(test, dev) } };
	unsigned int unmapped = 0, stale = 0, i;

	for (i = 0; i < KEPT; i++)
		KUNIT_ASSERT_EQ(test, map_range(move.b.domain, IOVA + i * SZ_4K, page_phys(test, 1),
						SZ_4K), 0);
	churn_beside_attach(test, &move, KEPT, &unmapped);
	for (i = 0; i < KEPT + move.mapped; i++) {
		bool mapped = iommu_iova_to_phys(move.b.domain, IOVA + i * SZ_4K);

		KUNIT_EXPECT_EQ(test, mapped, i >= unmapped);
		move.lost += mapped && !is_known_to_hardware(&move.b, IOVA + i * SZ_4K);
		stale += !mapped && is_known_to_hardware(&move.b, IOVA + i * SZ_4K);
	}
	KUNIT_EXPECT_EQ(test, stats_of(sim).stale_hits, 0ULL);
	KUNIT_EXPECT_EQ(test, stats_of(sim).leaf_4k, KEPT + move.mapped - unmapped + 0ULL);
	/*
	 * iommu_map() takes the place of an entry that the IOMMU still knows, iommu_unmap() finds
	 * one that it does not know.
	 */
	if (stale) {
		KUNIT_EXPECT_EQ(test, map_range(move.b.domain, IOVA, page_phys(test, 2), SZ_4K), 0);
		KUNIT_EXPECT_EQ(test, probe_read(dev, IOVA), IOMMUSIM_OK);
		KUNIT_EXPECT_EQ(test, iommu_unmap(move.b.domain, IOVA, SZ_4K), (size_t)SZ_4K);
	}
	detach_device(test, dev);
	attach_device(test, move.b.domain, dev);
	for (i = 0; i < KEPT + move.mapped; i++)
		KUNIT_EXPECT_EQ(test, is_known_to_hardware(&move.b, IOVA + i * SZ_4K),
				i >= unmapped);
	KUNIT_EXPECT_EQ(test, iommu_unmap(move.b.domain, IOVA + unmapped * SZ_4K, SZ_4K),
			(size_t)SZ_4K);
	KUNIT_EXPECT_EQ(test, probe_read(dev, IOVA + unmapped * SZ_4K), IOMMUSIM_FAULT_NOT_PRESENT);
	detach_device(test, dev);
	free_domain(test, move.b.domain);
	KUNIT_EXPECT_EQ(test, stats_of(sim).leaf_4k, 0ULL);
	return move.lost && stale;
}

static void late_send(struct kunit *test)
{
	struct iommusim_config config = { .quirks = IOMMUSIM_LATE_SEND };
	struct iommusim *sim = new_sim(test, &config);
	struct device *dev = new_device(test, sim, NULL);
	unsigned int round;

	/* MOVE_ROUNDS tries, because a map and an unmap must come while the table is sent. */
	for (round = 0; round < MOVE_ROUNDS; round++) {
		if (send_once(test, sim, dev))
			return;
	}
	KUNIT_FAIL(test, "nothing was lost in %u attaches", MOVE_ROUNDS);
}

/*
 * Random maps and unmaps, checked against @pages of struct sim_random_run. The memory is one block
 * of BLOCK pages, the addresses lie on both sides of a GiB.
 */
#define BLOCK_ORDER	6
#define BLOCK		(1U << BLOCK_ORDER)
#define WINDOW		256U
#define WINDOW_BASE	(IOVA + SZ_1G - WINDOW / 2 * SZ_4K)
#define STEPS		400

/*
 * struct sim_page_model - what a page should be
 * @phys: physical address, 0 when not mapped
 * @first: first page that is unmapped with it
 * @last: last page that is unmapped with it
 */
struct sim_page_model {
	phys_addr_t phys;
	unsigned int first, last;
};

struct sim_random_case {
	const char *name;
	u32 quirks;
	unsigned long sizes;
};

/*
 * struct sim_random_run - one run of a case
 * @c: the case
 * @b: the device and its domain
 * @rnd: state of the random numbers
 * @seed: from which @rnd began, for messages
 * @block: physical address of the block
 * @leaves: entries of other domains
 * @pages: what each page of the window should be
 */
struct sim_random_run {
	const struct sim_random_case *c;
	struct sim_bench b;
	struct rnd_state rnd;
	u32 seed;
	phys_addr_t block;
	u64 leaves;
	struct sim_page_model pages[WINDOW];
};

static const struct sim_random_case random_cases[] = {
	{ "three sizes", 0, 0 },
	{ "one size", 0, SZ_4K },
	{ "every size", 0, EVERY_SIZE },
	{ "every size, unmapped whole", IOMMUSIM_UNMAP_WHOLE, EVERY_SIZE },
	{ "some sizes, records", IOMMUSIM_ALLOC_PER_MAP, SZ_4K | SZ_16K | SZ_32K | SZ_2M },
	{ "whole maps", IOMMUSIM_WHOLE_MAPS, 0 },
	{ "whole maps, every size", IOMMUSIM_WHOLE_MAPS, EVERY_SIZE },
	{ "short flush, every size", IOMMUSIM_SHORT_FLUSH, EVERY_SIZE },
	{ "moving root, every size", IOMMUSIM_MOVING_ROOT | IOMMUSIM_LATE_GEOMETRY, EVERY_SIZE },
	{ "late send, every size", IOMMUSIM_LATE_SEND, EVERY_SIZE },
};
KUNIT_ARRAY_PARAM_DESC(random, random_cases, name);

static u32 random_below(struct sim_random_run *run, u32 bound)
{
	return prandom_u32_state(&run->rnd) % bound;
}

/* Return: size, in pages, that the core chooses for what begins at page @at */
static unsigned int leaf_pages(struct sim_random_run *run, unsigned int at, phys_addr_t phys,
			       unsigned int left)
{
	unsigned long sizes = run->b.domain->pgsize_bitmap;
	unsigned long merged = (WINDOW_BASE + at * SZ_4K) | phys;

	sizes &= GENMASK(__ffs(merged), 0) & GENMASK(__fls(left * SZ_4K), 0);
	return BIT(__fls(sizes)) / SZ_4K;
}

static void note_map(struct sim_random_run *run, unsigned int at, phys_addr_t phys,
		     unsigned int count)
{
	unsigned int end = at + count, call_first = at, call_size = 0, i;

	while (at < end) {
		unsigned int size = leaf_pages(run, at, phys, end - at);

		/* iommu_map() calls the driver once for each run of entries of one size. */
		if (size != call_size)
			call_first = at;
		call_size = size;
		for (i = at; i < at + size; i++, phys += SZ_4K)
			run->pages[i] = (struct sim_page_model) { phys, at, at + size - 1 };
		at += size;
		if (!(run->c->quirks & IOMMUSIM_WHOLE_MAPS))
			continue;
		for (i = call_first; i < at; i++) {
			run->pages[i].first = call_first;
			run->pages[i].last = at - 1;
		}
	}
}

static void random_map(struct kunit *test, struct sim_random_run *run)
{
	unsigned int count = 1 + random_below(run, BIT(random_below(run, BLOCK_ORDER + 1)));
	unsigned int at = random_below(run, WINDOW - count + 1), i;
	phys_addr_t phys = run->block + random_below(run, BLOCK - count + 1) * SZ_4K;
	bool is_free = true;
	int err;

	/* Large entries need @at and @phys aligned alike. */
	if (random_below(run, 2))
		at = min(round_down(at, BLOCK) + (unsigned int)((phys - run->block) / SZ_4K),
			 WINDOW - count);
	for (i = at; i < at + count; i++)
		is_free &= !run->pages[i].phys;
	err = map_range(run->b.domain, WINDOW_BASE + at * SZ_4K, phys, count * SZ_4K);
	KUNIT_EXPECT_EQ_MSG(test, err, is_free ? 0 : -EADDRINUSE, "seed %u", run->seed);
	if (!err)
		note_map(run, at, phys, count);
}

static unsigned int forget_pages(struct sim_random_run *run, unsigned int first, unsigned int last)
{
	memset(&run->pages[first], 0, (last - first + 1) * sizeof(*run->pages));
	return last - first + 1;
}

/* Return: number of pages that an unmap of @count pages at @at removes */
static unsigned int note_unmap(struct sim_random_run *run, unsigned int at, unsigned int count)
{
	bool whole_maps = run->c->quirks & IOMMUSIM_WHOLE_MAPS;
	bool whole = run->c->quirks & IOMMUSIM_UNMAP_WHOLE;
	unsigned int end = at + count, removed = 0;

	while (at < end) {
		struct sim_page_model page = run->pages[at];

		if (!page.phys && whole_maps) {
			at++;
			continue;
		}
		if (!page.phys || (page.first != at && !whole))
			break;
		removed += forget_pages(run, page.first, page.last);
		at = page.last + 1;
	}
	return removed;
}

/*
 * unmap_pages() is called without the core, because iommu_unmap() goes on after the driver stopped.
 */
static void random_unmap(struct kunit *test, struct sim_random_run *run)
{
	unsigned int count = 1 + random_below(run, BIT(random_below(run, BLOCK_ORDER + 1)));
	unsigned int at = random_below(run, WINDOW - count + 1);
	unsigned long iova = WINDOW_BASE + at * SZ_4K;
	u64 refused = stats_of(run->b.sim).refused_flushes;
	struct iommu_domain *domain = run->b.domain;
	bool fails = !random_below(run, 16);
	struct iommu_iotlb_gather gather;
	size_t removed;

	iommu_iotlb_gather_init(&gather);
	iommusim_fail_unmaps(run->b.sim, 0, fails);
	removed = domain->ops->unmap_pages(domain, iova, SZ_4K, count, &gather);
	KUNIT_EXPECT_EQ_MSG(test, removed, (fails ? 0 : note_unmap(run, at, count)) * SZ_4K,
			    "seed %u", run->seed);
	iommu_iotlb_sync(domain, &gather);
	if (stats_of(run->b.sim).refused_flushes == refused)
		return;
	KUNIT_EXPECT_NE(test, gather.start / SZ_1G, gather.end / SZ_1G);
	iommu_flush_iotlb_all(domain);
}

static void check_pages(struct kunit *test, struct sim_random_run *run)
{
	unsigned int at, mapped = 0;
	struct iommusim_stats stats;

	for (at = 0; at < WINDOW; at++) {
		phys_addr_t phys = run->pages[at].phys;
		unsigned long iova = WINDOW_BASE + at * SZ_4K;

		mapped += !!phys;
		if (iommu_iova_to_phys(run->b.domain, iova) != phys)
			KUNIT_FAIL(test, "seed %u: wrong translation of page %u", run->seed, at);
	}
	at = random_below(run, WINDOW);
	KUNIT_EXPECT_EQ_MSG(test, probe_write(run->b.dev, WINDOW_BASE + at * SZ_4K),
			    run->pages[at].phys ? IOMMUSIM_OK : IOMMUSIM_FAULT_NOT_PRESENT,
			    "seed %u, page %u", run->seed, at);
	stats = stats_of(run->b.sim);
	KUNIT_EXPECT_EQ_MSG(test, stats.leaf_4k, run->leaves + mapped, "seed %u", run->seed);
	KUNIT_EXPECT_EQ_MSG(test, stats.stale_hits, 0ULL, "seed %u", run->seed);
}

static void random_maps(struct kunit *test)
{
	struct sim_random_run *run = kunit_kzalloc(test, sizeof(*run), GFP_KERNEL);
	struct page *block = alloc_pages(GFP_KERNEL, BLOCK_ORDER);
	unsigned int step;

	KUNIT_ASSERT_NOT_NULL(test, run);
	KUNIT_ASSERT_NOT_NULL(test, block);
	run->c = test->param_value;
	run->block = page_to_phys(block);
	run->seed = get_random_u32();
	prandom_seed_state(&run->rnd, run->seed);
	run->b = bench_of(test, run->c->quirks, run->c->sizes);
	run->leaves = stats_of(run->b.sim).leaf_4k;
	for (step = 0; step < STEPS && test->status == KUNIT_SUCCESS; step++) {
		if (random_below(run, 2))
			random_map(test, run);
		else
			random_unmap(test, run);
		check_pages(test, run);
		cond_resched();
	}
	detach_device(test, run->b.dev);
	free_domain(test, run->b.domain);
	__free_pages(block, BLOCK_ORDER);
}

static struct kunit_case iommusim_behaviour_cases[] = {
	KUNIT_CASE(name_tells_quirks),
	KUNIT_CASE(whole_maps),
	KUNIT_CASE(joined_entries),
	KUNIT_CASE(joined_entries_whole),
	KUNIT_CASE(short_flush),
	KUNIT_CASE(failing_unmaps),
	KUNIT_CASE(moving_root),
	KUNIT_CASE(moving_root_of_late_geometry),
	KUNIT_CASE(late_send),
	KUNIT_CASE_PARAM(random_maps, random_gen_params),
	{}
};

static struct kunit_suite iommusim_behaviour_suite = {
	.name = "iommusim_behaviours",
	.init = init_fixture,
	.exit = exit_fixture,
	.test_cases = iommusim_behaviour_cases,
};
kunit_test_suite(iommusim_behaviour_suite);
