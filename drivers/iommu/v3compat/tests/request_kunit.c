// SPDX-License-Identifier: GPL-2.0
/* Page requests: DMA that waits for a handler to map, and what else may answer it. */
#include <linux/delay.h>
#include <linux/ktime.h>

#include "core/fault.h"
#include "fixture.h"
#include "listener.h"
#include "thread.h"

#define QUEUE		V3C_FAULT_QUEUE
#define ROUNDS		20
#define PATIENCE	200

#define ALLOWED		IOMMU_PAGE_RESP_SUCCESS
#define REFUSED		IOMMU_PAGE_RESP_INVALID

/* A device that makes page requests, with one sub-device on a domain of explicit addresses. */
struct asker {
	struct kunit *test;
	struct iommusim *sim;
	struct device *pdo;
	PIOMMU_DMA_DEVICE device;
	PIOMMU_DMA_DOMAIN domain;
	PIOMMU_DMA_PASID_DEVICE sub;
	ULONG pasid;
	struct v3t_listener *listener;
};

static const struct iommusim_config asking = {
	.max_pasids = 64, .features = IOMMUSIM_PAGE_REQUESTS,
};

static int init(struct kunit *test)
{
	if (!IS_ENABLED(CONFIG_IOMMU_IOPF))
		kunit_skip(test, "this kernel has no page requests");
	return v3t_init(test);
}

static PIOMMU_DMA_DEVICE suppressing_device(struct kunit *test, struct device *pdo)
{
	IOMMU_DEVICE_CREATION_CONFIGURATION config = {
		.ConfigType = IommuDeviceCreationConfigTypePasid,
		.Pasid = { .ConfigType = PasidConfigTypePasidTaggedDma,
			   .SuppressPasidFaults = TRUE },
	};
	PIOMMU_DMA_DEVICE device;

	ASSERT_V3(test, STATUS_SUCCESS, CreateDevice, pdo, &config, &device);
	v3t_adopt_device(test, device);
	return device;
}

static struct asker *new_asker(struct kunit *test, bool suppressing)
{
	struct asker *a = kunit_kzalloc(test, sizeof(*a), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, a);
	a->test = test;
	a->sim = v3t_sim(test, &asking);
	a->pdo = v3t_pdo(test, a->sim, NULL);
	a->device = suppressing ? suppressing_device(test, a->pdo) :
				  v3t_tagged_device(test, a->pdo);
	a->domain = v3t_explicit(test);
	a->sub = v3t_sub_device(test, a->device, &a->pasid);
	v3t_attach_pasid(test, a->domain, a->sub);
	a->listener = v3t_listener(test);
	a->listener->context = a;
	return a;
}

static void enable(struct asker *a)
{
	struct kunit *test = a->test;

	ASSERT_V3(test, STATUS_SUCCESS, SetDeviceFaultReportingEx, a->device, 0, TRUE,
		  &a->listener->config);
}

static void disable(struct asker *a)
{
	struct kunit *test = a->test;

	EXPECT_V3(test, STATUS_SUCCESS, SetDeviceFaultReportingEx, a->device, 0, FALSE, NULL);
}

static struct asker *reporting_asker(struct kunit *test)
{
	struct asker *a = new_asker(test, false);

	enable(a);
	return a;
}

static u64 unanswered(struct asker *a)
{
	return v3t_stats(a->sim).unanswered;
}

/* Until so many groups wait for an answer. */
static void wait_unanswered(struct asker *a, u64 count)
{
	unsigned int i;

	for (i = 0; i < PATIENCE && unanswered(a) != count; i++)
		msleep(20);
	KUNIT_EXPECT_EQ(a->test, unanswered(a), count);
}

static int ask(struct asker *a, u64 address, u32 perm)
{
	enum iommu_page_response_code response;
	int ret = iommusim_page_request(a->pdo, a->pasid, &address, 1, perm, &response);

	return ret ? ret : response;
}

/* Maps a page of the case where the fault was, as a driver does that pages on demand. */
static void map_there(struct v3t_listener *listener, const struct v3compat_fault *fault)
{
	struct asker *a = listener->context;
	IOMMU_DMA_LOGICAL_ADDRESS at = v3t_fault_address(fault) & PAGE_MASK, got;
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_page(v3t_pages(a->test, 0));

	V3T_V3(a->test)->MapLogicalRangeEx(a->domain, V3T_RW, &what, &at, NULL, NULL, &got);
}

