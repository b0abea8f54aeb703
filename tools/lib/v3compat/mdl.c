// SPDX-License-Identifier: GPL-2.0
/*
 * MDLs describe memory of the program. Locking one registers its pages.
 */
#include "internal.h"

PMDL IoAllocateMdl(PVOID VirtualAddress, ULONG Length, BOOLEAN SecondaryBuffer, BOOLEAN ChargeQuota,
		   PIRP Irp)
{
	uintptr_t end;
	PMDL mdl;

	(void)ChargeQuota;
	if (Irp || SecondaryBuffer)
		return NULL;
	if (__builtin_add_overflow((uintptr_t)VirtualAddress, (uintptr_t)Length, &end))
		return NULL;
	mdl = malloc(MmSizeOfMdl(VirtualAddress, Length));
	if (mdl)
		MmInitializeMdl(mdl, VirtualAddress, Length);
	return mdl;
}

void IoFreeMdl(PMDL Mdl)
{
	if (Mdl) {
		MmPrepareMdlForReuse(Mdl);
		MmUnlockPages(Mdl);
	}
	free(Mdl);
}

static bool has_pages(const MDL *mdl)
{
	return mdl->MdlFlags & (MDL_PAGES_LOCKED | MDL_SOURCE_IS_NONPAGED_POOL | MDL_PARTIAL);
}

static ULONG count_pages(const MDL *mdl)
{
	return ADDRESS_AND_SIZE_TO_SPAN_PAGES((ULONG_PTR)mdl->ByteOffset, mdl->ByteCount);
}

static void fill_frames(PMDL mdl)
{
	PPFN_NUMBER frames = MmGetMdlPfnArray(mdl);
	ULONG i, count = count_pages(mdl);

	for (i = 0; i < count; i++)
		frames[i] = v3l_frame_of((UCHAR *)mdl->StartVa + (size_t)i * PAGE_SIZE);
}

void MmBuildMdlForNonPagedPool(PMDL MemoryDescriptorList)
{
	if (has_pages(MemoryDescriptorList))
		return;
	fill_frames(MemoryDescriptorList);
	MemoryDescriptorList->MappedSystemVa = MmGetMdlVirtualAddress(MemoryDescriptorList);
	MemoryDescriptorList->MdlFlags |= MDL_SOURCE_IS_NONPAGED_POOL;
}

/* lock_status() is what locking gives as the status for a reason. */
static NTSTATUS lock_status(__u32 reason)
{
	switch (reason) {
	case V3COMPAT_REASON_NOT_PINNABLE:
	case V3COMPAT_REASON_DEVICE_MEMORY:
	case V3COMPAT_REASON_BAD_POINTER:
	case V3COMPAT_REASON_WRAPS:
		return STATUS_ACCESS_VIOLATION;
	case V3COMPAT_REASON_MEMLOCK:
		return STATUS_WORKING_SET_QUOTA;
	case V3COMPAT_REASON_NO_MEMORY:
	case V3COMPAT_REASON_QUOTA:
		return STATUS_INSUFFICIENT_RESOURCES;
	}
	return STATUS_UNSUCCESSFUL;
}

static NTSTATUS lock_pages(PMDL mdl, bool write)
{
	struct v3compat_source source = {
		.type = V3COMPAT_SOURCE_USER,
		.start = (uintptr_t)mdl->StartVa,
		.length = (__u64)count_pages(mdl) << PAGE_SHIFT,
	};
	struct v3compat_result result = { .out_status = 0 };
	struct v3l_locked *locked = malloc(sizeof(*locked));
	NTSTATUS status;
	int ret;

	if (!locked)
		return v3l_no_memory();
	ret = v3compat_memory_create(v3compat_file(), &source,
				     write ? 0 : V3COMPAT_MEMORY_READ_ONLY, &locked->handle,
				     &result);
	if (ret) {
		result.out_status = lock_status(result.out_reason);
		status = v3l_answer(ret, &result);
		free(locked);
		return status;
	}
	locked->base = mdl->StartVa;
	mdl->Process = (struct _EPROCESS *)locked;
	return STATUS_SUCCESS;
}

NTSTATUS V3cProbeAndLockPages(PMDL MemoryDescriptorList, KPROCESSOR_MODE AccessMode,
			      LOCK_OPERATION Operation)
{
	PMDL mdl = MemoryDescriptorList;
	bool write = Operation != IoReadAccess;
	NTSTATUS status;

	if (!mdl)
		return V3L_REFUSE_NULL(1, PHYS);
	if (!mdl->ByteCount || has_pages(mdl))
		return V3L_REFUSE(V3L_ORDINAL(1), BAD_HANDLE, PHYS, 0, 0);
	if (AccessMode != KernelMode && AccessMode != UserMode)
		return V3L_REFUSE(V3L_ORDINAL(2), BAD_ENUM, TYPE, AccessMode, MaximumMode);
	if ((unsigned int)Operation > IoModifyAccess)
		return V3L_REFUSE(V3L_ORDINAL(3), BAD_ENUM, PERMISSIONS, Operation,
				  IoModifyAccess + 1);
	status = lock_pages(mdl, write);
	if (!NT_SUCCESS(status))
		return status;
	fill_frames(mdl);
	mdl->MdlFlags |= MDL_PAGES_LOCKED | (write ? MDL_WRITE_OPERATION : 0);
	return STATUS_SUCCESS;
}

/* <wdm.h> has a macro of this name, which is for callers. */
void (MmProbeAndLockPages)(PMDL MemoryDescriptorList, KPROCESSOR_MODE AccessMode,
			   LOCK_OPERATION Operation)
{
	V3cProbeAndLockPages(MemoryDescriptorList, AccessMode, Operation);
}

