// SPDX-License-Identifier: GPL-2.0
/*
 * What a part has, and DMA that tells whether devices see just that. Each page has a tag at its
 * end; devices write in front of it.
 */
#define _GNU_SOURCE
#include "fuzz.h"

#include <pthread.h>

#define TAG_OFFSET	(PAGE - 8)

char *page_of(const struct part *part, unsigned int page)
{
	return part->pages + page * PAGE;
}

static unsigned long long tag_of(const struct part *part, unsigned int page)
{
	return part->tag + page;
}

void prepare_memory(struct part *part)
{
	unsigned int i;

	part->memfd = memfd_create("v3fuzz", MFD_CLOEXEC);
	if (part->memfd < 0 || ftruncate(part->memfd, FILE_PAGES * PAGE)) {
		fail("memfd: %s", strerror(errno));
		return;
	}
	part->pages = map_memory(PAGES * PAGE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	if (mmap(page_of(part, OWN_PAGES), FILE_PAGES * PAGE, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_FIXED, part->memfd, 0) == MAP_FAILED)
		fail("mmap: %s", strerror(errno));
	part->tag = 0x7a60000000000000ULL | (unsigned long long)actor << 32;
	for (i = 0; i < PAGES; i++)
		*(unsigned long long *)(page_of(part, i) + TAG_OFFSET) = tag_of(part, i);
}

bool expect(const char *what, int ret, int one, int other)
{
	if (ret == one || ret == other)
		return true;
	fail("%s answered %d, not %d or %d", what, ret, one, other);
	return false;
}

struct domain *some_domain(struct part *part, bool any)
{
	unsigned int first = rnd(DOMAINS), i;

	for (i = 0; i < DOMAINS; i++) {
		struct domain *domain = &part->domains[(first + i) % DOMAINS];

		if (domain->handle && (any || domain->type == V3COMPAT_DOMAIN_TRANSLATE))
			return domain;
	}
	return NULL;
}

/* clear_domain() makes it one without a handle, of which nothing is known. */
void clear_domain(struct domain *domain, unsigned int width)
{
	*domain = (struct domain) { .place = domain->place, .width = width };
}

bool is_free(const struct part *part, const struct domain *domain, unsigned long long address,
	     unsigned long long pages)
{
	unsigned long long end = address + pages * PAGE;
	unsigned int i;

	for (i = 0; i < domain->count; i++)
		if (address < domain->ranges[i].address + domain->ranges[i].pages * PAGE &&
		    domain->ranges[i].address < end)
			return false;
	for (i = 0; i < RESERVATIONS; i++)
		if (part->reservations[i].handle &&
		    part->reservations[i].domain == domain->place &&
		    address < part->reservations[i].base + part->reservations[i].pages * PAGE &&
		    part->reservations[i].base < end)
			return false;
	return true;
}

const struct range *range_at(const struct domain *domain, unsigned long long address)
{
	unsigned int i;

	for (i = 0; i < domain->count; i++)
		if (address >= domain->ranges[i].address &&
		    address < domain->ranges[i].address + domain->ranges[i].pages * PAGE)
			return &domain->ranges[i];
	return NULL;
}

bool add_range(struct domain *domain, const struct range *range)
{
	if (domain->count == RANGES)
		return false;
	domain->ranges[domain->count++] = *range;
	return true;
}

/* cut_ranges() forgets what was unmapped. A range that is cut inside becomes two. */
void cut_ranges(struct domain *domain, unsigned long long address, unsigned int pages)
{
	unsigned long long end = address + pages * PAGE, stop;
	unsigned int i = 0, front, skip;
	struct range *range, rest;

	while (i < domain->count) {
		range = &domain->ranges[i];
		stop = range->address + range->pages * PAGE;
		if (stop <= address || range->address >= end) {
			i++;
			continue;
		}
		rest = *range;
		front = address > range->address ? (address - range->address) / PAGE : 0;
		skip = (end < stop ? end - range->address : stop - range->address) / PAGE;
		rest.address += skip * PAGE;
		rest.page += skip;
		rest.pages -= skip;
		range->pages = front;
		if (!front)
			*range = domain->ranges[--domain->count];
		else
			i++;
		if (rest.pages)
			add_range(domain, &rest);
	}
	domain->gone[domain->next_gone++ % GONE] = address;
	domain->gone[domain->next_gone++ % GONE] = end - PAGE;
}

/*
 * is_view() tells whether the device (@i is NOWHERE) or sub-device @i is attached to @domain, and
 * with which PASID.
 */
static bool is_view(const struct part *part, const struct domain *domain, int i,
		    unsigned int *pasid)
{
	if (i == NOWHERE) {
		*pasid = IOMMUSIM_NO_PASID;
		return part->attached == domain->place;
	}
	*pasid = part->pasids[i].number;
	return part->pasids[i].handle && part->pasids[i].domain == domain->place;
}

bool is_seen(const struct part *part, const struct domain *domain)
{
	unsigned int pasid;
	int i;

	for (i = NOWHERE; i < PASIDS; i++)
		if (is_view(part, domain, i, &pasid))
			return true;
	return false;
}

static int access_memory(struct part *part, unsigned int pasid, unsigned long long address,
			 unsigned long long *value, bool write)
{
	return dma_pasid(&part->sim, part->sim.device, pasid, address, value, sizeof(*value),
			 write);
}

/* seen_at(): all that is attached reads at @address what is at @memory. */
bool seen_at(struct part *part, struct domain *domain, unsigned long long address, void *memory)
{
	unsigned long long value;
	unsigned int pasid;
	int i, ret;

	for (i = NOWHERE; i < PASIDS; i++) {
		if (!is_view(part, domain, i, &pasid))
			continue;
		value = 0;
		ret = access_memory(part, pasid, address, &value, false);
		if (ret != IOMMUSIM_OK || memcmp(&value, memory, sizeof(value))) {
			fail("PASID %#x at %#llx: answer %d, %#llx", pasid, address, ret, value);
			return false;
		}
		__atomic_fetch_add(&shared->reached, 1, __ATOMIC_RELAXED);
	}
	return true;
}

/* hidden_at(): nothing that is attached reaches anything at @address. */
bool hidden_at(struct part *part, struct domain *domain, unsigned long long address)
{
	unsigned long long value;
	unsigned int pasid;
	int i, ret;

	for (i = NOWHERE; i < PASIDS; i++) {
		if (!is_view(part, domain, i, &pasid))
			continue;
		value = 0;
		ret = access_memory(part, pasid, address, &value, false);
		if (ret <= IOMMUSIM_OK) {
			fail("PASID %#x at %#llx, where nothing is: answer %d, %#llx", pasid,
			     address, ret, value);
			return false;
		}
		__atomic_fetch_add(&shared->refused, 1, __ATOMIC_RELAXED);
	}
	return true;
}

static void check_write(struct part *part, unsigned int pasid, unsigned long long address,
			char *memory, bool allowed)
{
	unsigned long long value = (unsigned long long)rnd(~0U) << 32 | rnd(~0U), before;
	unsigned int offset = rnd(TAG_OFFSET / 8) * 8;
	int ret;

	memcpy(&before, memory + offset, sizeof(before));
	ret = access_memory(part, pasid, address + offset, &value, true);
	if (ret != (allowed ? IOMMUSIM_OK : IOMMUSIM_FAULT_PERMISSION))
		fail("PASID %#x writes at %#llx: answer %d", pasid, address, ret);
	else if (memcmp(memory + offset, allowed ? &value : &before, sizeof(value)))
		fail("PASID %#x has written %#llx at %#llx, and the page has %#llx", pasid, value,
		     address, *(unsigned long long *)(memory + offset));
}

/* check_page() tries page @at of @range. */
static void check_page(struct part *part, struct domain *domain, const struct range *range,
		       unsigned int at)
{
	unsigned long long address = range->address + at * PAGE, value, tag;
	char *memory = page_of(part, range->page + at);
	unsigned int pasid;
	int i, ret;

	tag = tag_of(part, range->page + at);
	for (i = NOWHERE; i < PASIDS; i++) {
		if (!is_view(part, domain, i, &pasid))
			continue;
		value = 0;
		ret = access_memory(part, pasid, address + TAG_OFFSET, &value, false);
		if (!(range->permissions & V3COMPAT_READ)) {
			if (ret != IOMMUSIM_FAULT_PERMISSION)
				fail("PASID %#x reads at %#llx, where it only may write: answer %d",
				     pasid, address, ret);
		} else if (ret != IOMMUSIM_OK || value != tag) {
			fail("PASID %#x at %#llx: answer %d, tag %#llx, not %#llx", pasid, address,
			     ret, value, tag);
		}
		check_write(part, pasid, address, memory, range->permissions & V3COMPAT_WRITE);
		__atomic_fetch_add(&shared->reached, 1, __ATOMIC_RELAXED);
	}
}

/* check_address() tries a page that may be mapped or not. */
void check_address(struct part *part, struct domain *domain, unsigned long long address)
{
	const struct range *range = range_at(domain, address);

	if (range)
		check_page(part, domain, range, (address - range->address) / PAGE);
	else
		hidden_at(part, domain, address);
}

/* check_domain() tries a page of each range, or all, and what was unmapped last. */
void check_domain(struct part *part, struct domain *domain, bool all)
{
	unsigned int i, at;

	if (!is_seen(part, domain))
		return;
	for (i = 0; i < domain->count; i++)
		for (at = all ? 0 : rnd(domain->ranges[i].pages); at < domain->ranges[i].pages;
		     at += all ? 1 : PAGES)
			check_page(part, domain, &domain->ranges[i], at);
	for (i = 0; i < GONE; i++)
		if (domain->gone[i])
			check_address(part, domain, domain->gone[i]);
}

/* choose_config() is an IOMMU of one of the kinds that somebody builds. */
static struct sim_config choose_config(void)
{
	static const unsigned int quirks[] = {
		0, 0, IOMMUSIM_WHOLE_MAPS, IOMMUSIM_UNMAP_WHOLE, IOMMUSIM_LATE_GEOMETRY,
		IOMMUSIM_ALLOC_PER_MAP, IOMMUSIM_RUN_FLUSH, IOMMUSIM_MOVING_ROOT,
		IOMMUSIM_SHORT_FLUSH, IOMMUSIM_LATE_SEND, IOMMUSIM_OWN_DOMAINS,
		IOMMUSIM_NO_IDENTITY,
	};
	struct sim_config config = {
		.quirks = quirks[rnd(sizeof(quirks) / sizeof(quirks[0]))],
		.max_pasids = one_in(5) ? 0 : 1 << 16,
		.pgsize_bitmap = one_in(4) ? PAGE : 0,
	};

	if (config.max_pasids && !one_in(3))
		config.features = IOMMUSIM_PAGE_REQUESTS | IOMMUSIM_SVA;
	if (config.quirks == IOMMUSIM_LATE_GEOMETRY)
		config.aperture_bits = 42;
	return config;
}

/* claim_device() takes the part's device for the file, and attaches what a domain has. */
static bool claim_device(struct part *part)
{
	struct v3compat_result result = {};

	part->device = create_device(part->fd, part->sim.name,
				     part->tagged ? V3COMPAT_DEVICE_TAGGED : 0, &result);
	if (part->device > 0)
		return true;
	fail("DEVICE_CREATE answered %d, reason %u", part->device, result.out_reason);
	return false;
}

bool begin_part(struct part *part)
{
	int ret, i;

	part->config = choose_config();
	part->tagged = part->config.max_pasids;
	part->attached = NOWHERE;
	memset(part->domains, 0, sizeof(part->domains));
	memset(part->reservations, 0, sizeof(part->reservations));
	memset(part->memories, 0, sizeof(part->memories));
	memset(part->pasids, 0, sizeof(part->pasids));
	ret = open_sim(&part->sim, &part->config);
	if (ret) {
		fail("an IOMMU with quirks %#x: %d", part->config.quirks, ret);
		return false;
	}
	if (!claim_device(part))
		return false;
	for (i = 0; i < DOMAINS; i++)
		part->domains[i].place = i;
	for (i = 0; i < 2; i++) {
		clear_domain(&part->domains[i], i ? 40 : 0);
		part->domains[i].handle = create_domain(part->fd, V3COMPAT_DOMAIN_TRANSLATE,
							part->domains[i].width, NULL);
		if (part->domains[i].handle <= 0) {
			fail("DOMAIN_CREATE answered %d", part->domains[i].handle);
			return false;
		}
	}
	ret = attach(part->fd, part->domains[0].handle, part->device, NULL);
	if (!ret)
		part->attached = 0;
	return expect("the first ATTACH", ret, 0, 0);
}

static void end_domain(struct part *part, struct domain *domain)
{
	const struct reservation *reservation;
	const struct range *range;
	unsigned long long at;
	unsigned int i, object;

	check_domain(part, domain, true);
	for (i = domain->count; i--;) {
		range = &domain->ranges[i];
		reservation = range->reservation == NOWHERE ?
				      NULL : &part->reservations[range->reservation];
		object = reservation ? reservation->handle : domain->handle;
		at = range->address - (reservation ? reservation->base : 0);
		expect("the last UNMAP", unmap(part->fd, object, at, range->pages * PAGE, NULL), 0,
		       0);
		hidden_at(part, domain, range->address);
	}
}

bool end_part(struct part *part)
{
	unsigned int i;

	for (i = 0; i < DOMAINS; i++)
		if (part->domains[i].handle)
			end_domain(part, &part->domains[i]);
	for (i = 0; i < PASIDS; i++) {
		if (!part->pasids[i].handle)
			continue;
		if (part->pasids[i].domain != NOWHERE)
			expect("the last DETACH", detach(part->fd, part->pasids[i].handle, NULL), 0,
			       0);
		expect("DESTROY of a sub-device", destroy(part->fd, part->pasids[i].handle, NULL),
		       0, 0);
	}
	if (part->attached != NOWHERE)
		expect("the last DETACH", detach(part->fd, part->device, NULL), 0, 0);
	for (i = 0; i < RESERVATIONS; i++)
		if (part->reservations[i].handle)
			expect("DESTROY of a reservation",
			       destroy(part->fd, part->reservations[i].handle, NULL), 0, 0);
	for (i = 0; i < DOMAINS; i++)
		if (part->domains[i].handle)
			expect("DESTROY of a domain",
			       destroy(part->fd, part->domains[i].handle, NULL), 0, 0);
	for (i = 0; i < MEMORIES; i++)
		if (part->memories[i].handle)
			expect("DESTROY of memory",
			       destroy(part->fd, part->memories[i].handle, NULL), 0, 0);
	return expect("DESTROY of the device", destroy(part->fd, part->device, NULL), 0, 0);
}
