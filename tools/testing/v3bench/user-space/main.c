// SPDX-License-Identifier: GPL-2.0
/*
 * What mapping costs programs: /dev/v3compat beside iommufd and VFIO type1, see README.md above.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"

#define WARM_UPS	16

/*
 * Where pairs map, each shape at addresses of its own, and what stays mapped meanwhile, where the
 * program chooses.
 */
#define PAIR_BASE	(16ULL << 30)
#define SHAPE_SPAN	(1ULL << 30)
#define LIVE_BASE	(64ULL << 30)

/* Every live mapping is of one of these pages, in turn. */
#define LIVE_PAGES	512

struct shape {
	const char *name;
	struct piece (*make)(uint64_t length);
	uint64_t length;
	unsigned int samples;
	unsigned int place;
};

static const struct shape shapes[] = {
	{ "4K", make_scattered, PAGE, 512, 0 },
	{ "64K-runs", make_scattered, 16 * PAGE, 128, 1 },
	{ "2M-runs", make_scattered, LARGE, 16, 2 },
	{ "64K-huge", make_huge, 16 * PAGE, 128, 3 },
	{ "2M-huge", make_huge, LARGE, 64, 4 },
	{ "32M-huge", make_huge, 16 * LARGE, 16, 5 },
	{ "2M-memfd", make_memfd, LARGE, 16, 6 },
	{ "2M-hugetlb", make_hugetlb, LARGE, 64, 7 },
	{ "32M-hugetlb", make_hugetlb, 16 * LARGE, 16, 8 },
};

static struct side * const all_sides[] = {
	&type1_side, &iommufd_side, &allocator_side, &explicit_side,
};

/* sides: those that the kernel has. */
static struct side *sides[ARRAY_SIZE(all_sides)];
static unsigned int nr_sides;

/* struct pair: what is measured at a time. */
struct pair {
	struct side *side;
	struct piece pieces[MAX_BATCH];
	unsigned int count;
	struct samples map;
	struct samples unmap;
	struct samples both;
};

static struct pair pair;

void take_sample(struct samples *samples, uint64_t value)
{
	if (samples->count == ARRAY_SIZE(samples->value))
		errx(1, "too many samples");
	samples->value[samples->count++] = value - clock_read_cost;
}

static int compare(const void *one, const void *other)
{
	uint64_t a = *(const uint64_t *)one, b = *(const uint64_t *)other;

	return (a > b) - (a < b);
}

static uint64_t median(struct samples *samples)
{
	qsort(samples->value, samples->count, sizeof(*samples->value), compare);
	return samples->value[samples->count / 2];
}

static uint64_t mean(const struct samples *samples)
{
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < samples->count; i++)
		sum += samples->value[i];
	return sum / samples->count;
}

static void print_samples(struct samples *samples)
{
	uint64_t middle = median(samples);

	printf("\t%llu\t%llu\t%llu\t%llu", (unsigned long long)samples->value[0],
	       (unsigned long long)middle, (unsigned long long)mean(samples),
	       (unsigned long long)samples->value[samples->count - 1]);
}

void print_call(const char *what, const char *op, const char *side, unsigned int units,
		struct samples *samples)
{
	printf("@v3bench\tuser\tcall\tuser\t%s\t%s\t%s\t0\t%u\t%u", what, op, side, units,
	       samples->count);
	print_samples(samples);
	printf("\n");
	fflush(stdout);
	samples->count = 0;
}

static void print_pair(const char *method, const char *shape, unsigned int live)
{
	unsigned int runs = 0, i;

	for (i = 0; i < pair.count; i++)
		runs += count_runs(&pair.pieces[i]);
	printf("@v3bench\tuser\tuser\t%s\t%s\t%u\t%u\t%u\t%u\t%llu\t%llu", method, shape, live,
	       pair.count, runs, pair.both.count, (unsigned long long)median(&pair.map),
	       (unsigned long long)median(&pair.unmap));
	print_samples(&pair.both);
	printf("\n");
	fflush(stdout);
}

