// SPDX-License-Identifier: GPL-2.0
/*
 * DMA devices (&struct v3c_device): how they are created, and what they may attach to.
 */
#include <kunit/visibility.h>
#include <linux/device.h>
#include <linux/export.h>
#include <linux/iommu.h>
#include <linux/pci.h>

#include <v3compat/kcompat.h>

#include "base/bus.h"
#include "base/compat.h"
#include "base/event.h"
#include "base/iommus.h"
#include "base/topology.h"
#include "core/device.h"
#include "core/fault.h"
#include "core/group.h"
#include "core/guard.h"
#include "table/hwpt.h"

LIST_HEAD(v3c_device_list);

/* v3c_device_freed happens when v3c_device_free() is done with a device. */
static V3C_EVENT(v3c_device_freed);

static void device_init_once(void *object)
{
	struct v3c_device *device = object;

	v3c_fault_init_once(&device->reporter);
}

struct v3c_pool v3c_device_pool =
	V3C_POOL(v3c_device_pool, V3C_KIND_DEVICE, struct v3c_device, "device", device_init_once);
EXPORT_SYMBOL_IF_KUNIT(v3c_device_pool);

/*
 * v3c_device_has_iommu(): a group alone does not tell, because VFIO makes groups without an IOMMU.
 * A device on a bus that we do not watch must not be attached, because nobody would tell us of its
 * removal. Where the driver of an IOMMU is unbound, dev->iommu may go between the two looks at it,
 * as it may at any time.
 */
bool v3c_device_has_iommu(struct device *dev)
{
	const struct dev_iommu *iommu = READ_ONCE(dev->iommu);

	return iommu && READ_ONCE(iommu->iommu_dev) && device_iommu_mapped(dev) &&
	       v3c_bus_is_watched(dev->bus);
}

/**
 * v3c_device_is_gone() - whether a device has left the system, or its IOMMU
 * @device: the device
 *
 * Looks at the IOMMU each time, because unbinding the driver of the IOMMU itself takes the devices
 * from behind it without an event of their bus.
 *
 * Context: under v3c_topology.
 * Return: true after its removal, and without its IOMMU.
 */
bool v3c_device_is_gone(const struct v3c_device *device)
{
	lockdep_assert_held(&v3c_topology);

	return device->gone || !v3c_device_has_iommu(device->pdo);
}

/* has_named_mappings(): firmware named these input mappings, which it does on ARM64 only. */
static bool has_named_mappings(struct device *pdo, u64 base, u64 count)
{
	struct iommu_fwspec *fwspec = dev_iommu_fwspec_get(pdo);
	unsigned int i;

	if (!IS_ENABLED(CONFIG_ARM64) || !fwspec || !count || count > fwspec->num_ids)
		return false;
	for (i = 0; i < fwspec->num_ids; i++)
		if (fwspec->ids[i] == base && count <= fwspec->num_ids - i)
			return true;
	return false;
}

static enum v3c_reason check_config(struct device *pdo, const struct v3c_device_config *config,
				    struct v3c_why *why)
{
	lockdep_assert_held(&v3c_topology);

	if (!v3c_device_has_iommu(pdo))
		return v3c_refuse(why, V3C_REASON_NO_IOMMU, V3C_PARAM_DEVICE, NULL, 0, 0);
	if (config->named && !has_named_mappings(pdo, config->base, config->count))
		return v3c_refuse(why, V3C_REASON_BAD_CONFIG, V3C_PARAM_CONFIG, NULL,
				  config->base, config->count);
	if (config->tagged && !v3c_iommu_takes_pasids(pdo))
		return v3c_refuse(why, V3C_REASON_BAD_CONFIG, V3C_PARAM_CONFIG, NULL,
				  config->tagged, 0);
	return 0;
}

/**
 * v3c_device_check_config() - whether a device could be created so
 * @pdo: the device
 * @config: how
 * @why: filled on refusal
 *
 * Context: may sleep; the caller keeps @pdo from being removed during the call.
 * Return: 0, %V3C_REASON_NO_IOMMU or %V3C_REASON_BAD_CONFIG.
 */
