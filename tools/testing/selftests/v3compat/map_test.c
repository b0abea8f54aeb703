// SPDX-License-Identifier: GPL-2.0
/*
 * Mapping through /dev/v3compat: what devices find, what is pinned, and what is refused.
 */
#define _GNU_SOURCE
#include "engine.h"

#include "../kselftest_harness.h"

#define AT	0x40000000ULL
#define RW	(V3COMPAT_READ | V3COMPAT_WRITE)

FIXTURE(map) {
	struct engine engine;
	int fd;
	int device;
	int domain;	/* explicit addresses */
	int chooses;	/* an allocator of 40 bits */
	char *memory;
	struct v3compat_result result;
};

FIXTURE_VARIANT(map) {
	bool pci;
	struct sim_config config;
};

FIXTURE_VARIANT_ADD(map, usual) {};
FIXTURE_VARIANT_ADD(map, whole_maps) { .config.quirks = IOMMUSIM_WHOLE_MAPS };
FIXTURE_VARIANT_ADD(map, unmap_whole) { .config.quirks = IOMMUSIM_UNMAP_WHOLE };
FIXTURE_VARIANT_ADD(map, late_geometry) {
	.config.quirks = IOMMUSIM_LATE_GEOMETRY, .config.aperture_bits = 42,
};
FIXTURE_VARIANT_ADD(map, small_pages) { .config.pgsize_bitmap = 4096 };
FIXTURE_VARIANT_ADD(map, pci) { .pci = true };

#define MEMORY	(16 * PAGE)

FIXTURE_SETUP(map)
{
	if (!has_engine(variant->pci))
		SKIP(return, NO_ENGINE);
	ASSERT_EQ(0, open_engine(&self->engine, variant->pci, &variant->config));
	self->fd = open_v3compat();
	ASSERT_LE(0, self->fd);
	self->device = claim(&self->engine, self->fd, 0);
	ASSERT_LT(0, self->device);
	self->domain = create_domain(self->fd, V3COMPAT_DOMAIN_TRANSLATE, 0, NULL);
	ASSERT_LT(0, self->domain);
	self->chooses = create_domain(self->fd, V3COMPAT_DOMAIN_TRANSLATE, 40, NULL);
	ASSERT_LT(0, self->chooses);
	ASSERT_EQ(0, attach(self->fd, self->domain, self->device, NULL));
	self->engine.domain = self->domain;
	self->memory = new_memory(MEMORY);
	ASSERT_NE(NULL, self->memory);
	ASSERT_EQ(0, pinned_kib());
}

FIXTURE_TEARDOWN(map)
{
	close(self->fd);
	EXPECT_EQ(0, pinned_kib());
	close_engine(&self->engine);
}

TEST_F(map, page_arrives)
{
	ASSERT_EQ(0, map_fixed(self->fd, self->domain, self->memory, PAGE, AT));
	EXPECT_TRUE(engine_writes(&self->engine, AT, self->memory));
	EXPECT_TRUE(engine_reads(&self->engine, AT + 128, self->memory + 128));
	EXPECT_TRUE(engine_is_refused(&self->engine, AT + PAGE));
	EXPECT_TRUE(engine_is_refused(&self->engine, AT - PAGE));
	EXPECT_EQ(4, pinned_kib());
	ASSERT_EQ(0, unmap(self->fd, self->domain, AT, PAGE, NULL));
	EXPECT_TRUE(engine_is_refused(&self->engine, AT));
	EXPECT_EQ(0, pinned_kib());
}

TEST_F(map, every_page_of_many_arrives)
{
	unsigned int i;

	ASSERT_EQ(0, map_fixed(self->fd, self->domain, self->memory, MEMORY, AT));
	for (i = 0; i < MEMORY / PAGE; i++)
		EXPECT_TRUE(engine_writes(&self->engine, AT + i * PAGE, self->memory + i * PAGE));
	EXPECT_EQ(MEMORY / 1024, pinned_kib());
	ASSERT_EQ(0, unmap(self->fd, self->domain, AT, MEMORY, NULL));
	EXPECT_EQ(0, pinned_kib());
}

TEST_F(map, read_only_is_not_written)
{
	ASSERT_EQ(0, map_at(self->fd, self->domain, user_memory(self->memory, PAGE), AT,
			    V3COMPAT_MAP_FIXED, V3COMPAT_READ, NULL));
	EXPECT_TRUE(engine_reads(&self->engine, AT, self->memory));
	EXPECT_TRUE(engine_may_not_write(&self->engine, AT));
}

TEST_F(map, read_only_memory_is_not_written)
{
	ASSERT_EQ(0, mprotect(self->memory, PAGE, PROT_READ));
	EXPECT_EQ(-EFAULT, map_at(self->fd, self->domain, user_memory(self->memory, PAGE), AT,
				  V3COMPAT_MAP_FIXED, RW, &self->result));
	EXPECT_EQ(V3COMPAT_REASON_NOT_PINNABLE, self->result.out_reason);
	EXPECT_EQ((uintptr_t)self->memory, self->result.out_first);
	EXPECT_EQ(0, map_at(self->fd, self->domain, user_memory(self->memory, PAGE), AT,
			    V3COMPAT_MAP_FIXED, V3COMPAT_READ, NULL));
}

