// SPDX-License-Identifier: GPL-2.0
/*
 * The map of logical addresses, which has cells for pages and slots for blocks of many: processors
 * that work apart write to lines apart, small and large mappings give way to each other at every
 * level, an allocator finds each free block, and memory that the map does not need goes back.
 */
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/prandom.h>
#include <linux/sched.h>
#include <linux/sort.h>
#include <linux/workqueue.h>

#include <kcompat.h>

#include "core/domain.h"
#include "core/reserve.h"
#include "core/segments.h"
#include "fixture.h"
#include "table/cells.h"
#include "thread.h"

V3C_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);

static struct v3c_space *space_of(PIOMMU_DMA_DOMAIN domain)
{
	return &((struct v3c_domain *)domain)->space;
}

/* NUMBERS is memory that no machine of these tests has: a DMA that gets there is told so. */
#define NUMBERS		(64ULL * SZ_1G)

static void expect_number(struct kunit *test, struct device *pdo, u64 address)
{
	v3t_expect_fault(test, pdo, address, false, IOMMUSIM_FAULT_PHYS);
}

/*
 * A test that asserts which address an allocator chooses, or that there is one left between given
 * bounds, stays on one processor, because each has lines of its own that it maps in.
 */
static void stay_here(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, 0, set_cpus_allowed_ptr(current, cpumask_of(raw_smp_processor_id())));
}

/* --- Which lines two processors write ------------------------------------------------------- */

#define LINE		64
#define AREAS		256
#define LINES		8

/**
 * struct watch - memory of which is known which lines were written
 * @area: the pieces, with copies of what was in them
 * @count: how many
 */
struct watch {
	struct {
		const u8 *at;
		u8 *copy;
		size_t bytes;
	} area[AREAS];
	unsigned int count;
};

struct lines {
	unsigned long line[LINES];
	unsigned int count;
};

static void watch_area(struct kunit *test, struct watch *watch, const void *at, size_t bytes)
{
	KUNIT_ASSERT_LT(test, watch->count, AREAS);
	watch->area[watch->count].at = at;
	watch->area[watch->count].bytes = bytes;
	watch->area[watch->count].copy = kunit_kmalloc(test, bytes, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, watch->area[watch->count].copy);
	memcpy(watch->area[watch->count].copy, at, bytes);
	watch->count++;
}

static void watch_node(struct kunit *test, struct watch *watch, unsigned long *slots,
		       unsigned int level)
{
	unsigned int i;

	watch_area(test, watch, slots, level ? sizeof(*slots) << V3C_BITS(level) : V3C_LEAF_CELLS);
	for (i = 0; level && i < BIT(V3C_BITS(level)); i++)
		if (slots[i] & V3C_SLOT_CHILD)
			watch_node(test, watch, v3c_slot_below(slots[i]), level - 1);
}

static void add_line(struct kunit *test, struct lines *lines, const u8 *at)
{
	unsigned long line = (unsigned long)at / LINE;
	unsigned int i;

	for (i = 0; i < lines->count; i++)
		if (lines->line[i] == line)
			return;
	KUNIT_ASSERT_LT(test, lines->count, LINES);
	lines->line[lines->count++] = line;
}

/* Adds the lines that were written since the last look to @lines. */
static void note_written(struct kunit *test, struct watch *watch, struct lines *lines)
{
	unsigned int i;
	size_t n;

	for (i = 0; i < watch->count; i++)
		for (n = 0; n < watch->area[i].bytes; n++) {
			if (watch->area[i].copy[n] == READ_ONCE(watch->area[i].at[n]))
				continue;
			watch->area[i].copy[n] = watch->area[i].at[n];
			add_line(test, lines, &watch->area[i].at[n]);
		}
}

static unsigned int count_shared(const struct lines *a, const struct lines *b)
{
	unsigned int i, j, shared = 0;

	for (i = 0; i < a->count; i++)
		for (j = 0; j < b->count; j++)
			shared += a->line[i] == b->line[j];
	return shared;
}

enum form { AT, CHOSEN, SEGMENT };

static const struct pair_case {
	const char *name;
	enum form form;
	unsigned int pages, apart;
	unsigned int lines;
} pair_cases[] = {
	{ "pages 64 pages apart", AT, 1, 64, 1 },
	{ "runs of 16 pages 64 pages apart", AT, 16, 64, 1 },
	{ "2 MiB blocks 8 MiB apart", AT, 512, 2048, 1 },
	{ "segments 64 pages apart", SEGMENT, 1, 64, 1 },
	/* The hints of the processor are the other line. */
	{ "pages of an allocator", CHOSEN, 1, 0, 2 },
	{ "runs of 4 pages of an allocator", CHOSEN, 4, 0, 2 },
};

static void pair_name(const struct pair_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(pair, pair_cases, pair_name);

/**
 * struct side - one of the two processors of a pair
 * @v3: the table
 * @c: the case
 * @domain: where both map
 * @token: in @domain, for segments
 * @cpu: the processor
 * @what: what it maps
 * @at: where, also a result where the domain chooses
 * @segment: where it is a segment
 * @status: of the call
 */
struct side {
	const DMA_IOMMU_INTERFACE_V3 *v3;
	const struct pair_case *c;
	PIOMMU_DMA_DOMAIN domain;
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token;
	int cpu;
	IOMMU_MAP_PHYSICAL_ADDRESS what;
	IOMMU_DMA_LOGICAL_ADDRESS at;
	IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT segment;
	NTSTATUS status;
};

static long map_side(void *arg)
{
	struct side *side = arg;

	if (side->c->form == SEGMENT)
		side->status = side->v3->MapReservedLogicalRange(
			side->token, side->at - side->token->LogicalAddressBase, V3T_RW,
			&side->what, &side->segment);
	else
		side->status = side->v3->MapLogicalRangeEx(
			side->domain, V3T_RW, &side->what, side->c->form == AT ? &side->at : NULL,
			NULL, NULL, &side->at);
	return 0;
}

static long unmap_side(void *arg)
{
	struct side *side = arg;

	if (side->c->form == SEGMENT)
		side->status = side->v3->UnmapReservedLogicalRange(&side->segment);
	else
		side->status = side->v3->UnmapLogicalRange(side->domain, side->at, side->c->pages);
	return 0;
}

static void expect_side(struct kunit *test, struct side *side, long (*call)(void *arg))
{
	work_on_cpu(side->cpu, call, side);
	KUNIT_EXPECT_EQ_MSG(test, side->status, STATUS_SUCCESS, "%s on CPU %d", v3t_status_name(
			    side->status), side->cpu);
}

static void prepare_sides(struct kunit *test, struct side *sides)
{
	const struct pair_case *c = test->param_value;
	const u64 base = SZ_1G;
	struct v3t_world *w = test->priv;
	struct page *block = v3t_pages(test, 4);
	PIOMMU_DMA_DOMAIN domain = c->form == CHOSEN ? v3t_buddy(test) : v3t_explicit(test);
	unsigned int i;

	v3t_attach(test, domain, w->device);
	for (i = 0; i < 2; i++) {
		sides[i] = (struct side) {
			.v3 = V3T_V3(test), .c = c, .domain = domain,
			.cpu = i ? cpumask_last(cpu_online_mask) : cpumask_first(cpu_online_mask),
			.what = v3t_of_pages(block, c->pages),
			.at = base + i * c->apart * SZ_4K,
		};
		if (c->pages == 512)
			sides[i].what = v3t_contiguous(NUMBERS, SZ_2M);
	}
	if (c->form == SEGMENT)
		sides[0].token = sides[1].token = v3t_reserve(test, domain, SZ_2M, &base);
	if (c->form == CHOSEN && sides[0].cpu == sides[1].cpu)
		kunit_skip(test, "the kernel has one CPU, and so one set of hints");
	/* The first time each has to look where it can map, and to add nodes. */
	for (i = 0; i < 2; i++)
		expect_side(test, &sides[i], map_side);
	for (i = 0; i < 2; i++)
		expect_side(test, &sides[i], unmap_side);
}

static void watch_domain(struct kunit *test, struct watch *watch, PIOMMU_DMA_DOMAIN domain)
{
	struct v3c_space *space = space_of(domain);
	int cpu;

	watch_area(test, watch, domain, sizeof(struct v3c_domain));
	watch_node(test, watch, space->low, V3C_LOW_LEVEL);
	if (!space->hints)
		return;
	for_each_possible_cpu(cpu)
		watch_area(test, watch, per_cpu_ptr(space->hints, cpu), sizeof(struct v3c_hints));
}

/*
 * A closed space lets nothing start that takes its lock or is counted. What works all the same is
 * quick, so that no line is written that has its old contents again. Where one CPU stands for both,
 * the lines are those of two, because an explicit address says which.
 */
static void quick_operations_share_no_line(struct kunit *test)
{
	struct watch *watch = kunit_kzalloc(test, sizeof(*watch), GFP_KERNEL);
	const struct pair_case *c = test->param_value;
	struct lines lines[2] = {};
	struct v3c_space *space;
	struct side sides[2];
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, watch);
	prepare_sides(test, sides);
	space = space_of(sides[0].domain);
	/* Usually the work that gives memory back waits already. */
	cancel_delayed_work_sync(&space->trim);
	space->trimming = true;
	space->open = false;
	watch_domain(test, watch, sides[0].domain);
	if (sides[0].token)
		watch_area(test, watch, sides[0].token, sizeof(struct v3c_token));
	for (i = 0; i < 4; i++) {
		expect_side(test, &sides[i % 2], i < 2 ? map_side : unmap_side);
		note_written(test, watch, &lines[i % 2]);
	}
	space->open = true;
	space->trimming = false;
	KUNIT_EXPECT_EQ(test, lines[0].count, c->lines);
	KUNIT_EXPECT_EQ(test, lines[1].count, c->lines);
	KUNIT_EXPECT_EQ(test, count_shared(&lines[0], &lines[1]), 0);
}

