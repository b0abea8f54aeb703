// SPDX-License-Identifier: GPL-2.0
/*
 * Handles: memory that can be asked at any time whether it still is what its holder believes.
 */
#include <linux/log2.h>
#include <linux/slab.h>

#include "base/handle.h"

/*
 * Dead objects wait their turn behind this many others before their memory serves again, so that a
 * handle used once too often meets a dead object and not its successor.
 */
#define V3C_QUARANTINE	32

/**
 * v3c_handle_alloc() - memory for an object that nobody can see yet
 * @pool: its kind
 * @owner: on whose account
 *
 * Members behind the handle hold what a dead object left in them, except after the first use, when
 * they are zero; locks are initialised in either case.
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
	if (handle) {
		handle->owner = owner;
		return handle;
	}

	/* Only sizes that are a power of two are as aligned as the members may want to be. */
	handle = kzalloc(roundup_pow_of_two(pool->size), GFP_KERNEL);
	if (!handle)
		return NULL;
	INIT_LIST_HEAD(&handle->entry);
	handle->owner = owner;
	pool->init_once(handle);
	return handle;
}

/* From here on callers may use the handle. */
void v3c_handle_publish(struct v3c_pool *pool, struct v3c_handle *handle)
{
	guard(mutex)(&pool->lock);
	handle->serial = ++pool->serial;
	list_add_tail(&handle->entry, &pool->live);
	/* Whoever finds the kind there sees what it is the kind of. */
	smp_store_release(&handle->kind, pool->kind);
}

/* No new call succeeds with the handle; those under way are its owner's business. */
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

unsigned int v3c_pool_count(struct v3c_pool *pool)
{
	struct v3c_handle *handle;
	unsigned int count = 0;

	guard(mutex)(&pool->lock);
	list_for_each_entry(handle, &pool->live, entry)
		count++;
	return count;
}

/* At module exit, when nobody can call any more and nothing is alive. */
void v3c_pool_destroy(struct v3c_pool *pool)
{
	struct v3c_handle *handle, *next;

	WARN_ON(!list_empty(&pool->live));
	list_for_each_entry_safe(handle, next, &pool->dead, entry)
		kfree(handle);
	INIT_LIST_HEAD(&pool->dead);
	pool->nr_dead = 0;
}
