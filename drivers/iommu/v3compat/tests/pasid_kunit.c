// SPDX-License-Identifier: GPL-2.0
/* PASID sub-devices: their numbers, what their DMA goes through, and what outlives what. */
#include <linux/platform_device.h>

#include "fixture.h"

#define MAX_PASIDS	64

static const struct iommusim_config with_pasids = { .max_pasids = MAX_PASIDS };

/* A device that can have sub-devices, behind an instance of its own. */
struct tagged {
	struct iommusim *sim;
	struct device *pdo;
	PIOMMU_DMA_DEVICE device;
};

static struct tagged tagged_on(struct kunit *test, struct iommusim *sim,
			       const struct iommusim_device_config *config)
{
	struct tagged t = { .sim = sim };

	t.pdo = v3t_pdo(test, sim, config);
	t.device = v3t_tagged_device(test, t.pdo);
	return t;
}

static struct tagged tagged(struct kunit *test)
{
	return tagged_on(test, v3t_sim(test, &with_pasids), NULL);
}

static void expect_no_pasid(struct kunit *test, struct device *pdo, u32 pasid)
{
	v3t_expect_tagged_fault(test, pdo, pasid, SZ_1M, IOMMUSIM_FAULT_PASID);
}

static void sees_what_its_domain_maps(struct kunit *test)
{
	struct tagged t = tagged(test);
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	struct page *page = v3t_pages(test, 0);
	PIOMMU_DMA_PASID_DEVICE sub;
	ULONG pasid = 0;

	ASSERT_V3(test, STATUS_SUCCESS, CreatePasidDevice, t.device, &sub, &pasid);
	KUNIT_EXPECT_GT(test, pasid, 0);
	KUNIT_EXPECT_LT(test, pasid, MAX_PASIDS);
	expect_no_pasid(test, t.pdo, pasid);

	ASSERT_V3(test, STATUS_SUCCESS, AttachPasidDevice, domain, sub);
	v3t_expect_tagged_fault(test, t.pdo, pasid, SZ_1M, IOMMUSIM_FAULT_NOT_PRESENT);
	v3t_map_at(test, domain, v3t_of_page(page), SZ_1M);
	v3t_expect_tagged_reaches(test, t.pdo, pasid, SZ_1M, page);
	v3t_expect_blocked(test, t.pdo, SZ_1M);
	v3t_unmap(test, domain, SZ_1M, 1);
	v3t_expect_tagged_fault(test, t.pdo, pasid, SZ_1M, IOMMUSIM_FAULT_NOT_PRESENT);
	v3t_map_at(test, domain, v3t_of_page(page), SZ_1M);

	EXPECT_V3(test, STATUS_SUCCESS, DetachPasidDevice, sub);
	expect_no_pasid(test, t.pdo, pasid);
	EXPECT_V3(test, STATUS_SUCCESS, AttachPasidDevice, domain, sub);
	v3t_expect_tagged_reaches(test, t.pdo, pasid, SZ_1M, page);
	v3t_expect_no_stale_hits(test, t.sim);
	EXPECT_V3(test, STATUS_SUCCESS, DetachPasidDevice, sub);
	EXPECT_V3(test, STATUS_SUCCESS, DeletePasidDevice, sub);
}

static void first_stage_domain_takes_both(struct kunit *test)
{
	struct tagged t = tagged(test);
	PIOMMU_DMA_DOMAIN domain = v3t_domain(test, DomainTypeTranslateS1, 0);
	struct page *page = v3t_pages(test, 0);
	ULONG pasid;
	PIOMMU_DMA_PASID_DEVICE sub = v3t_sub_device(test, t.device, &pasid);

	v3t_map_at(test, domain, v3t_of_page(page), SZ_1M);
	v3t_attach_pasid(test, domain, sub);
	v3t_attach(test, domain, t.device);
	v3t_expect_tagged_reaches(test, t.pdo, pasid, SZ_1M, page);
	v3t_expect_reaches(test, t.pdo, SZ_1M, page);
	v3t_detach_pasid(test, sub);
	expect_no_pasid(test, t.pdo, pasid);
	v3t_expect_reaches(test, t.pdo, SZ_1M, page);
}

/* In which order a device and its sub-device come and go. */
static const struct order_case {
	const char *name;
	bool untagged_first, untagged_leaves_first;
} order_cases[] = {
	{ "device first in, first out", true, true },
	{ "device first in, last out", true, false },
	{ "device last in, first out", false, true },
	{ "device last in, last out", false, false },
};

