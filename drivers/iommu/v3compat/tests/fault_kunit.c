// SPDX-License-Identifier: GPL-2.0
/* Fault reporting: who hears of what, when it ends, and what becomes of a burst. */
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/slab.h>

#include <kcompat.h>

#include "core/fault.h"
#include "core/fault_console.h"
#include "alloc_fail.h"
#include "fixture.h"
#include "listener.h"
#include "thread.h"
#include "wdm/faults.h"

V3C_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);

#define QUEUE	V3C_FAULT_QUEUE
#define ROUNDS	40

static void enable(struct kunit *test, PIOMMU_DMA_DEVICE device, struct v3t_listener *listener)
{
	ASSERT_V3(test, STATUS_SUCCESS, SetDeviceFaultReportingEx, device, 0, TRUE,
		  &listener->config);
}

static void disable(struct kunit *test, PIOMMU_DMA_DEVICE device)
{
	/* The configuration is read to enable only, so that it may be anything here. */
	EXPECT_V3(test, STATUS_SUCCESS, SetDeviceFaultReportingEx, device, 0, FALSE,
		  (PDEVICE_FAULT_CONFIGURATION)SZ_4K);
}

/* The default device on a domain of explicit addresses, reporting to a listener. */
static struct v3t_listener *listen(struct kunit *test, PIOMMU_DMA_DOMAIN *domain)
{
	struct v3t_world *w = test->priv;
	struct v3t_listener *listener = v3t_listener(test);

	*domain = v3t_explicit(test);
	v3t_attach(test, *domain, w->device);
	enable(test, w->device, listener);
	return listener;
}

static void stray(struct kunit *test, struct device *pdo, u64 address, bool write)
{
	struct iommusim_fault fault;
	u32 word = 0;

	if (write)
		iommusim_dma_write(pdo, IOMMUSIM_NO_PASID, address, &word, sizeof(word), &fault);
	else
		iommusim_dma_read(pdo, IOMMUSIM_NO_PASID, address, &word, sizeof(word), &fault);
	KUNIT_EXPECT_NE(test, fault.reason, IOMMUSIM_OK);
}

static void expect_fault(struct kunit *test, const struct v3compat_fault *fault,
			 PIOMMU_DMA_DOMAIN domain, u64 address, bool write,
			 FAULT_INFORMATION_X64_TYPE type)
{
	KUNIT_EXPECT_EQ(test, fault->kind, V3COMPAT_FAULT_UNRECOVERABLE);
	KUNIT_EXPECT_EQ(test, fault->pasid, V3COMPAT_NO_PASID);
	KUNIT_EXPECT_EQ(test, fault->write, write);
	KUNIT_EXPECT_PTR_EQ(test, v3t_fault_domain(fault), (PVOID)domain);
	KUNIT_EXPECT_EQ(test, v3t_fault_address(fault), address);
	KUNIT_EXPECT_EQ(test, v3t_fault_type(fault), type);
}

static void reports_what_is_not_mapped(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain;
	struct v3t_listener *l = listen(test, &domain);

	stray(test, w->pdo, SZ_1M + 0x120, false);
	stray(test, w->pdo, SZ_2M, true);
	if (!v3t_wait_ended(test, l, 2))
		return;
	expect_fault(test, &l->faults[0], domain, SZ_1M + 0x120, false, TranslationFault);
	expect_fault(test, &l->faults[1], domain, SZ_2M, true, TranslationFault);
	KUNIT_EXPECT_FALSE(test, l->faults[0].information.IsStage1);
	KUNIT_EXPECT_EQ(test, l->faults[1].lost, 0);
	KUNIT_EXPECT_EQ(test, l->atomic, 0);
	disable(test, w->device);
}

static void says_first_stage(struct kunit *test)
{
	static const struct iommusim_config pasids = { .max_pasids = 16 };
	struct iommusim *sim = v3t_sim(test, &pasids);
	struct device *pdo = v3t_pdo(test, sim, NULL);
	PIOMMU_DMA_DEVICE device = v3t_device(test, pdo);
	PIOMMU_DMA_DOMAIN domain = v3t_domain(test, DomainTypeTranslateS1, 0);
	struct v3t_listener *l = v3t_listener(test);

	v3t_attach(test, domain, device);
	enable(test, device, l);
	stray(test, pdo, SZ_1M, false);
	if (v3t_wait_ended(test, l, 1))
		KUNIT_EXPECT_TRUE(test, l->faults[0].information.IsStage1);
	disable(test, device);
}

static void tells_why(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct page *page = v3t_pages(test, 0);
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_page(page);
	const u64 base = SZ_4M;
	IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT segment;
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token;
	IOMMU_DMA_LOGICAL_ADDRESS at = SZ_1M, got;
	PIOMMU_DMA_DOMAIN domain;
	struct v3t_listener *l = listen(test, &domain);

	token = v3t_reserve(test, domain, SZ_64K, &base);
	ASSERT_V3(test, STATUS_SUCCESS, MapLogicalRangeEx, domain, V3T_READ, &what, &at, NULL, NULL,
		  &got);
	ASSERT_V3(test, STATUS_SUCCESS, MapReservedLogicalRange, token, SZ_4K, V3T_WRITE, &what,
		  &segment);

	stray(test, w->pdo, SZ_1M, true);
	stray(test, w->pdo, SZ_1M + SZ_4K, true);
	stray(test, w->pdo, SZ_4M + SZ_4K, false);
	stray(test, w->pdo, SZ_4M, false);
	if (!v3t_wait_ended(test, l, 4))
		return;
	expect_fault(test, &l->faults[0], domain, SZ_1M, true, PermissionFault);
	expect_fault(test, &l->faults[1], domain, SZ_1M + SZ_4K, true, TranslationFault);
	expect_fault(test, &l->faults[2], domain, SZ_4M + SZ_4K, false, PermissionFault);
	expect_fault(test, &l->faults[3], domain, SZ_4M, false, TranslationFault);
	disable(test, w->device);
	EXPECT_V3(test, STATUS_SUCCESS, UnmapReservedLogicalRange, &segment);
}

