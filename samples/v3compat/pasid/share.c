// SPDX-License-Identifier: GPL-2.0
/*
 * The character device behind share.h. A sub-device that is bound to a process is an extension of
 * v3compat; once made, it is detached and deleted as any other one.
 *
 * Ending a bond waits for the page faults that the engine has caused, and those for whatever the
 * process has mapped: a file server that does not answer, for instance. So it is done with no lock
 * held that another client, or the owner, needs. Beginning one waits for others that end, so that
 * it is no part of open(), which holds a lock of all such nodes.
 */
#include <linux/cleanup.h>
#include <linux/fs.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/v3compat.h>
#include <linux/wait.h>

#include "dma.h"
#include "engine.h"
#include "share.h"

/**
 * struct share_device - a character device
 * @misc: the node under /dev
 * @name: its name
 * @ref: one for the owner, one for each open file
 * @lock: protects @bonds, @adapter, @calls and what files say about their bonds
 * @bonds: of the files, unless somebody is ending them
 * @adapter: the device; NULL when its driver is leaving
 * @calls: files that begin or end a bond of @adapter's, with @lock released
 * @idle: woken when there is one less of them
 * @moving: held for reading while the engine works for a file
 */
struct share_device {
	struct miscdevice misc;
	char name[20];
	struct kref ref;
	struct mutex lock;
	struct list_head bonds;
	struct mover_adapter *adapter;
	unsigned int calls;
	wait_queue_head_t idle;
	struct rw_semaphore moving;
};

/**
 * struct share_bond - between a process and the device
 * @node: in the device's list
 * @pasid_device: the sub-device that is bound to the process
 * @pasid: its PASID
 */
struct share_bond {
	struct list_head node;
	PIOMMU_DMA_PASID_DEVICE pasid_device;
	ULONG pasid;
};

/**
 * struct share_file - an open file: a process that may share its memory with the device
 * @device: the device it is open on
 * @mm: the process's address space, kept for comparison only
 * @bond: with the process; NULL without one, and not valid any more when the driver has left
 * @binding: @bond is being made
 */
struct share_file {
	struct share_device *device;
	struct mm_struct *mm;
	struct share_bond *bond;
	bool binding;
};

static int errno_of(NTSTATUS status)
{
	switch (status) {
	case STATUS_SUCCESS:
		return 0;
	case STATUS_NOT_SUPPORTED:
		return -EOPNOTSUPP;
	case STATUS_INSUFFICIENT_RESOURCES:
		return -ENOMEM;
	case STATUS_NONE_MAPPED:
		return -ENOSPC;
	default:
		return -EIO;
	}
}

/* The adapter, which stays until end_call(), or NULL when there is none any more. */
static struct mover_adapter *begin_call(struct share_device *device)
{
	lockdep_assert_held(&device->lock);
	if (device->adapter)
		device->calls++;
	return device->adapter;
}

static void end_call(struct share_device *device)
{
	lockdep_assert_held(&device->lock);
	device->calls--;
	wake_up_all(&device->idle);
}

/* Ends what the engine does for the process; nothing of it is accepted any more. */
static void detach_process(struct mover_adapter *adapter, struct share_bond *bond)
{
	adapter->Iommu.V3.DetachPasidDevice(bond->pasid_device);
}

static void delete_process(struct mover_adapter *adapter, struct share_bond *bond)
{
	adapter->Iommu.V3.DeletePasidDevice(bond->pasid_device);
	kfree(bond);
}

static int make_bond(struct mover_adapter *adapter, struct share_bond **out)
{
	struct share_bond *bond = kzalloc(sizeof(*bond), GFP_KERNEL);
	NTSTATUS status;

	if (!bond)
		return -ENOMEM;
	status = v3compat_create_sva_device(adapter->DmaDevice, current->mm, &bond->pasid_device,
					    &bond->pasid);
	if (NT_SUCCESS(status))
		*out = bond;
	else
		kfree(bond);
	return errno_of(status);
}

static struct mover_adapter *begin_binding(struct share_file *file)
{
	struct share_device *device = file->device;
	struct mover_adapter *adapter;

	guard(mutex)(&device->lock);
	if (file->bond || file->binding)
		return ERR_PTR(-EBUSY);
	adapter = begin_call(device);
	if (!adapter)
		return ERR_PTR(-ENODEV);
	file->binding = true;
	return adapter;
}

static int bind_process(struct share_file *file)
{
	struct share_device *device = file->device;
	struct mover_adapter *adapter;
	struct share_bond *bond;
	int err;

	if (current->mm != file->mm)
		return -EPERM;
	adapter = begin_binding(file);
	if (IS_ERR(adapter))
		return PTR_ERR(adapter);
	err = make_bond(adapter, &bond);
	guard(mutex)(&device->lock);
	file->binding = false;
	if (!err) {
		file->bond = bond;
		list_add_tail(&bond->node, &device->bonds);
	}
	end_call(device);
	return err;
}

static void free_device(struct kref *ref)
{
	kfree(container_of(ref, struct share_device, ref));
}

static void free_file(struct share_file *file)
{
	kref_put(&file->device->ref, free_device);
	mmdrop(file->mm);
	kfree(file);
}

