// SPDX-License-Identifier: GPL-2.0
/*
 * iommufd: an address space, with a device by VFIO's character device.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>

#include <linux/iommufd.h>
#include <linux/vfio.h>

#include "bench.h"

static int open_device(const char *name)
{
	char path[320];
	struct dirent *entry;
	DIR *dir;
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/vfio-dev", name);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		if (!strncmp(entry->d_name, "vfio", 4))
			break;
	if (!dir || !entry)
		err(1, "%s", path);
	snprintf(path, sizeof(path), "/dev/vfio/devices/%s", entry->d_name);
	closedir(dir);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		err(1, "%s", path);
	return fd;
}

static void open_iommufd(struct side *side)
{
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	struct vfio_device_bind_iommufd bind = { .argsz = sizeof(bind) };
	struct vfio_device_attach_iommufd_pt attach = { .argsz = sizeof(attach) };
	int device;

	probe_take(&side->probe, "vfio-pci");
	side->fd = open(side->node, O_RDWR | O_CLOEXEC);
	device = open_device(side->probe.name);
	bind.iommufd = side->fd;
	if (ioctl(device, VFIO_DEVICE_BIND_IOMMUFD, &bind) ||
	    ioctl(side->fd, IOMMU_IOAS_ALLOC, &alloc))
		err(1, "iommufd");
	side->domain = alloc.out_ioas_id;
	attach.pt_id = alloc.out_ioas_id;
	if (ioctl(device, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach))
		err(1, "VFIO_DEVICE_ATTACH_IOMMUFD_PT");
	probe_start(&side->probe);
}

#define FLAGS	(IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE | IOMMU_IOAS_MAP_WRITEABLE)

static struct iommu_ioas_map map_arg;
static struct iommu_ioas_map_file map_file_arg;
static struct iommu_ioas_unmap unmap_arg;
static bool maps_file;

static void prepare_iommufd(struct side *side, const struct piece *pieces, unsigned int count)
{
	maps_file = pieces->fd >= 0;
	map_arg = (struct iommu_ioas_map) {
		.size = sizeof(map_arg), .flags = FLAGS, .ioas_id = side->domain,
		.user_va = (uintptr_t)pieces->start, .length = pieces->length,
		.iova = pieces->iova,
	};
	map_file_arg = (struct iommu_ioas_map_file) {
		.size = sizeof(map_file_arg), .flags = FLAGS, .ioas_id = side->domain,
		.fd = pieces->fd, .length = pieces->length, .iova = pieces->iova,
	};
	unmap_arg = (struct iommu_ioas_unmap) {
		.size = sizeof(unmap_arg), .ioas_id = side->domain, .iova = pieces->iova,
		.length = pieces->length,
	};
}

static void map_iommufd(struct side *side)
{
	int ret;

	if (maps_file)
		ret = ioctl(side->fd, IOMMU_IOAS_MAP_FILE, &map_file_arg);
	else
		ret = ioctl(side->fd, IOMMU_IOAS_MAP, &map_arg);
	if (ret)
		err(1, "IOMMU_IOAS_MAP");
}

/* unmap_iommufd(): the kernel writes to @length. */
static void unmap_iommufd(struct side *side)
{
	if (ioctl(side->fd, IOMMU_IOAS_UNMAP, &unmap_arg))
		err(1, "IOMMU_IOAS_UNMAP");
}

struct side iommufd_side = {
	.name = "iommufd", .node = "/dev/iommu", .batch = 1, .max_live = 100000,
	.open = open_iommufd, .prepare = prepare_iommufd,
	.map = map_iommufd, .unmap = unmap_iommufd,
};
