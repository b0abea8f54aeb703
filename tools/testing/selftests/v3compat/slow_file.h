/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A file of two pages in a file system of FUSE, whose server does not read what is asked of it
 * until it is told to, because FUSE lets nobody be killed whose request was read.
 */
#ifndef V3COMPAT_SELFTEST_SLOW_FILE_H
#define V3COMPAT_SELFTEST_SLOW_FILE_H

#include <poll.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <linux/fuse.h>

#include "user.h"

#define SLOW_DIRECTORY	"/tmp/v3compat-slow"

/**
 * struct slow_file - the file, and its server, a process
 * @memory: both pages, private
 * @server: the process, or 0
 * @shared: what both tell each other
 */
struct slow_file {
	char *memory;
	pid_t server;
	struct slow_file_shared {
		bool held;	/* the server reads no requests */
		bool is_asked;	/* and there is one */
	} *shared;
};

static inline int slow_file_reply(int fuse, __u64 unique, int error, void *data, size_t size)
{
	struct fuse_out_header header = {
		.len = sizeof(header) + size, .error = error, .unique = unique,
	};
	struct iovec parts[] = { { &header, sizeof(header) }, { data, size } };

	return writev(fuse, parts, size ? 2 : 1) == (ssize_t)header.len ? 0 : -1;
}

static inline struct fuse_attr slow_file_attr(__u64 node)
{
	return (struct fuse_attr) {
		.ino = node, .size = 2 * PAGE, .nlink = 1, .blksize = PAGE,
		.mode = node == FUSE_ROOT_ID ? S_IFDIR | 0700 : S_IFREG | 0600,
	};
}

/* slow_file_handle() answers one request. */
static inline void slow_file_handle(int fuse, char *request)
{
	static char zeroes[2 * PAGE];
	struct fuse_in_header *in = (void *)request;
	struct fuse_init_in *init = (void *)(in + 1);
	struct fuse_read_in *read = (void *)(in + 1);
	struct fuse_init_out init_out = {
		.major = FUSE_KERNEL_VERSION, .minor = FUSE_KERNEL_MINOR_VERSION,
		.max_write = PAGE,
	};
	struct fuse_entry_out entry = { .nodeid = 2, .entry_valid = 1000, .attr_valid = 1000 };
	struct fuse_attr_out attr = { .attr_valid = 1000 };
	struct fuse_open_out open = {};

	switch (in->opcode) {
	case FUSE_INIT:
		if (init->minor < init_out.minor)
			init_out.minor = init->minor;
		slow_file_reply(fuse, in->unique, 0, &init_out, sizeof(init_out));
		break;
	case FUSE_LOOKUP:
		entry.attr = slow_file_attr(2);
		slow_file_reply(fuse, in->unique, 0, &entry, sizeof(entry));
		break;
	case FUSE_GETATTR:
		attr.attr = slow_file_attr(in->nodeid);
		slow_file_reply(fuse, in->unique, 0, &attr, sizeof(attr));
		break;
	case FUSE_OPEN:
		slow_file_reply(fuse, in->unique, 0, &open, sizeof(open));
		break;
	case FUSE_READ:
		slow_file_reply(fuse, in->unique, 0, zeroes,
				read->size < sizeof(zeroes) ? read->size : sizeof(zeroes));
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		break;
	case FUSE_RELEASE:
		slow_file_reply(fuse, in->unique, 0, NULL, 0);
		break;
	default:
		slow_file_reply(fuse, in->unique, -ENOSYS, NULL, 0);
	}
}

static inline void slow_file_serve(int fuse, struct slow_file_shared *shared)
{
	static char request[FUSE_MIN_READ_BUFFER + PAGE];
	struct pollfd poll_fd = { .fd = fuse, .events = POLLIN };

	/* Nobody is left waiting for a server whose test has ended. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		if (poll(&poll_fd, 1, -1) != 1)
			continue;
		if (__atomic_load_n(&shared->held, __ATOMIC_SEQ_CST)) {
			__atomic_store_n(&shared->is_asked, true, __ATOMIC_SEQ_CST);
			usleep(1000);
		} else if (read(fuse, request, sizeof(request)) > 0) {
			slow_file_handle(fuse, request);
		}
	}
}

/* slow_file_close() is for a file that was not opened, or not whole, too. */
static inline void slow_file_close(struct slow_file *file)
{
	if (file->server <= 0)
		return;
	kill(file->server, SIGKILL);
	waitpid(file->server, NULL, 0);
	umount2(SLOW_DIRECTORY, MNT_DETACH);
	rmdir(SLOW_DIRECTORY);
}

/* slow_file_map() maps the file that the server has, and returns 0 or an errno, negative. */
static inline int slow_file_map(struct slow_file *file)
{
	int fd = open(SLOW_DIRECTORY "/file", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	file->memory = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	/* Now, because the server is asked about each close, also by who has been killed. */
	if (close(fd) || file->memory == MAP_FAILED)
		return -errno;
	__atomic_store_n(&file->shared->held, true, __ATOMIC_SEQ_CST);
	return 0;
}

/*
 * slow_file_open() returns 0 or an errno, negative: ENOENT or ENODEV from a kernel without FUSE.
 * Whatever it returns, slow_file_close() is called.
 */
static inline int slow_file_open(struct slow_file *file)
{
	int fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC), ret = 0;
	char options[64];

	if (fuse < 0)
		return -errno;
	file->shared = mmap(NULL, sizeof(*file->shared), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	mkdir(SLOW_DIRECTORY, 0700);
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", fuse);
	if (file->shared == MAP_FAILED ||
	    mount("slow", SLOW_DIRECTORY, "fuse", MS_NOSUID | MS_NODEV, options))
		ret = -errno;
	else
		file->server = fork();
	if (!ret && !file->server)
		slow_file_serve(fuse, file->shared);
	/* The server's alone, so that its end ends all that is asked of it. */
	close(fuse);
	return ret ?: slow_file_map(file);
}

/* slow_file_is_asked() waits @ms milliseconds at most until somebody needs a page. */
static inline bool slow_file_is_asked(struct slow_file *file, unsigned int ms)
{
	for (; ms && !__atomic_load_n(&file->shared->is_asked, __ATOMIC_SEQ_CST); ms--)
		usleep(1000);
	return ms;
}

static inline int slow_file_answer(struct slow_file *file)
{
	__atomic_store_n(&file->shared->held, false, __ATOMIC_SEQ_CST);
	return 0;
}

#endif
