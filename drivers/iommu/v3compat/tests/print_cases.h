/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the formats of Windows print, for the kernel and for a program: print_cases() gives each
 * case that prints another text to print_case_failed(), which the includer defines.
 */
#ifndef V3COMPAT_PRINT_CASES_H
#define V3COMPAT_PRINT_CASES_H

#include <ddk/format.h>

static void print_case_failed(int line, const char *expected, const char *got);

static void expect_print(int line, const char *prefix, size_t size, const char *expected,
			 const char *format, ...)
{
	char buffer[V3C_MESSAGE + 8];
	struct v3c_arguments arguments;
	size_t length;

	memset(buffer, '!', sizeof(buffer));
	va_start(arguments.list, format);
	length = v3c_format(buffer, size, prefix, format, &arguments);
	va_end(arguments.list);
	if (strcmp(buffer, expected) || length != strlen(expected) || buffer[size] != '!')
		print_case_failed(line, expected, buffer);
}

#define PRINTS(expected, ...) \
	expect_print(__LINE__, NULL, V3C_MESSAGE + 1, expected, __VA_ARGS__)
#define PRINTS_AT_MOST(size, expected, ...) \
	expect_print(__LINE__, NULL, size, expected, __VA_ARGS__)
#define PRINTS_WITH(prefix, size, expected, ...) \
	expect_print(__LINE__, prefix, size, expected, __VA_ARGS__)

