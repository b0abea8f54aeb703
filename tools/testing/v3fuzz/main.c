// SPDX-License-Identifier: GPL-2.0
/*
 * Reading v3fuzz/run in debugfs runs the fuzzer, with the parameters that the module has then, and
 * gives the report.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpumask.h>
#include <linux/debugfs.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/module.h>
#include <linux/memory_hotplug.h>
#include <linux/moduleparam.h>
#include <linux/random.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <v3compat/kcompat.h>

#include "v3fuzz.h"

/* Between two rounds nobody does anything, and everything is looked at. */
#define ROUND_CALLS	400
#define REPORT_SIZE	SZ_64K

#define OPERATIONS(X)									\
	X(domain_life, 28) X(range_map, 6) X(range_unmap, 6) X(identity, 14) X(flush, 5)	\
	X(token_life, 14) X(segment, 5) X(neighbours, 2) X(device_life, 20)		\
	X(device_attach, 14) X(sub_life, 24) X(sub_attach, 28) X(ask, 10) X(report, 20)	\
	X(watch, 14) X(page_request, 4) X(guard, 2) X(plug_toggle, 2) X(inject, 1)	\
	X(tables, 14) X(tables_scribble, 2) X(wild, 10) X(invalid, 3)

struct operation {
	const char *name;
	void (*run)(struct fuzz_thread *t);
};

static const struct operation operations[] = {
#define OPERATION(name, weight) { #name, fuzz_##name },
	OPERATIONS(OPERATION)
};

static unsigned int weights[ARRAY_SIZE(operations)] = {
#define WEIGHT(name, weight) weight,
	OPERATIONS(WEIGHT)
};

static unsigned long long seed;
static unsigned int calls = 8000;
static unsigned int seconds;
static unsigned int threads = 4;
static unsigned int least = 100;
unsigned int fuzz_without;

module_param(seed, ullong, 0644);
MODULE_PARM_DESC(seed, "what all is derived from; 0, the default, takes a random one");
module_param(calls, uint, 0644);
MODULE_PARM_DESC(
	calls,
	"end after that many calls of members, or up to twice as many while one lacks successes; 0 for no limit");
module_param(seconds, uint, 0644);
MODULE_PARM_DESC(seconds, "end after that time; 0, the default, for no limit");
module_param(threads, uint, 0644);
MODULE_PARM_DESC(
	threads,
	"how many call at the same time, 1 to 8; with 1 a seed gives the same calls again");
module_param(least, uint, 0644);
MODULE_PARM_DESC(least, "each member must succeed that often");
module_param_named(without, fuzz_without, uint, 0644);
MODULE_PARM_DESC(without, "quirks that no IOMMU shall have, see enum iommusim_quirk");
module_param_array(weights, uint, NULL, 0644);
MODULE_PARM_DESC(weights, "how often each operation is done, in the order of the report");

const DMA_IOMMU_INTERFACE_V3 *v3;
struct fuzz_thread *fuzz_threads;
unsigned int fuzz_nr_threads;
struct fuzz_pool fuzz_wild_pool;
struct fuzz_pool fuzz_firmware;
struct mm_struct *fuzz_mm;
unsigned long fuzz_user_page;

static DMA_IOMMU_INTERFACE_EX interface;
static struct dentry *directory;
static DEFINE_MUTEX(run_lock);

/* The parameters as they were when the run began. */
static struct {
	u64 seed;
	unsigned int weights[ARRAY_SIZE(operations)];
	unsigned int sum;
} run;

struct result {
	unsigned int passed;
	unsigned int failed;
};

static void judge(struct seq_file *out, struct result *result, bool good, const char *what)
{
	if (good)
		result->passed++;
	else
		result->failed++;
	seq_printf(out, "%sok %u - %s\n", good ? "" : "not ", result->passed + result->failed,
		   what);
}

static void operate(struct fuzz_thread *t)
{
	unsigned int at = fuzz_random(t, run.sum), i;

	for (i = 0; at >= run.weights[i]; i++)
		at -= run.weights[i];
	operations[i].run(t);
}

static int work(void *data)
{
	struct fuzz_thread *t = data;

	while (t->calls < t->budget && !fuzz_failed()) {
		operate(t);
		cond_resched();
	}
	return 0;
}

