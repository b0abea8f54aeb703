// SPDX-License-Identifier: GPL-2.0
/* Every call that allocates, with each of its allocations failing in turn. */
#include "alloc_fail.h"
#include "fixture.h"

#define MAX_ALLOCATIONS	400
#define MAX_DEAD_HANDLES	SZ_4K

/* What a sequence works with; filled by its set-up, emptied by its undo. */
struct sweep {
	struct kunit *test;
	PIOMMU_DMA_DOMAIN domain;
	PIOMMU_DMA_DEVICE device;
	PIOMMU_DMA_PASID_DEVICE sub;
	struct device *pdo;
	IOMMU_MAP_PHYSICAL_ADDRESS what;
	PMDL mdl;
	union v3t_out *out;
};

static const IOMMU_DMA_DOMAIN_CREATION_FLAGS no_flags = { .AsUlonglong = 0 };

static NTSTATUS create_domain(struct sweep *s)
{
	IOMMU_DMA_RESERVED_REGION region = {
		.Base = 63ULL * SZ_1G, .NumberOfPages = 3, .ShouldMap = TRUE,
	};

	return V3T_V3(s->test)->CreateDomainEx(DomainTypeTranslate, no_flags, NULL, &region,
					       &s->out->domain);
}

static NTSTATUS create_domain_v1(struct sweep *s)
{
	return V3T_V1(s->test)->CreateDomain(TRUE, &s->out->domain);
}

static NTSTATUS create_pass_through(struct sweep *s)
{
	return V3T_V3(s->test)->CreateDomainEx(DomainTypePassThrough, no_flags, NULL, NULL,
					       &s->out->domain);
}

static void keep_domain(struct sweep *s)
{
	v3t_adopt_domain(s->test, s->out->domain);
}

static void delete_domain(struct sweep *s)
{
	EXPECT_V3(s->test, STATUS_SUCCESS, DeleteDomain, s->out->domain);
}

static NTSTATUS create_device(struct sweep *s)
{
	return V3T_V3(s->test)->CreateDevice(s->pdo, NULL, &s->out->device);
}

static void keep_device(struct sweep *s)
{
	v3t_adopt_device(s->test, s->out->device);
}

static void delete_device(struct sweep *s)
{
	EXPECT_V3(s->test, STATUS_SUCCESS, DeleteDevice, s->out->device);
}

static NTSTATUS attach_device(struct sweep *s)
{
	return V3T_V3(s->test)->AttachDeviceEx(s->domain, s->device);
}

static void detach_device(struct sweep *s)
{
	EXPECT_V3(s->test, STATUS_SUCCESS, DetachDeviceEx, s->device);
}

static NTSTATUS attach_v1(struct sweep *s)
{
	return V3T_V1(s->test)->AttachDevice(s->domain, s->pdo, 0, 1);
}

static void detach_v1(struct sweep *s)
{
	EXPECT_V1(s->test, STATUS_SUCCESS, DetachDevice, s->domain, s->pdo, 0);
}

static NTSTATUS map_logical(struct sweep *s)
{
	IOMMU_DMA_LOGICAL_ADDRESS at = SZ_1G - SZ_4K;

	return V3T_V3(s->test)->MapLogicalRangeEx(s->domain, V3T_RW, &s->what, &at, NULL, NULL,
						  &s->out->address);
}

static NTSTATUS map_v1(struct sweep *s)
{
	return V3T_V1(s->test)->MapLogicalRange(s->domain, V3T_RW, s->mdl, SZ_1G - SZ_4K);
}

static void unmap_logical(struct sweep *s)
{
	EXPECT_V3(s->test, STATUS_SUCCESS, UnmapLogicalRange, s->domain, SZ_1G - SZ_4K, 3);
}

static NTSTATUS map_identity(struct sweep *s)
{
	return V3T_V3(s->test)->MapIdentityRangeEx(s->domain, V3T_RW, &s->what);
}

static NTSTATUS map_identity_v1(struct sweep *s)
{
	return V3T_V1(s->test)->MapIdentityRange(s->domain, V3T_RW, s->mdl);
}

