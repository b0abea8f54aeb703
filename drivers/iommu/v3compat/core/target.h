/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_TARGET_H
#define V3COMPAT_TARGET_H

#include "base/why.h"

struct device;
struct v3c_attachment;
struct v3c_domain;
struct v3c_group;

/**
 * struct v3c_target - what is attached: the untagged DMA of a group, or one PASID
 * @dev: the device
 * @group: its group, once it is in use
 * @tagged: the PASID's attachment, or NULL for untagged DMA
 */
struct v3c_target {
	struct device *dev;
	struct v3c_group *group;
	struct v3c_attachment *tagged;
};

enum v3c_reason v3c_target_attach(struct v3c_domain *domain, struct v3c_target *target,
				  const void *object, struct v3c_why *why);

#endif
