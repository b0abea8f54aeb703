// SPDX-License-Identifier: GPL-2.0
/*
 * Calls that wait for a fault handler or a callback: a process that makes one can be killed, and
 * what it leaves goes with its owner; a driver waits.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/sched/signal.h>

#include <kcompat.h>

#include "base/owner.h"
#include "core/create.h"
#include "core/device.h"
#include "core/fault.h"
#include "core/reclaim.h"
#include "core/report.h"
#include "fixture.h"
#include "thread.h"

V3C_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
V3C_IMPORT_NS(V3COMPAT_TEST);

#define PATIENCE	(30 * HZ)
#define KILLED		STATUS_INSUFFICIENT_RESOURCES

static const struct v3c_owner process = { .name = "process", .user = true };
static const struct v3c_owner driver = { .name = "driver" };

static const struct owner_case {
	const char *name;
	const struct v3c_owner *owner;
} owner_cases[] = {
	{ "process", &process },
	{ "driver", &driver },
};

static void owner_name(const struct owner_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(owner, owner_cases, owner_name);

/**
 * struct guest - a device of the owner of the case, and threads that call for it
 * @test: the case
 * @owner: whose
 * @pdo: the device
 * @device: its DMA device
 * @domain: what it is attached to
 * @handler: waits for @release
 * @called: the handler or the callback has been called
 * @release: lets them go
 * @renew: lets the callback register another one before it waits for @release, if @renews
 * @renews: it does
 * @calls: how often they have been called
 * @call: what @thread does
 * @thread: may be killed
 * @first: makes the call that calls back
 */
struct guest {
	struct kunit *test;
	const struct v3c_owner *owner;
	struct device *pdo;
	PIOMMU_DMA_DEVICE device;
	PIOMMU_DMA_DOMAIN domain;
	struct v3c_fault_handler handler;
	struct completion called, release, renew;
	bool renews;
	unsigned int calls;
	int (*call)(struct guest *guest);
	struct v3t_thread thread, first;
};

static int register_second(struct guest *guest);

static void wait_for_release(struct guest *guest)
{
	guest->calls++;
	complete(&guest->called);
	if (guest->renews) {
		wait_for_completion(&guest->renew);
		register_second(guest);
		complete(&guest->called);
	}
	wait_for_completion(&guest->release);
}

static enum v3c_fault_verdict tell(const struct v3c_fault_handler *handler,
				   const struct v3c_fault_report *report)
{
	wait_for_release(handler->context);
	return V3C_FAULT_AT_RETURN;
}

static void call_back(PIOMMU_INTERFACE_STATE_CHANGE change, PVOID context)
{
	wait_for_release(context);
}

static void call_back_second(PIOMMU_INTERFACE_STATE_CHANGE change, PVOID context)
{
}

static void reclaim_guest(void *arg)
{
	struct guest *guest = arg;

	complete_all(&guest->release);
	v3c_reclaim(guest->owner, false);
}

static struct guest *new_guest(struct kunit *test)
{
	static const struct v3c_domain_config explicit = { .type = V3C_DOMAIN_TRANSLATE };
	static const struct v3c_device_config plain;
	const struct owner_case *c = test->param_value;
	struct guest *guest = kunit_kzalloc(test, sizeof(*guest), GFP_KERNEL);
	struct v3t_world *w = test->priv;
	struct v3c_device *device;
	struct v3c_domain *domain;
	struct v3c_why why;

	KUNIT_ASSERT_NOT_NULL(test, guest);
	guest->test = test;
	guest->owner = c->owner;
	guest->pdo = w->pdo;
	guest->handler.tell = tell;
	guest->handler.context = guest;
	init_completion(&guest->called);
	init_completion(&guest->release);
	init_completion(&guest->renew);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action(test, reclaim_guest, guest));
	KUNIT_ASSERT_EQ(test, 0, (int)v3c_device_create(c->owner, w->pdo, &plain, &device, &why));
	KUNIT_ASSERT_EQ(test, 0, (int)v3c_domain_create(c->owner, &explicit, &domain, &why));
	guest->device = (PIOMMU_DMA_DEVICE)device;
	guest->domain = (PIOMMU_DMA_DOMAIN)domain;
	v3t_attach(test, guest->domain, guest->device);
	return guest;
}

static bool is_of_process(const struct guest *guest)
{
	return guest->owner->user;
}

static unsigned int devices_left(const struct guest *guest)
{
	u32 cursor = 0, serials[2];

	return v3c_pool_list(&v3c_device_pool, guest->owner, &cursor, serials, 2);
}

static void expect_called(struct guest *guest)
{
	KUNIT_EXPECT_TRUE(guest->test, wait_for_completion_timeout(&guest->called, PATIENCE));
}

static int report(struct guest *guest, bool enable)
{
	struct v3c_why why;

	return v3c_report_faults((struct v3c_device *)guest->device, 0, enable, &guest->handler,
				 &why);
}

