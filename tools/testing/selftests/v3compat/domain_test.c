// SPDX-License-Identifier: GPL-2.0
/*
 * Domains of /dev/v3compat: before there is a device, what a query tells, and tables of the
 * caller's in registered memory, whose addresses are offsets in it.
 */
#define _GNU_SOURCE
#include "user.h"

#include "../kselftest_harness.h"

#define AT	0x40000000ULL
#define RW	(V3COMPAT_READ | V3COMPAT_WRITE)

/* Entries of x86-64 tables. */
#define PRESENT	0x1ULL
#define WRITE	0x2ULL
#define USER	0x4ULL
#define LEAF	0x80ULL
#define ALL	(PRESENT | WRITE | USER)

FIXTURE(alone) {
	int fd;
	int domain;
	int chooses;
	char *memory;
	struct v3compat_result result;
};

FIXTURE_SETUP(alone)
{
	self->fd = open_v3compat();
	ASSERT_LE(0, self->fd);
	self->domain = create_domain(self->fd, V3COMPAT_DOMAIN_TRANSLATE, 0, NULL);
	ASSERT_LT(0, self->domain);
	self->chooses = create_domain(self->fd, V3COMPAT_DOMAIN_TRANSLATE, 40, NULL);
	ASSERT_LT(0, self->chooses);
	self->memory = new_memory(PAGE);
	ASSERT_NE(NULL, self->memory);
}

FIXTURE_TEARDOWN(alone)
{
	close(self->fd);
	EXPECT_EQ(0, pinned_kib());
}

TEST_F(alone, maps_nothing)
{
	EXPECT_EQ(-ENXIO, map_at(self->fd, self->domain, user_memory(self->memory, PAGE), AT,
				 V3COMPAT_MAP_FIXED, RW, &self->result));
	EXPECT_EQ(V3COMPAT_REASON_NO_DEVICE, self->result.out_reason);
	EXPECT_EQ(self->domain, self->result.out_object);
	EXPECT_EQ(0, pinned_kib());
	EXPECT_EQ(-ENXIO, unmap(self->fd, self->domain, AT, PAGE, &self->result));
	EXPECT_EQ(V3COMPAT_REASON_NO_DEVICE, self->result.out_reason);
}

TEST_F(alone, reserves_nothing)
{
	struct v3compat_reserve reserve = { .domain = self->chooses, .length = PAGE };
	struct v3compat_info before = {}, after = {};

	ASSERT_EQ(0, CALL(self->fd, INFO, &before));
	EXPECT_EQ(-ENXIO, CALL(self->fd, RESERVE, &reserve));
	EXPECT_EQ(V3COMPAT_REASON_NO_DEVICE, reserve.result.out_reason);
	ASSERT_EQ(0, CALL(self->fd, INFO, &after));
	EXPECT_EQ(before.out_objects.used, after.out_objects.used);
	EXPECT_EQ(0, after.out_reserved.used);
}

TEST_F(alone, is_not_settled)
{
	struct v3compat_domain_query query = { .domain = self->domain };

	ASSERT_EQ(0, CALL(self->fd, DOMAIN_QUERY, &query));
	EXPECT_EQ(V3COMPAT_DOMAIN_TRANSLATE, query.out_type);
	EXPECT_EQ(0, query.out_flags);
	EXPECT_EQ(0, query.out_last);
	EXPECT_EQ(0, query.out_page_sizes);
}

TEST_F(alone, is_destroyed)
{
	EXPECT_EQ(0, destroy(self->fd, self->domain, NULL));
	EXPECT_EQ(-ENOENT, destroy(self->fd, self->domain, &self->result));
	EXPECT_EQ(V3COMPAT_REASON_BAD_HANDLE, self->result.out_reason);
}

