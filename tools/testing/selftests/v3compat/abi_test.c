// SPDX-License-Identifier: GPL-2.0
/*
 * The form of the commands of /dev/v3compat: each one too short, too long, in memory that is not
 * there or cannot be written, with flags, reserved fields and handles that are none, and called by
 * a program of 32 bits. Whatever is refused changes nothing.
 */
#define _GNU_SOURCE
#include <pthread.h>

#include "abi_layout.h"
#include "commands.h"

/* CLOBBERED: a system call of 32 bits keeps all registers of a program of 32 bits only. */
#ifdef __x86_64__
#define CLOBBERED	"memory", "cc", "r8", "r9", "r10", "r11"
#else
#define CLOBBERED	"memory", "cc"
#endif

/* call_32() is ioctl() as programs of 32 bits call it. */
static int call_32(int fd, unsigned int command, void *arg)
{
	int ret;

	asm volatile("int $0x80"
		     : "=a" (ret)
		     : "a" (54), "b" (fd), "c" (command), "d" ((unsigned int)(uintptr_t)arg)
		     : CLOBBERED);
	return ret;
}

/* has_32_bits(): without such programs, the kernel ends who calls as they do. */
static bool has_32_bits(void)
{
	int status, ret;
	pid_t child = fork();

	if (!child) {
		asm volatile("int $0x80" : "=a" (ret) : "a" (20)
			     : CLOBBERED);
		_exit(ret == getpid() ? 0 : 1);
	}
	return waitpid(child, &status, 0) == child && WIFEXITED(status) && !WEXITSTATUS(status);
}

/* as_expected() judges what comes of a command with everything right. */
static bool as_expected(VARIANT, int ret, void *at)
{
	if (variant->reason)
		return is_refusal(ret, result_of(variant, at), variant->reason,
				  variant->parameter);
	if (ret >= 0)
		return true;
	fprintf(stderr, "# got %d\n", ret);
	return false;
}

static bool is_within(unsigned int offset, const struct place *places, unsigned int max)
{
	unsigned int i;

	for (i = 0; i < max && places[i].size; i++)
		if (offset >= places[i].offset && offset - places[i].offset < places[i].size)
			return true;
	return false;
}

/* wrong_byte() is the first byte that was written although it is not for the kernel, or -1. */
static int wrong_byte(VARIANT, const char *before, const char *after)
{
	unsigned int i;

	for (i = 0; i < variant->size; i++) {
		if (before[i] == after[i] ||
		    is_within(i, variant->outs, ARRAY_SIZE(variant->outs)) ||
		    is_within(i, variant->inouts, ARRAY_SIZE(variant->inouts)))
			continue;
		if (variant->reason && i >= variant->result &&
		    i < variant->result + sizeof(struct v3compat_result))
			continue;
		return i;
	}
	return -1;
}

/* unwritten_place() is the offset of the first output that was not written, or -1. */
static int unwritten_place(VARIANT, const char *after)
{
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(variant->outs) && variant->outs[i].size; i++)
		for (j = 0; j < variant->outs[i].size; j++)
			if (after[variant->outs[i].offset + j] == (char)POISON)
				return variant->outs[i].offset;
	return -1;
}

TEST_F(command, writes_what_is_for_the_kernel_and_nothing_else)
{
	char *at = self->world.arena + PAGE, before[512];

	memset(self->world.arena, 0x5a, 4 * PAGE);
	put_command(&self->world, variant, at);
	memcpy(before, at, variant->size);
	ASSERT_TRUE(as_expected(variant, send_to(&self->world, variant, at), at));
	EXPECT_EQ(-1, wrong_byte(variant, before, at));
	EXPECT_EQ(-1, unwritten_place(variant, at));
	EXPECT_EQ(0x5a, at[-1]);
	EXPECT_EQ(0x5a, at[variant->size]);
}

TEST_F(command, that_is_too_short_is_refused)
{
	unsigned int sizes[] = { variant->size - 1, variant->size - 8, 8, 4, 3, 0 }, i;
	char *at = self->world.arena + PAGE, before[512];
	struct state state;

	put_command(&self->world, variant, at);
	state = state_of(self->world.fd);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		set_size(at, sizes[i]);
		memcpy(before, at, sizeof(before));
		EXPECT_EQ(-EINVAL, send_to(&self->world, variant, at));
		EXPECT_EQ(0, memcmp(before, at, sizeof(before)));
	}
	EXPECT_TRUE(is_unchanged(self->world.fd, &state));
	/* It was its size alone that was wrong. */
	set_size(at, variant->size);
	EXPECT_TRUE(as_expected(variant, send_to(&self->world, variant, at), at));
}

TEST_F(command, of_a_newer_program_is_the_same_while_the_rest_is_zero)
{
	unsigned int sizes[] = { variant->size + 1, variant->size + 8, PAGE }, i, j;
	char *at = self->world.arena;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		memset(at, 0, 2 * PAGE);
		at[sizes[i]] = 0x5a;
		put_command(&self->world, variant, at);
		set_size(at, sizes[i]);
		EXPECT_TRUE(as_expected(variant, send_to(&self->world, variant, at), at));
		EXPECT_EQ(-1, unwritten_place(variant, at));
		for (j = variant->size; j < sizes[i] && !at[j]; j++)
			;
		EXPECT_EQ(sizes[i], j);
		EXPECT_TRUE(undo(&self->world, variant, at, 0));
	}
}

