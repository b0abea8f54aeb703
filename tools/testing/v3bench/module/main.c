// SPDX-License-Identifier: GPL-2.0
/*
 * The device, and the two debugfs files: write "METHOD [LIVE]" to
 * v3bench/run, then read v3bench/results.
 */
#include <linux/cleanup.h>
#include <linux/debugfs.h>
#include <linux/dma-mapping.h>
#include <linux/iommu.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/seq_file.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include <v3compat/kcompat.h>

#include "sim.h"
#include "v3bench.h"

#define PCI_VENDOR_ID_QEMU_EDU	0x1234
#define PCI_DEVICE_ID_QEMU_EDU	0x11e8

#define MAX_LIVE	1000000

/* Low enough for an IOMMU with 39 address bits, high enough to be nobody's reserved region. */
#define FILL_BASE	(4ULL << 30)
#define PROBE_BASE	(16ULL << 30)
#define PROBE_STEP	(2ULL << 30)

static DEFINE_MUTEX(lock);
static struct v3b *bench;	/* protected by lock */
static struct dentry *dir;

static const struct v3b_method * const methods[] = {
	&v3b_dma, &v3b_raw, &v3b_v3_explicit, &v3b_v3_allocator, &v3b_v3_reserved,
	&v3b_v3_bounded, &v3b_both_raw, &v3b_both_explicit,
	&v3b_sim_raw, &v3b_sim_raw_pasid, &v3b_sim_v3, &v3b_sim_v3_pasid,
};

static const struct v3b_study * const studies[] = {
	&v3b_pasid, &v3b_shadow, &v3b_guard, &v3b_section, &v3b_lonely, &v3b_filling,
	&v3b_smp,
};

/**
 * v3b_row_add - the next line of the result
 * @b: the benchmark
 *
 * Return: a zeroed row, or NULL when there is no room.
 */
struct v3b_row *v3b_row_add(struct v3b *b)
{
	if (b->nr_rows == V3B_MAX_ROWS)
		return NULL;
	memset(&b->rows[b->nr_rows], 0, sizeof(b->rows[0]));
	return &b->rows[b->nr_rows++];
}

static const struct v3b_method *find_method(const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(methods); i++)
		if (!strcmp(methods[i]->name, name))
			return methods[i];
	return NULL;
}

static const struct v3b_study *find_study(const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(studies); i++)
		if (!strcmp(studies[i]->name, name))
			return studies[i];
	return NULL;
}

static int run_study(struct v3b *b, const struct v3b_study *study, u32 max_live)
{
	int err;

	b->gfp = GFP_KERNEL;
	b->fill_base = FILL_BASE;
	b->probe_base = PROBE_BASE;
	b->probe_step = PROBE_STEP;
	err = v3b_measure_empty(b);
	return err ?: study->run(b, max_live);
}

static int run_method(struct v3b *b, const struct v3b_method *method, u32 max_live)
{
	int err;

	b->slots = vcalloc(max_live, sizeof(*b->slots));
	if (!b->slots)
		return -ENOMEM;
	b->live = 0;
	b->max_live = max_live;
	b->gfp = GFP_KERNEL;
	b->fill_base = FILL_BASE;
	b->probe_base = PROBE_BASE;
	b->probe_step = PROBE_STEP;
	err = v3b_measure_empty(b);
	if (!err)
		err = v3b_measure_method(b, method);
	vfree(b->slots);
	return err;
}

static int run_command(struct v3b *b, const char *name, u32 max_live)
{
	const struct v3b_method *method = find_method(name);
	const struct v3b_study *study = find_study(name);

	b->nr_rows = 0;
	if (!strcmp(name, "clock"))
		return v3b_clock_calibrate(b);
	if ((!method && !study) || !max_live || max_live > MAX_LIVE)
		return -EINVAL;
	if (study)
		return run_study(b, study, max_live);
	return run_method(b, method, max_live);
}

static ssize_t run_write(struct file *file, const char __user *buf, size_t len, loff_t *pos)
{
	u32 max_live = MAX_LIVE;
	char text[64], name[32];
	ssize_t err;

	err = simple_write_to_buffer(text, sizeof(text) - 1, pos, buf, len);
	if (err < 0)
		return err;
	text[err] = '\0';
	if (sscanf(text, "%31s %u", name, &max_live) < 1)
		return -EINVAL;
	guard(mutex)(&lock);
	err = bench ? run_command(bench, name, max_live) : -ENODEV;
	return err ?: len;
}

static const struct file_operations run_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = run_write,
};

