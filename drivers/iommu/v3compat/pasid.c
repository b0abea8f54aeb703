// SPDX-License-Identifier: GPL-2.0
/*
 * PASID sub-devices: a number, and what DMA tagged with it goes through: a domain or a process.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/device.h>
#include <linux/iommu.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "compat.h"
#include "device.h"
#include "domain.h"
#include "driver.h"
#include "group.h"
#include "hwpt.h"
#include "pasid.h"
#include "trace.h"

static void pasid_init_once(void *object)
{
	/* It has no lock of its own. */
}

V3C_POOL(v3c_pasids, V3C_KIND_PASID, struct v3c_pasid, "sub-device", pasid_init_once);

/*
 * A device whose PASID capability is off sends no tags: it would reach what its untagged DMA does. Virtual
 * functions have none and share that of their physical function.
 */
static bool sends_tags(struct device *dev)
{
#ifdef CONFIG_PCI_PASID
	if (dev_is_pci(dev))
		return pci_physfn(to_pci_dev(dev))->pasid_enabled;
#endif
	return true;
}

/**
 * v3c_pasid_supported() - whether a device can be told to tag its DMA
 * @dev: a device behind an IOMMU
 *
 * The core attaches a PASID of a device that has none, with success and without effect. Some IOMMU
 * drivers switch the capability of a PCI device on only when the device itself is attached.
 *
 * Context: under v3c_topology.
 * Return: true when it can, or when only an attach would tell.
 */
bool v3c_pasid_supported(struct device *dev)
{
	return dev->iommu->max_pasids &&
	       (sends_tags(dev) || v3c_driver_of(dev)->enables_pasids_late);
}

static struct v3c_attachment *new_attachment(const struct v3c_pasid *pasid,
					     struct v3c_domain *domain)
{
	struct v3c_attachment *attachment = kzalloc(sizeof(*attachment), GFP_KERNEL);

	if (!attachment)
		return NULL;
	INIT_LIST_HEAD(&attachment->entry);
	attachment->device = pasid->device;
	attachment->dev = pasid->device->pdo;
	attachment->number = pasid->number;
	attachment->suppress = pasid->device->suppress;
	attachment->domain = domain;
	return attachment;
}

/**
 * v3c_attachment_attach() - let a page table translate for a PASID
 * @attachment: not attached
 * @hwpt: a table of its domain
 *
 * Context: may sleep; under the domain's mutex.
 * Return: 0; -EINVAL, -EOPNOTSUPP or -ENODEV when the IOMMU wants another table, or none, for PASIDs;
 * or what the IOMMU driver said.
 */
int v3c_attachment_attach(struct v3c_attachment *attachment, struct v3c_hwpt *hwpt)
{
	int ret;

	attachment->hwpt = hwpt;
	v3c_fault_open(&attachment->faults, attachment->device, attachment->domain, hwpt,
		       attachment->number, attachment->suppress);
	ret = iommu_attach_device_pasid(hwpt->domain, attachment->dev, attachment->number,
					&attachment->handle);
	if (ret) {
		v3c_fault_close(&attachment->faults);
		return ret;
	}
	if (sends_tags(attachment->dev))
		return 0;
	v3c_attachment_detach(attachment);
	return -EOPNOTSUPP;
}

/* Undoes v3c_attachment_attach(), under the domain's mutex. No translation is left in any TLB. */
void v3c_attachment_detach(struct v3c_attachment *attachment)
{
	/* Nobody answers a page request of a PASID that is not there. */
	v3c_fault_close(&attachment->faults);
	iommu_detach_device_pasid(attachment->hwpt->domain, attachment->dev, attachment->number);
}

static bool is_attached(const struct v3c_pasid *pasid)
{
	return pasid->attachment || pasid->sva;
}

/* Whether a sub-device of the same Linux device is bound to a process. */
static bool has_bond(const struct device *pdo)
{
	const struct v3c_pasid *pasid;

	lockdep_assert_held(&v3c_topology);

	guard(mutex)(&v3c_pasids.lock);
	list_for_each_entry(pasid, &v3c_pasids.live, handle.entry)
		if (pasid->sva && pasid->device->pdo == pdo)
			return true;
	return false;
}

