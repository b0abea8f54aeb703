// SPDX-License-Identifier: GPL-2.0
/*
 * Where IOMMU drivers differ: what one invalidation can name, what one entry can hold, what an
 * attach does to a page table.
 */
#include <wdm.h>

#include "test.h"

#define GIB (1ull << 30)
#define BIGGEST (4 * GIB)

typedef IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT SEGMENT, *PSEGMENT;

static BOOLEAN Writes(IOMMU_DMA_LOGICAL_ADDRESS Logical, PBUFFER Buffer, ULONG Page, ULONG Expected)
{
	return TestDevWrite(0, Logical, BufferPhysical(Buffer, (SIZE_T)Page << PAGE_SHIFT)) ==
	       Expected;
}

static NTSTATUS MapPhysical(PTEST Test, PIOMMU_DMA_DOMAIN Domain, ULONGLONG Address, ULONGLONG Size,
			    IOMMU_DMA_LOGICAL_ADDRESS Logical)
{
	IOMMU_MAP_PHYSICAL_ADDRESS Physical = { .MapType = MapPhysicalAddressTypeContiguousRange };
	IOMMU_DMA_LOGICAL_ADDRESS Out;

	Physical.ContiguousRange.Base.QuadPart = Address;
	Physical.ContiguousRange.Size = Size;
	return Test->Iommu->MapLogicalRangeEx(Domain, DEVICE_READS_WRITES, &Physical, &Logical,
					      NULL, NULL, &Out);
}

/* The ways to have two pages mapped that one call can unmap. */
enum way { TWO_MAPPINGS, ONE_MAPPING, ONE_SEGMENT, WAYS };

static const char *const WayNames[WAYS] = {
	"two mappings", "one mapping", "segment of a reserved range",
};

/**
 * struct across - two pages, one on either side of a border
 * @Test: the scenario
 * @Domain: where they are mapped
 * @Way: how
 * @Buffer: the memory, two neighbours
 * @Token: a reserved range
 * @Segment: what is mapped of it
 * @Borders: how many were tried
 * @Lost: those where a page was not reached
 * @Stale: those where a page was reached after the unmap
 * @Last: the last one of either
 */
struct across {
	PTEST Test;
	PIOMMU_DMA_DOMAIN Domain;
	enum way Way;
	BUFFER Buffer;
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN Token;
	SEGMENT Segment;
	ULONG Borders;
	ULONG Lost;
	ULONG Stale;
	IOMMU_DMA_LOGICAL_ADDRESS Last;
};

static NTSTATUS MapPart(struct across *Across, IOMMU_DMA_LOGICAL_ADDRESS Logical, ULONG Page,
			ULONG Pages)
{
	return MapPhysical(Across->Test, Across->Domain,
			   BufferPhysical(&Across->Buffer, (SIZE_T)Page << PAGE_SHIFT),
			   (ULONGLONG)Pages << PAGE_SHIFT, Logical);
}

static NTSTATUS MapTwo(struct across *Across, IOMMU_DMA_LOGICAL_ADDRESS First)
{
	NTSTATUS Status = MapPart(Across, First, 0, 1);

	if (!NT_SUCCESS(Status))
		return Status;
	Status = MapPart(Across, First + PAGE_SIZE, 1, 1);
	if (!NT_SUCCESS(Status))
		Across->Test->Iommu->UnmapLogicalRange(Across->Domain, First, 1);
	return Status;
}

static NTSTATUS MapReserved(struct across *Across, IOMMU_DMA_LOGICAL_ADDRESS First)
{
	PDMA_IOMMU_INTERFACE_V3 Iommu = Across->Test->Iommu;
	IOMMU_MAP_PHYSICAL_ADDRESS Physical = BufferRange(&Across->Buffer);
	NTSTATUS Status;

	Status = Iommu->ReserveLogicalAddressRange(Across->Domain, Across->Buffer.Size, &First,
						   NULL, NULL, &Across->Token);
	if (!NT_SUCCESS(Status))
		return Status;
	Status = Iommu->MapReservedLogicalRange(Across->Token, 0, DEVICE_READS_WRITES, &Physical,
						&Across->Segment);
	if (!NT_SUCCESS(Status))
		Iommu->FreeReservedLogicalAddressRange(Across->Token);
	return Status;
}

