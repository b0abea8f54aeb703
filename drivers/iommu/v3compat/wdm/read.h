/* SPDX-License-Identifier: GPL-2.0 */
/*
 * v3w_read_*(): reading what a Windows caller describes: memory, devices, domains. Each thing is
 * read once, because what is used must be what was checked.
 */
#ifndef V3COMPAT_WDM_READ_H
#define V3COMPAT_WDM_READ_H

#include <v3compat/wdm.h>

#include "base/phys.h"
#include "base/why.h"
#include "core/quick.h"
#include "wdm/mdl.h"

struct device;
struct v3c_device_config;
struct v3c_domain_config;
struct v3c_tables;

enum v3c_reason v3w_read_phys(struct v3c_phys *phys, const IOMMU_MAP_PHYSICAL_ADDRESS *desc,
			      struct v3c_why *why);
enum v3c_reason v3w_read_device(struct device *pdo,
				const IOMMU_DEVICE_CREATION_CONFIGURATION *first,
				struct v3c_device_config *config, struct v3c_why *why);
enum v3c_reason v3w_read_allocator(const IOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG *allocator,
				   struct v3c_domain_config *config, struct v3c_why *why);
enum v3c_reason v3w_read_regions(const IOMMU_DMA_RESERVED_REGION *list,
				 struct v3c_domain_config *config, struct v3c_why *why);
enum v3c_reason v3w_read_tables(const DOMAIN_CONFIGURATION *config, struct v3c_tables *tables,
				struct v3c_why *why);

/* V3W_QUICK_BASE: the bits of an address at which a whole page of physical memory can start. */
#define V3W_QUICK_BASE	((1ULL << V3C_PHYS_BITS) - V3C_PAGE_SIZE)

static __always_inline bool v3w_quick_frame(u64 pfn, u64 *base)
{
	*base = pfn << V3C_PAGE_SHIFT;
	return v3c_is_frame(pfn);
}

/**
 * v3w_quick_phys() - a description of one contiguous run of few pages, read at once
 * @desc: the caller's, may be NULL
 * @limit: most bytes, V3C_PAGE_SIZE or V3C_QUICK_SIZE; the latter does not hold for large leaves
 * @base: result, first byte
 * @size: result, in bytes
 *
 * Return: false if @desc is something else, or wrong: v3w_read_phys() tells.
 */
static __always_inline bool v3w_quick_phys(const IOMMU_MAP_PHYSICAL_ADDRESS *desc, u64 limit,
					   u64 *base, u64 *size)
{
	const PFN_NUMBER *frame;
	const MDL *mdl;
	int type;

	if (unlikely(!desc))
		return false;
	/* Every field is read once (READ_ONCE()): what is used must be what was checked. */
	type = READ_ONCE(desc->MapType);
	if (likely(type == MapPhysicalAddressTypeContiguousRange)) {
		*base = READ_ONCE(desc->ContiguousRange.Base.QuadPart);
		*size = READ_ONCE(desc->ContiguousRange.Size);
		if (likely(*size == V3C_PAGE_SIZE))
			return !(*base & ~V3W_QUICK_BASE);
		if (limit == V3C_PAGE_SIZE)
			return false;
		return !(((*base | (*base + *size - 1)) >> V3C_PHYS_BITS) |
			 ((*base | *size) & (V3C_PAGE_SIZE - 1))) &&
		       (likely(*size - 1 < limit) || v3c_is_large(*base, *size));
	}
	*size = V3C_PAGE_SIZE;
	if (type == MapPhysicalAddressTypePfn) {
		frame = READ_ONCE(desc->PfnArray.PageFrame);
		if (desc->PfnArray.NumberOfPages != 1 || unlikely(!frame))
			return false;
		return v3w_quick_frame(READ_ONCE(*frame), base);
	}
	mdl = READ_ONCE(desc->Mdl.Mdl);
	if (type != MapPhysicalAddressTypeMdl || unlikely(!mdl) || mdl->Next ||
	    MmGetMdlByteCount(mdl) != V3C_PAGE_SIZE || MmGetMdlByteOffset(mdl) ||
	    unlikely(!v3c_mdl_has_pages(mdl)))
		return false;
	return v3w_quick_frame(READ_ONCE(*MmGetMdlPfnArray((PMDL)mdl)), base);
}

#endif
