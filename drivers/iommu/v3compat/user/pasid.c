// SPDX-License-Identifier: GPL-2.0
/*
 * Sub-devices of a file.
 *
 * The number of one that was destroyed is free for others at once. It need not be held until the
 * device is closed: the tables that it is looked up in are those of the devices of one IOMMU group,
 * which a file has to itself until the device is quiet. Who can make a device of the file use a
 * number can make it use any.
 */
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "core/attach.h"
#include "core/pasid.h"
#include "core/sva.h"
#include "user/call.h"
#include "user/commands.h"
#include "user/device_object.h"
#include "user/domain.h"
#include "user/pasid.h"
#include "user/quota.h"
#include "user/slot.h"

/**
 * v3u_pasid_check() - whether the caller may do something with a sub-device
 * @call: the command
 * @object: the sub-device, held for use
 *
 * What is bound to a process is that process' business. When it has gone, others may take the
 * sub-device apart, which reaches nothing any more.
 *
 * Context: any of the caller.
 * Return: 0 or %V3C_REASON_OTHER_PROCESS.
 */
enum v3c_reason v3u_pasid_check(struct v3u_call *call, struct v3u_object *object)
{
	struct mm_struct *mm = v3u_to_pasid(object)->mm;

	if (!mm || mm == current->mm || !atomic_read(&mm->mm_users))
		return 0;
	return v3u_refuse(call, V3C_REASON_OTHER_PROCESS, V3C_PARAM_PASID, 0, 0);
}

static void forget_core(struct v3u_pasid *pasid)
{
	pasid->core = NULL;
	atomic_dec(&pasid->object.file->pasids);
}

static enum v3c_reason destroy_pasid(struct v3u_object *object, struct v3u_call *call)
{
	struct v3u_pasid *pasid = v3u_to_pasid(object);
	enum v3c_reason reason;

	call->member = V3W_DeletePasidDevice;
	reason = v3u_pasid_check(call, object) ?: v3u_slot_lock(call, pasid->device);
	if (reason)
		return reason;
	reason = v3c_pasid_destroy(pasid->core, &call->why);
	if (!reason) {
		forget_core(pasid);
		/* The core may have detached it on its own. */
		v3u_slot_detaching(pasid->device, object);
	}
	v3u_slot_unlock(pasid->device);
	return reason;
}

static void close_pasid(struct v3u_object *object)
{
	forget_core(v3u_to_pasid(object));
}

static void free_pasid(struct v3u_object *object)
{
	struct v3u_pasid *pasid = v3u_to_pasid(object);

	if (pasid->mm)
		mmdrop(pasid->mm);
	if (pasid->device)
		v3u_object_drop(&pasid->device->object);
	kfree(pasid);
}

static const struct v3u_type pasid_type = {
	.kind = V3U_PASID,
	.name = "sub-device",
	.destroy = destroy_pasid,
	.close = close_pasid,
	.free = free_pasid,
};

/* create_core() makes the device a bus master for one that is bound to a process at once. */
static enum v3c_reason create_core(struct v3u_call *call, struct v3u_pasid *pasid,
				   struct v3u_device *device, bool sva)
{
	enum v3c_reason reason;

	if (!sva)
		return v3c_pasid_create(device->core, &pasid->core, &call->why);
	reason = v3u_slot_lock(call, device);
	if (reason)
		return reason;
	reason = v3c_sva_create(device->core, current->mm, &pasid->core, &call->why);
	if (!reason) {
		pasid->mm = current->mm;
		mmgrab(pasid->mm);
		v3u_slot_attached(device, &pasid->object);
	}
	v3u_slot_unlock(device);
	return reason;
}

/*
 * destroy_core() undoes create_core(). False when the caller was killed meanwhile, and nobody but
 * the end of the file can take the sub-device apart.
 */
static bool destroy_core(struct v3u_pasid *pasid)
{
	struct v3c_why why;

	v3u_slot_detached(pasid->device, &pasid->object);
	if (pasid->mm)
		v3c_detach_pasid(pasid->core, &why);
	return !v3c_pasid_destroy(pasid->core, &why);
}

/* make_pasid() makes a sub-device that nobody finds yet. The core keeps its device from going. */
static struct v3u_pasid *make_pasid(struct v3u_call *call, struct v3u_device *device, bool sva)
{
	struct v3u_pasid *pasid = v3u_object_new(call, &pasid_type, sizeof(*pasid));

