// SPDX-License-Identifier: GPL-2.0
/* Devices and sub-devices: made, attached, asked, told of faults and changes. */
#include <linux/delay.h>
#include <linux/device.h>

#include "v3fuzz.h"

struct fuzz_device fuzz_devices[FUZZ_DEVICES + FUZZ_SUBS];

static atomic_t faults;
static DEFINE_MUTEX(handler_lock);

static struct fuzz_device *some_device(struct fuzz_thread *t)
{
	return &fuzz_devices[fuzz_random(t, FUZZ_DEVICES)];
}

static struct fuzz_device *some_sub(struct fuzz_thread *t)
{
	return &fuzz_devices[FUZZ_DEVICES + fuzz_random(t, FUZZ_SUBS)];
}

static u64 number(const struct fuzz_device *device)
{
	return device - fuzz_devices;
}

unsigned int fuzz_faults(void)
{
	return atomic_read(&faults);
}

static int epoch_of(const struct fuzz_device *device)
{
	return atomic_read_acquire(&device->view.group->epoch);
}

/* What begins now may be undone by somebody who has begun already: -1, which no epoch is. */
static int epoch_to_attach_in(const struct fuzz_device *device)
{
	int epoch = epoch_of(device);

	return atomic_read_acquire(&device->view.group->moving) ? -1 : epoch;
}

/* @epoch is from before the call: what comes or goes later may have undone it already. */
static void set_attached(struct fuzz_device *device, PIOMMU_DMA_DOMAIN domain, int epoch)
{
	spin_lock(&device->view_lock);
	device->view.attached = domain;
	device->view.epoch = epoch;
	spin_unlock(&device->view_lock);
}

static void set_detached(struct fuzz_device *device)
{
	set_attached(device, NULL, 0);
}

/* Whether nothing came or went in its group since the device was attached. */
static bool is_undisturbed(const struct fuzz_device *device)
{
	return device->view.epoch == epoch_of(device);
}

/* Is, or will be by the time that somebody can tell. */
static bool is_gone(const struct fuzz_device *device)
{
	return atomic_read(&device->view.group->busy) || !device_is_registered(device->view.dev);
}

static void create_device(struct fuzz_thread *t, struct fuzz_device *device)
{
	IOMMU_DEVICE_CREATION_CONFIGURATION config = {
		.ConfigType = IommuDeviceCreationConfigTypePasid,
	};
	unsigned int n = fuzz_random(t, FUZZ_PLUGS);
	struct fuzz_plug *plug = &fuzz_plugs[n];
	bool tagged = !fuzz_one_in(t, 4), configured = !fuzz_one_in(t, 3);

	if (tagged && plug->tagged) {
		config.Pasid.ConfigType = PasidConfigTypePasidTaggedDma;
		configured = true;
	}
	config.Pasid.SuppressPasidFaults = fuzz_one_in(t, 8);
	fuzz_wild_pause();
	down_read(&plug->sem);
	if (plug->dev &&
	    NT_SUCCESS(FUZZ_CALL(t, CreateDevice, number(device), n, configured, plug->dev,
				 configured ? &config : NULL, &device->handle))) {
		device->tagged = configured &&
				 config.Pasid.ConfigType == PasidConfigTypePasidTaggedDma;
		device->view.dev = get_device(plug->dev);
		device->view.group = plug->group;
		device->view.sim = plug->sim;
		device->view.mask = plug->mask;
		device->view.direct = plug->direct;
		device->view.pasid = IOMMUSIM_NO_PASID;
	}
	up_read(&plug->sem);
	fuzz_wild_resume(device->handle);
}

/*
 * Whoever plugs or unplugs a member of the group may be in the middle of detaching what is idle
 * then.
 */
static bool is_still_detached(NTSTATUS status, bool idle, unsigned int *tries)
{
	if (!idle || status != STATUS_RESOURCE_IN_USE || ++*tries > 1000)
		return false;
	fsleep(1000);
	return true;
}

