// SPDX-License-Identifier: GPL-2.0
#include <linux/io.h>
#include <linux/v3compat.h>

#include "fixture.h"
#include "tables.h"

const struct v3t_format v3t_formats[] = {
	{ .name = "x64, 4 levels", .levels = 4, .bits = 47 },
	{ .name = "ARM64, 48 bits", .arm64 = true, .levels = 4, .bits = 48 },
	{ .name = "x64, 5 levels", .levels = 5, .bits = 56 },
	{ .name = "ARM64, 39 bits", .arm64 = true, .levels = 3, .bits = 39 },
	{ .name = "ARM64, 34 bits: a root of 16 entries", .arm64 = true, .levels = 3, .bits = 34 },
};

const unsigned int v3t_nr_formats = ARRAY_SIZE(v3t_formats);

u64 v3t_new_table(struct v3t_tables *tables)
{
	struct page *page = v3t_pages(tables->test, 0);

	memset(page_address(page), 0, PAGE_SIZE);
	return page_to_phys(page);
}

void v3t_tables_init(struct kunit *test, struct v3t_tables *tables,
		     const struct v3t_format *format)
{
	tables->test = test;
	tables->format = format;
	tables->root = v3t_new_table(tables);
}

u64 v3t_link(const struct v3t_tables *tables, u64 table)
{
	if (tables->format->arm64)
		return table | V3C_ARM64_VALID | V3C_ARM64_TABLE;
	return table | V3C_X64_PRESENT | V3C_X64_WRITE | V3C_X64_USER;
}

u64 v3t_leaf(const struct v3t_tables *tables, u64 phys, unsigned int level, bool write)
{
	if (tables->format->arm64)
		return phys | V3C_ARM64_VALID | (level ? 0 : V3C_ARM64_TABLE) |
		       V3C_ARM64_USER | V3C_ARM64_ACCESSED | (write ? 0 : V3C_ARM64_READ_ONLY);
	return phys | V3C_X64_PRESENT | V3C_X64_USER | (level ? V3C_X64_LARGE : 0) |
	       (write ? V3C_X64_WRITE : 0);
}

/* The entry of @address at @level; makes the tables above it. */
u64 *v3t_entry(struct v3t_tables *tables, u64 address, unsigned int level)
{
	unsigned int at = tables->format->levels - 1;
	u64 table = tables->root, *entry;

	for (;;) {
		entry = (u64 *)phys_to_virt(table) + (address >> (12 + 9 * at)) % 512;
		if (at == level)
			return entry;
		if (!*entry)
			*entry = v3t_link(tables, v3t_new_table(tables));
		table = *entry & V3C_ARM64_PHYS;
		at--;
	}
}

void v3t_set(struct v3t_tables *tables, u64 address, unsigned int level, u64 value)
{
	WRITE_ONCE(*v3t_entry(tables, address, level), value);
}

void v3t_set_page(struct v3t_tables *tables, u64 address, struct page *page)
{
	v3t_set(tables, address, 0, v3t_leaf(tables, page_to_phys(page), 0, true));
}

NTSTATUS v3t_install(PIOMMU_DMA_DOMAIN domain, const struct v3t_tables *tables)
{
	DOMAIN_CONFIGURATION config = {
		.Type = DomainConfigurationArm64,
		.Arm64.Ttbr0.QuadPart = tables->root,
		.Arm64.InputSize0 = tables->format->bits,
		.Arm64.TranslationEnabled = TRUE,
	};

	if (!tables->format->arm64)
		return v3compat_configure_x64(domain, tables->root, tables->format->levels);
	return V3T_V3(tables->test)->ConfigureDomain(domain, &config);
}

void v3t_configure(PIOMMU_DMA_DOMAIN domain, const struct v3t_tables *tables)
{
	EXPECT_RESULT(tables->test, STATUS_SUCCESS, ConfigureDomain, v3t_install(domain, tables));
}
