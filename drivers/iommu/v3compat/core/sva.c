// SPDX-License-Identifier: GPL-2.0
/*
 * v3c_sva_create(): sub-devices that are bound to a process.
 */
#include <linux/iommu.h>
#include <linux/mm_types.h>

#include "base/compat.h"
#include "base/handle.h"
#include "base/iommus.h"
#include "base/topology.h"
#include "base/trace.h"
#include "core/device.h"
#include "core/group.h"
#include "core/pasid.h"
#include "core/sva.h"

/*
 * begin_bond() enables SVA for a Linux device's first bond, end_bond() disables it after the last.
 */
static int begin_bond(struct v3c_device *device)
{
	int ret = 0;

	lockdep_assert_held(&v3c_topology);

	/*
	 * v3c_sva_supported() refuses on x86 before 6.16, because some of these kernels accept SVA
	 * although device TLBs keep stale kernel mappings.
	 */
	if (!v3c_sva_supported(device->pdo))
		return -EOPNOTSUPP;
	if (!v3c_device_has_bonds(device->pdo))
		ret = v3c_sva_enable(device->pdo);
	if (!ret)
		device->bonds++;
	return ret;
}

static void end_bond(struct v3c_device *device)
{
	lockdep_assert_held(&v3c_topology);

	device->bonds--;
	if (!v3c_device_has_bonds(device->pdo))
		v3c_sva_disable(device->pdo);
}

static struct iommu_sva *bind_device(struct device *pdo, struct mm_struct *mm)
{
	struct iommu_sva *sva = iommu_sva_bind_device(pdo, mm);

	if (IS_ERR(sva) || v3c_iommu_sends_tags(pdo))
		return sva;
	iommu_sva_unbind_device(sva);
	return ERR_PTR(-EOPNOTSUPP);
}

/*
 * v3c_bonding: a bond begins or ends. The IOMMU core does one at a time, of all in the system,
 * under a lock for which it waits where nobody can be killed: so whoever comes second waits here,
 * before anything is busy because of that.
 */
static bool v3c_bonding;

/* bind_process(): @pasid is busy and @group in use. v3c_topology is released meanwhile. */
static struct iommu_sva *bind_process(struct v3c_pasid *pasid, struct v3c_group *group,
				      struct mm_struct *mm)
{
	struct iommu_sva *sva;
	int ret;

	ret = begin_bond(pasid->device);
	if (ret)
		return ERR_PTR(ret);
	v3c_bonding = true;
	group->binding = true;
	v3c_group_begin(group);
	sva = bind_device(pasid->device->pdo, mm);
	v3c_group_end(group);
	group->binding = false;
	v3c_bonding = false;
	if (IS_ERR(sva))
		end_bond(pasid->device);
	return sva;
}

/* v3c_sva_unbind() is called while no bond begins or ends. v3c_topology is released meanwhile. */
void v3c_sva_unbind(struct v3c_pasid *pasid)
{
	struct v3c_group *group = pasid->group;

	lockdep_assert_held(&v3c_topology);

	pasid->busy = true;
	v3c_bonding = true;
	v3c_group_begin(group);
	iommu_sva_unbind_device(pasid->sva);
	v3c_group_end(group);
	v3c_bonding = false;
	pasid->sva = NULL;
	pasid->group = NULL;
	end_bond(pasid->device);
	v3c_group_unuse(group, true);
	pasid->busy = false;
}

static enum v3c_reason refuse_bond(struct v3c_device *device, int err, struct v3c_why *why)
{
	if (err == -ENOSPC || err == -EOVERFLOW)
		return v3c_refuse(why, V3C_REASON_NO_PASID, V3C_PARAM_DEVICE, device, 0,
				  device->pdo->iommu->max_pasids);
	return v3c_refuse_errno(why, err, V3C_PARAM_DEVICE, device, 0, 0);
}

