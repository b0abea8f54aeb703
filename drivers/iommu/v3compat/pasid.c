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
 * Context: may sleep; under the domain's mutex, without v3c_topology.
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

/*
 * Undoes v3c_attachment_attach(). No translation is left in any TLB. The IOMMU driver may wait for page
 * requests of any process that its IOMMU serves.
 */
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

/* The first bond of a Linux device switches on what the last one switches off. */
static int begin_bond(struct v3c_device *device)
{
	int ret = 0;

	lockdep_assert_held(&v3c_topology);

	/* Not every kernel that should refuse does. */
	if (!v3c_sva_supported(device->pdo))
		return -EOPNOTSUPP;
	if (!v3c_device_has_bonds(device->pdo))
		ret = v3c_sva_enable(device->pdo);
	if (!ret)
		device->bonds++;
	return ret;
}

static void end_bond(struct v3c_device *device)
{
	lockdep_assert_held(&v3c_topology);

	device->bonds--;
	if (!v3c_device_has_bonds(device->pdo))
		v3c_sva_disable(device->pdo);
}

static struct iommu_sva *bind(struct device *pdo, struct mm_struct *mm)
{
	struct iommu_sva *sva = iommu_sva_bind_device(pdo, mm);

	if (IS_ERR(sva) || sends_tags(pdo))
		return sva;
	iommu_sva_unbind_device(sva);
	return ERR_PTR(-EOPNOTSUPP);
}

/*
 * The core begins or ends one bond at a time, of all in the system, under a lock for which it waits where
 * nobody can be killed: so whoever comes second waits here, before anything is busy because of that.
 */
static bool v3c_bonding;

/* With v3c_topology released meanwhile; the sub-device is busy, and its group in use. */
static struct iommu_sva *bind_process(struct v3c_pasid *pasid, struct v3c_group *group,
				      struct mm_struct *mm)
{
	struct iommu_sva *sva;
	int ret;

	ret = begin_bond(pasid->device);
	if (ret)
		return ERR_PTR(ret);
	v3c_bonding = true;
	group->binding = true;
	v3c_group_begin(group);
	sva = bind(pasid->device->pdo, mm);
	v3c_group_end(group);
	group->binding = false;
	v3c_bonding = false;
	if (IS_ERR(sva))
		end_bond(pasid->device);
	return sva;
}

/* With v3c_topology released meanwhile; no bond begins or ends. */
static void unbind_process(struct v3c_pasid *pasid)
{
	struct v3c_group *group = pasid->group;

	pasid->busy = true;
	v3c_bonding = true;
	v3c_group_begin(group);
	iommu_sva_unbind_device(pasid->sva);
	v3c_group_end(group);
	v3c_bonding = false;
	pasid->sva = NULL;
	pasid->group = NULL;
	end_bond(pasid->device);
	v3c_group_unuse(group);
	pasid->busy = false;
}

/* Whether a detach would meet somebody else, or wait in the core. */
static bool is_busy(const struct v3c_pasid *pasid)
{
	return pasid->busy || (pasid->sva && v3c_bonding) ||
	       (pasid->group && (pasid->group->attaching || pasid->group->binding));
}

/* Keeps its device from being deleted; nobody else can use it before it is published. */
static void enlist(struct v3c_pasid *pasid, struct v3c_device *device, bool of_process)
{
	pasid->device = device;
	pasid->of_process = of_process;
	pasid->group = NULL;
	pasid->attachment = NULL;
	pasid->sva = NULL;
	pasid->busy = false;
	list_add_tail(&pasid->entry, &device->pasids);
}

static NTSTATUS check_parent(struct v3c_device *device, struct v3c_why *why)
{
	lockdep_assert_held(&v3c_topology);

	if (!v3c_handle_is(device, V3C_KIND_DEVICE))
		return v3c_refuse(why, STATUS_INVALID_PARAMETER_1, V3C_REASON_BAD_HANDLE, device, 0, 0);
	if (v3c_device_is_gone(device))
		return v3c_refuse(why, STATUS_INVALID_PARAMETER_1, V3C_REASON_DEVICE_GONE, device, 0, 0);
	if (!device->tagged)
		return v3c_refuse(why, STATUS_INVALID_PARAMETER_1, V3C_REASON_BAD_CONFIG, device, 0, 0);
	return STATUS_SUCCESS;
}

/* Nobody can see it yet: it goes to enlist() or back to its pool. */
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
	enlist(pasid, device, false);
	v3c_handle_publish(&v3c_pasids, &pasid->handle);
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

/* With v3c_topology released meanwhile: the core would wait where nobody can kill the caller. */
static NTSTATUS wait_to_bind(struct v3c_device *device, struct v3c_why *why)
{
	NTSTATUS status;

	for (;;) {
		status = check_parent(device, why);
		if (!NT_SUCCESS(status))
			return status;
		if (!v3c_bonding && !v3c_group_is_busy(device->pdo))
			return STATUS_SUCCESS;
		if (v3c_group_wait_killable())
			return v3c_refuse(why, STATUS_ACCESS_DENIED, V3C_REASON_GROUP_BUSY, device,
					  0, 0);
	}
}

/*
 * The group, claimed, with nobody else beginning or ending a bond; or NULL. While it was claimed somebody
 * may have begun to: that is not waited for with the sub-device busy, for which a removal would wait.
 */
static struct v3c_group *claim_to_bind(struct v3c_pasid *pasid, NTSTATUS *status,
				       struct v3c_why *why)
{
	struct v3c_device *device = pasid->device;
	struct v3c_group *group;