static void delete_device(struct fuzz_thread *t, struct fuzz_device *device)
{
	bool used = device->view.attached || device->children || device->watched;
	unsigned int tries = 0;
	NTSTATUS status;

	do {
		status = FUZZ_CALL(t, DeleteDevice, number(device), used, 0, device->handle);
	} while (is_still_detached(status, !used, &tries));
	/* A device that was unplugged is attached nowhere. */
	if (!used && !NT_SUCCESS(status))
		fuzz_fail(t, "DeleteDevice of an idle device: %#x", status);
	if (NT_SUCCESS(status) && (device->children || device->watched))
		fuzz_fail(t, "DeleteDevice of a device with %u sub-devices, watched: %u",
			  device->children, device->watched);
	if (!NT_SUCCESS(status))
		return;
	set_detached(device);
	put_device(device->view.dev);
	device->view.dev = NULL;
	device->handle = NULL;
	device->tagged = false;
	device->reporting = false;
}

/* The domain of that number, also one with tables of the caller's; to be given back. */
static PIOMMU_DMA_DOMAIN hold_domain(unsigned int n)
{
	if (n >= FUZZ_DOMAINS)
		return fuzz_table_domain(n - FUZZ_DOMAINS);
	down_read(&fuzz_domains[n].sem);
	if (fuzz_domains[n].handle)
		return fuzz_domains[n].handle;
	up_read(&fuzz_domains[n].sem);
	return NULL;
}

static void release_domain(unsigned int n)
{
	if (n < FUZZ_DOMAINS)
		up_read(&fuzz_domains[n].sem);
}

/* The domain is held. */
static void attach_device(struct fuzz_thread *t, struct fuzz_device *device, unsigned int n,
			  PIOMMU_DMA_DOMAIN domain)
{
	int epoch = epoch_to_attach_in(device);

	fuzz_group_begin(device->view.group);
	if (NT_SUCCESS(FUZZ_CALL(t, AttachDeviceEx, n, number(device), 0, domain, device->handle)))
		set_attached(device, domain, epoch);
	fuzz_group_end(device->view.group);
}

static void detach_device(struct fuzz_thread *t, struct fuzz_device *device)
{
	NTSTATUS status;
	bool undisturbed;

	fuzz_group_begin(device->view.group);
	status = FUZZ_CALL(t, DetachDeviceEx, number(device), 0, 0, device->handle);
	undisturbed = is_undisturbed(device);
	if (undisturbed && !NT_SUCCESS(status))
		fuzz_fail(t, "DetachDeviceEx of an attached device: %#x", status);
	set_detached(device);
	fuzz_group_end(device->view.group);
}

void fuzz_device_attach(struct fuzz_thread *t)
{
	struct fuzz_device *device = some_device(t);
	unsigned int n = fuzz_random(t, FUZZ_DOMAINS + FUZZ_TABLES);
	PIOMMU_DMA_DOMAIN domain;

	mutex_lock(&device->lock);
	if (device->view.attached) {
		if (fuzz_one_in(t, 3))
			detach_device(t, device);
	} else if (device->handle) {
		domain = hold_domain(n);
		if (domain) {
			attach_device(t, device, n, domain);
			if (n < FUZZ_DOMAINS)
				fuzz_check_domain(t, n);
			release_domain(n);
		}
	}
	mutex_unlock(&device->lock);
}

/* The caller holds the domain, so that waiting for a device could be waiting for its own. */
void fuzz_device_attach_to(struct fuzz_thread *t, unsigned int domain)
{
	unsigned int tries;

	for (tries = 0; tries < 6; tries++) {
		struct fuzz_device *device = some_device(t);

		if (!mutex_trylock(&device->lock))
			continue;
		if (device->handle && device->view.attached != fuzz_domains[domain].handle) {
			if (device->view.attached)
				detach_device(t, device);
			attach_device(t, device, domain, fuzz_domains[domain].handle);
		}
		mutex_unlock(&device->lock);
	}
}

static bool bind_process(struct fuzz_thread *t, struct fuzz_device *sub, struct fuzz_device *parent)
{
	ULONG pasid;

	if (!fuzz_mm || !NT_SUCCESS(v3compat_create_sva_device(parent->handle, fuzz_mm, &sub->sub,
							       &pasid)))
		return false;
	sub->view.pasid = pasid;
	sub->process = true;
	return true;
}

