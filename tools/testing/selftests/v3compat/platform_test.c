// SPDX-License-Identifier: GPL-2.0
/*
 * Memory and interrupts of platform devices, which iommusim simulates.
 */
#define _GNU_SOURCE
#include "device.h"

#include "../kselftest_harness.h"

/* Memory of a device is in the first region; half a page, which nobody can map, in the second. */
#define REGIONS		2

FIXTURE(resources) {
	struct sim sim;
	char name[IOMMUSIM_NAME_SIZE];
	int id;
	int fd;
	int device;
	int platform;	/* descriptor of the device */
	int event;
	struct v3compat_region_query memory;
	struct v3compat_result result;
};

FIXTURE_VARIANT(resources) {
	unsigned int flags;
};

FIXTURE_VARIANT_ADD(resources, level) { .flags = IOMMUSIM_DEVICE_RESOURCES };

FIXTURE_VARIANT_ADD(resources, edge) {
	.flags = IOMMUSIM_DEVICE_RESOURCES | IOMMUSIM_DEVICE_EDGE,
};

FIXTURE_SETUP(resources)
{
	struct sim_config config = {};
	int ret = open_sim(&self->sim, &config);

	if (ret == -ENOENT)
		SKIP(return, "iommusim is not loaded");
	ASSERT_EQ(0, ret);
	ASSERT_EQ(0, write_file(UNSAFE, "Y"));
	self->id = add_device(&self->sim, 0, variant->flags, NULL, 0, self->name);
	ASSERT_LT(0, self->id);
	self->fd = open_v3compat();
	ASSERT_LE(0, self->fd);
	self->device = create_device(self->fd, self->name, 0, NULL);
	ASSERT_LT(0, self->device);
	self->platform = open_fd(self->fd, self->device);
	ASSERT_LE(0, self->platform);
	ASSERT_EQ(0, CALL(self->platform, REGION_QUERY, &self->memory));
	self->event = eventfd(0, EFD_CLOEXEC);
	ASSERT_LE(0, self->event);
}

FIXTURE_TEARDOWN(resources)
{
	close(self->event);
	close(self->platform);
	close(self->fd);
	close_sim(&self->sim);
}

static char *map_memory(int fd, const struct v3compat_region_query *memory)
{
	void *at = mmap(NULL, memory->out_length, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			memory->out_offset);

	return at == MAP_FAILED ? NULL : at;
}

/* pulse() is an interrupt that is edge-triggered, or was served at once. */
static int pulse(struct sim *sim, int id)
{
	int ret = set_line(sim, id, true);

	return ret ? ret : set_line(sim, id, false);
}

static int wired(int fd, int event, struct v3compat_result *result)
{
	return set_irqs(fd, V3COMPAT_INTERRUPT_WIRED, event, result);
}

TEST_F(resources, regions_are_told)
{
	struct v3compat_region_query arg = {};

	EXPECT_EQ(REGIONS, self->memory.out_regions);
	EXPECT_EQ(PAGE, self->memory.out_length);
	EXPECT_EQ(V3COMPAT_REGION_MMAP, self->memory.out_flags);
	EXPECT_EQ(0U, self->memory.out_hole_length);
	arg.index = 1;
	ASSERT_EQ(0, CALL(self->platform, REGION_QUERY, &arg));
	EXPECT_EQ(PAGE / 2, arg.out_length);
	EXPECT_EQ(0U, arg.out_flags);
	EXPECT_EQ(0U, arg.out_offset);
	arg.index = REGIONS;
	ASSERT_EQ(0, CALL(self->platform, REGION_QUERY, &arg));
	EXPECT_EQ(0U, arg.out_length);
	EXPECT_EQ(0U, arg.out_flags);
}

TEST_F(resources, memory_is_mapped)
{
	char *memory = map_memory(self->platform, &self->memory), *again;
	int other;

	ASSERT_NE(NULL, memory);
	EXPECT_STREQ(self->name, memory);
	memory[100] = 77;
	other = open_fd(self->fd, self->device);
	ASSERT_LE(0, other);
	again = map_memory(other, &self->memory);
	ASSERT_NE(NULL, again);
	EXPECT_EQ(77, again[100]);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_READ, MAP_SHARED, self->platform, 1ULL << 40));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, self->platform, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, 2 * PAGE, PROT_READ, MAP_SHARED, self->platform, 0));
	EXPECT_EQ(EINVAL, errno);
}

