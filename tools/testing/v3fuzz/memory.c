// SPDX-License-Identifier: GPL-2.0
/*
 * Pages for devices. The first word of a page is its tag, which nobody writes. Each thread has a
 * word of its own in each page, into which only DMA that the thread started can write.
 *
 * All words are even: as an entry of a page table, which they serve as, none of them is valid.
 */
#include <linux/gfp.h>
#include <linux/mm.h>

#include "v3fuzz.h"

#define TAG		0x7633667500000000ULL
#define SLOTS		64

u64 fuzz_tag(const struct fuzz_pool *pool, unsigned int page)
{
	return TAG | pool->id << 20 | page << 1;
}

static u64 *word(const struct fuzz_pool *pool, unsigned int page, unsigned int offset)
{
	return pool->memory + page * SZ_4K + offset;
}

u64 *fuzz_slot(const struct fuzz_pool *pool, unsigned int page, unsigned int id)
{
	return word(pool, page, SLOTS + id * sizeof(u64));
}

u64 fuzz_phys(const struct fuzz_pool *pool, unsigned int page)
{
	return virt_to_phys(pool->memory) + page * SZ_4K;
}

int fuzz_pool_init(struct fuzz_pool *pool, unsigned int order, unsigned int id)
{
	unsigned int i;

	pool->memory = (void *)__get_free_pages(GFP_KERNEL | __GFP_ZERO, order);
	if (!pool->memory)
		return -ENOMEM;
	pool->order = order;
	pool->id = id;
	for (i = 0; i < 1u << order; i++)
		*word(pool, i, 0) = fuzz_tag(pool, i);
	return 0;
}

void fuzz_pool_free(struct fuzz_pool *pool)
{
	if (pool->memory)
		free_pages((unsigned long)pool->memory, pool->order);
	pool->memory = NULL;
}

/* Whether nothing was written but what the fuzzer's own DMA writes. */
bool fuzz_pool_intact(const struct fuzz_pool *pool, unsigned int *page)
{
	const unsigned int end = SLOTS + (FUZZ_WILD_SLOT + 1) * sizeof(u64);

	for (*page = 0; *page < 1u << pool->order; ++*page) {
		if (*word(pool, *page, 0) != fuzz_tag(pool, *page) ||
		    memchr_inv(word(pool, *page, sizeof(u64)), 0, SLOTS - sizeof(u64)) ||
		    memchr_inv(word(pool, *page, end), 0, SZ_4K - end))
			return false;
	}
	return true;
}

unsigned int fuzz_map_page(const struct fuzz_map *map, unsigned int i)
{
	return map->contiguous ? map->first + i : map->scattered[i];
}

static PMDL make_mdl(struct fuzz_thread *t, unsigned int page, unsigned int pages)
{
	PMDL mdl = IoAllocateMdl(t->pool.memory + page * SZ_4K, pages * SZ_4K, FALSE, FALSE, NULL);

	if (mdl)
		MmBuildMdlForNonPagedPool(mdl);
	return mdl;
}

static bool describe_by_mdl(struct fuzz_thread *t, const struct fuzz_map *map,
			    struct fuzz_buffer *buffer)
{
	PMDL *next = &buffer->mdl;
	unsigned int i;

	buffer->what.MapType = MapPhysicalAddressTypeMdl;
	if (map->contiguous) {
		buffer->mdl = make_mdl(t, map->first, map->pages);
	} else {
		for (i = 0; i < map->pages; i++, next = &(*next)->Next) {
			*next = make_mdl(t, map->scattered[i], 1);
			if (!*next)
				break;
		}
		if (i < map->pages) {
			fuzz_describe_end(buffer);
			return false;
		}
	}
	buffer->what.Mdl.Mdl = buffer->mdl;
	return buffer->mdl;
}

/* In any of the three forms that can say it. False without memory. */
bool fuzz_describe(struct fuzz_thread *t, const struct fuzz_map *map, struct fuzz_buffer *buffer)
{
	unsigned int form = fuzz_random(t, 3), i;

	buffer->mdl = NULL;
	if (!form)
		return describe_by_mdl(t, map, buffer);
	if (form == 1 && map->pages <= FUZZ_SCATTERED) {
		for (i = 0; i < map->pages; i++)
			buffer->frames[i] =
				fuzz_phys(&t->pool, fuzz_map_page(map, i)) >> PAGE_SHIFT;
		buffer->what.MapType = MapPhysicalAddressTypePfn;
		buffer->what.PfnArray.PageFrame = buffer->frames;
		buffer->what.PfnArray.NumberOfPages = map->pages;
		return true;
	}
	if (!map->contiguous)
		return describe_by_mdl(t, map, buffer);
	buffer->what.MapType = MapPhysicalAddressTypeContiguousRange;
	buffer->what.ContiguousRange.Base.QuadPart = fuzz_phys(&t->pool, map->first);
	buffer->what.ContiguousRange.Size = map->pages * SZ_4K;
	return true;
}

void fuzz_describe_end(struct fuzz_buffer *buffer)
{
	while (buffer->mdl) {
		PMDL next = buffer->mdl->Next;

		IoFreeMdl(buffer->mdl);
		buffer->mdl = next;
	}
}
