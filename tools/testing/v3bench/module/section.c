// SPDX-License-Identifier: GPL-2.0
/*
 * Study "section": how long the machine cannot do anything else while one call works. A timer
 * interrupt of short period wakes the thread with the highest priority. What the interrupt comes
 * late is time with interrupts off, what the thread comes late is time with interrupts or
 * preemption off.
 */
#include <linux/delay.h>
#include <linux/iommu.h>
#include <linux/iommusim.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/sched.h>
#include <linux/smp.h>

#include "clock.h"
#include "compat.h"
#include "sim.h"
#include "v3.h"
#include "v3bench.h"

#define READ_WRITE	3
#define PERIOD_NS	20000
/* Samples without the timer, for the cost, and with it. */
#define COST_SAMPLES	3
#define LATE_SAMPLES	3
#define SAMPLES		(COST_SAMPLES + LATE_SAMPLES)

static const u32 range_counts[] = { 1000, 10000, 100000 };
static const u32 page_counts[] = { 1 << 10, 1 << 14, 1 << 18 };

/* Where the timer and the thread meet. All of it runs on one processor. */
static struct {
	struct hrtimer timer;
	struct task_struct *thread;
	ktime_t expired;
	bool woken;
	s64 irq_late;
	s64 thread_late;
} probe;

/* What the calls below work on. One study runs at a time; see the lock in main.c. */
static struct {
	DMA_IOMMU_INTERFACE_EX table;
	PIOMMU_DMA_DEVICE device;
	PIOMMU_DMA_DOMAIN domain;
	struct device *other;
	PIOMMU_DMA_DEVICE other_device;
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token;
	IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT segment;
	IOMMU_MAP_PHYSICAL_ADDRESS what;
	u64 base;
	u32 count;
} work;

enum figure { COST, IRQ_LATE, THREAD_LATE, FIGURES };

static const char * const figure_names[FIGURES] = { "cost", "interrupts off", "either off" };

/**
 * struct step - a call that is measured
 * @what: its name in the result
 * @call: does it, and returns what v3b_errno() takes
 */
struct step {
	const char *what;
	NTSTATUS (*call)(struct v3b *b);
};

#define MAX_STEPS	4

static struct v3b_series series[MAX_STEPS][FIGURES];

static enum hrtimer_restart tick(struct hrtimer *timer)
{
	ktime_t now = ktime_get(), expires = hrtimer_get_expires(timer);

	probe.irq_late = max(probe.irq_late, ktime_to_ns(ktime_sub(now, expires)));
	if (!probe.woken) {
		probe.expired = expires;
		probe.woken = true;
		wake_up_process(probe.thread);
	}
	hrtimer_forward_now(timer, ns_to_ktime(PERIOD_NS));
	return HRTIMER_RESTART;
}

static int wait_for_ticks(void *unused)
{
	while (!kthread_should_stop()) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (!probe.woken && !kthread_should_stop())
			schedule();
		__set_current_state(TASK_RUNNING);
		if (!probe.woken)
			continue;
		probe.thread_late = max(probe.thread_late,
					ktime_to_ns(ktime_sub(ktime_get(), probe.expired)));
		WRITE_ONCE(probe.woken, false);
	}
	return 0;
}

static int start_waiter(void)
{
	struct task_struct *thread = kthread_create(wait_for_ticks, NULL, "v3bench");

	if (IS_ERR(thread))
		return PTR_ERR(thread);
	kthread_bind(thread, raw_smp_processor_id());
	sched_set_fifo(thread);
	probe.thread = thread;
	wake_up_process(thread);
	return 0;
}

static void start_probe(void)
{
	probe.irq_late = 0;
	probe.thread_late = 0;
	hrtimer_setup(&probe.timer, tick, CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED_HARD);
	hrtimer_start(&probe.timer, ns_to_ktime(PERIOD_NS), HRTIMER_MODE_REL_PINNED_HARD);
}

static void stop_probe(void)
{
	/* What is late at the end of the call is seen, too. */
	usleep_range(2 * PERIOD_NS / 1000, 4 * PERIOD_NS / 1000);
	hrtimer_cancel(&probe.timer);
}

