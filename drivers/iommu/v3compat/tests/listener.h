/* SPDX-License-Identifier: GPL-2.0 */
/* A fault handler that remembers what it was told, and can be held. */
#ifndef V3COMPAT_TESTS_LISTENER_H
#define V3COMPAT_TESTS_LISTENER_H

#include <linux/completion.h>
#include <linux/spinlock.h>
#include <linux/v3compat.h>
#include <linux/wait.h>

struct kunit;

#define V3T_FAULTS	128

/**
 * struct v3t_listener - one handler
 * @config: to be given to SetDeviceFaultReporting(Ex)
 * @lock: protects @count
 * @changed: woken when @count grows and when a call returns
 * @count: calls that began
 * @ended: calls that returned
 * @faults: what the first ones were told
 * @atomic: calls made where sleeping is not allowed
 * @hold: makes each call wait for one complete() of @release
 * @release: see @hold
 * @inside: called from inside each call, or NULL
 * @context: for @inside
 */
struct v3t_listener {
	DEVICE_FAULT_CONFIGURATION config;
	spinlock_t lock;
	wait_queue_head_t changed;
	unsigned int count;
	unsigned int ended;
	struct v3compat_fault faults[V3T_FAULTS];
	unsigned int atomic;
	bool hold;
	struct completion release;
	void (*inside)(struct v3t_listener *listener, const struct v3compat_fault *fault);
	void *context;
};

/* Lives as long as the case. */
struct v3t_listener *v3t_listener(struct kunit *test);

/* Waits until that many calls have begun, or returned; an expectation fails when they do not. */
bool v3t_wait_begun(struct kunit *test, struct v3t_listener *listener, unsigned int count);
bool v3t_wait_ended(struct kunit *test, struct v3t_listener *listener, unsigned int count);

u64 v3t_fault_address(const struct v3compat_fault *fault);
PVOID v3t_fault_domain(const struct v3compat_fault *fault);
FAULT_INFORMATION_X64_TYPE v3t_fault_type(const struct v3compat_fault *fault);

#endif
