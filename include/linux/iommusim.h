/* SPDX-License-Identifier: GPL-2.0 */
/*
 * iommusim: a software IOMMU with DMA functions, for testing users of the IOMMU API.
 *
 * An instance registers a real driver with the IOMMU core, so groups, default domains, ownership,
 * reserved regions and hot removal work as for hardware. Its devices are platform devices; what
 * they read and write goes through the page tables of the domain they are attached to, and through
 * an IOTLB that keeps every translation until it is invalidated. A missing flush is therefore seen
 * every time, not by luck.
 *
 * All symbols are exported GPL-only in the namespace IOMMUSIM.
 */
#ifndef _LINUX_IOMMUSIM_H
#define _LINUX_IOMMUSIM_H

#include <linux/iommu.h>
#include <linux/types.h>

/* enum iommusim_quirk, enum iommusim_feature, enum iommusim_fault_reason */
#include <uapi/linux/iommusim.h>

struct device;
struct iommusim;

/*
 * For the id table of a platform driver that wants the devices which iommusim binds no driver to.
 */
#define IOMMUSIM_DEVICE_NAME "iommusim-dev"

/**
 * struct iommusim_config - what an instance can do; all zeroes is a useful one
 * @aperture_bits: width of a translated address, 30 to 57; 0 means 48
 * @pgsize_bitmap: any of the powers of two from SZ_4K to SZ_1G, and at least one that is not larger
 *	than PAGE_SIZE; 0 means SZ_4K, SZ_2M and SZ_1G. Others than these three are translations
 *	made of several entries, as in AMD's page tables.
 * @max_pasids: PASIDs 1 to @max_pasids - 1 can be attached; 0 means none. At most 1 << 20.
 * @quirks: any of &enum iommusim_quirk
 * @features: any of &enum iommusim_feature
 */
struct iommusim_config {
	u8 aperture_bits;
	unsigned long pgsize_bitmap;
	u32 max_pasids;
	u32 quirks;
	u32 features;
};

/**
 * struct iommusim_region - a reserved region of a device
 * @first: first address
 * @last: last address, inclusive
 * @type: how the region is reserved
 * @prot: IOMMU_READ and IOMMU_WRITE, for the direct types
 *
 * A DMA that a device makes into one of its %IOMMU_RESV_MSI regions is not translated and ends in
 * %IOMMUSIM_FAULT_PHYS: it would reach an interrupt controller, not memory.
 */
struct iommusim_region {
	u64 first;
	u64 last;
	enum iommu_resv_type type;
	int prot;
};

/**
 * struct iommusim_device_config - one device; all zeroes is a useful one
 * @group: devices of one instance with the same nonzero number share an IOMMU group; 0 means a
 *	group of its own
 * @dma_mask: addresses the device can emit (a DMA beyond is %IOMMUSIM_FAULT_ADDRESS_SIZE); 0 means
 *	all 64 bits
 * @regions: its reserved regions, copied; NULL means one MSI window, 0xfee00000 to 0xfeefffff.
 *	Those of a direct type lie in the aperture and below 1 << 52, and are with the MSI windows
 *	%IOMMUSIM_MAX_MAPPED_REGIONS bytes at most, since the core goes through them page by page.
 * @nr_regions: number of @regions, at most %IOMMUSIM_MAX_REGIONS; 0 with non-NULL @regions means
 *	none
 * @managed_dma: bind a driver that has driver_managed_dma set and does nothing
 * @ordinary_driver: bind a driver that uses the DMA API's domain, as most do, and does nothing.
 *	Excludes @managed_dma.
 * @external: the device is plugged into a port that users can reach, as dev_is_removable() says
 * @no_pasids: no PASID can be attached to the device, whatever the instance can do
 * @not_coherent: the IOMMU says that the DMA of the device passes caches by
 * @resources: the device has memory of its own for its driver: a page, which begins with the
 *	device's name, and half a page; and an interrupt, see iommusim_set_interrupt(). All are
 *	resources of the platform device.
 * @edge: the interrupt is edge-triggered, not level-triggered; needs @resources
 * @late: the IOMMU core learns of the device only by iommusim_device_join(). A driver asked for is
 *	unbound until device_attach() is called.
 */
