// SPDX-License-Identifier: GPL-2.0
/*
 * What somebody may do who was passed a file of /dev/v3compat with a device in it, and has no
 * rights himself: use the device on his own memory. And what he may not: whatever shows a device
 * memory that is not his, and whatever is for all devices.
 */
#define _GNU_SOURCE
#include "process.h"
#include "refusal.h"

#include "../kselftest_harness.h"

#define AT	0x40000000ULL
#define RW	(V3COMPAT_READ | V3COMPAT_WRITE)
#define MEMORY	(8 * PAGE)

/* Of page tables of x86-64. */
#define PRESENT		1ULL
#define WRITABLE	2ULL
#define USER		4ULL

static int be_nobody(void)
{
	return become_user(NOBODY);
}

/* Root of a user namespace of his own, with all capabilities there. */
static int be_root_elsewhere(void)
{
	char map[64];

	if (unshare(CLONE_NEWUSER))
		return -errno;
	snprintf(map, sizeof(map), "0 0 1");
	if (write_file("/proc/self/uid_map", map))
		return -errno;
	return geteuid() ? -EPERM : 0;
}

static int be_nobody_elsewhere(void)
{
	int ret = become_user(NOBODY);

	if (ret)
		return ret;
	return unshare(CLONE_NEWUSER) ? -errno : 0;
}

/* Root with all capabilities but the two that are asked for. */
static int be_weak_root(void)
{
	return keep_capabilities(~(1ULL << CAP_SYS_RAWIO | 1ULL << CAP_SYS_ADMIN));
}

FIXTURE(receiver) {
	struct sim sim;
	char second[IOMMUSIM_NAME_SIZE];
	int fd;
	int device;
	int pasid;
	int domain;
	int passes;		/* a PassThrough domain */
	int identity;		/* an Unmanaged domain that shows all of memory */
	int reservation;
	unsigned int number;	/* of the sub-device */
	int log;
	char *memory;
	struct v3compat_result result;
};

FIXTURE_VARIANT(receiver) {
	int (*become)(void);
};

FIXTURE_VARIANT_ADD(receiver, nobody) { .become = be_nobody };
FIXTURE_VARIANT_ADD(receiver, root_elsewhere) { .become = be_root_elsewhere };
FIXTURE_VARIANT_ADD(receiver, nobody_elsewhere) { .become = be_nobody_elsewhere };
FIXTURE_VARIANT_ADD(receiver, weak_root) { .become = be_weak_root };

static int configure_identity(int fd, int domain, struct v3compat_result *result)
{
	struct v3compat_domain_configure configure = {
		.domain = domain, .format = V3COMPAT_TABLES_IDENTITY,
	};
	int ret = CALL(fd, DOMAIN_CONFIGURE, &configure);

	if (result)
		*result = configure.result;
	return ret;
}

/* claim() is who has all rights: it opens the file, makes what only it can, and passes it on. */
static int claim(struct _test_data_receiver *self, int socket)
{
	int fd = open_v3compat(), device, passes, identity;

	if (fd < 0)
		return 1;
	device = create_device(fd, self->sim.name, V3COMPAT_DEVICE_TAGGED, NULL);
	passes = create_domain(fd, V3COMPAT_DOMAIN_PASSTHROUGH, 0, NULL);
	identity = create_domain(fd, V3COMPAT_DOMAIN_UNMANAGED, 0, NULL);
	if (device < 0 || passes < 0 || identity < 0 || configure_identity(fd, identity, NULL))
		return 2;
	if (send_fd(socket, fd, device) || send_fd(socket, fd, passes) ||
	    send_fd(socket, fd, identity))
		return 3;
	return 0;
}

FIXTURE_SETUP(receiver)
{
	const struct sim_config config = { .max_pasids = 64 };
	struct v3compat_pasid_create pasid = {};
	struct v3compat_reserve reserve = { .length = 4 * PAGE, .address = 2 * AT,
					    .flags = V3COMPAT_MAP_FIXED };
	int sockets[2], status, again;
	pid_t child;

	ASSERT_EQ(0, open_sim(&self->sim, &config));
	ASSERT_LT(0, add_device(&self->sim, 0, 0, NULL, 0, self->second));
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets));
	child = fork();
	ASSERT_LE(0, child);
	if (!child)
		_exit(claim(self, sockets[0]));
	ASSERT_EQ(child, waitpid(child, &status, 0));
	ASSERT_EQ(0, status);
	self->log = open_log();
	ASSERT_LE(0, self->log);
	ASSERT_EQ(0, variant->become());
	self->fd = receive_fd(sockets[1], &self->device);
	ASSERT_LE(0, self->fd);
	again = receive_fd(sockets[1], &self->passes);
	ASSERT_LE(0, again);
	close(again);
	again = receive_fd(sockets[1], &self->identity);
	ASSERT_LE(0, again);
	close(again);
	self->memory = new_memory(MEMORY);
	ASSERT_NE(NULL, self->memory);
	self->domain = create_domain(self->fd, V3COMPAT_DOMAIN_TRANSLATE, 0, NULL);
	ASSERT_LT(0, self->domain);
	reserve.domain = self->domain;
	ASSERT_EQ(0, CALL(self->fd, RESERVE, &reserve));
	self->reservation = reserve.out_reservation;
	pasid.device = self->device;
	ASSERT_EQ(0, CALL(self->fd, PASID_CREATE, &pasid));
	self->pasid = pasid.out_pasid;
	self->number = pasid.out_number;
}

FIXTURE_TEARDOWN(receiver)
{
	close(self->fd);
	EXPECT_EQ(0, pinned_kib());
	close_sim(&self->sim);
}

