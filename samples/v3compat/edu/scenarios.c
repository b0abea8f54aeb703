// SPDX-License-Identifier: GPL-2.0
/*
 * What the driver shows, one function per scenario, in the words of Windows'
 * DMA_IOMMU_INTERFACE_V3.
 */
#include <wdm.h>

#include "dma.h"

/* What the driver does when its device starts, and what it learns then. */
VOID EduRunInterface(PSCENARIO_RUN Run, PVOID Context)
{
	PEDU_ADAPTER Adapter = Context;
	IOMMU_DMA_DEVICE_INFORMATION Information;
	DMA_IOMMU_INTERFACE_EX Iommu;
	PIOMMU_DMA_DEVICE Device;
	ULONG Written, Types = 0;
	NTSTATUS Status;

	Status = IoGetIommuInterfaceEx(3, 0, &Iommu);
	if (!ScenarioCall(Run, "IoGetIommuInterfaceEx", Status, STATUS_SUCCESS, NO_ADDRESS,
			  NO_BYTES))
		return;
	ScenarioCheck(Run, "table", NO_ADDRESS, Iommu.Size, Iommu.Version == 3, "version %u",
		      Iommu.Version);
	Status = Iommu.V3.CreateDevice(Adapter->Pdo, NULL, &Device);
	if (!ScenarioCall(Run, "CreateDevice", Status, STATUS_SUCCESS, NO_ADDRESS, NO_BYTES))
		return;
	Iommu.V3.QueryAvailableDomainTypes(Device, &Types);
	ScenarioCheck(Run, "QueryAvailableDomainTypes", NO_ADDRESS, NO_BYTES,
		      Types & (1 << DomainTypeTranslate), "%s%s%s%s",
		      Types & (1 << DomainTypeTranslate) ? "Translate" : "none",
		      Types & (1 << DomainTypePassThrough) ? ", PassThrough" : "",
		      Types & (1 << DomainTypeUnmanaged) ? ", Unmanaged" : "",
		      Types & (1 << DomainTypeTranslateS1) ? ", TranslateS1" : "");
	Status = Iommu.V3.QueryDeviceInfo(Device, sizeof(Information), &Written, &Information);
	ScenarioCall(Run, "QueryDeviceInfo", Status, STATUS_SUCCESS, NO_ADDRESS, NO_BYTES);
	ScenarioCall(Run, "DeleteDevice", Iommu.V3.DeleteDevice(Device), STATUS_SUCCESS,
		     NO_ADDRESS, NO_BYTES);
}

/* The system chooses the addresses; each page has one direction only. */
VOID EduRunAllocator(PSCENARIO_RUN Run, PVOID Context)
{
	IOMMU_DMA_LOGICAL_ADDRESS Source, Sink;
	PIOMMU_DMA_DOMAIN Domain;
	EDU_JOB Job;

	if (!EduBeginJob(&Job, Run, Context))
		return;
	if (!EduCreateDomain(&Job, DomainTypeTranslate, TRUE, &Domain))
		goto EndJob;
	if (!EduMap(&Job, Domain, DEVICE_READS, &Job.Source, NULL, &Source))
		goto DeleteDomain;
	if (!EduAttach(&Job, Domain))
		goto DeleteDomain;
	if (!EduMap(&Job, Domain, DEVICE_WRITES, &Job.Sink, NULL, &Sink))
		goto Detach;

	EduRoundTrip(&Job, Source, Sink);
	EduUnmap(&Job, Domain, Source, Job.Source.Size);
	EduStrayRead(&Job, Source, Sink);
	EduUnmap(&Job, Domain, Sink, Job.Sink.Size);
	EduStrayWrite(&Job, &Job.Sink, Sink);
Detach:
	EduDetach(&Job);
DeleteDomain:
	EduDeleteDomain(&Job, Domain);
EndJob:
	EduEndJob(&Job);
}

