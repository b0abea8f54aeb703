// SPDX-License-Identifier: GPL-2.0
/*
 * v3c_refill(): memory for callers that map under a lock.
 */
#include <linux/errno.h>
#include <linux/gfp.h>

#include "base/refill.h"

#define V3C_REFILL_TRIES	16
#define V3C_REFILL_PAGES	8

/**
 * v3c_refill() - get over an atomic allocation that failed
 * @tries: counter, 0 at first
 *
 * Callers map pieces under a lock, and so without waiting for memory. Asking for V3C_REFILL_PAGES
 * here, where it is possible to wait, makes the allocator find some for the next try.
 *
 * Context: may sleep.
 * Return: 0 when it is worth another try, -ENOMEM when it is not.
 */
int v3c_refill(unsigned int *tries)
{
	struct page *pages[V3C_REFILL_PAGES];
	unsigned int i, got = 0;

	if ((*tries)++ == V3C_REFILL_TRIES)
		return -ENOMEM;
	for (i = 0; i < V3C_REFILL_PAGES; i++) {
		pages[got] = alloc_page(GFP_KERNEL);
		if (pages[got])
			got++;
	}
	for (i = 0; i < got; i++)
		__free_page(pages[i]);
	return got ? 0 : -ENOMEM;
}
