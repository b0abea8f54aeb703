// SPDX-License-Identifier: GPL-2.0
/*
 * MDLs and the addresses of the buffers that they describe.
 */
#include "ddk_client.h"

#define TAG ' ldM'
#define PAGES 4
#define LENGTH (PAGES * PAGE_SIZE)

static ULONG MappingPriority(VOID)
{
	return NormalPagePriority | MdlMappingNoExecute;
}

static VOID CheckBuilt(PUCHAR Buffer)
{
	PMDL Mdl = IoAllocateMdl(Buffer + 0x123, LENGTH - 0x123, FALSE, FALSE, NULL);

	CHECK(Mdl);
	if (!Mdl)
		return;
	CHECK(!MmMapLockedPagesSpecifyCache(Mdl, KernelMode, MmCached, NULL, FALSE,
					    NormalPagePriority));
	MmBuildMdlForNonPagedPool(Mdl);
	CHECK(Mdl->MdlFlags == MDL_SOURCE_IS_NONPAGED_POOL);
	CHECK(MmGetSystemAddressForMdlSafe(Mdl, MappingPriority()) == Buffer + 0x123);
	CHECK(MmGetSystemAddressForMdl(Mdl) == Buffer + 0x123);
	CHECK(MmGetMdlByteOffset(Mdl) == 0x123 && MmGetMdlByteCount(Mdl) == LENGTH - 0x123);
	CHECK(MmGetMdlVirtualAddress(Mdl) == Buffer + 0x123);
	MmUnmapLockedPages(Buffer + 0x123, Mdl);
	CHECK(Mdl->MdlFlags == MDL_SOURCE_IS_NONPAGED_POOL);
	CHECK(MmGetSystemAddressForMdlSafe(Mdl, LowPagePriority) == Buffer + 0x123);
	IoFreeMdl(Mdl);
}

/* A part has the flags and the address of its source, and keeps nothing of what it was before. */
static VOID CheckPartial(PUCHAR Buffer)
{
	PMDL Source = IoAllocateMdl(Buffer, LENGTH, FALSE, FALSE, NULL);
	PMDL Target = IoAllocateMdl(Buffer, LENGTH, FALSE, FALSE, NULL);

	CHECK(Source && Target);
	if (Source && Target) {
		IoBuildPartialMdl(Source, Target, Buffer + 5000, 3000);
		CHECK(Target->MdlFlags == 0 && !Target->MappedSystemVa);
		MmBuildMdlForNonPagedPool(Source);
		IoBuildPartialMdl(Source, Target, Buffer + 5000, 3000);
		CHECK(Target->MdlFlags == (MDL_PARTIAL | MDL_SOURCE_IS_NONPAGED_POOL));
		CHECK(MmGetSystemAddressForMdlSafe(Target, HighPagePriority) == Buffer + 5000);
		CHECK(MmGetMdlByteCount(Target) == 3000);
		CHECK(MmGetMdlByteOffset(Target) == 5000 - PAGE_SIZE);
		MmPrepareMdlForReuse(Target);
		CHECK(MmGetSystemAddressForMdlSafe(Target, HighPagePriority) == Buffer + 5000);
		IoBuildPartialMdl(Source, Target, Buffer + LENGTH, PAGE_SIZE);
		CHECK(Target->MdlFlags == 0);
		IoBuildPartialMdl(Source, Target, Buffer + 2 * PAGE_SIZE, 0);
		CHECK(MmGetSystemAddressForMdlSafe(Target, NormalPagePriority) ==
		      Buffer + 2 * PAGE_SIZE);
		CHECK(MmGetMdlPfnArray(Target)[1] == MmGetMdlPfnArray(Source)[3]);
	}
	IoFreeMdl(Source);
	IoFreeMdl(Target);
}

