// SPDX-License-Identifier: GPL-2.0
/*
 * v3compat-pci: PCI devices for user space. It is bound by driver_override only.
 */
#include <linux/bitfield.h>
#include <linux/pci.h>
#include <linux/pm.h>

#include "user/irq.h"
#include "user/slot.h"

#define DRIVER_NAME	"v3compat-pci"

static struct pci_dev *pci_of(const struct v3u_slot *slot)
{
	return to_pci_dev(slot->dev);
}

/* stop_decoding(): the device answers to no access of memory or ports, and does no DMA. */
static void stop_decoding(struct pci_dev *pdev)
{
	u16 command;

	pci_clear_master(pdev);
	pci_read_config_word(pdev, PCI_COMMAND, &command);
	if (!PCI_POSSIBLE_ERROR(command))
		pci_write_config_word(pdev, PCI_COMMAND,
				      command & ~(PCI_COMMAND_MEMORY | PCI_COMMAND_IO));
}

/*
 * start_decoding() comes after pci_enable_device(), which does nothing where the device was left
 * enabled by somebody else.
 */
static void start_decoding(struct pci_dev *pdev)
{
	u16 command, decode = 0;
	unsigned int i;

	for (i = 0; i < PCI_STD_NUM_BARS; i++) {
		if (pci_resource_flags(pdev, i) & IORESOURCE_MEM)
			decode |= PCI_COMMAND_MEMORY;
		else if (pci_resource_flags(pdev, i) & IORESOURCE_IO)
			decode |= PCI_COMMAND_IO;
	}
	pci_read_config_word(pdev, PCI_COMMAND, &command);
	if (!PCI_POSSIBLE_ERROR(command))
		pci_write_config_word(pdev, PCI_COMMAND, command | decode);
}

static void disable_pci(struct v3u_slot *slot)
{
	struct pci_dev *pdev = pci_of(slot);

	pci_release_regions(pdev);
	pci_disable_device(pdev);
	stop_decoding(pdev);
}

/*
 * find_table() finds the MSI-X table, which is kept back: the kernel writes it, and what is written
 * there may be an interrupt of somebody else. It is found before anybody can upset the device,
 * whose registers read as ones then. Returns 0 or -EIO.
 */
static int find_table(struct v3u_slot *slot)
{
	struct pci_dev *pdev = pci_of(slot);
	u16 control;
	u32 table;

	slot->hole_bar = -1;
	if (!pdev->msix_cap)
		return 0;
	pci_read_config_dword(pdev, pdev->msix_cap + PCI_MSIX_TABLE, &table);
	pci_read_config_word(pdev, pdev->msix_cap + PCI_MSIX_FLAGS, &control);
	if (PCI_POSSIBLE_ERROR(table) || PCI_POSSIBLE_ERROR(control))
		return -EIO;
	slot->hole_bar = FIELD_GET(PCI_MSIX_TABLE_BIR, table);
	slot->hole = table & PCI_MSIX_TABLE_OFFSET;
	slot->hole_end = slot->hole + (FIELD_GET(PCI_MSIX_FLAGS_QSIZE, control) + 1) *
				      PCI_MSIX_ENTRY_SIZE;
	return 0;
}

static int enable_pci(struct v3u_slot *slot)
{
	struct pci_dev *pdev = pci_of(slot);
	int ret = pci_enable_device(pdev);

	if (ret)
		return ret;
	ret = pci_request_regions(pdev, DRIVER_NAME);
	if (ret) {
		pci_disable_device(pdev);
		stop_decoding(pdev);
		return ret;
	}
	start_decoding(pdev);
	pci_intx(pdev, false);
	if (!find_table(slot))
		return 0;
	disable_pci(slot);
	return -EIO;
}

static void master_pci(struct v3u_slot *slot, bool on)
{
	if (on)
		pci_set_master(pci_of(slot));
	else
		pci_clear_master(pci_of(slot));
}

static int reset_pci(struct v3u_slot *slot, bool locked)
{
	struct pci_dev *pdev = pci_of(slot);

	return locked ? pci_reset_function_locked(pdev) : pci_try_reset_function(pdev);
}

