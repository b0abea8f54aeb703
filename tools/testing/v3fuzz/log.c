// SPDX-License-Identifier: GPL-2.0
/* What was called, and how the first failure looked. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/hash.h>
#include <linux/kernel.h>
#include <linux/printk.h>

#include "v3fuzz.h"

static const char * const names[] = {
#define FUZZ_NAME(name) [FUZZ_##name] = #name,
	FUZZ_MEMBERS(FUZZ_NAME)
};

static atomic_t failures;
static char failure[256];

const char *fuzz_member_name(enum fuzz_member member)
{
	return names[member];
}

bool fuzz_failed(void)
{
	return atomic_read(&failures);
}

void fuzz_begin(struct fuzz_thread *t, enum fuzz_member member, u64 a, u64 b, u64 c)
{
	struct fuzz_entry *entry = &t->log[t->logged % FUZZ_LOG];

	/* Of the calls after the first failure nobody wants to know. */
	if (fuzz_failed())
		return;
	t->logged++;
	*entry = (struct fuzz_entry) { .member = member, .args = { a, b, c } };
}

static void count(struct fuzz_tally *tally, NTSTATUS status)
{
	unsigned int i;

	tally->calls++;
	tally->successes += NT_SUCCESS(status);
	for (i = 0; i < FUZZ_STATUSES - 1; i++) {
		if (!tally->times[i] || tally->statuses[i] == status)
			break;
	}
	tally->statuses[i] = status;
	tally->times[i]++;
}

NTSTATUS fuzz_end(struct fuzz_thread *t, enum fuzz_member member, NTSTATUS status)
{
	struct fuzz_entry *entry = &t->log[(t->logged - 1) % FUZZ_LOG];
	unsigned int i;

	if (!fuzz_failed()) {
		entry->returned = true;
		entry->status = status;
	}
	count(&t->tallies[member], status);
	t->calls++;
	t->trace = (t->trace ^ ((u64)member << 32 | (u32)status)) * GOLDEN_RATIO_64;
	for (i = 0; i < ARRAY_SIZE(entry->args); i++)
		t->trace = (t->trace ^ entry->args[i]) * GOLDEN_RATIO_64;
	return status;
}

const char *fuzz_failure(void)
{
	return failure;
}

void fuzz_log_reset(void)
{
	atomic_set(&failures, 0);
	failure[0] = '\0';
}

/* The first failure is told; what comes after it may come of it. */
void fuzz_fail(struct fuzz_thread *t, const char *format, ...)
{
	va_list args;

	if (atomic_fetch_inc(&failures))
		return;
	va_start(args, format);
	vscnprintf(failure, sizeof(failure), format, args);
	va_end(args);
	pr_err("thread %u, call %u: %s\n", t->id, t->calls, failure);
}

void fuzz_log_show(struct seq_file *out)
{
	unsigned int i, k;

	for (i = 0; i < fuzz_nr_threads; i++) {
		struct fuzz_thread *t = &fuzz_threads[i];

		seq_printf(out, "# the last calls of thread %u:\n", i);
		for (k = t->logged > FUZZ_LOG ? t->logged - FUZZ_LOG : 0; k < t->logged; k++) {
			struct fuzz_entry *entry = &t->log[k % FUZZ_LOG];

			seq_printf(out, "#   %s(%#llx, %#llx, %#llx) = ", names[entry->member],
				   entry->args[0], entry->args[1], entry->args[2]);
			if (entry->returned)
				seq_printf(out, "%#x\n", entry->status);
			else
				seq_puts(out, "not returned\n");
		}
	}
}
