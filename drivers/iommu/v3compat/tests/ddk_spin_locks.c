// SPDX-License-Identifier: GPL-2.0
/*
 * Interrupt request levels, spin locks, and lists with a lock.
 */
#include "ddk_client.h"

typedef struct _ITEM {
	LIST_ENTRY Link;
	SINGLE_LIST_ENTRY Single;
	ULONG Number;
} ITEM, *PITEM;

static VOID CheckLevels(VOID)
{
	KIRQL OldIrql = HIGH_LEVEL, Nested = HIGH_LEVEL;

	CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL);
	KeRaiseIrql(APC_LEVEL, &OldIrql);
	CHECK(OldIrql == PASSIVE_LEVEL && KeGetCurrentIrql() <= APC_LEVEL);
	KeLowerIrql(OldIrql);
	CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL);

	KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
	CHECK(OldIrql == PASSIVE_LEVEL && KeGetCurrentIrql() == DISPATCH_LEVEL);
	Nested = KeRaiseIrqlToDpcLevel();
	CHECK(Nested == DISPATCH_LEVEL && KeGetCurrentIrql() == DISPATCH_LEVEL);
	KeLowerIrql(Nested);
	CHECK(KeGetCurrentIrql() == DISPATCH_LEVEL);
	KeLowerIrql(OldIrql);
	CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL);
	CHECK(KfRaiseIrql(APC_LEVEL) == PASSIVE_LEVEL);
	KeLowerIrql(PASSIVE_LEVEL);
}

static VOID CheckLocks(VOID)
{
	KSPIN_LOCK First, Second;
	KIRQL OldIrql = HIGH_LEVEL, Nested = HIGH_LEVEL;

	KeInitializeSpinLock(&First);
	KeInitializeSpinLock(&Second);
	CHECK(KeTestSpinLock(&First));

	KeAcquireSpinLock(&First, &OldIrql);
	CHECK(OldIrql == PASSIVE_LEVEL && KeGetCurrentIrql() == DISPATCH_LEVEL);
	Nested = KeAcquireSpinLockRaiseToDpc(&Second);
	CHECK(Nested == DISPATCH_LEVEL);
	KeReleaseSpinLock(&Second, Nested);
	CHECK(KeGetCurrentIrql() == DISPATCH_LEVEL);
	KeReleaseSpinLock(&First, OldIrql);
	CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL);

	/* Hand over hand: the lock that raised the level is not the one that lowers it. */
	KeAcquireSpinLock(&First, &OldIrql);
	KeAcquireSpinLockAtDpcLevel(&Second);
	KeReleaseSpinLockFromDpcLevel(&First);
	CHECK(KeGetCurrentIrql() == DISPATCH_LEVEL);
	KeReleaseSpinLock(&Second, OldIrql);
	CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL);

	KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
	if (KeTryToAcquireSpinLockAtDpcLevel(&First))
		KeReleaseSpinLockFromDpcLevel(&First);
	else
		CHECK(FALSE);
	KeAcquireSpinLockAtDpcLevel(&Second);
	KeReleaseSpinLock(&Second, OldIrql);
	CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL);

	OldIrql = KeAcquireSpinLockForDpc(&First);
	CHECK(OldIrql == PASSIVE_LEVEL);
	KeReleaseSpinLockForDpc(&First, OldIrql);
	CHECK(KeTestSpinLock(&First) && KeTestSpinLock(&Second));
	CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL);
}

#ifndef _KERNEL_MODE
/* A kernel for one processor takes any lock as free, as Windows' did. */
static VOID CheckHeldLock(VOID)
{
	KSPIN_LOCK Lock;
	KIRQL OldIrql;

	KeInitializeSpinLock(&Lock);
	KeAcquireSpinLock(&Lock, &OldIrql);
	CHECK(!KeTestSpinLock(&Lock));
	CHECK(!KeTryToAcquireSpinLockAtDpcLevel(&Lock));
	KeReleaseSpinLock(&Lock, OldIrql);
	CHECK(KeTestSpinLock(&Lock));
}
#endif

