// SPDX-License-Identifier: GPL-2.0
/*
 * Processes and /dev/v3compat: whose memory is mapped and who pays for it when files are inherited,
 * passed on and closed by others; what threads can do to each other; what is left of who is killed;
 * and memory that never becomes ready, be it userfaultfd's or that of a file of FUSE, for which
 * nobody waits but who has asked for it.
 */
#define _GNU_SOURCE
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <time.h>

#include "engine.h"
#include "process.h"
#include "refusal.h"
#include "slow_file.h"

#include "../kselftest_harness.h"

#define AT	0x40000000ULL
#define RW	(V3COMPAT_READ | V3COMPAT_WRITE)
#define MEMORY	(16 * PAGE)
#define NEXT	4243

/* A test that waits longer has failed. */
#define PATIENCE_MS	20000

/* struct shared: what a test and its children tell each other. */
struct shared {
	int steps[4];
	int ret;
	unsigned int value;
	long kib;
	unsigned long long number;
	struct v3compat_result result;
};

FIXTURE(process) {
	struct engine engine;
	int fd;
	int device;
	int domain;
	char *memory;
	struct shared *shared;
	struct v3compat_result result;
};

FIXTURE_VARIANT(process) {
	bool pci;
};

FIXTURE_VARIANT_ADD(process, iommusim) {};
FIXTURE_VARIANT_ADD(process, pci) { .pci = true };

FIXTURE_SETUP(process)
{
	const struct sim_config config = { .max_pasids = 64 };

	if (!has_engine(variant->pci))
		SKIP(return, NO_ENGINE);
	ASSERT_EQ(0, open_engine(&self->engine, variant->pci, &config));
	self->fd = open_v3compat();
	ASSERT_LE(0, self->fd);
	self->device = claim(&self->engine, self->fd, V3COMPAT_DEVICE_TAGGED);
	ASSERT_LT(0, self->device);
	self->domain = create_domain(self->fd, V3COMPAT_DOMAIN_TRANSLATE, 0, NULL);
	ASSERT_LT(0, self->domain);
	ASSERT_EQ(0, attach(self->fd, self->domain, self->device, NULL));
	self->engine.domain = self->domain;
	self->memory = new_memory(MEMORY);
	ASSERT_NE(NULL, self->memory);
	self->shared = mmap(NULL, sizeof(*self->shared), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->shared);
}

FIXTURE_TEARDOWN(process)
{
	if (self->fd >= 0)
		close(self->fd);
	EXPECT_EQ(0, pinned_kib());
	close_engine(&self->engine);
}

static void set_step(struct shared *shared, unsigned int who, int step)
{
	__atomic_store_n(&shared->steps[who], step, __ATOMIC_SEQ_CST);
}

/* reaches() waits until @who has come so far; false when he does not. */
static bool reaches(struct shared *shared, unsigned int who, int step)
{
	int ms;

	for (ms = 0; ms < PATIENCE_MS; ms++) {
		if (__atomic_load_n(&shared->steps[who], __ATOMIC_SEQ_CST) >= step)
			return true;
		usleep(1000);
	}
	return false;
}

static long pinned_kib_of(pid_t pid)
{
	char path[64], line[128];
	long kib = -ENOENT;
	FILE *status;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	status = fopen(path, "re");
	if (!status)
		return -errno;
	while (fgets(line, sizeof(line), status))
		if (sscanf(line, "VmPin: %ld kB", &kib) == 1)
			break;
	fclose(status);
	return kib;
}

static int status_of(pid_t child)
{
	int status;

	if (waitpid(child, &status, 0) != child)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static unsigned long long pinned_bytes(int fd)
{
	return info_of(fd).out_pinned.used;
}

/* all_is_given_back() waits for files that are taken apart after their process has died. */
static bool all_is_given_back(int fd)
{
	struct v3compat_info info;
	int ms;

	for (ms = 0; ms < PATIENCE_MS; ms++) {
		info = info_of(fd);
		if (!info.out_pinned.used && !info.out_user_reserved.used &&
		    info.out_user_objects.used == info.out_objects.used)
			return true;
		usleep(1000);
	}
	return false;
}

/* Fork. */

TEST_F(process, pinned_memory_stays_the_parents)
{
	pid_t child;

	ASSERT_EQ(0, map_fixed(self->fd, self->domain, self->memory, 2 * PAGE, AT));
	*(unsigned int *)self->memory = 1;
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		unsigned int *value = (void *)self->memory;

		if (*value != 1)
			_exit(1);
		set_step(self->shared, 1, 1);
		if (!reaches(self->shared, 0, 1) || *value != 1)
			_exit(2);
		*value = 2;
		set_step(self->shared, 1, 2);
		if (!reaches(self->shared, 0, 2) || *value != 2)
			_exit(3);
		_exit(pinned_kib() ? 4 : 0);
	}
	ASSERT_TRUE(reaches(self->shared, 1, 1));
	/* The parent writes first, and still the device has the same page as he. */
	EXPECT_TRUE(engine_reads(&self->engine, AT, self->memory));
	EXPECT_TRUE(engine_writes(&self->engine, AT, self->memory));
	set_step(self->shared, 0, 1);
	ASSERT_TRUE(reaches(self->shared, 1, 2));
	EXPECT_NE(2, *(unsigned int *)self->memory);
	EXPECT_TRUE(engine_reads(&self->engine, AT + 64, self->memory + 64));
	EXPECT_TRUE(engine_writes(&self->engine, AT + PAGE, self->memory + PAGE));
	set_step(self->shared, 0, 2);
	EXPECT_EQ(0, status_of(child));
	EXPECT_TRUE(engine_writes(&self->engine, AT, self->memory));
	EXPECT_EQ(8, pinned_kib());
}

TEST_F(process, memory_shared_by_fork_is_the_mappers_when_it_is_mapped)
{
	pid_t child;

	*(unsigned int *)self->memory = 1;
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		unsigned int *value = (void *)self->memory;

		if (!reaches(self->shared, 0, 1) || *value != 1)
			_exit(1);
		*value = 2;
		set_step(self->shared, 1, 1);
		_exit(reaches(self->shared, 0, 2) && *value == 2 ? 0 : 2);
	}
	ASSERT_EQ(0, map_fixed(self->fd, self->domain, self->memory, PAGE, AT));
	EXPECT_TRUE(engine_writes(&self->engine, AT, self->memory));
	set_step(self->shared, 0, 1);
	ASSERT_TRUE(reaches(self->shared, 1, 1));
	EXPECT_TRUE(engine_writes(&self->engine, AT, self->memory));
	EXPECT_TRUE(engine_reads(&self->engine, AT, self->memory));
	set_step(self->shared, 0, 2);
	EXPECT_EQ(0, status_of(child));
}

/* Also where the device only reads: what the process writes later must be what it finds. */
TEST_F(process, memory_that_is_only_read_is_the_mappers)
{
	pid_t child;

	*(unsigned int *)self->memory = 1;
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		unsigned int *mine = (void *)self->memory;

		if (!reaches(self->shared, 0, 1) || *mine != 1)
			_exit(1);
		*mine = 2;
		set_step(self->shared, 1, 1);
		_exit(reaches(self->shared, 0, 2) ? 0 : 2);
	}
	ASSERT_EQ(0, map_at(self->fd, self->domain, user_memory(self->memory, PAGE), AT,
			    V3COMPAT_MAP_FIXED, V3COMPAT_READ, NULL));
	set_step(self->shared, 0, 1);
	ASSERT_TRUE(reaches(self->shared, 1, 1));
	EXPECT_TRUE(engine_finds(&self->engine, AT, 1));
	EXPECT_TRUE(engine_reads(&self->engine, AT, self->memory));
	set_step(self->shared, 0, 2);
	EXPECT_EQ(0, status_of(child));
}

/* Memory that nobody has touched is the same page of zeroes for everybody, until it is mapped. */
TEST_F(process, untouched_memory_is_the_mappers)
{
	char *fresh = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			   0);

	ASSERT_NE(MAP_FAILED, fresh);
	ASSERT_EQ(0, fresh[0]);
	ASSERT_EQ(0, map_at(self->fd, self->domain, user_memory(fresh, 2 * PAGE), AT,
			    V3COMPAT_MAP_FIXED, V3COMPAT_READ, NULL));
	EXPECT_TRUE(engine_reads(&self->engine, AT, fresh));
	EXPECT_TRUE(engine_reads(&self->engine, AT + PAGE, fresh + PAGE));
}

