// SPDX-License-Identifier: GPL-2.0
/*
 * PCI driver for QEMU's edu device: the Linux part.
 *
 * It finds the device and runs its engine. What the engine may
 * reach is the DMA part's business: dma.c, scenarios.c, unmanaged.c and guard.c,
 * which are written for Windows' DMA_IOMMU_INTERFACE_V3.
 *
 * The engine drops address bits that its dma_mask property does not have, and
 * nothing tells the driver. Start QEMU with
 *   -device edu,dma_mask=0xffffffffffffffff
 *
 * /dev/v3c-edu0 and so on run the scenarios: see scenario.h and run.sh.
 */
#include <linux/completion.h>
#include <linux/idr.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/pgtable.h>
#include <linux/slab.h>
#include <linux/v3compat.h>
#include <linux/workqueue.h>

#include <kcompat.h>

#include "dma.h"
#include "edu_hw.h"
#include "scenario.h"

#define EDU_VENDOR_ID 0x1234
#define EDU_DEVICE_ID 0x11e8

#define EDU_IRQ_STATUS 0x24
#define EDU_IRQ_ACK 0x64
#define EDU_DMA_SOURCE 0x80
#define EDU_DMA_DESTINATION 0x88
#define EDU_DMA_COUNT 0x90
#define EDU_DMA_COMMAND 0x98
#define EDU_BUFFER 0x40000

#define EDU_COMMAND_RUN BIT(0)
#define EDU_COMMAND_TO_MEMORY BIT(1)
#define EDU_COMMAND_IRQ BIT(2)

/* A transfer takes 100 ms. */
#define EDU_TIMEOUT (5 * HZ)

/**
 * struct edu_engine - the hardware
 * @regs: BAR 0
 * @done: the running transfer has ended
 * @work: the worker
 * @routine: what it does
 * @context: handed to @routine
 * @policy: the DMA guard before EduGuardEveryDevice()
 */
struct edu_engine {
	void __iomem *regs;
	struct completion done;
	struct work_struct work;
	VOID (*routine)(PVOID Context);
	void *context;
	enum v3compat_guard policy;
};

/**
 * struct edu_device - a device that the driver is bound to
 * @number: in the name of its node, "v3c-edu" and this
 * @name: that name
 * @engine: its hardware
 * @adapter: its DMA part
 * @scenarios: its node
 */
struct edu_device {
	int number;
	char name[20];
	struct edu_engine engine;
	struct edu_adapter adapter;
	struct scenario_device *scenarios;
};

static DEFINE_IDA(numbers);

static irqreturn_t edu_interrupt(int irq, void *data)
{
	struct edu_engine *engine = data;
	u32 status = readl(engine->regs + EDU_IRQ_STATUS);

	if (!status)
		return IRQ_NONE;
	writel(status, engine->regs + EDU_IRQ_ACK);
	complete(&engine->done);
	return IRQ_HANDLED;
}

NTSTATUS EduTransfer(PEDU_ENGINE Engine, EDU_DIRECTION Direction,
		     IOMMU_DMA_LOGICAL_ADDRESS Memory, ULONG Length)
{
	bool to_memory = Direction == EduEngineToMemory;
	u64 command = EDU_COMMAND_RUN | EDU_COMMAND_IRQ;

	if (to_memory)
		command |= EDU_COMMAND_TO_MEMORY;
	reinit_completion(&Engine->done);
	writeq(to_memory ? EDU_BUFFER : Memory, Engine->regs + EDU_DMA_SOURCE);
	writeq(to_memory ? Memory : EDU_BUFFER, Engine->regs + EDU_DMA_DESTINATION);
	writeq(Length, Engine->regs + EDU_DMA_COUNT);
	writeq(command, Engine->regs + EDU_DMA_COMMAND);
	if (!wait_for_completion_timeout(&Engine->done, EDU_TIMEOUT))
		return STATUS_UNSUCCESSFUL;
	if (readq(Engine->regs + EDU_DMA_COMMAND) & EDU_COMMAND_RUN)
		return STATUS_UNSUCCESSFUL;
	return STATUS_SUCCESS;
}

static void edu_work(struct work_struct *work)
{
	struct edu_engine *engine = container_of(work, struct edu_engine, work);

	engine->routine(engine->context);
}

VOID EduPrepareWork(PEDU_ENGINE Engine, VOID (*Routine)(PVOID Context), PVOID Context)
{
	Engine->routine = Routine;
	Engine->context = Context;
}

VOID EduStartWork(PEDU_ENGINE Engine)
{
	schedule_work(&Engine->work);
}

VOID EduFinishWork(PEDU_ENGINE Engine)
{
	flush_work(&Engine->work);
}

ULONG EduTableLevels(VOID)
{
	return IS_ENABLED(CONFIG_X86) && pgtable_l5_enabled() ? 5 : 4;
}

