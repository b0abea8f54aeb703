/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of /dev/v3compat share: its commands as calls, and devices that iommusim
 * simulates, bound to v3compat's platform driver. IOMMUSIM_IOC_DMA is the oracle: it tells what a
 * device finds at a logical address.
 */
#ifndef V3COMPAT_SELFTEST_USER_H
#define V3COMPAT_SELFTEST_USER_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/iommusim.h>
#include <linux/v3compat.h>

#define PAGE		4096ULL
#define LARGE		(2ULL << 20)

/* CALL(): a command, which returns 0, a count, or an errno, negative. Its struct is @arg. */
#define CALL(fd, name, arg) ({							\
	(arg)->size = sizeof(*(arg));						\
	call_(fd, V3COMPAT_IOCTL_##name, arg);					\
})

static inline int call_(int fd, unsigned long command, void *arg)
{
	int ret = ioctl(fd, command, arg);

	return ret < 0 ? -errno : ret;
}

static inline int open_v3compat(void)
{
	return open("/dev/v3compat", O_RDWR | O_CLOEXEC);
}

/* write_file() returns 0 or an errno, negative. */
static inline int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

/* struct sim: an instance of iommusim, and a device that is bound to v3compat-platform. */
struct sim {
	int fd;
	unsigned int iommu;
	unsigned int device;
	char name[IOMMUSIM_NAME_SIZE];
};

static inline int bind_device(const char *name, const char *driver)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/bus/platform/devices/%.64s/driver_override",
		 name);
	if (write_file(path, driver))
		return -errno;
	return write_file("/sys/bus/platform/drivers_probe", name);
}

static inline int unbind_device(const char *name)
{
	return write_file("/sys/bus/platform/drivers/v3compat-platform/unbind", name);
}

/* add_device() makes another device of @sim and binds it. Returns its id, or an errno, negative. */
static inline int add_device(struct sim *sim, unsigned int group, unsigned int flags,
			     const struct iommusim_ioc_region *regions, unsigned int nr_regions,
			     char *name)
{
	struct iommusim_ioc_device_create create = {
		.size = sizeof(create), .flags = flags, .sim_id = sim->iommu, .group = group,
		.regions = (uintptr_t)regions, .nr_regions = nr_regions,
	};

	if (ioctl(sim->fd, IOMMUSIM_IOC_DEVICE_CREATE, &create))
		return -errno;
	memcpy(name, create.out_name, IOMMUSIM_NAME_SIZE);
	if (bind_device(name, "v3compat-platform"))
		return -errno;
	return create.out_id;
}

/* struct sim_config: what an instance is to be; 0 everywhere is iommusim's usual one. */
struct sim_config {
	unsigned int aperture_bits;
	unsigned int quirks;
	unsigned int max_pasids;
	unsigned int features;
	unsigned long long pgsize_bitmap;
};

static inline int open_sim(struct sim *sim, const struct sim_config *config)
{
	struct iommusim_ioc_create create = {
		.size = sizeof(create), .aperture_bits = config->aperture_bits,
		.quirks = config->quirks, .max_pasids = config->max_pasids,
		.features = config->features, .pgsize_bitmap = config->pgsize_bitmap,
	};
	int ret;

	sim->fd = open("/dev/iommusim", O_RDWR | O_CLOEXEC);
	if (sim->fd < 0 || ioctl(sim->fd, IOMMUSIM_IOC_CREATE, &create))
		return -errno;
	sim->iommu = create.out_id;
	ret = add_device(sim, 0, 0, NULL, 0, sim->name);
	sim->device = ret;
	return ret < 0 ? ret : 0;
}

static inline void close_sim(struct sim *sim)
{
	close(sim->fd);
}

/* dma() lets a device read, or write, and returns &enum iommusim_fault_reason, or an errno. */
static inline int dma_pasid(struct sim *sim, unsigned int device, unsigned int pasid,
			    unsigned long long address, void *data, size_t length, bool write)
{
	struct iommusim_ioc_dma dma = {
		.size = sizeof(dma), .flags = write ? IOMMUSIM_DMA_WRITE : 0, .device_id = device,
		.pasid = pasid, .address = address, .length = length, .data = (uintptr_t)data,
	};

	return ioctl(sim->fd, IOMMUSIM_IOC_DMA, &dma) ? -errno : (int)dma.out_reason;
}

static inline int dma(struct sim *sim, unsigned long long address, void *data, size_t length,
		      bool write)
{
	return dma_pasid(sim, sim->device, IOMMUSIM_NO_PASID, address, data, length, write);
}

/* device_writes(): a write of the device at @address arrives at @memory, and nowhere else near. */
static inline bool device_writes(struct sim *sim, unsigned long long address, void *memory)
{
	static unsigned int pattern = 0x5a17ed00;
	unsigned int value = ++pattern;

	return dma(sim, address, &value, sizeof(value), true) == IOMMUSIM_OK &&
	       __atomic_load_n((unsigned int *)memory, __ATOMIC_RELAXED) == value;
}

static inline bool device_reads(struct sim *sim, unsigned long long address, void *memory)
{
	static unsigned int pattern = 0x1234567;
	unsigned int value = 0;

	__atomic_store_n((unsigned int *)memory, ++pattern, __ATOMIC_RELAXED);
	return dma(sim, address, &value, sizeof(value), false) == IOMMUSIM_OK && value == pattern;
}

