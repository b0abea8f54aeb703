// SPDX-License-Identifier: GPL-2.0
/*
 * Reservations: what can fail for lack of memory is done when the token is made. After that a map
 * fills leaves of tables that are there, in pieces that want no other table, and an unmap clears them
 * in pieces that give none up. All bookkeeping is a byte per page.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "context.h"
#include "domain.h"
#include "range.h"
#include "replay.h"
#include "reserve.h"
#include "trace.h"

static_assert(V3C_SEGMENT_READ == IOMMU_READ && V3C_SEGMENT_WRITE == IOMMU_WRITE);

static void token_init_once(void *object)
{
	struct v3c_token *token = object;

	spin_lock_init(&token->lock);
	init_waitqueue_head(&token->idle);
}

V3C_POOL(v3c_tokens, V3C_KIND_TOKEN, struct v3c_token, "token", token_init_once);

static_assert(offsetof(struct v3c_handle, shown) ==
	      offsetof(IOMMU_DMA_LOGICAL_ADDRESS_TOKEN, LogicalAddressBase));
static_assert(sizeof_field(struct v3c_handle, shown) == sizeof(IOMMU_DMA_LOGICAL_ADDRESS_TOKEN));

static bool token_idle(struct v3c_token *token)
{
	guard(spinlock_irqsave)(&token->lock);
	return !token->inflight;
}

/* From here to unlock_token() operations run under the token's lock, and none runs outside it. */
static void lock_token(struct v3c_token *token)
{
	scoped_guard(spinlock_irqsave, &token->lock)
		token->locked = true;
	wait_event(token->idle, token_idle(token));
}

static void unlock_token(struct v3c_token *token, u8 add, u8 remove)
{
	guard(spinlock_irqsave)(&token->lock);
	token->slots = (token->slots | add) & ~remove;
	token->filling = 0;
	token->locked = false;
}

/* Takes @op.first..@op.last out of the space; tables are the caller's business. */
static void release_space(struct v3c_domain *domain, u64 first, u64 pages)
{
	struct v3c_op op;

	/* Nothing but its token can hold a range of this kind, and nothing is allocated for it. */
	if (WARN_ON(v3c_space_release_begin(&domain->space, first, first + pages - 1,
					    V3C_RANGE_TOKEN, NULL, NULL, GFP_ATOMIC, &op)))
		return;
	v3c_space_release_end(&domain->space, &op);
}

/* Every table below what @op holds, in every page table, or none. */
static int build_tables(struct v3c_domain *domain, const struct v3c_op *op)
{
	struct v3c_hwpt *hwpt;
	u8 done = 0;
	int ret;

	v3c_for_each_hwpt(domain, hwpt, op->slots) {
		ret = v3c_hwpt_build_tables(hwpt, op->first, op->last);
		if (ret)
			goto undo;
		done |= BIT(hwpt->slot);
	}
	return 0;
undo:
	v3c_for_each_hwpt(domain, hwpt, done)
		v3c_hwpt_free_tables(hwpt, op->first, op->last);
	return ret;
}

static int hold_place(struct v3c_domain *domain, u64 pages, const struct v3c_place *place,
		      struct v3c_op *op)
{
	static const struct v3c_range like = { .kind = V3C_RANGE_TOKEN };

	if (place->explicit_page)
		return v3c_space_claim(&domain->space, *place->explicit_page,
				       *place->explicit_page + pages - 1, &like, GFP_KERNEL, op);
	return v3c_space_alloc(&domain->space, pages, place->lo, place->hi, &like, GFP_KERNEL, op);
}

static void publish_token(struct v3c_token *token, struct v3c_domain *domain,
			  struct v3c_segments *segments)
{
	scoped_guard(spinlock_irqsave, &token->lock) {
		token->domain = domain;
		token->segments = segments;
		token->open = true;
		token->inflight = 0;
		token->slots = domain->space.slots;
		token->filling = 0;
		token->locked = false;
		token->handle.shown[0] = segments->first << V3C_PAGE_SHIFT;
		token->handle.shown[1] = segments->pages << V3C_PAGE_SHIFT;
		/* Whoever finds the segments there sees what is in them. */
		smp_store_release(&token->quick, segments);
	}
	scoped_guard(spinlock_irqsave, &domain->space.lock)
		list_add(&token->entry, &domain->tokens);
	v3c_handle_publish(&v3c_tokens, &token->handle);
}

