// SPDX-License-Identifier: GPL-2.0
/*
 * Payloads of ranges, see pins.h.
 */
#include <linux/sched.h>
#include <linux/slab.h>

#include "base/payload.h"
#include "table/pins.h"

static int store_pinned(struct v3c_space *space, u64 first, struct v3c_pinned *pinned, gfp_t gfp)
{
	unsigned long flags;
	void *old;

	/* __xa_store() would enable interrupts, if it might sleep. */
	if (gfpflags_allow_blocking(gfp))
		return xa_err(xa_store_irq(&space->pins, first, pinned, gfp));
	xa_lock_irqsave(&space->pins, flags);
	old = __xa_store(&space->pins, first, pinned, gfp);
	xa_unlock_irqrestore(&space->pins, flags);
	return xa_err(old);
}

/**
 * v3c_pins_set() - give a range that the caller holds a payload
 * @space: the space
 * @first: first page of the range
 * @pin: its payload
 * @pages: of the range
 * @gfp: for the record
 *
 * Context: any that @gfp allows.
 * Return: 0 or -ENOMEM.
 */
int v3c_pins_set(struct v3c_space *space, u64 first, struct v3c_pin pin, u64 pages, gfp_t gfp)
{
	struct v3c_pinned *pinned = kmalloc(sizeof(*pinned), gfp);
	int ret;

	if (!pinned)
		return -ENOMEM;
	*pinned = (struct v3c_pinned) { .pin = pin, .pages = pages };
	ret = store_pinned(space, first, pinned, gfp);
	if (ret)
		kfree(pinned);
	return ret;
}

/* v3c_pins_take(): the payload of the range at @first is the caller's, with its memory. */
struct v3c_pinned *v3c_pins_take(struct v3c_space *space, u64 first)
{
	struct v3c_pinned *pinned;
	unsigned long flags;

	xa_lock_irqsave(&space->pins, flags);
	pinned = __xa_erase(&space->pins, first);
	xa_unlock_irqrestore(&space->pins, flags);
	return pinned;
}

/**
 * v3c_pins_split() - cut the payload of a range
 * @space: the space
 * @first: first page of the range
 * @at: first page of the part that becomes a range of its own
 * @gfp: for its record
 *
 * Context: any that @gfp allows.
 * Return: 0, also if there is no payload; or -ENOMEM.
 */
int v3c_pins_split(struct v3c_space *space, u64 first, u64 at, gfp_t gfp)
{
	struct v3c_pinned *pinned = space->account ? xa_load(&space->pins, first) : NULL;
	struct v3c_pin pin;
	int ret;

	if (!pinned)
		return 0;
	pin = pinned->pin;
	pin.at += at - first;
	ret = v3c_pins_set(space, at, pin, pinned->pages - (at - first), gfp);
	if (!ret)
		pinned->pages = at - first;
	return ret;
}

/* v3c_pins_join() undoes v3c_pins_split(). */
void v3c_pins_join(struct v3c_space *space, u64 first, u64 at)
{
	struct v3c_pinned *pinned = space->account ? xa_load(&space->pins, first) : NULL;
	struct v3c_pinned *rest;

	if (!pinned)
		return;
	rest = v3c_pins_take(space, at);
	pinned->pages += rest->pages;
	kfree(rest);
}

/**
 * v3c_released_give() - give payloads back to whoever they are of
 * @released: of ranges that no device reaches any more
 * @may_sleep: the caller may; v3c_may_sleep() does not see every lock that a caller holds
 *
 * Context: that of the unmap, with no lock of ours held, outside operations and v3c_quick_enter().
 */
void v3c_released_give(struct v3c_released *released, bool may_sleep)
{
	struct v3c_pinned *pinned;

	while ((pinned = released->chain)) {
		released->chain = pinned->next;
		v3c_pin_release(pinned->pin, pinned->pages);
		kfree(pinned);
		/* A domain that is deleted may have had very many. */
		if (may_sleep)
			cond_resched();
	}
}
