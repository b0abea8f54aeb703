// SPDX-License-Identifier: GPL-2.0
/*
 * Mapping in domains and in reservations.
 */
#include <linux/iommu.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "core/check.h"
#include "core/map.h"
#include "core/pinned.h"
#include "core/place.h"
#include "core/reserve.h"
#include "user/call.h"
#include "user/commands.h"
#include "user/domain.h"
#include "user/map.h"
#include "user/memory.h"
#include "user/quota.h"

static_assert(V3COMPAT_READ == IOMMU_READ);
static_assert(V3COMPAT_WRITE == IOMMU_WRITE);

#define PLACE_FLAGS	(V3COMPAT_MAP_FIXED | V3COMPAT_MAP_MIN | V3COMPAT_MAP_MAX)

/**
 * struct v3u_reservation - addresses of a domain, and the tables below them
 * @object: first; its parent is the domain
 * @token: the core's
 * @pages: length
 */
struct v3u_reservation {
	struct v3u_object object;
	struct v3c_token *token;
	u64 pages;
};

static struct v3u_reservation *to_reservation(struct v3u_object *object)
{
	return container_of(object, struct v3u_reservation, object);
}

static void free_reservation(struct v3u_object *object)
{
	kfree(to_reservation(object));
}

static void close_reservation(struct v3u_object *object)
{
	v3u_quota_unreserve(object->quota, object->file, to_reservation(object)->pages);
}

static enum v3c_reason destroy_reservation(struct v3u_object *object, struct v3u_call *call)
{
	enum v3c_reason reason = v3c_token_destroy(to_reservation(object)->token, &call->why);

	call->member = V3W_FreeReservedLogicalAddressRange;
	if (!reason)
		close_reservation(object);
	return reason;
}

static const struct v3u_type reservation_type = {
	.kind = V3U_RESERVATION,
	.name = "reservation",
	.destroy = destroy_reservation,
	.close = close_reservation,
	.free = free_reservation,
};

/**
 * struct v3u_where - where to map, as the caller says it
 * @flags: V3COMPAT_MAP_*
 * @address: with %V3COMPAT_MAP_FIXED
 * @min: with %V3COMPAT_MAP_MIN
 * @max: with %V3COMPAT_MAP_MAX
 */
struct v3u_where {
	u32 flags;
	u64 address;
	u64 min;
	u64 max;
};

/* read_given() is read_place() for a caller that says anything. */
static enum v3c_reason read_given(struct v3u_call *call, const struct v3u_where *where, u64 pages,
				  struct v3c_place *place, u64 *page)
{
	bool fixed = where->flags & V3COMPAT_MAP_FIXED;
	bool min = where->flags & V3COMPAT_MAP_MIN, max = where->flags & V3COMPAT_MAP_MAX;
	enum v3c_reason reason = v3u_check_flags(call, where->flags, PLACE_FLAGS) ?:
				 v3u_check_reserved(call, (fixed ? 0 : where->address) |
							  (min ? 0 : where->min) |
							  (max ? 0 : where->max));

	if (reason)
		return reason;
	v3c_set_bounds(place, min ? &where->min : NULL, max ? &where->max : NULL);
	place->explicit_page = NULL;
	if (!fixed)
		return 0;
	if (min || max)
		return v3u_refuse(call, V3C_REASON_ALLOCATOR_RULE, V3C_PARAM_BOUNDS, where->address,
				  where->min);
	place->explicit_page = page;
	return v3c_check_explicit(where->address, pages, page, &call->why);
}

/* read_place() checks @where for @pages pages. @place refers to @page. */
static __always_inline enum v3c_reason read_place(struct v3u_call *call,
						  const struct v3u_where *where, u64 pages,
						  struct v3c_place *place, u64 *page)
{
	bool fixed = where->flags == V3COMPAT_MAP_FIXED;

	if ((fixed ? 0 : where->flags | where->address) | where->min | where->max)
		return read_given(call, where, pages, place, page);
	v3c_set_bounds(place, NULL, NULL);
	place->explicit_page = fixed ? page : NULL;
	return fixed ? v3c_check_explicit(where->address, pages, page, &call->why) : 0;
}

