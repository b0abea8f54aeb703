/* SPDX-License-Identifier: GPL-2.0 */
/**
 * DOC: Structured exceptions
 *
 * A raise is a jump inside one function: from a call that raises (MmProbeAndLockPages(),
 * ExRaiseStatus(), ...) that stands in a ``__try`` block to the ``__except`` or ``__finally`` of
 * that block, out of any loop, ``switch`` and block between them. The code of an exception is kept
 * in the function's own frame, so that threads, interrupts and recursion do not see each other's.
 *
 * In a ``__try`` block and in the handler of an ``__except``, ``break``, ``continue``, ``goto`` and
 * ``return`` mean what they mean without them. These do not compile, because they could not be
 * right:
 *
 * * leaving a ``__try`` block that has a ``__finally`` by ``return``, ``goto``, ``break`` or
 *   ``continue``: ``__leave`` ends the block,
 * * leaving a ``__finally`` by ``return``, ``goto`` or ``break``,
 * * a raise in a ``__try`` block with ``__finally`` that no ``__try`` block with ``__except`` of
 *   the same function is around: a raise does not leave its function,
 * * ExRaiseStatus() outside a ``__try`` block,
 * * GetExceptionCode() outside a filter and a handler, AbnormalTermination() outside a
 *   ``__finally``, and GetExceptionInformation(),
 * * a ``__try`` block in a function that is always inlined (FORCEINLINE).
 *
 * These compile and are wrong. scripts/check-windows-source finds them: ``continue`` in a
 * ``__finally``, which only ends it, and guard() and other cleanup attributes in a ``__try`` block,
 * which a raise does not run.
 *
 * A filter that declines (EXCEPTION_CONTINUE_SEARCH) gives the exception to the ``__try`` block
 * around its own; where there is none in the function, its own handler runs. No exception here is
 * continuable: EXCEPTION_CONTINUE_EXECUTION makes it STATUS_NONCONTINUABLE_EXCEPTION, as on
 * Windows.
 *
 * An access to memory raises nothing: the kernel does not let a driver follow a pointer of a
 * process. scripts/check-windows-source finds ``__try`` blocks in which nothing can raise, and
 * calls of MmProbeAndLockPages() whose failure nobody sees.
 *
 * In C with GCC; another compiler, and C++, have no ``__try``, and MmProbeAndLockPages() is the
 * function alone.
 *
 * Source: page structured-exception-handling-c-cpp.
 */
#ifndef _V3COMPAT_DDK_EXCEPTION_H
#define _V3COMPAT_DDK_EXCEPTION_H

#include "mdl.h"
#include "pool.h"
#include "status.h"
#include "types.h"

#define EXCEPTION_EXECUTE_HANDLER 1
#define EXCEPTION_CONTINUE_SEARCH 0
#define EXCEPTION_CONTINUE_EXECUTION (-1)

#if defined(__GNUC__) && !defined(__clang__) && !defined(__cplusplus)

/*
 * GCC is silent about variable length arrays in macros of a system header. There is one in V3C_TRY,
 * which takes no memory.
 */
#pragma GCC system_header

/*
 * struct v3c_exception is in the frame of a function once for each of its __try blocks.
 */
struct v3c_exception {
	NTSTATUS code;
	unsigned char raised;
};

/* struct v3c_way tells which way a block is left by. Its values are known when it is compiled. */
struct v3c_way {
	unsigned char has_finally;
	unsigned char is_done;
};

/*
 * These say what is so outside every __try block. Each block has its own of the same names, which
 * hide those around it. v3c_is_lost is set where a raise would find a __finally and no __except.
 */
enum { v3c_in_try = 0, v3c_in_handler = 0, v3c_in_finally = 0 };
static const unsigned char v3c_is_lost __attribute__((__unused__));
static void *const v3c_raise_to __attribute__((__unused__)) = (void *)0;
static struct v3c_exception *const v3c_raise_in __attribute__((__unused__)) = (void *)0;

