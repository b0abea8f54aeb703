// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: State-change callbacks
 *
 * v3c_watch_begin() says who is told when the domain types that a device may use change.
 *
 * Whatever v3c_device_types() depends on counts as a change when it may have changed: the policy,
 * removal of a device, drivers of its group, our own hold on the group. One worker then asks again
 * for every device that somebody watches, and calls back where the answer is another one than last
 * time.
 *
 * A callback runs with no lock held and is free to use the interface. Until it returns its device
 * is busy: nobody else calls back for it or deletes it, and v3c_watch_end() waits, unless the call
 * of a process is killed.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/device.h>
#include <linux/sched.h>
#include <linux/workqueue.h>

#include "base/event.h"
#include "base/topology.h"
#include "base/trace.h"
#include "core/device.h"
#include "core/watch.h"

/**
 * struct v3c_call - a callback that runs, on the stack of its caller
 * @entry: in the list of all, under v3c_topology
 * @device: whose it is
 * @callback: what runs, see &struct v3c_watcher
 * @number: counts calls
 * @task: who runs it
 * @told: count of changes that a callback of the device took account of before
 * @seen: count of changes that it takes account of
 */
struct v3c_call {
	struct list_head entry;
	const struct v3c_device *device;
	void (*callback)(void);
	u64 number;
	const struct task_struct *task;
	u64 told;
	u64 seen;
};

/* v3c_watches, v3c_calls and v3c_last_call, the newest number, are under v3c_topology. */
static LIST_HEAD(v3c_watches);
static LIST_HEAD(v3c_calls);
static u64 v3c_last_call;

/* v3c_progress happens when something has ended that may be waited for. */
static V3C_EVENT(v3c_progress);

static struct workqueue_struct *v3c_watch_queue;

static void deliver_changes(struct work_struct *work);
static DECLARE_WORK(v3c_watch_work, deliver_changes);

/* is_busy_elsewhere() leaves out the current task, which would wait for itself for ever. */
static bool is_busy_elsewhere(const struct v3c_device *device)
{
	struct v3c_call *call;

	lockdep_assert_held(&v3c_topology);

	list_for_each_entry(call, &v3c_calls, entry)
		if (call->device == device && call->task != current)
			return true;
	return false;
}

/* runs_elsewhere(): a call of @callback that had begun before call @last runs in another task. */
static bool runs_elsewhere(const struct v3c_device *device, void (*callback)(void), u64 last)
{
	struct v3c_call *call;

	lockdep_assert_held(&v3c_topology);

	list_for_each_entry(call, &v3c_calls, entry)
		if (call->device == device && call->callback == callback &&
		    call->number <= last && call->task != current)
			return true;
	return false;
}

static bool is_inside_callback(void)
{
	struct v3c_call *call;

	lockdep_assert_held(&v3c_topology);

	list_for_each_entry(call, &v3c_calls, entry)
		if (call->task == current)
			return true;
	return false;
}

/* start_delivery() is called for each change, under v3c_topology. */
static void start_delivery(void)
{
	lockdep_assert_held(&v3c_topology);

	if (!list_empty(&v3c_watches))
		queue_work(v3c_watch_queue, &v3c_watch_work);
}

/* call_back() calls the watcher, with v3c_topology released meanwhile. */
static void call_back(struct v3c_device *device, u32 types)
{
	struct v3c_watch *watch = &device->watch;
	struct v3c_watcher watcher = watch->watcher;
	struct v3c_call call = {
		.device = device,
		.callback = watcher.callback,
		.number = ++v3c_last_call,
		.task = current,
		.told = watch->seen,
		.seen = v3c_topology_changes(),
	};

	watch->types = types;
	list_add(&call.entry, &v3c_calls);
	watch->calls++;
	trace_v3compat_state_change(device, types);
	mutex_unlock(&v3c_topology);
	watcher.tell(&watcher, types);
	mutex_lock(&v3c_topology);
	list_del(&call.entry);
	watch->calls--;
	/* watch->seen may be newer already, by a registration that was made inside the callback. */
	watch->seen = max(watch->seen, call.seen);
	v3c_event_happened(&v3c_progress);
}

