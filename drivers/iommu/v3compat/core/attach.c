// SPDX-License-Identifier: GPL-2.0
/*
 * Attachments: v3c_attach_device(), v3c_attach_pasid() and v3c_attach_pdo() attach to a domain, and
 * their v3c_detach_*() undo it. Which page table serves the DMA is decided in target.c.
 */
#include <linux/device.h>
#include <linux/export.h>
#include <linux/mutex.h>
#include <linux/slab.h>

#include <v3compat/kcompat.h>

#include "base/topology.h"
#include "base/trace.h"
#include "core/attach.h"
#include "core/attachment.h"
#include "core/device.h"
#include "core/domain.h"
#include "core/fault.h"
#include "core/group.h"
#include "core/hwpts.h"
#include "core/msi.h"
#include "core/pasid.h"
#include "core/sva.h"
#include "core/target.h"

/*
 * lock_quiet() takes @domain->mutex and then v3c_topology; @domain may be dead. v3c_topology is
 * never held while a mutex is waited for, because the mutex's holder may be in an attach that waits
 * for a process, and all devices of the system come and go under v3c_topology. Quick operations are
 * waited for before v3c_topology is taken. Returns 0, or -EBUSY when the caller is killed.
 */
static int lock_quiet(struct v3c_domain *domain)
{
	if (mutex_lock_killable(&domain->mutex))
		return -EBUSY;
	if (v3c_handle_is(domain, V3C_KIND_DOMAIN))
		v3c_domain_forbid_quick(domain);
	mutex_lock(&v3c_topology);
	return 0;
}

static void unlock_quiet(struct v3c_domain *domain)
{
	if (v3c_handle_is(domain, V3C_KIND_DOMAIN))
		v3c_domain_allow_quick(domain);
	mutex_unlock(&domain->mutex);
}

/*
 * begin_attach() takes @domain->mutex and v3c_topology; @domain may be dead. No quick operation
 * starts on it until end_attach(). As long as must_wait(@object) says under both locks that the
 * attach would wait in the IOMMU core, the wait is done here instead, with both locks released,
 * because nobody can kill a caller that waits in the core. Returns 0, or -EBUSY when the caller is
 * killed.
 */
static int begin_attach(struct v3c_domain *domain, bool (*must_wait)(void *object), void *object)
{
	int ret;

	for (;;) {
		ret = lock_quiet(domain);
		if (ret)
			return ret;
		if (!must_wait(object))
			return 0;
		unlock_quiet(domain);
		ret = v3c_group_wait_killable();
		mutex_unlock(&v3c_topology);
		if (ret)
			return ret;
	}
}

static void end_attach(struct v3c_domain *domain)
{
	mutex_unlock(&v3c_topology);
	unlock_quiet(domain);
}

/*
 * detaches_alone(): a detach from @hwpt holds the domain's mutex, so that it meets no attach. With
 * &v3c_rules.attach_sends an attach sends the maps of a table that has no device, and no detach may
 * change what it finds while it does so. Holding the mutex does no harm there, because such an
 * IOMMU makes no page requests, for which a detach would wait.
 */
static bool detaches_alone(const struct v3c_hwpt *hwpt)
{
	return hwpt && hwpt->rules.attach_sends;
}

/* attach_untagged(): @device is alive, attached nowhere, and allowed on @domain's type. */
static enum v3c_reason attach_untagged(struct v3c_domain *domain, struct v3c_device *device,
				       struct v3c_why *why)
{
	struct v3c_target target = { .dev = device->pdo };
	enum v3c_reason reason;

	device->busy = true;
	reason = v3c_target_attach(domain, &target, device, why);
	device->busy = false;
	if (reason)
		return reason;
	target.group->domain = domain;
	target.group->untagged++;
	device->group = target.group;
	device->domain = domain;
	v3c_fault_open(&device->faults, &device->reporter, domain, target.group->hwpt, V3C_NO_PASID,
		       false);
	list_add_tail(&device->attached, &domain->devices);
	return 0;
}

