// SPDX-License-Identifier: GPL-2.0
/*
 * Batches of maps and unmaps.
 */
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "core/check.h"
#include "core/map.h"
#include "table/hwpt.h"
#include "user/call.h"
#include "user/commands.h"
#include "user/domain.h"
#include "user/map.h"

/* GATHERED: as many unmaps are invalidated together. */
#define GATHERED	64

/**
 * struct v3u_gathered - unmaps of one domain that are done together
 * @domain: handle of the domain, or 0
 * @count: of @entry
 * @entry: what the caller asked for
 * @span: likewise, for the core
 */
struct v3u_gathered {
	u32 domain;
	unsigned int count;
	struct v3compat_unmap entry[GATHERED];
	struct v3c_span span[GATHERED];
};

/* struct v3u_answer: where the address of @map goes. */
struct v3u_answer {
	const struct v3compat_map *map;
	struct v3compat_batch_entry __user *user;
};

/* unmap_together() unmaps all, or, but for what an IOMMU driver kept, none. */
static enum v3c_reason unmap_together(struct v3u_call *call, struct v3u_gathered *gathered)
{
	struct v3u_domain *domain = v3u_object_get(call, gathered->domain, V3U_DOMAIN,
						   V3C_PARAM_OBJECT);
	struct v3c_domain *core;
	enum v3c_reason reason;

	if (!domain)
		return call->why.reason;
	core = v3u_domain_core(call, domain);
	reason = core ? v3c_unmap_many(core, gathered->span, gathered->count, true, &call->why) :
			call->why.reason;
	v3u_object_put(&domain->object);
	return reason;
}

/*
 * unmap_gathered() adds to @call->ret what was done. Where they cannot be done together, they are
 * done one by one, up to the one that is refused.
 */
static enum v3c_reason unmap_gathered(struct v3u_call *call, struct v3u_gathered *gathered)
{
	unsigned int count = gathered->count, i;
	enum v3c_reason reason = V3C_REASON_NOT_MAPPED;

	if (count > 1)
		reason = unmap_together(call, gathered);
	gathered->count = 0;
	if (!reason) {
		call->ret += count;
		return 0;
	}
	if (reason == V3C_REASON_SHORT_UNMAP) {
		for (i = 0; i < count && !gathered->span[i].lost; i++)
			call->ret++;
		return reason;
	}
	for (i = 0, reason = 0; i < count && !reason; i++) {
		reason = v3u_unmap_one(call, &gathered->entry[i]);
		call->ret += !reason;
	}
	return reason;
}

/* gather_unmap() takes @arg for unmap_gathered() if it can be done together with what is there. */
static bool gather_unmap(struct v3u_call *call, struct v3u_gathered *gathered,
		   const struct v3compat_unmap *arg)
{
	u64 pages = arg->length >> V3C_PAGE_SHIFT;
	struct v3c_why why;

	if (gathered->count == GATHERED || (gathered->count && arg->object != gathered->domain))
		return false;
	if (v3c_check_size(arg->length, &why) || v3c_check_pages(arg->address, pages, &why) ||
	    v3u_check_unmap(call, arg) || !v3u_object_is(call->file, arg->object, V3U_DOMAIN))
		return false;
	gathered->domain = arg->object;
	gathered->entry[gathered->count] = *arg;
	gathered->span[gathered->count++] = (struct v3c_span) {
		.first = arg->address >> V3C_PAGE_SHIFT,
		.last = (arg->address >> V3C_PAGE_SHIFT) + pages - 1,
	};
	return true;
}

static enum v3c_reason answer_entry(struct v3u_call *call, void *to)
{
	struct v3u_answer *answer = to;

	if (!put_user(answer->map->address, &answer->user->map.address))
		return 0;
	return v3u_refuse(call, V3C_REASON_BAD_POINTER, V3C_PARAM_ENTRIES,
			  (uintptr_t)answer->user, (uintptr_t)(answer->user + 1) - 1);
}

/*
 * finish_unmaps() does what was gathered. What @call says of the entry that comes next stays,
 * unless one of these is refused.
 */
static enum v3c_reason finish_unmaps(struct v3u_call *call, struct v3u_gathered *gathered)
{
	const struct v3c_why why = call->why;
	enum v3c_reason reason;
	u32 object = call->object;

	if (!gathered->count)
		return 0;
	call->member = V3W_UnmapLogicalRange;
	reason = unmap_gathered(call, gathered);
	if (reason)
		return reason;
	call->why = why;
	call->object = object;
	return 0;
}

static enum v3c_reason check_entry(struct v3u_call *call, const struct v3compat_batch_entry *entry)
{
	u32 size = entry->command == V3COMPAT_CMD_MAP ? sizeof(entry->map) : sizeof(entry->unmap);

