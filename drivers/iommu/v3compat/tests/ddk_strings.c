// SPDX-License-Identifier: GPL-2.0
/*
 * Counted strings, and functions by their names.
 */
#include "ddk_client.h"

DECLARE_GLOBAL_CONST_UNICODE_STRING(DdkGlobalName, L"global");

static const UNICODE_STRING StaticName = RTL_CONSTANT_STRING(L"static");
static const STRING StaticAnsi = RTL_CONSTANT_STRING("static");

/* One more character than a string can count, and the 0. */
static WCHAR Long[UNICODE_STRING_MAX_CHARS + 2];
static CHAR LongAnsi[65536 + 1];

static VOID InitStrings(VOID)
{
	DECLARE_CONST_UNICODE_STRING(Constant, L"constant");
	DECLARE_UNICODE_STRING_SIZE(Sized, 16);
	WCHAR Buffer[8];
	CHAR AnsiBuffer[8];
	UNICODE_STRING String;
	ANSI_STRING Ansi;
	PCWSTR Text = L"text";

	CHECK(sizeof(WCHAR) == 2 && sizeof(L"text") == 10);
	CHECK(UNICODE_STRING_MAX_BYTES == 65534 && UNICODE_STRING_MAX_CHARS == 32767);
	CHECK(UNICODE_NULL == 0 && ANSI_NULL == 0 && sizeof(UNICODE_NULL) == 2);

	RtlInitUnicodeString(&String, Text);
	CHECK(String.Length == 8 && String.MaximumLength == 10 && String.Buffer == Text);
	RtlInitUnicodeString(&String, L"");
	CHECK(String.Length == 0 && String.MaximumLength == 2 && String.Buffer[0] == UNICODE_NULL);
	RtlInitUnicodeString(&String, NULL);
	CHECK(String.Length == 0 && String.MaximumLength == 0 && String.Buffer == NULL);

	RtlInitAnsiString(&Ansi, "text");
	CHECK(Ansi.Length == 4 && Ansi.MaximumLength == 5 && Ansi.Buffer[3] == 't');
	RtlInitString(&Ansi, "");
	CHECK(Ansi.Length == 0 && Ansi.MaximumLength == 1);
	RtlInitString(&Ansi, NULL);
	CHECK(Ansi.Length == 0 && Ansi.MaximumLength == 0 && Ansi.Buffer == NULL);

	RtlInitEmptyUnicodeString(&String, Buffer, sizeof(Buffer));
	CHECK(String.Length == 0 && String.MaximumLength == 16 && String.Buffer == Buffer);
	RtlInitEmptyAnsiString(&Ansi, AnsiBuffer, sizeof(AnsiBuffer));
	CHECK(Ansi.Length == 0 && Ansi.MaximumLength == 8 && Ansi.Buffer == AnsiBuffer);

	CHECK(Constant.Length == 16 && Constant.MaximumLength == 18 && Constant.Buffer[7] == L't');
	CHECK(StaticName.Length == 12 && StaticName.MaximumLength == 14);
	CHECK(StaticAnsi.Length == 6 && StaticAnsi.MaximumLength == 7);
	CHECK(DdkGlobalName.Length == 12 && DdkGlobalName.Buffer[0] == L'g');
	CHECK(Sized.Length == 0 && Sized.MaximumLength == 32 && Sized.Buffer == Sized_buffer);
}

/* Only what a USHORT can count counts. */
static VOID InitLongStrings(VOID)
{
	UNICODE_STRING String;
	ANSI_STRING Ansi;
	ULONG i;

	for (i = 0; i < UNICODE_STRING_MAX_CHARS - 1; i++)
		Long[i] = L'x';
	RtlInitUnicodeString(&String, Long);
	CHECK(String.Length == 65532 && String.MaximumLength == 65534);
	Long[UNICODE_STRING_MAX_CHARS - 1] = L'x';
	RtlInitUnicodeString(&String, Long);
	CHECK(String.Length == 65532 && String.MaximumLength == 65534);
	Long[UNICODE_STRING_MAX_CHARS] = L'x';
	RtlInitUnicodeString(&String, Long);
	CHECK(String.Length == 65532 && String.MaximumLength == 65534);
	CHECK(RtlAppendUnicodeToString(&String, Long) == STATUS_BUFFER_TOO_SMALL);

	for (i = 0; i < 65534; i++)
		LongAnsi[i] = 'x';
	RtlInitAnsiString(&Ansi, LongAnsi);
	CHECK(Ansi.Length == 65534 && Ansi.MaximumLength == 65535);
	LongAnsi[65534] = 'x';
	LongAnsi[65535] = 'x';
	RtlInitAnsiString(&Ansi, LongAnsi);
	CHECK(Ansi.Length == 65534 && Ansi.MaximumLength == 65535);
}