static void order_name(const struct order_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(order, order_cases, order_name);

static void untagged_dma_goes_its_own_way(struct kunit *test)
{
	const struct order_case *c = test->param_value;
	struct tagged t = tagged(test);
	PIOMMU_DMA_DOMAIN mine = v3t_explicit(test), other = v3t_explicit(test);
	struct page *page = v3t_pages(test, 0), *far = v3t_pages(test, 0);
	ULONG pasid;
	PIOMMU_DMA_PASID_DEVICE sub = v3t_sub_device(test, t.device, &pasid);

	v3t_map_at(test, mine, v3t_of_page(page), SZ_1M);
	v3t_map_at(test, other, v3t_of_page(far), SZ_1M);
	if (c->untagged_first)
		v3t_attach(test, other, t.device);
	v3t_attach_pasid(test, mine, sub);
	if (!c->untagged_first) {
		/* The ownership that the sub-device needs blocks the rest. */
		v3t_expect_fault(test, t.pdo, SZ_1M, false, IOMMUSIM_FAULT_BLOCKED);
		v3t_attach(test, other, t.device);
	}
	v3t_expect_tagged_reaches(test, t.pdo, pasid, SZ_1M, page);
	v3t_expect_reaches(test, t.pdo, SZ_1M, far);

	if (c->untagged_leaves_first) {
		v3t_detach(test, t.device);
		v3t_expect_fault(test, t.pdo, SZ_1M, false, IOMMUSIM_FAULT_BLOCKED);
		v3t_expect_tagged_reaches(test, t.pdo, pasid, SZ_1M, page);
		v3t_detach_pasid(test, sub);
	} else {
		v3t_detach_pasid(test, sub);
		v3t_expect_reaches(test, t.pdo, SZ_1M, far);
		v3t_detach(test, t.device);
	}
	expect_no_pasid(test, t.pdo, pasid);
	/* Given back as it was taken. */
	KUNIT_ASSERT_EQ(test, iommu_device_claim_dma_owner(t.pdo, test), 0);
	iommu_device_release_dma_owner(t.pdo);
}

static void ownership_lasts_as_long_as_the_last(struct kunit *test)
{
	struct tagged t = tagged(test);
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	ULONG pasid[2];
	PIOMMU_DMA_PASID_DEVICE sub[2];
	int i;

	for (i = 0; i < 2; i++) {
		sub[i] = v3t_sub_device(test, t.device, &pasid[i]);
		v3t_attach_pasid(test, domain, sub[i]);
	}
	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_NE(test, iommu_device_claim_dma_owner(t.pdo, test), 0);
		v3t_detach_pasid(test, sub[i]);
	}
	KUNIT_ASSERT_EQ(test, iommu_device_claim_dma_owner(t.pdo, test), 0);
	REFUSE_V3(test, STATUS_ACCESS_DENIED, AttachPasidDevice, domain, sub[0]);
	iommu_device_release_dma_owner(t.pdo);
	v3t_attach_pasid(test, domain, sub[0]);
}

#define MANY	40

static void many_sub_devices_share_a_domain(struct kunit *test)
{
	struct tagged t = tagged(test);
	PIOMMU_DMA_DOMAIN domain = v3t_buddy(test);
	struct page *page = v3t_pages(test, 0);
	PIOMMU_DMA_PASID_DEVICE sub[MANY];
	ULONG pasid[MANY];
	u64 address, tables;
	int i, j;

	tables = v3t_stats(t.sim).tables;
	for (i = 0; i < MANY; i++) {
		sub[i] = v3t_sub_device(test, t.device, &pasid[i]);
		for (j = 0; j < i; j++)
			KUNIT_EXPECT_NE(test, pasid[i], pasid[j]);
		v3t_attach_pasid(test, domain, sub[i]);
	}
	address = v3t_map(test, domain, v3t_of_page(page));
	/* One page table for all: its root, and a table for each level below. */
	KUNIT_EXPECT_LE(test, v3t_stats(t.sim).tables, tables + 4);
	for (i = 0; i < MANY; i++)
		v3t_expect_tagged_reaches(test, t.pdo, pasid[i], address, page);
	for (i = 0; i < MANY - 1; i++) {
		REFUSE_V3(test, STATUS_RESOURCE_IN_USE, DeleteDomain, domain);
		v3t_detach_pasid(test, sub[i]);
		expect_no_pasid(test, t.pdo, pasid[i]);
		v3t_expect_tagged_reaches(test, t.pdo, pasid[i + 1], address, page);
	}
	v3t_unmap(test, domain, address, 1);
	v3t_expect_tagged_fault(test, t.pdo, pasid[i], address, IOMMUSIM_FAULT_NOT_PRESENT);
	v3t_detach_pasid(test, sub[i]);
	v3t_delete_domain(test, domain);
}

static void each_sub_device_has_a_domain(struct kunit *test)
{
	struct tagged t = tagged(test);
	PIOMMU_DMA_DOMAIN domain[8];
	struct page *page[8];
	ULONG pasid[8];
	int i;

	for (i = 0; i < 8; i++) {
		domain[i] = v3t_explicit(test);
		page[i] = v3t_pages(test, 0);
		v3t_map_at(test, domain[i], v3t_of_page(page[i]), SZ_1M);
		v3t_attach_pasid(test, domain[i], v3t_sub_device(test, t.device, &pasid[i]));
	}
	for (i = 0; i < 8; i++)
		v3t_expect_tagged_reaches(test, t.pdo, pasid[i], SZ_1M, page[i]);
	v3t_unmap(test, domain[3], SZ_1M, 1);
	v3t_expect_tagged_fault(test, t.pdo, pasid[3], SZ_1M, IOMMUSIM_FAULT_NOT_PRESENT);
	v3t_expect_tagged_reaches(test, t.pdo, pasid[4], SZ_1M, page[4]);
	v3t_expect_no_stale_hits(test, t.sim);
}

