// SPDX-License-Identifier: GPL-2.0
/*
 * MDLs: what they describe, what happens to user pages, and what is refused.
 */
#include <kunit/test.h>
#include <linux/cred.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/pfn.h>
#include <linux/sched/signal.h>
#include <linux/sched/user.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include <kcompat.h>
#include <wdm.h>

#include "alloc_fail.h"
#include "thread.h"
#include "wdm/mapping.h"

V3C_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);

static char module_data[3 * PAGE_SIZE] = { 1 };
static DEFINE_SPINLOCK(atomic_lock);

KUNIT_DEFINE_ACTION_WRAPPER(free_mdl, IoFreeMdl, PMDL);
KUNIT_DEFINE_ACTION_WRAPPER(free_vmalloc, vfree, const void *);

static PMDL alloc_mdl(struct kunit *test, void *va, ULONG length)
{
	PMDL mdl = IoAllocateMdl(va, length, FALSE, FALSE, NULL);

	KUNIT_ASSERT_NOT_NULL(test, mdl);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, free_mdl, mdl), 0);
	return mdl;
}

/* @pages pages of anonymous memory in a process of the test's own, every page written. */
static void *map_user(struct kunit *test, unsigned long pages, unsigned long prot)
{
	unsigned long i, va = kunit_vm_mmap(test, NULL, 0, pages * PAGE_SIZE,
					    PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_PRIVATE, 0);

	KUNIT_ASSERT_NE_MSG(test, va, 0, "no user memory");
	KUNIT_ASSERT_LT_MSG(test, va, TASK_SIZE, "no user memory");
	for (i = 0; i < pages; i++)
		if (put_user((u32)i, (u32 __user *)(va + i * PAGE_SIZE)))
			kunit_skip(test, "a test cannot touch user memory on this kernel");
	if (!(prot & PROT_WRITE))
		va = kunit_vm_mmap(test, NULL, 0, pages * PAGE_SIZE, prot,
				   MAP_ANONYMOUS | MAP_PRIVATE, 0);
	return (void *)va;
}

static void size_counts_each_page_touched(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, MmSizeOfMdl(NULL, 0), 0x30);
	KUNIT_EXPECT_EQ(test, MmSizeOfMdl(NULL, 1), 0x38);
	KUNIT_EXPECT_EQ(test, MmSizeOfMdl(NULL, PAGE_SIZE), 0x38);
	KUNIT_EXPECT_EQ(test, MmSizeOfMdl((PVOID)1, PAGE_SIZE), 0x40);
	KUNIT_EXPECT_EQ(test, MmSizeOfMdl((PVOID)0xfff, 2), 0x40);
	KUNIT_EXPECT_EQ(test, ADDRESS_AND_SIZE_TO_SPAN_PAGES(0xffffffffffff1001ul, 0x2000), 3);
	KUNIT_EXPECT_EQ(test, ADDRESS_AND_SIZE_TO_SPAN_PAGES(0, 0xffffffffu), 0x100000);
}

static void describes_the_buffer(struct kunit *test)
{
	char *buffer = kunit_kzalloc(test, 3 * PAGE_SIZE, GFP_KERNEL);
	PMDL mdl = alloc_mdl(test, buffer + 0x123, 2 * PAGE_SIZE);

	KUNIT_EXPECT_PTR_EQ(test, mdl->Next, NULL);
	KUNIT_EXPECT_EQ(test, mdl->MdlFlags, 0);
	KUNIT_EXPECT_EQ(test, mdl->Size,
			MmSizeOfMdl(buffer + 0x123, 2 * PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, MmGetMdlByteCount(mdl), 2 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, MmGetMdlByteOffset(mdl), offset_in_page(buffer + 0x123));
	KUNIT_EXPECT_PTR_EQ(test, MmGetMdlVirtualAddress(mdl), (void *)(buffer + 0x123));
	KUNIT_EXPECT_PTR_EQ(test, MmGetMdlBaseVa(mdl),
			    PTR_ALIGN_DOWN((void *)(buffer + 0x123), PAGE_SIZE));
	KUNIT_EXPECT_PTR_EQ(test, (void *)MmGetMdlPfnArray(mdl), (void *)mdl + 0x30);
}

static void alloc_refuses_bad_arguments(struct kunit *test)
{
	PIRP irp = (PIRP)0x1000;

	KUNIT_EXPECT_PTR_EQ(test, IoAllocateMdl(NULL, PAGE_SIZE, FALSE, FALSE, irp), NULL);
	KUNIT_EXPECT_PTR_EQ(test, IoAllocateMdl(NULL, PAGE_SIZE, TRUE, FALSE, NULL), NULL);
	KUNIT_EXPECT_PTR_EQ(test, IoAllocateMdl((PVOID)-4096l, 4097, FALSE, FALSE, NULL), NULL);
	IoFreeMdl(NULL);
}

static void expect_pfns(struct kunit *test, PMDL mdl, void *va, bool is_vmalloc)
{
	unsigned long i;

	for (i = 0; i < ADDRESS_AND_SIZE_TO_SPAN_PAGES(va, MmGetMdlByteCount(mdl)); i++) {
		void *page = MmGetMdlBaseVa(mdl) + i * PAGE_SIZE;

		KUNIT_EXPECT_EQ_MSG(test, MmGetMdlPfnArray(mdl)[i],
				    is_vmalloc ? vmalloc_to_pfn(page) : PHYS_PFN(__pa(page)),
				    "page %lu", i);
	}
}

static void nonpaged_build_takes_linear_memory(struct kunit *test)
{
	char *buffer = kunit_kzalloc(test, 4 * PAGE_SIZE, GFP_KERNEL);
	PMDL mdl = alloc_mdl(test, buffer + 0x800, 2 * PAGE_SIZE);

	MmBuildMdlForNonPagedPool(mdl);
	KUNIT_EXPECT_EQ(test, mdl->MdlFlags, MDL_SOURCE_IS_NONPAGED_POOL);
	KUNIT_EXPECT_PTR_EQ(test, mdl->MappedSystemVa, (void *)(buffer + 0x800));
	expect_pfns(test, mdl, buffer + 0x800, false);
}

static void nonpaged_build_takes_vmalloc(struct kunit *test)
{
	char *buffer = vmalloc(5 * PAGE_SIZE);
	PMDL mdl;

	KUNIT_ASSERT_NOT_NULL(test, buffer);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, free_vmalloc, buffer), 0);
	mdl = alloc_mdl(test, buffer, 5 * PAGE_SIZE);
	MmBuildMdlForNonPagedPool(mdl);
	KUNIT_EXPECT_EQ(test, mdl->MdlFlags, MDL_SOURCE_IS_NONPAGED_POOL);
	expect_pfns(test, mdl, buffer, true);
}

