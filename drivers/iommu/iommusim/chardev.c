// SPDX-License-Identifier: GPL-2.0
/* /dev/iommusim: the API of <linux/iommusim.h> for user space. */
#include <linux/build_bug.h>
#include <linux/capability.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/iommu.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched/signal.h>
#include <linux/security.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/stddef.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/xarray.h>

#include <linux/iommusim.h>

#include "chardev.h"
#include "compat.h"

static_assert((int)IOMMUSIM_RESV_DIRECT == (int)IOMMU_RESV_DIRECT);
static_assert((int)IOMMUSIM_RESV_DIRECT_RELAXABLE == (int)IOMMU_RESV_DIRECT_RELAXABLE);
static_assert((int)IOMMUSIM_RESV_RESERVED == (int)IOMMU_RESV_RESERVED);
static_assert((int)IOMMUSIM_RESV_MSI == (int)IOMMU_RESV_MSI);
static_assert((int)IOMMUSIM_RESV_SW_MSI == (int)IOMMU_RESV_SW_MSI);
static_assert((int)IOMMUSIM_PAGE_SUCCESS == (int)IOMMU_PAGE_RESP_SUCCESS);
static_assert((int)IOMMUSIM_PAGE_INVALID == (int)IOMMU_PAGE_RESP_INVALID);
static_assert((int)IOMMUSIM_PAGE_FAILURE == (int)IOMMU_PAGE_RESP_FAILURE);

/**
 * struct iommusim_object - an instance, a device or a bond that user space made
 * @sim: the instance, or NULL
 * @dev: the device, or NULL
 * @bond: a process bound to a device, or NULL
 * @parent: instance of a device, device of a bond, NULL for an instance
 * @children: number of objects whose @parent this is
 */
struct iommusim_object {
	struct iommusim *sim;
	struct device *dev;
	struct iommu_sva *bond;
	struct iommusim_object *parent;
	unsigned int children;
};

/**
 * struct iommusim_file - one open /dev/iommusim
 * @lock: protects @objects and what they point to
 * @objects: ID -> &struct iommusim_object
 */
struct iommusim_file {
	struct mutex lock;
	struct xarray objects;
};

static struct iommusim_object *find_sim(struct iommusim_file *file, u32 id)
{
	struct iommusim_object *object = xa_load(&file->objects, id);

	lockdep_assert_held(&file->lock);
	return object && object->sim ? object : NULL;
}

static struct iommusim_object *find_device(struct iommusim_file *file, u32 id)
{
	struct iommusim_object *object = xa_load(&file->objects, id);

	lockdep_assert_held(&file->lock);
	return object && object->dev ? object : NULL;
}

/* get_dev() takes a reference, because the caller uses the device without file->lock. */
static struct device *get_dev(struct iommusim_file *file, u32 id)
{
	struct iommusim_object *object;

	guard(mutex)(&file->lock);
	object = find_device(file, id);
	return object ? get_device(object->dev) : NULL;
}

/*
 * A device must not leave a group with bonds, because the core keeps them by the first device that
 * was bound and by the PASIDs of the group: otherwise they go with it. do_destroy() refuses.
 */
static bool is_group_bound(struct iommusim_file *file, const struct iommusim_object *device)
{
	struct iommusim_object *object;
	unsigned long id;

	lockdep_assert_held(&file->lock);
	xa_for_each(&file->objects, id, object) {
		if (object->bond && object->parent->dev->iommu_group == device->dev->iommu_group)
			return true;
	}
	return false;
}

static struct iommusim_object *add_object(struct iommusim_file *file, u32 *id)
{
	struct iommusim_object *object = kzalloc_obj(*object);
	int err;

	lockdep_assert_held(&file->lock);
	if (!object)
		return ERR_PTR(-ENOMEM);
	err = xa_alloc(&file->objects, id, object, xa_limit_31b, GFP_KERNEL);
	if (err) {
		kfree(object);
		return ERR_PTR(err);
	}
	return object;
}

