/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_CREATE_H
#define V3COMPAT_CREATE_H

#include "base/types.h"
#include "base/why.h"

struct v3c_domain;
struct v3c_owner;
struct v3c_region;

/**
 * struct v3c_domain_config - what a domain is to be; see v3c_check_width() and v3c_check_region()
 * @type: one that exists
 * @width: bits of the addresses that the domain chooses, or 0 where the caller chooses them
 * @regions: addresses that are out of circulation from the start
 * @nr_regions: how many
 */
struct v3c_domain_config {
	enum v3c_domain_type type;
	unsigned int width;
	const struct v3c_region *regions;
	unsigned int nr_regions;
};

enum v3c_reason v3c_domain_create(const struct v3c_owner *owner,
				  const struct v3c_domain_config *config, struct v3c_domain **out,
				  struct v3c_why *why);
enum v3c_reason v3c_domain_destroy(struct v3c_domain *domain, struct v3c_why *why);
void v3c_domain_reclaim(struct v3c_domain *domain);

#endif
