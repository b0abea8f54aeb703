// SPDX-License-Identifier: GPL-2.0
/*
 * Page requests that a handler answers later, by a cookie, and who else may answer them meanwhile.
 * Windows' handlers have no such call, so the handlers here are the core's own.
 */
#include <linux/atomic.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/module.h>
#include <linux/slab.h>

#include <kcompat.h>

#include "base/owner.h"
#include "core/create.h"
#include "core/device.h"
#include "core/fault.h"
#include "core/reclaim.h"
#include "core/report.h"
#include "fixture.h"
#include "thread.h"

V3C_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
V3C_IMPORT_NS(V3COMPAT_TEST);

#define QUEUE		V3C_FAULT_QUEUE
#define PATIENCE	(20 * HZ)
#define ROUNDS		60

#define ALLOWED		IOMMU_PAGE_RESP_SUCCESS
#define REFUSED		IOMMU_PAGE_RESP_INVALID

/* What one call of the handler was told. */
struct heard {
	enum v3c_fault_kind kind;
	u64 address;
	u64 cookie;
	bool more;
};

/**
 * struct late - a device that makes page requests, and a handler that lets them wait
 * @test: the case
 * @sim: its IOMMU
 * @pdo: the device
 * @device: its DMA device
 * @domain: what @sub is attached to
 * @sub: the sub-device that asks
 * @pasid: its number
 * @handler: the handler
 * @later: bit n: what the handler says of the request that it hears of as number n
 * @inside: called from inside each call, or NULL
 * @given: what @inside got for an answer that it gave
 * @lock: protects @count
 * @changed: woken when @count grows
 * @count: calls that began
 * @heard: what the first ones were told
 */
struct late {
	struct kunit *test;
	struct iommusim *sim;
	struct device *pdo;
	PIOMMU_DMA_DEVICE device;
	PIOMMU_DMA_DOMAIN domain;
	PIOMMU_DMA_PASID_DEVICE sub;
	ULONG pasid;
	struct v3c_fault_handler handler;
	u64 later;
	void (*inside)(struct late *late, const struct heard *heard);
	enum v3c_reason given;
	spinlock_t lock;
	wait_queue_head_t changed;
	unsigned int count;
	struct heard heard[2 * QUEUE];
};

static enum v3c_reason answer(struct late *late, u64 cookie, bool allow)
{
	struct v3c_why why = { .reason = V3C_REASON_NONE };
	enum v3c_reason reason;

	reason = v3c_report_answer((struct v3c_device *)late->device, cookie, allow, &why);
	KUNIT_EXPECT_EQ(late->test, (int)reason, (int)why.reason);
	return reason;
}

static void expect_answer(struct late *late, u64 cookie, bool allow, enum v3c_reason reason)
{
	KUNIT_EXPECT_EQ(late->test, (int)answer(late, cookie, allow), (int)reason);
}

static enum v3c_fault_verdict tell(const struct v3c_fault_handler *handler,
				   const struct v3c_fault_report *report)
{
	struct late *late = handler->context;
	struct heard heard = {
		.kind = report->record->kind,
		.address = report->record->address,
		.cookie = report->cookie,
		.more = report->more,
	};
	unsigned int n;

	scoped_guard(spinlock_irqsave, &late->lock) {
		n = late->count;
		if (n < ARRAY_SIZE(late->heard))
			late->heard[n] = heard;
		/* Pairs with wait_told(), after which the case looks at @heard. */
		smp_store_release(&late->count, n + 1);
	}
	wake_up_all(&late->changed);
	if (late->inside)
		late->inside(late, &heard);
	return late->later >> min(n, 63) & 1 ? V3C_FAULT_LATER : V3C_FAULT_AT_RETURN;
}

static enum v3c_reason report_faults(struct late *late, bool enable)
{
	struct v3c_why why;

	return v3c_report_faults((struct v3c_device *)late->device, 0, enable, &late->handler,
				 &why);
}

static void enable(struct late *late)
{
	KUNIT_EXPECT_EQ(late->test, 0, (int)report_faults(late, true));
}

static void disable(struct late *late)
{
	KUNIT_EXPECT_EQ(late->test, 0, (int)report_faults(late, false));
}

static void init_late(struct kunit *test, struct late *late)
{
	static const struct iommusim_config asking = {
		.max_pasids = 64, .features = IOMMUSIM_PAGE_REQUESTS,
	};

	late->test = test;
	late->sim = v3t_sim(test, &asking);
	late->pdo = v3t_pdo(test, late->sim, NULL);
	late->handler.tell = tell;
	late->handler.context = late;
	late->later = U64_MAX;
	spin_lock_init(&late->lock);
	init_waitqueue_head(&late->changed);
}