BOOLEAN EduGuardEveryDevice(PEDU_ENGINE Engine)
{
	bool locked;

	v3compat_get_guard(&Engine->policy, &locked);
	return !v3compat_set_guard_policy(V3COMPAT_GUARD_ALL);
}

BOOLEAN EduRestoreGuard(PEDU_ENGINE Engine)
{
	return !v3compat_set_guard_policy(Engine->policy);
}

static const struct scenario scenarios[] = {
	{ "interface", "what a driver asks for when its device starts", EduRunInterface },
	{ "allocator", "the system chooses logical addresses", EduRunAllocator },
	{ "explicit", "the driver chooses logical addresses", EduRunExplicit },
	{ "scattered", "scattered pages become one logical range", EduRunScattered },
	{ "reserved", "reserve once, commit many times", EduRunReserved },
	{ "identity", "logical addresses equal physical ones", EduRunIdentity },
	{ "switch", "one device, two domains in turn", EduRunSwitch },
	{ "passthrough", "no translation while attached", EduRunPassThrough },
	{ "unmanaged", "the driver owns the page tables", EduRunUnmanaged },
	{ "guard", "policy takes PassThrough away while it is used", EduRunGuard },
	{ }
};

static int start_engine(struct pci_dev *pdev, struct edu_engine *engine)
{
	int err;

	err = pcim_enable_device(pdev);
	if (err)
		return err;
	engine->regs = pcim_iomap(pdev, 0, 0);
	if (!engine->regs)
		return -ENOMEM;
	init_completion(&engine->done);
	INIT_WORK(&engine->work, edu_work);
	pci_set_master(pdev);
	err = pci_alloc_irq_vectors(pdev, 1, 1, PCI_IRQ_ALL_TYPES);
	if (err < 0)
		return err;
	err = request_irq(pci_irq_vector(pdev, 0), edu_interrupt, IRQF_SHARED, "v3c-edu", engine);
	if (err)
		pci_free_irq_vectors(pdev);
	return err;
}

static void stop_engine(struct pci_dev *pdev, struct edu_engine *engine)
{
	/* A transfer that outlived its timeout must not start after this. */
	pci_clear_master(pdev);
	free_irq(pci_irq_vector(pdev, 0), engine);
	pci_free_irq_vectors(pdev);
}

static int edu_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct edu_device *edu = devm_kzalloc(&pdev->dev, sizeof(*edu), GFP_KERNEL);
	NTSTATUS status;
	int err;

	if (!edu)
		return -ENOMEM;
	pci_set_drvdata(pdev, edu);
	edu->number = ida_alloc(&numbers, GFP_KERNEL);
	if (edu->number < 0)
		return edu->number;
	snprintf(edu->name, sizeof(edu->name), "v3c-edu%d", edu->number);
	err = start_engine(pdev, &edu->engine);
	if (err)
		goto free_number;

	edu->adapter.Pdo = &pdev->dev;
	edu->adapter.Engine = &edu->engine;
	status = EduStart(&edu->adapter);
	if (!NT_SUCCESS(status)) {
		err = dev_err_probe(&pdev->dev, -ENODEV, "no DMA remapping: status 0x%08x\n",
				    (unsigned int)status);
		goto stop_engine;
	}
	edu->scenarios = scenario_device_create(edu->name, scenarios, &edu->adapter);
	if (IS_ERR(edu->scenarios)) {
		err = PTR_ERR(edu->scenarios);
		goto stop_adapter;
	}
	return 0;

stop_adapter:
	EduStop(&edu->adapter);
stop_engine:
	stop_engine(pdev, &edu->engine);
free_number:
	ida_free(&numbers, edu->number);
	return err;
}

static void edu_remove(struct pci_dev *pdev)
{
	struct edu_device *edu = pci_get_drvdata(pdev);

	scenario_device_destroy(edu->scenarios);
	EduStop(&edu->adapter);
	stop_engine(pdev, &edu->engine);
	ida_free(&numbers, edu->number);
}

static const struct pci_device_id edu_ids[] = {
	{ PCI_DEVICE(EDU_VENDOR_ID, EDU_DEVICE_ID) },
	{ }
};
MODULE_DEVICE_TABLE(pci, edu_ids);

static struct pci_driver edu_driver = {
	.name = "v3c-edu",
	.id_table = edu_ids,
	.probe = edu_probe,
	.remove = edu_remove,
	/* The driver never uses the DMA API: its domains may own the device. */
	.driver_managed_dma = true,
};
module_pci_driver(edu_driver);

V3C_IMPORT_NS(V3COMPAT);
MODULE_DESCRIPTION("QEMU edu device, with its DMA written for DMA_IOMMU_INTERFACE_V3");
MODULE_LICENSE("GPL");
