// SPDX-License-Identifier: GPL-2.0
/* Domains, and what is mapped in them by logical and by identity mappings. */
#include <linux/bottom_half.h>
#include <linux/irqflags.h>
#include <linux/preempt.h>
#include <linux/sizes.h>

#include "v3fuzz.h"

struct fuzz_domain fuzz_domains[FUZZ_DOMAINS];

/* True with the domain held, which then is the one of that generation. */
bool fuzz_use_domain(unsigned int domain, unsigned int generation)
{
	struct fuzz_domain *d = &fuzz_domains[domain];

	down_read(&d->sem);
	if (d->handle && d->generation == generation)
		return true;
	up_read(&d->sem);
	return false;
}

void fuzz_unuse_domain(unsigned int domain)
{
	up_read(&fuzz_domains[domain].sem);
}

static void create_domain(struct fuzz_thread *t, unsigned int n)
{
	static const IOMMU_DMA_DOMAIN_TYPE types[] = {
		DomainTypeTranslate,   DomainTypeTranslate,   DomainTypeTranslate,
		DomainTypeTranslateS1, DomainTypePassThrough,
	};
	struct fuzz_domain *domain = &fuzz_domains[n];
	IOMMU_DMA_DOMAIN_CREATION_FLAGS flags = { .AsUlonglong = 0 };
	IOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG buddy = {
		.LogicalAllocatorType = IommuDmaLogicalAllocatorBuddy,
		.BuddyAllocatorConfig.AddressWidth = 36 + fuzz_random(t, 28),
	};
	unsigned int page = fuzz_random(t, 1 << fuzz_firmware.order);
	IOMMU_DMA_RESERVED_REGION kept = {
		.Base = FUZZ_BASE + fuzz_random(t, fuzz_nr_threads) * FUZZ_SLICE +
			fuzz_random(t, 128) * SZ_4K,
		.NumberOfPages = 1 + fuzz_random(t, 4),
	};
	IOMMU_DMA_RESERVED_REGION firmware = {
		.RegionNext = fuzz_one_in(t, 2) ? &kept : NULL,
		.Base = fuzz_phys(&fuzz_firmware, page),
		.NumberOfPages = 1,
		.ShouldMap = TRUE,
	};
	IOMMU_DMA_DOMAIN_TYPE type = types[fuzz_random(t, ARRAY_SIZE(types))];
	bool translates = type != DomainTypePassThrough;
	bool allocator = translates && fuzz_one_in(t, 3);
	bool regions = translates && fuzz_one_in(t, 4);

	domain->type = type;
	domain->allocator = allocator;
	domain->direct = regions ? page : -1;
	fuzz_wild_pause();
	if (!NT_SUCCESS(FUZZ_CALL(t, CreateDomainEx, n, type, allocator, type, flags,
				  allocator ? &buddy : NULL, regions ? &firmware : NULL,
				  &domain->handle)))
		domain->handle = NULL;
	fuzz_wild_resume(domain->handle);
}

static bool is_attached(PIOMMU_DMA_DOMAIN domain)
{
	struct fuzz_target target;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(fuzz_devices); i++) {
		if (!fuzz_get_target(i, domain, &target))
			continue;
		fuzz_put_target(&target);
		return true;
	}
	return false;
}

static bool has_token(unsigned int n)
{
	unsigned int i, k;

	for (i = 0; i < fuzz_nr_threads; i++) {
		for (k = 0; k < FUZZ_TOKENS; k++) {
			if (fuzz_threads[i].tokens[k].handle &&
			    fuzz_threads[i].tokens[k].domain == n)
				return true;
		}
	}
	return false;
}

/*
 * Who attaches, reserves or maps holds the domain for that; others may detach meanwhile. What is
 * idle before the call stays so.
 */
static void delete_domain(struct fuzz_thread *t, unsigned int n)
{
	struct fuzz_domain *domain = &fuzz_domains[n];
	bool idle = !has_token(n) && !is_attached(domain->handle);
	NTSTATUS status = FUZZ_CALL(t, DeleteDomain, n, 0, 0, domain->handle);

	if (NT_SUCCESS(status)) {
		if (has_token(n))
			fuzz_fail(t, "DeleteDomain of a domain with a token");
		domain->handle = NULL;
		domain->generation++;
	} else if (idle) {
		fuzz_fail(t, "DeleteDomain of an idle domain: %#x", status);
	}
}

