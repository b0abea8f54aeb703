/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_USER_OBJECT_H
#define V3COMPAT_USER_OBJECT_H

#include <linux/kref.h>
#include <linux/rwsem.h>
#include <linux/types.h>

#include "base/why.h"

struct v3u_call;
struct v3u_file;
struct v3u_object;
struct v3u_quota;

/* enum v3u_kind: kinds of objects, as bits, in the order in which their locks are taken. */
enum v3u_kind {
	V3U_DOMAIN	= 1 << 0,
	V3U_DEVICE	= 1 << 1,
	V3U_PASID	= 1 << 2,
	V3U_RESERVATION	= 1 << 3,
	V3U_MEMORY	= 1 << 4,
};
#define V3U_KINDS	5

/**
 * struct v3u_type - what objects of a kind have in common
 * @kind: &enum v3u_kind
 * @name: in listings
 * @destroy: takes apart what is behind the object, or refuses with nothing changed. Nobody uses the
 *	object meanwhile
 * @close: takes apart what v3c_reclaim() has left, when the file is closed; or NULL
 * @free: frees the memory; nobody has a reference any more
 */
struct v3u_type {
	enum v3u_kind kind;
	const char *name;
	enum v3c_reason (*destroy)(struct v3u_object *object, struct v3u_call *call);
	void (*close)(struct v3u_object *object);
	void (*free)(struct v3u_object *object);
};

/**
 * struct v3u_object - what a handle names
 * @type: constant
 * @file: whose; constant, and outlives the object
 * @id: the handle; constant
 * @refs: the handle, who uses it, and others as their kind says
 * @use: held for reading by calls that use the object, and for writing by the one that destroys it.
 *	Several are taken in the order of &enum v3u_kind; nothing is pinned with one held
 * @parent: handle of what the object was made in, or 0; constant
 * @attached: of a device or a sub-device, handle of the domain that it is attached to, or 0
 * @counted: of a device or a sub-device, it is one of &v3u_slot.attached; under &v3u_slot.lock
 * @quota: what it counts for; constant
 * @published: commands find it; under the lock of &v3u_file.objects
 */
struct v3u_object {
	const struct v3u_type *type;
	struct v3u_file *file;
	u32 id;
	struct kref refs;
	struct rw_semaphore use;
	u32 parent;
	u32 attached;
	bool counted;
	struct v3u_quota *quota;
	bool published;
};

void *v3u_object_new(struct v3u_call *call, const struct v3u_type *type, size_t size);
void v3u_object_publish(struct v3u_object *object);
void v3u_object_abort(struct v3u_object *object);
bool v3u_object_is(struct v3u_file *file, u32 id, unsigned int kinds);
struct v3u_object *v3u_object_find(struct v3u_call *call, u32 id, unsigned int kinds,
				   enum v3c_param param);
enum v3c_reason v3u_object_lock(struct v3u_call *call, struct v3u_object *object,
				enum v3c_param param);
void v3u_object_unlock(struct v3u_object *object);
void *v3u_object_get(struct v3u_call *call, u32 id, unsigned int kinds, enum v3c_param param);
void v3u_object_put(struct v3u_object *object);
void v3u_object_hold(struct v3u_object *object);
void v3u_object_drop(struct v3u_object *object);
u32 v3u_object_child(struct v3u_object *parent);
enum v3c_reason v3u_object_destroy(struct v3u_call *call, u32 id);
void v3u_objects_close(struct v3u_file *file, enum v3u_kind kind);

#endif
