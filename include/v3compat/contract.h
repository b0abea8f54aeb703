/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The interface itself: what <wdm.h> says, but for what a kernel or a library puts around it. It
 * includes nothing but its parts, so that it is the same for drivers and for programs.
 */
#ifndef _V3COMPAT_CONTRACT_H
#define _V3COMPAT_CONTRACT_H

#include "ddk/irql.h"
#include "ddk/list.h"
#include "ddk/mdl.h"
#include "ddk/sal.h"
#include "ddk/status.h"
#include "ddk/types.h"

V3COMPAT_BEGIN

typedef struct _IOMMU_DMA_DOMAIN IOMMU_DMA_DOMAIN, *PIOMMU_DMA_DOMAIN;
typedef struct _IOMMU_DMA_DEVICE IOMMU_DMA_DEVICE, *PIOMMU_DMA_DEVICE;
typedef struct _IOMMU_DMA_PASID_DEVICE IOMMU_DMA_PASID_DEVICE, *PIOMMU_DMA_PASID_DEVICE;
typedef ULONGLONG IOMMU_DMA_LOGICAL_ADDRESS, *PIOMMU_DMA_LOGICAL_ADDRESS;

/**
 * enum _IOMMU_DMA_DOMAIN_TYPE - what a domain does with the addresses of its devices
 * @DomainTypeTranslate: translates them by mappings made through this interface
 * @DomainTypePassThrough: takes them as physical addresses. Available as the DMA-guard policy
 *	allows
 * @DomainTypeUnmanaged: translates them by page tables that the caller owns and flushes
 * @DomainTypeTranslateS1: as DomainTypeTranslate, by a first-stage table, the kind that PASIDs need
 * @DomainTypeMax: number of types; refused
 *
 * The bit of a type in a mask of types is 1 << type.
 *
 * Source: wdm.h page _iommu_dma_domain_type.
 */
enum _IOMMU_DMA_DOMAIN_TYPE {
	DomainTypeTranslate = 0,
	DomainTypePassThrough = 1,
	DomainTypeUnmanaged = 2,
	DomainTypeTranslateS1 = 3,
	DomainTypeMax = 4,
};

typedef enum _IOMMU_DMA_DOMAIN_TYPE IOMMU_DMA_DOMAIN_TYPE, *PIOMMU_DMA_DOMAIN_TYPE;

/**
 * union _IOMMU_DMA_DOMAIN_CREATION_FLAGS - options of a new domain; none exists
 * @Reserved: must be 0
 * @AsUlonglong: the whole, must be 0
 *
 * Source: wdm.h page _iommu_dma_domain_creation_flags.
 */
typedef union _IOMMU_DMA_DOMAIN_CREATION_FLAGS {
	struct {
		ULONGLONG Reserved : 64;
	};
	ULONGLONG AsUlonglong;
} IOMMU_DMA_DOMAIN_CREATION_FLAGS, *PIOMMU_DMA_DOMAIN_CREATION_FLAGS;
V3COMPAT_LAYOUT(IOMMU_DMA_DOMAIN_CREATION_FLAGS, 0x8);

/**
 * enum _IOMMU_MAP_PHYSICAL_ADDRESS_TYPE - forms of a physical description
 * @MapPhysicalAddressTypeMdl: an MDL or a chain of MDLs
 * @MapPhysicalAddressTypeContiguousRange: one physical range
 * @MapPhysicalAddressTypePfn: an array of page frame numbers
 * @MapPhysicalAddressTypeMax: number of forms; refused
 *
 * Source: wdm.h page _iommu_map_physical_address_type.
 */
enum _IOMMU_MAP_PHYSICAL_ADDRESS_TYPE {
	MapPhysicalAddressTypeMdl = 0,
	MapPhysicalAddressTypeContiguousRange = 1,
	MapPhysicalAddressTypePfn = 2,
	MapPhysicalAddressTypeMax = 3,
};

typedef enum _IOMMU_MAP_PHYSICAL_ADDRESS_TYPE IOMMU_MAP_PHYSICAL_ADDRESS_TYPE;
typedef enum _IOMMU_MAP_PHYSICAL_ADDRESS_TYPE *PIOMMU_MAP_PHYSICAL_ADDRESS_TYPE;

/**
 * struct _IOMMU_MAP_PHYSICAL_ADDRESS - physical memory to map
 * @MapType: which of the following applies
 * @Mdl: for MapPhysicalAddressTypeMdl
 * @Mdl.Mdl: an MDL with pages; _MDL.Next is followed
 * @ContiguousRange: for MapPhysicalAddressTypeContiguousRange
 * @ContiguousRange.Base: physical address in bytes
 * @ContiguousRange.Size: bytes
 * @PfnArray: for MapPhysicalAddressTypePfn
 * @PfnArray.PageFrame: page frame numbers, that is physical addresses / 4096
 * @PfnArray.NumberOfPages: how many
 *
 * Begins on a page boundary and is whole pages, at least one; otherwise, or with an unknown form, a
 * NULL pointer, an MDL without pages or a range that wraps, the call returns the status of this
 * parameter's ordinal. Read only during the call. The memory itself is neither pinned nor
 * referenced: it has to stay until it is unmapped.
 *
 * Source: wdm.h page _iommu_map_physical_address.
 */
typedef struct _IOMMU_MAP_PHYSICAL_ADDRESS {
	IOMMU_MAP_PHYSICAL_ADDRESS_TYPE MapType;
	union {
		struct {
			PMDL Mdl;
		} Mdl;
		struct {
			PHYSICAL_ADDRESS Base;
			SIZE_T Size;
		} ContiguousRange;
		struct {
			PPFN_NUMBER PageFrame;
			SIZE_T NumberOfPages;
		} PfnArray;
	};
} IOMMU_MAP_PHYSICAL_ADDRESS, *PIOMMU_MAP_PHYSICAL_ADDRESS;
V3COMPAT_LAYOUT(IOMMU_MAP_PHYSICAL_ADDRESS, 0x18);

/**
 * enum _IOMMU_DMA_LOGICAL_ALLOCATOR_TYPE - who chooses logical addresses
 * @IommuDmaLogicalAllocatorNone: nobody; refused. A domain without allocator is created with a NULL
 *	configuration
 * @IommuDmaLogicalAllocatorBuddy: the system, in naturally aligned power-of-two blocks
 * @IommuDmaLogicalAllocatorMax: number of types; refused
 *
 * Source: wdm.h page _iommu_dma_logical_allocator_type.
 */
enum _IOMMU_DMA_LOGICAL_ALLOCATOR_TYPE {
	IommuDmaLogicalAllocatorNone = 0,
	IommuDmaLogicalAllocatorBuddy = 1,
	IommuDmaLogicalAllocatorMax = 2,
};

typedef enum _IOMMU_DMA_LOGICAL_ALLOCATOR_TYPE IOMMU_DMA_LOGICAL_ALLOCATOR_TYPE;
typedef enum _IOMMU_DMA_LOGICAL_ALLOCATOR_TYPE *PIOMMU_DMA_LOGICAL_ALLOCATOR_TYPE;

/**
 * struct _IOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG - address allocator of a domain
 * @LogicalAllocatorType: IommuDmaLogicalAllocatorBuddy
 * @BuddyAllocatorConfig: for that type
 * @BuddyAllocatorConfig.AddressWidth: bits in a logical address, 13 to 63; capped by what the IOMMU
 *	translates. Should be the width of the narrowest device that will be attached
 *
 * The allocator prefers low addresses, never hands out page 0, and takes no explicit addresses.
 *
 * Source: wdm.h page _iommu_dma_logical_allocator_config.
 */
typedef struct _IOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG {
	IOMMU_DMA_LOGICAL_ALLOCATOR_TYPE LogicalAllocatorType;
	union {
		struct {
			ULONG AddressWidth;
		} BuddyAllocatorConfig;
	};
} IOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG, *PIOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG;
V3COMPAT_LAYOUT(IOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG, 0x8);

/**
 * struct _IOMMU_DMA_RESERVED_REGION - logical range that a new domain treats specially
 * @RegionNext: next region of the list, NULL in the last
 * @Base: first logical address, page-aligned
 * @NumberOfPages: 4 KiB pages, at least one
 * @ShouldMap: TRUE: mapped to the same physical addresses, for reading and writing. FALSE: never
 *	mapped
 *
 * Neither kind is handed out by an allocator, and no explicit mapping may touch it. The list is
 * read during the call only.
 *
 * Source: wdm.h page _iommu_dma_reserved_region.
 */
typedef struct _IOMMU_DMA_RESERVED_REGION {
	struct _IOMMU_DMA_RESERVED_REGION *RegionNext;
	IOMMU_DMA_LOGICAL_ADDRESS Base;
	SIZE_T NumberOfPages;
	BOOLEAN ShouldMap;
} IOMMU_DMA_RESERVED_REGION, *PIOMMU_DMA_RESERVED_REGION;
V3COMPAT_LAYOUT(IOMMU_DMA_RESERVED_REGION, 0x20);

/**
 * struct _IOMMU_DMA_LOGICAL_ADDRESS_TOKEN - reserved logical range
 * @LogicalAddressBase: its first logical address
 * @Size: bytes asked for
 *
 * Belongs to the system: read it, do not write or copy it.
 *
 * Source: wdm.h page _iommu_dma_logical_address_token.
 */
typedef struct _IOMMU_DMA_LOGICAL_ADDRESS_TOKEN {
	IOMMU_DMA_LOGICAL_ADDRESS LogicalAddressBase;
	SIZE_T Size;
} IOMMU_DMA_LOGICAL_ADDRESS_TOKEN, *PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN;
V3COMPAT_LAYOUT(IOMMU_DMA_LOGICAL_ADDRESS_TOKEN, 0x10);

/**
 * struct _IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT - live mapping inside a token
 * @OwningToken: the token
 * @Offset: where in the token it begins, in bytes
 * @Size: bytes
 *
 * Plain data in storage of the caller's own. Device-visible address:
 * OwningToken->LogicalAddressBase + Offset.
 *
 * Source: wdm.h page _iommu_dma_logical_address_token_mapped_segment.
 */
typedef struct _IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT {
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN OwningToken;
	SIZE_T Offset;
	SIZE_T Size;
} IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT, *PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT;
V3COMPAT_LAYOUT(IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT, 0x18);

/**
 * union _IOMMU_INTERFACE_STATE_CHANGE_FIELDS - selects fields of IOMMU_INTERFACE_STATE_CHANGE
 * @AvailableDomainTypes: the mask of domain types
 * @Reserved: must be 0
 * @AsULONG: the whole
 *
 * Source: wdm.h page _iommu_interface_state_change_fields.
 */
typedef union _IOMMU_INTERFACE_STATE_CHANGE_FIELDS {
	struct {
		ULONG AvailableDomainTypes : 1;
		ULONG Reserved : 31;
	};
	ULONG AsULONG;
} IOMMU_INTERFACE_STATE_CHANGE_FIELDS, *PIOMMU_INTERFACE_STATE_CHANGE_FIELDS;
V3COMPAT_LAYOUT(IOMMU_INTERFACE_STATE_CHANGE_FIELDS, 0x4);

/**
 * struct _IOMMU_INTERFACE_STATE_CHANGE - state of the interface as one device sees it
 * @PresentFields: which of the others changed
 * @AvailableDomainTypes: the complete new mask of 1 << IOMMU_DMA_DOMAIN_TYPE
 *
 * Source: wdm.h page _iommu_interface_state_change.
 */
typedef struct _IOMMU_INTERFACE_STATE_CHANGE {
	IOMMU_INTERFACE_STATE_CHANGE_FIELDS PresentFields;
	ULONG AvailableDomainTypes;
} IOMMU_INTERFACE_STATE_CHANGE, *PIOMMU_INTERFACE_STATE_CHANGE;
V3COMPAT_LAYOUT(IOMMU_INTERFACE_STATE_CHANGE, 0x8);

/**
 * enum _IOMMU_DEVICE_CREATION_CONFIGURATION_TYPE - kinds of device configuration
 * @IommuDeviceCreationConfigTypeNone: none; refused in a list
 * @IommuDeviceCreationConfigTypeAcpi: input mappings of an ACPI device, ARM64 only
 * @IommuDeviceCreationConfigTypeDeviceId: undocumented; refused
 * @IommuDeviceCreationConfigTypePasid: use of PASIDs
 * @IommuDeviceCreationConfigTypeMax: number of kinds; refused
 *
 * Source: wdm.h page _iommu_device_creation_configuration_type.
 */
enum _IOMMU_DEVICE_CREATION_CONFIGURATION_TYPE {
	IommuDeviceCreationConfigTypeNone = 0,
	IommuDeviceCreationConfigTypeAcpi = 1,
	IommuDeviceCreationConfigTypeDeviceId = 2,
	IommuDeviceCreationConfigTypePasid = 3,
	IommuDeviceCreationConfigTypeMax = 4,
};

