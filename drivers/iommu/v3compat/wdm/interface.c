// SPDX-License-Identifier: GPL-2.0
/*
 * The tables V1, V2 and V3, as drivers written for Windows see them.
 *
 * A member checks each argument by itself in the order of the parameters, calls one verb, and shows a
 * refusal to the tracepoint. What the status of a refusal names is the ordinal of the parameter.
 */
#include <linux/iommu.h>
#include <linux/overflow.h>
#include <linux/pgtable.h>
#include <linux/string.h>

#include <v3compat/kcompat.h>

#include "base/phys.h"
#include "core/attach.h"
#include "core/create.h"
#include "core/device.h"
#include "core/domain.h"
#include "core/flush.h"
#include "core/map.h"
#include "core/pasid.h"
#include "core/place.h"
#include "core/quick.h"
#include "core/report.h"
#include "core/reserve.h"
#include "core/watch.h"
#include "wdm/check.h"

#define V3C_PERMISSIONS		3u

static_assert(IOMMU_READ == 1 && IOMMU_WRITE == 2, "Permissions are handed on as they are");

static __always_inline NTSTATUS check_permissions(ULONG permissions, NTSTATUS status,
						  struct v3c_why *why)
{
	if (likely(permissions - 1 < V3C_PERMISSIONS))
		return STATUS_SUCCESS;
	return v3c_refuse(why, status, permissions ? V3C_REASON_RESERVED_BITS :
			  V3C_REASON_NO_PERMISSION, NULL, permissions, V3C_PERMISSIONS);
}

/* An explicit address is whole pages, and so is what it is the start of. */
static NTSTATUS check_explicit(const IOMMU_DMA_LOGICAL_ADDRESS *address, u64 pages, u64 *page,
			       NTSTATUS status, struct v3c_why *why)
{
	u64 end;

	if (!v3c_page_aligned(*address))
		return v3c_refuse(why, status, V3C_REASON_MISALIGNED, NULL, *address, 0);
	if (pages > V3C_MAX_PAGES ||
	    check_add_overflow(*address, (pages << V3C_PAGE_SHIFT) - 1, &end))
		return v3c_refuse(why, status, V3C_REASON_WRAPS, NULL, *address,
				  pages << V3C_PAGE_SHIFT);
	*page = *address >> V3C_PAGE_SHIFT;
	return STATUS_SUCCESS;
}

/* Both bounds are bytes of the range; half a page at either end holds none. */
static void set_bounds(struct v3c_place *place, const IOMMU_DMA_LOGICAL_ADDRESS *min,
		       const IOMMU_DMA_LOGICAL_ADDRESS *max)
{
	place->bounded = min || max;
	place->lo = 0;
	place->hi = U64_MAX >> V3C_PAGE_SHIFT;
	if (likely(!place->bounded))
		return;
	if (min)
		place->lo = (*min >> V3C_PAGE_SHIFT) + !v3c_page_aligned(*min);
	if (!max)
		return;
	place->hi = *max >> V3C_PAGE_SHIFT;
	if (v3c_page_aligned(*max + 1))
		return;
	/* The last page is not wholly below the bound; there may be none at all. */
	if (place->hi)
		place->hi--;
	else
		place->lo = V3C_MAX_PAGES;
}

/* Domains */

static NTSTATUS check_allocator(const IOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG *config,
				IOMMU_DMA_DOMAIN_TYPE type, struct v3c_why *why)
{
	ULONG width;

	if (!config)
		return STATUS_SUCCESS;
	if (config->LogicalAllocatorType != IommuDmaLogicalAllocatorBuddy)
		return v3c_refuse(why, STATUS_INVALID_PARAMETER_3, V3C_REASON_BAD_ENUM, NULL,
				  config->LogicalAllocatorType, 0);
	width = config->BuddyAllocatorConfig.AddressWidth;
	if (width <= V3C_PAGE_SHIFT || width > 63)
		return v3c_refuse(why, STATUS_INVALID_PARAMETER_3, V3C_REASON_BAD_CONFIG, NULL,
				  width, 63);
	if (type == DomainTypePassThrough || type == DomainTypeUnmanaged)
		return v3c_refuse(why, STATUS_INVALID_PARAMETER_3, V3C_REASON_WRONG_TYPE, NULL,
				  type, 0);
	return STATUS_SUCCESS;
}

static NTSTATUS check_region(const IOMMU_DMA_RESERVED_REGION *region, u64 *last,
			     struct v3c_why *why)
{
	u64 bytes;

	if (!v3c_page_aligned(region->Base))
		return v3c_refuse(why, STATUS_INVALID_PARAMETER_4, V3C_REASON_MISALIGNED, region,
				  region->Base, 0);
	if (!region->NumberOfPages)
		return v3c_refuse(why, STATUS_INVALID_PARAMETER_4, V3C_REASON_EMPTY, region,
				  region->Base, 0);
	if (check_mul_overflow((u64)region->NumberOfPages, V3C_PAGE_SIZE, &bytes) ||
	    check_add_overflow(region->Base, bytes - 1, last))
		return v3c_refuse(why, STATUS_INVALID_PARAMETER_4, V3C_REASON_WRAPS, region,
				  region->Base, region->NumberOfPages);
	return STATUS_SUCCESS;
}

/*
 * Each region against all before it: quadratic, for a list that names a handful of firmware ranges. A
 * list that bites its tail meets a region twice, and a region overlaps itself.
 */
static NTSTATUS check_regions(const IOMMU_DMA_RESERVED_REGION *regions, IOMMU_DMA_DOMAIN_TYPE type,
			      struct v3c_why *why)
{
	const IOMMU_DMA_RESERVED_REGION *region, *other;
	u64 last, other_last;
	NTSTATUS status;

	if (regions && (type == DomainTypePassThrough || type == DomainTypeUnmanaged))
		return v3c_refuse(why, STATUS_INVALID_PARAMETER_4, V3C_REASON_WRONG_TYPE, regions,
				  type, 0);
	for (region = regions; region; region = region->RegionNext) {
		status = check_region(region, &last, why);
		if (!NT_SUCCESS(status))
			return status;
		if (region->RegionNext == region)
			return v3c_refuse(why, STATUS_INVALID_PARAMETER_4, V3C_REASON_LIST_LOOP,
					  region, region->Base, last);
		for (other = regions; other != region; other = other->RegionNext) {
			if (other == region->RegionNext)
				return v3c_refuse(why, STATUS_INVALID_PARAMETER_4,
						  V3C_REASON_LIST_LOOP, other, other->Base, last);
			other_last = other->Base + (other->NumberOfPages << V3C_PAGE_SHIFT) - 1;
			if (other->Base <= last && region->Base <= other_last)
				return v3c_refuse(why, STATUS_INVALID_PARAMETER_4,
						  V3C_REASON_LIST_OVERLAP, region, region->Base, last);
		}
	}
	return STATUS_SUCCESS;
}

