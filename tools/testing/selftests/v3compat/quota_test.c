// SPDX-License-Identifier: GPL-2.0
/*
 * Limits of /dev/v3compat: each is reached exactly, refused beyond with the value and the limit,
 * and given back; and nobody but who has reached it feels it, be it another file or another user.
 */
#define _GNU_SOURCE
#include "cgroup.h"
#include "engine.h"
#include "process.h"
#include "refusal.h"

#include "../kselftest_harness.h"

#define AT	0x40000000ULL
#define RW	(V3COMPAT_READ | V3COMPAT_WRITE)
#define MEMORY	(16 * PAGE)
#define SOMEBODY	4242

static const char *const parameters[] = {
	"max_objects", "max_user_objects", "max_pasids", "max_reservation", "max_reserved",
	"max_user_reserved", "max_mapped", "max_events",
};

/* struct holder: a file with a device, and a domain that the device is attached to. */
struct holder {
	int fd;
	int device;
	int domain;
	unsigned long long next;
};

FIXTURE(quota) {
	struct engine engine;
	struct holder one;
	struct holder other;
	unsigned long long before[ARRAY_SIZE(parameters)];
	char *memory;
	struct v3compat_result result;
};

static int open_holder(struct holder *holder, struct engine *engine, unsigned int number)
{
	holder->fd = open_v3compat();
	holder->device = claim_nth(engine, holder->fd, number, V3COMPAT_DEVICE_TAGGED, NULL);
	holder->domain = create_domain(holder->fd, V3COMPAT_DOMAIN_TRANSLATE, 0, NULL);
	holder->next = AT;
	if (holder->fd < 0 || holder->device < 0 || holder->domain < 0)
		return -1;
	return attach(holder->fd, holder->domain, holder->device, NULL);
}

FIXTURE_SETUP(quota)
{
	const struct sim_config config = { .max_pasids = 64 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(parameters); i++) {
		self->before[i] = parameter_of(parameters[i]);
		ASSERT_NE(~0ULL, self->before[i]);
	}
	ASSERT_EQ(0, open_engine(&self->engine, false, &config));
	ASSERT_EQ(0, open_holder(&self->one, &self->engine, 0));
	ASSERT_EQ(0, open_holder(&self->other, &self->engine, 1));
	self->memory = new_memory(MEMORY);
	ASSERT_NE(NULL, self->memory);
}

FIXTURE_TEARDOWN(quota)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(parameters); i++)
		EXPECT_EQ(0, set_parameter(parameters[i], self->before[i]));
	close(self->one.fd);
	close(self->other.fd);
	close_engine(&self->engine);
}

#define EXPECT_QUOTA(ret, result_, parameter, value, limit) do {		\
	EXPECT_TRUE(is_refusal(ret, result_, REASON(QUOTA), PARAM(parameter)));	\
	EXPECT_EQ(value, (result_)->out_first);					\
	EXPECT_EQ(limit, (result_)->out_last);					\
} while (0)

/* as_somebody() runs @fn in a child that is another user; 0 when all went well. */
struct as_somebody {
	int (*fn)(struct holder *holder);
	struct holder *holder;
};

static int run_as_somebody(void *arg)
{
	const struct as_somebody *somebody = arg;

	return become_user(SOMEBODY) ? 100 : somebody->fn(somebody->holder);
}

static int as_somebody(int (*fn)(struct holder *holder), struct holder *holder)
{
	struct as_somebody somebody = { .fn = fn, .holder = holder };

	return exit_of(run_as_somebody, &somebody);
}

static int new_domain(const struct holder *holder, struct v3compat_result *result)
{
	return create_domain(holder->fd, V3COMPAT_DOMAIN_TRANSLATE, 0, result);
}

static int new_pasid(const struct holder *holder, struct v3compat_result *result)
{
	struct v3compat_pasid_create create = { .device = holder->device };
	int ret = CALL(holder->fd, PASID_CREATE, &create);

	*result = create.result;
	return ret ? ret : (int)create.out_pasid;
}

static int reserve(struct holder *holder, unsigned long long pages, struct v3compat_result *result)
{
	struct v3compat_reserve arg = {
		.flags = V3COMPAT_MAP_FIXED, .domain = holder->domain, .length = pages * PAGE,
		.address = holder->next,
	};
	int ret = CALL(holder->fd, RESERVE, &arg);

	*result = arg.result;
	if (ret)
		return ret;
	holder->next += pages * PAGE;
	return arg.out_reservation;
}

/* Objects. */