static void two_kinds_of_iommu_see_one_domain(struct kunit *test)
{
	static const struct iommusim_config own = {
		.max_pasids = MAX_PASIDS, .quirks = IOMMUSIM_OWN_DOMAINS,
	};
	struct v3t_world *w = test->priv;
	/* Before the other device, whose instance it would prefer for its first table. */
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	struct tagged t = tagged_on(test, v3t_sim(test, &own), NULL);
	struct page *large = v3t_pages(test, 9), **scattered = v3t_scattered(test, 5);
	const u64 at = SZ_64M;
	ULONG pasid;
	PIOMMU_DMA_PASID_DEVICE sub = v3t_sub_device(test, t.device, &pasid);
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token = v3t_reserve(test, domain, SZ_64K, &at);
	u64 tables;
	int i;

	v3t_attach(test, domain, w->device);
	v3t_map_at(test, domain, v3t_of_pages(large, 512), SZ_4M);
	v3t_map_at(test, domain, v3t_of_pfns(test, scattered, 5), SZ_1M);
	v3t_map_reserved(test, token, SZ_8K, v3t_of_page(scattered[3]));
	tables = v3t_stats(t.sim).tables;

	v3t_attach_pasid(test, domain, sub);
	v3t_expect_tagged_reaches(test, t.pdo, pasid, SZ_4M + 511 * SZ_4K, large + 511);
	for (i = 0; i < 5; i++)
		v3t_expect_tagged_reaches(test, t.pdo, pasid, SZ_1M + i * SZ_4K, scattered[i]);
	v3t_expect_tagged_reaches(test, t.pdo, pasid, SZ_64M + SZ_8K, scattered[3]);
	v3t_map_at(test, domain, v3t_of_page(scattered[0]), SZ_32M);
	v3t_expect_tagged_reaches(test, t.pdo, pasid, SZ_32M, scattered[0]);
	v3t_expect_reaches(test, w->pdo, SZ_32M, scattered[0]);
	v3t_unmap(test, domain, SZ_4M, 512);
	v3t_expect_tagged_fault(test, t.pdo, pasid, SZ_4M, IOMMUSIM_FAULT_NOT_PRESENT);
	v3t_expect_blocked(test, w->pdo, SZ_4M);

	/* The table that only the sub-device used goes with it. */
	v3t_detach_pasid(test, sub);
	KUNIT_EXPECT_EQ(test, v3t_stats(t.sim).tables, tables);
	v3t_expect_reaches(test, w->pdo, SZ_1M, scattered[0]);
	v3t_attach_pasid(test, domain, sub);
	v3t_detach(test, w->device);
	v3t_expect_tagged_reaches(test, t.pdo, pasid, SZ_1M, scattered[0]);
	v3t_expect_no_stale_hits(test, t.sim);
}

static void handles_are_checked(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct tagged t = tagged(test);
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test), gone = v3t_explicit(test);
	PIOMMU_DMA_PASID_DEVICE stale, sub, bad[4];
	PIOMMU_DMA_DEVICE stale_device = v3t_tagged_device(test, t.pdo);
	ULONG pasid;
	int i;

	sub = v3t_sub_device(test, t.device, &pasid);
	stale = v3t_sub_device(test, t.device, &pasid);
	v3t_delete_sub_device(test, stale);
	v3t_delete_domain(test, gone);
	v3t_delete_device(test, stale_device);
	bad[0] = NULL;
	bad[1] = stale;
	bad[2] = (PIOMMU_DMA_PASID_DEVICE)w->device;
	bad[3] = page_address(v3t_pages(test, 0));
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, DeletePasidDevice, bad[i]);
		REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, DetachPasidDevice, bad[i]);
		REFUSE_V3(test, STATUS_INVALID_PARAMETER_2, AttachPasidDevice, domain, bad[i]);
		REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, AttachPasidDevice, gone, bad[i]);
	}
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, AttachPasidDevice, NULL, sub);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, AttachPasidDevice, gone, sub);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, AttachPasidDevice, (PIOMMU_DMA_DOMAIN)sub, sub);

	memset(&pasid, V3T_POISON, sizeof(pasid));
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, CreatePasidDevice, NULL, &w->out.sub_device,
		  &pasid);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, CreatePasidDevice, stale_device,
		  &w->out.sub_device, &pasid);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, CreatePasidDevice, (PIOMMU_DMA_DEVICE)sub,
		  &w->out.sub_device, &pasid);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_2, CreatePasidDevice, t.device, NULL, &pasid);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_3, CreatePasidDevice, t.device,
		  &w->out.sub_device, NULL);
	KUNIT_EXPECT_TRUE(test, v3t_is_poisoned(&pasid, sizeof(pasid)));
}

static void only_tagged_devices_have_sub_devices(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct tagged t = tagged(test);
	IOMMU_DEVICE_CREATION_CONFIGURATION config = {
		.ConfigType = IommuDeviceCreationConfigTypePasid,
		.Pasid.ConfigType = PasidConfigTypeDefaultPasidOnly,
	};
	PIOMMU_DMA_DEVICE plain = v3t_device(test, t.pdo), untagged;
	ULONG pasid;

	ASSERT_V3(test, STATUS_SUCCESS, CreateDevice, t.pdo, &config, &untagged);
	v3t_adopt_device(test, untagged);
	memset(&pasid, V3T_POISON, sizeof(pasid));
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, CreatePasidDevice, plain, &w->out.sub_device,
		  &pasid);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, CreatePasidDevice, untagged,
		  &w->out.sub_device, &pasid);
	KUNIT_EXPECT_TRUE(test, v3t_is_poisoned(&pasid, sizeof(pasid)));

	config.Pasid.ConfigType = PasidConfigTypePasidTaggedDma;
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_2, CreateDevice, w->pdo, &config, &w->out.device);
}

static void info_tells_how_it_was_created(struct kunit *test)
{
	struct tagged t = tagged(test);
	IOMMU_DEVICE_CREATION_CONFIGURATION config = {
		.ConfigType = IommuDeviceCreationConfigTypePasid,
		.Pasid = { PasidConfigTypePasidTaggedDma, .SuppressPasidFaults = TRUE },
	};
	IOMMU_DMA_DEVICE_INFORMATION info;
	PIOMMU_DMA_DEVICE quiet;
	ULONG written;

	ASSERT_V3(test, STATUS_SUCCESS, QueryDeviceInfo, t.device, sizeof(info), &written, &info);
	KUNIT_EXPECT_TRUE(test, info.DefaultPasidEnabled);
	KUNIT_EXPECT_TRUE(test, info.PasidTaggedDmaEnabled);
	KUNIT_EXPECT_FALSE(test, info.PasidFaultsSuppressed);

	ASSERT_V3(test, STATUS_SUCCESS, CreateDevice, t.pdo, &config, &quiet);
	v3t_adopt_device(test, quiet);
	ASSERT_V3(test, STATUS_SUCCESS, QueryDeviceInfo, quiet, sizeof(info), &written, &info);
	KUNIT_EXPECT_TRUE(test, info.PasidTaggedDmaEnabled);
	KUNIT_EXPECT_TRUE(test, info.PasidFaultsSuppressed);
}

