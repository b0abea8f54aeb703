// SPDX-License-Identifier: GPL-2.0
/*
 * Everything at once: threads map, reserve, attach and remove on one domain, a
 * fixed number of times each. Whatever the order, data is right, refusals are
 * the documented ones, and nothing is left behind.
 */
#include <linux/atomic.h>
#include <linux/mutex.h>
#include <linux/prandom.h>
#include <linux/sched.h>

#include "fixture.h"
#include "thread.h"

#define MAX_WORKERS	4
#define WORKER_PAGES	8
#define ANCHOR_PAGES	4
#define SLOTS		16
#define FIGHT_PAGES	16
#define FIGHT_BASE	((u64)SZ_2G)

struct worker;

/* What a fight is about. */
enum arena { ADDRESSES, BLOCKS, SEGMENTS, ARENAS };

/**
 * struct slot - a page that comes and goes
 * @page: the page
 * @address: where it is, or was
 * @segment: of the shared token, for slots with an odd number
 * @live: it is there
 *
 * Under &stress.slots_lock.
 */
struct slot {
	struct page *page;
	u64 address;
	IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT segment;
	bool live;
};

/* Handles that others use at any time, alive or not. */
struct targets {
	PIOMMU_DMA_DOMAIN domain;
	PIOMMU_DMA_DEVICE device;
	PIOMMU_DMA_PASID_DEVICE sub;
};

/**
 * struct stress - what the workers of a case share
 * @v3: the table
 * @sim: instance of @pdo
 * @other: instance that wants page tables of its own
 * @pdo: attached all the time
 * @domain: with an allocator
 * @explicit: without; @pdo is attached to @domain
 * @anchor: mapped in @domain all the time
 * @anchor_address: where
 * @token: in @domain
 * @slots_lock: for looking at @slots; attaches run without it, so that they meet changes
 * @slots: pages that keep changing
 * @blocks: another domain with an allocator
 * @contested: token in @explicit
 * @live: mapped pages of each arena, by the successes of those who fight
 * @targets: come and go without a lock
 */
struct stress {
	const DMA_IOMMU_INTERFACE_V3 *v3;
	struct iommusim *sim, *other;
	struct device *pdo;
	PIOMMU_DMA_DOMAIN domain, explicit;
	struct page **anchor;
	u64 anchor_address;
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token;
	struct mutex slots_lock;
	struct slot slots[SLOTS];
	PIOMMU_DMA_DOMAIN blocks;
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN contested;
	atomic_t live[ARENAS];
	struct targets targets;
};

struct worker {
	struct stress *s;
	void (*round)(struct worker *worker);
	unsigned int rounds;
	struct page *adjacent[WORKER_PAGES], **scattered, **pages;
	PFN_NUMBER pfns[WORKER_PAGES];
	struct device *pdo;
	PIOMMU_DMA_DEVICE device;
	PIOMMU_DMA_PASID_DEVICE sub;
	ULONG pasid;
	struct rnd_state random;
	unsigned int errors;
	char first[128];
	struct v3t_thread thread;
};

/* Keeps the first complaint: expectations are for the test's own thread. */
static __printf(2, 3) void complain(struct worker *worker, const char *format, ...)
{
	va_list args;

	if (worker->errors++)
		return;
	va_start(args, format);
	vsnprintf(worker->first, sizeof(worker->first), format, args);
	va_end(args);
}

static bool succeeded(struct worker *worker, const char *what, NTSTATUS status)
{
	if (status == STATUS_SUCCESS)
		return true;
	complain(worker, "%s: %s", what, v3t_status_name(status));
	return false;
}

static u32 random_below(struct worker *worker, u32 limit)
{
	return prandom_u32_state(&worker->random) % limit;
}

/* Some pages of the worker, which become its @pages: adjacent ones or scattered ones. */
static IOMMU_MAP_PHYSICAL_ADDRESS some_pages(struct worker *worker, unsigned int count)
{
	IOMMU_MAP_PHYSICAL_ADDRESS scattered = {
		.MapType = MapPhysicalAddressTypePfn,
		.PfnArray.PageFrame = worker->pfns,
		.PfnArray.NumberOfPages = count,
	};

	if (random_below(worker, 2)) {
		worker->pages = worker->adjacent;
		return v3t_of_pages(worker->adjacent[0], count);
	}
	worker->pages = worker->scattered;
	return scattered;
}

