// SPDX-License-Identifier: GPL-2.0
/*
 * Every command of /dev/v3compat with each of its allocations, and each of its accesses to the
 * caller's memory, failing in turn: it is refused so that nothing has changed, or it succeeds all
 * the same. What is left in the end is the leak detectors' business.
 */
#define _GNU_SOURCE
#include <limits.h>
#include <pthread.h>
#include <sys/eventfd.h>

#include "commands.h"
#include "kcov.h"
#include "pci.h"

#define STATUS_INSUFFICIENT_RESOURCES	0xc000009a

/* More than any command has places that can fail. */
#define MAX_NTH		2000

/* Tables of four levels, the last of which maps eight pages. */
static void make_unmanaged(struct world *world, void *arg)
{
	unsigned long long *table = (void *)(world->memory + 8 * PAGE);
	unsigned int i;

	make_domain_configure(world, arg);
	attach(world->fd, world->unmanaged, world->device, NULL);
	for (i = 0; i < 3; i++)
		table[512 * i] = (i + 1) * PAGE | 7;
	for (i = 0; i < 8; i++)
		table[512 * 3 + i] = i * PAGE | 7;
}

FIXTURE_VARIANT_ADD(command, domain_configure_with_pages) {
	COMMAND(DOMAIN_CONFIGURE, domain_configure), .make = make_unmanaged,
};

static void make_flush_of_pages(struct world *world, void *arg)
{
	unsigned long long *table = (void *)(world->memory + 8 * PAGE);
	struct v3compat_domain_configure configure = {};
	struct v3compat_domain_flush *flush = arg;

	table[512 * 3] = 0;
	make_unmanaged(world, &configure);
	table[512 * 3] = 0;
	CALL(world->fd, DOMAIN_CONFIGURE, &configure);
	table[512 * 3] = 7;
	table[1] = PAGE | 7;
	flush->domain = world->unmanaged;
}

FIXTURE_VARIANT_ADD(command, domain_flush_of_pages) {
	COMMAND(DOMAIN_FLUSH, domain_flush), .make = make_flush_of_pages,
};

static void make_flush_list(struct world *world, void *arg)
{
	static unsigned long long list[8];
	struct v3compat_domain_flush *flush = arg;

	make_flush_of_pages(world, arg);
	flush->list = (uintptr_t)list;
	flush->count = ARRAY_SIZE(list);
}

FIXTURE_VARIANT_ADD(command, domain_flush_list) {
	COMMAND(DOMAIN_FLUSH, domain_flush), .make = make_flush_list,
};

static void make_domain_with_regions(struct world *world, void *arg)
{
	static const struct v3compat_region regions[] = {
		{ .base = 0x100000, .length = PAGE, .flags = V3COMPAT_REGION_MAP },
		{ .base = AT, .length = LARGE },
		{ .base = 2 * AT, .length = PAGE },
	};
	struct v3compat_domain_create *create = arg;

	create->regions = (uintptr_t)regions;
	create->nr_regions = ARRAY_SIZE(regions);
}

FIXTURE_VARIANT_ADD(command, domain_create_with_regions) {
	COMMAND(DOMAIN_CREATE, domain_create), .make = make_domain_with_regions,
	.handle = NEW(domain_create, out_domain),
};

static void make_passthrough(struct world *world, void *arg)
{
	struct v3compat_domain_create *create = arg;

	create->type = V3COMPAT_DOMAIN_PASSTHROUGH;
}

FIXTURE_VARIANT_ADD(command, domain_create_passthrough) {
	COMMAND(DOMAIN_CREATE, domain_create), .make = make_passthrough,
	.handle = NEW(domain_create, out_domain),
};

static void make_query_of_ranges(struct world *world, void *arg)
{
	struct v3compat_domain_query *query = arg;

	make_domain_query(world, arg);
	query->ranges = (uintptr_t)world->memory;
	query->max_ranges = 8;
}

FIXTURE_VARIANT_ADD(command, domain_query_with_ranges) {
	COMMAND(DOMAIN_QUERY, domain_query), .make = make_query_of_ranges,
};

static void make_tagged_device(struct world *world, void *arg)
{
	struct v3compat_device_create *create = arg;

	make_device_create(world, arg);
	create->flags = V3COMPAT_DEVICE_TAGGED;
}

FIXTURE_VARIANT_ADD(command, device_create_tagged) {
	COMMAND(DEVICE_CREATE, device_create), .make = make_tagged_device,
	.handle = NEW(device_create, out_device),
};

static void make_mappings_with_room(struct world *world, void *arg)
{
	static unsigned int ids[8];
	struct v3compat_input_mappings *mappings = arg;

	make_input_mappings(world, arg);
	mappings->ids = (uintptr_t)ids;
	mappings->max_ids = ARRAY_SIZE(ids);
}

FIXTURE_VARIANT_ADD(command, input_mappings_with_room) {
	COMMAND(INPUT_MAPPINGS, input_mappings), .make = make_mappings_with_room,
};

