// SPDX-License-Identifier: GPL-2.0
/*
 * Maps, unmaps, batches, reservations and registered memory, all of which can be foreseen.
 */
#define _GNU_SOURCE
#include "fuzz.h"

/* choose_memory() is where registered memory is, or NOWHERE. */
static int choose_memory(const struct part *part)
{
	int first = rnd(MEMORIES), i;

	for (i = 0; i < MEMORIES; i++)
		if (part->memories[(first + i) % MEMORIES].handle)
			return (first + i) % MEMORIES;
	return NOWHERE;
}

/*
 * choose_source() chooses @range->page, ->pages and ->memory, and describes them. Read-only memory
 * is chosen for reads only.
 */
static struct v3compat_source choose_source(const struct part *part, struct range *range)
{
	struct v3compat_source source = { .type = V3COMPAT_SOURCE_USER };
	int place = one_in(3) ? choose_memory(part) : NOWHERE;
	const struct memory *memory = &part->memories[place == NOWHERE ? 0 : place];

	range->memory = NOWHERE;
	range->pages = 1 + rnd(one_in(3) ? 16 : 3);
	range->page = rnd(OWN_PAGES - range->pages);
	if (place != NOWHERE && !(memory->read_only && range->permissions & V3COMPAT_WRITE)) {
		range->memory = place;
		range->pages = 1 + rnd(memory->pages);
		range->page = memory->page + rnd(memory->pages - range->pages + 1);
		source.type = V3COMPAT_SOURCE_MEMORY;
		source.object = memory->handle;
		source.start = (range->page - memory->page) * PAGE;
	} else if (one_in(3)) {
		source.type = V3COMPAT_SOURCE_MEMFD;
		source.object = part->memfd;
		source.start = range->page * PAGE;
		range->page += OWN_PAGES;
	} else {
		range->page = rnd(PAGES - range->pages);
		source.start = (uintptr_t)page_of(part, range->page);
	}
	source.length = range->pages * PAGE;
	return source;
}

/* choose_map() fills a map of a domain, and @range, but for an address that the domain chooses. */
static struct v3compat_map choose_map(const struct part *part, const struct domain *domain,
				      struct range *range)
{
	struct v3compat_map map = { .size = sizeof(map), .object = domain->handle };

	*range = (struct range) { .permissions = 1 + rnd(3), .reservation = NOWHERE };
	map.permissions = range->permissions;
	map.source = choose_source(part, range);
	if (!domain->width) {
		map.flags = V3COMPAT_MAP_FIXED;
		range->address = WINDOW_AT + rnd(WINDOW_PAGES - range->pages) * PAGE;
		map.address = range->address;
		return map;
	}
	if (one_in(3)) {
		map.flags |= V3COMPAT_MAP_MIN;
		map.min = rnd(64) * LARGE;
	}
	if (one_in(3)) {
		map.flags |= V3COMPAT_MAP_MAX;
		map.max = map.min + (1ULL << (28 + rnd(8))) - 1;
	}
	return map;
}

/* place_map() checks where the domain has put a map. */
static void place_map(const struct part *part, const struct domain *domain,
		      const struct v3compat_map *map, struct range *range)
{
	unsigned long long last = map->address + range->pages * PAGE - 1;

	range->address = map->address;
	if (!is_free(part, domain, map->address, range->pages) || map->address % PAGE ||
	    last >> domain->width || (map->flags & V3COMPAT_MAP_MIN && map->address < map->min) ||
	    (map->flags & V3COMPAT_MAP_MAX && last > map->max))
		fail("MAP has chosen %#llx to %#llx, with flags %#x, %#llx and %#llx",
		     (unsigned long long)map->address, last, map->flags,
		     (unsigned long long)map->min, (unsigned long long)map->max);
}