TEST_F(quota, objects_of_a_file)
{
	struct v3compat_info info = info_of(self->one.fd);
	const unsigned long long limit = info.out_objects.used + 2;
	int domain;

	ASSERT_EQ(0, set_parameter("max_objects", limit));
	EXPECT_EQ(limit, info_of(self->one.fd).out_objects.max);
	ASSERT_LT(0, new_domain(&self->one, NULL));
	domain = new_domain(&self->one, NULL);
	ASSERT_LT(0, domain);
	EXPECT_EQ(limit, info_of(self->one.fd).out_objects.used);
	EXPECT_QUOTA(new_domain(&self->one, &self->result), &self->result, OBJECT, limit + 1,
		     limit);
	EXPECT_EQ(limit, info_of(self->one.fd).out_objects.used);
	EXPECT_EQ(limit + 2, info_of(self->one.fd).out_user_objects.used);
	/* The other file has its own. */
	EXPECT_LT(0, new_domain(&self->other, NULL));
	ASSERT_EQ(0, destroy(self->one.fd, domain, NULL));
	EXPECT_LT(0, new_domain(&self->one, NULL));
	EXPECT_GT(0, new_domain(&self->one, NULL));
}

TEST_F(quota, objects_of_a_file_of_each_kind)
{
	const unsigned long long limit = info_of(self->one.fd).out_objects.used;
	char third[IOMMUSIM_NAME_SIZE];
	struct v3compat_device_query query = {};
	struct state state;

	ASSERT_LT(0, add_device(&self->engine.sim, 0, 0, NULL, 0, third));
	ASSERT_EQ(0, set_parameter("max_objects", limit));
	state = state_of(self->one.fd);
	EXPECT_QUOTA(create_device(self->one.fd, third, 0, &self->result), &self->result, OBJECT,
		     limit + 1, limit);
	EXPECT_QUOTA(new_pasid(&self->one, &self->result), &self->result, OBJECT, limit + 1, limit);
	EXPECT_QUOTA(reserve(&self->one, 1, &self->result), &self->result, OBJECT, limit + 1,
		     limit);
	EXPECT_QUOTA(create_memory(self->one.fd, self->memory, MEMORY, 0, &self->result),
		     &self->result, OBJECT, limit + 1, limit);
	EXPECT_TRUE(is_unchanged(self->one.fd, &state));
	/* Nobody has the device: another file may. */
	query.name = name_of("platform", third);
	ASSERT_EQ(0, CALL(self->other.fd, DEVICE_QUERY, &query));
	EXPECT_EQ(0, query.out_blocker_reason);
	/* What is no object is not limited so. */
	EXPECT_EQ(0, map_fixed(self->one.fd, self->one.domain, self->memory, PAGE, AT));
}

static int create_and_destroy(struct holder *holder)
{
	int domain = new_domain(holder, NULL);

	if (domain < 0)
		return 1;
	if (info_of(holder->fd).out_user_objects.used != 1)
		return 2;
	return destroy(holder->fd, domain, NULL) ? 3 : 0;
}

TEST_F(quota, objects_of_a_user)
{
	const unsigned long long limit = info_of(self->one.fd).out_user_objects.used + 2;
	int domain;

	ASSERT_EQ(0, set_parameter("max_user_objects", limit));
	EXPECT_EQ(limit, info_of(self->one.fd).out_user_objects.max);
	ASSERT_LT(0, new_domain(&self->one, NULL));
	domain = new_domain(&self->other, NULL);
	ASSERT_LT(0, domain);
	EXPECT_QUOTA(new_domain(&self->one, &self->result), &self->result, OBJECT, limit + 1,
		     limit);
	EXPECT_QUOTA(new_domain(&self->other, &self->result), &self->result, OBJECT, limit + 1,
		     limit);
	EXPECT_EQ(limit, info_of(self->one.fd).out_user_objects.used);
	EXPECT_EQ(3, info_of(self->one.fd).out_objects.used);
	/* Another user has his own, in either file. */
	EXPECT_EQ(0, as_somebody(create_and_destroy, &self->one));
	EXPECT_EQ(0, as_somebody(create_and_destroy, &self->other));
	ASSERT_EQ(0, destroy(self->other.fd, domain, NULL));
	EXPECT_LT(0, new_domain(&self->one, NULL));
}

static int create_and_leave(struct holder *holder)
{
	return new_domain(holder, NULL) < 0;
}

/* An object counts for who has made it, whoever destroys it. */
TEST_F(quota, objects_stay_those_of_who_made_them)
{
	const unsigned long long used = info_of(self->one.fd).out_user_objects.used;
	int domain;

	domain = new_domain(&self->one, NULL);
	ASSERT_EQ(0, destroy(self->one.fd, domain, NULL));
	ASSERT_EQ(0, as_somebody(create_and_leave, &self->one));
	EXPECT_EQ(used, info_of(self->one.fd).out_user_objects.used);
	EXPECT_EQ(3, info_of(self->one.fd).out_objects.used);
	ASSERT_EQ(0, destroy(self->one.fd, domain, NULL));
	EXPECT_EQ(used, info_of(self->one.fd).out_user_objects.used);
	EXPECT_EQ(2, info_of(self->one.fd).out_objects.used);
}

TEST_F(quota, closing_gives_objects_back)
{
	const unsigned long long limit = info_of(self->one.fd).out_user_objects.used + 1;
	struct holder third = { .fd = open_v3compat() };

	ASSERT_LE(0, third.fd);
	ASSERT_EQ(0, set_parameter("max_user_objects", limit));
	ASSERT_LT(0, new_domain(&third, NULL));
	ASSERT_GT(0, new_domain(&self->one, NULL));
	close(third.fd);
	EXPECT_EQ(limit - 1, info_of(self->one.fd).out_user_objects.used);
	EXPECT_LT(0, new_domain(&self->one, NULL));
}

