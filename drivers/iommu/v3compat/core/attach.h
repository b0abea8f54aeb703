/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_ATTACH_H
#define V3COMPAT_ATTACH_H

#include "base/why.h"

struct device;
struct v3c_device;
struct v3c_domain;
struct v3c_pasid;

enum v3c_reason v3c_attach_device(struct v3c_domain *domain, struct v3c_device *device,
				  struct v3c_why *why);
enum v3c_reason v3c_detach_device(struct v3c_device *device, struct v3c_why *why);
enum v3c_reason v3c_attach_pdo(struct v3c_domain *domain, struct device *pdo, struct v3c_why *why);
enum v3c_reason v3c_detach_pdo(struct v3c_domain *domain, struct device *pdo, struct v3c_why *why);
enum v3c_reason v3c_attach_pasid(struct v3c_domain *domain, struct v3c_pasid *pasid,
				 struct v3c_why *why);
enum v3c_reason v3c_detach_pasid(struct v3c_pasid *pasid, struct v3c_why *why);

void v3c_detach_now(struct v3c_device *device);
bool v3c_detach_one_pasid(struct v3c_device *device);
bool v3c_detach_one(struct v3c_device *device);

#endif
