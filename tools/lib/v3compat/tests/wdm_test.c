// SPDX-License-Identifier: GPL-2.0
/*
 * <wdm.h> over the fake kernel: what becomes of a call, and what is refused without asking.
 */
#include <stdlib.h>
#include <string.h>

#include <v3compat/program.h>

#include "fake.h"
#include "tap.h"

static DMA_IOMMU_INTERFACE_EX iommu;
static PDEVICE_OBJECT pdo;
static PIOMMU_DMA_DEVICE device;

#define PAGES 40
static _Alignas(PAGE_SIZE) UCHAR memory[PAGES * PAGE_SIZE];

static PIOMMU_DMA_DOMAIN new_domain(void)
{
	IOMMU_DMA_DOMAIN_CREATION_FLAGS flags = { .AsUlonglong = 0 };
	PIOMMU_DMA_DOMAIN domain = NULL;

	expect(iommu.V3.CreateDomainEx(DomainTypeTranslate, flags, NULL, NULL, &domain) ==
	       STATUS_SUCCESS);
	return domain;
}

static IOMMU_MAP_PHYSICAL_ADDRESS frames_of(PPFN_NUMBER frames, SIZE_T count)
{
	IOMMU_MAP_PHYSICAL_ADDRESS description = { .MapType = MapPhysicalAddressTypePfn };

	description.PfnArray.PageFrame = frames;
	description.PfnArray.NumberOfPages = count;
	return description;
}

static PMDL new_mdl(SIZE_T page, SIZE_T pages)
{
	PMDL mdl = IoAllocateMdl(memory + page * PAGE_SIZE, (ULONG)(pages * PAGE_SIZE), FALSE,
				 FALSE, NULL);

	MmBuildMdlForNonPagedPool(mdl);
	return mdl;
}

static IOMMU_MAP_PHYSICAL_ADDRESS mdl_of(PMDL mdl)
{
	IOMMU_MAP_PHYSICAL_ADDRESS description = { .MapType = MapPhysicalAddressTypeMdl };

	description.Mdl.Mdl = mdl;
	return description;
}

static void tables_are_filled_whole_and_no_further(void)
{
	static const SIZE_T sizes[] = { 0, sizeof(DMA_IOMMU_INTERFACE_V1),
					sizeof(DMA_IOMMU_INTERFACE_V2),
					sizeof(DMA_IOMMU_INTERFACE_V3) };
	DMA_IOMMU_INTERFACE_EX table;
	DMA_IOMMU_INTERFACE old;
	const UCHAR *bytes = (const UCHAR *)&table;
	void *member;
	ULONG version;
	SIZE_T at;

	for (version = 1; version <= 3; version++) {
		memset(&table, 0xcc, sizeof(table));
		expect(IoGetIommuInterfaceEx(version, 0, &table) == STATUS_SUCCESS);
		expect(table.Version == version);
		expect(table.Size == offsetof(DMA_IOMMU_INTERFACE_EX, V1) + sizes[version]);
		for (at = offsetof(DMA_IOMMU_INTERFACE_EX, V1); at < table.Size;
		     at += sizeof(member)) {
			memcpy(&member, bytes + at, sizeof(member));
			expect(member);
		}
		for (at = table.Size; at < sizeof(table); at++)
			expect(bytes[at] == 0xcc);
	}
	expect(IoGetIommuInterfaceEx(0, 0, &table) == STATUS_INVALID_PARAMETER_1);
	expect(IoGetIommuInterfaceEx(4, 0, &table) == STATUS_INVALID_PARAMETER_1);
	expect(IoGetIommuInterfaceEx(3, 1, &table) == STATUS_INVALID_PARAMETER_3);
	expect(IoGetIommuInterfaceEx(3, 0, NULL) == STATUS_INVALID_PARAMETER_3);
	expect(IoGetIommuInterface(1, &old) == STATUS_SUCCESS);
	expect(old.Version == 1 && old.ConfigureDomain);
	expect(IoGetIommuInterface(2, &old) == STATUS_INVALID_PARAMETER_1);
	expect(IoGetIommuInterface(1, NULL) == STATUS_INVALID_PARAMETER_2);
}

