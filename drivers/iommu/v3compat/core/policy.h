/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_POLICY_H
#define V3COMPAT_POLICY_H

#include <linux/types.h>
#include <linux/v3compat.h>

void v3c_policy_set(enum v3compat_guard policy);
void v3c_policy_set_locked(bool locked);

#endif
