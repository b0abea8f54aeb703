// SPDX-License-Identifier: GPL-2.0
/*
 * v3w_read_*(): reading what a Windows caller describes.
 */
#include <kunit/visibility.h>
#include <linux/bitops.h>
#include <linux/log2.h>
#include <linux/pgtable.h>
#include <linux/slab.h>

#include "core/check.h"
#include "core/create.h"
#include "core/device.h"
#include "core/regions.h"
#include "table/table_walk.h"
#include "wdm/face.h"
#include "wdm/read.h"

static_assert(sizeof(PFN_NUMBER) == sizeof(u64));

/* check_mdl(): an element of a chain has whole pages, and really locked or nonpaged ones. */
static enum v3c_reason check_mdl(const MDL *mdl, ULONG bytes, struct v3c_why *why)
{
	if (!v3c_mdl_has_pages(mdl))
		return v3c_refuse(why, V3C_REASON_NO_PAGES, V3C_PARAM_PHYS, NULL, 0, 0);
	if (!bytes)
		return v3c_refuse(why, V3C_REASON_EMPTY, V3C_PARAM_PHYS, NULL, 0, 0);
	if (MmGetMdlByteOffset(mdl) || !v3c_page_aligned(bytes))
		return v3c_refuse(why, V3C_REASON_MISALIGNED, V3C_PARAM_PHYS, NULL,
				  MmGetMdlByteOffset(mdl), bytes);
	return 0;
}

static void use_mdl(struct v3c_phys *phys, const MDL *mdl)
{
	phys->piece = mdl;
	phys->pfns = MmGetMdlPfnArray((PMDL)mdl);
	phys->count = READ_ONCE(mdl->ByteCount) >> V3C_PAGE_SHIFT;
	phys->next = 0;
}

/* next_mdl() goes on with the next element of a chain. False without one, or without pages. */
static bool next_mdl(struct v3c_phys *phys)
{
	const MDL *mdl = phys->piece, *next = READ_ONCE(mdl->Next);

	if (!next)
		return false;
	use_mdl(phys, next);
	return phys->count;
}

static enum v3c_reason read_mdl(struct v3c_phys *phys, const MDL *first, struct v3c_why *why)
{
	const MDL *mdl, *next, *met = first;
	enum v3c_reason reason;
	unsigned int n = 0;
	u64 pages = 0;
	ULONG bytes;

	if (!first)
		return null_pointer(why, V3C_PARAM_PHYS);

	for (mdl = first; mdl; mdl = next) {
		bytes = READ_ONCE(mdl->ByteCount);
		reason = check_mdl(mdl, bytes, why);
		if (reason)
			return reason;
		pages += bytes >> V3C_PAGE_SHIFT;
		/* @met is kept for ever longer: a chain that bites its tail comes back to it. */
		next = READ_ONCE(mdl->Next);
		if (next == met)
			return v3c_refuse(why, V3C_REASON_LIST_LOOP, V3C_PARAM_PHYS, NULL, 0, 0);
		if (is_power_of_2(++n))
			met = mdl;
	}
	*phys = (struct v3c_phys) { .pages = pages, .next_piece = next_mdl };
	use_mdl(phys, first);
	return 0;
}

/**
 * v3w_read_phys() - check a description of memory and start iterating it
 * @phys: result, written on success only
 * @desc: the caller's, may be NULL
 * @why: filled on refusal
 *
 * Page frames are looked at by v3c_phys_next() only.
 *
 * Context: any.
 * Return: 0 or a reason.
 */
enum v3c_reason v3w_read_phys(struct v3c_phys *phys, const IOMMU_MAP_PHYSICAL_ADDRESS *desc,
			      struct v3c_why *why)
{
	IOMMU_MAP_PHYSICAL_ADDRESS_TYPE type;

	if (!desc)
		return null_pointer(why, V3C_PARAM_PHYS);

