/* SPDX-License-Identifier: GPL-2.0 */
/*
 * QEMU's network adapter e1000e, which has five interrupts by MSI-X and a table of them in a BAR.
 * It is alone in its IOMMU group, or has company there.
 */
#ifndef V3COMPAT_SELFTEST_NIC_H
#define V3COMPAT_SELFTEST_NIC_H

#include "device.h"

#define NIC		"0x8086 0x10d3"

/* group_size() counts the devices of a group. */
static inline unsigned int group_size(const char *name)
{
	unsigned int count = 0;
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), PCI "%s/iommu_group/devices", name);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		count += entry->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return count;
}

static inline bool is_alone(const char *name)
{
	return group_size(name) == 1;
}

static inline bool has_company(const char *name)
{
	return group_size(name) == 2;
}

#endif
