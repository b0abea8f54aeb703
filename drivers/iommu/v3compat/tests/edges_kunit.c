// SPDX-License-Identifier: GPL-2.0
/*
 * What firmware needs stays, what a table cannot do ends with it, and a driver that fails is
 * believed.
 */
#include <linux/delay.h>

#include "fixture.h"
#include "tables.h"
#include "thread.h"

/* A device whose firmware uses two pages of memory at will. */
struct firmware {
	struct iommusim *sim;
	struct page *pages;
	u64 address;
	struct iommusim_region region;
};

static void prepare_firmware(struct kunit *test, struct firmware *f)
{
	f->sim = v3t_sim(test, NULL);
	f->pages = v3t_pages(test, 1);
	f->address = page_to_phys(f->pages);
	f->region = (struct iommusim_region) {
		.first = f->address, .last = f->address + SZ_8K - 1,
		.type = IOMMU_RESV_DIRECT, .prot = IOMMU_READ | IOMMU_WRITE,
	};
}

static struct device *firmware_device(struct kunit *test, struct firmware *f, u32 group)
{
	const struct iommusim_device_config config = {
		.group = group, .regions = &f->region, .nr_regions = 1,
	};

	return v3t_pdo(test, f->sim, &config);
}

static void expect_region(struct kunit *test, struct firmware *f, struct device *pdo)
{
	v3t_expect_reaches(test, pdo, f->address, f->pages);
	v3t_expect_reaches(test, pdo, f->address + SZ_4K, f->pages + 1);
}

/* It belongs to the domain: no client can take it away, or put something else there. */
static void expect_withheld(struct kunit *test, struct firmware *f, PIOMMU_DMA_DOMAIN domain)
{
	struct v3t_world *w = test->priv;
	IOMMU_MAP_PHYSICAL_ADDRESS both = v3t_of_pages(f->pages, 2);
	IOMMU_MAP_PHYSICAL_ADDRESS first = v3t_of_page(f->pages);
	IOMMU_MAP_PHYSICAL_ADDRESS other = v3t_of_page(v3t_pages(test, 0));
	IOMMU_DMA_LOGICAL_ADDRESS at = f->address;

	REFUSE_V3(test, STATUS_INVALID_PARAMETER, UnmapIdentityRangeEx, domain, &both);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER, UnmapIdentityRangeEx, domain, &first);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER, UnmapLogicalRange, domain, at, 2);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER, UnmapLogicalRange, domain, at, 1);
	REFUSE_V3(test, STATUS_RESOURCE_IN_USE, MapIdentityRangeEx, domain, V3T_RW, &both);
	REFUSE_V3(test, STATUS_RESOURCE_IN_USE, MapLogicalRangeEx, domain, V3T_RW, &other, &at,
		  NULL, NULL, &w->out.address);
	REFUSE_V3(test, STATUS_RESOURCE_IN_USE, ReserveLogicalAddressRange, domain, SZ_8K, &at,
		  NULL, NULL, &w->out.token);
}

static void regions_of_the_group_are_mapped(struct kunit *test)
{
	static const struct iommusim_device_config member = { .group = 1, .managed_dma = true };
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	struct device *needy, *pdo;
	struct firmware f;
	PIOMMU_DMA_DEVICE device;

	prepare_firmware(test, &f);
	needy = firmware_device(test, &f, 1);
	pdo = v3t_pdo(test, f.sim, &member);
	device = v3t_device(test, pdo);
	expect_region(test, &f, needy);
	v3t_attach(test, domain, device);
	expect_region(test, &f, needy);
	expect_withheld(test, &f, domain);
	v3t_expect_blocked(test, needy, f.address + SZ_8K);
}