	type = READ_ONCE(desc->MapType);
	switch (type) {
	case MapPhysicalAddressTypeMdl:
		return read_mdl(phys, READ_ONCE(desc->Mdl.Mdl), why);
	case MapPhysicalAddressTypeContiguousRange:
		return v3c_phys_init_run(phys, READ_ONCE(desc->ContiguousRange.Base.QuadPart),
					 READ_ONCE(desc->ContiguousRange.Size), why);
	case MapPhysicalAddressTypePfn:
		return v3c_phys_init_frames(phys, READ_ONCE(desc->PfnArray.PageFrame),
					    READ_ONCE(desc->PfnArray.NumberOfPages), why);
	default:
		return v3c_refuse(why, V3C_REASON_BAD_ENUM, V3C_PARAM_PHYS, NULL, type, 0);
	}
}
EXPORT_SYMBOL_IF_KUNIT(v3w_read_phys);

static enum v3c_reason bad_config(struct v3c_why *why, enum v3c_reason reason, u64 value)
{
	return v3c_refuse(why, reason, V3C_PARAM_CONFIG, NULL, value, 0);
}

static enum v3c_reason read_entry(const IOMMU_DEVICE_CREATION_CONFIGURATION *entry, u64 type,
				  struct v3c_device_config *config, struct v3c_why *why)
{
	IOMMU_PASID_CONFIGURATION_TYPE pasid;

	switch (type) {
	case IommuDeviceCreationConfigTypeAcpi:
		config->named = true;
		config->base = READ_ONCE(entry->Acpi.InputMappingBase);
		config->count = READ_ONCE(entry->Acpi.MappingsCount);
		return 0;
	case IommuDeviceCreationConfigTypePasid:
		pasid = READ_ONCE(entry->Pasid.ConfigType);
		if ((unsigned int)pasid >= PasidConfigTypeMax)
			return bad_config(why, V3C_REASON_BAD_ENUM, pasid);
		config->pasid = true;
		config->tagged = pasid == PasidConfigTypePasidTaggedDma;
		config->suppress = entry->Pasid.SuppressPasidFaults;
		return 0;
	default:
		return bad_config(why, V3C_REASON_BAD_ENUM, type);
	}
}

static const IOMMU_DEVICE_CREATION_CONFIGURATION *
next_entry(const IOMMU_DEVICE_CREATION_CONFIGURATION *entry)
{
	const LIST_ENTRY *next = entry->NextConfiguration.Flink;

	return next ? container_of(next, const IOMMU_DEVICE_CREATION_CONFIGURATION,
				   NextConfiguration) : NULL;
}

/**
 * v3w_read_device() - read how a device is to be created
 * @pdo: the device
 * @first: an entry of the list, or NULL
 * @config: result
 * @why: filled on refusal
 *
 * The list is a ring of its entries without a head; one entry alone may also leave its links zero.
 * Each type may appear once, which bounds the walk of a ring that does not close.
 *
 * Context: any.
 * Return: 0 or a reason.
 */
enum v3c_reason v3w_read_device(struct device *pdo,
				const IOMMU_DEVICE_CREATION_CONFIGURATION *first,
				struct v3c_device_config *config, struct v3c_why *why)
{
	const IOMMU_DEVICE_CREATION_CONFIGURATION *entry = first;
	enum v3c_reason reason;
	unsigned long seen = 0;
	u64 type;

	*config = (struct v3c_device_config) {};
	reason = v3c_device_check_config(pdo, config, why);
	while (entry && !reason) {
		type = READ_ONCE(entry->ConfigType);
		reason = read_entry(entry, type, config, why);
		/* The links of an entry that is refused are not followed. */
		if (!reason)
			reason = v3c_device_check_config(pdo, config, why);
		if (reason)
			break;
		if (test_and_set_bit(type, &seen))
			return bad_config(why, V3C_REASON_BAD_CONFIG, type);
		entry = next_entry(entry);
		if (entry == first)
			break;
	}
	return reason;
}

/**
 * v3w_read_allocator() - read how a domain is to choose addresses
 * @allocator: may be NULL, where the domain chooses none
 * @config: its width is the result; its type is known
 * @why: filled on refusal
 *
 * Context: any.
 * Return: 0 or a reason.
 */
enum v3c_reason v3w_read_allocator(const IOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG *allocator,
				   struct v3c_domain_config *config, struct v3c_why *why)
{
	IOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG read;