/*
 * What is wrong does not compile, because GCC knows it when it optimizes. Otherwise, and where
 * AddressSanitizer watches the variables of a program, it stops the program.
 */
#if defined(__OPTIMIZE__) && (defined(__KERNEL__) || !defined(__SANITIZE_ADDRESS__))
#define V3C_WRONG(name, text) extern void name(void) __attribute__((__error__(text)));
#else
#define V3C_WRONG(name, text)                                                                     \
	static inline void name(void)                                                             \
	{                                                                                         \
		__builtin_trap();                                                                 \
	}
#endif

V3C_WRONG(v3c_left_try_with_finally,
	  "a __try block with __finally is left by return, goto, break or continue: use __leave")
V3C_WRONG(v3c_left_finally, "a __finally block is left by return, goto or break")
V3C_WRONG(v3c_raise_would_leave_function,
	  "a raise does not leave its function: __try/__finally needs __try/__except around it")

static inline __attribute__((__always_inline__)) void v3c_way_out(struct v3c_way *way)
{
	if (way->has_finally && !way->is_done)
		v3c_left_try_with_finally();
}

static inline __attribute__((__always_inline__)) void v3c_finally_out(struct v3c_way *way)
{
	if (!way->is_done)
		v3c_left_finally();
}

/*
 * V3C_SCOPE declares struct v3c_scope, which is what an expression can declare, for all of the
 * statement of an `if`. Its array is as long as the address of the block's struct v3c_exception
 * says: so V3C_EXCEPTION finds the latter in the block, its filter and its handler, where no
 * variable can be declared that all of them see. A `for` could, but it would catch the break and
 * continue of a handler.
 */
#ifdef __CHECKER__
extern struct v3c_exception v3c_checked;
#define V3C_SCOPE sizeof(struct v3c_scope { char *frame; })
#define V3C_EXCEPTION (&v3c_checked)
#else
#define V3C_ADDRESS ((__UINTPTR_TYPE__)&(struct v3c_exception){ 0, 0 })
#define V3C_SCOPE sizeof(struct v3c_scope { char (*frame)[V3C_ADDRESS]; })
#define V3C_EXCEPTION                                                                             \
	((struct v3c_exception *)(__UINTPTR_TYPE__)sizeof(*((struct v3c_scope *)0)->frame))
#endif

/*
 * V3C_ENTER begins a block. It goes to v3c_kind first, which is behind the block, because only what
 * follows the block tells whether it has a __finally.
 */
#define V3C_ENTER                                                                                 \
	__label__ v3c_kind, v3c_block, v3c_raised, v3c_left;                                      \
	struct v3c_way v3c_way __attribute__((__cleanup__(v3c_way_out))) = { 0, 0 };              \
	int v3c_take = 0;                                                                         \
	void *const v3c_outer_raise_to = v3c_raise_to;                                            \
	struct v3c_exception *const v3c_outer_raise_in = v3c_raise_in;                            \
	enum { v3c_outer_in_try = v3c_in_try };                                                   \
	void *const v3c_raise_to = &&v3c_raised;                                                  \
	struct v3c_exception *const v3c_raise_in = V3C_EXCEPTION;                                 \
	const unsigned char v3c_outer_is_lost = v3c_is_lost;                                      \
	unsigned char v3c_is_lost = 0;                                                            \
	enum { v3c_in_try = 1, v3c_in_handler = 0, v3c_in_finally = 0 };                          \
	(void)v3c_outer_is_lost;                                                                  \
	(void)v3c_is_lost;                                                                        \
	(void)v3c_outer_raise_to;                                                                 \
	(void)v3c_outer_raise_in;                                                                 \
	(void)v3c_raise_to;                                                                       \
	(void)v3c_raise_in;                                                                       \
	goto v3c_kind;                                                                            \
v3c_block:

/* V3C_KIND ends a block, and says what ends it. */
#define V3C_KIND(finally)                                                                         \
	goto v3c_left;                                                                            \
