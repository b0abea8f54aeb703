// SPDX-License-Identifier: GPL-2.0
/*
 * Taking back what an owner has, in the order in which things depend on each other: registrations,
 * attachments, sub-devices, devices, reservations, domains.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/device.h>
#include <linux/export.h>
#include <linux/list.h>

#include <v3compat/kcompat.h>

#include "base/handle.h"
#include "base/topology.h"
#include "core/attach.h"
#include "core/create.h"
#include "core/device.h"
#include "core/domain.h"
#include "core/group.h"
#include "core/pasid.h"
#include "core/reclaim.h"
#include "core/reserve.h"
#include "core/watch.h"

static void name_pasids(struct v3c_device *device)
{
	struct v3c_pasid *pasid;

	lockdep_assert_held(&v3c_topology);

	list_for_each_entry(pasid, &device->pasids, entry)
		pr_warn("sub-device %u (PASID %u of %s) was leaked%s\n", pasid->handle.serial,
			pasid->number, dev_name(device->pdo),
			v3c_pasid_is_attached(pasid) ? " while attached" : "");
}

static void name_devices(const struct v3c_owner *owner)
{
	struct v3c_device *device;

	guard(mutex)(&v3c_topology);
	list_for_each_entry(device, &v3c_device_list, entry) {
		if (owner && device->handle.owner != owner)
			continue;
		name_pasids(device);
		pr_warn("device %u (%s) was leaked%s\n", device->handle.serial,
			dev_name(device->pdo), device->domain ? " while attached" : "");
	}
}

static struct v3c_device *first_device(const struct v3c_owner *owner)
{
	struct v3c_device *device;

	lockdep_assert_held(&v3c_topology);

	list_for_each_entry(device, &v3c_device_list, entry)
		if (!owner || device->handle.owner == owner)
			return device;
	return NULL;
}

/*
 * reclaim_device() takes one step, with v3c_topology released meanwhile. The last one gives @device
 * to @dead. After any other step @device may be gone, because a removal may have freed it.
 */
static void reclaim_device(struct v3c_device *device, bool loud, struct list_head *dead)
{
	struct v3c_group *group = v3c_group_find(device->pdo);
	struct v3c_pasid *pasid, *next;

	/* A group that another owner has is none of @device's business. */
	if (group && group->owner == device->handle.owner && group->busy) {
		v3c_group_wait();
	} else if (device->watch.watcher.callback || device->watch.calls) {
		v3c_watch_abandon(device, loud);
		v3c_watch_wait_device(device, TASK_UNINTERRUPTIBLE);
	} else if (!v3c_detach_one(device)) {
		list_for_each_entry_safe(pasid, next, &device->pasids, entry)
			v3c_pasid_free(pasid);
		v3c_device_retire(device);
		list_add(&device->entry, dead);
	}
}

static void reclaim_devices(const struct v3c_owner *owner, bool loud)
{
	struct v3c_device *device, *next;
	LIST_HEAD(dead);

	if (loud)
		name_devices(owner);
	scoped_guard(mutex, &v3c_topology) {
		while ((device = first_device(owner)))
			reclaim_device(device, loud, &dead);
	}
	list_for_each_entry_safe(device, next, &dead, entry)
		v3c_device_free(device);
	/* Devices of V1 that a removal has retired are freed by others. */
	v3c_device_wait_freed(owner);
}

static void reclaim_domains(const struct v3c_owner *owner, bool loud)
{
	struct v3c_domain *domain;

	while ((domain = (struct v3c_domain *)v3c_pool_first(&v3c_domain_pool, owner))) {
		v3c_tokens_reclaim(domain, loud);
		if (loud)
			pr_warn("domain %u of type %u was leaked\n", domain->handle.serial,
				domain->type);
		v3c_domain_reclaim(domain);
	}
}

/**
 * v3c_reclaim() - take back everything that an owner has
 * @owner: does nothing meanwhile, and calls nothing with its objects afterwards; or NULL for
 *	everybody
 * @loud: what there is was forgotten: the log names it
 *
 * Cannot fail. Callbacks, fault handlers and removals that are under way are waited for, which no
 * signal ends: on behalf of a process that dies it belongs in a work item.
 *
 * Context: may sleep; not inside a callback or a fault handler of @owner.
 */
void v3c_reclaim(const struct v3c_owner *owner, bool loud)
{
	reclaim_devices(owner, loud);
	reclaim_domains(owner, loud);
}
V3C_EXPORT_NS_GPL(v3c_reclaim, V3COMPAT_TEST);