TEST_F(map, part_is_unmapped_and_unpinned)
{
	int ret;

	ASSERT_EQ(0, map_fixed(self->fd, self->domain, self->memory, MEMORY, AT));
	ret = unmap(self->fd, self->domain, AT + 4 * PAGE, 2 * PAGE, &self->result);
	if (ret) {	/* an IOMMU that unmaps only what was mapped together refuses this */
		EXPECT_EQ(-EXDEV, ret);
		EXPECT_EQ(V3COMPAT_REASON_CUT_LARGE_PAGE, self->result.out_reason);
		EXPECT_EQ(MEMORY / 1024, pinned_kib());
		EXPECT_TRUE(engine_writes(&self->engine, AT + 4 * PAGE, self->memory + 4 * PAGE));
		return;
	}
	EXPECT_EQ(MEMORY / 1024 - 8, pinned_kib());
	EXPECT_TRUE(engine_is_refused(&self->engine, AT + 4 * PAGE));
	EXPECT_TRUE(engine_is_refused(&self->engine, AT + 5 * PAGE));
	EXPECT_TRUE(engine_writes(&self->engine, AT + 3 * PAGE, self->memory + 3 * PAGE));
	EXPECT_TRUE(engine_writes(&self->engine, AT + 6 * PAGE, self->memory + 6 * PAGE));
}

TEST_F(map, several_are_unmapped_at_once)
{
	ASSERT_EQ(0, map_fixed(self->fd, self->domain, self->memory, PAGE, AT));
	ASSERT_EQ(0, map_fixed(self->fd, self->domain, self->memory + PAGE, PAGE, AT + PAGE));
	ASSERT_EQ(0, unmap(self->fd, self->domain, AT, 2 * PAGE, NULL));
	EXPECT_EQ(0, pinned_kib());
}

TEST_F(map, same_memory_twice)
{
	ASSERT_EQ(0, map_fixed(self->fd, self->domain, self->memory, PAGE, AT));
	ASSERT_EQ(0, map_fixed(self->fd, self->domain, self->memory, PAGE, AT + 8 * PAGE));
	EXPECT_EQ(8, pinned_kib());
	EXPECT_TRUE(engine_writes(&self->engine, AT + 8 * PAGE, self->memory));
	ASSERT_EQ(0, unmap(self->fd, self->domain, AT, PAGE, NULL));
	EXPECT_TRUE(engine_writes(&self->engine, AT + 8 * PAGE, self->memory));
	EXPECT_EQ(4, pinned_kib());
}

TEST_F(map, taken_addresses_are_refused_and_nothing_stays_pinned)
{
	ASSERT_EQ(0, map_fixed(self->fd, self->domain, self->memory, 2 * PAGE, AT));
	EXPECT_EQ(-EEXIST, map_at(self->fd, self->domain, user_memory(self->memory, 2 * PAGE),
				  AT + PAGE, V3COMPAT_MAP_FIXED, RW, &self->result));
	EXPECT_EQ(V3COMPAT_REASON_OVERLAP, self->result.out_reason);
	EXPECT_EQ(V3COMPAT_PARAM_ADDRESS, self->result.out_parameter);
	EXPECT_EQ(self->domain, self->result.out_object);
	EXPECT_EQ(AT + PAGE, self->result.out_first);
	EXPECT_EQ(AT + 3 * PAGE - 1, self->result.out_last);
	EXPECT_EQ(8, pinned_kib());
}

TEST_F(map, unmap_of_nothing)
{
	EXPECT_EQ(-ENOENT, unmap(self->fd, self->domain, AT, PAGE, &self->result));
	EXPECT_EQ(V3COMPAT_REASON_NOT_MAPPED, self->result.out_reason);
	ASSERT_EQ(0, map_fixed(self->fd, self->domain, self->memory, PAGE, AT));
	EXPECT_EQ(-ENOENT, unmap(self->fd, self->domain, AT, 2 * PAGE, &self->result));
	EXPECT_TRUE(engine_writes(&self->engine, AT, self->memory));
	EXPECT_EQ(4, pinned_kib());
}

TEST_F(map, beyond_the_aperture)
{
	EXPECT_EQ(-ERANGE, map_at(self->fd, self->domain, user_memory(self->memory, PAGE),
				  last_of(self->fd, self->domain) + 1, V3COMPAT_MAP_FIXED, RW,
				  &self->result));
	EXPECT_EQ(V3COMPAT_REASON_BEYOND_APERTURE, self->result.out_reason);
	EXPECT_EQ(0, pinned_kib());
}

TEST_F(map, interrupt_window_is_withheld)
{
	EXPECT_EQ(-EEXIST, map_at(self->fd, self->domain, user_memory(self->memory, PAGE),
				  0xfee00000, V3COMPAT_MAP_FIXED, RW, &self->result));
	EXPECT_EQ(0, pinned_kib());
}

TEST_F(map, domain_chooses)
{
	struct v3compat_map arg = {
		.object = self->chooses, .permissions = RW,
		.source = user_memory(self->memory, 3 * PAGE),
	};

	ASSERT_EQ(0, detach(self->fd, self->device, NULL));
	ASSERT_EQ(0, attach(self->fd, self->chooses, self->device, NULL));
	ASSERT_EQ(0, CALL(self->fd, MAP, &arg));
	EXPECT_GT(1ULL << 40, arg.address + 3 * PAGE);
	EXPECT_TRUE(engine_writes(&self->engine, arg.address + 2 * PAGE, self->memory + 2 * PAGE));
	EXPECT_EQ(0, unmap(self->fd, self->chooses, arg.address, 3 * PAGE, NULL));
}