static struct v3u_where where_of_map(const struct v3compat_map *arg)
{
	return (struct v3u_where) {
		.flags = arg->flags, .address = arg->address, .min = arg->min, .max = arg->max,
	};
}

/* map_in_domain(): @object is a domain that is held for use. Sets @arg->address. */
static __always_inline enum v3c_reason map_in_domain(struct v3u_call *call,
						     struct v3u_object *object,
						     struct v3compat_map *arg,
						     struct v3u_taken *taken)
{
	struct v3c_domain *core = v3u_domain_core(call, v3u_to_domain(object));
	struct v3u_where where = where_of_map(arg);
	struct v3c_place place __uninitialized;
	enum v3c_reason reason;
	u64 page;

	if (!core)
		return call->why.reason;
	reason = read_place(call, &where, arg->source.length >> V3C_PAGE_SHIFT, &place, &page) ?:
		 v3u_source_take(call, &arg->source, arg->permissions & V3COMPAT_WRITE, taken) ?:
		 v3c_map_pinned(core, arg->permissions, &taken->phys, &place, taken->pin, &page,
				&call->why);
	if (!reason)
		arg->address = page << V3C_PAGE_SHIFT;
	return reason;
}

static enum v3c_reason map_in_reservation(struct v3u_call *call, struct v3u_object *object,
					  struct v3compat_map *arg, struct v3u_taken *taken)
{
	enum v3c_reason reason = v3u_check_flags(call, arg->flags, 0) ?:
				 v3u_check_reserved(call, arg->min | arg->max);

	call->member = V3W_MapReservedLogicalRange;
	if (reason)
		return reason;
	if (!v3c_page_aligned(arg->address))
		return v3u_refuse(call, V3C_REASON_MISALIGNED, V3C_PARAM_OFFSET, arg->address, 0);
	return v3u_source_take(call, &arg->source, arg->permissions & V3COMPAT_WRITE, taken) ?:
	       v3c_token_map_pinned(to_reservation(object)->token, arg->address >> V3C_PAGE_SHIFT,
				    arg->permissions, &taken->phys, taken->pin, &call->why);
}

/* unmap_object() is for @object, a domain or a reservation that is held for use. */
static enum v3c_reason unmap_object(struct v3u_call *call, struct v3u_object *object, u64 address,
				    u64 length)
{
	struct v3c_domain *core;
	enum v3c_reason reason;

	if (object->type->kind == V3U_RESERVATION)
		call->member = V3W_UnmapReservedLogicalRange;
	reason = v3c_check_size(length, &call->why) ?:
		 v3c_check_pages(address, length >> V3C_PAGE_SHIFT, &call->why);
	if (reason)
		return reason;
	if (object->type->kind == V3U_RESERVATION)
		return v3c_token_unmap_pinned(to_reservation(object)->token,
					      address >> V3C_PAGE_SHIFT, length >> V3C_PAGE_SHIFT,
					      &call->why);
	core = v3u_domain_core(call, v3u_to_domain(object));
	if (!core)
		return call->why.reason;
	return v3c_unmap_pinned(core, address >> V3C_PAGE_SHIFT, length >> V3C_PAGE_SHIFT,
				&call->why);
}

/*
 * undo_map() takes back what the caller could not be told of. It finds the range by its address:
 * only a thread that unmapped by a guess could have put something else there since.
 */
static void undo_map(struct v3u_call *call, struct v3u_object *object, u64 address, u64 length)
{
	const struct v3c_why why = call->why;
	u32 named = call->object;

	if (!v3u_object_lock(call, object, V3C_PARAM_OBJECT)) {
		unmap_object(call, object, address, length);
		v3u_object_unlock(object);
	}
	call->object = named;
	call->why = why;
}

/**
 * v3u_map_one() - map memory in a domain or in a reservation
 * @call: the command
 * @arg: what to map, and where; @arg->address is set to where a domain has mapped it
 * @answer: tells the caller the address in a domain; the map is undone when it refuses
 * @to: for @answer
 *
 * Nobody destroys the domain while it is held for use, which it is not while the caller's memory is
 * pinned or written.
 *
 * Context: may sleep, without a lock, for any time; killable.
 * Return: 0 or a reason, see V3COMPAT_IOCTL_MAP.
 */
