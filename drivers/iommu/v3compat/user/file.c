// SPDX-License-Identifier: GPL-2.0
/*
 * &struct v3u_file: the list of all, and how long one stays.
 */
#include <linux/gfp.h>
#include <linux/mutex.h>
#include <linux/slab.h>

#include "user/file.h"

static LIST_HEAD(v3u_files);
static DEFINE_MUTEX(v3u_files_lock);
static u32 v3u_last_file;
static struct workqueue_struct *v3u_closers;

static void free_file(struct kref *refs)
{
	struct v3u_file *file = container_of(refs, struct v3u_file, refs);

	xa_destroy(&file->objects);
	free_page((unsigned long)file->scratch);
	kfree(file);
}

void v3u_file_hold(struct v3u_file *file)
{
	kref_get(&file->refs);
}

void v3u_file_drop(struct v3u_file *file)
{
	kref_put(&file->refs, free_file);
}

/* v3u_file_enlist() numbers @file, and lets listings find it. */
void v3u_file_enlist(struct v3u_file *file)
{
	guard(mutex)(&v3u_files_lock);
	file->number = ++v3u_last_file;
	list_add_tail(&file->entry, &v3u_files);
}

void v3u_file_delist(struct v3u_file *file)
{
	guard(mutex)(&v3u_files_lock);
	list_del(&file->entry);
}

/* v3u_for_each_file() calls @fn with each open file. */
void v3u_for_each_file(void (*fn)(struct v3u_file *file, void *arg), void *arg)
{
	struct v3u_file *file;

	guard(mutex)(&v3u_files_lock);
	list_for_each_entry(file, &v3u_files, entry)
		fn(file, arg);
}

/* v3u_close_later(): @work is part of closing something. v3u_files_exit() waits for it. */
void v3u_close_later(struct work_struct *work)
{
	queue_work(v3u_closers, work);
}

int v3u_files_init(void)
{
	/*
	 * WQ_FREEZABLE, because a device that close_file() resets or turns off while the system
	 * goes to sleep would get its registers of before that back. A close() that waits for it
	 * is over before the queue is frozen.
	 */
	v3u_closers = alloc_workqueue("v3compat_close", WQ_UNBOUND | WQ_FREEZABLE, WQ_MAX_ACTIVE);
	return v3u_closers ? 0 : -ENOMEM;
}

void v3u_files_exit(void)
{
	destroy_workqueue(v3u_closers);
}
