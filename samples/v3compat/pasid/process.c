// SPDX-License-Identifier: GPL-2.0
/*
 * A process that lets a device work in its own memory: ordinary variables, at their ordinary
 * addresses, neither mapped nor locked for the device.
 *
 * process DEVICE: shows it on DEVICE (/dev/v3c-share0, see share.h), with a transcript as the
 * scenarios have it, and TAP.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "share.h"

#define PAGE 4096
#define PAGES 3
#define SIZE (PAGES * PAGE)

static const char *device;
static unsigned int steps;
static bool bad;

static unsigned char in_data[SIZE + 100];

static void heading(const char *name, const char *summary)
{
	steps = 0;
	bad = false;
	printf("#\n# %s: %s\n", name, summary);
	printf("# %4s %-38s %-18s %-18s %9s  %s\n",
	       "step", "what", "from", "to", "bytes", "verdict");
}

static void pointer(const void *address)
{
	if (address)
		printf(" 0x%016llx", (unsigned long long)(uintptr_t)address);
	else
		printf(" %18s", "");
}

static bool step(const char *what, const void *from, const void *to, size_t bytes, bool good,
		 const char *verdict, ...)
{
	va_list args;

	printf("# %4u %-38s", ++steps, what);
	pointer(from);
	pointer(to);
	if (bytes)
		printf(" %9zu  ", bytes);
	else
		printf(" %9s  ", "");
	printf(good ? "ok: " : "NOT OK: ");
	va_start(args, verdict);
	vprintf(verdict, args);
	va_end(args);
	printf("\n");
	if (!good)
		bad = true;
	return good;
}

static void fill(unsigned char *data, size_t size, unsigned int seed)
{
	for (size_t i = 0; i < size; i++) {
		seed = seed * 1664525u + 1013904223u;
		data[i] = seed >> 24;
	}
}

static bool is_filled(const unsigned char *data, size_t size, unsigned char value)
{
	for (size_t i = 0; i < size; i++)
		if (data[i] != value)
			return false;
	return true;
}

/* Whether the page at @address is in memory now; unlike a look, asking does not bring it there. */
static bool is_present(const void *address)
{
	uint64_t entry = 0;
	int fd = open("/proc/self/pagemap", O_RDONLY);

	if (fd < 0)
		return false;
	if (pread(fd, &entry, sizeof(entry), (uintptr_t)address / PAGE * sizeof(entry)) !=
	    sizeof(entry))
		entry = 0;
	close(fd);
	return entry >> 63;
}