TEST_F(process, private_mapping_of_a_file_is_not_written)
{
	int memfd = memfd_create("process_test", MFD_CLOEXEC);
	unsigned int first;
	char *view;

	ASSERT_EQ(0, ftruncate(memfd, PAGE));
	view = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, memfd, 0);
	ASSERT_NE(MAP_FAILED, view);
	ASSERT_EQ(0, map_fixed(self->fd, self->domain, view, PAGE, AT));
	EXPECT_TRUE(engine_writes(&self->engine, AT, view));
	ASSERT_EQ(sizeof(first), pread(memfd, &first, sizeof(first), 0));
	EXPECT_EQ(0, first);
	close(memfd);
}

TEST_F(process, child_maps_its_own_memory)
{
	pid_t child;

	*(unsigned int *)self->memory = 1;
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		self->shared->ret = map_fixed(self->fd, self->domain, self->memory, PAGE, AT);
		self->shared->kib = pinned_kib();
		set_step(self->shared, 1, 1);
		_exit(reaches(self->shared, 0, 1) &&
		      *(unsigned int *)self->memory == ENGINE_WORD ? 0 : 1);
	}
	ASSERT_TRUE(reaches(self->shared, 1, 1));
	ASSERT_EQ(0, self->shared->ret);
	EXPECT_EQ(4, self->shared->kib);
	EXPECT_EQ(4, pinned_kib_of(child));
	EXPECT_EQ(0, pinned_kib());
	EXPECT_EQ(PAGE, pinned_bytes(self->fd));
	EXPECT_TRUE(engine_puts(&self->engine, AT));
	EXPECT_EQ(1, *(unsigned int *)self->memory);
	set_step(self->shared, 0, 1);
	EXPECT_EQ(0, status_of(child));
	/* The memory outlives its process while devices have it. */
	EXPECT_EQ(PAGE, pinned_bytes(self->fd));
	EXPECT_TRUE(engine_finds(&self->engine, AT, ENGINE_WORD));
	ASSERT_EQ(0, unmap(self->fd, self->domain, AT, PAGE, NULL));
	EXPECT_EQ(0, pinned_bytes(self->fd));
	EXPECT_TRUE(engine_is_refused(&self->engine, AT));
}

TEST_F(process, huge_page_stays_the_parents)
{
	char *area = mmap(NULL, 2 * LARGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			  0);
	char *huge = (char *)(uintptr_t)(((uintptr_t)area + LARGE - 1) & ~(LARGE - 1));
	unsigned int i;
	pid_t child;

	ASSERT_NE(MAP_FAILED, area);
	madvise(huge, LARGE, MADV_HUGEPAGE);
	memset(huge, 1, LARGE);
	ASSERT_EQ(0, map_fixed(self->fd, self->domain, huge, LARGE, AT));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		memset(huge, 2, LARGE);
		_exit(0);
	}
	EXPECT_EQ(0, status_of(child));
	for (i = 0; i < 512; i += 37)
		EXPECT_TRUE(engine_writes(&self->engine, AT + i * PAGE, huge + i * PAGE));
	/* An edu takes its time. */
	for (i = 0; i < 512; i += variant->pci ? 373 : 37)
		EXPECT_TRUE(engine_reads(&self->engine, AT + i * PAGE + 8, huge + i * PAGE + 8));
	EXPECT_EQ(LARGE / 1024, pinned_kib());
	ASSERT_EQ(0, unmap(self->fd, self->domain, AT, LARGE, NULL));
	EXPECT_EQ(0, pinned_kib());
}

/* Who has the file. */

TEST_F(process, duplicate_is_the_same_file)
{
	int again = dup(self->fd);

	ASSERT_EQ(0, map_fixed(self->fd, self->domain, self->memory, PAGE, AT));
	close(self->fd);
	EXPECT_EQ(4, pinned_kib());
	EXPECT_TRUE(engine_writes(&self->engine, AT, self->memory));
	EXPECT_EQ(0, map_fixed(again, self->domain, self->memory, PAGE, AT + PAGE));
	close(again);
	EXPECT_EQ(0, pinned_kib());
	EXPECT_TRUE(engine_is_refused(&self->engine, AT));
	self->fd = -1;
}

TEST_F(process, file_lives_on_in_the_child)
{
	pid_t child;

	ASSERT_EQ(0, map_fixed(self->fd, self->domain, self->memory, PAGE, AT));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		if (!reaches(self->shared, 0, 1))
			_exit(1);
		/* What the parent has mapped, the child may unmap. */
		_exit(-map_fixed(self->fd, self->domain, self->memory, PAGE, AT + PAGE) +
		      -unmap(self->fd, self->domain, AT, PAGE, NULL));
	}
	close(self->fd);
	self->fd = -1;
	EXPECT_EQ(4, pinned_kib());
	EXPECT_TRUE(engine_writes(&self->engine, AT, self->memory));
	set_step(self->shared, 0, 1);
	EXPECT_EQ(0, status_of(child));
	EXPECT_EQ(0, pinned_kib());
	self->fd = open_v3compat();
	EXPECT_TRUE(all_is_given_back(self->fd));
	EXPECT_LT(0, claim(&self->engine, self->fd, 0));
}

/* struct passed: a file that is passed to another user, who maps and says what became of it. */
struct passed {
	struct shared *shared;
	int socket;
	int domain;
	unsigned long long memlock;
	unsigned int pages;
};

static int map_what_was_passed(void *arg)
{
	const struct passed *passed = arg;
	struct shared *shared = passed->shared;
	char *memory = new_memory(MEMORY);
	int fd, number;

	if (set_memlock(passed->memlock) || become_user(NEXT))
		return 1;
	fd = receive_fd(passed->socket, &number);
	if (fd < 0)
		return 2;
	shared->ret = map_at(fd, passed->domain, user_memory(memory, passed->pages * PAGE), AT,
			     V3COMPAT_MAP_FIXED, RW, &shared->result);
	shared->kib = pinned_kib();
	shared->number = pinned_bytes(fd);
	set_step(shared, 1, 1);
	if (!reaches(shared, 0, 1))
		return 3;
	return pinned_kib() || pinned_bytes(fd) ? 4 : 0;
}

/* start_passing() returns the child that maps, or -1. */
static pid_t start_passing(struct passed *passed, int fd)
{
	int sockets[2];
	pid_t child;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets))
		return -1;
	passed->socket = sockets[1];
	child = fork();
	if (!child)
		_exit(map_what_was_passed(passed));
	if (send_fd(sockets[0], fd, 0))
		return -1;
	close(sockets[0]);
	close(sockets[1]);
	return child;
}

TEST_F(process, who_maps_pays)
{
	struct passed passed = {
		.shared = self->shared, .domain = self->domain, .memlock = 4 * PAGE, .pages = 4,
	};
	pid_t child = start_passing(&passed, self->fd);

	ASSERT_LT(0, child);
	ASSERT_TRUE(reaches(self->shared, 1, 1));
	ASSERT_EQ(0, self->shared->ret);
	EXPECT_EQ(16, self->shared->kib);
	EXPECT_EQ(4 * PAGE, self->shared->number);
	EXPECT_EQ(16, pinned_kib_of(child));
	/* Who has opened it, does not. */
	EXPECT_EQ(0, pinned_kib());
	EXPECT_EQ(0, pinned_bytes(self->fd));
	EXPECT_EQ(4 * PAGE, info_of(self->fd).out_mapped.used);
	/* Whoever unmaps, it is given back to who has paid. */
	ASSERT_EQ(0, unmap(self->fd, self->domain, AT, 4 * PAGE, NULL));
	EXPECT_EQ(0, pinned_kib_of(child));
	set_step(self->shared, 0, 1);
	EXPECT_EQ(0, status_of(child));
}

TEST_F(process, limit_is_that_of_who_maps)
{
	struct passed passed = {
		.shared = self->shared, .domain = self->domain, .memlock = 4 * PAGE, .pages = 5,
	};
	pid_t child = start_passing(&passed, self->fd);

	ASSERT_LT(0, child);
	ASSERT_TRUE(reaches(self->shared, 1, 1));
	EXPECT_TRUE(is_refusal(self->shared->ret, &self->shared->result, REASON(MEMLOCK),
			       PARAM(LENGTH)));
	EXPECT_EQ(5, self->shared->result.out_first);
	EXPECT_EQ(4, self->shared->result.out_last);
	EXPECT_EQ(0, self->shared->kib);
	EXPECT_EQ(0, self->shared->number);
	/* Who has opened it has a limit of his own. */
	EXPECT_EQ(0, map_fixed(self->fd, self->domain, self->memory, MEMORY, AT));
	ASSERT_EQ(0, unmap(self->fd, self->domain, AT, MEMORY, NULL));
	set_step(self->shared, 0, 1);
	EXPECT_EQ(0, status_of(child));
}