/* Lines of a domain that each quick operation reads, and that each other operation writes. */
static void general_operations_write_other_lines(struct kunit *test)
{
	struct v3c_domain *domain = (struct v3c_domain *)v3t_buddy(test);
	struct v3c_space *space = &domain->space;
	const void *read[] = {
		&domain->handle, &domain->type, &domain->sole, &domain->sole_explicit,
		&domain->sole_allocates, &space->low, &space->last,
		&space->hints, &space->allocates, &space->trimming,
	};
	const struct {
		const void *at;
		size_t bytes;
	} written[] = {
		{ &space->lock, sizeof(space->lock) }, { space->inflight, sizeof(space->inflight) },
		{ &space->idle, sizeof(space->idle) }, { &space->drain, sizeof(space->drain) },
		{ &space->trim, sizeof(space->trim) },
	};
	unsigned int i, j;

	if (!IS_ENABLED(CONFIG_SMP))
		kunit_skip(test, "a kernel for one CPU puts everything side by side");
	for (i = 0; i < ARRAY_SIZE(read); i++)
		for (j = 0; j < ARRAY_SIZE(written); j++)
			KUNIT_EXPECT_TRUE_MSG(
				test, (unsigned long)read[i] / LINE <
				(unsigned long)written[j].at / LINE ||
				(unsigned long)read[i] / LINE >
				((unsigned long)written[j].at + written[j].bytes - 1) / LINE,
				"read %u, written %u", i, j);
}

static const struct sizes_case {
	const char *name;
	unsigned int pages[2];
} sizes_cases[] = {
	{ "pages", { 1, 1 } },
	{ "runs of 4", { 4, 4 } },
	{ "pages and runs of 8", { 1, 8 } },
	{ "runs of 32", { 32, 32 } },
};

