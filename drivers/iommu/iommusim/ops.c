// SPDX-License-Identifier: GPL-2.0
/* What the IOMMU core calls. */
#include <linux/iommu.h>
#include <linux/module.h>

#include "compat.h"
#include "device.h"
#include "domain.h"
#include "instance.h"
#include "ops.h"

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

static const struct iommu_domain_ops paging_ops = {
	.attach_dev = IOMMUSIM_ATTACH_OP(attach_domain),
	.set_dev_pasid = IOMMUSIM_PASID_OP(set_pasid),
	.map_pages = iommusim_map_pages,
	.unmap_pages = iommusim_unmap_pages,
	.flush_iotlb_all = iommusim_flush_iotlb_all,
	.iotlb_sync = iommusim_iotlb_sync,
	.iova_to_phys = iommusim_iova_to_phys,
	.free = iommusim_domain_free,
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

#ifdef IOMMUSIM_HAVE_ALLOC_PAGING_FLAGS
/* Every paging domain can be attached to PASIDs. */
static struct iommu_domain *alloc_paging_flags(struct device *dev, u32 flags,
					       const struct iommu_user_data *user_data)
{
	if ((flags & ~IOMMUSIM_ALLOC_FLAG_PASID) || user_data)
		return ERR_PTR(-EOPNOTSUPP);
	return alloc_paging(dev);
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
	return cap == IOMMU_CAP_CACHE_COHERENCY;
}

static const struct iommu_ops identity_capable_ops = {
	.owner = THIS_MODULE,
	.capable = is_capable,
	.identity_domain = &identity_domain,
	.blocked_domain = &blocked_domain,
	.release_domain = &blocked_domain,
	.domain_alloc_paging = alloc_paging,
#ifdef IOMMUSIM_HAVE_ALLOC_PAGING_FLAGS
	.domain_alloc_paging_flags = alloc_paging_flags,
#endif
#ifdef IOMMUSIM_HAVE_REMOVE_DEV_PASID
	.remove_dev_pasid = remove_pasid,
#endif
	.probe_device = iommusim_probe_device,
	.release_device = iommusim_release_device,
	.device_group = iommusim_device_group,
	.get_resv_regions = iommusim_get_resv_regions,
	.default_domain_ops = &paging_ops,
};

/* Where the kernel has no DMA-API domains a driver must bring the default domain along. */
static const struct iommu_ops paging_only_ops = {
	.owner = THIS_MODULE,
	.capable = is_capable,
	.default_domain = IS_ENABLED(CONFIG_IOMMU_DMA) ? NULL : &identity_domain,
	.blocked_domain = &blocked_domain,
	.release_domain = &blocked_domain,
	.domain_alloc_paging = alloc_paging,
#ifdef IOMMUSIM_HAVE_ALLOC_PAGING_FLAGS
	.domain_alloc_paging_flags = alloc_paging_flags,
#endif
#ifdef IOMMUSIM_HAVE_REMOVE_DEV_PASID
	.remove_dev_pasid = remove_pasid,
#endif
	.probe_device = iommusim_probe_device,
	.release_device = iommusim_release_device,
	.device_group = iommusim_device_group,
	.get_resv_regions = iommusim_get_resv_regions,
	.default_domain_ops = &paging_ops,
};

const struct iommu_ops *iommusim_ops(u32 quirks)
{
	return quirks & IOMMUSIM_NO_IDENTITY ? &paging_only_ops : &identity_capable_ops;
}
