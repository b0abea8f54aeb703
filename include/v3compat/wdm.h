/* SPDX-License-Identifier: GPL-2.0 */
/**
 * DOC: The interface as Windows source sees it
 *
 * A driver written for the DMA_IOMMU_INTERFACE tables of Windows includes this header under its
 * Windows name and links with v3compat.ko (namespace V3COMPAT), or, as a program, with libv3compat.
 * Names, types, values and 64-bit layouts are those of Windows; what a call does is described at
 * its function type. The PDO is the Linux struct device; that of a program is what
 * v3compat_open_device() returns.
 *
 * Units: a page is 4096 bytes. Logical addresses are what devices emit; they and physical addresses
 * are bytes, 64 bits wide. Sizes are bytes, except where a name says pages.
 *
 * Statuses: STATUS_INVALID_PARAMETER_n means that parameter n, counted from 1, is wrong. Parameters
 * are checked in ascending order, each by itself, then the type of the domain, then what depends on
 * its state. A call that fails has changed nothing and has written no output, except lengths that a
 * page says are returned.
 *
 * Concurrency: every call may run beside every other on the same objects, which is more than
 * Windows allows. A handle that was deleted, or is of another kind, is refused.
 *
 * Linux's own meaning stays with PAGE_SIZE, PAGE_SHIFT and PAGE_ALIGN(), the last of which rounds
 * up here and down on Windows.
 */
#ifndef _V3COMPAT_WDM_H
#define _V3COMPAT_WDM_H

#ifdef __KERNEL__

#include <linux/container_of.h>
#include <linux/kernel.h>
#include <linux/poll.h> /* names IN and OUT, which mean nothing from here on */
#include <linux/stddef.h>
#include <linux/string.h>
#include <linux/types.h>
#include <asm/page.h>

#define FORCEINLINE static __always_inline
#define PAGED_CODE() might_sleep()
#define CONTAINING_RECORD(address, type, field) container_of(address, type, field)

/* A device object is the Linux device, by either name. */
#define _DEVICE_OBJECT device

#else

#include <stddef.h>
#include <string.h>

/* A program may have its own meaning of these from <sys/user.h>, which is the same. */
#ifndef PAGE_SHIFT
#define PAGE_SHIFT 12
#endif
#ifndef PAGE_SIZE
#define PAGE_SIZE 4096
#endif

#define FORCEINLINE static inline
#define PAGED_CODE() ((void)0)
#define CONTAINING_RECORD(address, type, field) \
	((type *)((char *)(address) - offsetof(type, field)))

#endif

/* Annotations and calling conventions say nothing to this compiler. */
#define NTAPI
#define NTKERNELAPI
#define NTSYSAPI

#define UNREFERENCED_PARAMETER(parameter) ((void)(parameter))
#define RtlZeroMemory(destination, length) memset((destination), 0, (length))
#define RtlCopyMemory(destination, source, length) memcpy((destination), (source), (length))

#include "contract.h"

#endif /* _V3COMPAT_WDM_H */
