// SPDX-License-Identifier: GPL-2.0
#include <kunit/test.h>
#include <linux/cpumask.h>
#include <linux/moduleparam.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "fixture.h"

/*
 * What every instance does beside what its case asks for: the suite holds on all of them, so it can
 * be run on each.
 */
static const struct v3t_behaviour {
	const char *name;
	u32 quirks;
	unsigned long page_sizes;
} behaviours[] = {
	{ "plain" },
	{ "whole-maps", IOMMUSIM_WHOLE_MAPS },
	{ "moving-root", IOMMUSIM_MOVING_ROOT | IOMMUSIM_LATE_GEOMETRY },
	{ "short-flush", IOMMUSIM_SHORT_FLUSH },
	{ "alloc-per-map", IOMMUSIM_ALLOC_PER_MAP },
	{ "joins", 0, GENMASK(30, 12) },
	{ "unmap-whole", IOMMUSIM_UNMAP_WHOLE },
	{ "sign-extend", IOMMUSIM_SIGN_EXTEND },
	{ "late-geometry", IOMMUSIM_LATE_GEOMETRY },
	{ "late-send", IOMMUSIM_LATE_SEND },
	{ "run-flush", IOMMUSIM_RUN_FLUSH },
};

static char *behaviour = "plain";
module_param(behaviour, charp, 0444);
MODULE_PARM_DESC(behaviour, "how IOMMU drivers behave that the suite runs on");

static const struct v3t_behaviour *find_behaviour(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(behaviours); i++)
		if (!strcmp(behaviours[i].name, behaviour))
			return &behaviours[i];
	return NULL;
}

/* In the order in which a case is taken apart. */
enum v3t_kind {
	V3T_SEGMENT,
	V3T_TOKEN,
	V3T_PASID_ATTACHED,
	V3T_ATTACHED,
	V3T_DOMAIN,
	V3T_SUB_DEVICE,
	V3T_DEVICE,
	V3T_PDO,
	V3T_SIM,
	V3T_MDL,
	V3T_PAGES,
	V3T_KINDS,
};

struct v3t_owned {
	struct list_head node;
	enum v3t_kind kind;
	void *object;
	unsigned int order;
};

static const struct {
	NTSTATUS status;
	const char *name;
} status_names[] = {
	{ STATUS_SUCCESS, "STATUS_SUCCESS" },
	{ STATUS_UNSUCCESSFUL, "STATUS_UNSUCCESSFUL" },
	{ STATUS_NOT_IMPLEMENTED, "STATUS_NOT_IMPLEMENTED" },
	{ STATUS_INVALID_PARAMETER, "STATUS_INVALID_PARAMETER" },
	{ STATUS_ACCESS_DENIED, "STATUS_ACCESS_DENIED" },
	{ STATUS_BUFFER_TOO_SMALL, "STATUS_BUFFER_TOO_SMALL" },
	{ STATUS_INVALID_PARAMETER_MIX, "STATUS_INVALID_PARAMETER_MIX" },
	{ STATUS_NONE_MAPPED, "STATUS_NONE_MAPPED" },
	{ STATUS_INSUFFICIENT_RESOURCES, "STATUS_INSUFFICIENT_RESOURCES" },
	{ STATUS_NOT_SUPPORTED, "STATUS_NOT_SUPPORTED" },
	{ STATUS_INVALID_PARAMETER_1, "STATUS_INVALID_PARAMETER_1" },
	{ STATUS_INVALID_PARAMETER_2, "STATUS_INVALID_PARAMETER_2" },
	{ STATUS_INVALID_PARAMETER_3, "STATUS_INVALID_PARAMETER_3" },
	{ STATUS_INVALID_PARAMETER_4, "STATUS_INVALID_PARAMETER_4" },
	{ STATUS_INVALID_PARAMETER_5, "STATUS_INVALID_PARAMETER_5" },
	{ STATUS_INVALID_PARAMETER_6, "STATUS_INVALID_PARAMETER_6" },
	{ STATUS_INVALID_PARAMETER_7, "STATUS_INVALID_PARAMETER_7" },
	{ STATUS_NOT_FOUND, "STATUS_NOT_FOUND" },
	{ STATUS_RESOURCE_IN_USE, "STATUS_RESOURCE_IN_USE" },
};

