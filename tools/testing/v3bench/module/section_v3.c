// SPDX-License-Identifier: GPL-2.0
/*
 * Study "section", the V3 side: calls that work on much at once.
 */
#include <linux/iommusim.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "section.h"
#include "sim.h"
#include "v3.h"
#include "v3bench.h"

#define READ_WRITE	3

static const u32 range_counts[] = V3B_RANGE_COUNTS;
static const u32 page_counts[] = V3B_PAGE_COUNTS;

/* What the calls work on. One study runs at a time; see the lock in main.c. */
static struct {
	DMA_IOMMU_INTERFACE_EX table;
	PIOMMU_DMA_DEVICE device;
	PIOMMU_DMA_DOMAIN domain;
	struct device *other;
	PIOMMU_DMA_DEVICE other_device;
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token;
	IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT segment;
	IOMMU_MAP_PHYSICAL_ADDRESS what;
	u64 *pfns;
	u64 tables;	/* of half a reservation */
} work;

static void describe(phys_addr_t phys, size_t size)
{
	work.what.MapType = MapPhysicalAddressTypeContiguousRange;
	work.what.ContiguousRange.Base.QuadPart = phys;
	work.what.ContiguousRange.Size = size;
}

static int map_at(struct v3b *b, u64 address)
{
	IOMMU_DMA_LOGICAL_ADDRESS at = address, out;

	return v3b_errno(b, "MapLogicalRangeEx",
			 work.table.V3.MapLogicalRangeEx(work.domain, READ_WRITE, &work.what, &at,
							 NULL, NULL, &out));
}

static int map_ranges(struct v3b *b, u32 count)
{
	int err = 0;
	u32 i;

	describe(page_to_phys(b->small), PAGE_SIZE);
	for (i = 0; !err && i < count; i++) {
		err = map_at(b, b->fill_base + (u64)i * PAGE_SIZE);
		cond_resched();
	}
	return err;
}

static int unmap_ranges(struct v3b *b, u32 count)
{
	return v3b_errno(b, "UnmapLogicalRange",
			 work.table.V3.UnmapLogicalRange(work.domain, b->fill_base, count));
}

static int attach_other(struct v3b *b, u32 count)
{
	return v3b_errno(b, "AttachDeviceEx",
			 work.table.V3.AttachDeviceEx(work.domain, work.other_device));
}

static int detach_other(struct v3b *b, u32 count)
{
	return v3b_errno(b, "DetachDeviceEx", work.table.V3.DetachDeviceEx(work.other_device));
}

static NTSTATUS reserve_pages(struct v3b *b, u32 count)
{
	IOMMU_DMA_LOGICAL_ADDRESS at = b->fill_base;

	return work.table.V3.ReserveLogicalAddressRange(work.domain, (u64)count * PAGE_SIZE, &at,
							NULL, NULL, &work.token);
}

static int reserve(struct v3b *b, u32 count)
{
	return v3b_errno(b, "ReserveLogicalAddressRange", reserve_pages(b, count));
}

static int map_reserved(struct v3b *b, u32 count)
{
	describe(V3B_CONTIGUOUS_PHYS, (size_t)count * PAGE_SIZE);
	return v3b_errno(b, "MapReservedLogicalRange",
			 work.table.V3.MapReservedLogicalRange(work.token, 0, READ_WRITE,
							       &work.what, &work.segment));
}

static int unmap_reserved(struct v3b *b, u32 count)
{
	return v3b_errno(b, "UnmapReservedLogicalRange",
			 work.table.V3.UnmapReservedLogicalRange(&work.segment));
}

static int free_reserved(struct v3b *b, u32 count)
{
	return v3b_errno(b, "FreeReservedLogicalAddressRange",
			 work.table.V3.FreeReservedLogicalAddressRange(work.token));
}

static int map_contiguous(struct v3b *b, u32 count)
{
	describe(V3B_CONTIGUOUS_PHYS, (size_t)count * PAGE_SIZE);
	return map_at(b, b->fill_base);
}

static int map_listed(struct v3b *b, u32 count)
{
	work.what.MapType = MapPhysicalAddressTypePfn;
	work.what.PfnArray.PageFrame = (PPFN_NUMBER)work.pfns;
	work.what.PfnArray.NumberOfPages = count;
	return map_at(b, b->fill_base);
}

static int reserve_half(struct v3b *b, u32 count)
{
	return reserve(b, count / 2);
}

/* The tables of the half are there, then no more. */
static int refuse_halfway(struct v3b *b, u32 count)
{
	NTSTATUS status;

	v3b_sim_fail_tables(work.tables, 1);
	status = reserve_pages(b, count);
	v3b_sim_fail_tables(0, 0);
	if (!NT_SUCCESS(status))
		return 0;
	free_reserved(b, count);
	return -EIO;
}

static const struct v3b_step range_steps[] = {
	{ "attach second", attach_other },
	{ "detach second", detach_other },
	{ "unmap ranges", unmap_ranges },
};
static const struct v3b_step segment_steps[] = {
	{ "attach at segment", attach_other },
	{ "detach at segment", detach_other },
};
static const struct v3b_step reserve_steps[] = {
	{ "reserve", reserve },
	{ "map reserved", map_reserved },
	{ "unmap reserved", unmap_reserved },
	{ "free reserved", free_reserved },
};
static const struct v3b_step contiguous_steps[] = {
	{ "map contiguous", map_contiguous },
	{ "unmap contiguous", unmap_ranges },
};
static const struct v3b_step listed_steps[] = {
	{ "map scattered", map_listed },
	{ "unmap scattered", unmap_ranges },
};
static const struct v3b_step refuse_steps[] = {
	{ "reserve half", reserve_half },
	{ "free half", free_reserved },
	{ "refuse half-way", refuse_halfway },
};

