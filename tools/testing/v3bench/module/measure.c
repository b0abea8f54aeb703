// SPDX-License-Identifier: GPL-2.0
/*
 * Taking the samples: for each number of live ranges, each shape.
 */
#include <linux/iommu.h>
#include <linux/irqflags.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/sort.h>

#include "clock.h"
#include "v3bench.h"

/* Pairs run before the first sample: page tables and caches of free objects fill up. */
#define WARM_UP	16

static const struct v3b_shape live_shape = { "live", 1, 0, 0 };

static const struct v3b_shape shapes[] = {
	{ "4K", 1, 512, 0 },
	{ "4K-random", 1, 512, V3B_RANDOM },
	{ "64K", 16, 512, V3B_LARGE },
	{ "2M", SZ_2M >> PAGE_SHIFT, 512, V3B_LARGE },
	{ "2M-unaligned", SZ_2M >> PAGE_SHIFT, 128, V3B_LARGE | V3B_UNALIGNED },
	{ "1G", SZ_1G >> PAGE_SHIFT, 512, V3B_LARGE | V3B_GIGANTIC },
	{ "64x4K", V3B_SCATTERED_PAGES, 256, V3B_SCATTER },
	{ "64x4K-mdl", V3B_SCATTERED_PAGES, 256, V3B_SCATTER | V3B_MDL },
	{ "64K-leaf", 16, 512, V3B_LEAF },
	{ "2M-leaf", SZ_2M >> PAGE_SHIFT, 32, V3B_LEAF },
};

static const u32 levels[] = { 1, 1000, 100000, 1000000 };

static int empty_map(struct v3b *b, const struct v3b_job *job, struct v3b_slot *slot)
{
	return 0;
}

static void empty_unmap(struct v3b *b, const struct v3b_job *job, struct v3b_slot *slot)
{
}

static const struct v3b_method empty = {
	.name = "empty",
	.map = empty_map,
	.unmap = empty_unmap,
};

struct sample {
	u64 map;
	u64 unmap;
};

static int sample_new(struct v3b *b, const struct v3b_method *method, const struct v3b_job *job,
		      struct v3b_slot *slot, struct sample *s)
{
	u64 start, mapped, end;
	int err;

	start = v3b_clock();
	err = method->map(b, job, slot);
	mapped = v3b_clock();
	if (err)
		return err;
	method->unmap(b, job, slot);
	end = v3b_clock();
	s->map = mapped - start;
	s->unmap = end - mapped;
	return 0;
}

static int sample_live(struct v3b *b, const struct v3b_method *method, const struct v3b_job *job,
		       struct v3b_slot *slot, struct sample *s)
{
	u64 start, unmapped, end;
	int err;

	start = v3b_clock();
	method->unmap(b, job, slot);
	unmapped = v3b_clock();
	err = method->map(b, job, slot);
	end = v3b_clock();
	s->unmap = unmapped - start;
	s->map = end - unmapped;
	return err;
}

/* The same walk through the live ranges in every run. */
static u32 pick(struct v3b *b, u32 *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return ((u64)*seed * b->live) >> 32;
}

static void aim_at_live(struct v3b *b, struct v3b_job *job, u32 index)
{
	job->place = b->fill_base + (u64)index * PAGE_SIZE;
}

static int sample_pair(struct v3b *b, const struct v3b_method *method, struct v3b_job *job,
		       u32 *seed, struct sample *s)
{
	struct v3b_slot scratch, *slot = &scratch;
	unsigned long flags;
	int err;

	if (job->shape->features & V3B_RANDOM) {
		u32 index = pick(b, seed);

		slot = &b->slots[index];
		aim_at_live(b, job, index);
	}
	b->gfp = GFP_ATOMIC;
	local_irq_save(flags);
	if (job->shape->features & V3B_RANDOM)
		err = sample_live(b, method, job, slot, s);
	else
		err = sample_new(b, method, job, slot, s);
	local_irq_restore(flags);
	b->gfp = GFP_KERNEL;
	return err;
}

