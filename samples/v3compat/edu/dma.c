// SPDX-License-Identifier: GPL-2.0
/*
 * DMA part of the driver, in the words of Windows' DMA_IOMMU_INTERFACE_V3.
 *
 * Nothing here knows Linux: the engine and the memory come through edu_hw.h,
 * the transcript goes through scenario.h.
 */
#include <wdm.h>

#include "dma.h"

NTSTATUS EduStart(PEDU_ADAPTER Adapter)
{
	NTSTATUS Status;

	Status = IoGetIommuInterfaceEx(3, 0, &Adapter->Iommu);
	if (!NT_SUCCESS(Status))
		return Status;
	return Adapter->Iommu.V3.CreateDevice(Adapter->Pdo, NULL, &Adapter->DmaDevice);
}

VOID EduStop(PEDU_ADAPTER Adapter)
{
	Adapter->Iommu.V3.DeleteDevice(Adapter->DmaDevice);
}

BOOLEAN EduAllocateBuffer(PEDU_JOB Job, PBUFFER Buffer, ULONG Pages, BOOLEAN Scattered)
{
	if (BufferAllocate(Buffer, Pages, Scattered))
		return TRUE;
	return ScenarioCheck(Job->Run, "allocate memory", NO_ADDRESS, (SIZE_T)Pages << PAGE_SHIFT,
			     FALSE, "there is none");
}

BOOLEAN EduBeginJob(PEDU_JOB Job, PSCENARIO_RUN Run, PEDU_ADAPTER Adapter)
{
	Job->Run = Run;
	Job->Adapter = Adapter;
	Job->Seed = 1;
	if (!EduAllocateBuffer(Job, &Job->Source, 1, FALSE))
		return FALSE;
	if (!EduAllocateBuffer(Job, &Job->Sink, 1, FALSE)) {
		BufferFree(&Job->Source);
		return FALSE;
	}
	return TRUE;
}

VOID EduEndJob(PEDU_JOB Job)
{
	BufferFree(&Job->Sink);
	BufferFree(&Job->Source);
}

BOOLEAN EduCreateDomain(PEDU_JOB Job, IOMMU_DMA_DOMAIN_TYPE Type, BOOLEAN Allocator,
			PIOMMU_DMA_DOMAIN *Domain)
{
	IOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG Config = {
		.LogicalAllocatorType = IommuDmaLogicalAllocatorBuddy,
	};
	IOMMU_DMA_DOMAIN_CREATION_FLAGS Flags = { .AsUlonglong = 0 };
	NTSTATUS Status;

	Config.BuddyAllocatorConfig.AddressWidth = EDU_ADDRESS_WIDTH;
	Status = Job->Adapter->Iommu.V3.CreateDomainEx(Type, Flags, Allocator ? &Config : NULL,
						       NULL, Domain);
	return ScenarioCall(Job->Run, "CreateDomainEx", Status, STATUS_SUCCESS, NO_ADDRESS,
			    NO_BYTES);
}

VOID EduDeleteDomain(PEDU_JOB Job, PIOMMU_DMA_DOMAIN Domain)
{
	ScenarioCall(Job->Run, "DeleteDomain", Job->Adapter->Iommu.V3.DeleteDomain(Domain),
		     STATUS_SUCCESS, NO_ADDRESS, NO_BYTES);
}

BOOLEAN EduAttach(PEDU_JOB Job, PIOMMU_DMA_DOMAIN Domain)
{
	NTSTATUS Status;

	Status = Job->Adapter->Iommu.V3.AttachDeviceEx(Domain, Job->Adapter->DmaDevice);
	return ScenarioCall(Job->Run, "AttachDeviceEx", Status, STATUS_SUCCESS, NO_ADDRESS,
			    NO_BYTES);
}

VOID EduDetach(PEDU_JOB Job)
{
	NTSTATUS Status;

	Status = Job->Adapter->Iommu.V3.DetachDeviceEx(Job->Adapter->DmaDevice);
	ScenarioCall(Job->Run, "DetachDeviceEx", Status, STATUS_SUCCESS, NO_ADDRESS, NO_BYTES);
}

BOOLEAN EduMap(PEDU_JOB Job, PIOMMU_DMA_DOMAIN Domain, ULONG Permissions, PBUFFER Buffer,
	       PIOMMU_DMA_LOGICAL_ADDRESS Explicit, PIOMMU_DMA_LOGICAL_ADDRESS Logical)
{
	IOMMU_MAP_PHYSICAL_ADDRESS Physical = BufferMdl(Buffer);
	NTSTATUS Status;

	*Logical = NO_ADDRESS;
	Status = Job->Adapter->Iommu.V3.MapLogicalRangeEx(Domain, Permissions, &Physical, Explicit,
							  NULL, NULL, Logical);
	return ScenarioCall(Job->Run, "MapLogicalRangeEx", Status, STATUS_SUCCESS, *Logical,
			    Buffer->Size);
}

