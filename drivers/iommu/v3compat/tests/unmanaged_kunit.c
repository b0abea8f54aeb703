// SPDX-License-Identifier: GPL-2.0
/* Domains whose page tables the caller owns: what the device sees of them, and when. */
#include <linux/io.h>
#include <linux/ioport.h>
#include <linux/irqflags.h>
#include <linux/page-flags.h>
#include <linux/v3compat.h>

#include "fixture.h"
#include "tables.h"

/* Within what every format translates, and not in a device's window. */
#define AT	((u64)SZ_1G)

/*
 * Tables that the mirror of one domain may have: 64 MiB, and a 64th of memory where that is less.
 */
static u64 domain_share(void)
{
	return clamp(totalram_pages() / 64, 64UL, SZ_64M / PAGE_SIZE);
}

static PIOMMU_DMA_DOMAIN unmanaged(struct kunit *test)
{
	return v3t_domain(test, DomainTypeUnmanaged, 0);
}

/* A configured domain with the device attached. */
static PIOMMU_DMA_DOMAIN start(struct kunit *test, struct v3t_tables *tables,
			       const struct v3t_format *format)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = unmanaged(test);

	v3t_tables_init(test, tables, format);
	v3t_configure(domain, tables);
	v3t_attach(test, domain, w->device);
	return domain;
}

static void flush(struct kunit *test, PIOMMU_DMA_DOMAIN domain)
{
	EXPECT_V3(test, STATUS_SUCCESS, FlushDomain, domain);
}

static void flush_page(struct kunit *test, PIOMMU_DMA_DOMAIN domain, u64 address)
{
	EXPECT_V3(test, STATUS_SUCCESS, FlushDomainByVaList, domain, TRUE, 1, &address);
}

static void blocked_until_configured(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = unmanaged(test);
	struct page *page = v3t_pages(test, 0);
	struct v3t_tables tables;

	v3t_attach(test, domain, w->device);
	v3t_expect_blocked(test, w->pdo, 0);
	v3t_expect_blocked(test, w->pdo, page_to_phys(page));
	flush(test, domain);
	flush_page(test, domain, AT);
	v3t_tables_init(test, &tables, V3T_X64);
	v3t_set_page(&tables, AT, page);
	v3t_expect_blocked(test, w->pdo, AT);
	EXPECT_CALL(test, STATUS_SUCCESS, v3compat_configure_x64, domain, tables.root, 4);
	v3t_expect_reaches(test, w->pdo, AT, page);
	v3t_expect_no_stale_hits(test, w->sim);
}

static const unsigned int formats[] = { 0, 1, 2, 3, 4 };

