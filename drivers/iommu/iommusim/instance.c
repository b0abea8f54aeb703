// SPDX-License-Identifier: GPL-2.0
#include <linux/idr.h>
#include <linux/iommu.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "compat.h"
#include "instance.h"

#define ALL_QUIRKS	(IOMMUSIM_OVERLAP_KEEP | IOMMUSIM_OVERLAP_REPLACE |		\
			 IOMMUSIM_UNMAP_WHOLE | IOMMUSIM_LATE_GEOMETRY |		\
			 IOMMUSIM_NO_IDENTITY | IOMMUSIM_ALLOC_PER_MAP |		\
			 IOMMUSIM_OWN_DOMAINS | IOMMUSIM_SILENT_FAULTS |		\
			 IOMMUSIM_SVA_PASIDS_ONLY | IOMMUSIM_SIGN_EXTEND |		\
			 IOMMUSIM_WHOLE_MAPS | IOMMUSIM_MOVING_ROOT |			\
			 IOMMUSIM_SHORT_FLUSH | IOMMUSIM_LATE_SEND |			\
			 IOMMUSIM_RUN_FLUSH)
#define ALL_FEATURES	(IOMMUSIM_PAGE_REQUESTS | IOMMUSIM_SVA)
#define LEVEL_SIZES	((unsigned long)(SZ_4K | SZ_2M | SZ_1G))
#define ALL_SIZES	GENMASK(IOMMUSIM_MAX_SHIFT, 12)
#define DEFAULT_BITS	48
#define MIN_BITS	30
#define MAX_BITS	57
#define MAX_PASIDS	BIT(20)

static DEFINE_IDA(instance_ids);

static int check_config(const struct iommusim_config *config)
{
	const u32 overlap = IOMMUSIM_OVERLAP_KEEP | IOMMUSIM_OVERLAP_REPLACE;
	const u32 geometry = IOMMUSIM_LATE_GEOMETRY | IOMMUSIM_SIGN_EXTEND;
	const unsigned long sizes = config->pgsize_bitmap;

	if (config->aperture_bits < MIN_BITS || config->aperture_bits > MAX_BITS)
		return -EINVAL;
	/*
	 * PAGE_SIZE must be a page size or a multiple of one, because the core maps pages of the
	 * kernel.
	 */
	if ((sizes & ~ALL_SIZES) || !(sizes & GENMASK(PAGE_SHIFT, 0)))
		return -EINVAL;
	if ((config->quirks & overlap) &&
	    ((sizes & ~LEVEL_SIZES) || (config->quirks & IOMMUSIM_WHOLE_MAPS)))
		return -EINVAL;
	if (config->max_pasids > MAX_PASIDS)
		return -EINVAL;
	if ((config->quirks & ~ALL_QUIRKS) || (config->quirks & overlap) == overlap)
		return -EINVAL;
	if ((config->quirks & geometry) == geometry || (config->features & ~ALL_FEATURES))
		return -EINVAL;
	if (!IS_ENABLED(CONFIG_IOMMU_IOPF) && (config->features & IOMMUSIM_PAGE_REQUESTS))
		return -EOPNOTSUPP;
	if (!IS_ENABLED(CONFIG_IOMMU_SVA) && (config->features & IOMMUSIM_SVA))
		return -EOPNOTSUPP;
	return 0;
}

static void release_instance(struct kref *ref)
{
	struct iommusim *sim = container_of(ref, struct iommusim, ref);

	ida_free(&instance_ids, sim->id);
	xa_destroy(&sim->groups);
	mutex_destroy(&sim->lock);
	kfree(sim);
}

void iommusim_put(struct iommusim *sim)
{
	kref_put(&sim->ref, release_instance);
}

struct iommusim *iommusim_alloc(const struct iommusim_config *config)
{
	struct iommusim *sim = kzalloc_obj(*sim);
	int err;

	if (!sim)
		return ERR_PTR(-ENOMEM);
	if (config)
		sim->config = *config;
	if (!sim->config.aperture_bits)
		sim->config.aperture_bits = DEFAULT_BITS;
	if (!sim->config.pgsize_bitmap)
		sim->config.pgsize_bitmap = LEVEL_SIZES;
	err = check_config(&sim->config);
	if (err)
		goto err_free;
	sim->id = ida_alloc(&instance_ids, GFP_KERNEL);
	if (sim->id < 0) {
		err = sim->id;
		goto err_free;
	}
	kref_init(&sim->ref);
	mutex_init(&sim->lock);
	INIT_LIST_HEAD(&sim->devices);
	xa_init(&sim->groups);
	return sim;

err_free:
	kfree(sim);
	return ERR_PTR(err);
}

static void set_failures(struct iommusim_failures *failures, unsigned int skip,
			 unsigned int times)
{
	atomic_set(&failures->times, 0);
	atomic_set(&failures->skip, min_t(unsigned int, skip, INT_MAX));
	atomic_set(&failures->times, min_t(unsigned int, times, INT_MAX));
}

bool iommusim_take_failure(struct iommusim_failures *failures)
{
	if (!atomic_read(&failures->times))
		return false;
	if (atomic_dec_if_positive(&failures->skip) >= 0)
		return false;
	return atomic_dec_if_positive(&failures->times) >= 0;
}

/**
 * iommusim_fail_tables() - let allocations of page-table pages fail
 * @sim: the instance through which the domains were allocated
 * @skip: that many more succeed
 * @times: then that many fail; 0 ends all failing
 *
 * Works on kernels without fault injection too.
 *
 * Context: any.
 */
void iommusim_fail_tables(struct iommusim *sim, unsigned int skip, unsigned int times)
{
	set_failures(&sim->table_failures, skip, times);
}
V3C_EXPORT_NS_GPL(iommusim_fail_tables, IOMMUSIM);

/**
 * iommusim_fail_unmaps() - let calls of the driver's unmap operation fail
 * @sim: the instance through which the domains were allocated
 * @skip: that many more succeed
 * @times: then that many remove nothing and return 0; 0 ends all failing
 *
 * Context: any.
 */
void iommusim_fail_unmaps(struct iommusim *sim, unsigned int skip, unsigned int times)
{
	set_failures(&sim->unmap_failures, skip, times);
}
V3C_EXPORT_NS_GPL(iommusim_fail_unmaps, IOMMUSIM);

/**
 * iommusim_get_stats() - what an instance did and holds
 * @sim: the instance
 * @out: set to the counters; each is exact, but they are not read at the same moment
 *
 * Context: any.
 */
void iommusim_get_stats(struct iommusim *sim, struct iommusim_stats *out)
{
	*out = (struct iommusim_stats) {
		.maps = atomic64_read(&sim->maps),
		.unmaps = atomic64_read(&sim->unmaps),
		.flushes = atomic64_read(&sim->flushes),
		.flush_all = atomic64_read(&sim->flush_all),
		.tables = atomic64_read(&sim->tables),
		.leaf_4k = atomic64_read(&sim->leaves[0]),
		.leaf_2m = atomic64_read(&sim->leaves[1]),
		.leaf_1g = atomic64_read(&sim->leaves[2]),
		.iotlb_hits = atomic64_read(&sim->iotlb_hits),
		.stale_hits = atomic64_read(&sim->stale_hits),
		.page_requests = atomic64_read(&sim->page_requests),
		.unanswered = atomic64_read(&sim->unanswered),
		.refused_flushes = atomic64_read(&sim->refused_flushes),
		.accounted = atomic64_read(&sim->accounted),
	};
}
V3C_EXPORT_NS_GPL(iommusim_get_stats, IOMMUSIM);
