// SPDX-License-Identifier: GPL-2.0
/*
 * Wrong arguments: each gives the status of its parameter and changes nothing.
 * When several are wrong, the first parameter in order names the status.
 */
#include "fixture.h"

static const IOMMU_DMA_DOMAIN_CREATION_FLAGS no_flags = { .AsUlonglong = 0 };

/* A handle of each sort that is not the one a call wants. */
struct wrong_handles {
	void *handle[4];
};

/* NULL, one that was, one of another kind, and plain memory that never was one. */
static struct wrong_handles wrong_domains(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN stale = v3t_explicit(test);

	v3t_delete_domain(test, stale);
	return (struct wrong_handles){ { NULL, stale, w->device,
					 page_address(v3t_pages(test, 0)) } };
}

static struct wrong_handles wrong_devices(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DEVICE stale = v3t_device(test, w->pdo);

	v3t_delete_device(test, stale);
	return (struct wrong_handles){ { NULL, stale, v3t_explicit(test),
					 page_address(v3t_pages(test, 0)) } };
}

static struct wrong_handles wrong_tokens(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN stale = v3t_reserve(test, v3t_buddy(test), SZ_4K, NULL);

	v3t_free_token(test, stale);
	return (struct wrong_handles){ { NULL, stale, w->device,
					 page_address(v3t_pages(test, 0)) } };
}

static void domain_handles_are_checked(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct wrong_handles wrong = wrong_domains(test);
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_page(v3t_pages(test, 0));
	IOMMU_DMA_LOGICAL_ADDRESS at = SZ_1M;
	int i;

	for (i = 0; i < ARRAY_SIZE(wrong.handle); i++) {
		PIOMMU_DMA_DOMAIN bad = wrong.handle[i];

		REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, DeleteDomain, bad);
		REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, AttachDeviceEx, bad, w->device);
		REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, FlushDomain, bad);
		REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, FlushDomainByVaList, bad, TRUE, 0,
			  NULL);
		REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, MapLogicalRangeEx, bad, V3T_RW, &what,
			  &at, NULL, NULL, &w->out.address);
		REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, UnmapLogicalRange, bad, at, 1);
		REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, MapIdentityRangeEx, bad, V3T_RW, &what);
		REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, UnmapIdentityRangeEx, bad, &what);
		REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, ReserveLogicalAddressRange, bad, SZ_4K,
			  &at, NULL, NULL, &w->out.token);
	}
}

static void device_handles_are_checked(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct wrong_handles wrong = wrong_devices(test);
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	ULONG written;
	int i;

	memset(&written, V3T_POISON, sizeof(written));
	for (i = 0; i < ARRAY_SIZE(wrong.handle); i++) {
		PIOMMU_DMA_DEVICE bad = wrong.handle[i];

		REFUSE_V3(test, STATUS_INVALID_PARAMETER_2, AttachDeviceEx, domain, bad);
		REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, DetachDeviceEx, bad);
		REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, DeleteDevice, bad);
		REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, QueryDeviceInfo, bad,
			  sizeof(w->out.info), &written, &w->out.info);
	}
	KUNIT_EXPECT_TRUE(test, v3t_is_poisoned(&written, sizeof(written)));
}

static void token_handles_are_checked(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct wrong_handles wrong = wrong_tokens(test);
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_page(v3t_pages(test, 0));
	IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT segment = { .Size = SZ_4K };
	int i;

	for (i = 0; i < ARRAY_SIZE(wrong.handle); i++) {
		PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN bad = wrong.handle[i];

		REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, FreeReservedLogicalAddressRange, bad);
		REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, MapReservedLogicalRange, bad, 0,
			  V3T_RW, &what, &w->out.segment);
		segment.OwningToken = bad;
		REFUSE_V3(test, STATUS_INVALID_PARAMETER, UnmapReservedLogicalRange, &segment);
	}
}

