// SPDX-License-Identifier: GPL-2.0
/*
 * Memory, places in structures, alignment and flags.
 */
#include "ddk_client.h"

typedef struct _RECORD {
	UCHAR First;
	ULONG Second;
	USHORT Third[4];
	ULONGLONG Last;
} RECORD, *PRECORD;

typedef struct _VARIABLE {
	ULONG Count;
	ULONG Data[ANYSIZE_ARRAY];
} VARIABLE, *PVARIABLE;

C_ASSERT(sizeof(RECORD) == 24);
C_ASSERT(FIELD_OFFSET(RECORD, Third) == 8);
C_ASSERT(RTL_NUMBER_OF_FIELD(RECORD, Third) == 4);

#define NUMBERS_LENGTH (4 * sizeof(ULONG))

static VOID Bytes(VOID)
{
	UCHAR Bytes[16], Other[16];
	ULONG i;

	RtlFillMemory(Bytes, sizeof(Bytes), 0xa5);
	for (i = 0; i < sizeof(Bytes); i++)
		CHECK(Bytes[i] == 0xa5);
	/* The length comes before the value: four bytes of 9, and not nine bytes of 4. */
	RtlFillMemory(Bytes, 4, 9);
	CHECK(Bytes[3] == 9 && Bytes[4] == 0xa5);
	RtlZeroMemory(Bytes, 2);
	CHECK(Bytes[0] == 0 && Bytes[1] == 0 && Bytes[2] == 9);

	RtlCopyMemory(Other, Bytes, sizeof(Bytes));
	CHECK(RtlEqualMemory(Other, Bytes, sizeof(Bytes)));
	Other[15] = 1;
	CHECK(!RtlEqualMemory(Other, Bytes, sizeof(Bytes)));
	CHECK(RtlEqualMemory(Other, Bytes, 15));
	CHECK(RtlEqualMemory(Other, Bytes, 0));
	RtlCopyMemoryNonTemporal(Other, Bytes, sizeof(Bytes));
	CHECK(RtlEqualMemory(Other, Bytes, sizeof(Bytes)));

	for (i = 0; i < sizeof(Bytes); i++)
		Bytes[i] = (UCHAR)i;
	RtlMoveMemory(Bytes + 1, Bytes, 15);
	CHECK(Bytes[0] == 0 && Bytes[1] == 0 && Bytes[2] == 1 && Bytes[15] == 14);
	RtlMoveMemory(Bytes, Bytes + 1, 15);
	CHECK(Bytes[0] == 0 && Bytes[1] == 1 && Bytes[14] == 14 && Bytes[15] == 14);

	RtlFillBytes(Bytes, sizeof(Bytes), 7);
	RtlZeroBytes(Bytes, 1);
	RtlCopyBytes(Other, Bytes, sizeof(Bytes));
	CHECK(Other[0] == 0 && Other[1] == 7 && Other[15] == 7);
}

