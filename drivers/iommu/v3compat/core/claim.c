// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: Claims
 *
 * A claim is a use of an IOMMU group that attaches nothing. The group is owned from the claim on,
 * so all DMA of its devices is refused but for what is attached; and it stays so from one owner to
 * the next, because a claim that is handed over never gives the group back to the kernel's default
 * domain. There is one at most for a device, until v3c_claim_drop() or the device's removal.
 */
#include <linux/device.h>
#include <linux/export.h>
#include <linux/iommu.h>
#include <linux/list.h>
#include <linux/slab.h>

#include <v3compat/kcompat.h>

#include "base/owner.h"
#include "base/topology.h"
#include "core/claim.h"
#include "core/device.h"
#include "core/group.h"

/**
 * struct v3c_claim - a group that is owned for a device
 * @entry: in v3c_claims
 * @dev: the device; on its bus, so not referenced
 * @group: in use by the claim
 * @busy: it is being made or dropped, with v3c_topology released: the device does not leave its
 *	group
 */
struct v3c_claim {
	struct list_head entry;
	struct device *dev;
	struct v3c_group *group;
	bool busy;
};

/* v3c_claims has all of them; under v3c_topology. */
static LIST_HEAD(v3c_claims);

static struct v3c_claim *find_claim(struct device *dev)
{
	struct v3c_claim *claim;

	lockdep_assert_held(&v3c_topology);

	list_for_each_entry(claim, &v3c_claims, entry)
		if (claim->dev == dev)
			return claim;
	return NULL;
}

static bool is_busy(struct device *dev)
{
	struct v3c_claim *claim = find_claim(dev);

	return (claim && claim->busy) || v3c_group_is_busy(dev);
}

/*
 * lock_idle() takes v3c_topology when nobody works on the group of @dev, because the core would
 * make the caller wait otherwise, and nothing would end that. -EINTR when he is killed.
 */
static int lock_idle(struct device *dev)
{
	if (mutex_lock_killable(&v3c_topology))
		return -EINTR;
	while (is_busy(dev)) {
		if (!v3c_group_wait_killable())
			continue;
		mutex_unlock(&v3c_topology);
		return -EINTR;
	}
	return 0;
}

static enum v3c_reason refuse_claim(struct v3c_why *why, enum v3c_reason reason)
{
	return v3c_refuse(why, reason, V3C_PARAM_DEVICE, NULL, 0, 0);
}

/*
 * is_isolated() is asked without v3c_topology, because it takes the lock of the core's group, which
 * a reset of a device of the group may hold for long.
 */
static bool is_isolated(struct device *dev)
{
	struct iommu_group *group = iommu_group_get(dev);
	bool isolated = group && iommu_group_has_isolated_msi(group);

	iommu_group_put(group);
	return isolated;
}

/* is_owned(), as is_isolated(): anybody has the group, as VFIO has one that is open. */
static bool is_owned(struct device *dev)
{
	struct iommu_group *group = iommu_group_get(dev);
	bool owned = group && iommu_group_dma_owner_claimed(group);

	iommu_group_put(group);
	return owned;
}

/*
 * check_claim() is v3c_claim_check() under v3c_topology, with nobody working on the group.
 * @isolated is whether interrupts are as isolated as they must be.
 */
static enum v3c_reason check_claim(struct device *dev, const struct v3c_owner *owner,
				   const struct v3c_owner *from, bool isolated,
				   struct v3c_why *why)
{
	struct v3c_group *group = v3c_group_find(dev);

	lockdep_assert_held(&v3c_topology);

	if (!v3c_device_has_iommu(dev))
		return refuse_claim(why, V3C_REASON_NO_IOMMU);
	if (group ? group->direct || (group->owner != owner && group->owner != from) :
		    v3c_group_is_foreign(dev, owner))
		return refuse_claim(why, V3C_REASON_GROUP_CLAIMED);
	if (!device_iommu_capable(dev, IOMMU_CAP_CACHE_COHERENCY))
		return refuse_claim(why, V3C_REASON_NOT_COHERENT);
	if (!isolated)
		return refuse_claim(why, V3C_REASON_MSI_NOT_ISOLATED);
	return 0;
}

