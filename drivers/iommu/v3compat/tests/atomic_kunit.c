// SPDX-License-Identifier: GPL-2.0
/* Calls from contexts that may not sleep: which work, and which refuse. */
#include <linux/completion.h>
#include <linux/interrupt.h>
#include <linux/spinlock.h>
#include <linux/v3compat.h>

#include "fixture.h"

#define ROUNDS	20

/* Everything that may be called at DISPATCH_LEVEL, in one go. */
struct dispatch {
	const DMA_IOMMU_INTERFACE_V3 *v3;
	PIOMMU_DMA_DOMAIN domain;
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token;
	IOMMU_MAP_PHYSICAL_ADDRESS what, page;
	bool explicit;
	unsigned int round;
	NTSTATUS map, unmap, identity, unmap_identity, reserved, unmap_reserved, flush, flush_list;
	struct tasklet_struct tasklet;
	struct completion done;
};

static void run_dispatch(struct dispatch *d)
{
	IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT segment;
	IOMMU_DMA_LOGICAL_ADDRESS at = (d->round + 70ULL) * SZ_1G, address = 0;
	u64 list[1] = { at };

	d->map = d->v3->MapLogicalRangeEx(d->domain, V3T_RW, &d->what, d->explicit ? &at : NULL,
					  NULL, NULL, &address);
	d->flush = d->v3->FlushDomain(d->domain);
	d->flush_list = d->v3->FlushDomainByVaList(d->domain, TRUE, 1, list);
	d->unmap = d->v3->UnmapLogicalRange(d->domain, address, 3);
	d->reserved = d->v3->MapReservedLogicalRange(d->token, SZ_8K, V3T_RW, &d->what, &segment);
	d->unmap_reserved = d->v3->UnmapReservedLogicalRange(&segment);
	if (!d->explicit)
		return;
	d->identity = d->v3->MapIdentityRangeEx(d->domain, V3T_RW, &d->page);
	d->unmap_identity = d->v3->UnmapIdentityRangeEx(d->domain, &d->page);
}

static void in_tasklet(struct tasklet_struct *tasklet)
{
	struct dispatch *d = container_of(tasklet, struct dispatch, tasklet);

	run_dispatch(d);
	complete(&d->done);
}

static void under_lock(struct dispatch *d)
{
	static DEFINE_SPINLOCK(lock);

	spin_lock(&lock);
	run_dispatch(d);
	spin_unlock(&lock);
}

static void under_irqsave(struct dispatch *d)
{
	static DEFINE_SPINLOCK(lock);
	unsigned long flags;

	spin_lock_irqsave(&lock, flags);
	run_dispatch(d);
	spin_unlock_irqrestore(&lock, flags);
}

static void with_bottom_halves_off(struct dispatch *d)
{
	local_bh_disable();
	run_dispatch(d);
	local_bh_enable();
}

static void from_softirq(struct dispatch *d)
{
	init_completion(&d->done);
	tasklet_setup(&d->tasklet, in_tasklet);
	tasklet_schedule(&d->tasklet);
	wait_for_completion(&d->done);
	tasklet_kill(&d->tasklet);
}

static const struct context_case {
	const char *name;
	void (*run)(struct dispatch *d);
	bool explicit;
} context_cases[] = {
	{ "spin_lock, explicit", under_lock, true },
	{ "spin_lock, allocator", under_lock, false },
	{ "spin_lock_irqsave, explicit", under_irqsave, true },
	{ "spin_lock_irqsave, allocator", under_irqsave, false },
	{ "local_bh_disable, explicit", with_bottom_halves_off, true },
	{ "local_bh_disable, allocator", with_bottom_halves_off, false },
	{ "softirq, explicit", from_softirq, true },
	{ "softirq, allocator", from_softirq, false },
};