TEST_F(command, of_a_newer_program_is_refused_when_the_rest_is_not_zero)
{
	const unsigned int tails[][2] = { { 8, 0 }, { 8, 7 }, { 1, 0 }, { 100, 50 } };
	char *at = self->world.arena, before[640];
	struct state state;
	unsigned int i;

	put_command(&self->world, variant, at);
	state = state_of(self->world.fd);
	for (i = 0; i < ARRAY_SIZE(tails); i++) {
		memset(at + variant->size, 0, PAGE);
		at[variant->size + tails[i][1]] = 1;
		set_size(at, variant->size + tails[i][0]);
		memcpy(before, at, sizeof(before));
		EXPECT_EQ(-E2BIG, send_to(&self->world, variant, at));
		EXPECT_EQ(0, memcmp(before, at, sizeof(before)));
	}
	EXPECT_TRUE(is_unchanged(self->world.fd, &state));
}

TEST_F(command, larger_than_a_page_is_refused)
{
	const unsigned int sizes[] = { PAGE + 1, 2 * PAGE, 1u << 31, ~0u };
	char *at = self->world.arena;
	struct state state;
	unsigned int i;

	memset(at, 0, 4 * PAGE);
	put_command(&self->world, variant, at);
	state = state_of(self->world.fd);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		set_size(at, sizes[i]);
		EXPECT_EQ(-E2BIG, send_to(&self->world, variant, at));
	}
	EXPECT_TRUE(is_unchanged(self->world.fd, &state));
}

TEST_F(command, that_is_nowhere_is_refused)
{
	void *hole = self->world.arena + PAGE;
	void *const places[] = {
		NULL, (void *)1, hole, (char *)hole - 2, (void *)0xffff888000000000,
		(void *)0xfffffffffffffff8, (void *)0x0000800000000000,
	};
	struct state state = state_of(self->world.fd);
	unsigned int i;

	ASSERT_EQ(0, munmap(hole, PAGE));
	for (i = 0; i < ARRAY_SIZE(places); i++) {
		EXPECT_EQ(-EFAULT, send_to(&self->world, variant, places[i])) {
			TH_LOG("at %p", places[i]);
		}
	}
	EXPECT_TRUE(is_unchanged(self->world.fd, &state));
}

/* What follows the size, or only the last byte, is not there. */
TEST_F(command, that_ends_early_is_refused)
{
	const unsigned int parts[] = { 4, 8, variant->size / 2, variant->size - 1 };
	char *edge = self->world.arena + 2 * PAGE, whole[512];
	struct state state;
	unsigned int i;

	put_command(&self->world, variant, whole);
	state = state_of(self->world.fd);
	ASSERT_EQ(0, mprotect(edge, PAGE, PROT_NONE));
	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		memcpy(edge - parts[i], whole, parts[i]);
		EXPECT_EQ(-EFAULT, send_to(&self->world, variant, edge - parts[i]));
	}
	/* A tail that is not there is no tail of zeroes. */
	memcpy(edge - variant->size, whole, variant->size);
	set_size(edge - variant->size, variant->size + 8);
	EXPECT_EQ(-EFAULT, send_to(&self->world, variant, edge - variant->size));
	EXPECT_TRUE(is_unchanged(self->world.fd, &state));
	set_size(edge - variant->size, variant->size);
	EXPECT_TRUE(as_expected(variant, send_to(&self->world, variant, edge - variant->size),
				edge - variant->size));
}

/* A command without outputs needs no memory that can be written, unless it is refused. */
TEST_F(command, whose_answer_cannot_be_written_changes_nothing)
{
	bool answers = variant->outs[0].size || variant->inouts[0].size || variant->reason;
	char *at = self->world.arena;
	struct state state;
	int ret;

	put_command(&self->world, variant, at);
	state = state_of(self->world.fd);
	ASSERT_EQ(0, mprotect(at, PAGE, PROT_READ));
	ret = send_to(&self->world, variant, at);
	ASSERT_EQ(0, mprotect(at, PAGE, PROT_READ | PROT_WRITE));
	if (!answers) {
		EXPECT_LE(0, ret);
		return;
	}
	EXPECT_EQ(-EFAULT, ret);
	EXPECT_TRUE(is_unchanged(self->world.fd, &state));
	/* Also the device, the addresses and so on are free as before. */
	EXPECT_TRUE(as_expected(variant, send_to(&self->world, variant, at), at));
}

/* The outputs lie on the page that can be written, and some on the one that cannot. */
TEST_F(command, whose_answer_can_be_written_in_part_changes_nothing)
{
	const struct place *out = &variant->outs[0];
	char *edge = self->world.arena + PAGE, *at;
	struct state state;

	if (!out->size)
		out = &variant->inouts[0];
	if (!out->size)
		return;
	at = edge - out->offset - out->size / 2;
	put_command(&self->world, variant, at);
	state = state_of(self->world.fd);
	ASSERT_EQ(0, mprotect(edge, PAGE, PROT_READ));
	EXPECT_EQ(-EFAULT, send_to(&self->world, variant, at));
	ASSERT_EQ(0, mprotect(edge, PAGE, PROT_READ | PROT_WRITE));
	EXPECT_TRUE(is_unchanged(self->world.fd, &state));
	put_command(&self->world, variant, at);
	EXPECT_TRUE(as_expected(variant, send_to(&self->world, variant, at), at));
}

