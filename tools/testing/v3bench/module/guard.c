// SPDX-License-Identifier: GPL-2.0
/*
 * Study "guard": from a change of the DMA guard's policy to the callbacks of the devices that it
 * concerns, beside empty items on a workqueue. Tasks are switched, so interrupts are on, and the
 * median leaves them out.
 */
#include <linux/iommusim.h>
#include <linux/sched.h>
#include <linux/v3compat.h>
#include <linux/workqueue.h>

#include "clock.h"
#include "sim.h"
#include "v3.h"
#include "v3bench.h"

#define WARM_UP		16
#define SAMPLES		256
#define MAX_DEVICES	16

static const u32 counts[] = { 1, MAX_DEVICES };

/* When a thread of another context was there. */
struct arrivals {
	u32 nr;
	u64 first;
	u64 last;
};

struct guarded {
	struct device *dev;
	PIOMMU_DMA_DEVICE device;
};

enum moment { FIRST, LAST, RETURN, NR_MOMENTS };

static const char * const moment_names[] = { "first callback", "last callback", "return" };

/* One study runs at a time; see the lock in main.c. */
static struct v3b_series series[NR_MOMENTS];
static struct arrivals arrivals;
static struct guarded devices[MAX_DEVICES];
static DMA_IOMMU_INTERFACE_EX table;
static struct workqueue_struct *queue;
static struct work_struct items[MAX_DEVICES];

static void arrive(void)
{
	u64 now = v3b_clock();

	if (!arrivals.nr++)
		arrivals.first = now;
	arrivals.last = now;
}

static VOID changed(PIOMMU_INTERFACE_STATE_CHANGE change, PVOID context)
{
	arrive();
}

static void run_item(struct work_struct *item)
{
	arrive();
}

static int v3_once(struct v3b *b, u32 nr, u32 turn)
{
	return v3compat_set_guard_policy(turn % 2 ? V3COMPAT_GUARD_OFF : V3COMPAT_GUARD_ALL);
}

static int raw_once(struct v3b *b, u32 nr, u32 turn)
{
	u32 i;

	for (i = 0; i < nr; i++)
		queue_work(queue, &items[i]);
	flush_work(&items[nr - 1]);
	return 0;
}

static int sample(struct v3b *b, int (*once)(struct v3b *b, u32 nr, u32 turn), u32 nr, u32 turn,
		  u64 ticks[NR_MOMENTS])
{
	u64 start, end;
	int err;

	memset(&arrivals, 0, sizeof(arrivals));
	start = v3b_clock();
	err = once(b, nr, turn);
	end = v3b_clock();
	if (err)
		return err;
	if (arrivals.nr != nr) {
		dev_err(b->dev, "guard: %u calls for %u devices\n", arrivals.nr, nr);
		return -EIO;
	}
	ticks[FIRST] = arrivals.first - start;
	ticks[LAST] = arrivals.last - start;
	ticks[RETURN] = end - start;
	return 0;
}

static int measure(struct v3b *b, const char *side, u32 nr,
		   int (*once)(struct v3b *b, u32 nr, u32 turn))
{
	struct v3b_call call = {
		.study = "guard", .what = "policy", .side = side, .live = nr, .units = nr,
	};
	u64 ticks[NR_MOMENTS];
	u32 i, moment;
	int err;

	memset(series, 0, sizeof(series));
	for (i = 0; i < WARM_UP + SAMPLES; i++) {
		err = sample(b, once, nr, i, ticks);
		if (err)
			return err;
		for (moment = 0; i >= WARM_UP && moment < NR_MOMENTS; moment++)
			v3b_series_add(&series[moment], ticks[moment]);
		cond_resched();
	}
	for (moment = 0; !err && moment < NR_MOMENTS; moment++) {
		call.op = moment_names[moment];
		err = v3b_series_row(b, &call, &series[moment]);
	}
	return err;
}

static int run_raw(struct v3b *b)
{
	u32 i;
	int err = 0;

	queue = alloc_ordered_workqueue("v3bench", 0);
	if (!queue)
		return -ENOMEM;
	for (i = 0; i < MAX_DEVICES; i++)
		INIT_WORK(&items[i], run_item);
	for (i = 0; !err && i < ARRAY_SIZE(counts); i++)
		err = measure(b, "raw", counts[i], raw_once);
	destroy_workqueue(queue);
	return err;
}

static int add_device(struct v3b *b, struct guarded *guarded)
{
	IOMMU_INTERFACE_STATE_CHANGE_FIELDS fields = { .AvailableDomainTypes = 1 };
	int err;

	guarded->dev = v3b_sim_device();
	if (IS_ERR(guarded->dev))
		return PTR_ERR(guarded->dev);
	err = v3b_errno(b, "CreateDevice",
			table.V3.CreateDevice(guarded->dev, NULL, &guarded->device));
	if (err)
		goto err_dev;
	err = v3b_errno(b, "RegisterInterfaceStateChangeCallback",
			table.V3.RegisterInterfaceStateChangeCallback(changed, NULL,
								      guarded->device, &fields));
	if (err)
		goto err_device;
	return 0;

err_device:
	table.V3.DeleteDevice(guarded->device);
err_dev:
	iommusim_device_destroy(guarded->dev);
	return err;
}

static void remove_device(struct v3b *b, struct guarded *guarded)
{
	v3b_errno(b, "UnregisterInterfaceStateChangeCallback",
		  table.V3.UnregisterInterfaceStateChangeCallback(changed, guarded->device));
	v3b_errno(b, "DeleteDevice", table.V3.DeleteDevice(guarded->device));
	iommusim_device_destroy(guarded->dev);
}

static int v3_rows(struct v3b *b)
{
	u32 i, nr = 0;
	int err = 0;

	for (i = 0; !err && i < ARRAY_SIZE(counts); i++) {
		for (; !err && nr < counts[i]; nr += !err)
			err = add_device(b, &devices[nr]);
		if (!err)
			err = measure(b, "v3", nr, v3_once);
	}
	while (nr)
		remove_device(b, &devices[--nr]);
	return err;
}

static int run_v3(struct v3b *b)
{
	enum v3compat_guard policy;
	bool locked;
	int err;

	err = v3b_errno(b, "IoGetIommuInterfaceEx", IoGetIommuInterfaceEx(3, 0, &table));
	if (err)
		return err;
	v3compat_get_guard(&policy, &locked);
	/* Every turn is a change, the first one as well. */
	v3compat_set_guard_locked(false);
	err = v3compat_set_guard_policy(V3COMPAT_GUARD_OFF);
	if (!err)
		err = v3_rows(b);
	v3compat_set_guard_policy(policy);
	v3compat_set_guard_locked(locked);
	return err;
}

static int run_guard(struct v3b *b, u32 max_live)
{
	int err = run_raw(b);

	return err ?: run_v3(b);
}

const struct v3b_study v3b_guard = {
	.name = "guard",
	.run = run_guard,
};
