// SPDX-License-Identifier: GPL-2.0
/*
 * Physical addresses, and memory that is allocated by them.
 */
#include "ddk_client.h"

#define TAG 'syhP'
#define LENGTH (3 * PAGE_SIZE)

static VOID CheckAddressOfPool(VOID)
{
	PUCHAR Buffer = ExAllocatePool2(POOL_FLAG_NON_PAGED, LENGTH, TAG);
	PMDL Mdl = IoAllocateMdl(Buffer, LENGTH, FALSE, FALSE, NULL);
	ULONG i;

	CHECK(Buffer && Mdl);
	if (Buffer && Mdl) {
		MmBuildMdlForNonPagedPool(Mdl);
		for (i = 0; i < LENGTH; i += 0x801) {
			ULONGLONG Physical = MmGetPhysicalAddress(Buffer + i).QuadPart;

			CHECK(Physical >> PAGE_SHIFT == MmGetMdlPfnArray(Mdl)[i >> PAGE_SHIFT]);
			CHECK((Physical & (PAGE_SIZE - 1)) == BYTE_OFFSET(Buffer + i));
		}
	}
	IoFreeMdl(Mdl);
	ExFreePool(Buffer);
}

#ifdef _KERNEL_MODE
/* A program has no physical memory to allocate. */

static PHYSICAL_ADDRESS Address(LONGLONG Value)
{
	PHYSICAL_ADDRESS Physical;

	Physical.QuadPart = Value;
	return Physical;
}

static VOID CheckContiguous(PUCHAR Buffer, SIZE_T Length, ULONGLONG High)
{
	ULONGLONG Physical = MmGetPhysicalAddress(Buffer).QuadPart;
	SIZE_T i;

	CHECK(!BYTE_OFFSET(Buffer) && Physical);
	CHECK(Physical + Length - 1 <= High);
	for (i = 0; i < Length; i += PAGE_SIZE)
		CHECK((ULONGLONG)MmGetPhysicalAddress(Buffer + i).QuadPart == Physical + i);
	CHECK(MmGetVirtualForPhysical(Address(Physical)) == Buffer);
	CHECK(MmIsAddressValid(Buffer) && MmIsAddressValid(Buffer + Length - 1));
	RtlFillMemory(Buffer, Length, 0x5a);
}

static VOID CheckContiguousMemory(VOID)
{
	static const SIZE_T Lengths[] = { 1, PAGE_SIZE, LENGTH, 64 * PAGE_SIZE };
	PHYSICAL_ADDRESS None = Address(0), Any = Address(-1), Low = Address(0xffffffff);
	PVOID Buffer;
	ULONG i;

	for (i = 0; i < sizeof(Lengths) / sizeof(Lengths[0]); i++) {
		Buffer = MmAllocateContiguousMemory(Lengths[i], Low);
		CHECK(Buffer);
		if (Buffer)
			CheckContiguous(Buffer, Lengths[i], 0xffffffff);
		MmFreeContiguousMemory(Buffer);
	}
	Buffer = MmAllocateContiguousMemorySpecifyCache(LENGTH, None, Any, Address(0x10000),
							MmNonCached);
	CHECK(Buffer);
	if (Buffer) {
		ULONGLONG Physical = MmGetPhysicalAddress(Buffer).QuadPart;

		CheckContiguous(Buffer, LENGTH, ~0ULL);
		CHECK(Physical / 0x10000 == (Physical + LENGTH - 1) / 0x10000);
	}
	MmFreeContiguousMemorySpecifyCache(Buffer, LENGTH, MmNonCached);
	Buffer = MmAllocateContiguousMemorySpecifyCacheNode(LENGTH, None, Any, None, MmCached,
							    MM_ANY_NODE_OK);
	CHECK(Buffer);
	MmFreeContiguousMemory(Buffer);
	Buffer = MmAllocateContiguousNodeMemory(LENGTH, None, Any, None,
						PAGE_READWRITE | PAGE_WRITECOMBINE, 0);
	CHECK(Buffer);
	MmFreeContiguousMemory(Buffer);

	CHECK(!MmAllocateContiguousMemory(0, Any));
	CHECK(!MmAllocateContiguousMemory(~(SIZE_T)0, Any));
	CHECK(!MmAllocateContiguousMemory(PAGE_SIZE, None));
	CHECK(!MmAllocateContiguousMemorySpecifyCache(LENGTH, None, Any, Address(PAGE_SIZE),
						      MmCached));
	CHECK(!MmAllocateContiguousMemorySpecifyCache(PAGE_SIZE, Low, None, None, MmCached));
	CHECK(!MmAllocateContiguousMemorySpecifyCache(PAGE_SIZE, Address(1LL << 62), Any, None,
						      MmCached));
	CHECK(!MmAllocateContiguousNodeMemory(PAGE_SIZE, None, Any, None, PAGE_READWRITE,
					      0x7fffffff));
	MmFreeContiguousMemory(NULL);
}

