// SPDX-License-Identifier: GPL-2.0
/*
 * Events of a device: what the core tells goes into a ring, without waiting for anybody, and out of
 * it through a descriptor.
 *
 * The descriptor may outlive the file that it was made on. Whoever goes first, its close or that of
 * the file, ends the registration with the core, in a worker: nobody can be killed there, so that
 * no call of the core is under way when the memory is freed.
 */
#include <linux/anon_inodes.h>
#include <linux/completion.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/iommu.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>

#include "base/compat.h"
#include "core/device.h"
#include "core/fault.h"
#include "core/report.h"
#include "core/watch.h"
#include "user/call.h"
#include "user/commands.h"
#include "user/device_object.h"
#include "user/domain.h"
#include "user/events.h"
#include "user/quota.h"
#include "user/ring.h"

#define V3U_DEFAULT_EVENTS	64
#define V3U_DEFAULT_ANSWER_MS	10000
#define V3U_MAX_ANSWER_MS	600000

#define V3U_ANY_FAULT	(BIT(V3COMPAT_EVENT_FAULT) | BIT(V3COMPAT_EVENT_PAGE_REQUEST))
#define V3U_KNOWN_EVENTS (V3U_ANY_FAULT | BIT(V3COMPAT_EVENT_LOST) | BIT(V3COMPAT_EVENT_STATE) | \
			  BIT(V3COMPAT_EVENT_APERTURE) | BIT(V3COMPAT_EVENT_DEVICE_GONE))

static_assert(V3COMPAT_READ == IOMMU_READ);
static_assert(V3COMPAT_WRITE == IOMMU_WRITE);
static_assert(V3COMPAT_NO_PASID_NUMBER == V3C_NO_PASID);

/**
 * struct v3u_events - who hears of a device
 * @refs: the descriptor, and who looks at it for a moment
 * @device: of what; referenced. Its core's device is there as long as &v3u_device.events says that
 *	somebody hears of it
 * @mask: a bit per &enum v3compat_event_type that is wanted; constant
 * @answer: how long page requests wait for an answer, in jiffies; constant
 * @expire: refuses those that have waited so long
 * @types: domain types that were told last
 * @lost: reports that the core had dropped when it told the last one
 * @reading: held by who reads, so that records come out one after the other
 * @ending: serialises those who end it
 * @work: ends it, because the descriptor is closed
 * @ended: @work has done so
 * @ring: records
 */
struct v3u_events {
	struct kref refs;
	struct v3u_device *device;
	u32 mask;
	unsigned long answer;
	struct delayed_work expire;
	u32 types;
	u64 lost;
	struct mutex reading;
	struct mutex ending;
	struct work_struct work;
	struct completion ended;
	struct v3u_ring ring;
};

static void free_events(struct kref *refs)
{
	struct v3u_events *events = container_of(refs, struct v3u_events, refs);

	v3u_object_drop(&events->device->object);
	v3u_ring_free(&events->ring);
	kfree(events);
}

static void put_events(struct v3u_events *events)
{
	kref_put(&events->refs, free_events);
}

/* hearing_of() returns who hears of @device, for put_events(), or NULL. */
static struct v3u_events *hearing_of(struct v3u_device *device)
{
	struct v3u_file *file = device->object.file;
	struct v3u_events *events;

	xa_lock(&file->objects);
	events = device->events;
	if (events)
		kref_get(&events->refs);
	xa_unlock(&file->objects);
	return events;
}

static bool hears_of_device(struct v3u_events *events)
{
	struct v3u_file *file = events->device->object.file;
	bool hears;

	xa_lock(&file->objects);
	hears = events->device->events == events;
	xa_unlock(&file->objects);
	return hears;
}

static struct v3compat_event event_of(struct v3u_events *events, enum v3compat_event_type type)
{
	return (struct v3compat_event) {
		.type = type,
		.device = events->device->object.id,
		.pasid = V3COMPAT_NO_PASID_NUMBER,
		.time_ns = ktime_get_ns(),
	};
}

static void push_types(struct v3u_events *events, u32 types)
{
	struct v3compat_event event = event_of(events, V3COMPAT_EVENT_STATE);

	event.value = types;
	events->types = types;
	v3u_ring_push(&events->ring, &event);
}

