// SPDX-License-Identifier: GPL-2.0
/*
 * A process lets a device into its memory, has it touch a page of a file whose server does not
 * answer, and is killed. What the rest of the machine does meanwhile must not wait for that server.
 *
 * stall DEVICE: on DEVICE (/dev/v3c-share0, see share.h), as root, with TAP. The file is in a FUSE
 * mount of its own; further devices come from iommusim.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/fuse.h>
#include <linux/iommusim.h>

#include "share.h"

#define PAGE 4096
#define FILE_NODE 2
#define PATIENCE_MS 60000
#define GUARD "/sys/module/v3compat/parameters/dma_guard"

static const char *device;
static const char mount_point[] = "stalled";

static void die(const char *what)
{
	perror(what);
	exit(2);
}

/* A pipe says one thing, once. */
struct signal {
	int ends[2];
};

static struct signal new_signal(void)
{
	struct signal signal;

	if (pipe(signal.ends))
		die("pipe");
	return signal;
}

static void tell(const struct signal *signal)
{
	if (write(signal->ends[1], "", 1) != 1)
		die("write to a pipe");
}

/* Whether it was told, within the time. */
static bool hear(const struct signal *signal, int ms)
{
	struct pollfd poll_for = { .fd = signal->ends[0], .events = POLLIN };

	return poll(&poll_for, 1, ms) == 1;
}

/* The server */

static struct signal asked, answer;

static void reply(int fd, const struct fuse_in_header *in, int error, const void *data, size_t size)
{
	static char buffer[sizeof(struct fuse_out_header) + PAGE];
	struct fuse_out_header out = {
		.len = sizeof(out) + size, .error = error, .unique = in->unique,
	};

	memcpy(buffer, &out, sizeof(out));
	memcpy(buffer + sizeof(out), data, size);
	if (write(fd, buffer, out.len) != (ssize_t)out.len && errno != ENOENT)
		die("answer of the file server");
}

static struct fuse_attr attributes(uint64_t node)
{
	struct fuse_attr attr = { .ino = node, .nlink = 1, .blksize = PAGE };

	attr.mode = node == FILE_NODE ? S_IFREG | 0444 : S_IFDIR | 0755;
	attr.size = node == FILE_NODE ? PAGE : 0;
	return attr;
}

static void serve_one(int fd, const struct fuse_in_header *in)
{
	static const char page[PAGE];
	struct fuse_init_out init = {
		.major = FUSE_KERNEL_VERSION, .minor = FUSE_KERNEL_MINOR_VERSION, .max_write = PAGE,
	};
	struct fuse_entry_out entry = { .nodeid = FILE_NODE, .attr = attributes(FILE_NODE) };
	struct fuse_attr_out attr = { .attr = attributes(in->nodeid) };
	struct fuse_open_out open = { .fh = 1 };

	switch (in->opcode) {
	case FUSE_INIT:
		return reply(fd, in, 0, &init, sizeof(init));
	case FUSE_LOOKUP:
		return reply(fd, in, 0, &entry, sizeof(entry));
	case FUSE_GETATTR:
		return reply(fd, in, 0, &attr, sizeof(attr));
	case FUSE_OPEN:
		return reply(fd, in, 0, &open, sizeof(open));
	case FUSE_READ:
		tell(&asked);
		hear(&answer, -1);
		return reply(fd, in, 0, page, sizeof(page));
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		return;
	default:
		return reply(fd, in, -ENOSYS, NULL, 0);
	}
}

static pid_t start_server(void)
{
	static char request[FUSE_MIN_READ_BUFFER + PAGE];
	int fd = open("/dev/fuse", O_RDWR);
	char options[80];
	pid_t pid;

	if (fd < 0)
		die("/dev/fuse");
	mkdir(mount_point, 0755);
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
	if (mount("stall", mount_point, "fuse", 0, options))
		die("mount");
	pid = fork();
	if (pid) {
		close(fd);
		return pid;
	}
	while (read(fd, request, sizeof(request)) > 0)
		serve_one(fd, (struct fuse_in_header *)request);
	_exit(0);
}

/* The process whose memory it is */

static struct signal bound;

static int open_bound(void)
{
	int fd = open(device, O_RDWR);

	if (fd < 0)
		die(device);
	return ioctl(fd, SHARE_BIND) ? -1 : fd;
}

static pid_t start_victim(void)
{
	static char target[PAGE];
	struct share_move move = { .destination = (uintptr_t)target, .length = PAGE };
	char path[sizeof(mount_point) + 8];
	void *page;
	int file, fd;
	pid_t pid = fork();

	if (pid)
		return pid;
	fd = open_bound();
	if (fd < 0)
		_exit(errno);
	tell(&bound);
	snprintf(path, sizeof(path), "%s/file", mount_point);
	file = open(path, O_RDONLY);
	if (file < 0)
		die(path);
	page = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, file, 0);
	if (page == MAP_FAILED)
		die("mmap");
	/* Or the process would wait for the server in the close of the file. */
	close(file);
	move.source = (uintptr_t)page;
	ioctl(fd, SHARE_MOVE, &move);
	_exit(0);
}

/* What the rest of the machine does */

static int simulator;
static uint32_t simulated, plugged;

static const char *plug_in(void)
{
	struct iommusim_ioc_create create = { .size = sizeof(create), .max_pasids = 256 };
	struct iommusim_ioc_device_create plug = { .size = sizeof(plug) };

	simulator = open("/dev/iommusim", O_RDWR);
	if (simulator < 0 || ioctl(simulator, IOMMUSIM_IOC_CREATE, &create))
		return "no IOMMU";
	simulated = create.out_id;
	plug.sim_id = simulated;
	if (ioctl(simulator, IOMMUSIM_IOC_DEVICE_CREATE, &plug))
		return "no device";
	plugged = plug.out_id;
	return access("/dev/v3c-share1", F_OK) ? "no driver was bound" : NULL;
}