void try_map(struct part *part)
{
	struct domain *domain = some_domain(part, false);
	struct v3compat_map map;
	struct range range;
	int ret, right;

	if (!domain || domain->count > RANGES - 3)
		return;
	map = choose_map(part, domain, &range);
	right = domain->width || is_free(part, domain, range.address, range.pages) ? 0 : -EEXIST;
	ret = CALL(part->fd, MAP, &map);
	if (!expect("MAP", ret, right, right) || ret)
		return;
	if (domain->width)
		place_map(part, domain, &map, &range);
	add_range(domain, &range);
	check_address(part, domain, range.address);
	check_address(part, domain, range.address + range.pages * PAGE);
}

/*
 * foresee_unmap() is what an unmap must answer, and sets @cut where an IOMMU may refuse it because
 * some of what was mapped together would stay. A domain that chooses addresses, and a reservation,
 * take back what one map has made.
 */
static int foresee_unmap(const struct domain *domain, int reservation, unsigned long long address,
			 unsigned int pages, bool *cut)
{
	unsigned long long end = address + pages * PAGE, at;
	const struct range *range;

	*cut = false;
	range = range_at(domain, address);
	if ((domain->width || reservation != NOWHERE) &&
	    (!range || range->reservation != reservation || range->address != address ||
	     range->pages != pages))
		return -ENOENT;
	for (at = address; at < end; at += PAGE) {
		range = range_at(domain, at);
		if (!range || range->reservation != reservation)
			return -ENOENT;
		*cut |= range->address < address || range->address + range->pages * PAGE > end;
	}
	return 0;
}

/* choose_unmap() is a range, a part of one, or something near one. */
static void choose_unmap(const struct domain *domain, int reservation, unsigned long long *address,
			 unsigned int *pages)
{
	const struct range *range = NULL;
	unsigned int first, i;

	*address = WINDOW_AT + rnd(WINDOW_PAGES) * PAGE;
	*pages = 1 + rnd(8);
	first = domain->count ? rnd(domain->count) : 0;
	for (i = 0; i < domain->count && !range; i++)
		if (domain->ranges[(first + i) % domain->count].reservation == reservation)
			range = &domain->ranges[(first + i) % domain->count];
	if (!range || one_in(16))
		return;
	*address = range->address;
	*pages = range->pages;
	switch (rnd(6)) {
	case 0:
		*pages += 1 + rnd(3);
		break;
	case 1:
		first = rnd(range->pages);
		*address += first * PAGE;
		*pages = 1 + rnd(range->pages - first);
		break;
	}
}

/* fail_unmap() says what the model has there. */
static void fail_unmap(const struct part *part, const struct domain *domain,
		       unsigned long long address, unsigned int pages, int ret)
{
	char text[384] = "";
	unsigned int i, used = 0;
	const struct range *range;

	for (i = 0; i < domain->count && used < sizeof(text) - 64; i++) {
		range = &domain->ranges[i];
		if (range->address < address + pages * PAGE &&
		    address < range->address + range->pages * PAGE)
			used += snprintf(text + used, sizeof(text) - used,
					 ", %u pages at %#llx of reservation %d", range->pages,
					 range->address, range->reservation);
	}
	fail("UNMAP of %u pages at %#llx answered %d; quirks %#x, page sizes %#llx%s", pages,
	     address, ret, part->config.quirks, part->config.pgsize_bitmap, text);
}

static void unmap_some(struct part *part, struct domain *domain, int reservation)
{
	unsigned long long address, at;
	unsigned int pages, object = domain->handle;
	bool cut;
	int ret, right;

	choose_unmap(domain, reservation, &address, &pages);
	right = foresee_unmap(domain, reservation, address, pages, &cut);
	at = address;
	if (reservation != NOWHERE) {
		/* Beyond the reservation another answer may come first. */
		if (address < part->reservations[reservation].base || right)
			return;
		object = part->reservations[reservation].handle;
		at -= part->reservations[reservation].base;
	}
	ret = unmap(part->fd, object, at, pages * PAGE, NULL);
	if (ret != right && !(cut && ret == -EXDEV)) {
		fail_unmap(part, domain, address, pages, ret);
		return;
	}
	if (!ret)
		cut_ranges(domain, address, pages);
	check_address(part, domain, address);
	check_address(part, domain, address + (pages - 1) * PAGE);
	if (pages > 2)
		check_address(part, domain, address + pages / 2 * PAGE);
}

