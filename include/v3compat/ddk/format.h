/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The formats of DbgPrint() as text, for the kernel and for programs. It is not a part of <wdm.h>.
 *
 * No printf() of Linux has Windows' conversions, and the kernel's warns of one that it does not
 * have. Digits and addresses are those of snprintf(), without flags, width and precision, which the
 * kernel's treats in ways of its own, and warns of where they are large. Nothing is allocated and
 * nothing is locked, because a message may come from any context.
 */
#ifndef _V3COMPAT_DDK_FORMAT_H
#define _V3COMPAT_DDK_FORMAT_H

#include <wdm.h>

#ifndef __KERNEL__
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#endif

/* V3C_MESSAGE is the most bytes that one message of Windows has. */
#define V3C_MESSAGE 512

/* struct v3c_arguments exists because a parameter that is a va_list cannot be pointed to. */
struct v3c_arguments {
	va_list list;
};

/*
 * struct v3c_text - where the text goes
 * @at: where the next byte goes
 * @end: what may be filled ends here
 */
struct v3c_text {
	char *at;
	char *end;
};

enum v3c_size {
	V3C_SIZE_NONE,
	V3C_SIZE_CHAR,
	V3C_SIZE_SHORT,
	V3C_SIZE_LONG,
	V3C_SIZE_64,
	V3C_SIZE_POINTER,
	V3C_SIZE_WIDE,
	V3C_SIZE_LONG_DOUBLE,
};

/*
 * struct v3c_conversion - what a format says between its percent sign and its type
 * @type: 0 where the format ends before it
 * @size: a prefix of @type
 * @width: 0 to V3C_MESSAGE
 * @precision: 0 to V3C_MESSAGE, or negative where there is none
 * @left: the flag -
 * @plus: the flag +
 * @blank: the flag of a blank
 * @alternate: the flag #
 * @zero: the flag 0
 */
struct v3c_conversion {
	char type;
	enum v3c_size size;
	int width;
	int precision;
	bool left;
	bool plus;
	bool blank;
	bool alternate;
	bool zero;
};

/* A byte of 0 is left out, because it would end the text. */
static void v3c_put_byte(struct v3c_text *text, char byte)
{
	if (byte && text->at < text->end)
		*text->at++ = byte;
}

static void v3c_put_bytes(struct v3c_text *text, const char *bytes, int count)
{
	while (count-- > 0)
		v3c_put_byte(text, *bytes++);
}

static void v3c_put_padding(struct v3c_text *text, char with, int count)
{
	while (count-- > 0)
		v3c_put_byte(text, with);
}

/* A character in UTF-8. One that does not fit as a whole ends the text. */
static void v3c_put_code(struct v3c_text *text, unsigned int code)
{
	static const unsigned char first[] = { 0, 0x00, 0xc0, 0xe0, 0xf0 };
	int count = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
	int shift = 6 * (count - 1);

	if (count > text->end - text->at) {
		text->end = text->at;
		return;
	}
	v3c_put_byte(text, (char)(first[count] | code >> shift));
	while (shift) {
		shift -= 6;
		v3c_put_byte(text, (char)(0x80 | (code >> shift & 0x3f)));
	}
}

static void v3c_put_wide(struct v3c_text *text, PCWSTR units, int count)
{
	PCWSTR end = units + count;

	while (units < end) {
		unsigned int code = *units++;

		if ((code & 0xfc00) == 0xd800 && units < end && (*units & 0xfc00) == 0xdc00)
			code = 0x10000 + ((code & 0x3ff) << 10) + (*units++ & 0x3ff);
		else if ((code & 0xf800) == 0xd800)
			code = 0xfffd;
		v3c_put_code(text, code);
	}
}

/* A number in the format, or the argument that an asterisk there stands for. */
static const char *v3c_read_count(const char *format, int *count,
					 struct v3c_arguments *arguments)
{
	*count = 0;
	if (*format == '*') {
		*count = va_arg(arguments->list, int);
		return format + 1;
	}
	for (; *format >= '0' && *format <= '9'; format++)
		if (*count < V3C_MESSAGE)
			*count = *count * 10 + *format - '0';
	return format;
}

static int v3c_limit(int count)
{
	return count < V3C_MESSAGE ? count : V3C_MESSAGE;
}

static const char *v3c_read_flags(const char *format, struct v3c_conversion *conversion)
{
	for (;; format++) {
		switch (*format) {
		case '-':
			conversion->left = true;
			break;
		case '+':
			conversion->plus = true;
			break;
		case ' ':
			conversion->blank = true;
			break;
		case '#':
			conversion->alternate = true;
			break;
		case '0':
			conversion->zero = true;
			break;
		default:
			return format;
		}
	}
}

