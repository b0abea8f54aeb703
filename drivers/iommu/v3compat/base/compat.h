/* SPDX-License-Identifier: GPL-2.0 */
/*
 * compat.h is the only file of v3compat that tests which kernel it is built for.
 *
 * Feature tests come first; a kernel version decides only where the kernel leaves nothing to test
 * at compile time.
 */
#ifndef V3COMPAT_COMPAT_H
#define V3COMPAT_COMPAT_H

#include <linux/iommu.h>
#include <linux/mutex.h>
#include <linux/version.h>

/* V3C_UNBOUND_WQ: system_unbound_wq logs that it is deprecated where there is another name. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 17, 0)
#define V3C_UNBOUND_WQ	system_dfl_wq
#else
#define V3C_UNBOUND_WQ	system_unbound_wq
#endif

/* IOMMU_HWPT_ALLOC_PASID is an enumerator, absent from 6.12: the number is ABI. */
#define V3C_HWPT_ALLOC_PASID	8u

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 14, 0)
static inline struct iommu_domain *v3c_paging_domain_alloc(struct device *dev, bool pasid)
{
	return iommu_paging_domain_alloc_flags(dev, pasid ? V3C_HWPT_ALLOC_PASID : 0);
}

/* iommu_attach_device_pasid() demands these calls of the driver. */
static inline bool v3c_core_table_takes_pasids(const struct iommu_domain *core,
					       struct device *dev)
{
	const struct iommu_domain *blocked = dev->iommu->iommu_dev->ops->blocked_domain;

	return core->ops->set_dev_pasid && blocked && blocked->ops->set_dev_pasid;
}
#else
/*
 * Before 6.14 no flag asks for a table that fits PASIDs, because drivers take the ordinary domain
 * in any table format. They take paging domains on PASIDs only if they offer PASIDs, see
 * @max_pasids.
 */
static inline struct iommu_domain *v3c_paging_domain_alloc(struct device *dev, bool pasid)
{
	if (pasid && !dev->iommu->max_pasids)
		return ERR_PTR(-EOPNOTSUPP);
	return iommu_paging_domain_alloc(dev);
}

static inline bool v3c_core_table_takes_pasids(const struct iommu_domain *core,
					       struct device *dev)
{
	return core->ops->set_dev_pasid;
}
#endif

/*
 * v3c_gather_has_tables(): an IOMMU driver has left tables in @gather, to be freed by a sync. Later
 * kernels have a struct of its own around the list.
 */
static inline bool v3c_gather_has_tables(const struct iommu_iotlb_gather *gather)
{
	static_assert(sizeof(gather->freelist) == sizeof(struct list_head));
	return !list_empty((const struct list_head *)&gather->freelist);
}

/*
 * V3C_VTD_ATTACH_REBUILDS: VT-d's first attach takes levels off a table that the IOMMU does not
 * need.
 */
#define V3C_VTD_ATTACH_REBUILDS	(LINUX_VERSION_CODE < KERNEL_VERSION(6, 14, 0))

/*
 * v3c_core_checks_msi(): the core refuses interrupt vectors to a device while a domain of a module
 * translates for it. Older kernels grant them, and the device's messages go to the physical address
 * of the doorbell.
 */
static inline bool v3c_core_checks_msi(void)
{
	return LINUX_VERSION_CODE >= KERNEL_VERSION(6, 15, 0);
}

/*
 * iommu_dev_enable_feature() must be called, in kernels that have it, before the first bond with a
 * process. Later kernels do what is needed by themselves.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 16, 0)
/*
 * v3c_sva_supported() refuses SVA on x86, as the later of these kernels do, because nothing takes
 * stale kernel mappings out of device TLBs.
 */
static inline bool v3c_sva_supported(struct device *dev)
{
	return IS_ENABLED(CONFIG_IOMMU_SVA) && !IS_ENABLED(CONFIG_X86) &&
	       dev->iommu->iommu_dev->ops->domain_alloc_sva;
}

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
 * v3c_iopf_dequeue() takes @group off the core's list. Otherwise iopf_queue_remove_device() would
 * answer and free it. Not every kernel that is supported has the core's own iopf_group_dequeue().
 */
static inline void v3c_iopf_dequeue(struct iopf_group *group)
{
	guard(mutex)(&group->fault_param->lock);
	list_del_init(&group->pending_node);
}

/*
 * v3c_iopf_answer() puts @group back first, because kernels without iopf_group_dequeue() answer
 * only what is on the list. The others answer in any case.
 */
static inline void v3c_iopf_answer(struct iopf_group *group, enum iommu_page_response_code code)
{
	scoped_guard(mutex, &group->fault_param->lock)
		list_add(&group->pending_node, &group->fault_param->faults);
	iopf_group_response(group, code);
	iopf_free_group(group);
}

#endif
