// SPDX-License-Identifier: GPL-2.0
/*
 * What open files have: for their users in /proc/PID/fdinfo, and all of them for the administrator
 * in debugfs. Nothing is waited for that a command holds while it pins or works.
 */
#include <linux/debugfs.h>
#include <linux/iommu.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>

#include "base/phys.h"
#include "core/lookup.h"
#include "table/range.h"
#include "user/call.h"
#include "user/device_object.h"
#include "user/domain.h"
#include "user/pasid.h"
#include "user/show.h"

#define V3U_VIEWS	16

/* struct v3u_counts: handles of a file, by what they name. */
struct v3u_counts {
	unsigned int domains;
	unsigned int devices;
	unsigned int pasids;
	unsigned int reservations;
	unsigned int memories;
};

static void count_object(struct v3u_counts *counts, enum v3u_kind kind)
{
	switch (kind) {
	case V3U_DOMAIN:
		counts->domains++;
		break;
	case V3U_DEVICE:
		counts->devices++;
		break;
	case V3U_PASID:
		counts->pasids++;
		break;
	case V3U_RESERVATION:
		counts->reservations++;
		break;
	case V3U_MEMORY:
		counts->memories++;
		break;
	}
}

static struct v3u_counts count_objects(struct v3u_file *file)
{
	struct v3u_counts counts = {};
	struct v3u_object *object;
	unsigned long id;

	xa_lock(&file->objects);
	xa_for_each(&file->objects, id, object)
		count_object(&counts, object->type->kind);
	xa_unlock(&file->objects);
	return counts;
}

static u64 bytes_of(atomic64_t *pages)
{
	return v3c_bytes(atomic64_read(pages));
}

/**
 * v3u_show_file() - what a file has, for its fdinfo
 * @seq: where to
 * @file: the file
 *
 * Context: may sleep.
 */
void v3u_show_file(struct seq_file *seq, struct v3u_file *file)
{
	struct v3u_counts counts = count_objects(file);

	seq_printf(seq, "v3compat-file:\t%u\n", file->number);
	seq_printf(seq, "v3compat-domains:\t%u\n", counts.domains);
	seq_printf(seq, "v3compat-devices:\t%u\n", counts.devices);
	seq_printf(seq, "v3compat-sub-devices:\t%u\n", counts.pasids);
	seq_printf(seq, "v3compat-reservations:\t%u\n", counts.reservations);
	seq_printf(seq, "v3compat-memories:\t%u\n", counts.memories);
	seq_printf(seq, "v3compat-reserved:\t%llu\n", bytes_of(&file->reserved));
	seq_printf(seq, "v3compat-mapped:\t%llu\n", bytes_of(&file->mapped));
	seq_printf(seq, "v3compat-pinned:\t%llu\n", bytes_of(&file->pinned));
}

/**
 * struct v3u_listing - a listing of all files under way
 * @pos: which piece it is at
 * @piece: what that is
 * @number: of the file that it is at
 * @file: that file, referenced, or NULL
 * @object: of that file, referenced, or NULL
 * @cursor: where the ranges of @object go on, or U64_MAX
 * @views: ranges of @object that the piece shows
 * @count: how many
 */
struct v3u_listing {
	loff_t pos;
	enum { V3U_SLOTS, V3U_FILE, V3U_OBJECT, V3U_RANGES, V3U_END } piece;
	u32 number;
	struct v3u_file *file;
	struct v3u_object *object;
	u64 cursor;
	struct v3c_view views[V3U_VIEWS];
	unsigned int count;
};

static void put_object(struct v3u_listing *listing)
{
	if (listing->object)
		v3u_object_drop(listing->object);
	listing->object = NULL;
	listing->cursor = U64_MAX;
}

static void put_file(struct v3u_listing *listing)
{
	put_object(listing);
	if (listing->file)
		v3u_file_drop(listing->file);
	listing->file = NULL;
}

/* pick_file() picks the first file behind the one that the listing is at: they come in order. */
static void pick_file(struct v3u_file *file, void *arg)
{
	struct v3u_listing *listing = arg;

	if (listing->file || file->number <= listing->number)
		return;
	v3u_file_hold(file);
	listing->file = file;
}

static void next_file(struct v3u_listing *listing)
{
	put_file(listing);
	v3u_for_each_file(pick_file, listing);
	listing->piece = listing->file ? V3U_FILE : V3U_END;
	if (listing->file)
		listing->number = listing->file->number;
}

/* next_object() goes to the next object of the file. False at the end. */
static bool next_object(struct v3u_listing *listing)
{
	struct xarray *objects = &listing->file->objects;
	unsigned long id = listing->object ? listing->object->id + 1 : 1;
	struct v3u_object *object;

	put_object(listing);
	xa_lock(objects);
	object = xa_find(objects, &id, ULONG_MAX, XA_PRESENT);
	if (object)
		v3u_object_hold(object);
	xa_unlock(objects);
	listing->object = object;
	if (!object)
		return false;
	if (object->type->kind == V3U_DOMAIN)
		listing->cursor = 0;
	listing->piece = V3U_OBJECT;
	return true;
}

/* next_ranges() goes to the next ranges of a domain. False at the end. */
static bool next_ranges(struct v3u_listing *listing)
{
	struct v3c_domain *core;

	if (listing->cursor == U64_MAX)
		return false;
	core = READ_ONCE(v3u_to_domain(listing->object)->core);
	if (!core)
		return false;
	do {
		listing->count = v3c_lookup_ranges(core, &listing->file->owner, &listing->cursor,
						   listing->views, V3U_VIEWS);
		cond_resched();
	} while (!listing->count && listing->cursor != U64_MAX && !fatal_signal_pending(current));
	listing->piece = V3U_RANGES;
	return listing->count;
}

