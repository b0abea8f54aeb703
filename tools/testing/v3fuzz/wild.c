// SPDX-License-Identifier: GPL-2.0
/*
 * Objects that all threads use without asking each other, and calls that are wrong by any account.
 *
 * A place is cleared by whoever deleted what is in it or was told that it is stale, and filled only
 * when it is clear. So each object that is alive is in a place, to be found at the end.
 */
#include "v3fuzz.h"

#define PLACES		6
#define TOKEN_PAGES	8

static void *domains[PLACES], *devices[PLACES], *subs[PLACES], *tokens[PLACES];

/*
 * A dead handle may serve again, as one of the checked kind, while somebody here still has it in
 * mind. So those are made while nobody does anything here, and looked for afterwards.
 */
static DECLARE_RWSEM(wild_sem);

void fuzz_wild_pause(void)
{
	down_write(&wild_sem);
}

void fuzz_wild_resume(const void *made)
{
	unsigned int i;

	for (i = 0; made && i < PLACES; i++) {
		cmpxchg(&domains[i], (void *)made, NULL);
		cmpxchg(&devices[i], (void *)made, NULL);
		cmpxchg(&subs[i], (void *)made, NULL);
		cmpxchg(&tokens[i], (void *)made, NULL);
	}
	up_write(&wild_sem);
}

static void **place(struct fuzz_thread *t, void **places)
{
	return &places[fuzz_random(t, PLACES)];
}

static bool keep(void **where, void *object)
{
	return !cmpxchg(where, NULL, object);
}

static void drop(void **where, void *object, NTSTATUS status)
{
	if (NT_SUCCESS(status) || status == STATUS_INVALID_PARAMETER_1)
		cmpxchg(where, object, NULL);
}

static void delete_domain(struct fuzz_thread *t, void **where)
{
	PIOMMU_DMA_DOMAIN domain = READ_ONCE(*where);

	if (domain)
		drop(where, domain, FUZZ_CALL(t, DeleteDomain, 100, 0, 0, domain));
}

static void create_domain(struct fuzz_thread *t)
{
	IOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG buddy = {
		.LogicalAllocatorType = IommuDmaLogicalAllocatorBuddy,
		.BuddyAllocatorConfig.AddressWidth = 13 + fuzz_random(t, 51),
	};
	IOMMU_DMA_DOMAIN_CREATION_FLAGS flags = { .AsUlonglong = 0 };
	IOMMU_DMA_DOMAIN_TYPE type = fuzz_random(t, DomainTypeMax);
	bool allocator = fuzz_one_in(t, 3);
	PIOMMU_DMA_DOMAIN domain;

	if (!NT_SUCCESS(FUZZ_CALL(t, CreateDomainEx, 100, type, allocator, type, flags,
				  allocator ? &buddy : NULL, NULL, &domain)))
		return;
	if (!keep(place(t, domains), domain))
		FUZZ_CALL(t, DeleteDomain, 100, 1, 0, domain);
}

static void create_device(struct fuzz_thread *t)
{
	IOMMU_DEVICE_CREATION_CONFIGURATION config = {
		.ConfigType = IommuDeviceCreationConfigTypePasid,
		.Pasid.ConfigType = PasidConfigTypePasidTaggedDma,
	};
	unsigned int n = fuzz_random(t, FUZZ_PLUGS);
	struct fuzz_plug *plug = &fuzz_plugs[n];
	NTSTATUS status = STATUS_UNSUCCESSFUL;
	PIOMMU_DMA_DEVICE device;

	down_read(&plug->sem);
	if (plug->dev)
		status = FUZZ_CALL(t, CreateDevice, 100, n, 0, plug->dev,
				   plug->tagged ? &config : NULL, &device);
	up_read(&plug->sem);
	if (NT_SUCCESS(status) && !keep(place(t, devices), device))
		FUZZ_CALL(t, DeleteDevice, 100, 1, 0, device);
}

static void delete_device(struct fuzz_thread *t, void **where)
{
	PIOMMU_DMA_DEVICE device = READ_ONCE(*where);

	if (device)
		drop(where, device, FUZZ_CALL(t, DeleteDevice, 100, 0, 0, device));
}

/*
 * The group of the device is not known here, and cannot be: the device may be any by now. So all
 * groups are in doubt for as long.
 */
