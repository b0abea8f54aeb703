// SPDX-License-Identifier: GPL-2.0
#include <linux/highmem.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/sizes.h>

#include "compat.h"
#include "device.h"
#include "domain.h"
#include "instance.h"

struct dma {
	struct iommusim_device *sdev;
	u32 pasid;
	u64 address;
	void *buf;
	bool write;
};

/*
 * Holes and firmware tables have a struct page too, but a reserved one. So has the kernel image,
 * which no driver has reason to hand to a device.
 */
static enum iommusim_fault_reason access_memory(const struct dma *dma, u64 phys, size_t len)
{
	struct page *page = pfn_to_online_page(PHYS_PFN(phys));
	size_t offset = offset_in_page(phys);

	if (!page || PageReserved(page))
		return IOMMUSIM_FAULT_PHYS;
	if (dma->write)
		memcpy_to_page(page, offset, dma->buf, len);
	else
		memcpy_from_page(dma->buf, page, offset, len);
	return IOMMUSIM_OK;
}

static enum iommusim_fault_reason access_paging(const struct dma *dma,
						struct iommusim_domain *domain, size_t len)
{
	enum iommusim_fault_reason reason;
	u64 phys;

	read_lock(&domain->lock);
	reason = iommusim_domain_translate(domain, dma->sdev->sim, dma->address, dma->write, &phys);
	if (reason == IOMMUSIM_OK)
		reason = access_memory(dma, phys, len);
	read_unlock(&domain->lock);
	return reason;
}

static bool is_in_msi_window(const struct iommusim_device *sdev, u64 address)
{
	u32 i;

	for (i = 0; i < sdev->nr_regions; i++) {
		const struct iommusim_region *region = &sdev->regions[i];

		if (region->type == IOMMU_RESV_MSI && address >= region->first &&
		    address <= region->last)
			return true;
	}
	return false;
}

static enum iommusim_fault_reason access_domain(const struct dma *dma, size_t len)
{
	struct iommusim_context *context = iommusim_find_context(dma->sdev, dma->pasid);
	struct iommu_domain *domain = context ? context->domain : NULL;
	struct iommusim_domain *paging;

	if (!domain)
		return dma->pasid == IOMMUSIM_NO_PASID ? IOMMUSIM_FAULT_BLOCKED :
							 IOMMUSIM_FAULT_PASID;
	if (domain->type == IOMMU_DOMAIN_BLOCKED)
		return IOMMUSIM_FAULT_BLOCKED;
	if (is_in_msi_window(dma->sdev, dma->address))
		return IOMMUSIM_FAULT_PHYS;
	paging = iommusim_to_paging(domain);
	return paging ? access_paging(dma, paging, len) : access_memory(dma, dma->address, len);
}

/* Inside one 4 KiB page, all or nothing. */
static enum iommusim_fault_reason access_page(const struct dma *dma, size_t len)
{
	enum iommusim_fault_reason reason;
	unsigned long flags;

	if (dma->address + len - 1 > dma->sdev->dma_mask)
		return IOMMUSIM_FAULT_ADDRESS_SIZE;
	read_lock_irqsave(&dma->sdev->lock, flags);
	reason = access_domain(dma, len);
	read_unlock_irqrestore(&dma->sdev->lock, flags);
	return reason;
}

static int access_range(struct dma *dma, size_t len, struct iommusim_fault *fault)
{
	enum iommusim_fault_reason reason = IOMMUSIM_OK;

	while (len && reason == IOMMUSIM_OK) {
		size_t part = min_t(size_t, len, SZ_4K - (dma->address & (SZ_4K - 1)));

		reason = access_page(dma, part);
		if (reason != IOMMUSIM_OK)
			break;
		dma->address += part;
		dma->buf += part;
		len -= part;
		/* Past the last of all addresses there is nothing; do not go on at 0. */
		if (len && !dma->address) {
			dma->address = U64_MAX;
			reason = IOMMUSIM_FAULT_ADDRESS_SIZE;
		}
	}
	if (fault)
		*fault = (struct iommusim_fault) {
			.reason = reason,
			.address = dma->address,
			.pasid = dma->pasid,
			.write = dma->write,
		};
	return reason == IOMMUSIM_OK ? 0 : -EFAULT;
}

/**
 * iommusim_dma_read() - let a device read memory
 * @dev: from iommusim_device_create(); the caller holds a reference
 * @pasid: PASID of the access, or %IOMMUSIM_NO_PASID
 * @address: as the device says it
 * @buf: where the data goes
 * @len: bytes; may cross pages
 * @fault: set to how it ended, when not NULL
 *
 * Translates 4 KiB by 4 KiB through the modelled IOTLB and copies what could be translated before
 * the first fault, nothing beyond. Safe against everything else done to the device and its
 * domains meanwhile.
 *
 * Context: any.
 * Return: 0; -EFAULT for a fault; -ENODEV when @dev is no simulated device (@fault is untouched).
 */
int iommusim_dma_read(struct device *dev, u32 pasid, u64 address, void *buf, size_t len,
		      struct iommusim_fault *fault)
{
	struct dma dma = {
		.sdev = iommusim_to_device(dev),
		.pasid = pasid,
		.address = address,
		.buf = buf,
	};

	return dma.sdev ? access_range(&dma, len, fault) : -ENODEV;
}
V3C_EXPORT_NS_GPL(iommusim_dma_read, IOMMUSIM);

/**
 * iommusim_dma_write() - let a device write memory
 * @dev: from iommusim_device_create(); the caller holds a reference
 * @pasid: PASID of the access, or %IOMMUSIM_NO_PASID
 * @address: as the device says it
 * @buf: the data
 * @len: bytes; may cross pages
 * @fault: set to how it ended, when not NULL
 *
 * As iommusim_dma_read(), the other way.
 *
 * Context: any.
 * Return: 0; -EFAULT for a fault; -ENODEV when @dev is no simulated device (@fault is untouched).
 */
int iommusim_dma_write(struct device *dev, u32 pasid, u64 address, const void *buf, size_t len,
		       struct iommusim_fault *fault)
{
	struct dma dma = {
		.sdev = iommusim_to_device(dev),
		.pasid = pasid,
		.address = address,
		.buf = (void *)buf,
		.write = true,
	};

	return dma.sdev ? access_range(&dma, len, fault) : -ENODEV;
}
V3C_EXPORT_NS_GPL(iommusim_dma_write, IOMMUSIM);
