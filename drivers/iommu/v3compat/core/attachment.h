/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_ATTACHMENT_H
#define V3COMPAT_ATTACHMENT_H

#include <linux/list.h>
#include <linux/types.h>

#include "core/fault.h"

struct v3c_device;
struct v3c_domain;
struct v3c_hwpt;
struct v3c_pasid;

/**
 * struct v3c_attachment - a PASID that is, or was, attached to a domain
 * @entry: in its domain's list, under v3c_topology and the domain's mutex
 * @dev: the device; constant, valid while attached
 * @number: the PASID; constant
 * @suppress: faults of it are not reported; constant
 * @domain: whom it is attached to; constant, valid while attached
 * @hwpt: the page table that serves it; set before the IOMMU core knows @faults, and valid while
 *	attached
 * @device: whose PASID it is; constant
 * @faults: names it as a source of faults, while attached
 *
 * Made anew for each attach, because a fault that is late for one attachment must not be taken for
 * one of the next. Once the PASID is detached nobody looks at it any more: the IOMMU driver has
 * waited for those that found @faults, and v3c_fault_close() for those that answer.
 */
struct v3c_attachment {
	struct list_head entry;
	struct device *dev;
	u32 number;
	bool suppress;
	struct v3c_domain *domain;
	struct v3c_hwpt *hwpt;
	struct v3c_device *device;
	struct v3c_fault_target faults;
};

struct v3c_attachment *v3c_attachment_new(const struct v3c_pasid *pasid, struct v3c_domain *domain);
int v3c_attachment_attach(struct v3c_attachment *attachment, struct v3c_hwpt *hwpt);
void v3c_attachment_detach(struct v3c_attachment *attachment);

#endif
