/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory descriptor lists.
 */
#ifndef _V3COMPAT_DDK_MDL_H
#define _V3COMPAT_DDK_MDL_H

#include "page.h"
#include "status.h"

V3COMPAT_BEGIN

/**
 * struct _MDL - memory descriptor list: a buffer and the pages behind it
 * @Next: next element of a chain, NULL in the last. A driver chains by setting it
 * @Size: bytes of this header and its PFN array; truncated for buffers beyond 16 MiB, so not to be
 *	relied on
 * @MdlFlags: MDL_* bits. The PFN array is filled exactly while at least one of MDL_PAGES_LOCKED,
 *	MDL_SOURCE_IS_NONPAGED_POOL and MDL_PARTIAL is set
 * @PagesCapacity: entries the PFN array has room for (this implementation's own; unnamed on
 *	Windows)
 * @Process: set while user pages are pinned (opaque)
 * @MappedSystemVa: kernel address of the first byte while MDL_MAPPED_TO_SYSTEM_VA or
 *	MDL_SOURCE_IS_NONPAGED_POOL is set
 * @StartVa: address of the buffer, rounded down to a page
 * @ByteCount: bytes in the buffer
 * @ByteOffset: where in its first page the buffer begins
 *
 * The array of page frame numbers, ByteOffset + ByteCount rounded up to pages, follows the header.
 * The map calls of DMA_IOMMU_INTERFACE take a chain as one buffer; every element must be whole
 * pages.
 *
 * Source: wdm.h page _mdl.
 */
typedef struct _MDL {
	struct _MDL *Next;
	CSHORT Size;
	CSHORT MdlFlags;
	ULONG PagesCapacity;
	struct _EPROCESS *Process;
	PVOID MappedSystemVa;
	PVOID StartVa;
	ULONG ByteCount;
	ULONG ByteOffset;
} MDL, *PMDL;
typedef MDL MDLX, *PMDLX;
V3COMPAT_LAYOUT(MDL, 0x30);

#define MDL_MAPPED_TO_SYSTEM_VA 0x0001
#define MDL_PAGES_LOCKED 0x0002
#define MDL_SOURCE_IS_NONPAGED_POOL 0x0004
#define MDL_ALLOCATED_FIXED_SIZE 0x0008
#define MDL_PARTIAL 0x0010
#define MDL_PARTIAL_HAS_BEEN_MAPPED 0x0020
#define MDL_IO_PAGE_READ 0x0040
#define MDL_WRITE_OPERATION 0x0080
#define MDL_LOCKED_PAGE_TABLES 0x0100
#define MDL_PARENT_MAPPED_SYSTEM_VA MDL_LOCKED_PAGE_TABLES
#define MDL_FREE_EXTRA_PTES 0x0200
#define MDL_DESCRIBES_AWE 0x0400
#define MDL_IO_SPACE 0x0800
#define MDL_NETWORK_HEADER 0x1000
#define MDL_MAPPING_CAN_FAIL 0x2000
#define MDL_PAGE_CONTENTS_INVARIANT 0x4000
#define MDL_INTERNAL 0x8000

/**
 * enum _MEMORY_CACHING_TYPE - how processors cache memory that is mapped
 * @MmNonCached: not at all
 * @MmCached: as they cache memory in general
 * @MmWriteCombined: writes are combined, reads are not cached
 * @MmHardwareCoherentCached: as MmCached
 * @MmNonCachedUnordered: as MmWriteCombined
 * @MmUSWCCached: not supported
 * @MmMaximumCacheType: number of types
 * @MmNotMapped: none yet
 *
 * This is obeyed where device memory is mapped. RAM is always MmCached, because the kernel has it
 * mapped so already, and devices see the caches.
 *
 * Source: wdm.h page _memory_caching_type.
 */
enum _MEMORY_CACHING_TYPE {
	MmNonCached = 0,
	MmCached = 1,
	MmWriteCombined = 2,
	MmHardwareCoherentCached = 3,
	MmNonCachedUnordered = 4,
	MmUSWCCached = 5,
	MmMaximumCacheType = 6,
	MmNotMapped = -1,
};
typedef enum _MEMORY_CACHING_TYPE MEMORY_CACHING_TYPE;

