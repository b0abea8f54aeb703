// SPDX-License-Identifier: GPL-2.0
/*
 * Payloads of ranges, see pins.h.
 */
#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/bug.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "base/payload.h"
#include "table/pins.h"
#include "table/trim.h"

/* V3C_PINS_BITS: places of a node, as a power of two. */
#define V3C_PINS_BITS	4
#define V3C_PINS_PLACES	BIT(V3C_PINS_BITS)

/* V3C_PINS_SPARE: in a place, its record is of no range. */
#define V3C_PINS_SPARE	1ul

/**
 * struct v3c_pins - places of neighbouring pages
 * @used: places with records of ranges, and one more; 0 once the node is out of use
 * @has_spares: since v3c_pins_trim() has looked, a record has become a spare; may be late
 * @index: in &v3c_space.pins
 * @place: of each page: 0, or its record, which may be %V3C_PINS_SPARE
 *
 * Whoever holds a range changes the place of its first page, others only make a spare record 0.
 */
struct v3c_pins {
	atomic_t used;
	bool has_spares;
	unsigned long index;
	unsigned long place[V3C_PINS_PLACES];
};

static unsigned long *place_of(struct v3c_pins *node, u64 first)
{
	return &node->place[first & (V3C_PINS_PLACES - 1)];
}

/*
 * load_node(): in an RCU read-side section. One that is out of use is found only as long as nobody
 * has replaced it in &v3c_space.pins.
 */
static __always_inline struct v3c_pins *load_node(struct v3c_space *space, u64 first)
{
	struct v3c_pins *node = READ_ONCE(space->recent_pins);

	if (likely(node && node->index == first >> V3C_PINS_BITS && atomic_read(&node->used)))
		return node;
	return xa_load(&space->pins, first >> V3C_PINS_BITS);
}

/* remember_node(): @node is in use, so that forget_node() comes later. */
static __always_inline void remember_node(struct v3c_space *space, struct v3c_pins *node)
{
	if (READ_ONCE(space->recent_pins) == node)
		return;
	/* Pairs with the READ_ONCE() of load_node(), because @node may be new. */
	smp_store_release(&space->recent_pins, node);
}

/*
 * unuse_node(): a place of @node is not used any more. Pairs with the atomic_try_cmpxchg() of
 * retire_node(), which otherwise would not see the place as it is now, or @node as the recent one.
 */
static __always_inline void unuse_node(struct v3c_pins *node)
{
	(void)atomic_fetch_dec_release(&node->used);
}

/* retire_node() takes @node out of use if it has no record of a range. */
static bool retire_node(struct v3c_pins *node)
{
	int none = 1;

	return atomic_try_cmpxchg(&node->used, &none, 0);
}

/* forget_node(): @node is out of use, and nobody finds it after this and a grace period. */
static void forget_node(struct v3c_space *space, struct v3c_pins *node)
{
	struct v3c_pins *recent = node;

	try_cmpxchg(&space->recent_pins, &recent, NULL);
	/* Another one may have taken its place already. */
	xa_cmpxchg_irq(&space->pins, node->index, node, NULL, 0);
}

static struct v3c_pinned *pinned_at(const struct v3c_pins_at *at)
{
	return (void *)READ_ONCE(*at->place);
}

/* v3c_pins_search() is v3c_pins_find() in a space that may have payloads. */
bool v3c_pins_search(struct v3c_space *space, u64 first, struct v3c_pins_at *at)
{
	unsigned long value;

	guard(rcu)();
	at->node = load_node(space, first);
	if (!at->node)
		return false;
	at->place = place_of(at->node, first);
	value = READ_ONCE(*at->place);
	return value && !(value & V3C_PINS_SPARE);
}

/*
 * replace_node() puts @node where one is that is out of use. Both under the lock, because a node is
 * freed only when it is not there any more: otherwise a new one at the same address might be.
 */
static bool replace_node(struct v3c_space *space, struct v3c_pins *node)
{
	struct v3c_pins *old;
	unsigned long flags;
	bool replaced;

	xa_lock_irqsave(&space->pins, flags);
	old = xa_load(&space->pins, node->index);
	replaced = old && !atomic_read(&old->used);
	if (replaced)
		__xa_store(&space->pins, node->index, node, 0);
	xa_unlock_irqrestore(&space->pins, flags);
	return replaced;
}

/* insert_node() puts @node where none is in use. -EAGAIN if there is one. */
static int insert_node(struct v3c_space *space, struct v3c_pins *node, gfp_t gfp)
{
	unsigned long flags;
	void *old;

	/* __xa_cmpxchg() would enable interrupts, if it might sleep. */
	if (gfpflags_allow_blocking(gfp)) {
		old = xa_cmpxchg_irq(&space->pins, node->index, NULL, node, gfp);
	} else {
		xa_lock_irqsave(&space->pins, flags);
		old = __xa_cmpxchg(&space->pins, node->index, NULL, node, gfp);
		xa_unlock_irqrestore(&space->pins, flags);
	}
	if (!old || xa_is_err(old))
		return xa_err(old);
	return replace_node(space, node) ? 0 : -EAGAIN;
}

/* add_node() makes a node that the caller uses. -EAGAIN if others were faster. */
static int add_node(struct v3c_space *space, u64 first, gfp_t gfp, struct v3c_pins **result)
{
	struct v3c_pins *node = kzalloc(sizeof(*node), gfp);
	int ret;

	if (!node)
		return -ENOMEM;
	node->index = first >> V3C_PINS_BITS;
	atomic_set(&node->used, 2);
	ret = insert_node(space, node, gfp);
	if (ret)
		kfree(node);
	else
		*result = node;
	return ret;
}

