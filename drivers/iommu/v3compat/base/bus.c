// SPDX-License-Identifier: GPL-2.0
/*
 * The devices of the buses that IOMMUs serve, and which of them are known to have joined their group.
 *
 * The members of a group are found by going through the buses. The core would list them under the
 * group's lock, which it holds for as long as a driver waits for page requests: a reset of a PCI device
 * does, too. And a device that leaves is off its bus before anybody is told.
 */
#include <linux/amba/bus.h>
#include <linux/cdx/cdx_bus.h>
#include <linux/device.h>
#include <linux/fsl/mc.h>
#include <linux/hashtable.h>
#include <linux/host1x_context_bus.h>
#include <linux/notifier.h>
#include <linux/pci.h>
#include <linux/platform_device.h>
#include <linux/slab.h>

#include "base/bus.h"
#include "base/topology.h"

/* All that the IOMMU core looks after. */
static const struct bus_type * const v3c_buses[] = {
	&platform_bus_type,
#ifdef CONFIG_PCI
	&pci_bus_type,
#endif
#ifdef CONFIG_ARM_AMBA
	&amba_bustype,
#endif
#ifdef CONFIG_FSL_MC_BUS
	&fsl_mc_bus_type,
#endif
#ifdef CONFIG_TEGRA_HOST1X_CONTEXT_BUS
	&host1x_context_device_bus_type,
#endif
#ifdef CONFIG_CDX_BUS
	&cdx_bus_type,
#endif
};

static struct notifier_block v3c_first[ARRAY_SIZE(v3c_buses)];
static struct notifier_block v3c_last[ARRAY_SIZE(v3c_buses)];

/**
 * struct v3c_known - a device that has joined its group
 * @node: in v3c_known_devices
 * @dev: the device; on its bus, so not referenced
 */
struct v3c_known {
	struct hlist_node node;
	struct device *dev;
};

/* Under v3c_topology. */
static DEFINE_HASHTABLE(v3c_known_devices, 8);

/* NULL at the end. */
const struct bus_type *v3c_bus(unsigned int index)
{
	return index < ARRAY_SIZE(v3c_buses) ? v3c_buses[index] : NULL;
}

/* Whether we hear of devices that come and go. */
bool v3c_bus_is_watched(const struct bus_type *bus)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(v3c_buses); i++)
		if (bus == v3c_buses[i])
			return true;
	return false;
}

/**
 * v3c_bus_for_each_dev() - go through the devices of all watched buses
 * @arg: for @fn
 * @fn: called with each; nonzero ends the walk
 *
 * Context: may sleep.
 * Return: what @fn returned last, or 0.
 */
int v3c_bus_for_each_dev(void *arg, int (*fn)(struct device *dev, void *arg))
{
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < ARRAY_SIZE(v3c_buses); i++)
		ret = bus_for_each_dev(v3c_buses[i], NULL, arg, fn);
	return ret;
}

static struct v3c_known *find_known(struct device *dev)
{
	struct v3c_known *known;

	lockdep_assert_held(&v3c_topology);

	hash_for_each_possible(v3c_known_devices, known, node, (unsigned long)dev)
		if (known->dev == dev)
			return known;
	return NULL;
}

/**
 * v3c_bus_knows() - whether the core has put a device behind its IOMMU, as far as we were told
 * @dev: the device
 *
 * While it does, the device has a group already that it may lose again, and its IOMMU must not be
 * asked about it.
 *
 * Context: under v3c_topology.
 * Return: true if it has.
 */
bool v3c_bus_knows(struct device *dev)
{
	return find_known(dev);
}

/* Remembers a device that is behind its IOMMU; whether that is news. Under v3c_topology. */
bool v3c_bus_learn(struct device *dev)
{
	struct v3c_known *known;

	if (!device_iommu_mapped(dev) || find_known(dev))
		return false;
	/* A device that joins cannot be refused. */
	known = kmalloc(sizeof(*known), GFP_KERNEL | __GFP_NOFAIL);
	known->dev = dev;
	hash_add(v3c_known_devices, &known->node, (unsigned long)dev);
	return true;
}

static void forget(struct v3c_known *known)
{
	hash_del(&known->node);
	kfree(known);
}

/* It leaves its bus. Under v3c_topology. */
void v3c_bus_forget(struct device *dev)
{
	struct v3c_known *known = find_known(dev);

	if (known)
		forget(known);
}

static int learn(struct device *dev, void *unused)
{
	v3c_bus_learn(dev);
	return 0;
}

static int watch(unsigned int i, notifier_fn_t first, notifier_fn_t last)
{
	int ret;

	v3c_first[i] = (struct notifier_block) { .notifier_call = first, .priority = INT_MAX };
	ret = bus_register_notifier(v3c_buses[i], &v3c_first[i]);
	if (ret)
		return ret;
	v3c_last[i] = (struct notifier_block) { .notifier_call = last, .priority = INT_MIN };
	ret = bus_register_notifier(v3c_buses[i], &v3c_last[i]);
	if (ret)
		bus_unregister_notifier(v3c_buses[i], &v3c_first[i]);
	return ret;
}

static void unwatch(unsigned int i)
{
	bus_unregister_notifier(v3c_buses[i], &v3c_last[i]);
	bus_unregister_notifier(v3c_buses[i], &v3c_first[i]);
}

/**
 * v3c_bus_watch() - hear of devices that come and go, and of their drivers
 * @first: called before the notifier of the IOMMU core
 * @last: called after it
 *
 * Context: may sleep.
 * Return: 0 or what the driver core said.
 */
int v3c_bus_watch(notifier_fn_t first, notifier_fn_t last)
{
	unsigned int i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(v3c_buses); i++) {
		ret = watch(i, first, last);
		if (ret)
			goto unwind;
	}
	guard(mutex)(&v3c_topology);
	v3c_bus_for_each_dev(NULL, learn);
	return 0;

unwind:
	while (i--)
		unwatch(i);
	return ret;
}

/* Nobody is told any more when this returns, and nothing is known. */
void v3c_bus_unwatch(void)
{
	struct hlist_node *next;
	struct v3c_known *known;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(v3c_buses); i++)
		unwatch(i);
	hash_for_each_safe(v3c_known_devices, i, next, known, node)
		forget(known);
}
