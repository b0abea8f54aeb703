// SPDX-License-Identifier: GPL-2.0
/*
 * The routine of the porting guide, for Windows and for Linux: it gives a buffer to the device,
 * takes it back from where a DPC would, and leaves nothing behind where a step fails.
 */
#include "fixture.h"
#include "port.h"
#include "port_linux.h"

#define LENGTH (2 * PAGE_SIZE)

/* Names of a buffer that cannot be locked, and of one that no MDL can describe. */
#define NOWHERE ((void *)PAGE_SIZE)
#define WRAPS ((void *)-PAGE_SIZE)

static void source_for_windows_runs(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct page *page = v3t_pages(test, 1);
	DEVICE_CONTEXT device = { .Pdo = w->pdo, .Iommu = &w->v3.V3 };
	PTRANSFER transfer, none = (PTRANSFER)&device;
	PIOMMU_DMA_DOMAIN domain;

	device.Domain = domain = v3t_buddy(test);
	KeInitializeSpinLock(&device.Lock);
	InitializeListHead(&device.Transfers);
	v3t_attach(test, domain, w->device);

	KUNIT_ASSERT_EQ(test, StartTransfer(&device, page_address(page), LENGTH, KernelMode, TRUE,
					    &transfer), STATUS_SUCCESS);
	KUNIT_EXPECT_EQ(test, device.TransferCount, 1);
	KUNIT_EXPECT_PTR_EQ(test, device.Transfers.Flink, &transfer->Entry);
	v3t_expect_fault(test, w->pdo, transfer->Logical, true, IOMMUSIM_FAULT_PERMISSION);
	local_bh_disable();
	EndTransfer(&device, transfer);
	local_bh_enable();
	KUNIT_EXPECT_EQ(test, device.TransferCount, 0);
	KUNIT_EXPECT_TRUE(test, IsListEmpty(&device.Transfers));

	KUNIT_EXPECT_EQ(test, StartTransfer(&device, NOWHERE, LENGTH, KernelMode, TRUE, &none),
			STATUS_ACCESS_VIOLATION);
	KUNIT_EXPECT_PTR_EQ(test, none, NULL);
	KUNIT_EXPECT_EQ(test, StartTransfer(&device, WRAPS, LENGTH, KernelMode, TRUE, &none),
			STATUS_INSUFFICIENT_RESOURCES);
	/* Half a page cannot be mapped: what was locked is unlocked by the __finally. */
	KUNIT_EXPECT_EQ(test, StartTransfer(&device, page_address(page), LENGTH / 4, KernelMode,
					    TRUE, &none), STATUS_INVALID_PARAMETER_3);
	KUNIT_EXPECT_EQ(test, device.TransferCount, 0);
	v3t_detach(test, w->device);
}

static void port_runs(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct page *page = v3t_pages(test, 1);
	struct port_device port = { .dev = w->pdo, .iommu = &w->v3.V3 };
	struct transfer *transfer;

	port.domain = v3t_buddy(test);
	spin_lock_init(&port.lock);
	INIT_LIST_HEAD(&port.transfers);
	v3t_attach(test, port.domain, w->device);

	transfer = transfer_start(&port, page_address(page), LENGTH, KernelMode, true);
	KUNIT_ASSERT_FALSE(test, IS_ERR(transfer));
	KUNIT_EXPECT_EQ(test, port.nr_transfers, 1);
	v3t_expect_fault(test, w->pdo, transfer->logical, true, IOMMUSIM_FAULT_PERMISSION);
	local_bh_disable();
	transfer_end(&port, transfer);
	local_bh_enable();
	KUNIT_EXPECT_EQ(test, port.nr_transfers, 0);
	KUNIT_EXPECT_TRUE(test, list_empty(&port.transfers));

	KUNIT_EXPECT_EQ(test, PTR_ERR(transfer_start(&port, NOWHERE, LENGTH, KernelMode, true)),
			-EFAULT);
	KUNIT_EXPECT_EQ(test, PTR_ERR(transfer_start(&port, WRAPS, LENGTH, KernelMode, true)),
			-ENOMEM);
	KUNIT_EXPECT_EQ(test, PTR_ERR(transfer_start(&port, page_address(page), LENGTH / 4,
						     KernelMode, true)), -EINVAL);
	KUNIT_EXPECT_EQ(test, port.nr_transfers, 0);
	v3t_detach(test, w->device);
}

static struct kunit_case port_cases[] = {
	KUNIT_CASE(source_for_windows_runs),
	KUNIT_CASE(port_runs),
	{}
};

static struct kunit_suite port_suite = {
	.name = "v3compat_port",
	.init = v3t_init,
	.exit = v3t_exit,
	.test_cases = port_cases,
};
kunit_test_suites(&port_suite);
