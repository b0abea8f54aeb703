// SPDX-License-Identifier: GPL-2.0
/*
 * The tables V1, V2 and V3, as drivers written for Windows see them.
 *
 * A member checks each argument by itself in the order of the parameters, calls one verb, and shows
 * a refusal to the tracepoint. STATUS_INVALID_PARAMETER_n names the wrong parameter by its ordinal.
 */
#include <linux/iommu.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <v3compat/kcompat.h>

#include "base/owner.h"
#include "base/phys.h"
#include "core/attach.h"
#include "core/check.h"
#include "core/create.h"
#include "core/device.h"
#include "core/domain.h"
#include "core/fault.h"
#include "core/flush.h"
#include "core/map.h"
#include "core/pasid.h"
#include "core/place.h"
#include "core/quick.h"
#include "core/report.h"
#include "core/reserve.h"
#include "core/watch.h"
#include "wdm/face.h"
#include "wdm/faults.h"
#include "wdm/read.h"

static_assert(IOMMU_READ == 1 && IOMMU_WRITE == 2, "Permissions are handed on as they are");

/* enum v3c_domain_type has the numbers of IOMMU_DMA_DOMAIN_TYPE, so that a cast converts them. */
static_assert(V3C_DOMAIN_TRANSLATE == (int)DomainTypeTranslate);
static_assert(V3C_DOMAIN_PASSTHROUGH == (int)DomainTypePassThrough);
static_assert(V3C_DOMAIN_UNMANAGED == (int)DomainTypeUnmanaged);
static_assert(V3C_DOMAIN_TRANSLATE_S1 == (int)DomainTypeTranslateS1);
static_assert(V3C_DOMAIN_TYPES == (int)DomainTypeMax);
static_assert(sizeof(INPUT_MAPPING_ELEMENT) == sizeof(u32));

/* v3w_owner is all drivers, because the interface has no argument that says who calls. */
static const struct v3c_owner v3w_owner = { .name = "drivers" };

/* &v3c_handle.shown of a token is the public structure. */
static_assert(offsetof(struct v3c_handle, shown) ==
	      offsetof(IOMMU_DMA_LOGICAL_ADDRESS_TOKEN, LogicalAddressBase));
static_assert(sizeof_field(struct v3c_handle, shown) == sizeof(IOMMU_DMA_LOGICAL_ADDRESS_TOKEN));

/* Domains */

static enum v3c_reason create_domain(IOMMU_DMA_DOMAIN_TYPE type,
				     IOMMU_DMA_DOMAIN_CREATION_FLAGS flags,
				     const IOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG *allocator,
				     const IOMMU_DMA_RESERVED_REGION *regions,
				     PIOMMU_DMA_DOMAIN *out, struct v3c_why *why)
{
	struct v3c_domain_config config = { .type = (enum v3c_domain_type)type };
	struct v3c_domain *domain;
	enum v3c_reason reason;

	if (refuse_atomic(why))
		return why->reason;
	if ((unsigned int)type >= DomainTypeMax)
		return v3c_refuse(why, V3C_REASON_BAD_ENUM, V3C_PARAM_TYPE, NULL, type,
				  DomainTypeMax);
	if (flags.AsUlonglong)
		return v3c_refuse(why, V3C_REASON_RESERVED_BITS, V3C_PARAM_FLAGS, NULL,
				  flags.AsUlonglong, 0);
	reason = v3w_read_allocator(allocator, &config, why) ?:
		 v3w_read_regions(regions, &config, why) ?:
		 check_pointer(out, V3C_PARAM_OUT, why) ?:
		 v3c_domain_create(&v3w_owner, &config, &domain, why);
	kvfree(config.regions);
	if (!reason)
		*out = (PIOMMU_DMA_DOMAIN)domain;
	return reason;
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
		return ANSWER(CreateDomain, null_pointer(&why, V3C_PARAM_OUT), &why);
	return ANSWER(CreateDomain, create_domain(type, flags, NULL, NULL, DomainOut, &why), &why);
}

static enum v3c_reason delete_domain(PIOMMU_DMA_DOMAIN handle, struct v3c_why *why)
{
	struct v3c_domain *domain = v3c_to_domain(handle);

	return check_handle(domain, V3C_PARAM_DOMAIN, why) ?: v3c_domain_destroy(domain, why);
}

static NTSTATUS v3_delete_domain(PIOMMU_DMA_DOMAIN Domain)
{
	struct v3c_why why;

	return ANSWER(DeleteDomain, delete_domain(Domain, &why), &why);
}

static enum v3c_reason configure_domain(PIOMMU_DMA_DOMAIN handle,
					const DOMAIN_CONFIGURATION *config, struct v3c_why *why)
{
	struct v3c_domain *domain = v3c_to_domain(handle);
	struct v3c_tables tables = {};
	enum v3c_reason reason;

	reason = check_handle(domain, V3C_PARAM_DOMAIN, why) ?:
		 check_pointer(config, V3C_PARAM_CONFIG, why);
	if (!reason && domain->type == V3C_DOMAIN_UNMANAGED)
		reason = v3w_read_tables(config, &tables, why);
	return reason ?: v3c_domain_configure(domain, &tables, why);
}

static NTSTATUS v3_configure_domain(PIOMMU_DMA_DOMAIN Domain, PDOMAIN_CONFIGURATION Configuration)
{
	struct v3c_why why;

	return ANSWER(ConfigureDomain, configure_domain(Domain, Configuration, &why), &why);
}

static enum v3c_reason flush_domain(PIOMMU_DMA_DOMAIN handle, struct v3c_why *why)
{
	struct v3c_domain *domain = v3c_to_domain(handle);

	return domain ? v3c_domain_flush(domain, why) :
			bad_handle(why, V3C_PARAM_DOMAIN);
}

static NTSTATUS v3_flush_domain(PIOMMU_DMA_DOMAIN Domain)
{
	struct v3c_why why;

	return ANSWER(FlushDomain, flush_domain(Domain, &why), &why);
}

static enum v3c_reason flush_va_list(PIOMMU_DMA_DOMAIN handle, ULONG number, const void *list,
				     struct v3c_why *why)
{
	struct v3c_domain *domain = v3c_to_domain(handle);

	if (!domain)
		return bad_handle(why, V3C_PARAM_DOMAIN);
	if (!number)
		return 0;
	if (!list)
		return null_pointer(why, V3C_PARAM_LIST);
	return v3c_domain_flush_list(domain, number, list, why);
}

static NTSTATUS v3_flush_domain_by_va_list(PIOMMU_DMA_DOMAIN Domain, BOOLEAN LastLevel,
					   ULONG Number, PVOID VaList)
{
	struct v3c_why why;

	return ANSWER(FlushDomainByVaList, flush_va_list(Domain, Number, VaList, &why), &why);
}

/* Devices */

static enum v3c_reason attach_device(PIOMMU_DMA_DOMAIN domain_handle,
				     PIOMMU_DMA_DEVICE device_handle, struct v3c_why *why)
{
	struct v3c_domain *domain = v3c_to_domain(domain_handle);
	struct v3c_device *device = v3c_to_device(device_handle);

	return check_handle(domain, V3C_PARAM_DOMAIN, why) ?:
	       check_handle(device, V3C_PARAM_DEVICE, why) ?:
	       v3c_attach_device(domain, device, why);
}