static VOID CopyStrings(VOID)
{
	WCHAR Buffer[4] = { L'1', L'2', L'3', L'4' };
	CHAR AnsiBuffer[4] = { '1', '2', '3', '4' };
	UNICODE_STRING Source, Destination;
	ANSI_STRING AnsiSource, AnsiDestination;

	RtlInitEmptyUnicodeString(&Destination, Buffer, 6);
	RtlInitUnicodeString(&Source, L"ab");
	RtlCopyUnicodeString(&Destination, &Source);
	CHECK(Destination.Length == 4 && Destination.MaximumLength == 6);
	CHECK(Buffer[0] == L'a' && Buffer[1] == L'b' && Buffer[2] == UNICODE_NULL);
	/* No room for the 0, and none for more than three characters. */
	RtlInitUnicodeString(&Source, L"abcdef");
	RtlCopyUnicodeString(&Destination, &Source);
	CHECK(Destination.Length == 6 && Buffer[2] == L'c' && Buffer[3] == L'4');
	Destination.MaximumLength = 5;
	RtlCopyUnicodeString(&Destination, &Source);
	CHECK(Destination.Length == 4 && Destination.Buffer == Buffer && Buffer[2] == L'c');
	RtlCopyUnicodeString(&Destination, NULL);
	CHECK(Destination.Length == 0 && Destination.MaximumLength == 5);
	RtlInitEmptyUnicodeString(&Destination, NULL, 0);
	RtlCopyUnicodeString(&Destination, &Source);
	CHECK(Destination.Length == 0);

	RtlInitEmptyAnsiString(&AnsiDestination, AnsiBuffer, 3);
	RtlInitAnsiString(&AnsiSource, "ab");
	RtlCopyString(&AnsiDestination, &AnsiSource);
	CHECK(AnsiDestination.Length == 2 && AnsiBuffer[1] == 'b' && AnsiBuffer[2] == '3');
	RtlInitAnsiString(&AnsiSource, "abcdef");
	RtlCopyString(&AnsiDestination, &AnsiSource);
	CHECK(AnsiDestination.Length == 3 && AnsiBuffer[2] == 'c' && AnsiBuffer[3] == '4');
	RtlCopyString(&AnsiDestination, NULL);
	CHECK(AnsiDestination.Length == 0 && AnsiDestination.MaximumLength == 3);
}

static VOID AppendStrings(VOID)
{
	WCHAR Buffer[6] = { L'1', L'2', L'3', L'4', L'5', L'6' };
	CHAR AnsiBuffer[4] = { '1', '2', '3', '4' };
	UNICODE_STRING Source, Destination;
	ANSI_STRING AnsiSource, AnsiDestination;

	RtlInitEmptyUnicodeString(&Destination, Buffer, 10);
	CHECK(RtlAppendUnicodeToString(&Destination, L"ab") == STATUS_SUCCESS);
	CHECK(Destination.Length == 4 && Buffer[1] == L'b' && Buffer[2] == UNICODE_NULL);
	CHECK(RtlAppendUnicodeToString(&Destination, NULL) == STATUS_SUCCESS);
	CHECK(RtlAppendUnicodeToString(&Destination, L"") == STATUS_SUCCESS);
	CHECK(Destination.Length == 4);

	RtlInitUnicodeString(&Source, L"cdef");
	Buffer[2] = L'3';
	CHECK(RtlAppendUnicodeStringToString(&Destination, &Source) == STATUS_BUFFER_TOO_SMALL);
	CHECK(RtlAppendUnicodeToString(&Destination, L"cdef") == STATUS_BUFFER_TOO_SMALL);
	CHECK(Destination.Length == 4 && Buffer[2] == L'3');
	Source.Length = 6;
	CHECK(RtlAppendUnicodeStringToString(&Destination, &Source) == STATUS_SUCCESS);
	CHECK(Destination.Length == 10 && Buffer[4] == L'e' && Buffer[5] == L'6');
	CHECK(Destination.MaximumLength == 10 && Destination.Buffer == Buffer);
	CHECK(RtlAppendUnicodeToString(&Destination, L"f") == STATUS_BUFFER_TOO_SMALL);
	CHECK(RtlAppendUnicodeToString(&Destination, L"") == STATUS_SUCCESS);

	Destination.Length = 4;
	CHECK(RtlAppendUnicodeStringToString(&Destination, &Destination) == STATUS_SUCCESS);
	CHECK(Destination.Length == 8 && Buffer[2] == L'a' && Buffer[3] == L'b');

	RtlInitEmptyAnsiString(&AnsiDestination, AnsiBuffer, 3);
	RtlInitAnsiString(&AnsiSource, "ab");
	CHECK(RtlAppendStringToString(&AnsiDestination, &AnsiSource) == STATUS_SUCCESS);
	CHECK(RtlAppendStringToString(&AnsiDestination, &AnsiSource) == STATUS_BUFFER_TOO_SMALL);
	CHECK(AnsiDestination.Length == 2 && AnsiBuffer[1] == 'b' && AnsiBuffer[2] == '3');
}