/* A domain with a page mapped and a reservation, in a page table that it does not have yet. */
static void make_attach_of_pasid(struct world *world, void *arg)
{
	struct v3compat_attach *attach = arg;

	detach(world->fd, world->pasid, NULL);
	attach->domain = world->chooses;
	attach->object = world->pasid;
}

FIXTURE_VARIANT_ADD(command, attach_of_pasid) {
	COMMAND(ATTACH, attach), .make = make_attach_of_pasid,
};

static void make_detach_of_device(struct world *world, void *arg)
{
	struct v3compat_attach *detach = arg;

	attach(world->fd, world->domain, world->device, NULL);
	detach->object = world->device;
}

FIXTURE_VARIANT_ADD(command, detach_of_device) {
	COMMAND(DETACH, attach), .make = make_detach_of_device,
};

static int new_memfd(size_t length)
{
	int memfd = memfd_create("fail", MFD_CLOEXEC);

	return memfd < 0 || ftruncate(memfd, length) ? -1 : memfd;
}

static struct v3compat_source memfd_source(void)
{
	static int memfd = -1;

	if (memfd < 0)
		memfd = new_memfd(4 * PAGE);
	return (struct v3compat_source) {
		.type = V3COMPAT_SOURCE_MEMFD, .object = memfd, .length = 4 * PAGE,
	};
}

static void make_memory_of_memfd(struct world *world, void *arg)
{
	struct v3compat_memory_create *create = arg;

	create->source = memfd_source();
}

FIXTURE_VARIANT_ADD(command, memory_create_of_memfd) {
	COMMAND(MEMORY_CREATE, memory_create), .make = make_memory_of_memfd,
	.handle = NEW(memory_create, out_memory),
};

/* Pages that are far apart in the machine's memory are mapped run by run. */
static void make_map_of_many(struct world *world, void *arg)
{
	const unsigned int pages = 3 * LARGE / PAGE;
	static char *scattered;
	struct v3compat_map *map = arg;
	unsigned int i;

	if (!scattered) {
		scattered = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		madvise(scattered, pages * PAGE, MADV_NOHUGEPAGE);
		for (i = 0; i < pages; i += 2)
			scattered[i * PAGE] = 1;
		for (i = 1; i < pages; i += 2)
			scattered[i * PAGE] = 1;
	}
	make_map(world, arg);
	map->source = user_memory(scattered, pages * PAGE);
}

FIXTURE_VARIANT_ADD(command, map_of_many_pages) {
	COMMAND(MAP, map), .make = make_map_of_many,
};

static void make_map_of_memfd(struct world *world, void *arg)
{
	struct v3compat_map *map = arg;

	make_map(world, arg);
	map->source = memfd_source();
}

FIXTURE_VARIANT_ADD(command, map_of_memfd) {
	COMMAND(MAP, map), .make = make_map_of_memfd,
};

static void make_map_physical(struct world *world, void *arg)
{
	struct v3compat_map *map = arg;

	make_map(world, arg);
	map->source = (struct v3compat_source) {
		.type = V3COMPAT_SOURCE_PHYSICAL, .start = 0x100000, .length = PAGE,
	};
}

FIXTURE_VARIANT_ADD(command, map_physical) {
	COMMAND(MAP, map), .make = make_map_physical,
};

/* Part of what was mapped as one. */
static void make_unmap_of_a_part(struct world *world, void *arg)
{
	struct v3compat_unmap *unmap = arg;

	unmap->object = world->domain;
	unmap->address = AT + world->next + PAGE;
	unmap->length = PAGE;
	map_fixed(world->fd, world->domain, world->memory, 4 * PAGE, unmap->address - PAGE);
	world->next += 4 * PAGE;
}

FIXTURE_VARIANT_ADD(command, unmap_of_a_part) {
	COMMAND(UNMAP, unmap), .make = make_unmap_of_a_part,
};

static void make_unmap_reserved(struct world *world, void *arg)
{
	struct v3compat_unmap *unmap = arg;
	struct v3compat_map map = {};

	make_map_reserved(world, &map);
	CALL(world->fd, MAP, &map);
	unmap->object = world->reservation;
	unmap->length = 2 * PAGE;
}

FIXTURE_VARIANT_ADD(command, unmap_reserved) {
	COMMAND(UNMAP, unmap), .make = make_unmap_reserved,
};

static void make_events_of_all(struct world *world, void *arg)
{
	struct v3compat_events_open *open = arg;

	attach(world->fd, world->domain, world->device, NULL);
	open->device = world->device;
	open->mask = 1u << V3COMPAT_EVENT_DEVICE_GONE | 1u << V3COMPAT_EVENT_STATE |
		     1u << V3COMPAT_EVENT_FAULT | 1u << V3COMPAT_EVENT_APERTURE;
}

FIXTURE_VARIANT_ADD(command, events_open_for_all) {
	COMMAND(EVENTS_OPEN, events_open), .make = make_events_of_all,
	.fd = NEW(events_open, out_fd),
};

static void make_destroy_of(struct world *world, void *arg, int object)
{
	struct v3compat_destroy *destroy = arg;

	destroy->object = object;
}

static void make_destroy_memory(struct world *world, void *arg)
{
	make_destroy_of(world, arg, create_memory(world->fd, world->memory, PAGE, 0, NULL));
}

