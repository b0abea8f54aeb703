// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: Groups, and calls that wait
 *
 * &struct v3c_group is an IOMMU group that is in use: devices that the hardware cannot tell apart
 * are attached together, and owned where possible.
 *
 * Taking a translation away waits until the IOMMU has no page request of it any more, and a page
 * request of a process waits for whatever the page fault does: for a file server of its own, for
 * instance. Every attach, claim or release of a group takes away what was there before, and so does
 * the undo of one that failed. So the IOMMU core is called for all of these with v3c_topology
 * released, between v3c_group_begin() and v3c_group_end(). The core holds the lock of its group
 * meanwhile: whoever needs that lock waits until the call is over, by v3c_group_wait(), with
 * v3c_topology released, too.
 */
#include <linux/device.h>
#include <linux/iommu.h>
#include <linux/pci.h>
#include <linux/platform_device.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "base/bus.h"
#include "base/event.h"
#include "base/handle.h"
#include "base/owner.h"
#include "base/topology.h"
#include "core/group.h"

static LIST_HEAD(v3c_groups);

/*
 * v3c_cookie is what the core knows us by. It is one for all owners, because a group may go from
 * one to another without the core, see v3c_claim_hand_over(); v3c_groups keeps them apart.
 */
static char v3c_cookie;

/* v3c_call_over happens when a call between v3c_group_begin() and v3c_group_end() is over. */
static V3C_EVENT(v3c_call_over);

struct v3c_group *v3c_group_find(struct device *dev)
{
	struct iommu_group *core = READ_ONCE(dev->iommu_group);
	struct v3c_group *group;

	lockdep_assert_held(&v3c_topology);

	list_for_each_entry(group, &v3c_groups, entry)
		if (core && group->group == core)
			return group;
	return NULL;
}

/* struct v3c_walk: what v3c_group_for_each_member() does with each member of @group. */
struct v3c_walk {
	const struct iommu_group *group;
	int (*fn)(struct device *member, void *arg);
	void *arg;
};

/*
 * visit_member() only compares groups, because a device about to join may lose its group any time.
 */
static int visit_member(struct device *dev, void *arg)
{
	const struct v3c_walk *walk = arg;

	return READ_ONCE(dev->iommu_group) == walk->group ? walk->fn(dev, walk->arg) : 0;
}

/**
 * v3c_group_for_each_member() - go through the devices that the IOMMU cannot tell from one
 * @dev: the device, in a group
 * @arg: for @fn
 * @fn: called with each, also with @dev; nonzero ends the walk
 *
 * A device that is being removed is not visited any more once it has left its bus. One that the
 * core is just putting behind its IOMMU may be visited already: v3c_bus_knows() tells.
 *
 * Context: may sleep; under v3c_topology. No lock of the core is taken.
 * Return: what @fn returned last.
 */
int v3c_group_for_each_member(struct device *dev, void *arg,
			      int (*fn)(struct device *member, void *arg))
{
	struct v3c_walk walk = { .group = READ_ONCE(dev->iommu_group), .fn = fn, .arg = arg };

	lockdep_assert_held(&v3c_topology);

	return walk.group ? v3c_bus_for_each_dev(&walk, visit_member) : fn(dev, arg);
}

/* is_external(): @dev can be plugged in from outside, or the firmware does not vouch for it. */
static int is_external(struct device *dev, void *unused)
{
	return dev_is_removable(dev) || (dev_is_pci(dev) && to_pci_dev(dev)->untrusted);
}

/**
 * v3c_group_is_external() - whether a device, or another member of its group, is external
 * @dev: the device
 *
 * Every member counts, because all of them see what one of them sees.
 *
 * Context: may sleep; under v3c_topology.
 * Return: true if it is.
 */
bool v3c_group_is_external(struct device *dev)
{
	return v3c_group_for_each_member(dev, NULL, is_external);
}

/* v3c_group_is_busy(): the group of @dev is between v3c_group_begin() and v3c_group_end(). */
bool v3c_group_is_busy(struct device *dev)
{
	struct v3c_group *group = v3c_group_find(dev);

	return group && group->busy;
}

/**
 * v3c_group_begin() - release v3c_topology for a call of the IOMMU core that may wait for long
 * @group: in use until v3c_group_end()
 *
 * The caller marks what the call is about as busy, so that nobody begins another one for it. Its
 * device does not leave the group until the end either.
 *
 * Context: may sleep; under v3c_topology.
 */
void v3c_group_begin(struct v3c_group *group)
{
	lockdep_assert_held(&v3c_topology);

	group->busy++;
	mutex_unlock(&v3c_topology);
}

/* v3c_group_end() takes v3c_topology again, and wakes those in v3c_group_wait(). */
void v3c_group_end(struct v3c_group *group)
{
	mutex_lock(&v3c_topology);
	group->busy--;
	v3c_event_happened(&v3c_call_over);
}

