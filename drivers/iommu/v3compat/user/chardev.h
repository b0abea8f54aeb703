/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_USER_CHARDEV_H
#define V3COMPAT_USER_CHARDEV_H

int v3u_module_init(void);
void v3u_module_exit(void);

#endif