TEST_F(process, limit_is_not_that_of_who_opened)
{
	struct passed passed = {
		.shared = self->shared, .domain = self->domain, .memlock = 4 * PAGE, .pages = 4,
	};
	struct rlimit limit = { .rlim_cur = 0, .rlim_max = 8 * PAGE };
	pid_t child;

	ASSERT_EQ(0, setrlimit(RLIMIT_MEMLOCK, &limit));
	child = start_passing(&passed, self->fd);
	ASSERT_LT(0, child);
	ASSERT_TRUE(reaches(self->shared, 1, 1));
	EXPECT_EQ(0, self->shared->ret);
	ASSERT_EQ(0, drop_capability(CAP_IPC_LOCK));
	EXPECT_EQ(-ENOMEM, map_at(self->fd, self->domain, user_memory(self->memory, PAGE), 2 * AT,
				  V3COMPAT_MAP_FIXED, RW, &self->result));
	EXPECT_EQ(1, self->result.out_first);
	EXPECT_EQ(0, self->result.out_last);
	ASSERT_EQ(0, unmap(self->fd, self->domain, AT, 4 * PAGE, NULL));
	set_step(self->shared, 0, 1);
	EXPECT_EQ(0, status_of(child));
}

static int map_page_as_next(void *arg)
{
	const struct passed *passed = arg;
	char *memory = new_memory(MEMORY);
	int ret;

	if (set_memlock(passed->memlock) || become_user(NEXT))
		return 1;
	ret = map_at(passed->socket, passed->domain, user_memory(memory, PAGE),
		     AT + passed->pages * PAGE, V3COMPAT_MAP_FIXED, RW, NULL);
	return ret == -ENOMEM ? 2 : ret ? 3 : 0;
}

/* Processes of one user have one limit together, to the page. */
TEST_F(process, processes_of_a_user_share_the_limit)
{
	struct passed passed = {
		.shared = self->shared, .domain = self->domain, .memlock = 3 * PAGE,
		.socket = self->fd,
	};

	for (passed.pages = 0; passed.pages < 3; passed.pages++)
		ASSERT_EQ(0, exit_of(map_page_as_next, &passed));
	EXPECT_EQ(2, exit_of(map_page_as_next, &passed));
	/* All of them have gone, and their pages are still there for the device. */
	EXPECT_EQ(3 * PAGE, info_of(self->fd).out_mapped.used);
	ASSERT_EQ(0, unmap(self->fd, self->domain, AT + PAGE, PAGE, NULL));
	passed.pages = 1;
	EXPECT_EQ(0, exit_of(map_page_as_next, &passed));
	EXPECT_EQ(2, exit_of(map_page_as_next, &passed));
}

static int register_as_next(void *arg)
{
	const struct passed *passed = arg;
	struct shared *shared = passed->shared;
	char *memory = new_memory(MEMORY);

	if (become_user(NEXT))
		return 1;
	*(unsigned int *)memory = 0xfeed;
	shared->ret = create_memory(passed->socket, memory, MEMORY, 0, NULL);
	shared->kib = pinned_kib();
	set_step(shared, 1, 1);
	return reaches(shared, 0, 1) && *(unsigned int *)(memory + PAGE) == ENGINE_WORD ? 0 : 2;
}

/* Registered memory is paid for by who has registered it, and others may map it. */
TEST_F(process, registered_memory_of_another_process)
{
	struct passed passed = { .shared = self->shared, .socket = self->fd };
	struct v3compat_source source = { .type = V3COMPAT_SOURCE_MEMORY, .length = MEMORY };
	pid_t child = fork();

	ASSERT_LE(0, child);
	if (!child)
		_exit(register_as_next(&passed));
	ASSERT_TRUE(reaches(self->shared, 1, 1));
	ASSERT_LT(0, self->shared->ret);
	EXPECT_EQ(MEMORY / 1024, self->shared->kib);
	source.object = self->shared->ret;
	ASSERT_EQ(0, map_at(self->fd, self->domain, source, AT, V3COMPAT_MAP_FIXED, RW, NULL));
	EXPECT_EQ(0, pinned_kib());
	EXPECT_EQ(0, pinned_bytes(self->fd));
	EXPECT_TRUE(engine_puts(&self->engine, AT + PAGE));
	set_step(self->shared, 0, 1);
	EXPECT_EQ(0, status_of(child));
	EXPECT_TRUE(engine_finds(&self->engine, AT, 0xfeed));
	EXPECT_EQ(-EBUSY, destroy(self->fd, source.object, NULL));
	ASSERT_EQ(0, unmap(self->fd, self->domain, AT, MEMORY, NULL));
	EXPECT_EQ(0, destroy(self->fd, source.object, NULL));
}

/* Exec. */

#define EXEC_FD		"V3COMPAT_TEST_FD"

/* The program that a test executes: this one, which says what it finds instead of testing. */
static void __attribute__((constructor)) be_executed(void)
{
	const char *text = getenv(EXEC_FD);
	struct v3compat_info info = {};
	int fd, ret;

	if (!text)
		return;
	fd = atoi(text);
	ret = CALL(fd, INFO, &info);
	if (ret)
		_exit(ret == -EBADF ? 10 : 1);
	if (info.out_mapped.used != 2 * PAGE || info.out_pinned.used != 2 * PAGE)
		_exit(2);
	/* The pages are those of the program before. */
	if (pinned_kib())
		_exit(3);
	_exit(20);
}

static pid_t execute(struct _test_data_process *self, bool keep)
{
	pid_t child = fork();
	char text[16];

	if (child)
		return child;
	snprintf(text, sizeof(text), "%d", self->fd);
	setenv(EXEC_FD, text, 1);
	if (keep)
		fcntl(self->fd, F_SETFD, 0);
	execl("/proc/self/exe", "process_test", NULL);
	_exit(99);
}

TEST_F(process, exec_closes_the_file)
{
	pid_t child = fork();
	int other;

	ASSERT_LE(0, child);
	if (!child) {
		char text[16];

		if (map_fixed(self->fd, self->domain, self->memory, 2 * PAGE, AT))
			_exit(1);
		snprintf(text, sizeof(text), "%d", self->fd);
		setenv(EXEC_FD, text, 1);
		set_step(self->shared, 1, 1);
		if (!reaches(self->shared, 0, 1))
			_exit(2);
		execl("/proc/self/exe", "process_test", NULL);
		_exit(99);
	}
	ASSERT_TRUE(reaches(self->shared, 1, 1));
	EXPECT_EQ(2 * PAGE, pinned_bytes(self->fd));
	close(self->fd);
	self->fd = -1;
	set_step(self->shared, 0, 1);
	EXPECT_EQ(10, status_of(child));
	other = open_v3compat();
	EXPECT_TRUE(all_is_given_back(other));
	EXPECT_LT(0, claim(&self->engine, other, 0));
	close(other);
}

TEST_F(process, file_can_be_kept_over_exec)
{
	ASSERT_EQ(0, map_fixed(self->fd, self->domain, self->memory, 2 * PAGE, AT));
	EXPECT_EQ(20, status_of(execute(self, true)));
	EXPECT_EQ(10, status_of(execute(self, false)));
	EXPECT_TRUE(engine_writes(&self->engine, AT, self->memory));
	EXPECT_TRUE(engine_finds(&self->engine, AT, ENGINE_WORD));
}

/* The program that has mapped is gone by its own exec, and its pages stay for the device. */
TEST_F(process, memory_outlives_the_program)
{
	pid_t child = fork();

	ASSERT_LE(0, child);
	if (!child) {
		char text[16];

		*(unsigned int *)self->memory = 0xe8ec;
		if (map_fixed(self->fd, self->domain, self->memory, 2 * PAGE, AT))
			_exit(1);
		snprintf(text, sizeof(text), "%d", self->fd);
		setenv(EXEC_FD, text, 1);
		fcntl(self->fd, F_SETFD, 0);
		execl("/proc/self/exe", "process_test", NULL);
		_exit(99);
	}
	EXPECT_EQ(20, status_of(child));
	EXPECT_TRUE(engine_finds(&self->engine, AT, 0xe8ec));
	EXPECT_EQ(2 * PAGE, pinned_bytes(self->fd));
	ASSERT_EQ(0, unmap(self->fd, self->domain, AT, 2 * PAGE, NULL));
	EXPECT_EQ(0, pinned_bytes(self->fd));
}

/* Threads. */

/* struct racing: what two threads do to each other until it is over. */
struct racing {
	struct _test_data_process *self;
	int domain;
	int reservation;
	int other;
	int error;		/* something that must not happen */
	unsigned int done;
	bool over;
};

static bool is_over(struct racing *racing)
{
	return __atomic_load_n(&racing->over, __ATOMIC_SEQ_CST);
}

static void end_race(struct racing *racing)
{
	__atomic_store_n(&racing->over, true, __ATOMIC_SEQ_CST);
}

static int domain_now(struct racing *racing)
{
	return __atomic_load_n(&racing->domain, __ATOMIC_SEQ_CST);
}