VOID EduUnmap(PEDU_JOB Job, PIOMMU_DMA_DOMAIN Domain, IOMMU_DMA_LOGICAL_ADDRESS Logical,
	      SIZE_T Size)
{
	NTSTATUS Status;

	Status = Job->Adapter->Iommu.V3.UnmapLogicalRange(Domain, Logical, Size >> PAGE_SHIFT);
	ScenarioCall(Job->Run, "UnmapLogicalRange", Status, STATUS_SUCCESS, Logical, Size);
}

/* New data in the source page, then from there into the engine. */
BOOLEAN EduLoad(PEDU_JOB Job, IOMMU_DMA_LOGICAL_ADDRESS Source)
{
	NTSTATUS Status;

	BufferFill(&Job->Source, Job->Seed++);
	Status = EduTransfer(Job->Adapter->Engine, EduMemoryToEngine, Source, EDU_BUFFER_SIZE);
	return ScenarioCheck(Job->Run, "engine reads memory", Source, EDU_BUFFER_SIZE,
			     NT_SUCCESS(Status), NT_SUCCESS(Status) ? "engine done" : "no end");
}

/* From the engine into a one-page buffer, which must then hold what the source page holds. */
BOOLEAN EduStore(PEDU_JOB Job, PBUFFER Sink, IOMMU_DMA_LOGICAL_ADDRESS Logical)
{
	NTSTATUS Status;
	SIZE_T Wrong;

	BufferPoison(Sink);
	Status = EduTransfer(Job->Adapter->Engine, EduEngineToMemory, Logical, EDU_BUFFER_SIZE);
	if (!NT_SUCCESS(Status))
		return ScenarioCheck(Job->Run, "engine writes memory", Logical, EDU_BUFFER_SIZE,
				     FALSE, "no end");
	Wrong = BufferDifference(&Job->Source, Sink);
	return ScenarioCheck(Job->Run, "engine writes memory", Logical, EDU_BUFFER_SIZE, !Wrong,
			     Wrong ? "%lu bytes differ" : "data is equal", (unsigned long)Wrong);
}

VOID EduRoundTrip(PEDU_JOB Job, IOMMU_DMA_LOGICAL_ADDRESS Source, IOMMU_DMA_LOGICAL_ADDRESS Sink)
{
	if (EduLoad(Job, Source))
		EduStore(Job, &Job->Sink, Sink);
}

/* The buffer is out of the engine's reach: nothing may arrive there. */
VOID EduStrayWrite(PEDU_JOB Job, PBUFFER Buffer, IOMMU_DMA_LOGICAL_ADDRESS Logical)
{
	NTSTATUS Status;
	SIZE_T Changed;

	BufferPoison(Buffer);
	Status = EduTransfer(Job->Adapter->Engine, EduEngineToMemory, Logical, EDU_BUFFER_SIZE);
	Changed = BufferChanged(Buffer);
	ScenarioCheck(Job->Run, "stray write by engine", Logical, NO_BYTES,
		      NT_SUCCESS(Status) && !Changed,
		      Changed ? "%lu bytes arrived" : "nothing arrived", (unsigned long)Changed);
}

/*
 * The source page is out of the engine's reach: the engine must not get new data from there.
 * What it got instead is read back through the sink page, which is within reach.
 */
VOID EduStrayRead(PEDU_JOB Job, IOMMU_DMA_LOGICAL_ADDRESS Source, IOMMU_DMA_LOGICAL_ADDRESS Sink)
{
	BOOLEAN Done;
	SIZE_T Same;

	BufferFill(&Job->Source, Job->Seed++);
	BufferPoison(&Job->Sink);
	Done = NT_SUCCESS(EduTransfer(Job->Adapter->Engine, EduMemoryToEngine, Source,
				      EDU_BUFFER_SIZE)) &&
	       NT_SUCCESS(EduTransfer(Job->Adapter->Engine, EduEngineToMemory, Sink,
				      EDU_BUFFER_SIZE));
	Same = Job->Sink.Size - BufferDifference(&Job->Source, &Job->Sink);

	/* Unrelated random bytes agree in one place out of 256. */
	ScenarioCheck(Job->Run, "stray read by engine", Source, NO_BYTES,
		      Done && Same < Job->Sink.Size / 64 && BufferChanged(&Job->Sink),
		      Same < Job->Sink.Size / 64 ? "nothing was read" : "%lu bytes were read",
		      (unsigned long)Same);
}
