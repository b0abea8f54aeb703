// SPDX-License-Identifier: GPL-2.0
/*
 * Processes that claim a device of /dev/v3compat, map memory of all kinds, let the device use it,
 * and are killed in the middle, one after the other, for as long as wanted. What the kernel has,
 * what is pinned and what is charged stays what it was.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <sys/random.h>
#include <time.h>

#include "cgroup.h"
#include "engine.h"
#include "process.h"

#include "program.h"

#define RW		(V3COMPAT_READ | V3COMPAT_WRITE)
#define AT		0x40000000ULL
#define PAGES		256
#define MOST_MAPPED	512	/* before a domain is replaced by another */
#define PATIENCE_MS	60000
#define LISTING		"/sys/kernel/debug/v3compat/files"

/* What may differ, in KiB: what processors keep for themselves, and what is charged ahead. */
#define SLACK_SLAB	1024
#define SLACK_FREE	8192
#define SLACK_CHARGED	512

/* struct shared: what those who are killed tell. */
struct shared {
	unsigned int ready;	/* number of the one that has everything */
	unsigned int maps, dma;
};

static struct shared *shared;

/* struct life: what a process has until it is killed. */
struct life {
	struct engine *engine;
	int fd, device, domain, memory, memfd;
	unsigned int mapped;
	char *pages, *large, *file;	/* the last are the memfd's */
};

static void end_life(const char *what, int ret)
{
	fail("%s: %d", what, ret);
	_exit(1);
}

static void must(const char *what, int ret)
{
	if (ret < 0)
		end_life(what, ret);
}

/* claim_at_last() waits for the end of the file of the one that was killed before. */
static int claim_at_last(struct life *life)
{
	unsigned int ms;
	int ret;

	for (ms = 0; ms < PATIENCE_MS; ms++) {
		ret = claim(life->engine, life->fd, 0);
		if (ret != -EPERM)
			return ret;
		usleep(1000);
	}
	return ret;
}

