// SPDX-License-Identifier: GPL-2.0
/*
 * Memory descriptor lists (MDL): which pages lie behind a buffer, user pages that stay where they
 * are, and the address that the kernel has for them.
 *
 * A driver may build an MDL in storage of its own, so everything known about one is in the MDL
 * itself: Process holds the user that pays for pinned pages and is set exactly while pages are
 * pinned. MappedSystemVa is all that mapping.c needs to take a mapping back.
 */
#include <linux/align.h>
#include <linux/atomic.h>
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/sched/signal.h>
#include <linux/sched/user.h>
#include <kcompat.h>

#include "base/context.h"
#include "wdm/mapping.h"
#include "wdm/mdl.h"
#include "wdm/physical.h"
#include "wdm/pool.h"

/* PAGE_SHIFT must be 12, because the interface counts in pages of 4 KiB wherever it runs. */
static_assert(PAGE_SHIFT == 12);
/* Pinning fills the PFN array with page pointers first and turns them into numbers in place. */
static_assert(sizeof(PFN_NUMBER) == sizeof(struct page *));

/*
 * count_pages() is called once in a call, because what is charged must be what is pinned, and what
 * is given back.
 */
static unsigned long count_pages(const MDL *mdl)
{
	return ADDRESS_AND_SIZE_TO_SPAN_PAGES(READ_ONCE(mdl->ByteOffset),
					      READ_ONCE(mdl->ByteCount));
}

PMDL IoAllocateMdl(PVOID VirtualAddress, ULONG Length, BOOLEAN SecondaryBuffer, BOOLEAN ChargeQuota,
		   PIRP Irp)
{
	ULONG_PTR end;
	PMDL mdl;

	if (Irp || SecondaryBuffer)
		return NULL;
	if (check_add_overflow((ULONG_PTR)VirtualAddress, (ULONG_PTR)Length, &end))
		return NULL;

	mdl = v3w_pool_alloc(MmSizeOfMdl(VirtualAddress, Length), 0);
	if (mdl)
		MmInitializeMdl(mdl, VirtualAddress, Length);
	return mdl;
}
V3C_EXPORT_NS_GPL(IoAllocateMdl, V3COMPAT);

void IoFreeMdl(PMDL Mdl)
{
	/*
	 * The MDL is the only record of its pins and of its address: without it nobody could ever
	 * drop them.
	 */
	if (Mdl) {
		MmPrepareMdlForReuse(Mdl);
		MmUnlockPages(Mdl);
	}
	v3w_pool_free(Mdl);
}
V3C_EXPORT_NS_GPL(IoFreeMdl, V3COMPAT);

static bool fill_kernel_pages(PMDL mdl, unsigned long nr_pages)
{
	unsigned long i;
	PPFN_NUMBER pfns = MmGetMdlPfnArray(mdl);

	for (i = 0; i < nr_pages; i++)
		if (!v3w_kernel_frame(mdl->StartVa + i * PAGE_SIZE, &pfns[i]))
			return false;
	return true;
}

void MmBuildMdlForNonPagedPool(PMDL MemoryDescriptorList)
{
	if (v3c_mdl_has_pages(MemoryDescriptorList) ||
	    !fill_kernel_pages(MemoryDescriptorList, count_pages(MemoryDescriptorList)))
		return;
	MemoryDescriptorList->MappedSystemVa = MmGetMdlVirtualAddress(MemoryDescriptorList);
	MemoryDescriptorList->MdlFlags |= MDL_SOURCE_IS_NONPAGED_POOL;
}
V3C_EXPORT_NS_GPL(MmBuildMdlForNonPagedPool, V3COMPAT);

/*
 * charge_pages() charges the user, as io_uring does, because unlike a charge on the mm it can be
 * returned in atomic context.
 */