static void pointers_are_checked(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	PIOMMU_DMA_DOMAIN buddy = v3t_buddy(test);
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token = v3t_reserve(test, buddy, SZ_4K, NULL);
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_page(v3t_pages(test, 0));
	IOMMU_DMA_LOGICAL_ADDRESS at = SZ_1M;
	ULONG written;

	memset(&written, V3T_POISON, sizeof(written));
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_5, CreateDomainEx, DomainTypeTranslate, no_flags,
		  NULL, NULL, NULL);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_4, FlushDomainByVaList, domain, TRUE, 1, NULL);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_3, MapLogicalRangeEx, domain, V3T_RW, NULL, &at,
		  NULL, NULL, &w->out.address);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_7, MapLogicalRangeEx, domain, V3T_RW, &what, &at,
		  NULL, NULL, NULL);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_7, MapLogicalRangeEx, buddy, V3T_RW, &what, NULL,
		  NULL, NULL, NULL);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_3, MapIdentityRangeEx, domain, V3T_RW, NULL);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_2, UnmapIdentityRangeEx, domain, NULL);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_6, ReserveLogicalAddressRange, domain, SZ_4K, &at,
		  NULL, NULL, NULL);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_4, MapReservedLogicalRange, token, 0, V3T_RW,
		  NULL, &w->out.segment);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_5, MapReservedLogicalRange, token, 0, V3T_RW,
		  &what, NULL);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER, UnmapReservedLogicalRange, NULL);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, CreateDevice, NULL, NULL, &w->out.device);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_3, CreateDevice, w->pdo, NULL, NULL);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_3, QueryDeviceInfo, w->device, 3, NULL,
		  &w->out.info);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_4, QueryDeviceInfo, w->device, 3, &written, NULL);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, QueryInputMappings, NULL, w->out.ids,
		  sizeof(w->out.ids), &written);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_2, QueryInputMappings, w->pdo, NULL, SZ_64,
		  &written);
	KUNIT_EXPECT_TRUE(test, v3t_is_poisoned(&written, sizeof(written)));
	/* Refused maps left nothing behind. */
	v3t_map_at(test, domain, what, at);
}

static void creation_arguments_are_checked(struct kunit *test)
{
	static const ULONG widths[] = { 0, 1, 12, 64, 65, ~0U };
	struct v3t_world *w = test->priv;
	IOMMU_DMA_DOMAIN_CREATION_FLAGS flags = { .AsUlonglong = 1 };
	IOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG config = {
		.LogicalAllocatorType = IommuDmaLogicalAllocatorNone,
		.BuddyAllocatorConfig.AddressWidth = 32,
	};
	int i;

	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, CreateDomainEx, DomainTypeMax, no_flags, NULL,
		  NULL, &w->out.domain);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, CreateDomainEx, -1, no_flags, NULL, NULL,
		  &w->out.domain);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_2, CreateDomainEx, DomainTypeTranslate, flags,
		  NULL, NULL, &w->out.domain);
	flags.AsUlonglong = BIT_ULL(63);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_2, CreateDomainEx, DomainTypePassThrough, flags,
		  NULL, NULL, &w->out.domain);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_3, CreateDomainEx, DomainTypeTranslate, no_flags,
		  &config, NULL, &w->out.domain);
	config.LogicalAllocatorType = IommuDmaLogicalAllocatorMax;
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_3, CreateDomainEx, DomainTypeTranslate, no_flags,
		  &config, NULL, &w->out.domain);
	config.LogicalAllocatorType = IommuDmaLogicalAllocatorBuddy;
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_3, CreateDomainEx, DomainTypePassThrough, no_flags,
		  &config, NULL, &w->out.domain);
	for (i = 0; i < ARRAY_SIZE(widths); i++) {
		config.BuddyAllocatorConfig.AddressWidth = widths[i];
		REFUSE_V3(test, STATUS_INVALID_PARAMETER_3, CreateDomainEx, DomainTypeTranslate,
			  no_flags, &config, NULL, &w->out.domain);
	}
}

