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
#include <linux/slab.h>

#include <v3compat/kcompat.h>

#include "base/context.h"
#include "base/trace.h"
#include "core/check.h"
#include "core/domain.h"
#include "core/held.h"
#include "core/map.h"
#include "core/place.h"
#include "table/gate.h"
#include "table/pins.h"

static enum v3c_reason wrong_type(struct v3c_domain *domain, struct v3c_why *why)
{
	return v3c_refuse(why, V3C_REASON_WRONG_TYPE, V3C_PARAM_DOMAIN, domain, domain->type, 0);
}

/*
 * gfp_for() is v3c_gfp() for a call with or without a payload. Whoever has payloads has an account,
 * see &v3c_space.account, and nobody else.
 */
static __always_inline gfp_t gfp_for(bool payload)
{
	return v3c_gfp() | (payload ? __GFP_ACCOUNT : 0);
}

/*
 * check_map() tells whether @domain can map so. In an operation, because a domain that was deleted
 * meanwhile may be another one by now.
 */
static __always_inline enum v3c_reason check_map(struct v3c_domain *domain,
						 const struct v3c_phys *phys,
						 const struct v3c_place *place, bool pinned,
						 struct v3c_why *why)
{
	if (unlikely(!v3c_domain_is_mapped_by_us(domain) || (pinned && !domain->space.account)))
		return wrong_type(domain, why);
	if (unlikely(domain->space.allocates == !!place->explicit_page))
		return v3c_place_check(domain, place, why);
	return v3c_check_work(phys, why);
}

/* map_range(): @pin is NULL as a constant, or its payload is NULL afterwards where it is kept. */
static __always_inline enum v3c_reason map_range(struct v3c_domain *domain, int prot,
						 const struct v3c_phys *phys,
						 const struct v3c_place *place,
						 struct v3c_pin *pin, u64 *page,
						 struct v3c_why *why)
{
	const struct v3c_traits like = {
		.kind = V3C_RANGE_LOGICAL, .prot = prot, .contiguous = v3c_phys_is_contiguous(phys),
	};
	struct v3c_held held = { .domain = domain, .kind = V3C_RANGE_LOGICAL };
	struct v3c_space *space = &domain->space;
	gfp_t gfp = gfp_for(pin);
	enum v3c_reason reason;
	int ret;

	ret = v3c_gate_enter(space, &held.op);
	if (unlikely(ret))
		return check_map(domain, phys, place, pin, why) ?:
		       v3c_place_refuse(ret, place, phys->pages, why);
	reason = check_map(domain, phys, place, pin, why);
	if (unlikely(reason))
		goto out;
	ret = v3c_place_claim(domain, place, phys->pages, like, gfp, &held.first,
			      &held.head);
	if (unlikely(ret)) {
		reason = v3c_place_refuse(ret, place, phys->pages, why);
		goto out;
	}
	held.last = held.first + phys->pages - 1;
	v3c_gate_look(space, &held.op, held.first, held.last);
	ret = v3c_held_map(&held, phys, prot, pin, gfp);
	if (unlikely(ret)) {
		reason = v3c_refuse_errno(why, ret, V3C_PARAM_PHYS, domain,
					  held.first << V3C_PAGE_SHIFT,
					  ((held.last + 1) << V3C_PAGE_SHIFT) - 1);
		goto out;
	}
	*page = held.first;
	v3c_space_commit(space, held.first, prot, &held.head);
out:
	v3c_gate_end(space, &held.op);
	return reason;
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

static enum v3c_reason release_failed(int err, struct v3c_domain *domain, u64 page, u64 pages,
				      enum v3c_param param, struct v3c_why *why)
{
	u64 first = page << V3C_PAGE_SHIFT, last = first + (pages << V3C_PAGE_SHIFT) - 1;

