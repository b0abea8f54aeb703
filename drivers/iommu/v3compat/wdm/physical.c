// SPDX-License-Identifier: GPL-2.0
/*
 * Physical memory: which there is behind an address, and allocating it by its address.
 */
#include <linux/io.h>
#include <linux/limits.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/pfn.h>
#include <linux/sizes.h>
#include <linux/topology.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include <kcompat.h>

#include "base/context.h"
#include "wdm/mapping.h"
#include "wdm/physical.h"
#include "wdm/pool.h"

/* v3w_kernel_frame() tells which page is behind an address of the kernel. False if none is. */
bool v3w_kernel_frame(const void *va, PFN_NUMBER *frame)
{
	struct page *page;

	if (is_vmalloc_or_module_addr(va)) {
		page = vmalloc_to_page(va);
		if (!page)
			return false;
		*frame = page_to_pfn(page);
		return true;
	}
	if (!virt_addr_valid(va))
		return false;
	*frame = PHYS_PFN(__pa(va));
	return true;
}

/* user_frame() is for memory of the current process that is present. It faults nothing in. */
static bool user_frame(const void *va, PFN_NUMBER *frame)
{
	struct page *page;

	if (!current->mm || get_user_pages_fast_only((unsigned long)va, 1, 0, &page) != 1)
		return false;
	*frame = page_to_pfn(page);
	put_page(page);
	return true;
}

PHYSICAL_ADDRESS MmGetPhysicalAddress(PVOID BaseAddress)
{
	PHYSICAL_ADDRESS physical = { .QuadPart = 0 };
	PFN_NUMBER frame;

	if (v3w_kernel_frame(BaseAddress, &frame) || user_frame(BaseAddress, &frame))
		physical.QuadPart = (frame << PAGE_SHIFT) + BYTE_OFFSET(BaseAddress);
	return physical;
}
V3C_EXPORT_NS_GPL(MmGetPhysicalAddress, V3COMPAT);

/*
 * MmIsAddressValid() reads nothing where memory of a device may be mapped, because that could do
 * something.
 */
BOOLEAN MmIsAddressValid(PVOID VirtualAddress)
{
	PFN_NUMBER frame;
	char byte;

	if (is_vmalloc_or_module_addr(VirtualAddress))
		return v3w_kernel_frame(VirtualAddress, &frame);
	return user_frame(VirtualAddress, &frame) ||
	       !copy_from_kernel_nofault(&byte, VirtualAddress, 1);
}
V3C_EXPORT_NS_GPL(MmIsAddressValid, V3COMPAT);

PVOID MmGetVirtualForPhysical(PHYSICAL_ADDRESS PhysicalAddress)
{
	u64 physical = PhysicalAddress.QuadPart;
	void *va;

	if (!pfn_valid(PHYS_PFN(physical)))
		return NULL;
	va = phys_to_virt(physical);
	return MmIsAddressValid(va) ? va : NULL;
}
V3C_EXPORT_NS_GPL(MmGetVirtualForPhysical, V3COMPAT);

/* How many blocks are looked at in a zone, none of which is where it is wanted. */
#define TRIES	16

/*
 * The zones, of which each includes those behind it. Which addresses the last ones have is a matter
 * of the machine.
 */
static const gfp_t zones[] = { 0, GFP_DMA32, GFP_DMA };

/**
 * struct search - allocating blocks that are in a range of physical addresses
 * @low: first byte of the range
 * @high: last byte of it
 * @skip: distance at which the range is repeated, or 0
 * @boundary: no multiple of this is crossed, or 0
 * @length: of each block, in bytes
 * @gfp: flags, but for the zone
 * @node: NUMA node
 * @zone: that blocks come from, in zones[]
 * @outside: blocks that were not in the range, which are kept until the end: otherwise the
 *	allocator would give them again
 * @count: of @outside
 */
struct search {
	u64 low;
	u64 high;
	u64 skip;
	u64 boundary;
	u64 length;
	gfp_t gfp;
	int node;
	unsigned int zone;
	struct page *outside[TRIES * ARRAY_SIZE(zones)];
	unsigned int count;
};

/* search_gfp() lets no process be killed for memory that its user may do without. */
static gfp_t search_gfp(bool wait)
{
	gfp_t gfp = wait ? v3c_gfp() : GFP_NOWAIT;

	return gfp | __GFP_NOWARN | (gfpflags_allow_blocking(gfp) ? __GFP_RETRY_MAYFAIL : 0);
}

