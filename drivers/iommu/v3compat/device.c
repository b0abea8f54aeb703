// SPDX-License-Identifier: GPL-2.0
/*
 * DMA devices: what they are, what they may attach to, and what happens when they go.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/device.h>
#include <linux/iommu.h>
#include <linux/pci.h>
#include <linux/workqueue.h>

#include "bus.h"
#include "compat.h"
#include "device.h"
#include "domain.h"
#include "group.h"
#include "guard.h"
#include "hwpt.h"
#include "msi.h"
#include "pasid.h"
#include "trace.h"

DEFINE_MUTEX(v3c_topology);

/* Newest first, under v3c_topology. */
static LIST_HEAD(v3c_device_list);

static void device_init_once(void *object)
{
	struct v3c_device *device = object;

	v3c_fault_init_once(&device->reporter);
}

V3C_POOL(v3c_devices, V3C_KIND_DEVICE, struct v3c_device, "device", device_init_once);

/*
 * A group alone is not enough: VFIO makes some without an IOMMU. And a device whose removal nobody
 * tells us of must not be attached. Where the driver of an IOMMU is unbound, its devices' data may go
 * between the two looks, as it may at any time.
 */
static bool has_iommu(struct device *dev)
{
	const struct dev_iommu *iommu = READ_ONCE(dev->iommu);

	return iommu && READ_ONCE(iommu->iommu_dev) && device_iommu_mapped(dev) &&
	       v3c_bus_is_watched(dev->bus);
}

/**
 * v3c_device_is_gone() - whether there is nothing any more that could be attached or asked
 * @device: the device
 *
 * Unbinding the driver of an IOMMU itself takes the devices from behind it, and no event of a bus tells.
 *
 * Context: under v3c_topology.
 * Return: true after its removal, and without its IOMMU.
 */
bool v3c_device_is_gone(const struct v3c_device *device)
{
	return device->gone || !has_iommu(device->pdo);
}

static NTSTATUS bad_config(struct v3c_why *why, const void *entry, enum v3c_reason reason, u64 value)
{
	return v3c_refuse(why, STATUS_INVALID_PARAMETER_2, reason, entry, value, 0);
}

/* Input mappings are named by firmware on ARM64 only; there they must be the ones that it named. */
static NTSTATUS check_acpi(struct device *pdo, const IOMMU_DEVICE_CREATION_CONFIGURATION *entry,
			   struct v3c_why *why)
{
	struct iommu_fwspec *fwspec = dev_iommu_fwspec_get(pdo);
	u64 base = entry->Acpi.InputMappingBase, count = entry->Acpi.MappingsCount, i;

	if (!IS_ENABLED(CONFIG_ARM64) || !fwspec || !count || count > fwspec->num_ids)
		return bad_config(why, entry, V3C_REASON_BAD_CONFIG, base);
	for (i = 0; i < fwspec->num_ids; i++)
		if (fwspec->ids[i] == base && count <= fwspec->num_ids - i)
			return STATUS_SUCCESS;
	return bad_config(why, entry, V3C_REASON_BAD_CONFIG, base);
}

/* What a configuration list asks for. */
struct v3c_config {
	bool pasid;
	bool tagged;
	bool suppress;
};

static NTSTATUS check_pasid(struct device *pdo, const IOMMU_DEVICE_CREATION_CONFIGURATION *entry,
			    struct v3c_config *config, struct v3c_why *why)
{
	IOMMU_PASID_CONFIGURATION_TYPE type = entry->Pasid.ConfigType;

	if ((unsigned int)type >= PasidConfigTypeMax)
		return bad_config(why, entry, V3C_REASON_BAD_ENUM, type);
	config->pasid = true;
	config->tagged = type == PasidConfigTypePasidTaggedDma;
	config->suppress = entry->Pasid.SuppressPasidFaults;
	if (config->tagged && !v3c_pasid_supported(pdo))
		return bad_config(why, entry, V3C_REASON_BAD_CONFIG, type);
	return STATUS_SUCCESS;
}

static NTSTATUS check_entry(struct device *pdo, const IOMMU_DEVICE_CREATION_CONFIGURATION *entry,
			    u64 type, struct v3c_config *config, struct v3c_why *why)
{
	switch (type) {
	case IommuDeviceCreationConfigTypeAcpi:
		return check_acpi(pdo, entry, why);
	case IommuDeviceCreationConfigTypePasid:
		return check_pasid(pdo, entry, config, why);
	default:
		return bad_config(why, entry, V3C_REASON_BAD_ENUM, type);
	}
}

