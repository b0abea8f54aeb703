/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Counted strings.
 *
 * Upper and lower case are those of ASCII and Latin-1 for WCHARs (U+00FF and U+0178 are a pair,
 * U+00B5 and U+00DF have no other case) and of ASCII for CHARs, because there are no tables of
 * other characters here, and no code pages.
 */
#ifndef _V3COMPAT_DDK_STRING_H
#define _V3COMPAT_DDK_STRING_H

#include "status.h"
#include "types.h"

#define ANSI_NULL ((CHAR)0)
#define UNICODE_NULL ((WCHAR)0)
#define UNICODE_STRING_MAX_BYTES ((USHORT)65534)
#define UNICODE_STRING_MAX_CHARS 32767

V3COMPAT_BEGIN

/**
 * struct _UNICODE_STRING - counted string of WCHARs
 * @Length: bytes in the string, without a 0 that may be behind it
 * @MaximumLength: bytes in @Buffer
 * @Buffer: the string; it need not end with a 0
 *
 * Source: ntdef.h page _unicode_string.
 */
typedef struct _UNICODE_STRING {
	USHORT Length;
	USHORT MaximumLength;
	PWSTR Buffer;
} UNICODE_STRING, *PUNICODE_STRING;
typedef const UNICODE_STRING *PCUNICODE_STRING;
V3COMPAT_LAYOUT(UNICODE_STRING, 0x10);

/**
 * struct _STRING - counted string of CHARs
 * @Length: bytes in the string, without a 0 that may be behind it
 * @MaximumLength: bytes in @Buffer
 * @Buffer: the string; it need not end with a 0
 *
 * Source: ntdef.h page string.
 */
typedef struct _STRING {
	USHORT Length;
	USHORT MaximumLength;
	PCHAR Buffer;
} STRING, *PSTRING;
V3COMPAT_LAYOUT(STRING, 0x10);
typedef STRING ANSI_STRING, *PANSI_STRING;
typedef STRING OEM_STRING, *POEM_STRING;
typedef STRING UTF8_STRING, *PUTF8_STRING;
typedef STRING CANSI_STRING;
typedef const STRING *PCANSI_STRING;
typedef const STRING *PCOEM_STRING;
typedef const STRING *PCUTF8_STRING;

/**
 * struct _CSTRING - counted string of CHARs that are not written
 * @Length: bytes in the string, without a 0 that may be behind it
 * @MaximumLength: bytes in @Buffer
 * @Buffer: the string; it need not end with a 0
 */
typedef struct _CSTRING {
	USHORT Length;
	USHORT MaximumLength;
	const CHAR *Buffer;
} CSTRING, *PCSTRING;
V3COMPAT_LAYOUT(CSTRING, 0x10);

/* The value of a STRING, or of a UNICODE_STRING, that is literal s. */
#define RTL_CONSTANT_STRING(s) { sizeof(s) - sizeof((s)[0]), sizeof(s), (s) }