static void one_piece_is_one_map(void)
{
	PIOMMU_DMA_DOMAIN domain;
	PMDL mdl = new_mdl(0, 2);
	IOMMU_MAP_PHYSICAL_ADDRESS description = mdl_of(mdl);
	IOMMU_DMA_LOGICAL_ADDRESS out = 0, explicit = 0x5000;

	fake_reset();
	domain = new_domain();
	expect(iommu.V3.MapLogicalRangeEx(domain, 3, &description, &explicit, NULL, NULL, &out) ==
	       STATUS_SUCCESS);
	expect(out == 0x5000);
	expect(iommu.V3.MapLogicalRangeEx(domain, 3, &description, NULL, NULL, NULL, &out) ==
	       STATUS_SUCCESS);
	expect(out == 0x200000);
	expect(iommu.V3.UnmapLogicalRange(domain, 0x5000, 2) == STATUS_SUCCESS);
	expect(iommu.V3.DeleteDomain(domain) == STATUS_SUCCESS);
	expect(!strcmp(fake_log, "domain:1 map:1@5000+2000=user map:1@0+2000=user unmap:1@5000+2000 destroy:1 "));
	IoFreeMdl(mdl);
}

static void neighbours_of_a_chain_are_one_piece(void)
{
	PIOMMU_DMA_DOMAIN domain;
	PMDL first = new_mdl(0, 2), second = new_mdl(2, 3);
	IOMMU_MAP_PHYSICAL_ADDRESS description = mdl_of(first);
	IOMMU_DMA_LOGICAL_ADDRESS out, explicit = 0x5000;

	first->Next = second;
	fake_reset();
	domain = new_domain();
	expect(iommu.V3.MapLogicalRangeEx(domain, 1, &description, &explicit, NULL, NULL, &out) ==
	       STATUS_SUCCESS);
	iommu.V3.DeleteDomain(domain);
	expect(!strcmp(fake_log, "domain:1 map:1@5000+5000=user destroy:1 "));
	IoFreeMdl(first);
	IoFreeMdl(second);
}

static void pieces_at_an_explicit_address_follow_each_other(void)
{
	PFN_NUMBER frames[] = { 0x10, 0x11, 0x30, 0x2f };
	IOMMU_MAP_PHYSICAL_ADDRESS description = frames_of(frames, 4);
	IOMMU_DMA_LOGICAL_ADDRESS out, explicit = 0x5000;
	PIOMMU_DMA_DOMAIN domain;

	fake_reset();
	domain = new_domain();
	expect(iommu.V3.MapLogicalRangeEx(domain, 1, &description, &explicit, NULL, NULL, &out) ==
	       STATUS_SUCCESS);
	expect(out == 0x5000);
	expect(iommu.V3.UnmapLogicalRange(domain, 0x5000, 4) == STATUS_SUCCESS);
	iommu.V3.DeleteDomain(domain);
	expect(!strcmp(fake_log, "domain:1 map:1@5000+2000=3:0:10000 map:1@7000+1000=3:0:30000 map:1@8000+1000=3:0:2f000 unmap:1@5000+4000 destroy:1 "));
}

static void pieces_where_the_kernel_chooses_go_into_a_reservation(void)
{
	PFN_NUMBER frames[] = { 3, 1 };
	IOMMU_MAP_PHYSICAL_ADDRESS description = frames_of(frames, 2);
	IOMMU_DMA_LOGICAL_ADDRESS out = 0;
	PIOMMU_DMA_DOMAIN domain;

	fake_reset();
	domain = new_domain();
	expect(iommu.V3.MapLogicalRangeEx(domain, 1, &description, NULL, NULL, NULL, &out) ==
	       STATUS_SUCCESS);
	expect(out == 0x100000);
	expect(iommu.V3.UnmapLogicalRange(domain, out, 2) == STATUS_SUCCESS);
	iommu.V3.DeleteDomain(domain);
	expect(!strcmp(fake_log, "domain:1 reserve:2+2000 map:2@0+1000=3:0:3000 map:2@1000+1000=3:0:1000 unmap:2@0+1000 unmap:2@1000+1000 destroy:2 destroy:1 "));
}

