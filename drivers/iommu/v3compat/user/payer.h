/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_USER_PAYER_H
#define V3COMPAT_USER_PAYER_H

#include <linux/list.h>
#include <linux/types.h>

#include "base/payload.h"
#include "base/why.h"

struct mm_struct;
struct user_struct;
struct v3compat_info;
struct v3u_call;
struct v3u_file;

/**
 * struct v3u_payer - who pays for what is pinned and mapped on a file
 * @entry: in the file's list, under its payers_lock
 * @file: the file; referenced
 * @user: whose limit of locked memory pages count for; referenced
 * @mm: whose pinned memory they show as; its structure is referenced, its pages are not
 * @refs: pages that are mapped or pinned, calls under way, and one more for &v3u_file.recent_payer
 * @read: payload of pages that were pinned for reading; their numbers are their page frames
 * @write: likewise, for writing
 * @other: payload of pages that are mapped and were not pinned for that
 *
 * The task that maps or registers memory pays, whoever opened the file: a helper that opens it and
 * passes it on would pay otherwise.
 */
struct v3u_payer {
	struct list_head entry;
	struct v3u_file *file;
	struct user_struct *user;
	struct mm_struct *mm;
	atomic64_t refs;
	struct v3c_payload read;
	struct v3c_payload write;
	struct v3c_payload other;
};

struct v3u_payer *v3u_payer_get(struct v3u_call *call);
void v3u_payer_forget(struct v3u_file *file);
void v3u_payer_put(struct v3u_payer *payer, u64 refs);
enum v3c_reason v3u_payer_charge(struct v3u_call *call, struct v3u_payer *payer, u64 pages);
void v3u_payer_unmapped(struct v3u_payer *payer, u64 pages);
void v3u_payer_uncharge(struct v3u_payer *payer, u64 pages);
void v3u_payer_tell(struct v3compat_info *info);

#endif
