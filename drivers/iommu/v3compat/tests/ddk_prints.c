// SPDX-License-Identifier: GPL-2.0
/*
 * Messages and assertions of a debug build; ddk_prints_free.c is of a build without.
 */
#define DBG 1

#include "ddk_client.h"

static ULONG Called;

static ULONG Next(VOID)
{
	return ++Called;
}

static ULONG PrintList(PCSTR Prefix, PCSTR Format, ...)
{
	ULONG Status;
	va_list List;

	va_start(List, Format);
	if (Prefix)
		Status = vDbgPrintExWithPrefix(Prefix, DPFLTR_IHVBUS_ID, DPFLTR_INFO_LEVEL, Format,
					       List);
	else
		Status = vDbgPrintEx(DPFLTR_IHVBUS_ID, DPFLTR_INFO_LEVEL, Format, List);
	va_end(List);
	return Status;
}

static VOID PrintTheList(PCSTR Format, ...)
{
	va_list List, Copy;

	va_start(List, Format);
	va_copy(Copy, List);
	vKdPrintEx((DPFLTR_IHVBUS_ID, DPFLTR_TRACE_LEVEL, Format, List));
	vKdPrintExWithPrefix(("DdkPrints: ", DPFLTR_IHVBUS_ID, DPFLTR_TRACE_LEVEL, Format, Copy));
	va_end(Copy);
	va_end(List);
}

static VOID PrintMessages(VOID)
{
	DECLARE_CONST_UNICODE_STRING(Name, L"edu");
	ANSI_STRING Ansi = RTL_CONSTANT_STRING("edu");
	PHYSICAL_ADDRESS Physical;
	ULONG Level;

	Physical.QuadPart = 0x123456789abcdefLL;
	CHECK(DbgPrint("DdkPrints: no argument\n") == STATUS_SUCCESS);
	CHECK(DbgPrint("DdkPrints: %s %ws %wZ %Z %c %C\n", "edu", L"edu", &Name, &Ansi, 'e',
		       L'e') == STATUS_SUCCESS);
	CHECK(DbgPrint("DdkPrints: %I64x %08lx %#x %p %Iu\n", Physical.QuadPart, Physical.LowPart,
		       (ULONG)STATUS_SUCCESS, &Name, sizeof(Name)) == STATUS_SUCCESS);
	CHECK(DbgPrint("DdkPrints: %S %wZ %y %", NULL, NULL) == STATUS_SUCCESS);
	CHECK(DbgPrint("\n") == STATUS_SUCCESS);
	CHECK(DbgPrint("") == STATUS_SUCCESS);
	CHECK(DbgPrint("DdkPrints: %1000s", "lost") == STATUS_SUCCESS);
	CHECK(DbgPrint("\n") == STATUS_SUCCESS);
	CHECK(!NT_SUCCESS(DbgPrint(NULL)));
	CHECK(!NT_SUCCESS(DbgPrintEx(DPFLTR_IHVDRIVER_ID, DPFLTR_INFO_LEVEL, NULL)));

	for (Level = DPFLTR_WARNING_LEVEL; Level < 32; Level++)
		CHECK(DbgPrintEx(DPFLTR_IHVDRIVER_ID, Level, "DdkPrints: %lu\n", Level) ==
		      STATUS_SUCCESS);
	CHECK(DbgPrintEx(DPFLTR_IHVDRIVER_ID, DPFLTR_MASK | 0x10, "DdkPrints: mask\n") ==
	      STATUS_SUCCESS);
	CHECK(DbgPrintEx(0xffffffff, 0xfffffff0, "DdkPrints: other mask\n") == STATUS_SUCCESS);

	CHECK(PrintList(NULL, "DdkPrints: %d %wZ\n", 7, &Name) == STATUS_SUCCESS);
	CHECK(PrintList("DdkPrints: ", "%d %wZ\n", 7, &Name) == STATUS_SUCCESS);
	CHECK(!NT_SUCCESS(PrintList(NULL, NULL)));
	CHECK(!NT_SUCCESS(PrintList("DdkPrints: ", NULL)));
	PrintTheList("DdkPrints: %d %wZ\n", 7, &Name);

	Called = 0;
	KdPrint(("DdkPrints: %lu\n", Next()));
	KdPrintEx((DPFLTR_IHVDRIVER_ID, DPFLTR_INFO_LEVEL, "DdkPrints: %lu\n", Next()));
	CHECK(Called == 2);
}