static NTSTATUS create(struct v3c_domain *domain, u64 pages, const struct v3c_place *place,
		       struct v3c_token **out, struct v3c_why *why)
{
	struct v3c_segments *segments;
	struct v3c_token *token;
	struct v3c_op op;
	NTSTATUS status;
	int ret;

	if (!v3c_handle_is(domain, V3C_KIND_DOMAIN))
		return v3c_refuse(why, STATUS_INVALID_PARAMETER_1, V3C_REASON_BAD_HANDLE, domain, 0, 0);
	if (!v3c_domain_is_mapped_by_us(domain))
		return v3c_refuse(why, STATUS_INVALID_PARAMETER_1, V3C_REASON_WRONG_TYPE, domain,
				  domain->type, 0);
	status = v3c_range_check_place(domain, place, why);
	if (!NT_SUCCESS(status))
		return status;

	/* Cheapest first: the space knows whether so many pages make sense, the tables cost most. */
	ret = hold_place(domain, pages, place, &op);
	if (ret)
		return v3c_range_place_failed(ret, place, pages, why);
	segments = kvzalloc(struct_size(segments, state, pages), GFP_KERNEL | __GFP_NOWARN);
	token = segments ? v3c_handle_alloc(&v3c_tokens) : NULL;
	ret = token ? build_tables(domain, &op) : -ENOMEM;
	if (ret)
		goto undo;
	segments->domain = domain;
	segments->first = op.first;
	segments->pages = pages;
	segments->base = op.first << V3C_PAGE_SHIFT;
	segments->size = pages << V3C_PAGE_SHIFT;
	v3c_space_commit(&domain->space, &op);
	publish_token(token, domain, segments);
	*out = token;
	return STATUS_SUCCESS;
undo:
	v3c_refuse_errno(why, ret, STATUS_INSUFFICIENT_RESOURCES, domain,
			 op.first << V3C_PAGE_SHIFT, ((op.last + 1) << V3C_PAGE_SHIFT) - 1);
	v3c_space_abort(&domain->space, &op);
	if (token)
		v3c_handle_free(&v3c_tokens, &token->handle);
	kvfree(segments);
	return STATUS_INSUFFICIENT_RESOURCES;
}

/**
 * v3c_token_create() - reserve logical addresses and every table below them
 * @domain: the domain
 * @pages: length
 * @place: where
 * @out: result
 * @why: filled on refusal
 *
 * Context: may sleep.
 * Return: status of ReserveLogicalAddressRange, see wdm.h.
 */
NTSTATUS v3c_token_create(struct v3c_domain *domain, u64 pages, const struct v3c_place *place,
			  struct v3c_token **out, struct v3c_why *why)
{
	NTSTATUS status;

	guard(mutex)(&domain->mutex);
	status = create(domain, pages, place, out, why);
	trace_v3compat_reserve(domain, NT_SUCCESS(status) ? (*out)->segments->first : 0, pages,
			       status);
	return status;
}

/*
 * Closed first and looked at then, with a barrier in between: a quick map makes its page BUSY first
 * and looks then whether the token is still there for it.
 */
static bool close_token(struct v3c_token *token, bool force)
{
	struct v3c_segments *segments = token->segments;

	scoped_guard(spinlock_irqsave, &token->lock) {
		token->open = false;
		WRITE_ONCE(token->quick, NULL);
	}
	/* Pairs with the cmpxchg of v3c_quick_map_reserved(). */
	smp_mb();
	if (force || !memchr_inv(segments->state, 0, segments->pages))
		return true;
	guard(spinlock_irqsave)(&token->lock);
	token->open = true;
	WRITE_ONCE(token->quick, segments);
	return false;
}