static void deleting_a_domain_takes_such_mappings_along(void)
{
	PFN_NUMBER frames[] = { 3, 1 };
	IOMMU_MAP_PHYSICAL_ADDRESS description = frames_of(frames, 2);
	IOMMU_DMA_LOGICAL_ADDRESS out;
	PIOMMU_DMA_DOMAIN domain;

	fake_reset();
	domain = new_domain();
	iommu.V3.MapLogicalRangeEx(domain, 1, &description, NULL, NULL, NULL, &out);
	expect(iommu.V3.DeleteDomain(domain) == STATUS_SUCCESS);
	expect(strstr(fake_log, "unmap:2@0+1000 unmap:2@1000+1000 destroy:2 destroy:1 "));
	expect(iommu.V3.DeleteDomain(domain) == STATUS_INVALID_PARAMETER_1);
}

static void refused_piece_takes_those_before_it_back(void)
{
	PFN_NUMBER frames[PAGES];
	IOMMU_MAP_PHYSICAL_ADDRESS description = frames_of(frames, PAGES);
	IOMMU_DMA_LOGICAL_ADDRESS out = 77, explicit = 0;
	PIOMMU_DMA_DOMAIN domain;
	unsigned int i, refused, undone;
	const char *found;

	for (i = 0; i < PAGES; i++)
		frames[i] = 2 * i;
	for (refused = 1; refused <= PAGES; refused++) {
		fake_reset();
		fake_refuse_map = refused;
		domain = new_domain();
		expect(iommu.V3.MapLogicalRangeEx(domain, 1, &description,
						  refused % 2 ? &explicit : NULL, NULL, NULL,
						  &out) == STATUS_RESOURCE_IN_USE);
		expect(out == 77);
		expect(v3compat_last_refusal()->out_reason == V3COMPAT_REASON_OVERLAP);
		for (undone = 0, found = fake_log; (found = strstr(found, "unmap:")); found++)
			undone++;
		expect(undone == refused - 1);
		if (!(refused % 2))
			expect(strstr(fake_log, "destroy:2 "));
		iommu.V3.DeleteDomain(domain);
	}
}

static void locked_memory_is_registered_once(void)
{
	PMDL mdl = IoAllocateMdl(memory, 3 * PAGE_SIZE, FALSE, FALSE, NULL);
	PMDL part = IoAllocateMdl(memory, PAGE_SIZE, FALSE, FALSE, NULL);
	IOMMU_MAP_PHYSICAL_ADDRESS whole = mdl_of(mdl), some = mdl_of(part);
	IOMMU_DMA_LOGICAL_ADDRESS out, explicit = 0x5000;
	PIOMMU_DMA_DOMAIN domain;

	fake_reset();
	domain = new_domain();
	expect(iommu.V3.MapLogicalRangeEx(domain, 1, &whole, &explicit, NULL, NULL, &out) ==
	       STATUS_INVALID_PARAMETER_3);
	expect(v3compat_last_refusal()->out_reason == V3COMPAT_REASON_NO_PAGES);
	expect(V3cProbeAndLockPages(mdl, UserMode, IoReadAccess) == STATUS_SUCCESS);
	expect(V3cProbeAndLockPages(mdl, UserMode, IoReadAccess) == STATUS_INVALID_PARAMETER_1);
	IoBuildPartialMdl(mdl, part, memory + PAGE_SIZE, PAGE_SIZE);
	iommu.V3.MapLogicalRangeEx(domain, 1, &whole, &explicit, NULL, NULL, &out);
	iommu.V3.MapLogicalRangeEx(domain, 1, &some, &explicit, NULL, NULL, &out);
	IoFreeMdl(part);
	IoFreeMdl(mdl);
	iommu.V3.DeleteDomain(domain);
	expect(!strcmp(fake_log, "domain:1 memory:2:1 map:1@5000+3000=1:2:0 map:1@5000+1000=1:2:1000 destroy:2 destroy:1 "));
}

