// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "program.h"

struct verdict *verdict;
unsigned int passed, failed;
__thread uint64_t random_state;

void *map_memory(size_t size, int flags, int fd)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (at == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	return at;
}

void start_judging(void)
{
	verdict = map_memory(sizeof(*verdict), MAP_SHARED | MAP_ANONYMOUS, -1);
}

void fail(const char *format, ...)
{
	va_list args;

	if (__atomic_fetch_add(&verdict->failed, 1, __ATOMIC_SEQ_CST))
		return;
	va_start(args, format);
	vsnprintf(verdict->why, sizeof(verdict->why), format, args);
	va_end(args);
}

uint64_t physical_address(const void *page)
{
	uint64_t value = 0;
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return 0;
	if (pread(fd, &value, sizeof(value), (uintptr_t)page / PAGE * sizeof(value)) !=
	    sizeof(value))
		value = 0;
	close(fd);
	return value >> 63 ? (value & ((1ULL << 55) - 1)) * PAGE : 0;
}

void count_call(struct tally *tally, unsigned int err)
{
	__atomic_fetch_add(&tally->calls, 1, __ATOMIC_RELAXED);
	if (!err)
		__atomic_fetch_add(&tally->successes, 1, __ATOMIC_RELAXED);
	else if (err < ERRNOS)
		__atomic_fetch_add(&tally->errnos[err], 1, __ATOMIC_RELAXED);
}

void print_tally(const char *name, const struct tally *tally)
{
	unsigned int err;

	printf("# %-16s %8u %9u ", name, tally->calls, tally->successes);
	for (err = 0; err < ERRNOS; err++)
		if (tally->errnos[err])
			printf(" %s:%u", strerrorname_np(err), tally->errnos[err]);
	printf("\n");
}

void judge(int good, const char *format, ...)
{
	va_list args;

	good = !!good;
	passed += good;
	failed += !good;
	printf("%sok %u - ", good ? "" : "not ", passed + failed);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
}

unsigned int count_left(void)
{
	DIR *dir = opendir("/sys/bus/platform/devices");
	struct dirent *dirent;
	unsigned int left = 0;

	while (dir && (dirent = readdir(dir)))
		left += !strncmp(dirent->d_name, "iommusim", 8);
	if (dir)
		closedir(dir);
	return left;
}
