// SPDX-License-Identifier: GPL-2.0
/*
 * Two threads claim and free single pages in one space. Prints a line for each measurement:
 * place, record, threads, repetition, pairs, nanoseconds from the first start to the last end, and
 * nanoseconds that the threads ran meanwhile.
 *
 *	threads CPU0 CPU1 REPETITIONS PAIRS
 */
#include <sched.h>
#include <search.h>
#include <time.h>

#include "base/later.h"
#include "core/quick.h"
#include "table/gate.h"
#include "table/pins.h"

/* Nothing is given back. */
void v3c_queue_later(struct delayed_work *work, unsigned long delay)
{
}

/* Nor has a range a payload. */
void v3c_pins_clear(struct v3c_space *space, struct v3c_released *released)
{
}

#define READ_WRITE	(IOMMU_READ | IOMMU_WRITE)
#define MAX_PAGES	256
#define APART		(64ULL << 30 >> V3C_PAGE_SHIFT)
/* OTHERS: ranges that stay. */
#define OTHERS		1024
#define LAST		(BIT_ULL(48 - V3C_PAGE_SHIFT) - 1)

/* CELLS: as the module has them; ONE_LOCK: the same, and TREE: a red-black tree, under one lock. */
enum record { CELLS, ONE_LOCK, TREE, NR_RECORDS };

/* Faster records do so many times the pairs, because otherwise they would be done too soon. */
static const struct {
	const char *name;
	unsigned int times;
} records[NR_RECORDS] = {
	{ "cells", 8 }, { "cells, one lock", 4 }, { "tree, one lock", 1 },
};

/**
 * struct place - where pages are claimed
 * @name: in the result
 * @allocates: the space chooses
 * @alternates: the threads' pages take turns in one area; otherwise their areas are far apart
 * @pages: that a thread works on in turn, a power of two
 * @batch: so many of them are claimed before the first is freed
 */
struct place {
	const char *name;
	bool allocates;
	bool alternates;
	unsigned int pages;
	unsigned int batch;
};

static const struct place places[] = {
	{ "explicit apart", false, false, 256, 1 },
	{ "explicit altern.", false, true, 256, 1 },
	/* The cells of all are in one cache line. */
	{ "explicit, a line", false, true, 32, 1 },
	{ "allocator", true, false, 256, 1 },
	{ "allocator, 64", true, false, 256, 64 },
};

/* &struct worker is a thread's own, in cache lines that it shares with nobody. */
struct worker {
	pthread_t thread;
	unsigned int index;
	const struct place *place;
	enum record record;
	u64 pairs;
	u64 start;
	u64 end;
	u64 ran;
	u64 pages[MAX_PAGES];
} __aligned(128);

__thread unsigned int v3b_cpu;

static struct v3c_domain domain;
static struct v3c_hwpt hwpt;
static struct worker workers[V3B_CPUS];
static pthread_spinlock_t one_lock __aligned(128);
static void *tree __aligned(128);
static u64 others[OTHERS];
static unsigned int waiting __aligned(128);
static int cpus[V3B_CPUS];

static void die(const char *what)
{
	fprintf(stderr, "v3bench: threads: %s\n", what);
	exit(1);
}

static u64 read_clock(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return time.tv_sec * 1000000000ULL + time.tv_nsec;
}

/* map_generally() does what a map does that v3c_quick_map() refuses. */
static noinline u64 map_generally(u64 page)
{
	const struct v3c_traits like = {
		.kind = V3C_RANGE_LOGICAL, .prot = READ_WRITE, .contiguous = true,
	};
	struct v3c_space *space = &domain.space;
	struct v3c_head head;
	struct v3c_op op;
	int ret;

	if (v3c_gate_enter(space, &op))
		die("the space is closed");
	ret = page == V3C_ANYWHERE ?
	      v3c_space_alloc(space, 1, 0, LAST, like, GFP_KERNEL, &page, &head) :
	      v3c_space_claim(space, page, page, like, GFP_KERNEL, &head);
	if (ret)
		die("a page is in use that should be free");
	v3c_gate_look(space, &op, page, page);
	v3c_space_commit(space, page, READ_WRITE, &head);
	v3c_gate_end(space, &op);
	return page;
}

