/* SPDX-License-Identifier: GPL-2.0 */
/*
 * DMA part of the driver: the adapter and what its scenarios share.
 */
#ifndef EDU_DMA_H
#define EDU_DMA_H

#include <wdm.h>

#include "buffer.h"
#include "edu_hw.h"
#include "scenario.h"

/* Permissions of a mapping. */
#define DEVICE_READS 1
#define DEVICE_WRITES 2

/**
 * struct edu_adapter - the device, seen from its DMA part
 * @Pdo: the physical device
 * @Engine: its engine
 * @Iommu: the remapping interface
 * @DmaDevice: the device, as that interface knows it
 */
typedef struct edu_adapter {
	PDEVICE_OBJECT Pdo;
	PEDU_ENGINE Engine;
	DMA_IOMMU_INTERFACE_EX Iommu;
	PIOMMU_DMA_DEVICE DmaDevice;
} EDU_ADAPTER, *PEDU_ADAPTER;

/**
 * struct edu_job - one run of a scenario
 * @Run: its transcript
 * @Adapter: the device
 * @Source: one page that the engine reads
 * @Sink: one page that the engine writes
 * @Seed: makes the data of each transfer different
 */
typedef struct edu_job {
	PSCENARIO_RUN Run;
	PEDU_ADAPTER Adapter;
	BUFFER Source;
	BUFFER Sink;
	ULONG Seed;
} EDU_JOB, *PEDU_JOB;

NTSTATUS EduStart(PEDU_ADAPTER Adapter);
VOID EduStop(PEDU_ADAPTER Adapter);

BOOLEAN EduBeginJob(PEDU_JOB Job, PSCENARIO_RUN Run, PEDU_ADAPTER Adapter);
VOID EduEndJob(PEDU_JOB Job);

BOOLEAN EduAllocateBuffer(PEDU_JOB Job, PBUFFER Buffer, ULONG Pages, BOOLEAN Scattered);

BOOLEAN EduCreateDomain(PEDU_JOB Job, IOMMU_DMA_DOMAIN_TYPE Type, BOOLEAN Allocator,
			PIOMMU_DMA_DOMAIN *Domain);
VOID EduDeleteDomain(PEDU_JOB Job, PIOMMU_DMA_DOMAIN Domain);
BOOLEAN EduAttach(PEDU_JOB Job, PIOMMU_DMA_DOMAIN Domain);
VOID EduDetach(PEDU_JOB Job);

BOOLEAN EduMap(PEDU_JOB Job, PIOMMU_DMA_DOMAIN Domain, ULONG Permissions, PBUFFER Buffer,
	       PIOMMU_DMA_LOGICAL_ADDRESS Explicit, PIOMMU_DMA_LOGICAL_ADDRESS Logical);
VOID EduUnmap(PEDU_JOB Job, PIOMMU_DMA_DOMAIN Domain, IOMMU_DMA_LOGICAL_ADDRESS Logical,
	      SIZE_T Size);

BOOLEAN EduLoad(PEDU_JOB Job, IOMMU_DMA_LOGICAL_ADDRESS Source);
BOOLEAN EduStore(PEDU_JOB Job, PBUFFER Sink, IOMMU_DMA_LOGICAL_ADDRESS Logical);
VOID EduRoundTrip(PEDU_JOB Job, IOMMU_DMA_LOGICAL_ADDRESS Source, IOMMU_DMA_LOGICAL_ADDRESS Sink);
VOID EduStrayWrite(PEDU_JOB Job, PBUFFER Buffer, IOMMU_DMA_LOGICAL_ADDRESS Logical);
VOID EduStrayRead(PEDU_JOB Job, IOMMU_DMA_LOGICAL_ADDRESS Source, IOMMU_DMA_LOGICAL_ADDRESS Sink);

/* The scenarios: scenarios.c, unmanaged.c, guard.c */
VOID EduRunInterface(PSCENARIO_RUN Run, PVOID Context);
VOID EduRunAllocator(PSCENARIO_RUN Run, PVOID Context);
VOID EduRunExplicit(PSCENARIO_RUN Run, PVOID Context);
VOID EduRunScattered(PSCENARIO_RUN Run, PVOID Context);
VOID EduRunReserved(PSCENARIO_RUN Run, PVOID Context);
VOID EduRunIdentity(PSCENARIO_RUN Run, PVOID Context);
VOID EduRunPassThrough(PSCENARIO_RUN Run, PVOID Context);
VOID EduRunSwitch(PSCENARIO_RUN Run, PVOID Context);
VOID EduRunUnmanaged(PSCENARIO_RUN Run, PVOID Context);
VOID EduRunGuard(PSCENARIO_RUN Run, PVOID Context);

#endif
