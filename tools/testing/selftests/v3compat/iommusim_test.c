// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of /dev/iommusim. Data moves to and from a page of this process: its physical address,
 * declared as a region that is mapped 1:1, is one that a simulated device can reach whether its
 * default domain is a translating or the identity domain.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/capability.h>
#include <linux/iommusim.h>

#define DEVICE		"/dev/iommusim"
#define EXIT_SKIP	4
#define PAGE		4096
#define FAR_AWAY	(1ULL << 46)	/* in every aperture used here, and no RAM */
#define MSI_WINDOW	0xfee00000ULL

static int test_failures;	/* of the running test */
static const char *skip_reason;

#define EXPECT_EQ(seen, expected) do {							\
	long long s_ = (long long)(seen), e_ = (long long)(expected);			\
	if (s_ != e_) {									\
		printf("# %s:%d: %s is %lld, expected %s = %lld\n", __func__, __LINE__,	\
		       #seen, s_, #expected, e_);					\
		test_failures++;							\
	}										\
} while (0)

#define EXPECT_ERRNO(call, expected) do {						\
	int r_ = (call);								\
	int e_ = r_ < 0 ? errno : 0;							\
	if (e_ != (expected)) {								\
		printf("# %s:%d: %s gave errno %d (%s), expected %s\n", __func__,	\
		       __LINE__, #call, e_, strerror(e_), #expected);			\
		test_failures++;							\
	}										\
} while (0)

static int open_device(void)
{
	return open(DEVICE, O_RDWR | O_CLOEXEC);
}

static unsigned int create_sim(int fd)
{
	struct iommusim_ioc_create cmd = { .size = sizeof(cmd), .max_pasids = 16 };

	EXPECT_ERRNO(ioctl(fd, IOMMUSIM_IOC_CREATE, &cmd), 0);
	return cmd.out_id;
}

static int destroy(int fd, unsigned int id)
{
	struct iommusim_ioc_destroy cmd = { .size = sizeof(cmd), .id = id };

	return ioctl(fd, IOMMUSIM_IOC_DESTROY, &cmd);
}

static struct iommusim_ioc_device_create device_of(unsigned int sim)
{
	struct iommusim_ioc_device_create cmd = { .size = sizeof(cmd), .sim_id = sim };

	return cmd;
}

static unsigned int create_device(int fd, struct iommusim_ioc_device_create *cmd)
{
	EXPECT_ERRNO(ioctl(fd, IOMMUSIM_IOC_DEVICE_CREATE, cmd), 0);
	return cmd->out_id;
}

static struct iommusim_ioc_dma dma_of(unsigned int device, uint64_t address, void *data, size_t len)
{
	struct iommusim_ioc_dma cmd = {
		.size = sizeof(cmd),
		.device_id = device,
		.pasid = IOMMUSIM_NO_PASID,
		.address = address,
		.data = (uintptr_t)data,
		.length = len,
	};

	return cmd;
}

static struct iommusim_ioc_stats stats_of(int fd, unsigned int sim)
{
	struct iommusim_ioc_stats cmd = { .size = sizeof(cmd), .sim_id = sim };

	EXPECT_ERRNO(ioctl(fd, IOMMUSIM_IOC_STATS, &cmd), 0);
	return cmd;
}

static void sysfs_path(char *path, size_t size, const struct iommusim_ioc_device_create *dev,
		       const char *attribute)
{
	snprintf(path, size, "/sys/bus/platform/devices/%s/%s", (const char *)dev->out_name,
		 attribute);
}

static int is_plugged(const struct iommusim_ioc_device_create *dev)
{
	struct stat st;
	char path[128];

	sysfs_path(path, sizeof(path), dev, "");
	return !stat(path, &st);
}

static void read_group(const struct iommusim_ioc_device_create *dev, char *group, size_t size)
{
	char path[128];
	ssize_t len;

	sysfs_path(path, sizeof(path), dev, "iommu_group");
	len = readlink(path, group, size - 1);
	group[len < 0 ? 0 : len] = '\0';
}

static int is_identity(const struct iommusim_ioc_device_create *dev)
{
	char path[128], type[16] = "";
	int fd;

	sysfs_path(path, sizeof(path), dev, "iommu_group/type");
	fd = open(path, O_RDONLY);
	if (fd < 0 || read(fd, type, sizeof(type) - 1) < 0)
		printf("# cannot read %s: %s\n", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return !strncmp(type, "identity", 8);
}

/* 0 when the kernel does not tell. */
static uint64_t physical_address(const void *page)
{
	uint64_t entry = 0;
	int fd = open("/proc/self/pagemap", O_RDONLY);

	if (fd < 0)
		return 0;
	if (pread(fd, &entry, sizeof(entry), (uintptr_t)page / PAGE * sizeof(entry)) !=
	    sizeof(entry))
		entry = 0;
	close(fd);
	return entry >> 63 ? (entry & ((1ULL << 55) - 1)) * PAGE : 0;
}

static void *locked_page(void)
{
	void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED | MAP_POPULATE, -1, 0);

	if (page == MAP_FAILED) {
		perror("# mmap");
		exit(1);
	}
	memset(page, 0, PAGE);
	return page;
}

static void test_life(void)
{
	struct iommusim_ioc_device_create a, b;
	int fd = open_device();
	unsigned int sim = create_sim(fd);

	a = device_of(sim);
	b = device_of(sim);
	create_device(fd, &a);
	create_device(fd, &b);
	EXPECT_EQ(is_plugged(&a), 1);
	EXPECT_EQ(is_plugged(&b), 1);
	EXPECT_ERRNO(destroy(fd, sim), EBUSY);
	EXPECT_ERRNO(destroy(fd, a.out_id), 0);
	EXPECT_EQ(is_plugged(&a), 0);
	EXPECT_ERRNO(destroy(fd, a.out_id), ENOENT);
	EXPECT_ERRNO(destroy(fd, b.out_id), 0);
	EXPECT_ERRNO(destroy(fd, sim), 0);
	EXPECT_ERRNO(destroy(fd, sim), ENOENT);
	close(fd);
}

static void test_close_unplugs(void)
{
	struct iommusim_ioc_device_create dev;
	int fd = open_device();

	dev = device_of(create_sim(fd));
	create_device(fd, &dev);
	EXPECT_EQ(is_plugged(&dev), 1);
	close(fd);
	EXPECT_EQ(is_plugged(&dev), 0);
}

static void test_ids_are_private(void)
{
	struct iommusim_ioc_device_create dev;
	int mine = open_device(), other = open_device();
	unsigned int sim = create_sim(mine);

	dev = device_of(sim);
	EXPECT_ERRNO(ioctl(other, IOMMUSIM_IOC_DEVICE_CREATE, &dev), ENOENT);
	EXPECT_ERRNO(destroy(other, sim), ENOENT);
	close(other);
	close(mine);
}