FIXTURE_VARIANT_ADD(command, destroy_memory) {
	COMMAND(DESTROY, destroy), .make = make_destroy_memory,
};

/* The device is still there when it was not destroyed the last time. */
static void make_destroy_device(struct world *world, void *arg)
{
	static int device;
	int made = create_device(world->fd, world->second, 0, NULL);

	if (made > 0)
		device = made;
	make_destroy_of(world, arg, device);
}

FIXTURE_VARIANT_ADD(command, destroy_device) {
	COMMAND(DESTROY, destroy), .make = make_destroy_device,
};

static void make_destroy_pasid(struct world *world, void *arg)
{
	struct v3compat_pasid_create create = { .device = world->device };

	CALL(world->fd, PASID_CREATE, &create);
	make_destroy_of(world, arg, create.out_pasid);
}

FIXTURE_VARIANT_ADD(command, destroy_pasid) {
	COMMAND(DESTROY, destroy), .make = make_destroy_pasid,
};

static void make_destroy_reservation(struct world *world, void *arg)
{
	struct v3compat_reserve reserve = { .domain = world->chooses, .length = 4 * PAGE };

	CALL(world->fd, RESERVE, &reserve);
	make_destroy_of(world, arg, reserve.out_reservation);
}

FIXTURE_VARIANT_ADD(command, destroy_reservation) {
	COMMAND(DESTROY, destroy), .make = make_destroy_reservation,
};

/* is_written(): @result is no longer what put_command() left there. */
static bool is_written(const struct v3compat_result *result)
{
	struct v3compat_result poison;

	memset(&poison, POISON, sizeof(poison));
	return memcmp(result, &poison, offsetof(struct v3compat_result, __reserved));
}

/* is_bad_memory(): a copy of the command failed, or of what it names, or a page was not there. */
static bool is_bad_memory(const struct v3compat_result *result)
{
	return !result || !is_written(result) || result->out_reason == REASON(BAD_POINTER) ||
	       result->out_reason == REASON(NOT_PINNABLE);
}

/* make_attached() has the device in world->domain, so that a page is mapped the quick way. */
static void make_attached(struct world *world, void *arg)
{
	struct v3compat_map *map = arg;

	attach(world->fd, world->domain, world->device, NULL);
	make_map(world, arg);
	map->object = world->domain;
	map->flags = V3COMPAT_MAP_FIXED;
	map->source.length = PAGE;
	map->address = AT + world->next;
	/* A node of records and cells of its own, most of the time. */
	world->next += 32 * PAGE;
}

FIXTURE_VARIANT_ADD(command, map_of_a_page_in_use) {
	COMMAND(MAP, map), .make = make_attached,
};

static void make_in_reservation(struct world *world, void *arg)
{
	detach(world->fd, world->device, NULL);
	attach(world->fd, world->chooses, world->device, NULL);
	make_map_reserved(world, arg);
}

FIXTURE_VARIANT_ADD(command, map_reserved_in_use) {
	COMMAND(MAP, map), .make = make_in_reservation,
};

/* The first map of a file, for which nobody has paid before. */
static void make_first_map(struct world *world, void *arg)
{
	struct v3compat_map *map = arg;
	unsigned int tries;

	close(world->fd);
	world->fd = open_v3compat();
	/* It is the file's that was closed for a while. */
	for (tries = 0; tries < 10000; tries++) {
		if (create_device(world->fd, world->second, 0, NULL) != -EPERM)
			break;
		usleep(1000);
	}
	make_map(world, arg);
	map->object = create_domain(world->fd, V3COMPAT_DOMAIN_TRANSLATE, 40, NULL);
}

FIXTURE_VARIANT_ADD(command, map_first_of_a_file) {
	COMMAND(MAP, map), .make = make_first_map,
};

static void make_chooser(struct world *world, void *arg)
{
	struct v3compat_domain_create *create = arg;

	create->address_width = 40;
}

FIXTURE_VARIANT_ADD(command, domain_create_that_chooses) {
	COMMAND(DOMAIN_CREATE, domain_create), .make = make_chooser,
	.handle = NEW(domain_create, out_domain),
};

static void make_unmanaged_domain(struct world *world, void *arg)
{
	struct v3compat_domain_create *create = arg;

	create->type = V3COMPAT_DOMAIN_UNMANAGED;
}

FIXTURE_VARIANT_ADD(command, domain_create_unmanaged) {
	COMMAND(DOMAIN_CREATE, domain_create), .make = make_unmanaged_domain,
	.handle = NEW(domain_create, out_domain),
};

static void make_fixed_reserve(struct world *world, void *arg)
{
	struct v3compat_reserve *reserve = arg;

	reserve->domain = world->domain;
	reserve->flags = V3COMPAT_MAP_FIXED;
	reserve->address = 8 * AT;
	reserve->length = 4 * PAGE;
}

FIXTURE_VARIANT_ADD(command, reserve_fixed) {
	COMMAND(RESERVE, reserve), .make = make_fixed_reserve,
	.handle = NEW(reserve, out_reservation),
};

