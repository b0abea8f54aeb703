// SPDX-License-Identifier: GPL-2.0
/*
 * v3compat-platform: platform devices for user space. It is bound by driver_override only.
 */
#include <linux/mm.h>
#include <linux/platform_device.h>
#include <linux/reset.h>

#include "user/irq.h"
#include "user/slot.h"

#define DRIVER_NAME	"v3compat-platform"

static struct platform_device *platform_of(const struct v3u_slot *slot)
{
	return to_platform_device(slot->dev);
}

static int enable_platform(struct v3u_slot *slot)
{
	return 0;
}

static void disable_platform(struct v3u_slot *slot)
{
}

static int reset_platform(struct v3u_slot *slot, bool locked)
{
	return slot->data ? reset_control_reset(slot->data) : -ENOTTY;
}

/* is_quiet_platform(): nothing but a reset ends the DMA of a platform device. */
static bool is_quiet_platform(struct v3u_slot *slot, bool reset)
{
	return reset;
}

static unsigned int nr_platform_regions(struct v3u_slot *slot)
{
	unsigned int i = 0;

	while (i < V3U_MAX_DEVICE_REGIONS &&
	       platform_get_resource(platform_of(slot), IORESOURCE_MEM, i))
		i++;
	return i;
}

static void describe_resource(struct v3u_slot *slot, unsigned int index, struct v3u_region *region)
{
	struct resource *resource;

	resource = platform_get_resource(platform_of(slot), IORESOURCE_MEM, index);
	if (!resource)
		return;
	region->start = resource->start;
	region->length = resource_size(resource);
	/* Others may be on the rest of a page. */
	region->mappable = region->length && PAGE_ALIGNED(region->start | region->length);
}

static unsigned int nr_platform_irqs(struct v3u_slot *slot, u32 type)
{
	int count = type == V3COMPAT_INTERRUPT_WIRED ? platform_irq_count(platform_of(slot)) : 0;

	return max(count, 0);
}

/* wired_handler() disables the line, because only the user can make the device quiet. */
static irqreturn_t wired_handler(int line, void *arg)
{
	struct v3u_irq *irq = arg;

	scoped_guard(spinlock_irqsave, &irq->lock) {
		if (!irq->masked)
			disable_irq_nosync(line);
		irq->masked = true;
	}
	return v3u_irq_tell(line, irq);
}

static int irqs_on_platform(struct v3u_slot *slot, struct v3u_irqs *irqs)
{
	unsigned int i;
	int line;

	for (i = 0; i < irqs->count; i++) {
		line = platform_get_irq_optional(platform_of(slot), i);
		if (line < 0)
			return line;
		irqs->irq[i].line = line;
	}
	return v3u_irqs_request(irqs, wired_handler, 0, DRIVER_NAME);
}

/* unmask_platform() enables each line as often as its handler has disabled it. */
static bool unmask_platform(struct v3u_slot *slot, struct v3u_irqs *irqs, unsigned int index)
{
	struct v3u_irq *irq = &irqs->irq[index];

	guard(spinlock_irqsave)(&irq->lock);
	if (irq->masked)
		enable_irq(irq->line);
	irq->masked = false;
	return true;
}

static void irqs_off_platform(struct v3u_slot *slot, struct v3u_irqs *irqs)
{
	v3u_irqs_free(irqs);
}

const struct v3u_slot_ops v3u_platform_ops = {
	.name = "platform",
	.driver = DRIVER_NAME,
	.bus = &platform_bus_type,
	.enable = enable_platform,
	.disable = disable_platform,
	.reset = reset_platform,
	.is_quiet = is_quiet_platform,
	.nr_regions = nr_platform_regions,
	.region = describe_resource,
	.nr_irqs = nr_platform_irqs,
	.irqs_on = irqs_on_platform,
	.irqs_off = irqs_off_platform,
	.unmask = unmask_platform,
};

static int probe_platform(struct platform_device *pdev)
{
	struct reset_control *reset;

	/* One that another driver has to itself would reset that driver's devices, too. */
	reset = devm_reset_control_get_optional_exclusive(&pdev->dev, NULL);
	return v3u_slot_probe(&pdev->dev, &v3u_platform_ops, IS_ERR(reset) ? NULL : reset);
}

static void remove_platform(struct platform_device *pdev)
{
	v3u_slot_remove(&pdev->dev);
}

static struct platform_driver v3u_platform_driver = {
	.driver.name = DRIVER_NAME,
	.probe = probe_platform,
	.remove = remove_platform,
	.driver_managed_dma = true,
};

int v3u_platform_init(void)
{
	return platform_driver_register(&v3u_platform_driver);
}

void v3u_platform_exit(void)
{
	platform_driver_unregister(&v3u_platform_driver);
}
