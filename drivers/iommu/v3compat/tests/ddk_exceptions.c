// SPDX-License-Identifier: GPL-2.0
/*
 * Structured exceptions in the shapes in which drivers write them around MmProbeAndLockPages().
 * What is locked is counted, because a handler or a __finally that did not run leaves a lock.
 */
#include "ddk_client.h"

#define BUFFERS 3

static UCHAR Memory[BUFFERS][PAGE_SIZE];

typedef struct _BUFFERS_OF_TEST {
	PMDL Mdls[BUFFERS];
} BUFFERS_OF_TEST, *PBUFFERS_OF_TEST;

/* The first Good MDLs can be locked. The others raise STATUS_INVALID_PARAMETER_1. */
static VOID Prepare(PBUFFERS_OF_TEST Buffers, ULONG Good)
{
	ULONG i;

	for (i = 0; i < BUFFERS; i++) {
		Buffers->Mdls[i] = IoAllocateMdl(Memory[i], i < Good ? PAGE_SIZE : 0, FALSE, FALSE,
						 NULL);
		CHECK(Buffers->Mdls[i]);
	}
}

static ULONG Locked(PBUFFERS_OF_TEST Buffers)
{
	ULONG i, Count = 0;

	for (i = 0; i < BUFFERS; i++)
		Count += !!(Buffers->Mdls[i]->MdlFlags & MDL_PAGES_LOCKED);
	return Count;
}

static VOID Unlock(PBUFFERS_OF_TEST Buffers)
{
	ULONG i;

	for (i = 0; i < BUFFERS; i++)
		if (Buffers->Mdls[i]->MdlFlags & MDL_PAGES_LOCKED)
			MmUnlockPages(Buffers->Mdls[i]);
}

static VOID Done(PBUFFERS_OF_TEST Buffers)
{
	ULONG i;

	CHECK(Locked(Buffers) == 0);
	for (i = 0; i < BUFFERS; i++)
		IoFreeMdl(Buffers->Mdls[i]);
}

/* The shape of almost every caller. */
static NTSTATUS LockOne(PMDL Mdl)
{
	NTSTATUS Status = STATUS_SUCCESS;

	__try {
		MmProbeAndLockPages(Mdl, KernelMode, IoModifyAccess);
	} __except(EXCEPTION_EXECUTE_HANDLER) {
		Status = GetExceptionCode();
	}
	return Status;
}

/* The names that excpt.h has besides. */
static ULONG OtherNames(NTSTATUS Status)
{
	ULONG Order = 0;

	try {
		try {
			if (Status == STATUS_SUCCESS)
				leave;
			ExRaiseStatus(Status);
		} finally {
			Order = abnormal_termination() ? 1 : 2;
		}
	} except(exception_code() == Status) {
		Order += exception_code() == Status ? 10 : 0;
	}
	return Order;
}

/* A handler that returns, as in a dispatch routine. */
static NTSTATUS LockOrReturn(PMDL Mdl, PULONG Reached)
{
	try {
		MmProbeAndLockPages(Mdl, KernelMode, IoReadAccess);
		*Reached += 1;
	} except(EXCEPTION_EXECUTE_HANDLER) {
		return GetExceptionCode();
	}
	*Reached += 10;
	return STATUS_SUCCESS;
}

static VOID Plain(VOID)
{
	BUFFERS_OF_TEST Buffers;
	ULONG Reached = 0;

	Prepare(&Buffers, 1);
	CHECK(LockOne(Buffers.Mdls[0]) == STATUS_SUCCESS);
	CHECK(Locked(&Buffers) == 1);
	CHECK(LockOne(Buffers.Mdls[0]) == STATUS_INVALID_PARAMETER_1);
	CHECK(LockOne(Buffers.Mdls[1]) == STATUS_INVALID_PARAMETER_1);
	CHECK(Locked(&Buffers) == 1);
	Unlock(&Buffers);

	CHECK(LockOrReturn(Buffers.Mdls[1], &Reached) == STATUS_INVALID_PARAMETER_1);
	CHECK(Reached == 0);
	CHECK(LockOrReturn(Buffers.Mdls[0], &Reached) == STATUS_SUCCESS);
	CHECK(Reached == 11);
	Unlock(&Buffers);
	Done(&Buffers);
}

