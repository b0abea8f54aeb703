/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The current interrupt request level, and locks that raise it to DISPATCH_LEVEL.
 *
 * In the kernel DISPATCH_LEVEL is where softirqs do not run, and KSPIN_LOCK is the kernel's
 * spinlock_t: it is larger than Windows' where the kernel debugs locks. In a program
 * DISPATCH_LEVEL is a number that each thread has.
 *
 * A level counts once, however often it is raised to, as on Windows: what was raised to
 * DISPATCH_LEVEL at DISPATCH_LEVEL is lowered to DISPATCH_LEVEL, which changes nothing.
 */
#ifndef _V3COMPAT_DDK_SPINLOCK_H
#define _V3COMPAT_DDK_SPINLOCK_H

#include "irql.h"
#include "list.h"

#ifdef __KERNEL__
#include <linux/bottom_half.h>
#include <linux/irqflags.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>

/* What sparse is told of a function. */
#define V3C_ACQUIRES(lock) __acquires(lock)
#define V3C_RELEASES(lock) __releases(lock)
#else
#include <sched.h>

#define V3C_ACQUIRES(lock)
#define V3C_RELEASES(lock)
#endif

V3COMPAT_BEGIN

#ifdef __KERNEL__

typedef spinlock_t KSPIN_LOCK, *PKSPIN_LOCK;

/**
 * KeGetCurrentIrql() - tell the current level
 *
 * A kernel without CONFIG_PREEMPT_COUNT cannot tell that a spinlock of Linux' own is held; one of
 * KeAcquireSpinLock() is seen everywhere.
 *
 * Context: Any.
 * Return: HIGH_LEVEL in an interrupt or with interrupts off; otherwise DISPATCH_LEVEL where the
 * caller may not sleep; otherwise PASSIVE_LEVEL. In a program, DISPATCH_LEVEL while the thread has
 * raised it.
 *
 * Source: wdm.h page kegetcurrentirql.
 */
static inline KIRQL KeGetCurrentIrql(void)
{
	if (in_hardirq() || in_nmi() || irqs_disabled())
		return HIGH_LEVEL;
	if (in_interrupt() || preempt_count() || rcu_preempt_depth())
		return DISPATCH_LEVEL;
	return PASSIVE_LEVEL;
}

/**
 * KfRaiseIrql() - raise the level
 * @NewIrql: APC_LEVEL, which changes nothing, or DISPATCH_LEVEL. What is above is as
 *	DISPATCH_LEVEL
 *
 * Context: Any up to softirq, also with spinlocks held (<= DISPATCH_LEVEL).
 * Return: The level before, for KeLowerIrql(). It is below DISPATCH_LEVEL exactly if softirqs ran
 * before.
 *
 * Source: wdm.h page kfraiseirql.
 */
static inline KIRQL KfRaiseIrql(KIRQL NewIrql)
{
	if (in_interrupt() || irqs_disabled())
		return DISPATCH_LEVEL;
	if (NewIrql >= DISPATCH_LEVEL)
		local_bh_disable();
	return PASSIVE_LEVEL;
}

/**
 * KeLowerIrql() - lower the level again
 * @NewIrql: what KeRaiseIrql() gave
 *
 * Context: As KfRaiseIrql() left it.
 *
 * Source: wdm.h page kelowerirql.
 */
static inline void KeLowerIrql(KIRQL NewIrql)
{
	if (NewIrql < DISPATCH_LEVEL && softirq_count())
		local_bh_enable();
}

/**
 * KeInitializeSpinLock() - initialize a spin lock
 * @SpinLock: the lock. In the kernel it must be initialized by this, also where it is zero already
 *
 * Context: Any.
 *
 * Source: wdm.h page keinitializespinlock.
 */
#define KeInitializeSpinLock(SpinLock) spin_lock_init(SpinLock)

