/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * /dev/iommusim: a software IOMMU for tests, from user space.
 *
 * An open file holds instances and devices, named by ids that mean something in this file only.
 * Closing it unplugs the devices and takes the instances away. Opening needs CAP_SYS_ADMIN and
 * CAP_SYS_RAWIO, and is refused (EPERM) where the kernel is locked down so that /dev/mem is.
 *
 * Every command begins with its size, so that it can grow: a shorter one of an older program is
 * taken as continued by zeroes, a longer one is refused with E2BIG unless the rest is zero. Unknown
 * flags and reserved fields must be zero. Fields named out_ are written by the kernel, all others
 * are only read. Errors of all commands: EINVAL for a value out of range or an unknown flag, ENOENT
 * for an id that is not one of the kind asked for, ENOMEM, EFAULT, and E2BIG as above. An object
 * whose id could not be stored (EFAULT) goes when the file is closed.
 */
#ifndef _UAPI_LINUX_IOMMUSIM_H
#define _UAPI_LINUX_IOMMUSIM_H

#include <linux/ioctl.h>
#include <linux/types.h>

/**
 * enum iommusim_quirk - behaviours of real IOMMU drivers, or-ed together
 * @IOMMUSIM_OVERLAP_KEEP: mapping over something mapped succeeds and leaves the old entry, as
 *	VT-d does in 6.12. Without one of the overlap quirks it is refused with -EADDRINUSE.
 * @IOMMUSIM_OVERLAP_REPLACE: mapping over something mapped succeeds and replaces the old entry, as
 *	AMD does in 6.12. Excludes %IOMMUSIM_OVERLAP_KEEP. Both go with page sizes of 4 KiB, 2 MiB
 *	and 1 GiB only.
 * @IOMMUSIM_UNMAP_WHOLE: an unmap that begins inside a large entry removes all of the entry and
 *	reports its whole size, as in 6.12. Without it such an unmap does nothing and returns 0.
 *	In both cases an unmap that begins at the head of a large entry removes all of it, however
 *	little was asked for. A translation made of several entries is like a large entry.
 * @IOMMUSIM_LATE_GEOMETRY: a fresh domain offers 4 KiB pages and a 57-bit aperture; the first
 *	attach cuts the aperture to the instance's, and every attach adds the instance's page
 *	sizes, as VT-d does in 6.12. An attach is refused with -EINVAL when something was ever
 *	mapped beyond the instance's aperture.
 * @IOMMUSIM_NO_IDENTITY: the driver offers no static identity domain. Where the kernel has no
 *	DMA-API domains to use as default, the default domain then is one of the driver's own.
 * @IOMMUSIM_ALLOC_PER_MAP: each call of the driver's map operation allocates a record with the
 *	caller's gfp, and fails with -ENOMEM when it cannot, as virtio-iommu does.
 * @IOMMUSIM_OWN_DOMAINS: attaching a domain that was allocated through another instance is refused
 *	with -EINVAL. Without it, instances of equal aperture and page sizes share domains (except
 *	that those which differ in %IOMMUSIM_NO_IDENTITY, %IOMMUSIM_SVA_PASIDS_ONLY or %IOMMUSIM_SVA
 *	never do).
 * @IOMMUSIM_SILENT_FAULTS: a refused DMA is not reported to the core, as VT-d does not. Without it
 *	report_iommu_fault() is called for each that a paging domain refused.
 * @IOMMUSIM_SVA_PASIDS_ONLY: a PASID takes no paging domain, as AMD
 * @IOMMUSIM_SIGN_EXTEND: addresses are the aperture's width and sign-extended from their top bit,
 *	as in VT-d's first stage: half of them is at the end of the 64-bit space, and what is
 *	between the halves is out of range. Excludes %IOMMUSIM_LATE_GEOMETRY.
 * @IOMMUSIM_WHOLE_MAPS: what one call of the driver's map operation mapped is unmapped as a whole,
 *	as by virtio-iommu. An unmap removes, and reports with their whole size, the calls that
 *	begin inside its range; it removes nothing when the range begins inside a call. Each call
 *	allocates a record, as for %IOMMUSIM_ALLOC_PER_MAP. Excludes the overlap quirks.
 * @IOMMUSIM_MOVING_ROOT: the first attach of a domain gives its page table a new root, and takes
 *	away levels that the aperture does not need, without regard for who maps meanwhile, as VT-d
 *	does before 6.14: the root is copied, and becomes the copy one to two milliseconds later.
 *	What was mapped through new entries of the old root in between is lost. The root has an
 *	entry for each 512 GiB, or for more with an aperture of more than 48 bits. It stays where it
 *	is when there is no memory for another.
 * @IOMMUSIM_SHORT_FLUSH: an invalidation of a range reaches the smallest naturally aligned power of
 *	two that covers it; when that is more than 1 GiB, nothing is invalidated, as by QEMU's
 *	first stage of VT-d. Invalidations of a whole domain always work.
 * @IOMMUSIM_LATE_SEND: while a domain is attached nowhere, maps and unmaps only change a list. An
 *	attach sends the list to the IOMMU, for one to two milliseconds, as virtio-iommu does. What
 *	is mapped meanwhile the IOMMU is never told, so that no DMA finds it, and what is unmapped
 *	meanwhile it keeps, until something else is mapped there or the list is sent again.
 * @IOMMUSIM_RUN_FLUSH: where ranges that are unmapped together do not touch, an invalidation is
 *	sent for each, unless the caller said that it flushes everything, as SMMUs do.
 */
