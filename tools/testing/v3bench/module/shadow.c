// SPDX-License-Identifier: GPL-2.0
/*
 * Study "shadow": what a flush of page tables that the caller owns costs, beside the same change
 * made by calls of the IOMMU core in a domain of its own.
 *
 * The tables are x86-64 ones. A flush is measured with interrupts off. Changing the tables is the
 * caller's own work and not measured.
 */
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/iommu.h>
#include <linux/irqflags.h>
#include <linux/mm.h>
#include <linux/scatterlist.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/v3compat.h>

#include "clock.h"
#include "v3.h"
#include "v3bench.h"

#define WARM_UP		4
#define SAMPLES		64
#define MAX_UNITS	512

#define LEVELS		4
#define ENTRIES		512
#define ENTRY_PRESENT	BIT_ULL(0)
#define ENTRY_WRITE	BIT_ULL(1)
#define ENTRY_USER	BIT_ULL(2)
#define ENTRY_LARGE	BIT_ULL(7)
#define ENTRY_TABLE	(ENTRY_PRESENT | ENTRY_WRITE | ENTRY_USER)
#define ENTRY_ADDRESS	GENMASK_ULL(51, 12)

static const u32 levels[] = { 1000, 10000, 100000 };

/* Units that change together; @step apart. */
struct piece {
	const char *name;
	u32 nr;
	u64 size;
	u64 step;
};

static const struct piece pieces[] = {
	{ "4K", 1, SZ_4K, SZ_4K },
	{ "64x4K", 64, SZ_4K, SZ_4K },
	{ "512x4K", 512, SZ_4K, SZ_4K },
	{ "64x4K-apart", 64, SZ_4K, SZ_2M },
	{ "2M", 1, SZ_2M, SZ_2M },
	{ "16x2M", 16, SZ_2M, SZ_2M },
};

/* In the order in which they are done to a piece, which is not there before and after. */
enum op { OP_ADD, OP_CHANGE, OP_REMOVE, NR_OPS };

static const char * const op_names[] = { "added", "frame changed", "removed" };

/**
 * struct edit - what happens to a piece
 * @piece: the piece
 * @op: what happens
 * @base: address of its first unit
 * @variant: 0 or 1: which frames its units have afterwards
 */
struct edit {
	const struct piece *piece;
	enum op op;
	u64 base;
	u32 variant;
};

/**
 * struct side - one way of changing what the device sees
 * @name: for the result
 * @open: attach an empty address space
 * @close: undo @open, whatever is mapped
 * @map_one: map a page or block, not necessarily before the next @fill
 * @fill: map live pages and say what that took
 * @prepare: the part of an edit that is not measured
 * @apply: the part that is
 * @apply_all: optional; the same without naming what changed
 */
struct side {
	const char *name;
	int (*open)(struct v3b *b);
	void (*close)(struct v3b *b);
	int (*map_one)(struct v3b *b, u64 address, phys_addr_t phys, u64 size);
	int (*fill)(struct v3b *b, u32 pages, u64 *ticks);
	int (*prepare)(struct v3b *b, const struct edit *edit);
	int (*apply)(struct v3b *b, const struct edit *edit);
	int (*apply_all)(struct v3b *b, const struct edit *edit);
};

/* One study runs at a time; see the lock in main.c. */
static struct v3b_series series[NR_OPS];
static struct scatterlist sg[MAX_UNITS];
static u64 list[MAX_UNITS];

static struct {
	DMA_IOMMU_INTERFACE_EX table;
	PIOMMU_DMA_DEVICE device;
	PIOMMU_DMA_DOMAIN domain;
	u64 *root;
} v3;

static u64 live_address(struct v3b *b, u32 index)
{
	return b->fill_base + (u64)index * SZ_4K;
}

static u64 unit_address(const struct edit *edit, u32 unit)
{
	return edit->base + unit * edit->piece->step;
}

/* No two units that follow each other have adjacent frames. */
static phys_addr_t frame(struct v3b *b, u64 size, u32 unit, u32 variant)
{
	u32 index = 2 * unit + variant;

	if (size == SZ_2M)
		return b->huge + (phys_addr_t)(index % (SZ_1G / SZ_2M)) * SZ_2M;
	return page_to_phys(b->small) + (phys_addr_t)(index % BIT(V3B_SMALL_ORDER)) * SZ_4K;
}