static void waits_for_what_the_handler_maps(struct kunit *test)
{
	struct asker *a = reporting_asker(test);
	const struct v3compat_fault *heard = a->listener->faults;
	u32 word = 0x12345678, back = 0;
	struct iommusim_fault fault;

	a->listener->inside = map_there;
	KUNIT_EXPECT_EQ(test, iommusim_dma_write_prq(a->pdo, a->pasid, SZ_1M + 8, &word,
						     sizeof(word), &fault), 0);
	KUNIT_EXPECT_EQ(test, iommusim_dma_read(a->pdo, a->pasid, SZ_1M + 8, &back, sizeof(back),
						&fault), 0);
	KUNIT_EXPECT_EQ(test, back, word);
	v3t_wait_ended(test, a->listener, 1);
	KUNIT_EXPECT_EQ(test, heard->kind, V3COMPAT_FAULT_PAGE_REQUEST);
	KUNIT_EXPECT_EQ(test, heard->pasid, a->pasid);
	KUNIT_EXPECT_TRUE(test, heard->write);
	KUNIT_EXPECT_EQ(test, heard->lost, 0);
	KUNIT_EXPECT_PTR_EQ(test, v3t_fault_domain(heard), (PVOID)a->domain);
	KUNIT_EXPECT_EQ(test, v3t_fault_address(heard) & PAGE_MASK, SZ_1M);
	KUNIT_EXPECT_EQ(test, v3t_fault_type(heard), TranslationFault);
	KUNIT_EXPECT_EQ(test, a->listener->atomic, 0);
	KUNIT_EXPECT_EQ(test, unanswered(a), 0);
	disable(a);
}

static void is_refused_when_nothing_is_mapped(struct kunit *test)
{
	struct asker *a = reporting_asker(test);
	struct iommusim_fault fault;
	u32 word = 0;

	KUNIT_EXPECT_EQ(test, iommusim_dma_read_prq(a->pdo, a->pasid, SZ_1M, &word, sizeof(word),
						    &fault), -EFAULT);
	KUNIT_EXPECT_EQ(test, fault.reason, IOMMUSIM_FAULT_PAGE_REQUEST);
	v3t_wait_ended(test, a->listener, 1);
	KUNIT_EXPECT_FALSE(test, a->listener->faults[0].write);
	KUNIT_EXPECT_EQ(test, unanswered(a), 0);
}

static void wants_the_permission_asked_for(struct kunit *test)
{
	struct asker *a = reporting_asker(test);
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_page(v3t_pages(test, 0));
	IOMMU_DMA_LOGICAL_ADDRESS at = SZ_1M, got;

	ASSERT_V3(test, STATUS_SUCCESS, MapLogicalRangeEx, a->domain, V3T_READ, &what, &at, NULL,
		  NULL, &got);
	KUNIT_EXPECT_EQ(test, ask(a, SZ_1M, IOMMU_FAULT_PERM_READ), ALLOWED);
	KUNIT_EXPECT_EQ(test, ask(a, SZ_1M, IOMMU_FAULT_PERM_EXEC), ALLOWED);
	KUNIT_EXPECT_EQ(test, ask(a, SZ_1M, IOMMU_FAULT_PERM_WRITE), REFUSED);
	KUNIT_EXPECT_EQ(test, ask(a, SZ_1M, IOMMU_FAULT_PERM_READ | IOMMU_FAULT_PERM_WRITE),
			REFUSED);
	v3t_wait_ended(test, a->listener, 4);
	KUNIT_EXPECT_EQ(test, v3t_fault_type(&a->listener->faults[2]), PermissionFault);
}

static void counts_reserved_segments_as_mapped(struct kunit *test)
{
	struct asker *a = reporting_asker(test);
	const u64 base = SZ_1M;
	PIOMMU_DMA_LOGICAL_ADDRESS_TOKEN token = v3t_reserve(test, a->domain, SZ_64K, &base);

	v3t_map_reserved(test, token, SZ_4K, v3t_of_page(v3t_pages(test, 0)));
	KUNIT_EXPECT_EQ(test, ask(a, SZ_1M + SZ_4K, IOMMU_FAULT_PERM_WRITE), ALLOWED);
	KUNIT_EXPECT_EQ(test, ask(a, SZ_1M, IOMMU_FAULT_PERM_WRITE), REFUSED);
}

static void answers_a_group_as_one(struct kunit *test)
{
	const u64 pages[] = { SZ_1M, SZ_2M, SZ_4M };
	struct asker *a = reporting_asker(test);
	enum iommu_page_response_code response;
	unsigned int i;

	v3t_map_at(test, a->domain, v3t_of_page(v3t_pages(test, 0)), SZ_1M);
	v3t_map_at(test, a->domain, v3t_of_page(v3t_pages(test, 0)), SZ_4M);
	KUNIT_EXPECT_EQ(test, iommusim_page_request(a->pdo, a->pasid, pages, 3,
						    IOMMU_FAULT_PERM_READ, &response), 0);
	KUNIT_EXPECT_EQ(test, response, REFUSED);
	if (!v3t_wait_ended(test, a->listener, 3))
		return;
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, v3t_fault_address(&a->listener->faults[i]), pages[i]);

	v3t_unmap(test, a->domain, SZ_1M, 1);
	v3t_unmap(test, a->domain, SZ_4M, 1);
	a->listener->inside = map_there;
	KUNIT_EXPECT_EQ(test, iommusim_page_request(a->pdo, a->pasid, pages, 3,
						    IOMMU_FAULT_PERM_READ, &response), 0);
	KUNIT_EXPECT_EQ(test, response, ALLOWED);
	v3t_wait_ended(test, a->listener, 6);
}

