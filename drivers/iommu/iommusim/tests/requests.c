// SPDX-License-Identifier: GPL-2.0
/* Tests of page requests, with a handler as users of the IOMMU API write them. */
#include <linux/completion.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include <v3compat/kcompat.h>

#include "fixture.h"

#define PASID		3
#define MAX_GROUP	4

/*
 * struct sim_pager - handler of the page requests of one attachment
 * @test: the test
 * @handle: of the attachment
 * @dev: the device
 * @domain: the domain attached
 * @handle_group: called by the handler, answers or keeps the group
 * @code: what answer_at_once() answers
 * @groups: number of groups so far
 * @faults: requests of the last group
 * @count: number of @faults
 * @kept: the group that keep_group() kept
 * @arrived: completed when a group is kept
 * @wq: where answer_later() answers
 */
struct sim_pager {
	struct kunit *test;
	struct iommu_attach_handle handle;
	struct device *dev;
	struct iommu_domain *domain;
	int (*handle_group)(struct sim_pager *pager, struct iopf_group *group);
	enum iommu_page_response_code code;
	unsigned int groups;

	struct iommu_fault faults[MAX_GROUP];
	unsigned int count;

	struct iopf_group *kept;
	struct completion arrived;

	struct workqueue_struct *wq;
};

static int handle_group(struct iopf_group *group)
{
	struct sim_pager *pager = container_of(group->attach_handle, struct sim_pager, handle);
	struct iopf_fault *fault;

	pager->groups++;
	pager->count = 0;
	list_for_each_entry(fault, &group->faults, list) {
		if (pager->count < MAX_GROUP)
			pager->faults[pager->count++] = fault->fault;
	}
	return pager->handle_group(pager, group);
}

static void answer_group(struct iopf_group *group, enum iommu_page_response_code code)
{
	iopf_group_response(group, code);
	iopf_free_group(group);
}

static int answer_at_once(struct sim_pager *pager, struct iopf_group *group)
{
	answer_group(group, pager->code);
	return 0;
}

static int map_and_answer(struct sim_pager *pager, struct iopf_group *group)
{
	bool mapped = !map_range(pager->domain, pager->faults[0].prm.addr,
				 page_phys(pager->test, 0), SZ_4K);

	answer_group(group, mapped ? IOMMU_PAGE_RESP_SUCCESS : IOMMU_PAGE_RESP_INVALID);
	return 0;
}

/*
 * iopf_group_dequeue() takes a group out of the core's list, as a handler does that answers later;
 * otherwise the core frees it.
 */
static int keep_group(struct sim_pager *pager, struct iopf_group *group)
{
	iopf_group_dequeue(group);
	pager->kept = group;
	complete(&pager->arrived);
	return 0;
}

/* keep_listed() leaves it to the core to answer when the device goes. */
static int keep_listed(struct sim_pager *pager, struct iopf_group *group)
{
	complete(&pager->arrived);
	return 0;
}

static int refuse_group(struct sim_pager *pager, struct iopf_group *group)
{
	return -EBUSY;
}

static void attach_pager(struct sim_pager *pager)
{
	KUNIT_ASSERT_EQ(pager->test, iommu_attach_device_pasid(pager->domain, pager->dev, PASID,
							       &pager->handle), 0);
}

static void detach_pager(struct sim_pager *pager)
{
	iommu_detach_device_pasid(pager->domain, pager->dev, PASID);
}

static struct iommusim *new_paging_sim(struct kunit *test)
{
	struct iommusim_config config = {
		.max_pasids = 8,
		.features = IOMMUSIM_PAGE_REQUESTS,
	};

	if (!IS_ENABLED(CONFIG_IOMMU_IOPF))
		kunit_skip(test, "the kernel has no page requests");
	return new_sim(test, &config);
}

