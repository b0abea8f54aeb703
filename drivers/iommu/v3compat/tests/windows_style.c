// SPDX-License-Identifier: GPL-2.0
/*
 * The DMA part of a driver as one writes it for Windows: nothing of Linux is named here. That it
 * builds shows that the spelling of <wdm.h> is complete; wdm_kunit.c runs it on a device.
 */
#include "windows_style.h"

#define PERMISSION_READ 0x1
#define PERMISSION_WRITE 0x2

IOMMU_INTERFACE_STATE_CHANGE_CALLBACK WindowsStyleStateChange;
IOMMU_DEVICE_FAULT_HANDLER WindowsStyleFault;

/* The functions below count what a table lacks, member by member. */
#define MISSING(Table, Member) ((Table)->Member ? 0 : 1)

#define MISSING_V1(Table)                                                                         \
	(MISSING(Table, CreateDomain) + MISSING(Table, DeleteDomain) +                            \
	 MISSING(Table, AttachDevice) + MISSING(Table, DetachDevice) +                            \
	 MISSING(Table, FlushDomain) + MISSING(Table, FlushDomainByVaList) +                      \
	 MISSING(Table, QueryInputMappings) + MISSING(Table, MapLogicalRange) +                   \
	 MISSING(Table, UnmapLogicalRange) + MISSING(Table, MapIdentityRange) +                   \
	 MISSING(Table, UnmapIdentityRange) + MISSING(Table, SetDeviceFaultReporting) +           \
	 MISSING(Table, ConfigureDomain))

#define MISSING_V2(Table)                                                                         \
	(MISSING(Table, CreateDomainEx) + MISSING(Table, DeleteDomain) +                          \
	 MISSING(Table, AttachDeviceEx) + MISSING(Table, DetachDeviceEx) +                        \
	 MISSING(Table, FlushDomain) + MISSING(Table, FlushDomainByVaList) +                      \
	 MISSING(Table, QueryInputMappings) + MISSING(Table, MapLogicalRangeEx) +                 \
	 MISSING(Table, UnmapLogicalRange) + MISSING(Table, MapIdentityRangeEx) +                 \
	 MISSING(Table, UnmapIdentityRangeEx) + MISSING(Table, SetDeviceFaultReportingEx) +       \
	 MISSING(Table, ConfigureDomain) + MISSING(Table, QueryAvailableDomainTypes) +            \
	 MISSING(Table, RegisterInterfaceStateChangeCallback) +                                   \
	 MISSING(Table, UnregisterInterfaceStateChangeCallback) +                                 \
	 MISSING(Table, ReserveLogicalAddressRange) +                                             \
	 MISSING(Table, FreeReservedLogicalAddressRange) +                                        \
	 MISSING(Table, MapReservedLogicalRange) + MISSING(Table, UnmapReservedLogicalRange) +    \
	 MISSING(Table, CreateDevice) + MISSING(Table, DeleteDevice))

_Use_decl_annotations_
ULONG WindowsStyleMissingLegacy(const DMA_IOMMU_INTERFACE *Interface)
{
	return MISSING_V1(Interface);
}

_Use_decl_annotations_
ULONG WindowsStyleMissingV1(const DMA_IOMMU_INTERFACE_V1 *Table)
{
	return MISSING_V1(Table);
}

_Use_decl_annotations_
ULONG WindowsStyleMissingV2(const DMA_IOMMU_INTERFACE_V2 *Table)
{
	return MISSING_V2(Table);
}

_Use_decl_annotations_
ULONG WindowsStyleMissingV3(const DMA_IOMMU_INTERFACE_V3 *Table)
{
	return MISSING_V2(Table) + MISSING(Table, CreatePasidDevice) +
	       MISSING(Table, DeletePasidDevice) + MISSING(Table, AttachPasidDevice) +
	       MISSING(Table, DetachPasidDevice) + MISSING(Table, QueryDeviceInfo);
}