/* A variable var with the literal string. */
#define DECLARE_CONST_UNICODE_STRING(var, string)                                                 \
	const WCHAR var##_buffer[] = string;                                                      \
	const UNICODE_STRING var = { sizeof(string) - sizeof(WCHAR), sizeof(string),              \
				     (PWSTR)var##_buffer }
#define DECLARE_GLOBAL_CONST_UNICODE_STRING(var, string)                                          \
	extern const UNICODE_STRING var;                                                          \
	const UNICODE_STRING __declspec(selectany) var = RTL_CONSTANT_STRING(string)

/* An empty variable var with room for size WCHARs. */
#define DECLARE_UNICODE_STRING_SIZE(var, size)                                                    \
	WCHAR var##_buffer[size];                                                                 \
	UNICODE_STRING var = { 0, sizeof(WCHAR) * (size), var##_buffer }

/* Counts up to Most characters. */
static inline SIZE_T V3cCountWide(PCWSTR String, SIZE_T Most)
{
	SIZE_T Count = 0;

	while (Count < Most && String[Count])
		Count++;
	return Count;
}

/**
 * RtlInitUnicodeString() - make a counted string of one that ends with a 0
 * @DestinationString: what is made; it shares the characters of @SourceString
 * @SourceString: the characters, or NULL for a string of no length and no room
 *
 * Of a string that is longer than 32766 characters, only those count.
 *
 * Context: Any.
 *
 * Source: wdm.h page rtlinitunicodestring; wdmsec.h page wdmlibrtlinitunicodestringex.
 */
static inline void RtlInitUnicodeString(PUNICODE_STRING DestinationString, PCWSTR SourceString)
{
	SIZE_T Count = SourceString ? V3cCountWide(SourceString, UNICODE_STRING_MAX_CHARS - 1) : 0;

	DestinationString->Length = (USHORT)(Count * sizeof(WCHAR));
	DestinationString->MaximumLength =
		SourceString ? (USHORT)((Count + 1) * sizeof(WCHAR)) : 0;
	DestinationString->Buffer = (PWSTR)SourceString;
}

/**
 * RtlInitString() - make a counted string of one that ends with a 0
 * @DestinationString: what is made; it shares the characters of @SourceString
 * @SourceString: the characters, or NULL for a string of no length and no room
 *
 * Of a string that is longer than 65534 characters, only those count.
 *
 * Context: Any.
 *
 * Source: wdm.h page rtlinitstring.
 */
static inline void RtlInitString(PSTRING DestinationString, PCSTR SourceString)
{
	SIZE_T Length = SourceString ? strlen(SourceString) : 0;

	if (Length > 65534)
		Length = 65534;
	DestinationString->Length = (USHORT)Length;
	DestinationString->MaximumLength = SourceString ? (USHORT)(Length + 1) : 0;
	DestinationString->Buffer = (PCHAR)SourceString;
}

/**
 * RtlInitAnsiString() - RtlInitString() by another name
 * @DestinationString: as for RtlInitString()
 * @SourceString: as for RtlInitString()
 *
 * Context: Any.
 *
 * Source: wdm.h page rtlinitansistring.
 */
static inline void RtlInitAnsiString(PANSI_STRING DestinationString, PCSTR SourceString)
{
	RtlInitString(DestinationString, SourceString);
}

/**
 * RtlInitEmptyUnicodeString() - make an empty string with room for others
 * @UnicodeString: what is made
 * @Buffer: the room
 * @BufferSize: its bytes
 *
 * Context: Any.
 *
 * Source: wdm.h page rtlinitemptyunicodestring.
 */
static inline void RtlInitEmptyUnicodeString(PUNICODE_STRING UnicodeString, PWSTR Buffer,
					     USHORT BufferSize)
{
	UnicodeString->Length = 0;
	UnicodeString->MaximumLength = BufferSize;
	UnicodeString->Buffer = Buffer;
}

/**
 * RtlInitEmptyAnsiString() - make an empty string with room for others
 * @AnsiString: what is made
 * @Buffer: the room
 * @BufferSize: its bytes
 *
 * Context: Any.
 *
 * Source: wdm.h page rtlinitemptyansistring.
 */
static inline void RtlInitEmptyAnsiString(PANSI_STRING AnsiString, PCHAR Buffer, USHORT BufferSize)
{
	AnsiString->Length = 0;
	AnsiString->MaximumLength = BufferSize;
	AnsiString->Buffer = Buffer;
}

/**
 * RtlUpcaseUnicodeChar() - give the upper case of a character
 * @SourceCharacter: of ASCII or Latin-1; all others are their own
 *
 * Context: Any.
 * Return: The character in upper case.
 *
 * Source: wdm.h page rtlupcaseunicodechar.
 */
static inline WCHAR RtlUpcaseUnicodeChar(WCHAR SourceCharacter)
{
	if ((SourceCharacter >= 'a' && SourceCharacter <= 'z') ||
	    (SourceCharacter >= 0xe0 && SourceCharacter <= 0xfe && SourceCharacter != 0xf7))
		return SourceCharacter - 0x20;
	return SourceCharacter == 0xff ? 0x178 : SourceCharacter;
}

/**
 * RtlDowncaseUnicodeChar() - give the lower case of a character
 * @SourceCharacter: of ASCII or Latin-1; all others are their own
 *
 * Context: Any.
 * Return: The character in lower case.
 *
 * Source: ntifs.h page rtldowncaseunicodechar.
 */
static inline WCHAR RtlDowncaseUnicodeChar(WCHAR SourceCharacter)
{
	if ((SourceCharacter >= 'A' && SourceCharacter <= 'Z') ||
	    (SourceCharacter >= 0xc0 && SourceCharacter <= 0xde && SourceCharacter != 0xd7))
		return SourceCharacter + 0x20;
	return SourceCharacter == 0x178 ? 0xff : SourceCharacter;
}

/**
 * RtlUpperChar() - give the upper case of a character
 * @Character: of ASCII; all others are their own
 *
 * Context: Any.
 * Return: The character in upper case.
 *
 * Source: ntddk.h page rtlupperchar.
 */
static inline CHAR RtlUpperChar(CHAR Character)
{
	return Character >= 'a' && Character <= 'z' ? Character - 0x20 : Character;
}

/**
 * RtlCopyUnicodeString() - copy a string into the room of another
 * @DestinationString: what is overwritten
 * @SourceString: what is copied, as far as it fits, or NULL for an empty string
 *
 * A 0 is put behind the string where there is room for it.
 *
 * Context: Any.
 *
 * Source: wdm.h page rtlcopyunicodestring.
 */
static inline void RtlCopyUnicodeString(PUNICODE_STRING DestinationString,
					PCUNICODE_STRING SourceString)
{
	USHORT Room = DestinationString->MaximumLength / sizeof(WCHAR) * sizeof(WCHAR);
	USHORT Length = SourceString ? SourceString->Length : 0;

	if (Length > Room)
		Length = Room;
	if (Length)
		memmove(DestinationString->Buffer, SourceString->Buffer, Length);
	DestinationString->Length = Length;
	if (Room > Length)
		DestinationString->Buffer[Length / sizeof(WCHAR)] = UNICODE_NULL;
}

/**
 * RtlCopyString() - copy a string into the room of another
 * @DestinationString: what is overwritten
 * @SourceString: what is copied, as far as it fits, or NULL for an empty string
 *
 * Context: Any.
 *
 * Source: ntddk.h page rtlcopystring.
 */
static inline void RtlCopyString(PSTRING DestinationString, const STRING *SourceString)
{
	USHORT Length = SourceString ? SourceString->Length : 0;

	if (Length > DestinationString->MaximumLength)
		Length = DestinationString->MaximumLength;
	if (Length)
		memmove(DestinationString->Buffer, SourceString->Buffer, Length);
	DestinationString->Length = Length;
}

/**
 * RtlCompareUnicodeString() - compare two strings
 * @String1: one of them
 * @String2: the other
 * @CaseInSensitive: TRUE: upper and lower case are the same
 *
 * Context: Any.
 * Return: 0 if they are equal; less than 0 if @String1 comes before @String2 by the numbers of the
 * characters, or is its beginning; else more than 0.
 *
 * Source: wdm.h page rtlcompareunicodestring.
 */
static inline LONG RtlCompareUnicodeString(PCUNICODE_STRING String1, PCUNICODE_STRING String2,
					   BOOLEAN CaseInSensitive)
{
	USHORT Shorter = String1->Length < String2->Length ? String1->Length : String2->Length;
	ULONG i;

	for (i = 0; i < Shorter / sizeof(WCHAR); i++) {
		WCHAR Char1 = String1->Buffer[i], Char2 = String2->Buffer[i];

		if (CaseInSensitive) {
			Char1 = RtlUpcaseUnicodeChar(Char1);
			Char2 = RtlUpcaseUnicodeChar(Char2);
		}
		if (Char1 != Char2)
			return (LONG)Char1 - (LONG)Char2;
	}
	return (LONG)String1->Length - (LONG)String2->Length;
}

/**
 * RtlEqualUnicodeString() - tell whether two strings are equal
 * @String1: one of them
 * @String2: the other
 * @CaseInSensitive: TRUE: upper and lower case are the same
 *
 * Context: Any.
 * Return: TRUE if they are equal.
 *
 * Source: wdm.h page rtlequalunicodestring.
 */
static inline BOOLEAN RtlEqualUnicodeString(PCUNICODE_STRING String1, PCUNICODE_STRING String2,
					    BOOLEAN CaseInSensitive)
{
	return String1->Length == String2->Length &&
	       !RtlCompareUnicodeString(String1, String2, CaseInSensitive);
}

/**
 * RtlPrefixUnicodeString() - tell whether a string is the beginning of another
 * @String1: the shorter one
 * @String2: the longer one
 * @CaseInSensitive: TRUE: upper and lower case are the same
 *
 * Context: Any.
 * Return: TRUE if @String2 begins with @String1.
 *
 * Source: ntddk.h page rtlprefixunicodestring.
 */
static inline BOOLEAN RtlPrefixUnicodeString(PCUNICODE_STRING String1, PCUNICODE_STRING String2,
					     BOOLEAN CaseInSensitive)
{
	UNICODE_STRING Beginning = *String2;

	if (Beginning.Length > String1->Length)
		Beginning.Length = String1->Length;
	return RtlEqualUnicodeString(String1, &Beginning, CaseInSensitive);
}

/**
 * RtlCompareString() - compare two strings
 * @String1: one of them
 * @String2: the other
 * @CaseInSensitive: TRUE: upper and lower case are the same
 *
 * Context: Any.
 * Return: 0 if they are equal; less than 0 if @String1 comes before @String2 by the numbers of the
 * characters, or is its beginning; else more than 0.
 *
 * Source: ntddk.h page rtlcomparestring.
 */
static inline LONG RtlCompareString(const STRING *String1, const STRING *String2,
				    BOOLEAN CaseInSensitive)
{
	USHORT Shorter = String1->Length < String2->Length ? String1->Length : String2->Length;
	ULONG i;

	for (i = 0; i < Shorter; i++) {
		CHAR Char1 = String1->Buffer[i], Char2 = String2->Buffer[i];

		if (CaseInSensitive) {
			Char1 = RtlUpperChar(Char1);
			Char2 = RtlUpperChar(Char2);
		}
		if (Char1 != Char2)
			return (LONG)(UCHAR)Char1 - (LONG)(UCHAR)Char2;
	}
	return (LONG)String1->Length - (LONG)String2->Length;
}

/**
 * RtlEqualString() - tell whether two strings are equal
 * @String1: one of them
 * @String2: the other
 * @CaseInSensitive: TRUE: upper and lower case are the same
 *
 * Context: Any.
 * Return: TRUE if they are equal.
 *
 * Source: ntddk.h page rtlequalstring.
 */
static inline BOOLEAN RtlEqualString(const STRING *String1, const STRING *String2,
				     BOOLEAN CaseInSensitive)
{
	return String1->Length == String2->Length &&
	       !RtlCompareString(String1, String2, CaseInSensitive);
}

/**
 * RtlAppendUnicodeStringToString() - put a string behind another
 * @Destination: what is appended to
 * @Source: what is appended; it may be @Destination
 *
 * A 0 is put behind the string where there is room for it.
 *
 * Context: Any.
 * Return: STATUS_SUCCESS, or STATUS_BUFFER_TOO_SMALL where @Destination has no room for all of
 * @Source, and is not changed.
 *
 * Source: wdm.h page rtlappendunicodestringtostring.
 */
static inline NTSTATUS RtlAppendUnicodeStringToString(PUNICODE_STRING Destination,
						      PCUNICODE_STRING Source)
{
	SIZE_T Length = Source->Length;
	PWSTR End = Destination->Buffer + Destination->Length / sizeof(WCHAR);

	if (Destination->Length + Length > Destination->MaximumLength)
		return STATUS_BUFFER_TOO_SMALL;
	if (!Length)
		return STATUS_SUCCESS;
	memmove(End, Source->Buffer, Length);
	Destination->Length = (USHORT)(Destination->Length + Length);
	if (Destination->Length + sizeof(WCHAR) <= Destination->MaximumLength)
		End[Length / sizeof(WCHAR)] = UNICODE_NULL;
	return STATUS_SUCCESS;
}

/**
 * RtlAppendUnicodeToString() - put a string that ends with a 0 behind another
 * @Destination: what is appended to
 * @Source: what is appended, or NULL for nothing
 *
 * A 0 is put behind the string where there is room for it.
 *
 * Context: Any.
 * Return: STATUS_SUCCESS, or STATUS_BUFFER_TOO_SMALL where @Destination has no room for all of
 * @Source, and is not changed.
 *
 * Source: wdm.h page rtlappendunicodetostring.
 */
static inline NTSTATUS RtlAppendUnicodeToString(PUNICODE_STRING Destination, PCWSTR Source)
{
	UNICODE_STRING Counted;

	if (Source && V3cCountWide(Source, UNICODE_STRING_MAX_CHARS) == UNICODE_STRING_MAX_CHARS)
		return STATUS_BUFFER_TOO_SMALL;
	RtlInitUnicodeString(&Counted, Source);
	return RtlAppendUnicodeStringToString(Destination, &Counted);
}

/**
 * RtlAppendStringToString() - put a string behind another
 * @Destination: what is appended to
 * @Source: what is appended; it may be @Destination
 *
 * Context: Any.
 * Return: STATUS_SUCCESS, or STATUS_BUFFER_TOO_SMALL where @Destination has no room for all of
 * @Source, and is not changed.
 *
 * Source: ntifs.h page rtlappendstringtostring.
 */
static inline NTSTATUS RtlAppendStringToString(PSTRING Destination, const STRING *Source)
{
	SIZE_T Length = Source->Length;

	if (Destination->Length + Length > Destination->MaximumLength)
		return STATUS_BUFFER_TOO_SMALL;
	if (Length)
		memmove(Destination->Buffer + Destination->Length, Source->Buffer, Length);
	Destination->Length = (USHORT)(Destination->Length + Length);
	return STATUS_SUCCESS;
}

V3COMPAT_END

#endif /* _V3COMPAT_DDK_STRING_H */