static void describe_format(const unsigned int *format, char *text)
{
	strscpy(text, v3t_formats[*format].name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(format, formats, describe_format);

static const struct v3t_format *param_format(struct kunit *test)
{
	return &v3t_formats[*(const unsigned int *)test->param_value];
}

static void every_size_of_leaf_translates(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	const struct v3t_format *format = param_format(test);
	struct page **pages = v3t_scattered(test, 3), *block = v3t_pages(test, 9);
	struct iommusim_stats before, after;
	u64 top = BIT_ULL(format->bits - 1), last = top + top - SZ_4K;
	bool knows_sizes = !v3t_behaves(IOMMUSIM_LATE_GEOMETRY);
	PIOMMU_DMA_DOMAIN domain;
	struct v3t_tables tables;

	/* What the instance translates ends before the widest tables do. */
	if (format->bits > 48) {
		top = BIT_ULL(47) - SZ_1G;
		last = BIT_ULL(48) - SZ_4K;
	}
	v3t_tables_init(test, &tables, format);
	v3t_set_page(&tables, 0, pages[0]);
	v3t_set_page(&tables, AT + 511 * SZ_4K, pages[1]);
	v3t_set_page(&tables, last, pages[2]);
	v3t_set(&tables, AT + SZ_2M, 1, v3t_leaf(&tables, page_to_phys(block), 1, true));
	v3t_set(&tables, top, 2, v3t_leaf(&tables, 0, 2, true));
	domain = unmanaged(test);
	before = v3t_stats(w->sim);
	v3t_configure(domain, &tables);
	after = v3t_stats(w->sim);
	if (knows_sizes) {
		KUNIT_EXPECT_EQ(test, after.maps - before.maps, 5);
		KUNIT_EXPECT_EQ(test, after.leaf_2m - before.leaf_2m, 1);
		KUNIT_EXPECT_EQ(test, after.leaf_1g - before.leaf_1g, 1);
	}

	v3t_attach(test, domain, w->device);
	v3t_expect_reaches(test, w->pdo, 0, pages[0]);
	v3t_expect_reaches(test, w->pdo, AT + 511 * SZ_4K, pages[1]);
	v3t_expect_reaches(test, w->pdo, last, pages[2]);
	v3t_expect_reaches(test, w->pdo, AT + SZ_2M, block);
	v3t_expect_reaches(test, w->pdo, AT + SZ_4M - SZ_4K, block + 511);
	v3t_expect_reaches(test, w->pdo, top + page_to_phys(block), block);
	v3t_expect_blocked(test, w->pdo, SZ_4K);
	v3t_expect_blocked(test, w->pdo, AT);
	v3t_expect_blocked(test, w->pdo, AT + SZ_4M);
	v3t_expect_blocked(test, w->pdo, top - SZ_4K);
	v3t_expect_blocked(test, w->pdo, last - SZ_4K);
}

static void permissions_of_all_levels_count(struct kunit *test)
{
	const struct v3t_format *format = param_format(test);
	struct v3t_world *w = test->priv;
	struct page *page = v3t_pages(test, 0);
	PIOMMU_DMA_DOMAIN domain;
	struct v3t_tables tables;
	u64 *link, whole;

	domain = start(test, &tables, format);
	v3t_set(&tables, AT, 0, v3t_leaf(&tables, page_to_phys(page), 0, false));
	v3t_set_page(&tables, AT + SZ_4K, page);
	flush(test, domain);
	v3t_expect_fault(test, w->pdo, AT, true, IOMMUSIM_FAULT_PERMISSION);
	v3t_expect_reaches(test, w->pdo, AT + SZ_4K, page);

	link = v3t_entry(&tables, AT, 1);
	whole = *link;
	*link = format->arm64 ? whole | V3C_ARM64_TABLE_READ_ONLY : whole & ~V3C_X64_WRITE;
	flush(test, domain);
	v3t_expect_fault(test, w->pdo, AT + SZ_4K, true, IOMMUSIM_FAULT_PERMISSION);
	*link = format->arm64 ? whole | V3C_ARM64_TABLE_NO_USER : whole & ~V3C_X64_USER;
	flush(test, domain);
	v3t_expect_blocked(test, w->pdo, AT + SZ_4K);
	*link = whole;
	flush(test, domain);
	v3t_expect_reaches(test, w->pdo, AT + SZ_4K, page);
	v3t_expect_no_stale_hits(test, w->sim);
}

/* What is wrong with one entry must not touch its neighbours. */
static void bad_entries_fault_alone(struct kunit *test)
{
	const struct v3t_format *format = param_format(test);
	struct v3t_world *w = test->priv;
	struct page *page = v3t_pages(test, 0);
	PIOMMU_DMA_DOMAIN domain;
	struct v3t_tables tables;
	u64 no_memory = totalram_pages() * PAGE_SIZE + 64ULL * SZ_1G, good, bad[8], link, *table;
	unsigned int i, n = 0;

	domain = start(test, &tables, format);
	v3t_set_page(&tables, AT, page);
	v3t_set_page(&tables, AT + SZ_2M, page);
	link = *v3t_entry(&tables, AT + SZ_2M, 1);
	good = *v3t_entry(&tables, AT + SZ_2M, 0);

	/*
	 * Beyond physical memory, where there is no memory, the root, itself, a misaligned block.
	 */
	bad[n++] = v3t_link(&tables, BIT_ULL(47));
	bad[n++] = v3t_link(&tables, no_memory);
	bad[n++] = v3t_link(&tables, tables.root);
	bad[n++] = v3t_link(&tables, *v3t_entry(&tables, AT, 2) & V3C_ARM64_PHYS);
	bad[n++] = v3t_leaf(&tables, SZ_16K, 1, true);
	bad[n++] = ~0ULL;
	bad[n++] = link & ~1ULL;
	for (i = 0; i < n; i++) {
		v3t_set(&tables, AT + SZ_2M, 1, bad[i]);
		flush(test, domain);
		v3t_expect_blocked(test, w->pdo, AT + SZ_2M);
		v3t_expect_reaches(test, w->pdo, AT, page);
		v3t_set(&tables, AT + SZ_2M, 1, link);
		flush_page(test, domain, AT + SZ_2M);
		v3t_expect_reaches(test, w->pdo, AT + SZ_2M, page);
	}
	/* A table in what only looks like memory: the kernel marks it, as this does. */
	table = v3t_entry(&tables, AT + SZ_2M, 0);
	SetPageReserved(virt_to_page(table));
	flush(test, domain);
	v3t_expect_blocked(test, w->pdo, AT + SZ_2M);
	v3t_expect_reaches(test, w->pdo, AT, page);
	ClearPageReserved(virt_to_page(table));
	flush(test, domain);
	v3t_expect_reaches(test, w->pdo, AT + SZ_2M, page);

	v3t_set(&tables, AT + SZ_2M, 0, v3t_leaf(&tables, no_memory, 0, true));
	v3t_set(&tables, AT + SZ_2M + SZ_4K, 0, good);
	flush(test, domain);
	v3t_expect_fault(test, w->pdo, AT + SZ_2M, false,
			 IOMMUSIM_FAULT_PHYS);
	v3t_expect_reaches(test, w->pdo, AT + SZ_2M + SZ_4K, page);
	v3t_expect_no_stale_hits(test, w->sim);
}

/* The IOMMU's entries are as wide as the processor's, whatever the owner's format has room for. */
static void no_address_is_wider_than_the_processors(struct kunit *test)
{
#ifdef CONFIG_X86
	const struct v3t_format *format = param_format(test);
	struct v3t_world *w = test->priv;
	unsigned int bits = boot_cpu_data.x86_phys_bits;
	struct page *page = v3t_pages(test, 0);
	PIOMMU_DMA_DOMAIN domain;
	struct v3t_tables tables;

	if (bits >= (format->arm64 ? 48 : 52))
		kunit_skip(test, "the format has no more bits than the processor");
	domain = start(test, &tables, format);
	v3t_set_page(&tables, AT, page);
	v3t_set(&tables, AT + SZ_4K, 0, v3t_leaf(&tables, BIT_ULL(bits), 0, true));
	v3t_set(&tables, AT + SZ_2M, 1, v3t_leaf(&tables, BIT_ULL(bits), 1, true));
	flush(test, domain);
	v3t_expect_reaches(test, w->pdo, AT, page);
	v3t_expect_blocked(test, w->pdo, AT + SZ_4K);
	v3t_expect_blocked(test, w->pdo, AT + SZ_2M);
	tables.root = BIT_ULL(bits);
	EXPECT_RESULT(test, STATUS_INVALID_PARAMETER_2, ConfigureDomain,
		      v3t_install(domain, &tables));
	v3t_expect_reaches(test, w->pdo, AT, page);
#else
	kunit_skip(test, "the width of this processor's addresses is not known");
#endif
}

static void changes_take_effect_with_the_flush(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct page **pages = v3t_scattered(test, 2);
	struct v3t_tables tables;
	PIOMMU_DMA_DOMAIN domain = start(test, &tables, V3T_X64);
	u64 list[3] = { AT + 123, AT + SZ_4K, BIT_ULL(60) };

	v3t_set_page(&tables, AT, pages[0]);
	v3t_expect_blocked(test, w->pdo, AT);
	flush_page(test, domain, AT + 0xfff);
	v3t_expect_reaches(test, w->pdo, AT, pages[0]);

	v3t_set_page(&tables, AT, pages[1]);
	flush_page(test, domain, AT);
	v3t_expect_reaches(test, w->pdo, AT, pages[1]);
	v3t_expect_misses(test, w->pdo, AT, pages[0]);

	v3t_set(&tables, AT, 0, v3t_leaf(&tables, page_to_phys(pages[1]), 0, false));
	flush_page(test, domain, AT);
	v3t_expect_fault(test, w->pdo, AT, true, IOMMUSIM_FAULT_PERMISSION);

	v3t_set(&tables, AT, 0, 0);
	v3t_set_page(&tables, AT + SZ_4K, pages[0]);
	EXPECT_V3(test, STATUS_SUCCESS, FlushDomainByVaList, domain, FALSE, 3, list);
	v3t_expect_blocked(test, w->pdo, AT);
	v3t_expect_reaches(test, w->pdo, AT + SZ_4K, pages[0]);
	v3t_expect_no_stale_hits(test, w->sim);
}

/*
 * Pages that follow each other in a list are invalidated together, and no page between is touched.
 */
static void listed_neighbours_go_together(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct page **pages = v3t_scattered(test, 17);
	struct v3t_tables tables;
	PIOMMU_DMA_DOMAIN domain = start(test, &tables, V3T_X64);
	u64 apart[4] = { AT + SZ_4K, AT, AT + 3 * SZ_4K, AT + 4 * SZ_4K }, list[16], i;
	struct iommusim_stats before, after;

	for (i = 0; i < 16; i++) {
		list[i] = AT + i * SZ_4K + 8 * i;
		v3t_set_page(&tables, AT + i * SZ_4K, pages[i]);
	}
	EXPECT_V3(test, STATUS_SUCCESS, FlushDomainByVaList, domain, FALSE, 16, list);
	for (i = 0; i < 16; i++)
		v3t_expect_reaches(test, w->pdo, AT + i * SZ_4K, pages[i]);

	for (i = 0; i < 16; i++)
		v3t_set_page(&tables, AT + i * SZ_4K, i == 2 ? pages[16] : pages[15 - i]);
	EXPECT_V3(test, STATUS_SUCCESS, FlushDomainByVaList, domain, TRUE, 4, apart);
	for (i = 0; i < 16; i++)
		v3t_expect_reaches(test, w->pdo, AT + i * SZ_4K,
				   i < 5 && i != 2 ? pages[15 - i] : pages[i]);

	for (i = 0; i < 16; i++)
		v3t_set(&tables, AT + i * SZ_4K, 0, 0);
	before = v3t_stats(w->sim);
	EXPECT_V3(test, STATUS_SUCCESS, FlushDomainByVaList, domain, TRUE, 16, list);
	after = v3t_stats(w->sim);
	KUNIT_EXPECT_EQ(test, after.flushes - before.flushes, 1);
	KUNIT_EXPECT_EQ(test, after.leaf_4k, before.leaf_4k - 16);
	for (i = 0; i < 16; i++)
		v3t_expect_blocked(test, w->pdo, AT + i * SZ_4K);
	v3t_expect_no_stale_hits(test, w->sim);
}

/* A run may begin in the lower half of the addresses, of any depth, and end beyond it. */
static void listed_neighbours_leave_a_half(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct page *page = v3t_pages(test, 0);
	struct v3t_tables tables;
	PIOMMU_DMA_DOMAIN domain = start(test, &tables, V3T_X64);
	u64 last = BIT_ULL(47) - SZ_4K, deep = BIT_ULL(56) - SZ_4K;
	u64 list[6] = { last, last + SZ_4K, deep, deep + SZ_4K, U64_MAX, 0 };

	v3t_set_page(&tables, last, page);
	v3t_set_page(&tables, 0, page);
	EXPECT_V3(test, STATUS_SUCCESS, FlushDomainByVaList, domain, FALSE, 6, list);
	v3t_expect_reaches(test, w->pdo, last, page);
	v3t_expect_reaches(test, w->pdo, 0, page);
	v3t_expect_no_stale_hits(test, w->sim);
}

#define NR_BLOCKS	16

static void set_blocks(struct v3t_tables *tables, unsigned int count, u64 value)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		v3t_set(tables, AT + i * SZ_2M, 1, value);
}

static void expect_blocks(struct kunit *test, struct device *pdo, unsigned int first,
			  unsigned int count, struct page *block)
{
	unsigned int i;

	for (i = first; i < first + count; i++) {
		if (block) {
			v3t_expect_reaches(test, pdo, AT + i * SZ_2M, block);
			v3t_expect_reaches(test, pdo, AT + i * SZ_2M + SZ_1M, block + 256);
		} else {
			v3t_expect_blocked(test, pdo, AT + i * SZ_2M);
			v3t_expect_blocked(test, pdo, AT + i * SZ_2M + SZ_1M);
		}
	}
}

/* A flush of everything if @number is 0. */
static void expect_flushes(struct kunit *test, PIOMMU_DMA_DOMAIN domain, u32 number, void *list,
			   unsigned int expected)
{
	struct v3t_world *w = test->priv;
	struct iommusim_stats before = v3t_stats(w->sim), after;

	if (number)
		EXPECT_V3(test, STATUS_SUCCESS, FlushDomainByVaList, domain, TRUE, number, list);
	else
		flush(test, domain);
	after = v3t_stats(w->sim);
	KUNIT_EXPECT_EQ(test, after.flushes - before.flushes, expected);
	KUNIT_EXPECT_EQ(test, after.flush_all, before.flush_all);
}

/* However the flush is told of them, and however they go: entry by entry, or all of their table. */
static void neighbouring_blocks_go_together(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct page *block = v3t_pages(test, 9);
	struct v3t_tables tables;
	PIOMMU_DMA_DOMAIN domain = start(test, &tables, V3T_X64);
	u64 leaf = v3t_leaf(&tables, page_to_phys(block), 1, true), list[NR_BLOCKS], link, i;
	u32 pages = NR_BLOCKS * (SZ_2M / SZ_4K);
	u64 *every = kunit_kmalloc_array(test, pages, sizeof(*every), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, every);
	for (i = 0; i < NR_BLOCKS; i++)
		list[i] = AT + i * (SZ_2M + SZ_4K) + 8 * i;
	for (i = 0; i < pages; i++)
		every[i] = AT + i * SZ_4K;

	set_blocks(&tables, NR_BLOCKS, leaf);
	link = *v3t_entry(&tables, AT, 2);
	for (i = 0; i < 4; i++) {
		flush(test, domain);
		expect_blocks(test, w->pdo, 0, NR_BLOCKS, block);
		if (i < 3)
			set_blocks(&tables, NR_BLOCKS, 0);
		else
			v3t_set(&tables, AT, 2, 0);
		expect_flushes(test, domain, i == 0 ? NR_BLOCKS : i == 1 ? pages : 0,
			       i == 1 ? every : list, 1);
		expect_blocks(test, w->pdo, 0, NR_BLOCKS, NULL);
		v3t_set(&tables, AT, 2, link);
		set_blocks(&tables, NR_BLOCKS, leaf);
	}
	v3t_expect_no_stale_hits(test, w->sim);
}

/* One that stays, one that is not listed, and more than what may take long. */
static void blocks_between_are_not_touched(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct page *block = v3t_pages(test, 9);
	struct v3t_tables tables;
	PIOMMU_DMA_DOMAIN domain = start(test, &tables, V3T_X64);
	u64 leaf = v3t_leaf(&tables, page_to_phys(block), 1, true), list[2 * NR_BLOCKS], i;

	for (i = 0; i < 2 * NR_BLOCKS; i++)
		list[i] = AT + i * SZ_2M;
	set_blocks(&tables, 2 * NR_BLOCKS, leaf);
	flush(test, domain);
	expect_blocks(test, w->pdo, 0, 2 * NR_BLOCKS, block);

	set_blocks(&tables, NR_BLOCKS, 0);
	v3t_set(&tables, AT + 5 * SZ_2M, 1, leaf);
	expect_flushes(test, domain, 10, list, 2);
	expect_blocks(test, w->pdo, 0, 5, NULL);
	expect_blocks(test, w->pdo, 5, 1, block);
	expect_blocks(test, w->pdo, 6, 4, NULL);
	expect_blocks(test, w->pdo, 10, NR_BLOCKS - 10, block);

	expect_flushes(test, domain, 3, list + 11, 1);
	expect_blocks(test, w->pdo, 10, 1, block);
	expect_blocks(test, w->pdo, 11, 3, NULL);
	expect_blocks(test, w->pdo, 14, 2, block);

	set_blocks(&tables, 2 * NR_BLOCKS, leaf);
	flush(test, domain);
	set_blocks(&tables, 2 * NR_BLOCKS, 0);
	expect_flushes(test, domain, 2 * NR_BLOCKS, list, 2);
	expect_blocks(test, w->pdo, 0, 2 * NR_BLOCKS, NULL);
	v3t_expect_no_stale_hits(test, w->sim);
}

/* What one kind of IOMMU has in one piece, another one has page by page. */
static void blocks_go_from_each_kind_of_iommu(struct kunit *test)
{
	static const struct iommusim_config small = {
		.pgsize_bitmap = SZ_4K, .quirks = IOMMUSIM_OWN_DOMAINS,
	};
	struct v3t_world *w = test->priv;
	struct page *block = v3t_pages(test, 9);
	struct v3t_tables tables;
	PIOMMU_DMA_DOMAIN domain = start(test, &tables, V3T_X64);
	struct iommusim *sim = v3t_sim(test, &small);
	struct device *pdo = v3t_pdo(test, sim, NULL);
	u64 list[NR_BLOCKS], i;

	v3t_attach(test, domain, v3t_device(test, pdo));
	for (i = 0; i < NR_BLOCKS; i++)
		list[i] = AT + i * SZ_2M;
	set_blocks(&tables, NR_BLOCKS, v3t_leaf(&tables, page_to_phys(block), 1, true));
	/* Not a flush, which may do no more than 8,192 maps where it cannot sleep. */
	v3t_configure(domain, &tables);
	expect_blocks(test, w->pdo, 0, NR_BLOCKS, block);
	expect_blocks(test, pdo, 0, NR_BLOCKS, block);

	set_blocks(&tables, NR_BLOCKS, 0);
	expect_flushes(test, domain, NR_BLOCKS, list, 1);
	expect_blocks(test, w->pdo, 0, NR_BLOCKS, NULL);
	expect_blocks(test, pdo, 0, NR_BLOCKS, NULL);
	v3t_expect_no_stale_hits(test, w->sim);
	v3t_expect_no_stale_hits(test, sim);
}

static void cost_follows_the_list(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct page *page = v3t_pages(test, 9), *other = v3t_pages(test, 0);
	struct v3t_tables tables;
	PIOMMU_DMA_DOMAIN domain = start(test, &tables, V3T_X64);
	struct iommusim_stats before, after;
	u64 i;

	for (i = 0; i < 512; i++)
		v3t_set_page(&tables, AT + i * SZ_4K, page + i);
	before = v3t_stats(w->sim);
	flush(test, domain);
	after = v3t_stats(w->sim);
	/* One call for each half of a table, or for each page that must go alone. */
	KUNIT_EXPECT_EQ(test, after.maps - before.maps,
			v3t_joins_pages() || v3t_behaves(IOMMUSIM_WHOLE_MAPS) ? 512 : 2);
	KUNIT_EXPECT_EQ(test, after.leaf_4k - before.leaf_4k, 512);

	/* Two change, one is flushed. */
	v3t_set_page(&tables, AT + 7 * SZ_4K, other);
	v3t_set_page(&tables, AT + 300 * SZ_4K, other);
	before = v3t_stats(w->sim);
	flush_page(test, domain, AT + 7 * SZ_4K);
	after = v3t_stats(w->sim);
	KUNIT_EXPECT_EQ(test, after.maps - before.maps, 1);
	KUNIT_EXPECT_EQ(test, after.unmaps - before.unmaps, 1);
	KUNIT_EXPECT_EQ(test, after.flushes - before.flushes, 1);
	v3t_expect_reaches(test, w->pdo, AT + 7 * SZ_4K, other);
	v3t_expect_reaches(test, w->pdo, AT + 300 * SZ_4K, page + 300);

	before = v3t_stats(w->sim);
	flush(test, domain);
	after = v3t_stats(w->sim);
	KUNIT_EXPECT_EQ(test, after.maps - before.maps, 1);
	KUNIT_EXPECT_EQ(test, after.unmaps - before.unmaps, 1);
	v3t_expect_reaches(test, w->pdo, AT + 300 * SZ_4K, other);

	/* Nothing changed: nothing is touched. */
	before = v3t_stats(w->sim);
	flush(test, domain);
	v3t_configure(domain, &tables);
	after = v3t_stats(w->sim);
	KUNIT_EXPECT_EQ(test, after.maps, before.maps);
	KUNIT_EXPECT_EQ(test, after.unmaps, before.unmaps);
	KUNIT_EXPECT_EQ(test, after.flushes + after.flush_all, before.flushes + before.flush_all);
	v3t_expect_no_stale_hits(test, w->sim);
}

/* Hardware that could make one leaf of some neighbours gets them one by one. */
static void neighbours_can_go_one_by_one(struct kunit *test)
{
	static const struct iommusim_config quirks = {
		.quirks = IOMMUSIM_UNMAP_WHOLE | IOMMUSIM_OWN_DOMAINS,
	};
	struct device *pdo = v3t_pdo(test, v3t_sim(test, &quirks), NULL);
	PIOMMU_DMA_DEVICE device = v3t_device(test, pdo);
	PIOMMU_DMA_DOMAIN domain = unmanaged(test);
	struct page *page = v3t_pages(test, 9);
	struct v3t_tables tables;
	u64 i;

	v3t_tables_init(test, &tables, V3T_ARM64);
	for (i = 0; i < 512; i++)
		v3t_set_page(&tables, AT + i * SZ_4K, page + i);
	v3t_configure(domain, &tables);
	v3t_attach(test, domain, device);
	for (i = 0; i < 512; i += 3)
		v3t_set(&tables, AT + i * SZ_4K, 0, 0);
	flush(test, domain);
	for (i = 0; i < 512; i++) {
		if (i % 3)
			v3t_expect_reaches(test, pdo, AT + i * SZ_4K, page + i);
		else
			v3t_expect_blocked(test, pdo, AT + i * SZ_4K);
	}
}

static void a_block_splits_and_merges(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct page *block = v3t_pages(test, 9), *other = v3t_pages(test, 0);
	struct v3t_tables tables;
	PIOMMU_DMA_DOMAIN domain = start(test, &tables, V3T_ARM64);
	struct iommusim_stats before = v3t_stats(w->sim), now;
	u64 i, table = v3t_new_table(&tables);
	u64 leaf = v3t_leaf(&tables, page_to_phys(block), 1, true);

	v3t_set(&tables, AT, 1, leaf);
	/* One address is enough for all of a block. */
	flush_page(test, domain, AT + 5 * SZ_4K);
	v3t_expect_reaches(test, w->pdo, AT, block);
	v3t_expect_reaches(test, w->pdo, AT + SZ_2M - SZ_4K, block + 511);
	KUNIT_EXPECT_EQ(test, v3t_stats(w->sim).leaf_2m, before.leaf_2m + 1);

	/* Split: the rest of the block keeps its translation. */
	v3t_set(&tables, AT, 1, v3t_link(&tables, table));
	for (i = 0; i < 512; i++)
		v3t_set_page(&tables, AT + i * SZ_4K, i == 9 ? other : block + i);
	flush_page(test, domain, AT + 9 * SZ_4K);
	v3t_expect_reaches(test, w->pdo, AT + 9 * SZ_4K, other);
	v3t_expect_reaches(test, w->pdo, AT, block);
	v3t_expect_reaches(test, w->pdo, AT + SZ_2M - SZ_4K, block + 511);
	now = v3t_stats(w->sim);
	KUNIT_EXPECT_EQ(test, now.leaf_2m, before.leaf_2m);
	KUNIT_EXPECT_EQ(test, now.leaf_4k, before.leaf_4k + 512);

	/* Merged while in use: what was right is not touched. */
	v3t_set(&tables, AT, 1, leaf);
	flush_page(test, domain, AT + 9 * SZ_4K);
	KUNIT_EXPECT_EQ(test, v3t_stats(w->sim).unmaps, now.unmaps + 1);
	v3t_expect_reaches(test, w->pdo, AT + 9 * SZ_4K, block + 9);
	v3t_expect_reaches(test, w->pdo, AT + SZ_2M - SZ_4K, block + 511);

	/* Merged after a break: a large leaf again. */
	v3t_set(&tables, AT, 1, 0);
	flush(test, domain);
	v3t_expect_blocked(test, w->pdo, AT);
	v3t_set(&tables, AT, 1, leaf);
	flush_page(test, domain, AT);
	KUNIT_EXPECT_EQ(test, v3t_stats(w->sim).leaf_2m, before.leaf_2m + 1);
	KUNIT_EXPECT_EQ(test, v3t_stats(w->sim).leaf_4k, before.leaf_4k);
	v3t_expect_reaches(test, w->pdo, AT + 9 * SZ_4K, block + 9);
	v3t_expect_no_stale_hits(test, w->sim);
}

/* All of the pages go somewhere else at once: nothing had to stay, so the block is one. */
static void a_block_replaces_other_pages(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct page *block = v3t_pages(test, 9), *other = v3t_pages(test, 0);
	struct v3t_tables tables;
	PIOMMU_DMA_DOMAIN domain = start(test, &tables, V3T_X64);
	u64 leaves = v3t_stats(w->sim).leaf_2m;

	v3t_set_page(&tables, AT + SZ_8K, other);
	v3t_set_page(&tables, AT + SZ_1M, other);
	flush(test, domain);
	v3t_set(&tables, AT, 1, v3t_leaf(&tables, page_to_phys(block), 1, true));
	flush_page(test, domain, AT);
	KUNIT_EXPECT_EQ(test, v3t_stats(w->sim).leaf_2m, leaves + 1);
	v3t_expect_reaches(test, w->pdo, AT + SZ_8K, block + 2);
	v3t_expect_reaches(test, w->pdo, AT + SZ_1M, block + 256);
}

/* A block that the hardware needs in pieces is one for who flushes it. */
static void one_address_flushes_all_of_a_block(struct kunit *test)
{
	static const struct iommusim_config no_gigabytes = {
		.pgsize_bitmap = SZ_4K | SZ_2M, .quirks = IOMMUSIM_OWN_DOMAINS,
	};
	struct iommusim *sim = v3t_sim(test, &no_gigabytes);
	struct device *pdo = v3t_pdo(test, sim, NULL);
	PIOMMU_DMA_DEVICE device = v3t_device(test, pdo);
	PIOMMU_DMA_DOMAIN domain = unmanaged(test);
	struct page *page = v3t_pages(test, 9);
	u64 leaves = v3t_stats(sim).leaf_2m, far = AT + page_to_phys(page);
	struct v3t_tables tables;
	unsigned int i;

	v3t_tables_init(test, &tables, V3T_X64);
	v3t_configure(domain, &tables);
	v3t_attach(test, domain, device);
	for (i = 0; i < 2; i++) {
		v3t_set(&tables, AT, 2, v3t_leaf(&tables, 0, 2, true));
		flush_page(test, domain, AT + SZ_512M + i * SZ_4K);
		KUNIT_EXPECT_EQ(test, v3t_stats(sim).leaf_2m, leaves + 512);
		v3t_expect_reaches(test, pdo, far, page);
		v3t_expect_reaches(test, pdo, far + SZ_4K, page + 1);
		v3t_set(&tables, AT, 2, 0);
		flush_page(test, domain, AT + SZ_256M);
		KUNIT_EXPECT_EQ(test, v3t_stats(sim).leaf_2m, leaves);
		v3t_expect_blocked(test, pdo, far);
	}
	v3t_expect_no_stale_hits(test, sim);
}

/* Hardware with 4 KiB leaves only takes any block. */
static void blocks_work_without_large_leaves(struct kunit *test)
{
	static const struct iommusim_config small = { .pgsize_bitmap = SZ_4K };
	struct iommusim *sim = v3t_sim(test, &small);
	struct device *pdo = v3t_pdo(test, sim, NULL);
	PIOMMU_DMA_DEVICE device = v3t_device(test, pdo);
	PIOMMU_DMA_DOMAIN domain = unmanaged(test);
	struct page *block = v3t_pages(test, 9);
	struct v3t_tables tables;

	v3t_tables_init(test, &tables, V3T_X64);
	v3t_set(&tables, AT, 1, v3t_leaf(&tables, page_to_phys(block), 1, true));
	v3t_configure(domain, &tables);
	v3t_attach(test, domain, device);
	v3t_expect_reaches(test, pdo, AT, block);
	v3t_expect_reaches(test, pdo, AT + SZ_2M - SZ_4K, block + 511);
	v3t_set(&tables, AT, 1, 0);
	flush_page(test, domain, AT + SZ_1M);
	v3t_expect_blocked(test, pdo, AT);
	v3t_expect_blocked(test, pdo, AT + SZ_2M - SZ_4K);
	v3t_expect_no_stale_hits(test, sim);
}

/* Whatever is configured there. */
static void nothing_beyond_the_aperture_is_looked_at(struct kunit *test)
{
	static const struct iommusim_config narrow = {
		.aperture_bits = 39, .quirks = IOMMUSIM_OWN_DOMAINS,
	};
	struct device *pdo = v3t_pdo(test, v3t_sim(test, &narrow), NULL);
	PIOMMU_DMA_DEVICE device = v3t_device(test, pdo);
	PIOMMU_DMA_DOMAIN domain = unmanaged(test);
	struct page *page = v3t_pages(test, 0);
	u64 beyond = BIT_ULL(40), i;
	struct v3t_tables tables;

	v3t_skip_where(test, IOMMUSIM_LATE_GEOMETRY, "the aperture comes with the first attach");
	v3t_tables_init(test, &tables, V3T_X64);
	for (i = 0; i < 512; i++)
		v3t_set(&tables, beyond + i * SZ_1G, 2, v3t_leaf(&tables, 0, 2, true));
	v3t_set_page(&tables, BIT_ULL(39) - SZ_4K, page);
	v3t_configure(domain, &tables);
	v3t_attach(test, domain, device);
	v3t_expect_reaches(test, pdo, BIT_ULL(39) - SZ_4K, page);
	v3t_expect_fault(test, pdo, beyond, false, IOMMUSIM_FAULT_ADDRESS_SIZE);
	flush_page(test, domain, beyond + SZ_1G);
	flush(test, domain);
}

/* The driver refuses addresses between the two halves. */
static void refused_blocks_keep_nobody_busy(struct kunit *test)
{
	static const struct iommusim_config halves = {
		.aperture_bits = 48, .quirks = IOMMUSIM_SIGN_EXTEND | IOMMUSIM_OWN_DOMAINS,
	};
	struct device *pdo = v3t_pdo(test, v3t_sim(test, &halves), NULL);
	PIOMMU_DMA_DEVICE device = v3t_device(test, pdo);
	PIOMMU_DMA_DOMAIN domain = unmanaged(test);
	struct page *page = v3t_pages(test, 0);
	u64 *root, *level3, *level2, table, i;
	struct v3t_tables tables;

	v3t_tables_init(test, &tables, &v3t_formats[2]);
	root = phys_to_virt(tables.root);
	table = v3t_new_table(&tables);
	level2 = phys_to_virt(table);
	for (i = 0; i < 512; i++)
		level2[i] = v3t_leaf(&tables, 0, 2, true);
	level3 = phys_to_virt(v3t_new_table(&tables));
	level3[0] = v3t_link(&tables, table);
	root[1] = v3t_link(&tables, virt_to_phys(level3));
	v3t_set_page(&tables, AT, page);
	v3t_configure(domain, &tables);
	v3t_attach(test, domain, device);
	v3t_expect_reaches(test, pdo, AT, page);

	for (i = 0; i < 512; i++)
		level3[i] = v3t_link(&tables, table);
	for (i = 1; i < 9; i++)
		root[i] = root[1];
	EXPECT_V3(test, STATUS_INSUFFICIENT_RESOURCES, FlushDomain, domain);
	v3t_expect_reaches(test, pdo, AT, page);
}

/* Where the hardware needs tables for a block, these are bounded like any. */
static void blocks_in_pieces_take_their_share(struct kunit *test)
{
	static const struct iommusim_config small = {
		.pgsize_bitmap = SZ_4K, .quirks = IOMMUSIM_OWN_DOMAINS,
	};
	struct iommusim *sim = v3t_sim(test, &small);
	PIOMMU_DMA_DEVICE device = v3t_device(test, v3t_pdo(test, sim, NULL));
	u64 share = domain_share(), at_rest, i;
	PIOMMU_DMA_DOMAIN domain = unmanaged(test);
	struct v3t_tables tables;

	v3t_tables_init(test, &tables, V3T_X64);
	v3t_configure(domain, &tables);
	v3t_attach(test, domain, device);
	at_rest = v3t_stats(sim).tables;
	for (i = 0; i <= share / 512; i++)
		v3t_set(&tables, i * SZ_1G, 2, v3t_leaf(&tables, 0, 2, true));
	EXPECT_V3(test, STATUS_INSUFFICIENT_RESOURCES, FlushDomain, domain);
	KUNIT_EXPECT_GT(test, v3t_stats(sim).tables, at_rest);
	KUNIT_EXPECT_LE(test, v3t_stats(sim).tables, at_rest + share);
	memset(phys_to_virt(tables.root), 0, SZ_4K);
	v3t_configure(domain, &tables);
	KUNIT_EXPECT_EQ(test, v3t_stats(sim).leaf_4k, 0);
}

/* Without sign extension there is no upper half. */
static void upper_half_faults_where_there_is_none(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct page *page = v3t_pages(test, 0);
	u64 upper = GENMASK_ULL(63, 47);
	struct v3t_tables tables;
	PIOMMU_DMA_DOMAIN domain = start(test, &tables, V3T_X64);

	v3t_skip_where(test, IOMMUSIM_SIGN_EXTEND, "there is one");
	v3t_set_page(&tables, upper, page);
	v3t_set_page(&tables, AT, page);
	flush(test, domain);
	flush_page(test, domain, upper);
	v3t_expect_reaches(test, w->pdo, AT, page);
	v3t_expect_fault(test, w->pdo, upper, false, IOMMUSIM_FAULT_ADDRESS_SIZE);
}

/* With it there are two halves: of one x86-64 table, or one from each of ARM64's. */
static void both_halves_translate(struct kunit *test)
{
	static const struct iommusim_config halves = {
		.aperture_bits = 48, .quirks = IOMMUSIM_SIGN_EXTEND | IOMMUSIM_OWN_DOMAINS,
	};
	struct iommusim *sim = v3t_sim(test, &halves);
	struct device *pdo = v3t_pdo(test, sim, NULL);
	PIOMMU_DMA_DEVICE device = v3t_device(test, pdo);
	PIOMMU_DMA_DOMAIN domain = unmanaged(test);
	struct page **pages = v3t_scattered(test, 3), *block = v3t_pages(test, 9);
	u64 upper = GENMASK_ULL(63, 47), top = -(u64)SZ_4K, ttbr1 = GENMASK_ULL(63, 39);
	struct v3t_tables tables[2];
	DOMAIN_CONFIGURATION arm64 = {
		.Type = DomainConfigurationArm64, .Arm64.TranslationEnabled = TRUE,
		.Arm64.InputSize0 = 48, .Arm64.InputSize1 = 39,
	};

	v3t_tables_init(test, &tables[0], V3T_X64);
	v3t_set_page(&tables[0], AT, pages[0]);
	v3t_set_page(&tables[0], upper, pages[1]);
	v3t_set_page(&tables[0], top, pages[2]);
	v3t_set(&tables[0], upper + SZ_2M, 1, v3t_leaf(&tables[0], page_to_phys(block), 1, true));
	v3t_configure(domain, &tables[0]);
	v3t_attach(test, domain, device);
	v3t_expect_reaches(test, pdo, AT, pages[0]);
	v3t_expect_reaches(test, pdo, upper, pages[1]);
	v3t_expect_reaches(test, pdo, upper + SZ_4M - SZ_4K, block + 511);
	v3t_expect_reaches(test, pdo, top, pages[2]);
	v3t_expect_blocked(test, pdo, upper + AT);
	v3t_set(&tables[0], top, 0, 0);
	flush_page(test, domain, top);
	v3t_expect_blocked(test, pdo, top);

	v3t_tables_init(test, &tables[0], V3T_ARM64);
	v3t_tables_init(test, &tables[1], &v3t_formats[3]);
	v3t_set_page(&tables[0], AT, pages[0]);
	v3t_set_page(&tables[1], ttbr1, pages[1]);
	v3t_set_page(&tables[1], top, pages[2]);
	arm64.Arm64.Ttbr0.QuadPart = tables[0].root;
	arm64.Arm64.Ttbr1.QuadPart = tables[1].root;
	EXPECT_V3(test, STATUS_SUCCESS, ConfigureDomain, domain, &arm64);
	v3t_expect_reaches(test, pdo, AT, pages[0]);
	v3t_expect_reaches(test, pdo, ttbr1, pages[1]);
	v3t_expect_reaches(test, pdo, top, pages[2]);
	v3t_expect_blocked(test, pdo, upper);
	v3t_expect_blocked(test, pdo, ttbr1 - SZ_4K);
	arm64.Arm64.InputSize1 = 0;
	EXPECT_V3(test, STATUS_SUCCESS, ConfigureDomain, domain, &arm64);
	v3t_expect_reaches(test, pdo, AT, pages[0]);
	v3t_expect_blocked(test, pdo, top);
	v3t_expect_no_stale_hits(test, sim);
}

static void bad_configurations_are_refused(struct kunit *test)
{
	PIOMMU_DMA_DOMAIN domain = unmanaged(test), translate = v3t_explicit(test);
	DOMAIN_CONFIGURATION config = { .Type = DomainConfigurationInvalid };
	struct page *page = v3t_pages(test, 0);
	struct v3t_world *w = test->priv;
	struct v3t_tables tables;

	/* All of them leave alone what is configured. */
	v3t_tables_init(test, &tables, V3T_ARM64);
	v3t_set_page(&tables, AT, page);
	v3t_configure(domain, &tables);
	v3t_attach(test, domain, w->device);

	REFUSE_V3(test, STATUS_INVALID_PARAMETER_2, ConfigureDomain, domain, NULL);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_2, ConfigureDomain, domain, &config);
	config.Type = 77;
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_2, ConfigureDomain, domain, &config);

	config.Type = DomainConfigurationX64;
	config.X64.TranslationEnabled = TRUE;
	config.X64.FirstLevelPageTableRoot.QuadPart = tables.root + 8;
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_2, ConfigureDomain, domain, &config);
	config.X64.FirstLevelPageTableRoot.QuadPart = BIT_ULL(52);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_2, ConfigureDomain, domain, &config);
	config.X64.FirstLevelPageTableRoot.QuadPart = tables.root;
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, ConfigureDomain, translate, &config);
	REFUSE_V1(test, STATUS_INVALID_PARAMETER_1, ConfigureDomain, translate, &config);

	config = (DOMAIN_CONFIGURATION) {
		.Type = DomainConfigurationArm64, .Arm64.TranslationEnabled = TRUE,
		.Arm64.Ttbr0.QuadPart = tables.root,
	};
	config.Arm64.InputSize0 = 15;
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_2, ConfigureDomain, domain, &config);
	config.Arm64.InputSize0 = 49;
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_2, ConfigureDomain, domain, &config);
	config.Arm64.InputSize0 = 48;
	config.Arm64.InputSize1 = 49;
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_2, ConfigureDomain, domain, &config);
	config.Arm64.InputSize1 = 0;
	config.Arm64.Ttbr0.QuadPart = tables.root + SZ_2K;
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_2, ConfigureDomain, domain, &config);
	config.Arm64.Ttbr0.QuadPart = BIT_ULL(48);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_2, ConfigureDomain, domain, &config);

	EXPECT_CALL(test, STATUS_INVALID_PARAMETER_1, v3compat_configure_x64, NULL, tables.root, 4);
	EXPECT_CALL(test, STATUS_INVALID_PARAMETER_1, v3compat_configure_x64, translate,
		    tables.root, 4);
	EXPECT_CALL(test, STATUS_INVALID_PARAMETER_1, v3compat_configure_x64, translate,
		    tables.root + 1, 3);
	EXPECT_CALL(test, STATUS_INVALID_PARAMETER_2, v3compat_configure_x64, domain,
		    tables.root + 1, 4);
	EXPECT_CALL(test, STATUS_INVALID_PARAMETER_3, v3compat_configure_x64, domain, tables.root,
		    3);
	EXPECT_CALL(test, STATUS_INVALID_PARAMETER_3, v3compat_configure_x64, domain, tables.root,
		    6);

	v3t_expect_reaches(test, w->pdo, AT, page);
}

