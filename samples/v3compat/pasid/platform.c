// SPDX-License-Identifier: GPL-2.0
/*
 * Platform driver for a data mover with queues: the Linux part.
 *
 * Each transfer of a queue can be tagged with a PASID, as in the accelerators of today's servers.
 * No emulator has such a device, so the module plugs one in, behind the simulated IOMMU of
 * iommusim.ko; the driver finds it as it would find a real one. What the engine may reach is the
 * DMA part's business: dma.c, queues.c and demand.c, which are written for Windows'
 * DMA_IOMMU_INTERFACE_V3, and share.c, which adds what Windows keeps to itself.
 *
 * /dev/v3c-pasid0 and so on run the scenarios: see scenario.h of the edu sample.
 */
#include <linux/cleanup.h>
#include <linux/idr.h>
#include <linux/iommusim.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/slab.h>
#include <linux/v3compat.h>
#include <linux/workqueue.h>

#include <kcompat.h>

#include "dma.h"
#include "engine.h"
#include "scenario.h"
#include "share.h"

static_assert(MOVER_UNTAGGED == IOMMUSIM_NO_PASID);

/**
 * struct mover_device - a device that the driver is bound to
 * @number: in the name of its nodes
 * @name: of the node for the scenarios
 * @engine: its hardware
 * @adapter: its DMA part
 * @scenarios: its node for the scenarios
 * @share: its node for processes
 */
struct mover_device {
	int number;
	char name[20];
	struct mover_engine engine;
	struct mover_adapter adapter;
	struct scenario_device *scenarios;
	struct share_device *share;
};

/**
 * struct mover_job - a transfer on its queue
 * @work: the queue's work
 * @engine: the engine
 * @transfer: what to do
 */
struct mover_job {
	struct work_struct work;
	struct mover_engine *engine;
	struct mover_transfer *transfer;
};

static DEFINE_IDA(numbers);

static int move_part(struct mover_engine *engine, const struct mover_transfer *transfer, size_t at,
		     void *data, size_t length, struct iommusim_fault *fault)
{
	int err;

	if (!transfer->AskForPages) {
		err = iommusim_dma_read(engine->dev, transfer->Pasid, transfer->Source + at, data,
					length, fault);
		return err ?: iommusim_dma_write(engine->dev, transfer->Pasid,
						 transfer->Destination + at, data, length, fault);
	}
	err = iommusim_dma_read_prq(engine->dev, transfer->Pasid, transfer->Source + at, data,
				    length, fault);
	return err ?: iommusim_dma_write_prq(engine->dev, transfer->Pasid,
					     transfer->Destination + at, data, length, fault);
}

/**
 * mover_move() - do one transfer
 * @engine: the engine
 * @transfer: what to do; its results are set
 *
 * Context: may sleep.
 * Return: 0 when it was moved or refused; -EINTR when the process was killed meanwhile; -ENOMEM.
 */
int mover_move(struct mover_engine *engine, struct mover_transfer *transfer)
{
	void *data __free(kfree) = kmalloc(SZ_4K, GFP_KERNEL);
	struct iommusim_fault fault = { };
	size_t at, length;
	int err;

	transfer->Done = FALSE;
	transfer->FaultAddress = transfer->Source;
	if (!data)
		return -ENOMEM;
	for (at = 0; at < transfer->Length; at += length) {
		length = min_t(size_t, transfer->Length - at, SZ_4K);
		err = move_part(engine, transfer, at, data, length, &fault);
		if (err) {
			transfer->FaultAddress = fault.address;
			return err == -EFAULT ? 0 : err;
		}
	}
	transfer->Done = TRUE;
	return 0;
}

static void run_queue(struct work_struct *work)
{
	struct mover_job *job = container_of(work, struct mover_job, work);

	mover_move(job->engine, job->transfer);
}

NTSTATUS MoverRun(PMOVER_ENGINE Engine, PMOVER_TRANSFER Transfers, ULONG Count)
{
	struct mover_job *jobs __free(kfree) = kcalloc(Count, sizeof(*jobs), GFP_KERNEL);
	ULONG i;

	if (!jobs)
		return STATUS_INSUFFICIENT_RESOURCES;
	for (i = 0; i < Count; i++) {
		jobs[i].engine = Engine;
		jobs[i].transfer = &Transfers[i];
		INIT_WORK(&jobs[i].work, run_queue);
		queue_work(Engine->queues, &jobs[i].work);
	}
	for (i = 0; i < Count; i++)
		flush_work(&jobs[i].work);
	return STATUS_SUCCESS;
}

BOOLEAN MoverPagesCanBeServed(PMOVER_ENGINE Engine)
{
	struct mover_device *mover = container_of(Engine, struct mover_device, engine);
	struct v3compat_capabilities capabilities;
	NTSTATUS status;

	status = v3compat_query_capabilities(mover->adapter.DmaDevice, &capabilities);
	return NT_SUCCESS(status) && capabilities.page_requests;
}

