// SPDX-License-Identifier: GPL-2.0
/*
 * Study "section": how long the machine cannot do anything else while one call works. A timer
 * interrupt of short period wakes the thread with the highest priority. What the interrupt comes
 * late is time with interrupts off, what the thread comes late is time with interrupts or
 * preemption off.
 *
 * A section is seen from the first interrupt in it on, so each call is repeated with the interrupts
 * shifted: of all but PERIOD_NS / PHASES of a section some repetition knows.
 */
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/smp.h>

#include "clock.h"
#include "compat.h"
#include "section.h"
#include "v3bench.h"

#define PERIOD_NS	20000
#define PHASES		8
/* Samples without the timer, for the cost; then one for each phase of the timer. */
#define COST_SAMPLES	3
#define SAMPLES		(COST_SAMPLES + PHASES)
#define BOOT_MS		5000
/* Long enough to meet the kernel's own timers. */
#define SPIN_TICKS	20000000

/* Where the timer and the thread meet. All of it runs on one processor. */
static struct {
	struct hrtimer timer;
	struct task_struct *thread;
	ktime_t expired;
	bool woken;
	s64 irq_late;
	s64 thread_late;
} probe;

enum figure { COST, IRQ_LATE, THREAD_LATE, FIGURES };

static const char * const figure_names[FIGURES] = { "cost", "interrupts off", "either off" };

#define MAX_STEPS	4

/* One study runs at a time; see the lock in main.c. */
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

static void start_probe(u32 phase)
{
	u64 first = PERIOD_NS + phase * (PERIOD_NS / PHASES);

	probe.irq_late = 0;
	probe.thread_late = 0;
	hrtimer_setup(&probe.timer, tick, CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED_HARD);
	hrtimer_start(&probe.timer, ns_to_ktime(first), HRTIMER_MODE_REL_PINNED_HARD);
}

static void stop_probe(void)
{
	/* What is late at the end of the call is seen, too. */
	usleep_range(2 * PERIOD_NS / 1000, 4 * PERIOD_NS / 1000);
	hrtimer_cancel(&probe.timer);
}

static int measure_cost(struct v3b *b, const struct v3b_step *step, u32 count,
			struct v3b_series *figures)
{
	u64 start = v3b_clock();
	int err = step->call(b, count);

	v3b_series_add(&figures[COST], v3b_clock() - start);
	rcu_barrier();
	return err;
}

static int measure_late(struct v3b *b, const struct v3b_step *step, u32 count, u32 phase,
			struct v3b_series *figures)
{
	int err;

	start_probe(phase);
	err = step->call(b, count);
	/* What the call left to RCU is its doing as well, and not that of the next one. */
	rcu_barrier();
	stop_probe();
	v3b_series_add(&figures[IRQ_LATE], probe.irq_late);
	v3b_series_add(&figures[THREAD_LATE], probe.thread_late);
	return err;
}

static int measure_round(struct v3b *b, u32 count, const struct v3b_step *steps, u32 nr_steps,
			 u32 round)
{
	u32 step;
	int err = 0;

	for (step = 0; !err && step < nr_steps; step++) {
		err = round < COST_SAMPLES ?
			measure_cost(b, &steps[step], count, series[step]) :
			measure_late(b, &steps[step], count, round - COST_SAMPLES, series[step]);
		if (err)
			dev_err(b->dev, "section: %s of %u: error %d\n", steps[step].what, count,
				err);
	}
	return err;
}

static int add_rows(struct v3b *b, const char *side, u32 count, const struct v3b_step *steps,
		    u32 nr_steps)
{
	u32 step, figure;
	int err = 0;

	for (step = 0; !err && step < nr_steps; step++) {
		for (figure = 0; !err && figure < FIGURES; figure++) {
			struct v3b_call call = {
				.study = "section", .what = steps[step].what,
				.op = figure_names[figure], .side = side, .live = count,
				.units = count,
			};

			if (series[step][figure].nr)
				err = v3b_series_row(b, &call, &series[step][figure]);
		}
	}
	return err;
}

static int measure_steps(struct v3b *b, const char *side, u32 count,
			 int (*prepare)(struct v3b *b, u32 count), const struct v3b_step *steps,
			 u32 nr_steps, u32 samples)
{
	u32 round;
	int err = 0;

	if (WARN_ON(nr_steps > MAX_STEPS))
		return -EINVAL;
	memset(series, 0, sizeof(series));
	for (round = 0; !err && round < samples; round++) {
		err = prepare ? prepare(b, count) : 0;
		if (!err)
			err = measure_round(b, count, steps, nr_steps, round);
		cond_resched();
	}
	return err ?: add_rows(b, side, count, steps, nr_steps);
}

/**
 * v3b_section_measure - measure calls that belong together
 * @b: the benchmark
 * @side: "v3" or "raw"
 * @count: pages or ranges
 * @prepare: optional; what comes before the first of @steps each time
 * @steps: the calls, in the order in which they are made
 * @nr_steps: number of @steps
 *
 * Return: 0 or a negative errno.
 */
int v3b_section_measure(struct v3b *b, const char *side, u32 count,
			int (*prepare)(struct v3b *b, u32 count), const struct v3b_step *steps,
			u32 nr_steps)
{
	return measure_steps(b, side, count, prepare, steps, nr_steps, SAMPLES);
}

/* v3b_section_costs() is v3b_section_measure() of nothing but the cost, on the V3 side. */
int v3b_section_costs(struct v3b *b, u32 count, const struct v3b_step *steps, u32 nr_steps)
{
	return measure_steps(b, "v3", count, NULL, steps, nr_steps, COST_SAMPLES);
}

/* Something that holds nobody up: what the probe itself sees. */
static int spin(struct v3b *b, u32 count)
{
	u64 end = v3b_clock() + SPIN_TICKS;

	while (v3b_clock() < end)
		cpu_relax();
	return 0;
}

static const struct v3b_step nothing_steps[] = { { "nothing", spin } };

static int run_section(struct v3b *b, u32 max_live)
{
	int err = start_waiter();

	if (err)
		return err;
	/* What the boot of the guest has left to do is done then. */
	msleep(BOOT_MS);
	err = v3b_section_measure(b, "v3", 1, NULL, nothing_steps, ARRAY_SIZE(nothing_steps));
	if (!err)
		err = v3b_section_v3(b, max_live);
	if (!err)
		err = v3b_section_raw(b, max_live);
	kthread_stop(probe.thread);
	return err;
}

const struct v3b_study v3b_section = {
	.name = "section",
	.run = run_section,
};
