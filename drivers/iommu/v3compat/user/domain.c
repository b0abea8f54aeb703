// SPDX-License-Identifier: GPL-2.0
/*
 * Domains of a file.
 */
#include <linux/iommu.h>
#include <linux/slab.h>

#include "core/check.h"
#include "core/domain.h"
#include "core/flush.h"
#include "core/lookup.h"
#include "user/call.h"
#include "user/commands.h"
#include "user/domain.h"
#include "user/memory.h"

static_assert((int)V3COMPAT_DOMAIN_TRANSLATE == V3C_DOMAIN_TRANSLATE);
static_assert((int)V3COMPAT_DOMAIN_PASSTHROUGH == V3C_DOMAIN_PASSTHROUGH);
static_assert((int)V3COMPAT_DOMAIN_UNMANAGED == V3C_DOMAIN_UNMANAGED);
static_assert((int)V3COMPAT_DOMAIN_TRANSLATE_S1 == V3C_DOMAIN_TRANSLATE_S1);

/* struct v3u_tables: registered memory that the page tables of a domain are, or may be, in. */
struct v3u_tables {
	struct list_head entry;
	struct v3u_memory *memory;
};

/* forget_tables() ends the use of all memory for tables of @domain but for @kept. */
static void forget_tables(struct v3u_domain *domain, const struct v3u_tables *kept)
{
	struct v3u_tables *tables, *next;

	list_for_each_entry_safe(tables, next, &domain->tables, entry) {
		if (tables == kept)
			continue;
		list_del(&tables->entry);
		v3u_memory_unuse(tables->memory);
		kfree(tables);
	}
}

static void free_domain(struct v3u_object *object)
{
	kfree(v3u_to_domain(object));
}

static enum v3c_reason destroy_domain(struct v3u_object *object, struct v3u_call *call)
{
	struct v3u_domain *domain = v3u_to_domain(object);
	enum v3c_reason reason = 0;
	u32 child;

	call->member = V3W_DeleteDomain;
	if (domain->core)
		reason = v3c_domain_destroy(domain->core, &call->why);
	if (reason == V3C_REASON_IN_USE) {
		child = v3u_object_child(object);
		if (child)
			call->object = child;
	}
	if (!reason)
		forget_tables(domain, NULL);
	return reason;
}

static void close_domain(struct v3u_object *object)
{
	forget_tables(v3u_to_domain(object), NULL);
}

static const struct v3u_type domain_type = {
	.kind = V3U_DOMAIN,
	.name = "domain",
	.destroy = destroy_domain,
	.close = close_domain,
	.free = free_domain,
};

/**
 * v3u_domain_core() - the core's domain
 * @call: the command
 * @domain: held for use
 *
 * It is made with the first command that needs it, because only a device of the file says what it
 * can be, and nothing of other devices may show in it.
 *
 * Context: may sleep; killable.
 * Return: the core's domain; or NULL, refused with %V3C_REASON_NO_DEVICE, %V3C_REASON_KILLED or
 * what v3c_domain_create() refuses.
 */
struct v3c_domain *v3u_domain_core(struct v3u_call *call, struct v3u_domain *domain)
{
	/* smp_load_acquire(): what v3u_domain_core() has made is there once it shows. */
	struct v3c_domain *core = smp_load_acquire(&domain->core);

	if (likely(core))
		return core;
	if (mutex_lock_killable(&domain->lock)) {
		v3u_refuse(call, V3C_REASON_KILLED, V3C_PARAM_NONE, 0, 0);
		return NULL;
	}
	core = domain->core;
	if (!core && !atomic_read(&call->file->devices)) {
		v3u_refuse(call, V3C_REASON_NO_DEVICE, V3C_PARAM_NONE, 0, 0);
	} else if (!core && !v3c_domain_create(&call->file->owner, &domain->config, &core,
					       &call->why)) {
		domain->last = v3c_lookup_last(core);
		/* smp_store_release() is for those who take no lock, and smp_load_acquire(). */
		smp_store_release(&domain->core, core);
	}
	mutex_unlock(&domain->lock);
	return core;
}

/* read_region() checks and converts region @index of the caller's. */
static enum v3c_reason read_region(struct v3u_call *call, struct v3u_domain *domain,
				   const struct v3compat_region *region, unsigned int index)
{
	struct v3c_region *to = &domain->regions[index];
	enum v3c_reason reason;

	if (region->flags & ~V3COMPAT_REGION_MAP || region->__reserved)
		return v3u_refuse(call, V3C_REASON_UNKNOWN_FLAG, V3C_PARAM_REGIONS,
				  region->flags & ~V3COMPAT_REGION_MAP ?: region->__reserved,
				  V3COMPAT_REGION_MAP);
	if (!v3c_page_aligned(region->length))
		return v3u_refuse(call, V3C_REASON_MISALIGNED, V3C_PARAM_REGIONS, region->base,
				  region->length);
	reason = v3c_check_region(region->base, region->length >> V3C_PAGE_SHIFT, to,
				  &call->why) ?:
		 v3c_check_overlap(domain->regions, index + 1, &call->why);
	if (reason)
		return reason;
	to->mapped = region->flags & V3COMPAT_REGION_MAP;
	return to->mapped ? v3u_check_physical(call) : 0;
}

