/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_USER_DEVICE_OBJECT_H
#define V3COMPAT_USER_DEVICE_OBJECT_H

#include "user/object.h"

struct v3c_device;
struct v3u_events;
struct v3u_slot;

/**
 * struct v3u_device - a device of a file
 * @object: first
 * @core: the core's, made for the file; NULL when the file was closed
 * @slot: the device at its driver; referenced, also when the file has it no more
 * @events: who hears of it, or NULL; under the lock of &v3u_file.objects
 * @gone: v3u_events_device_gone() was called; likewise
 */
struct v3u_device {
	struct v3u_object object;
	struct v3c_device *core;
	struct v3u_slot *slot;
	struct v3u_events *events;
	bool gone;
};

static inline struct v3u_device *v3u_to_device(void *object)
{
	return container_of(object, struct v3u_device, object);
}

#endif
