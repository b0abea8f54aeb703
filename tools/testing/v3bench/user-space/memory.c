// SPDX-License-Identifier: GPL-2.0
/*
 * The memory that is mapped, and how much memory is in use.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/memfd.h>

#include "bench.h"

#define TRIES		16

static char *map_memory(uint64_t length, int fd)
{
	int flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
	char *start = mmap(NULL, length, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (start == MAP_FAILED)
		err(1, "mmap of %llu bytes", (unsigned long long)length);
	return start;
}

/* aligned_memory() wastes addresses of up to 2 MiB on each side, and no memory. */
static char *aligned_memory(uint64_t length)
{
	char *start = map_memory(length + LARGE, -1);

	return (char *)(((uintptr_t)start + LARGE - 1) & ~(LARGE - 1));
}

static struct piece piece_of(char *start, uint64_t length, int fd)
{
	return (struct piece) { .start = start, .length = length, .fd = fd };
}

/*
 * touch_apart() touches every second unit first, because neighbours that are touched one after the
 * other are often neighbours in memory, too.
 */
static void touch_apart(char *start, uint64_t length, uint64_t unit)
{
	uint64_t at, half;

	for (half = 0; half < 2; half++)
		for (at = half * unit; at < length; at += 2 * unit)
			__atomic_store_n(start + at, 1, __ATOMIC_RELAXED);
}

/* make_scattered() makes memory of pages of which no two are adjacent. */
struct piece make_scattered(uint64_t length)
{
	struct piece piece;
	unsigned int i;

	/* What is given up stays, so that the next try gets other pages. */
	for (i = 0; i < TRIES; i++) {
		piece = piece_of(map_memory(length, -1), length, -1);
		madvise(piece.start, length, MADV_NOHUGEPAGE);
		touch_apart(piece.start, length, PAGE);
		if (count_runs(&piece) == length / PAGE)
			return piece;
	}
	errx(1, "no scattered memory of %llu bytes", (unsigned long long)length);
}

/* make_huge() makes memory of transparent huge pages, or of a part of one. */
struct piece make_huge(uint64_t length)
{
	uint64_t whole = length < LARGE ? LARGE : length;
	struct piece piece = piece_of(aligned_memory(whole), whole, -1);

	if (madvise(piece.start, whole, MADV_HUGEPAGE))
		err(1, "MADV_HUGEPAGE");
	touch_apart(piece.start, whole, LARGE);
	if (count_runs(&piece) > whole / LARGE)
		errx(1, "no transparent huge pages");
	piece.length = length;
	return piece;
}

static struct piece make_file(uint64_t length, unsigned int flags, uint64_t unit)
{
	int fd = memfd_create("v3bench", MFD_CLOEXEC | flags);
	struct piece piece;

	if (fd < 0 || ftruncate(fd, length))
		err(1, "memfd_create");
	piece = piece_of(map_memory(length, fd), length, fd);
	touch_apart(piece.start, length, unit);
	return piece;
}

struct piece make_hugetlb(uint64_t length)
{
	return make_file(length, MFD_HUGETLB | MFD_HUGE_2MB, LARGE);
}

struct piece make_memfd(uint64_t length)
{
	return make_file(length, 0, PAGE);
}

void free_piece(struct piece *piece)
{
	munmap(piece->start, piece->length);
	if (piece->fd >= 0)
		close(piece->fd);
}

/* frame_of() is the page frame at @address. */
uint64_t frame_of(const void *address)
{
	static int pagemap = -1;
	uint64_t entry;

	if (pagemap < 0)
		pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	if (pread(pagemap, &entry, sizeof(entry), (uintptr_t)address / PAGE * sizeof(entry)) !=
	    sizeof(entry) || !(entry >> 63))
		err(1, "pagemap");
	return entry & ((1ULL << 55) - 1);
}

unsigned int count_runs(const struct piece *piece)
{
	uint64_t at, frame, last = 0;
	unsigned int runs = 0;

	for (at = 0; at < piece->length; at += PAGE) {
		frame = frame_of(piece->start + at);
		runs += !at || frame != last + 1;
		last = frame;
	}
	return runs;
}

struct memory_use memory_in_use(void)
{
	struct memory_use use = {};
	FILE *file = fopen("/proc/vmstat", "re");
	long long value;
	char name[64];

	if (!file)
		err(1, "/proc/vmstat");
	while (fscanf(file, "%63s %lld", name, &value) == 2) {
		if (!strcmp(name, "nr_free_pages"))
			use.total -= value * (int64_t)PAGE;
		else if (!strcmp(name, "nr_iommu_pages"))
			use.tables += value * (int64_t)PAGE;
		else if (!strncmp(name, "nr_slab_", 8))
			use.slab += value * (int64_t)PAGE;
	}
	fclose(file);
	return use;
}