static const IOMMU_DEVICE_CREATION_CONFIGURATION *
next_entry(const IOMMU_DEVICE_CREATION_CONFIGURATION *entry)
{
	const LIST_ENTRY *next = entry->NextConfiguration.Flink;

	return next ? container_of(next, const IOMMU_DEVICE_CREATION_CONFIGURATION,
				   NextConfiguration) : NULL;
}

/*
 * The list is a ring of its entries without a head; one entry alone may also leave its links zero.
 * Each type may appear once, which bounds the walk of a ring that does not close.
 */
static NTSTATUS check_config(struct device *pdo, const IOMMU_DEVICE_CREATION_CONFIGURATION *first,
			     struct v3c_config *config, struct v3c_why *why)
{
	const IOMMU_DEVICE_CREATION_CONFIGURATION *entry = first;
	unsigned long seen = 0;
	NTSTATUS status;
	u64 type;

	while (entry) {
		type = READ_ONCE(entry->ConfigType);
		status = check_entry(pdo, entry, type, config, why);
		if (!NT_SUCCESS(status))
			return status;
		if (test_and_set_bit(type, &seen))
			return bad_config(why, entry, V3C_REASON_LIST_OVERLAP, type);
		entry = next_entry(entry);
		if (entry == first)
			break;
	}
	return STATUS_SUCCESS;
}

/* An IOMMU says what it can do when it is asked to do it. */
static int has_first_stage(struct device *dev)
{
	struct v3c_hwpt *hwpt = v3c_hwpt_alloc(dev, true);

	if (IS_ERR(hwpt))
		return PTR_ERR(hwpt) == -ENOMEM ? -ENOMEM : false;
	v3c_hwpt_free(hwpt);
	return true;
}

static struct v3c_device *make_device(struct device *pdo, bool v1, const struct v3c_config *config)
{
	struct v3c_device *device;
	int first_stage;

	lockdep_assert_held(&v3c_topology);

	first_stage = has_first_stage(pdo);
	if (first_stage < 0)
		return NULL;
	device = v3c_handle_alloc(&v3c_devices);
	if (!device)
		return NULL;
	device->pdo = get_device(pdo);
	device->domain = NULL;
	device->group = NULL;
	device->bonds = 0;
	device->busy = false;
	device->gone = false;
	device->first_stage = first_stage;
	device->watch = (struct v3c_watch) { .entry = LIST_HEAD_INIT(device->watch.entry) };
	device->v1 = v1;
	device->default_pasid = config->pasid;
	device->tagged = config->tagged;
	device->suppress = config->suppress;
	/* Not every device can, and one that can is told once. */
	device->iopf = config->tagged && !v3c_iopf_enable(pdo);
	INIT_LIST_HEAD(&device->attached);
	INIT_LIST_HEAD(&device->pasids);
	list_add(&device->entry, &v3c_device_list);
	v3c_handle_publish(&v3c_devices, &device->handle);
	return device;
}

/* By now nothing of the device is attached, unless through another DMA device of the same. */
static void give_back_iopf(struct v3c_device *device)
{
	struct v3c_device *other;

	lockdep_assert_held(&v3c_topology);

	if (!device->iopf)
		return;
	device->iopf = false;
	list_for_each_entry(other, &v3c_device_list, entry) {
		if (other == device || other->pdo != device->pdo || !other->tagged || other->gone)
			continue;
		other->iopf = true;
		return;
	}
	v3c_iopf_disable(device->pdo);
}

/* Nothing finds it any more; for free_device(). */
static void retire_device(struct v3c_device *device)
{
	lockdep_assert_held(&v3c_topology);

	v3c_handle_retire(&device->handle);
	list_del(&device->entry);
	give_back_iopf(device);
	v3c_fault_end(device);
}

/* Not under v3c_topology, which the fault handler that is waited for may want. */
static void free_device(struct v3c_device *device)
{
	struct device *pdo = device->pdo;

	v3c_fault_wait(device);
	device->pdo = NULL;
	v3c_handle_free(&v3c_devices, &device->handle);
	put_device(pdo);
}

static void free_devices(struct list_head *dead)
{
	struct v3c_device *device, *next;

	list_for_each_entry_safe(device, next, dead, entry)
		free_device(device);
}

static void free_left_device(struct work_struct *work)
{
	free_device(container_of(work, struct v3c_device, free_work));
}

/* Without waiting here; each by itself, as a handler that is waited for may never return. */
static void free_devices_later(struct list_head *dead)
{
	struct v3c_device *device, *next;

	list_for_each_entry_safe(device, next, dead, entry) {
		INIT_WORK(&device->free_work, free_left_device);
		v3c_fault_queue_work(&device->free_work);
	}
}

