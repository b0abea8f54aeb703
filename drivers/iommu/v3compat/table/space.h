/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_SPACE_H
#define V3COMPAT_SPACE_H

#include <linux/gfp_types.h>
#include <linux/types.h>

#include "table/range.h"

/*
 * v3c_cut_check_t tells whether [@first, @last] can be cut out of @range without splitting what the
 * IOMMU driver unmaps as a whole. Called with @range held by @op, and without the lock.
 */
typedef bool (*v3c_cut_check_t)(void *arg, const struct v3c_op *op, const struct v3c_view *range,
				u64 first, u64 last);

/*
 * v3c_fill_t copies some of @range from page @at on into the page table under construction, and
 * says in @pages how much. Called under the lock.
 */
typedef int (*v3c_fill_t)(void *arg, const struct v3c_view *range, u64 at, u64 *pages);

void v3c_space_init_once(struct v3c_space *space);
void v3c_space_reset(struct v3c_space *space, bool allocates, u64 last, gfp_t account);
void v3c_space_clear(struct v3c_space *space, struct v3c_released *released);

int v3c_space_alloc(struct v3c_space *space, u64 pages, u64 lo, u64 hi,
		    struct v3c_traits like, gfp_t gfp, struct v3c_op *op);
int v3c_space_claim(struct v3c_space *space, u64 first, u64 last, struct v3c_traits like,
		    gfp_t gfp, struct v3c_op *op);
void v3c_space_pin(struct v3c_op *op, struct v3c_pin pin);
void v3c_space_commit(struct v3c_space *space, struct v3c_op *op);
void v3c_space_commit_call(struct v3c_space *space, struct v3c_op *op, u64 call);
void v3c_space_abort(struct v3c_space *space, struct v3c_op *op);
void v3c_space_lose(struct v3c_space *space, struct v3c_op *op);

int v3c_space_release_begin(struct v3c_space *space, u64 first, u64 last, u8 kind,
			    v3c_cut_check_t may_cut, void *arg, gfp_t gfp, struct v3c_op *op);
bool v3c_space_hold_call(struct v3c_space *space, u64 *page, u64 last, u64 call, struct v3c_op *op);
void v3c_space_release_end(struct v3c_space *space, struct v3c_op *op);
void v3c_space_release_pinned(struct v3c_space *space, struct v3c_op *op,
			      struct v3c_released *released);
int v3c_space_hold(struct v3c_space *space, u64 first, u64 last, u8 kind,
		   v3c_cut_check_t may_cut, void *arg, gfp_t gfp, struct v3c_op *op);
void v3c_space_drop(struct v3c_space *space, u64 first, u64 last);
void v3c_space_drop_pinned(struct v3c_space *space, u64 first, u64 last,
			   struct v3c_released *released);
void v3c_space_drop_lost(struct v3c_space *space, u64 first, u64 last);
void v3c_space_unhold(struct v3c_space *space, u64 first, u64 last);
bool v3c_space_is_held(struct v3c_space *space, u64 first, u64 last, const struct v3c_op *op);
void v3c_space_unhold_all(struct v3c_space *space, const struct v3c_op *op);

int v3c_space_look(struct v3c_space *space, u64 page, struct v3c_view *view);
bool v3c_space_next_direct(struct v3c_space *space, u64 page, struct v3c_view *view);
unsigned int v3c_space_list(struct v3c_space *space, u64 *cursor, struct v3c_view *views,
			    unsigned int max);
void v3c_released_give(struct v3c_released *released, bool may_sleep);
int v3c_space_set_last(struct v3c_space *space, u64 last);
u64 v3c_space_next_filled(struct v3c_space *space, const struct v3c_op *op, u64 *at);
int v3c_space_fill_step(struct v3c_space *space, bool direct, v3c_fill_t fill, void *arg);

#endif
