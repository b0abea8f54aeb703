/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Allocation failures on demand: the kernel's own fault injection, aimed at the
 * running task, set through the values behind its debugfs files.
 */
#ifndef V3COMPAT_TESTS_ALLOC_FAIL_H
#define V3COMPAT_TESTS_ALLOC_FAIL_H

#include <linux/types.h>

/* Why this kernel cannot inject failures, or NULL when it can. */
const char *v3t_alloc_fail_missing(void);

/* Skips the case where there can be none. */
#define V3T_REQUIRE_ALLOC_FAIL(test)				\
do {								\
	const char *__missing = v3t_alloc_fail_missing();	\
								\
	if (__missing)						\
		kunit_skip(test, "%s", __missing);		\
} while (0)

/*
 * From begin to end every slab and page allocation of this task fails; nothing
 * else may be done in between than the calls under test.
 */
void v3t_alloc_fail_begin(void);
void v3t_alloc_fail_end(void);

/*
 * Fails the @nth allocation of this task and no other. The end says whether
 * there were that many.
 */
void v3t_alloc_fail_nth_begin(unsigned int nth);
bool v3t_alloc_fail_nth_end(void);

#endif
