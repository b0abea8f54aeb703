// SPDX-License-Identifier: GPL-2.0
/*
 * Physical addresses of a program.
 */
#include "internal.h"

PHYSICAL_ADDRESS MmGetPhysicalAddress(PVOID BaseAddress)
{
	PHYSICAL_ADDRESS physical;
	uintptr_t va = (uintptr_t)BaseAddress;
	void *page = (void *)(va & ~(uintptr_t)(PAGE_SIZE - 1));

	physical.QuadPart = ((ULONGLONG)v3l_frame_of(page) << PAGE_SHIFT) + BYTE_OFFSET(va);
	return physical;
}
