// SPDX-License-Identifier: GPL-2.0
/* DMA devices: how they are created, what they tell, when they can go. */
#include <linux/platform_device.h>

#include "fixture.h"

typedef IOMMU_DEVICE_CREATION_CONFIGURATION config_t;

static config_t pasid_config(IOMMU_PASID_CONFIGURATION_TYPE type, BOOLEAN suppress)
{
	config_t config = {
		.ConfigType = IommuDeviceCreationConfigTypePasid,
		.Pasid = { .ConfigType = type, .SuppressPasidFaults = suppress },
	};

	return config;
}

/* A lone entry may be linked to itself or to nothing. */
enum linkage { TO_NOTHING, TO_ITSELF };

static const struct single_case {
	const char *name;
	config_t config;
	enum linkage linkage;
	NTSTATUS expected;
} single_cases[] = {
	{ "default PASID, list of zeroes",
	  { .ConfigType = IommuDeviceCreationConfigTypePasid,
	    .Pasid.ConfigType = PasidConfigTypeDefaultPasidOnly }, TO_NOTHING },
	{ "default PASID, list of one",
	  { .ConfigType = IommuDeviceCreationConfigTypePasid,
	    .Pasid.ConfigType = PasidConfigTypeDefaultPasidOnly }, TO_ITSELF },
}, refused_cases[] = {
	{ V3T_ROW(CreateDevice, STATUS_INVALID_PARAMETER_2, "tagged DMA without PASIDs"),
	  .config = { .ConfigType = IommuDeviceCreationConfigTypePasid,
		      .Pasid.ConfigType = PasidConfigTypePasidTaggedDma } },
	{ V3T_ROW(CreateDevice, STATUS_INVALID_PARAMETER_2, "unknown PASID type"),
	  .config = { .ConfigType = IommuDeviceCreationConfigTypePasid,
		      .Pasid.ConfigType = PasidConfigTypeMax } },
	{ V3T_ROW(CreateDevice, STATUS_INVALID_PARAMETER_2, "no type"),
	  .config = { .ConfigType = IommuDeviceCreationConfigTypeNone } },
	{ V3T_ROW(CreateDevice, STATUS_INVALID_PARAMETER_2, "device ID"),
	  .config = { .ConfigType = IommuDeviceCreationConfigTypeDeviceId } },
	{ V3T_ROW(CreateDevice, STATUS_INVALID_PARAMETER_2, "type beyond the last"),
	  .config = { .ConfigType = IommuDeviceCreationConfigTypeMax } },
#ifndef CONFIG_ARM64
	{ V3T_ROW(CreateDevice, STATUS_INVALID_PARAMETER_2, "ACPI off ARM64"),
	  .config = { .ConfigType = IommuDeviceCreationConfigTypeAcpi,
		      .Acpi.MappingsCount = 1 } },
	{ V3T_ROW(CreateDevice, STATUS_INVALID_PARAMETER_2, "links of a refused entry"),
	  .config = { .ConfigType = IommuDeviceCreationConfigTypeAcpi,
		      .Acpi.MappingsCount = 1,
		      .NextConfiguration.Flink = (PLIST_ENTRY)SZ_4K } },
#endif
};