static void stray(struct guest *guest)
{
	struct iommusim_fault fault;
	u32 word;

	iommusim_dma_read(guest->pdo, IOMMUSIM_NO_PASID, SZ_1M, &word, sizeof(word), &fault);
}

/* The handler is called, and does not return before the release. */
static void hold_handler(struct guest *guest)
{
	KUNIT_ASSERT_EQ(guest->test, report(guest, true), 0);
	stray(guest);
	expect_called(guest);
}

static int run(void *arg)
{
	struct guest *guest = arg;

	/* Threads of the kernel hear none otherwise. */
	allow_signal(SIGKILL);
	return guest->call(guest);
}

static void wait_until_asleep(struct guest *guest, struct v3t_thread *thread)
{
	KUNIT_ASSERT_NOT_ERR_OR_NULL(guest->test, thread->task);
	KUNIT_EXPECT_TRUE(guest->test, v3t_thread_falls_asleep(thread));
}

/*
 * Kills the thread that makes @call, while it waits. Returns what the call of a process returned;
 * that of a driver goes on until @release.
 */
static int kill_in(struct guest *guest, int (*call)(struct guest *guest))
{
	struct kunit *test = guest->test;

	guest->call = call;
	v3t_thread_start(&guest->thread, run, guest);
	wait_until_asleep(guest, &guest->thread);
	send_sig(SIGKILL, guest->thread.task, 1);
	if (is_of_process(guest)) {
		KUNIT_EXPECT_TRUE(test, wait_for_completion_timeout(&guest->thread.done,
								    PATIENCE));
		KUNIT_EXPECT_FALSE(test, completion_done(&guest->release));
	} else {
		msleep(100);
		KUNIT_EXPECT_FALSE(test, completion_done(&guest->thread.done));
	}
	/* A case that goes wrong ends, too. */
	if (!completion_done(&guest->thread.done))
		complete_all(&guest->release);
	return v3t_thread_join(&guest->thread);
}

/* Takes everything back on a thread, which must wait for the handler or the callback. */
static int reclaim(struct guest *guest)
{
	v3c_reclaim(guest->owner, false);
	return 0;
}

static void expect_reclaim_waits(struct guest *guest)
{
	guest->call = reclaim;
	v3t_thread_start(&guest->thread, run, guest);
	wait_until_asleep(guest, &guest->thread);
	KUNIT_EXPECT_EQ(guest->test, devices_left(guest), 1);
	complete_all(&guest->release);
	KUNIT_EXPECT_EQ(guest->test, v3t_thread_join(&guest->thread), 0);
	KUNIT_EXPECT_EQ(guest->test, devices_left(guest), 0);
	/* Nothing keeps others from the device. */
	v3t_attach(guest->test, v3t_explicit(guest->test), v3t_device(guest->test, guest->pdo));
}

static int disable(struct guest *guest)
{
	return report(guest, false);
}

static void disabling_waits_for_the_handler(struct kunit *test)
{
	struct guest *guest = new_guest(test);

	hold_handler(guest);
	if (!is_of_process(guest)) {
		KUNIT_EXPECT_EQ(test, kill_in(guest, disable), 0);
		return;
	}
	KUNIT_EXPECT_EQ(test, kill_in(guest, disable), (int)V3C_REASON_KILLED);
	/* It is disabled, and whoever asks again waits again. */
	stray(guest);
	KUNIT_EXPECT_EQ(test, kill_in(guest, disable), (int)V3C_REASON_KILLED);
	complete_all(&guest->release);
	KUNIT_EXPECT_EQ(test, disable(guest), (int)V3C_REASON_NOT_ENABLED);
	KUNIT_EXPECT_EQ(test, guest->calls, 1);
}

static int delete_device(struct guest *guest)
{
	return V3T_V3(guest->test)->DeleteDevice(guest->device);
}

static void deleting_a_device_waits_for_the_handler(struct kunit *test)
{
	struct guest *guest = new_guest(test);
	NTSTATUS status;

	hold_handler(guest);
	EXPECT_V3(test, STATUS_SUCCESS, DetachDeviceEx, guest->device);
	status = kill_in(guest, delete_device);
	if (!is_of_process(guest)) {
		KUNIT_EXPECT_EQ(test, (u32)status, (u32)STATUS_SUCCESS);
		KUNIT_EXPECT_EQ(test, devices_left(guest), 0);
		return;
	}
	KUNIT_EXPECT_EQ(test, (u32)status, (u32)KILLED);
	EXPECT_V3(test, STATUS_INVALID_PARAMETER_1, DeleteDevice, guest->device);
	expect_reclaim_waits(guest);
}

static IOMMU_INTERFACE_STATE_CHANGE_FIELDS fields(void)
{
	return (IOMMU_INTERFACE_STATE_CHANGE_FIELDS) { .AvailableDomainTypes = 1 };
}

