// SPDX-License-Identifier: GPL-2.0
/*
 * Processes, threads, and the report.
 *
 * With one process, a seed gives the same commands again.
 */
#define _GNU_SOURCE
#include "fuzz.h"

#include <dirent.h>
#include <pthread.h>
#include <sys/random.h>
#include <time.h>

struct shared *shared;
__thread unsigned int actor;
int wild_files[2] = { -1, -1 };
time_t end_of_run, last_end_of_run;
unsigned int commands_wanted = 20000, successes_wanted = 100;

static uint64_t seed_of_run;
static unsigned int processes = 4, threads = 2;
static struct sequence replayed;
static bool feedback = true;

#define NAME(name) [V3COMPAT_CMD_##name] = #name

const char *const command_names[NUMBERS] = {
	NAME(INFO), NAME(DESTROY), NAME(DOMAIN_CREATE), NAME(DOMAIN_QUERY), NAME(DOMAIN_CONFIGURE),
	NAME(DOMAIN_FLUSH), NAME(DEVICE_CREATE), NAME(DEVICE_QUERY), NAME(DEVICE_OPEN),
	NAME(INPUT_MAPPINGS), NAME(PASID_CREATE), NAME(ATTACH), NAME(DETACH), NAME(MEMORY_CREATE),
	NAME(MAP), NAME(UNMAP), NAME(RESERVE), NAME(MAP_IDENTITY), NAME(UNMAP_IDENTITY),
	NAME(BATCH), NAME(EVENTS_OPEN), NAME(PAGE_RESPONSE), NAME(GUARD_QUERY), NAME(GUARD_SET),
	NAME(REGION_QUERY), NAME(INTERRUPT_QUERY), NAME(INTERRUPT_SET), NAME(RESET),
};

/* Errors that a command may have; see the header. */
static bool is_known(int err)
{
	static const int known[] = {
#define ERRNO(number, name, values, err, text) err,
		V3COMPAT_REASONS(ERRNO)
#undef ERRNO
		ENOTTY, EINVAL, E2BIG, EOPNOTSUPP, ENOENT, EFAULT, ENOMEM, EDQUOT, EINTR, EBADF,
	};
	unsigned int i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i] == err)
			return true;
	return false;
}

int __real_ioctl(int fd, unsigned long request, void *arg);

/* __wrap_ioctl() is what ioctl() is in this program, see run-user. */
int __wrap_ioctl(int fd, unsigned long request, void *arg)
{
	unsigned int nr = _IOC_NR(request);
	struct entry *entry;
	int ret, err;

	if (_IOC_TYPE(request) != V3COMPAT_IOC_TYPE || nr >= NUMBERS || !command_names[nr])
		return __real_ioctl(fd, request, arg);
	entry = &shared->log[actor][shared->logged[actor]++ % LOG];
	*entry = (struct entry) { .nr = nr, .ret = 1 };
	ret = __real_ioctl(fd, request, arg);
	err = ret < 0 ? errno : 0;
	entry->ret = ret < 0 ? -err : ret;
	count_call(&shared->tallies[nr], err);
	__atomic_fetch_add(&shared->calls, 1, __ATOMIC_RELAXED);
	shared->trace[actor] = mix(shared->trace[actor], nr);
	if (err && !is_known(err))
		fail("%s: error %d", command_names[nr], err);
	errno = err;
	return ret;
}

static bool each_command_succeeded(void)
{
	unsigned int nr;

	for (nr = 0; nr < NUMBERS; nr++)
		if (command_names[nr] && shared->tallies[nr].successes < successes_wanted)
			return false;
	return true;
}

/*
 * is_over(): a run of so many commands, or so long, goes on while one of them lacks successes,
 * because which succeed depends on how the processes meet. It ends at three times as many, or three
 * times as long, and fails then.
 */
int is_over(void)
{
	time_t now = time(NULL);

	if (verdict->failed)
		return 1;
	if (end_of_run && now >= end_of_run &&
	    (now >= last_end_of_run || each_command_succeeded()))
		return 1;
	return commands_wanted &&
	       (shared->calls >= 3ULL * commands_wanted ||
		(shared->calls >= commands_wanted && each_command_succeeded()));
}