static LONG Sign(LONG Value)
{
	return (Value > 0) - (Value < 0);
}

static LONG Compare(PCWSTR Text1, PCWSTR Text2, BOOLEAN CaseInSensitive)
{
	UNICODE_STRING String1, String2;
	LONG Result;

	RtlInitUnicodeString(&String1, Text1);
	RtlInitUnicodeString(&String2, Text2);
	Result = Sign(RtlCompareUnicodeString(&String1, &String2, CaseInSensitive));
	CHECK(Sign(RtlCompareUnicodeString(&String2, &String1, CaseInSensitive)) == -Result);
	CHECK(RtlEqualUnicodeString(&String1, &String2, CaseInSensitive) == (Result == 0));
	return Result;
}

static LONG CompareAnsi(PCSTR Text1, PCSTR Text2, BOOLEAN CaseInSensitive)
{
	ANSI_STRING String1, String2;
	LONG Result;

	RtlInitAnsiString(&String1, Text1);
	RtlInitAnsiString(&String2, Text2);
	Result = Sign(RtlCompareString(&String1, &String2, CaseInSensitive));
	CHECK(Sign(RtlCompareString(&String2, &String1, CaseInSensitive)) == -Result);
	CHECK(RtlEqualString(&String1, &String2, CaseInSensitive) == (Result == 0));
	return Result;
}

static BOOLEAN Begins(PCWSTR Beginning, PCWSTR Text, BOOLEAN CaseInSensitive)
{
	UNICODE_STRING String1, String2;

	RtlInitUnicodeString(&String1, Beginning);
	RtlInitUnicodeString(&String2, Text);
	return RtlPrefixUnicodeString(&String1, &String2, CaseInSensitive);
}

static VOID CompareStrings(VOID)
{
	CHECK(Compare(L"", L"", FALSE) == 0 && Compare(L"", L"a", FALSE) < 0);
	CHECK(Compare(L"abc", L"abc", FALSE) == 0 && Compare(L"abc", L"abcd", FALSE) < 0);
	CHECK(Compare(L"abd", L"abcd", FALSE) > 0 && Compare(L"B", L"a", FALSE) < 0);
	CHECK(Compare(L"B", L"a", TRUE) > 0 && Compare(L"abC", L"ABc", TRUE) == 0);
	CHECK(Compare(L"abC", L"ABc", FALSE) > 0 && Compare(L"\x8000", L"\x7fff", FALSE) > 0);
	CHECK(Compare(L"_", L"a", TRUE) > 0 && Compare(L"\x00e4", L"\x00c4", TRUE) == 0);

	CHECK(CompareAnsi("", "", FALSE) == 0 && CompareAnsi("abc", "abcd", FALSE) < 0);
	CHECK(CompareAnsi("abC", "ABc", TRUE) == 0 && CompareAnsi("abC", "ABc", FALSE) > 0);
	CHECK(CompareAnsi("\x80", "\x7f", FALSE) > 0 && CompareAnsi("\xe4", "\xc4", TRUE) > 0);

	CHECK(Begins(L"", L"", FALSE) && Begins(L"", L"a", FALSE) && Begins(L"ab", L"abc", FALSE));
	CHECK(Begins(L"AB", L"abc", TRUE) && !Begins(L"AB", L"abc", FALSE));
	CHECK(!Begins(L"abc", L"ab", TRUE) && !Begins(L"b", L"abc", TRUE));
}