static const struct scenario scenarios[] = {
	{ "interface", "what a driver asks for when its device has PASIDs", MoverRunInterface },
	{ "queues", "one device, five address spaces at once", MoverRunQueues },
	{ "demand", "memory is mapped when the device asks for it", MoverRunDemand },
	{ }
};

static int start_adapter(struct mover_device *mover)
{
	NTSTATUS status;

	mover->adapter.Pdo = mover->engine.dev;
	mover->adapter.Engine = &mover->engine;
	status = MoverStart(&mover->adapter);
	if (NT_SUCCESS(status))
		return 0;
	return dev_err_probe(mover->engine.dev, -ENODEV,
			     "no DMA remapping with PASIDs: status 0x%08x\n", (unsigned int)status);
}

static int create_nodes(struct mover_device *mover)
{
	mover->share = share_device_create(mover->number, &mover->adapter);
	if (IS_ERR(mover->share))
		return PTR_ERR(mover->share);
	mover->scenarios = scenario_device_create(mover->name, scenarios, &mover->adapter);
	if (IS_ERR(mover->scenarios)) {
		share_device_destroy(mover->share);
		return PTR_ERR(mover->scenarios);
	}
	return 0;
}

static int mover_probe(struct platform_device *pdev)
{
	struct mover_device *mover = devm_kzalloc(&pdev->dev, sizeof(*mover), GFP_KERNEL);
	int err;

	if (!mover)
		return -ENOMEM;
	platform_set_drvdata(pdev, mover);
	mover->engine.dev = &pdev->dev;
	mover->number = ida_alloc(&numbers, GFP_KERNEL);
	if (mover->number < 0)
		return mover->number;
	snprintf(mover->name, sizeof(mover->name), "v3c-pasid%d", mover->number);
	mover->engine.queues = alloc_workqueue("%s", WQ_UNBOUND, 0, mover->name);
	if (!mover->engine.queues) {
		err = -ENOMEM;
		goto free_number;
	}
	err = start_adapter(mover);
	if (err)
		goto free_queues;
	err = create_nodes(mover);
	if (err)
		goto stop_adapter;
	return 0;

stop_adapter:
	MoverStop(&mover->adapter);
free_queues:
	destroy_workqueue(mover->engine.queues);
free_number:
	ida_free(&numbers, mover->number);
	return err;
}

static void mover_remove(struct platform_device *pdev)
{
	struct mover_device *mover = platform_get_drvdata(pdev);

	scenario_device_destroy(mover->scenarios);
	share_device_destroy(mover->share);
	MoverStop(&mover->adapter);
	destroy_workqueue(mover->engine.queues);
	ida_free(&numbers, mover->number);
}

static const struct platform_device_id mover_ids[] = {
	{ IOMMUSIM_DEVICE_NAME },
	{ }
};

static struct platform_driver mover_driver = {
	.driver = {
		.name = "v3c-pasid",
		.probe_type = PROBE_FORCE_SYNCHRONOUS,
	},
	.id_table = mover_ids,
	.probe = mover_probe,
	.remove = mover_remove,
	/* The driver never uses the DMA API: its domains may own the device. */
	.driver_managed_dma = true,
};

static struct iommusim *machine;
static struct device *plugged;

/* As much as this kernel has. */
static int create_machine(void)
{
	static const u32 features[] = { IOMMUSIM_PAGE_REQUESTS | IOMMUSIM_SVA,
					IOMMUSIM_PAGE_REQUESTS, 0 };
	struct iommusim_config config = { .max_pasids = 256 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(features); i++) {
		config.features = features[i];
		machine = iommusim_create(&config);
		if (!IS_ERR(machine) || PTR_ERR(machine) != -EOPNOTSUPP)
			break;
	}
	return PTR_ERR_OR_ZERO(machine);
}

static int __init mover_init(void)
{
	int err = platform_driver_register(&mover_driver);

	if (err)
		return err;
	err = create_machine();
	if (err)
		goto unregister;
	plugged = iommusim_device_create(machine, NULL);
	if (IS_ERR(plugged)) {
		err = PTR_ERR(plugged);
		goto destroy;
	}
	return 0;

destroy:
	iommusim_destroy(machine);
unregister:
	platform_driver_unregister(&mover_driver);
	return err;
}
module_init(mover_init);

static void __exit mover_exit(void)
{
	iommusim_device_destroy(plugged);
	iommusim_destroy(machine);
	platform_driver_unregister(&mover_driver);
}
module_exit(mover_exit);

V3C_IMPORT_NS(V3COMPAT);
V3C_IMPORT_NS(IOMMUSIM);
MODULE_DESCRIPTION("A device with PASIDs, with its DMA written for DMA_IOMMU_INTERFACE_V3");
MODULE_LICENSE("GPL");