	if (entry->command != V3COMPAT_CMD_MAP && entry->command != V3COMPAT_CMD_UNMAP)
		return v3u_refuse(call, V3C_REASON_BAD_ENUM, V3C_PARAM_ENTRIES, entry->command,
				  V3COMPAT_CMD_UNMAP);
	if (entry->map.size != size)
		return v3u_refuse(call, V3C_REASON_BAD_ENUM, V3C_PARAM_SIZE_OF_STRUCT,
				  entry->map.size, size);
	return v3u_check_reserved(call, entry->__reserved);
}

/* do_entry() does an entry, or gathers it. */
static enum v3c_reason do_entry(struct v3u_call *call, struct v3u_gathered *gathered,
				struct v3compat_batch_entry *entry,
				struct v3compat_batch_entry __user *user)
{
	struct v3u_answer answer = { .map = &entry->map, .user = user };
	bool unmap = entry->command == V3COMPAT_CMD_UNMAP;
	enum v3c_reason reason = check_entry(call, entry);

	if (reason || (unmap && gather_unmap(call, gathered, &entry->unmap)))
		return reason;
	reason = finish_unmaps(call, gathered);
	if (reason || (unmap && gather_unmap(call, gathered, &entry->unmap)))
		return reason;
	call->member = unmap ? V3W_UnmapLogicalRange : V3W_MapLogicalRangeEx;
	reason = unmap ? v3u_unmap_one(call, &entry->unmap) :
			 v3u_map_one(call, &entry->map, answer_entry, &answer);
	call->ret += !reason;
	return reason;
}

static enum v3c_reason read_entry(struct v3u_call *call, struct v3compat_batch_entry *entry,
				  void __user *user, u32 size)
{
	int err = size == sizeof(*entry) ? v3u_read_words(entry, user, size) : -EAGAIN;

	if (unlikely(err == -EAGAIN))
		err = copy_struct_from_user(entry, sizeof(*entry), user, size);
	if (err == -E2BIG)
		return v3u_refuse(call, V3C_REASON_UNKNOWN_FLAG, V3C_PARAM_SIZE_OF_STRUCT, size,
				  sizeof(*entry));
	if (err)
		return v3u_refuse(call, V3C_REASON_BAD_POINTER, V3C_PARAM_ENTRIES, (uintptr_t)user,
				  (uintptr_t)user + size - 1);
	return 0;
}

static enum v3c_reason do_entries(struct v3u_call *call, const struct v3compat_batch *arg,
				  struct v3u_gathered *gathered)
{
	struct v3compat_batch_entry entry __uninitialized;
	enum v3c_reason reason = 0;
	void __user *user;
	unsigned int i;

	for (i = 0; !reason && i < arg->count; i++) {
		user = u64_to_user_ptr(arg->entries + (u64)i * arg->entry_size);
		call->object = 0;
		if (fatal_signal_pending(current))
			reason = v3u_refuse(call, V3C_REASON_KILLED, V3C_PARAM_NONE, 0, 0);
		else
			reason = read_entry(call, &entry, user, arg->entry_size) ?:
				 do_entry(call, gathered, &entry, user);
		cond_resched();
	}
	return finish_unmaps(call, gathered) ?: reason;
}

enum v3c_reason v3u_batch(struct v3u_call *call)
{
	const struct v3compat_batch *arg = call->arg;
	struct v3u_gathered *gathered;
	enum v3c_reason reason = v3u_check_flags(call, arg->flags, 0);

	if (reason)
		return reason;
	if (!arg->count)
		return v3u_refuse(call, V3C_REASON_EMPTY, V3C_PARAM_ENTRIES, 0, 0);
	if (arg->count > V3U_MAX_ENTRIES)
		return v3u_refuse(call, V3C_REASON_TOO_MANY, V3C_PARAM_ENTRIES, arg->count,
				  V3U_MAX_ENTRIES);
	if (arg->entry_size < sizeof(struct v3compat_batch_entry) || arg->entry_size > PAGE_SIZE)
		return v3u_refuse(call, V3C_REASON_BAD_CONFIG, V3C_PARAM_SIZE_OF_STRUCT,
				  arg->entry_size, sizeof(struct v3compat_batch_entry));
	gathered = kmalloc(sizeof(*gathered), GFP_KERNEL_ACCOUNT);
	if (!gathered)
		return v3u_refuse(call, V3C_REASON_NO_MEMORY, V3C_PARAM_NONE, 0, 0);
	gathered->count = 0;
	reason = do_entries(call, arg, gathered);
	kfree(gathered);
	if (!reason || !call->ret)
		return reason;
	/* Some were done: their number is the answer, and the refusal goes beside it. */
	v3u_call_tell(call);
	return 0;
}
