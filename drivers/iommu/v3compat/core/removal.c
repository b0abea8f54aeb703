// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: Devices that leave and join
 *
 * first_bus_event() runs before the notifier of the IOMMU core, and deals with devices that leave
 * and with drivers that leave devices behind. It makes every removal wait for whoever holds
 * v3c_topology.
 *
 * BUS_NOTIFY_DEL_DEVICE comes before the remove of the driver of a platform device, and before
 * anything is taken apart; a PCI device has lost its driver by then. BUS_NOTIFY_REMOVED_DEVICE
 * catches what was attached in between, before the core takes the device off its IOMMU.
 *
 * A driver that is unbound has until BUS_NOTIFY_UNBOUND_DRIVER to detach. What it left attached is
 * as good as removed, because nobody is there any more to answer for it. So is what a driver leaves
 * that fails to probe: BUS_NOTIFY_DRIVER_NOT_BOUND comes before the core looks what became of the
 * group.
 *
 * A removal waits for a fault handler that is running, because its driver has no means to. Events
 * of drivers do not wait, because they come under the driver core's lock of the device, which the
 * handler may want, to reset it for instance.
 *
 * last_bus_event() runs after the notifier of the IOMMU core, and deals with devices that join a
 * group in use. A device that is added has joined its group by then if the IOMMU is known.
 * Otherwise it joins when the driver of the IOMMU comes, or, before 6.15 and with an IOMMU that
 * firmware describes, when a driver is about to be bound. Joining has no event of its own, so
 * v3c_bus_learn() tells whether a device was known already.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/device.h>
#include <linux/workqueue.h>

#include "base/bus.h"
#include "base/topology.h"
#include "core/attach.h"
#include "core/claim.h"
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

static void free_devices_later(struct list_head *dead)
{
	struct v3c_device *device, *next;

	list_for_each_entry_safe(device, next, dead, entry)
		v3c_device_free_later(device);
}

/*
 * detach_one_of_group() calls @which for the devices in the group of @dev until it has detached
 * one, or has waited for a call that is busy with one. False when there is nothing left.
 */
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
 * member_leaves() detaches every PASID in the group of @dev, because PASIDs are in the tables of
 * every member, and a driver that loses a member forgets to take them out of there: none may be
 * attached while one leaves.
 */
static void member_leaves(struct device *dev)
{
	while (detach_one_of_group(dev, v3c_detach_one_pasid))
		;
}

/*
 * leave_device(): the device has left (@gone), or its driver has. Returns whether v3c_topology was
 * released, so that any device may be gone.
 */
static bool leave_device(struct v3c_device *device, bool gone, struct list_head *dead)
{
	bool attached = device->domain || v3c_pasids_attached(device);

	lockdep_assert_held(&v3c_topology);

	/*
	 * v3c_watch_abandon() and v3c_fault_end() now, because callback and handler may have left
	 * with the driver's module. Of a device that is gone the watcher is told, if its driver is
	 * there or never was.
	 */
	if (!gone) {
		v3c_watch_abandon(device, !device->handle.user);
		v3c_fault_end(&device->reporter);
	}
	if (attached && !gone && !device->gone)
		dev_warn(device->pdo, "driver is gone and left its device attached\n");
	/* @gone keeps anything more from being attached from here on. */
	device->gone |= gone || attached;
	if (v3c_detach_one(device))
		return true;
	if (!device->gone)
		return false;
	v3c_device_give_back_iopf(device);
	/* @dead takes it, because a client of V1 has no handle to delete it by. */
	if (device->v1) {
		v3c_device_retire(device);
		list_add(&device->entry, dead);
	}
	return false;
}

/*
 * device_leaves() detaches everything of @dev, because the IOMMU core must not find our domain on a
 * device that leaves: it warns, and never gives the domain back. The device's client may be in the
 * middle of using it, and learns from the next refusal.
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

/* detach_one_of_users() detaches something of @dev that belongs to a process; false without. */
static bool detach_one_of_users(struct device *dev)
{
	struct v3c_device *device;

	lockdep_assert_held(&v3c_topology);

	list_for_each_entry(device, &v3c_device_list, entry) {
		if (device->pdo != dev || !device->handle.user)
			continue;
		/* @gone keeps anything more from being attached from here on. */
		device->gone = true;
		if (v3c_detach_one(device))
			return true;
	}
	return false;
}

/**
 * v3c_removal_driver_leaves() - detach what processes have attached of a device
 * @dev: the device, which the driver that serves them is about to leave
 *
 * Nothing more of it can be attached. Objects of drivers are left to them.
 *
 * Context: may sleep.
 */
void v3c_removal_driver_leaves(struct device *dev)
{
	guard(mutex)(&v3c_topology);
	while (detach_one_of_users(dev))
		;
	v3c_topology_changed();
}

/* first_bus_event() is called before the IOMMU core's notifier, see the top of this file. */
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
		if (event == BUS_NOTIFY_REMOVED_DEVICE) {
			v3c_claim_forget(data);
			v3c_bus_forget(data);
		}
		v3c_topology_changed();
	}
	if (left)
		free_devices_later(&dead);
	else
		free_devices(&dead);
	return NOTIFY_OK;
}

/*
 * may_share(): the untagged DMA of @dev, which has joined the group, may go where that of the
 * others does. v3c_topology is released meanwhile.
 */
static bool may_share(struct v3c_group *group, struct device *dev)
{
	int ret;

	lockdep_assert_held(&v3c_topology);

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
 * detach_for_newcomer() returns whether there was something to detach, with v3c_topology released
 * meanwhile. A bond that is about to begin, which may take long, is not waited for, because the
 * newcomer is there already.
 */
static bool detach_for_newcomer(struct v3c_device *device)
{
	LIST_HEAD(dead);

	lockdep_assert_held(&v3c_topology);

	if (!device->domain)
		return false;
	if (device->busy || device->group->attaching) {
		v3c_group_wait();
		return true;
	}
	dev_warn(
		device->pdo,
		"detached, for a device that may not share the domain has joined its IOMMU group\n");
	v3c_detach_now(device);
	/* @dead takes it, because a client of V1 has no handle to delete it by. */
	if (device->v1) {
		v3c_device_retire(device);
		list_add(&device->entry, &dead);
		free_devices_later(&dead);
	}
	return true;
}

/*
 * group_after_attach() waits for an attach under way, because the group may be about to see what
 * the newcomer may not see.
 */
static struct v3c_group *group_after_attach(struct device *dev)
{
	struct v3c_group *group;

	while ((group = v3c_group_find(dev)) && group->attaching)
		v3c_group_wait();
	return group;
}

/*
 * member_joins(): the IOMMU core has attached @dev to what the others are attached to, but not to
 * their PASIDs. It would nevertheless take these out of the tables of @dev later, because it has no
 * way to know that @dev never had them. So they are detached here, once, which a driver may warn
 * of. Untagged DMA goes first, because somebody may be busy with a PASID for long.
 */
static void member_joins(struct device *dev)
{
	struct v3c_group *group = group_after_attach(dev);

	if (group)
		v3c_group_let_in(group, dev);
	if (group && !may_share(group, dev)) {
		dev_warn(dev, "may not share the domain of its IOMMU group, which is detached\n");
		while (detach_one_of_group(dev, detach_for_newcomer))
			;
	}
	while (detach_one_of_group(dev, v3c_detach_one_pasid))
		;
}

/* last_bus_event() is called after the IOMMU core's notifier, see the top of this file. */
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