void fuzz_domain_life(struct fuzz_thread *t)
{
	unsigned int n = fuzz_random(t, FUZZ_DOMAINS);
	struct fuzz_domain *domain = &fuzz_domains[n];

	down_write(&domain->sem);
	if (!domain->handle)
		create_domain(t, n);
	else if (fuzz_one_in(t, 3))
		delete_domain(t, n);
	up_write(&domain->sem);
}

/* Mappings that went with their domain leave their slots. */
struct fuzz_map *fuzz_new_map(struct fuzz_thread *t)
{
	unsigned int i;

	for (i = 0; i < FUZZ_MAPS; i++) {
		struct fuzz_map *map = &t->maps[i];

		if (map->kind && map->generation != READ_ONCE(fuzz_domains[map->domain].generation))
			map->kind = FUZZ_FREE;
		if (!map->kind)
			return map;
	}
	return NULL;
}

/* With its domain, which is held; FUZZ_FREE stands for any kind. */
struct fuzz_map *fuzz_some_map(struct fuzz_thread *t, enum fuzz_map_kind kind)
{
	unsigned int i, first = fuzz_random(t, FUZZ_MAPS);

	for (i = 0; i < FUZZ_MAPS; i++) {
		struct fuzz_map *map = &t->maps[(first + i) % FUZZ_MAPS];

		if (!map->kind || (kind && map->kind != kind))
			continue;
		if (fuzz_use_domain(map->domain, map->generation))
			return map;
		map->kind = FUZZ_FREE;
	}
	return NULL;
}

/* Where large pages, blocks that an IOMMU invalidates at once, and neighbours are met. */
static u64 choose_address(struct fuzz_thread *t)
{
	u64 slice = FUZZ_BASE + t->id * FUZZ_SLICE;

	/* Beyond what some IOMMUs translate, which then cannot be attached. */
	if (fuzz_one_in(t, 40))
		return (1ULL << (39 + fuzz_random(t, 8))) + t->id * FUZZ_SLICE +
		       fuzz_random(t, 32) * SZ_4K;
	switch (fuzz_random(t, 8)) {
	case 0:
		return slice + SZ_256M + fuzz_random(t, 4) * SZ_2M;
	case 1:
		return slice + SZ_256M +
		       (fuzz_random(t, 4) * 512 + 512 - fuzz_random(t, 9)) * SZ_4K;
	case 2:
		return slice + (1 + fuzz_random(t, 3)) * SZ_1G - fuzz_random(t, 9) * SZ_4K;
	default:
		return slice + fuzz_random(t, 96) * SZ_4K;
	}
}

/* @map->at is known: often the frames are congruent with it, as for large pages. */
void fuzz_choose_pages(struct fuzz_thread *t, struct fuzz_map *map, unsigned int most)
{
	const unsigned int all = 1 << t->pool.order;
	unsigned int i;

	if (most > 512 && fuzz_one_in(t, 10))
		map->pages = 512 + fuzz_random(t, 2) * fuzz_random(t, 512);
	else
		map->pages = 1 + fuzz_random(t, min(most, fuzz_one_in(t, 4) ? 64u : 6u));
	map->contiguous = map->pages > FUZZ_SCATTERED || !fuzz_one_in(t, 4);
	if (!map->contiguous) {
		for (i = 0; i < map->pages; i++)
			map->scattered[i] = fuzz_random(t, all);
		return;
	}
	map->first = (map->at >> PAGE_SHIFT) % all;
	if (map->first + map->pages > all || fuzz_one_in(t, 3))
		map->first = fuzz_random(t, all - map->pages + 1);
}

/* Maps and unmaps are for all contexts up to that of softirqs. */
unsigned long fuzz_atomic_begin(struct fuzz_thread *t)
{
	unsigned long how = fuzz_random(t, 6);

	if (how == 1)
		local_bh_disable();
	else if (how == 2)
		preempt_disable();
	else if (how == 3)
		local_irq_disable();
	return how;
}

void fuzz_atomic_end(unsigned long how)
{
	if (how == 1)
		local_bh_enable();
	else if (how == 2)
		preempt_enable();
	else if (how == 3)
		local_irq_enable();
}

static u64 end_of(const struct fuzz_map *map)
{
	return map->at + (u64)map->pages * SZ_4K;
}

/* What the thread has in that range of addresses, other than @map. */
static struct fuzz_map *find_overlap(struct fuzz_thread *t, const struct fuzz_map *map)
{
	unsigned int i;