/**
 * KeAcquireSpinLockAtDpcLevel() - acquire a spin lock at DISPATCH_LEVEL
 * @SpinLock: the lock
 *
 * Context: Softirq, or with softirqs off (DISPATCH_LEVEL).
 *
 * Source: wdm.h page keacquirespinlockatdpclevel.
 */
static inline void KeAcquireSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock) V3C_ACQUIRES(SpinLock)
{
	spin_lock(SpinLock);
}

/**
 * KeReleaseSpinLockFromDpcLevel() - release a spin lock and stay at DISPATCH_LEVEL
 * @SpinLock: the lock
 *
 * Context: As KeAcquireSpinLockAtDpcLevel().
 *
 * Source: wdm.h page kereleasespinlockfromdpclevel.
 */
static inline void KeReleaseSpinLockFromDpcLevel(PKSPIN_LOCK SpinLock) V3C_RELEASES(SpinLock)
{
	spin_unlock(SpinLock);
}

/*
 * KeTryToAcquireSpinLockAtDpcLevel() - acquire a spin lock at DISPATCH_LEVEL if it is free
 *
 * A macro, because only so a checker sees that it is held where this says TRUE.
 *
 * Source: wdm.h page ketrytoacquirespinlockatdpclevel.
 */
#define KeTryToAcquireSpinLockAtDpcLevel(SpinLock) (spin_trylock(SpinLock) ? TRUE : FALSE)

/**
 * KeTestSpinLock() - tell whether a spin lock is free
 * @SpinLock: the lock
 *
 * Context: Any.
 * Return: TRUE if nobody holds it at this moment. On a kernel for one processor, which has no locks
 * to look at, TRUE.
 *
 * Source: wdm.h page ketestspinlock.
 */
static inline BOOLEAN KeTestSpinLock(PKSPIN_LOCK SpinLock)
{
	return !spin_is_locked(SpinLock);
}

/* The lists below may be used in interrupts, too, as on Windows. */
#define V3C_LIST_LOCK(Lock, State) spin_lock_irqsave(Lock, State)
#define V3C_LIST_UNLOCK(Lock, State) spin_unlock_irqrestore(Lock, State)

#else

typedef ULONG_PTR KSPIN_LOCK, *PKSPIN_LOCK;

KIRQL KeGetCurrentIrql(void);
KIRQL KfRaiseIrql(KIRQL NewIrql);
void KeLowerIrql(KIRQL NewIrql);

static inline void KeInitializeSpinLock(PKSPIN_LOCK SpinLock)
{
	*SpinLock = 0;
}

static inline BOOLEAN KeTestSpinLock(PKSPIN_LOCK SpinLock)
{
	return !__atomic_load_n(SpinLock, __ATOMIC_RELAXED);
}

static inline BOOLEAN KeTryToAcquireSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock)
{
	return !__atomic_exchange_n(SpinLock, 1, __ATOMIC_ACQUIRE);
}

/* Who holds the lock may be waiting for this processor. */
static inline void KeAcquireSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock)
{
	while (!KeTryToAcquireSpinLockAtDpcLevel(SpinLock))
		sched_yield();
}

static inline void KeReleaseSpinLockFromDpcLevel(PKSPIN_LOCK SpinLock)
{
	__atomic_store_n(SpinLock, 0, __ATOMIC_RELEASE);
}

#define V3C_LIST_LOCK(Lock, State) ((void)(State), KeAcquireSpinLockAtDpcLevel(Lock))
#define V3C_LIST_UNLOCK(Lock, State) ((void)(State), KeReleaseSpinLockFromDpcLevel(Lock))

#endif

/**
 * KeRaiseIrql() - KfRaiseIrql() with its result in a parameter
 * @NewIrql: as there
 * @OldIrql: receives the level before
 *
 * Context: As there.
 *
 * Source: wdm.h page keraiseirql.
 */
static inline void KeRaiseIrql(KIRQL NewIrql, PKIRQL OldIrql)
{
	*OldIrql = KfRaiseIrql(NewIrql);
}

