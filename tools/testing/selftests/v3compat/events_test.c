// SPDX-License-Identifier: GPL-2.0
/*
 * Events, page requests and sub-devices of /dev/v3compat, the guard, and what is shown of a file.
 */
#define _GNU_SOURCE
#include "engine.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

#include <linux/capability.h>

#include "../kselftest_harness.h"

#define AT	0x40000000ULL
#define RW	(V3COMPAT_READ | V3COMPAT_WRITE)

#define STATE		(1u << V3COMPAT_EVENT_STATE)
#define FAULT		(1u << V3COMPAT_EVENT_FAULT)
#define PAGE_REQUEST	(1u << V3COMPAT_EVENT_PAGE_REQUEST)
#define APERTURE	(1u << V3COMPAT_EVENT_APERTURE)
#define DEVICE_GONE	(1u << V3COMPAT_EVENT_DEVICE_GONE)

#define PASSTHROUGH	(1u << V3COMPAT_DOMAIN_PASSTHROUGH)
#define TRANSLATE	(1u << V3COMPAT_DOMAIN_TRANSLATE)

/* A test that waits longer has failed. */
#define PATIENCE_MS	20000

static int open_events(int fd, struct v3compat_events_open *arg)
{
	int ret = CALL(fd, EVENTS_OPEN, arg);

	return ret ? ret : arg->out_fd;
}

static int events_of(int fd, int device, unsigned int mask)
{
	struct v3compat_events_open arg = { .device = device, .mask = mask };

	return open_events(fd, &arg);
}

/* is_ready() waits for @ms at most. */
static bool is_ready(int events, int ms)
{
	struct pollfd poll_fd = { .fd = events, .events = POLLIN };

	return poll(&poll_fd, 1, ms) == 1 && poll_fd.revents & POLLIN;
}

/* next_event() returns an event of type ~0 when none comes. */
static struct v3compat_event next_event(int events)
{
	struct v3compat_event event = { .type = ~0u };

	if (is_ready(events, PATIENCE_MS) && read(events, &event, sizeof(event)) != sizeof(event))
		event.type = ~0u;
	return event;
}

static bool is_silent(int events)
{
	return !is_ready(events, 50);
}

static unsigned long long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

static int create_pasid(int fd, int device, unsigned int flags, unsigned int *number,
			struct v3compat_result *result)
{
	struct v3compat_pasid_create arg = { .device = device, .flags = flags };
	int ret = CALL(fd, PASID_CREATE, &arg);

	if (number)
		*number = arg.out_number;
	if (result)
		*result = arg.result;
	return ret ? ret : (int)arg.out_pasid;
}

static int respond(int fd, int device, unsigned long long cookie, unsigned int code,
		   struct v3compat_result *result)
{
	struct v3compat_page_response arg = { .device = device, .cookie = cookie, .code = code };
	int ret = CALL(fd, PAGE_RESPONSE, &arg);

	if (result)
		*result = arg.result;
	return ret;
}

static int set_guard(int fd, unsigned int flags, unsigned int policy, unsigned int locked,
		     struct v3compat_result *result)
{
	struct v3compat_guard_state arg = { .flags = flags, .policy = policy, .locked = locked };
	int ret = CALL(fd, GUARD_SET, &arg);

	if (result)
		*result = arg.result;
	return ret;
}

static int set_locked(int fd, unsigned int locked)
{
	return set_guard(fd, V3COMPAT_GUARD_SET_LOCKED, 0, locked, NULL);
}

/* A device that has untagged DMA attached, and what is seen of it. */
FIXTURE(events) {
	struct sim sim;
	int fd;
	int device;
	int domain;
	char *memory;
	struct v3compat_result result;
};

FIXTURE_SETUP(events)
{
	const struct sim_config config = { .max_pasids = 64 };

	ASSERT_EQ(0, open_sim(&self->sim, &config));
	self->fd = open_v3compat();
	ASSERT_LE(0, self->fd);
	self->device = create_device(self->fd, self->sim.name, V3COMPAT_DEVICE_TAGGED, NULL);
	ASSERT_LT(0, self->device);
	self->domain = create_domain(self->fd, V3COMPAT_DOMAIN_TRANSLATE, 0, NULL);
	ASSERT_LT(0, self->domain);
	self->memory = new_memory(PAGE);
	ASSERT_NE(NULL, self->memory);
}

FIXTURE_TEARDOWN(events)
{
	if (self->fd >= 0) {
		set_locked(self->fd, 0);
		close(self->fd);
	}
	close_sim(&self->sim);
}

TEST_F(events, types_are_told_at_once)
{
	unsigned long long before = now_ns();
	struct v3compat_event event;
	int events = events_of(self->fd, self->device, STATE);

	ASSERT_LE(0, events);
	event = next_event(events);
	EXPECT_EQ(V3COMPAT_EVENT_STATE, event.type);
	EXPECT_EQ(self->device, event.device);
	EXPECT_EQ(0, event.domain);
	EXPECT_EQ(V3COMPAT_NO_PASID_NUMBER, event.pasid);
	EXPECT_EQ(TRANSLATE | PASSTHROUGH, event.value & (TRANSLATE | PASSTHROUGH));
	EXPECT_LE(before, event.time_ns);
	EXPECT_GE(now_ns(), event.time_ns);
	EXPECT_EQ(0, event.cookie);
	EXPECT_EQ(0, event.flags);
	EXPECT_EQ(0, event.__reserved);
	EXPECT_TRUE(is_silent(events));
	close(events);
}

TEST_F(events, guard_is_told_to_those_who_watch)
{
	struct v3compat_event event;
	int events = events_of(self->fd, self->device, STATE);

	ASSERT_LE(0, events);
	next_event(events);
	/* GUARD_SET returns when it is told. */
	ASSERT_EQ(0, set_locked(self->fd, 1));
	ASSERT_TRUE(is_ready(events, 0));
	event = next_event(events);
	EXPECT_EQ(V3COMPAT_EVENT_STATE, event.type);
	EXPECT_EQ(TRANSLATE, event.value & (TRANSLATE | PASSTHROUGH));
	ASSERT_EQ(0, set_locked(self->fd, 0));
	ASSERT_TRUE(is_ready(events, 0));
	event = next_event(events);
	EXPECT_EQ(TRANSLATE | PASSTHROUGH, event.value & (TRANSLATE | PASSTHROUGH));
	EXPECT_TRUE(is_silent(events));
	close(events);
	ASSERT_EQ(0, set_locked(self->fd, 1));
}

TEST_F(events, only_what_is_wanted_is_told)
{
	unsigned int value = 0;
	int events;

	ASSERT_EQ(0, attach(self->fd, self->domain, self->device, NULL));
	events = events_of(self->fd, self->device, DEVICE_GONE);
	ASSERT_LE(0, events);
	EXPECT_EQ(0, set_locked(self->fd, 1));
	EXPECT_EQ(IOMMUSIM_FAULT_NOT_PRESENT, dma(&self->sim, AT, &value, sizeof(value), true));
	EXPECT_TRUE(is_silent(events));
	close(events);
}

TEST_F(events, faults_need_an_attached_device)
{
	struct v3compat_events_open arg = { .device = self->device, .mask = STATE | FAULT };
	int events;

	EXPECT_EQ(-ENOENT, open_events(self->fd, &arg));
	EXPECT_EQ(V3COMPAT_REASON_NOT_ATTACHED, arg.result.out_reason);
	EXPECT_EQ(self->device, arg.result.out_object);
	/* Nothing is left of it. */
	events = events_of(self->fd, self->device, STATE);
	ASSERT_LE(0, events);
	close(events);
	ASSERT_EQ(0, attach(self->fd, self->domain, self->device, NULL));
	events = events_of(self->fd, self->device, STATE | FAULT);
	ASSERT_LE(0, events);
	close(events);
}

TEST_F(events, page_requests_that_cannot_come_are_refused)
{
	struct v3compat_events_open arg = { .device = self->device, .mask = PAGE_REQUEST };

	ASSERT_EQ(0, attach(self->fd, self->domain, self->device, NULL));
	EXPECT_EQ(-EOPNOTSUPP, open_events(self->fd, &arg));
	EXPECT_EQ(V3COMPAT_REASON_NO_FAULTS, arg.result.out_reason);
}