static void is_answered_without_a_handler(struct kunit *test)
{
	struct asker *a = new_asker(test, false);

	v3t_map_at(test, a->domain, v3t_of_page(v3t_pages(test, 0)), SZ_1M);
	KUNIT_EXPECT_EQ(test, ask(a, SZ_1M, IOMMU_FAULT_PERM_WRITE), ALLOWED);
	KUNIT_EXPECT_EQ(test, ask(a, SZ_2M, IOMMU_FAULT_PERM_WRITE), REFUSED);
	KUNIT_EXPECT_EQ(test, unanswered(a), 0);
}

static void stray(struct asker *a, u32 pasid, u64 address)
{
	struct iommusim_fault fault;
	u32 word;

	iommusim_dma_read(a->pdo, pasid, address, &word, sizeof(word), &fault);
	KUNIT_EXPECT_NE(a->test, fault.reason, IOMMUSIM_OK);
}

static void suppressed_faults_are_not_reported(struct kunit *test)
{
	struct asker *a = new_asker(test, true);
	PIOMMU_DMA_DOMAIN untagged = v3t_explicit(test);

	v3t_attach(test, untagged, a->device);
	enable(a);
	v3t_map_at(test, a->domain, v3t_of_page(v3t_pages(test, 0)), SZ_1M);
	KUNIT_EXPECT_EQ(test, ask(a, SZ_1M, IOMMU_FAULT_PERM_WRITE), ALLOWED);
	KUNIT_EXPECT_EQ(test, ask(a, SZ_2M, IOMMU_FAULT_PERM_WRITE), REFUSED);
	stray(a, a->pasid, SZ_2M);
	/* Faults are delivered in order: this one would not be the first. */
	stray(a, IOMMUSIM_NO_PASID, SZ_4M);
	v3t_wait_ended(test, a->listener, 1);
	KUNIT_EXPECT_EQ(test, v3t_fault_address(&a->listener->faults[0]), SZ_4M);
	disable(a);
}

static void refused_tagged_dma_tells_its_pasid(struct kunit *test)
{
	struct asker *a = reporting_asker(test);
	PIOMMU_DMA_PASID_DEVICE second;
	ULONG pasid;

	stray(a, a->pasid, SZ_1M);
	v3t_wait_ended(test, a->listener, 1);
	KUNIT_EXPECT_EQ(test, a->listener->faults[0].pasid, a->pasid);
	KUNIT_EXPECT_EQ(test, a->listener->faults[0].kind, V3COMPAT_FAULT_UNRECOVERABLE);

	/* Through one page table nobody can tell them apart. */
	second = v3t_sub_device(test, a->device, &pasid);
	v3t_attach_pasid(test, a->domain, second);
	stray(a, pasid, SZ_1M);
	v3t_wait_ended(test, a->listener, 2);
	KUNIT_EXPECT_EQ(test, a->listener->faults[1].pasid, V3COMPAT_NO_PASID);
	v3t_detach_pasid(test, second);
	stray(a, a->pasid, SZ_1M);
	v3t_wait_ended(test, a->listener, 3);
	KUNIT_EXPECT_EQ(test, a->listener->faults[2].pasid, a->pasid);

	/* Nor from the untagged DMA, which is another handle's. */
	v3t_attach(test, a->domain, v3t_device(test, a->pdo));
	stray(a, IOMMUSIM_NO_PASID, SZ_1M);
	v3t_wait_ended(test, a->listener, 4);
	KUNIT_EXPECT_EQ(test, a->listener->faults[3].pasid, V3COMPAT_NO_PASID);
}

static void needs_an_attachment_of_any_kind(struct kunit *test)
{
	struct asker *a = new_asker(test, false);

	v3t_detach_pasid(test, a->sub);
	REFUSE_V3(test, STATUS_INVALID_PARAMETER_1, SetDeviceFaultReportingEx, a->device, 0, TRUE,
		  &a->listener->config);
	v3t_attach_pasid(test, a->domain, a->sub);
	enable(a);
}

