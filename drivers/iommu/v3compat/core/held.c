// SPDX-License-Identifier: GPL-2.0
/*
 * &struct v3c_held: from claiming a range to committing it, and from holding one to dropping it.
 *
 * A page table under construction has everything in front of &v3c_op.filled, and nothing behind:
 * the copy that fills it stops where something is held, so that an operation maps and unmaps there
 * what lies in front, and the copy does the rest.
 */
#include <linux/iommu.h>

#include "core/domain.h"
#include "core/held.h"
#include "table/pins.h"

/*
 * gfp_of() is for segments of reservations, whose map must not wait for memory, because it may
 * serve to free some. Where tables can be built before, it needs none, and a table that is missing
 * by mistake must not be built from reserves; otherwise (rules.allocates) it may use these.
 */
static gfp_t gfp_of(const struct v3c_hwpt *hwpt)
{
	return hwpt->rules.allocates ? GFP_ATOMIC | __GFP_NOWARN | hwpt->account :
				       GFP_NOWAIT | __GFP_NOWARN;
}

/* is_partial(): @hwpt is under construction, and the copy has not passed all that is held. */
static __always_inline bool is_partial(const struct v3c_held *held, const struct v3c_hwpt *hwpt)
{
	return unlikely(held->op.filling) && held->op.filled <= held->last &&
	       held->op.filling & BIT(hwpt->slot);
}

/* pages_in() is how many of the held pages, from the first on, are in @hwpt or belong there. */
static u64 pages_in(const struct v3c_held *held, const struct v3c_hwpt *hwpt)
{
	u64 pages = held->last - held->first + 1;

	if (likely(!is_partial(held, hwpt)))
		return pages;
	return held->op.filled > held->first ? min(pages, held->op.filled - held->first) : 0;
}

static bool unmap_in(const struct v3c_held *held, struct v3c_hwpt *hwpt)
{
	u64 pages = pages_in(held, hwpt);

	if (unlikely(!pages))
		return true;
	return held->kind == V3C_RANGE_TOKEN ? v3c_hwpt_unmap_spans(hwpt, held->first, pages) :
					       v3c_hwpt_unmap(hwpt, held->first, pages);
}

static int map_in(const struct v3c_held *held, struct v3c_hwpt *hwpt, const struct v3c_phys *phys,
		  int prot, gfp_t gfp)
{
	if (held->kind == V3C_RANGE_TOKEN)
		return v3c_hwpt_map(hwpt, held->first, phys, prot, V3C_SPAN_PAGES, gfp_of(hwpt));
	return v3c_hwpt_map(hwpt, held->first, phys, prot, 0, gfp);
}

/* map_filling() maps in a table under construction what lies in front of the copy. */
static noinline int map_filling(const struct v3c_held *held, struct v3c_hwpt *hwpt,
				struct v3c_phys phys, int prot, gfp_t gfp)
{
	phys.pages = pages_in(held, hwpt);
	return phys.pages ? map_in(held, hwpt, &phys, prot, gfp) : 0;
}

/* map_tables() maps in all page tables or in none; -EUCLEAN if one kept some all the same. */
static int map_tables(const struct v3c_held *held, const struct v3c_phys *phys, int prot, gfp_t gfp)
{
	struct v3c_hwpt *hwpt;
	u8 done = 0;
	int ret = 0;

	v3c_for_each_hwpt(held->domain, hwpt, held->op.slots) {
		ret = unlikely(is_partial(held, hwpt)) ?
		      map_filling(held, hwpt, *phys, prot, gfp) :
		      map_in(held, hwpt, phys, prot, gfp);
		if (unlikely(ret))
			break;
		done |= BIT(hwpt->slot);
	}
	if (likely(!ret))
		return 0;
	v3c_for_each_hwpt(held->domain, hwpt, done)
		if (!unmap_in(held, hwpt))
			ret = -EUCLEAN;
	return ret;
}

/**
 * v3c_held_map() - map what was claimed
 * @held: a range; v3c_gate_look() comes first
 * @phys: what to map
 * @prot: IOMMU_READ and IOMMU_WRITE
 * @pin: its payload, or NULL; @pin->payload is NULL afterwards where the range keeps it
 * @gfp: for tables and the payload
 *
 * Context: any that @gfp allows.
 * Return: 0, and v3c_space_commit() or v3c_held_unmap() must follow; or an error, and it is held no
 * more: -EUCLEAN where the IOMMU driver kept pages, so that it is lost; -ENOMEM, or what that said.
 */