/* The loop is in the block: what was locked before the raise is the handler's to unlock. */
static NTSTATUS LockAll(PBUFFERS_OF_TEST Buffers, PULONG Turns)
{
	NTSTATUS Status = STATUS_SUCCESS;
	ULONG i;

	__try {
		for (i = 0; i < BUFFERS; i++) {
			*Turns += 1;
			switch (i) {
			case 0:
				MmProbeAndLockPages(Buffers->Mdls[0], KernelMode, IoReadAccess);
				continue;
			default: {
				PMDL Mdl = Buffers->Mdls[i];

				do {
					MmProbeAndLockPages(Mdl, KernelMode, IoReadAccess);
				} while (FALSE);
				break;
			}
			}
		}
	} __except(EXCEPTION_EXECUTE_HANDLER) {
		Status = GetExceptionCode();
		CHECK(Locked(Buffers) == *Turns - 1);
		Unlock(Buffers);
	}
	return Status;
}

static VOID RaiseInsideLoops(VOID)
{
	BUFFERS_OF_TEST Buffers;
	ULONG Good, Turns;

	for (Good = 0; Good <= BUFFERS; Good++) {
		Prepare(&Buffers, Good);
		Turns = 0;
		if (Good < BUFFERS) {
			CHECK(LockAll(&Buffers, &Turns) == STATUS_INVALID_PARAMETER_1);
			CHECK(Turns == Good + 1);
		} else {
			CHECK(LockAll(&Buffers, &Turns) == STATUS_SUCCESS);
			CHECK(Locked(&Buffers) == BUFFERS);
			Unlock(&Buffers);
		}
		Done(&Buffers);
	}
}

/* The block is in the loop: its handler breaks out of the loop, or goes on with it. */
static ULONG HandlersThatBreak(PBUFFERS_OF_TEST Buffers, BOOLEAN Break)
{
	ULONG i, Behind = 0;

	for (i = 0; i < BUFFERS; i++) {
		__try {
			MmProbeAndLockPages(Buffers->Mdls[i], KernelMode, IoReadAccess);
		} __except(EXCEPTION_EXECUTE_HANDLER) {
			if (Break)
				break;
			continue;
		}
		Behind++;
	}
	return Behind * 10 + i;
}

/* The handler's break leaves a switch, as in a dispatch routine with an arm for each code. */
static ULONG HandlerInSwitch(PMDL Mdl, ULONG Code)
{
	ULONG Reached = 0;

	switch (Code) {
	case 1:
		__try {
			MmProbeAndLockPages(Mdl, KernelMode, IoReadAccess);
		} __except(EXCEPTION_EXECUTE_HANDLER) {
			Reached = 1;
			break;
		}
		Reached = 2;
		break;
	default:
		Reached = 3;
	}
	return Reached;
}

static ULONG HandlerThatGoesTo(PMDL Mdl)
{
	__try {
		MmProbeAndLockPages(Mdl, KernelMode, IoReadAccess);
	} __except(EXCEPTION_EXECUTE_HANDLER) {
		goto Failed;
	}
	return 1;
Failed:
	return 2;
}

static VOID LeavingHandlers(VOID)
{
	BUFFERS_OF_TEST Buffers;

	Prepare(&Buffers, 1);
	CHECK(HandlersThatBreak(&Buffers, TRUE) == 11);
	Unlock(&Buffers);
	CHECK(HandlersThatBreak(&Buffers, FALSE) == 10 + BUFFERS);
	Unlock(&Buffers);
	CHECK(HandlerInSwitch(Buffers.Mdls[1], 1) == 1);
	CHECK(HandlerInSwitch(Buffers.Mdls[0], 1) == 2);
	CHECK(HandlerInSwitch(Buffers.Mdls[0], 2) == 3);
	CHECK(HandlerThatGoesTo(Buffers.Mdls[1]) == 2);
	Unlock(&Buffers);
	CHECK(HandlerThatGoesTo(Buffers.Mdls[0]) == 1);
	Unlock(&Buffers);
	Done(&Buffers);
}

