/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_WATCH_H
#define V3COMPAT_WATCH_H

#include "base/status.h"
#include "core/device.h"

NTSTATUS v3c_watch_begin(struct v3c_device *device, PIOMMU_INTERFACE_STATE_CHANGE_CALLBACK callback,
			 void *context, struct v3c_why *why);
NTSTATUS v3c_watch_end(struct v3c_device *device,
		       PIOMMU_INTERFACE_STATE_CHANGE_CALLBACK callback, struct v3c_why *why);
void v3c_watch_abandon(struct v3c_device *device);
int v3c_watch_wait(u64 change, unsigned int state);

int v3c_watch_module_init(void);
void v3c_watch_module_exit(void);

#endif
