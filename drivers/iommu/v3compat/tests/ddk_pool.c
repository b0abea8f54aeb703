// SPDX-License-Identifier: GPL-2.0
/*
 * Pool: what each call gives, how it is aligned and zeroed, and what is refused.
 */
#include "ddk_client.h"

#define TAG 'looP'

static BOOLEAN IsFilled(PVOID P, SIZE_T Length, UCHAR Value)
{
	PUCHAR Bytes = P;
	SIZE_T i;

	for (i = 0; i < Length; i++)
		if (Bytes[i] != Value)
			return FALSE;
	return TRUE;
}

static ULONG_PTR OffsetIn(PVOID P, ULONG_PTR Unit)
{
	return (ULONG_PTR)P & (Unit - 1);
}

static VOID CheckSize(SIZE_T Length)
{
	PUCHAR P = ExAllocatePool2(POOL_FLAG_NON_PAGED, Length, TAG);

	CHECK(P);
	if (!P)
		return;
	CHECK(IsFilled(P, Length, 0));
	CHECK(!OffsetIn(P, 16));
	if (Length >= PAGE_SIZE)
		CHECK(!OffsetIn(P, PAGE_SIZE));
	else if (Length)
		CHECK(OffsetIn(P, PAGE_SIZE) + Length <= PAGE_SIZE);
	RtlFillMemory(P, Length, 0xa5);
	CHECK(IsFilled(P, Length, 0xa5));
	ExFreePoolWithTag(P, TAG);
}

static VOID CheckFlags(VOID)
{
	static const POOL_FLAGS Good[] = {
		POOL_FLAG_NON_PAGED,
		POOL_FLAG_NON_PAGED_EXECUTE,
		POOL_FLAG_PAGED,
		POOL_FLAG_PAGED | POOL_FLAG_USE_QUOTA,
		POOL_FLAG_NON_PAGED | POOL_FLAG_UNINITIALIZED,
		POOL_FLAG_NON_PAGED | POOL_FLAG_SPECIAL_POOL,
		POOL_FLAG_NON_PAGED | POOL_FLAG_OPTIONAL_END,
		POOL_FLAG_NON_PAGED | POOL_FLAG_RAISE_ON_FAILURE,
	};
	static const POOL_FLAGS Bad[] = {
		0,
		POOL_FLAG_UNINITIALIZED,
		POOL_FLAG_NON_PAGED | POOL_FLAG_PAGED,
		POOL_FLAG_NON_PAGED | POOL_FLAG_SESSION,
		POOL_FLAG_NON_PAGED | POOL_FLAG_RESERVED1,
		POOL_FLAG_NON_PAGED | POOL_FLAG_RESERVED2,
		POOL_FLAG_NON_PAGED | POOL_FLAG_LAST_KNOWN_REQUIRED,
		POOL_FLAG_NON_PAGED | POOL_FLAG_REQUIRED_END,
	};
	PVOID P;
	ULONG i;

	for (i = 0; i < sizeof(Good) / sizeof(Good[0]); i++) {
		P = ExAllocatePool2(Good[i], 100, TAG);
		CHECK(P);
		ExFreePool(P);
	}
	for (i = 0; i < sizeof(Bad) / sizeof(Bad[0]); i++)
		CHECK(!ExAllocatePool2(Bad[i], 100, TAG));
	CHECK(!ExAllocatePool2(POOL_FLAG_NON_PAGED, 100, 0));
	P = ExAllocatePool2(POOL_FLAG_NON_PAGED | POOL_FLAG_CACHE_ALIGNED, 1, TAG);
	CHECK(P && !OffsetIn(P, 64));
	ExFreePool(P);
}

static VOID CheckZeroed(PVOID P)
{
	CHECK(P);
	CHECK(P && IsFilled(P, 100, 0));
	ExFreePool(P);
}

static VOID CheckAny(PVOID P)
{
	CHECK(P && !OffsetIn(P, 16));
	if (P)
		RtlFillMemory(P, 100, 0xa5);
	ExFreePoolWithTag(P, TAG);
}

