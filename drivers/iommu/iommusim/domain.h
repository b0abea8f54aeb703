/* SPDX-License-Identifier: GPL-2.0 */
#ifndef IOMMUSIM_DOMAIN_H
#define IOMMUSIM_DOMAIN_H

#include <linux/iommu.h>
#include <linux/kref.h>
#include <linux/spinlock.h>

#include "iotlb.h"
#include "record.h"
#include "table.h"

struct iommusim;

/**
 * struct iommusim_domain - a paging domain
 * @domain: as the IOMMU core knows the domain
 * @sim: the instance that it was allocated through, with a reference
 * @ref: the allocator's reference, and one for each attached context and each of @reports, so that
 *	freeing the domain too early is a warning and not a use after free
 * @attached: number of contexts attached
 * @reports: number of faults being reported; iommusim_domain_free() waits for them
 * @lock: read by each DMA from its translation until its data is moved, written by an invalidation:
 *	when that is done no DMA that used an old translation is under way, and unlinked tables have
 *	no reader. Inside &iommusim_device.lock. Taken in any context.
 * @iotlb: translations that DMAs used
 * @table: the page tables; maps and unmaps do not take @lock
 * @records: of maps, where a quirk keeps them
 * @geometry_lock: protects the members below, and the geometry and page sizes in @domain, which the
 *	core reads without
 * @sign_extend: addresses are sign-extended; constant
 * @aperture_bits: width of a translated address
 * @pgsize_bitmap: page sizes of the hardware; users may clear bits in that of @domain
 * @settled: the geometry is final; maps read this without @geometry_lock
 * @moved: the root has been moved or is being moved, see %IOMMUSIM_MOVING_ROOT
 * @highest: highest address mapped while the geometry was not @settled
 */
struct iommusim_domain {
	struct iommu_domain domain;
	struct iommusim *sim;
	struct kref ref;
	atomic_t attached;
	atomic_t reports;

	rwlock_t lock;
	struct iommusim_iotlb iotlb;
	struct iommusim_table table;

	struct iommusim_records records;

	spinlock_t geometry_lock;
	bool sign_extend;
	u8 aperture_bits;
	unsigned long pgsize_bitmap;
	bool settled;
	bool moved;
	atomic64_t highest;
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

#endif