static void unmap_identity(struct sweep *s)
{
	EXPECT_V3(s->test, STATUS_SUCCESS, UnmapIdentityRangeEx, s->domain, &s->what);
}

static NTSTATUS reserve_range(struct sweep *s)
{
	IOMMU_DMA_LOGICAL_ADDRESS at = SZ_1G - SZ_4M;

	return V3T_V3(s->test)->ReserveLogicalAddressRange(s->domain, SZ_8M, &at, NULL, NULL,
							   &s->out->token);
}

static void free_reserved(struct sweep *s)
{
	EXPECT_V3(s->test, STATUS_SUCCESS, FreeReservedLogicalAddressRange, s->out->token);
}

static NTSTATUS create_pasid(struct sweep *s)
{
	ULONG pasid;

	return V3T_V3(s->test)->CreatePasidDevice(s->device, &s->out->sub_device, &pasid);
}

static void keep_pasid(struct sweep *s)
{
	v3t_adopt_sub_device(s->test, s->out->sub_device);
}

static void delete_pasid(struct sweep *s)
{
	EXPECT_V3(s->test, STATUS_SUCCESS, DeletePasidDevice, s->out->sub_device);
}

static NTSTATUS attach_pasid(struct sweep *s)
{
	return V3T_V3(s->test)->AttachPasidDevice(s->domain, s->sub);
}

static void detach_pasid(struct sweep *s)
{
	EXPECT_V3(s->test, STATUS_SUCCESS, DetachPasidDevice, s->sub);
}

static NTSTATUS query_capabilities(struct sweep *s)
{
	return v3compat_query_capabilities(s->device, &s->out->capabilities);
}

static void nothing_to_undo(struct sweep *s)
{
}

static const struct sweep_case {
	const char *name;
	NTSTATUS expected;
	NTSTATUS (*call)(struct sweep *s);
	void (*undo)(struct sweep *s);
	NTSTATUS (*hold)(struct sweep *s);	/* the handle is the first that it allocates */
	void (*keep)(struct sweep *s);		/* what hold() made */
	bool other_instance;
	bool number;	/* it takes a PASID, which may be lacking as well */
} sweep_cases[] = {
	{ V3T_ROW(CreateDomainEx, STATUS_INSUFFICIENT_RESOURCES, "Translate"),
	  .call = create_domain, .undo = delete_domain,
	  .hold = create_pass_through, .keep = keep_domain },
	{ V3T_ROW(CreateDomainEx, STATUS_INSUFFICIENT_RESOURCES, "PassThrough"),
	  .call = create_pass_through, .undo = delete_domain,
	  .hold = create_pass_through, .keep = keep_domain },
	{ V3T_ROW(CreateDomain, STATUS_INSUFFICIENT_RESOURCES, "V1"),
	  .call = create_domain_v1, .undo = delete_domain,
	  .hold = create_pass_through, .keep = keep_domain },
	{ V3T_ROW(CreateDevice, STATUS_INSUFFICIENT_RESOURCES, "no configuration"),
	  .call = create_device, .undo = delete_device,
	  .hold = create_device, .keep = keep_device },
	{ V3T_ROW(AttachDeviceEx, STATUS_INSUFFICIENT_RESOURCES, "first"),
	  .call = attach_device, .undo = detach_device },
	{ V3T_ROW(AttachDeviceEx, STATUS_INSUFFICIENT_RESOURCES, "other instance"),
	  .call = attach_device, .undo = detach_device, .other_instance = true },
	{ V3T_ROW(CreatePasidDevice, STATUS_INSUFFICIENT_RESOURCES, "no handle"),
	  .call = create_pasid, .undo = delete_pasid,
	  .hold = create_pasid, .keep = keep_pasid, .number = true },
	{ V3T_ROW(AttachPasidDevice, STATUS_INSUFFICIENT_RESOURCES, "first"),
	  .call = attach_pasid, .undo = detach_pasid },
	{ V3T_ROW(AttachPasidDevice, STATUS_INSUFFICIENT_RESOURCES, "other instance"),
	  .call = attach_pasid, .undo = detach_pasid, .other_instance = true },
	{ V3T_ROW(v3compat_query_capabilities, STATUS_INSUFFICIENT_RESOURCES, "tables to try"),
	  .call = query_capabilities, .undo = nothing_to_undo },
	{ V3T_ROW(AttachDevice, STATUS_INSUFFICIENT_RESOURCES, "V1"),
	  .call = attach_v1, .undo = detach_v1 },
	{ V3T_ROW(MapLogicalRangeEx, STATUS_INSUFFICIENT_RESOURCES, "explicit"),
	  .call = map_logical, .undo = unmap_logical },
	{ V3T_ROW(MapLogicalRange, STATUS_INSUFFICIENT_RESOURCES, "V1"),
	  .call = map_v1, .undo = unmap_logical },
	{ V3T_ROW(MapIdentityRangeEx, STATUS_INSUFFICIENT_RESOURCES, "frames"),
	  .call = map_identity, .undo = unmap_identity },
	{ V3T_ROW(MapIdentityRange, STATUS_INSUFFICIENT_RESOURCES, "V1"),
	  .call = map_identity_v1, .undo = unmap_identity },
	{ V3T_ROW(ReserveLogicalAddressRange, STATUS_INSUFFICIENT_RESOURCES, "explicit"),
	  .call = reserve_range, .undo = free_reserved },
};