enum v3c_reason v3c_device_check_config(struct device *pdo, const struct v3c_device_config *config,
					struct v3c_why *why)
{
	guard(mutex)(&v3c_topology);
	return check_config(pdo, config, why);
}

/*
 * has_first_stage() allocates a table to find out, because an IOMMU driver says what it can do only
 * when it is asked to do it.
 */
static int has_first_stage(struct device *dev)
{
	struct v3c_hwpt *hwpt = v3c_hwpt_alloc(dev, true, 0);

	if (IS_ERR(hwpt))
		return PTR_ERR(hwpt) == -ENOMEM ? -ENOMEM : false;
	v3c_hwpt_free(hwpt);
	return true;
}

struct v3c_device *v3c_device_make(const struct v3c_owner *owner, struct device *pdo, bool v1,
				   const struct v3c_device_config *config)
{
	struct v3c_device *device;
	int first_stage;

	lockdep_assert_held(&v3c_topology);

	first_stage = has_first_stage(pdo);
	if (first_stage < 0)
		return NULL;
	device = v3c_handle_alloc(&v3c_device_pool, owner);
	if (!device)
		return NULL;
	device->pdo = get_device(pdo);
	device->reporter.pdo = pdo;
	device->domain = NULL;
	device->group = NULL;
	device->pasid_types = -1;
	device->bonds = 0;
	device->busy = false;
	device->gone = false;
	device->first_stage = first_stage;
	device->watch = (struct v3c_watch) { .entry = LIST_HEAD_INIT(device->watch.entry) };
	device->v1 = v1;
	device->default_pasid = config->pasid;
	device->tagged = config->tagged;
	device->suppress = config->suppress;
	/*
	 * v3c_iopf_enable() fails where the device makes no page requests, and where another DMA
	 * device of the same Linux device has enabled them already.
	 */
	device->iopf = config->tagged && !v3c_iopf_enable(pdo);
	INIT_LIST_HEAD(&device->attached);
	INIT_LIST_HEAD(&device->pasids);
	list_add(&device->entry, &v3c_device_list);
	v3c_handle_publish(&v3c_device_pool, &device->handle);
	return device;
}

/*
 * v3c_device_give_back_iopf(): nothing is attached through @device any more. Another DMA device of
 * the same Linux device may still need page requests: it inherits @iopf, and otherwise they are
 * disabled.
 */
void v3c_device_give_back_iopf(struct v3c_device *device)
{
	struct v3c_device *other;

	lockdep_assert_held(&v3c_topology);

	if (!device->iopf)
		return;
	device->iopf = false;
	list_for_each_entry(other, &v3c_device_list, entry) {
		if (other == device || other->pdo != device->pdo || !other->tagged || other->gone)
			continue;
		other->iopf = true;
		return;
	}
	v3c_iopf_disable(device->pdo);
}

/*
 * v3c_device_retire() takes @device out of v3c_device_list and retires its handle, so that no call
 * finds it. v3c_device_free() or v3c_device_free_later() must follow.
 */
void v3c_device_retire(struct v3c_device *device)
{
	lockdep_assert_held(&v3c_topology);

	v3c_handle_retire(&device->handle);
	list_del(&device->entry);
	v3c_device_give_back_iopf(device);
	v3c_fault_end(&device->reporter);
}

/*
 * v3c_device_free() is called without v3c_topology, because it waits for a fault handler, which may
 * want that lock.
 */
void v3c_device_free(struct v3c_device *device)
{
	struct device *pdo = device->pdo;

	v3c_fault_wait(&device->reporter, TASK_UNINTERRUPTIBLE);
	device->pdo = NULL;
	v3c_handle_free(&v3c_device_pool, &device->handle);
	put_device(pdo);
	guard(mutex)(&v3c_topology);
	v3c_event_happened(&v3c_device_freed);
}

static void free_left_device(struct work_struct *work)
{
	v3c_device_free(container_of(work, struct v3c_device, free_work));
}