void try_unmap(struct part *part)
{
	struct domain *domain = some_domain(part, false);

	if (domain && domain->count < RANGES - 2)
		unmap_some(part, domain, NOWHERE);
	else if (domain && domain->ranges[0].reservation == NOWHERE &&
		 expect("UNMAP of a range", unmap(part->fd, domain->handle,
						  domain->ranges[0].address,
						  domain->ranges[0].pages * PAGE, NULL), 0, -EXDEV))
		check_domain(part, domain, false);
}

#define ENTRIES	12

/* struct plan: a batch, and what becomes of the domain when it is done. */
struct plan {
	struct v3compat_batch_entry entries[ENTRIES];
	unsigned int count;
	struct domain after;
	int refusal;	/* of the last entry, or 0 */
};

static void plan_map(struct part *part, struct plan *plan)
{
	struct v3compat_batch_entry *entry = &plan->entries[plan->count++];
	struct range range;

	entry->command = V3COMPAT_CMD_MAP;
	entry->map = choose_map(part, &plan->after, &range);
	if (is_free(part, &plan->after, range.address, range.pages))
		add_range(&plan->after, &range);
	else
		plan->refusal = -EEXIST;
}

static void plan_unmap(struct plan *plan)
{
	const struct range *range = &plan->after.ranges[rnd(plan->after.count)];
	struct v3compat_batch_entry *entry = &plan->entries[plan->count++];

	entry->command = V3COMPAT_CMD_UNMAP;
	entry->unmap = (struct v3compat_unmap) {
		.size = sizeof(entry->unmap), .object = plan->after.handle,
		.address = range->address, .length = range->pages * PAGE,
	};
	if (range->reservation == NOWHERE)
		cut_ranges(&plan->after, range->address, range->pages);
	else
		plan->refusal = -ENOENT;
}

/* try_batch() is for a domain whose addresses the caller says, so that all can be foreseen. */
void try_batch(struct part *part)
{
	struct domain *domain = some_domain(part, false);
	struct v3compat_batch batch = { .entry_size = sizeof(struct v3compat_batch_entry) };
	struct plan plan = {};
	unsigned int wanted = 1 + rnd(ENTRIES), done;
	int ret, right;

	if (!domain || domain->width)
		return;
	plan.after = *domain;
	while (plan.count < wanted && !plan.refusal && plan.after.count < RANGES - 3) {
		if (one_in(2) || !plan.after.count)
			plan_map(part, &plan);
		else
			plan_unmap(&plan);
	}
	if (!plan.count)
		return;
	batch.entries = (uintptr_t)plan.entries;
	batch.count = plan.count;
	done = plan.count - !!plan.refusal;
	right = done ? (int)done : plan.refusal;
	ret = CALL(part->fd, BATCH, &batch);
	if (!expect("BATCH", ret, right, right))
		return;
	*domain = plan.after;
	check_domain(part, domain, false);
}

static int choose_reservation(const struct part *part)
{
	int first = rnd(RESERVATIONS), i;

	for (i = 0; i < RESERVATIONS; i++)
		if (part->reservations[(first + i) % RESERVATIONS].handle)
			return (first + i) % RESERVATIONS;
	return NOWHERE;
}

static void make_reservation(struct part *part, int place)
{
	struct reservation *reservation = &part->reservations[place];
	struct v3compat_reserve arg = { .length = (1 + rnd(24)) * PAGE };
	struct domain *domain = some_domain(part, false);
	int ret, right = 0;

	if (!domain)
		return;
	arg.domain = domain->handle;
	if (!domain->width) {
		arg.flags = V3COMPAT_MAP_FIXED;
		arg.address = WINDOW_AT + rnd(WINDOW_PAGES - 24) * PAGE;
		if (!is_free(part, domain, arg.address, arg.length / PAGE))
			right = -EEXIST;
	}
	ret = CALL(part->fd, RESERVE, &arg);
	if (!expect("RESERVE", ret, right, right) || ret)
		return;
	if (!is_free(part, domain, arg.address, arg.length / PAGE))
		fail("RESERVE has chosen %#llx, which is in use", (unsigned long long)arg.address);
	*reservation = (struct reservation) {
		.handle = arg.out_reservation, .domain = domain->place,
		.base = arg.address, .pages = arg.length / PAGE,
	};
	hidden_at(part, domain, arg.address);
}