static struct sim_pager *new_pager(struct kunit *test,
				   int (*handle)(struct sim_pager *pager, struct iopf_group *group))
{
	struct sim_pager *pager = kunit_kzalloc(test, sizeof(*pager), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, pager);
	pager->test = test;
	pager->handle_group = handle;
	pager->dev = new_device(test, new_paging_sim(test), NULL);
	pager->domain = new_domain(test, pager->dev);
	pager->domain->iopf_handler = handle_group;
	init_completion(&pager->arrived);
	return pager;
}

static struct iommusim *sim_of(struct kunit *test)
{
	struct sim_fixture *fixture = test->priv;

	return fixture->sims[0];
}

/* Return: enum iommusim_fault_reason of a one-byte access that asks for its page */
static int probe_asking(struct sim_pager *pager, u32 pasid, u64 address, bool write)
{
	struct iommusim_fault fault = { .reason = IOMMUSIM_OK };
	u8 byte = 0x5a;

	if (write)
		iommusim_dma_write_prq(pager->dev, pasid, address, &byte, 1, &fault);
	else
		iommusim_dma_read_prq(pager->dev, pasid, address, &byte, 1, &fault);
	return fault.reason;
}

static void page_is_asked_for(struct kunit *test)
{
	struct sim_pager *pager = new_pager(test, map_and_answer);

	attach_pager(pager);
	/* iommusim_dma_write() never asks for a page. */
	KUNIT_EXPECT_EQ(test, probe_pasid(pager->dev, PASID, IOVA, true),
			IOMMUSIM_FAULT_NOT_PRESENT);
	KUNIT_EXPECT_EQ(test, pager->groups, 0U);

	KUNIT_EXPECT_EQ(test, probe_asking(pager, PASID, IOVA + 9, true), IOMMUSIM_OK);
	KUNIT_EXPECT_EQ(test, page_data(test, 0)[9], 0x5a);
	KUNIT_EXPECT_EQ(test, pager->groups, 1U);
	KUNIT_EXPECT_EQ(test, pager->faults[0].prm.addr, (u64)IOVA);
	KUNIT_EXPECT_EQ(test, pager->faults[0].prm.pasid, (u32)PASID);
	KUNIT_EXPECT_EQ(test, pager->faults[0].prm.perm, (u32)IOMMU_FAULT_PERM_WRITE);
	KUNIT_EXPECT_EQ(test, pager->faults[0].prm.flags,
			(u32)(IOMMU_FAULT_PAGE_REQUEST_PASID_VALID |
			      IOMMU_FAULT_PAGE_REQUEST_LAST_PAGE));

	/* iommusim_dma_read_prq() does not ask for a page that is mapped. */
	KUNIT_EXPECT_EQ(test, probe_asking(pager, PASID, IOVA, false), IOMMUSIM_OK);
	KUNIT_EXPECT_EQ(test, pager->groups, 1U);
	KUNIT_EXPECT_EQ(test, stats_of(sim_of(test)).page_requests, 1ULL);
	KUNIT_EXPECT_EQ(test, stats_of(sim_of(test)).unanswered, 0ULL);

	/* IOMMUSIM_FAULT_ADDRESS_SIZE: no DMA asks for an address that no table can hold. */
	KUNIT_EXPECT_EQ(test, probe_asking(pager, PASID, BIT_ULL(48), false),
			IOMMUSIM_FAULT_ADDRESS_SIZE);
	KUNIT_EXPECT_EQ(test, pager->groups, 1U);
	detach_pager(pager);
}

static void permission_is_asked_for(struct kunit *test)
{
	struct sim_pager *pager = new_pager(test, answer_at_once);

	pager->code = IOMMU_PAGE_RESP_INVALID;
	attach_pager(pager);
	KUNIT_ASSERT_EQ(test, iommu_map(pager->domain, IOVA, page_phys(test, 0), SZ_4K, IOMMU_READ,
					GFP_KERNEL), 0);
	KUNIT_EXPECT_EQ(test, probe_asking(pager, PASID, IOVA, true), IOMMUSIM_FAULT_PAGE_REQUEST);
	KUNIT_EXPECT_EQ(test, pager->groups, 1U);
	detach_pager(pager);
}

