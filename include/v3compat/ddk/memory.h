/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory, and places in structures.
 */
#ifndef _V3COMPAT_DDK_MEMORY_H
#define _V3COMPAT_DDK_MEMORY_H

#include "types.h"

/* Places of members. An index in the name of a member need not be constant. */
#define FIELD_OFFSET(type, field) ((LONG)__builtin_offsetof(type, field))
#define UFIELD_OFFSET(type, field) ((DWORD)__builtin_offsetof(type, field))
#define FIELD_SIZE(type, field) (sizeof(((type *)0)->field))
#define TYPE_ALIGNMENT(type) ((LONG)__alignof__(type))
#define RTL_FIELD_TYPE(type, field) (((type *)0)->field)
#define RTL_FIELD_SIZE(type, field) (sizeof(((type *)0)->field))
#define RTL_SIZEOF_THROUGH_FIELD(type, field) \
	(FIELD_OFFSET(type, field) + RTL_FIELD_SIZE(type, field))
#define RTL_CONTAINS_FIELD(Struct, Size, Field) \
	((PCHAR)&(Struct)->Field + sizeof((Struct)->Field) <= (PCHAR)(Struct) + (Size))
#define RTL_PADDING_BETWEEN_FIELDS(type, field1, field2)                                           \
	(FIELD_OFFSET(type, field2) > FIELD_OFFSET(type, field1) ?                                \
		 FIELD_OFFSET(type, field2) - RTL_SIZEOF_THROUGH_FIELD(type, field1) :            \
		 FIELD_OFFSET(type, field1) - RTL_SIZEOF_THROUGH_FIELD(type, field2))
#define RTL_BITS_OF(object) (sizeof(object) * 8)
#define RTL_BITS_OF_FIELD(type, field) (RTL_BITS_OF(RTL_FIELD_TYPE(type, field)))

#define RTL_NUMBER_OF_V1(array) (sizeof(array) / sizeof((array)[0]))
#define RTL_NUMBER_OF_V2(array) RTL_NUMBER_OF_V1(array)
#define RTL_NUMBER_OF(array) RTL_NUMBER_OF_V1(array)
#define RTL_NUMBER_OF_FIELD(type, field) (RTL_NUMBER_OF(RTL_FIELD_TYPE(type, field)))
#define ARRAYSIZE(array) RTL_NUMBER_OF(array)
#define _ARRAYSIZE(array) RTL_NUMBER_OF(array)

/*
 * CONTAINING_RECORD() is not container_of(), because that wants a pointer of the member's type, and
 * an address of any type will do on Windows.
 */
#define CONTAINING_RECORD(address, type, field) \
	((type *)((ULONG_PTR)(address) - (ULONG_PTR)__builtin_offsetof(type, field)))

#ifdef __cplusplus
#define C_ASSERT(expression) static_assert((expression), #expression)
#else
#define C_ASSERT(expression) _Static_assert((expression), #expression)
#endif

#define UNREFERENCED_PARAMETER(parameter) ((void)(parameter))
#define DBG_UNREFERENCED_PARAMETER(parameter) ((void)(parameter))
#define DBG_UNREFERENCED_LOCAL_VARIABLE(variable) ((void)(variable))
#define ARGUMENT_PRESENT(argument) ((CHAR *)(ULONG_PTR)(argument) != (CHAR *)0)

/* A driver may have these already, as it may on Windows. */
#ifndef FlagOn
#define FlagOn(flags, flag) ((flags) & (flag))
#endif
#ifndef BooleanFlagOn
#define BooleanFlagOn(flags, flag) ((BOOLEAN)(((flags) & (flag)) != 0))
#endif
#ifndef SetFlag
#define SetFlag(flags, flag) ((flags) |= (flag))
#endif
#ifndef ClearFlag
#define ClearFlag(flags, flag) ((flags) &= ~(flag))
#endif
#ifndef Add2Ptr
#define Add2Ptr(base, offset) ((PVOID)((PUCHAR)(base) + (offset)))
#endif
#ifndef PtrOffset
#define PtrOffset(base, address) ((ULONG)((ULONG_PTR)(address) - (ULONG_PTR)(base)))
#endif

/*
 * Alignments are powers of two. ALIGN_DOWN() takes a type on Windows and a number in Linux, where
 * inline functions of headers have it. So it stays Linux's there, which does not compile with a
 * type: ALIGN_DOWN_BY(length, sizeof(type)) is the same.
 */
#define ALIGN_DOWN_BY(length, alignment) ((ULONG_PTR)(length) & ~((ULONG_PTR)(alignment) - 1))
#define ALIGN_UP_BY(length, alignment) \
	ALIGN_DOWN_BY((ULONG_PTR)(length) + ((ULONG_PTR)(alignment) - 1), alignment)
#define ALIGN_DOWN_POINTER_BY(address, alignment) ((PVOID)ALIGN_DOWN_BY(address, alignment))
#define ALIGN_UP_POINTER_BY(address, alignment) ((PVOID)ALIGN_UP_BY(address, alignment))
#ifndef ALIGN_DOWN
#define ALIGN_DOWN(length, type) ALIGN_DOWN_BY(length, sizeof(type))
#endif
#define ALIGN_UP(length, type) ALIGN_UP_BY(length, sizeof(type))
#define ALIGN_DOWN_POINTER(address, type) ALIGN_DOWN_POINTER_BY(address, sizeof(type))
#define ALIGN_UP_POINTER(address, type) ALIGN_UP_POINTER_BY(address, sizeof(type))

/* The kernel has min() and max(), which want both sides to be of one signedness. */
#if !defined(__KERNEL__) && !defined(__cplusplus) && !defined(NOMINMAX)
#ifndef min
#define min(a, b) ((a) < (b) ? (a) : (b))
#endif
#ifndef max
#define max(a, b) ((a) > (b) ? (a) : (b))
#endif
#endif

