// SPDX-License-Identifier: GPL-2.0
/*
 * Children that have the file, too: with memory of their own, without rights, or killed in the
 * middle of a command.
 */
#define _GNU_SOURCE
#include "process.h"

#include "fuzz.h"

#include <pthread.h>
#include <time.h>

#define FIRST_USER	100000

/* struct job: what a child is to do; it ends with what that returns. */
struct job {
	struct part *part;
	struct domain *domain;
	unsigned int user;	/* one that no other thread takes, because users have limits */
	int socket;
};

static pthread_rwlock_t birth = PTHREAD_RWLOCK_INITIALIZER;

void forbid_children(void)
{
	pthread_rwlock_rdlock(&birth);
}

void allow_children(void)
{
	pthread_rwlock_unlock(&birth);
}

static pid_t start_child(int (*fn)(struct job *job), struct job *job)
{
	pid_t child;

	pthread_rwlock_wrlock(&birth);
	child = fork();
	if (child)
		pthread_rwlock_unlock(&birth);
	if (!child) {
		forget_cover();
		actor = CHILD;
		_exit(fn(job) & 0xff);
	}
	__atomic_fetch_add(&shared->children, 1, __ATOMIC_RELAXED);
	return child;
}

static int end_of(pid_t child)
{
	int status = -1;

	if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

static char *childs_page(struct job *job)
{
	return page_of(job->part, 7);
}

/* map_own() maps a page that the child has a copy of: the device must see the child's. */
static int map_own(struct job *job)
{
	strcpy(childs_page(job) + 512, "a child");
	return map_fixed(job->part->fd, job->domain->handle, childs_page(job), PAGE, CHILD_AT) ?
		       1 : 0;
}

static void outlive_child(struct job *job)
{
	char mine[8];

	strcpy(childs_page(job) + 512, "parents");
	if (end_of(start_child(map_own, job))) {
		fail("a child cannot map its memory");
		return;
	}
	strcpy(mine, "a child");
	seen_at(job->part, job->domain, CHILD_AT + 512, mine);
	if (strcmp(childs_page(job) + 512, "parents"))
		fail("a child has changed its parent's memory");
	expect("UNMAP of a child's page",
	       unmap(job->part->fd, job->domain->handle, CHILD_AT, PAGE, NULL), 0, 0);
	hidden_at(job->part, job->domain, CHILD_AT);
}

static int map_for_ever(struct job *job)
{
	for (;;) {
		map_fixed(job->part->fd, job->domain->handle, childs_page(job), PAGE, CHILD_AT);
		unmap(job->part->fd, job->domain->handle, CHILD_AT, PAGE, NULL);
	}
	return 0;
}

/* kill_child(): a command of one that is killed is done, or it is not. */
static void kill_child(struct job *job)
{
	pid_t child = start_child(map_for_ever, job);
	int ret;

	if (child < 0)
		return;
	usleep(rnd(20000));
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	ret = unmap(job->part->fd, job->domain->handle, CHILD_AT, PAGE, NULL);
	expect("UNMAP after a child was killed", ret, 0, -ENOENT);
	hidden_at(job->part, job->domain, CHILD_AT);
}

/* try_without_rights() returns which of it was allowed that must not be. */
static int try_without_rights(struct job *job)
{
	struct v3compat_identity identity = {
		.domain = job->domain->handle, .permissions = RW,
		.source = { .type = V3COMPAT_SOURCE_PHYSICAL, .start = PAGE, .length = PAGE },
	};
	struct v3compat_guard_state guard = { .flags = V3COMPAT_GUARD_SET_LOCKED };
	int fd = job->part->fd, handle = job->domain->handle;

	if (become_user(job->user) || set_memlock(PAGE))
		return 10;
	if (create_device(fd, job->part->sim.name, 0, NULL) != -EPERM)
		return 1;
	if (CALL(fd, MAP_IDENTITY, &identity) != -EPERM)
		return 2;
	if (map_at(fd, handle, identity.source, CHILD_AT, V3COMPAT_MAP_FIXED, RW, NULL) != -EPERM)
		return 3;
	if (CALL(fd, GUARD_SET, &guard) != -EPERM)
		return 4;
	if (map_fixed(fd, handle, job->part->pages, 2 * PAGE, CHILD_AT) != -ENOMEM)
		return 5;
	if (map_fixed(fd, handle, job->part->pages, PAGE, CHILD_AT))
		return 6;
	if (unmap(fd, handle, CHILD_AT, PAGE, NULL))
		return 7;
	if (open_v3compat() != -1)
		return 8;
	return 0;
}

/* pass_file() makes a file with a domain, and gives it away. */
static int pass_file(struct job *job)
{
	int fd = open_v3compat(), domain = create_domain(fd, V3COMPAT_DOMAIN_TRANSLATE, 0, NULL);

	return domain > 0 && !send_fd(job->socket, fd, domain) ? 0 : 1;
}

static void receive_file(struct job *job)
{
	int sockets[2], fd, domain = 0;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets))
		return;
	job->socket = sockets[1];
	if (end_of(start_child(pass_file, job))) {
		fail("a child cannot pass a file on");
	} else {
		fd = receive_fd(sockets[0], &domain);
		expect("MAP without a device", map_fixed(fd, domain, job->part->pages, PAGE,
							 CHILD_AT), -ENXIO, -ENXIO);
		expect("DESTROY in a file that came by a socket", destroy(fd, domain, NULL), 0, 0);
		close(fd);
	}
	close(sockets[0]);
	close(sockets[1]);
}

void try_child(struct part *part)
{
	struct domain *domain = some_domain(part, false);
	struct job job = { .part = part, .domain = domain, .user = FIRST_USER + gettid() };
	int ret;

	if (!domain || domain->width)
		return;
	switch (rnd(4)) {
	case 0:
		outlive_child(&job);
		break;
	case 1:
		kill_child(&job);
		break;
	case 2:
		ret = end_of(start_child(try_without_rights, &job));
		if (ret)
			fail("a child without rights: %d", ret);
		break;
	default:
		receive_file(&job);
	}
}
