// SPDX-License-Identifier: GPL-2.0
/*
 * Five pieces as drivers in public have them: what calls the table, what looks for it by its name,
 * a helper that probes and locks, an arm of a dispatch routine, and a registration of memory for
 * RDMA. They use the calls and shapes of such code, and nothing that stands for a missing name.
 */
#include "ddk_client.h"

PDEVICE_OBJECT DdkPdo;

#define PIECE_TAG 'eceP'

/*
 * A driver that asks at its start whether devices can be confined, by the members of version 1.
 */
typedef enum _CONFINEMENT {
	ConfinementUnknown,
	ConfinementAvailable,
	ConfinementUnavailable,
} CONFINEMENT;

static CONFINEMENT QueryConfinement(_In_ PDEVICE_OBJECT Pdo, _Out_ NTSTATUS *StatusOut)
{
	DMA_IOMMU_INTERFACE Interface;
	PIOMMU_DMA_DOMAIN Domain = NULL;
	CONFINEMENT Result = ConfinementUnknown;
	NTSTATUS Status = STATUS_UNSUCCESSFUL;

	PAGED_CODE();
	RtlZeroMemory(&Interface, sizeof(Interface));
	__try {
		Status = IoGetIommuInterface(DMA_IOMMU_INTERFACE_VERSION, &Interface);
		if (!NT_SUCCESS(Status)) {
			KdPrint(("no interface: 0x%08x\n", Status));
			__leave;
		}
		Status = Interface.CreateDomain(TRUE, &Domain);
		if (!NT_SUCCESS(Status))
			__leave;
		Status = Interface.AttachDevice(Domain, Pdo, 0, 1);
		if (NT_SUCCESS(Status))
			Status = Interface.DetachDevice(Domain, Pdo, 0);
		Result = NT_SUCCESS(Status) ? ConfinementAvailable : ConfinementUnavailable;
		Interface.DeleteDomain(Domain);
	} __except(EXCEPTION_EXECUTE_HANDLER) {
		Status = GetExceptionCode();
		Result = ConfinementUnavailable;
	}
	*StatusOut = Status;
	return Result;
}

/*
 * A driver that must load where the interface is not, too: it looks for both by their names.
 */
typedef NTSTATUS (*PFN_GET_IOMMU_INTERFACE)(ULONG Version, PDMA_IOMMU_INTERFACE InterfaceOut);
typedef NTSTATUS (*PFN_GET_IOMMU_INTERFACE_EX)(ULONG Version, ULONGLONG Flags,
					       PDMA_IOMMU_INTERFACE_EX InterfaceOut);

typedef struct _INTERFACE_INFO {
	ULONG Version;
	ULONG Size;
	BOOLEAN HasMap;
} INTERFACE_INFO, *PINTERFACE_INFO;

static NTSTATUS QueryByName(_In_ PCWSTR Name, _In_ ULONG Version, _Out_ PINTERFACE_INFO Info)
{
	UNICODE_STRING RoutineName;
	PVOID Routine;
	NTSTATUS Status;

	RtlZeroMemory(Info, sizeof(*Info));
	RtlInitUnicodeString(&RoutineName, Name);
	Routine = MmGetSystemRoutineAddress(&RoutineName);
	if (Routine == NULL) {
		DbgPrintEx(DPFLTR_IHVDRIVER_ID, DPFLTR_INFO_LEVEL, "no %wZ\n", &RoutineName);
		return STATUS_PROCEDURE_NOT_FOUND;
	}
	if (Version == 1) {
		DMA_IOMMU_INTERFACE Table;

		Status = ((PFN_GET_IOMMU_INTERFACE)Routine)(Version, &Table);
		if (NT_SUCCESS(Status)) {
			Info->Version = Table.Version;
			Info->Size = sizeof(Table);
			Info->HasMap = Table.MapLogicalRange != NULL;
		}
	} else {
		DMA_IOMMU_INTERFACE_EX Table;

		Status = ((PFN_GET_IOMMU_INTERFACE_EX)Routine)(Version, 0, &Table);
		if (NT_SUCCESS(Status)) {
			Info->Version = Table.Version;
			Info->Size = (ULONG)Table.Size;
			Info->HasMap = Table.V2.MapLogicalRangeEx != NULL;
		}
	}
	return Status;
}

/*
 * The helper that many drivers have around the call that raises.
 */
