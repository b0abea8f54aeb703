// SPDX-License-Identifier: GPL-2.0
/*
 * What /dev/v3compat refuses to everybody where the kernel is locked down: what shows a device all
 * of memory, or memory by its physical address.
 *
 * The kernel is locked down for the rest of the boot, before the first test, and everything that is
 * simulated is made before that, because iommusim is refused afterwards.
 */
#define _GNU_SOURCE
#include "process.h"
#include "refusal.h"

#include "../kselftest_harness.h"

#define AT	0x40000000ULL
#define RW	(V3COMPAT_READ | V3COMPAT_WRITE)

static struct {
	struct sim sim;
	char second[IOMMUSIM_NAME_SIZE];
	int fd;
	int device;
	int pasid;
	int domain;
	int passes;
	int identity;
	int reservation;
	int error;
	const char *skip;
} world;

static int configure_identity(int domain, struct v3compat_result *result)
{
	struct v3compat_domain_configure configure = {
		.domain = domain, .format = V3COMPAT_TABLES_IDENTITY,
	};
	int ret = CALL(world.fd, DOMAIN_CONFIGURE, &configure);

	if (result)
		*result = configure.result;
	return ret;
}

static int make_world(void)
{
	const struct sim_config config = { .max_pasids = 64 };
	struct v3compat_reserve reserve = {
		.length = 4 * PAGE, .address = 2 * AT, .flags = V3COMPAT_MAP_FIXED,
	};
	struct v3compat_pasid_create pasid = {};

	if (open_sim(&world.sim, &config) ||
	    add_device(&world.sim, 0, 0, NULL, 0, world.second) < 0)
		return 1;
	world.fd = open_v3compat();
	world.device = create_device(world.fd, world.sim.name, V3COMPAT_DEVICE_TAGGED, NULL);
	world.domain = create_domain(world.fd, V3COMPAT_DOMAIN_TRANSLATE, 0, NULL);
	world.passes = create_domain(world.fd, V3COMPAT_DOMAIN_PASSTHROUGH, 0, NULL);
	world.identity = create_domain(world.fd, V3COMPAT_DOMAIN_UNMANAGED, 0, NULL);
	reserve.domain = world.domain;
	pasid.device = world.device;
	if (world.device < 0 || world.domain < 0 || world.passes < 0 || world.identity < 0 ||
	    configure_identity(world.identity, NULL) || CALL(world.fd, RESERVE, &reserve) ||
	    CALL(world.fd, PASID_CREATE, &pasid))
		return 2;
	world.reservation = reserve.out_reservation;
	world.pasid = pasid.out_pasid;
	/* All of it works before. */
	if (attach(world.fd, world.passes, world.device, NULL) ||
	    detach(world.fd, world.device, NULL))
		return 3;
	return 0;
}

static void __attribute__((constructor)) lock_down(void)
{
	static const char path[] = "/sys/kernel/security/lockdown";

	if (access(path, F_OK))
		mount("securityfs", "/sys/kernel/security", "securityfs", 0, NULL);
	if (access(path, F_OK)) {
		world.skip = "the kernel has no lockdown";
		return;
	}
	world.error = make_world();
	if (!world.error && write_file(path, "integrity"))
		world.error = 4;
}

FIXTURE(lockdown) {
	struct v3compat_result result;
	struct state before;
	char *memory;
};

FIXTURE_SETUP(lockdown)
{
	if (world.skip)
		SKIP(return, "%s", world.skip);
	ASSERT_EQ(0, world.error);
	self->memory = new_memory(PAGE);
	ASSERT_NE(NULL, self->memory);
	self->before = state_of(world.fd);
}

/* The file is that of all tests. */
FIXTURE_TEARDOWN(lockdown)
{
	EXPECT_TRUE(is_unchanged(world.fd, &self->before));
}

#define EXPECT_LOCKED(ret, result_) \
	EXPECT_TRUE(is_refusal(ret, result_, REASON(LOCKED_DOWN), PARAM(NONE)))

TEST_F(lockdown, refuses_to_pass_through)
{
	EXPECT_LOCKED(attach(world.fd, world.passes, world.device, &self->result), &self->result);
	EXPECT_EQ(world.device, self->result.out_object);
	EXPECT_LOCKED(attach(world.fd, world.passes, world.pasid, &self->result), &self->result);
	EXPECT_EQ(world.pasid, self->result.out_object);
	EXPECT_TRUE(is_refused(&world.sim, 1 << 20));
}