static void map_reserved(struct part *part, int place)
{
	const struct reservation *reservation = &part->reservations[place];
	struct domain *domain = &part->domains[reservation->domain];
	struct range range = { .permissions = 1 + rnd(3), .reservation = place };
	struct v3compat_map map = { .object = reservation->handle };
	unsigned int at = rnd(reservation->pages), i;
	int ret, right = 0;

	if (domain->count > RANGES - 3)
		return;
	map.permissions = range.permissions;
	map.source = choose_source(part, &range);
	map.address = at * PAGE;
	range.address = reservation->base + map.address;
	if (at + range.pages > reservation->pages)
		right = -ERANGE;
	for (i = 0; i < range.pages && !right; i++)
		if (range_at(domain, range.address + i * PAGE))
			right = -EEXIST;
	ret = CALL(part->fd, MAP, &map);
	if (!expect("MAP in a reservation", ret, right, right) || ret)
		return;
	add_range(domain, &range);
	check_address(part, domain, range.address);
}

/* end_reservation() unmaps what is mapped there with it, or is refused. */
static void end_reservation(struct part *part, int place)
{
	struct reservation *reservation = &part->reservations[place];
	struct domain *domain = &part->domains[reservation->domain];
	bool mapped = false;
	unsigned int i;
	int ret;

	for (i = 0; i < domain->count; i++)
		mapped |= domain->ranges[i].reservation == place;
	ret = destroy(part->fd, reservation->handle, NULL);
	if (!expect("DESTROY of a reservation", ret, 0, mapped ? -EBUSY : 0) || ret)
		return;
	cut_ranges(domain, reservation->base, reservation->pages);
	reservation->handle = 0;
	check_domain(part, domain, false);
}

void try_reservation(struct part *part)
{
	int place = choose_reservation(part), i;

	for (i = 0; i < RESERVATIONS && part->reservations[i].handle; i++)
		;
	if (i < RESERVATIONS && (place == NOWHERE || one_in(2)))
		make_reservation(part, i);
	else if (place == NOWHERE)
		return;
	else if (one_in(3))
		end_reservation(part, place);
	else if (one_in(2))
		map_reserved(part, place);
	else if (part->domains[part->reservations[place].domain].count < RANGES - 2)
		unmap_some(part, &part->domains[part->reservations[place].domain], place);
}

static bool is_mapped(const struct part *part, int place)
{
	unsigned int i, k;

	for (i = 0; i < DOMAINS; i++)
		for (k = 0; k < part->domains[i].count; k++)
			if (part->domains[i].handle && part->domains[i].ranges[k].memory == place)
				return true;
	return false;
}

void try_memory(struct part *part)
{
	int place = rnd(MEMORIES), right;
	struct memory *memory = &part->memories[place];
	struct v3compat_memory_create arg = {};

	if (memory->handle) {
		right = is_mapped(part, place) ? -EBUSY : 0;
		if (expect("DESTROY of memory", destroy(part->fd, memory->handle, NULL), right,
			   right) && !right)
			memory->handle = 0;
		return;
	}
	memory->pages = 1 + rnd(20);
	memory->read_only = one_in(4);
	memory->page = rnd(OWN_PAGES - memory->pages);
	arg.flags = memory->read_only ? V3COMPAT_MEMORY_READ_ONLY : 0;
	arg.source = user_memory(page_of(part, memory->page), memory->pages * PAGE);
	if (one_in(3)) {
		arg.source = (struct v3compat_source) {
			.type = V3COMPAT_SOURCE_MEMFD, .object = part->memfd,
			.start = memory->page * PAGE, .length = memory->pages * PAGE,
		};
		memory->page += OWN_PAGES;
	}
	if (expect("MEMORY_CREATE", CALL(part->fd, MEMORY_CREATE, &arg), 0, 0))
		memory->handle = arg.out_memory;
}

