// SPDX-License-Identifier: GPL-2.0
/*
 * Attachments: a device or a sub-device holds a reference to the domain that it is attached to.
 */
#include "internal.h"

/* attach_object() attaches what is behind @handle, whose place for a domain is @place. */
static NTSTATUS attach_object(PIOMMU_DMA_DOMAIN domain, __u32 handle, pthread_mutex_t *lock,
			      PIOMMU_DMA_DOMAIN *place)
{
	struct v3compat_result result = { .out_status = 0 };
	NTSTATUS status;

	/* Counted before, because DeleteDomain must not take mappings away meanwhile. */
	atomic_fetch_add(&domain->users, 1);
	pthread_mutex_lock(lock);
	status = v3l_answer(v3compat_attach(v3compat_file(), domain->object.handle, handle,
					    &result), &result);
	if (NT_SUCCESS(status)) {
		atomic_fetch_add(&domain->object.refs, 1);
		*place = domain;
	}
	pthread_mutex_unlock(lock);
	if (!NT_SUCCESS(status))
		atomic_fetch_sub(&domain->users, 1);
	return status;
}

/*
 * detach_object() detaches it, if it is attached by way of @place, and to @domain unless that is
 * NULL.
 */
static NTSTATUS detach_object(PIOMMU_DMA_DOMAIN domain, __u32 handle, pthread_mutex_t *lock,
			      PIOMMU_DMA_DOMAIN *place, unsigned int ordinal)
{
	struct v3compat_result result = { .out_status = 0 };
	PIOMMU_DMA_DOMAIN from;
	NTSTATUS status;

	pthread_mutex_lock(lock);
	from = *place;
	if (!from || (domain && domain != from))
		status = V3L_REFUSE(V3L_ORDINAL(ordinal), NOT_ATTACHED, DEVICE, 0, 0);
	else
		status = v3l_answer(v3compat_detach(v3compat_file(), handle, &result), &result);
	/* The kernel has ended the attachment of a device that is gone. */
	if (NT_SUCCESS(status) || (from && result.out_reason == V3COMPAT_REASON_NOT_ATTACHED))
		*place = NULL;
	else
		from = NULL;
	pthread_mutex_unlock(lock);
	if (from) {
		atomic_fetch_sub(&from->users, 1);
		v3l_object_put(&from->object);
	}
	return status;
}

NTSTATUS v3l_attach_device_ex(PIOMMU_DMA_DOMAIN Domain, PIOMMU_DMA_DEVICE DmaDevice)
{
	PIOMMU_DMA_DOMAIN domain = v3l_object_get(Domain, V3L_DOMAIN);
	PIOMMU_DMA_DEVICE device;
	NTSTATUS status;

	if (!domain)
		return V3L_REFUSE_HANDLE(1, DOMAIN);
	device = v3l_object_get(DmaDevice, V3L_DEVICE);
	if (device) {
		status = attach_object(domain, device->object.handle, &device->lock,
				       &device->domain);
		v3l_object_put(&device->object);
	} else {
		status = V3L_REFUSE_HANDLE(2, DEVICE);
	}
	v3l_object_put(&domain->object);
	return status;
}

NTSTATUS v3l_detach_device_ex(PIOMMU_DMA_DEVICE DmaDevice)
{
	PIOMMU_DMA_DEVICE device = v3l_object_get(DmaDevice, V3L_DEVICE);
	NTSTATUS status;

	if (!device)
		return V3L_REFUSE_HANDLE(1, DEVICE);
	status = detach_object(NULL, device->object.handle, &device->lock, &device->domain, 1);
	v3l_object_put(&device->object);
	return status;
}

NTSTATUS v3l_attach_pasid_device(PIOMMU_DMA_DOMAIN Domain, PIOMMU_DMA_PASID_DEVICE PasidDevice)
{
	PIOMMU_DMA_DOMAIN domain = v3l_object_get(Domain, V3L_DOMAIN);
	PIOMMU_DMA_PASID_DEVICE pasid;
	NTSTATUS status;

	if (!domain)
		return V3L_REFUSE_HANDLE(1, DOMAIN);
	pasid = v3l_object_get(PasidDevice, V3L_PASID);
	if (pasid) {
		status = attach_object(domain, pasid->object.handle, &pasid->lock, &pasid->domain);
		v3l_object_put(&pasid->object);
	} else {
		status = V3L_REFUSE_HANDLE(2, PASID);
	}
	v3l_object_put(&domain->object);
	return status;
}

NTSTATUS v3l_detach_pasid_device(PIOMMU_DMA_PASID_DEVICE PasidDevice)
{
	PIOMMU_DMA_PASID_DEVICE pasid = v3l_object_get(PasidDevice, V3L_PASID);
	NTSTATUS status;

	if (!pasid)
		return V3L_REFUSE_HANDLE(1, PASID);
	status = detach_object(NULL, pasid->object.handle, &pasid->lock, &pasid->domain, 1);
	v3l_object_put(&pasid->object);
	return status;
}

static NTSTATUS check_mapping(ULONG mapping, ULONG count)
{
	if (mapping)
		return V3L_REFUSE(V3L_ORDINAL(3), BAD_CONFIG, MAPPING, mapping, 0);
	if (count != 1)
		return V3L_REFUSE(V3L_ORDINAL(4), BAD_CONFIG, NUMBER, count, 1);
	return STATUS_SUCCESS;
}

NTSTATUS v3l_attach_device(PIOMMU_DMA_DOMAIN Domain, PDEVICE_OBJECT PhysicalDeviceObject,
			   ULONG InputMappingIdBase, ULONG MappingCount)
{
	PIOMMU_DMA_DOMAIN domain = v3l_object_get(Domain, V3L_DOMAIN);
	PDEVICE_OBJECT pdo;
	NTSTATUS status;

	if (!domain)
		return V3L_REFUSE_HANDLE(1, DOMAIN);
	pdo = v3l_object_get(PhysicalDeviceObject, V3L_PDO);
	if (pdo) {
		status = check_mapping(InputMappingIdBase, MappingCount);
		if (NT_SUCCESS(status))
			status = attach_object(domain, pdo->object.handle, &pdo->lock,
					       &pdo->domain);
		v3l_object_put(&pdo->object);
	} else {
		status = V3L_REFUSE_HANDLE(2, DEVICE);
	}
	v3l_object_put(&domain->object);
	return status;
}

NTSTATUS v3l_detach_device(PIOMMU_DMA_DOMAIN Domain, PDEVICE_OBJECT PhysicalDeviceObject,
			   ULONG InputMappingId)
{
	PIOMMU_DMA_DOMAIN domain = v3l_object_get(Domain, V3L_DOMAIN);
	PDEVICE_OBJECT pdo;
	NTSTATUS status;

	if (!domain)
		return V3L_REFUSE_HANDLE(1, DOMAIN);
	pdo = v3l_object_get(PhysicalDeviceObject, V3L_PDO);
	if (pdo) {
		status = check_mapping(InputMappingId, 1);
		if (NT_SUCCESS(status))
			status = detach_object(domain, pdo->object.handle, &pdo->lock,
					       &pdo->domain, 2);
		if (NT_SUCCESS(status))
			v3l_watch_drop_fault(&pdo->watch, pdo);
		v3l_object_put(&pdo->object);
	} else {
		status = V3L_REFUSE_HANDLE(2, DEVICE);
	}
	v3l_object_put(&domain->object);
	return status;
}