static void all_groups(void (*what)(struct fuzz_group *group))
{
	unsigned int i, k;

	for (i = 0; i < FUZZ_SIMS; i++) {
		for (k = 0; k < ARRAY_SIZE(fuzz_sims[i].groups); k++)
			what(&fuzz_sims[i].groups[k]);
	}
	for (i = 0; i < FUZZ_PLUGS; i++)
		what(&fuzz_plugs[i].own);
}

static void attach(struct fuzz_thread *t)
{
	PIOMMU_DMA_DOMAIN domain = READ_ONCE(*place(t, domains));
	PIOMMU_DMA_DEVICE device = READ_ONCE(*place(t, devices));
	PIOMMU_DMA_PASID_DEVICE sub = READ_ONCE(*place(t, subs));

	all_groups(fuzz_group_begin);
	switch (fuzz_random(t, 4)) {
	case 0:
		FUZZ_CALL(t, AttachDeviceEx, 100, 0, 0, domain, device);
		break;
	case 1:
		FUZZ_CALL(t, DetachDeviceEx, 100, 0, 0, device);
		break;
	case 2:
		FUZZ_CALL(t, AttachPasidDevice, 100, 0, 0, domain, sub);
		break;
	case 3:
		FUZZ_CALL(t, DetachPasidDevice, 100, 0, 0, sub);
		break;
	}
	all_groups(fuzz_group_end);
}

static void sub_device(struct fuzz_thread *t)
{
	PIOMMU_DMA_DEVICE device = READ_ONCE(*place(t, devices));
	void **where = place(t, subs);
	PIOMMU_DMA_PASID_DEVICE sub = READ_ONCE(*where);
	ULONG pasid;

	if (sub && fuzz_one_in(t, 2)) {
		drop(where, sub, FUZZ_CALL(t, DeletePasidDevice, 100, 0, 0, sub));
		return;
	}
	if (NT_SUCCESS(FUZZ_CALL(t, CreatePasidDevice, 100, 0, 0, device, &sub, &pasid)) &&
	    !keep(place(t, subs), sub))
		FUZZ_CALL(t, DeletePasidDevice, 100, 1, 0, sub);
}

static IOMMU_MAP_PHYSICAL_ADDRESS some_memory(struct fuzz_thread *t, unsigned int pages)
{
	unsigned int first = fuzz_random(t, (1 << fuzz_wild_pool.order) - pages);

	return (IOMMU_MAP_PHYSICAL_ADDRESS) {
		.MapType = MapPhysicalAddressTypeContiguousRange,
		.ContiguousRange.Base.QuadPart = fuzz_phys(&fuzz_wild_pool, first),
		.ContiguousRange.Size = pages * SZ_4K,
	};
}

/* Addresses where the other threads map, too. */
static void map(struct fuzz_thread *t)
{
	PIOMMU_DMA_DOMAIN domain = READ_ONCE(*place(t, domains));
	unsigned int pages = 1 + fuzz_random(t, 4);
	IOMMU_DMA_LOGICAL_ADDRESS at = FUZZ_BASE + fuzz_random(t, 32) * SZ_4K, out;
	IOMMU_MAP_PHYSICAL_ADDRESS what = some_memory(t, pages);
	unsigned long how;

	how = fuzz_atomic_begin(t);
	switch (fuzz_random(t, 6)) {
	case 0:
		FUZZ_CALL(t, MapLogicalRangeEx, 100, 0, pages, domain, 3, &what, NULL, &at, NULL,
			  &out);
		break;
	case 1:
	case 2:
		FUZZ_CALL(t, MapLogicalRangeEx, 100, at, pages, domain, 3, &what, &at, NULL, NULL,
			  &out);
		break;
	case 3:
		FUZZ_CALL(t, UnmapLogicalRange, 100, at, pages, domain, at, pages);
		break;
	case 4:
		FUZZ_CALL(t, MapIdentityRangeEx, 100, 0, pages, domain, 3, &what);
		break;
	case 5:
		FUZZ_CALL(t, UnmapIdentityRangeEx, 100, 0, pages, domain, &what);
		break;
	}
	fuzz_atomic_end(how);
}