	if (err == -ENOENT)
		return v3c_refuse(why, V3C_REASON_NOT_MAPPED, param, domain, first,
				  last);
	if (err == -E2BIG)
		return v3c_refuse(why, V3C_REASON_TOO_MUCH_WORK, param, domain, first, last);
	if (err == -EXDEV)
		return v3c_refuse(why, V3C_REASON_CUT_LARGE_PAGE, param, domain,
				  first, last);
	return v3c_refuse_errno(why, err, param, domain, first, last);
}

/* hold_range() holds [@held->first, @held->last] for unmapping, or nothing. */
static int hold_range(struct v3c_held *held, bool pinned, gfp_t gfp)
{
	struct v3c_space *space = &held->domain->space;
	int ret = v3c_space_hold(space, held->first, held->last, held->kind, pinned, &held->head);

	if (unlikely(ret))
		return ret;
	v3c_gate_look(space, &held->op, held->first, held->last);
	if (likely(held->head.at))
		return 0;
	ret = v3c_held_cut(held, gfp);
	if (unlikely(ret))
		v3c_space_unhold(space, held->first, held->last);
	return ret;
}

/* unmap_range(): @released is NULL, or gets payloads. */
static enum v3c_reason unmap_range(struct v3c_domain *domain, u64 page, u64 pages,
				   struct v3c_released *released, struct v3c_why *why)
{
	struct v3c_held held = {
		.domain = domain, .first = page, .last = page + pages - 1,
		.kind = V3C_RANGE_LOGICAL,
	};
	int ret;

	if (unlikely(!v3c_domain_is_mapped_by_us(domain)))
		return wrong_type(domain, why);
	ret = v3c_gate_enter(&domain->space, &held.op);
	if (unlikely(ret))
		return release_failed(ret, domain, page, pages, V3C_PARAM_ADDRESS, why);
	ret = hold_range(&held, released, gfp_for(released));
	if (likely(!ret))
		ret = v3c_held_unmap(&held, released);
	v3c_gate_end(&domain->space, &held.op);
	if (likely(!ret))
		return 0;
	return release_failed(ret, domain, page, pages, V3C_PARAM_ADDRESS, why);
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

/*
 * hold_spans() holds all of @spans for unmapping, or none. On failure @refused is the index of the
 * one that was wrong.
 */
static int hold_spans(struct v3c_held *held, const struct v3c_span *spans, unsigned int count,
		      bool pinned, unsigned int *refused)
{
	gfp_t gfp = gfp_for(pinned);
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < count; i++) {
		held->first = spans[i].first;
		held->last = spans[i].last;
		ret = hold_range(held, pinned, gfp);
	}
	if (!ret)
		return 0;
	*refused = --i;
	while (i--)
		v3c_space_unhold(&held->domain->space, spans[i].first, spans[i].last);
	return ret;
}

/*
 * unmap_spans() unmaps all of @spans, or, but for lost ones, none. -EUCLEAN if some were lost, then
 * @unmapped, or before.
 */
static int unmap_spans(struct v3c_domain *domain, u8 kind, struct v3c_span *spans,
		       unsigned int count, struct v3c_released *released, unsigned int *refused,
		       bool *unmapped)
{
	struct v3c_held held = { .domain = domain, .kind = kind };
	struct v3c_space *space = &domain->space;
	struct v3c_span *span;
	int ret;

	*refused = 0;
	*unmapped = false;
	ret = v3c_gate_enter(space, &held.op);
	if (ret)
		return ret;
	ret = hold_spans(&held, spans, count, released, refused);
	if (ret) {
		v3c_gate_end(space, &held.op);
		return ret;
	}
	*unmapped = true;
	v3c_held_unmap_many(&held, spans, count);
	for (span = spans; span < spans + count; span++) {
		if (!span->lost) {
			v3c_space_drop(space, span->first, span->last, kind, released, NULL);
			continue;
		}
		v3c_space_lose(space, span->first, span->last);
		*refused = span - spans;
		ret = -EUCLEAN;
	}
	v3c_gate_end(space, &held.op);
	return ret;
}

static enum v3c_reason unmap_many(struct v3c_domain *domain, struct v3c_span *spans,
				  unsigned int count, struct v3c_released *released,
				  struct v3c_why *why)
{
	unsigned int refused;
	bool unmapped;
	int ret;