static void reports_to_whom_it_concerns(struct kunit *test)
{
	static const struct iommusim_device_config together = { .group = 7 };
	struct v3t_world *w = test->priv;
	struct device *pdo[3] = {
		w->pdo, v3t_pdo(test, w->sim, &together), v3t_pdo(test, w->sim, &together),
	};
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	struct v3t_listener *l[3];
	int i, j;

	for (i = 0; i < 3; i++) {
		PIOMMU_DMA_DEVICE device = i ? v3t_device(test, pdo[i]) : w->device;

		l[i] = v3t_listener(test);
		v3t_attach(test, domain, device);
		enable(test, device, l[i]);
	}
	for (i = 0; i < 3; i++) {
		stray(test, pdo[i], SZ_1M, true);
		v3t_wait_ended(test, l[i], 1);
		for (j = 0; j < 3; j++)
			KUNIT_EXPECT_EQ(test, READ_ONCE(l[j]->count), j <= i ? 1 : 0);
	}
}

/* As IOMMU drivers do that know the page table only. */
static void reports_to_all_when_nobody_is_named(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct device *other = v3t_pdo(test, w->sim, NULL);
	PIOMMU_DMA_DEVICE device = v3t_device(test, other);
	PIOMMU_DMA_DOMAIN domain;
	struct v3t_listener *l = listen(test, &domain), *k = v3t_listener(test);
	struct iommu_domain *core = iommu_get_domain_for_dev(w->pdo);

	KUNIT_ASSERT_NOT_NULL(test, core);
	v3t_attach(test, domain, device);
	enable(test, device, k);
	KUNIT_EXPECT_EQ(test, report_iommu_fault(core, NULL, SZ_1M, IOMMU_FAULT_WRITE), 0);
	v3t_wait_ended(test, l, 1);
	v3t_wait_ended(test, k, 1);
	/* The IOMMU's own device is in no group. */
	KUNIT_EXPECT_EQ(test, report_iommu_fault(core, w->pdo->iommu->iommu_dev->dev->parent,
						 SZ_1M, IOMMU_FAULT_READ), 0);
	v3t_wait_ended(test, l, 2);
	v3t_wait_ended(test, k, 2);

	disable(test, w->device);
	KUNIT_EXPECT_NE(test, report_iommu_fault(core, w->pdo, SZ_1M, IOMMU_FAULT_READ), 0);
	disable(test, device);
	KUNIT_EXPECT_NE(test, report_iommu_fault(core, NULL, SZ_1M, IOMMU_FAULT_READ), 0);
}

/* The last words of a device that is gone concern nobody else. */
static void late_reports_are_nobodys(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct device *other = get_device(v3t_pdo(test, w->sim, NULL));
	PIOMMU_DMA_DEVICE device = v3t_device(test, other);
	PIOMMU_DMA_DOMAIN domain;
	struct v3t_listener *l = listen(test, &domain);

	v3t_attach(test, domain, device);
	v3t_unplug(test, other);
	KUNIT_EXPECT_NE(test, report_iommu_fault(iommu_get_domain_for_dev(w->pdo), other, SZ_1M,
						 IOMMU_FAULT_READ), 0);
	put_device(other);
	disable(test, w->device);
	KUNIT_EXPECT_EQ(test, READ_ONCE(l->count), 0);
}

static void takes_reports_in_atomic_context(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain;
	struct v3t_listener *l = listen(test, &domain);
	struct iommusim_fault fault;
	unsigned long flags;
	u32 word;

	local_irq_save(flags);
	iommusim_dma_read(w->pdo, IOMMUSIM_NO_PASID, SZ_1M, &word, sizeof(word), &fault);
	local_irq_restore(flags);
	v3t_wait_ended(test, l, 1);
	KUNIT_EXPECT_EQ(test, l->atomic, 0);
	disable(test, w->device);
}

static void refuses_bad_arguments(struct kunit *test)
{
	static const struct iommusim_config silent = { .quirks = IOMMUSIM_SILENT_FAULTS };
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	struct device *quiet = v3t_pdo(test, v3t_sim(test, &silent), NULL);
	PIOMMU_DMA_DEVICE muted = v3t_device(test, quiet), foreign = (PIOMMU_DMA_DEVICE)domain;
	struct v3t_listener *l = v3t_listener(test);
	DEVICE_FAULT_CONFIGURATION nobody = { .FaultHandler = NULL };

	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, SetDeviceFaultReportingEx, NULL, 0, TRUE,
		  &l->config);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, SetDeviceFaultReportingEx, foreign, 1, TRUE,
		  &l->config);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_2, SetDeviceFaultReportingEx, w->device, 1, TRUE,
		  NULL);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_4, SetDeviceFaultReportingEx, w->device, 0, TRUE,
		  NULL);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_4, SetDeviceFaultReportingEx, w->device, 0, TRUE,
		  &nobody);
	/* Not attached. */
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, SetDeviceFaultReportingEx, w->device, 0, TRUE,
		  &l->config);
	REFUSE_V3(test, STATUS_UNSUCCESSFUL, SetDeviceFaultReportingEx, w->device, 0, FALSE, NULL);

	v3t_attach(test, domain, w->device);
	enable(test, w->device, l);
	REFUSE_V3(test, STATUS_RESOURCE_IN_USE, SetDeviceFaultReportingEx, w->device, 0, TRUE,
		  &l->config);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_2, SetDeviceFaultReportingEx, w->device, 1, FALSE,
		  NULL);
	disable(test, w->device);
	REFUSE_V3(test, STATUS_UNSUCCESSFUL, SetDeviceFaultReportingEx, w->device, 0, FALSE, NULL);

	/* Attached, but its IOMMU tells nobody. */
	v3t_attach(test, domain, muted);
	REFUSE_V3(test, STATUS_NOT_IMPLEMENTED, SetDeviceFaultReportingEx, muted, 0, TRUE,
		  &l->config);
}