static inline bool is_refused(struct sim *sim, unsigned long long address)
{
	unsigned int value;

	return dma(sim, address, &value, sizeof(value), false) > IOMMUSIM_OK;
}

/* set_line() returns when the handlers of the interrupt have run. */
static inline int set_line(struct sim *sim, int id, bool up)
{
	struct iommusim_ioc_interrupt arg = { .size = sizeof(arg), .device_id = id, .level = up };

	return ioctl(sim->fd, IOMMUSIM_IOC_INTERRUPT, &arg) ? -errno : 0;
}

static inline struct v3compat_device_name name_of(const char *bus, const char *name)
{
	struct v3compat_device_name both = {};

	snprintf((char *)both.bus, sizeof(both.bus), "%.15s", bus);
	snprintf((char *)both.name, sizeof(both.name), "%.63s", name);
	return both;
}

/* These return a handle, or an errno, negative; @result is NULL or gets what a refusal says. */

static inline int create_device_on(int fd, const char *bus, const char *name, unsigned int flags,
				   struct v3compat_result *result)
{
	struct v3compat_device_create arg = { .flags = flags, .name = name_of(bus, name) };
	int ret = CALL(fd, DEVICE_CREATE, &arg);

	if (result)
		*result = arg.result;
	return ret ? ret : (int)arg.out_device;
}

static inline int create_device(int fd, const char *name, unsigned int flags,
				struct v3compat_result *result)
{
	return create_device_on(fd, "platform", name, flags, result);
}

static inline int create_domain(int fd, unsigned int type, unsigned int width,
				struct v3compat_result *result)
{
	struct v3compat_domain_create arg = { .type = type, .address_width = width };
	int ret = CALL(fd, DOMAIN_CREATE, &arg);

	if (result)
		*result = arg.result;
	return ret ? ret : (int)arg.out_domain;
}

static inline int create_memory(int fd, void *start, size_t length, unsigned int flags,
				struct v3compat_result *result)
{
	struct v3compat_memory_create arg = {
		.flags = flags,
		.source = {
			.type = V3COMPAT_SOURCE_USER, .start = (uintptr_t)start, .length = length,
		},
	};
	int ret = CALL(fd, MEMORY_CREATE, &arg);

	if (result)
		*result = arg.result;
	return ret ? ret : (int)arg.out_memory;
}

/* The following return 0 or an errno, negative. */

static inline int attach(int fd, int domain, int object, struct v3compat_result *result)
{
	struct v3compat_attach arg = { .domain = domain, .object = object };
	int ret = CALL(fd, ATTACH, &arg);

	if (result)
		*result = arg.result;
	return ret;
}

static inline int detach(int fd, int object, struct v3compat_result *result)
{
	struct v3compat_attach arg = { .object = object };
	int ret = CALL(fd, DETACH, &arg);

	if (result)
		*result = arg.result;
	return ret;
}

static inline int destroy(int fd, int object, struct v3compat_result *result)
{
	struct v3compat_destroy arg = { .object = object };
	int ret = CALL(fd, DESTROY, &arg);

	if (result)
		*result = arg.result;
	return ret;
}

static inline struct v3compat_source user_memory(void *start, size_t length)
{
	return (struct v3compat_source) {
		.type = V3COMPAT_SOURCE_USER, .start = (uintptr_t)start, .length = length,
	};
}

/* map_at() maps at @address; in a reservation that is an offset. */
static inline int map_at(int fd, int object, struct v3compat_source source,
			 unsigned long long address, unsigned int flags, unsigned int permissions,
			 struct v3compat_result *result)
{
	struct v3compat_map arg = {
		.flags = flags, .object = object, .permissions = permissions, .source = source,
		.address = address,
	};
	int ret = CALL(fd, MAP, &arg);

	if (result)
		*result = arg.result;
	return ret;
}

static inline int map_fixed(int fd, int domain, void *start, size_t length,
			    unsigned long long address)
{
	return map_at(fd, domain, user_memory(start, length), address, V3COMPAT_MAP_FIXED,
		      V3COMPAT_READ | V3COMPAT_WRITE, NULL);
}

static inline int unmap(int fd, int object, unsigned long long address, size_t length,
			struct v3compat_result *result)
{
	struct v3compat_unmap arg = { .object = object, .address = address, .length = length };
	int ret = CALL(fd, UNMAP, &arg);

	if (result)
		*result = arg.result;
	return ret;
}

/* last_of() is the last byte that a domain can map. */
static inline unsigned long long last_of(int fd, int domain)
{
	struct v3compat_domain_query query = { .domain = domain };

	return CALL(fd, DOMAIN_QUERY, &query) ? 0 : query.out_last;
}

static inline void *new_memory(size_t length)
{
	void *memory = mmap(NULL, length, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

/* pinned_kib() is VmPin of this process, or an errno, negative. */
static inline long pinned_kib(void)
{
	FILE *status = fopen("/proc/self/status", "re");
	char line[128];
	long kib = -ENOENT;

	if (!status)
		return -errno;
	while (fgets(line, sizeof(line), status))
		if (sscanf(line, "VmPin: %ld kB", &kib) == 1)
			break;
	fclose(status);
	return kib;
}

#endif