static void numbers_run_out_and_come_back(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct tagged t = tagged(test);
	PIOMMU_DMA_PASID_DEVICE sub[MAX_PASIDS];
	ULONG pasid[MAX_PASIDS], refused;
	int count;

	/* The numbers are the system's: processes have some of them, for as long as they live. */
	for (count = 0; count < MAX_PASIDS; count++) {
		if (!NT_SUCCESS(V3T_V3(test)->CreatePasidDevice(t.device, &sub[count],
								&pasid[count])))
			break;
		v3t_adopt_sub_device(test, sub[count]);
		KUNIT_EXPECT_GT(test, pasid[count], 0);
		KUNIT_EXPECT_LT(test, pasid[count], MAX_PASIDS);
	}
	KUNIT_ASSERT_GT(test, count, 0);
	KUNIT_ASSERT_LT(test, count, MAX_PASIDS);
	memset(&refused, V3T_POISON, sizeof(refused));
	REFUSE_V3(test, STATUS_NONE_MAPPED, CreatePasidDevice, t.device, &w->out.sub_device,
		  &refused);
	KUNIT_EXPECT_TRUE(test, v3t_is_poisoned(&refused, sizeof(refused)));
	v3t_delete_sub_device(test, sub[0]);
	v3t_sub_device(test, t.device, &refused);
	KUNIT_EXPECT_LT(test, refused, MAX_PASIDS);
}

static void never_replaces_an_attachment(struct kunit *test)
{
	struct tagged t = tagged(test);
	PIOMMU_DMA_DOMAIN first = v3t_explicit(test), second = v3t_explicit(test);
	struct page *page = v3t_pages(test, 0);
	ULONG pasid;
	PIOMMU_DMA_PASID_DEVICE sub = v3t_sub_device(test, t.device, &pasid);

	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, DetachPasidDevice, sub);
	v3t_map_at(test, first, v3t_of_page(page), SZ_1M);
	v3t_attach_pasid(test, first, sub);
	REFUSE_V3(test, STATUS_UNSUCCESSFUL, AttachPasidDevice, first, sub);
	REFUSE_V3(test, STATUS_UNSUCCESSFUL, AttachPasidDevice, second, sub);
	v3t_expect_tagged_reaches(test, t.pdo, pasid, SZ_1M, page);
	v3t_detach_pasid(test, sub);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, DetachPasidDevice, sub);
}

static void pass_through_is_not_for_pasids(struct kunit *test)
{
	struct tagged t = tagged(test);
	PIOMMU_DMA_DOMAIN domain = v3t_domain(test, DomainTypePassThrough, 0);
	ULONG pasid;
	PIOMMU_DMA_PASID_DEVICE sub = v3t_sub_device(test, t.device, &pasid);

	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, AttachPasidDevice, domain, sub);
	expect_no_pasid(test, t.pdo, pasid);
	v3t_attach(test, domain, t.device);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, AttachPasidDevice, domain, sub);
	v3t_attach_pasid(test, v3t_explicit(test), sub);
}

static void deletes_wait_for_what_depends_on_them(struct kunit *test)
{
	struct tagged t = tagged(test);
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	ULONG pasid;
	PIOMMU_DMA_PASID_DEVICE sub = v3t_sub_device(test, t.device, &pasid);

	REFUSE_V3(test, STATUS_RESOURCE_IN_USE, DeleteDevice, t.device);
	v3t_attach_pasid(test, domain, sub);
	REFUSE_V3(test, STATUS_RESOURCE_IN_USE, DeletePasidDevice, sub);
	REFUSE_V3(test, STATUS_RESOURCE_IN_USE, DeleteDomain, domain);
	REFUSE_V3(test, STATUS_RESOURCE_IN_USE, DeleteDevice, t.device);
	v3t_detach_pasid(test, sub);
	v3t_delete_domain(test, domain);
	v3t_delete_sub_device(test, sub);
	v3t_delete_device(test, t.device);
}

static void twins_have_sub_devices_of_their_own(struct kunit *test)
{
	struct tagged t = tagged(test);
	PIOMMU_DMA_DEVICE twin = v3t_tagged_device(test, t.pdo);
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test), other = v3t_explicit(test);
	struct page *page = v3t_pages(test, 0);
	ULONG first, second;
	PIOMMU_DMA_PASID_DEVICE one = v3t_sub_device(test, t.device, &first);
	PIOMMU_DMA_PASID_DEVICE two = v3t_sub_device(test, twin, &second);

	v3t_map_at(test, domain, v3t_of_page(page), SZ_1M);
	v3t_map_at(test, other, v3t_of_page(page), SZ_2M);
	v3t_attach_pasid(test, domain, one);
	v3t_attach_pasid(test, other, two);
	v3t_attach(test, domain, twin);
	v3t_expect_tagged_reaches(test, t.pdo, first, SZ_1M, page);
	v3t_expect_tagged_reaches(test, t.pdo, second, SZ_2M, page);
	v3t_expect_reaches(test, t.pdo, SZ_1M, page);
	v3t_detach_pasid(test, two);
	v3t_delete_sub_device(test, two);
	v3t_detach(test, twin);
	v3t_delete_device(test, twin);
	v3t_expect_tagged_reaches(test, t.pdo, first, SZ_1M, page);
}

/* How the kernel's own driver stands to the device's DMA. */
static const struct binding_case {
	const char *name;
	struct iommusim_device_config config;
} binding_cases[] = {
	{ "no driver", {} },
	{ "driver that manages its DMA", { .managed_dma = true } },
	{ "ordinary driver", { .ordinary_driver = true } },
};