/* Nothing is mapped in it, or nobody can care. */
static void free_token(struct v3c_domain *domain, struct v3c_token *token)
{
	struct v3c_segments *segments = token->segments;
	struct v3c_hwpt *hwpt;

	lockdep_assert_held(&domain->mutex);

	v3c_for_each_hwpt(domain, hwpt, token->slots)
		v3c_hwpt_free_tables(hwpt, segments->first, segments->first + segments->pages - 1);
	release_space(domain, segments->first, segments->pages);
	scoped_guard(spinlock_irqsave, &domain->space.lock)
		list_del(&token->entry);
	scoped_guard(spinlock_irqsave, &token->lock) {
		v3c_handle_retire(&token->handle);
		token->segments = NULL;
	}
	kvfree_rcu(segments, rcu);
	v3c_handle_free(&v3c_tokens, &token->handle);
}

/**
 * v3c_tokens_permissions() - how a logical page is mapped, if a reservation has it
 * @domain: whose, with its space locked
 * @page: logical page
 *
 * What is in the hands of a map or unmap may count or not.
 *
 * Return: IOMMU_READ and IOMMU_WRITE, or 0.
 */
int v3c_tokens_permissions(struct v3c_domain *domain, u64 page)
{
	struct v3c_token *token;
	u64 at;

	lockdep_assert_held(&domain->space.lock);

	list_for_each_entry(token, &domain->tokens, entry) {
		/* They go after the token has left the list. */
		struct v3c_segments *segments = token->segments;

		at = page - segments->first;
		if (page >= segments->first && at < segments->pages)
			return READ_ONCE(segments->state[at]) &
			       (V3C_SEGMENT_READ | V3C_SEGMENT_WRITE);
	}
	return 0;
}

/**
 * v3c_token_destroy() - give a reservation back
 * @token: the token
 * @why: filled on refusal
 *
 * Context: may sleep.
 * Return: status of FreeReservedLogicalAddressRange, see wdm.h.
 */
NTSTATUS v3c_token_destroy(struct v3c_token *token, struct v3c_why *why)
{
	struct v3c_domain *domain = READ_ONCE(token->domain);
	u64 first, pages;

	/* A domain's memory stays a domain: at worst this is the mutex of another one. */
	guard(mutex)(&domain->mutex);
	if (!v3c_handle_is(token, V3C_KIND_TOKEN) || token->domain != domain)
		return v3c_refuse(why, STATUS_INVALID_PARAMETER_1, V3C_REASON_BAD_HANDLE, token, 0, 0);
	first = token->segments->first;
	pages = token->segments->pages;
	if (!close_token(token, false)) {
		v3c_refuse(why, STATUS_RESOURCE_IN_USE, V3C_REASON_IN_USE, token,
			   first << V3C_PAGE_SHIFT, ((first + pages) << V3C_PAGE_SHIFT) - 1);
		trace_v3compat_release(domain, first, pages, STATUS_RESOURCE_IN_USE);
		return STATUS_RESOURCE_IN_USE;
	}
	free_token(domain, token);
	trace_v3compat_release(domain, first, pages, STATUS_SUCCESS);
	return STATUS_SUCCESS;
}

static int map_slots(struct v3c_token *token, u8 slots, u64 page, const struct v3c_phys *phys,
		     int prot, gfp_t gfp)
{
	struct v3c_domain *domain = token->domain;
	struct v3c_hwpt *hwpt;
	u8 done = 0;
	int ret;

	v3c_for_each_hwpt(domain, hwpt, slots) {
		ret = v3c_hwpt_map(hwpt, token->segments->first + page, *phys, prot, V3C_SPAN_PAGES, gfp);
		if (unlikely(ret))
			goto undo;
		done |= BIT(hwpt->slot);
	}
	return 0;
undo:
	v3c_for_each_hwpt(domain, hwpt, done)
		v3c_hwpt_unmap_spans(hwpt, token->segments->first + page, phys->pages);
	return ret;
}

static void unmap_slots(struct v3c_token *token, u8 slots, u64 page, u64 pages)
{
	struct v3c_hwpt *hwpt;

	v3c_for_each_hwpt(token->domain, hwpt, slots)
		v3c_hwpt_unmap_spans(hwpt, token->segments->first + page, pages);
}

