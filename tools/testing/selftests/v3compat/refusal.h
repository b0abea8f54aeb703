/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a refusal must say whoever asks, and what a refusal must leave as it was.
 */
#ifndef V3COMPAT_SELFTEST_REFUSAL_H
#define V3COMPAT_SELFTEST_REFUSAL_H

#include "user.h"

/* A refusal is repeated so often where the kernel must not say so in its log each time. */
#define REPEATED	1000

#define REASON(name)	V3COMPAT_REASON_##name
#define PARAM(name)	V3COMPAT_PARAM_##name

/* errno_of() is the errno that the header gives a reason, or 0. */
static inline int errno_of(unsigned int reason)
{
	static const int errnos[] = {
#define X(number, name, values, err, text) [number] = err,
		V3COMPAT_REASONS(X)
#undef X
	};

	return reason < sizeof(errnos) / sizeof(errnos[0]) ? errnos[reason] : 0;
}

/*
 * is_refusal() tells whether @ret and @result are a refusal for this reason, all parts of which go
 * together: the errno is the reason's, and the status is a failure, as Windows would say it.
 */
static inline bool is_refusal(int ret, const struct v3compat_result *result, unsigned int reason,
			      unsigned int parameter)
{
	if (ret == -errno_of(reason) && result->out_reason == reason &&
	    result->out_parameter == parameter && result->out_status >> 30 == 3 &&
	    !result->__reserved)
		return true;
	fprintf(stderr, "# got %d, status %#x, reason %u, parameter %u; not reason %u, parameter %u\n",
		ret, result->out_status, result->out_reason, result->out_parameter, reason,
		parameter);
	return false;
}

/* struct state: what a refused command must not change. */
struct state {
	struct v3compat_info info;
	int lowest_fd;
};

static inline struct v3compat_info info_of(int fd)
{
	struct v3compat_info info = {};

	CALL(fd, INFO, &info);
	return info;
}

static inline struct state state_of(int fd)
{
	struct state state = { .info = info_of(fd), .lowest_fd = dup(fd) };

	close(state.lowest_fd);
	return state;
}

static inline bool is_unchanged(int fd, const struct state *before)
{
	struct state now = state_of(fd);

	return !memcmp(&now.info, &before->info, sizeof(now.info)) &&
	       now.lowest_fd == before->lowest_fd;
}

/* open_log() returns a descriptor that hears what the kernel logs from now on, or -1. */
static inline int open_log(void)
{
	int log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (log >= 0)
		lseek(log, 0, SEEK_END);
	return log;
}

/* logged_lines() counts what was logged of the modules, of their devices, or as a warning. */
static inline unsigned int logged_lines(int log)
{
	unsigned int lines = 0;
	char record[8192];
	ssize_t length;

	while ((length = read(log, record, sizeof(record) - 1)) > 0 || errno == EPIPE) {
		record[length < 0 ? 0 : length] = '\0';
		/* Where records were lost, there were more than anybody may cause. */
		if (length > 0 && !strstr(record, "v3compat") && !strstr(record, "iommusim") &&
		    !strstr(record, "WARNING"))
			continue;
		lines++;
		fprintf(stderr, "# logged: %s\n", record);
	}
	return lines;
}

#endif
