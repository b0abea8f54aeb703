// SPDX-License-Identifier: GPL-2.0
/* What each format's entries mean, bit by bit. */
#include <kunit/test.h>
#include <linux/sizes.h>

#include "table/table_format.h"

#define RW		(IOMMU_READ | IOMMU_WRITE)
#define X64_ALL		(V3C_X64_PRESENT | V3C_X64_WRITE | V3C_X64_USER)
#define ARM64_ALL	(V3C_ARM64_VALID | V3C_ARM64_USER | V3C_ARM64_ACCESSED)
#define ARM64_LINK	(V3C_ARM64_VALID | V3C_ARM64_TABLE)

struct row {
	const char *text;
	enum v3c_table_format format;
	unsigned int level;
	u64 value;
	enum v3c_entry_kind kind;
	u64 phys;
	int prot;
};

static const struct row rows[] = {
	{ "nothing", V3C_TABLE_X64, 0, 0, V3C_ENTRY_EMPTY },
	{ "page", V3C_TABLE_X64, 0, SZ_4K | X64_ALL, V3C_ENTRY_LEAF, SZ_4K, RW },
	{ "page 0", V3C_TABLE_X64, 0, X64_ALL, V3C_ENTRY_LEAF, 0, RW },
	{ "page that is not present", V3C_TABLE_X64, 0, SZ_4K | V3C_X64_WRITE | V3C_X64_USER,
	  V3C_ENTRY_EMPTY },
	{ "page for the supervisor", V3C_TABLE_X64, 0, SZ_4K | V3C_X64_PRESENT | V3C_X64_WRITE,
	  V3C_ENTRY_EMPTY },
	{ "page to read", V3C_TABLE_X64, 0, SZ_4K | V3C_X64_PRESENT | V3C_X64_USER, V3C_ENTRY_LEAF,
	  SZ_4K, IOMMU_READ },
	{ "page with a memory type, ignored and no-execute bits", V3C_TABLE_X64, 0,
	  SZ_4K | X64_ALL | GENMASK_ULL(11, 3) | GENMASK_ULL(63, 52), V3C_ENTRY_LEAF, SZ_4K, RW },
	{ "page beyond physical memory", V3C_TABLE_X64, 0, BIT_ULL(46) | X64_ALL, V3C_ENTRY_EMPTY },
	{ "last page of physical memory", V3C_TABLE_X64, 0, (BIT_ULL(46) - SZ_4K) | X64_ALL,
	  V3C_ENTRY_LEAF, BIT_ULL(46) - SZ_4K, RW },
	{ "table", V3C_TABLE_X64, 1, SZ_4K | X64_ALL, V3C_ENTRY_TABLE, SZ_4K, RW },
	{ "table to read", V3C_TABLE_X64, 3, SZ_4K | V3C_X64_PRESENT | V3C_X64_USER,
	  V3C_ENTRY_TABLE, SZ_4K, IOMMU_READ },
	{ "table for the supervisor", V3C_TABLE_X64, 4, SZ_4K | V3C_X64_PRESENT | V3C_X64_WRITE,
	  V3C_ENTRY_EMPTY },
	{ "table beyond physical memory", V3C_TABLE_X64, 2, BIT_ULL(51) | X64_ALL,
	  V3C_ENTRY_EMPTY },
	{ "2 MiB", V3C_TABLE_X64, 1, SZ_2M | X64_ALL | V3C_X64_LARGE, V3C_ENTRY_LEAF, SZ_2M, RW },
	{ "2 MiB with a memory type", V3C_TABLE_X64, 1,
	  SZ_2M | X64_ALL | V3C_X64_LARGE | V3C_X64_LARGE_PAT, V3C_ENTRY_LEAF, SZ_2M, RW },
	{ "2 MiB with a reserved bit", V3C_TABLE_X64, 1, SZ_2M | X64_ALL | V3C_X64_LARGE | SZ_8K,
	  V3C_ENTRY_EMPTY },
	{ "2 MiB with the last reserved bit", V3C_TABLE_X64, 1,
	  SZ_2M | X64_ALL | V3C_X64_LARGE | SZ_1M, V3C_ENTRY_EMPTY },
	{ "1 GiB", V3C_TABLE_X64, 2, SZ_1G | X64_ALL | V3C_X64_LARGE, V3C_ENTRY_LEAF, SZ_1G, RW },
	{ "1 GiB with a reserved bit", V3C_TABLE_X64, 2, SZ_1G | X64_ALL | V3C_X64_LARGE | SZ_2M,
	  V3C_ENTRY_EMPTY },
	{ "512 GiB", V3C_TABLE_X64, 3, X64_ALL | V3C_X64_LARGE, V3C_ENTRY_EMPTY },
	{ "256 TiB", V3C_TABLE_X64, 4, X64_ALL | V3C_X64_LARGE, V3C_ENTRY_EMPTY },

	{ "nothing", V3C_TABLE_ARM64, 0, 0, V3C_ENTRY_EMPTY },
	{ "page", V3C_TABLE_ARM64, 0, SZ_4K | ARM64_ALL | V3C_ARM64_TABLE, V3C_ENTRY_LEAF, SZ_4K,
	  RW },
	{ "invalid page", V3C_TABLE_ARM64, 0,
	  (SZ_4K | ARM64_ALL | V3C_ARM64_TABLE) & ~V3C_ARM64_VALID, V3C_ENTRY_EMPTY },
	{ "block among pages", V3C_TABLE_ARM64, 0, SZ_4K | ARM64_ALL, V3C_ENTRY_EMPTY },
	{ "page never accessed", V3C_TABLE_ARM64, 0, SZ_4K | ARM64_LINK | V3C_ARM64_USER,
	  V3C_ENTRY_EMPTY },
	{ "page for the privileged", V3C_TABLE_ARM64, 0, SZ_4K | ARM64_LINK | V3C_ARM64_ACCESSED,
	  V3C_ENTRY_EMPTY },
	{ "page to read", V3C_TABLE_ARM64, 0,
	  SZ_4K | ARM64_ALL | V3C_ARM64_TABLE | V3C_ARM64_READ_ONLY, V3C_ENTRY_LEAF, SZ_4K,
	  IOMMU_READ },
	{ "page with attributes and ignored bits", V3C_TABLE_ARM64, 0,
	  SZ_4K | ARM64_ALL | V3C_ARM64_TABLE | GENMASK_ULL(5, 2) | GENMASK_ULL(9, 8) |
	  BIT_ULL(11) | GENMASK_ULL(63, 50), V3C_ENTRY_LEAF, SZ_4K, RW },
	{ "page with bit 48", V3C_TABLE_ARM64, 0, BIT_ULL(48) | ARM64_ALL | V3C_ARM64_TABLE,
	  V3C_ENTRY_EMPTY },
	{ "page with bit 49", V3C_TABLE_ARM64, 0, BIT_ULL(49) | ARM64_ALL | V3C_ARM64_TABLE,
	  V3C_ENTRY_EMPTY },
	{ "page beyond physical memory", V3C_TABLE_ARM64, 0,
	  BIT_ULL(46) | ARM64_ALL | V3C_ARM64_TABLE, V3C_ENTRY_EMPTY },
	{ "table", V3C_TABLE_ARM64, 1, SZ_4K | ARM64_LINK, V3C_ENTRY_TABLE, SZ_4K, RW },
	{ "table to read", V3C_TABLE_ARM64, 3, SZ_4K | ARM64_LINK | V3C_ARM64_TABLE_READ_ONLY,
	  V3C_ENTRY_TABLE, SZ_4K, IOMMU_READ },
	{ "table for the privileged", V3C_TABLE_ARM64, 2,
	  SZ_4K | ARM64_LINK | V3C_ARM64_TABLE_NO_USER, V3C_ENTRY_EMPTY },
	{ "table with bit 49", V3C_TABLE_ARM64, 1, BIT_ULL(49) | ARM64_LINK, V3C_ENTRY_EMPTY },
	{ "2 MiB", V3C_TABLE_ARM64, 1, SZ_2M | ARM64_ALL, V3C_ENTRY_LEAF, SZ_2M, RW },
	{ "2 MiB, misaligned", V3C_TABLE_ARM64, 1, SZ_4K | ARM64_ALL, V3C_ENTRY_EMPTY },
	{ "1 GiB", V3C_TABLE_ARM64, 2, SZ_1G | ARM64_ALL, V3C_ENTRY_LEAF, SZ_1G, RW },
	{ "1 GiB, misaligned", V3C_TABLE_ARM64, 2, SZ_2M | ARM64_ALL, V3C_ENTRY_EMPTY },
	{ "512 GiB", V3C_TABLE_ARM64, 3, ARM64_ALL, V3C_ENTRY_EMPTY },
};