/* map_again() maps and unmaps in whatever domain there is at the moment. */
static void *map_again(void *arg)
{
	struct racing *racing = arg;
	struct _test_data_process *self = racing->self;
	struct v3compat_map map;
	int ret, domain;

	while (!is_over(racing)) {
		domain = domain_now(racing);
		map = (struct v3compat_map) {
			.object = domain, .permissions = RW,
			.source = user_memory(self->memory, 4 * PAGE),
		};
		ret = CALL(self->fd, MAP, &map);
		if (!ret) {
			racing->done++;
			ret = unmap(self->fd, domain, map.address, 4 * PAGE, NULL);
		}
		if (ret && ret != -ENOENT)
			racing->error = ret;
	}
	return NULL;
}

#define RACE_MS		400

static unsigned long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ULL + now.tv_nsec / 1000000;
}

TEST_F(process, map_against_destroy)
{
	struct racing racing = { .self = self };
	unsigned long long end = now_ms() + RACE_MS;
	pthread_t thread;
	int domain, ret;

	racing.domain = create_domain(self->fd, V3COMPAT_DOMAIN_TRANSLATE, 40, NULL);
	ASSERT_EQ(0, pthread_create(&thread, NULL, map_again, &racing));
	while (now_ms() < end) {
		domain = create_domain(self->fd, V3COMPAT_DOMAIN_TRANSLATE, 40, NULL);
		ASSERT_LT(0, domain);
		ret = destroy(self->fd, racing.domain, NULL);
		__atomic_store_n(&racing.domain, domain, __ATOMIC_SEQ_CST);
		ASSERT_EQ(0, ret);
		usleep(500);
	}
	end_race(&racing);
	pthread_join(thread, NULL);
	EXPECT_EQ(0, racing.error);
	EXPECT_LT(0, racing.done);
	ASSERT_EQ(0, destroy(self->fd, racing.domain, NULL));
	EXPECT_EQ(0, pinned_kib());
	EXPECT_EQ(0, info_of(self->fd).out_mapped.used);
}

/* map_in_reservation() is for reservations that the other thread makes and takes away. */
static void *map_in_reservation(void *arg)
{
	struct racing *racing = arg;
	struct _test_data_process *self = racing->self;
	int ret, reservation;

	while (!is_over(racing)) {
		reservation = __atomic_load_n(&racing->reservation, __ATOMIC_SEQ_CST);
		ret = map_at(self->fd, reservation, user_memory(self->memory, 2 * PAGE), PAGE, 0,
			     RW, NULL);
		if (!ret) {
			racing->done++;
			ret = unmap(self->fd, reservation, PAGE, 2 * PAGE, NULL);
		}
		if (ret && ret != -ENOENT && ret != -EBUSY)
			racing->error = ret;
	}
	return NULL;
}

TEST_F(process, map_against_destroyed_reservation)
{
	struct v3compat_reserve reserve = {
		.flags = V3COMPAT_MAP_FIXED, .domain = self->domain, .length = 4 * PAGE,
		.address = AT,
	};
	struct racing racing = { .self = self };
	unsigned long long end = now_ms() + RACE_MS;
	pthread_t thread;
	int ret;

	ASSERT_EQ(0, CALL(self->fd, RESERVE, &reserve));
	racing.reservation = reserve.out_reservation;
	ASSERT_EQ(0, pthread_create(&thread, NULL, map_in_reservation, &racing));
	while (now_ms() < end) {
		ret = destroy(self->fd, racing.reservation, NULL);
		ASSERT_TRUE(ret == 0 || ret == -EBUSY);
		if (ret)
			continue;
		ASSERT_EQ(0, CALL(self->fd, RESERVE, &reserve));
		__atomic_store_n(&racing.reservation, reserve.out_reservation, __ATOMIC_SEQ_CST);
		usleep(500);
	}
	end_race(&racing);
	pthread_join(thread, NULL);
	EXPECT_EQ(0, racing.error);
	EXPECT_LT(0, racing.done);
	EXPECT_EQ(0, pinned_kib());
	EXPECT_EQ(0, info_of(self->fd).out_mapped.used);
}

/* unmap_again() takes away what the other thread has mapped at one address. */
static void *unmap_again(void *arg)
{
	struct racing *racing = arg;
	struct _test_data_process *self = racing->self;
	int ret;

	while (!is_over(racing)) {
		ret = unmap(self->fd, self->domain, AT, 2 * PAGE, NULL);
		racing->done += !ret;
		if (ret && ret != -ENOENT)
			racing->error = ret;
	}
	return NULL;
}

TEST_F(process, map_against_unmap)
{
	struct racing racing = { .self = self };
	unsigned long long end = now_ms() + RACE_MS;
	unsigned int mapped = 0;
	pthread_t thread;
	int ret;

	ASSERT_EQ(0, pthread_create(&thread, NULL, unmap_again, &racing));
	while (now_ms() < end) {
		ret = map_fixed(self->fd, self->domain, self->memory, 2 * PAGE, AT);
		ASSERT_TRUE(ret == 0 || ret == -EEXIST);
		mapped += !ret;
	}
	end_race(&racing);
	pthread_join(thread, NULL);
	EXPECT_EQ(0, racing.error);
	/* Each mapping is unmapped once. */
	ret = unmap(self->fd, self->domain, AT, 2 * PAGE, NULL);
	EXPECT_EQ(mapped, racing.done + !ret);
	EXPECT_EQ(0, pinned_kib());
}

static void *attach_again(void *arg)
{
	struct racing *racing = arg;
	struct _test_data_process *self = racing->self;

	while (!is_over(racing)) {
		if (detach(self->fd, self->device, NULL) ||
		    attach(self->fd, self->domain, self->device, NULL))
			racing->error = 1;
		racing->done++;
	}
	return NULL;
}

TEST_F(process, map_against_attach)
{
	struct racing racing = { .self = self };
	unsigned long long end = now_ms() + RACE_MS;
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, attach_again, &racing));
	while (now_ms() < end) {
		ASSERT_EQ(0, map_fixed(self->fd, self->domain, self->memory, 2 * PAGE, AT));
		ASSERT_EQ(0, unmap(self->fd, self->domain, AT, 2 * PAGE, NULL));
	}
	end_race(&racing);
	pthread_join(thread, NULL);
	EXPECT_EQ(0, racing.error);
	EXPECT_LT(0, racing.done);
	ASSERT_EQ(0, map_fixed(self->fd, self->domain, self->memory, 2 * PAGE, AT));
	EXPECT_TRUE(engine_writes(&self->engine, AT, self->memory));
}

/* The memory is taken from under the one who maps it. */
static void *remap_again(void *arg)
{
	struct racing *racing = arg;
	struct _test_data_process *self = racing->self;
	char *memory = self->memory + 8 * PAGE;

	while (!is_over(racing)) {
		munmap(memory + PAGE, PAGE);
		if (mmap(memory + PAGE, PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
			racing->error = errno;
		racing->done++;
	}
	return NULL;
}

TEST_F(process, map_against_munmap)
{
	struct racing racing = { .self = self };
	unsigned long long end = now_ms() + RACE_MS;
	unsigned int mapped = 0;
	pthread_t thread;
	int ret;

	ASSERT_EQ(0, pthread_create(&thread, NULL, remap_again, &racing));
	while (now_ms() < end) {
		ret = map_at(self->fd, self->domain, user_memory(self->memory + 8 * PAGE, 3 * PAGE),
			     AT, V3COMPAT_MAP_FIXED, RW, &self->result);
		if (ret) {
			ASSERT_TRUE(is_refusal(ret, &self->result, REASON(NOT_PINNABLE),
					       PARAM(SOURCE)));
			continue;
		}
		mapped++;
		ASSERT_EQ(12, pinned_kib());
		ASSERT_EQ(0, unmap(self->fd, self->domain, AT, 3 * PAGE, NULL));
	}
	end_race(&racing);
	pthread_join(thread, NULL);
	EXPECT_EQ(0, racing.error);
	EXPECT_LT(0, mapped);
	EXPECT_EQ(0, pinned_kib());
}

static void *fork_again(void *arg)
{
	struct racing *racing = arg;
	char *memory = racing->self->memory;
	pid_t child;

	while (!is_over(racing)) {
		child = fork();
		if (!child) {
			memset(memory, 0x77, PAGE);
			_exit(0);
		}
		if (child < 0 || waitpid(child, NULL, 0) != child)
			racing->error = errno;
		racing->done++;
	}
	return NULL;
}

TEST_F(process, map_against_fork)
{
	struct racing racing = { .self = self };
	unsigned long long end = now_ms() + RACE_MS;
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, fork_again, &racing));
	while (now_ms() < end) {
		ASSERT_EQ(0, map_fixed(self->fd, self->domain, self->memory, PAGE, AT));
		ASSERT_TRUE(engine_writes(&self->engine, AT, self->memory));
		ASSERT_TRUE(engine_reads(&self->engine, AT, self->memory));
		ASSERT_EQ(0, unmap(self->fd, self->domain, AT, PAGE, NULL));
	}
	end_race(&racing);
	pthread_join(thread, NULL);
	EXPECT_EQ(0, racing.error);
	EXPECT_EQ(0, pinned_kib());
}

