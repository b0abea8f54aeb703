/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3BENCH_CLOCK_H
#define V3BENCH_CLOCK_H

#include <linux/types.h>
#include <asm/msr.h>
#include <asm/tsc.h>

static __always_inline u64 v3b_clock(void)
{
	return rdtsc_ordered();
}

#endif