static void binding_name(const struct binding_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(binding, binding_cases, binding_name);

static void works_under_each_kind_of_driver(struct kunit *test)
{
	const struct binding_case *c = test->param_value;
	struct tagged t = tagged_on(test, v3t_sim(test, &with_pasids), &c->config);
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	struct page *page = v3t_pages(test, 0);
	ULONG pasid;
	PIOMMU_DMA_PASID_DEVICE sub = v3t_sub_device(test, t.device, &pasid);

	v3t_map_at(test, domain, v3t_of_page(page), SZ_1M);
	v3t_attach_pasid(test, domain, sub);
	v3t_expect_tagged_reaches(test, t.pdo, pasid, SZ_1M, page);
	v3t_attach(test, domain, t.device);
	v3t_expect_reaches(test, t.pdo, SZ_1M, page);
	v3t_detach(test, t.device);
	v3t_expect_tagged_reaches(test, t.pdo, pasid, SZ_1M, page);
	v3t_detach_pasid(test, sub);
	expect_no_pasid(test, t.pdo, pasid);
}

static void group_members_share_a_table_of_pasids(struct kunit *test)
{
	static const struct iommusim_device_config member = { .group = 7 };
	struct iommusim *sim = v3t_sim(test, &with_pasids);
	struct tagged a = tagged_on(test, sim, &member), b = tagged_on(test, sim, &member);
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test), other = v3t_explicit(test);
	struct page *page = v3t_pages(test, 0);
	ULONG first, second;
	PIOMMU_DMA_PASID_DEVICE one = v3t_sub_device(test, a.device, &first);
	PIOMMU_DMA_PASID_DEVICE two = v3t_sub_device(test, b.device, &second);

	KUNIT_EXPECT_NE(test, first, second);
	v3t_map_at(test, domain, v3t_of_page(page), SZ_1M);
	v3t_map_at(test, other, v3t_of_page(page), SZ_2M);
	v3t_attach_pasid(test, domain, one);
	v3t_attach_pasid(test, other, two);
	v3t_attach(test, domain, b.device);
	v3t_expect_tagged_reaches(test, a.pdo, first, SZ_1M, page);
	v3t_expect_tagged_reaches(test, b.pdo, second, SZ_2M, page);
	/* No PASID stays in the table of a member that leaves; the others are attached again. */
	v3t_unplug(test, b.pdo);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_2, AttachPasidDevice, domain, two);
	expect_no_pasid(test, a.pdo, first);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, DetachPasidDevice, one);
	EXPECT_V3(test, STATUS_SUCCESS, AttachPasidDevice, domain, one);
	v3t_expect_tagged_reaches(test, a.pdo, first, SZ_1M, page);
}

static void removal_detaches_first(struct kunit *test)
{
	const struct order_case *c = test->param_value;
	struct tagged t = tagged(test);
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test), other = v3t_explicit(test);
	struct v3t_world *w = test->priv;
	struct page *page = v3t_pages(test, 0);
	PIOMMU_DMA_PASID_DEVICE sub[3];
	ULONG pasid[3], refused;
	int i;

	for (i = 0; i < 3; i++)
		sub[i] = v3t_sub_device(test, t.device, &pasid[i]);
	v3t_map_at(test, domain, v3t_of_page(page), SZ_1M);
	if (c->untagged_first)
		v3t_attach(test, other, t.device);
	v3t_attach_pasid(test, domain, sub[0]);
	v3t_attach_pasid(test, other, sub[1]);
	if (c->untagged_leaves_first && c->untagged_first)
		v3t_detach(test, t.device);

	v3t_unplug(test, t.pdo);
	for (i = 0; i < 3; i++) {
		REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, DetachPasidDevice, sub[i]);
		REFUSE_V3(test, STATUS_INVALID_PARAMETER_2, AttachPasidDevice, domain, sub[i]);
	}
	memset(&refused, V3T_POISON, sizeof(refused));
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, CreatePasidDevice, t.device,
		  &w->out.sub_device, &refused);
	KUNIT_EXPECT_TRUE(test, v3t_is_poisoned(&refused, sizeof(refused)));
	REFUSE_V3(test, STATUS_RESOURCE_IN_USE, DeleteDevice, t.device);
	for (i = 0; i < 3; i++)
		v3t_delete_sub_device(test, sub[i]);
	v3t_delete_device(test, t.device);
	v3t_delete_domain(test, domain);
	v3t_delete_domain(test, other);
}

static void driver_that_forgets_is_cleaned_up_after(struct kunit *test)
{
	static const struct iommusim_device_config managed = { .managed_dma = true };
	struct tagged t = tagged_on(test, v3t_sim(test, &with_pasids), &managed);
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	ULONG pasid;
	PIOMMU_DMA_PASID_DEVICE sub = v3t_sub_device(test, t.device, &pasid);

	v3t_attach_pasid(test, domain, sub);
	device_release_driver(t.pdo);
	expect_no_pasid(test, t.pdo, pasid);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, DetachPasidDevice, sub);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_2, AttachPasidDevice, domain, sub);
	v3t_delete_domain(test, domain);
}

/* A driver that gives up in its probe and leaves everything as it is; and what it did. */
static struct {
	struct device *pdo;
	DMA_IOMMU_INTERFACE_V3 *v3;
	PIOMMU_DMA_DOMAIN domain;
	PIOMMU_DMA_DEVICE device;
	PIOMMU_DMA_PASID_DEVICE sub;
	ULONG pasid;
	NTSTATUS status[5];
} quitter;

static void ignore_change(PIOMMU_INTERFACE_STATE_CHANGE change, PVOID context)
{
}

