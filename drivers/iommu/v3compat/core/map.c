// SPDX-License-Identifier: GPL-2.0
/*
 * v3c_map() and v3c_unmap(): the space decides where, the page tables do it.
 *
 * Functions that end in _pinned or _pinned_slow are for ranges that keep a payload. Their code is
 * that of ranges without one, inlined with other constants, because the usual call must not pay for
 * payloads.
 */
#include <kunit/visibility.h>
#include <linux/export.h>
#include <linux/iommu.h>

#include <v3compat/kcompat.h>

#include "base/context.h"
#include "base/trace.h"
#include "core/domain.h"
#include "core/map.h"
#include "core/place.h"
#include "table/gate.h"

static enum v3c_reason wrong_type(struct v3c_domain *domain, struct v3c_why *why)
{
	return v3c_refuse(why, V3C_REASON_WRONG_TYPE, V3C_PARAM_DOMAIN, domain, domain->type, 0);
}

static bool unmap_filling(struct v3c_domain *domain, const struct v3c_op *op)
{
	struct v3c_hwpt *hwpt = domain->hwpts[__ffs(op->filling)];
	u64 at = op->first, first, pages;
	bool done = true;

	while (at <= op->last) {
		first = at;
		pages = v3c_space_next_filled(&domain->space, op, &at);
		if (pages)
			done &= v3c_hwpt_unmap(hwpt, first, pages);
	}
	return done;
}

/* unmap_held() unmaps what @op holds from every page table. False if one kept some of it. */
static bool unmap_held(struct v3c_domain *domain, const struct v3c_op *op)
{
	struct v3c_hwpt *hwpt;
	bool done = true;

	v3c_for_each_hwpt(domain, hwpt, op->slots & ~op->filling)
		done &= v3c_hwpt_unmap(hwpt, op->first, op->last - op->first + 1);
	if (unlikely(op->filling))
		done &= unmap_filling(domain, op);
	return likely(done);
}

/* map_held() maps in all page tables or in none; -EUCLEAN if one kept some all the same. */
static int map_held(struct v3c_domain *domain, const struct v3c_op *op,
		    const struct v3c_phys *phys, int prot, gfp_t gfp)
{
	struct v3c_hwpt *hwpt;
	u8 done = 0;
	int ret;

	v3c_for_each_hwpt(domain, hwpt, op->slots) {
		ret = v3c_hwpt_map(hwpt, op->first, phys, prot, 0, gfp);
		if (unlikely(ret))
			goto undo;
		done |= BIT(hwpt->slot);
	}
	return 0;
undo:
	v3c_for_each_hwpt(domain, hwpt, done)
		if (!v3c_hwpt_unmap(hwpt, op->first, op->last - op->first + 1))
			ret = -EUCLEAN;
	return ret;
}

/* give_up() frees the pages that map_held() could not map, or marks them as lost (-EUCLEAN). */
static void give_up(struct v3c_domain *domain, struct v3c_op *op, int err)
{
	if (err == -EUCLEAN)
		v3c_space_lose(&domain->space, op);
	else
		v3c_space_abort(&domain->space, op);
}

/*
 * gfp_for() is v3c_gfp() for a call with or without a payload. Whoever has payloads has an account,
 * see &v3c_space.account, and nobody else.
 */
static __always_inline gfp_t gfp_for(bool payload)
{
	return v3c_gfp() | (payload ? __GFP_ACCOUNT : 0);
}

/* pin_held() makes @pin that of the range that @op holds, and forgets it. */
static __always_inline void pin_held(struct v3c_op *op, struct v3c_pin *pin)
{
	v3c_space_pin(op, *pin);
	pin->payload = NULL;
}

/* map_range(): @pin is NULL as a constant, or its payload is NULL afterwards where it is kept. */
static __always_inline enum v3c_reason map_range(struct v3c_domain *domain, int prot,
						 const struct v3c_phys *phys,
						 const struct v3c_place *place,
						 struct v3c_pin *pin, u64 *page,
						 struct v3c_why *why)
{
	struct v3c_traits like = {
		.kind = V3C_RANGE_LOGICAL | (pin ? V3C_RANGE_PINNED : 0), .prot = prot,
		.contiguous = v3c_phys_is_contiguous(phys),
	};
	gfp_t gfp = gfp_for(pin);
	struct v3c_op op;
	enum v3c_reason reason;
	int ret;