static void check_word(struct worker *worker, u64 address, struct page *page)
{
	u64 *memory = page_address(page), seen, sent = prandom_u32_state(&worker->random);
	struct device *pdo = worker->s->pdo;

	if (iommusim_dma_read(pdo, IOMMUSIM_NO_PASID, address, &seen, sizeof(seen), NULL))
		complain(worker, "mapped page at %#llx faulted", address);
	else if (seen != *memory)
		complain(worker, "other memory at %#llx", address);
	if (iommusim_dma_write(pdo, IOMMUSIM_NO_PASID, address, &sent, sizeof(sent), NULL) ||
	    READ_ONCE(*memory) != sent)
		complain(worker, "write to %#llx went elsewhere", address);
}

static void check_words(struct worker *worker, u64 address, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		check_word(worker, address + i * SZ_4K, worker->pages[i]);
}

/* Another worker may map its own page there meanwhile; ours must be gone. */
static void check_gone(struct worker *worker, u64 address)
{
	u64 seen;

	if (!iommusim_dma_read(worker->s->pdo, IOMMUSIM_NO_PASID, address, &seen, sizeof(seen),
			       NULL) &&
	    seen == *(u64 *)page_address(worker->pages[0]))
		complain(worker, "page reachable at %#llx after unmap", address);
}

static void check_anchor(struct worker *worker, struct device *pdo, u32 pasid)
{
	struct stress *s = worker->s;
	u64 seen;
	int i;

	for (i = 0; i < ANCHOR_PAGES; i++)
		if (iommusim_dma_read(pdo, pasid, s->anchor_address + i * SZ_4K, &seen,
				      sizeof(seen), NULL) ||
		    seen != *(u64 *)page_address(s->anchor[i]))
			complain(worker, "anchor page %d not reached", i);
}

static void map_round(struct worker *worker)
{
	struct stress *s = worker->s;
	unsigned int count = 1 + random_below(worker, WORKER_PAGES);
	IOMMU_MAP_PHYSICAL_ADDRESS what = some_pages(worker, count);
	IOMMU_DMA_LOGICAL_ADDRESS address;

	if (!succeeded(worker, "map", s->v3->MapLogicalRangeEx(s->domain, V3T_RW, &what, NULL, NULL,
							       NULL, &address)))
		return;
	check_words(worker, address, count);
	if (succeeded(worker, "unmap", s->v3->UnmapLogicalRange(s->domain, address, count)))
		check_gone(worker, address);
}

/* Eight slots fought over: in use is the only refusal there may be. */
static void collide_round(struct worker *worker)
{
	struct stress *s = worker->s;
	IOMMU_DMA_LOGICAL_ADDRESS at = SZ_1G + random_below(worker, 8) * SZ_4K, out;
	unsigned int count = 1 + random_below(worker, 3);
	IOMMU_MAP_PHYSICAL_ADDRESS what = some_pages(worker, count);
	NTSTATUS status = s->v3->MapLogicalRangeEx(s->explicit, V3T_RW, &what, &at, NULL, NULL,
						   &out);

	if (status == STATUS_RESOURCE_IN_USE)
		return;
	if (succeeded(worker, "map", status))
		succeeded(worker, "unmap", s->v3->UnmapLogicalRange(s->explicit, out, count));
}

/* Only the @expected refusal is one that a fight may bring. */
static void count_fight(struct worker *worker, enum arena arena, int change, NTSTATUS status,
			NTSTATUS expected)
{
	if (status == STATUS_SUCCESS)
		atomic_add(change, &worker->s->live[arena]);
	else if (status != expected)
		complain(worker, "arena %d, change %d: %s", arena, change, v3t_status_name(status));
}

static void fight_for_addresses(struct worker *worker, bool map)
{
	struct stress *s = worker->s;
	IOMMU_DMA_LOGICAL_ADDRESS at = FIGHT_BASE + random_below(worker, FIGHT_PAGES) * SZ_4K, out;
	IOMMU_MAP_PHYSICAL_ADDRESS what = some_pages(worker, 1);

	if (map)
		count_fight(worker, ADDRESSES, 1,
			    s->v3->MapLogicalRangeEx(s->explicit, V3T_RW, &what, &at, NULL, NULL,
						     &out), STATUS_RESOURCE_IN_USE);
	else
		count_fight(worker, ADDRESSES, -1, s->v3->UnmapLogicalRange(s->explicit, at, 1),
			    STATUS_INVALID_PARAMETER);
}

