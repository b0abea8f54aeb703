// SPDX-License-Identifier: GPL-2.0
/*
 * One device, several address spaces at once, in the words of Windows' DMA_IOMMU_INTERFACE_V3.
 */
#include <wdm.h>

#include "dma.h"

#define CONTEXTS 5
#define CONTEXT_PAGES 4

/* What the driver learns when its device starts. */
VOID MoverRunInterface(PSCENARIO_RUN Run, PVOID Context)
{
	IOMMU_DMA_DEVICE_INFORMATION Information = { .PasidTaggedDmaEnabled = FALSE };
	PMOVER_ADAPTER Adapter = Context;
	ULONG Written, Types = 0, Pasid;
	PIOMMU_DMA_PASID_DEVICE First;
	NTSTATUS Status;

	Adapter->Iommu.V3.QueryAvailableDomainTypes(Adapter->DmaDevice, &Types);
	ScenarioCheck(Run, "QueryAvailableDomainTypes", NO_ADDRESS, NO_BYTES,
		      Types & (1 << DomainTypeTranslateS1), "types 0x%x", Types);
	Status = Adapter->Iommu.V3.QueryDeviceInfo(Adapter->DmaDevice, sizeof(Information),
						   &Written, &Information);
	ScenarioCall(Run, "QueryDeviceInfo", Status, STATUS_SUCCESS, NO_ADDRESS, NO_BYTES);
	ScenarioCheck(Run, "DMA tagged with PASIDs", NO_ADDRESS, NO_BYTES,
		      Information.PasidTaggedDmaEnabled,
		      Information.PasidTaggedDmaEnabled ? "enabled" : "not enabled");
	Status = Adapter->Iommu.V3.CreatePasidDevice(Adapter->DmaDevice, &First, &Pasid);
	if (!ScenarioCall(Run, "CreatePasidDevice", Status, STATUS_SUCCESS, NO_ADDRESS, NO_BYTES))
		return;
	ScenarioCall(Run, "DetachPasidDevice", Adapter->Iommu.V3.DetachPasidDevice(First),
		     STATUS_INVALID_PARAMETER_1, NO_ADDRESS, NO_BYTES);
	ScenarioCall(Run, "DeletePasidDevice", Adapter->Iommu.V3.DeletePasidDevice(First),
		     STATUS_SUCCESS, NO_ADDRESS, NO_BYTES);
}

static VOID Check(PMOVER_CONTEXT Context, IOMMU_DMA_LOGICAL_ADDRESS Logical, SIZE_T Bytes,
		  BOOLEAN Good, const char *Verdict)
{
	if (Context->PasidDevice)
		ScenarioCheck(Context->Run, "tagged transfer", Logical, Bytes, Good,
			      "PASID %u: %s", Context->Pasid, Verdict);
	else
		ScenarioCheck(Context->Run, "untagged transfer", Logical, Bytes, Good, "%s",
			      Verdict);
}

/* The sink of Memory must hold what its source holds. */
static VOID ExpectMoved(PMOVER_CONTEXT Context, PMOVER_TRANSFER Transfer, PMOVER_CONTEXT Memory)
{
	SIZE_T Wrong = BufferDifference(&Memory->Source, &Memory->Sink);

	Check(Context, Transfer->Destination, Transfer->Length, Transfer->Done && !Wrong,
	      !Transfer->Done ? "refused" : Wrong ? "data differs" : "data is equal");
}

/* Nothing must have arrived. */
static VOID ExpectRefused(PMOVER_CONTEXT Context, PMOVER_TRANSFER Transfer)
{
	SIZE_T Changed = BufferChanged(&Context->Sink);

	Check(Context, Transfer->FaultAddress, NO_BYTES, !Transfer->Done && !Changed,
	      Transfer->Done || Changed ? "data arrived" : "refused, nothing arrived");
}

/* New data in every source, nothing in any sink; then all queues work at once. */
static BOOLEAN RunAll(PMOVER_CONTEXT Contexts, PMOVER_TRANSFER Transfers, ULONG Seed)
{
	NTSTATUS Status;
	ULONG i;

	for (i = 0; i < CONTEXTS; i++) {
		BufferFill(&Contexts[i].Source, Seed + i);
		BufferPoison(&Contexts[i].Sink);
		Transfers[i] = MoverTransferOf(&Contexts[i]);
	}
	Status = MoverRun(Contexts[0].Adapter->Engine, Transfers, CONTEXTS);
	return ScenarioCheck(Contexts[0].Run, "queues", NO_ADDRESS, NO_BYTES, NT_SUCCESS(Status),
			     "%u at once, all with the same addresses", CONTEXTS);
}