/* Counts the bit fields that are not where Windows has them. */
ULONG WindowsStyleBadBits(VOID)
{
	IOMMU_DMA_DOMAIN_CREATION_FLAGS Creation = { .Reserved = ~0ull };
	IOMMU_INTERFACE_STATE_CHANGE_FIELDS Fields = { 0 };
	FAULT_INFORMATION_ARM64_FLAGS Arm64 = { 0 };
	FAULT_INFORMATION_X64_FLAGS X64 = { 0 };
	ULONG Bits, Bad = 0;

	Bad += Creation.AsUlonglong != ~0ull;

	Fields.AvailableDomainTypes = 1;
	Bad += Fields.AsULONG != 0x1;
	Fields.AsULONG = 0;
	Fields.Reserved = 1;
	Bad += Fields.AsULONG != 0x2;

	Arm64.WriteNotRead = 1;
	RtlCopyMemory(&Bits, &Arm64, sizeof(Bits));
	Bad += Bits != 0x1;
	RtlZeroMemory(&Arm64, sizeof(Arm64));
	Arm64.InstructionNotData = 1;
	RtlCopyMemory(&Bits, &Arm64, sizeof(Bits));
	Bad += Bits != 0x2;
	RtlZeroMemory(&Arm64, sizeof(Arm64));
	Arm64.Privileged = 1;
	RtlCopyMemory(&Bits, &Arm64, sizeof(Bits));
	Bad += Bits != 0x4;
	RtlZeroMemory(&Arm64, sizeof(Arm64));
	Arm64.FaultAddressValid = 1;
	RtlCopyMemory(&Bits, &Arm64, sizeof(Bits));
	Bad += Bits != 0x8;
	RtlZeroMemory(&Arm64, sizeof(Arm64));
	Arm64.Reserved = 1;
	RtlCopyMemory(&Bits, &Arm64, sizeof(Bits));
	Bad += Bits != 0x10;

	X64.FaultAddressValid = 1;
	RtlCopyMemory(&Bits, &X64, sizeof(Bits));
	Bad += Bits != 0x1;
	X64.FaultAddressValid = 0;
	X64.Reserved = 1;
	RtlCopyMemory(&Bits, &X64, sizeof(Bits));
	Bad += Bits != 0x2;
	return Bad;
}

static ULONG DescribeFault(PFAULT_INFORMATION Fault)
{
	PFAULT_INFORMATION_ARM64 Arm64 = &Fault->Arm64;
	PFAULT_INFORMATION_X64 X64 = &Fault->X64;

	switch (Fault->Type) {
	case FaultInformationArm64:
		if (!Arm64->DomainHandle || !Arm64->PhysicalDeviceObject ||
		    !Arm64->IommuBaseAddress)
			return 0;
		return Arm64->Flags.FaultAddressValid && Arm64->FaultAddress ?
			       (ULONG)Arm64->Type + Arm64->InputMappingId :
			       0;
	case FaultInformationX64:
		if (!X64->DomainHandle || !X64->IommuBaseAddress)
			return 0;
		return X64->Flags.FaultAddressValid && X64->FaultAddress ?
			       (ULONG)X64->Type + X64->PciSegment + Fault->IsStage1 :
			       0;
	case FaultInformationInvalid:
	default:
		return MaxFaultType;
	}
}

_Use_decl_annotations_
VOID WindowsStyleFault(PVOID Context, PFAULT_INFORMATION FaultInformation)
{
	PULONG LastFault = Context;

	PAGED_CODE();
	*LastFault = DescribeFault(FaultInformation);
}

_Use_decl_annotations_
VOID WindowsStyleStateChange(PIOMMU_INTERFACE_STATE_CHANGE StateChange, PVOID Context)
{
	PWINDOWS_STYLE_RESULT Result = Context;

	if (StateChange->PresentFields.AvailableDomainTypes &&
	    (StateChange->AvailableDomainTypes & (1u << DomainTypeTranslate)))
		Result->Callbacks++;
}

static VOID FillArm64(PDOMAIN_CONFIGURATION Configuration, PHYSICAL_ADDRESS Root)
{
	PDOMAIN_CONFIGURATION_ARM64 Arm64 = &Configuration->Arm64;

	Configuration->Type = DomainConfigurationArm64;
	Arm64->Ttbr0 = Root;
	Arm64->Ttbr1.QuadPart = 0;
	Arm64->Mair0 = 0xff;
	Arm64->Mair1 = 0;
	Arm64->InputSize0 = 48;
	Arm64->InputSize1 = 0;
	Arm64->CoherentTableWalks = TRUE;
	Arm64->TranslationEnabled = TRUE;
}

static VOID FillX64(PDOMAIN_CONFIGURATION Configuration, PHYSICAL_ADDRESS Root)
{
	PDOMAIN_CONFIGURATION_X64 X64 = &Configuration->X64;

	Configuration->Type = DomainConfigurationX64;
	X64->FirstLevelPageTableRoot.LowPart = Root.LowPart;
	X64->FirstLevelPageTableRoot.u.HighPart = Root.u.HighPart;
	X64->TranslationEnabled = TRUE;
}

