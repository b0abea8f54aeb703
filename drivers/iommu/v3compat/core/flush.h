/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_FLUSH_H
#define V3COMPAT_FLUSH_H

#include "base/why.h"

struct v3c_domain;
struct v3c_tables;

enum v3c_reason v3c_domain_configure(struct v3c_domain *domain, const struct v3c_tables *tables,
				     struct v3c_why *why);
enum v3c_reason v3c_domain_flush(struct v3c_domain *domain, struct v3c_why *why);
enum v3c_reason v3c_domain_flush_list(struct v3c_domain *domain, u32 number, const void *list,
				      struct v3c_why *why);

#endif
