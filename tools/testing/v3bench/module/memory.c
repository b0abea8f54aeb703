// SPDX-License-Identifier: GPL-2.0
/*
 * The memory that is mapped, and how much memory is in use.
 */
#include <linux/delay.h>
#include <linux/gfp.h>
#include <linux/ioport.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/nodemask.h>
#include <linux/percpu.h>
#include <linux/sizes.h>
#include <linux/vmstat.h>

#include "v3bench.h"

/* Where the search for a gigabyte of RAM ends. */
#define RAM_END		(64ULL << 30)

/* Memory that is given back late: how long nothing may come back, and how long to wait at all. */
#define QUIET_POLLS	20
#define MAX_POLLS	100
#define POLL_MS		50

static bool is_ram(phys_addr_t start, phys_addr_t size)
{
	phys_addr_t at;

	for (at = start; at < start + size; at += SZ_2M)
		if (!page_is_ram(PHYS_PFN(at)) || !pfn_valid(PHYS_PFN(at)))
			return false;
	return page_is_ram(PHYS_PFN(start + size - 1));
}

static phys_addr_t find_huge(void)
{
	phys_addr_t at;

	for (at = SZ_1G; at < RAM_END; at += SZ_1G)
		if (is_ram(at, SZ_1G))
			return at;
	return 0;
}

static void scatter(struct v3b *b)
{
	unsigned int i;

	sg_init_table(b->sg, V3B_SCATTERED_PAGES);
	for (i = 0; i < V3B_SCATTERED_PAGES; i++) {
		struct page *page = b->small + 2 * i;

		sg_set_page(&b->sg[i], page, PAGE_SIZE, 0);
		b->pfns[i] = page_to_pfn(page);
	}
}

/**
 * v3b_memory_init - get the memory that the rows map
 * @b: the benchmark
 *
 * The large shapes map RAM in use by somebody else. That is harmless because
 * the device is never asked to do DMA, and needed because no small guest has
 * a free gigabyte in one piece.
 *
 * Return: 0 or -ENOMEM.
 */
int v3b_memory_init(struct v3b *b)
{
	b->small = alloc_pages(GFP_KERNEL, V3B_SMALL_ORDER);
	if (!b->small)
		return -ENOMEM;
	b->huge = find_huge();
	scatter(b);
	return 0;
}

void v3b_memory_exit(struct v3b *b)
{
	__free_pages(b->small, V3B_SMALL_ORDER);
}

/* Pages parked on the lists of each CPU: free, though the zones count them as used. */
static unsigned long parked_pages(void)
{
	unsigned long pages = 0;
	int nid, cpu, i;

	for_each_online_node(nid)
		for (i = 0; i < MAX_NR_ZONES; i++) {
			struct zone *zone = &NODE_DATA(nid)->node_zones[i];

			if (!populated_zone(zone))
				continue;
			for_each_online_cpu(cpu)
				pages += per_cpu_ptr(zone->per_cpu_pageset, cpu)->count;
		}
	return pages;
}

/**
 * v3b_memory_in_use - count memory now
 *
 * Return: the counts; only differences of two mean anything.
 */
struct v3b_memory v3b_memory_in_use(void)
{
	struct v3b_memory use;
	struct sysinfo info;

	si_meminfo(&info);
	use.total = (s64)(info.totalram - info.freeram - parked_pages()) * info.mem_unit;
	use.tables = (s64)global_node_page_state(NR_IOMMU_PAGES) * PAGE_SIZE;
	use.slab = (s64)(global_node_page_state_pages(NR_SLAB_RECLAIMABLE_B) +
			 global_node_page_state_pages(NR_SLAB_UNRECLAIMABLE_B)) * PAGE_SIZE;
	return use;
}

/**
 * v3b_memory_settled - count memory once no more of it is given back
 *
 * Context: sleeps, some seconds at most.
 * Return: as v3b_memory_in_use(), the least that was seen.
 */
struct v3b_memory v3b_memory_settled(void)
{
	struct v3b_memory least = v3b_memory_in_use(), now;
	unsigned int poll, quiet = 0;

	for (poll = 0; poll < MAX_POLLS && quiet < QUIET_POLLS; poll++) {
		msleep(POLL_MS);
		now = v3b_memory_in_use();
		quiet = now.total < least.total ? 0 : quiet + 1;
		if (now.total < least.total)
			least = now;
	}
	return least;
}
