// SPDX-License-Identifier: GPL-2.0
/*
 * &struct v3u_ring: records that wait to be read. What finds no room is counted by a record in its
 * place, so that a reader knows where something is missing.
 */
#include <kunit/visibility.h>
#include <linux/export.h>
#include <linux/ktime.h>
#include <linux/slab.h>

#include "base/why.h"
#include "user/ring.h"

/**
 * v3u_ring_init() - make an empty ring
 * @ring: the ring
 * @capacity: records that wait at most, at least 1; charged to the caller's memory cgroup
 *
 * Context: may sleep.
 * Return: 0 or -ENOMEM.
 */
int v3u_ring_init(struct v3u_ring *ring, unsigned int capacity)
{
	spin_lock_init(&ring->lock);
	init_waitqueue_head(&ring->wait);
	ring->capacity = capacity;
	ring->first = 0;
	ring->count = 0;
	ring->over = false;
	ring->events = kvcalloc((size_t)capacity + 1, sizeof(*ring->events),
				GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	return ring->events ? 0 : -ENOMEM;
}
EXPORT_SYMBOL_IF_KUNIT(v3u_ring_init);

void v3u_ring_free(struct v3u_ring *ring)
{
	kvfree(ring->events);
}
EXPORT_SYMBOL_IF_KUNIT(v3u_ring_free);

/* at_index() is the record that @index others come before. */
static struct v3compat_event *at_index(struct v3u_ring *ring, unsigned int index)
{
	return &ring->events[(ring->first + index) % (ring->capacity + 1)];
}

static void append_event(struct v3u_ring *ring, const struct v3compat_event *event)
{
	lockdep_assert_held(&ring->lock);

	*at_index(ring, ring->count) = *event;
	ring->count++;
	wake_up_interruptible(&ring->wait);
}

/*
 * count_lost(): there is room for a record of its own, because the last record is one already when
 * there are more than @capacity.
 */
static void count_lost(struct v3u_ring *ring, u32 device, u64 count)
{
	struct v3compat_event event = {
		.type = V3COMPAT_EVENT_LOST,
		.device = device,
		.pasid = V3COMPAT_NO_PASID_NUMBER,
		.time_ns = ktime_get_ns(),
		.value = count,
	};
	struct v3compat_event *last;

	lockdep_assert_held(&ring->lock);

	last = ring->count ? at_index(ring, ring->count - 1) : NULL;
	if (last && last->type == V3COMPAT_EVENT_LOST)
		last->value += count;
	else
		append_event(ring, &event);
}

/**
 * v3u_ring_push() - add a record
 * @ring: the ring
 * @event: the record; copied
 *
 * Context: process.
 * Return: false when there was no room, so that it was counted as lost.
 */
bool v3u_ring_push(struct v3u_ring *ring, const struct v3compat_event *event)
{
	guard(spinlock)(&ring->lock);
	if (ring->count < ring->capacity) {
		append_event(ring, event);
		return true;
	}
	count_lost(ring, event->device, 1);
	return false;
}
EXPORT_SYMBOL_IF_KUNIT(v3u_ring_push);

/* v3u_ring_lose() counts @count records as lost that others have dropped. */
void v3u_ring_lose(struct v3u_ring *ring, u32 device, u64 count)
{
	guard(spinlock)(&ring->lock);
	count_lost(ring, device, count);
}
EXPORT_SYMBOL_IF_KUNIT(v3u_ring_lose);

/* v3u_ring_look() copies the oldest record to @event. False when there is none. */
bool v3u_ring_look(struct v3u_ring *ring, struct v3compat_event *event)
{
	guard(spinlock)(&ring->lock);
	if (!ring->count)
		return false;
	*event = *at_index(ring, 0);
	return true;
}
EXPORT_SYMBOL_IF_KUNIT(v3u_ring_look);

/**
 * v3u_ring_pop() - take the oldest record out
 * @ring: the ring
 * @event: the record, as v3u_ring_look() found it
 *
 * What was lost since stays, for the next reader.
 *
 * Context: process; nobody else has popped since v3u_ring_look().
 */
void v3u_ring_pop(struct v3u_ring *ring, const struct v3compat_event *event)
{
	struct v3compat_event *oldest;

	guard(spinlock)(&ring->lock);
	oldest = at_index(ring, 0);
	if (event->type == V3COMPAT_EVENT_LOST && oldest->value != event->value) {
		oldest->value -= event->value;
		return;
	}
	ring->first = (ring->first + 1) % (ring->capacity + 1);
	ring->count--;
}
EXPORT_SYMBOL_IF_KUNIT(v3u_ring_pop);

/* v3u_ring_end(): nothing comes any more. What is there can still be read. */
void v3u_ring_end(struct v3u_ring *ring)
{
	guard(spinlock)(&ring->lock);
	ring->over = true;
	wake_up_interruptible_all(&ring->wait);
}
EXPORT_SYMBOL_IF_KUNIT(v3u_ring_end);
