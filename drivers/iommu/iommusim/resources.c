// SPDX-License-Identifier: GPL-2.0
/* What a device has beside its DMA: memory that its driver reaches, and an interrupt. */
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/ioport.h>
#include <linux/irq.h>
#include <linux/irq_work.h>
#include <linux/mm.h>
#include <linux/platform_device.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <linux/iommusim.h>

#include "compat.h"
#include "resources.h"

/* MEMORY_ORDER: a page that is a resource, and one whose half is one. */
#define MEMORY_ORDER	1

/*
 * device_memory is what memory of devices is a part of, and not iomem_resource, where their pages
 * are RAM already.
 */
static struct resource device_memory = {
	.name = "iommusim",
	.end = -1,
	.flags = IORESOURCE_MEM,
};

/**
 * struct iommusim_resources - resources of a device
 * @memory: pages of 1 << MEMORY_ORDER
 * @irq: the kernel's number of the interrupt
 * @edge: it comes when the line goes up; otherwise, as long as the line is up
 * @work: has it come, in an interrupt, because chip operations are called with the lock of the
 *	interrupt held
 * @lock: protects what follows; inside the lock of the interrupt
 * @on: the line is up
 * @masked: the interrupt does not come
 * @pending: it came by an edge, and @work has not seen that yet
 */
struct iommusim_resources {
	void *memory;
	int irq;
	bool edge;
	struct irq_work work;
	raw_spinlock_t lock;
	bool on;
	bool masked;
	bool pending;
};

static void deliver_irq(struct irq_work *work)
{
	struct iommusim_resources *resources =
		container_of(work, struct iommusim_resources, work);
	bool deliver;

	scoped_guard(raw_spinlock_irqsave, &resources->lock) {
		deliver = resources->edge ? resources->pending :
					    resources->on && !resources->masked;
		resources->pending = false;
	}
	if (deliver)
		generic_handle_irq_safe(resources->irq);
}

static void mask_irq(struct irq_data *data)
{
	struct iommusim_resources *resources = irq_data_get_irq_chip_data(data);

	guard(raw_spinlock_irqsave)(&resources->lock);
	resources->masked = true;
}

static void unmask_irq(struct irq_data *data)
{
	struct iommusim_resources *resources = irq_data_get_irq_chip_data(data);

	guard(raw_spinlock_irqsave)(&resources->lock);
	resources->masked = false;
	if (!resources->edge && resources->on)
		irq_work_queue(&resources->work);
}

static void ack_irq(struct irq_data *data)
{
}

static int retrigger_irq(struct irq_data *data)
{
	struct iommusim_resources *resources = irq_data_get_irq_chip_data(data);

	guard(raw_spinlock_irqsave)(&resources->lock);
	resources->pending = true;
	irq_work_queue(&resources->work);
	return 1;
}

static unsigned int trigger_of(const struct iommusim_resources *resources)
{
	return resources->edge ? IRQ_TYPE_EDGE_RISING : IRQ_TYPE_LEVEL_HIGH;
}

static int set_irq_type(struct irq_data *data, unsigned int type)
{
	return type == trigger_of(irq_data_get_irq_chip_data(data)) ? 0 : -EINVAL;
}

static struct irq_chip line_chip = {
	.name = "iommusim",
	.irq_ack = ack_irq,
	.irq_mask = mask_irq,
	.irq_unmask = unmask_irq,
	.irq_set_type = set_irq_type,
	.irq_retrigger = retrigger_irq,
};

/* Returns NULL when there is no memory, or no interrupt left. */
struct iommusim_resources *iommusim_resources_alloc(const struct iommusim_device_config *cfg)
{
	struct iommusim_resources *resources = kzalloc_obj(*resources);

	if (!resources)
		return NULL;
	resources->edge = cfg->edge;
	resources->masked = true;
	raw_spin_lock_init(&resources->lock);
	init_irq_work(&resources->work, deliver_irq);
	resources->memory = (void *)__get_free_pages(GFP_KERNEL | __GFP_ZERO, MEMORY_ORDER);
	if (!resources->memory)
		goto err_free;
	resources->irq = irq_alloc_desc(NUMA_NO_NODE);
	if (resources->irq < 0)
		goto err_memory;
	irq_set_chip_data(resources->irq, resources);
	irq_set_chip_and_handler(resources->irq, &line_chip,
				 cfg->edge ? handle_edge_irq : handle_level_irq);
	irq_clear_status_flags(resources->irq, IRQ_NOREQUEST);
	return resources;

err_memory:
	free_pages((unsigned long)resources->memory, MEMORY_ORDER);
err_free:
	kfree(resources);
	return NULL;
}

/* May sleep. Nobody uses the device any more. NULL is ignored. */
void iommusim_resources_free(struct iommusim_resources *resources)
{
	if (!resources)
		return;
	irq_work_sync(&resources->work);
	irq_free_desc(resources->irq);
	free_pages((unsigned long)resources->memory, MEMORY_ORDER);
	kfree(resources);
}

/* Gives @pdev, which is not added yet, the resources. Returns 0 or -ENOMEM. */
int iommusim_resources_add(struct iommusim_resources *resources, struct platform_device *pdev)
{
	phys_addr_t memory = virt_to_phys(resources->memory);
	struct resource list[] = {
		DEFINE_RES_MEM(memory, PAGE_SIZE),
		DEFINE_RES_MEM(memory + PAGE_SIZE, PAGE_SIZE / 2),
		DEFINE_RES_IRQ(resources->irq),
	};

	list[0].parent = &device_memory;
	list[1].parent = &device_memory;
	list[2].flags |= trigger_of(resources);
	return platform_device_add_resources(pdev, list, ARRAY_SIZE(list));
}

/* Lets the memory begin with @name. */
void iommusim_resources_label(struct iommusim_resources *resources, const char *name)
{
	strscpy(resources->memory, name, PAGE_SIZE);
}

/* Sets the line and returns when the handlers of what comes of that have run. May sleep. */
void iommusim_resources_interrupt(struct iommusim_resources *resources, bool on)
{
	scoped_guard(raw_spinlock_irqsave, &resources->lock) {
		if (resources->edge && on && !resources->on && !resources->masked)
			resources->pending = true;
		resources->on = on;
		irq_work_queue(&resources->work);
	}
	irq_work_sync(&resources->work);
}
