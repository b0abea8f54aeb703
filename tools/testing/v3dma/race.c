// SPDX-License-Identifier: GPL-2.0
/*
 * Several processors at work on one domain at the same time.
 */
#include <wdm.h>

#include "test.h"

#define ROUNDS 200
#define REMOVALS 10

/**
 * struct worker - what one processor does
 * @Buffer: its memory
 * @Rounds: rounds done
 * @BadStatus: the first unexpected status, or STATUS_SUCCESS
 * @Unreached: writes to mapped memory that did not arrive
 * @Unrefused: writes to unmapped memory that were not stopped
 */
struct worker {
	BUFFER Buffer;
	ULONG Rounds;
	NTSTATUS BadStatus;
	ULONG Unreached;
	ULONG Unrefused;
};

/**
 * struct race - what all of them share
 * @Test: the scenario; its devices are all attached to @Domain
 * @Domain: the domain
 * @Token: a reserved range of it, or NULL
 * @Explicit: addresses are not chosen by the system
 * @Workers: one for each thread
 */
struct race {
	PTEST Test;
	PIOMMU_DMA_DOMAIN Domain;
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN Token;
	BOOLEAN Explicit;
	struct worker Workers[TEST_THREADS];
};

#define WORKER_PAGES 4
#define WORKER_SIZE ((SIZE_T)WORKER_PAGES << PAGE_SHIFT)
#define EXPLICIT_START 0x70000000ull

/* Side by side, so that the workers share page tables. */
static IOMMU_DMA_LOGICAL_ADDRESS OwnAddress(ULONG Number)
{
	return EXPLICIT_START + Number * WORKER_SIZE;
}

/* Each worker's memory is its own, so a write that arrives can be told from all others. */
static BOOLEAN Arrives(PBUFFER Buffer, ULONG Index, IOMMU_DMA_LOGICAL_ADDRESS Logical, ULONG Page)
{
	SIZE_T Offset = (SIZE_T)Page << PAGE_SHIFT;
	PULONG Word = (PULONG)(Buffer->Data + Offset);
	ULONG Result;

	*Word = 0;
	Result = TestDevWrite(Index, Logical, BufferPhysical(Buffer, Offset));
	return Result == TESTDEV_REACHED && *Word == TESTDEV_WORD;
}

static VOID ExpectStopped(struct worker *Worker, ULONG Index, IOMMU_DMA_LOGICAL_ADDRESS Logical)
{
	if (TestDevWrite(Index, Logical, BufferPhysical(&Worker->Buffer, 0)) != TESTDEV_REFUSED)
		Worker->Unrefused++;
}

static BOOLEAN Note(struct worker *Worker, NTSTATUS Status)
{
	if (!NT_SUCCESS(Status) && Worker->BadStatus == STATUS_SUCCESS)
		Worker->BadStatus = Status;
	return NT_SUCCESS(Status);
}

static VOID ExpectArrival(struct worker *Worker, ULONG Index, IOMMU_DMA_LOGICAL_ADDRESS Logical,
			  ULONG Pages)
{
	ULONG i;

	for (i = 0; i < Pages; i++)
		if (!Arrives(&Worker->Buffer, Index, Logical + ((SIZE_T)i << PAGE_SHIFT), i))
			Worker->Unreached++;
}

static VOID MapAndUnmap(PVOID Context, ULONG Number)
{
	struct race *Race = Context;
	struct worker *Worker = &Race->Workers[Number];
	PDMA_IOMMU_INTERFACE_V3 Iommu = Race->Test->Iommu;
	ULONG Index = Number % Race->Test->Devices;

	for (; Worker->Rounds < ROUNDS; Worker->Rounds++) {
		ULONG Pages = 1 + Worker->Rounds % WORKER_PAGES;
		IOMMU_DMA_LOGICAL_ADDRESS Logical, Own = OwnAddress(Number);
		IOMMU_MAP_PHYSICAL_ADDRESS Physical = BufferPfns(&Worker->Buffer);

		Physical.PfnArray.NumberOfPages = Pages;
		if (!Note(Worker, Iommu->MapLogicalRangeEx(Race->Domain, DEVICE_READS_WRITES,
							   &Physical, Race->Explicit ? &Own : NULL,
							   NULL, NULL, &Logical)))
			return;
		ExpectArrival(Worker, Index, Logical, Pages);
		if (!Note(Worker, Iommu->UnmapLogicalRange(Race->Domain, Logical, Pages)))
			return;
		/* Elsewhere the address may be another worker's by now. */
		if (Race->Explicit)
			ExpectStopped(Worker, Index, Logical);
	}
}