static void tell_types(const struct v3c_watcher *watcher, u32 types)
{
	push_types(watcher->context, types);
}

/* find_domain() returns the handle of a domain, or 0 when it is destroyed. */
static u32 find_domain(struct v3u_file *file, const struct v3c_domain *core)
{
	struct v3u_object *object;
	unsigned long id;
	u32 found = 0;

	xa_lock(&file->objects);
	xa_for_each(&file->objects, id, object) {
		if (object->type->kind != V3U_DOMAIN ||
		    READ_ONCE(v3u_to_domain(object)->core) != core)
			continue;
		found = id;
		break;
	}
	xa_unlock(&file->objects);
	return found;
}

static struct v3compat_event event_of_fault(struct v3u_events *events,
					    enum v3compat_event_type type,
					    const struct v3c_fault_report *report)
{
	struct v3compat_event event = event_of(events, type);
	const struct v3c_fault_record *record = report->record;

	event.domain = find_domain(events->device->object.file, record->domain);
	event.pasid = record->pasid;
	event.reason = report->permission ? V3COMPAT_REFUSED_PERMISSION :
					    V3COMPAT_REFUSED_TRANSLATION;
	event.permissions = v3c_fault_wants(record->perm);
	event.address = record->address;
	event.cookie = report->cookie;
	event.flags = report->more ? V3COMPAT_EVENT_MORE : 0;
	return event;
}

/*
 * ask_for_answer(): a request that found no room is answered by what is mapped, with the others of
 * its group, because nobody will know of it.
 */
static enum v3c_fault_verdict ask_for_answer(struct v3u_events *events,
					     const struct v3compat_event *event)
{
	struct v3c_why why;

	if (v3u_ring_push(&events->ring, event)) {
		/* Does nothing while requests wait: expire_requests() goes on with the next one. */
		queue_delayed_work(V3C_UNBOUND_WQ, &events->expire, events->answer);
		return V3C_FAULT_LATER;
	}
	v3c_report_answer(events->device->core, event->cookie, true, &why);
	return V3C_FAULT_AT_RETURN;
}

static enum v3c_fault_verdict tell_fault(const struct v3c_fault_handler *handler,
					 const struct v3c_fault_report *report)
{
	enum v3compat_event_type type = report->record->kind == V3C_FAULT_PAGE_REQUEST ?
						V3COMPAT_EVENT_PAGE_REQUEST :
						V3COMPAT_EVENT_FAULT;
	struct v3u_events *events = handler->context;
	struct v3compat_event event;

	if (report->lost != events->lost)
		v3u_ring_lose(&events->ring, events->device->object.id,
			      report->lost - events->lost);
	events->lost = report->lost;
	if (!(events->mask & BIT(type)))
		return V3C_FAULT_AT_RETURN;
	event = event_of_fault(events, type, report);
	if (type == V3COMPAT_EVENT_PAGE_REQUEST)
		return ask_for_answer(events, &event);
	v3u_ring_push(&events->ring, &event);
	return V3C_FAULT_AT_RETURN;
}

static void expire_requests(struct work_struct *work)
{
	struct v3u_events *events = container_of(to_delayed_work(work), struct v3u_events, expire);
	unsigned long left = v3c_report_expire(events->device->core, events->answer);

	/* mod_delayed_work(), because ask_for_answer() may have queued it for a later time. */
	if (left)
		mod_delayed_work(V3C_UNBOUND_WQ, &events->expire, left);
}

/* name_watcher() names the registration with the core. Nobody calls it. */
static void name_watcher(void)
{
}

/*
 * unregister_events() waits for the calls of the core that are under way; what is not registered is
 * not there to be ended. Page requests that wait for an answer are refused.
 */
static void unregister_events(struct v3u_events *events)
{
	struct v3c_device *core = events->device->core;
	struct v3c_why why;

	if (events->mask & BIT(V3COMPAT_EVENT_STATE))
		v3c_watch_end(core, name_watcher, &why);
	if (events->mask & V3U_ANY_FAULT)
		v3c_report_faults(core, 0, false, NULL, &why);
}

