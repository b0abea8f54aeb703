/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the fuzzers that are programs share: choices by a seed, counts, and a verdict that processes
 * may come to that are killed.
 */
#ifndef V3FUZZ_PROGRAM_H
#define V3FUZZ_PROGRAM_H

#include <stdint.h>
#include <sys/types.h>

#define PAGE	4096ULL

#define ERRNOS	140

/* struct tally: how often a command was given, and how that ended. */
struct tally {
	unsigned int calls, successes, errnos[ERRNOS];
};

/* struct verdict: the first thing that was wrong. Seen by all processes. */
struct verdict {
	int failed;
	char why[512];
};

extern struct verdict *verdict;
extern unsigned int passed, failed;
extern __thread uint64_t random_state;

/* rnd() is a number below @below. */
static inline uint32_t rnd(uint32_t below)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (random_state * 0x2545f4914f6cdd1dULL >> 32) % below;
}

static inline int one_in(uint32_t n)
{
	return !rnd(n);
}

static inline uint64_t mix(uint64_t a, uint64_t b)
{
	return (a ^ b) * 0x9e3779b97f4a7c15ULL;
}

/* map_memory() ends the program when there is none. */
void *map_memory(size_t size, int flags, int fd);
/* start_judging() comes before the first process. */
void start_judging(void);
/* fail() keeps the first reason only, because what follows may come of it. */
void fail(const char *format, ...) __printf(1, 2);
/* physical_address() is 0 when the kernel does not tell. */
uint64_t physical_address(const void *page);
void count_call(struct tally *tally, unsigned int err);
void print_tally(const char *name, const struct tally *tally);
/* judge() prints a line of the report, and counts it as passed or failed. */
void judge(int good, const char *format, ...) __printf(2, 3);
/* count_left() is how many devices or instances of iommusim there are. */
unsigned int count_left(void);

#endif
