// SPDX-License-Identifier: GPL-2.0
/*
 * v3c_domain_create() makes a domain, v3c_domain_destroy() deletes it.
 */
#include <linux/device.h>
#include <linux/export.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/string.h>

#include <v3compat/kcompat.h>

#include "base/owner.h"
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
#include "table/pins.h"
#include "table/withhold.h"

static int reset_domain(struct v3c_domain *domain, const struct v3c_domain_config *config)
{
	domain->type = config->type;
	domain->width_last = V3C_MAX_PAGES - 1;
	if (config->width)
		domain->width_last = (1ULL << (config->width - V3C_PAGE_SHIFT)) - 1;
	INIT_LIST_HEAD(&domain->devices);
	INIT_LIST_HEAD(&domain->pasids);
	INIT_LIST_HEAD(&domain->tokens);
	domain->sole = NULL;
	domain->sole_explicit = NULL;
	domain->sole_allocates = NULL;
	domain->tables = (struct v3c_tables) { .kind = V3C_TABLES_NONE };
	return v3c_space_reset(&domain->space, config->width, domain->width_last,
			       v3c_owner_account(domain->handle.owner));
}

static int populate_domain(struct v3c_domain *domain, const struct v3c_domain_config *config)
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
		ret = v3c_regions_withhold_own(domain, config->regions, config->nr_regions, &added);
	if (!ret)
		ret = v3c_regions_withhold_known(domain, &added);
	if (!ret)
		ret = v3c_regions_map(domain, &added);
	/*
	 * v3c_withheld_keep() is right also on failure, because make_domain() then frees the page
	 * table as a whole: nothing of @added need be unmapped.
	 */
	v3c_withheld_keep(&added);
	return ret;
}

static enum v3c_reason check_create(enum v3c_domain_type type, struct v3c_why *why)
{
	struct device *any;

	guard(mutex)(&v3c_topology);
	any = v3c_device_next_any(NULL);
	if (!any)
		return v3c_refuse(why, V3C_REASON_NO_IOMMU, V3C_PARAM_TYPE, NULL, 0, 0);
	put_device(any);
	if (!v3c_guard_allows_any(type))
		return v3c_refuse(why, V3C_REASON_NOT_AVAILABLE, V3C_PARAM_TYPE, NULL, type, 0);
	return 0;
}

static int make_domain(struct v3c_domain *domain, const struct v3c_domain_config *config)
{
	int ret;

	guard(mutex)(&domain->mutex);
	guard(mutex)(&v3c_topology);
	ret = reset_domain(domain, config);
	if (!ret && config->type != V3C_DOMAIN_PASSTHROUGH)
		ret = populate_domain(domain, config);
	if (ret) {
		v3c_hwpts_free_all(domain);
		/* Nobody has mapped anything yet, so that there is no payload. */
		v3c_space_clear(&domain->space, &(struct v3c_released) {});
		return ret;
	}
	v3c_gate_open(&domain->space);
	v3c_domain_allow_quick(domain);
	v3c_handle_publish(&v3c_domain_pool, &domain->handle);
	return 0;
}

/* refuse_regions() names the mapped region that ends last, because no table reaches it. */
static enum v3c_reason refuse_regions(const struct v3c_domain_config *config, struct v3c_why *why)
{
	const struct v3c_region *region, *end = config->regions + config->nr_regions, *worst = NULL;

	for (region = config->regions; region < end; region++)
		if (region->mapped && (!worst || region->last > worst->last))
			worst = region;
	return v3c_refuse(why, V3C_REASON_BEYOND_APERTURE, V3C_PARAM_REGIONS, NULL,
			  worst ? worst->first << V3C_PAGE_SHIFT : 0,
			  worst ? ((worst->last + 1) << V3C_PAGE_SHIFT) - 1 : 0);
}

static enum v3c_reason new_domain(const struct v3c_owner *owner,
				  const struct v3c_domain_config *config, struct v3c_domain **out,
				  struct v3c_why *why)
{
	enum v3c_reason reason = check_create(config->type, why);
	struct v3c_domain *domain;
	int ret;

