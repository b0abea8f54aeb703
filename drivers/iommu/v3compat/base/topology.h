/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_TOPOLOGY_H
#define V3COMPAT_TOPOLOGY_H

#include <linux/mutex.h>
#include <linux/types.h>

/*
 * v3c_topology protects devices, groups and who is attached to what. No device behind an IOMMU is
 * removed while it is held, because the bus notifier takes it. Unbinding the driver of the IOMMU
 * itself is the exception: that frees what the core keeps for each device behind it without waiting
 * for anything, so it must not be done to an IOMMU in use.
 *
 * v3c_topology is taken inside a domain's mutex and outside every other lock. It is released for
 * whatever may wait for a process or for a callback, see group.c.
 */
extern struct mutex v3c_topology;

u64 v3c_topology_changed(void);
u64 v3c_topology_changes(void);
void v3c_topology_on_change(void (*hook)(void));

#endif
