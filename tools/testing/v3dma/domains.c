// SPDX-License-Identifier: GPL-2.0
/*
 * Domains, and which devices use them.
 */
#include <wdm.h>

#include "test.h"

/* Made before the domain has a device: one mapping, one segment of a reserved range. */
struct early {
	BUFFER Buffer;
	IOMMU_DMA_LOGICAL_ADDRESS Logical;
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN Token;
	IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT Segment;
};

#define EARLY_TOKEN (64ul << PAGE_SHIFT)
#define EARLY_OFFSET (7ul << PAGE_SHIFT)

static BOOLEAN MapEarly(PTEST Test, PIOMMU_DMA_DOMAIN Domain, struct early *Early)
{
	IOMMU_MAP_PHYSICAL_ADDRESS Physical = BufferPfns(&Early->Buffer);
	NTSTATUS Status;

	Early->Logical = TestMap(Test, Domain, BufferMdl(&Early->Buffer), Early->Buffer.Size,
				 NO_ADDRESS);
	if (Early->Logical == NO_ADDRESS)
		return FALSE;
	Status = Test->Iommu->ReserveLogicalAddressRange(Domain, EARLY_TOKEN, NULL, NULL, NULL,
							 &Early->Token);
	if (!ScenarioCall(Test->Run, "ReserveLogicalAddressRange", Status, STATUS_SUCCESS,
			  NO_ADDRESS, EARLY_TOKEN))
		return FALSE;
	Status = Test->Iommu->MapReservedLogicalRange(Early->Token, EARLY_OFFSET,
						      DEVICE_READS_WRITES, &Physical,
						      &Early->Segment);
	return ScenarioCall(Test->Run, "MapReservedLogicalRange", Status, STATUS_SUCCESS,
			    Early->Token->LogicalAddressBase + EARLY_OFFSET, Early->Buffer.Size);
}

static VOID ReachEarly(PTEST Test, ULONG Index, struct early *Early)
{
	TestReached(Test, Index, Early->Logical, &Early->Buffer, 0, Early->Buffer.Size);
	TestReached(Test, Index, Early->Token->LogicalAddressBase + EARLY_OFFSET, &Early->Buffer,
		    0, Early->Buffer.Size);
	TestRefused(Test, Index, Early->Token->LogicalAddressBase, &Early->Buffer, 0, PAGE_SIZE);
}

static VOID RefuseEarly(PTEST Test, ULONG Index, struct early *Early)
{
	TestRefused(Test, Index, Early->Logical, &Early->Buffer, 0, Early->Buffer.Size);
	TestRefused(Test, Index, Early->Token->LogicalAddressBase + EARLY_OFFSET, &Early->Buffer,
		    0, Early->Buffer.Size);
}

static VOID UnmapEarly(PTEST Test, PIOMMU_DMA_DOMAIN Domain, struct early *Early)
{
	TestUnmap(Test, Domain, Early->Logical, Early->Buffer.Size, STATUS_SUCCESS);
	ScenarioCall(Test->Run, "UnmapReservedLogicalRange",
		     Test->Iommu->UnmapReservedLogicalRange(&Early->Segment), STATUS_SUCCESS,
		     NO_ADDRESS, NO_BYTES);
}

static VOID FreeEarly(PTEST Test, struct early *Early)
{
	ScenarioCall(Test->Run, "FreeReservedLogicalAddressRange",
		     Test->Iommu->FreeReservedLogicalAddressRange(Early->Token), STATUS_SUCCESS,
		     NO_ADDRESS, EARLY_TOKEN);
}

VOID RunLateAttach(PSCENARIO_RUN Run, PVOID Context)
{
	PIOMMU_DMA_DOMAIN Domain;
	struct early Early;
	TEST Test;

	if (!TestBegin(&Test, Run, 1))
		return;
	if (!TestAllocate(&Test, &Early.Buffer, 16, TRUE))
		goto EndTest;
	Domain = TestCreateDomain(&Test, DomainTypeTranslate, TRUE, NULL);
	if (!Domain)
		goto FreeBuffer;
	if (MapEarly(&Test, Domain, &Early) && TestAttach(&Test, Domain, 0)) {
		ReachEarly(&Test, 0, &Early);
		TestDetach(&Test, 0);
		RefuseEarly(&Test, 0, &Early);
		TestAttach(&Test, Domain, 0);
		ReachEarly(&Test, 0, &Early);
		UnmapEarly(&Test, Domain, &Early);
		RefuseEarly(&Test, 0, &Early);
		FreeEarly(&Test, &Early);
		TestDetach(&Test, 0);
	}
	TestDeleteDomain(&Test, Domain);
FreeBuffer:
	BufferFree(&Early.Buffer);
EndTest:
	TestEnd(&Test);
}