/* Its IOMMU keeps refused DMA to itself, but hands on requests. */
static void requests_alone_can_be_reported(struct kunit *test)
{
	static const struct iommusim_config silent = {
		.max_pasids = 64, .features = IOMMUSIM_PAGE_REQUESTS,
		.quirks = IOMMUSIM_SILENT_FAULTS,
	};
	struct device *pdo = v3t_pdo(test, v3t_sim(test, &silent), NULL);
	PIOMMU_DMA_DEVICE plain = v3t_device(test, pdo), tagged = v3t_tagged_device(test, pdo);
	PIOMMU_DMA_DEVICE mute = suppressing_device(test, pdo);
	PIOMMU_DMA_DOMAIN domain = v3t_explicit(test);
	struct v3t_listener *l = v3t_listener(test);
	struct v3compat_capabilities can;
	PIOMMU_DMA_PASID_DEVICE sub;
	ULONG pasid;

	sub = v3t_sub_device(test, tagged, &pasid);
	v3t_attach_pasid(test, domain, sub);
	sub = v3t_sub_device(test, mute, &pasid);
	v3t_attach_pasid(test, domain, sub);
	EXPECT_CALL(test, STATUS_SUCCESS, v3compat_query_capabilities, mute, &can);
	KUNIT_EXPECT_FALSE(test, can.page_requests);
	REFUSE_V3(test, STATUS_NOT_IMPLEMENTED, SetDeviceFaultReportingEx, mute, 0, TRUE,
		  &l->config);
	v3t_attach(test, domain, plain);
	EXPECT_CALL(test, STATUS_SUCCESS, v3compat_query_capabilities, plain, &can);
	KUNIT_EXPECT_FALSE(test, can.page_requests);
	KUNIT_EXPECT_FALSE(test, can.unrecoverable_faults);
	REFUSE_V3(test, STATUS_NOT_IMPLEMENTED, SetDeviceFaultReportingEx, plain, 0, TRUE,
		  &l->config);
	EXPECT_CALL(test, STATUS_SUCCESS, v3compat_query_capabilities, tagged, &can);
	KUNIT_EXPECT_TRUE(test, can.page_requests);
	KUNIT_EXPECT_FALSE(test, can.unrecoverable_faults);
	EXPECT_V3(test, STATUS_SUCCESS, SetDeviceFaultReportingEx, tagged, 0, TRUE, &l->config);
}

/* A table of four levels that is the driver's own, down to the last one for the lowest 2 MiB. */
struct own_tables {
	struct asker *asker;
	PIOMMU_DMA_DOMAIN domain;
	u64 *last;
	struct page *page;
};

#define ENTRY(page)	(page_to_phys(page) | 7)

static struct page *make_tables(struct kunit *test, struct own_tables *own)
{
	struct page *level[4];
	unsigned int i;

	for (i = 0; i < 4; i++) {
		level[i] = v3t_pages(test, 0);
		clear_page(page_address(level[i]));
		if (i)
			*(u64 *)page_address(level[i - 1]) = ENTRY(level[i]);
	}
	own->last = page_address(level[3]);
	own->page = v3t_pages(test, 0);
	return level[0];
}

static void fill_own_table(struct v3t_listener *listener, const struct v3compat_fault *fault)
{
	struct own_tables *own = listener->context;
	ULONGLONG address = v3t_fault_address(fault) & PAGE_MASK;

	WRITE_ONCE(own->last[address >> PAGE_SHIFT], ENTRY(own->page));
	V3T_V3(own->asker->test)->FlushDomainByVaList(own->domain, TRUE, 1, &address);
}

static void waits_for_tables_of_the_driver(struct kunit *test)
{
	struct asker *a = new_asker(test, false);
	struct own_tables own = { .asker = a };
	struct page *root = make_tables(test, &own);
	PIOMMU_DMA_PASID_DEVICE sub;
	ULONG pasid;
	u32 asked = a->pasid;

	own.domain = v3t_domain(test, DomainTypeUnmanaged, 0);
	EXPECT_CALL(test, STATUS_SUCCESS, v3compat_configure_x64, own.domain, page_to_phys(root),
		    4);
	sub = v3t_sub_device(test, a->device, &pasid);
	v3t_attach_pasid(test, own.domain, sub);
	a->listener->context = &own;
	enable(a);

	a->pasid = pasid;
	KUNIT_EXPECT_EQ(test, ask(a, SZ_1M, IOMMU_FAULT_PERM_READ), REFUSED);
	a->listener->inside = fill_own_table;
	KUNIT_EXPECT_EQ(test, ask(a, SZ_1M, IOMMU_FAULT_PERM_WRITE), ALLOWED);
	v3t_expect_tagged_reaches(test, a->pdo, pasid, SZ_1M, own.page);
	v3t_wait_ended(test, a->listener, 2);
	KUNIT_EXPECT_TRUE(test, a->listener->faults[0].information.IsStage1);
	KUNIT_EXPECT_PTR_EQ(test, v3t_fault_domain(&a->listener->faults[0]), (PVOID)own.domain);
	a->pasid = asked;
	disable(a);
}

/* Another kind of IOMMU behind the domain translates less; that is no matter of this device's. */
static void what_other_iommus_lack_does_not_count(struct kunit *test)
{
	static const struct iommusim_config narrow = {
		.aperture_bits = 39, .quirks = IOMMUSIM_OWN_DOMAINS,
	};
	struct asker *a = new_asker(test, false);
	struct own_tables own = { .asker = a };
	struct page *root = make_tables(test, &own);
	u64 *entries = page_address(root);
	PIOMMU_DMA_PASID_DEVICE sub;
	u32 asked = a->pasid;
	ULONG pasid;

	own.last[SZ_1M >> PAGE_SHIFT] = ENTRY(own.page);
	entries[1] = entries[0];
	own.domain = v3t_domain(test, DomainTypeUnmanaged, 0);
	EXPECT_CALL(test, STATUS_SUCCESS, v3compat_configure_x64, own.domain, page_to_phys(root),
		    4);
	sub = v3t_sub_device(test, a->device, &pasid);
	v3t_attach_pasid(test, own.domain, sub);
	v3t_attach(test, own.domain, v3t_device(test, v3t_pdo(test, v3t_sim(test, &narrow), NULL)));

	a->pasid = pasid;
	KUNIT_EXPECT_EQ(test, ask(a, SZ_1M, IOMMU_FAULT_PERM_READ), ALLOWED);
	KUNIT_EXPECT_EQ(test, ask(a, BIT_ULL(39) + SZ_1M, IOMMU_FAULT_PERM_READ), ALLOWED);
	KUNIT_EXPECT_EQ(test, ask(a, BIT_ULL(39), IOMMU_FAULT_PERM_READ), REFUSED);
	a->pasid = asked;
}