static void window_of_the_group_is_not_handed_out(struct kunit *test)
{
	static const struct iommusim_region window = {
		.first = SZ_4K, .last = SZ_1M - 1, .type = IOMMU_RESV_MSI,
	};
	static const struct iommusim_device_config other = {
		.group = 1, .regions = &window, .nr_regions = 1,
	};
	static const struct iommusim_device_config member = { .group = 1, .managed_dma = true };
	struct v3t_world *w = test->priv;
	struct iommusim *sim = v3t_sim(test, NULL);
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_page(v3t_pages(test, 0));
	PIOMMU_DMA_DOMAIN explicit = v3t_explicit(test), buddy = v3t_buddy(test);
	IOMMU_DMA_LOGICAL_ADDRESS at = SZ_64K;
	PIOMMU_DMA_DEVICE device;

	v3t_pdo(test, sim, &other);
	device = v3t_device(test, v3t_pdo(test, sim, &member));
	v3t_attach(test, explicit, device);
	REFUSE_V3(test, STATUS_RESOURCE_IN_USE, MapLogicalRangeEx, explicit, V3T_RW, &what, &at,
		  NULL, NULL, &w->out.address);
	v3t_detach(test, device);
	v3t_attach(test, buddy, device);
	KUNIT_EXPECT_GE(test, v3t_map(test, buddy, what), SZ_1M);
}

/* What a client has mapped where firmware needs the memory, before the device is attached. */
static const struct stand_in_case {
	const char *name;
	bool identity;
	ULONG permissions;
	unsigned int first, pages;
	bool shifted;
	bool fits;
} stand_in_cases[] = {
	{ "identity mapping", true, V3T_RW, 0, 2, false, true },
	{ "logical mapping, 1:1", false, V3T_RW, 0, 2, false, true },
	{ "first page of two", true, V3T_RW, 0, 1, false, true },
	{ "identity mapping to read", true, V3T_READ, 0, 2, false, false },
	{ "identity mapping to write", true, V3T_WRITE, 0, 2, false, false },
	{ "logical mapping to read", false, V3T_READ, 0, 2, false, false },
	{ "last page, to read", true, V3T_READ, 1, 1, false, false },
	{ "other memory", false, V3T_RW, 0, 1, true, false },
};