#define MmFrameBufferCached MmWriteCombined

/**
 * enum _MM_PAGE_PRIORITY - how important it is that a mapping succeeds
 * @LowPagePriority: little
 * @NormalPagePriority: normal
 * @HighPagePriority: very
 *
 * All three are the same here. MdlMappingNoWrite and MdlMappingNoExecute may be added.
 *
 * Source: wdm.h page mmgetsystemaddressformdlsafe.
 */
enum _MM_PAGE_PRIORITY {
	LowPagePriority = 0,
	NormalPagePriority = 16,
	HighPagePriority = 32,
};
typedef enum _MM_PAGE_PRIORITY MM_PAGE_PRIORITY;

#define MdlMappingNoWrite 0x80000000
#define MdlMappingNoExecute 0x40000000

/**
 * enum _MODE - who supplied an address; the values of KPROCESSOR_MODE
 * @KernelMode: trusted code
 * @UserMode: a user process: nothing but its own memory is accepted
 * @MaximumMode: number of modes
 */
enum _MODE {
	KernelMode = 0,
	UserMode = 1,
	MaximumMode = 2,
};
typedef CCHAR KPROCESSOR_MODE;
typedef enum _MODE MODE;

/**
 * enum _LOCK_OPERATION - what is going to be done to locked pages
 * @IoReadAccess: they are only read
 * @IoWriteAccess: they are written
 * @IoModifyAccess: both
 */
enum _LOCK_OPERATION {
	IoReadAccess = 0,
	IoWriteAccess = 1,
	IoModifyAccess = 2,
};

typedef enum _LOCK_OPERATION LOCK_OPERATION;

#define MmGetMdlPfnArray(Mdl) ((PPFN_NUMBER)((Mdl) + 1))
#define MmGetMdlByteCount(Mdl) ((Mdl)->ByteCount)
#define MmGetMdlByteOffset(Mdl) ((Mdl)->ByteOffset)
#define MmGetMdlBaseVa(Mdl) ((Mdl)->StartVa)
#define MmGetMdlVirtualAddress(Mdl) ((PVOID)((PUCHAR)(Mdl)->StartVa + (Mdl)->ByteOffset))

/**
 * MmSizeOfMdl() - bytes that an MDL for a buffer needs
 * @Base: first byte of the buffer; only its offset in the page matters
 * @Length: bytes in the buffer
 *
 * Context: Any.
 * Return: Size of header and PFN array.
 */
static inline SIZE_T MmSizeOfMdl(PVOID Base, SIZE_T Length)
{
	return sizeof(MDL) +
	       sizeof(PFN_NUMBER) * (SIZE_T)ADDRESS_AND_SIZE_TO_SPAN_PAGES(Base, Length);
}

/**
 * MmInitializeMdl() - make an MDL in storage of the caller's own
 * @MemoryDescriptorList: at least MmSizeOfMdl() bytes; any content
 * @BaseVa: first byte of the buffer
 * @Length: bytes in the buffer, less than 4 GiB
 *
 * The PFN array is not filled yet.
 *
 * Context: Any.
 */
static inline void MmInitializeMdl(PMDL MemoryDescriptorList, PVOID BaseVa, SIZE_T Length)
{
	MemoryDescriptorList->Next = (PMDL)0;
	MemoryDescriptorList->Size = (CSHORT)MmSizeOfMdl(BaseVa, Length);
	MemoryDescriptorList->MdlFlags = 0;
	MemoryDescriptorList->Process = (struct _EPROCESS *)0;
	MemoryDescriptorList->MappedSystemVa = (PVOID)0;
	MemoryDescriptorList->StartVa =
		(PVOID)((ULONG_PTR)BaseVa & ~(ULONG_PTR)(V3COMPAT_PAGE_SIZE - 1));
	MemoryDescriptorList->PagesCapacity = ADDRESS_AND_SIZE_TO_SPAN_PAGES(BaseVa, Length);
	MemoryDescriptorList->ByteOffset = BYTE_OFFSET(BaseVa);
	MemoryDescriptorList->ByteCount = (ULONG)Length;
}

