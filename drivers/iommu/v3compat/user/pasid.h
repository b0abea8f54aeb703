/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_USER_PASID_H
#define V3COMPAT_USER_PASID_H

#include <linux/mutex.h>

#include "user/object.h"

struct mm_struct;
struct v3c_pasid;
struct v3u_device;

/**
 * struct v3u_pasid - a sub-device of a file
 * @object: first; its parent is the device
 * @device: whose; referenced
 * @core: the core's; NULL when the file was closed
 * @number: the PASID; constant
 * @mm: address space that it was bound to; its structure is referenced, its pages are not. NULL for
 *	one that can be attached to domains
 * @attaching: held by who attaches or detaches it, so that &v3u_object.attached is what the core
 *	did last
 */
struct v3u_pasid {
	struct v3u_object object;
	struct v3u_device *device;
	struct v3c_pasid *core;
	u32 number;
	struct mm_struct *mm;
	struct mutex attaching;
};

static inline struct v3u_pasid *v3u_to_pasid(void *object)
{
	return container_of(object, struct v3u_pasid, object);
}

enum v3c_reason v3u_pasid_check(struct v3u_call *call, struct v3u_object *object);
enum v3c_reason v3u_pasid_attach(struct v3u_call *call, struct v3u_object *object,
				 struct v3u_object *domain);
enum v3c_reason v3u_pasid_detach(struct v3u_call *call, struct v3u_object *object);

#endif
