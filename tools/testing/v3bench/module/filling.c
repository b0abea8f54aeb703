// SPDX-License-Identifier: GPL-2.0
/*
 * Study "filling": maps and unmaps of a domain whose second page table is being filled.
 *
 * A device that joins fills it with what is mapped already, and others may run meanwhile. A thread
 * of higher priority wakes in the midst of that, and has the only processor until it is through, so
 * that the filling stands still while it measures.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/iommusim.h>
#include <linux/irqflags.h>
#include <linux/kthread.h>
#include <linux/sched.h>
#include <linux/smp.h>

#include "clock.h"
#include "sim.h"
#include "v3.h"
#include "v3bench.h"

#define READ_WRITE	3
#define WARM_UP		16
#define SAMPLES		256
#define RANGES		100000U

/* From the start of the attach to the measurement: a tenth of what it takes to fill. */
#define DELAY_US	10000

/* Below the live ranges, which are copied in ascending order. */
#define LOW_PLACE	(2ULL << 30)

enum place { PLACE_AHEAD, PLACE_BEHIND, NR_PLACES };

static const char * const place_names[NR_PLACES] = { "ahead", "behind" };

/* One study runs at a time; see the lock in main.c. */
static struct {
	DMA_IOMMU_INTERFACE_EX table;
	PIOMMU_DMA_DEVICE device;
	PIOMMU_DMA_DOMAIN domain;
	struct device *other;
	PIOMMU_DMA_DEVICE other_device;
	IOMMU_MAP_PHYSICAL_ADDRESS what;
} v3;

static struct {
	struct v3b *b;
	struct completion done;
	bool attached;
	u64 filled;
	int err;
} meter;

static struct v3b_series series[NR_PLACES];

static const struct v3b_shape shape = { .name = "4K", .nr_pages = 1 };

static int v3_map(struct v3b *b, const struct v3b_job *job, struct v3b_slot *slot)
{
	IOMMU_DMA_LOGICAL_ADDRESS at = job->place;
	NTSTATUS status = v3.table.V3.MapLogicalRangeEx(v3.domain, READ_WRITE, &v3.what, &at,
							NULL, NULL, &slot->address);

	return NT_SUCCESS(status) ? 0 : v3b_errno(b, "MapLogicalRangeEx", status);
}

static void v3_unmap(struct v3b *b, const struct v3b_job *job, struct v3b_slot *slot)
{
	NTSTATUS status = v3.table.V3.UnmapLogicalRange(v3.domain, slot->address, 1);

	if (!NT_SUCCESS(status))
		v3b_errno(b, "UnmapLogicalRange", status);
}

static const struct v3b_method v3_side = { .map = v3_map, .unmap = v3_unmap };

static int measure_at(struct v3b *b, const struct v3b_method *method, u64 place,
		      struct v3b_series *to)
{
	struct v3b_job job = {
		.shape = &shape, .phys = page_to_phys(b->small), .size = PAGE_SIZE, .place = place,
	};
	struct v3b_slot slot;
	unsigned long flags;
	u64 start, end;
	int err = 0;
	u32 i;

	to->nr = 0;
	b->gfp = GFP_ATOMIC;
	for (i = 0; !err && i < WARM_UP + SAMPLES; i++) {
		local_irq_save(flags);
		start = v3b_clock();
		err = method->map(b, &job, &slot);
		if (!err)
			method->unmap(b, &job, &slot);
		end = v3b_clock();
		local_irq_restore(flags);
		if (i >= WARM_UP)
			v3b_series_add(to, end - start);
	}
	b->gfp = GFP_KERNEL;
	return err;
}

static int measure_places(struct v3b *b, const struct v3b_method *method)
{
	int err = measure_at(b, method, b->probe_base, &series[PLACE_AHEAD]);

	return err ?: measure_at(b, method, LOW_PLACE, &series[PLACE_BEHIND]);
}

static int add_rows(struct v3b *b, const char *side, u32 live)
{
	u32 i;
	int err = 0;

	for (i = 0; !err && i < NR_PLACES; i++) {
		struct v3b_call call = {
			.study = "filling", .what = place_names[i], .op = "map + unmap",
			.side = side, .live = live, .units = 1,
		};

		err = v3b_series_row(b, &call, &series[i]);
	}
	return err;
}

/* Takes no turn but its own from the first sample to the last. */
static int run_meter(void *unused)
{
	usleep_range(DELAY_US, DELAY_US + 1);
	meter.filled = v3b_sim_leaves();
	meter.err = measure_places(meter.b, &v3_side);
	/* The filling was going on before the first sample and goes on after the last one. */
	if (!meter.err && (READ_ONCE(meter.attached) || !meter.filled))
		meter.err = -EAGAIN;
	kthread_complete_and_exit(&meter.done, 0);
}