/* A few leaves of one run, or of unmapped pages, from page @at on, into the table being filled. */
static int copy_piece(struct v3c_token *token, u64 at, u64 end, u64 *pages)
{
	struct v3c_domain *domain = token->domain;
	struct v3c_hwpt *source = domain->hwpts[__ffs(token->slots & ~token->filling)];
	struct v3c_hwpt *target = domain->hwpts[__ffs(token->filling)];
	u8 prot = token->segments->state[at] & (V3C_SEGMENT_READ | V3C_SEGMENT_WRITE);
	u64 limit = min(end, at + V3C_SPAN_PAGES - ((token->segments->first + at) & (V3C_SPAN_PAGES - 1)));
	u64 same, pfn;

	for (same = at + 1; same < limit; same++)
		if ((token->segments->state[same] & (V3C_SEGMENT_READ | V3C_SEGMENT_WRITE)) != prot)
			break;
	*pages = same - at;
	if (!prot)
		return 0;
	*pages = v3c_hwpt_run(source, token->segments->first + at, *pages, false, &pfn);
	return v3c_hwpt_map_run(target, token->segments->first + at, pfn, *pages, prot,
				GFP_ATOMIC | __GFP_NOWARN);
}

/* What of a segment lies below @filled must appear in the table being filled, too. */
static int map_filling(struct v3c_token *token, u64 page, u64 pages)
{
	u64 end = min(page + pages, token->filled), at, part;
	int ret;

	for (at = page; at < end; at += part) {
		ret = copy_piece(token, at, end, &part);
		if (ret) {
			if (at > page)
				unmap_slots(token, token->filling, page, at - page);
			return ret;
		}
	}
	return 0;
}

static int map_locked(struct v3c_token *token, u64 page, const struct v3c_phys *phys, int prot)
{
	int ret = map_slots(token, token->slots, page, phys, prot, GFP_ATOMIC);

	lockdep_assert_held(&token->lock);
	if (!ret && token->filling) {
		ret = map_filling(token, page, phys->pages);
		if (ret)
			unmap_slots(token, token->slots, page, phys->pages);
	}
	return ret;
}

static void unmap_locked(struct v3c_token *token, u64 page, u64 pages)
{
	lockdep_assert_held(&token->lock);
	unmap_slots(token, token->slots, page, pages);
	if (token->filling && page < token->filled)
		unmap_slots(token, token->filling, page, min(pages, token->filled - page));
}

static void finish_token_op(struct v3c_token *token)
{
	if (!--token->inflight && unlikely(token->locked))
		wake_up_all(&token->idle);
}

/* Makes pages BUSY, or none of them when one is. */
static bool take_pages(struct v3c_segments *segments, u64 page, u64 pages, int prot)
{
	u64 at;

	for (at = page; at < page + pages; at++) {
		u8 unused = 0;

		if (unlikely(!try_cmpxchg(&segments->state[at], &unused, V3C_SEGMENT_BUSY | prot))) {
			memset(segments->state + page, 0, at - page);
			return false;
		}
	}
	return true;
}

/* Whoever looks last sees all that was done to the pages. */
static void give_pages(struct v3c_segments *segments, u64 page, u64 pages)
{
	/* Pairs with the cmpxchg by which a page is taken. */
	smp_wmb();
	memset(segments->state + page, 0, pages);
}

static void make_segment(struct v3c_segments *segments, u64 page, u64 pages)
{
	u8 *head = &segments->state[page], *tail = &segments->state[page + pages - 1];

	*tail |= V3C_SEGMENT_TAIL;
	v3c_segment_give(head, *head | V3C_SEGMENT_HEAD);
}

