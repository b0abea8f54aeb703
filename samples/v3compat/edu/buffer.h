/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory for DMA, with data in it that can be recognised.
 */
#ifndef EDU_BUFFER_H
#define EDU_BUFFER_H

#include <wdm.h>

/**
 * struct buffer - nonpaged memory
 * @Data: where the processor sees it
 * @Size: bytes, whole pages
 * @Mdl: its pages
 */
typedef struct buffer {
	PUCHAR Data;
	SIZE_T Size;
	PMDL Mdl;
} BUFFER, *PBUFFER;

/**
 * BufferAllocate() - get memory
 * @Buffer: filled in
 * @Pages: number of pages
 * @Scattered: no two of them may be physical neighbours; otherwise all are, in order, and the
 *             first is aligned to the size rounded up to a power of two
 *
 * Return: FALSE if there is none, and nothing to free.
 */
BOOLEAN BufferAllocate(PBUFFER Buffer, ULONG Pages, BOOLEAN Scattered);
VOID BufferFree(PBUFFER Buffer);

/* The buffer as an argument of the map calls: by its MDL, as a range, or by page numbers. */
IOMMU_MAP_PHYSICAL_ADDRESS BufferMdl(PBUFFER Buffer);
IOMMU_MAP_PHYSICAL_ADDRESS BufferRange(PBUFFER Buffer);
IOMMU_MAP_PHYSICAL_ADDRESS BufferPfns(PBUFFER Buffer);

/* Physical address of a byte. */
ULONGLONG BufferPhysical(PBUFFER Buffer, SIZE_T Offset);

/* Bytes that differ from those of nearly every other seed. */
VOID BufferFill(PBUFFER Buffer, ULONG Seed);

/* A constant, and the number of bytes that have changed since. */
VOID BufferPoison(PBUFFER Buffer);
SIZE_T BufferChanged(PBUFFER Buffer);

/* Number of bytes in which two buffers of one size differ. */
SIZE_T BufferDifference(PBUFFER Left, PBUFFER Right);

/* The pages below a buffer: pages.c */
PVOID PagesAllocate(ULONG Pages, BOOLEAN Scattered);
VOID PagesFree(PVOID Memory, ULONG Pages);

#endif
