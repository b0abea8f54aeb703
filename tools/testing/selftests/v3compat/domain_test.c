// SPDX-License-Identifier: GPL-2.0
/*
 * Domains of /dev/v3compat: before there is a device, what a query tells, tables of the caller's in
 * registered memory, whose addresses are offsets in it, and two devices and what they share.
 */
#define _GNU_SOURCE
#include "engine.h"

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
	struct engine engine;
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

FIXTURE_VARIANT(tables) {
	bool pci;
};

FIXTURE_VARIANT_ADD(tables, iommusim) {};
FIXTURE_VARIANT_ADD(tables, pci) { .pci = true };

FIXTURE_SETUP(tables)
{
	if (!has_engine(variant->pci))
		SKIP(return, NO_ENGINE);
	ASSERT_EQ(0, open_engine(&self->engine, variant->pci, &(struct sim_config) {}));
	self->fd = open_v3compat();
	ASSERT_LE(0, self->fd);
	self->device = claim(&self->engine, self->fd, 0);
	ASSERT_LT(0, self->device);
	self->domain = create_domain(self->fd, V3COMPAT_DOMAIN_UNMANAGED, 0, NULL);
	ASSERT_LT(0, self->domain);
	ASSERT_EQ(0, attach(self->fd, self->domain, self->device, NULL));
	self->engine.domain = self->domain;
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
	close_engine(&self->engine);
}

TEST_F(tables, page_arrives)
{
	ASSERT_EQ(0, configure(self, self->memory, ROOT));
	EXPECT_TRUE(engine_writes(&self->engine, AT, self->start + DATA));
	EXPECT_TRUE(engine_is_refused(&self->engine, AT + PAGE));
}

TEST_F(tables, change_shows_after_a_flush)
{
	ASSERT_EQ(0, configure(self, self->memory, ROOT));
	*entry_of(self, FIRST, 0, AT) = (DATA + 5 * PAGE) | ALL;
	*entry_of(self, FIRST, 0, AT + PAGE) = DATA | ALL;
	ASSERT_EQ(0, flush(self));
	EXPECT_TRUE(engine_writes(&self->engine, AT, self->start + DATA + 5 * PAGE));
	EXPECT_TRUE(engine_writes(&self->engine, AT + PAGE, self->start + DATA));
	*entry_of(self, FIRST, 0, AT) = 0;
	ASSERT_EQ(0, flush(self));
	EXPECT_TRUE(engine_is_refused(&self->engine, AT));
}

TEST_F(tables, beyond_the_memory_is_nothing)
{
	*entry_of(self, FIRST, 0, AT) = SIZE | ALL;
	*entry_of(self, FIRST, 0, AT + PAGE) = (SIZE - PAGE) | ALL;
	*entry_of(self, SECOND, 1, AT + LARGE) = (SIZE + 7 * PAGE) | ALL;	/* a table */
	*entry_of(self, SECOND, 1, AT + 2 * LARGE) = (2 * SIZE) | ALL | LEAF;
	ASSERT_EQ(0, configure(self, self->memory, ROOT));
	EXPECT_TRUE(engine_is_refused(&self->engine, AT));
	EXPECT_TRUE(engine_writes(&self->engine, AT + PAGE, self->start + SIZE - PAGE));
	EXPECT_TRUE(engine_is_refused(&self->engine, AT + LARGE));
	EXPECT_TRUE(engine_is_refused(&self->engine, AT + 2 * LARGE));
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
		EXPECT_TRUE(engine_writes(&self->engine, AT + LARGE + i * PAGE,
					  self->start + LARGE + i * PAGE));
	/* The same by a flush of one address in it. */
	*entry_of(self, SECOND, 1, AT + LARGE) = 0;
	ASSERT_EQ(0, CALL(self->fd, DOMAIN_FLUSH, &arg));
	EXPECT_TRUE(engine_is_refused(&self->engine, AT + LARGE + 77 * PAGE));
	EXPECT_TRUE(engine_is_refused(&self->engine, AT + LARGE + 300 * PAGE));
}