TEST_F(events, one_hears_of_a_device)
{
	struct v3compat_events_open arg = { .device = self->device, .mask = STATE };
	int events = events_of(self->fd, self->device, STATE), again;

	ASSERT_LE(0, events);
	EXPECT_EQ(-EBUSY, open_events(self->fd, &arg));
	EXPECT_EQ(V3COMPAT_REASON_REGISTERED, arg.result.out_reason);
	EXPECT_EQ(V3COMPAT_PARAM_DEVICE, arg.result.out_parameter);
	EXPECT_EQ(-EBUSY, destroy(self->fd, self->device, &self->result));
	EXPECT_EQ(V3COMPAT_REASON_REGISTERED, self->result.out_reason);
	/* A copy keeps it. */
	again = dup(events);
	close(events);
	EXPECT_EQ(-EBUSY, open_events(self->fd, &arg));
	close(again);
	again = open_events(self->fd, &arg);
	EXPECT_LE(0, again);
	close(again);
	EXPECT_EQ(0, destroy(self->fd, self->device, NULL));
}

TEST_F(events, descriptor_is_closed_by_exec)
{
	int events = events_of(self->fd, self->device, STATE);

	ASSERT_LE(0, events);
	EXPECT_EQ(FD_CLOEXEC, fcntl(events, F_GETFD));
	EXPECT_EQ(O_RDONLY, fcntl(events, F_GETFL) & O_ACCMODE);
	close(events);
}

TEST_F(events, what_is_lost_is_counted_in_its_place)
{
	struct v3compat_events_open arg = {
		.device = self->device, .mask = FAULT | STATE, .capacity = 2,
	};
	struct v3compat_event event;
	unsigned int value = 0, i;
	int events;

	ASSERT_EQ(0, attach(self->fd, self->domain, self->device, NULL));
	events = open_events(self->fd, &arg);
	ASSERT_LE(0, events);
	/* The state is there; one of four more finds room. */
	ASSERT_EQ(0, set_locked(self->fd, 1));
	ASSERT_EQ(0, set_locked(self->fd, 0));
	ASSERT_EQ(0, set_locked(self->fd, 1));
	ASSERT_EQ(0, set_locked(self->fd, 0));
	for (i = 0; i < 2; i++) {
		event = next_event(events);
		EXPECT_EQ(V3COMPAT_EVENT_STATE, event.type);
	}
	EXPECT_EQ(TRANSLATE, event.value & (TRANSLATE | PASSTHROUGH));
	EXPECT_EQ(IOMMUSIM_FAULT_NOT_PRESENT, dma(&self->sim, AT, &value, sizeof(value), false));
	event = next_event(events);
	EXPECT_EQ(V3COMPAT_EVENT_LOST, event.type);
	EXPECT_EQ(3, event.value);
	EXPECT_EQ(self->device, event.device);
	event = next_event(events);
	EXPECT_EQ(V3COMPAT_EVENT_FAULT, event.type);
	EXPECT_EQ(V3COMPAT_READ, event.permissions);
	EXPECT_TRUE(is_silent(events));
	close(events);
}

TEST_F(events, odd_requests)
{
	const struct {
		struct v3compat_events_open arg;
		int error;
		unsigned int reason;
		unsigned int parameter;
	} odd[] = {
		{ { .flags = 1 }, -EOPNOTSUPP, V3COMPAT_REASON_UNKNOWN_FLAG,
		  V3COMPAT_PARAM_FLAGS },
		{ { .__reserved = 1 }, -EOPNOTSUPP, V3COMPAT_REASON_UNKNOWN_FLAG,
		  V3COMPAT_PARAM_RESERVED },
		{ { .mask = 1u << V3COMPAT_EVENT_REVOKED }, -EOPNOTSUPP,
		  V3COMPAT_REASON_UNKNOWN_FLAG, V3COMPAT_PARAM_EVENTS },
		{ { .mask = 1u << 31 }, -EOPNOTSUPP, V3COMPAT_REASON_UNKNOWN_FLAG,
		  V3COMPAT_PARAM_EVENTS },
		{ { .capacity = 65537 }, -EDQUOT, V3COMPAT_REASON_QUOTA, V3COMPAT_PARAM_EVENTS },
		{ { .capacity = ~0u }, -EDQUOT, V3COMPAT_REASON_QUOTA, V3COMPAT_PARAM_EVENTS },
		{ { .mask = PAGE_REQUEST, .answer_ms = 600001 }, -EINVAL,
		  V3COMPAT_REASON_BAD_CONFIG, V3COMPAT_PARAM_NUMBER },
		{ { .mask = FAULT, .answer_ms = 1 }, -EINVAL, V3COMPAT_REASON_BAD_CONFIG,
		  V3COMPAT_PARAM_NUMBER },
	};
	struct v3compat_events_open arg;
	unsigned int i;
	int events;

	for (i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		arg = odd[i].arg;
		arg.device = self->device;
		EXPECT_EQ(odd[i].error, open_events(self->fd, &arg)) {
			TH_LOG("odd request %u", i);
		}
		EXPECT_EQ(odd[i].reason, arg.result.out_reason);
		EXPECT_EQ(odd[i].parameter, arg.result.out_parameter);
	}
	EXPECT_EQ(-ENOENT, events_of(self->fd, self->domain, STATE));
	EXPECT_EQ(-ENOENT, events_of(self->fd, 0, STATE));
	EXPECT_EQ(-ENOENT, events_of(self->fd, 12345, STATE));
	arg = (struct v3compat_events_open) {
		.device = self->device, .mask = STATE, .capacity = 65536,
	};
	events = open_events(self->fd, &arg);
	EXPECT_LE(0, events);
	close(events);
}

/* The kernel can read the command, and cannot write the answer. */
TEST_F(events, nothing_is_left_when_the_answer_cannot_be_written)
{
	struct v3compat_events_open *arg = (void *)self->memory;
	int events, before = dup(self->fd), after;

	close(before);
	*arg = (struct v3compat_events_open) {
		.size = sizeof(*arg), .device = self->device, .mask = STATE,
	};
	ASSERT_EQ(0, mprotect(self->memory, PAGE, PROT_READ));
	EXPECT_EQ(-EFAULT, call_(self->fd, V3COMPAT_IOCTL_EVENTS_OPEN, arg));
	after = dup(self->fd);
	EXPECT_EQ(before, after);
	close(after);
	events = events_of(self->fd, self->device, STATE);
	EXPECT_LE(0, events);
	close(events);
}

TEST_F(events, no_descriptor_is_left)
{
	struct v3compat_events_open arg = { .device = self->device, .mask = STATE };
	struct rlimit old, none;
	int events;

	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &old));
	none = old;
	none.rlim_cur = 3;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &none));
	EXPECT_EQ(-EDQUOT, open_events(self->fd, &arg));
	EXPECT_EQ(V3COMPAT_REASON_QUOTA, arg.result.out_reason);
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &old));
	events = open_events(self->fd, &arg);
	EXPECT_LE(0, events);
	close(events);
}

