// SPDX-License-Identifier: GPL-2.0
/*
 * A fuzzer of /dev/iommusim.
 *
 * Several processes use the same two files and do not ask each other. Devices write only to memory
 * of the fuzzer: to a page whose physical address a region maps 1:1, and to an arena at the same
 * address in each process.
 *
 * With one process, a seed gives the same commands again.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/iommusim.h>

#include "program.h"

#define DEVICE		"/dev/iommusim"
#define FILES		2
#define PROCESSES	8
#define OBJECTS		96	/* remembered of a file */
#define LOG		24
#define REASONS		(IOMMUSIM_FAULT_PAGE_REQUEST + 1)
#define ARENA		(16 * PAGE)
#define PATTERN		0x5a
#define FAR_AWAY	(1ULL << 46)

#ifndef MAP_POPULATE
#define MAP_POPULATE	0x8000
#endif

enum kind { NOTHING, INSTANCE, DEV, BOND, KINDS };

struct object {
	enum kind kind;
	unsigned int id;
	unsigned int pasid;	/* of a bond */
	unsigned int device;	/* of a bond */
	int direct;		/* the page is mapped 1:1 for the device */
};

struct entry {
	unsigned int nr, err, size, id, flags;
};

static const char *const names[] = {
	"CREATE",      "DESTROY", "DEVICE_CREATE", "DMA",	   "FAIL_ATTACH",
	"FAIL_TABLES", "STATS",	  "SVA_BIND",	   "PAGE_REQUEST", "INTERRUPT",
};

#define NR_COMMANDS (sizeof(names) / sizeof(names[0]))

/* Seen by all processes, whoever of them is killed. */
struct shared {
	struct tally tallies[NR_COMMANDS];
	unsigned int total, kills, pairs;
	unsigned int accesses, met, reasons[REASONS]; /* of DMA, and what of it reached something */
	unsigned int incarnation[PROCESSES];
	struct object objects[FILES][OBJECTS];
	struct entry log[PROCESSES][LOG];
	unsigned int logged[PROCESSES];
	uint64_t trace[PROCESSES];
};

static struct shared *shared;
static struct object *objects[FILES];	/* of the file that a process uses in that place */
static int files[FILES];
static unsigned char *direct_page, *readable, *writable, *secret_page;
static uint64_t direct_phys, secret_phys;
static int tame;
static unsigned int commands = 20000, least = 100;

static unsigned int self;

union command {
	unsigned int size;
	struct iommusim_ioc_create create;
	struct iommusim_ioc_destroy destroy;
	struct iommusim_ioc_device_create device;
	struct iommusim_ioc_dma dma;
	struct iommusim_ioc_fail_attach attach;
	struct iommusim_ioc_fail_tables tables;
	struct iommusim_ioc_stats stats;
	struct iommusim_ioc_sva_bind bind;
	struct iommusim_ioc_page_request request;
	struct iommusim_ioc_interrupt interrupt;
	unsigned char bytes[512];
};

/* Sizes of older and newer programs, and of broken ones. True when the command stays what it is. */
static int choose_size(union command *cmd, unsigned int right)
{
	cmd->size = right;
	if (!one_in(10))
		return 1;
	switch (rnd(6)) {
	case 0:
		cmd->size = rnd(right);
		return 0;
	case 1:
		cmd->size = sizeof(*cmd);
		return 1;
	case 2:
		cmd->size = sizeof(*cmd);
		cmd->bytes[right + rnd(sizeof(*cmd) - right)] = 1;
		return 0;
	case 3:
		cmd->size = ~0U;
		return 0;
	case 4:
		cmd->size = 0;
		return 0;
	default:
		cmd->size = right - rnd(2) * 8;
		return 0;
	}
}