/*
 * Reads every type that a driver fills or reads back; the count is how many did not hold what was
 * put in.
 */
ULONG WindowsStyleSpellings(VOID)
{
	IOMMU_DEVICE_CREATION_CONFIGURATION Acpi = { .ConfigType =
							     IommuDeviceCreationConfigTypeAcpi };
	IOMMU_DEVICE_CREATION_CONFIGURATION Id = { .ConfigType =
							   IommuDeviceCreationConfigTypeDeviceId };
	IOMMU_DEVICE_CREATION_CONFIGURATION None = { .ConfigType =
							     IommuDeviceCreationConfigTypeNone };
	DOMAIN_CONFIGURATION Configuration = { .Type = DomainConfigurationInvalid };
	INPUT_MAPPING_ELEMENT Element = { .InputMappingId = 7 };
	PIOMMU_DEVICE_CREATION_CONFIGURATION Found;
	FAULT_INFORMATION Fault;
	PHYSICAL_ADDRESS Root;
	LIST_ENTRY Head;
	ULONG Bad = 0;

	Root.QuadPart = 0x123456000;
	FillArm64(&Configuration, Root);
	Bad += Configuration.Arm64.Ttbr0.QuadPart != Root.QuadPart;
	FillX64(&Configuration, Root);
	Bad += Configuration.X64.FirstLevelPageTableRoot.QuadPart != Root.QuadPart;

	Acpi.Acpi.InputMappingBase = 16;
	Acpi.Acpi.MappingsCount = 2;
	Id.DeviceId = &Head;
	InitializeListHead(&Head);
	InsertTailList(&Head, &Acpi.NextConfiguration);
	InsertTailList(&Head, &Id.NextConfiguration);
	InsertHeadList(&Head, &None.NextConfiguration);
	Bad += RemoveEntryList(&None.NextConfiguration) != FALSE;
	Found = CONTAINING_RECORD(Head.Blink, IOMMU_DEVICE_CREATION_CONFIGURATION,
				  NextConfiguration);
	Bad += Found->DeviceId != &Head || IsListEmpty(&Head);

	RtlZeroMemory(&Fault, sizeof(Fault));
	Fault.Type = FaultInformationX64;
	Fault.X64.DomainHandle = &Fault;
	Fault.X64.FaultAddress = &Fault;
	Fault.X64.Flags.FaultAddressValid = TRUE;
	Fault.X64.Type = TranslationFault;
	Fault.X64.IommuBaseAddress = 0xfed90000;
	Bad += DescribeFault(&Fault) != TranslationFault;
	Bad += Element.InputMappingId != 7;
	return Bad;
}

/* One step of a run. The first that fails is the one reported. */
static BOOLEAN Step(PWINDOWS_STYLE_RESULT Result, NTSTATUS Status)
{
	if (NT_SUCCESS(Result->Status)) {
		Result->Step++;
		Result->Status = Status;
	}
	return NT_SUCCESS(Status);
}

static BOOLEAN StepTrue(PWINDOWS_STYLE_RESULT Result, BOOLEAN Condition)
{
	return Step(Result, Condition ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL);
}

static BOOLEAN RunMdl(PDMA_IOMMU_INTERFACE_V3 If, PIOMMU_DMA_DOMAIN Domain, PDEVICE_OBJECT Pdo,
		      PVOID Buffer, PWINDOWS_STYLE_DMA Dma, PWINDOWS_STYLE_RESULT Result)
{
	IOMMU_DMA_LOGICAL_ADDRESS Min = 0x100000;
	SIZE_T Max = 0xffffffff;
	ULONG_PTR Logical;
	IOMMU_MAP_PHYSICAL_ADDRESS Map = { .MapType = MapPhysicalAddressTypeMdl };
	BOOLEAN Ok = FALSE;
	PMDLX Mdl;

	Mdl = IoAllocateMdl(Buffer, PAGE_SIZE, FALSE, FALSE, NULL);
	if (!Step(Result, Mdl ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES))
		return FALSE;
	MmBuildMdlForNonPagedPool(Mdl);
	Map.Mdl.Mdl = Mdl;
	if (!Step(Result, If->MapLogicalRangeEx(Domain, PERMISSION_READ | PERMISSION_WRITE, &Map,
						NULL, &Min, &Max, &Logical)))
		goto Exit;
	Result->DataReached =
		Dma(Pdo, Logical, MmGetMdlVirtualAddress(Mdl), MmGetMdlByteCount(Mdl));
	Ok = Step(Result,
		  If->UnmapLogicalRange(Domain, Logical,
					ADDRESS_AND_SIZE_TO_SPAN_PAGES(Buffer, PAGE_SIZE))) &&
	     StepTrue(Result, !Dma(Pdo, Logical, Buffer, PAGE_SIZE));
Exit:
	IoFreeMdl(Mdl);
	return Ok;
}