static VOID FreePages(PMDL Mdl)
{
	CHECK(Mdl);
	if (!Mdl)
		return;
	MmFreePagesFromMdl(Mdl);
	CHECK(!(Mdl->MdlFlags & (MDL_PAGES_LOCKED | MDL_MAPPED_TO_SYSTEM_VA)));
	ExFreePool(Mdl);
}

static VOID CheckPages(PMDL Mdl, ULONG Length, ULONGLONG High)
{
	PPFN_NUMBER Pfns = MmGetMdlPfnArray(Mdl);
	PUCHAR Va;
	ULONG i;

	CHECK(MmGetMdlByteCount(Mdl) == Length && !MmGetMdlByteOffset(Mdl));
	CHECK(!MmGetMdlVirtualAddress(Mdl) && Mdl->MdlFlags == MDL_PAGES_LOCKED);
	for (i = 0; i < Length / PAGE_SIZE; i++)
		CHECK((Pfns[i] << PAGE_SHIFT) + PAGE_SIZE - 1 <= High);
	Va = MmGetSystemAddressForMdlSafe(Mdl, NormalPagePriority | MdlMappingNoExecute);
	CHECK(Va);
	if (!Va)
		return;
	for (i = 0; i < Length; i++) {
		if (Va[i]) {
			CHECK(!Va[i]);
			break;
		}
	}
	for (i = 0; i < Length; i += PAGE_SIZE) {
		CHECK((ULONGLONG)MmGetPhysicalAddress(Va + i).QuadPart ==
		      Pfns[i >> PAGE_SHIFT] << PAGE_SHIFT);
		Va[i] = (UCHAR)i;
	}
	MmUnmapLockedPages(Va, Mdl);
	CHECK(Mdl->MdlFlags == MDL_PAGES_LOCKED);
	CHECK(MmGetSystemAddressForMdlSafe(Mdl, NormalPagePriority));
}

static VOID CheckPagesForMdl(VOID)
{
	PHYSICAL_ADDRESS None = Address(0), Any = Address(-1), Low = Address(0xffffffff);
	PHYSICAL_ADDRESS Skip = Address(4 * PAGE_SIZE);
	PPFN_NUMBER Pfns;
	PMDL Mdl;
	ULONG i;

	Mdl = MmAllocatePagesForMdl(None, Low, None, 17 * PAGE_SIZE);
	if (Mdl)
		CheckPages(Mdl, 17 * PAGE_SIZE, 0xffffffff);
	FreePages(Mdl);
	Mdl = MmAllocatePagesForMdlEx(None, Low, None, LENGTH - 1, MmWriteCombined,
				      MM_ALLOCATE_FULLY_REQUIRED | MM_ALLOCATE_PREFER_CONTIGUOUS |
				      MM_ALLOCATE_NO_WAIT | MM_ALLOCATE_FROM_LOCAL_NODE_ONLY);
	if (Mdl)
		CheckPages(Mdl, LENGTH, 0xffffffff);
	FreePages(Mdl);
	Mdl = MmAllocatePagesForMdlEx(None, Address(PAGE_SIZE - 1), Address(PAGE_SIZE),
				      2 * PAGE_SIZE, MmCached, MM_DONT_ZERO_ALLOCATION);
	FreePages(Mdl);

	Mdl = MmAllocatePagesForMdlEx(None, Any, None, 5 * PAGE_SIZE, MmCached,
				      MM_ALLOCATE_REQUIRE_CONTIGUOUS_CHUNKS);
	if (Mdl) {
		Pfns = MmGetMdlPfnArray(Mdl);
		for (i = 0; i < 5; i++)
			CHECK(Pfns[i] == Pfns[0] + i);
		CheckPages(Mdl, 5 * PAGE_SIZE, ~0ULL);
	}
	FreePages(Mdl);
	Mdl = MmAllocatePagesForMdlEx(None, Any, Skip, 12 * PAGE_SIZE, MmCached,
				      MM_ALLOCATE_REQUIRE_CONTIGUOUS_CHUNKS |
				      MM_ALLOCATE_FAST_LARGE_PAGES | MM_ALLOCATE_FULLY_REQUIRED);
	if (Mdl) {
		Pfns = MmGetMdlPfnArray(Mdl);
		for (i = 0; i < 12; i++) {
			CHECK(Pfns[i] == Pfns[i & ~3] + (i & 3));
			CHECK(!(Pfns[i & ~3] & 3));
		}
		CheckPages(Mdl, 12 * PAGE_SIZE, ~0ULL);
	}
	FreePages(Mdl);
}

