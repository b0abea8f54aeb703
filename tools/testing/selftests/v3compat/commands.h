/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every command of /dev/v3compat with everything right, as variants of the fixture "command", on a
 * file that has an object of each kind. For programs that do something wrong with each of them.
 */
#ifndef V3COMPAT_SELFTEST_COMMANDS_H
#define V3COMPAT_SELFTEST_COMMANDS_H

#include <stddef.h>

#include "refusal.h"

#include "../kselftest_harness.h"

#define AT	0x40000000ULL
#define RW	(V3COMPAT_READ | V3COMPAT_WRITE)
#define POISON	0xcc

enum kind { DOMAIN = 1, DEVICE = 2, PASID = 4, RESERVATION = 8, MEMORY = 16, ANY = 31 };

/* struct world: a file with an object of each kind. */
struct world {
	struct sim sim;
	char second[IOMMUSIM_NAME_SIZE];
	int fd;
	int other;
	int device_fd;
	int domain;
	int chooses;
	int unmanaged;
	int device;
	int pasid;
	int reservation;
	int registered;
	int foreign;		/* means something in @other only */
	unsigned long long next;
	char *memory;
	char *arena;		/* four pages below 4 GiB */
};

/* open_world() returns 0, or the number of the step that failed. */
static int open_world(struct world *world)
{
	struct sim_config config = {
		.max_pasids = 64, .features = IOMMUSIM_PAGE_REQUESTS | IOMMUSIM_SVA,
	};
	struct v3compat_pasid_create pasid = {};
	struct v3compat_reserve reserve = { .length = 4 * PAGE };
	struct v3compat_device_open open = {};
	int ret, i;

	memset(world, 0, sizeof(*world));
	ret = open_sim(&world->sim, &config);
	if (ret == -EOPNOTSUPP) {
		/* A kernel that lacks them. */
		close_sim(&world->sim);
		config.features = 0;
		ret = open_sim(&world->sim, &config);
	}
	if (ret || add_device(&world->sim, 0, 0, NULL, 0, world->second) < 0)
		return 1;
	world->fd = open_v3compat();
	world->other = open_v3compat();
	if (world->fd < 0 || world->other < 0)
		return 2;
	for (i = 0; i < 20; i++)
		world->foreign = create_domain(world->other, V3COMPAT_DOMAIN_TRANSLATE, 0, NULL);
	world->device = create_device(world->fd, world->sim.name, V3COMPAT_DEVICE_TAGGED, NULL);
	world->domain = create_domain(world->fd, V3COMPAT_DOMAIN_TRANSLATE, 0, NULL);
	world->chooses = create_domain(world->fd, V3COMPAT_DOMAIN_TRANSLATE, 40, NULL);
	world->unmanaged = create_domain(world->fd, V3COMPAT_DOMAIN_UNMANAGED, 0, NULL);
	if (world->foreign < 0 || world->device < 0 || world->domain < 0 || world->chooses < 0 ||
	    world->unmanaged < 0)
		return 3;
	pasid.device = world->device;
	reserve.domain = world->chooses;
	open.device = world->device;
	if (CALL(world->fd, PASID_CREATE, &pasid) || CALL(world->fd, RESERVE, &reserve) ||
	    CALL(world->fd, DEVICE_OPEN, &open))
		return 4;
	world->pasid = pasid.out_pasid;
	world->reservation = reserve.out_reservation;
	world->device_fd = open.out_fd;
	world->memory = new_memory(16 * PAGE);
	world->arena = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	if (!world->memory || world->arena == MAP_FAILED)
		return 5;
	world->registered = create_memory(world->fd, world->memory + 8 * PAGE, 8 * PAGE, 0, NULL);
	return world->registered < 0 ? 6 : 0;
}

static void close_world(struct world *world)
{
	close(world->device_fd);
	close(world->fd);
	close(world->other);
	close_sim(&world->sim);
}

/* struct place: of a field; a table of them ends with a @size of 0. */
struct place {
	unsigned short offset;
	unsigned short size;
};