static int begin_thread(struct fuzz_thread *t)
{
	unsigned int cpu = cpumask_nth(t->id % num_online_cpus(), cpu_online_mask);

	t->budget = t->calls + ROUND_CALLS;
	t->task = kthread_create(work, t, "v3fuzz/%u", t->id);
	if (IS_ERR(t->task))
		return PTR_ERR(t->task);
	/* The allocator of addresses remembers what a CPU used last. */
	kthread_bind(t->task, cpu);
	get_task_struct(t->task);
	wake_up_process(t->task);
	return 0;
}

static int run_round(void)
{
	unsigned int i, started;
	int err = 0;

	for (started = 0; started < fuzz_nr_threads && !err; started++)
		err = begin_thread(&fuzz_threads[started]);
	for (i = 0; i < started - !!err; i++) {
		kthread_stop(fuzz_threads[i].task);
		put_task_struct(fuzz_threads[i].task);
	}
	return err;
}

/* What a device still finds in an IOTLB while nobody unmaps, somebody forgot to invalidate. */
static void check_quiet(void)
{
	u64 before = fuzz_stale_hits(), after;
	unsigned int i;

	for (i = 0; i < fuzz_nr_threads && !fuzz_failed(); i++)
		fuzz_check_all(&fuzz_threads[i]);
	after = fuzz_stale_hits();
	if (after || (before && fuzz_nr_threads == 1))
		fuzz_fail(&fuzz_threads[0],
			  "translations that are gone were used: %llu before, %llu now", before,
			  after);
}

static unsigned int count_calls(void)
{
	unsigned int i, sum = 0;

	for (i = 0; i < fuzz_nr_threads; i++)
		sum += fuzz_threads[i].calls;
	return sum;
}

static void add_tally(struct fuzz_tally *sum, const struct fuzz_tally *tally)
{
	unsigned int i, k;

	sum->calls += tally->calls;
	sum->successes += tally->successes;
	for (i = 0; i < FUZZ_STATUSES && tally->times[i]; i++) {
		for (k = 0; k < FUZZ_STATUSES - 1; k++) {
			if (!sum->times[k] || sum->statuses[k] == tally->statuses[i])
				break;
		}
		sum->statuses[k] = tally->statuses[i];
		sum->times[k] += tally->times[i];
	}
}

static void sum_member(unsigned int member, struct fuzz_tally *sum)
{
	unsigned int i;

	memset(sum, 0, sizeof(*sum));
	for (i = 0; i <= fuzz_nr_threads; i++)
		add_tally(sum, &fuzz_threads[i].tallies[member]);
}

static bool each_member_succeeded(void)
{
	struct fuzz_tally sum;
	unsigned int m;

	for (m = 0; m < FUZZ_NR_MEMBERS; m++) {
		sum_member(m, &sum);
		if (sum.successes < least)
			return false;
	}
	return true;
}

/*
 * @calls is exceeded for a member that lacks successes, because which calls succeed depends on how
 * the threads meet. A member that never succeeds ends the run at twice @calls, and fails it.
 */
static bool calls_are_over(void)
{
	unsigned int made = count_calls();

	return calls && (made >= 2ULL * calls || (made >= calls && each_member_succeeded()));
}

static int run_rounds(void)
{
	ktime_t end = ktime_add_ms(ktime_get(), seconds * 1000ULL);
	int err = 0;

	while (!err && !fuzz_failed() && !fatal_signal_pending(current) &&
	       !calls_are_over() &&
	       (!seconds || ktime_before(ktime_get(), end))) {
		err = run_round();
		check_quiet();
	}
	return err;
}

static void init_locks(void)
{
	unsigned int i;

	for (i = 0; i < FUZZ_DOMAINS; i++)
		init_rwsem(&fuzz_domains[i].sem);
	for (i = 0; i < ARRAY_SIZE(fuzz_devices); i++) {
		mutex_init(&fuzz_devices[i].lock);
		spin_lock_init(&fuzz_devices[i].view_lock);
	}
}

