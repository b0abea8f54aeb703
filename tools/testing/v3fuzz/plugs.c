// SPDX-License-Identifier: GPL-2.0
/* The IOMMUs, and the devices behind them, which come and go. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/sizes.h>

#include "v3fuzz.h"

#define ALL_POWERS	(GENMASK(30, 12))

struct fuzz_plug fuzz_plugs[FUZZ_PLUGS];
struct fuzz_sim fuzz_sims[FUZZ_SIMS];

/* One of each kind that somebody builds; further ones are random. */
static const struct iommusim_config kinds[] = {
	{ .max_pasids = 64, .features = IOMMUSIM_PAGE_REQUESTS | IOMMUSIM_SVA },
	{ .quirks = IOMMUSIM_WHOLE_MAPS | IOMMUSIM_LATE_SEND },
	{ .pgsize_bitmap = ALL_POWERS, .max_pasids = 32, .features = IOMMUSIM_SVA,
	  .quirks = IOMMUSIM_SVA_PASIDS_ONLY },
	{ .quirks = IOMMUSIM_LATE_GEOMETRY | IOMMUSIM_UNMAP_WHOLE | IOMMUSIM_OVERLAP_KEEP |
		    IOMMUSIM_MOVING_ROOT },
	{ .max_pasids = 64, .features = IOMMUSIM_PAGE_REQUESTS,
	  .quirks = IOMMUSIM_SIGN_EXTEND | IOMMUSIM_SILENT_FAULTS | IOMMUSIM_SHORT_FLUSH },
	{ .aperture_bits = 39, .pgsize_bitmap = SZ_4K | SZ_2M, .max_pasids = 16,
	  .features = IOMMUSIM_PAGE_REQUESTS,
	  .quirks = IOMMUSIM_NO_IDENTITY | IOMMUSIM_OWN_DOMAINS | IOMMUSIM_ALLOC_PER_MAP },
};

/* Until one is accepted: what excludes what is for iommusim to say. */
static void create_random(struct fuzz_sim *sim, struct rnd_state *rnd)
{
	static const unsigned long sizes[] = { 0, SZ_4K, SZ_4K | SZ_2M, ALL_POWERS,
					       SZ_4K | SZ_64K };

	do {
		u32 quirks = prandom_u32_state(rnd) & prandom_u32_state(rnd);

		sim->config = (struct iommusim_config) {
			.aperture_bits = 39 + prandom_u32_state(rnd) % 19,
			.pgsize_bitmap = sizes[prandom_u32_state(rnd) % ARRAY_SIZE(sizes)],
			.max_pasids = prandom_u32_state(rnd) % 2 * 40,
			.quirks = quirks % (IOMMUSIM_LATE_SEND << 1) & ~fuzz_without,
			.features = prandom_u32_state(rnd) & IOMMUSIM_PAGE_REQUESTS,
		};
		sim->sim = iommusim_create(&sim->config);
	} while (sim->sim == ERR_PTR(-EINVAL));
}

static int create_sim(unsigned int i, struct rnd_state *rnd)
{
	struct fuzz_sim *sim = &fuzz_sims[i];

	if (i < ARRAY_SIZE(kinds)) {
		sim->config = kinds[i];
		sim->config.quirks &= ~fuzz_without;
		sim->sim = iommusim_create(&sim->config);
	} else {
		create_random(sim, rnd);
	}
	if (sim->sim == ERR_PTR(-EOPNOTSUPP)) {
		sim->config.features = 0;
		sim->sim = iommusim_create(&sim->config);
	}
	sim->stale = 0;
	pr_info("IOMMU %u: quirks %#x, features %#x, %u bits, page sizes %#lx, %u PASIDs\n", i,
		sim->config.quirks, sim->config.features, sim->config.aperture_bits,
		sim->config.pgsize_bitmap, sim->config.max_pasids);
	return PTR_ERR_OR_ZERO(sim->sim);
}

