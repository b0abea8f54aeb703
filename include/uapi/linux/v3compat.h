/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * /dev/v3compat: Windows' DMA_IOMMU_INTERFACE_V3 for user space.
 *
 * An open file holds domains, devices, sub-devices, reservations and registered memory, named by
 * handles that mean something in this file only. Handle 0 is none. Closing the file takes all of it
 * apart: devices are quieted and detached first, memory is given back last.
 *
 * Every command begins with its size, so that it can grow: a shorter one of an older program is
 * taken as continued by zeroes, a longer one is refused with E2BIG unless the rest is zero. Fields
 * named out_ are written by the kernel, all others are only read. A number is never used for
 * anything else.
 *
 * A refused command changes nothing. It returns -1 with errno, and where it has a
 * &struct v3compat_result, that says more. Errors that any command may have:
 *
 * - ENOTTY: no such command
 * - EINVAL: @size is smaller than the first version of the command, or a value is out of range
 * - E2BIG: @size is larger than the kernel knows, and the rest is not zero
 * - EOPNOTSUPP: a flag or a reserved field that the kernel does not know is not zero
 * - ENOENT: a handle is not one of the kind asked for
 * - EFAULT: the command or what it points to could not be read or written
 * - ENOMEM: out of memory
 * - EDQUOT: a limit of the file or the user, see V3COMPAT_IOCTL_INFO
 * - EINTR: the thread was killed
 *
 * V3COMPAT_REASONS has those of the interface.
 *
 * Addresses and lengths are in bytes, and multiples of 4096 unless said otherwise.
 */
#ifndef _UAPI_LINUX_V3COMPAT_H
#define _UAPI_LINUX_V3COMPAT_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define V3COMPAT_IOC_TYPE	0xE8

/* Numbers of the commands. */
enum {
	V3COMPAT_CMD_INFO		= 0x00,
	V3COMPAT_CMD_DESTROY		= 0x01,
	V3COMPAT_CMD_DOMAIN_CREATE	= 0x02,
	V3COMPAT_CMD_DOMAIN_QUERY	= 0x03,
	V3COMPAT_CMD_DOMAIN_CONFIGURE	= 0x04,
	V3COMPAT_CMD_DOMAIN_FLUSH	= 0x05,
	V3COMPAT_CMD_DEVICE_CREATE	= 0x06,
	V3COMPAT_CMD_DEVICE_QUERY	= 0x07,
	V3COMPAT_CMD_DEVICE_OPEN	= 0x08,
	V3COMPAT_CMD_INPUT_MAPPINGS	= 0x09,
	V3COMPAT_CMD_PASID_CREATE	= 0x0a,
	V3COMPAT_CMD_ATTACH		= 0x0b,
	V3COMPAT_CMD_DETACH		= 0x0c,
	V3COMPAT_CMD_MEMORY_CREATE	= 0x0d,
	V3COMPAT_CMD_MAP		= 0x0e,
	V3COMPAT_CMD_UNMAP		= 0x0f,
	V3COMPAT_CMD_RESERVE		= 0x10,
	V3COMPAT_CMD_MAP_IDENTITY	= 0x11,
	V3COMPAT_CMD_UNMAP_IDENTITY	= 0x12,
	V3COMPAT_CMD_BATCH		= 0x13,
	V3COMPAT_CMD_EVENTS_OPEN	= 0x14,
	V3COMPAT_CMD_PAGE_RESPONSE	= 0x15,
	V3COMPAT_CMD_GUARD_QUERY	= 0x16,
	V3COMPAT_CMD_GUARD_SET		= 0x17,
	/* Of the file that V3COMPAT_IOCTL_DEVICE_OPEN opens: */
	V3COMPAT_CMD_REGION_QUERY	= 0x80,
	V3COMPAT_CMD_INTERRUPT_QUERY	= 0x81,
	V3COMPAT_CMD_INTERRUPT_SET	= 0x82,
	V3COMPAT_CMD_RESET		= 0x83,
};

/*
 * V3COMPAT_REASONS - why a command was refused
 *
 * X(number, name, values, errno, text). A number is never used for anything else. The values are
 * what @out_first and @out_last of &struct v3compat_result say: a RANGE of bytes, first and last; a
 * start and a length (SPAN); a value and its LIMIT, or what it was compared with; two COUNTs; or
 * NONE. The text completes "refused: ...".
 */
