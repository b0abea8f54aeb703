// SPDX-License-Identifier: GPL-2.0
#include <linux/lockdep.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sizes.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "device.h"
#include "domain.h"
#include "instance.h"
#include "request.h"
#include "sva.h"

/* A DMA asks MAX_REQUESTS times for a page that it gets and loses again, then it gives up. */
#define MAX_REQUESTS	8

/**
 * struct iommusim_dma - a DMA under way
 * @sdev: the device that makes it
 * @pasid: PASID of the DMA, or IOMMUSIM_NO_PASID
 * @address: what the device accesses next
 * @buf: where the data of @address comes from or goes
 * @write: the device writes memory
 * @may_sleep: the DMA may sleep, and ask for pages
 * @requests: page requests that may still be made for this page
 * @is_process: the context reaches the memory of a process
 * @recoverable: ask for the page that was refused and try again
 * @refused: the domain that has refused and is to be told, or NULL
 */
struct iommusim_dma {
	struct iommusim_device *sdev;
	u32 pasid;
	u64 address;
	void *buf;
	bool write;
	bool may_sleep;
	unsigned int requests;

	bool is_process;
	bool recoverable;
	struct iommusim_domain *refused;
};

/* copy_to_kernel_nofault(), which modules cannot call. */
static bool write_nofault(void *to, const void *from, size_t len)
{
	bool words = IS_ENABLED(CONFIG_HAVE_EFFICIENT_UNALIGNED_ACCESS) ||
		     IS_ALIGNED((unsigned long)to | (unsigned long)from, sizeof(u64));

	pagefault_disable();
	for (; words && len >= sizeof(u64); len -= sizeof(u64)) {
		__put_kernel_nofault(to, from, u64, err_fault);
		to += sizeof(u64);
		from += sizeof(u64);
	}
	for (; len; len--, to++, from++)
		__put_kernel_nofault(to, from, u8, err_fault);
	pagefault_enable();
	return true;

err_fault:
	pagefault_enable();
	return false;
}

/*
 * PageReserved() keeps a DMA from holes and firmware tables, which have a struct page too, and from
 * the kernel image, which no driver has reason to hand to a device. Other pages may be missing in
 * the kernel's direct map at any time (secret memory, poisoned pages, pages of a guest), so
 * write_nofault() and copy_from_kernel_nofault() move the data. They are not instrumented, so KASAN
 * says nothing of a DMA. page_address() always has an answer, because there is no high memory where
 * iommusim can be built.
 */
static enum iommusim_fault_reason access_memory(const struct iommusim_dma *dma, u64 phys,
						size_t len)
{
	struct page *page = pfn_to_online_page(PHYS_PFN(phys));
	bool moved;
	void *data;

	if (!page || PageReserved(page))
		return IOMMUSIM_FAULT_PHYS;
	data = page_address(page) + offset_in_page(phys);
	if (dma->write)
		moved = write_nofault(data, dma->buf, len);
	else
		moved = !copy_from_kernel_nofault(dma->buf, data, len);
	return moved ? IOMMUSIM_OK : IOMMUSIM_FAULT_PHYS;
}

/* is_recoverable() tells whether the page that @domain refused can be asked for. */
static bool is_recoverable(const struct iommusim_dma *dma, const struct iommu_domain *domain,
			   enum iommusim_fault_reason reason)
{
	lockdep_assert_held(&dma->sdev->lock);

	return dma->may_sleep && dma->requests && reason != IOMMUSIM_FAULT_ADDRESS_SIZE &&
	       iommusim_takes_requests(dma->sdev, domain);
}

static enum iommusim_fault_reason access_paging(struct iommusim_dma *dma,
						struct iommusim_domain *domain, size_t len)
{
	enum iommusim_fault_reason reason;
	u64 phys;

	read_lock(&domain->lock);
	reason = iommusim_domain_translate(domain, dma->sdev->sim, dma->address, dma->write, &phys);
	if (reason == IOMMUSIM_OK) {
		reason = access_memory(dma, phys, len);
	} else if (is_recoverable(dma, &domain->domain, reason)) {
		dma->recoverable = true;
	} else if (!iommusim_has_quirk(dma->sdev->sim, IOMMUSIM_SILENT_FAULTS)) {
		iommusim_domain_begin_report(domain);
		dma->refused = domain;
	}
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

static enum iommusim_fault_reason access_domain(struct iommusim_dma *dma, size_t len)
{
	struct iommusim_context *context = iommusim_find_context(dma->sdev, dma->pasid);
	struct iommu_domain *domain = context ? context->domain : NULL;
	struct iommusim_domain *paging;