static u64 *new_table(void)
{
	return (u64 *)get_zeroed_page(GFP_KERNEL);
}

static void free_table(u64 *table, unsigned int level)
{
	unsigned int i;

	for (i = 0; level && i < ENTRIES; i++)
		if ((table[i] & ENTRY_PRESENT) && !(table[i] & ENTRY_LARGE))
			free_table(phys_to_virt(table[i] & ENTRY_ADDRESS), level - 1);
	free_page((unsigned long)table);
}

static u64 *entry_of(u64 address, u64 size)
{
	u64 *table = v3.root;
	unsigned int shift;

	for (shift = 12 + 9 * (LEVELS - 1); BIT_ULL(shift) > size; shift -= 9) {
		u64 *entry = &table[(address >> shift) % ENTRIES];

		if (!*entry) {
			table = new_table();
			if (!table)
				return NULL;
			*entry = virt_to_phys(table) | ENTRY_TABLE;
		}
		table = phys_to_virt(*entry & ENTRY_ADDRESS);
	}
	return &table[(address >> shift) % ENTRIES];
}

static int set_entry(u64 address, u64 size, u64 value)
{
	u64 *entry = entry_of(address, size);

	if (!entry)
		return -ENOMEM;
	if (value && size == SZ_2M)
		value |= ENTRY_LARGE;
	WRITE_ONCE(*entry, value ? value | ENTRY_TABLE : 0);
	return 0;
}

static int flush_listed(struct v3b *b, bool last_level, u32 nr)
{
	NTSTATUS status = v3.table.V3.FlushDomainByVaList(v3.domain, last_level, nr, list);

	return NT_SUCCESS(status) ? 0 : v3b_errno(b, "FlushDomainByVaList", status);
}

static int v3_map_one(struct v3b *b, u64 address, phys_addr_t phys, u64 size)
{
	list[0] = address;
	return set_entry(address, size, phys) ?: flush_listed(b, false, 1);
}

static int v3_apply_all(struct v3b *b, const struct edit *edit)
{
	NTSTATUS status = v3.table.V3.FlushDomain(v3.domain);

	return NT_SUCCESS(status) ? 0 : v3b_errno(b, "FlushDomain", status);
}

typedef int (*apply_fn)(struct v3b *b, const struct edit *edit);

static int time_apply(struct v3b *b, const struct edit *edit, apply_fn apply, u64 *ticks)
{
	unsigned long flags;
	u64 start, end;
	int err;

	b->gfp = GFP_ATOMIC;
	local_irq_save(flags);
	start = v3b_clock();
	err = apply(b, edit);
	end = v3b_clock();
	local_irq_restore(flags);
	b->gfp = GFP_KERNEL;
	*ticks = end - start;
	return err;
}

static int v3_prepare(struct v3b *b, const struct edit *edit)
{
	u64 size = edit->piece->size;
	u32 unit;
	int err;

	for (unit = 0; unit < edit->piece->nr; unit++) {
		phys_addr_t phys = frame(b, size, unit, edit->variant);

		list[unit] = unit_address(edit, unit);
		err = set_entry(list[unit], size, edit->op == OP_REMOVE ? 0 : phys);
		if (err)
			return err;
	}
	return 0;
}

static int v3_apply(struct v3b *b, const struct edit *edit)
{
	return flush_listed(b, edit->op != OP_ADD, edit->piece->nr);
}

/* In steps, because a flush that cannot sleep maps a bounded number of pages. */
static int v3_fill(struct v3b *b, u32 pages, u64 *ticks)
{
	struct edit edit = { .op = OP_ADD, .base = live_address(b, b->live) };
	struct piece piece = { .size = SZ_4K, .step = SZ_4K };
	u64 more;
	int err;

	*ticks = 0;
	edit.piece = &piece;
	for (; pages; pages -= piece.nr) {
		piece.nr = min(pages, MAX_UNITS);
		err = v3_prepare(b, &edit) ?: time_apply(b, &edit, v3_apply, &more);
		if (err)
			return err;
		*ticks += more;
		edit.base += piece.nr * SZ_4K;
		cond_resched();
	}
	return 0;
}