#ifdef _KERNEL_MODE
/* A program locks pages by /dev/v3compat, and has no physical memory to allocate. */
static VOID CheckLocked(PUCHAR Buffer)
{
	PMDL Source = IoAllocateMdl(Buffer + 8, LENGTH - 8, FALSE, FALSE, NULL);
	PMDL Target = IoAllocateMdl(Buffer, LENGTH, FALSE, FALSE, NULL);
	PUCHAR Va, Part;

	CHECK(Source && Target);
	if (!Source || !Target)
		goto Exit;
	MmProbeAndLockPages(Source, KernelMode, IoModifyAccess);
	CHECK(Source->MdlFlags & MDL_PAGES_LOCKED);
	IoBuildPartialMdl(Source, Target, Buffer + PAGE_SIZE, PAGE_SIZE);
	CHECK(Target->MdlFlags == MDL_PARTIAL);
	Part = MmGetSystemAddressForMdlSafe(Target, MappingPriority());
	CHECK(Part && !BYTE_OFFSET(Part));
	CHECK(Target->MdlFlags ==
	      (MDL_PARTIAL | MDL_MAPPED_TO_SYSTEM_VA | MDL_PARTIAL_HAS_BEEN_MAPPED));

	Va = MmGetSystemAddressForMdlSafe(Source, MappingPriority());
	CHECK(Va && BYTE_OFFSET(Va) == BYTE_OFFSET(Buffer + 8));
	CHECK(Source->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA);
	CHECK(MmGetSystemAddressForMdlSafe(Source, MappingPriority()) == Va);
	CHECK(MmMapLockedPages(Source, KernelMode) == Va);
	CHECK(!MmMapLockedPagesSpecifyCache(Source, UserMode, MmCached, NULL, FALSE,
					    NormalPagePriority));
	if (Va && Part) {
		Va[PAGE_SIZE - 8] = 0x77;
		CHECK(Buffer[PAGE_SIZE] == 0x77 && Part[0] == 0x77);
		Part[1] = 0x78;
		CHECK(Buffer[PAGE_SIZE + 1] == 0x78);
	}
	MmPrepareMdlForReuse(Target);
	CHECK(Target->MdlFlags == MDL_PARTIAL && !Target->MappedSystemVa);
	IoBuildPartialMdl(Source, Target, Buffer + PAGE_SIZE, PAGE_SIZE);
	CHECK(Target->MdlFlags == (MDL_PARTIAL | MDL_MAPPED_TO_SYSTEM_VA));
	CHECK(Target->MappedSystemVa == Va + PAGE_SIZE - 8);
	MmUnmapLockedPages(Target->MappedSystemVa, Target);
	CHECK(Target->MdlFlags == (MDL_PARTIAL | MDL_MAPPED_TO_SYSTEM_VA));

	MmUnmapLockedPages(Buffer + 1, Source);
	CHECK(Source->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA);
	MmUnmapLockedPages(Va, Source);
	CHECK(!(Source->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA) && !Source->MappedSystemVa);
	CHECK(MmGetSystemAddressForMdlSafe(Source, NormalPagePriority));
	MmUnlockPages(Source);
	CHECK(Source->MdlFlags == 0 && !Source->MappedSystemVa);
Exit:
	IoFreeMdl(Target);
	IoFreeMdl(Source);
}
#endif

VOID DdkMdls(VOID)
{
	PUCHAR Buffer = ExAllocatePool2(POOL_FLAG_NON_PAGED, LENGTH, TAG);

	CHECK(Buffer);
	if (!Buffer)
		return;
	CheckBuilt(Buffer);
	CheckPartial(Buffer);
#ifdef _KERNEL_MODE
	CheckLocked(Buffer);
#endif
	ExFreePool(Buffer);
	CHECK(MmNonCached == 0 && MmCached == 1 && MmWriteCombined == 2 && MmNotMapped == -1);
	CHECK(MmFrameBufferCached == MmWriteCombined && MmMaximumCacheType == 6);
	CHECK(LowPagePriority == 0 && NormalPagePriority == 16 && HighPagePriority == 32);
	CHECK(MdlMappingNoWrite == 0x80000000 && MdlMappingNoExecute == 0x40000000);
}