	if (!domain)
		return dma->pasid == IOMMUSIM_NO_PASID ? IOMMUSIM_FAULT_BLOCKED :
							 IOMMUSIM_FAULT_PASID;
	if (domain->type == IOMMU_DOMAIN_BLOCKED)
		return IOMMUSIM_FAULT_BLOCKED;
	if (domain->type == IOMMU_DOMAIN_SVA) {
		dma->is_process = true;
		return IOMMUSIM_OK;
	}
	if (is_in_msi_window(dma->sdev, dma->address))
		return IOMMUSIM_FAULT_PHYS;
	paging = iommusim_to_paging(domain);
	return paging ? access_paging(dma, paging, len) : access_memory(dma, dma->address, len);
}

/*
 * Return: the memory of the process, with a reference for mmput(); NULL when the process has
 * exited, -ENOENT when the context is not of a process any more
 */
static struct mm_struct *get_process(struct iommusim_dma *dma)
{
	struct iommusim_context *context;
	struct iommu_domain *domain;
	struct mm_struct *mm;
	unsigned long flags;

	read_lock_irqsave(&dma->sdev->lock, flags);
	context = iommusim_find_context(dma->sdev, dma->pasid);
	domain = context ? context->domain : NULL;
	if (!domain || domain->type != IOMMU_DOMAIN_SVA) {
		mm = ERR_PTR(-ENOENT);
	} else {
		dma->recoverable = is_recoverable(dma, domain, IOMMUSIM_FAULT_NOT_PRESENT);
		mm = mmget_not_zero(domain->mm) ? domain->mm : NULL;
	}
	read_unlock_irqrestore(&dma->sdev->lock, flags);
	return mm;
}

static enum iommusim_fault_reason access_process(struct iommusim_dma *dma, size_t len)
{
	enum iommusim_fault_reason reason;
	struct mm_struct *mm;