/* A root of 16 entries may be anywhere in a page. */
static void small_roots_need_small_alignment(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = unmanaged(test);
	struct page *table = v3t_pages(test, 0), *page = v3t_pages(test, 0);
	u64 *entries = page_address(table);
	DOMAIN_CONFIGURATION config = {
		.Type = DomainConfigurationArm64,
		.Arm64.Ttbr0.QuadPart = page_to_phys(table) + SZ_128,
		.Arm64.InputSize0 = 16,
		.Arm64.TranslationEnabled = TRUE,
	};
	struct v3t_tables arm64 = { .format = V3T_ARM64 };

	memset(entries, 0, PAGE_SIZE);
	/* In front of the table, its first and last entry, and behind it. */
	entries[15] = v3t_leaf(&arm64, page_to_phys(page), 0, true);
	entries[16] = entries[15];
	entries[31] = entries[15];
	entries[32] = entries[15];
	EXPECT_V3(test, STATUS_SUCCESS, ConfigureDomain, domain, &config);
	v3t_attach(test, domain, w->device);
	v3t_expect_reaches(test, w->pdo, 0, page);
	v3t_expect_reaches(test, w->pdo, 15 * SZ_4K, page);
	v3t_expect_blocked(test, w->pdo, SZ_4K);
	v3t_expect_blocked(test, w->pdo, 16 * SZ_4K);
	config.Arm64.Ttbr0.QuadPart += 64;
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_2, ConfigureDomain, domain, &config);
}

