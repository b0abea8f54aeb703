// SPDX-License-Identifier: GPL-2.0
/*
 * Messages of a program: the formats of Windows, and where the messages go.
 */
#include <errno.h>
#include <unistd.h>

#define DBG 1

#include "../../../../drivers/iommu/v3compat/tests/print_cases.h"

#include "tap.h"

static void print_case_failed(int line, const char *expected, const char *got)
{
	printf("# print_cases.h:%d: not '%s' but '%s'\n", line, expected, got);
	tap_good = false;
}

static void formats(void)
{
	print_cases();
}

static void addresses(void)
{
	ULONG_PTR address = (ULONG_PTR)0x123456789abcdef0ULL;

	if (sizeof(address) == 8) {
		expect_print(__LINE__, NULL, 64, "123456789ABCDEF0 8", "%p %d", (PVOID)address, 8);
		expect_print(__LINE__, NULL, 64, "123456789ABCDEF0  |", "%-18p|", (PVOID)address);
	} else {
		expect_print(__LINE__, NULL, 64, "9ABCDEF0 8", "%p %d", (PVOID)address, 8);
	}
}

/* said() is what @say prints to the standard error. */
static const char *said(void (*say)(void))
{
	static char text[2048];
	int saved = dup(STDERR_FILENO);
	FILE *file = tmpfile();
	size_t length;

	dup2(fileno(file), STDERR_FILENO);
	say();
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(file);
	length = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[length] = 0;
	return text;
}

static ULONG print_list(PCSTR prefix, PCSTR format, ...)
{
	ULONG status;
	va_list list;

	va_start(list, format);
	status = vDbgPrintExWithPrefix(prefix, DPFLTR_IHVDRIVER_ID, DPFLTR_ERROR_LEVEL, format,
				       list);
	va_end(list);
	return status;
}

static void say_all(void)
{
	UNICODE_STRING name = RTL_CONSTANT_STRING(L"edu");

	errno = 77;
	expect(!DbgPrint("one %I64x ", 0x123456789ULL));
	expect(!DbgPrintEx(DPFLTR_IHVDRIVER_ID, DPFLTR_ERROR_LEVEL, "%wZ\n", &name));
	expect(!print_list("v3: ", "%d\n", 7));
	expect(!print_list(NULL, "%d\n", 8));
	KdPrint(("two\n"));
	expect(DbgPrint(NULL));
	expect(errno == 77);
}

static void messages_go_to_standard_error(void)
{
	expect(!strcmp(said(say_all), "one 123456789 edu\nv3: 7\n8\ntwo\n"));
}

static void say_too_much(void)
{
	expect(!DbgPrint("%600d", 7));
	expect(!DbgPrint("%512d", 7));
}

static void messages_end_at_512_bytes(void)
{
	const char *text = said(say_too_much);

	expect(strlen(text) == 1024 && text[511] == '7' && text[1023] == '7');
}

#define TRUE_IS_FALSE (TRUE == FALSE)

static int first_line;

static void fail_assertions(void)
{
	ASSERT(TRUE);
	NT_ASSERTMSG("why", TRUE);
	first_line = __LINE__ + 1;
	ASSERT(TRUE_IS_FALSE);
	ASSERTMSG("why", 1 > 2);
	NT_ASSERT(!"reached");
	NT_ASSERTMSGW(L"why", 1 > 2);
	expect(!NT_VERIFY(TRUE_IS_FALSE));
	NT_FRE_ASSERT(0);
}

static void assertions_say_what_failed(void)
{
	static const char *const failed[] = {
		"TRUE_IS_FALSE", "1 > 2: why", "!\"reached\"", "1 > 2: why", "TRUE_IS_FALSE", "0",
	};
	const char *text = said(fail_assertions);
	char line[1024];
	int i;

	for (i = 0; i < 6; i++) {
		snprintf(line, sizeof(line), "%s:%d: assertion failed: %s\n", __FILE__,
			 first_line + i, failed[i]);
		expect(!strncmp(text, line, strlen(line)));
		text += strlen(line);
	}
	expect(!*text);
}

int main(void)
{
	run_test(formats);
	run_test(addresses);
	run_test(messages_go_to_standard_error);
	run_test(messages_end_at_512_bytes);
	run_test(assertions_say_what_failed);
	return tap_end();
}
