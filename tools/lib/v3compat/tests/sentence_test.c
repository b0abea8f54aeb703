// SPDX-License-Identifier: GPL-2.0
/*
 * Every refusal as a sentence.
 */
#include <string.h>

#include <v3compat/v3compat.h>

#include <driver_reasons.h>

#include "tap.h"

#define X(number, ...) number,
static const __u32 reasons[] = { V3COMPAT_REASONS(X) V3COMPAT_DRIVER_REASONS(X) };
#undef X
#define X(number, name, values, ...) #values,
static const char *const values[] = { V3COMPAT_REASONS(X) V3COMPAT_DRIVER_REASONS(X) };
#undef X
#define X(number, name) number,
static const __u32 params[] = { V3COMPAT_PARAMS(X) };
#undef X

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct v3compat_result result_of(__u32 reason)
{
	return (struct v3compat_result) {
		.out_status = 0xc000000d,
		.out_reason = reason,
		.out_parameter = V3COMPAT_PARAM_ADDRESS,
		.out_object = 7,
		.out_first = 0x1000,
		.out_last = 0x2fff,
	};
}

static void each_reason_has_its_text_parameter_object_and_status(void)
{
	struct v3compat_result result;
	char text[256];
	size_t i;

	for (i = 0; i < COUNT(reasons); i++) {
		result = result_of(reasons[i]);
		expect(v3compat_result_sentence(&result, text, sizeof(text)) ==
		       (int)strlen(text));
		expect(strstr(text, v3compat_reason_text(reasons[i])));
		expect(strstr(text, ", address, handle 7"));
		expect(strstr(text, "0xc000000d"));
	}
}

static void values_are_told_as_what_they_are(void)
{
	struct v3compat_result result;
	const char *said;
	char text[256];
	size_t i;

	for (i = 0; i < COUNT(reasons); i++) {
		result = result_of(reasons[i]);
		v3compat_result_sentence(&result, text, sizeof(text));
		said = !strcmp(values[i], "RANGE") ? ", 0x1000 to 0x2fff" :
		       !strcmp(values[i], "SPAN") ? ", 0x2fff bytes at 0x1000" :
		       !strcmp(values[i], "LIMIT") ? ", value 0x1000 against 0x2fff" :
		       !strcmp(values[i], "COUNT") ? ", 4096 against 12287" : "handle 7 (status";
		expect(strstr(text, said));
	}
}

static void each_parameter_has_a_name(void)
{
	struct v3compat_result result = result_of(V3COMPAT_REASON_NULL_POINTER);
	char text[256];
	size_t i;

	for (i = 0; i < COUNT(params); i++) {
		result.out_parameter = params[i];
		v3compat_result_sentence(&result, text, sizeof(text));
		expect(v3compat_param_name(params[i]));
		expect(!strstr(text, "parameter "));
	}
	result.out_parameter = V3COMPAT_PARAM_SIZE_OF_STRUCT;
	v3compat_result_sentence(&result, text, sizeof(text));
	expect(strstr(text, ", size of struct,"));
}

static void numbers_of_a_newer_kernel_are_told_as_numbers(void)
{
	struct v3compat_result result = result_of(9999);
	char text[256];

	result.out_parameter = 8888;
	v3compat_result_sentence(&result, text, sizeof(text));
	expect(!strcmp(text, "refused: reason 9999, parameter 8888, handle 7 (status 0xc000000d)"));
	expect(!v3compat_reason_name(9999));
	expect(!v3compat_reason_text(9999));
	expect(!v3compat_param_name(8888));
}

static void no_reason_is_said_to_be_none(void)
{
	struct v3compat_result result = { .out_status = 0 };
	char text[64];

	v3compat_result_sentence(&result, text, sizeof(text));
	expect(!strcmp(text, "no reason given"));
	expect(!v3compat_reason_name(0));
	expect(!v3compat_param_name(0));
}

static void sentence_is_cut_where_the_buffer_ends(void)
{
	struct v3compat_result result = result_of(V3COMPAT_REASON_OVERLAP);
	char whole[256], part[256];
	int length = v3compat_result_sentence(&result, whole, sizeof(whole));
	size_t size;

	expect(v3compat_result_sentence(&result, NULL, 0) == length);
	for (size = 1; size < (size_t)length + 2; size++) {
		memset(part, 'x', sizeof(part));
		expect(v3compat_result_sentence(&result, part, size) == length);
		expect(strlen(part) == (size <= (size_t)length ? size - 1 : (size_t)length));
		expect(!strncmp(part, whole, strlen(part)));
		expect(part[size] == 'x');
	}
}

int main(void)
{
	run_test(each_reason_has_its_text_parameter_object_and_status);
	run_test(values_are_told_as_what_they_are);
	run_test(each_parameter_has_a_name);
	run_test(numbers_of_a_newer_kernel_are_told_as_numbers);
	run_test(no_reason_is_said_to_be_none);
	run_test(sentence_is_cut_where_the_buffer_ends);
	return tap_end();
}