enum iommusim_quirk {
	IOMMUSIM_OVERLAP_KEEP		= 1 << 0,
	IOMMUSIM_OVERLAP_REPLACE	= 1 << 1,
	IOMMUSIM_UNMAP_WHOLE		= 1 << 2,
	IOMMUSIM_LATE_GEOMETRY		= 1 << 3,
	IOMMUSIM_NO_IDENTITY		= 1 << 4,
	IOMMUSIM_ALLOC_PER_MAP		= 1 << 5,
	IOMMUSIM_OWN_DOMAINS		= 1 << 6,
	IOMMUSIM_SILENT_FAULTS		= 1 << 7,
	IOMMUSIM_SVA_PASIDS_ONLY	= 1 << 8,
	IOMMUSIM_SIGN_EXTEND		= 1 << 9,
	IOMMUSIM_WHOLE_MAPS		= 1 << 10,
	IOMMUSIM_MOVING_ROOT		= 1 << 11,
	IOMMUSIM_SHORT_FLUSH		= 1 << 12,
	IOMMUSIM_LATE_SEND		= 1 << 13,
	IOMMUSIM_RUN_FLUSH		= 1 << 14,
};

/**
 * enum iommusim_feature - what not every IOMMU can do, or-ed together
 * @IOMMUSIM_PAGE_REQUESTS: the devices can ask for pages that are not there
 * @IOMMUSIM_SVA: a PASID can be bound to the address space of a process
 *
 * An instance with a feature that the kernel lacks is not created (EOPNOTSUPP).
 */
enum iommusim_feature {
	IOMMUSIM_PAGE_REQUESTS		= 1 << 0,
	IOMMUSIM_SVA			= 1 << 1,
};

/**
 * enum iommusim_fault_reason - why a DMA was refused
 * @IOMMUSIM_OK: it was not
 * @IOMMUSIM_FAULT_BLOCKED: the device is attached to the blocking domain, or gone
 * @IOMMUSIM_FAULT_NOT_PRESENT: nothing is mapped at the address
 * @IOMMUSIM_FAULT_PERMISSION: the mapping does not allow the access
 * @IOMMUSIM_FAULT_ADDRESS_SIZE: the address is beyond the aperture or the device's DMA mask
 * @IOMMUSIM_FAULT_PHYS: translated to something that is not RAM, or to RAM that the kernel itself
 *	cannot reach
 * @IOMMUSIM_FAULT_PASID: the PASID has no domain
 * @IOMMUSIM_FAULT_PAGE_REQUEST: the page request that the DMA sent was refused
 */