/**
 * v3c_claim_check() - whether a device's group could be claimed now
 * @dev: the device
 * @owner: for whom
 * @from: an owner that the group may be taken from, or NULL
 * @isolated: interrupts of the group must be isolated from those of others
 * @why: filled on refusal
 *
 * Context: may sleep; killable; the caller keeps @dev from being removed during the call.
 * Return: 0; %V3C_REASON_NO_IOMMU; %V3C_REASON_GROUP_CLAIMED; %V3C_REASON_NOT_COHERENT;
 * %V3C_REASON_MSI_NOT_ISOLATED; or %V3C_REASON_KILLED.
 */
enum v3c_reason v3c_claim_check(struct device *dev, const struct v3c_owner *owner,
				const struct v3c_owner *from, bool isolated, struct v3c_why *why)
{
	enum v3c_reason reason;
	bool unclaimed;

	isolated = !isolated || is_isolated(dev);
	if (lock_idle(dev))
		return v3c_refuse(why, V3C_REASON_KILLED, V3C_PARAM_NONE, NULL, 0, 0);
	reason = check_claim(dev, owner, from, isolated, why);
	unclaimed = !reason && !v3c_group_find(dev);
	mutex_unlock(&v3c_topology);
	/* is_owned() comes last, because lock_idle() waits until a claim of ours has ended. */
	if (unclaimed && is_owned(dev))
		return refuse_claim(why, V3C_REASON_GROUP_CLAIMED);
	return reason;
}

static enum v3c_reason refuse_group(struct v3c_why *why, int err)
{
	if (err == -EPERM || err == -EBUSY)
		return refuse_claim(why, V3C_REASON_GROUP_CLAIMED);
	return v3c_group_refuse(why, err, V3C_PARAM_DEVICE, NULL);
}

/*
 * take_claim() gives the group and the claim to @owner, and puts @claim in the list where there is
 * none, with v3c_topology released meanwhile. Once the group is in use it cannot fail, so that the
 * group need not go back to its last owner.
 */
static enum v3c_reason take_claim(struct v3c_claim *claim, const struct v3c_owner *owner,
				  struct v3c_why *why)
{
	struct v3c_group *group = v3c_group_find(claim->dev);

	lockdep_assert_held(&v3c_topology);

	if (group) {
		group->owner = owner;
		v3c_topology_changed();
	}
	claim->busy = true;
	list_add(&claim->entry, &v3c_claims);
	claim->group = v3c_group_use(claim->dev, owner, false);
	claim->busy = false;
	if (!IS_ERR(claim->group))
		return 0;
	list_del(&claim->entry);
	return refuse_group(why, PTR_ERR(claim->group));
}

/* drop_claim() releases v3c_topology meanwhile; @claim is not busy. */
static void drop_claim(struct v3c_claim *claim)
{
	lockdep_assert_held(&v3c_topology);

	claim->busy = true;
	v3c_group_unuse(claim->group, false);
	list_del(&claim->entry);
	kfree(claim);
}

/**
 * v3c_claim_take() - own the group of a device, also while nothing of it is attached
 * @dev: the device
 * @owner: for whom; strict
 * @from: an owner that the group may be taken from, with all its claims; it has nothing attached
 *	there. Or NULL
 * @isolated: as for v3c_claim_check()
 * @why: filled on refusal
 *
 * Where there is a claim for @dev already, it goes to @owner. Untagged DMA of the group is blocked
 * until a device of @owner is attached.
 *
 * Context: may sleep; killable; the caller keeps @dev from being removed during the call, and
 * claims and drops it nowhere else.
 * Return: 0, or a reason: what v3c_claim_check() refuses, %V3C_REASON_NO_MEMORY, or
 * %V3C_REASON_GROUP_BUSY when the core or the IOMMU driver refused.
 */