static void permissions_are_checked(struct kunit *test)
{
	static const ULONG bad[] = { 0, 4, 7, 0x80000000, ~0U };
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	const u64 base = SZ_2M;
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token = v3t_reserve(test, domain, SZ_4K, &base);
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_page(v3t_pages(test, 0));
	IOMMU_DMA_LOGICAL_ADDRESS at = SZ_1M;
	int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		REFUSE_V3(test, STATUS_INVALID_PARAMETER_2, MapLogicalRangeEx, domain, bad[i],
			  &what, &at, NULL, NULL, &w->out.address);
		REFUSE_V3(test, STATUS_INVALID_PARAMETER_2, MapIdentityRangeEx, domain, bad[i],
			  &what);
		REFUSE_V3(test, STATUS_INVALID_PARAMETER_3, MapReservedLogicalRange, token, 0,
			  bad[i], &what, &w->out.segment);
	}
}

/* Physical descriptions that describe no whole pages, or nothing at all. */
enum flaw {
	TYPE_MAX, TYPE_NEGATIVE, NO_MDL, MDL_EMPTY, MDL_OFFSET, MDL_SHORT, MDL_WITHOUT_PAGES,
	MDL_CHAIN_TAIL, MDL_LOOP, NO_PFNS, PFNS_ZERO, PFNS_HUGE, PFNS_MOST, RANGE_BASE, RANGE_SIZE,
	RANGE_ZERO, RANGE_WRAPS, RANGE_ALL,
};

static const struct flaw_case {
	const char *name;
	enum flaw flaw;
} flaw_cases[] = {
	{ "type after the last", TYPE_MAX },
	{ "negative type", TYPE_NEGATIVE },
	{ "no MDL", NO_MDL },
	{ "MDL of no bytes", MDL_EMPTY },
	{ "MDL that begins inside a page", MDL_OFFSET },
	{ "MDL that ends inside a page", MDL_SHORT },
	{ "MDL without pages", MDL_WITHOUT_PAGES },
	{ "chain with a bad last element", MDL_CHAIN_TAIL },
	{ "chain that bites its tail", MDL_LOOP },
	{ "no frames", NO_PFNS },
	{ "zero frames", PFNS_ZERO },
	{ "as many frames as overflow", PFNS_HUGE },
	{ "all the frames there can be", PFNS_MOST },
	{ "range that begins inside a page", RANGE_BASE },
	{ "range that ends inside a page", RANGE_SIZE },
	{ "empty range", RANGE_ZERO },
	{ "range that wraps", RANGE_WRAPS },
	{ "range of everything", RANGE_ALL },
};