TEST_F(events, whole_records_are_read)
{
	struct v3compat_event several[4];
	int events = events_of(self->fd, self->device, STATE);

	ASSERT_LE(0, events);
	ASSERT_EQ(0, set_locked(self->fd, 1));
	EXPECT_EQ(-1, read(events, several, sizeof(several[0]) - 1));
	EXPECT_EQ(EINVAL, errno);
	ASSERT_EQ(0, mprotect(self->memory, PAGE, PROT_READ));
	EXPECT_EQ(-1, read(events, several, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, read(events, self->memory, sizeof(several)));
	EXPECT_EQ(EFAULT, errno);
	/* What could not be written is still there. */
	EXPECT_EQ(sizeof(several[0]), read(events, several, 2 * sizeof(several[0]) - 1));
	EXPECT_EQ(TRANSLATE | PASSTHROUGH, several[0].value & (TRANSLATE | PASSTHROUGH));
	ASSERT_EQ(0, set_locked(self->fd, 0));
	EXPECT_EQ(2 * sizeof(several[0]), read(events, several, sizeof(several)));
	EXPECT_EQ(TRANSLATE, several[0].value & (TRANSLATE | PASSTHROUGH));
	EXPECT_EQ(TRANSLATE | PASSTHROUGH, several[1].value & (TRANSLATE | PASSTHROUGH));
	ASSERT_EQ(0, fcntl(events, F_SETFL, O_NONBLOCK));
	EXPECT_EQ(-1, read(events, several, sizeof(several)));
	EXPECT_EQ(EAGAIN, errno);
	close(events);
}

static void do_nothing(int signal)
{
	(void)signal;
}

static void alarm_in_100_ms(void)
{
	const struct sigaction action = { .sa_handler = do_nothing };
	const struct itimerval soon = { .it_value.tv_usec = 100000 };

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
}

TEST_F(events, signal_ends_a_read)
{
	struct v3compat_event event;
	int events = events_of(self->fd, self->device, STATE);

	ASSERT_LE(0, events);
	next_event(events);
	alarm_in_100_ms();
	EXPECT_EQ(-1, read(events, &event, sizeof(event)));
	EXPECT_EQ(EINTR, errno);
	close(events);
}

struct reader {
	int events;
	ssize_t got;
	struct v3compat_event event;
};

static void *run_read(void *arg)
{
	struct reader *reader = arg;

	reader->got = read(reader->events, &reader->event, sizeof(reader->event));
	return NULL;
}

TEST_F(events, event_wakes_a_reader)
{
	struct reader reader;
	pthread_t thread;

	reader.events = events_of(self->fd, self->device, STATE);
	ASSERT_LE(0, reader.events);
	next_event(reader.events);
	ASSERT_EQ(0, pthread_create(&thread, NULL, run_read, &reader));
	usleep(50000);
	ASSERT_EQ(0, set_locked(self->fd, 1));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(sizeof(reader.event), reader.got);
	EXPECT_EQ(V3COMPAT_EVENT_STATE, reader.event.type);
	close(reader.events);
}

TEST_F(events, descriptor_outlives_the_file)
{
	struct pollfd poll_fd;
	struct v3compat_event event;
	struct reader reader;
	pthread_t thread;
	int again;

	reader.events = events_of(self->fd, self->device, STATE);
	ASSERT_LE(0, reader.events);
	close(self->fd);
	/* The file has let go of the device, although the descriptor is open. */
	again = open_v3compat();
	self->fd = again;
	ASSERT_LT(0, create_device(again, self->sim.name, 0, NULL));
	poll_fd = (struct pollfd) { .fd = reader.events, .events = POLLIN };
	ASSERT_EQ(1, poll(&poll_fd, 1, PATIENCE_MS));
	EXPECT_EQ(POLLIN | POLLHUP, poll_fd.revents);
	event = next_event(reader.events);
	EXPECT_EQ(V3COMPAT_EVENT_STATE, event.type);
	ASSERT_EQ(1, poll(&poll_fd, 1, PATIENCE_MS));
	EXPECT_EQ(POLLHUP, poll_fd.revents);
	EXPECT_EQ(0, read(reader.events, &event, sizeof(event)));
	ASSERT_EQ(0, pthread_create(&thread, NULL, run_read, &reader));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(0, reader.got);
	close(reader.events);
}

TEST_F(events, end_of_the_file_wakes_a_reader)
{
	struct reader reader;
	pthread_t thread;

	reader.events = events_of(self->fd, self->device, STATE);
	ASSERT_LE(0, reader.events);
	next_event(reader.events);
	ASSERT_EQ(0, pthread_create(&thread, NULL, run_read, &reader));
	usleep(50000);
	close(self->fd);
	self->fd = -1;
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(0, reader.got);
	close(reader.events);
}

TEST_F(events, removal_is_told)
{
	struct iommusim_ioc_destroy unplug = {
		.size = sizeof(unplug), .id = self->sim.device,
	};
	struct v3compat_events_open arg = { .device = self->device, .mask = DEVICE_GONE };
	int events = events_of(self->fd, self->device, STATE | DEVICE_GONE);
	struct v3compat_event event;

	ASSERT_LE(0, events);
	next_event(events);
	ASSERT_EQ(0, ioctl(self->sim.fd, IOMMUSIM_IOC_DESTROY, &unplug));
	event = next_event(events);
	EXPECT_EQ(V3COMPAT_EVENT_STATE, event.type);
	EXPECT_EQ(0, event.value);
	event = next_event(events);
	EXPECT_EQ(V3COMPAT_EVENT_DEVICE_GONE, event.type);
	EXPECT_EQ(self->device, event.device);
	EXPECT_TRUE(is_silent(events));
	close(events);
	EXPECT_EQ(-ENODEV, open_events(self->fd, &arg));
	EXPECT_EQ(V3COMPAT_REASON_DEVICE_GONE, arg.result.out_reason);
	EXPECT_EQ(0, destroy(self->fd, self->device, NULL));
}

TEST_F(events, driver_that_leaves_is_told)
{
	int events = events_of(self->fd, self->device, STATE | DEVICE_GONE);
	struct v3compat_event event;

	ASSERT_LE(0, events);
	next_event(events);
	ASSERT_EQ(0, unbind_device(self->sim.name));
	event = next_event(events);
	EXPECT_EQ(V3COMPAT_EVENT_STATE, event.type);
	event = next_event(events);
	EXPECT_EQ(V3COMPAT_EVENT_DEVICE_GONE, event.type);
	close(events);
}

/* An attach to an IOMMU that translates less makes less of the domain available. */
TEST_F(events, smaller_aperture_is_told)
{
	const struct sim_config config = {
		.aperture_bits = 40, .quirks = IOMMUSIM_LATE_GEOMETRY,
	};
	struct v3compat_domain_query query = {};
	struct v3compat_event event;
	struct sim small;
	int device, events;

	ASSERT_EQ(0, open_sim(&small, &config));
	device = create_device(self->fd, small.name, 0, NULL);
	ASSERT_LT(0, device);
	ASSERT_EQ(0, attach(self->fd, self->domain, self->device, NULL));
	events = events_of(self->fd, self->device, APERTURE);
	ASSERT_LE(0, events);
	ASSERT_EQ(0, attach(self->fd, self->domain, device, NULL));
	event = next_event(events);
	EXPECT_EQ(V3COMPAT_EVENT_APERTURE, event.type);
	EXPECT_EQ(self->device, event.device);
	EXPECT_EQ(self->domain, event.domain);
	query.domain = self->domain;
	ASSERT_EQ(0, CALL(self->fd, DOMAIN_QUERY, &query));
	EXPECT_EQ(query.out_last, event.value);
	EXPECT_EQ((1ULL << 40) - 1, event.value);
	close(events);
	EXPECT_EQ(0, detach(self->fd, device, NULL));
	EXPECT_EQ(0, destroy(self->fd, device, NULL));
	close_sim(&small);
}

/* Faults, as the IOMMU of the device tells them. */
FIXTURE(faults) {
	struct engine engine;
	int fd;
	int device;
	int domain;
	char *memory;
};

FIXTURE_VARIANT(faults) {
	bool pci;
};

FIXTURE_VARIANT_ADD(faults, iommusim) {};
FIXTURE_VARIANT_ADD(faults, pci) { .pci = true };

FIXTURE_SETUP(faults)
{
	if (!has_engine(variant->pci))
		SKIP(return, NO_ENGINE);
	ASSERT_EQ(0, open_engine(&self->engine, variant->pci, &(struct sim_config) {}));
	self->fd = open_v3compat();
	ASSERT_LE(0, self->fd);
	self->device = claim(&self->engine, self->fd, 0);
	ASSERT_LT(0, self->device);
	self->domain = create_domain(self->fd, V3COMPAT_DOMAIN_TRANSLATE, 0, NULL);
	ASSERT_LT(0, self->domain);
	ASSERT_EQ(0, attach(self->fd, self->domain, self->device, NULL));
	self->engine.domain = self->domain;
	self->memory = new_memory(PAGE);
	ASSERT_NE(NULL, self->memory);
}

FIXTURE_TEARDOWN(faults)
{
	if (self->fd > 0)
		close(self->fd);
	close_engine(&self->engine);
}

/*
 * provoke_fault() returns the event of a write, of type ~0 when none comes. It tries again, because
 * drivers that tell the log leave out what comes too fast after others.
 */
static struct v3compat_event provoke_fault(struct engine *engine, int events,
					   unsigned long long address)
{
	struct v3compat_event event = { .type = ~0u };
	unsigned int tries;

	for (tries = 0; tries < PATIENCE_MS / 1000 && engine_is_refused(engine, address); tries++) {
		while (is_ready(events, 1000)) {
			event = next_event(events);
			if (event.address == address)
				return event;
		}
	}
	event.type = ~0u;
	return event;
}

TEST_F(faults, are_told)
{
	struct v3compat_events_open arg = { .device = self->device, .mask = FAULT };
	struct v3compat_device_query query = { .device = self->device };
	struct v3compat_event event;
	int events = open_events(self->fd, &arg);

	ASSERT_EQ(0, CALL(self->fd, DEVICE_QUERY, &query));
	if (!(query.out_flags & V3COMPAT_DEVICE_FAULTS)) {
		EXPECT_EQ(-EOPNOTSUPP, events);
		EXPECT_EQ(V3COMPAT_REASON_NO_FAULTS, arg.result.out_reason);
		SKIP(return, "nothing tells of faults of this IOMMU");
	}
	ASSERT_LE(0, events);
	if (!strcmp((char *)query.out_iommu, "AMD-Vi"))
		SKIP(return, "QEMU's AMD-Vi refuses DMA and tells nobody");
	EXPECT_TRUE(is_silent(events));
	event = provoke_fault(&self->engine, events, AT);
	EXPECT_EQ(V3COMPAT_EVENT_FAULT, event.type);
	EXPECT_EQ(self->device, event.device);
	EXPECT_EQ(self->domain, event.domain);
	EXPECT_EQ(V3COMPAT_NO_PASID_NUMBER, event.pasid);
	EXPECT_EQ(V3COMPAT_REFUSED_TRANSLATION, event.reason);
	EXPECT_EQ(V3COMPAT_WRITE, event.permissions);
	EXPECT_EQ(AT, event.address);
	EXPECT_EQ(0, event.value);
	EXPECT_EQ(0, event.cookie);
	EXPECT_EQ(0, event.flags);

	ASSERT_EQ(0, map_at(self->fd, self->domain, user_memory(self->memory, PAGE), 2 * AT,
			    V3COMPAT_MAP_FIXED, V3COMPAT_READ, NULL));
	event = provoke_fault(&self->engine, events, 2 * AT);
	EXPECT_EQ(V3COMPAT_EVENT_FAULT, event.type);
	EXPECT_EQ(V3COMPAT_REFUSED_PERMISSION, event.reason);
	EXPECT_EQ(V3COMPAT_WRITE, event.permissions);
	EXPECT_TRUE(engine_reads(&self->engine, 2 * AT, self->memory));
	if (!variant->pci)
		EXPECT_TRUE(is_silent(events));
	close(events);
}

/* A sub-device that can ask for pages. */
FIXTURE(requests) {
	struct sim sim;
	int fd;
	int device;
	int domain;
	int pasid;
	unsigned int number;
	char *memory;
	struct v3compat_result result;
};

FIXTURE_SETUP(requests)
{
	const struct sim_config config = {
		.max_pasids = 1 << 16, .features = IOMMUSIM_PAGE_REQUESTS,
	};
	int ret = open_sim(&self->sim, &config);

	if (ret == -EOPNOTSUPP)
		SKIP(return, "the kernel has no page requests");
	ASSERT_EQ(0, ret);
	self->fd = open_v3compat();
	ASSERT_LE(0, self->fd);
	self->device = create_device(self->fd, self->sim.name, V3COMPAT_DEVICE_TAGGED, NULL);
	ASSERT_LT(0, self->device);
	self->domain = create_domain(self->fd, V3COMPAT_DOMAIN_TRANSLATE, 0, NULL);
	ASSERT_LT(0, self->domain);
	self->pasid = create_pasid(self->fd, self->device, 0, &self->number, NULL);
	ASSERT_LT(0, self->pasid);
	ASSERT_EQ(0, attach(self->fd, self->domain, self->pasid, NULL));
	self->memory = new_memory(2 * PAGE);
	ASSERT_NE(NULL, self->memory);
}

FIXTURE_TEARDOWN(requests)
{
	close(self->fd);
	close_sim(&self->sim);
}

/* struct asking: a thread in which the device asks for a page and waits for the answer. */
struct asking {
	struct iommusim_ioc_dma dma;
	int fd;
	int reason;
	unsigned int value;
	pthread_t thread;
};

static void *run_asking(void *arg)
{
	struct asking *asking = arg;

	asking->reason = ioctl(asking->fd, IOMMUSIM_IOC_DMA, &asking->dma) ?
				 -errno : (int)asking->dma.out_reason;
	return NULL;
}

static int start_asking(struct asking *asking, const struct sim *sim, unsigned int number,
			unsigned long long address)
{
	asking->fd = sim->fd;
	asking->value = 0xa5c0ffee;
	asking->dma = (struct iommusim_ioc_dma) {
		.size = sizeof(asking->dma),
		.flags = IOMMUSIM_DMA_PAGE_REQUESTS | IOMMUSIM_DMA_WRITE,
		.device_id = sim->device, .pasid = number, .address = address,
		.length = sizeof(asking->value), .data = (uintptr_t)&asking->value,
	};
	return pthread_create(&asking->thread, NULL, run_asking, asking);
}

static int reason_of(struct asking *asking)
{
	pthread_join(asking->thread, NULL);
	return asking->reason;
}

static unsigned long long unanswered(const struct sim *sim)
{
	struct iommusim_ioc_stats stats = { .size = sizeof(stats), .sim_id = sim->iommu };

	return ioctl(sim->fd, IOMMUSIM_IOC_STATS, &stats) ? ~0ULL : stats.out_unanswered;
}

TEST_F(requests, answer_lets_the_device_go_on)
{
	int events = events_of(self->fd, self->device, PAGE_REQUEST);
	struct v3compat_event event;
	struct asking asking;

	ASSERT_LE(0, events);
	ASSERT_EQ(0, start_asking(&asking, &self->sim, self->number, AT + 8));
	event = next_event(events);
	EXPECT_EQ(V3COMPAT_EVENT_PAGE_REQUEST, event.type);
	EXPECT_EQ(self->device, event.device);
	EXPECT_EQ(self->domain, event.domain);
	EXPECT_EQ(self->number, event.pasid);
	EXPECT_EQ(V3COMPAT_REFUSED_TRANSLATION, event.reason);
	EXPECT_EQ(V3COMPAT_WRITE, event.permissions & V3COMPAT_WRITE);
	EXPECT_EQ(AT, event.address & ~(PAGE - 1));
	EXPECT_NE(0, event.cookie);
	EXPECT_EQ(0, event.flags & V3COMPAT_EVENT_MORE);
	ASSERT_EQ(0, map_fixed(self->fd, self->domain, self->memory, PAGE, AT));
	EXPECT_EQ(1, unanswered(&self->sim));
	EXPECT_EQ(0, respond(self->fd, self->device, event.cookie, V3COMPAT_PAGE_RETRY, NULL));
	EXPECT_EQ(IOMMUSIM_OK, reason_of(&asking));
	EXPECT_EQ(0, memcmp(self->memory + 8, &asking.value, sizeof(asking.value)));
	EXPECT_EQ(-ENOENT, respond(self->fd, self->device, event.cookie, V3COMPAT_PAGE_RETRY,
				   &self->result));
	EXPECT_EQ(V3COMPAT_REASON_BAD_HANDLE, self->result.out_reason);
	EXPECT_EQ(V3COMPAT_PARAM_COOKIE, self->result.out_parameter);
	close(events);
}

TEST_F(requests, answer_refuses)
{
	int events = events_of(self->fd, self->device, PAGE_REQUEST | FAULT);
	struct v3compat_event event;
	struct asking asking;

	ASSERT_LE(0, events);
	ASSERT_EQ(0, start_asking(&asking, &self->sim, self->number, AT));
	event = next_event(events);
	ASSERT_EQ(V3COMPAT_EVENT_PAGE_REQUEST, event.type);
	EXPECT_EQ(0, respond(self->fd, self->device, event.cookie, V3COMPAT_PAGE_REFUSE, NULL));
	EXPECT_EQ(IOMMUSIM_FAULT_PAGE_REQUEST, reason_of(&asking));
	close(events);
}

TEST_F(requests, retry_needs_what_was_asked_for)
{
	int events = events_of(self->fd, self->device, PAGE_REQUEST);
	struct v3compat_event event;
	struct asking asking;

	ASSERT_LE(0, events);
	ASSERT_EQ(0, map_at(self->fd, self->domain, user_memory(self->memory, PAGE), AT,
			    V3COMPAT_MAP_FIXED, V3COMPAT_READ, NULL));
	ASSERT_EQ(0, start_asking(&asking, &self->sim, self->number, AT));
	event = next_event(events);
	ASSERT_EQ(V3COMPAT_EVENT_PAGE_REQUEST, event.type);
	EXPECT_EQ(V3COMPAT_REFUSED_PERMISSION, event.reason);
	EXPECT_EQ(-ENOENT, respond(self->fd, self->device, event.cookie, V3COMPAT_PAGE_RETRY,
				   &self->result));
	EXPECT_EQ(V3COMPAT_REASON_NOT_MAPPED, self->result.out_reason);
	EXPECT_EQ(AT, self->result.out_first);
	EXPECT_EQ(AT + PAGE - 1, self->result.out_last);
	EXPECT_EQ(IOMMUSIM_FAULT_PAGE_REQUEST, reason_of(&asking));
	close(events);
}

TEST_F(requests, odd_answers)
{
	struct v3compat_page_response arg = { .device = self->device, .__reserved = 1 };

	EXPECT_EQ(-EOPNOTSUPP, CALL(self->fd, PAGE_RESPONSE, &arg));
	EXPECT_EQ(V3COMPAT_REASON_UNKNOWN_FLAG, arg.result.out_reason);
	EXPECT_EQ(-EINVAL, respond(self->fd, self->device, 1, 2, &self->result));
	EXPECT_EQ(V3COMPAT_REASON_BAD_ENUM, self->result.out_reason);
	EXPECT_EQ(-ENOENT, respond(self->fd, self->device, 0, 0, &self->result));
	EXPECT_EQ(V3COMPAT_PARAM_COOKIE, self->result.out_parameter);
	EXPECT_EQ(-ENOENT, respond(self->fd, self->device, ~0ULL, 1, NULL));
	EXPECT_EQ(-ENOENT, respond(self->fd, self->pasid, 1, 1, &self->result));
	EXPECT_EQ(V3COMPAT_PARAM_DEVICE, self->result.out_parameter);
}

TEST_F(requests, unanswered_ones_end_refused_after_a_time)
{
	struct v3compat_events_open arg = {
		.device = self->device, .mask = PAGE_REQUEST, .answer_ms = 300,
	};
	unsigned long long begin = now_ns(), end;
	struct asking first, second;
	struct v3compat_event event;
	int events = open_events(self->fd, &arg);

	ASSERT_LE(0, events);
	ASSERT_EQ(0, map_fixed(self->fd, self->domain, self->memory, PAGE, AT + PAGE));
	ASSERT_EQ(0, unmap(self->fd, self->domain, AT + PAGE, PAGE, NULL));
	ASSERT_EQ(0, start_asking(&first, &self->sim, self->number, AT));
	event = next_event(events);
	usleep(100000);
	ASSERT_EQ(0, start_asking(&second, &self->sim, self->number, AT + PAGE));
	EXPECT_EQ(IOMMUSIM_FAULT_PAGE_REQUEST, reason_of(&first));
	EXPECT_EQ(IOMMUSIM_FAULT_PAGE_REQUEST, reason_of(&second));
	end = now_ns();
	EXPECT_LE(400000000ULL, end - begin);
	EXPECT_GE(PATIENCE_MS * 1000000ULL, end - begin);
	EXPECT_EQ(-ENOENT, respond(self->fd, self->device, event.cookie, V3COMPAT_PAGE_RETRY,
				   NULL));
	close(events);
}

TEST_F(requests, unanswered_ones_end_refused_at_close)
{
	int events = events_of(self->fd, self->device, PAGE_REQUEST);
	struct asking asking;

	ASSERT_LE(0, events);
	ASSERT_EQ(0, map_fixed(self->fd, self->domain, self->memory, PAGE, AT));
	ASSERT_EQ(0, start_asking(&asking, &self->sim, self->number, AT + PAGE));
	next_event(events);
	close(events);
	EXPECT_EQ(0, unanswered(&self->sim));
	EXPECT_EQ(IOMMUSIM_FAULT_PAGE_REQUEST, reason_of(&asking));
}

TEST_F(requests, unanswered_ones_end_with_the_file)
{
	int events = events_of(self->fd, self->device, PAGE_REQUEST);
	struct asking asking;

	ASSERT_LE(0, events);
	ASSERT_EQ(0, start_asking(&asking, &self->sim, self->number, AT));
	next_event(events);
	close(self->fd);
	self->fd = -1;
	EXPECT_EQ(0, unanswered(&self->sim));
	EXPECT_NE(IOMMUSIM_OK, reason_of(&asking));
	close(events);
}

TEST_F(requests, unanswered_ones_end_with_the_attachment)
{
	int events = events_of(self->fd, self->device, PAGE_REQUEST);
	struct v3compat_event event;
	struct asking asking;

	ASSERT_LE(0, events);
	ASSERT_EQ(0, start_asking(&asking, &self->sim, self->number, AT));
	event = next_event(events);
	ASSERT_EQ(0, detach(self->fd, self->pasid, NULL));
	EXPECT_EQ(0, unanswered(&self->sim));
	EXPECT_NE(IOMMUSIM_OK, reason_of(&asking));
	EXPECT_EQ(-ENOENT, respond(self->fd, self->device, event.cookie, V3COMPAT_PAGE_RETRY,
				   NULL));
	close(events);
}

/* What finds no room is answered by what is mapped, and nobody waits for it. */
TEST_F(requests, those_without_room_are_answered_by_the_mappings)
{
	struct v3compat_events_open arg = {
		.device = self->device, .mask = PAGE_REQUEST | STATE, .capacity = 1,
	};
	int events = open_events(self->fd, &arg);
	struct v3compat_event event;
	struct asking asking;

	ASSERT_LE(0, events);
	ASSERT_EQ(0, start_asking(&asking, &self->sim, self->number, AT));
	EXPECT_EQ(IOMMUSIM_FAULT_PAGE_REQUEST, reason_of(&asking));
	event = next_event(events);
	EXPECT_EQ(V3COMPAT_EVENT_STATE, event.type);
	event = next_event(events);
	EXPECT_EQ(V3COMPAT_EVENT_LOST, event.type);
	EXPECT_EQ(1, event.value);
	close(events);
}

/* Without anybody who answers, the mappings do. */
TEST_F(requests, those_not_wanted_are_answered_by_the_mappings)
{
	int events = events_of(self->fd, self->device, FAULT);
	struct asking asking;

	ASSERT_LE(0, events);
	ASSERT_EQ(0, start_asking(&asking, &self->sim, self->number, AT));
	EXPECT_EQ(IOMMUSIM_FAULT_PAGE_REQUEST, reason_of(&asking));
	close(events);
}

TEST_F(requests, killed_process_leaves_none_unanswered)
{
	struct asking asking;
	int pipe_fds[2], status;
	char byte;
	pid_t child;

	ASSERT_EQ(0, pipe(pipe_fds));
	child = fork();
	if (!child) {
		int events = events_of(self->fd, self->device, PAGE_REQUEST);

		/* The child is the only one who has the descriptor. */
		if (events < 0 || write(pipe_fds[1], "o", 1) != 1)
			_exit(1);
		if (!is_ready(events, PATIENCE_MS) || write(pipe_fds[1], "r", 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	ASSERT_EQ(1, read(pipe_fds[0], &byte, 1));
	ASSERT_EQ(0, start_asking(&asking, &self->sim, self->number, AT));
	ASSERT_EQ(1, read(pipe_fds[0], &byte, 1));
	EXPECT_EQ(1, unanswered(&self->sim));
	ASSERT_EQ(0, kill(child, SIGKILL));
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(IOMMUSIM_FAULT_PAGE_REQUEST, reason_of(&asking));
	EXPECT_EQ(0, unanswered(&self->sim));
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

/* struct storm: what threads do until they are told to stop. */
struct storm {
	struct sim *sim;
	int fd;
	int device;
	unsigned int number;
	bool stop;
	unsigned int asked;
};

static bool is_over(struct storm *storm)
{
	return __atomic_load_n(&storm->stop, __ATOMIC_RELAXED);
}

static void *run_asks(void *arg)
{
	struct storm *storm = arg;
	struct asking asking;

	while (!is_over(storm)) {
		if (start_asking(&asking, storm->sim, storm->number, AT))
			break;
		reason_of(&asking);
		storm->asked++;
	}
	return NULL;
}

static void *run_locks(void *arg)
{
	struct storm *storm = arg;
	unsigned int i;

	for (i = 0; !is_over(storm); i++)
		set_locked(storm->fd, i & 1);
	return NULL;
}

/* One reads and answers while another closes, and all that is told meets both. */
static void *run_answers(void *arg)
{
	struct storm *storm = arg;
	struct v3compat_event event;
	int events;

	while (!is_over(storm)) {
		events = events_of(storm->fd, storm->device, STATE | FAULT | PAGE_REQUEST);
		if (events < 0)
			continue;
		if (is_ready(events, 1) && read(events, &event, sizeof(event)) > 0)
			respond(storm->fd, storm->device, event.cookie, V3COMPAT_PAGE_REFUSE,
				NULL);
		close(events);
	}
	return NULL;
}

TEST_F(requests, opening_and_closing_meets_all_that_is_told)
{
	static void *(*const run[])(void *) = { run_asks, run_locks, run_answers, run_answers };
	struct storm storm = {
		.sim = &self->sim, .fd = self->fd, .device = self->device,
		.number = self->number,
	};
	pthread_t threads[4];
	unsigned int i;
	int events;

	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, run[i], &storm));
	sleep(2);
	__atomic_store_n(&storm.stop, true, __ATOMIC_RELAXED);
	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, pthread_join(threads[i], NULL));
	EXPECT_LT(0, storm.asked);
	EXPECT_EQ(0, unanswered(&self->sim));
	EXPECT_EQ(0, set_locked(self->fd, 0));
	events = events_of(self->fd, self->device, STATE);
	EXPECT_LE(0, events);
	close(events);
}

TEST_F(requests, faults_of_a_sub_device_have_its_number)
{
	int events = events_of(self->fd, self->device, FAULT);
	struct v3compat_event event;
	unsigned int value = 0;

	ASSERT_LE(0, events);
	EXPECT_EQ(IOMMUSIM_FAULT_NOT_PRESENT,
		  dma_pasid(&self->sim, self->sim.device, self->number, AT, &value, sizeof(value),
			    false));
	event = next_event(events);
	EXPECT_EQ(V3COMPAT_EVENT_FAULT, event.type);
	EXPECT_EQ(self->number, event.pasid);
	EXPECT_EQ(self->domain, event.domain);
	close(events);
}

TEST_F(requests, sub_devices_have_domains_of_their_own)
{
	int other_domain = create_domain(self->fd, V3COMPAT_DOMAIN_TRANSLATE, 0, NULL), other;
	unsigned int number, value = 0;

	ASSERT_LT(0, other_domain);
	other = create_pasid(self->fd, self->device, 0, &number, NULL);
	ASSERT_LT(0, other);
	EXPECT_NE(self->number, number);
	ASSERT_EQ(0, attach(self->fd, other_domain, other, NULL));
	ASSERT_EQ(0, map_fixed(self->fd, other_domain, self->memory, PAGE, AT));
	EXPECT_EQ(IOMMUSIM_FAULT_NOT_PRESENT,
		  dma_pasid(&self->sim, self->sim.device, self->number, AT, &value, sizeof(value),
			    false));
	memset(self->memory, 0x37, PAGE);
	EXPECT_EQ(IOMMUSIM_OK, dma_pasid(&self->sim, self->sim.device, number, AT, &value,
					 sizeof(value), false));
	EXPECT_EQ(0x37373737, value);

	EXPECT_EQ(-EBUSY, destroy(self->fd, other, &self->result));
	EXPECT_EQ(V3COMPAT_REASON_ATTACHED, self->result.out_reason);
	EXPECT_EQ(other, self->result.out_object);
	EXPECT_EQ(-EBUSY, destroy(self->fd, other_domain, &self->result));
	EXPECT_EQ(other, self->result.out_object);
	EXPECT_EQ(-EBUSY, attach(self->fd, self->domain, other, &self->result));
	EXPECT_EQ(V3COMPAT_REASON_ATTACHED, self->result.out_reason);
	EXPECT_EQ(0, detach(self->fd, other, NULL));
	EXPECT_EQ(-ENOENT, detach(self->fd, other, &self->result));
	EXPECT_EQ(V3COMPAT_REASON_NOT_ATTACHED, self->result.out_reason);
	EXPECT_EQ(0, destroy(self->fd, other, NULL));
	EXPECT_EQ(0, destroy(self->fd, other_domain, NULL));
	EXPECT_EQ(IOMMUSIM_FAULT_PASID, dma_pasid(&self->sim, self->sim.device, number, AT, &value,
						  sizeof(value), false));
}

TEST_F(requests, device_of_sub_devices_is_in_use)
{
	EXPECT_EQ(-EBUSY, destroy(self->fd, self->device, &self->result));
	EXPECT_EQ(self->pasid, self->result.out_object);
	ASSERT_EQ(0, detach(self->fd, self->pasid, NULL));
	EXPECT_EQ(-EBUSY, destroy(self->fd, self->device, &self->result));
	EXPECT_EQ(V3COMPAT_REASON_IN_USE, self->result.out_reason);
	ASSERT_EQ(0, destroy(self->fd, self->pasid, NULL));
	EXPECT_EQ(0, destroy(self->fd, self->device, NULL));
}

TEST_F(requests, odd_sub_devices)
{
	struct v3compat_pasid_create arg = { .device = self->device, .__reserved = 1 };
	int domain;

	EXPECT_EQ(-EOPNOTSUPP, CALL(self->fd, PASID_CREATE, &arg));
	EXPECT_EQ(V3COMPAT_REASON_UNKNOWN_FLAG, arg.result.out_reason);
	EXPECT_EQ(-EOPNOTSUPP, create_pasid(self->fd, self->device, 2, NULL, &self->result));
	EXPECT_EQ(V3COMPAT_REASON_UNKNOWN_FLAG, self->result.out_reason);
	EXPECT_EQ(V3COMPAT_PARAM_FLAGS, self->result.out_parameter);
	EXPECT_EQ(-ENOENT, create_pasid(self->fd, self->pasid, 0, NULL, &self->result));
	EXPECT_EQ(V3COMPAT_PARAM_DEVICE, self->result.out_parameter);
	domain = create_domain(self->fd, V3COMPAT_DOMAIN_PASSTHROUGH, 0, NULL);
	ASSERT_LT(0, domain);
	ASSERT_EQ(0, detach(self->fd, self->pasid, NULL));
	EXPECT_EQ(-EOPNOTSUPP, attach(self->fd, domain, self->pasid, &self->result));
	EXPECT_EQ(V3COMPAT_REASON_WRONG_TYPE, self->result.out_reason);
}

/* As many as the limit says, and one again for one that is destroyed. */
TEST_F(requests, sub_devices_are_limited)
{
	struct v3compat_info info = {};
	unsigned long long i;
	int last = 0;

	ASSERT_EQ(0, CALL(self->fd, INFO, &info));
	ASSERT_EQ(1, info.out_pasids.used);
	for (i = 1; i < info.out_pasids.max; i++) {
		last = create_pasid(self->fd, self->device, 0, NULL, NULL);
		ASSERT_LT(0, last);
	}
	EXPECT_EQ(-EDQUOT, create_pasid(self->fd, self->device, 0, NULL, &self->result));
	EXPECT_EQ(V3COMPAT_REASON_QUOTA, self->result.out_reason);
	EXPECT_EQ(V3COMPAT_PARAM_PASID, self->result.out_parameter);
	EXPECT_EQ(info.out_pasids.max, self->result.out_last);
	ASSERT_EQ(0, destroy(self->fd, last, NULL));
	EXPECT_LT(0, create_pasid(self->fd, self->device, 0, NULL, NULL));
	ASSERT_EQ(0, CALL(self->fd, INFO, &info));
	EXPECT_EQ(info.out_pasids.max, info.out_pasids.used);
}

TEST_F(requests, untagged_device_has_no_sub_devices)
{
	const struct sim_config config = { .max_pasids = 64 };
	struct sim sim;
	int device;

	ASSERT_EQ(0, open_sim(&sim, &config));
	device = create_device(self->fd, sim.name, 0, NULL);
	ASSERT_LT(0, device);
	EXPECT_EQ(-EINVAL, create_pasid(self->fd, device, 0, NULL, &self->result));
	EXPECT_EQ(V3COMPAT_REASON_BAD_CONFIG, self->result.out_reason);
	ASSERT_EQ(0, destroy(self->fd, device, NULL));
	close_sim(&sim);
}

TEST_F(requests, sub_device_is_not_left_when_the_answer_cannot_be_written)
{
	struct v3compat_pasid_create *arg = (void *)self->memory;
	struct v3compat_info before = {}, after = {};

	ASSERT_EQ(0, CALL(self->fd, INFO, &before));
	*arg = (struct v3compat_pasid_create) { .size = sizeof(*arg), .device = self->device };
	ASSERT_EQ(0, mprotect(self->memory, PAGE, PROT_READ));
	EXPECT_EQ(-EFAULT, call_(self->fd, V3COMPAT_IOCTL_PASID_CREATE, arg));
	ASSERT_EQ(0, CALL(self->fd, INFO, &after));
	EXPECT_EQ(before.out_objects.used, after.out_objects.used);
	EXPECT_EQ(before.out_pasids.used, after.out_pasids.used);
}

/* A sub-device that sees the memory of this process. */
FIXTURE(sva) {
	struct sim sim;
	int fd;
	int device;
	int pasid;
	unsigned int number;
	char *memory;
	struct v3compat_result result;
};

FIXTURE_SETUP(sva)
{
	const struct sim_config config = {
		.max_pasids = 1 << 16, .features = IOMMUSIM_PAGE_REQUESTS | IOMMUSIM_SVA,
	};
	int ret = open_sim(&self->sim, &config);

	if (ret == -EOPNOTSUPP)
		SKIP(return, "the kernel has no SVA");
	ASSERT_EQ(0, ret);
	self->fd = open_v3compat();
	ASSERT_LE(0, self->fd);
	self->device = create_device(self->fd, self->sim.name, V3COMPAT_DEVICE_TAGGED, NULL);
	ASSERT_LT(0, self->device);
	self->pasid = create_pasid(self->fd, self->device, V3COMPAT_PASID_SVA, &self->number,
				   &self->result);
	if (self->pasid == -EIO || self->pasid == -EOPNOTSUPP)
		SKIP(return, "the kernel refuses to bind a process");
	ASSERT_LT(0, self->pasid);
	self->memory = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->memory);
}

FIXTURE_TEARDOWN(sva)
{
	close(self->fd);
	close_sim(&self->sim);
}

static int touch(struct sim *sim, unsigned int number, void *memory)
{
	struct asking asking;

	if (start_asking(&asking, sim, number, (uintptr_t)memory))
		return -EAGAIN;
	return reason_of(&asking);
}

TEST_F(sva, device_sees_the_process)
{
	const unsigned int value = 0xa5c0ffee;
	int domain = create_domain(self->fd, V3COMPAT_DOMAIN_TRANSLATE, 0, NULL);

	/* Nobody has touched the page before. */
	EXPECT_EQ(IOMMUSIM_OK, touch(&self->sim, self->number, self->memory));
	EXPECT_EQ(0, memcmp(self->memory, &value, sizeof(value)));
	EXPECT_EQ(-EBUSY, attach(self->fd, domain, self->pasid, &self->result));
	EXPECT_EQ(-EBUSY, destroy(self->fd, self->pasid, &self->result));
	EXPECT_EQ(V3COMPAT_REASON_ATTACHED, self->result.out_reason);
	EXPECT_EQ(0, detach(self->fd, self->pasid, NULL));
	EXPECT_NE(IOMMUSIM_OK, touch(&self->sim, self->number, self->memory));
	EXPECT_EQ(-ENOENT, detach(self->fd, self->pasid, NULL));
	EXPECT_EQ(-EINVAL, attach(self->fd, domain, self->pasid, &self->result));
	EXPECT_EQ(V3COMPAT_REASON_BAD_CONFIG, self->result.out_reason);
	EXPECT_EQ(0, destroy(self->fd, self->pasid, NULL));
}

/* exit_of() runs @fn in a child and returns what it says. */
static int exit_of(int (*fn)(void *arg), void *arg)
{
	int status;
	pid_t child = fork();

	if (!child)
		_exit(fn(arg) & 0xff);
	if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

struct foreign {
	int fd;
	int domain;
	int pasid;
};

static int is_refused_to(const struct foreign *foreign, int ret,
			 const struct v3compat_result *result)
{
	return ret == -EPERM && result->out_reason == V3COMPAT_REASON_OTHER_PROCESS &&
	       (int)result->out_object == foreign->pasid;
}

static int be_foreign(void *arg)
{
	const struct foreign *foreign = arg;
	struct v3compat_result result = {};
	int ret = detach(foreign->fd, foreign->pasid, &result);

	if (!is_refused_to(foreign, ret, &result))
		return 1;
	ret = attach(foreign->fd, foreign->domain, foreign->pasid, &result);
	if (!is_refused_to(foreign, ret, &result))
		return 2;
	ret = destroy(foreign->fd, foreign->pasid, &result);
	return is_refused_to(foreign, ret, &result) ? 0 : 3;
}

TEST_F(sva, other_processes_have_no_say)
{
	struct foreign foreign = {
		.fd = self->fd, .pasid = self->pasid,
		.domain = create_domain(self->fd, V3COMPAT_DOMAIN_TRANSLATE, 0, NULL),
	};

	EXPECT_EQ(0, exit_of(be_foreign, &foreign));
	EXPECT_EQ(IOMMUSIM_OK, touch(&self->sim, self->number, self->memory));
	EXPECT_EQ(0, detach(self->fd, self->pasid, NULL));
	/* Also when it is bound to nothing any more. */
	EXPECT_EQ(0, exit_of(be_foreign, &foreign));
	EXPECT_EQ(0, destroy(self->fd, self->pasid, NULL));
}

/* A child binds itself, tells handle and number, and ends. */
struct bound {
	int fd;
	int device;
	int *told;
};

static int bind_and_end(void *arg)
{
	const struct bound *bound = arg;

	bound->told[0] = create_pasid(bound->fd, bound->device, V3COMPAT_PASID_SVA,
				      (unsigned int *)&bound->told[1], NULL);
	return bound->told[0] > 0 ? 0 : 1;
}

TEST_F(sva, sub_device_of_a_dead_process_reaches_nothing)
{
	struct bound bound = {
		.fd = self->fd, .device = self->device, .told = (int *)self->memory,
	};
	int handle, number;

	ASSERT_EQ(0, exit_of(bind_and_end, &bound));
	handle = bound.told[0];
	number = bound.told[1];
	EXPECT_NE(self->number, number);
	EXPECT_NE(IOMMUSIM_OK, touch(&self->sim, number, self->memory));
	EXPECT_EQ(number, bound.told[1]);
	EXPECT_EQ(0, detach(self->fd, handle, NULL));
	EXPECT_EQ(0, destroy(self->fd, handle, NULL));
}

TEST_F(sva, close_unbinds)
{
	close(self->fd);
	self->fd = -1;
	EXPECT_NE(IOMMUSIM_OK, touch(&self->sim, self->number, self->memory));
}

TEST_F(sva, is_not_left_when_the_answer_cannot_be_written)
{
	struct v3compat_pasid_create *arg = (void *)self->memory;
	struct v3compat_info before = {}, after = {};

	ASSERT_EQ(0, CALL(self->fd, INFO, &before));
	*arg = (struct v3compat_pasid_create) {
		.size = sizeof(*arg), .device = self->device, .flags = V3COMPAT_PASID_SVA,
	};
	ASSERT_EQ(0, mprotect(self->memory, PAGE, PROT_READ));
	EXPECT_EQ(-EFAULT, call_(self->fd, V3COMPAT_IOCTL_PASID_CREATE, arg));
	ASSERT_EQ(0, CALL(self->fd, INFO, &after));
	EXPECT_EQ(before.out_objects.used, after.out_objects.used);
	EXPECT_EQ(before.out_pasids.used, after.out_pasids.used);
}

FIXTURE(guard) {
	int fd;
	struct v3compat_guard_state before;
	struct v3compat_result result;
};

FIXTURE_SETUP(guard)
{
	self->fd = open_v3compat();
	ASSERT_LE(0, self->fd);
	memset(&self->before, 0, sizeof(self->before));
	ASSERT_EQ(0, CALL(self->fd, GUARD_QUERY, &self->before));
}

#define SET_BOTH	(V3COMPAT_GUARD_SET_POLICY | V3COMPAT_GUARD_SET_LOCKED)

FIXTURE_TEARDOWN(guard)
{
	set_guard(self->fd, SET_BOTH, self->before.policy, self->before.locked, NULL);
	close(self->fd);
}

static struct v3compat_guard_state guard_now(int fd)
{
	struct v3compat_guard_state state = { .policy = ~0u, .locked = ~0u };

	CALL(fd, GUARD_QUERY, &state);
	return state;
}

TEST_F(guard, policy_and_lock_are_set_apart)
{
	unsigned int policy;

	EXPECT_EQ(V3COMPAT_GUARD_POLICY_EXTERNAL, self->before.policy);
	EXPECT_EQ(0, self->before.locked);
	for (policy = 0; policy <= V3COMPAT_GUARD_POLICY_ALL; policy++) {
		ASSERT_EQ(0, set_guard(self->fd, V3COMPAT_GUARD_SET_POLICY, policy, 0, NULL));
		EXPECT_EQ(policy, guard_now(self->fd).policy);
		EXPECT_EQ(0, guard_now(self->fd).locked);
	}
	ASSERT_EQ(0, set_guard(self->fd, V3COMPAT_GUARD_SET_LOCKED, 0, 1, NULL));
	EXPECT_EQ(V3COMPAT_GUARD_POLICY_ALL, guard_now(self->fd).policy);
	EXPECT_EQ(1, guard_now(self->fd).locked);
	ASSERT_EQ(0, set_guard(self->fd, V3COMPAT_GUARD_SET_POLICY,
			       V3COMPAT_GUARD_POLICY_EXTERNAL, 0, NULL));
	EXPECT_EQ(1, guard_now(self->fd).locked);
	ASSERT_EQ(0, set_guard(self->fd, SET_BOTH, V3COMPAT_GUARD_POLICY_OFF, 0, NULL));
	EXPECT_EQ(V3COMPAT_GUARD_POLICY_OFF, guard_now(self->fd).policy);
	EXPECT_EQ(0, guard_now(self->fd).locked);
}

static int parameter_is(const char *name, const char *expected)
{
	char path[64], text[32] = "";
	int fd, ret;

	snprintf(path, sizeof(path), "/sys/module/v3compat/parameters/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ret = fd >= 0 && read(fd, text, sizeof(text) - 1) > 0 && !strcmp(text, expected);
	close(fd);
	return ret;
}

TEST_F(guard, is_that_of_the_module)
{
	ASSERT_EQ(0, set_guard(self->fd, SET_BOTH, V3COMPAT_GUARD_POLICY_ALL, 1, NULL));
	EXPECT_TRUE(parameter_is("dma_guard", "all\n"));
	EXPECT_TRUE(parameter_is("dma_guard_locked", "Y\n"));
	ASSERT_EQ(0, write_file("/sys/module/v3compat/parameters/dma_guard", "off"));
	EXPECT_EQ(V3COMPAT_GUARD_POLICY_OFF, guard_now(self->fd).policy);
}

TEST_F(guard, odd_requests)
{
	struct v3compat_guard_state query = { .flags = V3COMPAT_GUARD_SET_POLICY };

	EXPECT_EQ(-EOPNOTSUPP, CALL(self->fd, GUARD_QUERY, &query));
	EXPECT_EQ(V3COMPAT_REASON_UNKNOWN_FLAG, query.result.out_reason);
	EXPECT_EQ(-EINVAL, set_guard(self->fd, 0, 0, 0, &self->result));
	EXPECT_EQ(V3COMPAT_REASON_BAD_CONFIG, self->result.out_reason);
	EXPECT_EQ(-EOPNOTSUPP, set_guard(self->fd, 4, 0, 0, &self->result));
	EXPECT_EQ(V3COMPAT_REASON_UNKNOWN_FLAG, self->result.out_reason);
	EXPECT_EQ(-EINVAL, set_guard(self->fd, V3COMPAT_GUARD_SET_POLICY, 3, 0, &self->result));
	EXPECT_EQ(V3COMPAT_REASON_BAD_ENUM, self->result.out_reason);
	EXPECT_EQ(V3COMPAT_PARAM_GUARD, self->result.out_parameter);
	EXPECT_EQ(3, self->result.out_first);
	EXPECT_EQ(-EINVAL, set_guard(self->fd, V3COMPAT_GUARD_SET_LOCKED, 0, 2, &self->result));
	EXPECT_EQ(V3COMPAT_REASON_BAD_ENUM, self->result.out_reason);
	EXPECT_EQ(-EOPNOTSUPP, set_guard(self->fd, V3COMPAT_GUARD_SET_LOCKED, 1, 1, NULL));
	EXPECT_EQ(-EOPNOTSUPP, set_guard(self->fd, V3COMPAT_GUARD_SET_POLICY, 1, 1, NULL));
	EXPECT_EQ(self->before.policy, guard_now(self->fd).policy);
	EXPECT_EQ(self->before.locked, guard_now(self->fd).locked);
}

static int drop_capability(unsigned int capability)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data))
		return -errno;
	data[capability / 32].effective &= ~(1u << capability % 32);
	return syscall(SYS_capset, &header, data) ? -errno : 0;
}

