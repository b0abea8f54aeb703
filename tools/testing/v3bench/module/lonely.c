// SPDX-License-Identifier: GPL-2.0
/*
 * Study "lonely": the memory that ranges of 4 KiB take which lie far apart, so that each has page
 * tables of its own.
 */
#include <linux/iommu.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/vmalloc.h>

#include "v3bench.h"

/**
 * struct spread - how far apart
 * @added: name in the result of what the second half of the ranges took
 * @left: name in the result of what is left of all of them
 * @step: bytes from one range to the next
 * @count: most ranges
 */
struct spread {
	const char *added;
	const char *left;
	u64 step;
	u32 count;
};

static const struct spread spreads[] = {
	{ "lonely 2M", "lonely 2M left", SZ_2M, 20000 },
	{ "lonely 1G", "lonely 1G left", SZ_1G, 1000 },
};

static const struct v3b_method * const methods[] = { &v3b_raw, &v3b_v3_explicit };

static const struct v3b_shape shape = { .name = "lonely", .nr_pages = 1 };

static void aim(struct v3b *b, const struct spread *spread, struct v3b_job *job, u32 i)
{
	job->shape = &shape;
	job->phys = page_to_phys(b->small);
	job->size = PAGE_SIZE;
	job->place = b->fill_base + i * spread->step;
}

static int map_to(struct v3b *b, const struct v3b_method *method, const struct spread *spread,
		  u32 count)
{
	struct v3b_job job;
	int err;

	for (; b->live < count; b->live++) {
		aim(b, spread, &job, b->live);
		if (method->prepare)
			method->prepare(b, &job);
		err = method->map(b, &job, &b->slots[b->live]);
		if (err)
			return err;
		cond_resched();
	}
	return 0;
}

static void unmap_all(struct v3b *b, const struct v3b_method *method, const struct spread *spread)
{
	struct v3b_job job;

	for (; b->live; b->live--) {
		aim(b, spread, &job, b->live - 1);
		method->unmap(b, &job, &b->slots[b->live - 1]);
		cond_resched();
	}
}

/* As many as the IOMMU has addresses for, and not more than asked for. */
static u32 fitting(struct v3b *b, const struct spread *spread, u32 max_live)
{
	u64 end = iommu_get_domain_for_dev(b->dev)->geometry.aperture_end;
	u64 room = end > b->fill_base ? (end - b->fill_base) / spread->step : 0;

	return min3((u64)spread->count, room, (u64)max_live) & ~1U;
}

static int measure(struct v3b *b, const struct v3b_method *method, const struct spread *spread,
		   u32 count)
{
	struct v3b_mark before = v3b_mark_settled(), half;
	int err;

	b->live = 0;
	err = map_to(b, method, spread, count / 2);
	half = v3b_mark_now();
	if (!err)
		err = map_to(b, method, spread, count);
	if (!err)
		err = v3b_memory_row(b, method->name, spread->added, count / 2, &half);
	unmap_all(b, method, spread);
	return err ?: v3b_left_row(b, method->name, spread->left, count, &before);
}

static int run_method(struct v3b *b, const struct v3b_method *method,
		      const struct spread *spread, u32 max_live)
{
	u32 count;
	int err;

	err = method->open(b);
	if (err)
		return err;
	count = fitting(b, spread, max_live);
	if (count)
		err = measure(b, method, spread, count);
	method->close(b);
	return err;
}

static int run_lonely(struct v3b *b, u32 max_live)
{
	u32 i, m;
	int err = 0;

	b->slots = vcalloc(spreads[0].count, sizeof(*b->slots));
	if (!b->slots)
		return -ENOMEM;
	for (i = 0; !err && i < ARRAY_SIZE(spreads); i++)
		for (m = 0; !err && m < ARRAY_SIZE(methods); m++)
			err = run_method(b, methods[m], &spreads[i], max_live);
	vfree(b->slots);
	return err;
}

const struct v3b_study v3b_lonely = {
	.name = "lonely",
	.run = run_lonely,
};
