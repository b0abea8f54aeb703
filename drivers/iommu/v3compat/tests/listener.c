// SPDX-License-Identifier: GPL-2.0
#include <kunit/test.h>
#include <linux/preempt.h>

#include "listener.h"

#define PATIENCE	(20 * HZ)

static void hear(PVOID context, PFAULT_INFORMATION information)
{
	struct v3t_listener *listener = context;
	const struct v3compat_fault *fault = v3compat_fault_of(information);
	bool atomic = IS_ENABLED(CONFIG_PREEMPT_COUNT) && !preemptible();

	scoped_guard(spinlock_irqsave, &listener->lock) {
		if (listener->count < V3T_FAULTS)
			listener->faults[listener->count] = *fault;
		listener->atomic += atomic;
		listener->count++;
	}
	wake_up_all(&listener->changed);
	if (listener->inside)
		listener->inside(listener, fault);
	if (READ_ONCE(listener->hold))
		wait_for_completion(&listener->release);
	scoped_guard(spinlock_irqsave, &listener->lock)
		listener->ended++;
	wake_up_all(&listener->changed);
}

struct v3t_listener *v3t_listener(struct kunit *test)
{
	struct v3t_listener *listener = kunit_kzalloc(test, sizeof(*listener), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, listener);
	listener->config.FaultHandler = hear;
	listener->config.FaultContext = listener;
	spin_lock_init(&listener->lock);
	init_waitqueue_head(&listener->changed);
	init_completion(&listener->release);
	return listener;
}

static bool wait_for(struct kunit *test, struct v3t_listener *listener, unsigned int *value,
		     unsigned int count)
{
	wait_event_timeout(listener->changed, READ_ONCE(*value) >= count, PATIENCE);
	KUNIT_EXPECT_EQ(test, READ_ONCE(*value), count);
	return READ_ONCE(*value) == count;
}

bool v3t_wait_begun(struct kunit *test, struct v3t_listener *listener, unsigned int count)
{
	return wait_for(test, listener, &listener->count, count);
}

bool v3t_wait_ended(struct kunit *test, struct v3t_listener *listener, unsigned int count)
{
	return wait_for(test, listener, &listener->ended, count);
}

u64 v3t_fault_address(const struct v3compat_fault *fault)
{
	if (fault->information.Type == FaultInformationArm64)
		return (u64)fault->information.Arm64.FaultAddress;
	return (u64)fault->information.X64.FaultAddress;
}

PVOID v3t_fault_domain(const struct v3compat_fault *fault)
{
	if (fault->information.Type == FaultInformationArm64)
		return fault->information.Arm64.DomainHandle;
	return fault->information.X64.DomainHandle;
}

FAULT_INFORMATION_X64_TYPE v3t_fault_type(const struct v3compat_fault *fault)
{
	if (fault->information.Type == FaultInformationArm64)
		return fault->information.Arm64.Type;
	return fault->information.X64.Type;
}
