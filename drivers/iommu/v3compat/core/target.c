// SPDX-License-Identifier: GPL-2.0
/*
 * v3c_target_attach(): which of a domain's page tables serves the DMA, and what has to be there
 * first.
 */
#include <linux/device.h>
#include <linux/err.h>
#include <linux/iommu.h>

#include "base/topology.h"
#include "core/attachment.h"
#include "core/domain.h"
#include "core/fault.h"
#include "core/group.h"
#include "core/guard.h"
#include "core/hwpts.h"
#include "core/regions.h"
#include "core/replay.h"
#include "core/target.h"
#include "table/gate.h"
#include "table/hwpt.h"
#include "table/passthrough.h"
#include "table/shadow.h"
#include "table/withhold.h"

/* param_of() is the parameter that a refusal of @target names. */
static enum v3c_param param_of(const struct v3c_target *target)
{
	return target->tagged ? V3C_PARAM_PASID : V3C_PARAM_DEVICE;
}

static int target_attach(struct v3c_target *target, struct v3c_hwpt *hwpt)
{
	if (target->tagged)
		return v3c_attachment_attach(target->tagged, hwpt);
	return v3c_group_attach(target->group, hwpt->core, hwpt);
}

static void target_detach(struct v3c_target *target)
{
	if (target->tagged)
		v3c_attachment_detach(target->tagged);
	else
		v3c_group_detach(target->group);
}

/* is_misfit(): the driver wants a page table of another kind, or, for a PASID, none at all. */
static bool is_misfit(const struct v3c_target *target, int err)
{
	return err == -EINVAL || (target->tagged && (err == -EOPNOTSUPP || err == -ENODEV));
}

/*
 * adopt_hwpt() attaches @target to @hwpt and narrows the space to what the table translates. A
 * driver may learn that only when the first device is attached: 6.12's VT-d then narrows the
 * aperture. Mappings beyond it make the attach fail, as they would have made the map.
 */
static int adopt_hwpt(struct v3c_domain *domain, struct v3c_target *target, struct v3c_hwpt *hwpt)
{
	int ret;

	lockdep_assert_held(&domain->mutex);

	ret = target_attach(target, hwpt);
	if (ret)
		return ret;
	v3c_hwpt_settle(hwpt, target->dev);
	ret = v3c_space_set_last(&domain->space, v3c_hwpts_last_page(domain, hwpt));
	if (ret)
		target_detach(target);
	else
		hwpt->attached++;
	return ret;
}

/* attach_existing() tries the tables that there are. -EINVAL when none fits. */
static int attach_existing(struct v3c_domain *domain, struct v3c_target *target)
{
	struct v3c_hwpt *hwpt;
	int ret;

	lockdep_assert_held(&domain->mutex);

	v3c_for_each_hwpt(domain, hwpt, domain->space.slots) {
		/*
		 * hwpt->page_requests must be right for the device, because a driver would refuse
		 * the table otherwise, or have requests that nobody answers.
		 */
		if (hwpt->page_requests != v3c_fault_makes_requests(target->dev) ||
		    !v3c_hwpt_may_attach(hwpt, target->dev))
			continue;
		ret = adopt_hwpt(domain, target, hwpt);
		if (!is_misfit(target, ret))
			return ret;
	}
	return -EINVAL;
}

/*
 * fill_mirror() comes after the attach, because what the table can do may be known only then.
 * Flushes have found the mirror since the table is in its slot.
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
 * attach_empty() is for rules.attach_rebuilds: no map may meet the first attach, so the device is
 * attached before anybody knows the table, and nobody knows yet that it is attached.
 * v3c_hwpts_fill_direct() comes first, because the device's firmware may be at work all the same.
 */
static int attach_empty(struct v3c_domain *domain, struct v3c_target *target, struct v3c_hwpt *hwpt)
{
	int ret = v3c_hwpts_fill_direct(domain, hwpt);

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

	lockdep_assert_held(&domain->mutex);

	ret = attach_existing(domain, target);
	if (ret != -EINVAL)
		return ret;

	hwpt = v3c_hwpts_alloc_another(domain, target->dev, target->tagged);
	if (IS_ERR(hwpt))
		return PTR_ERR(hwpt);
	if (hwpt->rules.attach_rebuilds) {
		ret = attach_empty(domain, target, hwpt);
		if (ret)
			goto free_table;
	}
	/* v3c_space_set_last(): from here on every map fits in the new table. */
	ret = v3c_space_set_last(&domain->space, v3c_hwpts_last_page(domain, hwpt));
	if (ret) {
		if (hwpt->rules.attach_rebuilds)
			target_detach(target);
		goto free_table;
	}
	ret = v3c_replay(domain, hwpt);
	if (!hwpt->rules.attach_rebuilds)
		ret = ret ?: adopt_hwpt(domain, target, hwpt);
	else if (ret)
		target_detach(target);
	else
		hwpt->attached++;
	if (!ret) {
		v3c_hwpts_empty_idle(domain, true);
		ret = fill_mirror(target, hwpt);
	}
	if (!ret)
		return 0;
	v3c_hwpts_remove(domain, hwpt);
	v3c_hwpts_empty_idle(domain, false);
	goto restore;
free_table:
	v3c_hwpts_free(hwpt);
restore:
	v3c_space_set_last(&domain->space, old_last);
	return ret;
}

/*
 * attach_passthrough() attaches a new table first and fills it then, because only then 6.12's VT-d
 * offers large pages. Nobody knows yet that the device is attached.
 */