static void sizes_name(const struct sizes_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(sizes, sizes_cases, sizes_name);

#define CHOICES		200

/* None of the lines of cells that one processor has written is ever one of the other's. */
static void processors_choose_lines_of_their_own(struct kunit *test)
{
	const struct sizes_case *s = test->param_value;
	struct pair_case c[2] = { { .form = CHOSEN }, { .form = CHOSEN } };
	int cpus[2] = { cpumask_first(cpu_online_mask), cpumask_last(cpu_online_mask) };
	u8 *owner = kunit_kzalloc(test, CHOICES, GFP_KERNEL);
	PIOMMU_DMA_DOMAIN domain = v3t_buddy(test);
	struct page *block = v3t_pages(test, 5);
	struct v3t_world *w = test->priv;
	unsigned int i, n, line, shared = 0;
	struct side side;

	if (cpus[0] == cpus[1])
		kunit_skip(test, "the kernel has one CPU, and so one set of hints");
	KUNIT_ASSERT_NOT_NULL(test, owner);
	v3t_attach(test, domain, w->device);
	for (i = 0; i < CHOICES; i++) {
		n = i % 2;
		c[n].pages = s->pages[n];
		side = (struct side) {
			.v3 = V3T_V3(test), .c = &c[n], .domain = domain, .cpu = cpus[n],
			.what = v3t_of_pages(block, s->pages[n]),
		};
		expect_side(test, &side, map_side);
		line = side.at >> PAGE_SHIFT >> 6;
		KUNIT_ASSERT_LT(test, line, CHOICES);
		shared += owner[line] && owner[line] != n + 1;
		owner[line] = n + 1;
	}
	KUNIT_EXPECT_EQ(test, shared, 0);
}

/* --- Small and large mappings --------------------------------------------------------------- */

/* BLOCKS is aligned to all that slots are as large as, and below every aperture of these tests. */
#define BLOCKS		(1ULL << 40)

static const struct block_case {
	const char *name;
	u64 size;
} block_cases[] = {
	{ "64 KiB", SZ_64K },
	{ "1 MiB", SZ_1M },
	{ "2 MiB", SZ_2M },
	{ "64 MiB", SZ_64M },
	{ "1 GiB", SZ_1G },
	{ "3 GiB", 3ULL * SZ_1G },
	{ "512 GiB", 512ULL * SZ_1G },
};

static void block_name(const struct block_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(block, block_cases, block_name);

#define SPOTS	5

/* Pages of a block: the ends, two neighbours of a middle, and one near the first. */
static u64 spot(u64 size, unsigned int n)
{
	const u64 spots[SPOTS] = { 0, SZ_4K, size / 2 - SZ_4K, size / 2, size - SZ_4K };

	return spots[n];
}

static void map_block_over(struct kunit *test, PIOMMU_DMA_DOMAIN domain, u64 at, u64 base, u64 size)
{
	struct v3t_world *w = test->priv;
	unsigned int i;

	v3t_map_at(test, domain, v3t_contiguous(base, size), at);
	for (i = 0; i < SPOTS; i++)
		expect_number(test, w->pdo, at + spot(size, i));
	v3t_expect_blocked(test, w->pdo, at - SZ_4K);
	v3t_expect_blocked(test, w->pdo, at + size);
	v3t_unmap(test, domain, at, size / SZ_4K);
	for (i = 0; i < SPOTS; i++)
		v3t_expect_blocked(test, w->pdo, at + spot(size, i));
}

static void pages_give_way_to_blocks(struct kunit *test)
{
	const struct block_case *c = test->param_value;
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	struct page **pages = v3t_scattered(test, SPOTS);
	struct v3t_world *w = test->priv;
	unsigned int i, round;

	v3t_attach(test, domain, w->device);
	for (round = 0; round < 2; round++) {
		for (i = 0; i < SPOTS; i++)
			v3t_map_at(test, domain, v3t_of_page(pages[i]), BLOCKS + spot(c->size, i));
		for (i = 0; i < SPOTS; i++)
			v3t_expect_reaches(test, w->pdo, BLOCKS + spot(c->size, i), pages[i]);
		for (i = 0; i < SPOTS; i++)
			v3t_unmap(test, domain, BLOCKS + spot(c->size, i), 1);
		map_block_over(test, domain, BLOCKS, NUMBERS, c->size);
		map_block_over(test, domain, BLOCKS + SZ_4K, NUMBERS + SZ_4K, c->size);
		map_block_over(test, domain, BLOCKS + SZ_1M, NUMBERS + SZ_1M, c->size);
	}
	v3t_expect_no_stale_hits(test, w->sim);
}

static void refuse_at(struct kunit *test, PIOMMU_DMA_DOMAIN domain, IOMMU_MAP_PHYSICAL_ADDRESS what,
		      u64 size, u64 address)
{
	IOMMU_DMA_LOGICAL_ADDRESS at = address;
	struct v3t_world *w = test->priv;

	REFUSE_V3(test, STATUS_RESOURCE_IN_USE, MapLogicalRangeEx, domain, V3T_RW, &what, &at, NULL,
		  NULL, &w->out.address);
	if (size <= SZ_64M)
		REFUSE_V3(test, STATUS_RESOURCE_IN_USE, ReserveLogicalAddressRange, domain, size,
			  &at, NULL, NULL, &w->out.token);
}

static void page_inside_a_block_is_refused(struct kunit *test)
{
	const struct block_case *c = test->param_value;
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	struct page *page = v3t_pages(test, 1);
	struct v3t_world *w = test->priv;
	unsigned int i;

	v3t_attach(test, domain, w->device);
	v3t_map_at(test, domain, v3t_contiguous(NUMBERS, c->size), BLOCKS);
	for (i = 0; i < SPOTS; i++) {
		refuse_at(test, domain, v3t_of_page(page), SZ_4K, BLOCKS + spot(c->size, i));
		expect_number(test, w->pdo, BLOCKS + spot(c->size, i));
	}
	/* The first page is free, the second is not, and the other way round. */
	refuse_at(test, domain, v3t_of_pages(page, 2), SZ_8K, BLOCKS - SZ_4K);
	refuse_at(test, domain, v3t_of_pages(page, 2), SZ_8K, BLOCKS + c->size - SZ_4K);
	refuse_at(test, domain, v3t_contiguous(NUMBERS, c->size), c->size, BLOCKS);
	refuse_at(test, domain, v3t_contiguous(NUMBERS, c->size), c->size, BLOCKS - SZ_4K);
	refuse_at(test, domain, v3t_contiguous(NUMBERS, c->size), c->size, BLOCKS + SZ_4K);
	v3t_map_at(test, domain, v3t_of_page(page), BLOCKS - SZ_4K);
	v3t_map_at(test, domain, v3t_of_page(page), BLOCKS + c->size);
	v3t_expect_reaches(test, w->pdo, BLOCKS - SZ_4K, page);
	v3t_expect_reaches(test, w->pdo, BLOCKS + c->size, page);
	v3t_unmap(test, domain, BLOCKS, c->size / SZ_4K);
	v3t_map_at(test, domain, v3t_of_page(page), BLOCKS);
	v3t_expect_reaches(test, w->pdo, BLOCKS, page);
}

static void block_over_a_page_is_refused(struct kunit *test)
{
	const struct block_case *c = test->param_value;
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	struct page *page = v3t_pages(test, 0);
	struct v3t_world *w = test->priv;
	unsigned int i, j;

	v3t_attach(test, domain, w->device);
	for (i = 0; i < SPOTS; i++) {
		v3t_map_at(test, domain, v3t_of_page(page), BLOCKS + spot(c->size, i));
		refuse_at(test, domain, v3t_contiguous(NUMBERS, c->size), c->size, BLOCKS);
		v3t_expect_reaches(test, w->pdo, BLOCKS + spot(c->size, i), page);
		for (j = 0; j < SPOTS; j++)
			if (j != i)
				v3t_expect_blocked(test, w->pdo, BLOCKS + spot(c->size, j));
		v3t_unmap(test, domain, BLOCKS + spot(c->size, i), 1);
		/* What the refused one had taken before it met the page is free again. */
		map_block_over(test, domain, BLOCKS, NUMBERS, c->size);
	}
}

/* Sixteen pages that are no range of 64 KiB, or not the usual one, though they look like it. */
static void sixteen_pages_are_not_always_a_block(struct kunit *test)
{
	struct page **pages = v3t_scattered(test, 16);
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	/* Not aligned, so that no driver makes a large leaf of it. */
	struct page *block = v3t_pages(test, 6) + 1;
	struct v3t_world *w = test->priv;
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_pages(block, 16);
	IOMMU_DMA_LOGICAL_ADDRESS at = SZ_1G;

	v3t_attach(test, domain, w->device);

	ASSERT_V3(test, STATUS_SUCCESS, MapLogicalRangeEx, domain, V3T_READ, &what, &at, NULL, NULL,
		  &w->out.address);
	v3t_unmap(test, domain, SZ_1G, 16);
	v3t_expect_blocked(test, w->pdo, SZ_1G + SZ_64K - SZ_4K);

	v3t_map_at(test, domain, v3t_of_pfns(test, pages, 16), SZ_1G);
	v3t_expect_reaches_all(test, w->pdo, SZ_1G, pages, 16);
	v3t_unmap(test, domain, SZ_1G, 16);
	v3t_expect_blocked(test, w->pdo, SZ_1G);

	v3t_map_at(test, domain, v3t_of_pages(block, 8), SZ_1G);
	v3t_map_at(test, domain, v3t_of_pages(block + 8, 8), SZ_1G + SZ_32K);
	v3t_unmap(test, domain, SZ_1G, 16);
	v3t_expect_blocked(test, w->pdo, SZ_1G);
	v3t_expect_blocked(test, w->pdo, SZ_1G + SZ_64K - SZ_4K);

	/* The first half of a larger range: its first word is that of a block. */
	v3t_map_at(test, domain, v3t_of_pages(block, 32), SZ_1G);
	if (v3t_behaves(IOMMUSIM_WHOLE_MAPS)) {
		REFUSE_V3(test, STATUS_INVALID_PARAMETER, UnmapLogicalRange, domain, SZ_1G, 16);
		v3t_expect_reaches(test, w->pdo, SZ_1G, block);
		v3t_unmap(test, domain, SZ_1G, 32);
	} else {
		v3t_unmap(test, domain, SZ_1G, 16);
		v3t_expect_blocked(test, w->pdo, SZ_1G);
		v3t_expect_reaches(test, w->pdo, SZ_1G + SZ_64K, block + 16);
		v3t_unmap(test, domain, SZ_1G + SZ_64K, 16);
	}

	/* Pages that are not aligned as a block is. */
	v3t_map_at(test, domain, v3t_of_pages(block, 16), SZ_1G + SZ_4K);
	v3t_expect_reaches(test, w->pdo, SZ_1G + SZ_4K, block);
	v3t_expect_reaches(test, w->pdo, SZ_1G + SZ_64K, block + 15);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER, UnmapLogicalRange, domain, SZ_1G, 16);
	v3t_unmap(test, domain, SZ_1G + SZ_4K, 16);
	v3t_expect_no_stale_hits(test, w->sim);
}

static PIOMMU_DMA_DOMAIN with_hole(struct kunit *test, u64 base, u64 size)
{
	static const IOMMU_DMA_DOMAIN_CREATION_FLAGS none = { .AsUlonglong = 0 };
	IOMMU_DMA_RESERVED_REGION hole = { .Base = base, .NumberOfPages = size / SZ_4K };
	PIOMMU_DMA_DOMAIN domain;

	ASSERT_V3(test, STATUS_SUCCESS, CreateDomainEx, DomainTypeTranslate, none, NULL, &hole,
		  &domain);
	v3t_adopt_domain(test, domain);
	return domain;
}

static void nothing_is_mapped_in_a_hole(struct kunit *test)
{
	const struct block_case *c = test->param_value;
	PIOMMU_DMA_DOMAIN domain = with_hole(test, BLOCKS, c->size);
	struct page *page = v3t_pages(test, 0);
	struct v3t_world *w = test->priv;
	unsigned int i;

	v3t_attach(test, domain, w->device);
	for (i = 0; i < SPOTS; i++) {
		refuse_at(test, domain, v3t_of_page(page), SZ_4K, BLOCKS + spot(c->size, i));
		REFUSE_V3(test, STATUS_INVALID_PARAMETER, UnmapLogicalRange, domain,
			  BLOCKS + spot(c->size, i), 1);
	}
	refuse_at(test, domain, v3t_contiguous(NUMBERS, c->size), c->size, BLOCKS);
	refuse_at(test, domain, v3t_contiguous(NUMBERS, c->size), c->size, BLOCKS - c->size +
		  SZ_4K);
	v3t_map_at(test, domain, v3t_of_page(page), BLOCKS - SZ_4K);
	v3t_map_at(test, domain, v3t_of_page(page), BLOCKS + c->size);
	v3t_expect_reaches(test, w->pdo, BLOCKS - SZ_4K, page);
	v3t_expect_reaches(test, w->pdo, BLOCKS + c->size, page);
	v3t_expect_blocked(test, w->pdo, BLOCKS);
	v3t_expect_blocked(test, w->pdo, BLOCKS + c->size - SZ_4K);
}

/* Cuts of a mapping that is slots, of small leaves only, because its memory lies a page off. */
static const struct slice_case {
	const char *name;
	u64 size;
	u64 first, pages;
} slice_cases[] = {
	{ "head of 64 KiB", SZ_64K, 0, 1 },
	{ "half of 64 KiB", SZ_64K, 8, 8 },
	{ "tail of 64 KiB", SZ_64K, 15, 1 },
	{ "head of 1 MiB", SZ_1M, 0, 1 },
	{ "middle of 1 MiB", SZ_1M, 100, 56 },
	{ "tail of 1 MiB", SZ_1M, 255, 1 },
	{ "head of 2 MiB", SZ_2M, 0, 3 },
	{ "half of 2 MiB", SZ_2M, 0, 256 },
	{ "across the slots of 2 MiB", SZ_2M, 255, 2 },
	{ "tail of 2 MiB", SZ_2M, 256, 256 },
	{ "all but the ends of 2 MiB", SZ_2M, 1, 510 },
	{ "head of 64 MiB", SZ_64M, 0, 1 },
	{ "2 MiB of 64 MiB", SZ_64M, 1024, 512 },
	{ "across a slot of 64 MiB", SZ_64M, 511, 514 },
	{ "tail of 64 MiB", SZ_64M, 16383, 1 },
};

static void slice_name(const struct slice_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(slice, slice_cases, slice_name);

/* Each page around the edges of [@first, @first + @pages) is mapped, or it is one that is gone. */
static void expect_slice(struct kunit *test, u64 first, u64 pages, bool there)
{
	const struct slice_case *c = test->param_value;
	const u64 all = c->size / SZ_4K;
	struct v3t_world *w = test->priv;
	const u64 near[] = {
		0, 1, c->first - 1, c->first, c->first + c->pages - 1, c->first + c->pages, 255,
		256, 511, 512, all - 2, all - 1,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(near); i++) {
		if (near[i] < first || near[i] >= first + pages)
			continue;
		if (there)
			expect_number(test, w->pdo, BLOCKS + near[i] * SZ_4K);
		else
			v3t_expect_blocked(test, w->pdo, BLOCKS + near[i] * SZ_4K);
	}
}

static void slot_is_cut_anywhere(struct kunit *test)
{
	const struct slice_case *c = test->param_value;
	const u64 all = c->size / SZ_4K, behind = c->first + c->pages;
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	struct page *page = v3t_pages(test, 0);
	struct v3t_world *w = test->priv;
	unsigned int round;

	v3t_attach(test, domain, w->device);
	for (round = 0; round < 2; round++) {
		v3t_map_at(test, domain, v3t_contiguous(NUMBERS + SZ_4K, c->size), BLOCKS);
		if (v3t_behaves(IOMMUSIM_WHOLE_MAPS)) {
			REFUSE_V3(test, STATUS_INVALID_PARAMETER, UnmapLogicalRange, domain,
				  BLOCKS + c->first * SZ_4K, c->pages);
			expect_slice(test, 0, all, true);
			v3t_unmap(test, domain, BLOCKS, all);
			continue;
		}
		v3t_unmap(test, domain, BLOCKS + c->first * SZ_4K, c->pages);
		expect_slice(test, 0, c->first, true);
		expect_slice(test, c->first, c->pages, false);
		expect_slice(test, behind, all - behind, true);
		REFUSE_V3(test, STATUS_INVALID_PARAMETER, UnmapLogicalRange, domain, BLOCKS, all);
		refuse_at(test, domain, v3t_contiguous(NUMBERS, c->size), c->size, BLOCKS);
		/* The gap is free, as a whole and in its parts. */
		v3t_map_at(test, domain, v3t_contiguous(NUMBERS + SZ_4K, c->pages * SZ_4K),
			   BLOCKS + c->first * SZ_4K);
		expect_slice(test, 0, all, true);
		v3t_unmap(test, domain, BLOCKS + c->first * SZ_4K, c->pages);
		v3t_map_at(test, domain, v3t_of_page(page), BLOCKS + (behind - 1) * SZ_4K);
		v3t_expect_reaches(test, w->pdo, BLOCKS + (behind - 1) * SZ_4K, page);
		v3t_unmap(test, domain, BLOCKS + (behind - 1) * SZ_4K, 1);
		/* What is left on both sides is a mapping of its own. */
		if (c->first)
			v3t_unmap(test, domain, BLOCKS, c->first);
		expect_slice(test, 0, c->first, false);
		expect_slice(test, behind, all - behind, true);
		if (behind < all)
			v3t_unmap(test, domain, BLOCKS + behind * SZ_4K, all - behind);
		expect_slice(test, 0, all, false);
	}
	v3t_expect_no_stale_hits(test, w->sim);
}

/* The parts that cuts leave are unmapped together, and with what was mapped in the gap. */
static void parts_are_unmapped_together(struct kunit *test)
{
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	struct v3t_world *w = test->priv;
	u64 at;

	v3t_skip_where(test, IOMMUSIM_WHOLE_MAPS, "what one call mapped stays one");
	v3t_attach(test, domain, w->device);
	v3t_map_at(test, domain, v3t_contiguous(NUMBERS + SZ_4K, SZ_64M), BLOCKS);
	for (at = SZ_1M; at < SZ_64M; at += SZ_8M + SZ_64K)
		v3t_unmap(test, domain, BLOCKS + at, 3);
	for (at = SZ_1M; at < SZ_64M; at += SZ_8M + SZ_64K)
		v3t_map_at(test, domain, v3t_contiguous(NUMBERS + SZ_1G + SZ_4K, 3 * SZ_4K),
			   BLOCKS + at);
	v3t_unmap(test, domain, BLOCKS + SZ_4K, SZ_64M / SZ_4K - 2);
	expect_number(test, w->pdo, BLOCKS);
	v3t_expect_blocked(test, w->pdo, BLOCKS + SZ_4K);
	v3t_expect_blocked(test, w->pdo, BLOCKS + SZ_1M);
	v3t_expect_blocked(test, w->pdo, BLOCKS + SZ_64M - SZ_8K);
	expect_number(test, w->pdo, BLOCKS + SZ_64M - SZ_4K);
	v3t_unmap(test, domain, BLOCKS, 1);
	v3t_unmap(test, domain, BLOCKS + SZ_64M - SZ_4K, 1);
	map_block_over(test, domain, BLOCKS, NUMBERS, SZ_64M);
}

/* --- Addresses ------------------------------------------------------------------------------ */

#define ROOTS_MEET	BIT_ULL(48)
#define WIDE		57

/**
 * struct wide - a world with a wide IOMMU alone
 * @pdo: a device behind it
 * @device: its DMA device
 */
struct wide {
	struct device *pdo;
	PIOMMU_DMA_DEVICE device;
};

static struct wide widen(struct kunit *test)
{
	static const struct iommusim_config config = { .aperture_bits = WIDE };
	struct v3t_world *w = test->priv;
	struct wide wide;

	v3t_delete_device(test, w->device);
	v3t_unplug(test, w->pdo);
	wide.pdo = v3t_pdo(test, v3t_sim(test, &config), NULL);
	wide.device = v3t_device(test, wide.pdo);
	return wide;
}

static void map_and_unmap_at(struct kunit *test, PIOMMU_DMA_DOMAIN domain, struct device *pdo,
			     struct page **pages, unsigned int count, u64 at)
{
	v3t_map_at(test, domain, v3t_of_pfns(test, pages, count), at);
	v3t_expect_reaches_all(test, pdo, at, pages, count);
	v3t_expect_blocked(test, pdo, at - SZ_4K);
	refuse_at(test, domain, v3t_of_page(pages[0]), SZ_4K, at + (count - 1) * SZ_4K);
	v3t_unmap(test, domain, at, count);
	v3t_expect_blocked(test, pdo, at);
	v3t_expect_blocked(test, pdo, at + (count - 1) * SZ_4K);
}

static void both_roots_are_one_space(struct kunit *test)
{
	struct page **pages = v3t_scattered(test, 4);
	struct wide wide = widen(test);
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	unsigned int i;

	v3t_attach(test, domain, wide.device);
	for (i = 0; i < 2; i++) {
		map_and_unmap_at(test, domain, wide.pdo, pages, 1, ROOTS_MEET - SZ_4K);
		map_and_unmap_at(test, domain, wide.pdo, pages, 1, ROOTS_MEET);
		map_and_unmap_at(test, domain, wide.pdo, pages, 4, ROOTS_MEET - SZ_8K);
		map_and_unmap_at(test, domain, wide.pdo, pages, 4, ROOTS_MEET - SZ_4K);
		map_and_unmap_at(test, domain, wide.pdo, pages, 4, BIT_ULL(55) - SZ_8K);
		flush_delayed_work(&space_of(domain)->trim);
	}
	/* A cut where they meet, and the rest of both sides. */
	if (v3t_behaves(IOMMUSIM_WHOLE_MAPS))
		return;
	v3t_map_at(test, domain, v3t_contiguous(NUMBERS + SZ_4K, SZ_4M), ROOTS_MEET - SZ_2M);
	v3t_unmap(test, domain, ROOTS_MEET, 1);
	expect_number(test, wide.pdo, ROOTS_MEET - SZ_4K);
	v3t_unmap(test, domain, ROOTS_MEET - SZ_4K, 1);
	v3t_expect_blocked(test, wide.pdo, ROOTS_MEET - SZ_4K);
	v3t_expect_blocked(test, wide.pdo, ROOTS_MEET);
	expect_number(test, wide.pdo, ROOTS_MEET - SZ_8K);
	expect_number(test, wide.pdo, ROOTS_MEET + SZ_4K);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER, UnmapLogicalRange, domain, ROOTS_MEET - SZ_2M,
		  SZ_4M / SZ_4K);
	v3t_unmap(test, domain, ROOTS_MEET - SZ_2M, SZ_2M / SZ_4K - 1);
	v3t_unmap(test, domain, ROOTS_MEET + SZ_4K, SZ_2M / SZ_4K - 1);
	v3t_expect_blocked(test, wide.pdo, ROOTS_MEET - SZ_2M);
	v3t_expect_blocked(test, wide.pdo, ROOTS_MEET + SZ_2M - SZ_4K);
}

static void large_blocks_cross_from_root_to_root(struct kunit *test)
{
	struct page *page = v3t_pages(test, 0);
	struct wide wide = widen(test);
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	const u64 size = 1024ULL * SZ_1G, at = ROOTS_MEET - size / 2;

	v3t_attach(test, domain, wide.device);
	v3t_map_at(test, domain, v3t_contiguous(NUMBERS, size), at);
	expect_number(test, wide.pdo, at);
	expect_number(test, wide.pdo, ROOTS_MEET - SZ_4K);
	expect_number(test, wide.pdo, ROOTS_MEET);
	expect_number(test, wide.pdo, at + size - SZ_4K);
	refuse_at(test, domain, v3t_of_page(page), SZ_4K, ROOTS_MEET);
	refuse_at(test, domain, v3t_of_page(page), SZ_4K, ROOTS_MEET - SZ_4K);
	v3t_unmap(test, domain, at, size / SZ_4K);
	v3t_expect_blocked(test, wide.pdo, ROOTS_MEET);
	v3t_map_at(test, domain, v3t_of_page(page), ROOTS_MEET);
	v3t_expect_reaches(test, wide.pdo, ROOTS_MEET, page);
	refuse_at(test, domain, v3t_contiguous(NUMBERS, size), size, at);
}

static void addresses_end_with_the_aperture(struct kunit *test)
{
	const u64 beyond[] = { BIT_ULL(WIDE), BIT_ULL(62), BIT_ULL(63) - SZ_4K };
	struct page *page = v3t_pages(test, 1);
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_page(page), two = v3t_of_pages(page, 2);
	struct v3t_world *w = test->priv;
	struct wide wide = widen(test);
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	IOMMU_DMA_LOGICAL_ADDRESS at;
	unsigned int i;

	v3t_attach(test, domain, wide.device);
	v3t_map_at(test, domain, what, BIT_ULL(WIDE) - SZ_4K);
	v3t_expect_reaches(test, wide.pdo, BIT_ULL(WIDE) - SZ_4K, page);
	v3t_unmap(test, domain, BIT_ULL(WIDE) - SZ_4K, 1);
	at = BIT_ULL(WIDE) - SZ_4K;
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_4, MapLogicalRangeEx, domain, V3T_RW, &two, &at,
		  NULL, NULL, &w->out.address);
	for (i = 0; i < ARRAY_SIZE(beyond); i++) {
		at = beyond[i];
		REFUSE_V3(test, STATUS_INVALID_PARAMETER_4, MapLogicalRangeEx, domain, V3T_RW,
			  &what, &at, NULL, NULL, &w->out.address);
		REFUSE_V3(test, STATUS_INVALID_PARAMETER, UnmapLogicalRange, domain, at, 1);
	}
}