static int compare_pages(const void *a, const void *b)
{
	const u64 *one = a, *other = b;

	return (*one > *other) - (*one < *other);
}

static void map_in_tree(u64 *page)
{
	u64 **found = tsearch(page, &tree, compare_pages);

	if (!found || *found != page)
		die("a page of the tree is in use that should be free");
}

static void unmap_in_tree(u64 *page)
{
	if (!tdelete(page, &tree, compare_pages))
		die("a page is gone from the tree");
}

/* map() claims the page at @page, or sets that if @allocates. */
static __always_inline void map(u64 *page, bool allocates, enum record record)
{
	u64 address = *page << V3C_PAGE_SHIFT;

	if (record != CELLS)
		pthread_spin_lock(&one_lock);
	if (record == TREE)
		map_in_tree(page);
	else if (v3c_quick_map(&domain, allocates, V3C_RANGE_LOGICAL, READ_WRITE, 0, V3C_QUICK_PAGE,
			       &address))
		*page = address >> V3C_PAGE_SHIFT;
	else
		*page = map_generally(allocates ? V3C_ANYWHERE : *page);
	if (record != CELLS)
		pthread_spin_unlock(&one_lock);
}

static __always_inline void unmap(u64 *page, bool allocates, enum record record)
{
	if (record != CELLS)
		pthread_spin_lock(&one_lock);
	if (record == TREE)
		unmap_in_tree(page);
	else if (!v3c_quick_unmap(&domain, allocates, V3C_RANGE_LOGICAL, *page << V3C_PAGE_SHIFT,
				  V3C_QUICK_PAGE))
		die("a page is gone");
	if (record != CELLS)
		pthread_spin_unlock(&one_lock);
}

static __always_inline void work(struct worker *worker, bool allocates, enum record record)
{
	unsigned int batch = worker->place->batch, at = 0, i;
	u64 pairs;

	for (pairs = 0; pairs < worker->pairs; pairs += batch) {
		for (i = 0; i < batch; i++)
			map(&worker->pages[at + i], allocates, record);
		for (i = 0; i < batch; i++)
			unmap(&worker->pages[at + i], allocates, record);
		at = (at + batch) & (worker->place->pages - 1);
	}
}

static void wait_for_others(void)
{
	__atomic_sub_fetch(&waiting, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&waiting, __ATOMIC_SEQ_CST))
		cpu_relax();
}

static void *run_worker(void *data)
{
	struct worker *worker = data;

	v3b_cpu = worker->index;
	wait_for_others();
	worker->ran = read_clock(CLOCK_THREAD_CPUTIME_ID);
	worker->start = read_clock(CLOCK_MONOTONIC);
	switch (worker->record * 2 + worker->place->allocates) {
	case CELLS * 2:
		work(worker, false, CELLS);
		break;
	case CELLS * 2 + 1:
		work(worker, true, CELLS);
		break;
	case ONE_LOCK * 2:
		work(worker, false, ONE_LOCK);
		break;
	case ONE_LOCK * 2 + 1:
		work(worker, true, ONE_LOCK);
		break;
	case TREE * 2:
		work(worker, false, TREE);
		break;
	default:
		die("a tree does not choose addresses");
	}
	worker->end = read_clock(CLOCK_MONOTONIC);
	worker->ran = read_clock(CLOCK_THREAD_CPUTIME_ID) - worker->ran;
	return NULL;
}

static void start_worker(struct worker *worker)
{
	pthread_attr_t attributes;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpus[worker->index], &set);
	if (pthread_attr_init(&attributes) ||
	    pthread_attr_setaffinity_np(&attributes, sizeof(set), &set) ||
	    pthread_create(&worker->thread, &attributes, run_worker, worker))
		die("cannot start a thread there");
	pthread_attr_destroy(&attributes);
}

