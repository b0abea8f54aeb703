/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the DMA part needs from the rest of the driver: the engine, a worker thread, and what the
 * machine and its administrator do.
 */
#ifndef EDU_HW_H
#define EDU_HW_H

#include <wdm.h>

/* Size of the engine's internal buffer, the most that one transfer moves. */
#define EDU_BUFFER_SIZE 4096

/* Addresses that the system chooses for the engine have at most this many bits. */
#define EDU_ADDRESS_WIDTH 32

typedef struct edu_engine EDU_ENGINE, *PEDU_ENGINE;

typedef enum {
	EduMemoryToEngine,
	EduEngineToMemory,
} EDU_DIRECTION;

/**
 * EduTransfer() - move data between memory and the engine's buffer
 * @Engine: the engine
 * @Direction: which way
 * @Memory: logical address of the memory, as the engine will emit it
 * @Length: bytes to move, at most EDU_BUFFER_SIZE, from the start of the buffer
 *
 * Waits for the end of the transfer; may sleep. The engine cannot see a translation fault: it
 * ends such a transfer like any other.
 *
 * Return: STATUS_SUCCESS when the engine has finished, STATUS_UNSUCCESSFUL when it does not.
 */
NTSTATUS EduTransfer(PEDU_ENGINE Engine, EDU_DIRECTION Direction,
		     IOMMU_DMA_LOGICAL_ADDRESS Memory, ULONG Length);

/*
 * The engine's worker: EduPrepareWork() says what it does, EduStartWork() lets it do that once,
 * from any thread, EduFinishWork() waits until it is idle.
 */
VOID EduPrepareWork(PEDU_ENGINE Engine, VOID (*Routine)(PVOID Context), PVOID Context);
VOID EduStartWork(PEDU_ENGINE Engine);
VOID EduFinishWork(PEDU_ENGINE Engine);

/* Most and present number of levels of the page tables that the processor walks. */
#define EDU_MAX_TABLE_LEVELS 5
ULONG EduTableLevels(VOID);

/*
 * What an administrator does: from now on no device may see all of memory; and back to what was
 * before. Of the whole machine, so not to be used through two devices at once. FALSE when refused.
 */
BOOLEAN EduGuardEveryDevice(PEDU_ENGINE Engine);
BOOLEAN EduRestoreGuard(PEDU_ENGINE Engine);

#endif