/* The first object of a user of whom the module knows nothing yet. */
static void make_first_object(struct world *world, void *arg)
{
	static unsigned int user = 20000;

	if (setresuid(user++, -1, -1))
		perror("setresuid");
}

FIXTURE_VARIANT_ADD(command, domain_create_first_of_a_user) {
	COMMAND(DOMAIN_CREATE, domain_create), .make = make_first_object,
	.handle = NEW(domain_create, out_domain),
};

/* Programs that know more than the module, but want nothing of that. */
#define NEWER	8

FIXTURE_VARIANT_ADD(command, domain_query_of_a_newer_program) {
	.ioctl = V3COMPAT_IOCTL_DOMAIN_QUERY, .make = make_domain_query,
	.size = sizeof(struct v3compat_domain_query) + NEWER,
	.result = offsetof(struct v3compat_domain_query, result),
};

static void make_newer_batch(struct world *world, void *arg)
{
	static char entry[sizeof(struct v3compat_batch_entry) + NEWER];
	struct v3compat_batch *batch = arg;

	*(struct v3compat_batch_entry *)entry = map_entry(world);
	batch->entries = (uintptr_t)entry;
	batch->count = 1;
	batch->entry_size = sizeof(entry);
}

FIXTURE_VARIANT_ADD(command, batch_of_a_newer_program) {
	COMMAND(BATCH, batch), .make = make_newer_batch,
};

/* A domain with tables of the caller's, which are mirrored for the first time. */
static void make_attach_of_tables(struct world *world, void *arg)
{
	struct v3compat_domain_configure configure = {};
	struct v3compat_attach *attach = arg;

	detach(world->fd, world->device, NULL);
	destroy(world->fd, world->unmanaged, NULL);
	world->unmanaged = create_domain(world->fd, V3COMPAT_DOMAIN_UNMANAGED, 0, NULL);
	make_domain_configure(world, &configure);
	CALL(world->fd, DOMAIN_CONFIGURE, &configure);
	attach->domain = world->unmanaged;
	attach->object = world->device;
}

FIXTURE_VARIANT_ADD(command, attach_with_tables) {
	COMMAND(ATTACH, attach), .make = make_attach_of_tables,
};

static void make_configure_identity(struct world *world, void *arg)
{
	struct v3compat_domain_configure *configure = arg;

	configure->domain = world->unmanaged;
	configure->format = V3COMPAT_TABLES_IDENTITY;
}

FIXTURE_VARIANT_ADD(command, domain_configure_identity) {
	COMMAND(DOMAIN_CONFIGURE, domain_configure), .make = make_configure_identity,
};

static bool undo_sva(struct world *world, void *at, int ret)
{
	struct v3compat_pasid_create *create = at;

	return !detach(world->fd, create->out_pasid, NULL) &&
	       !destroy(world->fd, create->out_pasid, NULL);
}

static void make_sva(struct world *world, void *arg)
{
	struct v3compat_pasid_create *create = arg;

	make_pasid_create(world, arg);
	create->flags = V3COMPAT_PASID_SVA;
}

FIXTURE_VARIANT_ADD(command, pasid_create_for_a_process) {
	COMMAND(PASID_CREATE, pasid_create), .make = make_sva, .undo = undo_sva,
};

static void make_detach_of_process(struct world *world, void *arg)
{
	static int pasid;
	struct v3compat_pasid_create create = {};
	struct v3compat_attach *detach = arg;

	/* It cannot be destroyed while the process is bound to it. */
	if (!pasid || !destroy(world->fd, pasid, NULL)) {
		make_sva(world, &create);
		CALL(world->fd, PASID_CREATE, &create);
		pasid = create.out_pasid;
	}
	detach->object = pasid;
}

FIXTURE_VARIANT_ADD(command, detach_of_process) {
	COMMAND(DETACH, attach), .make = make_detach_of_process,
};

/* struct asking: a sub-device asks for a page, in a thread that waits for the answer. */
static struct asking {
	struct iommusim_ioc_dma dma;
	unsigned long long value, cookie;
	int fd, events;
	pthread_t thread;
	bool waits;
} asking;

#define ASKED_AT	(64ULL << 30)

static void *run_asking(void *arg)
{
	ioctl(asking.fd, IOMMUSIM_IOC_DMA, &asking.dma);
	return NULL;
}

static bool is_answered(struct world *world)
{
	struct iommusim_ioc_stats stats = { .size = sizeof(stats), .sim_id = world->sim.iommu };

	return !ioctl(world->sim.fd, IOMMUSIM_IOC_STATS, &stats) && !stats.out_unanswered;
}