/* detach_untagged(): @device is attached and not busy. v3c_topology is released meanwhile. */
static void detach_untagged(struct v3c_device *device)
{
	struct v3c_domain *domain = device->domain;
	struct v3c_group *group = device->group;
	bool last = !--group->untagged;
	struct v3c_hwpt *hwpt = last ? group->hwpt : NULL;
	bool alone = detaches_alone(hwpt);

	lockdep_assert_held(&v3c_topology);

	device->busy = true;
	v3c_group_begin(group);
	v3c_fault_close(&device->faults);
	if (alone)
		mutex_lock(&domain->mutex);
	if (last)
		v3c_group_detach(group);
	if (!alone)
		mutex_lock(&domain->mutex);
	if (hwpt)
		v3c_hwpts_release(domain, hwpt);
	v3c_group_end(group);
	if (last)
		group->domain = NULL;
	list_del(&device->attached);
	mutex_unlock(&domain->mutex);
	device->group = NULL;
	device->domain = NULL;
	v3c_group_unuse(group, false);
	device->busy = false;
}

/* attach_tagged(): @pasid's device is not gone. @attachment is new; on success @pasid owns it. */
static enum v3c_reason attach_tagged(struct v3c_domain *domain, struct v3c_pasid *pasid,
				     struct v3c_attachment *attachment, struct v3c_why *why)
{
	struct v3c_target target = { .dev = attachment->dev, .tagged = attachment };
	enum v3c_reason reason;

	pasid->busy = true;
	reason = v3c_target_attach(domain, &target, pasid, why);
	pasid->busy = false;
	if (reason)
		return reason;
	pasid->group = target.group;
	pasid->attachment = attachment;
	list_add_tail(&attachment->entry, &domain->pasids);
	return 0;
}

/* detach_tagged(): @pasid is attached and not busy. v3c_topology is released meanwhile. */
static void detach_tagged(struct v3c_pasid *pasid)
{
	struct v3c_attachment *attachment = pasid->attachment;
	struct v3c_domain *domain = attachment->domain;
	struct v3c_group *group = pasid->group;
	bool alone = detaches_alone(attachment->hwpt);

	lockdep_assert_held(&v3c_topology);

	pasid->busy = true;
	v3c_group_begin(group);
	if (alone)
		mutex_lock(&domain->mutex);
	v3c_attachment_detach(attachment);
	if (!alone)
		mutex_lock(&domain->mutex);
	v3c_hwpts_release(domain, attachment->hwpt);
	v3c_group_end(group);
	list_del(&attachment->entry);
	mutex_unlock(&domain->mutex);
	pasid->group = NULL;
	pasid->attachment = NULL;
	kfree(attachment);
	v3c_group_unuse(group, true);
	pasid->busy = false;
}

/* is_of_others() is true when @domain is alive and its owner is not the one of @device. */
static bool is_of_others(const struct v3c_domain *domain, const struct v3c_device *device)
{
	return v3c_handle_is(domain, V3C_KIND_DOMAIN) &&
	       domain->handle.owner != device->handle.owner;
}

static enum v3c_reason try_attach_device(struct v3c_domain *domain, struct v3c_device *device,
					 struct v3c_why *why)
{
	enum v3c_reason reason;

	if (v3c_device_is_gone(device))
		return v3c_refuse(why, V3C_REASON_DEVICE_GONE, V3C_PARAM_DEVICE, device, 0, 0);
	if (is_of_others(domain, device))
		return v3c_refuse(why, V3C_REASON_OTHER_OWNER, V3C_PARAM_DEVICE, device, 0, 0);
	if (device->domain)
		return v3c_refuse(why, V3C_REASON_ATTACHED, V3C_PARAM_DEVICE, device, 0, 0);
	reason = v3c_device_check_type(device, domain->type, why);
	if (reason)
		return reason;
	if (!v3c_msi_may_attach(device->pdo, domain->type))
		return v3c_refuse(why, V3C_REASON_MSI, V3C_PARAM_DEVICE, device, domain->type, 0);
	return attach_untagged(domain, device, why);
}

/* twin_attached(): another DMA device of the same hardware, which attaches once, is attached. */
static bool twin_attached(struct v3c_device *device)
{
	struct v3c_device *other;

	lockdep_assert_held(&v3c_topology);

	list_for_each_entry(other, &v3c_device_list, entry)
		if (other != device && other->pdo == device->pdo && other->domain)
			return true;
	return false;
}

/* device_must_wait(): an attach that nothing refuses would wait in the IOMMU core. */
static bool device_must_wait(void *object)
{
	struct v3c_device *device = object;

	return v3c_handle_is(device, V3C_KIND_DEVICE) && !v3c_device_is_gone(device) &&
	       !device->domain && v3c_group_is_busy(device->pdo);
}

/**
 * v3c_attach_device() - attach a device to a domain
 * @domain: the domain
 * @device: the device
 * @why: filled on refusal
 *
 * Context: may sleep.
 * Return: 0 or a reason, see AttachDeviceEx in contract.h.
 */