/* 0 or an error number. @id and @flags go to the log. */
static int command(int fd, unsigned long request, union command *cmd, unsigned int right,
		   unsigned int id, unsigned int flags)
{
	unsigned int nr = _IOC_NR(request), err;
	struct entry *entry;
	int sane = choose_size(cmd, right);

	entry = &shared->log[self][shared->logged[self]++ % LOG];
	*entry =
		(struct entry){ .nr = nr, .err = ~0U, .size = cmd->size, .id = id, .flags = flags };
	err = ioctl(fd, request, cmd) ? errno : 0;
	entry->err = err;
	count_call(&shared->tallies[nr], err);
	__atomic_fetch_add(&shared->total, 1, __ATOMIC_RELAXED);
	/* What lies behind a command that says to be larger is not the seed's choice. */
	shared->trace[self] = mix(mix(mix(shared->trace[self], nr), sane ? err : ~0U),
				  (uint64_t)id << 32 | flags);
	if ((err == E2BIG || err == EFAULT) && sane && nr != 2 && nr != 3 && nr != 8)
		fail("%s of %u bytes: %s", names[nr], cmd->size, strerror(err));
	if (err == ENOTTY || err >= ERRNOS)
		fail("%s: error %d", names[nr], err);
	return err;
}

static struct object *some_object(unsigned int file, enum kind kind)
{
	unsigned int first = rnd(OBJECTS), i;

	for (i = 0; i < OBJECTS; i++) {
		struct object *object = &objects[file][(first + i) % OBJECTS];

		if (object->kind == kind)
			return object;
	}
	return NULL;
}

/* An id of that kind, mostly. */
static unsigned int some_id(unsigned int file, enum kind kind)
{
	struct object *object = some_object(file, one_in(16) ? 1 + rnd(KINDS - 1) : kind);

	return object && !one_in(24) ? object->id : one_in(4) ? ~0U - rnd(4) : rnd(64);
}

static int destroy(unsigned int file, unsigned int id)
{
	union command cmd = { .destroy = { .id = id } };
	unsigned int i;
	int err;

	if (one_in(30))
		cmd.destroy.flags = 1;
	err = command(files[file], IOMMUSIM_IOC_DESTROY, &cmd, sizeof(cmd.destroy), id,
		      cmd.destroy.flags);
	for (i = 0; i < OBJECTS && (!err || err == ENOENT); i++) {
		if (objects[file][i].id == id)
			objects[file][i].kind = NOTHING;
	}
	return err;
}

/* NULL when there is no room: then it is gone. */
static struct object *remember(unsigned int file, enum kind kind, unsigned int id)
{
	struct object *object = some_object(file, NOTHING);

	if (object)
		*object = (struct object) { .kind = kind, .id = id };
	else
		destroy(file, id);
	return object;
}

static unsigned int create(unsigned int file, unsigned int features)
{
	static const uint64_t sizes[] = { 0, PAGE, PAGE | 1 << 21, 0x7ffff000, PAGE | 1 << 16 };
	union command cmd = { .create = { .features = features } };

	if (!one_in(4)) {
		cmd.create.aperture_bits = one_in(3) ? 30 + rnd(28) : 0;
		cmd.create.pgsize_bitmap = sizes[rnd(sizeof(sizes) / sizeof(sizes[0]))];
		cmd.create.max_pasids = rnd(64);
		cmd.create.quirks = rnd(1 << 14) & rnd(1 << 14) & rnd(1 << 14);
	}
	if (features)
		cmd.create.max_pasids = 64;
	if (one_in(40))
		cmd.create.quirks |= 1U << rnd(32);
	if (one_in(40))
		cmd.create.pgsize_bitmap = 1ULL << rnd(64);
	if (one_in(40))
		cmd.create.aperture_bits = rnd(2) ? rnd(30) : 58 + rnd(400);
	if (one_in(40))
		cmd.create.features |= 1U << rnd(32);
	if (one_in(40))
		cmd.create.max_pasids = 1U << rnd(32);
	if (one_in(60))
		cmd.create.flags = 1U << rnd(32);
	if (command(files[file], IOMMUSIM_IOC_CREATE, &cmd, sizeof(cmd.create), cmd.create.quirks,
		    cmd.create.features))
		return 0;
	return remember(file, INSTANCE, cmd.create.out_id) ? cmd.create.out_id : 0;
}