/* What works. */

TEST_F(receiver, may_map_his_memory)
{
	ASSERT_EQ(0, attach(self->fd, self->domain, self->device, NULL));
	ASSERT_EQ(0, map_fixed(self->fd, self->domain, self->memory, MEMORY, AT));
	EXPECT_EQ(MEMORY / 1024, pinned_kib());
	EXPECT_EQ(MEMORY, info_of(self->fd).out_pinned.used);
	EXPECT_TRUE(device_writes(&self->sim, AT + PAGE, self->memory + PAGE));
	EXPECT_TRUE(device_reads(&self->sim, AT + 2 * PAGE, self->memory + 2 * PAGE));
	ASSERT_EQ(0, unmap(self->fd, self->domain, AT, MEMORY, NULL));
	EXPECT_TRUE(is_refused(&self->sim, AT + PAGE));
	EXPECT_EQ(0, pinned_kib());
	EXPECT_EQ(0, info_of(self->fd).out_pinned.used);
}

TEST_F(receiver, may_let_a_domain_choose)
{
	int chooses = create_domain(self->fd, V3COMPAT_DOMAIN_TRANSLATE, 40, NULL);
	struct v3compat_map map = {
		.object = chooses, .permissions = RW, .source = user_memory(self->memory, PAGE),
	};

	ASSERT_LT(0, chooses);
	ASSERT_EQ(0, attach(self->fd, chooses, self->device, NULL));
	ASSERT_EQ(0, CALL(self->fd, MAP, &map));
	EXPECT_TRUE(device_writes(&self->sim, map.address, self->memory));
	ASSERT_EQ(0, unmap(self->fd, chooses, map.address, PAGE, NULL));
	EXPECT_EQ(0, detach(self->fd, self->device, NULL));
	EXPECT_EQ(0, destroy(self->fd, chooses, NULL));
}

TEST_F(receiver, may_map_in_a_reservation)
{
	ASSERT_EQ(0, attach(self->fd, self->domain, self->device, NULL));
	ASSERT_EQ(0, map_at(self->fd, self->reservation, user_memory(self->memory, 2 * PAGE), PAGE,
			    0, RW, NULL));
	EXPECT_TRUE(device_writes(&self->sim, 2 * AT + 2 * PAGE, self->memory + PAGE));
	ASSERT_EQ(0, unmap(self->fd, self->reservation, PAGE, 2 * PAGE, NULL));
	EXPECT_TRUE(is_refused(&self->sim, 2 * AT + 2 * PAGE));
	EXPECT_EQ(0, destroy(self->fd, self->reservation, NULL));
}

TEST_F(receiver, may_map_by_batches)
{
	struct v3compat_batch_entry entries[2] = {
		{
			.command = V3COMPAT_CMD_MAP,
			.map = {
				.size = sizeof(struct v3compat_map), .flags = V3COMPAT_MAP_FIXED,
				.object = self->domain, .permissions = RW, .address = AT,
				.source = user_memory(self->memory, PAGE),
			},
		}, {
			.command = V3COMPAT_CMD_UNMAP,
			.unmap = {
				.size = sizeof(struct v3compat_unmap), .object = self->domain,
				.address = AT, .length = PAGE,
			},
		},
	};
	struct v3compat_batch batch = {
		.entries = (uintptr_t)entries, .count = 1, .entry_size = sizeof(entries[0]),
	};

	ASSERT_EQ(0, attach(self->fd, self->domain, self->device, NULL));
	ASSERT_EQ(1, CALL(self->fd, BATCH, &batch));
	EXPECT_TRUE(device_writes(&self->sim, AT, self->memory));
	batch.entries = (uintptr_t)&entries[1];
	ASSERT_EQ(1, CALL(self->fd, BATCH, &batch));
	EXPECT_TRUE(is_refused(&self->sim, AT));
}

TEST_F(receiver, may_register_memory)
{
	struct v3compat_memory_create create = {
		.source = { .type = V3COMPAT_SOURCE_MEMFD, .length = 2 * PAGE },
	};
	struct v3compat_source source = { .type = V3COMPAT_SOURCE_MEMORY, .length = PAGE };
	int memfd = memfd_create("privilege_test", MFD_CLOEXEC);

	source.object = create_memory(self->fd, self->memory, MEMORY, 0, NULL);
	ASSERT_LT(0, (int)source.object);
	ASSERT_EQ(0, attach(self->fd, self->domain, self->device, NULL));
	ASSERT_EQ(0, map_at(self->fd, self->domain, source, AT, V3COMPAT_MAP_FIXED, RW, NULL));
	EXPECT_TRUE(device_writes(&self->sim, AT, self->memory));
	ASSERT_LE(0, memfd);
	ASSERT_EQ(0, ftruncate(memfd, 2 * PAGE));
	create.source.object = memfd;
	ASSERT_EQ(0, CALL(self->fd, MEMORY_CREATE, &create));
	EXPECT_EQ((MEMORY + 2 * PAGE) / 1024, pinned_kib());
	EXPECT_EQ(0, destroy(self->fd, create.out_memory, NULL));
	close(memfd);
}

