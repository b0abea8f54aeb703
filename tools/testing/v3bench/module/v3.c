// SPDX-License-Identifier: GPL-2.0
/*
 * Methods "explicit", "allocator", "reserved", "bounded", "both-explicit", "sim-v3" and
 * "sim-v3-pasid": the V3 table, as a ported driver calls it.
 */
#include <linux/align.h>
#include <linux/build_bug.h>
#include <linux/device.h>
#include <linux/iommusim.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "sim.h"
#include "v3.h"
#include "v3bench.h"

#define READ_WRITE	3

#define ADDRESS_WIDTH	48

/* Between which the allocator of method "bounded" is to choose; an IOMMU has 39 bits at least. */
#define LOWEST		(4ULL << 30)
#define HIGHEST		((1ULL << 38) - 1)

/* Room for the measured mappings of one shape inside the token. */
#define TOKEN_STEP	SZ_4M
#define TOKEN_SHAPES	16

/* One method is open at a time; see the lock in main.c. */
static struct {
	DMA_IOMMU_INTERFACE_EX table;
	PIOMMU_DMA_DEVICE device;
	PIOMMU_DMA_PASID_DEVICE sub_device;	/* NULL: the device itself is attached */
	PIOMMU_DMA_DOMAIN domain;
	struct device *other;
	PIOMMU_DMA_DEVICE other_device;
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token;
	PMDL mdl;
	IOMMU_MAP_PHYSICAL_ADDRESS what;
} v3;

/**
 * v3b_errno - make a status an error number
 * @b: the benchmark
 * @call: named in the log when it failed
 * @status: what it returned
 *
 * Return: 0 or -EIO.
 */
int v3b_errno(struct v3b *b, const char *call, NTSTATUS status)
{
	if (NT_SUCCESS(status))
		return 0;
	dev_err(b->dev, "%s: status %#x\n", call, (u32)status);
	return -EIO;
}

/**
 * v3b_tagged_device - create a device that can have PASID sub-devices
 * @b: the benchmark
 * @table: the interface
 * @device: receives the device
 *
 * Return: 0 or -EIO.
 */
