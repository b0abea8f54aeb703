// SPDX-License-Identifier: GPL-2.0
/*
 * give DEVICE PROGRAM [ARGUMENT...]: claims a PCI device, and runs a program that may use it and
 * has no privilege: it finds /dev/v3compat as descriptor 3, and the device's handle as its first
 * argument.
 *
 * --kill-when-told kills the program when it says that a transfer is running.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <v3compat/v3compat.h>

#define NOBODY	65534
#define GIVEN	3

static void fail(const char *what)
{
	fprintf(stderr, "give: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		fail(path);
	close(fd);
}

/* bind_device() gives the device to v3compat's own driver, if it has not got it already. */
static void bind_device(const char *name)
{
	char path[128], driver[128] = "";

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver", name);
	if (readlink(path, driver, sizeof(driver) - 1) > 0) {
		if (strstr(driver, "v3compat-pci"))
			return;
		snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver/unbind", name);
		write_file(path, name);
	}
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver_override", name);
	write_file(path, "v3compat-pci");
	write_file("/sys/bus/pci/drivers_probe", name);
}

static void run_program(int fd, __u32 device, char **arguments)
{
	char handle[16], *argv[16] = { arguments[0], handle };
	int i;

	snprintf(handle, sizeof(handle), "%u", device);
	for (i = 1; arguments[i] && i < 14; i++)
		argv[i + 1] = arguments[i];
	if (fd != GIVEN && dup2(fd, GIVEN) < 0)
		fail("dup2");
	fcntl(GIVEN, F_SETFD, 0);
	if (setgroups(0, NULL) || setgid(NOBODY) || setuid(NOBODY))
		fail("setuid");
	execv(argv[0], argv);
	fail(argv[0]);
}

/* kill_when_told() kills @child when it says that a transfer is running. */
static void kill_when_told(pid_t child, int output)
{
	FILE *lines = fdopen(output, "r");
	char line[128];

	while (lines && fgets(line, sizeof(line), lines)) {
		fputs(line, stdout);
		if (!strstr(line, "running"))
			continue;
		kill(child, SIGKILL);
		printf("  killed it\n");
		return;
	}
	fail("the program ended too early");
}

int main(int argc, char **argv)
{
	bool killed = argc > 1 && !strcmp(argv[1], "--kill-when-told");
	struct v3compat_result result;
	int fd, status, out[2];
	char text[256];
	__u32 device;
	pid_t child;

	argv += killed;
	argc -= killed;
	if (argc < 3) {
		fprintf(stderr, "usage: give [--kill-when-told] DEVICE PROGRAM [ARGUMENT...]\n");
		return 2;
	}
	setlinebuf(stdout);
	bind_device(argv[1]);
	fd = v3compat_open();
	if (fd < 0)
		fail("/dev/v3compat");
	if (v3compat_device_create(fd, "pci", argv[1], 0, &device, &result)) {
		v3compat_result_sentence(&result, text, sizeof(text));
		fprintf(stderr, "give: %s: %s\n", argv[1], text);
		return 1;
	}
	printf("  claimed %s, and passed it on to user %d\n", argv[1], NOBODY);
	if (pipe(out))
		fail("pipe");
	child = fork();
	if (child < 0)
		fail("fork");
	if (!child) {
		if (killed && dup2(out[1], 1) < 0)
			fail("dup2");
		close(out[0]);
		close(out[1]);
		run_program(fd, device, argv + 2);
	}
	close(out[1]);
	/* The child has it now: the device is given back when that ends, whatever becomes of us. */
	close(fd);
	if (killed)
		kill_when_told(child, out[0]);
	if (waitpid(child, &status, 0) < 0)
		fail("waitpid");
	if (killed)
		return !WIFSIGNALED(status);
	return !WIFEXITED(status) || WEXITSTATUS(status);
}
