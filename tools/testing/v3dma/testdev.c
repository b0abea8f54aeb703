// SPDX-License-Identifier: GPL-2.0
/*
 * PCI driver for QEMU's iommu-testdev, and the rest of what needs Linux.
 *
 * /dev/v3dma runs the scenarios. It belongs to the module, not to a device:
 * some scenarios remove the device under their own feet.
 */
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/io.h>
#include <linux/iommu.h>
#include <linux/iommusim.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/v3compat.h>
#include <linux/wordpart.h>

#include <kcompat.h>

#include "scenario.h"
#include "test.h"
#include "testdev.h"

#define TESTDEV_DEVICE_ID 0x0005

#define TESTDEV_TRIGGER 0x00
#define TESTDEV_IOVA_LOW 0x04
#define TESTDEV_IOVA_HIGH 0x08
#define TESTDEV_LENGTH 0x0c
#define TESTDEV_RESULT 0x10
#define TESTDEV_DOORBELL 0x14
#define TESTDEV_PHYSICAL_LOW 0x1c
#define TESTDEV_PHYSICAL_HIGH 0x20

#define TESTDEV_ARM 1

/**
 * struct testdev - a slot for a device
 * @lock: one write at a time; protects the rest
 * @pdev: the device, or NULL
 * @regs: its BAR 0
 */
static struct testdev {
	struct mutex lock;
	struct pci_dev *pdev;
	void __iomem *regs;
} slots[TESTDEV_COUNT];

PDEVICE_OBJECT TestDevPdo(ULONG Index)
{
	struct testdev *slot = &slots[Index];
	PDEVICE_OBJECT pdo;

	mutex_lock(&slot->lock);
	pdo = slot->pdev ? &slot->pdev->dev : NULL;
	mutex_unlock(&slot->lock);
	return pdo;
}

static u32 write_memory(void __iomem *regs, u64 iova, u64 physical)
{
	writel(lower_32_bits(iova), regs + TESTDEV_IOVA_LOW);
	writel(upper_32_bits(iova), regs + TESTDEV_IOVA_HIGH);
	writel(lower_32_bits(physical), regs + TESTDEV_PHYSICAL_LOW);
	writel(upper_32_bits(physical), regs + TESTDEV_PHYSICAL_HIGH);
	writel(sizeof(u32), regs + TESTDEV_LENGTH);
	writel(TESTDEV_ARM, regs + TESTDEV_DOORBELL);
	/* The read is what makes the device write. */
	readl(regs + TESTDEV_TRIGGER);
	return readl(regs + TESTDEV_RESULT);
}

ULONG TestDevWrite(ULONG Index, IOMMU_DMA_LOGICAL_ADDRESS Logical, ULONGLONG Physical)
{
	struct testdev *slot = &slots[Index];
	u32 result = TESTDEV_GONE;

	mutex_lock(&slot->lock);
	if (slot->regs)
		result = write_memory(slot->regs, Logical, Physical);
	mutex_unlock(&slot->lock);
	return result;
}

static struct pci_dev *get_testdev(struct testdev *slot)
{
	struct pci_dev *pdev;

	mutex_lock(&slot->lock);
	pdev = pci_dev_get(slot->pdev);
	mutex_unlock(&slot->lock);
	return pdev;
}

VOID TestDevUnbind(ULONG Index)
{
	struct pci_dev *pdev = get_testdev(&slots[Index]);

	if (pdev)
		device_release_driver(&pdev->dev);
	pci_dev_put(pdev);
}

VOID TestDevRemove(ULONG Index)
{
	struct pci_dev *pdev = get_testdev(&slots[Index]);

	if (pdev)
		pci_stop_and_remove_bus_device_locked(pdev);
	pci_dev_put(pdev);
}

VOID TestDevRestore(VOID)
{
	struct pci_dev *pdev = NULL;
	struct pci_bus *bus = NULL;

	pci_lock_rescan_remove();
	while ((bus = pci_find_next_bus(bus)))
		pci_rescan_bus(bus);
	pci_unlock_rescan_remove();

	while ((pdev = pci_get_device(PCI_VENDOR_ID_REDHAT, TESTDEV_DEVICE_ID, pdev)))
		if (device_attach(&pdev->dev) < 0)
			pci_warn(pdev, "cannot bind the driver again\n");
}

BOOLEAN TestDevFaultsAreTold(ULONG Index)
{
	struct pci_dev *pdev = get_testdev(&slots[Index]);
	struct device *iommu = pdev ? pdev->dev.iommu->iommu_dev->dev : NULL;
	/* QEMU's AMD-Vi refuses the DMA and leaves it at that. */
	bool told = iommu && !strstarts(dev_name(iommu), "ivhd");

	pci_dev_put(pdev);
	return told;
}

PDEVICE_OBJECT TestSimPlug(struct iommusim **Sim)
{
	static const struct iommusim_device_config device = { .managed_dma = true };
	static const struct iommusim_config plain;
	struct device *pdo;

	*Sim = iommusim_create(&plain);
	if (IS_ERR(*Sim))
		return NULL;
	pdo = iommusim_device_create(*Sim, &device);
	if (!IS_ERR(pdo))
		return pdo;
	iommusim_destroy(*Sim);
	return NULL;
}

