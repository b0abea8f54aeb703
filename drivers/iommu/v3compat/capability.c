// SPDX-License-Identifier: GPL-2.0
/*
 * What a device and its IOMMU can do.
 */
#include <linux/device.h>
#include <linux/iommu.h>

#include "capability.h"
#include "compat.h"
#include "device.h"
#include "driver.h"
#include "fault.h"
#include "hwpt.h"
#include "pasid.h"

/* An attach would find out more, but nothing less may be offered. */
static ULONG pasid_domain_types(struct device *dev)
{
	struct v3c_hwpt *hwpt = v3c_hwpt_alloc(dev, true);
	ULONG mask = 0;

	if (!IS_ERR(hwpt)) {
		if (v3c_hwpt_takes_pasids(hwpt, dev))
			mask = 1u << DomainTypeTranslate | 1u << DomainTypeTranslateS1 |
			       1u << DomainTypeUnmanaged;
		v3c_hwpt_free(hwpt);
		return mask;
	}
	hwpt = v3c_hwpt_alloc(dev, false);
	if (IS_ERR(hwpt))
		return 0;
	if (v3c_hwpt_takes_pasids(hwpt, dev))
		mask = 1u << DomainTypeTranslate | 1u << DomainTypeUnmanaged;
	v3c_hwpt_free(hwpt);
	return mask;
}

/**
 * v3c_device_capabilities() - what can be had with a device now
 * @device: the device
 * @out: result, untouched on failure
 * @why: filled on refusal
 *
 * Context: may sleep.
 * Return: status of v3compat_query_capabilities().
 */
NTSTATUS v3c_device_capabilities(struct v3c_device *device, struct v3compat_capabilities *out,
				 struct v3c_why *why)
{
	struct device *pdo;

	guard(mutex)(&v3c_topology);
	if (!v3c_handle_is(device, V3C_KIND_DEVICE))
		return v3c_refuse(why, STATUS_INVALID_PARAMETER_1, V3C_REASON_BAD_HANDLE, device, 0, 0);
	if (device->gone)
		return v3c_refuse(why, STATUS_INVALID_PARAMETER_1, V3C_REASON_DEVICE_GONE, device, 0, 0);
	pdo = device->pdo;
	*out = (struct v3compat_capabilities) { .iommu = v3c_driver_of(pdo)->name };
	if (v3c_pasid_supported(pdo)) {
		out->max_pasids = pdo->iommu->max_pasids;
		out->pasid_domain_types = pasid_domain_types(pdo);
		out->sva = v3c_sva_supported(pdo);
	}
	v3c_fault_query(device, out);
	return STATUS_SUCCESS;
}
