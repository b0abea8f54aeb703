/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_MDL_H
#define V3COMPAT_MDL_H

#include <wdm.h>

/* True if the PFN array of @mdl, this element of a chain only, says which pages it describes. */
static inline bool v3c_mdl_has_pages(const MDL *mdl)
{
	return mdl->MdlFlags & (MDL_PAGES_LOCKED | MDL_SOURCE_IS_NONPAGED_POOL | MDL_PARTIAL);
}

#endif
