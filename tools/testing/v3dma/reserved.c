// SPDX-License-Identifier: GPL-2.0
/*
 * Reserved ranges and their segments.
 */
#include <wdm.h>

#include "test.h"

#define TOKEN_PAGES 1100
#define ROUNDS 20

typedef IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT SEGMENT, *PSEGMENT;

static PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN Reserve(PTEST Test, PIOMMU_DMA_DOMAIN Domain,
						IOMMU_DMA_LOGICAL_ADDRESS Explicit)
{
	SIZE_T Size = (SIZE_T)TOKEN_PAGES << PAGE_SHIFT;
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN Token = NULL;
	NTSTATUS Status;

	Status = Test->Iommu->ReserveLogicalAddressRange(Domain, Size,
							 Explicit == NO_ADDRESS ? NULL : &Explicit,
							 NULL, NULL, &Token);
	if (!ScenarioCall(Test->Run, "ReserveLogicalAddressRange", Status, STATUS_SUCCESS,
			  Token ? Token->LogicalAddressBase : NO_ADDRESS, Size))
		return NULL;
	ScenarioCheck(Test->Run, "token", Token->LogicalAddressBase, Token->Size,
		      Token->Size == Size &&
		      (Explicit == NO_ADDRESS || Token->LogicalAddressBase == Explicit),
		      "as asked for");
	return Token;
}

static VOID Release(PTEST Test, PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN Token, NTSTATUS Expected)
{
	IOMMU_DMA_LOGICAL_ADDRESS Base = Token->LogicalAddressBase;

	ScenarioCall(Test->Run, "FreeReservedLogicalAddressRange",
		     Test->Iommu->FreeReservedLogicalAddressRange(Token), Expected, Base,
		     NO_BYTES);
}

static BOOLEAN MapSegment(PTEST Test, PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN Token, SIZE_T Offset,
			  PBUFFER Buffer, PSEGMENT Segment, NTSTATUS Expected)
{
	IOMMU_MAP_PHYSICAL_ADDRESS Physical = BufferPfns(Buffer);
	NTSTATUS Status;

	Status = Test->Iommu->MapReservedLogicalRange(Token, Offset, DEVICE_READS_WRITES,
						      &Physical, Segment);
	return ScenarioCall(Test->Run, "MapReservedLogicalRange", Status, Expected,
			    Token->LogicalAddressBase + Offset, Buffer->Size);
}

static VOID UnmapSegment(PTEST Test, PSEGMENT Segment, NTSTATUS Expected)
{
	IOMMU_DMA_LOGICAL_ADDRESS Logical = NO_ADDRESS;

	if (Segment->OwningToken)
		Logical = Segment->OwningToken->LogicalAddressBase + Segment->Offset;
	ScenarioCall(Test->Run, "UnmapReservedLogicalRange",
		     Test->Iommu->UnmapReservedLogicalRange(Segment), Expected, Logical, NO_BYTES);
}

/* Two segments side by side: each goes without the other. */
static VOID UseTwoSegments(PTEST Test, PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN Token, PBUFFER First,
			   PBUFFER Second, SIZE_T Offset)
{
	IOMMU_DMA_LOGICAL_ADDRESS Logical = Token->LogicalAddressBase + Offset;
	IOMMU_DMA_LOGICAL_ADDRESS Next = Logical + First->Size;
	SEGMENT Segments[2], Other;

	if (!MapSegment(Test, Token, Offset, First, &Segments[0], STATUS_SUCCESS))
		return;
	TestReached(Test, 0, Logical, First, 0, First->Size);
	TestRefused(Test, 0, Next, First, 0, PAGE_SIZE);
	if (MapSegment(Test, Token, Offset + First->Size, Second, &Segments[1], STATUS_SUCCESS)) {
		TestReached(Test, 0, Logical, First, 0, First->Size);
		TestReached(Test, 0, Next, Second, 0, Second->Size);
		MapSegment(Test, Token, Offset + PAGE_SIZE, Second, &Other,
			   STATUS_RESOURCE_IN_USE);
		Release(Test, Token, STATUS_RESOURCE_IN_USE);
		UnmapSegment(Test, &Segments[0], STATUS_SUCCESS);
		TestRefused(Test, 0, Logical, First, 0, First->Size);
		TestReached(Test, 0, Next, Second, 0, Second->Size);
		Other = Segments[1];
		UnmapSegment(Test, &Segments[1], STATUS_SUCCESS);
		TestRefused(Test, 0, Next, Second, 0, Second->Size);
		UnmapSegment(Test, &Other, STATUS_INVALID_PARAMETER);
	} else {
		UnmapSegment(Test, &Segments[0], STATUS_SUCCESS);
	}
}

