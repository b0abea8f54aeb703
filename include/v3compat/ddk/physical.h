/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Physical memory: addresses of it, memory at certain addresses, and memory of devices.
 *
 * A program has MmGetPhysicalAddress() only, because it has no physical memory to allocate, and no
 * memory of a device but what that device's driver maps into it.
 */
#ifndef _V3COMPAT_DDK_PHYSICAL_H
#define _V3COMPAT_DDK_PHYSICAL_H

#include "mdl.h"

#ifdef __KERNEL__
#include <linux/pgtable.h>
/* Linux' protection of this name is for the page tables of processes. */
#undef PAGE_READONLY
#endif

V3COMPAT_BEGIN

#define PAGE_NOACCESS 0x01
#define PAGE_READONLY 0x02
#define PAGE_READWRITE 0x04
#define PAGE_WRITECOPY 0x08
#define PAGE_EXECUTE 0x10
#define PAGE_EXECUTE_READ 0x20
#define PAGE_EXECUTE_READWRITE 0x40
#define PAGE_EXECUTE_WRITECOPY 0x80
#define PAGE_GUARD 0x100
#define PAGE_NOCACHE 0x200
#define PAGE_WRITECOMBINE 0x400

/**
 * MmGetPhysicalAddress() - the physical address of memory
 * @BaseAddress: an address of the kernel, or of memory of the current process that is present
 *
 * In a program: the offset in the pool of v3compat_use_pool(), or an address that
 * v3compat_use_machine_frames() allows to know. All ones above bit 11 for other memory, as in the
 * PFN arrays of MDLs.
 *
 * Context: Any.
 * Return: The physical address; 0 where there is none.
 *
 * Source: ntddk.h page mmgetphysicaladdress.
 */
PHYSICAL_ADDRESS MmGetPhysicalAddress(PVOID BaseAddress);

#ifdef __KERNEL__

#define MM_DONT_ZERO_ALLOCATION 0x00000001
#define MM_ALLOCATE_FROM_LOCAL_NODE_ONLY 0x00000002
#define MM_ALLOCATE_FULLY_REQUIRED 0x00000004
#define MM_ALLOCATE_NO_WAIT 0x00000008
#define MM_ALLOCATE_PREFER_CONTIGUOUS 0x00000010
#define MM_ALLOCATE_REQUIRE_CONTIGUOUS_CHUNKS 0x00000020
#define MM_ALLOCATE_FAST_LARGE_PAGES 0x00000040

typedef ULONG NODE_REQUIREMENT;
#define MM_ANY_NODE_OK 0x80000000

/**
 * MmGetVirtualForPhysical() - the kernel address of RAM
 * @PhysicalAddress: of the RAM
 *
 * Context: Any.
 * Return: The address in the kernel's own map of memory; NULL for what is not in it.
 *
 * Source: ntddk.h page mmgetvirtualforphysical.
 */
PVOID MmGetVirtualForPhysical(PHYSICAL_ADDRESS PhysicalAddress);

/**
 * MmIsAddressValid() - tell whether an access would find memory
 * @VirtualAddress: an address of the kernel or of the current process
 *
 * Says nothing about the next moment, unless the memory is locked, nor whether it may be written.
 *
 * Context: Any.
 * Return: TRUE if there is something at the address.
 *
 * Source: ntddk.h page mmisaddressvalid.
 */
BOOLEAN MmIsAddressValid(PVOID VirtualAddress);

