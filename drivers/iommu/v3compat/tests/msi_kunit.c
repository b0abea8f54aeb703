// SPDX-License-Identifier: GPL-2.0
/* Devices whose interrupts are DMA that the IOMMU translates. */
#include <linux/irq.h>
#include <linux/irqdomain.h>
#include <linux/msi.h>
#include <linux/platform_device.h>
#include <linux/string.h>

#include "fixture.h"

#ifdef CONFIG_GENERIC_MSI_IRQ
/* An interrupt controller whose doorbell is nowhere: no interrupt is ever raised. */
static void compose(struct irq_data *data, struct msi_msg *msg)
{
	*msg = (struct msi_msg) { .address_lo = 0x8090040, .data = data->hwirq };
}

static struct irq_chip chip = {
	.name = "v3t-doorbell",
	.irq_compose_msi_msg = compose,
};

static int controller_alloc(struct irq_domain *domain, unsigned int virq, unsigned int count,
			    void *arg)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		irq_domain_set_hwirq_and_chip(domain, virq + i, i, &chip, NULL);
	return 0;
}

static const struct irq_domain_ops controller_ops = {
	.alloc = controller_alloc,
	.free = irq_domain_free_irqs_common,
};

static bool init_dev_msi_info(struct device *dev, struct irq_domain *domain,
			      struct irq_domain *parent, struct msi_domain_info *info)
{
	info->flags = MSI_FLAG_USE_DEF_DOM_OPS | MSI_FLAG_USE_DEF_CHIP_OPS | MSI_FLAG_NO_AFFINITY |
		      MSI_FLAG_ALLOC_SIMPLE_MSI_DESCS | MSI_FLAG_FREE_MSI_DESCS;
	return true;
}

static const struct msi_parent_ops parent_ops = {
	.prefix = "v3t-",
	.init_dev_msi_info = init_dev_msi_info,
};

static void write_msg(struct msi_desc *desc, struct msi_msg *msg)
{
}

/* The interrupt controller of a case, and the device that got a vector of it. */
static struct {
	struct fwnode_handle *fwnode;
	struct irq_domain *controller;
	struct device *dev;
} vectors;

static void take_vectors(void)
{
	if (vectors.dev) {
		platform_device_msi_free_irqs_all(vectors.dev);
		dev_set_msi_domain(vectors.dev, NULL);
	}
	if (vectors.controller)
		irq_domain_remove(vectors.controller);
	if (vectors.fwnode)
		irq_domain_free_fwnode(vectors.fwnode);
	memset(&vectors, 0, sizeof(vectors));
}

static void give_vector(struct kunit *test, struct device *pdo)
{
	struct irq_domain_info info = { .ops = &controller_ops, .size = 1 };

	vectors.fwnode = irq_domain_alloc_named_fwnode("v3t-doorbell");
	KUNIT_ASSERT_NOT_NULL(test, vectors.fwnode);
	info.fwnode = vectors.fwnode;
	vectors.controller = msi_create_parent_irq_domain(&info, &parent_ops);
	KUNIT_ASSERT_NOT_NULL(test, vectors.controller);

	dev_set_msi_domain(pdo, vectors.controller);
	KUNIT_ASSERT_EQ(test, platform_device_msi_init_and_alloc_irqs(pdo, 1, write_msg), 0);
	vectors.dev = pdo;
}
#else
static void take_vectors(void)
{
}

static void give_vector(struct kunit *test, struct device *pdo)
{
	kunit_skip(test, "this kernel has no message-signalled interrupts");
}
#endif

static const struct iommusim_region sw_msi = {
	.first = 0x8000000, .last = 0x80fffff, .type = IOMMU_RESV_SW_MSI, .prot = IOMMU_WRITE,
};

static const struct iommusim_device_config translated = { .regions = &sw_msi, .nr_regions = 1 };

/* Whether messages hold physical addresses as long as nobody is attached. */
static bool default_is_identity(struct device *pdo)
{
	return iommu_get_domain_for_dev(pdo)->type == IOMMU_DOMAIN_IDENTITY;
}

static const IOMMU_DMA_DOMAIN_TYPE types[] = {
	DomainTypeTranslate, DomainTypePassThrough, DomainTypeUnmanaged, DomainTypeTranslateS1,
};

