// SPDX-License-Identifier: GPL-2.0
/*
 * PASID sub-devices: a number, and what DMA tagged with it goes through: a domain or a process.
 */
#include <linux/device.h>
#include <linux/iommu.h>

#include "base/topology.h"
#include "core/device.h"
#include "core/pasid.h"

static void pasid_init_once(void *object)
{
	/* &struct v3c_pasid has no lock of its own. */
}

struct v3c_pool v3c_pasid_pool =
	V3C_POOL(v3c_pasid_pool, V3C_KIND_PASID, struct v3c_pasid, "sub-device", pasid_init_once);

/* v3c_pasid_enlist() keeps @device from being deleted. @pasid is not published yet. */
void v3c_pasid_enlist(struct v3c_pasid *pasid, struct v3c_device *device, bool of_process)
{
	lockdep_assert_held(&v3c_topology);

	pasid->device = device;
	pasid->of_process = of_process;
	pasid->group = NULL;
	pasid->attachment = NULL;
	pasid->sva = NULL;
	pasid->busy = false;
	list_add_tail(&pasid->entry, &device->pasids);
}

enum v3c_reason v3c_pasid_check_parent(struct v3c_device *device, struct v3c_why *why)
{
	lockdep_assert_held(&v3c_topology);

	if (!v3c_handle_is(device, V3C_KIND_DEVICE))
		return v3c_refuse(why, V3C_REASON_BAD_HANDLE, V3C_PARAM_DEVICE, NULL, 0, 0);
	if (v3c_device_is_gone(device))
		return v3c_refuse(why, V3C_REASON_DEVICE_GONE, V3C_PARAM_DEVICE, device, 0, 0);
	if (!device->tagged)
		return v3c_refuse(why, V3C_REASON_BAD_CONFIG, V3C_PARAM_DEVICE, device, 0, 0);
	return 0;
}

/* v3c_pasid_alloc(): nobody sees *@out yet. It goes to v3c_pasid_enlist() or back to its pool. */
enum v3c_reason v3c_pasid_alloc(struct v3c_device *device, struct v3c_pasid **out,
				struct v3c_why *why)
{
	enum v3c_reason reason = v3c_pasid_check_parent(device, why);

	if (reason)
		return reason;
	*out = v3c_handle_alloc(&v3c_pasid_pool, device->handle.owner);
	if (!*out)
		return v3c_refuse(why, V3C_REASON_NO_MEMORY, V3C_PARAM_NONE, device, 0, 0);
	return 0;
}

/**
 * v3c_pasid_create() - make a sub-device with a number of its own
 * @device: whose
 * @out: result, untouched on failure
 * @why: filled on refusal
 *
 * Context: may sleep.
 * Return: 0, %V3C_REASON_BAD_HANDLE, %V3C_REASON_DEVICE_GONE, %V3C_REASON_BAD_CONFIG without tagged
 * DMA, %V3C_REASON_NO_MEMORY or %V3C_REASON_NO_PASID.
 */
enum v3c_reason v3c_pasid_create(struct v3c_device *device, struct v3c_pasid **out,
				 struct v3c_why *why)
{
	struct v3c_pasid *pasid;
	enum v3c_reason reason;

	guard(mutex)(&v3c_topology);
	reason = v3c_pasid_alloc(device, &pasid, why);
	if (reason)
		return reason;
	pasid->number = iommu_alloc_global_pasid(device->pdo);
	if (pasid->number == IOMMU_PASID_INVALID) {
		v3c_handle_free(&v3c_pasid_pool, &pasid->handle);
		return v3c_refuse(why, V3C_REASON_NO_PASID, V3C_PARAM_DEVICE, device, 0,
				  device->pdo->iommu->max_pasids);
	}
	v3c_pasid_enlist(pasid, device, false);
	v3c_handle_publish(&v3c_pasid_pool, &pasid->handle);
	*out = pasid;
	return 0;
}

void v3c_pasid_free(struct v3c_pasid *pasid)
{
	lockdep_assert_held(&v3c_topology);

	v3c_handle_retire(&pasid->handle);
	list_del(&pasid->entry);
	if (!pasid->of_process)
		iommu_free_global_pasid(pasid->number);
	v3c_handle_free(&v3c_pasid_pool, &pasid->handle);
}

/**
 * v3c_pasid_destroy() - delete a sub-device; its number is free for others
 * @pasid: the sub-device; its device may be gone
 * @why: filled on refusal
 *
 * Context: may sleep.
 * Return: 0, %V3C_REASON_BAD_HANDLE or %V3C_REASON_ATTACHED.
 */
enum v3c_reason v3c_pasid_destroy(struct v3c_pasid *pasid, struct v3c_why *why)
{
	guard(mutex)(&v3c_topology);
	if (!v3c_handle_is(pasid, V3C_KIND_PASID))
		return v3c_refuse(why, V3C_REASON_BAD_HANDLE, V3C_PARAM_PASID, NULL, 0, 0);
	if (v3c_pasid_is_attached(pasid) || pasid->busy)
		return v3c_refuse(why, V3C_REASON_ATTACHED, V3C_PARAM_PASID, pasid, pasid->number,
				  0);
	v3c_pasid_free(pasid);
	return 0;
}

/* v3c_pasids_attached(): a sub-device of @device is attached. Called under v3c_topology. */
bool v3c_pasids_attached(struct v3c_device *device)
{
	struct v3c_pasid *pasid;

	lockdep_assert_held(&v3c_topology);

	list_for_each_entry(pasid, &device->pasids, entry)
		if (v3c_pasid_is_attached(pasid))
			return true;
	return false;
}
