// SPDX-License-Identifier: GPL-2.0
/*
 * Pinned pages count for RLIMIT_MEMLOCK of the user who maps or registers them, as those of other
 * subsystems do, and show in his process as VmPin.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/user.h>
#include <linux/slab.h>

#include "base/phys.h"
#include "user/call.h"
#include "user/payer.h"

static_assert(PAGE_SHIFT == V3C_PAGE_SHIFT);

/* limit_of_task() is how many pages the calling task may have pinned without CAP_IPC_LOCK. */
static u64 limit_of_task(void)
{
	return rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT;
}

/* limit_pages() is how many pages the calling task may have pinned. */
static u64 limit_pages(void)
{
	return capable(CAP_IPC_LOCK) ? U64_MAX : limit_of_task();
}

static bool is_within(u64 pages, long locked, u64 limit)
{
	limit = min_t(u64, limit, LONG_MAX);
	return pages <= limit && locked <= (long)(limit - pages);
}

static void free_payer(struct v3u_payer *payer)
{
	mmdrop(payer->mm);
	free_uid(payer->user);
	v3u_file_drop(payer->file);
	kfree(payer);
}

/* v3u_payer_put() takes back @refs, see &v3u_payer.refs. */
void v3u_payer_put(struct v3u_payer *payer, u64 refs)
{
	struct v3u_file *file = payer->file;

	if (atomic64_sub_return(refs, &payer->refs))
		return;
	scoped_guard(spinlock, &file->payers_lock)
		list_del(&payer->entry);
	free_payer(payer);
}

/* v3u_payer_unmapped() takes back @pages that were mapped, charged and, by now, unpinned. */
void v3u_payer_unmapped(struct v3u_payer *payer, u64 pages)
{
	atomic64_sub(pages, &payer->file->mapped);
	v3u_payer_uncharge(payer, pages);
	v3u_payer_put(payer, pages);
}

static void release_read(struct v3c_payload *payload, u64 at, u64 pages)
{
	unpin_user_page_range_dirty_lock(pfn_to_page(at), pages, false);
	v3u_payer_unmapped(container_of(payload, struct v3u_payer, read), pages);
}

static void release_write(struct v3c_payload *payload, u64 at, u64 pages)
{
	unpin_user_page_range_dirty_lock(pfn_to_page(at), pages, true);
	v3u_payer_unmapped(container_of(payload, struct v3u_payer, write), pages);
}

static void release_other(struct v3c_payload *payload, u64 at, u64 pages)
{
	struct v3u_payer *payer = container_of(payload, struct v3u_payer, other);

	atomic64_sub(pages, &payer->file->mapped);
	v3u_payer_put(payer, pages);
}

static bool is_current(const struct v3u_payer *payer)
{
	return payer->mm == current->mm && payer->user == current_user();
}

/* find_payer() finds the calling task's and takes a reference. One that is going is not found. */
static struct v3u_payer *find_payer(struct v3u_file *file)
{
	struct v3u_payer *payer;

	lockdep_assert_held(&file->payers_lock);

	list_for_each_entry(payer, &file->payers, entry)
		if (is_current(payer) && atomic64_inc_not_zero(&payer->refs))
			return payer;
	return NULL;
}

/* keep_recent() keeps @payer, or NULL, instead of whoever was kept. */
static void keep_recent(struct v3u_file *file, struct v3u_payer *payer)
{
	struct v3u_payer *old;

	if (payer)
		atomic64_inc(&payer->refs);
	scoped_guard(spinlock, &file->payers_lock) {
		old = file->recent_payer;
		file->recent_payer = payer;
	}
	if (old)
		v3u_payer_put(old, 1);
}

/* v3u_payer_forget() is for when the file is closed, so that no command is under way. */
void v3u_payer_forget(struct v3u_file *file)
{
	keep_recent(file, NULL);
}

static struct v3u_payer *new_payer(struct v3u_file *file)
{
	struct v3u_payer *payer = kzalloc(sizeof(*payer), GFP_KERNEL_ACCOUNT);

	if (!payer)
		return NULL;
	v3u_file_hold(file);
	payer->file = file;
	payer->user = get_uid(current_user());
	payer->mm = current->mm;
	mmgrab(payer->mm);
	atomic64_set(&payer->refs, 1);
	payer->read.release = release_read;
	payer->write.release = release_write;
	payer->other.release = release_other;
	scoped_guard(spinlock, &file->payers_lock)
		list_add(&payer->entry, &file->payers);
	return payer;
}

/**
 * v3u_payer_get() - the calling task as a payer
 * @call: the command
 *
 * Context: may sleep.
 * Return: the payer with one reference, for v3u_payer_put(); or NULL, refused with
 * %V3C_REASON_NO_MEMORY.
 */
struct v3u_payer *v3u_payer_get(struct v3u_call *call)
{
	struct v3u_file *file = call->file;
	struct v3u_payer *payer;

	scoped_guard(spinlock, &file->payers_lock) {
		payer = file->recent_payer;
		if (likely(payer && is_current(payer))) {
			atomic64_inc(&payer->refs);
			return payer;
		}
		payer = find_payer(file);
	}
	if (!payer)
		payer = new_payer(file);
	if (payer)
		keep_recent(file, payer);
	else
		v3u_refuse(call, V3C_REASON_NO_MEMORY, V3C_PARAM_NONE, 0, 0);
	return payer;
}

/**
 * v3u_payer_charge() - count pages that are about to be pinned
 * @call: the command
 * @payer: the calling task's
 * @pages: how many
 *
 * Context: any of the calling task.
 * Return: 0, for v3u_payer_uncharge(); or %V3C_REASON_MEMLOCK beyond the limit.
 */
enum v3c_reason v3u_payer_charge(struct v3u_call *call, struct v3u_payer *payer, u64 pages)
{
	long locked = atomic_long_read(&payer->user->locked_vm);
	u64 limit = limit_of_task();

	do {
		/* capable() only when it matters, because it takes longer, and is logged. */
		if (unlikely(!is_within(pages, locked, limit)))
			limit = limit_pages();
		if (unlikely(!is_within(pages, locked, limit)))
			return v3u_refuse(call, V3C_REASON_MEMLOCK, V3C_PARAM_LENGTH,
					  locked + pages, min_t(u64, limit, LONG_MAX));
	} while (!atomic_long_try_cmpxchg(&payer->user->locked_vm, &locked, locked + pages));
	atomic64_add(pages, &payer->mm->pinned_vm);
	atomic64_add(pages, &payer->file->pinned);
	return 0;
}

/* v3u_payer_uncharge() takes @pages back that v3u_payer_charge() counted, from any task. */
void v3u_payer_uncharge(struct v3u_payer *payer, u64 pages)
{
	atomic_long_sub(pages, &payer->user->locked_vm);
	atomic64_sub(pages, &payer->mm->pinned_vm);
	atomic64_sub(pages, &payer->file->pinned);
}

/* v3u_payer_tell() says what the calling task's user has pinned, and may. */
void v3u_payer_tell(struct v3compat_info *info)
{
	u64 limit = limit_pages();

	info->out_pinned = (struct v3compat_limit) {
		.max = limit == U64_MAX ? U64_MAX : v3c_bytes(limit),
		.used = v3c_bytes(atomic_long_read(&current_user()->locked_vm)),
	};
}
