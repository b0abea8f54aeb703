// SPDX-License-Identifier: GPL-2.0
/*
 * Scenarios with a transcript on standard output.
 */
#include <stdarg.h>
#include <stdio.h>

#include "status_name.h"
#include "user.h"

static const char *name_status(NTSTATUS status, char *number, size_t size)
{
	const char *name = status_name(status);

	if (name)
		return name;
	snprintf(number, size, "0x%08x", (unsigned int)status);
	return number;
}

static void print_step(struct scenario_run *run, const char *what, const char *status,
		       IOMMU_DMA_LOGICAL_ADDRESS logical, SIZE_T bytes)
{
	printf("# %3u  %-38s %-29s", ++run->step, what, status);
	if (logical == NO_ADDRESS)
		printf(" %18s", "");
	else
		printf(" 0x%016llx", (unsigned long long)logical);
	if (bytes == NO_BYTES)
		printf(" %9s  ", "");
	else
		printf(" %9zu  ", (size_t)bytes);
}

BOOLEAN ScenarioCall(PSCENARIO_RUN Run, const char *Call, NTSTATUS Status, NTSTATUS Expected,
		     IOMMU_DMA_LOGICAL_ADDRESS Logical, SIZE_T Bytes)
{
	BOOLEAN good = Status == Expected;
	char number[16], why[256];

	pthread_mutex_lock(&Run->writing);
	print_step(Run, Call, name_status(Status, number, sizeof(number)), Logical, Bytes);
	if (good)
		printf(Expected == STATUS_SUCCESS ? "ok\n" : "ok: refused\n");
	else
		printf("NOT OK: expected %s\n", name_status(Expected, number, sizeof(number)));
	if (!NT_SUCCESS(Status)) {
		v3compat_result_sentence(v3compat_last_refusal(), why, sizeof(why));
		printf("#      %s\n", why);
	}
	Run->bad |= !good;
	pthread_mutex_unlock(&Run->writing);
	return good;
}

BOOLEAN ScenarioCheck(PSCENARIO_RUN Run, const char *What, IOMMU_DMA_LOGICAL_ADDRESS Logical,
		      SIZE_T Bytes, BOOLEAN Good, const char *Verdict, ...)
{
	va_list args;

	pthread_mutex_lock(&Run->writing);
	print_step(Run, What, "", Logical, Bytes);
	printf(Good ? "ok: " : "NOT OK: ");
	va_start(args, Verdict);
	vprintf(Verdict, args);
	va_end(args);
	printf("\n");
	Run->bad |= !Good;
	pthread_mutex_unlock(&Run->writing);
	return Good;
}

VOID ScenarioSkip(PSCENARIO_RUN Run, const char *Reason)
{
	Run->skip = Reason;
}

static void print_verdict(struct scenario_run *run, const char *name)
{
	unsigned int number = run->passed + run->failed + run->skipped + 1;

	if (run->bad) {
		run->failed++;
		printf("not ok %u - %s\n", number, name);
	} else if (run->skip) {
		run->skipped++;
		printf("ok %u - %s # SKIP %s\n", number, name, run->skip);
	} else {
		run->passed++;
		printf("ok %u - %s\n", number, name);
	}
	fflush(stdout);
}

void run_scenario(struct scenario_run *run, const struct scenario *scenario, PVOID context)
{
	run->step = 0;
	run->bad = false;
	run->skip = NULL;
	printf("#\n# %s: %s\n", scenario->Name, scenario->Summary);
	printf("# %4s %-38s %-29s %-18s %9s  %s\n",
	       "step", "call", "status", "logical address", "bytes", "verdict");
	scenario->Run(run, context);
	print_verdict(run, scenario->Name);
}