TEST_F(command, with_an_unknown_flag_is_refused)
{
	char *at = self->world.arena;
	unsigned int *flags = (void *)(at + variant->flags), bit, old;
	struct v3compat_result *result = result_of(variant, at);
	struct state state;
	int ret;

	if (!variant->has_flags)
		return;
	put_command(&self->world, variant, at);
	old = *flags;
	state = state_of(self->world.fd);
	for (bit = 0; bit < 32; bit++) {
		if (variant->known_flags & (1u << bit))
			continue;
		*flags = old | 1u << bit;
		ret = send_to(&self->world, variant, at);
		if (!result) {
			EXPECT_EQ(-EOPNOTSUPP, ret);
			continue;
		}
		EXPECT_TRUE(is_refusal(ret, result, REASON(UNKNOWN_FLAG), PARAM(FLAGS)));
		EXPECT_EQ(old | 1u << bit, result->out_first);
		EXPECT_EQ(variant->known_flags, result->out_last);
	}
	EXPECT_TRUE(is_unchanged(self->world.fd, &state));
}

TEST_F(command, with_a_reserved_field_is_refused)
{
	char *at = self->world.arena;
	struct v3compat_result *result = result_of(variant, at);
	const struct place *place;
	struct state state;
	unsigned int i, j;

	put_command(&self->world, variant, at);
	state = state_of(self->world.fd);
	for (i = 0; i < ARRAY_SIZE(variant->reserved) && variant->reserved[i].size; i++) {
		place = &variant->reserved[i];
		for (j = 0; j < place->size; j++) {
			at[place->offset + j] = 0x10;
			EXPECT_TRUE(is_refusal(send_to(&self->world, variant, at), result,
					       REASON(UNKNOWN_FLAG), PARAM(RESERVED))) {
				TH_LOG("byte %u", place->offset + j);
			}
			at[place->offset + j] = 0;
		}
	}
	EXPECT_TRUE(is_unchanged(self->world.fd, &state));
}

TEST_F(command, with_a_reserved_field_of_the_result_is_refused)
{
	char *at = self->world.arena;
	struct v3compat_result *result = result_of(variant, at);
	struct state state;

	if (!result)
		return;
	put_command(&self->world, variant, at);
	state = state_of(self->world.fd);
	result->__reserved = 1ULL << 63;
	EXPECT_TRUE(is_refusal(send_to(&self->world, variant, at), result, REASON(UNKNOWN_FLAG),
			       PARAM(RESERVED)));
	EXPECT_EQ(1ULL << 63, result->out_first);
	EXPECT_TRUE(is_unchanged(self->world.fd, &state));
}

TEST_F(command, with_a_handle_of_nothing_is_refused)
{
	char *at = self->world.arena;
	struct v3compat_result *result = result_of(variant, at);
	const struct {
		unsigned int id;
		unsigned int kind;
	} handles[] = {
		{ 0, 0 }, { 0x7fffffff, 0 }, { 0x80000000, 0 }, { ~0u, 0 },
		{ self->world.foreign, 0 },
		{ self->world.domain, DOMAIN }, { self->world.device, DEVICE },
		{ self->world.pasid, PASID }, { self->world.reservation, RESERVATION },
		{ self->world.registered, MEMORY },
	};
	unsigned int *id, old, i, j;
	struct state state;

	put_command(&self->world, variant, at);
	state = state_of(self->world.fd);
	for (i = 0; i < ARRAY_SIZE(variant->handles) && variant->handles[i].kinds; i++) {
		id = (void *)(at + variant->handles[i].offset);
		old = *id;
		for (j = 0; j < ARRAY_SIZE(handles); j++) {
			if (handles[j].kind & variant->handles[i].kinds ||
			    (!handles[j].id && variant->handles[i].may_be_none))
				continue;
			*id = handles[j].id;
			EXPECT_TRUE(is_refusal(send_to(&self->world, variant, at), result,
					       REASON(BAD_HANDLE),
					       variant->handles[i].parameter)) {
				TH_LOG("handle %#x of kind %u", handles[j].id, handles[j].kind);
			}
			EXPECT_EQ(handles[j].id, result->out_object);
		}
		*id = old;
	}
	EXPECT_TRUE(is_unchanged(self->world.fd, &state));
}

/* Where the kernel cannot say why, that is the error. */
TEST_F(command, whose_refusal_cannot_be_written)
{
	char *at = self->world.arena;
	struct state state;

	if (variant->result < 0)
		return;
	put_command(&self->world, variant, at);
	state = state_of(self->world.fd);
	result_of(variant, at)->__reserved = 1;
	ASSERT_EQ(0, mprotect(at, PAGE, PROT_READ));
	EXPECT_EQ(-EFAULT, send_to(&self->world, variant, at));
	EXPECT_TRUE(is_unchanged(self->world.fd, &state));
}

/* repeat() sends a command that is refused, again and again; false when it is not. */
static bool repeat(struct world *world, VARIANT, void *at)
{
	int ret = -1, i;

	for (i = 0; ret < 0 && i < REPEATED; i++)
		ret = send_to(world, variant, at);
	return ret < 0;
}

