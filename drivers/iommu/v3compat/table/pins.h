/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Payloads of ranges (&struct v3c_pinned), in spaces with &v3c_space.account. That of a range is
 * the business of whoever holds the range.
 *
 * &v3c_space.pins has nodes, each with a place for every page that a range may begin with. The
 * record of a range that was unmapped quickly, or could not be mapped, stays in its place as a
 * spare, because another range is likely to begin there soon; v3c_pins_trim() gives it back, and
 * nodes that have no record.
 */
#ifndef V3COMPAT_PINS_H
#define V3COMPAT_PINS_H

#include "table/range.h"

struct v3c_trim;

/**
 * struct v3c_pins_at - where the record of a range is, as long as that has a payload
 * @node: with @place
 * @place: what says where
 */
struct v3c_pins_at {
	struct v3c_pins *node;
	unsigned long *place;
};

int v3c_pins_set(struct v3c_space *space, u64 first, struct v3c_pin pin, u64 pages, gfp_t gfp);
struct v3c_pinned *v3c_pins_take(struct v3c_space *space, u64 first);
bool v3c_pins_search(struct v3c_space *space, u64 first, struct v3c_pins_at *at);
void v3c_pins_lift(struct v3c_pins_at *at, struct v3c_pinned *pinned);
void v3c_pins_forget(struct v3c_space *space, u64 first);
int v3c_pins_split(struct v3c_space *space, u64 first, u64 at, gfp_t gfp);
void v3c_pins_join(struct v3c_space *space, u64 first, u64 at);
void v3c_pins_trim(struct v3c_trim *trim);
void v3c_pins_clear(struct v3c_space *space, struct v3c_released *released);
void v3c_released_give(struct v3c_released *released, bool may_sleep);

/* v3c_pins_find() finds the payload of a range that the caller holds. False if there is none. */
static __always_inline bool v3c_pins_find(struct v3c_space *space, u64 first,
					  struct v3c_pins_at *at)
{
	return space->account && v3c_pins_search(space, first, at);
}

static inline bool v3c_pins_has(struct v3c_space *space, u64 first)
{
	struct v3c_pins_at at;

	return v3c_pins_find(space, first, &at);
}

static inline void v3c_released_add(struct v3c_released *released, struct v3c_pinned *pinned)
{
	pinned->next = released->chain;
	released->chain = pinned;
}

#endif