typedef enum _IOMMU_DEVICE_CREATION_CONFIGURATION_TYPE IOMMU_DEVICE_CREATION_CONFIGURATION_TYPE;
typedef enum _IOMMU_DEVICE_CREATION_CONFIGURATION_TYPE *PIOMMU_DEVICE_CREATION_CONFIGURATION_TYPE;

/**
 * struct _IOMMU_DEVICE_CREATION_CONFIGURATION_ACPI - input mappings of an ACPI device
 * @InputMappingBase: first input mapping
 * @MappingsCount: how many from there
 *
 * Source: wdm.h page _iommu_device_creation_configuration_acpi.
 */
typedef struct _IOMMU_DEVICE_CREATION_CONFIGURATION_ACPI {
	UINT32 InputMappingBase;
	UINT32 MappingsCount;
} IOMMU_DEVICE_CREATION_CONFIGURATION_ACPI, *PIOMMU_DEVICE_CREATION_CONFIGURATION_ACPI;
V3COMPAT_LAYOUT(IOMMU_DEVICE_CREATION_CONFIGURATION_ACPI, 0x8);

/**
 * enum _IOMMU_PASID_CONFIGURATION_TYPE - use of PASIDs, for the life of a DMA device
 * @PasidConfigTypeDefaultPasidOnly: untagged DMA only
 * @PasidConfigTypePasidTaggedDma: DMA tagged with PASIDs as well; sub-devices can be created
 * @PasidConfigTypeMax: number of types; refused
 *
 * Source: wdm.h page _iommu_pasid_configuration_type.
 */
enum _IOMMU_PASID_CONFIGURATION_TYPE {
	PasidConfigTypeDefaultPasidOnly = 0,
	PasidConfigTypePasidTaggedDma = 1,
	PasidConfigTypeMax = 2,
};

typedef enum _IOMMU_PASID_CONFIGURATION_TYPE IOMMU_PASID_CONFIGURATION_TYPE;
typedef enum _IOMMU_PASID_CONFIGURATION_TYPE *PIOMMU_PASID_CONFIGURATION_TYPE;

/**
 * struct _IOMMU_DEVICE_CREATION_CONFIGURATION_PASID - use of PASIDs by a device
 * @ConfigType: an IOMMU_PASID_CONFIGURATION_TYPE
 * @SuppressPasidFaults: TRUE: faults of tagged DMA are not reported
 *
 * Source: wdm.h page _iommu_device_creation_configuration_pasid.
 */
typedef struct _IOMMU_DEVICE_CREATION_CONFIGURATION_PASID {
	IOMMU_PASID_CONFIGURATION_TYPE ConfigType;
	BOOLEAN SuppressPasidFaults;
} IOMMU_DEVICE_CREATION_CONFIGURATION_PASID, *PIOMMU_DEVICE_CREATION_CONFIGURATION_PASID;
V3COMPAT_LAYOUT(IOMMU_DEVICE_CREATION_CONFIGURATION_PASID, 0x8);

/**
 * struct _IOMMU_DEVICE_CREATION_CONFIGURATION - entry of a device's configuration list
 * @NextConfiguration: links the entries in a circle without a separate head; a single entry points
 *	to itself or is left zeroed
 * @ConfigType: which of the following applies
 * @Acpi: for IommuDeviceCreationConfigTypeAcpi
 * @DeviceId: for IommuDeviceCreationConfigTypeDeviceId
 * @Pasid: for IommuDeviceCreationConfigTypePasid
 *
 * Source: wdm.h page _iommu_device_creation_configuration.
 */
typedef struct _IOMMU_DEVICE_CREATION_CONFIGURATION {
	LIST_ENTRY NextConfiguration;
	IOMMU_DEVICE_CREATION_CONFIGURATION_TYPE ConfigType;
	union {
		IOMMU_DEVICE_CREATION_CONFIGURATION_ACPI Acpi;
		PVOID DeviceId;
		IOMMU_DEVICE_CREATION_CONFIGURATION_PASID Pasid;
	};
} IOMMU_DEVICE_CREATION_CONFIGURATION, *PIOMMU_DEVICE_CREATION_CONFIGURATION;
V3COMPAT_LAYOUT(IOMMU_DEVICE_CREATION_CONFIGURATION, 0x20);

/**
 * struct _IOMMU_DMA_DEVICE_INFORMATION - how a DMA device was created
 * @DefaultPasidEnabled: TRUE: untagged DMA goes through a default PASID
 * @PasidTaggedDmaEnabled: TRUE: sub-devices can be created
 * @PasidFaultsSuppressed: TRUE: faults of tagged DMA are not reported
 *
 * Source: wdm.h page _iommu_dma_device_information.
 */
typedef struct _IOMMU_DMA_DEVICE_INFORMATION {
	BOOLEAN DefaultPasidEnabled;
	BOOLEAN PasidTaggedDmaEnabled;
	BOOLEAN PasidFaultsSuppressed;
} IOMMU_DMA_DEVICE_INFORMATION, *PIOMMU_DMA_DEVICE_INFORMATION;
V3COMPAT_LAYOUT(IOMMU_DMA_DEVICE_INFORMATION, 3);

/**
 * enum _DOMAIN_CONFIGURATION_ARCH - formats of page tables that a caller owns
 * @DomainConfigurationArm64: ARM64, 4 KiB granule
 * @DomainConfigurationX64: x86-64
 * @DomainConfigurationInvalid: refused
 *
 * Source: wdm.h page _domain_configuration_arch.
 */
enum _DOMAIN_CONFIGURATION_ARCH {
	DomainConfigurationArm64 = 0,
	DomainConfigurationX64 = 1,
	DomainConfigurationInvalid = 2,
};

typedef enum _DOMAIN_CONFIGURATION_ARCH DOMAIN_CONFIGURATION_ARCH, *PDOMAIN_CONFIGURATION_ARCH;

/**
 * struct _DOMAIN_CONFIGURATION_ARM64 - ARM64 page tables that a caller owns
 * @Ttbr0: physical address of translation table 0
 * @Ttbr1: physical address of translation table 1
 * @Mair0: memory attribute indirection, low half; ignored
 * @Mair1: memory attribute indirection, high half; ignored
 * @InputSize0: bits of input address for table 0: 16 to 48, or 0 for none
 * @InputSize1: bits of input address for table 1, likewise
 * @CoherentTableWalks: TRUE: table walks see the caches; ignored
 * @TranslationEnabled: FALSE: everything bypasses stage 1
 *
 * Source: wdm.h page _domain_configuration_arm64.
 */
typedef struct _DOMAIN_CONFIGURATION_ARM64 {
	PHYSICAL_ADDRESS Ttbr0;
	PHYSICAL_ADDRESS Ttbr1;
	ULONG Mair0;
	ULONG Mair1;
	UCHAR InputSize0;
	UCHAR InputSize1;
	BOOLEAN CoherentTableWalks;
	BOOLEAN TranslationEnabled;
} DOMAIN_CONFIGURATION_ARM64, *PDOMAIN_CONFIGURATION_ARM64;
V3COMPAT_LAYOUT(DOMAIN_CONFIGURATION_ARM64, 0x20);

/**
 * struct _DOMAIN_CONFIGURATION_X64 - x86-64 page tables that a caller owns
 * @FirstLevelPageTableRoot: physical address of the root table, of the depth that the processor
 *	uses
 * @TranslationEnabled: FALSE: everything bypasses the tables
 *
 * Source: wdm.h page _domain_configuration_x64.
 */
typedef struct _DOMAIN_CONFIGURATION_X64 {
	PHYSICAL_ADDRESS FirstLevelPageTableRoot;
	BOOLEAN TranslationEnabled;
} DOMAIN_CONFIGURATION_X64, *PDOMAIN_CONFIGURATION_X64;
V3COMPAT_LAYOUT(DOMAIN_CONFIGURATION_X64, 0x10);

/**
 * struct _DOMAIN_CONFIGURATION - page tables for an Unmanaged domain
 * @Type: which of the following applies
 * @Arm64: for DomainConfigurationArm64
 * @X64: for DomainConfigurationX64
 *
 * Source: wdm.h page _domain_configuration.
 */
typedef struct _DOMAIN_CONFIGURATION {
	DOMAIN_CONFIGURATION_ARCH Type;
	union {
		DOMAIN_CONFIGURATION_ARM64 Arm64;
		DOMAIN_CONFIGURATION_X64 X64;
	};
} DOMAIN_CONFIGURATION, *PDOMAIN_CONFIGURATION;
V3COMPAT_LAYOUT(DOMAIN_CONFIGURATION, 0x28);

/**
 * struct _INPUT_MAPPING_ELEMENT - one number by which an IOMMU knows a device
 * @InputMappingId: stream ID, or PCI requester ID
 *
 * Source: wdm.h page _input_mapping_element.
 */
typedef struct _INPUT_MAPPING_ELEMENT {
	ULONG InputMappingId;
} INPUT_MAPPING_ELEMENT, *PINPUT_MAPPING_ELEMENT;
V3COMPAT_LAYOUT(INPUT_MAPPING_ELEMENT, 0x4);

/**
 * enum _FAULT_INFORMATION_ARCH - forms of a fault report
 * @FaultInformationInvalid: no report
 * @FaultInformationArm64: ARM64
 * @FaultInformationX64: x86-64
 *
 * Source: wdm.h page _fault_information_arch.
 */
enum _FAULT_INFORMATION_ARCH {
	FaultInformationInvalid = 0,
	FaultInformationArm64 = 1,
	FaultInformationX64 = 2,
};

typedef enum _FAULT_INFORMATION_ARCH FAULT_INFORMATION_ARCH, *PFAULT_INFORMATION_ARCH;

/**
 * enum _FAULT_INFORMATION_ARM64_TYPE - why DMA was refused; also FAULT_INFORMATION_X64_TYPE
 * @UnsupportedUpstreamTransaction: a transaction the IOMMU does not know
 * @AddressSizeFault: an address wider than the table translates
 * @TlbMatchConflict: two translations for one address
 * @ExternalFault: the table could not be read
 * @PermissionFault: mapped, but not for this access
 * @AccessFlagFault: mapped, but marked as never accessed
 * @TranslationFault: not mapped
 * @MaxFaultType: number of reasons
 *
 * Source: wdm.h page _fault_information_arm64_type.
 */
enum _FAULT_INFORMATION_ARM64_TYPE {
	UnsupportedUpstreamTransaction = 0,
	AddressSizeFault = 1,
	TlbMatchConflict = 2,
	ExternalFault = 3,
	PermissionFault = 4,
	AccessFlagFault = 5,
	TranslationFault = 6,
	MaxFaultType = 7,
};

typedef enum _FAULT_INFORMATION_ARM64_TYPE FAULT_INFORMATION_ARM64_TYPE;
typedef enum _FAULT_INFORMATION_ARM64_TYPE *PFAULT_INFORMATION_ARM64_TYPE;
typedef FAULT_INFORMATION_ARM64_TYPE FAULT_INFORMATION_X64_TYPE, *PFAULT_INFORMATION_X64_TYPE;

/**
 * struct _FAULT_INFORMATION_ARM64_FLAGS - details of a fault
 * @WriteNotRead: 1: a write, 0: a read
 * @InstructionNotData: 1: an instruction fetch
 * @Privileged: 1: a privileged access
 * @FaultAddressValid: 1: the report has the address
 * @Reserved: 0
 *
 * Source: wdm.h page _fault_information_arm64_flags.
 */
typedef struct _FAULT_INFORMATION_ARM64_FLAGS {
	ULONG WriteNotRead : 1;
	ULONG InstructionNotData : 1;
	ULONG Privileged : 1;
	ULONG FaultAddressValid : 1;
	ULONG Reserved : 28;
} FAULT_INFORMATION_ARM64_FLAGS, *PFAULT_INFORMATION_ARM64_FLAGS;
V3COMPAT_LAYOUT(FAULT_INFORMATION_ARM64_FLAGS, 0x4);

/**
 * struct _FAULT_INFORMATION_ARM64 - fault report, ARM64
 * @DomainHandle: the PIOMMU_DMA_DOMAIN
 * @FaultAddress: logical address, if Flags.FaultAddressValid
 * @PhysicalDeviceObject: the device
 * @InputMappingId: its number at the IOMMU
 * @Flags: details
 * @Type: the reason
 * @IommuBaseAddress: physical address of the IOMMU's registers, 0 if unknown
 *
 * Source: wdm.h page _fault_information_arm64.
 */
typedef struct _FAULT_INFORMATION_ARM64 {
	PVOID DomainHandle;
	PVOID FaultAddress;
	PDEVICE_OBJECT PhysicalDeviceObject;
	ULONG InputMappingId;
	FAULT_INFORMATION_ARM64_FLAGS Flags;
	FAULT_INFORMATION_ARM64_TYPE Type;
	ULONG64 IommuBaseAddress;
} FAULT_INFORMATION_ARM64, *PFAULT_INFORMATION_ARM64;
V3COMPAT_LAYOUT(FAULT_INFORMATION_ARM64, 0x30);