	if (!v3c_domain_is_mapped_by_us(domain))
		return wrong_type(domain, why);
	ret = unmap_spans(domain, V3C_RANGE_LOGICAL, spans, count, released, &refused, &unmapped);
	if (!ret)
		return 0;
	/* -EUCLEAN would tell that the unmap itself was short. */
	if (ret == -EUCLEAN && !unmapped)
		ret = -ENOENT;
	return release_failed(ret, domain, spans[refused].first,
			      spans[refused].last - spans[refused].first + 1, V3C_PARAM_ADDRESS,
			      why);
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

static enum v3c_reason check_identity(struct v3c_domain *domain, const struct v3c_phys *phys,
				      struct v3c_why *why)
{
	if (!takes_identity(domain))
		return wrong_type(domain, why);
	if (domain->space.allocates)
		return v3c_refuse(why, V3C_REASON_ALLOCATOR_RULE, V3C_PARAM_PHYS, domain, 0, 0);
	return domain->type == V3C_DOMAIN_PASSTHROUGH ? 0 : v3c_check_work(phys, why);
}

/*
 * enter_identity() is v3c_gate_enter() for a domain that check_identity() passed, and that may be
 * another one by now.
 */
static int enter_identity(struct v3c_domain *domain, bool pinned, struct v3c_op *op)
{
	int ret = v3c_gate_enter(&domain->space, op);

	if (ret || (v3c_domain_is_mapped_by_us(domain) && !domain->space.allocates &&
		    (!pinned || domain->space.account)))
		return ret;
	v3c_gate_end(&domain->space, op);
	return -ESTALE;
}

/* V3C_SPANS: as many runs of a list are on the stack; more need memory. */
#define V3C_SPANS	8

/**
 * struct v3c_spans - a copy of the runs of a list, which its owner may change meanwhile
 * @span: the runs
 * @count: how many
 * @few: room for them, if they are few
 */
struct v3c_spans {
	struct v3c_span *span;
	unsigned int count;
	struct v3c_span few[V3C_SPANS];
};

/*
 * copy_spans() copies at most @max runs of @phys, and moves that behind them. -ERANGE, with
 * @refused set, for one that is no frame: V3C_MAX_PAGES and up, where sums would wrap.
 */
static int copy_spans(struct v3c_spans *spans, struct v3c_phys *phys, unsigned int max,
		      struct v3c_run *refused)
{
	struct v3c_run run;