static int register_it(struct guest *guest)
{
	IOMMU_INTERFACE_STATE_CHANGE_FIELDS types = fields();

	return V3T_V3(guest->test)->RegisterInterfaceStateChangeCallback(call_back, guest,
									 guest->device, &types);
}

static int register_second(struct guest *guest)
{
	IOMMU_INTERFACE_STATE_CHANGE_FIELDS types = fields();

	return V3T_V3(guest->test)->RegisterInterfaceStateChangeCallback(call_back_second, guest,
									 guest->device, &types);
}

static int unregister(struct guest *guest)
{
	return V3T_V3(guest->test)->UnregisterInterfaceStateChangeCallback(call_back,
									   guest->device);
}

static int run_first(void *arg)
{
	return register_it(arg);
}

/* The callback is called by a registration, and does not return before the release. */
static void hold_callback(struct guest *guest)
{
	v3t_thread_start(&guest->first, run_first, guest);
	expect_called(guest);
}

static void join_first(struct guest *guest)
{
	complete_all(&guest->release);
	KUNIT_EXPECT_EQ(guest->test, (u32)v3t_thread_join(&guest->first), (u32)STATUS_SUCCESS);
}

static void ending_a_registration_waits_for_the_callback(struct kunit *test)
{
	struct guest *guest = new_guest(test);
	NTSTATUS status;

	hold_callback(guest);
	status = kill_in(guest, unregister);
	if (is_of_process(guest)) {
		KUNIT_EXPECT_EQ(test, (u32)status, (u32)KILLED);
		/* It has ended, and whoever asks again waits again. */
		KUNIT_EXPECT_EQ(test, (u32)kill_in(guest, unregister), (u32)KILLED);
		expect_reclaim_waits(guest);
		join_first(guest);
		return;
	}
	KUNIT_EXPECT_EQ(test, (u32)status, (u32)STATUS_SUCCESS);
	join_first(guest);
	EXPECT_V3(test, STATUS_UNSUCCESSFUL, UnregisterInterfaceStateChangeCallback, call_back,
		  guest->device);
}

static int unregister_ended(void *arg)
{
	return unregister(arg);
}

static void next_registration_waits_for_the_callback(struct kunit *test)
{
	struct guest *guest = new_guest(test);
	struct v3t_thread ending;
	NTSTATUS status;

	hold_callback(guest);
	v3t_thread_start(&ending, unregister_ended, guest);
	wait_until_asleep(guest, &ending);
	status = kill_in(guest, register_second);
	KUNIT_EXPECT_EQ(test, (u32)status, (u32)(is_of_process(guest) ? KILLED : STATUS_SUCCESS));
	join_first(guest);
	KUNIT_EXPECT_EQ(test, (u32)v3t_thread_join(&ending), (u32)STATUS_SUCCESS);
	/* Of the two registrations that one is left which was not killed. */
	EXPECT_V3(test, STATUS_SUCCESS, DetachDeviceEx, guest->device);
	if (!is_of_process(guest))
		EXPECT_V3(test, STATUS_SUCCESS, UnregisterInterfaceStateChangeCallback,
			  call_back_second, guest->device);
	EXPECT_V3(test, STATUS_SUCCESS, DeleteDevice, guest->device);
	KUNIT_EXPECT_EQ(test, devices_left(guest), 0);
}

/* Another registration, made by the callback itself, is no reason not to wait for the callback. */
static void ending_waits_beside_the_next_registration(struct kunit *test)
{
	struct guest *guest = new_guest(test);

	if (!is_of_process(guest))
		kunit_skip(test, "only a process ends a registration without a wait");
	guest->renews = true;
	hold_callback(guest);
	KUNIT_EXPECT_EQ(test, (u32)kill_in(guest, unregister), (u32)KILLED);
	complete(&guest->renew);
	expect_called(guest);
	KUNIT_EXPECT_EQ(test, (u32)kill_in(guest, unregister), (u32)KILLED);
	join_first(guest);
	EXPECT_V3(test, STATUS_UNSUCCESSFUL, UnregisterInterfaceStateChangeCallback, call_back,
		  guest->device);
	EXPECT_V3(test, STATUS_SUCCESS, UnregisterInterfaceStateChangeCallback, call_back_second,
		  guest->device);
}

static struct kunit_case wait_cases[] = {
	KUNIT_CASE_PARAM(disabling_waits_for_the_handler, owner_gen_params),
	KUNIT_CASE_PARAM(deleting_a_device_waits_for_the_handler, owner_gen_params),
	KUNIT_CASE_PARAM(ending_a_registration_waits_for_the_callback, owner_gen_params),
	KUNIT_CASE_PARAM(next_registration_waits_for_the_callback, owner_gen_params),
	KUNIT_CASE_PARAM(ending_waits_beside_the_next_registration, owner_gen_params),
	{}
};

static struct kunit_suite wait_suite = {
	.name = "v3compat_wait",
	.init = v3t_init,
	.exit = v3t_exit,
	.test_cases = wait_cases,
};

kunit_test_suites(&wait_suite);
