// SPDX-License-Identifier: GPL-2.0
/*
 * Base types: sizes, signs, limits, and which of them are one type.
 */
#include "ddk_client.h"

/* IS_SIGNED() and IS_UNSIGNED() check a type of so many bytes, and a pointer to it. */
#define IS_SIGNED(Type, Pointer, Size)                                                            \
	do {                                                                                      \
		CHECK(sizeof(Type) == (Size) && sizeof(*(Pointer)NULL) == (Size));                \
		CHECK((Type)-1 < (Type)1);                                                        \
	} while (0)
#define IS_UNSIGNED(Type, Pointer, Size)                                                          \
	do {                                                                                      \
		CHECK(sizeof(Type) == (Size) && sizeof(*(Pointer)NULL) == (Size));                \
		CHECK((Type)-1 > (Type)1);                                                        \
	} while (0)
#define POINTS_TO(Pointer, Size) CHECK(sizeof(*(Pointer)NULL) == (Size))

static VOID Integers(VOID)
{
	IS_SIGNED(SCHAR, PSCHAR, 1);
	IS_UNSIGNED(UCHAR, PUCHAR, 1);
	IS_UNSIGNED(BYTE, PBYTE, 1);
	POINTS_TO(LPBYTE, 1);
	IS_UNSIGNED(BOOLEAN, PBOOLEAN, 1);
	IS_SIGNED(SHORT, PSHORT, 2);
	IS_SIGNED(CSHORT, PCSHORT, 2);
	IS_UNSIGNED(USHORT, PUSHORT, 2);
	IS_UNSIGNED(WORD, PWORD, 2);
	POINTS_TO(LPWORD, 2);
	IS_SIGNED(INT, PINT, 4);
	POINTS_TO(LPINT, 4);
	IS_UNSIGNED(UINT, PUINT, 4);
	POINTS_TO(LPUINT, 4);
	/* A long of Windows has 32 bits. */
	IS_SIGNED(LONG, PLONG, 4);
	POINTS_TO(LPLONG, 4);
	IS_UNSIGNED(ULONG, PULONG, 4);
	IS_UNSIGNED(CLONG, PCLONG, 4);
	IS_UNSIGNED(DWORD, PDWORD, 4);
	POINTS_TO(LPDWORD, 4);
	IS_UNSIGNED(LOGICAL, PLOGICAL, 4);
	IS_SIGNED(BOOL, PBOOL, 4);
	POINTS_TO(LPBOOL, 4);
	IS_SIGNED(LONGLONG, PLONGLONG, 8);
	IS_UNSIGNED(ULONGLONG, PULONGLONG, 8);
	IS_UNSIGNED(DWORDLONG, PDWORDLONG, 8);
}

static VOID IntegersOfASize(VOID)
{
	IS_SIGNED(INT8, PINT8, 1);
	IS_SIGNED(INT16, PINT16, 2);
	IS_SIGNED(INT32, PINT32, 4);
	IS_SIGNED(INT64, PINT64, 8);
	IS_UNSIGNED(UINT8, PUINT8, 1);
	IS_UNSIGNED(UINT16, PUINT16, 2);
	IS_UNSIGNED(UINT32, PUINT32, 4);
	IS_UNSIGNED(UINT64, PUINT64, 8);
	IS_SIGNED(LONG32, PLONG32, 4);
	IS_SIGNED(LONG64, PLONG64, 8);
	IS_UNSIGNED(ULONG32, PULONG32, 4);
	IS_UNSIGNED(ULONG64, PULONG64, 8);
	IS_UNSIGNED(DWORD32, PDWORD32, 4);
	IS_UNSIGNED(DWORD64, PDWORD64, 8);
	CHECK(sizeof(__int8) == 1 && sizeof(__int16) == 2 && sizeof(__int32) == 4);
	CHECK(sizeof(__int64) == 8 && (__int64)-1 < 0);
}

