/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_POLICY_H
#define V3COMPAT_POLICY_H

#include <linux/types.h>

#include "base/types.h"

void v3c_policy_set(enum v3c_guard_policy policy);
void v3c_policy_set_locked(bool locked);

#endif