/* Regions of all kinds; those that are mapped 1:1 reach what is the fuzzer's, unless hostile. */
static unsigned int choose_regions(struct iommusim_ioc_region *regions, int *direct)
{
	unsigned int n = 1 + rnd(3), i;

	*direct = 0;
	for (i = 0; i < n; i++) {
		struct iommusim_ioc_region *region = &regions[i];

		region->type = rnd(5);
		region->prot = rnd(4);
		region->first = FAR_AWAY + rnd(1 << 20) * PAGE;
		region->last = region->first + (1 + rnd(64)) * PAGE - 1;
		if (region->type <= IOMMUSIM_RESV_DIRECT_RELAXABLE || one_in(3)) {
			region->type = rnd(2);
			region->prot = 3;
			region->first =
				secret_phys && !tame && one_in(4) ? secret_phys : direct_phys;
			region->last = region->first + PAGE - 1;
			*direct |= region->first == direct_phys;
		}
		if (!tame && one_in(30))
			region->first = (uint64_t)rnd(~0U) << rnd(33);
		if (!tame && one_in(30))
			region->last = (uint64_t)rnd(~0U) << rnd(33);
		if (one_in(40))
			region->type = rnd(300);
		if (one_in(40))
			region->prot = 1U << rnd(32);
	}
	return n;
}

static unsigned int plug(unsigned int file, unsigned int sim, unsigned int group)
{
	union command cmd = { .device = { .sim_id = sim, .group = group } };
	struct iommusim_ioc_region regions[IOMMUSIM_MAX_REGIONS] = {};
	struct object *object;
	int direct = 0;

	if (direct_phys && one_in(2)) {
		cmd.device.nr_regions = choose_regions(regions, &direct);
		cmd.device.regions = (uintptr_t)regions;
	} else if (one_in(4)) {
		cmd.device.flags |= IOMMUSIM_DEVICE_NO_REGIONS;
	}
	if (one_in(4))
		cmd.device.flags |= 1U << (one_in(4) ? rnd(32) : rnd(5));
	if (one_in(2))
		cmd.device.flags |= IOMMUSIM_DEVICE_RESOURCES |
				    (one_in(2) ? IOMMUSIM_DEVICE_EDGE : 0);
	if (one_in(8))
		cmd.device.dma_mask = one_in(2) ? rnd(~0U) : (1ULL << 40) - 1;
	if (one_in(60))
		cmd.device.nr_regions = rnd(100);
	if (one_in(60))
		cmd.device.regions = one_in(2) ? 8 : ~0ULL - 64;
	if (command(files[file], IOMMUSIM_IOC_DEVICE_CREATE, &cmd, sizeof(cmd.device), sim,
		    cmd.device.flags))
		return 0;
	object = remember(file, DEV, cmd.device.out_id);
	if (!object)
		return 0;
	object->direct = direct;
	return cmd.device.out_id;
}

/* Its id is 0 when there is none. */
static struct object bind(unsigned int file, unsigned int device)
{
	union command cmd = { .bind = { .device_id = device } };
	struct object *object, none = {};

	if (one_in(60))
		cmd.bind.flags = 1;
	if (command(files[file], IOMMUSIM_IOC_SVA_BIND, &cmd, sizeof(cmd.bind), device,
		    cmd.bind.flags))
		return none;
	object = remember(file, BOND, cmd.bind.out_id);
	if (!object)
		return none;
	object->pasid = cmd.bind.out_pasid;
	object->device = device;
	return *object;
}

/* A new one when there is none. */
static struct object some_bond(unsigned int file)
{
	struct object *object = some_object(file, BOND);