v3c_kind:                                                                                         \
	v3c_way.has_finally = (finally);                                                          \
	v3c_is_lost = (finally) && (!v3c_outer_in_try || v3c_outer_is_lost);                      \
	goto v3c_block;                                                                           \
v3c_raised:

/*
 * V3C_FILTER() is what the filter of a handler says. GetExceptionCode() is right in it, and what it
 * raises is for the block around.
 */
#define V3C_FILTER(filter)                                                                        \
	({                                                                                        \
		const unsigned char v3c_is_lost = v3c_outer_is_lost;                              \
		void *const v3c_raise_to = v3c_outer_raise_to;                                    \
		struct v3c_exception *const v3c_raise_in = v3c_outer_raise_in;                    \
		enum { v3c_in_try = v3c_outer_in_try, v3c_in_handler = 1 };                       \
		(void)v3c_is_lost;                                                                \
		(void)v3c_raise_to;                                                               \
		(void)v3c_raise_in;                                                               \
		(filter);                                                                         \
	})

/* V3C_GO() is nothing for sparse, which does not know where it goes. */
#ifdef __CHECKER__
#define V3C_GO(to) ((void)(to))
#else
#define V3C_GO(to) ({ goto *(to); })
#endif

/* V3C_PASS_ON() raises again, in the block around. */
#define V3C_PASS_ON(to, in)                                                                       \
	({                                                                                        \
		(in)->code = V3C_EXCEPTION->code;                                                 \
		V3C_GO(to);                                                                       \
	})

/*
 * V3C_TRY begins the condition of an `if`, V3C_EXCEPT() ends it and has the handler in the `else`,
 * because an `else` of the driver's would become its own otherwise.
 */
#define V3C_TRY if (!V3C_SCOPE || ({ V3C_ENTER

#define V3C_EXCEPT(filter)                                                                        \
	V3C_KIND(0)                                                                               \
	v3c_take = V3C_FILTER(filter);                                                            \
	if (v3c_take < 0)                                                                         \
		v3c_raise_in->code = STATUS_NONCONTINUABLE_EXCEPTION;                             \
	if (v3c_take <= 0 && v3c_outer_in_try) {                                                  \
		if (v3c_outer_is_lost)                                                            \
			v3c_raise_would_leave_function();                                         \
		V3C_PASS_ON(v3c_outer_raise_to, v3c_outer_raise_in);                              \
	}                                                                                         \
	v3c_take = 1;                                                                             \
v3c_left:                                                                                         \
	v3c_way.is_done = 1;                                                                      \
	v3c_take;                                                                                 \
	}) ? !sizeof(enum { v3c_in_handler = 1, v3c_in_finally = 0 }) : 1) {                      \
	} else

/* V3C_ENDED is what follows a __finally. */
#define V3C_ENDED                                                                                 \
	({                                                                                        \
		v3c_end.is_done = 1;                                                              \
		if (v3c_in_try && V3C_EXCEPTION->raised)                                          \
			V3C_PASS_ON(v3c_raise_to, v3c_raise_in);                                  \
	})

#define V3C_FINALLY                                                                               \
	V3C_KIND(1)                                                                               \
	v3c_raise_in->raised = 1;                                                                 \
v3c_left:                                                                                         \
	v3c_way.is_done = 1;                                                                      \
	0;                                                                                        \
	}) || !sizeof(enum { v3c_in_handler = 0, v3c_in_finally = 1 })) {                         \
	} else                                                                                    \
		for (struct v3c_way v3c_end __attribute__((__cleanup__(v3c_finally_out))) =       \
			     { 0, 0 };                                                            \
		     !v3c_end.is_done; V3C_ENDED)

/* V3C_RAISE() jumps to what ends the __try block around it. */
#define V3C_RAISE(status)                                                                         \
	({                                                                                        \
		if (v3c_is_lost)                                                                  \
			v3c_raise_would_leave_function();                                         \
		v3c_raise_in->code = (status);                                                    \
		V3C_GO(v3c_raise_to);                                                             \
	})

