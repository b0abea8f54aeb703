/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_WDM_FAULTS_H
#define V3COMPAT_WDM_FAULTS_H

#include <v3compat/wdm.h>

struct v3c_fault_handler;
struct v3c_fault_record;
struct v3c_fault_source;

void v3w_fault_fill(FAULT_INFORMATION *information, FAULT_INFORMATION_ARCH arch,
		    const struct v3c_fault_source *source, const struct v3c_fault_record *record,
		    FAULT_INFORMATION_X64_TYPE type);
const struct v3c_fault_handler *v3w_fault_handler(const DEVICE_FAULT_CONFIGURATION *config,
						  struct v3c_fault_handler *handler);

#endif