static void works_through_v1(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct v3t_listener *l = v3t_listener(test);
	PIOMMU_DMA_DOMAIN domain;

	ASSERT_V1(test, STATUS_SUCCESS, CreateDomain, TRUE, &domain);
	v3t_adopt_domain(test, domain);
	REFUSE_V1(test, STATUS_INVALID_PARAMETER_1, SetDeviceFaultReporting, w->pdo, 0, TRUE,
		  &l->config);
	ASSERT_V1(test, STATUS_SUCCESS, AttachDevice, domain, w->pdo, 0, 1);
	REFUSE_V1(test, STATUS_INVALID_PARAMETER_1, SetDeviceFaultReporting, NULL, 0, TRUE,
		  &l->config);
	REFUSE_V1(test, STATUS_INVALID_PARAMETER_2, SetDeviceFaultReporting, w->pdo, 1, TRUE,
		  &l->config);
	REFUSE_V1(test, STATUS_INVALID_PARAMETER_4, SetDeviceFaultReporting, w->pdo, 0, TRUE, NULL);
	REFUSE_V1(test, STATUS_UNSUCCESSFUL, SetDeviceFaultReporting, w->pdo, 0, FALSE, NULL);
	EXPECT_V1(test, STATUS_SUCCESS, SetDeviceFaultReporting, w->pdo, 0, TRUE, &l->config);
	REFUSE_V1(test, STATUS_RESOURCE_IN_USE, SetDeviceFaultReporting, w->pdo, 0, TRUE,
		  &l->config);
	stray(test, w->pdo, SZ_1M, true);
	v3t_wait_ended(test, l, 1);
	EXPECT_V1(test, STATUS_SUCCESS, SetDeviceFaultReporting, w->pdo, 0, FALSE, NULL);
	stray(test, w->pdo, SZ_1M, true);

	/* Detaching ends it, too. */
	EXPECT_V1(test, STATUS_SUCCESS, SetDeviceFaultReporting, w->pdo, 0, TRUE, &l->config);
	EXPECT_V1(test, STATUS_SUCCESS, DetachDevice, domain, w->pdo, 0);
	REFUSE_V1(test, STATUS_INVALID_PARAMETER_1, SetDeviceFaultReporting, w->pdo, 0, FALSE,
		  NULL);
	KUNIT_EXPECT_EQ(test, READ_ONCE(l->count), 1);
}

static void v1_needs_a_reporting_iommu(struct kunit *test)
{
	static const struct iommusim_config silent = { .quirks = IOMMUSIM_SILENT_FAULTS };
	struct device *pdo = v3t_pdo(test, v3t_sim(test, &silent), NULL);
	struct v3t_listener *l = v3t_listener(test);
	PIOMMU_DMA_DOMAIN domain;

	ASSERT_V1(test, STATUS_SUCCESS, CreateDomain, TRUE, &domain);
	v3t_adopt_domain(test, domain);
	ASSERT_V1(test, STATUS_SUCCESS, AttachDevice, domain, pdo, 0, 1);
	REFUSE_V1(test, STATUS_NOT_IMPLEMENTED, SetDeviceFaultReporting, pdo, 0, TRUE, &l->config);
	EXPECT_V1(test, STATUS_SUCCESS, DetachDevice, domain, pdo, 0);
}

/* One in the hands of the handler, a queue full behind it, and then some. */
static void counts_what_it_drops(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain;
	struct v3t_listener *l = listen(test, &domain);
	unsigned int i;

	l->hold = true;
	stray(test, w->pdo, SZ_1M, true);
	v3t_wait_begun(test, l, 1);
	for (i = 1; i <= QUEUE + 5; i++)
		stray(test, w->pdo, SZ_1M + i * SZ_4K, true);
	WRITE_ONCE(l->hold, false);
	complete_all(&l->release);
	if (!v3t_wait_ended(test, l, QUEUE + 1))
		return;
	for (i = 0; i <= QUEUE; i++)
		KUNIT_EXPECT_EQ(test, v3t_fault_address(&l->faults[i]), SZ_1M + i * SZ_4K);
	KUNIT_EXPECT_EQ(test, l->faults[0].lost, 0);
	KUNIT_EXPECT_EQ(test, l->faults[1].lost, 5);

	/* Counted since reporting was enabled. */
	stray(test, w->pdo, SZ_2M, true);
	v3t_wait_ended(test, l, QUEUE + 2);
	KUNIT_EXPECT_EQ(test, l->faults[QUEUE + 1].lost, 5);
	disable(test, w->device);
	enable(test, w->device, l);
	stray(test, w->pdo, SZ_2M, true);
	v3t_wait_ended(test, l, QUEUE + 3);
	KUNIT_EXPECT_EQ(test, l->faults[QUEUE + 2].lost, 0);
}

/* Disables on a thread of its own, while the handler is held. */
struct stopper {
	struct kunit *test;
	PIOMMU_DMA_DEVICE device;
	NTSTATUS (*stop)(struct stopper *stopper);
	bool returned;
	bool returned_early;
};

static void note_early_return(struct v3t_listener *listener, const struct v3compat_fault *fault)
{
	struct stopper *stopper = listener->context;

	/* From here until the end of the call nobody who waits for it may return. */
	wait_for_completion(&listener->release);
	stopper->returned_early = READ_ONCE(stopper->returned);
}

