// SPDX-License-Identifier: GPL-2.0
/*
 * The smallest driver that uses the interface: it gives QEMU's edu device a domain in which one
 * page is mapped. The lab's selftest copies, builds and boots it as the porting guide says.
 */
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <wdm.h>

#define EDU_VENDOR_ID 0x1234
#define EDU_DEVICE_ID 0x11e8

struct ported {
	DMA_IOMMU_INTERFACE_EX iommu;
	PIOMMU_DMA_DEVICE device;
	PIOMMU_DMA_DOMAIN domain;
	void *page;
	PMDL mdl;
	IOMMU_DMA_LOGICAL_ADDRESS logical;
};

static NTSTATUS ported_map(struct ported *ported)
{
	IOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG buddy = { IommuDmaLogicalAllocatorBuddy,
						     .BuddyAllocatorConfig = { 40 } };
	IOMMU_MAP_PHYSICAL_ADDRESS what = { MapPhysicalAddressTypeMdl, .Mdl = { ported->mdl } };
	IOMMU_DMA_DOMAIN_CREATION_FLAGS flags = { .AsUlonglong = 0 };
	NTSTATUS status;

	status = ported->iommu.V3.CreateDomainEx(DomainTypeTranslate, flags, &buddy, NULL,
						 &ported->domain);
	if (NT_SUCCESS(status))
		status = ported->iommu.V3.AttachDeviceEx(ported->domain, ported->device);
	if (NT_SUCCESS(status))
		status = ported->iommu.V3.MapLogicalRangeEx(ported->domain, 3, &what, NULL, NULL,
							    NULL, &ported->logical);
	return status;
}

/* Takes back what there is: without an attachment, say, DetachDeviceEx() refuses and no more. */
static void ported_unmap(struct ported *ported)
{
	if (!ported->domain)
		return;
	if (ported->logical)
		ported->iommu.V3.UnmapLogicalRange(ported->domain, ported->logical, 1);
	ported->iommu.V3.DetachDeviceEx(ported->device);
	ported->iommu.V3.DeleteDomain(ported->domain);
}

static void ported_free(struct ported *ported)
{
	if (ported->mdl)
		IoFreeMdl(ported->mdl);
	kfree(ported->page);
	kfree(ported);
}

static int ported_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct ported *ported = kzalloc(sizeof(*ported), GFP_KERNEL);
	NTSTATUS status;

	if (!ported)
		return -ENOMEM;
	ported->page = kzalloc(PAGE_SIZE, GFP_KERNEL);
	if (ported->page)
		ported->mdl = IoAllocateMdl(ported->page, PAGE_SIZE, FALSE, FALSE, NULL);
	if (!ported->mdl) {
		ported_free(ported);
		return -ENOMEM;
	}
	MmBuildMdlForNonPagedPool(ported->mdl);

	status = IoGetIommuInterfaceEx(3, 0, &ported->iommu);
	if (NT_SUCCESS(status))
		status = ported->iommu.V3.CreateDevice(&pdev->dev, NULL, &ported->device);
	if (!NT_SUCCESS(status)) {
		ported_free(ported);
		return dev_err_probe(&pdev->dev, -EIO, "ported: no device: %#x\n", status);
	}
	status = ported_map(ported);
	if (!NT_SUCCESS(status)) {
		ported_unmap(ported);
		ported->iommu.V3.DeleteDevice(ported->device);
		ported_free(ported);
		return dev_err_probe(&pdev->dev, -EIO, "ported: no mapping: %#x\n", status);
	}
	pci_info(pdev, "ported: a page is mapped\n");
	pci_set_drvdata(pdev, ported);
	return 0;
}

static void ported_remove(struct pci_dev *pdev)
{
	struct ported *ported = pci_get_drvdata(pdev);

	ported_unmap(ported);
	ported->iommu.V3.DeleteDevice(ported->device);
	ported_free(ported);
}

static const struct pci_device_id ported_ids[] = {
	{ PCI_DEVICE(EDU_VENDOR_ID, EDU_DEVICE_ID) },
	{ }
};

static struct pci_driver ported_driver = {
	.name = "v3lab-ported",
	.id_table = ported_ids,
	.probe = ported_probe,
	.remove = ported_remove,
	.driver_managed_dma = true,
};
module_pci_driver(ported_driver);

MODULE_IMPORT_NS("V3COMPAT");
MODULE_DESCRIPTION("The smallest driver that uses DMA_IOMMU_INTERFACE_V3");
MODULE_LICENSE("GPL");