/* Nobody fills the log by refusals that he can cause. */
TEST_F(command, whose_refusal_is_repeated_is_not_logged)
{
	char *at = self->world.arena;
	struct v3compat_result *result = result_of(variant, at);
	int log = open_log();
	unsigned int i, *id;

	ASSERT_LE(0, log);
	put_command(&self->world, variant, at);
	set_size(at, variant->size - 1);
	EXPECT_TRUE(repeat(&self->world, variant, at));
	at[variant->size] = 1;
	set_size(at, variant->size + 8);
	EXPECT_TRUE(repeat(&self->world, variant, at));
	EXPECT_TRUE(repeat(&self->world, variant, (void *)8));
	set_size(at, variant->size);
	if (variant->has_flags) {
		*(unsigned int *)(at + variant->flags) ^= 1u << 31;
		EXPECT_TRUE(repeat(&self->world, variant, at));
		*(unsigned int *)(at + variant->flags) ^= 1u << 31;
	}
	if (result) {
		result->__reserved = 1;
		/* Otherwise the first refusal makes it 0, and the second command is a good one. */
		ASSERT_EQ(0, mprotect(at, PAGE, PROT_READ));
		EXPECT_TRUE(repeat(&self->world, variant, at));
		ASSERT_EQ(0, mprotect(at, PAGE, PROT_READ | PROT_WRITE));
		result->__reserved = 0;
	}
	for (i = 0; i < ARRAY_SIZE(variant->handles) && variant->handles[i].kinds; i++) {
		id = (void *)(at + variant->handles[i].offset);
		*id ^= 1u << 31;
		EXPECT_TRUE(repeat(&self->world, variant, at));
		*id ^= 1u << 31;
	}
	EXPECT_EQ(0, logged_lines(log));
	close(log);
	EXPECT_TRUE(as_expected(variant, send_to(&self->world, variant, at), at));
}

TEST_F(command, of_a_program_of_32_bits_is_the_same)
{
	char *at = self->world.arena + PAGE, before[512];
	int fd = fd_of(&self->world, variant);

	if (!has_32_bits())
		SKIP(return, "the kernel has no programs of 32 bits");
	memset(self->world.arena, 0x5a, 4 * PAGE);
	put_command(&self->world, variant, at);
	set_size(at, variant->size - 1);
	EXPECT_EQ(-EINVAL, call_32(fd, variant->ioctl, at));
	set_size(at, variant->size + 1);
	EXPECT_EQ(-E2BIG, call_32(fd, variant->ioctl, at));
	set_size(at, variant->size);
	memcpy(before, at, variant->size);
	ASSERT_TRUE(as_expected(variant, call_32(fd, variant->ioctl, at), at));
	EXPECT_EQ(-1, wrong_byte(variant, before, at));
	EXPECT_EQ(-1, unwritten_place(variant, at));
	EXPECT_EQ(0x5a, at[-1]);
	EXPECT_EQ(0x5a, at[variant->size]);
}

/* Bits of the number beside type and number, and other types, are other commands. */
TEST_F(command, has_one_number)
{
	unsigned int number = variant->ioctl, i;
	char *at = self->world.arena;
	int fd = fd_of(&self->world, variant);
	struct state state;

	put_command(&self->world, variant, at);
	state = state_of(self->world.fd);
	for (i = 16; i < 32; i++)
		EXPECT_EQ(-ENOTTY, call_(fd, number | 1u << i, at));
	for (i = 8; i < 16; i++)
		EXPECT_EQ(-ENOTTY, call_(fd, number ^ 1u << i, at));
	EXPECT_EQ(-ENOTTY, call_(fd, _IOWR(V3COMPAT_IOC_TYPE, number & 0xff, int), at));
	/* Nor is it a command of the other descriptor. */
	EXPECT_EQ(-ENOTTY, call_(of_device(number) ? self->world.fd : self->world.device_fd,
				 number, at));
	EXPECT_TRUE(is_unchanged(self->world.fd, &state));
}

/* What does not belong to one command. */
FIXTURE(abi) {
	struct world world;
	struct v3compat_result result;
};

FIXTURE_SETUP(abi)
{
	ASSERT_EQ(0, open_world(&self->world));
}

FIXTURE_TEARDOWN(abi)
{
	close_world(&self->world);
}

TEST_F(abi, numbers_that_there_are_not)
{
	unsigned int number;

	for (number = V3COMPAT_CMD_GUARD_SET + 1; number < 256; number++)
		EXPECT_EQ(-ENOTTY, call_(self->world.fd, _IO(V3COMPAT_IOC_TYPE, number), NULL));
	for (number = 0; number < V3COMPAT_CMD_REGION_QUERY; number++)
		EXPECT_EQ(-ENOTTY, call_(self->world.device_fd, _IO(V3COMPAT_IOC_TYPE, number),
					 NULL));
	for (number = V3COMPAT_CMD_RESET + 1; number < 256; number++)
		EXPECT_EQ(-ENOTTY, call_(self->world.device_fd, _IO(V3COMPAT_IOC_TYPE, number),
					 NULL));
}

TEST_F(abi, events_take_no_command)
{
	struct v3compat_events_open open = {
		.device = self->world.device, .mask = 1u << V3COMPAT_EVENT_STATE,
	};
	unsigned int number;

	ASSERT_EQ(0, CALL(self->world.fd, EVENTS_OPEN, &open));
	for (number = 0; number < 256; number++)
		EXPECT_EQ(-ENOTTY, call_(open.out_fd, _IO(V3COMPAT_IOC_TYPE, number), NULL));
	close(open.out_fd);
}

TEST_F(abi, file_is_for_commands_only)
{
	char byte = 0;

	EXPECT_EQ(-1, read(self->world.fd, &byte, 1));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, write(self->world.fd, &byte, 1));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, lseek(self->world.fd, 0, SEEK_SET));
	EXPECT_EQ(ESPIPE, errno);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_READ, MAP_SHARED, self->world.fd, 0));
	EXPECT_EQ(ENODEV, errno);
}