static int is_refused_at_zero(struct holder *holder)
{
	struct v3compat_result result = {};
	int ret = new_domain(holder, &result);

	if (!is_refusal(ret, &result, REASON(QUOTA), PARAM(OBJECT)))
		return 1;
	return result.out_first == 1 && !result.out_last ? 0 : 2;
}

TEST_F(quota, limit_of_nothing)
{
	ASSERT_EQ(0, set_parameter("max_objects", 0));
	EXPECT_QUOTA(new_domain(&self->one, &self->result), &self->result, OBJECT, 3, 0);
	ASSERT_EQ(0, set_parameter("max_objects", 4096));
	ASSERT_EQ(0, set_parameter("max_user_objects", 0));
	EXPECT_QUOTA(new_domain(&self->one, &self->result), &self->result, OBJECT, 5, 0);
	/* Also for a user who has nothing. */
	EXPECT_EQ(0, as_somebody(is_refused_at_zero, &self->one));
	ASSERT_EQ(0, set_parameter("max_pasids", 0));
	ASSERT_EQ(0, set_parameter("max_user_objects", 4096));
	EXPECT_QUOTA(new_pasid(&self->one, &self->result), &self->result, PASID, 1, 0);
	ASSERT_EQ(0, set_parameter("max_mapped", 0));
	EXPECT_QUOTA(map_at(self->one.fd, self->one.domain, user_memory(self->memory, PAGE), AT,
			    V3COMPAT_MAP_FIXED, RW, &self->result), &self->result, LENGTH, PAGE, 0);
	EXPECT_EQ(0, pinned_kib());
}

/* A limit that is lowered takes nothing away. */
TEST_F(quota, limit_below_what_there_is)
{
	struct v3compat_info info;
	int i;

	for (i = 0; i < 4; i++)
		ASSERT_LT(0, new_domain(&self->one, NULL));
	ASSERT_EQ(0, map_fixed(self->one.fd, self->one.domain, self->memory, 4 * PAGE, AT));
	ASSERT_EQ(0, set_parameter("max_objects", 3));
	ASSERT_EQ(0, set_parameter("max_mapped", 2));
	info = info_of(self->one.fd);
	EXPECT_EQ(6, info.out_objects.used);
	EXPECT_EQ(3, info.out_objects.max);
	EXPECT_EQ(4 * PAGE, info.out_mapped.used);
	EXPECT_EQ(2 * PAGE, info.out_mapped.max);
	EXPECT_TRUE(engine_writes(&self->engine, AT + 3 * PAGE, self->memory + 3 * PAGE));
	EXPECT_QUOTA(new_domain(&self->one, &self->result), &self->result, OBJECT, 7, 3);
	EXPECT_QUOTA(map_at(self->one.fd, self->one.domain, user_memory(self->memory, PAGE),
			    AT + 8 * PAGE, V3COMPAT_MAP_FIXED, RW, &self->result), &self->result,
		     LENGTH, 5 * PAGE, 2 * PAGE);
	ASSERT_EQ(0, unmap(self->one.fd, self->one.domain, AT, 3 * PAGE, NULL));
	EXPECT_EQ(0, map_fixed(self->one.fd, self->one.domain, self->memory, PAGE, AT));
}

/* Sub-devices. */

static int create_pasid_and_destroy(struct holder *holder)
{
	struct v3compat_result result;
	int pasid = new_pasid(holder, &result);

	return pasid < 0 || destroy(holder->fd, pasid, NULL);
}

TEST_F(quota, sub_devices_of_a_file)
{
	int pasids[3], i;

	ASSERT_EQ(0, set_parameter("max_pasids", 3));
	for (i = 0; i < 3; i++) {
		pasids[i] = new_pasid(&self->one, &self->result);
		ASSERT_LT(0, pasids[i]);
	}
	EXPECT_EQ(3, info_of(self->one.fd).out_pasids.used);
	EXPECT_EQ(3, info_of(self->one.fd).out_pasids.max);
	EXPECT_QUOTA(new_pasid(&self->one, &self->result), &self->result, PASID, 4, 3);
	EXPECT_EQ(5, info_of(self->one.fd).out_objects.used);
	EXPECT_LT(0, new_pasid(&self->other, &self->result));
	EXPECT_EQ(0, as_somebody(create_pasid_and_destroy, &self->other));
	ASSERT_EQ(0, destroy(self->one.fd, pasids[1], NULL));
	EXPECT_EQ(2, info_of(self->one.fd).out_pasids.used);
	EXPECT_LT(0, new_pasid(&self->one, &self->result));
	EXPECT_GT(0, new_pasid(&self->one, &self->result));
}

