// SPDX-License-Identifier: GPL-2.0
/*
 * The tables.
 */
#include "internal.h"

static const DMA_IOMMU_INTERFACE_V1 table_v1 = {
	.CreateDomain				= v3l_create_domain,
	.DeleteDomain				= v3l_delete_domain,
	.AttachDevice				= v3l_attach_device,
	.DetachDevice				= v3l_detach_device,
	.FlushDomain				= v3l_flush_domain,
	.FlushDomainByVaList			= v3l_flush_domain_by_va_list,
	.QueryInputMappings			= v3l_query_input_mappings,
	.MapLogicalRange			= v3l_map_logical_range,
	.UnmapLogicalRange			= v3l_unmap_logical_range,
	.MapIdentityRange			= v3l_map_identity_range,
	.UnmapIdentityRange			= v3l_unmap_identity_range,
	.SetDeviceFaultReporting		= v3l_set_device_fault_reporting,
	.ConfigureDomain			= v3l_configure_domain,
};

static const DMA_IOMMU_INTERFACE_V3 table_v3 = {
	.CreateDomainEx				= v3l_create_domain_ex,
	.DeleteDomain				= v3l_delete_domain,
	.AttachDeviceEx				= v3l_attach_device_ex,
	.DetachDeviceEx				= v3l_detach_device_ex,
	.FlushDomain				= v3l_flush_domain,
	.FlushDomainByVaList			= v3l_flush_domain_by_va_list,
	.QueryInputMappings			= v3l_query_input_mappings,
	.MapLogicalRangeEx			= v3l_map_logical_range_ex,
	.UnmapLogicalRange			= v3l_unmap_logical_range,
	.MapIdentityRangeEx			= v3l_map_identity_range_ex,
	.UnmapIdentityRangeEx			= v3l_unmap_identity_range_ex,
	.SetDeviceFaultReportingEx		= v3l_set_device_fault_reporting_ex,
	.ConfigureDomain			= v3l_configure_domain,
	.QueryAvailableDomainTypes		= v3l_query_available_domain_types,
	.RegisterInterfaceStateChangeCallback	= v3l_register_state_change_callback,
	.UnregisterInterfaceStateChangeCallback	= v3l_unregister_state_change_callback,
	.ReserveLogicalAddressRange		= v3l_reserve_logical_address_range,
	.FreeReservedLogicalAddressRange	= v3l_free_reserved_logical_address_range,
	.MapReservedLogicalRange		= v3l_map_reserved_logical_range,
	.UnmapReservedLogicalRange		= v3l_unmap_reserved_logical_range,
	.CreateDevice				= v3l_create_device,
	.DeleteDevice				= v3l_delete_device,
	.CreatePasidDevice			= v3l_create_pasid_device,
	.DeletePasidDevice			= v3l_delete_pasid_device,
	.AttachPasidDevice			= v3l_attach_pasid_device,
	.DetachPasidDevice			= v3l_detach_pasid_device,
	.QueryDeviceInfo			= v3l_query_device_info,
};

/* table_v3 serves V2 as well, because V2 is the beginning of V3. */
_Static_assert(offsetof(DMA_IOMMU_INTERFACE_V3, CreatePasidDevice) ==
	       sizeof(DMA_IOMMU_INTERFACE_V2), "V2 begins V3");

static const struct {
	const void *table;
	size_t size;
} versions[] = {
	[DMA_IOMMU_INTERFACE_EX_VERSION_1] = { &table_v1, sizeof(DMA_IOMMU_INTERFACE_V1) },
	[DMA_IOMMU_INTERFACE_EX_VERSION_2] = { &table_v3, sizeof(DMA_IOMMU_INTERFACE_V2) },
	[DMA_IOMMU_INTERFACE_EX_VERSION_3] = { &table_v3, sizeof(DMA_IOMMU_INTERFACE_V3) },
};

NTSTATUS IoGetIommuInterfaceEx(ULONG Version, ULONGLONG Flags, PDMA_IOMMU_INTERFACE_EX InterfaceOut)
{
	if (Version < DMA_IOMMU_INTERFACE_EX_VERSION_MIN ||
	    Version > DMA_IOMMU_INTERFACE_EX_VERSION_MAX)
		return V3L_REFUSE(V3L_ORDINAL(1), BAD_ENUM, VERSION, Version,
				  DMA_IOMMU_INTERFACE_EX_VERSION_MAX + 1);
	if (Flags)
		return V3L_REFUSE(V3L_ORDINAL(3), RESERVED_BITS, FLAGS, Flags, 0);
	if (!InterfaceOut)
		return V3L_REFUSE_NULL(3, OUT);
	InterfaceOut->Size = offsetof(DMA_IOMMU_INTERFACE_EX, V1) + versions[Version].size;
	InterfaceOut->Version = Version;
	memcpy(&InterfaceOut->V1, versions[Version].table, versions[Version].size);
	return STATUS_SUCCESS;
}

NTSTATUS IoGetIommuInterface(ULONG Version, PDMA_IOMMU_INTERFACE InterfaceOut)
{
	if (Version != DMA_IOMMU_INTERFACE_VERSION_1)
		return V3L_REFUSE(V3L_ORDINAL(1), BAD_ENUM, VERSION, Version,
				  DMA_IOMMU_INTERFACE_VERSION_1 + 1);
	if (!InterfaceOut)
		return V3L_REFUSE_NULL(2, OUT);
	InterfaceOut->Version = DMA_IOMMU_INTERFACE_VERSION_1;
	memcpy(&InterfaceOut->CreateDomain, &table_v1, sizeof(table_v1));
	return STATUS_SUCCESS;
}
