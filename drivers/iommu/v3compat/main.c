// SPDX-License-Identifier: GPL-2.0
/*
 * v3compat: Windows' DMA_IOMMU_INTERFACE on Linux' IOMMU core.
 */
#include <linux/module.h>

#include "core/create.h"
#include "core/device.h"
#include "core/domain.h"
#include "core/fault.h"
#include "core/fault_console.h"
#include "core/pasid.h"
#include "core/reclaim.h"
#include "core/removal.h"
#include "core/reserve.h"
#include "core/watch.h"
#include "table/hwpt.h"
#include "table/shadow.h"
#include "user/chardev.h"
#include "wdm/mapping.h"

static int __init v3compat_init(void)
{
	int ret;

	v3c_hwpt_module_init();
	ret = v3c_shadow_module_init();
	if (ret)
		goto exit_hwpt;
	ret = v3c_fault_module_init();
	if (ret)
		goto exit_shadow;
	ret = v3c_fault_console_init();
	if (ret)
		goto exit_fault;
	ret = v3c_watch_module_init();
	if (ret)
		goto exit_console;
	ret = v3c_removal_module_init();
	if (ret)
		goto exit_watch;
	ret = v3u_module_init();
	if (ret)
		goto exit_removal;
	return 0;

exit_removal:
	v3c_removal_module_exit();
exit_watch:
	v3c_watch_module_exit();
exit_console:
	v3c_fault_console_exit();
exit_fault:
	v3c_fault_module_exit();
exit_shadow:
	v3c_shadow_module_exit();
exit_hwpt:
	v3c_hwpt_module_exit();
	return ret;
}

/* v3c_reclaim() frees what clients forgot, who are gone because they link against this module. */
static void __exit v3compat_exit(void)
{
	v3u_module_exit();
	v3w_mapping_module_exit();
	v3c_watch_module_exit();
	v3c_reclaim(NULL, true);
	v3c_removal_module_exit();
	v3c_fault_console_exit();
	v3c_fault_module_exit();
	v3c_pool_destroy(&v3c_token_pool);
	v3c_pool_destroy(&v3c_domain_pool);
	v3c_pool_destroy(&v3c_pasid_pool);
	v3c_pool_destroy(&v3c_device_pool);
	v3c_shadow_module_exit();
	v3c_hwpt_module_exit();
}

module_init(v3compat_init);
module_exit(v3compat_exit);

MODULE_DESCRIPTION("Windows DMA_IOMMU_INTERFACE V1, V2 and V3 on the IOMMU core");
MODULE_VERSION("1.0");
MODULE_LICENSE("GPL");