static void v3_close(struct v3b *b)
{
	v3b_errno(b, "DetachDeviceEx", v3.table.V3.DetachDeviceEx(v3.device));
	v3b_errno(b, "DeleteDomain", v3.table.V3.DeleteDomain(v3.domain));
	v3b_errno(b, "DeleteDevice", v3.table.V3.DeleteDevice(v3.device));
	free_table(v3.root, LEVELS - 1);
}

static int v3_create(struct v3b *b)
{
	IOMMU_DMA_DOMAIN_CREATION_FLAGS flags = {};
	int err;

	err = v3b_errno(b, "IoGetIommuInterfaceEx", IoGetIommuInterfaceEx(3, 0, &v3.table));
	if (err)
		return err;
	err = v3b_errno(b, "CreateDevice", v3.table.V3.CreateDevice(b->dev, NULL, &v3.device));
	if (err)
		return err;
	err = v3b_errno(b, "CreateDomainEx",
			v3.table.V3.CreateDomainEx(DomainTypeUnmanaged, flags, NULL, NULL,
						   &v3.domain));
	if (err)
		v3.table.V3.DeleteDevice(v3.device);
	return err;
}

static int v3_attach(struct v3b *b)
{
	int err;

	err = v3b_errno(b, "v3compat_configure_x64",
			v3compat_configure_x64(v3.domain, virt_to_phys(v3.root), LEVELS));
	if (err)
		return err;
	return v3b_errno(b, "AttachDeviceEx", v3.table.V3.AttachDeviceEx(v3.domain, v3.device));
}

static int v3_open(struct v3b *b)
{
	int err;

	v3.root = new_table();
	if (!v3.root)
		return -ENOMEM;
	err = v3_create(b);
	if (err)
		goto err_root;
	err = v3_attach(b);
	if (err)
		goto err_domain;
	return 0;

err_domain:
	v3.table.V3.DeleteDomain(v3.domain);
	v3.table.V3.DeleteDevice(v3.device);
err_root:
	free_table(v3.root, LEVELS - 1);
	return err;
}

static const struct side v3_side = {
	.name = "v3",
	.open = v3_open,
	.close = v3_close,
	.map_one = v3_map_one,
	.fill = v3_fill,
	.prepare = v3_prepare,
	.apply = v3_apply,
	.apply_all = v3_apply_all,
};

static int raw_map_one(struct v3b *b, u64 address, phys_addr_t phys, u64 size)
{
	return iommu_map(b->domain, address, phys, size, b->prot, b->gfp);
}

static void list_frames(struct v3b *b, u64 size, u32 nr, u32 variant)
{
	u32 unit;

	sg_init_table(sg, nr);
	for (unit = 0; unit < nr; unit++) {
		phys_addr_t phys = frame(b, size, unit, variant);

		sg_set_page(&sg[unit], pfn_to_page(PHYS_PFN(phys)), size, 0);
	}
}

static int raw_prepare(struct v3b *b, const struct edit *edit)
{
	list_frames(b, edit->piece->size, edit->piece->nr, edit->variant);
	return 0;
}

static void raw_remove(struct v3b *b, const struct edit *edit)
{
	const struct piece *piece = edit->piece;
	u32 unit;

	if (piece->size == piece->step)
		iommu_unmap(b->domain, edit->base, piece->nr * piece->size);
	else
		for (unit = 0; unit < piece->nr; unit++)
			iommu_unmap(b->domain, unit_address(edit, unit), piece->size);
}

static int raw_add(struct v3b *b, const struct edit *edit)
{
	const struct piece *piece = edit->piece;
	ssize_t mapped;
	u32 unit;
	int err;

	if (piece->nr > 1 && piece->size == piece->step) {
		mapped = iommu_map_sg(b->domain, edit->base, sg, piece->nr, b->prot, b->gfp);
		return mapped < 0 ? mapped : 0;
	}
	for (unit = 0; unit < piece->nr; unit++) {
		err = iommu_map(b->domain, unit_address(edit, unit), sg_phys(&sg[unit]),
				piece->size, b->prot, b->gfp);
		if (err)
			return err;
	}
	return 0;
}