/* From where to where a hole is, up to the end of all addresses. */
static const struct hole_case {
	const char *name;
	u64 base, size;
} hole_cases[] = {
	{ "a page on each side of 2^48", ROOTS_MEET - SZ_4K, SZ_8K },
	{ "16 MiB around 2^48", ROOTS_MEET - SZ_8M, SZ_16M },
	{ "from 2^47 to 2^49", BIT_ULL(47), BIT_ULL(49) - BIT_ULL(47) },
	{ "from 2^48 to 2^56", ROOTS_MEET, BIT_ULL(56) - ROOTS_MEET },
	{ "from 2^47 to 2^63", BIT_ULL(47), BIT_ULL(63) - BIT_ULL(47) },
	{ "the last page", BIT_ULL(63) - SZ_4K, SZ_4K },
};

static void hole_name(const struct hole_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(hole, hole_cases, hole_name);

static void holes_are_anywhere(struct kunit *test)
{
	const struct hole_case *c = test->param_value;
	const u64 near[] = {
		c->base - SZ_4K, c->base, c->base + c->size / 2, c->base + c->size - SZ_4K,
		c->base + c->size, ROOTS_MEET - SZ_4K, ROOTS_MEET, BIT_ULL(WIDE) - SZ_4K,
	};
	struct page *page = v3t_pages(test, 0);
	struct wide wide = widen(test);
	PIOMMU_DMA_DOMAIN domain = with_hole(test, c->base, c->size);
	unsigned int i;

	v3t_attach(test, domain, wide.device);
	for (i = 0; i < ARRAY_SIZE(near); i++) {
		const u64 at = round_down(near[i], SZ_4K);

		if (at >= BIT_ULL(WIDE))
			continue;
		if (at >= c->base && at < c->base + c->size) {
			refuse_at(test, domain, v3t_of_page(page), SZ_4K, at);
			v3t_expect_blocked(test, wide.pdo, at);
			continue;
		}
		v3t_map_at(test, domain, v3t_of_page(page), at);
		v3t_expect_reaches(test, wide.pdo, at, page);
		v3t_unmap(test, domain, at, 1);
	}
}

static void narrower_device_moves_the_end(struct kunit *test)
{
	static const struct iommusim_config narrow = {
		.aperture_bits = 48, .quirks = IOMMUSIM_OWN_DOMAINS,
	};
	const u64 places[] = { ROOTS_MEET, BIT_ULL(52), BIT_ULL(WIDE) - SZ_4K };
	struct page *page = v3t_pages(test, 0);
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_page(page);
	struct v3t_world *w = test->priv;
	IOMMU_DMA_LOGICAL_ADDRESS at;
	PIOMMU_DMA_DEVICE device;
	PIOMMU_DMA_DOMAIN domain;
	struct device *pdo;
	struct wide wide;
	unsigned int i;

	v3t_skip_where(test, IOMMUSIM_SIGN_EXTEND, V3T_NO_WIDTH);
	wide = widen(test);
	domain = v3t_explicit(test);
	v3t_attach(test, domain, wide.device);
	pdo = v3t_pdo(test, v3t_sim(test, &narrow), NULL);
	device = v3t_device(test, pdo);
	for (i = 0; i < ARRAY_SIZE(places); i++) {
		at = places[i];
		v3t_map_at(test, domain, what, at);
		REFUSE_V3(test, STATUS_INVALID_PARAMETER, AttachDeviceEx, domain, device);
		v3t_expect_reaches(test, wide.pdo, at, page);
		v3t_unmap(test, domain, at, 1);
		v3t_attach(test, domain, device);
		REFUSE_V3(test, STATUS_INVALID_PARAMETER_4, MapLogicalRangeEx, domain, V3T_RW,
			  &what, &at, NULL, NULL, &w->out.address);
		v3t_map_at(test, domain, what, ROOTS_MEET - SZ_4K);
		v3t_expect_reaches(test, pdo, ROOTS_MEET - SZ_4K, page);
		v3t_unmap(test, domain, ROOTS_MEET - SZ_4K, 1);
		v3t_detach(test, device);
	}
}

/* --- An allocator --------------------------------------------------------------------------- */

#define SMALL_WIDTH	20
#define SMALL_PAGES	(1U << (SMALL_WIDTH - 12))

static u64 map_some(struct kunit *test, PIOMMU_DMA_DOMAIN domain, u64 pages)
{
	return v3t_map(test, domain, v3t_contiguous(NUMBERS, pages * SZ_4K));
}

static void expect_full(struct kunit *test, PIOMMU_DMA_DOMAIN domain, u64 pages)
{
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_contiguous(NUMBERS, pages * SZ_4K);
	struct v3t_world *w = test->priv;

	REFUSE_V3(test, STATUS_INSUFFICIENT_RESOURCES, MapLogicalRangeEx, domain, V3T_RW, &what,
		  NULL, NULL, NULL, &w->out.address);
	REFUSE_V3(test, STATUS_INSUFFICIENT_RESOURCES, ReserveLogicalAddressRange, domain,
		  pages * SZ_4K, NULL, NULL, NULL, &w->out.token);
}

static int compare_addresses(const void *a, const void *b)
{
	return cmp_int(*(const u64 *)a, *(const u64 *)b);
}

static void shuffle(struct rnd_state *random, u64 *at, unsigned int count)
{
	unsigned int i, other;

	for (i = count; i > 1; i--) {
		other = prandom_u32_state(random) % i;
		swap(at[i - 1], at[other]);
	}
}

/* All there is, block after block; then all of it again when it came back in any order. */
static void each_order_has_all_of_the_space(struct kunit *test)
{
	u64 *at = kunit_kcalloc(test, SMALL_PAGES, sizeof(*at), GFP_KERNEL);
	PIOMMU_DMA_DOMAIN domain = v3t_domain(test, DomainTypeTranslate, SMALL_WIDTH);
	struct v3t_world *w = test->priv;
	unsigned int order, round, i, count;
	struct rnd_state random;

	KUNIT_ASSERT_NOT_NULL(test, at);
	prandom_seed_state(&random, 1);
	stay_here(test);
	v3t_attach(test, domain, w->device);
	for (order = 0; order < SMALL_WIDTH - 12; order++) {
		/* The first block has page 0, which an allocator gives to nobody. */
		count = (SMALL_PAGES >> order) - 1;
		for (round = 0; round < 2; round++) {
			for (i = 0; i < count; i++)
				at[i] = map_some(test, domain, BIT(order));
			sort(at, count, sizeof(*at), compare_addresses, NULL);
			for (i = 0; i < count; i++)
				KUNIT_EXPECT_EQ(test, at[i], (u64)(i + 1) * SZ_4K << order);
			expect_full(test, domain, BIT(order));
			expect_number(test, w->pdo, at[0]);
			expect_number(test, w->pdo, at[count - 1]);
			shuffle(&random, at, count);
			for (i = 0; i < count; i++)
				v3t_unmap(test, domain, at[i], BIT(order));
			v3t_expect_blocked(test, w->pdo, at[0]);
		}
	}
	expect_full(test, domain, SMALL_PAGES);
}

static void one_page_back_is_enough(struct kunit *test)
{
	PIOMMU_DMA_DOMAIN domain = v3t_domain(test, DomainTypeTranslate, SMALL_WIDTH);
	struct rnd_state random;
	unsigned int i;
	u64 at;

	prandom_seed_state(&random, 2);
	for (i = 1; i < SMALL_PAGES; i++)
		map_some(test, domain, 1);
	for (i = 0; i < 100; i++) {
		at = (1 + prandom_u32_state(&random) % (SMALL_PAGES - 1)) * (u64)SZ_4K;
		expect_full(test, domain, 1);
		v3t_unmap(test, domain, at, 1);
		KUNIT_EXPECT_EQ(test, map_some(test, domain, 1), at);
	}
}

/*
 * A page of a full space that is unmapped and mapped again is nobody else's business: searches are
 * told of it when the next one is unmapped.
 */
static void searches_hear_of_a_page_that_stays_free(struct kunit *test)
{
	PIOMMU_DMA_DOMAIN domain = v3t_domain(test, DomainTypeTranslate, SMALL_WIDTH);
	struct v3c_space *space = &((struct v3c_domain *)domain)->space;
	struct watch *watch = kunit_kzalloc(test, sizeof(*watch), GFP_KERNEL);
	struct lines *lines = kunit_kzalloc(test, sizeof(*lines), GFP_KERNEL);
	struct v3t_world *w = test->priv;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, watch);
	KUNIT_ASSERT_NOT_NULL(test, lines);
	stay_here(test);
	v3t_attach(test, domain, w->device);
	if (!((struct v3c_domain *)domain)->sole_allocates)
		kunit_skip(test, "the IOMMU driver is one that quick operations leave alone");
	for (i = 1; i < SMALL_PAGES; i++)
		map_some(test, domain, 1);
	expect_full(test, domain, 1);
	watch_node(test, watch, space->low, V3C_LOW_LEVEL);

	v3t_unmap(test, domain, SZ_64K, 1);
	KUNIT_EXPECT_EQ(test, map_some(test, domain, 1), SZ_64K);
	note_written(test, watch, lines);
	KUNIT_EXPECT_EQ(test, lines->count, 0);
	v3t_unmap(test, domain, SZ_64K, 1);
	note_written(test, watch, lines);
	KUNIT_EXPECT_EQ(test, lines->count, 1);
	v3t_unmap(test, domain, SZ_64K + SZ_4K, 1);
	note_written(test, watch, lines);
	KUNIT_EXPECT_GT(test, lines->count, 1);
	map_some(test, domain, 1);
	map_some(test, domain, 1);
	expect_full(test, domain, 1);
}