static void reconfigured_domains_follow_the_new_tables(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct page **pages = v3t_scattered(test, 2);
	struct v3t_tables old, new;
	PIOMMU_DMA_DOMAIN domain = start(test, &old, V3T_X64);
	DOMAIN_CONFIGURATION nothing = {
		.Type = DomainConfigurationArm64, .Arm64.TranslationEnabled = TRUE,
	};

	v3t_set_page(&old, AT, pages[0]);
	v3t_set_page(&old, AT + SZ_4K, pages[0]);
	flush(test, domain);
	v3t_tables_init(test, &new, V3T_ARM64);
	v3t_set_page(&new, AT, pages[1]);
	v3t_configure(domain, &new);
	v3t_expect_reaches(test, w->pdo, AT, pages[1]);
	v3t_expect_blocked(test, w->pdo, AT + SZ_4K);
	EXPECT_V1(test, STATUS_SUCCESS, ConfigureDomain, domain, &nothing);
	v3t_expect_blocked(test, w->pdo, AT);
	v3t_expect_no_stale_hits(test, w->sim);
}

static NTSTATUS bypass(struct kunit *test, PIOMMU_DMA_DOMAIN domain, bool arm64)
{
	DOMAIN_CONFIGURATION config = {
		.Type = arm64 ? DomainConfigurationArm64 : DomainConfigurationX64,
	};

	return V3T_V3(test)->ConfigureDomain(domain, &config);
}