static u64 page_of(const struct place *place, unsigned int worker, unsigned int i)
{
	/* Behind the others, and from the start of a leaf on. */
	u64 page = 2 * APART;

	return place->alternates ? page + V3B_CPUS * i + worker : page + worker * APART + i;
}

/* The nodes of explicit pages are there from the start, because they come with the first map. */
static void prepare_pages(const struct place *place, enum record record)
{
	unsigned int index, i;
	u64 *page;

	for (index = 0; index < V3B_CPUS; index++) {
		for (i = 0; !place->allocates && i < place->pages; i++) {
			page = &workers[index].pages[i];
			*page = page_of(place, index, i);
			map(page, false, record);
			unmap(page, false, record);
		}
	}
}

static void open_space(const struct place *place, enum record record)
{
	unsigned int i;

	if (v3c_space_reset(&domain.space, place->allocates, LAST, 0))
		die("out of memory");
	v3c_gate_open(&domain.space);
	domain.sole = &hwpt;
	domain.sole_explicit = place->allocates ? NULL : &hwpt;
	domain.sole_allocates = place->allocates ? &hwpt : NULL;
	for (i = 0; i < OTHERS; i++) {
		others[i] = i + 1;
		map(&others[i], place->allocates, record);
	}
	prepare_pages(place, record);
}

/* close_space() finds the other ranges, and nothing else. */
static void close_space(const struct place *place, enum record record)
{
	struct v3c_released released = {};
	struct v3c_view views[64];
	unsigned int count = 0, i;
	u64 cursor = 0;

	while (cursor != U64_MAX)
		count += v3c_space_list(&domain.space, &cursor, views, 64);
	if (count != (record == TREE ? 0 : OTHERS))
		die("a page is left, or lost");
	for (i = 0; i < OTHERS; i++)
		unmap(&others[i], place->allocates, record);
	if (tree)
		die("a page is left in the tree");
	v3c_gate_close(&domain.space);
	v3c_space_clear(&domain.space, &released);
}

static void measure(const struct place *place, enum record record, unsigned int threads,
		    u64 pairs, unsigned int repetition)
{
	u64 start = U64_MAX, end = 0, ran = 0;
	unsigned int i;

	__atomic_store_n(&waiting, threads, __ATOMIC_SEQ_CST);
	for (i = 0; i < threads; i++) {
		workers[i].index = i;
		workers[i].place = place;
		workers[i].record = record;
		workers[i].pairs = pairs;
		start_worker(&workers[i]);
	}
	for (i = 0; i < threads; i++) {
		pthread_join(workers[i].thread, NULL);
		start = min(start, workers[i].start);
		end = max(end, workers[i].end);
		ran += workers[i].ran;
	}
	printf("%s\t%s\t%u\t%u\t%llu\t%llu\t%llu\n", place->name, records[record].name, threads,
	       repetition, threads * pairs, end - start, ran);
}

static void measure_all(u64 pairs, unsigned int repetition)
{
	const struct place *place;
	enum record record;
	unsigned int threads;

	for (place = places; place < places + sizeof(places) / sizeof(*places); place++) {
		for (record = CELLS; record < NR_RECORDS; record++) {
			if (record == TREE && place->allocates)
				continue;
			open_space(place, record);
			for (threads = 1; threads <= V3B_CPUS; threads++)
				measure(place, record, threads, pairs * records[record].times,
					repetition);
			close_space(place, record);
		}
	}
}

int main(int argc, char **argv)
{
	unsigned int repetitions, i;
	u64 pairs;

	if (argc != 5)
		die("wants two processors, repetitions and pairs");
	cpus[0] = atoi(argv[1]);
	cpus[1] = atoi(argv[2]);
	repetitions = atoi(argv[3]);
	pairs = round_up(strtoull(argv[4], NULL, 0), MAX_PAGES);
	pthread_spin_init(&one_lock, PTHREAD_PROCESS_PRIVATE);
	v3c_space_init_once(&domain.space);
	for (i = 0; i < repetitions; i++)
		measure_all(pairs, i);
	return 0;
}
