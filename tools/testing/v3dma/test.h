/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the scenarios share, in the words of Windows' DMA_IOMMU_INTERFACE_V3.
 */
#ifndef V3DMA_TEST_H
#define V3DMA_TEST_H

#include <wdm.h>

#include "buffer.h"
#include "scenario.h"
#include "testdev.h"

#define TEST_THREADS 4

/* Permissions of a mapping. */
#define DEVICE_READS 1
#define DEVICE_WRITES 2
#define DEVICE_READS_WRITES 3

/* Addresses that the system chooses have at most this many bits. */
#define TEST_ADDRESS_WIDTH 36

/**
 * struct test - one run of a scenario
 * @Run: its transcript
 * @Interface: what IoGetIommuInterfaceEx() gave
 * @Iommu: its third version
 * @Device: the devices, as the interface knows them
 * @Devices: number of @Device
 */
typedef struct test {
	PSCENARIO_RUN Run;
	DMA_IOMMU_INTERFACE_EX Interface;
	PDMA_IOMMU_INTERFACE_V3 Iommu;
	PIOMMU_DMA_DEVICE Device[TESTDEV_COUNT];
	ULONG Devices;
} TEST, *PTEST;

/**
 * struct test_sim - a device whose IOMMU is not the machine's
 * @Iommu: a software IOMMU
 * @Pdo: the device behind it
 * @Device: the same, as the interface knows it
 */
typedef struct test_sim {
	struct iommusim *Iommu;
	PDEVICE_OBJECT Pdo;
	PIOMMU_DMA_DEVICE Device;
} TEST_SIM, *PTEST_SIM;

/* Gets that many devices; FALSE, with the scenario skipped or failed, if it cannot. */
BOOLEAN TestBegin(PTEST Test, PSCENARIO_RUN Run, ULONG Devices);
VOID TestEnd(PTEST Test);

/* BufferAllocate() with its failure on record. */
BOOLEAN TestAllocate(PTEST Test, PBUFFER Buffer, ULONG Pages, BOOLEAN Scattered);

/* One device more, which then is the last one; and that one away again. */
BOOLEAN TestAddDevice(PTEST Test);
VOID TestDropDevice(PTEST Test);

/* Fails the scenario when it fails. The device must not be attached when it is deleted. */
BOOLEAN TestSimCreate(PTEST Test, PTEST_SIM Sim);
VOID TestSimDelete(PTEST Test, PTEST_SIM Sim);

/* NULL when it fails. Attaching and detaching fail the scenario when they fail. */
PIOMMU_DMA_DOMAIN TestCreateDomain(PTEST Test, IOMMU_DMA_DOMAIN_TYPE Type, BOOLEAN Allocator,
				   PIOMMU_DMA_RESERVED_REGION Regions);
VOID TestDeleteDomain(PTEST Test, PIOMMU_DMA_DOMAIN Domain);
BOOLEAN TestAttach(PTEST Test, PIOMMU_DMA_DOMAIN Domain, ULONG Index);
VOID TestDetach(PTEST Test, ULONG Index);

/* Both for a domain that is only used by one device. */
PIOMMU_DMA_DOMAIN TestOpenDomain(PTEST Test, BOOLEAN Allocator);
VOID TestCloseDomain(PTEST Test, PIOMMU_DMA_DOMAIN Domain);

/**
 * TestMap() - map a buffer for reads and writes
 * @Test: the scenario
 * @Domain: where
 * @Physical: the buffer, described in one of the three ways
 * @Size: its size
 * @Explicit: address for it, or NO_ADDRESS
 *
 * Return: its logical address, or NO_ADDRESS.
 */
IOMMU_DMA_LOGICAL_ADDRESS TestMap(PTEST Test, PIOMMU_DMA_DOMAIN Domain,
				  IOMMU_MAP_PHYSICAL_ADDRESS Physical, SIZE_T Size,
				  IOMMU_DMA_LOGICAL_ADDRESS Explicit);
