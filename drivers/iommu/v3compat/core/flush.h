/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_FLUSH_H
#define V3COMPAT_FLUSH_H

#include "base/status.h"

struct v3c_domain;
struct v3c_tables;

NTSTATUS v3c_domain_configure(struct v3c_domain *domain, const struct v3c_tables *tables,
			      struct v3c_why *why);
NTSTATUS v3c_domain_flush(struct v3c_domain *domain, struct v3c_why *why);
NTSTATUS v3c_domain_flush_list(struct v3c_domain *domain, ULONG number, const void *list,
			       struct v3c_why *why);

#endif
