// SPDX-License-Identifier: GPL-2.0
/* Page requests: what a device sends, and who waits for the answer. */
#include <linux/completion.h>
#include <linux/lockdep.h>
#include <linux/refcount.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "compat.h"
#include "device.h"
#include "instance.h"
#include "request.h"

/**
 * struct iommusim_request - one group of page requests that was sent
 * @users: references of the thread that waits and of sdev->requests
 * @pasid: PASID of the group, or IOMMUSIM_NO_PASID
 * @group: number of the group
 * @over: the wait is over; protected by the lock of sdev->requests, as the next two members
 * @answered: an answer ended the wait
 * @code: the answer, when @answered
 * @done: completed when the wait is @over
 *
 * A group stays in sdev->requests until it is answered, also when no thread waits any more, because
 * an answer that comes late is no mistake, but one to a group that never was, or was answered, is.
 */
struct iommusim_request {
	refcount_t users;
	u32 pasid;
	u32 group;
	bool over;
	bool answered;
	enum iommu_page_response_code code;
	struct completion done;
};

/* IOMMU_NO_PASID is what the core calls IOMMUSIM_NO_PASID. */
static u32 core_pasid(u32 pasid)
{
	return pasid == IOMMUSIM_NO_PASID ? IOMMU_NO_PASID : pasid;
}

/*
 * The first end_wait() says how the wait ended: with @response, or without one when that is NULL.
 */
static void end_wait(struct iommusim_device *sdev, struct iommusim_request *request,
		     const struct iommu_page_response *response)
{
	lockdep_assert_held(&sdev->requests.xa_lock);
	if (request->over)
		return;
	WRITE_ONCE(request->over, true);
	if (response) {
		request->answered = true;
		request->code = response->code;
	}
	complete_all(&request->done);
}

static void put_request(struct iommusim_request *request)
{
	if (refcount_dec_and_test(&request->users))
		kfree(request);
}

/* iopf_queue_add_device() lets the core know the device as one that makes page requests. */
void iommusim_requests_enable(struct device *dev)
{
	struct iommusim_device *sdev = iommusim_to_device(dev);
	unsigned long flags;

	if (!sdev->sim->queue || iopf_queue_add_device(sdev->sim->queue, dev))
		return;
	write_lock_irqsave(&sdev->lock, flags);
	sdev->requests_enabled = true;
	write_unlock_irqrestore(&sdev->lock, flags);
}

/* The caller has cleared each context, so start_request() sends nothing any more. */
void iommusim_requests_disable(struct iommusim_device *sdev)
{
	unsigned long flags, group;
	struct iommusim_request *request;

	if (!sdev->requests_enabled)
		return;
	write_lock_irqsave(&sdev->lock, flags);
	sdev->requests_enabled = false;
	write_unlock_irqrestore(&sdev->lock, flags);

	/* iopf_queue_remove_device() answers the groups that are still in the core's list. */
	iopf_queue_remove_device(sdev->sim->queue, sdev->dev);

	/* iopf_group_response() would crash on a device that is gone. */
	WARN(!xa_empty(&sdev->requests),
	     "iommusim: %s: gone before its page requests were answered\n", dev_name(sdev->dev));
	xa_for_each(&sdev->requests, group, request) {
		xa_erase(&sdev->requests, group);
		atomic64_dec(&sdev->sim->unanswered);
		put_request(request);
	}
}

bool iommusim_takes_requests(struct iommusim_device *sdev, const struct iommu_domain *domain)
{
	lockdep_assert_held(&sdev->lock);
	return sdev->requests_enabled && domain && domain->iopf_handler;
}

/*
 * Follows a switch of the context of @pasid away from a domain: when iommusim_drain_requests()
 * returns, no request for that domain is on its way to its handler, the core's own handler has
 * answered, and no thread waits for the answer of another handler.
 */
void iommusim_drain_requests(struct iommusim_device *sdev, u32 pasid)
{
	struct iommusim_request *request;
	unsigned long group;

	down_write(&sdev->sleepers);
	up_write(&sdev->sleepers);
	if (sdev->requests_enabled)
		iopf_queue_flush_dev(sdev->dev);

	xa_lock(&sdev->requests);
	xa_for_each(&sdev->requests, group, request) {
		if (request->pasid == pasid)
			end_wait(sdev, request, NULL);
	}
	xa_unlock(&sdev->requests);
}

static struct iommusim_request *add_request(struct iommusim_device *sdev, u32 pasid)
{
	struct iommusim_request *request = kzalloc_obj(*request);
	int err;

	if (!request)
		return ERR_PTR(-ENOMEM);
	refcount_set(&request->users, 2);
	request->pasid = pasid;
	init_completion(&request->done);
	/* xa_alloc_cyclic(), because an answer that comes twice must not meet a newer group. */
	err = xa_alloc_cyclic(&sdev->requests, &request->group, request, xa_limit_31b,
			      &sdev->next_group, GFP_KERNEL);
	if (err < 0) {
		kfree(request);
		return ERR_PTR(err);
	}
	atomic64_inc(&sdev->sim->page_requests);
	atomic64_inc(&sdev->sim->unanswered);
	return request;
}

/*
 * request->over ends the report, because the core answers a group that it cannot pass on by the
 * first request that it sees. A request that is not the last, and for which the core has no memory,
 * is not answered; the rest of the group goes on.
 */