static void nonpaged_build_takes_module_data(struct kunit *test)
{
	bool is_vmalloc = is_vmalloc_or_module_addr(module_data);
	PMDL mdl = alloc_mdl(test, module_data, sizeof(module_data));

	MmBuildMdlForNonPagedPool(mdl);
	KUNIT_EXPECT_EQ(test, mdl->MdlFlags, MDL_SOURCE_IS_NONPAGED_POOL);
	expect_pfns(test, mdl, module_data, is_vmalloc);
}

static void nonpaged_build_refuses_no_memory(struct kunit *test)
{
	PMDL mdl = alloc_mdl(test, (void *)PAGE_SIZE, PAGE_SIZE);

	MmBuildMdlForNonPagedPool(mdl);
	KUNIT_EXPECT_EQ(test, mdl->MdlFlags, 0);
	KUNIT_EXPECT_PTR_EQ(test, mdl->MappedSystemVa, NULL);
}

/* The page after a vmalloc area is a guard page: the second half of the buffer does not exist. */
static void nonpaged_build_refuses_a_guard_page(struct kunit *test)
{
	char *buffer = vmalloc(PAGE_SIZE);
	PMDL mdl;

	KUNIT_ASSERT_NOT_NULL(test, buffer);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, free_vmalloc, buffer), 0);
	mdl = alloc_mdl(test, buffer, 2 * PAGE_SIZE);
	MmBuildMdlForNonPagedPool(mdl);
	KUNIT_EXPECT_EQ(test, mdl->MdlFlags, 0);
}

static void caller_may_own_the_storage(struct kunit *test)
{
	char *buffer = kunit_kzalloc(test, 2 * PAGE_SIZE, GFP_KERNEL);
	PMDL mdl = kunit_kmalloc(test, MmSizeOfMdl(buffer, 2 * PAGE_SIZE), GFP_KERNEL);

	memset(mdl, 0xff, sizeof(*mdl));
	MmInitializeMdl(mdl, buffer, 2 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, mdl->MdlFlags, 0);
	KUNIT_EXPECT_PTR_EQ(test, mdl->Next, NULL);
	MmBuildMdlForNonPagedPool(mdl);
	KUNIT_EXPECT_EQ(test, mdl->MdlFlags, MDL_SOURCE_IS_NONPAGED_POOL);
	expect_pfns(test, mdl, buffer, false);
}

static void locks_kernel_memory(struct kunit *test)
{
	char *buffer = kunit_kzalloc(test, 2 * PAGE_SIZE, GFP_KERNEL);
	PMDL mdl = alloc_mdl(test, buffer, 2 * PAGE_SIZE);

	MmProbeAndLockPages(mdl, KernelMode, IoModifyAccess);
	KUNIT_EXPECT_EQ(test, mdl->MdlFlags, MDL_PAGES_LOCKED | MDL_WRITE_OPERATION);
	KUNIT_EXPECT_PTR_EQ(test, mdl->Process, NULL);
	expect_pfns(test, mdl, buffer, false);
	MmUnlockPages(mdl);
	KUNIT_EXPECT_EQ(test, mdl->MdlFlags, 0);
}

static void lock_refuses_bad_arguments(struct kunit *test)
{
	char *buffer = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	PMDL mdl = alloc_mdl(test, buffer, PAGE_SIZE), empty = alloc_mdl(test, buffer, 0);

	KUNIT_EXPECT_EQ(test, V3cProbeAndLockPages(NULL, KernelMode, IoReadAccess),
			STATUS_INVALID_PARAMETER_1);
	KUNIT_EXPECT_EQ(test, V3cProbeAndLockPages(empty, KernelMode, IoReadAccess),
			STATUS_INVALID_PARAMETER_1);
	KUNIT_EXPECT_EQ(test, V3cProbeAndLockPages(mdl, MaximumMode, IoReadAccess),
			STATUS_INVALID_PARAMETER_2);
	KUNIT_EXPECT_EQ(test, V3cProbeAndLockPages(mdl, KernelMode, IoModifyAccess + 1),
			STATUS_INVALID_PARAMETER_3);
	KUNIT_EXPECT_EQ(test, mdl->MdlFlags, 0);

	KUNIT_EXPECT_EQ(test, V3cProbeAndLockPages(mdl, KernelMode, IoReadAccess), STATUS_SUCCESS);
	KUNIT_EXPECT_EQ(test, V3cProbeAndLockPages(mdl, KernelMode, IoReadAccess),
			STATUS_INVALID_PARAMETER_1);
	KUNIT_EXPECT_EQ(test, mdl->MdlFlags, MDL_PAGES_LOCKED);
	MmUnlockPages(mdl);
	MmUnlockPages(mdl);
	KUNIT_EXPECT_EQ(test, mdl->MdlFlags, 0);
}

static void lock_refuses_users_without_process(struct kunit *test)
{
	PMDL mdl = alloc_mdl(test, (void *)PAGE_SIZE, PAGE_SIZE);

	if (current->mm)
		kunit_skip(test, "this test runs with user memory");
	KUNIT_EXPECT_EQ(test, V3cProbeAndLockPages(mdl, UserMode, IoReadAccess),
			STATUS_ACCESS_VIOLATION);
	KUNIT_EXPECT_EQ(test, V3cProbeAndLockPages(mdl, KernelMode, IoReadAccess),
			STATUS_ACCESS_VIOLATION);
	MmProbeAndLockPages(mdl, UserMode, IoReadAccess);
	KUNIT_EXPECT_EQ(test, mdl->MdlFlags, 0);
}

