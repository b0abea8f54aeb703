// SPDX-License-Identifier: GPL-2.0
/*
 * The devices of the buses that IOMMUs serve, and which of them are known to have joined their
 * group.
 *
 * v3c_bus_for_each_dev() serves to find the members of a group, because the core would list them
 * under the group's lock only. The core holds that lock for as long as a driver waits for page
 * requests, and so does a reset of a PCI device. A device that leaves is off its bus before
 * BUS_NOTIFY_REMOVED_DEVICE is sent.
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

/* v3c_buses has the buses whose devices the core puts behind IOMMUs, as its own iommu_buses[]. */
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

/* v3c_known_devices is protected by v3c_topology. */
static DEFINE_HASHTABLE(v3c_known_devices, 8);

/* Bus number @index, or NULL behind the last one. */
const struct bus_type *v3c_bus(unsigned int index)
{
	return index < ARRAY_SIZE(v3c_buses) ? v3c_buses[index] : NULL;
}

/* True if the notifiers of v3c_bus_watch() are called for devices of @bus. */
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
 * v3c_bus_knows() - whether a device has joined its group, as far as the notifiers have told
 * @dev: the device
 *
 * device_iommu_mapped() is true already while the core is still adding a device, which may lose its
 * group again. The IOMMU driver must not be asked about such a device.
 *
 * Context: under v3c_topology.
 * Return: true if it has.
 */
bool v3c_bus_knows(struct device *dev)
{
	return find_known(dev);
}

/* Remembers @dev if it is behind an IOMMU; true if that is news. Under v3c_topology. */
bool v3c_bus_learn(struct device *dev)
{
	struct v3c_known *known;

	lockdep_assert_held(&v3c_topology);

	if (!device_iommu_mapped(dev) || find_known(dev))
		return false;
	/* __GFP_NOFAIL because a device that joins cannot be refused. */
	known = kmalloc(sizeof(*known), GFP_KERNEL | __GFP_NOFAIL);
	known->dev = dev;
	hash_add(v3c_known_devices, &known->node, (unsigned long)dev);
	return true;
}

static void free_known(struct v3c_known *known)
{
	hash_del(&known->node);
	kfree(known);
}

/* Forgets @dev, which leaves its bus. Under v3c_topology. */
void v3c_bus_forget(struct device *dev)
{
	struct v3c_known *known = find_known(dev);

	if (known)
		free_known(known);
}

static int learn_device(struct device *dev, void *unused)
{
	v3c_bus_learn(dev);
	return 0;
}

static int watch_bus(unsigned int i, notifier_fn_t first, notifier_fn_t last)
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

static void unwatch_bus(unsigned int i)
{
	bus_unregister_notifier(v3c_buses[i], &v3c_last[i]);
	bus_unregister_notifier(v3c_buses[i], &v3c_first[i]);
}

/* No notifier is called any more. */
static void forget_all(void)
{
	struct hlist_node *next;
	struct v3c_known *known;
	unsigned int i;

	hash_for_each_safe(v3c_known_devices, i, next, known, node)
		free_known(known);
}

static void unwatch_buses(unsigned int count)
{
	while (count--)
		unwatch_bus(count);
	forget_all();
}

static int watch_buses(notifier_fn_t first, notifier_fn_t last)
{
	unsigned int i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(v3c_buses); i++) {
		ret = watch_bus(i, first, last);
		if (ret) {
			unwatch_buses(i);
			return ret;
		}
	}
	return 0;
}

/**
 * v3c_bus_watch() - have notifiers called for devices that come and go, and for their drivers
 * @first: called before the notifier of the IOMMU core
 * @last: called after it
 *
 * Context: may sleep.
 * Return: 0 or what the driver core said.
 */
int v3c_bus_watch(notifier_fn_t first, notifier_fn_t last)
{
	int ret = watch_buses(first, last);

	if (ret)
		return ret;
	guard(mutex)(&v3c_topology);
	v3c_bus_for_each_dev(NULL, learn_device);
	return 0;
}

/* No notifier of v3c_bus_watch() is called after this, and no device is known. */
void v3c_bus_unwatch(void)
{
	unwatch_buses(ARRAY_SIZE(v3c_buses));
}
