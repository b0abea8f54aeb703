// SPDX-License-Identifier: GPL-2.0
/*
 * Device objects, DMA devices and sub-devices.
 *
 * The file has a device once, so all DMA devices of a device object share its handle, and the
 * library keeps apart what each of them may do.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "internal.h"

static PDEVICE_OBJECT new_pdo(__u32 segment)
{
	PDEVICE_OBJECT pdo = calloc(1, sizeof(*pdo));

	if (!pdo)
		return NULL;
	if (v3l_watch_init(&pdo->watch)) {
		free(pdo);
		return NULL;
	}
	pthread_mutex_init(&pdo->lock, NULL);
	pdo->segment = segment;
	return pdo;
}

/* claim_device() makes it for tagged DMA, or, where that is what is wrong, not. */
static int claim_device(PDEVICE_OBJECT pdo, const char *bus, const char *name, __u32 *handle)
{
	struct v3compat_result result = { .out_status = 0 };
	int fd = v3compat_file(), ret;

	if (fd < 0)
		return -1;
	ret = v3compat_device_create(fd, bus, name, V3COMPAT_DEVICE_TAGGED, handle, &result);
	pdo->tagged = !ret;
	if (ret && result.out_parameter == V3COMPAT_PARAM_CONFIG)
		ret = v3compat_device_create(fd, bus, name, 0, handle, &result);
	v3l_answer(ret, &result);
	return ret;
}

PDEVICE_OBJECT v3compat_open_device(const char *bus, const char *name)
{
	unsigned int segment = 0;
	PDEVICE_OBJECT pdo;
	__u32 handle;
	int err;

	if (!strcmp(bus, "pci") && sscanf(name, "%x:", &segment) != 1)
		segment = 0;
	pdo = new_pdo(segment);
	if (!pdo)
		return NULL;
	if (claim_device(pdo, bus, name, &handle)) {
		err = errno;
		v3l_watch_exit(&pdo->watch);
		free(pdo);
		errno = err;
		return NULL;
	}
	v3l_object_add(&pdo->object, V3L_PDO, handle, pdo);
	return pdo;
}

PDEVICE_OBJECT v3compat_adopt_device(__u32 handle, __u32 flags, __u32 segment)
{
	PDEVICE_OBJECT pdo = new_pdo(segment);

	if (!pdo)
		return NULL;
	pdo->tagged = flags & V3COMPAT_DEVICE_TAGGED;
	pdo->adopted = true;
	v3l_object_add(&pdo->object, V3L_PDO, handle, pdo);
	return pdo;
}

int v3compat_close_device(PDEVICE_OBJECT device)
{
	PDEVICE_OBJECT pdo = v3l_object_get(device, V3L_PDO);
	struct v3compat_result result = { .out_status = 0 };
	int ret = 0;

	if (!device)
		return 0;
	if (!pdo) {
		errno = ENOENT;
		return -1;
	}
	if (pdo->users || pdo->domain || v3l_watch_busy(&pdo->watch, NULL)) {
		errno = EBUSY;
		ret = -1;
	} else if (!pdo->adopted) {
		ret = v3compat_destroy(v3compat_file(), pdo->object.handle, &result);
		v3l_answer(ret, &result);
	}
	if (!ret && v3l_object_remove(&pdo->object))
		v3l_watch_exit(&pdo->watch);
	v3l_object_put(&pdo->object);
	return ret;
}

static NTSTATUS bad_config(enum v3compat_reason reason, __u64 value)
{
	return v3l_refuse(V3L_ORDINAL(2), reason, V3COMPAT_PARAM_CONFIG, value, 0);
}

static NTSTATUS read_entry(const IOMMU_DEVICE_CREATION_CONFIGURATION *entry,
			   PIOMMU_DMA_DEVICE device)
{
	unsigned int type = entry->Pasid.ConfigType;

	switch (entry->ConfigType) {
	case IommuDeviceCreationConfigTypePasid:
		if (type >= PasidConfigTypeMax)
			return bad_config(V3COMPAT_REASON_BAD_ENUM, type);
		device->tagged = type == PasidConfigTypePasidTaggedDma;
		if (device->pasid_config || (device->tagged && !device->pdo->tagged))
			return bad_config(V3COMPAT_REASON_BAD_CONFIG, entry->ConfigType);
		device->pasid_config = true;
		device->suppress = entry->Pasid.SuppressPasidFaults;
		return STATUS_SUCCESS;
	case IommuDeviceCreationConfigTypeAcpi:
		return bad_config(V3COMPAT_REASON_BAD_CONFIG, entry->ConfigType);
	default:
		return bad_config(V3COMPAT_REASON_BAD_ENUM, entry->ConfigType);
	}
}