#define __try V3C_TRY
#define __except(filter) V3C_EXCEPT(filter)
#define __finally V3C_FINALLY
#define __leave goto v3c_left

/**
 * GetExceptionCode() - the status of the exception that is filtered or handled
 *
 * Does not compile outside a filter and a handler.
 *
 * Context: Any.
 * Return: What was raised.
 *
 * Source: page try-except-statement.
 */
#define GetExceptionCode()                                                                        \
	({                                                                                        \
		_Static_assert(v3c_in_handler,                                                    \
			       "GetExceptionCode() is for filters and handlers of __except");     \
		V3C_EXCEPTION->code;                                                              \
	})
#define exception_code() GetExceptionCode()

/* There is no record of an exception: all that is known of one is its code. */
#define GetExceptionInformation()                                                                 \
	({                                                                                        \
		_Static_assert(0, "an exception has no record here, only GetExceptionCode()");     \
		(PVOID)0;                                                                         \
	})

/**
 * AbnormalTermination() - tell in a __finally whether its block was left by a raise
 *
 * Does not compile outside a __finally, nor in a __try block in one.
 *
 * Context: Any.
 * Return: nonzero if it was; 0 at its end or by __leave.
 *
 * Source: page abnormaltermination.
 */
#define AbnormalTermination()                                                                     \
	({                                                                                        \
		_Static_assert(v3c_in_finally, "AbnormalTermination() is for __finally");         \
		(int)V3C_EXCEPTION->raised;                                                       \
	})
#define abnormal_termination() AbnormalTermination()

/**
 * ExRaiseStatus() - raise a status
 * @Status: any
 *
 * Does not compile outside a __try block.
 *
 * Context: Any.
 *
 * Source: wdm.h page exraisestatus.
 */
#define ExRaiseStatus(Status)                                                                     \
	({                                                                                        \
		_Static_assert(v3c_in_try,                                                        \
			       "a raise does not leave its function: no __try is around it");     \
		V3C_RAISE(Status);                                                                \
	})

/**
 * ExRaiseAccessViolation() - raise STATUS_ACCESS_VIOLATION
 *
 * Source: wdm.h page exraiseaccessviolation.
 */
#define ExRaiseAccessViolation() ExRaiseStatus(STATUS_ACCESS_VIOLATION)

/**
 * ExRaiseDatatypeMisalignment() - raise STATUS_DATATYPE_MISALIGNMENT
 *
 * Source: wdm.h page exraisedatatypemisalignment.
 */
#define ExRaiseDatatypeMisalignment() ExRaiseStatus(STATUS_DATATYPE_MISALIGNMENT)

/*
 * These are functions as well, which do not raise: the macros hide them in source, and an address
 * is that of the function.
 */
#define MmProbeAndLockPages(MemoryDescriptorList, AccessMode, Operation)                          \
	({                                                                                        \
		const NTSTATUS v3c_status =                                                       \
			V3cProbeAndLockPages(MemoryDescriptorList, AccessMode, Operation);        \
		if (v3c_in_try && !NT_SUCCESS(v3c_status))                                        \
			V3C_RAISE(v3c_status);                                                    \
	})

/* V3C_GOT() gives memory, or raises in a __try block if there is none and flags say so. */
#define V3C_GOT(memory, raises, status)                                                           \
	({                                                                                        \
		PVOID const v3c_memory = (memory);                                                \
		if (v3c_in_try && !v3c_memory && (raises))                                        \
			V3C_RAISE(status);                                                        \
		v3c_memory;                                                                       \
	})

#define ExAllocatePool2(Flags, NumberOfBytes, Tag)                                                \
	({                                                                                        \
		const POOL_FLAGS v3c_flags = (Flags);                                             \
		V3C_GOT(ExAllocatePool2(v3c_flags, NumberOfBytes, Tag),                           \
			v3c_flags & POOL_FLAG_RAISE_ON_FAILURE, STATUS_INSUFFICIENT_RESOURCES);   \
	})