/**
 * v3c_device_create() - make a DMA device of a Linux device
 * @pdo: the device; referenced
 * @config: list of configuration entries, read during the call; may be NULL
 * @out: result, untouched on failure
 * @why: filled on refusal
 *
 * Context: may sleep; the caller keeps @pdo from being removed during the call, as its driver does.
 * Return: status of CreateDevice, see wdm.h.
 */
NTSTATUS v3c_device_create(struct device *pdo, const IOMMU_DEVICE_CREATION_CONFIGURATION *config,
			   struct v3c_device **out, struct v3c_why *why)
{
	struct v3c_config asked = {};
	struct v3c_device *device;
	NTSTATUS status;

	guard(mutex)(&v3c_topology);
	if (!has_iommu(pdo))
		return v3c_refuse(why, STATUS_NOT_FOUND, V3C_REASON_NO_IOMMU, pdo, 0, 0);
	status = check_config(pdo, config, &asked, why);
	if (!NT_SUCCESS(status))
		return status;
	device = make_device(pdo, false, &asked);
	if (!device)
		return v3c_refuse(why, STATUS_INSUFFICIENT_RESOURCES, V3C_REASON_NO_MEMORY, pdo, 0, 0);
	*out = device;
	return STATUS_SUCCESS;
}

/**
 * v3c_device_destroy() - give a DMA device back
 * @device: the device; may have been removed from the system
 * @why: filled on refusal
 *
 * Context: may sleep.
 * Return: status of DeleteDevice, see wdm.h.
 */
NTSTATUS v3c_device_destroy(struct v3c_device *device, struct v3c_why *why)
{
	scoped_guard(mutex, &v3c_topology) {
		if (!v3c_handle_is(device, V3C_KIND_DEVICE))
			return v3c_refuse(why, STATUS_INVALID_PARAMETER_1, V3C_REASON_BAD_HANDLE,
					  device, 0, 0);
		if (device->domain || device->busy)
			return v3c_refuse(why, STATUS_RESOURCE_IN_USE, V3C_REASON_ATTACHED,
					  device->domain, 0, 0);
		if (!list_empty(&device->pasids))
			return v3c_refuse(why, STATUS_RESOURCE_IN_USE, V3C_REASON_IN_USE, device,
					  list_count_nodes(&device->pasids), 0);
		if (v3c_guard_is_watched(device))
			return v3c_refuse(why, STATUS_RESOURCE_IN_USE, V3C_REASON_REGISTERED,
					  device, 0, 0);
		retire_device(device);
	}
	free_device(device);
	return STATUS_SUCCESS;
}

/**
 * v3c_device_domain_types() - what the device may attach to now
 * @device: the device
 *
 * Context: may sleep.
 * Return: a bit per IOMMU_DMA_DOMAIN_TYPE; none for a device that is gone.
 */
ULONG v3c_device_domain_types(struct v3c_device *device)
{
	guard(mutex)(&v3c_topology);
	return v3c_handle_is(device, V3C_KIND_DEVICE) ? v3c_guard_domain_types(device) : 0;
}

static NTSTATUS attach(struct v3c_domain *domain, struct v3c_device *device, struct v3c_why *why)
{
	NTSTATUS status;

	if (v3c_device_is_gone(device))
		return v3c_refuse(why, STATUS_INVALID_PARAMETER_2, V3C_REASON_DEVICE_GONE, device, 0, 0);
	if (device->domain)
		return v3c_refuse(why, STATUS_INVALID_PARAMETER, V3C_REASON_ATTACHED, device->domain,
				  0, 0);
	status = v3c_guard_check(device, domain->type, why);
	if (NT_SUCCESS(status))
		status = v3c_msi_check(device, domain->type, why);
	if (!NT_SUCCESS(status))
		return status;
	return v3c_domain_attach(domain, device, why);
}

/* Another DMA device of the same Linux device is attached: it is the hardware that is. */
static bool twin_attached(struct v3c_device *device)
{
	struct v3c_device *other;

	list_for_each_entry(other, &v3c_device_list, entry)
		if (other != device && other->pdo == device->pdo && other->domain)
			return true;
	return false;
}

/* Whether an attach that nothing else refuses would wait in the core. */
static bool must_wait(void *object)
{
	struct v3c_device *device = object;

	return v3c_handle_is(device, V3C_KIND_DEVICE) && !v3c_device_is_gone(device) && !device->domain &&
	       v3c_group_is_busy(device->pdo);
}

/**
 * v3c_device_attach() - attach a device to a domain
 * @domain: the domain
 * @device: the device
 * @why: filled on refusal
 *
 * Context: may sleep.
 * Return: status of AttachDeviceEx, see wdm.h.
 */
