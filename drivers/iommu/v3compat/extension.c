// SPDX-License-Identifier: GPL-2.0
/*
 * What <linux/v3compat.h> offers beyond the tables of Windows.
 */
#include <linux/kernel.h>
#include <linux/v3compat.h>

#include <v3compat/kcompat.h>

#include "guard.h"

/**
 * v3compat_set_guard() - set which devices may not see all of memory
 * @policy: which are guarded
 * @locked: whether every device is, unless @policy is %V3COMPAT_GUARD_OFF
 *
 * Governs which attachments are allowed from now on; one that was allowed before stays. When it
 * returns, every state-change callback that it causes has run, unless it was called inside one.
 *
 * Context: process context, may sleep; may be called inside a state-change callback, not while holding
 * what such a callback may want to lock.
 * Return: 0, or -EINVAL when there is no such policy.
 */
int v3compat_set_guard(enum v3compat_guard policy, bool locked)
{
	might_sleep();
	if ((unsigned int)policy > V3COMPAT_GUARD_ALL)
		return -EINVAL;
	v3c_guard_set(&policy, &locked);
	return 0;
}
V3C_EXPORT_NS_GPL(v3compat_set_guard, V3COMPAT);

/**
 * v3compat_get_guard() - what v3compat_set_guard() or the administrator set last
 * @policy: result
 * @locked: result
 *
 * Context: process context, may sleep.
 */
void v3compat_get_guard(enum v3compat_guard *policy, bool *locked)
{
	might_sleep();
	v3c_guard_get(policy, locked);
}
V3C_EXPORT_NS_GPL(v3compat_get_guard, V3COMPAT);
