// SPDX-License-Identifier: GPL-2.0
/*
 * Calls that nobody can foresee, on files that all threads use without asking each other: any
 * command, with any handle, with memory that another thread changes while it is read. They must
 * only be answered, and the kernel must keep quiet.
 *
 * Devices only read for these, because what is mapped is anybody's guess.
 */
#define _GNU_SOURCE
#include "fuzz.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>

#define WILD_PAGES	600
#define DEVICES		6
#define DESCRIPTORS	16

/* union command: any of them, and what is behind it for one that says to be larger. */
union command {
	unsigned int size;
	struct v3compat_info info;
	struct v3compat_destroy destroy;
	struct v3compat_domain_create domain_create;
	struct v3compat_domain_query domain_query;
	struct v3compat_domain_configure configure;
	struct v3compat_domain_flush flush;
	struct v3compat_device_create device_create;
	struct v3compat_device_query device_query;
	struct v3compat_device_open device_open;
	struct v3compat_input_mappings ids;
	struct v3compat_pasid_create pasid_create;
	struct v3compat_attach attach;
	struct v3compat_memory_create memory_create;
	struct v3compat_map map;
	struct v3compat_unmap unmap;
	struct v3compat_reserve reserve;
	struct v3compat_identity identity;
	struct v3compat_batch batch;
	struct v3compat_events_open events;
	struct v3compat_page_response response;
	struct v3compat_guard_state guard;
	struct v3compat_region_query region;
	struct v3compat_interrupt_query interrupt;
	struct v3compat_interrupt_set interrupts;
	struct v3compat_reset reset;
	unsigned int words[128];
};

/* What the threads share: nobody locks any of it. */
static struct {
	struct sim sim;
	unsigned int devices[DEVICES];
	char names[DEVICES][IOMMUSIM_NAME_SIZE];
	int descriptors[DESCRIPTORS];
	int memfd;
	char *pages;
	union command changing;
	struct v3compat_batch_entry entries[16];
	uint64_t seed;
} wild;

/*
 * replacing is held for writing while a device goes, because its name is somebody else's next, who
 * must not find the device claimed or unbound.
 */
static pthread_rwlock_t replacing = PTHREAD_RWLOCK_INITIALIZER;

/* any_handle() is one of a file that has few objects, mostly. */
static unsigned int any_handle(void)
{
	return one_in(24) ? rnd(~0U) : rnd(one_in(3) ? 250 : 40);
}

static unsigned long long any_address(void)
{
	unsigned long long address = WINDOW_AT + rnd(256) * PAGE;

	if (one_in(16))
		address = (unsigned long long)rnd(~0U) << rnd(40);
	return one_in(32) ? address + rnd(4096) : address;
}

static struct v3compat_source any_source(void)
{
	struct v3compat_source source = {
		.type = one_in(3) ? rnd(4) : V3COMPAT_SOURCE_USER,
		.length = (1 + rnd(one_in(8) ? 520 : 8)) * PAGE,
	};

	switch (source.type) {
	case V3COMPAT_SOURCE_USER:
		source.start = (uintptr_t)wild.pages + rnd(WILD_PAGES) * PAGE;
		break;
	case V3COMPAT_SOURCE_MEMORY:
		source.object = any_handle();
		source.start = rnd(8) * PAGE;
		break;
	case V3COMPAT_SOURCE_MEMFD:
		source.object = one_in(16) ? (int)rnd(40) : wild.memfd;
		source.start = rnd(WILD_PAGES) * PAGE;
		break;
	case V3COMPAT_SOURCE_PHYSICAL:
		source.start = rnd(1 << 18) * PAGE;
		break;
	}
	return source;
}

static void fill_map(struct v3compat_map *map)
{
	*map = (struct v3compat_map) {
		.size = sizeof(*map), .flags = rnd(4) ? V3COMPAT_MAP_FIXED : rnd(8),
		.object = any_handle(), .permissions = 1 + rnd(3), .source = any_source(),
		.address = any_address(),
	};
	if (!(map->flags & V3COMPAT_MAP_FIXED) || one_in(8))
		map->address = rnd(4) * PAGE;
	if (map->flags & V3COMPAT_MAP_MIN)
		map->min = any_address();
	if (map->flags & V3COMPAT_MAP_MAX)
		map->max = any_address();
}

