/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_WHY_H
#define V3COMPAT_WHY_H

#include <linux/errno.h>
#include <linux/types.h>

/*
 * V3C_REASONS - why a call was refused
 *
 * X(number, name, values, errno, text). A number is never used for anything else. The values are
 * those of &struct v3c_why: a RANGE of bytes, first and last; a start and a length (SPAN); a value
 * and its LIMIT, or what it was compared with; two COUNTs; or NONE. The text completes "refused:
 * ...".
 */
#define V3C_REASONS(X)										\
	X(1,  NULL_POINTER,	NONE,	EINVAL,		"required pointer is NULL")		\
	X(2,  BAD_HANDLE,	NONE,	ENOENT,		"handle is NULL, stale or of another kind") \
	X(3,  DEVICE_GONE,	NONE,	ENODEV,		"device was removed")			\
	X(4,  BAD_ENUM,		LIMIT,	EINVAL,		"value is not in the enumeration")	\
	X(5,  RESERVED_BITS,	LIMIT,	EINVAL,		"reserved bits are set")		\
	X(6,  NO_PERMISSION,	LIMIT,	EINVAL,		"neither read nor write permission")	\
	X(7,  MISALIGNED,	SPAN,	EINVAL,		"not a multiple of 4 KiB")		\
	X(8,  EMPTY,		SPAN,	EINVAL,		"size is zero")				\
	X(9,  WRAPS,		SPAN,	EOVERFLOW,	"range wraps")				\
	X(10, NO_PAGES,		NONE,	EFAULT,		"MDL describes no locked or nonpaged pages") \
	X(11, LIST_LOOP,	RANGE,	ELOOP,		"list does not end")			\
	X(12, LIST_OVERLAP,	RANGE,	EINVAL,		"regions overlap each other")		\
	X(13, WRONG_TYPE,	LIMIT,	EOPNOTSUPP,	"domain type does not take this call")	\
	X(14, ALLOCATOR_RULE,	SPAN,	EOPNOTSUPP,	"explicit address against the domain's allocator rule") \
	X(15, BEYOND_APERTURE,	RANGE,	ERANGE,		"beyond the addresses the domain translates") \
	X(16, BOUNDS,		RANGE,	ENOSPC,		"no room between the bounds")		\
	X(17, NO_SPACE,		RANGE,	ENOSPC,		"logical address space is exhausted")	\
	X(18, NO_PASID,		LIMIT,	ENOSPC,		"no PASID is left")			\
	X(19, NO_MEMORY,	NONE,	ENOMEM,		"out of memory")			\
	X(20, OVERLAP,		RANGE,	EEXIST,		"range is in use")			\
	X(21, NOT_MAPPED,	RANGE,	ENOENT,		"range is not mapped so")		\
	X(22, CUT_LARGE_PAGE,	RANGE,	EXDEV,		"cut may fall inside a large page")	\
	X(23, HARDWARE,		RANGE,	EIO,		"IOMMU driver refused")			\
	X(24, SHORT_UNMAP,	RANGE,	EUCLEAN,	"IOMMU driver did not unmap all of it")	\
	X(25, NO_IOMMU,		NONE,	ENODEV,		"not behind an IOMMU")			\
	X(26, NOT_AVAILABLE,	LIMIT,	EACCES,		"domain type is not available")		\
	X(27, ATTACHED,		LIMIT,	EBUSY,		"already attached")			\
	X(28, NOT_ATTACHED,	LIMIT,	ENOENT,		"not attached")				\
	X(29, IN_USE,		COUNT,	EBUSY,		"still in use")				\
	X(30, GROUP_BUSY,	LIMIT,	EACCES,		"IOMMU group is in other hands")	\
	X(31, MSI,		LIMIT,	EACCES,		"interrupts of the device would write into memory") \
	X(32, REGION_CONFLICT,	NONE,	EADDRINUSE,	"device's reserved region overlaps a live mapping") \
	X(33, TOO_MANY_TABLES,	NONE,	EMFILE,		"domain has its largest number of page tables") \
	X(34, TABLES_TOO_LARGE,	NONE,	E2BIG,		"caller's page tables say more than can be mirrored") \
	X(35, TOO_MUCH_WORK,	NONE,	EAGAIN,		"more than is done for a caller that cannot sleep") \
	X(36, KILLED,		NONE,	EINTR,		"calling thread was killed")		\
	X(37, BAD_CONFIG,	LIMIT,	EINVAL,		"configuration is not supported")	\
	X(38, NO_FAULTS,	NONE,	EOPNOTSUPP,	"nothing tells about faults of the device") \
	X(39, NOT_ENABLED,	NONE,	ENOENT,		"not enabled")				\
	X(40, BUFFER_TOO_SMALL,	LIMIT,	ENOSPC,		"buffer is too small")			\
	X(41, REGISTERED,	NONE,	EBUSY,		"device has a callback already")	\
	X(42, NOT_REGISTERED,	NONE,	ENOENT,		"callback is not registered for the device") \
	X(43, ATOMIC_CONTEXT,	COUNT,	EDEADLK,	"call may sleep and the context may not") \
	X(44, CLOSING,		NONE,	EBUSY,		"reservation is being given back")	\
	X(45, OTHER_OWNER,	NONE,	EPERM,		"device and domain have different owners")

