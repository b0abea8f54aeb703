/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_REMOVAL_H
#define V3COMPAT_REMOVAL_H

struct device;

void v3c_removal_driver_leaves(struct device *dev);

int v3c_removal_module_init(void);
void v3c_removal_module_exit(void);

#endif
