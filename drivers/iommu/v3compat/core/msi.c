// SPDX-License-Identifier: GPL-2.0
/*
 * Message-signalled interrupts (MSI), which are DMA writes.
 *
 * Where the hardware knows them by their address, as x86's does, no domain matters to them.
 * Elsewhere the IOMMU translates them as it does any write: the kernel maps the doorbell in the
 * device's default domain and writes the address that it has there into the device. In a domain of
 * ours that address is whatever the client maps there, and under PassThrough it is physical: an
 * interrupt would write into memory that nobody gave the device.
 */
#include <linux/device.h>
#include <linux/iommu.h>
#include <linux/pci.h>

#include "base/bus.h"
#include "base/compat.h"
#include "base/topology.h"
#include "core/group.h"
#include "core/msi.h"

static bool translates_msi(struct device *dev)
{
	struct iommu_resv_region *region;
	bool translated = true;
	LIST_HEAD(regions);

	iommu_get_resv_regions(dev, &regions);
	list_for_each_entry(region, &regions, list)
		if (region->type == IOMMU_RESV_MSI)
			translated = false;
	iommu_put_resv_regions(dev, &regions);
	return translated;
}

/* has_vectors(): dev->msi.data stays from the first vectors on until the driver goes. */
static bool has_vectors(const struct device *dev)
{
	if (dev_is_pci(dev))
		return pci_dev_msi_enabled(to_pci_dev(dev));
#ifdef CONFIG_GENERIC_MSI_IRQ
	return dev->msi.data;
#else
	return false;
#endif
}

static bool can_have_vectors(const struct device *dev)
{
	if (!dev_get_msi_domain(dev))
		return false;
	return !dev_is_pci(dev) || to_pci_dev(dev)->msi_cap || to_pci_dev(dev)->msix_cap;
}

/* struct v3c_msi_query: a device to be attached, for is_unsafe_member(). */
struct v3c_msi_query {
	struct device *dev;
	enum v3c_domain_type type;
};

static bool is_unsafe(struct device *dev, enum v3c_domain_type type)
{
	/*
	 * v3c_core_checks_msi(): other cores hand out vectors while the device is attached, with
	 * the physical address of the doorbell, which is right under PassThrough only.
	 */
	if (!has_vectors(dev) && (v3c_core_checks_msi() || type == V3C_DOMAIN_PASSTHROUGH ||
				  !can_have_vectors(dev)))
		return false;
	return translates_msi(dev);
}

/* is_unsafe_member() leaves a member that is just joining to v3c_msi_may_join(). */
static int is_unsafe_member(struct device *member, void *arg)
{
	const struct v3c_msi_query *query = arg;

	return (member == query->dev || v3c_bus_knows(member)) && is_unsafe(member, query->type);
}

/*
 * is_identity() looks at the domain that @dev is in: the default domain, or, while PASIDs are
 * attached in the group, perhaps a blocked one.
 */
static bool is_identity(struct device *dev)
{
	const struct iommu_domain *core = iommu_get_domain_for_dev(dev);

	return core && core->type == IOMMU_DOMAIN_IDENTITY;
}

/**
 * v3c_msi_may_attach() - whether the interrupts of a device that is attached stay interrupts
 * @dev: alive, attached nowhere
 * @type: of the domain
 *
 * The whole group is looked at, because all of it goes through the domain. Once it does, one more
 * attached member changes nothing. PassThrough does no harm where the default domain does not
 * translate either. PASIDs need no check: messages carry none.
 *
 * Context: may sleep; under v3c_topology.
 * Return: true if they do, false if they would be written into memory.
 */
bool v3c_msi_may_attach(struct device *dev, enum v3c_domain_type type)
{
	struct v3c_msi_query query = { .dev = dev, .type = type };
	struct v3c_group *ours = v3c_group_find(dev);

	if (ours && ours->untagged)
		return true;
	if (type == V3C_DOMAIN_PASSTHROUGH && is_identity(dev))
		return true;
	return !v3c_group_for_each_member(dev, &query, is_unsafe_member);
}

/**
 * v3c_msi_may_join() - whether the interrupts of a device that joins a group stay interrupts
 * @dev: the device
 * @type: of the domain that the untagged DMA of the group goes through
 *
 * The messages that @dev has already hold the physical address of the doorbell, because they were
 * written before the IOMMU translated for @dev. They stay right under PassThrough; any other domain
 * would take them into memory.
 *
 * Context: may sleep; under v3c_topology.
 * Return: true if they do.
 */
bool v3c_msi_may_join(struct device *dev, enum v3c_domain_type type)
{
	lockdep_assert_held(&v3c_topology);

	return type == V3C_DOMAIN_PASSTHROUGH || !is_unsafe(dev, type);
}