static void reserve(struct fuzz_thread *t)
{
	PIOMMU_DMA_DOMAIN domain = READ_ONCE(*place(t, domains));
	IOMMU_DMA_LOGICAL_ADDRESS at = FUZZ_BASE + fuzz_random(t, 16) * TOKEN_PAGES * SZ_4K;
	void **where = place(t, tokens);
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token = READ_ONCE(*where);

	if (token && fuzz_one_in(t, 2)) {
		drop(where, token,
		     FUZZ_CALL(t, FreeReservedLogicalAddressRange, 100, 0, 0, token));
		return;
	}
	if (NT_SUCCESS(FUZZ_CALL(t, ReserveLogicalAddressRange, 100, at, TOKEN_PAGES, domain,
				 TOKEN_PAGES * SZ_4K, fuzz_one_in(t, 4) ? NULL : &at, NULL, NULL,
				 &token)) &&
	    !keep(place(t, tokens), token))
		FUZZ_CALL(t, FreeReservedLogicalAddressRange, 100, 1, 0, token);
}

/* A page of a token is a segment if it is one at all: who wants to end it needs to know no more. */
static void segment(struct fuzz_thread *t)
{
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token = READ_ONCE(*place(t, tokens));
	IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT segment = {
		.OwningToken = token,
		.Offset = fuzz_random(t, TOKEN_PAGES) * SZ_4K,
		.Size = SZ_4K,
	};
	IOMMU_MAP_PHYSICAL_ADDRESS what = some_memory(t, 1);
	unsigned long how;

	if (!token)
		return;
	how = fuzz_atomic_begin(t);
	if (fuzz_one_in(t, 2))
		FUZZ_CALL(t, MapReservedLogicalRange, 100, segment.Offset, 1, token, segment.Offset,
			  3, &what, &segment);
	else
		FUZZ_CALL(t, UnmapReservedLogicalRange, 100, segment.Offset, 1, &segment);
	fuzz_atomic_end(how);
}

static void configure(struct fuzz_thread *t)
{
	PIOMMU_DMA_DOMAIN domain = READ_ONCE(*place(t, domains));
	DOMAIN_CONFIGURATION config = {
		.Type = DomainConfigurationX64,
		.X64.FirstLevelPageTableRoot.QuadPart = fuzz_hostile_root(t),
		.X64.TranslationEnabled = TRUE,
	};
	u64 addresses[2] = { fuzz_random(t, SZ_2G), FUZZ_BASE };

	if (fuzz_one_in(t, 2)) {
		config.Type = DomainConfigurationArm64;
		config.Arm64 = (DOMAIN_CONFIGURATION_ARM64) {
			.Ttbr0.QuadPart = fuzz_hostile_root(t),
			.Ttbr1.QuadPart = fuzz_hostile_root(t),
			.InputSize0 = fuzz_random(t, 50),
			.InputSize1 = fuzz_random(t, 50),
			.TranslationEnabled = TRUE,
		};
	}
	switch (fuzz_random(t, 3)) {
	case 0:
		FUZZ_CALL(t, ConfigureDomain, 100, config.Type, 0, domain, &config);
		break;
	case 1:
		FUZZ_CALL(t, FlushDomain, 100, 0, 0, domain);
		break;
	case 2:
		FUZZ_CALL(t, FlushDomainByVaList, 100, 0, 0, domain, FALSE, 2, addresses);
		break;
	}
}

static void tell(struct fuzz_thread *t)
{
	DEVICE_FAULT_CONFIGURATION config = { .FaultHandler = fuzz_on_fault };
	IOMMU_INTERFACE_STATE_CHANGE_FIELDS fields = { .AvailableDomainTypes = 1 };
	void **where = place(t, devices);
	PIOMMU_DMA_DEVICE device = READ_ONCE(*where);
	IOMMU_DMA_DEVICE_INFORMATION info;
	ULONG written;

	switch (fuzz_random(t, 4)) {
	case 0:
		FUZZ_CALL(t, SetDeviceFaultReportingEx, 100, 0, 0, device, 0, fuzz_random(t, 2),
			  &config);
		break;
	case 1:
		FUZZ_CALL(t, RegisterInterfaceStateChangeCallback, 100, 0, 0, fuzz_on_change, NULL,
			  device, &fields);
		break;
	case 2:
		FUZZ_CALL(t, UnregisterInterfaceStateChangeCallback, 100, 0, 0, fuzz_on_change,
			  device);
		break;
	case 3:
		FUZZ_CALL(t, QueryDeviceInfo, 100, 0, 0, device, sizeof(info), &written, &info);
		break;
	}
}

