// SPDX-License-Identifier: GPL-2.0
/* struct iommu_ops and struct iommu_domain_ops: the calls that the IOMMU core makes. */
#include <linux/iommu.h>
#include <linux/module.h>

#include "attach.h"
#include "compat.h"
#include "device.h"
#include "domain.h"
#include "group.h"
#include "instance.h"
#include "ops.h"
#include "request.h"
#include "sva.h"

static int attach_domain(struct iommu_domain *domain, struct device *dev)
{
	return iommusim_set_context(dev, IOMMUSIM_NO_PASID, domain);
}
IOMMUSIM_DEFINE_ATTACH_OP(attach_domain);

static int set_pasid(struct iommu_domain *domain, struct device *dev, ioasid_t pasid)
{
	return iommusim_set_context(dev, pasid, domain);
}
IOMMUSIM_DEFINE_PASID_OP(set_pasid);

static int block_pasid(struct iommu_domain *domain, struct device *dev, ioasid_t pasid)
{
	iommusim_clear_context(dev, pasid);
	return 0;
}
IOMMUSIM_DEFINE_PASID_OP(block_pasid);

#define PAGING_OPS									\
	.attach_dev = IOMMUSIM_ATTACH_OP(attach_domain),				\
	.map_pages = iommusim_map_pages,						\
	.unmap_pages = iommusim_unmap_pages,						\
	.flush_iotlb_all = iommusim_flush_iotlb_all,					\
	.iotlb_sync = iommusim_iotlb_sync,						\
	.iova_to_phys = iommusim_iova_to_phys,						\
	.free = iommusim_domain_free

static const struct iommu_domain_ops paging_ops = {
	PAGING_OPS,
	.set_dev_pasid = IOMMUSIM_PASID_OP(set_pasid),
};

static const struct iommu_domain_ops paging_rid_ops = {
	PAGING_OPS,
};

static const struct iommu_domain_ops sva_ops = {
	.set_dev_pasid = IOMMUSIM_PASID_OP(set_pasid),
	.free = iommusim_sva_free,
};

static const struct iommu_domain_ops identity_ops = {
	.attach_dev = IOMMUSIM_ATTACH_OP(attach_domain),
	.set_dev_pasid = IOMMUSIM_PASID_OP(set_pasid),
};

static const struct iommu_domain_ops blocked_ops = {
	.attach_dev = IOMMUSIM_ATTACH_OP(attach_domain),
	.set_dev_pasid = IOMMUSIM_PASID_OP(block_pasid),
};

static struct iommu_domain identity_domain = {
	.type = IOMMU_DOMAIN_IDENTITY,
	.ops = &identity_ops,
};

static struct iommu_domain blocked_domain = {
	.type = IOMMU_DOMAIN_BLOCKED,
	.ops = &blocked_ops,
};

static struct iommu_domain *alloc_paging(struct device *dev)
{
	return iommusim_domain_alloc(iommusim_to_device(dev)->sim);
}

static struct iommu_domain *alloc_sva(struct device *dev, struct mm_struct *mm)
{
	return iommusim_sva_alloc(&sva_ops);
}

#ifdef IOMMUSIM_HAVE_ALLOC_PAGING_FLAGS
/*
 * IOMMUSIM_ALLOC_FLAG_PASID needs nothing, because PASIDs take a paging domain always or, with
 * IOMMUSIM_SVA_PASIDS_ONLY, never.
 */
static struct iommu_domain *alloc_paging_flags(struct device *dev, u32 flags,
					       const struct iommu_user_data *user_data)
{
	struct iommu_domain *domain;

	if ((flags & ~IOMMUSIM_ALLOC_FLAG_PASID) || user_data)
		return ERR_PTR(-EOPNOTSUPP);
	domain = alloc_paging(dev);
	/* iommufd calls this without the core, which would set them otherwise. */
	if (!IS_ERR_OR_NULL(domain)) {
		domain->type = IOMMU_DOMAIN_UNMANAGED;
		domain->ops = dev->iommu->iommu_dev->ops->default_domain_ops;
	}
	return domain;
}
#endif

#ifdef IOMMUSIM_HAVE_REMOVE_DEV_PASID
static void remove_pasid(struct device *dev, ioasid_t pasid, struct iommu_domain *domain)
{
	iommusim_clear_context(dev, pasid);
}
#endif

static bool is_capable(struct device *dev, enum iommu_cap cap)
{
	return cap == IOMMU_CAP_CACHE_COHERENCY && !iommusim_to_device(dev)->not_coherent;
}

#ifdef IOMMUSIM_HAVE_DEV_FEAT
/* Enabling does nothing, because config.features are always on. */
static int enable_feature(struct device *dev, enum iommu_dev_features feature)
{
	u32 features = iommusim_to_device(dev)->sim->config.features;
	u32 needed = feature == IOMMU_DEV_FEAT_SVA ? IOMMUSIM_SVA : IOMMUSIM_PAGE_REQUESTS;

	return features & needed ? 0 : -ENODEV;
}

