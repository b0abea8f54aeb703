// SPDX-License-Identifier: GPL-2.0
/*
 * Physical descriptions (MDL, contiguous range, PFN array) as an iterator of contiguous runs.
 */
#include <kunit/visibility.h>
#include <linux/log2.h>
#include <linux/overflow.h>

#include "base/mdl.h"
#include "base/phys.h"

#define V3C_MAX_PFN	(1ULL << (V3C_PHYS_BITS - V3C_PAGE_SHIFT))

/* One element of a chain: whole pages, and really locked or nonpaged ones. */
static NTSTATUS check_mdl(const MDL *mdl, ULONG bytes, NTSTATUS status, struct v3c_why *why)
{
	if (!v3c_mdl_has_pages(mdl))
		return v3c_refuse(why, status, V3C_REASON_NO_PAGES, mdl, 0, 0);
	if (!bytes)
		return v3c_refuse(why, status, V3C_REASON_EMPTY, mdl, 0, 0);
	if (MmGetMdlByteOffset(mdl) || !v3c_page_aligned(bytes))
		return v3c_refuse(why, status, V3C_REASON_MISALIGNED, mdl,
				  MmGetMdlByteOffset(mdl), bytes);
	return STATUS_SUCCESS;
}

static void use_mdl(struct v3c_phys *phys, const MDL *mdl)
{
	phys->mdl = mdl;
	phys->pfns = MmGetMdlPfnArray((PMDL)mdl);
	phys->count = READ_ONCE(mdl->ByteCount) >> V3C_PAGE_SHIFT;
	phys->next = 0;
}

static NTSTATUS init_mdl(struct v3c_phys *phys, const MDL *first, NTSTATUS status,
			 struct v3c_why *why)
{
	const MDL *mdl, *next, *met = first;
	unsigned int n = 0;
	NTSTATUS checked;
	ULONG bytes;

	if (!first)
		return v3c_refuse(why, status, V3C_REASON_NULL_POINTER, NULL, 0, 0);

	phys->pages = 0;
	phys->given = 0;
	for (mdl = first; mdl; mdl = next) {
		bytes = READ_ONCE(mdl->ByteCount);
		checked = check_mdl(mdl, bytes, status, why);
		if (!NT_SUCCESS(checked))
			return checked;
		phys->pages += bytes >> V3C_PAGE_SHIFT;
		/* An element kept for ever longer is met again if the chain bites its tail. */
		next = READ_ONCE(mdl->Next);
		if (next == met)
			return v3c_refuse(why, status, V3C_REASON_LIST_LOOP, mdl, 0, 0);
		if (is_power_of_2(++n))
			met = mdl;
	}
	use_mdl(phys, first);
	return STATUS_SUCCESS;
}

static NTSTATUS init_contiguous(struct v3c_phys *phys, u64 base, u64 size, NTSTATUS status,
				struct v3c_why *why)
{
	u64 end;

	if (!size)
		return v3c_refuse(why, status, V3C_REASON_EMPTY, NULL, base, 0);
	if (!v3c_page_aligned(base | size))
		return v3c_refuse(why, status, V3C_REASON_MISALIGNED, NULL, base, size);
	if (check_add_overflow(base, size, &end) || end >> V3C_PAGE_SHIFT > V3C_MAX_PFN)
		return v3c_refuse(why, status, V3C_REASON_WRAPS, NULL, base, size);

	phys->pfns = NULL;
	phys->mdl = NULL;
	phys->pfn = base >> V3C_PAGE_SHIFT;
	phys->pages = size >> V3C_PAGE_SHIFT;
	phys->next = 0;
	phys->given = 0;
	return STATUS_SUCCESS;
}

static NTSTATUS init_pfns(struct v3c_phys *phys, const PFN_NUMBER *pfns, u64 pages,
			  NTSTATUS status, struct v3c_why *why)
{
	if (!pfns)
		return v3c_refuse(why, status, V3C_REASON_NULL_POINTER, NULL, 0, 0);
	if (!pages)
		return v3c_refuse(why, status, V3C_REASON_EMPTY, pfns, 0, 0);
	/* No array of frames is larger than memory itself, whatever its count claims. */
	if (pages > V3C_MAX_PFN)
		return v3c_refuse(why, status, V3C_REASON_WRAPS, pfns, 0, pages);

	phys->pfns = pfns;
	phys->mdl = NULL;
	phys->count = pages;
	phys->pages = pages;
	phys->next = 0;
	phys->given = 0;
	return STATUS_SUCCESS;
}

/**
 * v3c_phys_init() - check a description and start iterating it
 * @phys: result, written on success only by what it promises
 * @desc: the caller's, may be NULL
 * @status: what a bad description answers: the ordinal of that parameter
 * @why: filled on refusal
 *
 * Page frames are looked at by v3c_phys_next() only.
 *
 * Context: any.
 * Return: STATUS_SUCCESS or @status.
 */
NTSTATUS v3c_phys_init(struct v3c_phys *phys, const IOMMU_MAP_PHYSICAL_ADDRESS *desc,
		       NTSTATUS status, struct v3c_why *why)
{
	IOMMU_MAP_PHYSICAL_ADDRESS_TYPE type;

	if (!desc)
		return v3c_refuse(why, status, V3C_REASON_NULL_POINTER, NULL, 0, 0);

	type = READ_ONCE(desc->MapType);
	switch (type) {
	case MapPhysicalAddressTypeMdl:
		return init_mdl(phys, desc->Mdl.Mdl, status, why);
	case MapPhysicalAddressTypeContiguousRange:
		return init_contiguous(phys, desc->ContiguousRange.Base.QuadPart,
				       desc->ContiguousRange.Size, status, why);
	case MapPhysicalAddressTypePfn:
		return init_pfns(phys, desc->PfnArray.PageFrame, desc->PfnArray.NumberOfPages,
				 status, why);
	default:
		return v3c_refuse(why, status, V3C_REASON_BAD_ENUM, desc, type, 0);
	}
}
EXPORT_SYMBOL_IF_KUNIT(v3c_phys_init);

/* Goes on with the next element of a chain, if there is one, and if it has pages still. */
bool v3c_phys_next_mdl(struct v3c_phys *phys)
{
	const MDL *next = phys->mdl ? READ_ONCE(phys->mdl->Next) : NULL;

	if (!next)
		return false;
	use_mdl(phys, next);
	return phys->count;
}
EXPORT_SYMBOL_IF_KUNIT(v3c_phys_next_mdl);