static NTSTATUS create_domain(IOMMU_DMA_DOMAIN_TYPE type, IOMMU_DMA_DOMAIN_CREATION_FLAGS flags,
			      const IOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG *config,
			      const IOMMU_DMA_RESERVED_REGION *regions, PIOMMU_DMA_DOMAIN *out,
			      struct v3c_why *why)
{
	IOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG read;
	struct v3c_domain *domain;
	NTSTATUS status;

	if (refuse_atomic(why))
		return STATUS_UNSUCCESSFUL;
	/* What is used must be what was checked. */
	if (config) {
		read = *config;
		config = &read;
	}
	if ((unsigned int)type >= DomainTypeMax)
		return v3c_refuse(why, STATUS_INVALID_PARAMETER_1, V3C_REASON_BAD_ENUM, NULL, type,
				  DomainTypeMax);
	if (flags.AsUlonglong)
		return v3c_refuse(why, STATUS_INVALID_PARAMETER_2, V3C_REASON_RESERVED_BITS, NULL,
				  flags.AsUlonglong, 0);
	status = check_allocator(config, type, why);
	if (!NT_SUCCESS(status))
		return status;
	status = check_regions(regions, type, why);
	if (!NT_SUCCESS(status))
		return status;
	if (!out)
		return null_pointer(why, STATUS_INVALID_PARAMETER_5);
	status = v3c_domain_create(type, config, regions, &domain, why);
	if (NT_SUCCESS(status))
		*out = (PIOMMU_DMA_DOMAIN)domain;
	return status;
}

static NTSTATUS v3_create_domain_ex(IOMMU_DMA_DOMAIN_TYPE DomainType,
				    IOMMU_DMA_DOMAIN_CREATION_FLAGS Flags,
				    PIOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG LogicalAllocatorConfig,
				    PIOMMU_DMA_RESERVED_REGION ReservedRegions,
				    PIOMMU_DMA_DOMAIN *DomainOut)
{
	struct v3c_why why;

	return ANSWER(CreateDomainEx, create_domain(DomainType, Flags, LogicalAllocatorConfig,
						    ReservedRegions, DomainOut, &why), &why);
}

static NTSTATUS v1_create_domain(BOOLEAN OsManagedPageTable, PIOMMU_DMA_DOMAIN *DomainOut)
{
	IOMMU_DMA_DOMAIN_TYPE type = OsManagedPageTable ? DomainTypeTranslate : DomainTypeUnmanaged;
	IOMMU_DMA_DOMAIN_CREATION_FLAGS flags = { .AsUlonglong = 0 };
	struct v3c_why why;

	if (!DomainOut)
		return ANSWER(CreateDomain, null_pointer(&why, STATUS_INVALID_PARAMETER_2), &why);
	return ANSWER(CreateDomain, create_domain(type, flags, NULL, NULL, DomainOut, &why), &why);
}

static NTSTATUS delete_domain(PIOMMU_DMA_DOMAIN handle, struct v3c_why *why)
{
	struct v3c_domain *domain = v3c_to_domain(handle);

	if (refuse_atomic(why))
		return STATUS_UNSUCCESSFUL;
	if (!domain)
		return bad_handle(why, STATUS_INVALID_PARAMETER_1, handle);
	return v3c_domain_destroy(domain, why);
}

static NTSTATUS v3_delete_domain(PIOMMU_DMA_DOMAIN Domain)
{
	struct v3c_why why;

	return ANSWER(DeleteDomain, delete_domain(Domain, &why), &why);
}

/* The depth of the tables that this processor itself uses. */
static unsigned int x64_levels(void)
{
#ifdef CONFIG_X86
	return pgtable_l5_enabled() ? 5 : 4;
#else
	return 4;
#endif
}

static bool read_arm64(const DOMAIN_CONFIGURATION_ARM64 *config, struct v3c_tables *tables)
{
	return v3c_tables_set_arm64(tables, 0, READ_ONCE(config->Ttbr0.QuadPart),
				    READ_ONCE(config->InputSize0)) &&
	       v3c_tables_set_arm64(tables, 1, READ_ONCE(config->Ttbr1.QuadPart),
				    READ_ONCE(config->InputSize1));
}

static NTSTATUS read_config(const DOMAIN_CONFIGURATION *config, struct v3c_tables *tables,
			    struct v3c_why *why)
{
	DOMAIN_CONFIGURATION_ARCH type = READ_ONCE(config->Type);
	bool translates, good;

	switch (type) {
	case DomainConfigurationArm64:
		translates = config->Arm64.TranslationEnabled;
		good = !translates || read_arm64(&config->Arm64, tables);
		break;
	case DomainConfigurationX64:
		translates = config->X64.TranslationEnabled;
		good = !translates ||
		       v3c_tables_set_x64(tables,
					  READ_ONCE(config->X64.FirstLevelPageTableRoot.QuadPart),
					  x64_levels());
		break;
	default:
		return v3c_refuse(why, STATUS_INVALID_PARAMETER_2, V3C_REASON_BAD_ENUM, config,
				  type, 0);
	}
	if (!good)
		return v3c_refuse(why, STATUS_INVALID_PARAMETER_2, V3C_REASON_BAD_CONFIG, config,
				  0, 0);
	if (!translates)
		tables->kind = V3C_TABLES_IDENTITY;
	return STATUS_SUCCESS;
}

static NTSTATUS configure_domain(PIOMMU_DMA_DOMAIN handle, const DOMAIN_CONFIGURATION *config,
				 struct v3c_why *why)
{
	struct v3c_domain *domain = v3c_to_domain(handle);
	struct v3c_tables tables = {};
	NTSTATUS status;

	if (refuse_atomic(why))
		return STATUS_UNSUCCESSFUL;
	if (!domain)
		return bad_handle(why, STATUS_INVALID_PARAMETER_1, handle);
	if (!config)
		return null_pointer(why, STATUS_INVALID_PARAMETER_2);
	if (domain->type == DomainTypeUnmanaged) {
		status = read_config(config, &tables, why);
		if (!NT_SUCCESS(status))
			return status;
	}
	return v3c_domain_configure(domain, &tables, why);
}

static NTSTATUS v3_configure_domain(PIOMMU_DMA_DOMAIN Domain, PDOMAIN_CONFIGURATION Configuration)
{
	struct v3c_why why;

	return ANSWER(ConfigureDomain, configure_domain(Domain, Configuration, &why), &why);
}

static NTSTATUS flush_domain(PIOMMU_DMA_DOMAIN handle, struct v3c_why *why)
{
	struct v3c_domain *domain = v3c_to_domain(handle);

	return domain ? v3c_domain_flush(domain, why) :
			bad_handle(why, STATUS_INVALID_PARAMETER_1, handle);
}

static NTSTATUS v3_flush_domain(PIOMMU_DMA_DOMAIN Domain)
{
	struct v3c_why why;

	return ANSWER(FlushDomain, flush_domain(Domain, &why), &why);
}

static NTSTATUS flush_va_list(PIOMMU_DMA_DOMAIN handle, ULONG number, const void *list,
			      struct v3c_why *why)
{
	struct v3c_domain *domain = v3c_to_domain(handle);

