/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3BENCH_SECTION_H
#define V3BENCH_SECTION_H

#include <linux/types.h>

struct v3b;

/* Pages of the calls that work on much at once. */
#define V3B_CONTIGUOUS_PAGES	(1U << 18)
#define V3B_LISTED_PAGES	(1U << 16)

/*
 * One piece for all of them. It begins a page after a boundary and its addresses do not, so that
 * only 4 KiB entries fit. The device is never asked to do DMA.
 */
#define V3B_CONTIGUOUS_PHYS	PAGE_SIZE

/* Levels of ranges that are there already, and of pages in a reservation. */
#define V3B_RANGE_COUNTS	{ 1000, 10000, 100000 }
#define V3B_PAGE_COUNTS		{ 1 << 10, 1 << 14, 1 << 18 }

/**
 * struct v3b_step - a call that is measured
 * @what: its name in the result
 * @call: does it for so many pages or ranges; returns 0 or a negative errno
 */
struct v3b_step {
	const char *what;
	int (*call)(struct v3b *b, u32 count);
};

int v3b_section_measure(struct v3b *b, const char *side, u32 count,
			int (*prepare)(struct v3b *b, u32 count), const struct v3b_step *steps,
			u32 nr_steps);
int v3b_section_costs(struct v3b *b, u32 count, const struct v3b_step *steps, u32 nr_steps);
int v3b_section_raw(struct v3b *b, u32 max_live);
int v3b_section_v3(struct v3b *b, u32 max_live);

/* Every second page of the gigabyte, so that no two are adjacent. */
static inline phys_addr_t v3b_listed_page(phys_addr_t huge, u32 index)
{
	return huge + 2 * (phys_addr_t)index * PAGE_SIZE;
}

#endif
