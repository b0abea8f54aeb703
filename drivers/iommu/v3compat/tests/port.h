/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One routine twice, as Documentation/driver-api/v3compat/porting.rst shows it: port_windows.c is
 * the source for Windows, port_linux.c what a Linux developer would write in its place.
 */
#ifndef V3COMPAT_TESTS_PORT_H
#define V3COMPAT_TESTS_PORT_H

#include <ntddk.h>

#define DEVICE_READS 1
#define DEVICE_WRITES 2

/* What the driver keeps of its device. */
typedef struct _DEVICE_CONTEXT {
	PDEVICE_OBJECT Pdo;
	const DMA_IOMMU_INTERFACE_V3 *Iommu;
	PIOMMU_DMA_DOMAIN Domain;
	KSPIN_LOCK Lock;
	LIST_ENTRY Transfers;
	ULONG TransferCount;
} DEVICE_CONTEXT, *PDEVICE_CONTEXT;

/* A buffer that the device may reach. */
typedef struct _TRANSFER {
	LIST_ENTRY Entry;
	PMDL Mdl;
	IOMMU_DMA_LOGICAL_ADDRESS Logical;
} TRANSFER, *PTRANSFER;

NTSTATUS StartTransfer(PDEVICE_CONTEXT Device, PVOID Buffer, ULONG Length,
		       KPROCESSOR_MODE Mode, BOOLEAN ToDevice, PTRANSFER *TransferOut);
VOID EndTransfer(PDEVICE_CONTEXT Device, PTRANSFER Transfer);

#endif /* V3COMPAT_TESTS_PORT_H */