/**
 * KeRaiseIrqlToDpcLevel() - KfRaiseIrql() to DISPATCH_LEVEL
 *
 * Context: As there.
 * Return: As there.
 *
 * Source: wdm.h page keraiseirqltodpclevel.
 */
static inline KIRQL KeRaiseIrqlToDpcLevel(void)
{
	return KfRaiseIrql(DISPATCH_LEVEL);
}

/**
 * KeAcquireSpinLockRaiseToDpc() - raise the level to DISPATCH_LEVEL and acquire a spin lock
 * @SpinLock: the lock
 *
 * Context: Any up to softirq, also with spinlocks held (<= DISPATCH_LEVEL). With interrupts off,
 * too, for a lock that no softirq and no process acquires with interrupts on.
 * Return: The level before, for KeReleaseSpinLock().
 *
 * Source: wdm.h page keacquirespinlockraisetodpc.
 */
static inline KIRQL KeAcquireSpinLockRaiseToDpc(PKSPIN_LOCK SpinLock) V3C_ACQUIRES(SpinLock)
{
	KIRQL OldIrql = KfRaiseIrql(DISPATCH_LEVEL);

	KeAcquireSpinLockAtDpcLevel(SpinLock);
	return OldIrql;
}

/**
 * KeAcquireSpinLock() - KeAcquireSpinLockRaiseToDpc() with its result in a parameter
 * @SpinLock: as there
 * @OldIrql: receives the level before
 *
 * Context: As there.
 *
 * Source: wdm.h page keacquirespinlock.
 */
static inline void KeAcquireSpinLock(PKSPIN_LOCK SpinLock, PKIRQL OldIrql) V3C_ACQUIRES(SpinLock)
{
	*OldIrql = KeAcquireSpinLockRaiseToDpc(SpinLock);
}

/**
 * KeReleaseSpinLock() - release a spin lock and lower the level again
 * @SpinLock: the lock
 * @NewIrql: the level before the lock was acquired
 *
 * Context: With the lock held.
 *
 * Source: wdm.h page kereleasespinlock.
 */
static inline void KeReleaseSpinLock(PKSPIN_LOCK SpinLock, KIRQL NewIrql) V3C_RELEASES(SpinLock)
{
	KeReleaseSpinLockFromDpcLevel(SpinLock);
	KeLowerIrql(NewIrql);
}

/**
 * KeAcquireSpinLockForDpc() - KeAcquireSpinLockRaiseToDpc() for a DPC
 * @SpinLock: as there
 *
 * Context: As there.
 * Return: As there, for KeReleaseSpinLockForDpc().
 *
 * Source: wdm.h page keacquirespinlockfordpc.
 */
static inline KIRQL KeAcquireSpinLockForDpc(PKSPIN_LOCK SpinLock) V3C_ACQUIRES(SpinLock)
{
	return KeAcquireSpinLockRaiseToDpc(SpinLock);
}

/**
 * KeReleaseSpinLockForDpc() - undo KeAcquireSpinLockForDpc()
 * @SpinLock: the lock
 * @OldIrql: what that returned
 *
 * Context: With the lock held.
 *
 * Source: wdm.h page kereleasespinlockfordpc.
 */
static inline void KeReleaseSpinLockForDpc(PKSPIN_LOCK SpinLock, KIRQL OldIrql)
	V3C_RELEASES(SpinLock)
{
	KeReleaseSpinLock(SpinLock, OldIrql);
}

/**
 * struct _KSPIN_LOCK_QUEUE - place in the queue of a spin lock
 * @Next: not used: the kernel's locks have queues of their own
 * @Lock: the lock
 */
typedef struct _KSPIN_LOCK_QUEUE {
	struct _KSPIN_LOCK_QUEUE *Next;
	PKSPIN_LOCK Lock;
} KSPIN_LOCK_QUEUE, *PKSPIN_LOCK_QUEUE;