	if (unlikely(!v3c_domain_is_mapped_by_us(domain) || (pin && !domain->space.account)))
		return wrong_type(domain, why);
	reason = v3c_place_check(domain, place, why);
	if (unlikely(reason))
		return reason;

	ret = v3c_place_hold(domain, place, phys->pages, like, gfp, &op);
	if (unlikely(ret))
		return v3c_place_refuse(ret, place, phys->pages, why);

	ret = map_held(domain, &op, phys, prot, gfp);
	if (pin && (!ret || ret == -EUCLEAN))
		pin_held(&op, pin);
	if (unlikely(ret)) {
		give_up(domain, &op, ret);
		return v3c_refuse_errno(why, ret, V3C_PARAM_PHYS, domain,
					op.first << V3C_PAGE_SHIFT,
					((op.last + 1) << V3C_PAGE_SHIFT) - 1);
	}
	*page = op.first;
	v3c_space_commit(&domain->space, &op);
	return 0;
}

/**
 * v3c_map() - map memory to one contiguous logical range
 * @domain: the domain
 * @prot: IOMMU_READ and IOMMU_WRITE
 * @phys: what to map
 * @place: where
 * @page: result, first logical page; untouched on failure
 * @why: filled on refusal
 *
 * Context: any up to softirq, with spinlocks held; allocates as the context allows.
 * Return: 0 or a reason, see MapLogicalRangeEx in contract.h.
 */
enum v3c_reason v3c_map(struct v3c_domain *domain, int prot, const struct v3c_phys *phys,
			const struct v3c_place *place, u64 *page, struct v3c_why *why)
{
	u64 at = place->explicit_page ? *place->explicit_page : 0;
	enum v3c_reason reason = map_range(domain, prot, phys, place, NULL, &at, why);

	if (likely(!reason))
		*page = at;
	trace_v3compat_map(domain, at, phys->pages, reason);
	return reason;
}

/**
 * v3c_map_pinned_slow() - the general case of v3c_map_pinned()
 * @domain: the domain
 * @prot: IOMMU_READ and IOMMU_WRITE
 * @phys: what to map
 * @place: where
 * @pin: its payload; given back before a refusal is returned, unless the IOMMU driver kept pages
 * @page: result, first logical page; untouched on failure
 * @why: filled on refusal
 *
 * Context: as v3c_map(), and as the payload wants.
 * Return: as v3c_map().
 */
enum v3c_reason v3c_map_pinned_slow(struct v3c_domain *domain, int prot,
				    const struct v3c_phys *phys,
				    const struct v3c_place *place, struct v3c_pin pin, u64 *page,
				    struct v3c_why *why)
{
	u64 at = place->explicit_page ? *place->explicit_page : 0;
	enum v3c_reason reason = map_range(domain, prot, phys, place, &pin, &at, why);

	if (pin.payload)
		v3c_pin_release(pin, phys->pages);
	if (!reason)
		*page = at;
	trace_v3compat_map(domain, at, phys->pages, reason);
	return reason;
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

static enum v3c_reason release_failed(int err, struct v3c_domain *domain, u64 page, u64 pages,
				      enum v3c_param param, struct v3c_why *why)
{
	u64 first = page << V3C_PAGE_SHIFT, last = first + (pages << V3C_PAGE_SHIFT) - 1;

	if (err == -ENOENT)
		return v3c_refuse(why, V3C_REASON_NOT_MAPPED, param, domain, first,
				  last);
	if (err == -EXDEV)
		return v3c_refuse(why, V3C_REASON_CUT_LARGE_PAGE, param, domain,
				  first, last);
	return v3c_refuse_errno(why, err, param, domain, first, last);
}

/* unmap_failed(): devices may reach the pages still, so nobody gets their addresses again. */
static enum v3c_reason unmap_failed(struct v3c_domain *domain, u64 page, u64 pages,
				    enum v3c_param param, struct v3c_why *why)
{
	u64 first = page << V3C_PAGE_SHIFT;

