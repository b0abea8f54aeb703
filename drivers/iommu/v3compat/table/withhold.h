/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_WITHHOLD_H
#define V3COMPAT_WITHHOLD_H

#include <linux/list.h>

#include "table/range.h"

/**
 * struct v3c_withheld - a range that v3c_withhold() added or took over, so that it can be undone
 * @entry: in the list of what one call or several added
 * @first: its first page
 * @last: its last page
 * @prot: IOMMU_READ and IOMMU_WRITE
 * @unmapped: the range is to be mapped, and nothing was there
 * @taken_over: the range was there before
 * @was_kind: its kind then
 * @was_prot: its prot then
 * @slots: page tables that have it mapped; the owner's
 */
struct v3c_withheld {
	struct list_head entry;
	u64 first;
	u64 last;
	u8 prot;
	bool unmapped;
	bool taken_over;
	u8 was_kind;
	u8 was_prot;
	u8 slots;
};

/*
 * v3c_range_check_t tells whether a live range maps what one like @like would map.
 */
typedef bool (*v3c_range_check_t)(void *arg, const struct v3c_view *range, struct v3c_traits like);

int v3c_withhold(struct v3c_space *space, u64 first, u64 last, struct v3c_traits like,
		 v3c_range_check_t compatible, void *arg, struct list_head *added);
void v3c_withheld_lose(struct v3c_space *space, const struct v3c_withheld *held);
void v3c_withhold_undo(struct v3c_space *space, struct list_head *added);
void v3c_withheld_keep(struct list_head *added);

#endif
