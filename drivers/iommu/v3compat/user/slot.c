// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: Devices for user space
 *
 * &struct v3u_slot is a device that is bound to v3compat-pci or v3compat-platform. One file at a
 * time has it, and with it the whole IOMMU group, which is claimed: whatever is not attached is
 * blocked. Nothing of the device outlives the claim: when the file is closed, the device is
 * destroyed or its driver leaves, its memory is unmapped, its interrupts are freed, it is no bus
 * master any more, everything is detached, and it is reset.
 *
 * A device that could still have work under way then keeps its claim, on account of
 * &v3u_quarantine: the group never goes back to the kernel's default domain, where that work would
 * reach memory, and no other driver gets it. The next file that claims the device takes it over,
 * and so does its last owner's removal from the system, or that of this module.
 */
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "base/owner.h"
#include "base/topology.h"
#include "core/claim.h"
#include "core/device.h"
#include "core/removal.h"
#include "user/call.h"
#include "user/device_object.h"
#include "user/events.h"
#include "user/slot.h"

static bool v3u_allow_unsafe_interrupts;
module_param_named(allow_unsafe_interrupts, v3u_allow_unsafe_interrupts, bool, 0644);
MODULE_PARM_DESC(allow_unsafe_interrupts,
		 "give user space devices that could forge interrupts of others");

/* v3u_quarantine has the groups of devices that nobody has and that may have work under way. */
static const struct v3c_owner v3u_quarantine = { .name = "v3compat", .strict = true };

static LIST_HEAD(v3u_slots);

/* v3u_slots_lock may be taken with a lock of a slot held, and v3c_topology inside. */
static DEFINE_MUTEX(v3u_slots_lock);

static void free_slot(struct kref *refs)
{
	struct v3u_slot *slot = container_of(refs, struct v3u_slot, refs);

	put_device(slot->dev);
	kfree(slot);
}

void v3u_slot_put(struct v3u_slot *slot)
{
	kref_put(&slot->refs, free_slot);
}

/* is_padded(): @text ends, and nothing but zeroes follows. */
static bool is_padded(const u8 *text, size_t size)
{
	size_t length = strnlen((const char *)text, size);

	return length < size && !memchr_inv(text + length, 0, size - length);
}

static const struct v3u_slot_ops *ops_of(const struct v3compat_device_name *name)
{
	static const struct v3u_slot_ops * const all[] = {
		IS_ENABLED(CONFIG_PCI) ? &v3u_pci_ops : NULL, &v3u_platform_ops,
	};
	unsigned int i;

	if (!is_padded(name->bus, sizeof(name->bus)) || !is_padded(name->name, sizeof(name->name)))
		return NULL;
	for (i = 0; i < ARRAY_SIZE(all); i++)
		if (all[i] && !strcmp(all[i]->name, (const char *)name->bus))
			return all[i];
	return NULL;
}

/* find_slot() returns the slot of a device, referenced, or NULL. */
static struct v3u_slot *find_slot(const struct v3u_slot_ops *ops, const char *name)
{
	struct v3u_slot *slot;

	guard(mutex)(&v3u_slots_lock);
	list_for_each_entry(slot, &v3u_slots, entry) {
		if (slot->ops != ops || strcmp(dev_name(slot->dev), name))
			continue;
		kref_get(&slot->refs);
		return slot;
	}
	return NULL;
}

static enum v3c_reason refuse_device(struct v3u_call *call, enum v3c_reason reason)
{
	return v3u_refuse(call, reason, V3C_PARAM_DEVICE, 0, 0);
}

/**
 * v3u_slot_refuse_gone() - say why a device cannot be used any more
 * @call: the command
 * @device: the device
 *
 * Context: any.
 * Return: %V3C_REASON_CLOSED or %V3C_REASON_DEVICE_GONE.
 */
enum v3c_reason v3u_slot_refuse_gone(struct v3u_call *call, struct v3u_device *device)
{
	bool closed = READ_ONCE(device->object.file->closed);

	return v3u_refuse(call, closed ? V3C_REASON_CLOSED : V3C_REASON_DEVICE_GONE,
			  V3C_PARAM_DEVICE, 0, 0);
}