	return object ? *object : bind(file, some_id(file, DEV));
}

static int dma(unsigned int file, unsigned int device, unsigned int pasid, uint64_t at, void *data,
	       uint64_t length, unsigned int flags, struct iommusim_ioc_dma *result)
{
	union command cmd = {
		.dma = {
			.device_id = device, .pasid = pasid, .address = at, .data = (uintptr_t)data,
			.length = length, .flags = flags,
		},
	};
	int err = command(files[file], IOMMUSIM_IOC_DMA, &cmd, sizeof(cmd.dma), device, flags);

	*result = cmd.dma;
	if (!err && (cmd.dma.out_length > length ||
		     (cmd.dma.out_reason == IOMMUSIM_OK) != (cmd.dma.out_length == length)))
		fail("DMA of %llu bytes: moved %llu, reason %u", (unsigned long long)length,
		     (unsigned long long)cmd.dma.out_length, cmd.dma.out_reason);
	if (!err && length) {
		__atomic_fetch_add(&shared->accesses, 1, __ATOMIC_RELAXED);
		__atomic_fetch_add(&shared->met, !!cmd.dma.out_length, __ATOMIC_RELAXED);
		if (cmd.dma.out_reason < REASONS)
			__atomic_fetch_add(&shared->reasons[cmd.dma.out_reason], 1,
					   __ATOMIC_RELAXED);
	}
	return err;
}

/* The page has a part for each process. */
static void dma_direct(unsigned int file)
{
	struct object *object = some_object(file, DEV);
	struct iommusim_ioc_dma result;
	unsigned char data[64];
	unsigned int part = self * sizeof(data), value = rnd(256);

	if (!object || !object->direct)
		return;
	memset(data, value, sizeof(data));
	if (dma(file, object->id, IOMMUSIM_NO_PASID, direct_phys + part, data, sizeof(data),
		IOMMUSIM_DMA_WRITE, &result) || result.out_reason)
		return;
	if (memcmp(direct_page + part, data, sizeof(data)))
		fail("a device wrote %u of %zu bytes of %#x to the page, which has %#x",
		     (unsigned int)result.out_length, sizeof(data), value, direct_page[part]);
}

/* Through a bond: what this process has made, if it is its own. */
static void dma_process(unsigned int file)
{
	struct object bond = some_bond(file);
	struct iommusim_ioc_dma result;
	unsigned char data[PAGE + 64];
	unsigned int length = 1 + rnd(sizeof(data)), i;
	uint64_t at;

	if (!bond.id)
		return;
	if (one_in(2)) {
		at = (uintptr_t)writable + rnd(ARENA - sizeof(data));
		memset(data, PATTERN, sizeof(data));
		dma(file, bond.device, bond.pasid, at, data, length,
		    IOMMUSIM_DMA_WRITE | IOMMUSIM_DMA_PAGE_REQUESTS, &result);
		if (one_in(4))
			madvise(writable, ARENA, MADV_DONTNEED);
		return;
	}
	at = (uintptr_t)readable + rnd(ARENA - sizeof(data));
	if (dma(file, bond.device, bond.pasid, at, data, length, IOMMUSIM_DMA_PAGE_REQUESTS,
		&result) ||
	    result.out_reason)
		return;
	for (i = 0; i < length; i++) {
		if (data[i] != PATTERN) {
			fail("a device read %#x from the arena at byte %u of %u", data[i], i,
			     length);
			return;
		}
	}
}