static void single_name(const struct single_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(single, single_cases, single_name);
KUNIT_ARRAY_PARAM(refused, refused_cases, single_name);

static void takes_a_configuration(struct kunit *test)
{
	const struct single_case *c = test->param_value;
	struct v3t_world *w = test->priv;
	config_t config = c->config;
	IOMMU_DMA_DEVICE_INFORMATION info;
	PIOMMU_DMA_DEVICE device;
	ULONG written;

	if (c->linkage == TO_ITSELF)
		InitializeListHead(&config.NextConfiguration);
	ASSERT_V3(test, STATUS_SUCCESS, CreateDevice, w->pdo, &config, &device);
	v3t_adopt_device(test, device);
	EXPECT_V3(test, STATUS_SUCCESS, QueryDeviceInfo, device, sizeof(info), &written, &info);
	KUNIT_EXPECT_TRUE(test, info.DefaultPasidEnabled);
	KUNIT_EXPECT_FALSE(test, info.PasidTaggedDmaEnabled);
	KUNIT_EXPECT_FALSE(test, info.PasidFaultsSuppressed);
}

static void refuses_a_configuration(struct kunit *test)
{
	const struct single_case *c = test->param_value;
	struct v3t_world *w = test->priv;
	config_t config = c->config;

	V3T_REFUSE(test, c->expected, "CreateDevice",
		   V3T_V3(test)->CreateDevice(w->pdo, &config, &w->out.device));
	InitializeListHead(&config.NextConfiguration);
	V3T_REFUSE(test, c->expected, "CreateDevice",
		   V3T_V3(test)->CreateDevice(w->pdo, &config, &w->out.device));
}

static void refuses_contradictory_lists(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	config_t first = pasid_config(PasidConfigTypeDefaultPasidOnly, FALSE), second = first;
	config_t odd[3] = { first, first, first };

	InitializeListHead(&first.NextConfiguration);
	InsertTailList(&first.NextConfiguration, &second.NextConfiguration);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_2, CreateDevice, w->pdo, &first, &w->out.device);
	second.ConfigType = IommuDeviceCreationConfigTypeDeviceId;
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_2, CreateDevice, w->pdo, &first, &w->out.device);

	/* A list that never comes back to where it began. */
	odd[0].NextConfiguration.Flink = &odd[1].NextConfiguration;
	odd[1].NextConfiguration.Flink = &odd[2].NextConfiguration;
	odd[2].NextConfiguration.Flink = &odd[1].NextConfiguration;
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_2, CreateDevice, w->pdo, odd, &w->out.device);
}

static void needs_an_iommu_above(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct platform_device *bare = platform_device_register_simple("v3t-bare",
								      PLATFORM_DEVID_AUTO,
								      NULL, 0);
	NTSTATUS status;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, bare);
	if (device_iommu_mapped(&bare->dev)) {
		platform_device_unregister(bare);
		kunit_skip(test, "every platform device of this machine is behind an IOMMU");
	}
	v3t_poison(w);
	status = V3T_V3(test)->CreateDevice(&bare->dev, NULL, &w->out.device);
	platform_device_unregister(bare);
	EXPECT_RESULT(test, STATUS_NOT_FOUND, CreateDevice, status);
	KUNIT_EXPECT_TRUE(test, v3t_is_poisoned(&w->out, sizeof(w->out)));
}

static void delete_waits_for_detach(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);

	v3t_attach(test, domain, w->device);
	REFUSE_V3(test, STATUS_RESOURCE_IN_USE, DeleteDevice, w->device);
	v3t_detach(test, w->device);
	v3t_delete_device(test, w->device);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, DeleteDevice, w->device);
	v3t_delete_domain(test, domain);
}

static void holds_the_device_object(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct device *pdo = v3t_pdo(test, w->sim, NULL);
	PIOMMU_DMA_DEVICE device = v3t_device(test, pdo);

	v3t_unplug(test, pdo);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, DetachDeviceEx, device);
	v3t_delete_device(test, device);
}

static const struct info_case {
	const char *name;
	ULONG size;
} short_cases[] = {
	{ "no room", 0 },
	{ "one byte", 1 },
	{ "two bytes", 2 },
}, enough_cases[] = {
	{ "exactly", 3 },
	{ "one byte more", 4 },
	{ "a page", SZ_4K },
	{ "all the size says", ~0U },
};

