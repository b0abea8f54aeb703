/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_CREATE_H
#define V3COMPAT_CREATE_H

#include "base/status.h"

struct v3c_domain;

NTSTATUS v3c_domain_create(IOMMU_DMA_DOMAIN_TYPE type,
			   const IOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG *allocator,
			   const IOMMU_DMA_RESERVED_REGION *regions,
			   struct v3c_domain **out, struct v3c_why *why);
NTSTATUS v3c_domain_destroy(struct v3c_domain *domain, struct v3c_why *why);
void v3c_domain_reclaim_leaked(void);

#endif
