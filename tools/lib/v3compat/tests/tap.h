/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Results of a test program as TAP.
 */
#ifndef V3COMPAT_TESTS_TAP_H
#define V3COMPAT_TESTS_TAP_H

#include <stdbool.h>
#include <stdio.h>

static unsigned int tap_number, tap_failed;
static bool tap_good;

/* expect() makes the running test fail when @condition is not so. */
#define expect(condition)								\
	do {										\
		if (!(condition)) {							\
			printf("# %s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
			tap_good = false;						\
		}									\
	} while (0)

#define run_test(function)								\
	do {										\
		tap_good = true;							\
		function();								\
		tap_number++;								\
		tap_failed += !tap_good;						\
		printf("%sok %u - %s\n", tap_good ? "" : "not ", tap_number, #function); \
	} while (0)

static inline int tap_end(void)
{
	printf("1..%u\n", tap_number);
	return tap_failed ? 1 : 0;
}

#endif
