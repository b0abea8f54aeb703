// SPDX-License-Identifier: GPL-2.0
/*
 * VFIO type1: a container, with a group of one device.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <libgen.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/vfio.h>

#include "bench.h"

static int open_group(const char *name)
{
	char path[128], target[256];
	ssize_t length;
	int group;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group", name);
	length = readlink(path, target, sizeof(target) - 1);
	if (length < 0)
		err(1, "%s", path);
	target[length] = '\0';
	snprintf(path, sizeof(path), "/dev/vfio/%.32s", basename(target));
	group = open(path, O_RDWR | O_CLOEXEC);
	if (group < 0)
		err(1, "%s", path);
	return group;
}

static void open_type1(struct side *side)
{
	int group;

	probe_take(&side->probe, "vfio-pci");
	side->fd = open(side->node, O_RDWR | O_CLOEXEC);
	group = open_group(side->probe.name);
	if (ioctl(group, VFIO_GROUP_SET_CONTAINER, &side->fd) ||
	    ioctl(side->fd, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU) ||
	    ioctl(group, VFIO_GROUP_GET_DEVICE_FD, side->probe.name) < 0)
		err(1, "VFIO type1");
	probe_start(&side->probe);
}

static struct vfio_iommu_type1_dma_map map_arg;
static struct vfio_iommu_type1_dma_unmap unmap_arg;

static void prepare_type1(struct side *side, const struct piece *pieces, unsigned int count)
{
	map_arg = (struct vfio_iommu_type1_dma_map) {
		.argsz = sizeof(map_arg),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)pieces->start, .iova = pieces->iova, .size = pieces->length,
	};
	unmap_arg = (struct vfio_iommu_type1_dma_unmap) {
		.argsz = sizeof(unmap_arg), .iova = pieces->iova, .size = pieces->length,
	};
}

static void map_type1(struct side *side)
{
	if (ioctl(side->fd, VFIO_IOMMU_MAP_DMA, &map_arg))
		err(1, "VFIO_IOMMU_MAP_DMA");
}

static void unmap_type1(struct side *side)
{
	if (ioctl(side->fd, VFIO_IOMMU_UNMAP_DMA, &unmap_arg))
		err(1, "VFIO_IOMMU_UNMAP_DMA");
}

struct side type1_side = {
	.name = "type1", .node = "/dev/vfio/vfio", .batch = 1, .max_live = 100000,
	.open = open_type1, .prepare = prepare_type1,
	.map = map_type1, .unmap = unmap_type1,
};
