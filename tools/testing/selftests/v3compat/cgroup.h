/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A memory cgroup for a test, and what is charged to it.
 */
#ifndef V3COMPAT_SELFTEST_CGROUP_H
#define V3COMPAT_SELFTEST_CGROUP_H

#include <sys/mount.h>
#include <sys/stat.h>

#include "user.h"

#define CGROUPS	"/tmp/v3compat-cgroups"

static inline long long cgroup_number(const char *name)
{
	long long value = -1;
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), CGROUPS "/%s", name);
	file = fopen(path, "re");
	if (!file)
		return -1;
	if (fscanf(file, "%lld", &value) != 1)
		value = -1;
	fclose(file);
	return value;
}

/* cgroup_stat() is a line of memory.stat. */
static inline long long cgroup_stat(const char *line)
{
	FILE *file = fopen(CGROUPS "/test/memory.stat", "re");
	long long value = -1, found = -1;
	char name[64];

	while (file && found < 0 && fscanf(file, "%63s %lld", name, &value) == 2)
		if (!strcmp(name, line))
			found = value;
	if (file)
		fclose(file);
	return found;
}

static inline long long charged(void)
{
	return cgroup_number("test/memory.current");
}

/* falls_below(): pages are given back at once, but not always counted so. */
static inline bool falls_below(long long bytes)
{
	unsigned int ms;

	for (ms = 0; ms < 10000 && charged() >= bytes; ms += 10)
		usleep(10000);
	return charged() < bytes;
}

/* enter_cgroup() returns why there is none, or NULL. */
static inline const char *enter_cgroup(void)
{
	mkdir(CGROUPS, 0700);
	if (mount("none", CGROUPS, "cgroup2", 0, NULL) && errno != EBUSY)
		return "the kernel has no cgroups";
	if (write_file(CGROUPS "/cgroup.subtree_control", "+memory"))
		return "the kernel has no memory cgroups";
	mkdir(CGROUPS "/test", 0700);
	return write_file(CGROUPS "/test/cgroup.procs", "0") ? "the cgroup takes nobody" : NULL;
}

static inline void leave_cgroup(void)
{
	write_file(CGROUPS "/cgroup.procs", "0");
	rmdir(CGROUPS "/test");
	umount(CGROUPS);
	rmdir(CGROUPS);
}

#endif