static VOID ExpectRefusedMap(PEDU_JOB Job, PIOMMU_DMA_DOMAIN Domain,
			     PIOMMU_DMA_LOGICAL_ADDRESS Explicit, NTSTATUS Expected)
{
	IOMMU_MAP_PHYSICAL_ADDRESS Physical = BufferMdl(&Job->Sink);
	IOMMU_DMA_LOGICAL_ADDRESS Logical = NO_ADDRESS;
	NTSTATUS Status;

	Status = Job->Adapter->Iommu.V3.MapLogicalRangeEx(Domain, DEVICE_WRITES, &Physical,
							  Explicit, NULL, NULL, &Logical);
	ScenarioCall(Job->Run, "MapLogicalRangeEx", Status, Expected,
		     Explicit ? *Explicit : NO_ADDRESS, Job->Sink.Size);
	ScenarioCheck(Job->Run, "address output", NO_ADDRESS, NO_BYTES, Logical == NO_ADDRESS,
		      Logical == NO_ADDRESS ? "untouched" : "written by a call that failed");
}

/* The driver chooses the addresses: one below 4 GiB, one that needs 64-bit arithmetic. */
VOID EduRunExplicit(PSCENARIO_RUN Run, PVOID Context)
{
	IOMMU_DMA_LOGICAL_ADDRESS Low = 0x10000000, High = 0x1234567000, Unaligned = 0x10000800;
	IOMMU_DMA_LOGICAL_ADDRESS Source, Sink;
	PIOMMU_DMA_DOMAIN Domain;
	EDU_JOB Job;

	if (!EduBeginJob(&Job, Run, Context))
		return;
	if (!EduCreateDomain(&Job, DomainTypeTranslate, FALSE, &Domain))
		goto EndJob;
	if (!EduAttach(&Job, Domain))
		goto DeleteDomain;
	if (!EduMap(&Job, Domain, DEVICE_READS, &Job.Source, &Low, &Source))
		goto Detach;
	ExpectRefusedMap(&Job, Domain, NULL, STATUS_NOT_SUPPORTED);
	ExpectRefusedMap(&Job, Domain, &Unaligned, STATUS_INVALID_PARAMETER_4);
	ExpectRefusedMap(&Job, Domain, &Low, STATUS_RESOURCE_IN_USE);
	if (!EduMap(&Job, Domain, DEVICE_WRITES, &Job.Sink, &High, &Sink))
		goto Detach;
	ScenarioCheck(Run, "addresses", NO_ADDRESS, NO_BYTES, Source == Low && Sink == High,
		      "those asked for");

	EduRoundTrip(&Job, Low, High);
	EduUnmap(&Job, Domain, Low, Job.Source.Size);
	EduStrayRead(&Job, Low, High);
	EduUnmap(&Job, Domain, High, Job.Sink.Size);
	EduStrayWrite(&Job, &Job.Sink, High);

	if (EduMap(&Job, Domain, DEVICE_READS, &Job.Source, &High, &Source) &&
	    EduMap(&Job, Domain, DEVICE_WRITES, &Job.Sink, &Low, &Sink)) {
		EduRoundTrip(&Job, High, Low);
		EduUnmap(&Job, Domain, High, Job.Source.Size);
		EduUnmap(&Job, Domain, Low, Job.Sink.Size);
	}
Detach:
	EduDetach(&Job);
DeleteDomain:
	EduDeleteDomain(&Job, Domain);
EndJob:
	EduEndJob(&Job);
}

#define SCATTERED_PAGES 4

/* Where the byte at Offset of the logical range lies when its pages are in Buffer's order. */
static PUCHAR ForwardByte(PBUFFER Buffer, SIZE_T Offset)
{
	return Buffer->Data + Offset;
}

/* The same when the pages are in reverse order. */
static PUCHAR ReverseByte(PBUFFER Buffer, SIZE_T Offset)
{
	SIZE_T Page = SCATTERED_PAGES - 1 - (Offset >> PAGE_SHIFT);

	return Buffer->Data + (Page << PAGE_SHIFT) + (Offset & ((1 << PAGE_SHIFT) - 1));
}

