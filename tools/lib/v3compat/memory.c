// SPDX-License-Identifier: GPL-2.0
/*
 * Reading what a program describes as memory. The kernel maps one piece at a time: a run of the
 * program's own memory, of memory that is registered, or of physical memory.
 */
#include "internal.h"

/* add_piece() makes @piece longer where it goes on, or adds one. False without memory. */
static bool add_piece(struct v3l_memory *memory, __u32 type, __u32 object, __u64 start,
		      __u64 length)
{
	struct v3compat_source *last = memory->count ? &memory->pieces[memory->count - 1] : NULL;
	struct v3compat_source *more;

	memory->length += length;
	if (last && last->type == type && last->object == object &&
	    last->start + last->length == start) {
		last->length += length;
		return true;
	}
	if (memory->count == memory->room) {
		more = malloc(sizeof(*more) * memory->room * 2);
		if (!more)
			return false;
		memcpy(more, memory->pieces, sizeof(*more) * memory->count);
		v3l_memory_free(memory);
		memory->pieces = more;
		memory->room *= 2;
	}
	memory->pieces[memory->count++] = (struct v3compat_source) {
		.type = type, .object = object, .start = start, .length = length,
	};
	return true;
}

static bool add_physical(struct v3l_memory *memory, __u64 start, __u64 length)
{
	__u32 pool = v3l_pool.handle;

	return pool ? add_piece(memory, V3COMPAT_SOURCE_MEMORY, pool, start, length) :
		      add_piece(memory, V3COMPAT_SOURCE_PHYSICAL, 0, start, length);
}

static bool add_frames(struct v3l_memory *memory, const PFN_NUMBER *frames, SIZE_T count)
{
	SIZE_T i;

	for (i = 0; i < count; i++)
		if (!add_physical(memory, (__u64)frames[i] << PAGE_SHIFT, PAGE_SIZE))
			return false;
	return true;
}

/* add_buffer() adds what an MDL describes, as what it is: locked, of the pool, or neither. */
static bool add_buffer(struct v3l_memory *memory, const MDL *mdl)
{
	const struct v3l_locked *locked = (const struct v3l_locked *)mdl->Process;
	uintptr_t va = (uintptr_t)mdl->StartVa;

	if (locked)
		return add_piece(memory, V3COMPAT_SOURCE_MEMORY, locked->handle,
				 va - (uintptr_t)locked->base, mdl->ByteCount);
	if (v3l_pool_has(mdl->StartVa, mdl->ByteCount))
		return add_piece(memory, V3COMPAT_SOURCE_MEMORY, v3l_pool.handle,
				 va - (uintptr_t)v3l_pool.base, mdl->ByteCount);
	return add_piece(memory, V3COMPAT_SOURCE_USER, 0, va, mdl->ByteCount);
}

static NTSTATUS check_mdl(const MDL *mdl, unsigned int ordinal)
{
	NTSTATUS status = V3L_ORDINAL(ordinal);

	if (!(mdl->MdlFlags & (MDL_PAGES_LOCKED | MDL_SOURCE_IS_NONPAGED_POOL | MDL_PARTIAL)))
		return V3L_REFUSE(status, NO_PAGES, PHYS, 0, 0);
	if (!mdl->ByteCount)
		return V3L_REFUSE(status, EMPTY, PHYS, 0, 0);
	if (mdl->ByteOffset || mdl->ByteCount % PAGE_SIZE)
		return V3L_REFUSE(status, MISALIGNED, PHYS, mdl->ByteOffset, mdl->ByteCount);
	return STATUS_SUCCESS;
}

static NTSTATUS read_mdl(struct v3l_memory *memory, const MDL *first, unsigned int ordinal,
			 bool frames)
{
	const MDL *mdl, *met = first;
	unsigned long count = 0;
	NTSTATUS status;
	bool added;

	if (!first)
		return V3L_REFUSE_NULL(ordinal, PHYS);
	for (mdl = first; mdl; mdl = mdl->Next) {
		status = check_mdl(mdl, ordinal);
		if (!NT_SUCCESS(status))
			return status;
		if (frames)
			added = add_frames(memory, MmGetMdlPfnArray((PMDL)mdl),
					   mdl->ByteCount >> PAGE_SHIFT);
		else
			added = add_buffer(memory, mdl);
		if (!added)
			return v3l_no_memory();
		/* @met is kept for ever longer: a chain that bites its tail comes back to it. */
		if (mdl->Next == met)
			return V3L_REFUSE(V3L_ORDINAL(ordinal), LIST_LOOP, PHYS, 0, 0);
		count++;
		if (!(count & (count - 1)))
			met = mdl;
	}
	return STATUS_SUCCESS;
}

static NTSTATUS read_range(struct v3l_memory *memory, __u64 start, __u64 length,
			   unsigned int ordinal)
{
	NTSTATUS status = V3L_ORDINAL(ordinal);
	__u64 end;

	if (!length)
		return V3L_REFUSE(status, EMPTY, PHYS, start, length);
	if (start % PAGE_SIZE || length % PAGE_SIZE)
		return V3L_REFUSE(status, MISALIGNED, PHYS, start, length);
	if (__builtin_add_overflow(start, length - 1, &end))
		return V3L_REFUSE(status, WRAPS, PHYS, start, length);
	return add_physical(memory, start, length) ? STATUS_SUCCESS : v3l_no_memory();
}

static NTSTATUS read_frames(struct v3l_memory *memory, const PFN_NUMBER *frames, SIZE_T count,
			    unsigned int ordinal)
{
	if (!frames)
		return V3L_REFUSE_NULL(ordinal, PHYS);
	if (!count)
		return V3L_REFUSE(V3L_ORDINAL(ordinal), EMPTY, PHYS, 0, 0);
	return add_frames(memory, frames, count) ? STATUS_SUCCESS : v3l_no_memory();
}

static NTSTATUS read_any(struct v3l_memory *memory, const IOMMU_MAP_PHYSICAL_ADDRESS *from,
			 unsigned int ordinal, bool frames)
{
	switch (from->MapType) {
	case MapPhysicalAddressTypeMdl:
		return read_mdl(memory, from->Mdl.Mdl, ordinal, frames);
	case MapPhysicalAddressTypeContiguousRange:
		return read_range(memory, from->ContiguousRange.Base.QuadPart,
				  from->ContiguousRange.Size, ordinal);
	case MapPhysicalAddressTypePfn:
		return read_frames(memory, from->PfnArray.PageFrame, from->PfnArray.NumberOfPages,
				   ordinal);
	default:
		return V3L_REFUSE(V3L_ORDINAL(ordinal), BAD_ENUM, PHYS, from->MapType,
				  MapPhysicalAddressTypeMax);
	}
}

/*
 * v3l_memory_read() reads parameter @ordinal of a call. With @frames it is the page frames of an
 * MDL that count, and not the memory. On success, the caller calls v3l_memory_free().
 */
NTSTATUS v3l_memory_read(struct v3l_memory *memory, const IOMMU_MAP_PHYSICAL_ADDRESS *from,
			 unsigned int ordinal, bool frames)
{
	NTSTATUS status;

	memory->pieces = memory->few;
	memory->count = 0;
	memory->room = sizeof(memory->few) / sizeof(memory->few[0]);
	memory->length = 0;
	if (!from)
		return V3L_REFUSE_NULL(ordinal, PHYS);
	status = read_any(memory, from, ordinal, frames);
	if (!NT_SUCCESS(status))
		v3l_memory_free(memory);
	return status;
}

void v3l_memory_free(struct v3l_memory *memory)
{
	if (memory->pieces != memory->few)
		free(memory->pieces);
}