TEST_F(abi, info_tells_limits_and_their_use)
{
	struct v3compat_info info = info_of(self->world.fd);

	EXPECT_EQ(1, info.out_version);
	EXPECT_EQ(1024, info.out_max_entries);
	EXPECT_EQ(64, info.out_max_regions);
	EXPECT_EQ(4096, info.out_max_flush);
	EXPECT_EQ(7, info.out_objects.used);
	EXPECT_EQ(4096, info.out_objects.max);
	EXPECT_EQ(27, info.out_user_objects.used);
	EXPECT_EQ(1, info.out_pasids.used);
	EXPECT_EQ(4 * PAGE, info.out_reserved.used);
	EXPECT_EQ(4 * PAGE, info.out_user_reserved.used);
	EXPECT_EQ(0, info.out_mapped.used);
	EXPECT_EQ(0, info.out_reservation.used);
	EXPECT_EQ(0, info.out_events.used);
	EXPECT_EQ(8 * PAGE, info.out_pinned.used);
	EXPECT_EQ(~0ULL, info.out_pinned.max);
	/* The other file has its own, and the user's is the same. */
	info = info_of(self->world.other);
	EXPECT_EQ(20, info.out_objects.used);
	EXPECT_EQ(27, info.out_user_objects.used);
	EXPECT_EQ(0, info.out_reserved.used);
}

static int create_regions(struct world *world, void *regions, unsigned int count,
			  struct v3compat_result *result)
{
	struct v3compat_domain_create create = {
		.address_width = 40, .regions = (uintptr_t)regions, .nr_regions = count,
	};
	int ret = CALL(world->fd, DOMAIN_CREATE, &create);

	*result = create.result;
	return ret;
}

TEST_F(abi, odd_regions)
{
	const struct {
		struct v3compat_region regions[2];
		unsigned int reason;
		unsigned int parameter;
	} odd[] = {
		{ { { 0, PAGE, 2, 0 } }, REASON(UNKNOWN_FLAG), PARAM(REGIONS) },
		{ { { 0, PAGE, 1u << 31, 0 } }, REASON(UNKNOWN_FLAG), PARAM(REGIONS) },
		{ { { 0, PAGE, 0, 1 } }, REASON(UNKNOWN_FLAG), PARAM(REGIONS) },
		{ { { 0, PAGE + 1, 0, 0 } }, REASON(MISALIGNED), PARAM(REGIONS) },
		{ { { 8, PAGE, 0, 0 } }, REASON(MISALIGNED), PARAM(REGIONS) },
		{ { { PAGE, 0, 0, 0 } }, REASON(EMPTY), PARAM(REGIONS) },
		{ { { -PAGE, 2 * PAGE, 0, 0 } }, REASON(WRAPS), PARAM(REGIONS) },
		{ { { 0, 2 * PAGE, 0, 0 }, { PAGE, PAGE, 0, 0 } }, REASON(LIST_OVERLAP),
		  PARAM(REGIONS) },
	};
	struct state state = state_of(self->world.fd);
	struct v3compat_region regions[2];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(odd); i++) {
		memcpy(regions, odd[i].regions, sizeof(regions));
		EXPECT_TRUE(is_refusal(create_regions(&self->world, regions,
						      1 + !!regions[1].length, &self->result),
				       &self->result, odd[i].reason, odd[i].parameter)) {
			TH_LOG("odd regions %u", i);
		}
	}
	EXPECT_TRUE(is_unchanged(self->world.fd, &state));
}

TEST_F(abi, regions_that_are_nowhere)
{
	char *edge = self->world.arena + PAGE;
	struct v3compat_region *regions = (void *)(edge - sizeof(*regions));
	struct state state = state_of(self->world.fd);

	ASSERT_EQ(0, mprotect(edge, PAGE, PROT_NONE));
	*regions = (struct v3compat_region) { .base = PAGE, .length = PAGE };
	EXPECT_TRUE(is_refusal(create_regions(&self->world, NULL, 1, &self->result), &self->result,
			       REASON(BAD_POINTER), PARAM(REGIONS)));
	EXPECT_TRUE(is_refusal(create_regions(&self->world, regions, 2, &self->result),
			       &self->result, REASON(BAD_POINTER), PARAM(REGIONS)));
	EXPECT_EQ((uintptr_t)edge, self->result.out_first);
	EXPECT_EQ((uintptr_t)edge + sizeof(*regions) - 1, self->result.out_last);
	EXPECT_TRUE(is_refusal(create_regions(&self->world, regions, 65, &self->result),
			       &self->result, REASON(TOO_MANY), PARAM(REGIONS)));
	EXPECT_EQ(65, self->result.out_first);
	EXPECT_EQ(64, self->result.out_last);
	EXPECT_TRUE(is_refusal(create_regions(&self->world, regions, ~0u, &self->result),
			       &self->result, REASON(TOO_MANY), PARAM(REGIONS)));
	EXPECT_TRUE(is_unchanged(self->world.fd, &state));
	EXPECT_EQ(0, create_regions(&self->world, regions, 1, &self->result));
	/* Without regions nobody looks where they are. */
	EXPECT_EQ(0, create_regions(&self->world, edge, 0, &self->result));
}

static int flush(struct world *world, void *list, unsigned int count,
		 struct v3compat_result *result)
{
	struct v3compat_domain_flush flush = {
		.domain = world->domain, .list = (uintptr_t)list, .count = count,
	};
	int ret = CALL(world->fd, DOMAIN_FLUSH, &flush);

	*result = flush.result;
	return ret;
}

