/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pool: memory of the kernel, or of the program.
 *
 * Paged and nonpaged pool are the same here: memory that stays where it is. None of it is
 * executable. Tags and quotas are not kept.
 */
#ifndef _V3COMPAT_DDK_POOL_H
#define _V3COMPAT_DDK_POOL_H

#include "types.h"

#ifndef __KERNEL__
#include <stdlib.h>
#include <string.h>
#endif

V3COMPAT_BEGIN

/**
 * enum _POOL_TYPE - kind of pool, for the calls that came before ExAllocatePool2()
 * @NonPagedPool: nonpaged
 * @NonPagedPoolExecute: nonpaged
 * @PagedPool: paged
 * @NonPagedPoolMustSucceed: nonpaged, and may fail all the same
 * @DontUseThisType: nothing
 * @NonPagedPoolCacheAligned: nonpaged, aligned to a cache line
 * @PagedPoolCacheAligned: paged, aligned to a cache line
 * @NonPagedPoolCacheAlignedMustS: nonpaged, aligned to a cache line
 * @MaxPoolType: number of types of old
 * @NonPagedPoolBase: as NonPagedPool
 * @NonPagedPoolBaseMustSucceed: as NonPagedPoolMustSucceed
 * @NonPagedPoolBaseCacheAligned: as NonPagedPoolCacheAligned
 * @NonPagedPoolBaseCacheAlignedMustS: as NonPagedPoolCacheAlignedMustS
 * @NonPagedPoolSession: nonpaged
 * @PagedPoolSession: paged
 * @NonPagedPoolNx: nonpaged
 * @NonPagedPoolNxCacheAligned: nonpaged, aligned to a cache line
 * @NonPagedPoolSessionNx: nonpaged
 *
 * Source: wdm.h page _pool_type.
 */
enum _POOL_TYPE {
	NonPagedPool = 0,
	NonPagedPoolExecute = NonPagedPool,
	PagedPool = 1,
	NonPagedPoolMustSucceed = 2,
	DontUseThisType = 3,
	NonPagedPoolCacheAligned = 4,
	PagedPoolCacheAligned = 5,
	NonPagedPoolCacheAlignedMustS = 6,
	MaxPoolType = 7,
	NonPagedPoolBase = NonPagedPool,
	NonPagedPoolBaseMustSucceed = NonPagedPoolMustSucceed,
	NonPagedPoolBaseCacheAligned = NonPagedPoolCacheAligned,
	NonPagedPoolBaseCacheAlignedMustS = NonPagedPoolCacheAlignedMustS,
	NonPagedPoolSession = 32,
	PagedPoolSession = 33,
	NonPagedPoolNx = 512,
	NonPagedPoolNxCacheAligned = 516,
	NonPagedPoolSessionNx = 544,
};
typedef enum _POOL_TYPE POOL_TYPE;

/* These are added to a POOL_TYPE. */
#define POOL_QUOTA_FAIL_INSTEAD_OF_RAISE 8
#define POOL_RAISE_IF_ALLOCATION_FAILURE 16
#define POOL_COLD_ALLOCATION 256
#define POOL_NX_ALLOCATION 512
#define POOL_ZERO_ALLOCATION 1024

typedef ULONG64 POOL_FLAGS;

#define POOL_FLAG_REQUIRED_START 0x0000000000000001ULL
#define POOL_FLAG_USE_QUOTA 0x0000000000000001ULL
#define POOL_FLAG_UNINITIALIZED 0x0000000000000002ULL
#define POOL_FLAG_SESSION 0x0000000000000004ULL
#define POOL_FLAG_CACHE_ALIGNED 0x0000000000000008ULL
#define POOL_FLAG_RESERVED1 0x0000000000000010ULL
#define POOL_FLAG_RAISE_ON_FAILURE 0x0000000000000020ULL
#define POOL_FLAG_NON_PAGED 0x0000000000000040ULL
#define POOL_FLAG_NON_PAGED_EXECUTE 0x0000000000000080ULL
#define POOL_FLAG_PAGED 0x0000000000000100ULL
#define POOL_FLAG_RESERVED2 0x0000000000000200ULL
#define POOL_FLAG_RESERVED3 0x0000000000000400ULL
#define POOL_FLAG_LAST_KNOWN_REQUIRED POOL_FLAG_RESERVED3
#define POOL_FLAG_REQUIRED_END 0x0000000080000000ULL
#define POOL_FLAG_OPTIONAL_START 0x0000000100000000ULL
#define POOL_FLAG_SPECIAL_POOL 0x0000000100000000ULL
#define POOL_FLAG_OPTIONAL_END 0x8000000000000000ULL

