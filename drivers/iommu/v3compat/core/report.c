// SPDX-License-Identifier: GPL-2.0
/*
 * v3c_report_faults(): which faults of a device its driver can hear of, and from when until when it
 * does.
 */
#include <kunit/visibility.h>
#include <linux/device.h>
#include <linux/export.h>
#include <linux/pci.h>

#include "base/iommus.h"
#include "base/owner.h"
#include "base/phys.h"
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

/*
 * reports_requests(): only sub-devices make page requests that the IOMMU core hands on, and theirs
 * may be suppressed.
 */
static bool reports_requests(struct v3c_device *device)
{
	return device->tagged && !device->suppress && v3c_fault_makes_requests(device->pdo);
}

static enum v3c_reason check_base(struct v3c_device *device, u32 base, struct v3c_why *why)
{
	/*
	 * @base cannot be verified any more when the device is gone. It is accepted then, because
	 * disabling must still work.
	 */
	if (!base || (IS_ENABLED(CONFIG_ARM64) &&
		      (device->gone || v3c_device_has_input_mapping(device, base))))
		return 0;
	return v3c_refuse(why, V3C_REASON_BAD_CONFIG, V3C_PARAM_MAPPING, device, base, 0);
}

static enum v3c_reason check_enable(struct v3c_device *device, u32 base,
				    const struct v3c_fault_handler *handler, struct v3c_why *why)
{
	enum v3c_reason reason = check_base(device, base, why);

	if (reason)
		return reason;
	if (!handler)
		return v3c_refuse(why, V3C_REASON_NULL_POINTER, V3C_PARAM_CALLBACK, device, 0, 0);
	if (v3c_device_is_gone(device))
		return v3c_refuse(why, V3C_REASON_DEVICE_GONE, V3C_PARAM_DEVICE, device, 0, 0);
	if (!reports_refusals(device->pdo) && !reports_requests(device))
		return v3c_refuse(why, V3C_REASON_NO_FAULTS, V3C_PARAM_DEVICE, device, 0, 0);
	if (!device->domain && !v3c_pasids_attached(device))
		return v3c_refuse(why, V3C_REASON_NOT_ATTACHED, V3C_PARAM_DEVICE, device, 0, 0);
	if (device->reporter.enabled)
		return v3c_refuse(why, V3C_REASON_IN_USE, V3C_PARAM_DEVICE, device, 1, 0);
	return 0;
}

static enum v3c_reason enable_reports(struct v3c_device *device, u32 base,
				      const struct v3c_fault_handler *handler, struct v3c_why *why)
{
	struct v3c_fault_source source = { .pdo = device->pdo };
	enum v3c_reason reason = check_enable(device, base, handler, why);

	if (reason)
		return reason;
	source.input_mapping = v3c_device_first_input_mapping(device);
	if (dev_is_pci(device->pdo))
		source.segment = pci_domain_nr(to_pci_dev(device->pdo)->bus);
	if (v3c_fault_begin(&device->reporter, handler, &source,
			    v3c_owner_gfp(device->handle.owner)))
		return v3c_refuse(why, V3C_REASON_NO_MEMORY, V3C_PARAM_NONE, device, 0, 0);
	return 0;
}

/* disable_reports(): the caller goes on with wait_for_handler(), without v3c_topology. */
static enum v3c_reason disable_reports(struct v3c_device *device, u32 base, struct v3c_why *why)
{
	enum v3c_reason reason = check_base(device, base, why);

	if (reason)
		return reason;
	if (!device->reporter.enabled)
		return v3c_refuse(why, V3C_REASON_NOT_ENABLED, V3C_PARAM_DEVICE, device, 0, 0);
	v3c_fault_end(&device->reporter);
	return 0;
}

static enum v3c_reason report_faults(struct v3c_device *device, u32 base, bool enable,
				     const struct v3c_fault_handler *handler, struct v3c_why *why)
{
	return enable ? enable_reports(device, base, handler, why) :
			disable_reports(device, base, why);
}

/*
 * wait_for_handler() comes after disable_reports(), which answered @reason. It waits also where
 * reporting had ended already, because the end may not have waited for the handler: a driver that
 * left did not disable it, and a process that did may have been killed. @device may be dead by now.
 */
static enum v3c_reason wait_for_handler(struct v3c_device *device, enum v3c_reason reason,
					unsigned int state, struct v3c_why *why)
{
	if (reason && reason != V3C_REASON_NOT_ENABLED)
		return reason;
	if (v3c_fault_wait(&device->reporter, state))
		return v3c_refuse_errno(why, -EINTR, V3C_PARAM_NONE, device, 0, 0);
	return reason;
}

/**
 * v3c_report_faults() - start or stop telling a handler about a device's faults
 * @device: the device
 * @base: its first input mapping, or 0
 * @enable: start
 * @handler: the handler, or NULL; looked at only to start
 * @why: filled on refusal
 *
 * Stopping refuses the page requests that the handler wanted to answer later.
 *
 * Context: may sleep. Stopping waits for a call of the handler, unless it is made from inside it.
 * Return: 0 or a reason, see SetDeviceFaultReportingEx in contract.h; or %V3C_REASON_KILLED with
 * reporting stopped, while a call of the handler may still be running.
 */
enum v3c_reason v3c_report_faults(struct v3c_device *device, u32 base, bool enable,
				  const struct v3c_fault_handler *handler, struct v3c_why *why)
{
	enum v3c_reason reason;
	unsigned int state;

	scoped_guard(mutex, &v3c_topology) {
		if (!v3c_handle_is(device, V3C_KIND_DEVICE))
			return v3c_refuse(why, V3C_REASON_BAD_HANDLE, V3C_PARAM_DEVICE, NULL, 0,
					  0);
		state = v3c_handle_wait_state(device);
		reason = report_faults(device, base, enable, handler, why);
	}
	return enable ? reason : wait_for_handler(device, reason, state, why);
}
EXPORT_SYMBOL_IF_KUNIT(v3c_report_faults);