/* end_events() may be called several times, by workers. Each finds it ended. */
static void end_events(struct v3u_events *events)
{
	struct v3u_device *device = events->device;
	struct v3u_file *file = device->object.file;

	guard(mutex)(&events->ending);
	if (hears_of_device(events)) {
		unregister_events(events);
		cancel_delayed_work_sync(&events->expire);
		xa_lock(&file->objects);
		device->events = NULL;
		xa_unlock(&file->objects);
	}
	v3u_ring_end(&events->ring);
}

static void close_events(struct work_struct *work)
{
	struct v3u_events *events = container_of(work, struct v3u_events, work);

	end_events(events);
	complete_all(&events->ended);
	put_events(events);
}

/*
 * release_events() waits so that nobody hears of the device any more when close() returns. Whoever
 * dies does not wait, as for the file.
 */
static int release_events(struct inode *inode, struct file *filp)
{
	struct v3u_events *events = filp->private_data;

	kref_get(&events->refs);
	v3u_close_later(&events->work);
	if (!(current->flags & (PF_EXITING | PF_KTHREAD)))
		wait_for_completion_killable(&events->ended);
	put_events(events);
	return 0;
}

static bool is_readable(struct v3u_events *events)
{
	return READ_ONCE(events->ring.count) || READ_ONCE(events->ring.over);
}

/* read_event() copies one record out. Returns 0 when there is none. */
static ssize_t read_event(struct v3u_events *events, char __user *to)
{
	struct v3compat_event event;

	if (!v3u_ring_look(&events->ring, &event))
		return 0;
	if (copy_to_user(to, &event, sizeof(event)))
		return -EFAULT;
	v3u_ring_pop(&events->ring, &event);
	return sizeof(event);
}

static ssize_t read_events(struct v3u_events *events, char __user *to, size_t size)
{
	ssize_t one, done = 0;

	if (mutex_lock_interruptible(&events->reading))
		return -ERESTARTSYS;
	do {
		one = read_event(events, to + done);
		done += max(one, 0);
	} while (one > 0 && size - done >= sizeof(struct v3compat_event) &&
		 !signal_pending(current));
	mutex_unlock(&events->reading);
	return done ?: one;
}

static ssize_t read_file(struct file *filp, char __user *to, size_t size, loff_t *pos)
{
	struct v3u_events *events = filp->private_data;
	ssize_t ret;

	if (size < sizeof(struct v3compat_event))
		return -EINVAL;
	for (;;) {
		ret = read_events(events, to, size);
		if (ret || (READ_ONCE(events->ring.over) && !READ_ONCE(events->ring.count)))
			return ret;
		if (filp->f_flags & O_NONBLOCK)
			return -EAGAIN;
		if (wait_event_interruptible(events->ring.wait, is_readable(events)))
			return -ERESTARTSYS;
	}
}

static __poll_t poll_file(struct file *filp, poll_table *wait)
{
	struct v3u_events *events = filp->private_data;

	poll_wait(filp, &events->ring.wait, wait);
	return (READ_ONCE(events->ring.count) ? EPOLLIN | EPOLLRDNORM : 0) |
	       (READ_ONCE(events->ring.over) ? EPOLLHUP : 0);
}

static const struct file_operations v3u_events_ops = {
	.owner = THIS_MODULE,
	.read = read_file,
	.poll = poll_file,
	.release = release_events,
	.llseek = noop_llseek,
};

/* claim_device() is undone by end_events(). */
static enum v3c_reason claim_device(struct v3u_call *call, struct v3u_events *events)
{
	struct v3u_device *device = events->device;
	enum v3c_reason reason = 0;

	xa_lock(&call->file->objects);
	if (device->gone)
		reason = V3C_REASON_DEVICE_GONE;
	else if (device->events)
		reason = V3C_REASON_REGISTERED;
	else
		device->events = events;
	xa_unlock(&call->file->objects);
	return reason ? v3u_refuse(call, reason, V3C_PARAM_DEVICE, 0, 0) : 0;
}

static enum v3c_reason register_faults(struct v3u_call *call, struct v3u_events *events)
{
	struct v3c_fault_handler handler = {
		.tell = tell_fault, .context = events,
	};
	struct v3c_device *core = events->device->core;

	return v3c_report_check(core, events->mask & BIT(V3COMPAT_EVENT_FAULT),
				events->mask & BIT(V3COMPAT_EVENT_PAGE_REQUEST), &call->why) ?:
	       v3c_report_faults(core, 0, true, &handler, &call->why);
}

