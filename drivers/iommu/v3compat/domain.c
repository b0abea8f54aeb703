// SPDX-License-Identifier: GPL-2.0
/*
 * Domains: the set of page tables behind one logical address space, and who is attached to which.
 *
 * A domain that maps has a page table from the start, so that everything can be done before the first
 * attach. A device whose IOMMU refuses every table there is gets one of its kind, filled with what the
 * domain has mapped. A table that nobody is attached to goes as soon as another one is in use.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/device.h>
#include <linux/iommu.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "bus.h"
#include "context.h"
#include "device.h"
#include "domain.h"
#include "fault.h"
#include "group.h"
#include "guard.h"
#include "pasid.h"
#include "passthrough.h"
#include "range.h"
#include "replay.h"
#include "reserve.h"
#include "shadow.h"
#include "trace.h"

static void domain_init_once(void *object)
{
	struct v3c_domain *domain = object;

	mutex_init(&domain->mutex);
	xa_init(&domain->token_at);
	mutex_init(&domain->configuring);
	v3c_space_init_once(&domain->space);
}

V3C_POOL(v3c_domains, V3C_KIND_DOMAIN, struct v3c_domain, "domain", domain_init_once);

/* Quick operations may start again if there is one table for them. */
static void allow_quick(struct v3c_domain *domain)
{
	u8 slots = domain->space.slots;

	if (!v3c_domain_is_mapped_by_us(domain) || hweight8(slots) != 1)
		return;
	/* Whoever finds the table there sees that it is complete. */
	smp_store_release(&domain->sole, domain->hwpts[__ffs(slots)]);
}

/*
 * Waits for those under way, too, and for everything else that has started: once for each change of the
 * set of tables or of what is withheld, since none starts until allow_quick().
 */
static void forbid_quick(struct v3c_domain *domain)
{
	WRITE_ONCE(domain->sole, NULL);
	v3c_space_quiesce(&domain->space);
}

/*
 * Takes the mutex, and v3c_topology inside it; memory of a dead domain will do. Whoever holds the mutex may
 * be in the middle of an attach that waits for a process, and everybody's devices come and go under
 * v3c_topology: so that is never held while a mutex is waited for. -EINTR when the caller is killed.
 */
static int lock_domain(struct v3c_domain *domain)
{
	if (mutex_lock_killable(&domain->mutex))
		return -EINTR;
	mutex_lock(&v3c_topology);
	return 0;
}

static void unlock_domain(struct v3c_domain *domain)
{
	mutex_unlock(&v3c_topology);
	mutex_unlock(&domain->mutex);
}

/* The same, without quick operations, which are waited for before v3c_topology is taken. -EBUSY. */
static int lock_quiet(struct v3c_domain *domain)
{
	if (mutex_lock_killable(&domain->mutex))
		return -EBUSY;
	if (v3c_handle_is(domain, V3C_KIND_DOMAIN))
		forbid_quick(domain);
	mutex_lock(&v3c_topology);
	return 0;
}

static void unlock_quiet(struct v3c_domain *domain)
{
	if (v3c_handle_is(domain, V3C_KIND_DOMAIN))
		allow_quick(domain);
	mutex_unlock(&domain->mutex);
}

/**
 * v3c_domain_begin_attach() - take the mutex of a domain and v3c_topology, to attach to it
 * @domain: the domain; memory of a dead one will do
 * @must_wait: whether an attach that nothing else refuses would wait in the core; under both locks
 * @object: for @must_wait
 *
 * No quick operation starts until v3c_domain_end_attach().
 *
 * Context: may sleep; without v3c_topology.
 * Return: 0, and v3c_domain_end_attach() undoes it; or -EBUSY when the caller is killed.
 */
int v3c_domain_begin_attach(struct v3c_domain *domain, bool (*must_wait)(void *object), void *object)
{
	int ret;

	for (;;) {
		ret = lock_quiet(domain);
		if (ret)
			return ret;
		if (!must_wait(object))
			return 0;
		unlock_quiet(domain);
		ret = v3c_group_wait_killable();
		mutex_unlock(&v3c_topology);
		if (ret)
			return ret;
	}
}

void v3c_domain_end_attach(struct v3c_domain *domain)
{
	mutex_unlock(&v3c_topology);
	unlock_quiet(domain);
}