static int give_up(struct platform_device *pdev)
{
	IOMMU_DEVICE_CREATION_CONFIGURATION config = {
		.ConfigType = IommuDeviceCreationConfigTypePasid,
		.Pasid.ConfigType = PasidConfigTypePasidTaggedDma,
	};
	IOMMU_INTERFACE_STATE_CHANGE_FIELDS fields = { .AsULONG = 1 };
	DMA_IOMMU_INTERFACE_V3 *v3 = quitter.v3;
	NTSTATUS *status = quitter.status;

	if (&pdev->dev != quitter.pdo)
		return -ENODEV;
	status[0] = v3->CreateDevice(quitter.pdo, &config, &quitter.device);
	if (!NT_SUCCESS(status[0]))
		return -ENODEV;
	status[1] = v3->AttachDeviceEx(quitter.domain, quitter.device);
	status[2] = v3->RegisterInterfaceStateChangeCallback(ignore_change, NULL, quitter.device,
							     &fields);
	status[3] = v3->CreatePasidDevice(quitter.device, &quitter.sub, &quitter.pasid);
	if (NT_SUCCESS(status[3]))
		status[4] = v3->AttachPasidDevice(quitter.domain, quitter.sub);
	return -ENODEV;
}

/* An ordinary one, whose group the core examines when it is gone. */
static struct platform_driver quitting_driver = {
	.driver.name = IOMMUSIM_DEVICE_NAME,
	.probe = give_up,
};

static void driver_that_gives_up_is_cleaned_up_after(struct kunit *test)
{
	struct device *pdo = v3t_pdo(test, v3t_sim(test, &with_pasids), NULL);

	memset(&quitter, 0, sizeof(quitter));
	quitter.pdo = pdo;
	quitter.v3 = V3T_V3(test);
	quitter.domain = v3t_explicit(test);
	quitter.status[0] = STATUS_UNSUCCESSFUL;
	KUNIT_ASSERT_EQ(test, platform_driver_register(&quitting_driver), 0);
	platform_driver_unregister(&quitting_driver);

	ASSERT_RESULT(test, STATUS_SUCCESS, CreateDevice, quitter.status[0]);
	v3t_adopt_device(test, quitter.device);
	ASSERT_RESULT(test, STATUS_SUCCESS, CreatePasidDevice, quitter.status[3]);
	v3t_adopt_sub_device(test, quitter.sub);
	EXPECT_RESULT(test, STATUS_SUCCESS, AttachDeviceEx, quitter.status[1]);
	EXPECT_RESULT(test, STATUS_SUCCESS, RegisterInterfaceStateChangeCallback,
		      quitter.status[2]);
	EXPECT_RESULT(test, STATUS_SUCCESS, AttachPasidDevice, quitter.status[4]);

	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, DetachPasidDevice, quitter.sub);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, DetachDeviceEx, quitter.device);
	REFUSE_V3(test, STATUS_UNSUCCESSFUL, UnregisterInterfaceStateChangeCallback, ignore_change,
		  quitter.device);
	expect_no_pasid(test, pdo, quitter.pasid);
	KUNIT_ASSERT_EQ(test, iommu_device_claim_dma_owner(pdo, test), 0);
	iommu_device_release_dma_owner(pdo);
}

/* What the driver says to the one table there is, and to one made for the PASID. */
static const struct failure_case {
	const char *name;
	NTSTATUS expected;
	int err;
} failure_cases[] = {
	{ V3T_ROW(AttachPasidDevice, STATUS_INVALID_PARAMETER_1, "not this table"),
	  .err = -EINVAL },
	{ V3T_ROW(AttachPasidDevice, STATUS_INVALID_PARAMETER_1, "no such operation"),
	  .err = -EOPNOTSUPP },
	{ V3T_ROW(AttachPasidDevice, STATUS_INVALID_PARAMETER_1, "no such device"),
	  .err = -ENODEV },
	{ V3T_ROW(AttachPasidDevice, STATUS_INVALID_PARAMETER_1, "something else"),
	  .err = -EIO },
	{ V3T_ROW(AttachPasidDevice, STATUS_INSUFFICIENT_RESOURCES, "no memory"),
	  .err = -ENOMEM },
	{ V3T_ROW(AttachPasidDevice, STATUS_ACCESS_DENIED, "busy"), .err = -EBUSY },
};

static void failure_name(const struct failure_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(failure, failure_cases, failure_name);

static void failed_attach_leaves_no_trace(struct kunit *test)
{
	const struct failure_case *c = test->param_value;
	struct v3t_world *w = test->priv;
	struct tagged t = tagged(test);
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	struct page *page = v3t_pages(test, 0);
	ULONG pasid;
	PIOMMU_DMA_PASID_DEVICE sub = v3t_sub_device(test, t.device, &pasid);
	NTSTATUS status;
	u64 tables;

	v3t_map_at(test, domain, v3t_of_page(page), SZ_1M);
	tables = v3t_stats(t.sim).tables;
	iommusim_fail_attach(t.pdo, c->err, 2);
	v3t_poison(w);
	status = V3T_V3(test)->AttachPasidDevice(domain, sub);
	iommusim_fail_attach(t.pdo, c->err, 0);
	EXPECT_RESULT(test, c->expected, AttachPasidDevice, status);
	KUNIT_EXPECT_EQ(test, v3t_stats(t.sim).tables, tables);
	expect_no_pasid(test, t.pdo, pasid);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, DetachPasidDevice, sub);
	KUNIT_ASSERT_EQ(test, iommu_device_claim_dma_owner(t.pdo, test), 0);
	iommu_device_release_dma_owner(t.pdo);
	v3t_attach_pasid(test, domain, sub);
	v3t_expect_tagged_reaches(test, t.pdo, pasid, SZ_1M, page);
}

static void refused_table_is_replaced_by_another(struct kunit *test)
{
	struct tagged t = tagged(test);
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	struct page *page = v3t_pages(test, 0);
	ULONG pasid;
	PIOMMU_DMA_PASID_DEVICE sub = v3t_sub_device(test, t.device, &pasid);

	v3t_skip_where(test, IOMMUSIM_MOVING_ROOT | IOMMUSIM_LATE_SEND,
		       "a table made for the device is the first one tried");
	v3t_map_at(test, domain, v3t_of_page(page), SZ_1M);
	iommusim_fail_attach(t.pdo, -EINVAL, 1);
	v3t_attach_pasid(test, domain, sub);
	v3t_expect_tagged_reaches(test, t.pdo, pasid, SZ_1M, page);
	v3t_map_at(test, domain, v3t_of_page(page), SZ_2M);
	v3t_expect_tagged_reaches(test, t.pdo, pasid, SZ_2M, page);
}