/* One transfer across each page boundary of the range; the data must be where ByteAt says. */
static VOID CrossBoundaries(PEDU_JOB Job, PBUFFER Buffer, IOMMU_DMA_LOGICAL_ADDRESS Logical,
			    PUCHAR (*ByteAt)(PBUFFER Buffer, SIZE_T Offset))
{
	SIZE_T Start, Wrong, i;
	NTSTATUS Status;

	for (Start = EDU_BUFFER_SIZE / 2; Start + EDU_BUFFER_SIZE <= Buffer->Size;
	     Start += EDU_BUFFER_SIZE) {
		BufferFill(Buffer, Job->Seed++);
		Status = EduTransfer(Job->Adapter->Engine, EduEngineToMemory, Logical + Start,
				     EDU_BUFFER_SIZE);
		for (Wrong = 0, i = 0; i < EDU_BUFFER_SIZE; i++)
			if (*ByteAt(Buffer, Start + i) != Job->Source.Data[i])
				Wrong++;
		ScenarioCheck(Job->Run, "engine writes across pages", Logical + Start,
			      EDU_BUFFER_SIZE, NT_SUCCESS(Status) && !Wrong,
			      Wrong ? "%lu bytes differ" : "data is equal",
			      (unsigned long)Wrong);
	}
}

/* The engine's data must land in the right pages; after the unmap, in none of them. */
static VOID UseScattered(PEDU_JOB Job, PIOMMU_DMA_DOMAIN Domain, PBUFFER Buffer,
			 PIOMMU_MAP_PHYSICAL_ADDRESS Physical,
			 PUCHAR (*ByteAt)(PBUFFER Buffer, SIZE_T Offset))
{
	PDMA_IOMMU_INTERFACE_V3 Iommu = &Job->Adapter->Iommu.V3;
	IOMMU_DMA_LOGICAL_ADDRESS Source, Logical = NO_ADDRESS;
	NTSTATUS Status;

	Status = Iommu->MapLogicalRangeEx(Domain, DEVICE_READS | DEVICE_WRITES, Physical, NULL,
					  NULL, NULL, &Logical);
	if (!ScenarioCall(Job->Run, "MapLogicalRangeEx", Status, STATUS_SUCCESS, Logical,
			  Buffer->Size))
		return;
	if (EduMap(Job, Domain, DEVICE_READS, &Job->Source, NULL, &Source)) {
		if (EduLoad(Job, Source))
			CrossBoundaries(Job, Buffer, Logical, ByteAt);
		EduUnmap(Job, Domain, Source, Job->Source.Size);
	}
	EduUnmap(Job, Domain, Logical, Buffer->Size);
	EduStrayWrite(Job, Buffer, Logical + EDU_BUFFER_SIZE / 2);
}

static VOID ScatteredMdl(PEDU_JOB Job, PIOMMU_DMA_DOMAIN Domain, PBUFFER Buffer)
{
	IOMMU_MAP_PHYSICAL_ADDRESS Physical = BufferMdl(Buffer);

	ScenarioCheck(Job->Run, "one MDL", NO_ADDRESS, Buffer->Size, TRUE, "scattered pages");
	UseScattered(Job, Domain, Buffer, &Physical, ForwardByte);
}

/* Two MDLs, each of half the buffer, are one range when they are chained. */
static VOID ScatteredChain(PEDU_JOB Job, PIOMMU_DMA_DOMAIN Domain, PBUFFER Buffer)
{
	IOMMU_MAP_PHYSICAL_ADDRESS Physical = { .MapType = MapPhysicalAddressTypeMdl };
	ULONG Half = (ULONG)(Buffer->Size / 2);
	PMDL First, Second;

	First = IoAllocateMdl(Buffer->Data, Half, FALSE, FALSE, NULL);
	Second = IoAllocateMdl(Buffer->Data + Half, Half, FALSE, FALSE, NULL);
	if (ScenarioCheck(Job->Run, "two MDLs in a chain", NO_ADDRESS, Buffer->Size,
			  First && Second, "scattered pages")) {
		MmBuildMdlForNonPagedPool(First);
		MmBuildMdlForNonPagedPool(Second);
		First->Next = Second;
		Physical.Mdl.Mdl = First;
		UseScattered(Job, Domain, Buffer, &Physical, ForwardByte);
	}
	if (First)
		IoFreeMdl(First);
	if (Second)
		IoFreeMdl(Second);
}