enum v3c_reason v3u_map_one(struct v3u_call *call, struct v3compat_map *arg, v3u_answer_t answer,
			    void *to)
{
	bool write = arg->permissions & V3COMPAT_WRITE;
	struct v3u_taken taken __uninitialized;
	struct v3u_object *object;
	enum v3c_reason reason;

	reason = v3c_check_permissions(arg->permissions, &call->why) ?:
		 v3u_source_check(call, &arg->source);
	if (reason)
		return reason;
	object = v3u_object_find(call, arg->object, V3U_DOMAIN | V3U_RESERVATION,
				 V3C_PARAM_OBJECT);
	if (!object)
		return call->why.reason;
	reason = v3u_source_pin(call, &arg->source, write, &taken) ?:
		 v3u_object_lock(call, object, V3C_PARAM_OBJECT);
	if (!reason) {
		if (object->type->kind == V3U_RESERVATION)
			reason = map_in_reservation(call, object, arg, &taken);
		else
			reason = map_in_domain(call, object, arg, &taken);
		v3u_object_unlock(object);
	}
	/* Before undo_map(), because it locks a domain, which comes before memory. */
	v3u_source_leave(&taken);
	if (!reason && object->type->kind == V3U_DOMAIN) {
		reason = answer(call, to);
		if (reason)
			undo_map(call, object, arg->address, arg->source.length);
	}
	v3u_object_drop(object);
	return reason;
}

static enum v3c_reason answer_map(struct v3u_call *call, void *to)
{
	struct v3compat_map __user *user = call->user;
	struct v3compat_map *arg = to;

	if (likely(!put_user(arg->address, &user->address)))
		return 0;
	return v3u_refuse(call, V3C_REASON_BAD_POINTER, V3C_PARAM_OUT, (uintptr_t)user,
			  (uintptr_t)(user + 1) - 1);
}

enum v3c_reason v3u_map(struct v3u_call *call)
{
	return v3u_map_one(call, call->arg, answer_map, call->arg);
}

/* v3u_check_unmap() looks at what an unmap says beside the object and the range. */
enum v3c_reason v3u_check_unmap(struct v3u_call *call, const struct v3compat_unmap *arg)
{
	return v3u_check_flags(call, arg->flags, 0) ?: v3u_check_reserved(call, arg->__reserved);
}

/**
 * v3u_unmap_one() - unmap memory in a domain or in a reservation
 * @call: the command
 * @arg: what to unmap
 *
 * Context: may sleep; killable.
 * Return: 0 or a reason, see V3COMPAT_IOCTL_UNMAP.
 */
enum v3c_reason v3u_unmap_one(struct v3u_call *call, const struct v3compat_unmap *arg)
{
	enum v3c_reason reason = v3u_check_unmap(call, arg);
	struct v3u_object *object;

	if (reason)
		return reason;
	object = v3u_object_get(call, arg->object, V3U_DOMAIN | V3U_RESERVATION, V3C_PARAM_OBJECT);
	if (!object)
		return call->why.reason;
	reason = unmap_object(call, object, arg->address, arg->length);
	v3u_object_put(object);
	return reason;
}

enum v3c_reason v3u_unmap(struct v3u_call *call)
{
	return v3u_unmap_one(call, call->arg);
}

/* create_token() makes the core's token for @reservation, whose quota is taken. */
static enum v3c_reason create_token(struct v3u_call *call, struct v3u_domain *domain,
				    struct v3u_reservation *reservation,
				    struct v3compat_reserve *arg)
{
	struct v3c_domain *core = v3u_domain_core(call, domain);
	struct v3u_where where = {
		.flags = arg->flags, .address = arg->address, .min = arg->min, .max = arg->max,
	};
	struct v3c_place place;
	enum v3c_reason reason;
	u64 page;

	if (!core)
		return call->why.reason;
	reason = read_place(call, &where, reservation->pages, &place, &page) ?:
		 v3c_token_create(core, reservation->pages, &place, true, &reservation->token,
				  &call->why);
	if (!reason)
		arg->address = reservation->token->segments->base;
	return reason;
}