/**
 * enum _EX_POOL_PRIORITY - how important it is that an allocation succeeds
 * @LowPoolPriority: little
 * @LowPoolPrioritySpecialPoolOverrun: little
 * @LowPoolPrioritySpecialPoolUnderrun: little
 * @NormalPoolPriority: normal
 * @NormalPoolPrioritySpecialPoolOverrun: normal
 * @NormalPoolPrioritySpecialPoolUnderrun: normal
 * @HighPoolPriority: very
 * @HighPoolPrioritySpecialPoolOverrun: very
 * @HighPoolPrioritySpecialPoolUnderrun: very
 *
 * All are the same here.
 *
 * Source: wdm.h page exallocatepoolwithtagpriority.
 */
enum _EX_POOL_PRIORITY {
	LowPoolPriority = 0,
	LowPoolPrioritySpecialPoolOverrun = 8,
	LowPoolPrioritySpecialPoolUnderrun = 9,
	NormalPoolPriority = 16,
	NormalPoolPrioritySpecialPoolOverrun = 24,
	NormalPoolPrioritySpecialPoolUnderrun = 25,
	HighPoolPriority = 32,
	HighPoolPrioritySpecialPoolOverrun = 40,
	HighPoolPrioritySpecialPoolUnderrun = 41,
};
typedef enum _EX_POOL_PRIORITY EX_POOL_PRIORITY;

#ifdef __KERNEL__

/**
 * V3cAllocatePool() - what ExAllocatePool2() and its kind are made of (Linux only)
 * @Size: in bytes: a power of two, or whole pages; not 0
 * @Zero: TRUE for memory that is all zero
 *
 * Context: Any up to softirq, also with spinlocks held (<= DISPATCH_LEVEL). What is larger than the
 * kernel has in one piece is found only where the caller may sleep.
 * Return: The memory, aligned to @Size and at most to a page, to be freed by ExFreePool(); NULL
 * without memory.
 */
PVOID V3cAllocatePool(SIZE_T Size, BOOLEAN Zero);

/**
 * ExFreePool() - free memory of ExAllocatePool2() and its kind
 * @P: the memory, or the MDL of MmAllocatePagesForMdlEx() after MmFreePagesFromMdl(). NULL does
 *	nothing, where Windows stops the machine
 *
 * Context: Any up to softirq, also with spinlocks held (<= DISPATCH_LEVEL).
 *
 * Source: ntddk.h page exfreepool.
 */
void ExFreePool(PVOID P);

#else

static inline PVOID V3cAllocatePool(SIZE_T Size, BOOLEAN Zero)
{
	SIZE_T Alignment = Size < V3COMPAT_PAGE_SIZE ? Size : V3COMPAT_PAGE_SIZE;
	PVOID P = Size ? aligned_alloc((size_t)Alignment, (size_t)Size) : NULL;

	return P && Zero ? memset(P, 0, (size_t)Size) : P;
}

static inline void ExFreePool(PVOID P)
{
	free(P);
}

#endif

/*
 * V3cPoolSize() makes a length a power of two up to a page, and whole pages from there on, because
 * Windows' pool is aligned to 16 bytes, does not cross a page that it fits in, and begins with a
 * page from a page on. What is too long for any memory becomes 0.
 */
static inline SIZE_T V3cPoolSize(SIZE_T NumberOfBytes, BOOLEAN CacheAligned)
{
	SIZE_T Size = CacheAligned ? 64 : 16;

	if (NumberOfBytes > ~(SIZE_T)0 / 4)
		return 0;
	if (NumberOfBytes > V3COMPAT_PAGE_SIZE)
		return (NumberOfBytes + V3COMPAT_PAGE_SIZE - 1) &
		       ~(SIZE_T)(V3COMPAT_PAGE_SIZE - 1);
	while (Size < NumberOfBytes)
		Size *= 2;
	return Size;
}

/**
 * ExAllocatePool2() - allocate memory
 * @Flags: POOL_FLAG_* bits: one of POOL_FLAG_NON_PAGED, POOL_FLAG_NON_PAGED_EXECUTE and
 *	POOL_FLAG_PAGED, and others. The lower half must be known, and is not POOL_FLAG_SESSION or
 *	reserved; the upper half is ignored
 * @NumberOfBytes: in bytes; 0 gives the least there is
 * @Tag: not 0
 *
 * The memory is zeroed unless POOL_FLAG_UNINITIALIZED is set. It is aligned to 16 bytes, and to a
 * cache line if POOL_FLAG_CACHE_ALIGNED is set. What fits in a page does not cross one; a page and
 * more begins with a page.
 *
 * Context: Any up to softirq, also with spinlocks held (<= DISPATCH_LEVEL), where it does without
 * sleeping and fails sooner: from 4 MiB on in any case. Elsewhere, up to 2 GiB.
 * Return: The memory, to be freed by ExFreePool(); NULL without memory and for a wrong parameter.
 * In a __try block POOL_FLAG_RAISE_ON_FAILURE makes that an exception.
 *
 * Source: wdm.h page exallocatepool2.
 */