/**
 * struct _KLOCK_QUEUE_HANDLE - what a holder of a queued spin lock keeps, on its stack
 * @LockQueue: its place in the queue
 * @OldIrql: the level before
 *
 * Source: wdm.h page keacquireinstackqueuedspinlock.
 */
typedef struct _KLOCK_QUEUE_HANDLE {
	KSPIN_LOCK_QUEUE LockQueue;
	KIRQL OldIrql;
} KLOCK_QUEUE_HANDLE, *PKLOCK_QUEUE_HANDLE;

/**
 * KeAcquireInStackQueuedSpinLock() - KeAcquireSpinLock() with what it remembers in a handle
 * @SpinLock: as there
 * @LockHandle: written
 *
 * Context: As there.
 *
 * Source: wdm.h page keacquireinstackqueuedspinlock.
 */
static inline void KeAcquireInStackQueuedSpinLock(PKSPIN_LOCK SpinLock,
						  PKLOCK_QUEUE_HANDLE LockHandle)
	V3C_ACQUIRES(SpinLock)
{
	LockHandle->LockQueue.Next = (PKSPIN_LOCK_QUEUE)0;
	LockHandle->LockQueue.Lock = SpinLock;
	LockHandle->OldIrql = KeAcquireSpinLockRaiseToDpc(SpinLock);
}

/**
 * KeReleaseInStackQueuedSpinLock() - undo KeAcquireInStackQueuedSpinLock()
 * @LockHandle: what that has written
 *
 * Context: With the lock held.
 *
 * Source: wdm.h page kereleaseinstackqueuedspinlock.
 */
static inline void KeReleaseInStackQueuedSpinLock(PKLOCK_QUEUE_HANDLE LockHandle)
	V3C_RELEASES(LockHandle->LockQueue.Lock)
{
	KeReleaseSpinLock(LockHandle->LockQueue.Lock, LockHandle->OldIrql);
}

/**
 * KeAcquireInStackQueuedSpinLockAtDpcLevel() - KeAcquireSpinLockAtDpcLevel() with a handle
 * @SpinLock: as there
 * @LockHandle: written
 *
 * Context: As there.
 *
 * Source: wdm.h page keacquireinstackqueuedspinlockatdpclevel.
 */
static inline void KeAcquireInStackQueuedSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock,
							    PKLOCK_QUEUE_HANDLE LockHandle)
	V3C_ACQUIRES(SpinLock)
{
	LockHandle->LockQueue.Next = (PKSPIN_LOCK_QUEUE)0;
	LockHandle->LockQueue.Lock = SpinLock;
	LockHandle->OldIrql = DISPATCH_LEVEL;
	KeAcquireSpinLockAtDpcLevel(SpinLock);
}

/**
 * KeReleaseInStackQueuedSpinLockFromDpcLevel() - undo
 *	KeAcquireInStackQueuedSpinLockAtDpcLevel()
 * @LockHandle: what that has written
 *
 * Context: With the lock held.
 *
 * Source: wdm.h page kereleaseinstackqueuedspinlockfromdpclevel.
 */
static inline void KeReleaseInStackQueuedSpinLockFromDpcLevel(PKLOCK_QUEUE_HANDLE LockHandle)
	V3C_RELEASES(LockHandle->LockQueue.Lock)
{
	KeReleaseSpinLockFromDpcLevel(LockHandle->LockQueue.Lock);
}

/**
 * ExInterlockedInsertHeadList() - add an entry at the front of a list
 * @ListHead: the head
 * @ListEntry: in no list
 * @Lock: of the list, which only ExInterlocked*List() may use
 *
 * Context: Any.
 * Return: The first entry before; NULL if there was none.
 *
 * Source: wdm.h page exinterlockedinsertheadlist.
 */