enum iommusim_fault_reason {
	IOMMUSIM_OK,
	IOMMUSIM_FAULT_BLOCKED,
	IOMMUSIM_FAULT_NOT_PRESENT,
	IOMMUSIM_FAULT_PERMISSION,
	IOMMUSIM_FAULT_ADDRESS_SIZE,
	IOMMUSIM_FAULT_PHYS,
	IOMMUSIM_FAULT_PASID,
	IOMMUSIM_FAULT_PAGE_REQUEST,
};

/* A DMA without a PASID. */
#define IOMMUSIM_NO_PASID (~0u)

#define IOMMUSIM_IOC_TYPE 0xE7

/**
 * struct iommusim_ioc_create - ioctl(IOMMUSIM_IOC_CREATE)
 * @size: sizeof(struct iommusim_ioc_create)
 * @flags: 0
 * @aperture_bits: width of a translated address, 30 to 57; 0 means 48
 * @quirks: any of &enum iommusim_quirk
 * @pgsize_bitmap: any of the powers of two from 4 KiB to 1 GiB, and at least one that is not larger
 *	than a page of the kernel; 0 means 4 KiB, 2 MiB and 1 GiB
 * @max_pasids: PASIDs 1 to @max_pasids - 1 can be attached; at most 1 << 20
 * @out_id: the new instance
 * @features: any of &enum iommusim_feature
 * @__reserved: 0
 *
 * Fails with EOPNOTSUPP when this kernel lacks one of @features.
 */
struct iommusim_ioc_create {
	__u32 size;
	__u32 flags;
	__u32 aperture_bits;
	__u32 quirks;
	__aligned_u64 pgsize_bitmap;
	__u32 max_pasids;
	__u32 out_id;
	__u32 features;
	__u32 __reserved;
};
#define IOMMUSIM_IOC_CREATE _IO(IOMMUSIM_IOC_TYPE, 0x00)

/**
 * struct iommusim_ioc_destroy - ioctl(IOMMUSIM_IOC_DESTROY)
 * @size: sizeof(struct iommusim_ioc_destroy)
 * @flags: 0
 * @id: a binding, which is undone; a device, which is unplugged, and of whose group no device must
 *	have a binding (EBUSY); or an instance, which must have no device (EBUSY)
 * @__reserved: 0
 */
struct iommusim_ioc_destroy {
	__u32 size;
	__u32 flags;
	__u32 id;
	__u32 __reserved;
};
#define IOMMUSIM_IOC_DESTROY _IO(IOMMUSIM_IOC_TYPE, 0x01)

/**
 * enum iommusim_resv_type - how a region is reserved
 * @IOMMUSIM_RESV_DIRECT: mapped 1:1 whenever a device is attached
 * @IOMMUSIM_RESV_DIRECT_RELAXABLE: the same, while firmware drives the device
 * @IOMMUSIM_RESV_RESERVED: never to be mapped
 * @IOMMUSIM_RESV_MSI: a window of the interrupt controller, never to be mapped
 * @IOMMUSIM_RESV_SW_MSI: where software places such a window
 */
enum iommusim_resv_type {
	IOMMUSIM_RESV_DIRECT,
	IOMMUSIM_RESV_DIRECT_RELAXABLE,
	IOMMUSIM_RESV_RESERVED,
	IOMMUSIM_RESV_MSI,
	IOMMUSIM_RESV_SW_MSI,
};

/**
 * struct iommusim_ioc_region - a reserved region
 * @first: first address
 * @last: last address, inclusive
 * @type: one of &enum iommusim_resv_type
 * @prot: 1 read, 2 write, for the direct types
 */
struct iommusim_ioc_region {
	__aligned_u64 first;
	__aligned_u64 last;
	__u32 type;
	__u32 prot;
};

