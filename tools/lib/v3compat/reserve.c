// SPDX-License-Identifier: GPL-2.0
/*
 * Tokens: reservations of addresses.
 */
#include "internal.h"

/* get_token() finds what is behind a pointer of the program's. */
static struct v3l_token *get_token(PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token)
{
	return v3l_object_get(token, V3L_TOKEN);
}

static NTSTATUS check_reserve(SIZE_T size, const ULONGLONG *explicit, const void *out)
{
	if (!size)
		return V3L_REFUSE(V3L_ORDINAL(2), EMPTY, SIZE, 0, size);
	if (size % PAGE_SIZE)
		return V3L_REFUSE(V3L_ORDINAL(2), MISALIGNED, SIZE, 0, size);
	if (explicit && *explicit % PAGE_SIZE)
		return V3L_REFUSE(V3L_ORDINAL(3), MISALIGNED, ADDRESS, *explicit, size);
	if (!out)
		return V3L_REFUSE_NULL(6, OUT);
	return STATUS_SUCCESS;
}

static NTSTATUS reserve_range(PIOMMU_DMA_DOMAIN domain, SIZE_T size, const ULONGLONG *explicit,
			      const ULONGLONG *min, const ULONGLONG *max,
			      PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN *out)
{
	__u32 flags = (explicit ? V3COMPAT_MAP_FIXED : 0) | (min ? V3COMPAT_MAP_MIN : 0) |
		      (max ? V3COMPAT_MAP_MAX : 0), handle;
	struct v3compat_result result = { .out_status = 0 };
	__u64 address = explicit ? *explicit : 0;
	struct v3l_token *token;
	NTSTATUS status;

	token = calloc(1, sizeof(*token));
	if (!token)
		return v3l_no_memory();
	status = v3l_answer(v3compat_reserve(v3compat_file(), domain->object.handle, flags, size,
					     &address, min ? *min : 0, max ? *max : 0, &handle,
					     &result), &result);
	if (!NT_SUCCESS(status)) {
		free(token);
		return status;
	}
	pthread_mutex_init(&token->mapped.lock, NULL);
	token->token.LogicalAddressBase = address;
	token->token.Size = size;
	token->domain = domain;
	atomic_fetch_add(&domain->object.refs, 1);
	atomic_fetch_add(&domain->users, 1);
	v3l_object_add(&token->object, V3L_TOKEN, handle, &token->token);
	*out = &token->token;
	return STATUS_SUCCESS;
}

NTSTATUS v3l_reserve_logical_address_range(PIOMMU_DMA_DOMAIN Domain, SIZE_T Size,
					   PIOMMU_DMA_LOGICAL_ADDRESS ExplicitLogicalAddress,
					   PIOMMU_DMA_LOGICAL_ADDRESS MinLogicalAddress,
					   PIOMMU_DMA_LOGICAL_ADDRESS MaxLogicalAddress,
					   PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN *LogicalAddressToken)
{
	PIOMMU_DMA_DOMAIN domain = v3l_object_get(Domain, V3L_DOMAIN);
	NTSTATUS status;

	if (!domain)
		return V3L_REFUSE_HANDLE(1, DOMAIN);
	status = check_reserve(Size, ExplicitLogicalAddress, LogicalAddressToken);
	if (NT_SUCCESS(status))
		status = reserve_range(domain, Size, ExplicitLogicalAddress, MinLogicalAddress,
				       MaxLogicalAddress, LogicalAddressToken);
	v3l_object_put(&domain->object);
	return status;
}

NTSTATUS v3l_free_reserved_logical_address_range(
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN LogicalAddressToken)
{
	struct v3l_token *token = get_token(LogicalAddressToken);
	struct v3compat_result result = { .out_status = 0 };
	NTSTATUS status;

	if (!token)
		return V3L_REFUSE_HANDLE(1, TOKEN);
	status = v3l_answer(v3compat_destroy(v3compat_file(), token->object.handle, &result),
			    &result);
	if (NT_SUCCESS(status) && v3l_object_remove(&token->object))
		atomic_fetch_sub(&token->domain->users, 1);
	v3l_object_put(&token->object);
	return status;
}