static struct v3compat_batch_entry map_entry(int domain, void *memory, unsigned long long address)
{
	return (struct v3compat_batch_entry) {
		.command = V3COMPAT_CMD_MAP,
		.map = {
			.size = sizeof(struct v3compat_map), .flags = V3COMPAT_MAP_FIXED,
			.object = domain, .permissions = RW, .address = address,
			.source = user_memory(memory, PAGE),
		},
	};
}

static struct v3compat_batch_entry unmap_entry(int domain, unsigned long long address)
{
	return (struct v3compat_batch_entry) {
		.command = V3COMPAT_CMD_UNMAP,
		.unmap = {
			.size = sizeof(struct v3compat_unmap), .object = domain,
			.address = address, .length = PAGE,
		},
	};
}

/* How many maps and unmaps a batch of these tests has. */
#define BATCHED	16

/* map_until_closed() maps in a file that the other thread closes. */
static void *map_until_closed(void *arg)
{
	struct racing *racing = arg;
	int ret;

	do {
		ret = map_fixed(racing->other, racing->domain, racing->self->memory, PAGE,
				AT + racing->done * PAGE);
		racing->done += !ret;
	} while (!ret);
	racing->error = ret;
	return NULL;
}

/* batch_until_closed() has maps and unmaps in each batch. One that has begun is done whole. */
static void *batch_until_closed(void *arg)
{
	struct v3compat_batch_entry entries[BATCHED];
	struct racing *racing = arg;
	struct v3compat_batch batch = {
		.entries = (uintptr_t)entries, .count = BATCHED, .entry_size = sizeof(entries[0]),
	};
	unsigned long long at;
	int ret, i;

	do {
		for (i = 0; i < BATCHED; i++) {
			at = AT + i % (BATCHED / 2) * PAGE;
			if (i < BATCHED / 2)
				entries[i] = map_entry(racing->domain, racing->self->memory, at);
			else
				entries[i] = unmap_entry(racing->domain, at);
		}
		ret = CALL(racing->other, BATCH, &batch);
		racing->done += ret == BATCHED;
	} while (ret == BATCHED);
	racing->error = ret;
	return NULL;
}

/* race_with_close() closes a file in which a thread gives commands until it has none. */
static void race_with_close(struct __test_metadata *_metadata, struct _test_data_process *self,
			    void *(*run)(void *racing))
{
	struct racing racing;
	pthread_t thread;
	int i, device;

	for (i = 0; i < 10; i++) {
		racing = (struct racing) { .self = self, .other = open_v3compat() };
		ASSERT_LE(0, racing.other);
		device = claim_nth(&self->engine, racing.other, 1, 0, NULL);
		ASSERT_LT(0, device);
		racing.domain = create_domain(racing.other, V3COMPAT_DOMAIN_TRANSLATE, 0, NULL);
		ASSERT_EQ(0, attach(racing.other, racing.domain, device, NULL));
		ASSERT_EQ(0, pthread_create(&thread, NULL, run, &racing));
		usleep(2000 * i);
		close(racing.other);
		pthread_join(thread, NULL);
		EXPECT_EQ(-EBADF, racing.error);
		/* The last command may have ended after close(), which had nothing to wait for. */
		EXPECT_TRUE(all_is_given_back(self->fd));
		EXPECT_EQ(0, pinned_kib());
	}
}

TEST_F(process, map_against_close)
{
	race_with_close(_metadata, self, map_until_closed);
}

TEST_F(process, batch_against_close)
{
	race_with_close(_metadata, self, batch_until_closed);
}

/* change_objects() makes and destroys objects of its own; nobody may meet them. */
static void *change_objects(void *arg)
{
	struct racing *racing = arg;
	int fd = racing->self->fd, domain, i;
	struct v3compat_domain_query query;

	for (i = 0; i < 200; i++) {
		domain = create_domain(fd, i & 1 ? V3COMPAT_DOMAIN_TRANSLATE :
				       V3COMPAT_DOMAIN_UNMANAGED, 0, NULL);
		query = (struct v3compat_domain_query) { .domain = domain };
		if (domain < 0 || CALL(fd, DOMAIN_QUERY, &query) ||
		    query.out_type != (i & 1 ? V3COMPAT_DOMAIN_TRANSLATE :
				       V3COMPAT_DOMAIN_UNMANAGED) ||
		    destroy(fd, domain, NULL))
			racing->error = 1;
	}
	return NULL;
}

TEST_F_TIMEOUT(process, threads_have_objects_of_their_own, 240)
{
	struct racing racing = { .self = self };
	pthread_t threads[4];
	int i;

	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, change_objects, &racing));
	for (i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	EXPECT_EQ(0, racing.error);
	EXPECT_EQ(2, info_of(self->fd).out_objects.used);
}

/* Whoever is killed leaves nothing. */

FIXTURE(killed) {
	struct engine engine;
	int fd;
	struct shared *shared;
};

/* What the process does that is killed. One variant for all that a test kills in turn. */
#define WORKS	8

FIXTURE_VARIANT(killed) {
	bool pci;
	void (*works[WORKS])(struct engine *engine, struct shared *shared);
};

/* struct victim: the file of a process that is about to be killed. */
struct victim {
	int fd;
	int device;
	int domain;
	int chooses;
	char *memory;
};

static struct victim be_victim(struct engine *engine, struct shared *shared)
{
	struct victim victim = { .fd = open_v3compat() };

	shared->ret = victim.fd;
	victim.device = claim(engine, victim.fd, V3COMPAT_DEVICE_TAGGED);
	victim.domain = create_domain(victim.fd, V3COMPAT_DOMAIN_TRANSLATE, 0, NULL);
	victim.chooses = create_domain(victim.fd, V3COMPAT_DOMAIN_TRANSLATE, 40, NULL);
	victim.memory = new_memory(1024 * PAGE);
	if (victim.device < 0 || victim.domain < 0 || victim.chooses < 0 ||
	    attach(victim.fd, victim.domain, victim.device, NULL))
		_exit(1);
	return victim;
}

static void idle(struct engine *engine, struct shared *shared)
{
	struct victim victim = be_victim(engine, shared);

	if (map_fixed(victim.fd, victim.domain, victim.memory, 1024 * PAGE, AT))
		_exit(2);
	set_step(shared, 1, 1);
	pause();
}

static void keep_mapping(struct engine *engine, struct shared *shared)
{
	struct victim victim = be_victim(engine, shared);

	set_step(shared, 1, 1);
	while (!map_fixed(victim.fd, victim.domain, victim.memory, 1024 * PAGE, AT) &&
	       !unmap(victim.fd, victim.domain, AT, 1024 * PAGE, NULL))
		;
}

static void keep_registering(struct engine *engine, struct shared *shared)
{
	struct victim victim = be_victim(engine, shared);

	set_step(shared, 1, 1);
	while (!destroy(victim.fd, create_memory(victim.fd, victim.memory, 1024 * PAGE, 0, NULL),
			NULL))
		;
}

static void keep_reserving(struct engine *engine, struct shared *shared)
{
	struct victim victim = be_victim(engine, shared);
	struct v3compat_reserve reserve = { .domain = victim.chooses, .length = 512 * PAGE };

	set_step(shared, 1, 1);
	while (!CALL(victim.fd, RESERVE, &reserve)) {
		if (map_at(victim.fd, reserve.out_reservation, user_memory(victim.memory, PAGE), 0,
			   0, RW, NULL))
			break;
		reserve.address = 0;
	}
	pause();
}

static void keep_attaching(struct engine *engine, struct shared *shared)
{
	struct victim victim = be_victim(engine, shared);

	if (map_fixed(victim.fd, victim.domain, victim.memory, 64 * PAGE, AT))
		_exit(2);
	set_step(shared, 1, 1);
	while (!detach(victim.fd, victim.device, NULL) &&
	       !attach(victim.fd, victim.domain, victim.device, NULL))
		;
}

static void keep_opening(struct engine *engine, struct shared *shared)
{
	struct victim victim;

	for (;;) {
		victim = be_victim(engine, shared);
		set_step(shared, 1, 1);
		if (map_fixed(victim.fd, victim.domain, victim.memory, 16 * PAGE, AT))
			_exit(2);
		munmap(victim.memory, 1024 * PAGE);
		close(victim.fd);
	}
}