static int prepare_threads(void)
{
	unsigned int i;
	int err;

	fuzz_nr_threads = clamp(threads, 1u, FUZZ_THREADS);
	/* The last one stands for handlers, which the system calls. */
	fuzz_threads = kvcalloc(fuzz_nr_threads + 1, sizeof(*fuzz_threads), GFP_KERNEL);
	if (!fuzz_threads)
		return -ENOMEM;
	for (i = 0; i <= fuzz_nr_threads; i++) {
		fuzz_threads[i].id = i;
		mutex_init(&fuzz_threads[i].demand.lock);
		prandom_seed_state(&fuzz_threads[i].rnd, run.seed + i * 0x9e3779b97f4a7c15ULL);
	}
	for (i = 0; i < fuzz_nr_threads; i++) {
		err = fuzz_pool_init(&fuzz_threads[i].pool, 10, i);
		if (err)
			return err;
	}
	err = fuzz_pool_init(&fuzz_wild_pool, 10, FUZZ_THREADS);
	if (!err)
		err = fuzz_pool_init(&fuzz_firmware, 3, FUZZ_THREADS + 1);
	/* A hostile table could show it as a block of that size, with memory of others in it. */
	if (!err && IS_ALIGNED(fuzz_phys(&fuzz_wild_pool, 0), SZ_1G))
		err = -EAGAIN;
	return err;
}

static void prepare_process(void)
{
	unsigned long at;

	at = vm_mmap(NULL, 0, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, 0);
	if (IS_ERR_VALUE(at))
		return;
	if (put_user(at, (unsigned long __user *)at)) {
		vm_munmap(at, PAGE_SIZE);
		return;
	}
	fuzz_user_page = at;
	fuzz_mm = current->mm;
}

static void end_process(void)
{
	if (fuzz_mm)
		vm_munmap(fuzz_user_page, PAGE_SIZE);
	fuzz_mm = NULL;
}

static int prepare(void)
{
	unsigned int i;
	int err;

	run.seed = seed ?: get_random_u64();
	run.sum = 0;
	for (i = 0; i < ARRAY_SIZE(operations); i++) {
		run.weights[i] = min(READ_ONCE(weights[i]), 1000u);
		run.sum += run.weights[i];
	}
	pr_info("seed=%llu threads=%u calls=%u\n", run.seed, threads, calls);
	if (!run.sum)
		return -EINVAL;
	fuzz_log_reset();
	init_locks();
	prepare_process();
	err = prepare_threads();
	if (!err)
		err = fuzz_tables_init();
	if (!err)
		err = fuzz_sims_create(run.seed);
	if (err)
		return err;
	for (i = 0; i < FUZZ_PLUGS * 4; i++)
		fuzz_plug_toggle(&fuzz_threads[0]);
	fuzz_tables_begin(&fuzz_threads[0]);
	return 0;
}

static void check_pool(struct fuzz_thread *t, const struct fuzz_pool *pool)
{
	unsigned int page;

	if (pool->memory && !fuzz_pool_intact(pool, &page))
		fuzz_fail(t, "page %u of pool %u was written to where no DMA went", page, pool->id);
}

/* In the order that the interface asks for. */
static void end_objects(void)
{
	struct fuzz_thread *t = &fuzz_threads[0];
	unsigned int i;

	fuzz_inject_end();
	v3compat_set_guard_policy(V3COMPAT_GUARD_EXTERNAL);
	v3compat_set_guard_locked(false);
	for (i = 0; i < fuzz_nr_threads; i++)
		fuzz_tokens_end(&fuzz_threads[i]);
	fuzz_wild_end(t);
	fuzz_devices_end(t);
	fuzz_tables_end(t);
	fuzz_domains_end(t);
	fuzz_unplug_all();
	fuzz_sims_destroy(t);
	for (i = 0; i < fuzz_nr_threads; i++)
		check_pool(t, &fuzz_threads[i].pool);
	check_pool(t, &fuzz_wild_pool);
	check_pool(t, &fuzz_firmware);
}

static void free_memory(void)
{
	unsigned int i;

	for (i = 0; fuzz_threads && i < fuzz_nr_threads; i++)
		fuzz_pool_free(&fuzz_threads[i].pool);
	fuzz_pool_free(&fuzz_wild_pool);
	fuzz_pool_free(&fuzz_firmware);
	fuzz_tables_free();
	kvfree(fuzz_threads);
	fuzz_threads = NULL;
	end_process();
}

