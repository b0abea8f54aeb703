// SPDX-License-Identifier: GPL-2.0
/*
 * The gate of operations: which may start, which page tables they work on, and who waits for them.
 *
 * Every operation is counted under the parity of the epoch it started in; v3c_gate_quiesce() starts a new
 * epoch and waits for the old one to run dry, as SRCU does, but for nothing: the lock is taken at both
 * ends of an operation anyway.
 *
 * Quick operations, on small ranges in the steady state, are not counted but are RCU read-side sections,
 * and are waited for as such. What stops them from starting is the domain's business.
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

/* No operation starts any more; v3c_gate_quiesce() waits for the last one. */
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
 * Operations that start meanwhile are not waited for. Only one caller at a time: the domain's mutex
 * sees to that.
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

/* The same with quick ones, of a domain that none starts on any more. */
void v3c_gate_quiesce(struct v3c_space *space)
{
	v3c_gate_drain(space);
	/* Expedited, because the caller of an attach or a delete is waiting. */
	synchronize_rcu_expedited();
}

/**
 * v3c_gate_add_slot() - let operations work on another page table
 * @space: the space
 * @slot: its slot
 * @fill: it does not have the ranges that are there already
 *
 * With @fill, operations that are under way do not know it: v3c_gate_quiesce() before filling.
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

/* The page table under construction has everything. */
void v3c_gate_filled(struct v3c_space *space)
{
	guard(spinlock_irqsave)(&space->lock);
	space->filling = 0;
}

/* Operations under way may still work on it: v3c_gate_quiesce() before it is freed. */
void v3c_gate_remove_slot(struct v3c_space *space, u8 slot)
{
	guard(spinlock_irqsave)(&space->lock);
	space->slots &= ~BIT(slot);
	space->filling &= ~BIT(slot);
}