static struct iommu_sva *bind(struct device *pdo, struct mm_struct *mm)
{
	bool first = !has_bond(pdo);
	struct iommu_sva *sva;
	int ret;

	/* Not every kernel that should refuse does. */
	if (!v3c_sva_supported(pdo))
		return ERR_PTR(-EOPNOTSUPP);
	ret = first ? v3c_sva_enable(pdo) : 0;
	if (ret)
		return ERR_PTR(ret);
	sva = iommu_sva_bind_device(pdo, mm);
	if (!IS_ERR(sva) && !sends_tags(pdo)) {
		iommu_sva_unbind_device(sva);
		sva = ERR_PTR(-EOPNOTSUPP);
	}
	if (IS_ERR(sva) && first)
		v3c_sva_disable(pdo);
	return sva;
}

static void unbind(struct v3c_pasid *pasid)
{
	struct device *pdo = pasid->device->pdo;

	iommu_sva_unbind_device(pasid->sva);
	pasid->sva = NULL;
	if (!has_bond(pdo))
		v3c_sva_disable(pdo);
	v3c_group_unuse(pasid->group);
	pasid->group = NULL;
}

static void publish(struct v3c_pasid *pasid, struct v3c_device *device)
{
	pasid->device = device;
	pasid->attachment = NULL;
	list_add_tail(&pasid->entry, &device->pasids);
	v3c_handle_publish(&v3c_pasids, &pasid->handle);
}

static NTSTATUS check_parent(struct v3c_device *device, struct v3c_why *why)
{
	lockdep_assert_held(&v3c_topology);

	if (!v3c_handle_is(device, V3C_KIND_DEVICE))
		return v3c_refuse(why, STATUS_INVALID_PARAMETER_1, V3C_REASON_BAD_HANDLE, device, 0, 0);
	if (device->gone)
		return v3c_refuse(why, STATUS_INVALID_PARAMETER_1, V3C_REASON_DEVICE_GONE, device, 0, 0);
	if (!device->tagged)
		return v3c_refuse(why, STATUS_INVALID_PARAMETER_1, V3C_REASON_BAD_CONFIG, device, 0, 0);
	return STATUS_SUCCESS;
}

/* Nobody can see it yet: it goes to publish() or back to its pool. */
static NTSTATUS alloc_pasid(struct v3c_device *device, struct v3c_pasid **out, struct v3c_why *why)
{
	NTSTATUS status = check_parent(device, why);

	if (!NT_SUCCESS(status))
		return status;
	*out = v3c_handle_alloc(&v3c_pasids);
	if (!*out)
		return v3c_refuse(why, STATUS_INSUFFICIENT_RESOURCES, V3C_REASON_NO_MEMORY, device,
				  0, 0);
	return STATUS_SUCCESS;
}

/**
 * v3c_pasid_create() - make a sub-device with a number of its own
 * @device: whose
 * @out: result, untouched on failure
 * @why: filled on refusal
 *
 * Context: may sleep.
 * Return: status of CreatePasidDevice, see wdm.h.
 */
NTSTATUS v3c_pasid_create(struct v3c_device *device, struct v3c_pasid **out, struct v3c_why *why)
{
	struct v3c_pasid *pasid;
	NTSTATUS status;

	guard(mutex)(&v3c_topology);
	status = alloc_pasid(device, &pasid, why);
	if (!NT_SUCCESS(status))
		return status;
	pasid->number = iommu_alloc_global_pasid(device->pdo);
	if (pasid->number == IOMMU_PASID_INVALID) {
		v3c_handle_free(&v3c_pasids, &pasid->handle);
		return v3c_refuse(why, STATUS_NONE_MAPPED, V3C_REASON_NO_PASID, device, 0,
				  device->pdo->iommu->max_pasids);
	}
	pasid->of_process = false;
	pasid->sva = NULL;
	pasid->group = NULL;
	publish(pasid, device);
	*out = pasid;
	return STATUS_SUCCESS;
}