static void call_wild(struct fuzz_thread *t)
{
	switch (fuzz_random(t, 16)) {
	case 0:
		create_domain(t);
		break;
	case 1:
		if (fuzz_one_in(t, 3))
			delete_domain(t, place(t, domains));
		break;
	case 2:
		create_device(t);
		break;
	case 3:
		delete_device(t, place(t, devices));
		break;
	case 4:
	case 5:
		attach(t);
		break;
	case 6:
		sub_device(t);
		break;
	case 7:
		reserve(t);
		break;
	case 8:
	case 9:
		segment(t);
		break;
	case 10:
		configure(t);
		break;
	case 11:
		tell(t);
		break;
	default:
		map(t);
		break;
	}
}

void fuzz_wild(struct fuzz_thread *t)
{
	down_read(&wild_sem);
	call_wild(t);
	up_read(&wild_sem);
	fuzz_wild_dma(t);
}

/* The status must be that one. */
#define WRONG(t, want, name, ...) do {							\
	NTSTATUS status_ = FUZZ_CALL(t, name, 200, 0, 0, __VA_ARGS__);			\
											\
	if (status_ != (want))								\
		fuzz_fail(t, #name "(" #__VA_ARGS__ "): %#x, not " #want, status_);	\
} while (0)

/* Wrong whatever goes on meanwhile. */
static void wrong_domain(struct fuzz_thread *t, PIOMMU_DMA_DOMAIN domain)
{
	IOMMU_DMA_DOMAIN_CREATION_FLAGS flags = { .AsUlonglong = 1 }, none = { .AsUlonglong = 0 };
	IOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG buddy = {
		.LogicalAllocatorType = IommuDmaLogicalAllocatorNone,
	};
	IOMMU_DMA_RESERVED_REGION loop = { .RegionNext = &loop,
					   .Base = FUZZ_BASE,
					   .NumberOfPages = 1 };
	IOMMU_MAP_PHYSICAL_ADDRESS what = some_memory(t, 1);
	IOMMU_DMA_LOGICAL_ADDRESS at = FUZZ_BASE, out;
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token;
	PIOMMU_DMA_DOMAIN made;
	u64 list[1] = { FUZZ_BASE };

	switch (fuzz_random(t, 12)) {
	case 0:
		WRONG(t, STATUS_INVALID_PARAMETER_1, CreateDomainEx, DomainTypeMax, none, NULL,
		      NULL, &made);
		break;
	case 1:
		WRONG(t, STATUS_INVALID_PARAMETER_2, CreateDomainEx, DomainTypeTranslate, flags,
		      NULL, NULL, &made);
		break;
	case 2:
		WRONG(t, STATUS_INVALID_PARAMETER_3, CreateDomainEx, DomainTypeTranslate, none,
		      &buddy, NULL, &made);
		break;
	case 3:
		WRONG(t, STATUS_INVALID_PARAMETER_4, CreateDomainEx, DomainTypeTranslate, none,
		      NULL, &loop, &made);
		break;
	case 4:
		WRONG(t, STATUS_INVALID_PARAMETER_5, CreateDomainEx, DomainTypeTranslate, none,
		      NULL, NULL, NULL);
		break;
	case 5:
		WRONG(t, STATUS_INVALID_PARAMETER_1, DeleteDomain, domain);
		break;
	case 6:
		WRONG(t, STATUS_INVALID_PARAMETER_1, FlushDomain, domain);
		break;
	case 7:
		WRONG(t, STATUS_INVALID_PARAMETER_1, FlushDomainByVaList, domain, FALSE, 1, list);
		break;
	case 8:
		WRONG(t, STATUS_INVALID_PARAMETER_1, MapLogicalRangeEx, domain, 3, &what, &at, NULL,
		      NULL, &out);
		break;
	case 9:
		WRONG(t, STATUS_INVALID_PARAMETER_1, UnmapLogicalRange, domain, at, 1);
		break;
	case 10:
		WRONG(t, STATUS_INVALID_PARAMETER_1, MapIdentityRangeEx, domain, 3, &what);
		WRONG(t, STATUS_INVALID_PARAMETER_1, UnmapIdentityRangeEx, domain, &what);
		break;
	case 11:
		WRONG(t, STATUS_INVALID_PARAMETER_1, ReserveLogicalAddressRange, domain, SZ_4K, &at,
		      NULL, NULL, &token);
		WRONG(t, STATUS_INVALID_PARAMETER_1, ConfigureDomain, domain, NULL);
		break;
	}
}

