// SPDX-License-Identifier: GPL-2.0
/*
 * Reservations: v3c_token_create() does what can fail for lack of memory. After that
 * v3c_token_map() fills leaves of tables that are there, in pieces that want no other table, and
 * v3c_token_unmap() clears them in pieces that give none up. All bookkeeping is a byte per page,
 * see V3C_SEGMENT_BUSY.
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
#include "base/refill.h"
#include "base/trace.h"
#include "core/domain.h"
#include "core/place.h"
#include "core/reserve.h"

static_assert(V3C_SEGMENT_READ == IOMMU_READ && V3C_SEGMENT_WRITE == IOMMU_WRITE);

static void token_init_once(void *object)
{
	struct v3c_token *token = object;

	spin_lock_init(&token->lock);
	init_waitqueue_head(&token->idle);
}

struct v3c_pool v3c_token_pool =
	V3C_POOL(v3c_token_pool, V3C_KIND_TOKEN, struct v3c_token, "token", token_init_once);

/*
 * V3C_BUILD_PAGES bounds what is done about a reservation's tables at a time, because nobody else
 * can change the set of page tables meanwhile.
 */
#define V3C_BUILD_PAGES		(64 * V3C_TABLE_PAGES)

static bool has_inflight(struct v3c_token *token)
{
	guard(spinlock_irqsave)(&token->lock);
	return token->inflight;
}

static bool has_users(struct v3c_token *token)
{
	guard(spinlock_irqsave)(&token->lock);
	return token->users;
}

/*
 * lock_token(): from here to unlock_token() operations look under @token->lock which tables there
 * are, each time before they do a bounded part of their work, and none works on tables that it saw
 * before.
 */
static void lock_token(struct v3c_token *token)
{
	lockdep_assert_held(&token->domain->mutex);

	scoped_guard(spinlock_irqsave, &token->lock)
		token->locked = true;
	wait_event(token->idle, !has_inflight(token));
}

static void unlock_token(struct v3c_token *token, u8 add, u8 remove)
{
	lockdep_assert_held(&token->domain->mutex);

	guard(spinlock_irqsave)(&token->lock);
	token->slots = (token->slots | add) & ~remove;
	token->filling = 0;
	token->locked = false;
}

/* release_space() gives the token's addresses back; tables are the caller's business. */
static void release_space(struct v3c_domain *domain, u64 first, u64 pages, bool lost)
{
	struct v3c_op op;

	/* A V3C_RANGE_TOKEN is its token's alone; its release allocates nothing and cannot fail. */
	if (WARN_ON(v3c_space_release_begin(&domain->space, first, first + pages - 1,
					    V3C_RANGE_TOKEN, NULL, NULL, GFP_ATOMIC, &op)))
		return;
	if (lost)
		v3c_space_lose(&domain->space, &op);
	else
		v3c_space_release_end(&domain->space, &op);
}

static u64 first_of(const struct v3c_token *token)
{
	return token->segments->first;
}

/*
 * build_some() builds some of the tables that a page table has not got yet. Attaches change the set
 * of page tables between two such steps: one that joins is built, too, and one that leaves takes
 * its tables along.
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
		return 1;
	if (token->partial == V3C_MAX_SLOTS) {
		token->partial = __ffs(missing);
		token->built = 0;
	}
	hwpt = domain->hwpts[token->partial];
	ret = v3c_hwpt_build_tables(
		hwpt, first_of(token) + token->built,
		first_of(token) + min(pages, token->built + V3C_BUILD_PAGES) - 1, &built);
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
			 struct v3c_segments *segments)
{
	lockdep_assert_held(&domain->mutex);

	guard(spinlock_irqsave)(&token->lock);
	token->domain = domain;
	token->segments = segments;
	token->quick = NULL;
	token->open = false;
	token->closing = false;
	token->users = 0;
	token->inflight = 0;
	token->slots = 0;
	token->partial = V3C_MAX_SLOTS;
	token->filling = 0;
	token->locked = false;
	list_add(&token->entry, &domain->tokens);
}

static void publish_token(struct v3c_token *token)
{
	struct v3c_segments *segments = token->segments;

	lockdep_assert_held(&token->domain->mutex);

	scoped_guard(spinlock_irqsave, &token->lock) {
		token->open = true;
		token->handle.shown[0] = segments->first << V3C_PAGE_SHIFT;
		token->handle.shown[1] = segments->pages << V3C_PAGE_SHIFT;
		/* smp_store_release(): a reader of @quick must see what is in the segments. */
		smp_store_release(&token->quick, segments);
	}
	v3c_handle_publish(&v3c_token_pool, &token->handle);
}

