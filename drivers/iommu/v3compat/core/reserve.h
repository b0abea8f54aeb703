/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_RESERVE_H
#define V3COMPAT_RESERVE_H

#include <linux/list.h>

#include "base/handle.h"
#include "base/phys.h"
#include "core/segments.h"

struct v3c_domain;
struct v3c_hwpt;
struct v3c_place;

/**
 * struct v3c_token - a reservation: addresses and the tables below them
 * @handle: first; what it shows is the public IOMMU_DMA_LOGICAL_ADDRESS_TOKEN
 * @entry: in its domain's list
 * @domain: constant while the token lives
 * @segments: where its cells are, constant while the token lives, NULL afterwards
 * @quick: @segments where quick operations may start, or NULL; read inside v3c_quick_enter();
 *	always NULL if @pinned, because those on tokens do not look for payloads
 * @open: maps may start; read by operations
 * @closing: somebody finds out whether it can be given back
 * @pinned: its segments may keep payloads
 * @celled: pages, from the start, that have cells of their own; changed by who makes it, without
 *	the mutex
 * @slots: page tables that have all tables for it
 * @partial: the slot of a page table that has some of them, or %V3C_MAX_SLOTS
 * @built: pages, from the start, that have their tables in @partial
 *
 * All of it is changed under the domain's mutex.
 */
struct v3c_token {
	struct v3c_handle handle;
	struct list_head entry;
	struct v3c_domain *domain;
	struct v3c_segments *segments;
	struct v3c_segments *quick;
	bool open;
	bool closing;
	bool pinned;
	u8 slots;
	u8 partial;
	u64 celled;
	u64 built;
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
enum v3c_reason v3c_token_map_pinned(struct v3c_token *token, u64 page, int prot,
				     const struct v3c_phys *phys, struct v3c_pin pin,
				     struct v3c_why *why);
enum v3c_reason v3c_token_unmap_pinned(struct v3c_token *token, u64 page, u64 pages,
				       struct v3c_why *why);

int v3c_tokens_build(struct v3c_domain *domain, struct v3c_hwpt *hwpt);
void v3c_tokens_forget(struct v3c_domain *domain, u8 slot);
void v3c_tokens_reclaim(struct v3c_domain *domain, bool loud);

#endif