/*
 * v3c_group_begin_attach() is v3c_group_begin() for a call that attaches something, or that decides
 * about what is attached: whoever would begin to detach in the group waits for it. Where something
 * is attached, the group was not busy before.
 */
void v3c_group_begin_attach(struct v3c_group *group)
{
	group->attaching = true;
	v3c_group_begin(group);
}

void v3c_group_end_attach(struct v3c_group *group)
{
	v3c_group_end(group);
	group->attaching = false;
}

/**
 * v3c_group_wait() - wait until a call begun by v3c_group_begin() is over, of whichever group
 *
 * Context: may sleep; under v3c_topology, which is released meanwhile: the caller looks at
 * everything again. Some call is under way, otherwise nothing ends the wait.
 */
void v3c_group_wait(void)
{
	v3c_event_wait(&v3c_call_over, TASK_UNINTERRUPTIBLE);
}

/* v3c_group_wait_killable() is v3c_group_wait(), but -EBUSY when a signal kills the caller. */
int v3c_group_wait_killable(void)
{
	return v3c_event_wait(&v3c_call_over, TASK_KILLABLE) ? -EBUSY : 0;
}

/* v3c_group_wait_for() is v3c_group_wait() in a call with @object, but -EINTR when it is killed. */
int v3c_group_wait_for(const void *object)
{
	return v3c_event_wait(&v3c_call_over, v3c_handle_wait_state(object)) ? -EINTR : 0;
}

/*
 * has_ordinary_driver(): @dev is bound to a driver that uses the DMA API, which would go through
 * our page table.
 */
static bool has_ordinary_driver(struct device *dev)
{
	struct device_driver *driver = READ_ONCE(dev->driver);

	if (!driver)
		return false;
	if (dev_is_pci(dev))
		return !to_pci_driver(driver)->driver_managed_dma;
	if (dev_is_platform(dev))
		return !to_platform_driver(driver)->driver_managed_dma;
	return true;
}

static int foreign_driver(struct device *member, void *dev)
{
	return member != dev && has_ordinary_driver(member);
}

/* foreign_bound() is foreign_driver() but for drivers that are still probing, which may fail. */
static int foreign_bound(struct device *member, void *dev)
{
	return device_is_bound(member) && foreign_driver(member, dev);
}

/**
 * v3c_group_is_foreign() - whether an ordinary driver of another device, or another owner, has the
 * group
 * @dev: a device in it
 * @owner: who asks
 *
 * Context: may sleep; under v3c_topology.
 * Return: true when another owner has the group, or when no owner has it and an ordinary driver is
 * bound to another device in it; otherwise false.
 */
bool v3c_group_is_foreign(struct device *dev, const struct v3c_owner *owner)
{
	const struct v3c_group *group = v3c_group_find(dev);

	if (group)
		return group->owner != owner;
	return v3c_group_for_each_member(dev, dev, foreign_bound);
}

/**
 * v3c_group_is_shared() - whether an ordinary driver of another device has the group beside us
 * @group: the group, in use
 * @dev: the device that it is used for
 *
 * Called before and after the core attaches a group that is not owned, because from then on the
 * core gives no other driver the group.
 *
 * Context: may sleep; under v3c_topology.
 * Return: true if so.
 */
bool v3c_group_is_shared(const struct v3c_group *group, struct device *dev)
{
	lockdep_assert_held(&v3c_topology);

	return !group->owned && v3c_group_for_each_member(dev, dev, foreign_driver);
}

/*
 * claim_group() claims DMA ownership, which keeps everybody else from changing the group's domain,
 * and its devices blocked where no domain of ours is attached.
 *
 * An ordinary driver owns its device already (-EPERM). If it is the client, as a GPU driver would
 * be, its device is attached without ownership. The interface has no argument that says who calls,
 * so the client is taken for the driver of the device that it names: nobody else has a reason to,
 * and kernel code that wants to harm a device needs no interface for it.
 *
 * A firmware range that must stay mapped makes the core refuse ownership to anybody (-EINVAL).
 * Where no ordinary driver has the device, the attach alone has to do then, too. Until the attach
 * another member may get a driver, see v3c_group_is_shared().
 */
static int claim_group(struct v3c_group *group, struct device *dev)
{
	int ret;

	v3c_group_begin_attach(group);
	ret = iommu_device_claim_dma_owner(dev, &v3c_cookie);
	v3c_group_end_attach(group);
	group->owned = !ret;
	if (!group->owner->strict && ret == (has_ordinary_driver(dev) ? -EPERM : -EINVAL) &&
	    !v3c_group_is_shared(group, dev))
		return 0;
	return ret;
}

/**
 * v3c_group_refuse() - say that a group cannot be had
 * @why: filled
 * @err: what v3c_group_use() said
 * @param: for whom
 * @object: as for v3c_refuse()
 *
 * Whatever an IOMMU driver said, the group is not ours then.
 *
 * Context: any.
 * Return: the reason.
 */