/* How: 1 returns, 2 breaks, 3 continues, 4 goes away, 5 leaves, 6 raises; each in the block. */
static ULONG LeaveBlock(PBUFFERS_OF_TEST Buffers, ULONG How)
{
	ULONG i, Reached = 0;

	for (i = 0; i < 2; i++) {
		__try {
			MmProbeAndLockPages(Buffers->Mdls[i], KernelMode, IoReadAccess);
			if (How == 1)
				return 100;
			if (How == 2)
				break;
			if (How == 3)
				continue;
			if (How == 4)
				goto Away;
			if (How == 5)
				__leave;
			if (How == 6)
				ExRaiseStatus(STATUS_PENDING);
			Reached += 1000;
		} __except(EXCEPTION_EXECUTE_HANDLER) {
			CHECK(GetExceptionCode() == STATUS_PENDING);
			Reached += 10;
		}
		Reached += 1;
	}
	return Reached + i * 100;
Away:
	return 200;
}

static VOID LeavingBlocks(VOID)
{
	static const ULONG Expected[] = { 2202, 100, 0, 200, 200, 202, 222 };
	static const ULONG LockedThen[] = { 2, 1, 1, 2, 1, 2, 2 };
	BUFFERS_OF_TEST Buffers;
	ULONG How;

	for (How = 0; How <= 6; How++) {
		Prepare(&Buffers, BUFFERS);
		CHECK(LeaveBlock(&Buffers, How) == Expected[How]);
		CHECK(Locked(&Buffers) == LockedThen[How]);
		Unlock(&Buffers);
		Done(&Buffers);
	}
}

/* A filter sees the code; one that declines gives it to the block around. */
static ULONG Filtered(NTSTATUS Raised)
{
	ULONG Reached = 0;

	__try {
		__try {
			Reached += 1;
			if (Raised == STATUS_ACCESS_VIOLATION)
				ExRaiseAccessViolation();
			if (Raised == STATUS_DATATYPE_MISALIGNMENT)
				ExRaiseDatatypeMisalignment();
			ExRaiseStatus(Raised);
		} __except(GetExceptionCode() == STATUS_ACCESS_VIOLATION ?
				    EXCEPTION_EXECUTE_HANDLER :
				    EXCEPTION_CONTINUE_SEARCH) {
			Reached += 10;
		}
		Reached += 100;
	} __except(GetExceptionCode() == STATUS_NO_MEMORY ? EXCEPTION_CONTINUE_EXECUTION :
							       EXCEPTION_EXECUTE_HANDLER) {
		if (Raised == STATUS_NO_MEMORY)
			CHECK(GetExceptionCode() == STATUS_NONCONTINUABLE_EXCEPTION);
		else
			CHECK(GetExceptionCode() == Raised);
		Reached += 1000;
	}
	return Reached;
}

static VOID Filters(VOID)
{
	CHECK(Filtered(STATUS_ACCESS_VIOLATION) == 111);
	CHECK(Filtered(STATUS_INSUFFICIENT_RESOURCES) == 1001);
	CHECK(Filtered(STATUS_DATATYPE_MISALIGNMENT) == 1001);
	CHECK(Filtered(STATUS_NO_MEMORY) == 1001);
}

/* No block is around: the handler of a filter that declines runs, because nobody else could. */
static ULONG Declined(VOID)
{
	ULONG Reached = 0;

	__try {
		ExRaiseStatus(STATUS_NOT_FOUND);
	} __except(EXCEPTION_CONTINUE_SEARCH) {
		CHECK(GetExceptionCode() == STATUS_NOT_FOUND);
		Reached = 1;
	}
	return Reached;
}

