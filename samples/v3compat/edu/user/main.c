// SPDX-License-Identifier: GPL-2.0
/*
 * edu [--machine] NAME [SCENARIO...]: the scenarios of the sample, for the PCI device NAME, as a
 * program.
 *
 * Physical addresses are those of a pool of the program's own, so that privilege is needed for
 * claiming the device only, and is given up then. With --machine they are the machine's, for the
 * scenarios that are about these.
 */
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dma.h"
#include "user.h"

static const struct scenario in_pool[] = {
	{ "interface", "what a driver asks for when its device starts", EduRunInterface },
	{ "allocator", "the system chooses logical addresses", EduRunAllocator },
	{ "explicit", "the driver chooses logical addresses", EduRunExplicit },
	{ "scattered", "scattered pages become one logical range", EduRunScattered },
	{ "reserved", "reserve once, commit many times", EduRunReserved },
	{ "switch", "one device, two domains in turn", EduRunSwitch },
	{ "unmanaged", "the driver owns the page tables", EduRunUnmanaged },
	{ NULL, NULL, NULL }
};

static const struct scenario in_machine[] = {
	{ "identity", "logical addresses equal physical ones", EduRunIdentity },
	{ "passthrough", "no translation while attached", EduRunPassThrough },
	{ "guard", "policy takes PassThrough away while it is used", EduRunGuard },
	{ NULL, NULL, NULL }
};

static int give_up(const char *what)
{
	char why[256];

	v3compat_result_sentence(v3compat_last_refusal(), why, sizeof(why));
	fprintf(stderr, "edu: %s: %m; %s\n", what, why);
	return 2;
}

/* is_wanted() tells whether a scenario is one of @names, or there are none. */
static bool is_wanted(const char *name, char *const names[])
{
	char *const *wanted;

	if (!*names)
		return true;
	for (wanted = names; *wanted; wanted++)
		if (!strcmp(*wanted, name))
			return true;
	return false;
}

/* What main() returns when no scenario was run that it was asked for. */
#define NONE_RUN 3

static int run_scenarios(const struct scenario *scenario, char *const names[],
			 struct edu_adapter *adapter)
{
	struct scenario_run run = { .writing = PTHREAD_MUTEX_INITIALIZER };

	for (; scenario->Name; scenario++)
		if (is_wanted(scenario->Name, names))
			run_scenario(&run, scenario, adapter);
	printf("1..%u\n", run.passed + run.failed + run.skipped);
	printf("# %u transfers, the end of %u told by an interrupt\n",
	       adapter->Engine->transfers, adapter->Engine->interrupted);
	printf("%u passed, %u failed, %u skipped\n", run.passed, run.failed, run.skipped);
	if (!run.passed && !run.failed && !run.skipped)
		return NONE_RUN;
	return run.failed || (adapter->Engine->transfers && !adapter->Engine->interrupted);
}

#define NOBODY 65534

static bool give_privilege_up(void)
{
	if (geteuid())
		return true;
	return !setgroups(0, NULL) && !setresgid(NOBODY, NOBODY, NOBODY) &&
	       !setresuid(NOBODY, NOBODY, NOBODY);
}

int main(int argc, char *argv[])
{
	struct edu_engine engine = { .policy = 0 };
	struct edu_adapter adapter = { .Engine = &engine };
	bool machine = false;
	NTSTATUS status;
	int ret;

	if (argc > 1 && !strcmp(argv[1], "--machine")) {
		machine = true;
		argv++;
	}
	if (!argv[1]) {
		fprintf(stderr, "usage: edu [--machine] NAME [SCENARIO...]\n");
		return 2;
	}
	engine.name = argv[1];
	engine.device = adapter.Pdo = v3compat_open_device("pci", argv[1]);
	if (!engine.device)
		return give_up(argv[1]);
	if (!machine && !give_privilege_up())
		return give_up("privilege");
	if (!(machine ? !v3compat_use_machine_frames() : start_pool()))
		return give_up("physical memory");
	if (!start_engine(&engine))
		return give_up("engine");
	status = EduStart(&adapter);
	if (!NT_SUCCESS(status))
		return give_up("CreateDevice");
	ret = run_scenarios(machine ? in_machine : in_pool, argv + 2, &adapter);
	EduStop(&adapter);
	stop_engine(&engine);
	if (v3compat_close_device(engine.device))
		return give_up("close");
	return ret;
}
