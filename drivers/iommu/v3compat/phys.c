// SPDX-License-Identifier: GPL-2.0
/*
 * Physical descriptions (MDL, contiguous range, PFN array) as an iterator of contiguous runs.
 */
#include <linux/overflow.h>

#include "mdl.h"
#include "phys.h"

#define V3C_MAX_PFN	(1ULL << (V3C_PHYS_BITS - V3C_PAGE_SHIFT))

/* One element of a chain: whole pages, and really locked or nonpaged ones. */
static NTSTATUS check_mdl(const MDL *mdl, NTSTATUS status, struct v3c_why *why)
{
	if (!v3c_mdl_has_pages(mdl))
		return v3c_refuse(why, status, V3C_REASON_NO_PAGES, mdl, 0, 0);
	if (!MmGetMdlByteCount(mdl))
		return v3c_refuse(why, status, V3C_REASON_EMPTY, mdl, 0, 0);
	if (MmGetMdlByteOffset(mdl) || !v3c_page_aligned(MmGetMdlByteCount(mdl)))
		return v3c_refuse(why, status, V3C_REASON_MISALIGNED, mdl,
				  MmGetMdlByteOffset(mdl), MmGetMdlByteCount(mdl));
	return STATUS_SUCCESS;
}

static void use_mdl(struct v3c_phys *phys, const MDL *mdl)
{
	phys->mdl = mdl;
	phys->pfns = MmGetMdlPfnArray((PMDL)mdl);
	phys->count = MmGetMdlByteCount(mdl) >> V3C_PAGE_SHIFT;
	phys->next = 0;
}

static NTSTATUS init_mdl(struct v3c_phys *phys, const MDL *first, NTSTATUS status,
			 struct v3c_why *why)
{
	const MDL *mdl, *slow = first;
	unsigned int n = 0;
	NTSTATUS checked;

	if (!first)
		return v3c_refuse(why, status, V3C_REASON_NULL_POINTER, NULL, 0, 0);

	phys->pages = 0;
	for (mdl = first; mdl; mdl = mdl->Next) {
		checked = check_mdl(mdl, status, why);
		if (!NT_SUCCESS(checked))
			return checked;
		phys->pages += MmGetMdlByteCount(mdl) >> V3C_PAGE_SHIFT;
		/* A second pointer at half the speed is met again if the chain bites its tail. */
		if (++n % 2 == 0)
			slow = slow->Next;
		if (mdl->Next == slow)
			return v3c_refuse(why, status, V3C_REASON_LIST_LOOP, mdl, 0, 0);
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
	if (!desc)
		return v3c_refuse(why, status, V3C_REASON_NULL_POINTER, NULL, 0, 0);

	switch (desc->MapType) {
	case MapPhysicalAddressTypeMdl:
		return init_mdl(phys, desc->Mdl.Mdl, status, why);
	case MapPhysicalAddressTypeContiguousRange:
		return init_contiguous(phys, desc->ContiguousRange.Base.QuadPart,
				       desc->ContiguousRange.Size, status, why);
	case MapPhysicalAddressTypePfn:
		return init_pfns(phys, desc->PfnArray.PageFrame, desc->PfnArray.NumberOfPages,
				 status, why);
	default:
		return v3c_refuse(why, status, V3C_REASON_BAD_ENUM, desc, desc->MapType, 0);
	}
}

/* Goes on with the next element of a chain, if there is one. */
bool v3c_phys_next_mdl(struct v3c_phys *phys)
{
	if (!phys->mdl || !phys->mdl->Next)
		return false;
	use_mdl(phys, phys->mdl->Next);
	return true;
}
