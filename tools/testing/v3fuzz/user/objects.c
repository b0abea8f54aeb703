// SPDX-License-Identifier: GPL-2.0
/*
 * Domains, attachments, sub-devices, devices that leave, the caller's tables, and questions.
 */
#define _GNU_SOURCE
#include "device.h"

#include "fuzz.h"

#include <poll.h>
#include <sys/eventfd.h>

static bool has_reservation(const struct part *part, const struct domain *domain)
{
	unsigned int i;

	for (i = 0; i < RESERVATIONS; i++)
		if (part->reservations[i].handle &&
		    part->reservations[i].domain == domain->place)
			return true;
	return false;
}

static void make_domain(struct part *part, struct domain *domain)
{
	clear_domain(domain, one_in(2) ? 32 + rnd(9) : 0);
	domain->handle = create_domain(part->fd, V3COMPAT_DOMAIN_TRANSLATE, domain->width, NULL);
	if (domain->handle > 0)
		return;
	fail("DOMAIN_CREATE of %u bits answered %d", domain->width, domain->handle);
	domain->handle = 0;
}

/* end_domain(): what is mapped in it goes with it. */
static void end_domain(struct part *part, struct domain *domain)
{
	bool busy = is_seen(part, domain) || has_reservation(part, domain);
	int ret = destroy(part->fd, domain->handle, NULL);

	if (expect("DESTROY of a domain", ret, busy ? -EBUSY : 0,
		   busy || domain->count ? -EBUSY : 0) && !ret)
		clear_domain(domain, 0);
}

/* make_other() makes a domain of another type, attaches it if that is allowed, and destroys it. */
static void make_other(struct part *part)
{
	unsigned int type = one_in(2) ? V3COMPAT_DOMAIN_PASSTHROUGH : V3COMPAT_DOMAIN_TRANSLATE_S1;
	int domain = create_domain(part->fd, type, 0, NULL), ret;

	if (domain < 0)
		return;
	if (part->attached == NOWHERE) {
		/* The guard may be against it, or may detach it any time. */
		ret = attach(part->fd, domain, part->device, NULL);
		if (!ret)
			expect("DETACH", detach(part->fd, part->device, NULL), 0, -ENOENT);
	}
	expect("DESTROY of a domain of another type", destroy(part->fd, domain, NULL), 0, 0);
}

void try_domain(struct part *part)
{
	struct domain *domain = &part->domains[rnd(DOMAINS)];

	if (one_in(4))
		make_other(part);
	else if (domain->handle)
		end_domain(part, domain);
	else
		make_domain(part, domain);
}

void try_attach(struct part *part)
{
	struct domain *domain = some_domain(part, false);
	int right = part->attached == NOWHERE ? -ENOENT : 0, place = part->attached;

	if (one_in(3) && expect("DETACH", detach(part->fd, part->device, NULL), right, right)) {
		part->attached = NOWHERE;
		if (!right && !is_seen(part, &part->domains[place]) &&
		    dma(&part->sim, WINDOW_AT, &right, sizeof(right), false) <= IOMMUSIM_OK)
			fail("a device that is detached reads");
		return;
	}
	if (!domain)
		return;
	right = part->attached == NOWHERE ? 0 : -EBUSY;
	if (expect("ATTACH", attach(part->fd, domain->handle, part->device, NULL), right, right) &&
	    !right)
		part->attached = domain->place;
	check_domain(part, domain, false);
}

static void make_pasid(struct part *part, struct pasid *pasid)
{
	struct v3compat_pasid_create arg = { .device = part->device };
	int right = part->tagged ? 0 : -EINVAL;

	if (!expect("PASID_CREATE", CALL(part->fd, PASID_CREATE, &arg), right, right) || right)
		return;
	*pasid = (struct pasid) {
		.handle = arg.out_pasid, .number = arg.out_number, .domain = NOWHERE,
	};
}