/**
 * struct _FAULT_INFORMATION_X64_FLAGS - details of a fault
 * @FaultAddressValid: 1: the report has the address
 * @Reserved: 0
 */
typedef struct _FAULT_INFORMATION_X64_FLAGS {
	ULONG FaultAddressValid : 1;
	ULONG Reserved : 31;
} FAULT_INFORMATION_X64_FLAGS, *PFAULT_INFORMATION_X64_FLAGS;
V3COMPAT_LAYOUT(FAULT_INFORMATION_X64_FLAGS, 0x4);

/**
 * struct _FAULT_INFORMATION_X64 - fault report, x86-64
 * @DomainHandle: the PIOMMU_DMA_DOMAIN
 * @FaultAddress: logical address, if Flags.FaultAddressValid
 * @Flags: details
 * @Type: the reason
 * @IommuBaseAddress: physical address of the IOMMU's registers, 0 if unknown
 * @PciSegment: PCI segment of the device
 */
typedef struct _FAULT_INFORMATION_X64 {
	PVOID DomainHandle;
	PVOID FaultAddress;
	FAULT_INFORMATION_X64_FLAGS Flags;
	FAULT_INFORMATION_X64_TYPE Type;
	ULONG64 IommuBaseAddress;
	ULONG PciSegment;
} FAULT_INFORMATION_X64, *PFAULT_INFORMATION_X64;
V3COMPAT_LAYOUT(FAULT_INFORMATION_X64, 0x28);

/**
 * struct _FAULT_INFORMATION - fault report
 * @Type: which of the following applies
 * @IsStage1: TRUE: a first-stage table refused
 * @Arm64: for FaultInformationArm64
 * @X64: for FaultInformationX64
 *
 * Source: wdm.h page _fault_information.
 */
typedef struct _FAULT_INFORMATION {
	FAULT_INFORMATION_ARCH Type;
	BOOLEAN IsStage1;
	union {
		FAULT_INFORMATION_ARM64 Arm64;
		FAULT_INFORMATION_X64 X64;
	};
} FAULT_INFORMATION, *PFAULT_INFORMATION;
V3COMPAT_LAYOUT(FAULT_INFORMATION, 0x38);

/**
 * typedef IOMMU_DEVICE_FAULT_HANDLER - a driver's receiver of fault reports
 * @Context: DEVICE_FAULT_CONFIGURATION.FaultContext
 * @FaultInformation: the report, valid during the call
 *
 * Context: Process context (PASSIVE_LEVEL).
 *
 * Source: wdm.h page iommu_device_fault_handler.
 */
typedef VOID IOMMU_DEVICE_FAULT_HANDLER(PVOID Context, PFAULT_INFORMATION FaultInformation);
typedef IOMMU_DEVICE_FAULT_HANDLER *PIOMMU_DEVICE_FAULT_HANDLER;

/**
 * struct _DEVICE_FAULT_CONFIGURATION - where faults of a device go
 * @FaultHandler: the driver's receiver
 * @FaultContext: passed to it
 *
 * Source: wdm.h page _device_fault_configuration.
 */
typedef struct _DEVICE_FAULT_CONFIGURATION {
	PIOMMU_DEVICE_FAULT_HANDLER FaultHandler;
	PVOID FaultContext;
} DEVICE_FAULT_CONFIGURATION, *PDEVICE_FAULT_CONFIGURATION;
V3COMPAT_LAYOUT(DEVICE_FAULT_CONFIGURATION, 0x10);

/**
 * typedef IOMMU_INTERFACE_STATE_CHANGE_CALLBACK - a driver's receiver of state changes
 * @StateChange: the new state, valid during the call
 * @Context: as registered
 *
 * Called once on the registering thread before registration returns, with all selected fields
 * present, then on a thread of the system on every difference; never twice at a time for a device.
 * It may use the interface, also to unregister itself. It must not wait for anybody who may wait
 * for it: who unregisters it or sets the guard policy.
 *
 * Context: Process context (PASSIVE_LEVEL), no locks held; may sleep.
 *
 * Source: wdm.h page iommu_interface_state_change_callback.
 */
typedef VOID IOMMU_INTERFACE_STATE_CHANGE_CALLBACK(PIOMMU_INTERFACE_STATE_CHANGE StateChange,
						   PVOID Context);
typedef IOMMU_INTERFACE_STATE_CHANGE_CALLBACK *PIOMMU_INTERFACE_STATE_CHANGE_CALLBACK;

/**
 * typedef IOMMU_DOMAIN_CREATE_EX - create a domain (CreateDomainEx, V2 and V3)
 * @DomainType: an IOMMU_DMA_DOMAIN_TYPE
 * @Flags: 0
 * @LogicalAllocatorConfig: NULL: the caller chooses logical addresses; otherwise the allocator does
 * @ReservedRegions: NULL, or a list of ranges to map 1:1 or to leave out
 * @DomainOut: receives the domain, to be deleted by DeleteDomain
 *
 * The domain has no devices yet; it can be mapped into at once.
 *
 * Context: Process context (PASSIVE_LEVEL); may sleep. Made from atomic context it warns once and
 * returns STATUS_UNSUCCESSFUL.
 *
 * Return:
 * * STATUS_SUCCESS - created
 * * STATUS_INVALID_PARAMETER_1 - @DomainType is none
 * * STATUS_INVALID_PARAMETER_2 - @Flags is not 0
 * * STATUS_INVALID_PARAMETER_3 - unknown allocator type, its width is not 13 to 63, or the domain
 *   is PassThrough or Unmanaged
 * * STATUS_INVALID_PARAMETER_4 - a region is misaligned, empty, wraps, overlaps another or lies
 *   beyond what the domain translates, the list has a loop, or the domain is PassThrough or
 *   Unmanaged
 * * STATUS_INVALID_PARAMETER_5 - @DomainOut is NULL
 * * STATUS_NOT_SUPPORTED - no IOMMU is there to translate, the type is not available, or it is
 *   PassThrough and the guard policy allows that to no device
 * * STATUS_INSUFFICIENT_RESOURCES - out of memory
 *
 * Source: wdm.h page iommu_domain_create_ex.
 */
typedef NTSTATUS IOMMU_DOMAIN_CREATE_EX(IOMMU_DMA_DOMAIN_TYPE DomainType,
					IOMMU_DMA_DOMAIN_CREATION_FLAGS Flags,
					PIOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG LogicalAllocatorConfig,
					PIOMMU_DMA_RESERVED_REGION ReservedRegions,
					PIOMMU_DMA_DOMAIN *DomainOut);
typedef IOMMU_DOMAIN_CREATE_EX *PIOMMU_DOMAIN_CREATE_EX;

/**
 * typedef IOMMU_DOMAIN_DELETE - delete a domain (DeleteDomain, every version)
 * @Domain: has no device, no PASID sub-device and no token. Live mappings go with it
 *
 * Context: Process context (PASSIVE_LEVEL); may sleep. Made from atomic context it warns once and
 * returns STATUS_UNSUCCESSFUL.
 *
 * Return:
 * * STATUS_SUCCESS - deleted
 * * STATUS_INVALID_PARAMETER_1 - @Domain is NULL, stale or no domain
 * * STATUS_RESOURCE_IN_USE - a device, sub-device or token is left
 *
 * Source: wdm.h page iommu_domain_delete.
 */
typedef NTSTATUS IOMMU_DOMAIN_DELETE(PIOMMU_DMA_DOMAIN Domain);
typedef IOMMU_DOMAIN_DELETE *PIOMMU_DOMAIN_DELETE;

/**
 * typedef IOMMU_DOMAIN_ATTACH_DEVICE_EX - let a domain translate for a device (AttachDeviceEx)
 * @Domain: may have other devices already
 * @DmaDevice: attached to no domain. Should do no DMA while it is switched
 *
 * Context: Process context (PASSIVE_LEVEL); may sleep. Made from atomic context it warns once and
 * returns STATUS_UNSUCCESSFUL.
 *
 * Return:
 * * STATUS_SUCCESS - the device goes through the domain
 * * STATUS_INVALID_PARAMETER_1 - @Domain is NULL, stale or no domain
 * * STATUS_INVALID_PARAMETER_2 - @DmaDevice is NULL, stale, no device, or its hardware is gone
 * * STATUS_INVALID_PARAMETER - the device is attached already (also as another DMA device), a
 *   region that the hardware reserves overlaps a live mapping, or its IOMMU does not reach all that
 *   is mapped
 * * STATUS_ACCESS_DENIED - the device may not use this type of domain now, see
 *   QueryAvailableDomainTypes, others hold the group that shares its translation, or interrupts of
 *   the group would write into memory (where MSIs are translated, as on ARM64)
 * * STATUS_INSUFFICIENT_RESOURCES - out of memory
 *
 * Source: wdm.h page iommu_domain_attach_device_ex.
 */
typedef NTSTATUS IOMMU_DOMAIN_ATTACH_DEVICE_EX(PIOMMU_DMA_DOMAIN Domain,
					       PIOMMU_DMA_DEVICE DmaDevice);
typedef IOMMU_DOMAIN_ATTACH_DEVICE_EX *PIOMMU_DOMAIN_ATTACH_DEVICE_EX;

/**
 * typedef IOMMU_DOMAIN_DETACH_DEVICE_EX - end the attachment of a device (DetachDeviceEx)
 * @DmaDevice: should do no DMA any more
 *
 * Mappings of the domain stay. The device is blocked, or back on the default of the system where an
 * ordinary Linux driver is bound to it.
 *
 * Context: Process context (PASSIVE_LEVEL); may sleep. Made from atomic context it warns once and
 * returns STATUS_UNSUCCESSFUL.
 *
 * Return:
 * * STATUS_SUCCESS - detached
 * * STATUS_INVALID_PARAMETER_1 - @DmaDevice is attached nowhere, NULL, stale, no device, or its
 *   hardware is gone
 *
 * Source: wdm.h page iommu_domain_detach_device_ex.
 */
typedef NTSTATUS IOMMU_DOMAIN_DETACH_DEVICE_EX(PIOMMU_DMA_DEVICE DmaDevice);
typedef IOMMU_DOMAIN_DETACH_DEVICE_EX *PIOMMU_DOMAIN_DETACH_DEVICE_EX;

/**
 * typedef IOMMU_FLUSH_DOMAIN - flush a whole domain (FlushDomain)
 * @Domain: of any type. Needed only where the caller owns the page tables, after every change to
 *	them: unmapping flushes by itself
 *
 * Context: Any up to softirq, also with spinlocks held (<= DISPATCH_LEVEL).
 *
 * Return:
 * * STATUS_SUCCESS - devices translate as the tables say; nothing old is cached
 * * STATUS_INVALID_PARAMETER_1 - @Domain is NULL, stale or no domain
 * * STATUS_INSUFFICIENT_RESOURCES - no memory for all that the caller's tables translate, or the
 *   thread was killed: some of it is blocked until the next flush. Nothing old is cached, unless in
 *   atomic context there was more to compare than one call does: then that may be for a moment
 *   still
 *
 * Source: wdm.h page iommu_flush_domain.
 */
typedef NTSTATUS IOMMU_FLUSH_DOMAIN(PIOMMU_DMA_DOMAIN Domain);
typedef IOMMU_FLUSH_DOMAIN *PIOMMU_FLUSH_DOMAIN;

/**
 * typedef IOMMU_FLUSH_DOMAIN_VA_LIST - flush pages of a domain (FlushDomainByVaList)
 * @Domain: of any type
 * @LastLevel: TRUE: only leaf entries changed. FALSE: tables above them too. Both do the same
 * @Number: addresses in @VaList; 0 flushes nothing
 * @VaList: array of 8-byte logical addresses; the low 12 bits are ignored. One address flushes all
 *	of the block that it is or was in
 *
 * Context: Any up to softirq, also with spinlocks held (<= DISPATCH_LEVEL).
 *
 * Return:
 * * STATUS_SUCCESS - nothing old is cached for these pages
 * * STATUS_INVALID_PARAMETER_1 - @Domain is NULL, stale or no domain
 * * STATUS_INVALID_PARAMETER_4 - @VaList is NULL though @Number is not 0
 * * STATUS_INSUFFICIENT_RESOURCES - as for IOMMU_FLUSH_DOMAIN
 *
 * Source: wdm.h page iommu_flush_domain_va_list.
 */
typedef NTSTATUS IOMMU_FLUSH_DOMAIN_VA_LIST(PIOMMU_DMA_DOMAIN Domain, BOOLEAN LastLevel,
					    ULONG Number, PVOID VaList);
typedef IOMMU_FLUSH_DOMAIN_VA_LIST *PIOMMU_FLUSH_DOMAIN_VA_LIST;