static int raw_fill(struct v3b *b, u32 pages, u64 *ticks)
{
	struct edit edit = { .base = live_address(b, b->live) };
	struct piece piece = { .size = SZ_4K, .step = SZ_4K };
	u64 more;
	int err;

	*ticks = 0;
	list_frames(b, SZ_4K, MAX_UNITS, 0);
	edit.piece = &piece;
	for (; pages; pages -= piece.nr) {
		piece.nr = min(pages, MAX_UNITS);
		err = time_apply(b, &edit, raw_add, &more);
		if (err)
			return err;
		*ticks += more;
		edit.base += piece.nr * SZ_4K;
	}
	return 0;
}

static int raw_apply(struct v3b *b, const struct edit *edit)
{
	if (edit->op != OP_ADD)
		raw_remove(b, edit);
	return edit->op == OP_REMOVE ? 0 : raw_add(b, edit);
}

static const struct side raw_side = {
	.name = "raw",
	.open = v3b_raw_open,
	.close = v3b_raw_close,
	.map_one = raw_map_one,
	.fill = raw_fill,
	.prepare = raw_prepare,
	.apply = raw_apply,
};

/* An edit counts only if the device would see it. */
static int check(struct v3b *b, const struct side *side, const struct edit *edit)
{
	struct iommu_domain *domain = iommu_get_domain_for_dev(b->dev);
	u32 unit;

	for (unit = 0; unit < edit->piece->nr; unit++) {
		phys_addr_t want = frame(b, edit->piece->size, unit, edit->variant);

		if (edit->op == OP_REMOVE)
			want = 0;
		if (iommu_iova_to_phys(domain, unit_address(edit, unit)) != want) {
			dev_err(b->dev, "shadow %s: %s %s did not reach the device\n", side->name,
				edit->piece->name, op_names[edit->op]);
			return -EIO;
		}
	}
	return 0;
}

static int do_edit(struct v3b *b, const struct side *side, const struct edit *edit, apply_fn apply,
		   u64 *ticks)
{
	int err;

	err = side->prepare(b, edit);
	if (err)
		return err;
	err = time_apply(b, edit, apply, ticks);
	return err ?: check(b, side, edit);
}

/* Adds the piece, changes it and removes it, again and again. */
static int sample_edits(struct v3b *b, const struct side *side, struct edit *edit, apply_fn apply)
{
	u32 i, op;
	u64 ticks;
	int err;

	memset(series, 0, sizeof(series));
	for (i = 0; i < WARM_UP + SAMPLES; i++) {
		for (op = 0; op < NR_OPS; op++) {
			edit->op = op;
			if (op == OP_CHANGE)
				edit->variant ^= 1;
			err = do_edit(b, side, edit, apply, &ticks);
			if (err)
				return err;
			if (i >= WARM_UP)
				v3b_series_add(&series[op], ticks);
			cond_resched();
		}
	}
	return 0;
}

static struct edit edit_of(struct v3b *b, u32 index)
{
	return (struct edit) {
		.piece = &pieces[index],
		.base = b->probe_base + index * b->probe_step,
	};
}

static bool is_possible(struct v3b *b, const struct piece *piece)
{
	return b->huge || piece->size == SZ_4K;
}

static int measure_piece(struct v3b *b, const struct side *side, u32 index)
{
	struct edit edit = edit_of(b, index);
	struct v3b_call call = {
		.study = "shadow", .what = edit.piece->name, .side = side->name,
		.live = b->live, .units = edit.piece->nr,
	};
	u32 op;
	int err;

	err = sample_edits(b, side, &edit, side->apply);
	for (op = 0; !err && op < NR_OPS; op++) {
		call.op = op_names[op];
		err = v3b_series_row(b, &call, &series[op]);
	}
	return err;
}

