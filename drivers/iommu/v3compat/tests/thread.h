/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_TESTS_THREAD_H
#define V3COMPAT_TESTS_THREAD_H

#include <linux/completion.h>

struct task_struct;
struct v3c_space;

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

/**
 * struct v3t_trimmer - a thread that gives memory of a space back again and again
 * @thread: the thread
 * @space: whose
 * @stop: until this
 *
 * Where there is one CPU it may never get on, so that the test has to trim, too.
 */
struct v3t_trimmer {
	struct v3t_thread thread;
	struct v3c_space *space;
	bool stop;
};

void v3t_trimmer_start(struct v3t_trimmer *trimmer, struct v3c_space *space);

/* Likewise. The last trim is over when it returns. */
int v3t_trimmer_stop(struct v3t_trimmer *trimmer);

#endif
