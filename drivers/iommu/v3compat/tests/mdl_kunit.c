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
#include <wdm.h>

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
	KUNIT_EXPECT_EQ(test, target->MdlFlags, MDL_PARTIAL);
	KUNIT_EXPECT_EQ(test, MmGetMdlByteCount(target), PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, MmGetMdlPfnArray(target)[0], MmGetMdlPfnArray(source)[1]);

	IoBuildPartialMdl(source, target, buffer + 2 * PAGE_SIZE, 0);
	KUNIT_EXPECT_EQ_MSG(test, target->MdlFlags, MDL_PARTIAL, "length 0 means up to the end");
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
	KUNIT_EXPECT_EQ(test, target->MdlFlags, MDL_PARTIAL);
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
	KUNIT_CASE(windows_lists_link_and_unlink),
	{}
};

static struct kunit_suite mdl_suite = {
	.name = "v3compat_mdl",
	.test_cases = mdl_cases,
};
kunit_test_suites(&mdl_suite);
