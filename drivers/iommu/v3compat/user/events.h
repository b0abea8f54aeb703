/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_USER_EVENTS_H
#define V3COMPAT_USER_EVENTS_H

#include <linux/types.h>

#include "base/why.h"

struct v3u_call;
struct v3u_device;
struct v3u_file;

enum v3c_reason v3u_events_check_none(struct v3u_call *call, struct v3u_device *device);
void v3u_events_aperture(struct v3u_file *file, u32 domain, u64 last);
void v3u_events_device_gone(struct v3u_device *device);
void v3u_events_close(struct v3u_file *file);

#endif
