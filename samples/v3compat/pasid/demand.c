// SPDX-License-Identifier: GPL-2.0
/*
 * Memory that is mapped when the device asks for it, in the words of Windows'
 * DMA_IOMMU_INTERFACE_V3.
 */
#include <wdm.h>

#include "dma.h"

#define DEMAND_PAGES 3
#define SMALL_PAGE ((SIZE_T)1 << PAGE_SHIFT)
/* No context has memory there. */
#define BAD_ADDRESS 0x30000000ULL

/**
 * struct pager - what the fault handler knows
 * @Context: whose faults they are
 * @Calls: how often it was called
 * @Last: address that it was last called for
 *
 * The handler writes; the engine waits for it, and the scenario for the engine.
 */
typedef struct pager {
	MOVER_CONTEXT Context;
	ULONG Calls;
	IOMMU_DMA_LOGICAL_ADDRESS Last;
} PAGER, *PPAGER;

static IOMMU_DMA_LOGICAL_ADDRESS FaultAddress(PFAULT_INFORMATION Fault)
{
	if (Fault->Type == FaultInformationArm64)
		return (ULONG_PTR)Fault->Arm64.FaultAddress;
	return (ULONG_PTR)Fault->X64.FaultAddress;
}

/* The page of Buffer that belongs to Address, when Buffer is to be seen at Base. */
static BOOLEAN FindPage(PBUFFER Buffer, IOMMU_DMA_LOGICAL_ADDRESS Base,
			IOMMU_DMA_LOGICAL_ADDRESS Address, PIOMMU_MAP_PHYSICAL_ADDRESS Page)
{
	if (Address < Base || Address - Base >= Buffer->Size)
		return FALSE;
	Page->MapType = MapPhysicalAddressTypeContiguousRange;
	Page->ContiguousRange.Base.QuadPart = BufferPhysical(Buffer, Address - Base);
	Page->ContiguousRange.Size = SMALL_PAGE;
	return TRUE;
}

/* The transfer waits. It goes on when the page is there on return, and is refused otherwise. */
static VOID PageFault(PVOID Argument, PFAULT_INFORMATION Fault)
{
	IOMMU_MAP_PHYSICAL_ADDRESS Page;
	PPAGER Pager = Argument;
	PMOVER_CONTEXT Context = &Pager->Context;

	Pager->Last = FaultAddress(Fault) & ~(IOMMU_DMA_LOGICAL_ADDRESS)(SMALL_PAGE - 1);
	Pager->Calls++;
	ScenarioCheck(Context->Run, "fault handler", Pager->Last, NO_BYTES, TRUE,
		      "the engine waits for a page");
	if (FindPage(&Context->Source, SOURCE_ADDRESS, Pager->Last, &Page))
		MoverMap(Context, DEVICE_READS, &Page, Pager->Last, SMALL_PAGE);
	else if (FindPage(&Context->Sink, SINK_ADDRESS, Pager->Last, &Page))
		MoverMap(Context, DEVICE_WRITES, &Page, Pager->Last, SMALL_PAGE);
}

static NTSTATUS SetFaultReporting(PPAGER Pager, BOOLEAN Enable)
{
	DEVICE_FAULT_CONFIGURATION Configuration = { PageFault, Pager };
	PMOVER_ADAPTER Adapter = Pager->Context.Adapter;

	return Adapter->Iommu.V3.SetDeviceFaultReportingEx(Adapter->DmaDevice, 0, Enable,
							   Enable ? &Configuration : NULL);
}

/* New data, one transfer that waits for pages. */
static BOOLEAN RunOne(PPAGER Pager, PMOVER_TRANSFER Transfer)
{
	PMOVER_CONTEXT Context = &Pager->Context;
	NTSTATUS Status;

	BufferFill(&Context->Source, Pager->Calls + 1);
	BufferPoison(&Context->Sink);
	Transfer->AskForPages = TRUE;
	Status = MoverRun(Context->Adapter->Engine, Transfer, 1);
	if (NT_SUCCESS(Status))
		return TRUE;
	return ScenarioCheck(Context->Run, "queue", NO_ADDRESS, NO_BYTES, FALSE, "there is none");
}

