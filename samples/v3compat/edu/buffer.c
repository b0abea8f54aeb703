// SPDX-License-Identifier: GPL-2.0
/*
 * Memory for DMA: its description, and data in it that can be recognised.
 */
#include <wdm.h>

#include "buffer.h"

#define POISON 0x5a

BOOLEAN BufferAllocate(PBUFFER Buffer, ULONG Pages, BOOLEAN Scattered)
{
	Buffer->Size = (SIZE_T)Pages << PAGE_SHIFT;
	Buffer->Data = PagesAllocate(Pages, Scattered);
	Buffer->Mdl = NULL;
	if (Buffer->Data)
		Buffer->Mdl = IoAllocateMdl(Buffer->Data, (ULONG)Buffer->Size, FALSE, FALSE, NULL);
	if (!Buffer->Mdl) {
		BufferFree(Buffer);
		return FALSE;
	}
	MmBuildMdlForNonPagedPool(Buffer->Mdl);
	return TRUE;
}

VOID BufferFree(PBUFFER Buffer)
{
	if (Buffer->Mdl)
		IoFreeMdl(Buffer->Mdl);
	if (Buffer->Data)
		PagesFree(Buffer->Data, (ULONG)(Buffer->Size >> PAGE_SHIFT));
	Buffer->Mdl = NULL;
	Buffer->Data = NULL;
}

IOMMU_MAP_PHYSICAL_ADDRESS BufferMdl(PBUFFER Buffer)
{
	IOMMU_MAP_PHYSICAL_ADDRESS Physical = { .MapType = MapPhysicalAddressTypeMdl };

	Physical.Mdl.Mdl = Buffer->Mdl;
	return Physical;
}

IOMMU_MAP_PHYSICAL_ADDRESS BufferRange(PBUFFER Buffer)
{
	IOMMU_MAP_PHYSICAL_ADDRESS Physical = { .MapType = MapPhysicalAddressTypeContiguousRange };

	Physical.ContiguousRange.Base.QuadPart = BufferPhysical(Buffer, 0);
	Physical.ContiguousRange.Size = Buffer->Size;
	return Physical;
}

IOMMU_MAP_PHYSICAL_ADDRESS BufferPfns(PBUFFER Buffer)
{
	IOMMU_MAP_PHYSICAL_ADDRESS Physical = { .MapType = MapPhysicalAddressTypePfn };

	Physical.PfnArray.PageFrame = MmGetMdlPfnArray(Buffer->Mdl);
	Physical.PfnArray.NumberOfPages = Buffer->Size >> PAGE_SHIFT;
	return Physical;
}

ULONGLONG BufferPhysical(PBUFFER Buffer, SIZE_T Offset)
{
	PFN_NUMBER Pfn = MmGetMdlPfnArray(Buffer->Mdl)[Offset >> PAGE_SHIFT];

	return ((ULONGLONG)Pfn << PAGE_SHIFT) | BYTE_OFFSET(Offset);
}

VOID BufferFill(PBUFFER Buffer, ULONG Seed)
{
	ULONG State = Seed * 2654435761u + 1;
	SIZE_T i;

	for (i = 0; i < Buffer->Size; i++) {
		State = State * 1664525u + 1013904223u;
		Buffer->Data[i] = (UCHAR)(State >> 24);
	}
}

VOID BufferPoison(PBUFFER Buffer)
{
	SIZE_T i;

	for (i = 0; i < Buffer->Size; i++)
		Buffer->Data[i] = POISON;
}

SIZE_T BufferChanged(PBUFFER Buffer)
{
	SIZE_T Changed = 0;
	SIZE_T i;

	for (i = 0; i < Buffer->Size; i++)
		if (Buffer->Data[i] != POISON)
			Changed++;
	return Changed;
}

SIZE_T BufferDifference(PBUFFER Left, PBUFFER Right)
{
	SIZE_T Different = 0;
	SIZE_T i;

	for (i = 0; i < Left->Size; i++)
		if (Left->Data[i] != Right->Data[i])
			Different++;
	return Different;
}