TEST_F(resources, memory_raises_bus_errors_when_the_device_is_destroyed)
{
	char *memory = map_memory(self->platform, &self->memory);

	ASSERT_NE(NULL, memory);
	EXPECT_STREQ(self->name, memory);
	ASSERT_EQ(0, destroy(self->fd, self->device, NULL));
	EXPECT_TRUE(dies_of_bus_error((uint32_t *)memory));
	EXPECT_EQ(NULL, map_memory(self->platform, &self->memory));
	EXPECT_EQ(ENODEV, errno);
}

TEST_F(resources, memory_raises_bus_errors_when_its_driver_leaves)
{
	char *memory = map_memory(self->platform, &self->memory);

	ASSERT_NE(NULL, memory);
	EXPECT_STREQ(self->name, memory);
	ASSERT_EQ(0, unbind_device(self->name));
	EXPECT_TRUE(dies_of_bus_error((uint32_t *)memory));
}

/* The memory is the kernel's again when the device is gone. */
TEST_F(resources, memory_raises_bus_errors_when_the_device_leaves)
{
	struct iommusim_ioc_destroy gone = { .size = sizeof(gone), .id = self->id };
	char *memory = map_memory(self->platform, &self->memory);

	ASSERT_NE(NULL, memory);
	EXPECT_STREQ(self->name, memory);
	ASSERT_EQ(0, wired(self->platform, self->event, NULL));
	ASSERT_EQ(0, ioctl(self->sim.fd, IOMMUSIM_IOC_DESTROY, &gone));
	EXPECT_TRUE(dies_of_bus_error((uint32_t *)memory));
	EXPECT_EQ(-ENODEV, wired(self->platform, self->event, &self->result));
	EXPECT_EQ(V3COMPAT_REASON_DEVICE_GONE, (int)self->result.out_reason);
}

TEST_F(resources, interrupts_are_counted)
{
	struct v3compat_interrupt_query arg = { .type = V3COMPAT_INTERRUPT_WIRED };
	const int two[] = { self->event, self->event };

	ASSERT_EQ(0, CALL(self->platform, INTERRUPT_QUERY, &arg));
	EXPECT_EQ(1U, arg.out_count);
	EXPECT_EQ(V3COMPAT_INTERRUPT_AUTOMASKED, arg.out_flags);
	arg.type = V3COMPAT_INTERRUPT_MSI;
	ASSERT_EQ(0, CALL(self->platform, INTERRUPT_QUERY, &arg));
	EXPECT_EQ(0U, arg.out_count);
	EXPECT_EQ(0U, arg.out_flags);
	EXPECT_EQ(-E2BIG, set_vectors(self->platform, V3COMPAT_INTERRUPT_WIRED, two, 2,
				      &self->result));
	EXPECT_EQ(V3COMPAT_REASON_TOO_MANY, (int)self->result.out_reason);
	EXPECT_EQ(-E2BIG, set_irqs(self->platform, V3COMPAT_INTERRUPT_INTX, self->event, NULL));
	EXPECT_EQ(-ENOENT, unmask(self->platform, V3COMPAT_INTERRUPT_WIRED));
}

TEST_F(resources, interrupt_is_masked_when_it_comes)
{
	ASSERT_EQ(0, wired(self->platform, self->event, NULL));
	EXPECT_FALSE(has_come(self->event, false));
	ASSERT_EQ(0, pulse(&self->sim, self->id));
	EXPECT_TRUE(has_come(self->event, false));
	/* Nobody is told until it is unmasked. */
	ASSERT_EQ(0, set_line(&self->sim, self->id, true));
	EXPECT_FALSE(has_come(self->event, false));
	ASSERT_EQ(0, unmask(self->platform, V3COMPAT_INTERRUPT_WIRED));
	EXPECT_TRUE(has_come(self->event, true));
	ASSERT_EQ(0, set_line(&self->sim, self->id, false));
	/* Unmasking twice is the same as once. */
	ASSERT_EQ(0, unmask(self->platform, V3COMPAT_INTERRUPT_WIRED));
	ASSERT_EQ(0, unmask(self->platform, V3COMPAT_INTERRUPT_WIRED));
	EXPECT_FALSE(has_come(self->event, false));
	ASSERT_EQ(0, pulse(&self->sim, self->id));
	EXPECT_TRUE(has_come(self->event, false));
	ASSERT_EQ(0, pulse(&self->sim, self->id));
	EXPECT_FALSE(has_come(self->event, false));
}