NTSTATUS v3c_device_attach(struct v3c_domain *domain, struct v3c_device *device,
			   struct v3c_why *why)
{
	int ret = v3c_domain_begin_attach(domain, must_wait, device);
	NTSTATUS status;

	if (ret)
		return v3c_refuse_errno(why, ret, STATUS_ACCESS_DENIED, device, 0, 0);
	if (!v3c_handle_is(device, V3C_KIND_DEVICE)) {
		status = v3c_refuse(why, STATUS_INVALID_PARAMETER_2, V3C_REASON_BAD_HANDLE, device, 0,
				    0);
		goto unlock;
	}
	if (twin_attached(device))
		status = v3c_refuse(why, STATUS_INVALID_PARAMETER, V3C_REASON_ATTACHED, device, 0, 0);
	else
		status = attach(domain, device, why);
	trace_v3compat_attach(domain, device, status);
unlock:
	v3c_domain_end_attach(domain);
	return status;
}

/* Whether a detach would meet somebody else, or wait in the core. */
static bool is_busy(const struct v3c_device *device)
{
	return device->busy ||
	       (device->group && (device->group->attaching || device->group->binding));
}

/* With v3c_topology released meanwhile; nobody else is busy with it. */
static void detach(struct v3c_device *device)
{
	struct v3c_domain *domain = device->domain;

	v3c_domain_detach(device);
	trace_v3compat_detach(domain, device, STATUS_SUCCESS);
}

/**
 * v3c_device_detach() - detach a device from its domain
 * @device: the device
 * @why: filled on refusal
 *
 * Waits for whoever is attaching or detaching it, so that it is attached nowhere when this returns.
 *
 * Context: may sleep.
 * Return: status of DetachDeviceEx, see wdm.h.
 */
NTSTATUS v3c_device_detach(struct v3c_device *device, struct v3c_why *why)
{
	guard(mutex)(&v3c_topology);
	while (v3c_handle_is(device, V3C_KIND_DEVICE) && is_busy(device))
		v3c_group_wait();
	if (!v3c_handle_is(device, V3C_KIND_DEVICE))
		return v3c_refuse(why, STATUS_INVALID_PARAMETER_1, V3C_REASON_BAD_HANDLE, device, 0, 0);
	if (!device->domain) {
		trace_v3compat_detach(NULL, device, STATUS_INVALID_PARAMETER_1);
		return v3c_refuse(why, STATUS_INVALID_PARAMETER_1, V3C_REASON_NOT_ATTACHED, device, 0, 0);
	}
	detach(device);
	return STATUS_SUCCESS;
}

static struct v3c_device *find_attached(struct device *pdo)
{
	struct v3c_device *device;

	lockdep_assert_held(&v3c_topology);

	list_for_each_entry(device, &v3c_device_list, entry)
		if (device->pdo == pdo && device->domain)
			return device;
	return NULL;
}

/* Somebody is attaching or detaching it. */
static bool is_busy_pdo(struct device *pdo)
{
	struct v3c_device *device;

	list_for_each_entry(device, &v3c_device_list, entry)
		if (device->pdo == pdo && (device->domain || device->busy) && is_busy(device))
			return true;
	return false;
}

static bool must_wait_pdo(void *pdo)
{
	return !find_attached(pdo) && v3c_group_is_busy(pdo);
}

/**
 * v3c_device_attach_pdo() - V1's attach, which knows no DMA devices
 * @domain: the domain
 * @pdo: the device
 * @why: filled on refusal
 *
 * The DMA device that it makes lives until v3c_device_detach_pdo() or the removal of @pdo.
 *
 * Context: may sleep; the caller keeps @pdo from being removed during the call.
 * Return: status of V1's AttachDevice, see wdm.h.
 */
NTSTATUS v3c_device_attach_pdo(struct v3c_domain *domain, struct device *pdo, struct v3c_why *why)
{
	static const struct v3c_config plain;
	struct v3c_device *device = NULL;
	NTSTATUS status;
	int ret;

	ret = v3c_domain_begin_attach(domain, must_wait_pdo, pdo);
	if (ret)
		return v3c_refuse_errno(why, ret, STATUS_ACCESS_DENIED, pdo, 0, 0);
	if (!has_iommu(pdo)) {
		status = v3c_refuse(why, STATUS_NOT_FOUND, V3C_REASON_NO_IOMMU, pdo, 0, 0);
		goto unlock;
	}
	if (find_attached(pdo)) {
		status = v3c_refuse(why, STATUS_INVALID_PARAMETER, V3C_REASON_ATTACHED, pdo, 0, 0);
		goto unlock;
	}
	device = make_device(pdo, true, &plain);
	if (!device) {
		status = v3c_refuse(why, STATUS_INSUFFICIENT_RESOURCES, V3C_REASON_NO_MEMORY, pdo,
				    0, 0);
		goto unlock;
	}
	status = attach(domain, device, why);
	trace_v3compat_attach(domain, device, status);
	if (!NT_SUCCESS(status))
		retire_device(device);
unlock:
	v3c_domain_end_attach(domain);
	if (device && !NT_SUCCESS(status))
		free_device(device);
	return status;
}