TEST_F(alone, maps_once_there_is_a_device)
{
	struct v3compat_domain_query query = { .domain = self->domain };
	struct sim sim;
	int device;

	ASSERT_EQ(0, open_sim(&sim, &(struct sim_config) {}));
	device = create_device(self->fd, sim.name, 0, NULL);
	ASSERT_LT(0, device);
	EXPECT_EQ(0, map_fixed(self->fd, self->domain, self->memory, PAGE, AT));
	ASSERT_EQ(0, CALL(self->fd, DOMAIN_QUERY, &query));
	EXPECT_EQ(V3COMPAT_DOMAIN_SETTLED, query.out_flags);
	EXPECT_EQ((1ULL << 48) - 1, query.out_last);
	EXPECT_EQ(PAGE | LARGE | 1ULL << 30, query.out_page_sizes);
	EXPECT_EQ(PAGE, query.out_alignment);
	EXPECT_EQ(1, query.out_ranges);
	ASSERT_EQ(0, attach(self->fd, self->domain, device, NULL));
	EXPECT_TRUE(device_writes(&sim, AT, self->memory));
	close_sim(&sim);
}

FIXTURE(tables) {
	struct sim sim;
	int fd;
	int device;
	int domain;
	int memory;
	char *start;
	struct v3compat_result result;
};

/* Where things are in the registered memory: four tables, then data. Larger than a 2 MiB leaf. */
#define ROOT	0ULL
#define THIRD	(1 * PAGE)
#define SECOND	(2 * PAGE)
#define FIRST	(3 * PAGE)
#define DATA	(4 * PAGE)
#define SIZE	(3 * LARGE)

static unsigned long long *entry_of(struct _test_data_tables *self, unsigned long long table,
				    unsigned int level, unsigned long long address)
{
	return (unsigned long long *)(self->start + table) + (address >> (12 + 9 * level) & 511);
}

static int configure(struct _test_data_tables *self, int memory, unsigned long long root)
{
	struct v3compat_domain_configure arg = {
		.domain = self->domain, .memory = memory, .format = V3COMPAT_TABLES_X64,
		.root = root, .width = 48,
	};
	int ret = CALL(self->fd, DOMAIN_CONFIGURE, &arg);

	self->result = arg.result;
	return ret;
}

static int flush(struct _test_data_tables *self)
{
	struct v3compat_domain_flush arg = { .domain = self->domain };

	return CALL(self->fd, DOMAIN_FLUSH, &arg);
}

FIXTURE_SETUP(tables)
{
	ASSERT_EQ(0, open_sim(&self->sim, &(struct sim_config) {}));
	self->fd = open_v3compat();
	ASSERT_LE(0, self->fd);
	self->device = create_device(self->fd, self->sim.name, 0, NULL);
	ASSERT_LT(0, self->device);
	self->domain = create_domain(self->fd, V3COMPAT_DOMAIN_UNMANAGED, 0, NULL);
	ASSERT_LT(0, self->domain);
	ASSERT_EQ(0, attach(self->fd, self->domain, self->device, NULL));
	self->start = new_memory(SIZE);
	ASSERT_NE(NULL, self->start);
	/* Small pages, so that neighbours are unlikely to be neighbours in the machine's memory. */
	ASSERT_EQ(0, madvise(self->start, SIZE, MADV_NOHUGEPAGE));
	self->memory = create_memory(self->fd, self->start, SIZE, 0, NULL);
	ASSERT_LT(0, self->memory);
	*entry_of(self, ROOT, 3, AT) = THIRD | ALL;
	*entry_of(self, THIRD, 2, AT) = SECOND | ALL;
	*entry_of(self, SECOND, 1, AT) = FIRST | ALL;
	*entry_of(self, FIRST, 0, AT) = DATA | ALL;
}

FIXTURE_TEARDOWN(tables)
{
	close(self->fd);
	EXPECT_EQ(0, pinned_kib());
	close_sim(&self->sim);
}