	if (!domain)
		return bad_handle(why, STATUS_INVALID_PARAMETER_1, handle);
	if (!number)
		return STATUS_SUCCESS;
	if (!list)
		return null_pointer(why, STATUS_INVALID_PARAMETER_4);
	return v3c_domain_flush_list(domain, number, list, why);
}

static NTSTATUS v3_flush_domain_by_va_list(PIOMMU_DMA_DOMAIN Domain, BOOLEAN LastLevel,
					   ULONG Number, PVOID VaList)
{
	struct v3c_why why;

	return ANSWER(FlushDomainByVaList, flush_va_list(Domain, Number, VaList, &why), &why);
}

/* Devices */

static NTSTATUS attach_device(PIOMMU_DMA_DOMAIN domain_handle, PIOMMU_DMA_DEVICE device_handle,
			      struct v3c_why *why)
{
	struct v3c_domain *domain = v3c_to_domain(domain_handle);
	struct v3c_device *device = v3c_to_device(device_handle);

	if (refuse_atomic(why))
		return STATUS_UNSUCCESSFUL;
	if (!domain)
		return bad_handle(why, STATUS_INVALID_PARAMETER_1, domain_handle);
	if (!device)
		return bad_handle(why, STATUS_INVALID_PARAMETER_2, device_handle);
	return v3c_attach_device(domain, device, why);
}

static NTSTATUS v3_attach_device_ex(PIOMMU_DMA_DOMAIN Domain, PIOMMU_DMA_DEVICE DmaDevice)
{
	struct v3c_why why;

	return ANSWER(AttachDeviceEx, attach_device(Domain, DmaDevice, &why), &why);
}

static NTSTATUS detach_device(PIOMMU_DMA_DEVICE handle, struct v3c_why *why)
{
	struct v3c_device *device = v3c_to_device(handle);

	if (refuse_atomic(why))
		return STATUS_UNSUCCESSFUL;
	if (!device)
		return bad_handle(why, STATUS_INVALID_PARAMETER_1, handle);
	return v3c_detach_device(device, why);
}

static NTSTATUS v3_detach_device_ex(PIOMMU_DMA_DEVICE DmaDevice)
{
	struct v3c_why why;

	return ANSWER(DetachDeviceEx, detach_device(DmaDevice, &why), &why);
}

/* Only ACPI devices on ARM64 have input mappings that a driver could name: the others have number 0. */
static NTSTATUS check_pdo(PIOMMU_DMA_DOMAIN handle, PDEVICE_OBJECT pdo, ULONG mapping, ULONG count,
			  struct v3c_why *why)
{
	if (refuse_atomic(why))
		return STATUS_UNSUCCESSFUL;
	if (!v3c_to_domain(handle))
		return bad_handle(why, STATUS_INVALID_PARAMETER_1, handle);
	if (!pdo)
		return null_pointer(why, STATUS_INVALID_PARAMETER_2);
	if (mapping)
		return v3c_refuse(why, STATUS_INVALID_PARAMETER_3, V3C_REASON_BAD_CONFIG, pdo,
				  mapping, 0);
	if (count != 1)
		return v3c_refuse(why, STATUS_INVALID_PARAMETER_4, V3C_REASON_BAD_CONFIG, pdo,
				  count, 1);
	return STATUS_SUCCESS;
}

static NTSTATUS v1_attach_device(PIOMMU_DMA_DOMAIN Domain, PDEVICE_OBJECT PhysicalDeviceObject,
				 ULONG InputMappingIdBase, ULONG MappingCount)
{
	struct v3c_why why;
	NTSTATUS status;

	status = check_pdo(Domain, PhysicalDeviceObject, InputMappingIdBase, MappingCount, &why);
	if (NT_SUCCESS(status))
		status = v3c_attach_pdo((struct v3c_domain *)Domain, PhysicalDeviceObject,
					       &why);
	return ANSWER(AttachDevice, status, &why);
}

static NTSTATUS v1_detach_device(PIOMMU_DMA_DOMAIN Domain, PDEVICE_OBJECT PhysicalDeviceObject,
				 ULONG InputMappingId)
{
	struct v3c_why why;
	NTSTATUS status;

	status = check_pdo(Domain, PhysicalDeviceObject, InputMappingId, 1, &why);
	if (NT_SUCCESS(status))
		status = v3c_detach_pdo((struct v3c_domain *)Domain, PhysicalDeviceObject,
					       &why);
	return ANSWER(DetachDevice, status, &why);
}

static NTSTATUS create_device(struct device *pdo,
			      const IOMMU_DEVICE_CREATION_CONFIGURATION *config,
			      PIOMMU_DMA_DEVICE *out, struct v3c_why *why)
{
	struct v3c_device *device;
	NTSTATUS status;

	if (refuse_atomic(why))
		return STATUS_UNSUCCESSFUL;
	if (!pdo)
		return null_pointer(why, STATUS_INVALID_PARAMETER_1);
	if (!out)
		return null_pointer(why, STATUS_INVALID_PARAMETER_3);
	status = v3c_device_create(pdo, config, &device, why);
	if (NT_SUCCESS(status))
		*out = (PIOMMU_DMA_DEVICE)device;
	return status;
}

static NTSTATUS v3_create_device(PDEVICE_OBJECT DeviceObject,
				 PIOMMU_DEVICE_CREATION_CONFIGURATION DeviceConfig,
				 PIOMMU_DMA_DEVICE *DmaDeviceOut)
{
	struct v3c_why why;

	return ANSWER(CreateDevice, create_device(DeviceObject, DeviceConfig, DmaDeviceOut, &why),
		      &why);
}

static NTSTATUS delete_device(PIOMMU_DMA_DEVICE handle, struct v3c_why *why)
{
	struct v3c_device *device = v3c_to_device(handle);

	if (refuse_atomic(why))
		return STATUS_UNSUCCESSFUL;
	if (!device)
		return bad_handle(why, STATUS_INVALID_PARAMETER_1, handle);
	return v3c_device_destroy(device, why);
}

static NTSTATUS v3_delete_device(PIOMMU_DMA_DEVICE DmaDevice)
{
	struct v3c_why why;

	return ANSWER(DeleteDevice, delete_device(DmaDevice, &why), &why);
}

/* It has no status: a bad handle has no domain types. */
static VOID v3_query_available_domain_types(PIOMMU_DMA_DEVICE DmaDevice, PULONG AvailableDomains)
{
	struct v3c_device *device = v3c_to_device(DmaDevice);
	struct v3c_why why;

	if (!AvailableDomains)
		return;
	*AvailableDomains = device && !refuse_atomic(&why) ? v3c_device_domain_types(device) : 0;
}

static NTSTATUS query_device_info(PIOMMU_DMA_DEVICE handle, ULONG size, PULONG written,
				  PIOMMU_DMA_DEVICE_INFORMATION buffer, struct v3c_why *why)
{
	struct v3c_device *device = v3c_to_device(handle);

	if (refuse_atomic(why))
		return STATUS_UNSUCCESSFUL;
	if (!device)
		return bad_handle(why, STATUS_INVALID_PARAMETER_1, handle);
	if (!written)
		return null_pointer(why, STATUS_INVALID_PARAMETER_3);
	if (!buffer && size >= sizeof(*buffer))
		return null_pointer(why, STATUS_INVALID_PARAMETER_4);
	return v3c_device_info(device, size, written, buffer, why);
}