static void test_command_sizes(void)
{
	struct { struct iommusim_ioc_create cmd; uint64_t more; } longer = {};
	const unsigned int first_size = offsetof(struct iommusim_ioc_create, features);
	struct iommusim_ioc_create cmd = { .size = first_size - 4 };
	int fd = open_device();

	EXPECT_ERRNO(ioctl(fd, IOMMUSIM_IOC_CREATE, &cmd), EINVAL);
	/* As a program says it that was built before there were features. */
	cmd.size = first_size;
	cmd.features = ~0U;
	EXPECT_ERRNO(ioctl(fd, IOMMUSIM_IOC_CREATE, &cmd), 0);
	EXPECT_EQ(cmd.features, ~0U);
	longer.cmd.size = sizeof(longer);
	EXPECT_ERRNO(ioctl(fd, IOMMUSIM_IOC_CREATE, &longer), 0);
	longer.more = 1;
	EXPECT_ERRNO(ioctl(fd, IOMMUSIM_IOC_CREATE, &longer), E2BIG);
	EXPECT_ERRNO(ioctl(fd, IOMMUSIM_IOC_CREATE, NULL), EFAULT);
	EXPECT_ERRNO(ioctl(fd, _IO(IOMMUSIM_IOC_TYPE, 0x40), &cmd), ENOTTY);
	EXPECT_ERRNO(ioctl(fd, _IO(IOMMUSIM_IOC_TYPE + 1, 0), &cmd), ENOTTY);
	close(fd);
}

static void test_bad_instances(void)
{
	const struct iommusim_ioc_create bad[] = {
		{ .flags = 1 },
		{ .aperture_bits = 29 },
		{ .aperture_bits = 58 },
		{ .aperture_bits = 256 + 48 },
		{ .pgsize_bitmap = 1 << 11 | 1 << 12 },
		/* None makes up a page of the kernel. */
		{ .pgsize_bitmap = 1 << 13 },
		{ .pgsize_bitmap = 1 << 21 },
		{ .pgsize_bitmap = 1 << 21, .quirks = IOMMUSIM_LATE_GEOMETRY },
		{ .pgsize_bitmap = 1 << 30, .quirks = IOMMUSIM_NO_IDENTITY },
		{ .quirks = 1U << 31 },
		{ .quirks = IOMMUSIM_OVERLAP_KEEP | IOMMUSIM_OVERLAP_REPLACE },
		{ .max_pasids = (1 << 20) + 1 },
		{ .features = 1U << 31 },
		{ .__reserved = 1 },
	};
	int fd = open_device();
	unsigned int i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct iommusim_ioc_create cmd = bad[i];

		cmd.size = sizeof(cmd);
		EXPECT_ERRNO(ioctl(fd, IOMMUSIM_IOC_CREATE, &cmd), EINVAL);
	}
	close(fd);
}

static void test_bad_devices(void)
{
	struct iommusim_ioc_region region = { .first = 1, .last = 0 };
	struct iommusim_ioc_device_create cmd;
	int fd = open_device();
	unsigned int sim = create_sim(fd);

	cmd = device_of(sim);
	cmd.flags = 1 << 8;
	EXPECT_ERRNO(ioctl(fd, IOMMUSIM_IOC_DEVICE_CREATE, &cmd), EINVAL);
	cmd.flags = IOMMUSIM_DEVICE_MANAGED_DMA | IOMMUSIM_DEVICE_ORDINARY_DRIVER;
	EXPECT_ERRNO(ioctl(fd, IOMMUSIM_IOC_DEVICE_CREATE, &cmd), EINVAL);
	cmd.flags = IOMMUSIM_DEVICE_EDGE;
	EXPECT_ERRNO(ioctl(fd, IOMMUSIM_IOC_DEVICE_CREATE, &cmd), EINVAL);
	cmd.flags = 0;
	cmd.nr_regions = 1;
	EXPECT_ERRNO(ioctl(fd, IOMMUSIM_IOC_DEVICE_CREATE, &cmd), EFAULT);
	cmd.regions = (uintptr_t)&region;
	EXPECT_ERRNO(ioctl(fd, IOMMUSIM_IOC_DEVICE_CREATE, &cmd), EINVAL);
	region.last = 2;
	region.type = IOMMUSIM_RESV_SW_MSI + 1;
	EXPECT_ERRNO(ioctl(fd, IOMMUSIM_IOC_DEVICE_CREATE, &cmd), EINVAL);
	cmd.nr_regions = IOMMUSIM_MAX_REGIONS + 1;
	EXPECT_ERRNO(ioctl(fd, IOMMUSIM_IOC_DEVICE_CREATE, &cmd), EINVAL);
	cmd = device_of(sim + 1);
	EXPECT_ERRNO(ioctl(fd, IOMMUSIM_IOC_DEVICE_CREATE, &cmd), ENOENT);
	close(fd);
}

/* Regions for which the core does something page by page. */
static void test_region_limits(void)
{
	const uint64_t max = IOMMUSIM_MAX_MAPPED_REGIONS;
	const struct {
		struct iommusim_ioc_region regions[2];
		unsigned int quirks;
		int error;
	} cases[] = {
		{ { { 0, max - 1, IOMMUSIM_RESV_DIRECT, 3 } }, 0, 0 },
		{ { { 0, max, IOMMUSIM_RESV_DIRECT, 3 } }, 0, EINVAL },
		{ { { 0, max, IOMMUSIM_RESV_DIRECT_RELAXABLE, 3 } }, 0, EINVAL },
		{ { { 0, max, IOMMUSIM_RESV_MSI, 3 } }, 0, EINVAL },
		{ { { 0, max, IOMMUSIM_RESV_RESERVED, 0 } }, 0, 0 },
		{ { { 0, UINT64_MAX - 1, IOMMUSIM_RESV_DIRECT, 3 } }, 0, EINVAL },
		{ { { 0, max / 2, IOMMUSIM_RESV_DIRECT, 3 },
		    { max, max + max / 2 - 1, IOMMUSIM_RESV_DIRECT, 3 } }, 0, EINVAL },
		{ { { FAR_AWAY, FAR_AWAY + PAGE - 1, IOMMUSIM_RESV_DIRECT, 3 } }, 0, 0 },
		{ { { 4 * FAR_AWAY - PAGE, 4 * FAR_AWAY, IOMMUSIM_RESV_DIRECT, 3 } }, 0, EINVAL },
		{ { { 4 * FAR_AWAY, 4 * FAR_AWAY + PAGE - 1, IOMMUSIM_RESV_DIRECT, 3 } },
		  IOMMUSIM_LATE_GEOMETRY, EINVAL },
		{ { { 2 * FAR_AWAY, 2 * FAR_AWAY + PAGE - 1, IOMMUSIM_RESV_DIRECT, 3 } },
		  IOMMUSIM_SIGN_EXTEND, EINVAL },
	};
	int fd = open_device();
	unsigned int i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct iommusim_ioc_create sim = { .size = sizeof(sim) };
		struct iommusim_ioc_device_create dev;

		sim.quirks = cases[i].quirks;
		EXPECT_ERRNO(ioctl(fd, IOMMUSIM_IOC_CREATE, &sim), 0);
		dev = device_of(sim.out_id);
		dev.regions = (uintptr_t)cases[i].regions;
		dev.nr_regions = 1 + !!cases[i].regions[1].last;
		EXPECT_ERRNO(ioctl(fd, IOMMUSIM_IOC_DEVICE_CREATE, &dev), cases[i].error);
		if (!cases[i].error)
			EXPECT_ERRNO(destroy(fd, dev.out_id), 0);
		EXPECT_ERRNO(destroy(fd, sim.out_id), 0);
	}
	close(fd);
}

