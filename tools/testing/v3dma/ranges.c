// SPDX-License-Identifier: GPL-2.0
/*
 * Mapping and unmapping on one domain with one device.
 */
#include <wdm.h>

#include "test.h"

#define KIB 1024ul
#define MIB (1024 * KIB)
#define PAGES(Size) ((ULONG)((Size) >> PAGE_SHIFT))

/* Maps, looks at every page and at both neighbours, unmaps, looks again. */
static VOID UseRange(PTEST Test, PIOMMU_DMA_DOMAIN Domain, PBUFFER Buffer,
		     IOMMU_MAP_PHYSICAL_ADDRESS Physical, IOMMU_DMA_LOGICAL_ADDRESS Explicit)
{
	IOMMU_DMA_LOGICAL_ADDRESS Logical;

	Logical = TestMap(Test, Domain, Physical, Buffer->Size, Explicit);
	if (Logical == NO_ADDRESS)
		return;
	TestReached(Test, 0, Logical, Buffer, 0, Buffer->Size);
	TestRefused(Test, 0, Logical - PAGE_SIZE, Buffer, 0, PAGE_SIZE);
	TestRefused(Test, 0, Logical + Buffer->Size, Buffer, 0, PAGE_SIZE);
	TestUnmap(Test, Domain, Logical, Buffer->Size, STATUS_SUCCESS);
	TestRefused(Test, 0, Logical, Buffer, 0, Buffer->Size);
}

static VOID UseSize(PTEST Test, PIOMMU_DMA_DOMAIN Allocator, PIOMMU_DMA_DOMAIN Explicit,
		    SIZE_T Size)
{
	IOMMU_DMA_LOGICAL_ADDRESS Aligned = 0x40000000, Odd = Aligned + 4 * MIB + PAGE_SIZE;
	BUFFER Buffer;

	if (!TestAllocate(Test, &Buffer, PAGES(Size), FALSE))
		return;
	if (Allocator) {
		UseRange(Test, Allocator, &Buffer, BufferRange(&Buffer), NO_ADDRESS);
	} else {
		UseRange(Test, Explicit, &Buffer, BufferRange(&Buffer), Aligned);
		UseRange(Test, Explicit, &Buffer, BufferRange(&Buffer), Odd);
	}
	BufferFree(&Buffer);
}

static VOID UseSizes(PTEST Test, BOOLEAN Allocator)
{
	static const SIZE_T Sizes[] = { 4 * KIB, 12 * KIB, 64 * KIB, 2 * MIB, 0 };
	PIOMMU_DMA_DOMAIN Domain = TestOpenDomain(Test, Allocator);
	ULONG i;

	if (!Domain)
		return;
	for (i = 0; Sizes[i]; i++)
		UseSize(Test, Allocator ? Domain : NULL, Allocator ? NULL : Domain, Sizes[i]);
	TestCloseDomain(Test, Domain);
}

VOID RunSizes(PSCENARIO_RUN Run, PVOID Context)
{
	TEST Test;

	if (!TestBegin(&Test, Run, 1))
		return;
	UseSizes(&Test, TRUE);
	UseSizes(&Test, FALSE);
	TestEnd(&Test);
}

/* Two MDLs of half a buffer each, chained. */
static BOOLEAN MakeChain(PBUFFER Buffer, PMDL Chain[2])
{
	ULONG Half = (ULONG)(Buffer->Size / 2);

	Chain[0] = IoAllocateMdl(Buffer->Data, Half, FALSE, FALSE, NULL);
	Chain[1] = IoAllocateMdl(Buffer->Data + Half, Half, FALSE, FALSE, NULL);
	if (!Chain[0] || !Chain[1])
		return FALSE;
	MmBuildMdlForNonPagedPool(Chain[0]);
	MmBuildMdlForNonPagedPool(Chain[1]);
	Chain[0]->Next = Chain[1];
	return TRUE;
}

static VOID UseChain(PTEST Test, PIOMMU_DMA_DOMAIN Domain, PBUFFER Buffer)
{
	IOMMU_MAP_PHYSICAL_ADDRESS Physical = { .MapType = MapPhysicalAddressTypeMdl };
	PMDL Chain[2];

	if (ScenarioCheck(Test->Run, "chain of two MDLs", NO_ADDRESS, Buffer->Size,
			  MakeChain(Buffer, Chain), "made")) {
		Physical.Mdl.Mdl = Chain[0];
		UseRange(Test, Domain, Buffer, Physical, NO_ADDRESS);
	}
	if (Chain[0])
		IoFreeMdl(Chain[0]);
	if (Chain[1])
		IoFreeMdl(Chain[1]);
}