/* Any address; what is written goes nowhere, or where it may. */
static void dma_anywhere(unsigned int file)
{
	static unsigned char data[3 * PAGE];
	uint64_t at = FAR_AWAY + rnd(1 << 20) * PAGE + rnd(PAGE), length = rnd(sizeof(data));
	struct iommusim_ioc_dma result;
	unsigned int flags = rnd(4);
	void *buffer = data;

	if (secret_phys && !tame && one_in(3)) {
		at = secret_phys;
		length = rnd(PAGE);
	}
	if (one_in(12))
		length = ~0ULL >> rnd(60);
	if (one_in(12))
		at = 0xfee00000 + rnd(1 << 20);
	if (one_in(12)) {
		at = ~0ULL - rnd(2 * PAGE);
		length = rnd(2 * PAGE);
	}
	if (one_in(12))
		buffer = (void *)(uintptr_t)8;
	if (one_in(20))
		flags = 1U << rnd(32);
	dma(file, some_id(file, DEV), one_in(2) ? IOMMUSIM_NO_PASID : rnd(64), at, buffer, length,
	    flags, &result);
}

static void request_pages(unsigned int file)
{
	struct object bond = some_bond(file);
	uint64_t addresses[IOMMUSIM_MAX_PAGE_REQUESTS];
	union command cmd = {
		.request = {
			.device_id = bond.id ? bond.device : some_id(file, DEV),
			.pasid = bond.id && !one_in(8) ? bond.pasid : one_in(2) ? rnd(64) :
				 IOMMUSIM_NO_PASID,
			.addresses = (uintptr_t)addresses,
			.count = 1 + rnd(one_in(4) ? IOMMUSIM_MAX_PAGE_REQUESTS : 4),
			.flags = one_in(3) ? IOMMUSIM_DMA_WRITE : 0,
		},
	};
	unsigned int i;

	for (i = 0; i < IOMMUSIM_MAX_PAGE_REQUESTS; i++)
		addresses[i] = (uintptr_t)writable + rnd(ARENA);
	if (one_in(16))
		addresses[rnd(4)] = rnd(2) ? 0 : ~0ULL;
	if (one_in(20))
		cmd.request.count = rnd(2) ? 0 : IOMMUSIM_MAX_PAGE_REQUESTS + 1 + rnd(~0U - 100);
	if (one_in(20))
		cmd.request.addresses = 8;
	if (one_in(20))
		cmd.request.flags = 1U << rnd(32);
	if (!command(files[file], IOMMUSIM_IOC_PAGE_REQUEST, &cmd, sizeof(cmd.request),
		     cmd.request.device_id, cmd.request.flags) &&
	    cmd.request.out_response > IOMMUSIM_PAGE_FAILURE)
		fail("PAGE_REQUEST: response %u", cmd.request.out_response);
}

static void fail_attach(unsigned int file, unsigned int device)
{
	/* Bonds fail with it, so that it must be none that says something of the command itself. */
	static const unsigned int errors[] = { ENOMEM, EBUSY, EINVAL, EIO };
	union command cmd = {
		.attach = {
			.device_id = device,
			/* The core tries twice, when the process has a domain already. */
			.times = rnd(4),
			.error = one_in(8) ? rnd(2) * (4096 + rnd(8192)) :
					     errors[rnd(sizeof(errors) / sizeof(errors[0]))],
		},
	};

	command(files[file], IOMMUSIM_IOC_FAIL_ATTACH, &cmd, sizeof(cmd.attach), device,
		cmd.attach.error);
}

static void fail_tables(unsigned int file, unsigned int sim)
{
	union command cmd = {
		.tables = {
			.sim_id = sim,
			.skip = one_in(4) ? rnd(~0U) : rnd(10),
			.times = one_in(16) ? rnd(~0U) : rnd(2),
		},
	};

	command(files[file], IOMMUSIM_IOC_FAIL_TABLES, &cmd, sizeof(cmd.tables), sim,
		cmd.tables.times);
}

static void ask(unsigned int file)
{
	union command cmd = { .stats = { .sim_id = some_id(file, INSTANCE) } };

	if (one_in(20))
		cmd.stats.flags = 1;
	command(files[file], IOMMUSIM_IOC_STATS, &cmd, sizeof(cmd.stats), cmd.stats.sim_id, 0);
}