/* Numbers that the device has no more of are not a limit of ours, and count nothing. */
TEST_F(quota, sub_devices_that_the_device_has_not)
{
	int last = 0, count = 0;

	while (last >= 0 && count < 100) {
		last = new_pasid(&self->one, &self->result);
		count += last >= 0;
	}
	EXPECT_EQ(63, count);
	EXPECT_EQ(-ENOSPC, last);
	EXPECT_EQ(REASON(NO_PASID), self->result.out_reason);
	EXPECT_EQ(63, info_of(self->one.fd).out_pasids.used);
	EXPECT_EQ(65, info_of(self->one.fd).out_objects.used);
}

/* Reservations. */

TEST_F(quota, one_reservation)
{
	struct state state = state_of(self->one.fd);

	ASSERT_EQ(0, set_parameter("max_reservation", 64));
	EXPECT_QUOTA(reserve(&self->one, 65, &self->result), &self->result, SIZE, 65 * PAGE,
		     64 * PAGE);
	EXPECT_QUOTA(reserve(&self->one, 1ULL << 51, &self->result), &self->result, SIZE,
		     1ULL << 63, 64 * PAGE);
	state.info.out_reservation.max = 64 * PAGE;
	EXPECT_TRUE(is_unchanged(self->one.fd, &state));
	EXPECT_LT(0, reserve(&self->one, 64, &self->result));
	EXPECT_LT(0, reserve(&self->one, 64, &self->result));
}

TEST_F(quota, reservations_of_a_file)
{
	int first;

	ASSERT_EQ(0, set_parameter("max_reserved", 100));
	first = reserve(&self->one, 60, &self->result);
	ASSERT_LT(0, first);
	EXPECT_QUOTA(reserve(&self->one, 41, &self->result), &self->result, SIZE, 101 * PAGE,
		     100 * PAGE);
	EXPECT_EQ(60 * PAGE, info_of(self->one.fd).out_reserved.used);
	EXPECT_EQ(60 * PAGE, info_of(self->one.fd).out_user_reserved.used);
	EXPECT_EQ(100 * PAGE, info_of(self->one.fd).out_reserved.max);
	ASSERT_LT(0, reserve(&self->one, 40, &self->result));
	EXPECT_QUOTA(reserve(&self->one, 1, &self->result), &self->result, SIZE, 101 * PAGE,
		     100 * PAGE);
	EXPECT_LT(0, reserve(&self->other, 100, &self->result));
	ASSERT_EQ(0, destroy(self->one.fd, first, NULL));
	EXPECT_EQ(40 * PAGE, info_of(self->one.fd).out_reserved.used);
	EXPECT_LT(0, reserve(&self->one, 60, &self->result));
}

static int reserve_and_free(struct holder *holder)
{
	struct v3compat_result result;
	int reservation = reserve(holder, 100, &result);

	if (reservation < 0)
		return 1;
	if (info_of(holder->fd).out_user_reserved.used != 100 * PAGE)
		return 2;
	return destroy(holder->fd, reservation, NULL) ? 3 : 0;
}

TEST_F(quota, reservations_of_a_user)
{
	ASSERT_EQ(0, set_parameter("max_user_reserved", 100));
	ASSERT_LT(0, reserve(&self->one, 60, &self->result));
	ASSERT_LT(0, reserve(&self->other, 40, &self->result));
	EXPECT_QUOTA(reserve(&self->one, 1, &self->result), &self->result, SIZE, 101 * PAGE,
		     100 * PAGE);
	EXPECT_QUOTA(reserve(&self->other, 1, &self->result), &self->result, SIZE, 101 * PAGE,
		     100 * PAGE);
	EXPECT_EQ(60 * PAGE, info_of(self->one.fd).out_reserved.used);
	EXPECT_EQ(100 * PAGE, info_of(self->one.fd).out_user_reserved.used);
	EXPECT_EQ(100 * PAGE, info_of(self->one.fd).out_user_reserved.max);
	EXPECT_EQ(0, as_somebody(reserve_and_free, &self->one));
	EXPECT_EQ(0, as_somebody(reserve_and_free, &self->other));
	/* Closing a file gives back what is in it. */
	close(self->other.fd);
	EXPECT_EQ(60 * PAGE, info_of(self->one.fd).out_user_reserved.used);
	EXPECT_LT(0, reserve(&self->one, 40, &self->result));
}

/* An overlap, which is found after the limits, gives back what was counted. */
TEST_F(quota, refused_reservation_counts_nothing)
{
	struct v3compat_reserve arg = {
		.flags = V3COMPAT_MAP_FIXED, .domain = self->one.domain, .length = 8 * PAGE,
		.address = AT,
	};
	struct state state;

	ASSERT_EQ(0, map_fixed(self->one.fd, self->one.domain, self->memory, PAGE, AT + PAGE));
	state = state_of(self->one.fd);
	EXPECT_TRUE(is_refusal(CALL(self->one.fd, RESERVE, &arg), &arg.result, REASON(OVERLAP),
			       PARAM(ADDRESS)));
	EXPECT_TRUE(is_unchanged(self->one.fd, &state));
}

/* What is mapped, over each kind of IOMMU. */

FIXTURE(memory) {
	struct engine engine;
	struct holder one;
	struct holder other;
	unsigned long long before;
	char *memory;
	struct v3compat_result result;
};

