// SPDX-License-Identifier: GPL-2.0
/*
 * &struct v3c_payload of memory that is in several runs.
 */
#include <kunit/visibility.h>
#include <linux/atomic.h>
#include <linux/export.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/slab.h>

#include "base/context.h"
#include "base/payload.h"

/**
 * struct v3c_run_at - a run in its payload
 * @at: the payload's page that it starts with
 * @pfn: first page frame
 */
struct v3c_run_at {
	u64 at;
	u64 pfn;
};

/**
 * struct v3c_run_payload - runs, until all of their pages are given back
 * @payload: its pages are numbered in the order of the runs
 * @give: gets what is given back
 * @end: comes after @give, once for all that is given back together
 * @context: for @give and @end
 * @left: pages not given back yet
 * @count: of runs
 * @runs: the runs, and one more that starts where the last one ends
 */
struct v3c_run_payload {
	struct v3c_payload payload;
	void (*give)(void *context, u64 pfn, u64 pages);
	void (*end)(void *context, u64 pages);
	void *context;
	atomic64_t left;
	u64 count;
	struct v3c_run_at runs[];
};

/* YIELD_PAGES: so many are given back, or one run, before others may have the processor. */
#define YIELD_PAGES	16

/* find_run() finds the run that has page @at of @runs. */
static const struct v3c_run_at *find_run(const struct v3c_run_payload *runs, u64 at)
{
	u64 low = 0, high = runs->count;

	while (high - low > 1) {
		u64 middle = low + (high - low) / 2;

		if (runs->runs[middle].at <= at)
			low = middle;
		else
			high = middle;
	}
	return &runs->runs[low];
}

static void release_runs(struct v3c_payload *payload, u64 at, u64 pages)
{
	struct v3c_run_payload *runs = container_of(payload, struct v3c_run_payload, payload);
	const struct v3c_run_at *from = find_run(runs, at);
	u64 end = at + pages, looked = at;

	for (; at < end; at = from->at) {
		runs->give(runs->context, from->pfn + (at - from->at), min(end, from[1].at) - at);
		from++;
		if (from->at - looked >= YIELD_PAGES) {
			looked = from->at;
			v3c_yield();
		}
	}
	runs->end(runs->context, pages);
	if (!atomic64_sub_return(pages, &runs->left))
		kvfree(runs);
}

/**
 * v3c_payload_of_runs() - a payload for memory in several runs
 * @runs: the runs, copied
 * @count: how many, at least 1
 * @give: gets each run that is given back, or the part of it that is
 * @end: comes after @give, once for all that is given back together
 * @context: for @give and @end
 * @gfp: for the copy
 *
 * The payload frees itself when all of its pages have been given back. It is part of one mapping
 * first, as a whole; cuts are given back one by one.
 *
 * Context: any that @gfp allows. Pages are given back where kvfree() may be called.
 * Return: the payload, or NULL without memory.
 */
struct v3c_payload *v3c_payload_of_runs(const struct v3c_run *runs, u64 count,
					void (*give)(void *context, u64 pfn, u64 pages),
					void (*end)(void *context, u64 pages),
					void *context, gfp_t gfp)
{
	struct v3c_run_payload *made = kvmalloc(struct_size(made, runs, size_add(count, 1)), gfp);
	u64 i, at = 0;

	if (!made)
		return NULL;
	made->payload.release = release_runs;
	made->give = give;
	made->end = end;
	made->context = context;
	made->count = count;
	for (i = 0; i < count; i++) {
		made->runs[i] = (struct v3c_run_at) { .at = at, .pfn = runs[i].pfn };
		at += runs[i].pages;
	}
	made->runs[count] = (struct v3c_run_at) { .at = at };
	atomic64_set(&made->left, at);
	return &made->payload;
}
EXPORT_SYMBOL_IF_KUNIT(v3c_payload_of_runs);
