// SPDX-License-Identifier: GPL-2.0
/*
 * Devices of a file: what is asked about them, and what they are attached to.
 */
#include <linux/device.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "base/topology.h"
#include "core/attach.h"
#include "core/capability.h"
#include "core/device.h"
#include "core/domain.h"
#include "core/lookup.h"
#include "user/call.h"
#include "user/commands.h"
#include "user/device.h"
#include "user/device_object.h"
#include "user/domain.h"
#include "user/events.h"
#include "user/pasid.h"
#include "user/slot.h"

static void forget_core(struct v3u_device *device)
{
	device->core = NULL;
	atomic_dec(&device->object.file->devices);
}

/*
 * destroy_core() is called under v3u_slot_lock(). The core has forgotten the device also where the
 * caller is killed while it waits.
 */
static enum v3c_reason destroy_core(struct v3u_call *call, struct v3u_device *device)
{
	enum v3c_reason reason = v3c_device_destroy(device->core, &call->why);

	if (reason && reason != V3C_REASON_KILLED)
		return reason;
	forget_core(device);
	v3u_slot_end(device);
	return 0;
}

static enum v3c_reason destroy_device(struct v3u_object *object, struct v3u_call *call)
{
	struct v3u_device *device = v3u_to_device(object);
	enum v3c_reason reason;
	u32 child;

	call->member = V3W_DeleteDevice;
	reason = v3u_events_check_none(call, device) ?: v3u_slot_lock(call, device);
	if (reason)
		return reason;
	reason = destroy_core(call, device);
	v3u_slot_unlock(device);
	child = reason == V3C_REASON_IN_USE ? v3u_object_child(object) : 0;
	if (child)
		call->object = child;
	return reason;
}

static void close_device(struct v3u_object *object)
{
	v3u_to_device(object)->core = NULL;
}

static void free_device(struct v3u_object *object)
{
	struct v3u_device *device = v3u_to_device(object);

	if (device->slot)
		v3u_slot_put(device->slot);
	kfree(device);
}

static const struct v3u_type device_type = {
	.kind = V3U_DEVICE,
	.name = "device",
	.destroy = destroy_device,
	.close = close_device,
	.free = free_device,
};

/**
 * v3u_devices_stop() - end all use of the devices of a file, before they are detached
 * @file: is being closed
 *
 * Context: may sleep.
 */
void v3u_devices_stop(struct v3u_file *file)
{
	struct v3u_object *object;
	unsigned long id;

	xa_for_each(&file->objects, id, object)
		if (object->type->kind == V3U_DEVICE)
			v3u_slot_stop(v3u_to_device(object));
}

/**
 * v3u_devices_release() - give the devices of a file back
 * @file: is being closed; nothing of it is attached
 *
 * Context: may sleep, for seconds where a reset takes that long.
 */
void v3u_devices_release(struct v3u_file *file)
{
	struct v3u_object *object;
	unsigned long id;

	xa_for_each(&file->objects, id, object)
		if (object->type->kind == V3U_DEVICE)
			v3u_slot_release(v3u_to_device(object));
}

/* lock_present() is v3u_slot_lock() of a device that the file still has. */
static enum v3c_reason lock_present(struct v3u_call *call, struct v3u_device *device)
{
	enum v3c_reason reason = v3u_slot_lock(call, device);

	if (reason || device->slot->device == device)
		return reason;
	v3u_slot_unlock(device);
	return v3u_slot_refuse_gone(call, device);
}

static enum v3c_reason create_core(struct v3u_call *call, struct v3u_device *device, u32 flags)
{
	bool tagged = flags & V3COMPAT_DEVICE_TAGGED;
	bool suppress = flags & V3COMPAT_DEVICE_SUPPRESS_FAULTS;
	struct v3c_device_config config = {
		.pasid = tagged || suppress, .tagged = tagged, .suppress = suppress,
	};
	enum v3c_reason reason = lock_present(call, device);

	if (reason)
		return reason;
	reason = v3c_device_create(&call->file->owner, device->slot->dev, &config, &device->core,
				   &call->why);
	if (!reason)
		atomic_inc(&call->file->devices);
	v3u_slot_unlock(device);
	return reason;
}