static int create_other(struct v3b *b)
{
	int err;

	work.other = v3b_sim_device();
	if (IS_ERR(work.other))
		return PTR_ERR(work.other);
	err = v3b_errno(b, "CreateDevice",
			work.table.V3.CreateDevice(work.other, NULL, &work.other_device));
	if (err)
		iommusim_device_destroy(work.other);
	return err;
}

static void delete_other(struct v3b *b)
{
	v3b_errno(b, "DeleteDevice", work.table.V3.DeleteDevice(work.other_device));
	iommusim_device_destroy(work.other);
}

/* A segment that fills its reservation is there all the time. */
static int segment_rows(struct v3b *b)
{
	int err = reserve(b, V3B_CONTIGUOUS_PAGES);

	if (err)
		return err;
	err = map_reserved(b, V3B_CONTIGUOUS_PAGES);
	if (!err) {
		err = v3b_section_measure(b, "v3", V3B_CONTIGUOUS_PAGES, NULL, segment_steps,
					  ARRAY_SIZE(segment_steps));
		unmap_reserved(b, V3B_CONTIGUOUS_PAGES);
	}
	free_reserved(b, V3B_CONTIGUOUS_PAGES);
	return err;
}

static int range_rows(struct v3b *b, u32 max_live)
{
	int err = create_other(b);
	u32 i;

	if (err)
		return err;
	for (i = 0; !err && i < ARRAY_SIZE(range_counts) && range_counts[i] <= max_live; i++)
		err = v3b_section_measure(b, "v3", range_counts[i], map_ranges, range_steps,
					  ARRAY_SIZE(range_steps));
	if (!err)
		err = segment_rows(b);
	delete_other(b);
	return err;
}

static int list_pages(struct v3b *b)
{
	u32 i;

	work.pfns = kvcalloc(V3B_LISTED_PAGES, sizeof(*work.pfns), GFP_KERNEL);
	if (!work.pfns)
		return -ENOMEM;
	for (i = 0; i < V3B_LISTED_PAGES; i++)
		work.pfns[i] = PHYS_PFN(v3b_listed_page(b->huge, i));
	return 0;
}

static int large_rows(struct v3b *b)
{
	int err;

	err = v3b_section_measure(b, "v3", V3B_CONTIGUOUS_PAGES, NULL, contiguous_steps,
				  ARRAY_SIZE(contiguous_steps));
	if (err || !b->huge)
		return err;
	err = list_pages(b);
	if (err)
		return err;
	err = v3b_section_measure(b, "v3", V3B_LISTED_PAGES, NULL, listed_steps,
				  ARRAY_SIZE(listed_steps));
	kvfree(work.pfns);
	return err;
}

static int domain_rows(struct v3b *b, u32 max_live)
{
	u32 i;
	int err = range_rows(b, max_live);

	for (i = 0; !err && i < ARRAY_SIZE(page_counts); i++)
		err = v3b_section_measure(b, "v3", page_counts[i], NULL, reserve_steps,
					  ARRAY_SIZE(reserve_steps));
	return err ?: large_rows(b);
}

/* Learns how many tables half a reservation has, all that others need being there. */
static int count_tables(struct v3b *b, u32 count)
{
	u64 with;
	int err = reserve_half(b, count);

	if (err)
		return err;
	with = v3b_sim_tables();
	err = free_reserved(b, count);
	work.tables = with - v3b_sim_tables();
	return err;
}

static int refuse_rows(struct v3b *b, u32 max_live)
{
	u32 i, count;
	int err = 0;

	for (i = 0; !err && i < ARRAY_SIZE(page_counts); i++) {
		count = page_counts[i];
		err = count_tables(b, count);
		if (!err)
			err = v3b_section_costs(b, count, refuse_steps, ARRAY_SIZE(refuse_steps));
	}
	return err;
}

static int with_domain(struct v3b *b, PIOMMU_DMA_DEVICE device, u32 max_live,
		       int (*rows)(struct v3b *b, u32 max_live))
{
	IOMMU_DMA_DOMAIN_CREATION_FLAGS flags = {};
	int err;

	err = v3b_errno(b, "CreateDomainEx",
			work.table.V3.CreateDomainEx(DomainTypeTranslate, flags, NULL, NULL,
						     &work.domain));
	if (err)
		return err;
	err = v3b_errno(b, "AttachDeviceEx", work.table.V3.AttachDeviceEx(work.domain, device));
	if (!err) {
		err = rows(b, max_live);
		v3b_errno(b, "DetachDeviceEx", work.table.V3.DetachDeviceEx(device));
	}
	v3b_errno(b, "DeleteDomain", work.table.V3.DeleteDomain(work.domain));
	return err;
}

static int on_device(struct v3b *b, u32 max_live)
{
	int err;

	err = v3b_errno(b, "CreateDevice", work.table.V3.CreateDevice(b->dev, NULL, &work.device));
	if (err)
		return err;
	err = with_domain(b, work.device, max_live, domain_rows);
	v3b_errno(b, "DeleteDevice", work.table.V3.DeleteDevice(work.device));
	return err;
}

/* iommusim lets tables fail when asked to, which no other IOMMU does. */
static int on_iommusim(struct v3b *b, u32 max_live)
{
	int err = create_other(b);

	if (err)
		return err;
	err = with_domain(b, work.other_device, max_live, refuse_rows);
	delete_other(b);
	return err;
}

int v3b_section_v3(struct v3b *b, u32 max_live)
{
	int err;

	err = v3b_errno(b, "IoGetIommuInterfaceEx", IoGetIommuInterfaceEx(3, 0, &work.table));
	if (!err)
		err = on_device(b, max_live);
	return err ?: on_iommusim(b, max_live);
}