TEST_F(lockdown, refuses_tables_of_identity)
{
	int unmanaged = create_domain(world.fd, V3COMPAT_DOMAIN_UNMANAGED, 0, NULL);

	EXPECT_LOCKED(attach(world.fd, world.identity, world.device, &self->result),
		      &self->result);
	ASSERT_LT(0, unmanaged);
	ASSERT_EQ(0, attach(world.fd, unmanaged, world.device, NULL));
	EXPECT_LOCKED(configure_identity(unmanaged, &self->result), &self->result);
	EXPECT_TRUE(is_refused(&world.sim, 1 << 20));
	EXPECT_EQ(0, detach(world.fd, world.device, NULL));
	EXPECT_EQ(0, destroy(world.fd, unmanaged, NULL));
}

TEST_F(lockdown, refuses_physical_memory)
{
	struct v3compat_source source = {
		.type = V3COMPAT_SOURCE_PHYSICAL, .start = 1 << 20, .length = PAGE,
	};

	EXPECT_LOCKED(map_at(world.fd, world.domain, source, AT, V3COMPAT_MAP_FIXED, RW,
			     &self->result), &self->result);
	EXPECT_LOCKED(map_at(world.fd, world.reservation, source, 0, 0, V3COMPAT_READ,
			     &self->result), &self->result);
}

TEST_F(lockdown, refuses_identity_ranges)
{
	struct v3compat_identity identity = {
		.domain = world.domain, .permissions = RW,
		.source = {
			.type = V3COMPAT_SOURCE_PHYSICAL, .start = 1 << 20, .length = PAGE,
		},
	};

	EXPECT_LOCKED(CALL(world.fd, MAP_IDENTITY, &identity), &identity.result);
	identity.permissions = 0;
	EXPECT_LOCKED(CALL(world.fd, UNMAP_IDENTITY, &identity), &identity.result);
}

TEST_F(lockdown, refuses_regions_that_are_mapped)
{
	struct v3compat_region region = {
		.base = 1 << 20, .length = PAGE, .flags = V3COMPAT_REGION_MAP,
	};
	struct v3compat_domain_create create = {
		.address_width = 40, .regions = (uintptr_t)&region, .nr_regions = 1,
	};

	EXPECT_LOCKED(CALL(world.fd, DOMAIN_CREATE, &create), &create.result);
}

/* Who lacks the right is told so first. */
TEST_F(lockdown, is_not_the_reason_without_the_right)
{
	struct v3compat_source source = {
		.type = V3COMPAT_SOURCE_PHYSICAL, .start = 1 << 20, .length = PAGE,
	};

	ASSERT_EQ(0, drop_capability(CAP_SYS_RAWIO));
	EXPECT_TRUE(is_refusal(map_at(world.fd, world.domain, source, AT, V3COMPAT_MAP_FIXED, RW,
				      &self->result),
			       &self->result, REASON(PRIVILEGE), PARAM(NONE)));
	EXPECT_TRUE(is_refusal(attach(world.fd, world.passes, world.device, &self->result),
			       &self->result, REASON(PRIVILEGE), PARAM(NONE)));
}

TEST_F(lockdown, leaves_the_rest)
{
	struct v3compat_guard_state set = { .flags = V3COMPAT_GUARD_SET_LOCKED };
	int fd = open_v3compat(), device;

	ASSERT_LE(0, fd);
	device = create_device(fd, world.second, 0, NULL);
	EXPECT_LT(0, device);
	EXPECT_EQ(0, destroy(fd, device, NULL));
	EXPECT_EQ(0, CALL(fd, GUARD_SET, &set));
	close(fd);
	ASSERT_EQ(0, attach(world.fd, world.domain, world.device, NULL));
	ASSERT_EQ(0, map_fixed(world.fd, world.domain, self->memory, PAGE, AT));
	EXPECT_TRUE(device_writes(&world.sim, AT, self->memory));
	EXPECT_EQ(0, unmap(world.fd, world.domain, AT, PAGE, NULL));
	EXPECT_EQ(0, detach(world.fd, world.device, NULL));
}

TEST_HARNESS_MAIN