/**
 * v3c_report_answer() - answer page requests of which the handler was told
 * @device: the device
 * @cookie: of their group, see &struct v3c_fault_report
 * @allow: the device may try again, if it would find each page mapped as it wants it
 * @why: filled on refusal
 *
 * The handler may have returned or not, and the call may come from inside it. Requests of the group
 * that it has not been told of yet are answered with the others, and not told.
 *
 * Context: may sleep.
 * Return: 0; %V3C_REASON_NOT_MAPPED when the requests were refused although @allow; or
 * %V3C_REASON_BAD_HANDLE when they were answered before, which a detach and the end of reporting
 * do, too, or are refused because a detach has begun.
 */
enum v3c_reason v3c_report_answer(struct v3c_device *device, u64 cookie, bool allow,
				  struct v3c_why *why)
{
	enum v3c_reason reason;
	u64 page = 0;

	/* Without v3c_topology, because no group of a device that takes the memory has @cookie. */
	if (!v3c_handle_is(device, V3C_KIND_DEVICE))
		return v3c_refuse(why, V3C_REASON_BAD_HANDLE, V3C_PARAM_DEVICE, NULL, 0, 0);
	reason = v3c_fault_answer(&device->reporter, cookie, allow, &page);
	if (reason == V3C_REASON_NOT_MAPPED)
		return v3c_refuse(why, reason, V3C_PARAM_ADDRESS, device, page,
				  page + V3C_PAGE_SIZE - 1);
	if (reason)
		return v3c_refuse(why, reason, V3C_PARAM_COOKIE, device, 0, 0);
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(v3c_report_answer);

/**
 * v3c_report_expire() - refuse page requests that have waited too long for v3c_report_answer()
 * @device: the device
 * @age: how long is too long, in jiffies
 *
 * Context: may sleep.
 * Return: in how many jiffies the next ones will have waited so long; 0 when none wait.
 */
unsigned long v3c_report_expire(struct v3c_device *device, unsigned long age)
{
	return v3c_handle_is(device, V3C_KIND_DEVICE) ? v3c_fault_expire(&device->reporter, age) :
							0;
}
EXPORT_SYMBOL_IF_KUNIT(v3c_report_expire);

/**
 * v3c_report_faults_pdo() - v3c_report_faults() by V1, which knows no DMA devices
 * @owner: who asks
 * @pdo: attached by v3c_attach_pdo()
 * @base: 0
 * @enable: start
 * @handler: the handler, or NULL; looked at only to start
 * @why: filled on refusal
 *
 * Context: may sleep. Stopping waits for a call of the handler, unless it is made from inside it.
 * Return: 0 or a reason, see V1's SetDeviceFaultReporting in contract.h.
 */
enum v3c_reason v3c_report_faults_pdo(const struct v3c_owner *owner, struct device *pdo, u32 base,
				      bool enable,
				      const struct v3c_fault_handler *handler, struct v3c_why *why)
{
	struct v3c_device *device;
	enum v3c_reason reason;

	scoped_guard(mutex, &v3c_topology) {
		device = v3c_device_find_attached(pdo);
		if (!device || !device->v1 || device->handle.owner != owner)
			return v3c_refuse(why, V3C_REASON_NOT_ATTACHED, V3C_PARAM_DEVICE, NULL, 0,
					  0);
		reason = report_faults(device, base, enable, handler, why);
	}
	return enable ? reason : wait_for_handler(device, reason, TASK_UNINTERRUPTIBLE, why);
}

/**
 * v3c_report_check() - whether all that somebody wants to hear of can be reported
 * @device: the device
 * @refusals: he wants to hear of refused DMA
 * @requests: of page requests
 * @why: filled on refusal
 *
 * Context: may sleep.
 * Return: 0, %V3C_REASON_BAD_HANDLE, %V3C_REASON_DEVICE_GONE or %V3C_REASON_NO_FAULTS.
 */
enum v3c_reason v3c_report_check(struct v3c_device *device, bool refusals, bool requests,
				 struct v3c_why *why)
{
	guard(mutex)(&v3c_topology);
	if (!v3c_handle_is(device, V3C_KIND_DEVICE))
		return v3c_refuse(why, V3C_REASON_BAD_HANDLE, V3C_PARAM_DEVICE, NULL, 0, 0);
	if (v3c_device_is_gone(device))
		return v3c_refuse(why, V3C_REASON_DEVICE_GONE, V3C_PARAM_DEVICE, device, 0, 0);
	if ((refusals && !reports_refusals(device->pdo)) ||
	    (requests && !reports_requests(device)))
		return v3c_refuse(why, V3C_REASON_NO_FAULTS, V3C_PARAM_DEVICE, device, 0, 0);
	return 0;
}

/**
 * v3c_report_query() - what of a device can be reported, and what was lost
 * @device: alive and not gone
 * @refusals: result: refused DMA is reported
 * @requests: result: page requests are
 * @lost: result: reports dropped since reporting was enabled
 *
 * Context: under v3c_topology.
 */
void v3c_report_query(struct v3c_device *device, bool *refusals, bool *requests, u64 *lost)
{
	lockdep_assert_held(&v3c_topology);

	*refusals = reports_refusals(device->pdo);
	*requests = reports_requests(device);
	*lost = v3c_fault_lost(&device->reporter);
}