/**
 * MmAllocatePagesForMdlEx() - allocate pages, which need no kernel address
 * @LowAddress: the lowest physical address
 * @HighAddress: the highest one, with its last byte
 * @SkipBytes: the range is repeated at distances of this many bytes, whole pages; 0 means that it
 *	is not. With MM_ALLOCATE_REQUIRE_CONTIGUOUS_CHUNKS it is something else, see there
 * @TotalBytes: up to 4 GiB - 4096; rounded up to whole pages
 * @CacheType: ignored, see MEMORY_CACHING_TYPE
 * @Flags: MM_* bits
 *
 * * MM_DONT_ZERO_ALLOCATION: the pages are not zeroed.
 * * MM_ALLOCATE_FROM_LOCAL_NODE_ONLY: all pages are of the NUMA node that the call is made on.
 * * MM_ALLOCATE_FULLY_REQUIRED: all bytes or none.
 * * MM_ALLOCATE_NO_WAIT: does not sleep, as atomic context does not.
 * * MM_ALLOCATE_PREFER_CONTIGUOUS: ignored.
 * * MM_ALLOCATE_REQUIRE_CONTIGUOUS_CHUNKS: with @SkipBytes 0, one contiguous block or none.
 *   Otherwise blocks of @SkipBytes each, aligned to that: a power of two that divides @TotalBytes.
 *   The kernel has blocks up to 4 MiB (the largest order of its page allocator).
 * * MM_ALLOCATE_FAST_LARGE_PAGES: needs the one before; the kernel makes no difference.
 *
 * Linux allocates by zones, which are coarser than ranges: it is tried a number of times whether
 * pages of a zone are in the range.
 *
 * The MDL has MDL_PAGES_LOCKED set and no address (StartVa is NULL). MmFreePagesFromMdl() and then
 * ExFreePool() undo this, not IoFreeMdl().
 *
 * Context: Any up to softirq, also with spinlocks held (<= DISPATCH_LEVEL).
 * Return: An MDL, which has fewer bytes than were wanted if no more were found; NULL if none were,
 * and for a range, a length or flags that are not as said above.
 *
 * Source: wdm.h page mmallocatepagesformdlex.
 */
PMDL MmAllocatePagesForMdlEx(PHYSICAL_ADDRESS LowAddress, PHYSICAL_ADDRESS HighAddress,
			     PHYSICAL_ADDRESS SkipBytes, SIZE_T TotalBytes,
			     MEMORY_CACHING_TYPE CacheType, ULONG Flags);

/**
 * MmAllocatePagesForMdl() - MmAllocatePagesForMdlEx() without flags
 * @LowAddress: as there
 * @HighAddress: as there
 * @SkipBytes: as there
 * @TotalBytes: as there
 *
 * Context: As there.
 * Return: As there.
 *
 * Source: wdm.h page mmallocatepagesformdl.
 */
static inline PMDL MmAllocatePagesForMdl(PHYSICAL_ADDRESS LowAddress, PHYSICAL_ADDRESS HighAddress,
					 PHYSICAL_ADDRESS SkipBytes, SIZE_T TotalBytes)
{
	return MmAllocatePagesForMdlEx(LowAddress, HighAddress, SkipBytes, TotalBytes, MmCached, 0);
}

/**
 * MmFreePagesFromMdl() - free the pages of MmAllocatePagesForMdlEx()
 * @MemoryDescriptorList: its MDL; others are left alone. A mapping of it is released. ExFreePool()
 *	frees the MDL
 *
 * Context: Any up to softirq, also with spinlocks held (<= DISPATCH_LEVEL).
 *
 * Source: wdm.h page mmfreepagesfrommdl.
 */
void MmFreePagesFromMdl(PMDL MemoryDescriptorList);

/**
 * MmAllocateContiguousNodeMemory() - allocate memory that is contiguous in physical addresses
 * @NumberOfBytes: up to 4 MiB, which is the largest order of the kernel's page allocator
 * @LowestAcceptableAddress: the lowest physical address
 * @HighestAcceptableAddress: the highest one, with its last byte
 * @BoundaryAddressMultiple: no multiple of this is crossed; 0 means that any may be
 * @Protect: ignored: the memory is readable, writable and never executable. For PAGE_NOCACHE and
 *	PAGE_WRITECOMBINE see MEMORY_CACHING_TYPE
 * @PreferredNode: a NUMA node, of which it must be, or MM_ANY_NODE_OK
 *
 * The memory begins with a page and is not zeroed. Twice @NumberOfBytes may be used for it. Linux
 * allocates by zones, which are coarser than ranges: it is tried a number of times whether memory
 * of a zone is in the range.
 *
 * Context: Any up to softirq, also with spinlocks held (<= DISPATCH_LEVEL).
 * Return: The kernel address, to be freed by MmFreeContiguousMemory(); NULL if there is no such
 * memory, or a parameter is not as said above.
 *
 * Source: wdm.h page mmallocatecontiguousnodememory.
 */