/**
 * v3c_device_detach_pdo() - V1's detach
 * @domain: the domain that the device must be attached to
 * @pdo: the device
 * @why: filled on refusal
 *
 * Context: may sleep.
 * Return: status of V1's DetachDevice, see wdm.h.
 */
NTSTATUS v3c_device_detach_pdo(struct v3c_domain *domain, struct device *pdo, struct v3c_why *why)
{
	struct v3c_device *device;

	scoped_guard(mutex, &v3c_topology) {
		while (is_busy_pdo(pdo))
			v3c_group_wait();
		device = find_attached(pdo);
		if (!device || !device->v1 || device->domain != domain)
			return v3c_refuse(why, STATUS_INVALID_PARAMETER_2, V3C_REASON_NOT_ATTACHED,
					  pdo, 0, 0);
		detach(device);
		retire_device(device);
	}
	free_device(device);
	return STATUS_SUCCESS;
}

static NTSTATUS report_faults(struct v3c_device *device, u32 base, bool enable,
			      const DEVICE_FAULT_CONFIGURATION *config, struct v3c_why *why)
{
	return enable ? v3c_fault_enable(device, base, config, why) :
			v3c_fault_disable(device, base, why);
}

/**
 * v3c_device_report_faults() - start or stop telling a handler about a device's faults
 * @device: the device
 * @base: its first input mapping, or 0
 * @enable: start
 * @config: the handler; looked at only to start
 * @why: filled on refusal
 *
 * Context: may sleep. Stopping waits for a call of the handler, unless it is made from inside it.
 * Return: status of SetDeviceFaultReportingEx, see wdm.h.
 */
NTSTATUS v3c_device_report_faults(struct v3c_device *device, u32 base, bool enable,
				  const DEVICE_FAULT_CONFIGURATION *config, struct v3c_why *why)
{
	NTSTATUS status;

	scoped_guard(mutex, &v3c_topology) {
		if (!v3c_handle_is(device, V3C_KIND_DEVICE))
			return v3c_refuse(why, STATUS_INVALID_PARAMETER_1, V3C_REASON_BAD_HANDLE,
					  device, 0, 0);
		status = report_faults(device, base, enable, config, why);
	}
	if (NT_SUCCESS(status) && !enable)
		v3c_fault_wait(device);
	return status;
}

/**
 * v3c_device_report_faults_pdo() - the same by V1, which knows no DMA devices
 * @pdo: attached by v3c_device_attach_pdo()
 * @base: 0
 * @enable: start
 * @config: the handler; looked at only to start
 * @why: filled on refusal
 *
 * Context: may sleep. Stopping waits for a call of the handler, unless it is made from inside it.
 * Return: status of V1's SetDeviceFaultReporting, see wdm.h.
 */
NTSTATUS v3c_device_report_faults_pdo(struct device *pdo, u32 base, bool enable,
				      const DEVICE_FAULT_CONFIGURATION *config,
				      struct v3c_why *why)
{
	struct v3c_device *device;
	NTSTATUS status;

	scoped_guard(mutex, &v3c_topology) {
		device = find_attached(pdo);
		if (!device || !device->v1)
			return v3c_refuse(why, STATUS_INVALID_PARAMETER_1, V3C_REASON_NOT_ATTACHED,
					  pdo, 0, 0);
		status = report_faults(device, base, enable, config, why);
	}
	/* It may be dead by now, but not forgotten. */
	if (NT_SUCCESS(status) && !enable)
		v3c_fault_wait(device);
	return status;
}

/**
 * v3c_device_info() - how a device was created
 * @device: the device
 * @size: of @info, in bytes
 * @written: result: bytes written, or needed when @size is too small
 * @info: result, untouched when @size is too small
 * @why: filled on refusal
 *
 * Context: may sleep.
 * Return: status of QueryDeviceInfo, see wdm.h.
 */