static VOID ExpectMoved(PPAGER Pager, ULONG Calls)
{
	PMOVER_CONTEXT Context = &Pager->Context;
	MOVER_TRANSFER Transfer = MoverTransferOf(Context);
	SIZE_T Wrong;

	if (!RunOne(Pager, &Transfer))
		return;
	Wrong = BufferDifference(&Context->Source, &Context->Sink);
	ScenarioCheck(Context->Run, "transfer", SINK_ADDRESS, Transfer.Length,
		      Transfer.Done && !Wrong && Pager->Calls == Calls,
		      "%s, %u pages asked for so far",
		      !Transfer.Done ? "refused" : Wrong ? "data differs" : "data is equal",
		      Pager->Calls);
}

static VOID ExpectRefused(PPAGER Pager, PMOVER_TRANSFER Transfer,
			  IOMMU_DMA_LOGICAL_ADDRESS Address, ULONG Calls)
{
	PMOVER_CONTEXT Context = &Pager->Context;
	SIZE_T Changed;

	if (!RunOne(Pager, Transfer))
		return;
	Changed = BufferChanged(&Context->Sink);
	ScenarioCheck(Context->Run, "transfer", Transfer->FaultAddress, Transfer->Length,
		      !Transfer->Done && Transfer->FaultAddress == Address && !Changed &&
		      Pager->Calls == Calls,
		      "%s, %u pages asked for so far",
		      Transfer->Done || Changed ? "data arrived" : "refused", Pager->Calls);
}

/* All pages of source and sink come when they are needed, and each once. */
static VOID UsePager(PPAGER Pager)
{
	PMOVER_CONTEXT Context = &Pager->Context;
	MOVER_TRANSFER Bad = MoverTransferOf(Context);

	ExpectMoved(Pager, 2 * DEMAND_PAGES);
	ExpectMoved(Pager, 2 * DEMAND_PAGES);
	MoverUnmap(Context, SINK_ADDRESS + SMALL_PAGE, SMALL_PAGE);
	ExpectMoved(Pager, 2 * DEMAND_PAGES + 1);

	Bad.Destination = BAD_ADDRESS;
	ExpectRefused(Pager, &Bad, BAD_ADDRESS, 2 * DEMAND_PAGES + 2);
	ScenarioCheck(Context->Run, "fault handler", Pager->Last, NO_BYTES,
		      Pager->Last == BAD_ADDRESS, "was asked and gave nothing");
}

/* The driver serves page faults of its device. */
VOID MoverRunDemand(PSCENARIO_RUN Run, PVOID Context)
{
	PAGER Pager = { .Calls = 0 };
	PMOVER_ADAPTER Adapter = Context;
	MOVER_TRANSFER Transfer;

	if (!MoverPagesCanBeServed(Adapter->Engine)) {
		ScenarioSkip(Run, "this kernel or IOMMU lets no driver serve page requests");
		return;
	}
	if (!MoverOpenContext(&Pager.Context, Run, Adapter, TRUE, DEMAND_PAGES))
		return;
	if (!MoverAttach(&Pager.Context, Pager.Context.Domain))
		goto Close;
	Transfer = MoverTransferOf(&Pager.Context);
	ExpectRefused(&Pager, &Transfer, SOURCE_ADDRESS, 0);

	if (!ScenarioCall(Run, "SetDeviceFaultReportingEx", SetFaultReporting(&Pager, TRUE),
			  STATUS_SUCCESS, NO_ADDRESS, NO_BYTES))
		goto Close;
	UsePager(&Pager);
	ScenarioCall(Run, "SetDeviceFaultReportingEx", SetFaultReporting(&Pager, FALSE),
		     STATUS_SUCCESS, NO_ADDRESS, NO_BYTES);

	MoverUnmap(&Pager.Context, SOURCE_ADDRESS, SMALL_PAGE);
	ExpectRefused(&Pager, &Transfer, SOURCE_ADDRESS, Pager.Calls);
Close:
	MoverCloseContext(&Pager.Context);
}
