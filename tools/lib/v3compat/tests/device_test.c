// SPDX-License-Identifier: GPL-2.0
/*
 * <wdm.h> over the kernel, with QEMU's edu device: device_test NAME. Without a pool: memory is what
 * the program has anyway.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tap.h"
#include "user.h"

#define NOBODY 65534
#define READS 1
#define WRITES 2

static DMA_IOMMU_INTERFACE_EX iommu;
static struct edu_engine engine;
static PIOMMU_DMA_DEVICE device;

static UCHAR *new_pages(size_t pages)
{
	return mmap(NULL, pages * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		    -1, 0);
}

static void free_pages(UCHAR *memory, size_t pages)
{
	munmap(memory, pages * PAGE_SIZE);
}

static void fill(UCHAR *memory, size_t size, unsigned int seed)
{
	size_t i;

	for (i = 0; i < size; i++)
		memory[i] = (UCHAR)(seed * 31 + i * 7 + i / 251);
}

static PIOMMU_DMA_DOMAIN new_domain(BOOLEAN allocator)
{
	IOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG config = {
		.LogicalAllocatorType = IommuDmaLogicalAllocatorBuddy,
	};
	IOMMU_DMA_DOMAIN_CREATION_FLAGS flags = { .AsUlonglong = 0 };
	PIOMMU_DMA_DOMAIN domain = NULL;

	config.BuddyAllocatorConfig.AddressWidth = 32;
	expect(iommu.V3.CreateDomainEx(DomainTypeTranslate, flags, allocator ? &config : NULL,
				       NULL, &domain) == STATUS_SUCCESS);
	expect(iommu.V3.AttachDeviceEx(domain, device) == STATUS_SUCCESS);
	return domain;
}

static void end_domain(PIOMMU_DMA_DOMAIN domain)
{
	expect(iommu.V3.DetachDeviceEx(device) == STATUS_SUCCESS);
	expect(iommu.V3.DeleteDomain(domain) == STATUS_SUCCESS);
}

static PMDL new_mdl(UCHAR *memory, size_t pages)
{
	PMDL mdl = IoAllocateMdl(memory, (ULONG)(pages * PAGE_SIZE), FALSE, FALSE, NULL);

	MmBuildMdlForNonPagedPool(mdl);
	return mdl;
}

static IOMMU_DMA_LOGICAL_ADDRESS map(PIOMMU_DMA_DOMAIN domain, PMDL mdl, ULONG permissions,
				     PIOMMU_DMA_LOGICAL_ADDRESS explicit)
{
	IOMMU_MAP_PHYSICAL_ADDRESS description = { .MapType = MapPhysicalAddressTypeMdl };
	IOMMU_DMA_LOGICAL_ADDRESS out = ~0ULL;

	description.Mdl.Mdl = mdl;
	expect(iommu.V3.MapLogicalRangeEx(domain, permissions, &description, explicit, NULL, NULL,
					  &out) == STATUS_SUCCESS);
	return out;
}

/* move_page() lets the engine read a page at @from and write it to @to. */
static bool move_page(IOMMU_DMA_LOGICAL_ADDRESS from, IOMMU_DMA_LOGICAL_ADDRESS to)
{
	return NT_SUCCESS(EduTransfer(&engine, EduMemoryToEngine, from, PAGE_SIZE)) &&
	       NT_SUCCESS(EduTransfer(&engine, EduEngineToMemory, to, PAGE_SIZE));
}

static void locked_memory_is_moved_both_ways(void)
{
	UCHAR *memory = new_pages(2);
	PMDL mdl = IoAllocateMdl(memory, 2 * PAGE_SIZE, FALSE, FALSE, NULL);
	PIOMMU_DMA_DOMAIN domain = new_domain(TRUE);
	IOMMU_DMA_LOGICAL_ADDRESS at;

	fill(memory, PAGE_SIZE, 1);
	expect(V3cProbeAndLockPages(mdl, UserMode, IoModifyAccess) == STATUS_SUCCESS);
	at = map(domain, mdl, READS | WRITES, NULL);
	expect(move_page(at, at + PAGE_SIZE));
	expect(!memcmp(memory, memory + PAGE_SIZE, PAGE_SIZE));
	/* What a device reaches is not unlocked. */
	MmUnlockPages(mdl);
	expect(mdl->MdlFlags & MDL_PAGES_LOCKED);
	expect(iommu.V3.UnmapLogicalRange(domain, at, 2) == STATUS_SUCCESS);
	MmUnlockPages(mdl);
	expect(!(mdl->MdlFlags & MDL_PAGES_LOCKED));
	fill(memory, PAGE_SIZE, 2);
	expect(move_page(at, at + PAGE_SIZE));
	expect(memcmp(memory, memory + PAGE_SIZE, PAGE_SIZE));
	end_domain(domain);
	IoFreeMdl(mdl);
	free_pages(memory, 2);
}

