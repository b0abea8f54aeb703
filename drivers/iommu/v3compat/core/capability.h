/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_CAPABILITY_H
#define V3COMPAT_CAPABILITY_H


#include "base/why.h"

struct v3c_device;

/**
 * struct v3c_capabilities - what a device and its IOMMU can do
 * @iommu: name of the IOMMU driver
 * @max_pasids: PASIDs are smaller than this; 0 without
 * @pasid_domain_types: a bit per &enum v3c_domain_type that a sub-device may attach to
 * @sva: sub-devices may be bound to processes
 * @page_requests: page requests reach a handler
 * @unrecoverable_faults: refused DMA is reported
 * @faults_lost: reports dropped since reporting was enabled
 */
struct v3c_capabilities {
	const char *iommu;
	u32 max_pasids;
	u32 pasid_domain_types;
	bool sva;
	bool page_requests;
	bool unrecoverable_faults;
	u64 faults_lost;
};

enum v3c_reason v3c_device_capabilities(struct v3c_device *device, struct v3c_capabilities *out,
					struct v3c_why *why);

#endif
