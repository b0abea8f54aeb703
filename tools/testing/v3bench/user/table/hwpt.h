/* SPDX-License-Identifier: GPL-2.0 */
/* In the place of drivers/iommu/v3compat/table/hwpt.h: a page table that takes no time. */
#ifndef V3BENCH_HWPT_H
#define V3BENCH_HWPT_H

#include "base/phys.h"

#define V3C_QUICK_PAGES		V3C_TABLE_PAGES
#define V3C_QUICK_SIZE		(V3C_QUICK_PAGES << V3C_PAGE_SHIFT)
#define V3C_SPAN_PAGES		256ULL

struct v3c_hwpt {
	struct {
		bool allocates;
	} rules;
};

static inline int v3c_hwpt_quick_map_page(struct v3c_hwpt *hwpt, u64 iova, u64 base, int prot)
{
	return 0;
}

static inline bool v3c_hwpt_quick_unmap_page(struct v3c_hwpt *hwpt, u64 iova)
{
	return true;
}

/* Blocks are not measured. */
int v3c_hwpt_quick_map(struct v3c_hwpt *hwpt, u64 iova, u64 base, u64 size, int prot,
		       gfp_t account);
bool v3c_hwpt_unmap_bytes(struct v3c_hwpt *hwpt, u64 iova, u64 size);
bool v3c_hwpt_has_leaf(const struct v3c_hwpt *hwpt, u64 pages);

#endif