static bool create_tagged(struct fuzz_thread *t, struct fuzz_device *sub,
			  struct fuzz_device *parent)
{
	ULONG pasid;

	if (!NT_SUCCESS(FUZZ_CALL(t, CreatePasidDevice, number(sub), number(parent), 0,
				  parent->handle, &sub->sub, &pasid)))
		return false;
	sub->view.pasid = pasid;
	sub->process = false;
	return true;
}

static void create_sub(struct fuzz_thread *t, struct fuzz_device *sub)
{
	struct fuzz_device *parent = some_device(t);
	bool made = false;
	unsigned int tries;
	int epoch = 0;

	for (tries = 0; tries < FUZZ_DEVICES && !READ_ONCE(parent->tagged); tries++)
		parent = some_device(t);

	mutex_lock_nested(&parent->lock, SINGLE_DEPTH_NESTING);
	if (parent->handle && parent->tagged) {
		epoch = epoch_to_attach_in(parent);
		fuzz_wild_pause();
		fuzz_group_begin(parent->view.group);
		made = fuzz_one_in(t, 4) ? bind_process(t, sub, parent) :
					   create_tagged(t, sub, parent);
		fuzz_group_end(parent->view.group);
		fuzz_wild_resume(made ? sub->sub : NULL);
	}
	if (made) {
		parent->children++;
		sub->parent = parent;
		sub->view.dev = get_device(parent->view.dev);
		sub->view.group = parent->view.group;
		sub->view.sim = parent->view.sim;
		sub->view.mask = parent->view.mask;
		sub->view.direct = -1;
		sub->view.epoch = epoch;
	}
	mutex_unlock(&parent->lock);
}

static void attach_sub(struct fuzz_thread *t, struct fuzz_device *sub, unsigned int n,
		       PIOMMU_DMA_DOMAIN domain)
{
	int epoch = epoch_to_attach_in(sub);

	fuzz_group_begin(sub->view.group);
	if (NT_SUCCESS(FUZZ_CALL(t, AttachPasidDevice, n, number(sub), 0, domain, sub->sub)))
		set_attached(sub, domain, epoch);
	fuzz_group_end(sub->view.group);
}

static void detach_sub(struct fuzz_thread *t, struct fuzz_device *sub)
{
	bool undisturbed;
	NTSTATUS status;

	fuzz_group_begin(sub->view.group);
	status = FUZZ_CALL(t, DetachPasidDevice, number(sub), sub->process, 0, sub->sub);
	undisturbed = is_undisturbed(sub);
	if (undisturbed && !NT_SUCCESS(status))
		fuzz_fail(t, "DetachPasidDevice of an attached sub-device: %#x", status);
	set_detached(sub);
	fuzz_group_end(sub->view.group);
}

static void delete_sub(struct fuzz_thread *t, struct fuzz_device *sub)
{
	struct fuzz_device *parent = sub->parent;
	unsigned int tries = 0;
	NTSTATUS status;

	if (sub->process || (sub->view.attached && is_gone(sub)))
		detach_sub(t, sub);
	mutex_lock_nested(&parent->lock, SINGLE_DEPTH_NESTING);
	do {
		status = FUZZ_CALL(t, DeletePasidDevice, number(sub), 0, 0, sub->sub);
	} while (is_still_detached(status, !sub->view.attached, &tries));
	if (NT_SUCCESS(status))
		parent->children--;
	mutex_unlock(&parent->lock);
	if (!NT_SUCCESS(status)) {
		if (!sub->view.attached)
			fuzz_fail(t, "DeletePasidDevice of an idle sub-device: %#x", status);
		return;
	}
	set_detached(sub);
	put_device(sub->view.dev);
	sub->view.dev = NULL;
	sub->sub = NULL;
	sub->process = false;
}

void fuzz_sub_life(struct fuzz_thread *t)
{
	struct fuzz_device *sub = some_sub(t);

	mutex_lock(&sub->lock);
	if (!sub->sub)
		create_sub(t, sub);
	else if (is_gone(sub) || fuzz_one_in(t, 3))
		delete_sub(t, sub);
	mutex_unlock(&sub->lock);
}

