// SPDX-License-Identifier: GPL-2.0
/*
 * The DMA guard, for who may set it.
 */
#include <linux/capability.h>
#include <linux/sched.h>

#include "base/types.h"
#include "core/guard.h"
#include "core/watch.h"
#include "user/call.h"
#include "user/commands.h"

static_assert((int)V3COMPAT_GUARD_POLICY_OFF == V3C_GUARD_OFF);
static_assert((int)V3COMPAT_GUARD_POLICY_EXTERNAL == V3C_GUARD_EXTERNAL);
static_assert((int)V3COMPAT_GUARD_POLICY_ALL == V3C_GUARD_ALL);

#define V3U_GUARD_FLAGS		(V3COMPAT_GUARD_SET_POLICY | V3COMPAT_GUARD_SET_LOCKED)

enum v3c_reason v3u_guard_query(struct v3u_call *call)
{
	struct v3compat_guard_state *arg = call->arg;
	enum v3c_reason reason = v3u_check_flags(call, arg->flags, 0);
	enum v3c_guard_policy policy;
	bool locked;

	if (reason)
		return reason;
	v3c_guard_get(&policy, &locked);
	arg->policy = policy;
	arg->locked = locked;
	return v3u_call_answer(call);
}

/* check_value() refuses a value above @max, and one that is not to be set and not 0. */
static enum v3c_reason check_value(struct v3u_call *call, u32 flag, u32 value, u32 max)
{
	const struct v3compat_guard_state *arg = call->arg;

	if (!(arg->flags & flag))
		return v3u_check_reserved(call, value);
	if (value > max)
		return v3u_refuse(call, V3C_REASON_BAD_ENUM, V3C_PARAM_GUARD, value, max + 1);
	return 0;
}

static enum v3c_reason check_set(struct v3u_call *call, const struct v3compat_guard_state *arg)
{
	enum v3c_reason reason = v3u_check_flags(call, arg->flags, V3U_GUARD_FLAGS);

	if (reason)
		return reason;
	if (!arg->flags)
		return v3u_refuse(call, V3C_REASON_BAD_CONFIG, V3C_PARAM_FLAGS, 0,
				  V3U_GUARD_FLAGS);
	reason = check_value(call, V3COMPAT_GUARD_SET_POLICY, arg->policy,
			     V3COMPAT_GUARD_POLICY_ALL) ?:
		 check_value(call, V3COMPAT_GUARD_SET_LOCKED, arg->locked, 1);
	if (reason)
		return reason;
	/* Whoever opened the file does not count, as for v3u_check_rawio(). */
	if (!capable(CAP_SYS_ADMIN))
		return v3u_refuse(call, V3C_REASON_PRIVILEGE, V3C_PARAM_NONE, CAP_SYS_ADMIN, 0);
	return 0;
}

enum v3c_reason v3u_guard_set(struct v3u_call *call)
{
	const struct v3compat_guard_state *arg = call->arg;
	enum v3c_reason reason = check_set(call, arg);
	enum v3c_guard_policy policy = arg->policy;
	bool locked = arg->locked;
	u64 change;

	if (reason)
		return reason;
	change = v3c_guard_change(arg->flags & V3COMPAT_GUARD_SET_POLICY ? &policy : NULL,
				  arg->flags & V3COMPAT_GUARD_SET_LOCKED ? &locked : NULL, true);
	if (!change || v3c_watch_wait(change, TASK_KILLABLE))
		return v3u_refuse(call, V3C_REASON_KILLED, V3C_PARAM_NONE, 0, 0);
	return 0;
}
