/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_TOPOLOGY_H
#define V3COMPAT_TOPOLOGY_H

#include <linux/mutex.h>
#include <linux/types.h>

/*
 * v3c_topology protects devices, groups and who is attached to what. While it is held no device behind an
 * IOMMU is removed, because the bus notifier waits for it. Nothing waits for it where the driver of the
 * IOMMU itself is unbound, which frees what the core keeps for each device behind it: nobody may do that
 * to an IOMMU in use. Inside a domain's mutex, outside everything else. What may wait for a process or for
 * a callback is done with v3c_topology released, see group.c.
 */
extern struct mutex v3c_topology;

u64 v3c_topology_changed(void);
u64 v3c_topology_changes(void);
void v3c_topology_on_change(void (*hook)(void));

#endif
