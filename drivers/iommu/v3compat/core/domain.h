/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_DOMAIN_H
#define V3COMPAT_DOMAIN_H

#include <linux/list.h>
#include <linux/mutex.h>

#include "base/handle.h"
#include "base/topology.h"
#include "base/types.h"
#include "base/why.h"
#include "table/gate.h"
#include "table/hwpt.h"
#include "table/space.h"
#include "table/table_walk.h"

/**
 * struct v3c_domain - what a caller knows as IOMMU_DMA_DOMAIN
 * @handle: first, see &struct v3c_handle
 * @mutex: serialises whatever changes the set of page tables, attachments or tokens; outside
 *	v3c_topology and the locks of the space. An attach holds it while the IOMMU core works
 * @type: constant while the domain lives
 * @width_last: last page under the allocator's AddressWidth
 * @space: logical addresses; for PassThrough domains empty
 * @hwpts: page tables by slot; an entry is there as long as its bit in @space.slots or an operation
 *	that saw the bit; changed under @mutex
 * @sole: the only page table, where quick operations may start on it; NULL when there is none or
 *	more than one, and while the set of tables or what is withheld changes. Set to NULL first
 *	and then waited for by v3c_gate_quiesce(), read inside v3c_quick_enter()
 * @sole_explicit: @sole, for v3c_quick_map() and v3c_quick_unmap() of a space that does not choose
 *	addresses and has no payloads; otherwise NULL
 * @sole_allocates: @sole, likewise of one that chooses
 * @devices: attached &struct v3c_device, under v3c_topology and @mutex
 * @pasids: &struct v3c_attachment, under v3c_topology and @mutex
 * @tokens: &struct v3c_token, also such as are still built or already taken apart; under @mutex
 * @tables: what the owner of an Unmanaged domain configured, under @mutex; the page tables' mirrors
 *	have copies
 * @configuring: serialises those who change @tables; outside @mutex
 * @nodes: count of nodes of all of its mirrors together
 */
struct v3c_domain {
	struct v3c_handle handle;
	struct mutex mutex;
	enum v3c_domain_type type;
	u64 width_last;
	struct v3c_space space;
	struct v3c_hwpt *hwpts[V3C_MAX_SLOTS];
	struct v3c_hwpt *sole;
	struct v3c_hwpt *sole_explicit;
	struct v3c_hwpt *sole_allocates;
	struct list_head devices;
	struct list_head pasids;
	struct list_head tokens;
	struct v3c_tables tables;
	struct mutex configuring;
	atomic_long_t nodes;
};

extern struct v3c_pool v3c_domain_pool;

/* v3c_for_each_hwpt() iterates the page tables whose bits are set in the mask @slots. */
#define v3c_for_each_hwpt(domain, hwpt, slots)					\
	for (unsigned long __left = (slots);					\
	     __left && ((hwpt) = (domain)->hwpts[__ffs(__left)], true);		\
	     __left &= __left - 1)

static inline struct v3c_domain *v3c_to_domain(const void *handle)
{
	return v3c_handle_is(handle, V3C_KIND_DOMAIN) ? (struct v3c_domain *)handle : NULL;
}

static inline bool v3c_domain_is_mapped_by_us(const struct v3c_domain *domain)
{
	return domain->type == V3C_DOMAIN_TRANSLATE || domain->type == V3C_DOMAIN_TRANSLATE_S1;
}

/*
 * v3c_domain_is_first_stage(): the caller asked for tables that PASIDs of the device could use, by
 * the type TranslateS1 or by tables of its own (Unmanaged).
 */
static inline bool v3c_domain_is_first_stage(const struct v3c_domain *domain)
{
	return domain->type == V3C_DOMAIN_TRANSLATE_S1 || domain->type == V3C_DOMAIN_UNMANAGED;
}

/*
 * v3c_domain_shows_all(): devices see all of memory at its physical addresses. Called under the
 * domain's mutex or under v3c_topology. Either will do, because a domain becomes so under both
 * only.
 */
static inline bool v3c_domain_shows_all(const struct v3c_domain *domain)
{
	lockdep_assert(lockdep_is_held(&domain->mutex) || lockdep_is_held(&v3c_topology));

	return domain->type == V3C_DOMAIN_PASSTHROUGH ||
	       domain->tables.kind == V3C_TABLES_IDENTITY;
}

void v3c_domain_allow_quick(struct v3c_domain *domain);
void v3c_domain_forbid_quick(struct v3c_domain *domain);

#endif
