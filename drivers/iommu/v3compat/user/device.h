/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_USER_DEVICE_H
#define V3COMPAT_USER_DEVICE_H

struct v3u_file;

void v3u_devices_stop(struct v3u_file *file);
void v3u_devices_release(struct v3u_file *file);

#endif
