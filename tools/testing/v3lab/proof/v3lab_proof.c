// SPDX-License-Identifier: GPL-2.0
/*
 * Proves with the raw kernel API that this machine's IOMMU translates and refuses.
 *
 * QEMU's iommu-testdev writes a pattern through the IOMMU and compares the physical page behind it.
 * Each one must be refused before anything is mapped, must reach exactly the page that is mapped,
 * and must be refused after the unmap. Loading fails unless all of that holds.
 */
#include <linux/io.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/sizes.h>

#define TESTDEV_VENDOR		0x1b36
#define TESTDEV_DEVICE		0x0005
#define EDU_VENDOR		0x1234
#define EDU_DEVICE		0x11e8

#define REG_TRIGGER		0x00
#define REG_IOVA_LOW		0x04
#define REG_IOVA_HIGH		0x08
#define REG_LENGTH		0x0c
#define REG_RESULT		0x10
#define REG_DOORBELL		0x14
#define REG_ATTRIBUTES		0x18
#define REG_PHYS_LOW		0x1c
#define REG_PHYS_HIGH		0x20

#define RESULT_FAULT		0xdead0002

/* Far from any RAM of a small guest, so that an identity mapping cannot pass for a translation. */
#define PROOF_IOVA		(SZ_1G * 3ULL + SZ_2M + PAGE_SIZE)

static u32 dma_write(void __iomem *regs, dma_addr_t iova, phys_addr_t phys)
{
	writel(lower_32_bits(iova), regs + REG_IOVA_LOW);
	writel(upper_32_bits(iova), regs + REG_IOVA_HIGH);
	writel(lower_32_bits(phys), regs + REG_PHYS_LOW);
	writel(upper_32_bits(phys), regs + REG_PHYS_HIGH);
	writel(4, regs + REG_LENGTH);
	writel(0, regs + REG_ATTRIBUTES);
	writel(1, regs + REG_DOORBELL);
	readl(regs + REG_TRIGGER);
	return readl(regs + REG_RESULT);
}

static int expect(struct pci_dev *pdev, const char *what, bool ok)
{
	pci_info(pdev, "v3lab_proof: %s: %s\n", what, ok ? "yes" : "NO");
	return ok ? 0 : -EPERM;
}

static bool is_refused_at(void __iomem *regs, dma_addr_t iova, struct page *page)
{
	u32 *word = page_address(page);

	WRITE_ONCE(*word, 0);
	return dma_write(regs, iova, page_to_phys(page)) == RESULT_FAULT && !READ_ONCE(*word);
}

/* At the page's own address too: there a device that is not translated would succeed. */
static bool is_refused(void __iomem *regs, struct page *page)
{
	return is_refused_at(regs, PROOF_IOVA, page) &&
	       is_refused_at(regs, page_to_phys(page), page);
}

static int prove_domain(struct pci_dev *pdev, void __iomem *regs, struct iommu_domain *domain,
			struct page *page)
{
	u32 *word = page_address(page);
	int err;

	err = expect(pdev, "refused before the map", is_refused(regs, page));
	if (err)
		return err;

	err = iommu_map(domain, PROOF_IOVA, page_to_phys(page), PAGE_SIZE,
			IOMMU_READ | IOMMU_WRITE, GFP_KERNEL);
	if (err)
		return err;
	err = expect(pdev, "reaches the mapped page",
		     dma_write(regs, PROOF_IOVA, page_to_phys(page)) == 0 && READ_ONCE(*word));
	if (iommu_unmap(domain, PROOF_IOVA, PAGE_SIZE) != PAGE_SIZE && !err)
		err = -EIO;
	return err ?: expect(pdev, "refused after the unmap", is_refused(regs, page));
}

static int prove_attached(struct pci_dev *pdev, void __iomem *regs)
{
	struct iommu_domain *domain;
	struct page *page;
	int err;

	page = alloc_page(GFP_KERNEL);
	if (!page)
		return -ENOMEM;
	domain = iommu_paging_domain_alloc(&pdev->dev);
	if (IS_ERR(domain)) {
		err = PTR_ERR(domain);
		goto out_page;
	}
	err = iommu_attach_device(domain, &pdev->dev);
	if (err)
		goto out_domain;
	err = prove_domain(pdev, regs, domain, page);
	iommu_detach_device(domain, &pdev->dev);
out_domain:
	iommu_domain_free(domain);
out_page:
	__free_page(page);
	return err;
}

static int prove_device(struct pci_dev *pdev)
{
	void __iomem *regs;
	int err;

	err = pci_enable_device_mem(pdev);
	if (err)
		return err;
	pci_set_master(pdev);
	regs = pci_iomap(pdev, 0, 0);
	if (regs) {
		err = prove_attached(pdev, regs);
		pci_iounmap(pdev, regs);
	} else {
		err = -ENOMEM;
	}
	pci_clear_master(pdev);
	pci_disable_device(pdev);
	return err;
}

static int count_member(struct device *dev, void *data)
{
	++*(int *)data;
	return 0;
}

static int check_group(struct pci_dev *pdev)
{
	struct iommu_group *group = iommu_group_get(&pdev->dev);
	int members = 0;

	if (group) {
		iommu_group_for_each_dev(group, &members, count_member);
		iommu_group_put(group);
	}
	return expect(pdev, "alone in its IOMMU group", members == 1);
}

static int for_all(u16 vendor, u16 device, int (*check)(struct pci_dev *pdev))
{
	struct pci_dev *pdev = NULL;
	int seen = 0, err = 0;

	while (!err && (pdev = pci_get_device(vendor, device, pdev))) {
		err = check(pdev);
		seen++;
	}
	pci_dev_put(pdev);
	return err ?: (seen ? 0 : -ENODEV);
}

static int __init v3lab_proof_init(void)
{
	return for_all(EDU_VENDOR, EDU_DEVICE, check_group) ?:
	       for_all(TESTDEV_VENDOR, TESTDEV_DEVICE, check_group) ?:
	       for_all(TESTDEV_VENDOR, TESTDEV_DEVICE, prove_device);
}

static void __exit v3lab_proof_exit(void)
{
}

module_init(v3lab_proof_init);
module_exit(v3lab_proof_exit);
MODULE_DESCRIPTION("Proof that an emulated IOMMU translates and refuses");
MODULE_LICENSE("GPL");
