/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Types of Windows, with the sizes that they have there.
 */
#ifndef _V3COMPAT_DDK_TYPES_H
#define _V3COMPAT_DDK_TYPES_H

/* The page of Windows, whatever that of the machine. */
#define V3COMPAT_PAGE_SIZE 4096ULL

/* Layouts are those of 64-bit Windows, which is another one where pointers are shorter. */
#if __SIZEOF_POINTER__ != 8
#define V3COMPAT_LAYOUT(type, size) struct v3compat_no_layout
#elif defined(__cplusplus)
#define V3COMPAT_LAYOUT(type, size) static_assert(sizeof(type) == (size), #type)
#else
#define V3COMPAT_LAYOUT(type, size) _Static_assert(sizeof(type) == (size), #type)
#endif

/* Declarations of functions, and what needs Windows' structures without a name, stand between. */
#ifdef __cplusplus
#define V3COMPAT_BEGIN                                                                             \
	extern "C" {                                                                              \
	_Pragma("GCC diagnostic push") _Pragma("GCC diagnostic ignored \"-Wpedantic\"")
#define V3COMPAT_END _Pragma("GCC diagnostic pop") }
#else
#define V3COMPAT_BEGIN
#define V3COMPAT_END
#endif

#ifndef VOID
#define VOID void
#endif
#ifndef CONST
#define CONST const
#endif
#ifndef IN
#define IN
#endif
#ifndef OUT
#define OUT
#endif
#ifndef OPTIONAL
#define OPTIONAL
#endif

#ifndef TRUE
#define TRUE 1
#endif
#ifndef FALSE
#define FALSE 0
#endif

/* Calling conventions say nothing, because a machine of 64 bits has one. */
#define NTAPI
#define FASTCALL
#define _cdecl
#define __stdcall
#define _stdcall
#define __fastcall
#define _fastcall
#ifndef __cdecl /* ACPI's headers of Linux have it. */
#define __cdecl
#endif

/* Functions come from a header, and the linker knows where they are. */
#define NTKERNELAPI
#define NTSYSAPI
#define NTSYSCALLAPI
#define NTHALAPI
#ifdef __cplusplus
#define EXTERN_C extern "C"
#define EXTERN_C_START extern "C" {
#define EXTERN_C_END }
#else
#define EXTERN_C extern
#define EXTERN_C_START
#define EXTERN_C_END
#endif

/* Words of Windows' compiler for types. */
#define __int8 char
#define __int16 short
#define __int32 int
#define __int64 long long
#define POINTER_32
#define POINTER_64
#define __ptr32
#define __ptr64
#define __unaligned
/*
 * UNALIGNED is nothing, because this compiler has no such pointers: a value that may not be aligned
 * is copied, by RtlCopyMemory().
 */
#define UNALIGNED
#define UNALIGNED64
#define RESTRICTED_POINTER

/* __declspec() takes one word; what is not among these does not compile. */
#define __declspec(word) V3COMPAT_DECLSPEC_##word
#define V3COMPAT_DECLSPEC_align(bytes) __attribute__((__aligned__(bytes)))
#define V3COMPAT_DECLSPEC_deprecated __attribute__((__deprecated__))
#define V3COMPAT_DECLSPEC_dllexport
#define V3COMPAT_DECLSPEC_dllimport
#define V3COMPAT_DECLSPEC_noalias
#define V3COMPAT_DECLSPEC_noinline __attribute__((__noinline__))
#define V3COMPAT_DECLSPEC_noreturn __attribute__((__noreturn__))
#define V3COMPAT_DECLSPEC_nothrow
#define V3COMPAT_DECLSPEC_novtable
#define V3COMPAT_DECLSPEC_restrict
#define V3COMPAT_DECLSPEC_safebuffers
#define V3COMPAT_DECLSPEC_selectany __attribute__((__weak__))
#define V3COMPAT_DECLSPEC_uuid(text)

#define SYSTEM_CACHE_ALIGNMENT_SIZE 64
#define DECLSPEC_ALIGN(bytes) __attribute__((__aligned__(bytes)))
#define DECLSPEC_CACHEALIGN DECLSPEC_ALIGN(SYSTEM_CACHE_ALIGNMENT_SIZE)
#define DECLSPEC_DEPRECATED __attribute__((__deprecated__))
#define DECLSPEC_DEPRECATED_DDK
#define DECLSPEC_EXPORT
#define DECLSPEC_IMPORT
#define DECLSPEC_NOALIAS
#define DECLSPEC_NOINLINE __attribute__((__noinline__))
#define DECLSPEC_NORETURN __attribute__((__noreturn__))
#define DECLSPEC_NOTHROW
#define DECLSPEC_NOVTABLE
#define DECLSPEC_RESTRICT
#define DECLSPEC_SELECTANY __attribute__((__weak__))
#define DECLSPEC_UUID(text)

/* sizeof() of a structure that ends in such an array counts the entry, so it has to be one. */
#define ANYSIZE_ARRAY 1

V3COMPAT_BEGIN

typedef void *PVOID, *LPVOID, *PVOID64;
typedef const void *LPCVOID;
typedef void *HANDLE, **PHANDLE;

typedef char CHAR, *PCHAR, *LPCH, *PCH, *PNZCH;
typedef const char *LPCCH, *PCCH, *PCNZCH;
typedef char CCHAR, *PCCHAR;
typedef char *PSTR, *LPSTR, *NPSTR, *PSZ;
typedef const char *PCSTR, *LPCSTR, *PCSZ;
typedef signed char SCHAR, *PSCHAR;
typedef unsigned char UCHAR, *PUCHAR;
typedef unsigned char BYTE, *PBYTE, *LPBYTE;
typedef unsigned char BOOLEAN, *PBOOLEAN;

typedef short SHORT, *PSHORT;
typedef short CSHORT, *PCSHORT;
typedef unsigned short USHORT, *PUSHORT;
typedef unsigned short WORD, *PWORD, *LPWORD;

typedef int INT, *PINT, *LPINT;
typedef unsigned int UINT, *PUINT, *LPUINT;
/* A long of Windows has 32 bits. */
typedef int LONG, *PLONG, *LPLONG;
typedef unsigned int ULONG, *PULONG;
typedef unsigned int DWORD, *PDWORD, *LPDWORD;
typedef unsigned int CLONG, *PCLONG;
typedef unsigned int LOGICAL, *PLOGICAL;
typedef int BOOL, *PBOOL, *LPBOOL;

typedef long long LONGLONG, *PLONGLONG;
typedef unsigned long long ULONGLONG, *PULONGLONG;
typedef unsigned long long DWORDLONG, *PDWORDLONG;

typedef signed char INT8, *PINT8;
typedef short INT16, *PINT16;
typedef int INT32, *PINT32;
typedef long long INT64, *PINT64;
typedef unsigned char UINT8, *PUINT8;
typedef unsigned short UINT16, *PUINT16;
typedef unsigned int UINT32, *PUINT32;
typedef unsigned long long UINT64, *PUINT64;
typedef int LONG32, *PLONG32;
typedef long long LONG64, *PLONG64;
typedef unsigned int ULONG32, *PULONG32;
typedef unsigned long long ULONG64, *PULONG64;
typedef unsigned int DWORD32, *PDWORD32;
typedef unsigned long long DWORD64, *PDWORD64;

#if __SIZEOF_POINTER__ == 8
/* As on 64-bit Windows, where these are one type with the ones above. */
typedef long long INT_PTR, *PINT_PTR;
typedef unsigned long long UINT_PTR, *PUINT_PTR;
typedef long long LONG_PTR, *PLONG_PTR;
typedef unsigned long long ULONG_PTR, *PULONG_PTR;
typedef int HALF_PTR, *PHALF_PTR;
typedef unsigned int UHALF_PTR, *PUHALF_PTR;
#else
typedef int INT_PTR, *PINT_PTR;
typedef unsigned int UINT_PTR, *PUINT_PTR;
typedef long LONG_PTR, *PLONG_PTR;
typedef unsigned long ULONG_PTR, *PULONG_PTR;
typedef short HALF_PTR, *PHALF_PTR;
typedef unsigned short UHALF_PTR, *PUHALF_PTR;
#endif
typedef ULONG_PTR DWORD_PTR, *PDWORD_PTR;
typedef ULONG_PTR SIZE_T, *PSIZE_T;
typedef LONG_PTR SSIZE_T, *PSSIZE_T;

/*
 * WCHAR has 16 bits, so its literals are u"x", and L"x" where a wchar_t has 16 bits: in the kernel,
 * and in a program that is compiled with -fshort-wchar.
 */
#if defined(__cplusplus) && __SIZEOF_WCHAR_T__ == 2
typedef wchar_t WCHAR;
#elif defined(__cplusplus)
typedef char16_t WCHAR;
#elif __SIZEOF_WCHAR_T__ == 2
typedef __WCHAR_TYPE__ WCHAR;
#else
typedef __CHAR16_TYPE__ WCHAR;
#endif
typedef WCHAR *PWCHAR, *LPWCH, *PWCH;
typedef const WCHAR *LPCWCH, *PCWCH;
typedef WCHAR *PWSTR, *LPWSTR, *NWPSTR;
typedef const WCHAR *PCWSTR, *LPCWSTR;
typedef PWSTR *PZPWSTR;
typedef const PWSTR *PCZPWSTR;
typedef PCWSTR *PZPCWSTR;
typedef WCHAR *PUWSTR, *LPUWSTR;
typedef const WCHAR *PCUWSTR, *LPCUWSTR;

typedef ULONG_PTR PFN_NUMBER, *PPFN_NUMBER;
typedef LONG_PTR SPFN_NUMBER, *PSPFN_NUMBER;
typedef ULONG PFN_COUNT, *PPFN_COUNT;
typedef LONG KPRIORITY, *PKPRIORITY;
typedef ULONG_PTR KAFFINITY, *PKAFFINITY;
typedef LONG NTSTATUS, *PNTSTATUS;

/* The limits that <values.h> knows are those of another long. */
#undef MINSHORT
#undef MAXSHORT
#undef MININT
#undef MAXINT
#undef MINLONG
#undef MAXLONG

#define MINCHAR 0x80
#define MAXCHAR 0x7f
#define MINSHORT 0x8000
#define MAXSHORT 0x7fff
#define MINLONG 0x80000000
#define MAXLONG 0x7fffffff
#define MAXUCHAR 0xff
#define MAXUSHORT 0xffff
#define MAXULONG 0xffffffff
#define MAXBYTE 0xff
#define MAXWORD 0xffff
#define MAXDWORD 0xffffffff
#define MAXLONGLONG 0x7fffffffffffffffLL
#define MINLONGLONG ((LONGLONG)~MAXLONGLONG)
#define MAXULONGLONG ((ULONGLONG)~(ULONGLONG)0)
#define MAXDWORDLONG ((DWORDLONG)~(DWORDLONG)0)
#define MAXUINT ((UINT)~(UINT)0)
#define MAXINT ((INT)(MAXUINT >> 1))
#define MININT ((INT)~MAXINT)
#define MAXUINT8 ((UINT8)~(UINT8)0)
#define MAXINT8 ((INT8)(MAXUINT8 >> 1))
#define MININT8 ((INT8)~MAXINT8)
#define MAXUINT16 ((UINT16)~(UINT16)0)
#define MAXINT16 ((INT16)(MAXUINT16 >> 1))
#define MININT16 ((INT16)~MAXINT16)
#define MAXUINT32 ((UINT32)~(UINT32)0)
#define MAXINT32 ((INT32)(MAXUINT32 >> 1))
#define MININT32 ((INT32)~MAXINT32)
#define MAXUINT64 ((UINT64)~(UINT64)0)
#define MAXINT64 ((INT64)(MAXUINT64 >> 1))
#define MININT64 ((INT64)~MAXINT64)
#define MAXULONG32 ((ULONG32)~(ULONG32)0)
#define MAXLONG32 ((LONG32)(MAXULONG32 >> 1))
#define MINLONG32 ((LONG32)~MAXLONG32)
#define MAXULONG64 ((ULONG64)~(ULONG64)0)
#define MAXLONG64 ((LONG64)(MAXULONG64 >> 1))
#define MINLONG64 ((LONG64)~MAXLONG64)
#define MAXDWORD32 ((DWORD32)~(DWORD32)0)
#define MAXDWORD64 ((DWORD64)~(DWORD64)0)
#define MAXUINT_PTR ((UINT_PTR)~(UINT_PTR)0)
#define MAXINT_PTR ((INT_PTR)(MAXUINT_PTR >> 1))
#define MININT_PTR ((INT_PTR)~MAXINT_PTR)
#define MAXULONG_PTR ((ULONG_PTR)~(ULONG_PTR)0)
#define MAXLONG_PTR ((LONG_PTR)(MAXULONG_PTR >> 1))
#define MINLONG_PTR ((LONG_PTR)~MAXLONG_PTR)
#define MAXUHALF_PTR ((UHALF_PTR)~(UHALF_PTR)0)
#define MAXHALF_PTR ((HALF_PTR)(MAXUHALF_PTR >> 1))
#define MINHALF_PTR ((HALF_PTR)~MAXHALF_PTR)
#define MAXSIZE_T ((SIZE_T)~(SIZE_T)0)
#define MAXSSIZE_T ((SSIZE_T)(MAXSIZE_T >> 1))
#define MINSSIZE_T ((SSIZE_T)~MAXSSIZE_T)

/**
 * union _LARGE_INTEGER - 64-bit signed integer, also seen as two halves
 * @LowPart: bits 0 to 31
 * @HighPart: bits 32 to 63
 * @u: the halves again, for source that was written without anonymous structures
 * @u.LowPart: bits 0 to 31
 * @u.HighPart: bits 32 to 63
 * @QuadPart: the whole; what calls of this interface read and write
 *
 * PHYSICAL_ADDRESS is the same type, in bytes.
 */
typedef union _LARGE_INTEGER {
	struct {
		ULONG LowPart;
		LONG HighPart;
	};
	struct {
		ULONG LowPart;
		LONG HighPart;
	} u;
	LONGLONG QuadPart;
} LARGE_INTEGER, *PLARGE_INTEGER;

typedef LARGE_INTEGER PHYSICAL_ADDRESS, *PPHYSICAL_ADDRESS;

/**
 * union _ULARGE_INTEGER - 64-bit unsigned integer, also seen as two halves
 * @LowPart: bits 0 to 31
 * @HighPart: bits 32 to 63
 * @u: the halves again, for source that was written without anonymous structures
 * @u.LowPart: bits 0 to 31
 * @u.HighPart: bits 32 to 63
 * @QuadPart: the whole
 */
typedef union _ULARGE_INTEGER {
	struct {
		ULONG LowPart;
		ULONG HighPart;
	};
	struct {
		ULONG LowPart;
		ULONG HighPart;
	} u;
	ULONGLONG QuadPart;
} ULARGE_INTEGER, *PULARGE_INTEGER;

/**
 * struct _LUID - locally unique identifier
 * @LowPart: bits 0 to 31
 * @HighPart: bits 32 to 63
 */
typedef struct _LUID {
	ULONG LowPart;
	LONG HighPart;
} LUID, *PLUID;

/**
 * struct _GUID - globally unique identifier
 * @Data1: the first 8 digits
 * @Data2: the next 4
 * @Data3: the next 4
 * @Data4: the last 16
 */
typedef struct _GUID {
	ULONG Data1;
	USHORT Data2;
	USHORT Data3;
	UCHAR Data4[8];
} GUID, *PGUID, *LPGUID;
typedef const GUID *LPCGUID;
#ifdef __cplusplus
#define REFGUID const GUID &
#else
#define REFGUID const GUID *
#endif

/**
 * PtrToUlong() - the lower half of an address
 * @p: the address
 *
 * The next ones are named alike: what is cut off is what Windows cuts off, and a signed number
 * becomes an address with its sign.
 *
 * Return: Bits 0 to 31.
 */
static inline ULONG PtrToUlong(const void *p)
{
	return (ULONG)((ULONG_PTR)p & MAXULONG);
}

static inline UINT PtrToUint(const void *p)
{
	return PtrToUlong(p);
}

static inline USHORT PtrToUshort(const void *p)
{
	return (USHORT)((ULONG_PTR)p & MAXUSHORT);
}

static inline LONG PtrToLong(const void *p)
{
	return (LONG)PtrToUlong(p);
}

static inline INT PtrToInt(const void *p)
{
	return (INT)PtrToUlong(p);
}

static inline SHORT PtrToShort(const void *p)
{
	return (SHORT)PtrToUshort(p);
}

static inline PVOID ULongToPtr(ULONG ul)
{
	return (PVOID)(ULONG_PTR)ul;
}

static inline PVOID LongToPtr(LONG l)
{
	return (PVOID)(LONG_PTR)l;
}

#define PtrToULong(p) PtrToUlong(p)
#define PtrToUInt(p) PtrToUint(p)
#define UlongToPtr(ul) ULongToPtr(ul)
#define UIntToPtr(ui) ULongToPtr(ui)
#define UintToPtr(ui) ULongToPtr(ui)
#define IntToPtr(i) LongToPtr(i)
#define HandleToULong(h) PtrToUlong(h)
#define HandleToUlong(h) PtrToUlong(h)
#define HandleToLong(h) PtrToLong(h)
#define ULongToHandle(ul) ((HANDLE)ULongToPtr(ul))
#define UlongToHandle(ul) ((HANDLE)ULongToPtr(ul))
#define LongToHandle(l) ((HANDLE)LongToPtr(l))

struct _DEVICE_OBJECT;
typedef struct _DEVICE_OBJECT DEVICE_OBJECT, *PDEVICE_OBJECT;
typedef struct _IRP IRP, *PIRP;

V3COMPAT_END

#endif /* _V3COMPAT_DDK_TYPES_H */