static void test_bad_commands(void)
{
	struct iommusim_ioc_fail_attach attach = { .size = sizeof(attach), .error = EIO };
	struct iommusim_ioc_fail_tables tables = { .size = sizeof(tables) };
	struct iommusim_ioc_stats stats = { .size = sizeof(stats) };
	struct iommusim_ioc_device_create dev;
	struct iommusim_ioc_dma dma;
	int fd = open_device();
	unsigned int sim = create_sim(fd);

	dev = device_of(sim);
	create_device(fd, &dev);

	attach.device_id = sim;
	EXPECT_ERRNO(ioctl(fd, IOMMUSIM_IOC_FAIL_ATTACH, &attach), ENOENT);
	attach.device_id = dev.out_id;
	EXPECT_ERRNO(ioctl(fd, IOMMUSIM_IOC_FAIL_ATTACH, &attach), 0);
	attach.error = 0;
	EXPECT_ERRNO(ioctl(fd, IOMMUSIM_IOC_FAIL_ATTACH, &attach), EINVAL);
	tables.sim_id = dev.out_id;
	EXPECT_ERRNO(ioctl(fd, IOMMUSIM_IOC_FAIL_TABLES, &tables), ENOENT);
	tables.sim_id = sim;
	tables.flags = IOMMUSIM_FAIL_UNMAPS;
	EXPECT_ERRNO(ioctl(fd, IOMMUSIM_IOC_FAIL_TABLES, &tables), 0);
	tables.flags = 2;
	EXPECT_ERRNO(ioctl(fd, IOMMUSIM_IOC_FAIL_TABLES, &tables), EINVAL);
	stats.sim_id = dev.out_id;
	EXPECT_ERRNO(ioctl(fd, IOMMUSIM_IOC_STATS, &stats), ENOENT);
	stats.sim_id = sim;
	stats.__reserved = 1;
	EXPECT_ERRNO(ioctl(fd, IOMMUSIM_IOC_STATS, &stats), EINVAL);

	dma = dma_of(sim, FAR_AWAY, &dma, 1);
	EXPECT_ERRNO(ioctl(fd, IOMMUSIM_IOC_DMA, &dma), ENOENT);
	dma = dma_of(dev.out_id, UINT64_MAX, &dma, 2);
	EXPECT_ERRNO(ioctl(fd, IOMMUSIM_IOC_DMA, &dma), EINVAL);
	dma = dma_of(dev.out_id, FAR_AWAY, NULL, 1);
	dma.flags = IOMMUSIM_DMA_WRITE;
	EXPECT_ERRNO(ioctl(fd, IOMMUSIM_IOC_DMA, &dma), EFAULT);
	dma.flags = 1 << 2;
	EXPECT_ERRNO(ioctl(fd, IOMMUSIM_IOC_DMA, &dma), EINVAL);
	close(fd);
}

static void test_faults(void)
{
	struct iommusim_ioc_device_create dev;
	struct iommusim_ioc_dma dma;
	int fd = open_device();
	char byte = 0;

	dev = device_of(create_sim(fd));
	dev.dma_mask = 2 * FAR_AWAY - 1;
	create_device(fd, &dev);

	dma = dma_of(dev.out_id, FAR_AWAY, &byte, 1);
	EXPECT_ERRNO(ioctl(fd, IOMMUSIM_IOC_DMA, &dma), 0);
	EXPECT_EQ(dma.out_reason, is_identity(&dev) ? IOMMUSIM_FAULT_PHYS :
						      IOMMUSIM_FAULT_NOT_PRESENT);
	EXPECT_EQ(dma.out_address, FAR_AWAY);
	EXPECT_EQ(dma.out_length, 0);

	dma.pasid = 3;
	EXPECT_ERRNO(ioctl(fd, IOMMUSIM_IOC_DMA, &dma), 0);
	EXPECT_EQ(dma.out_reason, IOMMUSIM_FAULT_PASID);

	dma = dma_of(dev.out_id, 2 * FAR_AWAY, &byte, 1);
	EXPECT_ERRNO(ioctl(fd, IOMMUSIM_IOC_DMA, &dma), 0);
	EXPECT_EQ(dma.out_reason, IOMMUSIM_FAULT_ADDRESS_SIZE);

	dma = dma_of(dev.out_id, MSI_WINDOW, &byte, 1);
	dma.flags = IOMMUSIM_DMA_WRITE;
	EXPECT_ERRNO(ioctl(fd, IOMMUSIM_IOC_DMA, &dma), 0);
	EXPECT_EQ(dma.out_reason, IOMMUSIM_FAULT_PHYS);
	close(fd);
}

/* A device for which @page is mapped 1:1, with the given permissions. */
static struct iommusim_ioc_device_create create_direct(int fd, unsigned int sim, uint64_t phys,
						       unsigned int prot)
{
	struct iommusim_ioc_region region = {
		.first = phys,
		.last = phys + PAGE - 1,
		.type = IOMMUSIM_RESV_DIRECT,
		.prot = prot,
	};
	struct iommusim_ioc_device_create dev = device_of(sim);

	dev.regions = (uintptr_t)&region;
	dev.nr_regions = 1;
	create_device(fd, &dev);
	return dev;
}