static BOOLEAN RunReserved(PDMA_IOMMU_INTERFACE_V3 If, PIOMMU_DMA_DOMAIN Domain,
			   ULONG64 *PageFrame, PWINDOWS_STYLE_RESULT Result)
{
	IOMMU_MAP_PHYSICAL_ADDRESS Map = { .MapType = MapPhysicalAddressTypePfn };
	IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT Segment;
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN Token;
	BOOLEAN Ok = FALSE;

	Map.PfnArray.PageFrame = PageFrame;
	Map.PfnArray.NumberOfPages = 1;
	if (!Step(Result, If->ReserveLogicalAddressRange(Domain, 4 * PAGE_SIZE, NULL, NULL, NULL,
							 &Token)))
		return FALSE;
	if (Step(Result, If->MapReservedLogicalRange(Token, PAGE_SIZE, PERMISSION_READ, &Map,
						     &Segment))) {
		Ok = StepTrue(Result, Segment.OwningToken == Token && Segment.Offset == PAGE_SIZE &&
					      Segment.Size == PAGE_SIZE &&
					      Token->Size == 4 * PAGE_SIZE &&
					      Token->LogicalAddressBase != 0);
		Ok = Step(Result, If->UnmapReservedLogicalRange(&Segment)) && Ok;
	}
	return Step(Result, If->FreeReservedLogicalAddressRange(Token)) && Ok;
}

static BOOLEAN RunIdentity(PDMA_IOMMU_INTERFACE_V3 If, PHYSICAL_ADDRESS Physical,
			   PWINDOWS_STYLE_RESULT Result)
{
	IOMMU_DMA_RESERVED_REGION Second = { .Base = 0x200000,
					     .NumberOfPages = 1,
					     .ShouldMap = FALSE };
	IOMMU_DMA_RESERVED_REGION First = { .RegionNext = &Second,
					    .Base = 0x100000,
					    .NumberOfPages = 2 };
	IOMMU_MAP_PHYSICAL_ADDRESS Map = { .MapType = MapPhysicalAddressTypeContiguousRange };
	IOMMU_DMA_DOMAIN_CREATION_FLAGS Flags = { .AsUlonglong = 0 };
	PIOMMU_DMA_DOMAIN Domain;
	BOOLEAN Ok;

	Map.ContiguousRange.Base = Physical;
	Map.ContiguousRange.Size = PAGE_SIZE;
	if (!Step(Result, If->CreateDomainEx(DomainTypeTranslate, Flags, NULL, &First, &Domain)))
		return FALSE;
	Ok = Step(Result, If->MapIdentityRangeEx(Domain, PERMISSION_READ, &Map)) &&
	     Step(Result, If->FlushDomain(Domain)) &&
	     Step(Result, If->FlushDomainByVaList(Domain, TRUE, 1, &Physical.QuadPart)) &&
	     Step(Result, If->UnmapIdentityRangeEx(Domain, &Map));
	return Step(Result, If->DeleteDomain(Domain)) && Ok;
}

/*
 * Members whose page has them refuse a device without PASIDs, or a domain that the system manages.
 */
static BOOLEAN RunRefusals(PDMA_IOMMU_INTERFACE_V3 If, PIOMMU_DMA_DOMAIN Domain,
			   PIOMMU_DMA_DEVICE Device, PWINDOWS_STYLE_RESULT Result)
{
	DOMAIN_CONFIGURATION Configuration = { .Type = DomainConfigurationX64 };
	DEVICE_FAULT_CONFIGURATION FaultConfig = { .FaultHandler = WindowsStyleFault };
	PIOMMU_DMA_PASID_DEVICE SubDevice = NULL;
	ULONG Asid, LastFault;

	FaultConfig.FaultContext = &LastFault;
	if (NT_SUCCESS(If->SetDeviceFaultReportingEx(Device, 0, TRUE, &FaultConfig)))
		If->SetDeviceFaultReportingEx(Device, 0, FALSE, NULL);

	return StepTrue(Result, If->ConfigureDomain(Domain, &Configuration) ==
					STATUS_INVALID_PARAMETER_1) &&
	       StepTrue(Result, If->CreatePasidDevice(Device, &SubDevice, &Asid) ==
					STATUS_INVALID_PARAMETER_1) &&
	       StepTrue(Result,
			If->AttachPasidDevice(Domain, NULL) == STATUS_INVALID_PARAMETER_2) &&
	       StepTrue(Result, If->DetachPasidDevice(NULL) == STATUS_INVALID_PARAMETER_1) &&
	       StepTrue(Result, If->DeletePasidDevice(NULL) == STATUS_INVALID_PARAMETER_1);
}

