// SPDX-License-Identifier: GPL-2.0
/*
 * Which blocks of the module all processes have reached.
 */
#include "fuzz.h"

#include "kcov.h"

void prepare_cover(void)
{
	kcov_prepare();
}

void start_cover(void)
{
	int ret = kcov_start();

	if (ret)
		fail("KCOV cannot be used: %s", strerror(-ret));
}

void forget_cover(void)
{
	kcov_forget();
}

unsigned int collect_cover(void)
{
	return kcov_collect();
}

unsigned int count_cover(void)
{
	return kcov_count();
}

void print_cover(void)
{
	if (!kcov_blocks)
		printf("# no coverage: the kernel has no KCOV\n");
	kcov_print();
}