const char *v3t_status_name(NTSTATUS status)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(status_names); i++)
		if (status_names[i].status == status)
			return status_names[i].name;
	return "an unlisted status";
}

void v3t_poison(struct v3t_world *w)
{
	memset(&w->out, V3T_POISON, sizeof(w->out));
}

bool v3t_is_poisoned(const void *data, size_t len)
{
	return !memchr_inv(data, V3T_POISON, len);
}

static void own(struct kunit *test, enum v3t_kind kind, void *object, unsigned int order)
{
	struct v3t_world *w = test->priv;
	struct v3t_owned *owned = kunit_kzalloc(test, sizeof(*owned), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, owned);
	owned->kind = kind;
	owned->object = object;
	owned->order = order;
	list_add(&owned->node, &w->owned);
}

static void disown(struct kunit *test, enum v3t_kind kind, void *object)
{
	struct v3t_world *w = test->priv;
	struct v3t_owned *owned;

	list_for_each_entry(owned, &w->owned, node) {
		if (owned->kind != kind || owned->object != object)
			continue;
		list_del(&owned->node);
		return;
	}
}

static void release(struct kunit *test, struct v3t_owned *owned)
{
	switch (owned->kind) {
	case V3T_SEGMENT:
		V3T_V3(test)->UnmapReservedLogicalRange(owned->object);
		break;
	case V3T_TOKEN:
		EXPECT_V3(test, STATUS_SUCCESS, FreeReservedLogicalAddressRange, owned->object);
		break;
	case V3T_ATTACHED:
		V3T_V3(test)->DetachDeviceEx(owned->object);
		break;
	case V3T_PASID_ATTACHED:
		V3T_V3(test)->DetachPasidDevice(owned->object);
		break;
	case V3T_SUB_DEVICE:
		EXPECT_V3(test, STATUS_SUCCESS, DeletePasidDevice, owned->object);
		break;
	case V3T_DOMAIN:
		EXPECT_V3(test, STATUS_SUCCESS, DeleteDomain, owned->object);
		break;
	case V3T_DEVICE:
		EXPECT_V3(test, STATUS_SUCCESS, DeleteDevice, owned->object);
		break;
	case V3T_PDO:
		iommusim_device_destroy(owned->object);
		break;
	case V3T_SIM:
		iommusim_destroy(owned->object);
		break;
	case V3T_MDL:
		IoFreeMdl(owned->object);
		break;
	case V3T_PAGES:
		__free_pages(owned->object, owned->order);
		break;
	default:
		break;
	}
}

int v3t_init(struct kunit *test)
{
	struct v3t_world *w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);

	if (!w)
		return -ENOMEM;
	if (!find_behaviour()) {
		kunit_err(test, "behaviour '%s' is not known\n", behaviour);
		return -EINVAL;
	}
	INIT_LIST_HEAD(&w->owned);
	test->priv = w;

	ASSERT_CALL(test, STATUS_SUCCESS, IoGetIommuInterface, 1, &w->legacy);
	ASSERT_CALL(test, STATUS_SUCCESS, IoGetIommuInterfaceEx, 1, 0, &w->v1);
	ASSERT_CALL(test, STATUS_SUCCESS, IoGetIommuInterfaceEx, 2, 0, &w->v2);
	ASSERT_CALL(test, STATUS_SUCCESS, IoGetIommuInterfaceEx, 3, 0, &w->v3);

	w->sim = v3t_sim(test, NULL);
	w->pdo = v3t_pdo(test, w->sim, NULL);
	w->device = v3t_device(test, w->pdo);
	return 0;
}