static void flaw_name(const struct flaw_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(flaw, flaw_cases, flaw_name);

static PMDL flawed_mdl(struct kunit *test, enum flaw flaw, struct page *page)
{
	void *memory = page_address(page);
	PMDL mdl;

	switch (flaw) {
	case MDL_EMPTY:
		mdl = v3t_mdl(test, memory, SZ_4K);
		mdl->ByteCount = 0;
		return mdl;
	case MDL_OFFSET:
		return v3t_mdl(test, memory + 64, SZ_4K);
	case MDL_SHORT:
		return v3t_mdl(test, memory, SZ_8K - 1);
	case MDL_WITHOUT_PAGES:
		mdl = v3t_mdl(test, memory, SZ_4K);
		mdl->MdlFlags &= ~(MDL_PAGES_LOCKED | MDL_SOURCE_IS_NONPAGED_POOL | MDL_PARTIAL);
		return mdl;
	case MDL_CHAIN_TAIL:
		mdl = v3t_mdl(test, memory, SZ_4K);
		mdl->Next = v3t_mdl(test, memory + SZ_4K, SZ_4K);
		mdl->Next->Next = v3t_mdl(test, memory + SZ_8K, SZ_2K);
		return mdl;
	case MDL_LOOP:
		mdl = v3t_mdl(test, memory, SZ_4K);
		mdl->Next = v3t_mdl(test, memory + SZ_4K, SZ_4K);
		mdl->Next->Next = v3t_mdl(test, memory + SZ_8K, SZ_4K);
		mdl->Next->Next->Next = mdl->Next;
		return mdl;
	default:
		return NULL;
	}
}

static IOMMU_MAP_PHYSICAL_ADDRESS flawed_pfns(struct kunit *test, enum flaw flaw,
					      struct page *page)
{
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_pfns(test, &page, 1);

	if (flaw == NO_PFNS)
		what.PfnArray.PageFrame = NULL;
	if (flaw == PFNS_ZERO)
		what.PfnArray.NumberOfPages = 0;
	if (flaw == PFNS_HUGE)
		what.PfnArray.NumberOfPages = (1UL << 52) + 1;
	if (flaw == PFNS_MOST)
		what.PfnArray.NumberOfPages = ~0UL;
	return what;
}

static IOMMU_MAP_PHYSICAL_ADDRESS flawed(struct kunit *test, enum flaw flaw)
{
	struct page *page = v3t_pages(test, 2);
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_page(page);

	switch (flaw) {
	case TYPE_MAX:
		what.MapType = MapPhysicalAddressTypeMax;
		return what;
	case TYPE_NEGATIVE:
		what.MapType = -1;
		return what;
	case NO_PFNS:
	case PFNS_ZERO:
	case PFNS_HUGE:
	case PFNS_MOST:
		return flawed_pfns(test, flaw, page);
	case RANGE_BASE:
		return v3t_contiguous(page_to_phys(page) + 512, SZ_4K);
	case RANGE_SIZE:
		return v3t_contiguous(page_to_phys(page), SZ_4K + 8);
	case RANGE_ZERO:
		return v3t_contiguous(page_to_phys(page), 0);
	case RANGE_WRAPS:
		return v3t_contiguous(~0ULL - SZ_4K + 1, SZ_8K);
	case RANGE_ALL:
		return v3t_contiguous(SZ_4K, ~0UL - SZ_4K + 1);
	default:
		return v3t_of_mdl(flawed_mdl(test, flaw, page));
	}
}

static void break_chain(PMDL mdl)
{
	if (mdl && mdl->Next && mdl->Next->Next)
		mdl->Next->Next->Next = NULL;
}

static void physical_descriptions_are_checked(struct kunit *test)
{
	const struct flaw_case *c = test->param_value;
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test), buddy = v3t_buddy(test);
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token = v3t_reserve(test, buddy, SZ_64K, NULL);
	IOMMU_MAP_PHYSICAL_ADDRESS what = flawed(test, c->flaw);
	IOMMU_DMA_LOGICAL_ADDRESS at = SZ_1M;

	v3t_attach(test, domain, w->device);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_3, MapLogicalRangeEx, domain, V3T_RW, &what, &at,
		  NULL, NULL, &w->out.address);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_3, MapLogicalRangeEx, buddy, V3T_RW, &what, NULL,
		  NULL, NULL, &w->out.address);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_3, MapIdentityRangeEx, domain, V3T_RW, &what);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_2, UnmapIdentityRangeEx, domain, &what);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_4, MapReservedLogicalRange, token, 0, V3T_RW,
		  &what, &w->out.segment);
	v3t_expect_blocked(test, w->pdo, SZ_1M);
	if (c->flaw == MDL_LOOP)
		break_chain(what.Mdl.Mdl);
	v3t_map_at(test, domain, v3t_of_page(v3t_pages(test, 0)), SZ_1M);
}

static void huge_count_of_real_frames_reads_no_further(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test), buddy = v3t_domain(test, DomainTypeTranslate,
									  16);
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token = v3t_reserve(test, buddy, SZ_8K, NULL);
	struct page *page = v3t_pages(test, 0);
	/* More than fits anywhere, less than what is refused as a number. */
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_pfns(test, &page, 1);
	IOMMU_DMA_LOGICAL_ADDRESS at = SZ_1M;

	v3t_skip_where(test, IOMMUSIM_LATE_GEOMETRY, "the aperture comes with the first attach");
	v3t_skip_where(test, IOMMUSIM_SIGN_EXTEND, V3T_NO_WIDTH);
	what.PfnArray.NumberOfPages = 1UL << 40;
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_4, MapLogicalRangeEx, domain, V3T_RW, &what, &at,
		  NULL, NULL, &w->out.address);
	REFUSE_V3(test, STATUS_INSUFFICIENT_RESOURCES, MapLogicalRangeEx, buddy, V3T_RW, &what,
		  NULL, NULL, NULL, &w->out.address);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_4, MapReservedLogicalRange, token, 0, V3T_RW,
		  &what, &w->out.segment);
}