static void locks_user_pages(struct kunit *test)
{
	long locked = atomic_long_read(&current_user()->locked_vm);
	char *va = map_user(test, 4, PROT_READ | PROT_WRITE);
	PMDL mdl = alloc_mdl(test, va + 8, 3 * PAGE_SIZE);
	u32 i, seen;

	KUNIT_ASSERT_EQ(test, V3cProbeAndLockPages(mdl, UserMode, IoWriteAccess), STATUS_SUCCESS);
	KUNIT_EXPECT_EQ(test, mdl->MdlFlags, MDL_PAGES_LOCKED | MDL_WRITE_OPERATION);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&current_user()->locked_vm), locked + 4);

	for (i = 0; i < 4; i++) {
		struct page *page = pfn_to_page(MmGetMdlPfnArray(mdl)[i]);
		u32 *mapped = kmap_local_page(page);

		KUNIT_EXPECT_EQ(test, *mapped, i);
		*mapped = 0x1000 + i;
		kunmap_local(mapped);
		KUNIT_EXPECT_TRUE(test, folio_maybe_dma_pinned(page_folio(page)));
	}
	MmUnlockPages(mdl);
	KUNIT_EXPECT_EQ(test, mdl->MdlFlags, 0);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&current_user()->locked_vm), locked);
	for (i = 0; i < 4; i++) {
		KUNIT_EXPECT_EQ(test, get_user(seen, (u32 __user *)(va + i * PAGE_SIZE)), 0);
		KUNIT_EXPECT_EQ(test, seen, 0x1000 + i);
	}
}

static void unlock_atomic(PMDL mdl)
{
	spin_lock(&atomic_lock);
	MmUnlockPages(mdl);
	spin_unlock(&atomic_lock);
}

static bool dirty_after(struct kunit *test, void *va, LOCK_OPERATION operation,
			void (*unlock)(PMDL mdl))
{
	PMDL mdl = alloc_mdl(test, va, PAGE_SIZE);
	struct page *page;
	bool dirty;

	KUNIT_ASSERT_EQ(test, V3cProbeAndLockPages(mdl, UserMode, operation), STATUS_SUCCESS);
	page = pfn_to_page(MmGetMdlPfnArray(mdl)[0]);
	get_page(page);
	unlock(mdl);
	dirty = PageDirty(page);
	put_page(page);
	return dirty;
}

static void unlock_dirties_what_was_written(struct kunit *test)
{
	char *va = map_user(test, 4, PROT_READ | PROT_WRITE);

	KUNIT_EXPECT_FALSE(test, dirty_after(test, va, IoReadAccess, MmUnlockPages));
	KUNIT_EXPECT_TRUE(test, dirty_after(test, va + PAGE_SIZE, IoWriteAccess, MmUnlockPages));
	KUNIT_EXPECT_TRUE(test,
			  dirty_after(test, va + 2 * PAGE_SIZE, IoModifyAccess, MmUnlockPages));
	KUNIT_EXPECT_TRUE(test,
			  dirty_after(test, va + 3 * PAGE_SIZE, IoWriteAccess, unlock_atomic));
}

static void lock_refuses_pages_without_permission(struct kunit *test)
{
	long locked = atomic_long_read(&current_user()->locked_vm);
	char *va = map_user(test, 2, PROT_READ);
	PMDL mdl = alloc_mdl(test, va, 2 * PAGE_SIZE);

	KUNIT_EXPECT_EQ(test, V3cProbeAndLockPages(mdl, UserMode, IoWriteAccess),
			STATUS_ACCESS_VIOLATION);
	KUNIT_EXPECT_EQ(test, mdl->MdlFlags, 0);
	KUNIT_EXPECT_PTR_EQ(test, mdl->Process, NULL);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&current_user()->locked_vm), locked);
	KUNIT_EXPECT_EQ(test, V3cProbeAndLockPages(mdl, UserMode, IoReadAccess), STATUS_SUCCESS);
	MmUnlockPages(mdl);
}

/* Starting with a mapped page and running into unmapped space: the page pinned first is let go. */
static void failed_lock_keeps_no_page(struct kunit *test)
{
	long locked = atomic_long_read(&current_user()->locked_vm);
	char *va = map_user(test, 2, PROT_READ | PROT_WRITE);
	PMDL first = alloc_mdl(test, va, PAGE_SIZE), both = alloc_mdl(test, va, 2 * PAGE_SIZE);
	struct page *page;

	KUNIT_ASSERT_EQ(test, vm_munmap((unsigned long)va + PAGE_SIZE, PAGE_SIZE), 0);
	KUNIT_ASSERT_EQ(test, V3cProbeAndLockPages(first, UserMode, IoReadAccess), STATUS_SUCCESS);
	page = pfn_to_page(MmGetMdlPfnArray(first)[0]);
	get_page(page);
	MmUnlockPages(first);
	KUNIT_EXPECT_FALSE(test, folio_maybe_dma_pinned(page_folio(page)));

	KUNIT_EXPECT_EQ(test, V3cProbeAndLockPages(both, UserMode, IoReadAccess),
			STATUS_ACCESS_VIOLATION);
	KUNIT_EXPECT_EQ(test, both->MdlFlags, 0);
	KUNIT_EXPECT_FALSE(test, folio_maybe_dma_pinned(page_folio(page)));
	KUNIT_EXPECT_EQ(test, atomic_long_read(&current_user()->locked_vm), locked);
	put_page(page);
}

static void user_mode_refuses_kernel_addresses(struct kunit *test)
{
	PMDL mdl = alloc_mdl(test, module_data, PAGE_SIZE);

	map_user(test, 1, PROT_READ | PROT_WRITE);
	KUNIT_EXPECT_EQ(test, V3cProbeAndLockPages(mdl, UserMode, IoReadAccess),
			STATUS_ACCESS_VIOLATION);
	KUNIT_EXPECT_EQ(test, mdl->MdlFlags, 0);
}

/* A trusted caller may hand over a user address with KernelMode, as on Windows. */
static void kernel_mode_takes_user_pages(struct kunit *test)
{
	char *va = map_user(test, 1, PROT_READ | PROT_WRITE);
	PMDL mdl = alloc_mdl(test, va, PAGE_SIZE);

	KUNIT_EXPECT_EQ(test, V3cProbeAndLockPages(mdl, KernelMode, IoReadAccess), STATUS_SUCCESS);
	KUNIT_EXPECT_NOT_NULL(test, mdl->Process);
	MmUnlockPages(mdl);
	KUNIT_EXPECT_PTR_EQ(test, mdl->Process, NULL);
}

static void set_memlock(unsigned long limit)
{
	task_lock(current->group_leader);
	current->signal->rlim[RLIMIT_MEMLOCK].rlim_cur = limit;
	task_unlock(current->group_leader);
}