static int compare(const void *a, const void *b)
{
	return *(const u64 *)a < *(const u64 *)b ? -1 : *(const u64 *)a > *(const u64 *)b;
}

static u64 less(u64 value, u64 cost)
{
	return value > cost ? value - cost : 0;
}

static void summarise(struct v3b *b, u32 n, const struct sample *sum, struct v3b_stats *stats)
{
	sort(b->pairs, n, sizeof(b->pairs[0]), compare, NULL);
	stats->map_mean = less(div_u64(sum->map, n), b->empty_call);
	stats->unmap_mean = less(div_u64(sum->unmap, n), b->empty_call);
	stats->pair_min = less(b->pairs[0], b->empty_pair);
	stats->pair_median = less(b->pairs[n / 2], b->empty_pair);
	stats->pair_mean = less(div_u64(sum->map + sum->unmap, n), b->empty_pair);
	stats->pair_max = less(b->pairs[n - 1], b->empty_pair);
}

static int measure(struct v3b *b, const struct v3b_method *method, struct v3b_job *job,
		   struct v3b_stats *stats)
{
	struct sample s, sum = {};
	u32 n = job->shape->samples;
	u32 seed = 1;
	u32 i;
	int err;

	for (i = 0; i < WARM_UP + n; i++) {
		err = sample_pair(b, method, job, &seed, &s);
		if (err)
			return err;
		if (i < WARM_UP)
			continue;
		b->pairs[i - WARM_UP] = s.map + s.unmap;
		sum.map += s.map;
		sum.unmap += s.unmap;
		cond_resched();
	}
	summarise(b, n, &sum, stats);
	return 0;
}

/**
 * v3b_measure_empty - learn what the measurement itself costs
 * @b: the benchmark
 *
 * Return: 0 or a negative errno.
 */
int v3b_measure_empty(struct v3b *b)
{
	struct v3b_job job = { .shape = &shapes[0] };
	struct v3b_stats stats;
	int err;

	b->empty_call = 0;
	b->empty_pair = 0;
	err = measure(b, &empty, &job, &stats);
	if (err)
		return err;
	b->empty_call = stats.map_mean;
	b->empty_pair = stats.pair_min;
	return 0;
}

static phys_addr_t shape_phys(struct v3b *b, const struct v3b_shape *shape)
{
	phys_addr_t small = page_to_phys(b->small);

	if (shape->features & V3B_LEAF)
		return shape->nr_pages > V3B_SCATTERED_PAGES ? b->huge + PAGE_SIZE :
							       small + PAGE_SIZE;
	if (shape->features & V3B_UNALIGNED)
		return b->huge + PAGE_SIZE;
	return shape->nr_pages > V3B_SCATTERED_PAGES ? b->huge : small;
}

static bool prepare(struct v3b *b, u32 index, struct v3b_job *job)
{
	const struct v3b_shape *shape = &shapes[index];

	job->shape = shape;
	job->index = index;
	job->size = (size_t)shape->nr_pages << PAGE_SHIFT;
	job->phys = shape_phys(b, shape);
	job->place = b->probe_base + index * b->probe_step;
	/* Half way into a last-level table, so that unmapping never empties one. */
	if (shape->features & V3B_LEAF)
		job->place += SZ_1M;
	if (shape->features & V3B_UNALIGNED)
		job->place += PAGE_SIZE;
	return b->huge || shape->nr_pages <= V3B_SCATTERED_PAGES;
}

static phys_addr_t page_of_job(struct v3b *b, const struct v3b_job *job, u32 page)
{
	if (job->shape->features & V3B_SCATTER)
		return PFN_PHYS(b->pfns[page]);
	return job->phys + (phys_addr_t)page * PAGE_SIZE;
}

static phys_addr_t lookup(struct v3b *b, const struct v3b_method *method, u64 address)
{
	if (method->lookup)
		return method->lookup(b, address);
	return iommu_iova_to_phys(iommu_get_domain_for_dev(b->dev), address);
}