static void stand_in_name(const struct stand_in_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(stand_in, stand_in_cases, stand_in_name);

static void map_stand_in(struct kunit *test, const struct stand_in_case *c, struct firmware *f,
			 PIOMMU_DMA_DOMAIN domain)
{
	IOMMU_DMA_LOGICAL_ADDRESS at = f->address + c->first * SZ_4K, out;
	IOMMU_MAP_PHYSICAL_ADDRESS what =
		v3t_of_pages(f->pages + c->first + (c->shifted ? 1 : 0), c->pages);

	if (c->identity)
		ASSERT_V3(test, STATUS_SUCCESS, MapIdentityRangeEx, domain, c->permissions, &what);
	else
		ASSERT_V3(test, STATUS_SUCCESS, MapLogicalRangeEx, domain, c->permissions, &what,
			  &at, NULL, NULL, &out);
}

static void region_takes_what_stands_in_for_it(struct kunit *test)
{
	const struct stand_in_case *c = test->param_value;
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	PIOMMU_DMA_DEVICE device;
	struct firmware f;
	struct device *pdo;

	v3t_attach(test, domain, w->device);
	prepare_firmware(test, &f);
	map_stand_in(test, c, &f, domain);
	pdo = firmware_device(test, &f, 0);
	device = v3t_device(test, pdo);
	if (!c->fits) {
		IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_pages(f.pages + c->first, c->pages);

		if (!EXPECT_V3(test, STATUS_INVALID_PARAMETER, AttachDeviceEx, domain, device)) {
			EXPECT_V3(test, STATUS_SUCCESS, DetachDeviceEx, device);
			return;
		}
		/* It is still the client's. */
		if (c->identity)
			EXPECT_V3(test, STATUS_SUCCESS, UnmapIdentityRangeEx, domain, &what);
		else
			v3t_unmap(test, domain, f.address + c->first * SZ_4K, c->pages);
	}
	v3t_attach(test, domain, device);
	expect_region(test, &f, pdo);
	expect_withheld(test, &f, domain);
	expect_region(test, &f, pdo);
	v3t_detach(test, device);
	expect_withheld(test, &f, domain);
}

/*
 * What a device brings where an allocator has by chance mapped the memory 1:1, in a block of its
 * own.
 */
static const struct in_block_case {
	const char *name;
	enum iommu_resv_type type;
	unsigned int first, pages;
} in_block_cases[] = {
	{ "region longer than the mapping", IOMMU_RESV_DIRECT, 0, 4 },
	{ "region in the rest of the block", IOMMU_RESV_DIRECT, 3, 1 },
	{ "window that is given out again", IOMMU_RESV_RESERVED, 0, 3 },
};

static void in_block_name(const struct in_block_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(in_block, in_block_cases, in_block_name);

static void region_shares_no_block(struct kunit *test)
{
	const struct in_block_case *c = test->param_value;
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_buddy(test);
	struct page *block = v3t_pages(test, 2);
	u64 address = page_to_phys(block);
	IOMMU_DMA_LOGICAL_ADDRESS lo = address, hi = address + SZ_16K - 1, out;
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_pages(block, 3), page = v3t_of_page(block);
	struct iommusim_region region = {
		.first = address + c->first * SZ_4K, .type = c->type,
		.prot = IOMMU_READ | IOMMU_WRITE,
	};
	struct iommusim_device_config config = { .regions = &region, .nr_regions = 1 };
	PIOMMU_DMA_DEVICE device;
	struct device *pdo;
	unsigned int i;

	region.last = region.first + c->pages * SZ_4K - 1;
	v3t_attach(test, domain, w->device);
	ASSERT_V3(test, STATUS_SUCCESS, MapLogicalRangeEx, domain, V3T_RW, &what, NULL, &lo, &hi,
		  &out);
	KUNIT_ASSERT_EQ(test, out, address);
	pdo = v3t_pdo(test, v3t_sim(test, NULL), &config);
	device = v3t_device(test, pdo);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER, AttachDeviceEx, domain, device);
	v3t_expect_reaches(test, w->pdo, address, block);
	v3t_unmap(test, domain, address, 3);
	v3t_attach(test, domain, device);
	for (i = 0; i < c->pages && c->type == IOMMU_RESV_DIRECT; i++)
		v3t_expect_reaches(test, pdo, region.first + i * SZ_4K, block + c->first + i);
	lo = region.first;
	hi = region.last;
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_MIX, MapLogicalRangeEx, domain, V3T_RW, &page,
		  NULL, &lo, &hi, &w->out.address);
}

/* What the attach that failed had taken over is the client's again. */
static void failed_attach_takes_nothing(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	IOMMU_MAP_PHYSICAL_ADDRESS both;
	PIOMMU_DMA_DEVICE device;
	struct firmware f;
	struct device *pdo;

	v3t_attach(test, domain, w->device);
	prepare_firmware(test, &f);
	both = v3t_of_pages(f.pages, 2);
	EXPECT_V3(test, STATUS_SUCCESS, MapIdentityRangeEx, domain, V3T_RW, &both);
	pdo = firmware_device(test, &f, 0);
	device = v3t_device(test, pdo);
	iommusim_fail_attach(pdo, -ENOMEM, 1);
	REFUSE_V3(test, STATUS_INSUFFICIENT_RESOURCES, AttachDeviceEx, domain, device);
	v3t_expect_reaches(test, w->pdo, f.address, f.pages);
	EXPECT_V3(test, STATUS_SUCCESS, UnmapIdentityRangeEx, domain, &both);
	v3t_expect_blocked(test, w->pdo, f.address);
	v3t_attach(test, domain, device);
	expect_region(test, &f, pdo);
	expect_withheld(test, &f, domain);
}

/*
 * A region that another one says is never mapped is still the domain's, or nobody's, and only once.
 */
