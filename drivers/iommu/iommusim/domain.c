// SPDX-License-Identifier: GPL-2.0
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/overflow.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/srcu.h>
#include <linux/wait_bit.h>

#include "compat.h"
#include "domain.h"
#include "instance.h"

/* A fresh domain of IOMMUSIM_LATE_GEOMETRY claims to translate LATE_APERTURE_BITS. */
#define LATE_APERTURE_BITS	57
/* An aligned block of LARGEST_FLUSH is the most that IOMMUSIM_SHORT_FLUSH invalidates. */
#define LARGEST_FLUSH		SZ_1G

/* table_users are maps and unmaps under IOMMUSIM_MOVING_ROOT and IOMMUSIM_LATE_SEND. */
DEFINE_STATIC_SRCU(table_users);

struct iommusim_domain *iommusim_to_paging(struct iommu_domain *domain)
{
	if (!domain || !(domain->type & __IOMMU_DOMAIN_PAGING))
		return NULL;
	return container_of(domain, struct iommusim_domain, domain);
}

static void release_domain(struct kref *ref)
{
	struct iommusim_domain *domain = container_of(ref, struct iommusim_domain, ref);

	iommusim_put(domain->sim);
	kfree(domain);
	module_put(THIS_MODULE);
}

static void set_geometry(struct iommusim_domain *domain, unsigned int bits)
{
	u64 last = domain->sign_extend ? U64_MAX : iommusim_last_address(bits);

	WRITE_ONCE(domain->aperture_bits, bits);
	domain->domain.geometry.aperture_start = 0;
	WRITE_ONCE(domain->domain.geometry.aperture_end, last);
	domain->domain.geometry.force_aperture = true;
}

static bool is_translatable(const struct iommusim_domain *domain, u64 first, u64 last)
{
	return iommusim_is_translatable(domain->sign_extend, READ_ONCE(domain->aperture_bits),
					first, last);
}

static void init_geometry(struct iommusim_domain *domain, const struct iommusim *sim)
{
	unsigned long pgsizes = sim->config.pgsize_bitmap;

	spin_lock_init(&domain->geometry_lock);
	domain->sign_extend = iommusim_has_quirk(sim, IOMMUSIM_SIGN_EXTEND);
	domain->settled = !iommusim_has_quirk(sim, IOMMUSIM_LATE_GEOMETRY);
	domain->pgsize_bitmap = pgsizes;
	domain->domain.pgsize_bitmap = domain->settled ? pgsizes : BIT(__ffs(pgsizes));
	set_geometry(domain, domain->settled ? sim->config.aperture_bits : LATE_APERTURE_BITS);
}

struct iommu_domain *iommusim_domain_alloc(struct iommusim *sim)
{
	struct iommusim_domain *domain = kzalloc_obj(*domain);

	if (!domain)
		return ERR_PTR(-ENOMEM);
	init_geometry(domain, sim);
	if (iommusim_table_init(&domain->table, sim, domain->aperture_bits)) {
		kfree(domain);
		return ERR_PTR(-ENOMEM);
	}
	rwlock_init(&domain->lock);
	iommusim_iotlb_init(&domain->iotlb, domain->pgsize_bitmap);
	iommusim_records_init(&domain->records);
	kref_init(&domain->ref);
	domain->sim = iommusim_get(sim);
	/*
	 * __module_get(), because the core pins the driver for each device only and a domain may
	 * outlive them all.
	 */
	__module_get(THIS_MODULE);
	return &domain->domain;
}

void iommusim_domain_free(struct iommu_domain *core_domain)
{
	struct iommusim_domain *domain = iommusim_to_paging(core_domain);
	struct iommusim_table table;
	unsigned long flags;

	WARN(atomic_read(&domain->attached), "iommusim: freeing a domain that is attached\n");
	/*
	 * wait_var_event() first, because the caller may free what the fault handler uses right
	 * after.
	 */
	wait_var_event(&domain->reports, !atomic_read(&domain->reports));

	write_lock_irqsave(&domain->lock, flags);
	table = domain->table;
	domain->table.root = 0;
	init_llist_head(&domain->table.unlinked);
	iommusim_iotlb_flush_all(&domain->iotlb);
	write_unlock_irqrestore(&domain->lock, flags);

	iommusim_table_destroy(&table);
	iommusim_records_remove(&domain->records, 0, U64_MAX);
	kref_put(&domain->ref, release_domain);
}