static void operate(struct part *part)
{
	static void (*const operations[])(struct part *part) = {
		try_map, try_map, try_map, try_map, try_map, try_map,
		try_unmap, try_unmap, try_unmap, try_unmap,
		try_batch, try_batch, try_batch, try_batch,
		try_reservation, try_reservation, try_reservation,
		try_memory, try_memory, try_physical, try_physical, try_physical, try_large,
		try_domain, try_domain, try_attach, try_attach, try_pasid, try_pasid, try_pasid,
		try_process, try_removal, try_queries, try_queries, try_tables, try_tables,
		try_tables, try_guard, try_device_file, try_device_file, try_device_file,
		try_resources, try_listing, try_events, try_page_request, try_page_request,
		try_page_request, try_page_request, try_page_request,
		try_refused, try_refused, try_refused, try_unanswerable, try_unanswerable,
		try_child,
	};

	operations[rnd(sizeof(operations) / sizeof(operations[0]))](part);
}

/* struct worker: a thread with a part of the file that it shares with others. */
struct worker {
	struct part part;
	uint64_t chooser;
	unsigned int actor;
	bool by_hand;		/* whether the part is taken apart before the file is closed */
	bool ended;
};

/* run_sequence() tells whether all of it went well. */
static void *run_sequence(void *arg)
{
	struct worker *worker = arg;
	struct sequence *sequence;
	unsigned int i, next = 0, last = 0;
	bool found = false;

	actor = worker->actor;
	start_cover();
	sequence = &shared->running[actor];
	if (replayed.parts)
		*sequence = replayed;
	else
		choose_sequence(sequence, &worker->chooser);
	random_state = sequence->seed[0] | 1;
	next = 1;
	worker->ended = begin_part(&worker->part);
	for (i = 0; i < OPERATIONS && worker->ended && !is_over(); i++) {
		if (next < sequence->parts && sequence->at[next] == i)
			random_state = sequence->seed[next++] | 1;
		operate(&worker->part);
		if (collect_cover()) {
			found = true;
			last = i;
		}
	}
	worker->ended = worker->ended && worker->by_hand && end_part(&worker->part);
	found |= collect_cover() > 0;
	if (found && feedback)
		keep_sequence(sequence, last);
	return NULL;
}

/* check_empty(): everything is destroyed, and the file says so. */
static void check_empty(int fd)
{
	struct v3compat_info info = {};

	if (!expect("INFO", CALL(fd, INFO, &info), 0, 0))
		return;
	if (info.out_objects.used || info.out_pasids.used || info.out_mapped.used ||
	    info.out_reserved.used)
		fail("a file without anything has %llu objects, %llu sub-devices, %llu bytes mapped, %llu reserved",
		     (unsigned long long)info.out_objects.used,
		     (unsigned long long)info.out_pasids.used,
		     (unsigned long long)info.out_mapped.used,
		     (unsigned long long)info.out_reserved.used);
}

static void close_parts(struct worker *workers)
{
	unsigned int i;

	for (i = 0; i < threads; i++)
		if (workers[i].part.sim.fd >= 0)
			close_sim(&workers[i].part.sim);
}

/* run_round() is the life of a file: its threads have all of it, and then nobody has anything. */
static void run_round(struct worker *workers, unsigned int round)
{
	bool by_hand = round % 2, devices_first = round % 4 == 2, ended = true;
	pthread_t thread[THREADS];
	int fd = open_v3compat();
	unsigned int i;

	for (i = 0; i < threads; i++) {
		workers[i].part.fd = fd;
		workers[i].part.sim.fd = -1;
		workers[i].by_hand = by_hand;
		if (pthread_create(&thread[i], NULL, run_sequence, &workers[i]))
			fail("no thread");
	}
	for (i = 0; i < threads; i++) {
		pthread_join(thread[i], NULL);
		ended &= workers[i].ended;
	}
	if (ended)
		check_empty(fd);
	if (devices_first)
		close_parts(workers);
	close(fd);
	if (!devices_first)
		close_parts(workers);
	if (pinned_kib() && !verdict->failed)
		fail("%ld KiB are pinned, and no file is open", pinned_kib());
	__atomic_fetch_add(&shared->rounds, 1, __ATOMIC_RELAXED);
}