/**
 * typedef IOMMU_QUERY_INPUT_MAPPINGS - numbers of a device (QueryInputMappings)
 * @PhysicalDeviceObject: the Linux device
 * @Buffer: receives one element per number
 * @BufferLength: bytes in @Buffer
 * @ReturnLength: NULL, or receives the bytes written; the bytes needed if there are too few
 *
 * Works on every architecture: stream IDs where firmware describes them, else the PCI requester ID.
 *
 * Context: Process context (PASSIVE_LEVEL); may sleep. Made from atomic context it warns once and
 * returns STATUS_UNSUCCESSFUL.
 *
 * Return:
 * * STATUS_SUCCESS - written
 * * STATUS_INVALID_PARAMETER_1 - @PhysicalDeviceObject is NULL
 * * STATUS_INVALID_PARAMETER_2 - @Buffer is NULL though @BufferLength is not 0
 * * STATUS_BUFFER_TOO_SMALL - nothing written to @Buffer
 * * STATUS_UNSUCCESSFUL - the device has no such number
 *
 * Source: wdm.h page iommu_query_input_mappings.
 */
typedef NTSTATUS IOMMU_QUERY_INPUT_MAPPINGS(PDEVICE_OBJECT PhysicalDeviceObject,
					    PINPUT_MAPPING_ELEMENT Buffer, ULONG BufferLength,
					    PULONG ReturnLength);
typedef IOMMU_QUERY_INPUT_MAPPINGS *PIOMMU_QUERY_INPUT_MAPPINGS;

/**
 * typedef IOMMU_MAP_LOGICAL_RANGE_EX - map memory to one logical range (MapLogicalRangeEx)
 * @Domain: of type Translate or TranslateS1
 * @Permissions: bit 0: the device may read; bit 1: it may write. At least one, no other bit
 * @PhysicalAddressToMap: the memory. Scattered pages become contiguous for the device
 * @ExplicitLogicalAddress: the first logical address, where the domain has no allocator; otherwise
 *	NULL
 * @MinLogicalAddress: NULL, or the lowest address the allocator may use
 * @MaxLogicalAddress: NULL, or the last byte it may use
 * @LogicalAddressOut: receives the first logical address
 *
 * Needs no attached device. Undone by UnmapLogicalRange.
 *
 * Context: Any up to softirq, also with spinlocks held (<= DISPATCH_LEVEL).
 *
 * Return:
 * * STATUS_SUCCESS - mapped
 * * STATUS_INVALID_PARAMETER_1 - @Domain is NULL, stale, no domain, or of another type
 * * STATUS_INVALID_PARAMETER_2 - @Permissions has no bit or a reserved one
 * * STATUS_INVALID_PARAMETER_3 - the description is NULL, misaligned, not whole pages or empty
 * * STATUS_INVALID_PARAMETER_4 - the explicit address is misaligned, wraps, or lies beyond what is
 *   translated
 * * STATUS_INVALID_PARAMETER_7 - @LogicalAddressOut is NULL
 * * STATUS_INVALID_PARAMETER_MIX - nothing free between the bounds
 * * STATUS_IN_USE - the explicit range touches a mapping, a token or a reserved region
 * * STATUS_NOT_SUPPORTED - an explicit address with an allocator, or none without
 * * STATUS_INSUFFICIENT_RESOURCES - out of memory, or of addresses without bounds; or the list is
 *   longer than is done for a caller that cannot sleep
 * * STATUS_UNSUCCESSFUL - out of memory, and the IOMMU driver kept some of what was mapped till
 *   then: devices may reach the memory until the domain is deleted
 *
 * Source: wdm.h page iommu_map_logical_range_ex.
 */
typedef NTSTATUS IOMMU_MAP_LOGICAL_RANGE_EX(PIOMMU_DMA_DOMAIN Domain, ULONG Permissions,
					    PIOMMU_MAP_PHYSICAL_ADDRESS PhysicalAddressToMap,
					    PIOMMU_DMA_LOGICAL_ADDRESS ExplicitLogicalAddress,
					    PIOMMU_DMA_LOGICAL_ADDRESS MinLogicalAddress,
					    PIOMMU_DMA_LOGICAL_ADDRESS MaxLogicalAddress,
					    PIOMMU_DMA_LOGICAL_ADDRESS LogicalAddressOut);
typedef IOMMU_MAP_LOGICAL_RANGE_EX *PIOMMU_MAP_LOGICAL_RANGE_EX;

/**
 * typedef IOMMU_UNMAP_LOGICAL_RANGE - remove mappings (UnmapLogicalRange, every version)
 * @Domain: of type Translate or TranslateS1
 * @LogicalAddress: first logical address, page-aligned
 * @NumberOfPages: 4 KiB pages
 *
 * Covers one mapping; without allocator also several adjacent ones, or a part of one where no
 * hardware large page is cut. When it returns no device reaches the pages through any TLB.
 *
 * Context: Any up to softirq, also with spinlocks held (<= DISPATCH_LEVEL).
 *
 * Return:
 * * STATUS_SUCCESS - unmapped
 * * STATUS_INVALID_PARAMETER_1 - @Domain is NULL, stale, no domain, or of another type
 * * STATUS_INVALID_PARAMETER_2 - @LogicalAddress is misaligned
 * * STATUS_INVALID_PARAMETER_3 - @NumberOfPages is 0, or the range wraps
 * * STATUS_INVALID_PARAMETER - not exactly mappings of MapLogicalRange(Ex): a hole, a token, an
 *   identity mapping, a reserved region, or a cut through a large page. Nothing changed
 * * STATUS_INSUFFICIENT_RESOURCES - out of memory to cut a mapping, or more of them at once than
 *   is done for a caller that cannot sleep. Nothing changed
 * * STATUS_UNSUCCESSFUL - the IOMMU driver kept some of it: devices may reach the memory until the
 *   domain is deleted
 *
 * Source: wdm.h page iommu_unmap_logical_range.
 */
typedef NTSTATUS IOMMU_UNMAP_LOGICAL_RANGE(PIOMMU_DMA_DOMAIN Domain, ULONGLONG LogicalAddress,
					   ULONGLONG NumberOfPages);
typedef IOMMU_UNMAP_LOGICAL_RANGE *PIOMMU_UNMAP_LOGICAL_RANGE;

/**
 * typedef IOMMU_MAP_IDENTITY_RANGE_EX - map memory to its physical addresses (MapIdentityRangeEx)
 * @Domain: of type Translate or TranslateS1 without allocator, or PassThrough, where nothing needs
 *	to be done
 * @Permissions: bit 0: the device may read; bit 1: it may write. At least one, no other bit
 * @PhysicalAddressToMap: the memory; each page maps to itself, so the range is as scattered as the
 *	memory
 *
 * Context: Any up to softirq, also with spinlocks held (<= DISPATCH_LEVEL).
 *
 * Return:
 * * STATUS_SUCCESS - mapped
 * * STATUS_INVALID_PARAMETER_1 - @Domain is NULL, stale, no domain, or of another type
 * * STATUS_INVALID_PARAMETER_2 - @Permissions has no bit or a reserved one
 * * STATUS_INVALID_PARAMETER_3 - the description is NULL, misaligned, not whole pages, empty, or
 *   lies beyond what is translated
 * * STATUS_IN_USE - some of it touches a mapping, a token or a reserved region
 * * STATUS_NOT_SUPPORTED - the domain has an allocator
 * * STATUS_INSUFFICIENT_RESOURCES - out of memory; or the list is longer than is done for a caller
 *   that cannot sleep
 * * STATUS_UNSUCCESSFUL - out of memory, and the IOMMU driver kept some of what was mapped till
 *   then: devices may reach the memory until the domain is deleted
 *
 * Source: wdm.h page iommu_map_identity_range_ex.
 */
typedef NTSTATUS IOMMU_MAP_IDENTITY_RANGE_EX(PIOMMU_DMA_DOMAIN Domain, ULONG Permissions,
					     PIOMMU_MAP_PHYSICAL_ADDRESS PhysicalAddressToMap);
typedef IOMMU_MAP_IDENTITY_RANGE_EX *PIOMMU_MAP_IDENTITY_RANGE_EX;

/**
 * typedef IOMMU_UNMAP_IDENTITY_RANGE_EX - undo MapIdentityRangeEx (UnmapIdentityRangeEx)
 * @Domain: as there
 * @MappedPhysicalAddress: the memory; any form that describes the same pages
 *
 * Context: Any up to softirq, also with spinlocks held (<= DISPATCH_LEVEL).
 *
 * Return:
 * * STATUS_SUCCESS - unmapped
 * * STATUS_INVALID_PARAMETER_1 - @Domain is NULL, stale, no domain, or of another type
 * * STATUS_INVALID_PARAMETER_2 - the description is NULL, misaligned, not whole pages or empty
 * * STATUS_INVALID_PARAMETER - some of it is not mapped so. Nothing changed, unless the list has
 *   more than 8 runs and there was no memory to copy it: then runs in front may be unmapped
 * * STATUS_NOT_SUPPORTED - the domain has an allocator
 * * STATUS_INSUFFICIENT_RESOURCES - out of memory to cut a mapping; or more of them in a run, or a
 *   longer list, than is done for a caller that cannot sleep. Nothing changed, but as above
 * * STATUS_UNSUCCESSFUL - the IOMMU driver kept some of it: devices may reach the memory until the
 *   domain is deleted
 *
 * Source: wdm.h page iommu_unmap_identity_range_ex.
 */
typedef NTSTATUS IOMMU_UNMAP_IDENTITY_RANGE_EX(PIOMMU_DMA_DOMAIN Domain,
					       PIOMMU_MAP_PHYSICAL_ADDRESS MappedPhysicalAddress);
typedef IOMMU_UNMAP_IDENTITY_RANGE_EX *PIOMMU_UNMAP_IDENTITY_RANGE_EX;

/**
 * typedef IOMMU_SET_DEVICE_FAULT_REPORTING_EX - set where faults go (SetDeviceFaultReportingEx)
 * @DmaDevice: a device; to enable, it or a sub-device of it is attached
 * @InputMappingIdBase: its first input mapping; 0 except for ACPI devices on ARM64
 * @Enable: TRUE: report to @FaultConfig. FALSE: stop
 * @FaultConfig: the receiver, copied; read only when enabling
 *
 * The handler is called in process context, with no lock held, one call at a time for each device.
 * It may use the interface, also to disable itself and to delete the device. Reports wait in a
 * queue; those that find it full are dropped and counted, see v3compat_fault_of().
 *
 * After disabling, DeleteDevice() and V1's DetachDevice() no call begins any more, and the one that
 * was under way has returned, unless it was the caller. Reports that still wait are dropped then.
 * Detaching and removal of the device change nothing: reports that wait are delivered.
 *
 * Context: Process context (PASSIVE_LEVEL); may sleep. Made from atomic context it warns once and
 * returns STATUS_UNSUCCESSFUL. Disabling waits for the handler: hold nothing that it may want.
 *
 * Return: One of
 *
 * * STATUS_SUCCESS
 * * STATUS_NOT_IMPLEMENTED - nothing tells about faults of the device
 * * STATUS_INVALID_PARAMETER_1 - no device; or, to enable, it was removed, or neither it nor a
 *   sub-device is attached
 * * STATUS_INVALID_PARAMETER_2 - @InputMappingIdBase is not 0, nor on ARM64 one of the device's
 * * STATUS_INVALID_PARAMETER_4 - to enable: no configuration, or no handler in it
 * * STATUS_RESOURCE_IN_USE - enabled already
 * * STATUS_INSUFFICIENT_RESOURCES - out of memory
 * * STATUS_UNSUCCESSFUL - to disable: not enabled
 *
 * Source: wdm.h page iommu_set_device_fault_reporting_ex.
 */
typedef NTSTATUS IOMMU_SET_DEVICE_FAULT_REPORTING_EX(PIOMMU_DMA_DEVICE DmaDevice,
						     ULONG InputMappingIdBase, BOOLEAN Enable,
						     PDEVICE_FAULT_CONFIGURATION FaultConfig);
typedef IOMMU_SET_DEVICE_FAULT_REPORTING_EX *PIOMMU_SET_DEVICE_FAULT_REPORTING_EX;

/**
 * typedef IOMMU_DOMAIN_CONFIGURE - give an Unmanaged domain its page tables (ConfigureDomain)
 * @Domain: of type Unmanaged. Blocks all DMA until this succeeds
 * @Configuration: the tables, of either type on any machine; read during the call. The tables
 *	themselves stay the caller's and are read in this call and in every flush
 *
 * Devices may be attached before and after, and it may be called again.
 *
 * Context: Process context (PASSIVE_LEVEL); may sleep. Made from atomic context it warns once and
 * returns STATUS_UNSUCCESSFUL.
 *
 * Return:
 * * STATUS_SUCCESS - the tables are in use
 * * STATUS_INVALID_PARAMETER_1 - @Domain is NULL, stale, no domain, or of another type
 * * STATUS_INVALID_PARAMETER_2 - @Configuration is NULL or of an unknown type, a root is misaligned
 *   or beyond physical memory, or an address width is not 16 to 48 (or 0)
 * * STATUS_ACCESS_DENIED - TranslationEnabled is FALSE and policy forbids an attached device to see
 *   all of memory
 * * STATUS_INSUFFICIENT_RESOURCES - out of memory, the tables say more than can be mirrored, or the
 *   thread was killed: the domain blocks all DMA
 *
 * Source: wdm.h page iommu_domain_configure.
 */
