// SPDX-License-Identifier: GPL-2.0
/*
 * The interrupt request level of a thread, which is a number: nothing interrupts a program.
 */
#include "internal.h"

static _Thread_local KIRQL level;

KIRQL KeGetCurrentIrql(void)
{
	return level;
}

KIRQL KfRaiseIrql(KIRQL NewIrql)
{
	KIRQL old = level;

	level = NewIrql;
	return old;
}

void KeLowerIrql(KIRQL NewIrql)
{
	level = NewIrql;
}
