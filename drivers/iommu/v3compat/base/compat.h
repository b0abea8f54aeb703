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
#include <linux/mutex.h>
#include <linux/version.h>

/* IOMMU_HWPT_ALLOC_PASID is an enumerator, absent from 6.12: the number is ABI. */
#define V3C_HWPT_ALLOC_PASID	8u

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 14, 0)
static inline struct iommu_domain *v3c_paging_domain_alloc(struct device *dev, bool pasid)
{
	return iommu_paging_domain_alloc_flags(dev, pasid ? V3C_HWPT_ALLOC_PASID : 0);
}

/* What the core asks for before it attaches a domain to a PASID. */
static inline bool v3c_domain_takes_pasids(const struct iommu_domain *domain, struct device *dev)
{
	const struct iommu_domain *blocked = dev->iommu->iommu_dev->ops->blocked_domain;

	return domain->ops->set_dev_pasid && blocked && blocked->ops->set_dev_pasid;
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

static inline bool v3c_domain_takes_pasids(const struct iommu_domain *domain, struct device *dev)
{
	return domain->ops->set_dev_pasid;
}
#endif

/* Whether VT-d's first attach of a table takes levels of it apart that the IOMMU does not need. */
#define V3C_VTD_ATTACH_REBUILDS	(LINUX_VERSION_CODE < KERNEL_VERSION(6, 14, 0))

/*
 * Whether the core refuses interrupt vectors to a device while a domain of a module translates for it.
 * The others let the device have them, with the physical address of the doorbell in their messages.
 */
static inline bool v3c_core_checks_msi(void)
{
	return LINUX_VERSION_CODE >= KERNEL_VERSION(6, 15, 0);
}

/*
 * Kernels that still have the call want to be told before the first bond with a process; the others do
 * what is needed by themselves.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 16, 0)
/* On x86 nothing takes stale kernel mappings out of device TLBs: later ones of these kernels refuse. */
static inline bool v3c_sva_supported(struct device *dev)
{
	return IS_ENABLED(CONFIG_IOMMU_SVA) && !IS_ENABLED(CONFIG_X86) &&
	       dev->iommu->iommu_dev->ops->domain_alloc_sva;
}

/* The same for page requests. */
static inline int v3c_iopf_enable(struct device *dev)
{
	return iommu_dev_enable_feature(dev, IOMMU_DEV_FEAT_IOPF);
}

static inline void v3c_iopf_disable(struct device *dev)
{
	iommu_dev_disable_feature(dev, IOMMU_DEV_FEAT_IOPF);
}

static inline int v3c_sva_enable(struct device *dev)
{
	return iommu_dev_enable_feature(dev, IOMMU_DEV_FEAT_SVA);
}

static inline void v3c_sva_disable(struct device *dev)
{
	iommu_dev_disable_feature(dev, IOMMU_DEV_FEAT_SVA);
}
#else
static inline int v3c_iopf_enable(struct device *dev)
{
	return 0;
}

static inline void v3c_iopf_disable(struct device *dev)
{
}

static inline bool v3c_sva_supported(struct device *dev)
{
	return IS_ENABLED(CONFIG_IOMMU_SVA) && dev->iommu->iommu_dev->ops->domain_alloc_sva;
}

static inline int v3c_sva_enable(struct device *dev)
{
	return 0;
}

static inline void v3c_sva_disable(struct device *dev)
{
}
#endif

/*
 * Takes a group off the core's list, whence the core would answer it and free it when the device is
 * taken off its queue. The core's call for it is younger than the first kernels served here.
 */
static inline void v3c_iopf_dequeue(struct iopf_group *group)
{
	guard(mutex)(&group->fault_param->lock);
	list_del_init(&group->pending_node);
}

/* The kernels without that call answer only what is on the list; the others do not care. */
static inline void v3c_iopf_answer(struct iopf_group *group, enum iommu_page_response_code code)
{
	scoped_guard(mutex, &group->fault_param->lock)
		list_add(&group->pending_node, &group->fault_param->faults);
	iopf_group_response(group, code);
	iopf_free_group(group);
}

#endif