static struct v3c_segments *alloc_segments(struct v3c_domain *domain, u64 first, u64 pages,
					   bool pinned)
{
	gfp_t gfp = GFP_KERNEL | __GFP_NOWARN | domain->space.account;
	struct v3c_segments *segments;

	segments = kvzalloc(struct_size(segments, state, pages), gfp);
	if (!segments)
		return NULL;
	if (pinned) {
		segments->pins = kvcalloc(pages, sizeof(*segments->pins), gfp);
		if (!segments->pins) {
			kvfree(segments);
			return NULL;
		}
	}
	segments->domain = domain;
	segments->first = first;
	segments->pages = pages;
	segments->base = first << V3C_PAGE_SHIFT;
	segments->size = pages << V3C_PAGE_SHIFT;
	return segments;
}

/* free_segments(): only those who have a page look at @segments->pins, and nobody has one. */
static void free_segments(struct v3c_segments *segments)
{
	kvfree(segments->pins);
	kvfree_rcu(segments, rcu);
}

/**
 * v3c_segments_give_kept() - give back what is left of payloads of reservations that are gone
 * @kept: was &v3c_domain.kept, or one of which no page is lost; no device reaches the pages
 *
 * Context: may sleep, no lock held.
 */
void v3c_segments_give_kept(struct v3c_segments *kept)
{
	struct v3c_segments *segments;
	u64 page;

	while ((segments = kept)) {
		kept = segments->next;
		/* A pin that is left here was overlooked by v3c_token_unmap(): see there. */
		for (page = 0; segments->pins && page < segments->pages; page++) {
			v3c_pin_release(segments->pins[page].pin, segments->pins[page].pages);
			cond_resched();
		}
		free_segments(segments);
	}
}

/*
 * take_apart() frees a @token that nobody can use, and whose pages are mapped nowhere or lost.
 * Payloads wait in &v3c_domain.kept for the end of the domain's page tables.
 */
static void take_apart(struct v3c_domain *domain, struct v3c_token *token, bool lost)
{
	struct v3c_segments *segments = token->segments;
	bool more = true, keep;

	scoped_guard(mutex, &domain->mutex)
		xa_erase(&domain->token_at, segments->first);
	while (more) {
		scoped_guard(mutex, &domain->mutex)
			more = unbuild_some(domain, token, &lost);
		cond_resched();
	}
	release_space(domain, segments->first, segments->pages, lost);
	keep = lost && segments->pins;
	scoped_guard(mutex, &domain->mutex) {
		list_del(&token->entry);
		scoped_guard(spinlock_irqsave, &token->lock)
			token->segments = NULL;
		v3c_handle_free(&v3c_token_pool, &token->handle);
		segments->next = keep ? domain->kept : NULL;
		if (keep)
			domain->kept = segments;
	}
	if (!keep)
		v3c_segments_give_kept(segments);
}

/* begin_token() gets addresses and memory for a token; build_token() builds its tables. */
static enum v3c_reason begin_token(struct v3c_domain *domain, u64 pages,
				   const struct v3c_place *place, bool pinned,
				   struct v3c_token **out, struct v3c_why *why)
{
	static const struct v3c_traits like = { .kind = V3C_RANGE_TOKEN };
	struct v3c_segments *segments;
	struct v3c_token *token;
	struct v3c_op op;
	enum v3c_reason reason;
	int ret;

	lockdep_assert_held(&domain->mutex);

