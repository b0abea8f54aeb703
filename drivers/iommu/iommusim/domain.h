/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _IOMMUSIM_DOMAIN_H
#define _IOMMUSIM_DOMAIN_H

#include <linux/iommu.h>
#include <linux/kref.h>
#include <linux/spinlock.h>

#include "iotlb.h"
#include "record.h"
#include "table.h"

struct iommusim;

/*
 * A paging domain. Contexts that are attached hold references, so that freeing it too early is a
 * warning and not a use after free.
 */
struct iommusim_domain {
	struct iommu_domain domain;
	struct iommusim *sim;		/* allocated through */
	struct kref ref;
	atomic_t attached;		/* contexts */
	atomic_t reports;		/* faults being reported; freeing waits for them */

	/*
	 * Held for reading by each DMA from its translation until its data is moved, for writing by
	 * an invalidation: when that is done no DMA that used an old translation is under way, and
	 * unlinked tables have no reader. Inside iommusim_device.lock. Taken in any context.
	 */
	rwlock_t lock;
	struct iommusim_iotlb iotlb;
	struct iommusim_table table;	/* maps and unmaps do not take @lock */

	struct iommusim_records records;

	spinlock_t geometry_lock;	/* protects all below; the core reads domain.* freely */
	bool sign_extend;		/* constant */
	u8 aperture_bits;
	unsigned long pgsize_bitmap;	/* of the hardware; users may clear bits in domain's */
	bool settled;			/* geometry is final; maps read it without the lock */
	bool moved;			/* the root has been, or is being */
	atomic64_t highest;		/* address mapped so far, while not settled */
};

struct iommu_domain *iommusim_domain_alloc(struct iommusim *sim);
struct iommusim_domain *iommusim_to_paging(struct iommu_domain *domain);
int iommusim_domain_attach(struct iommusim_domain *domain, struct iommusim *sim);
void iommusim_domain_detach(struct iommusim_domain *domain);

/* For struct iommu_domain_ops. */
void iommusim_domain_free(struct iommu_domain *core_domain);
int iommusim_map_pages(struct iommu_domain *core_domain, unsigned long iova, phys_addr_t phys,
		       size_t pgsize, size_t pgcount, int prot, gfp_t gfp, size_t *mapped);
size_t iommusim_unmap_pages(struct iommu_domain *core_domain, unsigned long iova, size_t pgsize,
			    size_t pgcount, struct iommu_iotlb_gather *gather);
void iommusim_iotlb_sync(struct iommu_domain *core_domain, struct iommu_iotlb_gather *gather);
void iommusim_flush_iotlb_all(struct iommu_domain *core_domain);
phys_addr_t iommusim_iova_to_phys(struct iommu_domain *core_domain, dma_addr_t iova);

void iommusim_domain_begin_report(struct iommusim_domain *domain);
void iommusim_domain_report(struct iommusim_domain *domain, struct device *dev, u64 iova,
			    bool write);
enum iommusim_fault_reason iommusim_domain_translate(struct iommusim_domain *domain,
						     struct iommusim *sim, u64 iova, bool write,
						     u64 *phys);

#endif /* _IOMMUSIM_DOMAIN_H */
