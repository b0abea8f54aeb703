// SPDX-License-Identifier: GPL-2.0
/*
 * Reservations: v3c_token_create() does what can fail for lack of memory: it gives each page a cell
 * (V3C_CELL_UNUSED), and page tables their tables. After that v3c_token_map() makes ranges of the
 * cells and fills leaves of tables that are there, in pieces that want no other table, and
 * v3c_token_unmap() clears them in pieces that give none up.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <kunit/visibility.h>
#include <linux/export.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "base/context.h"
#include "base/trace.h"
#include "core/check.h"
#include "core/domain.h"
#include "core/held.h"
#include "core/place.h"
#include "core/reserve.h"
#include "table/gate.h"
#include "table/pins.h"

struct v3c_pool v3c_token_pool =
	V3C_POOL(v3c_token_pool, V3C_KIND_TOKEN, struct v3c_token, "token", NULL);

/*
 * V3C_BUILD_PAGES bounds what is done about a reservation's tables at a time, because nobody else
 * can change the set of page tables meanwhile.
 */
#define V3C_BUILD_PAGES		(64 * V3C_TABLE_PAGES)

static u64 first_of(const struct v3c_token *token)
{
	return token->segments->first;
}

/*
 * build_some() builds some of the tables that a page table has not got yet, for pages that have
 * cells. Attaches change the set of page tables between two such steps: one that joins is built,
 * too, and one that leaves takes its tables along.
 *
 * Return: 1 when all of them have all tables, 0 when there is more to do, or an errno.
 */
static int build_some(struct v3c_domain *domain, struct v3c_token *token)
{
	u8 missing = domain->space.slots & ~token->slots;
	u64 pages = token->segments->pages, built;
	struct v3c_hwpt *hwpt;
	int ret;

	lockdep_assert_held(&domain->mutex);

	if (!missing)
		return token->celled == pages;
	if (token->partial == V3C_MAX_SLOTS) {
		token->partial = __ffs(missing);
		token->built = 0;
	}
	if (token->built == token->celled)
		return 0;
	hwpt = domain->hwpts[token->partial];
	ret = v3c_hwpt_build_tables(
		hwpt, first_of(token) + token->built,
		first_of(token) + min(token->celled, token->built + V3C_BUILD_PAGES) - 1, &built);
	token->built += built;
	if (ret)
		return ret;
	if (token->built == pages) {
		token->slots |= BIT(token->partial);
		token->partial = V3C_MAX_SLOTS;
	}
	return 0;
}

/* unbuild_some() gives some of the token's tables back, from the end. False when none is left. */
static bool unbuild_some(struct v3c_domain *domain, struct v3c_token *token, bool *lost)
{
	u64 first = first_of(token), last, start;
	struct v3c_hwpt *hwpt;

	lockdep_assert_held(&domain->mutex);

	if (token->partial == V3C_MAX_SLOTS) {
		if (!token->slots)
			return false;
		token->partial = __ffs(token->slots);
		token->slots &= ~BIT(token->partial);
		token->built = token->segments->pages;
	}
	hwpt = domain->hwpts[token->partial];
	/* rules.allocates: each map takes memory of its own, so no tables were built. */
	if (hwpt->rules.allocates)
		token->built = 0;
	if (token->built) {
		last = first + token->built - 1;
		start = max(first, round_down(last, V3C_TABLES_STEP));
		if (v3c_hwpt_free_tables(hwpt, start, last, GFP_KERNEL | __GFP_NOWARN) == -EUCLEAN)
			*lost = true;
		token->built = start - first;
	}
	if (!token->built)
		token->partial = V3C_MAX_SLOTS;
	return true;
}

/* enlist_token(): nobody can use @token yet, but attaches and deletes find it in the list. */
static void enlist_token(struct v3c_token *token, struct v3c_domain *domain,
			 struct v3c_segments *segments, bool pinned)
{
	lockdep_assert_held(&domain->mutex);

	WRITE_ONCE(token->domain, domain);
	WRITE_ONCE(token->segments, segments);
	token->quick = NULL;
	token->open = false;
	token->closing = false;
	token->pinned = pinned;
	token->slots = 0;
	token->partial = V3C_MAX_SLOTS;
	token->celled = 0;
	list_add(&token->entry, &domain->tokens);
}