/* The end of a large leaf is beyond the memory: what is inside arrives. */
TEST_F(tables, large_leaf_that_leaves_the_memory)
{
	int memory = create_memory(self->fd, self->start, LARGE + 8 * PAGE, 0, NULL);

	ASSERT_LT(0, memory);
	*entry_of(self, SECOND, 1, AT + LARGE) = LARGE | ALL | LEAF;
	ASSERT_EQ(0, configure(self, memory, ROOT));
	EXPECT_TRUE(engine_writes(&self->engine, AT + LARGE + 7 * PAGE,
				  self->start + LARGE + 7 * PAGE));
	EXPECT_TRUE(engine_is_refused(&self->engine, AT + LARGE + 8 * PAGE));
	EXPECT_TRUE(engine_is_refused(&self->engine, AT + 2 * LARGE - PAGE));
}

TEST_F(tables, read_only_memory_is_not_written)
{
	int memory = create_memory(self->fd, self->start, SIZE, V3COMPAT_MEMORY_READ_ONLY, NULL);

	ASSERT_LT(0, memory);
	ASSERT_EQ(0, configure(self, memory, ROOT));
	EXPECT_TRUE(engine_reads(&self->engine, AT, self->start + DATA));
	EXPECT_TRUE(engine_may_not_write(&self->engine, AT));
}

TEST_F(tables, loop_ends)
{
	*entry_of(self, FIRST, 0, AT) = ROOT | ALL;
	*entry_of(self, SECOND, 1, AT + LARGE) = ROOT | ALL;
	*entry_of(self, THIRD, 2, AT + (1ULL << 30)) = THIRD | ALL;
	*entry_of(self, ROOT, 3, AT + (1ULL << 39)) = ROOT | ALL;
	ASSERT_EQ(0, configure(self, self->memory, ROOT));
	/* A page table as a page is the owner's own business. */
	EXPECT_TRUE(engine_reads(&self->engine, AT + 4, (char *)self->start + 4));
	EXPECT_TRUE(engine_is_refused(&self->engine, AT + (1ULL << 39)));
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
	EXPECT_TRUE(engine_writes(&self->engine, AT, self->start + DATA));
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

/* Two devices, each in a group of its own, and what the IOMMU offers for them. */
FIXTURE(two) {
	struct engine engine;
	int fd;
	int device[2];
	int domain;
	char *memory;
	struct v3compat_domain_query query;
	struct v3compat_result result;
};

FIXTURE_VARIANT(two) {
	bool pci;
};

FIXTURE_VARIANT_ADD(two, iommusim) {};
FIXTURE_VARIANT_ADD(two, pci) { .pci = true };

#define MEMORY	(16 * PAGE)

FIXTURE_SETUP(two)
{
	unsigned int i;

	if (!has_engine(variant->pci))
		SKIP(return, NO_ENGINE);
	ASSERT_EQ(0, open_engine(&self->engine, variant->pci, &(struct sim_config) {}));
	self->fd = open_v3compat();
	ASSERT_LE(0, self->fd);
	for (i = 0; i < 2; i++) {
		self->device[i] = claim_nth(&self->engine, self->fd, i, 0, NULL);
		ASSERT_LT(0, self->device[i]);
	}
	self->domain = create_domain(self->fd, V3COMPAT_DOMAIN_TRANSLATE, 0, NULL);
	ASSERT_LT(0, self->domain);
	self->query.domain = self->domain;
	ASSERT_EQ(0, CALL(self->fd, DOMAIN_QUERY, &self->query));
	ASSERT_EQ(V3COMPAT_DOMAIN_SETTLED, self->query.out_flags);
	self->engine.domain = self->domain;
	self->memory = new_memory(MEMORY);
	ASSERT_NE(NULL, self->memory);
}

FIXTURE_TEARDOWN(two)
{
	if (self->fd > 0)
		close(self->fd);
	EXPECT_EQ(0, pinned_kib());
	close_engine(&self->engine);
}

static int attach_both(struct _test_data_two *self)
{
	int ret = attach(self->fd, self->domain, self->device[0], NULL);

	return ret ? ret : attach(self->fd, self->domain, self->device[1], NULL);
}

static bool may_attach_to(struct _test_data_two *self, unsigned int type)
{
	struct v3compat_device_query query = { .device = self->device[0] };

	return !CALL(self->fd, DEVICE_QUERY, &query) && query.out_types & 1u << type;
}

/* physical_of() is where a page is that is pinned, or 0. */
static unsigned long long physical_of(void *page)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t entry = 0;

	if (fd < 0)
		return 0;
	if (pread(fd, &entry, sizeof(entry), (uintptr_t)page / PAGE * 8) != sizeof(entry))
		entry = 0;
	close(fd);
	return (entry & ((1ULL << 55) - 1)) * PAGE;
}

