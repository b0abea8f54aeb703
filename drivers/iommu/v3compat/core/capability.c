// SPDX-License-Identifier: GPL-2.0
/*
 * v3c_device_capabilities(): what a device and its IOMMU can do.
 */
#include <linux/bits.h>
#include <linux/device.h>
#include <linux/iommu.h>

#include "base/compat.h"
#include "base/iommus.h"
#include "base/topology.h"
#include "core/capability.h"
#include "core/device.h"
#include "core/report.h"
#include "table/hwpt.h"

/*
 * pasid_takes(): PASIDs of @dev can use such a table, as far as the IOMMU driver says so without
 * attaching one. Returns true, false or -ENOMEM.
 */
static int pasid_takes(struct device *dev, bool first_stage)
{
	struct v3c_hwpt *hwpt = v3c_hwpt_alloc(dev, first_stage, 0);
	int ret;

	if (IS_ERR(hwpt))
		return PTR_ERR(hwpt) == -ENOMEM ? -ENOMEM : false;
	ret = v3c_hwpt_takes_pasids(hwpt, dev);
	v3c_hwpt_free(hwpt);
	return ret;
}

/*
 * pasid_domain_types() tries a first-stage table first, because alloc_for() in hwpts.c asks for one
 * when it attaches a PASID that no table of the domain fits.
 */
static int pasid_domain_types(struct device *dev)
{
	int first_stage, any;

	first_stage = pasid_takes(dev, true);
	if (first_stage < 0)
		return first_stage;
	any = first_stage ? true : pasid_takes(dev, false);
	if (any <= 0)
		return any;
	return BIT(V3C_DOMAIN_TRANSLATE) | BIT(V3C_DOMAIN_UNMANAGED) |
	       (first_stage ? BIT(V3C_DOMAIN_TRANSLATE_S1) : 0);
}

/**
 * v3c_device_capabilities() - what can be had with a device now
 * @device: the device
 * @out: result, untouched on failure
 * @why: filled on refusal
 *
 * Context: may sleep.
 * Return: 0, %V3C_REASON_BAD_HANDLE, %V3C_REASON_DEVICE_GONE or %V3C_REASON_NO_MEMORY.
 */
enum v3c_reason v3c_device_capabilities(struct v3c_device *device, struct v3c_capabilities *out,
					struct v3c_why *why)
{
	struct device *pdo;

	guard(mutex)(&v3c_topology);
	if (!v3c_handle_is(device, V3C_KIND_DEVICE))
		return v3c_refuse(why, V3C_REASON_BAD_HANDLE, V3C_PARAM_DEVICE, NULL, 0, 0);
	if (v3c_device_is_gone(device))
		return v3c_refuse(why, V3C_REASON_DEVICE_GONE, V3C_PARAM_DEVICE, device, 0, 0);
	pdo = device->pdo;
	if (device->pasid_types < 0)
		device->pasid_types = v3c_iommu_takes_pasids(pdo) ? pasid_domain_types(pdo) : 0;
	if (device->pasid_types < 0)
		return v3c_refuse_errno(why, device->pasid_types, V3C_PARAM_DEVICE, device, 0, 0);
	*out = (struct v3c_capabilities) {
		.iommu = v3c_iommu_traits_of(pdo)->name,
		.pasid_domain_types = device->pasid_types,
	};
	if (v3c_iommu_takes_pasids(pdo)) {
		out->max_pasids = pdo->iommu->max_pasids;
		out->sva = v3c_sva_supported(pdo);
	}
	v3c_report_query(device, &out->unrecoverable_faults, &out->page_requests,
			 &out->faults_lost);
	return 0;
}