/* A reporting device, of which the handler lets every request wait. */
static struct late *new_late(struct kunit *test)
{
	struct late *late = kunit_kzalloc(test, sizeof(*late), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, late);
	init_late(test, late);
	late->device = v3t_tagged_device(test, late->pdo);
	late->domain = v3t_explicit(test);
	late->sub = v3t_sub_device(test, late->device, &late->pasid);
	v3t_attach_pasid(test, late->domain, late->sub);
	enable(late);
	return late;
}

static u64 unanswered(struct late *late)
{
	return v3t_stats(late->sim).unanswered;
}

static void map_at(struct late *late, u64 address)
{
	v3t_map_at(late->test, late->domain, v3t_of_page(v3t_pages(late->test, 0)), address);
}

#define GROUP	3

/* A group of requests on a thread of its own. */
struct request {
	struct late *late;
	u64 pages[GROUP];
	unsigned int count;
	struct v3t_thread thread;
};

static int run_request(void *arg)
{
	struct request *request = arg;
	enum iommu_page_response_code response;
	int ret = iommusim_page_request(request->late->pdo, request->late->pasid, request->pages,
					request->count, IOMMU_FAULT_PERM_WRITE, &response);

	return ret ? ret : response;
}

static void start_group(struct late *late, struct request *request, const u64 *pages,
			unsigned int count)
{
	request->late = late;
	request->count = count;
	memcpy(request->pages, pages, count * sizeof(*pages));
	v3t_thread_start(&request->thread, run_request, request);
}

static void start(struct late *late, struct request *request, u64 address)
{
	start_group(late, request, &address, 1);
}

/* A case that goes wrong ends, too. */
static int join(struct request *request)
{
	struct late *late = request->late;

	if (!IS_ERR(request->thread.task) &&
	    !wait_for_completion_timeout(&request->thread.done, PATIENCE)) {
		KUNIT_FAIL(late->test, "no answer\n");
		V3T_V3(late->test)->DetachPasidDevice(late->sub);
	}
	return v3t_thread_join(&request->thread);
}

static void wait_told(struct late *late, unsigned int count)
{
	/* Acquire: tell() fills @heard before it counts. */
	wait_event_timeout(late->changed, smp_load_acquire(&late->count) >= count, PATIENCE);
	KUNIT_EXPECT_EQ(late->test, READ_ONCE(late->count), count);
}

/* The group of the call that began last is out of the worker's hands. */
static void wait_deferred(struct late *late, unsigned int count)
{
	struct v3c_reporter *reporter = &((struct v3c_device *)late->device)->reporter;
	unsigned int i;

	for (i = 0; i < 1000 && READ_ONCE(reporter->nr_deferred) != count; i++)
		msleep(20);
	KUNIT_EXPECT_EQ(late->test, READ_ONCE(reporter->nr_deferred), count);
}

/* One request that is deferred. */
static u64 defer_one(struct late *late, struct request *request, u64 address)
{
	unsigned int n = READ_ONCE(late->count);

	start(late, request, address);
	wait_told(late, n + 1);
	wait_deferred(late, 1);
	return late->heard[n].cookie;
}

static void answers_when_it_is_mapped(struct kunit *test)
{
	struct late *late = new_late(test);
	struct request request;
	u64 cookie = defer_one(late, &request, SZ_1M);

	KUNIT_EXPECT_NE(test, cookie, 0);
	KUNIT_EXPECT_EQ(test, late->heard[0].kind, V3C_FAULT_PAGE_REQUEST);
	KUNIT_EXPECT_EQ(test, late->heard[0].address, SZ_1M);
	KUNIT_EXPECT_FALSE(test, late->heard[0].more);
	KUNIT_EXPECT_EQ(test, unanswered(late), 1);
	map_at(late, SZ_1M);
	expect_answer(late, cookie, true, V3C_REASON_NONE);
	KUNIT_EXPECT_EQ(test, join(&request), ALLOWED);
	KUNIT_EXPECT_EQ(test, unanswered(late), 0);
}

static void refuses_what_is_mapped(struct kunit *test)
{
	struct late *late = new_late(test);
	struct request request;
	u64 cookie = defer_one(late, &request, SZ_1M);

	map_at(late, SZ_1M);
	expect_answer(late, cookie, false, V3C_REASON_NONE);
	KUNIT_EXPECT_EQ(test, join(&request), REFUSED);
}

