// SPDX-License-Identifier: GPL-2.0
/*
 * Emulated PCI devices, which have what simulated ones have not: memory, interrupts, a reset, and
 * an engine whose DMA the emulated IOMMU translates.
 */
#define _GNU_SOURCE
#include "pci.h"

#include "fuzz.h"

#include <poll.h>
#include <sys/eventfd.h>

#define EDU_AT		0x40000000ULL
#define EDU_IS_EDU	0x010000edU

/* struct edu: a device, and what a round has of it. */
struct edu {
	char name[64];
	bool reset;		/* it has a reset that leaves others alone */
	int file, device, domain, fd;
	uint32_t *bar;
	char *page;
};

static bool has_no_reset(const char *name)
{
	return !has_reset(name);
}

/* find_edu() prefers one that can be reset, mostly. */
static bool find_edu(struct edu *edu)
{
	edu->reset = !one_in(8);
	if (find_pci(EDU, edu->reset ? has_reset : has_no_reset, 0, edu->name, sizeof(edu->name)))
		return true;
	edu->reset = !edu->reset;
	return find_pci(EDU, edu->reset ? has_reset : has_no_reset, 0, edu->name,
			sizeof(edu->name));
}

bool has_edu(void)
{
	struct edu edu;

	return find_edu(&edu) && has_iommu(edu.name);
}

static void move_data(const struct edu *edu, uint64_t source, uint64_t target, uint64_t command)
{
	start_dma(edu->bar, source, target, 64, command);
	wait_dma(edu->bar);
}

static bool begin_edu(struct edu *edu)
{
	struct v3compat_result result = {};

	edu->file = open_v3compat();
	edu->device = create_pci(edu->file, edu->name, 0, &result);
	if (edu->device < 0) {
		fail("DEVICE_CREATE of %s answered %d, reason %u", edu->name, edu->device,
		     result.out_reason);
		return false;
	}
	edu->domain = create_domain(edu->file, V3COMPAT_DOMAIN_TRANSLATE, 0, NULL);
	edu->fd = open_fd(edu->file, edu->device);
	edu->bar = edu->fd < 0 ? NULL : map_bar(edu->fd, EDU_SIZE);
	if (edu->bar && edu->domain > 0)
		return true;
	fail("%s: domain %d, descriptor %d", edu->name, edu->domain, edu->fd);
	return false;
}

static void query_regions(struct edu *edu)
{
	struct v3compat_region_query region = { .index = rnd(7) };
	struct v3compat_interrupt_query interrupt = { .type = rnd(4) };
	struct v3compat_device_query query = { .device = edu->device };
	struct v3compat_input_mappings ids = { .device = edu->device };

	if (expect("REGION_QUERY", CALL(edu->fd, REGION_QUERY, &region), 0, 0) &&
	    region.out_length != (region.index ? 0 : EDU_SIZE))
		fail("region %u has %llu bytes", region.index,
		     (unsigned long long)region.out_length);
	expect("INTERRUPT_QUERY", CALL(edu->fd, INTERRUPT_QUERY, &interrupt), 0, 0);
	expect("DEVICE_QUERY", CALL(edu->file, DEVICE_QUERY, &query), 0, 0);
	expect("INPUT_MAPPINGS", CALL(edu->file, INPUT_MAPPINGS, &ids), 0, 0);
	if (get(edu->bar, EDU_ID) != EDU_IS_EDU)
		fail("%s is %#x", edu->name, get(edu->bar, EDU_ID));
}

static void expect_interrupt(int event)
{
	struct pollfd poll_fd = { .fd = event, .events = POLLIN };
	uint64_t count;

	if (poll(&poll_fd, 1, PATIENCE_MS) != 1 ||
	    read(event, &count, sizeof(count)) != sizeof(count))
		fail("an interrupt does not come");
}

static void try_interrupts(struct edu *edu)
{
	unsigned int type = rnd(2);
	int event = eventfd(0, EFD_CLOEXEC), wrong = edu->file;
	struct v3compat_interrupt_set set = {
		.type = type, .count = 1, .fds = (uintptr_t)&event,
	}, bad = { .type = type, .count = 1, .fds = (uintptr_t)&wrong };
	struct v3compat_interrupt_set unmask = {
		.flags = V3COMPAT_INTERRUPT_UNMASK, .type = type, .count = 1,
	}, none = {};

	expect("INTERRUPT_SET of a file of another kind", CALL(edu->fd, INTERRUPT_SET, &bad),
	       -EBADF, -EBADF);
	expect("INTERRUPT_SET", CALL(edu->fd, INTERRUPT_SET, &set), 0, 0);
	/* A message is a write of the device, which must be a bus master for it. */
	expect("ATTACH of edu", attach(edu->file, edu->domain, edu->device, NULL), 0, 0);
	put(edu->bar, EDU_IRQ_RAISE, 1);
	expect_interrupt(event);
	put(edu->bar, EDU_IRQ_ACK, 1);
	expect("an unmask", CALL(edu->fd, INTERRUPT_SET, &unmask), 0, 0);
	expect("INTERRUPT_SET again", CALL(edu->fd, INTERRUPT_SET, &set), 0, 0);
	if (one_in(2))
		expect("INTERRUPT_SET of none", CALL(edu->fd, INTERRUPT_SET, &none), 0, 0);
	expect("DETACH of edu", detach(edu->file, edu->device, NULL), 0, 0);
	close(event);
}