static void describe(const struct row *row, char *text)
{
	snprintf(text, KUNIT_PARAM_DESC_SIZE, "%s: %s",
		 row->format == V3C_TABLE_X64 ? "x64" : "ARM64", row->text);
}

KUNIT_ARRAY_PARAM(row, rows, describe);

static void entry_means(struct kunit *test)
{
	const struct row *row = test->param_value;
	struct v3c_entry entry = v3c_table_decode(row->format, row->value, row->level, 46, RW);

	KUNIT_EXPECT_EQ(test, entry.kind, row->kind);
	if (entry.kind == V3C_ENTRY_EMPTY)
		return;
	KUNIT_EXPECT_EQ(test, entry.phys, row->phys);
	KUNIT_EXPECT_EQ(test, entry.prot, row->prot);
	/* What a table above took away stays away. */
	entry = v3c_table_decode(row->format, row->value, row->level, 46, IOMMU_READ);
	KUNIT_EXPECT_EQ(test, entry.prot, IOMMU_READ);
}

static struct kunit_case table_format_cases[] = {
	KUNIT_CASE_PARAM(entry_means, row_gen_params),
	{}
};

static struct kunit_suite table_format_suite = {
	.name = "v3compat_table_format",
	.test_cases = table_format_cases,
};

kunit_test_suite(table_format_suite);