static void request_without_pasid(struct kunit *test)
{
	struct sim_pager *pager = new_pager(test, map_and_answer);

	KUNIT_ASSERT_EQ(test, iommu_attach_group_handle(pager->domain, pager->dev->iommu_group,
							&pager->handle), 0);
	KUNIT_EXPECT_EQ(test, probe_asking(pager, IOMMUSIM_NO_PASID, IOVA, false), IOMMUSIM_OK);
	KUNIT_EXPECT_EQ(test, pager->groups, 1U);
	KUNIT_EXPECT_EQ(test, pager->faults[0].prm.perm, (u32)IOMMU_FAULT_PERM_READ);
	KUNIT_EXPECT_EQ(test, pager->faults[0].prm.flags, (u32)IOMMU_FAULT_PAGE_REQUEST_LAST_PAGE);
	iommu_detach_group_handle(pager->domain, pager->dev->iommu_group);
}

struct sim_refusal {
	const char *name;
	int (*handle)(struct sim_pager *pager, struct iopf_group *group);
	enum iommu_page_response_code code;
};

static const struct sim_refusal refusals[] = {
	{ "invalid", answer_at_once, IOMMU_PAGE_RESP_INVALID },
	{ "failure", answer_at_once, IOMMU_PAGE_RESP_FAILURE },
	{ "handler fails", refuse_group, IOMMU_PAGE_RESP_FAILURE },
};
KUNIT_ARRAY_PARAM_DESC(refusal, refusals, name);

static int count_fault(struct iommu_domain *domain, struct device *dev, unsigned long iova,
		       int flags, void *token)
{
	++*(unsigned int *)token;
	return 0;
}

static void refused_request(struct kunit *test)
{
	const struct sim_refusal *refusal = test->param_value;
	struct sim_pager *pager = new_pager(test, refusal->handle);
	enum iommu_page_response_code code;
	unsigned int reported = 0;
	u64 address = IOVA;

	iommu_set_fault_handler(pager->domain, count_fault, &reported);
	pager->code = refusal->code;
	attach_pager(pager);
	KUNIT_EXPECT_EQ(test, probe_asking(pager, PASID, IOVA, true), IOMMUSIM_FAULT_PAGE_REQUEST);
	KUNIT_EXPECT_EQ(test, pager->groups, 1U);
	/* report_iommu_fault() is not called, because the device was told. */
	KUNIT_EXPECT_EQ(test, reported, 0U);
	KUNIT_ASSERT_EQ(test, iommusim_page_request(pager->dev, PASID, &address, 1,
						    IOMMU_FAULT_PERM_READ, &code), 0);
	KUNIT_EXPECT_EQ(test, (int)code, (int)refusal->code);
	detach_pager(pager);
}

/* IOMMU_PAGE_RESP_SUCCESS and still no page: the device gives up after 8 requests. */
static void empty_promises(struct kunit *test)
{
	struct sim_pager *pager = new_pager(test, answer_at_once);
	unsigned int reported = 0;

	iommu_set_fault_handler(pager->domain, count_fault, &reported);
	pager->code = IOMMU_PAGE_RESP_SUCCESS;
	attach_pager(pager);
	KUNIT_EXPECT_EQ(test, probe_asking(pager, PASID, IOVA, true), IOMMUSIM_FAULT_NOT_PRESENT);
	KUNIT_EXPECT_EQ(test, pager->groups, 8U);
	KUNIT_EXPECT_EQ(test, reported, 1U);
	detach_pager(pager);
}

