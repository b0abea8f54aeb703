// SPDX-License-Identifier: GPL-2.0
/*
 * What the scenarios share.
 */
#include <wdm.h>

#include "test.h"

static const char *const DeviceNames[TESTDEV_COUNT] = { "first device", "second device" };

BOOLEAN TestBegin(PTEST Test, PSCENARIO_RUN Run, ULONG Devices)
{
	NTSTATUS Status;
	ULONG i;

	Test->Run = Run;
	Test->Devices = 0;
	for (i = 0; i < Devices; i++) {
		if (!TestDevPdo(i)) {
			ScenarioSkip(Run, "not enough iommu-testdev devices");
			return FALSE;
		}
	}
	Status = IoGetIommuInterfaceEx(3, 0, &Test->Interface);
	if (!ScenarioCall(Run, "IoGetIommuInterfaceEx", Status, STATUS_SUCCESS, NO_ADDRESS,
			  NO_BYTES))
		return FALSE;
	Test->Iommu = &Test->Interface.V3;
	for (i = 0; i < Devices; i++) {
		if (!TestAddDevice(Test)) {
			TestEnd(Test);
			return FALSE;
		}
	}
	return TRUE;
}

VOID TestEnd(PTEST Test)
{
	while (Test->Devices)
		TestDropDevice(Test);
}

BOOLEAN TestAddDevice(PTEST Test)
{
	PIOMMU_DMA_DEVICE *Device = &Test->Device[Test->Devices];
	NTSTATUS Status = Test->Iommu->CreateDevice(TestDevPdo(Test->Devices), NULL, Device);

	if (!ScenarioCall(Test->Run, "CreateDevice", Status, STATUS_SUCCESS, NO_ADDRESS, NO_BYTES))
		return FALSE;
	Test->Devices++;
	return TRUE;
}

VOID TestDropDevice(PTEST Test)
{
	Test->Devices--;
	ScenarioCall(Test->Run, "DeleteDevice",
		     Test->Iommu->DeleteDevice(Test->Device[Test->Devices]), STATUS_SUCCESS,
		     NO_ADDRESS, NO_BYTES);
}

BOOLEAN TestSimCreate(PTEST Test, PTEST_SIM Sim)
{
	NTSTATUS Status;

	Sim->Pdo = TestSimPlug(&Sim->Iommu);
	if (!ScenarioCheck(Test->Run, "device behind a software IOMMU", NO_ADDRESS, NO_BYTES,
			   !!Sim->Pdo, "made"))
		return FALSE;
	Status = Test->Iommu->CreateDevice(Sim->Pdo, NULL, &Sim->Device);
	if (ScenarioCall(Test->Run, "CreateDevice", Status, STATUS_SUCCESS, NO_ADDRESS, NO_BYTES))
		return TRUE;
	TestSimUnplug(Sim->Iommu, Sim->Pdo);
	return FALSE;
}

VOID TestSimDelete(PTEST Test, PTEST_SIM Sim)
{
	ScenarioCall(Test->Run, "DeleteDevice", Test->Iommu->DeleteDevice(Sim->Device),
		     STATUS_SUCCESS, NO_ADDRESS, NO_BYTES);
	TestSimUnplug(Sim->Iommu, Sim->Pdo);
}

BOOLEAN TestAllocate(PTEST Test, PBUFFER Buffer, ULONG Pages, BOOLEAN Scattered)
{
	if (BufferAllocate(Buffer, Pages, Scattered))
		return TRUE;
	return ScenarioCheck(Test->Run, "allocate memory", NO_ADDRESS, (SIZE_T)Pages << PAGE_SHIFT,
			     FALSE, "there is none");
}

PIOMMU_DMA_DOMAIN TestCreateDomain(PTEST Test, IOMMU_DMA_DOMAIN_TYPE Type, BOOLEAN Allocator,
				   PIOMMU_DMA_RESERVED_REGION Regions)
{
	IOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG Config = {
		.LogicalAllocatorType = IommuDmaLogicalAllocatorBuddy,
	};
	IOMMU_DMA_DOMAIN_CREATION_FLAGS Flags = { .AsUlonglong = 0 };
	PIOMMU_DMA_DOMAIN Domain = NULL;
	NTSTATUS Status;

	Config.BuddyAllocatorConfig.AddressWidth = TEST_ADDRESS_WIDTH;
	Status = Test->Iommu->CreateDomainEx(Type, Flags, Allocator ? &Config : NULL, Regions,
					     &Domain);
	ScenarioCall(Test->Run, "CreateDomainEx", Status, STATUS_SUCCESS, NO_ADDRESS, NO_BYTES);
	return Domain;
}