	if (!pasid)
		return NULL;
	pasid->object.parent = device->object.id;
	pasid->device = device;
	v3u_object_hold(&device->object);
	mutex_init(&pasid->attaching);
	if (!v3u_quota_pasid(call)) {
		if (!create_core(call, pasid, device, sva)) {
			pasid->number = pasid->core->number;
			return pasid;
		}
		forget_core(pasid);
	}
	v3u_object_abort(&pasid->object);
	return NULL;
}

enum v3c_reason v3u_pasid_create(struct v3u_call *call)
{
	struct v3compat_pasid_create *arg = call->arg;
	enum v3c_reason reason;
	struct v3u_device *device;
	struct v3u_pasid *pasid;

	reason = v3u_check_flags(call, arg->flags, V3COMPAT_PASID_SVA) ?:
		 v3u_check_reserved(call, arg->__reserved);
	if (reason)
		return reason;
	if (arg->flags & V3COMPAT_PASID_SVA)
		call->member = V3W_v3compat_create_sva_device;
	device = v3u_object_get(call, arg->device, V3U_DEVICE, V3C_PARAM_DEVICE);
	if (!device)
		return call->why.reason;
	pasid = make_pasid(call, device, arg->flags & V3COMPAT_PASID_SVA);
	v3u_object_put(&device->object);
	if (!pasid)
		return call->why.reason;
	arg->out_pasid = pasid->object.id;
	arg->out_number = pasid->number;
	reason = v3u_call_answer(call);
	if (!reason || !destroy_core(pasid)) {
		v3u_object_publish(&pasid->object);
		return reason;
	}
	forget_core(pasid);
	v3u_object_abort(&pasid->object);
	return reason;
}

static enum v3c_reason lock_attaching(struct v3u_call *call, struct v3u_pasid *pasid)
{
	if (mutex_lock_killable(&pasid->attaching))
		return v3u_refuse(call, V3C_REASON_KILLED, V3C_PARAM_NONE, 0, 0);
	return 0;
}

/**
 * v3u_pasid_attach() - attach a sub-device to a domain
 * @call: the command
 * @object: the sub-device, held for use
 * @domain: the domain, likewise; the caller may let devices see all that it shows
 *
 * Context: may sleep; killable.
 * Return: 0; %V3C_REASON_OTHER_PROCESS; %V3C_REASON_KILLED; what v3u_domain_core() refuses; or a
 * reason, see AttachPasidDevice in contract.h.
 */
enum v3c_reason v3u_pasid_attach(struct v3u_call *call, struct v3u_object *object,
				 struct v3u_object *domain)
{
	struct v3u_pasid *pasid = v3u_to_pasid(object);
	struct v3c_domain *core;
	enum v3c_reason reason;

	call->member = V3W_AttachPasidDevice;
	reason = v3u_pasid_check(call, object);
	if (reason)
		return reason;
	core = v3u_domain_core(call, v3u_to_domain(domain));
	if (!core)
		return call->why.reason;
	reason = lock_attaching(call, pasid);
	if (reason)
		return reason;
	reason = v3c_attach_pasid(core, pasid->core, &call->why);
	if (!reason)
		WRITE_ONCE(object->attached, domain->id);
	mutex_unlock(&pasid->attaching);
	return reason;
}

/**
 * v3u_pasid_detach() - detach a sub-device from its domain, or from its process
 * @call: the command
 * @object: the sub-device, held for use, and passed by v3u_pasid_check()
 *
 * Context: may sleep; killable.
 * Return: 0; %V3C_REASON_NOT_ATTACHED; or %V3C_REASON_KILLED.
 */
enum v3c_reason v3u_pasid_detach(struct v3u_call *call, struct v3u_object *object)
{
	struct v3u_pasid *pasid = v3u_to_pasid(object);
	enum v3c_reason reason;

	call->member = V3W_DetachPasidDevice;
	reason = lock_attaching(call, pasid);
	if (reason)
		return reason;
	reason = v3c_detach_pasid(pasid->core, &call->why);
	/* A device that has left the system was detached by the core. */
	if (!reason || reason == V3C_REASON_NOT_ATTACHED)
		WRITE_ONCE(object->attached, 0);
	mutex_unlock(&pasid->attaching);
	return reason;
}
