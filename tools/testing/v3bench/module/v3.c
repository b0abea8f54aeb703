// SPDX-License-Identifier: GPL-2.0
/*
 * Methods "explicit", "allocator" and "reserved": the V3 table, as a ported
 * driver calls it.
 */
#include <linux/device.h>
#include <linux/align.h>
#include <linux/build_bug.h>
#include <linux/device.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include <wdm.h>

#include "v3bench.h"

#define READ_WRITE	3

#define ADDRESS_WIDTH	48

/* Room for the measured mappings of one shape inside the token. */
#define TOKEN_STEP	SZ_4M
#define TOKEN_SHAPES	16

/* One method is open at a time; see the lock in main.c. */
static struct {
	DMA_IOMMU_INTERFACE_EX table;
	PIOMMU_DMA_DEVICE device;
	PIOMMU_DMA_DOMAIN domain;
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token;
	PMDL mdl;
	IOMMU_MAP_PHYSICAL_ADDRESS what;
} v3;

static int to_errno(struct v3b *b, const char *call, NTSTATUS status)
{
	if (NT_SUCCESS(status))
		return 0;
	dev_err(b->dev, "%s: status %#x\n", call, (u32)status);
	return -EIO;
}

static int describe_by_mdl(struct v3b *b)
{
	v3.mdl = IoAllocateMdl(NULL, V3B_SCATTERED_PAGES * PAGE_SIZE, FALSE, FALSE, NULL);
	if (!v3.mdl)
		return -ENOMEM;
	memcpy(MmGetMdlPfnArray(v3.mdl), b->pfns, sizeof(b->pfns));
	v3.mdl->MdlFlags |= MDL_PAGES_LOCKED;
	return 0;
}

static void free_mdl(void)
{
	v3.mdl->MdlFlags &= ~MDL_PAGES_LOCKED;
	IoFreeMdl(v3.mdl);
}

static int create_device(struct v3b *b)
{
	int err;

	err = to_errno(b, "IoGetIommuInterfaceEx", IoGetIommuInterfaceEx(3, 0, &v3.table));
	if (err)
		return err;
	return to_errno(b, "CreateDevice", v3.table.V3.CreateDevice(b->dev, NULL, &v3.device));
}

static int attach_domain(struct v3b *b, PIOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG config)
{
	IOMMU_DMA_DOMAIN_CREATION_FLAGS flags = {};
	int err;

	err = to_errno(b, "CreateDomainEx",
		       v3.table.V3.CreateDomainEx(DomainTypeTranslate, flags, config, NULL,
						  &v3.domain));
	if (err)
		return err;
	err = to_errno(b, "AttachDeviceEx", v3.table.V3.AttachDeviceEx(v3.domain, v3.device));
	if (err)
		v3.table.V3.DeleteDomain(v3.domain);
	return err;
}

static int open_domain(struct v3b *b, PIOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG config)
{
	int err;

	err = describe_by_mdl(b);
	if (err)
		return err;
	err = create_device(b);
	if (err)
		goto err_mdl;
	err = attach_domain(b, config);
	if (err)
		goto err_device;
	return 0;

err_device:
	v3.table.V3.DeleteDevice(v3.device);
err_mdl:
	free_mdl();
	return err;
}

static void v3_close(struct v3b *b)
{
	to_errno(b, "DetachDeviceEx", v3.table.V3.DetachDeviceEx(v3.device));
	to_errno(b, "DeleteDomain", v3.table.V3.DeleteDomain(v3.domain));
	to_errno(b, "DeleteDevice", v3.table.V3.DeleteDevice(v3.device));
	free_mdl();
}

static int explicit_open(struct v3b *b)
{
	return open_domain(b, NULL);
}

static int allocator_open(struct v3b *b)
{
	IOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG config = {
		.LogicalAllocatorType = IommuDmaLogicalAllocatorBuddy,
		.BuddyAllocatorConfig.AddressWidth = ADDRESS_WIDTH,
	};

	return open_domain(b, &config);
}

static void v3_prepare(struct v3b *b, const struct v3b_job *job)
{
	if (job->shape->features & V3B_MDL) {
		v3.what.MapType = MapPhysicalAddressTypeMdl;
		v3.what.Mdl.Mdl = v3.mdl;
	} else if (job->shape->features & V3B_SCATTER) {
		v3.what.MapType = MapPhysicalAddressTypePfn;
		v3.what.PfnArray.PageFrame = (PPFN_NUMBER)b->pfns;
		v3.what.PfnArray.NumberOfPages = V3B_SCATTERED_PAGES;
	} else {
		v3.what.MapType = MapPhysicalAddressTypeContiguousRange;
		v3.what.ContiguousRange.Base.QuadPart = job->phys;
		v3.what.ContiguousRange.Size = job->size;
	}
}

