// SPDX-License-Identifier: GPL-2.0
/*
 * Pages: how many, and where they begin.
 */
#include "ddk_client.h"

C_ASSERT(PAGE_SIZE == 0x1000);
C_ASSERT(1 << PAGE_SHIFT == PAGE_SIZE);
/* These are constants of constants, so that arrays can be made of them. */
C_ASSERT(BYTES_TO_PAGES(0x1001) == 2);
C_ASSERT(ROUND_TO_PAGES(0x1001) == 0x2000);

static VOID Counts(VOID)
{
	SIZE_T Huge = 0x100000001;
	ULONG Size = 0xfffff001;

	CHECK(BYTES_TO_PAGES(0) == 0);
	CHECK(BYTES_TO_PAGES(1) == 1);
	CHECK(BYTES_TO_PAGES(0x1000) == 1);
	/* The upper end of an ULONG is no smaller for it. */
	CHECK(BYTES_TO_PAGES(Size) == 0x100000);
	CHECK(BYTES_TO_PAGES(Huge) == 0x100001);

	CHECK(ROUND_TO_PAGES(0) == 0);
	CHECK(ROUND_TO_PAGES(1) == 0x1000);
	CHECK(ROUND_TO_PAGES(0x1000) == 0x1000);
	CHECK(ROUND_TO_PAGES(Size) == 0x100000000);
	CHECK(ROUND_TO_PAGES(Huge) == 0x100001000);

	CHECK(ROUND_TO_SIZE(0, 8) == 0);
	CHECK(ROUND_TO_SIZE(1, 8) == 8);
	CHECK(ROUND_TO_SIZE(8, 8) == 8);
	CHECK(ROUND_TO_SIZE(Huge, sizeof(ULONG)) == 0x100000004);
}

static VOID Spans(VOID)
{
	PUCHAR Page = (PUCHAR)(ULONG_PTR)0x12345000;

	CHECK(ADDRESS_AND_SIZE_TO_SPAN_PAGES(Page, 0) == 0);
	CHECK(ADDRESS_AND_SIZE_TO_SPAN_PAGES(Page, 1) == 1);
	CHECK(ADDRESS_AND_SIZE_TO_SPAN_PAGES(Page, 0x1000) == 1);
	CHECK(ADDRESS_AND_SIZE_TO_SPAN_PAGES(Page, 0x1001) == 2);
	CHECK(ADDRESS_AND_SIZE_TO_SPAN_PAGES(Page + 0xfff, 1) == 1);
	CHECK(ADDRESS_AND_SIZE_TO_SPAN_PAGES(Page + 0xfff, 2) == 2);
	CHECK(ADDRESS_AND_SIZE_TO_SPAN_PAGES(Page + 0xfff, 0x1002) == 3);
	CHECK(COMPUTE_PAGES_SPANNED(Page + 0xfff, 0x1002) == 3);
	CHECK(COMPUTE_PAGES_SPANNED(Page, 0xffffffff) == 0x100000);
}

static VOID Places(VOID)
{
	ULONG_PTR Address = ~(ULONG_PTR)0xffffff + 0x345678;
	PVOID Page;

	CHECK(BYTE_OFFSET(Address) == 0x678);
	CHECK(BYTE_OFFSET((PVOID)Address) == 0x678);

	/* Down, and to an address, whatever Linux makes of this name. */
	Page = PAGE_ALIGN(Address);
	CHECK(Page == (PVOID)(Address - 0x678));
	CHECK(PAGE_ALIGN(Page) == Page);
	CHECK(PAGE_ALIGN((PUCHAR)Page + 0xfff) == Page);
	CHECK(PAGE_ALIGN((PUCHAR)Page + 0x1000) == (PVOID)((PUCHAR)Page + 0x1000));
	CHECK(PAGE_ALIGN(NULL) == NULL);
	CHECK((PUCHAR)PAGE_ALIGN(Address) + BYTE_OFFSET(Address) == (PUCHAR)Address);
}

VOID DdkPages(VOID)
{
	Counts();
	Spans();
	Places();
}