/* Numbers that no page has: on the way to an address they would lose their upper bits. */
static void impossible_frames_are_refused(struct kunit *test)
{
	static const PFN_NUMBER frames[] = { ~0UL, 1UL << 52, 1UL << 51 };
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	const u64 base = SZ_2M;
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token = v3t_reserve(test, domain, SZ_64K, &base);
	struct page **pages = v3t_scattered(test, 3);
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_pfns(test, pages, 3);
	IOMMU_DMA_LOGICAL_ADDRESS at = SZ_1M;
	int i;

	v3t_attach(test, domain, w->device);
	for (i = 0; i < ARRAY_SIZE(frames); i++) {
		what.PfnArray.PageFrame[1] = frames[i];
		REFUSE_V3(test, STATUS_INVALID_PARAMETER_3, MapLogicalRangeEx, domain, V3T_RW,
			  &what, &at, NULL, NULL, &w->out.address);
		REFUSE_V3(test, STATUS_INVALID_PARAMETER_3, MapIdentityRangeEx, domain, V3T_RW,
			  &what);
		REFUSE_V3(test, STATUS_INVALID_PARAMETER_4, MapReservedLogicalRange, token, 0,
			  V3T_RW, &what, &w->out.segment);
		v3t_expect_blocked(test, w->pdo, SZ_1M);
		v3t_expect_blocked(test, w->pdo, SZ_2M);
		v3t_expect_blocked(test, w->pdo, page_to_phys(pages[0]));
	}
}

/* Explicit addresses that no page can start at, for two pages. */
static const struct address_case {
	const char *name;
	u64 address;
} address_cases[] = {
	{ "inside a page", SZ_1M + 1 },
	{ "half a page", SZ_1M + SZ_2K },
	{ "last page of the aperture", BIT_ULL(48) - SZ_4K },
	{ "end of the aperture", BIT_ULL(48) },
	{ "beyond the aperture", BIT_ULL(52) },
	{ "upper half", BIT_ULL(63) },
	{ "wrapping", ~0ULL - SZ_4K + 1 },
	{ "last byte", ~0ULL },
};

static void address_name(const struct address_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(address, address_cases, address_name);

static void explicit_addresses_are_checked(struct kunit *test)
{
	const struct address_case *c = test->param_value;
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_pages(v3t_pages(test, 1), 2);
	IOMMU_DMA_LOGICAL_ADDRESS at = c->address;

	if (c->address % SZ_4K == 0 && c->address < BIT_ULL(63))
		v3t_skip_where(test, IOMMUSIM_SIGN_EXTEND, V3T_NO_WIDTH);
	v3t_attach(test, domain, w->device);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_4, MapLogicalRangeEx, domain, V3T_RW, &what, &at,
		  NULL, NULL, &w->out.address);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_3, ReserveLogicalAddressRange, domain, SZ_8K, &at,
		  NULL, NULL, &w->out.token);
}

static void unmap_arguments_are_checked(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	struct page *page = v3t_pages(test, 0);

	v3t_attach(test, domain, w->device);
	v3t_map_at(test, domain, v3t_of_page(page), SZ_1M);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_2, UnmapLogicalRange, domain, SZ_1M + 1, 1);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_2, UnmapLogicalRange, domain, SZ_1M + SZ_2K, 1);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_3, UnmapLogicalRange, domain, SZ_1M, 0);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_3, UnmapLogicalRange, domain, SZ_1M, ~0ULL);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_3, UnmapLogicalRange, domain, SZ_1M,
		  (1ULL << 52) + 1);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_3, UnmapLogicalRange, domain, ~0ULL - SZ_4K + 1,
		  2);
	v3t_expect_reaches(test, w->pdo, SZ_1M, page);
}