static int explicit_map(struct v3b *b, const struct v3b_job *job, struct v3b_slot *slot)
{
	IOMMU_DMA_LOGICAL_ADDRESS place = job->place;
	NTSTATUS status = v3.table.V3.MapLogicalRangeEx(v3.domain, READ_WRITE, &v3.what, &place,
							NULL, NULL, &slot->address);

	return NT_SUCCESS(status) ? 0 : to_errno(b, "MapLogicalRangeEx", status);
}

static int allocator_map(struct v3b *b, const struct v3b_job *job, struct v3b_slot *slot)
{
	NTSTATUS status = v3.table.V3.MapLogicalRangeEx(v3.domain, READ_WRITE, &v3.what, NULL,
							NULL, NULL, &slot->address);

	return NT_SUCCESS(status) ? 0 : to_errno(b, "MapLogicalRangeEx", status);
}

static void v3_unmap(struct v3b *b, const struct v3b_job *job, struct v3b_slot *slot)
{
	NTSTATUS status = v3.table.V3.UnmapLogicalRange(v3.domain, slot->address,
							job->shape->nr_pages);

	if (!NT_SUCCESS(status))
		to_errno(b, "UnmapLogicalRange", status);
}

static int reserve(struct v3b *b)
{
	IOMMU_DMA_LOGICAL_ADDRESS place = b->fill_base;
	NTSTATUS status;

	b->fill_base = 0;
	b->probe_base = ALIGN((u64)b->max_live * PAGE_SIZE, TOKEN_STEP);
	b->probe_step = TOKEN_STEP;
	status = v3.table.V3.ReserveLogicalAddressRange(v3.domain,
							b->probe_base + TOKEN_SHAPES * TOKEN_STEP,
							&place, NULL, NULL, &v3.token);
	return to_errno(b, "ReserveLogicalAddressRange", status);
}

static int reserved_open(struct v3b *b)
{
	int err;

	err = open_domain(b, NULL);
	if (err)
		return err;
	err = reserve(b);
	if (err)
		v3_close(b);
	return err;
}

static void reserved_close(struct v3b *b)
{
	to_errno(b, "FreeReservedLogicalAddressRange",
		 v3.table.V3.FreeReservedLogicalAddressRange(v3.token));
	v3_close(b);
}

static PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT segment_of(struct v3b_slot *slot)
{
	BUILD_BUG_ON(sizeof(slot->segment) < sizeof(IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT));
	return (PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT)slot->segment;
}

static int reserved_map(struct v3b *b, const struct v3b_job *job, struct v3b_slot *slot)
{
	NTSTATUS status = v3.table.V3.MapReservedLogicalRange(v3.token, job->place, READ_WRITE,
							      &v3.what, segment_of(slot));

	slot->address = v3.token->LogicalAddressBase + job->place;
	return NT_SUCCESS(status) ? 0 : to_errno(b, "MapReservedLogicalRange", status);
}

static void reserved_unmap(struct v3b *b, const struct v3b_job *job, struct v3b_slot *slot)
{
	NTSTATUS status = v3.table.V3.UnmapReservedLogicalRange(segment_of(slot));

	if (!NT_SUCCESS(status))
		to_errno(b, "UnmapReservedLogicalRange", status);
}

const struct v3b_method v3b_v3_explicit = {
	.name = "explicit",
	.lacks = V3B_LEAF,
	.keeps_live = true,
	.open = explicit_open,
	.close = v3_close,
	.prepare = v3_prepare,
	.map = explicit_map,
	.unmap = v3_unmap,
};

const struct v3b_method v3b_v3_allocator = {
	.name = "allocator",
	.lacks = V3B_LEAF,
	.keeps_live = true,
	.open = allocator_open,
	.close = v3_close,
	.prepare = v3_prepare,
	.map = allocator_map,
	.unmap = v3_unmap,
};

const struct v3b_method v3b_v3_reserved = {
	.name = "reserved",
	.lacks = V3B_LARGE,
	.open = reserved_open,
	.close = reserved_close,
	.prepare = v3_prepare,
	.map = reserved_map,
	.unmap = reserved_unmap,
};