/*
 * register_events(): faults come first, because v3c_watch_begin() tells of the types at once. The
 * caller undoes what was done before a refusal.
 */
static enum v3c_reason register_events(struct v3u_call *call, struct v3u_events *events)
{
	struct v3c_watcher watcher = {
		.tell = tell_types, .callback = name_watcher, .context = events,
	};
	enum v3c_reason reason = claim_device(call, events);

	if (!reason && events->mask & V3U_ANY_FAULT) {
		call->member = V3W_SetDeviceFaultReportingEx;
		reason = register_faults(call, events);
	}
	if (!reason && events->mask & BIT(V3COMPAT_EVENT_STATE)) {
		call->member = V3W_RegisterInterfaceStateChangeCallback;
		reason = v3c_watch_begin(events->device->core, &watcher, &call->why);
	}
	return reason;
}

/* new_file() makes the descriptor's file. On refusal @device is as it was. */
static struct file *new_file(struct v3u_call *call, struct v3u_device *device,
			     const struct v3compat_events_open *arg)
{
	struct v3u_events *events = kzalloc(sizeof(*events), GFP_KERNEL_ACCOUNT);
	struct file *filp;

	if (!events)
		return ERR_PTR(-ENOMEM);
	if (v3u_ring_init(&events->ring, arg->capacity ?: V3U_DEFAULT_EVENTS)) {
		kfree(events);
		return ERR_PTR(-ENOMEM);
	}
	kref_init(&events->refs);
	v3u_object_hold(&device->object);
	events->device = device;
	events->mask = arg->mask;
	events->answer = msecs_to_jiffies(arg->answer_ms ?: V3U_DEFAULT_ANSWER_MS);
	INIT_DELAYED_WORK(&events->expire, expire_requests);
	mutex_init(&events->reading);
	mutex_init(&events->ending);
	INIT_WORK(&events->work, close_events);
	init_completion(&events->ended);
	filp = anon_inode_getfile("[v3compat-events]", &v3u_events_ops, events,
				  O_RDONLY | O_CLOEXEC);
	if (IS_ERR(filp))
		put_events(events);
	return filp;
}

static enum v3c_reason check_open(struct v3u_call *call, const struct v3compat_events_open *arg)
{
	u32 max_events = READ_ONCE(v3u_max_events), max_ms = 0;
	u32 capacity = arg->capacity ?: V3U_DEFAULT_EVENTS;
	enum v3c_reason reason;

	reason = v3u_check_flags(call, arg->flags, 0) ?:
		 v3u_check_reserved(call, arg->__reserved);
	if (reason)
		return reason;
	if (arg->mask & ~V3U_KNOWN_EVENTS)
		return v3u_refuse(call, V3C_REASON_UNKNOWN_FLAG, V3C_PARAM_EVENTS, arg->mask,
				  V3U_KNOWN_EVENTS);
	if (arg->mask & BIT(V3COMPAT_EVENT_PAGE_REQUEST))
		max_ms = V3U_MAX_ANSWER_MS;
	if (arg->answer_ms > max_ms)
		return v3u_refuse(call, V3C_REASON_BAD_CONFIG, V3C_PARAM_NUMBER, arg->answer_ms,
				  max_ms);
	if (capacity > max_events)
		return v3u_refuse(call, V3C_REASON_QUOTA, V3C_PARAM_EVENTS, capacity, max_events);
	return 0;
}

/* open_events() returns the descriptor's file; or NULL, refused with nothing changed. */
static struct file *open_events(struct v3u_call *call, const struct v3compat_events_open *arg)
{
	struct v3u_device *device = v3u_object_get(call, arg->device, V3U_DEVICE,
						   V3C_PARAM_DEVICE);
	struct file *filp;

	if (!device)
		return NULL;
	filp = new_file(call, device, arg);
	if (IS_ERR(filp)) {
		v3u_refuse(call, V3C_REASON_NO_MEMORY, V3C_PARAM_NONE, 0, 0);
		filp = NULL;
	} else if (register_events(call, filp->private_data)) {
		/* release_events() undoes it, before the caller goes on. */
		fput(filp);
		filp = NULL;
	}
	v3u_object_put(&device->object);
	return filp;
}

enum v3c_reason v3u_events_open(struct v3u_call *call)
{
	struct v3compat_events_open *arg = call->arg;
	enum v3c_reason reason = check_open(call, arg);
	struct file *filp;