/*
 * next_to_call() finds a device whose watcher must be called, and with what (@types). Watchers for
 * whom nothing is different are marked as up to date.
 */
static struct v3c_device *next_to_call(u32 *types)
{
	struct v3c_device *device;

	lockdep_assert_held(&v3c_topology);

	list_for_each_entry(device, &v3c_watches, watch.entry) {
		if (device->watch.seen == v3c_topology_changes() || device->watch.calls)
			continue;
		*types = v3c_device_types(device);
		if (*types != device->watch.types)
			return device;
		device->watch.seen = v3c_topology_changes();
	}
	return NULL;
}

/* deliver_changes() skips busy devices: whoever keeps one so starts another delivery. */
static void deliver_changes(struct work_struct *work)
{
	struct v3c_device *device;
	u32 types;

	guard(mutex)(&v3c_topology);
	while ((device = next_to_call(&types))) {
		/*
		 * @device goes to the end, because a callback that changes the policy each time
		 * must not keep the others waiting.
		 */
		list_move_tail(&device->watch.entry, &v3c_watches);
		call_back(device, types);
	}
	v3c_event_happened(&v3c_progress);
}

/**
 * v3c_watch_begin() - register a callback, and make its first call
 * @device: the device; can have one
 * @watcher: whom to tell whenever the domain types of @device change
 * @why: filled on refusal
 *
 * Context: may sleep.
 * Return: 0, %V3C_REASON_BAD_HANDLE, %V3C_REASON_DEVICE_GONE or %V3C_REASON_REGISTERED; or
 * %V3C_REASON_KILLED with nothing registered.
 */
enum v3c_reason v3c_watch_begin(struct v3c_device *device, const struct v3c_watcher *watcher,
				struct v3c_why *why)
{
	struct v3c_watch *watch = &device->watch;

	guard(mutex)(&v3c_topology);
	for (;;) {
		if (!v3c_handle_is(device, V3C_KIND_DEVICE))
			return v3c_refuse(why, V3C_REASON_BAD_HANDLE, V3C_PARAM_DEVICE, NULL, 0,
					  0);
		if (v3c_device_is_gone(device))
			return v3c_refuse(why, V3C_REASON_DEVICE_GONE, V3C_PARAM_DEVICE, device,
					  0, 0);
		if (watch->watcher.callback)
			return v3c_refuse(why, V3C_REASON_REGISTERED, V3C_PARAM_DEVICE, device, 0,
					  0);
		/* is_busy_elsewhere(): the callback of an ended registration may still run. */
		if (!is_busy_elsewhere(device))
			break;
		if (v3c_event_wait(&v3c_progress, v3c_handle_wait_state(device)))
			return v3c_refuse_errno(why, -EINTR, V3C_PARAM_NONE, device, 0, 0);
	}
	watch->watcher = *watcher;
	list_add_tail(&watch->entry, &v3c_watches);
	call_back(device, v3c_device_types(device));
	if (watch->watcher.callback && watch->seen != v3c_topology_changes())
		start_delivery();
	return 0;
}

static void drop_watch(struct v3c_watch *watch)
{
	lockdep_assert_held(&v3c_topology);

	watch->watcher.callback = NULL;
	list_del_init(&watch->entry);
	/* v3c_watch_wait() need not wait for @watch any more. */
	v3c_event_happened(&v3c_progress);
}

/**
 * v3c_watch_wait_device() - wait until no callback for a device is running, except for the caller's
 * @device: watched by nobody
 * @state: TASK_UNINTERRUPTIBLE, or which signals end the wait
 *
 * Context: may sleep; under v3c_topology, which is released meanwhile.
 * Return: 0 or -EINTR.
 */
int v3c_watch_wait_device(const struct v3c_device *device, unsigned int state)
{
	int ret = 0;

	while (!ret && is_busy_elsewhere(device))
		ret = v3c_event_wait(&v3c_progress, state);
	return ret ? -EINTR : 0;
}

