// SPDX-License-Identifier: GPL-2.0
/*
 * What <wdm.h> takes for granted: which file, why a call was refused, what physical memory is.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "internal.h"

struct v3l_pool v3l_pool;

static pthread_mutex_t process_lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_int file = -1;
static atomic_int pagemap = -1;

static _Thread_local struct v3compat_result last_refusal;

int v3compat_use(int fd)
{
	int expected = -1;

	if (atomic_compare_exchange_strong(&file, &expected, fd))
		return 0;
	errno = EBUSY;
	return -1;
}

int v3compat_file(void)
{
	int fd = file;

	if (fd >= 0)
		return fd;
	pthread_mutex_lock(&process_lock);
	if (file < 0)
		file = v3compat_open();
	fd = file;
	pthread_mutex_unlock(&process_lock);
	return fd;
}

const struct v3compat_result *v3compat_last_refusal(void)
{
	return &last_refusal;
}

/* v3l_refuse() is a refusal that the kernel is not asked for. */
NTSTATUS v3l_refuse(NTSTATUS status, __u32 reason, enum v3compat_param param, __u64 first,
		    __u64 last)
{
	last_refusal = (struct v3compat_result) {
		.out_status = status,
		.out_reason = reason,
		.out_parameter = param,
		.out_first = first,
		.out_last = last,
	};
	return status;
}

NTSTATUS v3l_no_memory(void)
{
	return V3L_REFUSE(STATUS_INSUFFICIENT_RESOURCES, NO_MEMORY, NONE, 0, 0);
}

/* v3l_answer() turns what a v3compat_*() returned into a status. */
NTSTATUS v3l_answer(int ret, const struct v3compat_result *result)
{
	if (ret >= 0)
		return STATUS_SUCCESS;
	/* What the command itself is refused for has no reason of the interface. */
	if (!result->out_reason) {
		if (errno == ENOMEM)
			return v3l_no_memory();
		return v3l_refuse(STATUS_UNSUCCESSFUL, V3COMPAT_REASON_NONE, V3COMPAT_PARAM_NONE,
				  0, 0);
	}
	last_refusal = *result;
	return (NTSTATUS)result->out_status;
}

int v3compat_use_pool(void *base, size_t length)
{
	struct v3compat_source source = {
		.type = V3COMPAT_SOURCE_USER, .start = (uintptr_t)base, .length = length,
	};
	struct v3compat_result result = { .out_status = 0 };
	__u32 handle;
	int ret = -1;

	if (v3compat_file() < 0)
		return -1;
	pthread_mutex_lock(&process_lock);
	if (v3l_pool.handle) {
		errno = EBUSY;
	} else {
		ret = v3compat_memory_create(v3compat_file(), &source, 0, &handle, &result);
		v3l_answer(ret, &result);
	}
	if (!ret) {
		v3l_pool.base = base;
		v3l_pool.length = length;
		v3l_pool.handle = handle;
	}
	pthread_mutex_unlock(&process_lock);
	return ret;
}

/* v3l_pool_has() tells whether a range, which does not wrap, is in the pool. */
bool v3l_pool_has(const void *va, __u64 length)
{
	uintptr_t offset = (uintptr_t)va - (uintptr_t)v3l_pool.base;

	return v3l_pool.handle && (uintptr_t)va >= (uintptr_t)v3l_pool.base &&
	       offset < v3l_pool.length && length <= v3l_pool.length - offset;
}

int v3compat_use_machine_frames(void)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC), expected = -1;

	if (fd < 0)
		return -1;
	if (!atomic_compare_exchange_strong(&pagemap, &expected, fd))
		close(fd);
	return 0;
}

#define PAGEMAP_FRAME ((1ULL << 55) - 1)
#define PAGEMAP_PRESENT (1ULL << 63)

/* v3l_frame_of() returns the frame number of a page, as the program knows it. */
PFN_NUMBER v3l_frame_of(const void *va)
{
	__u64 entry;

	if (v3l_pool.handle)
		return v3l_pool_has(va, PAGE_SIZE) ?
		       ((uintptr_t)va - (uintptr_t)v3l_pool.base) >> PAGE_SHIFT : V3L_NO_FRAME;
	if (pagemap < 0)
		return V3L_NO_FRAME;
	if (pread(pagemap, &entry, sizeof(entry),
		  ((uintptr_t)va >> PAGE_SHIFT) * (off_t)sizeof(entry)) != sizeof(entry))
		return V3L_NO_FRAME;
	/* Without the privilege, the frame is 0. */
	if (!(entry & PAGEMAP_PRESENT) || !(entry & PAGEMAP_FRAME))
		return V3L_NO_FRAME;
	return entry & PAGEMAP_FRAME;
}