TEST_F(map, bounds_are_kept)
{
	struct v3compat_map arg = {
		.object = self->chooses, .permissions = RW, .min = AT, .max = AT + 2 * PAGE - 1,
		.flags = V3COMPAT_MAP_MIN | V3COMPAT_MAP_MAX,
		.source = user_memory(self->memory, PAGE),
	};

	ASSERT_EQ(0, CALL(self->fd, MAP, &arg));
	EXPECT_LE(AT, arg.address);
	arg.address = 0;
	ASSERT_EQ(0, CALL(self->fd, MAP, &arg));
	EXPECT_GE(AT + PAGE, arg.address);
	arg.address = 0;
	EXPECT_EQ(-ENOSPC, CALL(self->fd, MAP, &arg));
	EXPECT_EQ(V3COMPAT_REASON_BOUNDS, arg.result.out_reason);
	EXPECT_EQ(8, pinned_kib());
}

TEST_F(map, fixed_in_a_domain_that_chooses)
{
	EXPECT_EQ(-EOPNOTSUPP, map_at(self->fd, self->chooses, user_memory(self->memory, PAGE), AT,
				      V3COMPAT_MAP_FIXED, RW, &self->result));
	EXPECT_EQ(V3COMPAT_REASON_ALLOCATOR_RULE, self->result.out_reason);
	EXPECT_EQ(0, pinned_kib());
}

TEST_F(map, not_fixed_in_a_domain_that_does_not_choose)
{
	EXPECT_EQ(-EOPNOTSUPP, map_at(self->fd, self->domain, user_memory(self->memory, PAGE), 0, 0,
				      RW, &self->result));
	EXPECT_EQ(V3COMPAT_REASON_ALLOCATOR_RULE, self->result.out_reason);
}

TEST_F(map, address_that_cannot_be_told_is_not_mapped)
{
	struct v3compat_map *arg = (void *)(self->memory + PAGE);

	*arg = (struct v3compat_map) {
		.size = sizeof(*arg), .object = self->domain, .permissions = RW, .address = AT,
		.flags = V3COMPAT_MAP_FIXED, .source = user_memory(self->memory, PAGE),
	};
	ASSERT_EQ(0, mprotect(arg, PAGE, PROT_READ));
	EXPECT_EQ(-EFAULT, call_(self->fd, V3COMPAT_IOCTL_MAP, arg));
	EXPECT_TRUE(engine_is_refused(&self->engine, AT));
	EXPECT_EQ(0, pinned_kib());
}

TEST_F(map, memory_that_is_not_there)
{
	ASSERT_EQ(0, munmap(self->memory + 2 * PAGE, PAGE));
	EXPECT_EQ(-EFAULT, map_at(self->fd, self->domain, user_memory(self->memory, 4 * PAGE), AT,
				  V3COMPAT_MAP_FIXED, RW, &self->result));
	EXPECT_EQ(V3COMPAT_REASON_NOT_PINNABLE, self->result.out_reason);
	EXPECT_EQ(V3COMPAT_PARAM_SOURCE, self->result.out_parameter);
	EXPECT_EQ((uintptr_t)self->memory + 2 * PAGE, self->result.out_first);
	EXPECT_EQ((uintptr_t)self->memory + 4 * PAGE - 1, self->result.out_last);
	EXPECT_EQ(0, pinned_kib());
	EXPECT_TRUE(engine_is_refused(&self->engine, AT));
}

/* Memory in several pieces, before a hole: what was pinned is given back once. */
TEST_F(map, pieces_before_a_hole)
{
	char *memory = new_memory(64 * PAGE);
	unsigned int i;

	ASSERT_NE(NULL, memory);
	/* Pages of another mapping between each two make neighbours in memory unlikely. */
	for (i = 0; i < 64; i += 2)
		ASSERT_EQ(0, madvise(memory + i * PAGE, PAGE, MADV_DONTNEED));
	for (i = 62; i < 64; i -= 2)
		memory[i * PAGE] = 1;
	ASSERT_EQ(0, munmap(memory + 63 * PAGE, PAGE));
	for (i = 0; i < 8; i++) {
		EXPECT_EQ(-EFAULT, map_at(self->fd, self->domain, user_memory(memory, 64 * PAGE),
					  AT, V3COMPAT_MAP_FIXED, RW, &self->result));
		EXPECT_EQ((uintptr_t)memory + 63 * PAGE, self->result.out_first);
	}
	EXPECT_EQ(0, pinned_kib());
	EXPECT_EQ(0, map_fixed(self->fd, self->domain, memory, 63 * PAGE, AT));
	EXPECT_EQ(63 * 4, pinned_kib());
}

TEST_F(map, unmapping_memory_leaves_the_device_its_pages)
{
	ASSERT_EQ(0, map_fixed(self->fd, self->domain, self->memory, PAGE, AT));
	ASSERT_EQ(0, munmap(self->memory, PAGE));
	EXPECT_TRUE(engine_puts(&self->engine, AT));
	EXPECT_TRUE(engine_finds(&self->engine, AT, ENGINE_WORD));
	EXPECT_EQ(4, pinned_kib());
}

TEST_F(map, memory_of_a_device)
{
	int fd = open("/dev/mem", O_RDWR | O_CLOEXEC);
	void *registers;

	if (fd < 0)
		SKIP(return, "no /dev/mem");
	registers = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0xfed00000);
	close(fd);
	if (registers == MAP_FAILED)
		SKIP(return, "/dev/mem refuses");
	EXPECT_EQ(-EOPNOTSUPP, map_at(self->fd, self->domain, user_memory(registers, PAGE), AT,
				      V3COMPAT_MAP_FIXED, RW, &self->result));
	EXPECT_EQ(V3COMPAT_REASON_DEVICE_MEMORY, self->result.out_reason);
}

