// SPDX-License-Identifier: GPL-2.0
/*
 * Commands that must be refused, and must have changed nothing: the part's own checks find out what
 * they did change.
 */
#define _GNU_SOURCE
#include "fuzz.h"

#include <stddef.h>

/* struct form: what each command has where. Offsets are 0 where there is none. */
struct form {
	unsigned int number, size, flags, handle, result;
};

#define FORM(name, type, flags_, handle_)						\
	{ V3COMPAT_CMD_##name, sizeof(struct v3compat_##type), flags_, handle_,		\
	  offsetof(struct v3compat_##type, result) }
#define AT_FLAGS	4	/* flags are second in each struct that has them */

static const struct form forms[] = {
	{ V3COMPAT_CMD_INFO, sizeof(struct v3compat_info), AT_FLAGS, 0, 0 },
	FORM(DESTROY, destroy, 0, 4),
	FORM(DOMAIN_CREATE, domain_create, AT_FLAGS, 0),
	FORM(DOMAIN_QUERY, domain_query, 0, 4),
	FORM(DOMAIN_CONFIGURE, domain_configure, 0, 4),
	FORM(DOMAIN_FLUSH, domain_flush, 0, 4),
	FORM(DEVICE_CREATE, device_create, AT_FLAGS, 0),
	FORM(DEVICE_QUERY, device_query, 0, 4),
	FORM(DEVICE_OPEN, device_open, AT_FLAGS, 8),
	FORM(INPUT_MAPPINGS, input_mappings, 0, 4),
	FORM(PASID_CREATE, pasid_create, AT_FLAGS, 8),
	FORM(ATTACH, attach, AT_FLAGS, 8),
	FORM(DETACH, attach, AT_FLAGS, 12),
	FORM(MEMORY_CREATE, memory_create, AT_FLAGS, 0),
	FORM(UNMAP, unmap, AT_FLAGS, 8),
	FORM(BATCH, batch, AT_FLAGS, 0),
	FORM(EVENTS_OPEN, events_open, AT_FLAGS, 8),
	FORM(PAGE_RESPONSE, page_response, 0, 4),
	FORM(GUARD_QUERY, guard_state, AT_FLAGS, 0),
	FORM(GUARD_SET, guard_state, AT_FLAGS, 0),
};

/* struct hostile: a page that can be written, one that can be read only, and one that is not. */
static __thread char *hostile;

static char *hostile_pages(void)
{
	if (hostile)
		return hostile;
	hostile = map_memory(4 * PAGE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	if (mprotect(hostile + PAGE, PAGE, PROT_READ) ||
	    mprotect(hostile + 2 * PAGE, PAGE, PROT_NONE))
		fail("mprotect: %s", strerror(errno));
	return hostile;
}

static int call_form(int fd, const struct form *form, void *arg)
{
	return call_(fd, _IO(V3COMPAT_IOC_TYPE, form->number), arg);
}

static void refuse_size(int fd, const struct form *form)
{
	char arg[2 * PAGE] = {};
	unsigned int *size = (unsigned int *)arg;

	switch (rnd(4)) {
	case 0:
		*size = rnd(form->size);
		expect("a command that is too small", call_form(fd, form, arg), -EINVAL, -EINVAL);
		break;
	case 1:
		*size = PAGE + 8;
		expect("a command that is too large", call_form(fd, form, arg), -E2BIG, -E2BIG);
		break;
	case 2:
		*size = form->size + 1 + rnd(64);
		arg[*size - 1] = 1;
		expect("a command of the future", call_form(fd, form, arg), -E2BIG, -E2BIG);
		break;
	default:
		*size = ~0U;
		expect("a command without end", call_form(fd, form, arg), -E2BIG, -E2BIG);
	}
}

static void refuse_pointer(int fd, const struct form *form)
{
	char *pages = hostile_pages();
	/* The end of it is where nothing can be read. */
	char *crossing = pages + 2 * PAGE - form->size + 4;
	void *wrong[] = { NULL, (void *)8, (void *)~7UL, pages + 2 * PAGE,
			  (void *)(1UL << 63), (void *)0xffff888000001000UL, crossing };

	mprotect(pages + PAGE, PAGE, PROT_READ | PROT_WRITE);
	memset(pages + PAGE, 0, PAGE);
	*(unsigned int *)crossing = form->size;
	mprotect(pages + PAGE, PAGE, PROT_READ);
	expect("a command that cannot be read",
	       call_form(fd, form, wrong[rnd(sizeof(wrong) / sizeof(wrong[0]))]), -EFAULT, -EFAULT);
}

static void refuse_field(int fd, const struct form *form)
{
	char arg[512] = {};

	*(unsigned int *)arg = form->size;
	switch (rnd(3)) {
	case 0:
		if (!form->flags)
			break;
		*(unsigned int *)(arg + form->flags) = 1U << 31 | 1U << (8 + rnd(24));
		expect("an unknown flag", call_form(fd, form, arg), -EOPNOTSUPP, -EOPNOTSUPP);
		break;
	case 1:
		if (!form->result)
			break;
		((struct v3compat_result *)(arg + form->result))->__reserved = 1ULL << rnd(64);
		expect("a reserved field", call_form(fd, form, arg), -EOPNOTSUPP, -EOPNOTSUPP);
		break;
	default:
		if (!form->handle)
			break;
		*(unsigned int *)(arg + form->handle) = one_in(2) ? ~0U - rnd(8) :
								   100000 + rnd(1000);
		/* A command may look at something else first. */
		if (call_form(fd, form, arg) >= 0)
			fail("command %#x takes a handle that is none", form->number);
	}
}

/* odd_memfd() returns a memfd that may not be written, or not read, by who maps it. */
static int odd_memfd(struct v3compat_source *source)
{
	int memfd = memfd_create("odd", MFD_CLOEXEC | MFD_ALLOW_SEALING), fd = memfd;
	unsigned int kind = rnd(3);
	char path[64];

	if (memfd < 0 || ftruncate(memfd, PAGE))
		fail("a memfd: %s", strerror(errno));
	if (kind == 0 && fcntl(memfd, F_ADD_SEALS, one_in(2) ? F_SEAL_WRITE : F_SEAL_FUTURE_WRITE))
		fail("a seal: %s", strerror(errno));
	if (kind > 0) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", memfd);
		fd = open(path, (kind == 1 ? O_RDONLY : O_WRONLY) | O_CLOEXEC);
		close(memfd);
	}
	*source = (struct v3compat_source) {
		.type = V3COMPAT_SOURCE_MEMFD, .object = fd, .length = PAGE,
	};
	return fd;
}

/* refuse_map() is a map with one thing that is wrong. */
static void refuse_map(struct part *part, struct domain *domain)
{
	struct v3compat_map map = {
		.object = domain->handle, .permissions = RW, .flags = V3COMPAT_MAP_FIXED,
		.address = CHILD_AT, .source = user_memory(page_of(part, 0), PAGE),
	};
	char *pages = hostile_pages();
	int right = -EINVAL, memfd = -1;

	switch (rnd(17)) {
	case 0:
		map.permissions = rnd(2) ? 0 : 4;
		break;
	case 1:
		map.source.start += 8 * (1 + rnd(511));
		break;
	case 2:
		map.source.length = rnd(2) ? 0 : rnd(4095) + 1;
		break;
	case 3:
		map.address += 1 + rnd(4095);
		break;
	case 4:
		map.source.start = (uintptr_t)(pages + 2 * PAGE);
		right = -EFAULT;
		break;
	case 5:
		map.source.start = (uintptr_t)(pages + PAGE);
		right = -EFAULT;
		break;
	case 6:
		map.source.start = rnd(8) * PAGE;
		right = -EFAULT;
		break;
	case 7:
		map.source.length = ~0ULL << 12;
		right = -EOVERFLOW;
		break;
	case 8:
		map.source.type = V3COMPAT_SOURCE_IOAS + rnd(2);
		right = -EOPNOTSUPP;
		break;
	case 9:
		map.source.type = 6 + rnd(100);
		break;
	case 10:
		map.source = (struct v3compat_source) {
			.type = V3COMPAT_SOURCE_MEMFD, .length = PAGE,
			.object = one_in(2) ? (unsigned int)part->fd : 100000 + rnd(9),
		};
		right = -EBADF;
		break;
	case 11:
		map.source = (struct v3compat_source) {
			.type = V3COMPAT_SOURCE_MEMFD, .object = part->memfd, .length = PAGE,
			.start = (FILE_PAGES + rnd(2) * rnd(9999)) * PAGE,
		};
		right = -ERANGE;
		break;
	case 12:
		map.source.__reserved[rnd(2)] = 1;
		right = -EOPNOTSUPP;
		break;
	case 13:
		map.flags |= V3COMPAT_MAP_MIN;
		map.min = PAGE;
		right = -EOPNOTSUPP;
		break;
	case 14:
		map.address = 1ULL << (58 + rnd(6));
		right = -ERANGE;
		break;
	case 15:
		memfd = odd_memfd(&map.source);
		right = -EACCES;
		break;
	default:
		map.flags = 0;
		right = -EOPNOTSUPP;
	}
	expect("a wrong MAP", CALL(part->fd, MAP, &map), right, right);
	if (memfd >= 0)
		close(memfd);
	hidden_at(part, domain, CHILD_AT);
}

/* refuse_kind() uses handles of the wrong kind. */
static void refuse_kind(struct part *part, struct domain *domain)
{
	struct v3compat_device_open open_arg = { .device = domain->handle };
	struct v3compat_pasid_create pasid = { .device = domain->handle };
	struct v3compat_domain_configure configure = {
		.domain = domain->handle, .width = 48, .memory = part->device,
	};

	expect("DEVICE_OPEN of a domain", CALL(part->fd, DEVICE_OPEN, &open_arg), -ENOENT, -ENOENT);
	expect("PASID_CREATE in a domain", CALL(part->fd, PASID_CREATE, &pasid), -ENOENT, -ENOENT);
	expect("ATTACH of a domain", attach(part->fd, domain->handle, domain->handle, NULL),
	       -ENOENT, -ENOENT);
	expect("ATTACH to a device", attach(part->fd, part->device, part->device, NULL), -ENOENT,
	       -ENOENT);
	expect("MAP in a device", map_fixed(part->fd, part->device, part->pages, PAGE, CHILD_AT),
	       -ENOENT, -ENOENT);
	expect("DOMAIN_CONFIGURE of another type", CALL(part->fd, DOMAIN_CONFIGURE, &configure),
	       -EOPNOTSUPP, -EOPNOTSUPP);
	expect("a second DEVICE_CREATE", create_device(part->fd, part->sim.name, 0, NULL), -EPERM,
	       -EPERM);
	expect("DEVICE_CREATE of none", create_device(part->fd, "iommusim-none.7", 0, NULL),
	       -ENODEV, -ENODEV);
	expect("DOMAIN_CREATE of a type that is none", create_domain(part->fd, 4 + rnd(99), 0, NULL),
	       -EINVAL, -EINVAL);
}

/* refuse_command() gives what is no command of the file. */
static void refuse_command(struct part *part)
{
	unsigned long commands[] = {
		_IO(V3COMPAT_IOC_TYPE, NUMBERS + rnd(200)), _IO(V3COMPAT_IOC_TYPE, 0x18 + rnd(60)),
		_IO(V3COMPAT_IOC_TYPE, V3COMPAT_CMD_RESET), _IO(rnd(0xe0), rnd(24)),
		_IOWR(V3COMPAT_IOC_TYPE, rnd(24), int),
	};
	char arg[512] = { 64, 1 };
	int wrong[] = { part->memfd, part->sim.fd };
	struct v3compat_info info = {};
	int ret;

	expect("what is no command",
	       call_(part->fd, commands[rnd(sizeof(commands) / sizeof(commands[0]))], arg),
	       -ENOTTY, -ENOTTY);
	ret = CALL(wrong[rnd(2)], INFO, &info);
	expect("INFO of another file", ret, -ENOTTY, -EINVAL);
}

void try_refused(struct part *part)
{
	const struct form *form = &forms[rnd(sizeof(forms) / sizeof(forms[0]))];
	struct domain *domain = some_domain(part, false);

	switch (rnd(6)) {
	case 0:
		refuse_size(part->fd, form);
		break;
	case 1:
		refuse_pointer(part->fd, form);
		break;
	case 2:
		refuse_field(part->fd, form);
		break;
	case 3:
		refuse_command(part);
		break;
	case 4:
		if (domain)
			refuse_kind(part, domain);
		break;
	default:
		if (domain && !domain->width)
			refuse_map(part, domain);
	}
}

/* answer_to_nobody() gives a command whose answer cannot be written, so that it is undone. */
static void answer_to_nobody(struct part *part, unsigned int number, const void *arg, size_t size)
{
	char *page = hostile_pages() + PAGE;

	mprotect(page, PAGE, PROT_READ | PROT_WRITE);
	memcpy(page, arg, size);
	*(unsigned int *)page = size;
	mprotect(page, PAGE, PROT_READ);
	if (!expect("a command whose answer cannot be written",
		    call_(part->fd, _IO(V3COMPAT_IOC_TYPE, number), page), -EFAULT, -EFAULT))
		fail("it was command %#x", number);
}

#define TO_NOBODY(part, name, ...) do {							\
	__VA_ARGS__;									\
	answer_to_nobody(part, V3COMPAT_CMD_##name, &arg, sizeof(arg));			\
} while (0)

void try_unanswerable(struct part *part)
{
	struct domain *domain = some_domain(part, false);
	char *page = page_of(part, rnd(OWN_PAGES));

	if (!domain)
		return;
	switch (rnd(8)) {
	case 0:
		TO_NOBODY(part, DOMAIN_CREATE, struct v3compat_domain_create arg = {});
		break;
	case 1:
		TO_NOBODY(part, MEMORY_CREATE, struct v3compat_memory_create arg = {
				.source = user_memory(page, PAGE) });
		break;
	case 2:
		TO_NOBODY(part, MAP, struct v3compat_map arg = {
				.object = domain->handle, .permissions = RW,
				.flags = domain->width ? 0 : V3COMPAT_MAP_FIXED,
				.address = domain->width ? 0 : CHILD_AT,
				.source = user_memory(page, PAGE) });
		if (!domain->width)
			hidden_at(part, domain, CHILD_AT);
		break;
	case 3:
		TO_NOBODY(part, RESERVE, struct v3compat_reserve arg = {
				.domain = domain->handle, .length = (1 + rnd(8)) * PAGE,
				.flags = domain->width ? 0 : V3COMPAT_MAP_FIXED,
				.address = domain->width ? 0 : CHILD_AT });
		break;
	case 4:
		if (part->tagged)
			TO_NOBODY(part, PASID_CREATE, struct v3compat_pasid_create arg = {
					.device = part->device,
					.flags = part->config.features ? rnd(2) : 0 });
		break;
	case 5:
		TO_NOBODY(part, EVENTS_OPEN, struct v3compat_events_open arg = {
				.device = part->device, .mask = 1u << V3COMPAT_EVENT_STATE });
		break;
	case 6:
		TO_NOBODY(part, DEVICE_OPEN, struct v3compat_device_open arg = {
				.device = part->device });
		break;
	default:
		TO_NOBODY(part, INFO, struct v3compat_info arg = {});
	}
}