	return v3c_refuse(why, V3C_REASON_SHORT_UNMAP, param, domain, first,
			  first + (pages << V3C_PAGE_SHIFT) - 1);
}

/* unmap_range(): @released is NULL as a constant, or gets payloads. */
static __always_inline enum v3c_reason unmap_range(struct v3c_domain *domain, u64 page, u64 pages,
						   struct v3c_released *released,
						   struct v3c_why *why)
{
	const u8 kind = V3C_RANGE_LOGICAL | (released ? V3C_RANGE_PINNED : 0);
	struct v3c_space *space = &domain->space;
	struct v3c_op op;
	int ret;

	if (unlikely(!v3c_domain_is_mapped_by_us(domain)))
		return wrong_type(domain, why);
	ret = v3c_space_release_begin(space, page, page + pages - 1, kind, may_cut, domain,
				      gfp_for(released), &op);
	if (unlikely(ret))
		return release_failed(ret, domain, page, pages, V3C_PARAM_ADDRESS, why);
	if (unlikely(!unmap_held(domain, &op))) {
		v3c_space_lose(space, &op);
		return unmap_failed(domain, page, pages, V3C_PARAM_ADDRESS, why);
	}
	if (released)
		v3c_space_release_pinned(space, &op, released);
	else
		v3c_space_release_end(space, &op);
	return 0;
}

/**
 * v3c_unmap() - unmap what v3c_map() mapped
 * @domain: the domain
 * @page: first logical page
 * @pages: how many, the range does not wrap
 * @why: filled on refusal
 *
 * Context: any up to softirq, with spinlocks held.
 * Return: 0 or a reason, see UnmapLogicalRange in contract.h.
 */
enum v3c_reason v3c_unmap(struct v3c_domain *domain, u64 page, u64 pages, struct v3c_why *why)
{
	enum v3c_reason reason = unmap_range(domain, page, pages, NULL, why);

	trace_v3compat_unmap(domain, page, pages, reason);
	return reason;
}

/**
 * v3c_unmap_pinned_slow() - the general case of v3c_unmap_pinned()
 * @domain: the domain
 * @page: first logical page
 * @pages: how many, the range does not wrap
 * @why: filled on refusal
 *
 * Context: as v3c_unmap(), and as the payloads want.
 * Return: as v3c_unmap().
 */
enum v3c_reason v3c_unmap_pinned_slow(struct v3c_domain *domain, u64 page, u64 pages,
				      struct v3c_why *why)
{
	struct v3c_released released = {};
	enum v3c_reason reason = unmap_range(domain, page, pages, &released, why);

	v3c_released_give(&released, false);
	trace_v3compat_unmap(domain, page, pages, reason);
	return reason;
}

/* hold_spans() holds all of @spans or none. Returns how many it came to hold before @ret. */
static unsigned int hold_spans(struct v3c_domain *domain, const struct v3c_span *spans,
			       unsigned int count, u8 kind, struct v3c_op *op, int *ret)
{
	gfp_t gfp = gfp_for(kind & V3C_RANGE_PINNED);
	unsigned int held, i;

	*ret = 0;
	for (held = 0; held < count; held++) {
		*ret = v3c_space_hold(&domain->space, spans[held].first, spans[held].last, kind,
				      may_cut, domain, gfp, op);
		if (*ret)
			break;
	}
	/* -EUCLEAN would tell that the unmap itself was short. */
	if (*ret == -EUCLEAN)
		*ret = -ENOENT;
	for (i = 0; *ret && i < held; i++)
		v3c_space_unhold(&domain->space, spans[i].first, spans[i].last);
	return held;
}

static void unmap_spans(struct v3c_domain *domain, struct v3c_span *spans, unsigned int count,
			struct v3c_op *op)
{
	struct v3c_hwpt *hwpt;
	unsigned int i;