enum v3c_reason v3c_attach_device(struct v3c_domain *domain, struct v3c_device *device,
				  struct v3c_why *why)
{
	int ret = begin_attach(domain, device_must_wait, device);
	enum v3c_reason reason;

	if (ret)
		return v3c_refuse_errno(why, ret, V3C_PARAM_DEVICE, device, 0, 0);
	if (!v3c_handle_is(device, V3C_KIND_DEVICE)) {
		reason = v3c_refuse(why, V3C_REASON_BAD_HANDLE, V3C_PARAM_DEVICE, NULL, 0, 0);
		goto unlock;
	}
	if (twin_attached(device))
		reason = v3c_refuse(why, V3C_REASON_ATTACHED, V3C_PARAM_DEVICE, device, 0, 0);
	else
		reason = try_attach_device(domain, device, why);
	trace_v3compat_attach(domain, device, reason);
unlock:
	end_attach(domain);
	return reason;
}
V3C_EXPORT_NS_GPL(v3c_attach_device, V3COMPAT_TEST);

/*
 * device_is_busy(): a detach would meet another call that attaches or detaches @device, or would
 * wait in the IOMMU core for an attach or a bond in its group.
 */
static bool device_is_busy(const struct v3c_device *device)
{
	lockdep_assert_held(&v3c_topology);

	return device->busy ||
	       (device->group && (device->group->attaching || device->group->binding));
}

/**
 * v3c_detach_now() - detach a device
 * @device: attached, and nobody is busy with it
 *
 * Context: may sleep; under v3c_topology, which is released meanwhile.
 */
void v3c_detach_now(struct v3c_device *device)
{
	struct v3c_domain *domain = device->domain;

	lockdep_assert_held(&v3c_topology);

	detach_untagged(device);
	trace_v3compat_detach(domain, device, 0);
}

/**
 * v3c_detach_device() - detach a device from its domain
 * @device: the device
 * @why: filled on refusal
 *
 * A call that is attaching or detaching @device is waited for, so that it is attached nowhere when
 * this returns.
 *
 * Context: may sleep.
 * Return: 0, %V3C_REASON_BAD_HANDLE or %V3C_REASON_NOT_ATTACHED; or %V3C_REASON_KILLED with nothing
 * changed. Once the detach has begun, no signal ends it.
 */
enum v3c_reason v3c_detach_device(struct v3c_device *device, struct v3c_why *why)
{
	guard(mutex)(&v3c_topology);
	while (v3c_handle_is(device, V3C_KIND_DEVICE) && device_is_busy(device))
		if (v3c_group_wait_for(device))
			return v3c_refuse_errno(why, -EINTR, V3C_PARAM_NONE, device, 0, 0);
	if (!v3c_handle_is(device, V3C_KIND_DEVICE))
		return v3c_refuse(why, V3C_REASON_BAD_HANDLE, V3C_PARAM_DEVICE, NULL, 0, 0);
	if (!device->domain) {
		trace_v3compat_detach(NULL, device, V3C_REASON_NOT_ATTACHED);
		return v3c_refuse(why, V3C_REASON_NOT_ATTACHED, V3C_PARAM_DEVICE, device, 0, 0);
	}
	v3c_detach_now(device);
	return 0;
}
V3C_EXPORT_NS_GPL(v3c_detach_device, V3COMPAT_TEST);

/* is_busy_pdo(): device_is_busy() for the attached DMA device of @pdo, or one being attached. */
static bool is_busy_pdo(struct device *pdo)
{
	struct v3c_device *device;

	lockdep_assert_held(&v3c_topology);

	list_for_each_entry(device, &v3c_device_list, entry)
		if (device->pdo == pdo && (device->domain || device->busy) &&
		    device_is_busy(device))
			return true;
	return false;
}

static bool must_wait_pdo(void *pdo)
{
	return !v3c_device_find_attached(pdo) && v3c_group_is_busy(pdo);
}

/**
 * v3c_attach_pdo() - V1's attach, which knows no DMA devices
 * @domain: the domain
 * @pdo: the device
 * @why: filled on refusal
 *
 * The DMA device that it makes lives until v3c_detach_pdo() or the removal of @pdo.
 *
 * Context: may sleep; the caller keeps @pdo from being removed during the call.
 * Return: 0 or a reason, see V1's AttachDevice in contract.h.
 */
