// SPDX-License-Identifier: GPL-2.0
/* What devices do, and what must become of it. */
#include <linux/device.h>
#include <linux/mm.h>

#include "v3fuzz.h"

/* A reference and all there is to know, if the device is attached to that domain. */
bool fuzz_get_target(unsigned int i, PIOMMU_DMA_DOMAIN domain, struct fuzz_target *target)
{
	struct fuzz_device *device = &fuzz_devices[i];
	bool found;

	spin_lock(&device->view_lock);
	found = device->view.attached == domain && domain;
	if (found) {
		*target = device->view;
		get_device(target->dev);
	}
	spin_unlock(&device->view_lock);
	return found;
}

void fuzz_put_target(struct fuzz_target *target)
{
	put_device(target->dev);
}

/* Of begin_watch(), to tell afterwards whether anything could have changed. */
struct watch {
	int busy;
	int changes;
};

static struct watch begin_watch(struct fuzz_group *group)
{
	/* In this order: who changes something counts @changes up first and @busy down last. */
	int changes = atomic_read_acquire(&group->changes);

	return (struct watch) { .changes = changes, .busy = atomic_read_acquire(&group->busy) };
}

static bool was_stable(const struct fuzz_target *target, const struct watch *watch)
{
	/* What the DMA saw was seen before the counters are looked at again. */
	smp_mb();
	return !watch->busy && atomic_read(&target->group->changes) == watch->changes &&
	       atomic_read(&target->group->epoch) == target->epoch;
}

/* Under the lock of its view the target may have been attached anew since it was copied. */
static bool is_attached(unsigned int i, PIOMMU_DMA_DOMAIN domain)
{
	return READ_ONCE(fuzz_devices[i].view.attached) == domain;
}

static int move(struct fuzz_thread *t, const struct fuzz_target *target, u64 at, u64 *word,
		bool write)
{
	int ret;

	ret = write ? iommusim_dma_write(target->dev, target->pasid, at, word, sizeof(*word),
					 NULL) :
		      iommusim_dma_read(target->dev, target->pasid, at, word, sizeof(*word), NULL);
	t->dma++;
	t->dma_met += !ret;
	return ret;
}

static u64 next_nonce(struct fuzz_thread *t)
{
	return ++t->nonce << 1;
}

static u64 slot_offset(const struct fuzz_pool *pool, unsigned int page, unsigned int id)
{
	return offset_in_page(fuzz_slot(pool, page, id));
}

static void check_live(struct fuzz_thread *t, unsigned int i, const struct fuzz_target *target,
		       u64 at, const struct fuzz_pool *pool, unsigned int page, unsigned int prot)
{
	struct watch watch = begin_watch(target->group);
	u64 tag = 0, nonce = next_nonce(t);
	int read, written;
	u64 seen;

	if (!is_attached(i, target->attached))
		return;
	read = move(t, target, at, &tag, false);
	written = move(t, target, at + slot_offset(pool, page, t->id), &nonce, true);
	seen = READ_ONCE(*fuzz_slot(pool, page, t->id));
	if (!was_stable(target, &watch))
		return;
	t->checked++;
	if (!!read != !(prot & 1))
		fuzz_fail(
			t,
			"%s of IOMMU %u, PASID %#x: reading %#llx (page %u, permissions %u): %d, again %d",
			dev_name(target->dev), target->sim, target->pasid, at, page, prot, read,
			move(t, target, at, &tag, false));
	else if (!read && tag != fuzz_tag(pool, page))
		fuzz_fail(t, "%s of IOMMU %u, PASID %#x: read %#llx: found %#llx, not page %u",
			  dev_name(target->dev), target->sim, target->pasid, at, tag, page);
	else if (!!written != !(prot & 2))
		fuzz_fail(
			t, "%s of IOMMU %u, PASID %#x: writing %#llx (page %u, permissions %u): %d",
			dev_name(target->dev), target->sim, target->pasid, at, page, prot, written);
	else if ((seen == nonce) != !written)
		fuzz_fail(
			t,
			"%s of IOMMU %u, PASID %#x: wrote %#llx (%d): page %u has %#llx, not %#llx",
			dev_name(target->dev), target->sim, target->pasid, at, written, page, seen,
			nonce);
}