static void keep_batching(struct engine *engine, struct shared *shared)
{
	struct victim victim = be_victim(engine, shared);
	struct v3compat_batch_entry *entries = calloc(1024, sizeof(*entries));
	struct v3compat_batch batch = {
		.entries = (uintptr_t)entries, .count = 1024, .entry_size = sizeof(*entries),
	};
	int i;

	set_step(shared, 1, 1);
	for (;;) {
		for (i = 0; i < 512; i++) {
			entries[i] = map_entry(victim.domain, victim.memory + i * PAGE,
					       AT + i * PAGE);
			entries[512 + i] = unmap_entry(victim.domain, AT + i * PAGE);
		}
		if (CALL(victim.fd, BATCH, &batch) != 1024)
			_exit(2);
	}
}

struct worker {
	struct victim *victim;
	unsigned int number;
};

static void *work_in_thread(void *arg)
{
	struct worker *worker = arg;
	struct victim *victim = worker->victim;
	unsigned long long at = AT + worker->number * LARGE;

	while (!map_fixed(victim->fd, victim->domain, victim->memory, 64 * PAGE, at) &&
	       !unmap(victim->fd, victim->domain, at, 64 * PAGE, NULL))
		;
	return NULL;
}

static void keep_threads_busy(struct engine *engine, struct shared *shared)
{
	struct victim victim = be_victim(engine, shared);
	struct worker workers[4];
	pthread_t thread;
	unsigned int i;

	for (i = 0; i < 4; i++) {
		workers[i] = (struct worker) { .victim = &victim, .number = i };
		if (pthread_create(&thread, NULL, work_in_thread, &workers[i]))
			_exit(2);
	}
	set_step(shared, 1, 1);
	pause();
}

FIXTURE_VARIANT_ADD(killed, idle) { .works = { idle } };
FIXTURE_VARIANT_ADD(killed, mapping) { .works = { keep_mapping } };
FIXTURE_VARIANT_ADD(killed, registering) { .works = { keep_registering } };
FIXTURE_VARIANT_ADD(killed, reserving) { .works = { keep_reserving } };
FIXTURE_VARIANT_ADD(killed, attaching) { .works = { keep_attaching } };
FIXTURE_VARIANT_ADD(killed, opening) { .works = { keep_opening } };
FIXTURE_VARIANT_ADD(killed, batching) { .works = { keep_batching } };
FIXTURE_VARIANT_ADD(killed, in_threads) { .works = { keep_threads_busy } };
FIXTURE_VARIANT_ADD(killed, pci) {
	.pci = true,
	.works = {
		idle, keep_mapping, keep_registering, keep_reserving, keep_attaching, keep_opening,
		keep_batching, keep_threads_busy,
	},
};

FIXTURE_SETUP(killed)
{
	const struct sim_config config = { .max_pasids = 64 };

	if (!has_engine(variant->pci))
		SKIP(return, NO_ENGINE);
	ASSERT_EQ(0, open_engine(&self->engine, variant->pci, &config));
	self->fd = open_v3compat();
	ASSERT_LE(0, self->fd);
	self->shared = mmap(NULL, sizeof(*self->shared), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->shared);
}

FIXTURE_TEARDOWN(killed)
{
	close(self->fd);
	close_engine(&self->engine);
}

TEST_F(killed, leaves_nothing)
{
	int i, device, domain;
	char *memory;
	pid_t child;

	memory = new_memory(PAGE);
	for (i = 0; i < (variant->pci ? WORKS : 5); i++) {
		set_step(self->shared, 1, 0);
		child = fork();
		ASSERT_LE(0, child);
		if (!child) {
			variant->works[variant->pci ? i : 0](&self->engine, self->shared);
			_exit(3);
		}
		ASSERT_TRUE(reaches(self->shared, 1, 1));
		usleep(3000 * i);
		ASSERT_EQ(0, kill(child, SIGKILL));
		EXPECT_EQ(-SIGKILL, status_of(child));
		/* Whoever wants the device next waits until it is free. */
		device = claim(&self->engine, self->fd, 0);
		EXPECT_LT(0, device);
		EXPECT_TRUE(all_is_given_back(self->fd));
		EXPECT_TRUE(engine_is_refused(&self->engine, AT));
		domain = create_domain(self->fd, V3COMPAT_DOMAIN_TRANSLATE, 0, NULL);
		EXPECT_EQ(0, attach(self->fd, domain, device, NULL));
		/* What the IOMMU may have kept of the one before is not used either. */
		EXPECT_TRUE(engine_is_refused(&self->engine, AT));
		EXPECT_EQ(0, map_fixed(self->fd, domain, memory, PAGE, AT));
		EXPECT_TRUE(engine_writes(&self->engine, AT, memory));
		EXPECT_EQ(0, detach(self->fd, device, NULL));
		EXPECT_EQ(0, destroy(self->fd, domain, NULL));
		EXPECT_EQ(0, destroy(self->fd, device, NULL));
	}
}

/* The file is with somebody else, too, so that it lives on when its user is killed. */
TEST_F(killed, user_of_a_file_that_lives_on)
{
	struct v3compat_info info = {};
	pid_t child = fork();
	int process, kept;

	ASSERT_LE(0, child);
	if (!child) {
		variant->works[0](&self->engine, self->shared);
		_exit(3);
	}
	ASSERT_TRUE(reaches(self->shared, 1, 1));
	process = syscall(SYS_pidfd_open, child, 0);
	ASSERT_LE(0, process);
	usleep(10000);
	kept = syscall(SYS_pidfd_getfd, process, self->shared->ret, 0);
	close(process);
	ASSERT_EQ(0, kill(child, SIGKILL));
	EXPECT_EQ(-SIGKILL, status_of(child));
	/* One that opens files all the time may have had none at that moment. */
	if (variant->works[0] != keep_opening)
		ASSERT_LE(0, kept);
	if (kept >= 0) {
		/* Nothing of it is stuck: all of it can be used, and close() takes it apart. */
		EXPECT_EQ(0, CALL(kept, INFO, &info));
		EXPECT_LT(0, create_domain(kept, V3COMPAT_DOMAIN_UNMANAGED, 0, NULL));
		close(kept);
	}
	EXPECT_LT(0, claim(&self->engine, self->fd, 0));
	EXPECT_TRUE(all_is_given_back(self->fd));
}

/* Memory that does not become ready. */

FIXTURE(stuck) {
	struct sim sim;
	char second[IOMMUSIM_NAME_SIZE];
	int fd;
	int device;
	int domain;
	int victim;		/* a domain for the command that hangs */
	int faults;		/* who should make the memory ready, */
	struct slow_file file;	/* or what it is mapped of */
	char *slow;		/* two pages: there, and never there */
	char *memory;
	struct v3compat_map *shared;	/* a command that children have in common with us */
	int other;		/* a file of others, */
	int others_device;	/* and what they have in it */
	int others_domain;
	pthread_t thread;
	bool started;
	bool over;
	int ret;
	struct v3compat_result result;
};

/* The command that hangs, in a thread; returns what it returns. */
FIXTURE_VARIANT(stuck) {
	int (*call)(struct _test_data_stuck *self);
	bool pins;		/* and what it says when the domain has gone meanwhile */
	bool of_domain;
	bool of_file;		/* the memory is that of a file */
};

static int stuck_map(struct _test_data_stuck *self)
{
	return map_at(self->fd, self->victim, user_memory(self->slow, 2 * PAGE), AT,
		      V3COMPAT_MAP_FIXED, RW, &self->result);
}

static int stuck_shared_map(struct _test_data_stuck *self)
{
	int ret;

	*self->shared = (struct v3compat_map) {
		.object = self->victim, .flags = V3COMPAT_MAP_FIXED, .permissions = RW,
		.source = user_memory(self->slow, 2 * PAGE), .address = AT,
	};
	ret = CALL(self->fd, MAP, self->shared);
	self->result = self->shared->result;
	return ret;
}

static int stuck_read_only_map(struct _test_data_stuck *self)
{
	return map_at(self->fd, self->victim, user_memory(self->slow, 2 * PAGE), AT,
		      V3COMPAT_MAP_FIXED, V3COMPAT_READ, &self->result);
}

static int stuck_memory(struct _test_data_stuck *self)
{
	int ret = create_memory(self->fd, self->slow, 2 * PAGE, 0, &self->result);

	return ret > 0 ? destroy(self->fd, ret, NULL) : ret;
}

static struct v3compat_batch_entry entry_of(struct _test_data_stuck *self, void *memory, int number)
{
	return map_entry(self->victim, memory, AT + 4 * number * PAGE);
}

static int do_batch(struct _test_data_stuck *self, void *entries, unsigned int count)
{
	struct v3compat_batch batch = {
		.entries = (uintptr_t)entries, .count = count,
		.entry_size = sizeof(struct v3compat_batch_entry),
	};
	int ret = CALL(self->fd, BATCH, &batch);

	self->result = batch.result;
	return ret == (int)count ? 0 : ret < 0 ? ret : -EAGAIN;
}