struct iommusim_device_config {
	u32 group;
	u64 dma_mask;
	const struct iommusim_region *regions;
	u32 nr_regions;
	bool managed_dma;
	bool ordinary_driver;
	bool external;
	bool no_pasids;
	bool not_coherent;
	bool resources;
	bool edge;
	bool late;
};

/**
 * struct iommusim_fault - how a DMA ended
 * @reason: %IOMMUSIM_OK when all of it was moved
 * @address: first address that could not be accessed
 * @pasid: PASID of the DMA, or %IOMMUSIM_NO_PASID
 * @write: the DMA was a write
 */
struct iommusim_fault {
	enum iommusim_fault_reason reason;
	u64 address;
	u32 pasid;
	bool write;
};

/**
 * struct iommusim_stats - what an instance did, and what its domains hold now
 * @maps: calls of the driver's map operation
 * @unmaps: calls of the driver's unmap operation
 * @flushes: invalidations of a range, @refused_flushes included
 * @flush_all: invalidations of a whole domain
 * @tables: page-table pages in use now, roots included
 * @leaf_4k: 4 KiB entries present now; a translation made of several counts as often
 * @leaf_2m: 2 MiB entries present now, counted in the same way
 * @leaf_1g: 1 GiB entries present now
 * @iotlb_hits: translations served from the IOTLB, @stale_hits included
 * @stale_hits: translations served from the IOTLB whose table entry is gone or different. Any at
 *	all, other than in the moment between an unmap and its invalidation, means that somebody
 *	forgot to invalidate.
 * @page_requests: groups of page requests that devices sent
 * @unanswered: groups of page requests sent and not answered yet
 * @refused_flushes: invalidations of a range that were larger than %IOMMUSIM_SHORT_FLUSH allows
 * @accounted: of @maps, those whose tables are charged to a memory cgroup (__GFP_ACCOUNT)
 *
 * A domain is counted by the instance it was allocated through, a translation by the instance of
 * the device that asked for it. The default domains of the devices are counted too.
 */
struct iommusim_stats {
	u64 maps;
	u64 unmaps;
	u64 flushes;
	u64 flush_all;
	u64 tables;
	u64 leaf_4k;
	u64 leaf_2m;
	u64 leaf_1g;
	u64 iotlb_hits;
	u64 stale_hits;
	u64 page_requests;
	u64 unanswered;
	u64 refused_flushes;
	u64 accounted;
};

struct iommusim *iommusim_create(const struct iommusim_config *cfg);
void iommusim_destroy(struct iommusim *sim);
struct device *iommusim_device_create(struct iommusim *sim,
				      const struct iommusim_device_config *cfg);
int iommusim_device_join(struct device *dev);
void iommusim_device_destroy(struct device *dev);
int iommusim_dma_read(struct device *dev, u32 pasid, u64 address, void *buf, size_t len,
		      struct iommusim_fault *fault);
int iommusim_dma_write(struct device *dev, u32 pasid, u64 address, const void *buf, size_t len,
		       struct iommusim_fault *fault);
int iommusim_dma_read_prq(struct device *dev, u32 pasid, u64 address, void *buf, size_t len,
			  struct iommusim_fault *fault);
int iommusim_dma_write_prq(struct device *dev, u32 pasid, u64 address, const void *buf, size_t len,
			   struct iommusim_fault *fault);
int iommusim_page_request(struct device *dev, u32 pasid, const u64 *addresses, unsigned int count,
			  u32 perm, enum iommu_page_response_code *response);
int iommusim_set_interrupt(struct device *dev, bool on);
void iommusim_fail_attach(struct device *dev, int err, unsigned int times);
void iommusim_fail_tables(struct iommusim *sim, unsigned int skip, unsigned int times);
void iommusim_fail_unmaps(struct iommusim *sim, unsigned int skip, unsigned int times);
void iommusim_get_stats(struct iommusim *sim, struct iommusim_stats *out);

#endif /* _LINUX_IOMMUSIM_H */
