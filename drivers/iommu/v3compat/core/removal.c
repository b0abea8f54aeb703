// SPDX-License-Identifier: GPL-2.0
/*
 * Devices that leave, drivers that leave devices behind, and devices that join a group in use.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/device.h>
#include <linux/workqueue.h>

#include "base/bus.h"
#include "base/topology.h"
#include "core/attach.h"
#include "core/device.h"
#include "core/domain.h"
#include "core/fault.h"
#include "core/group.h"
#include "core/guard.h"
#include "core/msi.h"
#include "core/pasid.h"
#include "core/regions.h"
#include "core/removal.h"
#include "core/watch.h"

static void free_devices(struct list_head *dead)
{
	struct v3c_device *device, *next;

	list_for_each_entry_safe(device, next, dead, entry)
		v3c_device_free(device);
}

static void free_left_device(struct work_struct *work)
{
	v3c_device_free(container_of(work, struct v3c_device, free_work));
}

/* Without waiting here; each by itself, as a handler that is waited for may never return. */
static void free_devices_later(struct list_head *dead)
{
	struct v3c_device *device, *next;

	list_for_each_entry_safe(device, next, dead, entry) {
		INIT_WORK(&device->free_work, free_left_device);
		v3c_fault_queue_work(&device->free_work);
	}
}

/* Detaches what is attached in the device's group and @which says, or waits for who is busy with it. */
static bool detach_one_of_group(struct device *dev, bool (*which)(struct v3c_device *device))
{
	struct v3c_group *group = v3c_group_find(dev);
	struct v3c_device *device;

	if (!group)
		return false;
	list_for_each_entry(device, &v3c_device_list, entry)
		if (v3c_group_find(device->pdo) == group && which(device))
			return true;
	return false;
}

/*
 * PASIDs are in the tables of every member of a group, and a driver that loses a member forgets to take
 * them out of there. So none may be attached while one leaves.
 */
static void member_leaves(struct device *dev)
{
	while (detach_one_of_group(dev, v3c_detach_one_pasid))
		;
}

/* The device has left, or its driver; whether v3c_topology was released, so that any of them may be gone. */
static bool leave_device(struct v3c_device *device, bool gone, struct list_head *dead)
{
	bool attached = device->domain || v3c_pasids_attached(device);

	/* Of a device that is gone there is nothing more to tell than that. */
	if (!gone && !device->gone)
		v3c_watch_abandon(device, true);
	/* What is queued could be told to a function that has left with its module. */
	if (!gone)
		v3c_fault_end(&device->reporter);
	if (attached && !gone && !device->gone)
		dev_warn(device->pdo, "driver is gone and left its device attached\n");
	/* Nothing more is attached from here on. */
	device->gone |= gone || attached;
	if (v3c_detach_one(device))
		return true;
	if (!device->gone)
		return false;
	v3c_device_give_back_iopf(device);
	/* What V1 attached is nobody's then. */
	if (device->v1) {
		v3c_device_retire(device);
		list_add(&device->entry, dead);
	}
	return false;
}

/*
 * The core must not find our domain on a device that leaves: it warns, and never gives the domain
 * back. The device's client may be in the middle of using it, and learns from the next refusal.
 */
static void device_leaves(struct device *dev, bool gone, struct list_head *dead)
{
	struct v3c_device *device, *next;

	lockdep_assert_held(&v3c_topology);

again:
	list_for_each_entry_safe(device, next, &v3c_device_list, entry)
		if (device->pdo == dev && leave_device(device, gone, dead))
			goto again;
	if (gone)
		member_leaves(dev);
}

/*
 * DEL comes before the remove of the driver of a platform device, and before anything is taken apart; a
 * PCI device has lost its driver by then. A driver that is unbound has until UNBOUND to detach; what it
 * left attached is as good as removed, since nobody is there any more to answer for it. So is what one
 * leaves that fails to probe, which it tells before the core looks what became of the group. REMOVED
 * catches what was attached in between; this notifier runs before that of the core, which then takes the
 * device off its IOMMU. And it makes every removal wait for whoever holds v3c_topology.
 *
 * A removal waits for a fault handler that is running, as its driver has no means to. What is about
 * drivers comes under the driver core's lock of the device, which the handler may want, to reset
 * it for instance: there nobody waits.
 */