static void fill_unmap(struct v3compat_unmap *unmap)
{
	*unmap = (struct v3compat_unmap) {
		.size = sizeof(*unmap), .object = any_handle(),
		.address = one_in(4) ? rnd(8) * PAGE : any_address(), .length = (1 + rnd(8)) * PAGE,
	};
}

static void fill_batch(struct v3compat_batch *batch)
{
	unsigned int i;

	batch->count = rnd(17);
	batch->entry_size = one_in(32) ? rnd(5000) : sizeof(wild.entries[0]);
	batch->entries = (uintptr_t)wild.entries;
	for (i = 0; i < 16; i++) {
		wild.entries[i].command = one_in(2) ? V3COMPAT_CMD_MAP : V3COMPAT_CMD_UNMAP;
		if (wild.entries[i].command == V3COMPAT_CMD_MAP)
			fill_map(&wild.entries[i].map);
		else
			fill_unmap(&wild.entries[i].unmap);
	}
}

static void fill_memory_of_domains(unsigned int number, union command *cmd)
{
	static struct v3compat_region regions[4];
	unsigned int i;

	switch (number) {
	case V3COMPAT_CMD_DOMAIN_CREATE:
		cmd->domain_create.type = rnd(4);
		cmd->domain_create.address_width = one_in(2) ? 20 + rnd(45) : 0;
		cmd->domain_create.regions = (uintptr_t)regions;
		cmd->domain_create.nr_regions = one_in(3) ? rnd(5) : 0;
		for (i = 0; i < 4; i++)
			regions[i] = (struct v3compat_region) {
				.base = any_address(), .length = rnd(4) * PAGE, .flags = rnd(2),
			};
		break;
	case V3COMPAT_CMD_DOMAIN_CONFIGURE:
		cmd->configure.domain = any_handle();
		cmd->configure.memory = any_handle();
		cmd->configure.format = rnd(3);
		cmd->configure.root = rnd(8) * PAGE;
		cmd->configure.width = cmd->configure.format == 1 ? 16 + rnd(33) : 48 + 9 * rnd(2);
		if (cmd->configure.format == V3COMPAT_TABLES_ARM64) {
			cmd->configure.root_high = rnd(8) * PAGE;
			cmd->configure.width_high = one_in(2) ? 16 + rnd(33) : 0;
		} else if (cmd->configure.format == V3COMPAT_TABLES_IDENTITY) {
			cmd->configure.memory = cmd->configure.root = cmd->configure.width = 0;
		}
		break;
	case V3COMPAT_CMD_DOMAIN_FLUSH:
		cmd->flush.domain = any_handle();
		cmd->flush.list = one_in(2) ? (uintptr_t)wild.pages : 0;
		cmd->flush.count = cmd->flush.list ? rnd(512) : 0;
		break;
	case V3COMPAT_CMD_DOMAIN_QUERY:
		cmd->domain_query.domain = any_handle();
		cmd->domain_query.ranges = (uintptr_t)wild.pages;
		cmd->domain_query.max_ranges = rnd(one_in(8) ? 5000 : 20);
		break;
	}
}

static void fill_device(unsigned int number, union command *cmd)
{
	struct v3compat_device_name name = name_of("platform", wild.names[rnd(DEVICES)]);

	switch (number) {
	case V3COMPAT_CMD_DEVICE_CREATE:
		cmd->device_create.flags = rnd(4);
		cmd->device_create.name = name;
		break;
	case V3COMPAT_CMD_DEVICE_QUERY:
		cmd->device_query.device = one_in(3) ? 0 : any_handle();
		if (!cmd->device_query.device)
			cmd->device_query.name = name;
		break;
	case V3COMPAT_CMD_INPUT_MAPPINGS:
		cmd->ids.device = any_handle();
		cmd->ids.ids = (uintptr_t)wild.pages;
		cmd->ids.max_ids = rnd(4);
		break;
	case V3COMPAT_CMD_EVENTS_OPEN:
		cmd->events.device = any_handle();
		cmd->events.mask = rnd(64) & ~1U;
		cmd->events.capacity = rnd(8);
		cmd->events.answer_ms = rnd(200);
		break;
	case V3COMPAT_CMD_PAGE_RESPONSE:
		cmd->response.device = any_handle();
		cmd->response.cookie = rnd(40);
		cmd->response.code = rnd(2);
		break;
	case V3COMPAT_CMD_PASID_CREATE:
		cmd->pasid_create.device = any_handle();
		cmd->pasid_create.flags = rnd(2);
		break;
	default:
		/* A device descriptor, mostly. */
		cmd->device_open.device = any_handle();
	}
}