/**
 * IoAllocateMdl() - allocate an MDL for a buffer
 * @VirtualAddress: first byte of the buffer, a kernel or a user address
 * @Length: bytes in the buffer
 * @SecondaryBuffer: must be FALSE, as documented where no IRP is given
 * @ChargeQuota: ignored
 * @Irp: must be NULL: Linux has no IRPs to chain MDLs to. Chain them by _MDL.Next
 *
 * The PFN array is not filled yet: MmBuildMdlForNonPagedPool() or MmProbeAndLockPages() does that.
 *
 * Context: Any up to softirq, also with spinlocks held (<= DISPATCH_LEVEL).
 * Return: The MDL, to be freed by IoFreeMdl(); NULL without memory, for a buffer that wraps, or
 * when a parameter is not as said above.
 *
 * Source: wdm.h page ioallocatemdl.
 */
PMDL IoAllocateMdl(PVOID VirtualAddress, ULONG Length, BOOLEAN SecondaryBuffer,
		   BOOLEAN ChargeQuota, PIRP Irp);

/**
 * IoFreeMdl() - free an MDL made by IoAllocateMdl()
 * @Mdl: the MDL, or NULL. Not the rest of its chain
 *
 * Pages that are still locked are unlocked first, and a mapping of the MDL's own is released.
 *
 * Context: Any up to softirq, also with spinlocks held (<= DISPATCH_LEVEL).
 *
 * Source: wdm.h page iofreemdl.
 */
void IoFreeMdl(PMDL Mdl);

/**
 * IoBuildPartialMdl() - describe a part of a buffer by another MDL
 * @SourceMdl: an MDL with pages
 * @TargetMdl: made for at least as many pages as the part spans; not locked itself. It may
 *	describe another part already: a mapping of its own is released
 * @VirtualAddress: first byte of the part
 * @Length: bytes in the part; 0 means up to the end of @SourceMdl
 *
 * On success MDL_PARTIAL is set in @TargetMdl, which is valid as long as the pages of @SourceMdl
 * are. A kernel address that @SourceMdl has is @TargetMdl's, too, and so are the flags that say so.
 * Where Windows stops the machine (a part outside the source, a target too small), @TargetMdl is
 * left without pages.
 *
 * Context: Any up to softirq, also with spinlocks held (<= DISPATCH_LEVEL).
 *
 * Source: wdm.h page iobuildpartialmdl.
 */
void IoBuildPartialMdl(PMDL SourceMdl, PMDL TargetMdl, PVOID VirtualAddress, ULONG Length);

/**
 * MmBuildMdlForNonPagedPool() - fill in the pages of a kernel buffer
 * @MemoryDescriptorList: an MDL whose buffer is kernel memory: kmalloc(), alloc_pages(), vmalloc(),
 *	or static data. It is not pinned and must outlive its use
 *
 * On success MDL_SOURCE_IS_NONPAGED_POOL is set. A buffer that is not kernel memory throughout
 * leaves the MDL without pages, which the map calls refuse.
 *
 * Context: Any up to softirq, also with spinlocks held (<= DISPATCH_LEVEL).
 *
 * Source: wdm.h page mmbuildmdlfornonpagedpool.
 */
void MmBuildMdlForNonPagedPool(PMDL MemoryDescriptorList);

/**
 * MmProbeAndLockPages() - fill in the pages of a buffer and keep them in memory
 * @MemoryDescriptorList: an MDL without pages
 * @AccessMode: KernelMode or UserMode
 * @Operation: a LOCK_OPERATION
 *
 * V3cProbeAndLockPages() without its status: where Windows raises an exception, Linux has none to
 * raise, and MDL_PAGES_LOCKED stays clear in MdlFlags. A driver replaces its exception handler by a
 * test of that bit, or calls V3cProbeAndLockPages().
 *
 * Context: As V3cProbeAndLockPages().
 *
 * Source: wdm.h page mmprobeandlockpages.
 */
