/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of the program share.
 */
#ifndef EDU_USER_H
#define EDU_USER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <v3compat/program.h>

#include "edu_hw.h"
#include "scenario.h"

/* engine.c */

/**
 * struct edu_engine - the hardware
 * @device: the device
 * @name: its name in sysfs, below the bus
 * @fd: its descriptor
 * @regs: BAR 0
 * @interrupts: eventfd
 * @type: of its interrupts
 * @automasked: it is masked when it has come
 * @transfers: how many ended
 * @interrupted: how many told their end by an interrupt
 * @worker: does @routine
 * @working: there is one
 * @lock: protects @working
 * @routine: what it does
 * @context: handed to @routine
 * @policy: the guard before EduGuardEveryDevice()
 */
struct edu_engine {
	PDEVICE_OBJECT device;
	const char *name;
	int fd;
	unsigned char *regs;
	int interrupts;
	uint32_t type;
	bool automasked;
	unsigned int transfers;
	unsigned int interrupted;
	pthread_t worker;
	bool working;
	pthread_mutex_t lock;
	VOID (*routine)(PVOID Context);
	PVOID context;
	uint32_t policy;
};

bool start_engine(struct edu_engine *engine);
void stop_engine(struct edu_engine *engine);

/* pages.c */

bool start_pool(void);

/* transcript.c */

/**
 * struct scenario_run - the program's run: its totals, and the state of the running scenario
 * @writing: one line at a time: a scenario may have several threads
 * @step: number of the last step
 * @bad: a step failed
 * @skip: why the scenario cannot be shown here, or NULL
 * @passed: scenarios that passed
 * @failed: scenarios that failed
 * @skipped: scenarios that were skipped
 */
struct scenario_run {
	pthread_mutex_t writing;
	unsigned int step;
	bool bad;
	const char *skip;
	unsigned int passed;
	unsigned int failed;
	unsigned int skipped;
};

void run_scenario(struct scenario_run *run, const struct scenario *scenario, PVOID context);

#endif
