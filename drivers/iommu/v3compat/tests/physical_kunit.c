// SPDX-License-Identifier: GPL-2.0
/*
 * Pool, physical memory and memory of devices, where a client that is written as source for Windows
 * is cannot look: contexts, failing allocations, and what RAM is.
 */
#include <kunit/test.h>
#include <linux/io.h>
#include <linux/ioport.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/pfn.h>
#include <linux/sizes.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include <kcompat.h>
#include <wdm.h>

#include "alloc_fail.h"
#include "wdm/mapping.h"

V3C_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);

static DEFINE_SPINLOCK(atomic_lock);

static PHYSICAL_ADDRESS address_of(u64 value)
{
	PHYSICAL_ADDRESS address = { .QuadPart = value };

	return address;
}

static void pool_works_in_atomic_context(struct kunit *test)
{
	void *large = ExAllocatePoolZero(NonPagedPoolNx, SZ_16M, 1);
	void *small, *block;
	unsigned long flags;

	KUNIT_EXPECT_TRUE(test, is_vmalloc_addr(large) ||
			  (!large && !IS_ENABLED(CONFIG_PREEMPT_COUNT)));
	spin_lock_irqsave(&atomic_lock, flags);
	small = ExAllocatePool2(POOL_FLAG_NON_PAGED, 20, 1);
	block = ExAllocatePool2(POOL_FLAG_NON_PAGED, 5 * PAGE_SIZE, 1);
	ExFreePool(large);
	large = ExAllocatePool2(POOL_FLAG_NON_PAGED, SZ_16M, 1);
	ExFreePool(block);
	ExFreePool(small);
	spin_unlock_irqrestore(&atomic_lock, flags);
	KUNIT_EXPECT_NOT_NULL(test, small);
	KUNIT_EXPECT_NOT_NULL(test, block);
	KUNIT_EXPECT_NULL_MSG(test, large, "the kernel has no such block");
}

static void pool_fails_without_memory(struct kunit *test)
{
	void *small, *large;

	V3T_REQUIRE_ALLOC_FAIL(test);
	v3t_alloc_fail_begin();
	small = ExAllocatePool2(POOL_FLAG_NON_PAGED, 20, 1);
	large = ExAllocatePoolWithTag(PagedPool, SZ_1M, 1);
	v3t_alloc_fail_end();
	KUNIT_EXPECT_NULL(test, small);
	KUNIT_EXPECT_NULL(test, large);
}

static void physical_memory_works_in_atomic_context(struct kunit *test)
{
	PHYSICAL_ADDRESS none = address_of(0), any = address_of(~0ull);
	void *block;
	PMDL mdl;

	spin_lock(&atomic_lock);
	block = MmAllocateContiguousMemory(2 * PAGE_SIZE, any);
	mdl = MmAllocatePagesForMdl(none, any, none, 8 * PAGE_SIZE);
	MmFreeContiguousMemory(block);
	if (mdl) {
		MmFreePagesFromMdl(mdl);
		ExFreePool(mdl);
	}
	spin_unlock(&atomic_lock);
	KUNIT_EXPECT_NOT_NULL(test, block);
	KUNIT_EXPECT_NOT_NULL(test, mdl);
}

/* No block is larger than what the page allocator has, and no size makes it warn. */
static void contiguous_memory_has_a_limit(struct kunit *test)
{
	PHYSICAL_ADDRESS any = address_of(~0ull);
	size_t most = PAGE_SIZE << MAX_PAGE_ORDER;
	void *block = MmAllocateContiguousMemory(most, any);

	if (block)
		KUNIT_EXPECT_EQ(test, virt_to_phys(block) % most, 0);
	MmFreeContiguousMemory(block);
	KUNIT_EXPECT_NULL(test, MmAllocateContiguousMemory(most + 1, any));
	KUNIT_EXPECT_NULL(test, MmAllocateContiguousMemory(SZ_2G, any));
}

/* A range that has one page of RAM in it is honoured, also where that page is in use. */
static void ranges_are_honoured(struct kunit *test)
{
	PHYSICAL_ADDRESS none = address_of(0), first, last;
	void *block = MmAllocateContiguousMemory(PAGE_SIZE, address_of(~0ull));
	PMDL mdl;

	KUNIT_ASSERT_NOT_NULL(test, block);
	first = MmGetPhysicalAddress(block);
	last = address_of(first.QuadPart + PAGE_SIZE - 1);
	KUNIT_EXPECT_NULL(test, MmAllocateContiguousMemorySpecifyCache(PAGE_SIZE, first, last, none,
								       MmCached));
	KUNIT_EXPECT_NULL(test, MmAllocatePagesForMdl(first, last, none, SZ_1M));
	MmFreeContiguousMemory(block);

	mdl = MmAllocatePagesForMdl(none, address_of(SZ_16M - 1), none, SZ_64K);
	if (mdl) {
		unsigned int i;

		for (i = 0; i < MmGetMdlByteCount(mdl) >> PAGE_SHIFT; i++)
			KUNIT_EXPECT_LT(test, PFN_PHYS(MmGetMdlPfnArray(mdl)[i]), SZ_16M);
		MmFreePagesFromMdl(mdl);
		ExFreePool(mdl);
	}
}