	for (i = 0; i < FUZZ_MAPS; i++) {
		struct fuzz_map *other = &t->maps[i];

		if (other != map && other->kind && other->kind != FUZZ_IDENTITY &&
		    other->domain == map->domain && other->generation == map->generation &&
		    other->at < end_of(map) && map->at < end_of(other))
			return other;
	}
	return NULL;
}

static void map_range(struct fuzz_thread *t, struct fuzz_map *map)
{
	struct fuzz_domain *domain = &fuzz_domains[map->domain];
	IOMMU_DMA_LOGICAL_ADDRESS at, min = FUZZ_BASE, max, out = 0;
	bool low = fuzz_one_in(t, 4), bounded = fuzz_one_in(t, 4);
	struct fuzz_map *overlap;
	struct fuzz_buffer buffer;
	unsigned long how;
	NTSTATUS status;

	map->at = choose_address(t);
	fuzz_choose_pages(t, map, 1024);
	map->prot = 1 + fuzz_random(t, 5);
	if (map->prot > 3)
		map->prot = 3;
	if (!fuzz_describe(t, map, &buffer))
		return;
	at = map->at;
	max = min + SZ_1G - 1;
	how = fuzz_atomic_begin(t);
	status =
		FUZZ_CALL(t, MapLogicalRangeEx, map->domain, domain->allocator ? 0 : at, map->pages,
			  domain->handle, map->prot, &buffer.what, domain->allocator ? NULL : &at,
			  low ? NULL : &min, bounded ? &max : NULL, &out);
	fuzz_atomic_end(how);
	fuzz_describe_end(&buffer);
	if (!NT_SUCCESS(status))
		return;
	if (!domain->allocator && out != map->at)
		fuzz_fail(t, "MapLogicalRangeEx at %#llx answered %#llx", map->at, out);
	map->at = out;
	overlap = find_overlap(t, map);
	if (overlap)
		fuzz_fail(t, "MapLogicalRangeEx of %u pages at %#llx, where %u pages are at %#llx",
			  map->pages, out, overlap->pages, overlap->at);
	map->kind = FUZZ_LOGICAL;
	fuzz_check_map(t, map, false);
}

void fuzz_range_map(struct fuzz_thread *t)
{
	unsigned int n = fuzz_random(t, FUZZ_DOMAINS);
	struct fuzz_map *map = fuzz_new_map(t);

	if (!map || !fuzz_use_domain(n, READ_ONCE(fuzz_domains[n].generation)))
		return;
	map->domain = n;
	map->generation = fuzz_domains[n].generation;
	if (fuzz_domains[n].type != DomainTypePassThrough)
		map_range(t, map);
	fuzz_unuse_domain(n);
}

/* Moves the first page of a mapping up. */
static void cut_head(struct fuzz_map *map, unsigned int pages)
{
	unsigned int i;

	map->at += (u64)pages * SZ_4K;
	map->pages -= pages;
	map->first += pages;
	for (i = 0; i < map->pages && !map->contiguous; i++)
		map->scattered[i] = map->scattered[i + pages];
}

/* The part of @map in [@first, @end) is gone. @spare takes what is left behind it. */
static void forget_part(struct fuzz_thread *t, struct fuzz_map *map, u64 first, u64 end,
			struct fuzz_map *spare)
{
	unsigned int from = (max(first, map->at) - map->at) / SZ_4K;
	unsigned int to = (min(end, end_of(map)) - map->at) / SZ_4K;
	unsigned int i;

	for (i = from; i < to; i++) {
		if (i < from + 4 || i + 4 >= to)
			fuzz_note_gone(t, map, i);
	}
	if (from && to < map->pages) {
		*spare = *map;
		cut_head(spare, to);
		map->pages = from;
	} else if (from) {
		map->pages = from;
	} else if (to < map->pages) {
		cut_head(map, to);
	} else {
		map->kind = FUZZ_FREE;
	}
}

/* The caller holds the domain. */
static void check_unmapped(struct fuzz_thread *t, unsigned int n, unsigned int from)
{
	unsigned int i = from;

	if (t->next_gone - from > FUZZ_GONE)
		i = t->next_gone - FUZZ_GONE;
	for (; i != t->next_gone; i++) {
		const struct fuzz_gone *gone = &t->gone[i % FUZZ_GONE];

		fuzz_check_gone(t, fuzz_domains[n].handle, gone->at, &t->pool, gone->page,
				!fuzz_domains[n].allocator);
	}
	fuzz_check_domain(t, n);
}