TEST_F(receiver, may_ask)
{
	struct v3compat_domain_query domain = { .domain = self->domain };
	struct v3compat_device_query device = { .device = self->device };
	struct v3compat_device_query named = { .name = name_of("platform", self->second) };
	struct v3compat_input_mappings mappings = { .device = self->device };
	struct v3compat_guard_state guard = {};

	EXPECT_EQ(0, CALL(self->fd, DOMAIN_QUERY, &domain));
	EXPECT_EQ(V3COMPAT_DOMAIN_SETTLED, domain.out_flags);
	EXPECT_EQ(0, CALL(self->fd, DEVICE_QUERY, &device));
	EXPECT_EQ(64, device.out_max_pasids);
	EXPECT_EQ(0, CALL(self->fd, DEVICE_QUERY, &named));
	EXPECT_EQ(0, named.out_blocker_reason);
	EXPECT_EQ(0, CALL(self->fd, INPUT_MAPPINGS, &mappings));
	EXPECT_EQ(0, CALL(self->fd, GUARD_QUERY, &guard));
	EXPECT_LT(0, info_of(self->fd).out_version);
}

TEST_F(receiver, may_flush)
{
	unsigned long long list = AT;
	struct v3compat_domain_flush flush = { .domain = self->domain };

	EXPECT_EQ(0, CALL(self->fd, DOMAIN_FLUSH, &flush));
	flush.list = (uintptr_t)&list;
	flush.count = 1;
	EXPECT_EQ(0, CALL(self->fd, DOMAIN_FLUSH, &flush));
}

TEST_F(receiver, may_use_sub_devices)
{
	unsigned int value = 0x600d;

	ASSERT_EQ(0, attach(self->fd, self->domain, self->pasid, NULL));
	ASSERT_EQ(0, map_fixed(self->fd, self->domain, self->memory, PAGE, AT));
	EXPECT_EQ(IOMMUSIM_OK, dma_pasid(&self->sim, self->sim.device, self->number, AT, &value,
					 sizeof(value), true));
	EXPECT_EQ(value, *(unsigned int *)self->memory);
	EXPECT_EQ(0, detach(self->fd, self->pasid, NULL));
	EXPECT_EQ(0, destroy(self->fd, self->pasid, NULL));
}

TEST_F(receiver, may_hear_of_the_device)
{
	struct v3compat_events_open open = {
		.device = self->device, .mask = 1u << V3COMPAT_EVENT_STATE,
	};
	struct v3compat_page_response response = { .device = self->device, .cookie = 1 };
	struct v3compat_event event;

	ASSERT_EQ(0, CALL(self->fd, EVENTS_OPEN, &open));
	EXPECT_EQ(sizeof(event), read(open.out_fd, &event, sizeof(event)));
	EXPECT_EQ(V3COMPAT_EVENT_STATE, event.type);
	close(open.out_fd);
	EXPECT_TRUE(is_refusal(CALL(self->fd, PAGE_RESPONSE, &response), &response.result,
			       REASON(BAD_HANDLE), PARAM(COOKIE)));
}

TEST_F(receiver, may_open_the_device)
{
	struct v3compat_device_open open = { .device = self->device };
	struct v3compat_region_query region = {};
	struct v3compat_interrupt_query query = { .type = V3COMPAT_INTERRUPT_WIRED };
	struct v3compat_interrupt_set set = {};
	struct v3compat_reset reset = {};

	ASSERT_EQ(0, CALL(self->fd, DEVICE_OPEN, &open));
	EXPECT_EQ(0, CALL(open.out_fd, REGION_QUERY, &region));
	EXPECT_EQ(0, CALL(open.out_fd, INTERRUPT_QUERY, &query));
	EXPECT_EQ(0, CALL(open.out_fd, INTERRUPT_SET, &set));
	EXPECT_TRUE(is_refusal(CALL(open.out_fd, RESET, &reset), &reset.result, REASON(NO_RESET),
			       PARAM(DEVICE)));
	close(open.out_fd);
}

/* Tables that map one page at @at in the first eight pages of registered memory. */
static void make_tables(char *memory, unsigned long long at, unsigned long long page)
{
	unsigned long long *table;
	unsigned int level;

	for (level = 4; level; level--) {
		table = (void *)(memory + (4 - level) * PAGE);
		memset(table, 0, PAGE);
		table[at >> (12 + 9 * (level - 1)) & 511] =
			(level > 1 ? (5 - level) * PAGE : page) | PRESENT | WRITABLE | USER;
	}
}

TEST_F(receiver, may_have_tables_over_his_memory)
{
	int unmanaged = create_domain(self->fd, V3COMPAT_DOMAIN_UNMANAGED, 0, NULL);
	struct v3compat_domain_configure configure = {
		.domain = unmanaged, .format = V3COMPAT_TABLES_X64, .width = 48,
	};
	struct v3compat_domain_flush flush = { .domain = unmanaged };

	ASSERT_LT(0, unmanaged);
	make_tables(self->memory, AT, 5 * PAGE);
	configure.memory = create_memory(self->fd, self->memory, MEMORY, 0, NULL);
	ASSERT_LT(0, (int)configure.memory);
	ASSERT_EQ(0, CALL(self->fd, DOMAIN_CONFIGURE, &configure));
	ASSERT_EQ(0, attach(self->fd, unmanaged, self->device, &self->result));
	EXPECT_TRUE(device_writes(&self->sim, AT, self->memory + 5 * PAGE));
	EXPECT_TRUE(is_refused(&self->sim, AT + PAGE));
	/* What is beyond the memory is nothing, wherever it would be as a physical address. */
	make_tables(self->memory, AT, MEMORY);
	ASSERT_EQ(0, CALL(self->fd, DOMAIN_FLUSH, &flush));
	EXPECT_TRUE(is_refused(&self->sim, AT));
	make_tables(self->memory, AT, 1 << 20);
	ASSERT_EQ(0, CALL(self->fd, DOMAIN_FLUSH, &flush));
	EXPECT_TRUE(is_refused(&self->sim, AT));
	/* He may not have no tables instead. */
	EXPECT_TRUE(is_refusal(configure_identity(self->fd, unmanaged, &self->result),
			       &self->result, REASON(PRIVILEGE), PARAM(NONE)));
	EXPECT_TRUE(is_refused(&self->sim, 1 << 20));
	make_tables(self->memory, AT, 6 * PAGE);
	ASSERT_EQ(0, CALL(self->fd, DOMAIN_FLUSH, &flush));
	EXPECT_TRUE(device_writes(&self->sim, AT, self->memory + 6 * PAGE));
}