/* ask() has a sub-device that is attached to world->domain ask for the page at ASKED_AT. */
static void ask(struct world *world)
{
	struct v3compat_pasid_create pasid = { .device = world->device };
	struct v3compat_events_open open = {
		.device = world->device, .mask = 1u << V3COMPAT_EVENT_PAGE_REQUEST,
	};
	struct v3compat_event event = {};

	if (!asking.fd) {
		if (CALL(world->fd, PASID_CREATE, &pasid) ||
		    attach(world->fd, world->domain, pasid.out_pasid, NULL) ||
		    CALL(world->fd, EVENTS_OPEN, &open))
			return;
		asking.fd = world->sim.fd;
		asking.events = open.out_fd;
		asking.dma = (struct iommusim_ioc_dma) {
			.size = sizeof(asking.dma), .flags = IOMMUSIM_DMA_PAGE_REQUESTS,
			.device_id = world->sim.device, .pasid = pasid.out_number,
			.address = ASKED_AT, .length = sizeof(asking.value),
			.data = (uintptr_t)&asking.value,
		};
	}
	asking.waits = !pthread_create(&asking.thread, NULL, run_asking, &asking);
	if (asking.waits && read(asking.events, &event, sizeof(event)) == sizeof(event))
		asking.cookie = event.cookie;
}

/* answer_with() is about the request that is not answered yet, or a new one. */
static void answer_with(struct world *world, void *arg, unsigned int code)
{
	struct v3compat_page_response *response = arg;

	if (asking.waits && is_answered(world)) {
		pthread_join(asking.thread, NULL);
		asking.waits = false;
	}
	unmap(world->fd, world->domain, ASKED_AT, PAGE, NULL);
	if (!asking.waits)
		ask(world);
	if (code == V3COMPAT_PAGE_RETRY)
		map_fixed(world->fd, world->domain, world->memory, PAGE, ASKED_AT);
	response->device = world->device;
	response->cookie = asking.cookie;
	response->code = code;
}

static void make_retry(struct world *world, void *arg)
{
	answer_with(world, arg, V3COMPAT_PAGE_RETRY);
}

static void make_refuse(struct world *world, void *arg)
{
	answer_with(world, arg, V3COMPAT_PAGE_REFUSE);
}

FIXTURE_VARIANT_ADD(command, page_response_to_retry) {
	COMMAND(PAGE_RESPONSE, page_response), .make = make_retry,
};

FIXTURE_VARIANT_ADD(command, page_response_to_refuse) {
	COMMAND(PAGE_RESPONSE, page_response), .make = make_refuse,
};

/* Entries of a batch of several: maps of all kinds, and unmaps that are done together. */
#define ENTRIES	6

static struct v3compat_batch_entry entries[ENTRIES];
static struct v3compat_info before_entries;

static struct v3compat_batch_entry unmap_entry(struct world *world, unsigned long long address)
{
	map_fixed(world->fd, world->domain, world->memory, PAGE, address);
	return (struct v3compat_batch_entry) {
		.command = V3COMPAT_CMD_UNMAP,
		.unmap = {
			.size = sizeof(struct v3compat_unmap), .object = world->domain,
			.address = address, .length = PAGE,
		},
	};
}

static void make_batch_of_several(struct world *world, void *arg)
{
	struct v3compat_batch *batch = arg;

	before_entries = info_of(world->fd);
	entries[0] = map_entry(world);
	entries[1] = unmap_entry(world, AT + world->next);
	entries[2] = unmap_entry(world, AT + world->next + 2 * PAGE);
	entries[3] = unmap_entry(world, AT + world->next + 4 * PAGE);
	entries[4] = (struct v3compat_batch_entry) { .command = V3COMPAT_CMD_MAP };
	make_map_registered(world, &entries[4].map);
	entries[4].map.size = sizeof(entries[4].map);
	entries[5] = unmap_entry(world, AT + world->next + 6 * PAGE);
	world->next += 8 * PAGE;
	batch->entries = (uintptr_t)entries;
	batch->count = ENTRIES;
	batch->entry_size = sizeof(entries[0]);
}

/* undo_entries(): what a batch says that it has done it has done, and nothing else. */
static bool undo_entries(struct world *world, void *at, int ret)
{
	const struct v3compat_batch *batch = at;
	const struct v3compat_map *map;
	struct v3compat_info now;
	bool good = true;
	int i;

	for (i = 0; i < ENTRIES; i++) {
		map = &entries[i].map;
		if (entries[i].command == V3COMPAT_CMD_MAP && i < ret)
			good &= !unmap(world->fd, map->object, map->address, map->source.length,
				       NULL);
		if (entries[i].command == V3COMPAT_CMD_UNMAP)
			good &= unmap(world->fd, world->domain, entries[i].unmap.address, PAGE,
				      NULL) == (i < ret ? -ENOENT : 0);
	}
	now = info_of(world->fd);
	return good && now.out_mapped.used == before_entries.out_mapped.used &&
	       (ret == ENTRIES || batch->result.out_reason == REASON(NO_MEMORY) ||
		is_bad_memory(&batch->result));
}

FIXTURE_VARIANT_ADD(command, batch_of_several) {
	COMMAND(BATCH, batch), .make = make_batch_of_several, .undo = undo_entries,
};

/* use_device() has the commands of a device's descriptor go to this one. */
static void use_device(struct world *world, int device)
{
	close(world->device_fd);
	world->device_fd = open_fd(world->fd, device);
	world->device = device;
}

