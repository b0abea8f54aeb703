// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: Filling a new page table
 *
 * v3c_replay() fills a new page table with what the domain has mapped already, while everybody goes
 * on mapping and unmapping.
 *
 * The new table is made known first. Ranges are copied one by one in ascending order, in pieces
 * under the space's lock, each of which takes a bounded time. &v3c_space.filled says how far the
 * copy has come: in front of it the table has all that the others have, behind it nothing. An
 * operation that works on a range, see v3c_gate_look(), does its work in the new table in front of
 * @filled only, and the copy stops at what somebody holds. So an unmap that finds its range half
 * copied undoes that much, and never has to wait for the rest. Physical addresses are read back
 * from a table that has them.
 */
#include <linux/gfp.h>
#include <linux/iommu.h>
#include <linux/log2.h>
#include <linux/math.h>
#include <linux/sched.h>

#include "base/refill.h"
#include "core/domain.h"
#include "core/replay.h"
#include "core/reserve.h"
#include "table/gate.h"
#include "table/space.h"

/*
 * V3C_PIECE_ENTRIES bounds the entries written in one piece where leaves are large, because some
 * drivers repeat the entry of a leaf.
 */
#define V3C_PIECE_ENTRIES	32

/* entries_of(): entries that a leaf of @leaf pages may take in the table that it is in. */
static u64 entries_of(u64 leaf)
{
	return leaf >> rounddown(ilog2(leaf), ilog2(V3C_TABLE_PAGES));
}

/* piece_limit(): pages to map in one piece: a few leaves of the largest size that fits. */
static u64 piece_limit(const struct v3c_hwpt *hwpt, u64 page, u64 pfn, u64 pages)
{
	unsigned long sizes = hwpt->core->pgsize_bitmap >> V3C_PAGE_SHIFT;
	u64 leaf;

	while (sizes) {
		leaf = 1ULL << __fls(sizes);
		if (leaf == 1)
			break;
		if (!((page | pfn) & (leaf - 1)) && leaf <= pages)
			return min(pages & ~(leaf - 1),
				   leaf * max(1ULL, V3C_PIECE_ENTRIES / entries_of(leaf)));
		sizes &= ~leaf;
	}
	return min(pages, V3C_SPAN_PAGES - (page & (V3C_SPAN_PAGES - 1)));
}

static struct v3c_hwpt *source_hwpt(struct v3c_domain *domain, const struct v3c_hwpt *hwpt)
{
	return domain->hwpts[__ffs(domain->space.slots & ~BIT(hwpt->slot))];
}

/* struct v3c_replay_arg tells replay_piece() which page table of which domain is filled. */
struct v3c_replay_arg {
	struct v3c_domain *domain;
	struct v3c_hwpt *hwpt;
};

/* replay_piece() copies some of @range from page @at on, and says in @pages how much. */
static int replay_piece(void *data, const struct v3c_view *range, u64 at, u64 *pages)
{
	const struct v3c_replay_arg *arg = data;
	u64 left = range->last - at + 1;
	u64 pfn;

	lockdep_assert_held(&arg->domain->space.lock);

	/* A segment lies in tables of its own, which leaves of a span do not take the place of. */
	if (!range->contiguous || range->kind == V3C_RANGE_TOKEN)
		left = min(left, V3C_SPAN_PAGES - (at & (V3C_SPAN_PAGES - 1)));
	left = v3c_hwpt_run(source_hwpt(arg->domain, arg->hwpt), at, left, range->contiguous, &pfn);
	*pages = piece_limit(arg->hwpt, at, pfn, left);
	return v3c_hwpt_map_run(arg->hwpt, at, pfn, *pages, range->prot,
				GFP_ATOMIC | __GFP_NOWARN | arg->hwpt->account);
}

static int replay_ranges(struct v3c_domain *domain, struct v3c_hwpt *hwpt)
{
	struct v3c_replay_arg arg = { .domain = domain, .hwpt = hwpt };
	unsigned int tries = 0;
	int ret;

	/* @filled is written by this thread only. */
	while (READ_ONCE(domain->space.filled) != U64_MAX) {
		ret = v3c_space_fill_step(&domain->space, !hwpt->has_direct, replay_piece, &arg);
		if (ret == -EAGAIN) {
			v3c_gate_drain(&domain->space);
			continue;
		}
		if (ret == -ENOMEM)
			ret = v3c_refill(&tries);
		else
			tries = 0;
		if (ret)
			return ret;
		cond_resched();
	}
	return 0;
}

/**
 * v3c_replay() - bring a new page table up to date
 * @domain: its domain, mutex held
 * @hwpt: a table in no slot that is in use; @hwpt->slot says where it goes
 *
 * Context: may sleep. No quick operation starts on the domain, and none is under way.
 * Return: 0, and the table has, and from now on gets, everything; -ENOMEM or what the IOMMU driver
 * said. Then the table has some of it, and unmaps take it away from there until the caller, once no
 * device is attached to it, takes it out of its slot.
 */
int v3c_replay(struct v3c_domain *domain, struct v3c_hwpt *hwpt)
{
	struct v3c_space *space = &domain->space;
	int ret;

	lockdep_assert_held(&domain->mutex);

	domain->hwpts[hwpt->slot] = hwpt;
	ret = v3c_tokens_build(domain, hwpt);
	if (ret)
		return ret;
	v3c_gate_add_slot(space, hwpt->slot, true);
	v3c_gate_drain(space);

	ret = replay_ranges(domain, hwpt);
	if (!ret)
		v3c_gate_filled(space);
	return ret;
}