/* Unmapping what another one got from the allocator: a mistake, but not a corruption. */
static void fight_for_blocks(struct worker *worker, bool map)
{
	struct stress *s = worker->s;
	u64 at = (1 + random_below(worker, 2 * FIGHT_PAGES)) * SZ_4K;
	IOMMU_MAP_PHYSICAL_ADDRESS what = some_pages(worker, 1);
	IOMMU_DMA_LOGICAL_ADDRESS out;

	if (!map)
		count_fight(worker, BLOCKS, -1, s->v3->UnmapLogicalRange(s->blocks, at, 1),
			    STATUS_INVALID_PARAMETER);
	else if (atomic_read(&s->live[BLOCKS]) < FIGHT_PAGES)
		count_fight(worker, BLOCKS, 1,
			    s->v3->MapLogicalRangeEx(s->blocks, V3T_RW, &what, NULL, NULL, NULL,
						     &out), STATUS_SUCCESS);
}

static void fight_for_segments(struct worker *worker, bool map)
{
	struct stress *s = worker->s;
	IOMMU_MAP_PHYSICAL_ADDRESS what = some_pages(worker, 1);
	IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT segment = {
		.OwningToken = s->contested,
		.Offset = random_below(worker, FIGHT_PAGES) * SZ_4K,
		.Size = SZ_4K,
	};

	if (map)
		count_fight(worker, SEGMENTS, 1,
			    s->v3->MapReservedLogicalRange(s->contested, segment.Offset, V3T_RW,
							   &what, &segment),
			    STATUS_RESOURCE_IN_USE);
	else
		count_fight(worker, SEGMENTS, -1, s->v3->UnmapReservedLogicalRange(&segment),
			    STATUS_INVALID_PARAMETER);
}

/* Nobody owns anything: each success must be one of a kind. */
static void fight_round(struct worker *worker)
{
	bool map = random_below(worker, 2);

	switch (random_below(worker, 3)) {
	case 0:
		return fight_for_addresses(worker, map);
	case 1:
		return fight_for_blocks(worker, map);
	default:
		return fight_for_segments(worker, map);
	}
}

static void commit(struct worker *worker, PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token)
{
	struct stress *s = worker->s;
	unsigned int count = 1 + random_below(worker, WORKER_PAGES);
	IOMMU_MAP_PHYSICAL_ADDRESS what = some_pages(worker, count);
	IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT segment;
	SIZE_T offset = random_below(worker, token->Size / SZ_4K - WORKER_PAGES) * SZ_4K;
	u64 address = token->LogicalAddressBase + offset;

	if (!succeeded(worker, "commit",
		       s->v3->MapReservedLogicalRange(token, offset, V3T_RW, &what, &segment)))
		return;
	check_words(worker, address, count);
	if (succeeded(worker, "uncommit", s->v3->UnmapReservedLogicalRange(&segment)))
		check_gone(worker, address);
}

static void reserve_round(struct worker *worker)
{
	struct stress *s = worker->s;
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token;
	SIZE_T size = (16 + random_below(worker, 1024)) * SZ_4K;
	int i;

	if (!succeeded(worker, "reserve",
		       s->v3->ReserveLogicalAddressRange(s->domain, size, NULL, NULL, NULL,
							 &token)))
		return;
	for (i = 0; i < 5; i++)
		commit(worker, token);
	succeeded(worker, "free", s->v3->FreeReservedLogicalAddressRange(token));
}

static void show_slot(struct worker *worker, struct slot *slot, unsigned int n)
{
	struct stress *s = worker->s;
	PFN_NUMBER pfn = page_to_pfn(slot->page);
	IOMMU_MAP_PHYSICAL_ADDRESS what = {
		.MapType = MapPhysicalAddressTypePfn,
		.PfnArray.PageFrame = &pfn,
		.PfnArray.NumberOfPages = 1,
	};
	IOMMU_DMA_LOGICAL_ADDRESS address;
	NTSTATUS status;

	if (n % 2) {
		status = s->v3->MapReservedLogicalRange(s->token, n * SZ_4K, V3T_RW, &what,
							&slot->segment);
		address = s->token->LogicalAddressBase + n * SZ_4K;
	} else {
		status = s->v3->MapLogicalRangeEx(s->domain, V3T_RW, &what, NULL, NULL, NULL,
						  &address);
	}
	slot->live = succeeded(worker, "show", status);
	if (slot->live)
		slot->address = address;
}

