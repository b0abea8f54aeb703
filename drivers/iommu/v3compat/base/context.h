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

/*
 * A quick operation is an RCU read-side section, so that v3c_space_quiesce() waits for it. Holding off
 * preemption is the cheapest of these; where spinlocks may sleep it must be the other one.
 */
static __always_inline void v3c_quick_enter(void)
{
	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		rcu_read_lock();
	else
		preempt_disable();
}

static __always_inline void v3c_quick_exit(void)
{
	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		rcu_read_unlock();
	else
		preempt_enable();
}

#endif
