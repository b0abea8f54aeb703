/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _IOMMUSIM_DEVICE_H
#define _IOMMUSIM_DEVICE_H

#include <linux/iommu.h>
#include <linux/list.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>
#include <linux/xarray.h>

#include <linux/iommusim.h>

struct iommusim_group;

/* Where the DMA of one (device, PASID) goes. */
struct iommusim_context {
	struct iommu_domain *domain;	/* NULL: nowhere */
};

/* Lives as the platform_data of its platform device, until the last reference to that is gone. */
struct iommusim_device {
	struct device *dev;
	struct iommusim *sim;
	void (*release)(struct device *dev);	/* of the platform bus */
	u64 dma_mask;
	u32 group_number;
	struct iommusim_region *regions;
	u32 nr_regions;

	struct list_head node;			/* protected by sim->lock */
	struct iommusim_group *group;		/* protected by sim->lock; NULL: of its own */
	struct iommu_domain *first_domain;	/* the default one; protected by group->mutex */

	/*
	 * Read by each DMA from finding its context until its data is moved, so a domain that was
	 * detached is not in use any more. Protects all below. Taken in any context; the PASID
	 * array is changed under group->mutex also.
	 */
	rwlock_t lock;
	struct iommusim_context rid;
	struct xarray pasids;			/* struct iommusim_context */
	int attach_error;
	unsigned int attach_failures;		/* how many more attaches fail */
	bool requests_enabled;			/* the device can make page requests */

	/*
	 * Held for reading by what uses a context and sleeps meanwhile: the sending of page
	 * requests and the walk of a process' memory. Whoever switched a context takes it for
	 * writing once. Inside group->mutex, outside of @lock.
	 */
	struct rw_semaphore sleepers;
	struct xarray requests;			/* struct iommusim_request, not answered yet */
	u32 next_group;				/* protected by the array's lock */
};

struct iommusim_device *iommusim_device_alloc(struct iommusim *sim,
					      const struct iommusim_device_config *cfg);
void iommusim_device_adopt(struct iommusim_device *sdev, struct device *dev);
struct iommusim_device *iommusim_to_device(struct device *dev);
struct iommusim_context *iommusim_find_context(struct iommusim_device *sdev, u32 pasid);

#endif /* _IOMMUSIM_DEVICE_H */