/*
 * v3c_device_free_later() is v3c_device_free() without a wait. Each device has its own work item,
 * because a handler that is waited for may never return.
 */
void v3c_device_free_later(struct v3c_device *device)
{
	INIT_WORK(&device->free_work, free_left_device);
	v3c_fault_queue_work(&device->free_work);
}

/**
 * v3c_device_wait_freed() - wait until no device of an owner is about to be freed
 * @owner: has no device that is not retired, and makes none; or NULL for everybody
 *
 * Context: may sleep; without v3c_topology; not inside a fault handler of @owner.
 */
void v3c_device_wait_freed(const struct v3c_owner *owner)
{
	guard(mutex)(&v3c_topology);
	while (v3c_pool_first(&v3c_device_pool, owner))
		v3c_event_wait(&v3c_device_freed, TASK_UNINTERRUPTIBLE);
}

/**
 * v3c_device_create() - make a DMA device of a Linux device
 * @owner: on whose account
 * @pdo: the device; referenced
 * @config: how
 * @out: result, untouched on failure
 * @why: filled on refusal
 *
 * Context: may sleep; the caller keeps @pdo from being removed during the call, as its driver does.
 * Return: 0, %V3C_REASON_NO_IOMMU, %V3C_REASON_BAD_CONFIG or %V3C_REASON_NO_MEMORY.
 */
enum v3c_reason v3c_device_create(const struct v3c_owner *owner, struct device *pdo,
				  const struct v3c_device_config *config, struct v3c_device **out,
				  struct v3c_why *why)
{
	struct v3c_device *device;
	enum v3c_reason reason;

	guard(mutex)(&v3c_topology);
	reason = check_config(pdo, config, why);
	if (reason)
		return reason;
	device = v3c_device_make(owner, pdo, false, config);
	if (!device)
		return v3c_refuse(why, V3C_REASON_NO_MEMORY, V3C_PARAM_NONE, NULL, 0, 0);
	*out = device;
	return 0;
}
V3C_EXPORT_NS_GPL(v3c_device_create, V3COMPAT_TEST);

/**
 * v3c_device_destroy() - give a DMA device back
 * @device: the device; may have been removed from the system
 * @why: filled on refusal
 *
 * Context: may sleep. Waits for a call of the fault handler, unless it is made from inside it.
 * Return: 0, %V3C_REASON_BAD_HANDLE, %V3C_REASON_ATTACHED, %V3C_REASON_IN_USE or
 * %V3C_REASON_REGISTERED; or %V3C_REASON_KILLED with @device dead, while a call of its fault
 * handler may still be running.
 */
enum v3c_reason v3c_device_destroy(struct v3c_device *device, struct v3c_why *why)
{
	unsigned int state;

	scoped_guard(mutex, &v3c_topology) {
		if (!v3c_handle_is(device, V3C_KIND_DEVICE))
			return v3c_refuse(why, V3C_REASON_BAD_HANDLE, V3C_PARAM_DEVICE, NULL, 0,
					  0);
		if (device->domain || device->busy)
			return v3c_refuse(why, V3C_REASON_ATTACHED, V3C_PARAM_DEVICE, device, 0,
					  0);
		if (!list_empty(&device->pasids))
			return v3c_refuse(why, V3C_REASON_IN_USE, V3C_PARAM_DEVICE, device,
					  list_count_nodes(&device->pasids), 0);
		if (device->watch.watcher.callback || device->watch.calls)
			return v3c_refuse(why, V3C_REASON_REGISTERED, V3C_PARAM_DEVICE, device, 0,
					  0);
		state = v3c_handle_wait_state(device);
		v3c_device_retire(device);
	}
	if (v3c_fault_wait(&device->reporter, state)) {
		v3c_device_free_later(device);
		return v3c_refuse_errno(why, -EINTR, V3C_PARAM_NONE, NULL, 0, 0);
	}
	v3c_device_free(device);
	return 0;
}

/**
 * v3c_device_types() - what a device may attach to now
 * @device: the device
 *
 * Context: may sleep; under v3c_topology.
 * Return: a bit per &enum v3c_domain_type; none for a device that is gone, or whose group another
 * owner has, or an ordinary driver of another member.
 */
