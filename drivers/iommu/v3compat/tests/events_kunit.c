// SPDX-License-Identifier: GPL-2.0
/* What waits to be read comes out in order, and says where something is missing. */
#include <kunit/test.h>
#include <linux/module.h>

#include <kcompat.h>

#include <uapi/linux/v3compat.h>

#include "user/ring.h"

V3C_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);

#define ROOM	4
#define DEVICE	7

static void free_ring(void *ring)
{
	v3u_ring_free(ring);
}

static struct v3u_ring *new_ring(struct kunit *test, unsigned int capacity)
{
	struct v3u_ring *ring = kunit_kzalloc(test, sizeof(*ring), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, ring);
	KUNIT_ASSERT_EQ(test, v3u_ring_init(ring, capacity), 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action(test, free_ring, ring), 0);
	return ring;
}

static bool push(struct v3u_ring *ring, u64 address)
{
	struct v3compat_event event = {
		.type = V3COMPAT_EVENT_FAULT, .device = DEVICE, .address = address,
	};

	return v3u_ring_push(ring, &event);
}

static void push_all(struct kunit *test, struct v3u_ring *ring, u64 from, u64 count)
{
	while (count--)
		KUNIT_EXPECT_TRUE(test, push(ring, from++));
}

static struct v3compat_event next(struct kunit *test, struct v3u_ring *ring)
{
	struct v3compat_event event = {};

	KUNIT_EXPECT_TRUE(test, v3u_ring_look(ring, &event));
	v3u_ring_pop(ring, &event);
	return event;
}

static void expect_faults(struct kunit *test, struct v3u_ring *ring, u64 from, u64 count)
{
	struct v3compat_event event;

	for (; count--; from++) {
		event = next(test, ring);
		KUNIT_EXPECT_EQ(test, event.type, V3COMPAT_EVENT_FAULT);
		KUNIT_EXPECT_EQ(test, event.address, from);
	}
}

static void expect_lost(struct kunit *test, struct v3u_ring *ring, u64 count)
{
	struct v3compat_event event = next(test, ring);

	KUNIT_EXPECT_EQ(test, event.type, V3COMPAT_EVENT_LOST);
	KUNIT_EXPECT_EQ(test, event.device, DEVICE);
	KUNIT_EXPECT_EQ(test, event.pasid, V3COMPAT_NO_PASID_NUMBER);
	KUNIT_EXPECT_EQ(test, event.value, count);
	KUNIT_EXPECT_NE(test, event.time_ns, 0);
}

static void expect_nothing(struct kunit *test, struct v3u_ring *ring)
{
	struct v3compat_event event;

	KUNIT_EXPECT_FALSE(test, v3u_ring_look(ring, &event));
}

static void comes_out_in_order(struct kunit *test)
{
	struct v3u_ring *ring = new_ring(test, ROOM);
	unsigned int i;

	expect_nothing(test, ring);
	/* The ring's end lies at another record in each round. */
	for (i = 0; i < 3 * ROOM; i++) {
		push_all(test, ring, 10 * i, ROOM - 1);
		expect_faults(test, ring, 10 * i, ROOM - 1);
		expect_nothing(test, ring);
	}
}

static void counts_what_finds_no_room(struct kunit *test)
{
	struct v3u_ring *ring = new_ring(test, ROOM);
	unsigned int i;

	push_all(test, ring, 0, ROOM);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_FALSE(test, push(ring, 100));
	expect_faults(test, ring, 0, ROOM);
	expect_lost(test, ring, 3);
	expect_nothing(test, ring);
}

/* The count stands where the records would have been, and takes no room from others. */
static void count_stands_in_its_place(struct kunit *test)
{
	struct v3u_ring *ring = new_ring(test, ROOM);

	push_all(test, ring, 0, ROOM);
	KUNIT_EXPECT_FALSE(test, push(ring, 100));
	expect_faults(test, ring, 0, 1);
	/* As many records as there may be, with that of what was lost. */
	KUNIT_EXPECT_FALSE(test, push(ring, 101));
	expect_faults(test, ring, 1, 1);
	push_all(test, ring, 200, 1);
	KUNIT_EXPECT_FALSE(test, push(ring, 102));
	expect_faults(test, ring, 2, 2);
	expect_lost(test, ring, 2);
	expect_faults(test, ring, 200, 1);
	expect_lost(test, ring, 1);
	expect_nothing(test, ring);
}

static void goes_on_counting_while_it_is_read(struct kunit *test)
{
	struct v3compat_event event;
	struct v3u_ring *ring = new_ring(test, 1);

	push_all(test, ring, 0, 1);
	KUNIT_EXPECT_FALSE(test, push(ring, 100));
	expect_faults(test, ring, 0, 1);
	KUNIT_ASSERT_TRUE(test, v3u_ring_look(ring, &event));
	KUNIT_EXPECT_EQ(test, event.value, 1);
	KUNIT_EXPECT_FALSE(test, push(ring, 101));
	KUNIT_EXPECT_FALSE(test, push(ring, 102));
	v3u_ring_pop(ring, &event);
	expect_lost(test, ring, 2);
	push_all(test, ring, 1, 1);
	expect_faults(test, ring, 1, 1);
}

static void counts_what_others_lost(struct kunit *test)
{
	struct v3u_ring *ring = new_ring(test, ROOM);

	v3u_ring_lose(ring, DEVICE, 5);
	v3u_ring_lose(ring, DEVICE, 6);
	push_all(test, ring, 0, ROOM - 1);
	v3u_ring_lose(ring, DEVICE, 7);
	KUNIT_EXPECT_FALSE(test, push(ring, 100));
	expect_lost(test, ring, 11);
	expect_faults(test, ring, 0, ROOM - 1);
	expect_lost(test, ring, 8);
	expect_nothing(test, ring);
}

static void end_leaves_what_is_there(struct kunit *test)
{
	struct v3u_ring *ring = new_ring(test, ROOM);

	push_all(test, ring, 0, 2);
	v3u_ring_end(ring);
	KUNIT_EXPECT_TRUE(test, ring->over);
	expect_faults(test, ring, 0, 2);
	expect_nothing(test, ring);
}

static void refuses_what_there_is_no_memory_for(struct kunit *test)
{
	struct v3u_ring ring;

	KUNIT_EXPECT_EQ(test, v3u_ring_init(&ring, U32_MAX), -ENOMEM);
}

static struct kunit_case events_cases[] = {
	KUNIT_CASE(comes_out_in_order),
	KUNIT_CASE(counts_what_finds_no_room),
	KUNIT_CASE(count_stands_in_its_place),
	KUNIT_CASE(goes_on_counting_while_it_is_read),
	KUNIT_CASE(counts_what_others_lost),
	KUNIT_CASE(end_leaves_what_is_there),
	KUNIT_CASE(refuses_what_there_is_no_memory_for),
	{}
};

static struct kunit_suite events_suite = {
	.name = "v3compat_events",
	.test_cases = events_cases,
};

kunit_test_suites(&events_suite);