static void failed_attach_undoes_a_window_that_became_a_region(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	struct page *page = v3t_pages(test, 0);
	struct iommusim_region regions[2];
	struct iommusim_device_config config = { .regions = regions, .nr_regions = 2 };
	PIOMMU_DMA_DEVICE device;
	struct firmware f;
	struct device *pdo;
	unsigned int i;

	v3t_attach(test, domain, w->device);
	prepare_firmware(test, &f);
	regions[0] = f.region;
	regions[0].type = IOMMU_RESV_RESERVED;
	regions[1] = f.region;
	pdo = v3t_pdo(test, f.sim, &config);
	device = v3t_device(test, pdo);
	iommusim_fail_attach(pdo, -ENOMEM, 1);
	REFUSE_V3(test, STATUS_INSUFFICIENT_RESOURCES, AttachDeviceEx, domain, device);
	for (i = 0; i < 4; i++)
		v3t_map_at(test, domain, v3t_of_page(page), f.address + i * SZ_4K);
	for (i = 0; i < 4; i++)
		v3t_unmap(test, domain, f.address + i * SZ_4K, 1);
	v3t_attach(test, domain, device);
	expect_region(test, &f, pdo);
	expect_withheld(test, &f, domain);
}

static void domain_is_as_wide_as_its_tables(struct kunit *test)
{
	static const struct iommusim_config wide_config = { .aperture_bits = 48 };
	static const struct iommusim_config narrow_config = { .aperture_bits = 39 };
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DEVICE wide = v3t_device(test, v3t_pdo(test, v3t_sim(test, &wide_config), NULL));
	PIOMMU_DMA_DEVICE narrow = v3t_device(test, v3t_pdo(test, v3t_sim(test, &narrow_config),
							    NULL));
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_page(v3t_pages(test, 0));
	IOMMU_DMA_LOGICAL_ADDRESS at = 1ULL << 40;
	int round;

	v3t_skip_where(test, IOMMUSIM_SIGN_EXTEND, V3T_NO_WIDTH);
	v3t_attach(test, domain, wide);
	for (round = 0; round < 2; round++) {
		v3t_map_at(test, domain, what, at);
		REFUSE_V3(test, STATUS_INVALID_PARAMETER, AttachDeviceEx, domain, narrow);
		v3t_unmap(test, domain, at, 1);
		v3t_attach(test, domain, narrow);
		REFUSE_V3(test, STATUS_INVALID_PARAMETER_4, MapLogicalRangeEx, domain, V3T_RW,
			  &what, &at, NULL, NULL, &w->out.address);
		v3t_detach(test, narrow);
	}
	v3t_map_at(test, domain, what, at);
}

/* What one entry of the root of a page table with a 48-bit aperture translates. */
#define ROOT_ENTRY	(512ULL * SZ_1G)
#define ROOT_ENTRIES	512

struct lonely {
	DMA_IOMMU_INTERFACE_V3 *v3;
	PIOMMU_DMA_DOMAIN domain;
	PIOMMU_DMA_DEVICE device;
	NTSTATUS status;
	bool attached;
};

static int attach_lonely(void *arg)
{
	struct lonely *lonely = arg;

	lonely->status = lonely->v3->AttachDeviceEx(lonely->domain, lonely->device);
	WRITE_ONCE(lonely->attached, true);
	return 0;
}

/* Each map needs an entry of the root that is new, while the driver may be at work on the root. */
static unsigned int map_until_attached(struct kunit *test, struct lonely *lonely, struct page *page)
{
	unsigned int count;

	for (count = 0; count < ROOT_ENTRIES && !READ_ONCE(lonely->attached); count++) {
		v3t_map_at(test, lonely->domain, v3t_of_page(page), count * ROOT_ENTRY + SZ_1M);
		usleep_range(10, 20);
	}
	return count;
}