void try_pasid(struct part *part)
{
	struct pasid *pasid = &part->pasids[rnd(PASIDS)];
	struct domain *domain = some_domain(part, false);
	int right;

	if (!pasid->handle) {
		make_pasid(part, pasid);
		return;
	}
	right = pasid->domain == NOWHERE ? 0 : -EBUSY;
	if (one_in(4)) {
		if (expect("DESTROY of a sub-device", destroy(part->fd, pasid->handle, NULL), right,
			   right) && !right)
			pasid->handle = 0;
	} else if (one_in(3)) {
		right = right ? 0 : -ENOENT;
		if (expect("DETACH of a sub-device", detach(part->fd, pasid->handle, NULL), right,
			   right) && !right)
			pasid->domain = NOWHERE;
	} else if (domain) {
		if (expect("ATTACH of a sub-device",
			   attach(part->fd, domain->handle, pasid->handle, NULL), right, right) &&
		    !right)
			pasid->domain = domain->place;
		check_domain(part, domain, false);
	}
}

/* try_process() lets the device into the memory of the process for a while. */
void try_process(struct part *part)
{
	struct v3compat_pasid_create arg = {
		.flags = V3COMPAT_PASID_SVA, .device = part->device,
	};
	struct iommusim_ioc_dma dma = {
		.size = sizeof(dma), .flags = IOMMUSIM_DMA_PAGE_REQUESTS,
		.device_id = part->sim.device, .length = 8,
	};
	char *page = page_of(part, rnd(OWN_PAGES)) + PAGE - 8;
	unsigned long long value = 0;
	int ret;

	ret = CALL(part->fd, PASID_CREATE, &arg);
	if (!part->tagged || !part->config.features) {
		expect("PASID_CREATE of a process", ret, part->tagged ? -EIO : -EINVAL,
		       part->tagged ? -EOPNOTSUPP : -EINVAL);
		return;
	}
	if (ret)
		return;
	dma.pasid = arg.out_number;
	dma.address = (uintptr_t)page;
	dma.data = (uintptr_t)&value;
	if (ioctl(part->sim.fd, IOMMUSIM_IOC_DMA, &dma) || dma.out_reason ||
	    memcmp(&value, page, sizeof(value)))
		fail("a device of the process reads %#llx, reason %u", value, dma.out_reason);
	expect("DESTROY of a sub-device in use", destroy(part->fd, arg.out_pasid, NULL), -EBUSY,
	       -EBUSY);
	expect("DETACH of a process", detach(part->fd, arg.out_pasid, NULL), 0, 0);
	dma.out_reason = 0;
	if (!ioctl(part->sim.fd, IOMMUSIM_IOC_DMA, &dma) && !dma.out_reason)
		fail("a device reads the memory of a process that it is not bound to");
	expect("DESTROY of a sub-device", destroy(part->fd, arg.out_pasid, NULL), 0, 0);
}

static void expect_gone(struct part *part)
{
	struct v3compat_device_query query = { .device = part->device };
	struct v3compat_input_mappings ids = { .device = part->device };
	struct domain *domain = some_domain(part, false);

	if (expect("DEVICE_QUERY of one that left", CALL(part->fd, DEVICE_QUERY, &query), 0, 0) &&
	    query.out_flags != V3COMPAT_DEVICE_GONE)
		fail("a device that left has flags %#x", query.out_flags);
	expect("INPUT_MAPPINGS of one that left", CALL(part->fd, INPUT_MAPPINGS, &ids), -ENODEV,
	       -ENODEV);
	if (domain)
		expect("ATTACH of one that left",
		       attach(part->fd, domain->handle, part->device, NULL), -ENODEV, -ENODEV);
}

/*
 * try_removal() takes the device away in the middle of its use, alone or from its driver, and gives
 * the part another one, for which all that is mapped is still there.
 */
void try_removal(struct part *part)
{
	struct iommusim_ioc_destroy gone = { .size = sizeof(gone), .id = part->sim.device };
	struct v3compat_result result = {};
	int i, place = part->attached, events = -1;

	/* Nobody else may have the descriptor, because it has the device. */
	forbid_children();
	if (one_in(2))
		events = listen_to_end(part);
	if (one_in(2) && unbind_device(part->sim.name))
		fail("unbind of %s: %s", part->sim.name, strerror(errno));
	if (ioctl(part->sim.fd, IOMMUSIM_IOC_DESTROY, &gone))
		fail("removal of a device: %s", strerror(errno));
	if (events >= 0)
		hear_end(part, events);
	allow_children();
	expect_gone(part);
	for (i = 0; i < PASIDS; i++) {
		if (part->pasids[i].handle)
			expect("DESTROY of a sub-device that left",
			       destroy(part->fd, part->pasids[i].handle, NULL), 0, 0);
		part->pasids[i].handle = 0;
	}
	expect("DESTROY of a device that left", destroy(part->fd, part->device, NULL), 0, 0);
	part->attached = NOWHERE;
	i = add_device(&part->sim, 0, 0, NULL, 0, part->sim.name);
	if (i < 0) {
		fail("another device: %d", i);
		return;
	}
	part->sim.device = i;
	part->device = create_device(part->fd, part->sim.name,
				     part->tagged ? V3COMPAT_DEVICE_TAGGED : 0, &result);
	if (part->device < 0) {
		fail("DEVICE_CREATE of another one answered %d, reason %u", part->device,
		     result.out_reason);
		return;
	}
	__atomic_fetch_add(&shared->removals, 1, __ATOMIC_RELAXED);
	if (place == NOWHERE)
		return;
	if (expect("ATTACH of another one",
		   attach(part->fd, part->domains[place].handle, part->device, NULL), 0, 0))
		part->attached = place;
	check_domain(part, &part->domains[place], true);
}