/* fill_command() makes something that may be right. */
static void fill_command(unsigned int number, union command *cmd)
{
	memset(cmd, 0, sizeof(*cmd));
	switch (number) {
	case V3COMPAT_CMD_INFO:
	case V3COMPAT_CMD_GUARD_QUERY:
		break;
	case V3COMPAT_CMD_DESTROY:
		cmd->destroy.object = any_handle();
		break;
	case V3COMPAT_CMD_ATTACH:
	case V3COMPAT_CMD_DETACH:
		cmd->attach.domain = number == V3COMPAT_CMD_ATTACH ? any_handle() : 0;
		cmd->attach.object = any_handle();
		break;
	case V3COMPAT_CMD_MEMORY_CREATE:
		cmd->memory_create.flags = rnd(2);
		cmd->memory_create.source = any_source();
		break;
	case V3COMPAT_CMD_MAP:
		fill_map(&cmd->map);
		break;
	case V3COMPAT_CMD_UNMAP:
		fill_unmap(&cmd->unmap);
		break;
	case V3COMPAT_CMD_RESERVE:
		cmd->reserve.domain = any_handle();
		cmd->reserve.length = (1 + rnd(one_in(8) ? 5000 : 32)) * PAGE;
		cmd->reserve.flags = one_in(2) ? V3COMPAT_MAP_FIXED : 0;
		cmd->reserve.address = cmd->reserve.flags ? any_address() : 0;
		break;
	case V3COMPAT_CMD_MAP_IDENTITY:
	case V3COMPAT_CMD_UNMAP_IDENTITY:
		cmd->identity.domain = any_handle();
		cmd->identity.permissions = number == V3COMPAT_CMD_MAP_IDENTITY ? 1 + rnd(3) : 0;
		cmd->identity.source = (struct v3compat_source) {
			.type = V3COMPAT_SOURCE_PHYSICAL, .start = rnd(64) * PAGE,
			.length = (1 + rnd(4)) * PAGE,
		};
		break;
	case V3COMPAT_CMD_BATCH:
		fill_batch(&cmd->batch);
		break;
	case V3COMPAT_CMD_GUARD_SET:
		cmd->guard.flags = rnd(4);
		cmd->guard.policy = rnd(3);
		cmd->guard.locked = rnd(2);
		break;
	case V3COMPAT_CMD_DOMAIN_CREATE:
	case V3COMPAT_CMD_DOMAIN_CONFIGURE:
	case V3COMPAT_CMD_DOMAIN_FLUSH:
	case V3COMPAT_CMD_DOMAIN_QUERY:
		fill_memory_of_domains(number, cmd);
		break;
	case V3COMPAT_CMD_REGION_QUERY:
	case V3COMPAT_CMD_INTERRUPT_QUERY:
		cmd->words[1] = rnd(8);
		break;
	case V3COMPAT_CMD_INTERRUPT_SET:
		cmd->interrupts.flags = rnd(2);
		cmd->interrupts.type = rnd(4);
		cmd->interrupts.count = rnd(3);
		cmd->interrupts.fds = cmd->interrupts.flags || !cmd->interrupts.count ?
					      0 : (uintptr_t)wild.descriptors;
		break;
	default:
		fill_device(number, cmd);
	}
}

