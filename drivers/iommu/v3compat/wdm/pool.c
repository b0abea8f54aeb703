// SPDX-License-Identifier: GPL-2.0
/*
 * Pool: memory of the kernel that is got and given back in any context.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <kcompat.h>
#include <wdm.h>

#include "base/context.h"
#include "wdm/pool.h"

/*
 * v3w_pool_alloc() allocates @size bytes, with @more added to the flags: in one piece where the
 * caller may not sleep. It does not warn, because a size may come from anywhere. kmalloc() aligns
 * to the largest power of two that divides @size.
 */
void *v3w_pool_alloc(size_t size, gfp_t more)
{
	gfp_t gfp = v3c_gfp() | __GFP_NOWARN | more;

	return gfpflags_allow_blocking(gfp) ? kvmalloc(size, gfp) : kmalloc(size, gfp);
}

/* vfree() may sleep; RCU's reclaim does not, and keeps its list in the memory it frees. */
static void free_large_atomic(void *memory)
{
	struct {
		struct rcu_head rcu;
	} *remains = memory;

	kvfree_rcu(remains, rcu);
}

void v3w_pool_free(void *memory)
{
	if (is_vmalloc_addr(memory) && !v3c_sleep_is_safe())
		free_large_atomic(memory);
	else
		kvfree(memory);
}

PVOID V3cAllocatePool(SIZE_T Size, BOOLEAN Zero)
{
	return Size ? v3w_pool_alloc(Size, Zero ? __GFP_ZERO : 0) : NULL;
}
V3C_EXPORT_NS_GPL(V3cAllocatePool, V3COMPAT);

void ExFreePool(PVOID P)
{
	v3w_pool_free(P);
}
V3C_EXPORT_NS_GPL(ExFreePool, V3COMPAT);