/*
 * try_physical() maps a page by its physical address, and at it. The page is registered meanwhile,
 * because it may move otherwise.
 */
void try_physical(struct part *part)
{
	struct domain *domain = some_domain(part, false);
	char *page = page_of(part, rnd(OWN_PAGES));
	struct v3compat_identity identity = {
		.permissions = RW,
		.source = { .type = V3COMPAT_SOURCE_PHYSICAL, .length = PAGE },
	};
	int memory;

	if (!domain || domain->width || !is_free(part, domain, CHILD_AT, 1))
		return;
	memory = create_memory(part->fd, page, PAGE, 0, NULL);
	if (memory < 0) {
		fail("MEMORY_CREATE of a page answered %d", memory);
		return;
	}
	identity.source.start = physical_address(page);
	identity.domain = domain->handle;
	if (expect("MAP_IDENTITY", CALL(part->fd, MAP_IDENTITY, &identity), 0, 0)) {
		seen_at(part, domain, identity.source.start + 64, page + 64);
		expect("UNMAP of an identity",
		       unmap(part->fd, domain->handle, identity.source.start, PAGE, NULL), -ENOENT,
		       -ENOENT);
		identity.permissions = 0;
		expect("UNMAP_IDENTITY", CALL(part->fd, UNMAP_IDENTITY, &identity), 0, 0);
		hidden_at(part, domain, identity.source.start);
	}
	if (expect("MAP of a physical address",
		   map_at(part->fd, domain->handle, identity.source, CHILD_AT, V3COMPAT_MAP_FIXED,
			  RW, NULL), 0, 0)) {
		seen_at(part, domain, CHILD_AT + 128, page + 128);
		expect("UNMAP", unmap(part->fd, domain->handle, CHILD_AT, PAGE, NULL), 0, 0);
		hidden_at(part, domain, CHILD_AT);
	}
	expect("DESTROY of memory", destroy(part->fd, memory, NULL), 0, 0);
}

/* try_large() maps a huge page, and cuts it where that is allowed. */
void try_large(struct part *part)
{
	struct domain *domain = some_domain(part, false);
	unsigned long long cut = LARGE_AT + rnd(512) * PAGE;
	int ret;

	if (!domain || domain->width || !part->large)
		return;
	if (!expect("MAP of 2 MiB",
		    map_fixed(part->fd, domain->handle, part->large, LARGE, LARGE_AT), 0, 0))
		return;
	seen_at(part, domain, LARGE_AT, part->large);
	seen_at(part, domain, cut, part->large + (cut - LARGE_AT));
	ret = unmap(part->fd, domain->handle, cut, PAGE, NULL);
	if (!expect("UNMAP of a part of 2 MiB", ret, 0, -EXDEV))
		return;
	if (!ret)
		hidden_at(part, domain, cut);
	else
		seen_at(part, domain, cut, part->large + (cut - LARGE_AT));
	if (ret || cut == LARGE_AT || cut == LARGE_AT + LARGE - PAGE) {
		if (!ret && cut == LARGE_AT)
			ret = unmap(part->fd, domain->handle, LARGE_AT + PAGE, LARGE - PAGE, NULL);
		else
			ret = unmap(part->fd, domain->handle, LARGE_AT,
				    ret ? LARGE : LARGE - PAGE, NULL);
	} else {
		ret = unmap(part->fd, domain->handle, LARGE_AT, cut - LARGE_AT, NULL) ?:
		      unmap(part->fd, domain->handle, cut + PAGE, LARGE_AT + LARGE - PAGE - cut,
			    NULL);
	}
	expect("UNMAP of 2 MiB", ret, 0, 0);
	hidden_at(part, domain, LARGE_AT);
	hidden_at(part, domain, LARGE_AT + LARGE - PAGE);
}