#define V3COMPAT_REASONS(X) \
	X(1,  NULL_POINTER,	NONE,	EINVAL,		"required pointer is NULL") \
	X(2,  BAD_HANDLE,	NONE,	ENOENT,		"handle is NULL, stale or of another kind") \
	X(3,  DEVICE_GONE,	NONE,	ENODEV,		"device was removed") \
	X(4,  BAD_ENUM,		LIMIT,	EINVAL,		"value is not in the enumeration") \
	X(5,  RESERVED_BITS,	LIMIT,	EINVAL,		"reserved bits are set") \
	X(6,  NO_PERMISSION,	LIMIT,	EINVAL,		"neither read nor write permission") \
	X(7,  MISALIGNED,	SPAN,	EINVAL,		"not a multiple of 4 KiB") \
	X(8,  EMPTY,		SPAN,	EINVAL,		"size is zero") \
	X(9,  WRAPS,		SPAN,	EOVERFLOW,	"range wraps") \
	X(10, LIST_OVERLAP,	RANGE,	EINVAL,		"regions overlap each other") \
	X(11, WRONG_TYPE,	LIMIT,	EOPNOTSUPP,	"domain type does not take this call") \
	X(12, ALLOCATOR_RULE,	SPAN,	EOPNOTSUPP,	"explicit address against the domain's allocator rule") \
	X(13, BEYOND_APERTURE,	RANGE,	ERANGE,		"beyond the addresses the domain translates") \
	X(14, BOUNDS,		RANGE,	ENOSPC,		"no room between the bounds") \
	X(15, NO_SPACE,		RANGE,	ENOSPC,		"logical address space is exhausted") \
	X(16, NO_PASID,		LIMIT,	ENOSPC,		"no PASID is left") \
	X(17, NO_MEMORY,	NONE,	ENOMEM,		"out of memory") \
	X(18, OVERLAP,		RANGE,	EEXIST,		"range is in use") \
	X(19, NOT_MAPPED,	RANGE,	ENOENT,		"range is not mapped so") \
	X(20, CUT_LARGE_PAGE,	RANGE,	EXDEV,		"cut may fall inside a large page") \
	X(21, HARDWARE,		RANGE,	EIO,		"IOMMU driver refused") \
	X(22, SHORT_UNMAP,	RANGE,	EUCLEAN,	"IOMMU driver did not unmap all of it") \
	X(23, NO_IOMMU,		NONE,	ENODEV,		"not behind an IOMMU") \
	X(24, NOT_AVAILABLE,	LIMIT,	EACCES,		"domain type is not available") \
	X(25, ATTACHED,		LIMIT,	EBUSY,		"already attached") \
	X(26, NOT_ATTACHED,	LIMIT,	ENOENT,		"not attached") \
	X(27, IN_USE,		COUNT,	EBUSY,		"still in use") \
	X(28, GROUP_BUSY,	LIMIT,	EACCES,		"IOMMU group is in other hands") \
	X(29, MSI,		LIMIT,	EACCES,		"interrupts of the device would write into memory") \
	X(30, REGION_CONFLICT,	NONE,	EADDRINUSE,	"device's reserved region overlaps a live mapping") \
	X(31, TOO_MANY_TABLES,	NONE,	EMFILE,		"domain has its largest number of page tables") \
	X(32, TABLES_TOO_LARGE,	NONE,	E2BIG,		"caller's page tables say more than can be mirrored") \
	X(33, KILLED,		NONE,	EINTR,		"calling thread was killed") \
	X(34, BAD_CONFIG,	LIMIT,	EINVAL,		"configuration is not supported") \
	X(35, NO_FAULTS,	NONE,	EOPNOTSUPP,	"nothing tells about faults of the device") \
	X(36, NOT_ENABLED,	NONE,	ENOENT,		"not enabled") \
	X(37, REGISTERED,	NONE,	EBUSY,		"device has a callback already") \
	X(38, NO_DEVICE,	NONE,	ENXIO,		"file has no device yet") \
	X(39, QUOTA,		LIMIT,	EDQUOT,		"limit of the file or of the user is reached") \
	X(40, MEMLOCK,		COUNT,	ENOMEM,		"more than the user may pin") \
	X(41, NOT_PINNABLE,	RANGE,	EFAULT,		"memory is not there, or cannot be pinned") \
	X(42, DEVICE_MEMORY,	RANGE,	EOPNOTSUPP,	"memory belongs to a device or a driver") \
	X(43, PRIVILEGE,	LIMIT,	EPERM,		"calling thread lacks a capability") \
	X(44, LOCKED_DOWN,	NONE,	EPERM,		"kernel is locked down") \
	X(45, NO_SUCH_DEVICE,	NONE,	ENODEV,		"there is no such device") \
	X(46, NOT_BOUND,	NONE,	EPERM,		"device is not bound to a driver of v3compat") \
	X(47, HELD_BY_VFIO,	NONE,	EPERM,		"device is bound to a driver of VFIO") \
	X(48, CLAIMED,		NONE,	EPERM,		"device is in use by another file") \
	X(49, GROUP_CLAIMED,	NONE,	EPERM,		"another device of the IOMMU group is in use") \
	X(50, MSI_NOT_ISOLATED,	NONE,	EPERM,		"device could forge interrupts of others") \
	X(51, NOT_COHERENT,	NONE,	EOPNOTSUPP,	"DMA of the device is not coherent with caches") \
	X(52, NOT_OFFERED,	LIMIT,	EOPNOTSUPP,	"source of memory is not offered") \
	X(53, BAD_FILE,		LIMIT,	EBADF,		"file descriptor is not of the right kind") \
	X(54, BEYOND_MEMORY,	RANGE,	ERANGE,		"beyond the memory or the file") \
	X(55, READ_ONLY,	NONE,	EACCES,		"memory may only be read") \
	X(56, OTHER_PROCESS,	NONE,	EPERM,		"sub-device is of another process") \
	X(57, BAD_POINTER,	RANGE,	EFAULT,		"memory of the caller could not be read or written") \
	X(58, TOO_MANY,		LIMIT,	E2BIG,		"more than one command takes") \
	X(59, NOT_QUIET,	NONE,	EBUSY,		"device could not be quieted") \
	X(60, CLOSED,		NONE,	ENODEV,		"file that it belongs to was closed") \
	X(61, UNKNOWN_FLAG,	LIMIT,	EOPNOTSUPP,	"flag or reserved field is not known") \
	X(62, NO_RESET,		NONE,	EOPNOTSUPP,	"device has no reset that leaves others alone")

enum v3compat_reason {
	V3COMPAT_REASON_NONE,
#define V3COMPAT_X(number, name, values, err, text) V3COMPAT_REASON_##name = number,
	V3COMPAT_REASONS(V3COMPAT_X)
#undef V3COMPAT_X
};

/*
 * V3COMPAT_PARAMS - the parameter that was wrong, in words that are the same for every command and
 * every member of the interface
 *
 * X(number, name). A number is never used for anything else.
 */
#define V3COMPAT_PARAMS(X) \
	X(1, DOMAIN) \
	X(2, DEVICE) \
	X(3, PASID) \
	X(4, TOKEN) \
	X(5, TYPE) \
	X(6, FLAGS) \
	X(7, ALLOCATOR) \
	X(8, REGIONS) \
	X(9, CONFIG) \
	X(10, PERMISSIONS) \
	X(11, PHYS) \
	X(12, ADDRESS) \
	X(13, SIZE) \
	X(14, OFFSET) \
	X(15, LIST) \
	X(16, MAPPING) \
	X(17, CALLBACK) \
	X(18, FIELDS) \
	X(19, PROCESS) \
	X(20, OUT) \
	X(21, NUMBER) \
	X(22, BUFFER) \
	X(23, LENGTH) \
	X(24, VERSION) \
	X(25, COOKIE) \
	X(26, SOURCE) \
	X(27, MEMORY) \
	X(28, EVENTS) \
	X(29, ENTRIES) \
	X(30, OBJECT) \
	X(31, RESERVED) \
	X(32, GUARD) \
	X(33, BOUNDS) \
	X(34, SIZE_OF_STRUCT)

enum v3compat_param {
	V3COMPAT_PARAM_NONE,
#define V3COMPAT_X(number, name) V3COMPAT_PARAM_##name = number,
	V3COMPAT_PARAMS(V3COMPAT_X)
#undef V3COMPAT_X
};

