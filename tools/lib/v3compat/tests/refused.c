// SPDX-License-Identifier: GPL-2.0
/*
 * Shapes of exceptions that cannot be right. Each CASE must not compile, and say what stands beside
 * it; what stands outside the cases must compile.
 */
#include <ntddk.h>

NTSTATUS Shape(PMDL Mdl);

static VOID Step(VOID)
{
}

NTSTATUS Shape(PMDL Mdl)
{
	ULONG i;

	for (i = 0; i < 2; i++) {
		__try {
			__try {
				MmProbeAndLockPages(Mdl, KernelMode, IoReadAccess);
				Step();
#if CASE == 1 /* a __try block with __finally is left by return, goto, break or continue */
				return STATUS_SUCCESS;
#endif
#if CASE == 2 /* a __try block with __finally is left by return, goto, break or continue */
				if (Mdl->ByteCount)
					break;
#endif
#if CASE == 3 /* a __try block with __finally is left by return, goto, break or continue */
				if (Mdl->ByteCount)
					continue;
#endif
#if CASE == 4 /* a __try block with __finally is left by return, goto, break or continue */
				if (Mdl->ByteCount)
					goto Away;
#endif
#if CASE == 5 /* GetExceptionCode() is for filters and handlers of __except */
				if (GetExceptionCode())
					__leave;
#endif
			} __finally {
				Step();
#if CASE == 6 /* a __finally block is left by return, goto or break */
				return STATUS_SUCCESS;
#endif
#if CASE == 7 /* a __finally block is left by return, goto or break */
				if (Mdl->ByteCount)
					break;
#endif
#if CASE == 8 /* GetExceptionCode() is for filters and handlers of __except */
				if (GetExceptionCode())
					Step();
#endif
			}
		} __except(EXCEPTION_EXECUTE_HANDLER) {
			__try {
				Step();
#if CASE == 9 /* GetExceptionCode() is for filters and handlers of __except */
				if (GetExceptionCode())
					Step();
#endif
			} __except(EXCEPTION_EXECUTE_HANDLER) {
				return GetExceptionCode();
			}
			__try {
				Step();
#if CASE == 15 /* AbnormalTermination() is for __finally */
				if (AbnormalTermination())
					__leave;
#endif
			} __finally {
#if CASE == 16 /* GetExceptionCode() is for filters and handlers of __except */
				if (GetExceptionCode())
#endif
					Step();
			}
			return GetExceptionCode();
		}
	}
	goto Away;
Away:
#if CASE == 10 /* a raise does not leave its function: __try/__finally needs __try/__except */
	__try {
		MmProbeAndLockPages(Mdl, KernelMode, IoReadAccess);
	} __finally {
		Step();
	}
#endif
	__try {
		Step();
	} __finally {
		Step();
	}
#if CASE == 11 /* a raise does not leave its function: no __try is around it */
	ExRaiseStatus(STATUS_ACCESS_VIOLATION);
#endif
#if CASE == 12 /* GetExceptionCode() is for filters and handlers of __except */
	return GetExceptionCode();
#endif
#if CASE == 13 /* v3c_left */
	__leave;
#endif
#if CASE == 14 /* an exception has no record here, only GetExceptionCode() */
	__try {
		Step();
	} __except(GetExceptionInformation() ? 1 : 0) {
		Step();
	}
#endif
	return STATUS_SUCCESS;
}