static enum v3c_reason refuse_killed(struct v3u_call *call)
{
	return v3u_refuse(call, V3C_REASON_KILLED, V3C_PARAM_NONE, 0, 0);
}

/* refuse_unbound() is for a device that has no slot; @blocker gets the name of its driver. */
static enum v3c_reason refuse_unbound(struct v3u_call *call, const struct v3u_slot_ops *ops,
				      const char *name, u8 *blocker, size_t size)
{
	struct device *dev = bus_find_device_by_name(ops->bus, NULL, name);
	bool vfio;

	if (!dev)
		return refuse_device(call, V3C_REASON_NO_SUCH_DEVICE);
	/* dev->mutex keeps the driver there while its name is read. */
	if (mutex_lock_killable(&dev->mutex)) {
		put_device(dev);
		return refuse_killed(call);
	}
	strscpy_pad((char *)blocker, dev->driver ? dev->driver->name : "", size);
	mutex_unlock(&dev->mutex);
	put_device(dev);
	vfio = strstr((const char *)blocker, "vfio");
	return refuse_device(call, vfio ? V3C_REASON_HELD_BY_VFIO : V3C_REASON_NOT_BOUND);
}

/* holder_of() returns the file that has @slot, referenced, or NULL. */
static struct v3u_file *holder_of(struct v3u_slot *slot)
{
	struct v3u_file *file = NULL;

	guard(mutex)(&v3u_slots_lock);
	if (slot->holder) {
		file = slot->holder->object.file;
		v3u_file_hold(file);
	}
	return file;
}

/* wait_for_file() waits for a file that is being closed. The reference to it is dropped. */
static enum v3c_reason wait_for_file(struct v3u_call *call, struct v3u_file *file,
				     enum v3c_reason otherwise)
{
	enum v3c_reason reason = 0;

	if (!READ_ONCE(file->closed))
		reason = refuse_device(call, otherwise);
	else if (wait_for_completion_killable(&file->gone))
		reason = refuse_killed(call);
	v3u_file_drop(file);
	return reason;
}

/* lock_free_slot() returns a slot that nobody has, referenced and locked; or NULL, refused. */
static struct v3u_slot *lock_free_slot(struct v3u_call *call, const struct v3u_slot_ops *ops,
				       const char *name)
{
	u8 blocker[sizeof_field(struct v3compat_device_query, out_blocker)];
	struct v3u_slot *slot;
	struct v3u_file *holder;

	while ((slot = find_slot(ops, name))) {
		holder = holder_of(slot);
		if (!holder && mutex_lock_killable(&slot->lock)) {
			refuse_killed(call);
			v3u_slot_put(slot);
			return NULL;
		}
		if (!holder) {
			if (!slot->holder && !slot->leaving)
				return slot;
			mutex_unlock(&slot->lock);
		} else if (wait_for_file(call, holder, V3C_REASON_CLAIMED)) {
			v3u_slot_put(slot);
			return NULL;
		}
		v3u_slot_put(slot);
	}
	refuse_unbound(call, ops, name, blocker, sizeof(blocker));
	return NULL;
}

static bool same_group(struct device *a, struct device *b)
{
	const struct iommu_group *group = READ_ONCE(a->iommu_group);

	return group && READ_ONCE(b->iommu_group) == group;
}

/* neighbour_of() returns a file that has another device of the group, referenced, or NULL. */
static struct v3u_file *neighbour_of(struct v3u_slot *slot)
{
	struct v3u_file *file;
	struct v3u_slot *other;

	guard(mutex)(&v3u_slots_lock);
	list_for_each_entry(other, &v3u_slots, entry) {
		if (other == slot || !other->holder || !same_group(other->dev, slot->dev))
			continue;
		file = other->holder->object.file;
		v3u_file_hold(file);
		return file;
	}
	return NULL;
}

static void set_holder(struct v3u_slot *slot, struct v3u_device *holder)
{
	lockdep_assert_held(&slot->lock);

	guard(mutex)(&v3u_slots_lock);
	slot->holder = holder;
}

