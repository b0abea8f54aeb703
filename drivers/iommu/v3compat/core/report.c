// SPDX-License-Identifier: GPL-2.0
/*
 * Fault reporting: which faults of a device its driver can hear of, and from when until when it does.
 */
#include <linux/device.h>
#include <linux/pci.h>

#include "base/iommus.h"
#include "base/topology.h"
#include "core/device.h"
#include "core/fault.h"
#include "core/fault_console.h"
#include "core/pasid.h"
#include "core/report.h"

static bool reports_refusals(struct device *pdo)
{
	const struct v3c_iommu_traits *traits = v3c_iommu_traits_of(pdo);

	return traits->faults || (traits->logs_faults && v3c_fault_console_enabled());
}

/* Only sub-devices make requests that the core hands on, and theirs may be suppressed. */
static bool reports_requests(struct v3c_device *device)
{
	return device->tagged && !device->suppress && v3c_fault_makes_requests(device->pdo);
}

static NTSTATUS check_base(struct v3c_device *device, u32 base, struct v3c_why *why)
{
	/* Nobody knows any more what it was of a device that is gone, whose reporting must end yet. */
	if (!base || (IS_ENABLED(CONFIG_ARM64) &&
		      (device->gone || v3c_device_has_input_mapping(device, base))))
		return STATUS_SUCCESS;
	return v3c_refuse(why, STATUS_INVALID_PARAMETER_2, V3C_REASON_BAD_CONFIG, device, base, 0);
}

static NTSTATUS check_enable(struct v3c_device *device, u32 base,
			     const DEVICE_FAULT_CONFIGURATION *config, struct v3c_why *why)
{
	NTSTATUS status = check_base(device, base, why);

	if (!NT_SUCCESS(status))
		return status;
	if (!config || !config->FaultHandler)
		return v3c_refuse(why, STATUS_INVALID_PARAMETER_4, V3C_REASON_NULL_POINTER, device,
				  0, 0);
	if (v3c_device_is_gone(device))
		return v3c_refuse(why, STATUS_INVALID_PARAMETER_1, V3C_REASON_DEVICE_GONE, device, 0, 0);
	if (!reports_refusals(device->pdo) && !reports_requests(device))
		return v3c_refuse(why, STATUS_NOT_IMPLEMENTED, V3C_REASON_NO_FAULTS, device, 0, 0);
	if (!device->domain && !v3c_pasids_attached(device))
		return v3c_refuse(why, STATUS_INVALID_PARAMETER_1, V3C_REASON_NOT_ATTACHED, device,
				  0, 0);
	if (device->reporter.enabled)
		return v3c_refuse(why, STATUS_RESOURCE_IN_USE, V3C_REASON_IN_USE, device, 0, 0);
	return STATUS_SUCCESS;
}

static NTSTATUS enable_reports(struct v3c_device *device, u32 base,
			       const DEVICE_FAULT_CONFIGURATION *config, struct v3c_why *why)
{
	struct v3c_fault_source source = { .pdo = device->pdo };
	NTSTATUS status = check_enable(device, base, config, why);

	if (!NT_SUCCESS(status))
		return status;
	source.input_mapping = v3c_device_first_input_mapping(device);
	if (dev_is_pci(device->pdo))
		source.segment = pci_domain_nr(to_pci_dev(device->pdo)->bus);
	if (v3c_fault_begin(&device->reporter, config, &source))
		return v3c_refuse(why, STATUS_INSUFFICIENT_RESOURCES, V3C_REASON_NO_MEMORY, device,
				  0, 0);
	return STATUS_SUCCESS;
}

/* The caller goes on with v3c_fault_wait(). */
static NTSTATUS disable_reports(struct v3c_device *device, u32 base, struct v3c_why *why)
{
	NTSTATUS status = check_base(device, base, why);

	if (!NT_SUCCESS(status))
		return status;
	if (!device->reporter.enabled)
		return v3c_refuse(why, STATUS_UNSUCCESSFUL, V3C_REASON_NOT_ENABLED, device, 0, 0);
	v3c_fault_end(&device->reporter);
	return STATUS_SUCCESS;
}

static NTSTATUS report_faults(struct v3c_device *device, u32 base, bool enable,
			      const DEVICE_FAULT_CONFIGURATION *config, struct v3c_why *why)
{
	return enable ? enable_reports(device, base, config, why) :
			disable_reports(device, base, why);
}

/**
 * v3c_report_faults() - start or stop telling a handler about a device's faults
 * @device: the device
 * @base: its first input mapping, or 0
 * @enable: start
 * @config: the handler; looked at only to start
 * @why: filled on refusal
 *
 * Context: may sleep. Stopping waits for a call of the handler, unless it is made from inside it.
 * Return: status of SetDeviceFaultReportingEx, see wdm.h.
 */
NTSTATUS v3c_report_faults(struct v3c_device *device, u32 base, bool enable,
				  const DEVICE_FAULT_CONFIGURATION *config, struct v3c_why *why)
{
	NTSTATUS status;

	scoped_guard(mutex, &v3c_topology) {
		if (!v3c_handle_is(device, V3C_KIND_DEVICE))
			return v3c_refuse(why, STATUS_INVALID_PARAMETER_1, V3C_REASON_BAD_HANDLE,
					  device, 0, 0);
		status = report_faults(device, base, enable, config, why);
	}
	if (NT_SUCCESS(status) && !enable)
		v3c_fault_wait(&device->reporter);
	return status;
}

/**
 * v3c_report_faults_pdo() - the same by V1, which knows no DMA devices
 * @pdo: attached by v3c_attach_pdo()
 * @base: 0
 * @enable: start
 * @config: the handler; looked at only to start
 * @why: filled on refusal
 *
 * Context: may sleep. Stopping waits for a call of the handler, unless it is made from inside it.
 * Return: status of V1's SetDeviceFaultReporting, see wdm.h.
 */
NTSTATUS v3c_report_faults_pdo(struct device *pdo, u32 base, bool enable,
				      const DEVICE_FAULT_CONFIGURATION *config,
				      struct v3c_why *why)
{
	struct v3c_device *device;
	NTSTATUS status;

	scoped_guard(mutex, &v3c_topology) {
		device = v3c_device_find_attached(pdo);
		if (!device || !device->v1)
			return v3c_refuse(why, STATUS_INVALID_PARAMETER_1, V3C_REASON_NOT_ATTACHED,
					  pdo, 0, 0);
		status = report_faults(device, base, enable, config, why);
	}
	/* It may be dead by now, but not forgotten. */
	if (NT_SUCCESS(status) && !enable)
		v3c_fault_wait(&device->reporter);
	return status;
}

/**
 * v3c_report_query() - what of a device can be reported, and what was lost
 * @device: alive and not gone
 * @out: its fields about faults are filled
 *
 * Context: under v3c_topology.
 */
void v3c_report_query(struct v3c_device *device, struct v3compat_capabilities *out)
{
	lockdep_assert_held(&v3c_topology);

	out->unrecoverable_faults = reports_refusals(device->pdo);
	out->page_requests = reports_requests(device);
	out->faults_lost = v3c_fault_lost(&device->reporter);
}