FIXTURE_VARIANT(memory) {
	bool pci;
};

FIXTURE_VARIANT_ADD(memory, iommusim) {};
FIXTURE_VARIANT_ADD(memory, pci) { .pci = true };

FIXTURE_SETUP(memory)
{
	const struct sim_config config = { .max_pasids = 64 };

	if (!has_engine(variant->pci))
		SKIP(return, NO_ENGINE);
	ASSERT_EQ(0, open_engine(&self->engine, variant->pci, &config));
	self->before = parameter_of("max_mapped");
	ASSERT_NE(~0ULL, self->before);
	ASSERT_EQ(0, open_holder(&self->one, &self->engine, 0));
	ASSERT_EQ(0, open_holder(&self->other, &self->engine, 1));
	self->memory = new_memory(MEMORY);
	ASSERT_NE(NULL, self->memory);
}

FIXTURE_TEARDOWN(memory)
{
	if (self->before)
		EXPECT_EQ(0, set_parameter("max_mapped", self->before));
	if (self->one.fd > 0)
		close(self->one.fd);
	if (self->other.fd > 0)
		close(self->other.fd);
	EXPECT_EQ(0, pinned_kib());
	close_engine(&self->engine);
}

static int map_pages(struct holder *holder, void *memory, unsigned int pages,
		     struct v3compat_result *result)
{
	int ret = map_at(holder->fd, holder->domain, user_memory(memory, pages * PAGE),
			 holder->next, V3COMPAT_MAP_FIXED, RW, result);

	if (!ret)
		holder->next += pages * PAGE;
	return ret;
}

static int map_and_unmap(struct holder *holder)
{
	struct v3compat_result result;
	char *memory = new_memory(8 * PAGE);

	if (map_pages(holder, memory, 8, &result))
		return 1;
	if (info_of(holder->fd).out_pinned.used != 8 * PAGE)
		return 2;
	return unmap(holder->fd, holder->domain, holder->next - 8 * PAGE, 8 * PAGE, NULL) ? 3 : 0;
}

TEST_F(memory, mapped_of_a_file)
{
	/* In parts, because some IOMMUs unmap only what was mapped together. */
	ASSERT_EQ(0, set_parameter("max_mapped", 12));
	ASSERT_EQ(0, map_pages(&self->one, self->memory, 2, &self->result));
	ASSERT_EQ(0, map_pages(&self->one, self->memory, 3, &self->result));
	ASSERT_EQ(0, map_pages(&self->one, self->memory, 3, &self->result));
	EXPECT_QUOTA(map_pages(&self->one, self->memory, 5, &self->result), &self->result, LENGTH,
		     13 * PAGE, 12 * PAGE);
	EXPECT_EQ(8 * PAGE, info_of(self->one.fd).out_mapped.used);
	EXPECT_EQ(8 * PAGE, info_of(self->one.fd).out_pinned.used);
	EXPECT_EQ(12 * PAGE, info_of(self->one.fd).out_mapped.max);
	ASSERT_EQ(0, map_pages(&self->one, self->memory, 4, &self->result));
	EXPECT_QUOTA(map_pages(&self->one, self->memory, 1, &self->result), &self->result, LENGTH,
		     13 * PAGE, 12 * PAGE);
	EXPECT_EQ(0, map_pages(&self->other, self->memory, 12, &self->result));
	ASSERT_EQ(0, unmap(self->other.fd, self->other.domain, AT, 12 * PAGE, NULL));
	EXPECT_EQ(0, as_somebody(map_and_unmap, &self->other));
	ASSERT_EQ(0, unmap(self->one.fd, self->one.domain, AT + 2 * PAGE, 3 * PAGE, NULL));
	EXPECT_EQ(9 * PAGE, info_of(self->one.fd).out_mapped.used);
	EXPECT_EQ(0, map_pages(&self->one, self->memory, 3, &self->result));
}