/* try_dma() moves data there and back, and once more when nothing is mapped any more. */
static void try_dma(struct edu *edu)
{
	unsigned int value = rnd(~0U);

	expect("MAP for edu", map_fixed(edu->file, edu->domain, edu->page, PAGE, EDU_AT), 0, 0);
	expect("ATTACH of edu", attach(edu->file, edu->domain, edu->device, NULL), 0, 0);
	memset(edu->page, 0, PAGE);
	memcpy(edu->page, &value, sizeof(value));
	move_data(edu, EDU_AT, EDU_BUFFER, 0);
	move_data(edu, EDU_BUFFER, EDU_AT + 1024, EDU_TO_MEMORY);
	if (memcmp(edu->page, edu->page + 1024, 64))
		fail("edu has moved %#x, not %#x", *(unsigned int *)(edu->page + 1024), value);
	expect("UNMAP for edu", unmap(edu->file, edu->domain, EDU_AT, PAGE, NULL), 0, 0);
	if (one_in(4)) {
		memset(edu->page, 0, PAGE);
		move_data(edu, EDU_BUFFER, EDU_AT, EDU_TO_MEMORY);
		if (edu->page[0] || memcmp(edu->page, edu->page + 1, PAGE - 1))
			fail("edu writes to what was unmapped");
	}
	expect("DETACH of edu", detach(edu->file, edu->device, NULL), 0, 0);
}

/* fail_reset() says what the device has become, for @value was read of it. */
static void fail_reset(const struct edu *edu, uint32_t value)
{
	uint32_t config[5] = {};
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/config", edu->name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, config, sizeof(config)) != sizeof(config))
		fail("%s has no configuration", edu->name);
	usleep(100000);
	fail("%s was %#x after a reset, is %#x now, with command %#x and BAR %#x", edu->name, value,
	     get(edu->bar, EDU_ID), config[1], config[4]);
	close(fd);
}

static void try_reset(struct edu *edu)
{
	struct v3compat_reset reset = {};
	int right = edu->reset ? 0 : -EOPNOTSUPP;
	uint32_t value;

	expect("RESET", CALL(edu->fd, RESET, &reset), right, right);
	value = get(edu->bar, EDU_ID);
	if (value != EDU_IS_EDU)
		fail_reset(edu, value);
}

static void remove_edu(struct edu *edu)
{
	struct v3compat_region_query region = {};

	if (one_in(2)) {
		unbind_pci(edu->name);
	} else {
		write_attribute(edu->name, "remove", "1");
		write_file("/sys/bus/pci/rescan", "1");
	}
	expect("REGION_QUERY of one that left", CALL(edu->fd, REGION_QUERY, &region), -ENODEV,
	       -ENODEV);
	expect("DESTROY of one that left", destroy(edu->file, edu->device, NULL), 0, 0);
}

static void end_edu(struct edu *edu)
{
	bool by_hand = one_in(2);

	if (one_in(2)) {
		munmap(edu->bar, EDU_SIZE);
		close(edu->fd);
		edu->fd = -1;
	}
	if (by_hand)
		expect("DESTROY of edu", destroy(edu->file, edu->device, NULL), 0, 0);
	close(edu->file);
	if (edu->fd >= 0) {
		munmap(edu->bar, EDU_SIZE);
		close(edu->fd);
	}
}

static void play_with_edu(struct edu *edu)
{
	unsigned int i, count = 4 + rnd(12);

	for (i = 0; i < count && !is_over(); i++) {
		switch (rnd(10)) {
		case 0:
			query_regions(edu);
			break;
		case 1:
			try_interrupts(edu);
			break;
		case 2:
			if (one_in(3))
				try_dma(edu);
			break;
		default:
			try_reset(edu);
		}
		collect_cover();
	}
	if (one_in(6)) {
		remove_edu(edu);
		munmap(edu->bar, EDU_SIZE);
		close(edu->fd);
		close(edu->file);
	} else {
		end_edu(edu);
	}
	collect_cover();
}

/*
 * find_or_rescan(): whoever was killed may have left it out. Only then a rescan, because the PCI
 * core writes back the register of a bridge then which has the bit of a bus reset, so that it would
 * begin another one where a file is being closed.
 */
static bool find_or_rescan(struct edu *edu)
{
	if (find_edu(edu))
		return true;
	write_file("/sys/bus/pci/rescan", "1");
	return find_edu(edu);
}

void work_with_edu(uint64_t seed)
{
	struct edu edu = {};

	random_state = seed | 1;
	start_cover();
	edu.page = new_memory(PAGE);
	while (!is_over()) {
		if (!find_or_rescan(&edu)) {
			fail("there is no edu any more");
			return;
		}
		bind_pci(edu.name, DRIVER);
		if (!begin_edu(&edu))
			return;
		play_with_edu(&edu);
		__atomic_fetch_add(&shared->rounds, 1, __ATOMIC_RELAXED);
	}
}
