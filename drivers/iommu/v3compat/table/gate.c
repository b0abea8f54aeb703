// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: The gate of operations
 *
 * Which operations may start, which page tables they work on, and who waits for them.
 *
 * Every operation is counted in &v3c_space.inflight under the parity of the epoch it started in.
 * v3c_gate_drain() starts a new epoch and waits for the old one to run dry, as SRCU does.
 *
 * Quick operations, see quick.h, are not counted. They are RCU read-side
 * sections, and v3c_gate_quiesce() waits for them as such. The domain stops them from starting,
 * see v3c_domain_forbid_quick().
 */
#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

#include "table/gate.h"

void v3c_gate_open(struct v3c_space *space)
{
	/* Pairs with v3c_gate_enter(): whoever may start sees the space complete. */
	smp_store_release(&space->open, true);
}

/* No operation starts on @space any more; v3c_gate_quiesce() waits for the last one. */
void v3c_gate_close(struct v3c_space *space)
{
	WRITE_ONCE(space->open, false);
}

/*
 * v3c_gate_look_locked() is v3c_gate_look() where that takes the lock. It forgets @space->copied if
 * @op works on pages of it, because these may be another range's, or nobody's, next.
 */
void v3c_gate_look_locked(struct v3c_space *space, struct v3c_op *op, u64 first, u64 last)
{
	guard(spinlock_irqsave)(&space->lock);
	op->slots = space->slots;
	op->filling = space->filling;
	op->filled = space->filled;
	if (first <= space->copied.last && last >= space->copied.first)
		space->copied.first = U64_MAX;
}

/*
 * v3c_gate_lock(): from now on an operation that has taken a range takes the lock before it goes on
 * with it, see v3c_gate_look(). So who finds a range live under the lock may look into the page
 * tables for it. The domain's mutex keeps a second caller out.
 */
void v3c_gate_lock(struct v3c_space *space)
{
	scoped_guard(spinlock_irqsave, &space->lock)
		space->copied.first = U64_MAX;
	WRITE_ONCE(space->locked, true);
	/* Pairs with the try_cmpxchg() by which a range is taken: that is seen, or @locked is. */
	smp_mb();
}

void v3c_gate_unlock(struct v3c_space *space)
{
	/* Pairs with v3c_gate_look(): who does not take the lock any more sees what was done. */
	smp_store_release(&space->locked, false);
}

/**
 * v3c_gate_drain() - wait for every operation that has started, but for quick ones
 * @space: the space
 *
 * Operations that start meanwhile are not waited for. Callers wait for one another.
 *
 * Context: may sleep.
 */
void v3c_gate_drain(struct v3c_space *space)
{
	u8 old;

	guard(mutex)(&space->drain);
	old = space->epoch;
	/* Whoever sees the new epoch sees what the caller has changed before. */
	smp_mb();
	WRITE_ONCE(space->epoch, old ^ 1);
	/* Pairs with that of v3c_gate_enter(). */
	smp_mb();
	wait_event(space->idle, !atomic_read_acquire(&space->inflight[old]));
}

/*
 * v3c_gate_quiesce() is v3c_gate_drain() and waits for quick operations, too. The domain lets none
 * of these start any more.
 */
void v3c_gate_quiesce(struct v3c_space *space)
{
	v3c_gate_drain(space);
	/* synchronize_rcu_expedited() because the caller of an attach or a delete is waiting. */
	synchronize_rcu_expedited();
}

/**
 * v3c_gate_add_slot() - let operations work on another page table
 * @space: the space
 * @slot: its slot
 * @fill: it does not have the ranges that are mapped already
 *
 * With @fill, operations that are under way do not know the table: v3c_gate_drain() before filling
 * it.
 */
void v3c_gate_add_slot(struct v3c_space *space, u8 slot, bool fill)
{
	guard(spinlock_irqsave)(&space->lock);
	if (fill) {
		WRITE_ONCE(space->locked, true);
		space->filling = BIT(slot);
		space->filled = 0;
		space->copied.first = U64_MAX;
	}
	/* Pairs with that of v3c_gate_look(). */
	smp_store_release(&space->slots, space->slots | BIT(slot));
}

/* Ends the construction of the page table in @space->filling, which has every range. */
void v3c_gate_filled(struct v3c_space *space)
{
	guard(spinlock_irqsave)(&space->lock);
	space->filling = 0;
	/* As in v3c_gate_unlock(). */
	smp_store_release(&space->locked, false);
}

/*
 * Operations under way may still work on the table in @slot: v3c_gate_drain() before it is freed,
 * and v3c_gate_removed() then.
 */
void v3c_gate_remove_slot(struct v3c_space *space, u8 slot)
{
	guard(spinlock_irqsave)(&space->lock);
	WRITE_ONCE(space->slots, space->slots & ~BIT(slot));
}

/*
 * v3c_gate_removed(): no operation works on the table in @slot any more. If it was under
 * construction, operations have looked under the lock until now, because one that saw the table
 * must see how much of it there was.
 */
void v3c_gate_removed(struct v3c_space *space, u8 slot)
{
	guard(spinlock_irqsave)(&space->lock);
	if (space->filling != BIT(slot))
		return;
	space->filling = 0;
	/* As in v3c_gate_unlock(). */
	smp_store_release(&space->locked, false);
}
