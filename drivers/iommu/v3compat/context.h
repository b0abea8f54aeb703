/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_CONTEXT_H
#define V3COMPAT_CONTEXT_H

#include <linux/gfp.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>

/*
 * Without CONFIG_PREEMPT_COUNT the kernel cannot tell a spinlock section from ordinary process context:
 * allocations are then made as if atomic, and only what is visibly atomic is refused.
 */
static inline bool v3c_may_sleep(void)
{
	if (IS_ENABLED(CONFIG_PREEMPT_COUNT))
		return preemptible() && !rcu_preempt_depth();
	return !in_interrupt() && !irqs_disabled();
}

static inline gfp_t v3c_gfp(void)
{
	return preemptible() && !rcu_preempt_depth() ? GFP_KERNEL : GFP_ATOMIC;
}

#endif