/* One domain, and a page table for each of them. */
static void devices_with_and_without_requests_share_a_domain(struct kunit *test)
{
	static const struct iommusim_config mute = { .max_pasids = 64 };
	struct asker *a = reporting_asker(test);
	struct device *pdo = v3t_pdo(test, v3t_sim(test, &mute), NULL);
	PIOMMU_DMA_DEVICE device = v3t_tagged_device(test, pdo);
	struct page *page = v3t_pages(test, 0);
	PIOMMU_DMA_PASID_DEVICE sub;
	ULONG pasid;

	v3t_map_at(test, a->domain, v3t_of_page(page), SZ_2M);
	sub = v3t_sub_device(test, device, &pasid);
	v3t_attach_pasid(test, a->domain, sub);
	a->listener->inside = map_there;
	KUNIT_EXPECT_EQ(test, ask(a, SZ_1M, IOMMU_FAULT_PERM_WRITE), ALLOWED);
	v3t_expect_tagged_reaches(test, pdo, pasid, SZ_2M, page);
	v3t_expect_tagged_reaches(test, a->pdo, a->pasid, SZ_2M, page);
}

/* A request on a thread of its own. */
struct request {
	struct asker *asker;
	u64 address;
	struct v3t_thread thread;
};

static int run_request(void *arg)
{
	struct request *request = arg;

	return ask(request->asker, request->address, IOMMU_FAULT_PERM_WRITE);
}

static void start_request(struct asker *a, struct request *request, u64 address)
{
	request->asker = a;
	request->address = address;
	v3t_thread_start(&request->thread, run_request, request);
}

static void counts_groups_that_find_no_room(struct kunit *test)
{
	struct asker *a = reporting_asker(test);
	struct request *requests = kunit_kcalloc(test, QUEUE + 1, sizeof(*requests), GFP_KERNEL);
	const u64 pages[] = { SZ_1M, SZ_2M };
	enum iommu_page_response_code response;
	struct v3compat_capabilities can;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, requests);
	a->listener->hold = true;
	start_request(a, &requests[0], SZ_1M);
	v3t_wait_begun(test, a->listener, 1);
	for (i = 1; i <= QUEUE; i++)
		start_request(a, &requests[i], SZ_1M);
	wait_unanswered(a, QUEUE + 1);

	KUNIT_EXPECT_EQ(test, iommusim_page_request(a->pdo, a->pasid, pages, 2,
						    IOMMU_FAULT_PERM_READ, &response), 0);
	KUNIT_EXPECT_EQ(test, response, REFUSED);
	v3t_map_at(test, a->domain, v3t_of_page(v3t_pages(test, 0)), SZ_4M);
	KUNIT_EXPECT_EQ(test, ask(a, SZ_4M, IOMMU_FAULT_PERM_WRITE), ALLOWED);
	EXPECT_CALL(test, STATUS_SUCCESS, v3compat_query_capabilities, a->device, &can);
	KUNIT_EXPECT_EQ(test, can.faults_lost, 3);

	WRITE_ONCE(a->listener->hold, false);
	complete_all(&a->listener->release);
	for (i = 0; i <= QUEUE; i++)
		KUNIT_EXPECT_EQ(test, v3t_thread_join(&requests[i].thread), REFUSED);
	v3t_wait_ended(test, a->listener, QUEUE + 1);
	KUNIT_EXPECT_EQ(test, a->listener->faults[1].lost, 3);
	KUNIT_EXPECT_EQ(test, unanswered(a), 0);
}

static int ask_many(struct asker *a, const u64 *pages, unsigned int count)
{
	enum iommu_page_response_code response;
	int ret = iommusim_page_request(a->pdo, a->pasid, pages, count, IOMMU_FAULT_PERM_READ,
					&response);

	return ret ? ret : response;
}