static void begin_life(struct life *life)
{
	must("the cgroup", write_file(CGROUPS "/test/cgroup.procs", "0"));
	life->fd = open_v3compat();
	life->device = claim_at_last(life);
	must("DEVICE_CREATE", life->device);
	life->domain = create_domain(life->fd, V3COMPAT_DOMAIN_TRANSLATE, 0, NULL);
	must("DOMAIN_CREATE", life->domain);
	must("ATTACH", attach(life->fd, life->domain, life->device, NULL));
	life->pages = new_memory(PAGES * PAGE);
	life->large = map_memory(2 * LARGE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	life->large += LARGE - (uintptr_t)life->large % LARGE;
	madvise(life->large, LARGE, MADV_HUGEPAGE);
	memset(life->large, 1, LARGE);
	life->memfd = memfd_create("soak", MFD_CLOEXEC);
	if (!life->pages || life->memfd < 0 || ftruncate(life->memfd, PAGES * PAGE))
		end_life("memory", -errno);
	life->file = map_memory(PAGES * PAGE, MAP_SHARED, life->memfd);
	life->memory = create_memory(life->fd, life->pages, PAGES * PAGE, 0, NULL);
	must("MEMORY_CREATE", life->memory);
}

/* try_at() has the device write where memory is mapped, and where it is not mapped any more. */
static void try_at(struct life *life, struct v3compat_source source, void *memory)
{
	unsigned long long at = AT + life->mapped % MOST_MAPPED * LARGE;

	must("MAP", map_at(life->fd, life->domain, source, at, V3COMPAT_MAP_FIXED, RW, NULL));
	if (!engine_writes(life->engine, at, memory))
		end_life("a device does not write where memory is mapped", -EIO);
	/* What is left mapped is the killer's. */
	if (one_in(8))
		return;
	must("UNMAP", unmap(life->fd, life->domain, at, source.length, NULL));
	if (!engine_is_refused(life->engine, at))
		end_life("a device writes where nothing is mapped any more", -EIO);
	__atomic_fetch_add(&shared->maps, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&shared->dma, 2, __ATOMIC_RELAXED);
}

static void live(struct life *life)
{
	struct v3compat_source source;
	unsigned int page = rnd(PAGES);
	char *memory = life->pages + page * PAGE;

	switch (rnd(4)) {
	case 0:
		source = user_memory(memory, PAGE);
		break;
	case 1:
		source = user_memory(life->large, LARGE);
		memory = life->large;
		break;
	case 2:
		source = (struct v3compat_source) {
			.type = V3COMPAT_SOURCE_MEMORY, .object = life->memory,
			.start = page * PAGE, .length = PAGE,
		};
		break;
	default:
		source = (struct v3compat_source) {
			.type = V3COMPAT_SOURCE_MEMFD, .object = life->memfd,
			.start = page * PAGE, .length = PAGE,
		};
		memory = life->file + page * PAGE;
	}
	try_at(life, source, memory);
}

/* run_life() is a process that only a signal ends. */
static void run_life(struct engine *engine, unsigned int number, uint64_t seed)
{
	struct life life = { .engine = engine };

	random_state = mix(seed, number) | 1;
	begin_life(&life);
	for (life.mapped = 1;; life.mapped++) {
		if (life.mapped % MOST_MAPPED == 0) {
			must("DETACH", detach(life.fd, life.device, NULL));
			must("DESTROY", destroy(life.fd, life.domain, NULL));
			life.domain = create_domain(life.fd, V3COMPAT_DOMAIN_TRANSLATE, 0, NULL);
			must("ATTACH", attach(life.fd, life.domain, life.device, NULL));
		}
		live(&life);
		if (life.mapped == 4)
			__atomic_store_n(&shared->ready, number, __ATOMIC_SEQ_CST);
	}
}

static void end_run(pid_t child)
{
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

static void run_and_kill(struct engine *engine, unsigned int number, uint64_t seed)
{
	pid_t child = fork();
	unsigned int ms;

	if (!child)
		run_life(engine, number, seed);
	if (child < 0) {
		fail("no process: %s", strerror(errno));
		return;
	}
	for (ms = 0; ms < PATIENCE_MS && !verdict->failed; ms++) {
		if (__atomic_load_n(&shared->ready, __ATOMIC_SEQ_CST) == number)
			break;
		usleep(1000);
	}
	if (ms == PATIENCE_MS)
		fail("process %u does not begin", number);
	usleep(rnd(100000));
	end_run(child);
}

static bool is_listed_file(void)
{
	FILE *listing = fopen(LISTING, "re");
	bool found = !listing;
	char line[256];

	while (listing && !found && fgets(line, sizeof(line), listing))
		found = !strncmp(line, "file ", 5);
	if (listing)
		fclose(listing);
	return found;
}

/* struct sample: what the kernel has when nobody has a file, in KiB. */
struct sample {
	long long free, slab, charged, pinned;
};

static long long kib_of(const char *name)
{
	FILE *file = fopen("/proc/meminfo", "re");
	long long value, found = -1;
	char line[128], what[64];

	while (file && found < 0 && fgets(line, sizeof(line), file))
		if (sscanf(line, "%63[^:]: %lld", what, &value) == 2 && !strcmp(what, name))
			found = value;
	if (file)
		fclose(file);
	return found;
}

static long long pinned_of_user(void)
{
	struct v3compat_info info = {};
	int fd = open_v3compat();

	if (CALL(fd, INFO, &info))
		info.out_pinned.used = ~0ULL;
	close(fd);
	return info.out_pinned.used / 1024;
}

static struct sample take_sample(void)
{
	struct sample sample;
	unsigned int ms;

	for (ms = 0; ms < PATIENCE_MS && is_listed_file(); ms += 10)
		usleep(10000);
	if (ms >= PATIENCE_MS)
		fail("a file is left");
	sample.pinned = pinned_of_user();
	/* What is freed behind a grace period is given back meanwhile. */
	sleep(1);
	write_file("/proc/sys/vm/drop_caches", "3");
	sample.free = kib_of("MemFree");
	sample.slab = kib_of("SUnreclaim");
	sample.charged = charged();
	if (sample.free < 0 || sample.slab < 0 || sample.charged < 0)
		fail("the kernel does not say what it has");
	sample.charged /= 1024;
	return sample;
}

/* struct cache: one of the slab allocator's, and how many objects of it were in use at first. */
struct cache {
	char name[64];
	long long active, size;
};

#define CACHES	512

/* read_caches() returns how many there are, 0 where the kernel does not tell. */
static unsigned int read_caches(struct cache *caches)
{
	FILE *file = fopen("/proc/slabinfo", "re");
	unsigned int count = 0;
	char line[512];

	while (file && count < CACHES && fgets(line, sizeof(line), file))
		if (sscanf(line, "%63s %lld %*d %lld", caches[count].name, &caches[count].active,
			   &caches[count].size) == 3)
			count++;
	if (file)
		fclose(file);
	return count;
}

/* print_growth() names the caches that have 16 KiB more in use than when @before was read. */
static void print_growth(const struct cache *before, unsigned int count)
{
	static struct cache now[CACHES];
	unsigned int nr = read_caches(now), i, k;
	long long more;

	for (i = 0; i < nr; i++) {
		for (k = 0; k < count && strcmp(before[k].name, now[i].name); k++)
			;
		more = now[i].active - (k < count ? before[k].active : 0);
		if (more * now[i].size >= 16384)
			printf("# %s: %lld objects of %lld bytes more\n", now[i].name, more,
			       now[i].size);
	}
}

static void print_sample(time_t seconds, unsigned int lives, const struct sample *sample)
{
	printf("# %5ld s: %6u killed, %8u maps, %8u DMA; free %lld KiB, slab %lld KiB, charged %lld KiB, pinned %lld KiB\n",
	       (long)seconds, lives, shared->maps, shared->dma, sample->free, sample->slab,
	       sample->charged, sample->pinned);
}

static void judge_samples(const struct sample *first, const struct sample *last)
{
	judge(last->slab - first->slab <= SLACK_SLAB, "slab: %lld KiB, then %lld", first->slab,
	      last->slab);
	judge(first->free - last->free <= SLACK_FREE, "free memory: %lld KiB, then %lld",
	      first->free, last->free);
	judge(last->charged - first->charged <= SLACK_CHARGED, "charged: %lld KiB, then %lld",
	      first->charged, last->charged);
	judge(!first->pinned && !last->pinned, "pinned: %lld KiB, then %lld", first->pinned,
	      last->pinned);
}

/* soak() takes a first sample after a tenth of the time, when all that is kept is there. */
static void soak(struct engine *engines, unsigned int count, unsigned int seconds, uint64_t seed)
{
	unsigned int period = seconds / 10 ? seconds / 10 : 1, lives = 0;
	time_t began = time(NULL), next = period;
	static struct cache caches[CACHES];
	unsigned int nr_caches = 0;
	struct sample first, last;
	unsigned int samples = 0;

	while (!verdict->failed && time(NULL) - began < seconds) {
		lives++;
		run_and_kill(&engines[lives % count], lives, seed);
		if (time(NULL) - began < next)
			continue;
		last = take_sample();
		if (!samples++) {
			first = last;
			nr_caches = read_caches(caches);
		}
		next += period;
		print_sample(time(NULL) - began, lives, &last);
	}
	judge(!verdict->failed, "%s", verdict->failed ? verdict->why : "nothing was wrong");
	judge(samples > 1, "%u processes were killed, %u samples taken", lives, samples);
	if (!samples)
		return;
	judge_samples(&first, &last);
	print_growth(caches, nr_caches);
}

int main(int argc, char **argv)
{
	const struct sim_config config = {};
	unsigned int seconds = argc > 1 ? strtoul(argv[1], NULL, 0) : 60, count = 0;
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 0;
	struct engine engines[2] = {};
	const char *missing;
	int ret;

	setvbuf(stdout, NULL, _IOLBF, 0);
	start_judging();
	if (!seed && getrandom(&seed, sizeof(seed), 0) < 0)
		return 1;
	shared = map_memory(sizeof(*shared), MAP_SHARED | MAP_ANONYMOUS, -1);
	random_state = seed | 1;
	missing = enter_cgroup();
	if (missing) {
		fprintf(stderr, "%s\n", missing);
		return 1;
	}
	write_file(CGROUPS "/cgroup.procs", "0");
	for (ret = 0; ret < 2; ret++)
		if (has_engine(ret) && !open_engine(&engines[count], ret, &config))
			count++;
	printf("# seed=%lu, %u seconds, %s\n", seed, seconds,
	       count == 2 ? "simulated and PCI devices" : "one kind of devices");
	if (count)
		soak(engines, count, seconds, seed);
	judge(count, "there are devices");
	leave_cgroup();
	printf("%u passed, %u failed, 0 skipped\n", passed, failed);
	return failed ? 1 : 0;
}