/* Both devices see one domain; each comes and goes without the other noticing. */
static VOID UseTwoDevices(PTEST Test, PIOMMU_DMA_DOMAIN Domain, struct early *Early)
{
	RefuseEarly(Test, 1, Early);
	if (!TestAttach(Test, Domain, 1))
		return;
	ReachEarly(Test, 0, Early);
	ReachEarly(Test, 1, Early);
	TestDetach(Test, 0);
	RefuseEarly(Test, 0, Early);
	ReachEarly(Test, 1, Early);
	TestAttach(Test, Domain, 0);
	ReachEarly(Test, 0, Early);
	UnmapEarly(Test, Domain, Early);
	RefuseEarly(Test, 0, Early);
	RefuseEarly(Test, 1, Early);
	FreeEarly(Test, Early);
	ScenarioCall(Test->Run, "DeleteDomain", Test->Iommu->DeleteDomain(Domain),
		     STATUS_RESOURCE_IN_USE, NO_ADDRESS, NO_BYTES);
	ScenarioCall(Test->Run, "DeleteDevice", Test->Iommu->DeleteDevice(Test->Device[1]),
		     STATUS_RESOURCE_IN_USE, NO_ADDRESS, NO_BYTES);
	TestDetach(Test, 1);
}

VOID RunTwoDevices(PSCENARIO_RUN Run, PVOID Context)
{
	PIOMMU_DMA_DOMAIN Domain;
	struct early Early;
	TEST Test;

	if (!TestBegin(&Test, Run, 2))
		return;
	if (!TestAllocate(&Test, &Early.Buffer, 16, TRUE))
		goto EndTest;
	Domain = TestCreateDomain(&Test, DomainTypeTranslate, TRUE, NULL);
	if (!Domain)
		goto FreeBuffer;
	if (TestAttach(&Test, Domain, 0)) {
		if (MapEarly(&Test, Domain, &Early)) {
			ReachEarly(&Test, 0, &Early);
			UseTwoDevices(&Test, Domain, &Early);
		}
		TestDetach(&Test, 0);
	}
	TestDeleteDomain(&Test, Domain);
FreeBuffer:
	BufferFree(&Early.Buffer);
EndTest:
	TestEnd(&Test);
}

/* The same address leads to another buffer in each domain. */
static VOID UseTwoDomains(PTEST Test, PIOMMU_DMA_DOMAIN Domains[2], BUFFER Buffers[2])
{
	IOMMU_DMA_LOGICAL_ADDRESS Start = 0x30000000;
	ULONG i, Other;

	for (i = 0; i < 2; i++)
		if (TestMap(Test, Domains[i], BufferMdl(&Buffers[i]), Buffers[i].Size, Start) ==
		    NO_ADDRESS)
			return;
	for (i = 0; i < 4; i++) {
		if (!TestAttach(Test, Domains[i % 2], 0))
			return;
		Other = !(i % 2);
		BufferPoison(&Buffers[Other]);
		TestReached(Test, 0, Start, &Buffers[i % 2], 0, Buffers[0].Size);
		ScenarioCheck(Test->Run, "buffer of the other domain", Start, Buffers[Other].Size,
			      !BufferChanged(&Buffers[Other]), "unchanged");
		ScenarioCall(Test->Run, "AttachDeviceEx",
			     Test->Iommu->AttachDeviceEx(Domains[Other], Test->Device[0]),
			     STATUS_INVALID_PARAMETER, NO_ADDRESS, NO_BYTES);
		TestDetach(Test, 0);
		TestRefused(Test, 0, Start, &Buffers[i % 2], 0, Buffers[0].Size);
	}
}

VOID RunTwoDomains(PSCENARIO_RUN Run, PVOID Context)
{
	PIOMMU_DMA_DOMAIN Domains[2] = { NULL, NULL };
	BUFFER Buffers[2];
	TEST Test;

	if (!TestBegin(&Test, Run, 1))
		return;
	if (!TestAllocate(&Test, &Buffers[0], 4, TRUE))
		goto EndTest;
	if (!TestAllocate(&Test, &Buffers[1], 4, TRUE))
		goto FreeBuffer;
	Domains[0] = TestCreateDomain(&Test, DomainTypeTranslate, FALSE, NULL);
	Domains[1] = TestCreateDomain(&Test, DomainTypeTranslate, FALSE, NULL);
	if (Domains[0] && Domains[1])
		UseTwoDomains(&Test, Domains, Buffers);
	/* Their mappings go with them. */
	if (Domains[0])
		TestDeleteDomain(&Test, Domains[0]);
	if (Domains[1])
		TestDeleteDomain(&Test, Domains[1]);
	BufferFree(&Buffers[1]);
FreeBuffer:
	BufferFree(&Buffers[0]);
EndTest:
	TestEnd(&Test);
}