/* is_quiet_pci(): a device that does not answer may be doing anything. */
static bool is_quiet_pci(struct v3u_slot *slot, bool reset)
{
	struct pci_dev *pdev = pci_of(slot);
	u16 command;

	pci_read_config_word(pdev, PCI_COMMAND, &command);
	if (PCI_POSSIBLE_ERROR(command) || command & PCI_COMMAND_MASTER)
		return false;
	/* pci_is_pcie() because other devices do not tell, which the function takes for quiet. */
	return reset || (pci_is_pcie(pdev) && pci_wait_for_pending_transaction(pdev));
}

static unsigned int nr_pci_regions(struct v3u_slot *slot)
{
	return PCI_STD_NUM_BARS;
}

static void describe_bar(struct v3u_slot *slot, unsigned int index, struct v3u_region *region)
{
	struct pci_dev *pdev = pci_of(slot);

	region->start = pci_resource_start(pdev, index);
	region->length = pci_resource_len(pdev, index);
	/* Others may be on the rest of a page. */
	region->mappable = pci_resource_flags(pdev, index) & IORESOURCE_MEM && region->length &&
			   PAGE_ALIGNED(region->start | region->length);
	if (slot->hole_bar != index)
		return;
	region->hole = min(round_down(slot->hole, PAGE_SIZE), region->length);
	region->hole_length = min(round_up(slot->hole_end, PAGE_SIZE), region->length) -
			      region->hole;
}

static unsigned int nr_pci_irqs(struct v3u_slot *slot, u32 type)
{
	struct pci_dev *pdev = pci_of(slot);
	int count = 0;

	switch (type) {
	case V3COMPAT_INTERRUPT_INTX:
		count = pdev->pin && pdev->irq && pdev->irq != IRQ_NOTCONNECTED;
		break;
	case V3COMPAT_INTERRUPT_MSI:
		count = pci_msi_vec_count(pdev);
		break;
	case V3COMPAT_INTERRUPT_MSIX:
		count = pci_msix_vec_count(pdev);
		break;
	}
	return max(count, 0);
}

/*
 * intx_handler() masks the interrupt at the device, or its line where the device cannot. It masks
 * what is masked once more, because a reset may have undone that, and the line of others would be
 * given up otherwise.
 */
static irqreturn_t intx_handler(int line, void *arg)
{
	struct v3u_irq *irq = arg;
	struct pci_dev *pdev = pci_of(irq->slot);

	scoped_guard(spinlock_irqsave, &irq->lock) {
		if (pdev->broken_intx_masking && irq->masked)
			return IRQ_NONE;
		if (pdev->broken_intx_masking)
			disable_irq_nosync(line);
		else if (!pci_check_and_mask_intx(pdev))
			return IRQ_NONE;
		if (irq->masked)
			return IRQ_HANDLED;
		irq->masked = true;
	}
	return v3u_irq_tell(line, irq);
}

static int intx_on(struct pci_dev *pdev, struct v3u_irqs *irqs)
{
	int ret;

	irqs->irq[0].line = pdev->irq;
	/* A line that is disabled for one device is disabled for all. */
	ret = v3u_irqs_request(irqs, intx_handler, pdev->broken_intx_masking ? 0 : IRQF_SHARED,
			       DRIVER_NAME);
	if (!ret)
		pci_intx(pdev, true);
	return ret;
}

static int irqs_on_pci(struct v3u_slot *slot, struct v3u_irqs *irqs)
{
	unsigned int flags = irqs->type == V3COMPAT_INTERRUPT_MSI ? PCI_IRQ_MSI : PCI_IRQ_MSIX;
	struct pci_dev *pdev = pci_of(slot);
	unsigned int i;
	int ret;

	if (irqs->type == V3COMPAT_INTERRUPT_INTX)
		return intx_on(pdev, irqs);
	ret = pci_alloc_irq_vectors(pdev, irqs->count, irqs->count, flags);
	if (ret < 0)
		return ret;
	for (i = 0; i < irqs->count; i++)
		irqs->irq[i].line = pci_irq_vector(pdev, i);
	ret = v3u_irqs_request(irqs, v3u_irq_tell, 0, DRIVER_NAME);
	if (ret)
		pci_free_irq_vectors(pdev);
	return ret;
}