static bool is_wanted(const struct search *search, u64 start)
{
	u64 last = start + search->length - 1;

	if (search->boundary && start / search->boundary != last / search->boundary)
		return false;
	if (start < search->low)
		return false;
	start -= search->low;
	if (search->skip)
		start %= search->skip;
	return start <= search->high - search->low &&
	       search->length - 1 <= search->high - search->low - start;
}

static unsigned int search_order(const struct search *search)
{
	return get_order(search->length);
}

/* find_block() allocates a block. NULL if there is none. */
static struct page *find_block(struct search *search)
{
	struct page *page;

	while (search->zone < ARRAY_SIZE(zones)) {
		page = alloc_pages_node(search->node, search->gfp | zones[search->zone],
					search_order(search));
		if (page && is_wanted(search, page_to_phys(page)))
			return page;
		if (page)
			search->outside[search->count++] = page;
		if (!page || search->count == TRIES * (search->zone + 1))
			search->zone++;
	}
	return NULL;
}

static void end_search(struct search *search)
{
	while (search->count)
		__free_pages(search->outside[--search->count], search_order(search));
}

/* begin_search() refuses what cannot be found. */
static bool begin_search(struct search *search)
{
	if (!search->length || search->length > PAGE_SIZE << MAX_PAGE_ORDER ||
	    search->low > search->high)
		return false;
	if (!search->skip && search->high < SZ_4G)
		search->zone = 1;
	return true;
}

PVOID MmAllocateContiguousNodeMemory(SIZE_T NumberOfBytes,
				     PHYSICAL_ADDRESS LowestAcceptableAddress,
				     PHYSICAL_ADDRESS HighestAcceptableAddress,
				     PHYSICAL_ADDRESS BoundaryAddressMultiple, ULONG Protect,
				     NODE_REQUIREMENT PreferredNode)
{
	struct search search = {
		.low = LowestAcceptableAddress.QuadPart,
		.high = HighestAcceptableAddress.QuadPart,
		.boundary = BoundaryAddressMultiple.QuadPart,
		.length = NumberOfBytes,
		.gfp = search_gfp(true) | __GFP_COMP,
		.node = NUMA_NO_NODE,
	};
	struct page *page;

	if (PreferredNode != MM_ANY_NODE_OK) {
		if (PreferredNode >= MAX_NUMNODES || !node_online(PreferredNode))
			return NULL;
		search.node = PreferredNode;
		search.gfp |= __GFP_THISNODE;
	}
	if (!begin_search(&search))
		return NULL;
	page = find_block(&search);
	end_search(&search);
	return page ? page_address(page) : NULL;
}
V3C_EXPORT_NS_GPL(MmAllocateContiguousNodeMemory, V3COMPAT);

void MmFreeContiguousMemory(PVOID BaseAddress)
{
	if (BaseAddress && !is_vmalloc_addr(BaseAddress))
		put_page(virt_to_head_page(BaseAddress));
}
V3C_EXPORT_NS_GPL(MmFreeContiguousMemory, V3COMPAT);

/* add_block() gives the pages of a block to @mdl, one by one, and what is over back. */
static void add_block(PMDL mdl, struct page *block, const struct search *search)
{
	unsigned long i, count = search->length >> PAGE_SHIFT;
	PPFN_NUMBER pfns = MmGetMdlPfnArray(mdl) + (mdl->ByteCount >> PAGE_SHIFT);

	split_page(block, search_order(search));
	for (i = 0; i < count; i++)
		pfns[i] = page_to_pfn(block) + i;
	for (; i < 1UL << search_order(search); i++)
		__free_page(block + i);
	mdl->ByteCount += search->length;
}

static void find_blocks(PMDL mdl, struct search *search, u64 wanted)
{
	struct page *block;

	while (mdl->ByteCount < wanted) {
		block = find_block(search);
		if (!block)
			break;
		add_block(mdl, block, search);
		if (gfpflags_allow_blocking(search->gfp))
			v3c_yield();
	}
	end_search(search);
}

#define CHUNKS	MM_ALLOCATE_REQUIRE_CONTIGUOUS_CHUNKS
#define KNOWN_FLAGS	(MM_DONT_ZERO_ALLOCATION | MM_ALLOCATE_FROM_LOCAL_NODE_ONLY |		\
			 MM_ALLOCATE_FULLY_REQUIRED | MM_ALLOCATE_NO_WAIT |			\
			 MM_ALLOCATE_PREFER_CONTIGUOUS | CHUNKS | MM_ALLOCATE_FAST_LARGE_PAGES)

