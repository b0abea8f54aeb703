// SPDX-License-Identifier: GPL-2.0
/*
 * Several ranges unmapped at once, by the core's own verbs (namespace V3COMPAT_TEST): whatever the
 * machine's invalidations reach, no device gets at any of them when the first page is given back.
 */
#include <linux/slab.h>
#include <wdm.h>

#include <kcompat.h>

#include "base/owner.h"
#include "core/attach.h"
#include "core/create.h"
#include "core/device.h"
#include "core/domain.h"
#include "core/map.h"
#include "core/pinned.h"
#include "core/place.h"
#include "core/reclaim.h"

#include "test.h"

/* Payloads are for processes. */
static const struct v3c_owner User = { .name = "v3dma", .user = true };

/* The ranges begin at powers of two from 2^30, as far as the domain goes, at most at 2^46. */
#define FIRST_SHIFT 30
#define LAST_SHIFT 46
#define STEP 2
#define RANGES ((LAST_SHIFT - FIRST_SHIFT) / STEP + 1)

/**
 * struct batch - what is unmapped at once
 * @Payload: of each range; first
 * @Test: the scenario
 * @Buffer: a page for each range
 * @Spans: the ranges
 * @Count: number of ranges
 * @Returned: pages given back
 * @Arrived: writes that arrived while a page was given back
 */
struct batch {
	struct v3c_payload Payload;
	PTEST Test;
	BUFFER Buffer;
	struct v3c_span Spans[RANGES];
	ULONG Count;
	ULONG Returned;
	ULONG Arrived;
};

static ULONGLONG AddressOf(ULONG Range)
{
	return 1ull << (FIRST_SHIFT + STEP * Range);
}

static ULONG CountArrived(struct batch *Batch)
{
	ULONG Arrived = 0, i;
	ULONGLONG Physical;

	for (i = 0; i < Batch->Count; i++) {
		Physical = BufferPhysical(&Batch->Buffer, (SIZE_T)i << PAGE_SHIFT);
		Arrived += TestDevWrite(0, AddressOf(i), Physical) != TESTDEV_REFUSED;
	}
	return Arrived;
}

static void TakeBack(struct v3c_payload *Payload, u64 At, u64 Pages)
{
	struct batch *Batch = container_of(Payload, struct batch, Payload);

	Batch->Returned += Pages;
	Batch->Arrived += CountArrived(Batch);
}

/* FALSE where the domain ends. */
static BOOLEAN MapRange(struct batch *Batch, struct v3c_domain *Domain, ULONG Range)
{
	u64 Page = AddressOf(Range) >> PAGE_SHIFT, Out;
	struct v3c_place Place = { .explicit_page = &Page };
	struct v3c_phys Physical = {
		.pfn = BufferPhysical(&Batch->Buffer, (SIZE_T)Range << PAGE_SHIFT) >> PAGE_SHIFT,
		.pages = 1,
	};
	struct v3c_pin Pin = { &Batch->Payload, Range };
	struct v3c_why Why;

	if (v3c_map_pinned(Domain, DEVICE_READS_WRITES, &Physical, &Place, Pin, &Out, &Why))
		return FALSE;
	Batch->Spans[Range] = (struct v3c_span) { Page, Page };
	return TRUE;
}

static VOID UnmapBatch(struct batch *Batch, struct v3c_domain *Domain)
{
	PSCENARIO_RUN Run = Batch->Test->Run;
	enum v3c_reason Reason;
	struct v3c_why Why;
	ULONG i;

	while (Batch->Count < RANGES && MapRange(Batch, Domain, Batch->Count))
		Batch->Count++;
	/* A range that was refused gave its page back at once. */
	ScenarioCheck(Run, "ranges", 0, NO_BYTES,
		      Batch->Count >= 4 && Batch->Returned == (Batch->Count < RANGES),
		      "%u are mapped, %u pages came back", Batch->Count, Batch->Returned);
	for (i = 0; i < Batch->Count; i++)
		TestReached(Batch->Test, 0, AddressOf(i), &Batch->Buffer, (SIZE_T)i << PAGE_SHIFT,
			    PAGE_SIZE);
	Batch->Returned = 0;
	Batch->Arrived = 0;
	Reason = v3c_unmap_many(Domain, Batch->Spans, Batch->Count, TRUE, &Why);
	ScenarioCheck(Run, "v3c_unmap_many", 0, NO_BYTES,
		      !Reason && Batch->Returned == Batch->Count,
		      "reason %u, %u pages came back", Reason, Batch->Returned);
	ScenarioCheck(Run, "writes beside a give-back", 0, NO_BYTES, !Batch->Arrived,
		      "%u arrived", Batch->Arrived);
}

/* A domain of the user's, to which the first device is attached; or NULL. */
static struct v3c_domain *OpenDomain(PTEST Test)
{
	static const struct v3c_domain_config Explicit = { .type = V3C_DOMAIN_TRANSLATE };
	static const struct v3c_device_config Plain;
	struct device *Pdo = ((struct v3c_device *)Test->Device[0])->pdo;
	struct v3c_domain *Domain = NULL;
	struct v3c_device *Device = NULL;
	enum v3c_reason Reason;
	struct v3c_why Why;

	Reason = v3c_domain_create(&User, &Explicit, &Domain, &Why) ?:
		 v3c_device_create(&User, Pdo, &Plain, &Device, &Why) ?:
		 v3c_attach_device(Domain, Device, &Why);
	ScenarioCheck(Test->Run, "a domain of a process", 0, NO_BYTES, !Reason, "reason %u",
		      Reason);
	return Reason ? NULL : Domain;
}

VOID RunBatch(PSCENARIO_RUN Run, PVOID Context)
{
	struct v3c_domain *Domain;
	struct batch *Batch;
	TEST Test;

	if (!TestBegin(&Test, Run, 1))
		return;
	Batch = kzalloc(sizeof(*Batch), GFP_KERNEL);
	if (Batch && TestAllocate(&Test, &Batch->Buffer, RANGES, TRUE)) {
		Batch->Payload.release = TakeBack;
		Batch->Test = &Test;
		Domain = OpenDomain(&Test);
		if (Domain)
			UnmapBatch(Batch, Domain);
		v3c_reclaim(&User, FALSE);
		BufferFree(&Batch->Buffer);
	}
	kfree(Batch);
	TestEnd(&Test);
}

V3C_IMPORT_NS(V3COMPAT_TEST);
