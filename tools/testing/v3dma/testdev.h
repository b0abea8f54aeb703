/* SPDX-License-Identifier: GPL-2.0 */
/*
 * QEMU's iommu-testdev: a device that tells at once where its DMA went.
 */
#ifndef V3DMA_TESTDEV_H
#define V3DMA_TESTDEV_H

#include <wdm.h>

struct iommusim;

/* Devices that the scenarios use, if the machine has as many. */
#define TESTDEV_COUNT 2

/* What TestDevWrite() puts into memory. */
#define TESTDEV_WORD 0x12345678u

/* What became of a write: values of the device's result register. */
#define TESTDEV_REACHED 0u
#define TESTDEV_REFUSED 0xdead0002u
#define TESTDEV_ELSEWHERE 0xdead0004u
#define TESTDEV_GONE 0xffffffffu

/**
 * TestDevPdo() - a device
 * @Index: which one, below TESTDEV_COUNT
 *
 * Return: its physical device, or NULL if there is none. Stays valid only as long as the device
 * is not removed.
 */
PDEVICE_OBJECT TestDevPdo(ULONG Index);

/**
 * TestDevWrite() - let a device write TESTDEV_WORD to memory
 * @Index: which device
 * @Logical: logical address to write to
 * @Physical: where the write has to arrive
 *
 * May be called from several threads; does not sleep for long.
 *
 * Return: TESTDEV_REACHED, TESTDEV_REFUSED if the write was stopped, TESTDEV_ELSEWHERE if it
 * arrived at another place, TESTDEV_GONE without a device, or a fault of the device's own.
 */
ULONG TestDevWrite(ULONG Index, IOMMU_DMA_LOGICAL_ADDRESS Logical, ULONGLONG Physical);

/* Takes the device's driver away, or the whole device, as an administrator can at any time. */
VOID TestDevUnbind(ULONG Index);
VOID TestDevRemove(ULONG Index);

/* Brings back what the two calls above have taken away. */
VOID TestDevRestore(VOID);

/* Whether the model of the device's IOMMU raises the event that its driver waits for. */
BOOLEAN TestDevFaultsAreTold(ULONG Index);

/**
 * TestSimPlug() - a device of another kind
 * @Sim: its IOMMU, a software one; filled in
 *
 * Return: the device, or NULL, and nothing to unplug.
 */
PDEVICE_OBJECT TestSimPlug(struct iommusim **Sim);
VOID TestSimUnplug(struct iommusim *Sim, PDEVICE_OBJECT Pdo);

/* Of a report: whether the DMA was a write. */
BOOLEAN TestFaultIsWrite(PFAULT_INFORMATION Information);

/* Adds one to *@Count; and waits some seconds for it to reach @Wanted, and tells whether it did. */
VOID TestSignal(PULONG Count);
BOOLEAN TestWait(PULONG Count, ULONG Wanted);

typedef VOID TEST_ROUTINE(PVOID Context, ULONG Number);

/**
 * TestRunTogether() - run a routine on several processors at the same time
 * @Count: how many at most; with fewer processors, several share one
 * @Routine: called once for each number below @Count
 * @Context: passed on
 *
 * Return: whether all could be started. All have ended in any case.
 */
BOOLEAN TestRunTogether(ULONG Count, TEST_ROUTINE *Routine, PVOID Context);

#endif
