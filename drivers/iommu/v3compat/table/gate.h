/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_GATE_H
#define V3COMPAT_GATE_H

#include <linux/lockdep.h>
#include <linux/sched.h>

#include "table/range.h"

/*
 * v3c_gate_look() settles which page tables @op works on, when it takes a range: from then on
 * nothing else touches the range, not even the copy that fills a page table.
 */
static __always_inline void v3c_gate_look(struct v3c_space *space, struct v3c_op *op)
{
	lockdep_assert_held(&space->lock);
	op->slots = space->slots;
	op->filling = space->filling;
	op->generation = space->generation;
	op->filled = space->filled;
}

static __always_inline void v3c_gate_start(struct v3c_space *space, struct v3c_op *op)
{
	v3c_gate_look(space, op);
	op->epoch = space->epoch;
	space->inflight[op->epoch]++;
}

static __always_inline void v3c_gate_finish(struct v3c_space *space, struct v3c_op *op)
{
	lockdep_assert_held(&space->lock);
	if (!--space->inflight[op->epoch] && unlikely(op->epoch != space->epoch))
		wake_up_all(&space->idle);
}

void v3c_gate_open(struct v3c_space *space);
void v3c_gate_close(struct v3c_space *space);
int v3c_gate_begin(struct v3c_space *space, struct v3c_op *op);
void v3c_gate_end(struct v3c_space *space, struct v3c_op *op);
void v3c_gate_drain(struct v3c_space *space);
void v3c_gate_quiesce(struct v3c_space *space);

void v3c_gate_add_slot(struct v3c_space *space, u8 slot, bool fill);
void v3c_gate_filled(struct v3c_space *space);
void v3c_gate_remove_slot(struct v3c_space *space, u8 slot);

#endif
