// SPDX-License-Identifier: GPL-2.0
/*
 * The clock: under QEMU's -icount shift=0 the time stamp counter advances by one for each
 * instruction. A loop of known length shows whether it does.
 */
#include "bench.h"

#define TURNS	1000
#define TRIES	16

uint64_t clock_read_cost;

/* Two instructions for each turn, whatever the compiler thinks. */
static uint64_t time_loop(unsigned long turns)
{
	uint64_t start = now();

	asm volatile("1:\tdec %0\n\tjnz 1b" : "+r" (turns) : : "cc");
	return now() - start;
}

static uint64_t time_read(void)
{
	uint64_t start = now();

	return now() - start;
}

/* The least of some, because an interrupt may come in between. */
static uint64_t least(unsigned long turns)
{
	uint64_t value, best = UINT64_MAX;
	unsigned int i;

	for (i = 0; i < TRIES; i++) {
		value = turns ? time_loop(turns) : time_read();
		if (value < best)
			best = value;
	}
	return best;
}

void clock_calibrate(void)
{
	uint64_t ticks = least(2 * TURNS) - least(TURNS);

	clock_read_cost = least(0);
	printf("@v3bench\tuser\tclock\tloop\t%d\t%llu\t%llu\n", 2 * TURNS,
	       (unsigned long long)ticks, (unsigned long long)clock_read_cost);
}
