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
 * @pasids: sub-devices
 * @nr_objects: handles
 * @reserved: pages in reservations
 * @mapped: pages that are mapped
 * @pinned: pages that are pinned, and charged to whoever pays for them
 * @payers: who pays for pinned pages, under @payers_lock
 * @payers_lock: innermost
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
	atomic_t pasids;
	atomic_t nr_objects;
	atomic64_t reserved;
	atomic64_t mapped;
	atomic64_t pinned;
	struct list_head payers;
	spinlock_t payers_lock;
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