/* read_config(): an entry may appear once, which bounds the walk of a ring that does not close. */
static NTSTATUS read_config(const IOMMU_DEVICE_CREATION_CONFIGURATION *first,
			    PIOMMU_DMA_DEVICE device)
{
	const IOMMU_DEVICE_CREATION_CONFIGURATION *entry = first;
	NTSTATUS status = STATUS_SUCCESS;
	const LIST_ENTRY *next;

	while (entry && NT_SUCCESS(status)) {
		status = read_entry(entry, device);
		next = entry->NextConfiguration.Flink;
		entry = next ? container_of(next, const IOMMU_DEVICE_CREATION_CONFIGURATION,
					    NextConfiguration) : NULL;
		if (entry == first)
			break;
	}
	return status;
}

NTSTATUS v3l_create_device(PDEVICE_OBJECT DeviceObject,
			   PIOMMU_DEVICE_CREATION_CONFIGURATION DeviceConfig,
			   PIOMMU_DMA_DEVICE *DmaDeviceOut)
{
	PDEVICE_OBJECT pdo = v3l_object_get(DeviceObject, V3L_PDO);
	PIOMMU_DMA_DEVICE device;
	NTSTATUS status;

	if (!pdo)
		return V3L_REFUSE_HANDLE(1, DEVICE);
	device = calloc(1, sizeof(*device));
	if (!device) {
		v3l_object_put(&pdo->object);
		return v3l_no_memory();
	}
	device->pdo = pdo;
	status = read_config(DeviceConfig, device);
	if (NT_SUCCESS(status) && !DmaDeviceOut)
		status = V3L_REFUSE_NULL(3, OUT);
	if (!NT_SUCCESS(status)) {
		free(device);
		v3l_object_put(&pdo->object);
		return status;
	}
	pthread_mutex_init(&device->lock, NULL);
	atomic_fetch_add(&pdo->users, 1);
	v3l_object_add(&device->object, V3L_DEVICE, pdo->object.handle, device);
	*DmaDeviceOut = device;
	return STATUS_SUCCESS;
}

NTSTATUS v3l_delete_device(PIOMMU_DMA_DEVICE DmaDevice)
{
	PIOMMU_DMA_DEVICE device = v3l_object_get(DmaDevice, V3L_DEVICE);
	NTSTATUS status = STATUS_SUCCESS;
	bool removed = false;

	if (!device)
		return V3L_REFUSE_HANDLE(1, DEVICE);
	pthread_mutex_lock(&device->lock);
	if (device->domain || device->users || v3l_watch_busy(&device->pdo->watch, device))
		status = V3L_REFUSE(STATUS_RESOURCE_IN_USE, IN_USE, DEVICE, 0, 0);
	else
		removed = v3l_object_remove(&device->object);
	pthread_mutex_unlock(&device->lock);
	if (removed) {
		v3l_watch_drop_fault(&device->pdo->watch, device);
		atomic_fetch_sub(&device->pdo->users, 1);
	}
	v3l_object_put(&device->object);
	return status;
}

NTSTATUS v3l_query_device_info(PIOMMU_DMA_DEVICE DmaDevice, ULONG Size, PULONG BytesWritten,
			       PIOMMU_DMA_DEVICE_INFORMATION Buffer)
{
	PIOMMU_DMA_DEVICE device = v3l_object_get(DmaDevice, V3L_DEVICE);
	NTSTATUS status = STATUS_SUCCESS;

	if (!device)
		return V3L_REFUSE_HANDLE(1, DEVICE);
	if (!BytesWritten) {
		status = V3L_REFUSE_NULL(3, NUMBER);
	} else if (Size < sizeof(*Buffer)) {
		*BytesWritten = sizeof(*Buffer);
		status = V3L_REFUSE(STATUS_BUFFER_TOO_SMALL, BUFFER_TOO_SMALL, LENGTH, Size,
				    sizeof(*Buffer));
	} else if (!Buffer) {
		status = V3L_REFUSE_NULL(4, BUFFER);
	} else {
		*BytesWritten = sizeof(*Buffer);
		Buffer->DefaultPasidEnabled = device->pasid_config;
		Buffer->PasidTaggedDmaEnabled = device->tagged;
		Buffer->PasidFaultsSuppressed = device->suppress;
	}
	v3l_object_put(&device->object);
	return status;
}