static NTSTATUS v3_query_device_info(PIOMMU_DMA_DEVICE DmaDevice, ULONG Size, PULONG BytesWritten,
				     PIOMMU_DMA_DEVICE_INFORMATION Buffer)
{
	struct v3c_why why;

	return ANSWER(QueryDeviceInfo, query_device_info(DmaDevice, Size, BytesWritten, Buffer, &why),
		      &why);
}

static NTSTATUS query_input_mappings(struct device *pdo, INPUT_MAPPING_ELEMENT *buffer, ULONG size,
				     PULONG length, struct v3c_why *why)
{
	ULONG needed = 0;
	NTSTATUS status;

	if (refuse_atomic(why))
		return STATUS_UNSUCCESSFUL;
	if (!pdo)
		return null_pointer(why, STATUS_INVALID_PARAMETER_1);
	if (!buffer && size)
		return null_pointer(why, STATUS_INVALID_PARAMETER_2);
	status = v3c_device_input_mappings(pdo, buffer, size, &needed, why);
	if (length && (NT_SUCCESS(status) || status == STATUS_BUFFER_TOO_SMALL))
		*length = needed;
	return status;
}

static NTSTATUS v3_query_input_mappings(PDEVICE_OBJECT PhysicalDeviceObject,
					PINPUT_MAPPING_ELEMENT Buffer, ULONG BufferLength,
					PULONG ReturnLength)
{
	struct v3c_why why;

	return ANSWER(QueryInputMappings, query_input_mappings(PhysicalDeviceObject, Buffer,
							       BufferLength, ReturnLength, &why),
		      &why);
}

/* State changes */

static NTSTATUS register_callback(PIOMMU_INTERFACE_STATE_CHANGE_CALLBACK callback, void *context,
				  PIOMMU_DMA_DEVICE handle,
				  const IOMMU_INTERFACE_STATE_CHANGE_FIELDS *fields,
				  struct v3c_why *why)
{
	struct v3c_device *device = v3c_to_device(handle);

	if (refuse_atomic(why))
		return STATUS_UNSUCCESSFUL;
	if (!callback)
		return null_pointer(why, STATUS_INVALID_PARAMETER_1);
	if (!device)
		return bad_handle(why, STATUS_INVALID_PARAMETER_3, handle);
	if (!fields)
		return null_pointer(why, STATUS_INVALID_PARAMETER_4);
	if (fields->AsULONG != 1)
		return v3c_refuse(why, STATUS_INVALID_PARAMETER_4, V3C_REASON_RESERVED_BITS, fields,
				  fields->AsULONG, 1);
	return v3c_watch_begin(device, callback, context, why);
}

static NTSTATUS
v3_register_state_change_callback(PIOMMU_INTERFACE_STATE_CHANGE_CALLBACK StateChangeCallback,
				  PVOID Context, PIOMMU_DMA_DEVICE DmaDevice,
				  PIOMMU_INTERFACE_STATE_CHANGE_FIELDS StateFields)
{
	struct v3c_why why;

	return ANSWER(RegisterInterfaceStateChangeCallback,
		      register_callback(StateChangeCallback, Context, DmaDevice, StateFields, &why),
		      &why);
}

static NTSTATUS unregister_callback(PIOMMU_INTERFACE_STATE_CHANGE_CALLBACK callback,
				    PIOMMU_DMA_DEVICE handle, struct v3c_why *why)
{
	struct v3c_device *device = v3c_to_device(handle);

	if (refuse_atomic(why))
		return STATUS_UNSUCCESSFUL;
	if (!callback)
		return null_pointer(why, STATUS_INVALID_PARAMETER_1);
	if (!device)
		return bad_handle(why, STATUS_INVALID_PARAMETER_2, handle);
	return v3c_watch_end(device, callback, why);
}

static NTSTATUS
v3_unregister_state_change_callback(PIOMMU_INTERFACE_STATE_CHANGE_CALLBACK StateChangeCallback,
				    PIOMMU_DMA_DEVICE DmaDevice)
{
	struct v3c_why why;

	return ANSWER(UnregisterInterfaceStateChangeCallback,
		      unregister_callback(StateChangeCallback, DmaDevice, &why), &why);
}

/* Mapping */

static NTSTATUS map_logical(PIOMMU_DMA_DOMAIN handle, ULONG permissions,
			    const IOMMU_MAP_PHYSICAL_ADDRESS *desc,
			    const IOMMU_DMA_LOGICAL_ADDRESS *explicit,
			    const IOMMU_DMA_LOGICAL_ADDRESS *min,
			    const IOMMU_DMA_LOGICAL_ADDRESS *max,
			    IOMMU_DMA_LOGICAL_ADDRESS *out, struct v3c_why *why)
{
	struct v3c_domain *domain = v3c_to_domain(handle);
	struct v3c_place place = { .address_status = STATUS_INVALID_PARAMETER_4 };
	struct v3c_phys phys;
	NTSTATUS status;
	u64 page;

	if (unlikely(!domain))
		return bad_handle(why, STATUS_INVALID_PARAMETER_1, handle);
	status = check_permissions(permissions, STATUS_INVALID_PARAMETER_2, why);
	if (unlikely(!NT_SUCCESS(status)))
		return status;
	status = v3c_phys_init(&phys, desc, STATUS_INVALID_PARAMETER_3, why);
	if (unlikely(!NT_SUCCESS(status)))
		return status;
	if (explicit) {
		status = check_explicit(explicit, phys.pages, &page, STATUS_INVALID_PARAMETER_4, why);
		if (!NT_SUCCESS(status))
			return status;
		place.explicit_page = &page;
	}
	if (unlikely(!out))
		return null_pointer(why, STATUS_INVALID_PARAMETER_7);
	set_bounds(&place, min, max);

	status = v3c_map(domain, permissions, &phys, &place, &page, why);
	if (likely(NT_SUCCESS(status)))
		*out = page << V3C_PAGE_SHIFT;
	return status;
}

/* Apart, so that the common case pays for none of its variables. */
static noinline NTSTATUS slow_map_logical(PIOMMU_DMA_DOMAIN domain, ULONG permissions,
					  PIOMMU_MAP_PHYSICAL_ADDRESS desc,
					  PIOMMU_DMA_LOGICAL_ADDRESS explicit,
					  PIOMMU_DMA_LOGICAL_ADDRESS min,
					  PIOMMU_DMA_LOGICAL_ADDRESS max,
					  PIOMMU_DMA_LOGICAL_ADDRESS out)
{
	struct v3c_why why;

	return ANSWER(MapLogicalRangeEx, map_logical(domain, permissions, desc, explicit, min, max,
						     out, &why), &why);
}