VOID TestRefuseMap(PTEST Test, PIOMMU_DMA_DOMAIN Domain, PBUFFER Buffer,
		   IOMMU_DMA_LOGICAL_ADDRESS Explicit, NTSTATUS Expected);
VOID TestUnmap(PTEST Test, PIOMMU_DMA_DOMAIN Domain, IOMMU_DMA_LOGICAL_ADDRESS Logical,
	       SIZE_T Size, NTSTATUS Expected);

/**
 * TestReached() - check that a device reaches memory
 * @Test: the scenario
 * @Index: the device
 * @Logical: logical address of the first byte
 * @Buffer: the memory, which nobody else may change meanwhile
 * @Offset: first byte within @Buffer, page aligned
 * @Size: bytes, whole pages
 *
 * The device writes the first and the last word of each page.
 *
 * Return: nothing. The scenario fails unless all of them arrive where they belong, and nothing
 * else of the buffer changes.
 */
VOID TestReached(PTEST Test, ULONG Index, IOMMU_DMA_LOGICAL_ADDRESS Logical, PBUFFER Buffer,
		 SIZE_T Offset, SIZE_T Size);

/* The opposite: every write is stopped and the whole buffer stays as it is. */
VOID TestRefused(PTEST Test, ULONG Index, IOMMU_DMA_LOGICAL_ADDRESS Logical, PBUFFER Buffer,
		 SIZE_T Offset, SIZE_T Size);

extern const SCENARIO TestScenarios[];

/* ranges.c */
VOID RunSizes(PSCENARIO_RUN Run, PVOID Context);
VOID RunScattered(PSCENARIO_RUN Run, PVOID Context);
VOID RunPermissions(PSCENARIO_RUN Run, PVOID Context);
VOID RunBounds(PSCENARIO_RUN Run, PVOID Context);
VOID RunExplicit(PSCENARIO_RUN Run, PVOID Context);
VOID RunCut(PSCENARIO_RUN Run, PVOID Context);
VOID RunIdentity(PSCENARIO_RUN Run, PVOID Context);
VOID RunFlush(PSCENARIO_RUN Run, PVOID Context);
/* reserved.c */
VOID RunReserved(PSCENARIO_RUN Run, PVOID Context);
VOID RunReservedExplicit(PSCENARIO_RUN Run, PVOID Context);
/* domains.c */
VOID RunLateAttach(PSCENARIO_RUN Run, PVOID Context);
VOID RunTwoDevices(PSCENARIO_RUN Run, PVOID Context);
VOID RunTwoDomains(PSCENARIO_RUN Run, PVOID Context);
VOID RunPassThrough(PSCENARIO_RUN Run, PVOID Context);
VOID RunRegions(PSCENARIO_RUN Run, PVOID Context);
VOID RunVersion1(PSCENARIO_RUN Run, PVOID Context);
/* faults.c */
VOID RunFaults(PSCENARIO_RUN Run, PVOID Context);
/* race.c */
VOID RunRaceAllocator(PSCENARIO_RUN Run, PVOID Context);
VOID RunRaceExplicit(PSCENARIO_RUN Run, PVOID Context);
VOID RunRaceReserved(PSCENARIO_RUN Run, PVOID Context);
VOID RunRaceAttach(PSCENARIO_RUN Run, PVOID Context);
VOID RunRaceRemoval(PSCENARIO_RUN Run, PVOID Context);
/* model.c */
VOID RunModel(PSCENARIO_RUN Run, PVOID Context);
/* edges.c */
VOID RunBoundary(PSCENARIO_RUN Run, PVOID Context);
VOID RunCutOdd(PSCENARIO_RUN Run, PVOID Context);
VOID RunJoin(PSCENARIO_RUN Run, PVOID Context);
VOID RunFirstAttach(PSCENARIO_RUN Run, PVOID Context);
/* batch.c */
VOID RunBatch(PSCENARIO_RUN Run, PVOID Context);
/* removal.c */
VOID RunRemoval(PSCENARIO_RUN Run, PVOID Context);
VOID RunUnbind(PSCENARIO_RUN Run, PVOID Context);

#endif