/* RtlFillMemory() has its length before its value, unlike memset(). */
#define RtlZeroMemory(destination, length) memset((destination), 0, (length))
#define RtlFillMemory(destination, length, fill) memset((destination), (fill), (length))
#define RtlCopyMemory(destination, source, length) memcpy((destination), (source), (length))
#define RtlCopyMemoryNonTemporal(destination, source, length) \
	memcpy((destination), (source), (length))
#define RtlMoveMemory(destination, source, length) memmove((destination), (source), (length))
#define RtlEqualMemory(left, right, length) (!memcmp((left), (right), (length)))
#define RtlZeroBytes(destination, length) RtlZeroMemory(destination, length)
#define RtlFillBytes(destination, length, fill) RtlFillMemory(destination, length, fill)
#define RtlCopyBytes(destination, source, length) RtlCopyMemory(destination, source, length)

V3COMPAT_BEGIN

/*
 * The functions below look at bytes and copy patterns, because the memory may be of any type, and
 * the compiler of a program takes values of two types for two places.
 */

/**
 * RtlCompareMemory() - count the bytes in which two blocks agree
 * @Source1: the one block
 * @Source2: the other block
 * @Length: bytes in each
 *
 * Context: Any.
 * Return: How many bytes are the same before the first that differs; @Length if none does.
 *
 * Source: wdm.h page rtlcomparememory.
 */
static inline SIZE_T RtlCompareMemory(const VOID *Source1, const VOID *Source2, SIZE_T Length)
{
	const UCHAR *Left = (const UCHAR *)Source1;
	const UCHAR *Right = (const UCHAR *)Source2;
	SIZE_T Same = 0;

	while (Same < Length && Left[Same] == Right[Same])
		Same++;
	return Same;
}

/**
 * RtlCompareMemoryUlong() - count the bytes of a block that repeat a pattern
 * @Source: the block, on a boundary of 4 bytes
 * @Length: bytes in it, a multiple of 4
 * @Pattern: the pattern
 *
 * Context: Any.
 * Return: 4 times the number of repetitions from the beginning on; 0 when @Source or @Length is not
 * as said above.
 *
 * Source: ntifs.h page rtlcomparememoryulong.
 */
static inline SIZE_T RtlCompareMemoryUlong(PVOID Source, SIZE_T Length, ULONG Pattern)
{
	const UCHAR *Bytes = (const UCHAR *)Source;
	SIZE_T Same = 0;

	if (((ULONG_PTR)Source | Length) & (sizeof(Pattern) - 1))
		return 0;
	while (Same < Length && RtlEqualMemory(Bytes + Same, &Pattern, sizeof(Pattern)))
		Same += sizeof(Pattern);
	return Same;
}

/**
 * RtlFillMemoryUlong() - repeat a pattern of 4 bytes
 * @Destination: the block, on a boundary of 4 bytes
 * @Length: bytes in it, a multiple of 4
 * @Pattern: the pattern
 *
 * Context: Any.
 *
 * Source: ntifs.h page rtlfillmemoryulong.
 */
static inline void RtlFillMemoryUlong(PVOID Destination, SIZE_T Length, ULONG Pattern)
{
	PUCHAR Bytes = (PUCHAR)Destination;
	SIZE_T i;

	for (i = 0; i + sizeof(Pattern) <= Length; i += sizeof(Pattern))
		RtlCopyMemory(Bytes + i, &Pattern, sizeof(Pattern));
}

/**
 * RtlFillMemoryUlonglong() - repeat a pattern of 8 bytes
 * @Destination: the block, on a boundary of 8 bytes
 * @Length: bytes in it, a multiple of 8
 * @Pattern: the pattern
 *
 * Context: Any.
 *
 * Source: ntifs.h page rtlfillmemoryulonglong.
 */
static inline void RtlFillMemoryUlonglong(PVOID Destination, SIZE_T Length, ULONGLONG Pattern)
{
	PUCHAR Bytes = (PUCHAR)Destination;
	SIZE_T i;

	for (i = 0; i + sizeof(Pattern) <= Length; i += sizeof(Pattern))
		RtlCopyMemory(Bytes + i, &Pattern, sizeof(Pattern));
}

/**
 * RtlSecureZeroMemory() - overwrite a block that nobody is going to read
 * @Destination: the block
 * @Length: bytes in it
 *
 * The compiler keeps these writes, and may drop those of RtlZeroMemory().
 *
 * Context: Any.
 * Return: @Destination.
 *
 * Source: wdm.h page rtlsecurezeromemory.
 */
static inline PVOID RtlSecureZeroMemory(PVOID Destination, SIZE_T Length)
{
#ifdef __KERNEL__
	memzero_explicit(Destination, Length);
#else
	RtlZeroMemory(Destination, Length);
	__asm__ __volatile__("" : : "r"(Destination) : "memory");
#endif
	return Destination;
}

/**
 * RtlIsZeroMemory() - tell whether a block is zero
 * @Buffer: the block
 * @Length: bytes in it
 *
 * Context: Any.
 * Return: TRUE if each byte is 0, or there is none.
 *
 * Source: wdm.h page rtliszeromemory.
 */
static inline BOOLEAN RtlIsZeroMemory(PVOID Buffer, SIZE_T Length)
{
#ifdef __KERNEL__
	return !memchr_inv(Buffer, 0, Length);
#else
	const UCHAR *Bytes = (const UCHAR *)Buffer;
	SIZE_T i;

	for (i = 0; i < Length && !Bytes[i]; i++)
		;
	return i == Length;
#endif
}

V3COMPAT_END

#endif /* _V3COMPAT_DDK_MEMORY_H */
