/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_USER_PIN_H
#define V3COMPAT_USER_PIN_H

#include <linux/types.h>

#include "base/phys.h"
#include "base/why.h"

struct v3c_payload;
struct v3u_call;
struct v3u_payer;

/* V3U_FEW_PAGES: as many are pinned without memory for their description. */
#define V3U_FEW_PAGES	16

/**
 * struct v3u_pages - memory that is pinned
 * @payer: who pays, with a reference for each page
 * @write: devices may write to it
 * @folios: each run is part of a folio that is pinned once; otherwise every page is pinned
 * @pages: total
 * @most: what @pages is going to be, which is the most runs that there can be
 * @runs: physically contiguous runs
 * @count: how many
 * @room: in @runs
 * @few: @runs at first, with @room; whoever has @pages has them, too
 */
struct v3u_pages {
	struct v3u_payer *payer;
	bool write;
	bool folios;
	u64 pages;
	u64 most;
	struct v3c_run *runs;
	u64 count;
	u64 room;
	struct v3c_run *few;
};

enum v3c_reason v3u_pin_user(struct v3u_call *call, struct v3u_pages *pages, u64 start, u64 count);
enum v3c_reason v3u_pin_memfd(struct v3u_call *call, struct v3u_pages *pages, int fd, u64 start,
			      u64 count);
void v3u_free_runs(struct v3u_pages *pages);
void v3u_unpin(struct v3u_pages *pages);
struct v3c_payload *v3u_pages_payload(struct v3u_pages *pages, u64 *at);

#endif