static unsigned int size_of(unsigned int number)
{
	static const unsigned short sizes[NUMBERS] = {
		[V3COMPAT_CMD_INFO] = sizeof(struct v3compat_info),
		[V3COMPAT_CMD_DESTROY] = sizeof(struct v3compat_destroy),
		[V3COMPAT_CMD_DOMAIN_CREATE] = sizeof(struct v3compat_domain_create),
		[V3COMPAT_CMD_DOMAIN_QUERY] = sizeof(struct v3compat_domain_query),
		[V3COMPAT_CMD_DOMAIN_CONFIGURE] = sizeof(struct v3compat_domain_configure),
		[V3COMPAT_CMD_DOMAIN_FLUSH] = sizeof(struct v3compat_domain_flush),
		[V3COMPAT_CMD_DEVICE_CREATE] = sizeof(struct v3compat_device_create),
		[V3COMPAT_CMD_DEVICE_QUERY] = sizeof(struct v3compat_device_query),
		[V3COMPAT_CMD_DEVICE_OPEN] = sizeof(struct v3compat_device_open),
		[V3COMPAT_CMD_INPUT_MAPPINGS] = sizeof(struct v3compat_input_mappings),
		[V3COMPAT_CMD_PASID_CREATE] = sizeof(struct v3compat_pasid_create),
		[V3COMPAT_CMD_ATTACH] = sizeof(struct v3compat_attach),
		[V3COMPAT_CMD_DETACH] = sizeof(struct v3compat_attach),
		[V3COMPAT_CMD_MEMORY_CREATE] = sizeof(struct v3compat_memory_create),
		[V3COMPAT_CMD_MAP] = sizeof(struct v3compat_map),
		[V3COMPAT_CMD_UNMAP] = sizeof(struct v3compat_unmap),
		[V3COMPAT_CMD_RESERVE] = sizeof(struct v3compat_reserve),
		[V3COMPAT_CMD_MAP_IDENTITY] = sizeof(struct v3compat_identity),
		[V3COMPAT_CMD_UNMAP_IDENTITY] = sizeof(struct v3compat_identity),
		[V3COMPAT_CMD_BATCH] = sizeof(struct v3compat_batch),
		[V3COMPAT_CMD_EVENTS_OPEN] = sizeof(struct v3compat_events_open),
		[V3COMPAT_CMD_PAGE_RESPONSE] = sizeof(struct v3compat_page_response),
		[V3COMPAT_CMD_GUARD_QUERY] = sizeof(struct v3compat_guard_state),
		[V3COMPAT_CMD_GUARD_SET] = sizeof(struct v3compat_guard_state),
		[V3COMPAT_CMD_REGION_QUERY] = sizeof(struct v3compat_region_query),
		[V3COMPAT_CMD_INTERRUPT_QUERY] = sizeof(struct v3compat_interrupt_query),
		[V3COMPAT_CMD_INTERRUPT_SET] = sizeof(struct v3compat_interrupt_set),
		[V3COMPAT_CMD_RESET] = sizeof(struct v3compat_reset),
	};

	return sizes[number];
}

/* change_command() makes it wrong somewhere. */
static void change_command(union command *cmd)
{
	unsigned int words = cmd->size / 4;

	switch (rnd(4)) {
	case 0:
		cmd->words[rnd(words)] ^= 1U << rnd(32);
		break;
	case 1:
		cmd->words[rnd(words)] = rnd(~0U);
		break;
	case 2:
		cmd->size = rnd(8) ? rnd(600) : rnd(~0U);
		break;
	default:
		cmd->words[rnd(words)] = 0;
	}
}

/* keep_descriptor() keeps one for a while; the one that was in its place is closed. */
static void keep_descriptor(int fd)
{
	int old = __atomic_exchange_n(&wild.descriptors[rnd(DESCRIPTORS)], fd, __ATOMIC_RELAXED);

	if (old >= 0)
		close(old);
}

static void call_wildly(void)
{
	union command own, *cmd = one_in(3) ? &wild.changing : &own;
	unsigned int number = rnd(one_in(8) ? NUMBERS : V3COMPAT_CMD_GUARD_SET + 1);
	int fd = wild_files[rnd(2)], ret;

	if (!size_of(number))
		return;
	pthread_rwlock_rdlock(&replacing);
	fill_command(number, cmd);
	cmd->size = size_of(number);
	if (one_in(3))
		change_command(cmd);
	if (number != V3COMPAT_CMD_DEVICE_CREATE)
		pthread_rwlock_unlock(&replacing);
	if (number >= V3COMPAT_CMD_REGION_QUERY)
		fd = wild.descriptors[rnd(DESCRIPTORS)];
	ret = call_(fd, _IO(V3COMPAT_IOC_TYPE, number), cmd);
	if (number == V3COMPAT_CMD_DEVICE_CREATE)
		pthread_rwlock_unlock(&replacing);
	__atomic_fetch_add(&shared->wild_calls, 1, __ATOMIC_RELAXED);
	if (ret || cmd != &own)
		return;
	if (number == V3COMPAT_CMD_DEVICE_OPEN)
		keep_descriptor(own.device_open.out_fd);
	else if (number == V3COMPAT_CMD_EVENTS_OPEN)
		keep_descriptor(own.events.out_fd);
}