static void allows_nothing_that_is_not_mapped(struct kunit *test)
{
	static const u64 pages[] = { SZ_1M, SZ_2M, SZ_4M };
	IOMMU_DMA_LOGICAL_ADDRESS at = SZ_2M, got;
	struct late *late = new_late(test);
	IOMMU_MAP_PHYSICAL_ADDRESS what = v3t_of_page(v3t_pages(test, 0));
	struct request request;
	struct v3c_why why;

	start_group(late, &request, pages, 3);
	wait_told(late, 3);
	map_at(late, SZ_1M);
	map_at(late, SZ_4M);
	/* It was a write. */
	ASSERT_V3(test, STATUS_SUCCESS, MapLogicalRangeEx, late->domain, V3T_READ, &what, &at,
		  NULL, NULL, &got);
	KUNIT_EXPECT_EQ(test, (int)v3c_report_answer((struct v3c_device *)late->device,
						     late->heard[0].cookie, true, &why),
			(int)V3C_REASON_NOT_MAPPED);
	KUNIT_EXPECT_EQ(test, (int)why.param, (int)V3C_PARAM_ADDRESS);
	KUNIT_EXPECT_EQ(test, why.first, SZ_2M);
	KUNIT_EXPECT_EQ(test, why.last, SZ_2M + SZ_4K - 1);
	KUNIT_EXPECT_EQ(test, join(&request), REFUSED);
	expect_answer(late, late->heard[0].cookie, true, V3C_REASON_BAD_HANDLE);
}

static void answers_once(struct kunit *test)
{
	struct late *late = new_late(test), *other = new_late(test);
	struct request request, second;
	u64 cookie = defer_one(late, &request, SZ_1M), next;

	map_at(late, SZ_1M);
	expect_answer(late, 0, true, V3C_REASON_BAD_HANDLE);
	expect_answer(late, cookie + 1, true, V3C_REASON_BAD_HANDLE);
	expect_answer(other, cookie, true, V3C_REASON_BAD_HANDLE);
	KUNIT_EXPECT_EQ(test, unanswered(late), 1);
	expect_answer(late, cookie, true, V3C_REASON_NONE);
	KUNIT_EXPECT_EQ(test, join(&request), ALLOWED);

	next = defer_one(late, &second, SZ_1M);
	KUNIT_EXPECT_NE(test, next, cookie);
	expect_answer(late, cookie, false, V3C_REASON_BAD_HANDLE);
	KUNIT_EXPECT_EQ(test, unanswered(late), 1);
	expect_answer(late, next, true, V3C_REASON_NONE);
	KUNIT_EXPECT_EQ(test, join(&second), ALLOWED);
}

static void at_return_the_cookie_is_gone(struct kunit *test)
{
	struct late *late = new_late(test);
	struct request request;

	late->later = 0;
	map_at(late, SZ_1M);
	start(late, &request, SZ_1M);
	KUNIT_EXPECT_EQ(test, join(&request), ALLOWED);
	expect_answer(late, late->heard[0].cookie, false, V3C_REASON_BAD_HANDLE);
}

static void answer_inside(struct late *late, const struct heard *heard)
{
	late->given = answer(late, heard->cookie, true);
}

/* The handler answers, and then says that it will, or that it will not. */
static void may_answer_before_it_returns(struct kunit *test)
{
	struct late *late = new_late(test);
	struct request request;
	unsigned int i;

	late->inside = answer_inside;
	map_at(late, SZ_1M);
	for (i = 0; i < 2; i++) {
		late->later = i ? 0 : U64_MAX;
		late->count = 0;
		start(late, &request, SZ_1M);
		KUNIT_EXPECT_EQ(test, join(&request), ALLOWED);
		/* Waits until the handler has returned. */
		disable(late);
		KUNIT_EXPECT_EQ(test, (int)late->given, 0);
		enable(late);
		start(late, &request, SZ_2M);
		KUNIT_EXPECT_EQ(test, join(&request), REFUSED);
		disable(late);
		KUNIT_EXPECT_EQ(test, (int)late->given, (int)V3C_REASON_NOT_MAPPED);
		KUNIT_EXPECT_EQ(test, late->count, 2);
		enable(late);
		expect_answer(late, late->heard[0].cookie, true, V3C_REASON_BAD_HANDLE);
		wait_deferred(late, 0);
	}
}

/* One call says later, and which of them does not matter. */
static void defers_a_group_as_one(struct kunit *test)
{
	static const u64 pages[] = { SZ_1M, SZ_2M, SZ_4M };
	struct late *late = new_late(test);
	struct request request;
	unsigned int i, n;

	for (i = 0; i < GROUP; i++)
		map_at(late, pages[i]);
	for (n = 0; n < GROUP; n++) {
		late->count = 0;
		late->later = BIT(n);
		start_group(late, &request, pages, GROUP);
		wait_told(late, GROUP);
		wait_deferred(late, 1);
		for (i = 0; i < GROUP; i++) {
			KUNIT_EXPECT_EQ(test, late->heard[i].address, pages[i]);
			KUNIT_EXPECT_EQ(test, late->heard[i].cookie, late->heard[0].cookie);
			KUNIT_EXPECT_EQ(test, late->heard[i].more, i < GROUP - 1);
		}
		expect_answer(late, late->heard[0].cookie, true, V3C_REASON_NONE);
		KUNIT_EXPECT_EQ(test, join(&request), ALLOWED);
	}
}

