/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_CONTEXT_H
#define V3COMPAT_CONTEXT_H

#include <linux/gfp.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

/*
 * v3c_may_sleep() is false only where the context is visibly atomic if CONFIG_PREEMPT_COUNT is off,
 * because the kernel cannot tell a spinlock section from process context then. It is for what
 * cannot be done without sleeping. v3c_sleep_is_safe() is false everywhere then: it is for what has
 * another way.
 */
static inline bool v3c_may_sleep(void)
{
	if (IS_ENABLED(CONFIG_PREEMPT_COUNT))
		return preemptible() && !rcu_preempt_depth();
	return !in_interrupt() && !irqs_disabled();
}

static inline bool v3c_sleep_is_safe(void)
{
	return preemptible() && !rcu_preempt_depth();
}

static inline gfp_t v3c_gfp(void)
{
	return v3c_sleep_is_safe() ? GFP_KERNEL : GFP_ATOMIC;
}

/*
 * v3c_yield() lets others have the processor, if the caller may sleep for certain, in the middle of
 * what may take long.
 */
static inline void v3c_yield(void)
{
	if (v3c_sleep_is_safe())
		cond_resched();
}

/*
 * v3c_quick_enter() begins an RCU read-side section, so that v3c_gate_quiesce() waits for the quick
 * operation. preempt_disable() is the cheapest RCU reader. On PREEMPT_RT the IOMMU driver's
 * spinlocks sleep, so rcu_read_lock() is used there.
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
