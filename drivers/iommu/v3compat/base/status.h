/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_STATUS_H
#define V3COMPAT_STATUS_H

#include <linux/types.h>
#include <v3compat/wdm.h>

/*
 * V3C_REASONS - why a call was refused, finer than its NTSTATUS
 *
 * X(name, text). The text completes "refused: ...".
 */
#define V3C_REASONS(X)							\
	X(NONE,			"no reason recorded")			\
	X(NULL_POINTER,		"required pointer is NULL")		\
	X(BAD_HANDLE,		"handle is NULL, stale or of another kind") \
	X(DEVICE_GONE,		"device was removed")			\
	X(BAD_ENUM,		"value is not in the enumeration")	\
	X(RESERVED_BITS,	"reserved bits are set")		\
	X(NO_PERMISSION,	"neither read nor write permission")	\
	X(MISALIGNED,		"not a multiple of 4 KiB")		\
	X(EMPTY,		"size is zero")				\
	X(WRAPS,		"range wraps")				\
	X(NO_PAGES,		"MDL describes no locked or nonpaged pages") \
	X(LIST_LOOP,		"list does not end")			\
	X(LIST_OVERLAP,		"regions overlap each other")		\
	X(WRONG_TYPE,		"domain type does not take this call")	\
	X(ALLOCATOR_RULE,	"explicit address against the domain's allocator rule") \
	X(BEYOND_APERTURE,	"beyond the addresses the domain translates") \
	X(BOUNDS,		"no room between the bounds")		\
	X(NO_SPACE,		"logical address space is exhausted")	\
	X(NO_PASID,		"no PASID is left")			\
	X(NO_MEMORY,		"out of memory")			\
	X(OVERLAP,		"range is in use")			\
	X(NOT_MAPPED,		"range is not mapped so")		\
	X(CUT_LARGE_PAGE,	"cut may fall inside a large page")	\
	X(HARDWARE,		"IOMMU driver refused")			\
	X(SHORT_UNMAP,		"IOMMU driver did not unmap all of it")	\
	X(NO_IOMMU,		"not behind an IOMMU")			\
	X(NOT_AVAILABLE,	"domain type is not available")		\
	X(ATTACHED,		"already attached")			\
	X(NOT_ATTACHED,		"not attached")				\
	X(IN_USE,		"still in use")				\
	X(GROUP_BUSY,		"IOMMU group is in other hands")	\
	X(MSI,			"interrupts of the device would write into memory") \
	X(REGION_CONFLICT,	"device's reserved region overlaps a live mapping") \
	X(TOO_MANY_TABLES,	"domain has its largest number of page tables") \
	X(TABLES_TOO_LARGE,	"caller's page tables say more than can be mirrored") \
	X(TOO_MUCH_WORK,	"caller's page tables say more than is mirrored without sleeping") \
	X(KILLED,		"calling thread was killed")		\
	X(BAD_CONFIG,		"configuration is not supported")	\
	X(NO_FAULTS,		"nothing tells about faults of the device") \
	X(NOT_ENABLED,		"not enabled")				\
	X(BUFFER_TOO_SMALL,	"buffer is too small")			\
	X(REGISTERED,		"device has a callback already")	\
	X(NOT_REGISTERED,	"callback is not registered for the device") \
	X(ATOMIC_CONTEXT,	"call may sleep and the context may not")

#define X(name, text) V3C_REASON_##name,
enum v3c_reason { V3C_REASONS(X) V3C_REASON_COUNT };
#undef X

/**
 * struct v3c_why - what was wrong, and with what
 * @reason: finer than the status
 * @err: errno of the IOMMU core where it was the one that refused, otherwise 0
 * @object: handle, device or pointer concerned, or NULL
 * @first: first byte of the offending range, or the offending value
 * @last: last byte of the offending range, or the limit that was exceeded
 *
 * Written by whoever refuses and only then: a caller need not initialise it.
 */
struct v3c_why {
	enum v3c_reason reason;
	int err;
	const void *object;
	u64 first;
	u64 last;
};

NTSTATUS v3c_refuse(struct v3c_why *why, NTSTATUS status, enum v3c_reason reason,
		    const void *object, u64 first, u64 last);
NTSTATUS v3c_refuse_errno(struct v3c_why *why, int err, NTSTATUS otherwise,
			  const void *object, u64 first, u64 last);
bool v3c_refuse_atomic(struct v3c_why *why);
const char *v3c_reason_text(enum v3c_reason reason);
const char *v3c_status_name(NTSTATUS status);

#endif