static void group_of_requests(struct kunit *test)
{
	const u64 addresses[] = { IOVA + SZ_2M + 5, IOVA, IOVA + SZ_4K };
	const u32 perm = IOMMU_FAULT_PERM_READ | IOMMU_FAULT_PERM_WRITE | IOMMU_FAULT_PERM_EXEC |
			 IOMMU_FAULT_PERM_PRIV;
	struct sim_pager *pager = new_pager(test, answer_at_once);
	enum iommu_page_response_code code = IOMMU_PAGE_RESP_FAILURE;
	unsigned int i, last = 0;
	u64 sum = 0;

	pager->code = IOMMU_PAGE_RESP_SUCCESS;
	attach_pager(pager);
	KUNIT_ASSERT_EQ(test, iommusim_page_request(pager->dev, PASID, addresses, 3, perm, &code),
			0);
	KUNIT_EXPECT_EQ(test, (int)code, (int)IOMMU_PAGE_RESP_SUCCESS);
	KUNIT_EXPECT_EQ(test, pager->groups, 1U);
	KUNIT_ASSERT_EQ(test, pager->count, 3U);
	for (i = 0; i < 3; i++) {
		const struct iommu_fault_page_request *prm = &pager->faults[i].prm;

		KUNIT_EXPECT_EQ(test, prm->grpid, pager->faults[0].prm.grpid);
		KUNIT_EXPECT_EQ(test, prm->perm, perm);
		KUNIT_EXPECT_TRUE(test, prm->flags & IOMMU_FAULT_PAGE_REQUEST_PASID_VALID);
		if (prm->flags & IOMMU_FAULT_PAGE_REQUEST_LAST_PAGE) {
			last++;
			KUNIT_EXPECT_EQ(test, prm->addr, (u64)IOVA + SZ_4K);
		}
		sum += prm->addr;
	}
	KUNIT_EXPECT_EQ(test, last, 1U);
	KUNIT_EXPECT_EQ(test, sum, 3 * (u64)IOVA + SZ_2M + SZ_4K);
	KUNIT_EXPECT_EQ(test, stats_of(sim_of(test)).page_requests, 1ULL);
	detach_pager(pager);
}

static int request_page(struct sim_pager *pager, u32 pasid)
{
	enum iommu_page_response_code code;
	u64 address = IOVA;

	return iommusim_page_request(pager->dev, pasid, &address, 1, IOMMU_FAULT_PERM_READ, &code);
}

static void nobody_to_ask(struct kunit *test)
{
	struct sim_pager *pager = new_pager(test, answer_at_once);
	struct iommusim_config config = { .max_pasids = 8 };
	struct device *plain = new_device(test, new_sim(test, &config), NULL);
	enum iommu_page_response_code code;
	struct device *dev = pager->dev;
	u64 address = IOVA;

	KUNIT_EXPECT_EQ(test, request_page(pager, PASID), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, request_page(pager, IOMMUSIM_NO_PASID), -EOPNOTSUPP);
	attach_pager(pager);
	KUNIT_EXPECT_EQ(test, request_page(pager, PASID), 0);
	KUNIT_EXPECT_EQ(test, request_page(pager, PASID + 1), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, iommusim_page_request(dev, PASID, &address, 0, IOMMU_FAULT_PERM_READ,
						    &code), -EINVAL);
	KUNIT_EXPECT_EQ(test, iommusim_page_request(&platform_bus, PASID, &address, 1,
						    IOMMU_FAULT_PERM_READ, &code), -ENODEV);
	detach_pager(pager);
	KUNIT_EXPECT_EQ(test, request_page(pager, PASID), -EOPNOTSUPP);

	/* Without iopf_handler the access is a plain fault. */
	pager->domain->iopf_handler = NULL;
	attach_pager(pager);
	KUNIT_EXPECT_EQ(test, request_page(pager, PASID), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, probe_asking(pager, PASID, IOVA, true), IOMMUSIM_FAULT_NOT_PRESENT);
	detach_pager(pager);

	/* @plain is a device that cannot ask. */
	KUNIT_EXPECT_NOT_NULL(test, rcu_access_pointer(dev->iommu->fault_param));
	KUNIT_EXPECT_NULL(test, rcu_access_pointer(plain->iommu->fault_param));
	pager->domain->iopf_handler = handle_group;
	pager->dev = plain;
	attach_pager(pager);
	KUNIT_EXPECT_EQ(test, request_page(pager, PASID), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, probe_asking(pager, PASID, IOVA, true), IOMMUSIM_FAULT_NOT_PRESENT);
	detach_pager(pager);
	KUNIT_EXPECT_EQ(test, pager->groups, 1U);

	/* @dev is gone, but still referenced. */
	pager->dev = get_device(dev);
	destroy_device(test, dev);
	KUNIT_EXPECT_EQ(test, request_page(pager, PASID), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, probe_asking(pager, PASID, IOVA, true), IOMMUSIM_FAULT_PASID);
	put_device(dev);
}