/**
 * struct v3compat_result - why a command was refused
 * @out_status: NTSTATUS that the member of the interface would have returned
 * @out_reason: &enum v3compat_reason
 * @out_parameter: &enum v3compat_param, or 0
 * @out_object: handle of the object concerned, or 0
 * @out_first: first value, see V3COMPAT_REASONS
 * @out_last: second value
 * @__reserved: 0
 *
 * Part of every command that can be refused for a reason of the interface. Written when it is, and
 * otherwise left as it was.
 */
struct v3compat_result {
	__u32 out_status;
	__u32 out_reason;
	__u32 out_parameter;
	__u32 out_object;
	__aligned_u64 out_first;
	__aligned_u64 out_last;
	__aligned_u64 __reserved;
};

/**
 * enum v3compat_source_type - where memory comes from
 * @V3COMPAT_SOURCE_USER: @start is an address of the calling process. Its pages are pinned
 * @V3COMPAT_SOURCE_MEMORY: @object is a handle of registered memory, @start an offset in it
 * @V3COMPAT_SOURCE_MEMFD: @object is a file descriptor of a memfd, @start an offset in it
 * @V3COMPAT_SOURCE_PHYSICAL: @start is a physical address. Needs CAP_SYS_RAWIO in the initial user
 *	namespace, and a kernel that is not locked down
 * @V3COMPAT_SOURCE_IOAS: refused with EOPNOTSUPP
 * @V3COMPAT_SOURCE_DMABUF: refused with EOPNOTSUPP
 */
enum v3compat_source_type {
	V3COMPAT_SOURCE_USER		= 0,
	V3COMPAT_SOURCE_MEMORY		= 1,
	V3COMPAT_SOURCE_MEMFD		= 2,
	V3COMPAT_SOURCE_PHYSICAL	= 3,
	V3COMPAT_SOURCE_IOAS		= 4,
	V3COMPAT_SOURCE_DMABUF		= 5,
};

/**
 * struct v3compat_source - memory
 * @type: one of &enum v3compat_source_type
 * @object: handle or file descriptor, as @type says; otherwise 0
 * @start: where it begins
 * @length: in bytes
 * @__reserved: 0
 */
struct v3compat_source {
	__u32 type;
	__u32 object;
	__aligned_u64 start;
	__aligned_u64 length;
	__aligned_u64 __reserved[2];
};

/* Permissions of a mapping. */
#define V3COMPAT_READ	(1u << 0)
#define V3COMPAT_WRITE	(1u << 1)

/* Domain types, as Windows numbers them. */
enum v3compat_domain_type {
	V3COMPAT_DOMAIN_TRANSLATE	= 0,
	V3COMPAT_DOMAIN_PASSTHROUGH	= 1,
	V3COMPAT_DOMAIN_UNMANAGED	= 2,
	V3COMPAT_DOMAIN_TRANSLATE_S1	= 3,
};

/**
 * struct v3compat_limit - one limit
 * @max: what the file, or where the limit says so the user, may have
 * @used: what it has
 *
 * What is beyond is refused with EDQUOT and V3COMPAT_REASON_QUOTA, and pinned bytes with ENOMEM and
 * V3COMPAT_REASON_MEMLOCK.
 */
struct v3compat_limit {
	__aligned_u64 max;
	__aligned_u64 used;
};

/**
 * struct v3compat_info - ioctl(V3COMPAT_IOCTL_INFO): version and limits
 * @size: sizeof(struct v3compat_info)
 * @flags: 0
 * @out_version: of this interface; grows with it
 * @out_max_entries: entries of a V3COMPAT_IOCTL_BATCH
 * @out_max_regions: regions of a V3COMPAT_IOCTL_DOMAIN_CREATE
 * @out_max_flush: addresses of a V3COMPAT_IOCTL_DOMAIN_FLUSH
 * @out_objects: handles of the file
 * @out_pasids: sub-devices of the file
 * @out_mapped: bytes that are mapped in the domains of the file
 * @out_reservation: bytes of one reservation; @used is 0
 * @out_reserved: bytes of all reservations of the file
 * @out_events: records of one V3COMPAT_IOCTL_EVENTS_OPEN; @used is 0
 * @out_user_objects: handles of all files of the calling user
 * @out_user_reserved: bytes of the reservations of all files of the calling user
 * @out_pinned: bytes that are pinned on account of the calling user, by whatever pins memory; @max
 *	is RLIMIT_MEMLOCK of the caller, or ~0 with CAP_IPC_LOCK
 */
struct v3compat_info {
	__u32 size;
	__u32 flags;
	__u32 out_version;
	__u32 out_max_entries;
	__u32 out_max_regions;
	__u32 out_max_flush;
	struct v3compat_limit out_objects;
	struct v3compat_limit out_pasids;
	struct v3compat_limit out_mapped;
	struct v3compat_limit out_reservation;
	struct v3compat_limit out_reserved;
	struct v3compat_limit out_events;
	struct v3compat_limit out_user_objects;
	struct v3compat_limit out_user_reserved;
	struct v3compat_limit out_pinned;
};
#define V3COMPAT_IOCTL_INFO _IO(V3COMPAT_IOC_TYPE, V3COMPAT_CMD_INFO)

/**
 * struct v3compat_destroy - ioctl(V3COMPAT_IOCTL_DESTROY): DeleteDomain, DeleteDevice,
 * DeletePasidDevice, FreeReservedLogicalAddressRange, or the end of registered memory
 * @size: sizeof(struct v3compat_destroy)
 * @object: handle of any kind
 * @result: see &struct v3compat_result
 *
 * EBUSY while it is in use; @result.out_object names who uses it first.
 */
struct v3compat_destroy {
	__u32 size;
	__u32 object;
	struct v3compat_result result;
};
#define V3COMPAT_IOCTL_DESTROY _IO(V3COMPAT_IOC_TYPE, V3COMPAT_CMD_DESTROY)

/**
 * struct v3compat_region - addresses that a domain leaves out of circulation
 * @base: first byte
 * @length: in bytes
 * @flags: %V3COMPAT_REGION_MAP: mapped 1:1; as %V3COMPAT_SOURCE_PHYSICAL
 * @__reserved: 0
 */
struct v3compat_region {
	__aligned_u64 base;
	__aligned_u64 length;
	__u32 flags;
	__u32 __reserved;
};
#define V3COMPAT_REGION_MAP	(1u << 0)

/**
 * struct v3compat_domain_create - ioctl(V3COMPAT_IOCTL_DOMAIN_CREATE): CreateDomainEx
 * @size: sizeof(struct v3compat_domain_create)
 * @flags: 0
 * @type: one of &enum v3compat_domain_type
 * @address_width: bits of the addresses that the domain chooses, or 0 where the caller chooses them
 * @regions: pointer to @nr_regions times &struct v3compat_region
 * @nr_regions: how many, at most 64
 * @out_domain: handle of the new domain
 * @result: see &struct v3compat_result
 */