static void report_group(struct iommusim_device *sdev, struct iommusim_request *request,
			 const u64 *addresses, unsigned int count, u32 perm)
{
	unsigned int i;

	for (i = 0; i < count && !READ_ONCE(request->over); i++) {
		struct iopf_fault event = {
			.fault = {
				.type = IOMMU_FAULT_PAGE_REQ,
				.prm = {
					.pasid = core_pasid(request->pasid),
					.grpid = request->group,
					.perm = perm,
					.addr = ALIGN_DOWN(addresses[i], SZ_4K),
				},
			},
		};

		if (request->pasid != IOMMUSIM_NO_PASID)
			event.fault.prm.flags |= IOMMU_FAULT_PAGE_REQUEST_PASID_VALID;
		if (i == count - 1)
			event.fault.prm.flags |= IOMMU_FAULT_PAGE_REQUEST_LAST_PAGE;
		iommu_report_device_fault(sdev->dev, &event);
	}
}

static bool context_takes_requests(struct iommusim_device *sdev, u32 pasid)
{
	struct iommusim_context *context;
	unsigned long flags;
	bool takes;

	read_lock_irqsave(&sdev->lock, flags);
	context = iommusim_find_context(sdev, pasid);
	takes = context && iommusim_takes_requests(sdev, context->domain);
	read_unlock_irqrestore(&sdev->lock, flags);
	return takes;
}

/*
 * The caller's context lasts under sdev->sleepers, and with it the attach handle, which the core
 * reads without a lock: iommusim_drain_requests() waits for the readers.
 */
static struct iommusim_request *start_request(struct iommusim_device *sdev, u32 pasid,
					      const u64 *addresses, unsigned int count, u32 perm)
{
	struct iommusim_request *request;

	guard(rwsem_read)(&sdev->sleepers);
	if (!context_takes_requests(sdev, pasid))
		return ERR_PTR(-EOPNOTSUPP);
	request = add_request(sdev, pasid);
	if (!IS_ERR(request))
		report_group(sdev, request, addresses, count, perm);
	return request;
}

/*
 * Sends one group of @count requests and waits until it is answered, its context is switched or a
 * signal kills the caller.
 */
int iommusim_send_requests(struct iommusim_device *sdev, u32 pasid, const u64 *addresses,
			   unsigned int count, u32 perm, enum iommu_page_response_code *response)
{
	struct iommusim_request *request = start_request(sdev, pasid, addresses, count, perm);
	int err;

	if (IS_ERR(request))
		return PTR_ERR(request);
	err = wait_for_completion_killable(&request->done) ? -EINTR : 0;
	if (!err) {
		/* request->answered and request->code are final once the wait is over. */
		if (request->answered)
			*response = request->code;
		else
			err = -ECANCELED;
	}
	put_request(request);
	return err;
}

void iommusim_page_response(struct device *dev, struct iopf_fault *fault,
			    struct iommu_page_response *response)
{
	struct iommusim_device *sdev = iommusim_to_device(dev);
	struct iommusim_request *request;

	xa_lock(&sdev->requests);
	request = xa_load(&sdev->requests, response->grpid);
	if (request && core_pasid(request->pasid) == response->pasid) {
		__xa_erase(&sdev->requests, response->grpid);
		atomic64_dec(&sdev->sim->unanswered);
		end_wait(sdev, request, response);
	} else {
		request = NULL;
	}
	xa_unlock(&sdev->requests);

	if (WARN(!request,
		 "iommusim: %s: answer to page request group %u of PASID %u, which is not open\n",
		 dev_name(dev), response->grpid, response->pasid))
		return;
	put_request(request);
}

/**
 * iommusim_page_request() - let a device send a group of page requests
 * @dev: from iommusim_device_create(); the caller holds a reference
 * @pasid: PASID of the requests, or %IOMMUSIM_NO_PASID
 * @addresses: what is asked for, one request each, in this order; the last one ends the group
 * @count: number of @addresses
 * @perm: any of %IOMMU_FAULT_PERM_READ, _WRITE, _EXEC and _PRIV, the same for all
 * @response: set to the answer when there was one
 *
 * Sends the group whether the addresses are mapped or not, and waits for the answer. A wait ends
 * without one when the PASID is detached or the device goes. An answer after that is still
 * expected, before the device goes, and anything answered twice is a warning.
 *
 * Context: may sleep. Must not be called with locks held that the handler of page requests, or
 * whoever answers them, takes.
 * Return: 0; -EOPNOTSUPP when nobody takes page requests of that device and PASID; -ECANCELED when
 * the wait ended without an answer; -EINTR when a signal kills the caller; -ENOMEM; -EINVAL when
 * @count is 0; -ENODEV when @dev is no simulated device.
 */
int iommusim_page_request(struct device *dev, u32 pasid, const u64 *addresses, unsigned int count,
			  u32 perm, enum iommu_page_response_code *response)
{
	struct iommusim_device *sdev = iommusim_to_device(dev);

	if (!sdev)
		return -ENODEV;
	if (!count)
		return -EINVAL;
	return iommusim_send_requests(sdev, pasid, addresses, count, perm, response);
}
V3C_EXPORT_NS_GPL(iommusim_page_request, IOMMUSIM);