TEST_F(two, devices_share_a_domain)
{
	ASSERT_EQ(0, map_fixed(self->fd, self->domain, self->memory, 2 * PAGE, AT));
	ASSERT_EQ(0, attach_both(self));
	EXPECT_TRUE(nth_writes(&self->engine, 0, AT, self->memory));
	EXPECT_TRUE(nth_writes(&self->engine, 1, AT + PAGE, self->memory + PAGE));
	EXPECT_TRUE(engine_reads(&self->engine, AT + 8, self->memory + 8));
	ASSERT_EQ(0, map_fixed(self->fd, self->domain, self->memory + PAGE, PAGE, 2 * AT));
	EXPECT_TRUE(nth_writes(&self->engine, 0, 2 * AT, self->memory + PAGE));
	EXPECT_TRUE(nth_writes(&self->engine, 1, 2 * AT, self->memory + PAGE));
	ASSERT_EQ(0, unmap(self->fd, self->domain, AT, 2 * PAGE, NULL));
	EXPECT_TRUE(nth_is_refused(&self->engine, 0, AT));
	EXPECT_TRUE(nth_is_refused(&self->engine, 1, AT + PAGE));
	EXPECT_TRUE(nth_writes(&self->engine, 1, 2 * AT, self->memory + PAGE));
}

TEST_F(two, one_is_detached_and_the_other_goes_on)
{
	ASSERT_EQ(0, map_fixed(self->fd, self->domain, self->memory, PAGE, AT));
	ASSERT_EQ(0, attach_both(self));
	EXPECT_TRUE(nth_writes(&self->engine, 0, AT, self->memory));
	ASSERT_EQ(0, detach(self->fd, self->device[0], NULL));
	EXPECT_TRUE(nth_is_refused(&self->engine, 0, AT));
	EXPECT_TRUE(nth_writes(&self->engine, 1, AT, self->memory));
	ASSERT_EQ(0, unmap(self->fd, self->domain, AT, PAGE, NULL));
	EXPECT_TRUE(nth_is_refused(&self->engine, 1, AT));
	ASSERT_EQ(0, attach(self->fd, self->domain, self->device[0], NULL));
	EXPECT_TRUE(nth_is_refused(&self->engine, 0, AT));
	ASSERT_EQ(0, map_fixed(self->fd, self->domain, self->memory, PAGE, AT));
	EXPECT_TRUE(nth_writes(&self->engine, 0, AT, self->memory));
}

TEST_F(two, domains_do_not_meet)
{
	int other = create_domain(self->fd, V3COMPAT_DOMAIN_TRANSLATE, 0, NULL);

	ASSERT_LT(0, other);
	ASSERT_EQ(0, map_fixed(self->fd, self->domain, self->memory, PAGE, AT));
	ASSERT_EQ(0, map_fixed(self->fd, other, self->memory + PAGE, PAGE, AT));
	ASSERT_EQ(0, map_fixed(self->fd, other, self->memory, PAGE, 2 * AT));
	ASSERT_EQ(0, attach(self->fd, self->domain, self->device[0], NULL));
	ASSERT_EQ(0, attach(self->fd, other, self->device[1], NULL));
	EXPECT_TRUE(nth_writes(&self->engine, 0, AT, self->memory));
	EXPECT_TRUE(nth_writes(&self->engine, 1, AT, self->memory + PAGE));
	EXPECT_TRUE(nth_is_refused(&self->engine, 0, 2 * AT));
	EXPECT_TRUE(nth_writes(&self->engine, 1, 2 * AT, self->memory));
}

/* From one domain to another: what the IOMMU has kept of the first is not used in the second. */
TEST_F(two, device_moves_between_domains)
{
	int other = create_domain(self->fd, V3COMPAT_DOMAIN_TRANSLATE, 0, NULL);
	int domains[] = { self->domain, other };
	unsigned int i;

	ASSERT_EQ(0, map_fixed(self->fd, self->domain, self->memory, PAGE, AT));
	ASSERT_EQ(0, map_fixed(self->fd, other, self->memory + PAGE, PAGE, AT));
	for (i = 0; i < 6; i++) {
		ASSERT_EQ(0, attach(self->fd, domains[i % 2], self->device[0], NULL));
		EXPECT_TRUE(engine_writes(&self->engine, AT, self->memory + i % 2 * PAGE));
		ASSERT_EQ(0, detach(self->fd, self->device[0], NULL));
		EXPECT_TRUE(engine_is_refused(&self->engine, AT));
	}
}

