// SPDX-License-Identifier: GPL-2.0
/*
 * A client that forgets everything: an attached device and its callback, its domain, a reservation
 * with a page mapped in it, and sub-devices of another device, attached to the domain, to a process
 * and to nothing. Whoever unloads v3compat after it sees what v3compat makes of that.
 */
#include <linux/gfp.h>
#include <linux/iommusim.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/sched.h>
#include <linux/v3compat.h>

#include <wdm.h>
#include <v3compat/kcompat.h>

/* iommu-testdev, which no kernel has a driver for. */
#define VENDOR	0x1b36
#define DEVICE	0x0005

static DMA_IOMMU_INTERFACE_EX v3;
static struct pci_dev *pdev;
static struct page *page;

static void on_state_change(PIOMMU_INTERFACE_STATE_CHANGE change, PVOID context)
{
}

/* The simulated device stays when the client goes, as one of hardware does. */
static NTSTATUS forget_sub_devices(PIOMMU_DMA_DOMAIN domain)
{
	static const struct iommusim_config config = {
		.max_pasids = 64,
		.features = IOMMUSIM_SVA,
	};
	static const struct iommusim_device_config plain;
	IOMMU_DEVICE_CREATION_CONFIGURATION tagged = {
		.ConfigType = IommuDeviceCreationConfigTypePasid,
		.Pasid.ConfigType = PasidConfigTypePasidTaggedDma,
	};
	struct iommusim *sim = iommusim_create(&config);
	struct device *pdo = IS_ERR(sim) ? ERR_CAST(sim) : iommusim_device_create(sim, &plain);
	PIOMMU_DMA_PASID_DEVICE sub;
	PIOMMU_DMA_DEVICE device;
	NTSTATUS status;
	ULONG pasid;

	if (IS_ERR(pdo))
		return STATUS_UNSUCCESSFUL;
	status = v3.V3.CreateDevice(pdo, &tagged, &device);
	if (NT_SUCCESS(status))
		status = v3.V3.CreatePasidDevice(device, &sub, &pasid);
	if (NT_SUCCESS(status))
		status = v3.V3.AttachPasidDevice(domain, sub);
	if (NT_SUCCESS(status))
		status = v3.V3.CreatePasidDevice(device, &sub, &pasid);
	if (NT_SUCCESS(status))
		status = v3compat_create_sva_device(device, current->mm, &sub, &pasid);
	return status == STATUS_NOT_SUPPORTED ? STATUS_SUCCESS : status;
}

static NTSTATUS forget_everything(void)
{
	IOMMU_INTERFACE_STATE_CHANGE_FIELDS fields = { .AvailableDomainTypes = 1 };
	IOMMU_DMA_DOMAIN_CREATION_FLAGS flags = { .AsUlonglong = 0 };
	IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT segment;
	IOMMU_DMA_LOGICAL_ADDRESS at = 0x100000;
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token;
	IOMMU_MAP_PHYSICAL_ADDRESS what = {
		.MapType = MapPhysicalAddressTypeContiguousRange,
		.ContiguousRange.Base.QuadPart = page_to_phys(page),
		.ContiguousRange.Size = PAGE_SIZE,
	};
	PIOMMU_DMA_DOMAIN domain;
	PIOMMU_DMA_DEVICE device;
	NTSTATUS status;

	status = IoGetIommuInterfaceEx(3, 0, &v3);
	if (NT_SUCCESS(status))
		status = v3.V3.CreateDevice(&pdev->dev, NULL, &device);
	if (NT_SUCCESS(status))
		status = v3.V3.RegisterInterfaceStateChangeCallback(on_state_change, NULL, device,
								    &fields);
	if (NT_SUCCESS(status))
		status = v3.V3.CreateDomainEx(DomainTypeTranslate, flags, NULL, NULL, &domain);
	if (NT_SUCCESS(status))
		status = v3.V3.AttachDeviceEx(domain, device);
	if (NT_SUCCESS(status))
		status = v3.V3.ReserveLogicalAddressRange(domain, PAGE_SIZE, &at, NULL, NULL,
							  &token);
	if (NT_SUCCESS(status))
		status = v3.V3.MapReservedLogicalRange(token, 0, 3, &what, &segment);
	if (NT_SUCCESS(status))
		status = forget_sub_devices(domain);
	return status;
}

static int __init v3leak_init(void)
{
	NTSTATUS status;

	pdev = pci_get_device(VENDOR, DEVICE, NULL);
	if (!pdev)
		return -ENODEV;
	page = alloc_page(GFP_KERNEL);
	status = page ? forget_everything() : STATUS_INSUFFICIENT_RESOURCES;
	if (NT_SUCCESS(status))
		return 0;
	pr_err("status %#x\n", status);
	if (page)
		__free_page(page);
	pci_dev_put(pdev);
	return -EIO;
}

/* The device does no DMA: nobody reaches the page that is still mapped. */
static void __exit v3leak_exit(void)
{
	__free_page(page);
	pci_dev_put(pdev);
}

module_init(v3leak_init);
module_exit(v3leak_exit);

MODULE_DESCRIPTION("Forgetful client of v3compat");
MODULE_LICENSE("GPL");
V3C_IMPORT_NS(V3COMPAT);
V3C_IMPORT_NS(IOMMUSIM);
