/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3BENCH_V3_H
#define V3BENCH_V3_H

#include <wdm.h>

struct v3b;

int v3b_errno(struct v3b *b, const char *call, NTSTATUS status);
int v3b_tagged_device(struct v3b *b, const DMA_IOMMU_INTERFACE_EX *table,
		      PIOMMU_DMA_DEVICE *device);

#endif