static void drop_object(struct iommusim_file *file, u32 id)
{
	lockdep_assert_held(&file->lock);
	kfree(xa_erase(&file->objects, id));
}

static void destroy_object(struct iommusim_file *file, u32 id, struct iommusim_object *object)
{
	if (object->bond)
		iommu_sva_unbind_device(object->bond);
	if (object->dev)
		iommusim_device_destroy(object->dev);
	if (object->parent)
		object->parent->children--;
	if (object->sim)
		iommusim_destroy(object->sim);
	drop_object(file, id);
}

static int do_create(struct iommusim_file *file, void *arg)
{
	struct iommusim_ioc_create *cmd = arg;
	struct iommusim_config config = {
		.aperture_bits = cmd->aperture_bits,
		.pgsize_bitmap = cmd->pgsize_bitmap,
		.max_pasids = cmd->max_pasids,
		.quirks = cmd->quirks,
		.features = cmd->features,
	};
	struct iommusim_object *object;
	struct iommusim *sim;

	if (cmd->flags || cmd->__reserved || cmd->aperture_bits != config.aperture_bits)
		return -EINVAL;
	guard(mutex)(&file->lock);
	object = add_object(file, &cmd->out_id);
	if (IS_ERR(object))
		return PTR_ERR(object);
	sim = iommusim_create(&config);
	if (IS_ERR(sim)) {
		drop_object(file, cmd->out_id);
		return PTR_ERR(sim);
	}
	object->sim = sim;
	return 0;
}

static int do_destroy(struct iommusim_file *file, void *arg)
{
	struct iommusim_ioc_destroy *cmd = arg;
	struct iommusim_object *object;

	if (cmd->flags || cmd->__reserved)
		return -EINVAL;
	guard(mutex)(&file->lock);
	object = xa_load(&file->objects, cmd->id);
	if (!object)
		return -ENOENT;
	if (object->children || (object->dev && is_group_bound(file, object)))
		return -EBUSY;
	destroy_object(file, cmd->id, object);
	return 0;
}

static int convert_region(struct iommusim_region *to, const struct iommusim_ioc_region *from)
{
	if (from->type > IOMMUSIM_RESV_SW_MSI || from->prot & ~(IOMMU_READ | IOMMU_WRITE))
		return -EINVAL;
	to->first = from->first;
	to->last = from->last;
	to->type = from->type;
	to->prot = from->prot;
	return 0;
}

/* Return: the regions, or NULL for those that a device has by default */
static struct iommusim_region *copy_user_regions(const struct iommusim_ioc_device_create *cmd)
{
	struct iommusim_ioc_region *from __free(kfree) = NULL;
	struct iommusim_region *to __free(kfree) = NULL;
	u32 i;

	if (!cmd->nr_regions && !(cmd->flags & IOMMUSIM_DEVICE_NO_REGIONS))
		return NULL;
	if (cmd->nr_regions > IOMMUSIM_MAX_REGIONS)
		return ERR_PTR(-EINVAL);
	to = kcalloc(max(cmd->nr_regions, 1U), sizeof(*to), GFP_KERNEL);
	from = kcalloc(max(cmd->nr_regions, 1U), sizeof(*from), GFP_KERNEL);
	if (!to || !from)
		return ERR_PTR(-ENOMEM);
	if (copy_from_user(from, u64_to_user_ptr(cmd->regions), cmd->nr_regions * sizeof(*from)))
		return ERR_PTR(-EFAULT);
	for (i = 0; i < cmd->nr_regions; i++) {
		if (convert_region(&to[i], &from[i]))
			return ERR_PTR(-EINVAL);
	}
	return no_free_ptr(to);
}