static int first_bus_event(struct notifier_block *nb, unsigned long event, void *data)
{
	bool gone = event == BUS_NOTIFY_DEL_DEVICE || event == BUS_NOTIFY_REMOVED_DEVICE;
	bool left = event == BUS_NOTIFY_UNBOUND_DRIVER || event == BUS_NOTIFY_DRIVER_NOT_BOUND;
	LIST_HEAD(dead);

	if (!gone && !left && event != BUS_NOTIFY_BOUND_DRIVER)
		return NOTIFY_OK;
	scoped_guard(mutex, &v3c_topology) {
		if (gone || left)
			device_leaves(data, gone, &dead);
		if (event == BUS_NOTIFY_REMOVED_DEVICE)
			v3c_bus_forget(data);
		v3c_topology_changed();
	}
	if (left)
		free_devices_later(&dead);
	else
		free_devices(&dead);
	return NOTIFY_OK;
}

/*
 * Whether the untagged DMA of a device that has joined the group may go where that of the others does.
 * With v3c_topology released meanwhile.
 */
static bool may_share(struct v3c_group *group, struct device *dev)
{
	int ret;

	if (!group->untagged)
		return true;
	if (v3c_domain_shows_all(group->domain) && !v3c_guard_allows_bypass(dev))
		return false;
	if (!v3c_msi_may_join(dev, group->domain->type))
		return false;
	v3c_group_begin_attach(group);
	ret = v3c_regions_join(group->domain, dev);
	v3c_group_end_attach(group);
	return !ret;
}

/*
 * With v3c_topology released meanwhile; whether there was something to detach. A bond that is about to
 * begin, which may take long, is not waited for: the newcomer is there already.
 */
static bool detach_untagged(struct v3c_device *device)
{
	LIST_HEAD(dead);

	if (!device->domain)
		return false;
	if (device->busy || device->group->attaching) {
		v3c_group_wait();
		return true;
	}
	dev_warn(device->pdo, "detached, for a device that may not share the domain has joined its IOMMU group\n");
	v3c_detach_now(device);
	/* What V1 attached is nobody's then. */
	if (device->v1) {
		v3c_device_retire(device);
		list_add(&device->entry, &dead);
		free_devices_later(&dead);
	}
	return true;
}

/* Somebody may be about to attach the group to what the newcomer may not see. */
static struct v3c_group *group_after_attach(struct device *dev)
{
	struct v3c_group *group;

	while ((group = v3c_group_find(dev)) && group->attaching)
		v3c_group_wait();
	return group;
}

/*
 * The core has attached the device to what the others are attached to, but for PASIDs, which it would
 * nevertheless take out of the device's tables later. Now it does so once, which a driver may warn of:
 * the core has no way to say that the device never had them. Untagged DMA goes first, since somebody
 * may be busy with a PASID for long.
 */
static void member_joins(struct device *dev)
{
	struct v3c_group *group = group_after_attach(dev);

	if (group && !may_share(group, dev)) {
		dev_warn(dev, "may not share the domain of its IOMMU group, which is detached\n");
		while (detach_one_of_group(dev, detach_untagged))
			;
	}
	while (detach_one_of_group(dev, v3c_detach_one_pasid))
		;
}

/*
 * Runs after the notifier of the core. A device that is added has joined its group by then if the IOMMU
 * is known. Otherwise it joins when the driver of the IOMMU comes, or, before 6.15 and with an IOMMU that
 * firmware describes, when a driver is about to be bound, which no event of its own tells.
 */
static int last_bus_event(struct notifier_block *nb, unsigned long event, void *data)
{
	if (event != BUS_NOTIFY_ADD_DEVICE && event != BUS_NOTIFY_BIND_DRIVER &&
	    event != BUS_NOTIFY_DRIVER_NOT_BOUND)
		return NOTIFY_OK;
	guard(mutex)(&v3c_topology);
	if (!v3c_bus_learn(data))
		return NOTIFY_OK;
	member_joins(data);
	v3c_topology_changed();
	return NOTIFY_OK;
}

int v3c_removal_module_init(void)
{
	return v3c_bus_watch(first_bus_event, last_bus_event);
}

void v3c_removal_module_exit(void)
{
	v3c_bus_unwatch();
}
