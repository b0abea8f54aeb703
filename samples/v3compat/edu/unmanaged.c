// SPDX-License-Identifier: GPL-2.0
/*
 * A domain without tables of its own: the driver builds x86-64 page tables in its own memory,
 * changes them as it likes, and says so by a flush.
 */
#include <wdm.h>

#include "dma.h"

#define TABLE_ENTRIES 512
#define TABLE_BITS 9

#define ENTRY_PRESENT 0x01ULL
#define ENTRY_WRITABLE 0x02ULL
#define ENTRY_USER 0x04ULL /* DMA is not privileged */
#define ENTRY_LARGE 0x80ULL
/* No memory is there; where physical addresses are narrower, the bit is reserved. */
#define ENTRY_CORRUPT (1ULL << 51)

#define READ_ONLY (ENTRY_PRESENT | ENTRY_USER)
#define READ_WRITE (ENTRY_PRESENT | ENTRY_USER | ENTRY_WRITABLE)

#define SMALL_PAGE 0x1000ULL
#define LARGE_PAGE 0x200000ULL

/*
 * The address space: the first 2 MiB in small pages, named by the entry that each one has in the
 * last table, then one large page.
 */
#define FIRST_ADDRESS 0x40000000ULL
#define SMALL_ADDRESS(Entry) (FIRST_ADDRESS + (Entry) * SMALL_PAGE)
#define LARGE_ADDRESS (FIRST_ADDRESS + LARGE_PAGE)

#define SOURCE_ENTRY 0
#define SINK_ENTRY 1
#define CORRUPT_ENTRY 2
#define MOVED_ENTRY 511

/**
 * struct owner - one run of the scenario
 * @Job: its transcript and its device
 * @Domain: the domain
 * @Levels: number of tables that a translation goes through
 * @Tables: one of each level, that with the small pages first
 * @Other: one page
 * @Large: the memory of one large page
 */
typedef struct owner {
	EDU_JOB Job;
	PIOMMU_DMA_DOMAIN Domain;
	ULONG Levels;
	BUFFER Tables[EDU_MAX_TABLE_LEVELS];
	BUFFER Other;
	BUFFER Large;
} OWNER, *POWNER;

static VOID SetEntry(PBUFFER Table, ULONGLONG Index, ULONGLONG Entry)
{
	((PULONGLONG)Table->Data)[Index] = Entry;
}

static VOID SetSmall(POWNER Owner, ULONGLONG Index, PBUFFER Page, ULONGLONG Bits)
{
	SetEntry(&Owner->Tables[0], Index, BufferPhysical(Page, 0) | Bits);
}

static VOID ClearSmall(POWNER Owner, ULONGLONG Index)
{
	SetEntry(&Owner->Tables[0], Index, 0);
}

static VOID SetLarge(POWNER Owner, ULONGLONG Entry)
{
	SetEntry(&Owner->Tables[1], LARGE_ADDRESS / LARGE_PAGE % TABLE_ENTRIES, Entry);
}

/* Each table leads to the one below; the small and the large page are there from the start. */
static VOID BuildTables(POWNER Owner)
{
	ULONGLONG Span = LARGE_PAGE;
	ULONG Level;

	for (Level = 1; Level < Owner->Levels; Level++) {
		SetEntry(&Owner->Tables[Level], FIRST_ADDRESS / Span % TABLE_ENTRIES,
			 BufferPhysical(&Owner->Tables[Level - 1], 0) | READ_WRITE);
		Span <<= TABLE_BITS;
	}
	SetSmall(Owner, SOURCE_ENTRY, &Owner->Job.Source, READ_ONLY);
	SetSmall(Owner, SINK_ENTRY, &Owner->Job.Sink, READ_WRITE);
	SetLarge(Owner, BufferPhysical(&Owner->Large, 0) | ENTRY_LARGE | READ_WRITE);
}

static VOID FreeMemory(POWNER Owner)
{
	ULONG Level;

	for (Level = 0; Level < Owner->Levels; Level++)
		BufferFree(&Owner->Tables[Level]);
	BufferFree(&Owner->Other);
	BufferFree(&Owner->Large);
}

/* BufferFree() does nothing with what was never allocated. */
static BOOLEAN AllocateMemory(POWNER Owner)
{
	ULONG Level;

	for (Level = 0; Level < Owner->Levels; Level++) {
		if (!EduAllocateBuffer(&Owner->Job, &Owner->Tables[Level], 1, FALSE))
			goto Free;
		RtlZeroMemory(Owner->Tables[Level].Data, Owner->Tables[Level].Size);
	}
	if (EduAllocateBuffer(&Owner->Job, &Owner->Other, 1, FALSE) &&
	    EduAllocateBuffer(&Owner->Job, &Owner->Large, LARGE_PAGE / SMALL_PAGE, FALSE))
		return TRUE;
Free:
	FreeMemory(Owner);
	return FALSE;
}

