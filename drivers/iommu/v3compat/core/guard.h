/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_GUARD_H
#define V3COMPAT_GUARD_H

#include <linux/types.h>

#include "base/types.h"

struct device;

bool v3c_guard_allows_bypass(struct device *dev);
bool v3c_guard_allows_any(enum v3c_domain_type type);

u64 v3c_guard_change(const enum v3c_guard_policy *policy, const bool *locked, bool killable);
void v3c_guard_get(enum v3c_guard_policy *policy, bool *locked);

#endif