static inline PLIST_ENTRY ExInterlockedInsertHeadList(PLIST_ENTRY ListHead, PLIST_ENTRY ListEntry,
						      PKSPIN_LOCK Lock)
{
	unsigned long State = 0;
	PLIST_ENTRY First;

	V3C_LIST_LOCK(Lock, State);
	First = IsListEmpty(ListHead) ? (PLIST_ENTRY)0 : ListHead->Flink;
	InsertHeadList(ListHead, ListEntry);
	V3C_LIST_UNLOCK(Lock, State);
	return First;
}

/**
 * ExInterlockedInsertTailList() - add an entry at the end of a list
 * @ListHead: the head
 * @ListEntry: in no list
 * @Lock: of the list, which only ExInterlocked*List() may use
 *
 * Context: Any.
 * Return: The last entry before; NULL if there was none.
 *
 * Source: wdm.h page exinterlockedinserttaillist.
 */
static inline PLIST_ENTRY ExInterlockedInsertTailList(PLIST_ENTRY ListHead, PLIST_ENTRY ListEntry,
						      PKSPIN_LOCK Lock)
{
	unsigned long State = 0;
	PLIST_ENTRY Last;

	V3C_LIST_LOCK(Lock, State);
	Last = IsListEmpty(ListHead) ? (PLIST_ENTRY)0 : ListHead->Blink;
	InsertTailList(ListHead, ListEntry);
	V3C_LIST_UNLOCK(Lock, State);
	return Last;
}

/**
 * ExInterlockedRemoveHeadList() - take the first entry out of a list
 * @ListHead: the head
 * @Lock: of the list, which only ExInterlocked*List() may use
 *
 * Context: Any.
 * Return: The entry; NULL if there is none.
 *
 * Source: wdm.h page exinterlockedremoveheadlist.
 */
static inline PLIST_ENTRY ExInterlockedRemoveHeadList(PLIST_ENTRY ListHead, PKSPIN_LOCK Lock)
{
	unsigned long State = 0;
	PLIST_ENTRY First;

	V3C_LIST_LOCK(Lock, State);
	First = IsListEmpty(ListHead) ? (PLIST_ENTRY)0 : RemoveHeadList(ListHead);
	V3C_LIST_UNLOCK(Lock, State);
	return First;
}

/**
 * ExInterlockedPushEntryList() - add an entry at the front of a singly linked list
 * @ListHead: the head
 * @ListEntry: in no list
 * @Lock: of the list, which only ExInterlocked*List() may use
 *
 * Context: Any.
 * Return: The first entry before; NULL if there was none.
 *
 * Source: wdm.h page exinterlockedpushentrylist.
 */
static inline PSINGLE_LIST_ENTRY ExInterlockedPushEntryList(PSINGLE_LIST_ENTRY ListHead,
							    PSINGLE_LIST_ENTRY ListEntry,
							    PKSPIN_LOCK Lock)
{
	unsigned long State = 0;
	PSINGLE_LIST_ENTRY First;

	V3C_LIST_LOCK(Lock, State);
	First = ListHead->Next;
	PushEntryList(ListHead, ListEntry);
	V3C_LIST_UNLOCK(Lock, State);
	return First;
}

/**
 * ExInterlockedPopEntryList() - take the first entry out of a singly linked list
 * @ListHead: the head
 * @Lock: of the list, which only ExInterlocked*List() may use
 *
 * Context: Any.
 * Return: The entry; NULL if there is none.
 *
 * Source: wdm.h page exinterlockedpopentrylist.
 */
static inline PSINGLE_LIST_ENTRY ExInterlockedPopEntryList(PSINGLE_LIST_ENTRY ListHead,
							   PKSPIN_LOCK Lock)
{
	unsigned long State = 0;
	PSINGLE_LIST_ENTRY First;

	V3C_LIST_LOCK(Lock, State);
	First = PopEntryList(ListHead);
	V3C_LIST_UNLOCK(Lock, State);
	return First;
}

V3COMPAT_END

#endif /* _V3COMPAT_DDK_SPINLOCK_H */