static const char *v3c_read_size(const char *format, enum v3c_size *size)
{
	switch (*format) {
	case 'h':
		*size = format[1] == 'h' ? V3C_SIZE_CHAR : V3C_SIZE_SHORT;
		return format + (format[1] == 'h' ? 2 : 1);
	case 'l':
		*size = format[1] == 'l' ? V3C_SIZE_64 : V3C_SIZE_LONG;
		return format + (format[1] == 'l' ? 2 : 1);
	case 'I':
		if (format[1] == '6' && format[2] == '4') {
			*size = V3C_SIZE_64;
			return format + 3;
		}
		if (format[1] == '3' && format[2] == '2') {
			*size = V3C_SIZE_NONE;
			return format + 3;
		}
		*size = V3C_SIZE_POINTER;
		return format + 1;
	case 'z':
	case 't':
		*size = V3C_SIZE_POINTER;
		return format + 1;
	case 'j':
		*size = V3C_SIZE_64;
		return format + 1;
	case 'w':
		*size = V3C_SIZE_WIDE;
		return format + 1;
	case 'L':
		*size = V3C_SIZE_LONG_DOUBLE;
		return format + 1;
	default:
		*size = V3C_SIZE_NONE;
		return format;
	}
}

/* @format is behind a percent sign. Returns what is behind the type. */
static const char *v3c_read_conversion(const char *format, struct v3c_conversion *conversion,
					      struct v3c_arguments *arguments)
{
	memset(conversion, 0, sizeof(*conversion));
	format = v3c_read_flags(format, conversion);

	format = v3c_read_count(format, &conversion->width, arguments);
	if (conversion->width < 0) {
		conversion->left = true;
		conversion->width =
			conversion->width < -V3C_MESSAGE ? V3C_MESSAGE : -conversion->width;
	}
	conversion->width = v3c_limit(conversion->width);

	conversion->precision = -1;
	if (*format == '.')
		format = v3c_read_count(format + 1, &conversion->precision, arguments);
	conversion->precision = v3c_limit(conversion->precision);

	format = v3c_read_size(format, &conversion->size);
	conversion->type = *format;
	return format + (*format != 0);
}

static int v3c_blanks(const struct v3c_conversion *conversion, int count)
{
	return conversion->width > count ? conversion->width - count : 0;
}

static void v3c_put_field(struct v3c_text *text, const struct v3c_conversion *conversion,
				 const char *bytes, int count)
{
	int blanks = v3c_blanks(conversion, count);

	v3c_put_padding(text, ' ', conversion->left ? 0 : blanks);
	v3c_put_bytes(text, bytes, count);
	v3c_put_padding(text, ' ', conversion->left ? blanks : 0);
}

static void v3c_put_wide_field(struct v3c_text *text,
				      const struct v3c_conversion *conversion, PCWSTR units,
				      int count)
{
	int blanks = v3c_blanks(conversion, count);

	v3c_put_padding(text, ' ', conversion->left ? 0 : blanks);
	v3c_put_wide(text, units, count);
	v3c_put_padding(text, ' ', conversion->left ? blanks : 0);
}

static LONGLONG v3c_take_signed(const struct v3c_conversion *conversion,
				       struct v3c_arguments *arguments)
{
	switch (conversion->size) {
	case V3C_SIZE_64:
		return va_arg(arguments->list, LONGLONG);
	case V3C_SIZE_POINTER:
		return va_arg(arguments->list, LONG_PTR);
	case V3C_SIZE_SHORT:
		return (short)va_arg(arguments->list, int);
	case V3C_SIZE_CHAR:
		return (signed char)va_arg(arguments->list, int);
	default:
		return va_arg(arguments->list, LONG);
	}
}

static ULONGLONG v3c_take_unsigned(const struct v3c_conversion *conversion,
					  struct v3c_arguments *arguments)
{
	switch (conversion->size) {
	case V3C_SIZE_64:
		return va_arg(arguments->list, ULONGLONG);
	case V3C_SIZE_POINTER:
		return va_arg(arguments->list, ULONG_PTR);
	case V3C_SIZE_SHORT:
		return (unsigned short)va_arg(arguments->list, int);
	case V3C_SIZE_CHAR:
		return (unsigned char)va_arg(arguments->list, int);
	default:
		return va_arg(arguments->list, ULONG);
	}
}