/* A PFN array can put the pages in any order: here, the last one first. */
static VOID ScatteredPfns(PEDU_JOB Job, PIOMMU_DMA_DOMAIN Domain, PBUFFER Buffer)
{
	IOMMU_MAP_PHYSICAL_ADDRESS Physical = { .MapType = MapPhysicalAddressTypePfn };
	PFN_NUMBER Reversed[SCATTERED_PAGES];
	ULONG i;

	for (i = 0; i < SCATTERED_PAGES; i++)
		Reversed[i] = MmGetMdlPfnArray(Buffer->Mdl)[SCATTERED_PAGES - 1 - i];
	Physical.PfnArray.PageFrame = Reversed;
	Physical.PfnArray.NumberOfPages = SCATTERED_PAGES;
	ScenarioCheck(Job->Run, "PFN array in reverse order", NO_ADDRESS, Buffer->Size, TRUE,
		      "scattered pages");
	UseScattered(Job, Domain, Buffer, &Physical, ReverseByte);
}

/* Pages that are no neighbours in memory are neighbours for the engine. */
VOID EduRunScattered(PSCENARIO_RUN Run, PVOID Context)
{
	PIOMMU_DMA_DOMAIN Domain;
	BUFFER Buffer;
	EDU_JOB Job;

	if (!EduBeginJob(&Job, Run, Context))
		return;
	if (!EduAllocateBuffer(&Job, &Buffer, SCATTERED_PAGES, TRUE))
		goto EndJob;
	if (!EduCreateDomain(&Job, DomainTypeTranslate, TRUE, &Domain))
		goto FreeBuffer;
	if (!EduAttach(&Job, Domain))
		goto DeleteDomain;

	ScatteredMdl(&Job, Domain, &Buffer);
	ScatteredChain(&Job, Domain, &Buffer);
	ScatteredPfns(&Job, Domain, &Buffer);

	EduDetach(&Job);
DeleteDomain:
	EduDeleteDomain(&Job, Domain);
FreeBuffer:
	BufferFree(&Buffer);
EndJob:
	EduEndJob(&Job);
}

#define RESERVED_PAGES 16
#define ROUNDS 50
#define TRANSFER_EVERY 10

static NTSTATUS Commit(PEDU_JOB Job, PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN Token, SIZE_T Page,
		       PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT Segment)
{
	IOMMU_MAP_PHYSICAL_ADDRESS Physical = BufferMdl(&Job->Sink);

	return Job->Adapter->Iommu.V3.MapReservedLogicalRange(Token, Page << PAGE_SHIFT,
							      DEVICE_WRITES, &Physical, Segment);
}

/* Commits the sink page, lets the engine write to it, takes it out again. */
static BOOLEAN CommitAndTransfer(PEDU_JOB Job, PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN Token,
				 SIZE_T Page, IOMMU_DMA_LOGICAL_ADDRESS Source)
{
	IOMMU_DMA_LOGICAL_ADDRESS Logical = Token->LogicalAddressBase + (Page << PAGE_SHIFT);
	IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT Segment;
	NTSTATUS Status;

	Status = Commit(Job, Token, Page, &Segment);
	if (!ScenarioCall(Job->Run, "MapReservedLogicalRange", Status, STATUS_SUCCESS, Logical,
			  Job->Sink.Size))
		return FALSE;
	EduRoundTrip(Job, Source, Logical);
	Status = Job->Adapter->Iommu.V3.UnmapReservedLogicalRange(&Segment);
	if (!ScenarioCall(Job->Run, "UnmapReservedLogicalRange", Status, STATUS_SUCCESS, Logical,
			  Job->Sink.Size))
		return FALSE;
	EduStrayWrite(Job, &Job->Sink, Logical);
	return TRUE;
}