static void hide_slot(struct worker *worker, struct slot *slot, unsigned int n)
{
	struct stress *s = worker->s;

	if (n % 2)
		succeeded(worker, "hide", s->v3->UnmapReservedLogicalRange(&slot->segment));
	else
		succeeded(worker, "hide", s->v3->UnmapLogicalRange(s->domain, slot->address, 1));
	slot->live = false;
}

/* Half of the time where an attach may not make it wait. */
static void toggle_round(struct worker *worker)
{
	unsigned int n = random_below(worker, SLOTS);
	struct slot *slot = &worker->s->slots[n];
	bool atomic = random_below(worker, 2);

	mutex_lock(&worker->s->slots_lock);
	if (atomic)
		local_bh_disable();
	if (slot->live)
		hide_slot(worker, slot, n);
	else
		show_slot(worker, slot, n);
	if (atomic)
		local_bh_enable();
	mutex_unlock(&worker->s->slots_lock);
}

/* A table made by an attach has what is there now: nothing was lost, nothing came back. */
static void check_slots(struct worker *worker, struct device *pdo, u32 pasid)
{
	struct stress *s = worker->s;
	struct slot *slot;
	u64 seen;
	bool there;

	mutex_lock(&s->slots_lock);
	for (slot = s->slots; slot < s->slots + SLOTS; slot++) {
		there = !iommusim_dma_read(pdo, pasid, slot->address, &seen, sizeof(seen), NULL) &&
			seen == *(u64 *)page_address(slot->page);
		if (slot->address && there != slot->live)
			complain(worker, "slot %zd is %sthere after an attach", slot - s->slots,
				 there ? "" : "not ");
	}
	mutex_unlock(&s->slots_lock);
}

static void attach_round(struct worker *worker)
{
	struct stress *s = worker->s;

	if (!succeeded(worker, "attach", s->v3->AttachDeviceEx(s->domain, worker->device)))
		return;
	check_anchor(worker, worker->pdo, IOMMUSIM_NO_PASID);
	check_slots(worker, worker->pdo, IOMMUSIM_NO_PASID);
	succeeded(worker, "detach", s->v3->DetachDeviceEx(worker->device));
}

static void unplug_attached(struct worker *worker, struct device *pdo, PIOMMU_DMA_DEVICE device)
{
	const DMA_IOMMU_INTERFACE_V3 *v3 = worker->s->v3;

	iommusim_device_destroy(pdo);
	if (v3->DetachDeviceEx(device) != STATUS_INVALID_PARAMETER_1)
		complain(worker, "a removed device was still attached");
	succeeded(worker, "delete device", v3->DeleteDevice(device));
}

static void unplug_round(struct worker *worker)
{
	static const struct iommusim_device_config plain;
	struct stress *s = worker->s;
	struct device *pdo = iommusim_device_create(random_below(worker, 2) ? s->sim : s->other,
						    &plain);
	PIOMMU_DMA_DEVICE device;

	if (IS_ERR(pdo)) {
		complain(worker, "no device: %pe", pdo);
		return;
	}
	if (!succeeded(worker, "create device", s->v3->CreateDevice(pdo, NULL, &device))) {
		iommusim_device_destroy(pdo);
		return;
	}
	if (succeeded(worker, "attach", s->v3->AttachDeviceEx(s->domain, device)))
		check_anchor(worker, pdo, IOMMUSIM_NO_PASID);
	unplug_attached(worker, pdo, device);
}

static void pasid_round(struct worker *worker)
{
	struct stress *s = worker->s;

	if (!succeeded(worker, "attach PASID",
		       s->v3->AttachPasidDevice(s->domain, worker->sub)))
		return;
	check_anchor(worker, worker->pdo, worker->pasid);
	check_slots(worker, worker->pdo, worker->pasid);
	succeeded(worker, "detach PASID", s->v3->DetachPasidDevice(worker->sub));
}

static struct device *plug_target(struct worker *worker)
{
	static const struct iommusim_device_config plain;
	IOMMU_DEVICE_CREATION_CONFIGURATION config = {
		.ConfigType = IommuDeviceCreationConfigTypePasid,
		.Pasid.ConfigType = PasidConfigTypePasidTaggedDma,
	};
	struct stress *s = worker->s;
	struct device *pdo = iommusim_device_create(random_below(worker, 2) ? s->sim : s->other,
						    &plain);
	PIOMMU_DMA_DEVICE device;
	PIOMMU_DMA_PASID_DEVICE sub;
	ULONG pasid;

