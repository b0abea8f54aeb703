// SPDX-License-Identifier: GPL-2.0
/*
 * Mappings in domains.
 */
#include "internal.h"

NTSTATUS v3l_check_permissions(ULONG permissions, unsigned int ordinal)
{
	if (permissions & ~(V3COMPAT_READ | V3COMPAT_WRITE))
		return V3L_REFUSE(V3L_ORDINAL(ordinal), RESERVED_BITS, PERMISSIONS, permissions,
				  V3COMPAT_READ | V3COMPAT_WRITE);
	if (!permissions)
		return V3L_REFUSE(V3L_ORDINAL(ordinal), NO_PERMISSION, PERMISSIONS, permissions, 0);
	return STATUS_SUCCESS;
}

/*
 * gather_pieces() maps memory that is in several pieces where the kernel chooses the addresses: in
 * a reservation of their length.
 */
static NTSTATUS gather_pieces(PIOMMU_DMA_DOMAIN domain, ULONG permissions,
			      const struct v3l_memory *memory, __u32 flags, __u64 min, __u64 max,
			      PIOMMU_DMA_LOGICAL_ADDRESS out)
{
	struct v3compat_result result = { .out_status = 0 }, said;
	struct v3l_pieces *pieces = v3l_pieces_new(memory);
	NTSTATUS status;
	__u64 address = 0;

	if (!pieces)
		return v3l_no_memory();
	status = v3l_answer(v3compat_reserve(v3compat_file(), domain->object.handle, flags,
					     memory->length, &address, min, max,
					     &pieces->reservation, &result), &result);
	if (!NT_SUCCESS(status))
		goto free;
	status = v3l_map_pieces(pieces->reservation, 0, permissions, memory, 0);
	if (!NT_SUCCESS(status))
		goto destroy;
	pieces->at = address;
	v3l_list_add(&domain->gathered, pieces);
	*out = address;
	return status;

destroy:
	said = *v3compat_last_refusal();
	v3compat_destroy(v3compat_file(), pieces->reservation, NULL);
	v3l_answer(-1, &said);
free:
	free(pieces);
	return status;
}

static NTSTATUS map_memory(PIOMMU_DMA_DOMAIN domain, ULONG permissions,
			   const struct v3l_memory *memory, const ULONGLONG *explicit,
			   const ULONGLONG *min, const ULONGLONG *max,
			   PIOMMU_DMA_LOGICAL_ADDRESS out)
{
	__u32 flags = (min ? V3COMPAT_MAP_MIN : 0) | (max ? V3COMPAT_MAP_MAX : 0);
	struct v3compat_result result = { .out_status = 0 };
	__u64 address = explicit ? *explicit : 0;
	NTSTATUS status;

	if (explicit) {
		status = v3l_map_pieces(domain->object.handle, V3COMPAT_MAP_FIXED, permissions,
					memory, address);
	} else if (memory->count > 1) {
		return gather_pieces(domain, permissions, memory, flags, min ? *min : 0,
				     max ? *max : 0, out);
	} else {
		status = v3l_answer(v3compat_map(v3compat_file(), domain->object.handle, flags,
						 permissions, memory->pieces, &address,
						 min ? *min : 0, max ? *max : 0, &result),
				    &result);
	}
	if (NT_SUCCESS(status))
		*out = address;
	return status;
}

static NTSTATUS check_explicit(const ULONGLONG *explicit)
{
	if (explicit && *explicit % PAGE_SIZE)
		return V3L_REFUSE(V3L_ORDINAL(4), MISALIGNED, ADDRESS, *explicit, 0);
	return STATUS_SUCCESS;
}

