// SPDX-License-Identifier: GPL-2.0
/*
 * The clock: under QEMU's -icount shift=0 the time stamp counter advances by
 * one for each instruction. Calibration shows whether that holds.
 */
#include <linux/irqflags.h>

#include "clock.h"
#include "v3bench.h"

#define LOOPS	1000

/* Two instructions for each turn, whatever the compiler thinks. */
static void spin(unsigned long turns)
{
	asm volatile("1:\tdec %0\n\tjnz 1b" : "+r" (turns) : : "cc");
}

static u64 time_loop(unsigned long turns)
{
	unsigned long flags;
	u64 start, end;

	local_irq_save(flags);
	start = v3b_clock();
	spin(turns);
	end = v3b_clock();
	local_irq_restore(flags);
	return end - start;
}

static u64 time_read(void)
{
	unsigned long flags;
	u64 start, end;

	local_irq_save(flags);
	start = v3b_clock();
	end = v3b_clock();
	local_irq_restore(flags);
	return end - start;
}

/**
 * v3b_clock_calibrate - report what the clock shows for a known number of instructions
 * @b: the benchmark
 *
 * The difference of two loops cancels everything but the loop itself.
 *
 * Return: 0 or a negative errno.
 */
int v3b_clock_calibrate(struct v3b *b)
{
	struct v3b_row *row = v3b_row_add(b);

	if (!row)
		return -ENOSPC;
	time_loop(LOOPS);
	row->kind = V3B_ROW_CLOCK;
	row->method = "clock";
	row->what = "loop";
	row->count = 2 * LOOPS;
	row->clock.ticks = time_loop(2 * LOOPS) - time_loop(LOOPS);
	row->clock.read = time_read();
	return 0;
}