static bool charge_pages(struct user_struct *user, unsigned long nr_pages)
{
	unsigned long limit = rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT;

	if (atomic_long_add_return(nr_pages, &user->locked_vm) <= limit || capable(CAP_IPC_LOCK))
		return true;
	atomic_long_sub(nr_pages, &user->locked_vm);
	return false;
}

static void uncharge_pages(struct user_struct *user, unsigned long nr_pages)
{
	atomic_long_sub(nr_pages, &user->locked_vm);
	free_uid(user);
}

static NTSTATUS pin_status(int err)
{
	switch (err) {
	case -ENOMEM:
		return STATUS_INSUFFICIENT_RESOURCES;
	case -EFAULT:
		return STATUS_ACCESS_VIOLATION;
	default:
		return STATUS_UNSUCCESSFUL;
	}
}

static NTSTATUS pin_pages(PMDL mdl, unsigned long nr_pages, bool write)
{
	unsigned int gup_flags = FOLL_LONGTERM | (write ? FOLL_WRITE : 0);
	struct page **pages = (struct page **)MmGetMdlPfnArray(mdl);
	unsigned long start = (unsigned long)mdl->StartVa;
	unsigned long i, done = 0;
	PPFN_NUMBER pfns = MmGetMdlPfnArray(mdl);

	while (done < nr_pages) {
		int pinned = pin_user_pages_fast(start + done * PAGE_SIZE, nr_pages - done,
						 gup_flags, pages + done);

		if (pinned <= 0) {
			unpin_user_pages(pages, done);
			return pin_status(pinned ?: -EFAULT);
		}
		done += pinned;
	}
	for (i = 0; i < nr_pages; i++)
		pfns[i] = page_to_pfn(pages[i]);
	return STATUS_SUCCESS;
}

static NTSTATUS lock_user_pages(PMDL mdl, unsigned long nr_pages, bool write)
{
	struct user_struct *user;
	NTSTATUS status;

	if (WARN_ONCE(!v3c_may_sleep(),
		      "v3compat: user pages cannot be locked in atomic context\n"))
		return STATUS_UNSUCCESSFUL;
	if (!current->mm)
		return STATUS_ACCESS_VIOLATION;

	user = get_uid(current_user());
	if (!charge_pages(user, nr_pages)) {
		free_uid(user);
		return STATUS_WORKING_SET_QUOTA;
	}
	status = pin_pages(mdl, nr_pages, write);
	if (!NT_SUCCESS(status)) {
		uncharge_pages(user, nr_pages);
		return status;
	}
	mdl->Process = (struct _EPROCESS *)user;
	return STATUS_SUCCESS;
}

NTSTATUS V3cProbeAndLockPages(PMDL MemoryDescriptorList, KPROCESSOR_MODE AccessMode,
			      LOCK_OPERATION Operation)
{
	PMDL mdl = MemoryDescriptorList;
	bool write = Operation != IoReadAccess;
	NTSTATUS status = STATUS_SUCCESS;
	unsigned long nr_pages;

	if (!mdl || !mdl->ByteCount || v3c_mdl_has_pages(mdl))
		return STATUS_INVALID_PARAMETER_1;
	if (AccessMode != KernelMode && AccessMode != UserMode)
		return STATUS_INVALID_PARAMETER_2;
	if (Operation > IoModifyAccess)
		return STATUS_INVALID_PARAMETER_3;

	nr_pages = count_pages(mdl);
	if (AccessMode == UserMode || !fill_kernel_pages(mdl, nr_pages))
		status = lock_user_pages(mdl, nr_pages, write);
	if (NT_SUCCESS(status))
		mdl->MdlFlags |= MDL_PAGES_LOCKED | (write ? MDL_WRITE_OPERATION : 0);
	return status;
}
V3C_EXPORT_NS_GPL(V3cProbeAndLockPages, V3COMPAT);

/* <wdm.h> has a macro of this name, which is for callers. */
void (MmProbeAndLockPages)(PMDL MemoryDescriptorList, KPROCESSOR_MODE AccessMode,
			   LOCK_OPERATION Operation)
{
	V3cProbeAndLockPages(MemoryDescriptorList, AccessMode, Operation);
}
V3C_EXPORT_NS_GPL(MmProbeAndLockPages, V3COMPAT);