/* User-mode Linux does not list its memory as such: the case does it for some. */
static void bypass_shows_all_of_memory(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct page *page = v3t_pages(test, 10);
	u64 phys = page_to_phys(page), gap = phys + SZ_2M + SZ_1M;
	struct resource ram = {
		.name = "v3compat test", .flags = IORESOURCE_MEM | IORESOURCE_BUSY,
		.start = phys, .end = gap - 1,
	};
	struct iommusim_stats before, now;
	struct v3t_tables tables;
	PIOMMU_DMA_DOMAIN domain = start(test, &tables, V3T_X64);
	bool listed = region_intersects(phys, SZ_4M, IORESOURCE_SYSTEM_RAM,
					IORES_DESC_NONE) == REGION_INTERSECTS;

	v3t_set_page(&tables, phys + 64ULL * SZ_1G, page);
	flush(test, domain);
	EXPECT_RESULT(test, STATUS_SUCCESS, ConfigureDomain, bypass(test, domain, false));
	before = v3t_stats(w->sim);
	if (!listed)
		KUNIT_ASSERT_EQ(test, request_resource(&iomem_resource, &ram), 0);
	EXPECT_RESULT(test, STATUS_SUCCESS, ConfigureDomain, bypass(test, domain, false));
	v3t_expect_reaches(test, w->pdo, phys, page);
	v3t_expect_reaches(test, w->pdo, gap - SZ_4K, page + 767);
	v3t_expect_blocked(test, w->pdo, phys + 64ULL * SZ_1G);
	if (!listed) {
		now = v3t_stats(w->sim);
		KUNIT_EXPECT_EQ(test, now.leaf_2m, before.leaf_2m + 1);
		KUNIT_EXPECT_EQ(test, now.leaf_4k, before.leaf_4k + 256);
		v3t_expect_blocked(test, w->pdo, gap);
		v3t_expect_blocked(test, w->pdo, phys - SZ_4K);
	}
	EXPECT_RESULT(test, STATUS_SUCCESS, ConfigureDomain, bypass(test, domain, true));
	flush(test, domain);
	flush_page(test, domain, phys);
	v3t_expect_reaches(test, w->pdo, phys, page);
	v3t_configure(domain, &tables);
	v3t_expect_blocked(test, w->pdo, phys);
	v3t_expect_reaches(test, w->pdo, phys + 64ULL * SZ_1G, page);
	v3t_expect_no_stale_hits(test, w->sim);
	if (!listed)
		release_resource(&ram);
}

