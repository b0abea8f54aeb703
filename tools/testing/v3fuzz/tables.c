// SPDX-License-Identifier: GPL-2.0
/*
 * Unmanaged domains. A part of the tables of each is honest: its lock orders the changes, and after
 * a flush devices must find what it says. Beside that are hostile tables, which are full of
 * anything and change while they are read. No entry leads to memory that is not the fuzzer's.
 */
#include <linux/gfp.h>
#include <linux/mm.h>

#include "v3fuzz.h"

#define LEVELS		4
#define WINDOW		32	/* honest pages */
#define HOSTILE		12
#define ENTRIES		512
#define FANOUT 3 /* tables a table may lead to: what is to be mirrored is the power */

enum format { X64, ARM64 };

struct table {
	struct mutex lock;
	PIOMMU_DMA_DOMAIN domain;
	enum format format;
	bool configured;
	u64 *levels[LEVELS];		/* the leaves are in the first */
	s16 pages[WINDOW];		/* of the wild pool, or -1 */
	bool writable[WINDOW];
};

static struct table tables[FUZZ_TABLES];
static u64 *hostile[HOSTILE];

static u64 entry(enum format format, u64 phys, bool leaf, unsigned int level, bool writable)
{
	if (format == X64)
		return phys | 5 | (writable ? 2 : 0) | (leaf && level ? BIT_ULL(7) : 0);
	/* Valid, for users, accessed; a table and a page say so with the same bit. */
	return phys | 1 | (!leaf || !level ? 2 : 0) |
	       (leaf ? BIT_ULL(6) | BIT_ULL(10) | (writable ? 0 : BIT_ULL(7)) : 0);
}

static unsigned int shift_of(unsigned int level)
{
	return PAGE_SHIFT + 9 * level;
}

static u64 *slot(struct table *table, unsigned int level, u64 at)
{
	return &table->levels[level][(at >> shift_of(level)) % ENTRIES];
}

static void set_window(struct table *table, unsigned int i)
{
	u64 value = 0;

	if (table->pages[i] >= 0)
		value = entry(table->format, fuzz_phys(&fuzz_wild_pool, table->pages[i]), true, 0,
			      table->writable[i]);
	WRITE_ONCE(*slot(table, 0, FUZZ_TABLE_BASE + i * SZ_4K), value);
}

static void build(struct table *table, enum format format)
{
	unsigned int level, i;

	table->format = format;
	for (level = 1; level < LEVELS; level++)
		WRITE_ONCE(
			*slot(table, level, FUZZ_TABLE_BASE),
			entry(format, virt_to_phys(table->levels[level - 1]), false, level, true));
	for (i = 0; i < WINDOW; i++)
		set_window(table, i);
}

int fuzz_tables_init(void)
{
	unsigned int i, k;

	for (i = 0; i < HOSTILE; i++) {
		hostile[i] = (u64 *)get_zeroed_page(GFP_KERNEL);
		if (!hostile[i])
			return -ENOMEM;
	}
	for (i = 0; i < FUZZ_TABLES; i++) {
		mutex_init(&tables[i].lock);
		for (k = 0; k < LEVELS; k++) {
			tables[i].levels[k] = (u64 *)get_zeroed_page(GFP_KERNEL);
			if (!tables[i].levels[k])
				return -ENOMEM;
		}
		for (k = 0; k < WINDOW; k++)
			tables[i].pages[k] = -1;
	}
	return 0;
}

void fuzz_tables_free(void)
{
	unsigned int i, k;

	for (i = 0; i < HOSTILE; i++) {
		free_page((unsigned long)hostile[i]);
		hostile[i] = NULL;
	}
	for (i = 0; i < FUZZ_TABLES; i++) {
		for (k = 0; k < LEVELS; k++) {
			free_page((unsigned long)tables[i].levels[k]);
			tables[i].levels[k] = NULL;
		}
	}
}

PIOMMU_DMA_DOMAIN fuzz_table_domain(unsigned int i)
{
	return tables[i].domain;
}

/* Before threads run: these domains stay. */
void fuzz_tables_begin(struct fuzz_thread *t)
{
	IOMMU_DMA_DOMAIN_CREATION_FLAGS flags = { .AsUlonglong = 0 };
	unsigned int i;

	for (i = 0; i < FUZZ_TABLES; i++) {
		if (!NT_SUCCESS(FUZZ_CALL(t, CreateDomainEx, i, DomainTypeUnmanaged, 0,
					  DomainTypeUnmanaged, flags, NULL, NULL,
					  &tables[i].domain))) {
			tables[i].domain = NULL;
			fuzz_fail(t, "an Unmanaged domain could not be created");
		}
	}
}

static bool configure(struct fuzz_thread *t, struct table *table)
{
	DOMAIN_CONFIGURATION config = {
		.Type = DomainConfigurationArm64,
		.Arm64.Ttbr0.QuadPart = virt_to_phys(table->levels[LEVELS - 1]),
		.Arm64.InputSize0 = 48,
		.Arm64.TranslationEnabled = TRUE,
	};

	if (fuzz_one_in(t, 3)) {
		build(table, X64);
		return NT_SUCCESS(v3compat_configure_x64(table->domain,
							 virt_to_phys(table->levels[LEVELS - 1]),
							 LEVELS));
	}
	build(table, ARM64);
	return NT_SUCCESS(
		FUZZ_CALL(t, ConfigureDomain, table - tables, 0, 0, table->domain, &config));
}

