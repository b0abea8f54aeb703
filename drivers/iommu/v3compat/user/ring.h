/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_USER_RING_H
#define V3COMPAT_USER_RING_H

#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>

struct v3compat_event;

/**
 * struct v3u_ring - records that wait to be read
 * @lock: protects what follows; innermost
 * @wait: woken when there is something to read, and at the end
 * @events: room for @capacity records, and for one that says how many were lost behind them
 * @capacity: constant
 * @first: the oldest record
 * @count: of records; more than @capacity only if the last one says how many were lost
 * @over: nothing comes any more
 */
struct v3u_ring {
	spinlock_t lock;
	wait_queue_head_t wait;
	struct v3compat_event *events;
	unsigned int capacity;
	unsigned int first;
	unsigned int count;
	bool over;
};

int v3u_ring_init(struct v3u_ring *ring, unsigned int capacity);
void v3u_ring_free(struct v3u_ring *ring);
bool v3u_ring_push(struct v3u_ring *ring, const struct v3compat_event *event);
void v3u_ring_lose(struct v3u_ring *ring, u32 device, u64 count);
bool v3u_ring_look(struct v3u_ring *ring, struct v3compat_event *event);
void v3u_ring_pop(struct v3u_ring *ring, const struct v3compat_event *event);
void v3u_ring_end(struct v3u_ring *ring);

#endif
