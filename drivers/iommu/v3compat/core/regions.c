// SPDX-License-Identifier: GPL-2.0
/*
 * Reserved regions (&struct v3c_region): addresses of a domain that its creator, or the platform of
 * a device, keeps for itself.
 */
#include <linux/device.h>
#include <linux/iommu.h>
#include <linux/mutex.h>

#include "base/bus.h"
#include "base/topology.h"
#include "core/device.h"
#include "core/domain.h"
#include "core/group.h"
#include "core/regions.h"
#include "table/hwpt.h"
#include "table/shadow.h"
#include "table/withhold.h"

/* v3c_regions_map() maps the V3C_RANGE_DIRECT ranges of @added in every page table. */
int v3c_regions_map(struct v3c_domain *domain, struct list_head *added)
{
	struct v3c_withheld *held;
	struct v3c_hwpt *hwpt;
	int ret;

	lockdep_assert_held(&domain->mutex);

	list_for_each_entry(held, added, entry) {
		if (!held->unmapped)
			continue;
		v3c_for_each_hwpt(domain, hwpt, domain->space.slots) {
			ret = v3c_hwpt_map_run(hwpt, held->first, held->first,
					       held->last - held->first + 1, held->prot,
					       GFP_KERNEL | hwpt->account);
			if (ret == -EUCLEAN)
				v3c_withheld_lose(&domain->space, held);
			if (ret)
				return ret;
			held->slots |= BIT(hwpt->slot);
		}
	}
	return 0;
}

static void unmap_direct(struct v3c_domain *domain, struct list_head *added)
{
	struct v3c_withheld *held;
	struct v3c_hwpt *hwpt;

	list_for_each_entry(held, added, entry)
		v3c_for_each_hwpt(domain, hwpt, held->slots)
			if (!v3c_hwpt_unmap(hwpt, held->first, held->last - held->first + 1))
				v3c_withheld_lose(&domain->space, held);
}

/* match_identity(): a mapping in the way of a device's region does what that asks for (@like). */
static bool match_identity(void *arg, const struct v3c_view *range, struct v3c_traits like)
{
	struct v3c_domain *domain = arg;

	if ((range->prot & like.prot) != like.prot)
		return false;
	return range->kind == V3C_RANGE_IDENTITY ||
	       (range->kind == V3C_RANGE_LOGICAL && range->contiguous &&
		v3c_hwpt_pfn(domain->hwpts[__ffs(domain->space.slots)], range->first) ==
		range->first);
}

static bool match_nothing(void *arg, const struct v3c_view *range, struct v3c_traits like)
{
	return false;
}

/* v3c_regions_withhold_own(): the caller has checked @regions, and the space is empty. */
int v3c_regions_withhold_own(struct v3c_domain *domain, const struct v3c_region *regions,
			     unsigned int count, struct list_head *added)
{
	unsigned int i;
	int ret;

	lockdep_assert_held(&domain->mutex);

	for (i = 0; i < count; i++) {
		struct v3c_traits like = {
			.kind = regions[i].mapped ? V3C_RANGE_DIRECT : V3C_RANGE_HOLE,
			.prot = regions[i].mapped ? IOMMU_READ | IOMMU_WRITE : 0,
			.contiguous = true,
		};

		if (regions[i].mapped && regions[i].last > domain->space.last)
			return -EDOM;
		ret = v3c_withhold(&domain->space, regions[i].first, regions[i].last, like,
				   match_nothing, NULL, added);
		if (ret)
			return ret;
	}
	return 0;
}

/*
 * withhold_device() withholds what the device's platform keeps for itself.
 * IOMMU_RESV_DIRECT_RELAXABLE is left to us, because the platform merely prefers it.
 * IOMMU_RESV_DIRECT must stay mapped: it is mapped for a device that is attached, and withheld from
 * addresses to be chosen for one that may be. PASIDs are not concerned, because firmware's DMA
 * carries none.
 */
static int withhold_device(struct v3c_domain *domain, struct device *dev,
			   enum v3c_region_user user, struct list_head *added)
{
	struct iommu_resv_region *region;
	LIST_HEAD(regions);
	int ret = 0;

	lockdep_assert_held(&domain->mutex);

	iommu_get_resv_regions(dev, &regions);
	list_for_each_entry(region, &regions, list) {
		bool direct = region->type == IOMMU_RESV_DIRECT && user == V3C_REGION_UNTAGGED;
		struct v3c_traits like = {
			.kind = direct ? V3C_RANGE_DIRECT : V3C_RANGE_WINDOW,
			.prot = direct ? region->prot & (IOMMU_READ | IOMMU_WRITE) : 0,
			.contiguous = true,
		};

		if (region->type == IOMMU_RESV_DIRECT_RELAXABLE || !region->length)
			continue;
		if (region->type == IOMMU_RESV_DIRECT && user == V3C_REGION_PASID)
			continue;
		ret = v3c_withhold(&domain->space, region->start >> V3C_PAGE_SHIFT,
					 (region->start + region->length - 1) >> V3C_PAGE_SHIFT,
					 like, match_identity, domain, added);
		if (ret)
			break;
	}
	iommu_put_resv_regions(dev, &regions);
	return ret;
}