	for (;;) {
		pasid->busy = true;
		group = v3c_group_use(device->pdo);
		if (!IS_ERR(group) && !v3c_bonding)
			return group;
		if (!IS_ERR(group))
			v3c_group_unuse(group);
		pasid->busy = false;
		*status = IS_ERR(group) ? v3c_refuse_errno(why, PTR_ERR(group), STATUS_ACCESS_DENIED,
							   device, 0, 0) :
					  wait_to_bind(device, why);
		if (!NT_SUCCESS(*status))
			return NULL;
	}
}

static NTSTATUS begin_process(struct v3c_pasid *pasid, struct mm_struct *mm, struct v3c_why *why)
{
	struct v3c_group *group;
	struct iommu_sva *sva;
	NTSTATUS status;

	group = claim_to_bind(pasid, &status, why);
	if (!group)
		return status;
	sva = bind_process(pasid, group, mm);
	if (IS_ERR(sva)) {
		v3c_group_unuse(group);
		status = refuse_bond(pasid->device, PTR_ERR(sva), why);
	} else {
		pasid->group = group;
		pasid->sva = sva;
		status = STATUS_SUCCESS;
	}
	pasid->busy = false;
	return status;
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
	status = wait_to_bind(device, why);
	if (NT_SUCCESS(status))
		status = alloc_pasid(device, &pasid, why);
	if (!NT_SUCCESS(status))
		return status;
	enlist(pasid, device, true);
	status = begin_process(pasid, mm, why);
	if (!NT_SUCCESS(status)) {
		list_del(&pasid->entry);
		v3c_handle_free(&v3c_pasids, &pasid->handle);
		return status;
	}
	pasid->number = iommu_sva_get_pasid(pasid->sva);
	v3c_handle_publish(&v3c_pasids, &pasid->handle);
	trace_v3compat_attach_pasid(NULL, pasid, STATUS_SUCCESS);
	*out = pasid;
	return STATUS_SUCCESS;
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
	if (is_attached(pasid) || pasid->busy)
		return v3c_refuse(why, STATUS_RESOURCE_IN_USE, V3C_REASON_ATTACHED, pasid,
				  pasid->number, 0);
	free_pasid(pasid);
	return STATUS_SUCCESS;
}

/* Whether an attach that nothing else refuses would wait in the core. */
static bool must_wait(void *object)
{
	struct v3c_pasid *pasid = object;

	return v3c_handle_is(pasid, V3C_KIND_PASID) && !v3c_device_is_gone(pasid->device) &&
	       !is_attached(pasid) && v3c_group_is_busy(pasid->device->pdo);
}

static NTSTATUS attach(struct v3c_domain *domain, struct v3c_pasid *pasid, struct v3c_why *why)
{
	struct v3c_attachment *attachment;
	NTSTATUS status;

	if (v3c_device_is_gone(pasid->device))
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
	int ret = v3c_domain_begin_attach(domain, must_wait, pasid);
	NTSTATUS status;

	if (ret)
		return v3c_refuse_errno(why, ret, STATUS_ACCESS_DENIED, pasid, 0, 0);
	if (v3c_handle_is(pasid, V3C_KIND_PASID)) {
		status = attach(domain, pasid, why);
		trace_v3compat_attach_pasid(domain, pasid, status);
	} else {
		status = v3c_refuse(why, STATUS_INVALID_PARAMETER_2, V3C_REASON_BAD_HANDLE, pasid, 0,
				    0);
	}
	v3c_domain_end_attach(domain);
	return status;
}

/* With v3c_topology released meanwhile; nobody else is busy with it. */
static void detach(struct v3c_pasid *pasid)
{
	struct v3c_domain *domain = pasid->attachment ? pasid->attachment->domain : NULL;

	if (domain)
		v3c_domain_detach_pasid(pasid);
	else
		unbind_process(pasid);
	trace_v3compat_detach_pasid(domain, pasid, STATUS_SUCCESS);
}

/**
 * v3c_pasid_detach() - detach a sub-device from its domain, or from its process
 * @pasid: the sub-device
 * @why: filled on refusal
 *
 * Waits for whoever is attaching or detaching it, so that it is attached nowhere when this returns.
 *
 * Context: may sleep.
 * Return: status of DetachPasidDevice, see wdm.h.
 */
NTSTATUS v3c_pasid_detach(struct v3c_pasid *pasid, struct v3c_why *why)
{
	guard(mutex)(&v3c_topology);
	while (v3c_handle_is(pasid, V3C_KIND_PASID) && is_busy(pasid))
		v3c_group_wait();
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

/**
 * v3c_pasids_detach_one() - detach a sub-device, or wait for somebody who is busy with one
 * @device: whose
 *
 * Context: may sleep; under v3c_topology, which is released meanwhile.
 * Return: whether there was one; then @device may be gone for good.
 */
bool v3c_pasids_detach_one(struct v3c_device *device)
{
	struct v3c_pasid *pasid;

	lockdep_assert_held(&v3c_topology);

	list_for_each_entry(pasid, &device->pasids, entry) {
		if (is_busy(pasid))
			v3c_group_wait();
		else if (is_attached(pasid))
			detach(pasid);
		else
			continue;
		return true;
	}
	return false;
}

/* At module exit: what the owner of the device forgot, and nobody is busy with. */
void v3c_pasids_reclaim(struct v3c_device *device)
{
	struct v3c_pasid *pasid, *next;

	list_for_each_entry(pasid, &device->pasids, entry)
		pr_warn("sub-device %u (PASID %u of %s) was leaked%s\n", pasid->handle.serial,
			pasid->number, dev_name(device->pdo),
			is_attached(pasid) ? " while attached" : "");
	while (v3c_pasids_detach_one(device))
		;
	list_for_each_entry_safe(pasid, next, &device->pasids, entry)
		free_pasid(pasid);
}
