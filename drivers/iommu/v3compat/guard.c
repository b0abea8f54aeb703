// SPDX-License-Identifier: GPL-2.0
/*
 * DMA guard: which domain types a device may use now, and who is told when that changes.
 *
 * Whatever the answer depends on counts as a change when it may have changed: the policy, removal of a
 * device, drivers of its group, our own hold on the group. One worker then asks again for every device
 * that somebody watches, and calls back where the answer is another one than last time.
 *
 * A callback runs with no lock held and is free to use the interface. Until it returns its device is
 * busy: nobody else calls back for it, deletes it, or returns from ending the registration.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/device.h>
#include <linux/kstrtox.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/sysfs.h>
#include <linux/workqueue.h>

#include "device.h"
#include "event.h"
#include "group.h"
#include "guard.h"
#include "trace.h"

/**
 * struct v3c_call - a callback that runs, on the stack of its caller
 * @entry: in the list of all, under v3c_topology
 * @device: whose it is
 * @task: who runs it
 * @told: count of changes that a callback of the device took account of before
 * @seen: count of changes that it takes account of
 */
struct v3c_call {
	struct list_head entry;
	const struct v3c_device *device;
	const struct task_struct *task;
	u64 told;
	u64 seen;
};

/* All of these under v3c_topology. */
static enum v3compat_guard v3c_policy = V3COMPAT_GUARD_EXTERNAL;
static bool v3c_locked;
static LIST_HEAD(v3c_watches);
static LIST_HEAD(v3c_calls);
static u64 v3c_changes;

/* Something ended that somebody may wait for. */
static V3C_EVENT(v3c_progress);

static struct workqueue_struct *v3c_guard_queue;

static void deliver_changes(struct work_struct *work);
static DECLARE_WORK(v3c_guard_work, deliver_changes);

/**
 * v3c_guard_allows_bypass() - whether a device may see all of memory now
 * @dev: the device
 *
 * By a PassThrough domain, or by an Unmanaged one without translation.
 *
 * Context: may sleep; under v3c_topology.
 * Return: true when the guard policy allows it to the device and to all members of its IOMMU group.
 */
bool v3c_guard_allows_bypass(struct device *dev)
{
	lockdep_assert_held(&v3c_topology);

	switch (v3c_policy) {
	case V3COMPAT_GUARD_OFF:
		return true;
	case V3COMPAT_GUARD_EXTERNAL:
		return !v3c_locked && !v3c_group_is_external(dev);
	default:
		return false;
	}
}

/* Whether there could be a device that may attach to a domain of the type. */
bool v3c_guard_allows_any(IOMMU_DMA_DOMAIN_TYPE type)
{
	lockdep_assert_held(&v3c_topology);

	return type != DomainTypePassThrough || v3c_policy == V3COMPAT_GUARD_OFF ||
	       (v3c_policy == V3COMPAT_GUARD_EXTERNAL && !v3c_locked);
}

/**
 * v3c_guard_domain_types() - what a device may attach to now
 * @device: the device
 *
 * Context: may sleep; under v3c_topology.
 * Return: a bit per IOMMU_DMA_DOMAIN_TYPE; none for a device that is gone, or whose group an ordinary
 * driver of another member uses.
 */
ULONG v3c_guard_domain_types(const struct v3c_device *device)
{
	ULONG types = BIT(DomainTypeTranslate) | BIT(DomainTypeUnmanaged);

	lockdep_assert_held(&v3c_topology);

	if (v3c_device_is_gone(device) || v3c_group_is_foreign(device->pdo))
		return 0;
	if (v3c_guard_allows_bypass(device->pdo))
		types |= BIT(DomainTypePassThrough);
	if (device->first_stage)
		types |= BIT(DomainTypeTranslateS1);
	return types;
}

/**
 * v3c_guard_check() - whether a device may be attached to a domain now
 * @device: alive
 * @type: of the domain
 * @why: filled on refusal
 *
 * Context: may sleep; under v3c_topology.
 * Return: STATUS_SUCCESS or STATUS_ACCESS_DENIED.
 */