TEST_F(receiver, may_end_it_all)
{
	int fd;

	ASSERT_EQ(0, destroy(self->fd, self->reservation, NULL));
	ASSERT_EQ(0, destroy(self->fd, self->pasid, NULL));
	ASSERT_EQ(0, destroy(self->fd, self->device, NULL));
	ASSERT_EQ(0, destroy(self->fd, self->domain, NULL));
	ASSERT_EQ(0, destroy(self->fd, self->passes, NULL));
	ASSERT_EQ(0, destroy(self->fd, self->identity, NULL));
	EXPECT_EQ(0, info_of(self->fd).out_objects.used);
	/* The device was all that he had: he cannot have it again, */
	EXPECT_EQ(-EPERM, create_device(self->fd, self->sim.name, 0, &self->result));
	EXPECT_EQ(REASON(PRIVILEGE), self->result.out_reason);
	/* nor does a file of his own help him. */
	fd = open_v3compat();
	if (fd < 0) {
		EXPECT_EQ(EACCES, errno);
		return;
	}
	EXPECT_EQ(-EPERM, create_device(fd, self->sim.name, 0, &self->result));
	EXPECT_EQ(REASON(PRIVILEGE), self->result.out_reason);
	close(fd);
}

/* What does not. */

#define EXPECT_PRIVILEGE(ret, result_, capability) do {				\
	EXPECT_TRUE(is_refusal(ret, result_, REASON(PRIVILEGE), PARAM(NONE)));	\
	EXPECT_EQ(capability, (result_)->out_first);				\
} while (0)

TEST_F(receiver, may_not_claim_devices)
{
	const char *const names[] = { self->second, self->sim.name, "no-such-device", "" };
	struct state state = state_of(self->fd);
	unsigned int i, flags;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		for (flags = 0; flags < 4; flags++) {
			EXPECT_PRIVILEGE(create_device(self->fd, names[i], flags, &self->result),
					 &self->result, CAP_SYS_RAWIO);
		}
	}
	EXPECT_TRUE(is_unchanged(self->fd, &state));
}

TEST_F(receiver, may_not_pass_through)
{
	int own = create_domain(self->fd, V3COMPAT_DOMAIN_PASSTHROUGH, 0, NULL);
	const int domains[] = { self->passes, own };
	struct v3compat_device_query query = { .device = self->device };
	unsigned int i;

	ASSERT_LT(0, own);
	for (i = 0; i < ARRAY_SIZE(domains); i++) {
		EXPECT_PRIVILEGE(attach(self->fd, domains[i], self->device, &self->result),
				 &self->result, CAP_SYS_RAWIO);
		EXPECT_EQ(self->device, self->result.out_object);
		EXPECT_PRIVILEGE(attach(self->fd, domains[i], self->pasid, &self->result),
				 &self->result, CAP_SYS_RAWIO);
		EXPECT_EQ(self->pasid, self->result.out_object);
	}
	ASSERT_EQ(0, CALL(self->fd, DEVICE_QUERY, &query));
	EXPECT_EQ(0, query.out_flags & V3COMPAT_DEVICE_ATTACHED);
	EXPECT_TRUE(is_refused(&self->sim, 1 << 20));
	/* What is attached stays so, and nothing else. */
	ASSERT_EQ(0, attach(self->fd, self->domain, self->device, NULL));
	EXPECT_PRIVILEGE(attach(self->fd, own, self->device, &self->result), &self->result,
			 CAP_SYS_RAWIO);
	EXPECT_TRUE(is_refused(&self->sim, 1 << 20));
	EXPECT_EQ(-EBUSY, destroy(self->fd, self->domain, NULL));
}

TEST_F(receiver, may_not_attach_what_shows_all_of_memory)
{
	EXPECT_PRIVILEGE(attach(self->fd, self->identity, self->device, &self->result),
			 &self->result, CAP_SYS_RAWIO);
	EXPECT_EQ(self->device, self->result.out_object);
	EXPECT_PRIVILEGE(attach(self->fd, self->identity, self->pasid, &self->result),
			 &self->result, CAP_SYS_RAWIO);
	EXPECT_TRUE(is_refused(&self->sim, 1 << 20));
}

TEST_F(receiver, may_not_have_tables_of_identity)
{
	int unmanaged = create_domain(self->fd, V3COMPAT_DOMAIN_UNMANAGED, 0, NULL);

	ASSERT_LT(0, unmanaged);
	EXPECT_PRIVILEGE(configure_identity(self->fd, unmanaged, &self->result), &self->result,
			 CAP_SYS_RAWIO);
	ASSERT_EQ(0, attach(self->fd, unmanaged, self->device, &self->result));
	EXPECT_PRIVILEGE(configure_identity(self->fd, unmanaged, &self->result), &self->result,
			 CAP_SYS_RAWIO);
	EXPECT_TRUE(is_refused(&self->sim, 1 << 20));
}

