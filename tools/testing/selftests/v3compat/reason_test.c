// SPDX-License-Identifier: GPL-2.0
/*
 * Reasons of /dev/v3compat that only an IOMMU, a device or another driver brings about.
 */
#define _GNU_SOURCE
#include <dirent.h>

#include "process.h"
#include "refusal.h"

#include "../kselftest_harness.h"

#define AT	0x40000000ULL
#define RW	(V3COMPAT_READ | V3COMPAT_WRITE)

/* Statuses, as Windows numbers them. */
#define STATUS_UNSUCCESSFUL		0xc0000001
#define STATUS_INVALID_PARAMETER	0xc000000d
#define STATUS_ACCESS_DENIED		0xc0000022
#define STATUS_INSUFFICIENT_RESOURCES	0xc000009a
#define STATUS_NOT_SUPPORTED		0xc00000bb

FIXTURE(reason) {
	struct sim sim;
	int fd;
	int device;
	int domain;
	char *memory;
	struct v3compat_guard_state guard;	/* what they were, and are again */
	unsigned long long mirror_limit;
	struct state before;
	struct v3compat_result result;
};

FIXTURE_SETUP(reason)
{
	ASSERT_EQ(0, open_sim(&self->sim, &(struct sim_config) {}));
	self->fd = open_v3compat();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, CALL(self->fd, GUARD_QUERY, &self->guard));
	self->guard.flags = V3COMPAT_GUARD_SET_POLICY | V3COMPAT_GUARD_SET_LOCKED;
	self->mirror_limit = parameter_of("mirror_limit");
	ASSERT_NE(~0ULL, self->mirror_limit);
	self->device = create_device(self->fd, self->sim.name, 0, NULL);
	ASSERT_LT(0, self->device);
	self->domain = create_domain(self->fd, V3COMPAT_DOMAIN_TRANSLATE, 0, NULL);
	ASSERT_LT(0, self->domain);
	self->memory = new_memory(4 * PAGE);
	ASSERT_NE(NULL, self->memory);
}

FIXTURE_TEARDOWN(reason)
{
	EXPECT_EQ(0, CALL(self->fd, GUARD_SET, &self->guard));
	EXPECT_EQ(0, set_parameter("mirror_limit", self->mirror_limit));
	close(self->fd);
	EXPECT_EQ(0, pinned_kib());
	close_sim(&self->sim);
}

static void begin(struct _test_data_reason *self)
{
	self->before = state_of(self->fd);
	memset(&self->result, 0, sizeof(self->result));
}

static int map_here(struct _test_data_reason *self, unsigned long long address)
{
	return map_at(self->fd, self->domain, user_memory(self->memory, PAGE), address,
		      V3COMPAT_MAP_FIXED, RW, &self->result);
}

static int fail_tables(struct sim *sim, unsigned int flags, unsigned int times)
{
	struct iommusim_ioc_fail_tables fail = {
		.size = sizeof(fail), .flags = flags, .sim_id = sim->iommu, .times = times,
	};

	return ioctl(sim->fd, IOMMUSIM_IOC_FAIL_TABLES, &fail) ? -errno : 0;
}

static int fail_attach(struct sim *sim, unsigned int error)
{
	struct iommusim_ioc_fail_attach fail = {
		.size = sizeof(fail), .device_id = sim->device, .times = 1, .error = error,
	};

	return ioctl(sim->fd, IOMMUSIM_IOC_FAIL_ATTACH, &fail) ? -errno : 0;
}

TEST_F(reason, no_memory_for_tables)
{
	ASSERT_EQ(0, attach(self->fd, self->domain, self->device, NULL));
	ASSERT_EQ(0, map_here(self, AT));
	ASSERT_EQ(0, fail_tables(&self->sim, 0, ~0u));
	begin(self);
	EXPECT_TRUE(is_refusal(map_here(self, 1ULL << 40), &self->result, REASON(NO_MEMORY),
			       PARAM(NONE)));
	EXPECT_EQ(STATUS_INSUFFICIENT_RESOURCES, self->result.out_status);
	EXPECT_TRUE(is_unchanged(self->fd, &self->before));
	EXPECT_TRUE(is_refused(&self->sim, 1ULL << 40));
	ASSERT_EQ(0, fail_tables(&self->sim, 0, 0));
	ASSERT_EQ(0, map_here(self, 1ULL << 40));
	EXPECT_TRUE(device_writes(&self->sim, 1ULL << 40, self->memory));
}

