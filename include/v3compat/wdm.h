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
 * Names that Linux has, too: PAGE_SIZE and PAGE_SHIFT are Linux's and mean the same. PAGE_ALIGN()
 * rounds down to an address, as on Windows; in a file that had Linux's PAGE_ALIGN() before this
 * header, which rounds a number up, it is an error. __out is an annotation in a file that had no
 * <linux/wait.h> before this header, and else nothing but the label of wait_event(). ALIGN_DOWN(),
 * min() and max() are Linux's.
 */
#ifndef _V3COMPAT_WDM_H
#define _V3COMPAT_WDM_H

/* These are asked first, because the headers below have both names. */
#ifdef PAGE_ALIGN
#define V3COMPAT_LINUX_PAGE_ALIGN
#endif
#ifdef ___wait_event
#define V3COMPAT_LINUX_OUT
#endif
/* So is this: a file that has Linux's headers, too, may have names such as "leave" of its own. */
#if defined(__KERNEL__) && !defined(_LINUX_TYPES_H)
#define V3COMPAT_WINDOWS_ONLY
#endif

#ifdef __KERNEL__

/* The compiler of Windows says so of code for the kernel. */
#ifndef _KERNEL_MODE
#define _KERNEL_MODE 1
#endif

/* Members of these have names of <excpt.h>, so that they must not come behind it. */
#include <kunit/try-catch.h>
#include <linux/suspend.h>

#include <linux/container_of.h>
#include <linux/kernel.h>
#include <linux/mm.h> /* has PAGE_ALIGN(), and must not have it later */
#include <linux/poll.h> /* names IN and OUT, which mean nothing from here on */
#include <linux/stdarg.h>
#include <linux/stddef.h>
#include <linux/string.h>
#include <linux/types.h>
#include <asm/page.h>

#define FORCEINLINE static __always_inline
#define PAGED_CODE() might_sleep()

/* A device object is the Linux device, by either name. */
#define _DEVICE_OBJECT device

#else

#include <stdarg.h>
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

#endif

/* Tags of pool memory are constants of four characters. */
#pragma GCC diagnostic ignored "-Wmultichar"

#include "contract.h"

#include "ddk/debug.h"
#include "ddk/exception.h"
#include "ddk/irql.h"
#include "ddk/list.h"
#include "ddk/mdl.h"
#include "ddk/memory.h"
#include "ddk/page.h"
#include "ddk/physical.h"
#include "ddk/pool.h"
#include "ddk/routine.h"
#include "ddk/sal.h"
#include "ddk/spinlock.h"
#include "ddk/status.h"
#include "ddk/string.h"
#include "ddk/types.h"

#ifdef V3COMPAT_WINDOWS_ONLY
#include "excpt.h"
#endif

#endif /* _V3COMPAT_WDM_H */