VOID RunScattered(PSCENARIO_RUN Run, PVOID Context)
{
	PIOMMU_DMA_DOMAIN Domain;
	BUFFER Buffer;
	TEST Test;

	if (!TestBegin(&Test, Run, 1))
		return;
	if (!TestAllocate(&Test, &Buffer, 64, TRUE))
		goto EndTest;
	Domain = TestOpenDomain(&Test, TRUE);
	if (Domain) {
		UseRange(&Test, Domain, &Buffer, BufferMdl(&Buffer), NO_ADDRESS);
		UseRange(&Test, Domain, &Buffer, BufferPfns(&Buffer), NO_ADDRESS);
		UseChain(&Test, Domain, &Buffer);
		TestCloseDomain(&Test, Domain);
	}
	BufferFree(&Buffer);
EndTest:
	TestEnd(&Test);
}

static VOID UsePermissions(PTEST Test, PIOMMU_DMA_DOMAIN Domain, PBUFFER Buffer, ULONG Permissions)
{
	IOMMU_MAP_PHYSICAL_ADDRESS Physical = BufferMdl(Buffer);
	IOMMU_DMA_LOGICAL_ADDRESS Logical = NO_ADDRESS;
	NTSTATUS Status;

	Status = Test->Iommu->MapLogicalRangeEx(Domain, Permissions, &Physical, NULL, NULL, NULL,
						&Logical);
	if (!ScenarioCall(Test->Run, "MapLogicalRangeEx", Status, STATUS_SUCCESS, Logical,
			  Buffer->Size))
		return;
	if (Permissions & DEVICE_WRITES)
		TestReached(Test, 0, Logical, Buffer, 0, Buffer->Size);
	else
		TestRefused(Test, 0, Logical, Buffer, 0, Buffer->Size);
	TestUnmap(Test, Domain, Logical, Buffer->Size, STATUS_SUCCESS);
}

VOID RunPermissions(PSCENARIO_RUN Run, PVOID Context)
{
	PIOMMU_DMA_DOMAIN Domain;
	BUFFER Buffer;
	TEST Test;

	if (!TestBegin(&Test, Run, 1))
		return;
	if (!TestAllocate(&Test, &Buffer, 16, FALSE))
		goto EndTest;
	Domain = TestOpenDomain(&Test, TRUE);
	if (Domain) {
		UsePermissions(&Test, Domain, &Buffer, DEVICE_READS);
		UsePermissions(&Test, Domain, &Buffer, DEVICE_WRITES);
		UsePermissions(&Test, Domain, &Buffer, DEVICE_READS_WRITES);
		UsePermissions(&Test, Domain, &Buffer, DEVICE_READS);
		TestCloseDomain(&Test, Domain);
	}
	BufferFree(&Buffer);
EndTest:
	TestEnd(&Test);
}

static VOID MapBetween(PTEST Test, PIOMMU_DMA_DOMAIN Domain, PBUFFER Buffer,
		       IOMMU_DMA_LOGICAL_ADDRESS Min, IOMMU_DMA_LOGICAL_ADDRESS Max)
{
	IOMMU_MAP_PHYSICAL_ADDRESS Physical = BufferMdl(Buffer);
	IOMMU_DMA_LOGICAL_ADDRESS Logical = NO_ADDRESS;
	NTSTATUS Status;

	Status = Test->Iommu->MapLogicalRangeEx(Domain, DEVICE_READS_WRITES, &Physical, NULL, &Min,
						&Max, &Logical);
	if (!ScenarioCall(Test->Run, "MapLogicalRangeEx", Status, STATUS_SUCCESS, Logical,
			  Buffer->Size))
		return;
	ScenarioCheck(Test->Run, "bounds", Min, NO_BYTES,
		      Logical >= Min && Logical + Buffer->Size - 1 <= Max, "up to 0x%llx", Max);
	TestReached(Test, 0, Logical, Buffer, 0, Buffer->Size);
	TestUnmap(Test, Domain, Logical, Buffer->Size, STATUS_SUCCESS);
}

static VOID RefuseBetween(PTEST Test, PIOMMU_DMA_DOMAIN Domain, PBUFFER Buffer,
			  IOMMU_DMA_LOGICAL_ADDRESS Min, IOMMU_DMA_LOGICAL_ADDRESS Max)
{
	IOMMU_MAP_PHYSICAL_ADDRESS Physical = BufferMdl(Buffer);
	IOMMU_DMA_LOGICAL_ADDRESS Logical = NO_ADDRESS;
	NTSTATUS Status;

	Status = Test->Iommu->MapLogicalRangeEx(Domain, DEVICE_READS_WRITES, &Physical, NULL, &Min,
						&Max, &Logical);
	ScenarioCall(Test->Run, "MapLogicalRangeEx", Status, STATUS_INVALID_PARAMETER_MIX, Min,
		     Buffer->Size);
}