static BOOLEAN Configure(POWNER Owner)
{
	DOMAIN_CONFIGURATION Configuration = { .Type = DomainConfigurationX64 };
	NTSTATUS Status;

	Configuration.X64.FirstLevelPageTableRoot.QuadPart =
		BufferPhysical(&Owner->Tables[Owner->Levels - 1], 0);
	Configuration.X64.TranslationEnabled = TRUE;
	Status = Owner->Job.Adapter->Iommu.V3.ConfigureDomain(Owner->Domain, &Configuration);
	return ScenarioCall(Owner->Job.Run, "ConfigureDomain", Status, STATUS_SUCCESS, NO_ADDRESS,
			    NO_BYTES);
}

/* What the driver owes after a change of one small page. */
static VOID FlushSmall(POWNER Owner, ULONGLONG Index)
{
	ULONGLONG List[] = { SMALL_ADDRESS(Index) };
	NTSTATUS Status;

	Status = Owner->Job.Adapter->Iommu.V3.FlushDomainByVaList(Owner->Domain, TRUE, 1, List);
	ScenarioCall(Owner->Job.Run, "FlushDomainByVaList", Status, STATUS_SUCCESS, List[0],
		     SMALL_PAGE);
}

/* One page of the large one, to be used like a buffer of one page. */
static BUFFER PageOfLarge(POWNER Owner, SIZE_T Offset)
{
	BUFFER Page = { .Data = Owner->Large.Data + Offset, .Size = SMALL_PAGE };

	return Page;
}

/* Both ways through small pages, then both ways through far ends of the large one. */
static VOID UseTables(POWNER Owner)
{
	SIZE_T Low = 3 * SMALL_PAGE, High = LARGE_PAGE - SMALL_PAGE;
	EDU_JOB Large = Owner->Job;

	ScenarioCheck(Owner->Job.Run, "4 KiB entries", SMALL_ADDRESS(0), NO_BYTES, TRUE, "in use");
	EduRoundTrip(&Owner->Job, SMALL_ADDRESS(SOURCE_ENTRY), SMALL_ADDRESS(SINK_ENTRY));

	Large.Source = PageOfLarge(Owner, High);
	Large.Sink = PageOfLarge(Owner, Low);
	Large.Seed += 100;
	ScenarioCheck(Owner->Job.Run, "a 2 MiB entry", LARGE_ADDRESS, LARGE_PAGE, TRUE, "in use");
	EduRoundTrip(&Large, LARGE_ADDRESS + High, LARGE_ADDRESS + Low);
}

/* One address, another page; then the same page for reading only; then nothing. */
static VOID ChangeOneEntry(POWNER Owner)
{
	IOMMU_DMA_LOGICAL_ADDRESS Logical = SMALL_ADDRESS(SINK_ENTRY);
	PEDU_JOB Job = &Owner->Job;
	SIZE_T Changed;

	ScenarioCheck(Job->Run, "entry: to another page", Logical, NO_BYTES, TRUE, "changed");
	SetSmall(Owner, SINK_ENTRY, &Owner->Other, READ_WRITE);
	FlushSmall(Owner, SINK_ENTRY);
	BufferPoison(&Job->Sink);
	if (EduLoad(Job, SMALL_ADDRESS(SOURCE_ENTRY)))
		EduStore(Job, &Owner->Other, Logical);
	Changed = BufferChanged(&Job->Sink);
	ScenarioCheck(Job->Run, "page that was there before", NO_ADDRESS, SMALL_PAGE, !Changed,
		      Changed ? "%lu bytes arrived" : "nothing arrived", (unsigned long)Changed);

	ScenarioCheck(Job->Run, "entry: read-only", Logical, NO_BYTES, TRUE, "changed");
	SetSmall(Owner, SINK_ENTRY, &Owner->Other, READ_ONLY);
	FlushSmall(Owner, SINK_ENTRY);
	EduStrayWrite(Job, &Owner->Other, Logical);

	ScenarioCheck(Job->Run, "entry: not present", Logical, NO_BYTES, TRUE, "changed");
	ClearSmall(Owner, SINK_ENTRY);
	FlushSmall(Owner, SINK_ENTRY);
	EduStrayWrite(Job, &Owner->Other, Logical);

	ScenarioCheck(Job->Run, "entry: as at first", Logical, NO_BYTES, TRUE, "changed");
	SetSmall(Owner, SINK_ENTRY, &Job->Sink, READ_WRITE);
	FlushSmall(Owner, SINK_ENTRY);
	EduRoundTrip(Job, SMALL_ADDRESS(SOURCE_ENTRY), Logical);
}

