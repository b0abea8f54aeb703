// SPDX-License-Identifier: GPL-2.0
/*
 * The administrator's side of the DMA guard: the module parameters dma_guard and dma_guard_locked,
 * and whom a change waits for.
 */
#include <linux/kstrtox.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "core/guard.h"
#include "core/policy.h"
#include "core/watch.h"

/**
 * v3c_policy_set() - change which devices are guarded
 * @policy: a valid one
 *
 * Context: may sleep. Waits for the callbacks that this causes, except inside a callback.
 */
void v3c_policy_set(enum v3c_guard_policy policy)
{
	v3c_watch_wait(v3c_guard_change(&policy, NULL, false), TASK_UNINTERRUPTIBLE);
}

/* v3c_policy_set_locked() is v3c_policy_set() for the lock. */
void v3c_policy_set_locked(bool locked)
{
	v3c_watch_wait(v3c_guard_change(NULL, &locked, false), TASK_UNINTERRUPTIBLE);
}

static const char * const v3c_policy_names[] = {
	[V3C_GUARD_OFF] = "off",
	[V3C_GUARD_EXTERNAL] = "external",
	[V3C_GUARD_ALL] = "all",
};

/*
 * wait_as_writer() releases the lock of the module's parameters, because a callback may wait for a
 * program that looks at one of them. A signal ends the wait, because a callback may never return.
 */
static int wait_as_writer(u64 change)
{
	int ret;

	if (!change)
		return -EINTR;
	kernel_param_unlock(THIS_MODULE);
	ret = v3c_watch_wait(change, TASK_INTERRUPTIBLE);
	kernel_param_lock(THIS_MODULE);
	return ret;
}

static int write_policy(const char *value, const struct kernel_param *param)
{
	int match = sysfs_match_string(v3c_policy_names, value);
	enum v3c_guard_policy policy = match;

	return match < 0 ? match : wait_as_writer(v3c_guard_change(&policy, NULL, true));
}

static int get_policy(char *buffer, const struct kernel_param *param)
{
	enum v3c_guard_policy policy;
	bool locked;

	v3c_guard_get(&policy, &locked);
	return sysfs_emit(buffer, "%s\n", v3c_policy_names[policy]);
}

/*
 * v3c_policy_ops is also called while the module is not initialised yet, or not any more: then
 * nobody is registered.
 */
static const struct kernel_param_ops v3c_policy_ops = {
	.set = write_policy,
	.get = get_policy,
};
module_param_cb(dma_guard, &v3c_policy_ops, NULL, 0644);
MODULE_PARM_DESC(dma_guard,
		 "Devices that may not see all of memory: off, external (default) or all");

static int write_locked(const char *value, const struct kernel_param *param)
{
	bool locked = true;
	int ret = value ? kstrtobool(value, &locked) : 0;

	return ret ? ret : wait_as_writer(v3c_guard_change(NULL, &locked, true));
}

static int get_locked(char *buffer, const struct kernel_param *param)
{
	enum v3c_guard_policy policy;
	bool locked;

	v3c_guard_get(&policy, &locked);
	return sysfs_emit(buffer, "%c\n", locked ? 'Y' : 'N');
}

static const struct kernel_param_ops v3c_locked_ops = {
	.flags = KERNEL_PARAM_OPS_FL_NOARG,
	.set = write_locked,
	.get = get_locked,
};
module_param_cb(dma_guard_locked, &v3c_locked_ops, NULL, 0644);
MODULE_PARM_DESC(dma_guard_locked,
		 "Until it is false no device may see all of memory, unless dma_guard is off");
