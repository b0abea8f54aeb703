// SPDX-License-Identifier: GPL-2.0
/*
 * Handles of a file, and what they name.
 */
#include <linux/bitops.h>
#include <linux/lockdep.h>
#include <linux/slab.h>

#include "user/call.h"
#include "user/object.h"
#include "user/quota.h"

/* v3u_use_keys: locks of objects of several kinds are held together, in the order of the kinds. */
static struct lock_class_key v3u_use_keys[V3U_KINDS];

static void free_object(struct kref *refs)
{
	struct v3u_object *object = container_of(refs, struct v3u_object, refs);
	struct v3u_file *file = object->file;

	object->type->free(object);
	v3u_file_drop(file);
}

void v3u_object_hold(struct v3u_object *object)
{
	kref_get(&object->refs);
}

void v3u_object_drop(struct v3u_object *object)
{
	kref_put(&object->refs, free_object);
}

/**
 * v3u_object_new() - memory for an object, and a handle that finds nothing yet
 * @call: the command
 * @type: of the object
 * @size: of the struct that begins with &struct v3u_object; filled with zeroes
 *
 * Context: may sleep.
 * Return: the object, for v3u_object_publish() or v3u_object_abort(); or NULL, refused with
 * %V3C_REASON_NO_MEMORY, or %V3C_REASON_QUOTA at the limits of the file or the user.
 */
void *v3u_object_new(struct v3u_call *call, const struct v3u_type *type, size_t size)
{
	struct v3u_file *file = call->file;
	struct v3u_object *object = kzalloc(size, GFP_KERNEL_ACCOUNT);
	int ret;

	if (!object)
		goto no_memory;
	object->quota = v3u_quota_take(call);
	if (!object->quota) {
		kfree(object);
		return NULL;
	}
	ret = xa_alloc(&file->objects, &object->id, NULL, XA_LIMIT(1, INT_MAX),
		       GFP_KERNEL_ACCOUNT);
	if (ret) {
		v3u_quota_give(object->quota, file);
		kfree(object);
		goto no_memory;
	}
	object->type = type;
	object->file = file;
	v3u_file_hold(file);
	kref_init(&object->refs);
	init_rwsem(&object->use);
	lockdep_set_class(&object->use, &v3u_use_keys[__ffs(type->kind)]);
	return object;

no_memory:
	v3u_refuse(call, V3C_REASON_NO_MEMORY, V3C_PARAM_NONE, 0, 0);
	return NULL;
}

/* v3u_object_publish() lets commands find @object. Cannot fail, as there is an entry already. */
void v3u_object_publish(struct v3u_object *object)
{
	xa_lock(&object->file->objects);
	object->published = true;
	__xa_store(&object->file->objects, object->id, object, 0);
	xa_unlock(&object->file->objects);
}

/* v3u_object_abort() undoes v3u_object_new(); what the object is made of is taken apart already. */
void v3u_object_abort(struct v3u_object *object)
{
	xa_erase(&object->file->objects, object->id);
	v3u_quota_give(object->quota, object->file);
	v3u_object_drop(object);
}

static struct v3u_object **recent_of(struct v3u_file *file, u32 id)
{
	return &file->recent[id % V3U_RECENT];
}

static struct v3u_object *load_object(struct v3u_file *file, u32 id)
{
	struct v3u_object *object = *recent_of(file, id);

	return likely(object && object->id == id) ? object : xa_load(&file->objects, id);
}

/* find_object() finds and holds an object of one of @kinds. */
static struct v3u_object *find_object(struct v3u_file *file, u32 id, unsigned int kinds)
{
	struct v3u_object *object;

	xa_lock(&file->objects);
	object = load_object(file, id);
	if (object && object->type->kind & kinds) {
		kref_get(&object->refs);
		*recent_of(file, id) = object;
	} else {
		object = NULL;
	}
	xa_unlock(&file->objects);
	return object;
}

/* forget_recent(): @object is not found any more. */
static void forget_recent(struct v3u_object *object)
{
	lockdep_assert_held(&object->file->objects.xa_lock);
	if (*recent_of(object->file, object->id) == object)
		*recent_of(object->file, object->id) = NULL;
}

static enum v3c_reason bad_handle(struct v3u_call *call, enum v3c_param param, u32 id)
{
	call->object = id;
	return v3u_refuse(call, V3C_REASON_BAD_HANDLE, param, 0, 0);
}

/* v3u_object_is() tells whether @id names one of @kinds at the moment. */
bool v3u_object_is(struct v3u_file *file, u32 id, unsigned int kinds)
{
	struct v3u_object *object;
	bool found;

	xa_lock(&file->objects);
	object = load_object(file, id);
	found = object && object->type->kind & kinds;
	xa_unlock(&file->objects);
	return found;
}