/**
 * enum iommusim_device_flags - flags of IOMMUSIM_IOC_DEVICE_CREATE
 * @IOMMUSIM_DEVICE_MANAGED_DMA: bind a driver that manages the DMA domain itself
 * @IOMMUSIM_DEVICE_ORDINARY_DRIVER: bind a driver that uses the DMA API; excludes the former
 * @IOMMUSIM_DEVICE_NO_REGIONS: no reserved region, also not the default one
 * @IOMMUSIM_DEVICE_EXTERNAL: plugged into a port that users can reach
 * @IOMMUSIM_DEVICE_NO_PASIDS: no PASID can be attached to it
 * @IOMMUSIM_DEVICE_NOT_COHERENT: its IOMMU says that its DMA passes caches by, although it does not
 * @IOMMUSIM_DEVICE_RESOURCES: it has two memory resources, a page that begins with its name, and
 *	half a page; and an interrupt, which comes as long as IOMMUSIM_IOC_INTERRUPT says
 * @IOMMUSIM_DEVICE_EDGE: the interrupt comes when the line goes up; needs
 *	%IOMMUSIM_DEVICE_RESOURCES
 */
enum iommusim_device_flags {
	IOMMUSIM_DEVICE_MANAGED_DMA	= 1 << 0,
	IOMMUSIM_DEVICE_ORDINARY_DRIVER	= 1 << 1,
	IOMMUSIM_DEVICE_NO_REGIONS	= 1 << 2,
	IOMMUSIM_DEVICE_EXTERNAL	= 1 << 3,
	IOMMUSIM_DEVICE_NO_PASIDS	= 1 << 4,
	IOMMUSIM_DEVICE_NOT_COHERENT	= 1 << 5,
	IOMMUSIM_DEVICE_RESOURCES	= 1 << 6,
	IOMMUSIM_DEVICE_EDGE		= 1 << 7,
};

#define IOMMUSIM_NAME_SIZE	32
#define IOMMUSIM_MAX_REGIONS	64
/* Bytes, of all regions of a device that are mapped 1:1 or MSI windows. */
#define IOMMUSIM_MAX_MAPPED_REGIONS	(64UL << 20)

/**
 * struct iommusim_ioc_device_create - ioctl(IOMMUSIM_IOC_DEVICE_CREATE)
 * @size: sizeof(struct iommusim_ioc_device_create)
 * @flags: any of &enum iommusim_device_flags
 * @sim_id: the instance
 * @group: devices with the same nonzero number share a group
 * @dma_mask: addresses the device can emit; 0 means all
 * @regions: address of @nr_regions &struct iommusim_ioc_region
 * @nr_regions: at most IOMMUSIM_MAX_REGIONS; 0 means one MSI window, 0xfee00000 to 0xfeefffff.
 *	Those that are mapped 1:1 lie in the aperture and below 1 << 52, and are with the MSI
 *	windows IOMMUSIM_MAX_MAPPED_REGIONS bytes at most.
 * @out_id: the new device
 * @out_name: its name in /sys/bus/platform/devices, with a zero at the end
 *
 * Fails with ENODEV when the IOMMU core, EBUSY when the driver did not take the device.
 */
struct iommusim_ioc_device_create {
	__u32 size;
	__u32 flags;
	__u32 sim_id;
	__u32 group;
	__aligned_u64 dma_mask;
	__aligned_u64 regions;
	__u32 nr_regions;
	__u32 out_id;
	__u8 out_name[IOMMUSIM_NAME_SIZE];
};
#define IOMMUSIM_IOC_DEVICE_CREATE _IO(IOMMUSIM_IOC_TYPE, 0x02)

/**
 * enum iommusim_dma_flags - flags of IOMMUSIM_IOC_DMA
 * @IOMMUSIM_DMA_WRITE: the device writes memory; it reads memory without this
 * @IOMMUSIM_DMA_PAGE_REQUESTS: the device asks for a page that is not there and waits for the
 *	answer. Needed for a PASID that is bound to a process, whether pages are there or not.
 */
enum iommusim_dma_flags {
	IOMMUSIM_DMA_WRITE		= 1 << 0,
	IOMMUSIM_DMA_PAGE_REQUESTS	= 1 << 1,
};