static VOID IntegersOfAPointer(VOID)
{
	IS_SIGNED(INT_PTR, PINT_PTR, sizeof(PVOID));
	IS_UNSIGNED(UINT_PTR, PUINT_PTR, sizeof(PVOID));
	IS_SIGNED(LONG_PTR, PLONG_PTR, sizeof(PVOID));
	IS_UNSIGNED(ULONG_PTR, PULONG_PTR, sizeof(PVOID));
	IS_UNSIGNED(DWORD_PTR, PDWORD_PTR, sizeof(PVOID));
	IS_UNSIGNED(SIZE_T, PSIZE_T, sizeof(PVOID));
	IS_SIGNED(SSIZE_T, PSSIZE_T, sizeof(PVOID));
	IS_SIGNED(HALF_PTR, PHALF_PTR, sizeof(PVOID) / 2);
	IS_UNSIGNED(UHALF_PTR, PUHALF_PTR, sizeof(PVOID) / 2);
	IS_UNSIGNED(PFN_NUMBER, PPFN_NUMBER, sizeof(PVOID));
	IS_SIGNED(SPFN_NUMBER, PSPFN_NUMBER, sizeof(PVOID));
	IS_UNSIGNED(PFN_COUNT, PPFN_COUNT, 4);
	IS_SIGNED(KPRIORITY, PKPRIORITY, 4);
	IS_UNSIGNED(KAFFINITY, PKAFFINITY, sizeof(PVOID));
	IS_SIGNED(NTSTATUS, PNTSTATUS, 4);
}

/* What Windows takes for one type is assigned without a cast. */
static VOID OneType(VOID)
{
	ULONG64 Value = 1;
	PULONGLONG Long = &Value;
	PUINT64 Sized = Long;
	PDWORDLONG Words = Sized;
	PDWORD64 Sixtyfour = Words;
	PULONG_PTR Pointer = Sixtyfour;
	PSIZE_T Size = Pointer;
	PUINT_PTR Unsigned = Size;
	PDWORD_PTR Dword = Unsigned;
	PPFN_NUMBER Page = Dword;
	ULONG Lower = 1;
	PUINT32 Thirtytwo = &Lower;
	PDWORD Double = Thirtytwo;
	PUINT Plain = Double;
	UCHAR Byte = 1;
	PBYTE Bytes = &Byte;
	PBOOLEAN Truth = Bytes;

	*Page += *Plain;
	CHECK(Value == 2);
	CHECK(*Truth == TRUE && !FALSE);
}

static VOID Characters(VOID)
{
	static const WCHAR Wide[] = { 'D', 'M', 'A', 0 };
	CHAR Narrow[] = "DMA";
	PCHAR Char = Narrow;
	PCCHAR Char2 = Narrow;
	CCHAR Signed = Narrow[0];
	PSTR Text = Narrow;
	PCSTR Constant = Text;
	PSZ Zero = Narrow;
	PCSZ ConstantZero = Zero;
	LPSTR Long = Text;
	LPCSTR LongConstant = Long;
	NPSTR Near = Long;
	PCH Array = Narrow;
	LPCH LongArray = Array;
	PNZCH Counted = Array;
	PCCH ConstantArray = Array;
	LPCCH LongConstantArray = ConstantArray;
	PCNZCH CountedConstant = LongConstantArray;
	WCHAR Writable[] = { 'x', 0 };
	PWCHAR WideChar = Writable;
	PWCH WideArray = WideChar;
	LPWCH LongWideArray = WideArray;
	PCWCH ConstantWide = Wide;
	LPCWCH LongConstantWide = ConstantWide;
	PWSTR WideText = LongWideArray;
	LPWSTR LongWideText = WideText;
	NWPSTR NearWideText = LongWideText;
	PUWSTR Unaligned = NearWideText;
	LPUWSTR LongUnaligned = Unaligned;
	PCWSTR ConstantText = LongConstantWide;
	LPCWSTR LongConstantText = ConstantText;
	PCUWSTR UnalignedConstant = LongConstantText;
	LPCUWSTR LongUnalignedConstant = UnalignedConstant;
	PZPWSTR Texts = &WideText;
	PZPCWSTR ConstantTexts = &ConstantText;
	PCZPWSTR ConstantArrayOfTexts = &NearWideText;

	CHECK(sizeof(CHAR) == 1 && sizeof(WCHAR) == 2 && (WCHAR)-1 > 0);
	CHECK(*Char == 'D' && Char2[1] == 'M' && Signed == 'D' && Constant[2] == 'A');
	CHECK(ConstantZero == Narrow && LongConstant == Near && LongArray == Counted);
	CHECK(CountedConstant[3] == 0);
	CHECK(LongUnaligned[0] == 'x' && LongUnalignedConstant[1] == 'M');
	CHECK(*Texts == WideText && *ConstantTexts == Wide && **ConstantArrayOfTexts == 'x');
#ifdef _KERNEL_MODE
	ConstantText = L"DMA";
	CHECK(sizeof(L"DMA") == sizeof(Wide) && ConstantText[2] == 'A' && ConstantText[3] == 0);
#endif
}