static void wrong_device(struct fuzz_thread *t, PIOMMU_DMA_DEVICE device)
{
	IOMMU_INTERFACE_STATE_CHANGE_FIELDS fields = { .AvailableDomainTypes = 1 };
	IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT segment = {};
	PIOMMU_DMA_PASID_DEVICE sub = (PIOMMU_DMA_PASID_DEVICE)device;
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token = (PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN)device;
	IOMMU_MAP_PHYSICAL_ADDRESS what = some_memory(t, 1);
	IOMMU_DMA_DEVICE_INFORMATION info;
	ULONG word;

	switch (fuzz_random(t, 12)) {
	case 0:
		WRONG(t, STATUS_INVALID_PARAMETER_1, DeleteDevice, device);
		break;
	case 1:
		WRONG(t, STATUS_INVALID_PARAMETER_1, DetachDeviceEx, device);
		break;
	case 2:
		WRONG(t, STATUS_INVALID_PARAMETER_1, SetDeviceFaultReportingEx, device, 0, FALSE,
		      NULL);
		break;
	case 3:
		WRONG(t, STATUS_INVALID_PARAMETER_3, RegisterInterfaceStateChangeCallback,
		      fuzz_on_change, NULL, device, &fields);
		break;
	case 4:
		WRONG(t, STATUS_INVALID_PARAMETER_2, UnregisterInterfaceStateChangeCallback,
		      fuzz_on_change, device);
		break;
	case 5:
		WRONG(t, STATUS_INVALID_PARAMETER_1, CreatePasidDevice, device, &sub, &word);
		break;
	case 6:
		WRONG(t, STATUS_INVALID_PARAMETER_1, DeletePasidDevice, sub);
		break;
	case 7:
		WRONG(t, STATUS_INVALID_PARAMETER_1, DetachPasidDevice, sub);
		break;
	case 8:
		WRONG(t, STATUS_INVALID_PARAMETER_1, QueryDeviceInfo, device, sizeof(info), &word,
		      &info);
		break;
	case 9:
		WRONG(t, STATUS_INVALID_PARAMETER_1, CreateDevice, NULL, NULL, &device);
		WRONG(t, STATUS_INVALID_PARAMETER_1, QueryInputMappings, NULL, NULL, 0, NULL);
		break;
	case 10:
		WRONG(t, STATUS_INVALID_PARAMETER_1, FreeReservedLogicalAddressRange, token);
		WRONG(t, STATUS_INVALID_PARAMETER_1, MapReservedLogicalRange, token, 0, 3, &what,
		      &segment);
		break;
	case 11:
		WRONG(t, STATUS_INVALID_PARAMETER, UnmapReservedLogicalRange, &segment);
		WRONG(t, STATUS_INVALID_PARAMETER, UnmapReservedLogicalRange, NULL);
		break;
	}
}

/* Of domains that stay: what is wrong about the other parameters. */
static void wrong_range(struct fuzz_thread *t)
{
	PIOMMU_DMA_DOMAIN unmanaged = fuzz_table_domain(fuzz_random(t, FUZZ_TABLES));
	IOMMU_MAP_PHYSICAL_ADDRESS what = some_memory(t, 2), odd = what;
	unsigned int n = fuzz_random(t, FUZZ_DOMAINS);
	IOMMU_DMA_LOGICAL_ADDRESS at = FUZZ_BASE, out;
	struct fuzz_domain *domain = &fuzz_domains[n];

	odd.ContiguousRange.Size++;
	WRONG(t, STATUS_INVALID_PARAMETER_1, MapLogicalRangeEx, unmanaged, 3, &what, &at, NULL,
	      NULL, &out);
	WRONG(t, STATUS_INVALID_PARAMETER_1, UnmapLogicalRange, unmanaged, FUZZ_BASE, 1);
	if (!fuzz_use_domain(n, READ_ONCE(domain->generation)))
		return;
	if (domain->type != DomainTypePassThrough) {
		WRONG(t, STATUS_INVALID_PARAMETER_2, MapLogicalRangeEx, domain->handle, 4, &what,
		      &at, NULL, NULL, &out);
		WRONG(t, STATUS_INVALID_PARAMETER_3, MapLogicalRangeEx, domain->handle, 3, &odd,
		      &at, NULL, NULL, &out);
		WRONG(t, STATUS_INVALID_PARAMETER_7, MapLogicalRangeEx, domain->handle, 3, &what,
		      &at, NULL, NULL, NULL);
		WRONG(t, STATUS_INVALID_PARAMETER_2, UnmapLogicalRange, domain->handle,
		      FUZZ_BASE + 1, 1);
		WRONG(t, STATUS_INVALID_PARAMETER_3, UnmapLogicalRange, domain->handle, FUZZ_BASE,
		      0);
		WRONG(t, STATUS_INVALID_PARAMETER_3, UnmapLogicalRange, domain->handle, FUZZ_BASE,
		      ~0ULL);
	}
	fuzz_unuse_domain(n);
}

