/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_SHADOW_H
#define V3COMPAT_SHADOW_H

#include <linux/types.h>

struct v3c_hwpt;
struct v3c_shadow;
struct v3c_space;
struct v3c_tables;

struct v3c_shadow *v3c_shadow_alloc(struct v3c_hwpt *hwpt, struct v3c_space *space,
				    const struct v3c_tables *tables);
void v3c_shadow_free(struct v3c_shadow *shadow);
void v3c_shadow_set_tables(struct v3c_shadow *shadow, const struct v3c_tables *tables);
int v3c_shadow_sync(struct v3c_shadow *shadow, bool may_sleep);
int v3c_shadow_sync_pages(struct v3c_shadow *shadow, u64 first, u64 last, bool may_sleep);
int v3c_shadow_permissions(struct v3c_shadow *shadow, u64 page);
bool v3c_shadow_overlaps(struct v3c_shadow *shadow, u64 first, u64 last);

#endif
