// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: Page tables of a domain
 *
 * A domain that maps has a page table from the start, so that everything can be done before the
 * first attach. A device whose IOMMU refuses every table there is gets one of its kind, which
 * v3c_replay() fills with what the domain has mapped. A table that nobody is attached to goes as
 * soon as another one is in use. &v3c_domain.hwpts has them by slot, and &v3c_space.slots says
 * which of them an operation works on that starts now.
 */
#include <linux/device.h>
#include <linux/err.h>
#include <linux/iommu.h>
#include <linux/string.h>

#include "base/owner.h"
#include "core/device.h"
#include "core/domain.h"
#include "core/fault.h"
#include "core/hwpts.h"
#include "core/reserve.h"
#include "table/gate.h"
#include "table/hwpt.h"
#include "table/shadow.h"

void v3c_hwpts_free(struct v3c_hwpt *hwpt)
{
	v3c_shadow_free(hwpt->shadow);
	v3c_hwpt_free(hwpt);
}

/* with_mirror() gives the page table of an Unmanaged domain its mirror, or frees @hwpt. */
static struct v3c_hwpt *with_mirror(struct v3c_domain *domain, struct v3c_hwpt *hwpt)
{
	if (IS_ERR(hwpt) || domain->type != V3C_DOMAIN_UNMANAGED)
		return hwpt;
	hwpt->shadow = v3c_shadow_alloc(hwpt, &domain->space, &domain->tables, &domain->nodes);
	if (hwpt->shadow)
		return hwpt;
	v3c_hwpt_free(hwpt);
	return ERR_PTR(-ENOMEM);
}

static struct v3c_hwpt *alloc_first(struct v3c_domain *domain, struct device *dev)
{
	struct v3c_hwpt *hwpt = v3c_hwpt_alloc(dev, domain->type == V3C_DOMAIN_TRANSLATE_S1,
					       domain->space.account);

	if (!IS_ERR(hwpt))
		v3c_fault_watch(hwpt, dev);
	return hwpt;
}

/*
 * v3c_hwpts_alloc_first() makes the first page table, for any device whose IOMMU can do what the
 * type asks for. Devices that clients have created come first.
 */
struct v3c_hwpt *v3c_hwpts_alloc_first(struct v3c_domain *domain)
{
	struct v3c_hwpt *hwpt = ERR_PTR(-ENODEV);
	struct v3c_device *pos = NULL;
	struct device *dev;

	lockdep_assert_held(&domain->mutex);

	while (IS_ERR(hwpt) && (dev = v3c_device_next_known(domain->handle.owner, &pos)))
		hwpt = alloc_first(domain, dev);
	dev = NULL;
	while (!domain->handle.owner->strict && IS_ERR(hwpt) && (dev = v3c_device_next_any(dev)))
		hwpt = alloc_first(domain, dev);
	put_device(dev);
	return with_mirror(domain, hwpt);
}

void v3c_hwpts_free_all(struct v3c_domain *domain)
{
	struct v3c_hwpt *hwpt;

	lockdep_assert_held(&domain->mutex);

	v3c_for_each_hwpt(domain, hwpt, domain->space.slots)
		v3c_hwpts_free(hwpt);
	memset(domain->hwpts, 0, sizeof(domain->hwpts));
}

/* v3c_hwpts_last_page(): the last page that all tables reach, and @more if it is not NULL. */
u64 v3c_hwpts_last_page(struct v3c_domain *domain, const struct v3c_hwpt *more)
{
	u64 last = domain->width_last;
	struct v3c_hwpt *hwpt;

	lockdep_assert_held(&domain->mutex);

	if (more)
		last = min(last, v3c_hwpt_last_page(more));
	v3c_for_each_hwpt(domain, hwpt, domain->space.slots)
		last = min(last, v3c_hwpt_last_page(hwpt));
	return last;
}

/* v3c_hwpts_remove() is called while no quick operation can be under way. */
void v3c_hwpts_remove(struct v3c_domain *domain, struct v3c_hwpt *hwpt)
{
	lockdep_assert_held(&domain->mutex);

	v3c_gate_remove_slot(&domain->space, hwpt->slot);
	v3c_gate_drain(&domain->space);
	v3c_gate_removed(&domain->space, hwpt->slot);
	v3c_tokens_forget(domain, hwpt->slot);
	domain->hwpts[hwpt->slot] = NULL;
	v3c_hwpts_free(hwpt);
}