/* replace_device() takes a device away from whoever has it, and adds another one. */
static void replace_device(void)
{
	unsigned int i = rnd(DEVICES);
	struct iommusim_ioc_destroy gone = { .size = sizeof(gone) };
	int id;

	pthread_rwlock_wrlock(&replacing);
	if (one_in(2) && wild.names[i][0])
		unbind_device(wild.names[i]);
	gone.id = wild.devices[i];
	ioctl(wild.sim.fd, IOMMUSIM_IOC_DESTROY, &gone);
	wild.names[i][0] = '\0';
	id = add_device(&wild.sim, one_in(2) ? 0 : 1 + rnd(2),
			one_in(4) ? IOMMUSIM_DEVICE_EXTERNAL : 0, NULL, 0, wild.names[i]);
	if (id > 0)
		wild.devices[i] = id;
	pthread_rwlock_unlock(&replacing);
}

static void read_wildly(void)
{
	char text[1024];
	unsigned long long value;
	struct pollfd poll_fd = { .fd = wild.descriptors[rnd(DESCRIPTORS)], .events = POLLIN };
	int fd;

	switch (rnd(4)) {
	case 0:
		dma_pasid(&wild.sim, wild.devices[rnd(DEVICES)],
			  one_in(2) ? rnd(16) : IOMMUSIM_NO_PASID, any_address(), &value,
			  sizeof(value), false);
		break;
	case 1:
		if (poll(&poll_fd, 1, 0) == 1 && poll_fd.revents & POLLIN &&
		    read(poll_fd.fd, text, rnd(sizeof(text))) < 0)
			break;
		break;
	case 2:
		fd = open("/sys/kernel/debug/v3compat/files", O_RDONLY | O_CLOEXEC);
		while (fd >= 0 && read(fd, text, sizeof(text)) > 0 && !one_in(16))
			;
		if (fd >= 0)
			close(fd);
		break;
	default:
		keep_descriptor(-1);
	}
}

/* What a thread got by a command that another one changed meanwhile, nobody knows of. */
#define FIRST_UNKNOWN	64

/* change_memory() is a thread that changes what others give to the kernel, while they do. */
static void *change_memory(void *arg)
{
	unsigned int *words = wild.changing.words, *entries = (unsigned int *)wild.entries;

	(void)arg;
	random_state = mix(wild.seed, 99) | 1;
	while (!is_over()) {
		words[1 + rnd(40)] ^= 1U << rnd(32);
		words[1 + rnd(40)] = any_handle();
		entries[rnd(sizeof(wild.entries) / 4)] = any_handle();
		if (one_in(64))
			madvise(wild.pages + rnd(WILD_PAGES) * PAGE, (1 + rnd(8)) * PAGE,
				MADV_DONTNEED);
		usleep(rnd(200));
	}
	return NULL;
}

static void *run_wildly(void *arg)
{
	actor += (uintptr_t)arg;
	random_state = mix(wild.seed, (uintptr_t)arg + 1) | 1;
	start_cover();
	while (!is_over()) {
		if (one_in(200))
			replace_device();
		else if (one_in(1000))
			close_range(FIRST_UNKNOWN, ~0U, 0);
		else if (one_in(12))
			read_wildly();
		else
			call_wildly();
		collect_cover();
	}
	return NULL;
}

void work_wildly(uint64_t seed, unsigned int threads)
{
	const struct sim_config config = {
		.max_pasids = 1 << 10, .features = IOMMUSIM_PAGE_REQUESTS | IOMMUSIM_SVA,
	};
	pthread_t thread[THREADS + 1];
	unsigned int i;

	wild.seed = seed;
	random_state = seed | 1;
	wild.pages = map_memory(WILD_PAGES * PAGE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	wild.memfd = memfd_create("v3fuzz-wild", MFD_CLOEXEC);
	if (ftruncate(wild.memfd, WILD_PAGES * PAGE) || open_sim(&wild.sim, &config)) {
		fail("the wild ones cannot begin: %s", strerror(errno));
		return;
	}
	for (i = 0; i < DESCRIPTORS; i++)
		wild.descriptors[i] = -1;
	wild.devices[0] = wild.sim.device;
	memcpy(wild.names[0], wild.sim.name, sizeof(wild.names[0]));
	for (i = 1; i < DEVICES; i++)
		wild.devices[i] = add_device(&wild.sim, i / 2, 0, NULL, 0, wild.names[i]);
	for (i = 0; i < threads; i++)
		if (pthread_create(&thread[i], NULL, run_wildly, (void *)(uintptr_t)i))
			fail("no thread");
	if (pthread_create(&thread[i], NULL, change_memory, NULL))
		fail("no thread");
	for (i = 0; i <= threads; i++)
		pthread_join(thread[i], NULL);
}