u32 v3c_device_types(const struct v3c_device *device)
{
	u32 types = BIT(V3C_DOMAIN_TRANSLATE) | BIT(V3C_DOMAIN_UNMANAGED);

	lockdep_assert_held(&v3c_topology);

	if (v3c_device_is_gone(device) || v3c_group_is_foreign(device->pdo, device->handle.owner))
		return 0;
	if (v3c_guard_allows_bypass(device->pdo))
		types |= BIT(V3C_DOMAIN_PASSTHROUGH);
	if (device->first_stage)
		types |= BIT(V3C_DOMAIN_TRANSLATE_S1);
	return types;
}

/**
 * v3c_device_domain_types() - what the device may attach to now
 * @device: the device
 *
 * Context: may sleep.
 * Return: as v3c_device_types(); none for a handle that is dead.
 */
u32 v3c_device_domain_types(struct v3c_device *device)
{
	guard(mutex)(&v3c_topology);
	return v3c_handle_is(device, V3C_KIND_DEVICE) ? v3c_device_types(device) : 0;
}

/**
 * v3c_device_check_type() - whether a device may be attached to a domain now
 * @device: alive
 * @type: of the domain
 * @why: filled on refusal
 *
 * Context: may sleep; under v3c_topology.
 * Return: 0, %V3C_REASON_NOT_AVAILABLE or %V3C_REASON_GROUP_BUSY.
 */
enum v3c_reason v3c_device_check_type(const struct v3c_device *device, enum v3c_domain_type type,
				      struct v3c_why *why)
{
	u32 types = v3c_device_types(device);

	if (types & BIT(type))
		return 0;
	return v3c_refuse(why, types ? V3C_REASON_NOT_AVAILABLE : V3C_REASON_GROUP_BUSY,
			  V3C_PARAM_DEVICE, device, type, types);
}

struct v3c_device *v3c_device_find_attached(struct device *pdo)
{
	struct v3c_device *device;

	lockdep_assert_held(&v3c_topology);

	list_for_each_entry(device, &v3c_device_list, entry)
		if (device->pdo == pdo && device->domain)
			return device;
	return NULL;
}

/**
 * v3c_device_info() - how a device was created
 * @device: the device
 * @config: result
 * @why: filled on refusal
 *
 * Context: may sleep.
 * Return: 0, %V3C_REASON_BAD_HANDLE or %V3C_REASON_DEVICE_GONE.
 */
enum v3c_reason v3c_device_info(struct v3c_device *device, struct v3c_device_config *config,
				struct v3c_why *why)
{
	guard(mutex)(&v3c_topology);
	if (!v3c_handle_is(device, V3C_KIND_DEVICE))
		return v3c_refuse(why, V3C_REASON_BAD_HANDLE, V3C_PARAM_DEVICE, NULL, 0, 0);
	if (device->gone)
		return v3c_refuse(why, V3C_REASON_DEVICE_GONE, V3C_PARAM_DEVICE, device, 0, 0);
	*config = (struct v3c_device_config) {
		.pasid = device->default_pasid,
		.tagged = device->tagged,
		.suppress = device->suppress,
	};
	return 0;
}

static unsigned int nr_input_mappings(struct device *pdo)
{
	struct iommu_fwspec *fwspec = dev_iommu_fwspec_get(pdo);

	if (fwspec && fwspec->num_ids)
		return fwspec->num_ids;
	return dev_is_pci(pdo) ? 1 : 0;
}

static u32 input_mapping(struct device *pdo, unsigned int index)
{
	struct iommu_fwspec *fwspec = dev_iommu_fwspec_get(pdo);

	if (fwspec && fwspec->num_ids)
		return fwspec->ids[index];
	return pci_dev_id(to_pci_dev(pdo));
}

/* v3c_device_first_input_mapping() returns 0 when @device has none. Called under v3c_topology. */
u32 v3c_device_first_input_mapping(struct v3c_device *device)
{
	lockdep_assert_held(&v3c_topology);

	return nr_input_mappings(device->pdo) ? input_mapping(device->pdo, 0) : 0;
}