static void bypass_is_not_for_guarded_devices(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct device *pdo = v3t_pdo(test, w->sim, NULL);
	struct page *page = v3t_pages(test, 0);
	PIOMMU_DMA_DEVICE device;
	PIOMMU_DMA_DOMAIN domain;
	struct v3t_tables tables;

	dev_set_removable(pdo, DEVICE_REMOVABLE);
	device = v3t_device(test, pdo);
	domain = start(test, &tables, V3T_X64);
	EXPECT_RESULT(test, STATUS_SUCCESS, ConfigureDomain, bypass(test, domain, false));
	REFUSE_V3(test, STATUS_ACCESS_DENIED, AttachDeviceEx, domain, device);
	v3t_set_page(&tables, AT, page);
	v3t_configure(domain, &tables);
	v3t_attach(test, domain, device);
	REFUSE_V3(test, STATUS_ACCESS_DENIED, ConfigureDomain, domain,
		  &(DOMAIN_CONFIGURATION) { .Type = DomainConfigurationX64 });
	v3t_expect_reaches(test, pdo, AT, page);
	v3t_expect_reaches(test, w->pdo, AT, page);
}

/* Known to the domain from the start: what the platform keeps for itself stays out. */
static void windows_of_devices_are_left_out(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	static const u64 window = 0xfee00000, end = 0xfef00000;
	struct page *page = v3t_pages(test, 9);
	struct v3t_tables tables;
	PIOMMU_DMA_DOMAIN domain = start(test, &tables, V3T_X64);
	u64 leaves = v3t_stats(w->sim).leaf_4k, base = window & ~(u64)(SZ_2M - 1);

	v3t_set(&tables, base, 1, v3t_leaf(&tables, page_to_phys(page), 1, true));
	flush_page(test, domain, base);
	/* The window is half of the block. */
	KUNIT_EXPECT_EQ(test, v3t_stats(w->sim).leaf_4k, leaves + 256);
	if (window > base)
		v3t_expect_reaches(test, w->pdo, window - SZ_4K,
				   page + ((window - base) / SZ_4K - 1));
	if (end < base + SZ_2M)
		v3t_expect_reaches(test, w->pdo, end, page + (end - base) / SZ_4K);
	flush(test, domain);
	KUNIT_EXPECT_EQ(test, v3t_stats(w->sim).leaf_4k, leaves + 256);
	v3t_set(&tables, base, 1, 0);
	flush_page(test, domain, window);
	KUNIT_EXPECT_EQ(test, v3t_stats(w->sim).leaf_4k, leaves);
}