TEST_F(tables, page_arrives)
{
	ASSERT_EQ(0, configure(self, self->memory, ROOT));
	EXPECT_TRUE(device_writes(&self->sim, AT, self->start + DATA));
	EXPECT_TRUE(is_refused(&self->sim, AT + PAGE));
}

TEST_F(tables, change_shows_after_a_flush)
{
	ASSERT_EQ(0, configure(self, self->memory, ROOT));
	*entry_of(self, FIRST, 0, AT) = (DATA + 5 * PAGE) | ALL;
	*entry_of(self, FIRST, 0, AT + PAGE) = DATA | ALL;
	ASSERT_EQ(0, flush(self));
	EXPECT_TRUE(device_writes(&self->sim, AT, self->start + DATA + 5 * PAGE));
	EXPECT_TRUE(device_writes(&self->sim, AT + PAGE, self->start + DATA));
	*entry_of(self, FIRST, 0, AT) = 0;
	ASSERT_EQ(0, flush(self));
	EXPECT_TRUE(is_refused(&self->sim, AT));
}

TEST_F(tables, beyond_the_memory_is_nothing)
{
	*entry_of(self, FIRST, 0, AT) = SIZE | ALL;
	*entry_of(self, FIRST, 0, AT + PAGE) = (SIZE - PAGE) | ALL;
	*entry_of(self, SECOND, 1, AT + LARGE) = (SIZE + 7 * PAGE) | ALL;	/* a table */
	*entry_of(self, SECOND, 1, AT + 2 * LARGE) = (2 * SIZE) | ALL | LEAF;
	ASSERT_EQ(0, configure(self, self->memory, ROOT));
	EXPECT_TRUE(is_refused(&self->sim, AT));
	EXPECT_TRUE(device_writes(&self->sim, AT + PAGE, self->start + SIZE - PAGE));
	EXPECT_TRUE(is_refused(&self->sim, AT + LARGE));
	EXPECT_TRUE(is_refused(&self->sim, AT + 2 * LARGE));
}

/* A large leaf over memory that is scattered: each page of it arrives where it is. */
TEST_F(tables, large_leaf_arrives_page_by_page)
{
	unsigned long long list[] = { AT + LARGE + 77 * PAGE };
	struct v3compat_domain_flush arg = {
		.domain = self->domain, .list = (uintptr_t)list, .count = 1,
	};
	unsigned int i;

	*entry_of(self, SECOND, 1, AT + LARGE) = LARGE | ALL | LEAF;
	ASSERT_EQ(0, configure(self, self->memory, ROOT));
	for (i = 0; i < 512; i += 37)
		EXPECT_TRUE(device_writes(&self->sim, AT + LARGE + i * PAGE,
					  self->start + LARGE + i * PAGE));
	/* The same by a flush of one address in it. */
	*entry_of(self, SECOND, 1, AT + LARGE) = 0;
	ASSERT_EQ(0, CALL(self->fd, DOMAIN_FLUSH, &arg));
	EXPECT_TRUE(is_refused(&self->sim, AT + LARGE + 77 * PAGE));
	EXPECT_TRUE(is_refused(&self->sim, AT + LARGE + 300 * PAGE));
}

/* The end of a large leaf is beyond the memory: what is inside arrives. */
TEST_F(tables, large_leaf_that_leaves_the_memory)
{
	int memory = create_memory(self->fd, self->start, LARGE + 8 * PAGE, 0, NULL);

	ASSERT_LT(0, memory);
	*entry_of(self, SECOND, 1, AT + LARGE) = LARGE | ALL | LEAF;
	ASSERT_EQ(0, configure(self, memory, ROOT));
	EXPECT_TRUE(device_writes(&self->sim, AT + LARGE + 7 * PAGE,
				  self->start + LARGE + 7 * PAGE));
	EXPECT_TRUE(is_refused(&self->sim, AT + LARGE + 8 * PAGE));
	EXPECT_TRUE(is_refused(&self->sim, AT + 2 * LARGE - PAGE));
}