static void show_cost(struct seq_file *m, const struct v3b_row *row)
{
	const struct v3b_stats *s = &row->stats;

	seq_printf(m, "cost\t%s\t%s\t%u\t%u\t%llu\t%llu\t%llu\t%llu\t%llu\t%llu\n", row->method,
		   row->what, row->live, row->count, s->map_mean, s->unmap_mean, s->pair_min,
		   s->pair_median, s->pair_mean, s->pair_max);
}

static void show_memory(struct seq_file *m, const struct v3b_row *row)
{
	seq_printf(m, "memory\t%s\t%s\t%u\t%u\t%lld\t%lld\t%lld\t%llu\n", row->method,
		   row->what, row->live, row->count, row->memory.total, row->memory.tables,
		   row->memory.slab, row->ticks);
}

static void show_call(struct seq_file *m, const struct v3b_row *row)
{
	const struct v3b_call *call = &row->call;
	const struct v3b_stats *s = &row->call_stats;

	seq_printf(m, "call\t%s\t%s\t%s\t%s\t%u\t%u\t%u\t%llu\t%llu\t%llu\t%llu\n", call->study,
		   call->what, call->op, call->side, call->live, call->units, row->count,
		   s->pair_min, s->pair_median, s->pair_mean, s->pair_max);
}

static void show_row(struct seq_file *m, const struct v3b_row *row)
{
	switch (row->kind) {
	case V3B_ROW_CLOCK:
		seq_printf(m, "clock\t%s\t%u\t%llu\t%llu\n", row->what, row->count,
			   row->clock.ticks, row->clock.read);
		break;
	case V3B_ROW_COST:
		show_cost(m, row);
		break;
	case V3B_ROW_MEMORY:
		show_memory(m, row);
		break;
	case V3B_ROW_CALL:
		show_call(m, row);
		break;
	}
}

static int results_show(struct seq_file *m, void *unused)
{
	u32 i;

	guard(mutex)(&lock);
	for (i = 0; bench && i < bench->nr_rows; i++)
		show_row(m, &bench->rows[i]);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(results);

static int set_up(struct v3b *b, struct pci_dev *pdev)
{
	int err;

	b->dev = &pdev->dev;
	b->prot = IOMMU_READ | IOMMU_WRITE;
	if (device_iommu_capable(b->dev, IOMMU_CAP_CACHE_COHERENCY))
		b->prot |= IOMMU_CACHE;
	/* Not 64: dma_unmap_sg() of 7.3 takes a list that ends at 2^64 for an empty one. */
	err = dma_set_mask_and_coherent(b->dev, DMA_BIT_MASK(48));
	if (err)
		return err;
	/* The DMA API's best case: it may merge all of a scatter list. */
	dma_set_max_seg_size(b->dev, UINT_MAX);
	dma_set_seg_boundary(b->dev, ULONG_MAX);
	return v3b_memory_init(b);
}

static int v3b_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct v3b *b __free(kvfree) = kvzalloc(sizeof(*b), GFP_KERNEL);
	int err;

	if (!b)
		return -ENOMEM;
	guard(mutex)(&lock);
	/* One device is enough. */
	if (bench)
		return -ENODEV;
	err = set_up(b, pdev);
	if (err)
		return err;
	bench = no_free_ptr(b);
	return 0;
}

static void v3b_remove(struct pci_dev *pdev)
{
	guard(mutex)(&lock);
	v3b_sim_exit();
	v3b_memory_exit(bench);
	kvfree(bench);
	bench = NULL;
}

static const struct pci_device_id v3b_ids[] = {
	{ PCI_DEVICE(PCI_VENDOR_ID_QEMU_EDU, PCI_DEVICE_ID_QEMU_EDU) },
	{ }
};
MODULE_DEVICE_TABLE(pci, v3b_ids);

static struct pci_driver v3b_driver = {
	.name = "v3bench",
	.id_table = v3b_ids,
	.probe = v3b_probe,
	.remove = v3b_remove,
	.driver_managed_dma = true,
};

static int __init v3b_init(void)
{
	int err = pci_register_driver(&v3b_driver);

	if (err)
		return err;
	dir = debugfs_create_dir("v3bench", NULL);
	debugfs_create_file("run", 0200, dir, NULL, &run_fops);
	debugfs_create_file("results", 0400, dir, NULL, &results_fops);
	return 0;
}

static void __exit v3b_exit(void)
{
	debugfs_remove(dir);
	pci_unregister_driver(&v3b_driver);
}

module_init(v3b_init);
module_exit(v3b_exit);

MODULE_DESCRIPTION("Cost of mapping calls in instructions");
MODULE_LICENSE("GPL");
V3C_IMPORT_NS(V3COMPAT);
V3C_IMPORT_NS(IOMMUSIM);
