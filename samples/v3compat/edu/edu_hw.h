/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the DMA part needs from the rest of the driver: the engine, and what the machine is
 * like.
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

/* Most and present number of levels of the page tables that the processor walks. */
#define EDU_MAX_TABLE_LEVELS 5
ULONG EduTableLevels(VOID);

#endif /* EDU_HW_H */