NTSTATUS v3c_device_info(struct v3c_device *device, ULONG size, ULONG *written,
			 IOMMU_DMA_DEVICE_INFORMATION *info, struct v3c_why *why)
{
	guard(mutex)(&v3c_topology);
	if (!v3c_handle_is(device, V3C_KIND_DEVICE))
		return v3c_refuse(why, STATUS_INVALID_PARAMETER_1, V3C_REASON_BAD_HANDLE, device, 0, 0);
	if (device->gone)
		return v3c_refuse(why, STATUS_INVALID_PARAMETER_1, V3C_REASON_DEVICE_GONE, device, 0, 0);
	*written = sizeof(*info);
	if (size < sizeof(*info))
		return v3c_refuse(why, STATUS_BUFFER_TOO_SMALL, V3C_REASON_BUFFER_TOO_SMALL, device,
				  size, sizeof(*info));
	*info = (IOMMU_DMA_DEVICE_INFORMATION) {
		.DefaultPasidEnabled = device->default_pasid,
		.PasidTaggedDmaEnabled = device->tagged,
		.PasidFaultsSuppressed = device->suppress,
	};
	return STATUS_SUCCESS;
}

static unsigned int nr_input_mappings(struct device *pdo)
{
	struct iommu_fwspec *fwspec = dev_iommu_fwspec_get(pdo);

	if (fwspec && fwspec->num_ids)
		return fwspec->num_ids;
	return dev_is_pci(pdo) ? 1 : 0;
}

static u32 input_mapping(struct device *pdo, unsigned int index)
{
	struct iommu_fwspec *fwspec = dev_iommu_fwspec_get(pdo);

	if (fwspec && fwspec->num_ids)
		return fwspec->ids[index];
	return pci_dev_id(to_pci_dev(pdo));
}

/* Under v3c_topology; 0 when it has none. */
u32 v3c_device_first_input_mapping(struct v3c_device *device)
{
	return nr_input_mappings(device->pdo) ? input_mapping(device->pdo, 0) : 0;
}

/* Under v3c_topology. */
bool v3c_device_has_input_mapping(struct v3c_device *device, u32 id)
{
	unsigned int i;

	for (i = 0; i < nr_input_mappings(device->pdo); i++)
		if (input_mapping(device->pdo, i) == id)
			return true;
	return false;
}

/**
 * v3c_device_input_mappings() - the IDs by which the IOMMU knows a device
 * @pdo: the device
 * @buffer: result; untouched when too small
 * @size: of @buffer, in bytes
 * @needed: result, bytes; also when @buffer is too small
 * @why: filled on refusal
 *
 * Firmware's IDs where it gave any, otherwise the PCI requester ID.
 *
 * Context: may sleep; the caller keeps @pdo from being removed during the call.
 * Return: status of QueryInputMappings, see wdm.h.
 */
NTSTATUS v3c_device_input_mappings(struct device *pdo, INPUT_MAPPING_ELEMENT *buffer, ULONG size,
				   ULONG *needed, struct v3c_why *why)
{
	unsigned int count, i;

	guard(mutex)(&v3c_topology);
	count = has_iommu(pdo) ? nr_input_mappings(pdo) : 0;
	*needed = count * sizeof(*buffer);
	if (!count)
		return v3c_refuse(why, STATUS_UNSUCCESSFUL, V3C_REASON_NO_IOMMU, pdo, 0, 0);
	if (!buffer || size < *needed)
		return v3c_refuse(why, STATUS_BUFFER_TOO_SMALL, V3C_REASON_BUFFER_TOO_SMALL, pdo, size,
				  *needed);
	for (i = 0; i < count; i++)
		buffer[i].InputMappingId = input_mapping(pdo, i);
	return STATUS_SUCCESS;
}

/**
 * v3c_device_next_known() - iterate the devices that clients have created, newest first
 * @pos: cursor, NULL at first
 *
 * Context: under v3c_topology, which also keeps the device behind its IOMMU.
 * Return: a device, not referenced, or NULL at the end.
 */
struct device *v3c_device_next_known(struct v3c_device **pos)
{
	struct v3c_device *device = list_prepare_entry(*pos, &v3c_device_list, entry);

	lockdep_assert_held(&v3c_topology);

	list_for_each_entry_continue(device, &v3c_device_list, entry) {
		if (v3c_device_is_gone(device))
			continue;
		*pos = device;
		return device->pdo;
	}
	return NULL;
}

/* Whether a sub-device of the Linux device is bound to a process, or being bound or unbound. */
bool v3c_device_has_bonds(struct device *pdo)
{
	struct v3c_device *device;

	lockdep_assert_held(&v3c_topology);

	list_for_each_entry(device, &v3c_device_list, entry)
		if (device->pdo == pdo && device->bonds)
			return true;
	return false;
}

