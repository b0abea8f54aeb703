// SPDX-License-Identifier: GPL-2.0
/*
 * PASIDs that reach the memory of a process.
 *
 * iommusim_sva_access() walks the page tables of the process anew for each DMA and remembers
 * nothing, so no MMU notifier is needed: there is nothing to invalidate. A DMA holds the address
 * space up; once the process has exited, no further DMA gets hold of it.
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

static enum iommusim_fault_reason explain_refusal(struct mm_struct *mm, unsigned long address,
						  bool write)
{
	struct vm_area_struct *vma = vma_lookup(mm, address);

	return vma && !(vma->vm_flags & (write ? VM_WRITE : VM_READ)) ?
	       IOMMUSIM_FAULT_PERMISSION : IOMMUSIM_FAULT_NOT_PRESENT;
}

/*
 * get_user_pages_remote(), because pin_user_pages_remote() would refuse a page that is shared after
 * a fork(), and go on doing so after any number of page requests.
 */
static enum iommusim_fault_reason read_page(struct mm_struct *mm, u64 address, void *buf,
					    size_t len)
{
	size_t offset = offset_in_page(address);
	struct page *page;

	if (get_user_pages_remote(mm, address - offset, 1, FOLL_NOFAULT, &page, NULL) != 1)
		return explain_refusal(mm, address, false);
	memcpy_from_page(buf, page, offset, len);
	put_page(page);
	return IOMMUSIM_OK;
}

/*
 * write_page() writes anonymous, shared and huge memory only, because the page of another file may
 * be written back and write protected between pin_user_pages_remote() and the copy, and its
 * filesystem does not expect it to become dirty then.
 */
static enum iommusim_fault_reason write_page(struct mm_struct *mm, u64 address, const void *buf,
					     size_t len)
{
	enum iommusim_fault_reason reason = IOMMUSIM_OK;
	unsigned int flags = FOLL_NOFAULT | FOLL_WRITE;
	size_t offset = offset_in_page(address);
	struct page *page;
	struct folio *folio;
	bool is_plain;

	if (pin_user_pages_remote(mm, address - offset, 1, flags, &page, NULL) != 1)
		return explain_refusal(mm, address, true);
	folio = page_folio(page);
	is_plain = folio_test_swapbacked(folio) || folio_test_hugetlb(folio);
	if (is_plain)
		memcpy_to_page(page, offset, buf, len);
	else
		reason = IOMMUSIM_FAULT_PERMISSION;
	unpin_user_pages_dirty_lock(&page, 1, is_plain);
	return reason;
}

/*
 * @address to @address + @len - 1 lie in one 4 KiB page of @mm, on which the caller has a
 * reference. An unmap or a change of protection waits for mmap_read_lock(), so the data is moved
 * before or not at all.
 */
enum iommusim_fault_reason iommusim_sva_access(struct mm_struct *mm, u64 address, void *buf,
					       size_t len, bool write)
{
	enum iommusim_fault_reason reason;

	mmap_read_lock(mm);
	/*
	 * vma_lookup() first, because read_page() and write_page() of an address just below a stack
	 * would make the kernel print a backtrace.
	 */
	if (!vma_lookup(mm, address))
		reason = IOMMUSIM_FAULT_NOT_PRESENT;
	else if (write)
		reason = write_page(mm, address, buf, len);
	else
		reason = read_page(mm, address, buf, len);
	mmap_read_unlock(mm);
	return reason;
}
