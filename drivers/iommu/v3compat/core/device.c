// SPDX-License-Identifier: GPL-2.0
/*
 * DMA devices: what they are, and what they may attach to.
 */
#include <linux/device.h>
#include <linux/iommu.h>
#include <linux/pci.h>

#include "base/bus.h"
#include "base/compat.h"
#include "base/iommus.h"
#include "base/topology.h"
#include "core/device.h"
#include "core/fault.h"
#include "core/group.h"
#include "core/guard.h"
#include "table/hwpt.h"

LIST_HEAD(v3c_device_list);

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
bool v3c_device_has_iommu(struct device *dev)
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
	return device->gone || !v3c_device_has_iommu(device->pdo);
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

static NTSTATUS check_pasid(struct device *pdo, const IOMMU_DEVICE_CREATION_CONFIGURATION *entry,
			    struct v3c_device_config *config, struct v3c_why *why)
{
	IOMMU_PASID_CONFIGURATION_TYPE type = entry->Pasid.ConfigType;

	if ((unsigned int)type >= PasidConfigTypeMax)
		return bad_config(why, entry, V3C_REASON_BAD_ENUM, type);
	config->pasid = true;
	config->tagged = type == PasidConfigTypePasidTaggedDma;
	config->suppress = entry->Pasid.SuppressPasidFaults;
	if (config->tagged && !v3c_iommu_takes_pasids(pdo))
		return bad_config(why, entry, V3C_REASON_BAD_CONFIG, type);
	return STATUS_SUCCESS;
}

static NTSTATUS check_entry(struct device *pdo, const IOMMU_DEVICE_CREATION_CONFIGURATION *entry,
			    u64 type, struct v3c_device_config *config, struct v3c_why *why)
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
			     struct v3c_device_config *config, struct v3c_why *why)
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

struct v3c_device *v3c_device_make(struct device *pdo, bool v1, const struct v3c_device_config *config)
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
	device->reporter.pdo = pdo;
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
void v3c_device_give_back_iopf(struct v3c_device *device)
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

/* Nothing finds it any more; for v3c_device_free(). */
void v3c_device_retire(struct v3c_device *device)
{
	lockdep_assert_held(&v3c_topology);

	v3c_handle_retire(&device->handle);
	list_del(&device->entry);
	v3c_device_give_back_iopf(device);
	v3c_fault_end(&device->reporter);
}

/* Not under v3c_topology, which the fault handler that is waited for may want. */
void v3c_device_free(struct v3c_device *device)
{
	struct device *pdo = device->pdo;

	v3c_fault_wait(&device->reporter);
	device->pdo = NULL;
	v3c_handle_free(&v3c_devices, &device->handle);
	put_device(pdo);
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
	struct v3c_device_config asked = {};
	struct v3c_device *device;
	NTSTATUS status;

	guard(mutex)(&v3c_topology);
	if (!v3c_device_has_iommu(pdo))
		return v3c_refuse(why, STATUS_NOT_FOUND, V3C_REASON_NO_IOMMU, pdo, 0, 0);
	status = check_config(pdo, config, &asked, why);
	if (!NT_SUCCESS(status))
		return status;
	device = v3c_device_make(pdo, false, &asked);
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
		if (device->watch.callback || device->watch.calls)
			return v3c_refuse(why, STATUS_RESOURCE_IN_USE, V3C_REASON_REGISTERED,
					  device, 0, 0);
		v3c_device_retire(device);
	}
	v3c_device_free(device);
	return STATUS_SUCCESS;
}

/**
 * v3c_device_types() - what a device may attach to now
 * @device: the device
 *
 * Context: may sleep; under v3c_topology.
 * Return: a bit per IOMMU_DMA_DOMAIN_TYPE; none for a device that is gone, or whose group an ordinary
 * driver of another member uses.
 */
ULONG v3c_device_types(const struct v3c_device *device)
{
	ULONG types = BIT(DomainTypeTranslate) | BIT(DomainTypeUnmanaged);

	lockdep_assert_held(&v3c_topology);

	if (v3c_device_is_gone(device) || v3c_group_is_foreign(device->pdo))
		return 0;
	if (v3c_guard_allows_bypass(device->pdo))
		types |= BIT(DomainTypePassThrough);
	if (device->first_stage)
		types |= BIT(DomainTypeTranslateS1);
	return types;
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
	return v3c_handle_is(device, V3C_KIND_DEVICE) ? v3c_device_types(device) : 0;
}

/**
 * v3c_device_check_type() - whether a device may be attached to a domain now
 * @device: alive
 * @type: of the domain
 * @why: filled on refusal
 *
 * Context: may sleep; under v3c_topology.
 * Return: STATUS_SUCCESS or STATUS_ACCESS_DENIED.
 */
NTSTATUS v3c_device_check_type(const struct v3c_device *device, IOMMU_DMA_DOMAIN_TYPE type,
			 struct v3c_why *why)
{
	ULONG types = v3c_device_types(device);

	if (types & BIT(type))
		return STATUS_SUCCESS;
	return v3c_refuse(why, STATUS_ACCESS_DENIED,
			  types ? V3C_REASON_NOT_AVAILABLE : V3C_REASON_GROUP_BUSY, device, type,
			  types);
}

struct v3c_device *v3c_device_find_attached(struct device *pdo)
{
	struct v3c_device *device;

	lockdep_assert_held(&v3c_topology);

	list_for_each_entry(device, &v3c_device_list, entry)
		if (device->pdo == pdo && device->domain)
			return device;
	return NULL;
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
	count = v3c_device_has_iommu(pdo) ? nr_input_mappings(pdo) : 0;
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
	return v3c_device_has_iommu(dev);
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