TEST_F(memory, mapped_of_every_source)
{
	struct v3compat_source source = { .type = V3COMPAT_SOURCE_MEMORY, .length = 4 * PAGE };
	struct v3compat_identity identity = {
		.domain = self->one.domain, .permissions = RW,
		.source = {
			.type = V3COMPAT_SOURCE_PHYSICAL, .start = 1 << 20, .length = 2 * PAGE,
		},
	};
	int reservation, memfd = memfd_create("quota_test", MFD_CLOEXEC);
	struct state state;

	ASSERT_EQ(0, set_parameter("max_mapped", 10));
	self->one.next = 2 * AT;
	reservation = reserve(&self->one, 8, &self->result);
	ASSERT_LT(0, reservation);
	ASSERT_EQ(0, ftruncate(memfd, 4 * PAGE));
	source.object = create_memory(self->one.fd, self->memory, MEMORY, 0, NULL);
	ASSERT_LT(0, (int)source.object);
	/* Registered memory counts where it is mapped, as often as it is. */
	EXPECT_EQ(0, info_of(self->one.fd).out_mapped.used);
	ASSERT_EQ(0, map_at(self->one.fd, reservation, source, 0, 0, RW, NULL));
	ASSERT_EQ(0, map_at(self->one.fd, self->one.domain, source, AT, V3COMPAT_MAP_FIXED, RW,
			    NULL));
	ASSERT_EQ(0, CALL(self->one.fd, MAP_IDENTITY, &identity));
	EXPECT_EQ(10 * PAGE, info_of(self->one.fd).out_mapped.used);
	state = state_of(self->one.fd);
	EXPECT_QUOTA(map_at(self->one.fd, reservation, source, 4 * PAGE, 0, RW, &self->result),
		     &self->result, LENGTH, 14 * PAGE, 10 * PAGE);
	identity.source.start += 2 * PAGE;
	EXPECT_QUOTA(CALL(self->one.fd, MAP_IDENTITY, &identity), &identity.result, LENGTH,
		     12 * PAGE, 10 * PAGE);
	EXPECT_QUOTA(map_at(self->one.fd, self->one.domain, identity.source, AT + MEMORY,
			    V3COMPAT_MAP_FIXED, RW, &self->result), &self->result, LENGTH,
		     12 * PAGE, 10 * PAGE);
	source = (struct v3compat_source) {
		.type = V3COMPAT_SOURCE_MEMFD, .object = memfd, .length = PAGE,
	};
	EXPECT_QUOTA(map_at(self->one.fd, self->one.domain, source, AT + MEMORY,
			    V3COMPAT_MAP_FIXED, RW, &self->result), &self->result, LENGTH,
		     11 * PAGE, 10 * PAGE);
	EXPECT_TRUE(is_unchanged(self->one.fd, &state));
	close(memfd);
}

TEST_F(memory, batch_stops_at_the_limit)
{
	struct v3compat_batch_entry entries[4];
	struct v3compat_batch batch = {
		.entries = (uintptr_t)entries, .count = 4, .entry_size = sizeof(entries[0]),
	};
	int i;

	for (i = 0; i < 4; i++)
		entries[i] = (struct v3compat_batch_entry) {
			.command = V3COMPAT_CMD_MAP,
			.map = {
				.size = sizeof(struct v3compat_map), .flags = V3COMPAT_MAP_FIXED,
				.object = self->one.domain, .permissions = RW,
				.address = AT + i * PAGE, .source = user_memory(self->memory, PAGE),
			},
		};
	ASSERT_EQ(0, set_parameter("max_mapped", 2));
	EXPECT_EQ(2, CALL(self->one.fd, BATCH, &batch));
	EXPECT_QUOTA(-EDQUOT, &batch.result, LENGTH, 3 * PAGE, 2 * PAGE);
	EXPECT_EQ(8, pinned_kib());
	/* Entries before it make room. */
	entries[0] = (struct v3compat_batch_entry) {
		.command = V3COMPAT_CMD_UNMAP,
		.unmap = {
			.size = sizeof(struct v3compat_unmap), .object = self->one.domain,
			.address = AT, .length = PAGE,
		},
	};
	entries[1] = entries[2];
	batch.count = 2;
	EXPECT_EQ(2, CALL(self->one.fd, BATCH, &batch));
	EXPECT_EQ(2 * PAGE, info_of(self->one.fd).out_mapped.used);
}

/* Events. */

static int open_events_of(const struct holder *holder, unsigned int capacity,
			  struct v3compat_result *result)
{
	struct v3compat_events_open open = { .device = holder->device, .capacity = capacity };
	int ret = CALL(holder->fd, EVENTS_OPEN, &open);

	*result = open.result;
	return ret ? ret : open.out_fd;
}

static int open_eight_events(struct holder *holder)
{
	struct v3compat_result result;

	return open_events_of(holder, 8, &result) < 0;
}

TEST_F(quota, events_of_a_descriptor)
{
	int events;

	ASSERT_EQ(0, set_parameter("max_events", 8));
	EXPECT_EQ(8, info_of(self->one.fd).out_events.max);
	EXPECT_QUOTA(open_events_of(&self->one, 9, &self->result), &self->result, EVENTS, 9, 8);
	/* As many as there are without a number are too many, too. */
	EXPECT_QUOTA(open_events_of(&self->one, 0, &self->result), &self->result, EVENTS, 64, 8);
	events = open_events_of(&self->one, 8, &self->result);
	EXPECT_LE(0, events);
	EXPECT_EQ(0, as_somebody(open_eight_events, &self->other));
	close(events);
}

TEST_F(quota, descriptors_of_a_process)
{
	struct v3compat_device_open open = { .device = self->one.device };
	struct rlimit old, none;

	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &old));
	none = old;
	none.rlim_cur = 3;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &none));
	EXPECT_QUOTA(CALL(self->one.fd, DEVICE_OPEN, &open), &open.result, OUT, 3, 3);
	EXPECT_QUOTA(open_events_of(&self->one, 8, &self->result), &self->result, OUT, 3, 3);
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &old));
	EXPECT_EQ(0, CALL(self->one.fd, DEVICE_OPEN, &open));
	close(open.out_fd);
}

/* Pinned memory. */