NTSTATUS v3c_guard_check(const struct v3c_device *device, IOMMU_DMA_DOMAIN_TYPE type,
			 struct v3c_why *why)
{
	ULONG types = v3c_guard_domain_types(device);

	if (types & BIT(type))
		return STATUS_SUCCESS;
	return v3c_refuse(why, STATUS_ACCESS_DENIED,
			  types ? V3C_REASON_NOT_AVAILABLE : V3C_REASON_GROUP_BUSY, device, type,
			  types);
}

static bool is_busy(const struct v3c_device *device)
{
	struct v3c_call *call;

	lockdep_assert_held(&v3c_topology);

	list_for_each_entry(call, &v3c_calls, entry)
		if (call->device == device)
			return true;
	return false;
}

/* A task that waited for what itself is in the middle of would wait for ever. */
static bool is_busy_elsewhere(const struct v3c_device *device)
{
	struct v3c_call *call;

	lockdep_assert_held(&v3c_topology);

	list_for_each_entry(call, &v3c_calls, entry)
		if (call->device == device && call->task != current)
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

static void start_delivery(void)
{
	lockdep_assert_held(&v3c_topology);

	/* Nobody can register before the queue is there, nor when it is gone. */
	if (!list_empty(&v3c_watches))
		queue_work(v3c_guard_queue, &v3c_guard_work);
}

/**
 * v3c_guard_changed() - something changed that the domain types of a device may depend on
 *
 * Context: under v3c_topology. Callbacks are made later, by the worker.
 */
void v3c_guard_changed(void)
{
	lockdep_assert_held(&v3c_topology);

	v3c_changes++;
	start_delivery();
}

/* Calls back, with v3c_topology released meanwhile. */
static void call_back(struct v3c_device *device, ULONG types)
{
	struct v3c_watch *watch = &device->watch;
	PIOMMU_INTERFACE_STATE_CHANGE_CALLBACK callback = watch->callback;
	struct v3c_call call = {
		.device = device, .task = current, .told = watch->seen, .seen = v3c_changes,
	};
	IOMMU_INTERFACE_STATE_CHANGE change = {
		.PresentFields.AvailableDomainTypes = 1,
		.AvailableDomainTypes = types,
	};
	void *context = watch->context;

	watch->types = types;
	list_add(&call.entry, &v3c_calls);
	trace_v3compat_state_change(device, types);
	mutex_unlock(&v3c_topology);
	callback(&change, context);
	mutex_lock(&v3c_topology);
	list_del(&call.entry);
	/* A registration that was made inside knows better. */
	watch->seen = max(watch->seen, call.seen);
	v3c_event_happened(&v3c_progress);
}

/* A device whose watcher must be called, and with what; whoever sees no difference is up to date. */
static struct v3c_device *next_to_call(ULONG *types)
{
	struct v3c_device *device;

	lockdep_assert_held(&v3c_topology);

	list_for_each_entry(device, &v3c_watches, watch.entry) {
		if (device->watch.seen == v3c_changes || is_busy(device))
			continue;
		*types = v3c_guard_domain_types(device);
		if (*types != device->watch.types)
			return device;
		device->watch.seen = v3c_changes;
	}
	return NULL;
}

/* A device that is busy now is left to whoever keeps it so, who starts another delivery. */
static void deliver_changes(struct work_struct *work)
{
	struct v3c_device *device;
	ULONG types;

	guard(mutex)(&v3c_topology);
	while ((device = next_to_call(&types))) {
		/* A callback that changes the policy each time must not keep the others waiting. */
		list_move_tail(&device->watch.entry, &v3c_watches);
		call_back(device, types);
	}
	v3c_event_happened(&v3c_progress);
}

/**
 * v3c_guard_watch() - register a callback, and make its first call
 * @device: the device; can have one
 * @callback: to be called, without a lock, whenever the domain types of @device change
 * @context: for @callback
 * @why: filled on refusal
 *
 * Context: may sleep.
 * Return: status of RegisterInterfaceStateChangeCallback, see wdm.h.
 */
NTSTATUS v3c_guard_watch(struct v3c_device *device, PIOMMU_INTERFACE_STATE_CHANGE_CALLBACK callback,
			 void *context, struct v3c_why *why)
{
	struct v3c_watch *watch = &device->watch;

	guard(mutex)(&v3c_topology);
	for (;;) {
		if (!v3c_handle_is(device, V3C_KIND_DEVICE))
			return v3c_refuse(why, STATUS_INVALID_PARAMETER_3, V3C_REASON_BAD_HANDLE,
					  device, 0, 0);
		if (v3c_device_is_gone(device))
			return v3c_refuse(why, STATUS_INVALID_PARAMETER_3, V3C_REASON_DEVICE_GONE,
					  device, 0, 0);
		if (watch->callback)
			return v3c_refuse(why, STATUS_UNSUCCESSFUL, V3C_REASON_REGISTERED, device,
					  0, 0);
		/* The callback of a registration that has ended may still run. */
		if (!is_busy_elsewhere(device))
			break;
		v3c_event_wait(&v3c_progress, TASK_UNINTERRUPTIBLE);
	}
	watch->callback = callback;
	watch->context = context;
	list_add_tail(&watch->entry, &v3c_watches);
	call_back(device, v3c_guard_domain_types(device));
	if (watch->callback && watch->seen != v3c_changes)
		start_delivery();
	return STATUS_SUCCESS;
}

static void forget(struct v3c_watch *watch)
{
	lockdep_assert_held(&v3c_topology);

	watch->callback = NULL;
	list_del_init(&watch->entry);
	/* Nobody need wait any more until it has seen a change. */
	v3c_event_happened(&v3c_progress);
}

/**
 * v3c_guard_unwatch() - end a registration
 * @device: the device; may have been removed from the system
 * @callback: as registered; not called any more, and does not run any more, except for the caller
 * @why: filled on refusal
 *
 * Context: may sleep.
 * Return: status of UnregisterInterfaceStateChangeCallback, see wdm.h.
 */
NTSTATUS v3c_guard_unwatch(struct v3c_device *device,
			   PIOMMU_INTERFACE_STATE_CHANGE_CALLBACK callback, struct v3c_why *why)
{
	guard(mutex)(&v3c_topology);
	if (!v3c_handle_is(device, V3C_KIND_DEVICE))
		return v3c_refuse(why, STATUS_INVALID_PARAMETER_2, V3C_REASON_BAD_HANDLE, device, 0, 0);
	if (device->watch.callback != callback)
		return v3c_refuse(why, STATUS_UNSUCCESSFUL, V3C_REASON_NOT_REGISTERED, device, 0, 0);
	forget(&device->watch);
	while (is_busy_elsewhere(device))
		v3c_event_wait(&v3c_progress, TASK_UNINTERRUPTIBLE);
	return STATUS_SUCCESS;
}

/* Whether a registration or a callback of it still needs the device. */
bool v3c_guard_is_watched(struct v3c_device *device)
{
	return device->watch.callback || is_busy(device);
}

/*
 * Ends a registration that nobody answers for any more: the callback may be about to leave the kernel
 * with its module. Nothing is waited for, since the callback may want a lock that the caller holds.
 */
void v3c_guard_abandon(struct v3c_device *device)
{
	lockdep_assert_held(&v3c_topology);

	if (!device->watch.callback)
		return;
	dev_warn(device->pdo, "device %u was left with a state-change callback\n",
		 device->handle.serial);
	forget(&device->watch);
}

/*
 * A callback that runs may have ended its registration. One that the change did not cause is not waited
 * for: there may always be another one.
 */
static bool all_have_seen(u64 change)
{
	struct v3c_device *device;
	struct v3c_call *call;

	list_for_each_entry(call, &v3c_calls, entry)
		if (call->told < change && call->seen >= change)
			return false;
	list_for_each_entry(device, &v3c_watches, watch.entry)
		if (device->watch.seen < change)
			return false;
	return true;
}

/* In force when this returns; which change it was. What is NULL stays as it is. */
static u64 change_guard(const enum v3compat_guard *policy, const bool *locked)
{
	guard(mutex)(&v3c_topology);
	if (policy)
		WRITE_ONCE(v3c_policy, *policy);
	if (locked)
		WRITE_ONCE(v3c_locked, *locked);
	v3c_guard_changed();
	return v3c_changes;
}

/* Until the callbacks that the change causes have returned, except inside one. */
static int wait_for_callbacks(u64 change, unsigned int state)
{
	int ret = 0;

	guard(mutex)(&v3c_topology);
	while (!ret && !is_inside_callback() && !all_have_seen(change))
		ret = v3c_event_wait(&v3c_progress, state);
	return ret ? -EINTR : 0;
}

/**
 * v3c_guard_set_policy() - change which devices are guarded
 * @policy: a valid one
 *
 * Context: may sleep. Waits for the callbacks that this causes, except inside a callback.
 */
void v3c_guard_set_policy(enum v3compat_guard policy)
{
	wait_for_callbacks(change_guard(&policy, NULL), TASK_UNINTERRUPTIBLE);
}

/* The same for the lock. */
void v3c_guard_set_locked(bool locked)
{
	wait_for_callbacks(change_guard(NULL, &locked), TASK_UNINTERRUPTIBLE);
}

void v3c_guard_get(enum v3compat_guard *policy, bool *locked)
{
	guard(mutex)(&v3c_topology);
	*policy = v3c_policy;
	*locked = v3c_locked;
}

static const char * const v3c_policy_names[] = {
	[V3COMPAT_GUARD_OFF] = "off",
	[V3COMPAT_GUARD_EXTERNAL] = "external",
	[V3COMPAT_GUARD_ALL] = "all",
};

/*
 * A callback may wait for a program that looks at the parameters of the module, and may never return:
 * their lock is released, as all of them are under it, and a signal ends the wait.
 */
static int wait_as_writer(u64 change)
{
	int ret;

	kernel_param_unlock(THIS_MODULE);
	ret = wait_for_callbacks(change, TASK_INTERRUPTIBLE);
	kernel_param_lock(THIS_MODULE);
	return ret;
}

static int write_policy(const char *value, const struct kernel_param *param)
{
	int match = sysfs_match_string(v3c_policy_names, value);
	enum v3compat_guard policy = match;

	return match < 0 ? match : wait_as_writer(change_guard(&policy, NULL));
}

static int get_policy(char *buffer, const struct kernel_param *param)
{
	return sysfs_emit(buffer, "%s\n", v3c_policy_names[READ_ONCE(v3c_policy)]);
}

/* Also called while the module is not initialised yet, or not any more: then nobody is registered. */
static const struct kernel_param_ops v3c_policy_ops = {
	.set = write_policy,
	.get = get_policy,
};
module_param_cb(dma_guard, &v3c_policy_ops, NULL, 0644);
MODULE_PARM_DESC(dma_guard, "Devices that may not see all of memory: off, external (default) or all");

static int write_locked(const char *value, const struct kernel_param *param)
{
	bool locked = true;
	int ret = value ? kstrtobool(value, &locked) : 0;

	return ret ? ret : wait_as_writer(change_guard(NULL, &locked));
}

static int get_locked(char *buffer, const struct kernel_param *param)
{
	return sysfs_emit(buffer, "%c\n", READ_ONCE(v3c_locked) ? 'Y' : 'N');
}

static const struct kernel_param_ops v3c_locked_ops = {
	.flags = KERNEL_PARAM_OPS_FL_NOARG,
	.set = write_locked,
	.get = get_locked,
};
module_param_cb(dma_guard_locked, &v3c_locked_ops, NULL, 0644);
MODULE_PARM_DESC(dma_guard_locked, "Until it is false no device may see all of memory, unless dma_guard is off");

int v3c_guard_module_init(void)
{
	v3c_guard_queue = alloc_ordered_workqueue("v3compat_guard", 0);
	return v3c_guard_queue ? 0 : -ENOMEM;
}

/* Ends what was leaked, by name. */
void v3c_guard_module_exit(void)
{
	struct v3c_device *device, *next;

	scoped_guard(mutex, &v3c_topology) {
		list_for_each_entry_safe(device, next, &v3c_watches, watch.entry)
			v3c_guard_abandon(device);
	}
	destroy_workqueue(v3c_guard_queue);
}