static NTSTATUS MapAcross(struct across *Across, IOMMU_DMA_LOGICAL_ADDRESS First)
{
	switch (Across->Way) {
	case TWO_MAPPINGS:
		return MapTwo(Across, First);
	case ONE_MAPPING:
		return MapPart(Across, First, 0, 2);
	default:
		return MapReserved(Across, First);
	}
}

static NTSTATUS UnmapAcross(struct across *Across, IOMMU_DMA_LOGICAL_ADDRESS First)
{
	if (Across->Way == ONE_SEGMENT)
		return Across->Test->Iommu->UnmapReservedLogicalRange(&Across->Segment);
	return Across->Test->Iommu->UnmapLogicalRange(Across->Domain, First, 2);
}

/* Maps the pages before and behind a border, and unmaps them together. */
static NTSTATUS CrossBorder(struct across *Across, IOMMU_DMA_LOGICAL_ADDRESS Border)
{
	IOMMU_DMA_LOGICAL_ADDRESS First = Border - PAGE_SIZE;
	NTSTATUS Status = MapAcross(Across, First);
	BOOLEAN Good;

	if (!NT_SUCCESS(Status))
		return Status;
	Across->Borders++;
	Good = Writes(First, &Across->Buffer, 0, TESTDEV_REACHED);
	if (!Writes(Border, &Across->Buffer, 1, TESTDEV_REACHED) || !Good) {
		Across->Lost++;
		Across->Last = Border;
	}
	Status = UnmapAcross(Across, First);
	Good = Writes(First, &Across->Buffer, 0, TESTDEV_REFUSED);
	if (!Writes(Border, &Across->Buffer, 1, TESTDEV_REFUSED) || !Good) {
		Across->Stale++;
		Across->Last = Border;
	}
	if (NT_SUCCESS(Status) && Across->Way == ONE_SEGMENT)
		Status = Across->Test->Iommu->FreeReservedLogicalAddressRange(Across->Token);
	return Status;
}

/* All powers of two that the domain translates, except where it has a reserved region. */
static VOID CrossBorders(PTEST Test, PIOMMU_DMA_DOMAIN Domain, enum way Way)
{
	struct across Across = { .Test = Test, .Domain = Domain, .Way = Way, .Last = NO_ADDRESS };
	NTSTATUS Beyond = Way == ONE_SEGMENT ? STATUS_INVALID_PARAMETER_3 :
					       STATUS_INVALID_PARAMETER_4;
	NTSTATUS Status;
	ULONG Bit;

	if (!TestAllocate(Test, &Across.Buffer, 2, FALSE))
		return;
	for (Bit = PAGE_SHIFT + 1; Bit < 64; Bit++) {
		Status = CrossBorder(&Across, 1ull << Bit);
		if (NT_SUCCESS(Status) || Status == STATUS_RESOURCE_IN_USE)
			continue;
		ScenarioCall(Test->Run, WayNames[Way], Status, Beyond, 1ull << Bit,
			     Across.Buffer.Size);
		break;
	}
	ScenarioCheck(Test->Run, WayNames[Way], Across.Last, NO_BYTES,
		      Across.Borders > 20 && !Across.Lost && !Across.Stale,
		      "%u borders, %u not reached, %u reached after the unmap", Across.Borders,
		      Across.Lost, Across.Stale);
	BufferFree(&Across.Buffer);
}

/* Ends of a range larger than any invalidation, and a page in its middle, all of them in use. */
#define MARKS 3

/**
 * struct piece - a part of a large range
 * @Mark: page of the buffer, or MARKS for an address where no memory is
 * @Physical: such an address
 * @Size: bytes
 */
struct piece {
	ULONG Mark;
	ULONGLONG Physical;
	ULONGLONG Size;
};

static const struct piece Pieces[] = {
	{ 0, 0, PAGE_SIZE },
	{ MARKS, 64 * GIB, BIGGEST / 2 },
	{ 1, 0, PAGE_SIZE },
	{ MARKS, 96 * GIB + PAGE_SIZE, BIGGEST / 2 },
	{ 2, 0, PAGE_SIZE },
};

#define PIECES (sizeof(Pieces) / sizeof(Pieces[0]))