static void lock_respects_the_quota(struct kunit *test)
{
	char *va = map_user(test, 2, PROT_READ | PROT_WRITE);
	PMDL mdl = alloc_mdl(test, va, 2 * PAGE_SIZE);
	unsigned long old_limit = rlimit(RLIMIT_MEMLOCK);
	long locked = atomic_long_read(&current_user()->locked_vm);
	struct cred *unprivileged = prepare_creds();
	const struct cred *old;
	NTSTATUS beyond, within;

	KUNIT_ASSERT_NOT_NULL(test, unprivileged);
	cap_lower(unprivileged->cap_effective, CAP_IPC_LOCK);
	old = override_creds(unprivileged);
	set_memlock((locked + 1) << PAGE_SHIFT);
	beyond = V3cProbeAndLockPages(mdl, UserMode, IoReadAccess);
	set_memlock((locked + 2) << PAGE_SHIFT);
	within = V3cProbeAndLockPages(mdl, UserMode, IoReadAccess);
	set_memlock(old_limit);
	revert_creds(old);
	put_cred(unprivileged);

	KUNIT_EXPECT_EQ(test, beyond, STATUS_WORKING_SET_QUOTA);
	KUNIT_EXPECT_EQ(test, within, STATUS_SUCCESS);
	MmUnlockPages(mdl);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&current_user()->locked_vm), locked);
}

/* One warning, no pages: pinning sleeps. */
static void lock_refuses_atomic_context(struct kunit *test)
{
#ifdef kunit_warning_suppress
	char *va = map_user(test, 1, PROT_READ | PROT_WRITE);
	PMDL mdl = alloc_mdl(test, va, PAGE_SIZE);
	NTSTATUS status = STATUS_SUCCESS;
	unsigned long flags;

	kunit_warning_suppress(test) {
		local_irq_save(flags);
		status = V3cProbeAndLockPages(mdl, UserMode, IoReadAccess);
		local_irq_restore(flags);
	}
	KUNIT_EXPECT_EQ(test, status, STATUS_UNSUCCESSFUL);
	KUNIT_EXPECT_EQ(test, mdl->MdlFlags, 0);
#else
	kunit_skip(test, "this kernel's KUnit cannot suppress an expected warning");
#endif
}

static void free_unlocks_pages(struct kunit *test)
{
	long locked = atomic_long_read(&current_user()->locked_vm);
	char *va = map_user(test, 1, PROT_READ | PROT_WRITE);
	PMDL mdl = IoAllocateMdl(va, PAGE_SIZE, FALSE, FALSE, NULL);

	KUNIT_ASSERT_NOT_NULL(test, mdl);
	KUNIT_EXPECT_EQ(test, V3cProbeAndLockPages(mdl, UserMode, IoReadAccess), STATUS_SUCCESS);
	IoFreeMdl(mdl);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&current_user()->locked_vm), locked);
}

static void works_in_atomic_context(struct kunit *test)
{
	char *buffer = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	PMDL large = IoAllocateMdl(NULL, 0xffffffff, FALSE, FALSE, NULL);
	CSHORT flags = 0;
	PMDL mdl;

	spin_lock(&atomic_lock);
	mdl = IoAllocateMdl(buffer, PAGE_SIZE, FALSE, FALSE, NULL);
	if (mdl) {
		MmBuildMdlForNonPagedPool(mdl);
		flags = mdl->MdlFlags;
		IoFreeMdl(mdl);
	}
	IoFreeMdl(large);
	spin_unlock(&atomic_lock);
	KUNIT_EXPECT_NOT_NULL(test, mdl);
	KUNIT_EXPECT_EQ(test, flags, MDL_SOURCE_IS_NONPAGED_POOL);
	/*
	 * Its 8 MiB of frames want sleeping, which a kernel that cannot tell whether it may does
	 * not do.
	 */
	if (!large && !IS_ENABLED(CONFIG_PREEMPT_COUNT))
		kunit_skip(test, "MDL of 4 GiB - 1 without CONFIG_PREEMPT_COUNT");
	KUNIT_EXPECT_NOT_NULL_MSG(test, large, "4 GiB - 1 is the largest buffer an MDL can have");
}

static void partial_shares_the_frames(struct kunit *test)
{
	char *buffer = kunit_kzalloc(test, 4 * PAGE_SIZE, GFP_KERNEL);
	PMDL source = alloc_mdl(test, buffer, 4 * PAGE_SIZE);
	PMDL target = alloc_mdl(test, buffer, 2 * PAGE_SIZE);

	IoBuildPartialMdl(source, target, buffer + PAGE_SIZE, PAGE_SIZE);
	KUNIT_EXPECT_EQ_MSG(test, target->MdlFlags, 0, "the source has no pages yet");

	MmBuildMdlForNonPagedPool(source);
	IoBuildPartialMdl(source, target, buffer + PAGE_SIZE, PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, target->MdlFlags, MDL_PARTIAL | MDL_SOURCE_IS_NONPAGED_POOL);
	KUNIT_EXPECT_EQ(test, MmGetMdlByteCount(target), PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, MmGetMdlPfnArray(target)[0], MmGetMdlPfnArray(source)[1]);

	IoBuildPartialMdl(source, target, buffer + 2 * PAGE_SIZE, 0);
	KUNIT_EXPECT_EQ_MSG(test, target->MdlFlags, MDL_PARTIAL | MDL_SOURCE_IS_NONPAGED_POOL,
			    "length 0 means up to the end");
	KUNIT_EXPECT_EQ(test, MmGetMdlByteCount(target), 2 * PAGE_SIZE);
	expect_pfns(test, target, buffer + 2 * PAGE_SIZE, false);
	KUNIT_EXPECT_PTR_EQ(test, target->MappedSystemVa, (void *)(buffer + 2 * PAGE_SIZE));
}

static void partial_refuses_beyond_its_source(struct kunit *test)
{
	char *buffer = kunit_kzalloc(test, 4 * PAGE_SIZE, GFP_KERNEL);
	PMDL source = alloc_mdl(test, buffer, 3 * PAGE_SIZE);
	PMDL target = alloc_mdl(test, buffer, 2 * PAGE_SIZE);

	MmBuildMdlForNonPagedPool(source);
	IoBuildPartialMdl(source, target, buffer, 0);
	KUNIT_EXPECT_EQ_MSG(test, target->MdlFlags, 0, "3 pages do not fit in a target for 2");
	IoBuildPartialMdl(source, target, buffer + 2 * PAGE_SIZE, 2 * PAGE_SIZE);
	KUNIT_EXPECT_EQ_MSG(test, target->MdlFlags, 0, "beyond the end of the source");
	IoBuildPartialMdl(source, target, buffer + 4 * PAGE_SIZE, PAGE_SIZE);
	KUNIT_EXPECT_EQ_MSG(test, target->MdlFlags, 0, "starts beyond the end of the source");
	IoBuildPartialMdl(source, target, buffer - PAGE_SIZE, PAGE_SIZE);
	KUNIT_EXPECT_EQ_MSG(test, target->MdlFlags, 0, "starts before the source");
	IoBuildPartialMdl(source, target, buffer, PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, target->MdlFlags, MDL_PARTIAL | MDL_SOURCE_IS_NONPAGED_POOL);
}