static BOOLEAN RunQueries(PDMA_IOMMU_INTERFACE_V3 If, PDEVICE_OBJECT Pdo, PIOMMU_DMA_DEVICE Device,
			  PWINDOWS_STYLE_RESULT Result)
{
	IOMMU_INTERFACE_STATE_CHANGE_FIELDS Fields = { .AvailableDomainTypes = 1 };
	IOMMU_DMA_DEVICE_INFORMATION Information = { .PasidTaggedDmaEnabled = TRUE };
	ULONG Types = 0, Written = 0, Length = 0;

	If->QueryAvailableDomainTypes(Device, &Types);
	if (!StepTrue(Result, (Types & (1u << DomainTypeTranslate)) != 0))
		return FALSE;
	if (!Step(Result,
		  If->QueryDeviceInfo(Device, sizeof(Information), &Written, &Information)) ||
	    !StepTrue(Result, Written == sizeof(Information) && Information.DefaultPasidEnabled &&
				      !Information.PasidTaggedDmaEnabled &&
				      !Information.PasidFaultsSuppressed))
		return FALSE;
	If->QueryInputMappings(Pdo, NULL, 0, &Length);

	if (NT_SUCCESS(If->RegisterInterfaceStateChangeCallback(WindowsStyleStateChange, Result,
								Device, &Fields)))
		return Step(Result, If->UnregisterInterfaceStateChangeCallback(
					    WindowsStyleStateChange, Device));
	return TRUE;
}

_Use_decl_annotations_
VOID WindowsStyleRun(struct _DEVICE_OBJECT *Pdo, PVOID Buffer, PPFN_NUMBER PageFrame,
		     PWINDOWS_STYLE_DMA Dma, PWINDOWS_STYLE_RESULT Result)
{
	IOMMU_DEVICE_CREATION_CONFIGURATION Config = { .ConfigType =
							       IommuDeviceCreationConfigTypePasid };
	IOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG Allocator = {
		.LogicalAllocatorType = IommuDmaLogicalAllocatorBuddy
	};
	IOMMU_DMA_DOMAIN_CREATION_FLAGS Flags = { .AsUlonglong = 0 };
	DMA_IOMMU_INTERFACE_EX Interface;
	PDMA_IOMMU_INTERFACE_V3 If = &Interface.V3;
	PIOMMU_DMA_DOMAIN Domain = NULL;
	PIOMMU_DMA_DEVICE Device = NULL;
	PHYSICAL_ADDRESS Physical;

	PAGED_CODE();
	RtlZeroMemory(Result, sizeof(*Result));
	RtlZeroMemory(&Interface, sizeof(Interface));
	if (!Step(Result, IoGetIommuInterfaceEx(DMA_IOMMU_INTERFACE_EX_VERSION_3, 0, &Interface)))
		return;

	InitializeListHead(&Config.NextConfiguration);
	Config.Pasid.ConfigType = PasidConfigTypeDefaultPasidOnly;
	Config.Pasid.SuppressPasidFaults = FALSE;
	if (!Step(Result, If->CreateDevice(Pdo, &Config, &Device)))
		return;
	Allocator.BuddyAllocatorConfig.AddressWidth = 40;
	if (!Step(Result,
		  If->CreateDomainEx(DomainTypeTranslate, Flags, &Allocator, NULL, &Domain)) ||
	    !Step(Result, If->AttachDeviceEx(Domain, Device)))
		goto Exit;

	Physical.QuadPart = *PageFrame << PAGE_SHIFT;
	if (RunQueries(If, Pdo, Device, Result) && RunMdl(If, Domain, Pdo, Buffer, Dma, Result) &&
	    RunReserved(If, Domain, PageFrame, Result) && RunIdentity(If, Physical, Result) &&
	    RunRefusals(If, Domain, Device, Result))
		Result->Finished = TRUE;
	Step(Result, If->DetachDeviceEx(Device));
Exit:
	if (Domain)
		Step(Result, If->DeleteDomain(Domain));
	Step(Result, If->DeleteDevice(Device));
}