/* Words for pointers. */
typedef VOID *POINTER_64 PVOID_64;
typedef VOID *POINTER_32 PVOID_32;
typedef VOID *__ptr64 PVOID_PTR64;
typedef VOID *__ptr32 PVOID_PTR32;
typedef ULONG UNALIGNED(*PULONG_UNALIGNED);
typedef ULONG UNALIGNED64(*PULONG_UNALIGNED64);
typedef ULONG __unaligned(*PULONG_UNALIGNED2);
typedef ULONG *RESTRICTED_POINTER PULONG_RESTRICTED;

static VOID Pointers(VOID)
{
	ULONG Value = 7;
	PVOID Pointer = &Value;
	LPVOID Long = Pointer;
	LPCVOID Constant = Pointer;
	PVOID64 Wide = Pointer;
	HANDLE Handle = Pointer;
	PHANDLE Handles = &Handle;
	PVOID_64 Sixtyfour = Pointer;
	PVOID_PTR64 Sixtyfour2 = Pointer;
	PVOID_32 Thirtytwo = Pointer;
	PVOID_PTR32 Thirtytwo2 = Pointer;
	PULONG_UNALIGNED Unaligned = &Value;
	PULONG_UNALIGNED64 Unaligned64 = &Value;
	PULONG_UNALIGNED2 Unaligned2 = &Value;
	PULONG_RESTRICTED Restricted = &Value;

	CHECK(Long == Constant && Wide == Long && *Handles == Wide);
	CHECK(Sixtyfour == Sixtyfour2 && Thirtytwo == Thirtytwo2 && Sixtyfour == Thirtytwo);
	CHECK(*Unaligned == 7 && *Unaligned64 == 7 && *Unaligned2 == 7 && *Restricted == 7);
}

static VOID Limits(VOID)
{
	CHECK(MINCHAR == 0x80 && MAXCHAR == 0x7f && MAXUCHAR == 0xff && MAXBYTE == 0xff);
	CHECK(MINSHORT == 0x8000 && MAXSHORT == 0x7fff && MAXUSHORT == 0xffff && MAXWORD == 0xffff);
	CHECK(MINLONG == 0x80000000 && MAXLONG == 0x7fffffff && MAXULONG == 0xffffffff);
	CHECK(MAXDWORD == 0xffffffff && MAXDWORD32 == 0xffffffff);
	CHECK(MAXLONGLONG == 0x7fffffffffffffff && MINLONGLONG == -MAXLONGLONG - 1);
	CHECK(MAXULONGLONG == 0xffffffffffffffff && MAXDWORDLONG == MAXULONGLONG);
	CHECK(MAXDWORD64 == MAXULONGLONG);
	CHECK(MAXUINT == 0xffffffff && MAXINT == 0x7fffffff && MININT == -MAXINT - 1);
	CHECK(MAXUINT8 == 0xff && MAXINT8 == 0x7f && MININT8 == -0x80);
	CHECK(MAXUINT16 == 0xffff && MAXINT16 == 0x7fff && MININT16 == -0x8000);
	CHECK(MAXUINT32 == 0xffffffff && MAXINT32 == 0x7fffffff && MININT32 == -MAXINT32 - 1);
	CHECK(MAXUINT64 == MAXULONGLONG && MAXINT64 == MAXLONGLONG && MININT64 == MINLONGLONG);
	CHECK(MAXULONG32 == 0xffffffff && MAXLONG32 == 0x7fffffff && MINLONG32 == -MAXLONG32 - 1);
	CHECK(MAXULONG64 == MAXULONGLONG && MAXLONG64 == MAXLONGLONG && MINLONG64 == MINLONGLONG);
}

