// SPDX-License-Identifier: GPL-2.0
/*
 * The character device behind share.h. A sub-device that is bound to a process is an extension of
 * v3compat; once made, it is detached and deleted as any other one.
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

#include "dma.h"
#include "engine.h"
#include "share.h"

/**
 * struct share_device - a character device
 * @misc: the node under /dev
 * @name: its name
 * @ref: one for the owner, one for each open file
 * @lock: protects @files and @adapter
 * @files: the open ones
 * @adapter: the device; NULL when its driver has left
 * @moving: held for reading while the engine works for a file
 */
struct share_device {
	struct miscdevice misc;
	char name[20];
	struct kref ref;
	struct mutex lock;
	struct list_head files;
	struct mover_adapter *adapter;
	struct rw_semaphore moving;
};

/**
 * struct share_file - an open file: a process that shares its memory with the device
 * @device: the device it is open on
 * @node: in @device's list
 * @mm: the process's address space, kept for comparison only
 * @pasid_device: the sub-device that is bound to it
 * @pasid: its PASID
 */
struct share_file {
	struct share_device *device;
	struct list_head node;
	struct mm_struct *mm;
	PIOMMU_DMA_PASID_DEVICE pasid_device;
	ULONG pasid;
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

static int bind_process(struct share_device *device, struct share_file *file)
{
	NTSTATUS status;

	guard(mutex)(&device->lock);
	if (!device->adapter)
		return -ENODEV;
	status = v3compat_create_sva_device(device->adapter->DmaDevice, current->mm,
					    &file->pasid_device, &file->pasid);
	if (NT_SUCCESS(status))
		list_add_tail(&file->node, &device->files);
	return errno_of(status);
}

/* Ends what the engine does for the file; nothing of it is accepted any more. */
static void detach_process(struct share_device *device, struct share_file *file)
{
	device->adapter->Iommu.V3.DetachPasidDevice(file->pasid_device);
}

static void delete_process(struct share_device *device, struct share_file *file)
{
	device->adapter->Iommu.V3.DeletePasidDevice(file->pasid_device);
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
	int err;

	if (!share)
		return -ENOMEM;
	/* misc_deregister() waits for opens, so the owner's reference is still there. */
	kref_get(&device->ref);
	share->device = device;
	share->mm = current->mm;
	mmgrab(share->mm);
	err = bind_process(device, share);
	if (err) {
		free_file(share);
		return err;
	}
	file->private_data = share;
	return nonseekable_open(inode, file);
}

/* By now the process may have lost its address space, or be another one. */
static int share_release(struct inode *inode, struct file *file)
{
	struct share_file *share = file->private_data;
	struct share_device *device = share->device;

	scoped_guard(mutex, &device->lock) {
		list_del(&share->node);
		if (device->adapter) {
			detach_process(device, share);
			delete_process(device, share);
		}
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
		.Pasid = share->pasid,
		.AskForPages = TRUE,
		.Source = move->source,
		.Destination = move->destination,
		.Length = move->length,
	};
	struct mover_adapter *adapter;
	int err;

	guard(rwsem_read)(&device->moving);
	scoped_guard(mutex, &device->lock)
		adapter = device->adapter;
	if (!adapter)
		return -ENODEV;
	err = mover_move(adapter->Engine, &transfer);
	if (err)
		return err;
	move->out_pasid = share->pasid;
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
	INIT_LIST_HEAD(&device->files);
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

/**
 * share_device_destroy() - take the device out of all processes
 * @device: from share_device_create()
 *
 * Files still open can only be closed.
 */
void share_device_destroy(struct share_device *device)
{
	struct share_file *file;

	misc_deregister(&device->misc);
	mutex_lock(&device->lock);
	list_for_each_entry(file, &device->files, node)
		detach_process(device, file);
	mutex_unlock(&device->lock);
	/* A transfer that waited for a page has been let go, and cannot find its PASID reused. */
	down_write(&device->moving);
	mutex_lock(&device->lock);
	list_for_each_entry(file, &device->files, node)
		delete_process(device, file);
	device->adapter = NULL;
	mutex_unlock(&device->lock);
	up_write(&device->moving);
	kref_put(&device->ref, free_device);
}