VOID RunBounds(PSCENARIO_RUN Run, PVOID Context)
{
	IOMMU_DMA_LOGICAL_ADDRESS Start = 0x23450000;
	PIOMMU_DMA_DOMAIN Domain;
	BUFFER Buffer;
	TEST Test;

	if (!TestBegin(&Test, Run, 1))
		return;
	if (!TestAllocate(&Test, &Buffer, 16, TRUE))
		goto EndTest;
	Domain = TestOpenDomain(&Test, TRUE);
	if (Domain) {
		/* Exactly the range, some room, all above 4 GiB, one byte too little. */
		MapBetween(&Test, Domain, &Buffer, Start, Start + Buffer.Size - 1);
		MapBetween(&Test, Domain, &Buffer, Start + 1, Start + 3 * Buffer.Size);
		MapBetween(&Test, Domain, &Buffer, 4096 * MIB, 8192 * MIB - 1);
		RefuseBetween(&Test, Domain, &Buffer, Start, Start + Buffer.Size - 2);
		TestCloseDomain(&Test, Domain);
	}
	BufferFree(&Buffer);
EndTest:
	TestEnd(&Test);
}

VOID RunExplicit(PSCENARIO_RUN Run, PVOID Context)
{
	IOMMU_DMA_LOGICAL_ADDRESS Start = 0x12300000;
	PIOMMU_DMA_DOMAIN Domain;
	BUFFER Buffer;
	TEST Test;

	if (!TestBegin(&Test, Run, 1))
		return;
	if (!TestAllocate(&Test, &Buffer, 16, TRUE))
		goto EndTest;
	Domain = TestOpenDomain(&Test, FALSE);
	if (!Domain)
		goto FreeBuffer;

	UseRange(&Test, Domain, &Buffer, BufferPfns(&Buffer), 0x1234567000);
	if (TestMap(&Test, Domain, BufferPfns(&Buffer), Buffer.Size, Start) == Start) {
		/* Nothing fits over it, however small the overlap; its neighbourhood is free. */
		TestRefuseMap(&Test, Domain, &Buffer, Start, STATUS_RESOURCE_IN_USE);
		TestRefuseMap(&Test, Domain, &Buffer, Start + Buffer.Size - PAGE_SIZE,
			      STATUS_RESOURCE_IN_USE);
		TestRefuseMap(&Test, Domain, &Buffer, Start - Buffer.Size + PAGE_SIZE,
			      STATUS_RESOURCE_IN_USE);
		TestRefuseMap(&Test, Domain, &Buffer, Start + Buffer.Size + 1,
			      STATUS_INVALID_PARAMETER_4);
		TestRefuseMap(&Test, Domain, &Buffer, NO_ADDRESS, STATUS_NOT_SUPPORTED);
		TestReached(&Test, 0, Start, &Buffer, 0, Buffer.Size);
		if (TestMap(&Test, Domain, BufferMdl(&Buffer), Buffer.Size, Start + Buffer.Size) !=
		    NO_ADDRESS)
			TestReached(&Test, 0, Start + Buffer.Size, &Buffer, 0, Buffer.Size);
		/* Two neighbours can go in one call. */
		TestUnmap(&Test, Domain, Start, 2 * Buffer.Size, STATUS_SUCCESS);
		TestRefused(&Test, 0, Start, &Buffer, 0, Buffer.Size);
		TestRefused(&Test, 0, Start + Buffer.Size, &Buffer, 0, Buffer.Size);
		TestUnmap(&Test, Domain, Start, Buffer.Size, STATUS_INVALID_PARAMETER);
	}
	TestCloseDomain(&Test, Domain);
FreeBuffer:
	BufferFree(&Buffer);
EndTest:
	TestEnd(&Test);
}

