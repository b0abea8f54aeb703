/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What v3compat offers to Linux-side code of a ported driver beyond Windows' <wdm.h>: process
 * address spaces on PASIDs, the DMA guard, page tables of a chosen depth, what a fault report
 * cannot say in Windows' structures, and what a device and its IOMMU can do.
 *
 * All symbols are exported GPL-only in the namespace V3COMPAT.
 */
#ifndef _LINUX_V3COMPAT_H
#define _LINUX_V3COMPAT_H

#include <linux/container_of.h>
#include <linux/types.h>

#include <v3compat/wdm.h>

struct mm_struct;

/**
 * enum v3compat_guard - which devices may not see all of memory
 * @V3COMPAT_GUARD_OFF: none is guarded: every device may use PassThrough
 * @V3COMPAT_GUARD_EXTERNAL: devices that the kernel marks untrusted or removable, and those that
 *	share an IOMMU group with one; the default
 * @V3COMPAT_GUARD_ALL: every device
 *
 * A guarded device is refused PassThrough, and an Unmanaged domain without translation. While the
 * guard is locked and not off, every device is.
 */
enum v3compat_guard {
	V3COMPAT_GUARD_OFF,
	V3COMPAT_GUARD_EXTERNAL,
	V3COMPAT_GUARD_ALL,
};

int v3compat_set_guard_policy(enum v3compat_guard policy);
void v3compat_set_guard_locked(bool locked);
void v3compat_get_guard(enum v3compat_guard *policy, bool *locked);

NTSTATUS v3compat_create_sva_device(PIOMMU_DMA_DEVICE device, struct mm_struct *mm,
				    PIOMMU_DMA_PASID_DEVICE *out, PULONG pasid);

NTSTATUS v3compat_configure_x64(PIOMMU_DMA_DOMAIN domain, u64 root, unsigned int levels);

/**
 * enum v3compat_fault_kind - what became of the DMA that a report is about
 * @V3COMPAT_FAULT_UNRECOVERABLE: it was refused
 * @V3COMPAT_FAULT_PAGE_REQUEST: it waits; when the handler returns with the address mapped so that
 *	it is allowed, it goes on, otherwise it is refused
 */
enum v3compat_fault_kind {
	V3COMPAT_FAULT_UNRECOVERABLE,
	V3COMPAT_FAULT_PAGE_REQUEST,
};

/* Of a fault without a PASID. */
#define V3COMPAT_NO_PASID	(~0u)

/**
 * struct v3compat_fault - a fault report, complete
 * @information: what the handler of Windows' interface is given a pointer to
 * @kind: an &enum v3compat_fault_kind
 * @pasid: of the DMA, or %V3COMPAT_NO_PASID
 * @write: the DMA was a write
 * @lost: reports of this device that were dropped for want of room, since reporting was enabled
 */
struct v3compat_fault {
	FAULT_INFORMATION information;
	enum v3compat_fault_kind kind;
	u32 pasid;
	bool write;
	u64 lost;
};

/**
 * v3compat_fault_of() - the complete report behind what a fault handler is given
 * @information: the handler's argument
 *
 * Return: The report, valid while the handler runs.
 */
static inline const struct v3compat_fault *
v3compat_fault_of(const FAULT_INFORMATION *information)
{
	return container_of(information, struct v3compat_fault, information);
}

/**
 * struct v3compat_capabilities - what a device and its IOMMU can do
 * @iommu: name of the IOMMU driver as the documentation lists it, or "unknown"
 * @max_pasids: PASIDs are 1 to @max_pasids - 1; 0 when the device has none
 * @pasid_domain_types: a bit per IOMMU_DMA_DOMAIN_TYPE that a sub-device can be attached to
 * @sva: a sub-device can be bound to a process
 * @page_requests: page requests are reported
 * @unrecoverable_faults: refused DMA is reported
 * @faults_lost: reports dropped for want of room since reporting was enabled
 */
struct v3compat_capabilities {
	const char *iommu;
	u32 max_pasids;
	ULONG pasid_domain_types;
	bool sva;
	bool page_requests;
	bool unrecoverable_faults;
	u64 faults_lost;
};

NTSTATUS v3compat_query_capabilities(PIOMMU_DMA_DEVICE device, struct v3compat_capabilities *out);

#endif /* _LINUX_V3COMPAT_H */