static void check_gone(struct fuzz_thread *t, unsigned int i, const struct fuzz_target *target,
		       u64 at, const struct fuzz_pool *pool, unsigned int page, bool empty)
{
	struct watch watch = begin_watch(target->group);
	u64 nonce = next_nonce(t);
	u64 seen;
	int ret;

	if (!is_attached(i, target->attached))
		return;
	ret = move(t, target, at + slot_offset(pool, page, t->id), &nonce, true);
	seen = READ_ONCE(*fuzz_slot(pool, page, t->id));
	if (!was_stable(target, &watch))
		return;
	t->checked++;
	if (seen == nonce)
		fuzz_fail(
			t,
			"%s of IOMMU %u, PASID %#x: page %u is reached at %#llx, where it was unmapped",
			dev_name(target->dev), target->sim, target->pasid, page, at);
	else if (!ret && empty)
		fuzz_fail(
			t,
			"%s of IOMMU %u, PASID %#x: something is reached at %#llx, where nothing is mapped",
			dev_name(target->dev), target->sim, target->pasid, at);
}

/*
 * An address that is physical memory is one only as long as the device is attached. With other
 * threads about, such a DMA could hit anything.
 */
static bool is_safe(u64 at, const struct fuzz_pool *pool, unsigned int page)
{
	return at >= FUZZ_BASE || at == fuzz_phys(pool, page) || fuzz_nr_threads == 1;
}

static bool can_emit(const struct fuzz_target *target, u64 at)
{
	return at + SZ_4K - 1 <= target->mask;
}

static bool is_current(const struct fuzz_target *target)
{
	return atomic_read(&target->group->epoch) == target->epoch;
}

/* Every device that is attached to the domain must find the page there. */
void fuzz_check_page(struct fuzz_thread *t, PIOMMU_DMA_DOMAIN domain, u64 at,
		     const struct fuzz_pool *pool, unsigned int page, unsigned int prot)
{
	struct fuzz_target target;
	unsigned int i;

	if (!is_safe(at, pool, page))
		return;
	for (i = 0; i < ARRAY_SIZE(fuzz_devices); i++) {
		if (!fuzz_get_target(i, domain, &target))
			continue;
		if (can_emit(&target, at) && is_current(&target))
			check_live(t, i, &target, at, pool, page, prot);
		fuzz_put_target(&target);
	}
}

/* None may reach the page there; and nothing else, if it is @empty. */
void fuzz_check_gone(struct fuzz_thread *t, PIOMMU_DMA_DOMAIN domain, u64 at,
		     const struct fuzz_pool *pool, unsigned int page, bool empty)
{
	struct fuzz_target target;
	unsigned int i;

	if (!is_safe(at, pool, page))
		return;
	for (i = 0; i < ARRAY_SIZE(fuzz_devices); i++) {
		if (!fuzz_get_target(i, domain, &target))
			continue;
		if (is_current(&target))
			check_gone(t, i, &target, at, pool, page, empty);
		fuzz_put_target(&target);
	}
}

static u64 address_of(struct fuzz_thread *t, const struct fuzz_map *map, unsigned int i)
{
	return map->kind == FUZZ_IDENTITY ? fuzz_phys(&t->pool, fuzz_map_page(map, i)) :
					    map->at + (u64)i * SZ_4K;
}

static void check_nth(struct fuzz_thread *t, const struct fuzz_map *map, unsigned int i)
{
	fuzz_check_page(t, fuzz_domains[map->domain].handle, address_of(t, map, i), &t->pool,
			fuzz_map_page(map, i), map->prot);
}

/* The caller holds the domain. Of a large mapping some pages, with its ends, will do. */
void fuzz_check_map(struct fuzz_thread *t, const struct fuzz_map *map, bool all)
{
	unsigned int i;

	if (all || map->pages <= 4) {
		for (i = 0; i < map->pages; i++)
			check_nth(t, map, i);
		return;
	}
	check_nth(t, map, 0);
	check_nth(t, map, map->pages - 1);
	check_nth(t, map, fuzz_random(t, map->pages));
}

/* What firmware needs is there for every device that asked for it, untagged. */
static void check_firmware(struct fuzz_thread *t, const struct fuzz_domain *domain)
{
	struct fuzz_target target;
	unsigned int i;

	if (domain->direct >= 0)
		fuzz_check_page(t, domain->handle, fuzz_phys(&fuzz_firmware, domain->direct),
				&fuzz_firmware, domain->direct, 3);
	for (i = 0; i < FUZZ_DEVICES; i++) {
		if (!fuzz_get_target(i, domain->handle, &target))
			continue;
		if (target.direct >= 0 && is_current(&target))
			check_live(t, i, &target, fuzz_phys(&fuzz_firmware, target.direct),
				   &fuzz_firmware, target.direct, 3);
		fuzz_put_target(&target);
	}
}

