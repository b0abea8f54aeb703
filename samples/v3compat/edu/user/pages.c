// SPDX-License-Identifier: GPL-2.0
/*
 * Pages for buffer.h: of the program's pool, which is its physical memory; or, without one, of
 * memory that stays where it is.
 */
#include <stdlib.h>
#include <sys/mman.h>

#include "buffer.h"
#include "user.h"

#define POOL_PAGES 1024

static unsigned char *pool;
static bool used[POOL_PAGES];

/*
 * start_pool(): every other page is touched first, so that neighbours in the pool are hardly ever
 * neighbours in the machine.
 */
bool start_pool(void)
{
	size_t first, i;

	pool = mmap(NULL, (size_t)POOL_PAGES << PAGE_SHIFT, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (pool == MAP_FAILED)
		return false;
	madvise(pool, (size_t)POOL_PAGES << PAGE_SHIFT, MADV_NOHUGEPAGE);
	for (first = 0; first < 2; first++)
		for (i = first; i < POOL_PAGES; i += 2)
			pool[i << PAGE_SHIFT] = 0;
	return !v3compat_use_pool(pool, (size_t)POOL_PAGES << PAGE_SHIFT);
}

static size_t round_up(size_t pages)
{
	size_t power = 1;

	while (power < pages)
		power *= 2;
	return power;
}

static bool is_free(size_t first, size_t pages)
{
	size_t i;

	for (i = first; i < first + pages; i++)
		if (used[i])
			return false;
	return true;
}

/* take_pages() finds pages that are aligned as their number is. */
static void *take_pages(size_t pages)
{
	size_t step = round_up(pages), first, i;

	for (first = 0; first + pages <= POOL_PAGES; first += step) {
		if (!is_free(first, pages))
			continue;
		for (i = first; i < first + pages; i++)
			used[i] = true;
		return pool + (first << PAGE_SHIFT);
	}
	return NULL;
}

PVOID PagesAllocate(ULONG Pages, BOOLEAN Scattered)
{
	size_t size = (size_t)Pages << PAGE_SHIFT;
	void *memory;

	/* Pages of the pool are in order for who counts in offsets; see start_pool(). */
	(void)Scattered;
	if (pool)
		return take_pages(Pages);
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED | MAP_POPULATE, -1, 0);
	return memory == MAP_FAILED ? NULL : memory;
}

VOID PagesFree(PVOID Memory, ULONG Pages)
{
	size_t first, i;

	if (!pool) {
		munmap(Memory, (size_t)Pages << PAGE_SHIFT);
		return;
	}
	first = ((unsigned char *)Memory - pool) >> PAGE_SHIFT;
	for (i = first; i < first + Pages; i++)
		used[i] = false;
}