static NTSTATUS refuse_bond(struct v3c_device *device, int err, struct v3c_why *why)
{
	if (err == -ENOSPC || err == -EOVERFLOW)
		return v3c_refuse(why, STATUS_NONE_MAPPED, V3C_REASON_NO_PASID, device, 0,
				  device->pdo->iommu->max_pasids);
	return v3c_refuse_errno(why, err, STATUS_NOT_SUPPORTED, device, 0, 0);
}

/**
 * v3c_pasid_create_sva() - make a sub-device that is bound to a process
 * @device: whose
 * @mm: address space; the caller keeps its users from going during the call
 * @out: result, untouched on failure
 * @why: filled on refusal
 *
 * Nothing here keeps the address space from being torn down; DMA then finds nothing any more.
 *
 * Context: may sleep; not under the mmap lock.
 * Return: status of v3compat_create_sva_device().
 */
NTSTATUS v3c_pasid_create_sva(struct v3c_device *device, struct mm_struct *mm,
			      struct v3c_pasid **out, struct v3c_why *why)
{
	struct v3c_pasid *pasid;
	NTSTATUS status;

	guard(mutex)(&v3c_topology);
	status = alloc_pasid(device, &pasid, why);
	if (!NT_SUCCESS(status))
		return status;
	pasid->group = v3c_group_use(device->pdo);
	if (IS_ERR(pasid->group)) {
		status = v3c_refuse_errno(why, PTR_ERR(pasid->group), STATUS_ACCESS_DENIED, device,
					  0, 0);
		goto free_handle;
	}
	pasid->sva = bind(device->pdo, mm);
	if (IS_ERR(pasid->sva)) {
		status = refuse_bond(device, PTR_ERR(pasid->sva), why);
		goto unuse_group;
	}
	pasid->number = iommu_sva_get_pasid(pasid->sva);
	pasid->of_process = true;
	publish(pasid, device);
	trace_v3compat_attach_pasid(NULL, pasid, STATUS_SUCCESS);
	*out = pasid;
	return STATUS_SUCCESS;

unuse_group:
	v3c_group_unuse(pasid->group);
free_handle:
	v3c_handle_free(&v3c_pasids, &pasid->handle);
	return status;
}

static void free_pasid(struct v3c_pasid *pasid)
{
	lockdep_assert_held(&v3c_topology);

	v3c_handle_retire(&pasid->handle);
	list_del(&pasid->entry);
	if (!pasid->of_process)
		iommu_free_global_pasid(pasid->number);
	v3c_handle_free(&v3c_pasids, &pasid->handle);
}

/**
 * v3c_pasid_destroy() - delete a sub-device; its number is free for others
 * @pasid: the sub-device; its device may be gone
 * @why: filled on refusal
 *
 * Context: may sleep.
 * Return: status of DeletePasidDevice, see wdm.h.
 */
NTSTATUS v3c_pasid_destroy(struct v3c_pasid *pasid, struct v3c_why *why)
{
	guard(mutex)(&v3c_topology);
	if (!v3c_handle_is(pasid, V3C_KIND_PASID))
		return v3c_refuse(why, STATUS_INVALID_PARAMETER_1, V3C_REASON_BAD_HANDLE, pasid, 0, 0);
	if (is_attached(pasid))
		return v3c_refuse(why, STATUS_RESOURCE_IN_USE, V3C_REASON_ATTACHED, pasid,
				  pasid->number, 0);
	free_pasid(pasid);
	return STATUS_SUCCESS;
}