/* 0 when the guard can be looked at and not set. */
static int may_only_look(int fd)
{
	struct v3compat_guard_state state = {};
	struct v3compat_result result = {};

	if (CALL(fd, GUARD_QUERY, &state))
		return 1;
	if (set_guard(fd, V3COMPAT_GUARD_SET_POLICY, 0, 0, &result) != -EPERM)
		return 2;
	if (result.out_reason != V3COMPAT_REASON_PRIVILEGE ||
	    result.out_first != CAP_SYS_ADMIN)
		return 3;
	return 0;
}

static int be_unprivileged(void *arg)
{
	return drop_capability(CAP_SYS_ADMIN) ? 10 : may_only_look(*(int *)arg);
}

static int be_in_a_user_namespace(void *arg)
{
	return unshare(CLONE_NEWUSER) ? 11 : may_only_look(*(int *)arg);
}

TEST_F(guard, needs_privilege)
{
	int ret;

	EXPECT_EQ(0, exit_of(be_unprivileged, &self->fd));
	ret = exit_of(be_in_a_user_namespace, &self->fd);
	if (ret != 11)
		EXPECT_EQ(0, ret);
	EXPECT_EQ(self->before.policy, guard_now(self->fd).policy);
}

/* What is shown of a file. */

/* shown() is the number behind @name in the fdinfo of @fd, or -1. */
static long long shown(int fd, const char *name)
{
	char path[64], line[128];
	long long value = -1;
	size_t length = strlen(name);
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "re");
	if (!file)
		return -1;
	while (fgets(line, sizeof(line), file))
		if (!strncmp(line, name, length) && line[length] == ':')
			value = atoll(line + length + 1);
	fclose(file);
	return value;
}