	for (spans->count = 0; spans->count < max && v3c_phys_next(phys, V3C_MAX_PAGES, &run);) {
		if (run.pfn >= V3C_MAX_PAGES) {
			*refused = run;
			return -ERANGE;
		}
		spans->span[spans->count++] = (struct v3c_span) {
			.first = run.pfn, .last = run.pfn + run.pages - 1,
		};
	}
	return 0;
}

/* count_runs() counts up to @max. */
static unsigned int count_runs(struct v3c_phys phys, unsigned int max)
{
	struct v3c_run run;
	unsigned int count;

	for (count = 0; count < max && v3c_phys_next(&phys, V3C_MAX_PAGES, &run); count++)
		;
	return count;
}

/*
 * alloc_spans() makes room in @spans for the runs of @phys. If there is no memory, room for a few
 * remains.
 */
static int alloc_spans(struct v3c_spans *spans, const struct v3c_phys *phys, gfp_t gfp,
		       unsigned int *max)
{
	*max = V3C_SPANS;
	spans->span = spans->few;
	if (v3c_phys_is_contiguous(phys))
		return 0;
	*max = count_runs(*phys, UINT_MAX);
	if (*max <= V3C_SPANS)
		return 0;
	spans->span = gfpflags_allow_blocking(gfp) ?
		      kvmalloc_array(*max, sizeof(*spans->span), gfp | __GFP_NOWARN) :
		      kmalloc_array(*max, sizeof(*spans->span), gfp | __GFP_NOWARN);
	if (spans->span)
		return 0;
	spans->span = spans->few;
	*max = V3C_SPANS;
	return -ENOMEM;
}

static void free_spans(struct v3c_spans *spans)
{
	if (spans->span != spans->few)
		kvfree(spans->span);
}

static void set_refused(struct v3c_run *refused, const struct v3c_span *span)
{
	*refused = (struct v3c_run) { .pfn = span->first, .pages = span->last - span->first + 1 };
}

/* map_identity_span(): @pin is NULL, or moves on by what is kept of it. */
static int map_identity_span(struct v3c_held *held, const struct v3c_span *span, int prot,
			     gfp_t gfp, struct v3c_pin *pin)
{
	const struct v3c_traits like = {
		.kind = V3C_RANGE_IDENTITY, .prot = prot, .contiguous = true,
	};
	const struct v3c_phys phys = {
		.pfn = span->first, .pages = span->last - span->first + 1,
	};
	struct v3c_space *space = &held->domain->space;
	struct v3c_pin part;
	int ret;

	held->first = span->first;
	held->last = span->last;
	ret = v3c_space_claim(space, span->first, span->last, like, gfp, &held->head);
	if (ret)
		return ret;
	v3c_gate_look(space, &held->op, held->first, held->last);
	if (pin)
		part = *pin;
	ret = v3c_held_map(held, &phys, prot, pin ? &part : NULL, gfp);
	if (pin && !part.payload)
		pin->at += phys.pages;
	return ret;
}

/*
 * map_identity_spans() maps all of @spans or none, because none is live before all of them are
 * mapped. @pin is NULL, or moves on by what is kept of it. @released gets what was kept and was
 * undone. @then is an error of what follows them in the list, or 0: then they are undone, too.
 */
static int map_identity_spans(struct v3c_held *held, const struct v3c_spans *spans, int prot,
			      gfp_t gfp, struct v3c_pin *pin, struct v3c_released *released,
			      int then, struct v3c_run *refused)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < spans->count; i++)
		ret = map_identity_span(held, &spans->span[i], prot, gfp, pin);
	if (ret)
		set_refused(refused, &spans->span[--i]);
	else
		ret = then;
	while (i--) {
		held->first = spans->span[i].first;
		held->last = spans->span[i].last;
		held->head.at = NULL;
		if (!ret)
			v3c_space_commit(&held->domain->space, held->first, prot, &held->head);
		else
			v3c_held_unmap(held, pin ? released : NULL);
	}
	return ret;
}

/* map_identity() is v3c_map_identity() after the checks; @pin is NULL, or as above. */
static enum v3c_reason map_identity(struct v3c_domain *domain, int prot,
				    const struct v3c_phys *phys, struct v3c_pin *pin,
				    struct v3c_released *released, struct v3c_run *refused,
				    struct v3c_why *why)
{
	struct v3c_held held = { .domain = domain, .kind = V3C_RANGE_IDENTITY };
	struct v3c_phys at = *phys;
	gfp_t gfp = gfp_for(pin);
	struct v3c_spans spans;
	unsigned int max;
	int ret, then;
	u64 first;

	*refused = (struct v3c_run) {};
	ret = alloc_spans(&spans, phys, gfp, &max);
	if (!ret) {
		then = copy_spans(&spans, &at, max, refused);
		/* The list has more runs than a moment ago. */
		if (!then && unlikely(v3c_phys_next(&at, V3C_MAX_PAGES, refused)))
			then = -ERANGE;
		if (!then)
			set_refused(refused, &spans.span[spans.count - 1]);
		ret = enter_identity(domain, pin, &held.op);
	}
	if (!ret) {
		ret = map_identity_spans(&held, &spans, prot, gfp, pin, released, then, refused);
		v3c_gate_end(&domain->space, &held.op);
	}
	free_spans(&spans);
	if (likely(!ret))
		return 0;
	first = refused->pfn << V3C_PAGE_SHIFT;
	return v3c_refuse_errno(why, ret, V3C_PARAM_PHYS, domain, first,
				first + (refused->pages << V3C_PAGE_SHIFT) - 1);
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
	enum v3c_reason reason = check_identity(domain, phys, why);
	struct v3c_run run = {};