/* The argument behind a conversion shows that the conversion took what it should. */
static void print_numbers(void)
{
	ULONG_PTR pointer_sized = (ULONG_PTR)0 - 1;

	PRINTS("", "");
	PRINTS("text", "text");
	PRINTS("7 -7 0 8", "%d %d %i %d", 7, -7, 0, 8);
	PRINTS("2147483647 -2147483648", "%d %d", 0x7fffffff, -0x7fffffff - 1);
	PRINTS("4294967295 8", "%u %d", 0xffffffffu, 8);
	PRINTS("377 ff FF 8", "%o %x %X %d", 255, 255, 255, 8);

	/* Flags */
	PRINTS("+7 +0 -7", "%+d %+d %+d", 7, 0, -7);
	PRINTS(" 7  0 -7 +7", "% d % d % d %+ d", 7, 0, -7, 7);
	PRINTS("7 7", "%+u % u", 7, 7);
	PRINTS("0xff 0XFF 0377", "%#x %#X %#o", 255, 255, 255);
	PRINTS("0 0 0", "%#x %#X %#o", 0, 0, 0);
	PRINTS("7", "%#d", 7);

	/* Width */
	PRINTS("   42|42   |00042", "%5d|%-5d|%05d", 42, 42, 42);
	PRINTS("  -42|-42  |-0042", "%5d|%-5d|%05d", -42, -42, -42);
	PRINTS("+0042| 0042|   +7", "%+05d|% 05d|%+5d", 42, 42, 7);
	PRINTS("42   |42   ", "%-05d|%0-5d", 42, 42);
	PRINTS("0x00ff|  0xff|0xff  ", "%#06x|%#6x|%#-6x", 255, 255, 255);
	PRINTS("12345", "%3d", 12345);
	PRINTS("   42|42   |8", "%*d|%*d|%d", 5, 42, -5, 42, 8);

	/* Precision: a 0 in front is ignored then. */
	PRINTS("007|-007|+007", "%.3d|%.3d|%+.3d", 7, -7, 7);
	PRINTS("  007|007  |  007", "%5.3d|%-5.3d|%05.3d", 7, 7, 7);
	PRINTS("||   |8", "%.0d|%.d|%3.0d|%d", 0, 0, 0, 8);
	PRINTS("7 0x00ff 00377 0377", "%.0d %#.4x %#.5o %#.3o", 7, 255, 255, 255);
	PRINTS("0007 7 8", "%.*d %.*d %d", 4, 7, -4, 7, 8);

	/* Sizes */
	PRINTS("-1 255 ff 8", "%hhd %hhu %hhx %d", 255, 511, 511, 8);
	PRINTS("-1 65535 ffff 8", "%hd %hu %hx %d", 0xffff, 0x1ffff, 0x1ffff, 8);
	PRINTS("-1 4294967295 ffffffff 8", "%ld %lu %lx %d", -1, 0xffffffffu, 0xffffffffu, 8);
	PRINTS("-1 ffffffff 8", "%I32d %I32x %d", -1, 0xffffffffu, 8);
	PRINTS("-1 1234567812345678 8", "%I64d %I64x %d", -1LL, 0x1234567812345678ULL, 8);
	PRINTS("-1 18446744073709551615 8", "%lld %llu %d", -1LL, ~0ULL, 8);
	PRINTS("-9223372036854775808", "%I64d", -0x7fffffffffffffffLL - 1);
	PRINTS("1777777777777777777777", "%I64o", ~0ULL);
	PRINTS("ABCDEF0123456789", "%I64X", 0xabcdef0123456789ULL);
	PRINTS("0xffffffffffffffff 0x00000000ffffffff", "%#I64x %#018I64x", ~0ULL, 0xffffffffULL);
	PRINTS("-4294967297 4294967297 8", "%jd %ju %d", -0x100000001LL, 0x100000001ULL, 8);
	PRINTS("-1 -1 -1 8", "%Id %zd %td %d", pointer_sized, pointer_sized, pointer_sized, 8);
	if (sizeof(pointer_sized) == 8)
		PRINTS("ffffffffffffffff 18446744073709551615 -4294967297", "%Ix %Iu %Id",
		       pointer_sized, pointer_sized, (ULONG_PTR)-0x100000001LL);
	else
		PRINTS("ffffffff 4294967295", "%Ix %Iu", pointer_sized, pointer_sized);
	PRINTS("7 8", "%wd %d", 7, 8);

	/* What is too wide is as wide as a message, and no number is too large for that. */
	PRINTS_AT_MOST(5, "    ", "%99999999999999999999d", 7);
	PRINTS_AT_MOST(5, "7   ", "%-99999999999999999999d", 7);
	PRINTS_AT_MOST(5, "    ", "%*d", 0x7fffffff, 7);
	PRINTS_AT_MOST(5, "7   ", "%*d", -0x7fffffff - 1, 7);
	PRINTS_AT_MOST(5, "0000", "%.99999999999999999999d", 7);
	PRINTS_AT_MOST(5, "0000", "%.*d", 0x7fffffff, 7);
	PRINTS_AT_MOST(5, "7", "%.*d", -0x7fffffff - 1, 7);
}