static void maps_outlive_the_first_attach(struct kunit *test)
{
	static const struct iommusim_config config = { .quirks = IOMMUSIM_MOVING_ROOT };
	struct device *pdo = v3t_pdo(test, v3t_sim(test, &config), NULL);
	struct lonely lonely = { .v3 = V3T_V3(test), .device = v3t_device(test, pdo) };
	struct v3t_world *w = test->priv;
	struct page *page = v3t_pages(test, 0);
	struct v3t_thread thread;
	unsigned int count, i;
	int round;

	/* A new domain's table is made for a device that is known. */
	v3t_delete_device(test, w->device);
	for (round = 0; round < 8; round++) {
		lonely.domain = v3t_explicit(test);
		lonely.attached = false;
		v3t_thread_start(&thread, attach_lonely, &lonely);
		count = map_until_attached(test, &lonely, page);
		KUNIT_ASSERT_EQ(test, v3t_thread_join(&thread), 0);
		if (!EXPECT_RESULT(test, STATUS_SUCCESS, AttachDeviceEx, lonely.status))
			return;
		for (i = 0; i < count; i++)
			v3t_expect_reaches(test, pdo, i * ROOT_ENTRY + SZ_1M, page);
		EXPECT_V3(test, STATUS_SUCCESS, DetachDeviceEx, lonely.device);
		v3t_delete_domain(test, lonely.domain);
	}
}

#define OLD_PAGES	64
#define OLD_BASE	((u64)SZ_1G)

/* Pages one after the other, of which the first @unmapped are gone. */
struct procession {
	struct page *page;
	unsigned int mapped, unmapped;
};

static void map_next(struct kunit *test, struct procession *p, PIOMMU_DMA_DOMAIN domain)
{
	v3t_map_at(test, domain, v3t_of_page(p->page), OLD_BASE + p->mapped++ * SZ_4K);
}

static void unmap_first(struct kunit *test, struct procession *p, PIOMMU_DMA_DOMAIN domain)
{
	v3t_unmap(test, domain, OLD_BASE + p->unmapped++ * SZ_4K, 1);
}

static void proceed_until_attached(struct kunit *test, struct procession *p, struct lonely *lonely)
{
	while (p->unmapped < p->mapped && !READ_ONCE(lonely->attached)) {
		if (p->unmapped & 1)
			map_next(test, p, lonely->domain);
		unmap_first(test, p, lonely->domain);
		usleep_range(10, 20);
	}
}

static void expect_procession(struct kunit *test, struct procession *p, struct device *pdo)
{
	unsigned int i;

	for (i = 0; i < p->mapped; i++) {
		u64 at = OLD_BASE + i * SZ_4K;

		if (i < p->unmapped)
			v3t_expect_blocked(test, pdo, at);
		else
			v3t_expect_reaches(test, pdo, at, p->page);
	}
}

static void maps_and_unmaps_meet_each_attach(struct kunit *test)
{
	static const struct iommusim_config config = { .quirks = IOMMUSIM_LATE_SEND };
	struct device *pdo = v3t_pdo(test, v3t_sim(test, &config), NULL);
	struct lonely lonely = { .v3 = V3T_V3(test), .device = v3t_device(test, pdo) };
	struct procession p = { .page = v3t_pages(test, 0) };
	struct v3t_world *w = test->priv;
	struct v3t_thread thread;
	int round, i;

	/* A new domain's table is made for a device that is known. */
	v3t_delete_device(test, w->device);
	lonely.domain = v3t_explicit(test);
	for (round = 0; round < 8; round++) {
		for (i = 0; i < OLD_PAGES; i++)
			map_next(test, &p, lonely.domain);
		lonely.attached = false;
		v3t_thread_start(&thread, attach_lonely, &lonely);
		proceed_until_attached(test, &p, &lonely);
		KUNIT_ASSERT_EQ(test, v3t_thread_join(&thread), 0);
		if (!EXPECT_RESULT(test, STATUS_SUCCESS, AttachDeviceEx, lonely.status))
			return;
		expect_procession(test, &p, pdo);
		EXPECT_V3(test, STATUS_SUCCESS, DetachDeviceEx, lonely.device);
	}
}