static void test_data(void)
{
	char *page = locked_page(), out[100], in[100];
	uint64_t phys = physical_address(page);
	struct iommusim_ioc_device_create dev;
	struct iommusim_ioc_dma dma;
	int fd = open_device();

	if (!phys) {
		skip_reason = "the kernel does not tell physical addresses";
		close(fd);
		return;
	}
	dev = create_direct(fd, create_sim(fd), phys, 3);
	memset(out, 0xc3, sizeof(out));
	dma = dma_of(dev.out_id, phys + 1000, out, sizeof(out));
	dma.flags = IOMMUSIM_DMA_WRITE;
	EXPECT_ERRNO(ioctl(fd, IOMMUSIM_IOC_DMA, &dma), 0);
	EXPECT_EQ(dma.out_reason, IOMMUSIM_OK);
	EXPECT_EQ(dma.out_length, sizeof(out));
	EXPECT_EQ(memcmp(page + 1000, out, sizeof(out)), 0);
	EXPECT_EQ(page[999], 0);
	EXPECT_EQ(page[1000 + sizeof(out)], 0);

	memset(page + 2000, 0x3c, sizeof(in));
	dma = dma_of(dev.out_id, phys + 2000, in, sizeof(in));
	EXPECT_ERRNO(ioctl(fd, IOMMUSIM_IOC_DMA, &dma), 0);
	EXPECT_EQ(memcmp(in, page + 2000, sizeof(in)), 0);
	EXPECT_EQ(physical_address(page), phys);
	close(fd);
	munmap(page, PAGE);
}

static void test_permission_and_end(void)
{
	static char data[2 * PAGE];
	char *page = locked_page();
	uint64_t phys = physical_address(page);
	struct iommusim_ioc_device_create dev;
	struct iommusim_ioc_dma dma;
	int fd = open_device();
	unsigned int sim = create_sim(fd);

	dev = create_direct(fd, sim, phys, 1);
	if (!phys || is_identity(&dev)) {
		skip_reason = "the default domain does not translate, or addresses are hidden";
		close(fd);
		return;
	}
	EXPECT_EQ(stats_of(fd, sim).out_leaf_4k, 1);
	dma = dma_of(dev.out_id, phys, data, 1);
	dma.flags = IOMMUSIM_DMA_WRITE;
	EXPECT_ERRNO(ioctl(fd, IOMMUSIM_IOC_DMA, &dma), 0);
	EXPECT_EQ(dma.out_reason, IOMMUSIM_FAULT_PERMISSION);

	page[PAGE - 1] = 9;
	dma = dma_of(dev.out_id, phys + 10, data, sizeof(data));
	EXPECT_ERRNO(ioctl(fd, IOMMUSIM_IOC_DMA, &dma), 0);
	EXPECT_EQ(dma.out_reason, IOMMUSIM_FAULT_NOT_PRESENT);
	EXPECT_EQ(dma.out_address, phys + PAGE);
	EXPECT_EQ(dma.out_length, PAGE - 10);
	EXPECT_EQ(data[PAGE - 11], 9);
	EXPECT_EQ(stats_of(fd, sim).out_iotlb_hits, 1);
	EXPECT_EQ(stats_of(fd, sim).out_stale_hits, 0);
	close(fd);
	munmap(page, PAGE);
}

/* Reason of a DMA of one byte. */
static int try_byte(int fd, unsigned int device, uint64_t address, char *byte, int flags)
{
	struct iommusim_ioc_dma dma = dma_of(device, address, byte, 1);

	dma.flags = flags;
	EXPECT_ERRNO(ioctl(fd, IOMMUSIM_IOC_DMA, &dma), 0);
	return dma.out_reason;
}

/* The kernel takes the page out of its direct map, so it has no way to reach it. */
static void test_secret_memory(void)
{
	int secret = syscall(SYS_memfd_secret, 0), fd = open_device();
	struct iommusim_ioc_device_create dev;
	char *page = MAP_FAILED, byte = 7;
	uint64_t phys;

	if (secret < 0) {
		skip_reason = "the kernel has no secret memory";
		close(fd);
		return;
	}
	if (!ftruncate(secret, PAGE))
		page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, secret, 0);
	if (page == MAP_FAILED) {
		EXPECT_ERRNO(-1, 0);
		goto out;
	}
	memset(page, 0x5e, PAGE);
	phys = physical_address(page);
	if (!phys) {
		skip_reason = "the kernel does not tell physical addresses";
		goto out;
	}
	dev = create_direct(fd, create_sim(fd), phys, 3);
	EXPECT_EQ(try_byte(fd, dev.out_id, phys, &byte, 0), IOMMUSIM_FAULT_PHYS);
	EXPECT_EQ(byte, 7);
	EXPECT_EQ(try_byte(fd, dev.out_id, phys, &byte, IOMMUSIM_DMA_WRITE), IOMMUSIM_FAULT_PHYS);
	EXPECT_EQ(page[0], 0x5e);
out:
	if (page != MAP_FAILED)
		munmap(page, PAGE);
	close(secret);
	close(fd);
}

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	int ret = fd < 0 ? -1 : write(fd, text, strlen(text));

	if (fd >= 0)
		close(fd);
	return ret < 0 ? -1 : 0;
}

/*
 * Lets the @nth operation of this thread fail that can; 0 ends that and tells if one did. What is
 * done here can fail as well, in place of what was to be tried.
 */
static int fail_nth(int fd, unsigned int nth)
{
	char text[16] = "";
	int reached;

	reached = pread(fd, text, sizeof(text) - 1, 0) > 0 && atoi(text) == 0;
	snprintf(text, sizeof(text), "%u", nth);
	if (pwrite(fd, text, strlen(text), 0) < 0)
		EXPECT_EQ(pwrite(fd, text, strlen(text), 0), strlen(text));
	return reached;
}