/* The memory of the process that runs the fuzzer. */
static void read_process(struct fuzz_thread *t, struct fuzz_device *sub)
{
	u64 seen = 0;
	int ret;

	ret = iommusim_dma_read_prq(sub->view.dev, sub->view.pasid, fuzz_user_page, &seen,
				    sizeof(seen), NULL);
	if (!ret && seen != fuzz_user_page)
		fuzz_fail(t, "%s, PASID %#x: read %#llx from the process at %#lx",
			  dev_name(sub->view.dev), sub->view.pasid, seen, fuzz_user_page);
}

void fuzz_sub_attach(struct fuzz_thread *t)
{
	struct fuzz_device *sub = some_sub(t);
	unsigned int n = fuzz_random(t, FUZZ_DOMAINS + FUZZ_TABLES);
	PIOMMU_DMA_DOMAIN domain;

	mutex_lock(&sub->lock);
	if (sub->process) {
		read_process(t, sub);
	} else if (sub->view.attached) {
		if (fuzz_one_in(t, 3))
			detach_sub(t, sub);
	} else if (sub->sub) {
		domain = hold_domain(n);
		if (domain) {
			attach_sub(t, sub, n, domain);
			if (n < FUZZ_DOMAINS)
				fuzz_check_domain(t, n);
			release_domain(n);
		}
	}
	mutex_unlock(&sub->lock);
}

static void query_types(struct fuzz_thread *t, struct fuzz_device *device)
{
	ULONG types = ~0;

	fuzz_begin(t, FUZZ_QueryAvailableDomainTypes, number(device), 0, 0);
	v3->QueryAvailableDomainTypes(device->handle, &types);
	fuzz_end(t, FUZZ_QueryAvailableDomainTypes, types ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL);
	if (types >> DomainTypeMax)
		fuzz_fail(t, "QueryAvailableDomainTypes: %#x", types);
}

static void query_info(struct fuzz_thread *t, struct fuzz_device *device)
{
	IOMMU_DMA_DEVICE_INFORMATION info = {};
	ULONG size = fuzz_random(t, 12), written = 0;
	NTSTATUS status;

	status = FUZZ_CALL(t, QueryDeviceInfo, number(device), size, 0, device->handle, size,
			   &written, &info);
	if (NT_SUCCESS(status) &&
	    (size < sizeof(info) || info.PasidTaggedDmaEnabled != device->tagged))
		fuzz_fail(t, "QueryDeviceInfo of %u bytes: tagged %u, should be %u", size,
			  info.PasidTaggedDmaEnabled, device->tagged);
}

static void query_mappings(struct fuzz_thread *t)
{
	unsigned int n = fuzz_random(t, FUZZ_PLUGS);
	ULONG size = fuzz_random(t, 12), needed = 0;
	INPUT_MAPPING_ELEMENT elements[2];

	down_read(&fuzz_plugs[n].sem);
	if (fuzz_plugs[n].dev &&
	    NT_SUCCESS(FUZZ_CALL(t, QueryInputMappings, n, size, 0, fuzz_plugs[n].dev, elements,
				 size, fuzz_one_in(t, 4) ? NULL : &needed)) &&
	    size < sizeof(elements[0]))
		fuzz_fail(t, "QueryInputMappings wrote to a buffer of %u bytes", size);
	up_read(&fuzz_plugs[n].sem);
}

void fuzz_ask(struct fuzz_thread *t)
{
	struct fuzz_device *device = some_device(t);
	struct v3compat_capabilities capabilities;

	query_mappings(t);
	mutex_lock(&device->lock);
	if (device->handle) {
		query_types(t, device);
		query_info(t, device);
		if (fuzz_one_in(t, 8))
			v3compat_query_capabilities(device->handle, &capabilities);
	}
	mutex_unlock(&device->lock);
}