/* check_pair() looks whether the device finds each page where it is mapped, and only then. */
static void check_pair(const char *shape)
{
	struct side *side = pair.side;
	struct piece *piece;
	uint64_t at;

	side->prepare(side, pair.pieces, pair.count);
	side->map(side);
	if (side->tell)
		side->tell(side, pair.pieces, pair.count);
	for (piece = pair.pieces; piece < pair.pieces + pair.count; piece++)
		for (at = 0; at < piece->length; at += PAGE)
			if (!probe_reaches(&side->probe, piece->iova + at, piece->start + at))
				errx(1, "%s %s: page %llu is not reached", side->name, shape,
				     (unsigned long long)(at / PAGE));
	side->unmap(side);
	for (piece = pair.pieces; piece < pair.pieces + pair.count; piece++)
		if (!probe_is_refused(&side->probe, piece->iova, piece->start) ||
		    !probe_is_refused(&side->probe, piece->iova + piece->length - PAGE,
				      piece->start + piece->length - PAGE))
			errx(1, "%s %s: still mapped", side->name, shape);
}

static void measure_pair(const char *method, const struct shape *shape, unsigned int live)
{
	struct side *side = pair.side;
	uint64_t start, middle, end;
	unsigned int i;

	for (i = 0; i < pair.count; i++)
		pair.pieces[i].iova = PAIR_BASE + shape->place * SHAPE_SPAN +
				      i * pair.pieces[i].length;
	check_pair(shape->name);
	pair.map.count = pair.unmap.count = pair.both.count = 0;
	/* Work that others have left for later is done meanwhile. */
	usleep(20000);
	for (i = 0; i < WARM_UPS + shape->samples; i++) {
		start = now();
		side->map(side);
		middle = now();
		side->unmap(side);
		end = now();
		if (i < WARM_UPS)
			continue;
		take_sample(&pair.map, middle - start);
		take_sample(&pair.unmap, end - middle);
		take_sample(&pair.both, end - start - clock_read_cost);
	}
	print_pair(method, shape->name, live);
}

/* measure_registering() shows what pinning costs by itself. */
static void measure_registering(struct side *side, const struct shape *shape, struct piece *piece)
{
	static struct samples samples;
	unsigned int i;
	uint64_t start;

	for (i = 0; i < WARM_UPS + shape->samples; i++) {
		start = now();
		side->register_memory(side, piece);
		side->unregister_memory(side, piece);
		if (i >= WARM_UPS)
			take_sample(&samples, now() - start);
	}
	print_call(shape->name, "register + end", "v3", 1, &samples);
}

/* measure_registered() measures @piece, and @count pieces of its @length at once. */
static void measure_registered(struct side *side, const struct shape *shape, struct piece *piece)
{
	char method[64];

	side->register_memory(side, piece);
	pair.pieces[0] = *piece;
	snprintf(method, sizeof(method), "%s-registered", side->name);
	measure_pair(method, shape, 1);
	side->unregister_memory(side, piece);
}

static void measure_shape(const struct shape *shape)
{
	struct piece piece = shape->make(shape->length);
	unsigned int i;

	for (i = 0; i < nr_sides; i++) {
		pair.side = sides[i];
		pair.count = 1;
		pair.pieces[0] = piece;
		measure_pair(sides[i]->name, shape, 1);
		if (!sides[i]->register_memory)
			continue;
		measure_registered(sides[i], shape, &piece);
		if (sides[i]->chooses)
			measure_registering(sides[i], shape, &piece);
	}
	free_piece(&piece);
}

/* measure_batch() measures @count pieces of @shape at once, with @registered of one object. */
static void measure_batch(struct side *side, const struct shape *shape, unsigned int count,
			  bool registered)
{
	struct piece whole = shape->make(shape->length * count);
	char method[64];
	unsigned int i;

	if (registered)
		side->register_memory(side, &whole);
	for (i = 0; i < count; i++)
		pair.pieces[i] = (struct piece) {
			.start = whole.start + i * shape->length, .length = shape->length,
			.fd = -1, .memory = whole.memory, .offset = i * shape->length,
		};
	pair.side = side;
	pair.count = count;
	snprintf(method, sizeof(method), "%s-%sbatch", side->name, registered ? "registered-" : "");
	measure_pair(method, shape, 1);
	if (registered)
		side->unregister_memory(side, &whole);
	free_piece(&whole);
}