static int v3c_write_digits(char *digits, size_t size, char type, ULONGLONG value)
{
	switch (type) {
	case 'o':
		return snprintf(digits, size, "%llo", value);
	case 'x':
		return snprintf(digits, size, "%llx", value);
	case 'X':
		return snprintf(digits, size, "%llX", value);
	default:
		return snprintf(digits, size, "%llu", value);
	}
}

/*
 * v3c_put_number() prints @sign, which is what comes before the zeros of a flag or of a precision,
 * and the digits of @value.
 */
static void v3c_put_number(struct v3c_text *text, const struct v3c_conversion *conversion,
				  const char *sign, ULONGLONG value)
{
	char digits[sizeof("1777777777777777777777")];
	int count = v3c_write_digits(digits, sizeof(digits), conversion->type, value);
	int blanks, zeros = 0;

	if (!value && !conversion->precision)
		count = 0;
	if (conversion->precision > count)
		zeros = conversion->precision - count;
	else if (conversion->type == 'o' && conversion->alternate && value)
		zeros = 1;

	blanks = v3c_blanks(conversion, (int)strlen(sign) + zeros + count);
	if (conversion->zero && !conversion->left && conversion->precision < 0) {
		zeros += blanks;
		blanks = 0;
	}
	v3c_put_padding(text, ' ', conversion->left ? 0 : blanks);
	v3c_put_bytes(text, sign, (int)strlen(sign));
	v3c_put_padding(text, '0', zeros);
	v3c_put_bytes(text, digits, count);
	v3c_put_padding(text, ' ', conversion->left ? blanks : 0);
}

static void v3c_put_signed(struct v3c_text *text, const struct v3c_conversion *conversion,
				  LONGLONG value)
{
	const char *sign = conversion->plus ? "+" : conversion->blank ? " " : "";

	if (value < 0)
		v3c_put_number(text, conversion, "-", 0 - (ULONGLONG)value);
	else
		v3c_put_number(text, conversion, sign, (ULONGLONG)value);
}

static void v3c_put_unsigned(struct v3c_text *text, const struct v3c_conversion *conversion,
				    ULONGLONG value)
{
	const char *sign = "";

	if (conversion->alternate && value && conversion->type == 'x')
		sign = "0x";
	if (conversion->alternate && value && conversion->type == 'X')
		sign = "0X";
	v3c_put_number(text, conversion, sign, value);
}

static void v3c_put_pointer(struct v3c_text *text, const struct v3c_conversion *conversion,
				   const void *pointer)
{
	char digits[24];
	int count;

#ifdef __KERNEL__
	/* Addresses of the kernel are for nobody who reads its log. */
	count = snprintf(digits, sizeof(digits), "%p", pointer);
#else
	count = snprintf(digits, sizeof(digits), "%0*llX", (int)(2 * sizeof(pointer)),
			 (ULONGLONG)(ULONG_PTR)pointer);
#endif
	v3c_put_field(text, conversion, digits, count);
}

/* What to print for a string that cannot be at its address: in the first page, or in the last. */
static const char *v3c_no_string(const void *string)
{
	ULONG_PTR address = (ULONG_PTR)string;

	if (!string)
		return "(null)";
	if (address < V3COMPAT_PAGE_SIZE || address > (ULONG_PTR)-V3COMPAT_PAGE_SIZE)
		return "(efault)";
	return NULL;
}

/* What is longer than a message need not be read to its end, and may not beyond a precision. */
static int v3c_most_units(const struct v3c_conversion *conversion)
{
	return conversion->precision < 0 ? V3C_MESSAGE : conversion->precision;
}

static void v3c_put_string(struct v3c_text *text, const struct v3c_conversion *conversion,
				  const char *string)
{
	int count = 0, most = v3c_most_units(conversion);

	while (count < most && string[count])
		count++;
	v3c_put_field(text, conversion, string, count);
}

static void v3c_put_wide_string(struct v3c_text *text,
				       const struct v3c_conversion *conversion, PCWSTR string)
{
	int count = 0, most = v3c_most_units(conversion);

	while (count < most && string[count])
		count++;
	v3c_put_wide_field(text, conversion, string, count);
}

static bool v3c_is_wide(const struct v3c_conversion *conversion)
{
	switch (conversion->size) {
	case V3C_SIZE_WIDE:
	case V3C_SIZE_LONG:
		return true;
	case V3C_SIZE_SHORT:
		return false;
	default:
		return conversion->type == 'S' || conversion->type == 'C';
	}
}

