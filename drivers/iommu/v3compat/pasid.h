/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_PASID_H
#define V3COMPAT_PASID_H

#include <linux/iommu.h>
#include <linux/list.h>

#include "fault.h"
#include "handle.h"
#include "status.h"

struct mm_struct;
struct v3c_device;
struct v3c_domain;
struct v3c_group;
struct v3c_hwpt;

/**
 * struct v3c_attachment - a PASID that is, or was, attached to a domain
 * @handle: by which the IOMMU core names it; what a fault handler is given
 * @entry: in its domain's list, under v3c_topology and the domain's mutex
 * @dev: the device; constant, valid while attached
 * @number: the PASID; constant
 * @suppress: faults of it are not reported; constant
 * @domain: whom it is attached to; constant, valid while attached
 * @hwpt: the page table that serves it; set before the IOMMU core knows @handle, and valid while
 *	attached
 * @device: whose PASID it is; constant
 * @faults: names it as a source of faults, while attached
 *
 * Made anew for each attach: what is late for one attachment must not be taken for the next. Once it is
 * detached nobody looks at it any more: the IOMMU driver has waited for those that found @handle, and
 * v3c_fault_close() for those that answer.
 */
struct v3c_attachment {
	struct iommu_attach_handle handle;
	struct list_head entry;
	struct device *dev;
	u32 number;
	bool suppress;
	struct v3c_domain *domain;
	struct v3c_hwpt *hwpt;
	struct v3c_device *device;
	struct v3c_fault_target faults;
};

/**
 * struct v3c_pasid - what a caller knows as IOMMU_DMA_PASID_DEVICE
 * @handle: first, see &struct v3c_handle
 * @device: whose sub-device it is; constant, and outlives it
 * @entry: in the device's list, under v3c_topology
 * @number: the PASID; constant. From the global allocator, or the process' own where it was made for one
 * @of_process: made for a process, and good for nothing else; constant
 * @group: how it is attached, or NULL, under v3c_topology
 * @attachment: to a domain, or NULL, under v3c_topology
 * @sva: bond with a process, or NULL, under v3c_topology
 * @busy: somebody is attaching, binding or detaching it, with v3c_topology released; nobody else does
 *	anything with it then. Under v3c_topology
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

extern struct v3c_pool v3c_pasids;

static inline struct v3c_pasid *v3c_to_pasid(PIOMMU_DMA_PASID_DEVICE handle)
{
	return v3c_handle_is(handle, V3C_KIND_PASID) ? (struct v3c_pasid *)handle : NULL;
}

bool v3c_pasid_supported(struct device *dev);

NTSTATUS v3c_pasid_create(struct v3c_device *device, struct v3c_pasid **out, struct v3c_why *why);
NTSTATUS v3c_pasid_create_sva(struct v3c_device *device, struct mm_struct *mm,
			      struct v3c_pasid **out, struct v3c_why *why);
NTSTATUS v3c_pasid_destroy(struct v3c_pasid *pasid, struct v3c_why *why);
NTSTATUS v3c_pasid_attach(struct v3c_domain *domain, struct v3c_pasid *pasid, struct v3c_why *why);
NTSTATUS v3c_pasid_detach(struct v3c_pasid *pasid, struct v3c_why *why);

int v3c_attachment_attach(struct v3c_attachment *attachment, struct v3c_hwpt *hwpt);
void v3c_attachment_detach(struct v3c_attachment *attachment);

bool v3c_pasids_attached(struct v3c_device *device);
bool v3c_pasids_detach_one(struct v3c_device *device);
void v3c_pasids_reclaim(struct v3c_device *device);

#endif