/* Segments in ever new places, across the borders of page tables. */
static VOID UseRounds(PTEST Test, PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN Token, PBUFFER Buffer)
{
	SIZE_T Places = TOKEN_PAGES - (Buffer->Size >> PAGE_SHIFT) + 1;
	SEGMENT Segment;
	ULONG Round;

	for (Round = 0; Round < ROUNDS; Round++) {
		SIZE_T Offset = (Round * 509 % Places) << PAGE_SHIFT;

		if (!MapSegment(Test, Token, Offset, Buffer, &Segment, STATUS_SUCCESS))
			return;
		TestReached(Test, 0, Token->LogicalAddressBase + Offset, Buffer, 0, Buffer->Size);
		UnmapSegment(Test, &Segment, STATUS_SUCCESS);
		TestRefused(Test, 0, Token->LogicalAddressBase + Offset, Buffer, 0, Buffer->Size);
	}
}

/* Nothing of a reserved range can be reached, and nothing else be mapped or unmapped there. */
static VOID UseEmptyToken(PTEST Test, PIOMMU_DMA_DOMAIN Domain,
			  PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN Token, PBUFFER Buffer)
{
	IOMMU_DMA_LOGICAL_ADDRESS Base = Token->LogicalAddressBase;
	SEGMENT Segment;

	TestRefused(Test, 0, Base, Buffer, 0, Buffer->Size);
	TestRefused(Test, 0, Base + Token->Size - PAGE_SIZE, Buffer, 0, PAGE_SIZE);
	TestUnmap(Test, Domain, Base, Buffer->Size, STATUS_INVALID_PARAMETER);
	MapSegment(Test, Token, 1, Buffer, &Segment, STATUS_INVALID_PARAMETER_2);
	MapSegment(Test, Token, Token->Size, Buffer, &Segment, STATUS_INVALID_PARAMETER_2);
	MapSegment(Test, Token, Token->Size - PAGE_SIZE, Buffer, &Segment,
		   STATUS_INVALID_PARAMETER_4);
}

static VOID UseToken(PTEST Test, PIOMMU_DMA_DOMAIN Domain,
		     PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN Token)
{
	BUFFER Contiguous, Scattered;

	if (!TestAllocate(Test, &Contiguous, 512, FALSE))
		return;
	if (TestAllocate(Test, &Scattered, 4, TRUE)) {
		UseEmptyToken(Test, Domain, Token, &Scattered);
		UseTwoSegments(Test, Token, &Scattered, &Contiguous, 0);
		UseTwoSegments(Test, Token, &Contiguous, &Scattered, 0);
		UseTwoSegments(Test, Token, &Contiguous, &Scattered, Contiguous.Size - PAGE_SIZE);
		UseRounds(Test, Token, &Scattered);
		BufferFree(&Scattered);
	}
	BufferFree(&Contiguous);
}

VOID RunReserved(PSCENARIO_RUN Run, PVOID Context)
{
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN Token;
	PIOMMU_DMA_DOMAIN Domain;
	TEST Test;

	if (!TestBegin(&Test, Run, 1))
		return;
	Domain = TestOpenDomain(&Test, TRUE);
	if (Domain) {
		Token = Reserve(&Test, Domain, NO_ADDRESS);
		if (Token) {
			UseToken(&Test, Domain, Token);
			Release(&Test, Token, STATUS_SUCCESS);
		}
		TestCloseDomain(&Test, Domain);
	}
	TestEnd(&Test);
}

VOID RunReservedExplicit(PSCENARIO_RUN Run, PVOID Context)
{
	/* Odd on purpose: no border of a page table or large page falls on it. */
	IOMMU_DMA_LOGICAL_ADDRESS Base = 0x80003000;
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN Token;
	PIOMMU_DMA_DOMAIN Domain;
	BUFFER Buffer;
	TEST Test;

	if (!TestBegin(&Test, Run, 1))
		return;
	if (!TestAllocate(&Test, &Buffer, 4, TRUE))
		goto EndTest;
	Domain = TestOpenDomain(&Test, FALSE);
	if (!Domain)
		goto FreeBuffer;
	Token = Reserve(&Test, Domain, Base);
	if (Token) {
		TestRefuseMap(&Test, Domain, &Buffer, Base, STATUS_RESOURCE_IN_USE);
		UseToken(&Test, Domain, Token);
		Release(&Test, Token, STATUS_SUCCESS);
		if (TestMap(&Test, Domain, BufferMdl(&Buffer), Buffer.Size, Base) != NO_ADDRESS) {
			TestReached(&Test, 0, Base, &Buffer, 0, Buffer.Size);
			TestUnmap(&Test, Domain, Base, Buffer.Size, STATUS_SUCCESS);
		}
	}
	TestCloseDomain(&Test, Domain);
FreeBuffer:
	BufferFree(&Buffer);
EndTest:
	TestEnd(&Test);
}