static void context_name(const struct context_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(context, context_cases, context_name);

static void expect_dispatch(struct kunit *test, const struct dispatch *d)
{
	EXPECT_RESULT(test, STATUS_SUCCESS, MapLogicalRangeEx, d->map);
	EXPECT_RESULT(test, STATUS_SUCCESS, FlushDomain, d->flush);
	EXPECT_RESULT(test, STATUS_SUCCESS, FlushDomainByVaList, d->flush_list);
	EXPECT_RESULT(test, STATUS_SUCCESS, UnmapLogicalRange, d->unmap);
	EXPECT_RESULT(test, STATUS_SUCCESS, MapReservedLogicalRange, d->reserved);
	EXPECT_RESULT(test, STATUS_SUCCESS, UnmapReservedLogicalRange, d->unmap_reserved);
	EXPECT_RESULT(test, STATUS_SUCCESS, MapIdentityRangeEx, d->identity);
	EXPECT_RESULT(test, STATUS_SUCCESS, UnmapIdentityRangeEx, d->unmap_identity);
}

static void mapping_works_where_nothing_may_sleep(struct kunit *test)
{
	const struct context_case *c = test->param_value;
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_domain(test, DomainTypeTranslate, c->explicit ? 0 : 48);
	const u64 at = SZ_1G;
	struct dispatch *d = kunit_kzalloc(test, sizeof(*d), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, d);
	d->v3 = V3T_V3(test);
	d->domain = domain;
	d->explicit = c->explicit;
	d->what = v3t_of_pfns(test, v3t_scattered(test, 3), 3);
	d->page = v3t_of_page(v3t_pages(test, 0));
	d->token = v3t_reserve(test, domain, SZ_64K, c->explicit ? &at : NULL);
	v3t_attach(test, domain, w->device);
	for (d->round = 0; d->round < ROUNDS; d->round++) {
		c->run(d);
		expect_dispatch(test, d);
	}
	v3t_expect_no_stale_hits(test, w->sim);
}

#ifdef kunit_warning_suppress

static void no_state_change(PIOMMU_INTERFACE_STATE_CHANGE change, PVOID context)
{
}

/* Statuses of the calls that may sleep, made where they may not. */
struct sleepers {
	NTSTATUS create_domain, delete_domain, attach, detach, reserve, free, create_device,
		 delete_device, info, mappings, configure, watch, unwatch, create_pasid,
		 delete_pasid, attach_pasid, detach_pasid, v1_create, v1_attach, v1_detach, faults,
		 v1_faults, get, get_ex, bind, query, configure_x64;
};

/* The arguments are good ones: elsewhere every call but the configuring ones would do something. */
static void call_sleepers(struct kunit *test, struct sleepers *s, PIOMMU_DMA_DOMAIN domain,
			  PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token, PIOMMU_DMA_PASID_DEVICE sub)
{
	static const IOMMU_DMA_DOMAIN_CREATION_FLAGS none = { .AsUlonglong = 0 };
	IOMMU_INTERFACE_STATE_CHANGE_FIELDS fields = { .AsULONG = 1 };
	DOMAIN_CONFIGURATION x64 = { .Type = DomainConfigurationX64 };
	struct v3t_world *w = test->priv;
	const DMA_IOMMU_INTERFACE_V3 *v3 = V3T_V3(test);
	const DMA_IOMMU_INTERFACE_V1 *v1 = V3T_V1(test);
	IOMMU_DMA_LOGICAL_ADDRESS at = SZ_1M;

	s->create_domain = v3->CreateDomainEx(DomainTypeTranslate, none, NULL, NULL,
					      &w->out.domain);
	s->delete_domain = v3->DeleteDomain(domain);
	s->attach = v3->AttachDeviceEx(domain, w->device);
	s->detach = v3->DetachDeviceEx(w->device);
	s->reserve = v3->ReserveLogicalAddressRange(domain, SZ_4K, &at, NULL, NULL, &w->out.token);
	s->free = v3->FreeReservedLogicalAddressRange(token);
	s->create_device = v3->CreateDevice(w->pdo, NULL, &w->out.device);
	s->delete_device = v3->DeleteDevice(w->device);
	s->info = v3->QueryDeviceInfo(w->device, 3, &w->out.number, &w->out.info);
	s->mappings = v3->QueryInputMappings(w->pdo, w->out.ids, sizeof(w->out.ids), NULL);
	s->configure = v3->ConfigureDomain(domain, &x64);
	s->watch = v3->RegisterInterfaceStateChangeCallback(no_state_change, NULL, w->device,
							    &fields);
	s->unwatch = v3->UnregisterInterfaceStateChangeCallback(no_state_change, w->device);
	s->create_pasid = v3->CreatePasidDevice(w->device, &w->out.sub_device, &w->out.number);
	s->delete_pasid = v3->DeletePasidDevice(sub);
	s->attach_pasid = v3->AttachPasidDevice(domain, sub);
	s->detach_pasid = v3->DetachPasidDevice(sub);
	s->bind = v3compat_create_sva_device(w->device, current->active_mm, &w->out.sub_device,
					     &w->out.number);
	s->query = v3compat_query_capabilities(w->device, &w->out.capabilities);
	s->faults = v3->SetDeviceFaultReportingEx(w->device, 0, FALSE, NULL);
	s->v1_faults = v1->SetDeviceFaultReporting(w->pdo, 0, FALSE, NULL);
	s->v1_create = v1->CreateDomain(TRUE, &w->out.domain);
	s->v1_attach = v1->AttachDevice(domain, w->pdo, 0, 1);
	s->v1_detach = v1->DetachDevice(domain, w->pdo, 0);
	s->get = IoGetIommuInterface(1, &w->out.legacy);
	s->configure_x64 = v3compat_configure_x64(domain, 0, 4);
	s->get_ex = IoGetIommuInterfaceEx(3, 0, &w->out.table);
}

static void expect_sleepers(struct kunit *test, const struct sleepers *s)
{
	EXPECT_RESULT(test, STATUS_UNSUCCESSFUL, CreateDomainEx, s->create_domain);
	EXPECT_RESULT(test, STATUS_UNSUCCESSFUL, DeleteDomain, s->delete_domain);
	EXPECT_RESULT(test, STATUS_UNSUCCESSFUL, AttachDeviceEx, s->attach);
	EXPECT_RESULT(test, STATUS_UNSUCCESSFUL, DetachDeviceEx, s->detach);
	EXPECT_RESULT(test, STATUS_UNSUCCESSFUL, ReserveLogicalAddressRange, s->reserve);
	EXPECT_RESULT(test, STATUS_UNSUCCESSFUL, FreeReservedLogicalAddressRange, s->free);
	EXPECT_RESULT(test, STATUS_UNSUCCESSFUL, CreateDevice, s->create_device);
	EXPECT_RESULT(test, STATUS_UNSUCCESSFUL, DeleteDevice, s->delete_device);
	EXPECT_RESULT(test, STATUS_UNSUCCESSFUL, QueryDeviceInfo, s->info);
	EXPECT_RESULT(test, STATUS_UNSUCCESSFUL, QueryInputMappings, s->mappings);
	EXPECT_RESULT(test, STATUS_UNSUCCESSFUL, ConfigureDomain, s->configure);
	EXPECT_RESULT(test, STATUS_UNSUCCESSFUL, RegisterInterfaceStateChangeCallback, s->watch);
	EXPECT_RESULT(test, STATUS_UNSUCCESSFUL, UnregisterInterfaceStateChangeCallback,
		      s->unwatch);
	EXPECT_RESULT(test, STATUS_UNSUCCESSFUL, CreatePasidDevice, s->create_pasid);
	EXPECT_RESULT(test, STATUS_UNSUCCESSFUL, DeletePasidDevice, s->delete_pasid);
	EXPECT_RESULT(test, STATUS_UNSUCCESSFUL, AttachPasidDevice, s->attach_pasid);
	EXPECT_RESULT(test, STATUS_UNSUCCESSFUL, DetachPasidDevice, s->detach_pasid);
	EXPECT_RESULT(test, STATUS_UNSUCCESSFUL, v3compat_create_sva_device, s->bind);
	EXPECT_RESULT(test, STATUS_UNSUCCESSFUL, v3compat_query_capabilities, s->query);
	EXPECT_RESULT(test, STATUS_UNSUCCESSFUL, SetDeviceFaultReportingEx, s->faults);
	EXPECT_RESULT(test, STATUS_UNSUCCESSFUL, SetDeviceFaultReporting, s->v1_faults);
	EXPECT_RESULT(test, STATUS_UNSUCCESSFUL, CreateDomain, s->v1_create);
	EXPECT_RESULT(test, STATUS_UNSUCCESSFUL, AttachDevice, s->v1_attach);
	EXPECT_RESULT(test, STATUS_UNSUCCESSFUL, DetachDevice, s->v1_detach);
	EXPECT_RESULT(test, STATUS_UNSUCCESSFUL, IoGetIommuInterface, s->get);
	EXPECT_RESULT(test, STATUS_UNSUCCESSFUL, IoGetIommuInterfaceEx, s->get_ex);
	EXPECT_RESULT(test, STATUS_UNSUCCESSFUL, v3compat_configure_x64, s->configure_x64);
}

static void sleeping_calls_refuse(struct kunit *test)
{
	static const struct iommusim_config with_pasids = { .max_pasids = 64 };
	struct v3t_world *w = test->priv;
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test), empty = v3t_explicit(test);
	const u64 at = SZ_1G;
	struct device *pdo = v3t_pdo(test, v3t_sim(test, &with_pasids), NULL);
	ULONG pasid;
	PIOMMU_DMA_PASID_DEVICE sub = v3t_sub_device(test, v3t_tagged_device(test, pdo), &pasid);
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token = v3t_reserve(test, domain, SZ_64K, &at);
	struct page *page = v3t_pages(test, 0);
	struct sleepers s = {};
	unsigned long flags;

	v3t_map_at(test, empty, v3t_of_page(page), SZ_1M);
	v3t_attach(test, empty, w->device);
	v3t_poison(w);
	kunit_warning_suppress(test) {
		local_irq_save(flags);
		call_sleepers(test, &s, empty, token, sub);
		local_irq_restore(flags);
		KUNIT_EXPECT_GT(test, KUNIT_SUPPRESSED_WARNING_COUNT(), 0);
	}
	expect_sleepers(test, &s);
	KUNIT_EXPECT_TRUE(test, v3t_is_poisoned(&w->out, sizeof(w->out)));
	v3t_expect_reaches(test, w->pdo, SZ_1M, page);
}