/* Takes the segment that starts at @page, if it is one and this long. */
static bool take_segment(struct v3c_segments *segments, u64 page, u64 pages)
{
	u8 head, taken;
	u64 at = page;

	if (!segments || page >= segments->pages || !pages || pages > segments->pages - page)
		return false;
	head = READ_ONCE(segments->state[page]);
	if (!(head & V3C_SEGMENT_HEAD))
		return false;
	taken = head & ~V3C_SEGMENT_HEAD;
	if (!try_cmpxchg(&segments->state[page], &head, taken))
		return false;
	while (!(segments->state[at] & V3C_SEGMENT_TAIL))
		at++;
	if (at == page + pages - 1)
		return true;
	v3c_segment_give(&segments->state[page], taken | V3C_SEGMENT_HEAD);
	return false;
}

static NTSTATUS check_map(struct v3c_token *token, u64 page, u64 pages, int prot,
			  struct v3c_why *why)
{
	struct v3c_segments *segments = token->segments;

	if (unlikely(!v3c_handle_is(token, V3C_KIND_TOKEN) || !segments))
		return v3c_refuse(why, STATUS_INVALID_PARAMETER_1, V3C_REASON_BAD_HANDLE, token, 0, 0);
	if (unlikely(page >= segments->pages))
		return v3c_refuse(why, STATUS_INVALID_PARAMETER_2, V3C_REASON_BEYOND_APERTURE, token,
				  page << V3C_PAGE_SHIFT, segments->pages << V3C_PAGE_SHIFT);
	if (unlikely(pages > segments->pages - page))
		return v3c_refuse(why, STATUS_INVALID_PARAMETER_4, V3C_REASON_BEYOND_APERTURE, token,
				  pages << V3C_PAGE_SHIFT, segments->pages << V3C_PAGE_SHIFT);
	if (unlikely(!token->open))
		return v3c_refuse(why, STATUS_UNSUCCESSFUL, V3C_REASON_BAD_HANDLE, token, 0, 0);
	if (unlikely(!take_pages(segments, page, pages, prot)))
		return v3c_refuse(why, STATUS_RESOURCE_IN_USE, V3C_REASON_OVERLAP, token,
				  page << V3C_PAGE_SHIFT, ((page + pages) << V3C_PAGE_SHIFT) - 1);
	return STATUS_SUCCESS;
}

/**
 * v3c_token_map() - map a segment of a reservation
 * @token: the token
 * @page: first page, from the start of the token
 * @prot: IOMMU_READ and IOMMU_WRITE
 * @phys: what to map
 * @why: filled on refusal
 *
 * Allocates nothing.
 *
 * Context: any up to softirq, with spinlocks held.
 * Return: status of MapReservedLogicalRange, see wdm.h.
 */
NTSTATUS v3c_token_map(struct v3c_token *token, u64 page, int prot, const struct v3c_phys *phys,
		       struct v3c_why *why)
{
	struct v3c_segments *segments;
	u64 pages = phys->pages;
	unsigned long flags;
	NTSTATUS status;
	int ret;

	spin_lock_irqsave(&token->lock, flags);
	status = check_map(token, page, pages, prot, why);
	if (unlikely(!NT_SUCCESS(status)))
		goto unlock;
	segments = token->segments;
	if (unlikely(token->locked)) {
		ret = map_locked(token, page, phys, prot);
	} else {
		u8 slots = token->slots;

		token->inflight++;
		spin_unlock_irqrestore(&token->lock, flags);
		ret = map_slots(token, slots, page, phys, prot, v3c_gfp());
		spin_lock_irqsave(&token->lock, flags);
		finish_token_op(token);
	}
	if (unlikely(ret)) {
		give_pages(segments, page, pages);
		status = v3c_refuse_errno(why, ret, STATUS_INVALID_PARAMETER_4, token,
					  page << V3C_PAGE_SHIFT,
					  ((page + pages) << V3C_PAGE_SHIFT) - 1);
	}
	trace_v3compat_map_reserved(token->domain, segments->first + page, pages, status);
	if (likely(!ret))
		make_segment(segments, page, pages);
unlock:
	spin_unlock_irqrestore(&token->lock, flags);
	return status;
}