struct v3compat_domain_create {
	__u32 size;
	__u32 flags;
	__u32 type;
	__u32 address_width;
	__aligned_u64 regions;
	__u32 nr_regions;
	__u32 out_domain;
	struct v3compat_result result;
};
#define V3COMPAT_IOCTL_DOMAIN_CREATE _IO(V3COMPAT_IOC_TYPE, V3COMPAT_CMD_DOMAIN_CREATE)

/**
 * struct v3compat_domain_query - ioctl(V3COMPAT_IOCTL_DOMAIN_QUERY)
 * @size: sizeof(struct v3compat_domain_query)
 * @domain: handle
 * @out_type: one of &enum v3compat_domain_type
 * @out_flags: %V3COMPAT_DOMAIN_SETTLED: the domain is made for the devices of the file, and what
 *	follows is known. Attaching another one may make it less. Never set for types that map
 *	nothing
 * @out_last: last byte that can be mapped
 * @out_page_sizes: powers of two that the IOMMU has leaves of, or-ed together
 * @out_alignment: of every address and length
 * @ranges: pointer to @max_ranges times &struct v3compat_region for what cannot be mapped, or 0
 * @max_ranges: how many there is room for; no more than 4096 are written
 * @out_ranges: how many there are; those for which there was no room were left out
 * @result: see &struct v3compat_result
 */
struct v3compat_domain_query {
	__u32 size;
	__u32 domain;
	__u32 out_type;
	__u32 out_flags;
	__aligned_u64 out_last;
	__aligned_u64 out_page_sizes;
	__aligned_u64 out_alignment;
	__aligned_u64 ranges;
	__u32 max_ranges;
	__u32 out_ranges;
	struct v3compat_result result;
};
#define V3COMPAT_DOMAIN_SETTLED	(1u << 0)
#define V3COMPAT_IOCTL_DOMAIN_QUERY _IO(V3COMPAT_IOC_TYPE, V3COMPAT_CMD_DOMAIN_QUERY)

/**
 * enum v3compat_table_format - whose page tables an Unmanaged domain goes by
 * @V3COMPAT_TABLES_X64: those of x86-64 processors, of 4 or 5 levels
 * @V3COMPAT_TABLES_ARM64: those of ARM64 processors, with a granule of 4 KiB
 * @V3COMPAT_TABLES_IDENTITY: none, all of memory at its physical addresses. This, and attaching
 *	such a domain, is refused as %V3COMPAT_SOURCE_PHYSICAL is
 */
enum v3compat_table_format {
	V3COMPAT_TABLES_X64		= 0,
	V3COMPAT_TABLES_ARM64		= 1,
	V3COMPAT_TABLES_IDENTITY	= 2,
};

/**
 * struct v3compat_domain_configure - ioctl(V3COMPAT_IOCTL_DOMAIN_CONFIGURE): ConfigureDomain
 * @size: sizeof(struct v3compat_domain_configure)
 * @domain: handle of a domain of type Unmanaged
 * @memory: handle of registered memory; every address of a table or a page in the tables is an
 *	offset in it. What is outside translates to nothing. 0 with %V3COMPAT_TABLES_IDENTITY
 * @format: one of &enum v3compat_table_format
 * @root: offset of the root table; that of the lower half of the addresses with
 *	%V3COMPAT_TABLES_ARM64
 * @root_high: with %V3COMPAT_TABLES_ARM64, offset of the root table of the upper half; otherwise 0
 * @width: bits of an address: 48 or 57 with %V3COMPAT_TABLES_X64, 16 to 48 with
 *	%V3COMPAT_TABLES_ARM64, where 0 stands for a half without tables
 * @width_high: with %V3COMPAT_TABLES_ARM64, likewise of the upper half; otherwise 0
 * @result: see &struct v3compat_result
 *
 * Devices only read what read-only memory has. The memory is in use until other tables are
 * configured, or the domain is destroyed.
 */
struct v3compat_domain_configure {
	__u32 size;
	__u32 domain;
	__u32 memory;
	__u32 format;
	__aligned_u64 root;
	__aligned_u64 root_high;
	__u32 width;
	__u32 width_high;
	struct v3compat_result result;
};
#define V3COMPAT_IOCTL_DOMAIN_CONFIGURE _IO(V3COMPAT_IOC_TYPE, V3COMPAT_CMD_DOMAIN_CONFIGURE)

/**
 * struct v3compat_domain_flush - ioctl(V3COMPAT_IOCTL_DOMAIN_FLUSH): FlushDomain,
 * FlushDomainByVaList
 * @size: sizeof(struct v3compat_domain_flush)
 * @domain: handle
 * @list: pointer to @count 64-bit addresses, or 0 for the whole domain
 * @count: how many, at most 4096
 * @__reserved: 0
 * @result: see &struct v3compat_result
 */
struct v3compat_domain_flush {
	__u32 size;
	__u32 domain;
	__aligned_u64 list;
	__u32 count;
	__u32 __reserved;
	struct v3compat_result result;
};
#define V3COMPAT_IOCTL_DOMAIN_FLUSH _IO(V3COMPAT_IOC_TYPE, V3COMPAT_CMD_DOMAIN_FLUSH)

/**
 * struct v3compat_memory_create - ioctl(V3COMPAT_IOCTL_MEMORY_CREATE): register memory
 * @size: sizeof(struct v3compat_memory_create)
 * @flags: %V3COMPAT_MEMORY_READ_ONLY: devices never write to it
 * @source: %V3COMPAT_SOURCE_USER or %V3COMPAT_SOURCE_MEMFD
 * @out_memory: handle
 * @__reserved: 0
 * @result: see &struct v3compat_result
 *
 * It is pinned and charged once, until it is destroyed, which is refused while some of it is
 * mapped.
 */
struct v3compat_memory_create {
	__u32 size;
	__u32 flags;
	struct v3compat_source source;
	__u32 out_memory;
	__u32 __reserved;
	struct v3compat_result result;
};
#define V3COMPAT_MEMORY_READ_ONLY	(1u << 0)
#define V3COMPAT_IOCTL_MEMORY_CREATE _IO(V3COMPAT_IOC_TYPE, V3COMPAT_CMD_MEMORY_CREATE)