int fuzz_sims_create(u64 seed)
{
	struct rnd_state rnd;
	unsigned int i;
	int err = 0;

	prandom_seed_state(&rnd, seed);
	for (i = 0; i < FUZZ_PLUGS; i++)
		init_rwsem(&fuzz_plugs[i].sem);
	for (i = 0; i < FUZZ_SIMS && !err; i++)
		err = create_sim(i, &rnd);
	return err;
}

/* How many translations that were gone the devices used since the last call. */
u64 fuzz_stale_hits(void)
{
	struct iommusim_stats stats;
	unsigned int i;
	u64 sum = 0;

	for (i = 0; i < FUZZ_SIMS; i++) {
		if (IS_ERR_OR_NULL(fuzz_sims[i].sim))
			continue;
		iommusim_get_stats(fuzz_sims[i].sim, &stats);
		sum += stats.stale_hits - fuzz_sims[i].stale;
		fuzz_sims[i].stale = stats.stale_hits;
	}
	return sum;
}

void fuzz_sims_destroy(struct fuzz_thread *t)
{
	struct iommusim_stats stats;
	unsigned int i;

	for (i = 0; i < FUZZ_SIMS; i++) {
		struct iommusim *sim = fuzz_sims[i].sim;

		fuzz_sims[i].sim = NULL;
		if (IS_ERR_OR_NULL(sim))
			continue;
		iommusim_get_stats(sim, &stats);
		if (stats.unanswered)
			fuzz_fail(t, "IOMMU %u: %llu page requests were not answered", i,
				  stats.unanswered);
		if (stats.tables || stats.leaf_4k || stats.leaf_2m || stats.leaf_1g)
			fuzz_fail(t, "IOMMU %u: %llu tables and %llu, %llu, %llu leaves are left",
				  i, stats.tables, stats.leaf_4k, stats.leaf_2m, stats.leaf_1g);
		iommusim_destroy(sim);
	}
}

void fuzz_group_begin(struct fuzz_group *group)
{
	atomic_inc_return(&group->busy);
	atomic_inc_return(&group->changes);
}

void fuzz_group_end(struct fuzz_group *group)
{
	atomic_inc_return(&group->changes);
	atomic_dec_return(&group->busy);
}

static void members_begin(struct fuzz_group *group)
{
	fuzz_group_begin(group);
	atomic_inc_return(&group->moving);
	atomic_inc_return(&group->epoch);
}

static void members_end(struct fuzz_group *group)
{
	atomic_dec_return(&group->moving);
	fuzz_group_end(group);
}

static void unplug(struct fuzz_plug *plug)
{
	members_begin(plug->group);
	iommusim_device_destroy(plug->dev);
	members_end(plug->group);
	plug->dev = NULL;
}

/*
 * choose_regions() makes no region of a shared group IOMMU_RESV_DIRECT, because a device with one
 * that joins in the instant of a detach makes the IOMMU core warn, whatever is done about it then.
 */
static unsigned int choose_regions(struct fuzz_thread *t, struct fuzz_plug *plug,
				   struct iommusim_region *regions)
{
	unsigned int n = 0;

	plug->direct = -1;
	regions[n++] = (struct iommusim_region){
		.first = 0xfee00000,
		.last = 0xfeefffff,
		.type = IOMMU_RESV_MSI,
		.prot = IOMMU_WRITE,
	};
	if (fuzz_one_in(t, 4)) {
		unsigned int page = fuzz_random(t, 1 << fuzz_firmware.order);
		bool relaxable = plug->group != &plug->own || fuzz_one_in(t, 2);

		regions[n].first = fuzz_phys(&fuzz_firmware, page);
		regions[n].last = regions[n].first + SZ_4K - 1;
		regions[n].type = relaxable ? IOMMU_RESV_DIRECT_RELAXABLE : IOMMU_RESV_DIRECT;
		regions[n++].prot = IOMMU_READ | IOMMU_WRITE;
		/* The other kind is firmware's until a driver takes the device. */
		if (!relaxable)
			plug->direct = page;
	}
	if (fuzz_one_in(t, 12)) {
		regions[n].first = FUZZ_BASE + fuzz_random(t, fuzz_nr_threads) * FUZZ_SLICE +
				   fuzz_random(t, 96) * SZ_4K;
		regions[n].last = regions[n].first + 4 * SZ_4K - 1;
		regions[n++].type = IOMMU_RESV_RESERVED;
	}
	return n;
}