TEST_F(receiver, may_not_map_physical_memory)
{
	struct v3compat_source source = {
		.type = V3COMPAT_SOURCE_PHYSICAL, .start = 1 << 20, .length = PAGE,
	};
	struct v3compat_memory_create create = { .source = source };
	struct state state = state_of(self->fd);

	ASSERT_EQ(0, attach(self->fd, self->domain, self->device, NULL));
	EXPECT_PRIVILEGE(map_at(self->fd, self->domain, source, AT, V3COMPAT_MAP_FIXED, RW,
				&self->result),
			 &self->result, CAP_SYS_RAWIO);
	EXPECT_PRIVILEGE(map_at(self->fd, self->domain, source, AT, V3COMPAT_MAP_FIXED,
				V3COMPAT_READ, &self->result),
			 &self->result, CAP_SYS_RAWIO);
	EXPECT_PRIVILEGE(map_at(self->fd, self->reservation, source, 0, 0, RW, &self->result),
			 &self->result, CAP_SYS_RAWIO);
	EXPECT_TRUE(is_refusal(CALL(self->fd, MEMORY_CREATE, &create), &create.result,
			       REASON(NOT_OFFERED), PARAM(SOURCE)));
	EXPECT_TRUE(is_refused(&self->sim, AT));
	EXPECT_TRUE(is_refused(&self->sim, 2 * AT));
	EXPECT_TRUE(is_unchanged(self->fd, &state));
}

TEST_F(receiver, may_not_map_physical_memory_by_batches)
{
	struct v3compat_batch_entry entries[2] = {
		{
			.command = V3COMPAT_CMD_MAP,
			.map = {
				.size = sizeof(struct v3compat_map), .flags = V3COMPAT_MAP_FIXED,
				.object = self->domain, .permissions = RW, .address = AT,
				.source = user_memory(self->memory, PAGE),
			},
		},
	};
	struct v3compat_batch batch = {
		.entries = (uintptr_t)entries, .count = 2, .entry_size = sizeof(entries[0]),
	};

	ASSERT_EQ(0, attach(self->fd, self->domain, self->device, NULL));
	entries[1] = entries[0];
	entries[1].map.address += PAGE;
	entries[1].map.source = (struct v3compat_source) {
		.type = V3COMPAT_SOURCE_PHYSICAL, .start = 1 << 20, .length = PAGE,
	};
	EXPECT_EQ(1, CALL(self->fd, BATCH, &batch));
	EXPECT_PRIVILEGE(-EPERM, &batch.result, CAP_SYS_RAWIO);
	EXPECT_TRUE(is_refused(&self->sim, AT + PAGE));
	EXPECT_EQ(PAGE, info_of(self->fd).out_mapped.used);
}

TEST_F(receiver, may_not_map_identity_ranges)
{
	struct v3compat_identity identity = {
		.domain = self->domain, .permissions = RW,
		.source = {
			.type = V3COMPAT_SOURCE_PHYSICAL, .start = 1 << 20, .length = PAGE,
		},
	};
	struct state state = state_of(self->fd);

	ASSERT_EQ(0, attach(self->fd, self->domain, self->device, NULL));
	EXPECT_PRIVILEGE(CALL(self->fd, MAP_IDENTITY, &identity), &identity.result, CAP_SYS_RAWIO);
	identity.permissions = 0;
	EXPECT_PRIVILEGE(CALL(self->fd, UNMAP_IDENTITY, &identity), &identity.result,
			 CAP_SYS_RAWIO);
	/* His own memory at its physical address is not offered either. */
	identity.permissions = RW;
	identity.source = user_memory(self->memory, PAGE);
	EXPECT_TRUE(is_refusal(CALL(self->fd, MAP_IDENTITY, &identity), &identity.result,
			       REASON(NOT_OFFERED), PARAM(SOURCE)));
	EXPECT_TRUE(is_refused(&self->sim, 1 << 20));
	EXPECT_TRUE(is_unchanged(self->fd, &state));
}

TEST_F(receiver, may_not_have_regions_that_are_mapped)
{
	struct v3compat_region regions[2] = {
		{ .base = 0, .length = PAGE },
		{ .base = 1 << 20, .length = PAGE, .flags = V3COMPAT_REGION_MAP },
	};
	struct v3compat_domain_create create = {
		.address_width = 40, .regions = (uintptr_t)regions, .nr_regions = 2,
	};
	struct state state = state_of(self->fd);

	EXPECT_PRIVILEGE(CALL(self->fd, DOMAIN_CREATE, &create), &create.result, CAP_SYS_RAWIO);
	EXPECT_TRUE(is_unchanged(self->fd, &state));
	/* Those that are left out only are for everybody. */
	create.nr_regions = 1;
	EXPECT_EQ(0, CALL(self->fd, DOMAIN_CREATE, &create));
}

TEST_F(receiver, may_not_set_the_guard)
{
	struct v3compat_guard_state before = {}, after = {}, set = {};
	unsigned int flags;

	ASSERT_EQ(0, CALL(self->fd, GUARD_QUERY, &before));
	for (flags = 1; flags < 4; flags++) {
		set.flags = flags;
		set.policy = flags & V3COMPAT_GUARD_SET_POLICY ? V3COMPAT_GUARD_POLICY_ALL : 0;
		set.locked = !!(flags & V3COMPAT_GUARD_SET_LOCKED);
		EXPECT_PRIVILEGE(CALL(self->fd, GUARD_SET, &set), &set.result, CAP_SYS_ADMIN);
		/* Nor to what it is. */
		set.policy = flags & V3COMPAT_GUARD_SET_POLICY ? before.policy : 0;
		set.locked = flags & V3COMPAT_GUARD_SET_LOCKED ? before.locked : 0;
		EXPECT_PRIVILEGE(CALL(self->fd, GUARD_SET, &set), &set.result, CAP_SYS_ADMIN);
	}
	ASSERT_EQ(0, CALL(self->fd, GUARD_QUERY, &after));
	EXPECT_EQ(before.policy, after.policy);
	EXPECT_EQ(before.locked, after.locked);
}