VOID TestDeleteDomain(PTEST Test, PIOMMU_DMA_DOMAIN Domain)
{
	ScenarioCall(Test->Run, "DeleteDomain", Test->Iommu->DeleteDomain(Domain), STATUS_SUCCESS,
		     NO_ADDRESS, NO_BYTES);
}

BOOLEAN TestAttach(PTEST Test, PIOMMU_DMA_DOMAIN Domain, ULONG Index)
{
	NTSTATUS Status = Test->Iommu->AttachDeviceEx(Domain, Test->Device[Index]);

	return ScenarioCall(Test->Run, "AttachDeviceEx", Status, STATUS_SUCCESS, NO_ADDRESS,
			    NO_BYTES);
}

VOID TestDetach(PTEST Test, ULONG Index)
{
	NTSTATUS Status = Test->Iommu->DetachDeviceEx(Test->Device[Index]);

	ScenarioCall(Test->Run, "DetachDeviceEx", Status, STATUS_SUCCESS, NO_ADDRESS, NO_BYTES);
}

PIOMMU_DMA_DOMAIN TestOpenDomain(PTEST Test, BOOLEAN Allocator)
{
	PIOMMU_DMA_DOMAIN Domain;

	Domain = TestCreateDomain(Test, DomainTypeTranslate, Allocator, NULL);
	if (Domain && !TestAttach(Test, Domain, 0)) {
		TestDeleteDomain(Test, Domain);
		return NULL;
	}
	return Domain;
}

VOID TestCloseDomain(PTEST Test, PIOMMU_DMA_DOMAIN Domain)
{
	TestDetach(Test, 0);
	TestDeleteDomain(Test, Domain);
}

IOMMU_DMA_LOGICAL_ADDRESS TestMap(PTEST Test, PIOMMU_DMA_DOMAIN Domain,
				  IOMMU_MAP_PHYSICAL_ADDRESS Physical, SIZE_T Size,
				  IOMMU_DMA_LOGICAL_ADDRESS Explicit)
{
	IOMMU_DMA_LOGICAL_ADDRESS Logical = NO_ADDRESS;
	NTSTATUS Status;

	Status = Test->Iommu->MapLogicalRangeEx(Domain, DEVICE_READS_WRITES, &Physical,
						Explicit == NO_ADDRESS ? NULL : &Explicit, NULL,
						NULL, &Logical);
	ScenarioCall(Test->Run, "MapLogicalRangeEx", Status, STATUS_SUCCESS, Logical, Size);
	if (Explicit != NO_ADDRESS && Logical != Explicit)
		ScenarioCheck(Test->Run, "address output", Logical, NO_BYTES, FALSE,
			      "not the one asked for");
	return Logical;
}

VOID TestRefuseMap(PTEST Test, PIOMMU_DMA_DOMAIN Domain, PBUFFER Buffer,
		   IOMMU_DMA_LOGICAL_ADDRESS Explicit, NTSTATUS Expected)
{
	IOMMU_MAP_PHYSICAL_ADDRESS Physical = BufferMdl(Buffer);
	IOMMU_DMA_LOGICAL_ADDRESS Logical = NO_ADDRESS;
	NTSTATUS Status;

	Status = Test->Iommu->MapLogicalRangeEx(Domain, DEVICE_READS_WRITES, &Physical,
						Explicit == NO_ADDRESS ? NULL : &Explicit, NULL,
						NULL, &Logical);
	ScenarioCall(Test->Run, "MapLogicalRangeEx", Status, Expected, Explicit, Buffer->Size);
	if (Logical != NO_ADDRESS)
		ScenarioCheck(Test->Run, "address output", Logical, NO_BYTES, FALSE,
			      "written by a call that failed");
}

VOID TestUnmap(PTEST Test, PIOMMU_DMA_DOMAIN Domain, IOMMU_DMA_LOGICAL_ADDRESS Logical,
	       SIZE_T Size, NTSTATUS Expected)
{
	NTSTATUS Status = Test->Iommu->UnmapLogicalRange(Domain, Logical, Size >> PAGE_SHIFT);

	ScenarioCall(Test->Run, "UnmapLogicalRange", Status, Expected, Logical, Size);
}