/* A mapping and, if there is one, what follows it without a gap; or a part. */
static void unmap_range(struct fuzz_thread *t, struct fuzz_map *map)
{
	struct fuzz_domain *domain = &fuzz_domains[map->domain];
	unsigned int n = map->domain, generation = map->generation, from = t->next_gone, i,
		     whole = 1;
	u64 first = map->at, end = end_of(map);
	struct fuzz_map *spare = fuzz_new_map(t);
	unsigned long how;
	NTSTATUS status;

	for (i = 0; i < FUZZ_MAPS && fuzz_one_in(t, 2); i++) {
		if (t->maps[i].kind == FUZZ_LOGICAL && t->maps[i].domain == n &&
		    t->maps[i].generation == generation && t->maps[i].at == end) {
			end = end_of(&t->maps[i]);
			whole = 0;
		}
	}
	if (fuzz_one_in(t, 2) && end - first > SZ_4K && spare) {
		whole = 0;
		if (fuzz_one_in(t, 2))
			first += (1 + fuzz_random(t, min((end - first) / SZ_4K - 1, 8))) * SZ_4K;
		if (end - first > SZ_4K && fuzz_one_in(t, 2))
			end -= (1 + fuzz_random(t, min((end - first) / SZ_4K - 1, 8))) * SZ_4K;
	}
	how = fuzz_atomic_begin(t);
	status = FUZZ_CALL(t, UnmapLogicalRange, n, domain->allocator ? 0 : first,
			   (end - first) / SZ_4K, domain->handle, first, (end - first) / SZ_4K);
	fuzz_atomic_end(how);
	if (!NT_SUCCESS(status)) {
		if (whole)
			fuzz_fail(t, "UnmapLogicalRange of a mapping, %u pages at %#llx: %#x",
				  map->pages, first, status);
		fuzz_check_domain(t, n);
		return;
	}
	for (i = 0; i < FUZZ_MAPS; i++) {
		struct fuzz_map *hit = &t->maps[i];

		if (hit->kind == FUZZ_LOGICAL && hit->domain == n &&
		    hit->generation == generation && hit->at < end && first < end_of(hit) &&
		    hit != spare) {
			forget_part(t, hit, first, end, spare);
			if (hit->kind)
				fuzz_check_map(t, hit, false);
		}
	}
	if (spare && spare->kind)
		fuzz_check_map(t, spare, false);
	check_unmapped(t, n, from);
}

/* Where the thread has nothing that this could be, no other thread has. */
static void unmap_nothing(struct fuzz_thread *t, const struct fuzz_gone *gone)
{
	struct fuzz_map nothing = {
		.domain = gone->domain, .generation = gone->generation, .at = gone->at, .pages = 1,
	};

	if (gone->at < FUZZ_BASE || fuzz_domains[gone->domain].allocator ||
	    find_overlap(t, &nothing))
		return;
	if (NT_SUCCESS(FUZZ_CALL(t, UnmapLogicalRange, gone->domain, gone->at, 1,
				 fuzz_domains[gone->domain].handle, gone->at, 1)))
		fuzz_fail(t, "UnmapLogicalRange at %#llx, where nothing is mapped, succeeded",
			  gone->at);
}

void fuzz_range_unmap(struct fuzz_thread *t)
{
	struct fuzz_map *map;

	if (t->next_gone && fuzz_one_in(t, 8)) {
		const struct fuzz_gone *gone = &t->gone[fuzz_random(t, min_t(u32, t->next_gone,
									      FUZZ_GONE))];

		if (!fuzz_use_domain(gone->domain, gone->generation))
			return;
		unmap_nothing(t, gone);
		fuzz_unuse_domain(gone->domain);
		return;
	}
	map = fuzz_some_map(t, FUZZ_LOGICAL);
	if (map) {
		unsigned int n = map->domain;

		unmap_range(t, map);
		fuzz_unuse_domain(n);
	}
}

static struct fuzz_map *find_identity(struct fuzz_thread *t, const struct fuzz_map *map)
{
	unsigned int i, k, j;

	for (i = 0; i < FUZZ_MAPS; i++) {
		struct fuzz_map *other = &t->maps[i];

		if (other == map || other->kind != FUZZ_IDENTITY || other->domain != map->domain ||
		    other->generation != map->generation)
			continue;
		for (k = 0; k < other->pages; k++) {
			for (j = 0; j < map->pages; j++) {
				if (fuzz_map_page(other, k) == fuzz_map_page(map, j))
					return other;
			}
		}
	}
	return NULL;
}