static void locked_memory_is_at_its_own_address(void)
{
	PMDL mdl = IoAllocateMdl(memory + 8, 3 * PAGE_SIZE - 8, FALSE, FALSE, NULL);
	PMDL part = IoAllocateMdl(memory, PAGE_SIZE, FALSE, FALSE, NULL);

	fake_reset();
	expect(!MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority));
	expect(V3cProbeAndLockPages(mdl, UserMode, IoReadAccess) == STATUS_SUCCESS);
	IoBuildPartialMdl(mdl, part, memory + PAGE_SIZE, PAGE_SIZE);
	expect(part->MdlFlags == MDL_PARTIAL && !part->MappedSystemVa);
	expect(MmGetSystemAddressForMdlSafe(part, NormalPagePriority) == memory + PAGE_SIZE);
	expect(part->MdlFlags == (MDL_PARTIAL | MDL_MAPPED_TO_SYSTEM_VA |
				  MDL_PARTIAL_HAS_BEEN_MAPPED));
	MmPrepareMdlForReuse(part);
	expect(part->MdlFlags == MDL_PARTIAL && !part->MappedSystemVa);
	expect(MmMapLockedPagesSpecifyCache(mdl, UserMode, MmCached, NULL, FALSE,
					    NormalPagePriority) == memory + 8);
	expect(mdl->MdlFlags == MDL_PAGES_LOCKED);
	expect(MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority | MdlMappingNoExecute) ==
	       memory + 8);
	expect(mdl->MdlFlags == (MDL_PAGES_LOCKED | MDL_MAPPED_TO_SYSTEM_VA));
	IoBuildPartialMdl(mdl, part, memory + PAGE_SIZE, PAGE_SIZE);
	expect(part->MdlFlags == (MDL_PARTIAL | MDL_MAPPED_TO_SYSTEM_VA));
	expect(part->MappedSystemVa == memory + PAGE_SIZE);
	MmUnmapLockedPages(memory + 9, mdl);
	expect(mdl->MappedSystemVa == memory + 8);
	MmUnmapLockedPages(memory + 8, mdl);
	expect(mdl->MdlFlags == MDL_PAGES_LOCKED && !mdl->MappedSystemVa);
	expect(MmMapLockedPages(mdl, KernelMode) == memory + 8);
	MmUnlockPages(mdl);
	expect(mdl->MdlFlags == 0 && !mdl->MappedSystemVa);
	IoFreeMdl(part);
	IoFreeMdl(mdl);
}

static void frames_are_unknown_without_a_pool(void)
{
	PMDL mdl = new_mdl(1, 1);
	ULONGLONG physical = MmGetPhysicalAddress(memory + PAGE_SIZE + 7).QuadPart;

	expect(physical == ((ULONGLONG)(~(PFN_NUMBER)0 >> PAGE_SHIFT) << PAGE_SHIFT) + 7);
	expect(physical >> PAGE_SHIFT == MmGetMdlPfnArray(mdl)[0]);
	IoFreeMdl(mdl);
}

