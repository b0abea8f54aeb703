/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_RECLAIM_H
#define V3COMPAT_RECLAIM_H

#include <linux/types.h>

struct v3c_owner;

void v3c_reclaim(const struct v3c_owner *owner, bool loud);

#endif