static enum v3c_reason reserve_and_tell(struct v3u_call *call, struct v3u_domain *domain,
					struct v3compat_reserve *arg)
{
	struct v3u_reservation *reservation = v3u_object_new(call, &reservation_type,
							     sizeof(*reservation));
	enum v3c_reason reason;

	if (!reservation)
		return call->why.reason;
	reservation->object.parent = domain->object.id;
	reservation->pages = arg->length >> V3C_PAGE_SHIFT;
	arg->out_reservation = reservation->object.id;
	reason = v3u_quota_reserve(call, reservation->object.quota, reservation->pages);
	if (reason)
		goto abort;
	reason = create_token(call, domain, reservation, arg);
	if (reason)
		goto unreserve;
	reason = v3u_call_answer(call);
	/*
	 * Only the death of the caller refuses v3c_token_destroy(), because nobody else knows the
	 * token: it is left to whoever closes the file then.
	 */
	if (!reason || v3c_token_destroy(reservation->token, &(struct v3c_why) {})) {
		v3u_object_publish(&reservation->object);
		return reason;
	}
unreserve:
	close_reservation(&reservation->object);
abort:
	v3u_object_abort(&reservation->object);
	return reason;
}

enum v3c_reason v3u_reserve(struct v3u_call *call)
{
	struct v3compat_reserve *arg = call->arg;
	enum v3c_reason reason = v3c_check_size(arg->length, &call->why);
	struct v3u_domain *domain;

	if (reason)
		return reason;
	domain = v3u_object_get(call, arg->domain, V3U_DOMAIN, V3C_PARAM_DOMAIN);
	if (!domain)
		return call->why.reason;
	reason = reserve_and_tell(call, domain, arg);
	v3u_object_put(&domain->object);
	return reason;
}

/* get_identity() checks an identity command, and gets the domain for use. */
static struct v3u_domain *get_identity(struct v3u_call *call, const struct v3compat_identity *arg)
{
	enum v3c_reason reason = v3u_check_flags(call, arg->flags, 0) ?:
				 v3u_source_check(call, &arg->source);

	if (reason)
		return NULL;
	if (arg->source.type != V3COMPAT_SOURCE_PHYSICAL) {
		v3u_refuse(call, V3C_REASON_NOT_OFFERED, V3C_PARAM_SOURCE, arg->source.type,
			   V3COMPAT_SOURCE_PHYSICAL);
		return NULL;
	}
	if (v3u_check_physical(call))
		return NULL;
	return v3u_object_get(call, arg->domain, V3U_DOMAIN, V3C_PARAM_DOMAIN);
}

enum v3c_reason v3u_map_identity(struct v3u_call *call)
{
	const struct v3compat_identity *arg = call->arg;
	bool write = arg->permissions & V3COMPAT_WRITE;
	struct v3u_taken taken;
	struct v3u_domain *domain;
	struct v3c_domain *core;
	enum v3c_reason reason;

	reason = v3c_check_permissions(arg->permissions, &call->why);
	if (reason)
		return reason;
	domain = get_identity(call, arg);
	if (!domain)
		return call->why.reason;
	core = v3u_domain_core(call, domain);
	reason = core ? v3u_source_pin(call, &arg->source, write, &taken) : call->why.reason;
	if (!reason) {
		reason = v3u_source_take(call, &arg->source, write, &taken) ?:
			 v3c_map_identity_pinned(core, arg->permissions, &taken.phys, taken.pin,
						 &call->why);
		v3u_source_leave(&taken);
	}
	v3u_object_put(&domain->object);
	return reason;
}

enum v3c_reason v3u_unmap_identity(struct v3u_call *call)
{
	const struct v3compat_identity *arg = call->arg;
	enum v3c_reason reason = v3u_check_reserved(call, arg->permissions);
	struct v3u_domain *domain;
	struct v3c_domain *core;
	struct v3c_phys phys;

	if (reason)
		return reason;
	domain = get_identity(call, arg);
	if (!domain)
		return call->why.reason;
	core = v3u_domain_core(call, domain);
	if (!core)
		reason = call->why.reason;
	else
		reason = v3c_phys_init_run(&phys, arg->source.start, arg->source.length,
					   &call->why) ?:
			 v3c_unmap_identity_pinned(core, &phys, &call->why);
	v3u_object_put(&domain->object);
	return reason;
}