TEST_F(abi, lists_of_a_flush)
{
	char *edge = self->world.arena + PAGE;
	unsigned long long *list = (void *)(edge - 2 * sizeof(*list));

	ASSERT_EQ(0, mprotect(edge, PAGE, PROT_NONE));
	EXPECT_EQ(0, flush(&self->world, NULL, 0, &self->result));
	EXPECT_EQ(0, flush(&self->world, list, 2, &self->result));
	EXPECT_EQ(0, flush(&self->world, list, 0, &self->result));
	EXPECT_TRUE(is_refusal(flush(&self->world, list, 3, &self->result), &self->result,
			       REASON(BAD_POINTER), PARAM(LIST)));
	EXPECT_EQ((uintptr_t)list, self->result.out_first);
	EXPECT_EQ((uintptr_t)(list + 3) - 1, self->result.out_last);
	EXPECT_TRUE(is_refusal(flush(&self->world, NULL, 1, &self->result), &self->result,
			       REASON(NULL_POINTER), PARAM(LIST)));
	EXPECT_TRUE(is_refusal(flush(&self->world, list, 4097, &self->result), &self->result,
			       REASON(TOO_MANY), PARAM(LIST)));
	EXPECT_TRUE(is_refusal(flush(&self->world, list, ~0u, &self->result), &self->result,
			       REASON(TOO_MANY), PARAM(LIST)));
	EXPECT_EQ(~0u, self->result.out_first);
	EXPECT_EQ(4096, self->result.out_last);
}

TEST_F(abi, ranges_of_a_query)
{
	struct v3compat_domain_query query = { .domain = self->world.domain };
	char *edge = self->world.arena + PAGE;
	struct v3compat_region *ranges = (void *)(edge - sizeof(*ranges));
	unsigned int count;

	ASSERT_EQ(0, CALL(self->world.fd, DOMAIN_QUERY, &query));
	count = query.out_ranges;
	ASSERT_LE(1, count);
	ASSERT_EQ(0, mprotect(edge, PAGE, PROT_READ));
	/* No more is written than there is room for, and all are counted. */
	memset(ranges, POISON, sizeof(*ranges));
	memset(self->world.arena, POISON, 8);
	query.ranges = (uintptr_t)ranges;
	query.max_ranges = 1;
	ASSERT_EQ(0, CALL(self->world.fd, DOMAIN_QUERY, &query));
	EXPECT_EQ(count, query.out_ranges);
	EXPECT_EQ(0, ranges->base % PAGE);
	EXPECT_EQ(0, ranges->__reserved);
	EXPECT_EQ(0, ranges->flags & ~V3COMPAT_REGION_MAP);
	query.ranges = 0;
	EXPECT_TRUE(is_refusal(CALL(self->world.fd, DOMAIN_QUERY, &query), &query.result,
			       REASON(NULL_POINTER), PARAM(BUFFER)));
	query.ranges = (uintptr_t)edge;
	query.max_ranges = ~0u;
	EXPECT_TRUE(is_refusal(CALL(self->world.fd, DOMAIN_QUERY, &query), &query.result,
			       REASON(BAD_POINTER), PARAM(BUFFER)));
	EXPECT_EQ((uintptr_t)edge, query.result.out_first);
	EXPECT_EQ((uintptr_t)edge + count * sizeof(*ranges) - 1, query.result.out_last);
}

TEST_F(abi, room_for_input_mappings)
{
	struct v3compat_input_mappings mappings = { .device = self->world.device };
	unsigned int ids[16], count;

	ASSERT_EQ(0, CALL(self->world.fd, INPUT_MAPPINGS, &mappings));
	count = mappings.out_ids;
	ASSERT_GT(16, count);
	if (!count)
		return;
	memset(ids, POISON, sizeof(ids));
	mappings.ids = (uintptr_t)ids;
	mappings.max_ids = count - 1;
	ASSERT_EQ(0, CALL(self->world.fd, INPUT_MAPPINGS, &mappings));
	EXPECT_EQ(count, mappings.out_ids);
	EXPECT_EQ(0xcccccccc, ids[0]);
	mappings.max_ids = 16;
	ASSERT_EQ(0, CALL(self->world.fd, INPUT_MAPPINGS, &mappings));
	EXPECT_NE(0xcccccccc, ids[count - 1]);
	EXPECT_EQ(0xcccccccc, ids[count]);
	mappings.ids = 0;
	EXPECT_TRUE(is_refusal(CALL(self->world.fd, INPUT_MAPPINGS, &mappings), &mappings.result,
			       REASON(BAD_POINTER), PARAM(BUFFER)));
}

static int batch_of(struct world *world, void *entries, unsigned int count,
		    unsigned int entry_size, struct v3compat_result *result)
{
	struct v3compat_batch batch = {
		.entries = (uintptr_t)entries, .count = count, .entry_size = entry_size,
	};
	int ret = CALL(world->fd, BATCH, &batch);

	*result = batch.result;
	return ret;
}

