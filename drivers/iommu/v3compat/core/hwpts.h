/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_HWPTS_H
#define V3COMPAT_HWPTS_H

#include <linux/types.h>

struct device;
struct v3c_domain;
struct v3c_hwpt;

struct v3c_hwpt *v3c_hwpts_alloc_first(struct v3c_domain *domain);
struct v3c_hwpt *v3c_hwpts_alloc_another(struct v3c_domain *domain, struct device *dev,
					 bool tagged);
void v3c_hwpts_free(struct v3c_hwpt *hwpt);
void v3c_hwpts_free_all(struct v3c_domain *domain);
void v3c_hwpts_remove(struct v3c_domain *domain, struct v3c_hwpt *hwpt);
void v3c_hwpts_drop_idle(struct v3c_domain *domain);
void v3c_hwpts_release(struct v3c_domain *domain, struct v3c_hwpt *hwpt);
void v3c_hwpts_empty_idle(struct v3c_domain *domain, bool empty);
int v3c_hwpts_fill_direct(struct v3c_domain *domain, struct v3c_hwpt *hwpt);
u64 v3c_hwpts_last_page(struct v3c_domain *domain, const struct v3c_hwpt *more);

#endif