static NTSTATUS SafeProbeAndLock(_Inout_ PMDL Mdl, _In_ KPROCESSOR_MODE Mode,
				 _In_ LOCK_OPERATION Operation)
{
	__try {
		MmProbeAndLockPages(Mdl, Mode, Operation);
	} __except(EXCEPTION_EXECUTE_HANDLER) {
		return GetExceptionCode();
	}
	return STATUS_SUCCESS;
}

/*
 * An arm of a dispatch routine for a control code that takes the caller's buffer as it is: it is
 * locked, mapped, answered and given back. Its breaks leave the switch.
 */
#define CONTROL_ANSWER 0x222003

static NTSTATUS Control(_In_ ULONG Code, _In_ PVOID Buffer, _In_ ULONG Length,
			_Out_ PULONG Information)
{
	static const CHAR Answer[] = "from the driver";
	NTSTATUS Status = STATUS_SUCCESS;
	PMDL Mdl = NULL;
	PCHAR Mapped = NULL;

	*Information = 0;
	switch (Code) {
	case CONTROL_ANSWER:
		if (Length < sizeof(Answer)) {
			Status = STATUS_BUFFER_OVERFLOW;
			break;
		}
		Mdl = IoAllocateMdl(Buffer, Length, FALSE, TRUE, NULL);
		if (!Mdl) {
			Status = STATUS_INSUFFICIENT_RESOURCES;
			break;
		}
		try {
			MmProbeAndLockPages(Mdl, KernelMode, IoWriteAccess);
		} except(EXCEPTION_EXECUTE_HANDLER) {
			Status = GetExceptionCode();
			DbgPrint("cannot lock %p: 0x%x\n", Buffer, Status);
			IoFreeMdl(Mdl);
			break;
		}
		Mapped = MmGetSystemAddressForMdlSafe(Mdl,
						      NormalPagePriority | MdlMappingNoExecute);
		if (!Mapped) {
			Status = STATUS_INSUFFICIENT_RESOURCES;
			MmUnlockPages(Mdl);
			IoFreeMdl(Mdl);
			break;
		}
		RtlCopyBytes(Mapped, Answer, sizeof(Answer));
		*Information = sizeof(Answer);
		MmUnlockPages(Mdl);
		IoFreeMdl(Mdl);
		break;
	default:
		Status = STATUS_INVALID_DEVICE_REQUEST;
		break;
	}
	return Status;
}

/*
 * Memory is registered in segments, each with an MDL of its own, all kept in a list; what a segment
 * that fails leaves behind is taken back.
 */
#define SEGMENT_SIZE (4 * PAGE_SIZE)

typedef struct _MEMORY_SEGMENT {
	LIST_ENTRY Entry;
	PMDL Mdl;
	ULONG Pages;
} MEMORY_SEGMENT, *PMEMORY_SEGMENT;

typedef struct _MEMORY_REGION {
	LIST_ENTRY Segments;
	ULONG SegmentCount;
	ULONG PageCount;
} MEMORY_REGION, *PMEMORY_REGION;

static VOID ReleaseRegion(PMEMORY_REGION Region)
{
	PMEMORY_SEGMENT Segment;

	while (!IsListEmpty(&Region->Segments)) {
		Segment = CONTAINING_RECORD(RemoveHeadList(&Region->Segments), MEMORY_SEGMENT,
					    Entry);
		MmUnlockPages(Segment->Mdl);
		IoFreeMdl(Segment->Mdl);
		ExFreePoolWithTag(Segment, PIECE_TAG);
	}
	Region->SegmentCount = 0;
	Region->PageCount = 0;
}

static NTSTATUS RegisterSegment(PMEMORY_REGION Region, PVOID Va, ULONG Size)
{
	PMEMORY_SEGMENT Segment;
	NTSTATUS Status;

	Segment = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*Segment), PIECE_TAG);
	if (Segment == NULL)
		return STATUS_NO_MEMORY;
	Segment->Mdl = IoAllocateMdl(Va, Size, FALSE, FALSE, NULL);
	if (Segment->Mdl == NULL) {
		ExFreePoolWithTag(Segment, PIECE_TAG);
		return STATUS_NO_MEMORY;
	}
	__try {
		MmProbeAndLockPages(Segment->Mdl, KernelMode, IoModifyAccess);
		Status = STATUS_SUCCESS;
	} __except(EXCEPTION_EXECUTE_HANDLER) {
		Status = GetExceptionCode();
		IoFreeMdl(Segment->Mdl);
		ExFreePoolWithTag(Segment, PIECE_TAG);
		return Status;
	}
	Segment->Pages = ADDRESS_AND_SIZE_TO_SPAN_PAGES(Va, Size);
	InsertTailList(&Region->Segments, &Segment->Entry);
	Region->SegmentCount++;
	Region->PageCount += Segment->Pages;
	return Status;
}