static void interrupt(unsigned int file)
{
	union command cmd = {
		.interrupt = {
			.device_id = some_id(file, DEV),
			.level = one_in(20) ? rnd(~0U) : rnd(2),
			.flags = one_in(20) ? 1U << rnd(32) : 0,
		},
	};

	command(files[file], IOMMUSIM_IOC_INTERRUPT, &cmd, sizeof(cmd.interrupt),
		cmd.interrupt.device_id, cmd.interrupt.level);
}

static void nonsense(unsigned int file)
{
	union command cmd = {};
	unsigned int nr = NR_COMMANDS + rnd(200);

	if (ioctl(files[file], _IO(IOMMUSIM_IOC_TYPE, nr), &cmd) != -1 || errno != ENOTTY)
		fail("command %u, which is none: %s", nr, strerror(errno));
	if (ioctl(files[file], _IO(IOMMUSIM_IOC_TYPE, rnd(NR_COMMANDS)), (void *)8) != -1 ||
	    errno != EFAULT)
		fail("a command at address 8: %s", strerror(errno));
}

/* Until it is gone, as far as others let it. */
static void destroy_in_order(unsigned int file, unsigned int *ids, unsigned int count)
{
	unsigned int tries, i, left = count;

	for (tries = 0; tries < 40 && left; tries++) {
		i = rnd(count);
		if (ids[i] && destroy(file, ids[i]) != EBUSY) {
			ids[i] = 0;
			left--;
		}
	}
}

/* All there is, also what somebody made who was killed before he could remember it. */
static void sweep(unsigned int file)
{
	unsigned int id;

	for (id = OBJECTS; id; id--)
		destroy(file, id);
}

/* A process bound to two devices of one group: all four objects go in any order. */
static void pair(unsigned int file)
{
	unsigned int sim = create(file, IOMMUSIM_SVA | (one_in(4) ? 0 : IOMMUSIM_PAGE_REQUESTS));
	unsigned int group = 1 + rnd(2), ids[4] = {}, i;
	struct iommusim_ioc_dma result;
	struct object bond;
	unsigned char byte;

	if (!sim)
		return;
	for (i = 0; i < 2; i++)
		ids[i] = plug(file, sim, group);
	for (i = 0; i < 2 && ids[i]; i++) {
		if (one_in(8))
			fail_attach(file, ids[i]);
		bond = bind(file, ids[i]);
		ids[2 + i] = bond.id;
		if (bond.id && !dma(file, ids[rnd(2)], bond.pasid, (uintptr_t)readable, &byte, 1,
				    IOMMUSIM_DMA_PAGE_REQUESTS, &result) &&
		    !result.out_reason && byte != PATTERN)
			fail("a device whose group is bound read %#x from the arena", byte);
	}
	__atomic_fetch_add(&shared->pairs, ids[2] && ids[3], __ATOMIC_RELAXED);
	if (one_in(4))
		return;
	destroy_in_order(file, ids, 4);
	destroy(file, sim);
}

/* A file of its own, closed with all that is in it. */
static void open_and_close(unsigned int file)
{
	struct object *others = objects[file], own[OBJECTS] = {};
	int old = files[file];

	files[file] = open(DEVICE, O_RDWR | O_CLOEXEC);
	if (files[file] >= 0) {
		objects[file] = own;
		pair(file);
		pair(file);
		close(files[file]);
	}
	objects[file] = others;
	files[file] = old;
}