static void query_domain(struct part *part, struct domain *domain)
{
	struct v3compat_region ranges[16];
	struct v3compat_domain_query arg = {
		.domain = domain->handle, .ranges = (uintptr_t)ranges, .max_ranges = rnd(17),
	};
	struct v3compat_domain_flush flush = { .domain = domain->handle };
	unsigned long long list[4] = { WINDOW_AT, WINDOW_AT + LARGE, ~0ULL << 12, 0 };

	if (expect("DOMAIN_QUERY", CALL(part->fd, DOMAIN_QUERY, &arg), 0, 0) &&
	    (arg.out_type != domain->type || arg.out_flags != V3COMPAT_DOMAIN_SETTLED ||
	     arg.out_alignment != PAGE || !arg.out_ranges))
		fail("DOMAIN_QUERY: type %u, flags %#x, %u ranges", arg.out_type, arg.out_flags,
		     arg.out_ranges);
	if (one_in(2)) {
		flush.list = (uintptr_t)list;
		flush.count = rnd(5);
	}
	expect("DOMAIN_FLUSH", CALL(part->fd, DOMAIN_FLUSH, &flush), 0, 0);
}

static void query_device(struct part *part)
{
	struct v3compat_device_query arg = { .device = part->device };
	struct v3compat_input_mappings ids;
	unsigned int id[4];

	if (expect("DEVICE_QUERY", CALL(part->fd, DEVICE_QUERY, &arg), 0, 0) &&
	    !(arg.out_flags & V3COMPAT_DEVICE_ATTACHED) != (part->attached == NOWHERE))
		fail("DEVICE_QUERY: flags %#x", arg.out_flags);
	arg = (struct v3compat_device_query) { .name = name_of("platform", part->sim.name) };
	if (expect("DEVICE_QUERY of a name", CALL(part->fd, DEVICE_QUERY, &arg), 0, 0) &&
	    arg.out_blocker_reason != V3COMPAT_REASON_CLAIMED)
		fail("DEVICE_QUERY: blocker %u", arg.out_blocker_reason);
	ids = (struct v3compat_input_mappings) {
		.device = part->device, .ids = (uintptr_t)id, .max_ids = rnd(5),
	};
	expect("INPUT_MAPPINGS", CALL(part->fd, INPUT_MAPPINGS, &ids), 0, 0);
}

void try_queries(struct part *part)
{
	struct v3compat_info info = {};
	struct domain *domain = some_domain(part, true);

	if (domain)
		query_domain(part, domain);
	query_device(part);
	if (one_in(2))
		expect("INFO", CALL(part->fd, INFO, &info), 0, 0);
}

/* Entries of x86-64 tables: present, writable, user. */
#define ENTRY	7ULL

