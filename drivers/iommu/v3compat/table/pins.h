/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Payloads of ranges (&struct v3c_pinned), in spaces with &v3c_space.account. That of a range is
 * the business of whoever holds the range.
 */
#ifndef V3COMPAT_PINS_H
#define V3COMPAT_PINS_H

#include "table/range.h"

int v3c_pins_set(struct v3c_space *space, u64 first, struct v3c_pin pin, u64 pages, gfp_t gfp);
struct v3c_pinned *v3c_pins_take(struct v3c_space *space, u64 first);
int v3c_pins_split(struct v3c_space *space, u64 first, u64 at, gfp_t gfp);
void v3c_pins_join(struct v3c_space *space, u64 first, u64 at);
void v3c_released_give(struct v3c_released *released, bool may_sleep);

static inline bool v3c_pins_has(struct v3c_space *space, u64 first)
{
	return space->account && xa_load(&space->pins, first);
}

static inline void v3c_released_add(struct v3c_released *released, struct v3c_pinned *pinned)
{
	pinned->next = released->chain;
	released->chain = pinned;
}

#endif