static int measure_step(struct v3b *b, const struct step *step, struct v3b_series *figures,
			bool late)
{
	NTSTATUS status;
	u64 start, end;

	if (late)
		start_probe();
	start = v3b_clock();
	status = step->call(b);
	end = v3b_clock();
	if (late) {
		stop_probe();
		v3b_series_add(&figures[IRQ_LATE], probe.irq_late);
		v3b_series_add(&figures[THREAD_LATE], probe.thread_late);
	} else {
		v3b_series_add(&figures[COST], end - start);
	}
	return v3b_errno(b, step->what, status);
}

/* Does all steps some times, each time after @prepare; a row for each figure of each. */
static int measure_steps(struct v3b *b, const char *side, u32 units, int (*prepare)(struct v3b *b),
			 const struct step *steps, u32 nr_steps)
{
	u32 round, step, figure;
	int err = 0;

	memset(series, 0, sizeof(series));
	work.count = units;
	for (round = 0; !err && round < SAMPLES; round++) {
		err = prepare(b);
		for (step = 0; !err && step < nr_steps; step++)
			err = measure_step(b, &steps[step], series[step], round >= COST_SAMPLES);
		cond_resched();
	}
	for (step = 0; !err && step < nr_steps; step++) {
		for (figure = 0; !err && figure < FIGURES; figure++) {
			struct v3b_call call = {
				.study = "section", .what = steps[step].what,
				.op = figure_names[figure], .side = side, .live = units,
				.units = units,
			};

			err = v3b_series_row(b, &call, &series[step][figure]);
		}
	}
	return err;
}

static int prepare_nothing(struct v3b *b)
{
	return 0;
}

/* Something that holds nobody up: what the probe itself sees. */
static NTSTATUS spin(struct v3b *b)
{
	u64 end = v3b_clock() + 1000000;

	while (v3b_clock() < end)
		cpu_relax();
	return STATUS_SUCCESS;
}

static void describe(phys_addr_t phys, size_t size)
{
	work.what.MapType = MapPhysicalAddressTypeContiguousRange;
	work.what.ContiguousRange.Base.QuadPart = phys;
	work.what.ContiguousRange.Size = size;
}

static int map_ranges(struct v3b *b)
{
	IOMMU_DMA_LOGICAL_ADDRESS at, out;
	NTSTATUS status;
	u32 i;

	describe(page_to_phys(b->small), PAGE_SIZE);
	for (i = 0; i < work.count; i++) {
		at = work.base + (u64)i * PAGE_SIZE;
		status = work.table.V3.MapLogicalRangeEx(work.domain, READ_WRITE, &work.what, &at,
							 NULL, NULL, &out);
		if (!NT_SUCCESS(status))
			return v3b_errno(b, "MapLogicalRangeEx", status);
		cond_resched();
	}
	return 0;
}

static NTSTATUS unmap_ranges(struct v3b *b)
{
	return work.table.V3.UnmapLogicalRange(work.domain, work.base, work.count);
}

static int raw_map_ranges(struct v3b *b)
{
	int err = 0;
	u32 i;

	for (i = 0; !err && i < work.count; i++) {
		err = iommu_map(b->domain, work.base + (u64)i * PAGE_SIZE, page_to_phys(b->small),
				PAGE_SIZE, b->prot, GFP_KERNEL);
		cond_resched();
	}
	return err;
}

static NTSTATUS raw_unmap_ranges(struct v3b *b)
{
	size_t size = (size_t)work.count * PAGE_SIZE;

	return iommu_unmap(b->domain, work.base, size) == size ? STATUS_SUCCESS :
								  STATUS_UNSUCCESSFUL;
}

static NTSTATUS attach_other(struct v3b *b)
{
	return work.table.V3.AttachDeviceEx(work.domain, work.other_device);
}

static NTSTATUS detach_other(struct v3b *b)
{
	return work.table.V3.DetachDeviceEx(work.other_device);
}

static NTSTATUS reserve(struct v3b *b)
{
	IOMMU_DMA_LOGICAL_ADDRESS at = work.base;

	return work.table.V3.ReserveLogicalAddressRange(work.domain, (u64)work.count * PAGE_SIZE,
							&at, NULL, NULL, &work.token);
}