static void pages_fail_without_memory(struct kunit *test)
{
	PHYSICAL_ADDRESS none = address_of(0), any = address_of(~0ull);
	bool failed = true;
	unsigned int nth;
	PMDL mdl;

	V3T_REQUIRE_ALLOC_FAIL(test);
	for (nth = 1; failed; nth++) {
		v3t_alloc_fail_nth_begin(nth);
		mdl = MmAllocatePagesForMdlEx(none, any, none, 4 * PAGE_SIZE, MmCached,
					      MM_ALLOCATE_FULLY_REQUIRED);
		failed = v3t_alloc_fail_nth_end();
		if (mdl) {
			KUNIT_EXPECT_EQ(test, MmGetMdlByteCount(mdl), 4 * PAGE_SIZE);
			MmFreePagesFromMdl(mdl);
			ExFreePool(mdl);
		}
		KUNIT_ASSERT_TRUE(test, mdl || failed);
	}
	v3t_alloc_fail_begin();
	mdl = MmAllocatePagesForMdl(none, any, none, 4 * PAGE_SIZE);
	v3t_alloc_fail_end();
	KUNIT_EXPECT_NULL(test, mdl);
}

/* What is left of a reference is seen by the page: it is the test's alone at the end. */
static void pages_are_freed_once(struct kunit *test)
{
	PHYSICAL_ADDRESS none = address_of(0), any = address_of(~0ull);
	PMDL mdl = MmAllocatePagesForMdlEx(none, any, none, 3 * PAGE_SIZE, MmCached,
					   MM_ALLOCATE_REQUIRE_CONTIGUOUS_CHUNKS);
	struct page *page[3];
	int i;

	KUNIT_ASSERT_NOT_NULL(test, mdl);
	for (i = 0; i < 3; i++) {
		page[i] = pfn_to_page(MmGetMdlPfnArray(mdl)[i]);
		get_page(page[i]);
		KUNIT_EXPECT_EQ(test, page_ref_count(page[i]), 2);
	}
	MmFreePagesFromMdl(mdl);
	MmFreePagesFromMdl(mdl);
	ExFreePool(mdl);
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_EQ(test, page_ref_count(page[i]), 1);
		put_page(page[i]);
	}
}

static void addresses_of_all_kinds_of_memory(struct kunit *test)
{
	char *vmalloced = vmalloc(2 * PAGE_SIZE);
	static char data;

	KUNIT_ASSERT_NOT_NULL(test, vmalloced);
	KUNIT_EXPECT_EQ(test, (u64)MmGetPhysicalAddress(vmalloced + PAGE_SIZE + 5).QuadPart,
			PFN_PHYS(vmalloc_to_pfn(vmalloced + PAGE_SIZE)) + 5);
	KUNIT_EXPECT_TRUE(test, MmIsAddressValid(vmalloced));
	KUNIT_EXPECT_FALSE_MSG(test, MmIsAddressValid(vmalloced + 2 * PAGE_SIZE), "a guard page");
	KUNIT_EXPECT_EQ(test, MmGetPhysicalAddress(vmalloced + 2 * PAGE_SIZE).QuadPart, 0);
	vfree(vmalloced);
	KUNIT_EXPECT_TRUE(test, MmIsAddressValid(&data));
	KUNIT_EXPECT_NE(test, MmGetPhysicalAddress(&data).QuadPart, 0);
	KUNIT_EXPECT_TRUE(test, MmIsAddressValid(&test));
}