TEST_F(abi, entries_of_a_newer_program)
{
	const unsigned int size = sizeof(struct v3compat_batch_entry);
	struct v3compat_batch_entry *entry = (void *)self->world.arena;
	struct state state = state_of(self->world.fd);
	int ret;

	*entry = map_entry(&self->world);
	EXPECT_TRUE(is_refusal(batch_of(&self->world, entry, 1, size - 1, &self->result),
			       &self->result, REASON(BAD_CONFIG), PARAM(SIZE_OF_STRUCT)));
	EXPECT_TRUE(is_refusal(batch_of(&self->world, entry, 1, 0, &self->result), &self->result,
			       REASON(BAD_CONFIG), PARAM(SIZE_OF_STRUCT)));
	EXPECT_TRUE(is_refusal(batch_of(&self->world, entry, 1, PAGE + 8, &self->result),
			       &self->result, REASON(BAD_CONFIG), PARAM(SIZE_OF_STRUCT)));
	self->world.arena[size + 7] = 1;
	EXPECT_TRUE(is_refusal(batch_of(&self->world, entry, 1, size + 8, &self->result),
			       &self->result, REASON(UNKNOWN_FLAG), PARAM(SIZE_OF_STRUCT)));
	EXPECT_TRUE(is_unchanged(self->world.fd, &state));
	self->world.arena[size + 7] = 0;
	EXPECT_EQ(1, batch_of(&self->world, entry, 1, size + 8, &self->result));
	EXPECT_NE(0, entry->map.address);
	/* The second one begins where the caller says. */
	*entry = map_entry(&self->world);
	memcpy(self->world.arena + PAGE, entry, size);
	ret = batch_of(&self->world, entry, 2, PAGE, &self->result);
	EXPECT_EQ(2, ret);
}

TEST_F(abi, odd_entries)
{
	struct v3compat_batch_entry good = map_entry(&self->world), entry;
	struct state state = state_of(self->world.fd);
	const unsigned int size = sizeof(entry);
	unsigned int i;

	for (i = 0; i < 32; i++) {
		entry = good;
		entry.__reserved = 1u << i;
		EXPECT_TRUE(is_refusal(batch_of(&self->world, &entry, 1, size, &self->result),
				       &self->result, REASON(UNKNOWN_FLAG), PARAM(RESERVED)));
	}
	for (i = 0; i < 256; i++) {
		if (i == V3COMPAT_CMD_MAP || i == V3COMPAT_CMD_UNMAP)
			continue;
		entry = good;
		entry.command = i;
		EXPECT_TRUE(is_refusal(batch_of(&self->world, &entry, 1, size, &self->result),
				       &self->result, REASON(BAD_ENUM), PARAM(ENTRIES)));
		EXPECT_EQ(i, self->result.out_first);
	}
	entry = good;
	entry.map.size--;
	EXPECT_TRUE(is_refusal(batch_of(&self->world, &entry, 1, size, &self->result),
			       &self->result, REASON(BAD_ENUM), PARAM(SIZE_OF_STRUCT)));
	entry.command = V3COMPAT_CMD_UNMAP;
	entry.unmap.size = sizeof(entry.map);
	EXPECT_TRUE(is_refusal(batch_of(&self->world, &entry, 1, size, &self->result),
			       &self->result, REASON(BAD_ENUM), PARAM(SIZE_OF_STRUCT)));
	entry = good;
	entry.map.flags = 8;
	EXPECT_TRUE(is_refusal(batch_of(&self->world, &entry, 1, size, &self->result),
			       &self->result, REASON(UNKNOWN_FLAG), PARAM(FLAGS)));
	entry = good;
	entry.map.object = self->world.device;
	EXPECT_TRUE(is_refusal(batch_of(&self->world, &entry, 1, size, &self->result),
			       &self->result, REASON(BAD_HANDLE), PARAM(OBJECT)));
	EXPECT_EQ(self->world.device, self->result.out_object);
	EXPECT_TRUE(is_unchanged(self->world.fd, &state));
}

TEST_F(abi, entry_that_is_nowhere)
{
	char *edge = self->world.arena + PAGE;
	struct v3compat_batch_entry *entry = (void *)(edge - sizeof(*entry));
	const unsigned int size = sizeof(*entry);
	struct v3compat_info info;

	ASSERT_EQ(0, mprotect(edge, PAGE, PROT_NONE));
	*entry = map_entry(&self->world);
	/* The first one is done, and the answer says so. */
	EXPECT_EQ(1, batch_of(&self->world, entry, 2, size, &self->result));
	EXPECT_TRUE(is_refusal(-EFAULT, &self->result, REASON(BAD_POINTER), PARAM(ENTRIES)));
	EXPECT_EQ((uintptr_t)edge, self->result.out_first);
	EXPECT_EQ((uintptr_t)edge + size - 1, self->result.out_last);
	info = info_of(self->world.fd);
	EXPECT_EQ(2 * PAGE, info.out_mapped.used);
	/* The address of a map cannot be told. */
	*entry = map_entry(&self->world);
	ASSERT_EQ(0, mprotect(self->world.arena, PAGE, PROT_READ));
	EXPECT_TRUE(is_refusal(batch_of(&self->world, entry, 1, size, &self->result),
			       &self->result, REASON(BAD_POINTER), PARAM(ENTRIES)));
	info = info_of(self->world.fd);
	EXPECT_EQ(2 * PAGE, info.out_mapped.used);
	EXPECT_EQ(10 * PAGE, info.out_pinned.used);
}

TEST_F(abi, count_of_entries_that_wraps)
{
	struct v3compat_batch_entry entry = map_entry(&self->world);

	EXPECT_TRUE(is_refusal(batch_of(&self->world, &entry, ~0u, sizeof(entry), &self->result),
			       &self->result, REASON(TOO_MANY), PARAM(ENTRIES)));
	EXPECT_TRUE(is_refusal(batch_of(&self->world, (void *)-4096UL, 1024, PAGE, &self->result),
			       &self->result, REASON(BAD_POINTER), PARAM(ENTRIES)));
}

