// SPDX-License-Identifier: GPL-2.0
/*
 * The random walk of the KUnit tests, with a device whose IOMMU is the machine's and one whose
 * IOMMU is an iommusim.
 */
#include <linux/io.h>
#include <linux/iommusim.h>
#include <linux/moduleparam.h>
#include <linux/slab.h>

#include "tests/model.c"

#include "test.h"

static unsigned int model_seed = MODEL_SEED;
module_param(model_seed, uint, 0644);
MODULE_PARM_DESC(model_seed, "seed of the random calls");

static unsigned int model_steps = MODEL_STEPS;
module_param(model_steps, uint, 0644);
MODULE_PARM_DESC(model_steps, "number of random calls");

/* Far from the words that the software device writes. */
#define TESTDEV_OFFSET (PAGE_SIZE / 2)

static bool testdev_sees(void *context, u64 address, u64 physical, ULONG permissions)
{
	PULONG Word = phys_to_virt(physical + TESTDEV_OFFSET);
	ULONG Result;

	*Word = 0;
	Result = TestDevWrite(0, address + TESTDEV_OFFSET, physical + TESTDEV_OFFSET);
	if (permissions & DEVICE_WRITES)
		return Result == TESTDEV_REACHED && *Word == TESTDEV_WORD;
	return Result == TESTDEV_REFUSED && !*Word;
}

static VOID Walk(PTEST Test, struct model *Model, PTEST_SIM Sim)
{
	Model->v3 = Test->Iommu;
	Model->devices[0] = (struct model_device) { Test->Device[0], testdev_sees };
	Model->devices[1] = (struct model_device) { Sim->Device, model_sim_sees, Sim->Pdo };
	Model->seed = model_seed;
	Model->steps = model_steps;
	model_run(Model);
	ScenarioCheck(Test->Run, "random calls", NO_ADDRESS, NO_BYTES, !Model->error[0],
		      "seed %u, %u steps: %s", Model->seed, Model->steps,
		      Model->error[0] ? Model->error : "as the list says");
	ScenarioCheck(Test->Run, "their results", NO_ADDRESS, NO_BYTES, TRUE,
		      "%lu did, %lu undid, %lu cut, %lu not, %lu refused, %lu pages seen",
		      Model->mapped, Model->unmapped, Model->cuts, Model->uncut, Model->refused,
		      Model->seen);
}

VOID RunModel(PSCENARIO_RUN Run, PVOID Context)
{
	struct model *Model = kzalloc(sizeof(*Model), GFP_KERNEL);
	TEST_SIM Sim;
	TEST Test;

	if (!Model) {
		ScenarioCheck(Run, "allocate memory", NO_ADDRESS, sizeof(*Model), FALSE,
			      "there is none");
		return;
	}
	if (!TestBegin(&Test, Run, 1))
		goto FreeModel;
	if (TestSimCreate(&Test, &Sim)) {
		Model->domain = TestCreateDomain(&Test, DomainTypeTranslate, FALSE, NULL);
		if (Model->domain) {
			Walk(&Test, Model, &Sim);
			TestDeleteDomain(&Test, Model->domain);
		}
		TestSimDelete(&Test, &Sim);
	}
	TestEnd(&Test);
FreeModel:
	kfree(Model);
}