static void v3c_put_character(struct v3c_text *text, const struct v3c_conversion *conversion,
				     int character)
{
	WCHAR wide = (WCHAR)character;
	char byte = (char)character;

	if (v3c_is_wide(conversion))
		v3c_put_wide_field(text, conversion, &wide, 1);
	else
		v3c_put_field(text, conversion, &byte, 1);
}

static void v3c_put_any_string(struct v3c_text *text,
				      const struct v3c_conversion *conversion, const void *string)
{
	const char *instead = v3c_no_string(string);

	if (instead)
		v3c_put_string(text, conversion, instead);
	else if (v3c_is_wide(conversion))
		v3c_put_wide_string(text, conversion, (PCWSTR)string);
	else
		v3c_put_string(text, conversion, (const char *)string);
}

static void v3c_put_counted_string(struct v3c_text *text,
					  const struct v3c_conversion *conversion,
					  const void *string)
{
	const char *instead = v3c_no_string(string);
	int count, most = v3c_most_units(conversion);
	PCUNICODE_STRING wide = (PCUNICODE_STRING)string;
	const STRING *narrow = (const STRING *)string;

	if (!instead)
		instead = v3c_is_wide(conversion) ? v3c_no_string(wide->Buffer) :
						    v3c_no_string(narrow->Buffer);
	if (instead) {
		v3c_put_string(text, conversion, instead);
	} else if (v3c_is_wide(conversion)) {
		count = wide->Length / sizeof(WCHAR);
		v3c_put_wide_field(text, conversion, wide->Buffer, count < most ? count : most);
	} else {
		count = narrow->Length;
		v3c_put_field(text, conversion, narrow->Buffer, count < most ? count : most);
	}
}

static void v3c_skip_float(const struct v3c_conversion *conversion,
				  struct v3c_arguments *arguments)
{
#ifndef __KERNEL__
	if (conversion->size == V3C_SIZE_LONG_DOUBLE)
		(void)va_arg(arguments->list, long double);
	else
		(void)va_arg(arguments->list, double);
#endif
}

/* False for a conversion that prints itself. */
static bool v3c_put_conversion(struct v3c_text *text,
				      const struct v3c_conversion *conversion,
				      struct v3c_arguments *arguments)
{
	switch (conversion->type) {
	case 'd':
	case 'i':
		v3c_put_signed(text, conversion, v3c_take_signed(conversion, arguments));
		return true;
	case 'u':
	case 'o':
	case 'x':
	case 'X':
		v3c_put_unsigned(text, conversion, v3c_take_unsigned(conversion, arguments));
		return true;
	case 'p':
		v3c_put_pointer(text, conversion, va_arg(arguments->list, const void *));
		return true;
	case 'c':
	case 'C':
		v3c_put_character(text, conversion, va_arg(arguments->list, int));
		return true;
	case 's':
	case 'S':
		v3c_put_any_string(text, conversion, va_arg(arguments->list, const void *));
		return true;
	case 'Z':
		v3c_put_counted_string(text, conversion, va_arg(arguments->list, const void *));
		return true;
	case '%':
		v3c_put_byte(text, '%');
		return true;
	case 'n':
		(void)va_arg(arguments->list, void *);
		return true;
	case 'a':
	case 'A':
	case 'e':
	case 'E':
	case 'f':
	case 'F':
	case 'g':
	case 'G':
		v3c_skip_float(conversion, arguments);
		return false;
	default:
		return false;
	}
}

/*
 * v3c_format() fills @buffer with at most @size bytes, a 0 at their end among them, and returns how
 * many come before the 0. @prefix, which may be NULL, is no format.
 */
static size_t v3c_format(char *buffer, size_t size, const char *prefix, const char *format,
				struct v3c_arguments *arguments)
{
	struct v3c_text text = { buffer, buffer + size - 1 };
	struct v3c_conversion conversion;
	const char *start;

	for (; prefix && *prefix && text.at < text.end; prefix++)
		v3c_put_byte(&text, *prefix);
	while (*format && text.at < text.end) {
		start = format++;
		if (*start != '%') {
			v3c_put_byte(&text, *start);
			continue;
		}
		format = v3c_read_conversion(format, &conversion, arguments);
		if (!v3c_put_conversion(&text, &conversion, arguments))
			v3c_put_bytes(&text, start, (int)(format - start));
	}
	*text.at = 0;
	return text.at - buffer;
}

#endif /* _V3COMPAT_DDK_FORMAT_H */