static inline PVOID ExAllocatePool2(POOL_FLAGS Flags, SIZE_T NumberOfBytes, ULONG Tag)
{
	POOL_FLAGS Kind = Flags & (POOL_FLAG_NON_PAGED | POOL_FLAG_NON_PAGED_EXECUTE |
				   POOL_FLAG_PAGED);
	POOL_FLAGS Known = Kind | POOL_FLAG_USE_QUOTA | POOL_FLAG_UNINITIALIZED |
			   POOL_FLAG_CACHE_ALIGNED | POOL_FLAG_RAISE_ON_FAILURE;

	if (!Tag || !Kind || (Kind & (Kind - 1)) ||
	    (Flags & ~Known & (POOL_FLAG_OPTIONAL_START - 1)))
		return (PVOID)0;
	return V3cAllocatePool(V3cPoolSize(NumberOfBytes, (Flags & POOL_FLAG_CACHE_ALIGNED) != 0),
			       !(Flags & POOL_FLAG_UNINITIALIZED));
}

/**
 * ExAllocatePoolWithTag() - allocate memory that is not zeroed
 * @PoolType: a POOL_TYPE and POOL_* bits. POOL_ZERO_ALLOCATION gives zeroed memory
 * @NumberOfBytes: in bytes; 0 gives the least there is
 * @Tag: any
 *
 * The memory is as of ExAllocatePool2().
 *
 * Context: As ExAllocatePool2().
 * Return: The memory, to be freed by ExFreePool(); NULL without memory. In a __try block
 * POOL_RAISE_IF_ALLOCATION_FAILURE makes that an exception.
 *
 * Source: wdm.h page exallocatepoolwithtag.
 */
static inline PVOID ExAllocatePoolWithTag(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag)
{
	(void)Tag;
	return V3cAllocatePool(V3cPoolSize(NumberOfBytes,
					   (PoolType & NonPagedPoolCacheAligned) != 0),
			       (PoolType & POOL_ZERO_ALLOCATION) != 0);
}

/**
 * ExAllocatePool() - ExAllocatePoolWithTag() without a tag
 * @PoolType: as there
 * @NumberOfBytes: as there
 *
 * Context: As there.
 * Return: As there.
 *
 * Source: wdm.h page exallocatepool.
 */
static inline PVOID ExAllocatePool(POOL_TYPE PoolType, SIZE_T NumberOfBytes)
{
	return ExAllocatePoolWithTag(PoolType, NumberOfBytes, 0);
}

/**
 * ExAllocatePoolWithTagPriority() - ExAllocatePoolWithTag() with a priority
 * @PoolType: as there
 * @NumberOfBytes: as there
 * @Tag: any
 * @Priority: ignored
 *
 * Context: As there.
 * Return: As there.
 *
 * Source: wdm.h page exallocatepoolwithtagpriority.
 */
static inline PVOID ExAllocatePoolWithTagPriority(POOL_TYPE PoolType, SIZE_T NumberOfBytes,
						  ULONG Tag, EX_POOL_PRIORITY Priority)
{
	(void)Priority;
	return ExAllocatePoolWithTag(PoolType, NumberOfBytes, Tag);
}

/**
 * ExAllocatePoolWithQuotaTag() - ExAllocatePoolWithTag() on account of the current process
 * @PoolType: as there
 * @NumberOfBytes: as there
 * @Tag: any
 *
 * Nothing is charged.
 *
 * Context: As there.
 * Return: As there. In a __try block failure is an exception, unless @PoolType has
 * POOL_QUOTA_FAIL_INSTEAD_OF_RAISE.
 *
 * Source: wdm.h page exallocatepoolwithquotatag.
 */
static inline PVOID ExAllocatePoolWithQuotaTag(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag)
{
	return ExAllocatePoolWithTag(PoolType, NumberOfBytes, Tag);
}