TEST_F(map, odd_sources)
{
	struct v3compat_source source = user_memory(self->memory, PAGE);

	source.length = 0;
	EXPECT_EQ(-EINVAL, map_at(self->fd, self->domain, source, AT, V3COMPAT_MAP_FIXED, RW,
				  &self->result));
	EXPECT_EQ(V3COMPAT_REASON_EMPTY, self->result.out_reason);
	source.length = PAGE + 1;
	EXPECT_EQ(-EINVAL, map_at(self->fd, self->domain, source, AT, V3COMPAT_MAP_FIXED, RW,
				  &self->result));
	EXPECT_EQ(V3COMPAT_REASON_MISALIGNED, self->result.out_reason);
	source.length = ~0ULL & ~(PAGE - 1);
	EXPECT_EQ(-EOVERFLOW, map_at(self->fd, self->domain, source, AT, V3COMPAT_MAP_FIXED, RW,
				     &self->result));
	EXPECT_EQ(V3COMPAT_REASON_WRAPS, self->result.out_reason);
	source = user_memory(self->memory + 8, PAGE);
	EXPECT_EQ(-EINVAL, map_at(self->fd, self->domain, source, AT, V3COMPAT_MAP_FIXED, RW,
				  &self->result));
	EXPECT_EQ(V3COMPAT_REASON_MISALIGNED, self->result.out_reason);
	source = user_memory(self->memory, PAGE);
	source.__reserved[1] = 1;
	EXPECT_EQ(-EOPNOTSUPP, map_at(self->fd, self->domain, source, AT, V3COMPAT_MAP_FIXED, RW,
				      &self->result));
	EXPECT_EQ(V3COMPAT_REASON_UNKNOWN_FLAG, self->result.out_reason);
	source = user_memory(self->memory, PAGE);
	source.type = 77;
	EXPECT_EQ(-EINVAL, map_at(self->fd, self->domain, source, AT, V3COMPAT_MAP_FIXED, RW,
				  &self->result));
	EXPECT_EQ(V3COMPAT_REASON_BAD_ENUM, self->result.out_reason);
	source.type = V3COMPAT_SOURCE_IOAS;
	EXPECT_EQ(-EOPNOTSUPP, map_at(self->fd, self->domain, source, AT, V3COMPAT_MAP_FIXED, RW,
				      &self->result));
	EXPECT_EQ(V3COMPAT_REASON_NOT_OFFERED, self->result.out_reason);
	source.type = V3COMPAT_SOURCE_DMABUF;
	EXPECT_EQ(-EOPNOTSUPP, map_at(self->fd, self->domain, source, AT, V3COMPAT_MAP_FIXED, RW,
				      &self->result));
	EXPECT_EQ(0, pinned_kib());
}

TEST_F(map, odd_permissions)
{
	EXPECT_EQ(-EINVAL, map_at(self->fd, self->domain, user_memory(self->memory, PAGE), AT,
				  V3COMPAT_MAP_FIXED, 0, &self->result));
	EXPECT_EQ(V3COMPAT_REASON_NO_PERMISSION, self->result.out_reason);
	EXPECT_EQ(-EINVAL, map_at(self->fd, self->domain, user_memory(self->memory, PAGE), AT,
				  V3COMPAT_MAP_FIXED, 4, &self->result));
	EXPECT_EQ(V3COMPAT_REASON_RESERVED_BITS, self->result.out_reason);
}

TEST_F(map, odd_flags)
{
	struct v3compat_map arg = {
		.object = self->domain, .permissions = RW, .flags = 8,
		.source = user_memory(self->memory, PAGE),
	};

	EXPECT_EQ(-EOPNOTSUPP, CALL(self->fd, MAP, &arg));
	EXPECT_EQ(V3COMPAT_REASON_UNKNOWN_FLAG, arg.result.out_reason);
	arg.flags = V3COMPAT_MAP_FIXED;
	arg.min = 1;	/* without its flag */
	EXPECT_EQ(-EOPNOTSUPP, CALL(self->fd, MAP, &arg));
	EXPECT_EQ(V3COMPAT_PARAM_RESERVED, arg.result.out_parameter);
	EXPECT_EQ(0, pinned_kib());
}

TEST_F(map, handle_of_another_kind)
{
	EXPECT_EQ(-ENOENT, map_at(self->fd, self->device, user_memory(self->memory, PAGE), AT,
				  V3COMPAT_MAP_FIXED, RW, &self->result));
	EXPECT_EQ(V3COMPAT_REASON_BAD_HANDLE, self->result.out_reason);
	EXPECT_EQ(self->device, self->result.out_object);
	EXPECT_EQ(-ENOENT, unmap(self->fd, 0, AT, PAGE, &self->result));
	EXPECT_EQ(0, pinned_kib());
}

TEST_F(map, domain_with_mappings_is_destroyed)
{
	ASSERT_EQ(0, map_fixed(self->fd, self->domain, self->memory, MEMORY, AT));
	EXPECT_EQ(-EBUSY, destroy(self->fd, self->domain, &self->result));
	EXPECT_EQ(V3COMPAT_REASON_IN_USE, self->result.out_reason);
	EXPECT_EQ(self->device, self->result.out_object);
	ASSERT_EQ(0, detach(self->fd, self->device, NULL));
	ASSERT_EQ(0, destroy(self->fd, self->domain, NULL));
	EXPECT_EQ(0, pinned_kib());
}

