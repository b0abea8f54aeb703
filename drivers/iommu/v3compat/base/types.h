/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_TYPES_H
#define V3COMPAT_TYPES_H

/* What a domain does with addresses; the faces give their own names the same numbers. */
enum v3c_domain_type {
	V3C_DOMAIN_TRANSLATE,		/* by mappings made here */
	V3C_DOMAIN_PASSTHROUGH,		/* devices see all of memory at its physical addresses */
	V3C_DOMAIN_UNMANAGED,		/* by page tables of the caller's */
	V3C_DOMAIN_TRANSLATE_S1,	/* as TRANSLATE, in tables of the first stage */
	V3C_DOMAIN_TYPES,
};

/* Which devices may not see all of memory, while the guard is not locked. */
enum v3c_guard_policy {
	V3C_GUARD_OFF,
	V3C_GUARD_EXTERNAL,
	V3C_GUARD_ALL,
};

/* What became of a faulting DMA. */
enum v3c_fault_kind {
	V3C_FAULT_UNRECOVERABLE,
	V3C_FAULT_PAGE_REQUEST,
};

/* Of a fault without a PASID. */
#define V3C_NO_PASID	(~0u)

#endif
