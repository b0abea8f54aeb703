/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_CLAIM_H
#define V3COMPAT_CLAIM_H

#include "base/why.h"

struct device;
struct v3c_owner;

enum v3c_reason v3c_claim_check(struct device *dev, const struct v3c_owner *owner,
				const struct v3c_owner *from, bool isolated, struct v3c_why *why);
enum v3c_reason v3c_claim_take(struct device *dev, const struct v3c_owner *owner,
			       const struct v3c_owner *from, bool isolated, struct v3c_why *why);
void v3c_claim_drop(struct device *dev);
void v3c_claim_hand_over(struct device *dev, const struct v3c_owner *from,
			 const struct v3c_owner *to);
bool v3c_claim_exists(struct device *dev);

void v3c_claim_forget(struct device *dev);
void v3c_claims_drop_all(void);

#endif