/* An entry that no IOMMU may follow costs its own address and no other one. */
static VOID CorruptOneEntry(POWNER Owner)
{
	IOMMU_DMA_LOGICAL_ADDRESS Logical = SMALL_ADDRESS(CORRUPT_ENTRY);
	PEDU_JOB Job = &Owner->Job;

	ScenarioCheck(Job->Run, "entry: corrupt", Logical, NO_BYTES, TRUE, "changed");
	SetSmall(Owner, CORRUPT_ENTRY, &Owner->Other, ENTRY_CORRUPT | READ_WRITE);
	FlushSmall(Owner, CORRUPT_ENTRY);
	EduStrayWrite(Job, &Owner->Other, Logical);
	EduRoundTrip(Job, SMALL_ADDRESS(SOURCE_ENTRY), SMALL_ADDRESS(SINK_ENTRY));

	ScenarioCheck(Job->Run, "entry: repaired", Logical, NO_BYTES, TRUE, "changed");
	SetSmall(Owner, CORRUPT_ENTRY, &Owner->Other, READ_WRITE);
	FlushSmall(Owner, CORRUPT_ENTRY);
	EduStore(Job, &Owner->Other, Logical);
}

/* Many changes, one flush. */
static VOID ChangeEverything(POWNER Owner)
{
	BUFFER InLarge = PageOfLarge(Owner, 0);
	PEDU_JOB Job = &Owner->Job;
	NTSTATUS Status;

	ScenarioCheck(Job->Run, "many entries", NO_ADDRESS, NO_BYTES, TRUE, "changed");
	SetSmall(Owner, MOVED_ENTRY, &Job->Source, READ_ONLY);
	ClearSmall(Owner, SOURCE_ENTRY);
	SetLarge(Owner, 0);
	Status = Job->Adapter->Iommu.V3.FlushDomain(Owner->Domain);
	ScenarioCall(Job->Run, "FlushDomain", Status, STATUS_SUCCESS, NO_ADDRESS, NO_BYTES);
	EduRoundTrip(Job, SMALL_ADDRESS(MOVED_ENTRY), SMALL_ADDRESS(SINK_ENTRY));
	EduStrayRead(Job, SMALL_ADDRESS(SOURCE_ENTRY), SMALL_ADDRESS(SINK_ENTRY));
	EduStrayWrite(Job, &InLarge, LARGE_ADDRESS);
}

/* The tables belong to the driver; the domain follows them, as far as the driver flushes. */
VOID EduRunUnmanaged(PSCENARIO_RUN Run, PVOID Context)
{
	OWNER Owner = { .Levels = EduTableLevels() };
	PEDU_ADAPTER Adapter = Context;
	PEDU_JOB Job = &Owner.Job;
	ULONG Types;

	Adapter->Iommu.V3.QueryAvailableDomainTypes(Adapter->DmaDevice, &Types);
	if (!(Types & (1 << DomainTypeUnmanaged))) {
		ScenarioSkip(Run, "Unmanaged domains are not available to this device");
		return;
	}
	if (!EduBeginJob(Job, Run, Adapter))
		return;
	if (!AllocateMemory(&Owner))
		goto EndJob;
	BuildTables(&Owner);
	if (!EduCreateDomain(Job, DomainTypeUnmanaged, FALSE, &Owner.Domain))
		goto FreeMemory;
	if (!EduAttach(Job, Owner.Domain))
		goto DeleteDomain;

	EduStrayWrite(Job, &Job->Sink, SMALL_ADDRESS(SINK_ENTRY));
	if (!Configure(&Owner))
		goto Detach;
	UseTables(&Owner);
	ChangeOneEntry(&Owner);
	CorruptOneEntry(&Owner);
	ChangeEverything(&Owner);
Detach:
	EduDetach(Job);
	EduStrayWrite(Job, &Job->Sink, SMALL_ADDRESS(SINK_ENTRY));
DeleteDomain:
	EduDeleteDomain(Job, Owner.Domain);
FreeMemory:
	FreeMemory(&Owner);
EndJob:
	EduEndJob(Job);
}