/**
 * struct iommusim_ioc_dma - ioctl(IOMMUSIM_IOC_DMA)
 * @size: sizeof(struct iommusim_ioc_dma)
 * @flags: any of &enum iommusim_dma_flags
 * @device_id: the device
 * @pasid: PASID of the access, or IOMMUSIM_NO_PASID
 * @address: as the device says it
 * @length: bytes; may cross pages
 * @data: address of the caller's buffer of @length bytes
 * @out_address: first address that could not be accessed, if there was a fault
 * @out_length: bytes moved
 * @out_reason: one of &enum iommusim_fault_reason; a fault is a result and not an error
 * @__reserved: 0
 *
 * Fails with EWOULDBLOCK when @pasid is bound to a process and %IOMMUSIM_DMA_PAGE_REQUESTS is
 * missing, and with EINTR when a signal kills the caller meanwhile.
 */
struct iommusim_ioc_dma {
	__u32 size;
	__u32 flags;
	__u32 device_id;
	__u32 pasid;
	__aligned_u64 address;
	__aligned_u64 length;
	__aligned_u64 data;
	__aligned_u64 out_address;
	__aligned_u64 out_length;
	__u32 out_reason;
	__u32 __reserved;
};
#define IOMMUSIM_IOC_DMA _IO(IOMMUSIM_IOC_TYPE, 0x03)

/**
 * struct iommusim_ioc_fail_attach - ioctl(IOMMUSIM_IOC_FAIL_ATTACH)
 * @size: sizeof(struct iommusim_ioc_fail_attach)
 * @flags: 0
 * @device_id: the device
 * @times: that many attaches fail to any domain but the default and the blocking one
 * @error: the error number they fail with, positive
 * @__reserved: 0
 */
struct iommusim_ioc_fail_attach {
	__u32 size;
	__u32 flags;
	__u32 device_id;
	__u32 times;
	__u32 error;
	__u32 __reserved;
};
#define IOMMUSIM_IOC_FAIL_ATTACH _IO(IOMMUSIM_IOC_TYPE, 0x04)

/**
 * struct iommusim_ioc_fail_tables - ioctl(IOMMUSIM_IOC_FAIL_TABLES)
 * @size: sizeof(struct iommusim_ioc_fail_tables)
 * @flags: 0, or %IOMMUSIM_FAIL_UNMAPS: calls of the driver's unmap operation fail instead, which
 *	then remove nothing
 * @sim_id: the instance
 * @skip: that many allocations of page-table pages more succeed
 * @times: then that many fail
 * @__reserved: 0
 */
struct iommusim_ioc_fail_tables {
	__u32 size;
	__u32 flags;
	__u32 sim_id;
	__u32 skip;
	__u32 times;
	__u32 __reserved;
};
#define IOMMUSIM_FAIL_UNMAPS	(1u << 0)
#define IOMMUSIM_IOC_FAIL_TABLES _IO(IOMMUSIM_IOC_TYPE, 0x05)

/**
 * struct iommusim_ioc_stats - ioctl(IOMMUSIM_IOC_STATS)
 * @size: sizeof(struct iommusim_ioc_stats)
 * @flags: 0
 * @sim_id: the instance
 * @__reserved: 0
 * @out_maps: calls of the driver's map operation
 * @out_unmaps: calls of the driver's unmap operation
 * @out_flushes: invalidations of a range, @out_refused_flushes included
 * @out_flush_all: invalidations of a whole domain
 * @out_tables: page-table pages in use now
 * @out_leaf_4k: 4 KiB entries present now; a translation made of several counts as often
 * @out_leaf_2m: 2 MiB entries present now
 * @out_leaf_1g: 1 GiB entries present now
 * @out_iotlb_hits: translations served from the IOTLB, @out_stale_hits included
 * @out_stale_hits: those of them whose table entry is gone or different
 * @out_page_requests: groups of page requests that devices sent
 * @out_unanswered: groups of page requests sent and not answered yet
 * @out_refused_flushes: invalidations of a range that were larger than %IOMMUSIM_SHORT_FLUSH allows
 */