TEST_F(abi, interrupts_that_there_are_not)
{
	struct v3compat_interrupt_set set = {
		.type = V3COMPAT_INTERRUPT_WIRED, .count = 1, .fds = (uintptr_t)&self->result,
	};
	struct v3compat_interrupt_query query = { .type = 4 };

	EXPECT_TRUE(is_refusal(CALL(self->world.device_fd, INTERRUPT_SET, &set), &set.result,
			       REASON(TOO_MANY), PARAM(NUMBER)));
	EXPECT_EQ(1, set.result.out_first);
	EXPECT_EQ(0, set.result.out_last);
	set.count = ~0u;
	EXPECT_TRUE(is_refusal(CALL(self->world.device_fd, INTERRUPT_SET, &set), &set.result,
			       REASON(TOO_MANY), PARAM(NUMBER)));
	set.type = 4;
	EXPECT_TRUE(is_refusal(CALL(self->world.device_fd, INTERRUPT_SET, &set), &set.result,
			       REASON(BAD_ENUM), PARAM(TYPE)));
	EXPECT_TRUE(is_refusal(CALL(self->world.device_fd, INTERRUPT_QUERY, &query), &query.result,
			       REASON(BAD_ENUM), PARAM(TYPE)));
	set = (struct v3compat_interrupt_set) {
		.type = V3COMPAT_INTERRUPT_WIRED, .flags = V3COMPAT_INTERRUPT_UNMASK,
	};
	EXPECT_TRUE(is_refusal(CALL(self->world.device_fd, INTERRUPT_SET, &set), &set.result,
			       REASON(NOT_ENABLED), PARAM(TYPE)));
}

TEST_F(abi, destroyed_handle_names_nothing)
{
	struct v3compat_domain_query query = { .domain = self->world.domain };

	ASSERT_EQ(0, destroy(self->world.fd, self->world.domain, NULL));
	EXPECT_TRUE(is_refusal(CALL(self->world.fd, DOMAIN_QUERY, &query), &query.result,
			       REASON(BAD_HANDLE), PARAM(DOMAIN)));
	EXPECT_TRUE(is_refusal(destroy(self->world.fd, self->world.domain, &self->result),
			       &self->result, REASON(BAD_HANDLE), PARAM(OBJECT)));
}

/* Handles of two files are apart, also where they are the same number. */
TEST_F(abi, files_do_not_meet)
{
	int same = create_domain(self->world.fd, V3COMPAT_DOMAIN_TRANSLATE, 0, NULL);
	struct v3compat_domain_query query = { .domain = same };

	ASSERT_LT(0, same);
	ASSERT_LT(same, self->world.foreign);
	ASSERT_EQ(0, destroy(self->world.other, same, NULL));
	EXPECT_EQ(0, CALL(self->world.fd, DOMAIN_QUERY, &query));
	EXPECT_TRUE(is_refusal(CALL(self->world.other, DOMAIN_QUERY, &query), &query.result,
			       REASON(BAD_HANDLE), PARAM(DOMAIN)));
	EXPECT_TRUE(is_refusal(attach(self->world.other, self->world.foreign, self->world.device,
				      &self->result),
			       &self->result, REASON(BAD_HANDLE), PARAM(DEVICE)));
}

/* struct flicker: a size that another thread changes all the time. */
struct flicker {
	unsigned int *size;
	unsigned int sizes[3];
	bool over;
};

static void *change_size(void *arg)
{
	struct flicker *flicker = arg;
	unsigned int i;

	for (i = 0; !__atomic_load_n(&flicker->over, __ATOMIC_RELAXED); i++)
		__atomic_store_n(flicker->size, flicker->sizes[i % 3], __ATOMIC_RELAXED);
	return NULL;
}

TEST_F(abi, size_that_changes_meanwhile)
{
	struct v3compat_map *map = (void *)self->world.arena;
	struct flicker flicker = {
		.size = &map->size, .sizes = { sizeof(*map), sizeof(*map) - 8, PAGE },
	};
	struct state state = state_of(self->world.fd);
	unsigned int i, done = 0;
	pthread_t thread;
	int ret;

	make_map(&self->world, map);
	self->world.arena[PAGE - 1] = 1;
	self->world.arena[PAGE] = 0x5a;
	ASSERT_EQ(0, pthread_create(&thread, NULL, change_size, &flicker));
	for (i = 0; i < 20000; i++) {
		map->address = 0;
		ret = call_(self->world.fd, V3COMPAT_IOCTL_MAP, map);
		ASSERT_TRUE(ret == 0 || ret == -EINVAL || ret == -E2BIG);
		if (ret)
			continue;
		done++;
		ASSERT_EQ(0, unmap(self->world.fd, self->world.chooses, map->address, 2 * PAGE,
				   NULL));
	}
	__atomic_store_n(&flicker.over, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	EXPECT_LT(0, done);
	EXPECT_EQ(1, self->world.arena[PAGE - 1]);
	EXPECT_EQ(0x5a, self->world.arena[PAGE]);
	EXPECT_TRUE(is_unchanged(self->world.fd, &state));
}

/* No reason and no parameter is there twice, and each reason has an errno. */
TEST(reasons_are_told_apart)
{
	static const struct { unsigned int number; const char *text; int err; } reasons[] = {
#define X(number, name, values, err, text) { number, text, err },
		V3COMPAT_REASONS(X)
#undef X
	};
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(reasons); i++) {
		EXPECT_EQ(i + 1, reasons[i].number);
		EXPECT_LT(0, reasons[i].err);
		for (j = 0; j < i; j++)
			EXPECT_STRNE(reasons[i].text, reasons[j].text);
	}
}

TEST_HARNESS_MAIN