/* Tables are allocated by a domain for its own use; DIRECT ranges of @added are put in all of them. */
static int map_direct(struct v3c_domain *domain, struct list_head *added)
{
	struct v3c_withheld *held;
	struct v3c_hwpt *hwpt;
	int ret;

	list_for_each_entry(held, added, entry) {
		if (!held->unmapped)
			continue;
		v3c_for_each_hwpt(domain, hwpt, domain->space.slots) {
			ret = v3c_hwpt_map_run(hwpt, held->range->first, held->range->first,
					       v3c_range_pages(held->range), held->range->prot,
					       GFP_KERNEL);
			if (ret == -EUCLEAN)
				v3c_range_give(held->range, V3C_RANGE_LOST);
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
			if (!v3c_hwpt_unmap(hwpt, held->range->first, v3c_range_pages(held->range)))
				v3c_range_give(held->range, V3C_RANGE_LOST);
}

/* Whether a live mapping in the way of a device's region does what the region asks for. */
static bool is_identity(void *arg, const struct v3c_range *range, const struct v3c_range *like)
{
	struct v3c_domain *domain = arg;

	if ((range->prot & like->prot) != like->prot)
		return false;
	return range->kind == V3C_RANGE_IDENTITY ||
	       (range->kind == V3C_RANGE_LOGICAL && range->contiguous &&
		v3c_hwpt_pfn(domain->hwpts[__ffs(domain->space.slots)], range->first) ==
		range->first);
}

static bool never(void *arg, const struct v3c_range *range, const struct v3c_range *like)
{
	return false;
}

/* A region of the creator's list: checked by the caller, in an empty space. */
static int withhold_own(struct v3c_domain *domain, const IOMMU_DMA_RESERVED_REGION *regions,
			struct list_head *added)
{
	u64 first, last;
	int ret;

	for (; regions; regions = regions->RegionNext) {
		struct v3c_range like = {
			.kind = regions->ShouldMap ? V3C_RANGE_DIRECT : V3C_RANGE_HOLE,
			.prot = regions->ShouldMap ? IOMMU_READ | IOMMU_WRITE : 0,
			.contiguous = true,
		};

		first = regions->Base >> V3C_PAGE_SHIFT;
		last = first + regions->NumberOfPages - 1;
		if (regions->ShouldMap && last > domain->space.last)
			return -EDOM;
		ret = v3c_space_withhold(&domain->space, first, last, &like, never, NULL, added);
		if (ret)
			return ret;
	}
	return 0;
}

/* What is, or may be, attached. */
enum v3c_user { V3C_USER_POSSIBLE, V3C_USER_UNTAGGED, V3C_USER_PASID };

/*
 * What the device's platform keeps for itself. What it merely prefers (relaxable) is left to us. What
 * must stay mapped is mapped for a device that is attached, and withheld from addresses to be chosen
 * for one that may be; firmware's DMA carries no PASID, so that it does not concern those.
 */
static int withhold_device(struct v3c_domain *domain, struct device *dev, enum v3c_user user,
			   struct list_head *added)
{
	struct iommu_resv_region *region;
	LIST_HEAD(regions);
	int ret = 0;

	iommu_get_resv_regions(dev, &regions);
	list_for_each_entry(region, &regions, list) {
		bool direct = region->type == IOMMU_RESV_DIRECT && user == V3C_USER_UNTAGGED;
		struct v3c_range like = {
			.kind = direct ? V3C_RANGE_DIRECT : V3C_RANGE_WINDOW,
			.prot = direct ? region->prot & (IOMMU_READ | IOMMU_WRITE) : 0,
			.contiguous = true,
		};

		if (region->type == IOMMU_RESV_DIRECT_RELAXABLE || !region->length)
			continue;
		if (region->type == IOMMU_RESV_DIRECT && user == V3C_USER_PASID)
			continue;
		ret = v3c_space_withhold(&domain->space, region->start >> V3C_PAGE_SHIFT,
					 (region->start + region->length - 1) >> V3C_PAGE_SHIFT,
					 &like, is_identity, domain, added);
		if (ret)
			break;
	}
	iommu_put_resv_regions(dev, &regions);
	return ret;
}

/* What a group's members share are all of their regions: the IOMMU does not tell them apart. */
struct v3c_withholding {
	struct v3c_domain *domain;
	struct device *dev;
	enum v3c_user user;
	struct list_head *added;
};

/* Those of a member that is just joining come with v3c_domain_member_joins(). */
static int withhold_member(struct device *member, void *arg)
{
	struct v3c_withholding *what = arg;

	if (member != what->dev && !v3c_bus_knows(member))
		return 0;
	return withhold_device(what->domain, member, what->user, what->added);
}

static int withhold_group(struct v3c_domain *domain, struct device *dev, enum v3c_user user,
			  struct list_head *added)
{
	struct v3c_withholding what = {
		.domain = domain, .dev = dev, .user = user, .added = added,
	};

	return v3c_group_for_each_member(dev, &what, withhold_member);
}

static int withhold_known_devices(struct v3c_domain *domain, struct list_head *added)
{
	struct v3c_device *pos = NULL;
	struct device *dev;
	int ret = 0;

	while (!ret && (dev = v3c_device_next_known(&pos)))
		ret = withhold_group(domain, dev, V3C_USER_POSSIBLE, added);
	return ret;
}

static void free_hwpt(struct v3c_hwpt *hwpt)
{
	v3c_shadow_free(hwpt->shadow);
	v3c_hwpt_free(hwpt);
}

/* That of an Unmanaged domain comes with its mirror. */
static struct v3c_hwpt *with_mirror(struct v3c_domain *domain, struct v3c_hwpt *hwpt)
{
	if (IS_ERR(hwpt) || domain->type != DomainTypeUnmanaged)
		return hwpt;
	hwpt->shadow = v3c_shadow_alloc(hwpt, &domain->space, &domain->tables, &domain->nodes);
	if (hwpt->shadow)
		return hwpt;
	v3c_hwpt_free(hwpt);
	return ERR_PTR(-ENOMEM);
}

static struct v3c_hwpt *alloc_first(struct v3c_domain *domain, struct device *dev)
{
	struct v3c_hwpt *hwpt = v3c_hwpt_alloc(dev, domain->type == DomainTypeTranslateS1);

	if (!IS_ERR(hwpt))
		v3c_fault_watch(hwpt, dev);
	return hwpt;
}

/* The first page table, from any device whose IOMMU can do what the type asks for. */
static struct v3c_hwpt *first_hwpt(struct v3c_domain *domain)
{
	struct v3c_hwpt *hwpt = ERR_PTR(-ENODEV);
	struct v3c_device *pos = NULL;
	struct device *dev;

	while (IS_ERR(hwpt) && (dev = v3c_device_next_known(&pos)))
		hwpt = alloc_first(domain, dev);
	dev = NULL;
	while (IS_ERR(hwpt) && (dev = v3c_device_next_any(dev)))
		hwpt = alloc_first(domain, dev);
	put_device(dev);
	return with_mirror(domain, hwpt);
}

static void free_hwpts(struct v3c_domain *domain)
{
	struct v3c_hwpt *hwpt;

	v3c_for_each_hwpt(domain, hwpt, domain->space.slots)
		free_hwpt(hwpt);
	memset(domain->hwpts, 0, sizeof(domain->hwpts));
}

static void reset_domain(struct v3c_domain *domain, IOMMU_DMA_DOMAIN_TYPE type,
			 const IOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG *allocator)
{
	domain->type = type;
	domain->width_last = V3C_MAX_PAGES - 1;
	if (allocator)
		domain->width_last = (1ULL << (allocator->BuddyAllocatorConfig.AddressWidth -
					       V3C_PAGE_SHIFT)) - 1;
	INIT_LIST_HEAD(&domain->devices);
	INIT_LIST_HEAD(&domain->pasids);
	INIT_LIST_HEAD(&domain->tokens);
	domain->sole = NULL;
	domain->tables = (struct v3c_tables) { .kind = V3C_TABLES_NONE };
	v3c_space_reset(&domain->space, !!allocator, domain->width_last);
}

static int populate(struct v3c_domain *domain, const IOMMU_DMA_RESERVED_REGION *regions)
{
	struct v3c_hwpt *hwpt;
	LIST_HEAD(added);
	int ret;

	hwpt = first_hwpt(domain);
	if (IS_ERR(hwpt))
		return PTR_ERR(hwpt);
	domain->hwpts[0] = hwpt;
	v3c_space_add_slot(&domain->space, 0, false);
	ret = v3c_space_set_last(&domain->space, min(domain->width_last, v3c_hwpt_last_page(hwpt)));
	if (!ret)
		ret = withhold_own(domain, regions, &added);
	if (!ret)
		ret = withhold_known_devices(domain, &added);
	if (!ret)
		ret = map_direct(domain, &added);
	/* The page table goes as a whole: nothing need be unmapped. */
	v3c_withheld_keep(&added);
	return ret;
}

static NTSTATUS check_create(IOMMU_DMA_DOMAIN_TYPE type, struct v3c_why *why)
{
	struct device *any;

	guard(mutex)(&v3c_topology);
	any = v3c_device_next_any(NULL);
	if (!any)
		return v3c_refuse(why, STATUS_NOT_SUPPORTED, V3C_REASON_NO_IOMMU, NULL, 0, 0);
	put_device(any);
	if (!v3c_guard_allows_any(type))
		return v3c_refuse(why, STATUS_NOT_SUPPORTED, V3C_REASON_NOT_AVAILABLE, NULL, type, 0);
	return STATUS_SUCCESS;
}

static int make_domain(struct v3c_domain *domain, IOMMU_DMA_DOMAIN_TYPE type,
		       const IOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG *allocator,
		       const IOMMU_DMA_RESERVED_REGION *regions)
{
	int ret = 0;

	guard(mutex)(&domain->mutex);
	guard(mutex)(&v3c_topology);
	reset_domain(domain, type, allocator);
	if (type != DomainTypePassThrough)
		ret = populate(domain, regions);
	if (ret) {
		free_hwpts(domain);
		v3c_space_clear(&domain->space);
		return ret;
	}
	v3c_space_open(&domain->space);
	allow_quick(domain);
	v3c_handle_publish(&v3c_domains, &domain->handle);
	return 0;
}

static NTSTATUS create(IOMMU_DMA_DOMAIN_TYPE type,
		       const IOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG *allocator,
		       const IOMMU_DMA_RESERVED_REGION *regions,
		       struct v3c_domain **out, struct v3c_why *why)
{
	NTSTATUS status = check_create(type, why);
	struct v3c_domain *domain;
	int ret;

	if (!NT_SUCCESS(status))
		return status;
	domain = v3c_handle_alloc(&v3c_domains);
	if (!domain)
		return v3c_refuse(why, STATUS_INSUFFICIENT_RESOURCES, V3C_REASON_NO_MEMORY, NULL, 0, 0);
	ret = make_domain(domain, type, allocator, regions);
	if (!ret) {
		*out = domain;
		return STATUS_SUCCESS;
	}
	v3c_handle_free(&v3c_domains, &domain->handle);
	if (ret == -EDOM)
		return v3c_refuse(why, STATUS_INVALID_PARAMETER_4, V3C_REASON_BEYOND_APERTURE,
				  regions, 0, 0);
	return v3c_refuse_errno(why, ret, STATUS_NOT_SUPPORTED, NULL, type, 0);
}

/**
 * v3c_domain_create() - create a domain
 * @type: one that exists
 * @allocator: checked, or NULL for explicit addresses
 * @regions: checked list, or NULL
 * @out: result, untouched on failure
 * @why: filled on refusal
 *
 * Context: may sleep.
 * Return: status of CreateDomainEx, see wdm.h.
 */
NTSTATUS v3c_domain_create(IOMMU_DMA_DOMAIN_TYPE type,
			   const IOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG *allocator,
			   const IOMMU_DMA_RESERVED_REGION *regions,
			   struct v3c_domain **out, struct v3c_why *why)
{
	struct v3c_domain *domain = NULL;
	NTSTATUS status = create(type, allocator, regions, &domain, why);

	if (NT_SUCCESS(status))
		*out = domain;
	trace_v3compat_domain_create(domain, type, status);
	return status;
}

/* Nobody can start anything on it any more; frees what it has. */
static void dissolve(struct v3c_domain *domain)
{
	lockdep_assert_held(&domain->mutex);

	v3c_handle_retire(&domain->handle);
	v3c_space_close(&domain->space);
	forbid_quick(domain);
	free_hwpts(domain);
	v3c_runs_free(domain->tables.runs);
	v3c_space_clear(&domain->space);
}

/**
 * v3c_domain_destroy() - delete a domain; its mappings go with it
 * @domain: the domain
 * @why: filled on refusal
 *
 * Context: may sleep.
 * Return: status of DeleteDomain, see wdm.h.
 */
NTSTATUS v3c_domain_destroy(struct v3c_domain *domain, struct v3c_why *why)
{
	u32 serial = domain->handle.serial;
	NTSTATUS status = STATUS_SUCCESS;

	/* Whoever finds it looks under its mutex whether it is still there. */
	scoped_guard(mutex, &domain->mutex) {
		if (!v3c_handle_is(domain, V3C_KIND_DOMAIN))
			status = v3c_refuse(why, STATUS_INVALID_PARAMETER_1, V3C_REASON_BAD_HANDLE,
					    domain, 0, 0);
		else if (!list_empty(&domain->devices) || !list_empty(&domain->pasids) ||
			 !list_empty(&domain->tokens))
			status = v3c_refuse(why, STATUS_RESOURCE_IN_USE, V3C_REASON_IN_USE, domain,
					    list_count_nodes(&domain->devices) +
					    list_count_nodes(&domain->pasids),
					    list_count_nodes(&domain->tokens));
		else
			dissolve(domain);
	}
	if (NT_SUCCESS(status))
		v3c_handle_free(&v3c_domains, &domain->handle);
	trace_v3compat_domain_delete(serial, status);
	return status;
}

/* The last page that all tables reach, and @more if it is not NULL. */
static u64 last_page_with(struct v3c_domain *domain, const struct v3c_hwpt *more)
{
	u64 last = domain->width_last;
	struct v3c_hwpt *hwpt;

	if (more)
		last = min(last, v3c_hwpt_last_page(more));
	v3c_for_each_hwpt(domain, hwpt, domain->space.slots)
		last = min(last, v3c_hwpt_last_page(hwpt));
	return last;
}

/* No quick operation can be under way. */
static void remove_hwpt(struct v3c_domain *domain, struct v3c_hwpt *hwpt)
{
	v3c_space_remove_slot(&domain->space, hwpt->slot);
	v3c_space_drain(&domain->space);
	v3c_tokens_forget(domain, hwpt->slot);
	domain->hwpts[hwpt->slot] = NULL;
	free_hwpt(hwpt);
}

/* Tables that nobody is attached to, as long as one is left; and the space is as wide as the others. */
static void drop_idle_hwpts(struct v3c_domain *domain)
{
	struct v3c_hwpt *hwpt;

	v3c_for_each_hwpt(domain, hwpt, domain->space.slots) {
		if (!hwpt->attached && hweight8(domain->space.slots) > 1)
			remove_hwpt(domain, hwpt);
	}
	/* It can only become wider, so that nothing lies beyond. */
	if (domain->type != DomainTypePassThrough)
		v3c_space_set_last(&domain->space, last_page_with(domain, NULL));
}

/* What is being attached: the untagged DMA of a group, or one PASID. */
struct v3c_target {
	struct device *dev;
	struct v3c_group *group;
	struct v3c_attachment *tagged;	/* NULL for untagged DMA */
};

static int target_attach(struct v3c_target *target, struct v3c_hwpt *hwpt)
{
	if (target->tagged)
		return v3c_attachment_attach(target->tagged, hwpt);
	return v3c_group_attach(target->group, hwpt->domain, hwpt);
}

static void target_detach(struct v3c_target *target)
{
	if (target->tagged)
		v3c_attachment_detach(target->tagged);
	else
		v3c_group_detach(target->group);
}

/* The driver wants a page table of another kind, or, for a PASID, none at all. */
static bool is_misfit(const struct v3c_target *target, int err)
{
	return err == -EINVAL || (target->tagged && (err == -EOPNOTSUPP || err == -ENODEV));
}

/*
 * A driver may learn what its table can do only when the first device is attached: 6.12's VT-d then
 * narrows the aperture. Mappings beyond it make the attach fail, as they would have made the map.
 */
static int adopt(struct v3c_domain *domain, struct v3c_target *target, struct v3c_hwpt *hwpt)
{
	int ret = target_attach(target, hwpt);

	if (ret)
		return ret;
	v3c_hwpt_settle(hwpt, target->dev);
	ret = v3c_space_set_last(&domain->space, last_page_with(domain, hwpt));
	if (ret)
		target_detach(target);
	else
		hwpt->attached++;
	return ret;
}

/* -EINVAL when none fits. */
static int attach_existing(struct v3c_domain *domain, struct v3c_target *target)
{
	struct v3c_hwpt *hwpt;
	int ret;

	v3c_for_each_hwpt(domain, hwpt, domain->space.slots) {
		/* A driver would refuse, or have requests that nobody answers. */
		if (hwpt->page_requests != v3c_fault_makes_requests(target->dev) ||
		    !v3c_hwpt_may_attach(hwpt, target->dev))
			continue;
		ret = adopt(domain, target, hwpt);
		if (!is_misfit(target, ret))
			return ret;
	}
	return -EINVAL;
}

/* A format for PASIDs is asked for where one is needed; some drivers know of no such difference. */
static struct v3c_hwpt *alloc_for(struct v3c_domain *domain, const struct v3c_target *target)
{
	bool first_stage = domain->type == DomainTypeTranslateS1;
	struct v3c_hwpt *hwpt;

	hwpt = v3c_hwpt_alloc(target->dev, first_stage || target->tagged);
	if (hwpt == ERR_PTR(-EOPNOTSUPP) && target->tagged && !first_stage)
		hwpt = v3c_hwpt_alloc(target->dev, false);
	if (IS_ERR(hwpt) || !target->tagged || v3c_hwpt_takes_pasids(hwpt, target->dev))
		return hwpt;
	v3c_hwpt_free(hwpt);
	return ERR_PTR(-EOPNOTSUPP);
}

static struct v3c_hwpt *another_hwpt(struct v3c_domain *domain, const struct v3c_target *target)
{
	u8 used = domain->space.slots;
	struct v3c_hwpt *hwpt;

	if (hweight8(used) == V3C_MAX_SLOTS)
		return ERR_PTR(-EXFULL);
	hwpt = with_mirror(domain, alloc_for(domain, target));
	if (!IS_ERR(hwpt)) {
		v3c_fault_watch(hwpt, target->dev);
		hwpt->slot = ffz(used);
	}
	return hwpt;
}

/*
 * Once the device is attached, as what the table can do may be known only then. Flushes have found it
 * since it is in its slot.
 */
static int fill_mirror(struct v3c_target *target, struct v3c_hwpt *hwpt)
{
	int ret = hwpt->shadow ? v3c_shadow_sync(hwpt->shadow, true) : 0;

	if (ret) {
		target_detach(target);
		hwpt->attached--;
	}
	return ret;
}

/*
 * The mirror of a table that nobody is attached to makes room for the one that takes its place; or is
 * filled again after all, and without memory now by the next flush.
 */
static void empty_idle_mirrors(struct v3c_domain *domain, bool empty)
{
	struct v3c_hwpt *hwpt;

	v3c_for_each_hwpt(domain, hwpt, domain->space.slots) {
		if (!hwpt->shadow || hwpt->attached)
			continue;
		if (empty) {
			v3c_shadow_empty(hwpt->shadow);
			continue;
		}
		v3c_shadow_set_tables(hwpt->shadow, &domain->tables);
		v3c_shadow_sync(hwpt->shadow, true);
	}
}

/* What must stay mapped for devices, into a table that nobody knows yet. */
static int fill_direct(struct v3c_domain *domain, struct v3c_hwpt *hwpt)
{
	struct v3c_range range;
	u64 page = 0;
	int ret = 0;

	while (!ret && v3c_space_next_direct(&domain->space, page, &range)) {
		ret = v3c_hwpt_map_run(hwpt, range.first, range.first, v3c_range_pages(&range),
				       range.prot, GFP_KERNEL);
		page = range.last + 1;
	}
	hwpt->has_direct = true;
	return ret;
}

/*
 * Where the first attach rebuilds a table, no map may meet it: so the device is attached before anybody
 * knows the table, and nobody knows yet that it is attached. Its firmware may be at work all the same.
 */
static int attach_empty(struct v3c_domain *domain, struct v3c_target *target, struct v3c_hwpt *hwpt)
{
	int ret = fill_direct(domain, hwpt);

	if (!ret)
		ret = target_attach(target, hwpt);
	if (!ret)
		v3c_hwpt_settle(hwpt, target->dev);
	return ret;
}

static int attach_translated(struct v3c_domain *domain, struct v3c_target *target)
{
	u64 old_last = domain->space.last;
	struct v3c_hwpt *hwpt;
	int ret;

	ret = attach_existing(domain, target);
	if (ret != -EINVAL)
		return ret;

	hwpt = another_hwpt(domain, target);
	if (IS_ERR(hwpt))
		return PTR_ERR(hwpt);
	if (hwpt->rules.attach_rebuilds) {
		ret = attach_empty(domain, target, hwpt);
		if (ret)
			goto free_table;
	}
	/* From here on nothing is mapped that the new table could not hold. */
	ret = v3c_space_set_last(&domain->space, last_page_with(domain, hwpt));
	if (ret) {
		if (hwpt->rules.attach_rebuilds)
			target_detach(target);
		goto free_table;
	}
	ret = v3c_replay(domain, hwpt);
	if (!hwpt->rules.attach_rebuilds)
		ret = ret ?: adopt(domain, target, hwpt);
	else if (ret)
		target_detach(target);
	else
		hwpt->attached++;
	if (!ret) {
		empty_idle_mirrors(domain, true);
		ret = fill_mirror(target, hwpt);
	}
	if (!ret)
		return 0;
	remove_hwpt(domain, hwpt);
	empty_idle_mirrors(domain, false);
	goto restore;
free_table:
	free_hwpt(hwpt);
restore:
	v3c_space_set_last(&domain->space, old_last);
	return ret;
}

/*
 * Attached first and filled then, because only then 6.12's VT-d offers large pages. Nobody knows yet
 * that the device is attached.
 */
static int attach_passthrough(struct v3c_domain *domain, struct v3c_target *target)
{
	struct iommu_domain *identity = v3c_passthrough_identity(target->dev);
	struct v3c_hwpt *hwpt;
	int ret = -EINVAL;

	if (identity)
		ret = v3c_group_attach(target->group, identity, NULL);
	if (ret == -EINVAL)
		ret = attach_existing(domain, target);
	if (ret != -EINVAL)
		return ret;

	hwpt = another_hwpt(domain, target);
	if (IS_ERR(hwpt))
		return PTR_ERR(hwpt);
	ret = target_attach(target, hwpt);
	if (ret) {
		v3c_hwpt_free(hwpt);
		return ret;
	}
	ret = v3c_passthrough_fill(hwpt);
	if (ret) {
		target_detach(target);
		v3c_hwpt_free(hwpt);
		return ret;
	}
	v3c_hwpt_settle(hwpt, target->dev);
	domain->hwpts[hwpt->slot] = hwpt;
	v3c_space_add_slot(&domain->space, hwpt->slot, false);
	hwpt->attached++;
	return 0;
}

static NTSTATUS attach_target(struct v3c_domain *domain, struct v3c_target *target,
			      const void *object, struct v3c_why *why)
{
	int ret = domain->type == DomainTypePassThrough ? attach_passthrough(domain, target) :
							  attach_translated(domain, target);

	if (!ret)
		return STATUS_SUCCESS;
	if (ret == -ERANGE)
		return v3c_refuse(why, STATUS_INVALID_PARAMETER, V3C_REASON_BEYOND_APERTURE, object,
				  0, 0);
	return v3c_refuse_errno(why, ret, target->tagged ? STATUS_INVALID_PARAMETER_1 :
				STATUS_INVALID_PARAMETER, object, 0, 0);
}

/* From here on nothing is mirrored to what was withheld; what is mirrored there is in the way. */
static int check_mirrors(struct v3c_domain *domain, struct list_head *added)
{
	struct v3c_withheld *held;
	struct v3c_hwpt *hwpt;

	list_for_each_entry(held, added, entry)
		v3c_for_each_hwpt(domain, hwpt, domain->space.slots)
			if (hwpt->shadow && v3c_shadow_overlaps(hwpt->shadow, held->range->first,
								held->range->last))
				return -EADDRINUSE;
	return 0;
}

/* Every page table, as the owner's tables are now. What fails is reported, and the others are done. */
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

static void forget(struct v3c_domain *domain, struct list_head *added)
{
	bool any = !list_empty(added);

	unmap_direct(domain, added);
	v3c_space_forget(&domain->space, added);
	/* A flush may have left it out. Without memory now it is left out until the next one. */
	if (any && domain->type == DomainTypeUnmanaged)
		sync_mirrors(domain);
}

static int withhold_for(struct v3c_domain *domain, const struct v3c_target *target,
			struct list_head *added)
{
	enum v3c_user user = target->tagged ? V3C_USER_PASID : V3C_USER_UNTAGGED;

	if (domain->type == DomainTypePassThrough)
		return 0;
	return withhold_group(domain, target->dev, user, added);
}

/* With v3c_topology released; the group is busy. @ret is what withhold_for() said. */
static NTSTATUS attach_busy(struct v3c_domain *domain, struct v3c_target *target,
			    struct list_head *added, int ret, const void *object,
			    struct v3c_why *why)
{
	NTSTATUS status;

	if (!ret)
		ret = check_mirrors(domain, added);
	if (!ret)
		ret = map_direct(domain, added);
	if (ret == -EADDRINUSE)
		status = v3c_refuse(why, STATUS_INVALID_PARAMETER, V3C_REASON_REGION_CONFLICT,
				    object, 0, 0);
	else if (ret)
		status = v3c_refuse_errno(why, ret, STATUS_INVALID_PARAMETER, object, 0, 0);
	else
		status = attach_target(domain, target, object, why);
	if (NT_SUCCESS(status)) {
		v3c_withheld_keep(added);
		drop_idle_hwpts(domain);
	} else {
		forget(domain, added);
	}
	return status;
}

/* What was attached to the page table is detached already; with v3c_topology released. */
static void release_hwpt(struct v3c_domain *domain, struct v3c_hwpt *hwpt)
{
	lockdep_assert_held(&domain->mutex);

	hwpt->attached--;
	if (hweight8(domain->space.slots) < 2)
		return;
	forbid_quick(domain);
	drop_idle_hwpts(domain);
	allow_quick(domain);
}

/* With v3c_topology released; what was withheld stays so. */
static void take_back(struct v3c_domain *domain, struct v3c_target *target)
{
	struct v3c_hwpt *hwpt = target->group->hwpt;

	target_detach(target);
	if (hwpt)
		release_hwpt(domain, hwpt);
}

/*
 * What an attach finds of a table that sends its maps then, no detach may change meanwhile. Such an IOMMU
 * makes no page requests, for which a detach would wait with the domain's mutex.
 */
static bool detaches_alone(const struct v3c_hwpt *hwpt)
{
	return hwpt && hwpt->rules.attach_sends;
}

/*
 * @object is what a refusal names. What is to be attached is marked as busy, since v3c_topology is
 * released meanwhile; the domain stays as it is, under its mutex. An attach that the guard let in before
 * its policy changed has begun before.
 */
static NTSTATUS attach(struct v3c_domain *domain, struct v3c_target *target, const void *object,
		       struct v3c_why *why)
{
	struct v3c_group *group;
	LIST_HEAD(added);
	NTSTATUS status;
	int ret;

	lockdep_assert_held(&v3c_topology);
	lockdep_assert_held(&domain->mutex);

	if (!v3c_handle_is(domain, V3C_KIND_DOMAIN))
		return v3c_refuse(why, STATUS_INVALID_PARAMETER_1, V3C_REASON_BAD_HANDLE, domain, 0, 0);
	group = v3c_group_use(target->dev);
	if (IS_ERR(group))
		return v3c_refuse_errno(why, PTR_ERR(group), STATUS_ACCESS_DENIED, object, 0, 0);
	target->group = group;
	/* Who belongs to the group may be another now. */
	if (v3c_domain_shows_all(domain) && !v3c_guard_allows_bypass(target->dev)) {
		v3c_group_unuse(group);
		return v3c_refuse(why, STATUS_ACCESS_DENIED, V3C_REASON_NOT_AVAILABLE, object,
				  domain->type, 0);
	}
	/* What the untagged DMA of the group goes through already need not be attached again. */
	if (!target->tagged && group->untagged) {
		if (group->domain == domain)
			return STATUS_SUCCESS;
		v3c_group_unuse(group);
		return v3c_refuse_errno(why, -EBUSY, STATUS_ACCESS_DENIED, object, 0, 0);
	}
	ret = withhold_for(domain, target, &added);
	v3c_group_begin_attach(group);
	status = attach_busy(domain, target, &added, ret, object, why);
	v3c_group_end_attach(group);
	if (NT_SUCCESS(status) && !target->tagged && v3c_group_is_shared(group, target->dev)) {
		v3c_group_begin_attach(group);
		take_back(domain, target);
		v3c_group_end_attach(group);
		status = v3c_refuse_errno(why, -EPERM, STATUS_ACCESS_DENIED, object, 0, 0);
	}
	if (!NT_SUCCESS(status))
		v3c_group_unuse(group);
	return status;
}

/**
 * v3c_domain_member_joins() - see to a device that joins an attached group
 * @domain: what the untagged DMA of the group goes through
 * @dev: the device
 *
 * What its platform reserves is withheld from then on, and mapped where it must be.
 *
 * Context: may sleep; between v3c_group_begin_attach() and v3c_group_end_attach().
 * Return: 0; -EADDRINUSE when something in the way is in use; -ENOMEM; or what the IOMMU driver said.
 * Then nothing has changed.
 */
int v3c_domain_member_joins(struct v3c_domain *domain, struct device *dev)
{
	LIST_HEAD(added);
	int ret;

	if (domain->type == DomainTypePassThrough)
		return 0;
	guard(mutex)(&domain->mutex);
	forbid_quick(domain);
	ret = withhold_device(domain, dev, V3C_USER_UNTAGGED, &added);
	if (!ret)
		ret = check_mirrors(domain, &added);
	if (!ret)
		ret = map_direct(domain, &added);
	if (ret)
		forget(domain, &added);
	else
		v3c_withheld_keep(&added);
	allow_quick(domain);
	return ret;
}

/**
 * v3c_domain_attach() - let a device translate through a domain
 * @domain: the domain
 * @device: alive, attached nowhere, allowed on this type
 * @why: filled on refusal
 *
 * What the device's platform reserves is withheld from the domain from then on, also after a detach.
 *
 * Context: may sleep; after v3c_domain_begin_attach(), with v3c_topology released meanwhile.
 * Return: status of AttachDeviceEx, see wdm.h.
 */
NTSTATUS v3c_domain_attach(struct v3c_domain *domain, struct v3c_device *device,
			   struct v3c_why *why)
{
	struct v3c_target target = { .dev = device->pdo };
	NTSTATUS status;

	device->busy = true;
	status = attach(domain, &target, device, why);
	device->busy = false;
	if (!NT_SUCCESS(status))
		return status;
	target.group->domain = domain;
	target.group->untagged++;
	device->group = target.group;
	device->domain = domain;
	v3c_fault_open(&device->faults, device, domain, target.group->hwpt, V3COMPAT_NO_PASID,
		       false);
	list_add_tail(&device->attached, &domain->devices);
	return STATUS_SUCCESS;
}

/**
 * v3c_domain_detach() - undo v3c_domain_attach()
 * @device: attached, and nobody is busy with it
 *
 * Context: may sleep; under v3c_topology, which is released meanwhile.
 */
void v3c_domain_detach(struct v3c_device *device)
{
	struct v3c_domain *domain = device->domain;
	struct v3c_group *group = device->group;
	bool last = !--group->untagged;
	struct v3c_hwpt *hwpt = last ? group->hwpt : NULL;
	bool alone = detaches_alone(hwpt);

	device->busy = true;
	v3c_group_begin(group);
	v3c_fault_close(&device->faults);
	if (alone)
		mutex_lock(&domain->mutex);
	if (last)
		v3c_group_detach(group);
	if (!alone)
		mutex_lock(&domain->mutex);
	if (hwpt)
		release_hwpt(domain, hwpt);
	v3c_group_end(group);
	if (last)
		group->domain = NULL;
	list_del(&device->attached);
	mutex_unlock(&domain->mutex);
	device->group = NULL;
	device->domain = NULL;
	v3c_group_unuse(group);
	device->busy = false;
}

/**
 * v3c_domain_attach_pasid() - let a PASID translate through a domain
 * @domain: the domain
 * @pasid: attached nowhere, of a device that is not gone
 * @attachment: new, for @domain; @pasid's from success on
 * @why: filled on refusal
 *
 * Context: may sleep; after v3c_domain_begin_attach(), with v3c_topology released meanwhile.
 * Return: status of AttachPasidDevice, see wdm.h.
 */
NTSTATUS v3c_domain_attach_pasid(struct v3c_domain *domain, struct v3c_pasid *pasid,
				 struct v3c_attachment *attachment, struct v3c_why *why)
{
	struct v3c_target target = { .dev = attachment->dev, .tagged = attachment };
	NTSTATUS status;

	pasid->busy = true;
	status = attach(domain, &target, pasid, why);
	pasid->busy = false;
	if (!NT_SUCCESS(status))
		return status;
	pasid->group = target.group;
	pasid->attachment = attachment;
	list_add_tail(&attachment->entry, &domain->pasids);
	return STATUS_SUCCESS;
}

/**
 * v3c_domain_detach_pasid() - undo v3c_domain_attach_pasid()
 * @pasid: attached to a domain, and nobody is busy with it
 *
 * Context: may sleep; under v3c_topology, which is released meanwhile.
 */
void v3c_domain_detach_pasid(struct v3c_pasid *pasid)
{
	struct v3c_attachment *attachment = pasid->attachment;
	struct v3c_domain *domain = attachment->domain;
	struct v3c_group *group = pasid->group;
	bool alone = detaches_alone(attachment->hwpt);

	pasid->busy = true;
	v3c_group_begin(group);
	if (alone)
		mutex_lock(&domain->mutex);
	v3c_attachment_detach(attachment);
	if (!alone)
		mutex_lock(&domain->mutex);
	release_hwpt(domain, attachment->hwpt);
	v3c_group_end(group);
	list_del(&attachment->entry);
	mutex_unlock(&domain->mutex);
	pasid->group = NULL;
	pasid->attachment = NULL;
	kfree(attachment);
	v3c_group_unuse(group);
	pasid->busy = false;
}

/* The mirrors go by new tables; whoever still reads the old ones is waited for. */
static void install(struct v3c_domain *domain, const struct v3c_tables *tables)
{
	const struct v3c_runs *old = domain->tables.runs;
	struct v3c_hwpt *hwpt;

	domain->tables = *tables;
	v3c_for_each_hwpt(domain, hwpt, domain->space.slots)
		v3c_shadow_set_tables(hwpt->shadow, tables);
	v3c_runs_free(old);
}

static bool has_guarded(struct v3c_domain *domain)
{
	struct v3c_attachment *attachment;
	struct v3c_device *device;

	list_for_each_entry(device, &domain->devices, attached)
		if (!v3c_guard_allows_bypass(device->pdo))
			return true;
	list_for_each_entry(attachment, &domain->pasids, entry)
		if (!v3c_guard_allows_bypass(attachment->dev))
			return true;
	return false;
}

/**
 * struct v3c_flush - a call that brings mirrors up to date
 * @domain: the domain
 * @serial: of the domain that the call is about, as the memory may become another's on the way
 * @op: that keeps the page tables. It is given up now and then, so that whoever waits for operations
 *	does not wait for all of a long call
 * @slots: page tables there were at the start; later ones are filled by whoever adds them
 * @work: of the call
 */
struct v3c_flush {
	struct v3c_domain *domain;
	u32 serial;
	struct v3c_op op;
	u8 slots;
	struct v3c_work work;
};

static int begin_piece(struct v3c_flush *flush)
{
	const struct v3c_handle *handle = &flush->domain->handle;
	int ret = v3c_space_begin(&flush->domain->space, &flush->op);

	if (ret)
		return ret;
	/* A new domain has its serial before its kind. */
	if (smp_load_acquire(&handle->kind) == V3C_KIND_DOMAIN &&
	    READ_ONCE(handle->serial) == flush->serial)
		return 0;
	v3c_space_end(&flush->domain->space, &flush->op);
	return -ESTALE;
}

/* -ESTALE without a domain; otherwise to be ended by v3c_space_end(), unless next_piece() failed. */
static int begin_flush(struct v3c_flush *flush, struct v3c_domain *domain, u32 serial,
		       bool may_sleep)
{
	int ret;

	flush->domain = domain;
	flush->serial = serial;
	v3c_work_init(&flush->work, may_sleep);
	ret = begin_piece(flush);
	if (!ret)
		flush->slots = flush->op.slots;
	return ret;
}

static int next_piece(struct v3c_flush *flush)
{
	v3c_space_end(&flush->domain->space, &flush->op);
	v3c_work_renew(&flush->work);
	return begin_piece(flush);
}

static int sync_slot(struct v3c_flush *flush, u8 slot, u64 first, u64 last)
{
	struct v3c_sync sync;
	int ret;

	v3c_sync_init(&sync, first, last);
	while (flush->op.slots & BIT(slot) &&
	       v3c_shadow_sync_piece(flush->domain->hwpts[slot]->shadow, &sync, &flush->work)) {
		ret = next_piece(flush);
		if (ret)
			return ret;
	}
	/* What its driver did not unmap is reachable, whatever the owner's tables say. */
	if (!sync.err && flush->op.slots & BIT(slot) && READ_ONCE(flush->domain->hwpts[slot]->lost))
		return -EUCLEAN;
	return sync.err;
}

/* What fails is reported, and the other page tables are done. */
static int sync_pages(struct v3c_flush *flush, u64 first, u64 last)
{
	int ret = 0, err;
	u8 slot;

	for (slot = 0; slot < V3C_MAX_SLOTS; slot++) {
		if (!(flush->slots & BIT(slot)))
			continue;
		err = sync_slot(flush, slot, first, last);
		if (err == -ESTALE)
			return err;
		ret = ret ? ret : err;
	}
	return ret;
}

/* A domain as it was when it had that serial; by now it may be gone. */
static int sync_all(struct v3c_domain *domain, u32 serial)
{
	struct v3c_flush flush;
	int ret = begin_flush(&flush, domain, serial, true);

	if (!ret)
		ret = sync_pages(&flush, 0, V3C_UPPER_LAST);
	if (ret != -ESTALE)
		v3c_space_end(&domain->space, &flush.op);
	return ret;
}

static NTSTATUS check_tables(struct v3c_domain *domain, const struct v3c_tables *tables,
			     struct v3c_why *why)
{
	if (!v3c_handle_is(domain, V3C_KIND_DOMAIN))
		return v3c_refuse(why, STATUS_INVALID_PARAMETER_1, V3C_REASON_BAD_HANDLE, domain, 0, 0);
	if (domain->type != DomainTypeUnmanaged)
		return v3c_refuse(why, STATUS_INVALID_PARAMETER_1, V3C_REASON_WRONG_TYPE, domain,
				  domain->type, 0);
	if (tables->kind == V3C_TABLES_IDENTITY && has_guarded(domain))
		return v3c_refuse(why, STATUS_ACCESS_DENIED, V3C_REASON_NOT_AVAILABLE, domain,
				  domain->type, 0);
	return STATUS_SUCCESS;
}

/* All or nothing, and nothing needs no memory. */
static void configure_none(struct v3c_domain *domain, u32 serial)
{
	static const struct v3c_tables none = { .kind = V3C_TABLES_NONE };

	scoped_guard(mutex, &domain->mutex) {
		if (!v3c_handle_is(domain, V3C_KIND_DOMAIN) || domain->handle.serial != serial)
			return;
		install(domain, &none);
	}
	sync_all(domain, serial);
}

static NTSTATUS configure(struct v3c_domain *domain, const struct v3c_tables *wanted,
			  struct v3c_why *why)
{
	struct v3c_tables tables = *wanted;
	NTSTATUS status;
	u32 serial;
	int ret;

	lockdep_assert_held(&domain->configuring);

	if (tables.kind == V3C_TABLES_IDENTITY) {
		tables.runs = v3c_runs_collect();
		if (!tables.runs)
			return v3c_refuse(why, STATUS_INSUFFICIENT_RESOURCES, V3C_REASON_NO_MEMORY,
					  domain, 0, 0);
	}
	/* Nor does the guard change before the tables are known to whoever attaches. */
	ret = lock_domain(domain);
	if (ret) {
		v3c_runs_free(tables.runs);
		return v3c_refuse_errno(why, ret, STATUS_INSUFFICIENT_RESOURCES, domain, 0, 0);
	}
	status = check_tables(domain, &tables, why);
	serial = domain->handle.serial;
	if (NT_SUCCESS(status))
		install(domain, &tables);
	unlock_domain(domain);
	if (!NT_SUCCESS(status)) {
		v3c_runs_free(tables.runs);
		return status;
	}
	ret = sync_all(domain, serial);
	if (!ret)
		return STATUS_SUCCESS;
	configure_none(domain, serial);
	return v3c_refuse_errno(why, ret, STATUS_INSUFFICIENT_RESOURCES, domain, 0, 0);
}

/**
 * v3c_domain_configure() - give an Unmanaged domain its owner's tables
 * @domain: the domain
 * @tables: checked; copied
 * @why: filled on refusal
 *
 * The tables are mirrored without any lock that another call waits for, but for another configuration
 * of the same domain.
 *
 * Context: may sleep.
 * Return: status of ConfigureDomain, see wdm.h.
 */
NTSTATUS v3c_domain_configure(struct v3c_domain *domain, const struct v3c_tables *tables,
			      struct v3c_why *why)
{
	NTSTATUS status;

	if (mutex_lock_killable(&domain->configuring))
		return v3c_refuse_errno(why, -EINTR, STATUS_INSUFFICIENT_RESOURCES, domain, 0, 0);
	status = configure(domain, tables, why);
	mutex_unlock(&domain->configuring);
	return status;
}

/*
 * Where the tables are ours, every unmap has flushed what it unmapped, so there is nothing that a list
 * could name better than everything does.
 */
static void flush_all(struct v3c_domain *domain, u8 slots)
{
	struct v3c_hwpt *hwpt;

	v3c_for_each_hwpt(domain, hwpt, slots)
		v3c_hwpt_flush(hwpt);
}

static u64 listed_page(const u8 *list, ULONG index)
{
	u64 address;

	memcpy(&address, list + index * sizeof(address), sizeof(address));
	return address >> V3C_PAGE_SHIFT;
}

/* Listed pages that are compared together. */
#define V3C_LISTED_RUN	256

/* Pages that follow each other in the list share the walk, and the invalidation. */
static int sync_list(struct v3c_flush *flush, ULONG number, const u8 *list)
{
	ULONG done, run, limit;
	int ret = 0, err;
	u64 first;

	for (done = 0; done < number; done += run) {
		first = listed_page(list, done);
		limit = min_t(ULONG, number - done, V3C_LISTED_RUN);
		for (run = 1; run < limit; run++)
			if (listed_page(list, done + run) != first + run)
				break;
		err = sync_pages(flush, first, first + run - 1);
		if (err == -ESTALE)
			return err;
		ret = ret ? ret : err;
		v3c_work_done(&flush->work, run);
		/* With no work left this only has a work item do the rest. */
		if (v3c_work_is_over(&flush->work) && done + run < number)
			return sync_pages(flush, 0, V3C_UPPER_LAST);
	}
	return ret;
}

/* Everything, or what @list names. */
static NTSTATUS flush(struct v3c_domain *domain, ULONG number, const void *list,
		      struct v3c_why *why)
{
	struct v3c_flush call;
	int ret;

	ret = begin_flush(&call, domain, READ_ONCE(domain->handle.serial),
			  gfpflags_allow_blocking(v3c_gfp()));
	if (ret)
		goto out;
	if (domain->type != DomainTypeUnmanaged)
		flush_all(domain, call.slots);
	else if (list)
		ret = sync_list(&call, number, list);
	else
		ret = sync_pages(&call, 0, V3C_UPPER_LAST);
	if (ret != -ESTALE)
		v3c_space_end(&domain->space, &call.op);
out:
	if (ret)
		return v3c_refuse_errno(why, ret, STATUS_INSUFFICIENT_RESOURCES, domain, 0, 0);
	return STATUS_SUCCESS;
}

/**
 * v3c_domain_flush() - bring everything that devices may find up to date
 * @domain: the domain
 * @why: filled on refusal
 *
 * Context: any up to softirq, with spinlocks held.
 * Return: STATUS_SUCCESS; _1 when the domain was deleted meanwhile; or INSUFFICIENT_RESOURCES when
 * some of an Unmanaged domain's tables could not be mirrored, or not all compared without sleeping.
 */
NTSTATUS v3c_domain_flush(struct v3c_domain *domain, struct v3c_why *why)
{
	NTSTATUS status = flush(domain, 0, NULL, why);

	trace_v3compat_flush(domain, status);
	return status;
}

/**
 * v3c_domain_flush_list() - the same for some pages
 * @domain: the domain
 * @number: of addresses, at least 1
 * @list: 8-byte addresses; the low 12 bits do not matter
 * @why: filled on refusal
 *
 * Context: any up to softirq, with spinlocks held.
 * Return: as v3c_domain_flush().
 */
NTSTATUS v3c_domain_flush_list(struct v3c_domain *domain, ULONG number, const void *list,
			       struct v3c_why *why)
{
	NTSTATUS status = flush(domain, number, list, why);

	trace_v3compat_flush(domain, status);
	return status;
}

/* At module exit, when every device is detached: what its owner forgot. */
void v3c_domain_reclaim_leaked(void)
{
	struct v3c_domain *domain, *next;

	list_for_each_entry_safe(domain, next, &v3c_domains.live, handle.entry) {
		v3c_tokens_reclaim(domain);
		pr_warn("domain %u of type %u was leaked\n", domain->handle.serial, domain->type);
		scoped_guard(mutex, &domain->mutex)
			dissolve(domain);
		v3c_handle_free(&v3c_domains, &domain->handle);
	}
}
