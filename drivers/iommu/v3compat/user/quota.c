// SPDX-License-Identifier: GPL-2.0
/*
 * Limits of files and users.
 */
#include <linux/atomic.h>
#include <linux/cred.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>

#include "base/phys.h"
#include "user/call.h"
#include "user/quota.h"

static unsigned int v3u_max_objects = 4096;
module_param_named(max_objects, v3u_max_objects, uint, 0644);
MODULE_PARM_DESC(max_objects, "handles that an open file may have");

static unsigned int v3u_max_user_objects = 16384;
module_param_named(max_user_objects, v3u_max_user_objects, uint, 0644);
MODULE_PARM_DESC(max_user_objects, "handles that all open files of a user may have together");

static unsigned int v3u_max_pasids = 256;
module_param_named(max_pasids, v3u_max_pasids, uint, 0644);
MODULE_PARM_DESC(max_pasids, "sub-devices that an open file may have");

static unsigned long v3u_max_reservation = 1ULL << (36 - V3C_PAGE_SHIFT);
module_param_named(max_reservation, v3u_max_reservation, ulong, 0644);
MODULE_PARM_DESC(max_reservation, "pages of 4 KiB that one reservation may have");

static unsigned long v3u_max_reserved = 1ULL << (38 - V3C_PAGE_SHIFT);
module_param_named(max_reserved, v3u_max_reserved, ulong, 0644);
MODULE_PARM_DESC(max_reserved, "pages that the reservations of an open file may have together");

static unsigned long v3u_max_user_reserved = 1ULL << (39 - V3C_PAGE_SHIFT);
module_param_named(max_user_reserved, v3u_max_user_reserved, ulong, 0644);
MODULE_PARM_DESC(max_user_reserved, "pages that the reservations of a user may have together");

static unsigned long v3u_max_mapped = 1ULL << (42 - V3C_PAGE_SHIFT);
module_param_named(max_mapped, v3u_max_mapped, ulong, 0644);
MODULE_PARM_DESC(max_mapped, "pages that the domains of an open file may have mapped together");

unsigned int v3u_max_events = 65536;
module_param_named(max_events, v3u_max_events, uint, 0644);
MODULE_PARM_DESC(max_events, "events that may wait to be read from one descriptor");

/**
 * struct v3u_quota - what a user has in all files
 * @entry: in the list of all, under quotas_lock
 * @uid: whose
 * @objects: handles, under quotas_lock; it is freed with the last one
 * @reserved: pages in reservations
 */
struct v3u_quota {
	struct list_head entry;
	kuid_t uid;
	unsigned int objects;
	atomic64_t reserved;
};

static LIST_HEAD(quotas);
static DEFINE_MUTEX(quotas_lock);

static struct v3u_quota *find_quota(kuid_t uid)
{
	struct v3u_quota *quota;

	lockdep_assert_held(&quotas_lock);

	list_for_each_entry(quota, &quotas, entry)
		if (uid_eq(quota->uid, uid))
			return quota;
	return NULL;
}

static enum v3c_reason refuse_quota(struct v3u_call *call, enum v3c_param param, u64 value,
				    u64 limit)
{
	return v3u_refuse(call, V3C_REASON_QUOTA, param, value, limit);
}

/* add_below() adds @more pages to @sum, or refuses if that is more than @max then. */
static enum v3c_reason add_below(struct v3u_call *call, enum v3c_param param, atomic64_t *sum,
				 u64 more, u64 max)
{
	s64 now = atomic64_read(sum);

	do {
		if (more > max || (u64)now > max - more)
			return refuse_quota(call, param, v3c_bytes(now + more), v3c_bytes(max));
	} while (!atomic64_try_cmpxchg(sum, &now, now + more));
	return 0;
}

/* take_object() counts a handle for the calling user. */
static struct v3u_quota *take_object(struct v3u_call *call)
{
	unsigned int max = READ_ONCE(v3u_max_user_objects);
	struct v3u_quota *quota;

	guard(mutex)(&quotas_lock);
	quota = find_quota(current_uid());
	if ((quota ? quota->objects : 0) >= max) {
		refuse_quota(call, V3C_PARAM_OBJECT, quota ? quota->objects + 1ULL : 1, max);
		return NULL;
	}
	if (!quota) {
		quota = kzalloc(sizeof(*quota), GFP_KERNEL_ACCOUNT);
		if (!quota) {
			v3u_refuse(call, V3C_REASON_NO_MEMORY, V3C_PARAM_NONE, 0, 0);
			return NULL;
		}
		quota->uid = current_uid();
		list_add(&quota->entry, &quotas);
	}
	quota->objects++;
	return quota;
}