static int stuck_in_batch(struct _test_data_stuck *self)
{
	struct v3compat_batch_entry entries[2] = {
		entry_of(self, self->slow, 0), entry_of(self, self->slow + PAGE, 1),
	};

	return do_batch(self, entries, 2);
}

/* The entry itself is what is not there. */
static int stuck_entry(struct _test_data_stuck *self)
{
	struct v3compat_batch_entry *entries = (void *)(self->slow + PAGE - sizeof(*entries));

	entries[0] = entry_of(self, self->memory, 0);
	return do_batch(self, entries, 2) == -EAGAIN ? 0 : -1;
}

static int stuck_regions(struct _test_data_stuck *self)
{
	struct v3compat_domain_create create = {
		.address_width = 40, .nr_regions = 1, .regions = (uintptr_t)(self->slow + PAGE),
	};
	int ret = CALL(self->fd, DOMAIN_CREATE, &create);

	/* What is there in the end is a region of nothing. */
	return ret == -EINVAL && create.result.out_reason == REASON(EMPTY) ? 0 : ret;
}

static int stuck_list(struct _test_data_stuck *self)
{
	struct v3compat_domain_flush flush = {
		.domain = self->victim, .list = (uintptr_t)(self->slow + PAGE), .count = 4,
	};
	int ret = CALL(self->fd, DOMAIN_FLUSH, &flush);

	self->result = flush.result;
	return ret;
}

static int stuck_ranges(struct _test_data_stuck *self)
{
	struct v3compat_domain_query query = {
		.domain = self->domain, .ranges = (uintptr_t)(self->slow + PAGE), .max_ranges = 8,
	};

	return CALL(self->fd, DOMAIN_QUERY, &query);
}

static int stuck_command(struct _test_data_stuck *self)
{
	return call_(self->fd, V3COMPAT_IOCTL_INFO, self->slow + PAGE) == -EINVAL ? 0 : -1;
}

FIXTURE_VARIANT_ADD(stuck, map) { .call = stuck_map, .pins = true, .of_domain = true };
FIXTURE_VARIANT_ADD(stuck, map_in_shared_memory) {
	.call = stuck_shared_map, .pins = true, .of_domain = true,
};
FIXTURE_VARIANT_ADD(stuck, read_only_map) {
	.call = stuck_read_only_map, .pins = true, .of_domain = true,
};
FIXTURE_VARIANT_ADD(stuck, memory) { .call = stuck_memory, .pins = true };
FIXTURE_VARIANT_ADD(stuck, in_batch) { .call = stuck_in_batch, .pins = true };
FIXTURE_VARIANT_ADD(stuck, entry) { .call = stuck_entry };
FIXTURE_VARIANT_ADD(stuck, regions) { .call = stuck_regions };
FIXTURE_VARIANT_ADD(stuck, list) { .call = stuck_list, .of_domain = true };
FIXTURE_VARIANT_ADD(stuck, ranges) { .call = stuck_ranges };
FIXTURE_VARIANT_ADD(stuck, command) { .call = stuck_command };
FIXTURE_VARIANT_ADD(stuck, map_of_file) {
	.call = stuck_map, .pins = true, .of_domain = true, .of_file = true,
};
FIXTURE_VARIANT_ADD(stuck, memory_of_file) { .call = stuck_memory, .pins = true, .of_file = true };
FIXTURE_VARIANT_ADD(stuck, command_of_file) { .call = stuck_command, .of_file = true };

/* watch_slow() lets @self->faults say who needs the second page; 0 or -1. */
static int watch_slow(struct _test_data_stuck *self)
{
	struct uffdio_register registered = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct uffdio_api api = { .api = UFFD_API };

	registered.range.start = (uintptr_t)(self->slow + PAGE);
	registered.range.len = PAGE;
	self->faults = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (self->faults < 0 || ioctl(self->faults, UFFDIO_API, &api))
		return -1;
	return ioctl(self->faults, UFFDIO_REGISTER, &registered);
}

FIXTURE_SETUP(stuck)
{
	const struct sim_config config = { .max_pasids = 64 };
	int ret;

	self->faults = -1;
	if (variant->of_file) {
		ret = slow_file_open(&self->file);
		if (ret == -ENOENT || ret == -ENODEV)
			SKIP(return, "the kernel has no FUSE");
		ASSERT_EQ(0, ret) {
			slow_file_close(&self->file);
		}
		self->slow = self->file.memory;
	} else {
		self->slow = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		ASSERT_NE(MAP_FAILED, self->slow);
		self->slow[0] = 1;
		if (watch_slow(self))
			SKIP(return, "the kernel has no userfaultfd");
	}
	ASSERT_EQ(0, open_sim(&self->sim, &config));
	ASSERT_LT(0, add_device(&self->sim, 0, 0, NULL, 0, self->second));
	self->fd = open_v3compat();
	ASSERT_LE(0, self->fd);
	self->device = create_device(self->fd, self->sim.name, 0, NULL);
	self->domain = create_domain(self->fd, V3COMPAT_DOMAIN_TRANSLATE, 0, NULL);
	self->victim = create_domain(self->fd, V3COMPAT_DOMAIN_TRANSLATE, 0, NULL);
	ASSERT_LT(0, self->device);
	ASSERT_LT(0, self->domain);
	ASSERT_LT(0, self->victim);
	self->memory = new_memory(MEMORY);
	self->shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	ASSERT_NE(MAP_FAILED, self->shared);
}

FIXTURE_TEARDOWN(stuck)
{
	if (self->faults >= 0)
		close(self->faults);
	slow_file_close(&self->file);
	close(self->fd);
	EXPECT_EQ(0, pinned_kib());
	close_sim(&self->sim);
}

struct stuck {
	struct _test_data_stuck *self;
	int (*call)(struct _test_data_stuck *self);
};

static void *be_stuck(void *arg)
{
	struct stuck *stuck = arg;

	stuck->self->ret = stuck->call(stuck->self);
	__atomic_store_n(&stuck->self->over, true, __ATOMIC_SEQ_CST);
	return NULL;
}

/* is_stuck() waits until somebody needs the page that is not there. */
static bool is_stuck(struct _test_data_stuck *self)
{
	struct pollfd poll_fd = { .fd = self->faults, .events = POLLIN };

	if (self->faults < 0)
		return slow_file_is_asked(&self->file, PATIENCE_MS) &&
		       !__atomic_load_n(&self->over, __ATOMIC_SEQ_CST);
	return poll(&poll_fd, 1, PATIENCE_MS) == 1 && poll_fd.revents == POLLIN &&
	       !__atomic_load_n(&self->over, __ATOMIC_SEQ_CST);
}

/* make_ready() gives the page its content at last. */
static int make_ready(struct _test_data_stuck *self)
{
	struct uffdio_zeropage zero = {
		.range = { .start = (uintptr_t)(self->slow + PAGE), .len = PAGE },
	};

	if (self->faults < 0)
		return slow_file_answer(&self->file);
	return ioctl(self->faults, UFFDIO_ZEROPAGE, &zero);
}

/*
 * Steps of others, which the stuck thread must not keep waiting: in a file of their own, in the
 * same one, and those that are about all files. Each returns 0, or what went wrong.
 */
static int claim_in_other(struct _test_data_stuck *self)
{
	self->other = open_v3compat();
	self->others_device = create_device(self->other, self->second, 0, NULL);
	self->others_domain = create_domain(self->other, V3COMPAT_DOMAIN_TRANSLATE, 0, NULL);
	return self->others_device < 0 ? self->others_device :
	       self->others_domain < 0 ? self->others_domain : 0;
}

static int attach_in_other(struct _test_data_stuck *self)
{
	return attach(self->other, self->others_domain, self->others_device, NULL);
}

static int map_in_other(struct _test_data_stuck *self)
{
	return map_fixed(self->other, self->others_domain, self->memory, PAGE, AT);
}

static int unmap_in_other(struct _test_data_stuck *self)
{
	return unmap(self->other, self->others_domain, AT, PAGE, NULL);
}

static int close_other(struct _test_data_stuck *self)
{
	return close(self->other) ? -errno : 0;
}

static int query(struct _test_data_stuck *self)
{
	struct v3compat_device_query device = { .device = self->device };
	struct v3compat_device_query named = { .name = name_of("platform", self->second) };
	struct v3compat_domain_query domain = { .domain = self->victim };

	return info_of(self->fd).out_version ?
	       CALL(self->fd, DEVICE_QUERY, &device) ?: CALL(self->fd, DEVICE_QUERY, &named) ?:
	       CALL(self->fd, DOMAIN_QUERY, &domain) : -EIO;
}