static void info_name(const struct info_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(short, short_cases, info_name);
KUNIT_ARRAY_PARAM(enough, enough_cases, info_name);

static void info_says_what_it_needs(struct kunit *test)
{
	const struct info_case *c = test->param_value;
	struct v3t_world *w = test->priv;
	ULONG needed = 0;

	REFUSE_V3(test, STATUS_BUFFER_TOO_SMALL, QueryDeviceInfo, w->device, c->size, &needed,
		  &w->out.info);
	KUNIT_EXPECT_EQ(test, needed, 3);
}

static void info_writes_three_bytes(struct kunit *test)
{
	const struct info_case *c = test->param_value;
	struct v3t_world *w = test->priv;
	ULONG written = 0;

	v3t_poison(w);
	EXPECT_V3(test, STATUS_SUCCESS, QueryDeviceInfo, w->device, c->size, &written,
		  &w->out.info);
	KUNIT_EXPECT_EQ(test, written, 3);
	KUNIT_EXPECT_FALSE(test, w->out.info.DefaultPasidEnabled);
	KUNIT_EXPECT_FALSE(test, w->out.info.PasidTaggedDmaEnabled);
	KUNIT_EXPECT_FALSE(test, w->out.info.PasidFaultsSuppressed);
	KUNIT_EXPECT_TRUE(test, v3t_is_poisoned(w->out.raw + 3, sizeof(w->out) - 3));
}

static void available_types_can_be_had(struct kunit *test)
{
	static const IOMMU_DMA_DOMAIN_CREATION_FLAGS none = { .AsUlonglong = 0 };
	struct v3t_world *w = test->priv;
	ULONG types = 0;
	int type;

	V3T_V3(test)->QueryAvailableDomainTypes(w->device, &types);
	KUNIT_EXPECT_TRUE(test, types & BIT(DomainTypeTranslate));
	KUNIT_EXPECT_TRUE(test, types & BIT(DomainTypePassThrough));
	KUNIT_EXPECT_EQ(test, types & ~GENMASK(DomainTypeMax - 1, 0), 0);
	for (type = 0; type < DomainTypeMax; type++) {
		PIOMMU_DMA_DOMAIN domain;

		if (!(types & BIT(type))) {
			KUNIT_EXPECT_NE(test, (u32)STATUS_SUCCESS,
					(u32)V3T_V3(test)->CreateDomainEx(type, none, NULL, NULL,
									 &domain));
			continue;
		}
		domain = v3t_domain(test, type, 0);
		v3t_attach(test, domain, w->device);
		v3t_detach(test, w->device);
	}
}

static void available_types_of_nothing(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct device *pdo = v3t_pdo(test, w->sim, NULL);
	PIOMMU_DMA_DEVICE device = v3t_device(test, pdo);
	ULONG types = ~0U;

	/* No status to give: nothing is available, and nothing is written through NULL. */
	V3T_V3(test)->QueryAvailableDomainTypes(w->device, NULL);
	v3t_unplug(test, pdo);
	V3T_V3(test)->QueryAvailableDomainTypes(device, &types);
	KUNIT_EXPECT_EQ(test, types, 0);
	types = ~0U;
	V3T_V3(test)->QueryAvailableDomainTypes(NULL, &types);
	KUNIT_EXPECT_EQ(test, types, 0);
}

static void input_mappings_are_stable(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct device *other = v3t_pdo(test, w->sim, NULL);
	INPUT_MAPPING_ELEMENT mine[4], theirs[4];
	ULONG needed = 0, again = 0;

	REFUSE_V3(test, STATUS_BUFFER_TOO_SMALL, QueryInputMappings, w->pdo, NULL, 0, &needed);
	KUNIT_ASSERT_GT(test, needed, 0);
	KUNIT_ASSERT_LE(test, needed, sizeof(mine));
	KUNIT_EXPECT_EQ(test, needed % sizeof(mine[0]), 0);
	REFUSE_V3(test, STATUS_BUFFER_TOO_SMALL, QueryInputMappings, w->pdo, w->out.ids,
		  needed - 1, NULL);

	memset(mine, V3T_POISON, sizeof(mine));
	EXPECT_V3(test, STATUS_SUCCESS, QueryInputMappings, w->pdo, mine, sizeof(mine), &again);
	KUNIT_EXPECT_EQ(test, again, needed);
	KUNIT_EXPECT_TRUE(test, v3t_is_poisoned((u8 *)mine + needed, sizeof(mine) - needed));
	EXPECT_V3(test, STATUS_SUCCESS, QueryInputMappings, w->pdo, theirs, needed, NULL);
	KUNIT_EXPECT_MEMEQ(test, mine, theirs, needed);
	EXPECT_V3(test, STATUS_SUCCESS, QueryInputMappings, other, theirs, sizeof(theirs), NULL);
	KUNIT_EXPECT_MEMNEQ(test, mine, theirs, sizeof(mine[0]));
}

static void input_mappings_need_an_iommu(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct platform_device *bare = platform_device_register_simple("v3t-bare",
								      PLATFORM_DEVID_AUTO,
								      NULL, 0);
	ULONG needed;
	NTSTATUS status;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, bare);
	memset(&needed, V3T_POISON, sizeof(needed));
	v3t_poison(w);
	status = V3T_V3(test)->QueryInputMappings(&bare->dev, w->out.ids, sizeof(w->out.ids),
						  &needed);
	platform_device_unregister(bare);
	EXPECT_RESULT(test, STATUS_UNSUCCESSFUL, QueryInputMappings, status);
	KUNIT_EXPECT_TRUE(test, v3t_is_poisoned(&w->out, sizeof(w->out)));
	KUNIT_EXPECT_TRUE(test, v3t_is_poisoned(&needed, sizeof(needed)));
}