/* Two locks, each undone by a __finally when the next step raises, as one writes without goto. */
static NTSTATUS LockTwo(PBUFFERS_OF_TEST Buffers, PULONG Order)
{
	NTSTATUS Status = STATUS_UNSUCCESSFUL;

	__try {
		MmProbeAndLockPages(Buffers->Mdls[0], KernelMode, IoReadAccess);
		__try {
			*Order = *Order * 10 + 1;
			MmProbeAndLockPages(Buffers->Mdls[1], KernelMode, IoReadAccess);
			*Order = *Order * 10 + 2;
			MmUnlockPages(Buffers->Mdls[1]);
		} __finally {
			*Order = *Order * 10 + (AbnormalTermination() ? 3 : 4);
			MmUnlockPages(Buffers->Mdls[0]);
		}
		*Order = *Order * 10 + 5;
		Status = STATUS_SUCCESS;
	} __except(EXCEPTION_EXECUTE_HANDLER) {
		*Order = *Order * 10 + 6;
		Status = GetExceptionCode();
	}
	return Status;
}

static ULONG LeaveFinally(ULONG How)
{
	ULONG i, Order = 0;

	for (i = 0; i < 2; i++) {
		__try {
			for (;;) {
				if (How == i)
					__leave;
				break;
			}
			Order = Order * 10 + 1;
		} __finally {
			CHECK(!AbnormalTermination());
			__try {
				ExRaiseStatus(STATUS_CANCELLED);
			} __except(GetExceptionCode() == STATUS_CANCELLED) {
				Order = Order * 10 + 2;
			}
		}
	}
	return Order;
}

/* Three __finally in each other run from the inside out, once each. */
static ULONG FinallyInFinally(BOOLEAN Raise)
{
	ULONG Order = 0;

	__try {
		__try {
			__try {
				__try {
					if (Raise)
						ExRaiseStatus(STATUS_CANCELLED);
				} __finally {
					Order = Order * 10 + 1;
				}
				Order = Order * 10 + 2;
			} __finally {
				Order = Order * 10 + 3;
			}
			Order = Order * 10 + 4;
		} __finally {
			Order = Order * 10 + 5;
		}
		Order = Order * 10 + 6;
	} __except(EXCEPTION_EXECUTE_HANDLER) {
		CHECK(GetExceptionCode() == STATUS_CANCELLED);
		Order = Order * 10 + 7;
	}
	return Order;
}

static VOID Finally(VOID)
{
	BUFFERS_OF_TEST Buffers;
	ULONG Order = 0;

	Prepare(&Buffers, 2);
	CHECK(LockTwo(&Buffers, &Order) == STATUS_SUCCESS);
	CHECK(Order == 1245);
	Done(&Buffers);

	Order = 0;
	Prepare(&Buffers, 1);
	CHECK(LockTwo(&Buffers, &Order) == STATUS_INVALID_PARAMETER_1);
	CHECK(Order == 136);
	Done(&Buffers);

	Order = 0;
	Prepare(&Buffers, 0);
	CHECK(LockTwo(&Buffers, &Order) == STATUS_INVALID_PARAMETER_1);
	CHECK(Order == 6);
	Done(&Buffers);

	CHECK(LeaveFinally(0) == 212);
	CHECK(LeaveFinally(1) == 122);
	CHECK(LeaveFinally(2) == 1212);
	CHECK(FinallyInFinally(TRUE) == 1357);
	CHECK(FinallyInFinally(FALSE) == 123456);
}

/* Each handler keeps its code while its function runs again, and while a block in it raises. */
static NTSTATUS Recurse(LONG Depth)
{
	NTSTATUS Inner = STATUS_SUCCESS;

	__try {
		ExRaiseStatus((NTSTATUS)(0xe0000000 + Depth));
	} __except(EXCEPTION_EXECUTE_HANDLER) {
		if (Depth)
			Inner = Recurse(Depth - 1);
		__try {
			ExRaiseStatus(STATUS_CANCELLED);
		} __except(EXCEPTION_EXECUTE_HANDLER) {
			CHECK(GetExceptionCode() == STATUS_CANCELLED);
		}
		CHECK(GetExceptionCode() == (NTSTATUS)(0xe0000000 + Depth));
		CHECK(!Depth || Inner == (NTSTATUS)(0xe0000000 + Depth - 1));
		return GetExceptionCode();
	}
	return STATUS_UNSUCCESSFUL;
}