static int add_device(struct iommusim_file *file, struct iommusim_ioc_device_create *cmd,
		      const struct iommusim_region *regions)
{
	struct iommusim_device_config config = {
		.group = cmd->group,
		.dma_mask = cmd->dma_mask,
		.regions = regions,
		.nr_regions = cmd->nr_regions,
		.managed_dma = cmd->flags & IOMMUSIM_DEVICE_MANAGED_DMA,
		.ordinary_driver = cmd->flags & IOMMUSIM_DEVICE_ORDINARY_DRIVER,
		.external = cmd->flags & IOMMUSIM_DEVICE_EXTERNAL,
		.no_pasids = cmd->flags & IOMMUSIM_DEVICE_NO_PASIDS,
		.not_coherent = cmd->flags & IOMMUSIM_DEVICE_NOT_COHERENT,
		.resources = cmd->flags & IOMMUSIM_DEVICE_RESOURCES,
		.edge = cmd->flags & IOMMUSIM_DEVICE_EDGE,
	};
	struct iommusim_object *parent, *object;
	struct device *dev;

	guard(mutex)(&file->lock);
	parent = find_sim(file, cmd->sim_id);
	if (!parent)
		return -ENOENT;
	object = add_object(file, &cmd->out_id);
	if (IS_ERR(object))
		return PTR_ERR(object);
	dev = iommusim_device_create(parent->sim, &config);
	if (IS_ERR(dev)) {
		drop_object(file, cmd->out_id);
		return PTR_ERR(dev);
	}
	object->dev = dev;
	object->parent = parent;
	parent->children++;
	strscpy_pad((char *)cmd->out_name, dev_name(dev), sizeof(cmd->out_name));
	return 0;
}

static int do_device_create(struct iommusim_file *file, void *arg)
{
	struct iommusim_ioc_device_create *cmd = arg;
	const u32 known = IOMMUSIM_DEVICE_MANAGED_DMA | IOMMUSIM_DEVICE_ORDINARY_DRIVER |
			  IOMMUSIM_DEVICE_NO_REGIONS | IOMMUSIM_DEVICE_EXTERNAL |
			  IOMMUSIM_DEVICE_NO_PASIDS | IOMMUSIM_DEVICE_NOT_COHERENT |
			  IOMMUSIM_DEVICE_RESOURCES | IOMMUSIM_DEVICE_EDGE;
	struct iommusim_region *regions;
	int err;

	if (cmd->flags & ~known)
		return -EINVAL;
	if ((cmd->flags & IOMMUSIM_DEVICE_NO_REGIONS) && cmd->nr_regions)
		return -EINVAL;
	regions = copy_user_regions(cmd);
	if (IS_ERR(regions))
		return PTR_ERR(regions);
	err = add_device(file, cmd, regions);
	kfree(regions);
	return err;
}

static int run_dma(struct device *dev, const struct iommusim_ioc_dma *cmd, u64 address, void *buf,
		   size_t len, struct iommusim_fault *fault)
{
	bool asks = cmd->flags & IOMMUSIM_DMA_PAGE_REQUESTS;

	if (cmd->flags & IOMMUSIM_DMA_WRITE)
		return asks ? iommusim_dma_write_prq(dev, cmd->pasid, address, buf, len, fault) :
			      iommusim_dma_write(dev, cmd->pasid, address, buf, len, fault);
	return asks ? iommusim_dma_read_prq(dev, cmd->pasid, address, buf, len, fault) :
		      iommusim_dma_read(dev, cmd->pasid, address, buf, len, fault);
}

/*
 * Moves the data of one 4 KiB page by way of @bounce, because the device must see all of the data
 * or, when copy_from_user() fails, nothing.
 */
static int move_page(struct device *dev, const struct iommusim_ioc_dma *cmd, void *bounce,
		     struct iommusim_fault *fault)
{
	u64 address = cmd->address + cmd->out_length;
	size_t len = min_t(u64, cmd->length - cmd->out_length, SZ_4K - (address & (SZ_4K - 1)));
	void __user *data = u64_to_user_ptr(cmd->data + cmd->out_length);
	bool write = cmd->flags & IOMMUSIM_DMA_WRITE;
	int err;

