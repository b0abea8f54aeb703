/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_DRIVER_H
#define V3COMPAT_DRIVER_H

#include <linux/types.h>

struct device;

/**
 * struct v3c_driver - what is known of an IOMMU driver that it does not say itself
 * @match: begins the name of its IOMMUs, or that of the driver of the device that is the IOMMU
 * @name: in the documentation
 * @faults: it tells the owner of a domain about refused DMA
 * @logs_faults: it tells the kernel log only, in words that fault_console.c reads
 * @page_requests: it hands on page requests for paging domains that modules attach to PASIDs
 * @enables_pasids_late: it enables the PASIDs of a PCI device only when that is attached itself
 */
struct v3c_driver {
	const char *match;
	const char *name;
	bool faults;
	bool logs_faults;
	bool page_requests;
	bool enables_pasids_late;
};

const struct v3c_driver *v3c_driver_of(struct device *dev);

#endif