static NTSTATUS v3_map_logical_range_ex(PIOMMU_DMA_DOMAIN Domain, ULONG Permissions,
					PIOMMU_MAP_PHYSICAL_ADDRESS PhysicalAddressToMap,
					PIOMMU_DMA_LOGICAL_ADDRESS ExplicitLogicalAddress,
					PIOMMU_DMA_LOGICAL_ADDRESS MinLogicalAddress,
					PIOMMU_DMA_LOGICAL_ADDRESS MaxLogicalAddress,
					PIOMMU_DMA_LOGICAL_ADDRESS LogicalAddressOut)
{
	struct v3c_domain *domain = v3c_to_domain(Domain);
	u64 base, size;

	if (likely(domain && Permissions - 1 < V3C_PERMISSIONS && LogicalAddressOut) &&
	    !ExplicitLogicalAddress && !MinLogicalAddress && !MaxLogicalAddress &&
	    v3c_quick_phys(PhysicalAddressToMap, V3C_QUICK_SIZE, &base, &size) &&
	    likely(v3c_quick_map(domain, Permissions, base, size, LogicalAddressOut)))
		return STATUS_SUCCESS;
	return slow_map_logical(Domain, Permissions, PhysicalAddressToMap, ExplicitLogicalAddress,
				MinLogicalAddress, MaxLogicalAddress, LogicalAddressOut);
}

static NTSTATUS v1_map_logical_range(PIOMMU_DMA_DOMAIN Domain, ULONG Permissions, PMDL Mdl,
				     ULONGLONG LogicalAddress)
{
	IOMMU_MAP_PHYSICAL_ADDRESS desc = { .MapType = MapPhysicalAddressTypeMdl, .Mdl.Mdl = Mdl };
	IOMMU_DMA_LOGICAL_ADDRESS address = LogicalAddress, out;
	struct v3c_why why;

	return ANSWER(MapLogicalRange, map_logical(Domain, Permissions, &desc, &address, NULL, NULL,
						   &out, &why), &why);
}

static NTSTATUS unmap_logical(PIOMMU_DMA_DOMAIN handle, u64 address, u64 pages,
			      struct v3c_why *why)
{
	struct v3c_domain *domain = v3c_to_domain(handle);
	u64 page = address >> V3C_PAGE_SHIFT;

	if (unlikely(!domain))
		return bad_handle(why, STATUS_INVALID_PARAMETER_1, handle);
	if (unlikely(!v3c_page_aligned(address)))
		return v3c_refuse(why, STATUS_INVALID_PARAMETER_2, V3C_REASON_MISALIGNED, domain,
				  address, 0);
	if (unlikely(!pages))
		return v3c_refuse(why, STATUS_INVALID_PARAMETER_3, V3C_REASON_EMPTY, domain, address,
				  0);
	if (unlikely(pages > (1ULL << (64 - V3C_PAGE_SHIFT)) - page))
		return v3c_refuse(why, STATUS_INVALID_PARAMETER_3, V3C_REASON_WRAPS, domain, address,
				  pages);
	return v3c_unmap(domain, page, pages, why);
}

static noinline NTSTATUS slow_unmap_logical(PIOMMU_DMA_DOMAIN domain, u64 address, u64 pages)
{
	struct v3c_why why;

	return ANSWER(UnmapLogicalRange, unmap_logical(domain, address, pages, &why), &why);
}

static NTSTATUS v3_unmap_logical_range(PIOMMU_DMA_DOMAIN Domain, ULONGLONG LogicalAddress,
				       ULONGLONG NumberOfPages)
{
	struct v3c_domain *domain = v3c_to_domain(Domain);

	/* What is not whole pages, empty or wraps was never handed out: the quick way finds no such. */
	if (likely(domain && v3c_page_aligned(LogicalAddress)) &&
	    likely(v3c_quick_unmap(domain, LogicalAddress >> V3C_PAGE_SHIFT, NumberOfPages)))
		return STATUS_SUCCESS;
	return slow_unmap_logical(Domain, LogicalAddress, NumberOfPages);
}

static NTSTATUS map_identity(PIOMMU_DMA_DOMAIN handle, ULONG permissions,
			     const IOMMU_MAP_PHYSICAL_ADDRESS *desc, struct v3c_why *why)
{
	struct v3c_domain *domain = v3c_to_domain(handle);
	struct v3c_phys phys;
	NTSTATUS status;

	if (!domain)
		return bad_handle(why, STATUS_INVALID_PARAMETER_1, handle);
	status = check_permissions(permissions, STATUS_INVALID_PARAMETER_2, why);
	if (!NT_SUCCESS(status))
		return status;
	status = v3c_phys_init(&phys, desc, STATUS_INVALID_PARAMETER_3, why);
	if (!NT_SUCCESS(status))
		return status;
	return v3c_map_identity(domain, permissions, &phys, STATUS_INVALID_PARAMETER_3, why);
}

static NTSTATUS v3_map_identity_range_ex(PIOMMU_DMA_DOMAIN Domain, ULONG Permissions,
					 PIOMMU_MAP_PHYSICAL_ADDRESS PhysicalAddressToMap)
{
	struct v3c_why why;

	return ANSWER(MapIdentityRangeEx, map_identity(Domain, Permissions, PhysicalAddressToMap,
						       &why), &why);
}

static NTSTATUS v1_map_identity_range(PIOMMU_DMA_DOMAIN Domain, ULONG Permissions, PMDL Mdl)
{
	IOMMU_MAP_PHYSICAL_ADDRESS desc = { .MapType = MapPhysicalAddressTypeMdl, .Mdl.Mdl = Mdl };
	struct v3c_why why;

	return ANSWER(MapIdentityRange, map_identity(Domain, Permissions, &desc, &why), &why);
}

static NTSTATUS unmap_identity(PIOMMU_DMA_DOMAIN handle, const IOMMU_MAP_PHYSICAL_ADDRESS *desc,
			       struct v3c_why *why)
{
	struct v3c_domain *domain = v3c_to_domain(handle);
	struct v3c_phys phys;
	NTSTATUS status;

	if (!domain)
		return bad_handle(why, STATUS_INVALID_PARAMETER_1, handle);
	status = v3c_phys_init(&phys, desc, STATUS_INVALID_PARAMETER_2, why);
	if (!NT_SUCCESS(status))
		return status;
	return v3c_unmap_identity(domain, &phys, why);
}

static NTSTATUS v3_unmap_identity_range_ex(PIOMMU_DMA_DOMAIN Domain,
					   PIOMMU_MAP_PHYSICAL_ADDRESS MappedPhysicalAddress)
{
	struct v3c_why why;

	return ANSWER(UnmapIdentityRangeEx, unmap_identity(Domain, MappedPhysicalAddress, &why),
		      &why);
}

static NTSTATUS v1_unmap_identity_range(PIOMMU_DMA_DOMAIN Domain, PMDL Mdl)
{
	IOMMU_MAP_PHYSICAL_ADDRESS desc = { .MapType = MapPhysicalAddressTypeMdl, .Mdl.Mdl = Mdl };
	struct v3c_why why;

	return ANSWER(UnmapIdentityRange, unmap_identity(Domain, &desc, &why), &why);
}

