/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What tests of devices of /dev/v3compat share beside what is in pci.h: interrupts, resets, and who
 * has a device.
 */
#ifndef V3COMPAT_SELFTEST_DEVICE_H
#define V3COMPAT_SELFTEST_DEVICE_H

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mount.h>

#include "pci.h"

#define LISTING	"/sys/kernel/debug/v3compat/files"

/* OTHER_DRIVER uses the kernel's DMA, so that the core asks who owns the group. */
#define OTHER_DRIVER	"uio_pci_generic"

/* ask_blocker() returns a reason or an errno, negative. */
static inline int ask_blocker(int fd, const char *bus, const char *name, char *blocker)
{
	struct v3compat_device_query arg = { .name = name_of(bus, name) };
	int ret = CALL(fd, DEVICE_QUERY, &arg);

	memcpy(blocker, arg.out_blocker, sizeof(arg.out_blocker));
	return ret ? ret : (int)arg.out_blocker_reason;
}

/* set_vectors() says where the first @count interrupts go. */
static inline int set_vectors(int fd, unsigned int type, const int *events, unsigned int count,
			      struct v3compat_result *result)
{
	struct v3compat_interrupt_set arg = {
		.type = type, .count = count, .fds = (uintptr_t)events,
	};
	int ret = CALL(fd, INTERRUPT_SET, &arg);

	if (result)
		*result = arg.result;
	return ret;
}

static inline int set_irqs(int fd, unsigned int type, int event, struct v3compat_result *result)
{
	return set_vectors(fd, type, &event, 1, result);
}

static inline int end_irqs(int fd)
{
	struct v3compat_interrupt_set arg = {};

	return CALL(fd, INTERRUPT_SET, &arg);
}

static inline int unmask(int fd, unsigned int type)
{
	struct v3compat_interrupt_set arg = {
		.flags = V3COMPAT_INTERRUPT_UNMASK, .type = type, .count = 1,
	};

	return CALL(fd, INTERRUPT_SET, &arg);
}

static inline int reset(int fd, struct v3compat_result *result)
{
	struct v3compat_reset arg = {};
	int ret = CALL(fd, RESET, &arg);

	if (result)
		*result = arg.result;
	return ret;
}

/* has_come() waits for an event, half a minute at most; with @wait false it does not wait. */
static inline bool has_come(int event, bool wait)
{
	struct pollfd poll_fd = { .fd = event, .events = POLLIN };
	uint64_t count;

	return poll(&poll_fd, 1, wait ? 30000 : 0) == 1 &&
	       read(event, &count, sizeof(count)) == sizeof(count);
}

/* dies_of_bus_error(): a read of @bar raises SIGBUS. */
static inline bool dies_of_bus_error(uint32_t *bar)
{
	int status = 0;
	pid_t pid = fork();

	if (!pid) {
		signal(SIGBUS, SIG_DFL);
		_exit(get(bar, 0) ? 0 : 1);
	}
	waitpid(pid, &status, 0);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS;
}

/* is_listed_on(): the listing says that the device is "free", "quarantined" or a file's. */
static inline bool is_listed_on(const char *bus, const char *name, const char *state)
{
	char line[256], expected[128];
	bool found = false;
	FILE *listing;

	mount("none", "/sys/kernel/debug", "debugfs", 0, NULL);
	listing = fopen(LISTING, "re");
	snprintf(expected, sizeof(expected), "device %s %s %s", bus, name, state);
	while (listing && !found && fgets(line, sizeof(line), listing))
		found = strstr(line, expected);
	if (listing)
		fclose(listing);
	return found;
}

static inline bool is_listed(const char *name, const char *state)
{
	return is_listed_on("pci", name, state);
}

static inline bool has_remapping(void)
{
	FILE *interrupts = fopen("/proc/interrupts", "re");
	char line[512];
	bool found = false;

	while (interrupts && !found && fgets(line, sizeof(line), interrupts))
		found = strstr(line, " IR-");
	if (interrupts)
		fclose(interrupts);
	return found;
}

#endif