VOID TestSimUnplug(struct iommusim *Sim, PDEVICE_OBJECT Pdo)
{
	iommusim_device_destroy(Pdo);
	iommusim_destroy(Sim);
}

BOOLEAN TestFaultIsWrite(PFAULT_INFORMATION Information)
{
	return v3compat_fault_of(Information)->write;
}

VOID TestSignal(PULONG Count)
{
	/* Whoever sees the count sees what was counted. */
	smp_store_release(Count, *Count + 1);
}

BOOLEAN TestWait(PULONG Count, ULONG Wanted)
{
	unsigned int tries;

	for (tries = 0; tries < 500; tries++) {
		/* What was counted was written before. */
		if (smp_load_acquire(Count) >= Wanted)
			return TRUE;
		msleep(20);
	}
	return FALSE;
}

struct worker {
	TEST_ROUTINE *routine;
	void *context;
	unsigned int number;
	struct completion *start;
	struct completion ended;
};

static int run_worker(void *data)
{
	struct worker *worker = data;

	wait_for_completion(worker->start);
	worker->routine(worker->context, worker->number);
	complete(&worker->ended);
	return 0;
}

BOOLEAN TestRunTogether(ULONG Count, TEST_ROUTINE *Routine, PVOID Context)
{
	struct worker workers[TEST_THREADS];
	struct task_struct *threads[TEST_THREADS];
	DECLARE_COMPLETION_ONSTACK(start);
	unsigned int cpu = cpumask_first(cpu_online_mask);
	unsigned int i, started;

	for (started = 0; started < Count && started < TEST_THREADS; started++) {
		workers[started] = (struct worker) { Routine, Context, started, &start };
		init_completion(&workers[started].ended);
		threads[started] = kthread_create(run_worker, &workers[started], "v3dma/%u",
						  started);
		if (IS_ERR(threads[started]))
			break;
		kthread_bind(threads[started], cpu);
		get_task_struct(threads[started]);
		wake_up_process(threads[started]);
		cpu = cpumask_next(cpu, cpu_online_mask);
		if (cpu >= nr_cpu_ids)
			cpu = cpumask_first(cpu_online_mask);
	}
	complete_all(&start);
	for (i = 0; i < started; i++) {
		wait_for_completion(&workers[i].ended);
		kthread_stop_put(threads[i]);
	}
	return started == Count;
}

static int testdev_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	void __iomem *regs;
	unsigned int i;
	int err;

	err = pcim_enable_device(pdev);
	if (err)
		return err;
	regs = pcim_iomap(pdev, 0, 0);
	if (!regs)
		return -ENOMEM;
	pci_set_master(pdev);

	for (i = 0; i < TESTDEV_COUNT; i++) {
		struct testdev *slot = &slots[i];
		bool mine;

		mutex_lock(&slot->lock);
		mine = !slot->pdev;
		if (mine) {
			slot->pdev = pdev;
			slot->regs = regs;
			pci_set_drvdata(pdev, slot);
		}
		mutex_unlock(&slot->lock);
		if (mine)
			return 0;
	}
	return -EBUSY;
}

static void testdev_remove(struct pci_dev *pdev)
{
	struct testdev *slot = pci_get_drvdata(pdev);

	mutex_lock(&slot->lock);
	slot->pdev = NULL;
	slot->regs = NULL;
	mutex_unlock(&slot->lock);
}

static const struct pci_device_id testdev_ids[] = {
	{ PCI_DEVICE(PCI_VENDOR_ID_REDHAT, TESTDEV_DEVICE_ID) },
	{ }
};
MODULE_DEVICE_TABLE(pci, testdev_ids);

static struct pci_driver testdev_driver = {
	.name = "v3dma",
	.id_table = testdev_ids,
	.probe = testdev_probe,
	.remove = testdev_remove,
	.driver_managed_dma = true,
};

static struct scenario_device *scenarios;

static int __init v3dma_init(void)
{
	unsigned int i;
	int err;

	for (i = 0; i < TESTDEV_COUNT; i++)
		mutex_init(&slots[i].lock);
	err = pci_register_driver(&testdev_driver);
	if (err)
		return err;
	scenarios = scenario_device_create("v3dma", TestScenarios, NULL);
	if (IS_ERR(scenarios)) {
		pci_unregister_driver(&testdev_driver);
		return PTR_ERR(scenarios);
	}
	return 0;
}
module_init(v3dma_init);

static void __exit v3dma_exit(void)
{
	scenario_device_destroy(scenarios);
	pci_unregister_driver(&testdev_driver);
}
module_exit(v3dma_exit);

V3C_IMPORT_NS(V3COMPAT);
V3C_IMPORT_NS(IOMMUSIM);
MODULE_DESCRIPTION("DMA_IOMMU_INTERFACE_V3 tests with QEMU's iommu-testdev");
MODULE_LICENSE("GPL");
