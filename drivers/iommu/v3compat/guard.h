/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_GUARD_H
#define V3COMPAT_GUARD_H

#include <linux/list.h>
#include <linux/types.h>
#include <linux/v3compat.h>

#include "status.h"

struct device;
struct v3c_device;

/**
 * struct v3c_watch - who wants to know which domain types a device may use; all under v3c_topology
 * @entry: in the list of registrations, or empty
 * @callback: to be called, or NULL without a registration
 * @context: for @callback
 * @types: mask that @callback was called with last
 * @seen: count of changes that @types takes account of; not before @callback has returned
 */
struct v3c_watch {
	struct list_head entry;
	PIOMMU_INTERFACE_STATE_CHANGE_CALLBACK callback;
	void *context;
	ULONG types;
	u64 seen;
};

ULONG v3c_guard_domain_types(const struct v3c_device *device);
bool v3c_guard_allows_bypass(struct device *dev);
bool v3c_guard_allows_any(IOMMU_DMA_DOMAIN_TYPE type);
NTSTATUS v3c_guard_check(const struct v3c_device *device, IOMMU_DMA_DOMAIN_TYPE type,
			 struct v3c_why *why);

void v3c_guard_set_policy(enum v3compat_guard policy);
void v3c_guard_set_locked(bool locked);
void v3c_guard_get(enum v3compat_guard *policy, bool *locked);

void v3c_guard_changed(void);
NTSTATUS v3c_guard_watch(struct v3c_device *device, PIOMMU_INTERFACE_STATE_CHANGE_CALLBACK callback,
			 void *context, struct v3c_why *why);
NTSTATUS v3c_guard_unwatch(struct v3c_device *device,
			   PIOMMU_INTERFACE_STATE_CHANGE_CALLBACK callback, struct v3c_why *why);
bool v3c_guard_is_watched(struct v3c_device *device);
void v3c_guard_abandon(struct v3c_device *device);

int v3c_guard_module_init(void);
void v3c_guard_module_exit(void);

#endif