void v3t_exit(struct kunit *test)
{
	struct v3t_world *w = test->priv;
	struct v3t_owned *owned, *next;
	enum v3t_kind kind;

	if (!w)
		return;
	for (kind = 0; kind < V3T_KINDS; kind++) {
		list_for_each_entry_safe(owned, next, &w->owned, node) {
			if (owned->kind != kind)
				continue;
			list_del(&owned->node);
			release(test, owned);
		}
	}
}

bool v3t_behaves(u32 quirks)
{
	return find_behaviour()->quirks & quirks;
}

bool v3t_joins_pages(void)
{
	return find_behaviour()->page_sizes;
}

bool v3t_maps_take_memory(void)
{
	return v3t_behaves(IOMMUSIM_WHOLE_MAPS | IOMMUSIM_ALLOC_PER_MAP);
}

void v3t_skip_where(struct kunit *test, u32 quirks, const char *reason)
{
	if (v3t_behaves(quirks))
		kunit_skip(test, "%s", reason);
}

/* What the case asks for goes first. No driver has whole maps and limits invalidations. */
static void add_behaviour(struct iommusim_config *config)
{
	const u32 overlap = IOMMUSIM_OVERLAP_KEEP | IOMMUSIM_OVERLAP_REPLACE;
	const u8 bits = config->aperture_bits ?: 48;
	u32 more = find_behaviour()->quirks;

	if (config->quirks & (overlap | IOMMUSIM_SHORT_FLUSH))
		more &= ~IOMMUSIM_WHOLE_MAPS;
	if (config->quirks & IOMMUSIM_WHOLE_MAPS)
		more &= ~IOMMUSIM_SHORT_FLUSH;
	if (config->quirks & IOMMUSIM_SIGN_EXTEND)
		more &= ~IOMMUSIM_LATE_GEOMETRY;
	if ((config->quirks & (IOMMUSIM_LATE_GEOMETRY | IOMMUSIM_SIGN_EXTEND)) || bits == 57)
		more &= ~IOMMUSIM_SIGN_EXTEND;
	/* So that the lower half is all that the case expects. */
	if (more & IOMMUSIM_SIGN_EXTEND)
		config->aperture_bits = bits + 1;
	config->quirks |= more;
	if (!config->pgsize_bitmap && !(config->quirks & overlap))
		config->pgsize_bitmap = find_behaviour()->page_sizes;
}

struct iommusim *v3t_sim(struct kunit *test, const struct iommusim_config *config)
{
	struct iommusim_config asked = {};
	struct iommusim *sim;

	if (config)
		asked = *config;
	add_behaviour(&asked);
	sim = iommusim_create(&asked);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, sim);
	own(test, V3T_SIM, sim, 0);
	return sim;
}

struct device *v3t_pdo(struct kunit *test, struct iommusim *sim,
		       const struct iommusim_device_config *config)
{
	static const struct iommusim_device_config plain;
	struct device *pdo = iommusim_device_create(sim, config ?: &plain);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pdo);
	own(test, V3T_PDO, pdo, 0);
	return pdo;
}

void v3t_unplug(struct kunit *test, struct device *pdo)
{
	disown(test, V3T_PDO, pdo);
	iommusim_device_destroy(pdo);
}

PIOMMU_DMA_DEVICE v3t_device(struct kunit *test, struct device *pdo)
{
	PIOMMU_DMA_DEVICE device;

	ASSERT_V3(test, STATUS_SUCCESS, CreateDevice, pdo, NULL, &device);
	v3t_adopt_device(test, device);
	return device;
}

PIOMMU_DMA_DEVICE v3t_tagged_device(struct kunit *test, struct device *pdo)
{
	IOMMU_DEVICE_CREATION_CONFIGURATION config = {
		.ConfigType = IommuDeviceCreationConfigTypePasid,
		.Pasid.ConfigType = PasidConfigTypePasidTaggedDma,
	};
	PIOMMU_DMA_DEVICE device;

	ASSERT_V3(test, STATUS_SUCCESS, CreateDevice, pdo, &config, &device);
	v3t_adopt_device(test, device);
	return device;
}