/* Memory of the process is seen where it is present, and not brought in. */
static void addresses_of_a_process(struct kunit *test)
{
	unsigned long va = kunit_vm_mmap(test, NULL, 0, 2 * PAGE_SIZE, PROT_READ | PROT_WRITE,
					 MAP_ANONYMOUS | MAP_PRIVATE, 0);
	PHYSICAL_ADDRESS physical;
	PMDL mdl;

	KUNIT_ASSERT_NE(test, va, 0);
	if (put_user(0x55, (u8 __user *)va))
		kunit_skip(test, "a test cannot touch user memory on this kernel");
	if (!IS_ENABLED(CONFIG_HAVE_GUP_FAST))
		kunit_skip(test, "this architecture does not walk page tables of processes");
	physical = MmGetPhysicalAddress((void *)va + 3);
	KUNIT_EXPECT_TRUE(test, MmIsAddressValid((void *)va));
	KUNIT_EXPECT_FALSE(test, MmIsAddressValid((void *)va + PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, MmGetPhysicalAddress((void *)va + PAGE_SIZE).QuadPart, 0);
	mdl = IoAllocateMdl((void *)va, PAGE_SIZE, FALSE, FALSE, NULL);
	KUNIT_ASSERT_NOT_NULL(test, mdl);
	KUNIT_EXPECT_EQ(test, V3cProbeAndLockPages(mdl, UserMode, IoReadAccess), STATUS_SUCCESS);
	KUNIT_EXPECT_EQ(test, (u64)physical.QuadPart, PFN_PHYS(MmGetMdlPfnArray(mdl)[0]) + 3);
	IoFreeMdl(mdl);
}

static void io_space_refuses_ram(struct kunit *test)
{
	void *block = MmAllocateContiguousMemory(PAGE_SIZE, address_of(~0ull));
	PHYSICAL_ADDRESS at;

	KUNIT_ASSERT_NOT_NULL(test, block);
	at = MmGetPhysicalAddress(block);
	if (region_intersects(at.QuadPart, PAGE_SIZE, IORESOURCE_SYSTEM_RAM, IORES_DESC_NONE) !=
	    REGION_INTERSECTS) {
		MmFreeContiguousMemory(block);
		kunit_skip(test, "this kernel does not say what is RAM");
	}
	KUNIT_EXPECT_NULL(test, MmMapIoSpace(at, PAGE_SIZE, MmNonCached));
	KUNIT_EXPECT_NULL(test, MmMapIoSpace(at, PAGE_SIZE, MmWriteCombined));
	KUNIT_EXPECT_NULL(test, MmMapIoSpaceEx(at, PAGE_SIZE, PAGE_READWRITE | PAGE_NOCACHE));
	KUNIT_EXPECT_NULL_MSG(test, MmMapIoSpace(address_of(0), SZ_1G, MmCached),
			      "RAM and what is between it");
	KUNIT_EXPECT_PTR_EQ(test, MmMapIoSpace(at, PAGE_SIZE, MmCached), block);
	KUNIT_EXPECT_PTR_EQ(test, MmMapIoSpaceEx(at, 16, PAGE_READWRITE), block);
	MmUnmapIoSpace(block, PAGE_SIZE);
	KUNIT_EXPECT_TRUE(test, MmIsAddressValid(block));
	MmFreeContiguousMemory(block);
}

/* Nothing is at the last physical address that there may be, which is not read either. */
static void io_space_is_mapped_and_unmapped(struct kunit *test)
{
	static const MEMORY_CACHING_TYPE types[] = {
		MmNonCached, MmWriteCombined, MmNonCachedUnordered,
	};
	PHYSICAL_ADDRESS at;
	void *va, *none;
	int i;

	if (!IS_ENABLED(CONFIG_X86) || IS_ENABLED(CONFIG_UML))
		kunit_skip(test, "this kernel does not say which physical addresses it has");
	at = address_of((iomem_resource.end & PAGE_MASK) + 0x100);
	for (i = 0; i < ARRAY_SIZE(types); i++) {
		va = MmMapIoSpace(at, 0x100, types[i]);
		KUNIT_ASSERT_NOT_NULL_MSG(test, va, "type %d", types[i]);
		KUNIT_EXPECT_TRUE(test, is_vmalloc_addr(va));
		KUNIT_EXPECT_EQ(test, offset_in_page(va), 0x100);
		KUNIT_EXPECT_TRUE(test, MmIsAddressValid(va));
		KUNIT_EXPECT_EQ(test, MmGetPhysicalAddress(va).QuadPart, at.QuadPart);
		MmUnmapIoSpace(va + 8, 0x100);
		KUNIT_EXPECT_TRUE_MSG(test, MmIsAddressValid(va), "that was another address");
		spin_lock(&atomic_lock);
		none = MmMapIoSpace(at, 0x100, types[i]);
		MmUnmapIoSpace(va, 0x100);
		spin_unlock(&atomic_lock);
		v3w_mapping_flush();
		KUNIT_EXPECT_FALSE(test, MmIsAddressValid(va));
		KUNIT_EXPECT_NULL_MSG(test, none, "mapping sleeps");
		MmUnmapIoSpace(va, 0x100);
	}
	va = MmMapIoSpaceEx(at, 0x100, PAGE_READWRITE | PAGE_NOCACHE);
	KUNIT_EXPECT_NOT_NULL(test, va);
	MmUnmapIoSpace(va, 0x100);
	v3w_mapping_flush();
	KUNIT_EXPECT_FALSE(test, MmIsAddressValid(va));
	KUNIT_EXPECT_NULL(test, MmMapIoSpace(at, PAGE_SIZE, MmNonCached));
	KUNIT_EXPECT_NULL(test, MmMapIoSpace(address_of(~0ull - 2 * PAGE_SIZE), 0x100,
					     MmNonCached));
}

static struct kunit_case physical_cases[] = {
	KUNIT_CASE(pool_works_in_atomic_context),
	KUNIT_CASE(pool_fails_without_memory),
	KUNIT_CASE(physical_memory_works_in_atomic_context),
	KUNIT_CASE(contiguous_memory_has_a_limit),
	KUNIT_CASE(ranges_are_honoured),
	KUNIT_CASE(pages_fail_without_memory),
	KUNIT_CASE(pages_are_freed_once),
	KUNIT_CASE(addresses_of_all_kinds_of_memory),
	KUNIT_CASE(addresses_of_a_process),
	KUNIT_CASE(io_space_refuses_ram),
	KUNIT_CASE(io_space_is_mapped_and_unmapped),
	{}
};

static struct kunit_suite physical_suite = {
	.name = "v3compat_physical",
	.test_cases = physical_cases,
};
kunit_test_suites(&physical_suite);
