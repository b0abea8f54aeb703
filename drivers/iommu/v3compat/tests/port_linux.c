// SPDX-License-Identifier: GPL-2.0
/*
 * What port.h speaks of, as one writes it on Linux.
 */
#include <linux/dev_printk.h>
#include <linux/err.h>
#include <linux/pfn.h>
#include <linux/slab.h>

#include "port_linux.h"

#define DEVICE_READS 1
#define DEVICE_WRITES 2

static int errno_of(NTSTATUS status)
{
	switch (status) {
	case STATUS_ACCESS_VIOLATION:
		return -EFAULT;
	case STATUS_INSUFFICIENT_RESOURCES:
	case STATUS_WORKING_SET_QUOTA:
		return -ENOMEM;
	default:
		return -EINVAL;
	}
}

/* The guide begins here. */
/* May sleep. Returns the transfer, or an ERR_PTR() with nothing locked, mapped or allocated. */
struct transfer *transfer_start(struct port_device *port, void *buffer, u32 length,
				KPROCESSOR_MODE mode, bool to_device)
{
	IOMMU_MAP_PHYSICAL_ADDRESS memory = { .MapType = MapPhysicalAddressTypeMdl };
	struct transfer *transfer;
	unsigned long flags;
	NTSTATUS status;

	might_sleep();

	transfer = kzalloc(sizeof(*transfer), GFP_KERNEL);
	if (!transfer)
		return ERR_PTR(-ENOMEM);
	transfer->mdl = IoAllocateMdl(buffer, length, FALSE, FALSE, NULL);
	if (!transfer->mdl) {
		status = STATUS_INSUFFICIENT_RESOURCES;
		goto free_transfer;
	}
	status = V3cProbeAndLockPages(transfer->mdl, mode,
				      to_device ? IoReadAccess : IoWriteAccess);
	if (!NT_SUCCESS(status)) {
		dev_dbg(port->dev, "buffer %p cannot be locked: 0x%08x\n", buffer, status);
		goto free_mdl;
	}

	memory.Mdl.Mdl = transfer->mdl;
	status = port->iommu->MapLogicalRangeEx(port->domain,
						to_device ? DEVICE_READS : DEVICE_WRITES, &memory,
						NULL, NULL, NULL, &transfer->logical);
	if (!NT_SUCCESS(status))
		goto unlock;

	spin_lock_irqsave(&port->lock, flags);
	list_add_tail(&transfer->entry, &port->transfers);
	port->nr_transfers++;
	spin_unlock_irqrestore(&port->lock, flags);
	return transfer;

unlock:
	MmUnlockPages(transfer->mdl);
free_mdl:
	IoFreeMdl(transfer->mdl);
free_transfer:
	kfree(transfer);
	return ERR_PTR(errno_of(status));
}

/* Called from the device's interrupt thread or tasklet; does not sleep. */
void transfer_end(struct port_device *port, struct transfer *transfer)
{
	unsigned long flags;

	spin_lock_irqsave(&port->lock, flags);
	list_del(&transfer->entry);
	port->nr_transfers--;
	spin_unlock_irqrestore(&port->lock, flags);

	port->iommu->UnmapLogicalRange(port->domain, transfer->logical,
				       PFN_UP(transfer->mdl->ByteCount));
	MmUnlockPages(transfer->mdl);
	IoFreeMdl(transfer->mdl);
	kfree(transfer);
}
/* The guide ends here. */