/* count_interrupts() has one interrupt of this kind, or none any more, told to an eventfd. */
static void count_interrupts(struct world *world, void *arg, unsigned int type)
{
	static int event = -1;
	struct v3compat_interrupt_set *set = arg, none = {};

	if (event < 0)
		event = eventfd(0, EFD_CLOEXEC);
	CALL(world->device_fd, INTERRUPT_SET, &none);
	set->type = type;
	set->count = 1;
	set->fds = (uintptr_t)&event;
}

/* use_platform() has the world's device be one with memory and an interrupt. */
static void use_platform(struct world *world)
{
	static int device;
	char name[IOMMUSIM_NAME_SIZE];

	if (device || add_device(&world->sim, 0, IOMMUSIM_DEVICE_RESOURCES, NULL, 0, name) < 0)
		return;
	device = create_device(world->fd, name, 0, NULL);
	use_device(world, device);
}

static void make_wired(struct world *world, void *arg)
{
	use_platform(world);
	count_interrupts(world, arg, V3COMPAT_INTERRUPT_WIRED);
}

FIXTURE_VARIANT_ADD(command, interrupt_set_wired) {
	COMMAND(INTERRUPT_SET, interrupt_set), .make = make_wired,
};

static void make_region_query(struct world *world, void *arg)
{
	use_platform(world);
}

FIXTURE_VARIANT_ADD(command, region_query_of_memory) {
	COMMAND(REGION_QUERY, region_query), .make = make_region_query,
};

static void make_msi(struct world *world, void *arg)
{
	count_interrupts(world, arg, V3COMPAT_INTERRUPT_MSI);
}

static void make_intx(struct world *world, void *arg)
{
	count_interrupts(world, arg, V3COMPAT_INTERRUPT_INTX);
}

/* From one kind to another, which the device cannot have both. */
static void make_other_interrupts(struct world *world, void *arg)
{
	struct v3compat_interrupt_set set = {};

	count_interrupts(world, &set, V3COMPAT_INTERRUPT_INTX);
	CALL(world->device_fd, INTERRUPT_SET, &set);
	set.type = V3COMPAT_INTERRUPT_MSI;
	*(struct v3compat_interrupt_set *)arg = set;
}

static char pci_name[64];

static void make_pci_device(struct world *world, void *arg)
{
	struct v3compat_device_create *create = arg;

	destroy(world->fd, world->device, NULL);
	create->name = name_of("pci", pci_name);
}

static void make_destroy_pci(struct world *world, void *arg)
{
	int device = create_pci(world->fd, pci_name, 0, NULL);

	if (device > 0)
		world->device = device;
	make_destroy_of(world, arg, world->device);
}

FIXTURE_VARIANT_ADD(command, pci_device_create) {
	COMMAND(DEVICE_CREATE, device_create), .make = make_pci_device, .pci = true,
	.handle = NEW(device_create, out_device),
};

FIXTURE_VARIANT_ADD(command, pci_destroy) {
	COMMAND(DESTROY, destroy), .make = make_destroy_pci, .pci = true,
};

FIXTURE_VARIANT_ADD(command, pci_device_open) {
	COMMAND(DEVICE_OPEN, device_open), .make = make_device_open, .pci = true,
	.fd = NEW(device_open, out_fd),
};

FIXTURE_VARIANT_ADD(command, pci_attach) {
	COMMAND(ATTACH, attach), .make = make_attach, .pci = true,
};

FIXTURE_VARIANT_ADD(command, pci_detach) {
	COMMAND(DETACH, attach), .make = make_detach_of_device, .pci = true,
};

FIXTURE_VARIANT_ADD(command, pci_region_query) {
	COMMAND(REGION_QUERY, region_query), .make = make_nothing, .pci = true,
};

FIXTURE_VARIANT_ADD(command, pci_interrupt_set_msi) {
	COMMAND(INTERRUPT_SET, interrupt_set), .make = make_msi, .pci = true,
};

FIXTURE_VARIANT_ADD(command, pci_interrupt_set_intx) {
	COMMAND(INTERRUPT_SET, interrupt_set), .make = make_intx, .pci = true,
};

FIXTURE_VARIANT_ADD(command, pci_interrupt_set_from_intx_to_msi) {
	COMMAND(INTERRUPT_SET, interrupt_set), .make = make_other_interrupts, .pci = true,
};

FIXTURE_VARIANT_ADD(command, pci_reset) {
	COMMAND(RESET, reset), .make = make_nothing, .pci = true,
};

/* claim_pci() has the world's device be an edu. False when the machine has none with a reset. */
static bool claim_pci(struct world *world)
{
	int device;

	if (!find_pci(EDU, has_reset, 0, pci_name, sizeof(pci_name)) || bind_pci(pci_name, DRIVER))
		return false;
	device = create_pci(world->fd, pci_name, 0, NULL);
	use_device(world, device);
	return device > 0 && world->device_fd >= 0;
}

#define INJECTORS	"/sys/kernel/debug/"

