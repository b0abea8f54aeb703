/* SPDX-License-Identifier: GPL-2.0 */
#ifndef IOMMUSIM_PLATFORM_H
#define IOMMUSIM_PLATFORM_H

#include <linux/rwsem.h>

struct device;
struct iommusim;

extern struct rw_semaphore iommusim_plugging;

int iommusim_init_fwspec(struct device *dev, struct iommusim *sim);

int iommusim_drivers_register(void);
void iommusim_drivers_unregister(void);

#endif