static void publish_token(struct v3c_token *token)
{
	struct v3c_segments *segments = token->segments;

	lockdep_assert_held(&token->domain->mutex);

	WRITE_ONCE(token->open, true);
	token->handle.shown[0] = segments->first << V3C_PAGE_SHIFT;
	token->handle.shown[1] = segments->pages << V3C_PAGE_SHIFT;
	/* smp_store_release(): a reader of @quick must see what is in the segments. */
	smp_store_release(&token->quick, token->pinned ? NULL : segments);
	v3c_handle_publish(&v3c_token_pool, &token->handle);
}

static struct v3c_segments *alloc_segments(struct v3c_domain *domain, u64 first, u64 pages)
{
	u64 lead = first & (V3C_LEAF_CELLS - 1);
	u64 leaves = DIV_ROUND_UP_ULL(lead + pages, V3C_LEAF_CELLS);
	struct v3c_segments *segments;

	segments = kvzalloc(struct_size(segments, leaf, leaves),
			    GFP_KERNEL | __GFP_RETRY_MAYFAIL | __GFP_NOWARN |
			    domain->space.account);
	if (!segments)
		return NULL;
	segments->domain = domain;
	segments->first = first;
	segments->pages = pages;
	segments->base = first << V3C_PAGE_SHIFT;
	segments->size = pages << V3C_PAGE_SHIFT;
	segments->lead = lead << V3C_PAGE_SHIFT;
	return segments;
}

/*
 * take_apart() frees a @token that nobody can use, or find, and whose pages are mapped nowhere or
 * lost. If some are @lost its addresses stay out of use.
 */
static void take_apart(struct v3c_domain *domain, struct v3c_token *token, bool published,
		       bool lost)
{
	struct v3c_segments *segments = token->segments;
	bool more = true;

	while (more) {
		scoped_guard(mutex, &domain->mutex)
			more = unbuild_some(domain, token, &lost);
		cond_resched();
	}
	if (lost)
		v3c_space_lose_reserved(&domain->space, segments->first);
	else
		v3c_space_unreserve(&domain->space, segments->first,
				    segments->first + segments->pages - 1);
	scoped_guard(mutex, &domain->mutex) {
		list_del(&token->entry);
		WRITE_ONCE(token->segments, NULL);
		v3c_handle_free(&v3c_token_pool, &token->handle);
	}
	/* @published: a quick operation may still look where the cells are. */
	if (published)
		kvfree_rcu(segments, rcu);
	else
		kvfree(segments);
}

/* begin_token() gets addresses for a token; build_token() does the rest. */
static enum v3c_reason begin_token(struct v3c_domain *domain, u64 pages,
				   const struct v3c_place *place, bool pinned,
				   struct v3c_token **out, struct v3c_why *why)
{
	struct v3c_segments *segments;
	struct v3c_token *token;
	enum v3c_reason reason;
	u64 first;
	int ret;

	lockdep_assert_held(&domain->mutex);

	if (!v3c_handle_is(domain, V3C_KIND_DOMAIN))
		return v3c_refuse(why, V3C_REASON_BAD_HANDLE, V3C_PARAM_DOMAIN, NULL, 0, 0);
	if (!v3c_domain_is_mapped_by_us(domain) || (pinned && !domain->space.account))
		return v3c_refuse(why, V3C_REASON_WRONG_TYPE, V3C_PARAM_DOMAIN, domain,
				  domain->type, 0);
	reason = v3c_place_check(domain, place, why);
	if (reason)
		return reason;

	/*
	 * v3c_place_reserve() first, because it is cheap and knows whether so many pages make
	 * sense. The domain's mutex stands in for an operation.
	 */
	ret = v3c_place_reserve(domain, place, pages, GFP_KERNEL | domain->space.account, &first);
	if (ret)
		return v3c_place_refuse(ret, place, pages, why);
	segments = alloc_segments(domain, first, pages);
	token = segments ? v3c_handle_alloc(&v3c_token_pool, domain->handle.owner) : NULL;
	if (token) {
		enlist_token(token, domain, segments, pinned);
		*out = token;
		return 0;
	}
	v3c_space_unreserve(&domain->space, first, first + pages - 1);
	kvfree(segments);
	return v3c_refuse_errno(why, -ENOMEM, V3C_PARAM_SIZE, domain, first << V3C_PAGE_SHIFT,
				((first + pages) << V3C_PAGE_SHIFT) - 1);
}

