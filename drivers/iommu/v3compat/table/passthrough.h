/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_PASSTHROUGH_H
#define V3COMPAT_PASSTHROUGH_H

#include <linux/compiler_attributes.h>

#include "base/phys.h"

struct device;
struct iommu_domain;
struct v3c_hwpt;

/**
 * struct v3c_runs - all memory and all MMIO of the machine
 * @nr: length of @run
 * @max: room in @run
 * @run: by address; two that touch differ in v3c_is_memory()
 */
struct v3c_runs {
	unsigned int nr;
	unsigned int max;
	struct v3c_run run[] __counted_by(max);
};

struct iommu_domain *v3c_passthrough_identity(struct device *dev);
struct v3c_runs *v3c_runs_collect(void);
void v3c_runs_free(const struct v3c_runs *runs);
const struct v3c_run *v3c_runs_find(const struct v3c_runs *runs, u64 pfn);
int v3c_passthrough_fill(struct v3c_hwpt *hwpt);

#endif