TEST_F(map, registered_memory)
{
	struct v3compat_source source = { .type = V3COMPAT_SOURCE_MEMORY, .start = 2 * PAGE,
					  .length = 3 * PAGE };
	int memory = create_memory(self->fd, self->memory, MEMORY, 0, NULL);

	ASSERT_LT(0, memory);
	EXPECT_EQ(MEMORY / 1024, pinned_kib());
	source.object = memory;
	ASSERT_EQ(0, map_at(self->fd, self->domain, source, AT, V3COMPAT_MAP_FIXED, RW, NULL));
	ASSERT_EQ(0, map_at(self->fd, self->domain, source, AT + 16 * PAGE, V3COMPAT_MAP_FIXED, RW,
			    NULL));
	EXPECT_EQ(MEMORY / 1024, pinned_kib());
	EXPECT_TRUE(engine_writes(&self->engine, AT + PAGE, self->memory + 3 * PAGE));
	EXPECT_TRUE(engine_writes(&self->engine, AT + 18 * PAGE, self->memory + 4 * PAGE));
	EXPECT_EQ(-EBUSY, destroy(self->fd, memory, &self->result));
	EXPECT_EQ(V3COMPAT_REASON_IN_USE, self->result.out_reason);
	EXPECT_EQ(6, self->result.out_first);
	ASSERT_EQ(0, unmap(self->fd, self->domain, AT, 3 * PAGE, NULL));
	EXPECT_EQ(-EBUSY, destroy(self->fd, memory, NULL));
	ASSERT_EQ(0, unmap(self->fd, self->domain, AT + 16 * PAGE, 3 * PAGE, NULL));
	ASSERT_EQ(0, destroy(self->fd, memory, NULL));
	EXPECT_EQ(0, pinned_kib());
}

TEST_F(map, beyond_registered_memory)
{
	struct v3compat_source source = { .type = V3COMPAT_SOURCE_MEMORY, .start = MEMORY - PAGE,
					  .length = 2 * PAGE };

	source.object = create_memory(self->fd, self->memory, MEMORY, 0, NULL);
	ASSERT_LT(0, (int)source.object);
	EXPECT_EQ(-ERANGE, map_at(self->fd, self->domain, source, AT, V3COMPAT_MAP_FIXED, RW,
				  &self->result));
	EXPECT_EQ(V3COMPAT_REASON_BEYOND_MEMORY, self->result.out_reason);
	EXPECT_EQ(MEMORY - PAGE, self->result.out_first);
	EXPECT_EQ(0, destroy(self->fd, source.object, NULL));
}

TEST_F(map, read_only_registered_memory)
{
	struct v3compat_source source = { .type = V3COMPAT_SOURCE_MEMORY, .length = PAGE };

	source.object = create_memory(self->fd, self->memory, MEMORY, V3COMPAT_MEMORY_READ_ONLY,
				      NULL);
	ASSERT_LT(0, (int)source.object);
	EXPECT_EQ(-EACCES, map_at(self->fd, self->domain, source, AT, V3COMPAT_MAP_FIXED, RW,
				  &self->result));
	EXPECT_EQ(V3COMPAT_REASON_READ_ONLY, self->result.out_reason);
	EXPECT_EQ(0, map_at(self->fd, self->domain, source, AT, V3COMPAT_MAP_FIXED, V3COMPAT_READ,
			    NULL));
}