/* Nothing, and a handle of another kind. */
void fuzz_invalid(struct fuzz_thread *t)
{
	switch (fuzz_random(t, 5)) {
	case 0:
		wrong_domain(t, NULL);
		break;
	case 1:
		wrong_domain(t, READ_ONCE(*place(t, devices)));
		break;
	case 2:
		wrong_device(t, NULL);
		break;
	case 3:
		wrong_device(t, (PIOMMU_DMA_DEVICE)fuzz_table_domain(fuzz_random(t, FUZZ_TABLES)));
		break;
	case 4:
		wrong_range(t);
		break;
	}
}

static void end_token(struct fuzz_thread *t, PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token)
{
	unsigned int i;

	for (i = 0; i < TOKEN_PAGES; i++) {
		IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT segment = {
			.OwningToken = token,
			.Offset = i * SZ_4K,
			.Size = SZ_4K,
		};

		FUZZ_CALL(t, UnmapReservedLogicalRange, 100, i, 1, &segment);
	}
	FUZZ_CALL(t, FreeReservedLogicalAddressRange, 100, 0, 0, token);
}

static void end_device(struct fuzz_thread *t, PIOMMU_DMA_DEVICE device)
{
	FUZZ_CALL(t, SetDeviceFaultReportingEx, 100, 0, 0, device, 0, FALSE, NULL);
	FUZZ_CALL(t, UnregisterInterfaceStateChangeCallback, 100, 0, 0, fuzz_on_change, device);
	FUZZ_CALL(t, DetachDeviceEx, 100, 0, 0, device);
	FUZZ_CALL(t, DeleteDevice, 100, 0, 0, device);
}

static void expect_stale(struct fuzz_thread *t, NTSTATUS status, const char *what)
{
	if (status != STATUS_INVALID_PARAMETER_1)
		fuzz_fail(t, "a %s of all threads is left: %#x", what, status);
}

/* A handle may be in two places, so that what counts is that it is stale at last. */
void fuzz_wild_end(struct fuzz_thread *t)
{
	unsigned int i;

	for (i = 0; i < PLACES; i++) {
		if (tokens[i])
			end_token(t, tokens[i]);
		if (subs[i]) {
			FUZZ_CALL(t, DetachPasidDevice, 100, 0, 0, subs[i]);
			FUZZ_CALL(t, DeletePasidDevice, 100, 0, 0, subs[i]);
		}
	}
	for (i = 0; i < PLACES; i++) {
		if (devices[i])
			end_device(t, devices[i]);
	}
	for (i = 0; i < PLACES; i++) {
		if (domains[i])
			FUZZ_CALL(t, DeleteDomain, 100, 0, 0, domains[i]);
	}
	for (i = 0; i < PLACES; i++) {
		expect_stale(t, FUZZ_CALL(t, FreeReservedLogicalAddressRange, 100, 2, 0, tokens[i]),
			     "token");
		expect_stale(t, FUZZ_CALL(t, DeletePasidDevice, 100, 2, 0, subs[i]), "sub-device");
		expect_stale(t, FUZZ_CALL(t, DeleteDevice, 100, 2, 0, devices[i]), "device");
		expect_stale(t, FUZZ_CALL(t, DeleteDomain, 100, 2, 0, domains[i]), "domain");
		tokens[i] = NULL;
		subs[i] = NULL;
		devices[i] = NULL;
		domains[i] = NULL;
	}
}
