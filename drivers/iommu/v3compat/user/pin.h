/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_USER_PIN_H
#define V3COMPAT_USER_PIN_H

#include <linux/types.h>

#include "base/phys.h"
#include "base/why.h"

struct v3c_payload;
struct v3u_call;
struct v3u_payer;

/**
 * struct v3u_pages - memory that is pinned
 * @payer: who pays, with a reference for each page
 * @write: devices may write to it
 * @folios: each run is part of a folio that is pinned once; otherwise every page is pinned
 * @pages: total
 * @runs: physically contiguous runs
 * @count: how many
 * @room: in @runs
 * @one: @runs, as long as one is enough
 */
struct v3u_pages {
	struct v3u_payer *payer;
	bool write;
	bool folios;
	u64 pages;
	struct v3c_run *runs;
	u64 count;
	u64 room;
	struct v3c_run one;
};

enum v3c_reason v3u_pin_user(struct v3u_call *call, struct v3u_pages *pages, u64 start, u64 count);
enum v3c_reason v3u_pin_memfd(struct v3u_call *call, struct v3u_pages *pages, int fd, u64 start,
			      u64 count);
void v3u_unpin(struct v3u_pages *pages);
struct v3c_payload *v3u_pages_payload(struct v3u_pages *pages, u64 *at);

#endif