int v3b_tagged_device(struct v3b *b, const DMA_IOMMU_INTERFACE_EX *table,
		      PIOMMU_DMA_DEVICE *device)
{
	IOMMU_DEVICE_CREATION_CONFIGURATION config = {
		.ConfigType = IommuDeviceCreationConfigTypePasid,
		.Pasid.ConfigType = PasidConfigTypePasidTaggedDma,
	};

	return v3b_errno(b, "CreateDevice", table->V3.CreateDevice(b->dev, &config, device));
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

static int create_sub_device(struct v3b *b)
{
	ULONG pasid;
	int err;

	err = v3b_tagged_device(b, &v3.table, &v3.device);
	if (err)
		return err;
	err = v3b_errno(b, "CreatePasidDevice",
			v3.table.V3.CreatePasidDevice(v3.device, &v3.sub_device, &pasid));
	if (err)
		v3.table.V3.DeleteDevice(v3.device);
	else
		b->pasid = pasid;
	return err;
}

static int create_device(struct v3b *b, bool tagged)
{
	int err;

	v3.sub_device = NULL;

	err = v3b_errno(b, "IoGetIommuInterfaceEx", IoGetIommuInterfaceEx(3, 0, &v3.table));
	if (err)
		return err;
	if (tagged)
		return create_sub_device(b);
	return v3b_errno(b, "CreateDevice", v3.table.V3.CreateDevice(b->dev, NULL, &v3.device));
}

static void delete_device(struct v3b *b)
{
	if (v3.sub_device)
		v3b_errno(b, "DeletePasidDevice", v3.table.V3.DeletePasidDevice(v3.sub_device));
	v3b_errno(b, "DeleteDevice", v3.table.V3.DeleteDevice(v3.device));
}

static int attach(struct v3b *b)
{
	if (v3.sub_device)
		return v3b_errno(b, "AttachPasidDevice",
				 v3.table.V3.AttachPasidDevice(v3.domain, v3.sub_device));
	return v3b_errno(b, "AttachDeviceEx", v3.table.V3.AttachDeviceEx(v3.domain, v3.device));
}

static void detach(struct v3b *b)
{
	if (v3.sub_device)
		v3b_errno(b, "DetachPasidDevice", v3.table.V3.DetachPasidDevice(v3.sub_device));
	else
		v3b_errno(b, "DetachDeviceEx", v3.table.V3.DetachDeviceEx(v3.device));
}

static int attach_domain(struct v3b *b, IOMMU_DMA_DOMAIN_TYPE type,
			 PIOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG config)
{
	IOMMU_DMA_DOMAIN_CREATION_FLAGS flags = {};
	int err;

	err = v3b_errno(b, "CreateDomainEx",
			v3.table.V3.CreateDomainEx(type, flags, config, NULL, &v3.domain));
	if (err)
		return err;
	err = attach(b);
	if (err)
		v3.table.V3.DeleteDomain(v3.domain);
	return err;
}

static int open_domain(struct v3b *b, IOMMU_DMA_DOMAIN_TYPE type,
		       PIOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG config, bool tagged)
{
	int err;

	err = describe_by_mdl(b);
	if (err)
		return err;
	err = create_device(b, tagged);
	if (err)
		goto err_mdl;
	err = attach_domain(b, type, config);
	if (err)
		goto err_device;
	return 0;

err_device:
	delete_device(b);
err_mdl:
	free_mdl();
	return err;
}

static void v3_close(struct v3b *b)
{
	detach(b);
	v3b_errno(b, "DeleteDomain", v3.table.V3.DeleteDomain(v3.domain));
	delete_device(b);
	free_mdl();
}

static int explicit_open(struct v3b *b)
{
	return open_domain(b, DomainTypeTranslate, NULL, false);
}

static int allocator_open(struct v3b *b)
{
	IOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG config = {
		.LogicalAllocatorType = IommuDmaLogicalAllocatorBuddy,
		.BuddyAllocatorConfig.AddressWidth = ADDRESS_WIDTH,
	};

	return open_domain(b, DomainTypeTranslate, &config, false);
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

	return NT_SUCCESS(status) ? 0 : v3b_errno(b, "MapLogicalRangeEx", status);
}

static int allocator_map(struct v3b *b, const struct v3b_job *job, struct v3b_slot *slot)
{
	NTSTATUS status = v3.table.V3.MapLogicalRangeEx(v3.domain, READ_WRITE, &v3.what, NULL,
							NULL, NULL, &slot->address);

	return NT_SUCCESS(status) ? 0 : v3b_errno(b, "MapLogicalRangeEx", status);
}

static int bounded_map(struct v3b *b, const struct v3b_job *job, struct v3b_slot *slot)
{
	IOMMU_DMA_LOGICAL_ADDRESS lowest = LOWEST, highest = HIGHEST;
	NTSTATUS status = v3.table.V3.MapLogicalRangeEx(v3.domain, READ_WRITE, &v3.what, NULL,
							&lowest, &highest, &slot->address);

	return NT_SUCCESS(status) ? 0 : v3b_errno(b, "MapLogicalRangeEx", status);
}

static void v3_unmap(struct v3b *b, const struct v3b_job *job, struct v3b_slot *slot)
{
	NTSTATUS status = v3.table.V3.UnmapLogicalRange(v3.domain, slot->address,
							job->shape->nr_pages);

	if (!NT_SUCCESS(status))
		v3b_errno(b, "UnmapLogicalRange", status);
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
	return v3b_errno(b, "ReserveLogicalAddressRange", status);
}

static int reserved_open(struct v3b *b)
{
	int err;

	err = open_domain(b, DomainTypeTranslate, NULL, false);
	if (err)
		return err;
	err = reserve(b);
	if (err)
		v3_close(b);
	return err;
}

static void reserved_close(struct v3b *b)
{
	v3b_errno(b, "FreeReservedLogicalAddressRange",
		 v3.table.V3.FreeReservedLogicalAddressRange(v3.token));
	v3_close(b);
}

static PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT segment_of(struct v3b_slot *slot)
{
	BUILD_BUG_ON(sizeof(slot->segment) <
		     sizeof(IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT));
	return (PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT)slot->segment;
}

static int reserved_map(struct v3b *b, const struct v3b_job *job, struct v3b_slot *slot)
{
	NTSTATUS status = v3.table.V3.MapReservedLogicalRange(v3.token, job->place, READ_WRITE,
							      &v3.what, segment_of(slot));

	slot->address = v3.token->LogicalAddressBase + job->place;
	return NT_SUCCESS(status) ? 0 : v3b_errno(b, "MapReservedLogicalRange", status);
}

static void reserved_unmap(struct v3b *b, const struct v3b_job *job, struct v3b_slot *slot)
{
	NTSTATUS status = v3.table.V3.UnmapReservedLogicalRange(segment_of(slot));

	if (!NT_SUCCESS(status))
		v3b_errno(b, "UnmapReservedLogicalRange", status);
}

static int attach_other(struct v3b *b)
{
	int err;

	v3.other = v3b_sim_device();
	if (IS_ERR(v3.other))
		return PTR_ERR(v3.other);
	err = v3b_errno(b, "CreateDevice",
			v3.table.V3.CreateDevice(v3.other, NULL, &v3.other_device));
	if (err)
		goto err_other;
	err = v3b_errno(b, "AttachDeviceEx",
			v3.table.V3.AttachDeviceEx(v3.domain, v3.other_device));
	if (err)
		goto err_device;
	return 0;

err_device:
	v3.table.V3.DeleteDevice(v3.other_device);
err_other:
	iommusim_device_destroy(v3.other);
	return err;
}

static int both_open(struct v3b *b)
{
	int err = explicit_open(b);

	if (err)
		return err;
	err = attach_other(b);
	if (err)
		v3_close(b);
	return err;
}

static void both_close(struct v3b *b)
{
	v3b_errno(b, "DetachDeviceEx", v3.table.V3.DetachDeviceEx(v3.other_device));
	v3b_errno(b, "DeleteDevice", v3.table.V3.DeleteDevice(v3.other_device));
	iommusim_device_destroy(v3.other);
	v3_close(b);
}

static phys_addr_t both_lookup(struct v3b *b, u64 address)
{
	return v3b_both_lookup(b, v3.other, address);
}

static int sim_open(struct v3b *b, bool tagged)
{
	int err = v3b_sim_enter(b);

	if (err)
		return err;
	err = open_domain(b, DomainTypeTranslateS1, NULL, tagged);
	if (err)
		v3b_sim_leave(b);
	return err;
}

static int sim_untagged_open(struct v3b *b)
{
	return sim_open(b, false);
}

static int sim_pasid_open(struct v3b *b)
{
	return sim_open(b, true);
}

static void sim_close(struct v3b *b)
{
	v3_close(b);
	v3b_sim_leave(b);
}

const struct v3b_method v3b_v3_explicit = {
	.name = "explicit",
	.lacks = V3B_LEAF,
	.open = explicit_open,
	.close = v3_close,
	.prepare = v3_prepare,
	.map = explicit_map,
	.unmap = v3_unmap,
};

const struct v3b_method v3b_v3_allocator = {
	.name = "allocator",
	.lacks = V3B_LEAF,
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

const struct v3b_method v3b_v3_bounded = {
	.name = "bounded",
	.lacks = V3B_GENERAL_LACKS,
	.open = allocator_open,
	.close = v3_close,
	.prepare = v3_prepare,
	.map = bounded_map,
	.unmap = v3_unmap,
};

const struct v3b_method v3b_both_explicit = {
	.name = "both-explicit",
	.lacks = V3B_GENERAL_LACKS,
	.open = both_open,
	.close = both_close,
	.prepare = v3_prepare,
	.map = explicit_map,
	.unmap = v3_unmap,
	.lookup = both_lookup,
};

const struct v3b_method v3b_sim_v3 = {
	.name = "sim-v3",
	.lacks = V3B_SIM_LACKS,
	.open = sim_untagged_open,
	.close = sim_close,
	.prepare = v3_prepare,
	.map = explicit_map,
	.unmap = v3_unmap,
	.lookup = v3b_sim_lookup,
};

const struct v3b_method v3b_sim_v3_pasid = {
	.name = "sim-v3-pasid",
	.lacks = V3B_SIM_LACKS,
	.open = sim_pasid_open,
	.close = sim_close,
	.prepare = v3_prepare,
	.map = explicit_map,
	.unmap = v3_unmap,
	.lookup = v3b_sim_lookup,
};