static VOID ChangeCase(VOID)
{
	ULONG i, Pairs = 0;

	for (i = 0; i <= 0xffff; i++) {
		WCHAR Upper = RtlUpcaseUnicodeChar((WCHAR)i);
		WCHAR Lower = RtlDowncaseUnicodeChar((WCHAR)i);

		CHECK(Upper == i || (Lower == i && RtlDowncaseUnicodeChar(Upper) == i));
		CHECK(Lower == i || (Upper == i && RtlUpcaseUnicodeChar(Lower) == i));
		Pairs += Upper != i;
	}
	CHECK(Pairs == 26 + 30 + 1);
	CHECK(RtlUpcaseUnicodeChar(L'a') == L'A' && RtlUpcaseUnicodeChar(L'z') == L'Z');
	CHECK(RtlUpcaseUnicodeChar(L'`') == L'`' && RtlUpcaseUnicodeChar(L'{') == L'{');
	CHECK(RtlUpcaseUnicodeChar(0xe0) == 0xc0 && RtlUpcaseUnicodeChar(0xfe) == 0xde);
	CHECK(RtlUpcaseUnicodeChar(0xf7) == 0xf7 && RtlUpcaseUnicodeChar(0xdf) == 0xdf);
	CHECK(RtlUpcaseUnicodeChar(0xff) == 0x178 && RtlUpcaseUnicodeChar(0xb5) == 0xb5);
	CHECK(RtlDowncaseUnicodeChar(L'Q') == L'q' && RtlDowncaseUnicodeChar(0xd7) == 0xd7);

	CHECK(RtlUpperChar('a') == 'A' && RtlUpperChar('z') == 'Z' && RtlUpperChar('A') == 'A');
	CHECK(RtlUpperChar('`') == '`' && RtlUpperChar('{') == '{');
	CHECK(RtlUpperChar((CHAR)0xe4) == (CHAR)0xe4);
}

static PVOID Find(PCWSTR Name)
{
	UNICODE_STRING String;

	RtlInitUnicodeString(&String, Name);
	return MmGetSystemRoutineAddress(&String);
}

typedef NTSTATUS GET_INTERFACE(ULONG Version, ULONGLONG Flags, PDMA_IOMMU_INTERFACE_EX Interface);
typedef ULONG PRINT(PCSTR Format, ...);

static VOID FindRoutines(VOID)
{
	UNICODE_STRING Name = RTL_CONSTANT_STRING(L"IoFreeMdlX");
	DMA_IOMMU_INTERFACE_EX Interface;
	GET_INTERFACE *GetInterface;
	PRINT *Print;

	GetInterface = (GET_INTERFACE *)Find(L"IoGetIommuInterfaceEx");
	CHECK(GetInterface == IoGetIommuInterfaceEx);
	CHECK(GetInterface(DMA_IOMMU_INTERFACE_EX_VERSION_3, 0, &Interface) == STATUS_SUCCESS);
	CHECK(Interface.Version == DMA_IOMMU_INTERFACE_EX_VERSION_3);
	Print = (PRINT *)Find(L"DbgPrint");
	CHECK(Print && Print("DdkStrings: %d\n", 7) == STATUS_SUCCESS);

	CHECK(Find(L"IoGetIommuInterface") && Find(L"DbgPrintEx") && Find(L"vDbgPrintEx"));
	CHECK(Find(L"IoAllocateMdl") && Find(L"IoFreeMdl") && Find(L"IoBuildPartialMdl"));
	CHECK(Find(L"MmBuildMdlForNonPagedPool") && Find(L"MmProbeAndLockPages"));
	CHECK(Find(L"MmUnlockPages") && Find(L"RtlInitUnicodeString"));
	CHECK(Find(L"MmGetSystemRoutineAddress") && Find(L"MmGetPhysicalAddress"));
	CHECK(Find(L"MmMapLockedPagesSpecifyCache") && Find(L"ExAllocatePool2"));
	CHECK(Find(L"ExFreePoolWithTag") && Find(L"RtlCompareMemory") && Find(L"KeLowerIrql"));
#ifdef _KERNEL_MODE
	CHECK(Find(L"MmAllocatePagesForMdlEx") && Find(L"MmMapIoSpace"));
#endif

	CHECK(!Find(L"") && !Find(NULL) && !Find(L"ioFreeMdl") && !Find(L"IoFreeMd"));
	CHECK(!Find(L"IoFreeMdlX") && !Find(L"KeBugCheckEx") && !Find(L"IoFreeMdl\x0100"));
	CHECK(!Find(L"\x0149oFreeMdl"));
	/* The length counts, and not a 0. */
	CHECK(!MmGetSystemRoutineAddress(&Name));
	Name.Length -= sizeof(WCHAR);
	CHECK(MmGetSystemRoutineAddress(&Name) == Find(L"IoFreeMdl"));
}

VOID DdkStrings(VOID)
{
	InitStrings();
	InitLongStrings();
	CopyStrings();
	AppendStrings();
	CompareStrings();
	ChangeCase();
	FindRoutines();
}