/* Reservations */

static NTSTATUS reserve_range(PIOMMU_DMA_DOMAIN handle, u64 size,
			      const IOMMU_DMA_LOGICAL_ADDRESS *explicit,
			      const IOMMU_DMA_LOGICAL_ADDRESS *min,
			      const IOMMU_DMA_LOGICAL_ADDRESS *max,
			      PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN *out, struct v3c_why *why)
{
	struct v3c_domain *domain = v3c_to_domain(handle);
	struct v3c_place place = { .address_status = STATUS_INVALID_PARAMETER_3 };
	struct v3c_token *token;
	NTSTATUS status;
	u64 page;

	if (refuse_atomic(why))
		return STATUS_UNSUCCESSFUL;
	if (!domain)
		return bad_handle(why, STATUS_INVALID_PARAMETER_1, handle);
	if (!size || !v3c_page_aligned(size))
		return v3c_refuse(why, STATUS_INVALID_PARAMETER_2, size ? V3C_REASON_MISALIGNED :
				  V3C_REASON_EMPTY, domain, size, 0);
	if (explicit) {
		status = check_explicit(explicit, size >> V3C_PAGE_SHIFT, &page,
					STATUS_INVALID_PARAMETER_3, why);
		if (!NT_SUCCESS(status))
			return status;
		place.explicit_page = &page;
	}
	if (!out)
		return null_pointer(why, STATUS_INVALID_PARAMETER_6);
	set_bounds(&place, min, max);

	status = v3c_token_create(domain, size >> V3C_PAGE_SHIFT, &place, &token, why);
	if (NT_SUCCESS(status))
		*out = (PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN)token;
	return status;
}

static NTSTATUS v3_reserve_logical_address_range(PIOMMU_DMA_DOMAIN Domain, SIZE_T Size,
						 PIOMMU_DMA_LOGICAL_ADDRESS ExplicitLogicalAddress,
						 PIOMMU_DMA_LOGICAL_ADDRESS MinLogicalAddress,
						 PIOMMU_DMA_LOGICAL_ADDRESS MaxLogicalAddress,
						 PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN *LogicalAddressToken)
{
	struct v3c_why why;

	return ANSWER(ReserveLogicalAddressRange,
		      reserve_range(Domain, Size, ExplicitLogicalAddress, MinLogicalAddress,
				    MaxLogicalAddress, LogicalAddressToken, &why), &why);
}

static NTSTATUS free_reserved(PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN handle, struct v3c_why *why)
{
	struct v3c_token *token = v3c_to_token(handle);

	if (refuse_atomic(why))
		return STATUS_UNSUCCESSFUL;
	if (!token)
		return bad_handle(why, STATUS_INVALID_PARAMETER_1, handle);
	return v3c_token_destroy(token, why);
}

static NTSTATUS v3_free_reserved_logical_address_range(PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN Token)
{
	struct v3c_why why;

	return ANSWER(FreeReservedLogicalAddressRange, free_reserved(Token, &why), &why);
}

static NTSTATUS map_reserved(PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN handle, u64 offset, ULONG permissions,
			     const IOMMU_MAP_PHYSICAL_ADDRESS *desc,
			     IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT *segment,
			     struct v3c_why *why)
{
	struct v3c_token *token = v3c_to_token(handle);
	struct v3c_phys phys;
	NTSTATUS status;

	if (unlikely(!token))
		return bad_handle(why, STATUS_INVALID_PARAMETER_1, handle);
	if (unlikely(!v3c_page_aligned(offset)))
		return v3c_refuse(why, STATUS_INVALID_PARAMETER_2, V3C_REASON_MISALIGNED, token,
				  offset, 0);
	status = check_permissions(permissions, STATUS_INVALID_PARAMETER_3, why);
	if (unlikely(!NT_SUCCESS(status)))
		return status;
	status = v3c_phys_init(&phys, desc, STATUS_INVALID_PARAMETER_4, why);
	if (unlikely(!NT_SUCCESS(status)))
		return status;
	if (unlikely(!segment))
		return null_pointer(why, STATUS_INVALID_PARAMETER_5);

	status = v3c_token_map(token, offset >> V3C_PAGE_SHIFT, permissions, &phys, why);
	if (likely(NT_SUCCESS(status))) {
		segment->OwningToken = handle;
		segment->Offset = offset;
		segment->Size = phys.pages << V3C_PAGE_SHIFT;
	}
	return status;
}

static noinline NTSTATUS slow_map_reserved(PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token, u64 offset,
					   ULONG permissions,
					   const IOMMU_MAP_PHYSICAL_ADDRESS *desc,
					   IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT *segment)
{
	struct v3c_why why;

	return ANSWER(MapReservedLogicalRange, map_reserved(token, offset, permissions, desc, segment,
							    &why), &why);
}

static NTSTATUS v3_map_reserved_logical_range(PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN LogicalAddressToken,
					      SIZE_T Offset, ULONG Permissions,
					      PIOMMU_MAP_PHYSICAL_ADDRESS PhysicalAddressToMap,
					      PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT Segment)
{
	struct v3c_token *token = v3c_to_token(LogicalAddressToken);
	u64 base, size;

	if (likely(token && v3c_page_aligned(Offset) && Permissions - 1 < V3C_PERMISSIONS && Segment) &&
	    v3c_quick_phys(PhysicalAddressToMap, V3C_PAGE_SIZE, &base, &size) &&
	    likely(v3c_quick_map_reserved(token, Offset, Permissions, base))) {
		Segment->OwningToken = LogicalAddressToken;
		Segment->Offset = Offset;
		Segment->Size = V3C_PAGE_SIZE;
		return STATUS_SUCCESS;
	}
	return slow_map_reserved(LogicalAddressToken, Offset, Permissions, PhysicalAddressToMap, Segment);
}

/* The caller's descriptor tells of nothing any more, and a second unmap sees it. */
static __always_inline void clear_segment(IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT *segment)
{
	segment->OwningToken = NULL;
	segment->Offset = 0;
	segment->Size = 0;
}

static NTSTATUS
unmap_reserved(IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT *segment, struct v3c_why *why)
{
	struct v3c_token *token;
	NTSTATUS status;

	if (unlikely(!segment))
		return null_pointer(why, STATUS_INVALID_PARAMETER);
	token = v3c_to_token(segment->OwningToken);
	if (unlikely(!token))
		return bad_handle(why, STATUS_INVALID_PARAMETER, segment->OwningToken);
	if (unlikely(!v3c_page_aligned(segment->Offset | segment->Size)))
		return v3c_refuse(why, STATUS_INVALID_PARAMETER, V3C_REASON_MISALIGNED, segment,
				  segment->Offset, segment->Size);
	status = v3c_token_unmap(token, segment->Offset >> V3C_PAGE_SHIFT,
				 segment->Size >> V3C_PAGE_SHIFT, why);
	if (likely(NT_SUCCESS(status)))
		clear_segment(segment);
	return status;
}

