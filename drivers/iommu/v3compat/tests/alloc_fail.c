// SPDX-License-Identifier: GPL-2.0
#include <linux/array_size.h>
#include <linux/atomic.h>
#include <linux/dcache.h>
#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/fault-inject.h>
#include <linux/fs.h>
#include <linux/sched.h>

#include "alloc_fail.h"

#if IS_ENABLED(CONFIG_FAILSLAB) && IS_ENABLED(CONFIG_FAIL_PAGE_ALLOC) && \
	IS_ENABLED(CONFIG_FAULT_INJECTION_DEBUG_FS)

/* The values behind the files of one injector, and what they were. */
struct injector {
	const char *name;
	unsigned long *probability, *interval, *verbose;
	atomic_t *times, *space;
	bool *task_filter, *ignore_reclaim;
	u32 *min_order;
	unsigned long old_probability, old_interval, old_verbose;
	int old_times, old_space;
	bool old_task_filter, old_ignore_reclaim;
	u32 old_min_order;
};

static struct injector injectors[] = {
	{ .name = "failslab" },
	{ .name = "fail_page_alloc" },
};

static void *value_behind(struct dentry *dir, const char *name)
{
	struct dentry *file = debugfs_lookup(name, dir);
	void *value;

	if (IS_ERR_OR_NULL(file))
		return NULL;
	value = d_inode(file)->i_private;
	dput(file);
	return value;
}

static bool find_injector(struct injector *inj)
{
	struct dentry *dir = debugfs_lookup(inj->name, NULL);

	if (IS_ERR_OR_NULL(dir))
		return false;
	inj->probability = value_behind(dir, "probability");
	inj->interval = value_behind(dir, "interval");
	inj->verbose = value_behind(dir, "verbose");
	inj->times = value_behind(dir, "times");
	inj->space = value_behind(dir, "space");
	inj->task_filter = value_behind(dir, "task-filter");
	inj->ignore_reclaim = value_behind(dir, "ignore-gfp-wait");
	inj->min_order = value_behind(dir, "min-order");
	dput(dir);
	return inj->probability && inj->interval && inj->verbose && inj->times && inj->space &&
	       inj->task_filter && inj->ignore_reclaim;
}

const char *v3t_alloc_fail_missing(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(injectors); i++)
		if (!find_injector(&injectors[i]))
			return "debugfs does not show the values of failslab and fail_page_alloc";
	return NULL;
}

static void aim_injector(struct injector *inj)
{
	inj->old_verbose = *inj->verbose;
	inj->old_ignore_reclaim = *inj->ignore_reclaim;
	*inj->verbose = 0;
	*inj->ignore_reclaim = false;
	if (inj->min_order) {
		inj->old_min_order = *inj->min_order;
		*inj->min_order = 0;
	}
}

static void restore_injector(struct injector *inj)
{
	*inj->verbose = inj->old_verbose;
	*inj->ignore_reclaim = inj->old_ignore_reclaim;
	if (inj->min_order)
		*inj->min_order = inj->old_min_order;
}

static void fail_all(struct injector *inj)
{
	aim_injector(inj);
	inj->old_interval = *inj->interval;
	inj->old_times = atomic_read(inj->times);
	inj->old_space = atomic_read(inj->space);
	inj->old_task_filter = *inj->task_filter;
	inj->old_probability = *inj->probability;
	*inj->interval = 1;
	*inj->task_filter = true;
	atomic_set(inj->times, -1);
	atomic_set(inj->space, 0);
	*inj->probability = 100;
}

static void fail_none(struct injector *inj)
{
	*inj->probability = inj->old_probability;
	atomic_set(inj->space, inj->old_space);
	atomic_set(inj->times, inj->old_times);
	*inj->task_filter = inj->old_task_filter;
	*inj->interval = inj->old_interval;
	restore_injector(inj);
}

void v3t_alloc_fail_begin(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(injectors); i++)
		fail_all(&injectors[i]);
	current->make_it_fail = 1;
}

void v3t_alloc_fail_end(void)
{
	int i;

	current->make_it_fail = 0;
	for (i = 0; i < ARRAY_SIZE(injectors); i++)
		fail_none(&injectors[i]);
}

void v3t_alloc_fail_nth_begin(unsigned int nth)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(injectors); i++)
		aim_injector(&injectors[i]);
	current->fail_nth = nth;
}

bool v3t_alloc_fail_nth_end(void)
{
	bool reached = !current->fail_nth;
	int i;

	current->fail_nth = 0;
	for (i = 0; i < ARRAY_SIZE(injectors); i++)
		restore_injector(&injectors[i]);
	return reached;
}

#else

const char *v3t_alloc_fail_missing(void)
{
	return "kernel built without fault injection of slab and page allocations";
}

void v3t_alloc_fail_begin(void)
{
}

void v3t_alloc_fail_end(void)
{
}

void v3t_alloc_fail_nth_begin(unsigned int nth)
{
}

bool v3t_alloc_fail_nth_end(void)
{
	return false;
}

#endif