	if (reason)
		return reason;
	filp = open_events(call, arg);
	return filp ? v3u_call_answer_file(call, filp, &arg->out_fd) : call->why.reason;
}

enum v3c_reason v3u_page_response(struct v3u_call *call)
{
	const struct v3compat_page_response *arg = call->arg;
	enum v3c_reason reason = v3u_check_reserved(call, arg->__reserved);
	struct v3u_device *device;

	if (reason)
		return reason;
	if (arg->code > V3COMPAT_PAGE_REFUSE)
		return v3u_refuse(call, V3C_REASON_BAD_ENUM, V3C_PARAM_TYPE, arg->code,
				  V3COMPAT_PAGE_REFUSE + 1);
	device = v3u_object_get(call, arg->device, V3U_DEVICE, V3C_PARAM_DEVICE);
	if (!device)
		return call->why.reason;
	reason = v3c_report_answer(device->core, arg->cookie, arg->code == V3COMPAT_PAGE_RETRY,
				   &call->why);
	v3u_object_put(&device->object);
	return reason;
}

/**
 * v3u_events_check_none() - whether nobody hears of a device, so that it can be destroyed
 * @call: the command
 * @device: locked for writing, so that nobody begins to
 *
 * Context: any.
 * Return: 0 or %V3C_REASON_REGISTERED.
 */
enum v3c_reason v3u_events_check_none(struct v3u_call *call, struct v3u_device *device)
{
	struct v3u_events *events = hearing_of(device);

	if (!events)
		return 0;
	put_events(events);
	return v3u_refuse(call, V3C_REASON_REGISTERED, V3C_PARAM_DEVICE, 0, 0);
}

/**
 * v3u_events_aperture() - tell that less of a domain can be mapped
 * @file: whose
 * @domain: handle
 * @last: last byte that can be mapped
 *
 * Context: may sleep.
 */
void v3u_events_aperture(struct v3u_file *file, u32 domain, u64 last)
{
	struct v3compat_event event;
	struct v3u_object *object;
	struct v3u_events *events;
	unsigned long id;

	xa_lock(&file->objects);
	xa_for_each(&file->objects, id, object) {
		events = object->type->kind == V3U_DEVICE ? v3u_to_device(object)->events : NULL;
		if (!events || !(events->mask & BIT(V3COMPAT_EVENT_APERTURE)))
			continue;
		event = event_of(events, V3COMPAT_EVENT_APERTURE);
		event.domain = domain;
		event.value = last;
		v3u_ring_push(&events->ring, &event);
	}
	xa_unlock(&file->objects);
}

static void tell_gone(struct v3u_events *events)
{
	struct v3compat_event event = event_of(events, V3COMPAT_EVENT_DEVICE_GONE);

	/* The core may have told that nothing is available any more. */
	if (events->types)
		push_types(events, 0);
	if (events->mask & BIT(V3COMPAT_EVENT_DEVICE_GONE))
		v3u_ring_push(&events->ring, &event);
}

/**
 * v3u_events_device_gone() - tell that a device has left, by removal or because its driver has
 * @device: the device
 *
 * Nothing more is told of the device when this returns; page requests that wait for an answer are
 * refused.
 *
 * Context: may sleep.
 */
void v3u_events_device_gone(struct v3u_device *device)
{
	struct v3u_events *events;

	xa_lock(&device->object.file->objects);
	device->gone = true;
	xa_unlock(&device->object.file->objects);
	events = hearing_of(device);
	if (!events)
		return;
	scoped_guard(mutex, &events->ending)
		if (hears_of_device(events)) {
			/* The core would complain of a callback that is left behind. */
			unregister_events(events);
			tell_gone(events);
		}
	put_events(events);
}

/*
 * v3u_events_close() ends all registrations of a file that is being closed, so that no command is
 * under way.
 */
void v3u_events_close(struct v3u_file *file)
{
	struct v3u_object *object;
	struct v3u_events *events;
	unsigned long id;

	xa_for_each(&file->objects, id, object) {
		if (object->type->kind != V3U_DEVICE)
			continue;
		events = hearing_of(v3u_to_device(object));
		if (!events)
			continue;
		end_events(events);
		put_events(events);
	}
}