#else

static void sleeping_calls_refuse(struct kunit *test)
{
	kunit_skip(test, "this kernel's KUnit cannot suppress an expected warning");
}

#endif

#define MANY	8400

/* A caller that cannot sleep would keep the processor too long: it is refused, and all stays. */
static void atomic_unmap_of_very_many_is_refused(struct kunit *test)
{
	DMA_IOMMU_INTERFACE_V3 *v3 = V3T_V3(test);
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_page(v3t_pages(test, 0));
	NTSTATUS status;
	u64 i;

	for (i = 0; i < MANY; i++)
		v3t_map_at(test, domain, what, SZ_1G + i * SZ_4K);
	local_irq_disable();
	status = v3->UnmapLogicalRange(domain, SZ_1G, MANY);
	local_irq_enable();
	EXPECT_RESULT(test, STATUS_INSUFFICIENT_RESOURCES, UnmapLogicalRange, status);
	v3t_unmap(test, domain, SZ_1G, MANY);
}

/* V3T_ATOMIC_PAGES: what Documentation says of lists, and some bytes of memory to list. */
#define V3T_ATOMIC_PAGES	65536
#define NUMBERS			(64ULL << 30)

static IOMMU_MAP_PHYSICAL_ADDRESS list_of(struct kunit *test, unsigned int count)
{
	PPFN_NUMBER pfns = kunit_kcalloc(test, count, sizeof(*pfns), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, pfns);
	for (i = 0; i < count; i++)
		pfns[i] = (NUMBERS >> PAGE_SHIFT) + 2 * i;
	return (IOMMU_MAP_PHYSICAL_ADDRESS) {
		.MapType = MapPhysicalAddressTypePfn,
		.PfnArray.PageFrame = pfns, .PfnArray.NumberOfPages = count,
	};
}

