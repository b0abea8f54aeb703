// SPDX-License-Identifier: GPL-2.0
/*
 * A refusal in words.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

#include <v3compat/v3compat.h>

#include <driver_reasons.h>

enum values { VALUES_NONE, VALUES_RANGE, VALUES_SPAN, VALUES_LIMIT, VALUES_COUNT };

struct reason {
	const char *name;
	const char *text;
	enum values values;
};

static const struct reason reasons[] = {
#define X(number, name, values, err, text) [number] = { #name, text, VALUES_##values },
	V3COMPAT_REASONS(X)
#undef X
};

static const struct reason driver_reasons[] = {
#define X(number, name, values, text)							\
	[number - V3COMPAT_FIRST_DRIVER_REASON] = { #name, text, VALUES_##values },
	V3COMPAT_DRIVER_REASONS(X)
#undef X
};

static const char *const params[] = {
#define X(number, name) [number] = #name,
	V3COMPAT_PARAMS(X)
#undef X
};

/* find_reason() returns NULL for a number of a kernel that is newer than this library. */
static const struct reason *find_reason(__u32 number)
{
	__u32 index = number - V3COMPAT_FIRST_DRIVER_REASON;

	if (number && number < sizeof(reasons) / sizeof(reasons[0]))
		return &reasons[number];
	if (index < sizeof(driver_reasons) / sizeof(driver_reasons[0]))
		return &driver_reasons[index];
	return NULL;
}

const char *v3compat_reason_name(__u32 reason)
{
	const struct reason *found = find_reason(reason);

	return found ? found->name : NULL;
}

const char *v3compat_reason_text(__u32 reason)
{
	const struct reason *found = find_reason(reason);

	return found ? found->text : NULL;
}

const char *v3compat_param_name(__u32 param)
{
	return param < sizeof(params) / sizeof(params[0]) ? params[param] : NULL;
}

/* struct sentence: what is written so far; @length also counts what did not fit. */
struct sentence {
	char *text;
	size_t size;
	size_t length;
};

static __printf(2, 3) void add_words(struct sentence *sentence, const char *format, ...)
{
	size_t at = sentence->length < sentence->size ? sentence->length : sentence->size;
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(sentence->text ? sentence->text + at : NULL, sentence->size - at, format,
			   args);
	va_end(args);
	if (length > 0)
		sentence->length += length;
}

static void add_param(struct sentence *sentence, __u32 param)
{
	const char *name = v3compat_param_name(param), *letter;

	if (!param)
		return;
	if (!name) {
		add_words(sentence, ", parameter %u", param);
		return;
	}
	add_words(sentence, ", ");
	for (letter = name; *letter; letter++)
		add_words(sentence, "%c", *letter == '_' ? ' ' : tolower(*letter));
}

static void add_values(struct sentence *sentence, enum values values,
		       const struct v3compat_result *result)
{
	unsigned long long first = result->out_first, last = result->out_last;

	switch (values) {
	case VALUES_NONE:
		break;
	case VALUES_RANGE:
		add_words(sentence, ", 0x%llx to 0x%llx", first, last);
		break;
	case VALUES_SPAN:
		add_words(sentence, ", 0x%llx bytes at 0x%llx", last, first);
		break;
	case VALUES_LIMIT:
		add_words(sentence, ", value 0x%llx", first);
		if (last)
			add_words(sentence, " against 0x%llx", last);
		break;
	case VALUES_COUNT:
		add_words(sentence, ", %llu", first);
		if (last)
			add_words(sentence, " against %llu", last);
		break;
	}
}

int v3compat_result_sentence(const struct v3compat_result *result, char *text, size_t size)
{
	struct sentence sentence = { .text = text, .size = size };
	const struct reason *reason = find_reason(result->out_reason);

	if (!result->out_reason) {
		add_words(&sentence, "no reason given");
		return sentence.length;
	}
	if (reason)
		add_words(&sentence, "refused: %s", reason->text);
	else
		add_words(&sentence, "refused: reason %u", result->out_reason);
	add_param(&sentence, result->out_parameter);
	if (result->out_object)
		add_words(&sentence, ", handle %u", result->out_object);
	/* The values of a reason that is not known may be anything. */
	if (reason)
		add_values(&sentence, reason->values, result);
	add_words(&sentence, " (status 0x%08x)", result->out_status);
	return sentence.length;
}
