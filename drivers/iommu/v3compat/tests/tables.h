/* SPDX-License-Identifier: GPL-2.0 */
/* Page tables as the owner of an Unmanaged domain makes them. */
#ifndef V3COMPAT_TESTS_TABLES_H
#define V3COMPAT_TESTS_TABLES_H

#include <wdm.h>

#include "table/table_format.h"

struct kunit;
struct page;

/**
 * struct v3t_format - a kind of tables
 * @name: for messages
 * @arm64: TTBR0 of ARM64; otherwise x86-64
 * @levels: of tables
 * @bits: width of an address
 */
struct v3t_format {
	const char *name;
	bool arm64;
	unsigned int levels;
	unsigned int bits;
};

extern const struct v3t_format v3t_formats[];
extern const unsigned int v3t_nr_formats;

#define V3T_X64		(&v3t_formats[0])
#define V3T_ARM64	(&v3t_formats[1])

/**
 * struct v3t_tables - tables of one half of an address space
 * @test: whose memory they are in
 * @format: of the tables
 * @root: physical address
 */
struct v3t_tables {
	struct kunit *test;
	const struct v3t_format *format;
	u64 root;
};

void v3t_tables_init(struct kunit *test, struct v3t_tables *tables,
		     const struct v3t_format *format);
u64 v3t_new_table(struct v3t_tables *tables);
u64 *v3t_entry(struct v3t_tables *tables, u64 address, unsigned int level);
u64 v3t_link(const struct v3t_tables *tables, u64 table);
u64 v3t_leaf(const struct v3t_tables *tables, u64 phys, unsigned int level, bool write);
void v3t_set(struct v3t_tables *tables, u64 address, unsigned int level, u64 value);
void v3t_set_page(struct v3t_tables *tables, u64 address, struct page *page);
NTSTATUS v3t_install(PIOMMU_DMA_DOMAIN domain, const struct v3t_tables *tables);
void v3t_configure(PIOMMU_DMA_DOMAIN domain, const struct v3t_tables *tables);

#endif