#define EXPECT_MEMLOCK(ret, result_, pages, limit) do {				\
	EXPECT_TRUE(is_refusal(ret, result_, REASON(MEMLOCK), PARAM(LENGTH)));	\
	EXPECT_EQ(pages, (result_)->out_first);					\
	EXPECT_EQ(limit, (result_)->out_last);					\
} while (0)

static int pin_exactly_four(struct holder *holder)
{
	struct v3compat_result result;
	char *memory = new_memory(MEMORY);

	if (set_memlock(4 * PAGE))
		return 1;
	if (info_of(holder->fd).out_pinned.used || info_of(holder->fd).out_pinned.max != 4 * PAGE)
		return 2;
	if (!is_refusal(map_pages(holder, memory, 5, &result), &result, REASON(MEMLOCK),
			PARAM(LENGTH)) || result.out_first != 5 || result.out_last != 4)
		return 3;
	if (map_pages(holder, memory, 4, &result))
		return 4;
	return map_pages(holder, memory, 1, &result) == -ENOMEM ? 0 : 5;
}

/* What was mapped stays so when the process has gone, and counts. */
static int has_pinned_four(struct holder *holder)
{
	struct v3compat_result result;
	char *memory = new_memory(MEMORY);

	if (info_of(holder->fd).out_pinned.used != 4 * PAGE)
		return 1;
	return map_pages(holder, memory, 1, &result) == -ENOMEM && result.out_first == 5 ? 0 : 2;
}

TEST_F(memory, pinned_of_a_user)
{
	/* Who may lock memory has no limit, */
	ASSERT_EQ(0, set_memlock(4 * PAGE));
	EXPECT_EQ(~0ULL, info_of(self->one.fd).out_pinned.max);
	ASSERT_EQ(0, map_pages(&self->one, self->memory, 5, &self->result));
	ASSERT_EQ(0, map_pages(&self->one, self->memory, 3, &self->result));
	/* and what he has counts when he may not any more. */
	ASSERT_EQ(0, drop_capability(CAP_IPC_LOCK));
	EXPECT_EQ(4 * PAGE, info_of(self->one.fd).out_pinned.max);
	EXPECT_EQ(8 * PAGE, info_of(self->one.fd).out_pinned.used);
	EXPECT_MEMLOCK(map_pages(&self->one, self->memory, 1, &self->result), &self->result, 9, 4);
	ASSERT_EQ(0, unmap(self->one.fd, self->one.domain, AT, 5 * PAGE, NULL));
	ASSERT_EQ(0, map_pages(&self->one, self->memory, 1, &self->result));
	EXPECT_MEMLOCK(map_pages(&self->other, self->memory, 1, &self->result), &self->result, 5,
		       4);
	EXPECT_MEMLOCK(create_memory(self->other.fd, self->memory, MEMORY, 0, &self->result),
		       &self->result, 20, 4);
	EXPECT_EQ(16, pinned_kib());
	/* Another user has his own, in the same file, and in both together. */
	self->one.next = 2 * AT;
	EXPECT_EQ(0, as_somebody(pin_exactly_four, &self->one));
	EXPECT_EQ(0, as_somebody(has_pinned_four, &self->other));
	EXPECT_EQ(4 * PAGE, info_of(self->one.fd).out_pinned.used);
}

TEST_F(memory, pinned_is_counted_once_for_registered_memory)
{
	struct v3compat_source source = { .type = V3COMPAT_SOURCE_MEMORY, .length = 4 * PAGE };

	ASSERT_EQ(0, set_memlock(4 * PAGE));
	ASSERT_EQ(0, drop_capability(CAP_IPC_LOCK));
	EXPECT_MEMLOCK(create_memory(self->one.fd, self->memory, 5 * PAGE, 0, &self->result),
		       &self->result, 5, 4);
	source.object = create_memory(self->one.fd, self->memory, 4 * PAGE, 0, NULL);
	ASSERT_LT(0, (int)source.object);
	ASSERT_EQ(0, map_at(self->one.fd, self->one.domain, source, AT, V3COMPAT_MAP_FIXED, RW,
			    NULL));
	ASSERT_EQ(0, map_at(self->one.fd, self->one.domain, source, 2 * AT, V3COMPAT_MAP_FIXED, RW,
			    NULL));
	EXPECT_EQ(4 * PAGE, info_of(self->one.fd).out_pinned.used);
	EXPECT_MEMLOCK(map_pages(&self->one, self->memory, 1, &self->result), &self->result, 5, 4);
	/* Physical memory is not pinned. */
	source = (struct v3compat_source) {
		.type = V3COMPAT_SOURCE_PHYSICAL, .start = 1 << 20, .length = PAGE,
	};
	EXPECT_EQ(0, map_at(self->one.fd, self->one.domain, source, 3 * AT, V3COMPAT_MAP_FIXED,
			    V3COMPAT_READ, NULL));
	EXPECT_EQ(4 * PAGE, info_of(self->one.fd).out_pinned.used);
}

