// SPDX-License-Identifier: GPL-2.0
/*
 * Devices that leave while they are attached, as a client sees it that was not told.
 */
#include <wdm.h>

#include "test.h"

#define START 0x60000000ull

/* The handle is still the client's, but no call works on it except letting go. */
static VOID ExpectGone(PTEST Test, PIOMMU_DMA_DOMAIN Domain)
{
	PIOMMU_DMA_DEVICE Device = Test->Device[0];
	IOMMU_DMA_DEVICE_INFORMATION Information;
	ULONG Written;

	ScenarioCall(Test->Run, "QueryDeviceInfo",
		     Test->Iommu->QueryDeviceInfo(Device, sizeof(Information), &Written,
						  &Information),
		     STATUS_INVALID_PARAMETER_1, NO_ADDRESS, NO_BYTES);
	ScenarioCall(Test->Run, "DetachDeviceEx", Test->Iommu->DetachDeviceEx(Device),
		     STATUS_INVALID_PARAMETER_1, NO_ADDRESS, NO_BYTES);
	ScenarioCall(Test->Run, "AttachDeviceEx", Test->Iommu->AttachDeviceEx(Domain, Device),
		     STATUS_INVALID_PARAMETER_2, NO_ADDRESS, NO_BYTES);
	TestEnd(Test);
	ScenarioCall(Test->Run, "DeleteDevice", Test->Iommu->DeleteDevice(Device),
		     STATUS_INVALID_PARAMETER_1, NO_ADDRESS, NO_BYTES);
}

/* The domain has outlived its device: it still takes mappings and the device's successor. */
static VOID UseSuccessor(PTEST Test, PIOMMU_DMA_DOMAIN Domain, PBUFFER Buffer)
{
	PSCENARIO_RUN Run = Test->Run;

	TestDevRestore();
	if (!ScenarioCheck(Run, "bring the device back", NO_ADDRESS, NO_BYTES,
			   TestDevPdo(0) != NULL, "done"))
		return;
	TestRefused(Test, 0, START, Buffer, 0, Buffer->Size);
	if (!TestBegin(Test, Run, 1))
		return;
	if (TestAttach(Test, Domain, 0)) {
		TestReached(Test, 0, START, Buffer, 0, Buffer->Size);
		TestReached(Test, 0, START + Buffer->Size, Buffer, 0, Buffer->Size);
		TestUnmap(Test, Domain, START, 2 * Buffer->Size, STATUS_SUCCESS);
		TestRefused(Test, 0, START, Buffer, 0, Buffer->Size);
		TestDetach(Test, 0);
	}
	TestEnd(Test);
}

static VOID LoseDevice(PSCENARIO_RUN Run, VOID (*Lose)(ULONG Index))
{
	PIOMMU_DMA_DOMAIN Domain;
	BUFFER Buffer;
	TEST Test;

	if (!TestBegin(&Test, Run, 1))
		return;
	if (!TestAllocate(&Test, &Buffer, 4, TRUE)) {
		TestEnd(&Test);
		return;
	}
	Domain = TestOpenDomain(&Test, FALSE);
	if (!Domain) {
		TestEnd(&Test);
		goto FreeBuffer;
	}
	if (TestMap(&Test, Domain, BufferMdl(&Buffer), Buffer.Size, START) == START) {
		TestReached(&Test, 0, START, &Buffer, 0, Buffer.Size);
		Lose(0);
		ScenarioCheck(Run, "the device leaves", NO_ADDRESS, NO_BYTES,
			      TestDevWrite(0, START, BufferPhysical(&Buffer, 0)) == TESTDEV_GONE,
			      "it is gone");
		ExpectGone(&Test, Domain);
		TestMap(&Test, Domain, BufferMdl(&Buffer), Buffer.Size, START + Buffer.Size);
		UseSuccessor(&Test, Domain, &Buffer);
	}
	TestDeleteDomain(&Test, Domain);
FreeBuffer:
	BufferFree(&Buffer);
}

VOID RunRemoval(PSCENARIO_RUN Run, PVOID Context)
{
	LoseDevice(Run, TestDevRemove);
}

VOID RunUnbind(PSCENARIO_RUN Run, PVOID Context)
{
	LoseDevice(Run, TestDevUnbind);
}