TEST_F(tables, read_only_memory_is_not_written)
{
	int memory = create_memory(self->fd, self->start, SIZE, V3COMPAT_MEMORY_READ_ONLY, NULL);
	unsigned int value = 0;

	ASSERT_LT(0, memory);
	ASSERT_EQ(0, configure(self, memory, ROOT));
	EXPECT_TRUE(device_reads(&self->sim, AT, self->start + DATA));
	EXPECT_EQ(IOMMUSIM_FAULT_PERMISSION, dma(&self->sim, AT, &value, sizeof(value), true));
}

TEST_F(tables, loop_ends)
{
	*entry_of(self, FIRST, 0, AT) = ROOT | ALL;
	*entry_of(self, SECOND, 1, AT + LARGE) = ROOT | ALL;
	*entry_of(self, THIRD, 2, AT + (1ULL << 30)) = THIRD | ALL;
	*entry_of(self, ROOT, 3, AT + (1ULL << 39)) = ROOT | ALL;
	ASSERT_EQ(0, configure(self, self->memory, ROOT));
	/* A page table as a page is the owner's own business. */
	EXPECT_TRUE(device_reads(&self->sim, AT + 4, (char *)self->start + 4));
	EXPECT_TRUE(is_refused(&self->sim, AT + (1ULL << 39)));
}

TEST_F(tables, memory_with_tables_is_in_use)
{
	int other;

	ASSERT_EQ(0, configure(self, self->memory, ROOT));
	EXPECT_EQ(-EBUSY, destroy(self->fd, self->memory, &self->result));
	EXPECT_EQ(V3COMPAT_REASON_IN_USE, self->result.out_reason);
	other = create_memory(self->fd, self->start, SIZE, 0, NULL);
	ASSERT_LT(0, other);
	ASSERT_EQ(0, configure(self, other, ROOT));
	EXPECT_EQ(0, destroy(self->fd, self->memory, NULL));
	EXPECT_TRUE(device_writes(&self->sim, AT, self->start + DATA));
	ASSERT_EQ(0, detach(self->fd, self->device, NULL));
	ASSERT_EQ(0, destroy(self->fd, self->domain, NULL));
	EXPECT_EQ(0, destroy(self->fd, other, NULL));
}

TEST_F(tables, odd_configurations)
{
	struct v3compat_domain_configure arg = {
		.domain = self->domain, .memory = self->memory, .width = 48, .format = 9,
	};

	EXPECT_EQ(-EINVAL, CALL(self->fd, DOMAIN_CONFIGURE, &arg));
	EXPECT_EQ(V3COMPAT_REASON_BAD_ENUM, arg.result.out_reason);
	arg.format = V3COMPAT_TABLES_X64;
	arg.width = 47;
	EXPECT_EQ(-EINVAL, CALL(self->fd, DOMAIN_CONFIGURE, &arg));
	EXPECT_EQ(V3COMPAT_REASON_BAD_CONFIG, arg.result.out_reason);
	EXPECT_EQ(-EINVAL, configure(self, self->memory, 8));
	EXPECT_EQ(V3COMPAT_REASON_BAD_CONFIG, self->result.out_reason);
	EXPECT_EQ(-ENOENT, configure(self, self->domain, ROOT));
	EXPECT_EQ(V3COMPAT_PARAM_MEMORY, self->result.out_parameter);
	EXPECT_EQ(0, destroy(self->fd, self->memory, NULL));
}

TEST_F(tables, map_is_not_for_tables_of_the_caller)
{
	EXPECT_EQ(-EOPNOTSUPP, map_at(self->fd, self->domain, user_memory(self->start, PAGE), AT,
				      V3COMPAT_MAP_FIXED, RW, &self->result));
	EXPECT_EQ(V3COMPAT_REASON_WRONG_TYPE, self->result.out_reason);
}

TEST_HARNESS_MAIN