/* A block in a handler raises to the block around the handler. */
static ULONG RaiseInHandler(VOID)
{
	ULONG Reached = 0;

	__try {
		__try {
			ExRaiseStatus(STATUS_CANCELLED);
		} __except(EXCEPTION_EXECUTE_HANDLER) {
			Reached += 1;
			ExRaiseStatus(STATUS_NOT_FOUND);
		}
		Reached += 10;
	} __except(EXCEPTION_EXECUTE_HANDLER) {
		CHECK(GetExceptionCode() == STATUS_NOT_FOUND);
		Reached += 100;
	}
	return Reached;
}

/* What else raises, where its flags say so. No machine has what is asked for. */
static ULONG Raisers(PMDL Mdl, ULONG Which)
{
	const SIZE_T Much = (SIZE_T)1 << (8 * sizeof(SIZE_T) - 2);
	PVOID Got = NULL;

	__try {
		switch (Which) {
		case 0:
			Got = ExAllocatePool2(POOL_FLAG_PAGED | POOL_FLAG_RAISE_ON_FAILURE, Much,
					      'tseT');
			break;
		case 1:
			Got = ExAllocatePoolWithTag(
				NonPagedPoolNx | POOL_RAISE_IF_ALLOCATION_FAILURE, Much, 'tseT');
			break;
		case 2:
			Got = ExAllocatePoolWithQuotaTag(NonPagedPoolNx, Much, 'tseT');
			break;
		case 3:
			Got = MmMapLockedPagesSpecifyCache(Mdl, UserMode, MmCached, NULL, FALSE,
							   NormalPagePriority);
			break;
		case 4:
			Got = ExAllocatePool2(POOL_FLAG_PAGED, Much, 'tseT');
			break;
		default:
			Got = ExAllocatePoolWithQuotaTag(
				NonPagedPoolNx | POOL_QUOTA_FAIL_INSTEAD_OF_RAISE, Much, 'tseT');
		}
	} __except(EXCEPTION_EXECUTE_HANDLER) {
		return GetExceptionCode() ==
				       (Which == 3 ? STATUS_NOT_SUPPORTED :
						     STATUS_INSUFFICIENT_RESOURCES) ?
			       1 :
			       2;
	}
	return Got ? 3 : 0;
}

static VOID OtherRaisers(VOID)
{
	BUFFERS_OF_TEST Buffers;
	ULONG Which;

	Prepare(&Buffers, 1);
	CHECK(LockOne(Buffers.Mdls[0]) == STATUS_SUCCESS);
	for (Which = 0; Which < 6; Which++) {
#ifndef _KERNEL_MODE
		/* A program's memory is mapped into its process from the start. */
		if (Which == 3) {
			CHECK(Raisers(Buffers.Mdls[0], Which) == 3);
			continue;
		}
#endif
		CHECK(Raisers(Buffers.Mdls[0], Which) == (Which < 4));
	}
	Unlock(&Buffers);
	Done(&Buffers);
}