static VOID CheckQueuedLocks(VOID)
{
	KLOCK_QUEUE_HANDLE Handle, Nested;
	KSPIN_LOCK First, Second;

	KeInitializeSpinLock(&First);
	KeInitializeSpinLock(&Second);
	KeAcquireInStackQueuedSpinLock(&First, &Handle);
	CHECK(KeGetCurrentIrql() == DISPATCH_LEVEL && Handle.OldIrql == PASSIVE_LEVEL);
	KeAcquireInStackQueuedSpinLockAtDpcLevel(&Second, &Nested);
	KeReleaseInStackQueuedSpinLockFromDpcLevel(&Nested);
	CHECK(KeGetCurrentIrql() == DISPATCH_LEVEL);
	KeReleaseInStackQueuedSpinLock(&Handle);
	CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL);
	CHECK(KeTestSpinLock(&First) && KeTestSpinLock(&Second));
}

static ULONG NumberOf(PLIST_ENTRY Link)
{
	return Link ? CONTAINING_RECORD(Link, ITEM, Link)->Number : 0;
}

static ULONG NumberOfSingle(PSINGLE_LIST_ENTRY Single)
{
	return Single ? CONTAINING_RECORD(Single, ITEM, Single)->Number : 0;
}

static VOID CheckLockedLists(VOID)
{
	ITEM One = { .Number = 1 }, Two = { .Number = 2 }, Three = { .Number = 3 };
	SINGLE_LIST_ENTRY Single = { NULL };
	KSPIN_LOCK Lock;
	LIST_ENTRY Head;
	KIRQL OldIrql;

	KeInitializeSpinLock(&Lock);
	InitializeListHead(&Head);
	CHECK(!ExInterlockedRemoveHeadList(&Head, &Lock));
	CHECK(!ExInterlockedInsertTailList(&Head, &Two.Link, &Lock));
	CHECK(NumberOf(ExInterlockedInsertHeadList(&Head, &One.Link, &Lock)) == 2);
	CHECK(NumberOf(ExInterlockedInsertTailList(&Head, &Three.Link, &Lock)) == 2);
	KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
	CHECK(NumberOf(ExInterlockedRemoveHeadList(&Head, &Lock)) == 1);
	CHECK(NumberOf(ExInterlockedRemoveHeadList(&Head, &Lock)) == 2);
	KeLowerIrql(OldIrql);
	CHECK(NumberOf(ExInterlockedRemoveHeadList(&Head, &Lock)) == 3);
	CHECK(!ExInterlockedRemoveHeadList(&Head, &Lock));
	CHECK(!ExInterlockedInsertHeadList(&Head, &One.Link, &Lock));

	CHECK(!ExInterlockedPopEntryList(&Single, &Lock));
	CHECK(!ExInterlockedPushEntryList(&Single, &One.Single, &Lock));
	CHECK(NumberOfSingle(ExInterlockedPushEntryList(&Single, &Two.Single, &Lock)) == 1);
	CHECK(NumberOfSingle(ExInterlockedPopEntryList(&Single, &Lock)) == 2);
	CHECK(NumberOfSingle(ExInterlockedPopEntryList(&Single, &Lock)) == 1);
	CHECK(!ExInterlockedPopEntryList(&Single, &Lock));
	CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL);
}

VOID DdkSpinLocks(VOID)
{
	CheckLevels();
	CheckLocks();
#ifndef _KERNEL_MODE
	CheckHeldLock();
#endif
	CheckQueuedLocks();
	CheckLockedLists();
	CHECK(PASSIVE_LEVEL == 0 && LOW_LEVEL == 0 && APC_LEVEL == 1 && DISPATCH_LEVEL == 2);
	CHECK(CLOCK_LEVEL == 13 && IPI_LEVEL == 14 && POWER_LEVEL == 14 && HIGH_LEVEL == 15);
	CHECK(sizeof(KIRQL) == 1);
}