static NTSTATUS check_commit(const struct v3l_token *token, SIZE_T offset, ULONG permissions)
{
	if (offset % PAGE_SIZE)
		return V3L_REFUSE(V3L_ORDINAL(2), MISALIGNED, OFFSET, offset, 0);
	if (offset >= token->token.Size)
		return V3L_REFUSE(V3L_ORDINAL(2), BEYOND_APERTURE, OFFSET, offset, offset);
	return v3l_check_permissions(permissions, 3);
}

static NTSTATUS commit_memory(struct v3l_token *token, SIZE_T offset, ULONG permissions,
			      const struct v3l_memory *memory)
{
	struct v3l_pieces *pieces = NULL;
	NTSTATUS status;

	if (memory->length > token->token.Size - offset)
		return V3L_REFUSE(V3L_ORDINAL(4), BEYOND_APERTURE, PHYS, offset,
				  offset + memory->length - 1);
	if (memory->count > 1) {
		pieces = v3l_pieces_new(memory);
		if (!pieces)
			return v3l_no_memory();
		pieces->at = offset;
	}
	status = v3l_map_pieces(token->object.handle, 0, permissions, memory, offset);
	if (!NT_SUCCESS(status))
		free(pieces);
	else if (pieces)
		v3l_list_add(&token->mapped, pieces);
	return status;
}

static NTSTATUS map_reserved(struct v3l_token *token, SIZE_T offset, ULONG permissions,
			     const IOMMU_MAP_PHYSICAL_ADDRESS *from,
			     PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT segment)
{
	struct v3l_memory memory;
	NTSTATUS status = check_commit(token, offset, permissions);

	if (!NT_SUCCESS(status))
		return status;
	status = v3l_memory_read(&memory, from, 4, false);
	if (!NT_SUCCESS(status))
		return status;
	if (!segment)
		status = V3L_REFUSE_NULL(5, OUT);
	else
		status = commit_memory(token, offset, permissions, &memory);
	if (NT_SUCCESS(status)) {
		segment->OwningToken = &token->token;
		segment->Offset = offset;
		segment->Size = memory.length;
	}
	v3l_memory_free(&memory);
	return status;
}

NTSTATUS v3l_map_reserved_logical_range(
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN LogicalAddressToken, SIZE_T Offset, ULONG Permissions,
	PIOMMU_MAP_PHYSICAL_ADDRESS PhysicalAddressToMap,
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT MappedSegment)
{
	struct v3l_token *token = get_token(LogicalAddressToken);
	NTSTATUS status;

	if (!token)
		return V3L_REFUSE_HANDLE(1, TOKEN);
	status = map_reserved(token, Offset, Permissions, PhysicalAddressToMap, MappedSegment);
	v3l_object_put(&token->object);
	return status;
}

static NTSTATUS unmap_reserved(struct v3l_token *token, SIZE_T offset, SIZE_T size)
{
	struct v3l_pieces *pieces = v3l_list_take(&token->mapped, offset, size);
	struct v3compat_result result = { .out_status = 0 };
	NTSTATUS status;

	if (!pieces)
		return v3l_answer(v3compat_unmap(v3compat_file(), token->object.handle, offset,
						 size, &result), &result);
	status = v3l_unmap_pieces(token->object.handle, offset, pieces);
	if (NT_SUCCESS(status))
		free(pieces);
	else
		v3l_list_add(&token->mapped, pieces);
	return status;
}

NTSTATUS v3l_unmap_reserved_logical_range(
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT MappedSegment)
{
	struct v3l_token *token;
	NTSTATUS status;

	if (!MappedSegment)
		return V3L_REFUSE(STATUS_INVALID_PARAMETER, NULL_POINTER, NONE, 0, 0);
	token = get_token(MappedSegment->OwningToken);
	if (!token)
		return V3L_REFUSE(STATUS_INVALID_PARAMETER, BAD_HANDLE, TOKEN, 0, 0);
	status = unmap_reserved(token, MappedSegment->Offset, MappedSegment->Size);
	v3l_object_put(&token->object);
	/* The kernel's words for a segment that is not one have no ordinal in this call. */
	if (NT_SUCCESS(status))
		RtlZeroMemory(MappedSegment, sizeof(*MappedSegment));
	else if (status != STATUS_UNSUCCESSFUL)
		status = STATUS_INVALID_PARAMETER;
	return status;
}