	v3c_for_each_hwpt(domain, hwpt, op->slots & ~op->filling)
		v3c_hwpt_unmap_many(hwpt, spans, count);
	for (i = 0; op->filling && i < count; i++) {
		op->first = spans[i].first;
		op->last = spans[i].last;
		spans[i].lost |= !unmap_filling(domain, op);
	}
}

/* drop_span() ends the hold of @span, which is unmapped. */
static void drop_span(struct v3c_space *space, const struct v3c_span *span,
		      struct v3c_released *released)
{
	if (span->lost)
		v3c_space_drop_lost(space, span->first, span->last);
	else if (released)
		v3c_space_drop_pinned(space, span->first, span->last, released);
	else
		v3c_space_drop(space, span->first, span->last);
}

static enum v3c_reason unmap_many(struct v3c_domain *domain, struct v3c_span *spans,
				  unsigned int count, struct v3c_released *released,
				  struct v3c_why *why)
{
	const u8 kind = V3C_RANGE_LOGICAL | (released ? V3C_RANGE_PINNED : 0);
	struct v3c_space *space = &domain->space;
	const struct v3c_span *span = spans;
	enum v3c_reason reason = 0;
	struct v3c_op op;
	int ret;

	if (!v3c_domain_is_mapped_by_us(domain))
		return wrong_type(domain, why);
	ret = v3c_gate_begin(space, &op);
	if (!ret) {
		span += hold_spans(domain, spans, count, kind, &op, &ret);
		if (ret)
			v3c_gate_end(space, &op);
	}
	if (ret)
		return release_failed(ret, domain, span->first, span->last - span->first + 1,
				      V3C_PARAM_ADDRESS, why);
	unmap_spans(domain, spans, count, &op);
	for (span = spans; span < spans + count; span++) {
		drop_span(space, span, released);
		if (span->lost)
			reason = unmap_failed(domain, span->first, span->last - span->first + 1,
					      V3C_PARAM_ADDRESS, why);
	}
	v3c_gate_end(space, &op);
	return reason;
}

/**
 * v3c_unmap_many() - unmap several ranges with as few invalidations as their tables allow
 * @domain: the domain
 * @spans: the ranges, in any order; @lost is set in those that the IOMMU driver kept some of
 * @count: how many, at least 1
 * @pinned: they keep payloads
 * @why: filled on refusal, with the range that was wrong
 *
 * All of them are unmapped or, but for lost ones, none. Payloads are given back when no device
 * reaches any of the ranges any more, with no lock held.
 *
 * Context: as v3c_unmap(), and as the payloads want. Takes as long as @spans are many.
 * Return: as v3c_unmap(), but a range that is lost already, or there twice, counts as not mapped:
 * %V3C_REASON_SHORT_UNMAP tells that all were unmapped, but for those with @lost.
 */
enum v3c_reason v3c_unmap_many(struct v3c_domain *domain, struct v3c_span *spans,
			       unsigned int count, bool pinned, struct v3c_why *why)
{
	struct v3c_released released = {};
	enum v3c_reason reason;
	unsigned int i;

	for (i = 0; i < count; i++)
		spans[i].lost = false;
	reason = unmap_many(domain, spans, count, pinned ? &released : NULL, why);
	v3c_released_give(&released, false);
	for (i = 0; i < count; i++)
		trace_v3compat_unmap(domain, spans[i].first, spans[i].last - spans[i].first + 1,
				     spans[i].lost ? V3C_REASON_SHORT_UNMAP :
				     reason == V3C_REASON_SHORT_UNMAP ? 0 : reason);
	return reason;
}
V3C_EXPORT_NS_GPL(v3c_unmap_many, V3COMPAT_TEST);

static bool takes_identity(struct v3c_domain *domain)
{
	return v3c_domain_is_mapped_by_us(domain) || domain->type == V3C_DOMAIN_PASSTHROUGH;
}

static enum v3c_reason check_identity(struct v3c_domain *domain, struct v3c_why *why)
{
	if (!takes_identity(domain))
		return wrong_type(domain, why);
	if (domain->space.allocates)
		return v3c_refuse(why, V3C_REASON_ALLOCATOR_RULE, V3C_PARAM_PHYS, domain, 0, 0);
	return 0;
}

/*
 * v3c_identity_calls numbers the calls of v3c_map_identity(), so that each takes back only what it
 * has mapped itself.
 */
static atomic64_t v3c_identity_calls = ATOMIC64_INIT(0);

/* map_identity_run(): @pin is NULL as a constant, or moves on by what is kept of it. */
static __always_inline int map_identity_run(struct v3c_domain *domain, const struct v3c_run *run,
					    int prot, gfp_t gfp, u64 call, struct v3c_pin *pin)
{
	struct v3c_traits like = {
		.kind = V3C_RANGE_IDENTITY | (pin ? V3C_RANGE_PINNED : 0), .prot = prot,
		.contiguous = true,
	};
	struct v3c_phys phys = { .pfn = run->pfn, .pages = run->pages };
	struct v3c_op op;
	int ret;

	ret = v3c_space_claim(&domain->space, run->pfn, run->pfn + run->pages - 1, like, gfp, &op);
	if (ret)
		return ret;
	ret = map_held(domain, &op, &phys, prot, gfp);
	if (pin && (!ret || ret == -EUCLEAN)) {
		v3c_space_pin(&op, *pin);
		pin->at += run->pages;
	}
	if (ret) {
		give_up(domain, &op, ret);
		return ret;
	}
	v3c_space_commit_call(&domain->space, &op, call);
	return 0;
}

/*
 * undo_between() unmaps what @call has mapped from @page to @last. @released gets payloads, if it
 * is not NULL. Returns how many pages.
 */
static u64 undo_between(struct v3c_domain *domain, u64 page, u64 last, u64 call,
			struct v3c_released *released)
{
	struct v3c_op op;
	u64 pages = 0;