/* try_tables() gives the device tables of the caller's, in registered memory, and changes them. */
void try_tables(struct part *part)
{
	unsigned long long *table = NULL, at = rnd(1 << 16) * PAGE, value;
	unsigned int pages = 8, level;
	struct v3compat_domain_configure configure = {
		.format = V3COMPAT_TABLES_X64, .width = 48,
	};
	struct v3compat_domain_flush flush = {};
	int domain, memory, place = part->attached;
	char *start;

	if (place != NOWHERE)
		expect("DETACH for tables", detach(part->fd, part->device, NULL), 0, 0);
	part->attached = NOWHERE;
	domain = create_domain(part->fd, V3COMPAT_DOMAIN_UNMANAGED, 0, NULL);
	start = new_memory(pages * PAGE);
	memory = start ? create_memory(part->fd, start, pages * PAGE, 0, NULL) : -ENOMEM;
	if (domain < 0 || memory < 0) {
		fail("a domain with tables: %d, %d", domain, memory);
		return;
	}
	for (level = 3; level <= 3; level--) {
		table = (unsigned long long *)(start + (3 - level) * PAGE) +
			(at >> (12 + 9 * level) & 511);
		*table = (4 - level) * PAGE | ENTRY;
	}
	strcpy(start + 4 * PAGE, "fourth");
	strcpy(start + 5 * PAGE, "fifth.");
	configure.domain = flush.domain = domain;
	configure.memory = memory;
	expect("DOMAIN_CONFIGURE", CALL(part->fd, DOMAIN_CONFIGURE, &configure), 0, 0);
	expect("ATTACH with tables", attach(part->fd, domain, part->device, NULL), 0, 0);
	if (dma(&part->sim, at, &value, sizeof(value), false) || memcmp(&value, "fourth", 7))
		fail("a device does not read what the tables say at %#llx", at);
	*table = 5 * PAGE | ENTRY;
	if (one_in(2)) {
		flush.list = (uintptr_t)&at;
		flush.count = 1;
	}
	expect("DOMAIN_FLUSH of tables", CALL(part->fd, DOMAIN_FLUSH, &flush), 0, 0);
	if (dma(&part->sim, at, &value, sizeof(value), false) || memcmp(&value, "fifth.", 7))
		fail("a device does not read what the tables say at %#llx after a flush", at);
	*table = one_in(2) ? 0 : (PAGE << rnd(36)) * 8 | ENTRY;
	expect("DOMAIN_FLUSH of tables", CALL(part->fd, DOMAIN_FLUSH, &flush), 0, 0);
	if (dma(&part->sim, at, &value, sizeof(value), false) <= IOMMUSIM_OK)
		fail("a device reads at %#llx, where the tables have nothing", at);
	expect("DESTROY of memory with tables", destroy(part->fd, memory, NULL), -EBUSY, -EBUSY);
	expect("DETACH from tables", detach(part->fd, part->device, NULL), 0, 0);
	expect("DESTROY of a domain with tables", destroy(part->fd, domain, NULL), 0, 0);
	expect("DESTROY of memory", destroy(part->fd, memory, NULL), 0, 0);
	munmap(start, pages * PAGE);
	if (place != NOWHERE &&
	    expect("ATTACH after tables",
		   attach(part->fd, part->domains[place].handle, part->device, NULL), 0, 0))
		part->attached = place;
}

/* try_guard() changes what is common to all, so that nobody knows what it is the moment after. */
void try_guard(struct part *part)
{
	struct v3compat_guard_state arg = {};

	expect("GUARD_QUERY", CALL(part->fd, GUARD_QUERY, &arg), 0, 0);
	arg = (struct v3compat_guard_state) {
		.flags = 1 + rnd(3), .policy = rnd(3), .locked = rnd(2),
	};
	if (!(arg.flags & V3COMPAT_GUARD_SET_POLICY))
		arg.policy = 0;
	if (!(arg.flags & V3COMPAT_GUARD_SET_LOCKED))
		arg.locked = 0;
	expect("GUARD_SET", CALL(part->fd, GUARD_SET, &arg), 0, 0);
}

/* try_device_file(): a simulated device has neither memory nor interrupts, nor a reset. */
void try_device_file(struct part *part)
{
	struct v3compat_device_open arg = { .device = part->device };
	struct v3compat_region_query region = { .index = rnd(3) };
	struct v3compat_interrupt_query interrupt = { .type = rnd(4) };
	struct v3compat_interrupt_set set = {};
	struct v3compat_reset reset = {};
	int none = -1;

	if (!expect("DEVICE_OPEN", CALL(part->fd, DEVICE_OPEN, &arg), 0, 0))
		return;
	expect("REGION_QUERY", CALL(arg.out_fd, REGION_QUERY, &region), 0, 0);
	expect("INTERRUPT_QUERY", CALL(arg.out_fd, INTERRUPT_QUERY, &interrupt), 0, 0);
	expect("INTERRUPT_SET", CALL(arg.out_fd, INTERRUPT_SET, &set), 0, 0);
	set.count = 1;
	set.fds = (uintptr_t)&none;
	expect("INTERRUPT_SET of one", CALL(arg.out_fd, INTERRUPT_SET, &set), -E2BIG, -E2BIG);
	expect("RESET", CALL(arg.out_fd, RESET, &reset), -EOPNOTSUPP, -EOPNOTSUPP);
	if (mmap(NULL, PAGE, PROT_READ, MAP_SHARED, arg.out_fd, 0) != MAP_FAILED)
		fail("a device without memory is mapped");
	close(arg.out_fd);
}