static void memory_locked_for_reading_is_not_written(void)
{
	IOMMU_MAP_PHYSICAL_ADDRESS description = { .MapType = MapPhysicalAddressTypeMdl };
	UCHAR *memory = new_pages(1);
	PMDL mdl = IoAllocateMdl(memory, PAGE_SIZE, FALSE, FALSE, NULL);
	PIOMMU_DMA_DOMAIN domain = new_domain(TRUE);
	IOMMU_DMA_LOGICAL_ADDRESS out = 0;

	expect(V3cProbeAndLockPages(mdl, UserMode, IoReadAccess) == STATUS_SUCCESS);
	description.Mdl.Mdl = mdl;
	expect(!NT_SUCCESS(iommu.V3.MapLogicalRangeEx(domain, WRITES, &description, NULL, NULL,
						      NULL, &out)));
	expect(v3compat_last_refusal()->out_reason == V3COMPAT_REASON_READ_ONLY);
	expect(iommu.V3.UnmapLogicalRange(domain, map(domain, mdl, READS, NULL), 1) ==
	       STATUS_SUCCESS);
	end_domain(domain);
	IoFreeMdl(mdl);
	free_pages(memory, 1);
}

/* Pages 0, 2 and 4 of memory, in reverse order, as a chain. */
static PMDL new_chain(UCHAR *memory)
{
	PMDL first = new_mdl(memory + 4 * PAGE_SIZE, 1);

	first->Next = new_mdl(memory + 2 * PAGE_SIZE, 1);
	first->Next->Next = new_mdl(memory, 1);
	return first;
}

static void free_chain(PMDL mdl)
{
	PMDL next;

	for (; mdl; mdl = next) {
		next = mdl->Next;
		IoFreeMdl(mdl);
	}
}

/* The engine writes half of one page and half of the next. */
static void cross_pieces(UCHAR *memory, IOMMU_DMA_LOGICAL_ADDRESS source, const UCHAR *data,
			 IOMMU_DMA_LOGICAL_ADDRESS at)
{
	memset(memory, 0, 5 * PAGE_SIZE);
	expect(move_page(source, at + PAGE_SIZE / 2));
	expect(!memcmp(memory + 4 * PAGE_SIZE + PAGE_SIZE / 2, data, PAGE_SIZE / 2));
	expect(!memcmp(memory + 2 * PAGE_SIZE, data + PAGE_SIZE / 2, PAGE_SIZE / 2));
}

static void pieces_become_one_range(void)
{
	IOMMU_DMA_LOGICAL_ADDRESS at, source, explicit = 0x40000000, from = 0x50000000;
	UCHAR *memory = new_pages(5), *data = new_pages(1);
	PMDL chain = new_chain(memory), page = new_mdl(data, 1);
	PIOMMU_DMA_DOMAIN domain;

	fill(data, PAGE_SIZE, 3);
	domain = new_domain(TRUE);
	source = map(domain, page, READS, NULL);
	at = map(domain, chain, WRITES, NULL);
	cross_pieces(memory, source, data, at);
	expect(iommu.V3.UnmapLogicalRange(domain, at, 2) == STATUS_INVALID_PARAMETER);
	expect(iommu.V3.UnmapLogicalRange(domain, at, 3) == STATUS_SUCCESS);
	memset(memory, 0, 5 * PAGE_SIZE);
	expect(move_page(source, at));
	expect(!memory[4 * PAGE_SIZE]);
	/* One that is still there goes with its domain. */
	map(domain, chain, WRITES, NULL);
	expect(iommu.V3.DeleteDomain(domain) == STATUS_RESOURCE_IN_USE);
	end_domain(domain);

	domain = new_domain(FALSE);
	source = map(domain, page, READS, &from);
	at = map(domain, chain, WRITES, &explicit);
	expect(at == explicit);
	cross_pieces(memory, source, data, at);
	expect(iommu.V3.UnmapLogicalRange(domain, at, 3) == STATUS_SUCCESS);
	end_domain(domain);
	free_chain(chain);
	IoFreeMdl(page);
	free_pages(memory, 5);
	free_pages(data, 1);
}