	while (v3c_space_hold_call(&domain->space, &page, last, call, &op)) {
		pages += op.last - op.first + 1;
		if (!unmap_held(domain, &op))
			v3c_space_lose(&domain->space, &op);
		else if (released)
			v3c_space_release_pinned(&domain->space, &op, released);
		else
			v3c_space_release_end(&domain->space, &op);
	}
	return pages;
}

/*
 * undo_identity() takes back the @pages that @call has mapped. @phys says where they are. If they
 * are not all there, because the caller has changed its list meanwhile, the whole space is
 * searched.
 */
static void undo_identity(struct v3c_domain *domain, struct v3c_phys phys, u64 pages, u64 call,
			  struct v3c_released *released)
{
	u64 left = pages;
	struct v3c_run run;

	while (left && v3c_phys_next(&phys, left, &run) && run.pfn < V3C_MAX_PAGES) {
		left -= run.pages;
		pages -= undo_between(domain, run.pfn, run.pfn + run.pages - 1, call, released);
	}
	if (pages)
		undo_between(domain, 0, U64_MAX, call, released);
}

/*
 * map_identity_runs(): @pin and @released are NULL as constants, or @pin moves on by what is kept
 * of it and @released gets what was kept and was undone. @run is the last one.
 */
static __always_inline enum v3c_reason map_identity_runs(struct v3c_domain *domain, int prot,
							 const struct v3c_phys *phys,
							 struct v3c_pin *pin,
							 struct v3c_released *released,
							 struct v3c_run *run, struct v3c_why *why)
{
	u64 call = atomic64_inc_return(&v3c_identity_calls), pages = 0, first;
	gfp_t gfp = gfp_for(pin);
	struct v3c_phys at = *phys;
	int ret = 0;

	while (v3c_phys_next(&at, V3C_MAX_PAGES, run)) {
		/* V3C_MAX_PAGES and up are no frame numbers: the sums below would wrap. */
		ret = run->pfn >= V3C_MAX_PAGES ? -ERANGE :
			map_identity_run(domain, run, prot, gfp, call, pin);
		if (ret)
			break;
		pages += run->pages;
	}
	if (likely(!ret))
		return 0;
	undo_identity(domain, *phys, pages, call, released);
	first = run->pfn << V3C_PAGE_SHIFT;
	return v3c_refuse_errno(why, ret, V3C_PARAM_PHYS, domain, first,
				first + (run->pages << V3C_PAGE_SHIFT) - 1);
}

/**
 * v3c_map_identity() - map memory to logical addresses equal to its own
 * @domain: the domain
 * @prot: IOMMU_READ and IOMMU_WRITE
 * @phys: what to map; each page maps to itself
 * @why: filled on refusal
 *
 * On a PassThrough domain there is nothing to do.
 *
 * Context: any up to softirq, with spinlocks held; allocates as the context allows.
 * Return: 0 or a reason, see MapIdentityRangeEx in contract.h.
 */
enum v3c_reason v3c_map_identity(struct v3c_domain *domain, int prot, const struct v3c_phys *phys,
				 struct v3c_why *why)
{
	enum v3c_reason reason = check_identity(domain, why);
	struct v3c_run run = {};