/* Where blocks lie that small mappings came and went in, and the only block there is above them. */
static const struct left_case {
	const char *name;
	ULONG width;
	u64 size;
} left_cases[] = {
	{ "2 MiB", 22, SZ_2M },
	{ "64 MiB", 27, SZ_64M },
	{ "256 MiB", 29, SZ_256M },
	{ "1 GiB", 31, SZ_1G },
	{ "8 GiB", 34, 8ULL * SZ_1G },
};

static void left_name(const struct left_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(left, left_cases, left_name);

#define LEFT	300

static void nodes_left_behind_hide_nothing(struct kunit *test)
{
	const struct left_case *c = test->param_value;
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_page(v3t_pages(test, 0));
	u64 *at = kunit_kcalloc(test, LEFT, sizeof(*at), GFP_KERNEL);
	PIOMMU_DMA_DOMAIN domain = v3t_domain(test, DomainTypeTranslate, c->width);
	/* The MSI window is below 4 GiB, and so in the way if the device is attached. */
	IOMMU_DMA_LOGICAL_ADDRESS lo, hi, out;
	struct rnd_state random;
	unsigned int i, round;

	KUNIT_ASSERT_NOT_NULL(test, at);
	stay_here(test);
	prandom_seed_state(&random, 3);
	for (round = 0; round < 2; round++) {
		for (i = 0; i < LEFT; i++) {
			lo = c->size + round_down(c->size / LEFT * i, SZ_4K);
			hi = 2 * c->size - 1;
			EXPECT_V3(test, STATUS_SUCCESS, MapLogicalRangeEx, domain, V3T_RW, &what,
				  NULL, &lo, &hi, &at[i]);
		}
		expect_full(test, domain, c->size / SZ_4K);
		shuffle(&random, at, LEFT);
		for (i = 0; i < LEFT; i++)
			v3t_unmap(test, domain, at[i], 1);
		out = map_some(test, domain, c->size / SZ_4K);
		KUNIT_EXPECT_EQ(test, out, c->size);
		v3t_unmap(test, domain, out, c->size / SZ_4K);
	}
}

/* Four leaves. */
#define LEAVES_WIDTH	22
#define LEAVES_PAGES	(1U << (LEAVES_WIDTH - 12))

/*
 * The work that trims a space makes the cells of a leaf dead before the leaf goes, or free again.
 * The processor that it runs on may stand still meanwhile, in a virtual machine.
 */
static void dying_leaf_is_free(struct kunit *test)
{
	PIOMMU_DMA_DOMAIN domain = v3t_domain(test, DomainTypeTranslate, LEAVES_WIDTH);
	struct v3c_space *space = space_of(domain);
	struct v3c_search search = { .lo = 1, .hi = LEAVES_PAGES - 1, .last = LEAVES_PAGES - 1 };
	const u64 dying = V3C_LEAF_CELLS;
	u8 *leaf;
	u64 at;

	/* Nobody queues the work while it is said to be queued, which frees the leaf otherwise. */
	cancel_delayed_work_sync(&space->trim);
	space->trimming = true;
	for (at = 1; at < LEAVES_PAGES; at++)
		map_some(test, domain, 1);
	for (at = dying; at < 2 * dying; at++)
		v3t_unmap(test, domain, at * SZ_4K, 1);
	leaf = v3c_cells_leaf(space, dying);
	KUNIT_ASSERT_NOT_NULL(test, leaf);
	KUNIT_ASSERT_NULL(test, memchr_inv(leaf, 0, V3C_LEAF_CELLS));

	memset(leaf, V3C_CELL_DEAD, V3C_LEAF_CELLS);
	for (; search.order <= ilog2(V3C_LEAF_CELLS); search.order++) {
		search.pages = BIT(search.order);
		KUNIT_EXPECT_EQ(test, v3c_cells_search(space, &search, &at), 0);
		KUNIT_EXPECT_EQ(test, at, dying);
	}
	search.pages = BIT(search.order);
	KUNIT_EXPECT_EQ(test, v3c_cells_search(space, &search, &at), -ENOSPC);
	memset(leaf, 0, V3C_LEAF_CELLS);
	space->trimming = false;
	KUNIT_EXPECT_EQ(test, map_some(test, domain, dying), dying * SZ_4K);
}

#define MODEL_WIDTH	22
#define MODEL_PAGES	(1U << (MODEL_WIDTH - 12))
#define MODEL_BLOCKS	64
#define MODEL_STEPS	3000

/**
 * struct model - what an allocator must know
 * @used: for each page, whether some block has it
 * @block: the blocks
 * @block.first: first page
 * @block.pages: how many
 * @block.token: of those that are reservations
 * @count: how many
 */
struct model {
	u8 used[MODEL_PAGES];
	struct {
		unsigned int first, pages;
		PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token;
	} block[MODEL_BLOCKS];
	unsigned int count;
};

static bool is_free(const struct model *m, unsigned int first, unsigned int pages)
{
	return !memchr_inv(m->used + first, 0, roundup_pow_of_two(pages));
}

/* Some block for @pages lies in [@lo, @hi]. */
static bool has_room_for(const struct model *m, unsigned int pages, unsigned int lo,
			 unsigned int hi)
{
	unsigned int block = roundup_pow_of_two(pages), first;

	for (first = 0; first < MODEL_PAGES; first += block)
		if (first >= max(lo, 1u) && first + pages - 1 <= hi && is_free(m, first, pages))
			return true;
	return false;
}

static void take_one(struct kunit *test, struct model *m, PIOMMU_DMA_DOMAIN domain,
		     struct rnd_state *random)
{
	const bool bounded = prandom_u32_state(random) % 2;
	const bool reserve = !(prandom_u32_state(random) % 4);
	unsigned int pages = 1 + prandom_u32_state(random) % BIT(prandom_u32_state(random) % 9);
	unsigned int lo = bounded ? prandom_u32_state(random) % MODEL_PAGES : 0, hi, first;
	IOMMU_DMA_LOGICAL_ADDRESS min, max, out = 0;
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_contiguous(NUMBERS, pages * SZ_4K);
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token = NULL;
	NTSTATUS expected;

	hi = bounded ? lo + prandom_u32_state(random) % MODEL_PAGES : MODEL_PAGES - 1;
	min = lo * (u64)SZ_4K;
	max = hi * (u64)SZ_4K + SZ_4K - 1;
	expected = has_room_for(m, pages, lo, min(hi, MODEL_PAGES - 1)) ? STATUS_SUCCESS :
		   bounded ? STATUS_INVALID_PARAMETER_MIX : STATUS_INSUFFICIENT_RESOURCES;
	if (reserve)
		EXPECT_V3(test, expected, ReserveLogicalAddressRange, domain, pages * SZ_4K, NULL,
			  bounded ? &min : NULL, bounded ? &max : NULL, &token);
	else
		EXPECT_V3(test, expected, MapLogicalRangeEx, domain, V3T_RW, &what, NULL,
			  bounded ? &min : NULL, bounded ? &max : NULL, &out);
	if (expected)
		return;
	if (token) {
		v3t_adopt_token(test, token);
		out = token->LogicalAddressBase;
	}
	first = out >> 12;
	KUNIT_ASSERT_GE(test, first, max(lo, 1u));
	KUNIT_ASSERT_LE(test, first + roundup_pow_of_two(pages), MODEL_PAGES);
	KUNIT_EXPECT_LE(test, first + pages - 1, hi);
	KUNIT_EXPECT_TRUE(test, IS_ALIGNED(first, roundup_pow_of_two(pages)));
	KUNIT_EXPECT_TRUE_MSG(test, is_free(m, first, pages), "%u pages at %u", pages, first);
	memset(m->used + first, 1, roundup_pow_of_two(pages));
	m->block[m->count].first = first;
	m->block[m->count].pages = pages;
	m->block[m->count++].token = token;
}

static void give_one(struct kunit *test, struct model *m, PIOMMU_DMA_DOMAIN domain, unsigned int n)
{
	if (m->block[n].token)
		v3t_free_token(test, m->block[n].token);
	else
		v3t_unmap(test, domain, m->block[n].first * (u64)SZ_4K, m->block[n].pages);
	memset(m->used + m->block[n].first, 0, roundup_pow_of_two(m->block[n].pages));
	m->block[n] = m->block[--m->count];
}

/* Mappings and reservations of any size, with bounds and without, as a table of pages has it. */
static void allocator_finds_what_there_is(struct kunit *test)
{
	PIOMMU_DMA_DOMAIN domain = v3t_domain(test, DomainTypeTranslate, MODEL_WIDTH);
	struct model *m = kunit_kzalloc(test, sizeof(*m), GFP_KERNEL);
	struct v3t_world *w = test->priv;
	struct rnd_state random;
	unsigned int i, n;

	KUNIT_ASSERT_NOT_NULL(test, m);
	prandom_seed_state(&random, 4);
	v3t_attach(test, domain, w->device);
	for (i = 0; i < MODEL_STEPS; i++) {
		n = prandom_u32_state(&random) % MODEL_BLOCKS;
		if (n >= m->count)
			take_one(test, m, domain, &random);
		else
			give_one(test, m, domain, n);
		if (!(i % 256))
			flush_delayed_work(&space_of(domain)->trim);
	}
	for (i = 0; i < m->count; i++)
		if (!m->block[i].token)
			expect_number(test, w->pdo, m->block[i].first * (u64)SZ_4K);
	while (m->count)
		give_one(test, m, domain, 0);
	KUNIT_EXPECT_EQ(test, map_some(test, domain, MODEL_PAGES / 2),
			(u64)MODEL_PAGES / 2 * SZ_4K);
	v3t_expect_no_stale_hits(test, w->sim);
}

static void reservation_and_mappings_share_a_space(struct kunit *test)
{
	PIOMMU_DMA_DOMAIN domain = v3t_domain(test, DomainTypeTranslate, SMALL_WIDTH);
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token;
	struct page *page = v3t_pages(test, 0);
	struct v3t_world *w = test->priv;
	u64 first, at;
	unsigned int i;

	v3t_attach(test, domain, w->device);
	/* Of a block of 64 pages, of which nobody gets the rest. */
	token = v3t_reserve(test, domain, 40 * SZ_4K, NULL);
	first = token->LogicalAddressBase;
	KUNIT_EXPECT_TRUE(test, IS_ALIGNED(first, 64 * SZ_4K));
	for (i = 1; i < SMALL_PAGES - 64; i++) {
		at = map_some(test, domain, 1);
		KUNIT_EXPECT_TRUE(test, at < first || at >= first + 64 * SZ_4K);
	}
	expect_full(test, domain, 1);
	v3t_map_reserved(test, token, 39 * SZ_4K, v3t_of_page(page));
	v3t_expect_reaches(test, w->pdo, first + 39 * SZ_4K, page);
	expect_full(test, domain, 1);
	REFUSE_V3(test, STATUS_RESOURCE_IN_USE, FreeReservedLogicalAddressRange, token);
	EXPECT_V3(test, STATUS_SUCCESS, UnmapReservedLogicalRange,
		  &(IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT) {
			.OwningToken = token, .Offset = 39 * SZ_4K, .Size = SZ_4K });
	v3t_free_token(test, token);
	for (i = 0; i < 64; i++) {
		at = map_some(test, domain, 1);
		KUNIT_EXPECT_TRUE(test, at >= first && at < first + 64 * SZ_4K);
	}
	expect_full(test, domain, 1);
}

/* --- Memory that is given back -------------------------------------------------------------- */

static unsigned int count_below(const unsigned long *slots, unsigned int level)
{
	unsigned int i, count = 0;
	unsigned long value;

	for (i = 0; level && i < BIT(V3C_BITS(level)); i++) {
		value = READ_ONCE(slots[i]);
		if (value & V3C_SLOT_CHILD)
			count += 1 + count_below(v3c_slot_below(value), level - 1);
	}
	return count;
}

/* Nodes and leaves below the roots, which stay. */
static unsigned int count_nodes(PIOMMU_DMA_DOMAIN domain)
{
	struct v3c_space *space = space_of(domain);

	guard(rcu)();
	return count_below(space->low, V3C_LOW_LEVEL) + count_below(space->high, V3C_HIGH_LEVEL);
}

#define WIDELY		200

/* One page each of leaves, of nodes, and of nodes above these. */
static u64 widely(unsigned int i)
{
	static const u64 apart[] = { SZ_1M, SZ_64M, SZ_1G, 512ULL * SZ_1G };

	return BLOCKS + i % 50 * apart[i / 50] + i * SZ_4K;
}

static void empty_nodes_go(struct kunit *test)
{
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	struct v3t_world *w = test->priv;
	struct page *page = v3t_pages(test, 0);
	unsigned int before, i, round;

	v3t_attach(test, domain, w->device);
	flush_delayed_work(&space_of(domain)->trim);
	before = count_nodes(domain);
	for (round = 0; round < 3; round++) {
		for (i = 0; i < WIDELY; i++)
			v3t_map_at(test, domain, v3t_of_page(page), widely(i));
		KUNIT_EXPECT_GE(test, count_nodes(domain), before + WIDELY);
		for (i = 0; i < WIDELY - 1; i++)
			v3t_unmap(test, domain, widely(i), 1);
		flush_delayed_work(&space_of(domain)->trim);
		/* A leaf and three nodes for the one that is left. */
		KUNIT_EXPECT_LE(test, count_nodes(domain), before + 4);
		v3t_expect_reaches(test, w->pdo, widely(WIDELY - 1), page);
		v3t_unmap(test, domain, widely(WIDELY - 1), 1);
		flush_delayed_work(&space_of(domain)->trim);
		KUNIT_EXPECT_EQ(test, count_nodes(domain), before);
	}
}

/* A map that is refused has added nodes on its way to what is in use. */
static void refused_map_leaves_no_node(struct kunit *test)
{
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_contiguous(NUMBERS, SZ_64M + SZ_4K);
	IOMMU_DMA_LOGICAL_ADDRESS at = BLOCKS - SZ_4K, out;
	unsigned int before;

	v3t_map_at(test, domain, v3t_of_page(v3t_pages(test, 0)), BLOCKS + SZ_64M - SZ_4K);
	flush_delayed_work(&space_of(domain)->trim);
	before = count_nodes(domain);
	REFUSE_V3(test, STATUS_RESOURCE_IN_USE, MapLogicalRangeEx, domain, V3T_RW, &what, &at, NULL,
		  NULL, &out);
	KUNIT_EXPECT_GT(test, count_nodes(domain), before);
	flush_delayed_work(&space_of(domain)->trim);
	KUNIT_EXPECT_EQ(test, count_nodes(domain), before);
}

/* A free slot of just the pages that are wanted takes them, wherever the range began. */
static void large_range_needs_no_leaf(struct kunit *test)
{
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	IOMMU_MAP_PHYSICAL_ADDRESS page = v3t_of_page(v3t_pages(test, 0));
	unsigned int before;
	u64 pages;

	/* The second 64 MiB have a node of slots, because of the page at their end. */
	v3t_map_at(test, domain, page, BLOCKS + 2 * SZ_64M - SZ_4K);
	before = count_nodes(domain);
	pages = (SZ_64M + SZ_1M) / SZ_4K;
	v3t_map_at(test, domain, v3t_contiguous(NUMBERS, pages * SZ_4K), BLOCKS);
	KUNIT_EXPECT_EQ(test, count_nodes(domain), before);
	v3t_unmap(test, domain, BLOCKS, pages);
}

static void allocator_gives_its_nodes_back(struct kunit *test)
{
	u64 *at = kunit_kcalloc(test, 2000, sizeof(*at), GFP_KERNEL);
	PIOMMU_DMA_DOMAIN domain = v3t_buddy(test);
	unsigned int before, i;

	KUNIT_ASSERT_NOT_NULL(test, at);
	before = count_nodes(domain);
	for (i = 0; i < 2000; i++)
		at[i] = map_some(test, domain, 1 + i % 5);
	KUNIT_EXPECT_GT(test, count_nodes(domain), before + 4);
	for (i = 0; i < 2000; i++)
		v3t_unmap(test, domain, at[i], 1 + i % 5);
	flush_delayed_work(&space_of(domain)->trim);
	KUNIT_EXPECT_EQ(test, count_nodes(domain), before);
	/* Where nodes went nothing is hidden either. */
	for (i = 0; i < 100; i++) {
		at[i] = map_some(test, domain, 1);
		KUNIT_EXPECT_LE(test, at[i], 256 * SZ_4K);
	}
}

/* A reservation keeps its leaves, in which nothing is mapped. */
struct give_up {
	struct v3c_space *space;
	u64 first, last;
};

static int give_up_pages(void *arg)
{
	struct give_up *pages = arg;

	v3c_cells_give_up(pages->space, pages->first, pages->last);
	return 0;
}

/* One page is in the hands of a quick operation that is late. */
static void giving_up_waits_for_a_page_in_use(struct kunit *test)
{
	const u64 at = BLOCKS;
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	struct v3c_token *token = (struct v3c_token *)v3t_reserve(test, domain, SZ_64K, &at);
	struct give_up pages = {
		.space = &((struct v3c_domain *)domain)->space, .first = BLOCKS / SZ_4K,
		.last = BLOCKS / SZ_4K + 14,
	};
	const u8 held = v3c_cell_of_kind(V3C_RANGE_TOKEN) | V3C_CELL_HEAD | V3C_CELL_TAIL |
			V3C_CELL_HELD;
	struct v3t_thread thread = {};
	unsigned int i;
	u8 *cells;

	cells = v3c_segment_cell(token->segments, 0);
	WRITE_ONCE(cells[7], held);
	v3t_thread_start(&thread, give_up_pages, &pages);
	while (READ_ONCE(cells[8]) && !IS_ERR(thread.task))
		schedule_timeout_uninterruptible(1);
	KUNIT_EXPECT_EQ(test, READ_ONCE(cells[7]), held);
	KUNIT_EXPECT_EQ(test, READ_ONCE(cells[6]), V3C_CELL_UNUSED);
	WRITE_ONCE(cells[7], V3C_CELL_UNUSED);
	KUNIT_EXPECT_EQ(test, 0, v3t_thread_join(&thread));
	for (i = 0; i < 15; i++)
		KUNIT_EXPECT_EQ_MSG(test, READ_ONCE(cells[i]), 0, "page %u", i);
	/* The last one was not given up, so that the leaf is there still. */
	KUNIT_EXPECT_EQ(test, READ_ONCE(cells[15]), V3C_CELL_UNUSED);
	memset(cells, V3C_CELL_UNUSED, 15);
}

static void reservation_keeps_its_nodes(struct kunit *test)
{
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	struct page *page = v3t_pages(test, 0);
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token;
	unsigned int before, during;
	const u64 at = BLOCKS;

	v3t_attach(test, domain, w->device);
	before = count_nodes(domain);
	token = v3t_reserve(test, domain, SZ_8M, &at);
	during = count_nodes(domain);
	KUNIT_EXPECT_GE(test, during, before + 8);
	v3t_map_at(test, domain, v3t_of_page(page), BLOCKS + SZ_16M);
	v3t_unmap(test, domain, BLOCKS + SZ_16M, 1);
	flush_delayed_work(&space_of(domain)->trim);
	KUNIT_EXPECT_EQ(test, count_nodes(domain), during);
	v3t_unmap_reserved(test, v3t_map_reserved(test, token, SZ_4M, v3t_of_page(page)));
	v3t_map_reserved(test, token, SZ_8M - SZ_4K, v3t_of_page(page));
	v3t_expect_reaches(test, w->pdo, BLOCKS + SZ_8M - SZ_4K, page);
	EXPECT_V3(test, STATUS_SUCCESS, UnmapReservedLogicalRange,
		  &(IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT) {
			.OwningToken = token, .Offset = SZ_8M - SZ_4K, .Size = SZ_4K });
	v3t_free_token(test, token);
	flush_delayed_work(&space_of(domain)->trim);
	KUNIT_EXPECT_EQ(test, count_nodes(domain), before);
}

/* The nodes that go are those that the next map needs. */
static void pages_are_mapped_while_nodes_go(struct kunit *test)
{
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	struct v3t_trimmer trimmer;
	struct page *page = v3t_pages(test, 0);
	struct v3t_world *w = test->priv;
	unsigned int before, i, round;

	v3t_attach(test, domain, w->device);
	before = count_nodes(domain);
	v3t_trimmer_start(&trimmer, space_of(domain));
	for (round = 0; round < 4; round++) {
		for (i = 0; i < WIDELY; i++) {
			/* Where there is one CPU the thread may never get on. */
			if (!(i % 8))
				flush_delayed_work(&trimmer.space->trim);
			v3t_map_at(test, domain, v3t_of_page(page), widely(i));
			v3t_expect_reaches(test, w->pdo, widely(i), page);
			if (i % 4)
				v3t_unmap(test, domain, widely(i), 1);
		}
		for (i = 0; i < WIDELY; i += 4) {
			v3t_expect_reaches(test, w->pdo, widely(i), page);
			v3t_unmap(test, domain, widely(i), 1);
		}
	}
	KUNIT_EXPECT_EQ(test, 0, v3t_trimmer_stop(&trimmer));
	KUNIT_EXPECT_EQ(test, count_nodes(domain), before);
}

static struct kunit_case cells_cases[] = {
	KUNIT_CASE_PARAM(quick_operations_share_no_line, pair_gen_params),
	KUNIT_CASE(general_operations_write_other_lines),
	KUNIT_CASE_PARAM(processors_choose_lines_of_their_own, sizes_gen_params),
	KUNIT_CASE_PARAM(pages_give_way_to_blocks, block_gen_params),
	KUNIT_CASE_PARAM(page_inside_a_block_is_refused, block_gen_params),
	KUNIT_CASE_PARAM(block_over_a_page_is_refused, block_gen_params),
	KUNIT_CASE(sixteen_pages_are_not_always_a_block),
	KUNIT_CASE_PARAM(nothing_is_mapped_in_a_hole, block_gen_params),
	KUNIT_CASE_PARAM(slot_is_cut_anywhere, slice_gen_params),
	KUNIT_CASE(parts_are_unmapped_together),
	KUNIT_CASE(both_roots_are_one_space),
	KUNIT_CASE(large_blocks_cross_from_root_to_root),
	KUNIT_CASE(addresses_end_with_the_aperture),
	KUNIT_CASE_PARAM(holes_are_anywhere, hole_gen_params),
	KUNIT_CASE(narrower_device_moves_the_end),
	KUNIT_CASE(each_order_has_all_of_the_space),
	KUNIT_CASE(one_page_back_is_enough),
	KUNIT_CASE(searches_hear_of_a_page_that_stays_free),
	KUNIT_CASE_PARAM(nodes_left_behind_hide_nothing, left_gen_params),
	KUNIT_CASE(dying_leaf_is_free),
	KUNIT_CASE(allocator_finds_what_there_is),
	KUNIT_CASE(reservation_and_mappings_share_a_space),
	KUNIT_CASE(empty_nodes_go),
	KUNIT_CASE(refused_map_leaves_no_node),
	KUNIT_CASE(large_range_needs_no_leaf),
	KUNIT_CASE(allocator_gives_its_nodes_back),
	KUNIT_CASE(giving_up_waits_for_a_page_in_use),
	KUNIT_CASE(reservation_keeps_its_nodes),
	KUNIT_CASE(pages_are_mapped_while_nodes_go),
	{}
};

static struct kunit_suite cells_suite = {
	.name = "v3compat_cells",
	.init = v3t_init,
	.exit = v3t_exit,
	.test_cases = cells_cases,
};

kunit_test_suites(&cells_suite);
