/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_HANDLE_H
#define V3COMPAT_HANDLE_H

#include <linux/build_bug.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/stddef.h>
#include <linux/types.h>

struct v3c_owner;

/**
 * DOC: Handles
 *
 * Everything that a caller holds a pointer to begins with &struct v3c_handle. The memory of a
 * handle stays a handle of its kind until the module is unloaded, and a dead one waits until others
 * have died after it before it serves again. So v3c_handle_is() recognises a stale pointer without
 * a lookup, and the locks inside may be taken to look once more: that look decides, because the
 * object may have died since the first one.
 */

#define V3C_KIND_DOMAIN		0x316d6f64u
#define V3C_KIND_DEVICE		0x31766564u
#define V3C_KIND_TOKEN		0x316b6f74u
#define V3C_KIND_PASID		0x31736170u

/**
 * struct v3c_handle - first member of everything a caller holds a pointer to
 * @shown: what the caller may read through the pointer (a token's base and size); no decision rests
 *	on it, because the caller may have written there
 * @kind: V3C_KIND_* while alive, 0 otherwise
 * @serial: names the object among those of its kind in messages; never used twice for a kind in one
 *	load of the module
 * @entry: in its pool's list of live or of dead objects, under the pool's lock
 * @owner: on whose account it is; constant while alive
 * @user: of @owner; here because a dead object may outlive its owner
 */
struct v3c_handle {
	u64 shown[2];
	u32 kind;
	u32 serial;
	struct list_head entry;
	const struct v3c_owner *owner;
	bool user;
};

/**
 * struct v3c_pool - all objects of one kind
 * @kind: V3C_KIND_*
 * @size: bytes of an object
 * @name: of the kind, for messages
 * @init_once: initialises the locks inside, once in the life of the memory; or NULL
 * @lock: protects the lists, the counts and @serial
 * @live: published objects
 * @dead: destroyed objects, oldest first
 * @nr_dead: length of @dead
 * @serial: last one given out
 */
struct v3c_pool {
	u32 kind;
	size_t size;
	const char *name;
	void (*init_once)(void *object);
	struct mutex lock;
	struct list_head live;
	struct list_head dead;
	unsigned int nr_dead;
	u32 serial;
};

#define V3C_POOL(pool, kind_, type, name_, init_once_) {				\
	.kind = kind_,									\
	.size = sizeof(type) + BUILD_BUG_ON_ZERO(offsetof(type, handle)),		\
	.name = name_,									\
	.init_once = init_once_,							\
	.lock = __MUTEX_INITIALIZER(pool.lock),						\
	.live = LIST_HEAD_INIT(pool.live),						\
	.dead = LIST_HEAD_INIT(pool.dead),						\
}

void *v3c_handle_alloc(struct v3c_pool *pool, const struct v3c_owner *owner);
void v3c_handle_publish(struct v3c_pool *pool, struct v3c_handle *handle);
void v3c_handle_retire(struct v3c_handle *handle);
void v3c_handle_free(struct v3c_pool *pool, struct v3c_handle *handle);
struct v3c_handle *v3c_pool_first(struct v3c_pool *pool, const struct v3c_owner *owner);
unsigned int v3c_pool_list(struct v3c_pool *pool, const struct v3c_owner *owner, u32 *cursor,
			   u32 *serials, unsigned int max);
unsigned int v3c_pool_count(struct v3c_pool *pool);
void v3c_pool_destroy(struct v3c_pool *pool);

/*
 * v3c_handle_is() tells a right argument from a wrong one. It is a hint unless the caller holds
 * what keeps the object alive: the verb looks again under its lock.
 */
static inline bool v3c_handle_is(const void *object, u32 kind)
{
	const struct v3c_handle *handle = object;

	return handle && READ_ONCE(handle->kind) == kind;
}

/**
 * v3c_handle_wait_state() - how a call waits for others: for their calls, handlers and callbacks
 * @object: what the call is made with; is or was alive
 *
 * Drivers have no way to be killed in a call, and are promised that it has waited. A process must
 * be killable, because whom it waits for may never end.
 *
 * Context: any.
 * Return: TASK_KILLABLE or TASK_UNINTERRUPTIBLE.
 */
static inline unsigned int v3c_handle_wait_state(const void *object)
{
	const struct v3c_handle *handle = object;

	return READ_ONCE(handle->user) ? TASK_KILLABLE : TASK_UNINTERRUPTIBLE;
}

/* v3c_handle_lock() waits for @lock so. Returns 0, or -EINTR when the caller is killed. */
static inline int v3c_handle_lock(const void *object, struct mutex *lock)
{
	if (v3c_handle_wait_state(object) == TASK_KILLABLE)
		return mutex_lock_killable(lock);
	mutex_lock(lock);
	return 0;
}

#endif
