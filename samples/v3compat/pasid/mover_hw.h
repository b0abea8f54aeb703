/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the DMA part needs from the rest of the driver: the engine.
 */
#ifndef MOVER_HW_H
#define MOVER_HW_H

#include <wdm.h>

/* The PASID of a transfer that is not tagged with one. */
#define MOVER_UNTAGGED (~0u)

typedef struct mover_engine MOVER_ENGINE, *PMOVER_ENGINE;

/**
 * struct mover_transfer - a piece of work for the engine
 * @Pasid: tags the transfer: in whose address space both addresses are
 * @AskForPages: the engine asks for what is not mapped and waits for an answer, instead of giving
 *               up at once
 * @Source: logical address that is read
 * @Destination: logical address that is written
 * @Length: bytes
 * @Done: set when all of it was moved
 * @FaultAddress: otherwise, the address that could not be read or written
 */
typedef struct mover_transfer {
	ULONG Pasid;
	BOOLEAN AskForPages;
	IOMMU_DMA_LOGICAL_ADDRESS Source;
	IOMMU_DMA_LOGICAL_ADDRESS Destination;
	SIZE_T Length;
	BOOLEAN Done;
	IOMMU_DMA_LOGICAL_ADDRESS FaultAddress;
} MOVER_TRANSFER, *PMOVER_TRANSFER;

/**
 * MoverRun() - let the engine work
 * @Engine: the engine
 * @Transfers: what to do; each on a queue of its own, all at once
 * @Count: how many
 *
 * Waits for the last one; may sleep.
 *
 * Return: STATUS_SUCCESS when the engine has finished, whatever became of each transfer;
 * STATUS_INSUFFICIENT_RESOURCES when it had no queue for all of them and did nothing.
 */
NTSTATUS MoverRun(PMOVER_ENGINE Engine, PMOVER_TRANSFER Transfers, ULONG Count);

/* Whether this machine lets a driver answer when the engine asks for pages. */
BOOLEAN MoverPagesCanBeServed(PMOVER_ENGINE Engine);

#endif