	if (!reason && domain->type != V3C_DOMAIN_PASSTHROUGH)
		reason = map_identity_runs(domain, prot, phys, NULL, NULL, &run, why);
	trace_v3compat_map_identity(domain, run.pfn, run.pages, reason);
	return reason;
}

/**
 * v3c_map_identity_pinned() - v3c_map_identity() of memory that its ranges keep
 * @domain: the domain of a user, not PassThrough: that has no ranges, so that it could keep nothing
 * @prot: IOMMU_READ and IOMMU_WRITE
 * @phys: what to map, which nobody changes meanwhile
 * @pin: its payload; given back before a refusal is returned, but for pages that the IOMMU driver
 *	kept
 * @why: filled on refusal
 *
 * Only v3c_unmap_identity_pinned() unmaps it. A part of a refused map that somebody else has in
 * hand just then, to unmap it, may stay mapped, and comes back with the domain.
 *
 * Context: as v3c_map_identity(), and as the payload wants.
 * Return: as v3c_map_identity(); %V3C_REASON_WRONG_TYPE also on a PassThrough domain.
 */
enum v3c_reason v3c_map_identity_pinned(struct v3c_domain *domain, int prot,
					const struct v3c_phys *phys, struct v3c_pin pin,
					struct v3c_why *why)
{
	enum v3c_reason reason = check_identity(domain, why);
	struct v3c_released released = {};
	struct v3c_run run = {};
	u64 start = pin.at;

	if (!reason && (domain->type == V3C_DOMAIN_PASSTHROUGH || !domain->space.account))
		reason = wrong_type(domain, why);
	if (!reason)
		reason = map_identity_runs(domain, prot, phys, &pin, &released, &run, why);
	if (reason)
		v3c_pin_release(pin, phys->pages - (pin.at - start));
	v3c_released_give(&released, false);
	trace_v3compat_map_identity(domain, run.pfn, run.pages, reason);
	return reason;
}
EXPORT_SYMBOL_IF_KUNIT(v3c_map_identity_pinned);

/* hold_identity() says in @held how many pages it holds, also on failure. */
static int hold_identity(struct v3c_domain *domain, struct v3c_phys phys, u8 kind,
			 struct v3c_op *op, u64 *held, struct v3c_run *run)
{
	gfp_t gfp = gfp_for(kind & V3C_RANGE_PINNED);
	int ret;

	for (*held = 0; v3c_phys_next(&phys, V3C_MAX_PAGES, run); *held += run->pages) {
		if (run->pfn >= V3C_MAX_PAGES)
			return -ENOENT;
		ret = v3c_space_hold(&domain->space, run->pfn, run->pfn + run->pages - 1,
				     kind, may_cut, domain, gfp, op);
		if (ret)
			return ret;
	}
	return 0;
}

/*
 * release_identity() gives up @held pages, after unmapping them if @unmapped. @released gets
 * payloads, if it is not NULL.
 */
static enum v3c_reason release_identity(struct v3c_domain *domain, struct v3c_phys phys,
					struct v3c_op *op, u64 held, bool unmapped,
					struct v3c_released *released, struct v3c_why *why)
{
	struct v3c_space *space = &domain->space;
	enum v3c_reason reason = 0;
	struct v3c_run run;

