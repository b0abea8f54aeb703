// SPDX-License-Identifier: GPL-2.0
/*
 * The source for Windows that port.h speaks of. It compiles as it is.
 */
#include "port.h"

#define TRANSFER_TAG 'refT'

/* The guide begins here. */
_IRQL_requires_max_(APC_LEVEL)
_Must_inspect_result_
NTSTATUS
StartTransfer(
	_In_ PDEVICE_CONTEXT Device,
	_In_reads_bytes_(Length) PVOID Buffer,
	_In_ ULONG Length,
	_In_ KPROCESSOR_MODE Mode,
	_In_ BOOLEAN ToDevice,
	_Outptr_ PTRANSFER *TransferOut
	)
{
	IOMMU_MAP_PHYSICAL_ADDRESS Memory;
	PTRANSFER Transfer = NULL;
	BOOLEAN Locked = FALSE;
	NTSTATUS Status;
	KIRQL OldIrql;

	PAGED_CODE();
	*TransferOut = NULL;

	__try {
		__try {
			Transfer = (PTRANSFER)ExAllocatePool2(POOL_FLAG_NON_PAGED,
							      sizeof(TRANSFER), TRANSFER_TAG);
			if (Transfer == NULL) {
				Status = STATUS_INSUFFICIENT_RESOURCES;
				__leave;
			}
			Transfer->Mdl = IoAllocateMdl(Buffer, Length, FALSE, FALSE, NULL);
			if (Transfer->Mdl == NULL) {
				Status = STATUS_INSUFFICIENT_RESOURCES;
				__leave;
			}
			MmProbeAndLockPages(Transfer->Mdl, Mode,
					    ToDevice ? IoReadAccess : IoWriteAccess);
			Locked = TRUE;

			RtlZeroMemory(&Memory, sizeof(Memory));
			Memory.MapType = MapPhysicalAddressTypeMdl;
			Memory.Mdl.Mdl = Transfer->Mdl;
			Status = Device->Iommu->MapLogicalRangeEx(Device->Domain,
								  ToDevice ? DEVICE_READS :
									     DEVICE_WRITES,
								  &Memory, NULL, NULL, NULL,
								  &Transfer->Logical);
			if (!NT_SUCCESS(Status))
				__leave;

			KeAcquireSpinLock(&Device->Lock, &OldIrql);
			InsertTailList(&Device->Transfers, &Transfer->Entry);
			Device->TransferCount++;
			KeReleaseSpinLock(&Device->Lock, OldIrql);

			*TransferOut = Transfer;
			Transfer = NULL;
		} __finally {
			/* What the transfer did not take over. */
			if (Transfer != NULL) {
				if (Locked)
					MmUnlockPages(Transfer->Mdl);
				if (Transfer->Mdl != NULL)
					IoFreeMdl(Transfer->Mdl);
				ExFreePoolWithTag(Transfer, TRANSFER_TAG);
			}
		}
	} __except(EXCEPTION_EXECUTE_HANDLER) {
		Status = GetExceptionCode();
		KdPrint(("buffer %p cannot be locked: 0x%08x\n", Buffer, Status));
	}
	return Status;
}

/* Called from the DPC of the device's interrupt. */
_IRQL_requires_max_(DISPATCH_LEVEL)
VOID
EndTransfer(
	_In_ PDEVICE_CONTEXT Device,
	_In_ PTRANSFER Transfer
	)
{
	KIRQL OldIrql;

	KeAcquireSpinLock(&Device->Lock, &OldIrql);
	RemoveEntryList(&Transfer->Entry);
	Device->TransferCount--;
	KeReleaseSpinLock(&Device->Lock, OldIrql);

	Device->Iommu->UnmapLogicalRange(Device->Domain, Transfer->Logical,
					 BYTES_TO_PAGES(MmGetMdlByteCount(Transfer->Mdl)));
	MmUnlockPages(Transfer->Mdl);
	IoFreeMdl(Transfer->Mdl);
	ExFreePoolWithTag(Transfer, TRANSFER_TAG);
}
/* The guide ends here. */
