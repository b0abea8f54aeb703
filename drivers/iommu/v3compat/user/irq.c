// SPDX-License-Identifier: GPL-2.0
/*
 * Interrupts of devices, which are told by eventfds.
 */
#include <linux/err.h>
#include <linux/eventfd.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "user/call.h"
#include "user/device_object.h"
#include "user/irq.h"
#include "user/slot.h"

/* v3u_irq_tell() is the handler of an interrupt that needs no masking. */
irqreturn_t v3u_irq_tell(int line, void *arg)
{
	struct v3u_irq *irq = arg;
	struct eventfd_ctx *event = READ_ONCE(irq->event);

	if (event)
		eventfd_signal(event);
	return IRQ_HANDLED;
}

/**
 * v3u_irqs_request() - have a handler called for each interrupt
 * @irqs: with the numbers of their lines
 * @handler: called with the &struct v3u_irq
 * @flags: IRQF_*
 * @name: in /proc/interrupts; stays until v3u_irqs_free()
 *
 * Context: may sleep.
 * Return: 0 or an errno, with none requested.
 */
int v3u_irqs_request(struct v3u_irqs *irqs, irq_handler_t handler, unsigned long flags,
		     const char *name)
{
	unsigned int i;
	int ret;

	for (i = 0; i < irqs->count; i++) {
		irqs->irq[i].masked = false;
		ret = request_irq(irqs->irq[i].line, handler, flags, name, &irqs->irq[i]);
		if (ret) {
			v3u_irqs_free(irqs);
			return ret;
		}
		irqs->irq[i].requested = true;
	}
	return 0;
}

/* v3u_irqs_free() returns when no handler is running any more. */
void v3u_irqs_free(struct v3u_irqs *irqs)
{
	unsigned int i;

	for (i = 0; i < irqs->count; i++) {
		if (irqs->irq[i].requested)
			free_irq(irqs->irq[i].line, &irqs->irq[i]);
		irqs->irq[i].requested = false;
	}
}

static void free_irqs(struct v3u_irqs *irqs)
{
	unsigned int i;

	for (i = 0; irqs && i < irqs->count; i++)
		if (irqs->irq[i].event)
			eventfd_ctx_put(irqs->irq[i].event);
	kfree(irqs);
}

/**
 * v3u_irqs_end() - free the interrupts of a device that nobody may use any more
 * @slot: the device
 *
 * Context: may sleep.
 */
void v3u_irqs_end(struct v3u_slot *slot)
{
	guard(mutex)(&slot->irq_lock);
	if (slot->irqs)
		slot->ops->irqs_off(slot, slot->irqs);
	free_irqs(slot->irqs);
	slot->irqs = NULL;
}

static enum v3c_reason check_type(struct v3u_call *call, u32 type)
{
	if (type <= V3COMPAT_INTERRUPT_WIRED)
		return 0;
	return v3u_refuse(call, V3C_REASON_BAD_ENUM, V3C_PARAM_TYPE, type,
			  V3COMPAT_INTERRUPT_WIRED);
}

/* lock_irqs() takes @slot->irq_lock of a device that @device still has. */
static enum v3c_reason lock_irqs(struct v3u_call *call, struct v3u_device *device)
{
	if (mutex_lock_killable(&device->slot->irq_lock))
		return v3u_refuse(call, V3C_REASON_KILLED, V3C_PARAM_NONE, 0, 0);
	if (device->slot->device == device)
		return 0;
	mutex_unlock(&device->slot->irq_lock);
	return v3u_slot_refuse_gone(call, device);
}

enum v3c_reason v3u_interrupt_query(struct v3u_call *call)
{
	struct v3compat_interrupt_query *arg = call->arg;
	struct v3u_device *device = call->device;
	enum v3c_reason reason = check_type(call, arg->type) ?: lock_irqs(call, device);