static NTSTATUS map_reserved(struct v3b *b)
{
	/* One piece for all: the device is never asked to do DMA. */
	describe(0, (u64)work.count * PAGE_SIZE);
	return work.table.V3.MapReservedLogicalRange(work.token, 0, READ_WRITE, &work.what,
						     &work.segment);
}

static NTSTATUS unmap_reserved(struct v3b *b)
{
	return work.table.V3.UnmapReservedLogicalRange(&work.segment);
}

static NTSTATUS free_reserved(struct v3b *b)
{
	return work.table.V3.FreeReservedLogicalAddressRange(work.token);
}

static const struct step nothing_steps[] = { { "nothing", spin } };
static const struct step raw_unmap_steps[] = { { "unmap ranges", raw_unmap_ranges } };
static const struct step attach_steps[] = {
	{ "attach second", attach_other },
	{ "detach second", detach_other },
	{ "unmap ranges", unmap_ranges },
};
static const struct step reserve_steps[] = {
	{ "reserve", reserve },
	{ "map reserved", map_reserved },
	{ "unmap reserved", unmap_reserved },
	{ "free reserved", free_reserved },
};

static int raw_rows(struct v3b *b, u32 max_live)
{
	int err = v3b_raw_open(b);
	u32 i;

	if (err)
		return err;
	for (i = 0; !err && i < ARRAY_SIZE(range_counts) && range_counts[i] <= max_live; i++)
		err = measure_steps(b, "raw", range_counts[i], raw_map_ranges, raw_unmap_steps,
				    ARRAY_SIZE(raw_unmap_steps));
	v3b_raw_close(b);
	return err;
}

/* The last of these steps is there to end what they began. */
static int attach_rows(struct v3b *b, u32 count)
{
	int err;

	work.other = v3b_sim_device();
	if (IS_ERR(work.other))
		return PTR_ERR(work.other);
	err = v3b_errno(b, "CreateDevice", work.table.V3.CreateDevice(work.other, NULL,
								      &work.other_device));
	if (!err) {
		err = measure_steps(b, "v3", count, map_ranges, attach_steps,
				    ARRAY_SIZE(attach_steps));
		work.table.V3.DeleteDevice(work.other_device);
	}
	iommusim_device_destroy(work.other);
	return err;
}

static int v3_rows(struct v3b *b, u32 max_live)
{
	u32 i;
	int err;

	err = measure_steps(b, "v3", 1, prepare_nothing, nothing_steps, ARRAY_SIZE(nothing_steps));
	for (i = 0; !err && i < ARRAY_SIZE(range_counts) && range_counts[i] <= max_live; i++)
		err = attach_rows(b, range_counts[i]);
	for (i = 0; !err && i < ARRAY_SIZE(page_counts); i++)
		err = measure_steps(b, "v3", page_counts[i], prepare_nothing, reserve_steps,
				    ARRAY_SIZE(reserve_steps));
	return err;
}

static int run_v3(struct v3b *b, u32 max_live)
{
	IOMMU_DMA_DOMAIN_CREATION_FLAGS flags = {};
	int err;

	err = v3b_errno(b, "CreateDevice", work.table.V3.CreateDevice(b->dev, NULL, &work.device));
	if (err)
		return err;
	err = v3b_errno(b, "CreateDomainEx",
			work.table.V3.CreateDomainEx(DomainTypeTranslate, flags, NULL, NULL,
						     &work.domain));
	if (err)
		goto err_device;
	err = v3b_errno(b, "AttachDeviceEx",
			work.table.V3.AttachDeviceEx(work.domain, work.device));
	if (err)
		goto err_domain;
	err = v3_rows(b, max_live);
	work.table.V3.DetachDeviceEx(work.device);
err_domain:
	work.table.V3.DeleteDomain(work.domain);
err_device:
	work.table.V3.DeleteDevice(work.device);
	return err;
}

static int run_section(struct v3b *b, u32 max_live)
{
	int err;

	work.base = b->fill_base;
	err = v3b_errno(b, "IoGetIommuInterfaceEx", IoGetIommuInterfaceEx(3, 0, &work.table));
	if (!err)
		err = start_waiter();
	if (err)
		return err;
	err = raw_rows(b, max_live);
	if (!err)
		err = run_v3(b, max_live);
	kthread_stop(probe.thread);
	return err;
}

const struct v3b_study v3b_section = {
	.name = "section",
	.run = run_section,
};
