/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_GATE_H
#define V3COMPAT_GATE_H

#include <linux/atomic.h>
#include <linux/errno.h>
#include <linux/sched.h>

#include "table/range.h"

void v3c_gate_open(struct v3c_space *space);
void v3c_gate_close(struct v3c_space *space);
void v3c_gate_lock(struct v3c_space *space);
void v3c_gate_unlock(struct v3c_space *space);
void v3c_gate_look_locked(struct v3c_space *space, struct v3c_op *op, u64 first, u64 last);

static __always_inline void v3c_gate_end(struct v3c_space *space, struct v3c_op *op)
{
	if (unlikely(atomic_dec_and_test(&space->inflight[op->epoch]) &&
		     op->epoch != READ_ONCE(space->epoch)))
		wake_up_all(&space->idle);
}

/**
 * v3c_gate_enter() - start an operation
 * @space: the space
 * @op: result
 *
 * Context: any.
 * Return: 0, or -ESTALE on a closed space.
 */
static __always_inline int v3c_gate_enter(struct v3c_space *space, struct v3c_op *op)
{
	for (;;) {
		op->epoch = READ_ONCE(space->epoch);
		atomic_inc(&space->inflight[op->epoch]);
		/* Pairs with that of v3c_gate_drain(): it sees the count, or this the new epoch. */
		smp_mb__after_atomic();
		if (likely(READ_ONCE(space->epoch) == op->epoch))
			break;
		v3c_gate_end(space, op);
	}
	/* Pairs with v3c_gate_open(). */
	if (likely(smp_load_acquire(&space->open)))
		return 0;
	v3c_gate_end(space, op);
	return -ESTALE;
}

/**
 * v3c_gate_look() - settle which page tables an operation works on
 * @space: the space
 * @op: the operation, which holds all that it works on
 * @first: the first page that it works on
 * @last: the last
 *
 * From when it holds a range nothing else touches that, not even the copy that fills a page table.
 * So the copy has come as far in what @op holds as @op->filled says, and comes no further. The
 * tables stay until v3c_gate_end().
 *
 * Context: any.
 */
static __always_inline void v3c_gate_look(struct v3c_space *space, struct v3c_op *op, u64 first,
					  u64 last)
{
	/* Pairs with that of v3c_gate_add_slot(): a table is seen after @locked. */
	op->slots = smp_load_acquire(&space->slots);
	op->filling = 0;
	/* Pairs with v3c_gate_unlock() and v3c_gate_filled(). */
	if (unlikely(smp_load_acquire(&space->locked)))
		v3c_gate_look_locked(space, op, first, last);
}

/*
 * v3c_gate_begin() is v3c_gate_enter() and v3c_gate_look() for who holds nothing, and so changes no
 * range.
 */
static inline int v3c_gate_begin(struct v3c_space *space, struct v3c_op *op)
{
	int ret = v3c_gate_enter(space, op);

	if (!ret)
		v3c_gate_look(space, op, U64_MAX, 0);
	return ret;
}

void v3c_gate_drain(struct v3c_space *space);
void v3c_gate_quiesce(struct v3c_space *space);

void v3c_gate_add_slot(struct v3c_space *space, u8 slot, bool fill);
void v3c_gate_filled(struct v3c_space *space);
void v3c_gate_remove_slot(struct v3c_space *space, u8 slot);
void v3c_gate_removed(struct v3c_space *space, u8 slot);

#endif
