/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_USER_MEMORY_H
#define V3COMPAT_USER_MEMORY_H

#include <linux/types.h>

#include "base/payload.h"
#include "base/phys.h"
#include "table/table_walk.h"
#include "user/object.h"
#include "user/pin.h"

struct v3compat_source;
struct v3u_payer;

/**
 * struct v3u_memory - registered memory
 * @object: first
 * @pages: pinned as long as the object is there
 * @one: of @pages, as long as one run is enough
 * @at: the first page of each run in the memory, and the number of pages
 * @live: pages of it that are mapped, several times if they are mapped so
 * @frames: likewise, for tables that are in the memory
 * @payload: keeps it for mappings; its pages are numbered in the order of the memory
 */
struct v3u_memory {
	struct v3u_object object;
	struct v3u_pages pages;
	struct v3c_run one;
	u64 *at;
	atomic64_t live;
	struct v3c_frames frames;
	struct v3c_payload payload;
};

static inline struct v3u_memory *v3u_to_memory(void *object)
{
	return container_of(object, struct v3u_memory, object);
}

/**
 * struct v3u_taken - what a map maps, between v3u_source_take() and v3u_source_leave()
 * @phys: described
 * @pin: for the core; @pin.payload is NULL once that has it
 * @pages: pinned for this map, with @pages.payer NULL once the core has them
 * @few: of @pages, as long as these are enough
 * @memory: registered memory that is used, or NULL
 * @payer: who pays, with a reference, or NULL
 */
struct v3u_taken {
	struct v3c_phys phys;
	struct v3c_pin pin;
	struct v3u_pages pages;
	struct v3c_run few[V3U_FEW_PAGES];
	struct v3u_memory *memory;
	struct v3u_payer *payer;
};

enum v3c_reason v3u_source_check(struct v3u_call *call, const struct v3compat_source *source);
enum v3c_reason v3u_source_pin(struct v3u_call *call, const struct v3compat_source *source,
			       bool write, struct v3u_taken *taken);
enum v3c_reason v3u_source_take(struct v3u_call *call, const struct v3compat_source *source,
				bool write, struct v3u_taken *taken);
void v3u_source_leave(struct v3u_taken *taken);
void v3u_memory_use(struct v3u_memory *memory);
void v3u_memory_unuse(struct v3u_memory *memory);

#endif