static void bad_parameters_are_refused_by_their_ordinal(void)
{
	IOMMU_DMA_DOMAIN_CREATION_FLAGS none = { .AsUlonglong = 0 }, some = { .AsUlonglong = 1 };
	IOMMU_MAP_PHYSICAL_ADDRESS good, bad;
	IOMMU_DMA_LOGICAL_ADDRESS out, odd = 0x800;
	IOMMU_DMA_RESERVED_REGION loop = { .RegionNext = NULL, .NumberOfPages = 1 };
	PIOMMU_DMA_DOMAIN domain, other;
	PMDL mdl = new_mdl(0, 1), second = new_mdl(1, 1);

	good = mdl_of(mdl);
	fake_reset();
	domain = new_domain();
	expect(iommu.V3.CreateDomainEx(DomainTypeMax, none, NULL, NULL, &other) ==
	       STATUS_INVALID_PARAMETER_1);
	expect(iommu.V3.CreateDomainEx(DomainTypeTranslate, some, NULL, NULL, &other) ==
	       STATUS_INVALID_PARAMETER_2);
	loop.RegionNext = &loop;
	expect(iommu.V3.CreateDomainEx(DomainTypeTranslate, none, NULL, &loop, &other) ==
	       STATUS_INVALID_PARAMETER_4);
	expect(iommu.V3.CreateDomainEx(DomainTypeTranslate, none, NULL, NULL, NULL) ==
	       STATUS_INVALID_PARAMETER_5);
	expect(iommu.V3.MapLogicalRangeEx(NULL, 1, &good, NULL, NULL, NULL, &out) ==
	       STATUS_INVALID_PARAMETER_1);
	expect(iommu.V3.MapLogicalRangeEx((PIOMMU_DMA_DOMAIN)device, 1, &good, NULL, NULL, NULL,
					  &out) == STATUS_INVALID_PARAMETER_1);
	expect(iommu.V3.MapLogicalRangeEx(domain, 0, &good, NULL, NULL, NULL, &out) ==
	       STATUS_INVALID_PARAMETER_2);
	expect(iommu.V3.MapLogicalRangeEx(domain, 4, &good, NULL, NULL, NULL, &out) ==
	       STATUS_INVALID_PARAMETER_2);
	expect(iommu.V3.MapLogicalRangeEx(domain, 1, NULL, NULL, NULL, NULL, &out) ==
	       STATUS_INVALID_PARAMETER_3);
	expect(iommu.V3.MapLogicalRangeEx(domain, 1, &good, &odd, NULL, NULL, &out) ==
	       STATUS_INVALID_PARAMETER_4);
	expect(iommu.V3.MapLogicalRangeEx(domain, 1, &good, NULL, NULL, NULL, NULL) ==
	       STATUS_INVALID_PARAMETER_7);
	bad = good;
	bad.MapType = MapPhysicalAddressTypeMax;
	expect(iommu.V3.MapLogicalRangeEx(domain, 1, &bad, NULL, NULL, NULL, &out) ==
	       STATUS_INVALID_PARAMETER_3);
	mdl->Next = second;
	second->Next = mdl;
	expect(iommu.V3.MapLogicalRangeEx(domain, 1, &good, NULL, NULL, NULL, &out) ==
	       STATUS_INVALID_PARAMETER_3);
	expect(v3compat_last_refusal()->out_reason == V3COMPAT_REASON_LIST_LOOP);
	expect(iommu.V3.UnmapLogicalRange(domain, 0x800, 1) == STATUS_INVALID_PARAMETER_2);
	expect(iommu.V3.UnmapLogicalRange(domain, 0, ~0ULL) == STATUS_INVALID_PARAMETER_3);
	expect(iommu.V3.FlushDomainByVaList(domain, TRUE, 1, NULL) == STATUS_INVALID_PARAMETER_4);
	expect(!strcmp(fake_log, "domain:1 "));
	iommu.V3.DeleteDomain(domain);
	mdl->Next = NULL;
	IoFreeMdl(mdl);
	IoFreeMdl(second);
}

static void segments_of_several_pieces_are_unmapped_whole(void)
{
	PFN_NUMBER frames[] = { 3, 1 };
	IOMMU_MAP_PHYSICAL_ADDRESS description = frames_of(frames, 2);
	IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT segment;
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token;
	PIOMMU_DMA_DOMAIN domain;

	fake_reset();
	domain = new_domain();
	expect(iommu.V3.ReserveLogicalAddressRange(domain, 0x8000, NULL, NULL, NULL, &token) ==
	       STATUS_SUCCESS);
	expect(token->LogicalAddressBase == 0x100000 && token->Size == 0x8000);
	expect(v3compat_handle(token) == 2);
	expect(iommu.V3.MapReservedLogicalRange(token, 0x7000, 2, &description, &segment) ==
	       STATUS_INVALID_PARAMETER_4);
	expect(iommu.V3.MapReservedLogicalRange(token, 0x1000, 2, &description, &segment) ==
	       STATUS_SUCCESS);
	expect(iommu.V3.UnmapReservedLogicalRange(&segment) == STATUS_SUCCESS);
	expect(!segment.OwningToken && !segment.Size);
	expect(iommu.V3.UnmapReservedLogicalRange(&segment) == STATUS_INVALID_PARAMETER);
	expect(iommu.V3.FreeReservedLogicalAddressRange(token) == STATUS_SUCCESS);
	expect(iommu.V3.FreeReservedLogicalAddressRange(token) == STATUS_INVALID_PARAMETER_1);
	iommu.V3.DeleteDomain(domain);
	expect(!strcmp(fake_log, "domain:1 reserve:2+8000 map:2@1000+1000=3:0:3000 map:2@2000+1000=3:0:1000 unmap:2@1000+1000 unmap:2@2000+1000 destroy:2 destroy:1 "));
}