/* The same without a transfer: it tells its status only when that is bad. */
static BOOLEAN CommitOnly(PEDU_JOB Job, PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN Token, SIZE_T Page)
{
	IOMMU_DMA_LOGICAL_ADDRESS Logical = Token->LogicalAddressBase + (Page << PAGE_SHIFT);
	IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT Segment;
	NTSTATUS Status;

	Status = Commit(Job, Token, Page, &Segment);
	if (!NT_SUCCESS(Status))
		return ScenarioCall(Job->Run, "MapReservedLogicalRange", Status, STATUS_SUCCESS,
				    Logical, Job->Sink.Size);
	Status = Job->Adapter->Iommu.V3.UnmapReservedLogicalRange(&Segment);
	if (!NT_SUCCESS(Status))
		return ScenarioCall(Job->Run, "UnmapReservedLogicalRange", Status, STATUS_SUCCESS,
				    Logical, Job->Sink.Size);
	return TRUE;
}

static VOID CommitRounds(PEDU_JOB Job, PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN Token,
			 IOMMU_DMA_LOGICAL_ADDRESS Source)
{
	BOOLEAN Good = TRUE;
	ULONG Round;

	for (Round = 0; Good && Round < ROUNDS; Round++) {
		SIZE_T Page = Round * 5 % RESERVED_PAGES;

		if (Round % TRANSFER_EVERY)
			Good = CommitOnly(Job, Token, Page);
		else
			Good = CommitAndTransfer(Job, Token, Page, Source);
	}
	ScenarioCheck(Job->Run, "commit and uncommit", Token->LogicalAddressBase, NO_BYTES, Good,
		      "%u rounds", Round);
}

/* What a live segment forbids, and what is left when it is gone. */
static VOID CommitRules(PEDU_JOB Job, PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN Token)
{
	PDMA_IOMMU_INTERFACE_V3 Iommu = &Job->Adapter->Iommu.V3;
	IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT Segment, Stale, Other;
	IOMMU_DMA_LOGICAL_ADDRESS Base = Token->LogicalAddressBase;

	if (!ScenarioCall(Job->Run, "MapReservedLogicalRange", Commit(Job, Token, 0, &Segment),
			  STATUS_SUCCESS, Base, Job->Sink.Size))
		return;
	Stale = Segment;
	ScenarioCall(Job->Run, "MapReservedLogicalRange", Commit(Job, Token, 0, &Other),
		     STATUS_RESOURCE_IN_USE, Base, Job->Sink.Size);
	ScenarioCall(Job->Run, "FreeReservedLogicalAddressRange",
		     Iommu->FreeReservedLogicalAddressRange(Token), STATUS_RESOURCE_IN_USE, Base,
		     Token->Size);
	ScenarioCall(Job->Run, "UnmapReservedLogicalRange",
		     Iommu->UnmapReservedLogicalRange(&Segment), STATUS_SUCCESS, Base,
		     Job->Sink.Size);
	ScenarioCall(Job->Run, "UnmapReservedLogicalRange",
		     Iommu->UnmapReservedLogicalRange(&Stale), STATUS_INVALID_PARAMETER, Base,
		     Job->Sink.Size);
}

/* Memory for the page tables is taken once; after that, mapping cannot fail for want of it. */
VOID EduRunReserved(PSCENARIO_RUN Run, PVOID Context)
{
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN Token;
	IOMMU_DMA_LOGICAL_ADDRESS Source;
	PDMA_IOMMU_INTERFACE_V3 Iommu;
	PIOMMU_DMA_DOMAIN Domain;
	NTSTATUS Status;
	EDU_JOB Job;

	if (!EduBeginJob(&Job, Run, Context))
		return;
	Iommu = &Job.Adapter->Iommu.V3;
	if (!EduCreateDomain(&Job, DomainTypeTranslate, TRUE, &Domain))
		goto EndJob;
	if (!EduAttach(&Job, Domain))
		goto DeleteDomain;
	if (!EduMap(&Job, Domain, DEVICE_READS, &Job.Source, NULL, &Source))
		goto Detach;
	Status = Iommu->ReserveLogicalAddressRange(Domain, RESERVED_PAGES << PAGE_SHIFT, NULL,
						   NULL, NULL, &Token);
	if (!ScenarioCall(Run, "ReserveLogicalAddressRange", Status, STATUS_SUCCESS,
			  NT_SUCCESS(Status) ? Token->LogicalAddressBase : NO_ADDRESS,
			  RESERVED_PAGES << PAGE_SHIFT))
		goto Unmap;

	EduStrayWrite(&Job, &Job.Sink, Token->LogicalAddressBase);
	CommitRounds(&Job, Token, Source);
	CommitRules(&Job, Token);

	ScenarioCall(Run, "FreeReservedLogicalAddressRange",
		     Iommu->FreeReservedLogicalAddressRange(Token), STATUS_SUCCESS, NO_ADDRESS,
		     RESERVED_PAGES << PAGE_SHIFT);
Unmap:
	EduUnmap(&Job, Domain, Source, Job.Source.Size);
Detach:
	EduDetach(&Job);
DeleteDomain:
	EduDeleteDomain(&Job, Domain);
EndJob:
	EduEndJob(&Job);
}