static BOOLEAN OpenAll(PMOVER_CONTEXT Contexts, PSCENARIO_RUN Run, PMOVER_ADAPTER Adapter)
{
	ULONG i;

	for (i = 0; i < CONTEXTS; i++)
		if (!MoverOpenContext(&Contexts[i], Run, Adapter, i > 0, CONTEXT_PAGES))
			break;
	if (i == CONTEXTS)
		return TRUE;
	while (i > 0)
		MoverCloseContext(&Contexts[--i]);
	return FALSE;
}

/* The same two addresses in each address space, with memory of its own behind them. */
static BOOLEAN MapAll(PMOVER_CONTEXT Contexts)
{
	ULONG i;

	for (i = 0; i < CONTEXTS; i++) {
		IOMMU_MAP_PHYSICAL_ADDRESS Source = BufferMdl(&Contexts[i].Source);
		IOMMU_MAP_PHYSICAL_ADDRESS Sink = BufferMdl(&Contexts[i].Sink);

		if (!MoverMap(&Contexts[i], DEVICE_READS, &Source, SOURCE_ADDRESS,
			      Contexts[i].Source.Size) ||
		    !MoverMap(&Contexts[i], DEVICE_WRITES, &Sink, SINK_ADDRESS,
			      Contexts[i].Sink.Size) ||
		    !MoverAttach(&Contexts[i], Contexts[i].Domain))
			return FALSE;
	}
	return TRUE;
}

/* What an attached sub-device forbids. */
static VOID PasidRules(PMOVER_CONTEXT Context, PMOVER_CONTEXT Other)
{
	PDMA_IOMMU_INTERFACE_V3 Iommu = &Context->Adapter->Iommu.V3;

	ScenarioCall(Context->Run, "AttachPasidDevice",
		     Iommu->AttachPasidDevice(Other->Domain, Context->PasidDevice),
		     STATUS_UNSUCCESSFUL, NO_ADDRESS, NO_BYTES);
	ScenarioCall(Context->Run, "DeletePasidDevice",
		     Iommu->DeletePasidDevice(Context->PasidDevice), STATUS_RESOURCE_IN_USE,
		     NO_ADDRESS, NO_BYTES);
	ScenarioCall(Context->Run, "DeleteDomain", Iommu->DeleteDomain(Context->Domain),
		     STATUS_RESOURCE_IN_USE, NO_ADDRESS, NO_BYTES);
}

/* One leaves: its transfers are refused, the others do not notice. */
static VOID LoseOne(PMOVER_CONTEXT Contexts, PMOVER_TRANSFER Transfers, ULONG Lost)
{
	ULONG i;

	if (!MoverDetach(&Contexts[Lost]) || !RunAll(Contexts, Transfers, 200))
		return;
	for (i = 0; i < CONTEXTS; i++)
		if (i == Lost)
			ExpectRefused(&Contexts[i], &Transfers[i]);
		else
			ExpectMoved(&Contexts[i], &Transfers[i], &Contexts[i]);
}

/* The one that left joins another address space: there it sees the other one's memory. */
static VOID ShareOne(PMOVER_CONTEXT Contexts, PMOVER_TRANSFER Transfers, ULONG Guest, ULONG Host)
{
	SIZE_T Changed;
	ULONG i;

	if (!MoverAttach(&Contexts[Guest], Contexts[Host].Domain) ||
	    !RunAll(Contexts, Transfers, 300))
		return;
	for (i = 0; i < CONTEXTS; i++)
		ExpectMoved(&Contexts[i], &Transfers[i], &Contexts[i == Guest ? Host : i]);
	Changed = BufferChanged(&Contexts[Guest].Sink);
	ScenarioCheck(Contexts[Guest].Run, "memory it had before", NO_ADDRESS,
		      Contexts[Guest].Sink.Size, !Changed,
		      Changed ? "%lu bytes arrived" : "nothing arrived", (unsigned long)Changed);
}

/* Untagged DMA and four PASIDs, each with an address space of its own. */
VOID MoverRunQueues(PSCENARIO_RUN Run, PVOID Context)
{
	MOVER_TRANSFER Transfers[CONTEXTS];
	MOVER_CONTEXT Contexts[CONTEXTS];
	ULONG i;

	if (!OpenAll(Contexts, Run, Context))
		return;
	if (MapAll(Contexts) && RunAll(Contexts, Transfers, 100)) {
		for (i = 0; i < CONTEXTS; i++)
			ExpectMoved(&Contexts[i], &Transfers[i], &Contexts[i]);
		PasidRules(&Contexts[1], &Contexts[2]);
		LoseOne(Contexts, Transfers, 2);
		ShareOne(Contexts, Transfers, 2, 3);
	}
	for (i = 0; i < CONTEXTS; i++)
		if (Contexts[i].Attached)
			MoverDetach(&Contexts[i]);
	for (i = CONTEXTS; i > 0; i--)
		MoverCloseContext(&Contexts[i - 1]);
}
