/* SPDX-License-Identifier: GPL-2.0 */
/* /dev/v3bench-iommufd: a device without a driver of VFIO's, for iommufd. */
#ifndef V3BENCH_IOMMUFD_H
#define V3BENCH_IOMMUFD_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define V3BENCH_IOMMUFD_TYPE	0xE9

/**
 * struct v3bench_bind - ioctl(V3BENCH_BIND): bind a platform device to an iommufd
 * @name: below /sys/bus/platform/devices
 * @iommufd: file descriptor
 * @out_device: its id there; until the descriptor of this file is closed
 */
struct v3bench_bind {
	char name[64];
	__s32 iommufd;
	__u32 out_device;
};
#define V3BENCH_BIND	_IOWR(V3BENCH_IOMMUFD_TYPE, 0, struct v3bench_bind)

/**
 * struct v3bench_attach - ioctl(V3BENCH_ATTACH): attach a PASID of the device
 * @table: id of a page table in the iommufd
 * @pasid: which
 */
struct v3bench_attach {
	__u32 table;
	__u32 pasid;
};
#define V3BENCH_ATTACH	_IOW(V3BENCH_IOMMUFD_TYPE, 1, struct v3bench_attach)

#endif