/**
 * v3c_token_unmap() - unmap a segment
 * @token: the token
 * @page: first page of the segment, from the start of the token
 * @pages: length of the segment
 * @why: filled on refusal
 *
 * Frees nothing.
 *
 * Context: any up to softirq, with spinlocks held.
 * Return: status of UnmapReservedLogicalRange, see wdm.h.
 */
NTSTATUS v3c_token_unmap(struct v3c_token *token, u64 page, u64 pages, struct v3c_why *why)
{
	struct v3c_segments *segments;
	NTSTATUS status = STATUS_SUCCESS;
	unsigned long flags;
	u8 slots;

	spin_lock_irqsave(&token->lock, flags);
	segments = token->segments;
	if (unlikely(!v3c_handle_is(token, V3C_KIND_TOKEN) ||
		     !take_segment(segments, page, pages))) {
		status = v3c_refuse(why, STATUS_INVALID_PARAMETER, V3C_REASON_NOT_MAPPED, token,
				    page << V3C_PAGE_SHIFT,
				    ((page + pages) << V3C_PAGE_SHIFT) - 1);
		goto unlock;
	}
	if (unlikely(token->locked)) {
		unmap_locked(token, page, pages);
	} else {
		slots = token->slots;
		token->inflight++;
		spin_unlock_irqrestore(&token->lock, flags);
		unmap_slots(token, slots, page, pages);
		spin_lock_irqsave(&token->lock, flags);
		finish_token_op(token);
	}
	trace_v3compat_unmap_reserved(token->domain, segments->first + page, pages, status);
	give_pages(segments, page, pages);
unlock:
	spin_unlock_irqrestore(&token->lock, flags);
	return status;
}

static int fill_step(struct v3c_token *token)
{
	u64 pages;
	int ret;

	guard(spinlock_irqsave)(&token->lock);
	ret = copy_piece(token, token->filled, token->segments->pages, &pages);
	if (!ret)
		token->filled += pages;
	return ret;
}

static int fill_token(struct v3c_token *token, struct v3c_hwpt *hwpt)
{
	unsigned int tries = 0;
	int ret;

	ret = v3c_hwpt_build_tables(hwpt, token->segments->first, token->segments->first + token->segments->pages - 1);
	if (ret)
		return ret;
	lock_token(token);
	scoped_guard(spinlock_irqsave, &token->lock) {
		token->filled = 0;
		token->filling = BIT(hwpt->slot);
	}
	/* Only this thread moves @filled. */
	while (READ_ONCE(token->filled) < token->segments->pages) {
		ret = fill_step(token);
		if (ret == -ENOMEM)
			ret = v3c_replay_refill(&tries);
		else
			tries = 0;
		if (ret)
			break;
		cond_resched();
	}
	unlock_token(token, ret ? 0 : BIT(hwpt->slot), 0);
	return ret;
}

/* Tables and live segments of every token, for a page table that joins its domain. */
int v3c_tokens_replay(struct v3c_domain *domain, struct v3c_hwpt *hwpt)
{
	struct v3c_token *token;
	int ret;

	lockdep_assert_held(&domain->mutex);

	list_for_each_entry(token, &domain->tokens, entry) {
		ret = fill_token(token, hwpt);
		if (ret)
			return ret;
	}
	return 0;
}

/* On return no token's operation works on @slot any more. */
void v3c_tokens_forget(struct v3c_domain *domain, u8 slot)
{
	struct v3c_token *token;

	lockdep_assert_held(&domain->mutex);

	list_for_each_entry(token, &domain->tokens, entry) {
		lock_token(token);
		unlock_token(token, 0, BIT(slot));
	}
}

/* At module exit: what its owner forgot. */
void v3c_tokens_reclaim(struct v3c_domain *domain)
{
	struct v3c_token *token, *next;

	guard(mutex)(&domain->mutex);
	list_for_each_entry_safe(token, next, &domain->tokens, entry) {
		pr_warn("token %u of domain %u was leaked: %llu bytes at %#llx\n",
			token->handle.serial, domain->handle.serial,
			token->segments->pages << V3C_PAGE_SHIFT,
			token->segments->first << V3C_PAGE_SHIFT);
		close_token(token, true);
		free_token(domain, token);
	}
}
