// SPDX-License-Identifier: GPL-2.0
/*
 * PASIDs that reach the memory of a process.
 *
 * Each DMA walks the page tables of the process anew, and nothing is remembered between two, so
 * nothing is to be invalidated. A DMA holds the address space up; once the process has exited, no
 * further DMA gets hold of it. So no MMU notifier is needed.
 */
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "compat.h"
#include "sva.h"

struct iommu_domain *iommusim_sva_alloc(const struct iommu_domain_ops *ops)
{
	struct iommu_domain *domain = kzalloc_obj(*domain);

	if (!domain)
		return ERR_PTR(-ENOMEM);
	domain->ops = ops;
	__module_get(THIS_MODULE);
	return domain;
}

void iommusim_sva_free(struct iommu_domain *domain)
{
	kfree(domain);
	module_put(THIS_MODULE);
}

static enum iommusim_fault_reason refusal(struct mm_struct *mm, unsigned long address, bool write)
{
	struct vm_area_struct *vma = vma_lookup(mm, address);

	return vma && !(vma->vm_flags & (write ? VM_WRITE : VM_READ)) ?
	       IOMMUSIM_FAULT_PERMISSION : IOMMUSIM_FAULT_NOT_PRESENT;
}

/*
 * Inside one 4 KiB page, of an address space that the caller holds up. Whoever unmaps or protects
 * waits for the lock, so the data is moved before or not at all. That is all the page is needed
 * for: a pin for longer would refuse to read what is shared after a fork(), and would go on so after
 * any number of page requests.
 */
enum iommusim_fault_reason iommusim_sva_access(struct mm_struct *mm, u64 address, void *buf,
					       size_t len, bool write)
{
	enum iommusim_fault_reason reason = IOMMUSIM_OK;
	unsigned int flags = FOLL_NOFAULT | (write ? FOLL_WRITE : 0);
	size_t offset = offset_in_page(address);
	struct page *page;

	mmap_read_lock(mm);
	/* The kernel prints a backtrace when it is asked for a page just below a stack. */
	if (!vma_lookup(mm, address) ||
	    get_user_pages_remote(mm, address - offset, 1, flags, &page, NULL) != 1) {
		reason = refusal(mm, address, write);
	} else {
		if (write)
			memcpy_to_page(page, offset, buf, len);
		else
			memcpy_from_page(buf, page, offset, len);
		if (write)
			set_page_dirty_lock(page);
		put_page(page);
	}
	mmap_read_unlock(mm);
	return reason;
}