static int run_stop(void *arg)
{
	struct stopper *stopper = arg;
	NTSTATUS status = stopper->stop(stopper);

	WRITE_ONCE(stopper->returned, true);
	return NT_SUCCESS(status) ? 0 : -EIO;
}

static NTSTATUS stop_by_disable(struct stopper *stopper)
{
	return V3T_V3(stopper->test)->SetDeviceFaultReportingEx(stopper->device, 0, FALSE, NULL);
}

static NTSTATUS stop_by_delete(struct stopper *stopper)
{
	return V3T_V3(stopper->test)->DeleteDevice(stopper->device);
}

static void ends_only_after_the_handler(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain;
	struct v3t_listener *l = listen(test, &domain);
	struct stopper stopper = { test, w->device, stop_by_disable };
	struct v3t_thread thread;
	unsigned int i;

	l->inside = note_early_return;
	l->context = &stopper;
	stray(test, w->pdo, SZ_1M, true);
	stray(test, w->pdo, SZ_1M, true);
	v3t_wait_begun(test, l, 1);
	v3t_thread_start(&thread, run_stop, &stopper);
	/* What is reported to nobody shows that disabling has begun. */
	for (i = 0; i < 200 && !report_iommu_fault(iommu_get_domain_for_dev(w->pdo), w->pdo, SZ_1M,
						    IOMMU_FAULT_READ); i++)
		msleep(20);
	KUNIT_EXPECT_LT(test, i, 200);
	complete_all(&l->release);
	KUNIT_EXPECT_EQ(test, v3t_thread_join(&thread), 0);
	KUNIT_EXPECT_FALSE(test, stopper.returned_early);
	KUNIT_EXPECT_EQ(test, READ_ONCE(l->ended), 1);
	KUNIT_EXPECT_EQ(test, READ_ONCE(l->count), 1);
}

static bool is_dead(struct kunit *test, PIOMMU_DMA_DEVICE device)
{
	ULONG types;

	V3T_V3(test)->QueryAvailableDomainTypes(device, &types);
	return !types;
}

static void delete_waits_for_the_handler(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct stopper stopper = { .test = test, .stop = stop_by_delete };
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	struct v3t_listener *l = v3t_listener(test);
	struct v3t_thread thread;
	unsigned int i;

	ASSERT_V3(test, STATUS_SUCCESS, CreateDevice, w->pdo, NULL, &stopper.device);
	ASSERT_V3(test, STATUS_SUCCESS, AttachDeviceEx, domain, stopper.device);
	enable(test, stopper.device, l);
	l->inside = note_early_return;
	l->context = &stopper;
	stray(test, w->pdo, SZ_1M, true);
	stray(test, w->pdo, SZ_1M, true);
	v3t_wait_begun(test, l, 1);
	EXPECT_V3(test, STATUS_SUCCESS, DetachDeviceEx, stopper.device);
	v3t_thread_start(&thread, run_stop, &stopper);
	for (i = 0; i < 200 && !is_dead(test, stopper.device); i++)
		msleep(20);
	KUNIT_EXPECT_LT(test, i, 200);
	complete_all(&l->release);
	KUNIT_EXPECT_EQ(test, v3t_thread_join(&thread), 0);
	KUNIT_EXPECT_FALSE(test, stopper.returned_early);
	KUNIT_EXPECT_EQ(test, READ_ONCE(l->ended), 1);
	KUNIT_EXPECT_EQ(test, READ_ONCE(l->count), 1);
}

struct self {
	struct kunit *test;
	PIOMMU_DMA_DEVICE device;
	PIOMMU_DMA_DOMAIN domain;
	NTSTATUS status[3];
	struct completion done;
};

static void disable_inside(struct v3t_listener *listener, const struct v3compat_fault *fault)
{
	struct self *self = listener->context;

	self->status[0] = V3T_V3(self->test)->SetDeviceFaultReportingEx(self->device, 0, FALSE,
									NULL);
	self->status[1] = V3T_V3(self->test)->SetDeviceFaultReportingEx(self->device, 0, FALSE,
									NULL);
	complete(&self->done);
}

static void may_be_disabled_from_inside(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct self self = { .test = test, .device = w->device };
	struct v3t_listener *l = listen(test, &self.domain);

	init_completion(&self.done);
	l->inside = disable_inside;
	l->context = &self;
	stray(test, w->pdo, SZ_1M, true);
	stray(test, w->pdo, SZ_1M, true);
	wait_for_completion(&self.done);
	EXPECT_RESULT(test, STATUS_SUCCESS, SetDeviceFaultReportingEx, self.status[0]);
	EXPECT_RESULT(test, STATUS_UNSUCCESSFUL, SetDeviceFaultReportingEx, self.status[1]);
	v3t_wait_ended(test, l, 1);

	/* And enabled again, with another handler. */
	l->inside = NULL;
	enable(test, w->device, l);
	stray(test, w->pdo, SZ_2M, true);
	v3t_wait_ended(test, l, 2);
	KUNIT_EXPECT_EQ(test, v3t_fault_address(&l->faults[1]), SZ_2M);
}

static void delete_inside(struct v3t_listener *listener, const struct v3compat_fault *fault)
{
	struct self *self = listener->context;

	self->status[0] = V3T_V3(self->test)->DetachDeviceEx(self->device);
	self->status[1] = V3T_V3(self->test)->DeleteDevice(self->device);
	self->status[2] = V3T_V3(self->test)->DeleteDomain(self->domain);
	complete(&self->done);
}