static VOID LimitsOfPointers(VOID)
{
	CHECK(MAXULONG_PTR == (ULONG_PTR)-1 && MAXUINT_PTR == MAXULONG_PTR);
	CHECK(MAXSIZE_T == MAXULONG_PTR);
	CHECK(MAXLONG_PTR > 0 && (ULONG_PTR)MAXLONG_PTR == MAXULONG_PTR / 2);
	CHECK(MAXINT_PTR == MAXLONG_PTR && MAXSSIZE_T == MAXLONG_PTR);
	CHECK(MINLONG_PTR == -MAXLONG_PTR - 1 && MININT_PTR == MINLONG_PTR);
	CHECK(MINSSIZE_T == MINLONG_PTR);
	CHECK(MAXUHALF_PTR == (UHALF_PTR)-1 && MAXHALF_PTR == (HALF_PTR)(MAXUHALF_PTR / 2));
	CHECK(MINHALF_PTR == -MAXHALF_PTR - 1);
}

static VOID Structures(VOID)
{
	PHYSICAL_ADDRESS Physical;
	PPHYSICAL_ADDRESS Address = &Physical;
	LARGE_INTEGER Large;
	PLARGE_INTEGER Signed = &Large;
	ULARGE_INTEGER Unsigned;
	PULARGE_INTEGER Pointer = &Unsigned;
	LUID Luid = { 1, -2 };
	PLUID Identifier = &Luid;
	GUID Guid = { 0x12345678, 0x9abc, 0xdef0, { 1, 2, 3, 4, 5, 6, 7, 8 } };
	PGUID Global = &Guid;
	LPGUID Long = Global;
	LPCGUID Constant = Long;
	REFGUID Reference = Constant;

	Signed->QuadPart = -2;
	CHECK(Large.LowPart == 0xfffffffe && Large.HighPart == -1);
	CHECK(Large.u.LowPart == 0xfffffffe && Large.u.HighPart == -1);
	Address->QuadPart = 0x123456789;
	Large = Physical;
	CHECK(Large.HighPart == 1 && Large.u.LowPart == 0x23456789);
	Pointer->QuadPart = MAXULONGLONG;
	CHECK(Unsigned.HighPart == MAXULONG && Unsigned.u.LowPart == MAXULONG);
	CHECK(sizeof(Large) == 8 && sizeof(Unsigned) == 8);
	CHECK(Identifier->LowPart == 1 && Identifier->HighPart == -2 && sizeof(LUID) == 8);
	CHECK(Reference->Data1 == 0x12345678 && Reference->Data2 == 0x9abc);
	CHECK(Reference->Data3 == 0xdef0 && Reference->Data4[7] == 8 && sizeof(GUID) == 16);
}

static VOID Conversions(VOID)
{
	PVOID Address = (PVOID)(ULONG_PTR)0x9abcdef0;

	CHECK(PtrToUlong(Address) == 0x9abcdef0 && PtrToULong(Address) == 0x9abcdef0);
	CHECK(PtrToUint(Address) == 0x9abcdef0 && PtrToUInt(Address) == 0x9abcdef0);
	CHECK(PtrToUshort(Address) == 0xdef0 && PtrToShort(Address) == (SHORT)0xdef0);
	CHECK(PtrToLong(Address) == (LONG)0x9abcdef0 && PtrToInt(Address) == (INT)0x9abcdef0);
	CHECK(ULongToPtr(0x9abcdef0) == Address && UlongToPtr(0x9abcdef0) == Address);
	CHECK(UIntToPtr(0x9abcdef0) == Address && UintToPtr(0x9abcdef0) == Address);
	CHECK(LongToPtr(-1) == (PVOID)MAXULONG_PTR && IntToPtr(-1) == (PVOID)MAXULONG_PTR);
	CHECK(HandleToULong(Address) == 0x9abcdef0 && HandleToUlong(Address) == 0x9abcdef0);
	CHECK(HandleToLong(Address) == (LONG)0x9abcdef0);
	CHECK(ULongToHandle(0x9abcdef0) == Address && UlongToHandle(0x9abcdef0) == Address);
	CHECK(LongToHandle(-1) == (HANDLE)MAXULONG_PTR);
}

/* Words that stand before and behind names. */
typedef struct DECLSPEC_ALIGN(32) _ALIGNED {
	UCHAR First;
} ALIGNED, *PALIGNED;