static void type_name(const IOMMU_DMA_DOMAIN_TYPE *type, char *desc)
{
	static const char * const names[] = {
		[DomainTypeTranslate] = "Translate", [DomainTypePassThrough] = "PassThrough",
		[DomainTypeUnmanaged] = "Unmanaged", [DomainTypeTranslateS1] = "TranslateS1",
	};

	strscpy(desc, names[*type], KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(type, types, type_name);

static PIOMMU_DMA_DOMAIN domain_for(struct kunit *test, PIOMMU_DMA_DEVICE device)
{
	const IOMMU_DMA_DOMAIN_TYPE *type = test->param_value;
	ULONG offered = 0;

	V3T_V3(test)->QueryAvailableDomainTypes(device, &offered);
	if (!(offered & BIT(*type)))
		kunit_skip(test, "the device has no such domains on this kernel");
	return v3t_domain(test, *type, 0);
}

static void device_with_a_translated_vector_is_refused(struct kunit *test)
{
	const IOMMU_DMA_DOMAIN_TYPE *type = test->param_value;
	struct v3t_world *w = test->priv;
	struct device *pdo = v3t_pdo(test, w->sim, &translated);
	PIOMMU_DMA_DEVICE device = v3t_device(test, pdo);
	PIOMMU_DMA_DOMAIN domain = domain_for(test, device);

	give_vector(test, pdo);
	if (*type == DomainTypePassThrough && default_is_identity(pdo)) {
		v3t_attach(test, domain, device);
		return;
	}
	REFUSE_V3(test, STATUS_ACCESS_DENIED, AttachDeviceEx, domain, device);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, DetachDeviceEx, device);
	v3t_attach(test, domain, w->device);
}

static void vectors_that_bypass_translation_do_not_matter(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = domain_for(test, w->device);

	give_vector(test, w->pdo);
	v3t_attach(test, domain, w->device);
}

static void device_without_vectors_is_attached(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DEVICE device = v3t_device(test, v3t_pdo(test, w->sim, &translated));

	v3t_attach(test, domain_for(test, device), device);
}

/* What one member sees, all of them do. */
static void vector_of_another_member_counts(struct kunit *test)
{
	const IOMMU_DMA_DOMAIN_TYPE *type = test->param_value;
	struct v3t_world *w = test->priv;
	struct iommusim_device_config config = translated;
	struct device *pdo, *other;
	PIOMMU_DMA_DEVICE device;
	PIOMMU_DMA_DOMAIN domain;

	config.group = 1;
	pdo = v3t_pdo(test, w->sim, &config);
	other = v3t_pdo(test, w->sim, &config);
	device = v3t_device(test, pdo);
	domain = domain_for(test, device);
	give_vector(test, other);
	if (*type == DomainTypePassThrough && default_is_identity(pdo)) {
		v3t_attach(test, domain, device);
		return;
	}
	REFUSE_V3(test, STATUS_ACCESS_DENIED, AttachDeviceEx, domain, device);
}

/* Somebody who gives a device a vector before the core puts it behind its IOMMU. */
static struct kunit *giver_test;

static int on_arrival(struct notifier_block *nb, unsigned long event, void *data)
{
	if (event == BUS_NOTIFY_ADD_DEVICE)
		give_vector(giver_test, data);
	return NOTIFY_OK;
}

static struct notifier_block giver = { .notifier_call = on_arrival, .priority = 1 };

static void stop_giving(void *unused)
{
	if (giver_test)
		bus_unregister_notifier(&platform_bus_type, &giver);
	giver_test = NULL;
}

static void newcomer_with_a_translated_vector_detaches_its_group(struct kunit *test)
{
	const IOMMU_DMA_DOMAIN_TYPE *type = test->param_value;
	struct v3t_world *w = test->priv;
	struct iommusim_device_config config = translated;
	PIOMMU_DMA_DEVICE device;

	if (!IS_ENABLED(CONFIG_GENERIC_MSI_IRQ))
		kunit_skip(test, "this kernel has no message-signalled interrupts");
	config.group = 1;
	device = v3t_device(test, v3t_pdo(test, w->sim, &config));
	v3t_attach(test, domain_for(test, device), device);
	KUNIT_ASSERT_EQ(test, bus_register_notifier(&platform_bus_type, &giver), 0);
	giver_test = test;
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, stop_giving, NULL), 0);
	v3t_pdo(test, w->sim, &config);
	stop_giving(NULL);
	/* What its messages hold are physical addresses. */
	if (*type == DomainTypePassThrough)
		EXPECT_V3(test, STATUS_SUCCESS, DetachDeviceEx, device);
	else
		REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, DetachDeviceEx, device);
}

/* A device must not leave with its vectors. */
static void msi_exit(struct kunit *test)
{
	take_vectors();
	v3t_exit(test);
}

static struct kunit_case msi_cases[] = {
	KUNIT_CASE_PARAM(device_with_a_translated_vector_is_refused, type_gen_params),
	KUNIT_CASE_PARAM(vectors_that_bypass_translation_do_not_matter, type_gen_params),
	KUNIT_CASE_PARAM(device_without_vectors_is_attached, type_gen_params),
	KUNIT_CASE_PARAM(vector_of_another_member_counts, type_gen_params),
	KUNIT_CASE_PARAM(newcomer_with_a_translated_vector_detaches_its_group, type_gen_params),
	{}
};

static struct kunit_suite msi_suite = {
	.name = "v3compat_msi",
	.init = v3t_init,
	.exit = msi_exit,
	.test_cases = msi_cases,
};

kunit_test_suite(msi_suite);