/* Scattered pages have no large page between them: a mapping of them can be cut anywhere. */
static VOID CutSmallPages(PTEST Test, PIOMMU_DMA_DOMAIN Domain)
{
	IOMMU_DMA_LOGICAL_ADDRESS Start = 0x20000000;
	SIZE_T Cut = 5 * PAGE_SIZE, Length = 2 * PAGE_SIZE, After = Cut + Length;
	BUFFER Buffer;

	if (!TestAllocate(Test, &Buffer, 16, TRUE))
		return;
	if (TestMap(Test, Domain, BufferPfns(&Buffer), Buffer.Size, Start) != NO_ADDRESS) {
		TestUnmap(Test, Domain, Start + Cut, Length, STATUS_SUCCESS);
		TestReached(Test, 0, Start, &Buffer, 0, Cut);
		TestRefused(Test, 0, Start + Cut, &Buffer, Cut, Length);
		TestReached(Test, 0, Start + After, &Buffer, After, Buffer.Size - After);
		/* A range with a hole in it is not mapped as a whole: nothing happens. */
		TestUnmap(Test, Domain, Start, Buffer.Size, STATUS_INVALID_PARAMETER);
		TestReached(Test, 0, Start, &Buffer, 0, Cut);
		TestReached(Test, 0, Start + After, &Buffer, After, Buffer.Size - After);
		TestUnmap(Test, Domain, Start, Cut, STATUS_SUCCESS);
		TestUnmap(Test, Domain, Start + After, Buffer.Size - After, STATUS_SUCCESS);
		TestRefused(Test, 0, Start, &Buffer, 0, Buffer.Size);
	}
	BufferFree(&Buffer);
}

/* Memory that fills a large page: a cut inside would need the page to be broken up. */
static VOID CutLargePage(PTEST Test, PIOMMU_DMA_DOMAIN Domain)
{
	IOMMU_DMA_LOGICAL_ADDRESS Start = 0x40000000;
	BUFFER Buffer;

	if (!TestAllocate(Test, &Buffer, PAGES(2 * MIB), FALSE))
		return;
	if (TestMap(Test, Domain, BufferRange(&Buffer), Buffer.Size, Start) != NO_ADDRESS) {
		TestUnmap(Test, Domain, Start, PAGE_SIZE, STATUS_INVALID_PARAMETER);
		TestUnmap(Test, Domain, Start + 5 * PAGE_SIZE, PAGE_SIZE, STATUS_INVALID_PARAMETER);
		TestUnmap(Test, Domain, Start, Buffer.Size - PAGE_SIZE, STATUS_INVALID_PARAMETER);
		TestReached(Test, 0, Start, &Buffer, 0, Buffer.Size);
		TestUnmap(Test, Domain, Start, Buffer.Size, STATUS_SUCCESS);
		TestRefused(Test, 0, Start, &Buffer, 0, Buffer.Size);
	}
	BufferFree(&Buffer);
}

/* Where the system chose the address, only the mapping as a whole can go. */
static VOID CutAllocated(PTEST Test)
{
	PIOMMU_DMA_DOMAIN Domain = TestOpenDomain(Test, TRUE);
	IOMMU_DMA_LOGICAL_ADDRESS Logical;
	BUFFER Buffer;

	if (!Domain)
		return;
	if (TestAllocate(Test, &Buffer, 4, TRUE)) {
		Logical = TestMap(Test, Domain, BufferMdl(&Buffer), Buffer.Size, NO_ADDRESS);
		if (Logical != NO_ADDRESS) {
			TestUnmap(Test, Domain, Logical, PAGE_SIZE, STATUS_INVALID_PARAMETER);
			TestUnmap(Test, Domain, Logical + PAGE_SIZE, PAGE_SIZE,
				  STATUS_INVALID_PARAMETER);
			TestReached(Test, 0, Logical, &Buffer, 0, Buffer.Size);
			TestUnmap(Test, Domain, Logical, Buffer.Size, STATUS_SUCCESS);
			TestUnmap(Test, Domain, Logical, Buffer.Size, STATUS_INVALID_PARAMETER);
		}
		BufferFree(&Buffer);
	}
	TestCloseDomain(Test, Domain);
}

VOID RunCut(PSCENARIO_RUN Run, PVOID Context)
{
	PIOMMU_DMA_DOMAIN Domain;
	TEST Test;

	if (!TestBegin(&Test, Run, 1))
		return;
	Domain = TestOpenDomain(&Test, FALSE);
	if (Domain) {
		CutSmallPages(&Test, Domain);
		CutLargePage(&Test, Domain);
		TestCloseDomain(&Test, Domain);
	}
	CutAllocated(&Test);
	TestEnd(&Test);
}

/* Each page is reached under its physical address, or none is. */
static VOID ExpectIdentity(PTEST Test, PBUFFER Buffer, BOOLEAN Mapped)
{
	SIZE_T Offset;

	for (Offset = 0; Offset < Buffer->Size; Offset += PAGE_SIZE) {
		IOMMU_DMA_LOGICAL_ADDRESS Logical = BufferPhysical(Buffer, Offset);

		if (Mapped)
			TestReached(Test, 0, Logical, Buffer, Offset, PAGE_SIZE);
		else
			TestRefused(Test, 0, Logical, Buffer, Offset, PAGE_SIZE);
	}
}