static struct device *newcomer(struct kunit *test, const struct iommusim_region *region)
{
	struct iommusim_device_config config = { .group = 9, .regions = region, .nr_regions = 1 };
	struct v3t_world *w = test->priv;

	return v3t_pdo(test, w->sim, &config);
}

/* Its group translates already: what is reserved for it is kept out of the domain from then on. */
static void newcomer_brings_its_regions(struct kunit *test)
{
	static const struct iommusim_region none = { SZ_16M, SZ_16M + SZ_4K - 1, IOMMU_RESV_MSI };
	static const struct iommusim_region more = { SZ_32M, SZ_32M + SZ_4K - 1,
						     IOMMU_RESV_RESERVED };
	struct v3t_world *w = test->priv;
	struct device *pdo = newcomer(test, &none);
	PIOMMU_DMA_DEVICE device = v3t_device(test, pdo);
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_page(v3t_pages(test, 0));
	IOMMU_DMA_LOGICAL_ADDRESS at = SZ_32M;
	struct page *page = v3t_pages(test, 0);

	v3t_map_at(test, domain, v3t_of_page(page), SZ_1M);
	v3t_attach(test, domain, device);
	newcomer(test, &more);
	v3t_expect_reaches(test, pdo, SZ_1M, page);
	REFUSE_V3(test, STATUS_RESOURCE_IN_USE, MapLogicalRangeEx, domain, V3T_RW, &what, &at, NULL,
		  NULL, &w->out.address);
}

/*
 * Also where the domain shows all of memory, as an Unmanaged one without tables of its owner does.
 */
static void newcomer_brings_its_regions_to_an_unmanaged_domain(struct kunit *test)
{
	static const struct iommusim_region none = { SZ_16M, SZ_16M + SZ_4K - 1, IOMMU_RESV_MSI };
	struct iommusim_region more = { .type = IOMMU_RESV_RESERVED };
	struct iommusim_fault fault = { .reason = IOMMUSIM_OK };
	struct device *pdo = newcomer(test, &none);
	PIOMMU_DMA_DEVICE device = v3t_device(test, pdo);
	PIOMMU_DMA_DOMAIN domain = v3t_domain(test, DomainTypeUnmanaged, 0);
	DOMAIN_CONFIGURATION bypass = { .Type = DomainConfigurationX64 };
	u8 byte;

	more.first = page_to_phys(v3t_pages(test, 0));
	more.last = more.first + SZ_4K - 1;
	v3t_attach(test, domain, device);
	EXPECT_V3(test, STATUS_SUCCESS, ConfigureDomain, domain, &bypass);
	iommusim_dma_read(pdo, IOMMUSIM_NO_PASID, more.first, &byte, 1, &fault);
	if (fault.reason != IOMMUSIM_OK)
		kunit_skip(test, "this machine's memory is not among its resources");
	newcomer(test, &more);
	/* What is mirrored there is in the way. */
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, DetachDeviceEx, device);
}

