/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A random walk through the map and unmap calls of one domain without an allocator, against a
 * plain list of what each page must be. Devices say by DMA what each page is.
 */
#ifndef V3COMPAT_TESTS_MODEL_H
#define V3COMPAT_TESTS_MODEL_H

#include <linux/mm_types.h>
#include <linux/prandom.h>
#include <linux/sizes.h>
#include <wdm.h>

/* Memory that is mapped. Its own addresses are one window of logical ones, MODEL_WINDOW another. */
#define MODEL_ORDER	10
#define MODEL_POOL	(1U << MODEL_ORDER)
#define MODEL_PAGES	(2 * MODEL_POOL)

/* Far above memory, and across a boundary of every block that hardware knows. */
#define MODEL_WINDOW	(64ULL * SZ_1G - SZ_2M)

#define MODEL_DEVICES	2
#define MODEL_TOKENS	4

/* Where nothing else is asked for: enough to meet each kind of step in each of its forms. */
#define MODEL_SEED	12
#define MODEL_STEPS	1000

enum model_kind {
	MODEL_FREE,
	MODEL_LOGICAL,
	MODEL_IDENTITY,
	MODEL_RESERVED,
	MODEL_SEGMENT,
};

/**
 * struct model_page - what a logical page must be
 * @kind: who has it
 * @token: index of its token, if it is reserved
 * @permissions: what devices may do there; 0 unless it is mapped
 * @owner: number of the mapping or segment it is part of
 * @pfn: where it leads, if it is mapped
 */
struct model_page {
	enum model_kind kind;
	unsigned int token;
	ULONG permissions;
	unsigned int owner;
	PFN_NUMBER pfn;
};

/**
 * struct model_device - a device that comes and goes
 * @handle: the device
 * @sees: whether it can do exactly that at a logical address, and does it to that memory
 * @context: for @sees
 * @attached: to the domain of the model
 */
struct model_device {
	PIOMMU_DMA_DEVICE handle;
	bool (*sees)(void *context, u64 address, u64 physical, ULONG permissions);
	void *context;
	bool attached;
};

/**
 * struct model - one walk
 * @v3: the interface
 * @domain: Translate, without an allocator, without mappings, without devices
 * @devices: what may be attached to it
 * @seed: decides all that happens
 * @steps: how many calls to make; on return, how many were made
 * @error: what was wrong with the last one; empty if nothing was
 * @mapped: calls of all kinds that mapped, reserved or attached something
 * @unmapped: calls that undid it
 * @cuts: unmaps of a part
 * @uncut: unmaps of a part that the IOMMU's entries did not allow
 * @refused: calls that had to be refused
 * @seen: pages looked at by a device
 *
 * The caller fills the first five, the rest is zero.
 */
struct model {
	DMA_IOMMU_INTERFACE_V3 *v3;
	PIOMMU_DMA_DOMAIN domain;
	struct model_device devices[MODEL_DEVICES];
	u32 seed;
	unsigned int steps;

	char error[200];
	unsigned long mapped;
	unsigned long unmapped;
	unsigned long cuts;
	unsigned long uncut;
	unsigned long refused;
	unsigned long seen;

	/* private: */
	struct rnd_state random;
	struct page *pool;
	struct model_page *pages;
	PMDL mdl;
	PPFN_NUMBER pfns;
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN tokens[MODEL_TOKENS];
	unsigned int owner;
	unsigned int next;
};

/**
 * model_run() - walk
 * @m: the walk
 *
 * All devices are detached when it ends, and all that could keep the domain from being deleted is
 * undone.
 *
 * Return: whether all went as it must. @m->error tells what did not.
 */
bool model_run(struct model *m);

/* &struct model_device.sees of a struct device behind an iommusim. */
bool model_sim_sees(void *context, u64 address, u64 physical, ULONG permissions);

#endif