static NTSTATUS RegisterRegion(PMEMORY_REGION Region, PVOID Va, SIZE_T Size)
{
	PUCHAR Next = Va;
	NTSTATUS Status = STATUS_SUCCESS;
	ULONG Part;

	ASSERT(KeGetCurrentIrql() < DISPATCH_LEVEL);
	InitializeListHead(&Region->Segments);
	Region->SegmentCount = 0;
	Region->PageCount = 0;
	while (Size) {
		Part = SEGMENT_SIZE - BYTE_OFFSET(Next);
		if (Part > Size)
			Part = (ULONG)Size;
		Status = RegisterSegment(Region, Next, Part);
		if (!NT_SUCCESS(Status))
			break;
		Next += Part;
		Size -= Part;
	}
	if (!NT_SUCCESS(Status))
		ReleaseRegion(Region);
	return Status;
}

static VOID TryRegistration(PUCHAR Buffer)
{
	MEMORY_REGION Region;
	PMEMORY_SEGMENT First;

	CHECK(RegisterRegion(&Region, Buffer + 0x800, 10 * PAGE_SIZE) == STATUS_SUCCESS);
	CHECK(Region.SegmentCount == 3);
	CHECK(Region.PageCount == 4 + 4 + 3);
	First = CONTAINING_RECORD(Region.Segments.Flink, MEMORY_SEGMENT, Entry);
	CHECK(First->Mdl->MdlFlags & MDL_PAGES_LOCKED);
	CHECK(MmGetMdlByteCount(First->Mdl) == SEGMENT_SIZE - 0x800);
	ReleaseRegion(&Region);
	CHECK(IsListEmpty(&Region.Segments));

	/* No MDL describes the end of all addresses. */
	CHECK(RegisterRegion(&Region, (PVOID)(ULONG_PTR)~0xfffULL, 2 * PAGE_SIZE) ==
	      STATUS_NO_MEMORY);
	CHECK(Region.SegmentCount == 0);
}

VOID DdkPieces(VOID)
{
	PUCHAR Buffer = ExAllocatePool2(POOL_FLAG_NON_PAGED, 11 * PAGE_SIZE, PIECE_TAG);
	INTERFACE_INFO Info;
	ULONG Information;
	NTSTATUS Status;
	PMDL Mdl;

	CHECK(Buffer != NULL);
	if (!Buffer)
		return;
	CHECK(QueryConfinement(DdkPdo, &Status) == ConfinementAvailable);
	CHECK(Status == STATUS_SUCCESS);

	CHECK(QueryByName(L"IoGetIommuInterface", 1, &Info) == STATUS_SUCCESS);
	CHECK(Info.Version == 1 && Info.HasMap);
	CHECK(QueryByName(L"IoGetIommuInterfaceEx", 3, &Info) == STATUS_SUCCESS);
	CHECK(Info.Version == 3 && Info.HasMap);
	CHECK(Info.Size == FIELD_OFFSET(DMA_IOMMU_INTERFACE_EX, V3) +
				   sizeof(DMA_IOMMU_INTERFACE_V3));
	CHECK(QueryByName(L"IoGetIommuInterfaceEy", 3, &Info) == STATUS_PROCEDURE_NOT_FOUND);

	Mdl = IoAllocateMdl(Buffer, PAGE_SIZE, FALSE, FALSE, NULL);
	CHECK(SafeProbeAndLock(Mdl, KernelMode, IoReadAccess) == STATUS_SUCCESS);
	CHECK(SafeProbeAndLock(Mdl, KernelMode, IoReadAccess) == STATUS_INVALID_PARAMETER_1);
	MmUnlockPages(Mdl);
	IoFreeMdl(Mdl);

	CHECK(Control(CONTROL_ANSWER, Buffer + 0xff8, 16, &Information) == STATUS_SUCCESS);
	CHECK(Information == 16);
	CHECK(RtlEqualMemory(Buffer + 0xff8, "from the driver", 16));
	CHECK(Control(CONTROL_ANSWER, Buffer, 15, &Information) == STATUS_BUFFER_OVERFLOW);
	CHECK(Control(0, Buffer, 16, &Information) == STATUS_INVALID_DEVICE_REQUEST);
	CHECK(Information == 0);

	TryRegistration(Buffer);
	ExFreePool(Buffer);
}