static void plug_in(struct fuzz_thread *t, struct fuzz_plug *plug)
{
	struct iommusim_device_config config = {};
	struct iommusim_region regions[3] = {};
	struct fuzz_sim *sim;
	struct device *dev;

	plug->sim = fuzz_random(t, FUZZ_SIMS);
	sim = &fuzz_sims[plug->sim];
	config.external = fuzz_one_in(t, 6);
	config.dma_mask = fuzz_one_in(t, 8) ? DMA_BIT_MASK(37) : 0;
	switch (fuzz_random(t, 6)) {
	case 0:
		/* Its PASIDs would have to be detached before it is unplugged. */
		config.ordinary_driver = true;
		config.no_pasids = true;
		break;
	case 1:
		config.managed_dma = true;
		break;
	}
	if (!config.ordinary_driver && fuzz_one_in(t, 3))
		config.group = 1 + fuzz_random(t, ARRAY_SIZE(sim->groups));
	plug->group = config.group ? &sim->groups[config.group - 1] : &plug->own;
	config.regions = regions;
	config.nr_regions = choose_regions(t, plug, regions);
	plug->mask = config.dma_mask ?: U64_MAX;
	plug->tagged = sim->config.max_pasids && !config.no_pasids;

	members_begin(plug->group);
	dev = iommusim_device_create(sim->sim, &config);
	members_end(plug->group);
	if (!IS_ERR(dev))
		plug->dev = dev;
}

void fuzz_plug_toggle(struct fuzz_thread *t)
{
	struct fuzz_plug *plug = &fuzz_plugs[fuzz_random(t, FUZZ_PLUGS)];

	down_write(&plug->sem);
	if (plug->dev)
		unplug(plug);
	if (!plug->dev && !fuzz_one_in(t, 8))
		plug_in(t, plug);
	up_write(&plug->sem);
}

void fuzz_unplug_all(void)
{
	unsigned int i;

	for (i = 0; i < FUZZ_PLUGS; i++) {
		if (fuzz_plugs[i].dev)
			unplug(&fuzz_plugs[i]);
	}
}

/* Attaches and tables that fail. */
void fuzz_inject(struct fuzz_thread *t)
{
	static const int errors[] = { -ENOMEM, -EBUSY, -EINVAL, -EIO };
	struct fuzz_plug *plug = &fuzz_plugs[fuzz_random(t, FUZZ_PLUGS)];
	int err = errors[fuzz_random(t, ARRAY_SIZE(errors))];
	unsigned int times = fuzz_random(t, 3);

	down_read(&plug->sem);
	if (fuzz_one_in(t, 2))
		iommusim_fail_tables(fuzz_sims[fuzz_random(t, FUZZ_SIMS)].sim, fuzz_random(t, 30),
				     times);
	else if (plug->dev && plug->group == &plug->own)
		/* One that joins others may not know that what it goes back to is the default. */
		iommusim_fail_attach(plug->dev, err, times);
	up_read(&plug->sem);
}

void fuzz_inject_end(void)
{
	unsigned int i;

	for (i = 0; i < FUZZ_PLUGS; i++) {
		if (fuzz_plugs[i].dev)
			iommusim_fail_attach(fuzz_plugs[i].dev, -EIO, 0);
	}
	for (i = 0; i < FUZZ_SIMS; i++) {
		if (!IS_ERR_OR_NULL(fuzz_sims[i].sim))
			iommusim_fail_tables(fuzz_sims[i].sim, 0, 0);
	}
}