static char *huge_page(void)
{
	char *memory = map_memory(2 * LARGE, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	memory += LARGE - (uintptr_t)memory % LARGE;
	if (madvise(memory, LARGE, MADV_HUGEPAGE))
		return NULL;
	memset(memory, 0x5a, LARGE);
	return memory;
}

static void work_with_model(unsigned int self, uint64_t seed)
{
	static struct worker workers[THREADS];
	unsigned int i, round = 0;

	for (i = 0; i < threads; i++) {
		actor = workers[i].actor = self * (THREADS + 1) + 1 + i;
		workers[i].chooser = mix(seed, i + 1) | 1;
		prepare_memory(&workers[i].part);
		workers[i].part.large = huge_page();
	}
	actor = self * (THREADS + 1);
	start_cover();
	while (!is_over()) {
		run_round(workers, round++);
		collect_cover();
	}
}

/* struct child: a process of the run; the last ones are the wild ones and those with edu. */
struct child {
	pid_t pid;
	unsigned int incarnation;
	enum { MODEL, WILD, EDU } kind;
};

static struct child children[PROCESSES];

static void open_wild_files(void)
{
	unsigned int i;

	for (i = 0; i < 2; i++) {
		if (wild_files[i] >= 0)
			close(wild_files[i]);
		wild_files[i] = open_v3compat();
		if (wild_files[i] < 0)
			fail("/dev/v3compat: %s", strerror(errno));
	}
}

static void start_process(unsigned int i)
{
	uint64_t seed = mix(mix(seed_of_run, i + 1), children[i].incarnation + 1);

	/* Two processes that are wild share the files; when one of them begins, they are new. */
	if (children[i].kind == WILD)
		open_wild_files();
	children[i].pid = fork();
	if (children[i].pid)
		return;
	actor = i * (THREADS + 1);
	if (children[i].kind == WILD)
		work_wildly(seed, 3);
	else if (children[i].kind == EDU)
		work_with_edu(seed);
	else
		work_with_model(i, seed);
	_exit(0);
}

/* An event that has not come after so many seconds is lost. */
#define LATE_EVENT	20

/* kill_process() kills one in the middle of anything but a wait in vain, and starts it again. */
static void kill_process(unsigned int i)
{
	time_t since;
	unsigned int k;

	for (k = i * (THREADS + 1); k < (i + 1) * (THREADS + 1); k++) {
		since = shared->waits_since[k];
		if (since && time(NULL) - since > LATE_EVENT)
			fail("process %u waits for an event since %ld s", i,
			     (long)(time(NULL) - since));
		shared->waits_since[k] = 0;
	}
	kill(children[i].pid, SIGKILL);
	waitpid(children[i].pid, NULL, 0);
	shared->kills++;
	children[i].incarnation++;
	start_process(i);
}

/* show_stacks() shows where the threads of a process are that does not end. */
static void show_stacks(pid_t pid)
{
	char path[384], line[256];
	struct dirent *task;
	FILE *stack;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	while (dir && (task = readdir(dir))) {
		if (task->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/proc/%d/task/%.64s/stack", pid, task->d_name);
		stack = fopen(path, "re");
		printf("# thread %s of process %d:\n", task->d_name, pid);
		while (stack && fgets(line, sizeof(line), stack))
			printf("#   %s", line);
		if (stack)
			fclose(stack);
	}
	if (dir)
		closedir(dir);
}

/* wait_for_end() gives a process two minutes to end by itself. */
static void wait_for_end(unsigned int i)
{
	unsigned int tries;
	int status = 0;

	for (tries = 0; !waitpid(children[i].pid, &status, WNOHANG); tries++) {
		usleep(100000);
		if (tries != 1200)
			continue;
		fail("process %u does not end", i);
		show_stacks(children[i].pid);
		kill(children[i].pid, SIGKILL);
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		fail("process %u ended with status %#x", i, status);
}

#define TRACING	"/sys/kernel/tracing"

/* trace() has what the module does traced, or not any more. */
static void trace(bool on)
{
	int ret = write_file(TRACING "/events/v3compat/enable", on ? "1" : "0");

	if (ret && ret != -ENOENT)
		fail("tracing: %s", strerror(-ret));
}

#define PROGRESS_SECONDS	300

/* print_progress() says how far a long run has come, which may be ended from outside. */
static void print_progress(time_t began)
{
	static time_t last;
	unsigned int nr, rarest = 0;
	time_t now = time(NULL);

	if (!last)
		last = began;
	if (now - last < PROGRESS_SECONDS)
		return;
	last = now;
	for (nr = 0; nr < NUMBERS; nr++)
		if (command_names[nr] &&
		    shared->tallies[nr].successes < shared->tallies[rarest].successes)
			rarest = nr;
	printf("# %ld s: %u calls, the fewest successes are %u of %s, %u blocks reached\n",
	       (long)(now - began), shared->calls, shared->tallies[rarest].successes,
	       command_names[rarest], count_cover());
}

static void run_processes(void)
{
	time_t began = time(NULL);
	unsigned int i;

	if (processes > 2)
		children[processes - 1].kind = WILD;
	if (processes > 3 && has_edu())
		children[processes - 2].kind = EDU;
	for (i = 0; i < processes; i++)
		start_process(i);
	random_state = mix(seed_of_run, 77) | 1;
	while (processes > 1 && !is_over()) {
		trace(one_in(2));
		usleep(500000 + rnd(4000000));
		if (!is_over())
			kill_process(rnd(processes));
		print_progress(began);
	}
	trace(false);
	for (i = 0; i < processes; i++)
		wait_for_end(i);
	for (i = 0; i < 2; i++)
		if (wild_files[i] >= 0)
			close(wild_files[i]);
}

/* count_files() is how many files the listing has. Those of the killed are closed behind them. */
static unsigned int count_files(void)
{
	FILE *listing = fopen("/sys/kernel/debug/v3compat/files", "re");
	unsigned int count = 0;
	char line[256];

	while (listing && fgets(line, sizeof(line), listing))
		count += !strncmp(line, "file ", 5);
	if (listing)
		fclose(listing);
	return count;
}

static unsigned long long pinned_by_user(void)
{
	struct v3compat_info info = {};
	int fd = open_v3compat();

	if (CALL(fd, INFO, &info))
		info.out_pinned.used = ~0ULL;
	close(fd);
	return info.out_pinned.used;
}

static void restore_guard(const struct v3compat_guard_state *before)
{
	struct v3compat_guard_state arg = {
		.flags = V3COMPAT_GUARD_SET_POLICY | V3COMPAT_GUARD_SET_LOCKED,
		.policy = before->policy, .locked = before->locked,
	};
	int fd = open_v3compat();

	CALL(fd, GUARD_SET, &arg);
	close(fd);
}

static void show_log(void)
{
	unsigned int i, k;
	struct entry *entry;

	for (i = 0; i < ACTORS; i++) {
		if (!shared->logged[i])
			continue;
		printf("# the last commands of thread %u of process %u:", i % (THREADS + 1),
		       i / (THREADS + 1));
		for (k = shared->logged[i] > LOG ? shared->logged[i] - LOG : 0;
		     k < shared->logged[i]; k++) {
			entry = &shared->log[i][k % LOG];
			printf(" %s=%d", command_names[entry->nr], entry->ret);
		}
		printf("\n");
		print_sequence("# sequence ", &shared->running[i]);
	}
}

static void print_report(unsigned long long pinned, time_t began)
{
	unsigned int nr, tries;

	printf("# %-16s %8s %9s  errors\n", "command", "calls", "successes");
	for (nr = 0; nr < NUMBERS; nr++) {
		if (!command_names[nr])
			continue;
		print_tally(command_names[nr], &shared->tallies[nr]);
		judge(shared->tallies[nr].successes >= successes_wanted,
		      "%s succeeded %u times, %u wanted", command_names[nr],
		      shared->tallies[nr].successes, successes_wanted);
	}
	judge(shared->reached && shared->refused,
	      "%u times DMA arrived where it should, %u times it was refused", shared->reached,
	      shared->refused);
	judge(!verdict->failed, "%s", verdict->failed ? verdict->why : "nothing was wrong");
	for (tries = 0; tries < 600 && (count_files() || count_left()); tries++)
		usleep(100000);
	judge(!count_files(), "no file is left");
	judge(!count_left(), "no simulated device is left");
	judge(pinned_by_user() == pinned, "no page stays pinned");
	if (verdict->failed)
		show_log();
	printf("# %u calls, %u of them wild; %u files, %u processes killed, %u children, %u devices removed, %u blocks reached, %u sequences kept, %u s\n",
	       shared->calls, shared->wild_calls, shared->rounds, shared->kills, shared->children,
	       shared->removals, count_cover(), shared->in_corpus,
	       (unsigned int)(time(NULL) - began));
	print_cover();
}

static void print_usage(void)
{
	fprintf(stderr,
		"usage: user_fuzz [-s SEED] [-c COMMANDS] [-t SECONDS] [-p PROCESSES] [-j THREADS] [-l LEAST] [-n] [-r SEQUENCE]\n"
		"  -n  without keeping sequences that reach new blocks\n"
		"  -r  this sequence again and again, as a failure has printed it, in one thread\n");
	exit(2);
}

static void read_options(int argc, char **argv)
{
	unsigned int seconds = 0;
	int option;

	while ((option = getopt(argc, argv, "s:c:t:p:j:l:nr:")) != -1) {
		switch (option) {
		case 's':
			seed_of_run = strtoull(optarg, NULL, 0);
			break;
		case 'c':
			commands_wanted = strtoul(optarg, NULL, 0);
			break;
		case 't':
			seconds = strtoul(optarg, NULL, 0);
			break;
		case 'p':
			processes = strtoul(optarg, NULL, 0);
			break;
		case 'j':
			threads = strtoul(optarg, NULL, 0);
			break;
		case 'l':
			successes_wanted = strtoul(optarg, NULL, 0);
			break;
		case 'n':
			feedback = false;
			break;
		case 'r':
			processes = threads = 1;
			if (parse_sequence(optarg, &replayed))
				print_usage();
			break;
		default:
			print_usage();
		}
	}
	if (!processes || processes > PROCESSES || !threads || threads > THREADS)
		print_usage();
	if (!seed_of_run && getrandom(&seed_of_run, sizeof(seed_of_run), 0) < 0)
		print_usage();
	if (seconds) {
		end_of_run = time(NULL) + seconds;
		last_end_of_run = end_of_run + 2 * seconds;
	}
}

int main(int argc, char **argv)
{
	struct v3compat_guard_state guard = {};
	unsigned long long pinned;
	time_t began = time(NULL);
	uint64_t trace = 0;
	unsigned int i;
	int fd;

	setvbuf(stdout, NULL, _IOLBF, 0);
	read_options(argc, argv);
	printf("# seed=%lu processes=%u threads=%u commands=%u\n", seed_of_run, processes, threads,
	       commands_wanted);
	start_judging();
	shared = map_memory(sizeof(*shared), MAP_SHARED | MAP_ANONYMOUS, -1);
	prepare_cover();
	fd = open_v3compat();
	if (fd < 0 || CALL(fd, GUARD_QUERY, &guard)) {
		perror("/dev/v3compat");
		return 1;
	}
	close(fd);
	pinned = pinned_by_user();
	run_processes();
	restore_guard(&guard);
	print_report(pinned, began);
	for (i = 0; i < CHILD; i++)
		trace = mix(trace, shared->trace[i]);
	printf("# trace %#lx; seed=%lu\n", trace, seed_of_run);
	printf("%u passed, %u failed, 0 skipped\n", passed, failed);
	return failed ? 1 : 0;
}
