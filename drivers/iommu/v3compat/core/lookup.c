// SPDX-License-Identifier: GPL-2.0
/*
 * v3c_lookup_permissions(): how a logical page is mapped.
 */
#include <linux/iommu.h>
#include <linux/minmax.h>

#include "core/domain.h"
#include "core/lookup.h"
#include "table/gate.h"
#include "table/shadow.h"
#include "table/space.h"

/*
 * mirrored_permissions() looks at every page table of an Unmanaged domain, or at @of only, because
 * the tables may differ: each mirrors what its IOMMU can translate.
 */
static int mirrored_permissions(struct v3c_domain *domain, const struct v3c_hwpt *of, u64 page)
{
	int prot = IOMMU_READ | IOMMU_WRITE;
	struct v3c_hwpt *hwpt;
	bool found = false;
	struct v3c_op op;

	if (v3c_gate_begin(&domain->space, &op))
		return 0;
	v3c_for_each_hwpt(domain, hwpt, op.slots) {
		if (of && hwpt != of)
			continue;
		found = true;
		prot &= v3c_shadow_permissions(hwpt->shadow, page);
	}
	v3c_gate_end(&domain->space, &op);
	return found ? prot : 0;
}

/**
 * v3c_lookup_permissions() - how a logical page is mapped at this moment
 * @domain: the domain; may be a dead one
 * @hwpt: the page table that is asked about, or NULL for all of them; a name, never looked into
 * @page: logical page
 *
 * Context: any.
 * Return: IOMMU_READ and IOMMU_WRITE, or 0 where no device gets at anything.
 */
int v3c_lookup_permissions(struct v3c_domain *domain, const struct v3c_hwpt *hwpt, u64 page)
{
	int ret = v3c_space_permissions(&domain->space, page);

	if (ret == -ENOENT && domain->type == V3C_DOMAIN_UNMANAGED)
		return mirrored_permissions(domain, hwpt, page);
	return max(ret, 0);
}

/*
 * begin_of() begins an operation that looks at a domain, which may be dead or another owner's by
 * now. False when it is.
 */
static bool begin_of(struct v3c_domain *domain, const struct v3c_owner *owner, struct v3c_op *op)
{
	if (v3c_gate_begin(&domain->space, op))
		return false;
	if (domain->handle.owner == owner)
		return true;
	v3c_gate_end(&domain->space, op);
	return false;
}

/**
 * v3c_lookup_ranges() - the ranges of a domain, some at a time
 * @domain: the domain; may be a dead one
 * @owner: whose
 * @cursor: as of v3c_space_list()
 * @views: result, in ascending order
 * @max: room in @views
 *
 * Context: any.
 * Return: how many there are in @views, which may be 0 before the end.
 */
unsigned int v3c_lookup_ranges(struct v3c_domain *domain, const struct v3c_owner *owner,
			       u64 *cursor, struct v3c_view *views, unsigned int max)
{
	unsigned int count;
	struct v3c_op op;

	if (!begin_of(domain, owner, &op)) {
		*cursor = U64_MAX;
		return 0;
	}
	count = v3c_space_list(&domain->space, cursor, views, max);
	v3c_gate_end(&domain->space, &op);
	return count;
}

/* v3c_lookup_last() is the last byte that @domain can map now. Attaching may make it less. */
u64 v3c_lookup_last(struct v3c_domain *domain)
{
	return v3c_bytes(READ_ONCE(domain->space.last) + 1) - 1;
}

/**
 * v3c_lookup_page_sizes() - the page sizes of a domain
 * @domain: the domain; may be a dead one
 * @owner: whose
 *
 * Context: any.
 * Return: powers of two that all of its page tables have leaves of, or-ed together; 0 without a
 * page table.
 */
u64 v3c_lookup_page_sizes(struct v3c_domain *domain, const struct v3c_owner *owner)
{
	u64 sizes = U64_MAX;
	struct v3c_hwpt *hwpt;
	struct v3c_op op;

	if (!begin_of(domain, owner, &op))
		return 0;
	v3c_for_each_hwpt(domain, hwpt, op.slots)
		sizes &= hwpt->core->pgsize_bitmap;
	if (!op.slots)
		sizes = 0;
	v3c_gate_end(&domain->space, &op);
	return sizes;
}
