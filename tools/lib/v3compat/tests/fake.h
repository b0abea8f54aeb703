/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A kernel in place of /dev/v3compat: it does nothing, and writes down what it was asked for.
 */
#ifndef V3COMPAT_TESTS_FAKE_H
#define V3COMPAT_TESTS_FAKE_H

#include <linux/v3compat.h>

/* What was asked for since fake_reset(), one word a command. */
extern char fake_log[8192];

/* Number of the map, from 1, that is refused; 0 for none. */
extern unsigned int fake_refuse_map;

/* Types that the device may use, and whether it is refused to be made for tagged DMA. */
extern __u32 fake_types;
extern int fake_untagged;

/* Where events are written that the library reads, or -1; and the mask they were opened with. */
extern int fake_events;
extern __u32 fake_mask;

void fake_reset(void);
void fake_push(const struct v3compat_event *event);

#endif