enum v3c_reason v3c_attach_pdo(struct v3c_domain *domain, struct device *pdo, struct v3c_why *why)
{
	static const struct v3c_device_config plain;
	struct v3c_device *device = NULL;
	enum v3c_reason reason;
	int ret;

	ret = begin_attach(domain, must_wait_pdo, pdo);
	if (ret)
		return v3c_refuse_errno(why, ret, V3C_PARAM_DEVICE, NULL, 0, 0);
	if (!v3c_device_has_iommu(pdo)) {
		reason = v3c_refuse(why, V3C_REASON_NO_IOMMU, V3C_PARAM_DEVICE, NULL, 0, 0);
		goto unlock;
	}
	if (v3c_device_find_attached(pdo)) {
		reason = v3c_refuse(why, V3C_REASON_ATTACHED, V3C_PARAM_DEVICE, NULL, 0, 0);
		goto unlock;
	}
	device = v3c_device_make(domain->handle.owner, pdo, true, &plain);
	if (!device) {
		reason = v3c_refuse(why, V3C_REASON_NO_MEMORY, V3C_PARAM_NONE, NULL, 0, 0);
		goto unlock;
	}
	reason = try_attach_device(domain, device, why);
	trace_v3compat_attach(domain, device, reason);
	if (reason)
		v3c_device_retire(device);
unlock:
	end_attach(domain);
	if (device && reason)
		v3c_device_free(device);
	return reason;
}

/**
 * v3c_detach_pdo() - V1's detach
 * @domain: the domain that the device must be attached to
 * @pdo: the device
 * @why: filled on refusal
 *
 * Context: may sleep.
 * Return: 0, or %V3C_REASON_NOT_ATTACHED.
 */
enum v3c_reason v3c_detach_pdo(struct v3c_domain *domain, struct device *pdo, struct v3c_why *why)
{
	struct v3c_device *device;

	scoped_guard(mutex, &v3c_topology) {
		while (is_busy_pdo(pdo))
			v3c_group_wait();
		device = v3c_device_find_attached(pdo);
		if (!device || !device->v1 || device->domain != domain)
			return v3c_refuse(why, V3C_REASON_NOT_ATTACHED, V3C_PARAM_DEVICE, NULL, 0,
					  0);
		v3c_detach_now(device);
		v3c_device_retire(device);
	}
	v3c_device_free(device);
	return 0;
}

/*
 * pasid_is_busy(): a detach would meet another call that attaches or detaches @pasid, or would wait
 * in the IOMMU core for an attach or a bond.
 */
static bool pasid_is_busy(const struct v3c_pasid *pasid)
{
	lockdep_assert_held(&v3c_topology);

	return pasid->busy || (pasid->sva && v3c_sva_is_bonding()) ||
	       (pasid->group && (pasid->group->attaching || pasid->group->binding));
}

/* pasid_must_wait() is device_must_wait() for a sub-device. */
static bool pasid_must_wait(void *object)
{
	struct v3c_pasid *pasid = object;

	return v3c_handle_is(pasid, V3C_KIND_PASID) && !v3c_device_is_gone(pasid->device) &&
	       !v3c_pasid_is_attached(pasid) && v3c_group_is_busy(pasid->device->pdo);
}

static enum v3c_reason try_attach_pasid(struct v3c_domain *domain, struct v3c_pasid *pasid,
					struct v3c_why *why)
{
	struct v3c_attachment *attachment;
	enum v3c_reason reason;

	if (v3c_device_is_gone(pasid->device))
		return v3c_refuse(why, V3C_REASON_DEVICE_GONE, V3C_PARAM_PASID, pasid, 0, 0);
	if (is_of_others(domain, pasid->device))
		return v3c_refuse(why, V3C_REASON_OTHER_OWNER, V3C_PARAM_PASID, pasid, 0, 0);
	if (pasid->of_process && !pasid->sva)
		return v3c_refuse(why, V3C_REASON_BAD_CONFIG, V3C_PARAM_PASID, pasid,
				  pasid->number, 0);
	if (domain->type == V3C_DOMAIN_PASSTHROUGH)
		return v3c_refuse(why, V3C_REASON_WRONG_TYPE, V3C_PARAM_DOMAIN, domain,
				  domain->type, 0);
	if (v3c_pasid_is_attached(pasid))
		return v3c_refuse(why, V3C_REASON_ATTACHED, V3C_PARAM_PASID, pasid, pasid->number,
				  0);
	attachment = v3c_attachment_new(pasid, domain);
	if (!attachment)
		return v3c_refuse(why, V3C_REASON_NO_MEMORY, V3C_PARAM_NONE, pasid, 0, 0);
	reason = attach_tagged(domain, pasid, attachment, why);
	if (reason)
		kfree(attachment);
	return reason;
}