static void devices_that_are_in_use_are_not_deleted(void)
{
	IOMMU_DEVICE_CREATION_CONFIGURATION config = {
		.ConfigType = IommuDeviceCreationConfigTypePasid,
	};
	PIOMMU_DMA_DOMAIN domain;
	PIOMMU_DMA_DEVICE tagged;
	PIOMMU_DMA_PASID_DEVICE pasid;
	IOMMU_DMA_DEVICE_INFORMATION information;
	ULONG number, written;

	fake_reset();
	domain = new_domain();
	config.Pasid.ConfigType = PasidConfigTypePasidTaggedDma;
	expect(iommu.V3.CreateDevice(pdo, &config, &tagged) == STATUS_SUCCESS);
	expect(iommu.V3.QueryDeviceInfo(tagged, sizeof(information), &written, &information) ==
	       STATUS_SUCCESS && information.PasidTaggedDmaEnabled);
	expect(iommu.V3.CreatePasidDevice(device, &pasid, &number) == STATUS_INVALID_PARAMETER_1);
	expect(iommu.V3.CreatePasidDevice(tagged, &pasid, &number) == STATUS_SUCCESS);
	expect(number == 5);
	expect(iommu.V3.DeleteDevice(tagged) == STATUS_RESOURCE_IN_USE);
	expect(iommu.V3.DeletePasidDevice(pasid) == STATUS_SUCCESS);
	expect(iommu.V3.AttachDeviceEx(domain, tagged) == STATUS_SUCCESS);
	expect(iommu.V3.DeleteDevice(tagged) == STATUS_RESOURCE_IN_USE);
	expect(iommu.V3.DetachDeviceEx(device) == STATUS_INVALID_PARAMETER_1);
	expect(iommu.V3.DetachDeviceEx(tagged) == STATUS_SUCCESS);
	expect(iommu.V3.DeleteDevice(tagged) == STATUS_SUCCESS);
	expect(iommu.V3.DeleteDevice(tagged) == STATUS_INVALID_PARAMETER_1);
	expect(v3compat_close_device(pdo) == -1);
	iommu.V3.DeleteDomain(domain);
}

static void device_that_cannot_be_tagged_is_opened_untagged(void)
{
	IOMMU_DEVICE_CREATION_CONFIGURATION config = {
		.ConfigType = IommuDeviceCreationConfigTypePasid,
	};
	PIOMMU_DMA_DEVICE tagged;
	PDEVICE_OBJECT plain;

	fake_reset();
	fake_untagged = 1;
	plain = v3compat_open_device("pci", "0000:00:04.0");
	fake_untagged = 0;
	config.Pasid.ConfigType = PasidConfigTypePasidTaggedDma;
	expect(iommu.V3.CreateDevice(plain, &config, &tagged) == STATUS_INVALID_PARAMETER_2);
	expect(!v3compat_close_device(plain));
	expect(v3compat_close_device(plain) == -1);
	expect(!v3compat_close_device(NULL));
	expect(!strcmp(fake_log, "device:0:0000:00:04.0 destroy:1 "));
}

/* struct told: what callbacks were told. */
struct told {
	int calls;
	ULONG types;
	FAULT_INFORMATION fault;
	int faults;
};

static void state_changed(PIOMMU_INTERFACE_STATE_CHANGE change, PVOID context)
{
	struct told *told = context;

	told->calls++;
	told->types = change->AvailableDomainTypes;
	if (told->types == 0)
		iommu.V3.UnregisterInterfaceStateChangeCallback(state_changed, device);
}

static void fault_came(PVOID context, PFAULT_INFORMATION fault)
{
	struct told *told = context;

	told->faults++;
	told->fault = *fault;
}

static void push_state(ULONG types)
{
	struct v3compat_event event = { .type = V3COMPAT_EVENT_STATE, .value = types };

	fake_push(&event);
	v3compat_settle(pdo);
}

