// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/v3bench-iommufd: VFIO takes no platform devices on x86, but those of iommusim are the only
 * ones that make page requests. So this binds them to an iommufd.
 */
#include <linux/device/bus.h>
#include <linux/fs.h>
#include <linux/iommu.h>
#include <linux/iommufd.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/platform_device.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "v3bench_iommufd.h"

/**
 * struct bound - an open file
 * @lock: one command at a time
 * @dev: the device; referenced
 * @idev: it in the iommufd, or NULL
 * @pasid: of it, that is attached to a page table; or IOMMU_NO_PASID
 */
struct bound {
	struct mutex lock;
	struct device *dev;
	struct iommufd_device *idev;
	u32 pasid;
};

static int bind(struct bound *bound, struct v3bench_bind *arg)
{
	struct iommufd_ctx *ictx;
	struct iommufd_device *idev;
	struct device *dev;

	if (bound->idev || strnlen(arg->name, sizeof(arg->name)) == sizeof(arg->name))
		return -EINVAL;
	dev = bus_find_device_by_name(&platform_bus_type, NULL, arg->name);
	if (!dev)
		return -ENODEV;
	ictx = iommufd_ctx_from_fd(arg->iommufd);
	if (IS_ERR(ictx)) {
		put_device(dev);
		return PTR_ERR(ictx);
	}
	idev = iommufd_device_bind(ictx, dev, &arg->out_device);
	iommufd_ctx_put(ictx);
	if (IS_ERR(idev)) {
		put_device(dev);
		return PTR_ERR(idev);
	}
	bound->dev = dev;
	bound->idev = idev;
	return 0;
}

static int attach(struct bound *bound, struct v3bench_attach *arg)
{
	int err;

	if (!bound->idev || bound->pasid != IOMMU_NO_PASID || arg->pasid == IOMMU_NO_PASID)
		return -EINVAL;
	err = iommufd_device_attach(bound->idev, arg->pasid, &arg->table);
	if (!err)
		bound->pasid = arg->pasid;
	return err;
}

static long bound_ioctl(struct file *file, unsigned int cmd, unsigned long user)
{
	struct bound *bound = file->private_data;
	struct v3bench_attach attach_arg;
	struct v3bench_bind arg;
	int err;

	guard(mutex)(&bound->lock);
	switch (cmd) {
	case V3BENCH_BIND:
		if (copy_from_user(&arg, (void __user *)user, sizeof(arg)))
			return -EFAULT;
		err = bind(bound, &arg);
		if (!err && copy_to_user((void __user *)user, &arg, sizeof(arg)))
			err = -EFAULT;
		return err;
	case V3BENCH_ATTACH:
		if (copy_from_user(&attach_arg, (void __user *)user, sizeof(attach_arg)))
			return -EFAULT;
		return attach(bound, &attach_arg);
	default:
		return -ENOTTY;
	}
}

static int open_bound(struct inode *inode, struct file *file)
{
	struct bound *bound = kzalloc(sizeof(*bound), GFP_KERNEL);

	if (!bound)
		return -ENOMEM;
	mutex_init(&bound->lock);
	file->private_data = bound;
	return 0;
}

static int release_bound(struct inode *inode, struct file *file)
{
	struct bound *bound = file->private_data;

	if (bound->pasid != IOMMU_NO_PASID)
		iommufd_device_detach(bound->idev, bound->pasid);
	if (bound->idev) {
		iommufd_device_unbind(bound->idev);
		put_device(bound->dev);
	}
	kfree(bound);
	return 0;
}

static const struct file_operations bound_fops = {
	.owner = THIS_MODULE,
	.open = open_bound,
	.release = release_bound,
	.unlocked_ioctl = bound_ioctl,
};

static struct miscdevice misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "v3bench-iommufd",
	.fops = &bound_fops,
};
module_misc_device(misc);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Binds platform devices to an iommufd");
MODULE_IMPORT_NS("IOMMUFD");