/*
 * The core refuses it the blocking domain, and so would leave it where the others are detached. A
 * PASID would be in the way of everything else that can be done about it.
 */
static void newcomer_with_a_direct_region_leaves_the_domain(struct kunit *test)
{
	static const struct iommusim_config with_pasids = { .max_pasids = SZ_1K };
	struct iommusim_region direct = {
		.type = IOMMU_RESV_DIRECT, .prot = IOMMU_READ | IOMMU_WRITE,
	};
	struct iommusim_device_config member = { .group = 3, .managed_dma = true };
	struct iommusim *sim = v3t_sim(test, &with_pasids);
	PIOMMU_DMA_DEVICE device = v3t_tagged_device(test, v3t_pdo(test, sim, &member));
	PIOMMU_DMA_DEVICE second = v3t_device(test, v3t_pdo(test, sim, &member));
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	struct page *page = v3t_pages(test, 0);
	PIOMMU_DMA_PASID_DEVICE sub;
	struct device *late;
	ULONG pasid;

	direct.first = page_to_phys(v3t_pages(test, 0));
	direct.last = direct.first + SZ_4K - 1;
	sub = v3t_sub_device(test, device, &pasid);
	v3t_map_at(test, domain, v3t_of_page(page), SZ_1M);
	v3t_attach(test, domain, device);
	v3t_attach_pasid(test, v3t_explicit(test), sub);
	member.regions = &direct;
	member.nr_regions = 1;
	late = v3t_pdo(test, sim, &member);
	v3t_expect_reaches(test, late, SZ_1M, page);
	REFUSE_V3(test, STATUS_ACCESS_DENIED, AttachPasidDevice, domain, sub);
	REFUSE_V3(test, STATUS_ACCESS_DENIED, AttachDeviceEx, domain, second);
	v3t_detach(test, device);
	v3t_expect_misses(test, late, SZ_1M, page);
	v3t_unplug(test, late);
	v3t_attach(test, domain, second);
	v3t_attach_pasid(test, domain, sub);
	EXPECT_V3(test, STATUS_SUCCESS, DetachPasidDevice, sub);
}

/* Where something is mapped already that its region is, one of them has to go. */
static void newcomer_whose_region_is_mapped_detaches_its_group(struct kunit *test)
{
	static const struct iommusim_region none = { SZ_16M, SZ_16M + SZ_4K - 1, IOMMU_RESV_MSI };
	static const struct iommusim_region more = { SZ_1M, SZ_1M + SZ_4K - 1,
						     IOMMU_RESV_RESERVED };
	struct device *pdo = newcomer(test, &none);
	PIOMMU_DMA_DEVICE device = v3t_device(test, pdo);
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	struct page *page = v3t_pages(test, 0);

	v3t_map_at(test, domain, v3t_of_page(page), SZ_1M);
	v3t_attach(test, domain, device);
	newcomer(test, &more);
	v3t_expect_misses(test, pdo, SZ_1M, page);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, DetachDeviceEx, device);
	v3t_unmap(test, domain, SZ_1M, 1);
	v3t_attach(test, domain, device);
}

/* The core gives a newcomer no PASIDs, but takes them away from it. */
static void newcomer_detaches_the_sub_devices_of_its_group(struct kunit *test)
{
	static const struct iommusim_config with_pasids = { .max_pasids = SZ_1K };
	static const struct iommusim_device_config member = { .group = 3, .managed_dma = true };
	struct iommusim *sim = v3t_sim(test, &with_pasids);
	PIOMMU_DMA_DEVICE device = v3t_tagged_device(test, v3t_pdo(test, sim, &member));
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test), other = v3t_explicit(test);
	struct device *second;
	PIOMMU_DMA_PASID_DEVICE sub;
	struct page *page = v3t_pages(test, 0);
	ULONG pasid;

	sub = v3t_sub_device(test, device, &pasid);
	v3t_map_at(test, domain, v3t_of_page(page), SZ_1M);
	v3t_attach(test, other, device);
	v3t_attach_pasid(test, domain, sub);
	second = v3t_pdo(test, sim, &member);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, DetachPasidDevice, sub);
	EXPECT_V3(test, STATUS_SUCCESS, AttachPasidDevice, domain, sub);
	device_release_driver(second);
	KUNIT_EXPECT_EQ(test, device_attach(second), 1);
	v3t_expect_tagged_reaches(test, second, pasid, SZ_1M, page);
	EXPECT_V3(test, STATUS_SUCCESS, DetachPasidDevice, sub);
	v3t_detach(test, device);
}

