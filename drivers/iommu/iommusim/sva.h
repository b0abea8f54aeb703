/* SPDX-License-Identifier: GPL-2.0 */
#ifndef IOMMUSIM_SVA_H
#define IOMMUSIM_SVA_H

#include <linux/iommu.h>
#include <linux/types.h>

#include <linux/iommusim.h>

struct mm_struct;

struct iommu_domain *iommusim_sva_alloc(const struct iommu_domain_ops *ops);
void iommusim_sva_free(struct iommu_domain *domain);
enum iommusim_fault_reason iommusim_sva_access(struct mm_struct *mm, u64 address, void *buf,
					       size_t len, bool write);

#endif
