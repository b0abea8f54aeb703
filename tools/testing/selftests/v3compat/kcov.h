/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which blocks of the module a program reaches, by KCOV. The module alone is compiled for it, so
 * that every address is one of the module's.
 */
#ifndef V3COMPAT_SELFTEST_KCOV_H
#define V3COMPAT_SELFTEST_KCOV_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/ioctl.h>

#define KCOV_FILE	"/sys/kernel/debug/kcov"
#define KCOV_INIT_TRACE	_IOR('c', 1, unsigned long)
#define KCOV_ENABLE	_IO('c', 100)
#define KCOV_TRACE_PC	0
#define KCOV_RECORDS	(64UL << 10)	/* of one kcov_collect() to the next */
#define KCOV_BLOCKS	(64UL << 10)	/* of the module, at most */
#define KCOV_SECTIONS	"/sys/module/v3compat/sections/"

/* struct kcov_blocks: a hash table of addresses that only grows. All processes share it. */
struct kcov_blocks {
	uint64_t at[KCOV_BLOCKS];
	unsigned int count;
};

static struct kcov_blocks *kcov_blocks;
static __thread uint64_t *kcov_records;

/* kcov_prepare() comes before the first process. Where there is no KCOV, the others do nothing. */
static inline void kcov_prepare(void)
{
	void *blocks;

	if (access(KCOV_FILE, W_OK))
		return;
	blocks = mmap(NULL, sizeof(*kcov_blocks), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (blocks != MAP_FAILED)
		kcov_blocks = blocks;
}

/* kcov_start() begins for the calling thread. Returns 0 or an errno, negative. */
static inline int kcov_start(void)
{
	void *records;
	int fd, ret = 0;

	if (!kcov_blocks)
		return 0;
	fd = open(KCOV_FILE, O_RDWR | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, KCOV_INIT_TRACE, KCOV_RECORDS))
		return -errno;
	records = mmap(NULL, KCOV_RECORDS * sizeof(*kcov_records), PROT_READ | PROT_WRITE,
		       MAP_SHARED, fd, 0);
	if (records == MAP_FAILED || ioctl(fd, KCOV_ENABLE, KCOV_TRACE_PC))
		ret = -errno;
	else
		kcov_records = records;
	/* The mapping and the thread keep it. */
	close(fd);
	return ret;
}

/* kcov_forget() is for a child, whose parent the records are. */
static inline void kcov_forget(void)
{
	kcov_records = NULL;
}

/* kcov_discard() has what the thread has reached since kcov_collect() count for nothing. */
static inline void kcov_discard(void)
{
	if (kcov_records)
		__atomic_store_n(&kcov_records[0], 0, __ATOMIC_RELAXED);
}

static inline bool kcov_add(uint64_t address)
{
	unsigned long i = (address * 0x9e3779b97f4a7c15ULL) >> 48;
	uint64_t none;

	for (;; i++) {
		none = 0;
		if (__atomic_load_n(&kcov_blocks->at[i % KCOV_BLOCKS], __ATOMIC_RELAXED) == address)
			return false;
		if (__atomic_compare_exchange_n(&kcov_blocks->at[i % KCOV_BLOCKS], &none, address,
						false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
			break;
		if (none == address)
			return false;
	}
	__atomic_fetch_add(&kcov_blocks->count, 1, __ATOMIC_RELAXED);
	return true;
}

static inline unsigned int kcov_count(void)
{
	return kcov_blocks ? __atomic_load_n(&kcov_blocks->count, __ATOMIC_RELAXED) : 0;
}

/* kcov_collect() returns how many blocks the thread has reached that nobody had before. */
static inline unsigned int kcov_collect(void)
{
	unsigned long i, count;
	unsigned int found = 0;

	if (!kcov_records)
		return 0;
	count = __atomic_exchange_n(&kcov_records[0], 0, __ATOMIC_RELAXED);
	for (i = 1; i <= count && i < KCOV_RECORDS; i++)
		if (kcov_count() < KCOV_BLOCKS / 2)
			found += kcov_add(kcov_records[i]);
	return found;
}

static inline uint64_t kcov_section(const char *name)
{
	uint64_t start = 0;
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), KCOV_SECTIONS "%s", name);
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (fscanf(file, "%lx", &start) != 1)
		start = 0;
	fclose(file);
	return start;
}

/* kcov_print() prints addresses for scripts/blocks.py, which knows what is there. */
static inline void kcov_print(void)
{
	unsigned int i, on_line = 0;

	if (!kcov_blocks)
		return;
	printf("# cover .text %#lx .text.unlikely %#lx", kcov_section(".text"),
	       kcov_section(".text.unlikely"));
	for (i = 0; i < KCOV_BLOCKS; i++)
		if (kcov_blocks->at[i])
			printf("%s%lx", on_line++ % 16 ? " " : "\n# cover ", kcov_blocks->at[i]);
	printf("\n");
}

#endif