enum v3c_reason v3c_group_refuse(struct v3c_why *why, int err, enum v3c_param param,
				 const void *object)
{
	if (v3c_refuse_errno(why, err, param, object, 0, 0) == V3C_REASON_HARDWARE)
		why->reason = V3C_REASON_GROUP_BUSY;
	return why->reason;
}

static struct v3c_group *new_group(struct device *dev, const struct v3c_owner *owner)
{
	struct v3c_group *group;

	if (v3c_group_is_foreign(dev, owner))
		return ERR_PTR(-EPERM);
	group = kzalloc(sizeof(*group), v3c_owner_gfp(owner));
	if (!group)
		return ERR_PTR(-ENOMEM);
	group->group = iommu_group_get(dev);
	if (!group->group) {
		kfree(group);
		return ERR_PTR(-ENODEV);
	}
	group->owner = owner;
	list_add(&group->entry, &v3c_groups);
	return group;
}

/**
 * v3c_group_use() - get hold of a device's group, to attach the device or a PASID of it
 * @dev: the device; its group is not busy, and what is to be attached is marked as busy
 * @owner: on whose account
 * @tagged: for a PASID
 *
 * The first use claims the group, with v3c_topology released meanwhile.
 *
 * Context: may sleep; under v3c_topology.
 * Return: the group, to be given to v3c_group_unuse(); or ERR_PTR: -ENOMEM, -ENODEV, or -EPERM or
 * -EBUSY when it is in other hands, or lets in nothing more, see v3c_group_let_in().
 */
struct v3c_group *v3c_group_use(struct device *dev, const struct v3c_owner *owner, bool tagged)
{
	struct v3c_group *group = v3c_group_find(dev);
	int ret;

	lockdep_assert_held(&v3c_topology);

	if (!group)
		group = new_group(dev, owner);
	else if (group->owner != owner || group->direct)
		return ERR_PTR(-EBUSY);
	if (IS_ERR(group))
		return group;
	group->tagged += tagged;
	if (group->uses++)
		return group;
	ret = claim_group(group, dev);
	if (ret) {
		v3c_group_unuse(group, tagged);
		return ERR_PTR(ret);
	}
	v3c_topology_changed();
	return group;
}

/*
 * v3c_group_unuse() drops a use, @tagged as in v3c_group_use(). The last one gives the group back,
 * with v3c_topology released meanwhile. The device or PASID that was attached for it is detached
 * already, and still marked as busy.
 */
void v3c_group_unuse(struct v3c_group *group, bool tagged)
{
	lockdep_assert_held(&v3c_topology);

	group->tagged -= tagged;
	if (--group->uses)
		return;
	if (group->owned) {
		v3c_group_begin(group);
		iommu_group_release_dma_owner(group->group);
		v3c_group_end(group);
	}
	iommu_group_put(group->group);
	list_del(&group->entry);
	v3c_topology_changed();
	kfree(group);
}

static int requires_direct(struct device *member, void *unused)
{
	return member->iommu && member->iommu->require_direct;
}

/*
 * v3c_group_attach() attaches the untagged DMA of a group that is busy. Returns -EINVAL when the
 * group's IOMMU wants a page table of another kind.
 */
int v3c_group_attach(struct v3c_group *group, struct iommu_domain *translation,
		     struct v3c_hwpt *hwpt)
{
	int ret = iommu_attach_group(translation, group->group);

	if (ret)
		return ret;
	group->translation = translation;
	group->hwpt = hwpt;
	return 0;
}

/*
 * v3c_group_let_in() takes note of @dev, which has joined. v3c_group_use() lets in nothing more
 * when its region must be mapped 1:1, because PASIDs would be in the way of must_give_back().
 */
void v3c_group_let_in(struct v3c_group *group, struct device *dev)
{
	lockdep_assert_held(&v3c_topology);

	group->direct |= group->owned && requires_direct(dev, NULL);
}

/*
 * must_give_back(): the core refuses a member whose region must be mapped 1:1 the blocking domain
 * that an owned group is detached to, and would leave it attached. Without an owner all go to the
 * default domain; but the core takes no ownership back while there are PASIDs.
 */
static bool must_give_back(const struct v3c_group *group)
{
	return group->owned && !READ_ONCE(group->tagged) &&
	       iommu_group_for_each_dev(group->group, NULL, requires_direct);
}

/* v3c_group_detach() detaches the untagged DMA of a group that is busy. */
void v3c_group_detach(struct v3c_group *group)
{
	bool give_back = must_give_back(group);

	/* must_give_back() again, because a member may just have joined; none can any more. */
	if (!give_back) {
		iommu_detach_group(group->translation, group->group);
		give_back = must_give_back(group);
	}
	if (give_back) {
		iommu_group_release_dma_owner(group->group);
		group->owned = false;
	}
	group->translation = NULL;
	group->hwpt = NULL;
}