/* The page that the thread waits for, if it does. */
static void serve(struct fuzz_thread *t, const FAULT_INFORMATION *information)
{
	struct fuzz_demand *demand = &t->demand;
	struct fuzz_thread *handler = &fuzz_threads[fuzz_nr_threads];
	u64 at = (u64)information->X64.FaultAddress & PAGE_MASK;
	IOMMU_MAP_PHYSICAL_ADDRESS what = {
		.MapType = MapPhysicalAddressTypeContiguousRange,
		.ContiguousRange.Size = SZ_4K,
	};
	IOMMU_DMA_LOGICAL_ADDRESS out;

	mutex_lock(&demand->lock);
	if (demand->wanted && demand->at == at &&
	    demand->domain == information->X64.DomainHandle && !demand->mapped) {
		what.ContiguousRange.Base.QuadPart = fuzz_phys(&t->pool, demand->page);
		mutex_lock(&handler_lock);
		demand->mapped = NT_SUCCESS(FUZZ_CALL(handler, MapLogicalRangeEx, t->id, at, 1,
						      demand->domain, demand->prot, &what, &at,
						      NULL, NULL, &out));
		mutex_unlock(&handler_lock);
	}
	mutex_unlock(&demand->lock);
}

void fuzz_on_fault(PVOID context, PFAULT_INFORMATION information)
{
	u64 at = (u64)information->X64.FaultAddress;
	u64 id = (at - FUZZ_BASE) / FUZZ_SLICE;

	atomic_inc(&faults);
	if (v3compat_fault_of(information)->kind == V3COMPAT_FAULT_PAGE_REQUEST &&
	    at >= FUZZ_BASE && id < fuzz_nr_threads)
		serve(&fuzz_threads[id], information);
}

static void set_reporting(struct fuzz_thread *t, struct fuzz_device *device, bool enable)
{
	DEVICE_FAULT_CONFIGURATION config = {
		.FaultHandler = fuzz_on_fault,
		.FaultContext = device,
	};
	NTSTATUS status;

	status = FUZZ_CALL(t, SetDeviceFaultReportingEx, number(device), enable, 0, device->handle,
			   0, enable, &config);
	if (NT_SUCCESS(status)) {
		device->reporting = enable;
		return;
	}
	/* The driver of a device that is unplugged goes first, and ends it. */
	if (device->reporting && !is_gone(device))
		fuzz_fail(t, "SetDeviceFaultReportingEx, to disable: %#x", status);
	device->reporting = false;
}

void fuzz_report(struct fuzz_thread *t)
{
	struct fuzz_device *device = some_device(t);

	mutex_lock(&device->lock);
	if (device->handle && (!device->reporting || fuzz_one_in(t, 3)))
		set_reporting(t, device, !device->reporting);
	mutex_unlock(&device->lock);
}

void fuzz_on_change(PIOMMU_INTERFACE_STATE_CHANGE change, PVOID context)
{
	struct fuzz_device *device = context;
	ULONG types;

	/* The device cannot be deleted before it is unregistered. */
	if (device)
		v3->QueryAvailableDomainTypes(READ_ONCE(device->handle), &types);
}

static void set_watched(struct fuzz_thread *t, struct fuzz_device *device, bool watch)
{
	IOMMU_INTERFACE_STATE_CHANGE_FIELDS fields = { .AvailableDomainTypes = 1 };
	NTSTATUS status;

	status = watch ? FUZZ_CALL(t, RegisterInterfaceStateChangeCallback, number(device), 0, 0,
				   fuzz_on_change, device, device->handle, &fields) :
			 FUZZ_CALL(t, UnregisterInterfaceStateChangeCallback, number(device), 0, 0,
				   fuzz_on_change, device->handle);
	if (NT_SUCCESS(status)) {
		device->watched = watch;
		return;
	}
	if (!watch && !is_gone(device))
		fuzz_fail(t, "UnregisterInterfaceStateChangeCallback: %#x", status);
	device->watched = false;
}

void fuzz_watch(struct fuzz_thread *t)
{
	struct fuzz_device *device = some_device(t);

	mutex_lock(&device->lock);
	if (device->handle)
		set_watched(t, device, !device->watched);
	mutex_unlock(&device->lock);
}

void fuzz_guard(struct fuzz_thread *t)
{
	if (fuzz_one_in(t, 2))
		v3compat_set_guard_policy(fuzz_one_in(t, 3) ? V3COMPAT_GUARD_ALL :
							       fuzz_random(t, 2));
	else
		v3compat_set_guard_locked(fuzz_one_in(t, 4));
}