/* make_device() makes a device that nobody finds yet. */
static enum v3c_reason make_device(struct v3u_call *call, struct v3u_device *device,
				   const struct v3compat_device_create *arg)
{
	enum v3c_reason reason = v3u_slot_claim(call, &arg->name, device);

	if (reason)
		return reason;
	reason = create_core(call, device, arg->flags);
	if (reason) {
		v3u_slot_stop(device);
		v3u_slot_release(device);
	}
	return reason;
}

enum v3c_reason v3u_device_create(struct v3u_call *call)
{
	struct v3compat_device_create *arg = call->arg;
	struct v3u_device *device;
	enum v3c_reason reason;
	struct v3c_why why;

	reason = v3u_check_flags(call, arg->flags,
				 V3COMPAT_DEVICE_TAGGED | V3COMPAT_DEVICE_SUPPRESS_FAULTS) ?:
		 v3u_check_reserved(call, arg->__reserved) ?:
		 v3u_check_rawio(call);
	if (reason)
		return reason;
	device = v3u_object_new(call, &device_type, sizeof(*device));
	if (!device)
		return call->why.reason;
	reason = make_device(call, device, arg);
	if (!reason) {
		arg->out_device = device->object.id;
		reason = v3u_call_answer(call);
		if (!reason) {
			v3u_object_publish(&device->object);
			return 0;
		}
		v3c_device_destroy(device->core, &why);
		forget_core(device);
		v3u_slot_stop(device);
		v3u_slot_release(device);
	}
	v3u_object_abort(&device->object);
	return reason;
}

static enum v3c_reason query_by_name(struct v3u_call *call, struct v3compat_device_query *arg)
{
	struct v3compat_device_name name = arg->name;
	enum v3c_reason reason;

	memset(arg->out_blocker, 0, sizeof(arg->out_blocker));
	reason = v3u_slot_blocker(call, &name, arg->out_blocker, sizeof(arg->out_blocker));
	if (reason == V3C_REASON_KILLED)
		return reason;
	arg->out_blocker_reason = reason;
	return v3u_call_answer(call);
}

static u32 flags_of(const struct v3u_device *device, const struct v3c_capabilities *can)
{
	return (READ_ONCE(device->object.attached) ? V3COMPAT_DEVICE_ATTACHED : 0) |
	       (can->sva ? V3COMPAT_DEVICE_SVA : 0) |
	       (can->page_requests ? V3COMPAT_DEVICE_PAGE_REQUESTS : 0) |
	       (can->unrecoverable_faults ? V3COMPAT_DEVICE_FAULTS : 0);
}

/* query_present() is called under v3u_slot_lock(), which keeps the device there. */
static enum v3c_reason query_present(struct v3u_call *call, struct v3u_device *device,
				     struct v3compat_device_query *arg)
{
	struct v3c_capabilities can;
	enum v3c_reason reason;

	reason = v3c_device_capabilities(device->core, &can, &call->why);
	if (reason)
		return reason;
	arg->out_flags = flags_of(device, &can);
	arg->out_types = v3c_device_domain_types(device->core);
	arg->out_pasid_types = can.pasid_domain_types;
	arg->out_max_pasids = can.max_pasids;
	arg->out_faults_lost = can.faults_lost;
	strscpy_pad((char *)arg->out_iommu, can.iommu, sizeof(arg->out_iommu));
	scoped_guard(mutex, &v3c_topology)
		arg->out_input_mapping = v3c_device_first_input_mapping(device->core);
	return 0;
}

static enum v3c_reason query_device(struct v3u_call *call, struct v3u_device *device,
				    struct v3compat_device_query *arg)
{
	enum v3c_reason reason = v3u_slot_lock(call, device);

	if (reason)
		return reason;
	if (device->slot->device == device)
		reason = query_present(call, device, arg);
	if (device->slot->device != device || reason == V3C_REASON_DEVICE_GONE) {
		arg->out_flags = V3COMPAT_DEVICE_GONE;
		reason = 0;
	}
	v3u_slot_unlock(device);
	return reason;
}

enum v3c_reason v3u_device_query(struct v3u_call *call)
{
	struct v3compat_device_query *arg = call->arg;
	struct v3compat_device_query out = {
		.size = arg->size, .device = arg->device, .name = arg->name, .result = arg->result,
	};
	struct v3u_device *device;
	enum v3c_reason reason;

