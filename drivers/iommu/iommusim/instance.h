/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _IOMMUSIM_INSTANCE_H
#define _IOMMUSIM_INSTANCE_H

#include <linux/atomic.h>
#include <linux/iommu.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/xarray.h>

#include <linux/iommusim.h>

struct platform_device;

#define IOMMUSIM_LEAF_LEVELS	3	/* whose entries translate 4K, 2M, 1G */
#define IOMMUSIM_MAX_SHIFT	30	/* of the largest leaf */
#define IOMMUSIM_PHYS_BITS	52	/* of an entry */

/* How often something still succeeds before it fails so many times. */
struct iommusim_failures {
	atomic_t skip;
	atomic_t times;
};

/*
 * One instance. Its domains and devices each hold a reference, since both can outlive the
 * registration with the core. @iommu to @queue and @config are constant once created.
 */
struct iommusim {
	struct iommu_device iommu;
	struct platform_device *hw;
	struct fwnode_handle *fwnode;
	struct iopf_queue *queue;	/* NULL: no page requests */
	struct iommusim_config config;
	int id;
	struct kref ref;

	struct mutex lock;		/* protects the three below; inside group->mutex */
	struct list_head devices;	/* struct iommusim_device.node */
	struct xarray groups;		/* config group number -> struct iommusim_group */
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

/* A range of sign-extended addresses is in one half: all bits from the top one on are the same. */
static inline bool iommusim_is_translatable(bool sign_extend, unsigned int bits, u64 first,
					    u64 last)
{
	s64 sign_first = (s64)first >> (bits - 1);
	s64 sign_last = (s64)last >> (bits - 1);

	if (!sign_extend)
		return last <= iommusim_last_address(bits);
	return sign_first == sign_last && (!sign_first || sign_first == -1);
}

#endif /* _IOMMUSIM_INSTANCE_H */