	if (reason)
		return reason;
	domain = v3c_handle_alloc(&v3c_domain_pool, owner);
	if (!domain)
		return v3c_refuse(why, V3C_REASON_NO_MEMORY, V3C_PARAM_NONE, NULL, 0, 0);
	ret = make_domain(domain, config);
	if (!ret) {
		*out = domain;
		return 0;
	}
	v3c_handle_free(&v3c_domain_pool, &domain->handle);
	if (ret == -EDOM)
		return refuse_regions(config, why);
	return v3c_refuse_errno(why, ret, V3C_PARAM_TYPE, NULL, 0, 0);
}

/**
 * v3c_domain_create() - create a domain
 * @owner: on whose account
 * @config: checked
 * @out: result, untouched on failure
 * @why: filled on refusal
 *
 * Context: may sleep.
 * Return: 0 or a reason, see CreateDomainEx in contract.h.
 */
enum v3c_reason v3c_domain_create(const struct v3c_owner *owner,
				  const struct v3c_domain_config *config, struct v3c_domain **out,
				  struct v3c_why *why)
{
	struct v3c_domain *domain = NULL;
	enum v3c_reason reason = new_domain(owner, config, &domain, why);

	if (!reason)
		*out = domain;
	trace_v3compat_domain_create(domain, config->type, reason);
	return reason;
}
V3C_EXPORT_NS_GPL(v3c_domain_create, V3COMPAT_TEST);

/*
 * dissolve_domain() lets no call start anything on @domain any more, and frees what it has.
 * Payloads are left for the caller, who gives them back without the mutex.
 */
static void dissolve_domain(struct v3c_domain *domain, struct v3c_released *released)
{
	lockdep_assert_held(&domain->mutex);

	v3c_handle_retire(&domain->handle);
	v3c_gate_close(&domain->space);
	v3c_domain_forbid_quick(domain);
	v3c_hwpts_free_all(domain);
	v3c_runs_free(domain->tables.runs);
	v3c_space_clear(&domain->space, released);
}

static enum v3c_reason dissolve_unused(struct v3c_domain *domain, struct v3c_released *released,
				       struct v3c_why *why)
{
	if (!v3c_handle_is(domain, V3C_KIND_DOMAIN))
		return v3c_refuse(why, V3C_REASON_BAD_HANDLE, V3C_PARAM_DOMAIN, NULL, 0, 0);
	if (!list_empty(&domain->devices) || !list_empty(&domain->pasids) ||
	    !list_empty(&domain->tokens))
		return v3c_refuse(why, V3C_REASON_IN_USE, V3C_PARAM_DOMAIN, domain,
				  list_count_nodes(&domain->devices) +
					  list_count_nodes(&domain->pasids),
				  list_count_nodes(&domain->tokens));
	dissolve_domain(domain, released);
	return 0;
}

/**
 * v3c_domain_destroy() - delete a domain; its mappings go with it
 * @domain: the domain
 * @why: filled on refusal
 *
 * Context: may sleep.
 * Return: 0, %V3C_REASON_BAD_HANDLE or %V3C_REASON_IN_USE; or %V3C_REASON_KILLED with nothing
 * changed.
 */
enum v3c_reason v3c_domain_destroy(struct v3c_domain *domain, struct v3c_why *why)
{
	u32 serial = domain->handle.serial;
	struct v3c_released released = {};
	enum v3c_reason reason;

	/*
	 * @domain->mutex settles races with calls that found the domain before: they check under it
	 * whether the handle is still alive.
	 */
	if (v3c_handle_lock(domain, &domain->mutex)) {
		reason = v3c_refuse_errno(why, -EINTR, V3C_PARAM_NONE, domain, 0, 0);
	} else {
		reason = dissolve_unused(domain, &released, why);
		mutex_unlock(&domain->mutex);
	}
	if (!reason)
		v3c_handle_free(&v3c_domain_pool, &domain->handle);
	v3c_released_give(&released, true);
	trace_v3compat_domain_delete(serial, reason);
	return reason;
}

/**
 * v3c_domain_reclaim() - delete a domain with what its owner left in it
 * @domain: nothing is attached to it, and its owner does nothing meanwhile
 *
 * Context: may sleep.
 */
void v3c_domain_reclaim(struct v3c_domain *domain)
{
	struct v3c_released released = {};

	scoped_guard(mutex, &domain->mutex)
		dissolve_domain(domain, &released);
	v3c_handle_free(&v3c_domain_pool, &domain->handle);
	v3c_released_give(&released, true);
}
