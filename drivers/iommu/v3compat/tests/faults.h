/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Allocation failures on demand: the kernel's own fault injection, aimed at the
 * running task, set through the values behind its debugfs files.
 */
#ifndef V3COMPAT_TESTS_FAULTS_H
#define V3COMPAT_TESTS_FAULTS_H

#include <linux/types.h>

/* Skips the case, with the reason, where this kernel cannot inject failures. */
struct kunit;
void v3t_faults_require(struct kunit *test);

/*
 * From begin to end every slab and page allocation of this task fails; nothing
 * else may be done in between than the calls under test.
 */
void v3t_faults_begin(void);
void v3t_faults_end(void);

/*
 * Fails the @nth allocation of this task and no other. The end says whether
 * there were that many.
 */
void v3t_fail_nth_begin(unsigned int nth);
bool v3t_fail_nth_end(void);

#endif /* V3COMPAT_TESTS_FAULTS_H */
