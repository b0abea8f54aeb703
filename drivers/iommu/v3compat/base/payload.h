/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_PAYLOAD_H
#define V3COMPAT_PAYLOAD_H

#include <linux/types.h>

#include "base/phys.h"

/**
 * DOC: Payloads
 *
 * Memory that was pinned for a mapping may be unpinned when no device reaches it any more, which
 * only the core knows. So a mapping can keep a &struct v3c_pin, and each of its pages is given back
 * once: by the unmap that takes it away, after the invalidation, or before a map that is refused
 * returns. A cut gives back what was cut. What an IOMMU driver kept, and what nobody unmapped,
 * comes back when the page tables of the domain are gone. Deleting the domain does not wait for an
 * unmap that has ended and is giving back.
 *
 * &v3c_payload.release is called without a lock, outside operations and quick sections, because it
 * may sleep. Several ranges that are unmapped at once are all invalidated before the first page of
 * any is given back.
 *
 * A payload needs memory when it is kept, also by a segment of a reservation, and none when it is
 * given back. &v3c_space.pins has those of a space by the first pages of their ranges. Whoever
 * holds a range holds its payload, too.
 *
 * Mapping without a payload costs next to nothing because others have some: only a space with an
 * account (&v3c_space.account) is asked for payloads. What is the same with and without is written
 * once, as inline functions, which the functions with _pinned in their name and those without call
 * with different constants.
 */

/**
 * struct v3c_payload - what mappings keep for their caller until no device reaches it
 * @release: takes back @pages pages from page @at on. Called once for each page that a mapping was
 *	given with, in pieces of any size, without a lock of ours, and where the verb was called
 *	that unmapped them: it may sleep if that may
 *
 * The pages of a payload are numbered by its maker: for memory that is contiguous page frames will
 * do, see v3c_payload_of_runs() for other memory.
 */
struct v3c_payload {
	void (*release)(struct v3c_payload *payload, u64 at, u64 pages);
};

/**
 * struct v3c_pin - a part of a payload that a mapping keeps
 * @payload: the payload, or NULL for none
 * @at: its page that the mapping's first page is
 *
 * The mapping has as many pages of the payload as it has itself.
 */
struct v3c_pin {
	struct v3c_payload *payload;
	u64 at;
};

static inline void v3c_pin_release(struct v3c_pin pin, u64 pages)
{
	if (pages)
		pin.payload->release(pin.payload, pin.at, pages);
}

struct v3c_payload *v3c_payload_of_runs(const struct v3c_run *runs, u64 count,
					void (*give)(void *context, u64 pfn, u64 pages),
					void (*end)(void *context, u64 pages),
					void *context, gfp_t gfp);

#endif