static int can_fail_allocations(void)
{
	static const char * const off[] = {
		"/sys/kernel/debug/failslab/ignore-gfp-wait",
		"/sys/kernel/debug/failslab/verbose",
		"/sys/kernel/debug/fail_page_alloc/ignore-gfp-wait",
		"/sys/kernel/debug/fail_page_alloc/verbose",
	};
	unsigned int i;

	mount("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL);
	for (i = 0; i < sizeof(off) / sizeof(off[0]); i++) {
		if (write_file(off[i], "0"))
			return 0;
	}
	return !access("/proc/thread-self/fail-nth", W_OK);
}

/* Makes one device while the @nth operation that can fail does; false when there are fewer. */
static int create_failing(int nth_fd, unsigned int nth)
{
	struct iommusim_ioc_region region = {
		.first = FAR_AWAY,
		.last = FAR_AWAY + PAGE - 1,
		.type = IOMMUSIM_RESV_DIRECT,
		.prot = 1,
	};
	struct iommusim_ioc_device_create dev;
	int fd = open_device(), ret, reached;

	dev = device_of(create_sim(fd));
	dev.regions = (uintptr_t)&region;
	dev.nr_regions = 1;
	fail_nth(nth_fd, nth);
	ret = ioctl(fd, IOMMUSIM_IOC_DEVICE_CREATE, &dev);
	reached = fail_nth(nth_fd, 0);
	/* A device that is there has all of its regions. */
	if (!ret && !is_identity(&dev))
		EXPECT_EQ(stats_of(fd, dev.sim_id).out_leaf_4k, 1);
	if (ret)
		EXPECT_EQ(reached, 1);
	close(fd);
	return reached;
}

static void test_missing_memory(void)
{
	unsigned int nth = 1;
	int fd;

	if (!can_fail_allocations()) {
		skip_reason = "the kernel does not let allocations fail";
		return;
	}
	fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	while (create_failing(fd, nth) && nth < 10000)
		nth++;
	printf("# %u operations can fail\n", nth - 1);
	EXPECT_EQ(nth > 1 && nth < 10000, 1);
	close(fd);
}

static void test_groups(void)
{
	char groups[3][256];
	struct iommusim_ioc_device_create dev;
	int fd = open_device();
	unsigned int sim = create_sim(fd), i;

	for (i = 0; i < 3; i++) {
		dev = device_of(sim);
		dev.group = i < 2 ? 5 : 0;
		create_device(fd, &dev);
		read_group(&dev, groups[i], sizeof(groups[i]));
	}
	EXPECT_EQ(groups[0][0] != '\0', 1);
	EXPECT_EQ(strcmp(groups[0], groups[1]), 0);
	EXPECT_EQ(strcmp(groups[0], groups[2]) != 0, 1);
	close(fd);
}

static void test_drivers(void)
{
	struct iommusim_ioc_device_create managed, ordinary;
	char path[128];
	struct stat st;
	int fd = open_device();
	unsigned int sim = create_sim(fd);

	managed = device_of(sim);
	managed.flags = IOMMUSIM_DEVICE_MANAGED_DMA;
	create_device(fd, &managed);
	sysfs_path(path, sizeof(path), &managed, "driver");
	EXPECT_ERRNO(stat(path, &st), 0);
	ordinary = device_of(sim);
	ordinary.flags = IOMMUSIM_DEVICE_ORDINARY_DRIVER;
	create_device(fd, &ordinary);
	sysfs_path(path, sizeof(path), &ordinary, "driver");
	EXPECT_ERRNO(stat(path, &st), 0);
	close(fd);
}

static void test_external(void)
{
	struct iommusim_ioc_device_create dev;
	char path[128], removable[16] = "";
	int fd = open_device(), file;

	dev = device_of(create_sim(fd));
	dev.flags = IOMMUSIM_DEVICE_EXTERNAL | IOMMUSIM_DEVICE_NO_PASIDS;
	create_device(fd, &dev);
	sysfs_path(path, sizeof(path), &dev, "removable");
	file = open(path, O_RDONLY);
	EXPECT_EQ(file >= 0 && read(file, removable, sizeof(removable) - 1) > 0, 1);
	EXPECT_EQ(strcmp(removable, "removable\n"), 0);
	close(file);
	close(fd);
}

/* Without a driver nobody hears of an interrupt; platform_test.c has one that does. */
static void test_interrupt(void)
{
	struct iommusim_ioc_device_create dev, plain;
	struct iommusim_ioc_interrupt cmd = { .size = sizeof(cmd), .level = 1 };
	int fd = open_device();
	unsigned int sim = create_sim(fd);

	dev = device_of(sim);
	dev.flags = IOMMUSIM_DEVICE_RESOURCES;
	create_device(fd, &dev);
	plain = device_of(sim);
	create_device(fd, &plain);
	cmd.device_id = plain.out_id;
	EXPECT_ERRNO(ioctl(fd, IOMMUSIM_IOC_INTERRUPT, &cmd), ENXIO);
	cmd.device_id = sim;
	EXPECT_ERRNO(ioctl(fd, IOMMUSIM_IOC_INTERRUPT, &cmd), ENOENT);
	cmd.device_id = dev.out_id;
	EXPECT_ERRNO(ioctl(fd, IOMMUSIM_IOC_INTERRUPT, &cmd), 0);
	cmd.level = 0;
	EXPECT_ERRNO(ioctl(fd, IOMMUSIM_IOC_INTERRUPT, &cmd), 0);
	cmd.level = 2;
	EXPECT_ERRNO(ioctl(fd, IOMMUSIM_IOC_INTERRUPT, &cmd), EINVAL);
	cmd.level = 0;
	cmd.flags = 1;
	EXPECT_ERRNO(ioctl(fd, IOMMUSIM_IOC_INTERRUPT, &cmd), EINVAL);
	close(fd);
}

/* A device that this process is bound to, with memory that is not there before it is touched. */
struct bound {
	int fd;
	unsigned int sim;
	unsigned int device;
	unsigned int bond;
	unsigned int pasid;
	char *memory;		/* two pages to read and write, and one only to read */
};

static int bind_process(int fd, unsigned int device, unsigned int *bond, unsigned int *pasid)
{
	struct iommusim_ioc_sva_bind cmd = { .size = sizeof(cmd), .device_id = device };
	int ret = ioctl(fd, IOMMUSIM_IOC_SVA_BIND, &cmd);

	*bond = cmd.out_id;
	*pasid = cmd.out_pasid;
	return ret;
}

/* False to skip: this kernel cannot. */
static int setup_bound(struct bound *b)
{
	struct iommusim_ioc_create create = {
		.size = sizeof(create),
		.max_pasids = 1 << 16,
		.features = IOMMUSIM_PAGE_REQUESTS | IOMMUSIM_SVA,
	};
	struct iommusim_ioc_device_create dev;

	b->fd = open_device();
	if (ioctl(b->fd, IOMMUSIM_IOC_CREATE, &create) < 0) {
		EXPECT_EQ(errno, EOPNOTSUPP);
		skip_reason = "the kernel has no SVA or no page requests";
		close(b->fd);
		return 0;
	}
	b->sim = create.out_id;
	dev = device_of(b->sim);
	b->device = create_device(b->fd, &dev);
	if (bind_process(b->fd, b->device, &b->bond, &b->pasid) < 0) {
		EXPECT_EQ(errno, EOPNOTSUPP);
		skip_reason = "the kernel refuses to bind a process";
		close(b->fd);
		return 0;
	}
	b->memory = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			 0);
	EXPECT_EQ(b->memory != MAP_FAILED, 1);
	EXPECT_ERRNO(mprotect(b->memory + 2 * PAGE, PAGE, PROT_READ), 0);
	return 1;
}

static void teardown_bound(struct bound *b)
{
	close(b->fd);
	munmap(b->memory, 3 * PAGE);
}