/* Every device behind the domain finds what the honest tables say. */
static void check(struct fuzz_thread *t, struct table *table)
{
	unsigned int k, i;

	for (k = 0; k < 6; k++) {
		i = fuzz_random(t, WINDOW);
		if (table->pages[i] >= 0)
			fuzz_check_page(t, table->domain, FUZZ_TABLE_BASE + i * SZ_4K,
					&fuzz_wild_pool, table->pages[i],
					table->writable[i] ? 3 : 1);
		else
			fuzz_check_gone(t, table->domain, FUZZ_TABLE_BASE + i * SZ_4K,
					&fuzz_wild_pool, 0, true);
	}
}

static NTSTATUS change(struct fuzz_thread *t, struct table *table)
{
	unsigned int count = 1 + fuzz_random(t, 8), k, i;
	u64 addresses[8];

	for (k = 0; k < count; k++) {
		i = fuzz_random(t, WINDOW);
		table->pages[i] =
			fuzz_one_in(t, 3) ? -1 : fuzz_random(t, 1 << fuzz_wild_pool.order);
		table->writable[i] = !fuzz_one_in(t, 3);
		set_window(table, i);
		addresses[k] = FUZZ_TABLE_BASE + i * SZ_4K;
	}
	if (fuzz_one_in(t, 3))
		return FUZZ_CALL(t, FlushDomain, FUZZ_DOMAINS + (table - tables), 0, 0,
				 table->domain);
	return FUZZ_CALL(t, FlushDomainByVaList, FUZZ_DOMAINS + (table - tables), count, 0,
			 table->domain, fuzz_random(t, 2), count, addresses);
}

void fuzz_tables(struct fuzz_thread *t)
{
	struct table *table = &tables[fuzz_random(t, FUZZ_TABLES)];

	mutex_lock(&table->lock);
	if (!table->configured || fuzz_one_in(t, 2))
		table->configured = configure(t, table);
	/* A flush that had no memory has left something blocked. */
	if (table->configured && NT_SUCCESS(change(t, table)))
		check(t, table);
	else
		table->configured = false;
	mutex_unlock(&table->lock);
}

static u64 hostile_table(struct fuzz_thread *t)
{
	return virt_to_phys(hostile[fuzz_random(t, HOSTILE)]);
}

/* Something that is no memory: beyond all of it, or a hole. */
static u64 nowhere(struct fuzz_thread *t)
{
	return fuzz_one_in(t, 2) ? FUZZ_BASE + (fuzz_random(t, 64) * 2 + 1) * (u64)SZ_2M :
				   BIT_ULL(50) + fuzz_random(t, 64) * SZ_4K;
}

static u64 hostile_leaf(struct fuzz_thread *t, enum format format)
{
	unsigned int page = fuzz_random(t, 1 << fuzz_wild_pool.order);

	switch (fuzz_random(t, 8)) {
	case 0:
		return 0;
	case 1:
		/* Read as a table's, it leads to tags, none of which is an entry. */
		return entry(format, fuzz_phys(&fuzz_wild_pool, page & ~511), true, 1,
			     fuzz_random(t, 2));
	case 2:
		return entry(format, nowhere(t), fuzz_random(t, 2), fuzz_random(t, 2), true);
	default:
		return entry(format, fuzz_phys(&fuzz_wild_pool, page), true, 0, fuzz_random(t, 2));
	}
}

static u64 hostile_entry(struct fuzz_thread *t, bool table)
{
	enum format format = fuzz_random(t, 2);
	u64 value;

	if (table)
		value = entry(format, hostile_table(t), false, 1, fuzz_random(t, 2));
	else
		value = hostile_leaf(t, format);
	/* Bits that say nothing, are reserved, or change what the others say. */
	if (fuzz_one_in(t, 4))
		value ^= BIT_ULL(52 + fuzz_random(t, 12));
	return value;
}

/*
 * A few places of a table lead to tables, others to pages or nowhere. None is a block of a gigabyte
 * at any level that reads it: that would lead to memory of others.
 */
void fuzz_tables_scribble(struct fuzz_thread *t)
{
	u64 *table = hostile[fuzz_random(t, HOSTILE)];
	unsigned int k, i;

	for (k = 0; k < 4; k++) {
		i = fuzz_random(t, 16);
		WRITE_ONCE(table[i * 32], hostile_entry(t, i < FANOUT));
	}
	/* Into the honest tables, beside the window. */
	i = fuzz_random(t, FUZZ_TABLES);
	WRITE_ONCE(tables[i].levels[2][(FUZZ_TABLE_BASE >> shift_of(2)) % ENTRIES + 1 +
				       fuzz_random(t, 2)],
		   hostile_entry(t, true));
}

u64 fuzz_hostile_root(struct fuzz_thread *t)
{
	return fuzz_one_in(t, 8) ? nowhere(t) : hostile_table(t);
}

void fuzz_tables_end(struct fuzz_thread *t)
{
	unsigned int i;

	for (i = 0; i < FUZZ_TABLES; i++) {
		NTSTATUS status;

		if (!tables[i].domain)
			continue;
		status = FUZZ_CALL(t, DeleteDomain, i, 0, 0, tables[i].domain);
		if (!NT_SUCCESS(status))
			fuzz_fail(t, "DeleteDomain of an idle Unmanaged domain: %#x", status);
		tables[i].domain = NULL;
		tables[i].configured = false;
	}
}