/* Lets the device write to both ends of a page; returns how many writes had that result. */
static ULONG WritePage(ULONG Index, IOMMU_DMA_LOGICAL_ADDRESS Logical, PBUFFER Buffer,
		       SIZE_T Offset, ULONG Expected)
{
	SIZE_T Last = PAGE_SIZE - sizeof(ULONG);
	ULONG Count = 0;

	if (TestDevWrite(Index, Logical, BufferPhysical(Buffer, Offset)) == Expected)
		Count++;
	if (TestDevWrite(Index, Logical + Last, BufferPhysical(Buffer, Offset + Last)) == Expected)
		Count++;
	return Count;
}

static VOID WritePages(PTEST Test, ULONG Index, IOMMU_DMA_LOGICAL_ADDRESS Logical, PBUFFER Buffer,
		       SIZE_T Offset, SIZE_T Size, ULONG Expected)
{
	ULONG Pages = (ULONG)(Size >> PAGE_SHIFT), Count = 0, i;
	BOOLEAN Reached = Expected == TESTDEV_REACHED;
	SIZE_T Arrive = Reached ? 2 * sizeof(ULONG) * Pages : 0;
	SIZE_T Changed;

	BufferPoison(Buffer);
	for (i = 0; i < Pages; i++)
		Count += WritePage(Index, Logical + ((SIZE_T)i << PAGE_SHIFT), Buffer,
				   Offset + ((SIZE_T)i << PAGE_SHIFT), Expected);
	Changed = BufferChanged(Buffer);
	ScenarioCheck(Test->Run, DeviceNames[Index], Logical, Size,
		      Count == 2 * Pages && Changed == Arrive,
		      "%u of %u writes %s, %lu bytes of memory changed", Count, 2 * Pages,
		      Reached ? "arrived" : "refused", (unsigned long)Changed);
}

VOID TestReached(PTEST Test, ULONG Index, IOMMU_DMA_LOGICAL_ADDRESS Logical, PBUFFER Buffer,
		 SIZE_T Offset, SIZE_T Size)
{
	WritePages(Test, Index, Logical, Buffer, Offset, Size, TESTDEV_REACHED);
}

VOID TestRefused(PTEST Test, ULONG Index, IOMMU_DMA_LOGICAL_ADDRESS Logical, PBUFFER Buffer,
		 SIZE_T Offset, SIZE_T Size)
{
	WritePages(Test, Index, Logical, Buffer, Offset, Size, TESTDEV_REFUSED);
}

const SCENARIO TestScenarios[] = {
	{ "sizes", "contiguous memory of several sizes", RunSizes },
	{ "scattered", "scattered pages, described in three ways", RunScattered },
	{ "permissions", "writes pass only where they are allowed", RunPermissions },
	{ "bounds", "addresses stay between the bounds given", RunBounds },
	{ "explicit", "the driver chooses addresses", RunExplicit },
	{ "cut", "parts of mappings", RunCut },
	{ "identity", "logical addresses equal physical ones", RunIdentity },
	{ "flush", "flushes leave mappings alone", RunFlush },
	{ "reserved", "segments of a reserved range", RunReserved },
	{ "reserved-explicit", "reserved ranges at chosen addresses", RunReservedExplicit },
	{ "late-attach", "what was mapped before the attach works after it", RunLateAttach },
	{ "two-devices", "several devices on one domain", RunTwoDevices },
	{ "two-domains", "one device, two domains in turn", RunTwoDomains },
	{ "regions", "reserved regions of a domain", RunRegions },
	{ "version-1", "the first version of the interface", RunVersion1 },
	{ "faults", "a handler hears of what the IOMMU refused", RunFaults },
	{ "boundary", "unmaps across borders of what one invalidation can name", RunBoundary },
	{ "batch", "ranges far apart are unmapped at once", RunBatch },
	{ "cut-odd", "parts of two adjacent pages that no large page can hold", RunCutOdd },
	{ "join", "neighbouring segments stay two in a table filled later", RunJoin },
	{ "first-attach", "maps while a domain without a device gets one", RunFirstAttach },
	{ "model", "random calls against a plain list, two IOMMUs", RunModel },
	{ "race-allocator", "several processors map and unmap", RunRaceAllocator },
	{ "race-explicit", "several processors map and unmap at their own addresses",
	  RunRaceExplicit },
	{ "race-reserved", "several processors use one reserved range", RunRaceReserved },
	{ "race-attach", "maps while a device comes and goes", RunRaceAttach },
	{ "race-removal", "maps while a device is removed and comes back", RunRaceRemoval },
	{ "unbind", "the device loses its driver while attached", RunUnbind },
	{ "removal", "the device disappears while attached", RunRemoval },
	{ "passthrough", "no translation while attached", RunPassThrough },
	{ }
};
