// SPDX-License-Identifier: GPL-2.0
/*
 * Mappings: kernel addresses that are made for memory that has none, and taken back in any context.
 *
 * Making one may sleep, and so may taking one back. Windows allows the latter at DISPATCH_LEVEL:
 * then it is done by unmap_work. Nothing has to be allocated for that, because each mapping has a
 * record from the start. Records are found by address, because neither an MDL nor the caller of
 * MmUnmapIoSpace() has room to keep one.
 */
#include <kunit/visibility.h>
#include <linux/cleanup.h>
#include <linux/hashtable.h>
#include <linux/io.h>
#include <linux/ioport.h>
#include <linux/llist.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>

#include "base/context.h"
#include "base/later.h"
#include "wdm/mapping.h"

/**
 * struct mapping - a mapping that somebody has the address of
 * @node: in mappings, by @va
 * @later: in unmapped, instead of @node
 * @va: its first page, or first byte where it is memory of a device; constant
 * @count: of @pages; 0 where it is memory of a device
 * @pages: of each of which it holds a reference, so that they may be freed before it is taken back
 */
struct mapping {
	struct hlist_node node;
	struct llist_node later;
	const void *va;
	unsigned long count;
	struct page *pages[] __counted_by(count);
};

static DEFINE_SPINLOCK(mappings_lock);
static DEFINE_HASHTABLE(mappings, 6);

static LLIST_HEAD(unmapped);
static void unmap_all(struct work_struct *work);
static DECLARE_DELAYED_WORK(unmap_work, unmap_all);

static struct mapping *new_mapping(unsigned long count)
{
	struct mapping *mapping;

	mapping = kvmalloc(struct_size(mapping, pages, count), GFP_KERNEL | __GFP_NOWARN);
	if (mapping)
		mapping->count = count;
	return mapping;
}

static void put_pages(struct page **pages, unsigned long count)
{
	while (count)
		put_page(pages[--count]);
}

/* get_frames() gets a reference of each page, which all must be memory in use. */
static bool get_frames(struct mapping *mapping, const unsigned long long *frames)
{
	unsigned long i;

	for (i = 0; i < mapping->count; i++) {
		if (!pfn_valid(frames[i]) ||
		    !folio_try_get(page_folio(pfn_to_page(frames[i])))) {
			put_pages(mapping->pages, i);
			return false;
		}
		mapping->pages[i] = pfn_to_page(frames[i]);
	}
	return true;
}

static void *keep_mapping(struct mapping *mapping, void *va)
{
	mapping->va = va;
	guard(spinlock_irqsave)(&mappings_lock);
	hash_add(mappings, &mapping->node, (unsigned long)va);
	return va;
}

/* v3w_map_frames() maps page frames one behind the other. NULL in atomic context. */
void *v3w_map_frames(const unsigned long long *frames, unsigned long count, bool writable)
{
	struct mapping *mapping;
	void *va;

	if (!v3c_may_sleep())
		return NULL;
	mapping = new_mapping(count);
	if (!mapping)
		return NULL;
	if (!get_frames(mapping, frames))
		goto err_free;
	va = vmap(mapping->pages, count, VM_MAP, writable ? PAGE_KERNEL : PAGE_KERNEL_RO);
	if (!va)
		goto err_put;
	return keep_mapping(mapping, va);

err_put:
	put_pages(mapping->pages, count);
err_free:
	kvfree(mapping);
	return NULL;
}

/*
 * map_device() asks before it maps whether there is RAM, and whether the address exists, because
 * ioremap() and memremap() warn of these.
 */
static void *map_device(phys_addr_t start, size_t length, enum v3w_cache cache)
{
	phys_addr_t last;
	int ram;

	if (!length || check_add_overflow(start, length - 1, &last) || last > iomem_resource.end)
		return NULL;
	ram = region_intersects(start, length, IORESOURCE_SYSTEM_RAM, IORES_DESC_NONE);
	if (ram == REGION_MIXED || (ram != REGION_DISJOINT && cache != V3W_CACHE_FULL))
		return NULL;
	if (cache == V3W_CACHE_FULL)
		return memremap(start, length, MEMREMAP_WB);
	return (__force void *)(cache == V3W_CACHE_COMBINE ? ioremap_wc(start, length) :
							     ioremap(start, length));
}

/* v3w_map_device() maps memory of a device. NULL in atomic context. */
void *v3w_map_device(phys_addr_t start, size_t length, enum v3w_cache cache)
{
	struct mapping *mapping;
	void *va;

	if (!v3c_may_sleep())
		return NULL;
	mapping = new_mapping(0);
	if (!mapping)
		return NULL;
	va = map_device(start, length, cache);
	/* RAM has an address already. */
	if (!is_vmalloc_addr(va)) {
		kvfree(mapping);
		return va;
	}
	return keep_mapping(mapping, va);
}

static void undo_mapping(struct mapping *mapping)
{
	if (mapping->count)
		vunmap(mapping->va);
	else
		memunmap((void *)mapping->va);
	put_pages(mapping->pages, mapping->count);
	kvfree(mapping);
}

static void unmap_all(struct work_struct *work)
{
	struct mapping *mapping, *next;

	llist_for_each_entry_safe(mapping, next, llist_del_all(&unmapped), later) {
		undo_mapping(mapping);
		cond_resched();
	}
}

static struct mapping *take_mapping(const void *va)
{
	struct mapping *mapping;

	guard(spinlock_irqsave)(&mappings_lock);
	hash_for_each_possible(mappings, mapping, node, (unsigned long)va) {
		if (mapping->va == va) {
			hash_del(&mapping->node);
			return mapping;
		}
	}
	return NULL;
}

/* v3w_unmap() takes back what v3w_map_*() gave. Other addresses are left alone. */
void v3w_unmap(const void *va)
{
	struct mapping *mapping = is_vmalloc_addr(va) ? take_mapping(va) : NULL;

	if (!mapping)
		return;
	if (v3c_sleep_is_safe()) {
		undo_mapping(mapping);
		return;
	}
	llist_add(&mapping->later, &unmapped);
	v3c_queue_later(&unmap_work, 0);
}

/* v3w_mapping_flush() waits until all that was unmapped before is gone. */
void v3w_mapping_flush(void)
{
	flush_delayed_work(&unmap_work);
}
EXPORT_SYMBOL_IF_KUNIT(v3w_mapping_flush);

/* v3w_mapping_module_exit() takes back what clients forgot, too, who are gone. */
void v3w_mapping_module_exit(void)
{
	struct hlist_node *next;
	struct mapping *mapping;
	int bucket;

	v3w_mapping_flush();
	hash_for_each_safe(mappings, bucket, next, mapping, node)
		undo_mapping(mapping);
}