/*
 * wait_to_bind() waits with v3c_topology released, because the IOMMU core would wait where nobody
 * can kill the caller.
 */
static enum v3c_reason wait_to_bind(struct v3c_device *device, struct v3c_why *why)
{
	enum v3c_reason reason;

	for (;;) {
		reason = v3c_pasid_check_parent(device, why);
		if (reason)
			return reason;
		if (!v3c_bonding && !v3c_group_is_busy(device->pdo))
			return 0;
		if (v3c_group_wait_killable())
			return v3c_refuse(why, V3C_REASON_GROUP_BUSY, V3C_PARAM_DEVICE, device, 0,
					  0);
	}
}

/*
 * claim_to_bind() returns the group, claimed, with nobody else beginning or ending a bond; or NULL.
 * A bond that began while the group was claimed is not waited for with @pasid busy, because a
 * removal would wait for that.
 */
static struct v3c_group *claim_to_bind(struct v3c_pasid *pasid, enum v3c_reason *reason,
				       struct v3c_why *why)
{
	struct v3c_device *device = pasid->device;
	struct v3c_group *group;

	for (;;) {
		pasid->busy = true;
		group = v3c_group_use(device->pdo, device->handle.owner, true);
		if (!IS_ERR(group) && !v3c_bonding)
			return group;
		if (!IS_ERR(group))
			v3c_group_unuse(group, true);
		pasid->busy = false;
		*reason = IS_ERR(group) ?
				  v3c_group_refuse(why, PTR_ERR(group), V3C_PARAM_DEVICE, device) :
				  wait_to_bind(device, why);
		if (*reason)
			return NULL;
	}
}

static enum v3c_reason begin_process(struct v3c_pasid *pasid, struct mm_struct *mm,
				     struct v3c_why *why)
{
	struct v3c_group *group;
	struct iommu_sva *sva;
	enum v3c_reason reason;

	group = claim_to_bind(pasid, &reason, why);
	if (!group)
		return reason;
	sva = bind_process(pasid, group, mm);
	if (IS_ERR(sva)) {
		v3c_group_unuse(group, true);
		reason = refuse_bond(pasid->device, PTR_ERR(sva), why);
	} else {
		pasid->group = group;
		pasid->sva = sva;
		reason = 0;
	}
	pasid->busy = false;
	return reason;
}

/**
 * v3c_sva_create() - make a sub-device that is bound to a process
 * @device: whose
 * @mm: address space; the caller keeps its users from going during the call
 * @out: result, untouched on failure
 * @why: filled on refusal
 *
 * @mm may be torn down after the call; DMA then finds nothing any more.
 *
 * Context: may sleep; not under the mmap lock.
 * Return: 0 or a reason, see v3compat_create_sva_device().
 */
enum v3c_reason v3c_sva_create(struct v3c_device *device, struct mm_struct *mm,
			       struct v3c_pasid **out, struct v3c_why *why)
{
	struct v3c_pasid *pasid;
	enum v3c_reason reason;

	guard(mutex)(&v3c_topology);
	reason = wait_to_bind(device, why);
	if (!reason)
		reason = v3c_pasid_alloc(device, &pasid, why);
	if (reason)
		return reason;
	v3c_pasid_enlist(pasid, device, true);
	reason = begin_process(pasid, mm, why);
	if (reason) {
		list_del(&pasid->entry);
		v3c_handle_free(&v3c_pasid_pool, &pasid->handle);
		return reason;
	}
	pasid->number = iommu_sva_get_pasid(pasid->sva);
	v3c_handle_publish(&v3c_pasid_pool, &pasid->handle);
	trace_v3compat_attach_pasid(NULL, pasid, 0);
	*out = pasid;
	return 0;
}

/* v3c_sva_is_bonding(): somebody begins or ends a bond. Called under v3c_topology. */
bool v3c_sva_is_bonding(void)
{
	lockdep_assert_held(&v3c_topology);

	return v3c_bonding;
}