static NTSTATUS attach(struct v3c_domain *domain, struct v3c_pasid *pasid, struct v3c_why *why)
{
	struct v3c_attachment *attachment;
	NTSTATUS status;

	if (pasid->device->gone)
		return v3c_refuse(why, STATUS_INVALID_PARAMETER_2, V3C_REASON_DEVICE_GONE, pasid, 0, 0);
	if (pasid->of_process && !pasid->sva)
		return v3c_refuse(why, STATUS_INVALID_PARAMETER_2, V3C_REASON_BAD_CONFIG, pasid,
				  pasid->number, 0);
	if (domain->type == DomainTypePassThrough)
		return v3c_refuse(why, STATUS_INVALID_PARAMETER_1, V3C_REASON_WRONG_TYPE, domain,
				  domain->type, 0);
	if (is_attached(pasid))
		return v3c_refuse(why, STATUS_UNSUCCESSFUL, V3C_REASON_ATTACHED, pasid,
				  pasid->number, 0);
	attachment = new_attachment(pasid, domain);
	if (!attachment)
		return v3c_refuse(why, STATUS_INSUFFICIENT_RESOURCES, V3C_REASON_NO_MEMORY, pasid,
				  0, 0);
	status = v3c_domain_attach_pasid(domain, pasid, attachment, why);
	if (!NT_SUCCESS(status))
		kfree(attachment);
	return status;
}

/**
 * v3c_pasid_attach() - attach a sub-device to a domain
 * @domain: the domain
 * @pasid: the sub-device
 * @why: filled on refusal
 *
 * Context: may sleep.
 * Return: status of AttachPasidDevice, see wdm.h.
 */
NTSTATUS v3c_pasid_attach(struct v3c_domain *domain, struct v3c_pasid *pasid, struct v3c_why *why)
{
	NTSTATUS status;

	v3c_domain_lock(domain);
	if (v3c_handle_is(pasid, V3C_KIND_PASID)) {
		status = attach(domain, pasid, why);
		trace_v3compat_attach_pasid(domain, pasid, status);
	} else {
		status = v3c_refuse(why, STATUS_INVALID_PARAMETER_2, V3C_REASON_BAD_HANDLE, pasid, 0,
				    0);
	}
	v3c_domain_unlock(domain);
	return status;
}

static void detach(struct v3c_pasid *pasid)
{
	struct v3c_domain *domain = NULL;

	if (pasid->attachment) {
		domain = pasid->attachment->domain;
		v3c_domain_detach_pasid(pasid);
	} else {
		unbind(pasid);
	}
	trace_v3compat_detach_pasid(domain, pasid, STATUS_SUCCESS);
}

/**
 * v3c_pasid_detach() - detach a sub-device from its domain, or from its process
 * @pasid: the sub-device
 * @why: filled on refusal
 *
 * Context: may sleep.
 * Return: status of DetachPasidDevice, see wdm.h.
 */
NTSTATUS v3c_pasid_detach(struct v3c_pasid *pasid, struct v3c_why *why)
{
	guard(mutex)(&v3c_topology);
	if (!v3c_handle_is(pasid, V3C_KIND_PASID))
		return v3c_refuse(why, STATUS_INVALID_PARAMETER_1, V3C_REASON_BAD_HANDLE, pasid, 0, 0);
	if (!is_attached(pasid))
		return v3c_refuse(why, STATUS_INVALID_PARAMETER_1, V3C_REASON_NOT_ATTACHED, pasid,
				  pasid->number, 0);
	detach(pasid);
	return STATUS_SUCCESS;
}

/* Whether a sub-device of the device is attached, under v3c_topology. */
bool v3c_pasids_attached(struct v3c_device *device)
{
	struct v3c_pasid *pasid;

	lockdep_assert_held(&v3c_topology);

	list_for_each_entry(pasid, &device->pasids, entry)
		if (is_attached(pasid))
			return true;
	return false;
}

/* Detaches all sub-devices of the device, under v3c_topology. */
void v3c_pasids_detach(struct v3c_device *device)
{
	struct v3c_pasid *pasid;

	lockdep_assert_held(&v3c_topology);

	list_for_each_entry(pasid, &device->pasids, entry)
		if (is_attached(pasid))
			detach(pasid);
}

/* At module exit: what the owner of the device forgot. */
void v3c_pasids_reclaim(struct v3c_device *device)
{
	struct v3c_pasid *pasid, *next;

	list_for_each_entry_safe(pasid, next, &device->pasids, entry) {
		pr_warn("sub-device %u (PASID %u of %s) was leaked%s\n", pasid->handle.serial,
			pasid->number, dev_name(device->pdo),
			is_attached(pasid) ? " while attached" : "");
		if (is_attached(pasid))
			detach(pasid);
		free_pasid(pasid);
	}
}
