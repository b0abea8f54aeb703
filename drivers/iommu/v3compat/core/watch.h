/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_WATCH_H
#define V3COMPAT_WATCH_H

#include "base/why.h"
#include "core/device.h"

enum v3c_reason v3c_watch_begin(struct v3c_device *device, const struct v3c_watcher *watcher,
				struct v3c_why *why);
enum v3c_reason v3c_watch_end(struct v3c_device *device, void (*callback)(void),
			      struct v3c_why *why);
void v3c_watch_abandon(struct v3c_device *device, bool loud);
int v3c_watch_wait_device(const struct v3c_device *device, unsigned int state);
int v3c_watch_wait(u64 change, unsigned int state);

int v3c_watch_module_init(void);
void v3c_watch_module_exit(void);

#endif