/* A line that stays up interrupts again, and one that has gone up once does not. */
TEST_F(resources, line_that_stays_up)
{
	bool level = !(variant->flags & IOMMUSIM_DEVICE_EDGE);

	ASSERT_EQ(0, wired(self->platform, self->event, NULL));
	ASSERT_EQ(0, set_line(&self->sim, self->id, true));
	EXPECT_TRUE(has_come(self->event, false));
	ASSERT_EQ(0, unmask(self->platform, V3COMPAT_INTERRUPT_WIRED));
	/* set_line() waits for what the unmasking has begun. */
	ASSERT_EQ(0, set_line(&self->sim, self->id, true));
	EXPECT_EQ(level, has_come(self->event, false));
}

/* A level that is gone before the unmasking is no interrupt any more. An edge has been one. */
TEST_F(resources, line_that_goes_down_while_it_is_masked)
{
	bool level = !(variant->flags & IOMMUSIM_DEVICE_EDGE);

	ASSERT_EQ(0, wired(self->platform, self->event, NULL));
	ASSERT_EQ(0, pulse(&self->sim, self->id));
	ASSERT_TRUE(has_come(self->event, false));
	ASSERT_EQ(0, pulse(&self->sim, self->id));
	ASSERT_EQ(0, unmask(self->platform, V3COMPAT_INTERRUPT_WIRED));
	ASSERT_EQ(0, set_line(&self->sim, self->id, false));
	EXPECT_EQ(!level, has_come(self->event, false));
}

TEST_F(resources, event_is_replaced)
{
	int other = eventfd(0, EFD_CLOEXEC);

	ASSERT_EQ(0, wired(self->platform, self->event, NULL));
	ASSERT_EQ(0, wired(self->platform, other, NULL));
	ASSERT_EQ(0, pulse(&self->sim, self->id));
	EXPECT_FALSE(has_come(self->event, false));
	EXPECT_TRUE(has_come(other, false));
	/* What is masked stays so. */
	ASSERT_EQ(0, wired(self->platform, -1, NULL));
	ASSERT_EQ(0, wired(self->platform, self->event, NULL));
	ASSERT_EQ(0, set_line(&self->sim, self->id, true));
	EXPECT_FALSE(has_come(self->event, false));
	ASSERT_EQ(0, unmask(self->platform, V3COMPAT_INTERRUPT_WIRED));
	EXPECT_TRUE(has_come(self->event, true));
	EXPECT_FALSE(has_come(other, false));
}

TEST_F(resources, interrupt_does_not_come_when_nobody_wants_it)
{
	ASSERT_EQ(0, wired(self->platform, self->event, NULL));
	ASSERT_EQ(0, pulse(&self->sim, self->id));
	EXPECT_TRUE(has_come(self->event, false));
	ASSERT_EQ(0, end_irqs(self->platform));
	ASSERT_EQ(0, pulse(&self->sim, self->id));
	EXPECT_FALSE(has_come(self->event, false));
	/* It begins unmasked, whatever it was when it ended. */
	ASSERT_EQ(0, wired(self->platform, self->event, NULL));
	ASSERT_EQ(0, set_line(&self->sim, self->id, false));
	EXPECT_FALSE(has_come(self->event, false));
	ASSERT_EQ(0, pulse(&self->sim, self->id));
	EXPECT_TRUE(has_come(self->event, false));
}

TEST_F(resources, interrupt_does_not_come_when_the_file_is_closed)
{
	ASSERT_EQ(0, wired(self->platform, self->event, NULL));
	close(self->fd);
	self->fd = open_v3compat();
	ASSERT_EQ(0, set_line(&self->sim, self->id, true));
	EXPECT_FALSE(has_come(self->event, false));
	EXPECT_EQ(-ENODEV, wired(self->platform, self->event, NULL));
	/* The next user hears of it. */
	ASSERT_EQ(0, set_line(&self->sim, self->id, false));
	self->device = create_device(self->fd, self->name, 0, NULL);
	ASSERT_LT(0, self->device);
	close(self->platform);
	self->platform = open_fd(self->fd, self->device);
	ASSERT_LE(0, self->platform);
	ASSERT_EQ(0, wired(self->platform, self->event, NULL));
	ASSERT_EQ(0, pulse(&self->sim, self->id));
	EXPECT_TRUE(has_come(self->event, false));
}

TEST_F(resources, there_is_no_reset)
{
	EXPECT_EQ(-EOPNOTSUPP, reset(self->platform, &self->result));
	EXPECT_EQ(V3COMPAT_REASON_NO_RESET, (int)self->result.out_reason);
}

TEST_HARNESS_MAIN