	down_read(&dma->sdev->sleepers);
	mm = get_process(dma);
	if (IS_ERR(mm))
		reason = IOMMUSIM_FAULT_PASID;
	else if (!mm)
		reason = IOMMUSIM_FAULT_NOT_PRESENT;
	else
		reason = iommusim_sva_access(mm, dma->address, dma->buf, len, dma->write);
	up_read(&dma->sdev->sleepers);
	if (!IS_ERR_OR_NULL(mm))
		mmput(mm);
	return reason;
}

/* Accesses @len bytes inside one 4 KiB page, all or nothing. */
static int access_page(struct iommusim_dma *dma, size_t len, enum iommusim_fault_reason *reason)
{
	unsigned long flags;

	dma->is_process = false;
	dma->recoverable = false;
	dma->refused = NULL;
	if (dma->address + len - 1 > dma->sdev->dma_mask) {
		*reason = IOMMUSIM_FAULT_ADDRESS_SIZE;
		return 0;
	}
	read_lock_irqsave(&dma->sdev->lock, flags);
	*reason = access_domain(dma, len);
	read_unlock_irqrestore(&dma->sdev->lock, flags);
	if (dma->is_process && !dma->may_sleep)
		return -EWOULDBLOCK;
	if (dma->is_process)
		*reason = access_process(dma, len);
	return 0;
}

/*
 * -EOPNOTSUPP and -ECANCELED mean that no handler is there to answer; the next try finds out what
 * the context is then.
 */
static int ask_for_page(struct iommusim_dma *dma, enum iommusim_fault_reason *reason)
{
	u32 perm = dma->write ? IOMMU_FAULT_PERM_WRITE : IOMMU_FAULT_PERM_READ;
	enum iommu_page_response_code response;
	int err;

	dma->requests--;
	err = iommusim_send_requests(dma->sdev, dma->pasid, &dma->address, 1, perm, &response);
	if (err == -EOPNOTSUPP || err == -ECANCELED)
		return 0;
	if (!err && response != IOMMU_PAGE_RESP_SUCCESS)
		*reason = IOMMUSIM_FAULT_PAGE_REQUEST;
	return err;
}

static int access_part(struct iommusim_dma *dma, size_t len, enum iommusim_fault_reason *reason)
{
	int err;

	dma->requests = MAX_REQUESTS;
	do {
		err = access_page(dma, len, reason);
		if (err || *reason == IOMMUSIM_OK || !dma->recoverable)
			break;
		err = ask_for_page(dma, reason);
	} while (!err && *reason != IOMMUSIM_FAULT_PAGE_REQUEST);
	if (dma->refused)
		iommusim_domain_report(dma->refused, dma->sdev->dev, dma->address, dma->write);
	return err;
}

static int access_range(struct iommusim_dma *dma, size_t len, struct iommusim_fault *fault)
{
	enum iommusim_fault_reason reason = IOMMUSIM_OK;
	int err;

	while (len && reason == IOMMUSIM_OK) {
		size_t part = min_t(size_t, len, SZ_4K - (dma->address & (SZ_4K - 1)));

		err = access_part(dma, part, &reason);
		if (err)
			return err;
		if (reason != IOMMUSIM_OK)
			break;
		dma->address += part;
		dma->buf += part;
		len -= part;
		/* U64_MAX was the last address: end there, otherwise the DMA would go on at 0. */
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

static int start_dma(struct iommusim_dma dma, size_t len, struct iommusim_fault *fault)
{
	return dma.sdev ? access_range(&dma, len, fault) : -ENODEV;
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
 * domains meanwhile. What a paging domain has nothing for, does not permit or is too narrow for, is
 * reported with report_iommu_fault() in the caller's context, unless the instance has
 * %IOMMUSIM_SILENT_FAULTS.
 *
 * Context: any in which the fault handler of the domain may be called.
 * Return: 0; -EFAULT for a fault; -EWOULDBLOCK when @pasid is bound to a process, which only
 * iommusim_dma_read_prq() can read; -ENODEV when @dev is no simulated device. @fault is set for 0
 * and -EFAULT only.
 */
int iommusim_dma_read(struct device *dev, u32 pasid, u64 address, void *buf, size_t len,
		      struct iommusim_fault *fault)
{
	struct iommusim_dma dma = {
		.sdev = iommusim_to_device(dev),
		.pasid = pasid,
		.address = address,
		.buf = buf,
	};

	return start_dma(dma, len, fault);
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
 * Context: any in which the fault handler of the domain may be called.
 * Return: as iommusim_dma_read().
 */
int iommusim_dma_write(struct device *dev, u32 pasid, u64 address, const void *buf, size_t len,
		       struct iommusim_fault *fault)
{
	struct iommusim_dma dma = {
		.sdev = iommusim_to_device(dev),
		.pasid = pasid,
		.address = address,
		.buf = (void *)buf,
		.write = true,
	};

	return start_dma(dma, len, fault);
}
V3C_EXPORT_NS_GPL(iommusim_dma_write, IOMMUSIM);

/**
 * iommusim_dma_read_prq() - let a device read memory, and ask for pages that are not there
 * @dev: from iommusim_device_create(); the caller holds a reference
 * @pasid: PASID of the access, or %IOMMUSIM_NO_PASID
 * @address: as the device says it
 * @buf: where the data goes
 * @len: bytes; may cross pages
 * @fault: set to how it ended, when not NULL
 *
 * As iommusim_dma_read(), and reads the memory of a process too. Where the domain has a handler of
 * page requests and the instance has %IOMMUSIM_PAGE_REQUESTS, a page that is not there or not
 * permitted is asked for, and tried again when the answer is success: 8 times, then it is a fault
 * like any other. With any other answer the DMA ends in %IOMMUSIM_FAULT_PAGE_REQUEST, which is not
 * reported. A wait for an answer ends when the PASID is detached or the device goes.
 *
 * Context: may sleep. Must not be called with locks held that the handler of page requests, or
 * whoever answers them, takes.
 * Return: 0; -EFAULT for a fault; -EINTR when a signal kills the caller while it waits; -ENOMEM
 * when a page request could not be sent; -ENODEV when @dev is no simulated device. @fault is set
 * for 0 and -EFAULT only.
 */
int iommusim_dma_read_prq(struct device *dev, u32 pasid, u64 address, void *buf, size_t len,
			  struct iommusim_fault *fault)
{
	struct iommusim_dma dma = {
		.sdev = iommusim_to_device(dev),
		.pasid = pasid,
		.address = address,
		.buf = buf,
		.may_sleep = true,
	};

	return start_dma(dma, len, fault);
}
V3C_EXPORT_NS_GPL(iommusim_dma_read_prq, IOMMUSIM);

/**
 * iommusim_dma_write_prq() - let a device write memory, and ask for pages that are not there
 * @dev: from iommusim_device_create(); the caller holds a reference
 * @pasid: PASID of the access, or %IOMMUSIM_NO_PASID
 * @address: as the device says it
 * @buf: the data
 * @len: bytes; may cross pages
 * @fault: set to how it ended, when not NULL
 *
 * As iommusim_dma_read_prq(), the other way.
 *
 * Context: as iommusim_dma_read_prq().
 * Return: as iommusim_dma_read_prq().
 */
int iommusim_dma_write_prq(struct device *dev, u32 pasid, u64 address, const void *buf, size_t len,
			   struct iommusim_fault *fault)
{
	struct iommusim_dma dma = {
		.sdev = iommusim_to_device(dev),
		.pasid = pasid,
		.address = address,
		.buf = (void *)buf,
		.write = true,
		.may_sleep = true,
	};

	return start_dma(dma, len, fault);
}
V3C_EXPORT_NS_GPL(iommusim_dma_write_prq, IOMMUSIM);