/* set_all() writes a setting of all injectors. Returns 0 or an errno, negative. */
static int set_all(const char *setting, const char *format, unsigned long value)
{
	static const char *const injectors[] = { "failslab", "fail_page_alloc", "fail_usercopy" };
	char path[PATH_MAX], text[32];
	unsigned int i;
	int ret = 0;

	snprintf(text, sizeof(text), format, value);
	for (i = 0; !ret && i < ARRAY_SIZE(injectors); i++) {
		snprintf(path, sizeof(path), INJECTORS "%s/%s", injectors[i], setting);
		ret = write_file(path, text);
	}
	return ret;
}

/* The injector, the allocator, and who calls it. */
#define NEAREST	4

/*
 * aim_injectors() lets allocations fail that may sleep, and of single pages, too. With @own it lets
 * those alone fail that v3compat itself makes, because the PCI core, ACPI, interrupts and
 * the IOMMU core warn, or use what was freed, when theirs fail.
 */
static int aim_injectors(bool own)
{
	static const char *const settings[][2] = {
		{ "failslab/ignore-gfp-wait", "N" }, { "fail_page_alloc/ignore-gfp-wait", "N" },
		{ "fail_page_alloc/min-order", "0" },
	};
	unsigned long text = kcov_section(".text"), size = 0;
	FILE *file = fopen("/sys/module/v3compat/coresize", "re");
	char path[PATH_MAX];
	unsigned int i;
	int ret = 0;

	if (!file || fscanf(file, "%lu", &size) != 1)
		ret = -ENOENT;
	if (file)
		fclose(file);
	for (i = 0; !ret && i < ARRAY_SIZE(settings); i++) {
		snprintf(path, sizeof(path), INJECTORS "%s", settings[i][0]);
		ret = write_file(path, settings[i][1]);
	}
	return ret ?: set_all("verbose", "%lu", 0) ?:
	       set_all("stacktrace-depth", "%lu", own ? NEAREST : 32) ?:
	       set_all("require-start", "%#lx", own ? text : 0) ?:
	       set_all("require-end", "%#lx", own ? text + size : ~0UL);
}

/*
 * send_failing() sends the command with its @nth place failing. @reached is whether it has so many.
 * Reading the file is an access to memory, too: when it fails, one place was left for it.
 */
static int send_failing(struct world *world, VARIANT, void *at, int fail, unsigned int nth,
			bool *reached)
{
	char text[16];
	ssize_t length;
	int ret;

	length = snprintf(text, sizeof(text), "%u", nth);
	if (pwrite(fail, text, length, 0) != length)
		return -errno;
	kcov_discard();
	ret = send_to(world, variant, at);
	kcov_collect();
	length = pread(fail, text, sizeof(text) - 1, 0);
	*reached = length > 0 && text[0] == '0';
	if (length > 0 && !*reached && pwrite(fail, "0", 1, 0) != 1)
		pwrite(fail, "0", 1, 0);
	return ret;
}

/* leaves_of() counts what is mapped, as the IOMMU has it. */
static unsigned long long leaves_of(struct sim *sim)
{
	struct iommusim_ioc_stats stats = { .size = sizeof(stats), .sim_id = sim->iommu };

	if (ioctl(sim->fd, IOMMUSIM_IOC_STATS, &stats))
		return ~0ULL;
	return stats.out_leaf_4k + 512 * stats.out_leaf_2m;
}

/*
 * is_refused_well(): without memory for the command itself, or for its answer, there is no result
 * that could say why.
 */
static bool is_refused_well(VARIANT, int ret, void *at)
{
	struct v3compat_result *result = result_of(variant, at);

	if (ret == -EFAULT)
		return is_bad_memory(result);
	if (variant->reason && ret == -errno_of(variant->reason))
		return true;
	if (!result)
		return ret == -ENOMEM;
	return is_refusal(ret, result, REASON(NO_MEMORY), PARAM(NONE)) &&
	       result->out_status == STATUS_INSUFFICIENT_RESOURCES;
}

/* mirrors(): a refusal may leave such a domain with nothing mirrored, see v3compat.rst. */
static bool mirrors(VARIANT)
{
	return variant->make == make_unmanaged || variant->make == make_flush_of_pages ||
	       variant->make == make_flush_list;
}

/*
 * fail_each() returns how many places of the command can fail. @faults gets how many were copies
 * without which there is no answer.
 */
static unsigned int fail_each(struct __test_metadata *_metadata, struct world *world, VARIANT,
			      int fail, unsigned int *faults)
{
	char *at = world->arena;
	unsigned long long leaves;
	struct state before;
	unsigned int nth;
	bool reached;
	long pinned;
	int ret;

	for (nth = 1; nth < MAX_NTH; nth++) {
		put_command(world, variant, at);
		before = state_of(world->fd);
		pinned = pinned_kib();
		leaves = leaves_of(&world->sim);
		ret = send_failing(world, variant, at, fail, nth, &reached);
		*faults += ret == -EFAULT;
		if (ret >= 0) {
			EXPECT_TRUE(undo(world, variant, at, ret))
				TH_LOG("place %u", nth);
		} else {
			EXPECT_TRUE(is_refused_well(variant, ret, at))
				TH_LOG("place %u", nth);
			EXPECT_TRUE(is_unchanged(world->fd, &before))
				TH_LOG("place %u", nth);
			EXPECT_EQ(pinned, pinned_kib());
			if (!mirrors(variant))
				EXPECT_EQ(leaves, leaves_of(&world->sim));
		}
		if (!reached)
			break;
	}
	EXPECT_TRUE(variant->reason || ret >= 0)
		TH_LOG("refused with nothing failing: %d", ret);
	return nth - 1;
}

