/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_BUS_H
#define V3COMPAT_BUS_H

#include <linux/notifier.h>
#include <linux/types.h>

struct bus_type;
struct device;

const struct bus_type *v3c_bus(unsigned int index);
bool v3c_bus_is_watched(const struct bus_type *bus);
int v3c_bus_for_each_dev(void *arg, int (*fn)(struct device *dev, void *arg));

bool v3c_bus_learn(struct device *dev);
bool v3c_bus_knows(struct device *dev);
void v3c_bus_forget(struct device *dev);

int v3c_bus_watch(notifier_fn_t first, notifier_fn_t last);
void v3c_bus_unwatch(void);

#endif
