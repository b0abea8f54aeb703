// SPDX-License-Identifier: GPL-2.0
/* Tests of what a refused DMA tells the core, and of the quirks and devices that go with PASIDs. */
#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/kthread.h>
#include <linux/spinlock.h>

#include "fixture.h"

/* struct sim_seen - what note_fault() saw */
struct sim_seen {
	unsigned int count;
	struct device *dev;
	unsigned long iova;
	int flags;
};

static int note_fault(struct iommu_domain *domain, struct device *dev, unsigned long iova,
		      int flags, void *token)
{
	struct sim_seen *seen = token;

	seen->count++;
	seen->dev = dev;
	seen->iova = iova;
	seen->flags = flags;
	return 0;
}

static struct iommu_domain *watched_domain(struct kunit *test, struct device *dev,
					   struct sim_seen *seen)
{
	struct iommu_domain *domain = new_domain(test, dev);

	iommu_set_fault_handler(domain, note_fault, seen);
	return domain;
}

static void refused_dma_is_reported(struct kunit *test)
{
	struct iommusim_config config = { .max_pasids = 8 };
	struct device *dev = new_device(test, new_sim(test, &config), NULL);
	struct sim_seen rid = {}, pasid = {};
	struct iommu_domain *first = watched_domain(test, dev, &rid);
	struct iommu_domain *second = watched_domain(test, dev, &pasid);

	attach_device(test, first, dev);
	KUNIT_ASSERT_EQ(test, iommu_attach_device_pasid(second, dev, 3, NULL), 0);

	KUNIT_EXPECT_EQ(test, probe_read(dev, IOVA + 8), IOMMUSIM_FAULT_NOT_PRESENT);
	KUNIT_EXPECT_EQ(test, rid.count, 1U);
	KUNIT_EXPECT_PTR_EQ(test, rid.dev, dev);
	KUNIT_EXPECT_EQ(test, rid.iova, IOVA + 8);
	KUNIT_EXPECT_EQ(test, rid.flags, IOMMU_FAULT_READ);
	KUNIT_EXPECT_EQ(test, pasid.count, 0U);

	KUNIT_ASSERT_EQ(test, iommu_map(second, IOVA, page_phys(test, 0), SZ_4K, IOMMU_READ,
					GFP_KERNEL), 0);
	KUNIT_EXPECT_EQ(test, probe_pasid(dev, 3, IOVA, true), IOMMUSIM_FAULT_PERMISSION);
	KUNIT_EXPECT_EQ(test, pasid.count, 1U);
	KUNIT_EXPECT_EQ(test, pasid.flags, IOMMU_FAULT_WRITE);
	KUNIT_EXPECT_EQ(test, probe_pasid(dev, 3, BIT_ULL(48), true),
			IOMMUSIM_FAULT_ADDRESS_SIZE);
	KUNIT_EXPECT_EQ(test, pasid.count, 2U);
	KUNIT_EXPECT_EQ(test, pasid.iova, (unsigned long)BIT_ULL(48));

	/* report_iommu_fault() is not called for a DMA that works or reaches no table. */
	KUNIT_EXPECT_EQ(test, probe_pasid(dev, 3, IOVA, false), IOMMUSIM_OK);
	KUNIT_EXPECT_EQ(test, probe_pasid(dev, 4, IOVA, false), IOMMUSIM_FAULT_PASID);
	KUNIT_EXPECT_EQ(test, probe_read(dev, 0xfee00000), IOMMUSIM_FAULT_PHYS);
	KUNIT_EXPECT_EQ(test, rid.count, 1U);
	KUNIT_EXPECT_EQ(test, pasid.count, 2U);
	iommu_detach_device_pasid(second, dev, 3);
}

static void silent_faults(struct kunit *test)
{
	struct iommusim_config config = { .quirks = IOMMUSIM_SILENT_FAULTS };
	struct device *dev = new_device(test, new_sim(test, &config), NULL);
	struct sim_seen seen = {};

	attach_device(test, watched_domain(test, dev, &seen), dev);
	KUNIT_EXPECT_EQ(test, probe_read(dev, IOVA), IOMMUSIM_FAULT_NOT_PRESENT);
	KUNIT_EXPECT_EQ(test, seen.count, 0U);
}