static void pieces_become_one_segment(void)
{
	IOMMU_MAP_PHYSICAL_ADDRESS description = { .MapType = MapPhysicalAddressTypeMdl };
	IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT segment;
	UCHAR *memory = new_pages(5), *data = new_pages(1);
	PMDL chain = new_chain(memory), page = new_mdl(data, 1);
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token;
	PIOMMU_DMA_DOMAIN domain = new_domain(TRUE);
	IOMMU_DMA_LOGICAL_ADDRESS source = map(domain, page, READS, NULL);

	fill(data, PAGE_SIZE, 4);
	expect(iommu.V3.ReserveLogicalAddressRange(domain, 8 * PAGE_SIZE, NULL, NULL, NULL,
						   &token) == STATUS_SUCCESS);
	description.Mdl.Mdl = chain;
	expect(iommu.V3.MapReservedLogicalRange(token, 5 * PAGE_SIZE, WRITES, &description,
						&segment) == STATUS_SUCCESS);
	cross_pieces(memory, source, data, token->LogicalAddressBase + 5 * PAGE_SIZE);
	expect(iommu.V3.FreeReservedLogicalAddressRange(token) == STATUS_RESOURCE_IN_USE);
	expect(iommu.V3.UnmapReservedLogicalRange(&segment) == STATUS_SUCCESS);
	expect(iommu.V3.FreeReservedLogicalAddressRange(token) == STATUS_SUCCESS);
	end_domain(domain);
	free_chain(chain);
	IoFreeMdl(page);
	free_pages(memory, 5);
	free_pages(data, 1);
}

static void first_version_of_the_table_works(void)
{
	UCHAR *memory = new_pages(2);
	PMDL mdl = new_mdl(memory, 2);
	PIOMMU_DMA_DOMAIN domain;
	DMA_IOMMU_INTERFACE table;
	ULONG needed = 0;

	fill(memory, PAGE_SIZE, 5);
	expect(IoGetIommuInterface(1, &table) == STATUS_SUCCESS);
	expect(table.QueryInputMappings(engine.device, NULL, 0, &needed) ==
	       STATUS_BUFFER_TOO_SMALL);
	expect(needed == sizeof(INPUT_MAPPING_ELEMENT));
	expect(table.CreateDomain(TRUE, &domain) == STATUS_SUCCESS);
	expect(table.AttachDevice(domain, engine.device, 0, 2) == STATUS_INVALID_PARAMETER_4);
	expect(table.AttachDevice(domain, engine.device, 0, 1) == STATUS_SUCCESS);
	expect(iommu.V3.AttachDeviceEx(domain, device) == STATUS_INVALID_PARAMETER);
	expect(table.MapLogicalRange(domain, READS | WRITES, mdl, 0x7000) == STATUS_SUCCESS);
	expect(move_page(0x7000, 0x8000));
	expect(!memcmp(memory, memory + PAGE_SIZE, PAGE_SIZE));
	expect(table.UnmapLogicalRange(domain, 0x7000, 2) == STATUS_SUCCESS);
	expect(table.DetachDevice(domain, engine.device, 0) == STATUS_SUCCESS);
	expect(table.DetachDevice(domain, engine.device, 0) == STATUS_INVALID_PARAMETER_2);
	expect(table.DeleteDomain(domain) == STATUS_SUCCESS);
	IoFreeMdl(mdl);
	free_pages(memory, 2);
}

static FAULT_INFORMATION seen;
static int faults;

static void fault_came(PVOID context, PFAULT_INFORMATION fault)
{
	(void)context;
	seen = *fault;
	faults++;
}

