/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Named scenarios behind a character device, with a transcript.
 *
 * Writing a scenario's name to the device runs it; reading then returns its
 * transcript, one line per step and a TAP verdict at the end. Writing "list"
 * returns the names, writing "summary" the totals of this open file.
 */
#ifndef EDU_SCENARIO_H
#define EDU_SCENARIO_H

#include <wdm.h>

struct scenario_device;

typedef struct scenario_run SCENARIO_RUN, *PSCENARIO_RUN;

/**
 * struct scenario - one thing that can be run by its name; a list of them ends with an empty one
 * @Name: what to write to the device
 * @Summary: one line for the reader of the transcript
 * @Run: does it; runs in process context, one scenario at a time
 */
typedef struct scenario {
	const char *Name;
	const char *Summary;
	VOID (*Run)(PSCENARIO_RUN Run, PVOID Context);
} SCENARIO;

/* For steps that have no logical address or move nothing. */
#define NO_ADDRESS (~0ULL)
#define NO_BYTES 0

/**
 * ScenarioCall() - record a call of the interface
 * @Run: the running scenario
 * @Call: name of the member called
 * @Status: what it returned
 * @Expected: what it had to return
 * @Logical: logical address it worked on, or NO_ADDRESS
 * @Bytes: size of the range, or NO_BYTES
 *
 * Any other status than @Expected makes the scenario fail.
 *
 * Return: whether the status was the expected one.
 */
BOOLEAN ScenarioCall(PSCENARIO_RUN Run, const char *Call, NTSTATUS Status, NTSTATUS Expected,
		     IOMMU_DMA_LOGICAL_ADDRESS Logical, SIZE_T Bytes);

/**
 * ScenarioCheck() - record an observation
 * @Run: the running scenario
 * @What: what was done
 * @Logical: logical address involved, or NO_ADDRESS
 * @Bytes: bytes moved or looked at, or NO_BYTES
 * @Good: whether it was as it had to be; if not, the scenario fails
 * @Verdict: what was seen, printf format
 *
 * Return: @Good.
 */
__printf(6, 7)
BOOLEAN ScenarioCheck(PSCENARIO_RUN Run, const char *What, IOMMU_DMA_LOGICAL_ADDRESS Logical,
		      SIZE_T Bytes, BOOLEAN Good, const char *Verdict, ...);

/**
 * ScenarioSkip() - say that this machine cannot show the scenario
 * @Run: the running scenario
 * @Reason: what is missing
 *
 * Return: nothing; a failed step counts more than this.
 */
VOID ScenarioSkip(PSCENARIO_RUN Run, const char *Reason);

/* The Linux half: scenario.c */

struct scenario_device *scenario_device_create(const char *name, const SCENARIO *scenarios,
					       void *context);
void scenario_device_destroy(struct scenario_device *device);

#endif