TEST_F(receiver, may_not_set_parameters_or_see_the_listing)
{
	if (variant->become == be_weak_root)
		return;		/* files of sysfs and debugfs are root's */
	if (variant->become == be_root_elsewhere)
		return;		/* likewise */
	EXPECT_EQ(-EACCES, set_parameter("max_objects", 1));
	EXPECT_EQ(-EACCES, set_parameter("allow_unsafe_interrupts", 1));
	EXPECT_EQ(-1, open("/sys/kernel/debug/v3compat/files", O_RDONLY | O_CLOEXEC));
	EXPECT_EQ(EACCES, errno);
	EXPECT_NE(0, bind_device(self->second, "v3compat-platform"));
}

/*
 * struct attempt: what comes of a command with everything in it right: 0 where it works, or the
 * reason why it is refused.
 */
struct attempt {
	unsigned int number;
	unsigned int reason;
	union {
		unsigned int size;
		struct v3compat_info info;
		struct v3compat_destroy destroy;
		struct v3compat_domain_create domain_create;
		struct v3compat_domain_query domain_query;
		struct v3compat_domain_configure domain_configure;
		struct v3compat_domain_flush domain_flush;
		struct v3compat_device_create device_create;
		struct v3compat_device_query device_query;
		struct v3compat_device_open device_open;
		struct v3compat_input_mappings input_mappings;
		struct v3compat_pasid_create pasid_create;
		struct v3compat_attach attach;
		struct v3compat_memory_create memory_create;
		struct v3compat_map map;
		struct v3compat_unmap unmap;
		struct v3compat_reserve reserve;
		struct v3compat_identity identity;
		struct v3compat_batch batch;
		struct v3compat_events_open events_open;
		struct v3compat_page_response page_response;
		struct v3compat_guard_state guard;
		struct v3compat_region_query region_query;
		struct v3compat_interrupt_query interrupt_query;
		struct v3compat_interrupt_set interrupt_set;
		struct v3compat_reset reset;
	};
};

#define ATTEMPT(name, reason_, member_, ...) {					\
	.number = V3COMPAT_CMD_##name, .reason = reason_,			\
	.member_ = { .size = sizeof(((struct attempt *)0)->member_), ##__VA_ARGS__ }, \
}

/* try_all() returns the number of the first command that does not end as it should, or -1. */
static int try_all(int fd, struct attempt *attempts, unsigned int count)
{
	unsigned int i;
	int ret;

	for (i = 0; i < count; i++) {
		ret = call_(fd, _IO(V3COMPAT_IOC_TYPE, attempts[i].number), &attempts[i].size);
		if (attempts[i].reason ? ret != -errno_of(attempts[i].reason) : ret < 0) {
			fprintf(stderr, "# command %#x: got %d\n", attempts[i].number, ret);
			return attempts[i].number;
		}
	}
	return -1;
}

/* is_all() tells whether @attempts have each command that @fd takes. */
static bool is_all(int fd, const struct attempt *attempts, unsigned int count)
{
	unsigned int number, i, size = 0;
	bool all = true, found;

	for (number = 0; number < 256; number++) {
		found = call_(fd, _IO(V3COMPAT_IOC_TYPE, number), &size) != -ENOTTY;
		for (i = 0; i < count && attempts[i].number != number; i++)
			;
		if (found == (i < count))
			continue;
		fprintf(stderr, "# command %#x was %stried\n", number, found ? "not " : "");
		all = false;
	}
	return all;
}

