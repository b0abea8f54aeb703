// SPDX-License-Identifier: GPL-2.0
/*
 * The device itself: its memory and its reset, by the descriptor of V3COMPAT_IOCTL_DEVICE_OPEN.
 *
 * Pages are mapped by page faults, so that they can be taken back any time: &v3u_slot.io is held
 * for reading while one is, and for writing when it is said that the device has no user any more.
 */
#include <linux/anon_inodes.h>
#include <linux/compat.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "user/call.h"
#include "user/commands.h"
#include "user/device_object.h"
#include "user/irq.h"
#include "user/slot.h"

/* Each region has that many bits of the offset for mmap() to itself. */
#define REGION_SHIFT	40

/**
 * struct v3u_device_file - an open file of V3COMPAT_IOCTL_DEVICE_OPEN
 * @entry: in &v3u_slot.fds
 * @device: of which; referenced
 * @mapping: what is mapped of it by whom; no other file's
 */
struct v3u_device_file {
	struct list_head entry;
	struct v3u_device *device;
	struct address_space *mapping;
};

/**
 * v3u_slot_zap() - take back what is mapped of a device
 * @slot: the device; nobody may use it any more, or it is being reset
 *
 * Context: may sleep.
 */
void v3u_slot_zap(struct v3u_slot *slot)
{
	struct v3u_device_file *file;

	down_write(&slot->io);
	list_for_each_entry(file, &slot->fds, entry)
		unmap_mapping_range(file->mapping, 0, 0, true);
	up_write(&slot->io);
}

static enum v3c_reason lock_io(struct v3u_call *call, struct v3u_device *device)
{
	if (down_read_killable(&device->slot->io))
		return v3u_refuse(call, V3C_REASON_KILLED, V3C_PARAM_NONE, 0, 0);
	if (device->slot->device == device)
		return 0;
	up_read(&device->slot->io);
	return v3u_slot_refuse_gone(call, device);
}

static enum v3c_reason query_region(struct v3u_call *call)
{
	struct v3compat_region_query *arg = call->arg;
	struct v3u_device *device = call->device;
	const struct v3u_slot_ops *ops = device->slot->ops;
	enum v3c_reason reason = lock_io(call, device);
	struct v3u_region region = {};

	if (reason)
		return reason;
	arg->out_regions = ops->nr_regions(device->slot);
	if (arg->index < arg->out_regions)
		ops->region(device->slot, arg->index, &region);
	up_read(&device->slot->io);
	arg->out_flags = region.mappable ? V3COMPAT_REGION_MMAP : 0;
	arg->out_length = region.length;
	arg->out_offset = region.mappable ? (u64)arg->index << REGION_SHIFT : 0;
	arg->out_hole = region.hole_length ? region.hole : 0;
	arg->out_hole_length = region.hole_length;
	return v3u_call_answer(call);
}

static enum v3c_reason reset_device(struct v3u_call *call)
{
	const struct v3compat_reset *arg = call->arg;

	return v3u_check_flags(call, arg->flags, 0) ?: v3u_slot_reset(call, call->device);
}

static const struct v3u_command v3u_device_commands[] = {
	V3U_COMMAND(REGION_QUERY, region_query, query_region, QueryDeviceInfo),
	V3U_COMMAND(INTERRUPT_QUERY, interrupt_query, v3u_interrupt_query, QueryDeviceInfo),
	V3U_COMMAND(INTERRUPT_SET, interrupt_set, v3u_interrupt_set, QueryDeviceInfo),
	V3U_COMMAND(RESET, reset, reset_device, QueryDeviceInfo),
};

static long device_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
{
	struct v3u_device_file *file = filp->private_data;

	return v3u_ioctl(file->device->object.file, file->device, v3u_device_commands,
			 ARRAY_SIZE(v3u_device_commands), V3COMPAT_CMD_REGION_QUERY, cmd, arg);
}

/* page_of() is the offset in its region of page @pgoff of a device file. */
static unsigned long page_of(unsigned long pgoff)
{
	return pgoff & (BIT_ULL(REGION_SHIFT - PAGE_SHIFT) - 1);
}

/* map_page() is a page fault. @vma->vm_private_data is the region's first page frame. */
static vm_fault_t map_page(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct v3u_device_file *file = vma->vm_file->private_data;
	struct v3u_slot *slot = file->device->slot;
	vm_fault_t ret = VM_FAULT_SIGBUS;
	bool resetting;

	down_read(&slot->io);
	resetting = slot->resetting;
	if (slot->device == file->device && !resetting)
		ret = vmf_insert_pfn(vma, vmf->address,
				     (unsigned long)vma->vm_private_data + page_of(vmf->pgoff));
	up_read(&slot->io);
	if (!resetting)
		return ret;
	/* The processor tries again, unless the thread is killed, also inside a system call. */
	if (fatal_signal_pending(current))
		return VM_FAULT_SIGBUS;
	schedule_timeout_killable(1);
	return VM_FAULT_NOPAGE;
}