static void print_strings(void)
{
	static const char open[3] = { 'a', 'b', 'c' };
	static const WCHAR wide_open[3] = { 'a', 'b', 'c' };

	PRINTS("abc abc abc 8", "%s %hs %hS %d", "abc", "abc", "abc", 8);
	PRINTS("abc abc abc abc 8", "%S %ws %ls %lS %d", L"abc", L"abc", L"abc", L"abc", 8);
	PRINTS(" 8", "%s%ws %d", "", L"", 8);
	PRINTS("  abc|abc  |  abc|abc  ", "%5s|%-5s|%5ws|%-5ws", "abc", "abc", L"abc", L"abc");
	PRINTS("  abc", "%05s", "abc");
	PRINTS("ab|ab||", "%.2s|%.2ws|%.0s|%.ws", "abc", L"abc", "abc", L"abc");
	PRINTS("   ab|ab   ", "%5.2s|%*.*ws", "abc", -5, 2, L"abc");
	PRINTS("abc abc", "%.3s %.3ws", open, wide_open);
	PRINTS("abc abc", "%.*s %.*ws", -1, "abc", -1, L"abc");

	/* UTF-16 becomes UTF-8, a pair of surrogates one character, and width counts WCHARs. */
	PRINTS("\xc3\xa4 \xe2\x82\xac", "%ws", L"\x00e4 \x20ac");
	PRINTS("\xf0\x9f\x98\x80|", "%ws|", L"\xd83d\xde00");
	PRINTS("  \xf0\x9f\x98\x80", "%4ws", L"\xd83d\xde00");
	PRINTS("a\xef\xbf\xbdz", "%ws", L"a\xd83dz");
	PRINTS("a\xef\xbf\xbdz", "%ws", L"a\xde00z");
	PRINTS("\xef\xbf\xbd\xef\xbf\xbd", "%ws", L"\xde00\xd83d");
	PRINTS("\xef\xbf\xbd\xef\xbf\xbd", "%ws", L"\xde00\xde00");
	PRINTS("\xef\xbf\xbd\xf0\x9f\x98\x80", "%ws", L"\xd83d\xd83d\xde00");
	PRINTS("\xef\xbf\xbd", "%.1ws", L"\xd83d\xde00");
	PRINTS("\x7f \xc2\x80 \xdf\xbf \xe0\xa0\x80 \xef\xbf\xbf \xf0\x90\x80\x80 \xf4\x8f\xbf\xbf",
	       "%ws",
	       L"\x007f \x0080 \x07ff \x0800 \xffff \xd800\xdc00 \xdbff\xdfff");
	/* UTF-8 stays what it is. */
	PRINTS("\xc3\xa4", "%s", "\xc3\xa4");

	PRINTS("(null) (null) (null) 8", "%s %ws %S %d", NULL, NULL, NULL, 8);
	PRINTS("   (null)|(nu", "%9ws|%.3s", NULL, NULL);
	PRINTS("(efault) (efault) 8", "%s %ws %d", (PVOID)(ULONG_PTR)1, (PVOID)~(ULONG_PTR)21, 8);
}

static void print_characters(void)
{
	PRINTS("a a a a 8", "%c %hc %hC %c %d", 'a', 'a', 'a', 0x100 + 'a', 8);
	PRINTS("a a a a 8", "%C %wc %lc %lC %d", 'a', 'a', 'a', 'a', 8);
	PRINTS("\xe2\x82\xac \xef\xbf\xbd", "%wc %C", 0x20ac, 0xd83d);
	PRINTS("  a|a  |  \xe2\x82\xac", "%3c|%-3c|%3wc", 'a', 'a', 0x20ac);
	/* A character of value 0 would end the text. */
	PRINTS("ab 8", "a%cb%wc %d", 0, 0, 8);
}

static void print_counted_strings(void)
{
	static WCHAR wide[] = L"abcdef";
	static CHAR narrow[] = "abcdef";
	static WCHAR emoji[] = L"\xd83d\xde00";
	UNICODE_STRING unicode = { 6, sizeof(wide), wide };
	UNICODE_STRING empty = { 0, sizeof(wide), wide };
	UNICODE_STRING odd = { 7, sizeof(wide), wide };
	UNICODE_STRING zeros = { sizeof(wide), sizeof(wide), wide };
	UNICODE_STRING none = { 6, 6, NULL };
	UNICODE_STRING low = { 6, 6, (PWSTR)(ULONG_PTR)8 };
	UNICODE_STRING half = { 2, sizeof(emoji), emoji };
	ANSI_STRING ansi = { 4, sizeof(narrow), narrow };
	ANSI_STRING no_ansi = { 4, 4, NULL };

	PRINTS("abc abc 8", "%wZ %lZ %d", &unicode, &unicode, 8);
	PRINTS("abcd abcd 8", "%Z %hZ %d", &ansi, &ansi, 8);
	PRINTS("|||8", "%wZ|%.0wZ|%.0Z|%d", &empty, &unicode, &ansi, 8);
	PRINTS("  abc|abc  | abcd|abcd ", "%5wZ|%-5wZ|%5Z|%-5Z", &unicode, &unicode, &ansi, &ansi);
	PRINTS("ab abc ab", "%.2wZ %.9wZ %.2Z", &unicode, &unicode, &ansi);
	/* Half a character is not one, and half a pair is U+FFFD. */
	PRINTS("abc abcdef \xef\xbf\xbd", "%wZ %wZ %wZ", &odd, &zeros, &half);
	PRINTS("(null) (null) (null) (null) 8", "%wZ %Z %wZ %Z %d", NULL, NULL, &none, &no_ansi, 8);
	PRINTS("(efault) (efault) 8", "%wZ %wZ %d", &low, (PVOID)(ULONG_PTR)16, 8);
}