#define FAILURES 3

static void failed_unmap_keeps_the_address(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_domain(test, DomainTypeTranslate, 16);
	struct page *page = v3t_pages(test, 0), *other = v3t_pages(test, 0);
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_page(other);
	u64 kept[FAILURES], out;
	NTSTATUS status;
	int i, more = 0;

	v3t_attach(test, domain, w->device);
	for (i = 0; i < FAILURES; i++) {
		kept[i] = v3t_map(test, domain, v3t_of_page(page));
		iommusim_fail_unmaps(w->sim, 0, 1);
		EXPECT_V3(test, STATUS_UNSUCCESSFUL, UnmapLogicalRange, domain, kept[i], 1);
		iommusim_fail_unmaps(w->sim, 0, 0);
	}
	/* All the others that the domain has, and then there is none. */
	while ((status = V3T_V3(test)->MapLogicalRangeEx(domain, V3T_RW, &what, NULL, NULL, NULL,
							 &out)) == STATUS_SUCCESS) {
		for (i = 0; i < FAILURES; i++)
			KUNIT_EXPECT_NE(test, out, kept[i]);
		more++;
	}
	EXPECT_RESULT(test, STATUS_INSUFFICIENT_RESOURCES, MapLogicalRangeEx, status);
	KUNIT_EXPECT_EQ(test, more, 15 - FAILURES);
	for (i = 0; i < FAILURES; i++)
		v3t_expect_reaches(test, w->pdo, kept[i], page);
}

static void failed_unmap_of_an_explicit_range_keeps_it(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	struct page **pages = v3t_scattered(test, 6);
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_page(pages[5]);
	IOMMU_DMA_LOGICAL_ADDRESS at;
	int i;

	v3t_attach(test, domain, w->device);
	for (i = 0; i < FAILURES; i++) {
		at = SZ_1G + i * SZ_64K;
		v3t_map_at(test, domain, v3t_of_page(pages[0]), at);
		v3t_map_at(test, domain, v3t_of_page(pages[1]), at + SZ_4K);
		iommusim_fail_unmaps(w->sim, 0, 1);
		EXPECT_V3(test, STATUS_UNSUCCESSFUL, UnmapLogicalRange, domain, at, 2);
		iommusim_fail_unmaps(w->sim, 0, 0);
		REFUSE_V3(test, STATUS_RESOURCE_IN_USE, MapLogicalRangeEx, domain, V3T_RW, &what,
			  &at, NULL, NULL, &w->out.address);
		at += SZ_4K;
		REFUSE_V3(test, STATUS_RESOURCE_IN_USE, MapLogicalRangeEx, domain, V3T_RW, &what,
			  &at, NULL, NULL, &w->out.address);
	}
}

static void failed_unmap_of_an_identity_range_keeps_it(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	struct page **pages = v3t_scattered(test, FAILURES);
	int i;

	v3t_attach(test, domain, w->device);
	for (i = 0; i < FAILURES; i++) {
		IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_page(pages[i]);

		ASSERT_V3(test, STATUS_SUCCESS, MapIdentityRangeEx, domain, V3T_RW, &what);
		iommusim_fail_unmaps(w->sim, 0, 1);
		EXPECT_V3(test, STATUS_UNSUCCESSFUL, UnmapIdentityRangeEx, domain, &what);
		iommusim_fail_unmaps(w->sim, 0, 0);
		REFUSE_V3(test, STATUS_RESOURCE_IN_USE, MapIdentityRangeEx, domain, V3T_RW, &what);
		v3t_expect_reaches(test, w->pdo, page_to_phys(pages[i]), pages[i]);
	}
}