	if (!v3c_handle_is(domain, V3C_KIND_DOMAIN))
		return v3c_refuse(why, V3C_REASON_BAD_HANDLE, V3C_PARAM_DOMAIN, NULL, 0, 0);
	if (!v3c_domain_is_mapped_by_us(domain))
		return v3c_refuse(why, V3C_REASON_WRONG_TYPE, V3C_PARAM_DOMAIN, domain,
				  domain->type, 0);
	reason = v3c_place_check(domain, place, why);
	if (reason)
		return reason;

	/*
	 * v3c_place_hold() first, because it is cheap and knows whether so many pages make sense.
	 */
	ret = v3c_place_hold(domain, place, pages, like, GFP_KERNEL | domain->space.account, &op);
	if (ret)
		return v3c_place_refuse(ret, place, pages, why);
	segments = alloc_segments(domain, op.first, pages, pinned);
	token = segments ? v3c_handle_alloc(&v3c_token_pool, domain->handle.owner) : NULL;
	if (!token || xa_err(xa_store(&domain->token_at, op.first, segments,
					GFP_KERNEL | domain->space.account)))
		goto no_memory;
	enlist_token(token, domain, segments);
	/* v3c_space_commit() now, so that nobody waits for the tables: the addresses are taken. */
	v3c_space_commit(&domain->space, &op);
	*out = token;
	return 0;

no_memory:
	reason = v3c_refuse_errno(why, -ENOMEM, V3C_PARAM_SIZE, domain, op.first << V3C_PAGE_SHIFT,
			 ((op.last + 1) << V3C_PAGE_SHIFT) - 1);
	v3c_space_abort(&domain->space, &op);
	if (token)
		v3c_handle_free(&v3c_token_pool, &token->handle);
	if (segments)
		free_segments(segments);
	return reason;
}