/* All marked pages are reached, or all are not. */
static VOID ExpectMarks(PTEST Test, PBUFFER Buffer, IOMMU_DMA_LOGICAL_ADDRESS Logical,
			ULONG Expected)
{
	ULONG Count = 0, i;

	for (i = 0; i < PIECES; i++) {
		if (Pieces[i].Mark < MARKS)
			Count += Writes(Logical, Buffer, Pieces[i].Mark, Expected);
		Logical += Pieces[i].Size;
	}
	ScenarioCheck(Test->Run, "both ends and the middle", Logical, NO_BYTES, Count == MARKS,
		      "%u of %u writes %s", Count, MARKS,
		      Expected == TESTDEV_REACHED ? "arrived" : "refused");
}

static VOID UnmapManyPieces(PTEST Test, PIOMMU_DMA_DOMAIN Domain)
{
	/* The large pieces are congruent to their memory. */
	IOMMU_DMA_LOGICAL_ADDRESS Start = 128 * GIB - PAGE_SIZE, Logical = Start;
	BUFFER Buffer;
	ULONG i;

	if (!TestAllocate(Test, &Buffer, MARKS, FALSE))
		return;
	for (i = 0; i < PIECES; i++) {
		ULONGLONG Physical = Pieces[i].Physical;

		if (Pieces[i].Mark < MARKS)
			Physical = BufferPhysical(&Buffer, (SIZE_T)Pieces[i].Mark << PAGE_SHIFT);
		ScenarioCall(Test->Run, "MapLogicalRangeEx",
			     MapPhysical(Test, Domain, Physical, Pieces[i].Size, Logical),
			     STATUS_SUCCESS, Logical, Pieces[i].Size);
		Logical += Pieces[i].Size;
	}
	ExpectMarks(Test, &Buffer, Start, TESTDEV_REACHED);
	TestUnmap(Test, Domain, Start, Logical - Start, STATUS_SUCCESS);
	ExpectMarks(Test, &Buffer, Start, TESTDEV_REFUSED);
	BufferFree(&Buffer);
}

/* One mapping that begins with a buffer and goes on where no memory is. */
static VOID UnmapBigMapping(PTEST Test, PIOMMU_DMA_DOMAIN Domain,
			    IOMMU_DMA_LOGICAL_ADDRESS Explicit)
{
	IOMMU_MAP_PHYSICAL_ADDRESS Physical;
	IOMMU_DMA_LOGICAL_ADDRESS Logical;
	BUFFER Buffer;

	if (!TestAllocate(Test, &Buffer, 512, FALSE))
		return;
	Physical = BufferRange(&Buffer);
	Physical.ContiguousRange.Size = BIGGEST;
	Logical = TestMap(Test, Domain, Physical, BIGGEST, Explicit);
	if (Logical != NO_ADDRESS) {
		TestReached(Test, 0, Logical, &Buffer, 0, Buffer.Size);
		TestUnmap(Test, Domain, Logical, BIGGEST, STATUS_SUCCESS);
		TestRefused(Test, 0, Logical, &Buffer, 0, Buffer.Size);
		TestRefused(Test, 0, Logical + BIGGEST / 2, &Buffer, 0, PAGE_SIZE);
		TestRefused(Test, 0, Logical + BIGGEST - PAGE_SIZE, &Buffer, 0, PAGE_SIZE);
	}
	BufferFree(&Buffer);
}

VOID RunBoundary(PSCENARIO_RUN Run, PVOID Context)
{
	PIOMMU_DMA_DOMAIN Domain;
	enum way Way;
	TEST Test;

	if (!TestBegin(&Test, Run, 1))
		return;
	Domain = TestOpenDomain(&Test, FALSE);
	if (Domain) {
		for (Way = 0; Way < WAYS; Way++)
			CrossBorders(&Test, Domain, Way);
		UnmapManyPieces(&Test, Domain);
		UnmapBigMapping(&Test, Domain, 128 * GIB);
		TestCloseDomain(&Test, Domain);
	}
	Domain = TestOpenDomain(&Test, TRUE);
	if (Domain) {
		UnmapBigMapping(&Test, Domain, NO_ADDRESS);
		TestCloseDomain(&Test, Domain);
	}
	TestEnd(&Test);
}