static VOID UsePassThrough(PTEST Test, PIOMMU_DMA_DOMAIN Domain, PBUFFER Buffer)
{
	IOMMU_MAP_PHYSICAL_ADDRESS Physical = BufferRange(Buffer);
	IOMMU_DMA_LOGICAL_ADDRESS Address = BufferPhysical(Buffer, 0);

	TestReached(Test, 0, Address, Buffer, 0, Buffer->Size);
	TestRefuseMap(Test, Domain, Buffer, NO_ADDRESS, STATUS_INVALID_PARAMETER_1);
	ScenarioCall(Test->Run, "MapIdentityRangeEx",
		     Test->Iommu->MapIdentityRangeEx(Domain, DEVICE_READS, &Physical),
		     STATUS_SUCCESS, Address, Buffer->Size);
	TestReached(Test, 0, Address, Buffer, 0, Buffer->Size);
	ScenarioCall(Test->Run, "UnmapIdentityRangeEx",
		     Test->Iommu->UnmapIdentityRangeEx(Domain, &Physical), STATUS_SUCCESS, Address,
		     Buffer->Size);
	TestReached(Test, 0, Address, Buffer, 0, Buffer->Size);
}

VOID RunPassThrough(PSCENARIO_RUN Run, PVOID Context)
{
	PIOMMU_DMA_DOMAIN Domain;
	ULONG Types = 0;
	BUFFER Buffer;
	TEST Test;

	if (!TestBegin(&Test, Run, 1))
		return;
	Test.Iommu->QueryAvailableDomainTypes(Test.Device[0], &Types);
	ScenarioCheck(Run, "QueryAvailableDomainTypes", NO_ADDRESS, NO_BYTES,
		      Types & (1 << DomainTypeTranslate), "types 0x%x", Types);
	if (!(Types & (1 << DomainTypePassThrough))) {
		ScenarioSkip(Run, "PassThrough is not available to this device");
		goto EndTest;
	}
	if (!TestAllocate(&Test, &Buffer, 64, FALSE))
		goto EndTest;
	Domain = TestCreateDomain(&Test, DomainTypePassThrough, FALSE, NULL);
	if (Domain) {
		if (TestAttach(&Test, Domain, 0)) {
			UsePassThrough(&Test, Domain, &Buffer);
			TestDetach(&Test, 0);
			TestRefused(&Test, 0, BufferPhysical(&Buffer, 0), &Buffer, 0, Buffer.Size);
		}
		TestDeleteDomain(&Test, Domain);
	}
	BufferFree(&Buffer);
EndTest:
	TestEnd(&Test);
}

/* The system keeps its hands off both regions; the first can be reached without a map call. */
static VOID UseRegions(PTEST Test, BOOLEAN Allocator, PBUFFER Buffer, PBUFFER Other)
{
	IOMMU_DMA_RESERVED_REGION Withheld = {
		.Base = PAGE_SIZE, .NumberOfPages = 255, .ShouldMap = FALSE,
	};
	IOMMU_DMA_RESERVED_REGION Mapped = {
		.RegionNext = &Withheld, .Base = BufferPhysical(Buffer, 0),
		.NumberOfPages = Buffer->Size >> PAGE_SHIFT, .ShouldMap = TRUE,
	};
	IOMMU_DMA_LOGICAL_ADDRESS End = Withheld.Base + (Withheld.NumberOfPages << PAGE_SHIFT);
	IOMMU_DMA_LOGICAL_ADDRESS Logical;
	PIOMMU_DMA_DOMAIN Domain;

	Domain = TestCreateDomain(Test, DomainTypeTranslate, Allocator, &Mapped);
	if (!Domain)
		return;
	if (TestAttach(Test, Domain, 0)) {
		TestReached(Test, 0, Mapped.Base, Buffer, 0, Buffer->Size);
		TestRefused(Test, 0, Withheld.Base, Buffer, 0, PAGE_SIZE);
		TestUnmap(Test, Domain, Mapped.Base, Buffer->Size, STATUS_INVALID_PARAMETER);
		TestReached(Test, 0, Mapped.Base, Buffer, 0, Buffer->Size);
		if (Allocator) {
			Logical = TestMap(Test, Domain, BufferMdl(Other), Other->Size, NO_ADDRESS);
			ScenarioCheck(Test->Run, "address output", Logical, NO_BYTES,
				      Logical >= End, "outside the withheld region");
			TestReached(Test, 0, Logical, Other, 0, Other->Size);
		} else {
			TestRefuseMap(Test, Domain, Other, Withheld.Base, STATUS_RESOURCE_IN_USE);
			TestRefuseMap(Test, Domain, Other, Mapped.Base, STATUS_RESOURCE_IN_USE);
		}
		TestDetach(Test, 0);
	}
	TestDeleteDomain(Test, Domain);
}