/* Also with the domain that the stuck command is for. */
static int use_victim(struct _test_data_stuck *self)
{
	struct v3compat_domain_flush flush = { .domain = self->victim };
	int ret = CALL(self->fd, DOMAIN_FLUSH, &flush) ?:
		  attach(self->fd, self->victim, self->device, NULL) ?:
		  map_fixed(self->fd, self->victim, self->memory, PAGE, 2 * AT);

	if (ret || !device_writes(&self->sim, 2 * AT, self->memory))
		return ret ?: -EIO;
	return unmap(self->fd, self->victim, 2 * AT, PAGE, NULL) ?:
	       detach(self->fd, self->device, NULL);
}

static int make_objects(struct _test_data_stuck *self)
{
	int domain = create_domain(self->fd, V3COMPAT_DOMAIN_TRANSLATE, 0, NULL);
	int memory = create_memory(self->fd, self->memory, MEMORY, 0, NULL);

	if (domain < 0 || memory < 0)
		return domain < 0 ? domain : memory;
	return destroy(self->fd, domain, NULL) ?: destroy(self->fd, memory, NULL);
}

static int read_listing(const char *path)
{
	int listing = open(path, O_RDONLY | O_CLOEXEC), ret = 0;
	char text[4096];

	if (listing < 0)
		return -errno;
	if (read(listing, text, sizeof(text)) <= 0)
		ret = -EIO;
	close(listing);
	return ret;
}

static int list_file(struct _test_data_stuck *self)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", self->fd);
	return read_listing(path);
}

static int list_all(struct _test_data_stuck *self)
{
	return read_listing("/sys/kernel/debug/v3compat/files");
}

/* A device of the file in which the command is stuck leaves, attached to the domain of it. */
static int remove_device(struct _test_data_stuck *self)
{
	struct iommusim_ioc_destroy gone = { .size = sizeof(gone) };
	char name[IOMMUSIM_NAME_SIZE];
	int id = add_device(&self->sim, 0, 0, NULL, 0, name), device;

	device = id < 0 ? id : create_device(self->fd, name, 0, NULL);
	if (device < 0 || attach(self->fd, self->victim, device, NULL))
		return -EIO;
	gone.id = id;
	if (ioctl(self->sim.fd, IOMMUSIM_IOC_DESTROY, &gone))
		return -errno;
	return destroy(self->fd, device, NULL);
}

static int change_guard(struct _test_data_stuck *self)
{
	struct v3compat_guard_state state = {};
	int ret = CALL(self->fd, GUARD_QUERY, &state);

	state.flags = V3COMPAT_GUARD_SET_POLICY | V3COMPAT_GUARD_SET_LOCKED;
	return ret ?: CALL(self->fd, GUARD_SET, &state);
}

static const struct step {
	const char *name;
	int (*go)(struct _test_data_stuck *self);
} steps[] = {
	{ "claim in another file", claim_in_other }, { "attach there", attach_in_other },
	{ "map there", map_in_other }, { "unmap there", unmap_in_other },
	{ "close of it", close_other }, { "queries", query }, { "use of the domain", use_victim },
	{ "new objects", make_objects }, { "list of the file", list_file },
	{ "list of all", list_all }, { "removal of a device", remove_device },
	{ "guard", change_guard },
};

/* A step may sleep so often, however long anybody else is stuck. */
#define MOST_SLEEPS	16

static long sleeps_of_thread(void)
{
	struct rusage usage;

	return getrusage(RUSAGE_THREAD, &usage) ? -1 : usage.ru_nvcsw;
}

/* When a step hangs, the alarm ends the test: the page never comes meanwhile. */
TEST_F(stuck, others_go_on_until_it_is_ready)
{
	struct stuck stuck = { .self = self, .call = variant->call };
	unsigned int i;
	long sleeps;

	ASSERT_EQ(0, pthread_create(&self->thread, NULL, be_stuck, &stuck));
	ASSERT_TRUE(is_stuck(self));
	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		sleeps = sleeps_of_thread();
		EXPECT_EQ(0, steps[i].go(self))
			TH_LOG("%s", steps[i].name);
		sleeps = sleeps_of_thread() - sleeps;
		EXPECT_GE(MOST_SLEEPS, sleeps);
		TH_LOG("%s: %ld sleeps", steps[i].name, sleeps);
	}
	EXPECT_FALSE(self->over);
	ASSERT_EQ(0, make_ready(self));
	pthread_join(self->thread, NULL);
	EXPECT_EQ(0, self->ret);
}

/* Who destroys a domain does not wait for a command that has not got so far. */
TEST_F(stuck, what_it_is_for_can_be_destroyed)
{
	struct stuck stuck = { .self = self, .call = variant->call };

	if (!variant->of_domain)
		return;
	ASSERT_EQ(0, pthread_create(&self->thread, NULL, be_stuck, &stuck));
	ASSERT_TRUE(is_stuck(self));
	ASSERT_EQ(0, destroy(self->fd, self->victim, NULL));
	EXPECT_FALSE(self->over);
	ASSERT_EQ(0, make_ready(self));
	pthread_join(self->thread, NULL);
	EXPECT_TRUE(is_refusal(self->ret, &self->result, REASON(BAD_HANDLE),
			       variant->pins ? PARAM(OBJECT) : PARAM(DOMAIN)));
	EXPECT_EQ(self->victim, self->result.out_object);
	EXPECT_EQ(0, pinned_kib());
}

TEST_F(stuck, it_can_be_killed)
{
	int status, ms, other, ready[2];
	pid_t child;
	char byte;

	ASSERT_EQ(0, pipe(ready));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		struct stuck stuck = { .self = self, .call = variant->call };

		/* A child's memory is watched by nobody: the descriptor is its parent's. */
		if (!variant->of_file) {
			close(self->faults);
			if (watch_slow(self))
				_exit(1);
		}
		if (pthread_create(&self->thread, NULL, be_stuck, &stuck) || !is_stuck(self))
			_exit(1);
		if (write(ready[1], "", 1) == 1)
			pause();
		_exit(2);
	}
	close(ready[1]);
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	close(ready[0]);
	if (variant->pins)
		EXPECT_LT(0, pinned_bytes(self->fd));
	ASSERT_EQ(0, kill(child, SIGKILL));
	for (ms = 0; ms < PATIENCE_MS && !waitpid(child, &status, WNOHANG); ms++)
		usleep(1000);
	ASSERT_GT(PATIENCE_MS, ms);
	EXPECT_TRUE(WIFSIGNALED(status));
	/* It could not look any more. */
	if (variant->call == stuck_shared_map)
		EXPECT_TRUE(is_refusal(-EINTR, &self->shared->result, REASON(KILLED),
				       PARAM(NONE)));
	/* Only what a batch had done before, or was mapped, is left in the file. */
	close(self->fd);
	EXPECT_EQ(0, pinned_kib());
	other = open_v3compat();
	EXPECT_TRUE(all_is_given_back(other));
	EXPECT_LT(0, create_device(other, self->sim.name, 0, NULL));
	self->fd = other;
}

static void count_signal(int number)
{
}

TEST_F(stuck, signal_does_not_undo_it)
{
	struct sigaction action = { .sa_handler = count_signal, .sa_flags = SA_RESTART };
	struct stuck stuck = { .self = self, .call = variant->call };

	ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));
	ASSERT_EQ(0, pthread_create(&self->thread, NULL, be_stuck, &stuck));
	ASSERT_TRUE(is_stuck(self));
	ASSERT_EQ(0, pthread_kill(self->thread, SIGUSR1));
	usleep(20000);
	ASSERT_EQ(0, make_ready(self));
	pthread_join(self->thread, NULL);
	EXPECT_EQ(0, self->ret);
}

/* The process closes its descriptor while a command is under way on it. */
TEST_F(stuck, close_does_not_wait)
{
	struct stuck stuck = { .self = self, .call = variant->call };
	int other;

	ASSERT_EQ(0, pthread_create(&self->thread, NULL, be_stuck, &stuck));
	ASSERT_TRUE(is_stuck(self));
	ASSERT_EQ(0, close(self->fd));
	EXPECT_FALSE(self->over);
	/* The device is still the file's, because the command is. */
	other = open_v3compat();
	EXPECT_EQ(-EPERM, create_device(other, self->sim.name, 0, &self->result));
	EXPECT_EQ(REASON(CLAIMED), self->result.out_reason);
	ASSERT_EQ(0, make_ready(self));
	pthread_join(self->thread, NULL);
	EXPECT_TRUE(all_is_given_back(other));
	EXPECT_EQ(0, pinned_kib());
	EXPECT_LT(0, create_device(other, self->sim.name, 0, NULL));
	self->fd = other;
}

TEST_HARNESS_MAIN