static void number_of_tables_is_limited(struct kunit *test)
{
	static const struct iommusim_config own = {
		.max_pasids = MAX_PASIDS, .quirks = IOMMUSIM_OWN_DOMAINS,
	};
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	PIOMMU_DMA_PASID_DEVICE sub;
	struct tagged t;
	ULONG pasid;
	int i;

	v3t_attach(test, domain, w->device);
	for (i = 0; i < 7; i++) {
		t = tagged_on(test, v3t_sim(test, &own), NULL);
		v3t_attach_pasid(test, domain, v3t_sub_device(test, t.device, &pasid));
	}
	t = tagged_on(test, v3t_sim(test, &own), NULL);
	sub = v3t_sub_device(test, t.device, &pasid);
	REFUSE_V3(test, STATUS_INSUFFICIENT_RESOURCES, AttachPasidDevice, domain, sub);
	v3t_detach(test, w->device);
	v3t_attach_pasid(test, domain, sub);
}

static void mapping_beyond_an_aperture_keeps_it_out(struct kunit *test)
{
	static const struct iommusim_config narrow = {
		.aperture_bits = 39, .max_pasids = MAX_PASIDS,
	};
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	struct page *page = v3t_pages(test, 0);
	PIOMMU_DMA_PASID_DEVICE sub;
	struct tagged t;
	ULONG pasid;

	v3t_skip_where(test, IOMMUSIM_LATE_GEOMETRY, "the aperture comes with the first attach");
	v3t_map_at(test, domain, v3t_of_page(page), BIT_ULL(40));
	t = tagged_on(test, v3t_sim(test, &narrow), NULL);
	sub = v3t_sub_device(test, t.device, &pasid);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER, AttachPasidDevice, domain, sub);
	expect_no_pasid(test, t.pdo, pasid);
	v3t_unmap(test, domain, BIT_ULL(40), 1);
	v3t_attach_pasid(test, domain, sub);
}

/* Regions of a device under a live mapping. */
static const struct region_case {
	const char *name;
	enum iommu_resv_type type;
	bool conflicts;
} region_cases[] = {
	{ "reserved", IOMMU_RESV_RESERVED, true },
	{ "MSI window", IOMMU_RESV_MSI, true },
	{ "firmware's, which is untagged", IOMMU_RESV_DIRECT, false },
	{ "firmware's, relaxable", IOMMU_RESV_DIRECT_RELAXABLE, false },
};

static void region_name(const struct region_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(region, region_cases, region_name);

static void regions_are_withheld_from_pasids(struct kunit *test)
{
	const struct region_case *c = test->param_value;
	struct iommusim_region region = {
		.first = SZ_1G, .last = SZ_1G + SZ_1M - 1, .type = c->type,
		.prot = IOMMU_READ | IOMMU_WRITE,
	};
	struct iommusim_device_config config = { .regions = &region, .nr_regions = 1 };
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	struct page *page = v3t_pages(test, 0);
	PIOMMU_DMA_PASID_DEVICE sub;
	struct tagged t;
	ULONG pasid;

	v3t_map_at(test, domain, v3t_of_page(page), SZ_1G);
	t = tagged_on(test, v3t_sim(test, &with_pasids), &config);
	sub = v3t_sub_device(test, t.device, &pasid);
	if (!c->conflicts) {
		v3t_attach_pasid(test, domain, sub);
		v3t_expect_tagged_reaches(test, t.pdo, pasid, SZ_1G, page);
		v3t_expect_tagged_fault(test, t.pdo, pasid, SZ_1G + SZ_4K,
					IOMMUSIM_FAULT_NOT_PRESENT);
		return;
	}
	REFUSE_V3(test, STATUS_INVALID_PARAMETER, AttachPasidDevice, domain, sub);
	expect_no_pasid(test, t.pdo, pasid);
	v3t_unmap(test, domain, SZ_1G, 1);
	v3t_attach_pasid(test, domain, sub);
}

/* Of one group, only the members that can send PASIDs have them in their tables. */
static void each_device_is_asked(struct kunit *test)
{
	static const struct iommusim_device_config member = { .group = 3 };
	static const struct iommusim_device_config dumb = { .group = 3, .no_pasids = true };
	struct v3t_world *w = test->priv;
	struct iommusim *sim = v3t_sim(test, &with_pasids);
	struct tagged t = tagged_on(test, sim, &member);
	struct device *other = v3t_pdo(test, sim, &dumb);
	IOMMU_DEVICE_CREATION_CONFIGURATION config = {
		.ConfigType = IommuDeviceCreationConfigTypePasid,
		.Pasid.ConfigType = PasidConfigTypePasidTaggedDma,
	};
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	struct page *page = v3t_pages(test, 0);
	ULONG pasid;

	REFUSE_V3(test, STATUS_INVALID_PARAMETER_2, CreateDevice, other, &config, &w->out.device);
	v3t_map_at(test, domain, v3t_of_page(page), SZ_1M);
	v3t_attach_pasid(test, domain, v3t_sub_device(test, t.device, &pasid));
	v3t_expect_tagged_reaches(test, t.pdo, pasid, SZ_1M, page);
	expect_no_pasid(test, other, pasid);
}

static void driver_without_paging_on_pasids_is_told_apart(struct kunit *test)
{
	static const struct iommusim_config sva_only = {
		.max_pasids = MAX_PASIDS, .quirks = IOMMUSIM_SVA_PASIDS_ONLY,
	};
	static const IOMMU_DMA_DOMAIN_TYPE types[] = { DomainTypeTranslate, DomainTypeTranslateS1 };
	struct tagged t = tagged_on(test, v3t_sim(test, &sva_only), NULL);
	ULONG pasid;
	PIOMMU_DMA_PASID_DEVICE sub = v3t_sub_device(test, t.device, &pasid);
	u64 tables;
	int i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		PIOMMU_DMA_DOMAIN domain = v3t_domain(test, types[i], 0);

		tables = v3t_stats(t.sim).tables;
		REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, AttachPasidDevice, domain, sub);
		KUNIT_EXPECT_EQ(test, v3t_stats(t.sim).tables, tables);
		v3t_attach(test, domain, t.device);
		v3t_detach(test, t.device);
	}
}