#define MAPPED_PAGES	4

static PHYSICAL_ADDRESS address_of(u64 value)
{
	PHYSICAL_ADDRESS address = { .QuadPart = value };

	return address;
}

static void free_pages_mdl(PMDL mdl)
{
	MmFreePagesFromMdl(mdl);
	ExFreePool(mdl);
}

KUNIT_DEFINE_ACTION_WRAPPER(free_pages_later, free_pages_mdl, PMDL);

/* scatter_pages() sorts the pages backwards, so that none lies behind the one before it. */
static void scatter_pages(PMDL mdl)
{
	PPFN_NUMBER pfns = MmGetMdlPfnArray(mdl);
	unsigned int i, n;

	for (n = MAPPED_PAGES - 1; n; n--)
		for (i = 0; i < n; i++)
			if (pfns[i] < pfns[i + 1])
				swap(pfns[i], pfns[i + 1]);
}

/* alloc_scattered() gives pages of which the MDL has the only reference. */
static PMDL alloc_scattered(struct kunit *test)
{
	PMDL mdl = MmAllocatePagesForMdl(address_of(0), address_of(~0ull), address_of(0),
					 MAPPED_PAGES * PAGE_SIZE);

	KUNIT_ASSERT_NOT_NULL(test, mdl);
	KUNIT_ASSERT_EQ(test, MmGetMdlByteCount(mdl), MAPPED_PAGES * PAGE_SIZE);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, free_pages_later, mdl), 0);
	scatter_pages(mdl);
	return mdl;
}

static PMDL lock_scattered(struct kunit *test)
{
	char *va = map_user(test, MAPPED_PAGES, PROT_READ | PROT_WRITE);
	PMDL mdl = alloc_mdl(test, va + 8, MAPPED_PAGES * PAGE_SIZE - 8);

	KUNIT_ASSERT_EQ(test, V3cProbeAndLockPages(mdl, UserMode, IoWriteAccess), STATUS_SUCCESS);
	scatter_pages(mdl);
	return mdl;
}

static struct page *page_of(PMDL mdl, unsigned int i)
{
	return pfn_to_page(MmGetMdlPfnArray(mdl)[i]);
}

/* struct references: how often each page of an MDL is referenced. */
struct references {
	int count[MAPPED_PAGES];
};

static struct references references_of(PMDL mdl)
{
	struct references references;
	unsigned int i;

	for (i = 0; i < MAPPED_PAGES; i++)
		references.count[i] = page_ref_count(page_of(mdl, i));
	return references;
}

/* Where the kernel does not count locks, each mapping is taken back later. */
static void wait_if_later(void)
{
	if (!IS_ENABLED(CONFIG_PREEMPT_COUNT))
		v3w_mapping_flush();
}

static void expect_references(struct kunit *test, PMDL mdl, const struct references *before,
			      int more)
{
	struct references now;
	unsigned int i;

	if (!more)
		wait_if_later();
	now = references_of(mdl);
	for (i = 0; i < MAPPED_PAGES; i++)
		KUNIT_EXPECT_EQ_MSG(test, now.count[i], before->count[i] + more, "page %u", i);
}

/* expect_mapped() compares what is at @va with the pages of @mdl, and the other way round. */
static void expect_mapped(struct kunit *test, PMDL mdl, char *va)
{
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, va);
	KUNIT_EXPECT_EQ(test, offset_in_page(va), MmGetMdlByteOffset(mdl));
	va -= MmGetMdlByteOffset(mdl);
	for (i = 0; i < ADDRESS_AND_SIZE_TO_SPAN_PAGES(MmGetMdlByteOffset(mdl),
						       MmGetMdlByteCount(mdl)); i++) {
		char *page = kmap_local_page(page_of(mdl, i));

		page[0x10] = 0x40 + i;
		KUNIT_EXPECT_EQ_MSG(test, va[i * PAGE_SIZE + 0x10], 0x40 + i, "page %u", i);
		va[i * PAGE_SIZE + 0xff0] = 0x60 + i;
		KUNIT_EXPECT_EQ_MSG(test, page[0xff0], 0x60 + i, "page %u", i);
		kunmap_local(page);
	}
}

static void expect_unmapped(struct kunit *test, void *va)
{
	wait_if_later();
	KUNIT_EXPECT_TRUE(test, is_vmalloc_addr(va));
	KUNIT_EXPECT_NULL_MSG(test, vmalloc_to_page(va), "nothing is at the address any more");
}

static void contiguous_pages_have_an_address(struct kunit *test)
{
	char *buffer = kunit_kzalloc(test, 4 * PAGE_SIZE, GFP_KERNEL);
	PMDL mdl = alloc_mdl(test, buffer + 0x20, 2 * PAGE_SIZE);
	void *va;

	KUNIT_EXPECT_NULL_MSG(test, MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority),
			      "no pages yet");
	MmProbeAndLockPages(mdl, KernelMode, IoModifyAccess);
	spin_lock(&atomic_lock);
	va = MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority);
	spin_unlock(&atomic_lock);
	KUNIT_EXPECT_PTR_EQ(test, va, (void *)buffer + 0x20);
	expect_mapped(test, mdl, va);
	spin_lock(&atomic_lock);
	MmUnlockPages(mdl);
	spin_unlock(&atomic_lock);
	KUNIT_EXPECT_EQ(test, mdl->MdlFlags, 0);
	KUNIT_EXPECT_NULL(test, mdl->MappedSystemVa);
}

static void locked_vmalloc_is_mapped(struct kunit *test)
{
	char *buffer = vmalloc(MAPPED_PAGES * PAGE_SIZE);
	PMDL mdl;

	KUNIT_ASSERT_NOT_NULL(test, buffer);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, free_vmalloc, buffer), 0);
	mdl = alloc_mdl(test, buffer + 1, MAPPED_PAGES * PAGE_SIZE - 1);
	MmProbeAndLockPages(mdl, KernelMode, IoModifyAccess);
	expect_mapped(test, mdl, MmGetSystemAddressForMdlSafe(mdl, HighPagePriority));
}

