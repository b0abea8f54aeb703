// SPDX-License-Identifier: GPL-2.0
/*
 * &struct v3c_attachment: a PASID attached to one page table of a domain.
 */
#include <linux/iommu.h>
#include <linux/slab.h>

#include "base/iommus.h"
#include "base/owner.h"
#include "base/topology.h"
#include "core/attachment.h"
#include "core/device.h"
#include "core/domain.h"
#include "core/fault.h"
#include "core/pasid.h"
#include "table/hwpt.h"

/**
 * v3c_attachment_new() - allocate an attachment of a PASID
 * @pasid: the sub-device
 * @domain: what it will be attached to
 *
 * Context: may sleep; under v3c_topology.
 * Return: the attachment, for kfree() while nothing is attached by it; or NULL without memory.
 */
struct v3c_attachment *v3c_attachment_new(const struct v3c_pasid *pasid, struct v3c_domain *domain)
{
	struct v3c_attachment *attachment;

	lockdep_assert_held(&v3c_topology);

	attachment = kzalloc(sizeof(*attachment), v3c_owner_gfp(pasid->handle.owner));
	if (!attachment)
		return NULL;
	INIT_LIST_HEAD(&attachment->entry);
	attachment->device = pasid->device;
	attachment->dev = pasid->device->pdo;
	attachment->number = pasid->number;
	attachment->suppress = pasid->device->suppress;
	attachment->domain = domain;
	return attachment;
}

/**
 * v3c_attachment_attach() - let a page table translate for a PASID
 * @attachment: not attached
 * @hwpt: a table of its domain
 *
 * Context: may sleep; under the domain's mutex, without v3c_topology.
 * Return: 0; -EINVAL, -EOPNOTSUPP or -ENODEV when the IOMMU wants another table, or none, for
 * PASIDs; or what the IOMMU driver said.
 */
int v3c_attachment_attach(struct v3c_attachment *attachment, struct v3c_hwpt *hwpt)
{
	int ret;

	lockdep_assert_held(&attachment->domain->mutex);

	attachment->hwpt = hwpt;
	v3c_fault_open(&attachment->faults, &attachment->device->reporter, attachment->domain, hwpt,
		       attachment->number, attachment->suppress);
	ret = iommu_attach_device_pasid(hwpt->core, attachment->dev, attachment->number,
					&attachment->faults.handle);
	if (ret) {
		v3c_fault_close(&attachment->faults);
		return ret;
	}
	if (v3c_iommu_sends_tags(attachment->dev))
		return 0;
	v3c_attachment_detach(attachment);
	return -EOPNOTSUPP;
}

/*
 * v3c_attachment_detach() undoes v3c_attachment_attach(). No TLB has a translation of the PASID
 * afterwards. The IOMMU driver may wait for page requests of any process that its IOMMU serves.
 */
void v3c_attachment_detach(struct v3c_attachment *attachment)
{
	/*
	 * v3c_fault_close() first answers the page requests, because one of a PASID that is
	 * detached cannot be answered.
	 */
	v3c_fault_close(&attachment->faults);
	iommu_detach_device_pasid(attachment->hwpt->core, attachment->dev, attachment->number);
}
