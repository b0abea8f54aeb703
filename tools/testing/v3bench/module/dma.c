// SPDX-License-Identifier: GPL-2.0
/*
 * Method "dma": the DMA API on the device's default domain. The guest chooses
 * whether that domain flushes at once or lazily.
 */
#include <linux/dma-mapping.h>

#include "v3bench.h"

static int dma_open(struct v3b *b)
{
	return 0;
}

static void dma_close(struct v3b *b)
{
}

static int map_scattered(struct v3b *b, struct v3b_slot *slot)
{
	if (!dma_map_sg(b->dev, b->sg, V3B_SCATTERED_PAGES, DMA_BIDIRECTIONAL))
		return -ENOMEM;
	slot->address = sg_dma_address(b->sg);
	return 0;
}

static int dma_map(struct v3b *b, const struct v3b_job *job, struct v3b_slot *slot)
{
	if (job->shape->features & V3B_SCATTER)
		return map_scattered(b, slot);
	slot->address = dma_map_page(b->dev, pfn_to_page(PHYS_PFN(job->phys)), 0, job->size,
				     DMA_BIDIRECTIONAL);
	return dma_mapping_error(b->dev, slot->address) ? -ENOMEM : 0;
}

static void dma_unmap(struct v3b *b, const struct v3b_job *job, struct v3b_slot *slot)
{
	if (job->shape->features & V3B_SCATTER)
		dma_unmap_sg(b->dev, b->sg, V3B_SCATTERED_PAGES, DMA_BIDIRECTIONAL);
	else
		dma_unmap_page(b->dev, slot->address, job->size, DMA_BIDIRECTIONAL);
}

const struct v3b_method v3b_dma = {
	.name = "dma",
	.lacks = V3B_LEAF | V3B_MDL,
	.open = dma_open,
	.close = dma_close,
	.map = dma_map,
	.unmap = dma_unmap,
};
