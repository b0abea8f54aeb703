/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_CAPABILITY_H
#define V3COMPAT_CAPABILITY_H

#include <linux/v3compat.h>

#include "base/status.h"

struct v3c_device;

NTSTATUS v3c_device_capabilities(struct v3c_device *device, struct v3compat_capabilities *out,
				 struct v3c_why *why);

#endif