/**
 * struct v3compat_map - ioctl(V3COMPAT_IOCTL_MAP): MapLogicalRangeEx, MapReservedLogicalRange
 * @size: sizeof(struct v3compat_map)
 * @flags: %V3COMPAT_MAP_FIXED, %V3COMPAT_MAP_MIN, %V3COMPAT_MAP_MAX
 * @object: handle of a domain, or of a reservation
 * @permissions: %V3COMPAT_READ, %V3COMPAT_WRITE
 * @source: what to map
 * @address: of a reservation, the offset in it; with %V3COMPAT_MAP_FIXED, where to map; otherwise
 *	0. Written with the logical address where the domain chose it
 * @min: with %V3COMPAT_MAP_MIN, the lowest address allowed; otherwise 0
 * @max: with %V3COMPAT_MAP_MAX, the last byte allowed; otherwise 0
 * @result: see &struct v3compat_result
 */
struct v3compat_map {
	__u32 size;
	__u32 flags;
	__u32 object;
	__u32 permissions;
	struct v3compat_source source;
	__aligned_u64 address;
	__aligned_u64 min;
	__aligned_u64 max;
	struct v3compat_result result;
};
#define V3COMPAT_MAP_FIXED	(1u << 0)
#define V3COMPAT_MAP_MIN	(1u << 1)
#define V3COMPAT_MAP_MAX	(1u << 2)
#define V3COMPAT_IOCTL_MAP _IO(V3COMPAT_IOC_TYPE, V3COMPAT_CMD_MAP)

/**
 * struct v3compat_unmap - ioctl(V3COMPAT_IOCTL_UNMAP): UnmapLogicalRange, UnmapReservedLogicalRange
 * @size: sizeof(struct v3compat_unmap)
 * @flags: 0
 * @object: handle of a domain, or of a reservation
 * @__reserved: 0
 * @address: logical address, or offset in the reservation
 * @length: in bytes
 * @result: see &struct v3compat_result
 *
 * All of it or nothing. No device reaches the memory when it returns.
 */
struct v3compat_unmap {
	__u32 size;
	__u32 flags;
	__u32 object;
	__u32 __reserved;
	__aligned_u64 address;
	__aligned_u64 length;
	struct v3compat_result result;
};
#define V3COMPAT_IOCTL_UNMAP _IO(V3COMPAT_IOC_TYPE, V3COMPAT_CMD_UNMAP)

/**
 * struct v3compat_reserve - ioctl(V3COMPAT_IOCTL_RESERVE): ReserveLogicalAddressRange
 * @size: sizeof(struct v3compat_reserve)
 * @flags: as of &struct v3compat_map
 * @domain: handle
 * @out_reservation: handle of the reservation
 * @length: in bytes
 * @address: with %V3COMPAT_MAP_FIXED, where; otherwise 0, and written
 * @min: as of &struct v3compat_map
 * @max: as of &struct v3compat_map
 * @result: see &struct v3compat_result
 */
struct v3compat_reserve {
	__u32 size;
	__u32 flags;
	__u32 domain;
	__u32 out_reservation;
	__aligned_u64 length;
	__aligned_u64 address;
	__aligned_u64 min;
	__aligned_u64 max;
	struct v3compat_result result;
};
#define V3COMPAT_IOCTL_RESERVE _IO(V3COMPAT_IOC_TYPE, V3COMPAT_CMD_RESERVE)

/**
 * struct v3compat_identity - ioctl(V3COMPAT_IOCTL_MAP_IDENTITY): MapIdentityRangeEx, and
 * ioctl(V3COMPAT_IOCTL_UNMAP_IDENTITY): UnmapIdentityRangeEx
 * @size: sizeof(struct v3compat_identity)
 * @flags: 0
 * @domain: handle
 * @permissions: of a map, %V3COMPAT_READ and %V3COMPAT_WRITE; of an unmap, 0
 * @source: %V3COMPAT_SOURCE_PHYSICAL
 * @result: see &struct v3compat_result
 */
struct v3compat_identity {
	__u32 size;
	__u32 flags;
	__u32 domain;
	__u32 permissions;
	struct v3compat_source source;
	struct v3compat_result result;
};
#define V3COMPAT_IOCTL_MAP_IDENTITY _IO(V3COMPAT_IOC_TYPE, V3COMPAT_CMD_MAP_IDENTITY)
#define V3COMPAT_IOCTL_UNMAP_IDENTITY _IO(V3COMPAT_IOC_TYPE, V3COMPAT_CMD_UNMAP_IDENTITY)

/**
 * struct v3compat_batch_entry - one map or unmap of a batch
 * @command: V3COMPAT_CMD_MAP or V3COMPAT_CMD_UNMAP
 * @__reserved: 0
 * @map: with V3COMPAT_CMD_MAP; its @size is that of the structure, its @result is not written
 * @unmap: with V3COMPAT_CMD_UNMAP; likewise
 */
struct v3compat_batch_entry {
	__u32 command;
	__u32 __reserved;
	union {
		struct v3compat_map map;
		struct v3compat_unmap unmap;
	};
};

/**
 * struct v3compat_batch - ioctl(V3COMPAT_IOCTL_BATCH): several maps and unmaps
 * @size: sizeof(struct v3compat_batch)
 * @flags: 0
 * @entries: pointer to the entries
 * @count: how many, at least 1
 * @entry_size: sizeof(struct v3compat_batch_entry)
 * @result: of the entry that was refused
 *
 * Returns how many entries were done, from the first on. It stops at the one that is refused, which
 * changes nothing, and whose reason is in @result; those behind it were not looked at. It is -1
 * only when the first one is refused. A killed thread stops between two entries.
 *
 * Where a map is done, @address of its entry is written.
 *
 * Neighbouring unmaps of one domain are invalidated together; where an IOMMU driver did not unmap
 * all of one (V3COMPAT_REASON_SHORT_UNMAP), those behind it may be done. No memory is given back
 * before the unmap that took it is invalidated.
 */
struct v3compat_batch {
	__u32 size;
	__u32 flags;
	__aligned_u64 entries;
	__u32 count;
	__u32 entry_size;
	struct v3compat_result result;
};
#define V3COMPAT_IOCTL_BATCH _IO(V3COMPAT_IOC_TYPE, V3COMPAT_CMD_BATCH)

/**
 * struct v3compat_device_name - a device, as sysfs names it
 * @bus: "pci" or "platform", padded with zeroes
 * @name: below /sys/bus/BUS/devices, padded with zeroes
 */