/* v3c_device_has_input_mapping() is called under v3c_topology. */
bool v3c_device_has_input_mapping(struct v3c_device *device, u32 id)
{
	unsigned int i;

	lockdep_assert_held(&v3c_topology);

	for (i = 0; i < nr_input_mappings(device->pdo); i++)
		if (input_mapping(device->pdo, i) == id)
			return true;
	return false;
}

/**
 * v3c_device_input_mappings() - the IDs by which the IOMMU knows a device
 * @pdo: the device
 * @ids: result; untouched without room for all of them
 * @room: for so many IDs, in @ids
 * @count: result: how many there are
 * @why: filled on refusal
 *
 * Firmware's IDs where it gave any, otherwise the PCI requester ID.
 *
 * Context: may sleep; the caller keeps @pdo from being removed during the call.
 * Return: 0; %V3C_REASON_NO_IOMMU; or %V3C_REASON_BUFFER_TOO_SMALL, with @count written.
 */
enum v3c_reason v3c_device_input_mappings(struct device *pdo, u32 *ids, u32 room, u32 *count,
					  struct v3c_why *why)
{
	unsigned int i;

	guard(mutex)(&v3c_topology);
	*count = v3c_device_has_iommu(pdo) ? nr_input_mappings(pdo) : 0;
	if (!*count)
		return v3c_refuse(why, V3C_REASON_NO_IOMMU, V3C_PARAM_DEVICE, NULL, 0, 0);
	if (room < *count)
		return v3c_refuse(why, V3C_REASON_BUFFER_TOO_SMALL, V3C_PARAM_LENGTH, NULL, room,
				  *count);
	for (i = 0; i < *count; i++)
		ids[i] = input_mapping(pdo, i);
	return 0;
}

/**
 * v3c_device_next_known() - iterate the devices that an owner has created, newest first
 * @owner: the owner
 * @pos: cursor, NULL at first
 *
 * Context: under v3c_topology, which also keeps the device behind its IOMMU.
 * Return: a device, not referenced, or NULL at the end.
 */
struct device *v3c_device_next_known(const struct v3c_owner *owner, struct v3c_device **pos)
{
	struct v3c_device *device = list_prepare_entry(*pos, &v3c_device_list, entry);

	lockdep_assert_held(&v3c_topology);

	list_for_each_entry_continue(device, &v3c_device_list, entry) {
		if (device->handle.owner != owner || v3c_device_is_gone(device))
			continue;
		*pos = device;
		return device->pdo;
	}
	return NULL;
}

/* v3c_device_has_bonds(): a sub-device of @pdo is bound to a process, or being bound or unbound. */
bool v3c_device_has_bonds(struct device *pdo)
{
	struct v3c_device *device;

	lockdep_assert_held(&v3c_topology);

	list_for_each_entry(device, &v3c_device_list, entry)
		if (device->pdo == pdo && device->bonds)
			return true;
	return false;
}

static int match_iommu(struct device *dev, const void *data)
{
	return v3c_bus_knows(dev) && v3c_device_has_iommu(dev);
}

/**
 * v3c_device_next_any() - iterate all devices behind an IOMMU
 * @dev: the one before, whose reference is dropped, or NULL to begin
 *
 * Context: may sleep; under v3c_topology, which also keeps the device behind its IOMMU.
 * Return: a device, to be given to v3c_device_next_any() or put_device(), or NULL at the end.
 */
struct device *v3c_device_next_any(struct device *dev)
{
	struct device *next = NULL;
	const struct bus_type *bus;
	unsigned int i = 0;

	lockdep_assert_held(&v3c_topology);

	while (dev && v3c_bus(i) != dev->bus)
		i++;
	for (; !next && (bus = v3c_bus(i)); i++)
		next = bus_find_device(bus, dev && dev->bus == bus ? dev : NULL, NULL, match_iommu);
	put_device(dev);
	return next;
}
