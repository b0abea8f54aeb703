/* SPDX-License-Identifier: GPL-2.0 */
/* Differences between the kernels that iommusim is built for, by feature, never by version. */
#ifndef IOMMUSIM_COMPAT_H
#define IOMMUSIM_COMPAT_H

#include <linux/iommu.h>
#include <linux/slab.h>

#include <v3compat/kcompat.h>

/*
 * attach_dev() and set_dev_pasid() have a parameter for the domain attached before, or have not.
 * IOMMUSIM_DEFINE_ATTACH_OP() and IOMMUSIM_DEFINE_PASID_OP() make both shapes of an operation that
 * is written without it, because the driver remembers that domain itself.
 */
#define IOMMUSIM_DEFINE_ATTACH_OP(fn)							\
static int __maybe_unused fn##_short(struct iommu_domain *domain, struct device *dev)	\
{											\
	return fn(domain, dev);								\
}											\
static int __maybe_unused fn##_long(struct iommu_domain *domain, struct device *dev,	\
				    struct iommu_domain *old)				\
{											\
	return fn(domain, dev);								\
}

#define IOMMUSIM_DEFINE_PASID_OP(fn)							\
static int __maybe_unused fn##_short(struct iommu_domain *domain, struct device *dev,	\
				     ioasid_t pasid)					\
{											\
	return fn(domain, dev, pasid);							\
}											\
static int __maybe_unused fn##_long(struct iommu_domain *domain, struct device *dev,	\
				    ioasid_t pasid, struct iommu_domain *old)		\
{											\
	return fn(domain, dev, pasid);							\
}

#define IOMMUSIM_DOMAIN_OP_IS(member, type)						\
	__builtin_types_compatible_p(typeof(((struct iommu_domain_ops *)0)->member), type)

#define IOMMUSIM_ATTACH_OP(fn)								\
	__builtin_choose_expr(								\
		IOMMUSIM_DOMAIN_OP_IS(attach_dev,					\
				      int (*)(struct iommu_domain *, struct device *)),	\
		fn##_short, fn##_long)

#define IOMMUSIM_PASID_OP(fn)								\
	__builtin_choose_expr(								\
		IOMMUSIM_DOMAIN_OP_IS(set_dev_pasid,					\
				      int (*)(struct iommu_domain *, struct device *,	\
					      ioasid_t)),				\
		fn##_short, fn##_long)

/*
 * A bit of domain_alloc_paging_flags(). IOMMU_HWPT_ALLOC_PASID is an enumerator, and only on
 * kernels that have the call.
 */
#define IOMMUSIM_ALLOC_FLAG_PASID	BIT(3)

#ifndef kzalloc_obj
#define kzalloc_obj(obj)		kzalloc(sizeof(obj), GFP_KERNEL)
#endif

#endif