/* The length of a group is the device's choice, what is done for it is not. */
static void refuses_groups_without_end(struct kunit *test)
{
	struct asker *a = reporting_asker(test);
	u64 *pages = kunit_kcalloc(test, V3C_FAULT_PAGES + 1, sizeof(*pages), GFP_KERNEL);
	struct v3compat_capabilities can;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, pages);
	for (i = 0; i <= V3C_FAULT_PAGES; i++)
		pages[i] = SZ_1M;
	v3t_map_at(test, a->domain, v3t_of_page(v3t_pages(test, 0)), SZ_1M);
	KUNIT_EXPECT_EQ(test, ask_many(a, pages, V3C_FAULT_PAGES + 1), REFUSED);
	KUNIT_EXPECT_EQ(test, READ_ONCE(a->listener->count), 0);
	EXPECT_CALL(test, STATUS_SUCCESS, v3compat_query_capabilities, a->device, &can);
	KUNIT_EXPECT_EQ(test, can.faults_lost, V3C_FAULT_PAGES + 1);
	KUNIT_EXPECT_EQ(test, ask_many(a, pages, V3C_FAULT_PAGES), ALLOWED);
	KUNIT_EXPECT_EQ(test, READ_ONCE(a->listener->count), V3C_FAULT_PAGES);
	KUNIT_EXPECT_EQ(test, unanswered(a), 0);
}

#define CROWD	512

/* The shortest of many, in nanoseconds: what it takes when nothing comes between. */
static u64 fastest_report(struct asker *a)
{
	struct iommu_domain *domain = iommu_get_domain_for_dev(a->pdo);
	u64 best = U64_MAX, start;
	unsigned int i;

	for (i = 0; i < 100; i++) {
		start = ktime_get_ns();
		report_iommu_fault(domain, a->pdo, SZ_1M, IOMMU_FAULT_READ);
		best = min(best, ktime_get_ns() - start);
	}
	return best;
}

/* Devices choose how often, and it is done with interrupts off. */
static void a_report_costs_the_same_for_any_number_of_sub_devices(struct kunit *test)
{
	static const struct iommusim_config many = {
		.max_pasids = 2 * CROWD, .features = IOMMUSIM_PAGE_REQUESTS,
	};
	struct asker *a = kunit_kzalloc(test, sizeof(*a), GFP_KERNEL);
	u64 alone, crowded;
	unsigned int i;
	ULONG pasid;

	KUNIT_ASSERT_NOT_NULL(test, a);
	a->test = test;
	a->pdo = v3t_pdo(test, v3t_sim(test, &many), NULL);
	a->device = v3t_tagged_device(test, a->pdo);
	a->domain = v3t_explicit(test);
	a->listener = v3t_listener(test);
	v3t_attach(test, a->domain, a->device);
	enable(a);
	alone = fastest_report(a);
	for (i = 0; i < CROWD; i++)
		v3t_attach_pasid(test, a->domain, v3t_sub_device(test, a->device, &pasid));
	crowded = fastest_report(a);
	kunit_info(test, "%llu ns alone, %llu ns with %u sub-devices\n", alone, crowded, CROWD);
	KUNIT_EXPECT_LT(test, crowded, 4 * alone + 1);
	disable(a);
}

/* Which of several attachments stands for the others does not matter, nor who leaves first. */
static void attachments_to_one_table_come_and_go(struct kunit *test)
{
	struct asker *a = reporting_asker(test);
	PIOMMU_DMA_PASID_DEVICE subs[4] = { a->sub };
	unsigned int i, told = 0;
	ULONG pasids[4] = { a->pasid };

	for (i = 1; i < ARRAY_SIZE(subs); i++) {
		subs[i] = v3t_sub_device(test, a->device, &pasids[i]);
		v3t_attach_pasid(test, a->domain, subs[i]);
	}
	for (i = 0; i < ARRAY_SIZE(subs) - 1; i++) {
		stray(a, pasids[i], SZ_1M);
		v3t_wait_ended(test, a->listener, ++told);
		KUNIT_EXPECT_EQ(test, a->listener->faults[told - 1].pasid, V3COMPAT_NO_PASID);
		/* The first one, one in the middle, the last one. */
		v3t_detach_pasid(test, subs[i]);
	}
	stray(a, pasids[i], SZ_1M);
	v3t_wait_ended(test, a->listener, ++told);
	KUNIT_EXPECT_EQ(test, a->listener->faults[told - 1].pasid, pasids[i]);
	for (i = 0; i < ARRAY_SIZE(subs) - 1; i++)
		v3t_attach_pasid(test, a->domain, subs[i]);
	for (i = ARRAY_SIZE(subs); i--;) {
		stray(a, pasids[i], SZ_1M);
		v3t_wait_ended(test, a->listener, ++told);
		KUNIT_EXPECT_EQ(test, a->listener->faults[told - 1].pasid,
				i ? V3COMPAT_NO_PASID : pasids[0]);
		v3t_detach_pasid(test, subs[i]);
	}
}

/* One request in the hands of the handler, which is held, and one behind it. */
static void hold_two(struct asker *a, struct request requests[2])
{
	a->listener->hold = true;
	start_request(a, &requests[0], SZ_1M);
	v3t_wait_begun(a->test, a->listener, 1);
	start_request(a, &requests[1], SZ_2M);
	wait_unanswered(a, 2);
}

static void let_go(struct asker *a)
{
	WRITE_ONCE(a->listener->hold, false);
	complete_all(&a->listener->release);
}