PIOMMU_DMA_PASID_DEVICE v3t_sub_device(struct kunit *test, PIOMMU_DMA_DEVICE device, ULONG *pasid)
{
	PIOMMU_DMA_PASID_DEVICE sub;

	ASSERT_V3(test, STATUS_SUCCESS, CreatePasidDevice, device, &sub, pasid);
	v3t_adopt_sub_device(test, sub);
	return sub;
}

void v3t_adopt_sub_device(struct kunit *test, PIOMMU_DMA_PASID_DEVICE sub)
{
	own(test, V3T_SUB_DEVICE, sub, 0);
}

void v3t_adopt_bound_device(struct kunit *test, PIOMMU_DMA_PASID_DEVICE sub)
{
	v3t_adopt_sub_device(test, sub);
	own(test, V3T_PASID_ATTACHED, sub, 0);
}

void v3t_delete_sub_device(struct kunit *test, PIOMMU_DMA_PASID_DEVICE sub)
{
	disown(test, V3T_SUB_DEVICE, sub);
	EXPECT_V3(test, STATUS_SUCCESS, DeletePasidDevice, sub);
}

void v3t_attach_pasid(struct kunit *test, PIOMMU_DMA_DOMAIN domain, PIOMMU_DMA_PASID_DEVICE sub)
{
	ASSERT_V3(test, STATUS_SUCCESS, AttachPasidDevice, domain, sub);
	own(test, V3T_PASID_ATTACHED, sub, 0);
}

void v3t_detach_pasid(struct kunit *test, PIOMMU_DMA_PASID_DEVICE sub)
{
	disown(test, V3T_PASID_ATTACHED, sub);
	EXPECT_V3(test, STATUS_SUCCESS, DetachPasidDevice, sub);
}

void v3t_adopt_device(struct kunit *test, PIOMMU_DMA_DEVICE device)
{
	own(test, V3T_DEVICE, device, 0);
}

void v3t_delete_device(struct kunit *test, PIOMMU_DMA_DEVICE device)
{
	disown(test, V3T_DEVICE, device);
	EXPECT_V3(test, STATUS_SUCCESS, DeleteDevice, device);
}

PIOMMU_DMA_DOMAIN v3t_domain(struct kunit *test, IOMMU_DMA_DOMAIN_TYPE type, ULONG width)
{
	IOMMU_DMA_LOGICAL_ALLOCATOR_CONFIG buddy = {
		.LogicalAllocatorType = IommuDmaLogicalAllocatorBuddy,
		.BuddyAllocatorConfig.AddressWidth = width,
	};
	IOMMU_DMA_DOMAIN_CREATION_FLAGS none = { .AsUlonglong = 0 };
	PIOMMU_DMA_DOMAIN domain;

	ASSERT_V3(test, STATUS_SUCCESS, CreateDomainEx, type, none, width ? &buddy : NULL, NULL,
		  &domain);
	v3t_adopt_domain(test, domain);
	return domain;
}

PIOMMU_DMA_DOMAIN v3t_explicit(struct kunit *test)
{
	return v3t_domain(test, DomainTypeTranslate, 0);
}

/*
 * v3t_buddy() keeps the test on its processor, because each processor has addresses of its own in
 * mind, and a test may look at which it gets.
 */
PIOMMU_DMA_DOMAIN v3t_buddy(struct kunit *test)
{
	set_cpus_allowed_ptr(current, cpumask_of(raw_smp_processor_id()));
	return v3t_domain(test, DomainTypeTranslate, 48);
}

void v3t_adopt_domain(struct kunit *test, PIOMMU_DMA_DOMAIN domain)
{
	own(test, V3T_DOMAIN, domain, 0);
}

