// SPDX-License-Identifier: GPL-2.0
/*
 * v3c_topology, the lock of devices and groups that come and go, and v3c_changes, the count of
 * changes.
 */
#include <linux/lockdep.h>

#include "base/topology.h"

DEFINE_MUTEX(v3c_topology);

/* v3c_changes counts what the domain types of a device may depend on; under v3c_topology. */
static u64 v3c_changes;

/* v3c_change_hook is told of each change, or NULL; under v3c_topology. */
static void (*v3c_change_hook)(void);

/**
 * v3c_topology_changed() - something changed that the domain types of a device may depend on
 *
 * Context: under v3c_topology, as is the hook.
 * Return: which change it was, counted from 1.
 */
u64 v3c_topology_changed(void)
{
	lockdep_assert_held(&v3c_topology);

	v3c_changes++;
	if (v3c_change_hook)
		v3c_change_hook();
	return v3c_changes;
}

/*
 * Number of the last change, as v3c_topology_changed() returned it; 0 before the first. Under
 * v3c_topology.
 */
u64 v3c_topology_changes(void)
{
	lockdep_assert_held(&v3c_topology);

	return v3c_changes;
}

/**
 * v3c_topology_on_change() - have a function called for each change
 * @hook: called under v3c_topology, or NULL for none any more
 *
 * Context: may sleep; without v3c_topology.
 */
void v3c_topology_on_change(void (*hook)(void))
{
	guard(mutex)(&v3c_topology);
	v3c_change_hook = hook;
}
