/* SPDX-License-Identifier: GPL-2.0 */
#ifndef IOMMUSIM_DEVICE_H
#define IOMMUSIM_DEVICE_H

#include <linux/iommu.h>
#include <linux/list.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>
#include <linux/xarray.h>

#include <linux/iommusim.h>

struct iommusim_group;
struct iommusim_resources;

/**
 * struct iommusim_context - where the DMA of one (device, PASID) goes
 * @domain: the domain attached, NULL for nowhere
 */
struct iommusim_context {
	struct iommu_domain *domain;
};

/**
 * struct iommusim_device - a simulated device
 * @dev: platform device, whose platform_data this is until the last reference to it is gone
 * @sim: the instance that it is behind, with a reference
 * @release: the platform bus's own release function of @dev
 * @dma_mask: highest address that the device can emit
 * @group_number: &iommusim_device_config.group
 * @not_coherent: &iommusim_device_config.not_coherent
 * @regions: reserved regions
 * @nr_regions: number of @regions
 * @resources: memory and an interrupt of it, or NULL
 * @node: in &iommusim.devices, protected by &iommusim.lock
 * @group: the group that the device shares, or NULL; protected by &iommusim.lock
 * @first_domain: the domain attached first, the default one; protected by the core's group->mutex
 * @lock: protects the members from @rid to @requests_enabled. A DMA reads it from
 *	iommusim_find_context() until its data is moved, so a domain that was detached is not in
 *	use any more. Taken in any context.
 * @rid: context of DMA without a PASID
 * @pasids: PASID -> &struct iommusim_context; changed under group->mutex. A context that was
 *	found under @lock lasts until @lock is released.
 * @attach_error: error code of attaches that fail
 * @attach_failures: how many more attaches fail
 * @requests_enabled: the device can make page requests
 * @sleepers: read by start_request() and access_process(), which use a context and sleep
 *	meanwhile. After a switch of a context iommusim_drain_requests() takes it for writing, which
 *	waits for them. Inside group->mutex, outside of @lock.
 * @requests: group number -> &struct iommusim_request that is not answered yet
 * @next_group: where xa_alloc_cyclic() of @requests goes on; protected by the array's lock
 */
struct iommusim_device {
	struct device *dev;
	struct iommusim *sim;
	void (*release)(struct device *dev);
	u64 dma_mask;
	u32 group_number;
	bool not_coherent;
	struct iommusim_region *regions;
	u32 nr_regions;
	struct iommusim_resources *resources;

	struct list_head node;
	struct iommusim_group *group;
	struct iommu_domain *first_domain;

	rwlock_t lock;
	struct iommusim_context rid;
	struct xarray pasids;
	int attach_error;
	unsigned int attach_failures;
	bool requests_enabled;

	struct rw_semaphore sleepers;
	struct xarray requests;
	u32 next_group;
};

struct iommusim_device *iommusim_device_alloc(struct iommusim *sim,
					      const struct iommusim_device_config *cfg);
void iommusim_device_adopt(struct iommusim_device *sdev, struct device *dev);
struct iommusim_device *iommusim_to_device(struct device *dev);
struct iommusim_context *iommusim_find_context(struct iommusim_device *sdev, u32 pasid);

#endif
