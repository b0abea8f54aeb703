/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_TESTS_WINDOWS_STYLE_H
#define V3COMPAT_TESTS_WINDOWS_STYLE_H

#include <wdm.h>

typedef struct _WINDOWS_STYLE_RESULT {
	NTSTATUS Status;
	ULONG Step;
	ULONG Callbacks;
	BOOLEAN DataReached;
	BOOLEAN Finished;
} WINDOWS_STYLE_RESULT, *PWINDOWS_STYLE_RESULT;

typedef BOOLEAN WINDOWS_STYLE_DMA(PDEVICE_OBJECT Pdo, ULONGLONG LogicalAddress, PVOID Expected,
				  ULONG Length);
typedef WINDOWS_STYLE_DMA *PWINDOWS_STYLE_DMA;

ULONG WindowsStyleMissingLegacy(const DMA_IOMMU_INTERFACE *Interface);
ULONG WindowsStyleMissingV1(const DMA_IOMMU_INTERFACE_V1 *Table);
ULONG WindowsStyleMissingV2(const DMA_IOMMU_INTERFACE_V2 *Table);
ULONG WindowsStyleMissingV3(const DMA_IOMMU_INTERFACE_V3 *Table);
ULONG WindowsStyleBadBits(VOID);
ULONG WindowsStyleSpellings(VOID);
VOID WindowsStyleRun(struct _DEVICE_OBJECT *Pdo, PVOID Buffer, PPFN_NUMBER PageFrame,
		     PWINDOWS_STYLE_DMA Dma, PWINDOWS_STYLE_RESULT Result);

#endif