void MmUnlockPages(PMDL MemoryDescriptorList)
{
	struct v3l_locked *locked = (struct v3l_locked *)MemoryDescriptorList->Process;
	struct v3compat_result result = { .out_status = 0 };
	int ret;

	if (!(MemoryDescriptorList->MdlFlags & MDL_PAGES_LOCKED))
		return;
	/* Memory that is mapped stays locked, because a device reaches it. */
	ret = v3compat_destroy(v3compat_file(), locked->handle, &result);
	if (!NT_SUCCESS(v3l_answer(ret, &result)))
		return;
	MmUnmapLockedPages(MemoryDescriptorList->MappedSystemVa, MemoryDescriptorList);
	free(locked);
	MemoryDescriptorList->Process = NULL;
	MemoryDescriptorList->MdlFlags &= ~(MDL_PAGES_LOCKED | MDL_WRITE_OPERATION);
}

/* own_mapping() is what is set in MdlFlags while an MDL has an address that it was given itself. */
static CSHORT own_mapping(const MDL *mdl)
{
	return MDL_MAPPED_TO_SYSTEM_VA |
	       (mdl->MdlFlags & MDL_PARTIAL ? MDL_PARTIAL_HAS_BEEN_MAPPED : 0);
}

/* The memory of a program is mapped where it is, for either mode. */
PVOID (MmMapLockedPagesSpecifyCache)(PMDL MemoryDescriptorList, KPROCESSOR_MODE AccessMode,
				     MEMORY_CACHING_TYPE CacheType, PVOID RequestedAddress,
				     ULONG BugCheckOnFailure, ULONG Priority)
{
	PMDL mdl = MemoryDescriptorList;

	(void)CacheType;
	(void)RequestedAddress;
	(void)BugCheckOnFailure;
	(void)Priority;
	if (!has_pages(mdl) || !mdl->ByteCount || (mdl->MdlFlags & MDL_IO_SPACE))
		return NULL;
	if (AccessMode == KernelMode &&
	    !(mdl->MdlFlags & (MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL))) {
		mdl->MappedSystemVa = MmGetMdlVirtualAddress(mdl);
		mdl->MdlFlags |= own_mapping(mdl);
	}
	return MmGetMdlVirtualAddress(mdl);
}

void MmUnmapLockedPages(PVOID BaseAddress, PMDL MemoryDescriptorList)
{
	PMDL mdl = MemoryDescriptorList;
	CSHORT mapped = own_mapping(mdl);

	if ((mdl->MdlFlags & MDL_SOURCE_IS_NONPAGED_POOL) || (mdl->MdlFlags & mapped) != mapped ||
	    mdl->MappedSystemVa != BaseAddress)
		return;
	mdl->MappedSystemVa = NULL;
	mdl->MdlFlags &= ~mapped;
}

/* What a partial MDL has in common with its source, besides pages. */
#define SHARED_FLAGS (MDL_SOURCE_IS_NONPAGED_POOL | MDL_MAPPED_TO_SYSTEM_VA | MDL_IO_SPACE)

/* mdl_covers() tells whether [@va, @va + @length) lies inside the buffer that @mdl describes. */
static bool mdl_covers(const MDL *mdl, PVOID va, SIZE_T length)
{
	uintptr_t base = (uintptr_t)MmGetMdlVirtualAddress(mdl), first = (uintptr_t)va;

	return first >= base && first - base <= mdl->ByteCount &&
	       length <= mdl->ByteCount - (first - base);
}

void IoBuildPartialMdl(PMDL SourceMdl, PMDL TargetMdl, PVOID VirtualAddress, ULONG Length)
{
	ULONG offset = (UCHAR *)VirtualAddress - (UCHAR *)MmGetMdlVirtualAddress(SourceMdl);
	ULONG length = Length ? Length : SourceMdl->ByteCount - offset;
	ULONG first, pages = ADDRESS_AND_SIZE_TO_SPAN_PAGES(VirtualAddress, length);
	CSHORT shared = SourceMdl->MdlFlags & SHARED_FLAGS;

	if (TargetMdl->MdlFlags & MDL_PAGES_LOCKED)
		return;
	MmPrepareMdlForReuse(TargetMdl);
	TargetMdl->MdlFlags &= ~(MDL_PARTIAL | SHARED_FLAGS);
	TargetMdl->MappedSystemVa = NULL;
	if (!has_pages(SourceMdl))
		return;
	if (!mdl_covers(SourceMdl, VirtualAddress, length) || pages > TargetMdl->PagesCapacity)
		return;

	first = (SourceMdl->ByteOffset + (SIZE_T)offset) >> PAGE_SHIFT;
	memcpy(MmGetMdlPfnArray(TargetMdl), MmGetMdlPfnArray(SourceMdl) + first,
	       pages * sizeof(PFN_NUMBER));
	TargetMdl->StartVa = (PVOID)((uintptr_t)VirtualAddress & ~(uintptr_t)(PAGE_SIZE - 1));
	TargetMdl->ByteOffset = BYTE_OFFSET(VirtualAddress);
	TargetMdl->ByteCount = length;
	if (shared & (MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL))
		TargetMdl->MappedSystemVa = (UCHAR *)SourceMdl->MappedSystemVa + offset;
	/* Only the source's own flag says that the pages are its to unlock. */
	TargetMdl->Process = SourceMdl->Process;
	TargetMdl->MdlFlags |= MDL_PARTIAL | shared;
}