/* The IOMMU decides whether a part can go; if it can, exactly that part goes. */
static VOID CutTwo(PTEST Test, PIOMMU_DMA_DOMAIN Domain, IOMMU_DMA_LOGICAL_ADDRESS Start,
		   BOOLEAN Tail)
{
	SIZE_T Cut = Tail ? PAGE_SIZE : 0, Keep = PAGE_SIZE - Cut;
	NTSTATUS Status;
	BUFFER Buffer;

	if (!TestAllocate(Test, &Buffer, 2, FALSE))
		return;
	if (TestMap(Test, Domain, BufferRange(&Buffer), Buffer.Size, Start) == NO_ADDRESS)
		goto FreeBuffer;
	TestReached(Test, 0, Start, &Buffer, 0, Buffer.Size);
	Status = Test->Iommu->UnmapLogicalRange(Domain, Start + Cut, 1);
	if (Status == STATUS_INVALID_PARAMETER) {
		TestReached(Test, 0, Start, &Buffer, 0, Buffer.Size);
		TestUnmap(Test, Domain, Start, Buffer.Size, STATUS_SUCCESS);
	} else {
		ScenarioCall(Test->Run, "UnmapLogicalRange", Status, STATUS_SUCCESS, Start + Cut,
			     PAGE_SIZE);
		TestRefused(Test, 0, Start + Cut, &Buffer, Cut, PAGE_SIZE);
		TestReached(Test, 0, Start + Keep, &Buffer, Keep, PAGE_SIZE);
		TestUnmap(Test, Domain, Start + Keep, PAGE_SIZE, STATUS_SUCCESS);
	}
	TestRefused(Test, 0, Start, &Buffer, 0, Buffer.Size);
FreeBuffer:
	BufferFree(&Buffer);
}

VOID RunCutOdd(PSCENARIO_RUN Run, PVOID Context)
{
	IOMMU_DMA_LOGICAL_ADDRESS Start = 0x40001000;
	PIOMMU_DMA_DOMAIN Domain;
	TEST Test;

	if (!TestBegin(&Test, Run, 1))
		return;
	Domain = TestOpenDomain(&Test, FALSE);
	if (Domain) {
		CutTwo(&Test, Domain, Start, FALSE);
		CutTwo(&Test, Domain, Start, TRUE);
		TestCloseDomain(&Test, Domain);
	}
	TestEnd(&Test);
}

static BOOLEAN MapOnePage(PTEST Test, PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN Token, PBUFFER Buffer,
			  ULONG Page, PSEGMENT Segment)
{
	IOMMU_MAP_PHYSICAL_ADDRESS Physical = BufferRange(Buffer);
	SIZE_T Offset = (SIZE_T)Page << PAGE_SHIFT;
	NTSTATUS Status;

	Physical.ContiguousRange.Base.QuadPart = BufferPhysical(Buffer, Offset);
	Physical.ContiguousRange.Size = PAGE_SIZE;
	Status = Test->Iommu->MapReservedLogicalRange(Token, Offset, DEVICE_READS_WRITES, &Physical,
						      Segment);
	return ScenarioCall(Test->Run, "MapReservedLogicalRange", Status, STATUS_SUCCESS,
			    Token->LogicalAddressBase + Offset, PAGE_SIZE);
}

static VOID UnmapOnePage(PTEST Test, PSEGMENT Segment)
{
	ScenarioCall(Test->Run, "UnmapReservedLogicalRange",
		     Test->Iommu->UnmapReservedLogicalRange(Segment), STATUS_SUCCESS,
		     Segment->OwningToken->LogicalAddressBase + Segment->Offset, PAGE_SIZE);
}

/* The device comes when both segments are there already. */
static VOID UseNeighbours(PTEST Test, PIOMMU_DMA_DOMAIN Domain, PBUFFER Buffer,
			  SEGMENT Segments[2], ULONG First)
{
	IOMMU_DMA_LOGICAL_ADDRESS Base = Segments[0].OwningToken->LogicalAddressBase;
	SIZE_T Gone = (SIZE_T)First << PAGE_SHIFT, Stays = PAGE_SIZE - Gone;

	if (!TestAttach(Test, Domain, 0))
		return;
	TestReached(Test, 0, Base, Buffer, 0, Buffer->Size);
	UnmapOnePage(Test, &Segments[First]);
	TestRefused(Test, 0, Base + Gone, Buffer, Gone, PAGE_SIZE);
	TestReached(Test, 0, Base + Stays, Buffer, Stays, PAGE_SIZE);
	UnmapOnePage(Test, &Segments[!First]);
	TestRefused(Test, 0, Base, Buffer, 0, Buffer->Size);
	TestDetach(Test, 0);
}

