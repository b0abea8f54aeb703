/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_REPORT_H
#define V3COMPAT_REPORT_H

#include <linux/v3compat.h>

#include "base/status.h"

struct device;
struct v3c_device;

NTSTATUS v3c_report_faults(struct v3c_device *device, u32 base, bool enable,
			   const DEVICE_FAULT_CONFIGURATION *config, struct v3c_why *why);
NTSTATUS v3c_report_faults_pdo(struct device *pdo, u32 base, bool enable,
			       const DEVICE_FAULT_CONFIGURATION *config, struct v3c_why *why);
void v3c_report_query(struct v3c_device *device, struct v3compat_capabilities *out);

#endif
