// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: The gate of operations
 *
 * Which operations may start, which page tables they work on, and who waits for them.
 *
 * Every operation is counted in &v3c_space.inflight under the parity of the epoch it started in.
 * v3c_gate_drain() starts a new epoch and waits for the old one to run dry, as SRCU does. The count
 * costs nothing, because the lock is taken at both ends of an operation anyway.
 *
 * Quick operations, on small ranges in the steady state, are not counted. They are RCU read-side
 * sections, and v3c_gate_quiesce() waits for them as such. The domain stops them from starting,
 * see v3c_domain_forbid_quick().
 */
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/rcupdate.h>

#include "table/gate.h"

void v3c_gate_open(struct v3c_space *space)
{
	guard(spinlock_irqsave)(&space->lock);
	space->open = true;
}

/* No operation starts on @space any more; v3c_gate_quiesce() waits for the last one. */
void v3c_gate_close(struct v3c_space *space)
{
	guard(spinlock_irqsave)(&space->lock);
	space->open = false;
}

/**
 * v3c_gate_begin() - start an operation that holds no range
 * @space: the space
 * @op: result; page tables in @op->slots stay until v3c_gate_end()
 *
 * Context: any.
 * Return: 0, or -ESTALE on a closed space.
 */
int v3c_gate_begin(struct v3c_space *space, struct v3c_op *op)
{
	guard(spinlock_irqsave)(&space->lock);
	if (!space->open)
		return -ESTALE;
	op->range = NULL;
	v3c_gate_start(space, op);
	return 0;
}

void v3c_gate_end(struct v3c_space *space, struct v3c_op *op)
{
	guard(spinlock_irqsave)(&space->lock);
	v3c_gate_finish(space, op);
}

static bool epoch_drained(struct v3c_space *space, u8 epoch)
{
	guard(spinlock_irqsave)(&space->lock);
	return !space->inflight[epoch];
}

/**
 * v3c_gate_drain() - wait for every operation that has started, but for quick ones
 * @space: the space
 *
 * Operations that start meanwhile are not waited for. The domain's mutex keeps a second caller out.
 *
 * Context: may sleep.
 */
void v3c_gate_drain(struct v3c_space *space)
{
	u8 old;

	scoped_guard(spinlock_irqsave, &space->lock) {
		old = space->epoch;
		space->epoch ^= 1;
	}
	wait_event(space->idle, epoch_drained(space, old));
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
	space->slots |= BIT(slot);
	if (fill) {
		space->filling = BIT(slot);
		space->generation++;
		space->filled = 0;
	}
}

/* Ends the construction of the page table in @space->filling, which has every range. */
void v3c_gate_filled(struct v3c_space *space)
{
	guard(spinlock_irqsave)(&space->lock);
	space->filling = 0;
}

/*
 * Operations under way may still work on the table in @slot: v3c_gate_drain() before it is freed.
 */
void v3c_gate_remove_slot(struct v3c_space *space, u8 slot)
{
	guard(spinlock_irqsave)(&space->lock);
	space->slots &= ~BIT(slot);
	space->filling &= ~BIT(slot);
}
