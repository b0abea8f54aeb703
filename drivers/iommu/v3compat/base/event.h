/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_EVENT_H
#define V3COMPAT_EVENT_H

#include <linux/lockdep.h>
#include <linux/mutex.h>
#include <linux/sched/signal.h>
#include <linux/wait.h>

#include "base/topology.h"

/**
 * struct v3c_event - something that happens repeatedly and can be waited for
 * @count: how often it has happened; written under v3c_topology
 * @wait: who waits
 */
struct v3c_event {
	unsigned long count;
	wait_queue_head_t wait;
};

#define V3C_EVENT(name) \
	struct v3c_event name = { .wait = __WAIT_QUEUE_HEAD_INITIALIZER((name).wait) }

/* Wakes everybody in v3c_event_wait(). Under v3c_topology. */
static inline void v3c_event_happened(struct v3c_event *event)
{
	lockdep_assert_held(&v3c_topology);

	WRITE_ONCE(event->count, event->count + 1);
	wake_up_all(&event->wait);
}

/**
 * v3c_event_wait() - wait until it happens once more
 * @event: the event
 * @state: TASK_UNINTERRUPTIBLE, or which signals end the wait
 *
 * Context: may sleep; under v3c_topology, which is released meanwhile: the caller must look at
 * everything again.
 * Return: 0 or -ERESTARTSYS.
 */
static inline int v3c_event_wait(struct v3c_event *event, unsigned int state)
{
	unsigned long seen = event->count;
	int ret;

	lockdep_assert_held(&v3c_topology);

	mutex_unlock(&v3c_topology);
	ret = wait_event_state(event->wait, READ_ONCE(event->count) != seen, state);
	mutex_lock(&v3c_topology);
	return ret;
}

#endif
