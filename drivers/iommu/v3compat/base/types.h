/* SPDX-License-Identifier: GPL-2.0 */
#ifndef V3COMPAT_TYPES_H
#define V3COMPAT_TYPES_H

/*
 * v3c_domain_type says what a domain does with addresses. The faces' own enumerations use the same
 * numbers.
 */
enum v3c_domain_type {
	V3C_DOMAIN_TRANSLATE,		/* translates by mappings from v3c_map() and the like */
	V3C_DOMAIN_PASSTHROUGH,		/* devices see all of memory at its physical addresses */
	V3C_DOMAIN_UNMANAGED,		/* translates by page tables of the caller's */
	V3C_DOMAIN_TRANSLATE_S1,	/* as V3C_DOMAIN_TRANSLATE, in tables of the first stage */
	V3C_DOMAIN_TYPES,
};

/* v3c_guard_policy says which devices may not see all of memory while the guard is not locked. */
enum v3c_guard_policy {
	V3C_GUARD_OFF,
	V3C_GUARD_EXTERNAL,
	V3C_GUARD_ALL,
};

/* v3c_fault_kind says what became of a faulting DMA. */
enum v3c_fault_kind {
	V3C_FAULT_UNRECOVERABLE,
	V3C_FAULT_PAGE_REQUEST,
};

/* V3C_NO_PASID is the PASID of a fault that has none. */
#define V3C_NO_PASID	(~0u)

#endif
