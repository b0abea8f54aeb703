// SPDX-License-Identifier: GPL-2.0
/*
 * Making a domain, and deleting it.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/device.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/string.h>

#include "base/topology.h"
#include "base/trace.h"
#include "core/create.h"
#include "core/device.h"
#include "core/domain.h"
#include "core/guard.h"
#include "core/hwpts.h"
#include "core/regions.h"
#include "core/reserve.h"
#include "table/gate.h"
#include "table/passthrough.h"
#include "table/withhold.h"

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

static int populate_domain(struct v3c_domain *domain, const IOMMU_DMA_RESERVED_REGION *regions)
{
	struct v3c_hwpt *hwpt;
	LIST_HEAD(added);
	int ret;

	hwpt = v3c_hwpts_alloc_first(domain);
	if (IS_ERR(hwpt))
		return PTR_ERR(hwpt);
	domain->hwpts[0] = hwpt;
	v3c_gate_add_slot(&domain->space, 0, false);
	ret = v3c_space_set_last(&domain->space, min(domain->width_last, v3c_hwpt_last_page(hwpt)));
	if (!ret)
		ret = v3c_regions_withhold_own(domain, regions, &added);
	if (!ret)
		ret = v3c_regions_withhold_known(domain, &added);
	if (!ret)
		ret = v3c_regions_map(domain, &added);
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
		ret = populate_domain(domain, regions);
	if (ret) {
		v3c_hwpts_free_all(domain);
		v3c_space_clear(&domain->space);
		return ret;
	}
	v3c_gate_open(&domain->space);
	v3c_domain_allow_quick(domain);
	v3c_handle_publish(&v3c_domains, &domain->handle);
	return 0;
}

static NTSTATUS create_domain(IOMMU_DMA_DOMAIN_TYPE type,
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
	NTSTATUS status = create_domain(type, allocator, regions, &domain, why);

	if (NT_SUCCESS(status))
		*out = domain;
	trace_v3compat_domain_create(domain, type, status);
	return status;
}

/* Nobody can start anything on it any more; frees what it has. */
static void dissolve_domain(struct v3c_domain *domain)
{
	lockdep_assert_held(&domain->mutex);

	v3c_handle_retire(&domain->handle);
	v3c_gate_close(&domain->space);
	v3c_domain_forbid_quick(domain);
	v3c_hwpts_free_all(domain);
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
			dissolve_domain(domain);
	}
	if (NT_SUCCESS(status))
		v3c_handle_free(&v3c_domains, &domain->handle);
	trace_v3compat_domain_delete(serial, status);
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
			dissolve_domain(domain);
		v3c_handle_free(&v3c_domains, &domain->handle);
	}
}