enum v3c_reason v3c_claim_take(struct device *dev, const struct v3c_owner *owner,
			       const struct v3c_owner *from, bool isolated, struct v3c_why *why)
{
	struct v3c_claim *claim = kzalloc(sizeof(*claim), v3c_owner_gfp(owner)), *old;
	enum v3c_reason reason;

	if (!claim)
		return v3c_refuse(why, V3C_REASON_NO_MEMORY, V3C_PARAM_NONE, NULL, 0, 0);
	claim->dev = dev;
	isolated = !isolated || is_isolated(dev);
	if (lock_idle(dev)) {
		kfree(claim);
		return v3c_refuse(why, V3C_REASON_KILLED, V3C_PARAM_NONE, NULL, 0, 0);
	}
	reason = check_claim(dev, owner, from, isolated, why);
	old = find_claim(dev);
	if (!reason)
		reason = take_claim(claim, owner, why);
	/* The old one, whose place the new one has taken, has kept the group in use until now. */
	if (!reason && old)
		drop_claim(old);
	mutex_unlock(&v3c_topology);
	if (reason)
		kfree(claim);
	return reason;
}
V3C_EXPORT_NS_GPL(v3c_claim_take, V3COMPAT_TEST);

/**
 * v3c_claim_forget() - drop the claim for a device that leaves its group, if there is one
 * @dev: the device
 *
 * The core must not find the group owned when its last device is gone.
 *
 * Context: may sleep; under v3c_topology, which is released meanwhile.
 */
void v3c_claim_forget(struct device *dev)
{
	struct v3c_claim *claim;

	lockdep_assert_held(&v3c_topology);

	while ((claim = find_claim(dev)) && claim->busy)
		v3c_group_wait();
	if (claim)
		drop_claim(claim);
}

/**
 * v3c_claim_drop() - drop the claim for a device, if there is one
 * @dev: the device, of which nothing is attached
 *
 * The last use of the group gives it back to the kernel.
 *
 * Context: may sleep.
 */
void v3c_claim_drop(struct device *dev)
{
	guard(mutex)(&v3c_topology);
	v3c_claim_forget(dev);
}
V3C_EXPORT_NS_GPL(v3c_claim_drop, V3COMPAT_TEST);

/**
 * v3c_claim_hand_over() - give a group that is claimed to another owner
 * @dev: a device in it
 * @from: who has it, with nothing attached; nothing happens if it is somebody else
 * @to: who gets it, with all claims in it
 *
 * Context: may sleep.
 */
void v3c_claim_hand_over(struct device *dev, const struct v3c_owner *from,
			 const struct v3c_owner *to)
{
	struct v3c_claim *claim;
	struct v3c_group *group;

	guard(mutex)(&v3c_topology);
	claim = find_claim(dev);
	/* The claim's, because @dev may have left its IOMMU. */
	group = claim && !claim->busy ? claim->group : v3c_group_find(dev);
	if (!group || group->owner != from)
		return;
	group->owner = to;
	v3c_topology_changed();
}
V3C_EXPORT_NS_GPL(v3c_claim_hand_over, V3COMPAT_TEST);

/* v3c_claim_exists() tells whether there is a claim for @dev. */
bool v3c_claim_exists(struct device *dev)
{
	guard(mutex)(&v3c_topology);
	return find_claim(dev);
}
V3C_EXPORT_NS_GPL(v3c_claim_exists, V3COMPAT_TEST);

/* v3c_claims_drop_all() is called when the module goes, so that nobody makes one any more. */
void v3c_claims_drop_all(void)
{
	struct v3c_claim *claim;

	guard(mutex)(&v3c_topology);
	while ((claim = list_first_entry_or_null(&v3c_claims, struct v3c_claim, entry)))
		v3c_claim_forget(claim->dev);
}