static int attach_passthrough(struct v3c_domain *domain, struct v3c_target *target)
{
	struct iommu_domain *identity = v3c_passthrough_identity(target->dev);
	struct v3c_hwpt *hwpt;
	int ret = -EINVAL;

	lockdep_assert_held(&domain->mutex);

	if (identity)
		ret = v3c_group_attach(target->group, identity, NULL);
	if (ret == -EINVAL)
		ret = attach_existing(domain, target);
	if (ret != -EINVAL)
		return ret;

	hwpt = v3c_hwpts_alloc_another(domain, target->dev, target->tagged);
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
	v3c_gate_add_slot(&domain->space, hwpt->slot, false);
	hwpt->attached++;
	return 0;
}

static enum v3c_reason attach_target(struct v3c_domain *domain, struct v3c_target *target,
				     const void *object, struct v3c_why *why)
{
	int ret = domain->type == V3C_DOMAIN_PASSTHROUGH ? attach_passthrough(domain, target) :
							  attach_translated(domain, target);

	if (!ret)
		return 0;
	if (ret == -ERANGE)
		return v3c_refuse(why, V3C_REASON_BEYOND_APERTURE, V3C_PARAM_NONE, object, 0, 0);
	return v3c_refuse_errno(why, ret, param_of(target), object, 0, 0);
}

static int withhold_for(struct v3c_domain *domain, const struct v3c_target *target,
			struct list_head *added)
{
	enum v3c_region_user user = target->tagged ? V3C_REGION_PASID : V3C_REGION_UNTAGGED;

	if (domain->type == V3C_DOMAIN_PASSTHROUGH)
		return 0;
	return v3c_regions_withhold_group(domain, target->dev, user, added);
}

/* attach_busy(): v3c_topology is released, the group busy. @ret is from withhold_for(). */
static enum v3c_reason attach_busy(struct v3c_domain *domain, struct v3c_target *target,
				   struct list_head *added, int ret, const void *object,
				   struct v3c_why *why)
{
	enum v3c_reason reason;

	if (!ret)
		ret = v3c_regions_check_mirrors(domain, added);
	if (!ret)
		ret = v3c_regions_map(domain, added);
	if (ret == -EADDRINUSE)
		reason = v3c_refuse(why, V3C_REASON_REGION_CONFLICT, param_of(target), object, 0,
				    0);
	else if (ret)
		reason = v3c_refuse_errno(why, ret, param_of(target), object, 0, 0);
	else
		reason = attach_target(domain, target, object, why);
	if (!reason) {
		v3c_withheld_keep(added);
		v3c_hwpts_drop_idle(domain);
	} else {
		v3c_regions_forget(domain, added);
	}
	return reason;
}

/* take_back() is called with v3c_topology released. What was withheld stays so. */
static void take_back(struct v3c_domain *domain, struct v3c_target *target)
{
	struct v3c_hwpt *hwpt = target->group->hwpt;

	lockdep_assert_held(&domain->mutex);

	target_detach(target);
	if (hwpt)
		v3c_hwpts_release(domain, hwpt);
}

/**
 * v3c_target_attach() - let DMA translate through a domain
 * @domain: the domain; memory of a dead one will do
 * @target: whose DMA; marked as busy by the caller, because v3c_topology is released meanwhile
 * @object: what a refusal names
 * @why: filled on refusal
 *
 * The domain stays as it is, because its mutex is held. An attach that the guard let in counts as
 * begun before a later change of the policy. Addresses that the device's platform reserves are
 * withheld from the domain from then on, also after a detach.
 *
 * Context: may sleep; under v3c_topology and the domain's mutex, with no quick operation under way.
 * Return: 0 or a reason, see AttachDeviceEx or AttachPasidDevice in contract.h; on success
 * @target->group is in use.
 */
enum v3c_reason v3c_target_attach(struct v3c_domain *domain, struct v3c_target *target,
				  const void *object, struct v3c_why *why)
{
	struct v3c_group *group;
	LIST_HEAD(added);
	enum v3c_reason reason;
	int ret;

	lockdep_assert_held(&v3c_topology);
	lockdep_assert_held(&domain->mutex);

	if (!v3c_handle_is(domain, V3C_KIND_DOMAIN))
		return v3c_refuse(why, V3C_REASON_BAD_HANDLE, V3C_PARAM_DOMAIN, NULL, 0, 0);
	group = v3c_group_use(target->dev, domain->handle.owner, target->tagged);
	if (IS_ERR(group))
		return v3c_group_refuse(why, PTR_ERR(group), param_of(target), object);
	target->group = group;
	/*
	 * v3c_guard_allows_bypass() is asked after v3c_group_use(), because others may have joined
	 * the group while it was claimed.
	 */
	if (v3c_domain_shows_all(domain) && !v3c_guard_allows_bypass(target->dev)) {
		v3c_group_unuse(group, target->tagged);
		return v3c_refuse(why, V3C_REASON_NOT_AVAILABLE, param_of(target), object,
				  domain->type, 0);
	}
	/*
	 * @untagged: the group's untagged DMA goes through a domain already. If it is this one
	 * nothing more need be attached.
	 */
	if (!target->tagged && group->untagged) {
		if (group->domain == domain)
			return 0;
		v3c_group_unuse(group, target->tagged);
		return v3c_refuse_errno(why, -EBUSY, param_of(target), object, 0, 0);
	}
	ret = withhold_for(domain, target, &added);
	v3c_group_begin_attach(group);
	reason = attach_busy(domain, target, &added, ret, object, why);
	v3c_group_end_attach(group);
	if (!reason && !target->tagged && v3c_group_is_shared(group, target->dev)) {
		v3c_group_begin_attach(group);
		take_back(domain, target);
		v3c_group_end_attach(group);
		reason = v3c_refuse_errno(why, -EPERM, param_of(target), object, 0, 0);
	}
	if (reason)
		v3c_group_unuse(group, target->tagged);
	return reason;
}