/*
 * iommu_attach_device_pasid() without a handle: the core has nowhere to pass a request to, and says
 * no.
 */
static void no_handle(struct kunit *test)
{
	const u64 addresses[] = { IOVA, IOVA + SZ_4K };
	struct sim_pager *pager = new_pager(test, answer_at_once);
	enum iommu_page_response_code code = IOMMU_PAGE_RESP_SUCCESS;

	KUNIT_ASSERT_EQ(test, iommu_attach_device_pasid(pager->domain, pager->dev, PASID, NULL), 0);
	KUNIT_EXPECT_EQ(test, iommusim_page_request(pager->dev, PASID, addresses, 2,
						    IOMMU_FAULT_PERM_READ, &code), 0);
	KUNIT_EXPECT_EQ(test, (int)code, (int)IOMMU_PAGE_RESP_INVALID);
	KUNIT_EXPECT_EQ(test, probe_asking(pager, PASID, IOVA, true), IOMMUSIM_FAULT_PAGE_REQUEST);
	detach_pager(pager);
}

/* struct sim_asker - a thread that waits for an answer */
struct sim_asker {
	struct sim_pager *pager;
	struct task_struct *task;
	bool dma;
	int result;
};

static int run_asker(void *arg)
{
	struct sim_asker *asker = arg;

	asker->result = asker->dma ? probe_asking(asker->pager, PASID, IOVA, true) :
				     request_page(asker->pager, PASID);
	return 0;
}

static void start_asker(struct sim_asker *asker)
{
	asker->task = kthread_create(run_asker, asker, "iommusim_kunit/ask");
	KUNIT_ASSERT_FALSE(asker->pager->test, IS_ERR(asker->task));
	get_task_struct(asker->task);
	wake_up_process(asker->task);
	wait_for_completion(&asker->pager->arrived);
}

static int finish_asker(struct sim_asker *asker)
{
	kthread_stop(asker->task);
	put_task_struct(asker->task);
	return asker->result;
}

static void late_answer(struct kunit *test)
{
	struct sim_pager *pager = new_pager(test, keep_group);
	struct sim_asker asker = { .pager = pager };

	attach_pager(pager);
	start_asker(&asker);
	KUNIT_EXPECT_EQ(test, stats_of(sim_of(test)).unanswered, 1ULL);
	answer_group(pager->kept, IOMMU_PAGE_RESP_INVALID);
	KUNIT_EXPECT_EQ(test, finish_asker(&asker), 0);
	KUNIT_EXPECT_EQ(test, stats_of(sim_of(test)).unanswered, 0ULL);
	detach_pager(pager);
}