/* Every page of large memory arrives, whatever leaves the IOMMU has for it. */
TEST_F(two, large_memory_arrives)
{
	char *area = mmap(NULL, 3 * LARGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			  0);
	char *huge = (char *)(uintptr_t)(((uintptr_t)area + LARGE - 1) & ~(LARGE - 1));
	unsigned int i;

	ASSERT_NE(MAP_FAILED, area);
	madvise(huge, 2 * LARGE, MADV_HUGEPAGE);
	memset(huge, 1, 2 * LARGE);
	ASSERT_EQ(0, map_fixed(self->fd, self->domain, huge, 2 * LARGE, AT));
	ASSERT_EQ(0, attach_both(self));
	for (i = 0; i < 1024; i += 31)
		EXPECT_TRUE(engine_writes(&self->engine, AT + i * PAGE, huge + i * PAGE));
	EXPECT_TRUE(engine_reads(&self->engine, AT + 2 * LARGE - 8, huge + 2 * LARGE - 8));
	EXPECT_TRUE(engine_is_refused(&self->engine, AT + 2 * LARGE));
	EXPECT_TRUE(engine_is_refused(&self->engine, AT - PAGE));
	EXPECT_EQ(2 * LARGE / 1024, pinned_kib());
	ASSERT_EQ(0, unmap(self->fd, self->domain, AT, 2 * LARGE, NULL));
	for (i = 0; i < 1024; i += 31)
		EXPECT_TRUE(nth_is_refused(&self->engine, i % 2, AT + i * PAGE));
	EXPECT_EQ(0, pinned_kib());
}

/* A page out of a large leaf: it goes alone, or the refusal leaves all of it. */
TEST_F(two, large_memory_is_cut)
{
	char *area = mmap(NULL, 2 * LARGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			  0);
	char *huge = (char *)(uintptr_t)(((uintptr_t)area + LARGE - 1) & ~(LARGE - 1));
	int ret;

	ASSERT_NE(MAP_FAILED, area);
	madvise(huge, LARGE, MADV_HUGEPAGE);
	memset(huge, 1, LARGE);
	ASSERT_EQ(0, map_fixed(self->fd, self->domain, huge, LARGE, AT));
	ASSERT_EQ(0, attach_both(self));
	EXPECT_TRUE(engine_writes(&self->engine, AT + 7 * PAGE, huge + 7 * PAGE));
	ret = unmap(self->fd, self->domain, AT + 7 * PAGE, PAGE, &self->result);
	EXPECT_TRUE(engine_writes(&self->engine, AT + 6 * PAGE, huge + 6 * PAGE));
	EXPECT_TRUE(engine_writes(&self->engine, AT + 8 * PAGE, huge + 8 * PAGE));
	if (ret) {
		EXPECT_EQ(-EXDEV, ret);
		EXPECT_EQ(V3COMPAT_REASON_CUT_LARGE_PAGE, self->result.out_reason);
		EXPECT_TRUE(engine_writes(&self->engine, AT + 7 * PAGE, huge + 7 * PAGE));
		EXPECT_EQ(LARGE / 1024, pinned_kib());
		ASSERT_EQ(0, unmap(self->fd, self->domain, AT, LARGE, NULL));
		EXPECT_TRUE(engine_is_refused(&self->engine, AT + 7 * PAGE));
		return;
	}
	EXPECT_TRUE(engine_is_refused(&self->engine, AT + 7 * PAGE));
	EXPECT_EQ(LARGE / 1024 - 4, pinned_kib());
}

TEST_F(two, ends_of_the_aperture)
{
	unsigned long long last;

	EXPECT_EQ(PAGE, self->query.out_alignment);
	EXPECT_NE(0, self->query.out_page_sizes & PAGE);
	/* Some IOMMU drivers know the aperture of a domain only when a device is attached. */
	ASSERT_EQ(0, attach_both(self));
	last = last_of(self->fd, self->domain) + 1 - PAGE;
	ASSERT_EQ(0, map_fixed(self->fd, self->domain, self->memory, PAGE, last));
	EXPECT_TRUE(engine_writes(&self->engine, last + 64, self->memory + 64));
	EXPECT_TRUE(engine_is_refused(&self->engine, last - PAGE));
	ASSERT_EQ(0, unmap(self->fd, self->domain, last, PAGE, NULL));
	EXPECT_TRUE(engine_is_refused(&self->engine, last));
	EXPECT_EQ(-ERANGE, map_at(self->fd, self->domain, user_memory(self->memory, 2 * PAGE), last,
				  V3COMPAT_MAP_FIXED, RW, &self->result));
	EXPECT_EQ(V3COMPAT_REASON_BEYOND_APERTURE, self->result.out_reason);
	EXPECT_EQ(0, pinned_kib());
}

