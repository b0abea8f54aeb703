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
