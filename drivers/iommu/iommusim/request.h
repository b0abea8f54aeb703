/* SPDX-License-Identifier: GPL-2.0 */
#ifndef IOMMUSIM_REQUEST_H
#define IOMMUSIM_REQUEST_H

#include <linux/iommu.h>
#include <linux/types.h>

struct iommusim_device;

void iommusim_requests_enable(struct device *dev);
void iommusim_requests_disable(struct iommusim_device *sdev);
void iommusim_drain_requests(struct iommusim_device *sdev, u32 pasid);
bool iommusim_takes_requests(struct iommusim_device *sdev, const struct iommu_domain *domain);
int iommusim_send_requests(struct iommusim_device *sdev, u32 pasid, const u64 *addresses,
			   unsigned int count, u32 perm, enum iommu_page_response_code *response);

/* For struct iommu_ops. */
void iommusim_page_response(struct device *dev, struct iopf_fault *fault,
			    struct iommu_page_response *response);

#endif