/**
 * v3u_object_find() - what a handle names, for something that may take any time
 * @call: the command
 * @id: the handle
 * @kinds: bits of &enum v3u_kind that will do
 * @param: what the handle is, for a refusal
 *
 * Context: any.
 * Return: the object, for v3u_object_drop(), which others may destroy before v3u_object_lock(); or
 * NULL, refused with %V3C_REASON_BAD_HANDLE.
 */
struct v3u_object *v3u_object_find(struct v3u_call *call, u32 id, unsigned int kinds,
				   enum v3c_param param)
{
	struct v3u_object *object = find_object(call->file, id, kinds);

	if (object)
		call->object = id;
	else
		bad_handle(call, param, id);
	return object;
}

/**
 * v3u_object_lock() - keep others from destroying an object
 * @call: the command
 * @object: the object
 * @param: what its handle is, for a refusal
 *
 * Context: may sleep, until a command ends that destroys it; killable.
 * Return: 0, for v3u_object_unlock(); %V3C_REASON_BAD_HANDLE; or %V3C_REASON_KILLED.
 */
enum v3c_reason v3u_object_lock(struct v3u_call *call, struct v3u_object *object,
				enum v3c_param param)
{
	if (unlikely(down_read_killable(&object->use)))
		return v3u_refuse(call, V3C_REASON_KILLED, V3C_PARAM_NONE, 0, 0);
	if (likely(READ_ONCE(object->published)))
		return 0;
	up_read(&object->use);
	return bad_handle(call, param, object->id);
}

void v3u_object_unlock(struct v3u_object *object)
{
	up_read(&object->use);
}

/**
 * v3u_object_get() - what a handle names, for use by a command
 * @call: the command
 * @id: the handle
 * @kinds: bits of &enum v3u_kind that will do
 * @param: what the handle is, for a refusal
 *
 * Context: may sleep, until a command ends that destroys it; killable.
 * Return: the object, for v3u_object_put(), which nobody destroys before; or NULL, refused with
 * %V3C_REASON_BAD_HANDLE or %V3C_REASON_KILLED.
 */
void *v3u_object_get(struct v3u_call *call, u32 id, unsigned int kinds, enum v3c_param param)
{
	struct v3u_object *object = v3u_object_find(call, id, kinds, param);

	if (!object || !v3u_object_lock(call, object, param))
		return object;
	v3u_object_drop(object);
	return NULL;
}

void v3u_object_put(struct v3u_object *object)
{
	v3u_object_unlock(object);
	v3u_object_drop(object);
}

/* v3u_object_child(): the first handle of what was made in @parent or is attached to it. */
u32 v3u_object_child(struct v3u_object *parent)
{
	struct v3u_object *object;
	unsigned long id;
	u32 found = 0;

	xa_lock(&parent->file->objects);
	xa_for_each(&parent->file->objects, id, object) {
		if (object->parent != parent->id && READ_ONCE(object->attached) != parent->id)
			continue;
		found = id;
		break;
	}
	xa_unlock(&parent->file->objects);
	return found;
}

static void forget_object(struct v3u_object *object)
{
	xa_lock(&object->file->objects);
	object->published = false;
	forget_recent(object);
	__xa_erase(&object->file->objects, object->id);
	xa_unlock(&object->file->objects);
	v3u_quota_give(object->quota, object->file);
}

/**
 * v3u_object_destroy() - destroy what a handle names
 * @call: the command
 * @id: the handle
 *
 * Context: may sleep; killable.
 * Return: 0; %V3C_REASON_BAD_HANDLE; %V3C_REASON_KILLED; or what its kind refuses.
 */
enum v3c_reason v3u_object_destroy(struct v3u_call *call, u32 id)
{
	struct v3u_object *object = find_object(call->file, id, ~0u);
	enum v3c_reason reason;

	if (!object)
		return bad_handle(call, V3C_PARAM_OBJECT, id);
	call->object = id;
	if (down_write_killable(&object->use)) {
		reason = v3u_refuse(call, V3C_REASON_KILLED, V3C_PARAM_NONE, 0, 0);
		v3u_object_drop(object);
		return reason;
	}
	if (!object->published)
		reason = bad_handle(call, V3C_PARAM_OBJECT, id);
	else
		reason = object->type->destroy(object, call);
	if (!reason)
		forget_object(object);
	up_write(&object->use);
	if (!reason)
		v3u_object_drop(object);
	v3u_object_drop(object);
	return reason;
}

/*
 * v3u_objects_close() forgets all objects of @kind when the file is closed, so that no command is
 * under way.
 */
void v3u_objects_close(struct v3u_file *file, enum v3u_kind kind)
{
	struct v3u_object *object;
	unsigned long id;

	xa_for_each(&file->objects, id, object) {
		if (object->type->kind != kind)
			continue;
		if (object->type->close)
			object->type->close(object);
		forget_object(object);
		v3u_object_drop(object);
		cond_resched();
	}
}
