/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pages.
 */
#ifndef _V3COMPAT_DDK_PAGE_H
#define _V3COMPAT_DDK_PAGE_H

#include "types.h"

/* Bytes of an address behind the beginning of its page. */
#define BYTE_OFFSET(Va) ((ULONG)((ULONG_PTR)(Va) & (V3COMPAT_PAGE_SIZE - 1)))

/* Pages that so many bytes fill, of the type of Size. */
#define BYTES_TO_PAGES(Size) \
	(((Size) >> PAGE_SHIFT) + (((Size) & (V3COMPAT_PAGE_SIZE - 1)) != 0))

/* Bytes rounded up to whole pages, and to an alignment that is a power of two. */
#define ROUND_TO_PAGES(Size) \
	(((ULONG_PTR)(Size) + V3COMPAT_PAGE_SIZE - 1) & ~(ULONG_PTR)(V3COMPAT_PAGE_SIZE - 1))
#define ROUND_TO_SIZE(Length, Alignment) \
	(((ULONG_PTR)(Length) + ((Alignment) - 1)) & ~(ULONG_PTR)((Alignment) - 1))

/* Pages that a buffer lies in. */
#define ADDRESS_AND_SIZE_TO_SPAN_PAGES(Va, Size) \
	((ULONG)(((SIZE_T)BYTE_OFFSET(Va) + (SIZE_T)(Size) + (V3COMPAT_PAGE_SIZE - 1)) /          \
		 V3COMPAT_PAGE_SIZE))
#define COMPUTE_PAGES_SPANNED(Va, Size) ADDRESS_AND_SIZE_TO_SPAN_PAGES(Va, Size)

/*
 * PAGE_ALIGN() is the address of the page that an address lies in, as on Windows. Linux has another
 * one, which rounds a number up. A file that had it before <wdm.h> may mean either, so it has none.
 */
#undef PAGE_ALIGN
#ifdef V3COMPAT_LINUX_PAGE_ALIGN
#define PAGE_ALIGN(Va) \
	(_Pragma("GCC error \"PAGE_ALIGN() was there before <wdm.h>. Write ALIGN() to round up as Linux, ALIGN_DOWN_POINTER_BY() to round down as Windows, or include <wdm.h> first\"") \
	 (PVOID)(Va))
#else
#define PAGE_ALIGN(Va) ((PVOID)((ULONG_PTR)(Va) & ~(ULONG_PTR)(V3COMPAT_PAGE_SIZE - 1)))
#endif

#endif /* _V3COMPAT_DDK_PAGE_H */