/*
 * build_cells() gives some of the pages of a new @token cells of their own: not many more than have
 * tables, because the token may be refused for want of memory.
 */
static int build_cells(struct v3c_domain *domain, struct v3c_token *token)
{
	const gfp_t gfp = GFP_KERNEL | __GFP_RETRY_MAYFAIL | __GFP_NOWARN;
	struct v3c_segments *segments = token->segments;
	u64 step = clamp(token->celled / 8, V3C_TABLE_PAGES, V3C_BUILD_PAGES), page;
	u64 end = min(segments->pages, token->celled + step);
	int ret;

	while (token->celled < end) {
		page = segments->first + token->celled;
		ret = v3c_cells_to_bytes(&domain->space, page, gfp);
		if (ret)
			return ret;
		*v3c_segment_leaf(segments, token->celled) = v3c_cells_leaf(&domain->space, page);
		token->celled = min(segments->pages,
				    (page | (V3C_LEAF_CELLS - 1)) + 1 - segments->first);
	}
	return 0;
}

/* build_token() works in steps, between which others may attach, detach and reserve. */
static int build_token(struct v3c_domain *domain, struct v3c_token *token)
{
	int ret;

	for (;;) {
		ret = build_cells(domain, token);
		if (ret)
			return ret;
		scoped_guard(mutex, &domain->mutex) {
			ret = build_some(domain, token);
			if (ret > 0)
				publish_token(token);
		}
		if (ret)
			return min(ret, 0);
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
}

static enum v3c_reason create_token(struct v3c_domain *domain, u64 pages,
				    const struct v3c_place *place, bool pinned,
				    struct v3c_token **out, struct v3c_why *why)
{
	struct v3c_token *token;
	enum v3c_reason reason;
	u64 first;
	int ret;

	if (v3c_handle_lock(domain, &domain->mutex))
		return v3c_refuse_errno(why, -EINTR, V3C_PARAM_NONE, domain, 0, 0);
	reason = begin_token(domain, pages, place, pinned, &token, why);
	mutex_unlock(&domain->mutex);
	if (reason)
		return reason;
	first = first_of(token) << V3C_PAGE_SHIFT;
	/*
	 * Quick operations on a reservation that had the pages before are waited for, because a map
	 * holds a page for a moment, which who maps it in this one would find in use; and because
	 * an unmap does not look whose the page is that it finds mapped.
	 */
	cond_synchronize_rcu_expedited(READ_ONCE(domain->space.given_up));
	ret = build_token(domain, token);
	if (!ret) {
		*out = token;
		return 0;
	}
	take_apart(domain, token, false, ret == -EUCLEAN);
	return v3c_refuse_errno(why, ret, V3C_PARAM_SIZE, domain, first,
				first + (pages << V3C_PAGE_SHIFT) - 1);
}

/**
 * v3c_token_create() - reserve logical addresses and every table below them
 * @domain: the domain
 * @pages: length
 * @place: where
 * @pinned: its segments may keep payloads; only in a domain with an account
 * @out: result
 * @why: filled on refusal
 *
 * Context: may sleep; without the domain's mutex, which is taken for a bounded time at a time.
 * Return: 0 or a reason, see ReserveLogicalAddressRange in contract.h; %V3C_REASON_KILLED leaves
 * nothing reserved; %V3C_REASON_WRONG_TYPE also if payloads cannot be kept.
 */
enum v3c_reason v3c_token_create(struct v3c_domain *domain, u64 pages,
				 const struct v3c_place *place, bool pinned,
				 struct v3c_token **out, struct v3c_why *why)
{
	enum v3c_reason reason = create_token(domain, pages, place, pinned, out, why);

	trace_v3compat_reserve(domain, !reason ? (*out)->handle.shown[0] >> V3C_PAGE_SHIFT :
			       0, pages, reason);
	return reason;
}
EXPORT_SYMBOL_IF_KUNIT(v3c_token_create);

/* set_open(): maps may start, or with @open false none starts any more. */
static void set_open(struct v3c_token *token, bool open)
{
	lockdep_assert_held(&token->domain->mutex);

	WRITE_ONCE(token->open, open);
	WRITE_ONCE(token->quick, open && !token->pinned ? token->segments : NULL);
}

/* uses_of() is v3c_space_uses() of @token. It passes over leaves in which nothing is used. */
static u8 uses_of(struct v3c_token *token)
{
	struct v3c_segments *segments = token->segments;
	u64 page, end, at;

	for (page = 0; page < segments->pages; page = end) {
		at = segments->first + page;
		end = min(segments->pages, (at | (V3C_LEAF_CELLS - 1)) + 1 - segments->first);
		if (memchr_inv(v3c_segment_cell(segments, page << V3C_PAGE_SHIFT), V3C_CELL_UNUSED,
			       end - page))
			return v3c_space_uses(&token->domain->space, at,
					      segments->first + segments->pages - 1);
		cond_resched();
	}
	return 0;
}

static enum v3c_reason token_in_use(struct v3c_token *token, struct v3c_why *why)
{
	u64 first = first_of(token), pages = token->segments->pages;

	trace_v3compat_release(token->domain, first, pages, V3C_REASON_IN_USE);
	return v3c_refuse(why, V3C_REASON_IN_USE, V3C_PARAM_TOKEN, token, pages, 0);
}

/* begin_close() refuses a token in which something is mapped: it stays open all the time. */
static enum v3c_reason begin_close(struct v3c_domain *domain, struct v3c_token *token,
				   struct v3c_why *why)
{
	lockdep_assert_held(&domain->mutex);

	if (!v3c_handle_is(token, V3C_KIND_TOKEN) || token->domain != domain)
		return v3c_refuse(why, V3C_REASON_BAD_HANDLE, V3C_PARAM_TOKEN, NULL, 0, 0);
	if (token->closing || uses_of(token) & V3C_USE_LIVE)
		return token_in_use(token, why);
	token->closing = true;
	set_open(token, false);
	return 0;
}

/*
 * wait_for_users() waits for operations that have started, because a page may be held in passing,
 * in the hands of one that fails. A quick operation takes its page first and looks then whether
 * @token->quick is still there for it. Returns what is left in @token.
 */
static u8 wait_for_users(struct v3c_token *token)
{
	u8 uses;

	v3c_gate_drain(&token->domain->space);
	/* Pairs with the try_cmpxchg() of v3c_row_claim(). */
	smp_mb();
	uses = uses_of(token);
	if (!(uses & V3C_USE_HELD))
		return uses;
	synchronize_rcu_expedited();
	return uses_of(token);
}

/* end_close(): on success nobody but the caller takes @token apart. */
static enum v3c_reason end_close(struct v3c_domain *domain, struct v3c_token *token, u8 uses,
				 struct v3c_why *why)
{
	guard(mutex)(&domain->mutex);
	token->closing = false;
	if (!(uses & (V3C_USE_LIVE | V3C_USE_HELD))) {
		v3c_handle_retire(&token->handle);
		WRITE_ONCE(domain->space.given_up, get_state_synchronize_rcu());
		return 0;
	}
	set_open(token, true);
	return token_in_use(token, why);
}

/**
 * v3c_token_destroy() - give a reservation back
 * @token: the token
 * @why: filled on refusal
 *
 * Context: may sleep.
 * Return: 0, %V3C_REASON_BAD_HANDLE or %V3C_REASON_IN_USE; or %V3C_REASON_KILLED with nothing
 * changed.
 */
enum v3c_reason v3c_token_destroy(struct v3c_token *token, struct v3c_why *why)
{
	/*
	 * @domain is one, or was, because a domain's memory stays a domain: at worst begin_close()
	 * takes the mutex of another one.
	 */
	struct v3c_domain *domain = READ_ONCE(token->domain);
	enum v3c_reason reason;
	u64 first, pages;
	u8 uses;

	if (v3c_handle_lock(token, &domain->mutex))
		return v3c_refuse_errno(why, -EINTR, V3C_PARAM_NONE, token, 0, 0);
	reason = begin_close(domain, token, why);
	mutex_unlock(&domain->mutex);
	if (reason)
		return reason;
	uses = wait_for_users(token);
	reason = end_close(domain, token, uses, why);
	if (reason)
		return reason;
	first = first_of(token);
	pages = token->segments->pages;
	/*
	 * Operations that found @token just before are waited for, because its pages are free for
	 * others soon; quick ones by v3c_cells_give_up(), and by create_token() if the pages are
	 * reserved again.
	 */
	v3c_gate_drain(&domain->space);
	take_apart(domain, token, true, uses & V3C_USE_LOST);
	trace_v3compat_release(domain, first, pages, 0);
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(v3c_token_destroy);

/*
 * begin_op() starts an operation on @token, which stays until v3c_gate_end(). False if it is dead.
 * Its memory is that of some token all the same, whose domain's memory is that of some domain.
 */
static bool begin_op(struct v3c_token *token, struct v3c_held *held)
{
	struct v3c_domain *domain = READ_ONCE(token->domain);

	held->domain = domain;
	held->kind = V3C_RANGE_TOKEN;
	if (unlikely(v3c_gate_enter(&domain->space, &held->op)))
		return false;
	if (likely(v3c_handle_is(token, V3C_KIND_TOKEN) && READ_ONCE(token->domain) == domain &&
		   READ_ONCE(token->segments)))
		return true;
	v3c_gate_end(&domain->space, &held->op);
	return false;
}

static enum v3c_reason check_map(struct v3c_token *token, const struct v3c_segments *segments,
				 u64 page, u64 pages, struct v3c_why *why)
{
	if (unlikely(page >= segments->pages))
		return v3c_refuse(why, V3C_REASON_BEYOND_APERTURE, V3C_PARAM_OFFSET, token,
				  page << V3C_PAGE_SHIFT, ((page + 1) << V3C_PAGE_SHIFT) - 1);
	if (unlikely(pages > segments->pages - page))
		return v3c_refuse(why, V3C_REASON_BEYOND_APERTURE, V3C_PARAM_PHYS, token,
				  page << V3C_PAGE_SHIFT, ((page + pages) << V3C_PAGE_SHIFT) - 1);
	if (unlikely(!READ_ONCE(token->open)))
		return v3c_refuse(why, V3C_REASON_CLOSING, V3C_PARAM_TOKEN, token, 0, 0);
	return 0;
}

/* map_segment(): @pin is NULL, or its payload is NULL afterwards where it is kept. */
static enum v3c_reason map_segment(struct v3c_token *token, struct v3c_held *held, u64 page,
				   int prot, const struct v3c_phys *phys, struct v3c_pin *pin,
				   struct v3c_why *why)
{
	const struct v3c_traits like = {
		.kind = V3C_RANGE_TOKEN, .prot = prot, .contiguous = v3c_phys_is_contiguous(phys),
	};
	struct v3c_space *space = &held->domain->space;
	u64 pages = phys->pages, first = page << V3C_PAGE_SHIFT;
	u64 last = first + (pages << V3C_PAGE_SHIFT) - 1;
	enum v3c_reason reason = check_map(token, token->segments, page, pages, why);
	int ret;

	if (unlikely(reason))
		return reason;
	if (pin && !token->pinned)
		return v3c_refuse(why, V3C_REASON_WRONG_TYPE, V3C_PARAM_TOKEN, token, 0, 0);
	reason = v3c_check_work(phys, why);
	if (unlikely(reason))
		return reason;
	held->first = first_of(token) + page;
	held->last = held->first + pages - 1;
	ret = v3c_space_claim(space, held->first, held->last, like, 0, &held->head);
	if (unlikely(ret))
		return v3c_refuse(why, V3C_REASON_OVERLAP, V3C_PARAM_OFFSET, token, first, last);
	v3c_gate_look(space, &held->op, held->first, held->last);
	ret = v3c_held_map(held, phys, prot, pin, v3c_gfp() | space->account);
	if (unlikely(ret))
		return v3c_refuse_errno(why, ret, V3C_PARAM_PHYS, token, first, last);
	v3c_space_commit(space, held->first, prot, &held->head);
	return 0;
}

static enum v3c_reason map_reserved(struct v3c_token *token, u64 page, int prot,
				    const struct v3c_phys *phys, struct v3c_pin *pin,
				    struct v3c_why *why)
{
	struct v3c_held held;
	enum v3c_reason reason;

	if (unlikely(!begin_op(token, &held)))
		return v3c_refuse(why, V3C_REASON_BAD_HANDLE, V3C_PARAM_TOKEN, NULL, 0, 0);
	reason = map_segment(token, &held, page, prot, phys, pin, why);
	trace_v3compat_map_reserved(held.domain, first_of(token) + page, phys->pages, reason);
	v3c_gate_end(&held.domain->space, &held.op);
	return reason;
}

/**
 * v3c_token_map() - map a segment of a reservation
 * @token: the token
 * @page: first page, from the start of the token
 * @prot: IOMMU_READ and IOMMU_WRITE
 * @phys: what to map
 * @why: filled on refusal
 *
 * Allocates nothing, unless the IOMMU driver does for every map.
 *
 * Context: any up to softirq, with spinlocks held.
 * Return: 0 or a reason, see MapReservedLogicalRange in contract.h.
 */
enum v3c_reason v3c_token_map(struct v3c_token *token, u64 page, int prot,
			      const struct v3c_phys *phys, struct v3c_why *why)
{
	return map_reserved(token, page, prot, phys, NULL, why);
}

/**
 * v3c_token_map_pinned() - v3c_token_map() of memory that the segment keeps
 * @token: the token, made with @pinned
 * @page: first page, from the start of the token
 * @prot: IOMMU_READ and IOMMU_WRITE
 * @phys: what to map
 * @pin: its payload; given back before a refusal is returned, unless the IOMMU driver kept pages
 * @why: filled on refusal
 *
 * Needs memory to keep the payload.
 *
 * Context: as v3c_token_map().
 * Return: as v3c_token_map(); %V3C_REASON_WRONG_TYPE for a token made without @pinned.
 */
enum v3c_reason v3c_token_map_pinned(struct v3c_token *token, u64 page, int prot,
				     const struct v3c_phys *phys, struct v3c_pin pin,
				     struct v3c_why *why)
{
	enum v3c_reason reason = map_reserved(token, page, prot, phys, &pin, why);

	if (pin.payload)
		v3c_pin_release(pin, phys->pages);
	return reason;
}
EXPORT_SYMBOL_IF_KUNIT(v3c_token_map_pinned);

/* unmap_segment(): @released is NULL, or gets the payload of what was unmapped. */
static int unmap_segment(struct v3c_token *token, struct v3c_held *held, u64 page, u64 pages,
			 struct v3c_released *released)
{
	struct v3c_space *space = &held->domain->space;
	int ret;

	if (unlikely(page >= token->segments->pages || !pages ||
		     pages > token->segments->pages - page))
		return -ENOENT;
	held->first = first_of(token) + page;
	held->last = held->first + pages - 1;
	ret = v3c_space_hold(space, held->first, held->last, V3C_RANGE_TOKEN, released,
			     &held->head);
	if (unlikely(ret))
		return ret;
	v3c_gate_look(space, &held->op, held->first, held->last);
	ret = v3c_held_unmap(held, released);
	trace_v3compat_unmap_reserved(held->domain, held->first, pages,
				      ret ? V3C_REASON_SHORT_UNMAP : 0);
	return ret;
}

static enum v3c_reason unmap_reserved(struct v3c_token *token, u64 page, u64 pages,
				      struct v3c_released *released, struct v3c_why *why)
{
	u64 first = page << V3C_PAGE_SHIFT, last = first + V3C_PAGE_SIZE - 1;
	struct v3c_held held;
	int ret = -ENOENT;

	if (likely(begin_op(token, &held))) {
		ret = unmap_segment(token, &held, page, pages, released);
		v3c_gate_end(&held.domain->space, &held.op);
	}
	if (likely(!ret))
		return 0;
	if (ret == -EUCLEAN)
		return v3c_refuse(why, V3C_REASON_SHORT_UNMAP, V3C_PARAM_TOKEN, token, first,
				  first + (pages << V3C_PAGE_SHIFT) - 1);
	return v3c_refuse(why, V3C_REASON_NOT_MAPPED, V3C_PARAM_TOKEN, token, first, last);
}

/**
 * v3c_token_unmap() - unmap a segment
 * @token: the token
 * @page: first page of the segment, from the start of the token
 * @pages: length of the segment
 * @why: filled on refusal
 *
 * Frees nothing. A segment with a payload is not mapped for it.
 *
 * Context: any up to softirq, with spinlocks held.
 * Return: 0; %V3C_REASON_NOT_MAPPED, also when the token is dead; or %V3C_REASON_SHORT_UNMAP.
 */
enum v3c_reason v3c_token_unmap(struct v3c_token *token, u64 page, u64 pages, struct v3c_why *why)
{
	return unmap_reserved(token, page, pages, NULL, why);
}

/**
 * v3c_token_unmap_pinned() - v3c_token_unmap() of a segment that may keep a payload
 * @token: the token, made with @pinned
 * @page: first page of the segment, from the start of the token
 * @pages: length of the segment
 * @why: filled on refusal
 *
 * Context: as v3c_token_unmap(), and as the payload wants.
 * Return: as v3c_token_unmap().
 */
enum v3c_reason v3c_token_unmap_pinned(struct v3c_token *token, u64 page, u64 pages,
				       struct v3c_why *why)
{
	struct v3c_released released = {};
	enum v3c_reason reason = unmap_reserved(token, page, pages, &released, why);

	v3c_released_give(&released, false);
	return reason;
}
EXPORT_SYMBOL_IF_KUNIT(v3c_token_unmap_pinned);

/* build_all() ends for a killed caller: a large token keeps everybody from attaching for long. */
static int build_all(struct v3c_token *token, struct v3c_hwpt *hwpt)
{
	u64 first = first_of(token), pages = token->segments->pages, page, built;
	int ret = 0;

	for (page = 0; !ret && page < pages; page += V3C_BUILD_PAGES) {
		if (fatal_signal_pending(current))
			return -EINTR;
		ret = v3c_hwpt_build_tables(hwpt, first + page,
					    first + min(pages, page + V3C_BUILD_PAGES) - 1, &built);
		cond_resched();
	}
	return ret;
}

/*
 * v3c_tokens_build() gives @hwpt, which joins the domain, the tables of every token. A token that
 * is not published, or not any more, is left out: whoever builds it sees to the new table, too, and
 * one that is taken apart has nothing in it.
 */
int v3c_tokens_build(struct v3c_domain *domain, struct v3c_hwpt *hwpt)
{
	struct v3c_token *token;
	int ret;

	lockdep_assert_held(&domain->mutex);

	list_for_each_entry(token, &domain->tokens, entry) {
		if (!v3c_handle_is(token, V3C_KIND_TOKEN))
			continue;
		ret = build_all(token, hwpt);
		if (ret)
			return ret;
		token->slots |= BIT(hwpt->slot);
	}
	return 0;
}

/* v3c_tokens_forget(): @slot is not in use any more, and no operation works on it. */
void v3c_tokens_forget(struct v3c_domain *domain, u8 slot)
{
	struct v3c_token *token;

	lockdep_assert_held(&domain->mutex);

	list_for_each_entry(token, &domain->tokens, entry) {
		token->slots &= ~BIT(slot);
		if (token->partial == slot)
			token->partial = V3C_MAX_SLOTS;
	}
}

/*
 * v3c_tokens_reclaim() frees the tokens of @domain that their owner left; @loud names each in the
 * log.
 */
void v3c_tokens_reclaim(struct v3c_domain *domain, bool loud)
{
	struct v3c_token *token, *next;

	list_for_each_entry_safe(token, next, &domain->tokens, entry) {
		if (loud)
			pr_warn("token %u of domain %u was leaked: %llu bytes at %#llx\n",
				token->handle.serial, domain->handle.serial,
				token->segments->pages << V3C_PAGE_SHIFT,
				token->segments->first << V3C_PAGE_SHIFT);
		v3c_handle_retire(&token->handle);
		/* @slots is cleared, because the tables and all in them go with the domain. */
		scoped_guard(mutex, &domain->mutex) {
			set_open(token, false);
			token->slots = 0;
		}
		take_apart(domain, token, true, true);
	}
}