PVOID MmAllocateContiguousNodeMemory(SIZE_T NumberOfBytes,
				     PHYSICAL_ADDRESS LowestAcceptableAddress,
				     PHYSICAL_ADDRESS HighestAcceptableAddress,
				     PHYSICAL_ADDRESS BoundaryAddressMultiple, ULONG Protect,
				     NODE_REQUIREMENT PreferredNode);

/**
 * MmAllocateContiguousMemorySpecifyCacheNode() - MmAllocateContiguousNodeMemory() by a cache type
 * @NumberOfBytes: as there
 * @LowestAcceptableAddress: as there
 * @HighestAcceptableAddress: as there
 * @BoundaryAddressMultiple: as there
 * @CacheType: ignored, see MEMORY_CACHING_TYPE
 * @PreferredNode: as there
 *
 * Context: As there.
 * Return: As there.
 *
 * Source: wdm.h page mmallocatecontiguousmemoryspecifycachenode.
 */
static inline PVOID MmAllocateContiguousMemorySpecifyCacheNode(
	SIZE_T NumberOfBytes, PHYSICAL_ADDRESS LowestAcceptableAddress,
	PHYSICAL_ADDRESS HighestAcceptableAddress, PHYSICAL_ADDRESS BoundaryAddressMultiple,
	MEMORY_CACHING_TYPE CacheType, NODE_REQUIREMENT PreferredNode)
{
	(void)CacheType;
	return MmAllocateContiguousNodeMemory(NumberOfBytes, LowestAcceptableAddress,
					      HighestAcceptableAddress, BoundaryAddressMultiple,
					      PAGE_READWRITE, PreferredNode);
}

/**
 * MmAllocateContiguousMemorySpecifyCache() - the same on any node
 * @NumberOfBytes: as of MmAllocateContiguousNodeMemory()
 * @LowestAcceptableAddress: as there
 * @HighestAcceptableAddress: as there
 * @BoundaryAddressMultiple: as there
 * @CacheType: ignored, see MEMORY_CACHING_TYPE
 *
 * Context: As there.
 * Return: As there.
 *
 * Source: wdm.h page mmallocatecontiguousmemoryspecifycache.
 */
static inline PVOID MmAllocateContiguousMemorySpecifyCache(
	SIZE_T NumberOfBytes, PHYSICAL_ADDRESS LowestAcceptableAddress,
	PHYSICAL_ADDRESS HighestAcceptableAddress, PHYSICAL_ADDRESS BoundaryAddressMultiple,
	MEMORY_CACHING_TYPE CacheType)
{
	return MmAllocateContiguousMemorySpecifyCacheNode(NumberOfBytes, LowestAcceptableAddress,
							  HighestAcceptableAddress,
							  BoundaryAddressMultiple, CacheType,
							  MM_ANY_NODE_OK);
}

/**
 * MmAllocateContiguousMemory() - the same on any node, below an address
 * @NumberOfBytes: as of MmAllocateContiguousNodeMemory()
 * @HighestAcceptableAddress: as there
 *
 * Context: As there.
 * Return: As there.
 *
 * Source: wdm.h page mmallocatecontiguousmemory.
 */