struct iommusim_ioc_stats {
	__u32 size;
	__u32 flags;
	__u32 sim_id;
	__u32 __reserved;
	__aligned_u64 out_maps;
	__aligned_u64 out_unmaps;
	__aligned_u64 out_flushes;
	__aligned_u64 out_flush_all;
	__aligned_u64 out_tables;
	__aligned_u64 out_leaf_4k;
	__aligned_u64 out_leaf_2m;
	__aligned_u64 out_leaf_1g;
	__aligned_u64 out_iotlb_hits;
	__aligned_u64 out_stale_hits;
	__aligned_u64 out_page_requests;
	__aligned_u64 out_unanswered;
	__aligned_u64 out_refused_flushes;
};
#define IOMMUSIM_IOC_STATS _IO(IOMMUSIM_IOC_TYPE, 0x06)

/**
 * struct iommusim_ioc_sva_bind - ioctl(IOMMUSIM_IOC_SVA_BIND)
 * @size: sizeof(struct iommusim_ioc_sva_bind)
 * @flags: 0
 * @device_id: the device
 * @__reserved: 0
 * @out_id: the binding, for IOMMUSIM_IOC_DESTROY
 * @out_pasid: with this PASID the device reaches the memory of the calling process
 *
 * The binding lasts until it is destroyed or the file is closed, but it reaches nothing any more
 * once the process has exited. Fails with EOPNOTSUPP without %IOMMUSIM_SVA, and on kernels that
 * refuse every such binding; ENOSPC or EOVERFLOW when the device has no PASID left for the process.
 */
struct iommusim_ioc_sva_bind {
	__u32 size;
	__u32 flags;
	__u32 device_id;
	__u32 __reserved;
	__u32 out_id;
	__u32 out_pasid;
};
#define IOMMUSIM_IOC_SVA_BIND _IO(IOMMUSIM_IOC_TYPE, 0x07)

/**
 * enum iommusim_page_response - how a group of page requests was answered
 * @IOMMUSIM_PAGE_SUCCESS: try again
 * @IOMMUSIM_PAGE_INVALID: one of the pages cannot be had
 * @IOMMUSIM_PAGE_FAILURE: general error
 */
enum iommusim_page_response {
	IOMMUSIM_PAGE_SUCCESS,
	IOMMUSIM_PAGE_INVALID,
	IOMMUSIM_PAGE_FAILURE,
};

#define IOMMUSIM_MAX_PAGE_REQUESTS	64

/**
 * struct iommusim_ioc_page_request - ioctl(IOMMUSIM_IOC_PAGE_REQUEST)
 * @size: sizeof(struct iommusim_ioc_page_request)
 * @flags: 0, or %IOMMUSIM_DMA_WRITE to ask for write access
 * @device_id: the device
 * @pasid: PASID of the requests, or IOMMUSIM_NO_PASID
 * @addresses: address of @count addresses, 8 bytes each
 * @count: 1 to IOMMUSIM_MAX_PAGE_REQUESTS; the requests form one group
 * @out_response: one of &enum iommusim_page_response
 *
 * Fails with EOPNOTSUPP when nobody takes page requests of that device and PASID, ECANCELED when
 * the PASID or the device was taken away before an answer, EINTR when a signal kills the caller.
 */
struct iommusim_ioc_page_request {
	__u32 size;
	__u32 flags;
	__u32 device_id;
	__u32 pasid;
	__aligned_u64 addresses;
	__u32 count;
	__u32 out_response;
};
#define IOMMUSIM_IOC_PAGE_REQUEST _IO(IOMMUSIM_IOC_TYPE, 0x08)

/**
 * struct iommusim_ioc_interrupt - ioctl(IOMMUSIM_IOC_INTERRUPT)
 * @size: sizeof(struct iommusim_ioc_interrupt)
 * @flags: 0
 * @device_id: the device
 * @level: 1 for a line that is up, or 0
 *
 * Returns when the handlers have run. Fails with ENXIO without %IOMMUSIM_DEVICE_RESOURCES.
 */
struct iommusim_ioc_interrupt {
	__u32 size;
	__u32 flags;
	__u32 device_id;
	__u32 level;
};
#define IOMMUSIM_IOC_INTERRUPT _IO(IOMMUSIM_IOC_TYPE, 0x09)

#endif /* _UAPI_LINUX_IOMMUSIM_H */