static void map_identity(struct fuzz_thread *t, struct fuzz_map *map)
{
	struct fuzz_domain *domain = &fuzz_domains[map->domain];
	struct fuzz_buffer buffer;
	unsigned long how;
	NTSTATUS status;

	map->at = fuzz_random(t, 1 << t->pool.order) * (u64)SZ_4K;
	fuzz_choose_pages(t, map, 64);
	map->prot = 1 + fuzz_random(t, 3);
	if (!fuzz_describe(t, map, &buffer))
		return;
	how = fuzz_atomic_begin(t);
	status = FUZZ_CALL(t, MapIdentityRangeEx, map->domain, map->at, map->pages, domain->handle,
			   map->prot, &buffer.what);
	fuzz_atomic_end(how);
	fuzz_describe_end(&buffer);
	if (!NT_SUCCESS(status))
		return;
	if (domain->allocator)
		fuzz_fail(t, "MapIdentityRangeEx succeeded with an allocator");
	map->kind = FUZZ_IDENTITY;
	if (domain->type == DomainTypePassThrough) {
		/* Nothing was done, and everything may be read and written. */
		map->prot = 3;
		fuzz_check_map(t, map, false);
		map->kind = FUZZ_FREE;
		return;
	}
	if (find_identity(t, map))
		fuzz_fail(t, "MapIdentityRangeEx of pages that are mapped so succeeded");
	fuzz_check_map(t, map, false);
}

static void unmap_identity(struct fuzz_thread *t, struct fuzz_map *map)
{
	unsigned int n = map->domain, from = t->next_gone, i;
	struct fuzz_buffer buffer;
	unsigned long how;
	NTSTATUS status;

	if (!fuzz_describe(t, map, &buffer))
		return;
	how = fuzz_atomic_begin(t);
	status = FUZZ_CALL(t, UnmapIdentityRangeEx, n, map->first, map->pages,
			   fuzz_domains[n].handle, &buffer.what);
	fuzz_atomic_end(how);
	fuzz_describe_end(&buffer);
	if (!NT_SUCCESS(status)) {
		fuzz_fail(t, "UnmapIdentityRangeEx of a mapping of %u pages: %#x", map->pages,
			  status);
		return;
	}
	for (i = 0; i < map->pages; i++)
		fuzz_note_gone(t, map, i);
	map->kind = FUZZ_FREE;
	check_unmapped(t, n, from);
}

void fuzz_identity(struct fuzz_thread *t)
{
	unsigned int n = fuzz_random(t, FUZZ_DOMAINS);
	struct fuzz_map *map;

	if (fuzz_one_in(t, 2)) {
		map = fuzz_some_map(t, FUZZ_IDENTITY);
		if (!map)
			return;
		n = map->domain;
		unmap_identity(t, map);
	} else {
		map = fuzz_new_map(t);
		if (!map || !fuzz_use_domain(n, READ_ONCE(fuzz_domains[n].generation)))
			return;
		map->domain = n;
		map->generation = fuzz_domains[n].generation;
		map_identity(t, map);
	}
	fuzz_unuse_domain(n);
}

void fuzz_flush(struct fuzz_thread *t)
{
	unsigned int n = fuzz_random(t, FUZZ_DOMAINS), i, count = fuzz_random(t, 5);
	u64 addresses[4];

	if (!fuzz_use_domain(n, READ_ONCE(fuzz_domains[n].generation)))
		return;
	for (i = 0; i < ARRAY_SIZE(addresses); i++)
		addresses[i] = choose_address(t) | fuzz_random(t, SZ_4K);
	if (fuzz_one_in(t, 2))
		FUZZ_CALL(t, FlushDomain, n, 0, 0, fuzz_domains[n].handle);
	else
		FUZZ_CALL(t, FlushDomainByVaList, n, count, 0, fuzz_domains[n].handle,
			  fuzz_random(t, 2), min_t(u32, count, ARRAY_SIZE(addresses)), addresses);
	fuzz_check_domain(t, n);
	fuzz_unuse_domain(n);
}

void fuzz_domains_end(struct fuzz_thread *t)
{
	unsigned int n;

	for (n = 0; n < FUZZ_DOMAINS; n++) {
		if (fuzz_domains[n].handle)
			delete_domain(t, n);
	}
}