static VOID Comparisons(VOID)
{
	UCHAR Left[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	UCHAR Right[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };

	/* Bytes that are the same: the length for equal blocks, and not 0 as memcmp(). */
	CHECK(RtlCompareMemory(Left, Right, 8) == 8);
	CHECK(RtlCompareMemory(Left, Right, 0) == 0);
	Right[5] = 0;
	CHECK(RtlCompareMemory(Left, Right, 8) == 5);
	CHECK(RtlCompareMemory(Left, Right, 5) == 5);
	Right[0] = 0;
	CHECK(RtlCompareMemory(Left, Right, 8) == 0);
}

static VOID Patterns(VOID)
{
	DECLSPEC_ALIGN(8) ULONG Numbers[4];
	ULONGLONG Wide;

	RtlZeroMemory(Numbers, sizeof(Numbers));
	RtlFillMemoryUlong(Numbers, 3 * sizeof(ULONG), 0x12345678);
	CHECK(Numbers[0] == 0x12345678 && Numbers[2] == 0x12345678 && Numbers[3] == 0);
	CHECK(RtlCompareMemoryUlong(Numbers, NUMBERS_LENGTH, 0x12345678) == 12);
	CHECK(RtlCompareMemoryUlong(Numbers, 8, 0x12345678) == 8);
	CHECK(RtlCompareMemoryUlong(Numbers, NUMBERS_LENGTH, 0x12345679) == 0);
	/* A length that is no multiple of 4, and an address on no boundary of 4. */
	CHECK(RtlCompareMemoryUlong(Numbers, 7, 0x12345678) == 0);
	CHECK(RtlCompareMemoryUlong((PUCHAR)Numbers + 1, 4, 0x12345678) == 0);

	RtlFillMemoryUlonglong(Numbers, NUMBERS_LENGTH, 0x1122334455667788);
	CHECK(Numbers[0] == 0x55667788 && Numbers[1] == 0x11223344 && Numbers[2] == 0x55667788);
	RtlCopyMemory(&Wide, &Numbers[2], sizeof(Wide));
	CHECK(Wide == 0x1122334455667788);

	CHECK(!RtlIsZeroMemory(Numbers, NUMBERS_LENGTH));
	CHECK(RtlSecureZeroMemory(Numbers, NUMBERS_LENGTH) == Numbers);
	CHECK(RtlIsZeroMemory(Numbers, NUMBERS_LENGTH) == TRUE);
	Numbers[3] = 0x01000000;
	CHECK(RtlIsZeroMemory(Numbers, NUMBERS_LENGTH) == FALSE);
	CHECK(RtlIsZeroMemory(Numbers, NUMBERS_LENGTH - 1) == TRUE);
	CHECK(RtlIsZeroMemory(Numbers, 0) == TRUE);
}

static VOID Fields(VOID)
{
	RECORD Record = { 0 };
	PRECORD Pointer = &Record;
	PVOID Address = &Record.Second;
	ULONG Count = 5;

	CHECK(FIELD_OFFSET(RECORD, First) == 0);
	CHECK(FIELD_OFFSET(RECORD, Second) == 4);
	CHECK(UFIELD_OFFSET(RECORD, Last) == 16);
	/* How drivers say how long a structure with an array at its end is. */
	CHECK(FIELD_OFFSET(VARIABLE, Data[Count]) == 24);
	/* A LONG, so that it may be compared with a negative number. */
	CHECK(FIELD_OFFSET(VARIABLE, Data[0]) > -1);
	CHECK(sizeof(VARIABLE) == 8);

	CHECK(FIELD_SIZE(RECORD, Third) == 8);
	CHECK(RTL_FIELD_SIZE(RECORD, Third) == 8);
	CHECK(sizeof(RTL_FIELD_TYPE(RECORD, Second)) == 4);
	CHECK(RTL_SIZEOF_THROUGH_FIELD(RECORD, Second) == 8);
	CHECK(RTL_SIZEOF_THROUGH_FIELD(RECORD, Last) == sizeof(RECORD));
	CHECK(RTL_CONTAINS_FIELD(Pointer, 8, Second));
	CHECK(!RTL_CONTAINS_FIELD(Pointer, 7, Second));
	CHECK(RTL_PADDING_BETWEEN_FIELDS(RECORD, First, Second) == 3);
	CHECK(RTL_PADDING_BETWEEN_FIELDS(RECORD, Second, First) == 3);
	CHECK(RTL_PADDING_BETWEEN_FIELDS(RECORD, Second, Third) == 0);
	CHECK(RTL_BITS_OF(Record.Second) == 32);
	CHECK(RTL_BITS_OF_FIELD(RECORD, Last) == 64);
	CHECK(TYPE_ALIGNMENT(UCHAR) == 1 && TYPE_ALIGNMENT(ULONG) == 4);
	CHECK(TYPE_ALIGNMENT(RECORD) == 8);

	CHECK(RTL_NUMBER_OF(Record.Third) == 4);
	CHECK(RTL_NUMBER_OF_V1(Record.Third) == 4 && RTL_NUMBER_OF_V2(Record.Third) == 4);
	CHECK(ARRAYSIZE(Record.Third) == 4 && _ARRAYSIZE(Record.Third) == 4);

	/* Any address will do, whatever it is said to point to. */
	CHECK(CONTAINING_RECORD(&Record.Second, RECORD, Second) == &Record);
	CHECK(CONTAINING_RECORD(Address, RECORD, Second) == &Record);
	CHECK(CONTAINING_RECORD((PUCHAR)Address, RECORD, Second) == &Record);
	CHECK(CONTAINING_RECORD(&Record.Third[1], RECORD, Third[1]) == &Record);
}

static VOID Parameters(ULONG Used, ULONG Unused, PVOID Absent)
{
	ULONG Local = Used++;

	UNREFERENCED_PARAMETER(Unused);
	DBG_UNREFERENCED_PARAMETER(Unused);
	DBG_UNREFERENCED_LOCAL_VARIABLE(Local);
	CHECK(ARGUMENT_PRESENT(&Used) && !ARGUMENT_PRESENT(Absent));
}

static VOID Flags(VOID)
{
	ULONG Flags = 0x5;
	UCHAR Bytes[8];

	CHECK(FlagOn(Flags, 0x4) == 0x4 && FlagOn(Flags, 0x2) == 0);
	/* A bit above those of a BOOLEAN is on all the same. */
	SetFlag(Flags, 0x100);
	CHECK(Flags == 0x105 && BooleanFlagOn(Flags, 0x100) == TRUE);
	ClearFlag(Flags, 0x1);
	CHECK(Flags == 0x104 && BooleanFlagOn(Flags, 0x1) == FALSE);

	CHECK(Add2Ptr(Bytes, 3) == &Bytes[3]);
	CHECK(PtrOffset(Bytes, &Bytes[5]) == 5);
}

static VOID Alignment(VOID)
{
	PVOID Address = (PVOID)(ULONG_PTR)0x123456785;
	SIZE_T Length = 0x123456785;
	ULONG Four = 4;

	CHECK(ALIGN_DOWN_BY(Length, 4) == 0x123456784);
	CHECK(ALIGN_UP_BY(Length, 4) == 0x123456788);
	CHECK(ALIGN_UP_BY(0x123456788, 4) == 0x123456788);
	/* An alignment that is an ULONG keeps the upper half. */
	CHECK(ALIGN_DOWN_BY(Length, Four) == 0x123456784);
	CHECK(ALIGN_UP_BY(Length, Four) == 0x123456788);
	CHECK(ALIGN_UP(Length, ULONGLONG) == 0x123456788);
	CHECK(ALIGN_DOWN_POINTER_BY(Address, 0x100) == (PVOID)(ULONG_PTR)0x123456700);
	CHECK(ALIGN_UP_POINTER_BY(Address, 0x100) == (PVOID)(ULONG_PTR)0x123456800);
	CHECK(ALIGN_DOWN_POINTER(Address, USHORT) == (PVOID)(ULONG_PTR)0x123456784);
	CHECK(ALIGN_UP_POINTER(Address, USHORT) == (PVOID)(ULONG_PTR)0x123456786);
#ifndef _KERNEL_MODE
	CHECK(ALIGN_DOWN(Length, ULONG) == 0x123456784);
#endif

	CHECK(min(3, 4) == 3 && max(3, 4) == 4);
}

VOID DdkMemory(VOID)
{
	Bytes();
	Comparisons();
	Patterns();
	Fields();
	Parameters(1, 2, NULL);
	Flags();
	Alignment();
}