static void fault_in_atomic_context(struct kunit *test)
{
	struct device *dev = new_device(test, new_sim(test, NULL), NULL);
	static DEFINE_SPINLOCK(lock);
	struct sim_seen seen = {};
	unsigned long flags;
	int reason;

	attach_device(test, watched_domain(test, dev, &seen), dev);
	spin_lock_irqsave(&lock, flags);
	reason = probe_read(dev, IOVA);
	spin_unlock_irqrestore(&lock, flags);
	KUNIT_EXPECT_EQ(test, reason, IOMMUSIM_FAULT_NOT_PRESENT);
	KUNIT_EXPECT_EQ(test, seen.count, 1U);
}

/* struct sim_slow - handle_slowly() and let_go(), which comes while iommu_domain_free() waits */
struct sim_slow {
	struct completion entered, leave;
	bool left;
};

static int handle_slowly(struct iommu_domain *domain, struct device *dev, unsigned long iova,
			 int flags, void *token)
{
	struct sim_slow *slow = token;

	complete(&slow->entered);
	wait_for_completion(&slow->leave);
	WRITE_ONCE(slow->left, true);
	return 0;
}

static int read_once(void *arg)
{
	probe_read(arg, IOVA);
	return 0;
}

static int let_go(void *arg)
{
	struct sim_slow *slow = arg;

	complete(&slow->leave);
	return 0;
}

static void free_waits_for_report(struct kunit *test)
{
	struct device *dev = new_device(test, new_sim(test, NULL), NULL);
	struct iommu_domain *domain = new_domain(test, dev);
	struct task_struct *reader, *other;
	struct sim_slow slow = {};

	init_completion(&slow.entered);
	init_completion(&slow.leave);
	iommu_set_fault_handler(domain, handle_slowly, &slow);
	attach_device(test, domain, dev);
	reader = kthread_create(read_once, dev, "iommusim_kunit/read");
	KUNIT_ASSERT_FALSE(test, IS_ERR(reader));
	get_task_struct(reader);
	wake_up_process(reader);
	wait_for_completion(&slow.entered);
	detach_device(test, dev);

	other = kthread_run(let_go, &slow, "iommusim_kunit/let_go");
	if (IS_ERR(other))
		complete(&slow.leave);
	free_domain(test, domain);
	KUNIT_EXPECT_TRUE(test, READ_ONCE(slow.left));
	kthread_stop(reader);
	put_task_struct(reader);
}

static void pasids_without_paging(struct kunit *test)
{
	struct iommusim_config config = {
		.max_pasids = 8,
		.quirks = IOMMUSIM_SVA_PASIDS_ONLY,
	};
	struct device *dev = new_device(test, new_sim(test, &config), NULL);
	struct iommu_domain *domain = new_domain(test, dev);

	KUNIT_EXPECT_EQ(test, iommu_attach_device_pasid(domain, dev, 3, NULL), -EOPNOTSUPP);
	KUNIT_ASSERT_EQ(test, map_range(domain, IOVA, page_phys(test, 0), SZ_4K), 0);
	attach_device(test, domain, dev);
	KUNIT_EXPECT_EQ(test, probe_write(dev, IOVA), IOMMUSIM_OK);
}

static void device_without_pasids(struct kunit *test)
{
	struct iommusim_config config = { .max_pasids = 8 };
	struct iommusim_device_config plain = { .no_pasids = true };
	struct device *dev = new_device(test, new_sim(test, &config), &plain);

	KUNIT_EXPECT_EQ(test, dev->iommu->max_pasids, 0U);
}

static void external_device(struct kunit *test)
{
	struct iommusim_device_config config = { .external = true };
	struct iommusim *sim = new_sim(test, NULL);

	KUNIT_EXPECT_TRUE(test, dev_is_removable(new_device(test, sim, &config)));
	KUNIT_EXPECT_FALSE(test, dev_is_removable(new_device(test, sim, NULL)));
}