static void check_some(struct fuzz_thread *t, unsigned int domain, unsigned int most)
{
	unsigned int first = fuzz_random(t, FUZZ_MAPS), i;

	for (i = 0; i < FUZZ_MAPS && most; i++) {
		struct fuzz_map *map = &t->maps[(first + i) % FUZZ_MAPS];

		if (!map->kind || map->domain != domain ||
		    map->generation != fuzz_domains[domain].generation)
			continue;
		fuzz_check_map(t, map, false);
		most--;
	}
	check_firmware(t, &fuzz_domains[domain]);
}

/* Some of what the thread has there. The caller holds the domain. */
void fuzz_check_domain(struct fuzz_thread *t, unsigned int domain)
{
	check_some(t, domain, 2);
}

void fuzz_note_gone(struct fuzz_thread *t, const struct fuzz_map *map, unsigned int i)
{
	t->gone[t->next_gone++ % FUZZ_GONE] = (struct fuzz_gone) {
		.domain = map->domain,
		.generation = map->generation,
		.at = address_of(t, map, i),
		.page = fuzz_map_page(map, i),
	};
}

static bool is_mapped(struct fuzz_thread *t, const struct fuzz_gone *gone)
{
	unsigned int i, k;

	for (i = 0; i < FUZZ_MAPS; i++) {
		const struct fuzz_map *map = &t->maps[i];

		if (!map->kind || map->domain != gone->domain ||
		    map->generation != gone->generation)
			continue;
		for (k = 0; k < map->pages; k++) {
			if (address_of(t, map, k) == gone->at)
				return true;
		}
	}
	return false;
}

/* While nobody else does anything: all that is mapped, and what was unmapped last. */
void fuzz_check_all(struct fuzz_thread *t)
{
	unsigned int i;

	for (i = 0; i < FUZZ_DOMAINS; i++) {
		if (!fuzz_use_domain(i, fuzz_domains[i].generation))
			continue;
		check_some(t, i, FUZZ_MAPS);
		fuzz_unuse_domain(i);
	}
	for (i = 0; i < min_t(unsigned int, t->next_gone, FUZZ_GONE); i++) {
		const struct fuzz_gone *gone = &t->gone[i];
		const struct fuzz_domain *domain = &fuzz_domains[gone->domain];

		if (!fuzz_use_domain(gone->domain, gone->generation))
			continue;
		if (domain->type != DomainTypePassThrough && !is_mapped(t, gone))
			fuzz_check_gone(t, domain->handle, gone->at, &t->pool, gone->page,
					!domain->allocator);
		fuzz_unuse_domain(gone->domain);
	}
}

/* Anywhere, by any device that is plugged in, tagged with anything. */
void fuzz_wild_dma(struct fuzz_thread *t)
{
	struct fuzz_plug *plug = &fuzz_plugs[fuzz_random(t, FUZZ_PLUGS)];
	unsigned int page = fuzz_random(t, 1 << fuzz_wild_pool.order);
	u32 pasid = fuzz_one_in(t, 2) ? IOMMUSIM_NO_PASID : fuzz_random(t, 64);
	u64 at = FUZZ_BASE + fuzz_random(t, fuzz_nr_threads) * FUZZ_SLICE +
		 fuzz_random(t, 4) * FUZZ_TOKEN_ZONE + fuzz_random(t, 128) * SZ_4K;
	bool ask = fuzz_one_in(t, 4), write = fuzz_one_in(t, 2);
	struct device *dev;
	u64 words[2] = { 2, 2 };

	if (fuzz_one_in(t, 4))
		at = fuzz_phys(&fuzz_wild_pool, page);
	if (fuzz_one_in(t, 16))
		at = U64_MAX - SZ_4K + 1 - fuzz_random(t, 3) * SZ_4K;
	down_read(&plug->sem);
	dev = plug->dev ? get_device(plug->dev) : NULL;
	up_read(&plug->sem);
	if (!dev)
		return;
	at += slot_offset(&fuzz_wild_pool, page, FUZZ_WILD_SLOT);
	if (write && ask)
		iommusim_dma_write_prq(dev, pasid, at, words, sizeof(u64), NULL);
	else if (write)
		iommusim_dma_write(dev, pasid, at, words, sizeof(u64), NULL);
	else if (ask)
		iommusim_dma_read_prq(dev, pasid, at, words, sizeof(u64), NULL);
	else
		iommusim_dma_read(dev, pasid, at | 0xff8, words, sizeof(words), NULL);
	put_device(dev);
}
