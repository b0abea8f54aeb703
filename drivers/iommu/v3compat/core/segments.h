/* SPDX-License-Identifier: GPL-2.0 */
/*
 * &struct v3c_segments: what is mapped in a reservation. Only reserve.c and this file look at the
 * state bytes.
 */
#ifndef V3COMPAT_SEGMENTS_H
#define V3COMPAT_SEGMENTS_H

#include <linux/atomic.h>
#include <linux/rcupdate.h>
#include <linux/types.h>

#include "base/payload.h"
#include "base/phys.h"

struct v3c_domain;

/*
 * V3C_SEGMENT_*: the state of a reserved page, 0 when it is unused. A page that is used is BUSY.
 * Its segment has no HEAD while it is in the hands of an operation. The low bits are IOMMU_*, and
 * are there while the page is mapped in every table. An IOMMU driver kept a page that is LOST.
 */
#define V3C_SEGMENT_READ	0x01
#define V3C_SEGMENT_WRITE	0x02
#define V3C_SEGMENT_BUSY	0x10
#define V3C_SEGMENT_HEAD	0x20
#define V3C_SEGMENT_TAIL	0x40
#define V3C_SEGMENT_LOST	0x80
#define V3C_SEGMENT_WHOLE	(V3C_SEGMENT_BUSY | V3C_SEGMENT_HEAD | V3C_SEGMENT_TAIL)

/**
 * struct v3c_segment_pin - the payload of a segment, beside the state of its first page
 * @pin: its payload; none without a segment, or if it was mapped without one
 * @pages: length of the segment
 */
struct v3c_segment_pin {
	struct v3c_pin pin;
	u64 pages;
};

/**
 * struct v3c_segments - what is mapped in a reservation
 * @rcu: while it waits to be freed: a quick operation may still look at it
 * @next: in &v3c_domain.kept
 * @pins: of segments, by their first page, of whoever has that page; NULL where none can have a
 *	payload
 * @domain: whose it is
 * @first: first logical page
 * @pages: length
 * @base: @first in bytes
 * @size: @pages in bytes
 * @state: a byte per page, V3C_SEGMENT_*; from 0, and from a live HEAD, by cmpxchg only. Whoever
 *	made a byte BUSY owns it until it is a live segment's or 0 again
 */
struct v3c_segments {
	union {
		struct rcu_head rcu;
		struct v3c_segments *next;
	};
	struct v3c_segment_pin *pins;
	struct v3c_domain *domain;
	u64 first;
	u64 pages;
	u64 base;
	u64 size;
	u8 state[];
};

/* v3c_segment_give() hands a page on; whoever takes it next sees all that was done to it. */
static __always_inline void v3c_segment_give(u8 *state, u8 value)
{
	/* Pairs with the try_cmpxchg() by which the page is taken. */
	smp_store_release(state, value);
}

/* v3c_segment_pin() gives the segment, whose first page is at @state and the caller's, @pin. */
static __always_inline void v3c_segment_pin(struct v3c_segments *segments, const u8 *state,
					    struct v3c_pin pin, u64 pages)
{
	segments->pins[state - segments->state] = (struct v3c_segment_pin) {
		.pin = pin, .pages = pages,
	};
}

/* v3c_segment_unpin() takes what v3c_segment_pin() gave, before others get the page. */
static __always_inline struct v3c_segment_pin v3c_segment_unpin(struct v3c_segments *segments,
								const u8 *state)
{
	struct v3c_segment_pin *at = &segments->pins[state - segments->state], was = *at;

	*at = (struct v3c_segment_pin) {};
	return was;
}

/*
 * The rest is for quick operations, which take one page by @state, from v3c_segment_state(), and
 * give it on.
 */
static __always_inline u8 *v3c_segment_state(struct v3c_segments *segments, u64 offset)
{
	return segments->state + (offset >> V3C_PAGE_SHIFT);
}

/* v3c_segment_take_unused() takes a page that is unused, to map it with @prot. */
static __always_inline bool v3c_segment_take_unused(u8 *state, int prot)
{
	u8 unused = 0;

	return try_cmpxchg(state, &unused, V3C_SEGMENT_BUSY | prot);
}

static __always_inline void v3c_segment_give_unused(u8 *state)
{
	v3c_segment_give(state, 0);
}

static __always_inline void v3c_segment_give_mapped(u8 *state, int prot)
{
	v3c_segment_give(state, V3C_SEGMENT_WHOLE | prot);
}

/* v3c_segment_take_mapped() takes a page that is a mapped segment of its own. */
static __always_inline bool v3c_segment_take_mapped(u8 *state)
{
	u8 was = READ_ONCE(*state);

	return (was & V3C_SEGMENT_WHOLE) == V3C_SEGMENT_WHOLE &&
	       try_cmpxchg(state, &was, V3C_SEGMENT_BUSY);
}

/* v3c_segment_lose(): the IOMMU driver may keep the page mapped for ever. */
static __always_inline void v3c_segment_lose(u8 *state)
{
	v3c_segment_give(state, V3C_SEGMENT_LOST);
}

#endif