static NTSTATUS map_range(PIOMMU_DMA_DOMAIN domain, ULONG permissions,
			  const IOMMU_MAP_PHYSICAL_ADDRESS *from, const ULONGLONG *explicit,
			  const ULONGLONG *min, const ULONGLONG *max,
			  PIOMMU_DMA_LOGICAL_ADDRESS out)
{
	struct v3l_memory memory;
	NTSTATUS status = v3l_check_permissions(permissions, 2);

	if (!NT_SUCCESS(status))
		return status;
	status = v3l_memory_read(&memory, from, 3, false);
	if (!NT_SUCCESS(status))
		return status;
	status = check_explicit(explicit);
	if (NT_SUCCESS(status) && !out)
		status = V3L_REFUSE_NULL(7, OUT);
	if (NT_SUCCESS(status))
		status = map_memory(domain, permissions, &memory, explicit, min, max, out);
	v3l_memory_free(&memory);
	return status;
}

NTSTATUS v3l_map_logical_range_ex(PIOMMU_DMA_DOMAIN Domain, ULONG Permissions,
				  PIOMMU_MAP_PHYSICAL_ADDRESS PhysicalAddressToMap,
				  PIOMMU_DMA_LOGICAL_ADDRESS ExplicitLogicalAddress,
				  PIOMMU_DMA_LOGICAL_ADDRESS MinLogicalAddress,
				  PIOMMU_DMA_LOGICAL_ADDRESS MaxLogicalAddress,
				  PIOMMU_DMA_LOGICAL_ADDRESS LogicalAddressOut)
{
	PIOMMU_DMA_DOMAIN domain = v3l_object_get(Domain, V3L_DOMAIN);
	NTSTATUS status;

	if (!domain)
		return V3L_REFUSE_HANDLE(1, DOMAIN);
	status = map_range(domain, Permissions, PhysicalAddressToMap, ExplicitLogicalAddress,
			   MinLogicalAddress, MaxLogicalAddress, LogicalAddressOut);
	v3l_object_put(&domain->object);
	return status;
}

NTSTATUS v3l_map_logical_range(PIOMMU_DMA_DOMAIN Domain, ULONG Permissions, PMDL Mdl,
			       ULONGLONG LogicalAddress)
{
	IOMMU_MAP_PHYSICAL_ADDRESS memory = { .MapType = MapPhysicalAddressTypeMdl };
	ULONGLONG given;

	memory.Mdl.Mdl = Mdl;
	return v3l_map_logical_range_ex(Domain, Permissions, &memory, &LogicalAddress, NULL, NULL,
					&given);
}

static NTSTATUS unmap_range(PIOMMU_DMA_DOMAIN domain, ULONGLONG address, ULONGLONG pages)
{
	struct v3compat_result result = { .out_status = 0 };
	struct v3l_pieces *pieces;

	if (address % PAGE_SIZE)
		return V3L_REFUSE(V3L_ORDINAL(2), MISALIGNED, ADDRESS, address, 0);
	if (pages > UINT64_MAX >> PAGE_SHIFT)
		return V3L_REFUSE(V3L_ORDINAL(3), WRAPS, SIZE, address, pages);
	pieces = v3l_list_take(&domain->gathered, address, pages << PAGE_SHIFT);
	if (pieces)
		return v3l_release_gathered(domain, pieces);
	return v3l_answer(v3compat_unmap(v3compat_file(), domain->object.handle, address,
					 pages << PAGE_SHIFT, &result), &result);
}

NTSTATUS v3l_unmap_logical_range(PIOMMU_DMA_DOMAIN Domain, ULONGLONG LogicalAddress,
				 ULONGLONG NumberOfPages)
{
	PIOMMU_DMA_DOMAIN domain = v3l_object_get(Domain, V3L_DOMAIN);
	NTSTATUS status;

	if (!domain)
		return V3L_REFUSE_HANDLE(1, DOMAIN);
	status = unmap_range(domain, LogicalAddress, NumberOfPages);
	v3l_object_put(&domain->object);
	return status;
}

/* read_identity() reads memory for an identity mapping, which only physical addresses can have. */
static NTSTATUS read_identity(struct v3l_memory *memory, const IOMMU_MAP_PHYSICAL_ADDRESS *from,
			      unsigned int ordinal)
{
	NTSTATUS status = v3l_memory_read(memory, from, ordinal, true);

	if (NT_SUCCESS(status) && memory->pieces->type != V3COMPAT_SOURCE_PHYSICAL) {
		v3l_memory_free(memory);
		status = V3L_REFUSE(STATUS_NOT_SUPPORTED, NOT_OFFERED, SOURCE,
				    V3COMPAT_SOURCE_MEMORY, V3COMPAT_SOURCE_PHYSICAL);
	}
	return status;
}