typedef NTSTATUS IOMMU_DOMAIN_CONFIGURE(PIOMMU_DMA_DOMAIN Domain,
					PDOMAIN_CONFIGURATION Configuration);
typedef IOMMU_DOMAIN_CONFIGURE *PIOMMU_DOMAIN_CONFIGURE;

/**
 * typedef IOMMU_DEVICE_QUERY_DOMAIN_TYPES - types a device may use now (QueryAvailableDomainTypes)
 * @DmaDevice: the device
 * @AvailableDomains: receives the OR of 1 << IOMMU_DMA_DOMAIN_TYPE; 0 for a device that is NULL,
 *	stale, none, or gone
 *
 * A hint: what it depends on may change before AttachDeviceEx. That is the DMA-guard policy, the
 * drivers of the other devices in the device's IOMMU group (while an ordinary one is bound there
 * are no types), and what the IOMMU can do, which does not change.
 *
 * Context: Process context (PASSIVE_LEVEL); may sleep. Made from atomic context it warns once and
 * reports 0.
 *
 * Source: wdm.h page iommu_device_query_domain_types.
 */
typedef VOID IOMMU_DEVICE_QUERY_DOMAIN_TYPES(PIOMMU_DMA_DEVICE DmaDevice,
					     PULONG AvailableDomains);
typedef IOMMU_DEVICE_QUERY_DOMAIN_TYPES *PIOMMU_DEVICE_QUERY_DOMAIN_TYPES;

/**
 * typedef IOMMU_REGISTER_INTERFACE_STATE_CHANGE_CALLBACK - be told of state changes
 * @StateChangeCallback: called once before this returns, then on every change
 * @Context: passed to it
 * @DmaDevice: the device; it can have one callback. To be unregistered before the device is
 *	deleted and before the driver is unbound
 * @StateFields: which changes
 *
 * RegisterInterfaceStateChangeCallback, V2 and V3.
 *
 * Context: Process context (PASSIVE_LEVEL); may sleep. Made from atomic context it warns once and
 * returns STATUS_UNSUCCESSFUL.
 *
 * Return:
 * * STATUS_SUCCESS - registered, and the callback ran
 * * STATUS_INVALID_PARAMETER_1 - @StateChangeCallback is NULL
 * * STATUS_INVALID_PARAMETER_3 - @DmaDevice is NULL, stale, no device, or its hardware is gone
 * * STATUS_INVALID_PARAMETER_4 - @StateFields is NULL, selects nothing or has reserved bits
 * * STATUS_UNSUCCESSFUL - the device has a callback already
 *
 * Source: wdm.h page iommu_register_interface_state_change_callback.
 */
typedef NTSTATUS IOMMU_REGISTER_INTERFACE_STATE_CHANGE_CALLBACK(
	PIOMMU_INTERFACE_STATE_CHANGE_CALLBACK StateChangeCallback, PVOID Context,
	PIOMMU_DMA_DEVICE DmaDevice, PIOMMU_INTERFACE_STATE_CHANGE_FIELDS StateFields);
typedef IOMMU_REGISTER_INTERFACE_STATE_CHANGE_CALLBACK
	*PIOMMU_REGISTER_INTERFACE_STATE_CHANGE_CALLBACK;

/**
 * typedef IOMMU_UNREGISTER_INTERFACE_STATE_CHANGE_CALLBACK - be told no longer
 * @StateChangeCallback: as registered
 * @DmaDevice: as registered
 *
 * UnregisterInterfaceStateChangeCallback, V2 and V3. Waits for a running callback, except from
 * inside it. Also for a device whose hardware is gone.
 *
 * Context: Process context (PASSIVE_LEVEL); may sleep. Made from atomic context it warns once and
 * returns STATUS_UNSUCCESSFUL.
 *
 * Return:
 * * STATUS_SUCCESS - the callback will not be called again
 * * STATUS_INVALID_PARAMETER_1 - @StateChangeCallback is NULL
 * * STATUS_INVALID_PARAMETER_2 - @DmaDevice is NULL, stale or no device
 * * STATUS_UNSUCCESSFUL - not registered for this device; or its driver was unbound without
 *   unregistering, which the system did then
 *
 * Source: wdm.h page iommu_unregister_interface_state_change_callback.
 */
typedef NTSTATUS IOMMU_UNREGISTER_INTERFACE_STATE_CHANGE_CALLBACK(
	PIOMMU_INTERFACE_STATE_CHANGE_CALLBACK StateChangeCallback, PIOMMU_DMA_DEVICE DmaDevice);
typedef IOMMU_UNREGISTER_INTERFACE_STATE_CHANGE_CALLBACK
	*PIOMMU_UNREGISTER_INTERFACE_STATE_CHANGE_CALLBACK;

/**
 * typedef IOMMU_RESERVE_LOGICAL_ADDRESS_RANGE - reserve a range to map into later
 * @Domain: of type Translate or TranslateS1
 * @Size: bytes, whole pages
 * @ExplicitLogicalAddress: the first logical address, where the domain has no allocator; otherwise
 *	NULL
 * @MinLogicalAddress: NULL, or the lowest address the allocator may use
 * @MaxLogicalAddress: NULL, or the last byte it may use
 * @LogicalAddressToken: receives the token, to be freed by FreeReservedLogicalAddressRange
 *
 * ReserveLogicalAddressRange, V2 and V3. Builds all page tables of the range; maps nothing.
 *
 * Context: Process context (PASSIVE_LEVEL); may sleep. Made from atomic context it warns once and
 * returns STATUS_UNSUCCESSFUL.
 *
 * Return:
 * * STATUS_SUCCESS - reserved
 * * STATUS_INVALID_PARAMETER_1 - @Domain is NULL, stale, no domain, or of another type
 * * STATUS_INVALID_PARAMETER_2 - @Size is 0 or not whole pages
 * * STATUS_INVALID_PARAMETER_3 - the explicit address is misaligned, wraps, or lies beyond what is
 *   translated
 * * STATUS_INVALID_PARAMETER_6 - @LogicalAddressToken is NULL
 * * STATUS_INVALID_PARAMETER_MIX - nothing free between the bounds
 * * STATUS_IN_USE - the explicit range touches a mapping, a token or a reserved region
 * * STATUS_NOT_SUPPORTED - an explicit address with an allocator, or none without
 * * STATUS_INSUFFICIENT_RESOURCES - out of memory, or of addresses without bounds; or a signal
 *   killed the caller meanwhile
 * * STATUS_UNSUCCESSFUL - the IOMMU driver kept something of what served to build the tables: the
 *   addresses are lost until the domain is deleted
 *
 * Source: wdm.h page iommu_reserve_logical_address_range.
 */
typedef NTSTATUS IOMMU_RESERVE_LOGICAL_ADDRESS_RANGE(
	PIOMMU_DMA_DOMAIN Domain, SIZE_T Size, PIOMMU_DMA_LOGICAL_ADDRESS ExplicitLogicalAddress,
	PIOMMU_DMA_LOGICAL_ADDRESS MinLogicalAddress, PIOMMU_DMA_LOGICAL_ADDRESS MaxLogicalAddress,
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN *LogicalAddressToken);
typedef IOMMU_RESERVE_LOGICAL_ADDRESS_RANGE *PIOMMU_RESERVE_LOGICAL_ADDRESS_RANGE;

/**
 * typedef IOMMU_FREE_RESERVED_LOGICAL_ADDRESS_RANGE - free a token
 * @LogicalAddressToken: without mapped segments
 *
 * FreeReservedLogicalAddressRange, V2 and V3.
 *
 * Context: Process context (PASSIVE_LEVEL); may sleep. Made from atomic context it warns once and
 * returns STATUS_UNSUCCESSFUL.
 *
 * Return:
 * * STATUS_SUCCESS - freed
 * * STATUS_INVALID_PARAMETER_1 - @LogicalAddressToken is NULL, stale or no token
 * * STATUS_RESOURCE_IN_USE - a segment is mapped
 *
 * Source: wdm.h page iommu_free_reserved_logical_address_range.
 */
typedef NTSTATUS IOMMU_FREE_RESERVED_LOGICAL_ADDRESS_RANGE(
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN LogicalAddressToken);
typedef IOMMU_FREE_RESERVED_LOGICAL_ADDRESS_RANGE *PIOMMU_FREE_RESERVED_LOGICAL_ADDRESS_RANGE;

/**
 * typedef IOMMU_MAP_RESERVED_LOGICAL_RANGE - map memory into a token (MapReservedLogicalRange)
 * @LogicalAddressToken: the token
 * @Offset: where in it, in bytes
 * @Permissions: bit 0: the device may read; bit 1: it may write. At least one, no other bit
 * @PhysicalAddressToMap: the memory
 * @MappedSegment: storage of the caller's own; filled for UnmapReservedLogicalRange
 *
 * Allocates nothing, where the driver of the IOMMU keeps that promise.
 *
 * Context: Any up to softirq, also with spinlocks held (<= DISPATCH_LEVEL).
 *
 * Return:
 * * STATUS_SUCCESS - mapped
 * * STATUS_INVALID_PARAMETER_1 - @LogicalAddressToken is NULL, stale or no token
 * * STATUS_INVALID_PARAMETER_2 - @Offset is misaligned or beyond the token
 * * STATUS_INVALID_PARAMETER_3 - @Permissions has no bit or a reserved one
 * * STATUS_INVALID_PARAMETER_4 - the description is NULL, misaligned, not whole pages or empty, or
 *   the memory ends beyond the token
 * * STATUS_INVALID_PARAMETER_5 - @MappedSegment is NULL
 * * STATUS_RESOURCE_IN_USE - some of the range is mapped
 * * STATUS_INSUFFICIENT_RESOURCES - out of memory, with a driver of the IOMMU that allocates; or
 *   the list is longer than is done for a caller that cannot sleep
 * * STATUS_UNSUCCESSFUL - the token is being freed; or the IOMMU driver kept some of a map that
 *   failed: devices may reach the memory until the domain is deleted
 *
 * Source: wdm.h page iommu_map_reserved_logical_range.
 */
typedef NTSTATUS IOMMU_MAP_RESERVED_LOGICAL_RANGE(
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN LogicalAddressToken, SIZE_T Offset, ULONG Permissions,
	PIOMMU_MAP_PHYSICAL_ADDRESS PhysicalAddressToMap,
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT MappedSegment);
typedef IOMMU_MAP_RESERVED_LOGICAL_RANGE *PIOMMU_MAP_RESERVED_LOGICAL_RANGE;

/**
 * typedef IOMMU_UNMAP_RESERVED_LOGICAL_RANGE - undo MapReservedLogicalRange
 * @MappedSegment: as filled there, or a copy; cleared on success
 *
 * UnmapReservedLogicalRange, V2 and V3. Allocates and frees nothing. When it returns no device
 * reaches the pages through any TLB.
 *
 * Context: Any up to softirq, also with spinlocks held (<= DISPATCH_LEVEL).
 *
 * Return:
 * * STATUS_SUCCESS - unmapped
 * * STATUS_INVALID_PARAMETER - NULL, stale, or no segment that is mapped
 * * STATUS_UNSUCCESSFUL - the IOMMU driver kept some of it: devices may reach the memory until the
 *   domain is deleted
 *
 * Source: wdm.h page iommu_unmap_reserved_logical_range.
 */
typedef NTSTATUS IOMMU_UNMAP_RESERVED_LOGICAL_RANGE(
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT MappedSegment);
typedef IOMMU_UNMAP_RESERVED_LOGICAL_RANGE *PIOMMU_UNMAP_RESERVED_LOGICAL_RANGE;

/**
 * typedef IOMMU_DEVICE_CREATE - make a DMA device of a Linux device (CreateDevice, V2 and V3)
 * @DeviceObject: the Linux device, which is kept referenced
 * @DeviceConfig: NULL, or one entry of a configuration list
 * @DmaDeviceOut: receives the DMA device, to be deleted by DeleteDevice
 *
 * Attaches and claims nothing. One Linux device can have several DMA devices; one of them attached
 * at a time.
 *
 * Context: Process context (PASSIVE_LEVEL); may sleep. Made from atomic context it warns once and
 * returns STATUS_UNSUCCESSFUL.
 *
 * Return:
 * * STATUS_SUCCESS - created
 * * STATUS_INVALID_PARAMETER_1 - @DeviceObject is NULL
 * * STATUS_INVALID_PARAMETER_2 - an entry of unknown kind, one kind twice, a broken list, or
 *   something that this system does not support: tagged DMA without PASIDs, ACPI input mappings off
 *   ARM64
 * * STATUS_INVALID_PARAMETER_3 - @DmaDeviceOut is NULL
 * * STATUS_NOT_FOUND - no IOMMU translates for the device
 * * STATUS_INSUFFICIENT_RESOURCES - out of memory
 *
 * Source: wdm.h page iommu_device_create.
 */