static void irqs_off_pci(struct v3u_slot *slot, struct v3u_irqs *irqs)
{
	struct pci_dev *pdev = pci_of(slot);

	if (irqs->type == V3COMPAT_INTERRUPT_INTX)
		pci_intx(pdev, false);
	v3u_irqs_free(irqs);
	if (irqs->type != V3COMPAT_INTERRUPT_INTX)
		pci_free_irq_vectors(pdev);
}

static bool unmask_pci(struct v3u_slot *slot, struct v3u_irqs *irqs, unsigned int index)
{
	struct v3u_irq *irq = &irqs->irq[index];
	struct pci_dev *pdev = pci_of(slot);

	if (irqs->type != V3COMPAT_INTERRUPT_INTX)
		return true;
	guard(spinlock_irqsave)(&irq->lock);
	if (!irq->masked)
		return true;
	if (pdev->broken_intx_masking)
		enable_irq(irq->line);
	else if (!pci_check_and_unmask_intx(pdev))
		return false;
	irq->masked = false;
	return true;
}

const struct v3u_slot_ops v3u_pci_ops = {
	.name = "pci",
	.driver = DRIVER_NAME,
	.bus = &pci_bus_type,
	.enable = enable_pci,
	.disable = disable_pci,
	.master = master_pci,
	.reset = reset_pci,
	.is_quiet = is_quiet_pci,
	.nr_regions = nr_pci_regions,
	.region = describe_bar,
	.nr_irqs = nr_pci_irqs,
	.irqs_on = irqs_on_pci,
	.irqs_off = irqs_off_pci,
	.unmask = unmask_pci,
};

static int probe_pci(struct pci_dev *pdev, const struct pci_device_id *id)
{
	if (pdev->hdr_type != PCI_HEADER_TYPE_NORMAL)
		return -EINVAL;
	stop_decoding(pdev);
	return v3u_slot_probe(&pdev->dev, &v3u_pci_ops, NULL);
}

static void remove_pci(struct pci_dev *pdev)
{
	v3u_slot_remove(&pdev->dev);
}

/* These do nothing: without them the PCI core logs each reset, and programs can make any number. */
static void prepare_reset(struct pci_dev *pdev)
{
}

static void end_reset(struct pci_dev *pdev)
{
}

static const struct pci_error_handlers v3u_pci_handlers = {
	.reset_prepare = prepare_reset,
	.reset_done = end_reset,
};

/*
 * suspend_pci() ends DMA because the IOMMU sleeps, too, and does not translate from some moment on.
 * The PCI core saves and restores everything else.
 */
static int suspend_pci(struct device *dev)
{
	struct v3u_slot *slot = dev_get_drvdata(dev);

	guard(mutex)(&slot->lock);
	master_pci(slot, false);
	return 0;
}

static int resume_pci(struct device *dev)
{
	struct v3u_slot *slot = dev_get_drvdata(dev);

	guard(mutex)(&slot->lock);
	if (slot->attached)
		master_pci(slot, true);
	return 0;
}

/*
 * Without v3u_pci_pm_ops the PCI core would enable the device again after a sleep, and INTx with
 * it, which has no handler unless the user wants it: the line of others would be given up.
 */
static DEFINE_SIMPLE_DEV_PM_OPS(v3u_pci_pm_ops, suspend_pci, resume_pci);

/* The PCI core keeps a device awake whose driver says nothing about runtime power management. */
static struct pci_driver v3u_pci_driver = {
	.name = DRIVER_NAME,
	.probe = probe_pci,
	.remove = remove_pci,
	.err_handler = &v3u_pci_handlers,
	.driver.pm = pm_sleep_ptr(&v3u_pci_pm_ops),
	.driver_managed_dma = true,
};

int v3u_pci_init(void)
{
	return pci_register_driver(&v3u_pci_driver);
}

void v3u_pci_exit(void)
{
	pci_unregister_driver(&v3u_pci_driver);
}