static void sweep_name(const struct sweep_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(sweep, sweep_cases, sweep_name);

/* A domain with one of everything, so that an attach has much to replay. */
static void fill_domain(struct kunit *test, PIOMMU_DMA_DOMAIN domain)
{
	const u64 at = 3ULL * SZ_1G;
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token = v3t_reserve(test, domain, SZ_4M, &at);

	v3t_map_at(test, domain, v3t_of_pfns(test, v3t_scattered(test, 9), 9), 5ULL * SZ_1G);
	v3t_map_at(test, domain, v3t_of_pages(v3t_pages(test, 9), 512), 7ULL * SZ_1G);
	v3t_map_reserved(test, token, SZ_2M, v3t_of_page(v3t_pages(test, 0)));
}

static void set_up(struct kunit *test, struct sweep *s)
{
	static const struct iommusim_config shared = { .max_pasids = SZ_1K };
	static const struct iommusim_config own = {
		.max_pasids = SZ_1K, .quirks = IOMMUSIM_OWN_DOMAINS,
	};
	const struct sweep_case *c = test->param_value;
	struct v3t_world *w = test->priv;
	struct page **pages = v3t_scattered(test, 3);
	ULONG pasid;

	s->test = test;
	s->out = &w->out;
	s->domain = v3t_explicit(test);
	fill_domain(test, s->domain);
	s->pdo = v3t_pdo(test, v3t_sim(test, c->other_instance ? &own : &shared), NULL);
	s->device = v3t_tagged_device(test, s->pdo);
	s->sub = v3t_sub_device(test, s->device, &pasid);
	s->what = v3t_of_pfns(test, pages, 3);
	s->mdl = v3t_mdl_of(test, pages, 3);
}

/*
 * The memory of dead handles serves again, so that making one need not allocate: holds as many as
 * it takes until it does. Their number is bounded by the most that earlier tests held at once.
 */
static void use_up_dead_handles(const struct sweep_case *c, struct sweep *s)
{
	NTSTATUS status = STATUS_SUCCESS;
	unsigned int i;

	if (!c->hold)
		return;
	for (i = 0; i < MAX_DEAD_HANDLES && NT_SUCCESS(status); i++) {
		v3t_alloc_fail_nth_begin(1);
		status = c->hold(s);
		v3t_alloc_fail_nth_end();
		if (NT_SUCCESS(status))
			c->keep(s);
	}
	KUNIT_ASSERT_LT(s->test, i, MAX_DEAD_HANDLES);
}

/*
 * Fails the first allocation, then the second, until the call needed fewer.
 * Some allocations may be optional, so success in between is no mistake.
 */
static void survives_each_allocation_failing(struct kunit *test)
{
	const struct sweep_case *c = test->param_value;
	struct v3t_world *w = test->priv;
	struct sweep s = {};
	unsigned int nth, refused = 0;
	NTSTATUS status;
	bool reached;

	V3T_REQUIRE_ALLOC_FAIL(test);
	set_up(test, &s);
	use_up_dead_handles(c, &s);
	for (nth = 1; nth < MAX_ALLOCATIONS; nth++) {
		v3t_poison(w);
		v3t_alloc_fail_nth_begin(nth);
		status = c->call(&s);
		reached = v3t_alloc_fail_nth_end();
		if (NT_SUCCESS(status)) {
			c->undo(&s);
			if (!reached)
				break;
			continue;
		}
		refused++;
		if (!c->number || status != STATUS_NONE_MAPPED)
			KUNIT_ASSERT_EQ_MSG(test, (u32)status, (u32)c->expected,
					    "allocation %u: %s", nth, v3t_status_name(status));
		KUNIT_EXPECT_TRUE(test, v3t_is_poisoned(&w->out, sizeof(w->out)));
	}
	KUNIT_EXPECT_LT_MSG(test, nth, MAX_ALLOCATIONS, "never got by without a failure");
	KUNIT_EXPECT_GT_MSG(test, refused, 0, "no failure was noticed");
}

/*
 * Small mappings are cut without memory. A megabyte that is aligned has one cell, see cells.h,
 * until it is cut: then its pages need their own. Where the driver cannot cut, identity pages that
 * one call mapped, and memory that lies in a row, stay one; pages that lie apart are mappings each.
 */
static void cutting_large_ranges_needs_memory(struct kunit *test)
{
	bool whole = v3t_behaves(IOMMUSIM_WHOLE_MAPS);
	struct page **pages = v3t_scattered(test, 3);
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	DMA_IOMMU_INTERFACE_V3 *v3 = V3T_V3(test);
	struct page *first = v3t_pages(test, 2);
	IOMMU_MAP_PHYSICAL_ADDRESS same = v3t_of_pages(first, 3);
	IOMMU_MAP_PHYSICAL_ADDRESS middle = v3t_of_page(first + 1);
	struct page *many = v3t_pages(test, 8);
	IOMMU_MAP_PHYSICAL_ADDRESS all = v3t_of_pages(many, 256);
	IOMMU_MAP_PHYSICAL_ADDRESS one = v3t_of_page(many + 16);
	NTSTATUS status[4];

	V3T_REQUIRE_ALLOC_FAIL(test);
	v3t_map_at(test, domain, v3t_of_pfns(test, pages, 3), SZ_1G);
	EXPECT_V3(test, STATUS_SUCCESS, MapIdentityRangeEx, domain, V3T_RW, &all);
	v3t_map_at(test, domain, v3t_of_pages(v3t_pages(test, 9) + 1, 256), SZ_2G);
	EXPECT_V3(test, STATUS_SUCCESS, MapIdentityRangeEx, domain, V3T_RW, &same);
	v3t_alloc_fail_begin();
	status[0] = v3->UnmapLogicalRange(domain, SZ_1G + SZ_4K, 1);
	status[1] = v3->UnmapIdentityRangeEx(domain, &middle);
	status[2] = v3->UnmapLogicalRange(domain, SZ_2G + SZ_64K, 1);
	status[3] = v3->UnmapIdentityRangeEx(domain, &one);
	v3t_alloc_fail_end();
	EXPECT_RESULT(test, STATUS_SUCCESS, UnmapLogicalRange, status[0]);
	if (whole || v3t_joins_pages())
		EXPECT_RESULT(test, STATUS_INVALID_PARAMETER, UnmapIdentityRangeEx, status[1]);
	else
		EXPECT_RESULT(test, STATUS_SUCCESS, UnmapIdentityRangeEx, status[1]);
	if (whole || v3t_joins_pages())
		EXPECT_RESULT(test, STATUS_INVALID_PARAMETER, UnmapIdentityRangeEx, status[3]);
	else
		EXPECT_RESULT(test, STATUS_INSUFFICIENT_RESOURCES, UnmapIdentityRangeEx,
			      status[3]);
	EXPECT_V3(test, STATUS_SUCCESS, UnmapIdentityRangeEx, domain, &all);
	if (whole)
		EXPECT_RESULT(test, STATUS_INVALID_PARAMETER, UnmapLogicalRange, status[2]);
	else
		EXPECT_RESULT(test, STATUS_INSUFFICIENT_RESOURCES, UnmapLogicalRange, status[2]);
	if (!whole)
		v3t_unmap(test, domain, SZ_2G + SZ_64K, 1);
	v3t_unmap(test, domain, SZ_1G, 1);
	v3t_unmap(test, domain, SZ_1G + SZ_8K, 1);
}

/* Giving back may need no memory: there would be nobody to tell. */
static void releasing_needs_no_memory(struct kunit *test)
{
	static const struct iommusim_config with_pasids = { .max_pasids = 64 };
	struct v3t_world *w = test->priv;
	DMA_IOMMU_INTERFACE_V3 *v3 = V3T_V3(test);
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	IOMMU_MAP_PHYSICAL_ADDRESS large = v3t_of_pages(v3t_pages(test, 9), 512);
	IOMMU_DMA_LOGICAL_ADDRESS at = SZ_1G - SZ_1M;
	struct device *pdo = v3t_pdo(test, v3t_sim(test, &with_pasids), NULL);
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token;
	PIOMMU_DMA_PASID_DEVICE sub;
	NTSTATUS status[8];
	ULONG pasid;

	V3T_REQUIRE_ALLOC_FAIL(test);
	ASSERT_V3(test, STATUS_SUCCESS, ReserveLogicalAddressRange, domain, SZ_8M, &at, NULL, NULL,
		  &token);
	v3t_map_at(test, domain, large, SZ_1M);
	v3t_map_at(test, domain, v3t_of_pfns(test, v3t_scattered(test, 9), 9), SZ_8M);
	ASSERT_V3(test, STATUS_SUCCESS, MapIdentityRangeEx, domain, V3T_RW, &large);
	ASSERT_V3(test, STATUS_SUCCESS, AttachDeviceEx, domain, w->device);
	ASSERT_V3(test, STATUS_SUCCESS, CreatePasidDevice, v3t_tagged_device(test, pdo), &sub,
		  &pasid);
	ASSERT_V3(test, STATUS_SUCCESS, AttachPasidDevice, domain, sub);

	v3t_alloc_fail_begin();
	status[0] = v3->FlushDomain(domain);
	status[1] = v3->UnmapLogicalRange(domain, SZ_1M, 512);
	status[2] = v3->UnmapLogicalRange(domain, SZ_8M, 9);
	status[3] = v3->UnmapIdentityRangeEx(domain, &large);
	status[4] = v3->FreeReservedLogicalAddressRange(token);
	status[5] = v3->DetachDeviceEx(w->device);
	status[6] = v3->DetachPasidDevice(sub);
	status[7] = v3->DeletePasidDevice(sub);
	v3t_alloc_fail_end();

	EXPECT_RESULT(test, STATUS_SUCCESS, FlushDomain, status[0]);
	EXPECT_RESULT(test, STATUS_SUCCESS, UnmapLogicalRange, status[1]);
	EXPECT_RESULT(test, STATUS_SUCCESS, UnmapLogicalRange, status[2]);
	EXPECT_RESULT(test, STATUS_SUCCESS, UnmapIdentityRangeEx, status[3]);
	EXPECT_RESULT(test, STATUS_SUCCESS, FreeReservedLogicalAddressRange, status[4]);
	EXPECT_RESULT(test, STATUS_SUCCESS, DetachDeviceEx, status[5]);
	EXPECT_RESULT(test, STATUS_SUCCESS, DetachPasidDevice, status[6]);
	EXPECT_RESULT(test, STATUS_SUCCESS, DeletePasidDevice, status[7]);
	v3t_delete_domain(test, domain);
}

static struct kunit_case alloc_fail_cases[] = {
	KUNIT_CASE_PARAM(survives_each_allocation_failing, sweep_gen_params),
	KUNIT_CASE(cutting_large_ranges_needs_memory),
	KUNIT_CASE(releasing_needs_no_memory),
	{}
};

static struct kunit_suite alloc_fail_suite = {
	.name = "v3compat_alloc_fail",
	.init = v3t_init,
	.exit = v3t_exit,
	.test_cases = alloc_fail_cases,
};

kunit_test_suite(alloc_fail_suite);
