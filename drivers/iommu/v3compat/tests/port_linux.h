/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_TESTS_PORT_LINUX_H
#define V3COMPAT_TESTS_PORT_LINUX_H

#include <linux/list.h>
#include <linux/spinlock.h>

#include <wdm.h>

struct port_device {
	struct device *dev;
	const DMA_IOMMU_INTERFACE_V3 *iommu;
	PIOMMU_DMA_DOMAIN domain;
	spinlock_t lock;
	struct list_head transfers;
	unsigned int nr_transfers;
};

struct transfer {
	struct list_head entry;
	PMDL mdl;
	u64 logical;
};

struct transfer *transfer_start(struct port_device *port, void *buffer, u32 length,
				KPROCESSOR_MODE mode, bool to_device);
void transfer_end(struct port_device *port, struct transfer *transfer);

#endif