#define PLACE(type, member) { offsetof(struct v3compat_##type, member),		\
			      sizeof(((struct v3compat_##type *)0)->member) }

struct handle {
	unsigned short offset;
	unsigned short kinds;	/* 0 ends a table */
	unsigned int parameter;
	bool may_be_none;
};

#define HANDLE(type, member, kinds, parameter, ...)				\
	{ offsetof(struct v3compat_##type, member), kinds, PARAM(parameter), ##__VA_ARGS__ }

FIXTURE(command) {
	struct world world;
};

/* A command with everything right, which nothing stands against but @reason, if that is not 0. */
FIXTURE_VARIANT(command) {
	unsigned int ioctl;
	unsigned int size;
	int result;		/* -1 where there is none */
	void (*make)(struct world *world, void *arg);
	unsigned int reason;
	unsigned int parameter;
	bool has_flags;
	unsigned int flags;	/* where they are */
	unsigned int known_flags;
	struct place reserved[6];
	struct handle handles[3];
	struct place outs[14];
	struct place inouts[2];
	int handle;		/* where the new handle is, or 0 */
	int fd;			/* where the new descriptor is, or 0 */
	bool pci;		/* whether the device is one of the machine's */
	/* what undo() does instead; @ret is what the command returned */
	bool (*undo)(struct world *world, void *at, int ret);
};

#define COMMAND(name, type)							\
	.ioctl = V3COMPAT_IOCTL_##name, .size = sizeof(struct v3compat_##type),	\
	.result = offsetof(struct v3compat_##type, result)
#define FLAGS(type, known)							\
	.has_flags = true, .flags = offsetof(struct v3compat_##type, flags),	\
	.known_flags = known
#define NEW(type, member)	offsetof(struct v3compat_##type, member)

static void make_nothing(struct world *world, void *arg)
{
}

FIXTURE_VARIANT_ADD(command, info) {
	.ioctl = V3COMPAT_IOCTL_INFO, .size = sizeof(struct v3compat_info), .result = -1,
	.make = make_nothing, FLAGS(info, 0),
	.outs = {
		PLACE(info, out_version), PLACE(info, out_max_entries),
		PLACE(info, out_max_regions), PLACE(info, out_max_flush),
		PLACE(info, out_objects), PLACE(info, out_pasids), PLACE(info, out_mapped),
		PLACE(info, out_reservation), PLACE(info, out_reserved), PLACE(info, out_events),
		PLACE(info, out_user_objects), PLACE(info, out_user_reserved),
		PLACE(info, out_pinned),
	},
};

static void make_destroy(struct world *world, void *arg)
{
	struct v3compat_destroy *destroy = arg;

	destroy->object = create_domain(world->fd, V3COMPAT_DOMAIN_TRANSLATE, 0, NULL);
}

FIXTURE_VARIANT_ADD(command, destroy) {
	COMMAND(DESTROY, destroy), .make = make_destroy,
	.handles = { HANDLE(destroy, object, ANY, OBJECT) },
};

FIXTURE_VARIANT_ADD(command, domain_create) {
	COMMAND(DOMAIN_CREATE, domain_create), .make = make_nothing, FLAGS(domain_create, 0),
	.outs = { PLACE(domain_create, out_domain) }, .handle = NEW(domain_create, out_domain),
};

static void make_domain_query(struct world *world, void *arg)
{
	struct v3compat_domain_query *query = arg;

	query->domain = world->domain;
}

FIXTURE_VARIANT_ADD(command, domain_query) {
	COMMAND(DOMAIN_QUERY, domain_query), .make = make_domain_query,
	.handles = { HANDLE(domain_query, domain, DOMAIN, DOMAIN) },
	.outs = {
		PLACE(domain_query, out_type), PLACE(domain_query, out_flags),
		PLACE(domain_query, out_last), PLACE(domain_query, out_page_sizes),
		PLACE(domain_query, out_alignment), PLACE(domain_query, out_ranges),
	},
};

static void make_domain_configure(struct world *world, void *arg)
{
	struct v3compat_domain_configure *configure = arg;

	configure->domain = world->unmanaged;
	configure->memory = world->registered;
	configure->format = V3COMPAT_TABLES_X64;
	configure->width = 48;
}

FIXTURE_VARIANT_ADD(command, domain_configure) {
	COMMAND(DOMAIN_CONFIGURE, domain_configure), .make = make_domain_configure,
	.reserved = {
		PLACE(domain_configure, root_high), PLACE(domain_configure, width_high),
	},
	.handles = {
		HANDLE(domain_configure, domain, DOMAIN, DOMAIN),
		HANDLE(domain_configure, memory, MEMORY, MEMORY),
	},
};

static void make_domain_flush(struct world *world, void *arg)
{
	struct v3compat_domain_flush *flush = arg;

	flush->domain = world->domain;
}

FIXTURE_VARIANT_ADD(command, domain_flush) {
	COMMAND(DOMAIN_FLUSH, domain_flush), .make = make_domain_flush,
	.reserved = { PLACE(domain_flush, __reserved) },
	.handles = { HANDLE(domain_flush, domain, DOMAIN, DOMAIN) },
};

static void make_device_create(struct world *world, void *arg)
{
	struct v3compat_device_create *create = arg;

	create->name = name_of("platform", world->second);
}

FIXTURE_VARIANT_ADD(command, device_create) {
	COMMAND(DEVICE_CREATE, device_create), .make = make_device_create,
	FLAGS(device_create, V3COMPAT_DEVICE_TAGGED | V3COMPAT_DEVICE_SUPPRESS_FAULTS),
	.reserved = { PLACE(device_create, __reserved) },
	.outs = { PLACE(device_create, out_device) }, .handle = NEW(device_create, out_device),
};

static void make_device_query(struct world *world, void *arg)
{
	struct v3compat_device_query *query = arg;

	query->device = world->device;
}

#define DEVICE_QUERY_OUTS {							\
	PLACE(device_query, out_flags), PLACE(device_query, out_types),		\
	PLACE(device_query, out_pasid_types), PLACE(device_query, out_max_pasids), \
	PLACE(device_query, out_input_mapping),					\
	PLACE(device_query, out_blocker_reason),				\
	PLACE(device_query, out_faults_lost), PLACE(device_query, out_iommu),	\
	PLACE(device_query, out_blocker),					\
}

FIXTURE_VARIANT_ADD(command, device_query) {
	COMMAND(DEVICE_QUERY, device_query), .make = make_device_query,
	.reserved = { PLACE(device_query, name) },
	.handles = { HANDLE(device_query, device, DEVICE, DEVICE, .may_be_none = true) },
	.outs = DEVICE_QUERY_OUTS,
};

static void make_query_by_name(struct world *world, void *arg)
{
	struct v3compat_device_query *query = arg;

	query->name = name_of("platform", world->second);
}

FIXTURE_VARIANT_ADD(command, device_query_by_name) {
	COMMAND(DEVICE_QUERY, device_query), .make = make_query_by_name, .outs = DEVICE_QUERY_OUTS,
};

static void make_device_open(struct world *world, void *arg)
{
	struct v3compat_device_open *open = arg;

	open->device = world->device;
}

FIXTURE_VARIANT_ADD(command, device_open) {
	COMMAND(DEVICE_OPEN, device_open), .make = make_device_open, FLAGS(device_open, 0),
	.handles = { HANDLE(device_open, device, DEVICE, DEVICE) },
	.outs = { PLACE(device_open, out_fd) }, .fd = NEW(device_open, out_fd),
};

static void make_input_mappings(struct world *world, void *arg)
{
	struct v3compat_input_mappings *mappings = arg;

	mappings->device = world->device;
}

FIXTURE_VARIANT_ADD(command, input_mappings) {
	COMMAND(INPUT_MAPPINGS, input_mappings), .make = make_input_mappings,
	.handles = { HANDLE(input_mappings, device, DEVICE, DEVICE) },
	.outs = { PLACE(input_mappings, out_ids) },
};

static void make_pasid_create(struct world *world, void *arg)
{
	struct v3compat_pasid_create *create = arg;

	create->device = world->device;
}

FIXTURE_VARIANT_ADD(command, pasid_create) {
	COMMAND(PASID_CREATE, pasid_create), .make = make_pasid_create,
	FLAGS(pasid_create, V3COMPAT_PASID_SVA),
	.reserved = { PLACE(pasid_create, __reserved) },
	.handles = { HANDLE(pasid_create, device, DEVICE, DEVICE) },
	.outs = { PLACE(pasid_create, out_pasid), PLACE(pasid_create, out_number) },
	.handle = NEW(pasid_create, out_pasid),
};

static void make_attach(struct world *world, void *arg)
{
	struct v3compat_attach *attach = arg;

	detach(world->fd, world->device, NULL);
	attach->domain = world->domain;
	attach->object = world->device;
}

FIXTURE_VARIANT_ADD(command, attach) {
	COMMAND(ATTACH, attach), .make = make_attach, FLAGS(attach, 0),
	.handles = {
		HANDLE(attach, domain, DOMAIN, DOMAIN),
		HANDLE(attach, object, DEVICE | PASID, DEVICE),
	},
};

static void make_detach(struct world *world, void *arg)
{
	struct v3compat_attach *detach = arg;

	attach(world->fd, world->domain, world->pasid, NULL);
	detach->object = world->pasid;
}

FIXTURE_VARIANT_ADD(command, detach) {
	COMMAND(DETACH, attach), .make = make_detach, FLAGS(attach, 0),
	.reserved = { PLACE(attach, domain) },
	.handles = { HANDLE(attach, object, DEVICE | PASID, DEVICE) },
};

static void make_memory_create(struct world *world, void *arg)
{
	struct v3compat_memory_create *create = arg;

	create->source = user_memory(world->memory, 2 * PAGE);
}

FIXTURE_VARIANT_ADD(command, memory_create) {
	COMMAND(MEMORY_CREATE, memory_create), .make = make_memory_create,
	FLAGS(memory_create, V3COMPAT_MEMORY_READ_ONLY),
	.reserved = {
		PLACE(memory_create, __reserved), PLACE(memory_create, source.object),
		PLACE(memory_create, source.__reserved),
	},
	.outs = { PLACE(memory_create, out_memory) }, .handle = NEW(memory_create, out_memory),
};

#define MAP_FLAGS	(V3COMPAT_MAP_FIXED | V3COMPAT_MAP_MIN | V3COMPAT_MAP_MAX)

static void make_map(struct world *world, void *arg)
{
	struct v3compat_map *map = arg;

	map->object = world->chooses;
	map->permissions = RW;
	map->source = user_memory(world->memory, 2 * PAGE);
}

FIXTURE_VARIANT_ADD(command, map) {
	COMMAND(MAP, map), .make = make_map, FLAGS(map, MAP_FLAGS),
	.reserved = {
		PLACE(map, source.object), PLACE(map, source.__reserved), PLACE(map, address),
		PLACE(map, min), PLACE(map, max),
	},
	.handles = { HANDLE(map, object, DOMAIN | RESERVATION, OBJECT) },
	.inouts = { PLACE(map, address) },
};

static void make_map_registered(struct world *world, void *arg)
{
	struct v3compat_map *map = arg;

	make_map(world, arg);
	map->source.type = V3COMPAT_SOURCE_MEMORY;
	map->source.object = world->registered;
	map->source.start = PAGE;
}

FIXTURE_VARIANT_ADD(command, map_registered) {
	COMMAND(MAP, map), .make = make_map_registered, FLAGS(map, MAP_FLAGS),
	.reserved = { PLACE(map, source.__reserved) },
	.handles = {
		HANDLE(map, object, DOMAIN | RESERVATION, OBJECT),
		HANDLE(map, source.object, MEMORY, MEMORY),
	},
	.inouts = { PLACE(map, address) },
};

static void make_map_reserved(struct world *world, void *arg)
{
	struct v3compat_map *map = arg;

	make_map(world, arg);
	map->object = world->reservation;
	unmap(world->fd, world->reservation, 0, 2 * PAGE, NULL);
}

FIXTURE_VARIANT_ADD(command, map_reserved) {
	COMMAND(MAP, map), .make = make_map_reserved, FLAGS(map, 0),
	.reserved = {
		PLACE(map, source.object), PLACE(map, source.__reserved), PLACE(map, min),
		PLACE(map, max),
	},
	.handles = { HANDLE(map, object, DOMAIN | RESERVATION, OBJECT) },
};

static void make_unmap(struct world *world, void *arg)
{
	struct v3compat_unmap *unmap = arg;

	unmap->object = world->domain;
	unmap->address = AT + world->next;
	unmap->length = PAGE;
	map_fixed(world->fd, world->domain, world->memory, PAGE, unmap->address);
	world->next += PAGE;
}

FIXTURE_VARIANT_ADD(command, unmap) {
	COMMAND(UNMAP, unmap), .make = make_unmap, FLAGS(unmap, 0),
	.reserved = { PLACE(unmap, __reserved) },
	.handles = { HANDLE(unmap, object, DOMAIN | RESERVATION, OBJECT) },
};

static void make_reserve(struct world *world, void *arg)
{
	struct v3compat_reserve *reserve = arg;

	reserve->domain = world->chooses;
	reserve->length = 4 * PAGE;
}

FIXTURE_VARIANT_ADD(command, reserve) {
	COMMAND(RESERVE, reserve), .make = make_reserve, FLAGS(reserve, MAP_FLAGS),
	.reserved = { PLACE(reserve, address), PLACE(reserve, min), PLACE(reserve, max) },
	.handles = { HANDLE(reserve, domain, DOMAIN, DOMAIN) },
	.outs = { PLACE(reserve, out_reservation) }, .inouts = { PLACE(reserve, address) },
	.handle = NEW(reserve, out_reservation),
};

static void make_unmap_identity(struct world *world, void *arg)
{
	struct v3compat_identity *identity = arg, map = {};

	identity->domain = world->domain;
	identity->source.type = V3COMPAT_SOURCE_PHYSICAL;
	identity->source.start = (1 << 20) + world->next;
	identity->source.length = PAGE;
	world->next += PAGE;
	map = *identity;
	map.permissions = RW;
	memset(&map.result, 0, sizeof(map.result));
	CALL(world->fd, MAP_IDENTITY, &map);
}

static void make_map_identity(struct world *world, void *arg)
{
	struct v3compat_identity *identity = arg, unmap;

	make_unmap_identity(world, arg);
	unmap = *identity;
	memset(&unmap.result, 0, sizeof(unmap.result));
	CALL(world->fd, UNMAP_IDENTITY, &unmap);
	identity->permissions = RW;
}

FIXTURE_VARIANT_ADD(command, map_identity) {
	COMMAND(MAP_IDENTITY, identity), .make = make_map_identity, FLAGS(identity, 0),
	.reserved = { PLACE(identity, source.object), PLACE(identity, source.__reserved) },
	.handles = { HANDLE(identity, domain, DOMAIN, DOMAIN) },
};

FIXTURE_VARIANT_ADD(command, unmap_identity) {
	COMMAND(UNMAP_IDENTITY, identity), .make = make_unmap_identity, FLAGS(identity, 0),
	.reserved = {
		PLACE(identity, permissions), PLACE(identity, source.object),
		PLACE(identity, source.__reserved),
	},
	.handles = { HANDLE(identity, domain, DOMAIN, DOMAIN) },
};

static struct v3compat_batch_entry map_entry(struct world *world)
{
	struct v3compat_batch_entry entry = { .command = V3COMPAT_CMD_MAP };

	make_map(world, &entry.map);
	entry.map.size = sizeof(entry.map);
	return entry;
}

static void make_batch(struct world *world, void *arg)
{
	static struct v3compat_batch_entry entry;
	struct v3compat_batch *batch = arg;

	entry = map_entry(world);
	batch->entries = (uintptr_t)&entry;
	batch->count = 1;
	batch->entry_size = sizeof(entry);
}

FIXTURE_VARIANT_ADD(command, batch) {
	COMMAND(BATCH, batch), .make = make_batch, FLAGS(batch, 0),
};

static void make_events_open(struct world *world, void *arg)
{
	struct v3compat_events_open *open = arg;

	open->device = world->device;
	open->mask = 1u << V3COMPAT_EVENT_DEVICE_GONE;
}

FIXTURE_VARIANT_ADD(command, events_open) {
	COMMAND(EVENTS_OPEN, events_open), .make = make_events_open, FLAGS(events_open, 0),
	.reserved = { PLACE(events_open, __reserved) },
	.handles = { HANDLE(events_open, device, DEVICE, DEVICE) },
	.outs = { PLACE(events_open, out_fd) }, .fd = NEW(events_open, out_fd),
};

static void make_page_response(struct world *world, void *arg)
{
	struct v3compat_page_response *response = arg;

	response->device = world->device;
	response->cookie = 77;
}

FIXTURE_VARIANT_ADD(command, page_response) {
	COMMAND(PAGE_RESPONSE, page_response), .make = make_page_response,
	.reason = REASON(BAD_HANDLE), .parameter = PARAM(COOKIE),
	.reserved = { PLACE(page_response, __reserved) },
	.handles = { HANDLE(page_response, device, DEVICE, DEVICE) },
};

FIXTURE_VARIANT_ADD(command, guard_query) {
	COMMAND(GUARD_QUERY, guard_state), .make = make_nothing, FLAGS(guard_state, 0),
	.outs = { PLACE(guard_state, policy), PLACE(guard_state, locked) },
};

static void make_guard_set(struct world *world, void *arg)
{
	struct v3compat_guard_state *state = arg;

	state->flags = V3COMPAT_GUARD_SET_LOCKED;
}

FIXTURE_VARIANT_ADD(command, guard_set) {
	COMMAND(GUARD_SET, guard_state), .make = make_guard_set,
	FLAGS(guard_state, V3COMPAT_GUARD_SET_POLICY | V3COMPAT_GUARD_SET_LOCKED),
	.reserved = { PLACE(guard_state, policy) },
};

FIXTURE_VARIANT_ADD(command, region_query) {
	COMMAND(REGION_QUERY, region_query), .make = make_nothing,
	.outs = {
		PLACE(region_query, out_flags), PLACE(region_query, out_regions),
		PLACE(region_query, out_length), PLACE(region_query, out_offset),
		PLACE(region_query, out_hole), PLACE(region_query, out_hole_length),
	},
};

static void make_interrupt_query(struct world *world, void *arg)
{
	struct v3compat_interrupt_query *query = arg;

	query->type = V3COMPAT_INTERRUPT_WIRED;
}

FIXTURE_VARIANT_ADD(command, interrupt_query) {
	COMMAND(INTERRUPT_QUERY, interrupt_query), .make = make_interrupt_query,
	.outs = { PLACE(interrupt_query, out_count), PLACE(interrupt_query, out_flags) },
};

FIXTURE_VARIANT_ADD(command, interrupt_set) {
	COMMAND(INTERRUPT_SET, interrupt_set), .make = make_nothing,
	FLAGS(interrupt_set, V3COMPAT_INTERRUPT_UNMASK),
	.reserved = { PLACE(interrupt_set, fds) },
};

FIXTURE_VARIANT_ADD(command, reset) {
	COMMAND(RESET, reset), .make = make_nothing, FLAGS(reset, 0),
	.reason = REASON(NO_RESET), .parameter = PARAM(DEVICE),
};

#define VARIANT		FIXTURE_VARIANT(command) const *variant

FIXTURE_SETUP(command)
{
	ASSERT_EQ(0, open_world(&self->world));
}

FIXTURE_TEARDOWN(command)
{
	close_world(&self->world);
}

/* of_device() tells whether the command is one of a device's descriptor. */
static bool of_device(unsigned int ioctl)
{
	return (ioctl & 0xff) >= V3COMPAT_CMD_REGION_QUERY;
}

static int fd_of(struct world *world, VARIANT)
{
	return of_device(variant->ioctl) ? world->device_fd : world->fd;
}

static void set_size(void *at, unsigned int size)
{
	memcpy(at, &size, sizeof(size));
}

static void fill_places(void *at, const struct place *places, unsigned int max)
{
	unsigned int i;

	for (i = 0; i < max && places[i].size; i++)
		memset((char *)at + places[i].offset, POISON, places[i].size);
}

/* put_command() writes the command to @at; what only the kernel writes has some value. */
static void put_command(struct world *world, VARIANT, void *at)
{
	memset(at, 0, variant->size);
	fill_places(at, variant->outs, ARRAY_SIZE(variant->outs));
	variant->make(world, at);
	if (variant->result >= 0)
		memset((char *)at + variant->result, POISON,
		       offsetof(struct v3compat_result, __reserved));
	set_size(at, variant->size);
}

static int send_to(struct world *world, VARIANT, void *at)
{
	return call_(fd_of(world, variant), variant->ioctl, at);
}

static struct v3compat_result *result_of(VARIANT, void *at)
{
	return variant->result < 0 ? NULL : (void *)((char *)at + variant->result);
}

/*
 * undo() ends what a command has made that would be in the way of the same one. False when that is
 * not what the command returned.
 */
static bool undo(struct world *world, VARIANT, void *at, int ret)
{
	int *handle = (void *)((char *)at + variant->handle);
	int *fd = (void *)((char *)at + variant->fd);

	if (variant->undo)
		return variant->undo(world, at, ret);
	if (variant->handle && destroy(world->fd, *handle, NULL))
		return false;
	return !variant->fd || !close(*fd);
}

#endif