/**
 * v3c_attach_pasid() - attach a sub-device to a domain
 * @domain: the domain
 * @pasid: the sub-device
 * @why: filled on refusal
 *
 * Context: may sleep.
 * Return: 0 or a reason, see AttachPasidDevice in contract.h.
 */
enum v3c_reason v3c_attach_pasid(struct v3c_domain *domain, struct v3c_pasid *pasid,
				 struct v3c_why *why)
{
	int ret = begin_attach(domain, pasid_must_wait, pasid);
	enum v3c_reason reason;

	if (ret)
		return v3c_refuse_errno(why, ret, V3C_PARAM_PASID, pasid, 0, 0);
	if (v3c_handle_is(pasid, V3C_KIND_PASID)) {
		reason = try_attach_pasid(domain, pasid, why);
		trace_v3compat_attach_pasid(domain, pasid, reason);
	} else {
		reason = v3c_refuse(why, V3C_REASON_BAD_HANDLE, V3C_PARAM_PASID, NULL, 0, 0);
	}
	end_attach(domain);
	return reason;
}

/* detach_pasid(): @pasid is attached and not busy. v3c_topology is released meanwhile. */
static void detach_pasid(struct v3c_pasid *pasid)
{
	struct v3c_domain *domain = pasid->attachment ? pasid->attachment->domain : NULL;

	if (domain)
		detach_tagged(pasid);
	else
		v3c_sva_unbind(pasid);
	trace_v3compat_detach_pasid(domain, pasid, 0);
}

/**
 * v3c_detach_pasid() - detach a sub-device from its domain, or from its process
 * @pasid: the sub-device
 * @why: filled on refusal
 *
 * A call that is attaching or detaching @pasid is waited for, so that it is attached nowhere when
 * this returns.
 *
 * Context: may sleep.
 * Return: 0, %V3C_REASON_BAD_HANDLE or %V3C_REASON_NOT_ATTACHED; or %V3C_REASON_KILLED with nothing
 * changed. Once the detach has begun, no signal ends it.
 */
enum v3c_reason v3c_detach_pasid(struct v3c_pasid *pasid, struct v3c_why *why)
{
	guard(mutex)(&v3c_topology);
	while (v3c_handle_is(pasid, V3C_KIND_PASID) && pasid_is_busy(pasid))
		if (v3c_group_wait_for(pasid))
			return v3c_refuse_errno(why, -EINTR, V3C_PARAM_NONE, pasid, 0, 0);
	if (!v3c_handle_is(pasid, V3C_KIND_PASID))
		return v3c_refuse(why, V3C_REASON_BAD_HANDLE, V3C_PARAM_PASID, NULL, 0, 0);
	if (!v3c_pasid_is_attached(pasid))
		return v3c_refuse(why, V3C_REASON_NOT_ATTACHED, V3C_PARAM_PASID, pasid,
				  pasid->number, 0);
	detach_pasid(pasid);
	return 0;
}

/**
 * v3c_detach_one_pasid() - detach a sub-device, or wait for a call that is busy with one
 * @device: whose
 *
 * Context: may sleep; under v3c_topology, which is released meanwhile.
 * Return: whether there was one; then @device may be gone for good.
 */
bool v3c_detach_one_pasid(struct v3c_device *device)
{
	struct v3c_pasid *pasid;

	lockdep_assert_held(&v3c_topology);

	list_for_each_entry(pasid, &device->pasids, entry) {
		if (pasid_is_busy(pasid))
			v3c_group_wait();
		else if (v3c_pasid_is_attached(pasid))
			detach_pasid(pasid);
		else
			continue;
		return true;
	}
	return false;
}

/**
 * v3c_detach_one() - detach a device or a sub-device of it, or wait for a call busy with one
 * @device: the device
 *
 * Context: may sleep; under v3c_topology, which is released meanwhile.
 * Return: whether there was something; then @device may be gone for good.
 */
bool v3c_detach_one(struct v3c_device *device)
{
	if (v3c_detach_one_pasid(device))
		return true;
	if (!device->domain && !device->busy)
		return false;
	if (device_is_busy(device))
		v3c_group_wait();
	else
		v3c_detach_now(device);
	return true;
}