TEST_F(two, ranges_that_a_query_tells_are_withheld)
{
	struct v3compat_region ranges[32];
	unsigned int i;

	self->query.ranges = (uintptr_t)ranges;
	self->query.max_ranges = ARRAY_SIZE(ranges);
	ASSERT_EQ(0, CALL(self->fd, DOMAIN_QUERY, &self->query));
	/* Interrupts are messages on all of these machines. */
	EXPECT_LE(1, self->query.out_ranges);
	ASSERT_GE(ARRAY_SIZE(ranges), self->query.out_ranges);
	for (i = 0; i < self->query.out_ranges; i++) {
		EXPECT_EQ(-EEXIST, map_fixed(self->fd, self->domain, self->memory, PAGE,
					     ranges[i].base));
		EXPECT_EQ(-EEXIST, map_fixed(self->fd, self->domain, self->memory, PAGE,
					     ranges[i].base + ranges[i].length - PAGE));
	}
	EXPECT_EQ(0, pinned_kib());
}

TEST_F(two, flush_changes_nothing_that_is_mapped)
{
	unsigned long long list[] = { AT, AT + PAGE, 2 * AT };
	struct v3compat_domain_flush flush = { .domain = self->domain };

	ASSERT_EQ(0, attach_both(self));
	ASSERT_EQ(0, map_fixed(self->fd, self->domain, self->memory, 2 * PAGE, AT));
	EXPECT_EQ(0, CALL(self->fd, DOMAIN_FLUSH, &flush));
	EXPECT_TRUE(engine_writes(&self->engine, AT, self->memory));
	flush.list = (uintptr_t)list;
	flush.count = ARRAY_SIZE(list);
	EXPECT_EQ(0, CALL(self->fd, DOMAIN_FLUSH, &flush));
	EXPECT_TRUE(engine_writes(&self->engine, AT + PAGE, self->memory + PAGE));
	EXPECT_TRUE(engine_is_refused(&self->engine, 2 * AT));
}

TEST_F(two, physical_memory_arrives)
{
	struct v3compat_source source = { .type = V3COMPAT_SOURCE_PHYSICAL, .length = PAGE };
	int memory = create_memory(self->fd, self->memory, MEMORY, 0, NULL);

	ASSERT_LT(0, memory);
	source.start = physical_of(self->memory + 3 * PAGE);
	ASSERT_NE(0, source.start);
	ASSERT_EQ(0, attach_both(self));
	ASSERT_EQ(0, map_at(self->fd, self->domain, source, AT, V3COMPAT_MAP_FIXED, RW, NULL));
	EXPECT_TRUE(engine_writes(&self->engine, AT, self->memory + 3 * PAGE));
	EXPECT_EQ(MEMORY / 1024, pinned_kib());
	ASSERT_EQ(0, unmap(self->fd, self->domain, AT, PAGE, NULL));
	EXPECT_TRUE(engine_is_refused(&self->engine, AT));
}

TEST_F(two, identity_range_is_where_the_memory_is)
{
	int memory = create_memory(self->fd, self->memory, MEMORY, 0, NULL);
	struct v3compat_identity identity = {
		.domain = self->domain, .permissions = RW,
		.source = { .type = V3COMPAT_SOURCE_PHYSICAL, .length = PAGE },
	};
	unsigned long long at;

	ASSERT_LT(0, memory);
	at = physical_of(self->memory);
	ASSERT_NE(0, at);
	identity.source.start = at;
	ASSERT_EQ(0, attach_both(self));
	EXPECT_TRUE(engine_is_refused(&self->engine, at));
	ASSERT_EQ(0, CALL(self->fd, MAP_IDENTITY, &identity));
	EXPECT_TRUE(nth_writes(&self->engine, 0, at, self->memory));
	EXPECT_TRUE(nth_writes(&self->engine, 1, at + 8, self->memory + 8));
	identity.permissions = 0;
	ASSERT_EQ(0, CALL(self->fd, UNMAP_IDENTITY, &identity));
	EXPECT_TRUE(nth_is_refused(&self->engine, 0, at));
	EXPECT_TRUE(nth_is_refused(&self->engine, 1, at));
}