static void print_others(void)
{
	const char *no_address = sizeof(PVOID) == 8 ? "0000000000000000" : "00000000";
	int written = 77;

	PRINTS(no_address, "%p", NULL);
	PRINTS(sizeof(PVOID) == 8 ? "    0000000000000000|8" : "            00000000|8", "%20p|%d",
	       NULL, 8);

	PRINTS("100% 5% 8", "100%% 5%-5% %d", 8);
	/* %n is a way into a driver, and no way to know what is printed. */
	PRINTS("ab 8", "a%nb %d", &written, 8);
	if (written != 77)
		print_case_failed(__LINE__, "nothing", "a number");

	/* What is no conversion prints itself. */
	PRINTS("%y 8", "%y %d", 8);
	PRINTS("%-5.3y 8", "%-5.3y %d", 8);
	PRINTS("%I64y %I3y %ly 8", "%I64y %I3y %ly %d", 8);
	PRINTS("%*.*y 8", "%*.*y %d", 1, 2, 8);
	PRINTS("%", "%");
	PRINTS("7 %-05.3I64", "%d %-05.3I64", 7);
	PRINTS("%l", "%l");

#ifdef __KERNEL__
	PRINTS("%f %5.2g 8", "%f %5.2g %d", 8);
#else
	PRINTS("%f %5.2g %a %E 8", "%f %5.2g %a %E %d", 1.0, 2.0, 3.0, 4.0, 8);
	PRINTS("%Lf 8 9 10 11", "%Lf %d %d %d %d", 5.0L, 8, 9, 10, 11);
#endif
}

static void print_too_much(void)
{
	static char text[2 * V3C_MESSAGE + 1], most[V3C_MESSAGE + 1];

	memset(text, 'x', sizeof(text) - 1);
	memset(most, 'x', sizeof(most) - 1);
	PRINTS(most, text);
	PRINTS(most, "%s", text);
	PRINTS(most, "%s%s%d", text, text, 7);
	most[V3C_MESSAGE - 1] = '7';
	PRINTS(most, "%.511s%d", text, 7);
	PRINTS(most, "%.511s%dx", text, 7);

	PRINTS_AT_MOST(1, "", "%s", "abc");
	PRINTS_AT_MOST(3, "ab", "%s", "abc");
	PRINTS_AT_MOST(3, "ab", "%ws", L"abc");
	PRINTS_AT_MOST(3, "12", "%d", 12345);
	/* A character is there as a whole or not at all, and nothing follows one that is not. */
	PRINTS_AT_MOST(4, "a", "%ws", L"a\x20acz");
	PRINTS_AT_MOST(5, "a\xe2\x82\xac", "%ws", L"a\x20acz");
	PRINTS_AT_MOST(5, "a", "%ws%d", L"a\xd83d\xde00", 7);

	PRINTS_WITH("v3: ", 64, "v3: 7", "%d", 7);
	PRINTS_WITH("%d%s ", 64, "%d%s 7", "%d", 7);
	PRINTS_WITH("", 64, "7", "%d", 7);
	PRINTS_WITH("v3: ", 4, "v3:", "%d", 7);
	PRINTS_WITH("v3: ", 6, "v3: 1", "%d", 17);
}

static void print_cases(void)
{
	print_numbers();
	print_strings();
	print_characters();
	print_counted_strings();
	print_others();
	print_too_much();
}

#endif /* V3COMPAT_PRINT_CASES_H */