/* Reason of a DMA that asks for pages. */
static int dma_asking(const struct bound *b, unsigned int pasid, const char *address, void *data,
		      size_t len, int write)
{
	struct iommusim_ioc_dma dma = dma_of(b->device, (uintptr_t)address, data, len);

	dma.pasid = pasid;
	dma.flags = IOMMUSIM_DMA_PAGE_REQUESTS | (write ? IOMMUSIM_DMA_WRITE : 0);
	EXPECT_ERRNO(ioctl(b->fd, IOMMUSIM_IOC_DMA, &dma), 0);
	EXPECT_EQ(dma.out_length, dma.out_reason ? 0 : len);
	return dma.out_reason;
}

static void test_bound_process(void)
{
	char out[100], in[100];
	struct iommusim_ioc_dma dma;
	struct bound b;

	if (!setup_bound(&b))
		return;
	memset(out, 0xc3, sizeof(out));
	/* Across the border of two pages that nobody has touched yet. */
	EXPECT_EQ(dma_asking(&b, b.pasid, b.memory + PAGE - 50, out, sizeof(out), 1),
		  IOMMUSIM_OK);
	EXPECT_EQ(memcmp(b.memory + PAGE - 50, out, sizeof(out)), 0);
	EXPECT_EQ(stats_of(b.fd, b.sim).out_page_requests, 2);
	EXPECT_EQ(stats_of(b.fd, b.sim).out_unanswered, 0);

	memset(b.memory + 10, 0x3c, sizeof(in));
	EXPECT_EQ(dma_asking(&b, b.pasid, b.memory + 10, in, sizeof(in), 0), IOMMUSIM_OK);
	EXPECT_EQ(memcmp(in, b.memory + 10, sizeof(in)), 0);
	EXPECT_EQ(stats_of(b.fd, b.sim).out_page_requests, 2);

	EXPECT_EQ(dma_asking(&b, b.pasid, b.memory + 2 * PAGE, in, 1, 0), IOMMUSIM_OK);
	EXPECT_EQ(in[0], 0);
	EXPECT_EQ(dma_asking(&b, b.pasid, b.memory + 2 * PAGE, in, 1, 1),
		  IOMMUSIM_FAULT_PAGE_REQUEST);
	EXPECT_ERRNO(munmap(b.memory + 2 * PAGE, PAGE), 0);
	EXPECT_EQ(dma_asking(&b, b.pasid, b.memory + 2 * PAGE, in, 1, 0),
		  IOMMUSIM_FAULT_PAGE_REQUEST);

	dma = dma_of(b.device, (uintptr_t)b.memory, in, 1);
	dma.pasid = b.pasid;
	EXPECT_ERRNO(ioctl(b.fd, IOMMUSIM_IOC_DMA, &dma), EWOULDBLOCK);

	EXPECT_ERRNO(destroy(b.fd, b.device), EBUSY);
	EXPECT_ERRNO(destroy(b.fd, b.bond), 0);
	EXPECT_ERRNO(destroy(b.fd, b.bond), ENOENT);
	EXPECT_EQ(dma_asking(&b, b.pasid, b.memory, in, 1, 0), IOMMUSIM_FAULT_PASID);
	EXPECT_ERRNO(destroy(b.fd, b.device), 0);
	teardown_bound(&b);
}

/*
 * The two devices of a group have one binding to a process, which the kernel knows by the first of
 * them: that one must not go before both gave it up.
 */
static void test_bound_group(void)
{
	unsigned int bonds[2], devices[2], pasid, i;
	struct iommusim_ioc_device_create dev;
	struct bound b;

	if (!setup_bound(&b))
		return;
	for (i = 0; i < 2; i++) {
		dev = device_of(b.sim);
		dev.group = 7;
		dev.flags = i ? IOMMUSIM_DEVICE_ORDINARY_DRIVER : 0;
		devices[i] = create_device(b.fd, &dev);
	}
	for (i = 0; i < 2; i++)
		EXPECT_ERRNO(bind_process(b.fd, devices[i], &bonds[i], &pasid), 0);
	EXPECT_ERRNO(destroy(b.fd, bonds[0]), 0);
	EXPECT_ERRNO(destroy(b.fd, devices[0]), EBUSY);
	EXPECT_ERRNO(destroy(b.fd, bonds[1]), 0);

	/* Nor may the other one, which the core would take for the one that is bound. */
	EXPECT_ERRNO(bind_process(b.fd, devices[0], &bonds[0], &pasid), 0);
	EXPECT_ERRNO(destroy(b.fd, devices[1]), EBUSY);
	EXPECT_ERRNO(destroy(b.fd, bonds[0]), 0);
	EXPECT_ERRNO(destroy(b.fd, devices[0]), 0);
	EXPECT_ERRNO(destroy(b.fd, devices[1]), 0);
	teardown_bound(&b);
}

/* A file that is mapped is read; only shared memory is written. */
static void test_bound_files(void)
{
	int file, shared = memfd_create("iommusim", MFD_CLOEXEC);
	char dir[] = "/tmp/iommusim.XXXXXX", byte = 0;
	char *mapped[3] = { MAP_FAILED, MAP_FAILED, MAP_FAILED };
	struct bound b;

	if (!setup_bound(&b)) {
		close(shared);
		return;
	}
	EXPECT_EQ(mkdtemp(dir) && !mount("ramfs", dir, "ramfs", 0, NULL), 1);
	file = open(dir, O_TMPFILE | O_RDWR, 0600);
	EXPECT_ERRNO(ftruncate(file, PAGE), 0);
	EXPECT_ERRNO(ftruncate(shared, PAGE), 0);
	mapped[0] = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	mapped[1] = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
	mapped[2] = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, shared, 0);
	EXPECT_EQ(mapped[0] != MAP_FAILED && mapped[1] != MAP_FAILED && mapped[2] != MAP_FAILED, 1);
	if (test_failures)
		goto out;
	memset(mapped[0], 0x21, PAGE);
	EXPECT_EQ(dma_asking(&b, b.pasid, mapped[0], &byte, 1, 0), IOMMUSIM_OK);
	EXPECT_EQ(byte, 0x21);
	byte = 0x22;
	EXPECT_EQ(dma_asking(&b, b.pasid, mapped[0], &byte, 1, 1), IOMMUSIM_FAULT_PERMISSION);
	EXPECT_EQ(mapped[0][0], 0x21);
	EXPECT_EQ(dma_asking(&b, b.pasid, mapped[1], &byte, 1, 1), IOMMUSIM_OK);
	EXPECT_EQ(mapped[1][0], 0x22);
	EXPECT_EQ(mapped[0][0], 0x21);
	EXPECT_EQ(dma_asking(&b, b.pasid, mapped[2], &byte, 1, 1), IOMMUSIM_OK);
	EXPECT_EQ(mapped[2][0], 0x22);
