// SPDX-License-Identifier: GPL-2.0
/*
 * Registered memory, and where else the memory comes from that is mapped.
 */
#include <linux/iommu.h>
#include <linux/slab.h>

#include "user/call.h"
#include "user/commands.h"
#include "user/memory.h"
#include "user/payer.h"
#include "user/pin.h"
#include "user/quota.h"

/* find_run() finds the run that has page @at of @memory. */
static u64 find_run(const struct v3u_memory *memory, u64 at)
{
	u64 low = 0, high = memory->pages.count;

	while (high - low > 1) {
		u64 middle = low + (high - low) / 2;

		if (memory->at[middle] <= at)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/*
 * release_memory() tells last that pages are not mapped any more, because the memory may be
 * destroyed then.
 */
static void release_memory(struct v3c_payload *payload, u64 at, u64 pages)
{
	struct v3u_memory *memory = container_of(payload, struct v3u_memory, payload);

	atomic64_sub(pages, &memory->object.file->mapped);
	atomic64_sub_return_release(pages, &memory->live);
}

static void free_memory(struct v3u_object *object)
{
	struct v3u_memory *memory = v3u_to_memory(object);

	kvfree(memory->at);
	kfree(memory);
}

static enum v3c_reason destroy_memory(struct v3u_object *object, struct v3u_call *call)
{
	struct v3u_memory *memory = v3u_to_memory(object);
	u64 live = atomic64_read_acquire(&memory->live);

	if (live)
		return v3u_refuse(call, V3C_REASON_IN_USE, V3C_PARAM_MEMORY, live, 0);
	v3u_unpin(&memory->pages);
	return 0;
}

static void close_memory(struct v3u_object *object)
{
	v3u_unpin(&v3u_to_memory(object)->pages);
}

/*
 * v3u_memory_use() keeps @memory, which is held for use, from being destroyed, because page tables
 * are in it. Counts as a mapping of a page.
 */
void v3u_memory_use(struct v3u_memory *memory)
{
	atomic64_inc(&memory->live);
}

void v3u_memory_unuse(struct v3u_memory *memory)
{
	atomic64_sub_return_release(1, &memory->live);
}

static const struct v3u_type memory_type = {
	.kind = V3U_MEMORY,
	.name = "memory",
	.destroy = destroy_memory,
	.close = close_memory,
	.free = free_memory,
};

/**
 * v3u_source_check() - whether a description of memory is one, by its form
 * @call: the command
 * @source: the description
 *
 * Context: any.
 * Return: 0; %V3C_REASON_NOT_OFFERED; %V3C_REASON_BAD_ENUM; %V3C_REASON_UNKNOWN_FLAG;
 * %V3C_REASON_EMPTY; %V3C_REASON_MISALIGNED; or %V3C_REASON_WRAPS.
 */
enum v3c_reason v3u_source_check(struct v3u_call *call, const struct v3compat_source *source)
{
	bool named = source->type == V3COMPAT_SOURCE_MEMORY ||
		     source->type == V3COMPAT_SOURCE_MEMFD;

	if (source->type == V3COMPAT_SOURCE_IOAS || source->type == V3COMPAT_SOURCE_DMABUF)
		return v3u_refuse(call, V3C_REASON_NOT_OFFERED, V3C_PARAM_SOURCE, source->type,
				  V3COMPAT_SOURCE_PHYSICAL);
	if (source->type > V3COMPAT_SOURCE_PHYSICAL)
		return v3u_refuse(call, V3C_REASON_BAD_ENUM, V3C_PARAM_SOURCE, source->type,
				  V3COMPAT_SOURCE_DMABUF);
	if (source->__reserved[0] || source->__reserved[1] || (!named && source->object))
		return v3u_check_reserved(call, source->__reserved[0] ?: source->__reserved[1] ?:
						source->object);
	if (!source->length)
		return v3u_refuse(call, V3C_REASON_EMPTY, V3C_PARAM_SOURCE, source->start, 0);
	if (!v3c_page_aligned(source->start | source->length))
		return v3u_refuse(call, V3C_REASON_MISALIGNED, V3C_PARAM_SOURCE, source->start,
				  source->length);
	if (source->length > S64_MAX || source->start > S64_MAX - source->length)
		return v3u_refuse(call, V3C_REASON_WRAPS, V3C_PARAM_SOURCE, source->start,
				  source->length);
	return 0;
}

/**
 * v3u_source_pin() - the part of taking memory that may take any time
 * @call: the command
 * @source: passed by v3u_source_check()
 * @write: devices are going to write to it
 * @taken: result, for v3u_source_take() and then v3u_source_leave()
 *
 * Context: may sleep, without a lock; killable.
 * Return: 0; what v3u_pin_user(), v3u_pin_memfd(), v3u_check_physical() or v3u_quota_map() refuses.
 */
enum v3c_reason v3u_source_pin(struct v3u_call *call, const struct v3compat_source *source,
			       bool write, struct v3u_taken *taken)
{
	u64 count = source->length >> V3C_PAGE_SHIFT;
	enum v3c_reason reason;

	taken->pin.payload = NULL;
	taken->pages = (struct v3u_pages) {
		.write = write, .runs = taken->few, .room = V3U_FEW_PAGES, .few = taken->few,
	};
	taken->memory = NULL;
	taken->payer = NULL;
	switch (source->type) {
	case V3COMPAT_SOURCE_USER:
		reason = v3u_pin_user(call, &taken->pages, source->start, count);
		break;
	case V3COMPAT_SOURCE_MEMFD:
		reason = v3u_pin_memfd(call, &taken->pages, source->object, source->start, count);
		break;
	case V3COMPAT_SOURCE_PHYSICAL:
		reason = v3u_check_physical(call);
		break;
	default:
		return 0;
	}
	return reason;
}

/* take_memory() describes a part of registered memory. */
static enum v3c_reason take_memory(struct v3u_call *call, const struct v3compat_source *source,
				   bool write, struct v3u_taken *taken)
{
	u64 page = source->start >> V3C_PAGE_SHIFT, count = source->length >> V3C_PAGE_SHIFT, run;
	u32 object = call->object;
	struct v3u_memory *memory;

	memory = v3u_object_get(call, source->object, V3U_MEMORY, V3C_PARAM_MEMORY);
	if (!memory)
		return call->why.reason;
	call->object = object;
	taken->memory = memory;
	if (page > memory->pages.pages || count > memory->pages.pages - page)
		return v3u_refuse(call, V3C_REASON_BEYOND_MEMORY, V3C_PARAM_SOURCE, source->start,
				  source->start + source->length - 1);
	if (write && !memory->pages.write)
		return v3u_refuse(call, V3C_REASON_READ_ONLY, V3C_PARAM_MEMORY, 0, 0);
	run = find_run(memory, page);
	taken->phys = (struct v3c_phys) {
		.pages = count,
		.runs = memory->pages.runs + run,
		.count = memory->pages.count - run,
		.next = page - memory->at[run],
	};
	if (taken->phys.next + count <= taken->phys.runs->pages)
		taken->phys = (struct v3c_phys) {
			.pages = count, .pfn = taken->phys.runs->pfn + taken->phys.next,
		};
	taken->pin = (struct v3c_pin) { .payload = &memory->payload, .at = page };
	return 0;
}

static enum v3c_reason take_physical(struct v3u_call *call, const struct v3compat_source *source,
				     struct v3u_taken *taken)
{
	enum v3c_reason reason = v3c_phys_init_run(&taken->phys, source->start, source->length,
						   &call->why);

	if (reason)
		return reason;
	taken->payer = v3u_payer_get(call);
	if (!taken->payer)
		return call->why.reason;
	taken->pin = (struct v3c_pin) {
		.payload = &taken->payer->other, .at = source->start >> V3C_PAGE_SHIFT,
	};
	return 0;
}

static enum v3c_reason take_pages(struct v3u_call *call, struct v3u_taken *taken)
{
	struct v3u_pages *pages = &taken->pages;

	taken->pin.payload = v3u_pages_payload(pages, &taken->pin.at);
	if (!taken->pin.payload)
		return v3u_refuse(call, V3C_REASON_NO_MEMORY, V3C_PARAM_NONE, 0, 0);
	if (pages->count == 1)
		taken->phys = (struct v3c_phys) { .pfn = pages->runs->pfn, .pages = pages->pages };
	else
		taken->phys = (struct v3c_phys) {
			.runs = pages->runs, .count = pages->count, .pages = pages->pages,
		};
	return 0;
}

/**
 * v3u_source_take() - memory as the core wants it
 * @call: the command
 * @source: passed by v3u_source_check()
 * @write: devices are going to write to it
 * @taken: passed by v3u_source_pin()
 *
 * On success @taken->pin is the core's: whatever that answers, it gives it back.
 *
 * Context: may sleep; with objects that come before memory held for use. Killable.
 * Return: 0; %V3C_REASON_QUOTA; %V3C_REASON_NO_MEMORY; of registered memory also
 * %V3C_REASON_BAD_HANDLE, %V3C_REASON_BEYOND_MEMORY, %V3C_REASON_READ_ONLY and
 * %V3C_REASON_KILLED; of physical memory %V3C_REASON_WRAPS.
 */
enum v3c_reason v3u_source_take(struct v3u_call *call, const struct v3compat_source *source,
				bool write, struct v3u_taken *taken)
{
	u64 count = source->length >> V3C_PAGE_SHIFT;
	enum v3c_reason reason = v3u_quota_map(call, count);

	if (reason)
		return reason;
	if (source->type == V3COMPAT_SOURCE_MEMORY)
		reason = take_memory(call, source, write, taken);
	else if (source->type == V3COMPAT_SOURCE_PHYSICAL)
		reason = take_physical(call, source, taken);
	else
		reason = take_pages(call, taken);
	if (reason) {
		atomic64_sub(count, &call->file->mapped);
		return reason;
	}
	if (taken->memory)
		atomic64_add(count, &taken->memory->live);
	else if (taken->payer)
		atomic64_add(count, &taken->payer->refs);
	else
		taken->pages.payer = NULL;
	return 0;
}

/* v3u_source_leave() ends what v3u_source_pin() began; what the core has stays. */
void v3u_source_leave(struct v3u_taken *taken)
{
	if (taken->pages.payer)
		v3u_unpin(&taken->pages);
	else
		v3u_free_runs(&taken->pages);
	if (taken->memory)
		v3u_object_put(&taken->memory->object);
	if (taken->payer)
		v3u_payer_put(taken->payer, 1);
}

/* number_runs() fills @memory->at. */
static int number_runs(struct v3u_memory *memory)
{
	const struct v3u_pages *pages = &memory->pages;
	u64 i, at = 0;

	memory->at = kvmalloc_array(pages->count, sizeof(*memory->at),
				    GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!memory->at)
		return -ENOMEM;
	for (i = 0; i < pages->count; i++) {
		memory->at[i] = at;
		at += pages->runs[i].pages;
	}
	memory->frames = (struct v3c_frames) {
		.runs = pages->runs, .at = memory->at, .count = pages->count, .pages = at,
		.prot = IOMMU_READ | (pages->write ? IOMMU_WRITE : 0),
	};
	return 0;
}

static enum v3c_reason pin_memory(struct v3u_call *call, struct v3u_memory *memory,
				  const struct v3compat_source *source)
{
	u64 count = source->length >> V3C_PAGE_SHIFT;
	enum v3c_reason reason;

	if (source->type == V3COMPAT_SOURCE_USER)
		reason = v3u_pin_user(call, &memory->pages, source->start, count);
	else
		reason = v3u_pin_memfd(call, &memory->pages, source->object, source->start, count);
	if (reason || !number_runs(memory))
		return reason;
	v3u_unpin(&memory->pages);
	return v3u_refuse(call, V3C_REASON_NO_MEMORY, V3C_PARAM_NONE, 0, 0);
}

enum v3c_reason v3u_memory_create(struct v3u_call *call)
{
	struct v3compat_memory_create *arg = call->arg;
	struct v3u_memory *memory;
	enum v3c_reason reason;

	reason = v3u_check_flags(call, arg->flags, V3COMPAT_MEMORY_READ_ONLY) ?:
		 v3u_check_reserved(call, arg->__reserved) ?:
		 v3u_source_check(call, &arg->source);
	if (reason)
		return reason;
	if (arg->source.type != V3COMPAT_SOURCE_USER && arg->source.type != V3COMPAT_SOURCE_MEMFD)
		return v3u_refuse(call, V3C_REASON_NOT_OFFERED, V3C_PARAM_SOURCE, arg->source.type,
				  V3COMPAT_SOURCE_MEMFD);
	memory = v3u_object_new(call, &memory_type, sizeof(*memory));
	if (!memory)
		return call->why.reason;
	memory->pages = (struct v3u_pages) {
		.write = !(arg->flags & V3COMPAT_MEMORY_READ_ONLY),
		.runs = &memory->one, .room = 1, .few = &memory->one,
	};
	memory->payload.release = release_memory;
	reason = pin_memory(call, memory, &arg->source);
	if (reason)
		goto abort;
	arg->out_memory = memory->object.id;
	reason = v3u_call_answer(call);
	if (reason)
		goto unpin;
	v3u_object_publish(&memory->object);
	return 0;

unpin:
	v3u_unpin(&memory->pages);
abort:
	v3u_object_abort(&memory->object);
	return reason;
}