static NTSTATUS unmap_identities(PIOMMU_DMA_DOMAIN domain, const struct v3l_memory *memory,
				 __u32 count)
{
	struct v3compat_result result = { .out_status = 0 };
	NTSTATUS status = STATUS_SUCCESS;
	__u32 i;

	for (i = 0; i < count && NT_SUCCESS(status); i++)
		status = v3l_answer(v3compat_unmap_identity(v3compat_file(), domain->object.handle,
							    memory->pieces[i].start,
							    memory->pieces[i].length, &result),
				    &result);
	return status;
}

static NTSTATUS map_identities(PIOMMU_DMA_DOMAIN domain, ULONG permissions,
			       const struct v3l_memory *memory)
{
	struct v3compat_result result = { .out_status = 0 }, said;
	NTSTATUS status = STATUS_SUCCESS;
	__u32 i;

	for (i = 0; i < memory->count; i++) {
		status = v3l_answer(v3compat_map_identity(v3compat_file(), domain->object.handle,
							  permissions, memory->pieces[i].start,
							  memory->pieces[i].length, &result),
				    &result);
		if (!NT_SUCCESS(status))
			break;
	}
	if (!NT_SUCCESS(status)) {
		said = *v3compat_last_refusal();
		unmap_identities(domain, memory, i);
		v3l_answer(-1, &said);
	}
	return status;
}

NTSTATUS v3l_map_identity_range_ex(PIOMMU_DMA_DOMAIN Domain, ULONG Permissions,
				   PIOMMU_MAP_PHYSICAL_ADDRESS PhysicalAddressToMap)
{
	PIOMMU_DMA_DOMAIN domain = v3l_object_get(Domain, V3L_DOMAIN);
	struct v3l_memory memory;
	NTSTATUS status;

	if (!domain)
		return V3L_REFUSE_HANDLE(1, DOMAIN);
	status = v3l_check_permissions(Permissions, 2);
	if (NT_SUCCESS(status))
		status = read_identity(&memory, PhysicalAddressToMap, 3);
	if (NT_SUCCESS(status)) {
		status = map_identities(domain, Permissions, &memory);
		v3l_memory_free(&memory);
	}
	v3l_object_put(&domain->object);
	return status;
}

NTSTATUS v3l_map_identity_range(PIOMMU_DMA_DOMAIN Domain, ULONG Permissions, PMDL Mdl)
{
	IOMMU_MAP_PHYSICAL_ADDRESS memory = { .MapType = MapPhysicalAddressTypeMdl };

	memory.Mdl.Mdl = Mdl;
	return v3l_map_identity_range_ex(Domain, Permissions, &memory);
}

NTSTATUS v3l_unmap_identity_range_ex(PIOMMU_DMA_DOMAIN Domain,
				     PIOMMU_MAP_PHYSICAL_ADDRESS MappedPhysicalAddress)
{
	PIOMMU_DMA_DOMAIN domain = v3l_object_get(Domain, V3L_DOMAIN);
	struct v3l_memory memory;
	NTSTATUS status;

	if (!domain)
		return V3L_REFUSE_HANDLE(1, DOMAIN);
	status = read_identity(&memory, MappedPhysicalAddress, 2);
	if (NT_SUCCESS(status)) {
		status = unmap_identities(domain, &memory, memory.count);
		v3l_memory_free(&memory);
	}
	v3l_object_put(&domain->object);
	return status;
}

NTSTATUS v3l_unmap_identity_range(PIOMMU_DMA_DOMAIN Domain, PMDL Mdl)
{
	IOMMU_MAP_PHYSICAL_ADDRESS memory = { .MapType = MapPhysicalAddressTypeMdl };

	memory.Mdl.Mdl = Mdl;
	return v3l_unmap_identity_range_ex(Domain, &memory);
}