	if (IS_ERR(pdo)) {
		complain(worker, "no device: %pe", pdo);
		return NULL;
	}
	if (succeeded(worker, "create device", s->v3->CreateDevice(pdo, &config, &device)))
		WRITE_ONCE(s->targets.device, device);
	if (succeeded(worker, "create PASID", s->v3->CreatePasidDevice(device, &sub, &pasid)))
		WRITE_ONCE(s->targets.sub, sub);
	return pdo;
}

/* Removal finds the sub-device in whatever state the others have brought it to. */
static void target_round(struct worker *worker)
{
	struct stress *s = worker->s;
	struct device *pdo = plug_target(worker);
	NTSTATUS status;

	if (!pdo)
		return;
	cond_resched();
	iommusim_device_destroy(pdo);
	if (s->v3->AttachPasidDevice(s->domain, s->targets.sub) != STATUS_INVALID_PARAMETER_2)
		complain(worker, "a sub-device of a removed device was attached");
	status = s->v3->DeletePasidDevice(s->targets.sub);
	if (status != STATUS_SUCCESS && status != STATUS_INVALID_PARAMETER_1)
		complain(worker, "delete PASID: %s", v3t_status_name(status));
	/* Whoever made another sub-device is about to delete it. */
	while (s->v3->DeleteDevice(s->targets.device) == STATUS_RESOURCE_IN_USE)
		cond_resched();
}

static void delete_sub_device(struct worker *worker, PIOMMU_DMA_PASID_DEVICE sub)
{
	struct stress *s = worker->s;

	s->v3->DetachPasidDevice(sub);
	succeeded(worker, "delete PASID", s->v3->DeletePasidDevice(sub));
}

/* Uses what it finds, dead or alive: nobody minds what it is told. */
static void meddle_round(struct worker *worker)
{
	struct stress *s = worker->s;
	PIOMMU_DMA_PASID_DEVICE sub = READ_ONCE(s->targets.sub);
	PIOMMU_DMA_DEVICE device = READ_ONCE(s->targets.device);
	ULONG pasid;

	switch (random_below(worker, 5)) {
	case 0:
		s->v3->AttachPasidDevice(s->domain, sub);
		return;
	case 1:
		s->v3->DetachPasidDevice(sub);
		return;
	case 2:
		if (!random_below(worker, 8))
			s->v3->DeletePasidDevice(sub);
		return;
	case 3:
		if (s->v3->CreatePasidDevice(device, &sub, &pasid))
			return;
		s->v3->AttachPasidDevice(s->domain, sub);
		delete_sub_device(worker, sub);
		return;
	default:
		if (!s->v3->AttachDeviceEx(s->domain, device))
			s->v3->DetachDeviceEx(device);
	}
}

/* A domain is deleted as soon as its last sub-device is gone, and not before. */
static void victim_round(struct worker *worker)
{
	static const IOMMU_DMA_DOMAIN_CREATION_FLAGS none = { .AsUlonglong = 0 };
	struct stress *s = worker->s;
	PIOMMU_DMA_DOMAIN domain;
	NTSTATUS status;

	if (!succeeded(worker, "create domain",
		       s->v3->CreateDomainEx(DomainTypeTranslate, none, NULL, NULL, &domain)))
		return;
	WRITE_ONCE(s->targets.domain, domain);
	do {
		cond_resched();
		status = s->v3->DeleteDomain(domain);
	} while (status == STATUS_RESOURCE_IN_USE);
	succeeded(worker, "delete domain", status);
}

static void visit_round(struct worker *worker)
{
	struct stress *s = worker->s;
	NTSTATUS status = s->v3->AttachPasidDevice(READ_ONCE(s->targets.domain), worker->sub);

	if (status != STATUS_INVALID_PARAMETER_1 && succeeded(worker, "attach PASID", status))
		succeeded(worker, "detach PASID", s->v3->DetachPasidDevice(worker->sub));
}