TEST_F(reason, driver_that_does_not_attach)
{
	ASSERT_EQ(0, fail_attach(&self->sim, EIO));
	begin(self);
	EXPECT_TRUE(is_refusal(attach(self->fd, self->domain, self->device, &self->result),
			       &self->result, REASON(HARDWARE), PARAM(DEVICE)));
	EXPECT_EQ(STATUS_INVALID_PARAMETER, self->result.out_status);
	EXPECT_TRUE(is_unchanged(self->fd, &self->before));
	EXPECT_EQ(0, attach(self->fd, self->domain, self->device, NULL));
}

/* What the driver kept stays pinned until the file is closed, because devices may reach it. */
TEST_F(reason, driver_that_does_not_unmap)
{
	ASSERT_EQ(0, attach(self->fd, self->domain, self->device, NULL));
	ASSERT_EQ(0, map_here(self, AT));
	ASSERT_EQ(0, fail_tables(&self->sim, IOMMUSIM_FAIL_UNMAPS, ~0u));
	begin(self);
	EXPECT_TRUE(is_refusal(unmap(self->fd, self->domain, AT, PAGE, &self->result),
			       &self->result, REASON(SHORT_UNMAP), PARAM(ADDRESS)));
	EXPECT_EQ(STATUS_UNSUCCESSFUL, self->result.out_status);
	EXPECT_EQ(4, pinned_kib());
	ASSERT_EQ(0, fail_tables(&self->sim, IOMMUSIM_FAIL_UNMAPS, 0));
	EXPECT_TRUE(is_refusal(map_here(self, AT), &self->result, REASON(OVERLAP),
			       PARAM(ADDRESS)));
}

/* find_device_without_iommu() finds one on the platform bus that no driver has. */
static bool find_device_without_iommu(char *name, size_t size)
{
	DIR *dir = opendir("/sys/bus/platform/devices");
	struct dirent *entry;
	char path[PATH_MAX];
	bool found = false;

	while (dir && !found && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.' || strlen(entry->d_name) >= size)
			continue;
		snprintf(path, sizeof(path), "/sys/bus/platform/devices/%s/iommu_group",
			 entry->d_name);
		if (!access(path, F_OK))
			continue;
		snprintf(path, sizeof(path), "/sys/bus/platform/devices/%s/driver", entry->d_name);
		found = access(path, F_OK) && !bind_device(entry->d_name, "v3compat-platform") &&
			!access(path, F_OK);
		if (found)
			snprintf(name, size, "%s", entry->d_name);
		else
			bind_device(entry->d_name, "\n");
	}
	if (dir)
		closedir(dir);
	return found;
}

TEST_F(reason, device_without_an_iommu)
{
	char name[60];

	ASSERT_TRUE(find_device_without_iommu(name, sizeof(name)));
	begin(self);
	EXPECT_TRUE(is_refusal(create_device(self->fd, name, 0, &self->result), &self->result,
			       REASON(NO_IOMMU), PARAM(DEVICE)));
	EXPECT_TRUE(is_unchanged(self->fd, &self->before));
	EXPECT_EQ(0, unbind_device(name));
	EXPECT_EQ(0, bind_device(name, "\n"));
}

TEST_F(reason, device_whose_neighbour_has_an_ordinary_driver)
{
	struct iommusim_ioc_device_create ordinary = {
		.size = sizeof(ordinary), .sim_id = self->sim.iommu, .group = 7,
		.flags = IOMMUSIM_DEVICE_ORDINARY_DRIVER,
	};
	struct iommusim_ioc_destroy unplug = { .size = sizeof(unplug) };
	char name[IOMMUSIM_NAME_SIZE];

	ASSERT_LT(0, add_device(&self->sim, 7, 0, NULL, 0, name));
	ASSERT_EQ(0, ioctl(self->sim.fd, IOMMUSIM_IOC_DEVICE_CREATE, &ordinary));
	begin(self);
	EXPECT_TRUE(is_refusal(create_device(self->fd, name, 0, &self->result), &self->result,
			       REASON(GROUP_CLAIMED), PARAM(DEVICE)));
	EXPECT_TRUE(is_unchanged(self->fd, &self->before));
	unplug.id = ordinary.out_id;
	ASSERT_EQ(0, ioctl(self->sim.fd, IOMMUSIM_IOC_DESTROY, &unplug));
	EXPECT_LT(0, create_device(self->fd, name, 0, NULL));
}