	*arg = out;
	if (!arg->device)
		return query_by_name(call, arg);
	if (memchr_inv(&arg->name, 0, sizeof(arg->name)))
		return v3u_check_reserved(call, 1);
	device = v3u_object_get(call, arg->device, V3U_DEVICE, V3C_PARAM_DEVICE);
	if (!device)
		return call->why.reason;
	reason = query_device(call, device, arg);
	v3u_object_put(&device->object);
	return reason ?: v3u_call_answer(call);
}

/*
 * list_mappings() returns a list of all IDs of the device, or NULL: it has more than there is room
 * for, or @reason is not 0.
 */
static u32 *list_mappings(struct v3u_call *call, struct v3u_device *device,
			  struct v3compat_input_mappings *arg, enum v3c_reason *reason)
{
	struct device *dev = device->slot->dev;
	struct v3c_why why;
	u32 *ids;

	*reason = v3c_device_input_mappings(dev, NULL, 0, &arg->out_ids, &why);
	if (*reason == V3C_REASON_NO_IOMMU) {
		call->why = why;
		return NULL;
	}
	*reason = 0;
	if (arg->max_ids < arg->out_ids)
		return NULL;
	ids = kcalloc(arg->out_ids, sizeof(*ids), GFP_KERNEL_ACCOUNT);
	if (!ids) {
		*reason = v3u_refuse(call, V3C_REASON_NO_MEMORY, V3C_PARAM_NONE, 0, 0);
		return NULL;
	}
	*reason = v3c_device_input_mappings(dev, ids, arg->out_ids, &arg->out_ids, &call->why);
	if (!*reason)
		return ids;
	kfree(ids);
	return NULL;
}

enum v3c_reason v3u_input_mappings(struct v3u_call *call)
{
	struct v3compat_input_mappings *arg = call->arg;
	struct v3u_device *device;
	enum v3c_reason reason;
	u32 *ids = NULL;

	device = v3u_object_get(call, arg->device, V3U_DEVICE, V3C_PARAM_DEVICE);
	if (!device)
		return call->why.reason;
	reason = lock_present(call, device);
	if (!reason) {
		ids = list_mappings(call, device, arg, &reason);
		v3u_slot_unlock(device);
	}
	v3u_object_put(&device->object);
	if (!reason && ids &&
	    copy_to_user(u64_to_user_ptr(arg->ids), ids, arg->out_ids * sizeof(*ids)))
		reason = v3u_refuse(call, V3C_REASON_BAD_POINTER, V3C_PARAM_BUFFER, arg->ids,
				    arg->ids + arg->out_ids * sizeof(*ids) - 1);
	kfree(ids);
	return reason ?: v3u_call_answer(call);
}

/* struct pair: a device or a sub-device, and the device that it is or belongs to. */
struct pair {
	struct v3u_object *object;
	struct v3u_device *device;
};

/* get_pair() holds both for use, or refuses. The device comes first, see &enum v3u_kind. */
static enum v3c_reason get_pair(struct v3u_call *call, u32 id, struct pair *pair)
{
	struct v3u_object *object;
	enum v3c_reason reason;

	object = v3u_object_find(call, id, V3U_DEVICE | V3U_PASID, V3C_PARAM_DEVICE);
	if (!object)
		return call->why.reason;
	pair->object = object;
	if (object->type->kind == V3U_DEVICE) {
		pair->device = v3u_to_device(object);
		reason = v3u_object_lock(call, object, V3C_PARAM_DEVICE);
		if (reason)
			v3u_object_drop(object);
		return reason;
	}
	pair->device = v3u_object_get(call, object->parent, V3U_DEVICE, V3C_PARAM_PASID);
	reason = pair->device ? v3u_object_lock(call, object, V3C_PARAM_PASID) : call->why.reason;
	if (!reason) {
		call->object = id;
		return 0;
	}
	if (pair->device)
		v3u_object_put(&pair->device->object);
	v3u_object_drop(object);
	return reason;
}

static void put_pair(struct pair *pair)
{
	v3u_object_put(pair->object);
	if (pair->object != &pair->device->object)
		v3u_object_put(&pair->device->object);
}

/* check_sight(): whoever shows a device all of memory needs the right to. */
static enum v3c_reason check_sight(struct v3u_call *call, struct v3c_domain *domain)
{
	bool all;

