/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM v3compat

#if !defined(V3COMPAT_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define V3COMPAT_TRACE_H

#include <linux/device.h>
#include <linux/tracepoint.h>

#include "base/why.h"

struct v3c_device;
struct v3c_domain;
struct v3c_pasid;

/* v3compat_domain_create shows domain 0 for a refused creation, which has no domain to name. */
TRACE_EVENT(v3compat_domain_create,
	TP_PROTO(const struct v3c_domain *domain, u32 type, u32 reason),
	TP_ARGS(domain, type, reason),
	TP_STRUCT__entry(
		__field(u32, domain)
		__field(u32, type)
		__field(u32, reason)
	),
	TP_fast_assign(
		__entry->domain = domain ? domain->handle.serial : 0;
		__entry->type = type;
		__entry->reason = reason;
	),
	TP_printk("domain=%u type=%u reason=%u", __entry->domain, __entry->type, __entry->reason)
);

TRACE_EVENT(v3compat_domain_delete,
	TP_PROTO(u32 domain, u32 reason),
	TP_ARGS(domain, reason),
	TP_STRUCT__entry(
		__field(u32, domain)
		__field(u32, reason)
	),
	TP_fast_assign(
		__entry->domain = domain;
		__entry->reason = reason;
	),
	TP_printk("domain=%u reason=%u", __entry->domain, __entry->reason)
);

DECLARE_EVENT_CLASS(v3compat_attachment,
	TP_PROTO(const struct v3c_domain *domain, const struct v3c_device *device, u32 reason),
	TP_ARGS(domain, device, reason),
	TP_STRUCT__entry(
		__field(u32, domain)
		__string(device, device->pdo ? dev_name(device->pdo) : "?")
		__field(u32, reason)
	),
	TP_fast_assign(
		__entry->domain = domain ? domain->handle.serial : 0;
		__assign_str(device);
		__entry->reason = reason;
	),
	TP_printk("domain=%u device=%s reason=%u", __entry->domain, __get_str(device),
		  __entry->reason)
);

DEFINE_EVENT(v3compat_attachment, v3compat_attach,
	TP_PROTO(const struct v3c_domain *domain, const struct v3c_device *device, u32 reason),
	TP_ARGS(domain, device, reason)
);

DEFINE_EVENT(v3compat_attachment, v3compat_detach,
	TP_PROTO(const struct v3c_domain *domain, const struct v3c_device *device, u32 reason),
	TP_ARGS(domain, device, reason)
);

/* v3compat_state_change comes just before the callback is called. */
TRACE_EVENT(v3compat_state_change,
	TP_PROTO(const struct v3c_device *device, u32 types),
	TP_ARGS(device, types),
	TP_STRUCT__entry(
		__string(device, dev_name(device->pdo))
		__field(u32, types)
	),
	TP_fast_assign(
		__assign_str(device);
		__entry->types = types;
	),
	TP_printk("device=%s types=%#x", __get_str(device), __entry->types)
);

/* v3compat_pasid events show domain 0 for a sub-device that is bound to a process. */
DECLARE_EVENT_CLASS(v3compat_pasid,
	TP_PROTO(const struct v3c_domain *domain, const struct v3c_pasid *pasid, u32 reason),
	TP_ARGS(domain, pasid, reason),
	TP_STRUCT__entry(
		__field(u32, domain)
		__string(device, dev_name(pasid->device->pdo))
		__field(u32, pasid)
		__field(u32, reason)
	),
	TP_fast_assign(
		__entry->domain = domain ? domain->handle.serial : 0;
		__assign_str(device);
		__entry->pasid = pasid->number;
		__entry->reason = reason;
	),
	TP_printk("domain=%u device=%s pasid=%u reason=%u", __entry->domain, __get_str(device),
		  __entry->pasid, __entry->reason)
);

DEFINE_EVENT(v3compat_pasid, v3compat_attach_pasid,
	TP_PROTO(const struct v3c_domain *domain, const struct v3c_pasid *pasid, u32 reason),
	TP_ARGS(domain, pasid, reason)
);

DEFINE_EVENT(v3compat_pasid, v3compat_detach_pasid,
	TP_PROTO(const struct v3c_domain *domain, const struct v3c_pasid *pasid, u32 reason),
	TP_ARGS(domain, pasid, reason)
);

