// SPDX-License-Identifier: GPL-2.0
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/workqueue.h>

#include "table/range.h"
#include "thread.h"

static int run(void *data)
{
	struct v3t_thread *thread = data;

	thread->result = thread->fn(thread->arg);
	/* Some wait for it before they join. */
	complete_all(&thread->done);
	return 0;
}

void v3t_thread_start(struct v3t_thread *thread, int (*fn)(void *arg), void *arg)
{
	thread->fn = fn;
	thread->arg = arg;
	init_completion(&thread->done);
	thread->task = kthread_create(run, thread, "v3t");
	if (IS_ERR(thread->task))
		return;
	get_task_struct(thread->task);
	wake_up_process(thread->task);
}

#define PATIENCE	2000

/* Polls in a row that find a thread asleep, where it stays. */
#define SOUND_ASLEEP	20

bool v3t_thread_falls_asleep(struct v3t_thread *thread)
{
	unsigned int i, asleep = 0;

	if (IS_ERR(thread->task))
		return false;
	for (i = 0; i < PATIENCE && asleep < SOUND_ASLEEP; i++) {
		usleep_range(5000, 6000);
		asleep = READ_ONCE(thread->task->__state) & TASK_UNINTERRUPTIBLE ? asleep + 1 : 0;
	}
	return asleep == SOUND_ASLEEP && !completion_done(&thread->done);
}

int v3t_thread_join(struct v3t_thread *thread)
{
	if (IS_ERR(thread->task))
		return PTR_ERR(thread->task);
	wait_for_completion(&thread->done);
	/* Until it has left the text of this module, which may be unloaded next. */
	kthread_stop(thread->task);
	put_task_struct(thread->task);
	return thread->result;
}

static int keep_trimming(void *arg)
{
	struct v3t_trimmer *trimmer = arg;

	while (!READ_ONCE(trimmer->stop)) {
		flush_delayed_work(&trimmer->space->trim);
		cond_resched();
	}
	return 0;
}

void v3t_trimmer_start(struct v3t_trimmer *trimmer, struct v3c_space *space)
{
	trimmer->space = space;
	trimmer->stop = false;
	v3t_thread_start(&trimmer->thread, keep_trimming, trimmer);
}

int v3t_trimmer_stop(struct v3t_trimmer *trimmer)
{
	int ret;

	WRITE_ONCE(trimmer->stop, true);
	ret = v3t_thread_join(&trimmer->thread);
	flush_delayed_work(&trimmer->space->trim);
	return ret;
}