static BOOLEAN MapIdentity(PEDU_JOB Job, PIOMMU_DMA_DOMAIN Domain, ULONG Permissions,
			   PIOMMU_MAP_PHYSICAL_ADDRESS Physical, PBUFFER Buffer)
{
	NTSTATUS Status;

	Status = Job->Adapter->Iommu.V3.MapIdentityRangeEx(Domain, Permissions, Physical);
	return ScenarioCall(Job->Run, "MapIdentityRangeEx", Status, STATUS_SUCCESS,
			    BufferPhysical(Buffer, 0), Buffer->Size);
}

static VOID UnmapIdentity(PEDU_JOB Job, PIOMMU_DMA_DOMAIN Domain,
			  PIOMMU_MAP_PHYSICAL_ADDRESS Physical, PBUFFER Buffer)
{
	NTSTATUS Status;

	Status = Job->Adapter->Iommu.V3.UnmapIdentityRangeEx(Domain, Physical);
	ScenarioCall(Job->Run, "UnmapIdentityRangeEx", Status, STATUS_SUCCESS,
		     BufferPhysical(Buffer, 0), Buffer->Size);
}

/* Logical addresses are physical ones, but only those of mapped memory work. */
VOID EduRunIdentity(PSCENARIO_RUN Run, PVOID Context)
{
	IOMMU_MAP_PHYSICAL_ADDRESS Range, Mdl;
	IOMMU_DMA_LOGICAL_ADDRESS Source, Sink;
	PIOMMU_DMA_DOMAIN Domain;
	EDU_JOB Job;

	if (!EduBeginJob(&Job, Run, Context))
		return;
	Source = BufferPhysical(&Job.Source, 0);
	Sink = BufferPhysical(&Job.Sink, 0);
	Range = BufferRange(&Job.Source);
	Mdl = BufferMdl(&Job.Sink);
	if (!EduCreateDomain(&Job, DomainTypeTranslate, FALSE, &Domain))
		goto EndJob;
	if (!EduAttach(&Job, Domain))
		goto DeleteDomain;

	EduStrayWrite(&Job, &Job.Sink, Sink);
	if (!MapIdentity(&Job, Domain, DEVICE_READS, &Range, &Job.Source) ||
	    !MapIdentity(&Job, Domain, DEVICE_WRITES, &Mdl, &Job.Sink))
		goto Detach;
	EduRoundTrip(&Job, Source, Sink);
	UnmapIdentity(&Job, Domain, &Range, &Job.Source);
	EduStrayRead(&Job, Source, Sink);
	UnmapIdentity(&Job, Domain, &Mdl, &Job.Sink);
	EduStrayWrite(&Job, &Job.Sink, Sink);
Detach:
	EduDetach(&Job);
DeleteDomain:
	EduDeleteDomain(&Job, Domain);
EndJob:
	EduEndJob(&Job);
}