/* Handles that die while others may look at them. */
static void domain_round(struct worker *worker)
{
	static const IOMMU_DMA_DOMAIN_CREATION_FLAGS none = { .AsUlonglong = 0 };
	struct stress *s = worker->s;
	IOMMU_MAP_PHYSICAL_ADDRESS what = some_pages(worker, WORKER_PAGES);
	IOMMU_DMA_LOGICAL_ADDRESS at = SZ_1G, out;
	PIOMMU_DMA_DOMAIN domain;

	if (!succeeded(worker, "create domain",
		       s->v3->CreateDomainEx(DomainTypeTranslate, none, NULL, NULL, &domain)))
		return;
	succeeded(worker, "map", s->v3->MapLogicalRangeEx(domain, V3T_RW, &what, &at, NULL, NULL,
							  &out));
	succeeded(worker, "delete domain", s->v3->DeleteDomain(domain));
	if (s->v3->DeleteDomain(domain) == STATUS_SUCCESS)
		complain(worker, "a domain died twice");
}

static int work(void *arg)
{
	struct worker *worker = arg;
	unsigned int i;

	for (i = 0; i < worker->rounds; i++) {
		worker->round(worker);
		cond_resched();
	}
	return 0;
}

#define MAP	{ map_round, 400 }
#define COLLIDE	{ collide_round, 600 }
#define TOGGLE	{ toggle_round, 2000 }
#define FIGHT	{ fight_round, 5000 }
#define RESERVE	{ reserve_round, 60 }
#define ATTACH	{ attach_round, 80 }
#define UNPLUG	{ unplug_round, 30 }
#define DOMAIN	{ domain_round, 60 }
#define PASID	{ pasid_round, 80 }
#define TARGET	{ target_round, 40 }
#define MEDDLE	{ meddle_round, 400 }
#define VICTIM	{ victim_round, 60 }
#define VISIT	{ visit_round, 120 }

static const struct mix_case {
	const char *name;
	struct {
		void (*round)(struct worker *worker);
		unsigned int rounds;
	} workers[MAX_WORKERS];
} mix_cases[] = {
	{ "map, map", { MAP, MAP } },
	{ "map, reserve", { MAP, RESERVE } },
	{ "map, attach", { MAP, ATTACH } },
	{ "reserve, attach", { RESERVE, ATTACH } },
	{ "toggle, attach", { TOGGLE, ATTACH } },
	{ "attach, attach", { ATTACH, ATTACH } },
	{ "toggle, attach, toggle, attach", { TOGGLE, ATTACH, TOGGLE, ATTACH } },
	{ "map, unplug", { MAP, UNPLUG } },
	{ "reserve, unplug", { RESERVE, UNPLUG } },
	{ "unplug, unplug, domains", { UNPLUG, UNPLUG, DOMAIN } },
	{ "collide, collide, collide", { COLLIDE, COLLIDE, COLLIDE } },
	{ "fight, fight", { FIGHT, FIGHT } },
	{ "fight, fight, fight, attach", { FIGHT, FIGHT, FIGHT, ATTACH } },
	{ "map, reserve, attach, unplug", { MAP, RESERVE, ATTACH, UNPLUG } },
	{ "PASID, PASID", { PASID, PASID } },
	{ "toggle, PASID, attach, PASID", { TOGGLE, PASID, ATTACH, PASID } },
	{ "removal, meddler, meddler, map", { TARGET, MEDDLE, MEDDLE, MAP } },
	{ "doomed domain, visitor, visitor", { VICTIM, VISIT, VISIT } },
};

static void mix_name(const struct mix_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(mix, mix_cases, mix_name);

static struct stress *prepare(struct kunit *test)
{
	static const struct iommusim_config shared = { .max_pasids = 64 };
	static const struct iommusim_config own = {
		.max_pasids = 64, .quirks = IOMMUSIM_OWN_DOMAINS,
	};
	struct stress *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);
	const u64 contested = FIGHT_BASE + SZ_1M;
	struct slot *slot;

	KUNIT_ASSERT_NOT_NULL(test, s);
	s->v3 = V3T_V3(test);
	s->sim = v3t_sim(test, &shared);
	s->other = v3t_sim(test, &own);
	s->pdo = v3t_pdo(test, s->sim, NULL);
	s->domain = v3t_buddy(test);
	s->explicit = v3t_explicit(test);
	s->anchor = v3t_scattered(test, ANCHOR_PAGES);
	s->anchor_address = v3t_map(test, s->domain, v3t_of_pfns(test, s->anchor, ANCHOR_PAGES));
	v3t_attach(test, s->domain, v3t_device(test, s->pdo));
	s->token = v3t_reserve(test, s->domain, SLOTS * SZ_4K, NULL);
	s->blocks = v3t_buddy(test);
	s->contested = v3t_reserve(test, s->explicit, FIGHT_PAGES * SZ_4K, &contested);
	mutex_init(&s->slots_lock);
	for (slot = s->slots; slot < s->slots + SLOTS; slot++)
		slot->page = v3t_pages(test, 0);
	return s;
}