	if (reason)
		return reason;
	arg->out_count = device->slot->ops->nr_irqs(device->slot, arg->type);
	arg->out_flags = 0;
	if (arg->out_count && (arg->type == V3COMPAT_INTERRUPT_INTX ||
			       arg->type == V3COMPAT_INTERRUPT_WIRED))
		arg->out_flags = V3COMPAT_INTERRUPT_AUTOMASKED;
	mutex_unlock(&device->slot->irq_lock);
	return v3u_call_answer(call);
}

/* find_event() sets where interrupt @index goes. */
static enum v3c_reason find_event(struct v3u_call *call, struct v3u_irqs *irqs, unsigned int index,
				  s32 fd)
{
	struct eventfd_ctx *event;

	if (fd == -1)
		return 0;
	event = eventfd_ctx_fdget(fd);
	if (IS_ERR(event))
		return v3u_refuse(call, V3C_REASON_BAD_FILE, V3C_PARAM_LIST, (u32)fd, index);
	irqs->irq[index].event = event;
	return 0;
}

/* new_irqs() returns NULL with @reason 0 where there is to be none. */
static struct v3u_irqs *new_irqs(struct v3u_call *call, const struct v3compat_interrupt_set *arg,
				 const s32 *fds, enum v3c_reason *reason)
{
	struct v3u_device *device = call->device;
	struct v3u_irqs *irqs;
	unsigned int i;

	*reason = 0;
	if (!arg->count)
		return NULL;
	irqs = kzalloc(struct_size(irqs, irq, arg->count), GFP_KERNEL_ACCOUNT);
	if (!irqs) {
		*reason = v3u_refuse(call, V3C_REASON_NO_MEMORY, V3C_PARAM_NONE, 0, 0);
		return NULL;
	}
	irqs->count = arg->count;
	irqs->type = arg->type;
	for (i = 0; !*reason && i < arg->count; i++) {
		irqs->irq[i].slot = device->slot;
		spin_lock_init(&irqs->irq[i].lock);
		*reason = find_event(call, irqs, i, fds[i]);
	}
	if (!*reason)
		return irqs;
	free_irqs(irqs);
	return NULL;
}

/*
 * swap_events() gives the interrupts that there are the events of @irqs, which gets the old ones,
 * so that no interrupt is lost. Nobody tells the old ones when it returns.
 */
static void swap_events(struct v3u_irqs *now, struct v3u_irqs *irqs)
{
	unsigned int i;

	for (i = 0; i < now->count; i++) {
		swap(now->irq[i].event, irqs->irq[i].event);
		synchronize_irq(now->irq[i].line);
	}
}

/*
 * replace_irqs() returns what is not used any more. The device cannot have both, so where the new
 * ones cannot be had, the old ones are requested again.
 */
static struct v3u_irqs *replace_irqs(struct v3u_slot *slot, struct v3u_irqs *irqs, int *ret)
{
	struct v3u_irqs *now = slot->irqs;

	lockdep_assert_held(&slot->irq_lock);

	*ret = 0;
	if (now && irqs && now->type == irqs->type && now->count == irqs->count) {
		swap_events(now, irqs);
		return irqs;
	}
	if (now)
		slot->ops->irqs_off(slot, now);
	if (irqs)
		*ret = slot->ops->irqs_on(slot, irqs);
	if (!*ret) {
		slot->irqs = irqs;
		return now;
	}
	if (now && slot->ops->irqs_on(slot, now)) {
		free_irqs(now);
		slot->irqs = NULL;
	}
	return irqs;
}

/* check_set() is called with @slot->irq_lock held. */
static enum v3c_reason check_set(struct v3u_call *call, const struct v3compat_interrupt_set *arg)
{
	struct v3u_device *device = call->device;
	unsigned int max = device->slot->ops->nr_irqs(device->slot, arg->type);

	if (arg->count <= max)
		return 0;
	return v3u_refuse(call, V3C_REASON_TOO_MANY, V3C_PARAM_NUMBER, arg->count, max);
}

