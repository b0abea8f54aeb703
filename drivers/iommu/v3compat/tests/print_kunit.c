// SPDX-License-Identifier: GPL-2.0
/*
 * Messages of drivers: the formats of Windows, and what the kernel's log says.
 */
#define DBG 1

#include <kunit/test-bug.h>
#include <kunit/test.h>
#include <linux/irqflags.h>
#include <linux/kmsg_dump.h>
#include <linux/spinlock.h>

#include "print_cases.h"

static void print_case_failed(int line, const char *expected, const char *got)
{
	KUNIT_FAIL(kunit_get_current_test(), "print_cases.h:%d: not '%s' but '%s'", line, expected,
		   got);
}

static void formats(struct kunit *test)
{
	print_cases();
}

static void addresses_are_hashed(struct kunit *test)
{
	char hashed[24], text[64];

	/* An address may be printed as it is, or not at all: Linux's printf() knows. */
	snprintf(hashed, sizeof(hashed), "%p", test);
	snprintf(text, sizeof(text), "%20s|8", hashed);
	expect_print(__LINE__, NULL, 64, text, "%20p|%d", test, 8);
}

/* True for "<level>line" and "<level>[time] line", where @line is @text. */
static bool is_line(const char *line, size_t length, const char *text)
{
	size_t before = length - strlen(text);

	return length > strlen(text) && !strcmp(line + before, text) &&
	       (line[before - 1] == '>' || line[before - 1] == ' ');
}

/* log_line() finds the last line of the kernel's log that is @text. The test frees it. */
static const char *log_line(struct kunit *test, const char *text)
{
	size_t length, size = 1024;
	char *line = kunit_kzalloc(test, size, GFP_KERNEL);
	char *found = kunit_kzalloc(test, size, GFP_KERNEL);
	struct kmsg_dump_iter iter;

	KUNIT_ASSERT_NOT_NULL(test, line);
	KUNIT_ASSERT_NOT_NULL(test, found);
	kmsg_dump_rewind(&iter);
	while (kmsg_dump_get_line(&iter, true, line, size - 1, &length)) {
		if (length && line[length - 1] == '\n')
			length--;
		line[length] = 0;
		if (is_line(line, length, text))
			strscpy(found, line, size);
	}
	return found;
}

static void expect_logged(struct kunit *test, char level, const char *text)
{
	const char *line = log_line(test, text);

	KUNIT_EXPECT_TRUE_MSG(test, line[0] == '<' && line[1] == level && line[2] == '>',
			      "'%s' at level %c, not '%s'", text, level, line);
}

static void levels(struct kunit *test)
{
	DbgPrint("print_kunit: DbgPrint\n");
	expect_logged(test, '6', "print_kunit: DbgPrint");
	DbgPrintEx(DPFLTR_IHVDRIVER_ID, DPFLTR_ERROR_LEVEL, "print_kunit: error\n");
	expect_logged(test, '3', "print_kunit: error");
	DbgPrintEx(DPFLTR_IHVDRIVER_ID, DPFLTR_WARNING_LEVEL, "print_kunit: warning\n");
	expect_logged(test, '4', "print_kunit: warning");
	DbgPrintEx(DPFLTR_IHVDRIVER_ID, DPFLTR_TRACE_LEVEL, "print_kunit: trace\n");
	expect_logged(test, '5', "print_kunit: trace");
	DbgPrintEx(DPFLTR_IHVDRIVER_ID, DPFLTR_INFO_LEVEL, "print_kunit: info\n");
	expect_logged(test, '6', "print_kunit: info");
	DbgPrintEx(DPFLTR_IHVDRIVER_ID, 4, "print_kunit: four\n");
	expect_logged(test, '7', "print_kunit: four");
	DbgPrintEx(DPFLTR_IHVDRIVER_ID, 31, "print_kunit: 31\n");
	expect_logged(test, '7', "print_kunit: 31");
	DbgPrintEx(DPFLTR_IHVDRIVER_ID, DPFLTR_MASK | 0x7, "print_kunit: mask of an error\n");
	expect_logged(test, '3', "print_kunit: mask of an error");
	DbgPrintEx(DPFLTR_IHVDRIVER_ID, 0x22, "print_kunit: mask of a warning\n");
	expect_logged(test, '4', "print_kunit: mask of a warning");
	DbgPrintEx(DPFLTR_IHVDRIVER_ID, DPFLTR_MASK, "print_kunit: mask of its own\n");
	expect_logged(test, '7', "print_kunit: mask of its own");
}

static void assertions(struct kunit *test)
{
	char text[256];
	int line = __LINE__;

	ASSERT(1 > 2);
	snprintf(text, sizeof(text), "%s:%d: assertion failed: 1 > 2", __FILE__, line + 2);
	expect_logged(test, '3', text);

	line = __LINE__;
	NT_ASSERTMSGW(L"why", 1 > 2);
	snprintf(text, sizeof(text), "%s:%d: assertion failed: 1 > 2: why", __FILE__, line + 1);
	expect_logged(test, '3', text);
}

/* Another CPU's line between the pieces makes two lines of them, but hardly each time. */
static void pieces_make_a_line(struct kunit *test)
{
	const char *line = "";
	int i;

	for (i = 0; i < 20 && !*line; i++) {
		DbgPrint("print_kunit: a ");
		DbgPrintEx(DPFLTR_IHVDRIVER_ID, DPFLTR_ERROR_LEVEL, "line of %d ", 3);
		DbgPrint("pieces\n");
		line = log_line(test, "print_kunit: a line of 3 pieces");
	}
	KUNIT_EXPECT_TRUE_MSG(test, strstarts(line, "<6>"), "'%s'", line);
	DbgPrint("print_kunit: the next line\n");
	expect_logged(test, '6', "print_kunit: the next line");
}

static void any_context(struct kunit *test)
{
	UNICODE_STRING name = RTL_CONSTANT_STRING(L"edu");
	static DEFINE_RAW_SPINLOCK(lock);
	unsigned long flags;

	raw_spin_lock_irqsave(&lock, flags);
	DbgPrint("print_kunit: %wZ %ws %I64x\n", &name, L"atomic", 0x123456789ULL);
	raw_spin_unlock_irqrestore(&lock, flags);
	expect_logged(test, '6', "print_kunit: edu atomic 123456789");
}

static struct kunit_case print_cases_of_kunit[] = {
	KUNIT_CASE(formats),
	KUNIT_CASE(addresses_are_hashed),
	KUNIT_CASE(levels),
	KUNIT_CASE(assertions),
	KUNIT_CASE(pieces_make_a_line),
	KUNIT_CASE(any_context),
	{}
};

static struct kunit_suite print_suite = {
	.name = "v3compat_print",
	.test_cases = print_cases_of_kunit,
};
kunit_test_suites(&print_suite);
