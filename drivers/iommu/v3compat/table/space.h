/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_SPACE_H
#define V3COMPAT_SPACE_H

#include <linux/bits.h>
#include <linux/gfp_types.h>
#include <linux/percpu.h>
#include <linux/types.h>

#include "table/cells.h"
#include "table/range.h"

/*
 * v3c_cut_check_t tells whether [@first, @last] can be cut out of @range without splitting what the
 * IOMMU driver unmaps as a whole. Called with @range held by @op.
 */
typedef bool (*v3c_cut_check_t)(void *arg, const struct v3c_op *op, const struct v3c_view *range,
				u64 first, u64 last);

/*
 * v3c_fill_t copies some of @range from page @at on into the page table under construction, and
 * says in @pages how much. Called under the lock.
 */
typedef int (*v3c_fill_t)(void *arg, const struct v3c_view *range, u64 at, u64 *pages);

/* V3C_ATOMIC_RANGES: no more are held at once for a caller that cannot sleep. */
#define V3C_ATOMIC_RANGES	8192

/* What v3c_space_uses() finds. */
#define V3C_USE_LIVE	0x01
#define V3C_USE_HELD	0x02
#define V3C_USE_LOST	0x04

void v3c_space_init_once(struct v3c_space *space);
int v3c_space_reset(struct v3c_space *space, bool allocates, u64 last, gfp_t account);
void v3c_space_clear(struct v3c_space *space, struct v3c_released *released);

int v3c_space_claim(struct v3c_space *space, u64 first, u64 last, struct v3c_traits like,
		    gfp_t gfp, struct v3c_head *head);
int v3c_space_alloc(struct v3c_space *space, u64 pages, u64 lo, u64 hi, struct v3c_traits like,
		    gfp_t gfp, u64 *first, struct v3c_head *head);
void v3c_space_commit(struct v3c_space *space, u64 first, u8 prot, const struct v3c_head *head);
void v3c_space_free(struct v3c_space *space, u64 first, u64 last, u8 kind,
		    const struct v3c_head *head);
void v3c_space_lose(struct v3c_space *space, u64 first, u64 last);

int v3c_space_hold(struct v3c_space *space, u64 first, u64 last, u8 kind, bool pinned,
		   struct v3c_head *head);
int v3c_space_cut(struct v3c_space *space, u64 first, u64 last, v3c_cut_check_t may_cut, void *arg,
		  const struct v3c_op *op, gfp_t gfp);
void v3c_space_unhold(struct v3c_space *space, u64 first, u64 last);
void v3c_space_drop(struct v3c_space *space, u64 first, u64 last, u8 kind,
		    struct v3c_released *released, const struct v3c_head *head);

int v3c_space_reserve(struct v3c_space *space, u64 first, u64 last, gfp_t gfp);
int v3c_space_alloc_reserve(struct v3c_space *space, u64 pages, u64 lo, u64 hi, gfp_t gfp,
			    u64 *first);
u8 v3c_space_uses(struct v3c_space *space, u64 first, u64 last);
void v3c_space_lose_reserved(struct v3c_space *space, u64 first);
void v3c_space_unreserve(struct v3c_space *space, u64 first, u64 last);

int v3c_space_permissions(struct v3c_space *space, u64 page);
bool v3c_space_next_direct(struct v3c_space *space, u64 page, struct v3c_view *view);
bool v3c_space_first_in(struct v3c_space *space, u64 first, u64 last, struct v3c_view *view);
unsigned int v3c_space_list(struct v3c_space *space, u64 *cursor, struct v3c_view *views,
			    unsigned int max);
int v3c_space_set_last(struct v3c_space *space, u64 last);
int v3c_space_meet(struct v3c_space *space, u64 page);
int v3c_space_fill_step(struct v3c_space *space, bool direct, v3c_fill_t fill, void *arg);

/*
 * V3C_LINE_ORDER: pages whose cells share a cache line. Where a processor has to search for a
 * smaller block, it takes such a line if it can, and maps the rest of the line next.
 */
#define V3C_LINE_ORDER		6

/* V3C_HINT_OWED: in a hint, searches have not been told yet that the block is free. */
#define V3C_HINT_OWED		BIT_ULL(63)

/* v3c_space_hint() remembers that a block of @order at @page is likely to be free. */
static __always_inline void v3c_space_hint(struct v3c_hints __percpu *hints, u8 order, u64 page)
{
	this_cpu_write(hints->page[order], page);
}

/* v3c_space_settle() tells searches of the block that is remembered, and will be forgotten now. */
static __always_inline void v3c_space_settle(struct v3c_space *space, u8 order)
{
	u64 hint = this_cpu_read(space->hints->page[order]);

	if (unlikely(hint & V3C_HINT_OWED))
		v3c_cells_make_room(space, hint & ~V3C_HINT_OWED);
}

/*
 * v3c_space_owe() is v3c_space_hint() of a block that searches do not know to be free. They are
 * told when it is forgotten, because it is likely to be mapped again before that. Until then, and
 * if an interrupt or another processor comes in between, a thorough search finds it only.
 */
static __always_inline void v3c_space_owe(struct v3c_space *space, u8 order, u64 page)
{
	v3c_space_settle(space, order);
	v3c_space_hint(space->hints, order, page | V3C_HINT_OWED);
}

/* v3c_space_hint_behind() remembers the next block of a line, if there is one. */
static __always_inline void v3c_space_hint_behind(struct v3c_hints __percpu *hints, u8 order,
						  u64 page)
{
	page += 1ULL << order;
	v3c_space_hint(hints, order, page & (BIT(V3C_LINE_ORDER) - 1) ? page : 0);
}

#endif