/* Statuses of the calls that take a list, made where they may not sleep. */
struct listers {
	NTSTATUS map, reserved, identity, unmap_identity, through, unmap_through;
};

static struct listers call_listers(struct kunit *test, PIOMMU_DMA_DOMAIN domain,
				   PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token,
				   PIOMMU_DMA_DOMAIN through, IOMMU_MAP_PHYSICAL_ADDRESS what)
{
	IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT segment;
	IOMMU_DMA_LOGICAL_ADDRESS at = SZ_1G, out;
	DMA_IOMMU_INTERFACE_V3 *v3 = V3T_V3(test);
	struct listers done;
	unsigned long flags;

	local_irq_save(flags);
	done.map = v3->MapLogicalRangeEx(domain, V3T_RW, &what, &at, NULL, NULL, &out);
	done.reserved = v3->MapReservedLogicalRange(token, 0, V3T_RW, &what, &segment);
	done.identity = v3->MapIdentityRangeEx(domain, V3T_RW, &what);
	done.unmap_identity = v3->UnmapIdentityRangeEx(domain, &what);
	done.through = v3->MapIdentityRangeEx(through, V3T_RW, &what);
	done.unmap_through = v3->UnmapIdentityRangeEx(through, &what);
	local_irq_restore(flags);
	return done;
}