/**
 * v3c_watch_end() - end a registration
 * @device: the device; may have been removed from the system
 * @callback: as registered; not called any more, and does not run any more, except for the caller
 *	and with %V3C_REASON_KILLED
 * @why: filled on refusal
 *
 * Context: may sleep.
 * Return: 0, %V3C_REASON_BAD_HANDLE or %V3C_REASON_NOT_REGISTERED; or %V3C_REASON_KILLED with the
 * registration ended, while @callback may still be running.
 */
enum v3c_reason v3c_watch_end(struct v3c_device *device, void (*callback)(void),
			      struct v3c_why *why)
{
	unsigned int state;
	bool registered;
	u64 last;

	guard(mutex)(&v3c_topology);
	if (!v3c_handle_is(device, V3C_KIND_DEVICE))
		return v3c_refuse(why, V3C_REASON_BAD_HANDLE, V3C_PARAM_DEVICE, NULL, 0, 0);
	registered = device->watch.watcher.callback == callback;
	if (registered)
		drop_watch(&device->watch);
	/*
	 * Also where another one has ended the registration: v3c_watch_abandon() has not waited,
	 * nor has a process that was killed, but who asks may be about to free the callback. Calls
	 * of a later registration are not waited for, because they may wait for the caller.
	 */
	last = v3c_last_call;
	state = v3c_handle_wait_state(device);
	while (runs_elsewhere(device, callback, last))
		if (v3c_event_wait(&v3c_progress, state))
			return v3c_refuse_errno(why, -EINTR, V3C_PARAM_NONE, device, 0, 0);
	if (registered)
		return 0;
	return v3c_refuse(why, V3C_REASON_NOT_REGISTERED, V3C_PARAM_CALLBACK, device, 0, 0);
}

/*
 * v3c_watch_abandon() ends a registration that nobody answers for any more: the callback may be
 * about to leave the kernel with its module. Nothing is waited for, because the callback may want a
 * lock that the caller holds.
 */
void v3c_watch_abandon(struct v3c_device *device, bool loud)
{
	lockdep_assert_held(&v3c_topology);

	if (!device->watch.watcher.callback)
		return;
	if (loud)
		dev_warn(device->pdo, "device %u was left with a state-change callback\n",
			 device->handle.serial);
	drop_watch(&device->watch);
}

/*
 * all_have_seen() looks at v3c_calls, too, because a callback that runs may have ended its
 * registration. Only callbacks that the change caused count (told < change <= seen), because
 * otherwise the wait might never end.
 */
static bool all_have_seen(u64 change)
{
	struct v3c_device *device;
	struct v3c_call *call;

	lockdep_assert_held(&v3c_topology);

	list_for_each_entry(call, &v3c_calls, entry)
		if (call->told < change && call->seen >= change)
			return false;
	list_for_each_entry(device, &v3c_watches, watch.entry)
		if (device->watch.seen < change)
			return false;
	return true;
}

/**
 * v3c_watch_wait() - wait until the callbacks that a change causes have returned
 * @change: see v3c_topology_changed()
 * @state: TASK_UNINTERRUPTIBLE, or which signals end the wait
 *
 * Context: may sleep; without v3c_topology. Inside a callback nothing is waited for.
 * Return: 0 or -EINTR.
 */
int v3c_watch_wait(u64 change, unsigned int state)
{
	int ret = 0;

	guard(mutex)(&v3c_topology);
	while (!ret && !is_inside_callback() && !all_have_seen(change))
		ret = v3c_event_wait(&v3c_progress, state);
	return ret ? -EINTR : 0;
}

int v3c_watch_module_init(void)
{
	v3c_watch_queue = alloc_ordered_workqueue("v3compat_guard", 0);
	if (!v3c_watch_queue)
		return -ENOMEM;
	v3c_topology_on_change(start_delivery);
	return 0;
}

/* v3c_watch_module_exit() ends the registrations that were leaked, and names them in the log. */
void v3c_watch_module_exit(void)
{
	struct v3c_device *device, *next;

	scoped_guard(mutex, &v3c_topology) {
		list_for_each_entry_safe(device, next, &v3c_watches, watch.entry)
			v3c_watch_abandon(device, true);
	}
	v3c_topology_on_change(NULL);
	destroy_workqueue(v3c_watch_queue);
}
