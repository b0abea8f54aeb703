// SPDX-License-Identifier: GPL-2.0
/*
 * DMA part of the driver, in the words of Windows' DMA_IOMMU_INTERFACE_V3.
 *
 * Nothing here knows Linux: the engine and the memory come through mover_hw.h and buffer.h, the
 * transcript goes through scenario.h.
 */
#include <wdm.h>

#include "dma.h"

/* Transfers of this device are tagged with a PASID, or not, as the driver likes. */
NTSTATUS MoverStart(PMOVER_ADAPTER Adapter)
{
	IOMMU_DEVICE_CREATION_CONFIGURATION Configuration = {
		.ConfigType = IommuDeviceCreationConfigTypePasid,
	};
	NTSTATUS Status;

	Status = IoGetIommuInterfaceEx(3, 0, &Adapter->Iommu);
	if (!NT_SUCCESS(Status))
		return Status;
	InitializeListHead(&Configuration.NextConfiguration);
	Configuration.Pasid.ConfigType = PasidConfigTypePasidTaggedDma;
	return Adapter->Iommu.V3.CreateDevice(Adapter->Pdo, &Configuration, &Adapter->DmaDevice);
}

VOID MoverStop(PMOVER_ADAPTER Adapter)
{
	Adapter->Iommu.V3.DeleteDevice(Adapter->DmaDevice);
}

static BOOLEAN AllocateMemory(PMOVER_CONTEXT Context, ULONG Pages)
{
	if (BufferAllocate(&Context->Source, Pages, FALSE)) {
		if (BufferAllocate(&Context->Sink, Pages, FALSE))
			return TRUE;
		BufferFree(&Context->Source);
	}
	return ScenarioCheck(Context->Run, "allocate memory", NO_ADDRESS,
			     2 * (SIZE_T)Pages << PAGE_SHIFT, FALSE, "there is none");
}

static VOID FreeMemory(PMOVER_CONTEXT Context)
{
	BufferFree(&Context->Sink);
	BufferFree(&Context->Source);
}

static BOOLEAN CreatePasidDevice(PMOVER_CONTEXT Context)
{
	PMOVER_ADAPTER Adapter = Context->Adapter;
	NTSTATUS Status;

	Status = Adapter->Iommu.V3.CreatePasidDevice(Adapter->DmaDevice, &Context->PasidDevice,
						     &Context->Pasid);
	if (!ScenarioCall(Context->Run, "CreatePasidDevice", Status, STATUS_SUCCESS, NO_ADDRESS,
			  NO_BYTES))
		return FALSE;
	ScenarioCheck(Context->Run, "PASID", NO_ADDRESS, NO_BYTES, Context->Pasid != 0, "%u",
		      Context->Pasid);
	return TRUE;
}

static VOID DeletePasidDevice(PMOVER_CONTEXT Context)
{
	NTSTATUS Status = Context->Adapter->Iommu.V3.DeletePasidDevice(Context->PasidDevice);

	ScenarioCall(Context->Run, "DeletePasidDevice", Status, STATUS_SUCCESS, NO_ADDRESS,
		     NO_BYTES);
}

/* The driver chooses the addresses: it wants them equal in all domains. */
static BOOLEAN CreateDomain(PMOVER_CONTEXT Context, IOMMU_DMA_DOMAIN_TYPE Type)
{
	IOMMU_DMA_DOMAIN_CREATION_FLAGS Flags = { .AsUlonglong = 0 };
	NTSTATUS Status;

	Status = Context->Adapter->Iommu.V3.CreateDomainEx(Type, Flags, NULL, NULL,
							   &Context->Domain);
	return ScenarioCall(Context->Run, "CreateDomainEx", Status, STATUS_SUCCESS, NO_ADDRESS,
			    NO_BYTES);
}

static VOID DeleteDomain(PMOVER_CONTEXT Context)
{
	NTSTATUS Status = Context->Adapter->Iommu.V3.DeleteDomain(Context->Domain);

	ScenarioCall(Context->Run, "DeleteDomain", Status, STATUS_SUCCESS, NO_ADDRESS, NO_BYTES);
}

