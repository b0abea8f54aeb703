/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_PHYS_H
#define V3COMPAT_PHYS_H

#include <linux/compiler.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/types.h>

#include "base/why.h"

/*
 * V3C_PAGE_SHIFT is 12 whatever PAGE_SHIFT is, because callers count in pages of 4 KiB. Logical
 * addresses have 63 bits.
 */
#define V3C_PAGE_SHIFT	12
#define V3C_PAGE_SIZE	(1ULL << V3C_PAGE_SHIFT)
/*
 * V3C_PHYS_BITS: no machine has wider physical addresses. The limit keeps sums of frames from
 * wrapping.
 */
#define V3C_PHYS_BITS	56
#define V3C_MAX_PAGES	(1ULL << (63 - V3C_PAGE_SHIFT))
/* V3C_TABLE_PAGES: what a last-level table of an IOMMU with 4 KiB leaves covers, 2 MiB. */
#define V3C_TABLE_PAGES	512ULL

static inline bool v3c_page_aligned(u64 value)
{
	return !(value & (V3C_PAGE_SIZE - 1));
}

/* v3c_bytes() is U64_MAX for more pages than a length in bytes can say. */
static inline u64 v3c_bytes(u64 pages)
{
	return pages > U64_MAX >> V3C_PAGE_SHIFT ? U64_MAX : pages << V3C_PAGE_SHIFT;
}

static inline bool v3c_is_frame(u64 pfn)
{
	return !(pfn >> (V3C_PHYS_BITS - V3C_PAGE_SHIFT));
}

static inline bool v3c_are_frames(u64 pfn, u64 pages)
{
	return v3c_is_frame(pfn) && v3c_is_frame(pfn + pages - 1);
}

/**
 * struct v3c_run - physically contiguous pages
 * @pfn: first page frame
 * @pages: how many, never 0
 */
struct v3c_run {
	u64 pfn;
	u64 pages;
};

/**
 * struct v3c_phys - a checked physical description: one contiguous run, runs, or frames
 * @pages: total
 * @pfns: frames of the piece that the iteration is at, or NULL for runs
 * @count: of @pfns, or of @runs
 * @pfn: first frame of the only run, without @runs and @pfns
 * @piece: with @pfns, for @next_piece
 * @runs: without @pfns: the run that the iteration is at, and those after it; or NULL for only one
 * @next_piece: with @pfns: goes on with the next piece, if there is one, and if it has any; or NULL
 * @next: index in @pfns, or pages already given of the run that the iteration is at
 * @given: pages given so far, never more than @pages; not of an only run
 *
 * The caller's memory is read during the iteration, and no reference to it is kept afterwards. A
 * copy restarts an iteration, one with less @pages gives the first of them. Whatever the caller
 * does to that memory meanwhile, an iteration gives @pages pages.
 */
struct v3c_phys {
	u64 pages;
	const u64 *pfns;
	u64 count;
	union {
		u64 pfn;
		const void *piece;
	};
	union {
		const struct v3c_run *runs;
		bool (*next_piece)(struct v3c_phys *phys);
	};
	u64 next;
	u64 given;
};

/* v3c_phys_of_page() is v3c_phys_init_run() of a page that was checked. */
static __always_inline struct v3c_phys v3c_phys_of_page(u64 base)
{
	return (struct v3c_phys) { .pfn = base >> V3C_PAGE_SHIFT, .pages = 1 };
}

enum v3c_reason v3c_phys_init_run(struct v3c_phys *phys, u64 base, u64 size, struct v3c_why *why);
enum v3c_reason v3c_phys_init_runs(struct v3c_phys *phys, const struct v3c_run *runs, u64 count,
				   struct v3c_why *why);
enum v3c_reason v3c_phys_init_frames(struct v3c_phys *phys, const u64 *pfns, u64 pages,
				     struct v3c_why *why);
bool v3c_phys_next_run(struct v3c_phys *phys, u64 limit, struct v3c_run *run);

/**
 * v3c_phys_next() - the next contiguous run
 * @phys: iterator
 * @limit: largest number of pages wanted, at least 1
 * @run: result
 *
 * Frames that no machine has are handed out as they are: mapping them fails. The frame
 * V3C_MAX_PAGES stands for pages that the description lost because it was changed meanwhile.
 *
 * Return: false at the end.
 */
static __always_inline bool v3c_phys_next(struct v3c_phys *phys, u64 limit, struct v3c_run *run)
{
	u64 pages = 0, next = phys->next, left;

	if (!phys->pfns) {
		if (unlikely(phys->runs))
			return v3c_phys_next_run(phys, limit, run);
		run->pfn = phys->pfn + next;
		run->pages = min(limit, phys->pages - next);
		phys->next = next + run->pages;
		return run->pages;
	}

	left = phys->pages - phys->given;
	if (!left)
		return false;
	limit = min(limit, left);
	if (next == phys->count) {
		if (unlikely(!phys->next_piece || !phys->next_piece(phys))) {
			run->pfn = V3C_MAX_PAGES;
			pages = limit;
			goto out;
		}
		next = 0;
	}
	run->pfn = READ_ONCE(phys->pfns[next]);
	/* A run goes on across @phys->next_piece() where the frames follow each other. */
	for (;;) {
		do {
			next++;
			pages++;
		} while (next < phys->count && pages < limit &&
			 READ_ONCE(phys->pfns[next]) == run->pfn + pages);
		phys->next = next;
		if (next < phys->count || pages == limit || !phys->next_piece ||
		    !phys->next_piece(phys))
			break;
		next = 0;
		if (READ_ONCE(phys->pfns[0]) != run->pfn + pages) {
			phys->next = 0;
			break;
		}
	}
out:
	run->pages = pages;
	phys->given += pages;
	return true;
}

/* True if @phys is one contiguous run by its form, without a look at its frames. */
static inline bool v3c_phys_is_contiguous(const struct v3c_phys *phys)
{
	return (!phys->pfns && (!phys->runs || phys->count == 1)) || phys->pages == 1;
}

#endif