static VOID JoinNeighbours(PTEST Test, PIOMMU_DMA_DOMAIN Domain, PBUFFER Buffer, ULONG First)
{
	IOMMU_DMA_LOGICAL_ADDRESS Base = 0x40000000;
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN Token;
	SEGMENT Segments[2];
	NTSTATUS Status;

	Status = Test->Iommu->ReserveLogicalAddressRange(Domain, Buffer->Size, &Base, NULL, NULL,
							 &Token);
	if (!ScenarioCall(Test->Run, "ReserveLogicalAddressRange", Status, STATUS_SUCCESS, Base,
			  Buffer->Size))
		return;
	if (MapOnePage(Test, Token, Buffer, 0, &Segments[0]) &&
	    MapOnePage(Test, Token, Buffer, 1, &Segments[1]))
		UseNeighbours(Test, Domain, Buffer, Segments, First);
	ScenarioCall(Test->Run, "FreeReservedLogicalAddressRange",
		     Test->Iommu->FreeReservedLogicalAddressRange(Token), STATUS_SUCCESS, Base,
		     Buffer->Size);
}

static VOID UseJoin(PTEST Test, PTEST_SIM Sim, PBUFFER Buffer)
{
	PIOMMU_DMA_DOMAIN Domain = TestCreateDomain(Test, DomainTypeTranslate, FALSE, NULL);
	NTSTATUS Status;

	if (!Domain)
		return;
	Status = Test->Iommu->AttachDeviceEx(Domain, Sim->Device);
	if (ScenarioCall(Test->Run, "AttachDeviceEx", Status, STATUS_SUCCESS, NO_ADDRESS,
			 NO_BYTES)) {
		JoinNeighbours(Test, Domain, Buffer, 0);
		JoinNeighbours(Test, Domain, Buffer, 1);
		ScenarioCall(Test->Run, "DetachDeviceEx", Test->Iommu->DetachDeviceEx(Sim->Device),
			     STATUS_SUCCESS, NO_ADDRESS, NO_BYTES);
	}
	TestDeleteDomain(Test, Domain);
}

VOID RunJoin(PSCENARIO_RUN Run, PVOID Context)
{
	BUFFER Buffer;
	TEST_SIM Sim;
	TEST Test;

	if (!TestBegin(&Test, Run, 1))
		return;
	if (TestAllocate(&Test, &Buffer, 2, FALSE)) {
		if (TestSimCreate(&Test, &Sim)) {
			UseJoin(&Test, &Sim, &Buffer);
			TestSimDelete(&Test, &Sim);
		}
		BufferFree(&Buffer);
	}
	TestEnd(&Test);
}

#define LONELY_DOMAINS 20
#define ATTACHES 2
#define FIRST_MAPS 80
#define MOST_MAPS 8192
#define UNMAP_BEHIND 64
#define LONELY_START 0x40000000ull

/**
 * struct lonely - maps and unmaps while a domain without a device gets one
 * @Test: the scenario
 * @Domain: the domain
 * @Physical: a page, mapped again and again
 * @Mapped: how often, one address after the other; of those, every other one is unmapped later
 * @Before: @Mapped when the threads start; one that starts late finds more
 * @Attached: the attach has returned
 * @BadStatus: what the first call that failed said
 * @AttachStatus: what the attach said
 */
struct lonely {
	PTEST Test;
	PIOMMU_DMA_DOMAIN Domain;
	ULONGLONG Physical;
	ULONG Mapped;
	ULONG Before;
	BOOLEAN Attached;
	NTSTATUS BadStatus;
	NTSTATUS AttachStatus;
};

static IOMMU_DMA_LOGICAL_ADDRESS LonelyAddress(ULONG Number)
{
	return LONELY_START + (ULONGLONG)Number * PAGE_SIZE;
}

static BOOLEAN IsUnmapped(struct lonely *Lonely, ULONG Number)
{
	return Number % 2 && Number + UNMAP_BEHIND < Lonely->Mapped;
}

