// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/v3compat: a domain that chooses addresses, and one where the program does.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>

#include <linux/v3compat.h>

#include "bench.h"

#define ADDRESS_WIDTH	47
#define CALLS		256

#define CALL(side, name, arg) ({						\
	(arg)->size = sizeof(*(arg));						\
	ioctl((side)->fd, V3COMPAT_IOCTL_##name, arg);				\
})

static void refused(const char *what, const struct v3compat_result *result)
{
	err(1, "%s: reason %u", what, result->out_reason);
}

static void open_v3compat(struct side *side)
{
	struct v3compat_domain_create domain = {
		.type = V3COMPAT_DOMAIN_TRANSLATE,
		.address_width = side->chooses ? ADDRESS_WIDTH : 0,
	};
	struct v3compat_device_create device = { .name.bus = "pci" };
	struct v3compat_attach attach = {};

	probe_take(&side->probe, "v3compat-pci");
	side->fd = open(side->node, O_RDWR | O_CLOEXEC);
	if (side->fd < 0)
		err(1, "%s", side->node);
	memcpy(device.name.name, side->probe.name, sizeof(side->probe.name));
	if (CALL(side, DEVICE_CREATE, &device))
		refused("DEVICE_CREATE", &device.result);
	if (CALL(side, DOMAIN_CREATE, &domain))
		refused("DOMAIN_CREATE", &domain.result);
	side->domain = domain.out_domain;
	attach.domain = domain.out_domain;
	attach.object = device.out_device;
	if (CALL(side, ATTACH, &attach))
		refused("ATTACH", &attach.result);
	probe_start(&side->probe);
}

static struct v3compat_source source_of(const struct piece *piece)
{
	struct v3compat_source source = {
		.type = V3COMPAT_SOURCE_USER, .start = (uintptr_t)piece->start,
		.length = piece->length,
	};

	if (piece->memory) {
		source.type = V3COMPAT_SOURCE_MEMORY;
		source.object = piece->memory;
		source.start = piece->offset;
	} else if (piece->fd >= 0) {
		source.type = V3COMPAT_SOURCE_MEMFD;
		source.object = piece->fd;
		source.start = 0;
	}
	return source;
}

static struct v3compat_map map_of(struct side *side, const struct piece *piece)
{
	return (struct v3compat_map) {
		.size = sizeof(struct v3compat_map),
		.flags = side->chooses ? 0 : V3COMPAT_MAP_FIXED, .object = side->domain,
		.permissions = V3COMPAT_READ | V3COMPAT_WRITE, .source = source_of(piece),
		.address = side->chooses ? 0 : piece->iova,
	};
}

static struct v3compat_unmap unmap_of(struct side *side, const struct piece *piece)
{
	return (struct v3compat_unmap) {
		.size = sizeof(struct v3compat_unmap), .object = side->domain,
		.address = piece->iova, .length = piece->length,
	};
}

static struct v3compat_batch_entry map_entries[MAX_BATCH], unmap_entries[MAX_BATCH];
static struct v3compat_map map_arg;
static struct v3compat_unmap unmap_arg;
static unsigned int prepared;

static void prepare_v3compat(struct side *side, const struct piece *pieces, unsigned int count)
{
	unsigned int i;

	prepared = count;
	map_arg = map_of(side, pieces);
	unmap_arg = unmap_of(side, pieces);
	for (i = 0; i < count; i++) {
		map_entries[i] = (struct v3compat_batch_entry) {
			.command = V3COMPAT_CMD_MAP, .map = map_of(side, &pieces[i]),
		};
		unmap_entries[i] = (struct v3compat_batch_entry) {
			.command = V3COMPAT_CMD_UNMAP, .unmap = unmap_of(side, &pieces[i]),
		};
	}
}

static void do_entries(struct side *side, struct v3compat_batch_entry *entries)
{
	struct v3compat_batch arg = {
		.entries = (uintptr_t)entries, .count = prepared, .entry_size = sizeof(*entries),
	};

	if (CALL(side, BATCH, &arg) != (int)prepared)
		refused("BATCH", &arg.result);
}

/* map_v3compat(): the domain that chooses wants 0, and answers with an address. */
static void map_v3compat(struct side *side)
{
	unsigned int i;

	if (prepared == 1) {
		if (side->chooses)
			map_arg.address = 0;
		if (ioctl(side->fd, V3COMPAT_IOCTL_MAP, &map_arg))
			refused("MAP", &map_arg.result);
		unmap_arg.address = map_arg.address;
		return;
	}
	for (i = 0; side->chooses && i < prepared; i++)
		map_entries[i].map.address = 0;
	do_entries(side, map_entries);
	for (i = 0; i < prepared; i++)
		unmap_entries[i].unmap.address = map_entries[i].map.address;
}

static void unmap_v3compat(struct side *side)
{
	if (prepared > 1)
		do_entries(side, unmap_entries);
	else if (ioctl(side->fd, V3COMPAT_IOCTL_UNMAP, &unmap_arg))
		refused("UNMAP", &unmap_arg.result);
}

static void tell_v3compat(struct side *side, struct piece *pieces, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		pieces[i].iova = count == 1 ? map_arg.address : map_entries[i].map.address;
}

static void register_v3compat(struct side *side, struct piece *piece)
{
	struct v3compat_memory_create arg = { .source = source_of(piece) };

	if (CALL(side, MEMORY_CREATE, &arg))
		refused("MEMORY_CREATE", &arg.result);
	piece->memory = arg.out_memory;
}

static void unregister_v3compat(struct side *side, struct piece *piece)
{
	struct v3compat_destroy arg = { .object = piece->memory };

	if (CALL(side, DESTROY, &arg))
		refused("DESTROY", &arg.result);
	piece->memory = 0;
}

/* measure_calls() measures a call that does nothing, because it is part of every other. */
void measure_calls(void)
{
	static struct samples samples;
	unsigned int i;
	uint64_t start;

	for (i = 0; i < CALLS; i++) {
		start = now();
		ioctl(allocator_side.fd, 0);
		take_sample(&samples, now() - start);
	}
	print_call("no command", "call", "v3", 1, &samples);
}

struct side allocator_side = {
	.name = "v3", .node = "/dev/v3compat", .chooses = true,
	.batch = MAX_BATCH, .max_live = 1000000,
	.open = open_v3compat, .prepare = prepare_v3compat,
	.map = map_v3compat, .unmap = unmap_v3compat, .tell = tell_v3compat,
	.register_memory = register_v3compat, .unregister_memory = unregister_v3compat,
};

struct side explicit_side = {
	.name = "v3-explicit", .node = "/dev/v3compat",
	.batch = MAX_BATCH, .max_live = 1000000,
	.open = open_v3compat, .prepare = prepare_v3compat,
	.map = map_v3compat, .unmap = unmap_v3compat, .tell = tell_v3compat,
	.register_memory = register_v3compat, .unregister_memory = unregister_v3compat,
};