/* The kernel does not block the DMA of a device that firmware wants mapped. */
TEST_F(reason, device_that_cannot_be_blocked)
{
	struct iommusim_ioc_region region = {
		.first = 0x500000, .last = 0x500fff, .type = IOMMUSIM_RESV_DIRECT, .prot = 3,
	};
	char name[IOMMUSIM_NAME_SIZE];

	ASSERT_LT(0, add_device(&self->sim, 0, 0, &region, 1, name));
	begin(self);
	EXPECT_TRUE(is_refusal(create_device(self->fd, name, 0, &self->result), &self->result,
			       REASON(GROUP_BUSY), PARAM(DEVICE)));
	EXPECT_EQ(STATUS_ACCESS_DENIED, self->result.out_status);
	EXPECT_TRUE(is_unchanged(self->fd, &self->before));
}

TEST_F(reason, device_that_passes_caches_by)
{
	struct v3compat_device_query query = {};
	char name[IOMMUSIM_NAME_SIZE];

	ASSERT_LT(0, add_device(&self->sim, 0, IOMMUSIM_DEVICE_NOT_COHERENT, NULL, 0, name));
	query.name = name_of("platform", name);
	ASSERT_EQ(0, CALL(self->fd, DEVICE_QUERY, &query));
	EXPECT_EQ(REASON(NOT_COHERENT), query.out_blocker_reason);
	begin(self);
	EXPECT_TRUE(is_refusal(create_device(self->fd, name, 0, &self->result), &self->result,
			       REASON(NOT_COHERENT), PARAM(DEVICE)));
	EXPECT_TRUE(is_unchanged(self->fd, &self->before));
}

/* 8 KiB of addresses are not many. */
TEST_F(reason, addresses_of_the_allocator_run_out)
{
	int domain = create_domain(self->fd, V3COMPAT_DOMAIN_TRANSLATE, 13, NULL), ret = 0;
	unsigned int i;

	ASSERT_LT(0, domain);
	for (i = 0; !ret && i < 3; i++) {
		begin(self);
		ret = map_at(self->fd, domain, user_memory(self->memory, PAGE), 0, 0, RW,
			     &self->result);
	}
	EXPECT_TRUE(is_refusal(ret, &self->result, REASON(NO_SPACE), PARAM(ADDRESS)));
	EXPECT_EQ(STATUS_INSUFFICIENT_RESOURCES, self->result.out_status);
	EXPECT_TRUE(is_unchanged(self->fd, &self->before));
}

static int guard_all(int fd, bool on)
{
	struct v3compat_guard_state state = {
		.flags = V3COMPAT_GUARD_SET_POLICY | V3COMPAT_GUARD_SET_LOCKED,
		.policy = on ? V3COMPAT_GUARD_POLICY_ALL : V3COMPAT_GUARD_POLICY_OFF, .locked = on,
	};

	return CALL(fd, GUARD_SET, &state);
}

TEST_F(reason, types_that_the_guard_keeps_back)
{
	int passes = create_domain(self->fd, V3COMPAT_DOMAIN_PASSTHROUGH, 0, NULL);

	ASSERT_LT(0, passes);
	ASSERT_EQ(0, guard_all(self->fd, true));
	begin(self);
	EXPECT_TRUE(is_refusal(attach(self->fd, passes, self->device, &self->result),
			       &self->result, REASON(NOT_AVAILABLE), PARAM(DEVICE)));
	EXPECT_EQ(STATUS_ACCESS_DENIED, self->result.out_status);
	EXPECT_TRUE(is_refusal(create_domain(self->fd, V3COMPAT_DOMAIN_PASSTHROUGH, 0,
					     &self->result),
			       &self->result, REASON(NOT_AVAILABLE), PARAM(TYPE)));
	EXPECT_EQ(STATUS_NOT_SUPPORTED, self->result.out_status);
	EXPECT_TRUE(is_unchanged(self->fd, &self->before));
	ASSERT_EQ(0, guard_all(self->fd, false));
	EXPECT_EQ(0, attach(self->fd, passes, self->device, NULL));
}

