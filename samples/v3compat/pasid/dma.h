/* SPDX-License-Identifier: GPL-2.0 */
/*
 * DMA part of the driver: the adapter, and contexts, each with an address space of its own.
 */
#ifndef MOVER_DMA_H
#define MOVER_DMA_H

#include <wdm.h>

#include "buffer.h"
#include "mover_hw.h"
#include "scenario.h"

/* Permissions of a mapping. */
#define DEVICE_READS 1
#define DEVICE_WRITES 2

/* Every context has its memory here: equal logical addresses, different memory. */
#define SOURCE_ADDRESS 0x10000000ULL
#define SINK_ADDRESS 0x20000000ULL

/**
 * struct mover_adapter - the device, seen from its DMA part
 * @Pdo: the physical device
 * @Engine: its engine
 * @Iommu: the remapping interface
 * @DmaDevice: the device, as that interface knows it
 */
typedef struct mover_adapter {
	PDEVICE_OBJECT Pdo;
	PMOVER_ENGINE Engine;
	DMA_IOMMU_INTERFACE_EX Iommu;
	PIOMMU_DMA_DEVICE DmaDevice;
} MOVER_ADAPTER, *PMOVER_ADAPTER;

/**
 * struct mover_context - one user of the engine
 * @Run: the transcript
 * @Adapter: the device
 * @PasidDevice: the sub-device; NULL when the context uses untagged DMA
 * @Pasid: its PASID, or MOVER_UNTAGGED
 * @Domain: its address space
 * @Attached: whether DMA goes there
 * @Source: memory that the engine reads
 * @Sink: memory that it writes
 */
typedef struct mover_context {
	PSCENARIO_RUN Run;
	PMOVER_ADAPTER Adapter;
	PIOMMU_DMA_PASID_DEVICE PasidDevice;
	ULONG Pasid;
	PIOMMU_DMA_DOMAIN Domain;
	BOOLEAN Attached;
	BUFFER Source;
	BUFFER Sink;
} MOVER_CONTEXT, *PMOVER_CONTEXT;

NTSTATUS MoverStart(PMOVER_ADAPTER Adapter);
VOID MoverStop(PMOVER_ADAPTER Adapter);

BOOLEAN MoverOpenContext(PMOVER_CONTEXT Context, PSCENARIO_RUN Run, PMOVER_ADAPTER Adapter,
			 BOOLEAN Tagged, ULONG Pages);
VOID MoverCloseContext(PMOVER_CONTEXT Context);

BOOLEAN MoverAttach(PMOVER_CONTEXT Context, PIOMMU_DMA_DOMAIN Domain);
BOOLEAN MoverDetach(PMOVER_CONTEXT Context);
BOOLEAN MoverMap(PMOVER_CONTEXT Context, ULONG Permissions,
		 PIOMMU_MAP_PHYSICAL_ADDRESS Physical, IOMMU_DMA_LOGICAL_ADDRESS Logical,
		 SIZE_T Bytes);
BOOLEAN MoverUnmap(PMOVER_CONTEXT Context, IOMMU_DMA_LOGICAL_ADDRESS Logical, SIZE_T Bytes);
MOVER_TRANSFER MoverTransferOf(PMOVER_CONTEXT Context);

/* The scenarios: queues.c, demand.c */
VOID MoverRunInterface(PSCENARIO_RUN Run, PVOID Context);
VOID MoverRunQueues(PSCENARIO_RUN Run, PVOID Context);
VOID MoverRunDemand(PSCENARIO_RUN Run, PVOID Context);

#endif