static void report_members(struct seq_file *out, struct result *result)
{
	struct fuzz_tally sum;
	unsigned int m, i;
	char what[80];

	seq_printf(out, "# %-40s %8s %9s  %s\n", "member", "calls", "successes", "statuses");
	for (m = 0; m < FUZZ_NR_MEMBERS; m++) {
		sum_member(m, &sum);
		seq_printf(out, "# %-40s %8u %9u ", fuzz_member_name(m), sum.calls, sum.successes);
		for (i = 0; i < FUZZ_STATUSES && sum.times[i]; i++)
			seq_printf(out, " %x:%u", sum.statuses[i], sum.times[i]);
		seq_putc(out, '\n');
		snprintf(what, sizeof(what), "%s succeeded %u times, %u wanted",
			 fuzz_member_name(m), sum.successes, least);
		judge(out, result, sum.successes >= least, what);
	}
}

static void report(struct seq_file *out, s64 ms)
{
	u64 trace = 0, dma = 0, met = 0, checked = 0;
	struct result result = {};
	unsigned int i;
	char what[80];

	for (i = 0; i < fuzz_nr_threads; i++) {
		trace = trace * 31 + fuzz_threads[i].trace;
		dma += fuzz_threads[i].dma;
		met += fuzz_threads[i].dma_met;
		checked += fuzz_threads[i].checked;
	}
	seq_puts(out, "# weights:");
	for (i = 0; i < ARRAY_SIZE(operations); i++)
		seq_printf(out, " %s=%u", operations[i].name, run.weights[i]);
	seq_putc(out, '\n');
	report_members(out, &result);
	snprintf(what, sizeof(what), "%llu of %llu DMA accesses met a mapping, 30 %% wanted", met,
		 dma);
	judge(out, &result, met * 10 >= dma * 3, what);
	judge(out, &result, !fuzz_failed(), fuzz_failed() ? fuzz_failure() : "nothing was wrong");
	if (fuzz_failed())
		fuzz_log_show(out);
	seq_printf(
		out,
		"# %lld s, %u calls, %llu DMA checks, %u faults; trace %#llx; seed=%llu threads=%u\n",
		ms / 1000, count_calls(), checked, fuzz_faults(), trace, run.seed, fuzz_nr_threads);
	seq_printf(out, "%u passed, %u failed, 0 skipped\n", result.passed, result.failed);
}

static int show_run(struct seq_file *out, void *unused)
{
	ktime_t start = ktime_get();
	int err;

	guard(mutex)(&run_lock);
	err = prepare();
	if (!err)
		err = run_rounds();
	if (fuzz_threads)
		end_objects();
	if (!err)
		report(out, ktime_ms_delta(ktime_get(), start));
	free_memory();
	return err;
}

static int open_run(struct inode *inode, struct file *file)
{
	return single_open_size(file, show_run, NULL, REPORT_SIZE);
}

static const struct file_operations run_fops = {
	.owner = THIS_MODULE,
	.open = open_run,
	.read = seq_read,
	.llseek = seq_lseek,
	.release = single_release,
};

/* DMA of a device that sees all of memory goes there. */
static bool has_memory(u64 first, u64 end)
{
	for (; first < end; first += SZ_128M) {
		if (pfn_to_online_page(PHYS_PFN(first)))
			return true;
	}
	return false;
}

static int __init v3fuzz_init(void)
{
	if (!NT_SUCCESS(IoGetIommuInterfaceEx(3, 0, &interface)))
		return -ENODEV;
	if (has_memory(FUZZ_BASE, 2 * FUZZ_TABLE_BASE)) {
		pr_err("this machine has memory where devices must find none: %#llx\n", FUZZ_BASE);
		return -ENODEV;
	}
	v3 = &interface.V3;
	directory = debugfs_create_dir("v3fuzz", NULL);
	debugfs_create_file_unsafe("run", 0400, directory, NULL, &run_fops);
	return 0;
}

static void __exit v3fuzz_exit(void)
{
	debugfs_remove(directory);
}

module_init(v3fuzz_init);
module_exit(v3fuzz_exit);

MODULE_DESCRIPTION("Fuzzer of DMA_IOMMU_INTERFACE_V3");
MODULE_LICENSE("GPL");
V3C_IMPORT_NS(V3COMPAT);
V3C_IMPORT_NS(IOMMUSIM);