	while (held && v3c_phys_next(&phys, held, &run)) {
		op->first = run.pfn;
		op->last = run.pfn + run.pages - 1;
		/*
		 * @phys may name other frames than a moment ago, because the caller may have
		 * changed its list: those are not held.
		 */
		if (run.pfn >= V3C_MAX_PAGES || !v3c_space_is_held(space, op->first, op->last, op))
			break;
		held -= run.pages;
		if (!unmapped) {
			v3c_space_unhold(space, op->first, op->last);
		} else if (!unmap_held(domain, op)) {
			v3c_space_drop_lost(space, op->first, op->last);
			reason = unmap_failed(domain, run.pfn, run.pages, V3C_PARAM_PHYS, why);
		} else if (released) {
			v3c_space_drop_pinned(space, op->first, op->last, released);
		} else {
			v3c_space_drop(space, op->first, op->last);
		}
	}
	if (!held)
		return reason;
	v3c_space_unhold_all(space, op);
	return release_failed(-ENOENT, domain, op->first, op->last - op->first + 1, V3C_PARAM_PHYS,
			      why);
}

static enum v3c_reason unmap_identity_runs(struct v3c_domain *domain, const struct v3c_phys *phys,
					   struct v3c_released *released, struct v3c_why *why)
{
	const u8 kind = V3C_RANGE_IDENTITY | (released ? V3C_RANGE_PINNED : 0);
	struct v3c_space *space = &domain->space;
	struct v3c_run refused = {};
	enum v3c_reason reason;
	struct v3c_op op;
	u64 held;
	int ret;

	ret = v3c_gate_begin(space, &op);
	if (ret)
		return release_failed(ret, domain, 0, phys->pages, V3C_PARAM_PHYS, why);
	/* hold_identity() before any of it goes, so that a refusal leaves everything mapped. */
	ret = hold_identity(domain, *phys, kind, &op, &held, &refused);
	reason = release_identity(domain, *phys, &op, held, !ret, released, why);
	v3c_gate_end(space, &op);
	return ret ? release_failed(ret, domain, refused.pfn, refused.pages, V3C_PARAM_PHYS, why) :
		     reason;
}

static void trace_unmap_identity(struct v3c_domain *domain, const struct v3c_phys *phys,
				 enum v3c_reason reason)
{
	trace_v3compat_unmap_identity(domain, v3c_phys_is_contiguous(phys) && !phys->pfns ?
				      phys->pfn : 0, phys->pages, reason);
}

/**
 * v3c_unmap_identity() - unmap what v3c_map_identity() mapped
 * @domain: the domain
 * @phys: the same memory, in any form
 * @why: filled on refusal
 *
 * Context: any up to softirq, with spinlocks held.
 * Return: 0 or a reason, see UnmapIdentityRangeEx in contract.h.
 */
enum v3c_reason v3c_unmap_identity(struct v3c_domain *domain, const struct v3c_phys *phys,
				   struct v3c_why *why)
{
	enum v3c_reason reason = check_identity(domain, why);

	if (!reason && domain->type != V3C_DOMAIN_PASSTHROUGH)
		reason = unmap_identity_runs(domain, phys, NULL, why);
	trace_unmap_identity(domain, phys, reason);
	return reason;
}

/**
 * v3c_unmap_identity_pinned() - unmap what v3c_map_identity_pinned() mapped
 * @domain: the domain
 * @phys: the same memory, in any form
 * @why: filled on refusal
 *
 * Payloads are given back when no device reaches any of the pages any more, with no lock held.
 *
 * Context: as v3c_unmap_identity(), and as the payloads want.
 * Return: as v3c_unmap_identity(); %V3C_REASON_WRONG_TYPE also on a PassThrough domain.
 */
enum v3c_reason v3c_unmap_identity_pinned(struct v3c_domain *domain, const struct v3c_phys *phys,
					  struct v3c_why *why)
{
	enum v3c_reason reason = check_identity(domain, why);
	struct v3c_released released = {};

	if (!reason)
		reason = domain->type == V3C_DOMAIN_PASSTHROUGH ? wrong_type(domain, why) :
			 unmap_identity_runs(domain, phys, &released, why);
	v3c_released_give(&released, false);
	trace_unmap_identity(domain, phys, reason);
	return reason;
}
EXPORT_SYMBOL_IF_KUNIT(v3c_unmap_identity_pinned);