static bool is_translated(struct v3b *b, const struct v3b_method *method,
			  const struct v3b_job *job, u64 address)
{
	u32 page;

	for (page = 0; page < job->shape->nr_pages; page++)
		if (lookup(b, method, address + (u64)page * PAGE_SIZE) != page_of_job(b, job, page))
			return false;
	return true;
}

/* A row counts only if the device would have seen the memory, and only between the calls. */
static int check(struct v3b *b, const struct v3b_method *method, const struct v3b_job *job)
{
	struct v3b_slot slot;
	bool before;
	int err;

	err = method->map(b, job, &slot);
	if (err)
		return err;
	before = is_translated(b, method, job, slot.address);
	method->unmap(b, job, &slot);
	if (before && !lookup(b, method, slot.address))
		return 0;
	dev_err(b->dev, "%s %s: %s\n", method->name, job->shape->name,
		before ? "still translated after unmap" : "not translated after map");
	return -EIO;
}

static int measure_row(struct v3b *b, const struct v3b_method *method, u32 index)
{
	struct v3b_row *row;
	struct v3b_job job;
	int err;

	if (!prepare(b, index, &job))
		return 0;
	row = v3b_row_add(b);
	if (!row)
		return -ENOSPC;
	row->kind = V3B_ROW_COST;
	row->method = method->name;
	row->what = job.shape->name;
	row->live = b->live;
	row->count = job.shape->samples;
	if (method->prepare)
		method->prepare(b, &job);
	err = check(b, method, &job);
	if (!err)
		err = measure(b, method, &job, &row->stats);
	if (err)
		dev_err(b->dev, "%s %s with %u live: error %d\n", method->name, job.shape->name,
			b->live, err);
	return err;
}

static int measure_level(struct v3b *b, const struct v3b_method *method)
{
	u32 i;
	int err;

	for (i = 0; i < ARRAY_SIZE(shapes); i++) {
		if (shapes[i].features & method->lacks)
			continue;
		err = measure_row(b, method, i);
		if (err)
			return err;
	}
	return 0;
}

static int grow(struct v3b *b, const struct v3b_method *method, u32 level)
{
	struct v3b_job job = {
		.shape = &live_shape, .phys = page_to_phys(b->small), .size = PAGE_SIZE,
	};
	int err;

	if (method->prepare)
		method->prepare(b, &job);
	for (; b->live < level; b->live++) {
		aim_at_live(b, &job, b->live);
		err = method->map(b, &job, &b->slots[b->live]);
		if (err)
			return err;
		cond_resched();
	}
	return 0;
}

static void shrink(struct v3b *b, const struct v3b_method *method)
{
	struct v3b_job job = { .shape = &live_shape, .size = PAGE_SIZE };

	for (; b->live; b->live--) {
		method->unmap(b, &job, &b->slots[b->live - 1]);
		cond_resched();
	}
}

/**
 * v3b_mark_now - begin to count
 *
 * Return: what v3b_memory_row() counts from.
 */
struct v3b_mark v3b_mark_now(void)
{
	struct v3b_mark mark = { .memory = v3b_memory_in_use() };

	mark.clock = v3b_clock();
	return mark;
}

static int add_memory_row(struct v3b *b, const char *method, const char *what, u32 count,
			  const struct v3b_mark *before, u64 clock, struct v3b_memory now)
{
	struct v3b_row *row = v3b_row_add(b);

	if (!row)
		return -ENOSPC;
	row->kind = V3B_ROW_MEMORY;
	row->method = method;
	row->what = what;
	row->live = b->live;
	row->count = count;
	row->memory.total = now.total - before->memory.total;
	row->memory.tables = now.tables - before->memory.tables;
	row->memory.slab = now.slab - before->memory.slab;
	row->ticks = clock - before->clock;
	return 0;
}

/**
 * v3b_mark_settled - begin to count when nothing is given back any more
 *
 * Context: sleeps, see v3b_memory_settled().
 * Return: as v3b_mark_now().
 */
struct v3b_mark v3b_mark_settled(void)
{
	struct v3b_mark mark = { .memory = v3b_memory_settled() };