/* set_device() says who may use the device. Nobody is using it when it returns. */
static void set_device(struct v3u_slot *slot, struct v3u_device *device)
{
	lockdep_assert_held(&slot->lock);

	down_write(&slot->io);
	mutex_lock(&slot->irq_lock);
	slot->device = device;
	mutex_unlock(&slot->irq_lock);
	up_write(&slot->io);
}

/*
 * reset_slot() waits a second at most for those who work on the device. A driver that is leaving is
 * one of them, and waits for the caller.
 */
static int reset_slot(struct v3u_slot *slot, bool locked)
{
	int tries, ret = -EAGAIN;

	lockdep_assert_held(&slot->lock);

	for (tries = 0; ret == -EAGAIN && tries < 50; tries++) {
		if (tries)
			msleep(20);
		if (tries && (READ_ONCE(slot->leaving) || fatal_signal_pending(current)))
			break;
		ret = slot->ops->reset(slot, locked);
	}
	return ret;
}

/*
 * make_quiet() resets a device that is no bus master any more. Where there is no reset, the device
 * itself must tell that nothing is under way.
 */
static void make_quiet(struct v3u_slot *slot, bool locked)
{
	int ret;

	lockdep_assert_held(&slot->lock);

	if (!slot->used && !slot->unquiet)
		return;
	ret = reset_slot(slot, locked);
	if (ret && ret != -ENOTTY)
		slot->unquiet = true;
	else if (slot->ops->is_quiet(slot, !ret))
		slot->unquiet = false;
	slot->used = false;
}

/*
 * keep_group() puts into quarantine what is left of the group when @file has no device of it any
 * more.
 */
static void keep_group(struct v3u_slot *slot, struct v3u_file *file)
{
	struct v3u_slot *other;

	lockdep_assert_held(&v3u_slots_lock);

	list_for_each_entry(other, &v3u_slots, entry)
		if (other->holder && other->holder->object.file == file &&
		    same_group(other->dev, slot->dev))
			return;
	v3c_claim_hand_over(slot->dev, &file->owner, &v3u_quarantine);
}

static void drop_holder(struct v3u_slot *slot)
{
	struct v3u_file *file = slot->holder->object.file;

	lockdep_assert_held(&slot->lock);

	guard(mutex)(&v3u_slots_lock);
	slot->holder = NULL;
	keep_group(slot, file);
}

/* end_claim() ends the claim of a device that does not answer to memory accesses. */
static void end_claim(struct v3u_slot *slot)
{
	lockdep_assert_held(&slot->lock);

	if (!slot->unquiet)
		v3c_claim_drop(slot->dev);
	drop_holder(slot);
}

/* give_back() is for a device of which nothing is attached, and that nobody uses. */
static void give_back(struct v3u_slot *slot, bool locked)
{
	make_quiet(slot, locked);
	slot->ops->disable(slot);
	end_claim(slot);
}

/* try_claim() gives a slot that nobody has to @device. */
static enum v3c_reason try_claim(struct v3u_call *call, struct v3u_slot *slot,
				 struct v3u_device *device)
{
	bool isolated = !READ_ONCE(v3u_allow_unsafe_interrupts);
	enum v3c_reason reason;

	set_holder(slot, device);
	make_quiet(slot, false);
	reason = v3c_claim_take(slot->dev, &call->file->owner, &v3u_quarantine, isolated,
				&call->why);
	if (reason) {
		drop_holder(slot);
		return reason;
	}
	if (slot->ops->enable(slot)) {
		end_claim(slot);
		return refuse_device(call, V3C_REASON_IN_USE);
	}
	set_device(slot, device);
	device->slot = slot;
	return 0;
}

/**
 * v3u_slot_claim() - give a device to a file
 * @call: the command
 * @name: which device
 * @device: for it; gets its slot, referenced
 *
 * A file that is being closed is waited for, and so is one that has the group.
 *
 * Context: may sleep; killable.
 * Return: 0, for v3u_slot_release(); %V3C_REASON_NO_SUCH_DEVICE; %V3C_REASON_NOT_BOUND;
 * %V3C_REASON_HELD_BY_VFIO; %V3C_REASON_CLAIMED; %V3C_REASON_IN_USE where the memory of the device
 * is somebody else's; or what v3c_claim_take() refuses.
 */