static void detach_ends_wait(struct kunit *test)
{
	struct sim_pager *pager = new_pager(test, keep_group);
	struct sim_asker dma = { .pager = pager, .dma = true };
	struct sim_asker group = { .pager = pager };

	attach_pager(pager);
	start_asker(&dma);
	detach_pager(pager);
	KUNIT_EXPECT_EQ(test, finish_asker(&dma), IOMMUSIM_FAULT_PASID);
	KUNIT_EXPECT_EQ(test, stats_of(sim_of(test)).unanswered, 1ULL);
	answer_group(pager->kept, IOMMU_PAGE_RESP_SUCCESS);
	KUNIT_EXPECT_EQ(test, stats_of(sim_of(test)).unanswered, 0ULL);

	attach_pager(pager);
	start_asker(&group);
	detach_pager(pager);
	KUNIT_EXPECT_EQ(test, finish_asker(&group), -ECANCELED);
	answer_group(pager->kept, IOMMU_PAGE_RESP_SUCCESS);
}

/*
 * iopf_queue_remove_device() answers and frees what is still in the core's list when the device
 * goes.
 */
static void removal_answers(struct kunit *test)
{
	struct sim_pager *pager = new_pager(test, keep_listed);
	struct sim_asker asker = { .pager = pager };

	attach_pager(pager);
	start_asker(&asker);
	detach_pager(pager);
	KUNIT_EXPECT_EQ(test, stats_of(sim_of(test)).unanswered, 1ULL);
	destroy_device(test, pager->dev);
	KUNIT_EXPECT_EQ(test, stats_of(sim_of(test)).unanswered, 0ULL);
	KUNIT_EXPECT_EQ(test, finish_asker(&asker), -ECANCELED);
}

static void forgotten_answer(struct kunit *test)
{
	struct sim_pager *pager = new_pager(test, keep_group);
	struct sim_asker asker = { .pager = pager };

	attach_pager(pager);
	start_asker(&asker);
	detach_pager(pager);
	kunit_warning_suppress(test) {
		destroy_device(test, pager->dev);
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 1);
	}
	KUNIT_EXPECT_EQ(test, stats_of(sim_of(test)).unanswered, 0ULL);
	KUNIT_EXPECT_EQ(test, finish_asker(&asker), -ECANCELED);
	iopf_free_group(pager->kept);
}

static void wrong_answers(struct kunit *test)
{
	struct sim_pager *pager = new_pager(test, keep_group);
	const struct iommu_ops *ops = pager->dev->iommu->iommu_dev->ops;
	struct sim_asker asker = { .pager = pager };
	struct iommu_page_response response = { .code = IOMMU_PAGE_RESP_SUCCESS };
	struct iopf_fault *fault;

	attach_pager(pager);
	start_asker(&asker);
	fault = &pager->kept->last_fault;
	response.grpid = fault->fault.prm.grpid;
	kunit_warning_suppress(test) {
		response.pasid = PASID + 1;
		ops->page_response(pager->dev, fault, &response);
		response.pasid = PASID;
		response.grpid++;
		ops->page_response(pager->dev, fault, &response);
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 2);
	}
	KUNIT_EXPECT_EQ(test, stats_of(sim_of(test)).unanswered, 1ULL);
	iopf_group_response(pager->kept, IOMMU_PAGE_RESP_SUCCESS);
	KUNIT_EXPECT_EQ(test, finish_asker(&asker), 0);
	kunit_warning_suppress(test) {
		iopf_group_response(pager->kept, IOMMU_PAGE_RESP_SUCCESS);
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 1);
	}
	iopf_free_group(pager->kept);
	detach_pager(pager);
}

static void answer_from_worker(struct work_struct *work)
{
	struct iopf_group *group = container_of(work, struct iopf_group, work);

	answer_group(group, IOMMU_PAGE_RESP_INVALID);
}

static int answer_later(struct sim_pager *pager, struct iopf_group *group)
{
	iopf_group_dequeue(group);
	INIT_WORK(&group->work, answer_from_worker);
	queue_work(pager->wq, &group->work);
	return 0;
}

static int ask_on(void *arg)
{
	struct sim_asker *asker = arg;

	while (!kthread_should_stop()) {
		int reason = probe_asking(asker->pager, PASID, IOVA, true);

		if (reason != IOMMUSIM_FAULT_PAGE_REQUEST && reason != IOMMUSIM_FAULT_PASID)
			asker->result++;
		cond_resched();
	}
	return 0;
}

