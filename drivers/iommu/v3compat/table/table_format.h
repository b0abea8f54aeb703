/* SPDX-License-Identifier: GPL-2.0 */
/*
 * v3c_table_decode(): what an entry of a page table says, as the hardware that the format is for
 * understands it.
 *
 * An IOMMU walks for requests that have no privilege, and never sets an accessed or a dirty bit.
 */
#ifndef V3COMPAT_TABLE_FORMAT_H
#define V3COMPAT_TABLE_FORMAT_H

#include <linux/bits.h>
#include <linux/iommu.h>
#include <linux/types.h>

#include "base/phys.h"

/* V3C_TABLE_BITS are the index bits of a table, which has 512 entries of 8 bytes. */
#define V3C_TABLE_BITS	9

/*
 * V3C_LARGEST_LEAF: levels are counted from the leaves. Level 0 holds entries of 4 KiB, 1 of 2 MiB,
 * 2 of 1 GiB.
 */
#define V3C_LARGEST_LEAF	2

enum v3c_table_format {
	V3C_TABLE_X64,
	V3C_TABLE_ARM64,
};

enum v3c_entry_kind {
	V3C_ENTRY_EMPTY,	/* translates nothing, or is not to be trusted */
	V3C_ENTRY_LEAF,
	V3C_ENTRY_TABLE,
};

/**
 * struct v3c_entry - an entry, understood
 * @kind: &enum v3c_entry_kind
 * @prot: IOMMU_READ and IOMMU_WRITE, that this entry and those above it leave; never 0 unless empty
 * @phys: physical address of the leaf or of the next table
 */
struct v3c_entry {
	enum v3c_entry_kind kind;
	int prot;
	u64 phys;
};

/* v3c_level_pages() is how many pages an entry of @level covers. */
static inline u64 v3c_level_pages(unsigned int level)
{
	return 1ULL << (level * V3C_TABLE_BITS);
}

#define V3C_X64_PRESENT		BIT_ULL(0)
#define V3C_X64_WRITE		BIT_ULL(1)
#define V3C_X64_USER		BIT_ULL(2)
#define V3C_X64_LARGE		BIT_ULL(7)
#define V3C_X64_PHYS		GENMASK_ULL(51, 12)
#define V3C_X64_LARGE_PAT	BIT_ULL(12)
#define V3C_X64_PHYS_BITS	52

/* @phys_bits is the processor's: address bits beyond it are reserved. */
static inline struct v3c_entry v3c_x64_decode(u64 value, unsigned int level, u8 phys_bits, int prot)
{
	struct v3c_entry entry = { .kind = V3C_ENTRY_EMPTY };
	u64 phys = value & V3C_X64_PHYS;
	bool large = level && (value & V3C_X64_LARGE);

	if (!(value & V3C_X64_PRESENT) || !(value & V3C_X64_USER) || phys >> phys_bits)
		return entry;
	if (large && level > V3C_LARGEST_LEAF)
		return entry;
	if (large) {
		phys &= ~V3C_X64_LARGE_PAT;
		if (phys & ((v3c_level_pages(level) << V3C_PAGE_SHIFT) - 1))
			return entry;
	}
	entry.kind = large || !level ? V3C_ENTRY_LEAF : V3C_ENTRY_TABLE;
	entry.phys = phys;
	entry.prot = value & V3C_X64_WRITE ? prot : prot & ~IOMMU_WRITE;
	return entry;
}

#define V3C_ARM64_VALID		BIT_ULL(0)
#define V3C_ARM64_TABLE		BIT_ULL(1)	/* at level 0: a page, and nothing else is valid */
#define V3C_ARM64_USER		BIT_ULL(6)
#define V3C_ARM64_READ_ONLY	BIT_ULL(7)
#define V3C_ARM64_ACCESSED	BIT_ULL(10)
#define V3C_ARM64_PHYS		GENMASK_ULL(47, 12)
#define V3C_ARM64_PHYS_HIGH	GENMASK_ULL(49, 48)	/* address bits only in other granules */
#define V3C_ARM64_TABLE_NO_USER	BIT_ULL(61)
#define V3C_ARM64_TABLE_READ_ONLY BIT_ULL(62)
#define V3C_ARM64_PHYS_BITS	48

static inline struct v3c_entry v3c_arm64_decode(u64 value, unsigned int level, u8 phys_bits,
						int prot)
{
	struct v3c_entry entry = { .kind = V3C_ENTRY_EMPTY };
	u64 phys = value & V3C_ARM64_PHYS;
	bool table = level && (value & V3C_ARM64_TABLE);
	bool read_only;

	if (!(value & V3C_ARM64_VALID) || (value & V3C_ARM64_PHYS_HIGH) || phys >> phys_bits)
		return entry;
	if (table) {
		if (value & V3C_ARM64_TABLE_NO_USER)
			return entry;
		read_only = value & V3C_ARM64_TABLE_READ_ONLY;
	} else {
		if (level > V3C_LARGEST_LEAF || (!level && !(value & V3C_ARM64_TABLE)) ||
		    !(value & V3C_ARM64_USER) || !(value & V3C_ARM64_ACCESSED) ||
		    (phys & ((v3c_level_pages(level) << V3C_PAGE_SHIFT) - 1)))
			return entry;
		read_only = value & V3C_ARM64_READ_ONLY;
	}
	entry.kind = table ? V3C_ENTRY_TABLE : V3C_ENTRY_LEAF;
	entry.phys = phys;
	entry.prot = read_only ? prot & ~IOMMU_WRITE : prot;
	return entry;
}

/**
 * v3c_table_decode() - understand one entry
 * @format: of the table
 * @value: the entry, any value at all
 * @level: of the table it is in
 * @phys_bits: width of a physical address
 * @prot: what the tables above leave
 *
 * Return: the entry; %V3C_ENTRY_EMPTY when anything about it is not as it must be.
 */
static inline struct v3c_entry v3c_table_decode(enum v3c_table_format format, u64 value,
						unsigned int level, u8 phys_bits, int prot)
{
	return format == V3C_TABLE_X64 ? v3c_x64_decode(value, level, phys_bits, prot) :
					 v3c_arm64_decode(value, level, phys_bits, prot);
}

#endif
