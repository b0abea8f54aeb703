/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_MSI_H
#define V3COMPAT_MSI_H

#include <linux/types.h>

#include "base/types.h"

struct device;

bool v3c_msi_may_attach(struct device *dev, enum v3c_domain_type type);
bool v3c_msi_may_join(struct device *dev, enum v3c_domain_type type);

#endif
