// SPDX-License-Identifier: GPL-2.0
/*
 * The clients of ddk_client.h in the kernel: a case each, and what takes threads.
 */
#include <kunit/test-bug.h>
#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/err.h>

#include "ddk_client.h"
#include "fixture.h"
#include "thread.h"

VOID DdkFailed(PCSTR File, ULONG Line, PCSTR Condition)
{
	KUNIT_FAIL(kunit_get_current_test(), "%s:%u: not so: %s", File, Line, Condition);
}

#define DDK_CASE(Name)                                                                            \
	static void ddk_##Name(struct kunit *test)                                                \
	{                                                                                         \
		struct v3t_world *w = test->priv;                                                 \
												  \
		DdkPdo = w->pdo;                                                                  \
		Ddk##Name();                                                                      \
	}
DDK_CLIENTS(DDK_CASE)

#define RAISERS 4

static atomic_t raisers_missing;
static DECLARE_COMPLETION(all_have_raised);

static void wait_for_all_raisers(void)
{
	if (atomic_dec_and_test(&raisers_missing))
		complete_all(&all_have_raised);
	wait_for_completion(&all_have_raised);
}

static int raise_one(void *arg)
{
	return DdkRaiseAndHandle((NTSTATUS)(long)arg, wait_for_all_raisers);
}

/* All threads have raised before any of them reads its code. */
static void threads_have_exceptions_of_their_own(struct kunit *test)
{
	struct v3t_thread threads[RAISERS];
	NTSTATUS first = STATUS_INVALID_PARAMETER_1;
	unsigned int i;

	atomic_set(&raisers_missing, RAISERS);
	reinit_completion(&all_have_raised);
	for (i = 0; i < RAISERS; i++) {
		v3t_thread_start(&threads[i], raise_one, (void *)(long)(first + i));
		/* A thread that is not there raises nothing, which the others must not wait for. */
		if (IS_ERR(threads[i].task) && atomic_dec_and_test(&raisers_missing))
			complete_all(&all_have_raised);
	}
	for (i = 0; i < RAISERS; i++)
		KUNIT_EXPECT_EQ(test, v3t_thread_join(&threads[i]), first + i);
}

#define DDK_ENTRY(Name) KUNIT_CASE(ddk_##Name),
static struct kunit_case ddk_cases[] = {
	DDK_CLIENTS(DDK_ENTRY)
	KUNIT_CASE(threads_have_exceptions_of_their_own),
	{}
};

static struct kunit_suite ddk_suite = {
	.name = "v3compat_ddk",
	.init = v3t_init,
	.exit = v3t_exit,
	.test_cases = ddk_cases,
};
kunit_test_suites(&ddk_suite);