/* All of the pool's functions raise if they are told to, by whatever name. */
static ULONG PoolRaisers(VOID)
{
	const POOL_TYPE Raise = (POOL_TYPE)(NonPagedPoolNx | POOL_RAISE_IF_ALLOCATION_FAILURE);
	const SIZE_T Much = (SIZE_T)1 << (8 * sizeof(SIZE_T) - 2);
	ULONG Which, Raised = 0;

	for (Which = 0; Which < 9; Which++) {
		__try {
			switch (Which) {
			case 0:
				ExAllocatePool(Raise, Much);
				break;
			case 1:
				ExAllocatePoolZero(Raise, Much, 'tseT');
				break;
			case 2:
				ExAllocatePoolUninitialized(Raise, Much, 'tseT');
				break;
			case 3:
				ExAllocatePoolWithTagPriority(Raise, Much, 'tseT',
							      NormalPoolPriority);
				break;
			case 4:
				ExAllocatePoolPriorityZero(Raise, Much, 'tseT', NormalPoolPriority);
				break;
			case 5:
				ExAllocatePoolPriorityUninitialized(Raise, Much, 'tseT',
								    NormalPoolPriority);
				break;
			case 6:
				ExAllocatePoolWithQuota(NonPagedPoolNx, Much);
				break;
			case 7:
				ExAllocatePoolQuotaZero(NonPagedPoolNx, Much, 'tseT');
				break;
			default:
				ExAllocatePoolQuotaUninitialized(NonPagedPoolNx, Much, 'tseT');
			}
		} __except(GetExceptionCode() == STATUS_INSUFFICIENT_RESOURCES) {
			Raised++;
		}
	}
	return Raised;
}

/* What a filter raises is for the block around. */
static NTSTATUS RaiseInFilter(VOID)
{
	__try {
		__try {
			ExRaiseStatus(STATUS_CANCELLED);
		} __except(({ ExRaiseStatus(STATUS_NOT_FOUND); 1; })) {
			return STATUS_UNSUCCESSFUL;
		}
	} __except(EXCEPTION_EXECUTE_HANDLER) {
		return GetExceptionCode();
	}
	return STATUS_SUCCESS;
}

/* An else behind a handler belongs to the if before the block. */
static ULONG ElseBehindHandler(BOOLEAN Try, BOOLEAN Raise)
{
	ULONG Reached = 0;

	if (Try)
		__try {
			if (Raise)
				ExRaiseStatus(STATUS_CANCELLED);
			Reached += 1;
		} __except(EXCEPTION_EXECUTE_HANDLER) {
			Reached += 10;
		}
	else
		Reached += 100;
	return Reached;
}

/* Outside every block a refusal is seen in MdlFlags. */
static VOID WithoutBlock(VOID)
{
	BUFFERS_OF_TEST Buffers;

	Prepare(&Buffers, 1);
	MmProbeAndLockPages(Buffers.Mdls[0], KernelMode, IoReadAccess);
	MmProbeAndLockPages(Buffers.Mdls[1], KernelMode, IoReadAccess);
	CHECK(Buffers.Mdls[0]->MdlFlags & MDL_PAGES_LOCKED);
	CHECK(!(Buffers.Mdls[1]->MdlFlags & MDL_PAGES_LOCKED));
	Unlock(&Buffers);
	Done(&Buffers);
}

NTSTATUS DdkRaiseAndHandle(NTSTATUS Status, VOID (*Between)(VOID))
{
	__try {
		ExRaiseStatus(Status);
	} __except(EXCEPTION_EXECUTE_HANDLER) {
		Between();
		return GetExceptionCode();
	}
	return STATUS_SUCCESS;
}

VOID DdkExceptions(VOID)
{
	Plain();
	RaiseInsideLoops();
	LeavingHandlers();
	LeavingBlocks();
	Filters();
	CHECK(Declined() == 1);
	Finally();
	CHECK(Recurse(3) == (NTSTATUS)0xe0000003);
	CHECK(RaiseInHandler() == 101);
	CHECK(OtherNames(STATUS_SUCCESS) == 2);
	CHECK(OtherNames(STATUS_CANCELLED) == 11);
	OtherRaisers();
	CHECK(PoolRaisers() == 9);
	CHECK(RaiseInFilter() == STATUS_NOT_FOUND);
	CHECK(ElseBehindHandler(TRUE, FALSE) == 1);
	CHECK(ElseBehindHandler(TRUE, TRUE) == 10);
	CHECK(ElseBehindHandler(FALSE, FALSE) == 100);
	WithoutBlock();
}
