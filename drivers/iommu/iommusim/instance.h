/* SPDX-License-Identifier: GPL-2.0 */
#ifndef IOMMUSIM_INSTANCE_H
#define IOMMUSIM_INSTANCE_H

#include <linux/atomic.h>
#include <linux/iommu.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/xarray.h>

#include <linux/iommusim.h>

struct platform_device;

/**
 * DOC: Units of iommusim
 *
 * X.c and X.h are the unit X. A unit includes and calls only units in the lines above its own, and
 * those to the left of it::
 *
 *	compat  instance  record  resources
 *	table  iotlb  domain  sva
 *	device  request  attach  group
 *	dma  ops  platform  create
 *	chardev  main
 */

/* Entries of levels 0 to IOMMUSIM_LEAF_LEVELS - 1 translate 4 KiB, 2 MiB, 1 GiB. */
#define IOMMUSIM_LEAF_LEVELS	3
/* The largest leaf has 1 << IOMMUSIM_MAX_SHIFT bytes. */
#define IOMMUSIM_MAX_SHIFT	30
/* Physical addresses in an entry have IOMMUSIM_PHYS_BITS bits. */
#define IOMMUSIM_PHYS_BITS	52

/**
 * struct iommusim_failures - failures to come of one operation
 * @skip: calls that still succeed
 * @times: calls that fail after those
 */
struct iommusim_failures {
	atomic_t skip;
	atomic_t times;
};

/**
 * struct iommusim - one instance
 * @iommu: as the IOMMU core knows the instance
 * @hw: platform device, parent of the simulated devices
 * @fwnode: firmware node by which the core finds @iommu
 * @queue: brings page requests to their handlers; NULL without %IOMMUSIM_PAGE_REQUESTS
 * @config: of iommusim_create(), with the defaults filled in
 * @id: number in the names of the instance
 * @ref: the creator's reference, and one for each domain and device, because both can outlive the
 *	registration with the core
 * @lock: protects @devices, @groups and @next_stream; inside the core's group->mutex
 * @devices: &iommusim_device.node of the devices plugged in
 * @groups: &iommusim_device_config.group -> &struct iommusim_group
 * @next_stream: ID of the next device in its firmware description
 * @table_failures: of allocations of page-table pages
 * @unmap_failures: of iommusim_unmap_pages()
 * @maps: &iommusim_stats.maps
 * @unmaps: &iommusim_stats.unmaps
 * @flushes: &iommusim_stats.flushes
 * @flush_all: &iommusim_stats.flush_all
 * @tables: &iommusim_stats.tables
 * @leaves: entries present, by level: &iommusim_stats.leaf_4k and the next two
 * @iotlb_hits: &iommusim_stats.iotlb_hits
 * @stale_hits: &iommusim_stats.stale_hits
 * @page_requests: &iommusim_stats.page_requests
 * @unanswered: &iommusim_stats.unanswered
 * @refused_flushes: &iommusim_stats.refused_flushes
 * @accounted: &iommusim_stats.accounted
 *
 * @iommu to @id are constant once the instance is created.
 */
struct iommusim {
	struct iommu_device iommu;
	struct platform_device *hw;
	struct fwnode_handle *fwnode;
	struct iopf_queue *queue;
	struct iommusim_config config;
	int id;
	struct kref ref;

	struct mutex lock;
	struct list_head devices;
	struct xarray groups;
	u32 next_stream;

	struct iommusim_failures table_failures;
	struct iommusim_failures unmap_failures;

	atomic64_t maps;
	atomic64_t unmaps;
	atomic64_t flushes;
	atomic64_t flush_all;
	atomic64_t tables;
	atomic64_t leaves[IOMMUSIM_LEAF_LEVELS];
	atomic64_t iotlb_hits;
	atomic64_t stale_hits;
	atomic64_t page_requests;
	atomic64_t unanswered;
	atomic64_t refused_flushes;
	atomic64_t accounted;
};

struct iommusim *iommusim_alloc(const struct iommusim_config *config);
void iommusim_put(struct iommusim *sim);
bool iommusim_take_failure(struct iommusim_failures *failures);

static inline struct iommusim *iommusim_get(struct iommusim *sim)
{
	kref_get(&sim->ref);
	return sim;
}

static inline bool iommusim_has_quirk(const struct iommusim *sim, u32 quirk)
{
	return sim->config.quirks & quirk;
}

static inline u64 iommusim_last_address(unsigned int bits)
{
	return GENMASK_ULL(bits - 1, 0);
}

/*
 * With @sign_extend, @first and @last must lie in one half: all their bits from the top one, @bits
 * - 1, on are the same.
 */
static inline bool iommusim_is_translatable(bool sign_extend, unsigned int bits, u64 first,
					    u64 last)
{
	s64 sign_first = (s64)first >> (bits - 1);
	s64 sign_last = (s64)last >> (bits - 1);

	if (!sign_extend)
		return last <= iommusim_last_address(bits);
	return sign_first == sign_last && (!sign_first || sign_first == -1);
}

#endif
