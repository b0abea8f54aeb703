// SPDX-License-Identifier: GPL-2.0
/*
 * Callbacks. A device has one descriptor of events at a time, for all who want to be told; a thread
 * of the library reads it and calls them. It is started with the first callback and ends with the
 * device object.
 */
#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "internal.h"

#define STATE_MASK (1u << V3COMPAT_EVENT_STATE)
#define FAULT_MASK (1u << V3COMPAT_EVENT_FAULT)
#define REQUEST_MASK (1u << V3COMPAT_EVENT_PAGE_REQUEST)

int v3l_watch_init(struct v3l_watch *watch)
{
	pthread_mutex_init(&watch->lock, NULL);
	pthread_cond_init(&watch->changed, NULL);
	watch->events = -1;
	watch->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return watch->wake < 0 ? -1 : 0;
}

static void wake_thread(struct v3l_watch *watch)
{
	__u64 one = 1;

	while (write(watch->wake, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

void v3l_watch_exit(struct v3l_watch *watch)
{
	pthread_mutex_lock(&watch->lock);
	watch->stop = true;
	wake_thread(watch);
	pthread_cond_broadcast(&watch->changed);
	pthread_mutex_unlock(&watch->lock);
	if (watch->started)
		pthread_join(watch->thread, NULL);
	if (watch->events >= 0)
		close(watch->events);
	close(watch->wake);
	pthread_cond_destroy(&watch->changed);
	pthread_mutex_destroy(&watch->lock);
}

/* v3l_watch_busy() tells whether somebody, or @owner, has a callback for state changes. */
bool v3l_watch_busy(struct v3l_watch *watch, const void *owner)
{
	bool busy;

	pthread_mutex_lock(&watch->lock);
	busy = watch->state && (!owner || watch->state_owner == owner);
	pthread_mutex_unlock(&watch->lock);
	return busy;
}

/* wait_for_call() waits until no callback runs, but for one that has called this. */
static void wait_for_call(struct v3l_watch *watch)
{
	while (watch->calling && !pthread_equal(watch->caller, pthread_self()))
		pthread_cond_wait(&watch->changed, &watch->lock);
}

/*
 * begin_call() lets go of the lock, for a callback. Returns whether there was none, which is not so
 * when one of them has registered another.
 */
static bool begin_call(struct v3l_watch *watch)
{
	bool outermost = !watch->calling;

	watch->calling = true;
	watch->caller = pthread_self();
	pthread_mutex_unlock(&watch->lock);
	return outermost;
}

static void end_call(struct v3l_watch *watch, bool outermost)
{
	pthread_mutex_lock(&watch->lock);
	if (!outermost)
		return;
	watch->calling = false;
	pthread_cond_broadcast(&watch->changed);
}

/* tell_state() and tell_fault() are called after wait_for_call(). */
static void tell_state(struct v3l_watch *watch, __u32 types)
{
	IOMMU_INTERFACE_STATE_CHANGE change = { .AvailableDomainTypes = types };
	PIOMMU_INTERFACE_STATE_CHANGE_CALLBACK callback = watch->state;
	PVOID context = watch->state_context;
	bool outermost;

	if (!callback || types == watch->told)
		return;
	watch->told = types;
	change.PresentFields.AvailableDomainTypes = 1;
	outermost = begin_call(watch);
	callback(&change, context);
	end_call(watch, outermost);
}

static PIOMMU_DMA_DOMAIN find_domain(__u32 handle)
{
	PIOMMU_DMA_DOMAIN domain = handle ? v3l_object_find(handle, V3L_DOMAIN) : NULL;

	if (domain)
		v3l_object_put(&domain->object);
	return domain;
}

static void fill_fault(FAULT_INFORMATION *fault, PDEVICE_OBJECT pdo,
		       const struct v3compat_event *event)
{
#ifdef __aarch64__
	fault->Type = FaultInformationArm64;
	fault->Arm64.DomainHandle = find_domain(event->domain);
	fault->Arm64.FaultAddress = (PVOID)(ULONG_PTR)event->address;
	fault->Arm64.PhysicalDeviceObject = pdo;
	fault->Arm64.Flags.WriteNotRead = !!(event->permissions & V3COMPAT_WRITE);
	fault->Arm64.Flags.FaultAddressValid = 1;
	fault->Arm64.Type = (FAULT_INFORMATION_ARM64_TYPE)event->reason;
#else
	fault->Type = FaultInformationX64;
	fault->X64.DomainHandle = find_domain(event->domain);
	fault->X64.FaultAddress = (PVOID)(ULONG_PTR)event->address;
	fault->X64.Flags.FaultAddressValid = 1;
	fault->X64.Type = (FAULT_INFORMATION_X64_TYPE)event->reason;
	fault->X64.PciSegment = pdo->segment;
#endif
}

/* is_suppressed() tells whether the owner of the handler does not want to hear of such faults. */
static bool is_suppressed(struct v3l_watch *watch, const struct v3compat_event *event)
{
	const struct _IOMMU_DMA_DEVICE *device = watch->fault_owner;

	if (event->type != V3COMPAT_EVENT_FAULT || event->pasid == V3COMPAT_NO_PASID_NUMBER)
		return false;
	return device->object.kind == V3L_DEVICE && device->suppress;
}

static void tell_fault(struct v3l_watch *watch, const struct v3compat_event *event)
{
	PDEVICE_OBJECT pdo = container_of(watch, struct _DEVICE_OBJECT, watch);
	PIOMMU_DEVICE_FAULT_HANDLER handler = watch->fault;
	PVOID context = watch->fault_context;
	FAULT_INFORMATION fault;
	bool outermost;

	if (handler && !is_suppressed(watch, event)) {
		memset(&fault, 0, sizeof(fault));
		fill_fault(&fault, pdo, event);
		outermost = begin_call(watch);
		handler(context, &fault);
		end_call(watch, outermost);
	}
	/* The kernel looks whether the handler has mapped what the device waits for. */
	if (event->type == V3COMPAT_EVENT_PAGE_REQUEST && !(event->flags & V3COMPAT_EVENT_MORE))
		v3compat_page_response(v3compat_file(), event->device, event->cookie,
				       V3COMPAT_PAGE_RETRY, NULL);
}

/* read_event() takes one event; false when there is none now. With the lock held. */
static bool read_event(struct v3l_watch *watch, struct v3compat_event *event)
{
	struct pollfd fd = { .fd = watch->events, .events = POLLIN };

	if (watch->events < 0 || poll(&fd, 1, 0) != 1 || !(fd.revents & POLLIN))
		return false;
	return read(watch->events, event, sizeof(*event)) == sizeof(*event);
}

static void tell_event(struct v3l_watch *watch, const struct v3compat_event *event)
{
	wait_for_call(watch);
	switch (event->type) {
	case V3COMPAT_EVENT_STATE:
		tell_state(watch, event->value);
		break;
	case V3COMPAT_EVENT_FAULT:
	case V3COMPAT_EVENT_PAGE_REQUEST:
		tell_fault(watch, event);
		break;
	}
}

/* sleep_in_poll() returns when there is an event, or when somebody wants the thread to look up. */
static void sleep_in_poll(struct v3l_watch *watch)
{
	struct pollfd fds[] = {
		{ .fd = watch->wake, .events = POLLIN },
		{ .fd = watch->events, .events = POLLIN },
	};
	__u64 count;

	watch->polling = true;
	pthread_mutex_unlock(&watch->lock);
	poll(fds, 2, -1);
	pthread_mutex_lock(&watch->lock);
	watch->polling = false;
	pthread_cond_broadcast(&watch->changed);
	if (fds[0].revents && read(watch->wake, &count, sizeof(count)) < 0 && errno != EAGAIN)
		watch->stop = true;
	/* Nothing comes any more from a descriptor that is only hung up. */
	if (fds[1].revents && !(fds[1].revents & POLLIN) && watch->events == fds[1].fd) {
		close(watch->events);
		watch->events = -1;
	}
}

static void *run_thread(void *context)
{
	struct v3l_watch *watch = context;
	struct v3compat_event event;

	pthread_mutex_lock(&watch->lock);
	while (!watch->stop) {
		if (watch->parked)
			pthread_cond_wait(&watch->changed, &watch->lock);
		else if (read_event(watch, &event))
			tell_event(watch, &event);
		else
			sleep_in_poll(watch);
	}
	pthread_mutex_unlock(&watch->lock);
	return NULL;
}

static int start_thread(struct v3l_watch *watch)
{
	if (watch->started)
		return 0;
	if (pthread_create(&watch->thread, NULL, run_thread, watch))
		return -1;
	watch->started = true;
	return 0;
}

static int open_events(struct v3l_watch *watch, __u32 mask, struct v3compat_result *result)
{
	PDEVICE_OBJECT pdo = container_of(watch, struct _DEVICE_OBJECT, watch);

	watch->events = mask ? v3compat_events_open(v3compat_file(), pdo->object.handle, mask, 0, 0,
						    result) : -1;
	watch->mask = watch->events < 0 ? 0 : mask;
	return mask && watch->events < 0 ? -1 : 0;
}

/*
 * set_mask() changes what events there are. The descriptor is closed for that, and closed means
 * that nobody sleeps in poll() on it. With the lock held.
 */
static NTSTATUS set_mask(struct v3l_watch *watch, __u32 mask)
{
	struct v3compat_result result = { .out_status = 0 };
	NTSTATUS status = STATUS_SUCCESS;
	__u32 before = watch->mask;

	if (mask == before)
		return STATUS_SUCCESS;
	if (start_thread(watch))
		return v3l_no_memory();
	watch->parked++;
	wake_thread(watch);
	while (watch->polling)
		pthread_cond_wait(&watch->changed, &watch->lock);
	if (watch->events >= 0)
		close(watch->events);
	if (open_events(watch, mask, &result)) {
		status = v3l_answer(-1, &result);
		open_events(watch, before, NULL);
	}
	watch->parked--;
	pthread_cond_broadcast(&watch->changed);
	return status;
}

/* The mask of faults: with page requests, where the device makes them. */
static __u32 fault_mask(PDEVICE_OBJECT pdo)
{
	struct v3compat_device_query query;

	if (v3compat_device_query(v3compat_file(), pdo->object.handle, &query, NULL))
		return FAULT_MASK;
	return FAULT_MASK |
	       (query.out_flags & V3COMPAT_DEVICE_PAGE_REQUESTS ? REQUEST_MASK : 0);
}

static NTSTATUS enable_fault(PDEVICE_OBJECT pdo, const void *owner,
			     const DEVICE_FAULT_CONFIGURATION *config)
{
	struct v3l_watch *watch = &pdo->watch;
	NTSTATUS status;

	if (!config || !config->FaultHandler)
		return V3L_REFUSE_NULL(4, CALLBACK);
	if (watch->fault)
		return V3L_REFUSE(STATUS_RESOURCE_IN_USE, REGISTERED, CALLBACK, 0, 0);
	watch->fault = config->FaultHandler;
	watch->fault_context = config->FaultContext;
	watch->fault_owner = owner;
	status = set_mask(watch, watch->mask | fault_mask(pdo));
	if (!NT_SUCCESS(status))
		watch->fault = NULL;
	return status;
}

static void disable_fault(struct v3l_watch *watch)
{
	watch->fault = NULL;
	set_mask(watch, watch->mask & STATE_MASK);
	wait_for_call(watch);
}

NTSTATUS v3l_watch_fault(PDEVICE_OBJECT pdo, const void *owner, BOOLEAN enable,
			 const DEVICE_FAULT_CONFIGURATION *config)
{
	struct v3l_watch *watch = &pdo->watch;
	NTSTATUS status = STATUS_SUCCESS;

	pthread_mutex_lock(&watch->lock);
	if (enable)
		status = enable_fault(pdo, owner, config);
	else if (watch->fault && watch->fault_owner == owner)
		disable_fault(watch);
	else
		status = V3L_REFUSE(STATUS_UNSUCCESSFUL, NOT_ENABLED, DEVICE, 0, 0);
	pthread_mutex_unlock(&watch->lock);
	return status;
}

/* v3l_watch_drop_fault() ends reporting to @owner, if that is so. */
void v3l_watch_drop_fault(struct v3l_watch *watch, const void *owner)
{
	pthread_mutex_lock(&watch->lock);
	if (watch->fault && watch->fault_owner == owner)
		disable_fault(watch);
	pthread_mutex_unlock(&watch->lock);
}

NTSTATUS v3l_set_device_fault_reporting_ex(PIOMMU_DMA_DEVICE DmaDevice, ULONG InputMappingIdBase,
					   BOOLEAN Enable, PDEVICE_FAULT_CONFIGURATION FaultConfig)
{
	PIOMMU_DMA_DEVICE device = v3l_object_get(DmaDevice, V3L_DEVICE);
	NTSTATUS status;

	if (!device)
		return V3L_REFUSE_HANDLE(1, DEVICE);
	if (InputMappingIdBase)
		status = V3L_REFUSE(V3L_ORDINAL(2), BAD_CONFIG, MAPPING, InputMappingIdBase, 0);
	else
		status = v3l_watch_fault(device->pdo, device, Enable, FaultConfig);
	v3l_object_put(&device->object);
	return status;
}

NTSTATUS v3l_set_device_fault_reporting(PDEVICE_OBJECT PhysicalDeviceObject,
					ULONG InputMappingIdBase, BOOLEAN Enable,
					PDEVICE_FAULT_CONFIGURATION FaultConfig)
{
	PDEVICE_OBJECT pdo = v3l_object_get(PhysicalDeviceObject, V3L_PDO);
	NTSTATUS status;

	if (!pdo)
		return V3L_REFUSE_HANDLE(1, DEVICE);
	if (!pdo->domain)
		status = V3L_REFUSE(V3L_ORDINAL(1), NOT_ATTACHED, DEVICE, 0, 0);
	else if (InputMappingIdBase)
		status = V3L_REFUSE(V3L_ORDINAL(2), BAD_CONFIG, MAPPING, InputMappingIdBase, 0);
	else
		status = v3l_watch_fault(pdo, pdo, Enable, FaultConfig);
	v3l_object_put(&pdo->object);
	return status;
}

/*
 * begin_state() registers a callback and calls it. What the descriptor tells of the state then is
 * what was told already, unless it has changed since.
 */
static NTSTATUS begin_state(PIOMMU_DMA_DEVICE device,
			    PIOMMU_INTERFACE_STATE_CHANGE_CALLBACK callback, PVOID context)
{
	struct v3l_watch *watch = &device->pdo->watch;
	struct v3compat_device_query query = { .out_types = 0 };
	NTSTATUS status;

	wait_for_call(watch);
	if (watch->state)
		return V3L_REFUSE(STATUS_UNSUCCESSFUL, REGISTERED, CALLBACK, 0, 0);
	/* Nobody else registers one, and the thread tells nothing, until this has done so. */
	watch->parked++;
	status = set_mask(watch, watch->mask | STATE_MASK);
	if (NT_SUCCESS(status)) {
		v3compat_device_query(v3compat_file(), device->object.handle, &query, NULL);
		watch->state = callback;
		watch->state_context = context;
		watch->state_owner = device;
		watch->told = ~query.out_types;
		tell_state(watch, query.out_types);
	}
	watch->parked--;
	pthread_cond_broadcast(&watch->changed);
	return status;
}

NTSTATUS v3l_register_state_change_callback(
	PIOMMU_INTERFACE_STATE_CHANGE_CALLBACK StateChangeCallback, PVOID Context,
	PIOMMU_DMA_DEVICE DmaDevice, PIOMMU_INTERFACE_STATE_CHANGE_FIELDS StateFields)
{
	PIOMMU_DMA_DEVICE device;
	NTSTATUS status;

	if (!StateChangeCallback)
		return V3L_REFUSE_NULL(1, CALLBACK);
	device = v3l_object_get(DmaDevice, V3L_DEVICE);
	if (!device)
		return V3L_REFUSE_HANDLE(3, DEVICE);
	if (!StateFields) {
		status = V3L_REFUSE_NULL(4, FIELDS);
	} else if (StateFields->AsULONG != 1) {
		status = V3L_REFUSE(V3L_ORDINAL(4), RESERVED_BITS, FIELDS, StateFields->AsULONG, 1);
	} else {
		pthread_mutex_lock(&device->pdo->watch.lock);
		status = begin_state(device, StateChangeCallback, Context);
		pthread_mutex_unlock(&device->pdo->watch.lock);
	}
	v3l_object_put(&device->object);
	return status;
}

NTSTATUS v3l_unregister_state_change_callback(
	PIOMMU_INTERFACE_STATE_CHANGE_CALLBACK StateChangeCallback, PIOMMU_DMA_DEVICE DmaDevice)
{
	PIOMMU_DMA_DEVICE device;
	struct v3l_watch *watch;
	NTSTATUS status = STATUS_SUCCESS;

	if (!StateChangeCallback)
		return V3L_REFUSE_NULL(1, CALLBACK);
	device = v3l_object_get(DmaDevice, V3L_DEVICE);
	if (!device)
		return V3L_REFUSE_HANDLE(2, DEVICE);
	watch = &device->pdo->watch;
	pthread_mutex_lock(&watch->lock);
	if (watch->state != StateChangeCallback || watch->state_owner != device) {
		status = V3L_REFUSE(STATUS_UNSUCCESSFUL, NOT_REGISTERED, CALLBACK, 0, 0);
	} else {
		watch->state = NULL;
		set_mask(watch, watch->mask & ~STATE_MASK);
		wait_for_call(watch);
	}
	pthread_mutex_unlock(&watch->lock);
	v3l_object_put(&device->object);
	return status;
}

void v3compat_settle(PDEVICE_OBJECT device)
{
	PDEVICE_OBJECT pdo = v3l_object_get(device, V3L_PDO);
	struct v3l_watch *watch;
	struct v3compat_event event;

	if (!pdo)
		return;
	watch = &pdo->watch;
	/* What is there is told by this thread, in order, because the other one is kept out. */
	pthread_mutex_lock(&watch->lock);
	watch->parked++;
	wait_for_call(watch);
	while (read_event(watch, &event))
		tell_event(watch, &event);
	watch->parked--;
	pthread_cond_broadcast(&watch->changed);
	pthread_mutex_unlock(&watch->lock);
	v3l_object_put(&pdo->object);
}
