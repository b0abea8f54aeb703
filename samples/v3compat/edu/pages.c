// SPDX-License-Identifier: GPL-2.0
/*
 * Pages for buffer.h: side by side, or no two of them.
 */
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "buffer.h"

static void free_pages_of(struct page **pages, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		__free_page(pages[i]);
	kvfree(pages);
}

/* Every other page of one block, last first: no two of them are neighbours. */
static struct page **scattered_pages(unsigned int count)
{
	unsigned int order = get_order(2UL * count << PAGE_SHIFT), i;
	struct page **pages = kvcalloc(count, sizeof(*pages), GFP_KERNEL);
	struct page *block;

	if (!pages)
		return NULL;
	block = alloc_pages(GFP_KERNEL, order);
	if (!block) {
		kvfree(pages);
		return NULL;
	}
	split_page(block, order);
	for (i = 0; i < 1U << order; i++) {
		if (i % 2 == 0 && i / 2 < count)
			pages[count - 1 - i / 2] = block + i;
		else
			__free_page(block + i);
	}
	return pages;
}

PVOID PagesAllocate(ULONG Pages, BOOLEAN Scattered)
{
	struct page **pages;
	void *memory;

	if (!Scattered)
		return alloc_pages_exact((size_t)Pages << PAGE_SHIFT, GFP_KERNEL);
	pages = scattered_pages(Pages);
	if (!pages)
		return NULL;
	memory = vmap(pages, Pages, VM_MAP | VM_MAP_PUT_PAGES, PAGE_KERNEL);
	if (!memory)
		free_pages_of(pages, Pages);
	return memory;
}

VOID PagesFree(PVOID Memory, ULONG Pages)
{
	/* Because of VM_MAP_PUT_PAGES, vfree() frees the pages and their array, too. */
	if (is_vmalloc_addr(Memory))
		vfree(Memory);
	else
		free_pages_exact(Memory, (size_t)Pages << PAGE_SHIFT);
}