/**
 * v3u_quota_take() - count a handle for the file and the calling user
 * @call: the command
 *
 * Context: may sleep.
 * Return: the user's, for v3u_quota_give(); or NULL, refused with %V3C_REASON_QUOTA or
 * %V3C_REASON_NO_MEMORY.
 */
struct v3u_quota *v3u_quota_take(struct v3u_call *call)
{
	unsigned int max = READ_ONCE(v3u_max_objects);
	struct v3u_quota *quota;
	int now = atomic_inc_return(&call->file->nr_objects);

	if (now > max) {
		refuse_quota(call, V3C_PARAM_OBJECT, now, max);
		quota = NULL;
	} else {
		quota = take_object(call);
	}
	if (!quota)
		atomic_dec(&call->file->nr_objects);
	return quota;
}

void v3u_quota_give(struct v3u_quota *quota, struct v3u_file *file)
{
	atomic_dec(&file->nr_objects);
	guard(mutex)(&quotas_lock);
	if (--quota->objects)
		return;
	list_del(&quota->entry);
	kfree(quota);
}

/**
 * v3u_quota_reserve() - count the pages of a reservation
 * @call: the command
 * @quota: of the reservation's handle
 * @pages: how many
 *
 * Context: any.
 * Return: 0, for v3u_quota_unreserve(); or %V3C_REASON_QUOTA.
 */
enum v3c_reason v3u_quota_reserve(struct v3u_call *call, struct v3u_quota *quota, u64 pages)
{
	u64 max = READ_ONCE(v3u_max_reservation);
	enum v3c_reason reason;

	if (pages > max)
		return refuse_quota(call, V3C_PARAM_SIZE, v3c_bytes(pages), v3c_bytes(max));
	max = READ_ONCE(v3u_max_reserved);
	reason = add_below(call, V3C_PARAM_SIZE, &call->file->reserved, pages, max);
	if (reason)
		return reason;
	max = READ_ONCE(v3u_max_user_reserved);
	reason = add_below(call, V3C_PARAM_SIZE, &quota->reserved, pages, max);
	if (reason)
		atomic64_sub(pages, &call->file->reserved);
	return reason;
}

void v3u_quota_unreserve(struct v3u_quota *quota, struct v3u_file *file, u64 pages)
{
	atomic64_sub(pages, &quota->reserved);
	atomic64_sub(pages, &file->reserved);
}

/* v3u_quota_map() counts @pages as mapped; who releases them takes them off &v3u_file.mapped. */
enum v3c_reason v3u_quota_map(struct v3u_call *call, u64 pages)
{
	return add_below(call, V3C_PARAM_LENGTH, &call->file->mapped, pages,
			 READ_ONCE(v3u_max_mapped));
}

/* v3u_quota_pasid() counts a sub-device; who destroys it takes it off &v3u_file.pasids. */
enum v3c_reason v3u_quota_pasid(struct v3u_call *call)
{
	unsigned int max = READ_ONCE(v3u_max_pasids);
	int now = atomic_inc_return(&call->file->pasids);

	if (now <= max)
		return 0;
	atomic_dec(&call->file->pasids);
	return refuse_quota(call, V3C_PARAM_PASID, now, max);
}

static struct v3compat_limit limit_of(u64 max, u64 used)
{
	return (struct v3compat_limit) { .max = max, .used = used };
}

/* v3u_quota_tell() says what the file and the calling user have, and may have. */
void v3u_quota_tell(struct v3u_file *file, struct v3compat_info *info)
{
	struct v3u_quota *quota;

	info->out_objects = limit_of(READ_ONCE(v3u_max_objects), atomic_read(&file->nr_objects));
	info->out_pasids = limit_of(READ_ONCE(v3u_max_pasids), atomic_read(&file->pasids));
	info->out_mapped = limit_of(v3c_bytes(READ_ONCE(v3u_max_mapped)),
				 v3c_bytes(atomic64_read(&file->mapped)));
	info->out_reservation = limit_of(v3c_bytes(READ_ONCE(v3u_max_reservation)), 0);
	info->out_reserved = limit_of(v3c_bytes(READ_ONCE(v3u_max_reserved)),
				   v3c_bytes(atomic64_read(&file->reserved)));
	info->out_events = limit_of(READ_ONCE(v3u_max_events), 0);
	info->out_user_objects = limit_of(READ_ONCE(v3u_max_user_objects), 0);
	info->out_user_reserved = limit_of(v3c_bytes(READ_ONCE(v3u_max_user_reserved)), 0);
	guard(mutex)(&quotas_lock);
	quota = find_quota(current_uid());
	if (!quota)
		return;
	info->out_user_objects.used = quota->objects;
	info->out_user_reserved.used = v3c_bytes(atomic64_read(&quota->reserved));
}