TEST_F(requests, shows_in_fdinfo)
{
	ASSERT_EQ(0, map_fixed(self->fd, self->domain, self->memory, 2 * PAGE, AT));
	EXPECT_LT(0, shown(self->fd, "v3compat-file"));
	EXPECT_EQ(1, shown(self->fd, "v3compat-domains"));
	EXPECT_EQ(1, shown(self->fd, "v3compat-devices"));
	EXPECT_EQ(1, shown(self->fd, "v3compat-sub-devices"));
	EXPECT_EQ(0, shown(self->fd, "v3compat-reservations"));
	EXPECT_EQ(0, shown(self->fd, "v3compat-memories"));
	EXPECT_EQ(2 * PAGE, shown(self->fd, "v3compat-mapped"));
	EXPECT_EQ(2 * PAGE, shown(self->fd, "v3compat-pinned"));
	EXPECT_EQ(0, shown(self->fd, "v3compat-reserved"));
	ASSERT_EQ(0, unmap(self->fd, self->domain, AT, 2 * PAGE, NULL));
	EXPECT_EQ(0, shown(self->fd, "v3compat-mapped"));
	EXPECT_EQ(0, shown(self->fd, "v3compat-pinned"));
}

#define LISTING "/sys/kernel/debug/v3compat/files"