static void reserve_sizes_are_checked(struct kunit *test)
{
	static const SIZE_T sizes[] = { 0, 1, SZ_4K - 1, SZ_4K + 1, ~0UL };
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test), buddy = v3t_buddy(test);
	IOMMU_DMA_LOGICAL_ADDRESS at = SZ_1M;
	int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		REFUSE_V3(test, STATUS_INVALID_PARAMETER_2, ReserveLogicalAddressRange, domain,
			  sizes[i], &at, NULL, NULL, &w->out.token);
		REFUSE_V3(test, STATUS_INVALID_PARAMETER_2, ReserveLogicalAddressRange, buddy,
			  sizes[i], NULL, NULL, NULL, &w->out.token);
	}
	/* A size that is one, but larger than all there is. */
	if (!v3t_behaves(IOMMUSIM_SIGN_EXTEND))
		REFUSE_V3(test, STATUS_INVALID_PARAMETER_3, ReserveLogicalAddressRange, domain,
			  1UL << 60, &at, NULL, NULL, &w->out.token);
	REFUSE_V3(test, STATUS_INSUFFICIENT_RESOURCES, ReserveLogicalAddressRange, buddy,
		  1UL << 60, NULL, NULL, NULL, &w->out.token);
}

static void first_wrong_argument_names_the_status(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN through = v3t_domain(test, DomainTypePassThrough, 0);
	PIOMMU_DMA_DOMAIN buddy = v3t_buddy(test);
	IOMMU_DMA_DOMAIN_CREATION_FLAGS flags = { .AsUlonglong = 1 };
	IOMMU_MAP_PHYSICAL_ADDRESS good = v3t_of_page(v3t_pages(test, 0)), bad = good;
	IOMMU_DMA_LOGICAL_ADDRESS odd = 1, at = SZ_1M;

	bad.MapType = MapPhysicalAddressTypeMax;
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, CreateDomainEx, DomainTypeMax, flags, NULL,
		  NULL, NULL);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_2, CreateDomainEx, DomainTypeUnmanaged, flags,
		  NULL, NULL, NULL);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, MapLogicalRangeEx, NULL, 0, &bad, &odd, NULL,
		  NULL, NULL);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_2, MapLogicalRangeEx, through, 0, &bad, &odd,
		  NULL, NULL, NULL);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_3, MapLogicalRangeEx, through, V3T_RW, &bad, &odd,
		  NULL, NULL, NULL);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_4, MapLogicalRangeEx, through, V3T_RW, &good, &odd,
		  NULL, NULL, NULL);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_7, MapLogicalRangeEx, through, V3T_RW, &good, &at,
		  NULL, NULL, NULL);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, MapLogicalRangeEx, through, V3T_RW, &good, &at,
		  NULL, NULL, &w->out.address);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_4, MapLogicalRangeEx, buddy, V3T_RW, &good, &odd,
		  NULL, NULL, &w->out.address);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_2, UnmapLogicalRange, through, 1, 0);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_3, UnmapLogicalRange, through, SZ_4K, 0);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_2, ReserveLogicalAddressRange, through, 1, &odd,
		  NULL, NULL, NULL);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_3, ReserveLogicalAddressRange, through, SZ_4K,
		  &odd, NULL, NULL, NULL);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_6, ReserveLogicalAddressRange, through, SZ_4K,
		  &at, NULL, NULL, NULL);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, ReserveLogicalAddressRange, through, SZ_4K,
		  &at, NULL, NULL, &w->out.token);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, AttachDeviceEx, NULL, NULL);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, CreateDevice, NULL, NULL, NULL);
}

static struct kunit_case badinput_cases[] = {
	KUNIT_CASE(domain_handles_are_checked),
	KUNIT_CASE(device_handles_are_checked),
	KUNIT_CASE(token_handles_are_checked),
	KUNIT_CASE(pointers_are_checked),
	KUNIT_CASE(creation_arguments_are_checked),
	KUNIT_CASE(permissions_are_checked),
	KUNIT_CASE_PARAM(physical_descriptions_are_checked, flaw_gen_params),
	KUNIT_CASE(huge_count_of_real_frames_reads_no_further),
	KUNIT_CASE(impossible_frames_are_refused),
	KUNIT_CASE_PARAM(explicit_addresses_are_checked, address_gen_params),
	KUNIT_CASE(unmap_arguments_are_checked),
	KUNIT_CASE(reserve_sizes_are_checked),
	KUNIT_CASE(first_wrong_argument_names_the_status),
	{}
};

static struct kunit_suite badinput_suite = {
	.name = "v3compat_badinput",
	.init = v3t_init,
	.exit = v3t_exit,
	.test_cases = badinput_cases,
};

kunit_test_suite(badinput_suite);
