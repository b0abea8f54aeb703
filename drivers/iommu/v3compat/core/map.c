// SPDX-License-Identifier: GPL-2.0
/*
 * Map and unmap: the space decides where, the page tables do it.
 */
#include <linux/iommu.h>

#include "base/context.h"
#include "base/trace.h"
#include "core/domain.h"
#include "core/map.h"
#include "core/place.h"
#include "table/gate.h"

static NTSTATUS wrong_type(struct v3c_domain *domain, struct v3c_why *why)
{
	return v3c_refuse(why, STATUS_INVALID_PARAMETER_1, V3C_REASON_WRONG_TYPE, domain,
			  domain->type, 0);
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

/* Every page table that has any of what @op holds for unmapping gives it up. False if one does not. */
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

/* Maps what @op holds in all page tables or in none; -EUCLEAN if one of them kept some of it all the same. */
static int map_held(struct v3c_domain *domain, const struct v3c_op *op,
		    const struct v3c_phys *phys, int prot, gfp_t gfp)
{
	struct v3c_hwpt *hwpt;
	u8 done = 0;
	int ret;

	v3c_for_each_hwpt(domain, hwpt, op->slots) {
		ret = v3c_hwpt_map(hwpt, op->first, *phys, prot, 0, gfp);
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

/* What map_held() could not map is free again, unless it is lost. */
static void give_up(struct v3c_domain *domain, struct v3c_op *op, int err)
{
	if (err == -EUCLEAN)
		v3c_space_lose(&domain->space, op);
	else
		v3c_space_abort(&domain->space, op);
}

static NTSTATUS map(struct v3c_domain *domain, int prot, const struct v3c_phys *phys,
		    const struct v3c_place *place, u64 *page, struct v3c_why *why)
{
	struct v3c_range like = {
		.kind = V3C_RANGE_LOGICAL, .prot = prot,
		.contiguous = v3c_phys_is_contiguous(phys),
	};
	gfp_t gfp = v3c_gfp();
	struct v3c_op op;
	NTSTATUS status;
	int ret;

	if (unlikely(!v3c_domain_is_mapped_by_us(domain)))
		return wrong_type(domain, why);
	status = v3c_place_check(domain, place, why);
	if (unlikely(!NT_SUCCESS(status)))
		return status;

	ret = v3c_place_hold(domain, place, phys->pages, &like, gfp, &op);
	if (unlikely(ret))
		return v3c_place_refuse(ret, place, phys->pages, why);

	ret = map_held(domain, &op, phys, prot, gfp);
	if (unlikely(ret)) {
		give_up(domain, &op, ret);
		return v3c_refuse_errno(why, ret, STATUS_INVALID_PARAMETER_3, domain,
					op.first << V3C_PAGE_SHIFT,
					((op.last + 1) << V3C_PAGE_SHIFT) - 1);
	}
	*page = op.first;
	v3c_space_commit(&domain->space, &op);
	return STATUS_SUCCESS;
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
 * Return: status of MapLogicalRangeEx, see wdm.h.
 */
NTSTATUS v3c_map(struct v3c_domain *domain, int prot, const struct v3c_phys *phys,
		       const struct v3c_place *place, u64 *page, struct v3c_why *why)
{
	u64 at = place->explicit_page ? *place->explicit_page : 0;
	NTSTATUS status = map(domain, prot, phys, place, &at, why);

	if (likely(NT_SUCCESS(status)))
		*page = at;
	trace_v3compat_map(domain, at, phys->pages, status);
	return status;
}

/* The cut at either end of [@first, @last] out of @range, in every table that has it. */
static bool may_cut(void *arg, const struct v3c_op *op, const struct v3c_range *range, u64 first,
		    u64 last)
{
	struct v3c_domain *domain = arg;
	struct v3c_hwpt *hwpt, *source;

	/* Only a whole table can be asked for addresses, but every table's page sizes count. */
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

static NTSTATUS release_failed(int err, struct v3c_domain *domain, u64 page, u64 pages,
			       struct v3c_why *why)
{
	u64 first = page << V3C_PAGE_SHIFT, last = first + (pages << V3C_PAGE_SHIFT) - 1;

	if (err == -ENOENT)
		return v3c_refuse(why, STATUS_INVALID_PARAMETER, V3C_REASON_NOT_MAPPED, domain,
				  first, last);
	if (err == -EXDEV)
		return v3c_refuse(why, STATUS_INVALID_PARAMETER, V3C_REASON_CUT_LARGE_PAGE, domain,
				  first, last);
	return v3c_refuse_errno(why, err, STATUS_INVALID_PARAMETER, domain, first, last);
}

/* Devices may reach it for as long as the domain lives, so that nobody gets its addresses again. */
static NTSTATUS unmap_failed(struct v3c_domain *domain, u64 page, u64 pages, struct v3c_why *why)
{
	u64 first = page << V3C_PAGE_SHIFT;

	return v3c_refuse(why, STATUS_UNSUCCESSFUL, V3C_REASON_SHORT_UNMAP, domain, first,
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
 * Return: status of UnmapLogicalRange, see wdm.h.
 */
NTSTATUS v3c_unmap(struct v3c_domain *domain, u64 page, u64 pages, struct v3c_why *why)
{
	struct v3c_space *space = &domain->space;
	NTSTATUS status = STATUS_SUCCESS;
	struct v3c_op op;
	int ret;

	if (unlikely(!v3c_domain_is_mapped_by_us(domain))) {
		status = wrong_type(domain, why);
		goto out;
	}
	ret = v3c_space_release_begin(space, page, page + pages - 1, V3C_RANGE_LOGICAL, may_cut,
				      domain, v3c_gfp(), &op);
	if (unlikely(ret)) {
		status = release_failed(ret, domain, page, pages, why);
		goto out;
	}
	if (likely(unmap_held(domain, &op))) {
		v3c_space_release_end(space, &op);
	} else {
		v3c_space_lose(space, &op);
		status = unmap_failed(domain, page, pages, why);
	}
out:
	trace_v3compat_unmap(domain, page, pages, status);
	return status;
}

static bool takes_identity(struct v3c_domain *domain)
{
	return v3c_domain_is_mapped_by_us(domain) || domain->type == DomainTypePassThrough;
}

static NTSTATUS check_identity(struct v3c_domain *domain, struct v3c_why *why)
{
	if (!takes_identity(domain))
		return wrong_type(domain, why);
	if (domain->space.allocates)
		return v3c_refuse(why, STATUS_NOT_SUPPORTED, V3C_REASON_ALLOCATOR_RULE, domain, 0, 0);
	return STATUS_SUCCESS;
}

/* A number for each call of MapIdentityRange(Ex), so that it takes back only what it has mapped itself. */
static atomic64_t v3c_identity_calls = ATOMIC64_INIT(0);

static int map_identity_run(struct v3c_domain *domain, const struct v3c_run *run, int prot,
			    gfp_t gfp, u64 call)
{
	struct v3c_range like = { .kind = V3C_RANGE_IDENTITY, .prot = prot, .contiguous = true };
	struct v3c_phys phys = { .pfn = run->pfn, .pages = run->pages };
	struct v3c_op op;
	int ret;

	ret = v3c_space_claim(&domain->space, run->pfn, run->pfn + run->pages - 1, &like, gfp, &op);
	if (ret)
		return ret;
	ret = map_held(domain, &op, &phys, prot, gfp);
	if (ret) {
		give_up(domain, &op, ret);
		return ret;
	}
	op.range->call = call;
	v3c_space_commit(&domain->space, &op);
	return 0;
}

/* What is @call's between two pages; says how many pages that was. */
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
 * Takes back the @pages that the call has mapped. The caller's list says where they are, unless it is
 * another one than it was a moment ago.
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
 * @phys_status: ordinal status of the parameter that @phys comes from
 * @why: filled on refusal
 *
 * On a PassThrough domain there is nothing to do.
 *
 * Context: any up to softirq, with spinlocks held; allocates as the context allows.
 * Return: status of MapIdentityRangeEx, see wdm.h.
 */
NTSTATUS v3c_map_identity(struct v3c_domain *domain, int prot, const struct v3c_phys *phys,
				NTSTATUS phys_status, struct v3c_why *why)
{
	NTSTATUS status = check_identity(domain, why);
	struct v3c_phys at = *phys;
	struct v3c_run run = {};
	gfp_t gfp = v3c_gfp();
	u64 pages = 0, call;
	int ret = 0;

	if (!NT_SUCCESS(status) || domain->type == DomainTypePassThrough)
		goto out;
	call = atomic64_inc_return(&v3c_identity_calls);
	while (v3c_phys_next(&at, V3C_MAX_PAGES, &run)) {
		/* A frame number that no address has: the sums below would wrap. */
		ret = run.pfn >= V3C_MAX_PAGES ? -ERANGE :
			map_identity_run(domain, &run, prot, gfp, call);
		if (ret)
			break;
		pages += run.pages;
	}
	if (ret) {
		u64 first = run.pfn << V3C_PAGE_SHIFT;

		undo_identity(domain, *phys, pages, call);
		status = v3c_refuse_errno(why, ret, phys_status, domain, first,
					  first + (run.pages << V3C_PAGE_SHIFT) - 1);
	}
out:
	trace_v3compat_map_identity(domain, run.pfn, run.pages, status);
	return status;
}

/* Says how many pages it holds, also on failure. */
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

/* Gives up @held pages, which are mapped nowhere any more if they are to be @unmapped. */
static NTSTATUS release_identity(struct v3c_domain *domain, struct v3c_phys phys, struct v3c_op *op,
				 u64 held, bool unmapped, struct v3c_why *why)
{
	struct v3c_space *space = &domain->space;
	NTSTATUS status = STATUS_SUCCESS;
	struct v3c_run run;

	while (held && v3c_phys_next(&phys, held, &run)) {
		op->first = run.pfn;
		op->last = run.pfn + run.pages - 1;
		/* The caller's list of frames may be another one than it was a moment ago. */
		if (run.pfn >= V3C_MAX_PAGES || !v3c_space_is_held(space, op->first, op->last, op))
			break;
		held -= run.pages;
		if (!unmapped) {
			v3c_space_unhold(space, op->first, op->last);
		} else if (unmap_held(domain, op)) {
			v3c_space_drop(space, op->first, op->last);
		} else {
			v3c_space_drop_lost(space, op->first, op->last);
			status = unmap_failed(domain, run.pfn, run.pages, why);
		}
	}
	if (!held)
		return status;
	v3c_space_unhold_all(space, op);
	return release_failed(-ENOENT, domain, op->first, op->last - op->first + 1, why);
}

static NTSTATUS unmap_identity(struct v3c_domain *domain, const struct v3c_phys *phys,
			       struct v3c_why *why)
{
	struct v3c_space *space = &domain->space;
	struct v3c_run refused = {};
	NTSTATUS status;
	struct v3c_op op;
	u64 held;
	int ret;

	ret = v3c_gate_begin(space, &op);
	if (ret)
		return release_failed(ret, domain, 0, phys->pages, why);
	/* All of it is held before any of it goes, so that a refusal leaves everything mapped. */
	ret = hold_identity(domain, *phys, v3c_gfp(), &op, &held, &refused);
	status = release_identity(domain, *phys, &op, held, !ret, why);
	v3c_gate_end(space, &op);
	return ret ? release_failed(ret, domain, refused.pfn, refused.pages, why) : status;
}

/**
 * v3c_unmap_identity() - unmap what v3c_map_identity() mapped
 * @domain: the domain
 * @phys: the same memory, in any form
 * @why: filled on refusal
 *
 * Context: any up to softirq, with spinlocks held.
 * Return: status of UnmapIdentityRangeEx, see wdm.h.
 */
NTSTATUS v3c_unmap_identity(struct v3c_domain *domain, const struct v3c_phys *phys,
				  struct v3c_why *why)
{
	NTSTATUS status = check_identity(domain, why);

	if (NT_SUCCESS(status) && domain->type != DomainTypePassThrough)
		status = unmap_identity(domain, phys, why);
	trace_v3compat_unmap_identity(domain, v3c_phys_is_contiguous(phys) && !phys->pfns ?
				      phys->pfn : 0, phys->pages, status);
	return status;
}