static enum v3c_reason read_regions(struct v3u_call *call, struct v3u_domain *domain,
				    const struct v3compat_domain_create *arg)
{
	const struct v3compat_region __user *from = u64_to_user_ptr(arg->regions);
	struct v3compat_region region;
	enum v3c_reason reason = 0;
	unsigned int i;

	for (i = 0; !reason && i < arg->nr_regions; i++) {
		if (copy_from_user(&region, from + i, sizeof(region)))
			return v3u_refuse(call, V3C_REASON_BAD_POINTER, V3C_PARAM_REGIONS,
					  (uintptr_t)(from + i), (uintptr_t)(from + i + 1) - 1);
		reason = read_region(call, domain, &region, i);
	}
	domain->config.regions = domain->regions;
	domain->config.nr_regions = arg->nr_regions;
	return reason;
}

static enum v3c_reason check_create(struct v3u_call *call, const struct v3compat_domain_create *arg)
{
	enum v3c_reason reason = v3u_check_flags(call, arg->flags, 0);

	if (reason)
		return reason;
	if (arg->type > V3COMPAT_DOMAIN_TRANSLATE_S1)
		return v3u_refuse(call, V3C_REASON_BAD_ENUM, V3C_PARAM_TYPE, arg->type,
				  V3COMPAT_DOMAIN_TRANSLATE_S1 + 1);
	if (arg->nr_regions > V3U_MAX_REGIONS)
		return v3u_refuse(call, V3C_REASON_TOO_MANY, V3C_PARAM_REGIONS, arg->nr_regions,
				  V3U_MAX_REGIONS);
	return arg->address_width ? v3c_check_width(arg->type, arg->address_width, &call->why) : 0;
}

enum v3c_reason v3u_domain_create(struct v3u_call *call)
{
	struct v3compat_domain_create *arg = call->arg;
	enum v3c_reason reason = check_create(call, arg);
	struct v3u_domain *domain;

	if (reason)
		return reason;
	domain = v3u_object_new(call, &domain_type,
				struct_size(domain, regions, arg->nr_regions));
	if (!domain)
		return call->why.reason;
	mutex_init(&domain->lock);
	mutex_init(&domain->configuring);
	INIT_LIST_HEAD(&domain->tables);
	domain->config.type = arg->type;
	domain->config.width = arg->address_width;
	arg->out_domain = domain->object.id;
	reason = read_regions(call, domain, arg);
	/* Where the file has a device, a domain that cannot be is refused here and not later. */
	if (!reason && atomic_read(&call->file->devices) && !v3u_domain_core(call, domain))
		reason = call->why.reason;
	reason = reason ?: v3u_call_answer(call);
	if (!reason) {
		v3u_object_publish(&domain->object);
		return 0;
	}
	if (domain->core)
		v3c_domain_reclaim(domain->core);
	v3u_object_abort(&domain->object);
	return reason;
}

/*
 * list_ranges() fills @to with what cannot be mapped, as much as there is room for, and counts all
 * of it.
 */
static enum v3c_reason list_ranges(struct v3u_call *call, struct v3c_domain *core,
				   struct v3compat_region *to, u32 room, u32 *total)
{
	struct v3c_view views[8];
	unsigned int count, i;
	u64 cursor = 0;

	while (cursor != U64_MAX) {
		if (fatal_signal_pending(current))
			return v3u_refuse(call, V3C_REASON_KILLED, V3C_PARAM_NONE, 0, 0);
		count = v3c_lookup_ranges(core, &call->file->owner, &cursor, views,
					  ARRAY_SIZE(views));
		for (i = 0; i < count; i++) {
			if (views[i].kind < V3C_RANGE_HOLE)
				continue;
			if (*total < room)
				to[*total] = (struct v3compat_region) {
					.base = views[i].first << V3C_PAGE_SHIFT,
					.length = v3c_bytes(views[i].last - views[i].first + 1),
					.flags = views[i].kind == V3C_RANGE_DIRECT ?
							 V3COMPAT_REGION_MAP : 0,
				};
			++*total;
		}
		cond_resched();
	}
	return 0;
}

