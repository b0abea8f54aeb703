/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_USER_MAP_H
#define V3COMPAT_USER_MAP_H

#include "base/why.h"

struct v3compat_map;
struct v3compat_unmap;
struct v3u_call;

typedef enum v3c_reason (*v3u_answer_t)(struct v3u_call *call, void *to);

enum v3c_reason v3u_map_one(struct v3u_call *call, struct v3compat_map *arg, v3u_answer_t answer,
			    void *to);
enum v3c_reason v3u_unmap_one(struct v3u_call *call, const struct v3compat_unmap *arg);
enum v3c_reason v3u_check_unmap(struct v3u_call *call, const struct v3compat_unmap *arg);

#endif