static void sign_extended_addresses(struct kunit *test)
{
	struct iommusim_config config = {
		.aperture_bits = 40,
		.quirks = IOMMUSIM_SIGN_EXTEND,
	};
	const u64 low_end = BIT_ULL(39), high = -BIT_ULL(39);
	struct device *dev = new_device(test, new_sim(test, &config), NULL);
	struct iommu_domain *domain = new_domain(test, dev);
	struct device *other;

	KUNIT_EXPECT_EQ(test, (u64)domain->geometry.aperture_end, U64_MAX);
	attach_device(test, domain, dev);
	KUNIT_ASSERT_EQ(test, map_range(domain, low_end - SZ_4K, page_phys(test, 0), SZ_4K), 0);
	KUNIT_ASSERT_EQ(test, map_range(domain, high, page_phys(test, 1), SZ_4K), 0);
	KUNIT_ASSERT_EQ(test, map_range(domain, -(u64)SZ_4K, page_phys(test, 2), SZ_4K), 0);
	KUNIT_EXPECT_EQ(test, map_range(domain, low_end, page_phys(test, 3), SZ_4K), -ERANGE);
	KUNIT_EXPECT_EQ(test, map_range(domain, high - SZ_4K, page_phys(test, 3), SZ_4K), -ERANGE);
	KUNIT_EXPECT_EQ(test, map_range(domain, low_end - SZ_4K, page_phys(test, 0), SZ_8K),
			-ERANGE);

	KUNIT_EXPECT_EQ(test, probe_write(dev, low_end - 1), IOMMUSIM_OK);
	KUNIT_EXPECT_EQ(test, page_data(test, 0)[SZ_4K - 1], 0x5a);
	KUNIT_EXPECT_EQ(test, probe_write(dev, high), IOMMUSIM_OK);
	KUNIT_EXPECT_EQ(test, page_data(test, 1)[0], 0x5a);
	KUNIT_EXPECT_EQ(test, probe_write(dev, U64_MAX), IOMMUSIM_OK);
	KUNIT_EXPECT_EQ(test, page_data(test, 2)[SZ_4K - 1], 0x5a);
	KUNIT_EXPECT_EQ(test, probe_read(dev, low_end), IOMMUSIM_FAULT_ADDRESS_SIZE);
	KUNIT_EXPECT_EQ(test, probe_read(dev, high - 1), IOMMUSIM_FAULT_ADDRESS_SIZE);
	KUNIT_EXPECT_EQ(test, iommu_iova_to_phys(domain, high), page_phys(test, 1));
	KUNIT_EXPECT_EQ(test, iommu_iova_to_phys(domain, low_end), (phys_addr_t)0);

	KUNIT_EXPECT_EQ(test, iommu_unmap(domain, -(u64)SZ_4K, SZ_4K), (size_t)SZ_4K);
	KUNIT_EXPECT_EQ(test, probe_read(dev, U64_MAX), IOMMUSIM_FAULT_NOT_PRESENT);
	KUNIT_EXPECT_EQ(test, probe_write(dev, high), IOMMUSIM_OK);

	config.quirks = 0;
	other = new_device(test, new_sim(test, &config), NULL);
	KUNIT_EXPECT_EQ(test, iommu_attach_device(domain, other), -EINVAL);
}

static struct kunit_case iommusim_fault_cases[] = {
	KUNIT_CASE(refused_dma_is_reported),
	KUNIT_CASE(silent_faults),
	KUNIT_CASE(fault_in_atomic_context),
	KUNIT_CASE(free_waits_for_report),
	KUNIT_CASE(pasids_without_paging),
	KUNIT_CASE(device_without_pasids),
	KUNIT_CASE(external_device),
	KUNIT_CASE(sign_extended_addresses),
	{}
};

static struct kunit_suite iommusim_fault_suite = {
	.name = "iommusim_faults",
	.init = init_fixture,
	.exit = exit_fixture,
	.test_cases = iommusim_fault_cases,
};
kunit_test_suite(iommusim_fault_suite);