#define ExAllocatePoolWithTag(PoolType, NumberOfBytes, Tag)                                       \
	({                                                                                        \
		const POOL_TYPE v3c_type = (POOL_TYPE)(PoolType);                                 \
		V3C_GOT(ExAllocatePoolWithTag(v3c_type, NumberOfBytes, Tag),                      \
			v3c_type & POOL_RAISE_IF_ALLOCATION_FAILURE,                              \
			STATUS_INSUFFICIENT_RESOURCES);                                           \
	})
#define ExAllocatePoolWithQuotaTag(PoolType, NumberOfBytes, Tag)                                  \
	({                                                                                        \
		const POOL_TYPE v3c_type = (POOL_TYPE)(PoolType);                                 \
		V3C_GOT(ExAllocatePoolWithQuotaTag(v3c_type, NumberOfBytes, Tag),                 \
			!(v3c_type & POOL_QUOTA_FAIL_INSTEAD_OF_RAISE),                           \
			STATUS_INSUFFICIENT_RESOURCES);                                           \
	})
#define ExAllocatePool(PoolType, NumberOfBytes) ExAllocatePoolWithTag(PoolType, NumberOfBytes, 0)
#define ExAllocatePoolZero(PoolType, NumberOfBytes, Tag)                                          \
	ExAllocatePoolWithTag((PoolType) | POOL_ZERO_ALLOCATION, NumberOfBytes, Tag)
#define ExAllocatePoolUninitialized(PoolType, NumberOfBytes, Tag)                                 \
	ExAllocatePoolWithTag(PoolType, NumberOfBytes, Tag)
#define ExAllocatePoolWithTagPriority(PoolType, NumberOfBytes, Tag, Priority)                     \
	({                                                                                        \
		(void)(Priority);                                                                 \
		ExAllocatePoolWithTag(PoolType, NumberOfBytes, Tag);                              \
	})
#define ExAllocatePoolPriorityUninitialized(PoolType, NumberOfBytes, Tag, Priority)               \
	ExAllocatePoolWithTagPriority(PoolType, NumberOfBytes, Tag, Priority)
#define ExAllocatePoolPriorityZero(PoolType, NumberOfBytes, Tag, Priority)                        \
	ExAllocatePoolWithTagPriority((PoolType) | POOL_ZERO_ALLOCATION, NumberOfBytes, Tag,      \
				      Priority)
#define ExAllocatePoolWithQuota(PoolType, NumberOfBytes)                                          \
	ExAllocatePoolWithQuotaTag(PoolType, NumberOfBytes, 0)
#define ExAllocatePoolQuotaZero(PoolType, NumberOfBytes, Tag)                                     \
	ExAllocatePoolWithQuotaTag((PoolType) | POOL_ZERO_ALLOCATION, NumberOfBytes, Tag)
#define ExAllocatePoolQuotaUninitialized(PoolType, NumberOfBytes, Tag)                            \
	ExAllocatePoolWithQuotaTag(PoolType, NumberOfBytes, Tag)

/* A mapping into a process, which there is none of here, is raised about where it is refused. */
#define MmMapLockedPagesSpecifyCache(MemoryDescriptorList, AccessMode, CacheType,                 \
				     RequestedAddress, BugCheckOnFailure, Priority)               \
	({                                                                                        \
		const KPROCESSOR_MODE v3c_mode = (AccessMode);                                    \
		V3C_GOT(MmMapLockedPagesSpecifyCache(MemoryDescriptorList, v3c_mode, CacheType,   \
						     RequestedAddress, BugCheckOnFailure,         \
						     Priority),                                   \
			v3c_mode != KernelMode, STATUS_NOT_SUPPORTED);                            \
	})
#define MmMapLockedPages(MemoryDescriptorList, AccessMode)                                        \
	MmMapLockedPagesSpecifyCache(MemoryDescriptorList, AccessMode, MmCached, (PVOID)0, TRUE,  \
				     HighPagePriority)

#endif

#endif /* _V3COMPAT_DDK_EXCEPTION_H */