static VOID AttachLonely(struct lonely *Lonely, ULONG Wanted)
{
	/* Calls are under way by then. */
	while (READ_ONCE(Lonely->Mapped) < Wanted && NT_SUCCESS(READ_ONCE(Lonely->BadStatus)))
		cond_resched();
	Lonely->AttachStatus = Lonely->Test->Iommu->AttachDeviceEx(Lonely->Domain,
								   Lonely->Test->Device[0]);
	WRITE_ONCE(Lonely->Attached, TRUE);
}

static NTSTATUS MapAndUnmapLonely(struct lonely *Lonely)
{
	ULONG Number = Lonely->Mapped;
	NTSTATUS Status;

	Status = MapPhysical(Lonely->Test, Lonely->Domain, Lonely->Physical, PAGE_SIZE,
			     LonelyAddress(Number));
	if (!NT_SUCCESS(Status))
		return Status;
	WRITE_ONCE(Lonely->Mapped, Number + 1);
	if (Number < UNMAP_BEHIND || !IsUnmapped(Lonely, Number - UNMAP_BEHIND))
		return STATUS_SUCCESS;
	return Lonely->Test->Iommu->UnmapLogicalRange(Lonely->Domain,
						      LonelyAddress(Number - UNMAP_BEHIND), 1);
}

static VOID AttachOrMapOn(PVOID Context, ULONG Number)
{
	struct lonely *Lonely = Context;

	if (!Number) {
		AttachLonely(Lonely, Lonely->Before + FIRST_MAPS);
		return;
	}
	while (!READ_ONCE(Lonely->Attached) && Lonely->Mapped < Lonely->Before + MOST_MAPS &&
	       NT_SUCCESS(Lonely->BadStatus))
		WRITE_ONCE(Lonely->BadStatus, MapAndUnmapLonely(Lonely));
}

static VOID ExpectLonely(struct lonely *Lonely)
{
	ULONG Lost = 0, Stale = 0, i;

	for (i = 0; i < Lonely->Mapped; i++) {
		ULONG Result = TestDevWrite(0, LonelyAddress(i), Lonely->Physical);

		if (IsUnmapped(Lonely, i))
			Stale += Result != TESTDEV_REFUSED;
		else
			Lost += Result != TESTDEV_REACHED;
	}
	ScenarioCheck(Lonely->Test->Run, "maps and unmaps meanwhile", LONELY_START, NO_BYTES,
		      !Lost && !Stale, "of %u pages %u are lost, %u reached after their unmap",
		      Lonely->Mapped, Lost, Stale);
}

static BOOLEAN AttachMeanwhile(struct lonely *Lonely)
{
	PSCENARIO_RUN Run = Lonely->Test->Run;

	Lonely->Before = Lonely->Mapped;
	Lonely->Attached = FALSE;
	if (!TestRunTogether(2, AttachOrMapOn, Lonely))
		return ScenarioCheck(Run, "run on all processors", NO_ADDRESS, NO_BYTES, FALSE,
				     "fewer than two threads");
	ScenarioCall(Run, "map or unmap", Lonely->BadStatus, STATUS_SUCCESS, LONELY_START,
		     NO_BYTES);
	if (!ScenarioCall(Run, "AttachDeviceEx", Lonely->AttachStatus, STATUS_SUCCESS, NO_ADDRESS,
			  NO_BYTES))
		return FALSE;
	ExpectLonely(Lonely);
	TestDetach(Lonely->Test, 0);
	return TRUE;
}

/* The table of a new domain has had no device; later it has none for a while. */
VOID RunFirstAttach(PSCENARIO_RUN Run, PVOID Context)
{
	BUFFER Buffer;
	TEST Test;
	ULONG i, k;

	if (!TestBegin(&Test, Run, 1))
		return;
	if (!TestAllocate(&Test, &Buffer, 1, FALSE))
		goto EndTest;
	for (i = 0; i < LONELY_DOMAINS; i++) {
		struct lonely Lonely = { .Test = &Test, .Physical = BufferPhysical(&Buffer, 0) };

		Lonely.Domain = TestCreateDomain(&Test, DomainTypeTranslate, FALSE, NULL);
		if (!Lonely.Domain)
			break;
		for (k = 0; k < ATTACHES && AttachMeanwhile(&Lonely); k++)
			;
		TestDeleteDomain(&Test, Lonely.Domain);
	}
	BufferFree(&Buffer);
EndTest:
	TestEnd(&Test);
}