/* What it has not heard of yet it does not hear of. */
static void may_answer_in_the_middle_of_a_group(struct kunit *test)
{
	static const u64 pages[] = { SZ_1M, SZ_2M, SZ_4M };
	struct late *late = new_late(test);
	struct request request;

	late->inside = answer_inside;
	map_at(late, SZ_1M);
	start_group(late, &request, pages, GROUP);
	KUNIT_EXPECT_EQ(test, join(&request), REFUSED);
	disable(late);
	KUNIT_EXPECT_EQ(test, (int)late->given, (int)V3C_REASON_NOT_MAPPED);
	KUNIT_EXPECT_EQ(test, READ_ONCE(late->count), 1);
}

static void others_are_told_meanwhile(struct kunit *test)
{
	struct late *late = new_late(test);
	struct request first, second;
	struct iommusim_fault fault;
	u64 cookie = defer_one(late, &first, SZ_1M);
	u32 word;

	/* Refused DMA waits for no answer, whatever the handler says of it. */
	iommusim_dma_read(late->pdo, late->pasid, SZ_2M, &word, sizeof(word), &fault);
	wait_told(late, 2);
	KUNIT_EXPECT_EQ(test, late->heard[1].kind, V3C_FAULT_UNRECOVERABLE);
	KUNIT_EXPECT_EQ(test, late->heard[1].cookie, 0);
	start(late, &second, SZ_4M);
	wait_told(late, 3);
	wait_deferred(late, 2);
	expect_answer(late, late->heard[2].cookie, false, V3C_REASON_NONE);
	KUNIT_EXPECT_EQ(test, join(&second), REFUSED);
	KUNIT_EXPECT_EQ(test, unanswered(late), 1);
	expect_answer(late, cookie, false, V3C_REASON_NONE);
	KUNIT_EXPECT_EQ(test, join(&first), REFUSED);
}

static void room_counts_what_is_deferred(struct kunit *test)
{
	struct late *late = new_late(test);
	struct request *requests = kunit_kcalloc(test, QUEUE, sizeof(*requests), GFP_KERNEL);
	struct request one;
	struct v3compat_capabilities can;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, requests);
	map_at(late, SZ_4M);
	for (i = 0; i < QUEUE; i++)
		start(late, &requests[i], SZ_1M);
	wait_told(late, QUEUE);
	wait_deferred(late, QUEUE);
	start(late, &one, SZ_1M);
	KUNIT_EXPECT_EQ(test, join(&one), REFUSED);
	start(late, &one, SZ_4M);
	KUNIT_EXPECT_EQ(test, join(&one), ALLOWED);
	EXPECT_CALL(test, STATUS_SUCCESS, v3compat_query_capabilities, late->device, &can);
	KUNIT_EXPECT_EQ(test, can.faults_lost, 2);
	KUNIT_EXPECT_EQ(test, READ_ONCE(late->count), QUEUE);

	/* Each answer makes room for one. */
	expect_answer(late, late->heard[QUEUE / 2].cookie, false, V3C_REASON_NONE);
	start(late, &one, SZ_4M);
	wait_told(late, QUEUE + 1);
	wait_deferred(late, QUEUE);
	expect_answer(late, late->heard[QUEUE].cookie, true, V3C_REASON_NONE);
	KUNIT_EXPECT_EQ(test, join(&one), ALLOWED);
	for (i = 0; i < QUEUE; i++)
		if (i != QUEUE / 2)
			expect_answer(late, late->heard[i].cookie, false, V3C_REASON_NONE);
	for (i = 0; i < QUEUE; i++)
		KUNIT_EXPECT_EQ(test, join(&requests[i]), REFUSED);
	KUNIT_EXPECT_EQ(test, unanswered(late), 0);
}

static void hold_inside(struct late *late, const struct heard *heard)
{
	while (READ_ONCE(late->inside))
		msleep(20);
}

/* The last one was in the hands of the worker when the queue behind it became full. */
static void one_more_than_the_queue_is_deferred(struct kunit *test)
{
	struct late *late = new_late(test);
	struct request *requests = kunit_kcalloc(test, QUEUE + 1, sizeof(*requests), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, requests);
	late->inside = hold_inside;
	start(late, &requests[0], SZ_1M);
	wait_told(late, 1);
	for (i = 1; i <= QUEUE; i++)
		start(late, &requests[i], SZ_1M);
	for (i = 0; i < 1000 && unanswered(late) != QUEUE + 1; i++)
		msleep(20);
	WRITE_ONCE(late->inside, NULL);
	wait_told(late, QUEUE + 1);
	wait_deferred(late, QUEUE + 1);
	v3t_detach_pasid(test, late->sub);
	for (i = 0; i <= QUEUE; i++)
		KUNIT_EXPECT_EQ(test, join(&requests[i]), REFUSED);
	for (i = 0; i <= QUEUE; i++)
		expect_answer(late, late->heard[i].cookie, true, V3C_REASON_BAD_HANDLE);
	wait_deferred(late, 0);
}

