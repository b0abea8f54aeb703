// SPDX-License-Identifier: GPL-2.0
/*
 * The DMA guard (v3c_policy): which devices may see all of memory.
 */
#include <linux/compiler.h>

#include "base/topology.h"
#include "core/group.h"
#include "core/guard.h"

/* v3c_policy and v3c_locked are written, and decided by, under v3c_topology. */
static enum v3c_guard_policy v3c_policy = V3C_GUARD_EXTERNAL;
static bool v3c_locked;

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
	case V3C_GUARD_OFF:
		return true;
	case V3C_GUARD_EXTERNAL:
		return !v3c_locked && !v3c_group_is_external(dev);
	default:
		return false;
	}
}

/* v3c_guard_allows_any(): there could be a device that may attach to a domain of this type. */
bool v3c_guard_allows_any(enum v3c_domain_type type)
{
	lockdep_assert_held(&v3c_topology);

	return type != V3C_DOMAIN_PASSTHROUGH || v3c_policy == V3C_GUARD_OFF ||
	       (v3c_policy == V3C_GUARD_EXTERNAL && !v3c_locked);
}

/**
 * v3c_guard_change() - change which devices are guarded
 * @policy: a valid one, or NULL for no change
 * @locked: or NULL, likewise
 * @killable: a signal that kills the caller ends the wait for v3c_topology
 *
 * Context: may sleep; without v3c_topology.
 * Return: the change, which is in force, see v3c_topology_changed(); or 0, which is none, with
 * nothing changed, when the caller was killed.
 */
u64 v3c_guard_change(const enum v3c_guard_policy *policy, const bool *locked, bool killable)
{
	u64 change;

	if (!killable)
		mutex_lock(&v3c_topology);
	else if (mutex_lock_killable(&v3c_topology))
		return 0;
	if (policy)
		WRITE_ONCE(v3c_policy, *policy);
	if (locked)
		WRITE_ONCE(v3c_locked, *locked);
	change = v3c_topology_changed();
	mutex_unlock(&v3c_topology);
	return change;
}

/* v3c_guard_get() takes no lock, so that nobody who only looks waits for v3c_topology. */
void v3c_guard_get(enum v3c_guard_policy *policy, bool *locked)
{
	*policy = READ_ONCE(v3c_policy);
	*locked = READ_ONCE(v3c_locked);
}