/*
 * @first and @last are bytes, inclusive. A refused map that had no address yet shows 0 to size - 1.
 */
DECLARE_EVENT_CLASS(v3compat_range,
	TP_PROTO(const struct v3c_domain *domain, u64 page, u64 pages, u32 reason),
	TP_ARGS(domain, page, pages, reason),
	TP_STRUCT__entry(
		__field(u32, domain)
		__field(u64, first)
		__field(u64, last)
		__field(u32, reason)
	),
	TP_fast_assign(
		__entry->domain = domain->handle.serial;
		__entry->first = page << V3C_PAGE_SHIFT;
		__entry->last = ((page + pages) << V3C_PAGE_SHIFT) - 1;
		__entry->reason = reason;
	),
	TP_printk("domain=%u range=%#llx-%#llx reason=%u", __entry->domain, __entry->first,
		  __entry->last, __entry->reason)
);

#define V3C_RANGE_EVENT(name)							\
DEFINE_EVENT(v3compat_range, name,						\
	TP_PROTO(const struct v3c_domain *domain, u64 page, u64 pages, u32 reason), \
	TP_ARGS(domain, page, pages, reason))

V3C_RANGE_EVENT(v3compat_map);
V3C_RANGE_EVENT(v3compat_unmap);
V3C_RANGE_EVENT(v3compat_map_identity);
V3C_RANGE_EVENT(v3compat_unmap_identity);
V3C_RANGE_EVENT(v3compat_reserve);
V3C_RANGE_EVENT(v3compat_release);
V3C_RANGE_EVENT(v3compat_map_reserved);
V3C_RANGE_EVENT(v3compat_unmap_reserved);

TRACE_EVENT(v3compat_flush,
	TP_PROTO(const struct v3c_domain *domain, u32 reason),
	TP_ARGS(domain, reason),
	TP_STRUCT__entry(
		__field(u32, domain)
		__field(u32, reason)
	),
	TP_fast_assign(
		__entry->domain = domain->handle.serial;
		__entry->reason = reason;
	),
	TP_printk("domain=%u reason=%u", __entry->domain, __entry->reason)
);

/* v3compat_refused comes for every refusal of every call, with what was wrong. */
TRACE_EVENT(v3compat_refused,
	TP_PROTO(const char *call, u32 status, const char *status_name, const struct v3c_why *why),
	TP_ARGS(call, status, status_name, why),
	TP_STRUCT__entry(
		__string(call, call)
		__string(status_name, status_name)
		__string(text, v3c_reason_text(why->reason))
		__string(param, v3c_param_name(why->param))
		__field(u32, status)
		__field(u32, reason)
		__field(int, err)
		__field(u32, object)
		__field(u64, first)
		__field(u64, last)
	),
	TP_fast_assign(
		__assign_str(call);
		__assign_str(status_name);
		__assign_str(text);
		__assign_str(param);
		__entry->status = status;
		__entry->reason = why->reason;
		__entry->err = why->err;
		__entry->object = why->object;
		__entry->first = why->first;
		__entry->last = why->last;
	),
	TP_printk("%s: STATUS_%s (%#x): %s (reason %u), param=%s object=%u values=%#llx-%#llx err=%d",
		  __get_str(call), __get_str(status_name), __entry->status, __get_str(text),
		  __entry->reason, __get_str(param), __entry->object, __entry->first, __entry->last,
		  __entry->err)
);

/* v3compat_command comes for every command of /dev/v3compat, with what ioctl() returns. */
TRACE_EVENT(v3compat_command,
	TP_PROTO(u32 file, const char *command, u32 object, long ret),
	TP_ARGS(file, command, object, ret),
	TP_STRUCT__entry(
		__field(u32, file)
		__string(command, command)
		__field(u32, object)
		__field(long, ret)
	),
	TP_fast_assign(
		__entry->file = file;
		__assign_str(command);
		__entry->object = object;
		__entry->ret = ret;
	),
	TP_printk("file=%u %s object=%u ret=%ld", __entry->file, __get_str(command),
		  __entry->object, __entry->ret)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH base
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