static void detach_refuses_its_own(struct kunit *test)
{
	struct late *late = new_late(test);
	ULONG first = late->pasid, second;
	PIOMMU_DMA_PASID_DEVICE sub = v3t_sub_device(test, late->device, &second);
	struct request requests[2];

	v3t_attach_pasid(test, late->domain, sub);
	map_at(late, SZ_1M);
	start(late, &requests[0], SZ_1M);
	wait_told(late, 1);
	late->pasid = second;
	start(late, &requests[1], SZ_1M);
	wait_told(late, 2);
	wait_deferred(late, 2);
	v3t_detach_pasid(test, late->sub);
	KUNIT_EXPECT_EQ(test, unanswered(late), 1);
	KUNIT_EXPECT_EQ(test, join(&requests[0]), REFUSED);
	expect_answer(late, late->heard[0].cookie, true, V3C_REASON_BAD_HANDLE);
	expect_answer(late, late->heard[1].cookie, true, V3C_REASON_NONE);
	KUNIT_EXPECT_EQ(test, join(&requests[1]), ALLOWED);

	/* The next attachment of the number is another one. */
	late->pasid = first;
	v3t_attach_pasid(test, late->domain, late->sub);
	expect_answer(late, defer_one(late, &requests[0], SZ_1M), true, V3C_REASON_NONE);
	KUNIT_EXPECT_EQ(test, join(&requests[0]), ALLOWED);
}

/* An answer that is under way when somebody detaches. */
struct meeting {
	struct late *late;
	u64 cookie;
	struct v3t_thread answer, detach;
};

static int run_answer(void *arg)
{
	struct meeting *meeting = arg;

	return answer(meeting->late, meeting->cookie, false);
}

static int run_detach(void *arg)
{
	struct late *late = ((struct meeting *)arg)->late;

	return V3T_V3(late->test)->DetachPasidDevice(late->sub);
}

/* The answer needs a lock of the core. */
static void detach_waits_for_an_answer_under_way(struct kunit *test)
{
	struct late *late = new_late(test);
	struct iommu_fault_param *core = rcu_access_pointer(late->pdo->iommu->fault_param);
	struct meeting meeting = { .late = late };
	struct request request;

	meeting.cookie = defer_one(late, &request, SZ_1M);
	mutex_lock(&core->lock);
	v3t_thread_start(&meeting.answer, run_answer, &meeting);
	KUNIT_EXPECT_TRUE(test, v3t_thread_falls_asleep(&meeting.answer));
	v3t_thread_start(&meeting.detach, run_detach, &meeting);
	KUNIT_EXPECT_TRUE(test, v3t_thread_falls_asleep(&meeting.detach));
	expect_answer(late, meeting.cookie, false, V3C_REASON_BAD_HANDLE);
	mutex_unlock(&core->lock);
	KUNIT_EXPECT_EQ(test, v3t_thread_join(&meeting.answer), 0);
	KUNIT_EXPECT_EQ(test, (u32)v3t_thread_join(&meeting.detach), (u32)STATUS_SUCCESS);
	KUNIT_EXPECT_EQ(test, join(&request), REFUSED);
	KUNIT_EXPECT_EQ(test, unanswered(late), 0);
}

static unsigned long expire(struct late *late, unsigned long age)
{
	return v3c_report_expire((struct v3c_device *)late->device, age);
}

/* The older of two requests has waited too long, the other one has not. */
static void refuses_what_has_waited_too_long(struct kunit *test)
{
	struct late *late = new_late(test);
	struct request old, young;
	unsigned long left;
	u64 cookie;

	KUNIT_EXPECT_EQ(test, expire(late, 1), 0);
	map_at(late, SZ_1M);
	map_at(late, SZ_2M);
	cookie = defer_one(late, &old, SZ_1M);
	msleep(200);
	start(late, &young, SZ_2M);
	wait_told(late, 2);
	wait_deferred(late, 2);
	left = expire(late, PATIENCE);
	KUNIT_EXPECT_GT(test, left, 0);
	KUNIT_EXPECT_LT(test, left, PATIENCE);
	KUNIT_EXPECT_EQ(test, unanswered(late), 2);

	left = expire(late, PATIENCE - left);
	KUNIT_EXPECT_GT(test, left, 0);
	KUNIT_EXPECT_EQ(test, join(&old), REFUSED);
	KUNIT_EXPECT_EQ(test, unanswered(late), 1);
	expect_answer(late, cookie, true, V3C_REASON_BAD_HANDLE);
	expect_answer(late, late->heard[1].cookie, true, V3C_REASON_NONE);
	KUNIT_EXPECT_EQ(test, join(&young), ALLOWED);
	KUNIT_EXPECT_EQ(test, expire(late, 1), 0);
}