/*
 * struct v3c_withholding: for withhold_member(). A group's members share all of their regions,
 * because the IOMMU does not tell them apart.
 */
struct v3c_withholding {
	struct v3c_domain *domain;
	struct device *dev;
	enum v3c_region_user user;
	struct list_head *added;
};

/* withhold_member() leaves a member that is just joining to v3c_regions_join(). */
static int withhold_member(struct device *member, void *arg)
{
	struct v3c_withholding *what = arg;

	if (member != what->dev && !v3c_bus_knows(member))
		return 0;
	return withhold_device(what->domain, member, what->user, what->added);
}

int v3c_regions_withhold_group(struct v3c_domain *domain, struct device *dev,
			       enum v3c_region_user user, struct list_head *added)
{
	struct v3c_withholding what = {
		.domain = domain, .dev = dev, .user = user, .added = added,
	};

	return v3c_group_for_each_member(dev, &what, withhold_member);
}

int v3c_regions_withhold_known(struct v3c_domain *domain, struct list_head *added)
{
	struct v3c_device *pos = NULL;
	struct device *dev;
	int ret = 0;

	while (!ret && (dev = v3c_device_next_known(domain->handle.owner, &pos)))
		ret = v3c_regions_withhold_group(domain, dev, V3C_REGION_POSSIBLE, added);
	return ret;
}

/*
 * v3c_regions_check_mirrors(): nothing is mirrored to @added from here on, because it is withheld.
 * What is mirrored there already is in the way (-EADDRINUSE).
 */
int v3c_regions_check_mirrors(struct v3c_domain *domain, struct list_head *added)
{
	struct v3c_withheld *held;
	struct v3c_hwpt *hwpt;

	lockdep_assert_held(&domain->mutex);

	list_for_each_entry(held, added, entry)
		v3c_for_each_hwpt(domain, hwpt, domain->space.slots)
			if (hwpt->shadow &&
			    v3c_shadow_overlaps(hwpt->shadow, held->first, held->last))
				return -EADDRINUSE;
	return 0;
}

/*
 * sync_mirrors() brings every page table up to date with the owner's tables. When one fails it goes
 * on with the others, and returns the first error.
 */
static int sync_mirrors(struct v3c_domain *domain)
{
	struct v3c_hwpt *hwpt;
	int ret = 0, err;

	lockdep_assert_held(&domain->mutex);

	v3c_for_each_hwpt(domain, hwpt, domain->space.slots) {
		err = v3c_shadow_sync(hwpt->shadow, true);
		ret = ret ? ret : err;
	}
	return ret;
}

void v3c_regions_forget(struct v3c_domain *domain, struct list_head *added)
{
	bool any = !list_empty(added);

	lockdep_assert_held(&domain->mutex);

	unmap_direct(domain, added);
	v3c_withhold_undo(&domain->space, added);
	/*
	 * sync_mirrors() mirrors what flushes have left out, because it was withheld. What there is
	 * no memory for is left to the next flush.
	 */
	if (any && domain->type == V3C_DOMAIN_UNMANAGED)
		sync_mirrors(domain);
}

/**
 * v3c_regions_join() - see to a device that joins an attached group
 * @domain: what the untagged DMA of the group goes through
 * @dev: the device
 *
 * Regions that the platform of @dev reserves are withheld from then on, and mapped where they must
 * be.
 *
 * Context: may sleep; between v3c_group_begin_attach() and v3c_group_end_attach().
 * Return: 0; -EADDRINUSE when something in the way is in use; -ENOMEM; or what the IOMMU driver
 * said. Then nothing has changed.
 */
int v3c_regions_join(struct v3c_domain *domain, struct device *dev)
{
	LIST_HEAD(added);
	int ret;

	if (domain->type == V3C_DOMAIN_PASSTHROUGH)
		return 0;
	guard(mutex)(&domain->mutex);
	v3c_domain_forbid_quick(domain);
	ret = withhold_device(domain, dev, V3C_REGION_UNTAGGED, &added);
	if (!ret)
		ret = v3c_regions_check_mirrors(domain, &added);
	if (!ret)
		ret = v3c_regions_map(domain, &added);
	if (ret)
		v3c_regions_forget(domain, &added);
	else
		v3c_withheld_keep(&added);
	v3c_domain_allow_quick(domain);
	return ret;
}