static void region_of_a_new_device_must_be_free(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	static const struct iommusim_region region = {
		.first = AT + SZ_8K, .last = AT + SZ_16K - 1, .type = IOMMU_RESV_DIRECT,
		.prot = IOMMU_READ | IOMMU_WRITE,
	};
	static const struct iommusim_device_config config = {
		.regions = &region, .nr_regions = 1,
	};
	struct page *page = v3t_pages(test, 9);
	struct v3t_tables tables;
	PIOMMU_DMA_DOMAIN domain = start(test, &tables, V3T_X64);
	u64 leaf = v3t_leaf(&tables, page_to_phys(page), 1, true);
	struct iommusim_stats before;
	PIOMMU_DMA_DEVICE device;

	v3t_set(&tables, AT, 1, leaf);
	flush(test, domain);
	device = v3t_device(test, v3t_pdo(test, w->sim, &config));
	REFUSE_V3(test, STATUS_INVALID_PARAMETER, AttachDeviceEx, domain, device);
	v3t_expect_reaches(test, w->pdo, AT + SZ_8K, page + 2);
	flush(test, domain);
	v3t_expect_reaches(test, w->pdo, AT + SZ_8K, page + 2);

	v3t_set(&tables, AT, 1, 0);
	flush(test, domain);
	before = v3t_stats(w->sim);
	v3t_attach(test, domain, device);
	KUNIT_EXPECT_EQ(test, v3t_stats(w->sim).leaf_4k, before.leaf_4k + 2);
	/* The region keeps its own translation whatever the tables say. */
	v3t_set(&tables, AT, 1, leaf);
	flush(test, domain);
	KUNIT_EXPECT_EQ(test, v3t_stats(w->sim).leaf_4k, before.leaf_4k + 512);
	v3t_expect_reaches(test, w->pdo, AT + SZ_4K, page + 1);
	v3t_expect_reaches(test, w->pdo, AT + SZ_16K, page + 4);
	v3t_expect_misses(test, w->pdo, AT + SZ_8K, page + 2);
	v3t_detach(test, device);
}

static void two_kinds_of_iommu_see_the_same(struct kunit *test)
{
	static const struct iommusim_config own = {
		.aperture_bits = 39, .quirks = IOMMUSIM_OWN_DOMAINS,
	};
	struct v3t_world *w = test->priv;
	struct iommusim *sim = v3t_sim(test, &own);
	struct device *pdo = v3t_pdo(test, sim, NULL);
	PIOMMU_DMA_DEVICE device = v3t_device(test, pdo);
	struct page **pages = v3t_scattered(test, 3);
	u64 high = BIT_ULL(40);
	struct v3t_tables tables;
	PIOMMU_DMA_DOMAIN domain = start(test, &tables, V3T_X64);

	v3t_set_page(&tables, AT, pages[0]);
	v3t_set_page(&tables, high, pages[1]);
	flush(test, domain);
	v3t_attach(test, domain, device);
	v3t_expect_reaches(test, w->pdo, AT, pages[0]);
	v3t_expect_reaches(test, w->pdo, high, pages[1]);
	v3t_expect_reaches(test, pdo, AT, pages[0]);
	v3t_expect_fault(test, pdo, high, false, IOMMUSIM_FAULT_ADDRESS_SIZE);

	v3t_set_page(&tables, AT, pages[2]);
	flush_page(test, domain, AT);
	v3t_expect_reaches(test, w->pdo, AT, pages[2]);
	v3t_expect_reaches(test, pdo, AT, pages[2]);
	v3t_detach(test, w->device);
	v3t_set_page(&tables, AT, pages[1]);
	flush(test, domain);
	v3t_expect_reaches(test, pdo, AT, pages[1]);
	v3t_attach(test, domain, w->device);
	v3t_expect_reaches(test, w->pdo, AT, pages[1]);
	v3t_expect_reaches(test, w->pdo, high, pages[1]);
	v3t_expect_no_stale_hits(test, w->sim);
	v3t_expect_no_stale_hits(test, sim);
}

/* An IOMMU that says what it can do only when a device is attached. */
static void geometry_that_comes_late_is_heeded(struct kunit *test)
{
	static const struct iommusim_config late = {
		.aperture_bits = 39, .quirks = IOMMUSIM_LATE_GEOMETRY | IOMMUSIM_UNMAP_WHOLE,
	};
	struct iommusim *sim = v3t_sim(test, &late);
	struct device *pdo = v3t_pdo(test, sim, NULL);
	PIOMMU_DMA_DEVICE device = v3t_device(test, pdo);
	struct page *block = v3t_pages(test, 9), *page = v3t_pages(test, 0);
	PIOMMU_DMA_DOMAIN domain = unmanaged(test);
	struct v3t_tables tables;

	v3t_tables_init(test, &tables, V3T_X64);
	v3t_set(&tables, AT, 1, v3t_leaf(&tables, page_to_phys(block), 1, true));
	v3t_set_page(&tables, BIT_ULL(40), page);
	v3t_configure(domain, &tables);
	v3t_attach(test, domain, device);
	v3t_expect_reaches(test, pdo, AT + SZ_1M, block + 256);
	v3t_expect_fault(test, pdo, BIT_ULL(40), false, IOMMUSIM_FAULT_ADDRESS_SIZE);
	v3t_set(&tables, AT, 1, 0);
	v3t_set_page(&tables, BIT_ULL(38), page);
	flush(test, domain);
	v3t_expect_blocked(test, pdo, AT);
	v3t_expect_reaches(test, pdo, BIT_ULL(38), page);
	v3t_expect_no_stale_hits(test, sim);
}

static void flushes_work_in_atomic_context(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct page **pages = v3t_scattered(test, 2);
	struct v3t_tables tables;
	PIOMMU_DMA_DOMAIN domain = start(test, &tables, V3T_X64);
	u64 list[2] = { AT, AT + SZ_4K };
	NTSTATUS all, some;
	unsigned long flags;

	v3t_set_page(&tables, AT, pages[0]);
	local_irq_save(flags);
	all = V3T_V3(test)->FlushDomain(domain);
	local_irq_restore(flags);
	EXPECT_RESULT(test, STATUS_SUCCESS, FlushDomain, all);
	v3t_expect_reaches(test, w->pdo, AT, pages[0]);

	v3t_set(&tables, AT, 0, 0);
	v3t_set_page(&tables, AT + SZ_4K, pages[1]);
	preempt_disable();
	some = V3T_V3(test)->FlushDomainByVaList(domain, FALSE, 2, list);
	preempt_enable();
	EXPECT_RESULT(test, STATUS_SUCCESS, FlushDomainByVaList, some);
	v3t_expect_blocked(test, w->pdo, AT);
	v3t_expect_reaches(test, w->pdo, AT + SZ_4K, pages[1]);
}

