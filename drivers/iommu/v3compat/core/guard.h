/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_GUARD_H
#define V3COMPAT_GUARD_H

#include <linux/types.h>
#include <linux/v3compat.h>

struct device;

bool v3c_guard_allows_bypass(struct device *dev);
bool v3c_guard_allows_any(IOMMU_DMA_DOMAIN_TYPE type);

u64 v3c_guard_change(const enum v3compat_guard *policy, const bool *locked);
void v3c_guard_get(enum v3compat_guard *policy, bool *locked);

#endif
