/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_USER_FILE_H
#define V3COMPAT_USER_FILE_H

#include <linux/completion.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "base/owner.h"

struct v3u_object;
struct v3u_payer;

/* V3U_RECENT: objects that a file finds without a search. */
#define V3U_RECENT	4

/**
 * struct v3u_file - an open /dev/v3compat
 * @owner: on whose account the core makes objects
 * @refs: the open file, its objects, those who pay for its mappings, its event and device
 *	descriptors
 * @entry: in the list of all, under v3u_files_lock
 * @number: names it in listings and traces
 * @pid: of the process that opened it
 * @comm: its name
 * @objects: by handle; its lock protects what is found there
 * @recent: by the lowest bits of their handles, objects that were found last, or NULL; under the
 *	lock of @objects
 * @pasids: sub-devices
 * @nr_objects: handles
 * @reserved: pages in reservations
 * @mapped: pages that are mapped
 * @pinned: pages that are pinned, and charged to whoever pays for them
 * @payers: who pays for pinned pages, under @payers_lock
 * @recent_payer: who pinned last, with a reference, or NULL; under @payers_lock
 * @payers_lock: innermost
 * @scratch: a page for whoever pins, or NULL
 * @devices: handles of devices that were made and are not destroyed
 * @closed: everything is being taken apart, or is about to be; read and written without a lock
 * @close_work: takes it apart
 * @gone: it is taken apart
 */
struct v3u_file {
	struct v3c_owner owner;
	struct kref refs;
	struct list_head entry;
	u32 number;
	pid_t pid;
	char comm[TASK_COMM_LEN];
	struct xarray objects;
	struct v3u_object *recent[V3U_RECENT];
	atomic_t pasids;
	atomic_t nr_objects;
	atomic64_t reserved;
	atomic64_t mapped;
	atomic64_t pinned;
	struct list_head payers;
	struct v3u_payer *recent_payer;
	spinlock_t payers_lock;
	void *scratch;
	atomic_t devices;
	bool closed;
	struct work_struct close_work;
	struct completion gone;
};

void v3u_file_enlist(struct v3u_file *file);
void v3u_file_delist(struct v3u_file *file);
void v3u_for_each_file(void (*fn)(struct v3u_file *file, void *arg), void *arg);
void v3u_file_hold(struct v3u_file *file);
void v3u_file_drop(struct v3u_file *file);
void v3u_close_later(struct work_struct *work);

int v3u_files_init(void);
void v3u_files_exit(void);

#endif