static void *pages(int prot)
{
	void *memory = mmap(NULL, SIZE, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	/* Of a huge page, the neighbours would come along. */
	madvise(memory, SIZE, MADV_NOHUGEPAGE);
	return memory;
}

/* The device moves data; returns 0 and fills @move, or shows why it could not even try. */
static int move(int fd, struct share_move *move, const void *from, void *to, size_t size)
{
	*move = (struct share_move) {
		.source = (uintptr_t)from,
		.destination = (uintptr_t)to,
		.length = size,
	};
	if (!ioctl(fd, SHARE_MOVE, move))
		return 0;
	step("device moves data", from, to, size, false, "%s", strerror(errno));
	return -1;
}

static void expect_moved(int fd, const char *what, const void *from, void *to, size_t size)
{
	struct share_move done;

	if (move(fd, &done, from, to, size))
		return;
	if (done.out_refused)
		step(what, from, to, size, false, "refused at 0x%llx",
		     (unsigned long long)done.out_fault);
	else if (memcmp(from, to, size))
		step(what, from, to, size, false, "data differs");
	else
		step(what, from, to, size, true, "data is equal, PASID %u", done.out_pasid);
}

/* @wrong is where it has to stop. */
static void expect_refused(int fd, const char *what, const void *from, void *to, const void *wrong)
{
	struct share_move done;

	if (move(fd, &done, from, to, PAGE))
		return;
	if (!done.out_refused)
		step(what, from, to, PAGE, false, "not refused");
	else
		step(what, from, to, PAGE, done.out_fault == (uintptr_t)wrong,
		     "refused at 0x%llx", (unsigned long long)done.out_fault);
}

/* Static data, heap and stack, at addresses as they come. */
static void own_memory(int fd)
{
	unsigned char on_stack[SIZE], *on_heap = malloc(SIZE + 1);

	heading("process-memory", "a device works in the memory of a process, at its addresses");
	if (!step("allocate memory", NULL, NULL, SIZE, on_heap, "on the heap"))
		return;
	fill(in_data, sizeof(in_data), 1);
	memset(on_stack, 0, sizeof(on_stack));
	expect_moved(fd, "static data to heap", in_data + 77, on_heap + 1, SIZE);
	expect_moved(fd, "heap to stack", on_heap + 1, on_stack, SIZE);
	expect_moved(fd, "program code to stack", (const void *)(uintptr_t)own_memory, on_stack,
		     64);
	free(on_heap);
}

/* The kernel brings the page when the device asks for it, as it does for the processor. */
static void fresh_pages(int fd)
{
	unsigned char *fresh = pages(PROT_READ | PROT_WRITE), *zero = pages(PROT_READ | PROT_WRITE);

	heading("process-fault", "the device touches pages before the process does");
	step("is the page in memory?", NULL, fresh + PAGE, PAGE, !is_present(fresh + PAGE),
	     is_present(fresh + PAGE) ? "yes" : "no");
	fill(in_data, sizeof(in_data), 2);
	expect_moved(fd, "static data to untouched pages", in_data, fresh, SIZE);
	step("is the page in memory?", NULL, fresh + PAGE, PAGE, is_present(fresh + PAGE),
	     is_present(fresh + PAGE) ? "yes" : "no");
	expect_moved(fd, "untouched pages to static data", zero, in_data, SIZE);
	step("untouched memory", zero, NULL, SIZE, is_filled(in_data, SIZE, 0), "reads as zeroes");
	munmap(zero, SIZE);
	munmap(fresh, SIZE);
}

/* The device may do what the process may, and nothing else. */
static void bad_addresses(int fd)
{
	unsigned char *gone = pages(PROT_READ | PROT_WRITE), *secret = pages(PROT_NONE);
	unsigned char *target = pages(PROT_READ | PROT_WRITE);
	unsigned char *kernel = (unsigned char *)0xffff888000001000ULL;
	unsigned char *constant = pages(PROT_READ | PROT_WRITE);

	heading("process-refused", "what the process may not touch, the device may not either");
	fill(in_data, sizeof(in_data), 3);
	memset(target, 0, SIZE);
	memset(gone, 1, SIZE);
	munmap(gone, SIZE);
	memset(constant, 1, SIZE);
	mprotect(constant, SIZE, PROT_READ);
	expect_refused(fd, "from memory that was given back", gone, target, gone);
	expect_refused(fd, "to memory that was given back", in_data, gone, gone);
	expect_refused(fd, "from memory without permission", secret, target, secret);
	expect_refused(fd, "from memory of the kernel", kernel, target, kernel);
	expect_refused(fd, "to memory for reading only", in_data, constant, constant);
	step("target of the first three reads", NULL, target, SIZE, is_filled(target, SIZE, 0),
	     "nothing arrived");
	step("memory for reading only", NULL, constant, SIZE, is_filled(constant, SIZE, 1),
	     "unchanged");
	munmap(constant, SIZE);
	munmap(target, SIZE);
	munmap(secret, SIZE);
}

/* The device, let into the memory of this process; or -1, with errno. */
static int open_bound(void)
{
	int fd = open(device, O_RDWR), err;

	if (fd < 0 || !ioctl(fd, SHARE_BIND))
		return fd;
	err = errno;
	close(fd);
	errno = err;
	return -1;
}

/* In the child: 0 when the device sees what the child sees. It exits while bound. */
static int child_sees_own(void)
{
	static unsigned char copy[SIZE];
	struct share_move done = {
		.source = (uintptr_t)in_data,
		.destination = (uintptr_t)copy,
		.length = SIZE,
	};
	int fd = open_bound();

	fill(in_data, sizeof(in_data), 5);
	if (fd < 0 || ioctl(fd, SHARE_MOVE, &done) || done.out_refused)
		return 1;
	return memcmp(in_data, copy, SIZE) ? 2 : 0;
}

/* One virtual address, two processes: the PASID says whose. */
static void two_processes(int fd)
{
	struct share_move foreign = {
		.source = (uintptr_t)in_data,
		.destination = (uintptr_t)in_data,
		.length = 1,
	};
	unsigned char *copy = pages(PROT_READ | PROT_WRITE);
	int status = -1, err;
	pid_t child;

	heading("process-two", "two processes, one address, each has its own memory there");
	fill(in_data, sizeof(in_data), 4);
	fflush(stdout);
	child = fork();
	if (!child) {
		/* A file of the parent's is no way into its memory. */
		err = ioctl(fd, SHARE_MOVE, &foreign) ? errno : 0;
		_exit(err == EPERM ? child_sees_own() : 3);
	}
	if (!step("another process", NULL, NULL, 0, child > 0, "started"))
		return;
	waitpid(child, &status, 0);
	step("device in the other process", in_data, NULL, SIZE,
	     WIFEXITED(status) && !WEXITSTATUS(status), "%s",
	     WIFEXITED(status) && !WEXITSTATUS(status) ? "data is equal; exited while sharing" :
							 "failed");
	expect_moved(fd, "device in this process", in_data, copy, SIZE);
	munmap(copy, SIZE);
}

static const struct {
	const char *name;
	void (*run)(int fd);
} tests[] = {
	{ "process-memory", own_memory },
	{ "process-fault", fresh_pages },
	{ "process-refused", bad_addresses },
	{ "process-two", two_processes },
};

#define TESTS (sizeof(tests) / sizeof(tests[0]))

static int skip_all(const char *why)
{
	for (unsigned int i = 0; i < TESTS; i++)
		printf("ok %u - %s # SKIP %s\n", i + 1, tests[i].name, why);
	printf("1..%zu\n0 passed, 0 failed, %zu skipped\n", TESTS, TESTS);
	return 0;
}

int main(int argc, char **argv)
{
	unsigned int failed = 0;
	int fd;

	if (argc != 2) {
		fprintf(stderr, "usage: process DEVICE\n");
		return 2;
	}
	device = argv[1];
	fd = open_bound();
	if (fd < 0 && errno == EOPNOTSUPP)
		return skip_all("this kernel lets no device into the address space of a process");
	if (fd < 0) {
		perror(device);
		return 2;
	}
	for (unsigned int i = 0; i < TESTS; i++) {
		tests[i].run(fd);
		failed += bad;
		printf("%sok %u - %s\n", bad ? "not " : "", i + 1, tests[i].name);
	}
	close(fd);
	printf("1..%zu\n%zu passed, %u failed, 0 skipped\n", TESTS, TESTS - failed, failed);
	return failed ? 1 : 0;
}