static void unpin_pages(PMDL mdl, unsigned long nr_pages)
{
	struct page **pages = (struct page **)MmGetMdlPfnArray(mdl);
	bool dirty = mdl->MdlFlags & MDL_WRITE_OPERATION;
	PPFN_NUMBER pfns = MmGetMdlPfnArray(mdl);
	unsigned long i;

	for (i = 0; i < nr_pages; i++)
		pages[i] = pfn_to_page(pfns[i]);

	if (v3c_sleep_is_safe()) {
		unpin_user_pages_dirty_lock(pages, nr_pages, dirty);
		return;
	}
	/*
	 * set_page_dirty() needs no page lock here: a long-term pin for writing is granted only on
	 * memory whose dirtying has no file system behind it (anonymous, shmem, hugetlb), so
	 * truncation cannot be raced.
	 */
	for (i = 0; dirty && i < nr_pages; i++)
		set_page_dirty(pages[i]);
	unpin_user_pages(pages, nr_pages);
}

void MmUnlockPages(PMDL MemoryDescriptorList)
{
	PMDL mdl = MemoryDescriptorList;
	struct user_struct *user = (struct user_struct *)mdl->Process;
	unsigned long nr_pages;

	if (!(mdl->MdlFlags & MDL_PAGES_LOCKED))
		return;
	MmUnmapLockedPages(mdl->MappedSystemVa, mdl);
	if (user) {
		nr_pages = count_pages(mdl);
		unpin_pages(mdl, nr_pages);
		uncharge_pages(user, nr_pages);
		mdl->Process = NULL;
	}
	mdl->MdlFlags &= ~(MDL_PAGES_LOCKED | MDL_WRITE_OPERATION);
}
V3C_EXPORT_NS_GPL(MmUnlockPages, V3COMPAT);

/* contiguous_va() is the address that pages have which lie one behind the other, or NULL. */
static void *contiguous_va(const PFN_NUMBER *pfns, unsigned long nr_pages)
{
	unsigned long i;

	for (i = 0; i < nr_pages; i++)
		if (pfns[i] != pfns[0] + i || !pfn_valid(pfns[i]))
			return NULL;
	return page_address(pfn_to_page(pfns[0]));
}

static void *map_pages(PMDL mdl, bool writable)
{
	unsigned long nr_pages = count_pages(mdl);
	PPFN_NUMBER pfns = MmGetMdlPfnArray(mdl);

	return contiguous_va(pfns, nr_pages) ?: v3w_map_frames(pfns, nr_pages, writable);
}

/* own_mapping() is what is set in MdlFlags of an MDL that has mapped an address itself. */
static CSHORT own_mapping(const MDL *mdl)
{
	return MDL_MAPPED_TO_SYSTEM_VA |
	       (mdl->MdlFlags & MDL_PARTIAL ? MDL_PARTIAL_HAS_BEEN_MAPPED : 0);
}

static void unmap_pages(const void *va)
{
	v3w_unmap(PTR_ALIGN_DOWN(va, PAGE_SIZE));
}

/*
 * MmMapLockedPagesSpecifyCache() does not lock the MDL: of two calls at once, which Windows
 * forbids, the one that comes too late takes its mapping back.
 */