/* In an order in which each of them has what it needs. */
TEST_F(receiver, every_command)
{
	const unsigned int rawio = REASON(PRIVILEGE), self_map = V3COMPAT_MAP_FIXED;
	const struct v3compat_source memory = user_memory(self->memory, PAGE);
	const struct v3compat_source physical = {
		.type = V3COMPAT_SOURCE_PHYSICAL, .start = 1 << 20, .length = PAGE,
	};
	struct v3compat_batch_entry entry = {
		.command = V3COMPAT_CMD_UNMAP,
		.unmap = {
			.size = sizeof(struct v3compat_unmap), .object = self->domain,
			.address = AT, .length = PAGE,
		},
	};
	struct attempt of_file[] = {
		ATTEMPT(INFO, 0, info),
		ATTEMPT(DOMAIN_CREATE, 0, domain_create),
		ATTEMPT(DOMAIN_QUERY, 0, domain_query, .domain = self->domain),
		ATTEMPT(DOMAIN_CONFIGURE, rawio, domain_configure, .domain = self->identity,
			.format = V3COMPAT_TABLES_IDENTITY),
		ATTEMPT(DOMAIN_FLUSH, 0, domain_flush, .domain = self->domain),
		ATTEMPT(DEVICE_CREATE, rawio, device_create,
			.name = name_of("platform", self->second)),
		ATTEMPT(DEVICE_QUERY, 0, device_query, .device = self->device),
		ATTEMPT(DEVICE_OPEN, 0, device_open, .device = self->device),
		ATTEMPT(INPUT_MAPPINGS, 0, input_mappings, .device = self->device),
		ATTEMPT(PASID_CREATE, 0, pasid_create, .device = self->device),
		ATTEMPT(ATTACH, rawio, attach, .domain = self->passes, .object = self->device),
		ATTEMPT(ATTACH, 0, attach, .domain = self->domain, .object = self->device),
		ATTEMPT(MEMORY_CREATE, 0, memory_create, .source = memory),
		ATTEMPT(MAP, rawio, map, .flags = self_map, .object = self->domain,
			.permissions = RW, .address = AT, .source = physical),
		ATTEMPT(MAP, 0, map, .flags = self_map, .object = self->domain,
			.permissions = RW, .address = AT, .source = memory),
		ATTEMPT(UNMAP, 0, unmap, .object = self->domain, .address = AT, .length = PAGE),
		ATTEMPT(MAP, 0, map, .flags = self_map, .object = self->domain,
			.permissions = RW, .address = AT, .source = memory),
		ATTEMPT(BATCH, 0, batch, .entries = (uintptr_t)&entry, .count = 1,
			.entry_size = sizeof(entry)),
		ATTEMPT(RESERVE, 0, reserve, .flags = self_map, .domain = self->domain,
			.length = PAGE, .address = 3 * AT),
		ATTEMPT(MAP_IDENTITY, rawio, identity, .domain = self->domain, .permissions = RW,
			.source = physical),
		ATTEMPT(UNMAP_IDENTITY, rawio, identity, .domain = self->domain,
			.source = physical),
		ATTEMPT(PAGE_RESPONSE, REASON(BAD_HANDLE), page_response, .device = self->device,
			.cookie = 1),
		ATTEMPT(DETACH, 0, attach, .object = self->device),
		ATTEMPT(EVENTS_OPEN, 0, events_open, .device = self->device,
			.mask = 1u << V3COMPAT_EVENT_STATE),
		ATTEMPT(GUARD_QUERY, 0, guard),
		ATTEMPT(GUARD_SET, rawio, guard, .flags = V3COMPAT_GUARD_SET_LOCKED),
		ATTEMPT(DESTROY, 0, destroy, .object = self->pasid),
	};
	struct attempt of_device[] = {
		ATTEMPT(REGION_QUERY, 0, region_query),
		ATTEMPT(INTERRUPT_QUERY, 0, interrupt_query),
		ATTEMPT(INTERRUPT_SET, 0, interrupt_set),
		ATTEMPT(RESET, REASON(NO_RESET), reset),
	};
	struct v3compat_device_open open = { .device = self->device };

	EXPECT_EQ(-1, try_all(self->fd, of_file, ARRAY_SIZE(of_file)));
	EXPECT_TRUE(is_all(self->fd, of_file, ARRAY_SIZE(of_file)));
	ASSERT_EQ(0, CALL(self->fd, DEVICE_OPEN, &open));
	EXPECT_EQ(-1, try_all(open.out_fd, of_device, ARRAY_SIZE(of_device)));
	EXPECT_TRUE(is_all(open.out_fd, of_device, ARRAY_SIZE(of_device)));
	close(open.out_fd);
	EXPECT_EQ(0, logged_lines(self->log));
}

/* REPEAT(): @call, which is refused with @errno_, again and again, and each time so. */
#define REPEAT(errno_, call) do {						\
	unsigned int _i = 0;							\
										\
	while (_i < REPEATED && (call) == -(errno_))				\
		_i++;								\
	EXPECT_EQ(REPEATED, _i) {						\
		TH_LOG("%s", #call);						\
	}									\
} while (0)

TEST_F(receiver, repeats_refusals_without_a_log)
{
	const struct v3compat_source physical = {
		.type = V3COMPAT_SOURCE_PHYSICAL, .start = 1 << 20, .length = PAGE,
	};
	struct v3compat_events_open open = {
		.device = self->device, .mask = 1u << V3COMPAT_EVENT_FAULT, .capacity = 1,
	};
	char *hole = self->memory + 4 * PAGE;
	unsigned int i;

	ASSERT_EQ(0, munmap(hole, PAGE));
	ASSERT_EQ(0, attach(self->fd, self->domain, self->device, NULL));
	ASSERT_EQ(0, map_fixed(self->fd, self->domain, self->memory, PAGE, AT));
	REPEAT(EEXIST, map_fixed(self->fd, self->domain, self->memory, PAGE, AT));
	REPEAT(ERANGE, map_fixed(self->fd, self->domain, self->memory, PAGE, 1ULL << 60));
	REPEAT(EFAULT, map_fixed(self->fd, self->domain, hole, PAGE, AT + PAGE));
	REPEAT(EPERM, map_at(self->fd, self->domain, physical, AT + PAGE, V3COMPAT_MAP_FIXED, RW,
			     NULL));
	REPEAT(ENOENT, unmap(self->fd, self->domain, AT + PAGE, PAGE, NULL));
	REPEAT(EBUSY, destroy(self->fd, self->domain, NULL));
	REPEAT(EBUSY, destroy(self->fd, self->device, NULL));
	REPEAT(EPERM, attach(self->fd, self->passes, self->device, NULL));
	REPEAT(EPERM, create_device(self->fd, self->second, 0, NULL));
	REPEAT(ENOENT, detach(self->fd, self->pasid, NULL));
	/* Faults of the device, which nobody hears of, and then more than there is room for. */
	for (i = 0; i < REPEATED; i++)
		ASSERT_TRUE(is_refused(&self->sim, 5 * AT));
	EXPECT_EQ(0, logged_lines(self->log));
	ASSERT_EQ(0, CALL(self->fd, EVENTS_OPEN, &open));
	for (i = 0; i < REPEATED; i++)
		ASSERT_TRUE(is_refused(&self->sim, 5 * AT));
	close(open.out_fd);
	/* This is told in the log, too, but not each time. */
	EXPECT_GT(REPEATED / 10, logged_lines(self->log));
}