void MmProbeAndLockPages(PMDL MemoryDescriptorList, KPROCESSOR_MODE AccessMode,
			 LOCK_OPERATION Operation);

/**
 * MmUnlockPages() - undo MmProbeAndLockPages()
 * @MemoryDescriptorList: the MDL; one that is not locked is left alone
 *
 * Pages locked for writing are marked dirty. No device may still reach them. A mapping that
 * MmGetSystemAddressForMdlSafe() made is released.
 *
 * Context: Any up to softirq, also with spinlocks held (<= DISPATCH_LEVEL).
 *
 * Source: wdm.h page mmunlockpages.
 */
void MmUnlockPages(PMDL MemoryDescriptorList);

/**
 * V3cProbeAndLockPages() - MmProbeAndLockPages() with a result (Linux only)
 * @MemoryDescriptorList: one MDL, not a chain, without pages
 * @AccessMode: UserMode: the buffer must be memory of the current process. KernelMode: kernel
 *	memory, which is not pinned and must outlive its use, or memory of the current process
 * @Operation: a LOCK_OPERATION
 *
 * User pages are pinned for as long as a device may need (FOLL_LONGTERM) and charged to the
 * RLIMIT_MEMLOCK of the current user, once per call. On failure nothing stays pinned or charged.
 *
 * Context: Process context, may sleep; any for kernel memory with KernelMode.
 *
 * Return:
 * * STATUS_SUCCESS - MDL_PAGES_LOCKED is set and the PFN array filled
 * * STATUS_INVALID_PARAMETER_1 - @MemoryDescriptorList is NULL, of no length, or has pages already
 * * STATUS_INVALID_PARAMETER_2 - @AccessMode is neither mode
 * * STATUS_INVALID_PARAMETER_3 - @Operation is no LOCK_OPERATION
 * * STATUS_ACCESS_VIOLATION - some of the buffer is not mapped, not memory, may not be written, or
 *   belongs to the kernel in UserMode
 * * STATUS_WORKING_SET_QUOTA - RLIMIT_MEMLOCK would be exceeded, and the caller lacks CAP_IPC_LOCK
 * * STATUS_INSUFFICIENT_RESOURCES - out of memory
 * * STATUS_UNSUCCESSFUL - interrupted by a fatal signal, pages cannot be pinned for long, or user
 *   memory from atomic context (warns once)
 */
NTSTATUS V3cProbeAndLockPages(PMDL MemoryDescriptorList, KPROCESSOR_MODE AccessMode,
			      LOCK_OPERATION Operation);

/**
 * MmMapLockedPagesSpecifyCache() - give the pages of an MDL a kernel address
 * @MemoryDescriptorList: one MDL, not a chain, with pages
 * @AccessMode: KernelMode. There are no mappings into processes: UserMode gives NULL, and raises
 *	STATUS_NOT_SUPPORTED in a __try block. In a program both modes are the same
 * @CacheType: ignored, as Windows does for memory that has a cache type already, see
 *	MEMORY_CACHING_TYPE
 * @RequestedAddress: ignored
 * @BugCheckOnFailure: ignored: nothing stops the machine
 * @Priority: an MM_PAGE_PRIORITY and MdlMapping* bits
 *
 * Pages that lie one behind the other are given by the kernel's own map of memory, which costs
 * nothing. Others are mapped, each with a reference of its own, which may sleep: atomic context
 * gets NULL for them, as Windows gives where resources lack. A driver that needs the address there
 * asks for it before.
 *
 * No mapping is executable. MdlMappingNoWrite makes one read-only that is made; an address that
 * memory has already stays writable.
 *
 * An MDL that has an address keeps it: it is returned again, also by two calls at once.
 *
 * In a program it is the address of the buffer.
 *
 * Context: Any up to softirq, also with spinlocks held (<= DISPATCH_LEVEL).
 * Return: The address of the first byte, with its offset in the page; NULL without pages, for
 * MDL_IO_SPACE, without memory, and in the cases above.
 *
 * Source: wdm.h page mmmaplockedpagesspecifycache.
 */