TEST_F(map, memfd)
{
	struct v3compat_source source = { .type = V3COMPAT_SOURCE_MEMFD, .start = PAGE,
					  .length = 3 * PAGE };
	int memfd = memfd_create("map_test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	char *view;

	ASSERT_LE(0, memfd);
	ASSERT_EQ(0, ftruncate(memfd, 8 * PAGE));
	view = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
	ASSERT_NE(MAP_FAILED, view);
	source.object = memfd;
	ASSERT_EQ(0, map_at(self->fd, self->domain, source, AT, V3COMPAT_MAP_FIXED, RW, NULL));
	EXPECT_EQ(12, pinned_kib());
	EXPECT_TRUE(engine_writes(&self->engine, AT + 2 * PAGE, view + 3 * PAGE));
	EXPECT_TRUE(engine_reads(&self->engine, AT, view + PAGE));
	/* What devices may write to cannot be sealed against writing. */
	ASSERT_EQ(0, munmap(view, 8 * PAGE));
	EXPECT_EQ(-1, fcntl(memfd, F_ADD_SEALS, F_SEAL_WRITE));
	EXPECT_EQ(EBUSY, errno);
	ASSERT_EQ(0, unmap(self->fd, self->domain, AT, 3 * PAGE, NULL));
	EXPECT_EQ(0, pinned_kib());
	EXPECT_EQ(0, fcntl(memfd, F_ADD_SEALS, F_SEAL_WRITE));
	EXPECT_EQ(-EACCES, map_at(self->fd, self->domain, source, AT, V3COMPAT_MAP_FIXED, RW,
				  &self->result));
	EXPECT_EQ(V3COMPAT_REASON_READ_ONLY, self->result.out_reason);
	EXPECT_EQ(0, map_at(self->fd, self->domain, source, AT, V3COMPAT_MAP_FIXED, V3COMPAT_READ,
			    NULL));
	close(memfd);
}

/* A memfd of huge pages, of which there are none, can still be sealed. */
TEST_F(map, memfd_that_could_not_be_pinned)
{
	struct v3compat_source source = { .type = V3COMPAT_SOURCE_MEMFD, .length = LARGE };
	int memfd = memfd_create("map_test", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB);

	ASSERT_EQ(0, write_file("/proc/sys/vm/nr_hugepages", "0"));
	ASSERT_LE(0, memfd);
	ASSERT_EQ(0, ftruncate(memfd, LARGE));
	source.object = memfd;
	EXPECT_EQ(-ENOMEM, map_at(self->fd, self->domain, source, AT, V3COMPAT_MAP_FIXED, RW,
				  &self->result));
	EXPECT_EQ(V3COMPAT_REASON_NO_MEMORY, self->result.out_reason);
	EXPECT_EQ(0, pinned_kib());
	EXPECT_EQ(0, fcntl(memfd, F_ADD_SEALS, F_SEAL_WRITE));
	close(memfd);
}

/*
 * unmaps_part(): these pages are unmapped, or stay as they are, because neighbours among them and
 * others have become a large page of the IOMMU's.
 */
static bool unmaps_part(struct _test_data_map *self, unsigned int first, unsigned int count)
{
	long before = pinned_kib();
	int ret = unmap(self->fd, self->domain, AT + first * PAGE, count * PAGE, &self->result);

	if (!ret)
		return pinned_kib() == before - 4 * (long)count;
	return ret == -EXDEV && self->result.out_reason == V3COMPAT_REASON_CUT_LARGE_PAGE &&
	       pinned_kib() == before;
}

TEST_F(map, memfd_in_parts)
{
	struct v3compat_source source = { .type = V3COMPAT_SOURCE_MEMFD, .length = 8 * PAGE };
	int memfd = memfd_create("map_test", MFD_CLOEXEC);

	ASSERT_LE(0, memfd);
	ASSERT_EQ(0, ftruncate(memfd, 8 * PAGE));
	source.object = memfd;
	ASSERT_EQ(0, map_at(self->fd, self->domain, source, AT, V3COMPAT_MAP_FIXED, RW, NULL));
	close(memfd);
	EXPECT_EQ(32, pinned_kib());
	EXPECT_TRUE(unmaps_part(self, 0, 3));
	EXPECT_TRUE(unmaps_part(self, 5, 3));
	EXPECT_TRUE(unmaps_part(self, 3, 2));
	/* iommusim's usual pages are not that large; the rest of others goes with the file. */
	if (!variant->pci && !variant->config.quirks)
		EXPECT_EQ(0, pinned_kib());
}

TEST_F(map, beyond_a_memfd)
{
	struct v3compat_source source = { .type = V3COMPAT_SOURCE_MEMFD, .start = 2 * PAGE,
					  .length = 3 * PAGE };
	int memfd = memfd_create("map_test", MFD_CLOEXEC);

	ASSERT_LE(0, memfd);
	ASSERT_EQ(0, ftruncate(memfd, 4 * PAGE));
	source.object = memfd;
	EXPECT_EQ(-ERANGE, map_at(self->fd, self->domain, source, AT, V3COMPAT_MAP_FIXED, RW,
				  &self->result));
	EXPECT_EQ(V3COMPAT_REASON_BEYOND_MEMORY, self->result.out_reason);
	close(memfd);
	EXPECT_EQ(-EBADF, map_at(self->fd, self->domain, source, AT, V3COMPAT_MAP_FIXED, RW,
				 &self->result));
	EXPECT_EQ(V3COMPAT_REASON_BAD_FILE, self->result.out_reason);
	source.object = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	EXPECT_EQ(-EBADF, map_at(self->fd, self->domain, source, AT, V3COMPAT_MAP_FIXED,
				 V3COMPAT_READ, &self->result));
	close(source.object);
	source.object = self->fd;
	EXPECT_EQ(-EBADF, map_at(self->fd, self->domain, source, AT, V3COMPAT_MAP_FIXED,
				 V3COMPAT_READ, &self->result));
	EXPECT_EQ(0, pinned_kib());
}

TEST_F(map, registered_memfd)
{
	struct v3compat_memory_create arg = {
		.source = { .type = V3COMPAT_SOURCE_MEMFD, .length = 4 * PAGE },
	};
	struct v3compat_source source = { .type = V3COMPAT_SOURCE_MEMORY, .start = PAGE,
					  .length = 2 * PAGE };
	int memfd = memfd_create("map_test", MFD_CLOEXEC);
	char *view;

	ASSERT_LE(0, memfd);
	ASSERT_EQ(0, ftruncate(memfd, 4 * PAGE));
	view = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
	ASSERT_NE(MAP_FAILED, view);
	arg.source.object = memfd;
	ASSERT_EQ(0, CALL(self->fd, MEMORY_CREATE, &arg));
	EXPECT_EQ(16, pinned_kib());
	source.object = arg.out_memory;
	ASSERT_EQ(0, map_at(self->fd, self->domain, source, AT, V3COMPAT_MAP_FIXED, RW, NULL));
	EXPECT_TRUE(engine_writes(&self->engine, AT + PAGE, view + 2 * PAGE));
	close(memfd);
}

TEST_F(map, reservation)
{
	struct v3compat_reserve reserve = {
		.flags = V3COMPAT_MAP_FIXED, .domain = self->domain, .length = 8 * PAGE,
		.address = AT,
	};

	ASSERT_EQ(0, CALL(self->fd, RESERVE, &reserve));
	EXPECT_EQ(AT, reserve.address);
	EXPECT_EQ(-EEXIST, map_at(self->fd, self->domain, user_memory(self->memory, PAGE),
				  AT + PAGE, V3COMPAT_MAP_FIXED, RW, NULL));
	ASSERT_EQ(0, map_at(self->fd, reserve.out_reservation, user_memory(self->memory, 2 * PAGE),
			    3 * PAGE, 0, RW, NULL));
	EXPECT_TRUE(engine_writes(&self->engine, AT + 4 * PAGE, self->memory + PAGE));
	EXPECT_EQ(8, pinned_kib());
	EXPECT_EQ(-EBUSY, destroy(self->fd, reserve.out_reservation, &self->result));
	ASSERT_EQ(0, unmap(self->fd, reserve.out_reservation, 3 * PAGE, 2 * PAGE, NULL));
	EXPECT_TRUE(engine_is_refused(&self->engine, AT + 4 * PAGE));
	EXPECT_EQ(0, pinned_kib());
	ASSERT_EQ(0, destroy(self->fd, reserve.out_reservation, NULL));
	EXPECT_EQ(0, map_fixed(self->fd, self->domain, self->memory, PAGE, AT + PAGE));
}

TEST_F(map, beyond_a_reservation)
{
	struct v3compat_reserve reserve = { .domain = self->chooses, .length = 4 * PAGE };

	ASSERT_EQ(0, CALL(self->fd, RESERVE, &reserve));
	EXPECT_NE(0, map_at(self->fd, reserve.out_reservation, user_memory(self->memory, 2 * PAGE),
			    3 * PAGE, 0, RW, &self->result));
	EXPECT_NE(0, self->result.out_reason);
	EXPECT_EQ(reserve.out_reservation, self->result.out_object);
	EXPECT_EQ(-EINVAL, map_at(self->fd, reserve.out_reservation,
				  user_memory(self->memory, PAGE), 8, 0, RW, &self->result));
	EXPECT_EQ(V3COMPAT_REASON_MISALIGNED, self->result.out_reason);
	EXPECT_EQ(V3COMPAT_PARAM_OFFSET, self->result.out_parameter);
	EXPECT_EQ(0, pinned_kib());
}

TEST_F(map, domain_with_a_reservation_is_in_use)
{
	struct v3compat_reserve reserve = { .domain = self->chooses, .length = 4 * PAGE };

	ASSERT_EQ(0, CALL(self->fd, RESERVE, &reserve));
	EXPECT_EQ(-EBUSY, destroy(self->fd, self->chooses, &self->result));
	EXPECT_EQ(reserve.out_reservation, self->result.out_object);
	ASSERT_EQ(0, destroy(self->fd, reserve.out_reservation, NULL));
	EXPECT_EQ(0, destroy(self->fd, self->chooses, NULL));
}

static struct v3compat_batch_entry map_entry(int domain, void *memory, size_t length,
					     unsigned long long address)
{
	return (struct v3compat_batch_entry) {
		.command = V3COMPAT_CMD_MAP,
		.map = {
			.size = sizeof(struct v3compat_map), .flags = V3COMPAT_MAP_FIXED,
			.object = domain, .permissions = RW, .address = address,
			.source = user_memory(memory, length),
		},
	};
}

static struct v3compat_batch_entry unmap_entry(int domain, unsigned long long address,
					       size_t length)
{
	return (struct v3compat_batch_entry) {
		.command = V3COMPAT_CMD_UNMAP,
		.unmap = {
			.size = sizeof(struct v3compat_unmap), .object = domain,
			.address = address, .length = length,
		},
	};
}

static int batch(int fd, struct v3compat_batch_entry *entries, unsigned int count,
		 struct v3compat_result *result)
{
	struct v3compat_batch arg = {
		.entries = (uintptr_t)entries, .count = count, .entry_size = sizeof(*entries),
	};
	int ret = CALL(fd, BATCH, &arg);

	if (result)
		*result = arg.result;
	return ret;
}

TEST_F(map, batch_of_maps_and_unmaps)
{
	struct v3compat_batch_entry entries[MEMORY / PAGE];
	unsigned int i;

	for (i = 0; i < MEMORY / PAGE; i++)
		entries[i] = map_entry(self->domain, self->memory + i * PAGE, PAGE,
				       AT + 2 * i * PAGE);
	ASSERT_EQ(MEMORY / PAGE, batch(self->fd, entries, MEMORY / PAGE, NULL));
	for (i = 0; i < MEMORY / PAGE; i++)
		EXPECT_TRUE(engine_writes(&self->engine, AT + 2 * i * PAGE,
					  self->memory + i * PAGE));
	EXPECT_EQ(MEMORY / 1024, pinned_kib());
	for (i = 0; i < MEMORY / PAGE; i++)
		entries[i] = unmap_entry(self->domain, AT + 2 * i * PAGE, PAGE);
	ASSERT_EQ(MEMORY / PAGE, batch(self->fd, entries, MEMORY / PAGE, NULL));
	for (i = 0; i < MEMORY / PAGE; i++)
		EXPECT_TRUE(engine_is_refused(&self->engine, AT + 2 * i * PAGE));
	EXPECT_EQ(0, pinned_kib());
}

TEST_F(map, batch_stops_at_the_first_refusal)
{
	struct v3compat_batch_entry entries[] = {
		map_entry(self->domain, self->memory, PAGE, AT),
		map_entry(self->domain, self->memory + PAGE, PAGE, AT + PAGE),
		map_entry(self->domain, self->memory, PAGE, AT),
		map_entry(self->domain, self->memory + PAGE, PAGE, AT + 4 * PAGE),
	};

	EXPECT_EQ(2, batch(self->fd, entries, 4, &self->result));
	EXPECT_EQ(V3COMPAT_REASON_OVERLAP, self->result.out_reason);
	EXPECT_EQ(AT, self->result.out_first);
	EXPECT_TRUE(engine_is_refused(&self->engine, AT + 4 * PAGE));
	EXPECT_EQ(8, pinned_kib());
	EXPECT_EQ(-EEXIST, batch(self->fd, entries, 4, &self->result));
	EXPECT_EQ(8, pinned_kib());
}

TEST_F(map, batch_of_unmaps_stops_at_the_first_refusal)
{
	struct v3compat_batch_entry entries[] = {
		unmap_entry(self->domain, AT, PAGE),
		unmap_entry(self->domain, AT + 2 * PAGE, PAGE),
		unmap_entry(self->domain, AT + 4 * PAGE, PAGE),
		unmap_entry(self->domain, AT + 6 * PAGE, PAGE),
	};
	unsigned int i;

	for (i = 0; i < 4; i++)
		if (i != 2)
			ASSERT_EQ(0, map_fixed(self->fd, self->domain, self->memory + i * PAGE,
					       PAGE, AT + 2 * i * PAGE));
	EXPECT_EQ(2, batch(self->fd, entries, 4, &self->result));
	EXPECT_EQ(V3COMPAT_REASON_NOT_MAPPED, self->result.out_reason);
	EXPECT_EQ(AT + 4 * PAGE, self->result.out_first);
	EXPECT_TRUE(engine_is_refused(&self->engine, AT + 2 * PAGE));
	EXPECT_TRUE(engine_writes(&self->engine, AT + 6 * PAGE, self->memory + 3 * PAGE));
	EXPECT_EQ(4, pinned_kib());
}

/* A refusal names what the entry that is refused names, and not what was done in front of it. */
TEST_F(map, batch_names_the_entry_that_is_refused)
{
	struct v3compat_batch_entry entries[] = {
		unmap_entry(self->domain, AT, PAGE),
		unmap_entry(self->domain, AT + PAGE, PAGE),
		map_entry(self->chooses, self->memory, PAGE, AT),
	};

	ASSERT_EQ(0, map_fixed(self->fd, self->domain, self->memory, PAGE, AT));
	ASSERT_EQ(0, map_fixed(self->fd, self->domain, self->memory, PAGE, AT + PAGE));
	EXPECT_EQ(2, batch(self->fd, entries, 3, &self->result));
	EXPECT_EQ(V3COMPAT_REASON_ALLOCATOR_RULE, self->result.out_reason);
	EXPECT_EQ(self->chooses, self->result.out_object);
	EXPECT_EQ(0, pinned_kib());

	ASSERT_EQ(0, map_fixed(self->fd, self->domain, self->memory, PAGE, AT));
	entries[1].command = V3COMPAT_CMD_DESTROY;
	EXPECT_EQ(1, batch(self->fd, entries, 2, &self->result));
	EXPECT_EQ(V3COMPAT_REASON_BAD_ENUM, self->result.out_reason);
	EXPECT_EQ(0, self->result.out_object);
	EXPECT_EQ(0, pinned_kib());
}

TEST_F(map, batch_moves_a_mapping)
{
	struct v3compat_batch_entry entries[] = {
		unmap_entry(self->domain, AT, PAGE),
		map_entry(self->domain, self->memory + PAGE, PAGE, AT),
		unmap_entry(self->domain, AT, PAGE),
		map_entry(self->domain, self->memory + 2 * PAGE, PAGE, AT),
	};

	ASSERT_EQ(0, map_fixed(self->fd, self->domain, self->memory, PAGE, AT));
	ASSERT_EQ(4, batch(self->fd, entries, 4, NULL));
	EXPECT_TRUE(engine_writes(&self->engine, AT, self->memory + 2 * PAGE));
	EXPECT_EQ(4, pinned_kib());
}

TEST_F(map, odd_batches)
{
	struct v3compat_batch_entry entries[2] = {
		map_entry(self->domain, self->memory, PAGE, AT),
		map_entry(self->domain, self->memory, PAGE, AT + PAGE),
	};

	EXPECT_EQ(-EINVAL, batch(self->fd, entries, 0, &self->result));
	EXPECT_EQ(V3COMPAT_REASON_EMPTY, self->result.out_reason);
	EXPECT_EQ(-E2BIG, batch(self->fd, entries, 1u << 20, &self->result));
	EXPECT_EQ(V3COMPAT_REASON_TOO_MANY, self->result.out_reason);
	entries[1].command = V3COMPAT_CMD_DESTROY;
	EXPECT_EQ(1, batch(self->fd, entries, 2, &self->result));
	EXPECT_EQ(V3COMPAT_REASON_BAD_ENUM, self->result.out_reason);
	EXPECT_EQ(V3COMPAT_PARAM_ENTRIES, self->result.out_parameter);
	EXPECT_EQ(-EFAULT, batch(self->fd, NULL, 2, &self->result));
	EXPECT_EQ(V3COMPAT_REASON_BAD_POINTER, self->result.out_reason);
	EXPECT_EQ(4, pinned_kib());
}

TEST_F(map, close_gives_everything_back)
{
	struct v3compat_reserve reserve = { .domain = self->chooses, .length = 4 * PAGE };

	ASSERT_EQ(0, map_fixed(self->fd, self->domain, self->memory, MEMORY, AT));
	ASSERT_EQ(0, CALL(self->fd, RESERVE, &reserve));
	ASSERT_EQ(0, map_at(self->fd, reserve.out_reservation, user_memory(self->memory, PAGE), 0,
			    0, RW, NULL));
	ASSERT_LT(0, create_memory(self->fd, self->memory, MEMORY, 0, NULL));
	EXPECT_EQ(2 * MEMORY / 1024 + 4, pinned_kib());
	close(self->fd);
	EXPECT_EQ(0, pinned_kib());
	EXPECT_TRUE(engine_is_refused(&self->engine, AT));
	self->fd = -1;
}

TEST_HARNESS_MAIN