static int share_open(struct inode *inode, struct file *file)
{
	struct share_device *device = container_of(file->private_data, struct share_device, misc);
	struct share_file *share = kzalloc(sizeof(*share), GFP_KERNEL);

	if (!share)
		return -ENOMEM;
	/* misc_deregister() waits for opens, so the owner's reference is still there. */
	kref_get(&device->ref);
	share->device = device;
	share->mm = current->mm;
	mmgrab(share->mm);
	file->private_data = share;
	return nonseekable_open(inode, file);
}

/* By now the process may have lost its address space, or be another one. */
static int share_release(struct inode *inode, struct file *file)
{
	struct share_file *share = file->private_data;
	struct share_device *device = share->device;
	struct mover_adapter *adapter = NULL;

	scoped_guard(mutex, &device->lock) {
		if (share->bond)
			adapter = begin_call(device);
		if (adapter)
			list_del(&share->bond->node);
	}
	if (adapter) {
		detach_process(adapter, share->bond);
		delete_process(adapter, share->bond);
		scoped_guard(mutex, &device->lock)
			end_call(device);
	}
	free_file(share);
	return 0;
}

static int check_move(const struct share_file *share, const struct share_move *move)
{
	if (current->mm != share->mm)
		return -EPERM;
	if (!move->length || move->length > SHARE_MOST)
		return -EINVAL;
	return 0;
}

static int move_for(struct share_file *share, struct share_move *move)
{
	struct share_device *device = share->device;
	struct mover_transfer transfer = {
		.AskForPages = TRUE,
		.Source = move->source,
		.Destination = move->destination,
		.Length = move->length,
	};
	struct mover_engine *engine;
	int err;

	guard(rwsem_read)(&device->moving);
	scoped_guard(mutex, &device->lock) {
		if (!device->adapter)
			return -ENODEV;
		if (!share->bond)
			return -ENOTCONN;
		engine = device->adapter->Engine;
		transfer.Pasid = share->bond->pasid;
	}
	err = mover_move(engine, &transfer);
	if (err)
		return err;
	move->out_pasid = transfer.Pasid;
	move->out_refused = !transfer.Done;
	move->out_fault = transfer.Done ? 0 : transfer.FaultAddress;
	return 0;
}

static long share_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct share_file *share = file->private_data;
	void __user *user = (void __user *)arg;
	struct share_move move;
	int err;

	if (cmd == SHARE_BIND)
		return bind_process(share);
	if (cmd != SHARE_MOVE)
		return -ENOTTY;
	if (copy_from_user(&move, user, sizeof(move)))
		return -EFAULT;
	err = check_move(share, &move);
	if (!err)
		err = move_for(share, &move);
	if (!err && copy_to_user(user, &move, sizeof(move)))
		err = -EFAULT;
	return err;
}

/* Static, because the VFS looks at it after the last share_release(). */
static const struct file_operations share_fops = {
	.owner = THIS_MODULE,
	.open = share_open,
	.release = share_release,
	.unlocked_ioctl = share_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

/**
 * share_device_create() - let processes share their memory with a device
 * @number: in the node's name, "v3c-share" and this
 * @adapter: the device; must stay until share_device_destroy()
 *
 * Return: the node, or an ERR_PTR.
 */
struct share_device *share_device_create(int number, struct mover_adapter *adapter)
{
	struct share_device *device = kzalloc(sizeof(*device), GFP_KERNEL);
	int err;

	if (!device)
		return ERR_PTR(-ENOMEM);
	kref_init(&device->ref);
	mutex_init(&device->lock);
	init_rwsem(&device->moving);
	init_waitqueue_head(&device->idle);
	INIT_LIST_HEAD(&device->bonds);
	device->adapter = adapter;
	snprintf(device->name, sizeof(device->name), "v3c-share%d", number);
	device->misc.minor = MISC_DYNAMIC_MINOR;
	device->misc.name = device->name;
	device->misc.fops = &share_fops;
	device->misc.mode = 0600;
	err = misc_register(&device->misc);
	if (err) {
		kfree(device);
		return ERR_PTR(err);
	}
	return device;
}

static bool is_idle(struct share_device *device)
{
	guard(mutex)(&device->lock);
	return !device->calls;
}

/**
 * share_device_destroy() - take the device out of all processes
 * @device: from share_device_create()
 *
 * Files still open can only be closed.
 */
void share_device_destroy(struct share_device *device)
{
	struct mover_adapter *adapter = device->adapter;
	struct share_bond *bond, *next;
	LIST_HEAD(bonds);

	misc_deregister(&device->misc);
	/* No file begins or ends a bond any more, nor a transfer. */
	scoped_guard(mutex, &device->lock)
		device->adapter = NULL;
	wait_event(device->idle, is_idle(device));
	list_splice_init(&device->bonds, &bonds);
	list_for_each_entry(bond, &bonds, node)
		detach_process(adapter, bond);
	/* A transfer that waited for a page has been let go, and cannot find its PASID reused. */
	down_write(&device->moving);
	up_write(&device->moving);
	list_for_each_entry_safe(bond, next, &bonds, node)
		delete_process(adapter, bond);
	kref_put(&device->ref, free_device);
}