/*
 * v3c_hwpts_drop_idle() removes the tables that nobody is attached to, as long as one is left, and
 * makes the space as wide as the others are.
 */
void v3c_hwpts_drop_idle(struct v3c_domain *domain)
{
	struct v3c_hwpt *hwpt;

	lockdep_assert_held(&domain->mutex);

	v3c_for_each_hwpt(domain, hwpt, domain->space.slots) {
		if (!hwpt->attached && hweight8(domain->space.slots) > 1)
			v3c_hwpts_remove(domain, hwpt);
	}
	/* v3c_space_set_last() cannot fail, because the space only becomes wider. */
	if (domain->type != V3C_DOMAIN_PASSTHROUGH)
		v3c_space_set_last(&domain->space, v3c_hwpts_last_page(domain, NULL));
}

/* v3c_hwpts_release() comes after the detach from @hwpt, with v3c_topology released. */
void v3c_hwpts_release(struct v3c_domain *domain, struct v3c_hwpt *hwpt)
{
	lockdep_assert_held(&domain->mutex);

	hwpt->attached--;
	if (hweight8(domain->space.slots) < 2)
		return;
	v3c_domain_forbid_quick(domain);
	v3c_hwpts_drop_idle(domain);
	v3c_domain_allow_quick(domain);
}

/*
 * alloc_for() asks for a format for PASIDs where one is needed. A driver that knows of no such
 * difference answers -EOPNOTSUPP, and its other format may do.
 */
static struct v3c_hwpt *alloc_for(struct v3c_domain *domain, struct device *dev, bool tagged)
{
	bool first_stage = domain->type == V3C_DOMAIN_TRANSLATE_S1;
	struct v3c_hwpt *hwpt;

	hwpt = v3c_hwpt_alloc(dev, first_stage || tagged, domain->space.account);
	if (hwpt == ERR_PTR(-EOPNOTSUPP) && tagged && !first_stage)
		hwpt = v3c_hwpt_alloc(dev, false, domain->space.account);
	if (IS_ERR(hwpt) || !tagged || v3c_hwpt_takes_pasids(hwpt, dev))
		return hwpt;
	v3c_hwpt_free(hwpt);
	return ERR_PTR(-EOPNOTSUPP);
}

struct v3c_hwpt *v3c_hwpts_alloc_another(struct v3c_domain *domain, struct device *dev, bool tagged)
{
	u8 used = domain->space.slots;
	struct v3c_hwpt *hwpt;

	lockdep_assert_held(&domain->mutex);

	if (hweight8(used) == V3C_MAX_SLOTS)
		return ERR_PTR(-EXFULL);
	hwpt = with_mirror(domain, alloc_for(domain, dev, tagged));
	if (!IS_ERR(hwpt)) {
		v3c_fault_watch(hwpt, dev);
		hwpt->slot = ffz(used);
	}
	return hwpt;
}

/*
 * v3c_hwpts_empty_idle() empties the mirrors of tables that nobody is attached to, which makes room
 * for the mirror of the table that takes their place. With @empty false it fills them again; what
 * there is no memory for is left to the next flush.
 */
void v3c_hwpts_empty_idle(struct v3c_domain *domain, bool empty)
{
	struct v3c_hwpt *hwpt;

	lockdep_assert_held(&domain->mutex);

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

/* v3c_hwpts_fill_direct() maps what must stay mapped into @hwpt, which nobody knows yet. */
int v3c_hwpts_fill_direct(struct v3c_domain *domain, struct v3c_hwpt *hwpt)
{
	struct v3c_view range;
	u64 page = 0;
	int ret = 0;

	lockdep_assert_held(&domain->mutex);

	while (!ret && v3c_space_next_direct(&domain->space, page, &range)) {
		ret = v3c_hwpt_map_run(hwpt, range.first, range.first, range.last - range.first + 1,
				       range.prot, GFP_KERNEL | hwpt->account);
		page = range.last + 1;
	}
	hwpt->has_direct = true;
	return ret;
}