static void measure_batches(struct side *side)
{
	static const struct shape page = { "4K", make_scattered, PAGE, 32, 0 };
	static const struct shape huge = { "2M-huge", make_huge, LARGE, 32, 4 };
	int registered;

	for (registered = 0; registered <= 1; registered++) {
		measure_batch(side, &page, 64, registered);
		measure_batch(side, &huge, 16, registered);
	}
}

/* struct live: what stays mapped. */
struct live {
	struct piece memory;
	uint64_t *iova;
	unsigned int count;
};

static struct piece live_piece(const struct live *live, unsigned int i)
{
	return (struct piece) {
		.start = live->memory.start + i % LIVE_PAGES * PAGE, .length = PAGE, .fd = -1,
		.iova = live->iova[i],
	};
}

static void print_memory(const char *method, unsigned int live, unsigned int added,
			 const struct memory_use *before, uint64_t cost)
{
	struct memory_use after = memory_in_use();

	printf("@v3bench\tuser\tmemory\t%s\tlive\t%u\t%u\t%lld\t%lld\t%lld\t%llu\n", method, live,
	       added, (long long)(after.total - before->total),
	       (long long)(after.tables - before->tables),
	       (long long)(after.slab - before->slab), (unsigned long long)cost);
	fflush(stdout);
}

static void fill(struct side *side, struct live *live, unsigned int count)
{
	unsigned int from = live->count;
	struct memory_use before;
	struct piece piece;
	uint64_t start;

	if (count <= from)
		return;
	usleep(20000);
	before = memory_in_use();
	start = now();
	while (live->count < count) {
		live->iova[live->count] = LIVE_BASE + live->count * PAGE;
		piece = live_piece(live, live->count);
		side->prepare(side, &piece, 1);
		side->map(side);
		if (side->tell)
			side->tell(side, &piece, 1);
		live->iova[live->count++] = piece.iova;
	}
	print_memory(side->name, count, count - from, &before, now() - start);
}

static void empty(struct side *side, struct live *live)
{
	struct piece piece;

	while (live->count) {
		piece = live_piece(live, --live->count);
		side->prepare(side, &piece, 1);
		side->unmap(side);
	}
}

static void measure_live(struct side *side, unsigned int max_live)
{
	static const unsigned int levels[] = { 1000, 100000, 1000000 };
	struct live live = { .memory = make_scattered(LIVE_PAGES * PAGE) };
	unsigned int i;

	live.iova = mmap(NULL, max_live * sizeof(*live.iova), PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (live.iova == MAP_FAILED)
		err(1, "mmap");
	for (i = 0; i < ARRAY_SIZE(levels); i++) {
		if (levels[i] > max_live || levels[i] > side->max_live)
			break;
		fill(side, &live, levels[i]);
		pair.side = side;
		pair.count = 1;
		pair.pieces[0] = make_scattered(PAGE);
		measure_pair(side->name, &shapes[0], levels[i]);
		free_piece(&pair.pieces[0]);
	}
	empty(side, &live);
	munmap(live.iova, max_live * sizeof(*live.iova));
	free_piece(&live.memory);
}

static void become_undisturbed(void)
{
	const struct sched_param param = { .sched_priority = 50 };

	write_text("/proc/sys/kernel/sched_rt_runtime_us", "-1");
	if (sched_setscheduler(0, SCHED_FIFO, &param))
		err(1, "SCHED_FIFO");
}

static void open_sides(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(all_sides); i++) {
		if (access(all_sides[i]->node, F_OK)) {
			warn("without %s: %s", all_sides[i]->name, all_sides[i]->node);
			continue;
		}
		sides[nr_sides] = all_sides[i];
		sides[nr_sides]->open(sides[nr_sides]);
		nr_sides++;
	}
}

int main(int argc, char **argv)
{
	unsigned int max_live = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000000, i;

	become_undisturbed();
	clock_calibrate();
	open_sides();
	measure_calls();
	for (i = 0; i < ARRAY_SIZE(shapes); i++)
		measure_shape(&shapes[i]);
	measure_batches(&allocator_side);
	measure_batches(&explicit_side);
	for (i = 0; i < nr_sides; i++)
		measure_live(sides[i], max_live);
	measure_events();
	return 0;
}