static NTSTATUS v3_attach_device_ex(PIOMMU_DMA_DOMAIN Domain, PIOMMU_DMA_DEVICE DmaDevice)
{
	struct v3c_why why;

	return ANSWER(AttachDeviceEx, attach_device(Domain, DmaDevice, &why), &why);
}

static enum v3c_reason detach_device(PIOMMU_DMA_DEVICE handle, struct v3c_why *why)
{
	struct v3c_device *device = v3c_to_device(handle);

	return check_handle(device, V3C_PARAM_DEVICE, why) ?: v3c_detach_device(device, why);
}

static NTSTATUS v3_detach_device_ex(PIOMMU_DMA_DEVICE DmaDevice)
{
	struct v3c_why why;

	return ANSWER(DetachDeviceEx, detach_device(DmaDevice, &why), &why);
}

/*
 * check_pdo() takes @mapping 0 only, because only ACPI devices on ARM64 have input mappings that a
 * driver could name.
 */
static enum v3c_reason check_pdo(const struct v3c_domain *domain, PDEVICE_OBJECT pdo, ULONG mapping,
				 ULONG count, struct v3c_why *why)
{
	enum v3c_reason reason;

	reason = check_handle(domain, V3C_PARAM_DOMAIN, why) ?:
		 check_pointer(pdo, V3C_PARAM_DEVICE, why);
	if (reason)
		return reason;
	if (mapping)
		return v3c_refuse(why, V3C_REASON_BAD_CONFIG, V3C_PARAM_MAPPING, NULL, mapping, 0);
	if (count != 1)
		return v3c_refuse(why, V3C_REASON_BAD_CONFIG, V3C_PARAM_NUMBER, NULL, count, 1);
	return 0;
}

static NTSTATUS v1_attach_device(PIOMMU_DMA_DOMAIN Domain, PDEVICE_OBJECT PhysicalDeviceObject,
				 ULONG InputMappingIdBase, ULONG MappingCount)
{
	struct v3c_domain *domain = v3c_to_domain(Domain);
	struct v3c_why why;
	enum v3c_reason reason;

	reason = check_pdo(domain, PhysicalDeviceObject, InputMappingIdBase, MappingCount, &why) ?:
		 v3c_attach_pdo(domain, PhysicalDeviceObject, &why);
	return ANSWER(AttachDevice, reason, &why);
}

static NTSTATUS v1_detach_device(PIOMMU_DMA_DOMAIN Domain, PDEVICE_OBJECT PhysicalDeviceObject,
				 ULONG InputMappingId)
{
	struct v3c_domain *domain = v3c_to_domain(Domain);
	struct v3c_why why;
	enum v3c_reason reason;

	reason = check_pdo(domain, PhysicalDeviceObject, InputMappingId, 1, &why) ?:
		 v3c_detach_pdo(domain, PhysicalDeviceObject, &why);
	return ANSWER(DetachDevice, reason, &why);
}

static enum v3c_reason create_device(struct device *pdo,
				     const IOMMU_DEVICE_CREATION_CONFIGURATION *config,
				     PIOMMU_DMA_DEVICE *out, struct v3c_why *why)
{
	struct v3c_device_config read;
	struct v3c_device *device;
	enum v3c_reason reason;

	reason = check_pointer(pdo, V3C_PARAM_DEVICE, why) ?:
		 check_pointer(out, V3C_PARAM_OUT, why) ?:
		 v3w_read_device(pdo, config, &read, why) ?:
		 v3c_device_create(&v3w_owner, pdo, &read, &device, why);
	if (!reason)
		*out = (PIOMMU_DMA_DEVICE)device;
	return reason;
}

static NTSTATUS v3_create_device(PDEVICE_OBJECT DeviceObject,
				 PIOMMU_DEVICE_CREATION_CONFIGURATION DeviceConfig,
				 PIOMMU_DMA_DEVICE *DmaDeviceOut)
{
	struct v3c_why why;

	return ANSWER(CreateDevice, create_device(DeviceObject, DeviceConfig, DmaDeviceOut, &why),
		      &why);
}

static enum v3c_reason delete_device(PIOMMU_DMA_DEVICE handle, struct v3c_why *why)
{
	struct v3c_device *device = v3c_to_device(handle);

	return check_handle(device, V3C_PARAM_DEVICE, why) ?: v3c_device_destroy(device, why);
}

static NTSTATUS v3_delete_device(PIOMMU_DMA_DEVICE DmaDevice)
{
	struct v3c_why why;

	return ANSWER(DeleteDevice, delete_device(DmaDevice, &why), &why);
}

/* v3_query_available_domain_types() has no status: a bad handle has no domain types. */
static VOID v3_query_available_domain_types(PIOMMU_DMA_DEVICE DmaDevice, PULONG AvailableDomains)
{
	struct v3c_device *device = v3c_to_device(DmaDevice);
	struct v3c_why why;

	if (!AvailableDomains)
		return;
	*AvailableDomains = device && !refuse_atomic(&why) ? v3c_device_domain_types(device) : 0;
}

static enum v3c_reason query_device_info(PIOMMU_DMA_DEVICE handle, ULONG size, PULONG written,
					 PIOMMU_DMA_DEVICE_INFORMATION buffer, struct v3c_why *why)
{
	struct v3c_device *device = v3c_to_device(handle);
	struct v3c_device_config config;
	enum v3c_reason reason;

	reason = check_handle(device, V3C_PARAM_DEVICE, why) ?:
		 check_pointer(written, V3C_PARAM_NUMBER, why);
	if (!reason && size >= sizeof(*buffer))
		reason = check_pointer(buffer, V3C_PARAM_BUFFER, why);
	if (!reason)
		reason = v3c_device_info(device, &config, why);
	if (reason)
		return reason;
	*written = sizeof(*buffer);
	if (size < sizeof(*buffer))
		return v3c_refuse(why, V3C_REASON_BUFFER_TOO_SMALL, V3C_PARAM_LENGTH, device, size,
				  sizeof(*buffer));
	*buffer = (IOMMU_DMA_DEVICE_INFORMATION) {
		.DefaultPasidEnabled = config.pasid,
		.PasidTaggedDmaEnabled = config.tagged,
		.PasidFaultsSuppressed = config.suppress,
	};
	return 0;
}

static NTSTATUS v3_query_device_info(PIOMMU_DMA_DEVICE DmaDevice, ULONG Size, PULONG BytesWritten,
				     PIOMMU_DMA_DEVICE_INFORMATION Buffer)
{
	struct v3c_why why;

	return ANSWER(QueryDeviceInfo,
		      query_device_info(DmaDevice, Size, BytesWritten, Buffer, &why), &why);
}

