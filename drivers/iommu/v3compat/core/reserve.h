/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_RESERVE_H
#define V3COMPAT_RESERVE_H

#include <linux/spinlock.h>
#include <linux/wait.h>

#include "base/handle.h"
#include "base/phys.h"
#include "core/segments.h"

struct v3c_domain;
struct v3c_hwpt;
struct v3c_place;

/**
 * struct v3c_token - a reservation: addresses and the tables below them
 * @handle: first; what it shows is the public IOMMU_DMA_LOGICAL_ADDRESS_TOKEN
 * @lock: protects everything below that can change, from any context, with interrupts off, unless
 *	it says otherwise
 * @idle: woken when @users or @inflight comes to 0
 * @entry: in its domain's list, under the domain's mutex
 * @domain: constant while the token lives
 * @segments: what is mapped, constant while the token lives, NULL afterwards
 * @quick: @segments where quick operations may start, or NULL; read inside v3c_quick_enter()
 * @open: maps may start
 * @closing: somebody finds out whether it can be given back; under the domain's mutex
 * @locked: maps and unmaps do a bounded part of their work at a time under @lock, in the tables
 *	that it names then
 * @slots: page tables that have all tables for it; also under the domain's mutex
 * @partial: the slot of a page table that has some of them, or %V3C_MAX_SLOTS; under the domain's
 *	mutex
 * @built: pages, from the start, that have their tables in @partial; under the domain's mutex
 * @filling: of the page tables, the one whose segments are being copied; only while @locked
 * @filled: pages, from the start, that @filling has
 * @users: maps and unmaps under way, but for quick ones
 * @inflight: of these, such as do their work outside @lock
 *
 * Quick operations start only while the domain has a sole page table: then nobody holds a token
 * @locked.
 */
struct v3c_token {
	struct v3c_handle handle;
	spinlock_t lock;
	wait_queue_head_t idle;
	struct list_head entry;
	struct v3c_domain *domain;
	struct v3c_segments *segments;
	struct v3c_segments *quick;
	bool open;
	bool closing;
	bool locked;
	u8 slots;
	u8 partial;
	u8 filling;
	u64 built;
	u64 filled;
	unsigned int users;
	unsigned int inflight;
};

extern struct v3c_pool v3c_token_pool;

static inline struct v3c_token *v3c_to_token(const void *handle)
{
	return v3c_handle_is(handle, V3C_KIND_TOKEN) ? (struct v3c_token *)handle : NULL;
}

enum v3c_reason v3c_token_create(struct v3c_domain *domain, u64 pages,
				 const struct v3c_place *place, bool pinned,
				 struct v3c_token **out, struct v3c_why *why);
enum v3c_reason v3c_token_destroy(struct v3c_token *token, struct v3c_why *why);
enum v3c_reason v3c_token_map(struct v3c_token *token, u64 page, int prot,
			      const struct v3c_phys *phys, struct v3c_why *why);
enum v3c_reason v3c_token_unmap(struct v3c_token *token, u64 page, u64 pages, struct v3c_why *why);
enum v3c_reason v3c_token_map_pinned_slow(struct v3c_token *token, u64 page, int prot,
					  const struct v3c_phys *phys, struct v3c_pin pin,
					  struct v3c_why *why);
enum v3c_reason v3c_token_unmap_pinned_slow(struct v3c_token *token, u64 page, u64 pages,
					    struct v3c_why *why);

int v3c_tokens_permissions(struct v3c_domain *domain, u64 first, u64 page);
int v3c_tokens_replay(struct v3c_domain *domain, struct v3c_hwpt *hwpt);
void v3c_tokens_forget(struct v3c_domain *domain, u8 slot);
void v3c_segments_give_kept(struct v3c_segments *kept);
void v3c_tokens_reclaim(struct v3c_domain *domain, bool loud);

#endif