/**
 * ExAllocatePoolWithQuota() - ExAllocatePoolWithQuotaTag() without a tag
 * @PoolType: as there
 * @NumberOfBytes: as there
 *
 * Context: As there.
 * Return: As there.
 *
 * Source: wdm.h page exallocatepoolwithquota.
 */
static inline PVOID ExAllocatePoolWithQuota(POOL_TYPE PoolType, SIZE_T NumberOfBytes)
{
	return ExAllocatePoolWithQuotaTag(PoolType, NumberOfBytes, 0);
}

/**
 * ExAllocatePoolZero() - ExAllocatePoolWithTag() of zeroed memory
 * @PoolType: as there
 * @NumberOfBytes: as there
 * @Tag: any
 *
 * Context: As there.
 * Return: As there.
 *
 * Source: wdm.h page exallocatepoolzero.
 */
static inline PVOID ExAllocatePoolZero(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag)
{
	return ExAllocatePoolWithTag((POOL_TYPE)(PoolType | POOL_ZERO_ALLOCATION), NumberOfBytes,
				     Tag);
}

/**
 * ExAllocatePoolUninitialized() - ExAllocatePoolWithTag() by a name that says what it gives
 * @PoolType: as there
 * @NumberOfBytes: as there
 * @Tag: any
 *
 * Context: As there.
 * Return: As there.
 *
 * Source: wdm.h page exallocatepooluninitialized.
 */
static inline PVOID ExAllocatePoolUninitialized(POOL_TYPE PoolType, SIZE_T NumberOfBytes,
						ULONG Tag)
{
	return ExAllocatePoolWithTag(PoolType, NumberOfBytes, Tag);
}

/**
 * ExAllocatePoolQuotaZero() - ExAllocatePoolWithQuotaTag() of zeroed memory
 * @PoolType: as there
 * @NumberOfBytes: as there
 * @Tag: any
 *
 * Context: As there.
 * Return: As there.
 *
 * Source: wdm.h page exallocatepoolquotazero.
 */
static inline PVOID ExAllocatePoolQuotaZero(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag)
{
	return ExAllocatePoolWithQuotaTag((POOL_TYPE)(PoolType | POOL_ZERO_ALLOCATION),
					  NumberOfBytes, Tag);
}

/**
 * ExAllocatePoolQuotaUninitialized() - ExAllocatePoolWithQuotaTag() by a name that says what it
 * gives
 * @PoolType: as there
 * @NumberOfBytes: as there
 * @Tag: any
 *
 * Context: As there.
 * Return: As there.
 *
 * Source: wdm.h page exallocatepoolquotauninitialized.
 */
static inline PVOID ExAllocatePoolQuotaUninitialized(POOL_TYPE PoolType, SIZE_T NumberOfBytes,
						     ULONG Tag)
{
	return ExAllocatePoolWithQuotaTag(PoolType, NumberOfBytes, Tag);
}

/**
 * ExAllocatePoolPriorityZero() - ExAllocatePoolWithTagPriority() of zeroed memory
 * @PoolType: as there
 * @NumberOfBytes: as there
 * @Tag: any
 * @Priority: ignored
 *
 * Context: As there.
 * Return: As there.
 *
 * Source: wdm.h page exallocatepoolpriorityzero.
 */
static inline PVOID ExAllocatePoolPriorityZero(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag,
					       EX_POOL_PRIORITY Priority)
{
	(void)Priority;
	return ExAllocatePoolZero(PoolType, NumberOfBytes, Tag);
}

/**
 * ExAllocatePoolPriorityUninitialized() - ExAllocatePoolWithTagPriority() by a name that says what
 * it gives
 * @PoolType: as there
 * @NumberOfBytes: as there
 * @Tag: any
 * @Priority: ignored
 *
 * Context: As there.
 * Return: As there.
 *
 * Source: wdm.h page exallocatepoolpriorityuninitialized.
 */
static inline PVOID ExAllocatePoolPriorityUninitialized(POOL_TYPE PoolType, SIZE_T NumberOfBytes,
							ULONG Tag, EX_POOL_PRIORITY Priority)
{
	(void)Priority;
	return ExAllocatePoolWithTag(PoolType, NumberOfBytes, Tag);
}

/**
 * ExFreePoolWithTag() - ExFreePool() with the tag that the memory was allocated with
 * @P: as there
 * @Tag: not compared
 *
 * Context: As there.
 *
 * Source: wdm.h page exfreepoolwithtag.
 */
static inline void ExFreePoolWithTag(PVOID P, ULONG Tag)
{
	(void)Tag;
	ExFreePool(P);
}

V3COMPAT_END

#endif /* _V3COMPAT_DDK_POOL_H */