enum v3c_reason v3u_slot_claim(struct v3u_call *call, const struct v3compat_device_name *name,
			       struct v3u_device *device)
{
	const struct v3u_slot_ops *ops = ops_of(name);
	struct v3u_file *neighbour;
	struct v3u_slot *slot;
	enum v3c_reason reason;

	if (!ops)
		return refuse_device(call, V3C_REASON_NO_SUCH_DEVICE);
	do {
		slot = lock_free_slot(call, ops, (const char *)name->name);
		if (!slot)
			return call->why.reason;
		reason = try_claim(call, slot, device);
		neighbour = reason == V3C_REASON_GROUP_CLAIMED ? neighbour_of(slot) : NULL;
		mutex_unlock(&slot->lock);
		if (reason)
			v3u_slot_put(slot);
	} while (neighbour && !wait_for_file(call, neighbour, reason));
	return reason ? call->why.reason : 0;
}

static void name_file(const struct v3u_file *file, u8 *blocker, size_t size)
{
	snprintf((char *)blocker, size, "%s[%d]", file->comm, file->pid);
}

/**
 * v3u_slot_blocker() - what a claim would be refused for
 * @call: the command
 * @name: which device
 * @blocker: result: who is in the way, in words
 * @size: of @blocker
 *
 * Context: may sleep; killable.
 * Return: 0 or a reason, see v3u_slot_claim(); %V3C_REASON_KILLED may also mean that the caller was
 * killed here.
 */
enum v3c_reason v3u_slot_blocker(struct v3u_call *call, const struct v3compat_device_name *name,
				 u8 *blocker, size_t size)
{
	const struct v3u_slot_ops *ops = ops_of(name);
	enum v3c_reason reason;
	struct v3u_slot *slot;
	struct v3u_file *file;

	if (!ops)
		return refuse_device(call, V3C_REASON_NO_SUCH_DEVICE);
	slot = find_slot(ops, (const char *)name->name);
	if (!slot)
		return refuse_unbound(call, ops, (const char *)name->name, blocker, size);
	file = holder_of(slot);
	if (file) {
		reason = refuse_device(call, V3C_REASON_CLAIMED);
	} else if (mutex_lock_killable(&slot->lock)) {
		reason = refuse_killed(call);
	} else {
		/* @slot->lock keeps the device there. */
		reason = slot->leaving ? refuse_device(call, V3C_REASON_NOT_BOUND) :
					 v3c_claim_check(slot->dev, &call->file->owner,
							 &v3u_quarantine,
							 !READ_ONCE(v3u_allow_unsafe_interrupts),
							 &call->why);
		mutex_unlock(&slot->lock);
		if (reason == V3C_REASON_GROUP_CLAIMED)
			file = neighbour_of(slot);
	}
	if (file) {
		name_file(file, blocker, size);
		v3u_file_drop(file);
	}
	v3u_slot_put(slot);
	return reason;
}

/*
 * stop_slot() takes the device from whoever uses it. What is attached stays so, but the device does
 * no DMA any more where its bus can keep it from that.
 */
static void stop_slot(struct v3u_slot *slot)
{
	lockdep_assert_held(&slot->lock);

	set_device(slot, NULL);
	v3u_slot_zap(slot);
	v3u_irqs_end(slot);
	if (slot->ops->master)
		slot->ops->master(slot, false);
	slot->attached = 0;
}

/**
 * v3u_slot_stop() - end all use of a device, before it is detached
 * @device: of a file that is being closed, or that nobody has found yet
 *
 * Context: may sleep.
 */
void v3u_slot_stop(struct v3u_device *device)
{
	struct v3u_slot *slot = device->slot;

	guard(mutex)(&slot->lock);
	if (slot->holder == device)
		stop_slot(slot);
}

/**
 * v3u_slot_release() - end the claim of a device, after v3u_slot_stop()
 * @device: nothing of it is attached
 *
 * Context: may sleep, for seconds where a reset takes that long.
 */