static void expire_inside(struct late *late, const struct heard *heard)
{
	/* It may be about to wait, and nobody would come back for it otherwise. */
	KUNIT_EXPECT_NE(late->test, expire(late, 0), 0);
}

static void nothing_expires_while_the_handler_hears_of_it(struct kunit *test)
{
	struct late *late = new_late(test);
	struct request request;
	u64 cookie;

	map_at(late, SZ_1M);
	late->inside = expire_inside;
	cookie = defer_one(late, &request, SZ_1M);
	KUNIT_EXPECT_EQ(test, unanswered(late), 1);
	expect_answer(late, cookie, true, V3C_REASON_NONE);
	KUNIT_EXPECT_EQ(test, join(&request), ALLOWED);
}

static void disabling_refuses_what_is_deferred(struct kunit *test)
{
	struct late *late = new_late(test);
	struct request request;
	u64 cookie;

	map_at(late, SZ_1M);
	cookie = defer_one(late, &request, SZ_1M);
	disable(late);
	KUNIT_EXPECT_EQ(test, unanswered(late), 0);
	KUNIT_EXPECT_EQ(test, join(&request), REFUSED);
	expect_answer(late, cookie, true, V3C_REASON_BAD_HANDLE);
	enable(late);
	expect_answer(late, cookie, true, V3C_REASON_BAD_HANDLE);
	expect_answer(late, defer_one(late, &request, SZ_1M), true, V3C_REASON_NONE);
	KUNIT_EXPECT_EQ(test, join(&request), ALLOWED);
}

static void disable_inside(struct late *late, const struct heard *heard)
{
	disable(late);
	expect_answer(late, heard->cookie, true, V3C_REASON_BAD_HANDLE);
	expect_answer(late, 0, true, V3C_REASON_BAD_HANDLE);
}

/* Who takes over has said nothing of what the one before wanted to answer later. */
static void take_over_inside(struct late *late, const struct heard *heard)
{
	disable(late);
	late->inside = NULL;
	enable(late);
}

static void handler_that_ended_answers_nothing_later(struct kunit *test)
{
	static const u64 pages[] = { SZ_1M, SZ_2M, SZ_4M };
	struct late *late = new_late(test);
	struct request request;
	unsigned int i;

	for (i = 0; i < GROUP; i++)
		map_at(late, pages[i]);
	late->inside = disable_inside;
	start_group(late, &request, pages, GROUP);
	KUNIT_EXPECT_EQ(test, join(&request), REFUSED);
	KUNIT_EXPECT_EQ(test, READ_ONCE(late->count), 1);
	expect_answer(late, late->heard[0].cookie, true, V3C_REASON_BAD_HANDLE);

	late->inside = NULL;
	enable(late);
	late->inside = take_over_inside;
	start_group(late, &request, pages, GROUP);
	KUNIT_EXPECT_EQ(test, join(&request), REFUSED);
	KUNIT_EXPECT_EQ(test, READ_ONCE(late->count), 2);
	wait_deferred(late, 0);

	/* Where it wanted nothing the next one goes on, under another cookie. */
	late->count = 0;
	late->later = BIT(2);
	late->inside = take_over_inside;
	start_group(late, &request, pages, GROUP);
	wait_told(late, GROUP);
	wait_deferred(late, 1);
	KUNIT_EXPECT_NE(test, late->heard[1].cookie, late->heard[0].cookie);
	KUNIT_EXPECT_EQ(test, late->heard[2].cookie, late->heard[1].cookie);
	expect_answer(late, late->heard[0].cookie, true, V3C_REASON_BAD_HANDLE);
	expect_answer(late, late->heard[1].cookie, true, V3C_REASON_NONE);
	KUNIT_EXPECT_EQ(test, join(&request), ALLOWED);
}

static void removal_refuses_what_is_deferred(struct kunit *test)
{
	struct late *late = new_late(test);
	struct request request;
	u64 cookie;

	map_at(late, SZ_1M);
	cookie = defer_one(late, &request, SZ_1M);
	get_device(late->pdo);
	v3t_unplug(test, late->pdo);
	KUNIT_EXPECT_EQ(test, unanswered(late), 0);
	KUNIT_EXPECT_EQ(test, join(&request), REFUSED);
	expect_answer(late, cookie, true, V3C_REASON_BAD_HANDLE);
	put_device(late->pdo);
}