static void user_pages_are_mapped(struct kunit *test)
{
	PMDL mdl = lock_scattered(test);
	void *va = MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority | MdlMappingNoExecute);

	expect_mapped(test, mdl, va);
	KUNIT_EXPECT_TRUE(test, mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA);
	KUNIT_EXPECT_FALSE(test, mdl->MdlFlags & MDL_PARTIAL_HAS_BEEN_MAPPED);
	KUNIT_EXPECT_PTR_EQ(test, MmGetSystemAddressForMdl(mdl), va);
	KUNIT_EXPECT_PTR_EQ(test, MmMapLockedPages(mdl, KernelMode), va);
	MmUnmapLockedPages(va + PAGE_SIZE, mdl);
	KUNIT_EXPECT_PTR_EQ_MSG(test, mdl->MappedSystemVa, va, "that was another address");
	MmUnmapLockedPages(va, mdl);
	MmUnmapLockedPages(va, mdl);
	expect_unmapped(test, va);
	KUNIT_EXPECT_EQ(test, mdl->MdlFlags, MDL_PAGES_LOCKED | MDL_WRITE_OPERATION);
	expect_mapped(test, mdl, MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority));
}

static void unlock_takes_the_mapping_back(struct kunit *test)
{
	long locked = atomic_long_read(&current_user()->locked_vm);
	PMDL mdl = lock_scattered(test);
	struct page *page = page_of(mdl, 0);
	void *va = MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority);
	int pinned;

	KUNIT_ASSERT_NOT_NULL(test, va);
	get_page(page);
	pinned = page_ref_count(page);
	MmUnlockPages(mdl);
	expect_unmapped(test, va);
	KUNIT_EXPECT_EQ(test, mdl->MdlFlags, 0);
	KUNIT_EXPECT_NULL(test, mdl->MappedSystemVa);
	KUNIT_EXPECT_LT(test, page_ref_count(page), pinned - 1);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&current_user()->locked_vm), locked);
	put_page(page);
}

/* The address goes later, but it goes, and the pages are there until then. */
static void atomic_unlock_takes_the_mapping_back(struct kunit *test)
{
	long locked = atomic_long_read(&current_user()->locked_vm);
	PMDL mdl = lock_scattered(test);
	struct page *page = page_of(mdl, 0);
	void *va = MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority);
	int mapped;

	KUNIT_ASSERT_NOT_NULL(test, va);
	get_page(page);
	spin_lock(&atomic_lock);
	MmUnlockPages(mdl);
	mapped = page_ref_count(page);
	spin_unlock(&atomic_lock);
	v3w_mapping_flush();
	expect_unmapped(test, va);
	KUNIT_EXPECT_LE(test, page_ref_count(page), mapped);
	KUNIT_EXPECT_FALSE(test, folio_maybe_dma_pinned(page_folio(page)));
	KUNIT_EXPECT_EQ(test, mdl->MdlFlags, 0);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&current_user()->locked_vm), locked);
	put_page(page);
}

static void unmap_with_interrupts_off(struct kunit *test)
{
	PMDL mdl = alloc_scattered(test);
	struct references before = references_of(mdl);
	void *va = MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority);
	unsigned long flags;

	KUNIT_ASSERT_NOT_NULL(test, va);
	local_irq_save(flags);
	MmUnmapLockedPages(va, mdl);
	local_irq_restore(flags);
	KUNIT_EXPECT_EQ(test, mdl->MdlFlags, MDL_PAGES_LOCKED);
	v3w_mapping_flush();
	expect_unmapped(test, va);
	expect_references(test, mdl, &before, 0);
}

/* Scattered pages have no address in atomic context, which changes nothing. */
static void map_in_atomic_context_gives_none(struct kunit *test)
{
	PMDL mdl = alloc_scattered(test);
	struct references before = references_of(mdl);
	void *va;

	local_bh_disable();
	va = MmGetSystemAddressForMdlSafe(mdl, HighPagePriority);
	local_bh_enable();
	KUNIT_EXPECT_NULL(test, va);
	KUNIT_EXPECT_EQ(test, mdl->MdlFlags, MDL_PAGES_LOCKED);
	KUNIT_EXPECT_NULL(test, mdl->MappedSystemVa);
	expect_references(test, mdl, &before, 0);
	va = MmGetSystemAddressForMdlSafe(mdl, HighPagePriority);
	local_bh_disable();
	KUNIT_EXPECT_PTR_EQ(test, MmGetSystemAddressForMdlSafe(mdl, HighPagePriority), va);
	local_bh_enable();
	expect_mapped(test, mdl, va);
}

static void mapping_outlives_freed_pages(struct kunit *test)
{
	PMDL mdl = MmAllocatePagesForMdl(address_of(0), address_of(~0ull), address_of(0),
					 MAPPED_PAGES * PAGE_SIZE);
	struct page *page;
	CSHORT flags;
	void *va;

	KUNIT_ASSERT_NOT_NULL(test, mdl);
	scatter_pages(mdl);
	page = page_of(mdl, 0);
	get_page(page);
	va = MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority);
	KUNIT_EXPECT_NOT_NULL(test, va);
	spin_lock(&atomic_lock);
	MmFreePagesFromMdl(mdl);
	flags = mdl->MdlFlags;
	ExFreePool(mdl);
	spin_unlock(&atomic_lock);
	KUNIT_EXPECT_EQ(test, flags, 0);
	v3w_mapping_flush();
	expect_unmapped(test, va);
	KUNIT_EXPECT_EQ_MSG(test, page_ref_count(page), 1, "only the test's reference is left");
	put_page(page);
}

static void partial_shares_the_mapping(struct kunit *test)
{
	PMDL source = lock_scattered(test), target = alloc_mdl(test, NULL, 2 * PAGE_SIZE);
	char *part = MmGetMdlVirtualAddress(source) + PAGE_SIZE;
	char *va = MmGetSystemAddressForMdlSafe(source, NormalPagePriority);

	KUNIT_ASSERT_NOT_NULL(test, va);
	IoBuildPartialMdl(source, target, part, PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, target->MdlFlags, MDL_PARTIAL | MDL_MAPPED_TO_SYSTEM_VA);
	KUNIT_EXPECT_PTR_EQ(test, MmGetSystemAddressForMdlSafe(target, NormalPagePriority),
			    (void *)va + PAGE_SIZE);
	expect_mapped(test, target, va + PAGE_SIZE);
	MmPrepareMdlForReuse(target);
	MmUnmapLockedPages(target->MappedSystemVa, target);
	expect_mapped(test, source, va);
	source->MdlFlags |= MDL_IO_SPACE;
	IoBuildPartialMdl(source, target, part, PAGE_SIZE);
	source->MdlFlags &= ~MDL_IO_SPACE;
	KUNIT_EXPECT_EQ(test, target->MdlFlags,
			MDL_PARTIAL | MDL_MAPPED_TO_SYSTEM_VA | MDL_IO_SPACE);
}