static VOID never_called(PVOID context, PFAULT_INFORMATION information)
{
}

/*
 * Unbinding the driver of the IOMMU itself leaves the device in its group, and nothing behind that.
 */
static void device_may_lose_its_iommu(struct kunit *test)
{
	static const struct iommusim_config with_pasids = { .max_pasids = SZ_1K };
	DEVICE_FAULT_CONFIGURATION config = { .FaultHandler = never_called };
	struct v3t_world *w = test->priv;
	struct device *pdo = v3t_pdo(test, v3t_sim(test, &with_pasids), NULL);
	PIOMMU_DMA_DEVICE device = v3t_tagged_device(test, pdo);
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	struct dev_iommu *iommu = pdo->iommu;
	PIOMMU_DMA_PASID_DEVICE sub;
	ULONG types = ~0U, pasid;

	sub = v3t_sub_device(test, device, &pasid);
	pdo->iommu = NULL;
	REFUSE_V3(test, STATUS_NOT_FOUND, CreateDevice, pdo, NULL, &w->out.device);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_2, AttachDeviceEx, domain, device);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_2, AttachPasidDevice, domain, sub);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, CreatePasidDevice, device, &w->out.sub_device,
		  &pasid);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, SetDeviceFaultReportingEx, device, 0, TRUE,
		  &config);
	REFUSE_CALL(test, STATUS_INVALID_PARAMETER_1, v3compat_query_capabilities, device,
		    &w->out.capabilities);
	V3T_V3(test)->QueryAvailableDomainTypes(device, &types);
	KUNIT_EXPECT_EQ(test, types, 0);
	v3t_delete_domain(test, v3t_explicit(test));
	pdo->iommu = iommu;
	v3t_attach(test, domain, device);
}

static struct kunit_case device_cases[] = {
	KUNIT_CASE_PARAM(takes_a_configuration, single_gen_params),
	KUNIT_CASE_PARAM(refuses_a_configuration, refused_gen_params),
	KUNIT_CASE(refuses_contradictory_lists),
	KUNIT_CASE(needs_an_iommu_above),
	KUNIT_CASE(delete_waits_for_detach),
	KUNIT_CASE(holds_the_device_object),
	KUNIT_CASE_PARAM(info_says_what_it_needs, short_gen_params),
	KUNIT_CASE_PARAM(info_writes_three_bytes, enough_gen_params),
	KUNIT_CASE(available_types_can_be_had),
	KUNIT_CASE(available_types_of_nothing),
	KUNIT_CASE(input_mappings_are_stable),
	KUNIT_CASE(input_mappings_need_an_iommu),
	KUNIT_CASE(device_may_lose_its_iommu),
	KUNIT_CASE(newcomer_brings_its_regions),
	KUNIT_CASE(newcomer_brings_its_regions_to_an_unmanaged_domain),
	KUNIT_CASE(newcomer_with_a_direct_region_leaves_the_domain),
	KUNIT_CASE(newcomer_whose_region_is_mapped_detaches_its_group),
	KUNIT_CASE(newcomer_detaches_the_sub_devices_of_its_group),
	{}
};

static struct kunit_suite device_suite = {
	.name = "v3compat_device",
	.init = v3t_init,
	.exit = v3t_exit,
	.test_cases = device_cases,
};

kunit_test_suite(device_suite);