struct v3compat_device_name {
	__u8 bus[16];
	__u8 name[64];
};

/**
 * struct v3compat_device_create - ioctl(V3COMPAT_IOCTL_DEVICE_CREATE): CreateDevice
 * @size: sizeof(struct v3compat_device_create)
 * @flags: %V3COMPAT_DEVICE_TAGGED, %V3COMPAT_DEVICE_SUPPRESS_FAULTS
 * @name: which one
 * @out_device: handle
 * @__reserved: 0
 * @result: see &struct v3compat_result
 *
 * The file has the device, and its IOMMU group, to itself until it is destroyed. All of its DMA is
 * refused by the IOMMU meanwhile, but for what an attached domain translates.
 *
 * The device must be bound to the driver "v3compat-pci" or "v3compat-platform". Needs CAP_SYS_RAWIO
 * in the initial user namespace.
 */
struct v3compat_device_create {
	__u32 size;
	__u32 flags;
	struct v3compat_device_name name;
	__u32 out_device;
	__u32 __reserved;
	struct v3compat_result result;
};
#define V3COMPAT_DEVICE_TAGGED		(1u << 0)
#define V3COMPAT_DEVICE_SUPPRESS_FAULTS	(1u << 1)
#define V3COMPAT_IOCTL_DEVICE_CREATE _IO(V3COMPAT_IOC_TYPE, V3COMPAT_CMD_DEVICE_CREATE)

/**
 * struct v3compat_device_query - ioctl(V3COMPAT_IOCTL_DEVICE_QUERY): QueryDeviceInfo,
 * QueryAvailableDomainTypes
 * @size: sizeof(struct v3compat_device_query)
 * @device: handle, or 0 for the device that @name says
 * @name: without @device, which one; otherwise 0
 * @out_flags: with @device: %V3COMPAT_DEVICE_GONE, %V3COMPAT_DEVICE_ATTACHED,
 *	%V3COMPAT_DEVICE_SVA, %V3COMPAT_DEVICE_PAGE_REQUESTS, %V3COMPAT_DEVICE_FAULTS
 * @out_types: with @device: a bit per &enum v3compat_domain_type that it may attach to
 * @out_pasid_types: with @device: likewise for its sub-devices
 * @out_max_pasids: with @device: PASIDs are smaller than this; 0 without
 * @out_input_mapping: with @device: its first ID at the IOMMU
 * @out_blocker_reason: with @name: the &enum v3compat_reason that a V3COMPAT_IOCTL_DEVICE_CREATE
 *	would be refused for, or 0
 * @out_faults_lost: with @device: reports dropped since reporting was enabled
 * @out_iommu: with @device: name of the IOMMU's driver
 * @out_blocker: with @name: in words, who is in the way of a claim: the driver that the device is
 *	bound to, or the process that has it
 * @result: see &struct v3compat_result
 */
struct v3compat_device_query {
	__u32 size;
	__u32 device;
	struct v3compat_device_name name;
	__u32 out_flags;
	__u32 out_types;
	__u32 out_pasid_types;
	__u32 out_max_pasids;
	__u32 out_input_mapping;
	__u32 out_blocker_reason;
	__aligned_u64 out_faults_lost;
	__u8 out_iommu[32];
	__u8 out_blocker[64];
	struct v3compat_result result;
};
#define V3COMPAT_DEVICE_GONE		(1u << 0)
#define V3COMPAT_DEVICE_ATTACHED	(1u << 1)
#define V3COMPAT_DEVICE_SVA		(1u << 2)
#define V3COMPAT_DEVICE_PAGE_REQUESTS	(1u << 3)
#define V3COMPAT_DEVICE_FAULTS		(1u << 4)
#define V3COMPAT_IOCTL_DEVICE_QUERY _IO(V3COMPAT_IOC_TYPE, V3COMPAT_CMD_DEVICE_QUERY)

/**
 * struct v3compat_input_mappings - ioctl(V3COMPAT_IOCTL_INPUT_MAPPINGS): QueryInputMappings
 * @size: sizeof(struct v3compat_input_mappings)
 * @device: handle
 * @ids: pointer to @max_ids 32-bit numbers, or 0
 * @max_ids: how many there is room for
 * @out_ids: how many there are; none is written when there is no room for all, which is no refusal
 * @result: see &struct v3compat_result
 */
struct v3compat_input_mappings {
	__u32 size;
	__u32 device;
	__aligned_u64 ids;
	__u32 max_ids;
	__u32 out_ids;
	struct v3compat_result result;
};
#define V3COMPAT_IOCTL_INPUT_MAPPINGS _IO(V3COMPAT_IOC_TYPE, V3COMPAT_CMD_INPUT_MAPPINGS)

/**
 * struct v3compat_pasid_create - ioctl(V3COMPAT_IOCTL_PASID_CREATE): CreatePasidDevice
 * @size: sizeof(struct v3compat_pasid_create)
 * @flags: %V3COMPAT_PASID_SVA: it is bound to the address space of the calling process
 * @device: handle of a device made with %V3COMPAT_DEVICE_TAGGED
 * @out_pasid: handle of the sub-device
 * @out_number: what the device tags its DMA with; free for others when the sub-device is destroyed
 * @__reserved: 0
 * @result: see &struct v3compat_result
 *
 * One with %V3COMPAT_PASID_SVA is attached to nothing else. Its process alone detaches and destroys
 * it; others may when that has ended.
 */
struct v3compat_pasid_create {
	__u32 size;
	__u32 flags;
	__u32 device;
	__u32 out_pasid;
	__u32 out_number;
	__u32 __reserved;
	struct v3compat_result result;
};
#define V3COMPAT_PASID_SVA	(1u << 0)
#define V3COMPAT_IOCTL_PASID_CREATE _IO(V3COMPAT_IOC_TYPE, V3COMPAT_CMD_PASID_CREATE)

/**
 * struct v3compat_attach - ioctl(V3COMPAT_IOCTL_ATTACH): AttachDeviceEx, AttachPasidDevice; and
 * ioctl(V3COMPAT_IOCTL_DETACH): DetachDeviceEx, DetachPasidDevice
 * @size: sizeof(struct v3compat_attach)
 * @flags: 0
 * @domain: handle of a domain; of a detach, 0
 * @object: handle of a device or a sub-device
 * @result: see &struct v3compat_result
 *
 * A PCI device is a bus master while it, or a sub-device of it, is attached.
 */
