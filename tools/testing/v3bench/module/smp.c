// SPDX-License-Identifier: GPL-2.0
/*
 * Study "smp": pairs of map and unmap per second of one thread and of two threads on processors of
 * their own, in one domain on iommusim. For a guest with two processors, whose clock shows time.
 */
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/iommu.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/sched.h>
#include <linux/sizes.h>

#include "sim.h"
#include "v3.h"
#include "v3bench.h"

#define READ_WRITE	3
#define ADDRESS_WIDTH	48
#define MAX_THREADS	2
#define REPETITIONS	5
#define TIME_MS		200
/* Pages that a thread works on in turn, and pairs between two looks at the clock. */
#define PAGES		256
#define APART		(64ULL << 30)

struct worker;

/**
 * struct variant - who maps, and where
 * @what: its name in the result
 * @base: index of the variant that it is compared with, or of itself
 * @allocates: the domain chooses addresses
 * @alternates: the threads' pages take turns in one area; otherwise the areas are far apart
 * @pair: one map and unmap at an address; returns 0 or a negative errno
 */
struct variant {
	const char *what;
	u32 base;
	bool allocates;
	bool alternates;
	int (*pair)(const struct worker *worker, u64 address);
};

struct worker {
	const struct variant *variant;
	struct v3b *b;
	u32 index;
	u64 pairs;
	int err;
	struct completion done;
};

/* One study runs at a time; see the lock in main.c. */
static struct {
	DMA_IOMMU_INTERFACE_EX table;
	PIOMMU_DMA_DEVICE device;
	PIOMMU_DMA_DOMAIN domain;
	IOMMU_MAP_PHYSICAL_ADDRESS what;
} v3;

static struct worker workers[MAX_THREADS];
static atomic_t waiting;
static bool stop;
static struct v3b_series series;

static int raw_pair(const struct worker *worker, u64 address)
{
	struct v3b *b = worker->b;
	int err = iommu_map(b->domain, address, page_to_phys(b->small), PAGE_SIZE, b->prot,
			    GFP_ATOMIC);

	if (err)
		return err;
	return iommu_unmap(b->domain, address, PAGE_SIZE) == PAGE_SIZE ? 0 : -EIO;
}

static int v3_pair(const struct worker *worker, u64 address)
{
	IOMMU_DMA_LOGICAL_ADDRESS at = address, out;
	NTSTATUS status;

	status = v3.table.V3.MapLogicalRangeEx(v3.domain, READ_WRITE, &v3.what,
					       worker->variant->allocates ? NULL : &at, NULL, NULL,
					       &out);
	if (NT_SUCCESS(status))
		status = v3.table.V3.UnmapLogicalRange(v3.domain, out, 1);
	return NT_SUCCESS(status) ? 0 : v3b_errno(worker->b, "map or unmap", status);
}

enum { RAW_APART, RAW_ALTERNATING, ALLOCATOR, EXPLICIT_APART, EXPLICIT_ALTERNATING, NR_VARIANTS };

static const struct variant variants[NR_VARIANTS] = {
	[RAW_APART] = { "raw apart", RAW_APART, false, false, raw_pair },
	[RAW_ALTERNATING] = { "raw alternating", RAW_ALTERNATING, false, true, raw_pair },
	[ALLOCATOR] = { "allocator", RAW_APART, true, false, v3_pair },
	[EXPLICIT_APART] = { "explicit apart", RAW_APART, false, false, v3_pair },
	[EXPLICIT_ALTERNATING] = {
		"explicit altern.", RAW_ALTERNATING, false, true, v3_pair
	},
};

/* Pairs per second. */
static u64 rates[NR_VARIANTS][MAX_THREADS][REPETITIONS];

static u64 address_of(const struct worker *worker, u32 page)
{
	u64 base = worker->b->fill_base;

	if (worker->variant->alternates)
		return base + (MAX_THREADS * (u64)page + worker->index) * PAGE_SIZE;
	return base + worker->index * APART + (u64)page * PAGE_SIZE;
}

static int work(void *data)
{
	struct worker *worker = data;
	u32 page;

	atomic_dec(&waiting);
	while (atomic_read(&waiting))
		cpu_relax();
	while (!worker->err && !READ_ONCE(stop)) {
		for (page = 0; !worker->err && page < PAGES; page++)
			worker->err = worker->variant->pair(worker, address_of(worker, page));
		worker->pairs += page;
		cond_resched();
	}
	kthread_complete_and_exit(&worker->done, 0);
}

static int start_worker(struct v3b *b, const struct variant *variant, u32 index, u32 cpu,
			struct task_struct **out)
{
	struct worker *worker = &workers[index];

	*worker = (struct worker){ .variant = variant, .b = b, .index = index };
	init_completion(&worker->done);
	*out = kthread_create(work, worker, "v3bench/%u", index);
	if (IS_ERR(*out))
		return PTR_ERR(*out);
	kthread_bind(*out, cpu);
	return 0;
}

static int create_workers(struct v3b *b, const struct variant *variant, u32 threads,
			  struct task_struct **tasks)
{
	u32 i, cpu = cpumask_first(cpu_online_mask);
	int err = 0;

	for (i = 0; !err && i < threads; i++) {
		err = start_worker(b, variant, i, cpu, &tasks[i]);
		cpu = cpumask_next(cpu, cpu_online_mask);
	}
	if (!err)
		return 0;
	/* Those that never ran end without running; the last one is none. */
	for (i--; i; i--)
		kthread_stop(tasks[i - 1]);
	return err;
}