static VOID CommitAndUncommit(PVOID Context, ULONG Number)
{
	struct race *Race = Context;
	struct worker *Worker = &Race->Workers[Number];
	IOMMU_DMA_LOGICAL_ADDRESS Logical = Race->Token->LogicalAddressBase + Number * WORKER_SIZE;
	ULONG Index = Number % Race->Test->Devices;
	IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT Segment;

	for (; Worker->Rounds < ROUNDS; Worker->Rounds++) {
		ULONG Pages = 1 + Worker->Rounds % WORKER_PAGES;
		IOMMU_MAP_PHYSICAL_ADDRESS Physical = BufferPfns(&Worker->Buffer);
		NTSTATUS Status;

		Physical.PfnArray.NumberOfPages = Pages;
		Status = Race->Test->Iommu->MapReservedLogicalRange(Race->Token,
								    Number * WORKER_SIZE,
								    DEVICE_READS_WRITES, &Physical,
								    &Segment);
		if (!Note(Worker, Status))
			return;
		ExpectArrival(Worker, Index, Logical, Pages);
		if (!Note(Worker, Race->Test->Iommu->UnmapReservedLogicalRange(&Segment)))
			return;
		ExpectStopped(Worker, Index, Logical);
	}
}

/*
 * The first worker attaches and detaches the second device, which must see what it maps itself;
 * the others map and unmap.
 */
static VOID AttachOrMap(PVOID Context, ULONG Number)
{
	struct race *Race = Context;
	struct worker *Worker = &Race->Workers[Number];
	PDMA_IOMMU_INTERFACE_V3 Iommu = Race->Test->Iommu;
	IOMMU_DMA_LOGICAL_ADDRESS Logical, Own = OwnAddress(Number);
	IOMMU_MAP_PHYSICAL_ADDRESS Physical;

	if (Number) {
		MapAndUnmap(Context, Number);
		return;
	}
	for (; Worker->Rounds < ROUNDS; Worker->Rounds++) {
		Physical = BufferPfns(&Worker->Buffer);
		if (!Note(Worker, Iommu->MapLogicalRangeEx(Race->Domain, DEVICE_READS_WRITES,
							   &Physical, &Own, NULL, NULL, &Logical)))
			return;
		if (!Note(Worker, Iommu->AttachDeviceEx(Race->Domain, Race->Test->Device[1])))
			return;
		ExpectArrival(Worker, 1, Logical, WORKER_PAGES);
		if (!Note(Worker, Iommu->UnmapLogicalRange(Race->Domain, Logical, WORKER_PAGES)))
			return;
		ExpectStopped(Worker, 1, Logical);
		if (!Note(Worker, Iommu->DetachDeviceEx(Race->Test->Device[1])))
			return;
	}
}

/* The first worker removes the second device and brings it back, the others map and unmap. */
static VOID RemoveOrMap(PVOID Context, ULONG Number)
{
	struct race *Race = Context;
	struct worker *Worker = &Race->Workers[Number];
	PDMA_IOMMU_INTERFACE_V3 Iommu = Race->Test->Iommu;
	PIOMMU_DMA_DEVICE Device;

	if (Number) {
		MapAndUnmap(Context, Number);
		return;
	}
	for (; Worker->Rounds < ROUNDS; Worker->Rounds += ROUNDS / REMOVALS) {
		if (!Note(Worker, Iommu->CreateDevice(TestDevPdo(1), NULL, &Device)))
			return;
		if (Note(Worker, Iommu->AttachDeviceEx(Race->Domain, Device)))
			TestDevRemove(1);
		if (!Note(Worker, Iommu->DeleteDevice(Device)))
			return;
		TestDevRestore();
	}
}

static BOOLEAN AllocateBuffers(struct race *Race)
{
	ULONG i;

	for (i = 0; i < TEST_THREADS; i++) {
		struct worker *Worker = &Race->Workers[i];

		Worker->Rounds = 0;
		Worker->BadStatus = STATUS_SUCCESS;
		Worker->Unreached = 0;
		Worker->Unrefused = 0;
		if (!TestAllocate(Race->Test, &Worker->Buffer, WORKER_PAGES, TRUE)) {
			while (i--)
				BufferFree(&Race->Workers[i].Buffer);
			return FALSE;
		}
	}
	return TRUE;
}

