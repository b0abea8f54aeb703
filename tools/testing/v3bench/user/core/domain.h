/* SPDX-License-Identifier: GPL-2.0 */
/* In the place of drivers/iommu/v3compat/core/domain.h. */
#ifndef V3BENCH_DOMAIN_H
#define V3BENCH_DOMAIN_H

#include "table/range.h"

struct v3c_domain {
	struct v3c_space space;
	struct v3c_hwpt *sole;
	struct v3c_hwpt *sole_explicit;
	struct v3c_hwpt *sole_allocates;
};

#endif
