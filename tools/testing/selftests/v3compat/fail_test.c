// SPDX-License-Identifier: GPL-2.0
/*
 * Every command of /dev/v3compat with each of its allocations, and each of its accesses to the
 * caller's memory, failing in turn: it is refused so that nothing has changed, or it succeeds all
 * the same. What is left in the end is the leak detectors' business.
 */
#define _GNU_SOURCE
#include <limits.h>

#include "commands.h"

#define INJECTORS	"/sys/kernel/debug/"

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
	static char *scattered;
	struct v3compat_map *map = arg;
	unsigned int i;

	if (!scattered) {
		scattered = mmap(NULL, LARGE, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		madvise(scattered, LARGE, MADV_NOHUGEPAGE);
		for (i = 0; i < LARGE / PAGE; i += 2)
			scattered[i * PAGE] = 1;
		for (i = 1; i < LARGE / PAGE; i += 2)
			scattered[i * PAGE] = 1;
	}
	make_map(world, arg);
	map->source = user_memory(scattered, LARGE);
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

/* aim_injectors() lets allocations fail that may sleep, and of single pages, too. */
static int aim_injectors(void)
{
	static const char *const settings[][2] = {
		{ "failslab/ignore-gfp-wait", "N" }, { "failslab/verbose", "0" },
		{ "fail_page_alloc/ignore-gfp-wait", "N" }, { "fail_page_alloc/min-order", "0" },
		{ "fail_page_alloc/verbose", "0" }, { "fail_usercopy/verbose", "0" },
	};
	char path[PATH_MAX];
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < ARRAY_SIZE(settings); i++) {
		snprintf(path, sizeof(path), INJECTORS "%s", settings[i][0]);
		ret = write_file(path, settings[i][1]);
	}
	return ret;
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
	ret = send_to(world, variant, at);
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

/* is_written(): @result is no longer what put() left there. */
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

/* fail_each() returns how many places of the command can fail. */
static unsigned int fail_each(struct __test_metadata *_metadata, struct world *world, VARIANT,
			      int fail)
{
	char *at = world->arena;
	unsigned long long leaves;
	struct state before;
	unsigned int nth;
	bool reached;
	long pinned;
	int ret;

	for (nth = 1; nth < MAX_NTH; nth++) {
		put(world, variant, at);
		before = state_of(world->fd);
		pinned = pinned_kib();
		leaves = leaves_of(&world->sim);
		ret = send_failing(world, variant, at, fail, nth, &reached);
		if (ret >= 0) {
			undo(world, variant, at);
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
	unsigned int places;

	if (fail < 0)
		SKIP(return, "the kernel injects no failures");
	ASSERT_EQ(0, aim_injectors());
	places = fail_each(_metadata, &self->world, variant, fail);
	/* At least the struct is read. */
	EXPECT_LE(1, places);
	EXPECT_GT(MAX_NTH - 1, places);
	/* What went before has left nothing that is in the way. */
	EXPECT_LE(1, fail_each(_metadata, &self->world, variant, fail));
	TH_LOG("%u places", places);
	close(fail);
}

TEST_HARNESS_MAIN
