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

/*
 * One group that was sent. It stays known until it is answered, also when nobody waits any more:
 * an answer that comes late is no mistake, one to a group that never was, or was answered, is.
 */
struct iommusim_request {
	refcount_t users;	/* who waits, and sdev->requests */
	u32 pasid;		/* or IOMMUSIM_NO_PASID */
	u32 group;
	bool over;		/* for who waits; protected by the array's lock, as the next two */
	bool answered;		/* before it was over */
	enum iommu_page_response_code code;
	struct completion done;
};

/* As the core says it. */
static u32 core_pasid(u32 pasid)
{
	return pasid == IOMMUSIM_NO_PASID ? IOMMU_NO_PASID : pasid;
}

/* The first one says how it ended. */
static void end_wait(struct iommusim_request *request, const struct iommu_page_response *response)
{
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

/* From here on the core knows the device as one that makes page requests. */
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

/* Nothing is attached any more, so no request is sent any more. */
void iommusim_requests_disable(struct iommusim_device *sdev)
{
	unsigned long flags, group;
	struct iommusim_request *request;

	if (!sdev->requests_enabled)
		return;
	write_lock_irqsave(&sdev->lock, flags);
	sdev->requests_enabled = false;
	write_unlock_irqrestore(&sdev->lock, flags);

	/* Answers what is still in the core's list. */
	iopf_queue_remove_device(sdev->sim->queue, sdev->dev);

	/* The core cannot pass the answer to a device that is gone: it would crash. */
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
 * After the context of @pasid was switched away from a domain: when this returns, no request for
 * that domain is on its way to its handler, the core's own handler has answered, and nobody waits
 * for an answer of another.
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
			end_wait(request, NULL);
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
	/* Cyclic, so that an answer that comes twice meets nobody else's group. */
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
 * The core answers a group that it cannot pass on, by the first request that it sees. It does not
 * answer one that is not the last and for which it has no memory; the rest of the group goes on.
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
 * The core reads the attach handle of the context without a lock. Whoever switches the context
 * lets the readers of @sleepers go first, so the handle lasts.
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

/* Sends one group and waits until it is answered, or its context is switched. */
int iommusim_send_requests(struct iommusim_device *sdev, u32 pasid, const u64 *addresses,
			   unsigned int count, u32 perm, enum iommu_page_response_code *response)
{
	struct iommusim_request *request = start_request(sdev, pasid, addresses, count, perm);
	int err;

	if (IS_ERR(request))
		return PTR_ERR(request);
	err = wait_for_completion_killable(&request->done) ? -EINTR : 0;
	if (!err) {
		/* Set for good. */
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
		end_wait(request, response);
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