/* The same page counts each time, because each time it is pinned. */
TEST_F(memory, pinned_is_counted_for_each_mapping)
{
	ASSERT_EQ(0, set_memlock(2 * PAGE));
	ASSERT_EQ(0, drop_capability(CAP_IPC_LOCK));
	ASSERT_EQ(0, map_pages(&self->one, self->memory, 1, &self->result));
	ASSERT_EQ(0, map_pages(&self->one, self->memory, 1, &self->result));
	EXPECT_MEMLOCK(map_pages(&self->one, self->memory, 1, &self->result), &self->result, 3, 2);
	EXPECT_EQ(8, pinned_kib());
}

/* Refusals of the core, after the memory was pinned, give it back. */
TEST_F(memory, refused_map_counts_nothing)
{
	struct state state;

	ASSERT_EQ(0, map_pages(&self->one, self->memory, 4, &self->result));
	state = state_of(self->one.fd);
	EXPECT_EQ(-EEXIST, map_fixed(self->one.fd, self->one.domain, self->memory, MEMORY, AT));
	EXPECT_EQ(-ERANGE, map_fixed(self->one.fd, self->one.domain, self->memory, MEMORY,
				     last_of(self->one.fd, self->one.domain) + 1));
	ASSERT_EQ(0, munmap(self->memory + 8 * PAGE, PAGE));
	EXPECT_EQ(-EFAULT, map_fixed(self->one.fd, self->one.domain, self->memory, MEMORY,
				     AT + MEMORY));
	EXPECT_TRUE(is_unchanged(self->one.fd, &state));
	EXPECT_EQ(16, pinned_kib());
}

/* What memory the kernel needs for a user's objects is charged to his memory cgroup. */
TEST_F_TIMEOUT(quota, handles_are_charged, 240)
{
	const char *missing = enter_cgroup();
	const int count = 1500;
	long long before, after;
	int i;

	if (missing)
		SKIP(return, "%s", missing);
	before = charged();
	ASSERT_LE(0, before);
	for (i = 0; i < count; i++)
		ASSERT_LT(0, new_domain(&self->one, NULL));
	after = charged();
	/* Each has a struct of the file's, and one of the core's; some is charged ahead. */
	EXPECT_LT(count * 400LL, after - before);
	close(self->one.fd);
	EXPECT_TRUE(falls_below(after - count * 300LL));
	leave_cgroup();
}

/* Nodes of the table of handles, for 64 each, are all that is charged as memory to be reclaimed. */
TEST_F_TIMEOUT(quota, table_of_handles_is_charged, 240)
{
	const char *missing = enter_cgroup();
	const int count = 4000;
	long long before, after;
	int fd, i;

	if (missing)
		SKIP(return, "%s", missing);
	/* A file without a device, whose domains have nothing of the core's. */
	fd = open_v3compat();
	before = cgroup_stat("slab_reclaimable");
	ASSERT_LE(0, before);
	for (i = 0; i < count; i++)
		ASSERT_LT(0, create_domain(fd, V3COMPAT_DOMAIN_TRANSLATE, 0, NULL));
	after = cgroup_stat("slab_reclaimable");
	EXPECT_LT(count / 64 * 400LL, after - before);
	close(fd);
	leave_cgroup();
}

/* Of a reservation, the page tables that it has from the start, of 8 bytes a page. */
TEST_F_TIMEOUT(quota, tables_are_charged, 240)
{
	const char *missing = enter_cgroup();
	const unsigned long long pages = 1ULL << 20;
	long long before, after;
	int reservation;

	if (missing)
		SKIP(return, "%s", missing);
	/* Where no interrupt window is in the way. */
	self->one.next = 8ULL << 30;
	before = charged();
	ASSERT_LE(0, before);
	reservation = reserve(&self->one, pages, &self->result);
	ASSERT_LT(0, reservation);
	after = charged();
	EXPECT_LT(8 * pages, after - before);
	ASSERT_EQ(0, destroy(self->one.fd, reservation, NULL));
	EXPECT_TRUE(falls_below(after - 4 * pages));
	leave_cgroup();
}

/* Of what is mapped, and of events that wait. */
TEST_F_TIMEOUT(quota, records_are_charged, 240)
{
	const char *missing = enter_cgroup();
	const unsigned int count = 20000, capacity = 65536;
	const unsigned long long events = capacity * sizeof(struct v3compat_event);
	long long before, mapped, after;
	unsigned int i;
	int fd;

	if (missing)
		SKIP(return, "%s", missing);
	before = charged();
	ASSERT_LE(0, before);
	for (i = 0; i < count; i++)
		ASSERT_EQ(0, map_fixed(self->one.fd, self->one.domain, self->memory, PAGE,
				       AT + 2 * i * PAGE));
	mapped = charged();
	/* More than the page tables' 16 bytes for each of them. */
	EXPECT_LT(count * 48LL, mapped - before);
	fd = open_events_of(&self->one, capacity, &self->result);
	ASSERT_LE(0, fd);
	after = charged();
	EXPECT_LT(events, after - mapped);
	close(fd);
	EXPECT_TRUE(falls_below(after - events / 2));
	leave_cgroup();
}

TEST_HARNESS_MAIN