#define ASKERS	2
#define ROUNDS	40

/*
 * ask_on() threads ask, workers answer, PASID is detached and at last the device removed, in
 * whatever order they happen to meet.
 */
static void race_with_detach(struct kunit *test)
{
	struct sim_pager *pager = new_pager(test, answer_later);
	struct sim_asker askers[ASKERS];
	unsigned int i, round;

	pager->wq = alloc_workqueue("iommusim_kunit", WQ_UNBOUND, 0);
	KUNIT_ASSERT_NOT_NULL(test, pager->wq);
	get_device(pager->dev);
	for (i = 0; i < ASKERS; i++) {
		askers[i] = (struct sim_asker){ .pager = pager };
		askers[i].task = kthread_run(ask_on, &askers[i], "iommusim_kunit/ask%u", i);
		KUNIT_EXPECT_FALSE(test, IS_ERR(askers[i].task));
	}
	for (round = 0; round < ROUNDS; round++) {
		u64 groups = stats_of(sim_of(test)).page_requests;

		if (iommu_attach_device_pasid(pager->domain, pager->dev, PASID, &pager->handle)) {
			KUNIT_FAIL(test, "no attach");
			break;
		}
		while (stats_of(sim_of(test)).page_requests == groups)
			cond_resched();
		detach_pager(pager);
	}
	/* destroy_workqueue() first, because answers must come before the device goes. */
	destroy_workqueue(pager->wq);
	KUNIT_EXPECT_EQ(test, stats_of(sim_of(test)).unanswered, 0ULL);
	destroy_device(test, pager->dev);
	for (i = 0; i < ASKERS; i++) {
		if (IS_ERR(askers[i].task))
			continue;
		kthread_stop(askers[i].task);
		KUNIT_EXPECT_EQ(test, askers[i].result, 0);
	}
	put_device(pager->dev);
}

static void bad_features(struct kunit *test)
{
	struct iommusim_config unknown = { .features = BIT(2) };
	struct iommusim_config requests = { .features = IOMMUSIM_PAGE_REQUESTS };
	struct iommusim_config both = {
		.quirks = IOMMUSIM_SIGN_EXTEND | IOMMUSIM_LATE_GEOMETRY,
	};

	KUNIT_EXPECT_EQ(test, PTR_ERR(iommusim_create(&unknown)), (long)-EINVAL);
	KUNIT_EXPECT_EQ(test, PTR_ERR(iommusim_create(&both)), (long)-EINVAL);
	if (!IS_ENABLED(CONFIG_IOMMU_IOPF))
		KUNIT_EXPECT_EQ(test, PTR_ERR(iommusim_create(&requests)), (long)-EOPNOTSUPP);
}

static struct kunit_case iommusim_request_cases[] = {
	KUNIT_CASE(page_is_asked_for),
	KUNIT_CASE(permission_is_asked_for),
	KUNIT_CASE(request_without_pasid),
	KUNIT_CASE_PARAM(refused_request, refusal_gen_params),
	KUNIT_CASE(empty_promises),
	KUNIT_CASE(group_of_requests),
	KUNIT_CASE(nobody_to_ask),
	KUNIT_CASE(no_handle),
	KUNIT_CASE(late_answer),
	KUNIT_CASE(detach_ends_wait),
	KUNIT_CASE(removal_answers),
	KUNIT_CASE(forgotten_answer),
	KUNIT_CASE(wrong_answers),
	KUNIT_CASE(race_with_detach),
	KUNIT_CASE(bad_features),
	{}
};

static struct kunit_suite iommusim_request_suite = {
	.name = "iommusim_requests",
	.init = init_fixture,
	.exit = exit_fixture,
	.test_cases = iommusim_request_cases,
};
kunit_test_suite(iommusim_request_suite);

V3C_IMPORT_NS(IOMMUFD_INTERNAL);
