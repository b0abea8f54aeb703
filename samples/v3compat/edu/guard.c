// SPDX-License-Identifier: GPL-2.0
/*
 * A domain type that policy takes away while it is in use: the interface tells the driver, and the
 * driver moves to another type by itself.
 */
#include <wdm.h>

#include "dma.h"

/* No memory has these as physical addresses. */
#define SOURCE_ADDRESS 0x1234560000ULL
#define SINK_ADDRESS 0x1234570000ULL

/**
 * struct watch - one run of the scenario
 * @Job: its transcript and its device
 * @PassThrough: the domain that the driver would like to use
 * @Translate: the one that it can always use, once it needs it
 * @Current: the one that the device is attached to, or NULL
 * @Types: domain types available, as last told
 * @Calls: how often the driver was told
 *
 * The callback writes @Types and @Calls. Whoever changes policy goes on only after it has run.
 */
typedef struct watch {
	EDU_JOB Job;
	PIOMMU_DMA_DOMAIN PassThrough;
	PIOMMU_DMA_DOMAIN Translate;
	PIOMMU_DMA_DOMAIN Current;
	ULONG Types;
	ULONG Calls;
} WATCH, *PWATCH;

/* Runs beside the driver's other threads, and once on the one that registers it. */
static VOID StateChanged(PIOMMU_INTERFACE_STATE_CHANGE StateChange, PVOID Context)
{
	PWATCH Watch = Context;

	if (!StateChange->PresentFields.AvailableDomainTypes)
		return;
	Watch->Calls++;
	Watch->Types = StateChange->AvailableDomainTypes;
	if (!(Watch->Types & (1 << DomainTypePassThrough)))
		EduStartWork(Watch->Job.Adapter->Engine);
}

/* The engine is idle; until it is attached again, it reaches nothing. */
static VOID LeavePassThrough(PVOID Context)
{
	IOMMU_DMA_LOGICAL_ADDRESS Source = SOURCE_ADDRESS, Sink = SINK_ADDRESS, Given;
	PWATCH Watch = Context;
	PEDU_JOB Job = &Watch->Job;
	NTSTATUS Status;

	if (!Watch->Current)
		return;
	ScenarioCheck(Job->Run, "driver's worker", NO_ADDRESS, NO_BYTES, TRUE,
		      "leaves PassThrough");
	EduDetach(Job);
	Watch->Current = NULL;
	Status = Job->Adapter->Iommu.V3.AttachDeviceEx(Watch->PassThrough,
						       Job->Adapter->DmaDevice);
	ScenarioCall(Job->Run, "AttachDeviceEx(PassThrough)", Status, STATUS_ACCESS_DENIED,
		     NO_ADDRESS, NO_BYTES);
	if (!EduCreateDomain(Job, DomainTypeTranslate, FALSE, &Watch->Translate))
		return;
	if (EduMap(Job, Watch->Translate, DEVICE_READS, &Job->Source, &Source, &Given) &&
	    EduMap(Job, Watch->Translate, DEVICE_WRITES, &Job->Sink, &Sink, &Given) &&
	    EduAttach(Job, Watch->Translate))
		Watch->Current = Watch->Translate;
}

static VOID ExpectTold(PWATCH Watch, ULONG Calls, BOOLEAN PassThrough)
{
	BOOLEAN Available = !!(Watch->Types & (1 << DomainTypePassThrough));

	ScenarioCheck(Watch->Job.Run, "state-change callback", NO_ADDRESS, NO_BYTES,
		      Watch->Calls == Calls && Available == PassThrough,
		      "call %u says PassThrough is %s", Watch->Calls,
		      Available ? "available" : "not available");
}

/* The driver is where policy wants it: only what it has mapped can be reached. */
static VOID UseTranslate(PWATCH Watch)
{
	IOMMU_DMA_DOMAIN_CREATION_FLAGS Flags = { .AsUlonglong = 0 };
	PEDU_JOB Job = &Watch->Job;
	PIOMMU_DMA_DOMAIN Refused;
	NTSTATUS Status;

	EduRoundTrip(Job, SOURCE_ADDRESS, SINK_ADDRESS);
	EduStrayWrite(Job, &Job->Sink, BufferPhysical(&Job->Sink, 0));
	EduStrayRead(Job, BufferPhysical(&Job->Source, 0), SINK_ADDRESS);
	Status = Job->Adapter->Iommu.V3.CreateDomainEx(DomainTypePassThrough, Flags, NULL, NULL,
						       &Refused);
	ScenarioCall(Job->Run, "CreateDomainEx(PassThrough)", Status, STATUS_NOT_SUPPORTED,
		     NO_ADDRESS, NO_BYTES);
}