/* The longest list is done, and one that is a page longer is not. */
static void atomic_list_of_very_many_is_refused(struct kunit *test)
{
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test), other = v3t_explicit(test);
	PIOMMU_DMA_DOMAIN through = v3t_domain(test, DomainTypePassThrough, 0);
	IOMMU_MAP_PHYSICAL_ADDRESS what = list_of(test, V3T_ATOMIC_PAGES + 1);
	const u64 far = 512ULL * SZ_1G;
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token = v3t_reserve(test, domain, SZ_512M, &far);
	DMA_IOMMU_INTERFACE_V3 *v3 = V3T_V3(test);
	IOMMU_DMA_LOGICAL_ADDRESS at = SZ_1G, out;
	struct listers done = call_listers(test, domain, token, through, what);
	NTSTATUS status;

	EXPECT_RESULT(test, STATUS_INSUFFICIENT_RESOURCES, MapLogicalRangeEx, done.map);
	EXPECT_RESULT(test, STATUS_INSUFFICIENT_RESOURCES, MapReservedLogicalRange, done.reserved);
	EXPECT_RESULT(test, STATUS_INSUFFICIENT_RESOURCES, MapIdentityRangeEx, done.identity);
	EXPECT_RESULT(test, STATUS_INSUFFICIENT_RESOURCES, UnmapIdentityRangeEx,
		      done.unmap_identity);
	/* There is nothing to do for these. */
	EXPECT_RESULT(test, STATUS_SUCCESS, MapIdentityRangeEx, done.through);
	EXPECT_RESULT(test, STATUS_SUCCESS, UnmapIdentityRangeEx, done.unmap_through);
	/* None of it was mapped. */
	REFUSE_V3(test, STATUS_INVALID_PARAMETER, UnmapLogicalRange, domain, SZ_1G, 1);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER, UnmapLogicalRange, domain, NUMBERS, 1);
	v3t_free_token(test, token);

	what.PfnArray.NumberOfPages--;
	local_irq_disable();
	status = v3->MapLogicalRangeEx(other, V3T_RW, &what, &at, NULL, NULL, &out);
	local_irq_enable();
	EXPECT_RESULT(test, STATUS_SUCCESS, MapLogicalRangeEx, status);
	v3t_unmap(test, other, SZ_1G, V3T_ATOMIC_PAGES);
}

static struct kunit_case atomic_cases[] = {
	KUNIT_CASE_PARAM(mapping_works_where_nothing_may_sleep, context_gen_params),
	KUNIT_CASE(sleeping_calls_refuse),
	KUNIT_CASE(atomic_unmap_of_very_many_is_refused),
	KUNIT_CASE(atomic_list_of_very_many_is_refused),
	{}
};

static struct kunit_suite atomic_suite = {
	.name = "v3compat_atomic",
	.init = v3t_init,
	.exit = v3t_exit,
	.test_cases = atomic_cases,
};

kunit_test_suite(atomic_suite);