static inline PVOID MmAllocateContiguousMemory(SIZE_T NumberOfBytes,
					       PHYSICAL_ADDRESS HighestAcceptableAddress)
{
	PHYSICAL_ADDRESS Any = { .QuadPart = 0 };

	return MmAllocateContiguousMemorySpecifyCache(NumberOfBytes, Any, HighestAcceptableAddress,
						      Any, MmCached);
}

/**
 * MmFreeContiguousMemory() - free what MmAllocateContiguousMemory() and its kind gave
 * @BaseAddress: what that returned; NULL does nothing
 *
 * Context: Any up to softirq, also with spinlocks held (<= DISPATCH_LEVEL).
 *
 * Source: wdm.h page mmfreecontiguousmemory.
 */
void MmFreeContiguousMemory(PVOID BaseAddress);

/**
 * MmFreeContiguousMemorySpecifyCache() - MmFreeContiguousMemory() with what the memory was
 *	allocated with
 * @BaseAddress: as there
 * @NumberOfBytes: ignored
 * @CacheType: ignored
 *
 * Context: As there.
 *
 * Source: wdm.h page mmfreecontiguousmemoryspecifycache.
 */
static inline void MmFreeContiguousMemorySpecifyCache(PVOID BaseAddress, SIZE_T NumberOfBytes,
						      MEMORY_CACHING_TYPE CacheType)
{
	(void)NumberOfBytes;
	(void)CacheType;
	MmFreeContiguousMemory(BaseAddress);
}

/**
 * MmMapIoSpace() - map memory of a device
 * @PhysicalAddress: its first byte
 * @NumberOfBytes: in bytes
 * @CacheType: MmNonCached, MmWriteCombined, MmCached, or what is as one of these
 *
 * RAM is mapped as MmCached only, because processors must not see it in two ways.
 *
 * Context: Process context, may sleep. From atomic context it gives NULL: a driver maps when its
 * device starts.
 * Return: The kernel address of the first byte, to be unmapped by MmUnmapIoSpace(). NULL for no
 * bytes, beyond the physical addresses of the machine, for what is RAM in parts, and without
 * resources.
 *
 * Source: wdm.h page mmmapiospace.
 */
PVOID MmMapIoSpace(PHYSICAL_ADDRESS PhysicalAddress, SIZE_T NumberOfBytes,
		   MEMORY_CACHING_TYPE CacheType);

/**
 * MmMapIoSpaceEx() - MmMapIoSpace() by a protection
 * @PhysicalAddress: as there
 * @NumberOfBytes: as there
 * @Protect: PAGE_NOCACHE for MmNonCached, PAGE_WRITECOMBINE for MmWriteCombined, neither for
 *	MmCached. Other bits are ignored: the mapping is readable, writable and never executable
 *
 * Context: As there.
 * Return: As there; NULL for both bits, too.
 *
 * Source: wdm.h page mmmapiospaceex.
 */
static inline PVOID MmMapIoSpaceEx(PHYSICAL_ADDRESS PhysicalAddress, SIZE_T NumberOfBytes,
				   ULONG Protect)
{
	MEMORY_CACHING_TYPE CacheType = MmCached;

	if (Protect & PAGE_NOCACHE)
		CacheType = MmNonCached;
	if (Protect & PAGE_WRITECOMBINE)
		CacheType = Protect & PAGE_NOCACHE ? MmNotMapped : MmWriteCombined;
	return MmMapIoSpace(PhysicalAddress, NumberOfBytes, CacheType);
}

/**
 * MmUnmapIoSpace() - undo MmMapIoSpace()
 * @BaseAddress: what that returned; other addresses are left alone
 * @NumberOfBytes: ignored
 *
 * Context: Any up to softirq, also with spinlocks held (<= DISPATCH_LEVEL). In atomic context the
 * mapping goes later.
 *
 * Source: wdm.h page mmunmapiospace.
 */
void MmUnmapIoSpace(PVOID BaseAddress, SIZE_T NumberOfBytes);

#endif

V3COMPAT_END

#endif /* _V3COMPAT_DDK_PHYSICAL_H */