/* The handler takes down all it stands on. */
static void device_may_be_deleted_from_inside(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct v3t_listener *l = v3t_listener(test);
	struct self self = { .test = test };
	IOMMU_DMA_DOMAIN_CREATION_FLAGS none = { .AsUlonglong = 0 };

	init_completion(&self.done);
	ASSERT_V3(test, STATUS_SUCCESS, CreateDevice, w->pdo, NULL, &self.device);
	ASSERT_V3(test, STATUS_SUCCESS, CreateDomainEx, DomainTypeTranslate, none, NULL, NULL,
		  &self.domain);
	ASSERT_V3(test, STATUS_SUCCESS, AttachDeviceEx, self.domain, self.device);
	enable(test, self.device, l);
	l->inside = delete_inside;
	l->context = &self;
	stray(test, w->pdo, SZ_1M, true);
	wait_for_completion(&self.done);
	EXPECT_RESULT(test, STATUS_SUCCESS, DetachDeviceEx, self.status[0]);
	EXPECT_RESULT(test, STATUS_SUCCESS, DeleteDevice, self.status[1]);
	EXPECT_RESULT(test, STATUS_SUCCESS, DeleteDomain, self.status[2]);
	v3t_wait_ended(test, l, 1);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, SetDeviceFaultReportingEx, self.device, 0,
		  FALSE, NULL);
}

/* What a driver may want to hear still, its device being gone. */
static void removal_drops_nothing(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct device *pdo = v3t_pdo(test, w->sim, NULL);
	PIOMMU_DMA_DEVICE device = v3t_device(test, pdo);
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	struct v3t_listener *l = v3t_listener(test);

	v3t_attach(test, domain, device);
	enable(test, device, l);
	l->hold = true;
	stray(test, pdo, SZ_1M, true);
	stray(test, pdo, SZ_2M, true);
	v3t_wait_begun(test, l, 1);
	v3t_unplug(test, pdo);
	WRITE_ONCE(l->hold, false);
	complete_all(&l->release);
	v3t_wait_ended(test, l, 2);
	KUNIT_EXPECT_EQ(test, v3t_fault_address(&l->faults[1]), SZ_2M);
	disable(test, device);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, SetDeviceFaultReportingEx, device, 0, TRUE,
		  &l->config);
}

/* The handler is about to go with the module of the driver, whatever became of the attachment. */
static void reporting_goes_with_the_driver(struct kunit *test)
{
	static const struct iommusim_device_config managed = { .managed_dma = true };
	struct v3t_world *w = test->priv;
	struct device *pdo = v3t_pdo(test, w->sim, &managed);
	PIOMMU_DMA_DEVICE device = v3t_device(test, pdo);
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	struct v3t_listener *l = v3t_listener(test);

	v3t_attach(test, domain, device);
	enable(test, device, l);
	v3t_detach(test, device);
	device_release_driver(pdo);
	REFUSE_V3(test, STATUS_UNSUCCESSFUL, SetDeviceFaultReportingEx, device, 0, FALSE, NULL);
	v3t_attach(test, domain, device);
	stray(test, pdo, SZ_1M, false);
	v3t_detach(test, device);
	KUNIT_EXPECT_EQ(test, l->count, 0);
}

/* V1's device is nobody's when it is gone: its handler has returned by then. */
static void v1_removal_ends_reporting(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct device *pdo = v3t_pdo(test, w->sim, NULL);
	struct v3t_listener *l = v3t_listener(test);
	PIOMMU_DMA_DOMAIN domain;

	ASSERT_V1(test, STATUS_SUCCESS, CreateDomain, TRUE, &domain);
	v3t_adopt_domain(test, domain);
	ASSERT_V1(test, STATUS_SUCCESS, AttachDevice, domain, pdo, 0, 1);
	EXPECT_V1(test, STATUS_SUCCESS, SetDeviceFaultReporting, pdo, 0, TRUE, &l->config);
	stray(test, pdo, SZ_1M, true);
	v3t_unplug(test, pdo);
	KUNIT_EXPECT_EQ(test, READ_ONCE(l->count), READ_ONCE(l->ended));
}

static int release_driver(void *pdo)
{
	device_release_driver(pdo);
	return 0;
}

/* That happens under the driver core's lock of the device, which a handler may be about to take. */
static void v1_unbinding_does_not_wait_for_the_handler(struct kunit *test)
{
	static const struct iommusim_device_config managed = { .managed_dma = true };
	struct v3t_world *w = test->priv;
	struct device *pdo = v3t_pdo(test, w->sim, &managed);
	struct v3t_listener *l = v3t_listener(test);
	PIOMMU_DMA_DOMAIN domain;
	struct v3t_thread thread;
	bool released;

	ASSERT_V1(test, STATUS_SUCCESS, CreateDomain, TRUE, &domain);
	v3t_adopt_domain(test, domain);
	ASSERT_V1(test, STATUS_SUCCESS, AttachDevice, domain, pdo, 0, 1);
	EXPECT_V1(test, STATUS_SUCCESS, SetDeviceFaultReporting, pdo, 0, TRUE, &l->config);
	l->hold = true;
	stray(test, pdo, SZ_1M, true);
	v3t_wait_begun(test, l, 1);
	v3t_thread_start(&thread, release_driver, pdo);
	released = wait_for_completion_timeout(&thread.done, 30 * HZ);
	KUNIT_EXPECT_TRUE(test, released);
	KUNIT_EXPECT_EQ(test, READ_ONCE(l->ended), 0);
	complete_all(&l->release);
	v3t_thread_join(&thread);
	v3t_wait_ended(test, l, 1);
}

