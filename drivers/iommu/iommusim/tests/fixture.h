/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Fixture of the tests of iommusim. All functions are static, because some kernels have the tests
 * built in.
 */
#ifndef IOMMUSIM_TESTS_FIXTURE_H
#define IOMMUSIM_TESTS_FIXTURE_H

#include <kunit/test.h>
#include <linux/device.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/sizes.h>

#include <linux/iommusim.h>

#define MAX_OBJECTS	4
#define NR_PAGES	4
#define READ_WRITE	(IOMMU_READ | IOMMU_WRITE)

/* IOVA is SZ_1G, aligned for every page size. */
#define IOVA		0x40000000UL

/* iommu_attach_group_handle() and its counterpart are declared for drivers/iommu only. */
int iommu_attach_group_handle(struct iommu_domain *domain, struct iommu_group *group,
			      struct iommu_attach_handle *handle);
void iommu_detach_group_handle(struct iommu_domain *domain, struct iommu_group *group);

/**
 * struct sim_fixture - what one test made, undone in reverse when it ends, also when it failed
 * @sims: instances
 * @devs: devices
 * @domains: paging domains
 * @attached: the domain attached to the device of the same index in @devs, or NULL
 * @pages: NR_PAGES contiguous pages
 */
struct sim_fixture {
	struct iommusim *sims[MAX_OBJECTS];
	struct device *devs[MAX_OBJECTS];
	struct iommu_domain *domains[MAX_OBJECTS];
	struct iommu_domain *attached[MAX_OBJECTS];
	struct page *pages;
};

static inline struct iommusim *new_sim(struct kunit *test, const struct iommusim_config *config)
{
	struct sim_fixture *fixture = test->priv;
	struct iommusim *sim = iommusim_create(config);
	unsigned int i;

	KUNIT_ASSERT_FALSE(test, IS_ERR(sim));
	for (i = 0; i < MAX_OBJECTS && fixture->sims[i]; i++)
		;
	fixture->sims[i] = sim;
	return sim;
}

static inline struct device *new_device(struct kunit *test, struct iommusim *sim,
					const struct iommusim_device_config *config)
{
	struct sim_fixture *fixture = test->priv;
	struct device *dev = iommusim_device_create(sim, config);
	unsigned int i;

	KUNIT_ASSERT_FALSE(test, IS_ERR(dev));
	for (i = 0; i < MAX_OBJECTS && fixture->devs[i]; i++)
		;
	fixture->devs[i] = dev;
	return dev;
}

static inline struct iommu_domain *new_domain(struct kunit *test, struct device *dev)
{
	struct sim_fixture *fixture = test->priv;
	struct iommu_domain *domain = iommu_paging_domain_alloc(dev);
	unsigned int i;

	KUNIT_ASSERT_FALSE(test, IS_ERR(domain));
	for (i = 0; i < MAX_OBJECTS && fixture->domains[i]; i++)
		;
	fixture->domains[i] = domain;
	return domain;
}

static inline unsigned int device_index(struct sim_fixture *fixture, struct device *dev)
{
	unsigned int i;

	for (i = 0; i < MAX_OBJECTS && fixture->devs[i] != dev; i++)
		;
	return i;
}

static inline void attach_device(struct kunit *test, struct iommu_domain *domain,
				 struct device *dev)
{
	struct sim_fixture *fixture = test->priv;

	KUNIT_ASSERT_EQ(test, iommu_attach_device(domain, dev), 0);
	fixture->attached[device_index(fixture, dev)] = domain;
}

static inline void detach_device(struct kunit *test, struct device *dev)
{
	struct sim_fixture *fixture = test->priv;
	unsigned int i = device_index(fixture, dev);

	iommu_detach_device(fixture->attached[i], dev);
	fixture->attached[i] = NULL;
}

static inline void destroy_device(struct kunit *test, struct device *dev)
{
	struct sim_fixture *fixture = test->priv;

	fixture->devs[device_index(fixture, dev)] = NULL;
	iommusim_device_destroy(dev);
}

static inline void free_domain(struct kunit *test, struct iommu_domain *domain)
{
	struct sim_fixture *fixture = test->priv;
	unsigned int i;

	for (i = 0; i < MAX_OBJECTS; i++) {
		if (fixture->domains[i] == domain)
			fixture->domains[i] = NULL;
	}
	iommu_domain_free(domain);
}

