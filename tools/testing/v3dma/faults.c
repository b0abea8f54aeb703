// SPDX-License-Identifier: GPL-2.0
/*
 * Faults of a real IOMMU on their way to a handler.
 *
 * Where the IOMMU driver tells the log only, v3compat must have been loaded with fault_console=1.
 */
#include <wdm.h>

#include "test.h"

#define FAULTS_WRITES 3

/* Far from anything that is mapped here. */
#define FAULTS_LOGICAL 0x7654321000ull

/* Told by the handler. */
typedef struct heard {
	ULONG Count;
	FAULT_INFORMATION_ARCH Arch;
	PVOID Domain[FAULTS_WRITES];
	PVOID Address[FAULTS_WRITES];
	FAULT_INFORMATION_X64_TYPE Type[FAULTS_WRITES];
	BOOLEAN Write[FAULTS_WRITES];
} HEARD, *PHEARD;

static VOID HearFault(PVOID Context, PFAULT_INFORMATION Information)
{
	PHEARD Heard = Context;
	ULONG i = Heard->Count;

	if (i < FAULTS_WRITES) {
		Heard->Arch = Information->Type;
		Heard->Domain[i] = Information->X64.DomainHandle;
		Heard->Address[i] = Information->X64.Flags.FaultAddressValid ?
				    Information->X64.FaultAddress : NULL;
		Heard->Type[i] = Information->X64.Type;
		Heard->Write[i] = TestFaultIsWrite(Information);
	}
	TestSignal(&Heard->Count);
}

/* Each write before the next: a driver that tells the log leaves out what comes too fast. */
static VOID StrayOnce(PTEST Test, PIOMMU_DMA_DOMAIN Domain, PHEARD Heard, PBUFFER Buffer,
		      IOMMU_DMA_LOGICAL_ADDRESS Logical, FAULT_INFORMATION_X64_TYPE Type)
{
	ULONG i = Heard->Count;

	TestDevWrite(0, Logical, BufferPhysical(Buffer, 0));
	if (!ScenarioCheck(Test->Run, "fault reported", Logical, NO_BYTES,
			   TestWait(&Heard->Count, i + 1), "by a call of the handler"))
		return;
	ScenarioCheck(Test->Run, "report", Logical, NO_BYTES,
		      Heard->Arch == FaultInformationX64 && Heard->Domain[i] == Domain &&
		      Heard->Address[i] == (PVOID)Logical && Heard->Type[i] == Type &&
		      Heard->Write[i], "form %d, address %#llx, type %d, %s", Heard->Arch,
		      (ULONGLONG)Heard->Address[i], Heard->Type[i],
		      Heard->Write[i] ? "write" : "read");
}

static VOID StrayOften(PTEST Test, PIOMMU_DMA_DOMAIN Domain, PHEARD Heard, PBUFFER Buffer)
{
	IOMMU_MAP_PHYSICAL_ADDRESS Physical = BufferMdl(Buffer);
	IOMMU_DMA_LOGICAL_ADDRESS Logical;
	NTSTATUS Status;

	StrayOnce(Test, Domain, Heard, Buffer, FAULTS_LOGICAL, TranslationFault);
	StrayOnce(Test, Domain, Heard, Buffer, FAULTS_LOGICAL + PAGE_SIZE, TranslationFault);
	Status = Test->Iommu->MapLogicalRangeEx(Domain, DEVICE_READS, &Physical, NULL, NULL, NULL,
						&Logical);
	if (!ScenarioCall(Test->Run, "MapLogicalRangeEx", Status, STATUS_SUCCESS, Logical,
			  Buffer->Size))
		return;
	StrayOnce(Test, Domain, Heard, Buffer, Logical, PermissionFault);
	TestUnmap(Test, Domain, Logical, Buffer->Size, STATUS_SUCCESS);
}

VOID RunFaults(PSCENARIO_RUN Run, PVOID Context)
{
	HEARD Heard = { .Count = 0 };
	DEVICE_FAULT_CONFIGURATION Config = { HearFault, &Heard };
	PIOMMU_DMA_DOMAIN Domain;
	BUFFER Buffer;
	NTSTATUS Status;
	TEST Test;

	if (!TestBegin(&Test, Run, 1))
		return;
	if (!TestAllocate(&Test, &Buffer, 1, FALSE))
		goto EndTest;
	Domain = TestOpenDomain(&Test, TRUE);
	if (!Domain)
		goto FreeBuffer;
	Status = Test.Iommu->SetDeviceFaultReportingEx(Test.Device[0], 0, TRUE, &Config);
	if (Status == STATUS_NOT_IMPLEMENTED) {
		ScenarioSkip(Run, "nothing tells v3compat of faults here");
	} else if (NT_SUCCESS(Status) && !TestDevFaultsAreTold(0)) {
		ScenarioSkip(Run, "QEMU's model of this IOMMU tells nobody");
		Test.Iommu->SetDeviceFaultReportingEx(Test.Device[0], 0, FALSE, NULL);
	} else if (ScenarioCall(Run, "SetDeviceFaultReportingEx", Status, STATUS_SUCCESS,
				NO_ADDRESS, NO_BYTES)) {
		StrayOften(&Test, Domain, &Heard, &Buffer);
		Status = Test.Iommu->SetDeviceFaultReportingEx(Test.Device[0], 0, FALSE, NULL);
		ScenarioCall(Run, "SetDeviceFaultReportingEx", Status, STATUS_SUCCESS, NO_ADDRESS,
			     NO_BYTES);
	}
	TestCloseDomain(&Test, Domain);
FreeBuffer:
	BufferFree(&Buffer);
EndTest:
	TestEnd(&Test);
}