	mark.clock = v3b_clock();
	return mark;
}

/**
 * v3b_memory_row - say how much memory came into use
 * @b: the benchmark
 * @method: name of the method
 * @what: what took it
 * @count: by how many ranges
 * @before: where the count began
 *
 * Return: 0 or -ENOSPC.
 */
int v3b_memory_row(struct v3b *b, const char *method, const char *what, u32 count,
		   const struct v3b_mark *before)
{
	u64 clock = v3b_clock();

	return add_memory_row(b, method, what, count, before, clock, v3b_memory_in_use());
}

/**
 * v3b_left_row - say how much memory is in use still, once everything is unmapped
 * @b: the benchmark
 * @method: name of the method
 * @what: what took it
 * @count: how many ranges were unmapped
 * @before: when nothing had been mapped
 *
 * Context: sleeps until it becomes no less any more.
 * Return: 0 or -ENOSPC.
 */
int v3b_left_row(struct v3b *b, const char *method, const char *what, u32 count,
		 const struct v3b_mark *before)
{
	u64 clock = v3b_clock();

	return add_memory_row(b, method, what, count, before, clock, v3b_memory_settled());
}

static int measure_levels(struct v3b *b, const struct v3b_method *method)
{
	u32 i;
	int err;

	for (i = 0; i < ARRAY_SIZE(levels) && levels[i] <= b->max_live; i++) {
		struct v3b_mark before = v3b_mark_now();
		u32 from = b->live;

		err = grow(b, method, levels[i]);
		if (!err)
			err = v3b_memory_row(b, method->name, "live", b->live - from, &before);
		if (!err)
			err = measure_level(b, method);
		if (err)
			return err;
	}
	return 0;
}

/**
 * v3b_measure_method - measure every row of a method
 * @b: the benchmark, with room for &v3b.max_live live ranges
 * @method: the method
 *
 * Return: 0 or a negative errno; the rows until then stay.
 */
int v3b_measure_method(struct v3b *b, const struct v3b_method *method)
{
	struct v3b_mark before = v3b_mark_settled();
	u32 live;
	int err;

	err = method->open(b);
	if (err)
		return err;
	err = v3b_memory_row(b, method->name, "open", 1, &before);
	before = v3b_mark_now();
	if (!err)
		err = measure_levels(b, method);
	live = b->live;
	shrink(b, method);
	if (!err)
		err = v3b_left_row(b, method->name, "left", live, &before);
	method->close(b);
	return err;
}

/**
 * v3b_series_add - take a sample
 * @series: zeroed before the first one
 * @ticks: what the clock advanced by; what is beyond the room for samples is left out
 */
void v3b_series_add(struct v3b_series *series, u64 ticks)
{
	if (series->nr < V3B_MAX_SAMPLES)
		series->ticks[series->nr++] = ticks;
}

/**
 * v3b_series_row - make samples a row
 * @b: the benchmark; v3b_measure_empty() was called
 * @call: what was measured
 * @series: at least one sample; sorted
 *
 * Return: 0 or -ENOSPC.
 */
int v3b_series_row(struct v3b *b, const struct v3b_call *call, struct v3b_series *series)
{
	struct v3b_row *row = v3b_row_add(b);
	u64 sum = 0;
	u32 i;

	if (!row)
		return -ENOSPC;
	sort(series->ticks, series->nr, sizeof(series->ticks[0]), compare, NULL);
	for (i = 0; i < series->nr; i++)
		sum += series->ticks[i];
	row->kind = V3B_ROW_CALL;
	row->count = series->nr;
	row->call = *call;
	row->call_stats.pair_min = less(series->ticks[0], b->empty_call);
	row->call_stats.pair_median = less(series->ticks[series->nr / 2], b->empty_call);
	row->call_stats.pair_mean = less(div_u64(sum, series->nr), b->empty_call);
	row->call_stats.pair_max = less(series->ticks[series->nr - 1], b->empty_call);
	return 0;
}
