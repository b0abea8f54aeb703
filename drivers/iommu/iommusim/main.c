// SPDX-License-Identifier: GPL-2.0
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/init.h>
#include <linux/module.h>
#include <linux/rcupdate.h>

#include "chardev.h"
#include "platform.h"

static int __init init_iommusim(void)
{
	int err;

	err = iommusim_drivers_register();
	if (err)
		return err;
	err = iommusim_chardev_register();
	if (err) {
		iommusim_drivers_unregister();
		return err;
	}
	pr_notice("test equipment: a software IOMMU that protects nothing\n");
	return 0;
}
module_init(init_iommusim);

static void __exit exit_iommusim(void)
{
	iommusim_chardev_unregister();
	iommusim_drivers_unregister();
	/*
	 * synchronize_rcu_tasks(), because a thread that put the last reference to the module may
	 * have been preempted before it left the code.
	 */
	synchronize_rcu_tasks();
}
module_exit(exit_iommusim);

MODULE_DESCRIPTION("Software IOMMU with DMA functions, for testing");
MODULE_VERSION("1.0");
MODULE_LICENSE("GPL");