/* describe_domain() answers all but the type. Nothing is settled without a core's domain. */
static enum v3c_reason describe_domain(struct v3u_call *call, struct v3u_domain *domain,
				       struct v3compat_domain_query *arg,
				       struct v3compat_region *ranges, u32 room)
{
	/* smp_load_acquire(), as in v3u_domain_core() */
	struct v3c_domain *core = smp_load_acquire(&domain->core);

	if (!core || !v3c_domain_is_mapped_by_us(core))
		return 0;
	arg->out_flags = V3COMPAT_DOMAIN_SETTLED;
	arg->out_last = v3c_lookup_last(core);
	arg->out_page_sizes = v3c_lookup_page_sizes(core, &call->file->owner);
	arg->out_alignment = V3C_PAGE_SIZE;
	return list_ranges(call, core, ranges, room, &arg->out_ranges);
}

enum v3c_reason v3u_domain_query(struct v3u_call *call)
{
	struct v3compat_domain_query *arg = call->arg;
	u32 room = min(arg->max_ranges, V3U_MAX_RANGES), written;
	struct v3compat_region *ranges = NULL;
	struct v3u_domain *domain;
	enum v3c_reason reason;

	if (room && !arg->ranges)
		return v3u_refuse(call, V3C_REASON_NULL_POINTER, V3C_PARAM_BUFFER, 0, 0);
	if (room)
		ranges = kvcalloc(room, sizeof(*ranges), GFP_KERNEL_ACCOUNT);
	if (room && !ranges)
		return v3u_refuse(call, V3C_REASON_NO_MEMORY, V3C_PARAM_NONE, 0, 0);
	domain = v3u_object_get(call, arg->domain, V3U_DOMAIN, V3C_PARAM_DOMAIN);
	if (!domain) {
		kvfree(ranges);
		return call->why.reason;
	}
	arg->out_type = domain->config.type;
	arg->out_flags = 0;
	arg->out_last = 0;
	arg->out_page_sizes = 0;
	arg->out_alignment = 0;
	arg->out_ranges = 0;
	reason = describe_domain(call, domain, arg, ranges, room);
	v3u_object_put(&domain->object);
	written = min(arg->out_ranges, room);
	if (!reason && written &&
	    copy_to_user(u64_to_user_ptr(arg->ranges), ranges,
			 array_size(written, sizeof(*ranges))))
		reason = v3u_refuse(call, V3C_REASON_BAD_POINTER, V3C_PARAM_BUFFER, arg->ranges,
				    arg->ranges + written * sizeof(*ranges) - 1);
	kvfree(ranges);
	return reason ?: v3u_call_answer(call);
}

/* read_tables() checks and converts the caller's configuration. */
static enum v3c_reason read_tables(struct v3u_call *call,
				   const struct v3compat_domain_configure *arg,
				   struct v3c_tables *tables)
{
	bool good;

	switch (arg->format) {
	case V3COMPAT_TABLES_IDENTITY:
		tables->kind = V3C_TABLES_IDENTITY;
		good = true;
		break;
	case V3COMPAT_TABLES_X64:
		if (arg->width != 48 && arg->width != 57)
			return v3u_refuse(call, V3C_REASON_BAD_CONFIG, V3C_PARAM_CONFIG, arg->width,
					  57);
		good = v3c_tables_set_x64(tables, arg->root, arg->width == 48 ? 4 : 5);
		break;
	case V3COMPAT_TABLES_ARM64:
		if (arg->width > 48 || arg->width_high > 48)
			return v3u_refuse(call, V3C_REASON_BAD_CONFIG, V3C_PARAM_CONFIG,
					  max(arg->width, arg->width_high), 48);
		good = v3c_tables_set_arm64(tables, 0, arg->root, arg->width) &&
		       v3c_tables_set_arm64(tables, 1, arg->root_high, arg->width_high);
		break;
	default:
		return v3u_refuse(call, V3C_REASON_BAD_ENUM, V3C_PARAM_CONFIG, arg->format,
				  V3COMPAT_TABLES_IDENTITY + 1);
	}
	if (!good)
		return v3u_refuse(call, V3C_REASON_BAD_CONFIG, V3C_PARAM_CONFIG, arg->root, 0);
	if (arg->format == V3COMPAT_TABLES_ARM64)
		return 0;
	return v3u_check_reserved(call, arg->root_high | arg->width_high |
					(tables->kind == V3C_TABLES_IDENTITY ?
						 arg->root | arg->width | arg->memory : 0));
}

/* use_tables() keeps @memory for tables of @domain, under &v3u_domain.configuring. */
static struct v3u_tables *use_tables(struct v3u_call *call, struct v3u_domain *domain,
				     struct v3u_memory *memory)
{
	struct v3u_tables *tables;