/* Segments know their token only as long as their memory lives. */
static void clear_slots(struct kunit *test, struct stress *s)
{
	int n;

	for (n = 1; n < SLOTS; n += 2)
		if (s->slots[n].live)
			EXPECT_V3(test, STATUS_SUCCESS, UnmapReservedLogicalRange,
				  &s->slots[n].segment);
}

/* Counts what is left of the fights by taking it away. */
static void settle_fights(struct kunit *test, struct stress *s)
{
	IOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT segment;
	int left[ARENAS] = {};
	unsigned int n;

	for (n = 0; n < SZ_4K; n++)
		left[BLOCKS] += NT_SUCCESS(s->v3->UnmapLogicalRange(s->blocks, n * SZ_4K, 1));
	for (n = 0; n < FIGHT_PAGES; n++) {
		left[ADDRESSES] += NT_SUCCESS(s->v3->UnmapLogicalRange(s->explicit,
								       FIGHT_BASE + n * SZ_4K, 1));
		segment.OwningToken = s->contested;
		segment.Offset = n * SZ_4K;
		segment.Size = SZ_4K;
		left[SEGMENTS] += NT_SUCCESS(s->v3->UnmapReservedLogicalRange(&segment));
	}
	for (n = 0; n < ARENAS; n++)
		KUNIT_EXPECT_EQ_MSG(test, left[n], atomic_read(&s->live[n]), "arena %u", n);
}

/* Every second worker's device is behind the instance with tables of its own. */
static void prepare_worker(struct kunit *test, struct stress *s, struct worker *worker, int i)
{
	const struct mix_case *c = test->param_value;
	int page;

	worker->s = s;
	worker->round = c->workers[i].round;
	worker->rounds = c->workers[i].rounds;
	worker->scattered = v3t_scattered(test, WORKER_PAGES);
	worker->adjacent[0] = v3t_pages(test, get_order(WORKER_PAGES * PAGE_SIZE));
	for (page = 0; page < WORKER_PAGES; page++) {
		worker->pfns[page] = page_to_pfn(worker->scattered[page]);
		worker->adjacent[page] = worker->adjacent[0] + page;
	}
	worker->pdo = v3t_pdo(test, i % 2 ? s->other : s->sim, NULL);
	worker->device = v3t_tagged_device(test, worker->pdo);
	worker->sub = v3t_sub_device(test, worker->device, &worker->pasid);
	prandom_seed_state(&worker->random, 4711 + i);
}

static void all_at_once(struct kunit *test)
{
	const struct mix_case *c = test->param_value;
	struct stress *s = prepare(test);
	struct worker *workers = kunit_kcalloc(test, MAX_WORKERS, sizeof(*workers), GFP_KERNEL);
	int i, count;

	KUNIT_ASSERT_NOT_NULL(test, workers);
	for (count = 0; count < MAX_WORKERS && c->workers[count].round; count++)
		prepare_worker(test, s, &workers[count], count);
	for (i = 0; i < count; i++)
		v3t_thread_start(&workers[i].thread, work, &workers[i]);
	for (i = 0; i < count; i++)
		if (v3t_thread_join(&workers[i].thread))
			complain(&workers[i], "no thread");
	for (i = 0; i < count; i++)
		KUNIT_EXPECT_EQ_MSG(test, workers[i].errors, 0, "worker %d: %s", i,
				    workers[i].first);
	clear_slots(test, s);
	settle_fights(test, s);

	/*
	 * No look at stale_hits: a worker that probes an address while another one is inside
	 * unmap may rightly see the other's page for the last time.
	 */
	v3t_expect_reaches_all(test, s->pdo, s->anchor_address, s->anchor, ANCHOR_PAGES);
}

static struct kunit_case stress_cases[] = {
	KUNIT_CASE_PARAM(all_at_once, mix_gen_params),
	{}
};

static struct kunit_suite stress_suite = {
	.name = "v3compat_stress",
	.init = v3t_init,
	.exit = v3t_exit,
	.test_cases = stress_cases,
};

kunit_test_suite(stress_suite);