void v3u_slot_release(struct v3u_device *device)
{
	struct v3u_slot *slot = device->slot;

	guard(mutex)(&slot->lock);
	if (slot->holder == device)
		give_back(slot, false);
}

/* v3u_slot_end() is v3u_slot_stop() and v3u_slot_release() under v3u_slot_lock(). */
void v3u_slot_end(struct v3u_device *device)
{
	struct v3u_slot *slot = device->slot;

	lockdep_assert_held(&slot->lock);

	if (slot->holder != device)
		return;
	stop_slot(slot);
	give_back(slot, false);
}

/**
 * v3u_slot_lock() - keep a device as it is, to attach or detach something of it
 * @call: the command
 * @device: held for use
 *
 * Context: may sleep; killable. Taken outside of the locks of the core.
 * Return: 0, for v3u_slot_unlock(), or %V3C_REASON_KILLED.
 */
enum v3c_reason v3u_slot_lock(struct v3u_call *call, struct v3u_device *device)
{
	return mutex_lock_killable(&device->slot->lock) ? refuse_killed(call) : 0;
}

void v3u_slot_unlock(struct v3u_device *device)
{
	mutex_unlock(&device->slot->lock);
}

/*
 * v3u_slot_attached() counts @object, which is @device or a sub-device of it, and was attached or
 * bound. Called under v3u_slot_lock(). The first one makes the device a bus master.
 */
void v3u_slot_attached(struct v3u_device *device, struct v3u_object *object)
{
	struct v3u_slot *slot = device->slot;

	lockdep_assert_held(&slot->lock);

	if (slot->device != device || object->counted)
		return;
	object->counted = true;
	slot->used = true;
	slot->unquiet = true;
	if (!slot->attached++ && slot->ops->master)
		slot->ops->master(slot, true);
}

/*
 * v3u_slot_detaching() is called before @object is detached, likewise. With the last one the device
 * is no bus master any more. Returns whether @object was counted.
 */
bool v3u_slot_detaching(struct v3u_device *device, struct v3u_object *object)
{
	struct v3u_slot *slot = device->slot;

	lockdep_assert_held(&slot->lock);

	if (slot->device != device || !object->counted)
		return false;
	object->counted = false;
	if (!--slot->attached && slot->ops->master)
		slot->ops->master(slot, false);
	return true;
}

/*
 * v3u_slot_detached() counts @object no more if it was, without v3u_slot_lock(): it is detached, or
 * is about to be where no signal ends that.
 */
void v3u_slot_detached(struct v3u_device *device, struct v3u_object *object)
{
	guard(mutex)(&device->slot->lock);
	v3u_slot_detaching(device, object);
}

static void set_resetting(struct v3u_slot *slot, bool resetting)
{
	down_write(&slot->io);
	slot->resetting = resetting;
	up_write(&slot->io);
}

static enum v3c_reason try_reset(struct v3u_call *call, struct v3u_slot *slot)
{
	int ret;

	/*
	 * @resetting instead of @slot->io, because a reset may wait for page requests of devices,
	 * and one of these for a page fault of this device's mapping.
	 */
	set_resetting(slot, true);
	v3u_slot_zap(slot);
	/* @slot->irq_lock, because interrupts are not set up by what a reset makes of registers. */
	scoped_guard(mutex, &slot->irq_lock)
		ret = reset_slot(slot, false);
	set_resetting(slot, false);
	if (!ret)
		return 0;
	if (fatal_signal_pending(current))
		return refuse_killed(call);
	return refuse_device(call, ret == -ENOTTY ? V3C_REASON_NO_RESET : V3C_REASON_NOT_QUIET);
}

static bool has_bonds(struct device *dev)
{
	guard(mutex)(&v3c_topology);
	return v3c_device_has_bonds(dev);
}

/**
 * v3u_slot_reset() - reset a device for its user
 * @call: the command
 * @device: the device
 *
 * A device that is bound to a process is not reset, because the core would wait for page faults of
 * the process with locks held that others need.
 *
 * Context: may sleep; killable until it begins.
 * Return: 0; %V3C_REASON_IN_USE while a sub-device is bound to a process; %V3C_REASON_DEVICE_GONE;
 * %V3C_REASON_CLOSED; %V3C_REASON_NO_RESET; %V3C_REASON_NOT_QUIET when it failed; or
 * %V3C_REASON_KILLED.
 */