/* use_node() finds or makes the node of a page, which has one more place in use then. */
static int use_node(struct v3c_space *space, u64 first, gfp_t gfp, struct v3c_pins **result)
{
	int ret;

	do {
		scoped_guard(rcu) {
			*result = load_node(space, first);
			if (likely(*result && atomic_inc_not_zero(&(*result)->used)))
				return 0;
		}
		ret = add_node(space, first, gfp, result);
	} while (ret == -EAGAIN);
	return ret;
}

/**
 * v3c_pins_set() - give a range that the caller holds a payload
 * @space: the space
 * @first: first page of the range
 * @pin: its payload
 * @pages: of the range
 * @gfp: for the record, and its node
 *
 * Context: any that @gfp allows.
 * Return: 0 or -ENOMEM.
 */
int v3c_pins_set(struct v3c_space *space, u64 first, struct v3c_pin pin, u64 pages, gfp_t gfp)
{
	struct v3c_pinned *pinned;
	unsigned long *place, old;
	struct v3c_pins *node;
	int ret = use_node(space, first, gfp, &node);

	if (unlikely(ret))
		return ret;
	remember_node(space, node);
	place = place_of(node, first);
	old = READ_ONCE(*place);
	if (likely(old & V3C_PINS_SPARE && try_cmpxchg(place, &old, 0))) {
		pinned = (void *)(old & ~V3C_PINS_SPARE);
	} else {
		/* Otherwise pages would stay pinned that nobody knows of. */
		WARN_ON_ONCE(old);
		pinned = kmalloc(sizeof(*pinned), gfp);
		if (!pinned) {
			unuse_node(node);
			return -ENOMEM;
		}
	}
	pinned->pin = pin;
	pinned->pages = pages;
	WRITE_ONCE(*place, (unsigned long)pinned);
	return 0;
}

/*
 * v3c_pins_take(): the payload of the range at @first is the caller's, with its memory. NULL if
 * there is none.
 */
struct v3c_pinned *v3c_pins_take(struct v3c_space *space, u64 first)
{
	struct v3c_pinned *pinned;
	struct v3c_pins_at at;

	if (!v3c_pins_find(space, first, &at))
		return NULL;
	pinned = pinned_at(&at);
	WRITE_ONCE(*at.place, 0);
	unuse_node(at.node);
	return pinned;
}

/* v3c_pins_lift(): the payload that was found is the caller's, and its record becomes a spare. */
void v3c_pins_lift(struct v3c_pins_at *at, struct v3c_pinned *pinned)
{
	struct v3c_pinned *record = pinned_at(at);

	*pinned = *record;
	/* Pairs with the try_cmpxchg() of free_spares(), which frees the record. */
	smp_store_release(at->place, (unsigned long)record | V3C_PINS_SPARE);
	if (!READ_ONCE(at->node->has_spares))
		WRITE_ONCE(at->node->has_spares, true);
	unuse_node(at->node);
}

/* v3c_pins_forget() undoes v3c_pins_set(). */
void v3c_pins_forget(struct v3c_space *space, u64 first)
{
	struct v3c_pinned pinned;
	struct v3c_pins_at at;

	if (v3c_pins_find(space, first, &at))
		v3c_pins_lift(&at, &pinned);
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
	struct v3c_pinned *pinned;
	struct v3c_pins_at found;
	struct v3c_pin pin;
	int ret;

	if (!v3c_pins_find(space, first, &found))
		return 0;
	pinned = pinned_at(&found);
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
	struct v3c_pins_at found, rest;
	struct v3c_pinned pinned;

	if (!v3c_pins_find(space, first, &found) || !v3c_pins_find(space, at, &rest))
		return;
	v3c_pins_lift(&rest, &pinned);
	pinned_at(&found)->pages += pinned.pages;
}

/* free_spares() frees the records of no range that @node has. */
static void free_spares(struct v3c_pins *node)
{
	unsigned long *place, old;

	for (place = node->place; place < node->place + V3C_PINS_PLACES; place++) {
		old = READ_ONCE(*place);
		if (old & V3C_PINS_SPARE && try_cmpxchg(place, &old, 0))
			kfree((void *)(old & ~V3C_PINS_SPARE));
	}
}

/*
 * v3c_pins_trim() gives back memory of a space that is of no range. Only one caller at a time, and
 * none while the space is cleared. May sleep.
 */
void v3c_pins_trim(struct v3c_trim *trim)
{
	struct v3c_space *space = trim->space;
	struct v3c_pins *node;
	unsigned long index;
	bool retired;

	if (!space->account)
		return;
	xa_for_each(&space->pins, index, node) {
		if (!READ_ONCE(space->open))
			return;
		retired = retire_node(node);
		if (retired || READ_ONCE(node->has_spares)) {
			WRITE_ONCE(node->has_spares, false);
			free_spares(node);
		}
		if (retired) {
			forget_node(space, node);
			v3c_trim_node(trim, node);
		}
		cond_resched();
	}
}

/* v3c_pins_clear() gives all payloads to @released, when nobody holds a range any more. */
void v3c_pins_clear(struct v3c_space *space, struct v3c_released *released)
{
	struct v3c_pins *node;
	unsigned long index;
	unsigned int i;

	if (!space->account)
		return;
	xa_for_each(&space->pins, index, node) {
		free_spares(node);
		for (i = 0; i < V3C_PINS_PLACES; i++)
			if (node->place[i])
				v3c_released_add(released, (void *)node->place[i]);
		kfree(node);
		cond_resched();
	}
	xa_destroy(&space->pins);
	space->recent_pins = NULL;
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