static void state_is_told_at_once_and_then_on_each_difference(void)
{
	IOMMU_INTERFACE_STATE_CHANGE_FIELDS fields = { .AsULONG = 1 }, none = { .AsULONG = 0 };
	struct told told = { .calls = 0 };

	fake_types = 3;
	expect(iommu.V3.RegisterInterfaceStateChangeCallback(state_changed, &told, device, &none) ==
	       STATUS_INVALID_PARAMETER_4);
	expect(iommu.V3.RegisterInterfaceStateChangeCallback(state_changed, &told, device,
							     &fields) == STATUS_SUCCESS);
	expect(told.calls == 1 && told.types == 3);
	v3compat_settle(pdo);
	expect(told.calls == 1);
	push_state(1);
	push_state(1);
	push_state(3);
	expect(told.calls == 3 && told.types == 3);
	expect(iommu.V3.RegisterInterfaceStateChangeCallback(state_changed, &told, device,
							     &fields) == STATUS_UNSUCCESSFUL);
	expect(iommu.V3.DeleteDevice(device) == STATUS_RESOURCE_IN_USE);
	expect(iommu.V3.UnregisterInterfaceStateChangeCallback(state_changed, device) ==
	       STATUS_SUCCESS);
	expect(iommu.V3.UnregisterInterfaceStateChangeCallback(state_changed, device) ==
	       STATUS_UNSUCCESSFUL);
	expect(told.calls == 3);
}

static void callback_may_unregister_itself(void)
{
	IOMMU_INTERFACE_STATE_CHANGE_FIELDS fields = { .AsULONG = 1 };
	struct told told = { .calls = 0 };

	fake_types = 3;
	expect(iommu.V3.RegisterInterfaceStateChangeCallback(state_changed, &told, device,
							     &fields) == STATUS_SUCCESS);
	push_state(0);
	expect(told.calls == 2);
	expect(iommu.V3.UnregisterInterfaceStateChangeCallback(state_changed, device) ==
	       STATUS_UNSUCCESSFUL);
}

static void faults_are_told_and_page_requests_answered(void)
{
	struct told told = { .calls = 0 };
	DEVICE_FAULT_CONFIGURATION config = {
		.FaultHandler = fault_came, .FaultContext = &told,
	};
	struct v3compat_event event = {
		.type = V3COMPAT_EVENT_FAULT,
		.pasid = V3COMPAT_NO_PASID_NUMBER,
		.reason = TranslationFault,
		.address = 0x123000,
		.cookie = 9,
	};
	PIOMMU_DMA_DOMAIN domain;

	fake_reset();
	domain = new_domain();
	event.domain = v3compat_handle(domain);
	expect(iommu.V3.SetDeviceFaultReportingEx(device, 0, FALSE, NULL) == STATUS_UNSUCCESSFUL);
	expect(iommu.V3.SetDeviceFaultReportingEx(device, 1, TRUE, &config) ==
	       STATUS_INVALID_PARAMETER_2);
	expect(iommu.V3.SetDeviceFaultReportingEx(device, 0, TRUE, NULL) ==
	       STATUS_INVALID_PARAMETER_4);
	expect(iommu.V3.SetDeviceFaultReportingEx(device, 0, TRUE, &config) == STATUS_SUCCESS);
	expect(iommu.V3.SetDeviceFaultReportingEx(device, 0, TRUE, &config) ==
	       STATUS_RESOURCE_IN_USE);
	fake_push(&event);
	v3compat_settle(pdo);
	expect(told.faults == 1);
#ifndef __aarch64__
	expect(told.fault.Type == FaultInformationX64);
	expect(told.fault.X64.DomainHandle == domain);
	expect(told.fault.X64.FaultAddress == (PVOID)0x123000);
	expect(told.fault.X64.Type == TranslationFault);
	expect(told.fault.X64.PciSegment == 0xab);
#endif
	expect(!strstr(fake_log, "answer"));
	event.type = V3COMPAT_EVENT_PAGE_REQUEST;
	event.flags = V3COMPAT_EVENT_MORE;
	fake_push(&event);
	event.flags = 0;
	fake_push(&event);
	v3compat_settle(pdo);
	expect(told.faults == 3);
	expect(strstr(fake_log, "answer:9:0 "));
	expect(iommu.V3.SetDeviceFaultReportingEx(device, 0, FALSE, NULL) == STATUS_SUCCESS);
	iommu.V3.DeleteDomain(domain);
}