out:
	munmap(mapped[0], PAGE);
	munmap(mapped[1], PAGE);
	munmap(mapped[2], PAGE);
	close(file);
	close(shared);
	umount(dir);
	rmdir(dir);
	teardown_bound(&b);
}

/* What the child does: touch memory, bind, tell the PASID and end, by itself or by a signal. */
static void be_bound(const struct bound *b, int to_parent, int from_parent)
{
	unsigned int bond, pasid;
	char byte;

	memset(b->memory, 0x44, PAGE);
	if (bind_process(b->fd, b->device, &bond, &pasid) < 0)
		pasid = 0;
	if (write(to_parent, &pasid, sizeof(pasid)) != sizeof(pasid))
		_exit(1);
	if (read(from_parent, &byte, 1) < 0)
		_exit(1);
	_exit(0);
}

static void end_bound_child(struct bound *b, int signal)
{
	int up[2], down[2], status;
	unsigned int pasid = 0;
	char byte = 0;
	pid_t child;

	EXPECT_ERRNO(pipe(up), 0);
	EXPECT_ERRNO(pipe(down), 0);
	child = fork();
	if (!child) {
		close(down[1]);
		be_bound(b, up[1], down[0]);
	}
	EXPECT_EQ(child > 0, 1);
	EXPECT_EQ(read(up[0], &pasid, sizeof(pasid)), sizeof(pasid));
	EXPECT_EQ(pasid != 0 && pasid != b->pasid, 1);
	/* The memory of the child is at the same place, and is another's. */
	EXPECT_EQ(dma_asking(b, pasid, b->memory, &byte, 1, 0), IOMMUSIM_OK);
	EXPECT_EQ(byte, 0x44);
	EXPECT_EQ(b->memory[0], 0);

	if (signal)
		EXPECT_ERRNO(kill(child, signal), 0);
	close(down[1]);
	EXPECT_EQ(waitpid(child, &status, 0), child);
	EXPECT_EQ(dma_asking(b, pasid, b->memory, &byte, 1, 0), IOMMUSIM_FAULT_PAGE_REQUEST);
	EXPECT_EQ(dma_asking(b, b->pasid, b->memory, &byte, 1, 0), IOMMUSIM_OK);
	close(down[0]);
	close(up[0]);
	close(up[1]);
}

static void test_bound_process_ends(void)
{
	struct bound b;

	if (!setup_bound(&b))
		return;
	end_bound_child(&b, 0);
	end_bound_child(&b, SIGKILL);
	teardown_bound(&b);
}

/* What was shared by fork() is read where it is, and written to a copy. */
static void test_bound_process_forks(void)
{
	unsigned char byte = 0x66;
	int down[2], status = -1;
	struct bound b;
	pid_t child;

	if (!setup_bound(&b))
		return;
	EXPECT_ERRNO(pipe(down), 0);
	b.memory[0] = 0x55;
	b.memory[PAGE] = 0x55;
	child = fork();
	if (!child) {
		close(down[1]);
		_exit(read(down[0], &byte, 1) || b.memory[0] != 0x55);
	}
	EXPECT_EQ(child > 0, 1);
	EXPECT_EQ(dma_asking(&b, b.pasid, b.memory, &byte, 1, 1), IOMMUSIM_OK);
	EXPECT_EQ(b.memory[0], 0x66);
	EXPECT_EQ(dma_asking(&b, b.pasid, b.memory + PAGE, &byte, 1, 0), IOMMUSIM_OK);
	EXPECT_EQ(byte, 0x55);
	EXPECT_EQ(stats_of(b.fd, b.sim).out_page_requests, 1);
	close(down[1]);
	EXPECT_EQ(waitpid(child, &status, 0), child);
	EXPECT_EQ(status, 0);
	close(down[0]);
	teardown_bound(&b);
}

static void test_page_requests(void)
{
	struct iommusim_ioc_page_request cmd = { .size = sizeof(cmd) };
	uint64_t addresses[IOMMUSIM_MAX_PAGE_REQUESTS + 1];
	unsigned char present[3];
	struct bound b;

	if (!setup_bound(&b))
		return;
	addresses[0] = (uintptr_t)b.memory + PAGE;
	addresses[1] = (uintptr_t)b.memory;
	addresses[2] = 0;
	cmd.device_id = b.device;
	cmd.pasid = b.pasid;
	cmd.addresses = (uintptr_t)addresses;
	cmd.count = 2;
	cmd.flags = IOMMUSIM_DMA_WRITE;
	cmd.out_response = IOMMUSIM_PAGE_FAILURE;
	EXPECT_ERRNO(ioctl(b.fd, IOMMUSIM_IOC_PAGE_REQUEST, &cmd), 0);
	EXPECT_EQ(cmd.out_response, IOMMUSIM_PAGE_SUCCESS);
	EXPECT_EQ(stats_of(b.fd, b.sim).out_page_requests, 1);
	EXPECT_ERRNO(mincore(b.memory, 3 * PAGE, present), 0);
	EXPECT_EQ(present[0] & 1, 1);
	EXPECT_EQ(present[1] & 1, 1);
	EXPECT_EQ(present[2] & 1, 0);

	/* One page that cannot be had is enough. */
	cmd.count = 3;
	EXPECT_ERRNO(ioctl(b.fd, IOMMUSIM_IOC_PAGE_REQUEST, &cmd), 0);
	EXPECT_EQ(cmd.out_response, IOMMUSIM_PAGE_INVALID);
	addresses[0] = (uintptr_t)b.memory + 2 * PAGE;
	cmd.count = 1;
	EXPECT_ERRNO(ioctl(b.fd, IOMMUSIM_IOC_PAGE_REQUEST, &cmd), 0);
	EXPECT_EQ(cmd.out_response, IOMMUSIM_PAGE_INVALID);
	cmd.flags = 0;
	EXPECT_ERRNO(ioctl(b.fd, IOMMUSIM_IOC_PAGE_REQUEST, &cmd), 0);
	EXPECT_EQ(cmd.out_response, IOMMUSIM_PAGE_SUCCESS);

	cmd.pasid = IOMMUSIM_NO_PASID;
	EXPECT_ERRNO(ioctl(b.fd, IOMMUSIM_IOC_PAGE_REQUEST, &cmd), EOPNOTSUPP);
	cmd.pasid = b.pasid;
	cmd.device_id = b.sim;
	EXPECT_ERRNO(ioctl(b.fd, IOMMUSIM_IOC_PAGE_REQUEST, &cmd), ENOENT);
	cmd.device_id = b.device;
	cmd.count = 0;
	EXPECT_ERRNO(ioctl(b.fd, IOMMUSIM_IOC_PAGE_REQUEST, &cmd), EINVAL);
	cmd.count = IOMMUSIM_MAX_PAGE_REQUESTS + 1;
	EXPECT_ERRNO(ioctl(b.fd, IOMMUSIM_IOC_PAGE_REQUEST, &cmd), EINVAL);
	cmd.count = 1;
	cmd.flags = IOMMUSIM_DMA_PAGE_REQUESTS;
	EXPECT_ERRNO(ioctl(b.fd, IOMMUSIM_IOC_PAGE_REQUEST, &cmd), EINVAL);
	cmd.flags = 0;
	cmd.addresses = 0;
	EXPECT_ERRNO(ioctl(b.fd, IOMMUSIM_IOC_PAGE_REQUEST, &cmd), EFAULT);
	teardown_bound(&b);
}