/* What one who has all rights has attached, one who has none may end, and not begin again. */
FIXTURE(granted) {
	struct sim sim;
	int fd;
	int device;
	int passes;
	struct v3compat_result result;
};

FIXTURE_SETUP(granted)
{
	const struct sim_config config = {};

	ASSERT_EQ(0, open_sim(&self->sim, &config));
	self->fd = open_v3compat();
	ASSERT_LE(0, self->fd);
	self->device = create_device(self->fd, self->sim.name, 0, NULL);
	ASSERT_LT(0, self->device);
	self->passes = create_domain(self->fd, V3COMPAT_DOMAIN_PASSTHROUGH, 0, NULL);
	ASSERT_LT(0, self->passes);
}

FIXTURE_TEARDOWN(granted)
{
	close(self->fd);
	close_sim(&self->sim);
}

TEST_F(granted, can_be_ended)
{
	ASSERT_EQ(0, attach(self->fd, self->passes, self->device, NULL));
	ASSERT_EQ(0, become_user(NOBODY));
	EXPECT_EQ(0, detach(self->fd, self->device, NULL));
	EXPECT_PRIVILEGE(attach(self->fd, self->passes, self->device, &self->result),
			 &self->result, CAP_SYS_RAWIO);
	EXPECT_TRUE(is_refused(&self->sim, 1 << 20));
}

TEST_F(granted, mapping_of_physical_memory_can_be_ended)
{
	struct v3compat_source source = {
		.type = V3COMPAT_SOURCE_PHYSICAL, .start = 1 << 20, .length = 2 * PAGE,
	};
	int domain = create_domain(self->fd, V3COMPAT_DOMAIN_TRANSLATE, 0, NULL);

	ASSERT_EQ(0, attach(self->fd, domain, self->device, NULL));
	ASSERT_EQ(0, map_at(self->fd, domain, source, AT, V3COMPAT_MAP_FIXED, V3COMPAT_READ,
			    &self->result));
	EXPECT_EQ(0, pinned_kib());
	ASSERT_EQ(0, become_user(NOBODY));
	EXPECT_EQ(0, unmap(self->fd, domain, AT, 2 * PAGE, NULL));
	EXPECT_TRUE(is_refused(&self->sim, AT));
	EXPECT_PRIVILEGE(map_at(self->fd, domain, source, AT, V3COMPAT_MAP_FIXED, V3COMPAT_READ,
				&self->result),
			 &self->result, CAP_SYS_RAWIO);
}

/* It is who calls that counts, and not who has opened the file. */
static int claim_for_another(void *arg)
{
	int *numbers = arg, device = create_device(numbers[0], (char *)&numbers[1], 0, NULL);

	return device > 0 ? device : 255;
}

TEST_F(granted, rights_are_those_of_who_calls)
{
	struct {
		int fd;
		char name[IOMMUSIM_NAME_SIZE];
	} other = { .fd = open_v3compat() };
	int sockets[2], ready, device;
	pid_t child;

	ASSERT_LT(0, add_device(&self->sim, 0, 0, NULL, 0, other.name));
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		/* The helper: it keeps its rights, and claims what it is asked to. */
		other.fd = receive_fd(sockets[1], &ready);
		device = exit_of(claim_for_another, &other);
		_exit(send_fd(sockets[1], other.fd, device));
	}
	ASSERT_EQ(0, become_user(NOBODY));
	EXPECT_PRIVILEGE(create_device(other.fd, other.name, 0, &self->result), &self->result,
			 CAP_SYS_RAWIO);
	ASSERT_EQ(0, send_fd(sockets[0], other.fd, 0));
	close(receive_fd(sockets[0], &device));
	waitpid(child, NULL, 0);
	ASSERT_LT(0, device);
	ASSERT_GT(255, device);
	EXPECT_EQ(0, destroy(other.fd, device, NULL));
	close(other.fd);
}

/* Each right is for its own commands, and no other right stands in for it. */
TEST_F(granted, by_each_right_alone)
{
	const unsigned int claims = 1u << CAP_SYS_RAWIO, guards = 1u << CAP_SYS_ADMIN;
	unsigned int kept[] = { claims, guards, 0 }, i;
	int status;
	pid_t child;

	for (i = 0; i < ARRAY_SIZE(kept); i++) {
		child = fork();
		ASSERT_LE(0, child);
		if (!child) {
			struct v3compat_guard_state set = { .flags = V3COMPAT_GUARD_SET_LOCKED };
			int ret;

			if (keep_capabilities(kept[i]))
				_exit(1);
			ret = attach(self->fd, self->passes, self->device, NULL);
			if (ret != (kept[i] & claims ? 0 : -EPERM))
				_exit(2);
			ret = CALL(self->fd, GUARD_SET, &set);
			if (ret != (kept[i] & guards ? 0 : -EPERM))
				_exit(3);
			detach(self->fd, self->device, NULL);
			_exit(0);
		}
		ASSERT_EQ(child, waitpid(child, &status, 0));
		EXPECT_EQ(0, status);
	}
	ASSERT_EQ(0, keep_capabilities(~(1ULL << CAP_SYS_RAWIO)));
	EXPECT_PRIVILEGE(attach(self->fd, self->passes, self->device, &self->result),
			 &self->result, CAP_SYS_RAWIO);
}

TEST_HARNESS_MAIN