static noinline NTSTATUS
slow_unmap_reserved(IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT *segment)
{
	struct v3c_why why;

	return ANSWER(UnmapReservedLogicalRange, unmap_reserved(segment, &why), &why);
}

static NTSTATUS
v3_unmap_reserved_logical_range(PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT MappedSegment)
{
	struct v3c_token *token = MappedSegment ? v3c_to_token(MappedSegment->OwningToken) : NULL;

	if (likely(token) && MappedSegment->Size == V3C_PAGE_SIZE &&
	    likely(v3c_page_aligned(MappedSegment->Offset) &&
		   v3c_quick_unmap_reserved(token, MappedSegment->Offset))) {
		clear_segment(MappedSegment);
		return STATUS_SUCCESS;
	}
	return slow_unmap_reserved(MappedSegment);
}

/* Faults */

static NTSTATUS set_fault_reporting(PIOMMU_DMA_DEVICE handle, ULONG base, BOOLEAN enable,
				    const DEVICE_FAULT_CONFIGURATION *config, struct v3c_why *why)
{
	struct v3c_device *device = v3c_to_device(handle);

	if (refuse_atomic(why))
		return STATUS_UNSUCCESSFUL;
	if (!device)
		return bad_handle(why, STATUS_INVALID_PARAMETER_1, handle);
	return v3c_report_faults(device, base, enable, config, why);
}

static NTSTATUS v3_set_device_fault_reporting_ex(PIOMMU_DMA_DEVICE DmaDevice,
						 ULONG InputMappingIdBase, BOOLEAN Enable,
						 PDEVICE_FAULT_CONFIGURATION FaultConfig)
{
	struct v3c_why why;

	return ANSWER(SetDeviceFaultReportingEx,
		      set_fault_reporting(DmaDevice, InputMappingIdBase, Enable, FaultConfig, &why),
		      &why);
}

static NTSTATUS set_pdo_fault_reporting(struct device *pdo, ULONG base, BOOLEAN enable,
					const DEVICE_FAULT_CONFIGURATION *config,
					struct v3c_why *why)
{
	if (refuse_atomic(why))
		return STATUS_UNSUCCESSFUL;
	if (!pdo)
		return null_pointer(why, STATUS_INVALID_PARAMETER_1);
	return v3c_report_faults_pdo(pdo, base, enable, config, why);
}

static NTSTATUS v1_set_device_fault_reporting(PDEVICE_OBJECT PhysicalDeviceObject,
					      ULONG InputMappingIdBase, BOOLEAN Enable,
					      PDEVICE_FAULT_CONFIGURATION FaultConfig)
{
	struct v3c_why why;

	return ANSWER(SetDeviceFaultReporting,
		      set_pdo_fault_reporting(PhysicalDeviceObject, InputMappingIdBase, Enable,
					      FaultConfig, &why), &why);
}

/* Sub-devices */

static NTSTATUS create_pasid_device(PIOMMU_DMA_DEVICE handle, PIOMMU_DMA_PASID_DEVICE *out,
				    PULONG number, struct v3c_why *why)
{
	struct v3c_device *device = v3c_to_device(handle);
	struct v3c_pasid *pasid;
	NTSTATUS status;

	if (refuse_atomic(why))
		return STATUS_UNSUCCESSFUL;
	if (!device)
		return bad_handle(why, STATUS_INVALID_PARAMETER_1, handle);
	if (!out)
		return null_pointer(why, STATUS_INVALID_PARAMETER_2);
	if (!number)
		return null_pointer(why, STATUS_INVALID_PARAMETER_3);
	status = v3c_pasid_create(device, &pasid, why);
	if (NT_SUCCESS(status)) {
		*out = (PIOMMU_DMA_PASID_DEVICE)pasid;
		*number = pasid->number;
	}
	return status;
}

static NTSTATUS v3_create_pasid_device(PIOMMU_DMA_DEVICE DmaDevice,
				       PIOMMU_DMA_PASID_DEVICE *PasidDeviceOut, PULONG AsidOut)
{
	struct v3c_why why;

	return ANSWER(CreatePasidDevice, create_pasid_device(DmaDevice, PasidDeviceOut, AsidOut,
							     &why), &why);
}

static NTSTATUS delete_pasid_device(PIOMMU_DMA_PASID_DEVICE handle, struct v3c_why *why)
{
	struct v3c_pasid *pasid = v3c_to_pasid(handle);

	if (refuse_atomic(why))
		return STATUS_UNSUCCESSFUL;
	if (!pasid)
		return bad_handle(why, STATUS_INVALID_PARAMETER_1, handle);
	return v3c_pasid_destroy(pasid, why);
}

static NTSTATUS v3_delete_pasid_device(PIOMMU_DMA_PASID_DEVICE PasidDevice)
{
	struct v3c_why why;

	return ANSWER(DeletePasidDevice, delete_pasid_device(PasidDevice, &why), &why);
}

static NTSTATUS attach_pasid_device(PIOMMU_DMA_DOMAIN domain_handle,
				    PIOMMU_DMA_PASID_DEVICE pasid_handle, struct v3c_why *why)
{
	struct v3c_domain *domain = v3c_to_domain(domain_handle);
	struct v3c_pasid *pasid = v3c_to_pasid(pasid_handle);

	if (refuse_atomic(why))
		return STATUS_UNSUCCESSFUL;
	if (!domain)
		return bad_handle(why, STATUS_INVALID_PARAMETER_1, domain_handle);
	if (!pasid)
		return bad_handle(why, STATUS_INVALID_PARAMETER_2, pasid_handle);
	return v3c_attach_pasid(domain, pasid, why);
}

static NTSTATUS v3_attach_pasid_device(PIOMMU_DMA_DOMAIN Domain, PIOMMU_DMA_PASID_DEVICE PasidDevice)
{
	struct v3c_why why;

	return ANSWER(AttachPasidDevice, attach_pasid_device(Domain, PasidDevice, &why), &why);
}

static NTSTATUS detach_pasid_device(PIOMMU_DMA_PASID_DEVICE handle, struct v3c_why *why)
{
	struct v3c_pasid *pasid = v3c_to_pasid(handle);

	if (refuse_atomic(why))
		return STATUS_UNSUCCESSFUL;
	if (!pasid)
		return bad_handle(why, STATUS_INVALID_PARAMETER_1, handle);
	return v3c_detach_pasid(pasid, why);
}

static NTSTATUS v3_detach_pasid_device(PIOMMU_DMA_PASID_DEVICE PasidDevice)
{
	struct v3c_why why;

	return ANSWER(DetachPasidDevice, detach_pasid_device(PasidDevice, &why), &why);
}

/* Tables */

static const DMA_IOMMU_INTERFACE_V1 v3c_table_v1 = {
	.CreateDomain			= v1_create_domain,
	.DeleteDomain			= v3_delete_domain,
	.AttachDevice			= v1_attach_device,
	.DetachDevice			= v1_detach_device,
	.FlushDomain			= v3_flush_domain,
	.FlushDomainByVaList		= v3_flush_domain_by_va_list,
	.QueryInputMappings		= v3_query_input_mappings,
	.MapLogicalRange		= v1_map_logical_range,
	.UnmapLogicalRange		= v3_unmap_logical_range,
	.MapIdentityRange		= v1_map_identity_range,
	.UnmapIdentityRange		= v1_unmap_identity_range,
	.SetDeviceFaultReporting	= v1_set_device_fault_reporting,
	.ConfigureDomain		= v3_configure_domain,
};