static void ask_for_pages(struct fuzz_thread *t, struct fuzz_target *target, u64 at)
{
	enum iommu_page_response_code response;
	u64 addresses[4];
	unsigned int i, count = 1 + fuzz_random(t, ARRAY_SIZE(addresses));

	for (i = 0; i < count; i++)
		addresses[i] = at + i * SZ_4K;
	iommusim_page_request(target->dev, target->pasid, addresses, count, IOMMU_FAULT_PERM_READ,
			      &response);
}

/* Memory comes when the device asks for it. */
static void demand_page(struct fuzz_thread *t, struct fuzz_map *map, struct fuzz_target *target)
{
	struct fuzz_demand *demand = &t->demand;
	u64 word;

	mutex_lock(&demand->lock);
	demand->domain = fuzz_domains[map->domain].handle;
	demand->at = map->at;
	demand->page = map->first;
	demand->prot = map->prot;
	demand->mapped = false;
	demand->wanted = !fuzz_one_in(t, 6);
	mutex_unlock(&demand->lock);

	if (fuzz_one_in(t, 4))
		ask_for_pages(t, target, map->at);
	else
		iommusim_dma_read_prq(target->dev, target->pasid, map->at, &word, sizeof(word),
				      NULL);

	/* A handler that is late maps nothing any more. */
	mutex_lock(&demand->lock);
	demand->wanted = false;
	if (demand->mapped)
		map->kind = FUZZ_LOGICAL;
	mutex_unlock(&demand->lock);
	if (map->kind)
		fuzz_check_map(t, map, true);
}

void fuzz_page_request(struct fuzz_thread *t)
{
	unsigned int n = fuzz_random(t, FUZZ_DOMAINS), i, first = fuzz_random(t, FUZZ_SUBS);
	struct fuzz_domain *domain = &fuzz_domains[n];
	struct fuzz_map *map = fuzz_new_map(t);
	struct fuzz_target target;

	if (!map || !fuzz_use_domain(n, domain->generation))
		return;
	map->domain = n;
	map->generation = domain->generation;
	map->prot = 1 + 2 * fuzz_random(t, 2);
	map->pages = 1;
	map->contiguous = true;
	map->first = fuzz_random(t, 1 << t->pool.order);
	map->at = FUZZ_BASE + t->id * FUZZ_SLICE + FUZZ_DEMAND_ZONE + (map - t->maps) * SZ_4K;
	for (i = 0; i < FUZZ_SUBS && !map->kind; i++) {
		if (domain->allocator || !fuzz_get_target(FUZZ_DEVICES + (first + i) % FUZZ_SUBS,
							  domain->handle, &target))
			continue;
		demand_page(t, map, &target);
		fuzz_put_target(&target);
	}
	fuzz_unuse_domain(n);
}

static void end_device(struct fuzz_thread *t, struct fuzz_device *device)
{
	if (device->watched)
		set_watched(t, device, false);
	if (device->reporting)
		set_reporting(t, device, false);
	if (device->view.attached)
		detach_device(t, device);
	delete_device(t, device);
}

/* Of what was unplugged nothing is left to do. */
void fuzz_device_life(struct fuzz_thread *t)
{
	struct fuzz_device *device = some_device(t);

	mutex_lock(&device->lock);
	if (!device->handle)
		create_device(t, device);
	else if (is_gone(device) && !device->children)
		end_device(t, device);
	else if (fuzz_one_in(t, 3))
		delete_device(t, device);
	mutex_unlock(&device->lock);
}

void fuzz_devices_end(struct fuzz_thread *t)
{
	unsigned int i;

	for (i = FUZZ_DEVICES; i < ARRAY_SIZE(fuzz_devices); i++) {
		struct fuzz_device *sub = &fuzz_devices[i];

		mutex_lock(&sub->lock);
		if (sub->view.attached)
			detach_sub(t, sub);
		if (sub->sub)
			delete_sub(t, sub);
		mutex_unlock(&sub->lock);
	}
	for (i = 0; i < FUZZ_DEVICES; i++) {
		mutex_lock(&fuzz_devices[i].lock);
		if (fuzz_devices[i].handle)
			end_device(t, &fuzz_devices[i]);
		mutex_unlock(&fuzz_devices[i].lock);
	}
}