TEST_F(reason, region_of_a_device_where_something_is_mapped)
{
	struct iommusim_ioc_region region = {
		.first = 0x500000, .last = 0x500fff, .type = IOMMUSIM_RESV_RESERVED,
	};
	char name[IOMMUSIM_NAME_SIZE];
	int second;

	ASSERT_EQ(0, attach(self->fd, self->domain, self->device, NULL));
	ASSERT_EQ(0, map_here(self, region.first));
	ASSERT_LT(0, add_device(&self->sim, 0, 0, &region, 1, name));
	second = create_device(self->fd, name, 0, NULL);
	ASSERT_LT(0, second);
	begin(self);
	EXPECT_TRUE(is_refusal(attach(self->fd, self->domain, second, &self->result),
			       &self->result, REASON(REGION_CONFLICT), PARAM(DEVICE)));
	EXPECT_EQ(STATUS_INVALID_PARAMETER, self->result.out_status);
	EXPECT_TRUE(is_unchanged(self->fd, &self->before));
	ASSERT_EQ(0, unmap(self->fd, self->domain, region.first, PAGE, NULL));
	EXPECT_EQ(0, attach(self->fd, self->domain, second, NULL));
}

/* A domain has a page table for each kind of IOMMU, and eight at most. */
TEST_F(reason, kinds_of_iommus_beyond_the_page_tables_of_a_domain)
{
	const struct sim_config own = { .quirks = IOMMUSIM_OWN_DOMAINS };
	struct sim sims[9] = {};
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < ARRAY_SIZE(sims); i++) {
		int device;

		ASSERT_EQ(0, open_sim(&sims[i], &own));
		device = create_device(self->fd, sims[i].name, 0, NULL);
		ASSERT_LT(0, device);
		begin(self);
		ret = attach(self->fd, self->domain, device, &self->result);
	}
	EXPECT_TRUE(is_refusal(ret, &self->result, REASON(TOO_MANY_TABLES), PARAM(NONE)));
	EXPECT_EQ(STATUS_INSUFFICIENT_RESOURCES, self->result.out_status);
	EXPECT_TRUE(is_unchanged(self->fd, &self->before));
	/* Those that are attached find what is mapped for all of them. */
	ASSERT_EQ(0, map_here(self, AT));
	EXPECT_TRUE(device_writes(&sims[0], AT, self->memory));
	close(self->fd);
	while (i)
		close_sim(&sims[--i]);
	self->fd = open_v3compat();
}

/* Each entry of a table is the next one, so that four of them describe 2^36 pages. */
TEST_F(reason, tables_that_say_more_than_can_be_mirrored)
{
	int domain = create_domain(self->fd, V3COMPAT_DOMAIN_UNMANAGED, 0, NULL);
	struct v3compat_domain_configure configure = {
		.domain = domain, .format = V3COMPAT_TABLES_X64, .width = 48,
	};
	unsigned long long *table = (void *)self->memory;
	unsigned int i;

	ASSERT_LT(0, domain);
	ASSERT_EQ(0, attach(self->fd, domain, self->device, NULL));
	configure.memory = create_memory(self->fd, table, 4 * PAGE, 0, NULL);
	for (i = 0; i < 4 * 512; i++)
		table[i] = (i / 512 + 1) % 4 * PAGE | 7;	/* present and writable */
	ASSERT_EQ(0, set_parameter("mirror_limit", 1));
	begin(self);
	EXPECT_TRUE(is_refusal(CALL(self->fd, DOMAIN_CONFIGURE, &configure), &configure.result,
			       REASON(TABLES_TOO_LARGE), PARAM(NONE)));
	EXPECT_EQ(STATUS_INSUFFICIENT_RESOURCES, configure.result.out_status);
	EXPECT_TRUE(is_unchanged(self->fd, &self->before));
	EXPECT_TRUE(is_refused(&self->sim, 0));
	EXPECT_EQ(0, set_parameter("mirror_limit", self->mirror_limit));
	for (i = 0; i < 4; i++)
		memset(table + i * 512 + 1, 0, PAGE - sizeof(*table));
	EXPECT_EQ(0, CALL(self->fd, DOMAIN_CONFIGURE, &configure));
	EXPECT_FALSE(is_refused(&self->sim, 0));
}

TEST_HARNESS_MAIN
