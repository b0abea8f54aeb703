/* SPDX-License-Identifier: GPL-2.0 */
/**
 * DOC: The interface as Windows source sees it
 *
 * A driver written for the DMA_IOMMU_INTERFACE tables of Windows includes this header under its
 * Windows name and links with v3compat.ko (namespace V3COMPAT). Names, types, values and 64-bit
 * layouts are those of Windows; what a call does is described at its function type. The PDO is the
 * Linux struct device.
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

#include <linux/container_of.h>
#include <linux/kernel.h>
#include <linux/poll.h> /* names IN and OUT, which mean nothing from here on */
#include <linux/stddef.h>
#include <linux/string.h>
#include <linux/types.h>
#include <asm/page.h>

/* Annotations and calling conventions say nothing to this compiler. */
#define NTAPI
#define NTKERNELAPI
#define NTSYSAPI
#define FORCEINLINE static __always_inline

#define PAGED_CODE() might_sleep()
#define UNREFERENCED_PARAMETER(parameter) ((void)(parameter))
#define CONTAINING_RECORD(address, type, field) container_of(address, type, field)
#define RtlZeroMemory(destination, length) memset((destination), 0, (length))
#define RtlCopyMemory(destination, source, length) memcpy((destination), (source), (length))

/* A device object is the Linux device, by either name. */
#define _DEVICE_OBJECT device

#include "contract.h"

#endif /* _V3COMPAT_WDM_H */