typedef struct __declspec(align(16)) _ALSO_ALIGNED {
	UCHAR First;
} ALSO_ALIGNED;

typedef struct DECLSPEC_CACHEALIGN _LINE {
	UCHAR First;
} LINE;

typedef struct DECLSPEC_NOVTABLE DECLSPEC_UUID("12345678") _PLAIN {
	UCHAR First;
} PLAIN;

struct DECLSPEC_DEPRECATED _OLD {
	UCHAR First;
};

struct __declspec(deprecated) _OLDER {
	UCHAR First;
};

typedef VOID NTAPI PLAIN_CALLBACK(PULONG Value);
typedef ULONG __cdecl CDECL_CALLBACK(ULONG Value);
typedef ULONG __stdcall STDCALL_CALLBACK(ULONG Value);
typedef ULONG __fastcall FASTCALL_CALLBACK(ULONG Value);
typedef ULONG _cdecl CDECL_CALLBACK2(ULONG Value);
typedef ULONG _stdcall STDCALL_CALLBACK2(ULONG Value);
typedef ULONG _fastcall FASTCALL_CALLBACK2(ULONG Value);

EXTERN_C_START
static PLAIN_CALLBACK Increment;
EXTERN_C_END

static VOID NTAPI Increment(PULONG Value)
{
	(*Value)++;
}

static DECLSPEC_NOINLINE ULONG FASTCALL AddOne(IN ULONG Value)
{
	ULONG Result;

	Increment(&Value);
	Result = Value;
	return Result;
}

static __declspec(noinline) DECLSPEC_NOTHROW NTSYSAPI ULONG AddTwo(IN CONST ULONG *Value,
								   OUT PULONG Sum OPTIONAL)
{
	*Sum = *Value + 2;
	return *Sum;
}

static NTKERNELAPI NTHALAPI NTSYSCALLAPI DECLSPEC_IMPORT DECLSPEC_EXPORT DECLSPEC_NOALIAS
DECLSPEC_RESTRICT DECLSPEC_DEPRECATED_DDK ULONG AddThree(ULONG Value)
{
	return Value + 3;
}

static DECLSPEC_NORETURN VOID Forever(VOID)
{
	for (;;)
		;
}

/* One object, however many files have it. */
EXTERN_C const ULONG DdkAnywhere;
DECLSPEC_SELECTANY const ULONG DdkAnywhere = 5;

static VOID Words(VOID)
{
	CDECL_CALLBACK *Cdecl = AddOne;
	STDCALL_CALLBACK *Stdcall = AddOne;
	FASTCALL_CALLBACK *Fastcall = AddOne;
	CDECL_CALLBACK2 *Cdecl2 = Cdecl;
	STDCALL_CALLBACK2 *Stdcall2 = Stdcall;
	FASTCALL_CALLBACK2 *Fastcall2 = Fastcall;
	ULONG Value = 1, Sum;

	CHECK(sizeof(ALIGNED) == 32 && sizeof(ALSO_ALIGNED) == 16 && sizeof(PLAIN) == 1);
	CHECK(sizeof(LINE) == SYSTEM_CACHE_ALIGNMENT_SIZE && SYSTEM_CACHE_ALIGNMENT_SIZE == 64);
	CHECK(ANYSIZE_ARRAY == 1);
	CHECK(Cdecl2(1) == 2 && Stdcall2(2) == 3 && Fastcall2(3) == 4);
	CHECK(AddTwo(&Value, &Sum) == 3 && Sum == 3);
	CHECK(AddThree(1) == 4);
	CHECK(DdkAnywhere == 5);
	if (Value > 1)
		Forever();
}

VOID DdkTypes(VOID)
{
	PDEVICE_OBJECT Device = NULL;
	struct _DEVICE_OBJECT *Tagged = Device;
	DEVICE_OBJECT *Typed = Tagged;
	PIRP Request = NULL;
	IRP *Irp = Request;

	CHECK(!Typed && !Irp);
	Integers();
	IntegersOfASize();
	IntegersOfAPointer();
	OneType();
	Characters();
	Pointers();
	Limits();
	LimitsOfPointers();
	Structures();
	Conversions();
	Words();
}