static void nothing_is_deleted_under_it(struct kunit *test)
{
	struct late *late = new_late(test);
	struct request request;
	u64 cookie;

	map_at(late, SZ_1M);
	cookie = defer_one(late, &request, SZ_1M);
	EXPECT_V3(test, STATUS_RESOURCE_IN_USE, DeleteDomain, late->domain);
	EXPECT_V3(test, STATUS_RESOURCE_IN_USE, DeletePasidDevice, late->sub);
	EXPECT_V3(test, STATUS_RESOURCE_IN_USE, DeleteDevice, late->device);
	KUNIT_EXPECT_EQ(test, unanswered(late), 1);
	v3t_detach_pasid(test, late->sub);
	KUNIT_EXPECT_EQ(test, join(&request), REFUSED);
	v3t_delete_domain(test, late->domain);
	v3t_delete_sub_device(test, late->sub);
	v3t_delete_device(test, late->device);
	expect_answer(late, cookie, true, V3C_REASON_BAD_HANDLE);
}

static const struct v3c_owner leaving = { .name = "leaving" };

static void reclaim_leaving(void *unused)
{
	v3c_reclaim(&leaving, false);
}

static void reclaim_refuses_what_is_deferred(struct kunit *test)
{
	static const struct v3c_domain_config explicit = { .type = V3C_DOMAIN_TRANSLATE };
	static const struct v3c_device_config tagged = { .pasid = true, .tagged = true };
	struct late *late = kunit_kzalloc(test, sizeof(*late), GFP_KERNEL);
	struct v3c_device *device;
	struct v3c_domain *domain;
	struct request request;
	struct v3c_why why;
	u64 cookie;

	KUNIT_ASSERT_NOT_NULL(test, late);
	init_late(test, late);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action(test, reclaim_leaving, NULL));
	KUNIT_ASSERT_EQ(test, 0, (int)v3c_device_create(&leaving, late->pdo, &tagged, &device,
							&why));
	KUNIT_ASSERT_EQ(test, 0, (int)v3c_domain_create(&leaving, &explicit, &domain, &why));
	late->device = (PIOMMU_DMA_DEVICE)device;
	late->domain = (PIOMMU_DMA_DOMAIN)domain;
	ASSERT_V3(test, STATUS_SUCCESS, CreatePasidDevice, late->device, &late->sub, &late->pasid);
	ASSERT_V3(test, STATUS_SUCCESS, AttachPasidDevice, late->domain, late->sub);
	enable(late);
	map_at(late, SZ_1M);
	cookie = defer_one(late, &request, SZ_1M);
	v3c_reclaim(&leaving, false);
	KUNIT_EXPECT_EQ(test, unanswered(late), 0);
	KUNIT_EXPECT_EQ(test, join(&request), REFUSED);
	expect_answer(late, cookie, true, V3C_REASON_BAD_HANDLE);
}

/* Devices that ask, and threads that answer while others detach, disable and remove. */
struct storm {
	struct late *late;
	bool stop;
	atomic_t answered;
	atomic_t refused;
};

static int keep_asking(void *arg)
{
	struct storm *storm = arg;
	struct late *late = storm->late;
	enum iommu_page_response_code response;
	u64 address = SZ_1M;
	int ret;

	while (!READ_ONCE(storm->stop)) {
		ret = iommusim_page_request(late->pdo, late->pasid, &address, 1,
					    IOMMU_FAULT_PERM_WRITE, &response);
		if (ret == -ENODEV || ret == -ENOMEM)
			return ret;
		cond_resched();
	}
	return 0;
}

/* Two of them try each cookie, and one gets it. */
static int keep_answering(void *arg)
{
	struct storm *storm = arg;
	struct late *late = storm->late;
	struct v3c_why why;
	enum v3c_reason reason;
	unsigned int n;
	u64 cookie;

	while (!READ_ONCE(storm->stop)) {
		n = READ_ONCE(late->count);
		cookie = n ? READ_ONCE(late->heard[(n - 1) % QUEUE].cookie) : 0;
		reason = v3c_report_answer((struct v3c_device *)late->device, cookie, true, &why);
		if (!reason)
			atomic_inc(&storm->answered);
		else if (reason == V3C_REASON_BAD_HANDLE)
			atomic_inc(&storm->refused);
		else
			return -EIO;
		cond_resched();
	}
	return 0;
}

/* As tell(), but goes round in late->heard. */
static enum v3c_fault_verdict tell_round(const struct v3c_fault_handler *handler,
					 const struct v3c_fault_report *report)
{
	struct late *late = handler->context;

	scoped_guard(spinlock_irqsave, &late->lock) {
		WRITE_ONCE(late->heard[late->count % QUEUE].cookie, report->cookie);
		WRITE_ONCE(late->count, late->count + 1);
	}
	return report->cookie & 1 ? V3C_FAULT_LATER : V3C_FAULT_AT_RETURN;
}