/* Last, because there is no way back from a pool. */
static void pool_is_physical_memory(void)
{
	DOMAIN_CONFIGURATION config = { .Type = DomainConfigurationX64 };
	PFN_NUMBER frames[] = { 3, 1 };
	IOMMU_MAP_PHYSICAL_ADDRESS description = frames_of(frames, 2), whole;
	IOMMU_DMA_LOGICAL_ADDRESS out, explicit = 0x5000;
	PIOMMU_DMA_DOMAIN domain;
	PMDL mdl;

	fake_reset();
	domain = new_domain();
	config.X64.TranslationEnabled = TRUE;
	expect(iommu.V3.ConfigureDomain(domain, &config) == STATUS_NOT_SUPPORTED);
	expect(!v3compat_use_pool(memory, sizeof(memory)));
	expect(v3compat_use_pool(memory, sizeof(memory)) == -1);
	mdl = new_mdl(7, 2);
	whole = mdl_of(mdl);
	expect(MmGetMdlPfnArray(mdl)[0] == 7 && MmGetMdlPfnArray(mdl)[1] == 8);
	expect(MmGetPhysicalAddress(memory + 7 * PAGE_SIZE + 9).QuadPart == 7 * PAGE_SIZE + 9);
	expect(!MmGetPhysicalAddress(memory).QuadPart);
	config.X64.FirstLevelPageTableRoot.QuadPart = 0x4000;
	expect(iommu.V3.ConfigureDomain(domain, &config) == STATUS_SUCCESS);
	iommu.V3.MapLogicalRangeEx(domain, 1, &description, &explicit, NULL, NULL, &out);
	iommu.V3.MapLogicalRangeEx(domain, 1, &whole, &explicit, NULL, NULL, &out);
	expect(iommu.V3.MapIdentityRangeEx(domain, 1, &whole) == STATUS_NOT_SUPPORTED);
	iommu.V3.DeleteDomain(domain);
	expect(!strcmp(fake_log, "domain:1 memory:2:0 configure:2:0:4000 map:1@5000+1000=1:2:3000 map:1@6000+1000=1:2:1000 map:1@5000+2000=1:2:7000 destroy:1 "));
	IoFreeMdl(mdl);
}

int main(void)
{
	fake_reset();
	if (v3compat_use(1) || v3compat_file() != 1 || v3compat_use(2) == 0)
		return 1;
	IoGetIommuInterfaceEx(3, 0, &iommu);
	pdo = v3compat_open_device("pci", "00ab:00:03.0");
	if (!pdo || iommu.V3.CreateDevice(pdo, NULL, &device))
		return 1;
	run_test(tables_are_filled_whole_and_no_further);
	run_test(one_piece_is_one_map);
	run_test(neighbours_of_a_chain_are_one_piece);
	run_test(pieces_at_an_explicit_address_follow_each_other);
	run_test(pieces_where_the_kernel_chooses_go_into_a_reservation);
	run_test(deleting_a_domain_takes_such_mappings_along);
	run_test(refused_piece_takes_those_before_it_back);
	run_test(locked_memory_is_registered_once);
	run_test(locked_memory_is_at_its_own_address);
	run_test(frames_are_unknown_without_a_pool);
	run_test(bad_parameters_are_refused_by_their_ordinal);
	run_test(segments_of_several_pieces_are_unmapped_whole);
	run_test(devices_that_are_in_use_are_not_deleted);
	run_test(device_that_cannot_be_tagged_is_opened_untagged);
	run_test(state_is_told_at_once_and_then_on_each_difference);
	run_test(callback_may_unregister_itself);
	run_test(faults_are_told_and_page_requests_answered);
	run_test(pool_is_physical_memory);
	expect(iommu.V3.DeleteDevice(device) == STATUS_SUCCESS);
	expect(!v3compat_close_device(pdo));
	return tap_end();
}
