// SPDX-License-Identifier: GPL-2.0
/*
 * The smallest ported driver: QEMU's edu device fetches a page of memory and writes it back.
 *
 * ExchangePage() is the part that came from Windows, and README.md shows it. The rest is the Linux
 * driver around it.
 */
#include <linux/io.h>
#include <linux/iopoll.h>
#include <linux/module.h>
#include <linux/pci.h>

#include <kcompat.h>
#include <wdm.h>

#define EDU_DMA_SOURCE 0x80
#define EDU_DMA_DESTINATION 0x88
#define EDU_DMA_COUNT 0x90
#define EDU_DMA_COMMAND 0x98
#define EDU_BUFFER 0x40000

#define EDU_RUN BIT(0)
#define EDU_TO_MEMORY BIT(1)

#define PATTERN 0xa5

/* Moves a page between @memory, an address as the device emits it, and the device's buffer. */
static NTSTATUS edu_move(void __iomem *regs, u64 memory, u64 direction)
{
	u64 command;

	writeq(direction ? EDU_BUFFER : memory, regs + EDU_DMA_SOURCE);
	writeq(direction ? memory : EDU_BUFFER, regs + EDU_DMA_DESTINATION);
	writeq(PAGE_SIZE, regs + EDU_DMA_COUNT);
	writeq(EDU_RUN | direction, regs + EDU_DMA_COMMAND);
	if (readq_poll_timeout(regs + EDU_DMA_COMMAND, command, !(command & EDU_RUN), 1000,
			       5 * USEC_PER_SEC))
		return STATUS_UNSUCCESSFUL;
	return STATUS_SUCCESS;
}

/* The page is wiped in between, so that what it holds afterwards came from the device. */
static NTSTATUS edu_exchange(void __iomem *regs, u64 memory, void *page)
{
	NTSTATUS status = edu_move(regs, memory, 0);

	if (!NT_SUCCESS(status))
		return status;
	memset(page, 0, PAGE_SIZE);
	return edu_move(regs, memory, EDU_TO_MEMORY);
}

/* README.md begins here. */
#define DEVICE_READS 1
#define DEVICE_WRITES 2

static NTSTATUS ExchangePage(PDEVICE_OBJECT Pdo, void __iomem *Registers, PMDL Mdl)
{
	IOMMU_MAP_PHYSICAL_ADDRESS Memory = { MapPhysicalAddressTypeMdl, .Mdl = { Mdl } };
	IOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG Buddy = {
		IommuDmaLogicalAllocatorBuddy, .BuddyAllocatorConfig = { .AddressWidth = 28 }
	};
	IOMMU_DMA_DOMAIN_CREATION_FLAGS Flags = { .AsUlonglong = 0 };
	ULONG Pages = ADDRESS_AND_SIZE_TO_SPAN_PAGES(NULL, MmGetMdlByteCount(Mdl));
	IOMMU_DMA_LOGICAL_ADDRESS Logical;
	DMA_IOMMU_INTERFACE_EX Iommu;
	PIOMMU_DMA_DEVICE Device;
	PIOMMU_DMA_DOMAIN Domain;
	NTSTATUS Status;

	Status = IoGetIommuInterfaceEx(DMA_IOMMU_INTERFACE_EX_VERSION_3, 0, &Iommu);
	if (!NT_SUCCESS(Status))
		return Status;
	Status = Iommu.V3.CreateDevice(Pdo, NULL, &Device);
	if (!NT_SUCCESS(Status))
		return Status;
	Status = Iommu.V3.CreateDomainEx(DomainTypeTranslate, Flags, &Buddy, NULL, &Domain);
	if (!NT_SUCCESS(Status))
		goto DeleteDevice;
	Status = Iommu.V3.AttachDeviceEx(Domain, Device);
	if (!NT_SUCCESS(Status))
		goto DeleteDomain;
	Status = Iommu.V3.MapLogicalRangeEx(Domain, DEVICE_READS | DEVICE_WRITES, &Memory,
					    NULL, NULL, NULL, &Logical);
	if (!NT_SUCCESS(Status))
		goto DetachDevice;

	/* The device goes by Logical and reaches these pages and nothing else. */
	Status = edu_exchange(Registers, Logical, MmGetMdlVirtualAddress(Mdl));

	Iommu.V3.UnmapLogicalRange(Domain, Logical, Pages);
DetachDevice:
	Iommu.V3.DetachDeviceEx(Device);
DeleteDomain:
	Iommu.V3.DeleteDomain(Domain);
DeleteDevice:
	Iommu.V3.DeleteDevice(Device);
	return Status;
}
/* README.md ends here. */

static int exchange(struct pci_dev *pdev, void __iomem *regs, void *page)
{
	PMDL mdl = IoAllocateMdl(page, PAGE_SIZE, FALSE, FALSE, NULL);
	NTSTATUS status;

	if (!mdl)
		return -ENOMEM;
	MmBuildMdlForNonPagedPool(mdl);
	memset(page, PATTERN, PAGE_SIZE);
	status = ExchangePage(&pdev->dev, regs, mdl);
	IoFreeMdl(mdl);
	if (!NT_SUCCESS(status))
		return dev_err_probe(&pdev->dev, -EIO, "status 0x%08x\n", (unsigned int)status);
	if (memchr_inv(page, PATTERN, PAGE_SIZE))
		return dev_err_probe(&pdev->dev, -EIO, "the page came back with other data\n");
	dev_info(&pdev->dev, "a page went to the device and came back\n");
	return 0;
}

static int minimal_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	int err = pcim_enable_device(pdev);
	void __iomem *regs;
	void *page;

	if (err)
		return err;
	regs = pcim_iomap(pdev, 0, 0);
	page = (void *)__get_free_page(GFP_KERNEL);
	pci_set_master(pdev);
	err = regs && page ? exchange(pdev, regs, page) : -ENOMEM;
	free_page((unsigned long)page);
	return err;
}

static const struct pci_device_id minimal_ids[] = {
	{ PCI_DEVICE(0x1234, 0x11e8) },
	{ }
};
MODULE_DEVICE_TABLE(pci, minimal_ids);

static struct pci_driver minimal_driver = {
	.name = "v3c-minimal",
	.id_table = minimal_ids,
	.probe = minimal_probe,
	/* Never the DMA API: the domain that ExchangePage() makes may own the device. */
	.driver_managed_dma = true,
};
module_pci_driver(minimal_driver);

V3C_IMPORT_NS(V3COMPAT);
MODULE_DESCRIPTION("Smallest driver written for DMA_IOMMU_INTERFACE_V3, of QEMU's edu device");
MODULE_LICENSE("GPL");
