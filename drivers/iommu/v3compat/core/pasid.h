/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_PASID_H
#define V3COMPAT_PASID_H

#include <linux/list.h>

#include "base/handle.h"
#include "base/topology.h"
#include "base/why.h"

struct iommu_sva;
struct v3c_attachment;
struct v3c_device;
struct v3c_group;

/**
 * struct v3c_pasid - what a caller knows as IOMMU_DMA_PASID_DEVICE
 * @handle: first, see &struct v3c_handle
 * @device: whose sub-device it is; constant, and outlives it
 * @entry: in the device's list, under v3c_topology
 * @number: the PASID; constant. From the global allocator, or the process' own where it was made
 *	for one
 * @of_process: made for a process, and good for nothing else; constant
 * @group: the group that it is attached in, or NULL, under v3c_topology
 * @attachment: to a domain, or NULL, under v3c_topology
 * @sva: bond with a process, or NULL, under v3c_topology
 * @busy: somebody is attaching, binding or detaching it, with v3c_topology released; nobody else
 *	does anything with it then. Under v3c_topology
 */
struct v3c_pasid {
	struct v3c_handle handle;
	struct v3c_device *device;
	struct list_head entry;
	u32 number;
	bool of_process;
	struct v3c_group *group;
	struct v3c_attachment *attachment;
	struct iommu_sva *sva;
	bool busy;
};

extern struct v3c_pool v3c_pasid_pool;

static inline struct v3c_pasid *v3c_to_pasid(const void *handle)
{
	return v3c_handle_is(handle, V3C_KIND_PASID) ? (struct v3c_pasid *)handle : NULL;
}

/* v3c_pasid_is_attached() is called under v3c_topology. */
static inline bool v3c_pasid_is_attached(const struct v3c_pasid *pasid)
{
	lockdep_assert_held(&v3c_topology);

	return pasid->attachment || pasid->sva;
}

enum v3c_reason v3c_pasid_create(struct v3c_device *device, struct v3c_pasid **out,
				 struct v3c_why *why);
enum v3c_reason v3c_pasid_destroy(struct v3c_pasid *pasid, struct v3c_why *why);

enum v3c_reason v3c_pasid_check_parent(struct v3c_device *device, struct v3c_why *why);
enum v3c_reason v3c_pasid_alloc(struct v3c_device *device, struct v3c_pasid **out,
				struct v3c_why *why);
void v3c_pasid_enlist(struct v3c_pasid *pasid, struct v3c_device *device, bool of_process);
void v3c_pasid_free(struct v3c_pasid *pasid);
bool v3c_pasids_attached(struct v3c_device *device);

#endif