static void detach_refuses_what_waits(struct kunit *test)
{
	struct asker *a = reporting_asker(test);
	struct request requests[2];

	hold_two(a, requests);
	v3t_detach_pasid(test, a->sub);
	KUNIT_EXPECT_EQ(test, unanswered(a), 0);
	KUNIT_EXPECT_EQ(test, v3t_thread_join(&requests[0].thread), REFUSED);
	KUNIT_EXPECT_EQ(test, v3t_thread_join(&requests[1].thread), REFUSED);

	/* The next attachment of the number is another one. */
	v3t_attach_pasid(test, a->domain, a->sub);
	let_go(a);
	a->listener->inside = map_there;
	KUNIT_EXPECT_EQ(test, ask(a, SZ_4M, IOMMU_FAULT_PERM_WRITE), ALLOWED);
	v3t_wait_ended(test, a->listener, 2);
}

static void removal_refuses_what_waits(struct kunit *test)
{
	struct asker *a = reporting_asker(test);
	struct request requests[2];

	hold_two(a, requests);
	get_device(a->pdo);
	v3t_unplug(test, a->pdo);
	KUNIT_EXPECT_EQ(test, unanswered(a), 0);
	KUNIT_EXPECT_EQ(test, v3t_thread_join(&requests[0].thread), REFUSED);
	KUNIT_EXPECT_EQ(test, v3t_thread_join(&requests[1].thread), REFUSED);
	put_device(a->pdo);
	let_go(a);
	disable(a);
	KUNIT_EXPECT_EQ(test, READ_ONCE(a->listener->count), 1);
}

/* Those that wait behind the handler are answered without one. */
static int run_disable(void *arg)
{
	struct asker *a = arg;

	return NT_SUCCESS(V3T_V3(a->test)->SetDeviceFaultReportingEx(a->device, 0, FALSE, NULL)) ?
	       0 : -EIO;
}

static void disabling_answers_what_waits(struct kunit *test)
{
	struct asker *a = reporting_asker(test);
	struct request requests[2];
	struct v3t_thread thread;

	v3t_map_at(test, a->domain, v3t_of_page(v3t_pages(test, 0)), SZ_2M);
	hold_two(a, requests);
	v3t_thread_start(&thread, run_disable, a);
	complete(&a->listener->release);
	KUNIT_EXPECT_EQ(test, v3t_thread_join(&requests[0].thread), REFUSED);
	/* The second may be delivered before it is disabled, and then is held once more. */
	complete(&a->listener->release);
	KUNIT_EXPECT_EQ(test, v3t_thread_join(&requests[1].thread), ALLOWED);
	KUNIT_EXPECT_EQ(test, v3t_thread_join(&thread), 0);
	KUNIT_EXPECT_EQ(test, READ_ONCE(a->listener->count), READ_ONCE(a->listener->ended));
}

static void disable_inside(struct v3t_listener *listener, const struct v3compat_fault *fault)
{
	disable(listener->context);
}

static void may_be_disabled_in_the_middle_of_a_group(struct kunit *test)
{
	const u64 pages[] = { SZ_1M, SZ_2M, SZ_4M };
	struct asker *a = reporting_asker(test);
	enum iommu_page_response_code response;
	unsigned int i;

	for (i = 0; i < 3; i++)
		v3t_map_at(test, a->domain, v3t_of_page(v3t_pages(test, 0)), pages[i]);
	a->listener->inside = disable_inside;
	KUNIT_EXPECT_EQ(test, iommusim_page_request(a->pdo, a->pasid, pages, 3,
						    IOMMU_FAULT_PERM_READ, &response), 0);
	KUNIT_EXPECT_EQ(test, response, ALLOWED);
	v3t_wait_ended(test, a->listener, 1);
}

static void detach_inside(struct v3t_listener *listener, const struct v3compat_fault *fault)
{
	struct asker *a = listener->context;

	v3t_detach_pasid(a->test, a->sub);
}

static void handler_may_detach_the_sub_device(struct kunit *test)
{
	const u64 pages[] = { SZ_1M, SZ_2M };
	struct asker *a = reporting_asker(test);
	enum iommu_page_response_code response;

	a->listener->inside = detach_inside;
	KUNIT_EXPECT_EQ(test, iommusim_page_request(a->pdo, a->pasid, pages, 2,
						    IOMMU_FAULT_PERM_READ, &response), 0);
	KUNIT_EXPECT_EQ(test, response, REFUSED);
	v3t_wait_ended(test, a->listener, 1);
	disable(a);
	KUNIT_EXPECT_EQ(test, READ_ONCE(a->listener->count), 1);
}

/* Devices that ask and drivers that map, unmap, detach and go, all at once. */
struct storm {
	struct asker *asker;
	struct page *page;
	bool stop;
};

