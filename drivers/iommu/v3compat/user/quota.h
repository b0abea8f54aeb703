/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_USER_QUOTA_H
#define V3COMPAT_USER_QUOTA_H

#include <linux/types.h>

#include "base/why.h"

struct v3compat_info;
struct v3u_call;
struct v3u_file;
struct v3u_quota;

struct v3u_quota *v3u_quota_take(struct v3u_call *call);
void v3u_quota_give(struct v3u_quota *quota, struct v3u_file *file);
enum v3c_reason v3u_quota_reserve(struct v3u_call *call, struct v3u_quota *quota, u64 pages);
void v3u_quota_unreserve(struct v3u_quota *quota, struct v3u_file *file, u64 pages);
enum v3c_reason v3u_quota_map(struct v3u_call *call, u64 pages);
enum v3c_reason v3u_quota_pasid(struct v3u_call *call);
void v3u_quota_tell(struct v3u_file *file, struct v3compat_info *info);

extern unsigned int v3u_max_events;

#endif