VOID v3l_query_available_domain_types(PIOMMU_DMA_DEVICE DmaDevice, PULONG AvailableDomains)
{
	PIOMMU_DMA_DEVICE device = v3l_object_get(DmaDevice, V3L_DEVICE);
	struct v3compat_device_query query = { .out_types = 0 };
	struct v3compat_result result = { .out_status = 0 };

	if (device) {
		v3l_answer(v3compat_device_query(v3compat_file(), device->object.handle, &query,
						 &result), &result);
		v3l_object_put(&device->object);
	}
	if (AvailableDomains)
		*AvailableDomains = query.out_types;
}

NTSTATUS v3l_query_input_mappings(PDEVICE_OBJECT PhysicalDeviceObject,
				  PINPUT_MAPPING_ELEMENT Buffer, ULONG BufferLength,
				  PULONG ReturnLength)
{
	PDEVICE_OBJECT pdo = v3l_object_get(PhysicalDeviceObject, V3L_PDO);
	struct v3compat_result result = { .out_status = 0 };
	__u32 room = BufferLength / sizeof(*Buffer), count = 0;
	NTSTATUS status;

	if (!pdo)
		return V3L_REFUSE_HANDLE(1, DEVICE);
	if (BufferLength && !Buffer)
		status = V3L_REFUSE_NULL(2, BUFFER);
	else
		status = v3l_answer(v3compat_input_mappings(v3compat_file(), pdo->object.handle,
							    room ? &Buffer->InputMappingId : NULL,
							    room, &count, &result), &result);
	v3l_object_put(&pdo->object);
	if (!NT_SUCCESS(status))
		return status;
	if (ReturnLength)
		*ReturnLength = count * sizeof(*Buffer);
	if (count > room)
		return V3L_REFUSE(STATUS_BUFFER_TOO_SMALL, BUFFER_TOO_SMALL, LENGTH, room, count);
	return STATUS_SUCCESS;
}

NTSTATUS v3l_create_pasid_device(PIOMMU_DMA_DEVICE DmaDevice,
				 PIOMMU_DMA_PASID_DEVICE *PasidDeviceOut, PULONG AsidOut)
{
	PIOMMU_DMA_DEVICE device = v3l_object_get(DmaDevice, V3L_DEVICE);
	struct v3compat_result result = { .out_status = 0 };
	PIOMMU_DMA_PASID_DEVICE pasid = NULL;
	__u32 handle, number;
	NTSTATUS status;

	if (!device)
		return V3L_REFUSE_HANDLE(1, DEVICE);
	if (!device->tagged)
		status = V3L_REFUSE(V3L_ORDINAL(1), BAD_CONFIG, DEVICE, 0, 0);
	else if (!PasidDeviceOut)
		status = V3L_REFUSE_NULL(2, OUT);
	else if (!AsidOut)
		status = V3L_REFUSE_NULL(3, NUMBER);
	else
		status = (pasid = calloc(1, sizeof(*pasid))) ? STATUS_SUCCESS : v3l_no_memory();
	if (NT_SUCCESS(status))
		status = v3l_answer(v3compat_pasid_create(v3compat_file(), device->object.handle,
							  0, &handle, &number, &result), &result);
	if (!NT_SUCCESS(status)) {
		free(pasid);
		v3l_object_put(&device->object);
		return status;
	}
	pthread_mutex_init(&pasid->lock, NULL);
	pasid->device = device;
	atomic_fetch_add(&device->users, 1);
	v3l_object_add(&pasid->object, V3L_PASID, handle, pasid);
	*PasidDeviceOut = pasid;
	*AsidOut = number;
	return STATUS_SUCCESS;
}

NTSTATUS v3l_delete_pasid_device(PIOMMU_DMA_PASID_DEVICE PasidDevice)
{
	PIOMMU_DMA_PASID_DEVICE pasid = v3l_object_get(PasidDevice, V3L_PASID);
	struct v3compat_result result = { .out_status = 0 };
	NTSTATUS status;

	if (!pasid)
		return V3L_REFUSE_HANDLE(1, PASID);
	status = v3l_answer(v3compat_destroy(v3compat_file(), pasid->object.handle, &result),
			    &result);
	if (NT_SUCCESS(status) && v3l_object_remove(&pasid->object))
		atomic_fetch_sub(&pasid->device->users, 1);
	v3l_object_put(&pasid->object);
	return status;
}
