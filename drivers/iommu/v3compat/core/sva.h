/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_SVA_H
#define V3COMPAT_SVA_H

#include "base/why.h"

struct mm_struct;
struct v3c_device;
struct v3c_pasid;

enum v3c_reason v3c_sva_create(struct v3c_device *device, struct mm_struct *mm,
			       struct v3c_pasid **out, struct v3c_why *why);
void v3c_sva_unbind(struct v3c_pasid *pasid);
bool v3c_sva_is_bonding(void);

#endif
