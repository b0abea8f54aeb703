/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_DEVICE_H
#define V3COMPAT_DEVICE_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/workqueue.h>

#include "base/handle.h"
#include "base/types.h"
#include "base/why.h"
#include "core/fault.h"

struct device;
struct v3c_domain;
struct v3c_group;

/**
 * struct v3c_device_config - how a device is created
 * @pasid: it has a PASID configuration
 * @tagged: for tagged DMA, so that it can have sub-devices
 * @suppress: faults of tagged DMA are not reported
 * @named: it must have the input mappings that follow
 * @base: first input mapping
 * @count: how many
 */
struct v3c_device_config {
	bool pasid;
	bool tagged;
	bool suppress;
	bool named;
	u64 base;
	u64 count;
};

/**
 * struct v3c_watcher - whom to tell of a change
 * @tell: called without a lock, with a mask of domain types
 * @callback: for @tell; names the registration
 * @context: for @tell
 */
struct v3c_watcher {
	void (*tell)(const struct v3c_watcher *watcher, u32 types);
	void (*callback)(void);
	void *context;
};

/**
 * struct v3c_watch - who wants to know which domain types a device may use; all under v3c_topology
 * @entry: in the list of registrations, or empty
 * @watcher: whom to tell; nobody without @watcher.callback
 * @types: mask that was told last
 * @seen: the last change that @types takes account of, see v3c_topology_changed(); set when the
 *	callback has returned
 * @calls: callbacks for the device that are running: one, and those that it makes itself
 */
struct v3c_watch {
	struct list_head entry;
	struct v3c_watcher watcher;
	u32 types;
	u64 seen;
	unsigned int calls;
};

/**
 * struct v3c_device - what a caller knows as IOMMU_DMA_DEVICE
 * @handle: first, see &struct v3c_handle
 * @pdo: the device; referenced
 * @entry: in v3c_device_list, under v3c_topology
 * @domain: attached to, or NULL, under v3c_topology
 * @attached: in the domain's list of devices, under v3c_topology
 * @group: the group that it is attached in, or NULL, under v3c_topology
 * @pasids: its sub-devices, under v3c_topology
 * @watch: who wants to know of changes
 * @faults: names the attachment to @domain
 * @reporter: its faults on their way to a handler
 * @free_work: frees it when its driver has left it, or a process that was deleting it was killed
 * @pasid_types: what its sub-devices may attach to, a bit per &enum v3c_domain_type; negative until
 *	somebody has asked, because tables are allocated to find out. Under v3c_topology
 * @bonds: sub-devices that are bound to a process, or being bound or unbound, under v3c_topology
 * @busy: somebody is attaching or detaching it, with v3c_topology released; nobody else does
 *	anything with the attachment then. Under v3c_topology
 * @gone: removed from the system, under v3c_topology
 * @first_stage: its IOMMU has first-stage tables for TranslateS1
 * @v1: made by V1's AttachDevice, which knows no device objects
 * @default_pasid: created with a PASID configuration
 * @iopf: it has enabled page requests of @pdo, and is the one that disables them
 * @tagged: created for tagged DMA, so that it can have sub-devices
 * @suppress: faults of tagged DMA are not reported
 */
struct v3c_device {
	struct v3c_handle handle;
	struct device *pdo;
	struct list_head entry;
	struct v3c_domain *domain;
	struct list_head attached;
	struct v3c_group *group;
	struct list_head pasids;
	struct v3c_watch watch;
	struct v3c_fault_target faults;
	struct v3c_reporter reporter;
	struct work_struct free_work;
	int pasid_types;
	unsigned int bonds;
	bool busy;
	bool gone;
	bool first_stage;
	bool v1;
	bool default_pasid;
	bool iopf;
	bool tagged;
	bool suppress;
};

extern struct v3c_pool v3c_device_pool;

/* v3c_device_list has all of them, newest first; under v3c_topology. */
extern struct list_head v3c_device_list;

static inline struct v3c_device *v3c_to_device(const void *handle)
{
	return v3c_handle_is(handle, V3C_KIND_DEVICE) ? (struct v3c_device *)handle : NULL;
}

enum v3c_reason v3c_device_check_config(struct device *pdo, const struct v3c_device_config *config,
					struct v3c_why *why);
enum v3c_reason v3c_device_create(const struct v3c_owner *owner, struct device *pdo,
				  const struct v3c_device_config *config, struct v3c_device **out,
				  struct v3c_why *why);
enum v3c_reason v3c_device_destroy(struct v3c_device *device, struct v3c_why *why);
struct v3c_device *v3c_device_make(const struct v3c_owner *owner, struct device *pdo, bool v1,
				   const struct v3c_device_config *config);
void v3c_device_give_back_iopf(struct v3c_device *device);
void v3c_device_retire(struct v3c_device *device);
void v3c_device_free(struct v3c_device *device);
void v3c_device_free_later(struct v3c_device *device);
void v3c_device_wait_freed(const struct v3c_owner *owner);
bool v3c_device_has_iommu(struct device *dev);
u32 v3c_device_types(const struct v3c_device *device);
u32 v3c_device_domain_types(struct v3c_device *device);
enum v3c_reason v3c_device_check_type(const struct v3c_device *device, enum v3c_domain_type type,
				      struct v3c_why *why);
enum v3c_reason v3c_device_info(struct v3c_device *device, struct v3c_device_config *config,
				struct v3c_why *why);
enum v3c_reason v3c_device_input_mappings(struct device *pdo, u32 *ids, u32 room, u32 *count,
					  struct v3c_why *why);
u32 v3c_device_first_input_mapping(struct v3c_device *device);
bool v3c_device_has_input_mapping(struct v3c_device *device, u32 id);
bool v3c_device_is_gone(const struct v3c_device *device);
bool v3c_device_has_bonds(struct device *pdo);
struct v3c_device *v3c_device_find_attached(struct device *pdo);
struct device *v3c_device_next_any(struct device *dev);
struct device *v3c_device_next_known(const struct v3c_owner *owner, struct v3c_device **pos);

#endif
