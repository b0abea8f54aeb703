/* SPDX-License-Identifier: GPL-2.0 */
/* In the place of drivers/iommu/v3compat/core/reserve.h. */
#ifndef V3BENCH_RESERVE_H
#define V3BENCH_RESERVE_H

#include "core/segments.h"

struct v3c_token {
	struct v3c_domain *domain;
	struct v3c_segments *quick;
};

#endif