/* A handler that never returns keeps its own device only. */
static void v1_left_devices_go_one_by_one(struct kunit *test)
{
	static const struct iommusim_device_config managed = { .managed_dma = true };
	struct v3t_world *w = test->priv;
	struct device *pdo = v3t_pdo(test, w->sim, &managed),
		      *other = v3t_pdo(test, w->sim, &managed);
	struct v3t_listener *l = v3t_listener(test);
	PIOMMU_DMA_DOMAIN domain;
	unsigned int before, i;

	device_release_driver(other);
	before = kref_read(&other->kobj.kref);
	KUNIT_ASSERT_EQ(test, device_attach(other), 1);
	ASSERT_V1(test, STATUS_SUCCESS, CreateDomain, TRUE, &domain);
	v3t_adopt_domain(test, domain);
	ASSERT_V1(test, STATUS_SUCCESS, AttachDevice, domain, pdo, 0, 1);
	ASSERT_V1(test, STATUS_SUCCESS, AttachDevice, domain, other, 0, 1);
	EXPECT_V1(test, STATUS_SUCCESS, SetDeviceFaultReporting, pdo, 0, TRUE, &l->config);
	l->hold = true;
	stray(test, pdo, SZ_1M, true);
	v3t_wait_begun(test, l, 1);
	device_release_driver(pdo);
	device_release_driver(other);
	for (i = 0; i < 500 && kref_read(&other->kobj.kref) != before; i++)
		msleep(20);
	KUNIT_EXPECT_EQ(test, kref_read(&other->kobj.kref), before);
	KUNIT_EXPECT_EQ(test, READ_ONCE(l->ended), 0);
	complete_all(&l->release);
	v3t_wait_ended(test, l, 1);
}

static void detached_devices_stay_enabled(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain;
	struct v3t_listener *l = listen(test, &domain);

	v3t_detach(test, w->device);
	v3t_attach(test, domain, w->device);
	stray(test, w->pdo, SZ_1M, true);
	v3t_wait_ended(test, l, 1);
	v3t_detach(test, w->device);
	disable(test, w->device);
}

static void needs_memory_to_enable_only(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	DMA_IOMMU_INTERFACE_V3 *v3 = V3T_V3(test);
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test), v1_domain;
	struct v3t_listener *l = v3t_listener(test);
	struct device *pdo = v3t_pdo(test, w->sim, NULL);
	NTSTATUS refused, v1_refused, disabled;

	V3T_REQUIRE_ALLOC_FAIL(test);
	v3t_attach(test, domain, w->device);
	ASSERT_V1(test, STATUS_SUCCESS, CreateDomain, TRUE, &v1_domain);
	v3t_adopt_domain(test, v1_domain);
	ASSERT_V1(test, STATUS_SUCCESS, AttachDevice, v1_domain, pdo, 0, 1);
	v3t_alloc_fail_begin();
	refused = v3->SetDeviceFaultReportingEx(w->device, 0, TRUE, &l->config);
	v1_refused = V3T_V1(test)->SetDeviceFaultReporting(pdo, 0, TRUE, &l->config);
	v3t_alloc_fail_end();
	EXPECT_RESULT(test, STATUS_INSUFFICIENT_RESOURCES, SetDeviceFaultReportingEx, refused);
	EXPECT_RESULT(test, STATUS_INSUFFICIENT_RESOURCES, SetDeviceFaultReporting, v1_refused);
	EXPECT_V1(test, STATUS_SUCCESS, DetachDevice, v1_domain, pdo, 0);

	enable(test, w->device, l);
	v3t_alloc_fail_begin();
	stray(test, w->pdo, SZ_1M, true);
	v3t_alloc_fail_end();
	v3t_wait_ended(test, l, 1);
	v3t_alloc_fail_begin();
	disabled = v3->SetDeviceFaultReportingEx(w->device, 0, FALSE, NULL);
	v3t_alloc_fail_end();
	EXPECT_RESULT(test, STATUS_SUCCESS, SetDeviceFaultReportingEx, disabled);
}

/* A device that strays all the time, on a thread of its own. */
struct strayer {
	struct device *pdo;
	bool stop;
};

static int keep_straying(void *arg)
{
	struct strayer *strayer = arg;
	struct iommusim_fault fault;
	u32 word;

	while (!READ_ONCE(strayer->stop)) {
		iommusim_dma_read(strayer->pdo, IOMMUSIM_NO_PASID, SZ_1M, &word, sizeof(word),
				  &fault);
		cond_resched();
	}
	return 0;
}

static void no_call_follows_a_disable(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct strayer strayer = { .pdo = w->pdo };
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	struct v3t_listener *l = v3t_listener(test);
	struct v3t_thread thread;
	unsigned int i, count;

	v3t_attach(test, domain, w->device);
	v3t_thread_start(&thread, keep_straying, &strayer);
	for (i = 0; i < ROUNDS; i++) {
		enable(test, w->device, l);
		wait_event_timeout(l->changed, READ_ONCE(l->count) > i, HZ);
		disable(test, w->device);
		count = READ_ONCE(l->count);
		KUNIT_EXPECT_EQ(test, count, READ_ONCE(l->ended));
		cond_resched();
		KUNIT_EXPECT_EQ(test, count, READ_ONCE(l->count));
	}
	WRITE_ONCE(strayer.stop, true);
	KUNIT_EXPECT_EQ(test, v3t_thread_join(&thread), 0);
	KUNIT_EXPECT_GE(test, READ_ONCE(l->count), ROUNDS);
}

static void survives_detach_under_fire(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct strayer strayer = { .pdo = w->pdo };
	struct v3t_listener *l = v3t_listener(test);
	IOMMU_DMA_DOMAIN_CREATION_FLAGS none = { .AsUlonglong = 0 };
	PIOMMU_DMA_DOMAIN domain;
	struct v3t_thread thread;
	unsigned int i;

	v3t_thread_start(&thread, keep_straying, &strayer);
	for (i = 0; i < ROUNDS; i++) {
		EXPECT_V3(test, STATUS_SUCCESS, CreateDomainEx, DomainTypeTranslate, none, NULL,
			  NULL, &domain);
		EXPECT_V3(test, STATUS_SUCCESS, AttachDeviceEx, domain, w->device);
		if (!i)
			enable(test, w->device, l);
		cond_resched();
		EXPECT_V3(test, STATUS_SUCCESS, DetachDeviceEx, w->device);
		EXPECT_V3(test, STATUS_SUCCESS, DeleteDomain, domain);
	}
	WRITE_ONCE(strayer.stop, true);
	KUNIT_EXPECT_EQ(test, v3t_thread_join(&thread), 0);
	disable(test, w->device);
	KUNIT_EXPECT_EQ(test, READ_ONCE(l->count), READ_ONCE(l->ended));
}

