/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Processes that share a file of /dev/v3compat: who passes it on, who has which rights, and where
 * the memory and the limits are that count.
 */
#ifndef V3COMPAT_SELFTEST_PROCESS_H
#define V3COMPAT_SELFTEST_PROCESS_H

#include <grp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <linux/capability.h>

#include "user.h"

#define NOBODY		65534

/* send_fd() passes @fd and a number through a socket; returns 0 or -1. */
static inline int send_fd(int socket, int fd, int number)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {
		.header = {
			.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS,
		},
	};
	struct iovec data = { .iov_base = &number, .iov_len = sizeof(number) };
	struct msghdr message = {
		.msg_iov = &data, .msg_iovlen = 1, .msg_control = &control,
		.msg_controllen = sizeof(control),
	};

	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	return sendmsg(socket, &message, 0) == sizeof(number) ? 0 : -1;
}

/* receive_fd() returns a descriptor, or -1. */
static inline int receive_fd(int socket, int *number)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec data = { .iov_base = number, .iov_len = sizeof(*number) };
	struct msghdr message = {
		.msg_iov = &data, .msg_iovlen = 1, .msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	int fd = -1;

	if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) == sizeof(*number) &&
	    CMSG_FIRSTHDR(&message))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	return fd;
}

/* keep_capabilities() drops all but those in @kept; 0 or an errno, negative. */
static inline int keep_capabilities(unsigned long long kept)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];
	unsigned int i;

	if (syscall(SYS_capget, &header, data))
		return -errno;
	for (i = 0; i < 2; i++) {
		data[i].effective &= kept >> 32 * i;
		data[i].permitted &= kept >> 32 * i;
		data[i].inheritable = 0;
	}
	return syscall(SYS_capset, &header, data) ? -errno : 0;
}

static inline int drop_capability(unsigned int capability)
{
	return keep_capabilities(~(1ULL << capability));
}

/* become_user() gives up all rights, too; 0 or an errno, negative. */
static inline int become_user(unsigned int uid)
{
	if (setgroups(0, NULL) || setresgid(uid, uid, uid) || setresuid(uid, uid, uid))
		return -errno;
	/* Otherwise /proc/self is root's. */
	if (prctl(PR_SET_DUMPABLE, 1))
		return -errno;
	return keep_capabilities(0);
}

static inline int set_memlock(unsigned long long bytes)
{
	struct rlimit limit = { .rlim_cur = bytes, .rlim_max = bytes };

	return setrlimit(RLIMIT_MEMLOCK, &limit) ? -errno : 0;
}

/* exit_of() runs @fn in a child: what it returns, or -1 when the child was killed. */
static inline int exit_of(int (*fn)(void *arg), void *arg)
{
	int status;
	pid_t child = fork();

	if (!child)
		_exit(fn(arg) & 0xff);
	if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

#define PARAMETERS	"/sys/module/v3compat/parameters/"

/* set_parameter() returns 0 or an errno, negative. */
static inline int set_parameter(const char *name, unsigned long long value)
{
	char path[128], text[32];

	snprintf(path, sizeof(path), PARAMETERS "%s", name);
	snprintf(text, sizeof(text), "%llu", value);
	return write_file(path, text);
}

/* parameter_of() returns ~0 where there is none. */
static inline unsigned long long parameter_of(const char *name)
{
	unsigned long long value = ~0ULL;
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), PARAMETERS "%s", name);
	file = fopen(path, "re");
	if (!file)
		return value;
	if (fscanf(file, "%llu", &value) != 1)
		value = ~0ULL;
	fclose(file);
	return value;
}

#endif