void v3t_delete_domain(struct kunit *test, PIOMMU_DMA_DOMAIN domain)
{
	disown(test, V3T_DOMAIN, domain);
	EXPECT_V3(test, STATUS_SUCCESS, DeleteDomain, domain);
}

void v3t_attach(struct kunit *test, PIOMMU_DMA_DOMAIN domain, PIOMMU_DMA_DEVICE device)
{
	ASSERT_V3(test, STATUS_SUCCESS, AttachDeviceEx, domain, device);
	own(test, V3T_ATTACHED, device, 0);
}

void v3t_detach(struct kunit *test, PIOMMU_DMA_DEVICE device)
{
	disown(test, V3T_ATTACHED, device);
	EXPECT_V3(test, STATUS_SUCCESS, DetachDeviceEx, device);
}

PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN v3t_reserve(struct kunit *test, PIOMMU_DMA_DOMAIN domain,
					     SIZE_T size, const u64 *at)
{
	IOMMU_DMA_LOGICAL_ADDRESS address = at ? *at : 0;
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token;

	ASSERT_V3(test, STATUS_SUCCESS, ReserveLogicalAddressRange, domain, size,
		  at ? &address : NULL, NULL, NULL, &token);
	v3t_adopt_token(test, token);
	return token;
}

void v3t_adopt_token(struct kunit *test, PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token)
{
	own(test, V3T_TOKEN, token, 0);
}

void v3t_free_token(struct kunit *test, PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token)
{
	disown(test, V3T_TOKEN, token);
	EXPECT_V3(test, STATUS_SUCCESS, FreeReservedLogicalAddressRange, token);
}

PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT
v3t_map_reserved(struct kunit *test, PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token, SIZE_T offset,
		 IOMMU_MAP_PHYSICAL_ADDRESS what)
{
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT segment;

	segment = kunit_kzalloc(test, sizeof(*segment), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, segment);
	ASSERT_V3(test, STATUS_SUCCESS, MapReservedLogicalRange, token, offset, V3T_RW, &what,
		  segment);
	own(test, V3T_SEGMENT, segment, 0);
	return segment;
}

void v3t_unmap_reserved(struct kunit *test,
			PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN_MAPPED_SEGMENT segment)
{
	disown(test, V3T_SEGMENT, segment);
	EXPECT_V3(test, STATUS_SUCCESS, UnmapReservedLogicalRange, segment);
}

struct page *v3t_pages(struct kunit *test, unsigned int order)
{
	struct page *page = alloc_pages(GFP_KERNEL, order);

	KUNIT_ASSERT_NOT_NULL(test, page);
	own(test, V3T_PAGES, page, order);
	get_random_bytes(page_address(page), PAGE_SIZE << order);
	return page;
}

struct page **v3t_scattered(struct kunit *test, unsigned int count)
{
	struct page **pages = kunit_kcalloc(test, count, sizeof(*pages), GFP_KERNEL);
	struct page *block = v3t_pages(test, get_order(2UL * count * PAGE_SIZE));
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, pages);
	for (i = 0; i < count; i++)
		pages[i] = block + 2 * (count - 1 - i);
	return pages;
}

IOMMU_MAP_PHYSICAL_ADDRESS v3t_contiguous(phys_addr_t base, size_t size)
{
	IOMMU_MAP_PHYSICAL_ADDRESS what = {
		.MapType = MapPhysicalAddressTypeContiguousRange,
		.ContiguousRange.Base.QuadPart = base,
		.ContiguousRange.Size = size,
	};

	return what;
}

IOMMU_MAP_PHYSICAL_ADDRESS v3t_of_pages(struct page *page, unsigned long count)
{
	return v3t_contiguous(page_to_phys(page), count * PAGE_SIZE);
}

IOMMU_MAP_PHYSICAL_ADDRESS v3t_of_page(struct page *page)
{
	return v3t_of_pages(page, 1);
}