static void *current_piece(struct v3u_listing *listing)
{
	return listing->piece == V3U_END ? NULL : listing;
}

static void *start_listing(struct seq_file *seq, loff_t *pos)
{
	struct v3u_listing *listing = seq->private;

	if (!*pos) {
		put_file(listing);
		listing->pos = 0;
		listing->number = 0;
		listing->piece = V3U_SLOTS;
	}
	return *pos == listing->pos ? current_piece(listing) : NULL;
}

static void *next_piece(struct seq_file *seq, void *v, loff_t *pos)
{
	struct v3u_listing *listing = seq->private;

	listing->pos = ++*pos;
	if (!listing->file || (!next_ranges(listing) && !next_object(listing)))
		next_file(listing);
	return current_piece(listing);
}

static void stop_listing(struct seq_file *seq, void *v)
{
	/* The listing keeps where it is until the next read. */
}

static void show_domain(struct seq_file *seq, struct v3u_domain *domain, struct v3u_file *file)
{
	static const char * const types[] = {
		[V3C_DOMAIN_TRANSLATE] = "Translate",
		[V3C_DOMAIN_PASSTHROUGH] = "PassThrough",
		[V3C_DOMAIN_UNMANAGED] = "Unmanaged",
		[V3C_DOMAIN_TRANSLATE_S1] = "TranslateS1",
	};
	struct v3c_domain *core = READ_ONCE(domain->core);

	seq_printf(seq, " %s", types[domain->config.type]);
	if (core)
		seq_printf(seq, ", page sizes 0x%llx", v3c_lookup_page_sizes(core, &file->owner));
}

static void show_object(struct seq_file *seq, struct v3u_object *object)
{
	u32 attached = READ_ONCE(object->attached);

	seq_printf(seq, "  %s %u", object->type->name, object->id);
	if (object->parent)
		seq_printf(seq, " of %u", object->parent);
	if (object->type->kind == V3U_DOMAIN)
		show_domain(seq, v3u_to_domain(object), object->file);
	if (object->type->kind == V3U_PASID)
		seq_printf(seq, ", PASID %u", v3u_to_pasid(object)->number);
	if (attached)
		seq_printf(seq, ", attached to %u", attached);
	seq_putc(seq, '\n');
}

static void show_range(struct seq_file *seq, const struct v3c_view *view)
{
	static const char * const kinds[] = {
		[V3C_RANGE_LOGICAL] = "mapped",
		[V3C_RANGE_IDENTITY] = "mapped at its physical address",
		[V3C_RANGE_TOKEN] = "reserved",
		[V3C_RANGE_HOLE] = "left out",
		[V3C_RANGE_WINDOW] = "withheld",
		[V3C_RANGE_DIRECT] = "mapped 1:1",
		[V3C_RANGE_LOST] = "lost",
	};

	seq_printf(seq, "    0x%llx-0x%llx %c%c %s%s\n", view->first << V3C_PAGE_SHIFT,
		   (view->last << V3C_PAGE_SHIFT) + V3C_PAGE_SIZE - 1,
		   view->prot & IOMMU_READ ? 'r' : '-', view->prot & IOMMU_WRITE ? 'w' : '-',
		   view->kind < ARRAY_SIZE(kinds) && kinds[view->kind] ? kinds[view->kind] : "?",
		   view->contiguous ? ", one run" : "");
}

static int show_piece(struct seq_file *seq, void *v)
{
	struct v3u_listing *listing = v;
	struct v3u_file *file = listing->file;
	unsigned int i;

	switch (listing->piece) {
	case V3U_SLOTS:
		v3u_slots_show(seq);
		break;
	case V3U_FILE:
		seq_printf(seq, "file %u of process %d (%s): %llu bytes mapped, %llu reserved, ",
			   file->number, file->pid, file->comm, bytes_of(&file->mapped),
			   bytes_of(&file->reserved));
		seq_printf(seq, "%llu pinned\n", bytes_of(&file->pinned));
		break;
	case V3U_OBJECT:
		show_object(seq, listing->object);
		break;
	case V3U_RANGES:
		for (i = 0; i < listing->count; i++)
			show_range(seq, &listing->views[i]);
		break;
	case V3U_END:
		break;
	}
	return 0;
}

static const struct seq_operations v3u_listing_ops = {
	.start = start_listing,
	.next = next_piece,
	.stop = stop_listing,
	.show = show_piece,
};

static int open_listing(struct inode *inode, struct file *filp)
{
	return seq_open_private(filp, &v3u_listing_ops, sizeof(struct v3u_listing));
}

static int release_listing(struct inode *inode, struct file *filp)
{
	struct seq_file *seq = filp->private_data;

	put_file(seq->private);
	return seq_release_private(inode, filp);
}

static const struct file_operations v3u_listing_file_ops = {
	.owner = THIS_MODULE,
	.open = open_listing,
	.read = seq_read,
	.llseek = seq_lseek,
	.release = release_listing,
};

static struct dentry *v3u_directory;

void v3u_show_init(void)
{
	v3u_directory = debugfs_create_dir("v3compat", NULL);
	debugfs_create_file("files", 0400, v3u_directory, NULL, &v3u_listing_file_ops);
}

void v3u_show_exit(void)
{
	debugfs_remove(v3u_directory);
}
