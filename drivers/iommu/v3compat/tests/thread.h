/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_TESTS_THREAD_H
#define V3COMPAT_TESTS_THREAD_H

#include <linux/completion.h>

struct task_struct;

/**
 * struct v3t_thread - a thread that runs one function to its end
 * @task: the thread, or ERR_PTR
 * @fn: what it runs
 * @arg: with what
 * @result: what @fn returned
 * @done: it returned
 */
struct v3t_thread {
	struct task_struct *task;
	int (*fn)(void *arg);
	void *arg;
	int result;
	struct completion done;
};

void v3t_thread_start(struct v3t_thread *thread, int (*fn)(void *arg), void *arg);

/* Waits until it sleeps, uninterruptible or killable, and stays asleep. False if it does not. */
bool v3t_thread_falls_asleep(struct v3t_thread *thread);

/* What the function returned, or the error that kept the thread from starting. */
int v3t_thread_join(struct v3t_thread *thread);

#endif