	list_for_each_entry(tables, &domain->tables, entry)
		if (tables->memory == memory)
			return tables;
	tables = kmalloc(sizeof(*tables), GFP_KERNEL_ACCOUNT);
	if (!tables) {
		v3u_refuse(call, V3C_REASON_NO_MEMORY, V3C_PARAM_NONE, 0, 0);
		return NULL;
	}
	v3u_memory_use(memory);
	tables->memory = memory;
	list_add(&tables->entry, &domain->tables);
	return tables;
}

/*
 * configure_core() is for a domain and registered memory that are held for use; the latter is NULL
 * with V3C_TABLES_IDENTITY. Where the core does not succeed, devices may still find pages of any
 * memory that was configured before: all of it stays in use until something is configured as a
 * whole.
 */
static enum v3c_reason configure_core(struct v3u_call *call, struct v3u_domain *domain,
				      struct v3u_memory *memory, struct v3c_tables *tables)
{
	struct v3c_domain *core = v3u_domain_core(call, domain);
	struct v3u_tables *used = NULL;
	enum v3c_reason reason = 0;

	if (!core)
		return call->why.reason;
	if (mutex_lock_killable(&domain->configuring))
		return v3u_refuse(call, V3C_REASON_KILLED, V3C_PARAM_NONE, 0, 0);
	if (memory) {
		used = use_tables(call, domain, memory);
		tables->frames = &memory->frames;
		reason = used ? 0 : call->why.reason;
	}
	if (!reason)
		reason = v3c_domain_configure(core, tables, &call->why);
	if (!reason)
		forget_tables(domain, used);
	mutex_unlock(&domain->configuring);
	return reason;
}

enum v3c_reason v3u_domain_configure(struct v3u_call *call)
{
	const struct v3compat_domain_configure *arg = call->arg;
	struct v3u_domain *domain = v3u_object_get(call, arg->domain, V3U_DOMAIN,
						   V3C_PARAM_DOMAIN);
	struct v3u_memory *memory = NULL;
	struct v3c_tables tables = {};
	enum v3c_reason reason;

	if (!domain)
		return call->why.reason;
	if (domain->config.type != V3C_DOMAIN_UNMANAGED)
		reason = v3u_refuse(call, V3C_REASON_WRONG_TYPE, V3C_PARAM_DOMAIN,
				    domain->config.type, 0);
	else
		reason = read_tables(call, arg, &tables);
	if (!reason && tables.kind == V3C_TABLES_IDENTITY) {
		reason = v3u_check_physical(call);
	} else if (!reason) {
		memory = v3u_object_get(call, arg->memory, V3U_MEMORY, V3C_PARAM_MEMORY);
		if (!memory)
			reason = call->why.reason;
	}
	if (!reason)
		reason = configure_core(call, domain, memory, &tables);
	if (memory)
		v3u_object_put(&memory->object);
	v3u_object_put(&domain->object);
	return reason;
}

enum v3c_reason v3u_domain_flush(struct v3u_call *call)
{
	struct v3compat_domain_flush *arg = call->arg;
	struct v3u_domain *domain;
	struct v3c_domain *core;
	enum v3c_reason reason;
	u64 *list = NULL;

	call->member = arg->list ? V3W_FlushDomainByVaList : V3W_FlushDomain;
	reason = v3u_check_reserved(call, arg->__reserved);
	if (reason)
		return reason;
	if (arg->count > V3U_MAX_FLUSH)
		return v3u_refuse(call, V3C_REASON_TOO_MANY, V3C_PARAM_LIST, arg->count,
				  V3U_MAX_FLUSH);
	if (!arg->list && arg->count)
		return v3u_refuse(call, V3C_REASON_NULL_POINTER, V3C_PARAM_LIST, 0, 0);
	if (arg->list && arg->count) {
		list = vmemdup_array_user(u64_to_user_ptr(arg->list), arg->count, sizeof(*list));
		if (PTR_ERR_OR_ZERO(list) == -EFAULT)
			return v3u_refuse(call, V3C_REASON_BAD_POINTER, V3C_PARAM_LIST, arg->list,
					  arg->list + arg->count * sizeof(*list) - 1);
		if (IS_ERR(list))
			return v3u_refuse(call, V3C_REASON_NO_MEMORY, V3C_PARAM_NONE, 0, 0);
	}
	domain = v3u_object_get(call, arg->domain, V3U_DOMAIN, V3C_PARAM_DOMAIN);
	if (!domain) {
		reason = call->why.reason;
		goto free;
	}
	core = v3u_domain_core(call, domain);
	if (!core)
		reason = call->why.reason;
	else if (list)
		reason = v3c_domain_flush_list(core, arg->count, list, &call->why);
	else if (!arg->list)
		reason = v3c_domain_flush(core, &call->why);
	v3u_object_put(&domain->object);
free:
	kvfree(list);
	return reason;
}
