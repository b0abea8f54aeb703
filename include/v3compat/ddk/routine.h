/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Functions by their names.
 */
#ifndef _V3COMPAT_DDK_ROUTINE_H
#define _V3COMPAT_DDK_ROUTINE_H

#include "../contract.h"
#include "debug.h"
#include "mdl.h"
#include "memory.h"
#include "physical.h"
#include "pool.h"
#include "spinlock.h"
#include "string.h"
#include "types.h"

/*
 * V3C_ROUTINES - what MmGetSystemRoutineAddress() finds: what is a function here, and is exported
 * by the kernel of Windows. A list in this header costs only a driver that asks for a name.
 */
#define V3C_ROUTINES(X)                                                                           \
	X(DbgPrint) X(DbgPrintEx) X(ExAllocatePool) X(ExAllocatePool2)                            \
	X(ExAllocatePoolWithQuota) X(ExAllocatePoolWithQuotaTag) X(ExAllocatePoolWithTag)         \
	X(ExAllocatePoolWithTagPriority) X(ExFreePool) X(ExFreePoolWithTag)                       \
	X(ExInterlockedInsertHeadList) X(ExInterlockedInsertTailList)                             \
	X(ExInterlockedPopEntryList) X(ExInterlockedPushEntryList)                                \
	X(ExInterlockedRemoveHeadList) X(IoAllocateMdl) X(IoBuildPartialMdl) X(IoFreeMdl)         \
	X(IoGetIommuInterface) X(IoGetIommuInterfaceEx) X(KeAcquireInStackQueuedSpinLock)         \
	X(KeAcquireInStackQueuedSpinLockAtDpcLevel) X(KeAcquireSpinLockAtDpcLevel)                \
	X(KeAcquireSpinLockForDpc) X(KeAcquireSpinLockRaiseToDpc) X(KeGetCurrentIrql)             \
	X(KeLowerIrql) X(KeReleaseInStackQueuedSpinLock)                                          \
	X(KeReleaseInStackQueuedSpinLockFromDpcLevel) X(KeReleaseSpinLock)                        \
	X(KeReleaseSpinLockForDpc) X(KeReleaseSpinLockFromDpcLevel) X(KeTestSpinLock)             \
	X(KfRaiseIrql) X(MmBuildMdlForNonPagedPool) X(MmGetPhysicalAddress)                       \
	X(MmGetSystemRoutineAddress) X(MmMapLockedPages) X(MmMapLockedPagesSpecifyCache)          \
	X(MmProbeAndLockPages) X(MmSizeOfMdl) X(MmUnlockPages) X(MmUnmapLockedPages)              \
	X(RtlAppendStringToString) X(RtlAppendUnicodeStringToString)                              \
	X(RtlAppendUnicodeToString) X(RtlAssert) X(RtlCompareMemory) X(RtlCompareMemoryUlong)     \
	X(RtlCompareString) X(RtlCompareUnicodeString) X(RtlCopyString) X(RtlCopyUnicodeString)   \
	X(RtlDowncaseUnicodeChar) X(RtlEqualString) X(RtlEqualUnicodeString)                      \
	X(RtlFillMemoryUlong) X(RtlFillMemoryUlonglong) X(RtlInitAnsiString) X(RtlInitString)     \
	X(RtlInitUnicodeString) X(RtlPrefixUnicodeString) X(RtlUpcaseUnicodeChar)                 \
	X(RtlUpperChar) X(vDbgPrintEx) X(vDbgPrintExWithPrefix)

/* What only the kernel has. */
#ifdef __KERNEL__
#define V3C_KERNEL_ROUTINES(X)                                                                    \
	X(MmAllocateContiguousMemory) X(MmAllocateContiguousMemorySpecifyCache)                   \
	X(MmAllocateContiguousMemorySpecifyCacheNode) X(MmAllocateContiguousNodeMemory)           \
	X(MmAllocatePagesForMdl) X(MmAllocatePagesForMdlEx) X(MmFreeContiguousMemory)             \
	X(MmFreeContiguousMemorySpecifyCache) X(MmFreePagesFromMdl) X(MmGetVirtualForPhysical)    \
	X(MmIsAddressValid) X(MmMapIoSpace) X(MmMapIoSpaceEx) X(MmUnmapIoSpace)
#else
#define V3C_KERNEL_ROUTINES(X)
#endif

V3COMPAT_BEGIN

/**
 * struct v3c_routine - an entry of V3C_ROUTINES
 * @name: of the function
 * @address: the function, of another type
 */
struct v3c_routine {
	PCSTR name;
	VOID (*address)(VOID);
};

/* Whether String is the ASCII string Name. */
static inline BOOLEAN V3cIsNamed(PCUNICODE_STRING String, PCSTR Name)
{
	ULONG i;

	for (i = 0; i < String->Length / sizeof(WCHAR) && Name[i]; i++)
		if (String->Buffer[i] != (UCHAR)Name[i])
			return FALSE;
	return i == String->Length / sizeof(WCHAR) && !Name[i];
}

/**
 * MmGetSystemRoutineAddress() - find a function by its name
 * @SystemRoutineName: the name, spelt as it is
 *
 * Finds the functions of <wdm.h> that are functions of Windows' kernel, too; not its macros, and
 * not what Linux exports.
 *
 * Context: Any.
 * Return: The function, or NULL where there is none of that name.
 *
 * Source: wdm.h page mmgetsystemroutineaddress.
 */
static inline PVOID MmGetSystemRoutineAddress(PUNICODE_STRING SystemRoutineName)
{
#define V3C_ROUTINE(Name) { #Name, (VOID (*)(VOID))Name },
	static const struct v3c_routine Routines[] = {
		V3C_ROUTINES(V3C_ROUTINE)
		V3C_KERNEL_ROUTINES(V3C_ROUTINE)
	};
#undef V3C_ROUTINE
	ULONG i;

	for (i = 0; i < sizeof(Routines) / sizeof(Routines[0]); i++)
		if (V3cIsNamed(SystemRoutineName, Routines[i].name))
			return (PVOID)(ULONG_PTR)Routines[i].address;
	return NULL;
}

V3COMPAT_END

#endif /* _V3COMPAT_DDK_ROUTINE_H */