/* The first attach settles the geometry; later ones must find the same, otherwise -EINVAL. */
static int settle_geometry(struct iommusim_domain *domain, const struct iommusim *sim)
{
	const struct iommusim_config *config = &sim->config;

	lockdep_assert_held(&domain->geometry_lock);

	if (domain->sign_extend != iommusim_has_quirk(sim, IOMMUSIM_SIGN_EXTEND))
		return -EINVAL;
	if (domain->settled)
		return domain->aperture_bits == config->aperture_bits &&
		       domain->pgsize_bitmap == config->pgsize_bitmap ? 0 : -EINVAL;
	if (atomic64_read(&domain->highest) > iommusim_last_address(config->aperture_bits))
		return -EINVAL;
	domain->pgsize_bitmap = config->pgsize_bitmap;
	set_geometry(domain, config->aperture_bits);
	WRITE_ONCE(domain->settled, true);
	return 0;
}

/*
 * move_root() does what a driver would that thinks nobody maps during an attach: what others map in
 * the old root after iommusim_table_begin_move() is lost.
 */
static void move_root(struct iommusim_domain *domain)
{
	struct iommusim_move move;
	unsigned long flags;

	if (!iommusim_table_begin_move(&domain->table, domain->aperture_bits, &move))
		return;
	usleep_range(1000, 2000);
	write_lock_irqsave(&domain->lock, flags);
	WRITE_ONCE(domain->table.root, move.new);
	write_unlock_irqrestore(&domain->lock, flags);
	synchronize_srcu_expedited(&table_users);
	iommusim_table_end_move(&domain->table, &move);
}

/*
 * send_table() tells the IOMMU what is mapped, as a driver would that thinks nobody maps during an
 * attach.
 */
static void send_table(struct iommusim_domain *domain)
{
	unsigned long flags;

	write_lock_irqsave(&domain->lock, flags);
	iommusim_table_begin_send(&domain->table);
	write_unlock_irqrestore(&domain->lock, flags);
	usleep_range(1000, 2000);
	iommusim_table_end_send(&domain->table);
	synchronize_srcu_expedited(&table_users);
}

static bool attach_disturbs_maps(const struct iommusim_domain *domain)
{
	return iommusim_has_quirk(domain->sim, IOMMUSIM_MOVING_ROOT | IOMMUSIM_LATE_SEND);
}

static int begin_map(const struct iommusim_domain *domain)
{
	return attach_disturbs_maps(domain) ? srcu_read_lock(&table_users) : 0;
}

static void end_map(const struct iommusim_domain *domain, int index)
{
	if (attach_disturbs_maps(domain))
		srcu_read_unlock(&table_users, index);
}

/* On success a context refers to the domain until iommusim_domain_detach(). */
int iommusim_domain_attach(struct iommusim_domain *domain, struct iommusim *sim)
{
	bool moves = false;
	int err;

	if (iommusim_has_quirk(sim, IOMMUSIM_OWN_DOMAINS) && domain->sim != sim)
		return -EINVAL;

	spin_lock(&domain->geometry_lock);
	err = settle_geometry(domain, sim);
	if (!err && iommusim_has_quirk(domain->sim, IOMMUSIM_LATE_GEOMETRY))
		WRITE_ONCE(domain->domain.pgsize_bitmap,
			   domain->domain.pgsize_bitmap | domain->pgsize_bitmap);
	if (!err && iommusim_has_quirk(domain->sim, IOMMUSIM_MOVING_ROOT)) {
		moves = !domain->moved;
		domain->moved = true;
	}
	spin_unlock(&domain->geometry_lock);
	if (err)
		return err;
	if (moves)
		move_root(domain);

	kref_get(&domain->ref);
	if (!atomic_fetch_inc(&domain->attached) &&
	    iommusim_has_quirk(domain->sim, IOMMUSIM_LATE_SEND))
		send_table(domain);
	return 0;
}

/*
 * iommusim_iotlb_flush_all(), because hardware drops the translations of a context that leaves;
 * otherwise stale_hits would count what no user of the API can mend.
 */
void iommusim_domain_detach(struct iommusim_domain *domain)
{
	unsigned long flags;

	write_lock_irqsave(&domain->lock, flags);
	iommusim_iotlb_flush_all(&domain->iotlb);
	write_unlock_irqrestore(&domain->lock, flags);

	atomic_dec(&domain->attached);
	kref_put(&domain->ref, release_domain);
}

static void note_highest(struct iommusim_domain *domain, u64 last)
{
	s64 highest = atomic64_read(&domain->highest);

	while (highest < (s64)last && !atomic64_try_cmpxchg(&domain->highest, &highest, last))
		;
}

