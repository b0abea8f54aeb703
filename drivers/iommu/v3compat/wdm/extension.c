// SPDX-License-Identifier: GPL-2.0
/*
 * v3compat_*(): what Linux-side code of a ported driver is offered beyond Windows' tables, see
 * linux/v3compat.h.
 */
#include <linux/kernel.h>
#include <linux/v3compat.h>

#include <v3compat/kcompat.h>

#include "core/capability.h"
#include "core/device.h"
#include "core/domain.h"
#include "core/flush.h"
#include "core/guard.h"
#include "core/pasid.h"
#include "core/policy.h"
#include "core/sva.h"
#include "wdm/face.h"

static_assert((int)V3COMPAT_GUARD_OFF == V3C_GUARD_OFF);
static_assert((int)V3COMPAT_GUARD_EXTERNAL == V3C_GUARD_EXTERNAL);
static_assert((int)V3COMPAT_GUARD_ALL == V3C_GUARD_ALL);

/**
 * v3compat_set_guard_policy() - set which devices may not see all of memory
 * @policy: which are guarded
 *
 * Governs which attachments are allowed from now on; one that was allowed before stays. When it
 * returns, every state-change callback that it causes has run, unless it was called inside one.
 *
 * The policy is the administrator's, and this is for code that acts for him; a driver that has
 * reasons of its own not to see all of memory does not ask for PassThrough.
 *
 * Context: process context, may sleep; may be called inside a state-change callback, not while
 * holding what such a callback may want to lock.
 * Return: 0, or -EINVAL when there is no such policy.
 */
int v3compat_set_guard_policy(enum v3compat_guard policy)
{
	might_sleep();
	if ((unsigned int)policy > V3COMPAT_GUARD_ALL)
		return -EINVAL;
	v3c_policy_set((enum v3c_guard_policy)policy);
	return 0;
}
V3C_EXPORT_NS_GPL(v3compat_set_guard_policy, V3COMPAT);

/**
 * v3compat_set_guard_locked() - guard every device for a while, or no more
 * @locked: whether every device is guarded, unless the policy is %V3COMPAT_GUARD_OFF
 *
 * For code that locks the screen. The policy stays as it is. Otherwise as
 * v3compat_set_guard_policy().
 *
 * Context: process context, may sleep; may be called inside a state-change callback, not while
 * holding what such a callback may want to lock.
 */
void v3compat_set_guard_locked(bool locked)
{
	might_sleep();
	v3c_policy_set_locked(locked);
}
V3C_EXPORT_NS_GPL(v3compat_set_guard_locked, V3COMPAT);

/**
 * v3compat_get_guard() - what Linux-side code or the administrator set last
 * @policy: result
 * @locked: result
 *
 * Context: process context, may sleep.
 */
void v3compat_get_guard(enum v3compat_guard *policy, bool *locked)
{
	enum v3c_guard_policy found;

	might_sleep();
	v3c_guard_get(&found, locked);
	*policy = (enum v3compat_guard)found;
}
V3C_EXPORT_NS_GPL(v3compat_get_guard, V3COMPAT);

static enum v3c_reason create_sva_device(PIOMMU_DMA_DEVICE handle, struct mm_struct *mm,
					 PIOMMU_DMA_PASID_DEVICE *out, PULONG number,
					 struct v3c_why *why)
{
	struct v3c_device *device = v3c_to_device(handle);
	struct v3c_pasid *pasid;
	enum v3c_reason reason;

	reason = check_handle(device, V3C_PARAM_DEVICE, why) ?:
		 check_pointer(mm, V3C_PARAM_PROCESS, why) ?:
		 check_pointer(out, V3C_PARAM_OUT, why) ?:
		 check_pointer(number, V3C_PARAM_NUMBER, why) ?:
		 v3c_sva_create(device, mm, &pasid, why);
	if (!reason) {
		*out = (PIOMMU_DMA_PASID_DEVICE)pasid;
		*number = pasid->number;
	}
	return reason;
}

/**
 * v3compat_create_sva_device() - make a sub-device that sees the address space of a process
 * @device: created for tagged DMA
 * @mm: the address space; the caller holds a reference to its users during the call, as a process
 *	does to its own
 * @out: receives the sub-device, to be given to DetachPasidDevice and then to DeletePasidDevice
 * @pasid: receives the PASID; a process has the same one on every device
 *
 * DMA tagged with @pasid reads and writes what the process would, at the same addresses and with
 * the same permissions. Nothing keeps the address space alive: when the process exits, the DMA
 * finds nothing any more, and the sub-device waits for its owner. Detaching, exit of the process
 * and removal of the device may come in any order. Detaching waits for page faults of the process,
 * however long they take; nobody waits for that but who has to do with it, see
 * Documentation/driver-api/v3compat/context.rst.
 *
 * To the interface the sub-device is attached: AttachPasidDevice answers STATUS_UNSUCCESSFUL,
 * DeletePasidDevice STATUS_RESOURCE_IN_USE. Once detached it can only be deleted: AttachPasidDevice
 * answers STATUS_INVALID_PARAMETER_2, as the PASID belongs to the process.
 *
 * Context: Process context; may sleep; not under the mmap lock of @mm. Made from atomic context it
 * warns once and returns STATUS_UNSUCCESSFUL.
 *
 * Return:
 * * STATUS_SUCCESS - bound
 * * STATUS_INVALID_PARAMETER_1 - @device is NULL, stale, no device, gone, or not created for tagged
 *   DMA
 * * STATUS_INVALID_PARAMETER_2 - @mm is NULL
 * * STATUS_INVALID_PARAMETER_3 - @out is NULL
 * * STATUS_INVALID_PARAMETER_4 - @pasid is NULL
 * * STATUS_NOT_SUPPORTED - the kernel, the IOMMU or its driver cannot share address spaces
 * * STATUS_NONE_MAPPED - no PASID is free, or the one of the process is too large for the device
 * * STATUS_ACCESS_DENIED - the IOMMU group of the device is in other hands, the process uses
 *   addresses that no device can, or the caller was killed while it waited for another bond to end
 * * STATUS_INSUFFICIENT_RESOURCES - out of memory
 */
