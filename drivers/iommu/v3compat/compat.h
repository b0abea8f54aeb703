/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The only place that knows which kernel this is built for.
 *
 * Feature tests come first; a kernel version decides only where the kernel leaves nothing to test at
 * compile time.
 */
#ifndef V3COMPAT_COMPAT_H
#define V3COMPAT_COMPAT_H

#include <linux/iommu.h>
#include <linux/version.h>

/* IOMMU_HWPT_ALLOC_PASID is an enumerator, absent from 6.12: the number is ABI. */
#define V3C_HWPT_ALLOC_PASID	8u

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 14, 0)
static inline struct iommu_domain *v3c_paging_domain_alloc(struct device *dev, bool pasid)
{
	return iommu_paging_domain_alloc_flags(dev, pasid ? V3C_HWPT_ALLOC_PASID : 0);
}
#else
/*
 * Every table format of these kernels takes the ordinary domain on a PASID where the driver takes a
 * paging domain at all, which it says by offering PASIDs.
 */
static inline struct iommu_domain *v3c_paging_domain_alloc(struct device *dev, bool pasid)
{
	if (pasid && !dev->iommu->max_pasids)
		return ERR_PTR(-EOPNOTSUPP);
	return iommu_paging_domain_alloc(dev);
}
#endif

#endif
