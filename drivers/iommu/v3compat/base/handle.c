// SPDX-License-Identifier: GPL-2.0
/*
 * Handles: objects of which v3c_handle_is() tells at any time whether they still are what a caller
 * believes, because their memory stays a handle of the same kind.
 */
#include <kunit/visibility.h>
#include <linux/export.h>
#include <linux/log2.h>
#include <linux/slab.h>

#include "base/handle.h"
#include "base/owner.h"

/*
 * V3C_QUARANTINE objects of a pool die after one before its memory serves again. Otherwise a handle
 * that is used once too often would meet the object's successor.
 */
#define V3C_QUARANTINE	32

/**
 * v3c_handle_alloc() - allocate an object that is not published yet
 * @pool: its kind
 * @owner: on whose account
 *
 * Members behind the handle hold what a dead object left in them, or are zero in fresh memory;
 * locks are initialised in either case.
 *
 * Context: may sleep.
 * Return: the object, owned by the caller until v3c_handle_publish() or v3c_handle_free(); NULL
 * without memory.
 */
void *v3c_handle_alloc(struct v3c_pool *pool, const struct v3c_owner *owner)
{
	struct v3c_handle *handle = NULL;

	scoped_guard(mutex, &pool->lock) {
		if (pool->nr_dead > V3C_QUARANTINE) {
			handle = list_first_entry(&pool->dead, struct v3c_handle, entry);
			list_del_init(&handle->entry);
			pool->nr_dead--;
		}
	}
	if (!handle) {
		/* kzalloc() aligns only sizes that are a power of two as the members may need. */
		handle = kzalloc(roundup_pow_of_two(pool->size), GFP_KERNEL);
		if (!handle)
			return NULL;
		INIT_LIST_HEAD(&handle->entry);
		if (pool->init_once)
			pool->init_once(handle);
	}
	handle->owner = owner;
	WRITE_ONCE(handle->user, owner->user);
	return handle;
}

/* v3c_handle_is() knows @handle from here on, so that calls with it succeed. */
void v3c_handle_publish(struct v3c_pool *pool, struct v3c_handle *handle)
{
	guard(mutex)(&pool->lock);
	handle->serial = ++pool->serial;
	list_add_tail(&handle->entry, &pool->live);
	/* Release, so that who acquires @kind sees the object initialised, and its @serial. */
	smp_store_release(&handle->kind, pool->kind);
}

/*
 * v3c_handle_is() denies @handle from here on, so that new calls fail. The owner deals with those
 * under way.
 */
void v3c_handle_retire(struct v3c_handle *handle)
{
	WRITE_ONCE(handle->kind, 0);
}

/* Takes back what v3c_handle_alloc() gave, published or not. */
void v3c_handle_free(struct v3c_pool *pool, struct v3c_handle *handle)
{
	guard(mutex)(&pool->lock);
	WRITE_ONCE(handle->kind, 0);
	handle->shown[0] = 0;
	handle->shown[1] = 0;
	list_move_tail(&handle->entry, &pool->dead);
	pool->nr_dead++;
}

/**
 * v3c_pool_first() - an object of an owner
 * @pool: of its kind
 * @owner: whose, or NULL for anybody's
 *
 * Context: may sleep. The object stays only because its owner does nothing meanwhile.
 * Return: the oldest one that is alive, or NULL.
 */
struct v3c_handle *v3c_pool_first(struct v3c_pool *pool, const struct v3c_owner *owner)
{
	struct v3c_handle *handle;

	guard(mutex)(&pool->lock);
	list_for_each_entry(handle, &pool->live, entry)
		if (!owner || handle->owner == owner)
			return handle;
	return NULL;
}

/**
 * v3c_pool_list() - the objects of an owner, some at a time
 * @pool: of their kind
 * @owner: whose, or NULL for everybody's
 * @cursor: 0 at first; the last serial that was listed
 * @serials: result, in ascending order
 * @max: room in @serials
 *
 * An object that lives during the whole listing is listed once, whatever comes and goes meanwhile.
 *
 * Context: may sleep.
 * Return: how many there are in @serials; fewer than @max at the end.
 */
unsigned int v3c_pool_list(struct v3c_pool *pool, const struct v3c_owner *owner, u32 *cursor,
			   u32 *serials, unsigned int max)
{
	struct v3c_handle *handle;
	unsigned int count = 0;

	guard(mutex)(&pool->lock);
	/* v3c_handle_publish() gives serials in the order of the list. */
	list_for_each_entry(handle, &pool->live, entry) {
		if (count == max)
			break;
		if (handle->serial <= *cursor || (owner && handle->owner != owner))
			continue;
		*cursor = handle->serial;
		serials[count++] = handle->serial;
	}
	return count;
}
EXPORT_SYMBOL_IF_KUNIT(v3c_pool_list);

unsigned int v3c_pool_count(struct v3c_pool *pool)
{
	struct v3c_handle *handle;
	unsigned int count = 0;

	guard(mutex)(&pool->lock);
	list_for_each_entry(handle, &pool->live, entry)
		count++;
	return count;
}

/* Frees the memory of @pool at module exit, when no object is live and no call can be under way. */
void v3c_pool_destroy(struct v3c_pool *pool)
{
	struct v3c_handle *handle, *next;

	WARN_ON(!list_empty(&pool->live));
	list_for_each_entry_safe(handle, next, &pool->dead, entry)
		kfree(handle);
	INIT_LIST_HEAD(&pool->dead);
	pool->nr_dead = 0;
}