typedef NTSTATUS IOMMU_DEVICE_CREATE(PDEVICE_OBJECT DeviceObject,
				     PIOMMU_DEVICE_CREATION_CONFIGURATION DeviceConfig,
				     PIOMMU_DMA_DEVICE *DmaDeviceOut);
typedef IOMMU_DEVICE_CREATE *PIOMMU_DEVICE_CREATE;

/**
 * typedef IOMMU_DEVICE_DELETE - delete a DMA device (DeleteDevice, V2 and V3)
 * @DmaDevice: attached nowhere. Also how a driver lets go of a device whose hardware is gone
 *
 * Context: Process context (PASSIVE_LEVEL); may sleep. Made from atomic context it warns once and
 * returns STATUS_UNSUCCESSFUL.
 *
 * Return:
 * * STATUS_SUCCESS - deleted
 * * STATUS_INVALID_PARAMETER_1 - @DmaDevice is NULL, stale or no device
 * * STATUS_RESOURCE_IN_USE - attached, or it has sub-devices or a state-change callback
 *
 * Source: wdm.h page iommu_device_delete.
 */
typedef NTSTATUS IOMMU_DEVICE_DELETE(PIOMMU_DMA_DEVICE DmaDevice);
typedef IOMMU_DEVICE_DELETE *PIOMMU_DEVICE_DELETE;

/**
 * typedef IOMMU_PASID_DEVICE_CREATE - make a PASID sub-device (CreatePasidDevice)
 * @DmaDevice: created for tagged DMA
 * @PasidDeviceOut: receives the sub-device, to be deleted by DeletePasidDevice
 * @AsidOut: receives its PASID, which the system chooses, never 0
 *
 * Attaches and claims nothing. @DmaDevice need not be attached.
 *
 * Context: Process context (PASSIVE_LEVEL); may sleep. Made from atomic context it warns once and
 * returns STATUS_UNSUCCESSFUL.
 *
 * Return:
 * * STATUS_SUCCESS - created
 * * STATUS_INVALID_PARAMETER_1 - @DmaDevice is NULL, stale, no device, gone, or not created for
 *   tagged DMA
 * * STATUS_INVALID_PARAMETER_2 - @PasidDeviceOut is NULL
 * * STATUS_INVALID_PARAMETER_3 - @AsidOut is NULL
 * * STATUS_NONE_MAPPED - no PASID is free
 * * STATUS_INSUFFICIENT_RESOURCES - out of memory
 *
 * Source: wdm.h page iommu_pasid_device_create.
 */
typedef NTSTATUS IOMMU_PASID_DEVICE_CREATE(PIOMMU_DMA_DEVICE DmaDevice,
					   PIOMMU_DMA_PASID_DEVICE *PasidDeviceOut, PULONG AsidOut);
typedef IOMMU_PASID_DEVICE_CREATE *PIOMMU_PASID_DEVICE_CREATE;

/**
 * typedef IOMMU_PASID_DEVICE_DELETE - delete a sub-device (DeletePasidDevice)
 * @PasidDevice: attached nowhere; the hardware has drained what it sent with this PASID, which is
 *	freed. Its device may be gone
 *
 * Context: Process context (PASSIVE_LEVEL); may sleep. Made from atomic context it warns once and
 * returns STATUS_UNSUCCESSFUL.
 *
 * Return:
 * * STATUS_SUCCESS - deleted
 * * STATUS_INVALID_PARAMETER_1 - @PasidDevice is NULL, stale or no sub-device
 * * STATUS_RESOURCE_IN_USE - attached, or bound to a process
 *
 * Source: wdm.h page iommu_pasid_device_delete.
 */
typedef NTSTATUS IOMMU_PASID_DEVICE_DELETE(PIOMMU_DMA_PASID_DEVICE PasidDevice);
typedef IOMMU_PASID_DEVICE_DELETE *PIOMMU_PASID_DEVICE_DELETE;

/**
 * typedef IOMMU_DOMAIN_ATTACH_PASID_DEVICE - let a domain translate for a PASID
 * @Domain: of type TranslateS1, or of type Translate or Unmanaged where the hardware can use that
 *	so
 * @PasidDevice: attached nowhere
 *
 * The device's untagged DMA is independent of it, but for the ownership of the IOMMU group, which
 * blocks untagged DMA while the device itself is not attached. What the device's platform reserves
 * is withheld from the domain from then on.
 *
 * Context: Process context (PASSIVE_LEVEL); may sleep. Made from atomic context it warns once and
 * returns STATUS_UNSUCCESSFUL.
 *
 * Return:
 * * STATUS_SUCCESS - DMA tagged with the PASID goes through the domain
 * * STATUS_INVALID_PARAMETER_1 - @Domain is NULL, stale, no domain, of type PassThrough, or the
 *   IOMMU or its driver cannot use it for a PASID
 * * STATUS_INVALID_PARAMETER_2 - @PasidDevice is NULL, stale or no sub-device, its device is gone,
 *   or its PASID belonged to a process
 * * STATUS_INVALID_PARAMETER - the device's reserved region overlaps a live mapping, or its IOMMU
 *   cannot reach one
 * * STATUS_UNSUCCESSFUL - attached already, or bound to a process
 * * STATUS_ACCESS_DENIED - the device's IOMMU group is in other hands, or policy forbids it
 * * STATUS_INSUFFICIENT_RESOURCES - out of memory, or the domain has its largest number of page
 *   tables
 *
 * Source: wdm.h page iommu_domain_attach_pasid_device.
 */
typedef NTSTATUS IOMMU_DOMAIN_ATTACH_PASID_DEVICE(PIOMMU_DMA_DOMAIN Domain,
						  PIOMMU_DMA_PASID_DEVICE PasidDevice);
typedef IOMMU_DOMAIN_ATTACH_PASID_DEVICE *PIOMMU_DOMAIN_ATTACH_PASID_DEVICE;

/**
 * typedef IOMMU_DOMAIN_DETACH_PASID_DEVICE - detach a sub-device (DetachPasidDevice)
 * @PasidDevice: the hardware sends nothing with its PASID any more
 *
 * When it returns no translation is left in any TLB. Of a sub-device that is bound to a process it
 * ends the bond.
 *
 * Context: Process context (PASSIVE_LEVEL); may sleep. Made from atomic context it warns once and
 * returns STATUS_UNSUCCESSFUL.
 *
 * Return:
 * * STATUS_SUCCESS - detached
 * * STATUS_INVALID_PARAMETER_1 - @PasidDevice is attached nowhere, NULL, stale or no sub-device
 *
 * Source: wdm.h page iommu_domain_detach_pasid_device.
 */
typedef NTSTATUS IOMMU_DOMAIN_DETACH_PASID_DEVICE(PIOMMU_DMA_PASID_DEVICE PasidDevice);
typedef IOMMU_DOMAIN_DETACH_PASID_DEVICE *PIOMMU_DOMAIN_DETACH_PASID_DEVICE;

/**
 * typedef IOMMU_DEVICE_QUERY_INFORMATION - how a DMA device was created (QueryDeviceInfo, V3)
 * @DmaDevice: the device
 * @Size: bytes in @Buffer
 * @BytesWritten: receives the bytes written; the bytes needed if there are too few
 * @Buffer: receives the information
 *
 * Context: Process context (PASSIVE_LEVEL); may sleep. Made from atomic context it warns once and
 * returns STATUS_UNSUCCESSFUL.
 *
 * Return:
 * * STATUS_SUCCESS - written
 * * STATUS_INVALID_PARAMETER_1 - @DmaDevice is NULL, stale, no device, or its hardware is gone
 * * STATUS_INVALID_PARAMETER_3 - @BytesWritten is NULL
 * * STATUS_INVALID_PARAMETER_4 - @Buffer is NULL though @Size suffices
 * * STATUS_BUFFER_TOO_SMALL - @Size is less than sizeof(IOMMU_DMA_DEVICE_INFORMATION)
 *
 * Source: wdm.h page iommu_device_query_information.
 */
typedef NTSTATUS IOMMU_DEVICE_QUERY_INFORMATION(PIOMMU_DMA_DEVICE DmaDevice, ULONG Size,
						PULONG BytesWritten,
						PIOMMU_DMA_DEVICE_INFORMATION Buffer);
typedef IOMMU_DEVICE_QUERY_INFORMATION *PIOMMU_DEVICE_QUERY_INFORMATION;

/**
 * typedef IOMMU_DOMAIN_CREATE - create a domain (CreateDomain, V1)
 * @OsManagedPageTable: TRUE: as CreateDomainEx(DomainTypeTranslate) without allocator. FALSE: as
 *	DomainTypeUnmanaged
 * @DomainOut: receives the domain, to be deleted by DeleteDomain
 *
 * Context: Process context (PASSIVE_LEVEL); may sleep. Made from atomic context it warns once and
 * returns STATUS_UNSUCCESSFUL.
 *
 * Return:
 * * STATUS_SUCCESS - created
 * * STATUS_INVALID_PARAMETER_2 - @DomainOut is NULL
 * * STATUS_NOT_SUPPORTED - no IOMMU is there to translate, or domains of this kind are not
 *   available
 * * STATUS_INSUFFICIENT_RESOURCES - out of memory
 *
 * Source: wdm.h page iommu_domain_create.
 */
typedef NTSTATUS IOMMU_DOMAIN_CREATE(BOOLEAN OsManagedPageTable, PIOMMU_DMA_DOMAIN *DomainOut);
typedef IOMMU_DOMAIN_CREATE *PIOMMU_DOMAIN_CREATE;

/**
 * typedef IOMMU_DOMAIN_ATTACH_DEVICE - let a domain translate for a device (AttachDevice, V1)
 * @Domain: may have other devices already
 * @PhysicalDeviceObject: the Linux device
 * @InputMappingIdBase: 0
 * @MappingCount: 1
 *
 * Context: Process context (PASSIVE_LEVEL); may sleep. Made from atomic context it warns once and
 * returns STATUS_UNSUCCESSFUL.
 *
 * Return:
 * * STATUS_SUCCESS - the device goes through the domain
 * * STATUS_INVALID_PARAMETER_1 - @Domain is NULL, stale or no domain
 * * STATUS_INVALID_PARAMETER_2 - @PhysicalDeviceObject is NULL
 * * STATUS_INVALID_PARAMETER_3 - @InputMappingIdBase is not 0
 * * STATUS_INVALID_PARAMETER_4 - @MappingCount is not 1
 * * STATUS_NOT_FOUND - no IOMMU translates for the device
 * * others - as AttachDeviceEx
 *
 * Source: wdm.h page iommu_domain_attach_device.
 */
typedef NTSTATUS IOMMU_DOMAIN_ATTACH_DEVICE(PIOMMU_DMA_DOMAIN Domain,
					    PDEVICE_OBJECT PhysicalDeviceObject,
					    ULONG InputMappingIdBase, ULONG MappingCount);
typedef IOMMU_DOMAIN_ATTACH_DEVICE *PIOMMU_DOMAIN_ATTACH_DEVICE;

/**
 * typedef IOMMU_DOMAIN_DETACH_DEVICE - undo AttachDevice (DetachDevice, V1)
 * @Domain: where the device is attached
 * @PhysicalDeviceObject: the Linux device
 * @InputMappingId: 0
 *
 * Context: Process context (PASSIVE_LEVEL); may sleep. Made from atomic context it warns once and
 * returns STATUS_UNSUCCESSFUL.
 *
 * Return:
 * * STATUS_SUCCESS - detached
 * * STATUS_INVALID_PARAMETER_1 - @Domain is NULL, stale or no domain
 * * STATUS_INVALID_PARAMETER_2 - @PhysicalDeviceObject is NULL or not attached to @Domain by
 *   AttachDevice
 * * STATUS_INVALID_PARAMETER_3 - @InputMappingId is not 0
 *
 * Source: wdm.h page iommu_domain_detach_device.
 */
typedef NTSTATUS IOMMU_DOMAIN_DETACH_DEVICE(PIOMMU_DMA_DOMAIN Domain,
					    PDEVICE_OBJECT PhysicalDeviceObject,
					    ULONG InputMappingId);
typedef IOMMU_DOMAIN_DETACH_DEVICE *PIOMMU_DOMAIN_DETACH_DEVICE;