static int check_map(struct iommusim_domain *domain, u64 iova, u64 phys, size_t size, int prot)
{
	u64 last, phys_last;

	if (!size || !(prot & (IOMMU_READ | IOMMU_WRITE)))
		return -EINVAL;
	if (check_add_overflow(iova, size - 1, &last) ||
	    !is_translatable(domain, iova, last))
		return -ERANGE;
	if (check_add_overflow(phys, size - 1, &phys_last) || phys_last >> IOMMUSIM_PHYS_BITS)
		return -ERANGE;
	return 0;
}

int iommusim_map_pages(struct iommu_domain *core_domain, unsigned long iova, phys_addr_t phys,
		       size_t pgsize, size_t pgcount, int prot, gfp_t gfp, size_t *mapped)
{
	struct iommusim_domain *domain = iommusim_to_paging(core_domain);
	struct iommusim_record *record = NULL;
	size_t size = pgsize * pgcount;
	size_t done = 0;
	int err, index;

	atomic64_inc(&domain->sim->maps);
	if (gfp & __GFP_ACCOUNT)
		atomic64_inc(&domain->sim->accounted);
	err = check_map(domain, iova, phys, size, prot);
	if (err)
		return err;
	if (iommusim_has_quirk(domain->sim, IOMMUSIM_ALLOC_PER_MAP | IOMMUSIM_WHOLE_MAPS)) {
		record = iommusim_record_alloc(gfp);
		if (!record)
			return -ENOMEM;
	}
	if (!READ_ONCE(domain->settled))
		note_highest(domain, iova + size - 1);
	index = begin_map(domain);
	err = iommusim_table_map(&domain->table, iova, phys, pgsize, pgcount, prot, gfp, &done);
	end_map(domain, index);
	iommusim_record_add(&domain->records, record, iova, done);
	*mapped += done;
	return err;
}

static size_t unmap_span(struct iommusim_domain *domain, u64 iova, size_t size,
			 struct iommu_iotlb_gather *gather)
{
	struct iommusim_span removed;
	int index;

	index = begin_map(domain);
	iommusim_table_unmap(&domain->table, iova, size, &removed);
	end_map(domain, index);
	if (!removed.size)
		return 0;
	if (iommusim_has_quirk(domain->sim, IOMMUSIM_ALLOC_PER_MAP))
		iommusim_records_remove(&domain->records, removed.first, removed.last);
	/* @queued: the caller flushes everything, so that no range need be sent. */
	if (iommusim_has_quirk(domain->sim, IOMMUSIM_RUN_FLUSH) &&
	    !iommu_iotlb_gather_queued(gather) &&
	    iommu_iotlb_gather_is_disjoint(gather, removed.first, removed.size))
		iommu_iotlb_sync(&domain->domain, gather);
	iommu_iotlb_gather_add_range(gather, removed.first, removed.size);
	return removed.size;
}

static size_t unmap_whole_maps(struct iommusim_domain *domain, u64 first, u64 last,
			       struct iommu_iotlb_gather *gather)
{
	size_t size, done = 0;
	u64 start;

	while (iommusim_records_take_next(&domain->records, first, last, &start, &size))
		done += unmap_span(domain, start, size, gather);
	return done;
}

size_t iommusim_unmap_pages(struct iommu_domain *core_domain, unsigned long iova, size_t pgsize,
			    size_t pgcount, struct iommu_iotlb_gather *gather)
{
	struct iommusim_domain *domain = iommusim_to_paging(core_domain);
	size_t size = pgsize * pgcount;
	u64 last;

	atomic64_inc(&domain->sim->unmaps);
	if (!size || check_add_overflow((u64)iova, size - 1, &last) ||
	    !is_translatable(domain, iova, last))
		return 0;
	if (iommusim_take_failure(&domain->sim->unmap_failures))
		return 0;
	if (iommusim_has_quirk(domain->sim, IOMMUSIM_WHOLE_MAPS))
		return unmap_whole_maps(domain, iova, last, gather);
	return unmap_span(domain, iova, size, gather);
}

/*
 * Widens *@first and *@last to what an invalidation of that range reaches.
 *
 * Return: false when IOMMUSIM_SHORT_FLUSH cannot reach so much
 */
static bool widen_flush(const struct iommusim_domain *domain, u64 *first, u64 *last)
{
	u64 inside;

	if (!iommusim_has_quirk(domain->sim, IOMMUSIM_SHORT_FLUSH))
		return true;
	/* @inside has all bits from the topmost one in which *@first and *@last differ. */
	inside = *first == *last ? 0 : GENMASK_ULL(__fls(*first ^ *last), 0);
	*first &= ~inside;
	*last |= inside;
	return inside < LARGEST_FLUSH;
}

