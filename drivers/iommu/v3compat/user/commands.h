/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The commands, see uapi/linux/v3compat.h. All of them may sleep; each fills @call->why with what
 * it refuses.
 */
#ifndef V3COMPAT_USER_COMMANDS_H
#define V3COMPAT_USER_COMMANDS_H

#include "base/why.h"

struct v3u_call;

enum v3c_reason v3u_info(struct v3u_call *call);
enum v3c_reason v3u_destroy(struct v3u_call *call);
enum v3c_reason v3u_domain_create(struct v3u_call *call);
enum v3c_reason v3u_domain_query(struct v3u_call *call);
enum v3c_reason v3u_domain_configure(struct v3u_call *call);
enum v3c_reason v3u_domain_flush(struct v3u_call *call);
enum v3c_reason v3u_device_create(struct v3u_call *call);
enum v3c_reason v3u_device_query(struct v3u_call *call);
enum v3c_reason v3u_device_open(struct v3u_call *call);
enum v3c_reason v3u_input_mappings(struct v3u_call *call);
enum v3c_reason v3u_pasid_create(struct v3u_call *call);
enum v3c_reason v3u_attach(struct v3u_call *call);
enum v3c_reason v3u_detach(struct v3u_call *call);
enum v3c_reason v3u_memory_create(struct v3u_call *call);
enum v3c_reason v3u_map(struct v3u_call *call);
enum v3c_reason v3u_unmap(struct v3u_call *call);
enum v3c_reason v3u_reserve(struct v3u_call *call);
enum v3c_reason v3u_map_identity(struct v3u_call *call);
enum v3c_reason v3u_unmap_identity(struct v3u_call *call);
enum v3c_reason v3u_batch(struct v3u_call *call);
enum v3c_reason v3u_events_open(struct v3u_call *call);
enum v3c_reason v3u_page_response(struct v3u_call *call);
enum v3c_reason v3u_guard_query(struct v3u_call *call);
enum v3c_reason v3u_guard_set(struct v3u_call *call);

#endif