static int match_iommu(struct device *dev, const void *data)
{
	return has_iommu(dev);
}

/**
 * v3c_device_next_any() - iterate all devices behind an IOMMU
 * @dev: the one before, whose reference is dropped, or NULL to begin
 *
 * Context: may sleep; under v3c_topology, which also keeps the device behind its IOMMU.
 * Return: a device, to be given to v3c_device_next_any() or put_device(), or NULL at the end.
 */
struct device *v3c_device_next_any(struct device *dev)
{
	struct device *next = NULL;
	const struct bus_type *bus;
	unsigned int i = 0;

	lockdep_assert_held(&v3c_topology);

	while (dev && v3c_bus(i) != dev->bus)
		i++;
	for (; !next && (bus = v3c_bus(i)); i++)
		next = bus_find_device(bus, dev && dev->bus == bus ? dev : NULL, NULL, match_iommu);
	put_device(dev);
	return next;
}

/* Detaches what is attached in the device's group and @which says, or waits for who is busy with it. */
static bool detach_one_of_group(struct device *dev, bool (*which)(struct v3c_device *device))
{
	struct v3c_group *group = v3c_group_find(dev);
	struct v3c_device *device;

	if (!group)
		return false;
	list_for_each_entry(device, &v3c_device_list, entry)
		if (v3c_group_find(device->pdo) == group && which(device))
			return true;
	return false;
}

/*
 * PASIDs are in the tables of every member of a group, and a driver that loses a member forgets to take
 * them out of there. So none may be attached while one leaves.
 */
static void member_leaves(struct device *dev)
{
	while (detach_one_of_group(dev, v3c_pasids_detach_one))
		;
}

/* Detaches the device or a sub-device, or waits for who is busy with it; whether there was something. */
static bool detach_one(struct v3c_device *device)
{
	if (v3c_pasids_detach_one(device))
		return true;
	if (!device->domain && !device->busy)
		return false;
	if (is_busy(device))
		v3c_group_wait();
	else
		detach(device);
	return true;
}

/* The device has left, or its driver; whether v3c_topology was released, so that any of them may be gone. */
static bool leave(struct v3c_device *device, bool gone, struct list_head *dead)
{
	bool attached = device->domain || v3c_pasids_attached(device);

	/* Of a device that is gone there is nothing more to tell than that. */
	if (!gone && !device->gone)
		v3c_guard_abandon(device);
	/* What is queued could be told to a function that has left with its module. */
	if (!gone)
		v3c_fault_end(device);
	if (attached && !gone && !device->gone)
		dev_warn(device->pdo, "driver is gone and left its device attached\n");
	/* Nothing more is attached from here on. */
	device->gone |= gone || attached;
	if (detach_one(device))
		return true;
	if (!device->gone)
		return false;
	give_back_iopf(device);
	/* What V1 attached is nobody's then. */
	if (device->v1) {
		retire_device(device);
		list_add(&device->entry, dead);
	}
	return false;
}

/*
 * The core must not find our domain on a device that leaves: it warns, and never gives the domain
 * back. The device's client may be in the middle of using it, and learns from the next refusal.
 */
static void device_leaves(struct device *dev, bool gone, struct list_head *dead)
{
	struct v3c_device *device, *next;

	lockdep_assert_held(&v3c_topology);

again:
	list_for_each_entry_safe(device, next, &v3c_device_list, entry)
		if (device->pdo == dev && leave(device, gone, dead))
			goto again;
	if (gone)
		member_leaves(dev);
}

/*
 * DEL comes before the remove of the driver of a platform device, and before anything is taken apart; a
 * PCI device has lost its driver by then. A driver that is unbound has until UNBOUND to detach; what it
 * left attached is as good as removed, since nobody is there any more to answer for it. So is what one
 * leaves that fails to probe, which it tells before the core looks what became of the group. REMOVED
 * catches what was attached in between; this notifier runs before that of the core, which then takes the
 * device off its IOMMU. And it makes every removal wait for whoever holds v3c_topology.
 *
 * A removal waits for a fault handler that is running, as its driver has no means to. What is about
 * drivers comes under the driver core's lock of the device, which the handler may want, to reset
 * it for instance: there nobody waits.
 */
static int first_bus_event(struct notifier_block *nb, unsigned long event, void *data)
{
	bool gone = event == BUS_NOTIFY_DEL_DEVICE || event == BUS_NOTIFY_REMOVED_DEVICE;
	bool left = event == BUS_NOTIFY_UNBOUND_DRIVER || event == BUS_NOTIFY_DRIVER_NOT_BOUND;
	LIST_HEAD(dead);

	if (!gone && !left && event != BUS_NOTIFY_BOUND_DRIVER)
		return NOTIFY_OK;
	scoped_guard(mutex, &v3c_topology) {
		if (gone || left)
			device_leaves(data, gone, &dead);
		if (event == BUS_NOTIFY_REMOVED_DEVICE)
			v3c_bus_forget(data);
		v3c_guard_changed();
	}
	if (left)
		free_devices_later(&dead);
	else
		free_devices(&dead);
	return NOTIFY_OK;
}