/* A part that was mapped itself gives its mapping back when it becomes another part. */
static void partial_is_mapped_and_used_again(struct kunit *test)
{
	const CSHORT mapped = MDL_PARTIAL | MDL_MAPPED_TO_SYSTEM_VA | MDL_PARTIAL_HAS_BEEN_MAPPED;
	PMDL source = alloc_scattered(test), target = alloc_mdl(test, NULL, 4 * PAGE_SIZE);
	PMDL again = alloc_mdl(test, NULL, 3 * PAGE_SIZE);
	char *part = MmGetMdlVirtualAddress(source);
	struct references before = references_of(source);
	void *va;

	IoBuildPartialMdl(source, target, part + PAGE_SIZE, 2 * PAGE_SIZE);
	va = MmGetSystemAddressForMdlSafe(target, NormalPagePriority);
	expect_mapped(test, target, va);
	KUNIT_EXPECT_EQ(test, target->MdlFlags, mapped);
	KUNIT_EXPECT_EQ(test, source->MdlFlags, MDL_PAGES_LOCKED);

	IoBuildPartialMdl(target, again, part + PAGE_SIZE + 4, 2 * PAGE_SIZE - 4);
	KUNIT_EXPECT_EQ(test, again->MdlFlags, MDL_PARTIAL | MDL_MAPPED_TO_SYSTEM_VA);
	KUNIT_EXPECT_PTR_EQ(test, again->MappedSystemVa, va + 4);

	IoBuildPartialMdl(source, target, part, 0);
	expect_unmapped(test, va);
	KUNIT_EXPECT_EQ(test, target->MdlFlags, MDL_PARTIAL);
	KUNIT_EXPECT_NULL(test, target->MappedSystemVa);
	expect_references(test, source, &before, 0);

	va = MmGetSystemAddressForMdlSafe(target, NormalPagePriority);
	expect_mapped(test, target, va);
	MmPrepareMdlForReuse(target);
	expect_unmapped(test, va);
	KUNIT_EXPECT_EQ(test, target->MdlFlags, MDL_PARTIAL);
	va = MmGetSystemAddressForMdlSafe(target, NormalPagePriority);
	IoBuildPartialMdl(source, target, part - PAGE_SIZE, PAGE_SIZE);
	KUNIT_EXPECT_EQ_MSG(test, target->MdlFlags, 0, "it is not a part");
	expect_unmapped(test, va);
	expect_references(test, source, &before, 0);
}

static void free_takes_the_mapping_back(struct kunit *test)
{
	PMDL source = alloc_scattered(test);
	struct references before = references_of(source);
	void *va[2];
	int i;

	for (i = 0; i < 2; i++) {
		PMDL target = IoAllocateMdl(NULL, MAPPED_PAGES * PAGE_SIZE, FALSE, FALSE, NULL);

		KUNIT_ASSERT_NOT_NULL(test, target);
		IoBuildPartialMdl(source, target, MmGetMdlVirtualAddress(source), 0);
		va[i] = MmGetSystemAddressForMdlSafe(target, NormalPagePriority);
		KUNIT_EXPECT_NOT_NULL(test, va[i]);
		expect_references(test, source, &before, 1);
		if (i)
			spin_lock(&atomic_lock);
		IoFreeMdl(target);
		if (i)
			spin_unlock(&atomic_lock);
		v3w_mapping_flush();
		expect_references(test, source, &before, 0);
		expect_unmapped(test, va[i]);
	}
}

static void map_refuses_what_has_no_address(struct kunit *test)
{
	PMDL mdl = alloc_scattered(test), empty = alloc_mdl(test, NULL, 0);

	KUNIT_EXPECT_NULL(test, MmMapLockedPagesSpecifyCache(mdl, UserMode, MmCached, NULL, FALSE,
							     NormalPagePriority));
	mdl->MdlFlags |= MDL_IO_SPACE;
	KUNIT_EXPECT_NULL(test, MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority));
	mdl->MdlFlags &= ~MDL_IO_SPACE;
	empty->MdlFlags |= MDL_PARTIAL;
	KUNIT_EXPECT_NULL(test, MmGetSystemAddressForMdlSafe(empty, NormalPagePriority));
}

/* A driver may fill PFN arrays itself. Frames that are no memory have no address. */
static void map_refuses_frames_without_memory(struct kunit *test)
{
	PMDL mdl = alloc_scattered(test), target = alloc_mdl(test, NULL, MAPPED_PAGES * PAGE_SIZE);
	struct references before = references_of(mdl);
	PPFN_NUMBER pfns = MmGetMdlPfnArray(target);

	IoBuildPartialMdl(mdl, target, NULL, 0);
	KUNIT_ASSERT_EQ(test, target->MdlFlags, MDL_PARTIAL);
	pfns[MAPPED_PAGES - 1] = ~0ull >> PAGE_SHIFT;
	KUNIT_EXPECT_NULL(test, MmGetSystemAddressForMdlSafe(target, NormalPagePriority));
	expect_references(test, mdl, &before, 0);
	MmInitializeMdl(target, NULL, PAGE_SIZE);
	target->MdlFlags = MDL_PAGES_LOCKED;
	pfns[0] = ~0ull >> PAGE_SHIFT;
	KUNIT_EXPECT_NULL(test, MmGetSystemAddressForMdlSafe(target, NormalPagePriority));
}

static void map_no_write_is_read_only(struct kunit *test)
{
#if defined(CONFIG_X86) && !defined(CONFIG_UML)
	PMDL mdl = alloc_scattered(test);
	unsigned int level;
	void *va;

	va = MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority | MdlMappingNoWrite);
	KUNIT_ASSERT_NOT_NULL(test, va);
	KUNIT_EXPECT_FALSE(test, pte_write(*lookup_address((unsigned long)va, &level)));
	MmUnmapLockedPages(va, mdl);
	va = MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority);
	KUNIT_ASSERT_NOT_NULL(test, va);
	KUNIT_EXPECT_TRUE(test, pte_write(*lookup_address((unsigned long)va, &level)));
#else
	kunit_skip(test, "the page table of this kernel cannot be looked at");
#endif
}