int v3c_held_map(struct v3c_held *held, const struct v3c_phys *phys, int prot, struct v3c_pin *pin,
		 gfp_t gfp)
{
	struct v3c_space *space = &held->domain->space;
	u64 pages = held->last - held->first + 1;
	int ret = 0;

	if (pin)
		ret = v3c_pins_set(space, held->first, *pin, pages, gfp);
	if (likely(!ret)) {
		ret = map_tables(held, phys, prot, gfp);
		if (pin && (!ret || ret == -EUCLEAN))
			pin->payload = NULL;
		else if (pin)
			v3c_pins_forget(space, held->first);
	}
	if (likely(!ret))
		return 0;
	if (ret == -EUCLEAN)
		v3c_space_lose(space, held->first, held->last);
	else
		v3c_space_free(space, held->first, held->last, held->kind, &held->head);
	return ret;
}

/* may_cut(): [@first, @last] can be cut out of @range at both ends, in every table that has it. */
static bool may_cut(void *arg, const struct v3c_op *op, const struct v3c_view *range, u64 first,
		    u64 last)
{
	struct v3c_domain *domain = arg;
	struct v3c_hwpt *hwpt, *source;

	/*
	 * @source is no table that is being filled, because only a whole one can be asked for
	 * addresses. The page sizes of every table count.
	 */
	source = domain->hwpts[__ffs(op->slots & ~op->filling)];
	v3c_for_each_hwpt(domain, hwpt, op->slots) {
		if (first > range->first &&
		    !v3c_hwpt_may_cut(hwpt, source, range->first, range->last, first,
				      range->contiguous))
			return false;
		if (last < range->last &&
		    !v3c_hwpt_may_cut(hwpt, source, range->first, range->last, last + 1,
				      range->contiguous))
			return false;
	}
	return true;
}

/* v3c_held_cut() is v3c_space_cut(), as the page tables allow it; v3c_gate_look() comes first. */
int v3c_held_cut(struct v3c_held *held, gfp_t gfp)
{
	return v3c_space_cut(&held->domain->space, held->first, held->last, may_cut, held->domain,
			     &held->op, gfp);
}

/**
 * v3c_held_unmap() - unmap what is held, from every page table, and give it up
 * @held: what v3c_held_map() mapped, or what v3c_space_hold() took and v3c_held_cut() cut
 * @released: gets the payloads, if it has any; otherwise NULL
 *
 * Context: any.
 * Return: 0; or -EUCLEAN if the IOMMU driver kept some, so that all of it is lost.
 */
int v3c_held_unmap(struct v3c_held *held, struct v3c_released *released)
{
	struct v3c_space *space = &held->domain->space;
	struct v3c_hwpt *hwpt;
	bool done = true;

	v3c_for_each_hwpt(held->domain, hwpt, held->op.slots)
		done &= unmap_in(held, hwpt);
	if (unlikely(!done)) {
		v3c_space_lose(space, held->first, held->last);
		return -EUCLEAN;
	}
	v3c_space_drop(space, held->first, held->last, held->kind, released, &held->head);
	return 0;
}

/*
 * v3c_held_unmap_many() unmaps @spans, all of which are held, from every page table, with as few
 * invalidations as these allow. @lost is set in those of which an IOMMU driver kept some. @held is
 * used for each of @spans in turn.
 */
void v3c_held_unmap_many(struct v3c_held *held, struct v3c_span *spans, unsigned int count)
{
	struct v3c_hwpt *hwpt;
	unsigned int i;

	v3c_for_each_hwpt(held->domain, hwpt, held->op.slots) {
		if (!(held->op.filling & BIT(hwpt->slot))) {
			v3c_hwpt_unmap_many(hwpt, spans, count);
			continue;
		}
		for (i = 0; i < count; i++) {
			held->first = spans[i].first;
			held->last = spans[i].last;
			spans[i].lost |= !unmap_in(held, hwpt);
		}
	}
}
