/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Page tables of what an operation holds: mapping it, and unmapping it.
 */
#ifndef V3COMPAT_HELD_H
#define V3COMPAT_HELD_H

#include "base/payload.h"
#include "base/phys.h"
#include "table/range.h"

struct v3c_domain;

/**
 * struct v3c_held - what an operation holds
 * @domain: whose
 * @op: under way
 * @first: first page
 * @last: last page
 * @kind: &enum v3c_range_kind
 * @head: of the range that it holds, or the first of several
 */
struct v3c_held {
	struct v3c_domain *domain;
	struct v3c_op op;
	u64 first;
	u64 last;
	u8 kind;
	struct v3c_head head;
};

int v3c_held_map(struct v3c_held *held, const struct v3c_phys *phys, int prot, struct v3c_pin *pin,
		 gfp_t gfp);
int v3c_held_unmap(struct v3c_held *held, struct v3c_released *released);
int v3c_held_cut(struct v3c_held *held, gfp_t gfp);
void v3c_held_unmap_many(struct v3c_held *held, struct v3c_span *spans, unsigned int count);

#endif