	config->width = 0;
	if (!allocator)
		return 0;
	read = *allocator;
	if (read.LogicalAllocatorType != IommuDmaLogicalAllocatorBuddy)
		return v3c_refuse(why, V3C_REASON_BAD_ENUM, V3C_PARAM_ALLOCATOR, NULL,
				  read.LogicalAllocatorType, 0);
	config->width = read.BuddyAllocatorConfig.AddressWidth;
	return v3c_check_width(config->type, config->width, why);
}

/*
 * struct region_list: regions as they are read, with where each came from, because a list that
 * bites its tail meets one twice.
 */
struct region_list {
	struct v3c_region *regions;
	const IOMMU_DMA_RESERVED_REGION **from;
	unsigned int count;
};

/*
 * grow_array() makes room for @count, and for some more. NULL without memory; @array is there
 * still.
 */
static void *grow_array(void *array, unsigned int count, size_t size)
{
	return kvrealloc(array, array_size(roundup_pow_of_two(count), size),
			 GFP_KERNEL | __GFP_NOWARN);
}

static enum v3c_reason add_region(struct region_list *list, const IOMMU_DMA_RESERVED_REGION *from,
				  struct v3c_why *why)
{
	unsigned int i, count = list->count + 1;
	struct v3c_region *region;
	enum v3c_reason reason;
	void *more;

	for (i = 0; i < list->count; i++)
		if (list->from[i] == from)
			return v3c_refuse(why, V3C_REASON_LIST_LOOP, V3C_PARAM_REGIONS, NULL,
					  list->regions[i].first << V3C_PAGE_SHIFT,
					  ((list->regions[i].last + 1) << V3C_PAGE_SHIFT) - 1);
	more = grow_array(list->regions, count, sizeof(*list->regions));
	if (!more)
		return v3c_refuse(why, V3C_REASON_NO_MEMORY, V3C_PARAM_NONE, NULL, 0, 0);
	list->regions = more;
	more = grow_array(list->from, count, sizeof(*list->from));
	if (!more)
		return v3c_refuse(why, V3C_REASON_NO_MEMORY, V3C_PARAM_NONE, NULL, 0, 0);
	list->from = more;
	region = &list->regions[list->count];
	reason = v3c_check_region(READ_ONCE(from->Base), READ_ONCE(from->NumberOfPages), region,
				  why);
	if (reason)
		return reason;
	region->mapped = from->ShouldMap;
	list->from[list->count] = from;
	list->count = count;
	return v3c_check_overlap(list->regions, count, why);
}

/**
 * v3w_read_regions() - read which addresses a domain must leave alone
 * @first: list, or NULL
 * @config: its regions are the result, for kvfree() by the caller; its type is known
 * @why: filled on refusal
 *
 * Context: may sleep.
 * Return: 0 or a reason; then there is nothing to free.
 */
enum v3c_reason v3w_read_regions(const IOMMU_DMA_RESERVED_REGION *first,
				 struct v3c_domain_config *config, struct v3c_why *why)
{
	const IOMMU_DMA_RESERVED_REGION *region;
	struct region_list list = {};
	enum v3c_reason reason = 0;

	if (first &&
	    (config->type == V3C_DOMAIN_PASSTHROUGH || config->type == V3C_DOMAIN_UNMANAGED))
		return v3c_refuse(why, V3C_REASON_WRONG_TYPE, V3C_PARAM_REGIONS, NULL, config->type,
				  0);
	for (region = first; region && !reason; region = READ_ONCE(region->RegionNext))
		reason = add_region(&list, region, why);
	kvfree(list.from);
	if (reason) {
		kvfree(list.regions);
		return reason;
	}
	config->regions = list.regions;
	config->nr_regions = list.count;
	return 0;
}

/* x64_levels(): the depth of the tables that this processor itself uses. */
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

/**
 * v3w_read_tables() - read where the page tables of an Unmanaged domain are
 * @config: the caller's
 * @tables: result
 * @why: filled on refusal
 *
 * Context: any.
 * Return: 0 or a reason.
 */
enum v3c_reason v3w_read_tables(const DOMAIN_CONFIGURATION *config, struct v3c_tables *tables,
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
		return bad_config(why, V3C_REASON_BAD_ENUM, type);
	}
	if (!good)
		return bad_config(why, V3C_REASON_BAD_CONFIG, 0);
	if (!translates)
		tables->kind = V3C_TABLES_IDENTITY;
	return 0;
}