struct v3compat_attach {
	__u32 size;
	__u32 flags;
	__u32 domain;
	__u32 object;
	struct v3compat_result result;
};
#define V3COMPAT_IOCTL_ATTACH _IO(V3COMPAT_IOC_TYPE, V3COMPAT_CMD_ATTACH)
#define V3COMPAT_IOCTL_DETACH _IO(V3COMPAT_IOC_TYPE, V3COMPAT_CMD_DETACH)

/**
 * struct v3compat_device_open - ioctl(V3COMPAT_IOCTL_DEVICE_OPEN): the device itself
 * @size: sizeof(struct v3compat_device_open)
 * @flags: 0
 * @device: handle
 * @out_fd: a file descriptor, closed by exec, for mmap() and the V3COMPAT_IOCTL_REGION_QUERY group
 * @result: see &struct v3compat_result
 *
 * It keeps nothing alive: when the device is destroyed or removed, its mappings raise SIGBUS, and
 * its commands are refused with ENODEV.
 */
struct v3compat_device_open {
	__u32 size;
	__u32 flags;
	__u32 device;
	__s32 out_fd;
	struct v3compat_result result;
};
#define V3COMPAT_IOCTL_DEVICE_OPEN _IO(V3COMPAT_IOC_TYPE, V3COMPAT_CMD_DEVICE_OPEN)

/**
 * struct v3compat_region_query - ioctl(V3COMPAT_IOCTL_REGION_QUERY): a BAR of a PCI device, or a
 * memory resource of a platform device
 * @size: sizeof(struct v3compat_region_query)
 * @index: which one
 * @out_flags: %V3COMPAT_REGION_MMAP: it, or some of it, can be mapped
 * @out_regions: indices are smaller than this
 * @out_length: in bytes; 0 where there is none
 * @out_offset: for mmap()
 * @out_hole: first byte of the pages that cannot be mapped, because the MSI-X table is there
 * @out_hole_length: in bytes; 0 where there are none
 * @result: see &struct v3compat_result
 */
struct v3compat_region_query {
	__u32 size;
	__u32 index;
	__u32 out_flags;
	__u32 out_regions;
	__aligned_u64 out_length;
	__aligned_u64 out_offset;
	__aligned_u64 out_hole;
	__aligned_u64 out_hole_length;
	struct v3compat_result result;
};
#define V3COMPAT_REGION_MMAP	(1u << 0)
#define V3COMPAT_IOCTL_REGION_QUERY _IO(V3COMPAT_IOC_TYPE, V3COMPAT_CMD_REGION_QUERY)

/* Kinds of interrupts. */
enum v3compat_interrupt_type {
	V3COMPAT_INTERRUPT_INTX		= 0,
	V3COMPAT_INTERRUPT_MSI		= 1,
	V3COMPAT_INTERRUPT_MSIX		= 2,
	V3COMPAT_INTERRUPT_WIRED	= 3,
};

/**
 * struct v3compat_interrupt_query - ioctl(V3COMPAT_IOCTL_INTERRUPT_QUERY)
 * @size: sizeof(struct v3compat_interrupt_query)
 * @type: one of &enum v3compat_interrupt_type
 * @out_count: how many the device has of them
 * @out_flags: %V3COMPAT_INTERRUPT_AUTOMASKED
 * @result: see &struct v3compat_result
 */
struct v3compat_interrupt_query {
	__u32 size;
	__u32 type;
	__u32 out_count;
	__u32 out_flags;
	struct v3compat_result result;
};
#define V3COMPAT_INTERRUPT_AUTOMASKED	(1u << 0)
#define V3COMPAT_IOCTL_INTERRUPT_QUERY _IO(V3COMPAT_IOC_TYPE, V3COMPAT_CMD_INTERRUPT_QUERY)

/**
 * struct v3compat_interrupt_set - ioctl(V3COMPAT_IOCTL_INTERRUPT_SET): where interrupts go
 * @size: sizeof(struct v3compat_interrupt_set)
 * @flags: %V3COMPAT_INTERRUPT_UNMASK: instead, an automasked interrupt may come again
 * @type: one of &enum v3compat_interrupt_type
 * @count: interrupts from the first on that the device gets; 0 for none of any type
 * @fds: pointer to @count file descriptors of eventfds, 32 bits each, -1 for an interrupt that
 *	nobody is told of; 0 with @count 0 and with %V3COMPAT_INTERRUPT_UNMASK
 * @result: see &struct v3compat_result
 *
 * Replaces what was set before. One type at a time is in use. An automasked interrupt is masked
 * when it comes, until it is unmasked.
 */
struct v3compat_interrupt_set {
	__u32 size;
	__u32 flags;
	__u32 type;
	__u32 count;
	__aligned_u64 fds;
	struct v3compat_result result;
};
#define V3COMPAT_INTERRUPT_UNMASK	(1u << 0)
#define V3COMPAT_IOCTL_INTERRUPT_SET _IO(V3COMPAT_IOC_TYPE, V3COMPAT_CMD_INTERRUPT_SET)

/**
 * struct v3compat_reset - ioctl(V3COMPAT_IOCTL_RESET): reset the device
 * @size: sizeof(struct v3compat_reset)
 * @flags: 0
 * @result: see &struct v3compat_result
 *
 * Attachments and interrupts stay as they are; bus mastering does, too. Refused with EOPNOTSUPP
 * where the device has no method that leaves others alone, and with EBUSY while a sub-device is
 * bound to a process.
 */
struct v3compat_reset {
	__u32 size;
	__u32 flags;
	struct v3compat_result result;
};
#define V3COMPAT_IOCTL_RESET _IO(V3COMPAT_IOC_TYPE, V3COMPAT_CMD_RESET)

/* What an event tells; 1 << type is its bit in the mask of V3COMPAT_IOCTL_EVENTS_OPEN. */
enum v3compat_event_type {
	V3COMPAT_EVENT_LOST		= 0,
	V3COMPAT_EVENT_STATE		= 1,
	V3COMPAT_EVENT_FAULT		= 2,
	V3COMPAT_EVENT_PAGE_REQUEST	= 3,
	V3COMPAT_EVENT_APERTURE		= 4,
	V3COMPAT_EVENT_DEVICE_GONE	= 5,
	V3COMPAT_EVENT_REVOKED		= 6,
};