/* refuse_irqs(): the kernel has refused the interrupts. */
static enum v3c_reason refuse_irqs(struct v3u_call *call, const struct v3compat_interrupt_set *arg,
				   int err)
{
	if (err == -ENOMEM)
		return v3u_refuse(call, V3C_REASON_NO_MEMORY, V3C_PARAM_NONE, 0, 0);
	v3u_refuse(call, V3C_REASON_HARDWARE, V3C_PARAM_TYPE, arg->type, arg->count);
	call->why.err = err;
	return V3C_REASON_HARDWARE;
}

static enum v3c_reason set_irqs(struct v3u_call *call, const struct v3compat_interrupt_set *arg,
				struct v3u_irqs *irqs)
{
	struct v3u_device *device = call->device;
	enum v3c_reason reason = lock_irqs(call, device);
	int ret;

	if (!reason) {
		reason = check_set(call, arg);
		if (!reason) {
			irqs = replace_irqs(device->slot, irqs, &ret);
			if (ret)
				reason = refuse_irqs(call, arg, ret);
		}
		mutex_unlock(&device->slot->irq_lock);
	}
	free_irqs(irqs);
	return reason;
}

static enum v3c_reason unmask_irqs(struct v3u_call *call, const struct v3compat_interrupt_set *arg)
{
	struct v3u_device *device = call->device;
	enum v3c_reason reason = lock_irqs(call, device);
	struct v3u_irqs *irqs = device->slot->irqs;
	unsigned int i;

	if (reason)
		return reason;
	if (!irqs || irqs->type != arg->type || arg->count > irqs->count) {
		reason = v3u_refuse(call, V3C_REASON_NOT_ENABLED, V3C_PARAM_TYPE, 0, 0);
	} else {
		for (i = 0; i < arg->count; i++)
			if (!device->slot->ops->unmask(device->slot, irqs, i))
				v3u_irq_tell(irqs->irq[i].line, &irqs->irq[i]);
	}
	mutex_unlock(&device->slot->irq_lock);
	return reason;
}

/* count_irqs() checks @arg->count before memory is taken for so many. */
static enum v3c_reason count_irqs(struct v3u_call *call, const struct v3compat_interrupt_set *arg)
{
	struct v3u_device *device = call->device;
	enum v3c_reason reason = lock_irqs(call, device);

	if (reason)
		return reason;
	reason = check_set(call, arg);
	mutex_unlock(&device->slot->irq_lock);
	return reason;
}

enum v3c_reason v3u_interrupt_set(struct v3u_call *call)
{
	const struct v3compat_interrupt_set *arg = call->arg;
	bool unmask = arg->flags & V3COMPAT_INTERRUPT_UNMASK;
	struct v3u_irqs *irqs;
	enum v3c_reason reason;
	s32 *fds = NULL;

	reason = v3u_check_flags(call, arg->flags, V3COMPAT_INTERRUPT_UNMASK) ?:
		 check_type(call, arg->type);
	if (reason)
		return reason;
	if (unmask || !arg->count) {
		reason = v3u_check_reserved(call, arg->fds);
		if (reason)
			return reason;
	}
	if (unmask)
		return unmask_irqs(call, arg);
	reason = count_irqs(call, arg);
	if (reason)
		return reason;
	if (arg->count) {
		fds = memdup_array_user(u64_to_user_ptr(arg->fds), arg->count, sizeof(*fds));
		if (IS_ERR(fds))
			return PTR_ERR(fds) == -ENOMEM ?
				v3u_refuse(call, V3C_REASON_NO_MEMORY, V3C_PARAM_NONE, 0, 0) :
				v3u_refuse(call, V3C_REASON_BAD_POINTER, V3C_PARAM_LIST, arg->fds,
					   arg->fds + arg->count * sizeof(*fds) - 1);
	}
	irqs = new_irqs(call, arg, fds, &reason);
	kfree(fds);
	return reason ?: set_irqs(call, arg, irqs);
}