static void failed_unmap_of_a_segment_keeps_it(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	struct page **pages = v3t_scattered(test, 2);
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_page(pages[0]);
	const u64 base = SZ_1G;
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token = v3t_reserve(test, domain, SZ_64K, &base);
	IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT segment;
	int i;

	v3t_attach(test, domain, w->device);
	for (i = 0; i < FAILURES; i++) {
		ASSERT_V3(test, STATUS_SUCCESS, MapReservedLogicalRange, token, i * SZ_8K, V3T_RW,
			  &what, &segment);
		iommusim_fail_unmaps(w->sim, 0, 1);
		EXPECT_V3(test, STATUS_UNSUCCESSFUL, UnmapReservedLogicalRange, &segment);
		iommusim_fail_unmaps(w->sim, 0, 0);
		REFUSE_V3(test, STATUS_RESOURCE_IN_USE, MapReservedLogicalRange, token, i * SZ_8K,
			  V3T_RW, &what, &w->out.segment);
	}
}

/* A map that found no memory for the second of its tables, and could not be undone. */
static void failed_undo_of_a_map_keeps_the_range(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	struct page *pages = v3t_pages(test, 2), **scattered = v3t_scattered(test, 4);
	const IOMMU_MAP_PHYSICAL_ADDRESS what[] = {
		v3t_of_pages(pages, 4), v3t_of_pfns(test, scattered, 4),
	};
	struct page *const first[] = { pages, scattered[0] };
	IOMMU_MAP_PHYSICAL_ADDRESS other = v3t_of_page(v3t_pages(test, 0));
	IOMMU_DMA_LOGICAL_ADDRESS at;
	int i;

	v3t_attach(test, domain, w->device);
	for (i = 0; i < ARRAY_SIZE(what); i++) {
		at = SZ_1G + (2 * i + 1) * SZ_2M - SZ_8K;
		v3t_map_at(test, domain, other, at - SZ_4K);
		iommusim_fail_tables(w->sim, 0, 1);
		iommusim_fail_unmaps(w->sim, 0, 1);
		REFUSE_V3(test, STATUS_UNSUCCESSFUL, MapLogicalRangeEx, domain, V3T_RW,
			  (PIOMMU_MAP_PHYSICAL_ADDRESS)&what[i], &at, NULL, NULL, &w->out.address);
		iommusim_fail_tables(w->sim, 0, 0);
		iommusim_fail_unmaps(w->sim, 0, 0);
		v3t_expect_reaches(test, w->pdo, at, first[i]);
		REFUSE_V3(test, STATUS_RESOURCE_IN_USE, MapLogicalRangeEx, domain, V3T_RW, &other,
			  &at, NULL, NULL, &w->out.address);
	}
}

/* An attach that failed after the domain's table had got the region of the device. */
static void failed_undo_of_an_attach_keeps_the_region(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	PIOMMU_DMA_DEVICE device;
	struct firmware f;
	struct device *pdo;
	int i;

	v3t_attach(test, domain, w->device);
	prepare_firmware(test, &f);
	pdo = firmware_device(test, &f, 0);
	device = v3t_device(test, pdo);
	iommusim_fail_attach(pdo, -ENOMEM, 1);
	iommusim_fail_unmaps(w->sim, 0, 1);
	REFUSE_V3(test, STATUS_INSUFFICIENT_RESOURCES, AttachDeviceEx, domain, device);
	iommusim_fail_unmaps(w->sim, 0, 0);
	v3t_expect_reaches(test, w->pdo, f.address, f.pages);
	for (i = 0; i < 2; i++) {
		IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_page(f.pages + i);

		REFUSE_V3(test, STATUS_RESOURCE_IN_USE, MapIdentityRangeEx, domain, V3T_RW, &what);
	}
	REFUSE_V3(test, STATUS_INVALID_PARAMETER, AttachDeviceEx, domain, device);
}