NTSTATUS v3compat_create_sva_device(PIOMMU_DMA_DEVICE device, struct mm_struct *mm,
				    PIOMMU_DMA_PASID_DEVICE *out, PULONG pasid)
{
	struct v3c_why why;

	return ANSWER(v3compat_create_sva_device, create_sva_device(device, mm, out, pasid, &why),
		      &why);
}
V3C_EXPORT_NS_GPL(v3compat_create_sva_device, V3COMPAT);

static enum v3c_reason query_capabilities(PIOMMU_DMA_DEVICE handle,
					  struct v3compat_capabilities *out, struct v3c_why *why)
{
	struct v3c_device *device = v3c_to_device(handle);
	struct v3c_capabilities found;
	enum v3c_reason reason;

	reason = check_handle(device, V3C_PARAM_DEVICE, why) ?:
		 check_pointer(out, V3C_PARAM_OUT, why) ?:
		 v3c_device_capabilities(device, &found, why);
	if (reason)
		return reason;
	*out = (struct v3compat_capabilities) {
		.iommu = found.iommu,
		.max_pasids = found.max_pasids,
		.pasid_domain_types = found.pasid_domain_types,
		.sva = found.sva,
		.page_requests = found.page_requests,
		.unrecoverable_faults = found.unrecoverable_faults,
		.faults_lost = found.faults_lost,
	};
	return 0;
}

/**
 * v3compat_query_capabilities() - what a device and its IOMMU can do
 * @device: the device
 * @out: receives the answer
 *
 * The answer leaves out what depends on how the device was created, or on the domain that it is
 * attached to: a domain type that is offered may still be refused by the driver of the IOMMU.
 *
 * Context: Process context; may sleep. Made from atomic context it warns once and returns
 * STATUS_UNSUCCESSFUL.
 *
 * Return:
 * * STATUS_SUCCESS - answered
 * * STATUS_INVALID_PARAMETER_1 - @device is NULL, stale, no device, or gone
 * * STATUS_INVALID_PARAMETER_2 - @out is NULL
 * * STATUS_INSUFFICIENT_RESOURCES - out of memory
 */
NTSTATUS v3compat_query_capabilities(PIOMMU_DMA_DEVICE device, struct v3compat_capabilities *out)
{
	struct v3c_why why;

	return ANSWER(v3compat_query_capabilities, query_capabilities(device, out, &why), &why);
}
V3C_EXPORT_NS_GPL(v3compat_query_capabilities, V3COMPAT);

static enum v3c_reason configure_x64(PIOMMU_DMA_DOMAIN handle, u64 root, unsigned int levels,
				     struct v3c_why *why)
{
	struct v3c_domain *domain = v3c_to_domain(handle);
	struct v3c_tables tables = {};
	enum v3c_reason reason;

	reason = check_handle(domain, V3C_PARAM_DOMAIN, why);
	if (reason)
		return reason;
	if (domain->type != V3C_DOMAIN_UNMANAGED)
		return v3c_refuse(why, V3C_REASON_WRONG_TYPE, V3C_PARAM_DOMAIN, domain,
				  domain->type, 0);
	if (!v3c_tables_set_x64(&tables, root, levels))
		return v3c_refuse(why, V3C_REASON_BAD_CONFIG, V3C_PARAM_CONFIG, domain, root, 0);
	if (levels != 4 && levels != 5)
		return v3c_refuse(why, V3C_REASON_BAD_CONFIG, V3C_PARAM_NUMBER, domain, levels, 5);
	return v3c_domain_configure(domain, &tables, why);
}

/**
 * v3compat_configure_x64() - ConfigureDomain with x86-64 tables of a chosen depth
 * @domain: of type Unmanaged
 * @root: physical address of the root table
 * @levels: 4 or 5; ConfigureDomain itself takes what the processor uses
 *
 * Context: process context; may sleep.
 * Return:
 * * STATUS_SUCCESS - the tables are in use
 * * STATUS_INVALID_PARAMETER_1 - @domain is NULL, stale, no domain, or of another type
 * * STATUS_INVALID_PARAMETER_2 - @root is not a multiple of 4 KiB, or beyond physical memory
 * * STATUS_INVALID_PARAMETER_3 - another number of @levels
 * * STATUS_INSUFFICIENT_RESOURCES - out of memory, or the tables say more than can be mirrored; the
 *   domain then blocks all DMA
 * * STATUS_UNSUCCESSFUL - called where sleeping is not allowed
 */
NTSTATUS v3compat_configure_x64(PIOMMU_DMA_DOMAIN domain, u64 root, unsigned int levels)
{
	struct v3c_why why;

	return ANSWER(v3compat_configure_x64, configure_x64(domain, root, levels, &why), &why);
}
V3C_EXPORT_NS_GPL(v3compat_configure_x64, V3COMPAT);