/* The device sees all physical memory while it is attached, where policy allows that. */
VOID EduRunPassThrough(PSCENARIO_RUN Run, PVOID Context)
{
	PEDU_ADAPTER Adapter = Context;
	IOMMU_DMA_LOGICAL_ADDRESS Sink;
	PIOMMU_DMA_DOMAIN Domain;
	ULONG Types;
	EDU_JOB Job;

	Adapter->Iommu.V3.QueryAvailableDomainTypes(Adapter->DmaDevice, &Types);
	ScenarioCheck(Run, "QueryAvailableDomainTypes", NO_ADDRESS, NO_BYTES,
		      Types & (1 << DomainTypeTranslate), "types 0x%x", Types);
	if (!(Types & (1 << DomainTypePassThrough))) {
		ScenarioSkip(Run, "PassThrough is not available to this device");
		return;
	}
	if (!EduBeginJob(&Job, Run, Context))
		return;
	Sink = BufferPhysical(&Job.Sink, 0);
	if (!EduCreateDomain(&Job, DomainTypePassThrough, FALSE, &Domain))
		goto EndJob;
	EduStrayWrite(&Job, &Job.Sink, Sink);
	if (!EduAttach(&Job, Domain))
		goto DeleteDomain;
	EduRoundTrip(&Job, BufferPhysical(&Job.Source, 0), Sink);
	EduDetach(&Job);
	EduStrayWrite(&Job, &Job.Sink, Sink);
DeleteDomain:
	EduDeleteDomain(&Job, Domain);
EndJob:
	EduEndJob(&Job);
}

/* Attached to one domain, the engine reaches its sink and leaves the other one alone. */
static VOID UseOneOfTwo(PEDU_JOB Job, PIOMMU_DMA_DOMAIN Domain, PBUFFER Sink,
			PBUFFER Other, IOMMU_DMA_LOGICAL_ADDRESS Source,
			IOMMU_DMA_LOGICAL_ADDRESS Logical)
{
	SIZE_T Wrong;

	if (!EduAttach(Job, Domain))
		return;
	BufferFill(Other, 0);
	if (EduLoad(Job, Source))
		EduStore(Job, Sink, Logical);
	EduDetach(Job);

	BufferFill(Sink, 0);
	Wrong = BufferDifference(Sink, Other);
	ScenarioCheck(Job->Run, "memory of the other domain", Logical, Other->Size, !Wrong,
		      Wrong ? "%lu bytes differ" : "unchanged", (unsigned long)Wrong);
}

/* One logical address, two domains, two pages: the attachment decides which. */
VOID EduRunSwitch(PSCENARIO_RUN Run, PVOID Context)
{
	IOMMU_DMA_LOGICAL_ADDRESS Source = 0x200000, Logical = 0x400000, Given;
	PIOMMU_DMA_DOMAIN First, Second;
	BUFFER Other;
	EDU_JOB Job;

	if (!EduBeginJob(&Job, Run, Context))
		return;
	if (!EduAllocateBuffer(&Job, &Other, 1, FALSE))
		goto EndJob;
	if (!EduCreateDomain(&Job, DomainTypeTranslate, FALSE, &First))
		goto FreeBuffer;
	if (!EduCreateDomain(&Job, DomainTypeTranslate, FALSE, &Second))
		goto DeleteFirst;
	if (!EduMap(&Job, First, DEVICE_READS, &Job.Source, &Source, &Given) ||
	    !EduMap(&Job, First, DEVICE_WRITES, &Job.Sink, &Logical, &Given) ||
	    !EduMap(&Job, Second, DEVICE_READS, &Job.Source, &Source, &Given) ||
	    !EduMap(&Job, Second, DEVICE_WRITES, &Other, &Logical, &Given))
		goto DeleteSecond;

	UseOneOfTwo(&Job, First, &Job.Sink, &Other, Source, Logical);
	UseOneOfTwo(&Job, Second, &Other, &Job.Sink, Source, Logical);
	UseOneOfTwo(&Job, First, &Job.Sink, &Other, Source, Logical);
	EduStrayWrite(&Job, &Job.Sink, Logical);
DeleteSecond:
	EduDeleteDomain(&Job, Second);
DeleteFirst:
	EduDeleteDomain(&Job, First);
FreeBuffer:
	BufferFree(&Other);
EndJob:
	EduEndJob(&Job);
}