static VOID Assert(BOOLEAN Condition)
{
	Called = 0;
	ASSERT(Next() && Condition);
	ASSERTMSG("DdkPrints", Next() && Condition);
	NT_ASSERT(Next() && Condition);
	NT_ASSERTMSG("DdkPrints", Next() && Condition);
	NT_ASSERTMSGW(L"DdkPrints", Next() && Condition);
	NT_ASSERT_ASSUME(Next() && Condition);
	NT_ASSERT_NOASSUME(Next() && Condition);
	NT_FRE_ASSERT(Next() && Condition);
	NT_FRE_ASSERTMSG("DdkPrints", Next() && Condition);
	RTL_SOFT_ASSERT(Next() && Condition);
	RTL_SOFT_ASSERTMSG("DdkPrints", Next() && Condition);
	CHECK(Called == 11);

	CHECK(NT_VERIFY(Next() && Condition) == Condition);
	CHECK(NT_VERIFYMSG("DdkPrints", Next() && Condition) == Condition);
	CHECK(NT_VERIFYMSGW(L"DdkPrints", Next() && Condition) == Condition);
	CHECK(RTL_VERIFY(Next() && Condition) == Condition);
	CHECK(RTL_VERIFYMSG("DdkPrints", Next() && Condition) == Condition);
	CHECK(RTL_SOFT_VERIFY(Next() && Condition) == Condition);
	CHECK(RTL_SOFT_VERIFYMSG("DdkPrints", Next() && Condition) == Condition);
	CHECK(Called == 18);
	NT_VERIFY(Next());
	CHECK(Called == 19);

	NT_ANALYSIS_ASSUME(Next());
	CHECK(Called == 19);
}

static VOID AssertMore(PVOID Pointer)
{
	/* An assertion is one statement, and takes a pointer for a condition. */
	if (Pointer)
		ASSERT(Pointer);
	else
		ASSERT(!Pointer);
	NT_ASSERT(Pointer);
	ASSERT((Called & 0x100000000ULL) == 0);
	ASSERT(0x100000000ULL);
	CHECK(NT_VERIFY(Pointer) == TRUE);
	CHECK(NT_VERIFY(0x100000000ULL) == TRUE);
}

VOID DdkPrints(VOID)
{
	CHECK(DPFLTR_SYSTEM_ID == 0 && DPFLTR_INFINIBAND_ID == 76);
	CHECK(DPFLTR_IHVDRIVER_ID == 77 && DPFLTR_IHVVIDEO_ID == 78 && DPFLTR_IHVAUDIO_ID == 79);
	CHECK(DPFLTR_IHVNETWORK_ID == 80 && DPFLTR_IHVSTREAMING_ID == 81 && DPFLTR_IHVBUS_ID == 82);
	CHECK(DPFLTR_DFRGIFC_ID == 100 && DPFLTR_DEFAULT_ID == 101 && DPFLTR_SE_ID == 144);
	CHECK(DPFLTR_ERROR_LEVEL == 0 && DPFLTR_WARNING_LEVEL == 1);
	CHECK(DPFLTR_TRACE_LEVEL == 2 && DPFLTR_INFO_LEVEL == 3 && DPFLTR_MASK == 0x80000000);

	PrintMessages();
	Assert(TRUE);
	/* These are said and survived. */
	Assert(FALSE);
	AssertMore(&Called);
	CHECK(DdkPrintsFree() == 0);
}