	if (write && copy_from_user(bounce, data, len))
		return -EFAULT;
	err = run_dma(dev, cmd, address, bounce, len, fault);
	if (err)
		return fault->reason ? 0 : err;
	if (!write && copy_to_user(data, bounce, len))
		return -EFAULT;
	return len;
}

static int move_data(struct device *dev, struct iommusim_ioc_dma *cmd, void *bounce)
{
	struct iommusim_fault fault = {};

	while (cmd->out_length < cmd->length && !fault.reason) {
		int moved = move_page(dev, cmd, bounce, &fault);

		if (moved < 0)
			return moved;
		cmd->out_length += moved;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	cmd->out_reason = fault.reason;
	cmd->out_address = fault.reason ? fault.address : 0;
	return 0;
}

static int do_dma(struct iommusim_file *file, void *arg)
{
	struct iommusim_ioc_dma *cmd = arg;
	struct device *dev;
	void *bounce;
	u64 last;
	int err;

	if ((cmd->flags & ~(IOMMUSIM_DMA_WRITE | IOMMUSIM_DMA_PAGE_REQUESTS)) || cmd->__reserved)
		return -EINVAL;
	if (cmd->length && check_add_overflow(cmd->address, cmd->length - 1, &last))
		return -EINVAL;
	dev = get_dev(file, cmd->device_id);
	if (!dev)
		return -ENOENT;
	cmd->out_length = 0;
	bounce = kmalloc(SZ_4K, GFP_KERNEL);
	err = bounce ? move_data(dev, cmd, bounce) : -ENOMEM;
	kfree(bounce);
	put_device(dev);
	return err;
}

static int do_fail_attach(struct iommusim_file *file, void *arg)
{
	struct iommusim_ioc_fail_attach *cmd = arg;
	struct iommusim_object *object;

	if (cmd->flags || cmd->__reserved || !cmd->error || cmd->error > MAX_ERRNO)
		return -EINVAL;
	guard(mutex)(&file->lock);
	object = find_device(file, cmd->device_id);
	if (!object)
		return -ENOENT;
	iommusim_fail_attach(object->dev, -(int)cmd->error, cmd->times);
	return 0;
}

static int do_fail_tables(struct iommusim_file *file, void *arg)
{
	struct iommusim_ioc_fail_tables *cmd = arg;
	struct iommusim_object *object;

	if (cmd->flags & ~IOMMUSIM_FAIL_UNMAPS || cmd->__reserved)
		return -EINVAL;
	guard(mutex)(&file->lock);
	object = find_sim(file, cmd->sim_id);
	if (!object)
		return -ENOENT;
	if (cmd->flags & IOMMUSIM_FAIL_UNMAPS)
		iommusim_fail_unmaps(object->sim, cmd->skip, cmd->times);
	else
		iommusim_fail_tables(object->sim, cmd->skip, cmd->times);
	return 0;
}

static int do_stats(struct iommusim_file *file, void *arg)
{
	struct iommusim_ioc_stats *cmd = arg;
	struct iommusim_stats stats;
	struct iommusim_object *object;

	if (cmd->flags || cmd->__reserved)
		return -EINVAL;
	guard(mutex)(&file->lock);
	object = find_sim(file, cmd->sim_id);
	if (!object)
		return -ENOENT;
	iommusim_get_stats(object->sim, &stats);
	cmd->out_maps = stats.maps;
	cmd->out_unmaps = stats.unmaps;
	cmd->out_flushes = stats.flushes;
	cmd->out_flush_all = stats.flush_all;
	cmd->out_tables = stats.tables;
	cmd->out_leaf_4k = stats.leaf_4k;
	cmd->out_leaf_2m = stats.leaf_2m;
	cmd->out_leaf_1g = stats.leaf_1g;
	cmd->out_iotlb_hits = stats.iotlb_hits;
	cmd->out_stale_hits = stats.stale_hits;
	cmd->out_page_requests = stats.page_requests;
	cmd->out_unanswered = stats.unanswered;
	cmd->out_refused_flushes = stats.refused_flushes;
	return 0;
}

static int do_sva_bind(struct iommusim_file *file, void *arg)
{
	struct iommusim_ioc_sva_bind *cmd = arg;
	struct iommusim_object *parent, *object;
	struct iommu_sva *bond;

	if (cmd->flags || cmd->__reserved)
		return -EINVAL;
	guard(mutex)(&file->lock);
	parent = find_device(file, cmd->device_id);
	if (!parent)
		return -ENOENT;
	if (!IS_ENABLED(CONFIG_IOMMU_SVA))
		return -EOPNOTSUPP;
	object = add_object(file, &cmd->out_id);
	if (IS_ERR(object))
		return PTR_ERR(object);
	bond = iommu_sva_bind_device(parent->dev, current->mm);
	if (IS_ERR(bond)) {
		drop_object(file, cmd->out_id);
		return PTR_ERR(bond);
	}
	object->bond = bond;
	object->parent = parent;
	parent->children++;
	cmd->out_pasid = iommu_sva_get_pasid(bond);
	return 0;
}

static int send_requests(struct device *dev, struct iommusim_ioc_page_request *cmd)
{
	u32 perm = cmd->flags & IOMMUSIM_DMA_WRITE ? IOMMU_FAULT_PERM_WRITE :
						     IOMMU_FAULT_PERM_READ;
	enum iommu_page_response_code response;
	u64 *addresses;
	int err;

	addresses = memdup_array_user(u64_to_user_ptr(cmd->addresses), cmd->count,
				      sizeof(*addresses));
	if (IS_ERR(addresses))
		return PTR_ERR(addresses);
	err = iommusim_page_request(dev, cmd->pasid, addresses, cmd->count, perm, &response);
	if (!err)
		cmd->out_response = response;
	kfree(addresses);
	return err;
}

static int do_page_request(struct iommusim_file *file, void *arg)
{
	struct iommusim_ioc_page_request *cmd = arg;
	struct device *dev;
	int err;

	if ((cmd->flags & ~IOMMUSIM_DMA_WRITE) || !cmd->count ||
	    cmd->count > IOMMUSIM_MAX_PAGE_REQUESTS)
		return -EINVAL;
	dev = get_dev(file, cmd->device_id);
	if (!dev)
		return -ENOENT;
	err = send_requests(dev, cmd);
	put_device(dev);
	return err;
}

static int do_interrupt(struct iommusim_file *file, void *arg)
{
	struct iommusim_ioc_interrupt *cmd = arg;
	struct device *dev;
	int err;

	if (cmd->flags || cmd->level > 1)
		return -EINVAL;
	dev = get_dev(file, cmd->device_id);
	if (!dev)
		return -ENOENT;
	err = iommusim_set_interrupt(dev, cmd->level);
	put_device(dev);
	return err;
}

union iommusim_command {
	struct iommusim_ioc_create create;
	struct iommusim_ioc_destroy destroy;
	struct iommusim_ioc_device_create device_create;
	struct iommusim_ioc_dma dma;
	struct iommusim_ioc_fail_attach fail_attach;
	struct iommusim_ioc_fail_tables fail_tables;
	struct iommusim_ioc_stats stats;
	struct iommusim_ioc_sva_bind sva_bind;
	struct iommusim_ioc_page_request page_request;
	struct iommusim_ioc_interrupt interrupt;
};

/**
 * struct iommusim_operation - one command
 * @size: size of its argument
 * @first_size: size of its argument when the command was new, the least that is accepted
 * @run: carries the command out and writes the answer to @arg
 */
struct iommusim_operation {
	unsigned int size;
	unsigned int first_size;
	int (*run)(struct iommusim_file *file, void *arg);
};

#define OPERATION(cmd, name, last, fn)							\
	[_IOC_NR(cmd)] = {								\
		.size = sizeof(struct iommusim_ioc_##name),				\
		.first_size = offsetofend(struct iommusim_ioc_##name, last),		\
		.run = fn,								\
	}

static const struct iommusim_operation operations[] = {
	OPERATION(IOMMUSIM_IOC_CREATE, create, out_id, do_create),
	OPERATION(IOMMUSIM_IOC_DESTROY, destroy, __reserved, do_destroy),
	OPERATION(IOMMUSIM_IOC_DEVICE_CREATE, device_create, out_name, do_device_create),
	OPERATION(IOMMUSIM_IOC_DMA, dma, __reserved, do_dma),
	OPERATION(IOMMUSIM_IOC_FAIL_ATTACH, fail_attach, __reserved, do_fail_attach),
	OPERATION(IOMMUSIM_IOC_FAIL_TABLES, fail_tables, __reserved, do_fail_tables),
	OPERATION(IOMMUSIM_IOC_STATS, stats, out_stale_hits, do_stats),
	OPERATION(IOMMUSIM_IOC_SVA_BIND, sva_bind, out_pasid, do_sva_bind),
	OPERATION(IOMMUSIM_IOC_PAGE_REQUEST, page_request, out_response, do_page_request),
	OPERATION(IOMMUSIM_IOC_INTERRUPT, interrupt, level, do_interrupt),
};

static long ioctl_file(struct file *filp, unsigned int cmd, unsigned long arg)
{
	void __user *user = (void __user *)arg;
	const struct iommusim_operation *operation;
	union iommusim_command command = {};
	u32 size;
	int err;

	if (_IOC_TYPE(cmd) != IOMMUSIM_IOC_TYPE || _IOC_NR(cmd) >= ARRAY_SIZE(operations) ||
	    cmd != _IO(IOMMUSIM_IOC_TYPE, _IOC_NR(cmd)))
		return -ENOTTY;
	operation = &operations[_IOC_NR(cmd)];

	if (get_user(size, (u32 __user *)user))
		return -EFAULT;
	if (size < operation->first_size)
		return -EINVAL;
	err = copy_struct_from_user(&command, operation->size, user, size);
	if (err)
		return err;
	err = operation->run(filp->private_data, &command);
	if (err)
		return err;
	return copy_to_user(user, &command, min(size, operation->size)) ? -EFAULT : 0;
}

static int open_file(struct inode *inode, struct file *filp)
{
	struct iommusim_file *file;
	int err;

	/* CAP_SYS_RAWIO and no lockdown, because a device reaches any of the machine's memory. */
	if (!capable(CAP_SYS_ADMIN) || !capable(CAP_SYS_RAWIO))
		return -EPERM;
	err = security_locked_down(LOCKDOWN_DEV_MEM);
	if (err)
		return err;
	file = kzalloc_obj(*file);
	if (!file)
		return -ENOMEM;
	mutex_init(&file->lock);
	xa_init_flags(&file->objects, XA_FLAGS_ALLOC1);
	filp->private_data = file;
	return 0;
}

static int release_file(struct inode *inode, struct file *filp)
{
	struct iommusim_file *file = filp->private_data;
	struct iommusim_object *object;
	unsigned long id;

	scoped_guard(mutex, &file->lock) {
		xa_for_each(&file->objects, id, object) {
			if (object->bond)
				destroy_object(file, id, object);
		}
		xa_for_each(&file->objects, id, object) {
			if (object->dev)
				destroy_object(file, id, object);
		}
		xa_for_each(&file->objects, id, object)
			destroy_object(file, id, object);
	}
	xa_destroy(&file->objects);
	kfree(file);
	return 0;
}

static const struct file_operations file_ops = {
	.owner = THIS_MODULE,
	.open = open_file,
	.release = release_file,
	.unlocked_ioctl = ioctl_file,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "iommusim",
	.fops = &file_ops,
	.mode = 0600,
};

int iommusim_chardev_register(void)
{
	return misc_register(&misc);
}

void iommusim_chardev_unregister(void)
{
	misc_deregister(&misc);
}