static void survives_removal_under_fire(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	unsigned int i;

	for (i = 0; i < 4; i++) {
		struct v3t_listener *l = v3t_listener(test);
		struct device *pdo = v3t_pdo(test, w->sim, NULL);
		PIOMMU_DMA_DEVICE device = v3t_device(test, pdo);
		struct strayer strayer = { .pdo = pdo };
		struct v3t_thread thread;

		v3t_attach(test, domain, device);
		enable(test, device, l);
		get_device(pdo);
		v3t_thread_start(&thread, keep_straying, &strayer);
		wait_event_timeout(l->changed, READ_ONCE(l->count) > 2, HZ);
		v3t_unplug(test, pdo);
		v3t_delete_device(test, device);
		KUNIT_EXPECT_EQ(test, READ_ONCE(l->count), READ_ONCE(l->ended));
		WRITE_ONCE(strayer.stop, true);
		KUNIT_EXPECT_EQ(test, v3t_thread_join(&thread), 0);
		put_device(pdo);
	}
}

static void fills_both_forms(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	const struct v3c_fault_source source = {
		.pdo = w->pdo, .input_mapping = 0x1234, .segment = 5,
	};
	struct v3c_fault_record record = {
		.domain = (struct v3c_domain *)domain,
		.address = 0x123456789000,
		.perm = IOMMU_FAULT_PERM_WRITE | IOMMU_FAULT_PERM_PRIV,
		.stage1 = true,
	};
	FAULT_INFORMATION got;

	memset(&got, V3T_POISON, sizeof(got));
	v3w_fault_fill(&got, FaultInformationArm64, &source, &record, PermissionFault);
	KUNIT_EXPECT_EQ(test, got.Type, FaultInformationArm64);
	KUNIT_EXPECT_EQ(test, got.IsStage1, TRUE);
	KUNIT_EXPECT_PTR_EQ(test, got.Arm64.DomainHandle, (PVOID)domain);
	KUNIT_EXPECT_PTR_EQ(test, got.Arm64.FaultAddress, (PVOID)0x123456789000);
	KUNIT_EXPECT_PTR_EQ(test, got.Arm64.PhysicalDeviceObject, w->pdo);
	KUNIT_EXPECT_EQ(test, got.Arm64.InputMappingId, 0x1234);
	KUNIT_EXPECT_TRUE(test, got.Arm64.Flags.WriteNotRead);
	KUNIT_EXPECT_FALSE(test, got.Arm64.Flags.InstructionNotData);
	KUNIT_EXPECT_TRUE(test, got.Arm64.Flags.Privileged);
	KUNIT_EXPECT_TRUE(test, got.Arm64.Flags.FaultAddressValid);
	KUNIT_EXPECT_FALSE(test, got.Arm64.Flags.Reserved);
	KUNIT_EXPECT_EQ(test, got.Arm64.Type, PermissionFault);
	KUNIT_EXPECT_EQ(test, got.Arm64.IommuBaseAddress, 0);

	record.perm = IOMMU_FAULT_PERM_EXEC;
	record.stage1 = false;
	v3w_fault_fill(&got, FaultInformationArm64, &source, &record, TranslationFault);
	KUNIT_EXPECT_EQ(test, got.IsStage1, FALSE);
	KUNIT_EXPECT_FALSE(test, got.Arm64.Flags.WriteNotRead);
	KUNIT_EXPECT_TRUE(test, got.Arm64.Flags.InstructionNotData);
	KUNIT_EXPECT_EQ(test, got.Arm64.Type, TranslationFault);

	memset(&got, V3T_POISON, sizeof(got));
	v3w_fault_fill(&got, FaultInformationX64, &source, &record, TranslationFault);
	KUNIT_EXPECT_EQ(test, got.Type, FaultInformationX64);
	KUNIT_EXPECT_PTR_EQ(test, got.X64.DomainHandle, (PVOID)domain);
	KUNIT_EXPECT_PTR_EQ(test, got.X64.FaultAddress, (PVOID)0x123456789000);
	KUNIT_EXPECT_TRUE(test, got.X64.Flags.FaultAddressValid);
	KUNIT_EXPECT_FALSE(test, got.X64.Flags.Reserved);
	KUNIT_EXPECT_EQ(test, got.X64.Type, TranslationFault);
	KUNIT_EXPECT_EQ(test, got.X64.IommuBaseAddress, 0);
	KUNIT_EXPECT_EQ(test, got.X64.PciSegment, 5);
}

#define LINE(middle)	"DMAR: [DMA " middle " [fault reason 0x05] PTE Write access is not set"

