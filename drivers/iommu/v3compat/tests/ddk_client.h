/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Clients of one family of names each, which are written as source for Windows is: nothing of Linux
 * is named in them. ddk_kunit.c runs them in the kernel, and ddk_test of libv3compat in a program.
 */
#ifndef V3COMPAT_DDK_CLIENT_H
#define V3COMPAT_DDK_CLIENT_H

#include <ntddk.h>

VOID DdkFailed(PCSTR File, ULONG Line, PCSTR Condition);

/* CHECK() makes the running client fail when Condition is not so. */
#define CHECK(Condition)                                                                          \
	do {                                                                                      \
		if (!(Condition))                                                                 \
			DdkFailed(__FILE__, __LINE__, #Condition);                                \
	} while (0)

#define DDK_CLIENTS(X)                                                                            \
	X(Types)                                                                                  \
	X(Annotations)                                                                            \
	X(Statuses)                                                                               \
	X(Lists)                                                                                  \
	X(Memory)                                                                                 \
	X(Pages)                                                                                  \
	X(Strings)                                                                                \
	X(Prints)                                                                                 \
	X(Pool)                                                                                   \
	X(Physical)                                                                               \
	X(Mdls)                                                                                   \
	X(SpinLocks)                                                                              \
	X(Exceptions)                                                                             \
	X(Values)                                                                                 \
	X(Pieces)

#define DDK_CLIENT_DECLARE(Name) VOID Ddk##Name(VOID);
DDK_CLIENTS(DDK_CLIENT_DECLARE)

/* DdkPrintsFree() counts what is wrong in a build without DBG. */
ULONG DdkPrintsFree(VOID);

/* DdkPdo is a device behind an IOMMU. */
extern PDEVICE_OBJECT DdkPdo;

/* DdkRaiseAndHandle() raises a status, and gives what its handler reads after Between(). */
NTSTATUS DdkRaiseAndHandle(NTSTATUS Status, VOID (*Between)(VOID));

#endif /* V3COMPAT_DDK_CLIENT_H */