TEST_F(two, passthrough_shows_memory_where_it_is)
{
	int memory = create_memory(self->fd, self->memory, MEMORY, 0, NULL), passes, ret;
	unsigned long long at;

	ASSERT_LT(0, memory);
	at = physical_of(self->memory);
	ASSERT_NE(0, at);
	passes = create_domain(self->fd, V3COMPAT_DOMAIN_PASSTHROUGH, 0, &self->result);
	if (!may_attach_to(self, V3COMPAT_DOMAIN_PASSTHROUGH)) {
		ret = passes;
		if (passes > 0)
			ret = attach(self->fd, passes, self->device[0], &self->result);
		EXPECT_EQ(-EACCES, ret);
		EXPECT_EQ(V3COMPAT_REASON_NOT_AVAILABLE, self->result.out_reason);
		SKIP(return, "the IOMMU offers no PassThrough");
	}
	ASSERT_LT(0, passes);
	ASSERT_EQ(0, attach(self->fd, passes, self->device[0], NULL));
	EXPECT_TRUE(engine_writes(&self->engine, at, self->memory));
	/* The other one sees nothing of it. */
	ASSERT_EQ(0, attach(self->fd, self->domain, self->device[1], NULL));
	EXPECT_TRUE(nth_is_refused(&self->engine, 1, at));
	ASSERT_EQ(0, detach(self->fd, self->device[0], NULL));
	ASSERT_EQ(0, attach(self->fd, self->domain, self->device[0], NULL));
	EXPECT_TRUE(nth_is_refused(&self->engine, 0, at));
}

TEST_F(two, unmanaged_identity_shows_memory_where_it_is)
{
	int memory = create_memory(self->fd, self->memory, MEMORY, 0, NULL);
	struct v3compat_domain_configure configure = { .format = V3COMPAT_TABLES_IDENTITY };
	unsigned long long at;
	int ret;

	ASSERT_LT(0, memory);
	at = physical_of(self->memory);
	configure.domain = create_domain(self->fd, V3COMPAT_DOMAIN_UNMANAGED, 0, NULL);
	ASSERT_LT(0, (int)configure.domain);
	ret = CALL(self->fd, DOMAIN_CONFIGURE, &configure);
	if (!may_attach_to(self, V3COMPAT_DOMAIN_PASSTHROUGH)) {
		if (!ret) {
			ret = attach(self->fd, configure.domain, self->device[0], &self->result);
			configure.result = self->result;
		}
		EXPECT_EQ(-EACCES, ret);
		EXPECT_EQ(V3COMPAT_REASON_NOT_AVAILABLE, configure.result.out_reason);
		SKIP(return, "the IOMMU offers no identity");
	}
	ASSERT_EQ(0, ret);
	ASSERT_EQ(0, attach(self->fd, configure.domain, self->device[0], NULL));
	EXPECT_TRUE(engine_writes(&self->engine, at, self->memory));
	ASSERT_EQ(0, detach(self->fd, self->device[0], NULL));
	ASSERT_EQ(0, attach(self->fd, self->domain, self->device[0], NULL));
	EXPECT_TRUE(engine_is_refused(&self->engine, at));
}

TEST_F(two, close_takes_both_away)
{
	ASSERT_EQ(0, map_fixed(self->fd, self->domain, self->memory, MEMORY, AT));
	ASSERT_EQ(0, attach_both(self));
	EXPECT_TRUE(nth_writes(&self->engine, 0, AT, self->memory));
	EXPECT_TRUE(nth_writes(&self->engine, 1, AT, self->memory));
	close(self->fd);
	EXPECT_EQ(0, pinned_kib());
	EXPECT_TRUE(nth_is_refused(&self->engine, 0, AT));
	EXPECT_TRUE(nth_is_refused(&self->engine, 1, AT));
	/* The next one who attaches them finds nothing of it. */
	self->fd = open_v3compat();
	self->device[0] = claim_nth(&self->engine, self->fd, 0, 0, NULL);
	self->device[1] = claim_nth(&self->engine, self->fd, 1, 0, NULL);
	self->domain = create_domain(self->fd, V3COMPAT_DOMAIN_TRANSLATE, 0, NULL);
	ASSERT_EQ(0, attach_both(self));
	EXPECT_TRUE(nth_is_refused(&self->engine, 0, AT));
	EXPECT_TRUE(nth_is_refused(&self->engine, 1, AT));
}

TEST_HARNESS_MAIN