/* Untagged DMA and four PASIDs, on five domains. */
static const char *attach_elsewhere(void)
{
	static char transcript[65536];
	size_t size = 0;
	ssize_t got;
	int fd = open("/dev/v3c-pasid1", O_RDWR);

	if (fd < 0 || write(fd, "queues", 6) != 6)
		return "the scenario does not run";
	while ((got = read(fd, transcript + size, sizeof(transcript) - 1 - size)) > 0)
		size += got;
	close(fd);
	return strstr(transcript, "\nok ") || !strncmp(transcript, "ok ", 3) ? NULL : transcript;
}

static const char *write_guard(const char *policy)
{
	int fd = open(GUARD, O_WRONLY);
	bool good = fd >= 0 && write(fd, policy, strlen(policy)) == (ssize_t)strlen(policy);

	close(fd);
	return good ? NULL : "the write failed";
}

static const char *lock_up(void)
{
	return write_guard("all") ?: write_guard("external");
}

static const char *unplug(void)
{
	struct iommusim_ioc_destroy destroy = { .size = sizeof(destroy), .id = plugged };

	if (ioctl(simulator, IOMMUSIM_IOC_DESTROY, &destroy))
		return "the device stays";
	destroy.id = simulated;
	return ioctl(simulator, IOMMUSIM_IOC_DESTROY, &destroy) ? "the IOMMU stays" : NULL;
}

/* The device is the stalled one. */
static const char *open_and_close(void)
{
	int fd = open(device, O_RDWR);

	if (fd < 0)
		return "no open";
	close(fd);
	return NULL;
}

/* To be bound it has to wait, but not for ever. */
static const char *kill_another_client(void)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid)
		_exit(open_bound() < 0);
	usleep(200000);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return WIFSIGNALED(status) ? NULL : "it was bound";
}

static const struct {
	const char *what;
	const char *(*run)(void);
} tests[] = {
	{ "a device is plugged in and its driver bound", plug_in },
	{ "devices are attached elsewhere", attach_elsewhere },
	{ "the DMA guard is changed", lock_up },
	{ "a device is removed", unplug },
	{ "the stalled device is opened and closed", open_and_close },
	{ "a client that waits for the stalled device is killed", kill_another_client },
};

#define TESTS (sizeof(tests) / sizeof(tests[0]))

static struct signal done;

static pid_t start_others(void)
{
	const char *wrong;
	pid_t pid = fork();

	if (pid)
		return pid;
	for (unsigned int i = 0; i < TESTS; i++) {
		wrong = tests[i].run();
		printf("%sok %u - %s%s%s\n", wrong ? "not " : "", i + 1, tests[i].what,
		       wrong ? ": " : "", wrong ?: "");
		fflush(stdout);
		if (wrong)
			_exit(1);
	}
	tell(&done);
	_exit(0);
}

static int skip(const char *why)
{
	printf("1..0 # SKIP %s\n", why);
	return 0;
}

/* Whether a process gets as far as its close of the device, the last one there is. */
static bool is_closing(pid_t pid)
{
	char path[32], stack[4096];
	size_t size;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stack", pid);
	for (unsigned int i = 0; i < PATIENCE_MS / 100; i++) {
		file = fopen(path, "r");
		size = file ? fread(stack, 1, sizeof(stack) - 1, file) : 0;
		stack[size] = 0;
		if (file)
			fclose(file);
		if (strstr(stack, "share_release"))
			return true;
		usleep(100000);
	}
	fprintf(stderr, "the process is elsewhere:\n%s", stack);
	return false;
}

/* The server holds the victim, and the victim nobody else. */
static int run(pid_t victim)
{
	unsigned int failed = 0;
	pid_t others;
	int status;

	if (!hear(&asked, PATIENCE_MS)) {
		fprintf(stderr, "the device has not touched the page\n");
		return 2;
	}
	kill(victim, SIGKILL);
	if (!is_closing(victim)) {
		tell(&answer);
		return 2;
	}
	others = start_others();
	failed = !hear(&done, PATIENCE_MS);
	if (failed)
		printf("not ok - somebody waits for the file server\n");
	if (waitpid(victim, &status, WNOHANG)) {
		printf("not ok - the process did not wait for the file server: nothing was tested\n");
		failed = 1;
	}
	tell(&answer);
	waitpid(others, &status, 0);
	waitpid(victim, &status, 0);
	printf("%sok %zu - everything ends when the file server answers\n1..%zu\n",
	       failed ? "not " : "", TESTS + 1, TESTS + 1);
	printf("%zu passed, %u failed, 0 skipped\n", failed ? 0 : TESTS + 1, failed);
	return failed;
}

int main(int argc, char **argv)
{
	pid_t server, victim;
	int status;

	if (argc != 2) {
		fprintf(stderr, "usage: stall DEVICE\n");
		return 2;
	}
	device = argv[1];
	asked = new_signal();
	answer = new_signal();
	bound = new_signal();
	done = new_signal();
	server = start_server();
	victim = start_victim();
	/* The writing end goes with the process. */
	close(bound.ends[1]);
	if (!hear(&bound, PATIENCE_MS) || read(bound.ends[0], &status, 1) != 1) {
		waitpid(victim, &status, 0);
		status = WIFEXITED(status) && WEXITSTATUS(status) == EOPNOTSUPP ?
			 skip("this kernel lets no device into the address space of a process") : 2;
	} else {
		status = run(victim);
	}
	umount2(mount_point, MNT_DETACH);
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	return status;
}
