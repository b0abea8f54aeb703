// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit suites of v3compat. They see what a driver sees: <wdm.h>, and a device
 * whose DMA goes through a registered IOMMU, iommusim.
 */
#include <linux/module.h>
#include <kcompat.h>

MODULE_DESCRIPTION("KUnit tests of v3compat on the software IOMMU");
MODULE_LICENSE("GPL");
V3C_IMPORT_NS(V3COMPAT);
V3C_IMPORT_NS(IOMMUSIM);