static VOID UseIdentity(PTEST Test, PIOMMU_DMA_DOMAIN Domain, PBUFFER Buffer,
			IOMMU_MAP_PHYSICAL_ADDRESS Mapped, IOMMU_MAP_PHYSICAL_ADDRESS Unmapped)
{
	IOMMU_DMA_LOGICAL_ADDRESS First = BufferPhysical(Buffer, 0);
	NTSTATUS Status;

	ExpectIdentity(Test, Buffer, FALSE);
	Status = Test->Iommu->MapIdentityRangeEx(Domain, DEVICE_READS_WRITES, &Mapped);
	if (!ScenarioCall(Test->Run, "MapIdentityRangeEx", Status, STATUS_SUCCESS, First,
			  Buffer->Size))
		return;
	ExpectIdentity(Test, Buffer, TRUE);
	Status = Test->Iommu->MapIdentityRangeEx(Domain, DEVICE_READS_WRITES, &Unmapped);
	ScenarioCall(Test->Run, "MapIdentityRangeEx", Status, STATUS_RESOURCE_IN_USE, First,
		     Buffer->Size);
	ExpectIdentity(Test, Buffer, TRUE);
	Status = Test->Iommu->UnmapIdentityRangeEx(Domain, &Unmapped);
	ScenarioCall(Test->Run, "UnmapIdentityRangeEx", Status, STATUS_SUCCESS, First,
		     Buffer->Size);
	ExpectIdentity(Test, Buffer, FALSE);
	Status = Test->Iommu->UnmapIdentityRangeEx(Domain, &Unmapped);
	ScenarioCall(Test->Run, "UnmapIdentityRangeEx", Status, STATUS_INVALID_PARAMETER, First,
		     Buffer->Size);
}

VOID RunIdentity(PSCENARIO_RUN Run, PVOID Context)
{
	BUFFER Contiguous, Scattered;
	PIOMMU_DMA_DOMAIN Domain;
	TEST Test;

	if (!TestBegin(&Test, Run, 1))
		return;
	if (!TestAllocate(&Test, &Contiguous, 4, FALSE))
		goto EndTest;
	if (!TestAllocate(&Test, &Scattered, 4, TRUE))
		goto FreeContiguous;
	Domain = TestOpenDomain(&Test, FALSE);
	if (Domain) {
		UseIdentity(&Test, Domain, &Contiguous, BufferRange(&Contiguous),
			    BufferMdl(&Contiguous));
		UseIdentity(&Test, Domain, &Scattered, BufferMdl(&Scattered),
			    BufferPfns(&Scattered));
		TestCloseDomain(&Test, Domain);
	}
	BufferFree(&Scattered);
FreeContiguous:
	BufferFree(&Contiguous);
EndTest:
	TestEnd(&Test);
}

VOID RunFlush(PSCENARIO_RUN Run, PVOID Context)
{
	IOMMU_DMA_LOGICAL_ADDRESS Logical;
	PIOMMU_DMA_DOMAIN Domain;
	BUFFER Buffer;
	TEST Test;

	if (!TestBegin(&Test, Run, 1))
		return;
	if (!TestAllocate(&Test, &Buffer, 16, TRUE))
		goto EndTest;
	Domain = TestOpenDomain(&Test, TRUE);
	if (!Domain)
		goto FreeBuffer;
	Logical = TestMap(&Test, Domain, BufferMdl(&Buffer), Buffer.Size, NO_ADDRESS);
	if (Logical != NO_ADDRESS) {
		ScenarioCall(Run, "FlushDomain", Test.Iommu->FlushDomain(Domain), STATUS_SUCCESS,
			     NO_ADDRESS, NO_BYTES);
		TestReached(&Test, 0, Logical, &Buffer, 0, Buffer.Size);
		ScenarioCall(Run, "FlushDomainByVaList",
			     Test.Iommu->FlushDomainByVaList(Domain, TRUE, 1, &Logical),
			     STATUS_SUCCESS, Logical, PAGE_SIZE);
		TestReached(&Test, 0, Logical, &Buffer, 0, Buffer.Size);
		TestUnmap(&Test, Domain, Logical, Buffer.Size, STATUS_SUCCESS);
		TestRefused(&Test, 0, Logical, &Buffer, 0, Buffer.Size);
	}
	TestCloseDomain(&Test, Domain);
FreeBuffer:
	BufferFree(&Buffer);
EndTest:
	TestEnd(&Test);
}