	scoped_guard(mutex, &v3c_topology)
		all = v3c_domain_shows_all(domain);
	return all ? v3u_check_physical(call) : 0;
}

static enum v3c_reason attach_device(struct v3u_call *call, struct v3u_domain *domain,
				     struct v3c_domain *core, struct v3u_device *device)
{
	enum v3c_reason reason = v3c_attach_device(core, device->core, &call->why);

	if (!reason)
		WRITE_ONCE(device->object.attached, domain->object.id);
	return reason;
}

/* tell_aperture(): the first device of its kind may have narrowed the domain. */
static void tell_aperture(struct v3u_call *call, struct v3u_domain *domain, struct v3c_domain *core)
{
	u64 last = v3c_lookup_last(core);
	bool changed;

	scoped_guard(mutex, &domain->lock) {
		changed = domain->last != last;
		domain->last = last;
	}
	if (changed)
		v3u_events_aperture(call->file, domain->object.id, last);
}

static enum v3c_reason attach_pair(struct v3u_call *call, struct v3u_domain *domain,
				   struct pair *pair)
{
	struct v3c_domain *core = v3u_domain_core(call, domain);
	enum v3c_reason reason;

	if (!core)
		return call->why.reason;
	reason = check_sight(call, core) ?: lock_present(call, pair->device);
	if (reason)
		return reason;
	if (pair->object->type->kind == V3U_PASID)
		reason = v3u_pasid_attach(call, pair->object, &domain->object);
	else
		reason = attach_device(call, domain, core, pair->device);
	if (!reason)
		v3u_slot_attached(pair->device, pair->object);
	v3u_slot_unlock(pair->device);
	if (!reason)
		tell_aperture(call, domain, core);
	return reason;
}

enum v3c_reason v3u_attach(struct v3u_call *call)
{
	const struct v3compat_attach *arg = call->arg;
	enum v3c_reason reason = v3u_check_flags(call, arg->flags, 0);
	struct v3u_domain *domain;
	struct pair pair;

	if (reason)
		return reason;
	domain = v3u_object_get(call, arg->domain, V3U_DOMAIN, V3C_PARAM_DOMAIN);
	if (!domain)
		return call->why.reason;
	reason = get_pair(call, arg->object, &pair);
	if (!reason) {
		reason = attach_pair(call, domain, &pair);
		put_pair(&pair);
	}
	v3u_object_put(&domain->object);
	return reason;
}

static enum v3c_reason detach_device(struct v3u_call *call, struct v3u_device *device)
{
	enum v3c_reason reason = v3c_detach_device(device->core, &call->why);

	/* NOT_ATTACHED, because the core detaches a device that leaves, or that may not stay. */
	if (!reason || reason == V3C_REASON_NOT_ATTACHED)
		WRITE_ONCE(device->object.attached, 0);
	return reason;
}

static enum v3c_reason detach_pair(struct v3u_call *call, struct pair *pair)
{
	bool tagged = pair->object->type->kind == V3U_PASID, counted;
	enum v3c_reason reason = 0;

	/* Before anything is done, because a refusal must not keep the device from DMA. */
	if (tagged) {
		call->member = V3W_DetachPasidDevice;
		reason = v3u_pasid_check(call, pair->object);
	}
	reason = reason ?: v3u_slot_lock(call, pair->device);
	if (reason)
		return reason;
	counted = v3u_slot_detaching(pair->device, pair->object);
	if (tagged)
		reason = v3u_pasid_detach(call, pair->object);
	else
		reason = detach_device(call, pair->device);
	if (counted && reason && reason != V3C_REASON_NOT_ATTACHED)
		v3u_slot_attached(pair->device, pair->object);
	v3u_slot_unlock(pair->device);
	return reason;
}

enum v3c_reason v3u_detach(struct v3u_call *call)
{
	const struct v3compat_attach *arg = call->arg;
	enum v3c_reason reason = v3u_check_flags(call, arg->flags, 0) ?:
				 v3u_check_reserved(call, arg->domain);
	struct pair pair;

	if (reason)
		return reason;
	reason = get_pair(call, arg->object, &pair);
	if (reason)
		return reason;
	reason = detach_pair(call, &pair);
	put_pair(&pair);
	return reason;
}