static VOID CheckPagesRefused(VOID)
{
	PHYSICAL_ADDRESS None = Address(0), Any = Address(-1), Skip = Address(4 * PAGE_SIZE);
	const ULONG Chunks = MM_ALLOCATE_REQUIRE_CONTIGUOUS_CHUNKS;

	CHECK(!MmAllocatePagesForMdl(None, Any, None, 0));
	CHECK(!MmAllocatePagesForMdl(None, Any, None, 1ULL << 32));
	CHECK(!MmAllocatePagesForMdl(None, Any, None, ~0ULL));
	CHECK(!MmAllocatePagesForMdl(Any, None, None, PAGE_SIZE));
	CHECK(!MmAllocatePagesForMdl(Address(1LL << 62), Any, None, PAGE_SIZE));
	CHECK(!MmAllocatePagesForMdl(None, Address(100), None, PAGE_SIZE));
	CHECK(!MmAllocatePagesForMdl(None, Any, Address(100), PAGE_SIZE));
	CHECK(!MmAllocatePagesForMdlEx(None, Any, None, PAGE_SIZE, MmCached, 0x80));
	CHECK(!MmAllocatePagesForMdlEx(None, Any, None, PAGE_SIZE, MmCached,
				       MM_ALLOCATE_FAST_LARGE_PAGES));
	CHECK(!MmAllocatePagesForMdlEx(None, Any, Skip, 5 * PAGE_SIZE, MmCached, Chunks));
	CHECK(!MmAllocatePagesForMdlEx(None, Any, Address(3 * PAGE_SIZE), 3 * PAGE_SIZE, MmCached,
				       Chunks));
	CHECK(!MmAllocatePagesForMdlEx(None, Any, None, 1ULL << 31, MmCached, Chunks));
}

/* An MDL of other pages stays as it is. */
static VOID CheckForeignPages(VOID)
{
	PVOID Buffer = ExAllocatePool2(POOL_FLAG_NON_PAGED, PAGE_SIZE, TAG);
	PMDL Mdl = IoAllocateMdl(Buffer, PAGE_SIZE, FALSE, FALSE, NULL);

	CHECK(Buffer && Mdl);
	if (Buffer && Mdl) {
		MmProbeAndLockPages(Mdl, KernelMode, IoReadAccess);
		MmFreePagesFromMdl(Mdl);
		CHECK(Mdl->MdlFlags == MDL_PAGES_LOCKED);
	}
	IoFreeMdl(Mdl);
	ExFreePool(Buffer);
}

static VOID CheckAddresses(VOID)
{
	CHECK(!MmIsAddressValid(NULL));
	CHECK(!MmIsAddressValid((PVOID)8));
	CHECK(!MmGetPhysicalAddress(NULL).QuadPart);
	CHECK(!MmGetVirtualForPhysical(Address(-1)));
	CHECK(!MmGetVirtualForPhysical(Address(1LL << 62)));
	CHECK(!MmMapIoSpace(Address(0xfee00000), 0, MmNonCached));
	CHECK(!MmMapIoSpace(Address(-PAGE_SIZE), 2 * PAGE_SIZE, MmNonCached));
	CHECK(!MmMapIoSpace(Address(0xfee00000), ~(SIZE_T)0, MmNonCached));
	CHECK(!MmMapIoSpace(Address(0xfee00000), PAGE_SIZE, MmNotMapped));
	CHECK(!MmMapIoSpace(Address(0xfee00000), PAGE_SIZE, MmUSWCCached));
	CHECK(!MmMapIoSpaceEx(Address(0xfee00000), PAGE_SIZE,
			      PAGE_READWRITE | PAGE_NOCACHE | PAGE_WRITECOMBINE));
	MmUnmapIoSpace(NULL, PAGE_SIZE);
	CHECK(PAGE_READONLY == 2 && PAGE_READWRITE == 4 && PAGE_NOCACHE == 0x200);
}
#endif

VOID DdkPhysical(VOID)
{
	CheckAddressOfPool();
#ifdef _KERNEL_MODE
	CheckContiguousMemory();
	CheckPagesForMdl();
	CheckPagesRefused();
	CheckForeignPages();
	CheckAddresses();
#endif
}