static struct late *storming_late(struct kunit *test)
{
	struct late *late = new_late(test);

	disable(late);
	late->handler.tell = tell_round;
	map_at(late, SZ_1M);
	enable(late);
	return late;
}

static void begin_storm(struct storm *storm, struct late *late, struct v3t_thread threads[4])
{
	unsigned int i;

	*storm = (struct storm) { .late = late };
	for (i = 0; i < 4; i++)
		v3t_thread_start(&threads[i], i < 2 ? keep_asking : keep_answering, storm);
}

static void end_storm(struct storm *storm, struct v3t_thread threads[4])
{
	struct kunit *test = storm->late->test;
	unsigned int i;

	KUNIT_EXPECT_EQ(test, unanswered(storm->late), 0);
	WRITE_ONCE(storm->stop, true);
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_EQ(test, v3t_thread_join(&threads[i]), 0);
	KUNIT_EXPECT_GT(test, READ_ONCE(storm->late->count), 0);
}

static void answers_meet_detach_and_disable(struct kunit *test)
{
	struct late *late = storming_late(test);
	struct v3t_thread threads[4];
	unsigned int i, told = 0;
	struct storm storm;

	begin_storm(&storm, late, threads);
	for (i = 0; i < ROUNDS; i++) {
		wait_event_timeout(late->changed, READ_ONCE(late->count) > told + 20, HZ / 50);
		told = READ_ONCE(late->count);
		if (i % 3) {
			v3t_detach_pasid(test, late->sub);
			KUNIT_EXPECT_EQ(test, unanswered(late), 0);
			v3t_attach_pasid(test, late->domain, late->sub);
		} else {
			disable(late);
			enable(late);
		}
	}
	v3t_detach_pasid(test, late->sub);
	end_storm(&storm, threads);
	KUNIT_EXPECT_GT(test, atomic_read(&storm.answered), 0);
	KUNIT_EXPECT_GT(test, atomic_read(&storm.refused), 0);
	wait_deferred(late, 0);
}

static void answers_meet_removal(struct kunit *test)
{
	struct v3t_thread threads[4];
	struct storm storm;
	unsigned int i;

	for (i = 0; i < 4; i++) {
		struct late *late = storming_late(test);

		get_device(late->pdo);
		begin_storm(&storm, late, threads);
		wait_event_timeout(late->changed, READ_ONCE(late->count) > 20, HZ / 10);
		v3t_unplug(test, late->pdo);
		end_storm(&storm, threads);
		put_device(late->pdo);
	}
}

static int init(struct kunit *test)
{
	if (!IS_ENABLED(CONFIG_IOMMU_IOPF))
		kunit_skip(test, "this kernel has no page requests");
	return v3t_init(test);
}

static struct kunit_case late_answer_cases[] = {
	KUNIT_CASE(answers_when_it_is_mapped),
	KUNIT_CASE(refuses_what_is_mapped),
	KUNIT_CASE(allows_nothing_that_is_not_mapped),
	KUNIT_CASE(answers_once),
	KUNIT_CASE(at_return_the_cookie_is_gone),
	KUNIT_CASE(may_answer_before_it_returns),
	KUNIT_CASE(defers_a_group_as_one),
	KUNIT_CASE(may_answer_in_the_middle_of_a_group),
	KUNIT_CASE(others_are_told_meanwhile),
	KUNIT_CASE_SLOW(room_counts_what_is_deferred),
	KUNIT_CASE_SLOW(one_more_than_the_queue_is_deferred),
	KUNIT_CASE(detach_refuses_its_own),
	KUNIT_CASE(detach_waits_for_an_answer_under_way),
	KUNIT_CASE_SLOW(refuses_what_has_waited_too_long),
	KUNIT_CASE(nothing_expires_while_the_handler_hears_of_it),
	KUNIT_CASE(disabling_refuses_what_is_deferred),
	KUNIT_CASE(handler_that_ended_answers_nothing_later),
	KUNIT_CASE(removal_refuses_what_is_deferred),
	KUNIT_CASE(nothing_is_deleted_under_it),
	KUNIT_CASE(reclaim_refuses_what_is_deferred),
	KUNIT_CASE_SLOW(answers_meet_detach_and_disable),
	KUNIT_CASE_SLOW(answers_meet_removal),
	{}
};

static struct kunit_suite late_answer_suite = {
	.name = "v3compat_late_answer",
	.init = init,
	.exit = v3t_exit,
	.test_cases = late_answer_cases,
};

kunit_test_suites(&late_answer_suite);