static const struct vm_operations_struct v3u_device_vm_ops = {
	.fault = map_page,
};

/* check_map() says where the memory is that @vma maps; called with &v3u_slot.io held. */
static int check_map(struct v3u_slot *slot, const struct vm_area_struct *vma, u64 *start)
{
	unsigned long index = vma->vm_pgoff >> (REGION_SHIFT - PAGE_SHIFT);
	u64 first = (u64)page_of(vma->vm_pgoff) << PAGE_SHIFT;
	u64 length = vma->vm_end - vma->vm_start;
	struct v3u_region region = {};

	if (index >= slot->ops->nr_regions(slot))
		return -EINVAL;
	slot->ops->region(slot, index, &region);
	if (!region.mappable || first > region.length || length > region.length - first)
		return -EINVAL;
	if (first < region.hole + region.hole_length && region.hole < first + length)
		return -EACCES;
	*start = region.start;
	return 0;
}

static int map_device(struct file *filp, struct vm_area_struct *vma)
{
	struct v3u_device_file *file = filp->private_data;
	struct v3u_slot *slot = file->device->slot;
	u64 start;
	int ret;

	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	if (down_read_killable(&slot->io))
		return -EINTR;
	ret = slot->device == file->device ? check_map(slot, vma, &start) : -ENODEV;
	up_read(&slot->io);
	if (ret)
		return ret;
	vm_flags_set(vma, VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_page_prot = pgprot_decrypted(pgprot_noncached(vma->vm_page_prot));
	vma->vm_private_data = (void *)(unsigned long)(start >> PAGE_SHIFT);
	vma->vm_ops = &v3u_device_vm_ops;
	return 0;
}

static void free_file(struct v3u_device_file *file)
{
	v3u_object_drop(&file->device->object);
	kfree(file);
}

/* release_device(): nothing is mapped any more, because a mapping holds the file. */
static int release_device(struct inode *inode, struct file *filp)
{
	struct v3u_device_file *file = filp->private_data;
	struct v3u_slot *slot = file->device->slot;

	down_write(&slot->io);
	list_del(&file->entry);
	up_write(&slot->io);
	free_file(file);
	return 0;
}

static const struct file_operations v3u_device_file_ops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = device_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = map_device,
	.release = release_device,
};

/* open_file() makes a file of a device that is held for use; NULL when it is refused. */
static struct file *open_file(struct v3u_call *call, struct v3u_device *device)
{
	struct v3u_device_file *file = kzalloc(sizeof(*file), GFP_KERNEL_ACCOUNT);
	struct v3u_slot *slot = device->slot;
	struct file *filp;

	if (!file) {
		v3u_refuse(call, V3C_REASON_NO_MEMORY, V3C_PARAM_NONE, 0, 0);
		return NULL;
	}
	file->device = device;
	v3u_object_hold(&device->object);
	INIT_LIST_HEAD(&file->entry);
	/* An inode of its own, because unmap_mapping_range() works on all that is mapped of it. */
	filp = anon_inode_create_getfile("[v3compat-device]", &v3u_device_file_ops, file,
					 O_RDWR | O_CLOEXEC, NULL);
	if (IS_ERR(filp)) {
		v3u_refuse(call, V3C_REASON_NO_MEMORY, V3C_PARAM_NONE, 0, 0);
		free_file(file);
		return NULL;
	}
	file->mapping = filp->f_mapping;
	down_write(&slot->io);
	list_add(&file->entry, &slot->fds);
	up_write(&slot->io);
	return filp;
}

/* open_device() opens a device that its file still has, and so may have changed from now on. */
static struct file *open_device(struct v3u_call *call, u32 id)
{
	struct v3u_device *device;
	struct file *filp = NULL;

	device = v3u_object_get(call, id, V3U_DEVICE, V3C_PARAM_DEVICE);
	if (!device)
		return NULL;
	if (!v3u_slot_lock(call, device)) {
		if (device->slot->device == device) {
			device->slot->used = true;
			filp = open_file(call, device);
		} else {
			v3u_slot_refuse_gone(call, device);
		}
		v3u_slot_unlock(device);
	}
	v3u_object_put(&device->object);
	return filp;
}

enum v3c_reason v3u_device_open(struct v3u_call *call)
{
	struct v3compat_device_open *arg = call->arg;
	enum v3c_reason reason = v3u_check_flags(call, arg->flags, 0);
	struct file *filp;

	if (reason)
		return reason;
	filp = open_device(call, arg->device);
	return filp ? v3u_call_answer_file(call, filp, &arg->out_fd) : call->why.reason;
}