static const struct line_case {
	const char *name;
	const char *text;
	bool is_fault;
	struct v3c_logged_fault fault;
} line_cases[] = {
	{ "read",
	  LINE("Read NO_PASID] Request device [0000:00:02.1] fault addr 0x100000"),
	  true,
	  { .segment = 0, .rid = 0x11, .pasid = V3COMPAT_NO_PASID, .address = SZ_1M } },
	{ "write",
	  LINE("Write NO_PASID] Request device [0001:3a:1f.7] fault addr 0xfffffffffffff000"),
	  true,
	  { .segment = 1,
	    .rid = 0x3aff,
	    .pasid = V3COMPAT_NO_PASID,
	    .write = true,
	    .address = 0xfffffffffffff000 } },
	{ "PASID", LINE("Read PASID 0xfffff] Request device [10000:e1:00.0] fault addr 0x0"),
	  false },
	{ "large PASID",
	  LINE("Read PASID 0xfffff] Request device [ffff:e1:00.0] fault addr 0x0"),
	  true,
	  { .segment = 0xffff, .rid = 0xe100, .pasid = 0xfffff } },
	{ "no segment",
	  LINE("Write PASID 0x2] Request device [00:03.0] fault addr 0x12345678"),
	  true,
	  { .segment = -1, .rid = 0x18, .pasid = 2, .write = true, .address = 0x12345678 } },
	{ "another line", "DMAR: Host address width 39", false },
	{ "remapped interrupt",
	  "DMAR: [INTR-REMAP] Request device [0000:00:02.0] fault index 0x0 [fault reason 0x25] Blocked",
	  false },
	{ "words before", " " LINE("Read NO_PASID] Request device [0000:00:02.1] fault addr 0x0"),
	  false },
	{ "neither", LINE("Fetch NO_PASID] Request device [0000:00:02.1] fault addr 0x0"), false },
	{ "no PASID number", LINE("Read PASID 0x] Request device [0000:00:02.1] fault addr 0x0"),
	  false },
	{ "long PASID", LINE("Read PASID 0x100000] Request device [00:02.1] fault addr 0x0"),
	  false },
	{ "device out of range",
	  LINE("Read NO_PASID] Request device [0000:00:20.0] fault addr 0x0"), false },
	{ "function out of range",
	  LINE("Read NO_PASID] Request device [0000:00:02.8] fault addr 0x0"), false },
	{ "bus out of range", LINE("Read NO_PASID] Request device [0000:100:02.0] fault addr 0x0"),
	  false },
	{ "too many numbers", LINE("Read NO_PASID] Request device [0:0:0:02.0] fault addr 0x0"),
	  false },
	{ "one number", LINE("Read NO_PASID] Request device [02.0] fault addr 0x0"), false },
	{ "no address", LINE("Read NO_PASID] Request device [0000:00:02.0] fault addr 0x"), false },
	{ "long address",
	  LINE("Read NO_PASID] Request device [00:02.0] fault addr 0x12345678123456780"), false },
};

static void line_name(const struct line_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(line, line_cases, line_name);

static void expect_parsed(struct kunit *test, const struct line_case *c, size_t len, bool is_fault)
{
	struct v3c_logged_fault got;
	/* A copy that ends where the line does: what is read beyond it, KASAN sees. */
	char *text = kmalloc(max(len, 1ul), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, text);
	memcpy(text, c->text, len);
	KUNIT_EXPECT_EQ_MSG(test, v3c_fault_console_parse(text, len, &got), is_fault, "%zu bytes",
			    len);
	if (is_fault) {
		KUNIT_EXPECT_EQ(test, got.segment, c->fault.segment);
		KUNIT_EXPECT_EQ(test, got.rid, c->fault.rid);
		KUNIT_EXPECT_EQ(test, got.pasid, c->fault.pasid);
		KUNIT_EXPECT_EQ(test, got.write, c->fault.write);
		KUNIT_EXPECT_EQ(test, got.address, c->fault.address);
	}
	kfree(text);
}

static void reads_a_line_of_the_log(struct kunit *test)
{
	const struct line_case *c = test->param_value;
	size_t needed = strlen(c->text), len;

	if (c->is_fault)
		needed = strstr(c->text, "[fault reason ") + strlen("[fault reason ") - c->text;
	for (len = 0; len <= strlen(c->text); len++)
		expect_parsed(test, c, len, c->is_fault && len >= needed);
}

static struct kunit_case fault_cases[] = {
	KUNIT_CASE(reports_what_is_not_mapped),
	KUNIT_CASE(says_first_stage),
	KUNIT_CASE(tells_why),
	KUNIT_CASE(reports_to_whom_it_concerns),
	KUNIT_CASE(reports_to_all_when_nobody_is_named),
	KUNIT_CASE(late_reports_are_nobodys),
	KUNIT_CASE(takes_reports_in_atomic_context),
	KUNIT_CASE(refuses_bad_arguments),
	KUNIT_CASE(works_through_v1),
	KUNIT_CASE(v1_needs_a_reporting_iommu),
	KUNIT_CASE(counts_what_it_drops),
	KUNIT_CASE(ends_only_after_the_handler),
	KUNIT_CASE(delete_waits_for_the_handler),
	KUNIT_CASE(may_be_disabled_from_inside),
	KUNIT_CASE(device_may_be_deleted_from_inside),
	KUNIT_CASE(removal_drops_nothing),
	KUNIT_CASE(reporting_goes_with_the_driver),
	KUNIT_CASE(v1_removal_ends_reporting),
	KUNIT_CASE(v1_unbinding_does_not_wait_for_the_handler),
	KUNIT_CASE(v1_left_devices_go_one_by_one),
	KUNIT_CASE(detached_devices_stay_enabled),
	KUNIT_CASE(needs_memory_to_enable_only),
	KUNIT_CASE(no_call_follows_a_disable),
	KUNIT_CASE_SLOW(survives_detach_under_fire),
	KUNIT_CASE_SLOW(survives_removal_under_fire),
	KUNIT_CASE(fills_both_forms),
	KUNIT_CASE_PARAM(reads_a_line_of_the_log, line_gen_params),
	{}
};

static struct kunit_suite fault_suite = {
	.name = "v3compat_fault",
	.init = v3t_init,
	.exit = v3t_exit,
	.test_cases = fault_cases,
};

kunit_test_suite(fault_suite);
