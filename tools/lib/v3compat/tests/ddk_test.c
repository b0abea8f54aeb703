// SPDX-License-Identifier: GPL-2.0
/*
 * The clients that are written as source for Windows is, in a program.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

#include <v3compat/program.h>

#include "../../../../drivers/iommu/v3compat/tests/ddk_client.h"

#include "fake.h"
#include "tap.h"

VOID DdkFailed(PCSTR File, ULONG Line, PCSTR Condition)
{
	printf("# %s:%u: not so: %s\n", File, Line, Condition);
	tap_good = false;
}

#define RAISERS 4

static pthread_barrier_t all_have_raised;

static void wait_for_all_raisers(void)
{
	pthread_barrier_wait(&all_have_raised);
}

static void *raise_one(void *arg)
{
	NTSTATUS status = (NTSTATUS)(intptr_t)arg;

	return (void *)(intptr_t)DdkRaiseAndHandle(status, wait_for_all_raisers);
}

/* All threads have raised before any of them reads its code. */
static void threads_have_exceptions_of_their_own(void)
{
	pthread_t threads[RAISERS];
	intptr_t i;
	void *read;

	expect(!pthread_barrier_init(&all_have_raised, NULL, RAISERS));
	for (i = 0; i < RAISERS; i++)
		if (pthread_create(&threads[i], NULL, raise_one, (void *)(0x1000 + i)))
			abort();
	for (i = 0; i < RAISERS; i++) {
		expect(!pthread_join(threads[i], &read));
		expect((intptr_t)read == 0x1000 + i);
	}
	pthread_barrier_destroy(&all_have_raised);
}

int main(void)
{
	fake_reset();
	if (v3compat_use(1))
		return 1;
	DdkPdo = v3compat_open_device("pci", "00ab:00:03.0");
	if (!DdkPdo)
		return 1;
#define RUN_CLIENT(Name) run_test(Ddk##Name);
	DDK_CLIENTS(RUN_CLIENT)
	run_test(threads_have_exceptions_of_their_own);
	expect(!v3compat_close_device(DdkPdo));
	return tap_end();
}