/* Memory, and an address space that nothing is attached to yet. On failure, nothing is left. */
BOOLEAN MoverOpenContext(PMOVER_CONTEXT Context, PSCENARIO_RUN Run, PMOVER_ADAPTER Adapter,
			 BOOLEAN Tagged, ULONG Pages)
{
	Context->Run = Run;
	Context->Adapter = Adapter;
	Context->PasidDevice = NULL;
	Context->Pasid = MOVER_UNTAGGED;
	Context->Attached = FALSE;
	if (!AllocateMemory(Context, Pages))
		return FALSE;
	if (Tagged && !CreatePasidDevice(Context))
		goto FreeMemory;
	if (CreateDomain(Context, Tagged ? DomainTypeTranslateS1 : DomainTypeTranslate))
		return TRUE;
	if (Tagged)
		DeletePasidDevice(Context);
FreeMemory:
	FreeMemory(Context);
	return FALSE;
}

VOID MoverCloseContext(PMOVER_CONTEXT Context)
{
	if (Context->Attached)
		MoverDetach(Context);
	DeleteDomain(Context);
	if (Context->PasidDevice)
		DeletePasidDevice(Context);
	FreeMemory(Context);
}

BOOLEAN MoverAttach(PMOVER_CONTEXT Context, PIOMMU_DMA_DOMAIN Domain)
{
	PDMA_IOMMU_INTERFACE_V3 Iommu = &Context->Adapter->Iommu.V3;
	NTSTATUS Status;

	if (Context->PasidDevice)
		Status = Iommu->AttachPasidDevice(Domain, Context->PasidDevice);
	else
		Status = Iommu->AttachDeviceEx(Domain, Context->Adapter->DmaDevice);
	Context->Attached = ScenarioCall(Context->Run,
					 Context->PasidDevice ? "AttachPasidDevice" :
								"AttachDeviceEx",
					 Status, STATUS_SUCCESS, NO_ADDRESS, NO_BYTES);
	return Context->Attached;
}

BOOLEAN MoverDetach(PMOVER_CONTEXT Context)
{
	PDMA_IOMMU_INTERFACE_V3 Iommu = &Context->Adapter->Iommu.V3;
	NTSTATUS Status;

	Context->Attached = FALSE;
	if (Context->PasidDevice)
		Status = Iommu->DetachPasidDevice(Context->PasidDevice);
	else
		Status = Iommu->DetachDeviceEx(Context->Adapter->DmaDevice);
	return ScenarioCall(Context->Run,
			    Context->PasidDevice ? "DetachPasidDevice" : "DetachDeviceEx",
			    Status, STATUS_SUCCESS, NO_ADDRESS, NO_BYTES);
}

BOOLEAN MoverMap(PMOVER_CONTEXT Context, ULONG Permissions,
		 PIOMMU_MAP_PHYSICAL_ADDRESS Physical, IOMMU_DMA_LOGICAL_ADDRESS Logical,
		 SIZE_T Bytes)
{
	IOMMU_DMA_LOGICAL_ADDRESS Given;
	NTSTATUS Status;

	Status = Context->Adapter->Iommu.V3.MapLogicalRangeEx(Context->Domain, Permissions,
							      Physical, &Logical, NULL, NULL,
							      &Given);
	return ScenarioCall(Context->Run, "MapLogicalRangeEx", Status, STATUS_SUCCESS, Logical,
			    Bytes);
}

BOOLEAN MoverUnmap(PMOVER_CONTEXT Context, IOMMU_DMA_LOGICAL_ADDRESS Logical, SIZE_T Bytes)
{
	NTSTATUS Status;

	Status = Context->Adapter->Iommu.V3.UnmapLogicalRange(Context->Domain, Logical,
							      Bytes >> PAGE_SHIFT);
	return ScenarioCall(Context->Run, "UnmapLogicalRange", Status, STATUS_SUCCESS, Logical,
			    Bytes);
}

/* All of the source to all of the sink. */
MOVER_TRANSFER MoverTransferOf(PMOVER_CONTEXT Context)
{
	MOVER_TRANSFER Transfer = {
		.Pasid = Context->Pasid,
		.Source = SOURCE_ADDRESS,
		.Destination = SINK_ADDRESS,
		.Length = Context->Source.Size,
	};

	return Transfer;
}