enum v3c_reason v3u_slot_reset(struct v3u_call *call, struct v3u_device *device)
{
	struct v3u_slot *slot = device->slot;
	enum v3c_reason reason = v3u_slot_lock(call, device);

	if (reason)
		return reason;
	if (slot->device != device)
		reason = v3u_slot_refuse_gone(call, device);
	else if (has_bonds(slot->dev))
		reason = refuse_device(call, V3C_REASON_IN_USE);
	else
		reason = try_reset(call, slot);
	v3u_slot_unlock(device);
	return reason;
}

/**
 * v3u_slot_probe() - a driver of ours is bound to a device
 * @dev: the device
 * @ops: of its bus
 * @data: of @ops
 *
 * Context: may sleep.
 * Return: 0 or -ENOMEM.
 */
int v3u_slot_probe(struct device *dev, const struct v3u_slot_ops *ops, void *data)
{
	struct v3u_slot *slot = kzalloc(sizeof(*slot), GFP_KERNEL);

	if (!slot)
		return -ENOMEM;
	kref_init(&slot->refs);
	slot->dev = get_device(dev);
	slot->ops = ops;
	slot->data = data;
	mutex_init(&slot->lock);
	init_rwsem(&slot->io);
	INIT_LIST_HEAD(&slot->fds);
	mutex_init(&slot->irq_lock);
	/* v3c_claim_exists(): a driver of ours has left the device before, and it was not quiet. */
	slot->unquiet = v3c_claim_exists(dev);
	dev_set_drvdata(dev, slot);
	guard(mutex)(&v3u_slots_lock);
	list_add_tail(&slot->entry, &v3u_slots);
	return 0;
}

/**
 * v3u_slot_remove() - the driver leaves the device
 * @dev: the device, locked
 *
 * Whoever has it loses everything of it.
 *
 * Context: may sleep.
 */
void v3u_slot_remove(struct device *dev)
{
	struct v3u_slot *slot = dev_get_drvdata(dev);

	scoped_guard(mutex, &v3u_slots_lock) {
		WRITE_ONCE(slot->leaving, true);
		list_del(&slot->entry);
	}
	scoped_guard(mutex, &slot->lock) {
		if (slot->holder) {
			stop_slot(slot);
			/* A detach would wait for the answers that this gives to page requests. */
			v3u_events_device_gone(slot->holder);
			v3c_removal_driver_leaves(dev);
			give_back(slot, true);
		} else if (slot->unquiet) {
			make_quiet(slot, true);
			if (!slot->unquiet)
				v3c_claim_drop(dev);
		}
	}
	v3u_slot_put(slot);
}

/**
 * v3u_slots_show() - list the devices that are bound to our drivers
 * @seq: where to
 *
 * A device is free, quarantined, or held by a file. A quarantined one may have work under way.
 *
 * Context: may sleep.
 */
void v3u_slots_show(struct seq_file *seq)
{
	struct v3u_slot *slot;

	guard(mutex)(&v3u_slots_lock);
	list_for_each_entry(slot, &v3u_slots, entry) {
		seq_printf(seq, "device %s %s ", slot->ops->name, dev_name(slot->dev));
		if (slot->holder)
			seq_printf(seq, "file %u\n", slot->holder->object.file->number);
		else
			seq_puts(seq, READ_ONCE(slot->unquiet) ? "quarantined\n" : "free\n");
	}
}

/* v3u_slots_init() registers the drivers. Returns 0 or an errno. */
int v3u_slots_init(void)
{
	int ret = v3u_platform_init();

	if (ret || !IS_ENABLED(CONFIG_PCI))
		return ret;
	ret = v3u_pci_init();
	if (ret)
		v3u_platform_exit();
	return ret;
}

/* v3u_slots_exit(): no file is open. Devices in quarantine go back to the kernel. */
void v3u_slots_exit(void)
{
	if (IS_ENABLED(CONFIG_PCI))
		v3u_pci_exit();
	v3u_platform_exit();
	v3c_claims_drop_all();
}