static int disable_feature(struct device *dev, enum iommu_dev_features feature)
{
	return 0;
}

#define FEATURE_OPS	.dev_enable_feat = enable_feature, .dev_disable_feat = disable_feature,
#else
#define FEATURE_OPS
#endif

#ifdef IOMMUSIM_HAVE_ALLOC_PAGING_FLAGS
#define ALLOC_OPS	.domain_alloc_paging_flags = alloc_paging_flags,
#else
#define ALLOC_OPS
#endif

#ifdef IOMMUSIM_HAVE_REMOVE_DEV_PASID
#define PASID_OPS	.remove_dev_pasid = remove_pasid,
#else
#define PASID_OPS
#endif

static struct iommu_device *probe_device(struct device *dev)
{
	struct iommusim_device *sdev = iommusim_to_device(dev);

	return sdev ? &sdev->sim->iommu : ERR_PTR(-ENODEV);
}

/* The core has gone back to blocked_domain, but does not know PASIDs that were left attached. */
static void release_device(struct device *dev)
{
	struct iommusim_device *sdev = iommusim_to_device(dev);
	struct iommusim_context *context;
	unsigned long pasid;

	xa_for_each(&sdev->pasids, pasid, context)
		iommusim_clear_context(dev, pasid);
	iommusim_clear_context(dev, IOMMUSIM_NO_PASID);
	iommusim_requests_disable(sdev);
	sdev->first_domain = NULL;
	iommusim_group_leave(sdev);
}

static void get_resv_regions(struct device *dev, struct list_head *head)
{
	struct iommusim_device *sdev = iommusim_to_device(dev);
	struct iommu_resv_region *region;
	u32 i;

	for (i = 0; i < sdev->nr_regions; i++) {
		const struct iommusim_region *from = &sdev->regions[i];

		/*
		 * __GFP_NOFAIL, because get_resv_regions() cannot tell the core that one is
		 * missing.
		 */
		region = iommu_alloc_resv_region(from->first, from->last - from->first + 1,
						 from->prot, from->type,
						 GFP_KERNEL | __GFP_NOFAIL);
		list_add_tail(&region->list, head);
	}
}

/*
 * TABLE_NO_IDENTITY and the next two select among tables[], because users read struct iommu_ops to
 * learn what a driver can do.
 */
#define TABLE_NO_IDENTITY	BIT(0)
#define TABLE_SVA		BIT(1)
#define TABLE_SVA_PASIDS_ONLY	BIT(2)
#define NR_TABLES		8

/* Without CONFIG_IOMMU_DMA the core makes no default domain, so a driver must bring it along. */
#define DEFAULT_DOMAIN(table)								\
	((table) & TABLE_NO_IDENTITY && !IS_ENABLED(CONFIG_IOMMU_DMA) ? &identity_domain : NULL)

#define OPS(table)									\
	[table] = {									\
		.owner = THIS_MODULE,							\
		.capable = is_capable,							\
		.identity_domain = (table) & TABLE_NO_IDENTITY ? NULL : &identity_domain, \
		.default_domain = DEFAULT_DOMAIN(table),				\
		.blocked_domain = &blocked_domain,					\
		.release_domain = &blocked_domain,					\
		.domain_alloc_paging = alloc_paging,					\
		.domain_alloc_sva = (table) & TABLE_SVA ? alloc_sva : NULL,		\
		ALLOC_OPS								\
		PASID_OPS								\
		FEATURE_OPS								\
		.probe_device = probe_device,					\
		.probe_finalize = iommusim_requests_enable,				\
		.release_device = release_device,				\
		.device_group = iommusim_device_group,					\
		.get_resv_regions = get_resv_regions,				\
		.page_response = iommusim_page_response,				\
		.default_domain_ops = (table) & TABLE_SVA_PASIDS_ONLY ?			\
				      &paging_rid_ops : &paging_ops,			\
	}

/*
 * tables[] are shared by all instances, because the core lets devices share a domain only if they
 * have the same struct iommu_ops.
 */
static const struct iommu_ops tables[NR_TABLES] = {
	OPS(0), OPS(1), OPS(2), OPS(3), OPS(4), OPS(5), OPS(6), OPS(7),
};

const struct iommu_ops *iommusim_ops(const struct iommusim_config *config)
{
	unsigned int table = 0;

	if (config->quirks & IOMMUSIM_NO_IDENTITY)
		table |= TABLE_NO_IDENTITY;
	if (config->features & IOMMUSIM_SVA)
		table |= TABLE_SVA;
	if (config->quirks & IOMMUSIM_SVA_PASIDS_ONLY)
		table |= TABLE_SVA_PASIDS_ONLY;
	return &tables[table];
}