/**
 * struct v3compat_events_open - ioctl(V3COMPAT_IOCTL_EVENTS_OPEN):
 * RegisterInterfaceStateChangeCallback, SetDeviceFaultReportingEx
 * @size: sizeof(struct v3compat_events_open)
 * @flags: 0
 * @device: handle; a device has one of these at a time
 * @mask: a bit per &enum v3compat_event_type that is wanted; %V3COMPAT_EVENT_LOST needs none.
 *	%V3COMPAT_EVENT_REVOKED is refused with EOPNOTSUPP
 * @capacity: records that wait at most, or 0 for 64; more are counted and lost
 * @answer_ms: with %V3COMPAT_EVENT_PAGE_REQUEST, after how many milliseconds without an answer a
 *	request is refused, or 0 for 10,000; at most 600,000
 * @out_fd: a file descriptor, closed by exec, for poll() and read(); unregisters when it is closed
 * @__reserved: 0
 * @result: see &struct v3compat_result
 *
 * read() gives whole &struct v3compat_event; EINVAL when there is no room for one. With
 * %V3COMPAT_EVENT_STATE the domain types that the device may use now are told at once.
 *
 * With %V3COMPAT_EVENT_FAULT or %V3COMPAT_EVENT_PAGE_REQUEST the device, or a sub-device of it,
 * must be attached. Page requests that are not wanted, or find no room, are answered by what is
 * mapped; those without an answer when the descriptor or the file is closed are refused.
 *
 * The device cannot be destroyed while somebody hears of it. When the file is closed, read() gives
 * what is left and then 0, and poll() says POLLHUP.
 */
struct v3compat_events_open {
	__u32 size;
	__u32 flags;
	__u32 device;
	__u32 mask;
	__u32 capacity;
	__u32 answer_ms;
	__s32 out_fd;
	__u32 __reserved;
	struct v3compat_result result;
};
#define V3COMPAT_IOCTL_EVENTS_OPEN _IO(V3COMPAT_IOC_TYPE, V3COMPAT_CMD_EVENTS_OPEN)

/* Why DMA was refused, as Windows numbers it in FAULT_INFORMATION_X64_TYPE. */
enum v3compat_refused {
	V3COMPAT_REFUSED_PERMISSION	= 4,	/* mapped, but not for this access */
	V3COMPAT_REFUSED_TRANSLATION	= 6,	/* not mapped */
};

/* A DMA, or a domain, without a PASID. */
#define V3COMPAT_NO_PASID_NUMBER	(~0u)

/**
 * struct v3compat_event - a record of V3COMPAT_IOCTL_EVENTS_OPEN
 * @type: one of &enum v3compat_event_type
 * @device: handle
 * @domain: handle of the domain that a fault met, or whose aperture changed; otherwise 0
 * @pasid: of a fault or a page request, or %V3COMPAT_NO_PASID_NUMBER
 * @reason: of a fault or a page request, one of &enum v3compat_refused; otherwise 0
 * @permissions: of a fault or a page request: %V3COMPAT_READ, %V3COMPAT_WRITE
 * @address: of a fault or a page request
 * @time_ns: of CLOCK_MONOTONIC
 * @value: of STATE, a bit per &enum v3compat_domain_type; of LOST, how many records were lost since
 *	the last one; of APERTURE, the last byte that can be mapped
 * @cookie: of a page request, for V3COMPAT_IOCTL_PAGE_RESPONSE
 * @flags: of a page request: %V3COMPAT_EVENT_MORE
 * @__reserved: 0
 */
struct v3compat_event {
	__u32 type;
	__u32 device;
	__u32 domain;
	__u32 pasid;
	__u32 reason;
	__u32 permissions;
	__aligned_u64 address;
	__aligned_u64 time_ns;
	__aligned_u64 value;
	__aligned_u64 cookie;
	__u32 flags;
	__u32 __reserved;
};
/* Another request follows that the same answer is for. */
#define V3COMPAT_EVENT_MORE	(1u << 0)

/**
 * struct v3compat_page_response - ioctl(V3COMPAT_IOCTL_PAGE_RESPONSE): answer page requests
 * @size: sizeof(struct v3compat_page_response)
 * @device: handle
 * @cookie: of the events
 * @code: one of &enum v3compat_page_code
 * @__reserved: 0
 * @result: see &struct v3compat_result
 */
struct v3compat_page_response {
	__u32 size;
	__u32 device;
	__aligned_u64 cookie;
	__u32 code;
	__u32 __reserved;
	struct v3compat_result result;
};
/*
 * enum v3compat_page_code: RETRY lets the device try again if all pages of the answer are mapped
 * now as they were asked for, and otherwise is REFUSE.
 */
enum v3compat_page_code {
	V3COMPAT_PAGE_RETRY	= 0,
	V3COMPAT_PAGE_REFUSE	= 1,
};
#define V3COMPAT_IOCTL_PAGE_RESPONSE _IO(V3COMPAT_IOC_TYPE, V3COMPAT_CMD_PAGE_RESPONSE)

/* Which devices may not see all of memory. */
enum v3compat_guard_policy {
	V3COMPAT_GUARD_POLICY_OFF	= 0,
	V3COMPAT_GUARD_POLICY_EXTERNAL	= 1,
	V3COMPAT_GUARD_POLICY_ALL	= 2,
};

/**
 * struct v3compat_guard_state - ioctl(V3COMPAT_IOCTL_GUARD_QUERY), ioctl(V3COMPAT_IOCTL_GUARD_SET)
 * @size: sizeof(struct v3compat_guard_state)
 * @flags: of a set, %V3COMPAT_GUARD_SET_POLICY, %V3COMPAT_GUARD_SET_LOCKED or both; of a query, 0
 * @policy: one of &enum v3compat_guard_policy; written by a query
 * @locked: 1 while every device is guarded, unless the policy is OFF; otherwise 0; written by a
 *	query
 * @result: see &struct v3compat_result
 *
 * A set needs CAP_SYS_ADMIN in the initial user namespace. It returns when all state changes that
 * it causes are told; killed before that, the new policy may be in force.
 */
struct v3compat_guard_state {
	__u32 size;
	__u32 flags;
	__u32 policy;
	__u32 locked;
	struct v3compat_result result;
};
#define V3COMPAT_GUARD_SET_POLICY	(1u << 0)
#define V3COMPAT_GUARD_SET_LOCKED	(1u << 1)
#define V3COMPAT_IOCTL_GUARD_QUERY _IO(V3COMPAT_IOC_TYPE, V3COMPAT_CMD_GUARD_QUERY)
#define V3COMPAT_IOCTL_GUARD_SET _IO(V3COMPAT_IOC_TYPE, V3COMPAT_CMD_GUARD_SET)

#endif /* _UAPI_LINUX_V3COMPAT_H */