VOID RunRegions(PSCENARIO_RUN Run, PVOID Context)
{
	BUFFER Buffer, Other;
	TEST Test;

	if (!TestBegin(&Test, Run, 1))
		return;
	if (!TestAllocate(&Test, &Buffer, 16, FALSE))
		goto EndTest;
	if (TestAllocate(&Test, &Other, 1, FALSE)) {
		UseRegions(&Test, TRUE, &Buffer, &Other);
		UseRegions(&Test, FALSE, &Buffer, &Other);
		BufferFree(&Other);
	}
	BufferFree(&Buffer);
EndTest:
	TestEnd(&Test);
}

static VOID UseVersion1(PTEST Test, PDMA_IOMMU_INTERFACE_V1 Iommu, PIOMMU_DMA_DOMAIN Domain,
			PBUFFER Buffer)
{
	IOMMU_DMA_LOGICAL_ADDRESS Start = 0x50000000, Address = BufferPhysical(Buffer, 0);

	if (ScenarioCall(Test->Run, "MapLogicalRange",
			 Iommu->MapLogicalRange(Domain, DEVICE_READS_WRITES, Buffer->Mdl, Start),
			 STATUS_SUCCESS, Start, Buffer->Size)) {
		TestReached(Test, 0, Start, Buffer, 0, Buffer->Size);
		ScenarioCall(Test->Run, "UnmapLogicalRange",
			     Iommu->UnmapLogicalRange(Domain, Start, Buffer->Size >> PAGE_SHIFT),
			     STATUS_SUCCESS, Start, Buffer->Size);
		TestRefused(Test, 0, Start, Buffer, 0, Buffer->Size);
	}
	if (ScenarioCall(Test->Run, "MapIdentityRange",
			 Iommu->MapIdentityRange(Domain, DEVICE_READS_WRITES, Buffer->Mdl),
			 STATUS_SUCCESS, Address, Buffer->Size)) {
		TestReached(Test, 0, Address, Buffer, 0, Buffer->Size);
		ScenarioCall(Test->Run, "UnmapIdentityRange",
			     Iommu->UnmapIdentityRange(Domain, Buffer->Mdl), STATUS_SUCCESS,
			     Address, Buffer->Size);
		TestRefused(Test, 0, Address, Buffer, 0, Buffer->Size);
	}
}

VOID RunVersion1(PSCENARIO_RUN Run, PVOID Context)
{
	TEST Test = { .Run = Run };
	DMA_IOMMU_INTERFACE_EX Interface;
	PDMA_IOMMU_INTERFACE_V1 Iommu = &Interface.V1;
	PIOMMU_DMA_DOMAIN Domain = NULL;
	PDEVICE_OBJECT Pdo = TestDevPdo(0);
	BUFFER Buffer;

	if (!Pdo) {
		ScenarioSkip(Run, "not enough iommu-testdev devices");
		return;
	}
	if (!ScenarioCall(Run, "IoGetIommuInterfaceEx", IoGetIommuInterfaceEx(1, 0, &Interface),
			  STATUS_SUCCESS, NO_ADDRESS, NO_BYTES))
		return;
	if (!TestAllocate(&Test, &Buffer, 16, FALSE))
		return;
	if (!ScenarioCall(Run, "CreateDomain", Iommu->CreateDomain(TRUE, &Domain), STATUS_SUCCESS,
			  NO_ADDRESS, NO_BYTES))
		goto FreeBuffer;
	if (ScenarioCall(Run, "AttachDevice", Iommu->AttachDevice(Domain, Pdo, 0, 1),
			 STATUS_SUCCESS, NO_ADDRESS, NO_BYTES)) {
		UseVersion1(&Test, Iommu, Domain, &Buffer);
		ScenarioCall(Run, "DetachDevice", Iommu->DetachDevice(Domain, Pdo, 0),
			     STATUS_SUCCESS, NO_ADDRESS, NO_BYTES);
	}
	ScenarioCall(Run, "DeleteDomain", Iommu->DeleteDomain(Domain), STATUS_SUCCESS, NO_ADDRESS,
		     NO_BYTES);
FreeBuffer:
	BufferFree(&Buffer);
}
