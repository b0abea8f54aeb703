// SPDX-License-Identifier: GPL-2.0
/*
 * v3c_map() and v3c_unmap(): the space decides where, the page tables do it.
 */
#include <linux/iommu.h>

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

static enum v3c_reason map_range(struct v3c_domain *domain, int prot, const struct v3c_phys *phys,
				 const struct v3c_place *place, u64 *page, struct v3c_why *why)
{
	struct v3c_traits like = {
		.kind = V3C_RANGE_LOGICAL, .prot = prot,
		.contiguous = v3c_phys_is_contiguous(phys),
	};
	gfp_t gfp = v3c_gfp();
	struct v3c_op op;
	enum v3c_reason reason;
	int ret;

	if (unlikely(!v3c_domain_is_mapped_by_us(domain)))
		return wrong_type(domain, why);
	reason = v3c_place_check(domain, place, why);
	if (unlikely(reason))
		return reason;

	ret = v3c_place_hold(domain, place, phys->pages, like, gfp, &op);
	if (unlikely(ret))
		return v3c_place_refuse(ret, place, phys->pages, why);

	ret = map_held(domain, &op, phys, prot, gfp);
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
	enum v3c_reason reason = map_range(domain, prot, phys, place, &at, why);

	if (likely(!reason))
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
	struct v3c_space *space = &domain->space;
	enum v3c_reason reason = 0;
	struct v3c_op op;
	int ret;

	if (unlikely(!v3c_domain_is_mapped_by_us(domain))) {
		reason = wrong_type(domain, why);
		goto out;
	}
	ret = v3c_space_release_begin(space, page, page + pages - 1, V3C_RANGE_LOGICAL, may_cut,
				      domain, v3c_gfp(), &op);
	if (unlikely(ret)) {
		reason = release_failed(ret, domain, page, pages, V3C_PARAM_ADDRESS, why);
		goto out;
	}
	if (likely(unmap_held(domain, &op))) {
		v3c_space_release_end(space, &op);
	} else {
		v3c_space_lose(space, &op);
		reason = unmap_failed(domain, page, pages, V3C_PARAM_ADDRESS, why);
	}
out:
	trace_v3compat_unmap(domain, page, pages, reason);
	return reason;
}

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

static int map_identity_run(struct v3c_domain *domain, const struct v3c_run *run, int prot,
			    gfp_t gfp, u64 call)
{
	struct v3c_traits like = { .kind = V3C_RANGE_IDENTITY, .prot = prot, .contiguous = true };
	struct v3c_phys phys = { .pfn = run->pfn, .pages = run->pages };
	struct v3c_op op;
	int ret;

	ret = v3c_space_claim(&domain->space, run->pfn, run->pfn + run->pages - 1, like, gfp, &op);
	if (ret)
		return ret;
	ret = map_held(domain, &op, &phys, prot, gfp);
	if (ret) {
		give_up(domain, &op, ret);
		return ret;
	}
	v3c_space_commit_call(&domain->space, &op, call);
	return 0;
}

/* undo_between() unmaps what @call has mapped from @page to @last. Returns how many pages. */
static u64 undo_between(struct v3c_domain *domain, u64 page, u64 last, u64 call)
{
	struct v3c_op op;
	u64 pages = 0;

	while (v3c_space_hold_call(&domain->space, &page, last, call, &op)) {
		pages += op.last - op.first + 1;
		if (unmap_held(domain, &op))
			v3c_space_release_end(&domain->space, &op);
		else
			v3c_space_lose(&domain->space, &op);
	}
	return pages;
}

/*
 * undo_identity() takes back the @pages that @call has mapped. @phys says where they are. If they
 * are not all there, because the caller has changed its list meanwhile, the whole space is
 * searched.
 */
static void undo_identity(struct v3c_domain *domain, struct v3c_phys phys, u64 pages, u64 call)
{
	u64 left = pages;
	struct v3c_run run;

	while (left && v3c_phys_next(&phys, left, &run) && run.pfn < V3C_MAX_PAGES) {
		left -= run.pages;
		pages -= undo_between(domain, run.pfn, run.pfn + run.pages - 1, call);
	}
	if (pages)
		undo_between(domain, 0, U64_MAX, call);
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
	struct v3c_phys at = *phys;
	struct v3c_run run = {};
	gfp_t gfp = v3c_gfp();
	u64 pages = 0, call;
	int ret = 0;

	if (reason || domain->type == V3C_DOMAIN_PASSTHROUGH)
		goto out;
	call = atomic64_inc_return(&v3c_identity_calls);
	while (v3c_phys_next(&at, V3C_MAX_PAGES, &run)) {
		/* V3C_MAX_PAGES and up are no frame numbers: the sums below would wrap. */
		ret = run.pfn >= V3C_MAX_PAGES ? -ERANGE :
			map_identity_run(domain, &run, prot, gfp, call);
		if (ret)
			break;
		pages += run.pages;
	}
	if (ret) {
		u64 first = run.pfn << V3C_PAGE_SHIFT;

		undo_identity(domain, *phys, pages, call);
		reason = v3c_refuse_errno(why, ret, V3C_PARAM_PHYS, domain, first,
					  first + (run.pages << V3C_PAGE_SHIFT) - 1);
	}
out:
	trace_v3compat_map_identity(domain, run.pfn, run.pages, reason);
	return reason;
}

/* hold_identity() says in @held how many pages it holds, also on failure. */
static int hold_identity(struct v3c_domain *domain, struct v3c_phys phys, gfp_t gfp,
			 struct v3c_op *op, u64 *held, struct v3c_run *run)
{
	int ret;

	for (*held = 0; v3c_phys_next(&phys, V3C_MAX_PAGES, run); *held += run->pages) {
		if (run->pfn >= V3C_MAX_PAGES)
			return -ENOENT;
		ret = v3c_space_hold(&domain->space, run->pfn, run->pfn + run->pages - 1,
				     V3C_RANGE_IDENTITY, may_cut, domain, gfp, op);
		if (ret)
			return ret;
	}
	return 0;
}

/* release_identity() gives up @held pages, after unmapping them if @unmapped. */
static enum v3c_reason release_identity(struct v3c_domain *domain, struct v3c_phys phys,
					struct v3c_op *op, u64 held, bool unmapped,
					struct v3c_why *why)
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
		} else if (unmap_held(domain, op)) {
			v3c_space_drop(space, op->first, op->last);
		} else {
			v3c_space_drop_lost(space, op->first, op->last);
			reason = unmap_failed(domain, run.pfn, run.pages, V3C_PARAM_PHYS, why);
		}
	}
	if (!held)
		return reason;
	v3c_space_unhold_all(space, op);
	return release_failed(-ENOENT, domain, op->first, op->last - op->first + 1, V3C_PARAM_PHYS,
			      why);
}

static enum v3c_reason unmap_identity_runs(struct v3c_domain *domain, const struct v3c_phys *phys,
					   struct v3c_why *why)
{
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
	ret = hold_identity(domain, *phys, v3c_gfp(), &op, &held, &refused);
	reason = release_identity(domain, *phys, &op, held, !ret, why);
	v3c_gate_end(space, &op);
	return ret ? release_failed(ret, domain, refused.pfn, refused.pages, V3C_PARAM_PHYS, why) :
		     reason;
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
		reason = unmap_identity_runs(domain, phys, why);
	trace_v3compat_unmap_identity(domain, v3c_phys_is_contiguous(phys) && !phys->pfns ?
				      phys->pfn : 0, phys->pages, reason);
	return reason;
}