IOMMU_MAP_PHYSICAL_ADDRESS v3t_of_mdl(PMDL mdl)
{
	IOMMU_MAP_PHYSICAL_ADDRESS what = {
		.MapType = MapPhysicalAddressTypeMdl,
		.Mdl.Mdl = mdl,
	};

	return what;
}

IOMMU_MAP_PHYSICAL_ADDRESS v3t_of_pfns(struct kunit *test, struct page **pages,
				       unsigned int count)
{
	PPFN_NUMBER pfns = kunit_kcalloc(test, count, sizeof(*pfns), GFP_KERNEL);
	IOMMU_MAP_PHYSICAL_ADDRESS what = {
		.MapType = MapPhysicalAddressTypePfn,
		.PfnArray.PageFrame = pfns,
		.PfnArray.NumberOfPages = count,
	};
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, pfns);
	for (i = 0; i < count; i++)
		pfns[i] = page_to_pfn(pages[i]);
	return what;
}

PMDL v3t_mdl(struct kunit *test, void *address, size_t size)
{
	PMDL mdl = IoAllocateMdl(address, size, FALSE, FALSE, NULL);

	KUNIT_ASSERT_NOT_NULL(test, mdl);
	own(test, V3T_MDL, mdl, 0);
	MmBuildMdlForNonPagedPool(mdl);
	return mdl;
}

PMDL v3t_mdl_of(struct kunit *test, struct page **pages, unsigned int count)
{
	PMDL mdl = IoAllocateMdl(NULL, count * PAGE_SIZE, FALSE, FALSE, NULL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, mdl);
	own(test, V3T_MDL, mdl, 0);
	for (i = 0; i < count; i++)
		MmGetMdlPfnArray(mdl)[i] = page_to_pfn(pages[i]);
	/* What a driver does that fills the array itself. */
	mdl->MdlFlags |= MDL_PAGES_LOCKED;
	return mdl;
}

u64 v3t_map_at(struct kunit *test, PIOMMU_DMA_DOMAIN domain, IOMMU_MAP_PHYSICAL_ADDRESS what,
	       u64 address)
{
	IOMMU_DMA_LOGICAL_ADDRESS at = address, out;

	ASSERT_V3(test, STATUS_SUCCESS, MapLogicalRangeEx, domain, V3T_RW, &what, &at, NULL, NULL,
		  &out);
	KUNIT_EXPECT_EQ(test, out, address);
	return out;
}

u64 v3t_map(struct kunit *test, PIOMMU_DMA_DOMAIN domain, IOMMU_MAP_PHYSICAL_ADDRESS what)
{
	IOMMU_DMA_LOGICAL_ADDRESS out;

	ASSERT_V3(test, STATUS_SUCCESS, MapLogicalRangeEx, domain, V3T_RW, &what, NULL, NULL, NULL,
		  &out);
	return out;
}

void v3t_unmap(struct kunit *test, PIOMMU_DMA_DOMAIN domain, u64 address, u64 pages)
{
	EXPECT_V3(test, STATUS_SUCCESS, UnmapLogicalRange, domain, address, pages);
}

static void expect_word(struct kunit *test, struct device *pdo, u32 pasid, u64 address, u64 *memory)
{
	u64 there = READ_ONCE(*memory), seen = 0, sent = get_random_u64();
	struct iommusim_fault fault = {};
	int err;

	err = iommusim_dma_read(pdo, pasid, address, &seen, sizeof(seen), &fault);
	KUNIT_EXPECT_EQ_MSG(test, err, 0, "read of %#llx faulted, reason %d", address,
			    fault.reason);
	KUNIT_EXPECT_EQ_MSG(test, seen, there, "read of %#llx: other memory", address);

	err = iommusim_dma_write(pdo, pasid, address, &sent, sizeof(sent), &fault);
	KUNIT_EXPECT_EQ_MSG(test, err, 0, "write to %#llx faulted, reason %d", address,
			    fault.reason);
	there = READ_ONCE(*memory);
	KUNIT_EXPECT_EQ_MSG(test, there, sent, "write to %#llx: other memory", address);
}