static void faults_are_told(void)
{
	DEVICE_FAULT_CONFIGURATION config = { .FaultHandler = fault_came };
	PIOMMU_DMA_DOMAIN domain = new_domain(FALSE);
	NTSTATUS status = iommu.V3.SetDeviceFaultReportingEx(device, 0, TRUE, &config);
	int i;

	if (status == STATUS_NOT_IMPLEMENTED) {
		printf("# nothing tells about faults of the device here\n");
		end_domain(domain);
		return;
	}
	expect(status == STATUS_SUCCESS);
	EduTransfer(&engine, EduEngineToMemory, 0x123456000, PAGE_SIZE);
	for (i = 0; i < 100 && !faults; i++) {
		usleep(20000);
		v3compat_settle(engine.device);
	}
	expect(faults);
#ifndef __aarch64__
	expect(seen.X64.FaultAddress == (PVOID)0x123456000);
	expect(seen.X64.DomainHandle == domain);
#endif
	expect(iommu.V3.SetDeviceFaultReportingEx(device, 0, FALSE, NULL) == STATUS_SUCCESS);
	end_domain(domain);
}

static int calls;

static void state_changed(PIOMMU_INTERFACE_STATE_CHANGE change, PVOID context)
{
	(void)change;
	(void)context;
	calls++;
}

static void state_is_told_once_while_it_stays(void)
{
	IOMMU_INTERFACE_STATE_CHANGE_FIELDS fields = { .AsULONG = 1 };
	DEVICE_FAULT_CONFIGURATION config = { .FaultHandler = fault_came };
	PIOMMU_DMA_DOMAIN domain = new_domain(FALSE);

	expect(iommu.V3.RegisterInterfaceStateChangeCallback(state_changed, NULL, device,
							     &fields) == STATUS_SUCCESS);
	/* The events are opened anew for the faults. */
	iommu.V3.SetDeviceFaultReportingEx(device, 0, TRUE, &config);
	iommu.V3.SetDeviceFaultReportingEx(device, 0, FALSE, NULL);
	v3compat_settle(engine.device);
	expect(calls == 1);
	expect(iommu.V3.UnregisterInterfaceStateChangeCallback(state_changed, device) ==
	       STATUS_SUCCESS);
	end_domain(domain);
}

static void more_than_may_be_locked_is_refused(void)
{
	struct rlimit few = { .rlim_cur = 4 * PAGE_SIZE, .rlim_max = 4 * PAGE_SIZE };
	UCHAR *memory = new_pages(5);
	PMDL five = IoAllocateMdl(memory, 5 * PAGE_SIZE, FALSE, FALSE, NULL);
	PMDL four = IoAllocateMdl(memory, 4 * PAGE_SIZE, FALSE, FALSE, NULL);

	expect(!setrlimit(RLIMIT_MEMLOCK, &few));
	expect(V3cProbeAndLockPages(five, UserMode, IoModifyAccess) == STATUS_WORKING_SET_QUOTA);
	expect(!(five->MdlFlags & MDL_PAGES_LOCKED));
	expect(V3cProbeAndLockPages(four, UserMode, IoModifyAccess) == STATUS_SUCCESS);
	IoFreeMdl(four);
	IoFreeMdl(five);
	free_pages(memory, 5);
	memory = new_pages(1);
	four = IoAllocateMdl(memory, PAGE_SIZE, FALSE, FALSE, NULL);
	free_pages(memory, 1);
	expect(V3cProbeAndLockPages(four, UserMode, IoModifyAccess) == STATUS_ACCESS_VIOLATION);
	IoFreeMdl(four);
}

int main(int argc, char *argv[])
{
	if (argc != 2)
		return 2;
	engine.name = argv[1];
	engine.device = v3compat_open_device("pci", argv[1]);
	IoGetIommuInterfaceEx(3, 0, &iommu);
	if (!engine.device || setresuid(NOBODY, NOBODY, NOBODY) || !start_engine(&engine) ||
	    !NT_SUCCESS(iommu.V3.CreateDevice(engine.device, NULL, &device)))
		return 1;
	run_test(locked_memory_is_moved_both_ways);
	run_test(memory_locked_for_reading_is_not_written);
	run_test(pieces_become_one_range);
	run_test(pieces_become_one_segment);
	run_test(first_version_of_the_table_works);
	run_test(faults_are_told);
	run_test(state_is_told_once_while_it_stays);
	run_test(more_than_may_be_locked_is_refused);
	iommu.V3.DeleteDevice(device);
	stop_engine(&engine);
	return v3compat_close_device(engine.device) || tap_end();
}