PVOID MmMapLockedPagesSpecifyCache(PMDL MemoryDescriptorList, KPROCESSOR_MODE AccessMode,
				   MEMORY_CACHING_TYPE CacheType, PVOID RequestedAddress,
				   ULONG BugCheckOnFailure, ULONG Priority);

/**
 * MmUnmapLockedPages() - undo MmMapLockedPagesSpecifyCache()
 * @BaseAddress: what that returned
 * @MemoryDescriptorList: the MDL. Left alone are one that is not mapped at @BaseAddress, one built
 *	by MmBuildMdlForNonPagedPool(), and a partial one that has its address from its source
 *
 * The pages may be unlocked and freed right away. In atomic context the address goes later, and
 * keeps the pages until then.
 *
 * Context: Any up to softirq, also with spinlocks held (<= DISPATCH_LEVEL).
 *
 * Source: wdm.h page mmunmaplockedpages.
 */
void MmUnmapLockedPages(PVOID BaseAddress, PMDL MemoryDescriptorList);

/**
 * MmMapLockedPages() - MmMapLockedPagesSpecifyCache() of old
 * @MemoryDescriptorList: as there
 * @AccessMode: as there
 *
 * Context: As there.
 * Return: As there; NULL where Windows stops the machine.
 *
 * Source: wdm.h page mmmaplockedpages.
 */
static inline PVOID MmMapLockedPages(PMDL MemoryDescriptorList, KPROCESSOR_MODE AccessMode)
{
	return MmMapLockedPagesSpecifyCache(MemoryDescriptorList, AccessMode, MmCached, (PVOID)0,
					    TRUE, HighPagePriority);
}

/**
 * MmGetSystemAddressForMdlSafe() - the kernel address of the buffer that an MDL describes
 * @Mdl: one MDL, not a chain, with pages
 * @Priority: an MM_PAGE_PRIORITY and MdlMapping* bits
 *
 * The address that the MDL has, or a new one by MmMapLockedPagesSpecifyCache(), which
 * MmUnlockPages(), IoFreeMdl(), MmPrepareMdlForReuse() and MmFreePagesFromMdl() release, each of
 * its kind of MDL.
 *
 * Context: Any up to softirq, also with spinlocks held (<= DISPATCH_LEVEL).
 * Return: The address of the first byte, or NULL, see MmMapLockedPagesSpecifyCache().
 *
 * Source: wdm.h page mmgetsystemaddressformdlsafe.
 */
static inline PVOID MmGetSystemAddressForMdlSafe(PMDL Mdl, ULONG Priority)
{
	if (Mdl->MdlFlags & (MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL))
		return Mdl->MappedSystemVa;
	return MmMapLockedPagesSpecifyCache(Mdl, KernelMode, MmCached, (PVOID)0, FALSE, Priority);
}

/**
 * MmGetSystemAddressForMdl() - MmGetSystemAddressForMdlSafe() of old
 * @Mdl: as there
 *
 * Context: As there.
 * Return: As there; NULL where Windows stops the machine.
 *
 * Source: wdm.h page mmgetsystemaddressformdl.
 */
static inline PVOID MmGetSystemAddressForMdl(PMDL Mdl)
{
	return MmGetSystemAddressForMdlSafe(Mdl, HighPagePriority);
}

/**
 * MmPrepareMdlForReuse() - release the mapping of a partial MDL
 * @Mdl: the MDL; one that has no mapping of its own is left alone
 *
 * Context: Any up to softirq, also with spinlocks held (<= DISPATCH_LEVEL).
 *
 * Source: wdm.h page mmpreparemdlforreuse.
 */
static inline void MmPrepareMdlForReuse(PMDL Mdl)
{
	if (Mdl->MdlFlags & MDL_PARTIAL_HAS_BEEN_MAPPED)
		MmUnmapLockedPages(Mdl->MappedSystemVa, Mdl);
}

V3COMPAT_END

#endif /* _V3COMPAT_DDK_MDL_H */