static int attach_measured(struct v3b *b)
{
	struct task_struct *thread = kthread_create(run_meter, NULL, "v3bench");
	int err;

	if (IS_ERR(thread))
		return PTR_ERR(thread);
	meter.b = b;
	meter.attached = false;
	init_completion(&meter.done);
	kthread_bind(thread, raw_smp_processor_id());
	sched_set_fifo(thread);
	wake_up_process(thread);
	err = v3b_errno(b, "AttachDeviceEx",
			v3.table.V3.AttachDeviceEx(v3.domain, v3.other_device));
	WRITE_ONCE(meter.attached, true);
	wait_for_completion(&meter.done);
	if (!err)
		v3b_errno(b, "DetachDeviceEx", v3.table.V3.DetachDeviceEx(v3.other_device));
	if (!err && meter.err)
		dev_err(b->dev, "filling: error %d with %llu pages filled\n", meter.err,
			meter.filled);
	return err ?: meter.err;
}

static int fill_domain(struct v3b *b, u32 live)
{
	struct v3b_job job = { .shape = &shape };
	struct v3b_slot slot;
	int err = 0;
	u32 i;

	v3.what.MapType = MapPhysicalAddressTypeContiguousRange;
	v3.what.ContiguousRange.Base.QuadPart = page_to_phys(b->small);
	v3.what.ContiguousRange.Size = PAGE_SIZE;
	for (i = 0; !err && i < live; i++) {
		job.place = b->fill_base + (u64)i * PAGE_SIZE;
		err = v3_map(b, &job, &slot);
		cond_resched();
	}
	return err;
}

static int v3_rows(struct v3b *b, u32 live)
{
	int err = fill_domain(b, live);

	if (!err)
		err = attach_measured(b);
	return err ?: add_rows(b, "v3", live);
}

static int with_other(struct v3b *b, u32 live)
{
	int err;

	v3.other = v3b_sim_device();
	if (IS_ERR(v3.other))
		return PTR_ERR(v3.other);
	err = v3b_errno(b, "CreateDevice",
			v3.table.V3.CreateDevice(v3.other, NULL, &v3.other_device));
	if (!err) {
		err = v3_rows(b, live);
		v3b_errno(b, "DeleteDevice", v3.table.V3.DeleteDevice(v3.other_device));
	}
	iommusim_device_destroy(v3.other);
	return err;
}

static int with_domain(struct v3b *b, u32 live)
{
	IOMMU_DMA_DOMAIN_CREATION_FLAGS flags = {};
	int err;

	err = v3b_errno(b, "CreateDomainEx",
			v3.table.V3.CreateDomainEx(DomainTypeTranslate, flags, NULL, NULL,
						   &v3.domain));
	if (err)
		return err;
	err = v3b_errno(b, "AttachDeviceEx", v3.table.V3.AttachDeviceEx(v3.domain, v3.device));
	if (!err) {
		err = with_other(b, live);
		v3b_errno(b, "DetachDeviceEx", v3.table.V3.DetachDeviceEx(v3.device));
	}
	v3b_errno(b, "DeleteDomain", v3.table.V3.DeleteDomain(v3.domain));
	return err;
}

static int run_v3(struct v3b *b, u32 live)
{
	int err;

	err = v3b_errno(b, "IoGetIommuInterfaceEx", IoGetIommuInterfaceEx(3, 0, &v3.table));
	if (!err)
		err = v3b_errno(b, "CreateDevice",
				v3.table.V3.CreateDevice(b->dev, NULL, &v3.device));
	if (err)
		return err;
	err = with_domain(b, live);
	v3b_errno(b, "DeleteDevice", v3.table.V3.DeleteDevice(v3.device));
	return err;
}

static int run_raw(struct v3b *b, u32 live)
{
	int err = v3b_both_raw.open(b);

	if (err)
		return err;
	err = measure_places(b, &v3b_both_raw);
	v3b_both_raw.close(b);
	return err ?: add_rows(b, "raw", live);
}

/* With fewer ranges the filling is over too soon. */
static int run_filling(struct v3b *b, u32 max_live)
{
	int err;

	if (max_live < RANGES)
		return 0;
	err = run_raw(b, RANGES);
	return err ?: run_v3(b, RANGES);
}

const struct v3b_study v3b_filling = {
	.name = "filling",
	.run = run_filling,
};