/* read_flags() turns what Windows calls flags, and what depends on them, into a search. */
static bool read_flags(struct search *search, ULONG flags, u64 skip, u64 total)
{
	if (flags & ~KNOWN_FLAGS)
		return false;
	if ((flags & MM_ALLOCATE_FAST_LARGE_PAGES) && !(flags & CHUNKS))
		return false;
	search->gfp = search_gfp(!(flags & MM_ALLOCATE_NO_WAIT)) |
		      (flags & MM_DONT_ZERO_ALLOCATION ? 0 : __GFP_ZERO);
	search->node = NUMA_NO_NODE;
	if (flags & MM_ALLOCATE_FROM_LOCAL_NODE_ONLY) {
		search->node = numa_mem_id();
		search->gfp |= __GFP_THISNODE;
	}
	search->length = PAGE_SIZE;
	if (!(flags & CHUNKS)) {
		search->skip = skip;
		return !(skip & ~PAGE_MASK);
	}
	search->length = skip ?: total;
	return !skip || (is_power_of_2(skip) && skip >= PAGE_SIZE && !(total & (skip - 1)));
}

PMDL MmAllocatePagesForMdlEx(PHYSICAL_ADDRESS LowAddress, PHYSICAL_ADDRESS HighAddress,
			     PHYSICAL_ADDRESS SkipBytes, SIZE_T TotalBytes,
			     MEMORY_CACHING_TYPE CacheType, ULONG Flags)
{
	struct search search = { .low = LowAddress.QuadPart, .high = HighAddress.QuadPart };
	u64 total = round_up(TotalBytes, PAGE_SIZE);
	PMDL mdl;

	if (!total || TotalBytes > U32_MAX || total > U32_MAX ||
	    !read_flags(&search, Flags, SkipBytes.QuadPart, total) || !begin_search(&search))
		return NULL;
	if (gfpflags_allow_blocking(search.gfp))
		mdl = v3w_pool_alloc(MmSizeOfMdl(NULL, total), 0);
	else
		mdl = kmalloc(MmSizeOfMdl(NULL, total), GFP_ATOMIC | __GFP_NOWARN);
	if (!mdl)
		return NULL;
	MmInitializeMdl(mdl, NULL, total);
	mdl->ByteCount = 0;
	mdl->MdlFlags |= MDL_PAGES_LOCKED;
	find_blocks(mdl, &search, total);
	if (mdl->ByteCount == total || (mdl->ByteCount && !(Flags & MM_ALLOCATE_FULLY_REQUIRED)))
		return mdl;
	MmFreePagesFromMdl(mdl);
	v3w_pool_free(mdl);
	return NULL;
}
V3C_EXPORT_NS_GPL(MmAllocatePagesForMdlEx, V3COMPAT);

/*
 * MmFreePagesFromMdl() knows its own MDLs by the address that they do not have. Others have pages
 * that are not theirs to free.
 */
void MmFreePagesFromMdl(PMDL MemoryDescriptorList)
{
	PPFN_NUMBER pfns = MmGetMdlPfnArray(MemoryDescriptorList);
	unsigned long i, count = MemoryDescriptorList->ByteCount >> PAGE_SHIFT;
	PMDL mdl = MemoryDescriptorList;

	if (!(mdl->MdlFlags & MDL_PAGES_LOCKED) || mdl->Process || MmGetMdlVirtualAddress(mdl))
		return;
	MmUnmapLockedPages(mdl->MappedSystemVa, mdl);
	for (i = 0; i < count; i++) {
		put_page(pfn_to_page(pfns[i]));
		v3c_yield();
	}
	mdl->MdlFlags &= ~MDL_PAGES_LOCKED;
}
V3C_EXPORT_NS_GPL(MmFreePagesFromMdl, V3COMPAT);

PVOID MmMapIoSpace(PHYSICAL_ADDRESS PhysicalAddress, SIZE_T NumberOfBytes,
		   MEMORY_CACHING_TYPE CacheType)
{
	enum v3w_cache cache;

	switch (CacheType) {
	case MmNonCached:
		cache = V3W_CACHE_NONE;
		break;
	case MmWriteCombined:
	case MmNonCachedUnordered:
		cache = V3W_CACHE_COMBINE;
		break;
	case MmCached:
	case MmHardwareCoherentCached:
		cache = V3W_CACHE_FULL;
		break;
	default:
		return NULL;
	}
	return v3w_map_device(PhysicalAddress.QuadPart, NumberOfBytes, cache);
}
V3C_EXPORT_NS_GPL(MmMapIoSpace, V3COMPAT);

void MmUnmapIoSpace(PVOID BaseAddress, SIZE_T NumberOfBytes)
{
	v3w_unmap(BaseAddress);
}
V3C_EXPORT_NS_GPL(MmUnmapIoSpace, V3COMPAT);