static const DMA_IOMMU_INTERFACE_V3 v3c_table_v3 = {
	.CreateDomainEx				= v3_create_domain_ex,
	.DeleteDomain				= v3_delete_domain,
	.AttachDeviceEx				= v3_attach_device_ex,
	.DetachDeviceEx				= v3_detach_device_ex,
	.FlushDomain				= v3_flush_domain,
	.FlushDomainByVaList			= v3_flush_domain_by_va_list,
	.QueryInputMappings			= v3_query_input_mappings,
	.MapLogicalRangeEx			= v3_map_logical_range_ex,
	.UnmapLogicalRange			= v3_unmap_logical_range,
	.MapIdentityRangeEx			= v3_map_identity_range_ex,
	.UnmapIdentityRangeEx			= v3_unmap_identity_range_ex,
	.SetDeviceFaultReportingEx		= v3_set_device_fault_reporting_ex,
	.ConfigureDomain			= v3_configure_domain,
	.QueryAvailableDomainTypes		= v3_query_available_domain_types,
	.RegisterInterfaceStateChangeCallback	= v3_register_state_change_callback,
	.UnregisterInterfaceStateChangeCallback	= v3_unregister_state_change_callback,
	.ReserveLogicalAddressRange		= v3_reserve_logical_address_range,
	.FreeReservedLogicalAddressRange	= v3_free_reserved_logical_address_range,
	.MapReservedLogicalRange		= v3_map_reserved_logical_range,
	.UnmapReservedLogicalRange		= v3_unmap_reserved_logical_range,
	.CreateDevice				= v3_create_device,
	.DeleteDevice				= v3_delete_device,
	.CreatePasidDevice			= v3_create_pasid_device,
	.DeletePasidDevice			= v3_delete_pasid_device,
	.AttachPasidDevice			= v3_attach_pasid_device,
	.DetachPasidDevice			= v3_detach_pasid_device,
	.QueryDeviceInfo			= v3_query_device_info,
};

/* V2 is the beginning of V3, so that one table serves both. */
static_assert(offsetof(DMA_IOMMU_INTERFACE_V3, CreatePasidDevice) == sizeof(DMA_IOMMU_INTERFACE_V2));

static const struct {
	const void *table;
	size_t size;
} v3c_versions[] = {
	[DMA_IOMMU_INTERFACE_EX_VERSION_1] = { &v3c_table_v1, sizeof(DMA_IOMMU_INTERFACE_V1) },
	[DMA_IOMMU_INTERFACE_EX_VERSION_2] = { &v3c_table_v3, sizeof(DMA_IOMMU_INTERFACE_V2) },
	[DMA_IOMMU_INTERFACE_EX_VERSION_3] = { &v3c_table_v3, sizeof(DMA_IOMMU_INTERFACE_V3) },
};

static NTSTATUS get_interface_ex(ULONG version, ULONGLONG flags, DMA_IOMMU_INTERFACE_EX *out,
				 struct v3c_why *why)
{
	if (refuse_atomic(why))
		return STATUS_UNSUCCESSFUL;
	if (version < DMA_IOMMU_INTERFACE_EX_VERSION_MIN ||
	    version > DMA_IOMMU_INTERFACE_EX_VERSION_MAX)
		return v3c_refuse(why, STATUS_INVALID_PARAMETER_1, V3C_REASON_BAD_ENUM, NULL, version,
				  DMA_IOMMU_INTERFACE_EX_VERSION_MAX);
	if (flags)
		return v3c_refuse(why, STATUS_INVALID_PARAMETER_3, V3C_REASON_RESERVED_BITS, NULL,
				  flags, 0);
	if (!out)
		return null_pointer(why, STATUS_INVALID_PARAMETER_3);

	/* The caller's memory may end where the arm it asked for ends. */
	out->Size = offsetof(DMA_IOMMU_INTERFACE_EX, V1) + v3c_versions[version].size;
	out->Version = version;
	memcpy((u8 *)out + offsetof(DMA_IOMMU_INTERFACE_EX, V1), v3c_versions[version].table,
	       v3c_versions[version].size);
	return STATUS_SUCCESS;
}

NTSTATUS IoGetIommuInterfaceEx(ULONG Version, ULONGLONG Flags, PDMA_IOMMU_INTERFACE_EX InterfaceOut)
{
	struct v3c_why why;

	return ANSWER(IoGetIommuInterfaceEx, get_interface_ex(Version, Flags, InterfaceOut, &why),
		      &why);
}
V3C_EXPORT_NS_GPL(IoGetIommuInterfaceEx, V3COMPAT);

static NTSTATUS get_interface(ULONG version, DMA_IOMMU_INTERFACE *out, struct v3c_why *why)
{
	if (refuse_atomic(why))
		return STATUS_UNSUCCESSFUL;
	if (version != DMA_IOMMU_INTERFACE_VERSION)
		return v3c_refuse(why, STATUS_INVALID_PARAMETER_1, V3C_REASON_BAD_ENUM, NULL, version,
				  DMA_IOMMU_INTERFACE_VERSION);
	if (!out)
		return null_pointer(why, STATUS_INVALID_PARAMETER_2);

	/* Named one by one: the legacy structure has the members of V1, but is none. */
	*out = (DMA_IOMMU_INTERFACE) {
		.Version		 = version,
		.CreateDomain		 = v3c_table_v1.CreateDomain,
		.DeleteDomain		 = v3c_table_v1.DeleteDomain,
		.AttachDevice		 = v3c_table_v1.AttachDevice,
		.DetachDevice		 = v3c_table_v1.DetachDevice,
		.FlushDomain		 = v3c_table_v1.FlushDomain,
		.FlushDomainByVaList	 = v3c_table_v1.FlushDomainByVaList,
		.QueryInputMappings	 = v3c_table_v1.QueryInputMappings,
		.MapLogicalRange	 = v3c_table_v1.MapLogicalRange,
		.UnmapLogicalRange	 = v3c_table_v1.UnmapLogicalRange,
		.MapIdentityRange	 = v3c_table_v1.MapIdentityRange,
		.UnmapIdentityRange	 = v3c_table_v1.UnmapIdentityRange,
		.SetDeviceFaultReporting = v3c_table_v1.SetDeviceFaultReporting,
		.ConfigureDomain	 = v3c_table_v1.ConfigureDomain,
	};
	return STATUS_SUCCESS;
}

NTSTATUS IoGetIommuInterface(ULONG Version, PDMA_IOMMU_INTERFACE InterfaceOut)
{
	struct v3c_why why;

	return ANSWER(IoGetIommuInterface, get_interface(Version, InterfaceOut, &why), &why);
}
V3C_EXPORT_NS_GPL(IoGetIommuInterface, V3COMPAT);