static void test_bad_bindings(void)
{
	struct iommusim_ioc_sva_bind cmd = { .size = sizeof(cmd) };
	struct iommusim_ioc_device_create dev;
	int fd = open_device();

	/* Without the feature. */
	dev = device_of(create_sim(fd));
	cmd.device_id = create_device(fd, &dev);
	EXPECT_ERRNO(ioctl(fd, IOMMUSIM_IOC_SVA_BIND, &cmd), EOPNOTSUPP);
	cmd.flags = 1;
	EXPECT_ERRNO(ioctl(fd, IOMMUSIM_IOC_SVA_BIND, &cmd), EINVAL);
	cmd.flags = 0;
	cmd.__reserved = 1;
	EXPECT_ERRNO(ioctl(fd, IOMMUSIM_IOC_SVA_BIND, &cmd), EINVAL);
	cmd.__reserved = 0;
	cmd.device_id = dev.sim_id;
	EXPECT_ERRNO(ioctl(fd, IOMMUSIM_IOC_SVA_BIND, &cmd), ENOENT);
	close(fd);
}

static void test_needs_privilege(void)
{
	int status = -1;
	pid_t child = fork();

	if (!child) {
		if (chmod(DEVICE, 0666) || setuid(65534))
			_exit(2);
		_exit(open_device() < 0 && errno == EPERM ? 0 : 1);
	}
	EXPECT_EQ(waitpid(child, &status, 0), child);
	EXPECT_EQ(status, 0);
	EXPECT_ERRNO(chmod(DEVICE, 0600), 0);
}

static int drop_capability(unsigned int capability)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data))
		return -1;
	data[capability / 32].effective &= ~(1U << capability % 32);
	return syscall(SYS_capset, &header, data);
}

static void test_needs_both_capabilities(void)
{
	static const unsigned int needed[] = { CAP_SYS_ADMIN, CAP_SYS_RAWIO };
	unsigned int i;

	for (i = 0; i < 2; i++) {
		int status = -1;
		pid_t child = fork();

		if (!child) {
			if (drop_capability(needed[i]))
				_exit(2);
			_exit(open_device() < 0 && errno == EPERM ? 0 : 1);
		}
		EXPECT_EQ(waitpid(child, &status, 0), child);
		EXPECT_EQ(status, 0);
	}
}

/* For the rest of this boot. */
static void test_lockdown(void)
{
	static const char path[] = "/sys/kernel/security/lockdown";

	if (access(path, F_OK))
		mount("securityfs", "/sys/kernel/security", "securityfs", 0, NULL);
	if (access(path, F_OK)) {
		skip_reason = "the kernel has no lockdown";
		return;
	}
	EXPECT_ERRNO(write_file(path, "integrity"), 0);
	EXPECT_ERRNO(open_device(), EPERM);
	EXPECT_ERRNO(write_file(path, "confidentiality"), 0);
	EXPECT_ERRNO(open_device(), EPERM);
}

struct test {
	const char *name;
	void (*run)(void);
};

static const struct test tests[] = {
	{ "life", test_life },
	{ "close_unplugs", test_close_unplugs },
	{ "ids_are_private", test_ids_are_private },
	{ "command_sizes", test_command_sizes },
	{ "bad_instances", test_bad_instances },
	{ "bad_devices", test_bad_devices },
	{ "region_limits", test_region_limits },
	{ "bad_commands", test_bad_commands },
	{ "faults", test_faults },
	{ "data", test_data },
	{ "permission_and_end", test_permission_and_end },
	{ "secret_memory", test_secret_memory },
	{ "missing_memory", test_missing_memory },
	{ "groups", test_groups },
	{ "drivers", test_drivers },
	{ "external", test_external },
	{ "interrupt", test_interrupt },
	{ "bound_process", test_bound_process },
	{ "bound_group", test_bound_group },
	{ "bound_files", test_bound_files },
	{ "bound_process_ends", test_bound_process_ends },
	{ "bound_process_forks", test_bound_process_forks },
	{ "page_requests", test_page_requests },
	{ "bad_bindings", test_bad_bindings },
	{ "needs_privilege", test_needs_privilege },
	{ "needs_both_capabilities", test_needs_both_capabilities },
};

static const struct test lockdown_tests[] = {
	{ "lockdown", test_lockdown },
};

/*
 * --lockdown runs what locks the kernel down, and nothing else; with --no-skip a test that was
 * skipped is one that failed.
 */
int main(int argc, char **argv)
{
	unsigned int i, count = sizeof(tests) / sizeof(tests[0]);
	unsigned int failed = 0, skipped = 0, no_skip = 0;
	const struct test *run = tests;
	int fd;

	for (i = 1; i < (unsigned int)argc; i++) {
		if (!strcmp(argv[i], "--no-skip")) {
			no_skip = 1;
		} else if (!strcmp(argv[i], "--lockdown")) {
			run = lockdown_tests;
			count = 1;
		} else {
			fprintf(stderr, "usage: %s [--no-skip] [--lockdown]\n", argv[0]);
			return 2;
		}
	}
	fd = open_device();

	printf("TAP version 13\n");
	if (fd < 0) {
		printf("1..0 # SKIP cannot open " DEVICE ": %s\n", strerror(errno));
		return EXIT_SKIP;
	}
	close(fd);
	printf("1..%u\n", count);
	for (i = 0; i < count; i++) {
		test_failures = 0;
		skip_reason = NULL;
		run[i].run();
		test_failures += no_skip && skip_reason;
		printf("%sok %u iommusim.%s%s%s\n", test_failures ? "not " : "", i + 1,
		       run[i].name, skip_reason ? " # SKIP " : "", skip_reason ?: "");
		failed += !!test_failures;
		skipped += !test_failures && skip_reason;
		fflush(stdout);
	}
	printf("# Totals: pass:%u fail:%u xfail:0 xpass:0 skip:%u error:0\n",
	       count - failed - skipped, failed, skipped);
	return failed ? 1 : 0;
}