	if (!reason && domain->type != V3C_DOMAIN_PASSTHROUGH)
		reason = map_identity(domain, prot, phys, NULL, NULL, &run, why);
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
 * Only v3c_unmap_identity_pinned() unmaps it.
 *
 * Context: as v3c_map_identity(), and as the payload wants.
 * Return: as v3c_map_identity(); %V3C_REASON_WRONG_TYPE also on a PassThrough domain.
 */
enum v3c_reason v3c_map_identity_pinned(struct v3c_domain *domain, int prot,
					const struct v3c_phys *phys, struct v3c_pin pin,
					struct v3c_why *why)
{
	enum v3c_reason reason = check_identity(domain, phys, why);
	struct v3c_released released = {};
	struct v3c_run run = {};
	u64 start = pin.at;

	if (!reason && (domain->type == V3C_DOMAIN_PASSTHROUGH || !domain->space.account))
		reason = wrong_type(domain, why);
	if (!reason)
		reason = map_identity(domain, prot, phys, &pin, &released, &run, why);
	if (reason)
		v3c_pin_release(pin, phys->pages - (pin.at - start));
	v3c_released_give(&released, false);
	trace_v3compat_map_identity(domain, run.pfn, run.pages, reason);
	return reason;
}
EXPORT_SYMBOL_IF_KUNIT(v3c_map_identity_pinned);

/*
 * unmap_identity() is v3c_unmap_identity() after the checks. All of @phys is unmapped or none. The
 * exception is a list of more than V3C_SPANS runs for which there is no memory, which must be
 * unmapped all the same: it is done in parts, and if one is refused those before it are unmapped.
 */
static enum v3c_reason unmap_identity(struct v3c_domain *domain, const struct v3c_phys *phys,
				      struct v3c_released *released, struct v3c_why *why)
{
	struct v3c_run run = { .pages = phys->pages };
	struct v3c_phys at = *phys;
	struct v3c_spans spans;
	unsigned int max, refused;
	int ret, err = 0;
	bool unmapped;

	alloc_spans(&spans, phys, gfp_for(released), &max);
	do {
		ret = copy_spans(&spans, &at, max, &run) ? -ENOENT : 0;
		if (!ret && spans.count) {
			ret = unmap_spans(domain, V3C_RANGE_IDENTITY, spans.span, spans.count,
					  released, &refused, &unmapped);
			if (ret)
				set_refused(&run, &spans.span[refused]);
		}
		err = ret ? ret : err;
	} while ((!ret || (ret == -EUCLEAN && unmapped)) && spans.count == max);
	free_spans(&spans);
	if (!err)
		return 0;
	return release_failed(err, domain, run.pfn, run.pages, V3C_PARAM_PHYS, why);
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
	enum v3c_reason reason = check_identity(domain, phys, why);

	if (!reason && domain->type != V3C_DOMAIN_PASSTHROUGH)
		reason = unmap_identity(domain, phys, NULL, why);
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
	enum v3c_reason reason = check_identity(domain, phys, why);
	struct v3c_released released = {};

	if (!reason)
		reason = domain->type == V3C_DOMAIN_PASSTHROUGH ? wrong_type(domain, why) :
			 unmap_identity(domain, phys, &released, why);
	v3c_released_give(&released, false);
	trace_unmap_identity(domain, phys, reason);
	return reason;
}
EXPORT_SYMBOL_IF_KUNIT(v3c_unmap_identity_pinned);