/* An administrator changes policy while the driver uses what it forbids, and changes it back. */
static VOID ChangePolicy(PWATCH Watch)
{
	PEDU_JOB Job = &Watch->Job;
	BOOLEAN Good;

	ScenarioCheck(Job->Run, "administrator", NO_ADDRESS, NO_BYTES, TRUE,
		      "guards every device");
	Good = EduGuardEveryDevice(Job->Adapter->Engine);
	EduFinishWork(Job->Adapter->Engine);
	if (!ScenarioCheck(Job->Run, "policy", NO_ADDRESS, NO_BYTES, Good, "in force"))
		return;
	ExpectTold(Watch, 2, FALSE);
	if (Watch->Current && Watch->Current == Watch->Translate)
		UseTranslate(Watch);

	Good = EduRestoreGuard(Job->Adapter->Engine);
	ScenarioCheck(Job->Run, "administrator", NO_ADDRESS, NO_BYTES, Good,
		      "restores the policy");
	ExpectTold(Watch, 3, TRUE);
	if (Watch->Current && Watch->Current == Watch->Translate)
		EduRoundTrip(Job, SOURCE_ADDRESS, SINK_ADDRESS);
}

static BOOLEAN Register(PWATCH Watch)
{
	IOMMU_INTERFACE_STATE_CHANGE_FIELDS Fields = { .AvailableDomainTypes = 1 };
	PEDU_ADAPTER Adapter = Watch->Job.Adapter;
	NTSTATUS Status;

	Status = Adapter->Iommu.V3.RegisterInterfaceStateChangeCallback(StateChanged, Watch,
									Adapter->DmaDevice,
									&Fields);
	return ScenarioCall(Watch->Job.Run, "RegisterInterfaceStateChangeCallback", Status,
			    STATUS_SUCCESS, NO_ADDRESS, NO_BYTES);
}

static VOID Unregister(PWATCH Watch)
{
	PEDU_ADAPTER Adapter = Watch->Job.Adapter;
	NTSTATUS Status;

	Status = Adapter->Iommu.V3.UnregisterInterfaceStateChangeCallback(StateChanged,
									  Adapter->DmaDevice);
	ScenarioCall(Watch->Job.Run, "UnregisterInterfaceStateChangeCallback", Status,
		     STATUS_SUCCESS, NO_ADDRESS, NO_BYTES);
	EduFinishWork(Adapter->Engine);
}

static VOID UsePassThrough(PWATCH Watch)
{
	PEDU_JOB Job = &Watch->Job;

	if (!EduCreateDomain(Job, DomainTypePassThrough, FALSE, &Watch->PassThrough))
		return;
	if (!EduAttach(Job, Watch->PassThrough))
		return;
	Watch->Current = Watch->PassThrough;
	EduRoundTrip(Job, BufferPhysical(&Job->Source, 0), BufferPhysical(&Job->Sink, 0));
	ChangePolicy(Watch);
}

/* The driver asks to be told, and believes what it is told. */
VOID EduRunGuard(PSCENARIO_RUN Run, PVOID Context)
{
	PEDU_ADAPTER Adapter = Context;
	WATCH Watch = { .Current = NULL };
	PEDU_JOB Job = &Watch.Job;
	ULONG Types;

	Adapter->Iommu.V3.QueryAvailableDomainTypes(Adapter->DmaDevice, &Types);
	if (!(Types & (1 << DomainTypePassThrough))) {
		ScenarioSkip(Run, "PassThrough is not available to this device");
		return;
	}
	if (!EduBeginJob(Job, Run, Adapter))
		return;
	EduPrepareWork(Adapter->Engine, LeavePassThrough, &Watch);
	if (!Register(&Watch))
		goto EndJob;
	ExpectTold(&Watch, 1, TRUE);
	UsePassThrough(&Watch);
	Unregister(&Watch);

	if (Watch.Current)
		EduDetach(Job);
	if (Watch.Translate)
		EduDeleteDomain(Job, Watch.Translate);
	if (Watch.PassThrough)
		EduDeleteDomain(Job, Watch.PassThrough);
EndJob:
	EduEndJob(Job);
}