static VOID RunWorkers(struct race *Race, TEST_ROUTINE *Routine)
{
	PSCENARIO_RUN Run = Race->Test->Run;
	ULONG i;

	if (!AllocateBuffers(Race))
		return;
	ScenarioCheck(Run, "run on all processors", NO_ADDRESS, NO_BYTES,
		      TestRunTogether(TEST_THREADS, Routine, Race), "%u threads", TEST_THREADS);
	for (i = 0; i < TEST_THREADS; i++) {
		struct worker *Worker = &Race->Workers[i];

		ScenarioCall(Run, "calls of one thread", Worker->BadStatus, STATUS_SUCCESS,
			     NO_ADDRESS, NO_BYTES);
		ScenarioCheck(Run, "writes of one thread", NO_ADDRESS, NO_BYTES,
			      Worker->Rounds == ROUNDS && !Worker->Unreached && !Worker->Unrefused,
			      "%u rounds, %u writes lost, %u not stopped", Worker->Rounds,
			      Worker->Unreached, Worker->Unrefused);
		BufferFree(&Worker->Buffer);
	}
}

VOID RunRaceAllocator(PSCENARIO_RUN Run, PVOID Context)
{
	struct race Race = { .Explicit = FALSE };
	TEST Test;

	Race.Test = &Test;
	if (!TestBegin(&Test, Run, 1))
		return;
	Race.Domain = TestOpenDomain(&Test, TRUE);
	if (Race.Domain) {
		RunWorkers(&Race, MapAndUnmap);
		TestCloseDomain(&Test, Race.Domain);
	}
	TestEnd(&Test);
}

VOID RunRaceExplicit(PSCENARIO_RUN Run, PVOID Context)
{
	struct race Race = { .Explicit = TRUE };
	TEST Test;

	Race.Test = &Test;
	if (!TestBegin(&Test, Run, 2))
		return;
	Race.Domain = TestOpenDomain(&Test, FALSE);
	if (Race.Domain) {
		if (TestAttach(&Test, Race.Domain, 1)) {
			RunWorkers(&Race, MapAndUnmap);
			TestDetach(&Test, 1);
		}
		TestCloseDomain(&Test, Race.Domain);
	}
	TestEnd(&Test);
}

VOID RunRaceReserved(PSCENARIO_RUN Run, PVOID Context)
{
	struct race Race = { .Explicit = FALSE };
	NTSTATUS Status;
	TEST Test;

	Race.Test = &Test;
	if (!TestBegin(&Test, Run, 1))
		return;
	Race.Domain = TestOpenDomain(&Test, TRUE);
	if (!Race.Domain)
		goto EndTest;
	Status = Test.Iommu->ReserveLogicalAddressRange(Race.Domain, TEST_THREADS * WORKER_SIZE,
							NULL, NULL, NULL, &Race.Token);
	if (ScenarioCall(Run, "ReserveLogicalAddressRange", Status, STATUS_SUCCESS, NO_ADDRESS,
			 TEST_THREADS * WORKER_SIZE)) {
		RunWorkers(&Race, CommitAndUncommit);
		ScenarioCall(Run, "FreeReservedLogicalAddressRange",
			     Test.Iommu->FreeReservedLogicalAddressRange(Race.Token),
			     STATUS_SUCCESS, NO_ADDRESS, NO_BYTES);
	}
	TestCloseDomain(&Test, Race.Domain);
EndTest:
	TestEnd(&Test);
}

VOID RunRaceAttach(PSCENARIO_RUN Run, PVOID Context)
{
	struct race Race = { .Explicit = TRUE };
	TEST Test;

	Race.Test = &Test;
	if (!TestBegin(&Test, Run, 2))
		return;
	Race.Domain = TestOpenDomain(&Test, FALSE);
	if (Race.Domain) {
		/* Only the first device may be looked at: the second comes and goes. */
		Test.Devices = 1;
		RunWorkers(&Race, AttachOrMap);
		Test.Devices = 2;
		TestCloseDomain(&Test, Race.Domain);
	}
	TestEnd(&Test);
}

VOID RunRaceRemoval(PSCENARIO_RUN Run, PVOID Context)
{
	struct race Race = { .Explicit = TRUE };
	TEST Test;

	Race.Test = &Test;
	if (!TestBegin(&Test, Run, 2))
		return;
	/* The second device gets a new handle each time it comes back. */
	TestDropDevice(&Test);
	Race.Domain = TestOpenDomain(&Test, FALSE);
	if (Race.Domain) {
		RunWorkers(&Race, RemoveOrMap);
		TestCloseDomain(&Test, Race.Domain);
	}
	TestEnd(&Test);
}