static int keep_asking(void *arg)
{
	struct storm *storm = arg;
	struct asker *a = storm->asker;
	u64 address = SZ_1M;
	struct iommusim_fault fault;
	u32 word = 0;
	int ret;

	while (!READ_ONCE(storm->stop)) {
		iommusim_dma_write_prq(a->pdo, a->pasid, address, &word, sizeof(word), &fault);
		ret = ask(a, address, IOMMU_FAULT_PERM_READ);
		if (ret == -ENODEV || ret == -ENOMEM)
			return ret;
		address = address == SZ_1M ? SZ_2M : SZ_1M;
		cond_resched();
	}
	return 0;
}

static void map_or_unmap(struct v3t_listener *listener, const struct v3compat_fault *fault)
{
	struct storm *storm = listener->context;
	struct asker *a = storm->asker;
	IOMMU_DMA_LOGICAL_ADDRESS at = v3t_fault_address(fault) & PAGE_MASK, got;
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_page(storm->page);

	if (V3T_V3(a->test)->UnmapLogicalRange(a->domain, at, 1) != STATUS_SUCCESS)
		V3T_V3(a->test)->MapLogicalRangeEx(a->domain, V3T_RW, &what, &at, NULL, NULL, &got);
}

static void survives_requests_under_fire(struct kunit *test)
{
	struct asker *a = new_asker(test, false);
	struct storm storm = { .asker = a, .page = v3t_pages(test, 0) };
	struct v3t_thread threads[2];
	unsigned int i;

	a->listener->inside = map_or_unmap;
	a->listener->context = &storm;
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		v3t_thread_start(&threads[i], keep_asking, &storm);
	for (i = 0; i < ROUNDS; i++) {
		enable(a);
		wait_event_timeout(a->listener->changed, READ_ONCE(a->listener->count) > 2 * i, HZ);
		if (i % 3 == 0) {
			v3t_detach_pasid(test, a->sub);
			KUNIT_EXPECT_EQ(test, unanswered(a), 0);
			v3t_attach_pasid(test, a->domain, a->sub);
		}
		disable(a);
		KUNIT_EXPECT_EQ(test, READ_ONCE(a->listener->count),
				READ_ONCE(a->listener->ended));
	}
	WRITE_ONCE(storm.stop, true);
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		KUNIT_EXPECT_EQ(test, v3t_thread_join(&threads[i]), 0);
	KUNIT_EXPECT_EQ(test, unanswered(a), 0);
	KUNIT_EXPECT_GT(test, READ_ONCE(a->listener->count), 0);
}

static void survives_removal_under_fire(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < 4; i++) {
		struct asker *a = reporting_asker(test);
		struct storm storm = { .asker = a, .page = v3t_pages(test, 0) };
		struct v3t_thread thread;

		a->listener->context = &storm;
		a->listener->inside = map_or_unmap;
		get_device(a->pdo);
		v3t_thread_start(&thread, keep_asking, &storm);
		wait_event_timeout(a->listener->changed, READ_ONCE(a->listener->count) > i, HZ);
		v3t_unplug(test, a->pdo);
		KUNIT_EXPECT_EQ(test, unanswered(a), 0);
		WRITE_ONCE(storm.stop, true);
		v3t_thread_join(&thread);
		disable(a);
		KUNIT_EXPECT_EQ(test, READ_ONCE(a->listener->count),
				READ_ONCE(a->listener->ended));
		put_device(a->pdo);
	}
}

static struct kunit_case request_cases[] = {
	KUNIT_CASE(waits_for_what_the_handler_maps),
	KUNIT_CASE(is_refused_when_nothing_is_mapped),
	KUNIT_CASE(wants_the_permission_asked_for),
	KUNIT_CASE(counts_reserved_segments_as_mapped),
	KUNIT_CASE(answers_a_group_as_one),
	KUNIT_CASE(is_answered_without_a_handler),
	KUNIT_CASE(suppressed_faults_are_not_reported),
	KUNIT_CASE(refused_tagged_dma_tells_its_pasid),
	KUNIT_CASE(needs_an_attachment_of_any_kind),
	KUNIT_CASE(requests_alone_can_be_reported),
	KUNIT_CASE(waits_for_tables_of_the_driver),
	KUNIT_CASE(what_other_iommus_lack_does_not_count),
	KUNIT_CASE(devices_with_and_without_requests_share_a_domain),
	KUNIT_CASE_SLOW(counts_groups_that_find_no_room),
	KUNIT_CASE(refuses_groups_without_end),
	KUNIT_CASE_SLOW(a_report_costs_the_same_for_any_number_of_sub_devices),
	KUNIT_CASE(attachments_to_one_table_come_and_go),
	KUNIT_CASE(detach_refuses_what_waits),
	KUNIT_CASE(removal_refuses_what_waits),
	KUNIT_CASE(disabling_answers_what_waits),
	KUNIT_CASE(may_be_disabled_in_the_middle_of_a_group),
	KUNIT_CASE(handler_may_detach_the_sub_device),
	KUNIT_CASE_SLOW(survives_requests_under_fire),
	KUNIT_CASE_SLOW(survives_removal_under_fire),
	{}
};

static struct kunit_suite request_suite = {
	.name = "v3compat_request",
	.init = init,
	.exit = v3t_exit,
	.test_cases = request_cases,
};

kunit_test_suite(request_suite);
