/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_USER_DOMAIN_H
#define V3COMPAT_USER_DOMAIN_H

#include <linux/list.h>
#include <linux/mutex.h>

#include "core/create.h"
#include "core/regions.h"
#include "user/object.h"

struct v3c_domain;

/**
 * struct v3u_domain - a domain of a file
 * @object: first
 * @config: what it is to be; constant
 * @lock: held while @core is made
 * @core: the core's, or NULL until the file has a device: only that says what the domain can be
 * @last: the last page that was told by V3COMPAT_EVENT_APERTURE
 * @tables: registered memory that tables of an Unmanaged domain are or may be in, under
 *	@configuring
 * @configuring: held while the core takes other tables
 * @regions: of @config
 */
struct v3u_domain {
	struct v3u_object object;
	struct v3c_domain_config config;
	struct mutex lock;
	struct v3c_domain *core;
	u64 last;
	struct list_head tables;
	struct mutex configuring;
	struct v3c_region regions[];
};

static inline struct v3u_domain *v3u_to_domain(void *object)
{
	return container_of(object, struct v3u_domain, object);
}

struct v3c_domain *v3u_domain_core(struct v3u_call *call, struct v3u_domain *domain);

#endif