/* The same, where the region lies under two tables and there is memory for one. */
static void failed_undo_of_a_region_keeps_it(struct kunit *test)
{
	const struct iommusim_region region = {
		.first = SZ_1G + SZ_2M - SZ_8K, .last = SZ_1G + SZ_2M + SZ_8K - 1,
		.type = IOMMU_RESV_DIRECT, .prot = IOMMU_READ | IOMMU_WRITE,
	};
	const struct iommusim_device_config config = { .regions = &region, .nr_regions = 1 };
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_page(v3t_pages(test, 0));
	IOMMU_DMA_LOGICAL_ADDRESS at = region.first;
	PIOMMU_DMA_DEVICE device;

	v3t_attach(test, domain, w->device);
	v3t_map_at(test, domain, what, at - SZ_4K);
	device = v3t_device(test, v3t_pdo(test, v3t_sim(test, NULL), &config));
	iommusim_fail_tables(w->sim, 0, 1);
	iommusim_fail_unmaps(w->sim, 0, 1);
	REFUSE_V3(test, STATUS_UNSUCCESSFUL, AttachDeviceEx, domain, device);
	iommusim_fail_tables(w->sim, 0, 0);
	iommusim_fail_unmaps(w->sim, 0, 0);
	REFUSE_V3(test, STATUS_RESOURCE_IN_USE, MapLogicalRangeEx, domain, V3T_RW, &what, &at, NULL,
		  NULL, &w->out.address);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER, AttachDeviceEx, domain, device);
}

static void failed_unmap_of_a_mirrored_page_is_told(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_domain(test, DomainTypeUnmanaged, 0);
	struct page *page = v3t_pages(test, 0);
	struct v3t_tables tables;
	u64 at = SZ_2M;

	v3t_tables_init(test, &tables, V3T_X64);
	v3t_set_page(&tables, at, page);
	v3t_configure(domain, &tables);
	v3t_attach(test, domain, w->device);
	v3t_set(&tables, at, 0, 0);
	iommusim_fail_unmaps(w->sim, 0, 1);
	EXPECT_V3(test, STATUS_UNSUCCESSFUL, FlushDomain, domain);
	iommusim_fail_unmaps(w->sim, 0, 0);
	v3t_expect_reaches(test, w->pdo, at, page);
	EXPECT_V3(test, STATUS_UNSUCCESSFUL, FlushDomainByVaList, domain, FALSE, 1, &at);
	EXPECT_RESULT(test, STATUS_UNSUCCESSFUL, ConfigureDomain, v3t_install(domain, &tables));
	v3t_expect_reaches(test, w->pdo, at, page);
}

static struct kunit_case edges_cases[] = {
	KUNIT_CASE(regions_of_the_group_are_mapped),
	KUNIT_CASE(window_of_the_group_is_not_handed_out),
	KUNIT_CASE_PARAM(region_takes_what_stands_in_for_it, stand_in_gen_params),
	KUNIT_CASE_PARAM(region_shares_no_block, in_block_gen_params),
	KUNIT_CASE(failed_attach_takes_nothing),
	KUNIT_CASE(failed_attach_undoes_a_window_that_became_a_region),
	KUNIT_CASE(domain_is_as_wide_as_its_tables),
	KUNIT_CASE(maps_outlive_the_first_attach),
	KUNIT_CASE(maps_and_unmaps_meet_each_attach),
	KUNIT_CASE(failed_unmap_keeps_the_address),
	KUNIT_CASE(failed_unmap_of_an_explicit_range_keeps_it),
	KUNIT_CASE(failed_unmap_of_an_identity_range_keeps_it),
	KUNIT_CASE(failed_unmap_of_a_segment_keeps_it),
	KUNIT_CASE(failed_undo_of_a_map_keeps_the_range),
	KUNIT_CASE(failed_undo_of_an_attach_keeps_the_region),
	KUNIT_CASE(failed_undo_of_a_region_keeps_it),
	KUNIT_CASE(failed_unmap_of_a_mirrored_page_is_told),
	{}
};

static struct kunit_suite edges_suite = {
	.name = "v3compat_edges",
	.init = v3t_init,
	.exit = v3t_exit,
	.test_cases = edges_cases,
};

kunit_test_suite(edges_suite);