static void map_fails_without_memory(struct kunit *test)
{
	PMDL mdl = alloc_scattered(test);
	struct references before = references_of(mdl);
	unsigned int nth;
	bool failed;
	void *va;

	V3T_REQUIRE_ALLOC_FAIL(test);
	for (nth = 1, failed = true; failed; nth++) {
		v3t_alloc_fail_nth_begin(nth);
		va = MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority);
		failed = v3t_alloc_fail_nth_end();
		expect_references(test, mdl, &before, va ? 1 : 0);
		if (va)
			MmUnmapLockedPages(va, mdl);
		KUNIT_EXPECT_EQ(test, mdl->MdlFlags, MDL_PAGES_LOCKED);
		KUNIT_EXPECT_NULL(test, mdl->MappedSystemVa);
		KUNIT_ASSERT_TRUE(test, va || failed);
	}
	KUNIT_EXPECT_GT(test, nth, 2);
	expect_references(test, mdl, &before, 0);
}

#define ROUNDS	200

/* struct mapper: a thread that gets the address of an MDL. */
struct mapper {
	struct v3t_thread thread;
	PMDL mdl;
	atomic_t *turn;
	void *va;
};

static int get_address(void *arg)
{
	struct mapper *mapper = arg;

	atomic_dec(mapper->turn);
	while (atomic_read(mapper->turn) > 0)
		cond_resched();
	mapper->va = MmGetSystemAddressForMdlSafe(mapper->mdl, NormalPagePriority);
	return 0;
}

/* Windows forbids this. One mapping is left, and nothing of the other. */
static void two_threads_get_one_address(struct kunit *test)
{
	PMDL mdl = alloc_scattered(test);
	struct references before = references_of(mdl);
	struct mapper mapper[2];
	atomic_t turn;
	int round, i;

	for (round = 0; round < ROUNDS; round++) {
		atomic_set(&turn, 2);
		for (i = 0; i < 2; i++) {
			mapper[i].mdl = mdl;
			mapper[i].turn = &turn;
			mapper[i].va = NULL;
			v3t_thread_start(&mapper[i].thread, get_address, &mapper[i]);
		}
		/* One that did not start would never take its turn. */
		if (IS_ERR(mapper[0].thread.task) || IS_ERR(mapper[1].thread.task))
			atomic_set(&turn, 0);
		for (i = 0; i < 2; i++)
			KUNIT_EXPECT_EQ(test, v3t_thread_join(&mapper[i].thread), 0);
		KUNIT_ASSERT_NOT_NULL(test, mapper[0].va);
		KUNIT_ASSERT_PTR_EQ(test, mapper[0].va, mapper[1].va);
		KUNIT_ASSERT_PTR_EQ(test, mdl->MappedSystemVa, mapper[0].va);
		expect_references(test, mdl, &before, 1);
		MmUnmapLockedPages(mapper[0].va, mdl);
		expect_references(test, mdl, &before, 0);
	}
}

static void windows_lists_link_and_unlink(struct kunit *test)
{
	LIST_ENTRY head, a, b;

	InitializeListHead(&head);
	KUNIT_EXPECT_TRUE(test, IsListEmpty(&head));
	InsertTailList(&head, &b);
	InsertHeadList(&head, &a);
	KUNIT_EXPECT_PTR_EQ(test, head.Flink, &a);
	KUNIT_EXPECT_PTR_EQ(test, a.Flink, &b);
	KUNIT_EXPECT_PTR_EQ(test, b.Flink, &head);
	KUNIT_EXPECT_PTR_EQ(test, head.Blink, &b);
	KUNIT_EXPECT_FALSE(test, RemoveEntryList(&a));
	KUNIT_EXPECT_TRUE(test, RemoveEntryList(&b));
	KUNIT_EXPECT_TRUE(test, IsListEmpty(&head));
}

static struct kunit_case mdl_cases[] = {
	KUNIT_CASE(size_counts_each_page_touched),
	KUNIT_CASE(describes_the_buffer),
	KUNIT_CASE(alloc_refuses_bad_arguments),
	KUNIT_CASE(nonpaged_build_takes_linear_memory),
	KUNIT_CASE(nonpaged_build_takes_vmalloc),
	KUNIT_CASE(nonpaged_build_takes_module_data),
	KUNIT_CASE(nonpaged_build_refuses_no_memory),
	KUNIT_CASE(nonpaged_build_refuses_a_guard_page),
	KUNIT_CASE(caller_may_own_the_storage),
	KUNIT_CASE(locks_kernel_memory),
	KUNIT_CASE(lock_refuses_bad_arguments),
	KUNIT_CASE(lock_refuses_users_without_process),
	KUNIT_CASE(locks_user_pages),
	KUNIT_CASE(unlock_dirties_what_was_written),
	KUNIT_CASE(lock_refuses_pages_without_permission),
	KUNIT_CASE(failed_lock_keeps_no_page),
	KUNIT_CASE(user_mode_refuses_kernel_addresses),
	KUNIT_CASE(kernel_mode_takes_user_pages),
	KUNIT_CASE(lock_respects_the_quota),
	KUNIT_CASE(lock_refuses_atomic_context),
	KUNIT_CASE(free_unlocks_pages),
	KUNIT_CASE(works_in_atomic_context),
	KUNIT_CASE(partial_shares_the_frames),
	KUNIT_CASE(partial_refuses_beyond_its_source),
	KUNIT_CASE(contiguous_pages_have_an_address),
	KUNIT_CASE(locked_vmalloc_is_mapped),
	KUNIT_CASE(user_pages_are_mapped),
	KUNIT_CASE(unlock_takes_the_mapping_back),
	KUNIT_CASE(atomic_unlock_takes_the_mapping_back),
	KUNIT_CASE(unmap_with_interrupts_off),
	KUNIT_CASE(map_in_atomic_context_gives_none),
	KUNIT_CASE(mapping_outlives_freed_pages),
	KUNIT_CASE(partial_shares_the_mapping),
	KUNIT_CASE(partial_is_mapped_and_used_again),
	KUNIT_CASE(free_takes_the_mapping_back),
	KUNIT_CASE(map_refuses_what_has_no_address),
	KUNIT_CASE(map_refuses_frames_without_memory),
	KUNIT_CASE(map_no_write_is_read_only),
	KUNIT_CASE(map_fails_without_memory),
	KUNIT_CASE_SLOW(two_threads_get_one_address),
	KUNIT_CASE(windows_lists_link_and_unlink),
	{}
};

static struct kunit_suite mdl_suite = {
	.name = "v3compat_mdl",
	.test_cases = mdl_cases,
};
kunit_test_suites(&mdl_suite);