/* Whatever cannot be mapped is blocked, and what must go is gone. */
static void shortage_leaves_nothing_stale(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct page **pages = v3t_scattered(test, 3);
	struct v3t_tables tables;
	PIOMMU_DMA_DOMAIN domain = start(test, &tables, V3T_X64);

	v3t_set_page(&tables, AT, pages[0]);
	v3t_set_page(&tables, 9 * AT, pages[0]);
	flush(test, domain);

	v3t_set(&tables, 9 * AT, 0, 0);
	v3t_set_page(&tables, 2 * AT, pages[1]);
	v3t_set_page(&tables, 10 * AT, pages[2]);
	iommusim_fail_tables(w->sim, 0, UINT_MAX);
	EXPECT_V3(test, STATUS_INSUFFICIENT_RESOURCES, FlushDomain, domain);
	v3t_expect_reaches(test, w->pdo, AT, pages[0]);
	v3t_expect_blocked(test, w->pdo, 9 * AT);
	v3t_expect_blocked(test, w->pdo, 2 * AT);
	EXPECT_V3(test, STATUS_INSUFFICIENT_RESOURCES, FlushDomainByVaList, domain, FALSE, 1,
		  &(u64) { 2 * AT });
	EXPECT_CALL(test, STATUS_INSUFFICIENT_RESOURCES, v3compat_configure_x64, domain,
		    tables.root, 4);
	/* The old tables are gone and the new ones are not there. */
	v3t_expect_blocked(test, w->pdo, AT);
	iommusim_fail_tables(w->sim, 0, 0);
	flush(test, domain);
	v3t_expect_blocked(test, w->pdo, AT);
	v3t_configure(domain, &tables);
	v3t_expect_reaches(test, w->pdo, AT, pages[0]);
	v3t_expect_reaches(test, w->pdo, 2 * AT, pages[1]);
	v3t_expect_reaches(test, w->pdo, 10 * AT, pages[2]);

	/* A short shortage is waited for. */
	v3t_set_page(&tables, 4 * AT, pages[1]);
	iommusim_fail_tables(w->sim, 0, 2);
	v3t_configure(domain, &tables);
	v3t_expect_reaches(test, w->pdo, 4 * AT, pages[1]);
	v3t_expect_no_stale_hits(test, w->sim);
}

/* Tables of which each is used 512 times describe more than any machine has. */
static void tables_that_multiply_are_cut_off(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct page *page = v3t_pages(test, 0);
	struct v3t_tables tables;
	PIOMMU_DMA_DOMAIN domain;
	u64 level1, level2, leaf, *entries, at_rest, i;

	v3t_tables_init(test, &tables, V3T_X64);
	level1 = v3t_new_table(&tables);
	level2 = v3t_new_table(&tables);
	leaf = v3t_new_table(&tables);
	entries = phys_to_virt(leaf);
	entries[3] = v3t_leaf(&tables, page_to_phys(page), 0, true);
	for (i = 0; i < 512; i++) {
		((u64 *)phys_to_virt(level1))[i] = v3t_link(&tables, leaf);
		((u64 *)phys_to_virt(level2))[i] = v3t_link(&tables, level1);
		((u64 *)phys_to_virt(tables.root))[i] = v3t_link(&tables, level2);
	}
	domain = unmanaged(test);
	at_rest = v3t_stats(w->sim).tables;
	EXPECT_RESULT(test, STATUS_INSUFFICIENT_RESOURCES, ConfigureDomain,
		      v3t_install(domain, &tables));
	v3t_attach(test, domain, w->device);
	v3t_expect_blocked(test, w->pdo, 3 * SZ_4K);

	/* The same with nothing in it. */
	entries[3] = 0;
	EXPECT_RESULT(test, STATUS_INSUFFICIENT_RESOURCES, ConfigureDomain,
		      v3t_install(domain, &tables));
	/* Within bounds it is as good as any other. */
	entries[3] = v3t_leaf(&tables, page_to_phys(page), 0, true);
	memset(phys_to_virt(tables.root) + 8, 0, SZ_4K - 8);
	memset(phys_to_virt(level2) + 8, 0, SZ_4K - 8);
	v3t_configure(domain, &tables);
	v3t_expect_reaches(test, w->pdo, 3 * SZ_4K, page);
	v3t_expect_reaches(test, w->pdo, 511 * (u64)SZ_2M + 3 * SZ_4K, page);
	KUNIT_EXPECT_GE(test, v3t_stats(w->sim).tables, at_rest + 512);
	v3t_detach(test, w->device);
	v3t_delete_domain(test, domain);
	KUNIT_EXPECT_LT(test, v3t_stats(w->sim).tables, at_rest);
}

static void calls_that_map_refuse(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct v3t_tables tables;
	PIOMMU_DMA_DOMAIN domain = start(test, &tables, V3T_X64);
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_page(v3t_pages(test, 0));
	IOMMU_DMA_LOGICAL_ADDRESS at = AT;

	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, MapLogicalRangeEx, domain, V3T_RW, &what, &at,
		  NULL, NULL, &w->out.address);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, UnmapLogicalRange, domain, AT, 1);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, MapIdentityRangeEx, domain, V3T_RW, &what);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, ReserveLogicalAddressRange, domain, SZ_4K, &at,
		  NULL, NULL, &w->out.token);
	REFUSE_V3(test, STATUS_RESOURCE_IN_USE, DeleteDomain, domain);
}

static void v1_makes_them_too(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct page *page = v3t_pages(test, 0);
	PIOMMU_DMA_DOMAIN domain;
	struct v3t_tables tables;

	v3t_tables_init(test, &tables, V3T_ARM64);
	v3t_set_page(&tables, AT, page);
	ASSERT_V1(test, STATUS_SUCCESS, CreateDomain, FALSE, &domain);
	v3t_adopt_domain(test, domain);
	v3t_configure(domain, &tables);
	EXPECT_V1(test, STATUS_SUCCESS, AttachDevice, domain, w->pdo, 0, 1);
	v3t_expect_reaches(test, w->pdo, AT, page);
	v3t_set(&tables, AT, 0, 0);
	EXPECT_V1(test, STATUS_SUCCESS, FlushDomainByVaList, domain, TRUE, 1, &(u64) { AT });
	v3t_expect_blocked(test, w->pdo, AT);
	v3t_set_page(&tables, AT, page);
	EXPECT_V1(test, STATUS_SUCCESS, FlushDomain, domain);
	v3t_expect_reaches(test, w->pdo, AT, page);
	EXPECT_V1(test, STATUS_SUCCESS, DetachDevice, domain, w->pdo, 0);
}

static struct kunit_case unmanaged_cases[] = {
	KUNIT_CASE(blocked_until_configured),
	KUNIT_CASE_PARAM(every_size_of_leaf_translates, format_gen_params),
	KUNIT_CASE_PARAM(permissions_of_all_levels_count, format_gen_params),
	KUNIT_CASE_PARAM(bad_entries_fault_alone, format_gen_params),
	KUNIT_CASE_PARAM(no_address_is_wider_than_the_processors, format_gen_params),
	KUNIT_CASE(changes_take_effect_with_the_flush),
	KUNIT_CASE(listed_neighbours_go_together),
	KUNIT_CASE(listed_neighbours_leave_a_half),
	KUNIT_CASE(neighbouring_blocks_go_together),
	KUNIT_CASE(blocks_between_are_not_touched),
	KUNIT_CASE(blocks_go_from_each_kind_of_iommu),
	KUNIT_CASE(cost_follows_the_list),
	KUNIT_CASE(neighbours_can_go_one_by_one),
	KUNIT_CASE(a_block_splits_and_merges),
	KUNIT_CASE(a_block_replaces_other_pages),
	KUNIT_CASE(one_address_flushes_all_of_a_block),
	KUNIT_CASE(blocks_work_without_large_leaves),
	KUNIT_CASE(nothing_beyond_the_aperture_is_looked_at),
	KUNIT_CASE(refused_blocks_keep_nobody_busy),
	KUNIT_CASE(blocks_in_pieces_take_their_share),
	KUNIT_CASE(upper_half_faults_where_there_is_none),
	KUNIT_CASE(both_halves_translate),
	KUNIT_CASE(bad_configurations_are_refused),
	KUNIT_CASE(small_roots_need_small_alignment),
	KUNIT_CASE(reconfigured_domains_follow_the_new_tables),
	KUNIT_CASE(bypass_shows_all_of_memory),
	KUNIT_CASE(bypass_is_not_for_guarded_devices),
	KUNIT_CASE(windows_of_devices_are_left_out),
	KUNIT_CASE(region_of_a_new_device_must_be_free),
	KUNIT_CASE(two_kinds_of_iommu_see_the_same),
	KUNIT_CASE(geometry_that_comes_late_is_heeded),
	KUNIT_CASE(flushes_work_in_atomic_context),
	KUNIT_CASE(shortage_leaves_nothing_stale),
	KUNIT_CASE(tables_that_multiply_are_cut_off),
	KUNIT_CASE(calls_that_map_refuse),
	KUNIT_CASE(v1_makes_them_too),
	{}
};

static struct kunit_suite unmanaged_suite = {
	.name = "v3compat_unmanaged",
	.init = v3t_init,
	.exit = v3t_exit,
	.test_cases = unmanaged_cases,
};

kunit_test_suite(unmanaged_suite);