/*
 * Whether the untagged DMA of a device that has joined the group may go where that of the others does.
 * With v3c_topology released meanwhile.
 */
static bool may_share(struct v3c_group *group, struct device *dev)
{
	int ret;

	if (!group->untagged)
		return true;
	if (v3c_domain_shows_all(group->domain) && !v3c_guard_allows_bypass(dev))
		return false;
	if (!v3c_msi_may_join(dev, group->domain->type))
		return false;
	v3c_group_begin_attach(group);
	ret = v3c_domain_member_joins(group->domain, dev);
	v3c_group_end_attach(group);
	return !ret;
}

/*
 * With v3c_topology released meanwhile; whether there was something to detach. A bond that is about to
 * begin, which may take long, is not waited for: the newcomer is there already.
 */
static bool detach_untagged(struct v3c_device *device)
{
	LIST_HEAD(dead);

	if (!device->domain)
		return false;
	if (device->busy || device->group->attaching) {
		v3c_group_wait();
		return true;
	}
	dev_warn(device->pdo, "detached, for a device that may not share the domain has joined its IOMMU group\n");
	detach(device);
	/* What V1 attached is nobody's then. */
	if (device->v1) {
		retire_device(device);
		list_add(&device->entry, &dead);
		free_devices_later(&dead);
	}
	return true;
}

/* Somebody may be about to attach the group to what the newcomer may not see. */
static struct v3c_group *group_after_attach(struct device *dev)
{
	struct v3c_group *group;

	while ((group = v3c_group_find(dev)) && group->attaching)
		v3c_group_wait();
	return group;
}

/*
 * The core has attached the device to what the others are attached to, but for PASIDs, which it would
 * nevertheless take out of the device's tables later. Now it does so once, which a driver may warn of:
 * the core has no way to say that the device never had them. Untagged DMA goes first, since somebody
 * may be busy with a PASID for long.
 */
static void member_joins(struct device *dev)
{
	struct v3c_group *group = group_after_attach(dev);

	if (group && !may_share(group, dev)) {
		dev_warn(dev, "may not share the domain of its IOMMU group, which is detached\n");
		while (detach_one_of_group(dev, detach_untagged))
			;
	}
	while (detach_one_of_group(dev, v3c_pasids_detach_one))
		;
}

/*
 * Runs after the notifier of the core. A device that is added has joined its group by then if the IOMMU
 * is known. Otherwise it joins when the driver of the IOMMU comes, or, before 6.15 and with an IOMMU that
 * firmware describes, when a driver is about to be bound, which no event of its own tells.
 */
static int last_bus_event(struct notifier_block *nb, unsigned long event, void *data)
{
	if (event != BUS_NOTIFY_ADD_DEVICE && event != BUS_NOTIFY_BIND_DRIVER &&
	    event != BUS_NOTIFY_DRIVER_NOT_BOUND)
		return NOTIFY_OK;
	guard(mutex)(&v3c_topology);
	if (!v3c_bus_learn(data))
		return NOTIFY_OK;
	member_joins(data);
	v3c_guard_changed();
	return NOTIFY_OK;
}

int v3c_device_module_init(void)
{
	return v3c_bus_watch(first_bus_event, last_bus_event);
}

/* What its owner forgot goes to @dead, unless the bus notifier is busy with it, which is waited for. */
static void reclaim(struct v3c_device *device, struct list_head *dead)
{
	if (v3c_group_is_busy(device->pdo)) {
		v3c_group_wait();
		return;
	}
	pr_warn("device %u (%s) was leaked%s\n", device->handle.serial, dev_name(device->pdo),
		device->domain ? " while attached" : "");
	v3c_pasids_reclaim(device);
	while (detach_one(device))
		;
	retire_device(device);
	list_add(&device->entry, dead);
}

/* Detaches and frees what was leaked, by name. */
void v3c_device_module_exit(void)
{
	struct v3c_device *device;
	LIST_HEAD(dead);

	scoped_guard(mutex, &v3c_topology) {
		while ((device = list_first_entry_or_null(&v3c_device_list, struct v3c_device, entry)))
			reclaim(device, &dead);
	}
	free_devices(&dead);
	v3c_bus_unwatch();
}
