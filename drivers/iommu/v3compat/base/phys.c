// SPDX-License-Identifier: GPL-2.0
/*
 * &struct v3c_phys: physical descriptions as an iterator of contiguous runs.
 */
#include <kunit/visibility.h>
#include <linux/export.h>
#include <linux/minmax.h>
#include <linux/overflow.h>

#include "base/phys.h"

#define V3C_MAX_PFN	(1ULL << (V3C_PHYS_BITS - V3C_PAGE_SHIFT))

/**
 * v3c_phys_init_run() - describe one contiguous range
 * @phys: result, written on success only
 * @base: first byte
 * @size: in bytes
 * @why: filled on refusal
 *
 * Context: any.
 * Return: 0; %V3C_REASON_EMPTY; %V3C_REASON_MISALIGNED; or %V3C_REASON_WRAPS, also for what lies
 * above V3C_PHYS_BITS.
 */
enum v3c_reason v3c_phys_init_run(struct v3c_phys *phys, u64 base, u64 size, struct v3c_why *why)
{
	u64 end;

	if (!size)
		return v3c_refuse(why, V3C_REASON_EMPTY, V3C_PARAM_PHYS, NULL, base, 0);
	if (!v3c_page_aligned(base | size))
		return v3c_refuse(why, V3C_REASON_MISALIGNED, V3C_PARAM_PHYS, NULL, base, size);
	if (check_add_overflow(base, size, &end) || end >> V3C_PAGE_SHIFT > V3C_MAX_PFN)
		return v3c_refuse(why, V3C_REASON_WRAPS, V3C_PARAM_PHYS, NULL, base, size);

	*phys = (struct v3c_phys) {
		.pfn = base >> V3C_PAGE_SHIFT, .pages = size >> V3C_PAGE_SHIFT,
	};
	return 0;
}

/**
 * v3c_phys_init_runs() - describe memory that is made of runs
 * @phys: result, written on success only
 * @runs: the runs, in the order of their logical addresses; nobody changes them meanwhile
 * @count: how many
 * @why: filled on refusal
 *
 * Neighbours that happen to follow each other in memory are two runs all the same.
 *
 * Context: any.
 * Return: 0; %V3C_REASON_EMPTY without runs, or for one that is empty; or %V3C_REASON_WRAPS, also
 * for what lies above V3C_PHYS_BITS.
 */
enum v3c_reason v3c_phys_init_runs(struct v3c_phys *phys, const struct v3c_run *runs, u64 count,
				   struct v3c_why *why)
{
	u64 pages = 0, i;

	if (!count)
		return v3c_refuse(why, V3C_REASON_EMPTY, V3C_PARAM_PHYS, NULL, 0, 0);
	for (i = 0; i < count; i++) {
		if (!runs[i].pages)
			return v3c_refuse(why, V3C_REASON_EMPTY, V3C_PARAM_PHYS, NULL,
					  runs[i].pfn << V3C_PAGE_SHIFT, 0);
		if (runs[i].pages > V3C_MAX_PFN - pages ||
		    !v3c_are_frames(runs[i].pfn, runs[i].pages))
			return v3c_refuse(why, V3C_REASON_WRAPS, V3C_PARAM_PHYS, NULL,
					  runs[i].pfn << V3C_PAGE_SHIFT,
					  runs[i].pages << V3C_PAGE_SHIFT);
		pages += runs[i].pages;
	}
	*phys = (struct v3c_phys) { .runs = runs, .count = count, .pages = pages };
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(v3c_phys_init_runs);

/**
 * v3c_phys_init_frames() - describe memory by its page frames
 * @phys: result, written on success only
 * @pfns: the frames, looked at by v3c_phys_next() only
 * @pages: how many
 * @why: filled on refusal
 *
 * Context: any.
 * Return: 0; %V3C_REASON_NULL_POINTER; %V3C_REASON_EMPTY; or %V3C_REASON_WRAPS, because no array of
 * frames is larger than memory itself, whatever its count claims.
 */
enum v3c_reason v3c_phys_init_frames(struct v3c_phys *phys, const u64 *pfns, u64 pages,
				     struct v3c_why *why)
{
	if (!pfns)
		return v3c_refuse(why, V3C_REASON_NULL_POINTER, V3C_PARAM_PHYS, NULL, 0, 0);
	if (!pages)
		return v3c_refuse(why, V3C_REASON_EMPTY, V3C_PARAM_PHYS, NULL, 0, 0);
	if (pages > V3C_MAX_PFN)
		return v3c_refuse(why, V3C_REASON_WRAPS, V3C_PARAM_PHYS, NULL, 0,
				  v3c_bytes(pages));

	*phys = (struct v3c_phys) { .pfns = pfns, .count = pages, .pages = pages };
	return 0;
}

/* v3c_phys_next() for @phys->runs; @limit may split a run. */
bool v3c_phys_next_run(struct v3c_phys *phys, u64 limit, struct v3c_run *run)
{
	if (phys->given == phys->pages)
		return false;
	run->pfn = phys->runs->pfn + phys->next;
	run->pages = min3(limit, phys->pages - phys->given, phys->runs->pages - phys->next);
	phys->next += run->pages;
	phys->given += run->pages;
	if (phys->next == phys->runs->pages) {
		phys->next = 0;
		phys->runs++;
		phys->count--;
	}
	return true;
}
EXPORT_SYMBOL_IF_KUNIT(v3c_phys_next_run);