PVOID (MmMapLockedPagesSpecifyCache)(PMDL MemoryDescriptorList, KPROCESSOR_MODE AccessMode,
				     MEMORY_CACHING_TYPE CacheType, PVOID RequestedAddress,
				     ULONG BugCheckOnFailure, ULONG Priority)
{
	PMDL mdl = MemoryDescriptorList;
	void *va, *other;

	if (AccessMode != KernelMode)
		return NULL;
	if (mdl->MdlFlags & (MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL))
		return READ_ONCE(mdl->MappedSystemVa);
	if (!v3c_mdl_has_pages(mdl) || !mdl->ByteCount || (mdl->MdlFlags & MDL_IO_SPACE))
		return NULL;

	va = map_pages(mdl, !(Priority & MdlMappingNoWrite));
	if (!va)
		return NULL;
	va += mdl->ByteOffset;
	other = cmpxchg(&mdl->MappedSystemVa, NULL, va);
	if (other) {
		unmap_pages(va);
		return other;
	}
	mdl->MdlFlags |= own_mapping(mdl);
	return va;
}
V3C_EXPORT_NS_GPL(MmMapLockedPagesSpecifyCache, V3COMPAT);

void MmUnmapLockedPages(PVOID BaseAddress, PMDL MemoryDescriptorList)
{
	PMDL mdl = MemoryDescriptorList;
	CSHORT mapped = own_mapping(mdl);

	if ((mdl->MdlFlags & MDL_SOURCE_IS_NONPAGED_POOL) || (mdl->MdlFlags & mapped) != mapped)
		return;
	if (cmpxchg(&mdl->MappedSystemVa, BaseAddress, NULL) != BaseAddress)
		return;
	mdl->MdlFlags &= ~mapped;
	unmap_pages(BaseAddress);
}
V3C_EXPORT_NS_GPL(MmUnmapLockedPages, V3COMPAT);

/* What a partial MDL has in common with its source, besides pages. */
#define SHARED_FLAGS	(MDL_SOURCE_IS_NONPAGED_POOL | MDL_MAPPED_TO_SYSTEM_VA | MDL_IO_SPACE)

/* True if [@va, @va + @length) lies inside the buffer that @mdl describes. */
static bool mdl_covers(const MDL *mdl, PVOID va, SIZE_T length)
{
	ULONG_PTR offset = (ULONG_PTR)va - (ULONG_PTR)MmGetMdlVirtualAddress(mdl);

	return offset <= mdl->ByteCount && length <= mdl->ByteCount - offset;
}

void IoBuildPartialMdl(PMDL SourceMdl, PMDL TargetMdl, PVOID VirtualAddress, ULONG Length)
{
	ULONG offset = VirtualAddress - MmGetMdlVirtualAddress(SourceMdl);
	ULONG length = Length ?: SourceMdl->ByteCount - offset;
	unsigned long first, nr_pages = ADDRESS_AND_SIZE_TO_SPAN_PAGES(VirtualAddress, length);
	CSHORT shared = SourceMdl->MdlFlags & SHARED_FLAGS;

	if (TargetMdl->MdlFlags & MDL_PAGES_LOCKED)
		return;
	MmPrepareMdlForReuse(TargetMdl);
	TargetMdl->MdlFlags &= ~(MDL_PARTIAL | SHARED_FLAGS);
	TargetMdl->MappedSystemVa = NULL;
	if (!v3c_mdl_has_pages(SourceMdl))
		return;
	if (!mdl_covers(SourceMdl, VirtualAddress, length) || nr_pages > TargetMdl->PagesCapacity)
		return;

	first = (SourceMdl->ByteOffset + (SIZE_T)offset) >> PAGE_SHIFT;
	memcpy(MmGetMdlPfnArray(TargetMdl), MmGetMdlPfnArray(SourceMdl) + first,
	       nr_pages * sizeof(PFN_NUMBER));
	TargetMdl->StartVa = (PVOID)((ULONG_PTR)VirtualAddress & PAGE_MASK);
	TargetMdl->ByteOffset = BYTE_OFFSET(VirtualAddress);
	TargetMdl->ByteCount = length;
	if (shared & (MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL))
		TargetMdl->MappedSystemVa = SourceMdl->MappedSystemVa + offset;
	TargetMdl->MdlFlags |= MDL_PARTIAL | shared;
}
V3C_EXPORT_NS_GPL(IoBuildPartialMdl, V3COMPAT);