static enum v3c_reason query_input_mappings(struct device *pdo, INPUT_MAPPING_ELEMENT *buffer,
					    ULONG size, PULONG length, struct v3c_why *why)
{
	u32 count;
	enum v3c_reason reason;

	reason = check_pointer(pdo, V3C_PARAM_DEVICE, why);
	if (!reason && size)
		reason = check_pointer(buffer, V3C_PARAM_BUFFER, why);
	if (reason)
		return reason;
	reason = v3c_device_input_mappings(pdo, (u32 *)buffer, size / sizeof(*buffer), &count, why);
	if (length && (!reason || reason == V3C_REASON_BUFFER_TOO_SMALL))
		*length = count * sizeof(*buffer);
	return reason;
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

static void tell_callback(const struct v3c_watcher *watcher, u32 types)
{
	IOMMU_INTERFACE_STATE_CHANGE change = {
		.PresentFields.AvailableDomainTypes = 1,
		.AvailableDomainTypes = types,
	};

	((PIOMMU_INTERFACE_STATE_CHANGE_CALLBACK)watcher->callback)(&change, watcher->context);
}

static enum v3c_reason register_callback(PIOMMU_INTERFACE_STATE_CHANGE_CALLBACK callback,
					 void *context, PIOMMU_DMA_DEVICE handle,
					 const IOMMU_INTERFACE_STATE_CHANGE_FIELDS *fields,
					 struct v3c_why *why)
{
	struct v3c_watcher watcher = {
		.tell = tell_callback, .callback = (void (*)(void))callback, .context = context,
	};
	struct v3c_device *device = v3c_to_device(handle);
	enum v3c_reason reason;

	reason = check_pointer(callback, V3C_PARAM_CALLBACK, why) ?:
		 check_handle(device, V3C_PARAM_DEVICE, why) ?:
		 check_pointer(fields, V3C_PARAM_FIELDS, why);
	if (reason)
		return reason;
	if (fields->AsULONG != 1)
		return v3c_refuse(why, V3C_REASON_RESERVED_BITS, V3C_PARAM_FIELDS, NULL,
				  fields->AsULONG, 1);
	return v3c_watch_begin(device, &watcher, why);
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

static enum v3c_reason unregister_callback(PIOMMU_INTERFACE_STATE_CHANGE_CALLBACK callback,
					   PIOMMU_DMA_DEVICE handle, struct v3c_why *why)
{
	struct v3c_device *device = v3c_to_device(handle);

	return check_pointer(callback, V3C_PARAM_CALLBACK, why) ?:
	       check_handle(device, V3C_PARAM_DEVICE, why) ?:
	       v3c_watch_end(device, (void (*)(void))callback, why);
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

/*
 * read_place() fills in the empty @place: where the caller allows @pages pages of logical
 * addresses. @page is kept by the caller as long as @place, because an explicit place points to it.
 */
static __always_inline enum v3c_reason read_place(struct v3c_place *place,
						  const IOMMU_DMA_LOGICAL_ADDRESS *explicit,
						  const IOMMU_DMA_LOGICAL_ADDRESS *min,
						  const IOMMU_DMA_LOGICAL_ADDRESS *max, u64 pages,
						  u64 *page, struct v3c_why *why)
{
	enum v3c_reason reason;

	if (explicit) {
		reason = v3c_check_explicit(*explicit, pages, page, why);
		if (reason)
			return reason;
		place->explicit_page = page;
	}
	v3c_set_bounds(place, min, max);
	return 0;
}

static enum v3c_reason map_logical(PIOMMU_DMA_DOMAIN handle, ULONG permissions,
				   const IOMMU_MAP_PHYSICAL_ADDRESS *desc,
				   const IOMMU_DMA_LOGICAL_ADDRESS *explicit,
				   const IOMMU_DMA_LOGICAL_ADDRESS *min,
				   const IOMMU_DMA_LOGICAL_ADDRESS *max,
				   IOMMU_DMA_LOGICAL_ADDRESS *out, struct v3c_why *why)
{
	struct v3c_domain *domain = v3c_to_domain(handle);
	struct v3c_place place = {};
	u64 page, base, size;
	struct v3c_phys phys;
	enum v3c_reason reason;

	if (unlikely(!domain))
		return bad_handle(why, V3C_PARAM_DOMAIN);
	reason = v3c_check_permissions(permissions, why);
	if (unlikely(reason))
		return reason;
	if (likely(v3w_quick_phys(desc, V3C_PAGE_SIZE, &base, &size))) {
		phys = v3c_phys_of_page(base);
	} else {
		reason = v3w_read_phys(&phys, desc, why);
		if (unlikely(reason))
			return reason;
	}
	reason = read_place(&place, explicit, min, max, phys.pages, &page, why);
	if (unlikely(reason))
		return reason;
	if (unlikely(!out))
		return null_pointer(why, V3C_PARAM_OUT);

	reason = v3c_map(domain, permissions, &phys, &place, &page, why);
	if (likely(!reason))
		*out = page << V3C_PAGE_SHIFT;
	return reason;
}

/* slow_map_logical() is noinline, so that the common case pays for none of its variables. */
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

/* read_run() is v3w_quick_phys() of a contiguous range of just @size bytes, a constant. */
static __always_inline bool read_run(const IOMMU_MAP_PHYSICAL_ADDRESS *desc, u64 size, u64 *base)
{
	*base = READ_ONCE(desc->ContiguousRange.Base.QuadPart);
	return !(*base & ~V3W_QUICK_BASE) && !((*base + size - 1) >> V3C_PHYS_BITS);
}

/* map_range() maps a run of any length. */
static noinline NTSTATUS map_range(PIOMMU_DMA_DOMAIN handle, ULONG permissions,
				   PIOMMU_MAP_PHYSICAL_ADDRESS desc,
				   PIOMMU_DMA_LOGICAL_ADDRESS explicit,
				   PIOMMU_DMA_LOGICAL_ADDRESS out)
{
	const u8 state = v3c_cell_of_kind(V3C_RANGE_LOGICAL) | permissions;
	struct v3c_domain *domain = (struct v3c_domain *)handle;
	u64 address = explicit ? READ_ONCE(*explicit) : 0, base, size, page;

	if (likely(v3c_page_aligned(address)) &&
	    v3w_quick_phys(desc, V3C_QUICK_SIZE, &base, &size)) {
		page = v3c_quick_map_range(domain, state, base, size, explicit ?
					   address >> V3C_PAGE_SHIFT : V3C_ANYWHERE);
		if (likely(page != V3C_ANYWHERE)) {
			*out = page << V3C_PAGE_SHIFT;
			return STATUS_SUCCESS;
		}
	}
	return slow_map_logical(handle, permissions, desc, explicit, NULL, NULL, out);
}

/*
 * map_block() maps the block that @desc was found to describe. @allocates is a constant, and true
 * where @explicit is NULL.
 */
static __always_inline NTSTATUS map_block(PIOMMU_DMA_DOMAIN handle, bool allocates,
					  ULONG permissions, PIOMMU_MAP_PHYSICAL_ADDRESS desc,
					  PIOMMU_DMA_LOGICAL_ADDRESS explicit,
					  PIOMMU_DMA_LOGICAL_ADDRESS out, u64 pages,
					  unsigned int level)
{
	const u64 size = pages << V3C_PAGE_SHIFT;
	u64 address = allocates ? 0 : READ_ONCE(*explicit), base;

	if (likely(read_run(desc, size, &base) &&
		   (size <= V3C_QUICK_SIZE || v3c_is_large(base, size))) &&
	    likely(v3c_quick_map((struct v3c_domain *)handle, allocates, V3C_RANGE_LOGICAL,
				 permissions, base, pages, level, &address))) {
		*out = address;
		return STATUS_SUCCESS;
	}
	/* A block that is not aligned may be quick all the same, if one leaf has its cells. */
	if (!level)
		return map_range(handle, permissions, desc, explicit, out);
	return slow_map_logical(handle, permissions, desc, explicit, NULL, NULL, out);
}

/*
 * DEFINE_MAP_BLOCK() has a function for each size, with an explicit address and without, because
 * they save few registers so.
 */
#define DEFINE_MAP_BLOCK(name, block)							\
static noinline NTSTATUS name##_at(PIOMMU_DMA_DOMAIN handle, ULONG permissions,		\
				   PIOMMU_MAP_PHYSICAL_ADDRESS desc,			\
				   PIOMMU_DMA_LOGICAL_ADDRESS explicit,			\
				   PIOMMU_DMA_LOGICAL_ADDRESS out)			\
{											\
	return map_block(handle, false, permissions, desc, explicit, out, block);	\
}											\
											\
static noinline NTSTATUS name##_anywhere(PIOMMU_DMA_DOMAIN handle, ULONG permissions,	\
					 PIOMMU_MAP_PHYSICAL_ADDRESS desc,		\
					 PIOMMU_DMA_LOGICAL_ADDRESS out)		\
{											\
	return map_block(handle, true, permissions, desc, NULL, out, block);		\
}
DEFINE_MAP_BLOCK(map_64k, V3C_QUICK_64K)
DEFINE_MAP_BLOCK(map_2m, V3C_QUICK_2M)
DEFINE_MAP_BLOCK(map_1g, V3C_QUICK_1G)

/* map_few() is map_block() of the few pages that @desc was found to describe. */
static __always_inline NTSTATUS map_few(PIOMMU_DMA_DOMAIN handle, bool allocates, ULONG permissions,
					PIOMMU_MAP_PHYSICAL_ADDRESS desc,
					PIOMMU_DMA_LOGICAL_ADDRESS explicit,
					PIOMMU_DMA_LOGICAL_ADDRESS out)
{
	u64 base = READ_ONCE(desc->ContiguousRange.Base.QuadPart);
	u64 size = READ_ONCE(desc->ContiguousRange.Size);
	struct v3c_domain *domain = (struct v3c_domain *)handle;
	u64 address = allocates ? 0 : READ_ONCE(*explicit);

	if (likely(!((base | size | address) & (V3C_PAGE_SIZE - 1)) &&
		   size - 2 * V3C_PAGE_SIZE <= (V3C_LEAF_CELLS - 2) << V3C_PAGE_SHIFT &&
		   !((base | (base + size - 1)) >> V3C_PHYS_BITS) &&
		   (!allocates || is_power_of_2(size))) &&
	    likely(v3c_quick_map(domain, allocates, V3C_RANGE_LOGICAL, permissions, base,
				 size >> V3C_PAGE_SHIFT, 0, &address))) {
		*out = address;
		return STATUS_SUCCESS;
	}
	return map_range(handle, permissions, desc, explicit, out);
}

static noinline NTSTATUS map_few_at(PIOMMU_DMA_DOMAIN handle, ULONG permissions,
				    PIOMMU_MAP_PHYSICAL_ADDRESS desc,
				    PIOMMU_DMA_LOGICAL_ADDRESS explicit,
				    PIOMMU_DMA_LOGICAL_ADDRESS out)
{
	return map_few(handle, false, permissions, desc, explicit, out);
}

static noinline NTSTATUS map_few_anywhere(PIOMMU_DMA_DOMAIN handle, ULONG permissions,
					  PIOMMU_MAP_PHYSICAL_ADDRESS desc,
					  PIOMMU_DMA_LOGICAL_ADDRESS out)
{
	return map_few(handle, true, permissions, desc, NULL, out);
}

/* map_logical_page() is map_logical() of a page at an address that were checked. */
static enum v3c_reason map_logical_page(struct v3c_domain *domain, ULONG permissions, u64 base,
					u64 address, IOMMU_DMA_LOGICAL_ADDRESS *out,
					struct v3c_why *why)
{
	const struct v3c_phys phys = v3c_phys_of_page(base);
	u64 page = address >> V3C_PAGE_SHIFT;
	const struct v3c_place place = { .explicit_page = &page };
	enum v3c_reason reason = v3c_map(domain, permissions, &phys, &place, &page, why);

	if (likely(!reason))
		*out = address;
	return reason;
}

/*
 * slow_map_page() is slow_map_logical() for who has read the description of a page already: so
 * that the common case need not keep it.
 */
static noinline NTSTATUS slow_map_page(PIOMMU_DMA_DOMAIN handle, ULONG permissions, u64 base,
				       u64 address, PIOMMU_DMA_LOGICAL_ADDRESS out)
{
	IOMMU_MAP_PHYSICAL_ADDRESS desc;
	struct v3c_why why;

	if (likely(!(base & ~V3W_QUICK_BASE) && v3c_page_aligned(address)))
		return ANSWER(MapLogicalRangeEx,
			      map_logical_page((struct v3c_domain *)handle, permissions, base,
					       address, out, &why), &why);
	desc = (IOMMU_MAP_PHYSICAL_ADDRESS) {
		.MapType = MapPhysicalAddressTypeContiguousRange,
		.ContiguousRange = { .Base.QuadPart = base, .Size = V3C_PAGE_SIZE },
	};
	return slow_map_logical(handle, permissions, &desc, &address, NULL, NULL, out);
}

/* map_page_at() maps the page that @desc was found to describe as a contiguous range. */
static noinline NTSTATUS map_page_at(PIOMMU_DMA_DOMAIN handle, ULONG permissions,
				     PIOMMU_MAP_PHYSICAL_ADDRESS desc,
				     PIOMMU_DMA_LOGICAL_ADDRESS explicit,
				     PIOMMU_DMA_LOGICAL_ADDRESS out)
{
	u64 base = READ_ONCE(desc->ContiguousRange.Base.QuadPart), address = READ_ONCE(*explicit);
	struct v3c_domain *domain = (struct v3c_domain *)handle;

	if (likely(!(base & ~V3W_QUICK_BASE) && v3c_page_aligned(address)) &&
	    likely(v3c_quick_map(domain, false, V3C_RANGE_LOGICAL, permissions, base,
				 V3C_QUICK_PAGE, &address))) {
		*out = address;
		return STATUS_SUCCESS;
	}
	return slow_map_page(handle, permissions, base, address, out);
}

static noinline NTSTATUS map_page_anywhere(PIOMMU_DMA_DOMAIN handle, ULONG permissions,
					   PIOMMU_MAP_PHYSICAL_ADDRESS desc,
					   PIOMMU_DMA_LOGICAL_ADDRESS out)
{
	u64 base = READ_ONCE(desc->ContiguousRange.Base.QuadPart);
	struct v3c_domain *domain = (struct v3c_domain *)handle;

	if (likely(!(base & ~V3W_QUICK_BASE)) &&
	    likely(v3c_quick_map(domain, true, V3C_RANGE_LOGICAL, permissions, base,
				 V3C_QUICK_PAGE, out)))
		return STATUS_SUCCESS;
	return slow_map_logical(handle, permissions, desc, NULL, NULL, NULL, out);
}

/* map_between() is v3_map_logical_range_ex() with bounds, or with something wrong. */
static noinline NTSTATUS map_between(PIOMMU_DMA_DOMAIN handle, ULONG permissions,
				     PIOMMU_MAP_PHYSICAL_ADDRESS desc,
				     PIOMMU_DMA_LOGICAL_ADDRESS explicit,
				     PIOMMU_DMA_LOGICAL_ADDRESS min,
				     PIOMMU_DMA_LOGICAL_ADDRESS max,
				     PIOMMU_DMA_LOGICAL_ADDRESS out)
{
	struct v3c_domain *domain = v3c_to_domain(handle);
	u64 base, size;

	if (likely(domain && permissions - 1 < V3C_PERMISSIONS && !explicit && out) &&
	    v3w_quick_phys(desc, V3C_PAGE_SIZE, &base, &size) &&
	    likely(v3c_quick_map_within(domain, true, V3C_RANGE_LOGICAL, permissions, base,
					V3C_QUICK_PAGE, min ? READ_ONCE(*min) : 0,
					max ? READ_ONCE(*max) : U64_MAX, out)))
		return STATUS_SUCCESS;
	return slow_map_logical(handle, permissions, desc, explicit, min, max, out);
}

/* map_list() is v3_map_logical_range_ex() of frames or an MDL, without bounds. */
static noinline NTSTATUS map_list(PIOMMU_DMA_DOMAIN handle, ULONG permissions,
				  PIOMMU_MAP_PHYSICAL_ADDRESS desc,
				  PIOMMU_DMA_LOGICAL_ADDRESS explicit,
				  PIOMMU_DMA_LOGICAL_ADDRESS out)
{
	struct v3c_domain *domain = (struct v3c_domain *)handle;
	u64 address = explicit ? READ_ONCE(*explicit) : 0, base, size;

	if (v3w_quick_phys(desc, V3C_PAGE_SIZE, &base, &size) && v3c_page_aligned(address) &&
	    (explicit ? v3c_quick_map(domain, false, V3C_RANGE_LOGICAL, permissions, base,
				      V3C_QUICK_PAGE, &address) :
			v3c_quick_map(domain, true, V3C_RANGE_LOGICAL, permissions, base,
				      V3C_QUICK_PAGE, &address))) {
		*out = address;
		return STATUS_SUCCESS;
	}
	return slow_map_logical(handle, permissions, desc, explicit, NULL, NULL, out);
}

/* MAP_AS() calls name##_at() or name##_anywhere() with what v3_map_logical_range_ex() was given. */
#define MAP_AS(name)									\
	(ExplicitLogicalAddress ?							\
	 name##_at(Domain, Permissions, PhysicalAddressToMap, ExplicitLogicalAddress,	\
		   LogicalAddressOut) :							\
	 name##_anywhere(Domain, Permissions, PhysicalAddressToMap, LogicalAddressOut))

/* The usual sizes have functions of their own, which save few registers and check little. */
static NTSTATUS v3_map_logical_range_ex(PIOMMU_DMA_DOMAIN Domain, ULONG Permissions,
					PIOMMU_MAP_PHYSICAL_ADDRESS PhysicalAddressToMap,
					PIOMMU_DMA_LOGICAL_ADDRESS ExplicitLogicalAddress,
					PIOMMU_DMA_LOGICAL_ADDRESS MinLogicalAddress,
					PIOMMU_DMA_LOGICAL_ADDRESS MaxLogicalAddress,
					PIOMMU_DMA_LOGICAL_ADDRESS LogicalAddressOut)
{
	u64 size;

	if (unlikely(!v3c_to_domain(Domain) || Permissions - 1 >= V3C_PERMISSIONS ||
		     !LogicalAddressOut || MinLogicalAddress || MaxLogicalAddress ||
		     !PhysicalAddressToMap))
		return map_between(Domain, Permissions, PhysicalAddressToMap,
				   ExplicitLogicalAddress, MinLogicalAddress, MaxLogicalAddress,
				   LogicalAddressOut);
	if (unlikely(READ_ONCE(PhysicalAddressToMap->MapType) !=
		     MapPhysicalAddressTypeContiguousRange))
		return map_list(Domain, Permissions, PhysicalAddressToMap, ExplicitLogicalAddress,
				LogicalAddressOut);
	size = READ_ONCE(PhysicalAddressToMap->ContiguousRange.Size);
	if (likely(size == V3C_PAGE_SIZE))
		return MAP_AS(map_page);
	if (size == SZ_64K)
		return MAP_AS(map_64k);
	if (size == SZ_2M)
		return MAP_AS(map_2m);
	if (size == SZ_1G)
		return MAP_AS(map_1g);
	if (size <= V3C_LEAF_CELLS << V3C_PAGE_SHIFT)
		return MAP_AS(map_few);
	return map_range(Domain, Permissions, PhysicalAddressToMap, ExplicitLogicalAddress,
			 LogicalAddressOut);
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

static enum v3c_reason unmap_logical(PIOMMU_DMA_DOMAIN handle, u64 address, u64 pages,
				     struct v3c_why *why)
{
	struct v3c_domain *domain = v3c_to_domain(handle);
	enum v3c_reason reason;

	if (unlikely(!domain))
		return bad_handle(why, V3C_PARAM_DOMAIN);
	reason = v3c_check_pages(address, pages, why);
	if (unlikely(reason))
		return reason;
	return v3c_unmap(domain, address >> V3C_PAGE_SHIFT, pages, why);
}

static noinline NTSTATUS slow_unmap_logical(PIOMMU_DMA_DOMAIN domain, u64 address, u64 pages)
{
	struct v3c_why why;

	return ANSWER(UnmapLogicalRange, unmap_logical(domain, address, pages, &why), &why);
}

/* unmap_range() unmaps a range of any length. */
static noinline NTSTATUS unmap_range(PIOMMU_DMA_DOMAIN handle, u64 address, u64 pages)
{
	/*
	 * v3c_quick_unmap_range() does not find a size that is empty or wraps, because such a range
	 * was never handed out.
	 */
	if (likely(v3c_quick_unmap_range((struct v3c_domain *)handle, V3C_RANGE_LOGICAL,
					 address >> V3C_PAGE_SHIFT, pages)))
		return STATUS_SUCCESS;
	return slow_unmap_logical(handle, address, pages);
}

/* unmap_block() is v3_unmap_logical_range() of more than a page; @allocates is a constant. */
static __always_inline NTSTATUS unmap_block(PIOMMU_DMA_DOMAIN handle, bool allocates, u64 address,
					    u64 pages)
{
	struct v3c_domain *domain = (struct v3c_domain *)handle;
	bool done;

	if (pages == SZ_2M >> V3C_PAGE_SHIFT)
		done = v3c_quick_unmap(domain, allocates, V3C_RANGE_LOGICAL, address, V3C_QUICK_2M);
	else if (pages == SZ_1G >> V3C_PAGE_SHIFT)
		done = v3c_quick_unmap(domain, allocates, V3C_RANGE_LOGICAL, address, V3C_QUICK_1G);
	else
		done = false;
	return likely(done) ? STATUS_SUCCESS : unmap_range(handle, address, pages);
}

static noinline NTSTATUS unmap_block_anywhere(PIOMMU_DMA_DOMAIN handle, u64 address, u64 pages)
{
	return unmap_block(handle, true, address, pages);
}

static noinline NTSTATUS unmap_block_at(PIOMMU_DMA_DOMAIN handle, u64 address, u64 pages)
{
	return unmap_block(handle, false, address, pages);
}

static noinline NTSTATUS unmap_64k_anywhere(PIOMMU_DMA_DOMAIN handle, u64 address)
{
	if (likely(v3c_quick_unmap((struct v3c_domain *)handle, true, V3C_RANGE_LOGICAL, address,
				   V3C_QUICK_64K)))
		return STATUS_SUCCESS;
	return unmap_range(handle, address, SZ_64K >> V3C_PAGE_SHIFT);
}

static noinline NTSTATUS unmap_64k_at(PIOMMU_DMA_DOMAIN handle, u64 address)
{
	if (likely(v3c_quick_unmap((struct v3c_domain *)handle, false, V3C_RANGE_LOGICAL, address,
				   V3C_QUICK_64K)))
		return STATUS_SUCCESS;
	return unmap_range(handle, address, SZ_64K >> V3C_PAGE_SHIFT);
}

static noinline NTSTATUS unmap_few_anywhere(PIOMMU_DMA_DOMAIN handle, u64 address, u64 pages)
{
	if (likely(is_power_of_2(pages)) &&
	    likely(v3c_quick_unmap((struct v3c_domain *)handle, true, V3C_RANGE_LOGICAL,
				   address, pages, 0)))
		return STATUS_SUCCESS;
	return unmap_range(handle, address, pages);
}

static noinline NTSTATUS unmap_few_at(PIOMMU_DMA_DOMAIN handle, u64 address, u64 pages)
{
	if (likely(v3c_quick_unmap((struct v3c_domain *)handle, false, V3C_RANGE_LOGICAL,
				   address, pages, 0)))
		return STATUS_SUCCESS;
	return unmap_range(handle, address, pages);
}

static __always_inline NTSTATUS unmap_more_at(PIOMMU_DMA_DOMAIN handle, u64 address, u64 pages)
{
	if (pages == SZ_64K >> V3C_PAGE_SHIFT)
		return unmap_64k_at(handle, address);
	return pages - 1 < V3C_LEAF_CELLS ? unmap_few_at(handle, address, pages) :
					    unmap_block_at(handle, address, pages);
}

static __always_inline NTSTATUS unmap_more_anywhere(PIOMMU_DMA_DOMAIN handle, u64 address,
						    u64 pages)
{
	if (pages == SZ_64K >> V3C_PAGE_SHIFT)
		return unmap_64k_anywhere(handle, address);
	return pages - 1 < V3C_LEAF_CELLS ? unmap_few_anywhere(handle, address, pages) :
					    unmap_block_anywhere(handle, address, pages);
}

static noinline NTSTATUS unmap_anywhere(PIOMMU_DMA_DOMAIN handle, u64 address, u64 pages)
{
	if (pages != 1)
		return unmap_more_anywhere(handle, address, pages);
	if (likely(v3c_quick_unmap((struct v3c_domain *)handle, true, V3C_RANGE_LOGICAL, address,
				   V3C_QUICK_PAGE)))
		return STATUS_SUCCESS;
	return slow_unmap_logical(handle, address, pages);
}

static NTSTATUS v3_unmap_logical_range(PIOMMU_DMA_DOMAIN Domain, ULONGLONG LogicalAddress,
				       ULONGLONG NumberOfPages)
{
	struct v3c_domain *domain = v3c_to_domain(Domain);

	if (unlikely(!domain || !v3c_page_aligned(LogicalAddress)))
		return slow_unmap_logical(Domain, LogicalAddress, NumberOfPages);
	if (domain->space.allocates)
		return unmap_anywhere(Domain, LogicalAddress, NumberOfPages);
	if (NumberOfPages != 1)
		return unmap_more_at(Domain, LogicalAddress, NumberOfPages);
	if (likely(v3c_quick_unmap(domain, false, V3C_RANGE_LOGICAL, LogicalAddress,
				   V3C_QUICK_PAGE)))
		return STATUS_SUCCESS;
	return slow_unmap_logical(Domain, LogicalAddress, 1);
}

static enum v3c_reason map_identity(PIOMMU_DMA_DOMAIN handle, ULONG permissions,
				    const IOMMU_MAP_PHYSICAL_ADDRESS *desc, struct v3c_why *why)
{
	struct v3c_domain *domain = v3c_to_domain(handle);
	struct v3c_phys phys;

	if (!domain)
		return bad_handle(why, V3C_PARAM_DOMAIN);
	return v3c_check_permissions(permissions, why) ?:
	       v3w_read_phys(&phys, desc, why) ?:
	       v3c_map_identity(domain, permissions, &phys, why);
}

static noinline NTSTATUS slow_map_identity(PIOMMU_DMA_DOMAIN domain, ULONG permissions,
					   PIOMMU_MAP_PHYSICAL_ADDRESS desc)
{
	struct v3c_why why;

	return ANSWER(MapIdentityRangeEx, map_identity(domain, permissions, desc, &why), &why);
}

static NTSTATUS v3_map_identity_range_ex(PIOMMU_DMA_DOMAIN Domain, ULONG Permissions,
					 PIOMMU_MAP_PHYSICAL_ADDRESS PhysicalAddressToMap)
{
	struct v3c_domain *domain = v3c_to_domain(Domain);
	u64 base, size;

	if (likely(domain && Permissions - 1 < V3C_PERMISSIONS) &&
	    v3w_quick_phys(PhysicalAddressToMap, V3C_PAGE_SIZE, &base, &size) &&
	    likely(v3c_quick_map(domain, false, V3C_RANGE_IDENTITY, Permissions, base,
				 V3C_QUICK_PAGE, &base)))
		return STATUS_SUCCESS;
	return slow_map_identity(Domain, Permissions, PhysicalAddressToMap);
}

static NTSTATUS v1_map_identity_range(PIOMMU_DMA_DOMAIN Domain, ULONG Permissions, PMDL Mdl)
{
	IOMMU_MAP_PHYSICAL_ADDRESS desc = { .MapType = MapPhysicalAddressTypeMdl, .Mdl.Mdl = Mdl };
	struct v3c_why why;

	return ANSWER(MapIdentityRange, map_identity(Domain, Permissions, &desc, &why), &why);
}

static enum v3c_reason unmap_identity(PIOMMU_DMA_DOMAIN handle,
				      const IOMMU_MAP_PHYSICAL_ADDRESS *desc, struct v3c_why *why)
{
	struct v3c_domain *domain = v3c_to_domain(handle);
	struct v3c_phys phys;

	if (!domain)
		return bad_handle(why, V3C_PARAM_DOMAIN);
	return v3w_read_phys(&phys, desc, why) ?: v3c_unmap_identity(domain, &phys, why);
}

static noinline NTSTATUS slow_unmap_identity(PIOMMU_DMA_DOMAIN domain,
					     PIOMMU_MAP_PHYSICAL_ADDRESS desc)
{
	struct v3c_why why;

	return ANSWER(UnmapIdentityRangeEx, unmap_identity(domain, desc, &why), &why);
}

static NTSTATUS v3_unmap_identity_range_ex(PIOMMU_DMA_DOMAIN Domain,
					   PIOMMU_MAP_PHYSICAL_ADDRESS MappedPhysicalAddress)
{
	struct v3c_domain *domain = v3c_to_domain(Domain);
	u64 base, size;

	if (likely(domain) && !domain->space.allocates &&
	    v3w_quick_phys(MappedPhysicalAddress, V3C_PAGE_SIZE, &base, &size) &&
	    likely(v3c_quick_unmap(domain, false, V3C_RANGE_IDENTITY, base, V3C_QUICK_PAGE)))
		return STATUS_SUCCESS;
	return slow_unmap_identity(Domain, MappedPhysicalAddress);
}

static NTSTATUS v1_unmap_identity_range(PIOMMU_DMA_DOMAIN Domain, PMDL Mdl)
{
	IOMMU_MAP_PHYSICAL_ADDRESS desc = { .MapType = MapPhysicalAddressTypeMdl, .Mdl.Mdl = Mdl };
	struct v3c_why why;

	return ANSWER(UnmapIdentityRange, unmap_identity(Domain, &desc, &why), &why);
}

/* Reservations */

static enum v3c_reason reserve_range(PIOMMU_DMA_DOMAIN handle, u64 size,
				     const IOMMU_DMA_LOGICAL_ADDRESS *explicit,
				     const IOMMU_DMA_LOGICAL_ADDRESS *min,
				     const IOMMU_DMA_LOGICAL_ADDRESS *max,
				     PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN *out, struct v3c_why *why)
{
	struct v3c_domain *domain = v3c_to_domain(handle);
	struct v3c_place place = {};
	struct v3c_token *token;
	enum v3c_reason reason;
	u64 page;

	reason = check_handle(domain, V3C_PARAM_DOMAIN, why) ?:
		 v3c_check_size(size, why) ?:
		 read_place(&place, explicit, min, max, size >> V3C_PAGE_SHIFT, &page, why) ?:
		 check_pointer(out, V3C_PARAM_OUT, why) ?:
		 v3c_token_create(domain, size >> V3C_PAGE_SHIFT, &place, false, &token, why);
	if (!reason)
		*out = (PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN)token;
	return reason;
}

static NTSTATUS v3_reserve_logical_address_range(
	PIOMMU_DMA_DOMAIN Domain, SIZE_T Size, PIOMMU_DMA_LOGICAL_ADDRESS ExplicitLogicalAddress,
	PIOMMU_DMA_LOGICAL_ADDRESS MinLogicalAddress, PIOMMU_DMA_LOGICAL_ADDRESS MaxLogicalAddress,
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN *LogicalAddressToken)
{
	struct v3c_why why;

	return ANSWER(ReserveLogicalAddressRange,
		      reserve_range(Domain, Size, ExplicitLogicalAddress, MinLogicalAddress,
				    MaxLogicalAddress, LogicalAddressToken, &why), &why);
}

static enum v3c_reason free_reserved(PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN handle, struct v3c_why *why)
{
	struct v3c_token *token = v3c_to_token(handle);

	return check_handle(token, V3C_PARAM_TOKEN, why) ?: v3c_token_destroy(token, why);
}

static NTSTATUS v3_free_reserved_logical_address_range(PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN Token)
{
	struct v3c_why why;

	return ANSWER(FreeReservedLogicalAddressRange, free_reserved(Token, &why), &why);
}

static enum v3c_reason map_reserved(PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN handle, u64 offset,
				    ULONG permissions, const IOMMU_MAP_PHYSICAL_ADDRESS *desc,
				    IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT *segment,
				    struct v3c_why *why)
{
	struct v3c_token *token = v3c_to_token(handle);
	struct v3c_phys phys;
	enum v3c_reason reason;

	if (unlikely(!token))
		return bad_handle(why, V3C_PARAM_TOKEN);
	if (unlikely(!v3c_page_aligned(offset)))
		return v3c_refuse(why, V3C_REASON_MISALIGNED, V3C_PARAM_OFFSET, token, offset, 0);
	reason = v3c_check_permissions(permissions, why);
	if (unlikely(reason))
		return reason;
	reason = v3w_read_phys(&phys, desc, why);
	if (unlikely(reason))
		return reason;
	if (unlikely(!segment))
		return null_pointer(why, V3C_PARAM_OUT);

	reason = v3c_token_map(token, offset >> V3C_PAGE_SHIFT, permissions, &phys, why);
	if (likely(!reason)) {
		segment->OwningToken = handle;
		segment->Offset = offset;
		segment->Size = phys.pages << V3C_PAGE_SHIFT;
	}
	return reason;
}

static noinline NTSTATUS slow_map_reserved(PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token, u64 offset,
					   ULONG permissions,
					   const IOMMU_MAP_PHYSICAL_ADDRESS *desc,
					   IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT *segment)
{
	struct v3c_why why;

	return ANSWER(MapReservedLogicalRange,
		      map_reserved(token, offset, permissions, desc, segment, &why), &why);
}

static NTSTATUS
v3_map_reserved_logical_range(PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN LogicalAddressToken, SIZE_T Offset,
			      ULONG Permissions, PIOMMU_MAP_PHYSICAL_ADDRESS PhysicalAddressToMap,
			      PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT Segment)
{
	struct v3c_token *token = v3c_to_token(LogicalAddressToken);
	u64 base, size;

	if (likely(token && v3c_page_aligned(Offset) && Permissions - 1 < V3C_PERMISSIONS &&
		   Segment) &&
	    v3w_quick_phys(PhysicalAddressToMap, V3C_QUICK_SIZE, &base, &size) &&
	    likely(size == V3C_PAGE_SIZE ?
		   v3c_quick_map_reserved(token, Offset, Permissions, base, 1) :
		   v3c_quick_map_segment(token, Offset, Permissions, base, size))) {
		Segment->OwningToken = LogicalAddressToken;
		Segment->Offset = Offset;
		Segment->Size = size;
		return STATUS_SUCCESS;
	}
	return slow_map_reserved(LogicalAddressToken, Offset, Permissions, PhysicalAddressToMap,
				 Segment);
}

/* clear_segment() makes the caller's descriptor empty, so that a second unmap of it is refused. */
static __always_inline void clear_segment(IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT *segment)
{
	WRITE_ONCE(segment->OwningToken, NULL);
	/* Pairs with smp_rmb() in read_segment(). */
	smp_wmb();
	WRITE_ONCE(segment->Offset, 0);
	WRITE_ONCE(segment->Size, 0);
}

/*
 * read_segment() copies the descriptor, because another call with it may clear it meanwhile.
 * OwningToken is read last: if it is there, Offset and Size were. Otherwise this call might unmap
 * what begins where the token does.
 */
static __always_inline IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT
read_segment(const IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT *segment)
{
	IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT copy;

	copy.Offset = READ_ONCE(segment->Offset);
	copy.Size = READ_ONCE(segment->Size);
	/* Pairs with smp_wmb() in clear_segment(). */
	smp_rmb();
	copy.OwningToken = READ_ONCE(segment->OwningToken);
	return copy;
}

static enum v3c_reason unmap_reserved(IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT *segment,
				      struct v3c_why *why)
{
	IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT copy;
	struct v3c_token *token;
	enum v3c_reason reason;

	if (unlikely(!segment))
		return null_pointer(why, V3C_PARAM_NONE);
	copy = read_segment(segment);
	token = v3c_to_token(copy.OwningToken);
	if (unlikely(!token))
		return bad_handle(why, V3C_PARAM_TOKEN);
	if (unlikely(!v3c_page_aligned(copy.Offset | copy.Size)))
		return v3c_refuse(why, V3C_REASON_MISALIGNED, V3C_PARAM_NONE, token, copy.Offset,
				  copy.Size);
	reason = v3c_token_unmap(token, copy.Offset >> V3C_PAGE_SHIFT, copy.Size >> V3C_PAGE_SHIFT,
				 why);
	if (likely(!reason))
		clear_segment(segment);
	return reason;
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
	IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT copy = {};
	struct v3c_token *token;

	if (likely(MappedSegment))
		copy = read_segment(MappedSegment);
	token = v3c_to_token(copy.OwningToken);
	if (likely(token && v3c_page_aligned(copy.Offset | copy.Size)) &&
	    likely(copy.Size == V3C_PAGE_SIZE ?
		   v3c_quick_unmap_reserved(token, copy.Offset, 1) :
		   v3c_quick_unmap_segment(token, copy.Offset, copy.Size))) {
		clear_segment(MappedSegment);
		return STATUS_SUCCESS;
	}
	return slow_unmap_reserved(MappedSegment);
}

/* Faults */

static enum v3c_reason set_fault_reporting(PIOMMU_DMA_DEVICE device_handle, ULONG base,
					   BOOLEAN enable,
					   const DEVICE_FAULT_CONFIGURATION *config,
					   struct v3c_why *why)
{
	struct v3c_device *device = v3c_to_device(device_handle);
	struct v3c_fault_handler handler;

	return check_handle(device, V3C_PARAM_DEVICE, why) ?:
	       v3c_report_faults(device, base, enable,
				 enable ? v3w_fault_handler(config, &handler) : NULL, why);
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

static enum v3c_reason set_pdo_fault_reporting(struct device *pdo, ULONG base, BOOLEAN enable,
					       const DEVICE_FAULT_CONFIGURATION *config,
					       struct v3c_why *why)
{
	struct v3c_fault_handler handler;

	return check_pointer(pdo, V3C_PARAM_DEVICE, why) ?:
	       v3c_report_faults_pdo(&v3w_owner, pdo, base, enable,
				     enable ? v3w_fault_handler(config, &handler) : NULL, why);
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

static enum v3c_reason create_pasid_device(PIOMMU_DMA_DEVICE handle, PIOMMU_DMA_PASID_DEVICE *out,
					   PULONG number, struct v3c_why *why)
{
	struct v3c_device *device = v3c_to_device(handle);
	struct v3c_pasid *pasid;
	enum v3c_reason reason;

	reason = check_handle(device, V3C_PARAM_DEVICE, why) ?:
		 check_pointer(out, V3C_PARAM_OUT, why) ?:
		 check_pointer(number, V3C_PARAM_NUMBER, why) ?:
		 v3c_pasid_create(device, &pasid, why);
	if (!reason) {
		*out = (PIOMMU_DMA_PASID_DEVICE)pasid;
		*number = pasid->number;
	}
	return reason;
}

static NTSTATUS v3_create_pasid_device(PIOMMU_DMA_DEVICE DmaDevice,
				       PIOMMU_DMA_PASID_DEVICE *PasidDeviceOut, PULONG AsidOut)
{
	struct v3c_why why;

	return ANSWER(CreatePasidDevice, create_pasid_device(DmaDevice, PasidDeviceOut, AsidOut,
							     &why), &why);
}

static enum v3c_reason delete_pasid_device(PIOMMU_DMA_PASID_DEVICE handle, struct v3c_why *why)
{
	struct v3c_pasid *pasid = v3c_to_pasid(handle);

	return check_handle(pasid, V3C_PARAM_PASID, why) ?: v3c_pasid_destroy(pasid, why);
}

static NTSTATUS v3_delete_pasid_device(PIOMMU_DMA_PASID_DEVICE PasidDevice)
{
	struct v3c_why why;

	return ANSWER(DeletePasidDevice, delete_pasid_device(PasidDevice, &why), &why);
}

static enum v3c_reason attach_pasid_device(PIOMMU_DMA_DOMAIN domain_handle,
					   PIOMMU_DMA_PASID_DEVICE pasid_handle,
					   struct v3c_why *why)
{
	struct v3c_domain *domain = v3c_to_domain(domain_handle);
	struct v3c_pasid *pasid = v3c_to_pasid(pasid_handle);

	return check_handle(domain, V3C_PARAM_DOMAIN, why) ?:
	       check_handle(pasid, V3C_PARAM_PASID, why) ?:
	       v3c_attach_pasid(domain, pasid, why);
}

static NTSTATUS v3_attach_pasid_device(PIOMMU_DMA_DOMAIN Domain,
				       PIOMMU_DMA_PASID_DEVICE PasidDevice)
{
	struct v3c_why why;

	return ANSWER(AttachPasidDevice, attach_pasid_device(Domain, PasidDevice, &why), &why);
}

static enum v3c_reason detach_pasid_device(PIOMMU_DMA_PASID_DEVICE handle, struct v3c_why *why)
{
	struct v3c_pasid *pasid = v3c_to_pasid(handle);

	return check_handle(pasid, V3C_PARAM_PASID, why) ?: v3c_detach_pasid(pasid, why);
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

/* v3c_table_v3 serves V2 as well, because V2 is the beginning of V3. */
static_assert(offsetof(DMA_IOMMU_INTERFACE_V3, CreatePasidDevice) ==
	      sizeof(DMA_IOMMU_INTERFACE_V2));

static const struct {
	const void *table;
	size_t size;
} v3c_versions[] = {
	[DMA_IOMMU_INTERFACE_EX_VERSION_1] = { &v3c_table_v1, sizeof(DMA_IOMMU_INTERFACE_V1) },
	[DMA_IOMMU_INTERFACE_EX_VERSION_2] = { &v3c_table_v3, sizeof(DMA_IOMMU_INTERFACE_V2) },
	[DMA_IOMMU_INTERFACE_EX_VERSION_3] = { &v3c_table_v3, sizeof(DMA_IOMMU_INTERFACE_V3) },
};

static enum v3c_reason get_interface_ex(ULONG version, ULONGLONG flags,
					DMA_IOMMU_INTERFACE_EX *out, struct v3c_why *why)
{
	if (refuse_atomic(why))
		return why->reason;
	if (version < DMA_IOMMU_INTERFACE_EX_VERSION_MIN ||
	    version > DMA_IOMMU_INTERFACE_EX_VERSION_MAX)
		return v3c_refuse(why, V3C_REASON_BAD_ENUM, V3C_PARAM_VERSION, NULL, version,
				  DMA_IOMMU_INTERFACE_EX_VERSION_MAX);
	if (flags)
		return v3c_refuse(why, V3C_REASON_RESERVED_BITS, V3C_PARAM_FLAGS, NULL, flags, 0);
	if (!out)
		return null_pointer(why, V3C_PARAM_OUT);

	/* @out is written only as far as @version goes: the caller's memory may end there. */
	out->Size = offsetof(DMA_IOMMU_INTERFACE_EX, V1) + v3c_versions[version].size;
	out->Version = version;
	memcpy((u8 *)out + offsetof(DMA_IOMMU_INTERFACE_EX, V1), v3c_versions[version].table,
	       v3c_versions[version].size);
	return 0;
}

NTSTATUS IoGetIommuInterfaceEx(ULONG Version, ULONGLONG Flags, PDMA_IOMMU_INTERFACE_EX InterfaceOut)
{
	struct v3c_why why;

	return ANSWER(IoGetIommuInterfaceEx, get_interface_ex(Version, Flags, InterfaceOut, &why),
		      &why);
}
V3C_EXPORT_NS_GPL(IoGetIommuInterfaceEx, V3COMPAT);

static enum v3c_reason get_interface(ULONG version, DMA_IOMMU_INTERFACE *out, struct v3c_why *why)
{
	if (refuse_atomic(why))
		return why->reason;
	if (version != DMA_IOMMU_INTERFACE_VERSION)
		return v3c_refuse(why, V3C_REASON_BAD_ENUM, V3C_PARAM_VERSION, NULL, version,
				  DMA_IOMMU_INTERFACE_VERSION);
	if (!out)
		return null_pointer(why, V3C_PARAM_OUT);

	/* DMA_IOMMU_INTERFACE has the members of V1, but is another type. */
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
	return 0;
}

NTSTATUS IoGetIommuInterface(ULONG Version, PDMA_IOMMU_INTERFACE InterfaceOut)
{
	struct v3c_why why;

	return ANSWER(IoGetIommuInterface, get_interface(Version, InterfaceOut, &why), &why);
}
V3C_EXPORT_NS_GPL(IoGetIommuInterface, V3COMPAT);