void iommusim_iotlb_sync(struct iommu_domain *core_domain, struct iommu_iotlb_gather *gather)
{
	struct iommusim_domain *domain = iommusim_to_paging(core_domain);
	u64 first = gather->start, last = gather->end;
	unsigned long flags;
	bool reaches;

	/* iommu_iotlb_sync() of 6.12 asks for a sync also when nothing was unmapped. */
	if (first > last)
		return;
	atomic64_inc(&domain->sim->flushes);
	reaches = widen_flush(domain, &first, &last);
	if (!reaches)
		atomic64_inc(&domain->sim->refused_flushes);
	write_lock_irqsave(&domain->lock, flags);
	if (reaches)
		iommusim_iotlb_flush_range(&domain->iotlb, first, last);
	iommusim_table_reap(&domain->table);
	write_unlock_irqrestore(&domain->lock, flags);
}

void iommusim_flush_iotlb_all(struct iommu_domain *core_domain)
{
	struct iommusim_domain *domain = iommusim_to_paging(core_domain);
	unsigned long flags;

	atomic64_inc(&domain->sim->flush_all);
	write_lock_irqsave(&domain->lock, flags);
	iommusim_iotlb_flush_all(&domain->iotlb);
	iommusim_table_reap(&domain->table);
	write_unlock_irqrestore(&domain->lock, flags);
}

static u64 leaf_to_phys(const struct iommusim_leaf *leaf, u64 iova)
{
	return leaf->phys | (iova & (BIT_ULL(leaf->shift) - 1));
}

phys_addr_t iommusim_iova_to_phys(struct iommu_domain *core_domain, dma_addr_t iova)
{
	struct iommusim_domain *domain = iommusim_to_paging(core_domain);
	struct iommusim_leaf leaf;
	unsigned long flags;
	bool found;

	if (!is_translatable(domain, iova, iova))
		return 0;
	read_lock_irqsave(&domain->lock, flags);
	found = iommusim_table_walk(&domain->table, iova, &leaf);
	read_unlock_irqrestore(&domain->lock, flags);
	return found ? leaf_to_phys(&leaf, iova) : 0;
}

/* The caller holds the domain attached; the caller of iommusim_domain_report() need not. */
void iommusim_domain_begin_report(struct iommusim_domain *domain)
{
	kref_get(&domain->ref);
	atomic_inc(&domain->reports);
}

void iommusim_domain_report(struct iommusim_domain *domain, struct device *dev, u64 iova,
			    bool write)
{
	report_iommu_fault(&domain->domain, dev, iova,
			   write ? IOMMU_FAULT_WRITE : IOMMU_FAULT_READ);
	if (atomic_dec_and_test(&domain->reports))
		wake_up_var(&domain->reports);
	kref_put(&domain->ref, release_domain);
}

static bool is_same_leaf(const struct iommusim_leaf *a, const struct iommusim_leaf *b)
{
	return a->phys == b->phys && a->shift == b->shift && a->readable == b->readable &&
	       a->writable == b->writable;
}

/*
 * Translates @iova for a DMA of a device behind @sim. The caller holds domain->lock for reading
 * until the data is moved.
 */
enum iommusim_fault_reason iommusim_domain_translate(struct iommusim_domain *domain,
						     struct iommusim *sim, u64 iova, bool write,
						     u64 *phys)
{
	struct iommusim_leaf cached, present;
	bool found;

	lockdep_assert_held_read(&domain->lock);

	if (!is_translatable(domain, iova, iova))
		return IOMMUSIM_FAULT_ADDRESS_SIZE;

	found = iommusim_table_walk_sent(&domain->table, iova, &present);
	if (iommusim_iotlb_find(&domain->iotlb, iova, &cached)) {
		atomic64_inc(&sim->iotlb_hits);
		if (!found || !is_same_leaf(&cached, &present))
			atomic64_inc(&sim->stale_hits);
	} else if (found) {
		cached = present;
		iommusim_iotlb_fill(&domain->iotlb, iova, &cached);
	} else {
		return IOMMUSIM_FAULT_NOT_PRESENT;
	}

	if (!(write ? cached.writable : cached.readable))
		return IOMMUSIM_FAULT_PERMISSION;
	*phys = leaf_to_phys(&cached, iova);
	return IOMMUSIM_OK;
}