/**
 * typedef IOMMU_MAP_LOGICAL_RANGE - map an MDL at an address (MapLogicalRange, V1)
 * @Domain: created with OsManagedPageTable
 * @Permissions: as for MapLogicalRangeEx
 * @Mdl: an MDL or a chain, whole pages
 * @LogicalAddress: the first logical address
 *
 * Context: Any up to softirq, also with spinlocks held (<= DISPATCH_LEVEL).
 *
 * Return:
 * * STATUS_SUCCESS - mapped
 * * STATUS_INVALID_PARAMETER_1 to STATUS_INVALID_PARAMETER_4 - that parameter is wrong, as for
 *   MapLogicalRangeEx
 * * STATUS_IN_USE - the range touches a mapping
 * * STATUS_INSUFFICIENT_RESOURCES - out of memory; or the list is longer than is done for a caller
 *   that cannot sleep
 *
 * Source: wdm.h page iommu_map_logical_range.
 */
typedef NTSTATUS IOMMU_MAP_LOGICAL_RANGE(PIOMMU_DMA_DOMAIN Domain, ULONG Permissions, PMDL Mdl,
					 ULONGLONG LogicalAddress);
typedef IOMMU_MAP_LOGICAL_RANGE *PIOMMU_MAP_LOGICAL_RANGE;

/**
 * typedef IOMMU_MAP_IDENTITY_RANGE - map an MDL to its physical addresses (MapIdentityRange, V1)
 * @Domain: created with OsManagedPageTable
 * @Permissions: as for MapIdentityRangeEx
 * @Mdl: an MDL or a chain, whole pages
 *
 * Context: Any up to softirq, also with spinlocks held (<= DISPATCH_LEVEL).
 *
 * Return: As MapIdentityRangeEx.
 *
 * Source: wdm.h page iommu_map_identity_range.
 */
typedef NTSTATUS IOMMU_MAP_IDENTITY_RANGE(PIOMMU_DMA_DOMAIN Domain, ULONG Permissions, PMDL Mdl);
typedef IOMMU_MAP_IDENTITY_RANGE *PIOMMU_MAP_IDENTITY_RANGE;

/**
 * typedef IOMMU_UNMAP_IDENTITY_RANGE - undo MapIdentityRange (UnmapIdentityRange, V1)
 * @Domain: as there
 * @Mdl: describes the same pages
 *
 * Context: Any up to softirq, also with spinlocks held (<= DISPATCH_LEVEL).
 *
 * Return: As UnmapIdentityRangeEx.
 *
 * Source: wdm.h page iommu_unmap_identity_range.
 */
typedef NTSTATUS IOMMU_UNMAP_IDENTITY_RANGE(PIOMMU_DMA_DOMAIN Domain, PMDL Mdl);
typedef IOMMU_UNMAP_IDENTITY_RANGE *PIOMMU_UNMAP_IDENTITY_RANGE;

/**
 * typedef IOMMU_SET_DEVICE_FAULT_REPORTING - set where faults go (SetDeviceFaultReporting, V1)
 * @PhysicalDeviceObject: a Linux device that AttachDevice has attached
 * @InputMappingIdBase: 0
 * @Enable: TRUE: report to @FaultConfig. FALSE: stop
 * @FaultConfig: the receiver, copied; read only when enabling
 *
 * As IOMMU_SET_DEVICE_FAULT_REPORTING_EX, but that removal of the device ends reporting as
 * DetachDevice does.
 *
 * Context: Process context (PASSIVE_LEVEL); may sleep. Made from atomic context it warns once and
 * returns STATUS_UNSUCCESSFUL. Disabling waits for the handler: hold nothing that it may want.
 *
 * Return: One of
 *
 * * STATUS_SUCCESS
 * * STATUS_NOT_IMPLEMENTED - nothing tells about faults of the device
 * * STATUS_INVALID_PARAMETER_1 - no device, or not attached by AttachDevice
 * * STATUS_INVALID_PARAMETER_2 - @InputMappingIdBase is not 0
 * * STATUS_INVALID_PARAMETER_4 - to enable: no configuration, or no handler in it
 * * STATUS_RESOURCE_IN_USE - enabled already
 * * STATUS_INSUFFICIENT_RESOURCES - out of memory
 * * STATUS_UNSUCCESSFUL - to disable: not enabled
 *
 * Source: wdm.h page iommu_set_device_fault_reporting.
 */
typedef NTSTATUS IOMMU_SET_DEVICE_FAULT_REPORTING(PDEVICE_OBJECT PhysicalDeviceObject,
						  ULONG InputMappingIdBase, BOOLEAN Enable,
						  PDEVICE_FAULT_CONFIGURATION FaultConfig);
typedef IOMMU_SET_DEVICE_FAULT_REPORTING *PIOMMU_SET_DEVICE_FAULT_REPORTING;

#define DMA_IOMMU_INTERFACE_VERSION_1 1
#define DMA_IOMMU_INTERFACE_VERSION DMA_IOMMU_INTERFACE_VERSION_1

#define DMA_IOMMU_INTERFACE_EX_VERSION_1 1
#define DMA_IOMMU_INTERFACE_EX_VERSION_2 2
#define DMA_IOMMU_INTERFACE_EX_VERSION_3 3
#define DMA_IOMMU_INTERFACE_EX_VERSION_MIN DMA_IOMMU_INTERFACE_EX_VERSION_1
#define DMA_IOMMU_INTERFACE_EX_VERSION_MAX DMA_IOMMU_INTERFACE_EX_VERSION_3
/* The default a driver gets that names no version, as in the kits. */
#define DMA_IOMMU_INTERFACE_EX_VERSION DMA_IOMMU_INTERFACE_EX_VERSION_1

/**
 * struct _DMA_IOMMU_INTERFACE - table of version 1 as IoGetIommuInterface() gives it
 * @Version: DMA_IOMMU_INTERFACE_VERSION_1
 * @CreateDomain: create a domain, see IOMMU_DOMAIN_CREATE
 * @DeleteDomain: delete a domain, see IOMMU_DOMAIN_DELETE
 * @AttachDevice: attach a device, see IOMMU_DOMAIN_ATTACH_DEVICE
 * @DetachDevice: detach a device, see IOMMU_DOMAIN_DETACH_DEVICE
 * @FlushDomain: flush a domain, see IOMMU_FLUSH_DOMAIN
 * @FlushDomainByVaList: flush pages of a domain, see IOMMU_FLUSH_DOMAIN_VA_LIST
 * @QueryInputMappings: numbers of a device, see IOMMU_QUERY_INPUT_MAPPINGS
 * @MapLogicalRange: map, see IOMMU_MAP_LOGICAL_RANGE
 * @UnmapLogicalRange: unmap, see IOMMU_UNMAP_LOGICAL_RANGE
 * @MapIdentityRange: map 1:1, see IOMMU_MAP_IDENTITY_RANGE
 * @UnmapIdentityRange: unmap 1:1, see IOMMU_UNMAP_IDENTITY_RANGE
 * @SetDeviceFaultReporting: report faults, see IOMMU_SET_DEVICE_FAULT_REPORTING
 * @ConfigureDomain: set page tables of the caller's own, see IOMMU_DOMAIN_CONFIGURE
 *
 * Source: wdm.h page _dma_iommu_interface.
 */
typedef struct _DMA_IOMMU_INTERFACE {
	ULONG Version;
	PIOMMU_DOMAIN_CREATE CreateDomain;
	PIOMMU_DOMAIN_DELETE DeleteDomain;
	PIOMMU_DOMAIN_ATTACH_DEVICE AttachDevice;
	PIOMMU_DOMAIN_DETACH_DEVICE DetachDevice;
	PIOMMU_FLUSH_DOMAIN FlushDomain;
	PIOMMU_FLUSH_DOMAIN_VA_LIST FlushDomainByVaList;
	PIOMMU_QUERY_INPUT_MAPPINGS QueryInputMappings;
	PIOMMU_MAP_LOGICAL_RANGE MapLogicalRange;
	PIOMMU_UNMAP_LOGICAL_RANGE UnmapLogicalRange;
	PIOMMU_MAP_IDENTITY_RANGE MapIdentityRange;
	PIOMMU_UNMAP_IDENTITY_RANGE UnmapIdentityRange;
	PIOMMU_SET_DEVICE_FAULT_REPORTING SetDeviceFaultReporting;
	PIOMMU_DOMAIN_CONFIGURE ConfigureDomain;
} DMA_IOMMU_INTERFACE, *PDMA_IOMMU_INTERFACE;
V3COMPAT_LAYOUT(DMA_IOMMU_INTERFACE, 0x70);

/**
 * struct _DMA_IOMMU_INTERFACE_V1 - table of version 1
 * @CreateDomain: create a domain, see IOMMU_DOMAIN_CREATE
 * @DeleteDomain: delete a domain, see IOMMU_DOMAIN_DELETE
 * @AttachDevice: attach a device, see IOMMU_DOMAIN_ATTACH_DEVICE
 * @DetachDevice: detach a device, see IOMMU_DOMAIN_DETACH_DEVICE
 * @FlushDomain: flush a domain, see IOMMU_FLUSH_DOMAIN
 * @FlushDomainByVaList: flush pages of a domain, see IOMMU_FLUSH_DOMAIN_VA_LIST
 * @QueryInputMappings: numbers of a device, see IOMMU_QUERY_INPUT_MAPPINGS
 * @MapLogicalRange: map, see IOMMU_MAP_LOGICAL_RANGE
 * @UnmapLogicalRange: unmap, see IOMMU_UNMAP_LOGICAL_RANGE
 * @MapIdentityRange: map 1:1, see IOMMU_MAP_IDENTITY_RANGE
 * @UnmapIdentityRange: unmap 1:1, see IOMMU_UNMAP_IDENTITY_RANGE
 * @SetDeviceFaultReporting: report faults, see IOMMU_SET_DEVICE_FAULT_REPORTING
 * @ConfigureDomain: set page tables of the caller's own, see IOMMU_DOMAIN_CONFIGURE
 *
 * Source: wdm.h page _dma_iommu_interface_v1.
 */
typedef struct _DMA_IOMMU_INTERFACE_V1 {
	PIOMMU_DOMAIN_CREATE CreateDomain;
	PIOMMU_DOMAIN_DELETE DeleteDomain;
	PIOMMU_DOMAIN_ATTACH_DEVICE AttachDevice;
	PIOMMU_DOMAIN_DETACH_DEVICE DetachDevice;
	PIOMMU_FLUSH_DOMAIN FlushDomain;
	PIOMMU_FLUSH_DOMAIN_VA_LIST FlushDomainByVaList;
	PIOMMU_QUERY_INPUT_MAPPINGS QueryInputMappings;
	PIOMMU_MAP_LOGICAL_RANGE MapLogicalRange;
	PIOMMU_UNMAP_LOGICAL_RANGE UnmapLogicalRange;
	PIOMMU_MAP_IDENTITY_RANGE MapIdentityRange;
	PIOMMU_UNMAP_IDENTITY_RANGE UnmapIdentityRange;
	PIOMMU_SET_DEVICE_FAULT_REPORTING SetDeviceFaultReporting;
	PIOMMU_DOMAIN_CONFIGURE ConfigureDomain;
} DMA_IOMMU_INTERFACE_V1, *PDMA_IOMMU_INTERFACE_V1;
V3COMPAT_LAYOUT(DMA_IOMMU_INTERFACE_V1, 0x68);

/**
 * struct _DMA_IOMMU_INTERFACE_V2 - table of version 2
 * @CreateDomainEx: create a domain, see IOMMU_DOMAIN_CREATE_EX
 * @DeleteDomain: delete a domain, see IOMMU_DOMAIN_DELETE
 * @AttachDeviceEx: attach a device, see IOMMU_DOMAIN_ATTACH_DEVICE_EX
 * @DetachDeviceEx: detach a device, see IOMMU_DOMAIN_DETACH_DEVICE_EX
 * @FlushDomain: flush a domain, see IOMMU_FLUSH_DOMAIN
 * @FlushDomainByVaList: flush pages of a domain, see IOMMU_FLUSH_DOMAIN_VA_LIST
 * @QueryInputMappings: numbers of a device, see IOMMU_QUERY_INPUT_MAPPINGS
 * @MapLogicalRangeEx: map, see IOMMU_MAP_LOGICAL_RANGE_EX
 * @UnmapLogicalRange: unmap, see IOMMU_UNMAP_LOGICAL_RANGE
 * @MapIdentityRangeEx: map 1:1, see IOMMU_MAP_IDENTITY_RANGE_EX
 * @UnmapIdentityRangeEx: unmap 1:1, see IOMMU_UNMAP_IDENTITY_RANGE_EX
 * @SetDeviceFaultReportingEx: report faults, see IOMMU_SET_DEVICE_FAULT_REPORTING_EX
 * @ConfigureDomain: set page tables of the caller's own, see IOMMU_DOMAIN_CONFIGURE
 * @QueryAvailableDomainTypes: types a device may use, see IOMMU_DEVICE_QUERY_DOMAIN_TYPES
 * @RegisterInterfaceStateChangeCallback: be told of changes, see
 *	IOMMU_REGISTER_INTERFACE_STATE_CHANGE_CALLBACK
 * @UnregisterInterfaceStateChangeCallback: be told no longer, see
 *	IOMMU_UNREGISTER_INTERFACE_STATE_CHANGE_CALLBACK
 * @ReserveLogicalAddressRange: reserve a range, see IOMMU_RESERVE_LOGICAL_ADDRESS_RANGE
 * @FreeReservedLogicalAddressRange: free it, see IOMMU_FREE_RESERVED_LOGICAL_ADDRESS_RANGE
 * @MapReservedLogicalRange: map into it, see IOMMU_MAP_RESERVED_LOGICAL_RANGE
 * @UnmapReservedLogicalRange: unmap from it, see IOMMU_UNMAP_RESERVED_LOGICAL_RANGE
 * @CreateDevice: make a DMA device, see IOMMU_DEVICE_CREATE
 * @DeleteDevice: delete it, see IOMMU_DEVICE_DELETE
 *
 * Source: wdm.h page _dma_iommu_interface_v2.
 */
