// SPDX-License-Identifier: GPL-2.0
/*
 * Study "pasid": attaching a domain to a PASID and detaching it again, beside the IOMMU core.
 *
 * "first" is the first PASID of a device, for which DMA ownership is claimed; "further" is one
 * more on the same domain. These calls may sleep, so interrupts are on; the median leaves them out.
 */
#include <linux/iommu.h>
#include <linux/sched.h>

#include "clock.h"
#include "sim.h"
#include "v3.h"
#include "v3bench.h"

#define WARM_UP	16
#define SAMPLES	256

struct raw_pasid {
	ioasid_t number;
	struct iommu_attach_handle handle;
};

/* One study runs at a time; see the lock in main.c. */
static struct v3b_series series;
static struct raw_pasid raw[2];

static struct {
	DMA_IOMMU_INTERFACE_EX table;
	PIOMMU_DMA_DEVICE device;
	PIOMMU_DMA_PASID_DEVICE sub_devices[2];
	PIOMMU_DMA_DOMAIN domain;
} v3;

/* One pair, timed by itself. */
typedef int (*pair_fn)(struct v3b *b);

static int measure_pairs(struct v3b *b, const char *side, const char *what, pair_fn pair)
{
	const struct v3b_call call = {
		.study = "pasid", .what = what, .op = "attach + detach", .side = side, .units = 1,
	};
	u32 i;
	int err;

	series.nr = 0;
	for (i = 0; i < WARM_UP + SAMPLES; i++) {
		u64 start = v3b_clock();

		err = pair(b);
		if (err)
			return err;
		if (i >= WARM_UP)
			v3b_series_add(&series, v3b_clock() - start);
		cond_resched();
	}
	return v3b_series_row(b, &call, &series);
}

static int raw_attach(struct v3b *b, struct raw_pasid *pasid)
{
	return iommu_attach_device_pasid(b->domain, b->dev, pasid->number, &pasid->handle);
}

static void raw_detach(struct v3b *b, struct raw_pasid *pasid)
{
	iommu_detach_device_pasid(b->domain, b->dev, pasid->number);
}

static int raw_further(struct v3b *b)
{
	int err = raw_attach(b, &raw[1]);

	if (!err)
		raw_detach(b, &raw[1]);
	return err;
}

static int raw_first(struct v3b *b)
{
	int err = iommu_device_claim_dma_owner(b->dev, b);

	if (err)
		return err;
	err = raw_further(b);
	iommu_device_release_dma_owner(b->dev);
	return err;
}

static int raw_keep_one(struct v3b *b)
{
	int err = iommu_device_claim_dma_owner(b->dev, b);

	if (err)
		return err;
	err = raw_attach(b, &raw[0]);
	if (err)
		iommu_device_release_dma_owner(b->dev);
	return err;
}

static int raw_rows(struct v3b *b)
{
	int err = measure_pairs(b, "raw", "first", raw_first);

	if (err)
		return err;
	err = raw_keep_one(b);
	if (err)
		return err;
	err = measure_pairs(b, "raw", "further", raw_further);
	raw_detach(b, &raw[0]);
	iommu_device_release_dma_owner(b->dev);
	return err;
}

static void free_numbers(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(raw); i++)
		if (raw[i].number != IOMMU_PASID_INVALID)
			iommu_free_global_pasid(raw[i].number);
}

static int alloc_numbers(struct v3b *b)
{
	raw[0].number = iommu_alloc_global_pasid(b->dev);
	raw[1].number = iommu_alloc_global_pasid(b->dev);
	if (raw[0].number != IOMMU_PASID_INVALID && raw[1].number != IOMMU_PASID_INVALID)
		return 0;
	free_numbers();
	return -ENOSPC;
}

static int run_raw(struct v3b *b)
{
	int err;

	err = alloc_numbers(b);
	if (err)
		return err;
	b->domain = iommu_paging_domain_alloc(b->dev);
	if (IS_ERR(b->domain)) {
		err = PTR_ERR(b->domain);
	} else {
		err = raw_rows(b);
		iommu_domain_free(b->domain);
	}
	free_numbers();
	return err;
}

static int v3_attach(struct v3b *b, PIOMMU_DMA_PASID_DEVICE sub_device)
{
	return v3b_errno(b, "AttachPasidDevice",
			 v3.table.V3.AttachPasidDevice(v3.domain, sub_device));
}

static int v3_detach(struct v3b *b, PIOMMU_DMA_PASID_DEVICE sub_device)
{
	return v3b_errno(b, "DetachPasidDevice", v3.table.V3.DetachPasidDevice(sub_device));
}

static int v3_pair(struct v3b *b)
{
	int err = v3_attach(b, v3.sub_devices[1]);

	return err ?: v3_detach(b, v3.sub_devices[1]);
}

static int v3_rows(struct v3b *b)
{
	int err = measure_pairs(b, "v3", "first", v3_pair);

	if (err)
		return err;
	err = v3_attach(b, v3.sub_devices[0]);
	if (err)
		return err;
	err = measure_pairs(b, "v3", "further", v3_pair);
	v3_detach(b, v3.sub_devices[0]);
	return err;
}

static void v3_close(struct v3b *b)
{
	unsigned int i;

	if (v3.domain)
		v3b_errno(b, "DeleteDomain", v3.table.V3.DeleteDomain(v3.domain));
	for (i = 0; i < ARRAY_SIZE(v3.sub_devices); i++)
		if (v3.sub_devices[i])
			v3b_errno(b, "DeletePasidDevice",
				  v3.table.V3.DeletePasidDevice(v3.sub_devices[i]));
	if (v3.device)
		v3b_errno(b, "DeleteDevice", v3.table.V3.DeleteDevice(v3.device));
}

static int v3_open(struct v3b *b)
{
	IOMMU_DMA_DOMAIN_CREATION_FLAGS flags = {};
	unsigned int i;
	ULONG pasid;
	int err;

	memset(&v3, 0, sizeof(v3));
	err = v3b_errno(b, "IoGetIommuInterfaceEx", IoGetIommuInterfaceEx(3, 0, &v3.table));
	if (!err)
		err = v3b_tagged_device(b, &v3.table, &v3.device);
	for (i = 0; !err && i < ARRAY_SIZE(v3.sub_devices); i++)
		err = v3b_errno(b, "CreatePasidDevice",
				v3.table.V3.CreatePasidDevice(v3.device, &v3.sub_devices[i],
							      &pasid));
	if (!err)
		err = v3b_errno(b, "CreateDomainEx",
				v3.table.V3.CreateDomainEx(DomainTypeTranslateS1, flags, NULL, NULL,
							   &v3.domain));
	return err;
}

static int run_v3(struct v3b *b)
{
	int err = v3_open(b);

	if (!err)
		err = v3_rows(b);
	v3_close(b);
	return err;
}

static int run_pasid(struct v3b *b, u32 max_live)
{
	int err = v3b_sim_enter(b);

	if (err)
		return err;
	err = run_raw(b);
	if (!err)
		err = run_v3(b);
	v3b_sim_leave(b);
	return err;
}

const struct v3b_study v3b_pasid = {
	.name = "pasid",
	.run = run_pasid,
};