static char *read_listing(size_t piece)
{
	size_t room = 1 << 20, got = 0;
	char *text = calloc(1, room);
	ssize_t ret = 1;
	int fd;

	if (access(LISTING, F_OK))
		mount("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL);
	fd = open(LISTING, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		free(text);
		return NULL;
	}
	while (ret > 0 && got + piece < room) {
		ret = read(fd, text + got, piece);
		got += ret > 0 ? ret : 0;
	}
	close(fd);
	return text;
}

/* count_of() counts @word in @text. */
static unsigned int count_of(const char *text, const char *word)
{
	unsigned int count = 0;

	while ((text = strstr(text, word))) {
		text += strlen(word);
		count++;
	}
	return count;
}

TEST_F(requests, shows_in_debugfs)
{
	char line[128], *text;

	ASSERT_EQ(0, map_fixed(self->fd, self->domain, self->memory, 2 * PAGE, AT));
	text = read_listing(4096);
	if (!text)
		SKIP(return, "the kernel has no debugfs");
	snprintf(line, sizeof(line), "file %lld of process %d (", shown(self->fd, "v3compat-file"),
		 getpid());
	EXPECT_EQ(1, count_of(text, line));
	EXPECT_EQ(1, count_of(text, "8192 bytes mapped"));
	snprintf(line, sizeof(line), "domain %d Translate, page sizes 0x", self->domain);
	EXPECT_EQ(1, count_of(text, line));
	snprintf(line, sizeof(line), "device %d\n", self->device);
	EXPECT_EQ(1, count_of(text, line));
	snprintf(line, sizeof(line), "sub-device %d of %d, PASID %u, attached to %d\n",
		 self->pasid, self->device, self->number, self->domain);
	EXPECT_EQ(1, count_of(text, line));
	EXPECT_EQ(1, count_of(text, "0x40000000-0x40001fff rw mapped"));
	EXPECT_EQ(1, count_of(text, "0xfee00000-0xfeefffff -- withheld"));
	free(text);
	text = read_listing(100);
	EXPECT_EQ(1, count_of(text, "0x40000000-0x40001fff rw mapped"));
	free(text);
}

/* Each range once, although the listing is read in pieces that end anywhere. */
TEST_F(requests, shows_many_ranges_once_each)
{
	const unsigned int ranges = 500;
	char line[64], *text;
	unsigned int i;

	for (i = 0; i < ranges; i++)
		ASSERT_EQ(0, map_fixed(self->fd, self->domain, self->memory, PAGE,
				       AT + 2 * i * PAGE));
	text = read_listing(777);
	if (!text)
		SKIP(return, "the kernel has no debugfs");
	EXPECT_EQ(ranges, count_of(text, " rw mapped"));
	for (i = 0; i < ranges; i++) {
		snprintf(line, sizeof(line), "    0x%llx-", AT + 2 * i * PAGE);
		EXPECT_EQ(1, count_of(text, line));
	}
	free(text);
}

static int be_unable_to_list(void *arg)
{
	(void)arg;
	return setresuid(1000, 1000, 1000) || !access(LISTING, R_OK);
}

TEST_F(requests, listing_is_for_the_administrator)
{
	free(read_listing(4096));
	EXPECT_EQ(0, exit_of(be_unable_to_list, NULL));
}

TEST_HARNESS_MAIN