void v3t_expect_tagged_reaches(struct kunit *test, struct device *pdo, u32 pasid, u64 address,
			       struct page *page)
{
	size_t last = PAGE_SIZE - sizeof(u64);

	expect_word(test, pdo, pasid, address, page_address(page));
	expect_word(test, pdo, pasid, address + last, page_address(page) + last);
}

void v3t_expect_reaches(struct kunit *test, struct device *pdo, u64 address, struct page *page)
{
	v3t_expect_tagged_reaches(test, pdo, IOMMUSIM_NO_PASID, address, page);
}

void v3t_expect_tagged_fault(struct kunit *test, struct device *pdo, u32 pasid, u64 address,
			     enum iommusim_fault_reason reason)
{
	struct iommusim_fault fault = {};
	u64 word;
	int err;

	err = iommusim_dma_read(pdo, pasid, address, &word, sizeof(word), &fault);
	KUNIT_EXPECT_EQ_MSG(test, err, -EFAULT, "read of %#llx by PASID %u went through", address,
			    pasid);
	KUNIT_EXPECT_EQ_MSG(test, fault.reason, reason, "read of %#llx by PASID %u", address,
			    pasid);
}

void v3t_expect_reaches_all(struct kunit *test, struct device *pdo, u64 address,
			    struct page **pages, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		v3t_expect_reaches(test, pdo, address + i * PAGE_SIZE, pages[i]);
}

void v3t_expect_fault(struct kunit *test, struct device *pdo, u64 address, bool write,
		      enum iommusim_fault_reason reason)
{
	struct iommusim_fault fault = {};
	u64 word = 0;
	int err;

	if (write)
		err = iommusim_dma_write(pdo, IOMMUSIM_NO_PASID, address, &word, sizeof(word),
					 &fault);
	else
		err = iommusim_dma_read(pdo, IOMMUSIM_NO_PASID, address, &word, sizeof(word),
					&fault);
	KUNIT_EXPECT_EQ_MSG(test, err, -EFAULT, "access to %#llx", address);
	KUNIT_EXPECT_EQ_MSG(test, fault.reason, reason, "access to %#llx", address);
	KUNIT_EXPECT_EQ(test, fault.write, write);
}

/* Reads only: where a fault is expected, a write could hit anybody's memory. */
void v3t_expect_blocked(struct kunit *test, struct device *pdo, u64 address)
{
	struct iommusim_fault fault = {};
	u64 word;
	int err;

	err = iommusim_dma_read(pdo, IOMMUSIM_NO_PASID, address, &word, sizeof(word), &fault);
	KUNIT_EXPECT_EQ_MSG(test, err, -EFAULT, "read of %#llx went through", address);
	KUNIT_EXPECT_TRUE_MSG(test,
			      fault.reason == IOMMUSIM_FAULT_BLOCKED ||
			      fault.reason == IOMMUSIM_FAULT_NOT_PRESENT,
			      "read of %#llx: fault reason %d", address, fault.reason);
}

void v3t_expect_misses(struct kunit *test, struct device *pdo, u64 address, struct page *page)
{
	u64 word;

	if (iommusim_dma_read(pdo, IOMMUSIM_NO_PASID, address, &word, sizeof(word), NULL))
		return;
	KUNIT_EXPECT_NE_MSG(test, word, *(u64 *)page_address(page), "%#llx still reaches the page",
			    address);
}

struct iommusim_stats v3t_stats(struct iommusim *sim)
{
	struct iommusim_stats stats;

	iommusim_get_stats(sim, &stats);
	return stats;
}

void v3t_expect_no_stale_hits(struct kunit *test, struct iommusim *sim)
{
	KUNIT_EXPECT_EQ(test, v3t_stats(sim).stale_hits, 0);
}
