// SPDX-License-Identifier: GPL-2.0
/*
 * Which blocks of the module were reached, by KCOV. The kernel has it where the module alone is
 * compiled for it, so that every address is one of the module's.
 */
#include "fuzz.h"

#include <linux/types.h>

#define KCOV		"/sys/kernel/debug/kcov"
#define KCOV_INIT_TRACE	_IOR('c', 1, unsigned long)
#define KCOV_ENABLE	_IO('c', 100)
#define KCOV_TRACE_PC	0
#define RECORDS		(64UL << 10)	/* of one operation */
#define BLOCKS		(64UL << 10)	/* of the module, at most */
#define SECTIONS	"/sys/module/v3compat/sections/"

/* struct blocks: a hash table of addresses that only grows. */
struct blocks {
	uint64_t at[BLOCKS];
	unsigned int count;
};

static struct blocks *blocks;
static __thread uint64_t *records;

void prepare_cover(void)
{
	if (!access(KCOV, W_OK))
		blocks = map_memory(sizeof(*blocks), MAP_SHARED | MAP_ANONYMOUS, -1);
}

void start_cover(void)
{
	int fd;

	if (!blocks)
		return;
	fd = open(KCOV, O_RDWR | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, KCOV_INIT_TRACE, RECORDS)) {
		fail("KCOV cannot be used: %s", strerror(errno));
		return;
	}
	records = mmap(NULL, RECORDS * sizeof(*records), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (records == MAP_FAILED || ioctl(fd, KCOV_ENABLE, KCOV_TRACE_PC)) {
		fail("KCOV cannot be enabled: %s", strerror(errno));
		records = NULL;
	}
	/* The mapping and the thread keep it. */
	close(fd);
}

void forget_cover(void)
{
	records = NULL;
}

static bool add_block(uint64_t address)
{
	unsigned long i = mix(address, 0) >> 48;
	uint64_t none;

	for (;; i++) {
		none = 0;
		if (__atomic_load_n(&blocks->at[i % BLOCKS], __ATOMIC_RELAXED) == address)
			return false;
		if (__atomic_compare_exchange_n(&blocks->at[i % BLOCKS], &none, address, false,
						__ATOMIC_RELAXED, __ATOMIC_RELAXED))
			break;
		if (none == address)
			return false;
	}
	__atomic_fetch_add(&blocks->count, 1, __ATOMIC_RELAXED);
	return true;
}

unsigned int collect_cover(void)
{
	unsigned long i, count;
	unsigned int found = 0;

	if (!records)
		return 0;
	count = __atomic_exchange_n(&records[0], 0, __ATOMIC_RELAXED);
	for (i = 1; i <= count && i < RECORDS; i++)
		if (count_cover() < BLOCKS / 2)
			found += add_block(records[i]);
	return found;
}

unsigned int count_cover(void)
{
	return blocks ? __atomic_load_n(&blocks->count, __ATOMIC_RELAXED) : 0;
}

static uint64_t section_start(const char *name)
{
	uint64_t start = 0;
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), SECTIONS "%s", name);
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (fscanf(file, "%lx", &start) != 1)
		start = 0;
	fclose(file);
	return start;
}

/* print_cover() prints offsets in the module's code, for the script that knows what is there. */
void print_cover(void)
{
	uint64_t text = section_start(".text"), unlikely = section_start(".text.unlikely");
	unsigned int i, on_line = 0;

	if (!blocks) {
		printf("# no coverage: the kernel has no KCOV\n");
		return;
	}
	printf("# cover .text %#lx .text.unlikely %#lx", text, unlikely);
	for (i = 0; i < BLOCKS; i++) {
		if (!blocks->at[i])
			continue;
		printf("%s%lx", on_line++ % 16 ? " " : "\n# cover ", blocks->at[i]);
	}
	printf("\n");
}