static void expect_wired(struct part *part, unsigned int id, int fd, int event)
{
	struct iommusim_ioc_interrupt line = { .size = sizeof(line), .device_id = id, .level = 1 };
	struct v3compat_interrupt_set unmask = {
		.flags = V3COMPAT_INTERRUPT_UNMASK, .type = V3COMPAT_INTERRUPT_WIRED, .count = 1,
	};
	struct pollfd poll_fd = { .fd = event, .events = POLLIN };
	uint64_t count;

	if (ioctl(part->sim.fd, IOMMUSIM_IOC_INTERRUPT, &line) ||
	    poll(&poll_fd, 1, PATIENCE_MS) != 1 ||
	    read(event, &count, sizeof(count)) != sizeof(count))
		fail("a wired interrupt does not come: %s", strerror(errno));
	line.level = 0;
	if (ioctl(part->sim.fd, IOMMUSIM_IOC_INTERRUPT, &line))
		fail("an interrupt line does not go down: %s", strerror(errno));
	expect("an unmask", CALL(fd, INTERRUPT_SET, &unmask), 0, 0);
}

static void use_resources(struct part *part, const char *name, unsigned int id, int fd)
{
	int event = eventfd(0, EFD_CLOEXEC);
	struct v3compat_interrupt_set set = {
		.type = V3COMPAT_INTERRUPT_WIRED, .count = 1, .fds = (uintptr_t)&event,
	};
	char *memory = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (memory == MAP_FAILED || strcmp(memory, name))
		fail("the memory of %s is not there: %s", name, strerror(errno));
	expect("INTERRUPT_SET", CALL(fd, INTERRUPT_SET, &set), 0, 0);
	expect_wired(part, id, fd, event);
	if (one_in(2)) {
		set.count = 0;
		set.fds = 0;
		expect("INTERRUPT_SET of none", CALL(fd, INTERRUPT_SET, &set), 0, 0);
	}
	munmap(memory, PAGE);
	close(event);
}

/* try_resources() is for a device that has memory and an interrupt, and leaves in some way. */
void try_resources(struct part *part)
{
	struct iommusim_ioc_destroy gone = { .size = sizeof(gone) };
	char name[IOMMUSIM_NAME_SIZE] = "";
	struct v3compat_result result = {};
	bool first = one_in(2);
	int device, id, fd;

	id = add_device(&part->sim, 0,
			IOMMUSIM_DEVICE_RESOURCES | (one_in(2) ? IOMMUSIM_DEVICE_EDGE : 0), NULL, 0,
			name);
	device = id > 0 ? create_device(part->fd, name, 0, &result) : id;
	if (device < 0) {
		fail("a device with memory: %d, %d, reason %u", id, device, result.out_reason);
		return;
	}
	fd = open_fd(part->fd, device);
	if (fd < 0) {
		fail("DEVICE_OPEN answered %d", fd);
		return;
	}
	use_resources(part, name, id, fd);
	gone.id = id;
	if (first)
		expect("DESTROY of a device with memory", destroy(part->fd, device, NULL), 0, 0);
	if (ioctl(part->sim.fd, IOMMUSIM_IOC_DESTROY, &gone))
		fail("removal of a device with memory: %s", strerror(errno));
	if (!first)
		expect("DESTROY of a device that left", destroy(part->fd, device, NULL), 0, 0);
	close(fd);
}

/* try_listing() reads what is told of files, in pieces. */
void try_listing(struct part *part)
{
	char fdinfo[64], text[4096];
	const char *path = one_in(2) ? fdinfo : "/sys/kernel/debug/v3compat/files";
	int fd;

	snprintf(fdinfo, sizeof(fdinfo), "/proc/self/fdinfo/%d", part->fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		fail("%s: %s", path, strerror(errno));
		return;
	}
	while (read(fd, text, 1 + rnd(sizeof(text))) > 0 && !one_in(256))
		;
	close(fd);
}