TEST_F_TIMEOUT(command, succeeds_or_changes_nothing_when_a_place_fails, 600)
{
	int fail = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	unsigned int places, faults = 0;

	if (fail < 0)
		SKIP(return, "the kernel injects no failures");
	if (variant->pci && !claim_pci(&self->world))
		SKIP(return, "the machine has no edu that can be reset");
	ASSERT_EQ(0, kcov_start());
	ASSERT_EQ(0, aim_injectors(variant->pci));
	places = fail_each(_metadata, &self->world, variant, fail, &faults);
	/* At least the struct is read. */
	EXPECT_LE(1, places);
	EXPECT_LE(1, faults);
	EXPECT_GT(MAX_NTH - 1, places);
	/* What went before has left nothing that is in the way. */
	EXPECT_LE(1, fail_each(_metadata, &self->world, variant, fail, &faults));
	TH_LOG("%u places", places);
	close(fail);
}

/* struct other: what is no command, but allocates or writes to the caller, too. */
struct other {
	struct world *world;
	int fd;		/* of events */
	int ret;	/* 0, or an errno, negative */
};

static void open_file(struct other *other)
{
	int fd = open_v3compat();

	other->ret = fd < 0 ? -errno : 0;
	if (fd >= 0)
		close(fd);
}

static void read_listing(struct other *other)
{
	int fd = open("/sys/kernel/debug/v3compat/files", O_RDONLY | O_CLOEXEC);
	char text[4096];

	other->ret = fd < 0 || read(fd, text, sizeof(text)) < 0 ? -errno : 0;
	if (fd >= 0)
		close(fd);
}

static void read_event(struct other *other)
{
	struct v3compat_event event;

	/* There is none any more when a place has failed that is not needed. */
	other->ret = read(other->fd, &event, sizeof(event)) < 0 && errno != EAGAIN ? -errno : 0;
}

/* fail_other() has each place of @call fail, and returns how many there are. */
static unsigned int fail_other(struct __test_metadata *_metadata, struct other *other, int fail,
			       void (*call)(struct other *other))
{
	static unsigned int user = 30000;
	unsigned int nth;
	char text[16];
	ssize_t length;
	bool reached;

	for (nth = 1; nth < MAX_NTH; nth++) {
		/* One of whom the module knows nothing yet. */
		ASSERT_EQ(0, setresuid(user++, -1, -1));
		length = snprintf(text, sizeof(text), "%u", nth);
		ASSERT_EQ(length, pwrite(fail, text, length, 0));
		kcov_discard();
		call(other);
		kcov_collect();
		length = pread(fail, text, sizeof(text) - 1, 0);
		reached = length > 0 && text[0] == '0';
		if (length > 0 && !reached && pwrite(fail, "0", 1, 0) != 1)
			pwrite(fail, "0", 1, 0);
		if (other->ret)
			EXPECT_TRUE(other->ret == -ENOMEM || other->ret == -EFAULT)
				TH_LOG("place %u: %d", nth, other->ret);
		if (!reached)
			break;
	}
	EXPECT_EQ(0, other->ret);
	return nth - 1;
}

FIXTURE(other) {
	struct world world;
};

FIXTURE_SETUP(other)
{
	ASSERT_EQ(0, open_world(&self->world));
}

FIXTURE_TEARDOWN(other)
{
	close_world(&self->world);
}

TEST_F_TIMEOUT(other, calls_succeed_or_change_nothing_when_a_place_fails, 600)
{
	int fail = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	struct v3compat_events_open open_events = {
		.device = self->world.device, .mask = 1u << V3COMPAT_EVENT_STATE,
	};
	struct other other = { .world = &self->world };

	if (fail < 0)
		SKIP(return, "the kernel injects no failures");
	ASSERT_EQ(0, aim_injectors(false));
	ASSERT_EQ(0, kcov_start());
	EXPECT_LE(1, fail_other(_metadata, &other, fail, open_file));
	EXPECT_LE(1, fail_other(_metadata, &other, fail, read_listing));
	/* One that could not be read is there still. */
	ASSERT_EQ(0, CALL(self->world.fd, EVENTS_OPEN, &open_events));
	other.fd = open_events.out_fd;
	ASSERT_EQ(0, fcntl(other.fd, F_SETFL, O_NONBLOCK));
	EXPECT_LE(1, fail_other(_metadata, &other, fail, read_event));
	close(other.fd);
	close(fail);
}

/* Each test is a process of its own. What all have reached the one prints that forks them. */
static pid_t main_process;

static __attribute__((constructor)) void begin(void)
{
	main_process = getpid();
	kcov_prepare();
}

static __attribute__((destructor)) void end(void)
{
	if (getpid() == main_process)
		kcov_print();
}

TEST_HARNESS_MAIN