typedef struct _DMA_IOMMU_INTERFACE_V2 {
	PIOMMU_DOMAIN_CREATE_EX CreateDomainEx;
	PIOMMU_DOMAIN_DELETE DeleteDomain;
	PIOMMU_DOMAIN_ATTACH_DEVICE_EX AttachDeviceEx;
	PIOMMU_DOMAIN_DETACH_DEVICE_EX DetachDeviceEx;
	PIOMMU_FLUSH_DOMAIN FlushDomain;
	PIOMMU_FLUSH_DOMAIN_VA_LIST FlushDomainByVaList;
	PIOMMU_QUERY_INPUT_MAPPINGS QueryInputMappings;
	PIOMMU_MAP_LOGICAL_RANGE_EX MapLogicalRangeEx;
	PIOMMU_UNMAP_LOGICAL_RANGE UnmapLogicalRange;
	PIOMMU_MAP_IDENTITY_RANGE_EX MapIdentityRangeEx;
	PIOMMU_UNMAP_IDENTITY_RANGE_EX UnmapIdentityRangeEx;
	PIOMMU_SET_DEVICE_FAULT_REPORTING_EX SetDeviceFaultReportingEx;
	PIOMMU_DOMAIN_CONFIGURE ConfigureDomain;
	PIOMMU_DEVICE_QUERY_DOMAIN_TYPES QueryAvailableDomainTypes;
	PIOMMU_REGISTER_INTERFACE_STATE_CHANGE_CALLBACK RegisterInterfaceStateChangeCallback;
	PIOMMU_UNREGISTER_INTERFACE_STATE_CHANGE_CALLBACK UnregisterInterfaceStateChangeCallback;
	PIOMMU_RESERVE_LOGICAL_ADDRESS_RANGE ReserveLogicalAddressRange;
	PIOMMU_FREE_RESERVED_LOGICAL_ADDRESS_RANGE FreeReservedLogicalAddressRange;
	PIOMMU_MAP_RESERVED_LOGICAL_RANGE MapReservedLogicalRange;
	PIOMMU_UNMAP_RESERVED_LOGICAL_RANGE UnmapReservedLogicalRange;
	PIOMMU_DEVICE_CREATE CreateDevice;
	PIOMMU_DEVICE_DELETE DeleteDevice;
} DMA_IOMMU_INTERFACE_V2, *PDMA_IOMMU_INTERFACE_V2;
V3COMPAT_LAYOUT(DMA_IOMMU_INTERFACE_V2, 0xB0);

/**
 * struct _DMA_IOMMU_INTERFACE_V3 - table of version 3: that of version 2, then PASIDs
 * @CreateDomainEx: create a domain, see IOMMU_DOMAIN_CREATE_EX
 * @DeleteDomain: delete a domain, see IOMMU_DOMAIN_DELETE
 * @AttachDeviceEx: attach a device, see IOMMU_DOMAIN_ATTACH_DEVICE_EX
 * @DetachDeviceEx: detach a device, see IOMMU_DOMAIN_DETACH_DEVICE_EX
 * @FlushDomain: flush a domain, see IOMMU_FLUSH_DOMAIN
 * @FlushDomainByVaList: flush pages of a domain, see IOMMU_FLUSH_DOMAIN_VA_LIST
 * @QueryInputMappings: numbers of a device, see IOMMU_QUERY_INPUT_MAPPINGS
 * @MapLogicalRangeEx: map, see IOMMU_MAP_LOGICAL_RANGE_EX
 * @UnmapLogicalRange: unmap, see IOMMU_UNMAP_LOGICAL_RANGE
 * @MapIdentityRangeEx: map 1:1, see IOMMU_MAP_IDENTITY_RANGE_EX
 * @UnmapIdentityRangeEx: unmap 1:1, see IOMMU_UNMAP_IDENTITY_RANGE_EX
 * @SetDeviceFaultReportingEx: report faults, see IOMMU_SET_DEVICE_FAULT_REPORTING_EX
 * @ConfigureDomain: set page tables of the caller's own, see IOMMU_DOMAIN_CONFIGURE
 * @QueryAvailableDomainTypes: types a device may use, see IOMMU_DEVICE_QUERY_DOMAIN_TYPES
 * @RegisterInterfaceStateChangeCallback: be told of changes, see
 *	IOMMU_REGISTER_INTERFACE_STATE_CHANGE_CALLBACK
 * @UnregisterInterfaceStateChangeCallback: be told no longer, see
 *	IOMMU_UNREGISTER_INTERFACE_STATE_CHANGE_CALLBACK
 * @ReserveLogicalAddressRange: reserve a range, see IOMMU_RESERVE_LOGICAL_ADDRESS_RANGE
 * @FreeReservedLogicalAddressRange: free it, see IOMMU_FREE_RESERVED_LOGICAL_ADDRESS_RANGE
 * @MapReservedLogicalRange: map into it, see IOMMU_MAP_RESERVED_LOGICAL_RANGE
 * @UnmapReservedLogicalRange: unmap from it, see IOMMU_UNMAP_RESERVED_LOGICAL_RANGE
 * @CreateDevice: make a DMA device, see IOMMU_DEVICE_CREATE
 * @DeleteDevice: delete it, see IOMMU_DEVICE_DELETE
 * @CreatePasidDevice: make a sub-device, see IOMMU_PASID_DEVICE_CREATE
 * @DeletePasidDevice: delete it, see IOMMU_PASID_DEVICE_DELETE
 * @AttachPasidDevice: attach a sub-device, see IOMMU_DOMAIN_ATTACH_PASID_DEVICE
 * @DetachPasidDevice: detach it, see IOMMU_DOMAIN_DETACH_PASID_DEVICE
 * @QueryDeviceInfo: how a DMA device was created, see IOMMU_DEVICE_QUERY_INFORMATION
 *
 * Source: wdm.h page _dma_iommu_interface_v3.
 */
typedef struct _DMA_IOMMU_INTERFACE_V3 {
	PIOMMU_DOMAIN_CREATE_EX CreateDomainEx;
	PIOMMU_DOMAIN_DELETE DeleteDomain;
	PIOMMU_DOMAIN_ATTACH_DEVICE_EX AttachDeviceEx;
	PIOMMU_DOMAIN_DETACH_DEVICE_EX DetachDeviceEx;
	PIOMMU_FLUSH_DOMAIN FlushDomain;
	PIOMMU_FLUSH_DOMAIN_VA_LIST FlushDomainByVaList;
	PIOMMU_QUERY_INPUT_MAPPINGS QueryInputMappings;
	PIOMMU_MAP_LOGICAL_RANGE_EX MapLogicalRangeEx;
	PIOMMU_UNMAP_LOGICAL_RANGE UnmapLogicalRange;
	PIOMMU_MAP_IDENTITY_RANGE_EX MapIdentityRangeEx;
	PIOMMU_UNMAP_IDENTITY_RANGE_EX UnmapIdentityRangeEx;
	PIOMMU_SET_DEVICE_FAULT_REPORTING_EX SetDeviceFaultReportingEx;
	PIOMMU_DOMAIN_CONFIGURE ConfigureDomain;
	PIOMMU_DEVICE_QUERY_DOMAIN_TYPES QueryAvailableDomainTypes;
	PIOMMU_REGISTER_INTERFACE_STATE_CHANGE_CALLBACK RegisterInterfaceStateChangeCallback;
	PIOMMU_UNREGISTER_INTERFACE_STATE_CHANGE_CALLBACK UnregisterInterfaceStateChangeCallback;
	PIOMMU_RESERVE_LOGICAL_ADDRESS_RANGE ReserveLogicalAddressRange;
	PIOMMU_FREE_RESERVED_LOGICAL_ADDRESS_RANGE FreeReservedLogicalAddressRange;
	PIOMMU_MAP_RESERVED_LOGICAL_RANGE MapReservedLogicalRange;
	PIOMMU_UNMAP_RESERVED_LOGICAL_RANGE UnmapReservedLogicalRange;
	PIOMMU_DEVICE_CREATE CreateDevice;
	PIOMMU_DEVICE_DELETE DeleteDevice;
	PIOMMU_PASID_DEVICE_CREATE CreatePasidDevice;
	PIOMMU_PASID_DEVICE_DELETE DeletePasidDevice;
	PIOMMU_DOMAIN_ATTACH_PASID_DEVICE AttachPasidDevice;
	PIOMMU_DOMAIN_DETACH_PASID_DEVICE DetachPasidDevice;
	PIOMMU_DEVICE_QUERY_INFORMATION QueryDeviceInfo;
} DMA_IOMMU_INTERFACE_V3, *PDMA_IOMMU_INTERFACE_V3;
V3COMPAT_LAYOUT(DMA_IOMMU_INTERFACE_V3, 0xD8);

/**
 * struct _DMA_IOMMU_INTERFACE_EX - table as IoGetIommuInterfaceEx() gives it
 * @Size: bytes of this header and of the table asked for: 0x78, 0xC0 or 0xE8
 * @Version: the version asked for: which table is filled
 * @V1: for DMA_IOMMU_INTERFACE_EX_VERSION_1
 * @V2: for DMA_IOMMU_INTERFACE_EX_VERSION_2
 * @V3: for DMA_IOMMU_INTERFACE_EX_VERSION_3
 *
 * Source: wdm.h page _dma_iommu_interface_ex.
 */
typedef struct _DMA_IOMMU_INTERFACE_EX {
	SIZE_T Size;
	ULONG Version;
	union {
		DMA_IOMMU_INTERFACE_V1 V1;
		DMA_IOMMU_INTERFACE_V2 V2;
		DMA_IOMMU_INTERFACE_V3 V3;
	};
} DMA_IOMMU_INTERFACE_EX, *PDMA_IOMMU_INTERFACE_EX;
V3COMPAT_LAYOUT(DMA_IOMMU_INTERFACE_EX, 0xE8);

/**
 * IoGetIommuInterface() - get the table of version 1 (deprecated)
 * @Version: DMA_IOMMU_INTERFACE_VERSION_1
 * @InterfaceOut: receives the table
 *
 * The table stays valid while v3compat.ko is loaded, which calling an exported function of it
 * ensures.
 *
 * Context: Process context (PASSIVE_LEVEL).
 *
 * Return:
 * * STATUS_SUCCESS - filled
 * * STATUS_INVALID_PARAMETER_1 - unknown @Version
 * * STATUS_INVALID_PARAMETER_2 - @InterfaceOut is NULL
 *
 * Source: wdm.h page iogetiommuinterface.
 */
NTSTATUS IoGetIommuInterface(ULONG Version, PDMA_IOMMU_INTERFACE InterfaceOut);

/**
 * IoGetIommuInterfaceEx() - get the table of a version
 * @Version: DMA_IOMMU_INTERFACE_EX_VERSION_1 to _3
 * @Flags: 0
 * @InterfaceOut: receives the table; only its first bytes, as many as its Size then says, are
 *	written
 *
 * The table stays valid while v3compat.ko is loaded, which calling an exported function of it
 * ensures.
 *
 * Context: Process context (PASSIVE_LEVEL).
 *
 * Return:
 * * STATUS_SUCCESS - filled
 * * STATUS_INVALID_PARAMETER_1 - unknown @Version
 * * STATUS_INVALID_PARAMETER_3 - @Flags is not 0, or @InterfaceOut is NULL
 *
 * Source: wdm.h page iogetiommuinterfaceex.
 */
NTSTATUS IoGetIommuInterfaceEx(ULONG Version, ULONGLONG Flags,
			       PDMA_IOMMU_INTERFACE_EX InterfaceOut);

V3COMPAT_END

#endif /* _V3COMPAT_CONTRACT_H */