static void operate(void)
{
	unsigned int file = rnd(FILES), device;

	switch (rnd(36)) {
	case 0:
		create(file, one_in(4) ? rnd(4) : IOMMUSIM_SVA | IOMMUSIM_PAGE_REQUESTS);
		break;
	case 1:
		plug(file, some_id(file, INSTANCE), rnd(3));
		break;
	case 2 ... 5:
		destroy(file, some_id(file, 1 + rnd(KINDS - 1)));
		break;
	case 6 ... 7:
		bind(file, some_id(file, DEV));
		break;
	case 8 ... 12:
		request_pages(file);
		break;
	case 13 ... 15:
		dma_process(file);
		break;
	case 16:
		dma_anywhere(file);
		break;
	case 17 ... 18:
		dma_direct(file);
		break;
	case 19 ... 20:
		fail_attach(file, some_id(file, DEV));
		break;
	case 21 ... 22:
		fail_tables(file, some_id(file, INSTANCE));
		break;
	case 23 ... 25:
		ask(file);
		break;
	case 26:
		nonsense(file);
		break;
	case 27:
		device = some_id(file, DEV);
		bind(file, device);
		bind(file, device);
		break;
	case 28:
		if (one_in(8))
			open_and_close(file);
		else if (one_in(8))
			sweep(file);
		break;
	case 29 ... 32:
		interrupt(file);
		break;
	default:
		pair(file);
		break;
	}
}

static void map_secret(void)
{
#ifdef SYS_memfd_secret
	int fd = syscall(SYS_memfd_secret, 0);

	if (fd < 0 || ftruncate(fd, PAGE))
		return;
	secret_page = map_memory(PAGE, MAP_SHARED, fd);
	secret_page[0] = PATTERN;
	secret_phys = physical_address(secret_page);
	close(fd);
#endif
}