/* What the answer says beforehand is what an attach does. */
static const struct capability_case {
	const char *name;
	struct iommusim_config sim;
	struct iommusim_device_config device;
	bool pasids, domains;
} capability_cases[] = {
	{ "no PASIDs" },
	{ "PASIDs", { .max_pasids = MAX_PASIDS }, {}, true, true },
	{ "PASIDs, not of this device", { .max_pasids = MAX_PASIDS }, { .no_pasids = true } },
	{ "PASIDs for processes only",
	  { .max_pasids = MAX_PASIDS, .quirks = IOMMUSIM_SVA_PASIDS_ONLY }, {}, true, false },
};

static void capability_name(const struct capability_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(capability, capability_cases, capability_name);

static void capabilities_foretell(struct kunit *test)
{
	const struct capability_case *c = test->param_value;
	struct device *pdo = v3t_pdo(test, v3t_sim(test, &c->sim), &c->device);
	PIOMMU_DMA_DEVICE device = v3t_device(test, pdo);
	struct v3compat_capabilities can;
	ULONG domains = 1u << DomainTypeTranslate | 1u << DomainTypeTranslateS1 |
			1u << DomainTypeUnmanaged;

	ASSERT_CALL(test, STATUS_SUCCESS, v3compat_query_capabilities, device, &can);
	KUNIT_EXPECT_STREQ(test, can.iommu, "iommusim");
	KUNIT_EXPECT_EQ(test, can.max_pasids, c->pasids ? MAX_PASIDS : 0);
	KUNIT_EXPECT_EQ(test, can.pasid_domain_types, c->domains ? domains : 0);
	KUNIT_EXPECT_FALSE(test, can.sva);
	KUNIT_EXPECT_FALSE(test, can.page_requests);
	KUNIT_EXPECT_EQ(test, can.faults_lost, 0);
}

static void capabilities_need_a_device(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct device *pdo = v3t_pdo(test, w->sim, NULL);
	PIOMMU_DMA_DEVICE device = v3t_device(test, pdo);

	REFUSE_CALL(test, STATUS_INVALID_PARAMETER_1, v3compat_query_capabilities, NULL,
		    &w->out.capabilities);
	REFUSE_CALL(test, STATUS_INVALID_PARAMETER_1, v3compat_query_capabilities,
		    (PIOMMU_DMA_DEVICE)v3t_explicit(test), &w->out.capabilities);
	REFUSE_CALL(test, STATUS_INVALID_PARAMETER_2, v3compat_query_capabilities, device, NULL);
	v3t_unplug(test, pdo);
	REFUSE_CALL(test, STATUS_INVALID_PARAMETER_1, v3compat_query_capabilities, device,
		    &w->out.capabilities);
}

static struct kunit_case pasid_cases[] = {
	KUNIT_CASE(sees_what_its_domain_maps),
	KUNIT_CASE(first_stage_domain_takes_both),
	KUNIT_CASE_PARAM(untagged_dma_goes_its_own_way, order_gen_params),
	KUNIT_CASE(ownership_lasts_as_long_as_the_last),
	KUNIT_CASE(many_sub_devices_share_a_domain),
	KUNIT_CASE(each_sub_device_has_a_domain),
	KUNIT_CASE(two_kinds_of_iommu_see_one_domain),
	KUNIT_CASE(handles_are_checked),
	KUNIT_CASE(only_tagged_devices_have_sub_devices),
	KUNIT_CASE(info_tells_how_it_was_created),
	KUNIT_CASE(numbers_run_out_and_come_back),
	KUNIT_CASE(never_replaces_an_attachment),
	KUNIT_CASE(pass_through_is_not_for_pasids),
	KUNIT_CASE(deletes_wait_for_what_depends_on_them),
	KUNIT_CASE(twins_have_sub_devices_of_their_own),
	KUNIT_CASE_PARAM(works_under_each_kind_of_driver, binding_gen_params),
	KUNIT_CASE(group_members_share_a_table_of_pasids),
	KUNIT_CASE_PARAM(removal_detaches_first, order_gen_params),
	KUNIT_CASE(driver_that_forgets_is_cleaned_up_after),
	KUNIT_CASE(driver_that_gives_up_is_cleaned_up_after),
	KUNIT_CASE_PARAM(failed_attach_leaves_no_trace, failure_gen_params),
	KUNIT_CASE(refused_table_is_replaced_by_another),
	KUNIT_CASE(number_of_tables_is_limited),
	KUNIT_CASE(mapping_beyond_an_aperture_keeps_it_out),
	KUNIT_CASE_PARAM(regions_are_withheld_from_pasids, region_gen_params),
	KUNIT_CASE(each_device_is_asked),
	KUNIT_CASE(driver_without_paging_on_pasids_is_told_apart),
	KUNIT_CASE_PARAM(capabilities_foretell, capability_gen_params),
	KUNIT_CASE(capabilities_need_a_device),
	{}
};

static struct kunit_suite pasid_suite = {
	.name = "v3compat_pasid",
	.init = v3t_init,
	.exit = v3t_exit,
	.test_cases = pasid_cases,
};

kunit_test_suite(pasid_suite);