static int look_only(struct v3b *b, const struct side *side)
{
	struct v3b_call call = {
		.study = "shadow", .what = "all", .op = "nothing changed", .side = side->name,
		.live = b->live, .units = b->live,
	};
	u64 ticks;
	u32 i;
	int err;

	series[0].nr = 0;
	for (i = 0; i < WARM_UP + SAMPLES; i++) {
		err = time_apply(b, NULL, side->apply_all, &ticks);
		if (err)
			return err;
		if (i >= WARM_UP)
			v3b_series_add(&series[0], ticks);
		cond_resched();
	}
	return v3b_series_row(b, &call, &series[0]);
}

/* The core is always told what changed, so its row is that of the page. */
static int change_one(struct v3b *b, const struct side *side)
{
	struct edit edit = edit_of(b, 0);
	struct v3b_call call = {
		.study = "shadow", .what = "all", .op = "1 page changed", .side = side->name,
		.live = b->live, .units = side->apply_all ? b->live : 1,
	};
	int err;

	err = sample_edits(b, side, &edit, side->apply_all ?: side->apply);
	return err ?: v3b_series_row(b, &call, &series[OP_CHANGE]);
}

static int grow(struct v3b *b, const struct side *side, u32 level, u64 *ticks)
{
	int err = side->fill(b, level - b->live, ticks);

	b->live = level;
	return err;
}

/* Neighbours that stay, so that a piece that is removed leaves no empty table behind. */
static int add_neighbours(struct v3b *b, const struct side *side, const struct edit *edit)
{
	const struct piece *piece = edit->piece;
	u64 reach = piece->size * ENTRIES;
	u64 last = U64_MAX;
	u32 unit;
	int err;

	for (unit = 0; unit < piece->nr; unit++) {
		u64 address = ALIGN(unit_address(edit, unit) + 1, reach) - piece->size;

		if (address == last || address == unit_address(edit, piece->nr - 1))
			continue;
		last = address;
		err = side->map_one(b, address, frame(b, piece->size, 0, 0), piece->size);
		if (err)
			return err;
	}
	return 0;
}

/* Rows of FlushDomain, and of getting pages to the device that were never there. */
static int measure_all(struct v3b *b, const struct side *side, u32 level)
{
	struct v3b_call call = {
		.study = "shadow", .what = "all", .op = "grown to", .side = side->name,
		.live = level, .units = level - b->live,
	};
	u64 ticks;
	int err;

	err = grow(b, side, level, &ticks);
	if (err)
		return err;
	series[0].nr = 0;
	v3b_series_add(&series[0], ticks);
	err = v3b_series_row(b, &call, &series[0]);
	if (!err && side->apply_all)
		err = look_only(b, side);
	return err ?: change_one(b, side);
}

/* Rows of FlushDomainByVaList. */
static int measure_pieces(struct v3b *b, const struct side *side, u32 level)
{
	u64 ticks;
	u32 i;
	int err;

	err = grow(b, side, level, &ticks);
	for (i = 0; !err && i < ARRAY_SIZE(pieces); i++)
		if (is_possible(b, &pieces[i]))
			err = measure_piece(b, side, i);
	return err;
}

static int measure_levels(struct v3b *b, const struct side *side, u32 nr_pieces, u32 max_live,
			  int (*measure)(struct v3b *b, const struct side *side, u32 level))
{
	u32 i;
	int err;

	err = side->open(b);
	if (err)
		return err;
	b->live = 0;
	for (i = 0; !err && i < nr_pieces; i++) {
		struct edit edit = edit_of(b, i);

		if (is_possible(b, edit.piece))
			err = add_neighbours(b, side, &edit);
	}
	for (i = 0; !err && i < ARRAY_SIZE(levels) && levels[i] <= max_live; i++)
		err = measure(b, side, levels[i]);
	side->close(b);
	return err;
}

/* Apart, so that FlushDomain finds little but the live pages: of the pieces it needs the first. */
static int measure_side(struct v3b *b, const struct side *side, u32 max_live)
{
	int err = measure_levels(b, side, 1, max_live, measure_all);

	return err ?: measure_levels(b, side, ARRAY_SIZE(pieces), max_live, measure_pieces);
}

static int run_shadow(struct v3b *b, u32 max_live)
{
	int err = measure_side(b, &raw_side, max_live);

	return err ?: measure_side(b, &v3_side, max_live);
}

const struct v3b_study v3b_shadow = {
	.name = "shadow",
	.run = run_shadow,
};