static void prepare(void)
{
	unsigned int i;

	start_judging();
	shared = map_memory(sizeof(*shared), MAP_SHARED | MAP_ANONYMOUS, -1);
	direct_page = map_memory(PAGE, MAP_SHARED | MAP_ANONYMOUS | MAP_LOCKED | MAP_POPULATE, -1);
	direct_phys = physical_address(direct_page);
	readable = map_memory(ARENA, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	memset(readable, PATTERN, ARENA);
	writable = map_memory(ARENA, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	map_secret();
	for (i = 0; i < FILES; i++) {
		objects[i] = shared->objects[i];
		files[i] = open(DEVICE, O_RDWR | O_CLOEXEC);
		if (files[i] < 0) {
			perror(DEVICE);
			exit(1);
		}
	}
}

static int each_command_succeeded(void)
{
	unsigned int nr;

	for (nr = 0; nr < NR_COMMANDS && shared->tallies[nr].successes >= least; nr++)
		;
	return nr == NR_COMMANDS;
}

/*
 * commands is exceeded for a command that lacks successes, because which commands succeed depends
 * on how the processes meet. One that never succeeds ends the run at twice commands, and fails it.
 */
static int is_over(time_t end)
{
	if (verdict->failed || (end && time(NULL) >= end))
		return 1;
	return commands && (shared->total >= 2ULL * commands ||
			    (shared->total >= commands && each_command_succeeded()));
}

static void work(uint64_t seed, time_t end)
{
	random_state = mix(mix(seed, self + 1), shared->incarnation[self] + 1) | 1;
	while (!is_over(end))
		operate();
	_exit(0);
}

static pid_t start(uint64_t seed, unsigned int i, time_t end)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	self = i;
	work(seed, end);
	return 0;
}

/* Kills one now and then, in the middle of anything, and starts it again. */
static void run(uint64_t seed, unsigned int processes, time_t end)
{
	unsigned int i, next = 100;
	pid_t pids[PROCESSES];
	int status;

	for (i = 0; i < processes; i++)
		pids[i] = start(seed, i, end);
	random_state = mix(seed, 77) | 1;
	while (processes > 1 && !is_over(end)) {
		usleep(rnd(5000));
		if (shared->total < next)
			continue;
		next = shared->total + 10 + rnd(130);
		i = rnd(processes);
		kill(pids[i], SIGKILL);
		waitpid(pids[i], &status, 0);
		shared->kills++;
		shared->incarnation[i]++;
		pids[i] = start(seed, i, end);
	}
	for (i = 0; i < processes; i++) {
		waitpid(pids[i], &status, 0);
		if (!WIFEXITED(status) || WEXITSTATUS(status))
			fail("process %u ended with status %#x", i, status);
	}
}

static void show_log(unsigned int processes)
{
	unsigned int i, k;

	for (i = 0; i < processes; i++) {
		printf("# the last commands of process %u:\n", i);
		for (k = shared->logged[i] > LOG ? shared->logged[i] - LOG : 0;
		     k < shared->logged[i]; k++) {
			struct entry *entry = &shared->log[i][k % LOG];

			printf("#   %s(size %u, id %u, flags %#x) = %d\n", names[entry->nr],
			       entry->size, entry->id, entry->flags, (int)entry->err);
		}
	}
}

static void report(unsigned int processes, time_t began)
{
	unsigned int nr;

	printf("# %-16s %8s %9s  errors\n", "command", "calls", "successes");
	for (nr = 0; nr < NR_COMMANDS; nr++) {
		print_tally(names[nr], &shared->tallies[nr]);
		judge(shared->tallies[nr].successes >= least, "%s succeeded %u times, %u wanted", names[nr],
		      shared->tallies[nr].successes, least);
	}
	judge(shared->met * 10ULL >= shared->accesses * 3ULL,
	      "%u of %u DMAs met a mapping, 30 %% wanted", shared->met, shared->accesses);
	judge(!verdict->failed, "%s", verdict->failed ? verdict->why : "nothing was wrong");
	judge(!count_left(), "nothing is left when the files are closed");
	if (verdict->failed)
		show_log(processes);
	printf("# DMAs by reason:");
	for (nr = 0; nr < REASONS; nr++)
		printf(" %u:%u", nr, shared->reasons[nr]);
	printf("\n# %u processes killed, %u pairs of bonds, %u s\n", shared->kills, shared->pairs,
	       (unsigned int)(time(NULL) - began));
}

static void print_usage(void)
{
	fprintf(stderr,
		"usage: iommusim_fuzz [-s SEED] [-c COMMANDS] [-t SECONDS] [-p PROCESSES] [-l LEAST] [-T]\n"
		"  -T  without what only lets a defect of the kernel show: hostile regions, secret memory\n");
	exit(2);
}

int main(int argc, char **argv)
{
	unsigned int seconds = 0, processes = 4, i;
	uint64_t seed = 0, trace = 0;
	time_t began = time(NULL);
	int option;

	while ((option = getopt(argc, argv, "s:c:t:p:l:T")) != -1) {
		switch (option) {
		case 's':
			seed = strtoull(optarg, NULL, 0);
			break;
		case 'c':
			commands = strtoul(optarg, NULL, 0);
			break;
		case 't':
			seconds = strtoul(optarg, NULL, 0);
			break;
		case 'p':
			processes = strtoul(optarg, NULL, 0);
			break;
		case 'l':
			least = strtoul(optarg, NULL, 0);
			break;
		case 'T':
			tame = 1;
			break;
		default:
			print_usage();
		}
	}
	if (!processes || processes > PROCESSES)
		print_usage();
	if (!seed && getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		print_usage();
	printf("# seed=%llu processes=%u commands=%u seconds=%u\n", (unsigned long long)seed,
	       processes, commands, seconds);
	fflush(stdout);
	prepare();
	run(seed, processes, seconds ? time(NULL) + seconds : 0);
	for (i = 0; i < FILES; i++)
		close(files[i]);
	report(processes, began);
	for (i = 0; i < processes; i++)
		trace = mix(trace, shared->trace[i]);
	printf("# trace %#llx; seed=%llu\n", (unsigned long long)trace, (unsigned long long)seed);
	printf("%u passed, %u failed, 0 skipped\n", passed, failed);
	return failed ? 1 : 0;
}