static inline struct iommusim_stats stats_of(struct iommusim *sim)
{
	struct iommusim_stats stats;

	iommusim_get_stats(sim, &stats);
	return stats;
}

static inline phys_addr_t page_phys(struct kunit *test, unsigned int index)
{
	struct sim_fixture *fixture = test->priv;

	return page_to_phys(fixture->pages + index);
}

static inline u8 *page_data(struct kunit *test, unsigned int index)
{
	struct sim_fixture *fixture = test->priv;

	return page_address(fixture->pages + index);
}

static inline int map_range(struct iommu_domain *domain, unsigned long iova, phys_addr_t phys,
			    size_t size)
{
	return iommu_map(domain, iova, phys, size, READ_WRITE, GFP_KERNEL);
}

/* Return: enum iommusim_fault_reason of a one-byte access */
static inline int probe_pasid(struct device *dev, u32 pasid, u64 address, bool write)
{
	struct iommusim_fault fault = { .reason = IOMMUSIM_OK };
	u8 byte = 0x5a;

	if (write)
		iommusim_dma_write(dev, pasid, address, &byte, 1, &fault);
	else
		iommusim_dma_read(dev, pasid, address, &byte, 1, &fault);
	return fault.reason;
}

static inline int probe_read(struct device *dev, u64 address)
{
	return probe_pasid(dev, IOMMUSIM_NO_PASID, address, false);
}

static inline int probe_write(struct device *dev, u64 address)
{
	return probe_pasid(dev, IOMMUSIM_NO_PASID, address, true);
}

/**
 * struct sim_bench - a device of a new instance, attached to a new domain
 * @sim: the instance
 * @dev: the device
 * @domain: the domain
 */
struct sim_bench {
	struct iommusim *sim;
	struct device *dev;
	struct iommu_domain *domain;
};

static inline struct sim_bench new_bench(struct kunit *test, u32 quirks)
{
	struct iommusim_config config = { .quirks = quirks };
	struct sim_bench bench;

	bench.sim = new_sim(test, &config);
	bench.dev = new_device(test, bench.sim, NULL);
	bench.domain = new_domain(test, bench.dev);
	attach_device(test, bench.domain, bench.dev);
	return bench;
}

static inline int init_fixture(struct kunit *test)
{
	struct sim_fixture *fixture = kunit_kzalloc(test, sizeof(*fixture), GFP_KERNEL);

	if (!fixture)
		return -ENOMEM;
	fixture->pages = alloc_pages(GFP_KERNEL | __GFP_ZERO, get_order(NR_PAGES * PAGE_SIZE));
	if (!fixture->pages)
		return -ENOMEM;
	test->priv = fixture;
	return 0;
}

static inline void check_nothing_left(struct kunit *test, struct iommusim *sim)
{
	struct iommusim_stats stats = stats_of(sim);

	KUNIT_EXPECT_EQ(test, stats.tables, 0ULL);
	KUNIT_EXPECT_EQ(test, stats.leaf_4k, 0ULL);
	KUNIT_EXPECT_EQ(test, stats.leaf_2m, 0ULL);
	KUNIT_EXPECT_EQ(test, stats.leaf_1g, 0ULL);
	KUNIT_EXPECT_EQ(test, stats.unanswered, 0ULL);
}

static inline void exit_fixture(struct kunit *test)
{
	struct sim_fixture *fixture = test->priv;
	unsigned int i;

	if (!fixture)
		return;
	for (i = 0; i < MAX_OBJECTS; i++) {
		if (fixture->attached[i])
			iommu_detach_device(fixture->attached[i], fixture->devs[i]);
	}
	for (i = 0; i < MAX_OBJECTS; i++) {
		if (fixture->domains[i])
			iommu_domain_free(fixture->domains[i]);
	}
	for (i = 0; i < MAX_OBJECTS; i++) {
		if (fixture->devs[i])
			iommusim_device_destroy(fixture->devs[i]);
	}
	for (i = 0; i < MAX_OBJECTS; i++) {
		if (fixture->sims[i]) {
			check_nothing_left(test, fixture->sims[i]);
			iommusim_destroy(fixture->sims[i]);
		}
	}
	__free_pages(fixture->pages, get_order(NR_PAGES * PAGE_SIZE));
}

#endif