/* build_token() works in steps, between which others may attach, detach and reserve. */
static int build_token(struct v3c_domain *domain, struct v3c_token *token)
{
	int ret;

	for (;;) {
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
	ret = build_token(domain, token);
	if (!ret) {
		*out = token;
		return 0;
	}
	take_apart(domain, token, ret == -EUCLEAN);
	return v3c_refuse_errno(why, ret, V3C_PARAM_SIZE, domain, first,
				first + (pages << V3C_PAGE_SHIFT) - 1);
}

/**
 * v3c_token_create() - reserve logical addresses and every table below them
 * @domain: the domain
 * @pages: length
 * @place: where
 * @pinned: its segments may keep payloads, which takes 24 bytes per page; then it has at most
 *	INT_MAX / 24 pages
 * @out: result
 * @why: filled on refusal
 *
 * Context: may sleep; without the domain's mutex, which is taken for a bounded time at a time.
 * Return: 0 or a reason, see ReserveLogicalAddressRange in contract.h; %V3C_REASON_KILLED leaves
 * nothing reserved.
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

/* has_pages(): the state of some page has any of @bits. */
static bool has_pages(const struct v3c_segments *segments, u8 bits)
{
	const u8 *end = segments->state + segments->pages;
	const u8 *at = segments->state;

	for (; at < end && (at = memchr_inv(at, 0, end - at)); at++)
		if (READ_ONCE(*at) & bits)
			return true;
	return false;
}

/* has_live_pages() leaves out lost pages, which are neither mapped nor in any hands. */
static bool has_live_pages(const struct v3c_segments *segments)
{
	return has_pages(segments, U8_MAX ^ V3C_SEGMENT_LOST);
}

/* set_open(): maps may start, or with @open false none starts any more. */
static void set_open(struct v3c_token *token, bool open)
{
	guard(spinlock_irqsave)(&token->lock);
	token->open = open;
	WRITE_ONCE(token->quick, open ? token->segments : NULL);
}

/**
 * v3c_tokens_permissions() - how a logical page is mapped, if a reservation has it
 * @domain: whose
 * @first: first page of the reservation
 * @page: logical page
 *
 * A page in the hands of a map or unmap may count or not.
 *
 * Context: any.
 * Return: IOMMU_READ and IOMMU_WRITE, or 0.
 */
int v3c_tokens_permissions(struct v3c_domain *domain, u64 first, u64 page)
{
	const struct v3c_segments *segments;

	guard(rcu)();
	segments = xa_load(&domain->token_at, first);
	if (!segments || page < segments->first || page - segments->first >= segments->pages)
		return 0;
	return READ_ONCE(segments->state[page - segments->first]) &
	       (V3C_SEGMENT_READ | V3C_SEGMENT_WRITE);
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
	if (token->closing || has_pages(token->segments, V3C_SEGMENT_HEAD))
		return token_in_use(token, why);
	token->closing = true;
	set_open(token, false);
	return 0;
}

/*
 * wait_for_users() waits for operations that have started, because a page may be BUSY in passing,
 * in the hands of one that fails. A quick operation makes its page BUSY first and looks then
 * whether @token->quick is still there for it.
 */
static void wait_for_users(struct v3c_token *token)
{
	wait_event(token->idle, !has_users(token));
	/* Pairs with the try_cmpxchg() of v3c_quick_map_reserved(). */
	smp_mb();
	if (has_live_pages(token->segments))
		synchronize_rcu_expedited();
}

/* end_close(): on success nobody but the caller takes @token apart. */
static enum v3c_reason end_close(struct v3c_domain *domain, struct v3c_token *token,
				 struct v3c_why *why)
{
	guard(mutex)(&domain->mutex);
	token->closing = false;
	if (!has_live_pages(token->segments)) {
		v3c_handle_retire(&token->handle);
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

	if (v3c_handle_lock(token, &domain->mutex))
		return v3c_refuse_errno(why, -EINTR, V3C_PARAM_NONE, token, 0, 0);
	reason = begin_close(domain, token, why);
	mutex_unlock(&domain->mutex);
	if (reason)
		return reason;
	wait_for_users(token);
	reason = end_close(domain, token, why);
	if (reason)
		return reason;
	first = first_of(token);
	pages = token->segments->pages;
	take_apart(domain, token, has_pages(token->segments, V3C_SEGMENT_LOST));
	trace_v3compat_release(domain, first, pages, 0);
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(v3c_token_destroy);

/*
 * gfp_of(): a map must not wait for memory, because it may serve to free some. Where tables can be
 * built before, it needs none, and a table that is missing by mistake must not be built from
 * reserves; otherwise (rules.allocates) it may use these.
 */
static gfp_t gfp_of(const struct v3c_hwpt *hwpt)
{
	return hwpt->rules.allocates ? GFP_ATOMIC | __GFP_NOWARN | hwpt->account :
				       GFP_NOWAIT | __GFP_NOWARN;
}

static __always_inline int map_slots(struct v3c_token *token, u8 slots, u64 page,
				     const struct v3c_phys *phys, int prot)
{
	struct v3c_domain *domain = token->domain;
	struct v3c_hwpt *hwpt;
	u8 done = 0;
	int ret;

	v3c_for_each_hwpt(domain, hwpt, slots) {
		ret = v3c_hwpt_map(hwpt, first_of(token) + page, phys, prot, V3C_SPAN_PAGES,
				   gfp_of(hwpt));
		if (unlikely(ret))
			goto undo;
		done |= BIT(hwpt->slot);
	}
	return 0;
undo:
	v3c_for_each_hwpt(domain, hwpt, done)
		if (!v3c_hwpt_unmap_spans(hwpt, first_of(token) + page, phys->pages))
			ret = -EUCLEAN;
	return ret;
}

static __always_inline bool unmap_slots(struct v3c_token *token, u8 slots, u64 page, u64 pages)
{
	struct v3c_hwpt *hwpt;
	bool done = true;

	v3c_for_each_hwpt(token->domain, hwpt, slots)
		done &= v3c_hwpt_unmap_spans(hwpt, first_of(token) + page, pages);
	return done;
}

/*
 * span_left(): pages from @page on that share a span with it, which is as much as is done under the
 * lock at a time.
 */
static u64 span_left(const struct v3c_token *token, u64 page)
{
	return V3C_SPAN_PAGES - ((first_of(token) + page) & (V3C_SPAN_PAGES - 1));
}

/*
 * copy_piece() copies a few leaves of one run of one segment into the table being filled, or passes
 * over unmapped pages.
 */
static int copy_piece(struct v3c_token *token, u64 at, u64 *pages)
{
	const u8 rw = V3C_SEGMENT_READ | V3C_SEGMENT_WRITE;
	struct v3c_domain *domain = token->domain;
	struct v3c_hwpt *source = domain->hwpts[__ffs(token->slots & ~token->filling)];
	struct v3c_hwpt *target = domain->hwpts[__ffs(token->filling)];
	const u8 *state = token->segments->state;
	u64 end = min(token->segments->pages, at + span_left(token, at));
	u8 prot = state[at] & rw;
	u64 same, pfn;

	lockdep_assert_held(&token->lock);

	/*
	 * V3C_SEGMENT_TAIL ends the piece, because a leaf that neighbours share may be unmapped as
	 * a whole only, and segments are unmapped one by one.
	 */
	for (same = at + 1; same < end; same++)
		if ((state[same] & rw) != prot || (prot && (state[same - 1] & V3C_SEGMENT_TAIL)))
			break;
	*pages = same - at;
	if (!prot)
		return 0;
	*pages = v3c_hwpt_run(source, first_of(token) + at, *pages, false, &pfn);
	return v3c_hwpt_map_run(target, first_of(token) + at, pfn, *pages, prot, gfp_of(target));
}

/* mark_pages() marks pages of an operation as mapped in every table, or as not. */
static void mark_pages(struct v3c_segments *segments, u64 page, u64 pages, u8 value)
{
	memset(segments->state + page, value, pages);
}

/* map_part() maps a run within a span, in the tables there are now. @end is behind the segment. */
static int map_part(struct v3c_token *token, u64 page, u64 end, const struct v3c_run *run, int prot)
{
	struct v3c_phys phys = { .pfn = run->pfn, .pages = run->pages };
	struct v3c_phys filled = phys;
	int ret;

	guard(spinlock_irqsave)(&token->lock);
	ret = map_slots(token, token->slots, page, &phys, prot);
	if (!ret && token->filling && page < token->filled) {
		filled.pages = min(run->pages, token->filled - page);
		ret = map_slots(token, token->filling, page, &filled, prot);
		if (ret && !unmap_slots(token, token->slots, page, run->pages))
			ret = -EUCLEAN;
	}
	if (ret)
		return ret;
	mark_pages(token->segments, page, run->pages, V3C_SEGMENT_BUSY | prot);
	/* V3C_SEGMENT_TAIL keeps copy_piece() from joining the next segment to this one. */
	if (page + run->pages == end)
		token->segments->state[end - 1] |= V3C_SEGMENT_TAIL;
	return 0;
}

static bool unmap_part(struct v3c_token *token, u64 page, u64 pages)
{
	bool done;

	guard(spinlock_irqsave)(&token->lock);
	done = unmap_slots(token, token->slots, page, pages);
	if (token->filling && page < token->filled)
		done &= unmap_slots(token, token->filling, page, min(pages, token->filled - page));
	mark_pages(token->segments, page, pages, V3C_SEGMENT_BUSY);
	return done;
}

static bool unmap_parts(struct v3c_token *token, u64 page, u64 pages)
{
	u64 end = page + pages, part;
	bool done = true;

	for (; page < end; page += part) {
		part = min(end - page, span_left(token, page));
		done &= unmap_part(token, page, part);
	}
	return done;
}

static int map_parts(struct v3c_token *token, u64 page, struct v3c_phys phys, int prot)
{
	struct v3c_run run;
	u64 at = page;
	int ret = 0;

	while (!ret && v3c_phys_next(&phys, span_left(token, at), &run)) {
		ret = map_part(token, at, page + phys.pages, &run, prot);
		if (!ret)
			at += run.pages;
	}
	if (ret && !unmap_parts(token, page, at - page))
		ret = -EUCLEAN;
	return ret;
}

/* take_pages() makes pages BUSY, or none of them when one is in use. */
static __always_inline bool take_pages(struct v3c_segments *segments, u64 page, u64 pages, int prot)
{
	u64 at;

	for (at = page; at < page + pages; at++) {
		u8 unused = 0;

		if (unlikely(
			    !try_cmpxchg(&segments->state[at], &unused, V3C_SEGMENT_BUSY | prot))) {
			memset(segments->state + page, 0, at - page);
			return false;
		}
	}
	return true;
}

/* give_pages() hands pages on, with all that was done to them; nobody gets @lost ones. */
static __always_inline void give_pages(struct v3c_segments *segments, u64 page, u64 pages,
				       bool lost)
{
	/* Pairs with the try_cmpxchg() of take_pages() and of quick operations. */
	smp_wmb();
	memset(segments->state + page, lost ? V3C_SEGMENT_LOST : 0, pages);
}

static __always_inline void make_segment(struct v3c_segments *segments, u64 page, u64 pages)
{
	u8 *head = &segments->state[page], *tail = &segments->state[page + pages - 1];

	*tail |= V3C_SEGMENT_TAIL;
	v3c_segment_give(head, *head | V3C_SEGMENT_HEAD);
}

/* take_segment() takes the segment that starts at @page, if there is one, of @pages. */
static __always_inline bool take_segment(struct v3c_segments *segments, u64 page, u64 pages)
{
	u8 head, taken;
	u64 at = page;

	if (page >= segments->pages || !pages || pages > segments->pages - page)
		return false;
	head = READ_ONCE(segments->state[page]);
	if (!(head & V3C_SEGMENT_HEAD))
		return false;
	taken = head & ~V3C_SEGMENT_HEAD;
	if (!try_cmpxchg(&segments->state[page], &head, taken))
		return false;
	while (at < page + pages - 1 && !(segments->state[at] & V3C_SEGMENT_TAIL))
		at++;
	if (at == page + pages - 1 && (segments->state[at] & V3C_SEGMENT_TAIL))
		return true;
	v3c_segment_give(&segments->state[page], taken | V3C_SEGMENT_HEAD);
	return false;
}

/**
 * struct v3c_token_op - a map or an unmap under way
 * @segments: of the token, which stays until the end
 * @slots: page tables that it works on, unless @locked
 * @locked: it works under the token's lock, see &struct v3c_token
 */
struct v3c_token_op {
	struct v3c_segments *segments;
	u8 slots;
	bool locked;
};

/* begin_op() returns false when @token is dead. */
static __always_inline bool begin_op(struct v3c_token *token, struct v3c_token_op *op)
{
	guard(spinlock_irqsave)(&token->lock);
	if (unlikely(!v3c_handle_is(token, V3C_KIND_TOKEN) || !token->segments))
		return false;
	op->segments = token->segments;
	op->slots = token->slots;
	op->locked = token->locked;
	token->users++;
	token->inflight += !op->locked;
	return true;
}

static __always_inline void end_op(struct v3c_token *token, const struct v3c_token_op *op)
{
	guard(spinlock_irqsave)(&token->lock);
	if (!op->locked)
		token->inflight--;
	token->users--;
	if (unlikely((!token->users && !token->open) || (token->locked && !token->inflight)))
		wake_up_all(&token->idle);
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

/* take_pin() makes @pin that of a segment, whose pages the caller has, and forgets it. */
static void take_pin(struct v3c_segments *segments, u64 page, u64 pages, struct v3c_pin *pin)
{
	v3c_segment_pin(segments, &segments->state[page], *pin, pages);
	pin->payload = NULL;
}

/* map_segment(): @pin is NULL as a constant, or its payload is NULL afterwards where it is kept. */
static __always_inline enum v3c_reason map_segment(struct v3c_token *token,
						   const struct v3c_token_op *op, u64 page,
						   int prot, const struct v3c_phys *phys,
						   struct v3c_pin *pin, struct v3c_why *why)
{
	u64 pages = phys->pages, first = page << V3C_PAGE_SHIFT;
	u64 last = first + (pages << V3C_PAGE_SHIFT) - 1;
	enum v3c_reason reason = check_map(token, op->segments, page, pages, why);
	int ret;

	if (unlikely(reason))
		return reason;
	if (pin && !op->segments->pins)
		return v3c_refuse(why, V3C_REASON_WRONG_TYPE, V3C_PARAM_TOKEN, token, 0, 0);
	/*
	 * @prot is marked part by part in map_part() where the token is locked, because a table is
	 * filled from the marks.
	 */
	if (unlikely(!take_pages(op->segments, page, pages, op->locked ? 0 : prot)))
		return v3c_refuse(why, V3C_REASON_OVERLAP, V3C_PARAM_OFFSET, token, first, last);
	if (unlikely(op->locked))
		ret = map_parts(token, page, *phys, prot);
	else
		ret = map_slots(token, op->slots, page, phys, prot);
	if (pin && (!ret || ret == -EUCLEAN))
		take_pin(op->segments, page, pages, pin);
	if (likely(!ret)) {
		make_segment(op->segments, page, pages);
		return 0;
	}
	give_pages(op->segments, page, pages, ret == -EUCLEAN);
	return v3c_refuse_errno(why, ret, V3C_PARAM_PHYS, token, first, last);
}

static __always_inline enum v3c_reason map_reserved(struct v3c_token *token, u64 page, int prot,
						    const struct v3c_phys *phys,
						    struct v3c_pin *pin, struct v3c_why *why)
{
	struct v3c_token_op op;
	enum v3c_reason reason;

	if (unlikely(!begin_op(token, &op)))
		return v3c_refuse(why, V3C_REASON_BAD_HANDLE, V3C_PARAM_TOKEN, NULL, 0, 0);
	reason = map_segment(token, &op, page, prot, phys, pin, why);
	trace_v3compat_map_reserved(token->domain, op.segments->first + page, phys->pages, reason);
	end_op(token, &op);
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
 * v3c_token_map_pinned_slow() - the general case of v3c_token_map_pinned()
 * @token: the token, made with @pinned
 * @page: first page, from the start of the token
 * @prot: IOMMU_READ and IOMMU_WRITE
 * @phys: what to map
 * @pin: its payload; given back before a refusal is returned, unless the IOMMU driver kept pages
 * @why: filled on refusal
 *
 * Context: as v3c_token_map().
 * Return: as v3c_token_map().
 */
enum v3c_reason v3c_token_map_pinned_slow(struct v3c_token *token, u64 page, int prot,
					  const struct v3c_phys *phys, struct v3c_pin pin,
					  struct v3c_why *why)
{
	enum v3c_reason reason = map_reserved(token, page, prot, phys, &pin, why);

	if (pin.payload)
		v3c_pin_release(pin, phys->pages);
	return reason;
}

/* not_mapped(): no segment starts at @page, unless one that is lost. */
static enum v3c_reason not_mapped(struct v3c_token *token, const struct v3c_segments *segments,
				  u64 page, struct v3c_why *why)
{
	u64 first = page << V3C_PAGE_SHIFT, last = first + V3C_PAGE_SIZE - 1;

	if (segments && page < segments->pages &&
	    READ_ONCE(segments->state[page]) == V3C_SEGMENT_LOST)
		return v3c_refuse(why, V3C_REASON_SHORT_UNMAP, V3C_PARAM_TOKEN, token, first,
				  last);
	return v3c_refuse(why, V3C_REASON_NOT_MAPPED, V3C_PARAM_TOKEN, token, first, last);
}

/* unmap_reserved(): @pin is NULL as a constant, or gets the payload of what was unmapped. */
static __always_inline enum v3c_reason unmap_reserved(struct v3c_token *token, u64 page, u64 pages,
						      struct v3c_segment_pin *pin,
						      struct v3c_why *why)
{
	u64 first = page << V3C_PAGE_SHIFT, last = first + (pages << V3C_PAGE_SHIFT) - 1;
	enum v3c_reason reason = 0;
	struct v3c_token_op op;
	bool done;

	if (unlikely(!begin_op(token, &op)))
		return not_mapped(token, NULL, page, why);
	if (unlikely(!take_segment(op.segments, page, pages))) {
		reason = not_mapped(token, op.segments, page, why);
		goto out;
	}
	if (unlikely(op.locked))
		done = unmap_parts(token, page, pages);
	else
		done = unmap_slots(token, op.slots, page, pages);
	trace_v3compat_unmap_reserved(token->domain, op.segments->first + page, pages, reason);
	/* The payload of pages that the IOMMU driver kept stays with them. */
	if (pin && done && op.segments->pins)
		*pin = v3c_segment_unpin(op.segments, &op.segments->state[page]);
	give_pages(op.segments, page, pages, !done);
	if (unlikely(!done))
		reason = v3c_refuse(why, V3C_REASON_SHORT_UNMAP, V3C_PARAM_TOKEN, token, first,
				    last);
out:
	end_op(token, &op);
	return reason;
}

/**
 * v3c_token_unmap() - unmap a segment
 * @token: the token
 * @page: first page of the segment, from the start of the token
 * @pages: length of the segment
 * @why: filled on refusal
 *
 * Frees nothing. Not for a segment with a payload: that would stay with the reservation.
 *
 * Context: any up to softirq, with spinlocks held.
 * Return: 0; %V3C_REASON_NOT_MAPPED, also when the token is dead; or %V3C_REASON_SHORT_UNMAP.
 */
enum v3c_reason v3c_token_unmap(struct v3c_token *token, u64 page, u64 pages, struct v3c_why *why)
{
	return unmap_reserved(token, page, pages, NULL, why);
}

/**
 * v3c_token_unmap_pinned_slow() - the general case of v3c_token_unmap_pinned()
 * @token: the token, made with @pinned
 * @page: first page of the segment, from the start of the token
 * @pages: length of the segment
 * @why: filled on refusal
 *
 * Context: as v3c_token_unmap(), and as the payload wants.
 * Return: as v3c_token_unmap().
 */
enum v3c_reason v3c_token_unmap_pinned_slow(struct v3c_token *token, u64 page, u64 pages,
					    struct v3c_why *why)
{
	struct v3c_segment_pin pin = {};
	enum v3c_reason reason = unmap_reserved(token, page, pages, &pin, why);

	v3c_pin_release(pin.pin, pin.pages);
	return reason;
}

static int fill_step(struct v3c_token *token)
{
	u64 pages;
	int ret;

	guard(spinlock_irqsave)(&token->lock);
	ret = copy_piece(token, token->filled, &pages);
	if (!ret)
		token->filled += pages;
	return ret;
}

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

static int fill_token(struct v3c_token *token, struct v3c_hwpt *hwpt)
{
	unsigned int tries = 0;
	int ret;

	ret = build_all(token, hwpt);
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
			ret = v3c_refill(&tries);
		else
			tries = 0;
		if (ret)
			break;
		cond_resched();
	}
	/*
	 * @token stays locked on failure, until v3c_tokens_forget(), because what @filling has
	 * already must go with its segments.
	 */
	if (!ret)
		unlock_token(token, BIT(hwpt->slot), 0);
	return ret;
}

/*
 * v3c_tokens_replay() gives @hwpt, which joins the domain, the tables and live segments of every
 * token. A token that is not published, or not any more, is left out: whoever builds it sees to the
 * new table, too, and one that is taken apart has nothing in it.
 */
int v3c_tokens_replay(struct v3c_domain *domain, struct v3c_hwpt *hwpt)
{
	struct v3c_token *token;
	int ret;

	lockdep_assert_held(&domain->mutex);

	list_for_each_entry(token, &domain->tokens, entry) {
		if (!v3c_handle_is(token, V3C_KIND_TOKEN))
			continue;
		ret = fill_token(token, hwpt);
		if (ret)
			return ret;
	}
	return 0;
}

/* v3c_tokens_forget(): on return no token's operation works on @slot any more. */
void v3c_tokens_forget(struct v3c_domain *domain, u8 slot)
{
	struct v3c_token *token;

	lockdep_assert_held(&domain->mutex);

	list_for_each_entry(token, &domain->tokens, entry) {
		lock_token(token);
		unlock_token(token, 0, BIT(slot));
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
		set_open(token, false);
		token->slots = 0;
		take_apart(domain, token, true);
	}
}
