// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of /dev/iommusim. Data moves to and from a page of this process: its physical address,
 * declared as a region that is mapped 1:1, is one that a simulated device can reach whether its
 * default domain is a translating or the identity domain.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

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
	struct iommusim_ioc_create cmd = { .size = sizeof(cmd) - 4 };
	int fd = open_device();

	EXPECT_ERRNO(ioctl(fd, IOMMUSIM_IOC_CREATE, &cmd), EINVAL);
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
		{ .pgsize_bitmap = 1 << 13 },
		{ .quirks = 1U << 31 },
		{ .quirks = IOMMUSIM_OVERLAP_KEEP | IOMMUSIM_OVERLAP_REPLACE },
		{ .max_pasids = (1 << 20) + 1 },
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
	cmd.flags = 1 << 3;
	EXPECT_ERRNO(ioctl(fd, IOMMUSIM_IOC_DEVICE_CREATE, &cmd), EINVAL);
	cmd.flags = IOMMUSIM_DEVICE_MANAGED_DMA | IOMMUSIM_DEVICE_ORDINARY_DRIVER;
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
	dma.flags = 1 << 1;
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

static const struct {
	const char *name;
	void (*run)(void);
} tests[] = {
	{ "life", test_life },
	{ "close_unplugs", test_close_unplugs },
	{ "ids_are_private", test_ids_are_private },
	{ "command_sizes", test_command_sizes },
	{ "bad_instances", test_bad_instances },
	{ "bad_devices", test_bad_devices },
	{ "bad_commands", test_bad_commands },
	{ "faults", test_faults },
	{ "data", test_data },
	{ "permission_and_end", test_permission_and_end },
	{ "groups", test_groups },
	{ "drivers", test_drivers },
	{ "needs_privilege", test_needs_privilege },
};

int main(void)
{
	unsigned int i, count = sizeof(tests) / sizeof(tests[0]);
	unsigned int failed = 0, skipped = 0;
	int fd = open_device();

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
		tests[i].run();
		printf("%sok %u iommusim.%s%s%s\n", test_failures ? "not " : "", i + 1,
		       tests[i].name, skip_reason ? " # SKIP " : "", skip_reason ?: "");
		failed += !!test_failures;
		skipped += !test_failures && skip_reason;
		fflush(stdout);
	}
	printf("# Totals: pass:%u fail:%u xfail:0 xpass:0 skip:%u error:0\n",
	       count - failed - skipped, failed, skipped);
	return failed ? 1 : 0;
}