#define X(number, name, values, err, text) V3C_REASON_##name = number,
enum v3c_reason { V3C_REASON_NONE, V3C_REASONS(X) };
#undef X

/* v3c_values tells what &v3c_why.first and &v3c_why.last mean, see V3C_REASONS. */
enum v3c_values {
	V3C_VALUES_NONE,
	V3C_VALUES_RANGE,
	V3C_VALUES_SPAN,
	V3C_VALUES_LIMIT,
	V3C_VALUES_COUNT
};

/*
 * V3C_PARAMS - the parameter that was wrong, in words that are the same for every face
 *
 * X(number, name). A number is never used for anything else.
 */
#define V3C_PARAMS(X)							\
	X(1, DOMAIN)							\
	X(2, DEVICE)							\
	X(3, PASID)							\
	X(4, TOKEN)							\
	X(5, TYPE)							\
	X(6, FLAGS)							\
	X(7, ALLOCATOR)							\
	X(8, REGIONS)							\
	X(9, CONFIG)							\
	X(10, PERMISSIONS)						\
	X(11, PHYS)							\
	X(12, ADDRESS)							\
	X(13, SIZE)							\
	X(14, OFFSET)							\
	X(15, LIST)							\
	X(16, MAPPING)							\
	X(17, CALLBACK)							\
	X(18, FIELDS)							\
	X(19, PROCESS)							\
	X(20, OUT)							\
	X(21, NUMBER)							\
	X(22, BUFFER)							\
	X(23, LENGTH)							\
	X(24, VERSION)							\
	X(25, COOKIE)

#define X(number, name) V3C_PARAM_##name = number,
enum v3c_param { V3C_PARAM_NONE, V3C_PARAMS(X) V3C_PARAM_COUNT };
#undef X

/**
 * struct v3c_why - what was wrong, and with what
 * @reason: why
 * @param: the parameter that was wrong, or %V3C_PARAM_NONE
 * @err: errno that led to the refusal, of v3compat or of the IOMMU core; 0 if there was none
 * @object: serial of the object concerned, see &struct v3c_handle; 0 for none
 * @first: first value, see V3C_REASONS
 * @last: second value
 *
 * Written on refusal only: a caller need not initialise it.
 */
struct v3c_why {
	enum v3c_reason reason;
	enum v3c_param param;
	int err;
	u32 object;
	u64 first;
	u64 last;
};

enum v3c_reason v3c_refuse(struct v3c_why *why, enum v3c_reason reason, enum v3c_param param,
			   const void *object, u64 first, u64 last);
enum v3c_reason v3c_refuse_errno(struct v3c_why *why, int err, enum v3c_param param,
				 const void *object, u64 first, u64 last);
bool v3c_refuse_atomic(struct v3c_why *why);

const char *v3c_reason_text(enum v3c_reason reason);
int v3c_reason_errno(enum v3c_reason reason);
enum v3c_values v3c_reason_values(enum v3c_reason reason);
const char *v3c_param_name(enum v3c_param param);

#endif