/* The calls that came before ExAllocatePool2(), with dirty memory for those that zero. */
static VOID CheckOldCalls(VOID)
{
	static const POOL_TYPE Types[] = {
		NonPagedPool, PagedPool, NonPagedPoolNx, NonPagedPoolCacheAligned,
		NonPagedPoolNxCacheAligned, PagedPoolCacheAligned, NonPagedPoolExecute,
	};
	PVOID P;
	ULONG i;

	for (i = 0; i < sizeof(Types) / sizeof(Types[0]); i++) {
		P = ExAllocatePoolWithTag(Types[i], 1, TAG);
		CHECK(P && !OffsetIn(P, Types[i] & NonPagedPoolCacheAligned ? 64 : 16));
		ExFreePool(P);
		CheckAny(ExAllocatePool(Types[i], 100));
		CheckAny(ExAllocatePoolWithTag(Types[i], 100, TAG));
		CheckAny(ExAllocatePoolUninitialized(Types[i], 100, TAG));
		CheckAny(ExAllocatePoolWithTagPriority(Types[i], 100, TAG, HighPoolPriority));
		CheckAny(ExAllocatePoolPriorityUninitialized(Types[i], 100, TAG, LowPoolPriority));
		CheckAny(ExAllocatePoolWithQuota(Types[i], 100));
		CheckAny(ExAllocatePoolWithQuotaTag(Types[i], 100, TAG));
		CheckAny(ExAllocatePoolQuotaUninitialized(Types[i], 100, TAG));
		CheckZeroed(ExAllocatePoolZero(Types[i], 100, TAG));
		CheckZeroed(ExAllocatePoolQuotaZero(Types[i], 100, TAG));
		CheckZeroed(ExAllocatePoolPriorityZero(Types[i], 100, TAG, NormalPoolPriority));
	}
	CheckAny(ExAllocatePoolWithTag(NonPagedPool | POOL_COLD_ALLOCATION, 100, TAG));
	CheckAny(ExAllocatePoolWithTag(NonPagedPool | POOL_RAISE_IF_ALLOCATION_FAILURE, 100, TAG));
	CheckAny(ExAllocatePoolWithQuotaTag(PagedPool | POOL_QUOTA_FAIL_INSTEAD_OF_RAISE, 100,
					    TAG));
}

static VOID CheckTooLong(SIZE_T Length)
{
	CHECK(!ExAllocatePool2(POOL_FLAG_NON_PAGED, Length, TAG));
	CHECK(!ExAllocatePoolZero(NonPagedPoolNx, Length, TAG));
}

static VOID CheckAtDispatchLevel(VOID)
{
	PVOID Large = ExAllocatePool2(POOL_FLAG_PAGED, 512 * PAGE_SIZE, TAG);
	KIRQL OldIrql;
	PVOID Small;

	KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
	Small = ExAllocatePool2(POOL_FLAG_NON_PAGED, 3 * PAGE_SIZE, TAG);
	ExFreePool(Large);
	KeLowerIrql(OldIrql);
	CHECK(Large && !OffsetIn(Large, PAGE_SIZE));
	CHECK(Small && !OffsetIn(Small, PAGE_SIZE) && IsFilled(Small, 3 * PAGE_SIZE, 0));
	ExFreePool(Small);
}

VOID DdkPool(VOID)
{
	SIZE_T Length;

	for (Length = 0; Length < 300; Length++)
		CheckSize(Length);
	for (Length = 500; Length < 3 * PAGE_SIZE; Length += 499)
		CheckSize(Length);
	CheckSize(PAGE_SIZE - 1);
	CheckSize(PAGE_SIZE);
	CheckSize(PAGE_SIZE + 1);
	CheckSize(300 * PAGE_SIZE + 5);
	CheckFlags();
	CheckOldCalls();
	for (Length = ~(SIZE_T)0; Length > ~(SIZE_T)0 / 16; Length = Length / 2 - 1)
		CheckTooLong(Length);
	CheckAtDispatchLevel();
	ExFreePool(NULL);
	CHECK(NonPagedPoolNx == 512 && NonPagedPoolNxCacheAligned == 516 && PagedPool == 1);
	CHECK(sizeof(POOL_FLAGS) == 8);
}