static int measure(struct v3b *b, const struct variant *variant, u32 threads, u64 *rate)
{
	struct task_struct *tasks[MAX_THREADS];
	u64 pairs = 0;
	ktime_t start;
	u32 i;
	int err = create_workers(b, variant, threads, tasks);

	if (err)
		return err;
	atomic_set(&waiting, threads);
	WRITE_ONCE(stop, false);
	for (i = 0; i < threads; i++)
		wake_up_process(tasks[i]);
	start = ktime_get();
	schedule_timeout_uninterruptible(msecs_to_jiffies(TIME_MS));
	WRITE_ONCE(stop, true);
	for (i = 0; i < threads; i++) {
		wait_for_completion(&workers[i].done);
		pairs += workers[i].pairs;
		err = err ?: workers[i].err;
	}
	*rate = div64_u64(pairs * NSEC_PER_SEC, ktime_to_ns(ktime_sub(ktime_get(), start)));
	return err;
}

static int v3_attach(struct v3b *b, bool allocates)
{
	IOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG config = {
		.LogicalAllocatorType = IommuDmaLogicalAllocatorBuddy,
		.BuddyAllocatorConfig.AddressWidth = ADDRESS_WIDTH,
	};
	IOMMU_DMA_DOMAIN_CREATION_FLAGS flags = {};
	int err;

	err = v3b_errno(b, "CreateDomainEx",
			v3.table.V3.CreateDomainEx(DomainTypeTranslate, flags,
						   allocates ? &config : NULL, NULL, &v3.domain));
	if (err)
		return err;
	err = v3b_errno(b, "AttachDeviceEx", v3.table.V3.AttachDeviceEx(v3.domain, v3.device));
	if (err)
		v3.table.V3.DeleteDomain(v3.domain);
	return err;
}

static int v3_open(struct v3b *b, bool allocates)
{
	int err;

	v3.what.MapType = MapPhysicalAddressTypeContiguousRange;
	v3.what.ContiguousRange.Base.QuadPart = page_to_phys(b->small);
	v3.what.ContiguousRange.Size = PAGE_SIZE;
	err = v3b_errno(b, "CreateDevice", v3.table.V3.CreateDevice(b->dev, NULL, &v3.device));
	if (err)
		return err;
	err = v3_attach(b, allocates);
	if (err)
		v3.table.V3.DeleteDevice(v3.device);
	return err;
}

static void v3_close(struct v3b *b)
{
	v3b_errno(b, "DetachDeviceEx", v3.table.V3.DetachDeviceEx(v3.device));
	v3b_errno(b, "DeleteDomain", v3.table.V3.DeleteDomain(v3.domain));
	v3b_errno(b, "DeleteDevice", v3.table.V3.DeleteDevice(v3.device));
}

static int measure_variant(struct v3b *b, u32 index, u32 repetition)
{
	const struct variant *variant = &variants[index];
	bool raw = variant->pair == raw_pair;
	u32 threads;
	int err = raw ? v3b_raw_open(b) : v3_open(b, variant->allocates);

	if (err)
		return err;
	for (threads = 1; !err && threads <= MAX_THREADS; threads++)
		err = measure(b, variant, threads, &rates[index][threads - 1][repetition]);
	if (raw)
		v3b_raw_close(b);
	else
		v3_close(b);
	return err;
}

static int add_row(struct v3b *b, const char *what, const char *side, u32 threads)
{
	static const char * const ops[MAX_THREADS] = { "1 thread", "2 threads" };
	struct v3b_call call = {
		.study = "smp", .what = what, .op = ops[threads - 1], .side = side, .units = 1,
	};

	return v3b_series_row(b, &call, &series);
}

/* "v3": pairs per second; "raw": those of what is compared; "permille": the ratio of both. */
static int add_rows(struct v3b *b, u32 index, u32 threads)
{
	static const char * const sides[] = { "v3", "raw", "permille" };
	const u64 *ours = rates[index][threads - 1];
	const u64 *theirs = rates[variants[index].base][threads - 1];
	u32 side, i;
	int err = 0;

	for (side = 0; !err && side < ARRAY_SIZE(sides); side++) {
		series.nr = 0;
		for (i = 0; i < REPETITIONS; i++)
			v3b_series_add(&series, side == 0 ? ours[i] : side == 1 ? theirs[i] :
				       div64_u64(ours[i] * 1000, max(theirs[i], 1ULL)));
		err = add_row(b, variants[index].what, sides[side], threads);
	}
	return err;
}

static int all_rows(struct v3b *b)
{
	u32 i, threads;
	int err = 0;

	for (i = 0; i < NR_VARIANTS; i++)
		for (threads = 1; !err && threads <= MAX_THREADS; threads++)
			err = add_rows(b, i, threads);
	return err;
}

/* Once for nothing, so that the emulator has translated all of it. */
static int measure_all(struct v3b *b)
{
	u32 i, round;
	int err = 0;

	for (round = 0; !err && round <= REPETITIONS; round++)
		for (i = 0; !err && i < NR_VARIANTS; i++)
			err = measure_variant(b, i, round ? round - 1 : 0);
	return err ?: all_rows(b);
}

static int run_smp(struct v3b *b, u32 max_live)
{
	int err;

	if (num_online_cpus() < MAX_THREADS)
		return -ENODEV;
	err = v3b_errno(b, "IoGetIommuInterfaceEx", IoGetIommuInterfaceEx(3, 0, &v3.table));
	if (!err)
		err = v3b_sim_enter(b);
	if (err)
		return err;
	/* Rates have nothing to be subtracted from. */
	b->empty_call = 0;
	err = measure_all(b);
	v3b_sim_leave(b);
	return err;
}

const struct v3b_study v3b_smp = {
	.name = "smp",
	.run = run_smp,
};
